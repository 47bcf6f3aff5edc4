"""Traces over time."""

from __future__ import annotations

from collections.abc import Hashable, Sequence
from typing import Any

import numpy as np
import numpy.typing as npt
import xarray as xr
from matplotlib.axes import Axes
from matplotlib.colors import is_color_like

from sneuron import errors, labels
from sneuron.analysis.spikes import read_trains
from sneuron.labels import TIME
from sneuron.plot.decimate import FloatArray, decimated
from sneuron.plot.draw import INK, Colours, axes, label, labelled_value, tidy, time_window, values_along

__all__ = ["PlotVolt"]

_MOST = 200
_COLUMNS_PER_PIXEL = 2
_APART = 1.2
_ROW = 0.045

Line = tuple[FloatArray, FloatArray]


def PlotVolt(
    trace: xr.DataArray,
    ax: Axes | None = None,
    spikes: Any = None,
    stack: bool = False,
    color: str | None = None,
    t_start: float | None = None,
    t_stop: float | None = None,
    **kwargs: Any,
) -> Axes:
    """Membrane potentials (or any recorded variable) over time, one line for each trace.

    Parameters
    ----------
    trace : DataArray (..., time)
        The traces; `time` has a coordinate in ms. Lazy traces are thinned chunk by chunk where they are computed, and
        only what is drawn is loaded.
    ax : matplotlib Axes, optional
        Where to draw; a new figure when omitted.
    spikes : DataArray, Dataset or lists, optional
        Spike trains over the same dims, in any layout: ticks above the traces.
    stack : bool, default False
        One trace above the other, with a bar for the scale, instead of all over one another.
    color : str, optional
        A coordinate whose values give the colours, or one colour for all; the dim of the traces when they have one.
    t_start, t_stop : float, ms, optional
        Window, both ends included.
    **kwargs
        Properties of the lines (`lw`, `alpha`, `label`, ...).

    Returns
    -------
    matplotlib Axes
        With labels from the attributes `long_name` and `units`.

    Raises
    ------
    DataError
        No `time` dim or coordinate, nothing in the window, more than 200 traces, or other trains than traces.

    Notes
    -----
    Each pixel column keeps the first, the last, the least and the greatest sample, so the line looks as if all samples
    were drawn, and the peak of no spike is lost.

    Examples
    --------
    >>> time = xr.DataArray(np.arange(0, 100, 0.025), dims="time", attrs={"units": "ms"})
    >>> v = -65 + 10 * np.sin(time / 10).assign_coords(time=time)
    >>> ax = PlotVolt(v.assign_attrs(long_name="membrane potential", units="mV"))
    >>> ax.get_ylabel(), ax.get_xlabel()
    ('membrane potential [mV]', 'time [ms]')
    """
    window = tuple(None if t is None else labels.number(t, "ms", "PlotVolt") for t in (t_start, t_stop))
    shown = time_window(_checked(trace), *window)
    batch = [dim for dim in shown.dims if dim != TIME]
    names = _names(shown, batch)
    ax = axes(ax, 8.0, min(1.2 + 0.7 * len(names), 10.0) if stack else 3.0)
    lines = _thinned(shown, batch, max(1, int(ax.get_window_extent().width)) * _COLUMNS_PER_PIXEL)
    shifts = _shifts(lines) if stack else np.zeros(len(lines))
    colours = _colours(shown, batch, color, names)
    for (time, values), shift, hue in zip(lines, shifts, colours.each, strict=True):
        ax.plot(time, values + shift, **{"color": hue, "lw": 1.0, **kwargs})
    if spikes is not None:
        tops = [float(np.nanmax(values)) + shift for (_, values), shift in zip(lines, shifts, strict=True)]
        _ticks(ax, _rows_of(spikes, shown, batch, *window), colours.each, tops if stack else None)
    if stack:
        _name_stack(ax, lines, shifts, names, str(trace.attrs.get("units", "")))
    else:
        ax.set_ylabel(label(trace))
        if len(names) > 1:
            colours.explain(ax)
    ax.set_xlabel(label(shown[TIME]) if "units" in shown[TIME].attrs else "time [ms]")
    ax.margins(x=0.01)
    tidy(ax)
    return ax


def _checked(trace: Any) -> xr.DataArray:
    if not isinstance(trace, xr.DataArray) or TIME not in trace.dims or TIME not in trace.coords:
        given = f"dims {trace.dims}" if isinstance(trace, xr.DataArray) else f"a {type(trace).__name__}"
        raise errors.DataError("PlotVolt", given, "a DataArray with dims (..., time) and a time coordinate in ms")
    many = trace.size // max(trace.sizes[TIME], 1)
    if many > _MOST:
        mend = "Select some, with isel or sel."
        raise errors.DataError("PlotVolt", f"{many} traces are too many to tell apart", f"up to {_MOST}", mend=mend)
    return trace


def _thinned(shown: xr.DataArray, batch: Sequence[Hashable], columns: int) -> list[Line]:
    """The traces as drawn, in the order of `batch`."""
    if not shown.size:
        raise errors.DataError(
            "PlotVolt", f"there is nothing to draw in {dict(shown.sizes)}", mend="See t_start and t_stop."
        )
    places = np.ndindex(*(shown.sizes[dim] for dim in batch))
    return [decimated(shown.isel(dict(zip(batch, place, strict=True)), drop=True), columns) for place in places]


def _names(shown: xr.DataArray, batch: Sequence[Hashable]) -> list[str]:
    """What each trace is: its place along each dim."""
    of_dims = []
    for dim in batch:
        known = dim in shown.coords
        values = shown[dim].values if known else np.arange(shown.sizes[dim])
        unit = str(shown[dim].attrs.get("units", "")) if known else ""
        of_dims.append([labelled_value(dim, value, unit) for value in values])
    return [
        ", ".join(of_dims[i][at] for i, at in enumerate(place)) for place in np.ndindex(*(len(one) for one in of_dims))
    ]


def _colours(shown: xr.DataArray, batch: Sequence[Hashable], color: str | None, names: list[str]) -> Colours:
    """One colour for all, the values of a coordinate, or a hue for each trace."""
    if color is None and len(batch) == 1 and batch[0] in shown.coords:
        color = str(batch[0])
    if color is not None and color in shown.coords:
        values = values_along(shown[color], shown, batch, "PlotVolt")
        return Colours(values, color, str(shown[color].attrs.get("units", "")))
    if color is not None and not is_color_like(color):
        raise errors.unknown("PlotVolt", "colour or coordinate", color, [str(name) for name in shown.coords])
    if color is not None or len(names) == 1:
        return Colours.one(color or INK, len(names))
    return Colours(np.array(names), "", "")


def _shifts(lines: Sequence[Line]) -> FloatArray:
    """How far each stacked trace is lifted; the first is on top."""
    height = max(float(np.nanmax(values) - np.nanmin(values)) for _, values in lines) or 1.0
    return -height * _APART * np.arange(len(lines), dtype=np.float64)


def _rows_of(
    spikes: Any, shown: xr.DataArray, batch: Sequence[Hashable], start: float | None = None, stop: float | None = None
) -> list[FloatArray]:
    """The spike times of each trace."""
    trains, numbers = read_trains(spikes, start, stop)
    if numbers.ndim == len(batch) and set(numbers.dims) != set(batch) and not numbers.coords:
        numbers = numbers.rename(dict(zip(numbers.dims, batch, strict=True)))
    if set(numbers.dims) != set(batch) or any(numbers.sizes[dim] != shown.sizes[dim] for dim in batch):
        given = f"spike trains over {dict(numbers.sizes)}"
        raise errors.DataError(
            "PlotVolt", given, f"trains over { ({dim: shown.sizes[dim] for dim in batch}) }, as the traces"
        )
    each = list(trains.each())
    return [each[row] for row in numbers.transpose(*batch).values.ravel()]


def _ticks(ax: Axes, rows: Sequence[FloatArray], colours: npt.NDArray[Any], tops: Sequence[float] | None) -> None:
    """A tick for each spike: above its own trace where they are stacked, else in rows above all."""
    low, high = ax.get_ylim()
    if tops is None:
        step = (high - low) * _ROW
        tops = [high + step * (len(rows) - 1 - i) for i in range(len(rows))]
        ax.set_ylim(low, high + step * len(rows))
    else:
        tops = [top + (high - low) / len(rows) * 2 * _ROW for top in tops]
    for times, hue, top in zip(rows, colours, tops, strict=True):
        ax.plot(times, np.full(times.size, top), "|", color=hue, ms=6, mew=1.0, clip_on=False)


def _name_stack(ax: Axes, lines: Sequence[Line], shifts: FloatArray, names: Sequence[str], unit: str) -> None:
    """The name of each stacked trace at its side, and a bar for the scale."""
    middles = [float(np.nanmedian(values)) + shift for (_, values), shift in zip(lines, shifts, strict=True)]
    ax.set_yticks(middles, names if len(names) > 1 else [""] * len(names))
    ax.tick_params(axis="y", length=0)
    ax.spines["left"].set_visible(False)
    height = max(float(np.nanmax(values) - np.nanmin(values)) for _, values in lines)
    if not height > 0:
        return
    bar = 10 ** np.floor(np.log10(height))
    bar *= next(step for step in (5, 2, 1) if step * bar <= height)
    low = float(np.nanmin(lines[-1][1])) + shifts[-1]
    side = ax.get_yaxis_transform()
    ax.plot([1.01, 1.01], [low, low + bar], color=INK, lw=2, transform=side, clip_on=False, solid_capstyle="butt")
    ax.text(1.02, low + bar / 2, f"{bar:g} {unit}".rstrip(), transform=side, va="center", color=INK)
