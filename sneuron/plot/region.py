"""The picture of a region of equally good points: its shape over pairs of parameters, and what it does."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
import xarray as xr
from matplotlib.axes import Axes
from matplotlib.figure import Figure

from sneuron import errors
from sneuron.labels import TIME
from sneuron.plot.draw import GREY, INK, tidy

__all__ = ["PlotRegion"]

_GOOD = "#0f6fb3"
_HUES = ("#d1495b", "#2e933c", "#d98c00", "#8f5fbf")
_SHOWN = 4000


def PlotRegion(
    everything: xr.Dataset, region: xr.Dataset, parameters: Sequence[str], examples: xr.Dataset | None = None
) -> Figure:
    """Where points are good: each parameter by itself, each pair of them, their rank correlations, and some traces.

    Parameters
    ----------
    everything : Dataset
        Points that are spread evenly over the ranges, dim `point`; parameters are coordinates.
    region : Dataset
        The good ones of them, from `Fit.region`.
    parameters : sequence of str
        Which parameters are drawn.
    examples : Dataset, optional
        Some good points run again: `v` (mV) over `example` and `time`; parameters are coordinates over `example`.

    Returns
    -------
    matplotlib.figure.Figure
        Not bound to any window; save it with `savefig`.

    Raises
    ------
    UnknownNameError
        A parameter that was not searched.
    """
    known = [str(p) for p in region["param"].values]
    for name in parameters:
        if name not in known:
            raise errors.unknown("PlotRegion", "parameter", name, known)
    n, rows = len(parameters), 0 if examples is None else examples.sizes["example"]
    figure = Figure(figsize=(1.25 * n + 2.2, 1.25 * n + 1.4 + 1.05 * rows), layout="constrained")
    outer = figure.add_gridspec(2 if rows else 1, 1, height_ratios=[1.25 * n + 0.8, 1.05 * rows] if rows else None)
    grid = outer[0].subgridspec(n, n)
    for i, below in enumerate(parameters):
        for j, across in enumerate(parameters):
            ax = figure.add_subplot(grid[i, j])
            if i == j:
                _share(ax, everything, region, below)
            elif i > j:
                _pair(ax, everything, region, across, below, examples)
            else:
                _correlation(ax, float(region["correlation"].sel({"param": below, "with": across})))
            _edges(ax, region, i, j, n, below, across)
    if examples is not None and rows:
        _traces(figure, outer[1].subgridspec(rows, 1), examples)
    volume = [100 * float(region[k]) for k in ("volume", "volume_low", "volume_high")]
    figure.suptitle(
        f"{region.sizes['point']:,} good points of {everything.sizes['point']:,}: {volume[0]:.2g} % of the ranges "
        f"(95 %: {volume[1]:.2g} to {volume[2]:.2g} %); {float(region['size'][0]):.0%} of them hang together",
        fontsize=10, x=0.01, ha="left", color=INK,
    )  # fmt: skip
    return figure


def _share(ax: Axes, everything: xr.Dataset, region: xr.Dataset, name: str) -> None:
    """How many of all points are good over one parameter."""
    edges = np.linspace(float(everything[name].min()), float(everything[name].max()), 21)
    good, total = np.histogram(region[name], edges)[0], np.histogram(everything[name], edges)[0]
    ax.stairs(good / np.maximum(total, 1), edges, fill=True, color=_GOOD, alpha=0.75)
    ax.set_yticks([])
    ax.margins(x=0)


def _pair(
    ax: Axes, everything: xr.Dataset, region: xr.Dataset, across: str, up: str, examples: xr.Dataset | None
) -> None:
    """The good points over two parameters, some of them marked."""
    step = max(1, region.sizes["point"] // _SHOWN)
    x, y = (region[name].values[::step] for name in (across, up))
    size = float(np.clip(600 / max(len(x), 1), 0.6, 6))
    ax.scatter(x, y, s=size, color=_GOOD, alpha=0.5, lw=0, rasterized=True)
    for k in range(0 if examples is None else examples.sizes["example"]):
        assert examples is not None
        point = (examples[across].values[k], examples[up].values[k])
        ax.plot(*point, "o", ms=5, mfc=_HUES[k % len(_HUES)], mec="w", mew=0.8)
    ax.set_xlim(float(everything[across].min()), float(everything[across].max()))
    ax.set_ylim(float(everything[up].min()), float(everything[up].max()))


def _correlation(ax: Axes, value: float) -> None:
    """A rank correlation, as large as it is strong."""
    colour = "#b2182b" if value > 0 else "#2166ac"
    ax.set_facecolor(
        (*(0.70, 0.09, 0.17), 0.35 * abs(value)) if value > 0 else (*(0.13, 0.40, 0.67), 0.35 * abs(value))
    )
    ax.text(0.5, 0.5, f"{value:+.2f}", ha="center", va="center", transform=ax.transAxes, fontsize=8, color=colour)
    ax.set_xticks([])
    ax.set_yticks([])


def _edges(ax: Axes, region: xr.Dataset, i: int, j: int, n: int, below: str, across: str) -> None:
    """Names and scales at the outer edges only."""
    ax.tick_params(labelsize=6, length=2)
    ax.spines[:].set_color(GREY)
    ax.spines[:].set_linewidth(0.6)
    if i == n - 1:
        ax.set_xlabel(_name(region, across), fontsize=8)
    elif i >= j:
        ax.tick_params(labelbottom=False)
    if j == 0:
        ax.set_ylabel(_name(region, below), fontsize=8)
    elif i > j:
        ax.tick_params(labelleft=False)


def _name(region: xr.Dataset, name: str) -> str:
    unit = str(region[name].attrs.get("units", "1"))
    return name if unit == "1" else f"{name}\n[{unit}]"


def _traces(figure: Figure, grid: object, examples: xr.Dataset) -> None:
    """What the marked points do."""
    rows = examples.sizes["example"]
    for k in range(rows):
        ax = figure.add_subplot(grid[k])  # type: ignore[index]
        trace = examples["v"].isel(example=k)
        step = max(1, trace.sizes[TIME] // 20_000)
        ax.plot((trace[TIME] - trace[TIME][0])[::step], trace[::step], color=_HUES[k % len(_HUES)], lw=0.6)
        ax.set_ylabel("v [mV]", fontsize=8)
        ax.tick_params(labelsize=7, labelbottom=k == rows - 1)
        ax.margins(x=0)
        tidy(ax)
        if k == rows - 1:
            ax.set_xlabel("time [ms]", fontsize=8)
