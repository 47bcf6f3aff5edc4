"""What all figures share: axes, labels from attributes, colours of groups."""

from __future__ import annotations

from collections.abc import Hashable, Mapping, Sequence
from typing import Any

import matplotlib.pyplot as plt
import numpy as np
import numpy.typing as npt
import xarray as xr
from matplotlib.axes import Axes
from matplotlib.cm import ScalarMappable
from matplotlib.colors import ListedColormap, Normalize, to_rgba_array
from matplotlib.lines import Line2D

from sneuron import errors
from sneuron.labels import TIME

__all__ = [
    "GREY",
    "INK",
    "Colours",
    "axes",
    "axis_label",
    "label",
    "labelled_value",
    "spread",
    "tidy",
    "time_window",
    "values_along",
]

INK, GREY = "#1f2933", "#d9dde1"
"""Colours of what has no colour of its own, and of what is not there."""

_GROUPS = ("#0f6fb3", "#d1495b", "#2e933c", "#8f5fbf", "#d98c00", "#3aa6b9", "#7a5230", "#5c6b73")
_SCALE = ListedColormap(plt.get_cmap("viridis")(np.linspace(0.0, 0.9, 256)), "lines")
"""Of viridis what can be seen as a thin line on white."""

_NAMED = 16


def axes(ax: Axes | None, width: float, height: float) -> Axes:
    """The given axes, or new ones of this size in inches."""
    if ax is not None:
        return ax
    return plt.subplots(figsize=(width, height), layout="constrained")[1]


def tidy(ax: Axes) -> None:
    """No frame where there is no scale."""
    ax.spines[["top", "right"]].set_visible(False)


def label(array: xr.DataArray) -> str:
    """What a variable is and its unit: `long_name [units]`, or its name.

    >>> label(xr.DataArray(0.0, name="v", attrs={"long_name": "membrane potential", "units": "mV"}))
    'membrane potential [mV]'
    """
    name = str(array.attrs.get("long_name", "" if array.name is None else array.name))
    return f"{name}{_bracketed(str(array.attrs.get('units', '')))}"


def axis_label(coord: xr.DataArray) -> str:
    """A swept parameter by name, then what it is: two parameters may both be a maximal conductance.

    >>> attrs = {"long_name": "maximal conductance", "units": "mS/cm2"}
    >>> axis_label(xr.DataArray([80.0], name="gNa", dims="gNa", attrs=attrs))
    'gNa, maximal conductance [mS/cm2]'
    """
    text = label(coord)
    return text if text.startswith(str(coord.name)) else f"{coord.name}, {text}"


def labelled_value(name: Hashable, value: Any, unit: str = "") -> str:
    """A coordinate's name and value, short.

    >>> labelled_value("gNa", 120.00000001, "mS/cm2")
    'gNa = 120 mS/cm2'
    """
    text = f"{value:.4g}" if isinstance(value, float | np.floating) else str(value)
    return f"{name} = {text} {'' if unit == '1' else unit}".rstrip()


def time_window(array: xr.DataArray, start: float | None, stop: float | None) -> xr.DataArray:
    """The part of a trace between two times, both included, nothing loaded."""
    time = np.asarray(array[TIME].values, np.float64)
    low = 0 if start is None else int(np.searchsorted(time, start, "left"))
    high = time.size if stop is None else int(np.searchsorted(time, stop, "right"))
    return array.isel({TIME: slice(low, high)})


def values_along(coord: xr.DataArray, array: xr.DataArray, dims: Sequence[Hashable], where: str) -> npt.NDArray[Any]:
    """A coordinate's value for each thing over `dims` of `array`, in order."""
    if not set(coord.dims) <= set(dims):
        raise errors.DataError(where, f"coordinate {coord.name!r} has dims {coord.dims}", f"some of {tuple(dims)}")
    return spread(coord, {dim: array.sizes[dim] for dim in dims}).ravel()


def spread(array: xr.DataArray, sizes: Mapping[Hashable, int]) -> npt.NDArray[Any]:
    """The values of `array` over all of `sizes`, in their order."""
    own = array.transpose(*[dim for dim in sizes if dim in array.dims])
    shape = [size if dim in array.dims else 1 for dim, size in sizes.items()]
    return np.broadcast_to(np.asarray(own.values).reshape(shape), tuple(sizes.values()))


class Colours:
    """Colours of things by the values of a coordinate: a hue each for names and for a few numbers, else a scale.

    Parameters
    ----------
    values : ndarray, 1-D
        The coordinate's value of each thing drawn.
    name, unit : str
        What it is; the values speak for themselves when the name is empty.
    """

    def __init__(self, values: npt.NDArray[Any], name: str, unit: str) -> None:
        self.name, self.unit = name, unit
        self.groups, place = np.unique(values, return_inverse=True)
        numbers = np.issubdtype(values.dtype, np.number)
        self.scaled = bool(numbers and self.groups.size > len(_GROUPS))
        self._norm = Normalize(float(self.groups[0]), float(self.groups[-1])) if self.scaled else None
        if self._norm is not None:
            self.each = _SCALE(self._norm(values.astype(np.float64)))
        else:
            self.each = to_rgba_array(_GROUPS)[place % len(_GROUPS)]

    @classmethod
    def one(cls, color: Any, many: int) -> Colours:
        """The same colour for all, which needs no explaining."""
        same = cls(np.zeros(many, np.int64), "", "")
        same.groups = same.groups[:0]
        same.each = np.repeat(to_rgba_array(color), many, axis=0)
        return same

    def explain(self, ax: Axes) -> None:
        """A colour bar for a scale, a legend for groups."""
        if self._norm is not None:
            bar = ax.figure.colorbar(ScalarMappable(self._norm, _SCALE), ax=ax, pad=0.02, aspect=30)
            bar.set_label(f"{self.name}{_bracketed(self.unit)}")
            bar.outline.set_visible(False)
        elif self.groups.size:
            hues = to_rgba_array(_GROUPS)
            lines = [Line2D([], [], color=hues[i % len(_GROUPS)], lw=2) for i in range(min(self.groups.size, _NAMED))]
            names = [labelled_value(self.name, g, self.unit) if self.name else str(g) for g in self.groups[:_NAMED]]
            ax.legend(lines, names, frameon=False, loc="upper left", bbox_to_anchor=(1.01, 1.0), borderaxespad=0.0)


def _bracketed(unit: str) -> str:
    return "" if unit in ("", "1") else f" [{unit}]"
