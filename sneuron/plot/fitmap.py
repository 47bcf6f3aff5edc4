"""The picture of a study that is scored against a recording: map, rasters, traces."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

import numpy as np
import xarray as xr
from matplotlib.axes import Axes
from matplotlib.colors import to_hex
from matplotlib.figure import Figure
from matplotlib.lines import Line2D

from sneuron import errors
from sneuron.labels import SPIKE, SPIKE_TIME, TIME
from sneuron.plot.draw import Colours, labelled_value
from sneuron.plot.map import PlotMap
from sneuron.plot.raster import PlotRaster
from sneuron.plot.volt import PlotVolt

__all__ = ["PlotFitMap"]

CELL, MODEL = "cell", "model"
_RING = "#d62728"


def PlotFitMap(
    score: xr.DataArray,
    x: str,
    y: str,
    best: Mapping[str, float],
    model: xr.Dataset,
    recorded: xr.Dataset,
    sweeps: Sequence[int] = (0,),
    order: str = "largest",
    others: str = "best",
) -> Figure:
    """Where in parameter space a model behaves like a recorded cell, and how it behaves there.

    Parameters
    ----------
    score : DataArray
        One score a point, over the parameters' dims.
    x, y : str
        The two parameters of the map.
    best : mapping of str to float
        Values of the parameters at the best point.
    model, recorded : Dataset
        `v` (mV, dims (..., time)) and `spike_time` (ms, dims (..., spike)) of the best point and of the cell, with the
        same dims (sweeps) besides time and spike.
    sweeps : sequence of int
        Which sweeps' traces are drawn, counted from 0.
    order : str
        "largest" or "smallest" score is best.
    others : str
        What is shown of dims other than `x` and `y`: in each cell the "best" score that they allow, or the plane
        through the best point ("at best").

    Returns
    -------
    matplotlib.figure.Figure
        Not bound to any window; save it with `savefig`.

    Raises
    ------
    UnknownNameError
        `x` or `y` is no dim of the score.
    DataError
        A number of a sweep that there is not.
    """
    many = int(np.prod([n for d, n in recorded["v"].sizes.items() if d != TIME]))
    if not all(0 <= sweep < many for sweep in sweeps):
        raise errors.DataError("PlotFitMap", f"sweeps {list(sweeps)}", f"numbers from 0 to {many - 1}")
    figure = Figure(figsize=(12, 5 + 2 * len(sweeps)), layout="constrained")
    rows = figure.add_gridspec(1 + len(sweeps), 2, height_ratios=[3] + [1.3] * len(sweeps), width_ratios=[1, 1.15])
    draw_map(figure.add_subplot(rows[0, 0]), reduced(score, x, y, order, others), x, y, best)
    draw_rasters(figure.add_subplot(rows[0, 1]), recorded[SPIKE_TIME], model[SPIKE_TIME])
    for row, sweep in enumerate(sweeps, 1):
        draw_traces(figure.add_subplot(rows[row, :]), one_sweep(model["v"], sweep), one_sweep(recorded["v"], sweep))
    return figure


def reduced(score: xr.DataArray, x: str, y: str, order: str = "largest", others: str = "best") -> xr.DataArray:
    """The score over `y` and `x` alone; points without a score do not count.

    >>> score = xr.DataArray([[[1.0, 5.0], [4.0, 2.0]]], dims=("a", "b", "c"))
    >>> reduced(score, "b", "a").values.tolist(), reduced(score, "b", "a", others="at best").values.tolist()
    ([[5.0, 4.0]], [[5.0, 2.0]])
    """
    for name in (x, y):
        if name not in score.dims:
            raise errors.unknown("PlotFitMap", "parameter", name, [str(d) for d in score.dims])
    rest = [d for d in score.dims if d not in (x, y)]
    if others == "best":
        best = score.max(rest, keep_attrs=True) if order == "largest" else score.min(rest, keep_attrs=True)
    else:
        worth = (score if order == "largest" else -score).fillna(-np.inf).values
        place = np.unravel_index(int(worth.argmax()), worth.shape)
        best = score.isel({d: int(i) for d, i in zip(score.dims, place, strict=True) if d in rest})
    return best.transpose(y, x)


def draw_map(ax: Axes, score: xr.DataArray, x: str, y: str, best: Mapping[str, float]) -> None:
    """The map with a ring at the best point."""
    PlotMap(score, x, y, ax)
    ax.plot(best[x], best[y], "o", mfc="none", mec=_RING, mew=2, ms=12)
    coords = [c for n, c in score.coords.items() if c.ndim == 0 and n in best]
    plane = ", ".join(labelled_value(str(c.name), c.item(), str(c.attrs.get("units", ""))) for c in coords)
    ax.set_title(f"plane through the best point: {plane}" if plane else "", fontsize="medium")


def draw_rasters(ax: Axes, cell: xr.DataArray, model: xr.DataArray) -> None:
    """Spikes of both, sweep by sweep, the cell's train above the model's."""
    both = side_by_side(cell, model)
    PlotRaster(both, ax, color="of")
    sweeps = [d for d in cell.dims if d != SPIKE]
    if len(sweeps) == 1:
        names = both[sweeps[0]].values if sweeps[0] in both.coords else np.arange(both.sizes[sweeps[0]])
        ax.set_yticks(0.5 + 2 * np.arange(len(names)), [str(name) for name in names])
        ax.set_ylabel(str(sweeps[0]))
    ax.set_title("spikes of the cell and of the best point", loc="left", fontsize="medium")
    lines = [Line2D([], [], color=hue, lw=2) for hue in hues()]
    ax.legend(lines, [CELL, MODEL], frameon=False, ncols=2, loc="lower right", bbox_to_anchor=(1.0, 0.99))


def side_by_side(cell: xr.DataArray, model: xr.DataArray) -> xr.DataArray:
    """Both sets of spike trains with a last dim `of`, so that each cell's train lies above its model's."""
    room = max(cell.sizes[SPIKE], model.sizes[SPIKE])
    wide = [t.pad({SPIKE: (0, room - t.sizes[SPIKE])}, constant_values=np.nan) for t in (model, cell)]
    both = xr.concat(wide, xr.Variable("of", [MODEL, CELL]), coords="minimal", compat="override", join="override")
    return both.transpose(..., "of", SPIKE).assign_attrs(cell.attrs)


def draw_traces(ax: Axes, model: xr.DataArray, recorded: xr.DataArray) -> None:
    """Voltage of the best point over the recording."""
    cell_hue, model_hue = hues()
    PlotVolt(recorded, ax, color=cell_hue, lw=0.9)
    PlotVolt(model, ax, color=model_hue, lw=0.7)
    names = [labelled_value(str(n), c.item()) for n, c in recorded.coords.items() if n != TIME and c.ndim == 0]
    ax.set_title(", ".join(names), loc="left", fontsize="medium")


def hues() -> list[str]:
    """The colours of cell and model in all panels."""
    return [to_hex(hue) for hue in Colours(np.array([CELL, MODEL]), "", "").each]


def one_sweep(voltage: xr.DataArray, number: int) -> xr.DataArray:
    """One trace of all, counted in the order of the dims."""
    dims = [d for d in voltage.dims if d != TIME]
    place = np.unravel_index(number, [voltage.sizes[d] for d in dims]) if dims else ()
    return voltage.isel({d: int(i) for d, i in zip(dims, place, strict=True)})
