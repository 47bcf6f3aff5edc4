"""The states of networks over two parameters, and beside them what mean field says."""

from __future__ import annotations

from typing import Any

import matplotlib.pyplot as plt
import numpy as np
import numpy.typing as npt
import xarray as xr
from matplotlib.axes import Axes
from matplotlib.colors import ListedColormap, LogNorm
from matplotlib.figure import Figure
from matplotlib.lines import Line2D
from matplotlib.patches import Patch

from sneuron import errors, labels
from sneuron.plot.draw import INK, tidy
from sneuron.plot.map import edges

__all__ = ["PlotStates"]

_COLOURS = {"quiet": "#dfe3e6", "sr": "#d9737f", "ar": "#e8a33d", "ai": "#6fb07f", "si_slow": "#b48bd3",
            "si_fast": "#5b9bd0"}  # fmt: skip
_MEANINGS = {"quiet": "quiet", "sr": "SR", "ar": "AR", "ai": "AI", "si_slow": "SI, slow", "si_fast": "SI, fast"}
_FAST, _REGULAR = 100.0, 200.0
"""Hz: from which an oscillation is fast; from which the mean input lies so far above the threshold that neurons fire
nearly like clocks."""


def PlotStates(data: xr.Dataset, of: str = "net", theory: xr.Dataset | None = None) -> Figure:
    """States, rates, irregularity and oscillations of networks over two parameters; below them those of mean field.

    Parameters
    ----------
    data : Dataset
        Results with `<of>_state`, `<of>_rate` (Hz), `<of>_cv`, `<of>_frequency` (Hz), `<of>_modulation` of a
        `NetState` over two dims.
    of : str, default "net"
        The name of that output.
    theory : Dataset, optional
        `rate` and `frequency` (Hz), `unstable`, of `mean_field`, over the same dims: drawn in a second row, and where
        its asynchronous state loses stability as a line in all panels.

    Returns
    -------
    matplotlib.figure.Figure

    Raises
    ------
    DataError
        When they are not over two dims.

    Examples
    --------
    >>> import sneuron as sn
    >>> ranges = {"e.size": 80, "i.size": 20, "ee.k": 10, "ei.k": 10, "ie.k": 5, "ii.k": 5, "J": 1.0}
    >>> ranges |= {"g": [3.0, 5.0], "eta": [0.5, 2.0]}
    >>> ds = sn.ParamSweep(ranges, network="brunel", duration=250, outputs={"net": sn.NetState})
    >>> PlotStates(ds).axes[0].get_title(loc="left")
    'States'
    """
    state = data.get(f"{of}_state")
    if state is None or state.ndim != 2:
        given = "no state" if state is None else f"states over {state.dims}"
        raise errors.DataError("PlotStates", given, f"{of}_state over two parameters")
    rows = 1 if theory is None else 2
    figure, axes = plt.subplots(rows, 4, figsize=(17.0, 0.8 + 4.0 * rows), layout="constrained", squeeze=False)
    x, y = (data[str(d)] for d in state.dims)
    top = float(np.nanmax(data[f"{of}_rate"], initial=1.0))
    _flags(axes[0, 0], x, y, state, "States")
    _numbers(axes[0, 1], x, y, data[f"{of}_rate"], "Mean rate [Hz]", norm=LogNorm(1.0, top))
    fast = {"vmin": 0.0, "vmax": 250.0, "cmap": "cividis"}
    quiet = data[f"{of}_rate"] < 1.0
    if theory is None:
        _numbers(axes[0, 2], x, y, data[f"{of}_cv"], "CV of intervals", vmin=0.0, vmax=1.5, cmap="magma")
        _numbers(axes[0, 3], x, y, data[f"{of}_frequency"].where(~quiet), "Frequency of the population [Hz]", **fast)
    else:
        theory = theory.transpose(*state.dims)
        _numbers(axes[0, 2], x, y, data[f"{of}_frequency"].where(~quiet), "Frequency of the population [Hz]", **fast)
        _numbers(axes[0, 3], x, y, data[f"{of}_modulation"].where(~quiet), "Modulation of the population", vmin=0.0,
                 vmax=1.5, cmap="magma")  # fmt: skip
        _flags(axes[1, 0], x, y, _predicted(theory, state), "States, mean field")
        _numbers(axes[1, 1], x, y, theory["rate"], "Mean rate, mean field [Hz]", norm=LogNorm(1.0, top))
        _numbers(axes[1, 2], x, y, theory["frequency"], "Frequency of what grows, mean field [Hz]", **fast)
        _numbers(axes[1, 3], x, y, data[f"{of}_cv"], "CV of intervals", vmin=0.0, vmax=1.5, cmap="magma")
        for ax in axes.flat:
            _boundary(ax, x, y, theory)
    figure.legend(handles=_legend(theory is not None), loc="outside lower left", ncols=9, frameon=False, fontsize=9)
    return figure


def _mesh(ax: Axes, x: xr.DataArray, y: xr.DataArray, values: Any, title: str, **kwargs: Any) -> Any:
    places = [edges(np.asarray(c.values, np.float64))[0] for c in (x, y)]
    mesh = ax.pcolormesh(*places, np.ma.masked_invalid(values).T, rasterized=True, **kwargs)
    ax.set_title(title, loc="left", fontsize=11, color=INK, fontweight="bold")
    ax.set_xlabel(_short(x))
    ax.set_ylabel(_short(y))
    tidy(ax)
    return mesh


def _short(coord: xr.DataArray) -> str:
    """Name and unit: panels are narrow."""
    unit = str(coord.attrs.get("units", "1"))
    return str(coord.name) if unit in ("1", "") else f"{coord.name} [{unit}]"


def _flags(ax: Axes, x: xr.DataArray, y: xr.DataArray, state: xr.DataArray, title: str) -> None:
    names = labels.flag_names(state.attrs, "PlotStates")
    colours = ListedColormap([_COLOURS.get(name, "#ffffff") for name in names.values()])
    _mesh(ax, x, y, state.values, title, cmap=colours, vmin=-0.5, vmax=len(names) - 0.5)


def _numbers(ax: Axes, x: xr.DataArray, y: xr.DataArray, array: xr.DataArray, title: str, **kwargs: Any) -> None:
    values: npt.NDArray[np.float64] = np.asarray(array.values, np.float64)
    if "norm" in kwargs:
        values = np.maximum(values, 1e-9)
    mesh = _mesh(ax, x, y, values, title, **kwargs)
    ax.figure.colorbar(mesh, ax=ax, shrink=0.9, pad=0.02)


def _predicted(theory: xr.Dataset, like: xr.DataArray) -> xr.DataArray:
    """What mean field tells of the state: quiet, asynchronous, or how it oscillates; regular near the highest rate."""
    code = {name: value for value, name in labels.flag_names(like.attrs, "PlotStates").items()}
    rate, frequency, modes = (theory[n].transpose(*like.dims).values for n in ("rate", "frequency", "unstable"))
    grows = np.where(frequency < _FAST, code["si_slow"], code["si_fast"])
    together = np.where(rate > _REGULAR, code["sr"], grows)
    apart = np.where(rate > _REGULAR, code["ar"], code["ai"])
    found = np.where(rate < 1.0, code["quiet"], np.where(modes > 0, together, apart))
    return xr.DataArray(found, dims=like.dims, attrs=like.attrs)


def _boundary(ax: Axes, x: xr.DataArray, y: xr.DataArray, theory: xr.Dataset) -> None:
    unstable = np.asarray(theory["unstable"].values > 0, np.float64)
    if np.ptp(unstable):
        ax.contour(x.values, y.values, unstable.T, levels=[0.5], colors=INK, linewidths=1.2)
    if x.values.min() < 4.0 < x.values.max() and x.name == "g":
        ax.axvline(4.0, color=INK, linewidth=0.8, linestyle=":")
    if y.values.min() < 1.0 < y.values.max() and y.name == "eta":
        ax.axhline(1.0, color=INK, linewidth=0.8, linestyle="--")


def _legend(theory: bool) -> list[Any]:
    found: list[Any] = [Patch(facecolor=c, label=_MEANINGS[n]) for n, c in _COLOURS.items()]
    if theory:
        found += [
            Line2D([], [], color=INK, linewidth=1.2, label="asynchronous state loses stability (mean field)"),
            Line2D([], [], color=INK, linewidth=0.8, linestyle=":", label="g = 4: excitation and inhibition balance"),
            Line2D([], [], color=INK, linewidth=0.8, linestyle="--", label="input from outside just reaches threshold"),
        ]
    return found
