"""Spikes over time, a row for each train."""

from __future__ import annotations

from collections.abc import Hashable
from typing import Any

import numpy as np
import numpy.typing as npt
import xarray as xr
from matplotlib.axes import Axes
from matplotlib.collections import LineCollection
from matplotlib.colors import LogNorm, is_color_like
from matplotlib.ticker import MaxNLocator

from sneuron import errors
from sneuron.analysis.spikes import Trains, read_trains
from sneuron.plot.draw import GREY, INK, Colours, axes, axis_label, tidy, values_along

__all__ = ["PlotRaster"]

_MANY = 1_000_000
_BINS = 150
_NAMED_ROWS = 30
_HEIGHT = 0.8


def PlotRaster(
    spikes: Any,
    ax: Axes | None = None,
    sort: str | None = None,
    color: str | None = None,
    rate: bool = False,
    density: bool | None = None,
    t_start: float | None = None,
    t_stop: float | None = None,
    **kwargs: Any,
) -> Axes:
    """Spikes over time: a row for each train, a mark for each spike.

    Parameters
    ----------
    spikes : DataArray (..., spike) in ms, NaN-padded; event Dataset; boolean raster (..., time); array or lists
        Spike trains; each point of their dims is a row, the first at the bottom.
    ax : matplotlib Axes, optional
        Where to draw; a new figure when omitted.
    sort : str, optional
        Order of the rows from the bottom: "rate", or a coordinate of the trains.
    color : str, optional
        A coordinate of the trains whose values give the colours, or one colour for all.
    rate : bool, default False
        Whether to add a strip above with the mean rate of all rows, in 150 bins.
    density : bool, optional
        Whether to draw the number of spikes on each pixel instead of marks; above a million spikes when omitted.
    t_start, t_stop : float, ms, optional
        Window, both ends included; what the data state when omitted.
    **kwargs
        Properties of the marks (a LineCollection's) or of the density (a QuadMesh's).

    Returns
    -------
    matplotlib Axes
        The raster; the strip, if any, is the last of its `child_axes`.

    Raises
    ------
    DataError
        Times that do not ascend, lie outside the recording, or have NaN before the last spike.

    Examples
    --------
    >>> ax = PlotRaster([[10.0, 40.0], [25.0]], t_stop=50.0)
    >>> len(ax.collections[0].get_segments())
    3
    """
    trains, numbers = read_trains(spikes, t_start, t_stop)
    order = _order(trains, numbers, sort)
    row = np.argsort(order)[trains.row]
    ax = axes(ax, 8.0, 3.2 + 0.8 * rate)
    limits = _limits(trains)
    if density if density is not None else trains.times.size > _MANY:
        if color is not None:
            raise errors.ParameterError("PlotRaster", f"a density has no colours by {color!r}", mend="Leave color out.")
        _dense(ax, trains.times, row, order.size, limits, kwargs)
    else:
        _marks(ax, trains, row, _colours(numbers, color), kwargs)
    ax.set_xlim(*limits)
    ax.set_ylim(-0.5, max(order.size, 1) - 0.5)
    ax.set_xlabel("time [ms]")
    _name_rows(ax, numbers, order, sort)
    tidy(ax)
    if rate:
        _strip(ax, trains, limits)
    return ax


def _order(trains: Trains, numbers: xr.DataArray, sort: str | None) -> npt.NDArray[np.intp]:
    """The trains from the bottom row to the top."""
    if sort is None:
        return np.arange(trains.failed.size)
    if sort == "rate":
        return np.argsort(trains.count, kind="stable")
    if sort not in numbers.coords:
        names = ["rate", *map(str, numbers.coords)]
        raise errors.unknown("PlotRaster", "order", sort, names)
    return np.argsort(values_along(numbers[sort], numbers, numbers.dims, "PlotRaster"), kind="stable")


def _colours(numbers: xr.DataArray, color: str | None) -> Colours:
    if color is not None and color in numbers.coords:
        values = values_along(numbers[color], numbers, numbers.dims, "PlotRaster")
        return Colours(values, color, str(numbers[color].attrs.get("units", "")))
    if color is not None and not is_color_like(color):
        raise errors.unknown("PlotRaster", "colour or coordinate", color, [str(name) for name in numbers.coords])
    return Colours.one(color or INK, numbers.size)


def _limits(trains: Trains) -> tuple[float, float]:
    """The window, or what the spikes span with a little room."""
    low = trains.times.min(initial=0.0) if trains.start is None else trains.start
    high = trains.times.max(initial=low) if trains.stop is None else trains.stop
    return float(low), float(high if high > low else low + 1.0)


def _marks(ax: Axes, trains: Trains, row: npt.NDArray[np.intp], colours: Colours, kwargs: dict[str, Any]) -> None:
    """A line for each spike."""
    ends: Any = np.empty((trains.times.size, 2, 2))
    ends[:, :, 0] = trains.times[:, None]
    ends[:, 0, 1], ends[:, 1, 1] = row - _HEIGHT / 2, row + _HEIGHT / 2
    given = {"colors": colours.each[trains.row], "linewidths": 0.9, **kwargs}
    ax.add_collection(LineCollection(ends, **given), autolim=False)
    colours.explain(ax)


def _dense(
    ax: Axes,
    times: npt.NDArray[np.float64],
    row: npt.NDArray[np.intp],
    rows: int,
    limits: tuple[float, float],
    kwargs: dict[str, Any],
) -> None:
    """The number of spikes on each pixel, or in each row where rows are higher than pixels."""
    box = ax.get_window_extent()
    across, up = max(1, int(box.width)), max(1, min(rows, int(box.height)))
    counts, x, y = np.histogram2d(times, row, (across, up), (limits, (-0.5, rows - 0.5)))
    shown = np.ma.masked_equal(counts.T, 0)
    norm = LogNorm(1, max(float(counts.max()), 2.0))
    mesh = ax.pcolormesh(x, y, shown, **{"norm": norm, "cmap": "viridis_r", "rasterized": True, **kwargs})
    bar = ax.figure.colorbar(mesh, ax=ax, pad=0.02, aspect=30)
    bar.set_label("spikes per pixel")
    bar.outline.set_visible(False)


def _name_rows(ax: Axes, numbers: xr.DataArray, order: npt.NDArray[np.intp], sort: str | None) -> None:
    """What a row is; each row by name where the trains have names and there are few."""
    by = "" if sort is None else f", by {sort}"
    ax.yaxis.set_major_locator(MaxNLocator(integer=True, nbins=6))
    if numbers.ndim != 1:
        ax.set_ylabel((" x ".join(map(str, numbers.dims)) or "spikes") + by)
        if not numbers.ndim:
            ax.set_yticks([])
        return
    dim: Hashable = numbers.dims[0]
    ax.set_ylabel((axis_label(numbers[dim]) if dim in numbers.coords else str(dim)) + by)
    if dim in numbers.coords and order.size <= _NAMED_ROWS:
        values = numbers[dim].values[order]
        names = [f"{v:.4g}" if isinstance(v, float | np.floating) else str(v) for v in values]
        ax.set_yticks(np.arange(order.size), names)


def _strip(ax: Axes, trains: Trains, limits: tuple[float, float]) -> None:
    """The mean rate of all rows, above the raster."""
    counts, edges = np.histogram(trains.times, _BINS, limits)
    mean = counts / (np.diff(edges) * max(trains.failed.size - int(trains.failed.sum()), 1)) * 1000
    strip = ax.inset_axes((0.0, 1.04, 1.0, 0.3), sharex=ax)
    strip.stairs(mean, edges, fill=True, color=GREY)
    strip.stairs(mean, edges, color=INK, lw=0.8)
    strip.set_ylabel("rate [Hz]")
    strip.set_ylim(bottom=0)
    strip.tick_params(labelbottom=False)
    tidy(strip)
