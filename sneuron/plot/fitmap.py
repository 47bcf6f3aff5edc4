"""The picture of a study that is scored against a recording: map, rasters, traces."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Any

import numpy as np
import xarray as xr

from sneuron import errors
from sneuron.labels import SPIKE, TIME

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure

__all__ = ["PlotFitMap"]

MODEL, RECORDED = "#c03d1c", "#222222"


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
        `v` (mV, dims (sweep, time)) and `spike_time` (ms, dims (sweep, spike)) of the best point and of the cell;
        without a dim besides time (spike), one sweep.
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
    """
    from matplotlib.figure import Figure

    figure = Figure(figsize=(11, 5 + 1.9 * len(sweeps)), layout="constrained")
    rows = figure.add_gridspec(1 + len(sweeps), 2, height_ratios=[3.2] + [1.3] * len(sweeps))
    draw_map(figure.add_subplot(rows[0, 0]), reduced(score, x, y, order, others), x, y, best)
    pair = rasters(figure.add_subplot(rows[0, 1]), model, recorded)
    pair.set_title("spikes of the best point and of the cell")
    for row, sweep in enumerate(sweeps, 1):
        draw_traces(
            figure.add_subplot(rows[row, :]), one_sweep(model, sweep), one_sweep(recorded, sweep), first=row == 1
        )
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
    """The map with a ring at the best point; cells without a score stay grey."""
    ax.set_facecolor("#bbbbbb")
    mesh = ax.pcolormesh(score[x].values, score[y].values, score.values, shading="nearest", rasterized=True)
    ax.figure.colorbar(mesh, ax=ax, label=str(score.attrs.get("long_name", score.name)))
    ax.plot(best[x], best[y], "o", mfc="none", mec=MODEL, mew=2, ms=11)
    ax.set(xlabel=titled(score[x]), ylabel=titled(score[y]))
    planes = [f"{n} = {v.item():g}" for n, v in score.coords.items() if v.ndim == 0 and n in best]
    ax.set_title(f"plane through the best point: {', '.join(planes)}" if planes else "", fontsize="medium")


def rasters(ax: Axes, model: xr.Dataset, recorded: xr.Dataset) -> Axes:
    """Spikes of model and recording, one above the other, sweep by sweep."""
    pairs = [(recorded, RECORDED, "cell", 0.2), (model, MODEL, "model", -0.2)]
    for data, colour, name, offset in pairs:
        trains = np.atleast_2d(data["spike_time"].transpose(..., SPIKE).values)
        trains = trains.reshape(-1, trains.shape[-1])
        ax.eventplot(
            [train[np.isfinite(train)] for train in trains],
            lineoffsets=list(np.arange(len(trains)) + offset),
            linelengths=0.36,
            linewidths=0.8,
            colors=colour,
            label=name,
        )
    sweeps = [str(v) for v in sweep_labels(recorded)]
    ax.set_yticks(range(len(sweeps)), sweeps)
    ax.set(xlabel="time [ms]", ylabel="sweep")
    handles, names = ax.get_legend_handles_labels()
    by_name = dict(zip(names, handles, strict=True))
    ax.legend(by_name.values(), by_name.keys(), loc="upper right", ncols=2)
    return ax


def draw_traces(ax: Axes, model: xr.Dataset, recorded: xr.Dataset, first: bool) -> None:
    """Voltage of the best point over the recording."""
    ax.plot(recorded[TIME].values, recorded["v"].values, color=RECORDED, lw=0.8, label="cell")
    ax.plot(model[TIME].values, model["v"].values, color=MODEL, lw=0.8, alpha=0.85, label="model")
    ax.set(xlabel="time [ms]", ylabel="v [mV]", xlim=(float(recorded[TIME][0]), float(recorded[TIME][-1])))
    names = [f"{d} {recorded[d].item()}" for d in recorded.coords if d != TIME and recorded[d].ndim == 0]
    ax.set_title(", ".join(str(n) for n in names), loc="left", fontsize="medium")
    if first:
        ax.legend(loc="upper right", ncols=2)


def one_sweep(data: xr.Dataset, number: int) -> xr.Dataset:
    """One sweep of a dataset by number; the dataset itself when it has one only."""
    dims = [d for d in data["v"].dims if d != TIME]
    return data.isel(dict.fromkeys(dims[:1], number))


def sweep_labels(data: xr.Dataset) -> Sequence[Any]:
    """What the sweeps are called."""
    dims = [d for d in data["spike_time"].dims if d != SPIKE]
    return list(data[dims[0]].values) if dims else ["0"]


def titled(coord: xr.DataArray) -> str:
    """A coordinate's name with its unit."""
    unit = str(coord.attrs.get("units", ""))
    return f"{coord.name} [{unit}]" if unit not in ("", "1") else str(coord.name)
