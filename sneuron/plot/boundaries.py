"""The map of a study that refined itself: classes, their boundaries, and where points were computed."""

from __future__ import annotations

from typing import Any

import matplotlib.pyplot as plt
import numpy as np
import numpy.typing as npt
import xarray as xr
from matplotlib.axes import Axes
from matplotlib.collections import LineCollection
from matplotlib.colors import ListedColormap, to_rgba_array
from matplotlib.figure import Figure
from matplotlib.patches import Patch

from sneuron import errors
from sneuron.labels import STATUS, Status, flag_names
from sneuron.plot.draw import GREY, INK, axis_label, label, tidy
from sneuron.plot.map import edges, scale

__all__ = ["PlotBoundaries"]

FloatArray = npt.NDArray[np.float64]

_HUES = ("#c9d1d8", "#5b9bd0", "#e8a33d", "#6fb07f", "#b48bd3", "#d9737f", "#7cc4cf", "#a98763", "#e3c567", "#8796a3")
"""Colours of classes, the first one that occurs grey: pale enough that lines are seen on them."""
_DARK, _ACCENT = "#8a939c", "#d1495b"
_MANY = len(_HUES)
_STATES: tuple[tuple[int, str, dict[str, Any]], ...] = (
    (3, "points of the cell disagree", {"facecolor": _DARK, "edgecolor": "none"}),
    (4, "failed", {"facecolor": "#f3f4f5", "edgecolor": _DARK, "hatch": "//////"}),
    (5, "left out", {"facecolor": "#ffffff", "edgecolor": GREY}),
    (6, "ran well, no value", {"facecolor": "#f3f4f5", "edgecolor": _DARK, "hatch": "...."}),
)
"""What has no class: by `origin`, in words, and how it is drawn."""


def PlotBoundaries(found: xr.Dataset, curves: xr.Dataset | None = None, points: xr.Dataset | None = None) -> Figure:
    """Classes over two parameters with their boundaries, and beside them the points that were computed for it.

    Parameters
    ----------
    found : Dataset
        What `filled` gives for a study over two parameters.
    curves : Dataset, optional
        What `boundaries` gives for it; drawn as lines.
    points : Dataset, optional
        The results themselves: a second panel shows where points were computed.

    Returns
    -------
    matplotlib.figure.Figure
        With labels from the attributes `long_name` and `units`, and log axes for log-spaced parameters. Cells whose
        points disagree, and what failed, has no value or was left out, have looks of their own.

    Raises
    ------
    DataError
        Other than two dims.

    Examples
    --------
    >>> import sneuron as sn
    >>> ranges = {"EL": sn.grid(-75, -60, 5), "I": sn.grid(0, 800, 5)}
    >>> ds = sn.ParamSweep(ranges, "lif", duration=50, refine="spike_count > 0")
    >>> figure = PlotBoundaries(sn.filled(ds), sn.boundaries(ds), ds)
    >>> figure.axes[0].get_xlabel()
    'EL, leak reversal potential [mV]'
    """
    name = next((str(n) for n in found.data_vars if n != "origin"), "")
    if not name or "origin" not in found or found[name].ndim != 2:
        dims = tuple(found[name].dims) if name else ()
        raise errors.DataError("PlotBoundaries", f"a map over {dims}", "what filled() gives for two parameters")
    many = 1 if points is None else 2
    figure, made = plt.subplots(1, many, figsize=(0.9 + 5.4 * many, 5.6), layout="constrained", squeeze=False)
    panels = list(made[0])
    coords = [_coord(found, str(dim)) for dim in found[name].dims]
    handles = _states(panels[0], found, coords)
    if found[name].attrs.get("flag_values") is None and np.unique(_held(found[name])).size > _MANY:
        _numbers(panels[0], found[name], coords)
    else:
        handles = [*_classes(panels[0], found, name, coords), *handles]
    if curves is not None:
        _lines(panels[0], curves, coords)
    if points is not None:
        _points(panels[1], points, found, coords)
    for ax in panels:
        _scaled(ax, coords)
    panels[0].set_title(_title(found, name), loc="left", fontsize=11, color=INK, fontweight="bold")
    if handles:
        figure.legend(handles=handles, loc="outside lower left", ncols=min(5, len(handles)), frameon=False, fontsize=9)
    return figure


def _coord(found: xr.Dataset, dim: str) -> xr.DataArray:
    """The parameter along a dim: that of its name, or the first."""
    return found[next((n for n in (dim, *found.coords) if n in found.coords and found[n].dims == (dim,)), dim)]


def _held(array: xr.DataArray) -> FloatArray:
    values = np.asarray(array.values, np.float64)
    return np.asarray(values[np.isfinite(values)])


def _title(found: xr.Dataset, name: str) -> str:
    about = str(found[name].attrs.get("long_name", name))
    title = str(found.attrs.get("title", ""))
    return ": ".join(filter(None, (title, about)))


def _mesh(ax: Axes, coords: list[xr.DataArray], values: Any, **kwargs: Any) -> Any:
    x, y = (edges(np.asarray(c.values, np.float64))[0] for c in coords)
    return ax.pcolormesh(x, y, np.ma.masked_invalid(values).T, rasterized=True, **kwargs)


def _classes(ax: Axes, found: xr.Dataset, name: str, coords: list[xr.DataArray]) -> list[Patch]:
    """Each class in a colour of its own; a legend entry for each that occurs."""
    values = np.asarray(found[name].values, np.float64)
    flags = np.unique(_held(found[name]))
    if not flags.size:
        return []
    place = np.where(np.isfinite(values), np.searchsorted(flags, values), np.nan)
    hues = [_HUES[k % _MANY] for k in range(flags.size)]
    _mesh(ax, coords, place, cmap=ListedColormap(hues), vmin=-0.5, vmax=flags.size - 0.5)
    names = _names(found, name)
    return [Patch(fc=hue, label=names.get(float(f), f"{f:g}")) for hue, f in zip(hues, flags, strict=True)]


def _names(found: xr.Dataset, name: str) -> dict[float, str]:
    attrs = found[name].attrs
    if "flag_values" in attrs:
        return flag_names(attrs, "PlotBoundaries")
    of = str(found.attrs.get("of", ""))
    return {0.0: f"not {of}", 1.0: of} if name == "holds" else {}


def _numbers(ax: Axes, array: xr.DataArray, coords: list[xr.DataArray]) -> None:
    """An output that is a number, with a bar."""
    mesh = _mesh(ax, coords, array.values, cmap="viridis")
    bar = ax.figure.colorbar(mesh, ax=ax, pad=0.02, aspect=30)
    bar.set_label(label(array))
    bar.outline.set_visible(False)


def _states(ax: Axes, found: xr.Dataset, coords: list[xr.DataArray]) -> list[Patch]:
    """What has no value, and why."""
    x, y = (edges(np.asarray(c.values, np.float64))[0] for c in coords)
    handles = []
    for code, words, look in _STATES:
        there = np.asarray(found["origin"].values == code)
        if not there.any():
            continue
        hatch = {k: v for k, v in look.items() if k == "hatch"}
        if hatch:
            ax.contourf(
                *(np.asarray(c.values, np.float64) for c in coords), there.T.astype(float), [0.5, 1.5],
                colors=[look["facecolor"]], hatches=[look["hatch"]],
            )  # fmt: skip
        else:
            ax.pcolormesh(
                x, y, np.ma.masked_equal(there, False).T, cmap=ListedColormap([look["facecolor"]]), rasterized=True
            )
        handles.append(Patch(label=words, **look))
    return handles


def _lines(ax: Axes, curves: xr.Dataset, coords: list[xr.DataArray], width: float = 0.8) -> None:
    """Boundaries as lines."""
    xy = np.stack([np.asarray(curves[c.name].values, np.float64) for c in coords], axis=1)
    number = np.asarray(curves["curve_number"].values)
    lines = np.split(xy, np.flatnonzero(np.diff(number)) + 1) if number.size else []
    ax.add_collection(LineCollection(lines, colors=to_rgba_array(INK), linewidths=width, capstyle="round"))


def _points(ax: Axes, points: xr.Dataset, found: xr.Dataset, coords: list[xr.DataArray]) -> None:
    """Where points were computed, and how many they are of those of the finest grid."""
    status = np.asarray(points[STATUS].values)
    x, y = (np.asarray(points[c.name].values, np.float64) for c in coords)
    ran, failed = status == Status.OK, (status > Status.OK) & (status != Status.EXCLUDED)
    size = float(np.clip(9_000 / max(1, x.size), 0.35, 6))
    ax.scatter(x[ran], y[ran], s=size, color=INK, lw=0, rasterized=True)
    if failed.any():
        ax.scatter(x[failed], y[failed], s=4 * size, color=_ACCENT, marker="x", lw=0.6, rasterized=True, label="failed")
        ax.legend(frameon=False, fontsize=9, loc="lower right", bbox_to_anchor=(1.0, 1.0), borderaxespad=0.2)
    done, whole = int((ran | failed).sum()), int(found.attrs.get("lattice", 0))
    share = f" of {whole:,} ({100 * done / whole:.2g} %)" if whole else ""
    ax.set_title(f"{done:,} points computed{share}", loc="left", fontsize=11, color=INK, fontweight="bold")


def _scaled(ax: Axes, coords: list[xr.DataArray]) -> None:
    """Labels, limits, and a log scale where values are spaced so."""
    for coord, axis in zip(coords, "xy", strict=True):
        values = np.asarray(coord.values, np.float64)
        scale(ax, axis, edges(values)[1], values)
        getattr(ax, f"set_{axis}label")(axis_label(coord))
        getattr(ax, f"set_{axis}lim")(float(values.min()), float(values.max()))
    tidy(ax)
