"""The plane of two states: nullclines, rest points, trajectories."""

from __future__ import annotations

from typing import Any

import numpy as np
import xarray as xr
from matplotlib.axes import Axes

from sneuron import errors
from sneuron.labels import SPIKE, TIME
from sneuron.plot.draw import INK, axes, label, tidy

__all__ = ["PlotPhase"]

_HUES = ("#d1495b", "#0f6fb3")
_PAD = 0.08


def PlotPhase(
    curves: xr.Dataset,
    rest: xr.Dataset | None = None,
    run: xr.Dataset | None = None,
    ax: Axes | None = None,
    t_start: float | None = None,
    t_stop: float | None = None,
    **kwargs: Any,
) -> Axes:
    """The plane of two states of a neuron: where each stands still, where both do, and how a run moves through it.

    Parameters
    ----------
    curves : Dataset
        From `nullclines`, of one parameter point.
    rest : Dataset, optional
        From `rest_points`, of the same point: stable ones are filled, others open; saddles are diamonds.
    run : Dataset, optional
        A run that recorded both states, of one neuron: drawn as a line that begins at a dot.
    ax : matplotlib Axes, optional
        Where to draw; a new figure when omitted.
    t_start, t_stop : float, ms, optional
        The part of the run that is drawn.
    **kwargs
        Properties of the nullclines (`lw`, `alpha`, ...).

    Returns
    -------
    matplotlib Axes

    Raises
    ------
    DataError
        For what holds more than one parameter point, or lacks the two states.

    Examples
    --------
    >>> import sneuron as sn
    >>> plane = sn.nullclines("adex", params={"I": 500.0})
    >>> ax = PlotPhase(plane, sn.rest_points("adex", {"I": 500.0}))
    >>> ax.get_xlabel(), ax.get_ylabel()
    ('membrane potential [mV]', 'w [pA]')
    """
    x, y = _plane(curves)
    one = _single(curves, {x, "branch"}, "curves")
    ax = axes(ax, 5.5, 4.5)
    for name, hue in zip((f"{x}_nullcline", f"{y}_nullcline"), _HUES, strict=True):
        ax.plot(one[x], one[name].transpose(x, "branch"), **{"color": hue, "lw": 1.6, **kwargs})
        ax.plot([], [], color=hue, lw=1.6, label=f"{name.removesuffix('_nullcline')} stands still")
    limits = _limits(one, x, y, rest, run)
    if run is not None:
        _path(ax, _single(run, {TIME, SPIKE}, "run"), x, y, t_start, t_stop)
    if rest is not None:
        _dots(ax, _single(rest, {"rest", "mode"}, "rest"), x, y)
    ax.set_xlim(*limits[0])
    ax.set_ylim(*limits[1])
    ax.set_xlabel(label(one[x]))
    ax.set_ylabel(f"{y}{_unit(one[f'{x}_nullcline'])}")
    ax.legend(frameon=False, loc="upper left", bbox_to_anchor=(1.01, 1.0), borderaxespad=0.0)
    tidy(ax)
    return ax


def _unit(array: xr.DataArray) -> str:
    unit = str(array.attrs.get("units", ""))
    return "" if unit in ("", "1") else f" [{unit}]"


def _plane(curves: Any) -> tuple[str, str]:
    names = [curves.attrs.get(k) for k in ("x", "y")] if isinstance(curves, xr.Dataset) else [None]
    if None in names or any(f"{name}_nullcline" not in curves for name in names):
        raise errors.DataError("PlotPhase", "these are no nullclines", "what nullclines() returns")
    return str(names[0]), str(names[1])


def _single(data: xr.Dataset, own: set[str], what: str) -> xr.Dataset:
    """One parameter point, its dims dropped."""
    others = {d: n for d, n in data.sizes.items() if d not in own}
    if any(n != 1 for n in others.values()):
        given = f"{what} hold {others}"
        raise errors.DataError("PlotPhase", given, "one point", mend="Select one, with isel or sel.")
    return data.isel(dict.fromkeys(others, 0), drop=True)


def _limits(
    curves: xr.Dataset, x: str, y: str, rest: xr.Dataset | None, run: xr.Dataset | None
) -> tuple[tuple[float, float], tuple[float, float]]:
    """What has to be seen: rest points, trajectories and the second curve; the first may run away."""
    seen = [run[y].values] if run is not None and y in run else []
    seen += [rest[y].values] if rest is not None and y in rest else []
    values = np.concatenate([np.ravel(a) for a in (*seen, curves[f"{y}_nullcline"].values)])
    values = values[np.isfinite(values)]
    low, high = (float(values.min()), float(values.max())) if values.size else (0.0, 1.0)
    pad = _PAD * ((high - low) or 1.0)
    return (float(curves[x].values[0]), float(curves[x].values[-1])), (low - pad, high + pad)


def _path(ax: Axes, run: xr.Dataset, x: str, y: str, start: float | None, stop: float | None) -> None:
    """A run through the plane."""
    for name in (x, y):
        if name not in run or TIME not in run[name].dims:
            raise errors.DataError("PlotPhase", f"the run did not record {name!r}", mend=f"record=[{x!r}, {y!r}].")
    shown = run.sel({TIME: slice(start, stop)})
    ax.plot(shown[x], shown[y], color=INK, alpha=0.35, lw=1.2, zorder=1, label="run")
    ax.plot(shown[x][:1], shown[y][:1], "o", color=INK, ms=3, zorder=2)


def _dots(ax: Axes, rest: xr.Dataset, x: str, y: str) -> None:
    """Rest points: filled where stable, diamonds where they are saddles."""
    words = str(rest["kind"].attrs["flag_meanings"]).split()
    for code in np.unique(rest["kind"].values[rest["kind"].values > 0]):
        alike, kind = rest["kind"].values == code, words[code]
        face = INK if kind.startswith("stable") else "white"
        marker = "D" if kind.startswith("saddle") else "o"
        look: dict[str, Any] = {"ms": 7, "mfc": face, "mec": INK, "mew": 1.3, "zorder": 5}
        ax.plot(rest[x].values[alike], rest[y].values[alike], marker, label=kind.replace("_", " "), **look)
