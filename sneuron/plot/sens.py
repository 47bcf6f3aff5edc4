"""Sensitivity indices: bars with intervals, bands over time, and how they settle as points are added."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np
import numpy.typing as npt
import xarray as xr
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.ticker import FuncFormatter, MaxNLocator

from sneuron import errors
from sneuron.analysis.sensitivity.estimators import estimators
from sneuron.analysis.sensitivity.results import OUTPUT, SIZE, picked
from sneuron.analysis.sensitivity.sobol import PARAM
from sneuron.analysis.sensitivity.walk import CLASS
from sneuron.labels import TIME
from sneuron.plot.draw import GREY, INK, tidy

__all__ = ["PlotSens"]

Floats = npt.NDArray[np.float64]

_WHERE = "PlotSens"
_HUES = ("#0f6fb3", "#d1495b", "#2e933c", "#8f5fbf", "#d98c00", "#3aa6b9", "#7a5230", "#5c6b73", "#c2b280", "#1b4965",
         "#e78ac3", "#7fb800")  # fmt: skip
_DARK, _LIGHT, _REST = "#0f6fb3", "#a9cce6", "#9aa3ab"
_SHORT = {
    "S1": "alone (S1)", "ST": "with all others (ST)", "mu_star": "mean size (mu*)", "sigma": "spread (sigma)",
    "pawn_median": "PAWN, median distance", "delta": "delta", "ST_bound": "ST at most",
    "effect": "derivative x parameter",
}  # fmt: skip
_MEANS = {
    "S1": "share of variance", "ST": "share of variance", "ST_bound": "share of variance",
    "mu_star": "elementary effect", "pawn_median": "distance of distributions", "delta": "share of probability",
    "effect": "derivative x parameter",
}  # fmt: skip
_ENDS = -0.15, 1.15
"""Where axes of shares end at most; intervals may reach farther."""


def PlotSens(data: xr.Dataset, output: str | None = None, most: Any = 12, title: str | None = None) -> Figure:
    """Which parameters matter, and how sure that is.

    What is drawn follows from the dims of the result. Without further dims: bars, the parameter that matters most on
    top, with their intervals; a panel for each output, or for each class of an output that is a flag. Over `time`: the
    output's mean and standard deviation, what each parameter explains alone (stacked) and with the others, and the
    total indices with their bands. Over `n` (`history=True`): how the indices settle.

    Parameters
    ----------
    data : Dataset
        What `SensAnal` gives.
    output : str, optional
        Which output, where the result is of several; all of those that are single numbers when omitted.
    most : int, default 12
        Parameters shown, those that matter most.
    title : str, optional
        Above the figure; the model and the output when omitted.

    Returns
    -------
    matplotlib.figure.Figure
        Not bound to any window; save it with `savefig`.

    Raises
    ------
    DataError
        No result of `SensAnal`; dims that no figure shows.
    UnknownNameError
        An output that the result is not of.

    Examples
    --------
    >>> from sneuron import SensAnal, design_points, pick_freeze
    >>> points = design_points(pick_freeze(64, {"a": (0, 1), "b": (0, 1)}))
    >>> figure = PlotSens(SensAnal(points.assign(y=points.a + 2 * points.b)))
    >>> [label.get_text() for label in figure.axes[0].get_yticklabels()]
    ['b', 'a']
    """
    shown = _shown(data)
    part = data if output is None else picked(data, output)
    if shown[0] not in part:
        known = [str(v).removesuffix("_remark") for v in data.data_vars if str(v).endswith("_remark")]
        raise errors.DataError(_WHERE, "the result is of outputs with dims of their own", known, mend="Give output=...")
    shown = [name for name in shown if name in part]
    names = _ranked(part[shown[0]], most)
    rest = part.drop_sel({PARAM: names})
    part = part.sel({PARAM: names})
    head = _title(data, output) if title is None else title
    dims = [str(d) for d in part[shown[0]].dims if d != PARAM]
    if dims == [TIME]:
        return _over_time(part, rest, shown, head, output or "output")
    if SIZE in dims and len(dims) == 1:
        return _history(part, shown[0], head)
    if dims in ([], [OUTPUT], [CLASS]):
        return _panels(part, shown, dims, head)
    what = f"the indices have the dims {', '.join(dims)}"
    raise errors.DataError(_WHERE, what, ["none", OUTPUT, CLASS, TIME, SIZE], mend="Pick one place along the others.")


def _shown(data: xr.Dataset) -> list[str]:
    """The variables that the method of a result shows, the one by which parameters are ranked first."""
    method = str(data.attrs.get("method", ""))
    if method not in estimators or PARAM not in data.dims:
        raise errors.DataError(_WHERE, "this is no result of SensAnal", mend="Give what SensAnal returns.")
    return list(estimators[method].shown)


def _ranked(values: xr.DataArray, most: Any) -> list[str]:
    """Names of the parameters, the one with the largest values first."""
    if isinstance(most, bool) or not isinstance(most, int) or most < 1:
        raise errors.ParameterError(_WHERE, f"most = {most!r}", "a number of parameters")
    size = abs(values)
    size = size.isel({SIZE: -1}) if SIZE in size.dims else size
    level = size.mean([d for d in size.dims if d != PARAM]).fillna(-1.0)
    order = np.argsort(-level.values, kind="stable")
    return [str(n) for n in values[PARAM].values[order[:most]]]


def _title(data: xr.Dataset, output: str | None) -> str:
    """The model, and which output it is about."""
    about = str(data.attrs.get("title", "")).removeprefix("local ").removeprefix("sensitivity of ")
    model = str(data.attrs.get("model_name", ""))
    named = output or (about if len(about) < 60 else "")
    return ": ".join(filter(None, (model, named)))


def _panels(part: xr.Dataset, shown: Sequence[str], dims: Sequence[str], head: str) -> Figure:
    """Bars: a panel for each place along the one further dim, side by side."""
    dim = dims[0] if dims else None
    places = [None] if dim is None else [str(p) for p in part[dim].values]
    kept = [p for p in places if dim is None or not bool(part[shown[0]].sel({dim: p}).isnull().all())] or places[:1]
    columns = min(len(kept), 4)
    rows = -(-len(kept) // columns)
    high = 0.9 + 0.36 * part.sizes[PARAM]
    figure = Figure(figsize=(1.2 + 3.1 * columns, 0.7 + high * rows), layout="constrained")
    grid = figure.subplots(
        rows, columns, squeeze=False, sharey=True, sharex=_MEANS.get(shown[0]) == "share of variance"
    )
    for ax, place in zip(grid.ravel(), kept, strict=False):
        own = part if place is None else part.sel({dim: place})
        _bars(ax, own, shown)
        if place is not None:
            chance = f" (P = {float(own['mean']):.2g})" if dim == CLASS and "mean" in own else ""
            ax.set_title(f"{place}{chance}", fontsize=10, color=INK, loc="left")
    if shown[0] in ("ST", "S1"):
        grid[0, 0].set_xlim(_limits(part, shown))
    for ax in grid.ravel()[len(kept) :]:
        ax.set_axis_off()
    figure.suptitle(head, x=0.01, ha="left", fontsize=12, color=INK, fontweight="bold")
    handles, texts = grid[0, 0].get_legend_handles_labels()
    if len(texts) > 1:
        figure.legend(handles, texts, loc="outside lower right", ncols=len(texts), frameon=False, fontsize=9)
    return figure


def _limits(part: xr.Dataset, shown: Sequence[str]) -> tuple[float, float]:
    """From where to where all bars of shares and their intervals reach, within reason."""
    ends = [part[v].values for n in shown for v in (n, f"{n}_low", f"{n}_high") if v in part]
    held = np.concatenate([[0.0, 0.1], *(e[np.isfinite(e)].ravel() for e in ends)])
    return max(float(held.min()) - 0.02, _ENDS[0]), min(1.04 * float(held.max()), _ENDS[1])


def _bars(ax: Axes, own: xr.Dataset, shown: Sequence[str]) -> None:
    """Bars of one output: the first variable light and behind, the second dark and in front."""
    place = np.arange(own.sizes[PARAM])
    pair = len(shown) > 1
    for k, name in enumerate(shown):
        values = np.asarray(own[name].values, np.float64)
        off = (0.19 if k else -0.19) if pair else 0.0
        hue = (_LIGHT, _DARK)[k] if pair else _DARK
        ax.barh(place + off, values, 0.36 if pair else 0.62, color=hue, label=_SHORT.get(name, name))
        low, high = own.get(f"{name}_low"), own.get(f"{name}_high")
        if low is not None and high is not None:
            ends = np.stack([values - low.values, high.values - values])
            ax.errorbar(
                values, place + off, xerr=np.maximum(ends, 0.0), fmt="none", ecolor=INK, elinewidth=1.1, capsize=2.2
            )
    ax.set_yticks(place, [str(n) for n in own[PARAM].values])
    ax.set_ylim(place.size - 0.4, -0.6)
    ax.axvline(0.0, color=INK, lw=0.8)
    ax.set_xlabel(_axis(own[shown[0]], shown[0]))
    ax.xaxis.set_major_locator(MaxNLocator(5))
    ax.grid(axis="x", color=GREY, lw=0.6)
    ax.set_axisbelow(True)
    ax.tick_params(axis="y", length=0)
    ax.spines[["top", "right", "left"]].set_visible(False)


def _axis(values: xr.DataArray, name: str) -> str:
    unit = str(values.attrs.get("units", "1"))
    return f"{_MEANS.get(name, name)}{'' if unit in ('1', '') else f' [{unit}]'}"


def _over_time(part: xr.Dataset, rest: xr.Dataset, shown: Sequence[str], head: str, name: str) -> Figure:
    """The output, shares of variance stacked, and total indices with their bands, one under the other."""
    stacked = "S1" in shown
    level = "mean" in part
    ratios = [*([1.0] if level else []), *([1.1] if stacked else []), 1.6]
    figure = Figure(figsize=(9.0, 0.9 + 1.9 * sum(ratios)), layout="constrained")
    rows = list(np.atleast_1d(figure.subplots(len(ratios), 1, sharex=True, height_ratios=ratios)))
    time = np.asarray(part[TIME].values, np.float64)
    hues = {str(n): _HUES[k % len(_HUES)] for k, n in enumerate(part[PARAM].values)}
    if level:
        _level(rows.pop(0), time, part, name)
    if stacked:
        _stack(rows.pop(0), time, part["S1"], rest["S1"], hues)
    _bands(rows[0], time, part, shown[0], hues)
    unit = str(part[TIME].attrs.get("units", "ms"))
    rows[0].set_xlabel(f"time [{unit}]")
    rows[0].set_xlim(time[0], time[-1])
    figure.suptitle(head, x=0.01, ha="left", fontsize=12, color=INK, fontweight="bold")
    return figure


def _level(ax: Axes, time: Floats, part: xr.Dataset, name: str) -> None:
    """Mean and standard deviation of the output."""
    mean, sd = (np.asarray(part[n].values, np.float64) for n in ("mean", "sd"))
    ax.fill_between(time, mean - sd, mean + sd, color=GREY, lw=0, label="standard deviation")
    ax.plot(time, mean, color=INK, lw=1.4, label="mean")
    unit = str(part["mean"].attrs.get("units", "1"))
    ax.set_ylabel(name if unit == "1" else f"{name} [{unit}]")
    _legend(ax, 1)
    tidy(ax)


def _stack(ax: Axes, time: Floats, values: xr.DataArray, rest: xr.DataArray, hues: dict[str, str]) -> None:
    """What each parameter explains alone, one on the other; what is left up to 1 takes several together."""
    every = [np.maximum(np.nan_to_num(v.transpose(PARAM, TIME).values), 0.0) for v in (values, rest)]
    shares = np.concatenate([every[0], every[1].sum(axis=0, keepdims=True)])
    blank = np.isnan(values.transpose(PARAM, TIME).values).all(axis=0)
    shares = shares / np.maximum(shares.sum(axis=0), 1.0)
    below = np.zeros(time.size)
    for share, hue in zip(shares, [*hues.values(), _REST], strict=True):
        label = "those not shown" if hue == _REST and rest.sizes[PARAM] else None
        ax.fill_between(time, below, below + share, where=~blank, color=hue, lw=0, label=label)
        below = below + share
    ax.fill_between(time, below, 1.0, where=~blank, color=GREY, lw=0, label="only together")
    ax.set_ylim(0.0, 1.0)
    ax.set_ylabel("alone (S1)")
    _legend(ax, 1)
    tidy(ax)


def _bands(ax: Axes, time: Floats, part: xr.Dataset, name: str, hues: dict[str, str]) -> None:
    """A line for each parameter, in the band of its interval."""
    for param, hue in hues.items():
        own = part.sel({PARAM: param})
        if f"{name}_low" in own:
            low, high = own[f"{name}_low"].values, own[f"{name}_high"].values
            ax.fill_between(time, low, high, color=hue, alpha=0.25, lw=0)
        ax.plot(time, own[name].values, color=hue, lw=1.4, label=param)
    values = part[name].values
    top = float(np.nanmax(values)) if np.isfinite(values).any() else 1.0
    if name in ("ST", "S1"):
        ax.set_ylim(-0.03, max(1.03, min(1.5, 1.05 * top)))
    unit = str(part[name].attrs.get("units", "1"))
    ax.set_ylabel(_SHORT.get(name, name) + ("" if unit == "1" else f" [{unit}]"))
    ax.grid(axis="y", color=GREY, lw=0.6)
    _legend(ax, 1)
    tidy(ax)


def _legend(ax: Axes, columns: int) -> None:
    ax.legend(
        frameon=False, fontsize=9, loc="upper left", bbox_to_anchor=(1.005, 1.02), ncols=columns, handlelength=1.2
    )


def _history(part: xr.Dataset, name: str, head: str) -> Figure:
    """Indices over how many points there were, each in the band of its interval, and half the widths of the bands."""
    figure = Figure(figsize=(9.0, 3.6), layout="constrained")
    left, right = figure.subplots(1, 2, width_ratios=[1.5, 1.0])
    sizes = np.asarray(part[SIZE].values, np.float64)
    for k, param in enumerate(part[PARAM].values):
        own, hue = part.sel({PARAM: param}), _HUES[k % len(_HUES)]
        left.plot(sizes, own[name].values, color=hue, lw=1.4, marker="o", ms=3, label=str(param))
        if f"{name}_low" in own:
            low, high = own[f"{name}_low"].values, own[f"{name}_high"].values
            left.fill_between(sizes, low, high, color=hue, alpha=0.2, lw=0)
            right.plot(sizes, (high - low) / 2, color=hue, lw=1.4, marker="o", ms=3)
    last = part.isel({SIZE: -1})[name].values
    span = max(float(np.nanmax(last)), 1e-12) if np.isfinite(last).any() else 1.0
    left.set_ylim(-0.1 * span, 1.5 * span)
    left.set_ylabel(_axis(part[name], name) if name not in _SHORT else _SHORT[name])
    right.set_ylabel("half the interval")
    right.set_yscale("log")
    for ax in (left, right):
        ax.set_xscale("log", base=2)
        ax.xaxis.set_major_formatter(FuncFormatter(_thousands))
        ax.set_xlabel("points of the design, n")
        ax.grid(color=GREY, lw=0.6)
        tidy(ax)
    handles, texts = left.get_legend_handles_labels()
    figure.legend(handles, texts, loc="outside right upper", frameon=False, fontsize=9)
    figure.suptitle(head, x=0.01, ha="left", fontsize=12, color=INK, fontweight="bold")
    return figure


def _thousands(value: float, _: Any) -> str:
    return f"{value:,.0f}"
