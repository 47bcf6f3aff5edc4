"""Many runs side by side, each with its stimulus."""

from __future__ import annotations

import math

import numpy as np
import xarray as xr
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.gridspec import SubplotSpec
from matplotlib.ticker import MaxNLocator

from sneuron import errors
from sneuron.labels import SPIKE_TIME, TIME
from sneuron.plot.decimate import decimated
from sneuron.plot.draw import INK

__all__ = ["PlotAtlas"]

LEVEL = "spike_level"
_DRIVE, _FAINT, _MOVING = "#d1495b", "#7b8794", "#0f6fb3"
_WIDTH, _HEIGHT, _HEADING, _EDGE = 3.3, 1.75, 0.45, 0.35
"""Inches of a panel, of a heading, and around all of them."""
_COLUMNS = 1500


def PlotAtlas(atlas: xr.DataTree, columns: int = 4) -> Figure:
    """Every run of a tree as one labelled panel: the voltage, its threshold when that moves, and the injected current.

    Parameters
    ----------
    atlas : DataTree
        Groups of runs, or runs; each a dataset with `v(time)` and `i_stim(time)` whose attributes say their units,
        and, for spikes that are drawn to their peak, `spike_time(spike)` in ms and `spike_level(spike)` in mV. Names of
        groups and runs are the titles.
    columns : int
        How many panels stand side by side.

    Returns
    -------
    matplotlib.figure.Figure
        Not bound to any window; save it with `savefig`.

    Raises
    ------
    DataError
        When there is no run in the tree, or one lacks `v` or `i_stim`.
    ParameterError
        When `columns` is no number of panels.

    Notes
    -----
    A neuron that resets never shows its peak in a sampled trace; where `spike_level` says how far a spike goes, the
    line goes there at the time of the spike.

    Examples
    --------
    >>> time = xr.DataArray([0.0, 1.0, 2.0], dims="time", attrs={"units": "ms"})
    >>> v = xr.DataArray([-70.0, -60.0, -65.0], {"time": time}, attrs={"units": "mV"})
    >>> run = xr.Dataset({"v": v, "i_stim": v.copy(data=[0.0, 1.0, 0.0]).assign_attrs(units="pA")})
    >>> figure = PlotAtlas(xr.DataTree.from_dict({"group/one": run, "group/two": run}), columns=2)
    >>> [ax.get_title(loc="left") for ax in figure.axes if ax.get_title(loc="left")]
    ['group', 'one', 'two']
    """
    if not 1 <= columns <= 100:
        raise errors.ParameterError("PlotAtlas: 'columns'", f"{columns!r} is no number of panels", "1 to 100")
    groups = _groups(atlas)
    rows = [math.ceil(len(runs) / columns) for runs in groups.values()]
    ratios = [height for many in rows for height in (_HEADING, *[_HEIGHT] * many)]
    width, height = columns * _WIDTH + 2 * _EDGE, sum(ratios) + 2 * _EDGE
    figure = Figure(figsize=(width, height))
    edges = {"left": _EDGE / width, "right": 1 - _EDGE / width, "bottom": _EDGE / height, "top": 1 - _EDGE / height}
    grid = figure.add_gridspec(len(ratios), columns, height_ratios=ratios, wspace=0.0, hspace=0.0, **edges)
    row = 0
    for (title, runs), many in zip(groups.items(), rows, strict=True):
        _head(figure.add_subplot(grid[row, :]), title)
        for number, (name, run) in enumerate(runs.items()):
            _panel(figure, grid[row + 1 + number // columns, number % columns], name, run)
        row += 1 + many
    return figure


def _groups(atlas: xr.DataTree) -> dict[str, dict[str, xr.Dataset]]:
    """Runs by title, by the title of their group; runs of the root have none."""
    found: dict[str, dict[str, xr.Dataset]] = {}
    for leaf in atlas.leaves:
        run = leaf.to_dataset()
        lacking = [name for name in ("v", "i_stim") if name not in run]
        if lacking:
            raise errors.DataError(
                "PlotAtlas", f"node {leaf.path!r} has no {lacking[0]!r}", mend="RunSim(..., record=['v', 'i_stim'])"
            )
        found.setdefault(leaf.path.rpartition("/")[0].strip("/"), {})[leaf.name or ""] = run
    return found


def _head(ax: Axes, title: str) -> None:
    """The title of a group over the whole width."""
    ax.set_axis_off()
    ax.set_title(title, loc="left", y=0.25, fontsize=13, color=INK, fontweight="bold")


def _panel(figure: Figure, place: SubplotSpec, title: str, run: xr.Dataset) -> None:
    """One run: voltage above, current below."""
    inner = place.subgridspec(
        4, 2, height_ratios=[0.32, 1.0, 0.22, 0.24], width_ratios=[0.25, 1.0], hspace=0.12, wspace=0
    )
    above = figure.add_subplot(inner[1, 1])
    below = figure.add_subplot(inner[2, 1], sharex=above)
    above.set_title(title, loc="left", fontsize=9, color=INK, pad=4)
    _voltage(above, run)
    _current(below, run["i_stim"])
    for ax in (above, below):
        ax.spines[["top", "right", "bottom"]].set_visible(False)
        ax.spines["left"].set_color(_FAINT)
        ax.tick_params(axis="y", labelsize=6.5, colors=_FAINT, length=2, pad=1.5)
        ax.tick_params(axis="x", length=0, labelsize=6.5, colors=_FAINT, pad=2, labelbottom=ax is below)


def _voltage(ax: Axes, run: xr.Dataset) -> None:
    """The voltage with its spikes, and whatever else is recorded in its unit."""
    for name, trace in run.data_vars.items():
        if (
            trace.dims == (TIME,)
            and name not in ("v", "i_stim")
            and trace.attrs.get("units") == run["v"].attrs.get("units")
        ):
            ax.plot(*decimated(trace, _COLUMNS), color=_MOVING, lw=0.7, ls=(0, (4, 2)))
    ax.plot(*decimated(_peaked(run), _COLUMNS), color=INK, lw=0.8)
    ax.yaxis.set_major_locator(MaxNLocator(2, steps=[1, 2, 5, 10]))
    ax.margins(x=0.01, y=0.06)
    ticks = [tick for tick in ax.get_yticks() if ax.get_ylim()[0] <= tick <= ax.get_ylim()[1]]
    ax.set_yticks(ticks, _with_unit(ticks, str(run["v"].attrs.get("units", ""))))


def _peaked(run: xr.Dataset) -> xr.DataArray:
    """The voltage, with a sample more at each spike that says how far it goes."""
    v = run["v"]
    if SPIKE_TIME not in run or LEVEL not in run:
        return v
    here = np.isfinite(run[SPIKE_TIME].values)
    times = np.concatenate([v[TIME].values, run[SPIKE_TIME].values[here]])
    values = np.concatenate([v.values, run[LEVEL].values[here]])
    order = np.argsort(times, kind="stable")
    return xr.DataArray(values[order], {TIME: times[order]}, [TIME])


def _current(ax: Axes, current: xr.DataArray) -> None:
    """The injected current, its least and greatest value, and how long it all lasts."""
    ax.plot(*decimated(current, _COLUMNS), color=_DRIVE, lw=1.0)
    low, high = float(current.min()), float(current.max())
    ticks = [low, high] if high > low else [high]
    ax.set_yticks(ticks, _with_unit(ticks, str(current.attrs.get("units", ""))))
    room = 0.15 * (high - low) or 1.0
    ax.set_ylim(low - room, high + room)
    start, stop = (float(t) for t in current[TIME].values[[0, -1]])
    unit = str(current[TIME].attrs.get("units", "ms"))
    ax.set_xticks([start, stop], [f"{start:g}", f"{stop:g} {unit}"])
    first, last = ax.get_xticklabels()
    first.set_horizontalalignment("left")
    last.set_horizontalalignment("right")


def _with_unit(ticks: list[float], unit: str) -> list[str]:
    """Labels of ticks; the last one says the unit."""
    texts = [f"{tick:.4g}" for tick in ticks]
    return [*texts[:-1], f"{texts[-1]} {unit}".rstrip()]
