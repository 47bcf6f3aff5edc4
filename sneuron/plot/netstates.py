"""The states of networks over two parameters, and beside them what mean field says."""

from __future__ import annotations

from typing import Any

import matplotlib.pyplot as plt
import numpy as np
import xarray as xr
from matplotlib.axes import Axes
from matplotlib.colors import ListedColormap, LogNorm
from matplotlib.figure import Figure
from matplotlib.lines import Line2D
from matplotlib.patches import Patch

from sneuron import errors, labels
from sneuron.plot.draw import INK, tidy
from sneuron.plot.map import PlotMap

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
    rate = data[f"{of}_rate"]
    rates = {"norm": LogNorm(1.0, float(np.nanmax(rate, initial=1.0)))}
    fast, part = {"vmin": 0.0, "vmax": 250.0, "cmap": "cividis"}, {"vmin": 0.0, "vmax": 1.5, "cmap": "magma"}
    found = [
        (data[f"{of}_cv"], "CV of intervals", part),
        (data[f"{of}_frequency"].where(rate >= 1.0), "Frequency of the population [Hz]", fast),
    ]
    status = {"status": data.get(labels.STATUS)}
    _flags(axes[0, 0], state, "States", **status)
    _numbers(axes[0, 1], rate, "Mean rate [Hz]", **rates, **status)
    if theory is not None:
        theory = theory.transpose(*state.dims)
        modulation = data[f"{of}_modulation"].where(rate >= 1.0)
        found = [found[1], (modulation, "Modulation of the population", part), found[0]]
        _flags(axes[1, 0], _predicted(theory, state), "States, mean field")
        _numbers(axes[1, 1], theory["rate"], "Mean rate, mean field [Hz]", **rates)
        _numbers(axes[1, 2], theory["frequency"], "Frequency of what grows, mean field [Hz]", **fast)
    for ax, (array, title, how) in zip((axes[0, 2], axes[0, 3], axes[-1, 3]), found, strict=False):
        _numbers(ax, array, title, **how, **status)
    if theory is not None:
        for ax in axes.flat:
            _boundary(ax, theory)
    told = {patch.get_label(): patch for patch in _legend(theory is not None)} | _missing(axes)
    figure.legend(told.values(), told, loc="outside lower left", ncols=len(told), frameon=False, fontsize=9)
    return figure


def _missing(axes: Any) -> dict[str, Any]:
    """What the panels say of cells without a number, taken out of them: they have no room for it."""
    found: dict[str, Any] = {}
    for legend in filter(None, (ax.get_legend() for ax in axes.flat)):
        found |= {text.get_text(): handle for text, handle in zip(legend.texts, legend.legend_handles, strict=True)}
        legend.remove()
    return found


def _panel(ax: Axes, array: xr.DataArray, title: str, **kwargs: Any) -> None:
    """The map of one result, with short labels: panels are narrow."""
    x, y = map(str, array.dims)
    PlotMap(array, x, y, ax, **kwargs)
    ax.set_title(title, loc="left", fontsize=11, color=INK, fontweight="bold")
    ax.set_xlabel(_short(array[x]))
    ax.set_ylabel(_short(array[y]))
    tidy(ax)


def _short(coord: xr.DataArray) -> str:
    """Name and unit."""
    unit = str(coord.attrs.get("units", "1"))
    return str(coord.name) if unit in ("1", "") else f"{coord.name} [{unit}]"


def _flags(ax: Axes, state: xr.DataArray, title: str, **kwargs: Any) -> None:
    names = labels.flag_names(state.attrs, "PlotStates").values()
    _panel(ax, state, title, cmap=ListedColormap([_COLOURS[name] for name in names]), colorbar=False, **kwargs)


def _numbers(ax: Axes, array: xr.DataArray, title: str, **kwargs: Any) -> None:
    _panel(ax, array.clip(min=1e-9) if "norm" in kwargs else array, title, colorbar=False, **kwargs)
    ax.figure.colorbar(ax.collections[0], ax=ax, shrink=0.9, pad=0.02)


def _predicted(theory: xr.Dataset, like: xr.DataArray) -> xr.DataArray:
    """What mean field tells of the state: quiet, asynchronous, or how it oscillates; regular near the highest rate."""
    code = {name: value for value, name in labels.flag_names(like.attrs, "PlotStates").items()}
    rate, frequency, modes = (theory[n].transpose(*like.dims).values for n in ("rate", "frequency", "unstable"))
    grows = np.where(frequency < _FAST, code["si_slow"], code["si_fast"])
    together = np.where(rate > _REGULAR, code["sr"], grows)
    apart = np.where(rate > _REGULAR, code["ar"], code["ai"])
    found = np.where(rate < 1.0, code["quiet"], np.where(modes > 0, together, apart))
    return xr.DataArray(found, like.coords, like.dims, attrs=like.attrs)


def _boundary(ax: Axes, theory: xr.Dataset) -> None:
    theory = theory.sortby(list(theory["unstable"].dims))
    x, y = (theory[str(d)] for d in theory["unstable"].dims)
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
