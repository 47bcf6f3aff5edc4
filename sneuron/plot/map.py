"""The map of a sweep: one result over two swept parameters."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import matplotlib
import numpy as np
import numpy.typing as npt
import xarray as xr
from matplotlib.axes import Axes
from matplotlib.cm import ScalarMappable
from matplotlib.colors import ListedColormap
from matplotlib.patches import Patch, PathPatch
from matplotlib.path import Path
from matplotlib.ticker import LogLocator, NullFormatter, StrMethodFormatter

from sneuron import errors
from sneuron.labels import STATUS, Status, flag_names
from sneuron.plot.draw import GREY, axes, axis_label, label, spread

__all__ = ["PlotMap", "edges", "log_spread", "scale"]

FloatArray = npt.NDArray[np.float64]

_DARK = "#8a939c"
_LEAST_LOG = 3
_CLASSES = matplotlib.color_sequences["tab20"][::2] + matplotlib.color_sequences["tab20"][1::2]
"""Colours of flags."""

_MISSING: tuple[tuple[str, dict[str, Any]], ...] = (
    ("not run", {"facecolor": GREY, "edgecolor": "none"}),
    ("failed", {"facecolor": "#f3f4f5", "edgecolor": _DARK, "hatch": "//////"}),
    ("undefined", {"facecolor": _DARK, "edgecolor": "none"}),
)
"""How a cell without a number is drawn; undefined is NaN of a point that ran well."""

_MARKERS = {"not run": (".", GREY), "failed": ("x", _DARK), "undefined": ("+", _DARK)}
"""How a sampled point without a number is drawn."""

_ABOVE: dict[str, Any] = {"loc": "lower right", "bbox_to_anchor": (1.0, 1.0), "frameon": False}
_FEW_DECADES = 1e4


def PlotMap(
    data: xr.DataArray,
    x: str | None = None,
    y: str | None = None,
    ax: Axes | None = None,
    status: xr.DataArray | None = None,
    colorbar: bool = True,
    **kwargs: Any,
) -> Axes:
    """A result over two swept parameters, in colours; what did not run or failed is hatched or grey, and said.

    Parameters
    ----------
    data : DataArray over two dims, or over `point` with two coordinates
        The result; further dims of length 1 are dropped. Lazy data are loaded. Flags (`flag_values`,
        `flag_meanings`) have a colour each, with its name.
    x, y : str, optional
        The dims (or coordinates along `point`) drawn across and up; the first and the second when omitted.
    ax : matplotlib Axes, optional
        Where to draw; a new figure when omitted.
    status : DataArray of flags, optional
        What became of each point (`Status`); the coordinate `status` of the data when omitted.
    colorbar : bool, default True
        Whether to add a bar for the colours.
    **kwargs
        Given to `Axes.pcolormesh` (or `scatter` for points): `cmap`, `vmin`, `vmax`, `norm`, ...

    Returns
    -------
    matplotlib Axes
        With labels from the attributes `long_name` and `units`, and log axes for log-spaced parameters.

    Raises
    ------
    DataError
        Other than two dims: says which they are.

    Examples
    --------
    >>> rate = xr.DataArray(
    ...     np.arange(6.0).reshape(2, 3),
    ...     dims=("gNa", "gK"),
    ...     name="rate",
    ...     attrs={"units": "Hz"},
    ...     coords={"gNa": [80.0, 120.0], "gK": [5.0, 20.0, 80.0]},
    ... )
    >>> ax = PlotMap(rate)
    >>> ax.get_xlabel(), ax.get_ylabel(), ax.get_xscale(), ax.get_yscale()
    ('gNa', 'gK', 'linear', 'log')
    """
    if not isinstance(data, xr.DataArray):
        raise errors.DataError("PlotMap", f"a {type(data).__name__}", "a DataArray, such as dataset.rate")
    status = data.coords[STATUS] if status is None and STATUS in data.coords else status
    spare = [dim for dim in data.dims if data.sizes[dim] == 1 and dim not in (x, y)]
    data = data.squeeze(spare, drop=True) if data.ndim > 2 else data
    names = _axes_of(data, x, y)
    ax = axes(ax, 5.8, 4.4)
    flags = flag_names(data.attrs, "PlotMap") if "flag_values" in data.attrs else {}
    if flags:
        data, kwargs = _coded(data, list(flags)), {**_classed(len(flags)), **kwargs}
    drawn = (_cells if data.ndim == 2 else _points)(ax, data, names, status, kwargs)
    ax.set_xlabel(axis_label(data[names[0]]))
    ax.set_ylabel(axis_label(data[names[1]]))
    if colorbar:
        bar = ax.figure.colorbar(drawn, ax=ax, pad=0.02, aspect=30)
        bar.set_label(label(data))
        bar.outline.set_visible(False)
        if flags:
            bar.set_ticks(range(len(flags)), labels=[name.replace("_", " ") for name in flags.values()])
            bar.ax.tick_params(length=0)
    return ax


def _coded(data: xr.DataArray, values: list[float]) -> xr.DataArray:
    """Flags as their places among all flags; what is no flag stays without a number."""
    found = np.select([data.values == value for value in values], range(len(values)), np.nan)
    return data.copy(data=found)


def _classed(many: int) -> dict[str, Any]:
    """A colour for each of so many classes."""
    return {"cmap": ListedColormap(list(_CLASSES[:many])), "vmin": -0.5, "vmax": many - 0.5}


def edges(centres: npt.NDArray[Any]) -> tuple[FloatArray, bool]:
    """Edges of the cells around ascending centres, and whether they are spaced on a log scale.

    >>> edges(np.array([1.0, 2.0, 3.0]))
    (array([0.5, 1.5, 2.5, 3.5]), False)
    >>> edges(np.array([1.0, 100.0, 10000.0]))
    (array([1.e-01, 1.e+01, 1.e+03, 1.e+05]), True)
    """
    log = _log_spaced(centres)
    at = centres.astype(np.float64)
    if at.size == 1:
        half = 0.05 * abs(float(at[0])) or 0.5
        return np.array([at[0] - half, at[0] + half]), False
    if log:
        inner = np.sqrt(at[:-1] * at[1:])
        return np.concatenate((at[:1] ** 2 / inner[:1], inner, at[-1:] ** 2 / inner[-1:])), True
    inner = (at[:-1] + at[1:]) / 2
    return np.concatenate((2 * at[:1] - inner[:1], inner, 2 * at[-1:] - inner[-1:])), False


def _log_spaced(centres: npt.NDArray[Any]) -> bool:
    """Whether positive values stand in equal ratios rather than at equal distances."""
    if centres.size < _LEAST_LOG or centres[0] <= 0:
        return False
    ratios, steps = np.diff(np.log(centres)), np.diff(centres)
    return bool(np.ptp(ratios) <= 1e-3 * ratios.mean() and np.ptp(steps) > 1e-3 * steps.mean())


def _axes_of(data: xr.DataArray, x: str | None, y: str | None) -> tuple[str, str]:
    """The two dims, or coordinates along points, to draw over."""
    dims = [str(dim) for dim in data.dims]
    along = [str(n) for n, c in data.coords.items() if c.dims == data.dims and n not in (STATUS, *dims)]
    names = along if len(dims) == 1 else dims
    for name in (x, y):
        if name is not None and name not in names:
            raise errors.unknown("PlotMap", "axis", name, names)
    if x is not None and x == y:
        raise errors.ParameterError("PlotMap", f"x and y are both {x!r}")
    chosen = len(dims) == 1 and x is not None and y is not None
    if len(dims) > 2 or (len(names) != 2 and not chosen):
        given = f"dims {tuple(dims)}" + (f" with coordinates {tuple(along)}" if len(dims) == 1 else "")
        mend = (
            "Give x and y." if len(dims) == 1 else "Select from the others or average them, as in data.mean('sweep')."
        )
        raise errors.DataError("PlotMap", given, "two to draw over", mend=mend)
    left = [name for name in names if name not in (x, y)]
    across = x if x is not None else left.pop(0)
    return across, y if y is not None else left.pop(0)


def _cells(
    ax: Axes, data: xr.DataArray, names: tuple[str, str], status: xr.DataArray | None, kwargs: dict[str, Any]
) -> ScalarMappable:
    """A cell for each point of a grid."""
    grid = data.transpose(names[1], names[0])
    across, up = (_side(ax, grid[name], put) for name, put in zip(names, ("x", "y"), strict=True))
    place = np.ix_(up.order, across.order)
    values = np.asarray(grid.values, np.float64)[place]
    missing = _missing(values, None if status is None else _like(status, grid)[place])
    shown = np.ma.masked_where(missing > 0, values)
    drawn = ax.pcolormesh(across.edges, up.edges, shown, **{"rasterized": True, **kwargs})
    for kind, (_, style) in enumerate(_MISSING, start=1):
        if np.any(missing == kind):
            ax.add_patch(PathPatch(_covering(across.edges, up.edges, missing == kind), linewidth=0, **style))
    _explain(ax, missing)
    return drawn


def _points(
    ax: Axes, data: xr.DataArray, names: tuple[str, str], status: xr.DataArray | None, kwargs: dict[str, Any]
) -> ScalarMappable:
    """A dot for each sampled point."""
    across, up = (np.asarray(data[name].values, np.float64) for name in names)
    values = np.asarray(data.values, np.float64)
    missing = _missing(values, None if status is None else _like(status, data))
    shown = missing == 0
    size = float(np.clip(20_000 / max(values.size, 1), 4, 40))
    drawn = ax.scatter(across[shown], up[shown], c=values[shown], **{"s": size, "linewidths": 0, **kwargs})
    for kind, (name, _) in enumerate(_MISSING, start=1):
        there = missing == kind
        if there.any():
            marker, color = _MARKERS[name]
            ax.scatter(
                across[there],
                up[there],
                s=max(size, 16.0),
                marker=marker,
                c=color,
                linewidths=0.9,
                zorder=0,
                label=name,
            )
    if np.any(missing):
        ax.legend(**_ABOVE, ncols=len(_MISSING))
    for name, values in (("x", across), ("y", up)):
        scale(ax, name, log_spread(values), values)
    return drawn


@dataclass(frozen=True, eq=False)
class _Side:
    """One side of a grid: its cells' edges, and the order that makes them ascend."""

    edges: FloatArray
    order: npt.NDArray[np.intp]


def _side(ax: Axes, coord: xr.DataArray, put: str) -> _Side:
    """Edges of a side; the axis gets its scale, or names where the values are no numbers."""
    centres = coord.values
    named = centres.dtype.kind not in "fiu"
    centres = np.arange(centres.size) if named else centres
    order = np.argsort(centres, kind="stable")
    sides, log = edges(centres[order])
    scale(ax, put, log, sides)
    if named:
        ax.set(**{f"{put}ticks": centres, f"{put}ticklabels": [str(value) for value in coord.values]})
    return _Side(sides, order)


def log_spread(values: FloatArray) -> bool:
    """Whether sampled values spread evenly over two decades or more."""
    if not values.size or values.min() <= 0 or values.max() / values.min() < 100:
        return False
    return bool(np.median(values) < 0.25 * values.max())


def _like(status: xr.DataArray, grid: xr.DataArray) -> npt.NDArray[Any]:
    """The flags of each place of the grid; one that lacks a dim holds along it."""
    spare = [dim for dim in status.dims if dim not in grid.dims]
    if any(status.sizes[dim] > 1 for dim in spare):
        raise errors.DataError("PlotMap", f"status has dims {status.dims}", f"some of {grid.dims}")
    return spread(status.squeeze(spare, drop=True), grid.sizes)


def _missing(values: FloatArray, status: npt.NDArray[Any] | None) -> npt.NDArray[np.int64]:
    """0 where there is a number to show, else 1 + its place in `_MISSING`."""
    missing = np.where(np.isnan(values), 3, 0)
    if status is not None:
        missing[status != Status.OK] = 2
        missing[status == Status.NOT_RUN] = 1
    return missing


def _covering(x: FloatArray, y: FloatArray, there: npt.NDArray[np.bool_]) -> Path:
    """One path around the cells `there`, a box for each run of neighbours along x."""
    around = np.pad(there.astype(np.int8), ((0, 0), (1, 1)))
    (row, begin), end = np.nonzero(np.diff(around) == 1), np.nonzero(np.diff(around) == -1)[1]
    left, right, low, high = x[begin], x[end], y[row], y[row + 1]
    corners = ((left, low), (right, low), (right, high), (left, high), (left, low))
    boxes = np.stack([np.stack(corner, -1) for corner in corners], axis=1)
    return Path.make_compound_path_from_polys(boxes)


def scale(ax: Axes, name: str, log: bool, values: FloatArray) -> None:
    """A linear or a log axis; one of few decades has plain numbers at 1, 2 and 5."""
    ax.set(**{f"{name}scale": "log" if log else "linear"})
    if log and values.max() / values.min() < _FEW_DECADES:
        axis = ax.xaxis if name == "x" else ax.yaxis
        axis.set_major_locator(LogLocator(subs=(1.0, 2.0, 5.0)))
        axis.set_major_formatter(StrMethodFormatter("{x:g}"))
        axis.set_minor_formatter(NullFormatter())


def _explain(ax: Axes, missing: npt.NDArray[np.int64]) -> None:
    """A legend above the map for what is missing."""
    kinds = [_MISSING[kind - 1] for kind in np.unique(missing) if kind]
    if kinds:
        handles = [Patch(label=name, linewidth=0, **style) for name, style in kinds]
        ax.legend(handles=handles, ncols=len(handles), **_ABOVE)
