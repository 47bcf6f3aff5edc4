"""The picture of a fit to a recorded cell: f-I curves, spikes, traces, convergence, profiles."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np
import xarray as xr
from matplotlib.axes import Axes
from matplotlib.figure import Figure

from sneuron import errors
from sneuron.labels import SPIKE_TIME, TIME
from sneuron.plot.draw import GREY, INK, tidy

__all__ = ["PlotFit"]

_MODEL, _HELD = "#d1495b", "#f3f0e6"
_OTHERS = {"lif": ("#0f6fb3", "--", "LIF, closed form"), "interpolation": ("#8a939c", ":", "interpolation")}
_COLUMNS = 6


def PlotFit(
    cell: xr.Dataset, run: xr.Dataset, scores: xr.Dataset, diagnosis: xr.Dataset, sweeps: Sequence[int] = (0,)
) -> Figure:
    """How a fitted model predicts a cell, on the sweeps that it was fitted to and on those that were held out.

    Parameters
    ----------
    cell : Dataset
        `current`, `voltage` (mV) and `spike_time` (ms) with one dim of sweeps.
    run : Dataset
        The model under the same stimuli: `v` (mV) and `spike_time` (ms).
    scores : Dataset
        From `Fit.scores`.
    diagnosis : Dataset
        From `Fit.diagnostics`.
    sweeps : sequence of int
        Which sweeps' traces are drawn, counted from 0.

    Returns
    -------
    matplotlib.figure.Figure
        Not bound to any window; save it with `savefig`.

    Raises
    ------
    DataError
        One sweep only; no voltage; a number of a sweep that there is not.
    """
    if len(scores["recorded"].dims) != 1 or "voltage" not in cell:
        given = "there is one sweep" if "voltage" in cell else "the recording has no voltage"
        raise errors.DataError("PlotFit", given, "voltage of several sweeps", mend="Give data with it.")
    (dim,) = scores["recorded"].dims
    if not all(0 <= k < scores.sizes[dim] for k in sweeps):
        raise errors.DataError("PlotFit", f"sweeps {list(sweeps)}", f"numbers from 0 to {scores.sizes[dim] - 1}")
    params = diagnosis.sizes["param"]
    rows = -(-params // _COLUMNS)
    figure = Figure(figsize=(13, 3.6 + 1.5 * len(sweeps) + 1.55 * rows), layout="constrained")
    heights = [3.4, *[1.5] * len(sweeps), 1.5 * rows]
    grid = figure.add_gridspec(len(heights), 1, height_ratios=heights)
    top = grid[0].subgridspec(1, 3, width_ratios=[1, 1.5, 1])
    _curves(figure.add_subplot(top[0]), cell, scores, str(dim))
    _raster(figure.add_subplot(top[1]), cell, run, scores, str(dim))
    _convergence(figure.add_subplot(top[2]), diagnosis)
    for k, sweep in enumerate(sweeps):
        _trace(figure.add_subplot(grid[1 + k]), cell, run, scores, str(dim), sweep, k == len(sweeps) - 1)
    inner = grid[len(heights) - 1].subgridspec(rows, _COLUMNS)
    for k in range(params):
        _profile(figure.add_subplot(inner[k // _COLUMNS, k % _COLUMNS]), diagnosis.isel(param=k), k % _COLUMNS == 0)
    return figure


def _title(ax: Axes, text: str) -> None:
    ax.set_title(text, fontsize=10, loc="left", color=INK)


def _curves(ax: Axes, cell: xr.Dataset, scores: xr.Dataset, dim: str) -> None:
    """Spike counts over the mean current."""
    current = cell["current"].mean(TIME).values if "current" in cell else np.arange(scores.sizes[dim], dtype=float)
    order = np.argsort(current)
    held = scores["held_out"].values
    for name in map(str, scores["predictor"].values):
        count = scores["count"].sel(predictor=name).values
        if name == "model":
            ax.plot(current[order], count[order], color=_MODEL, lw=2, label="model", zorder=3)
            ax.plot(current, count, "o", color=_MODEL, ms=4, zorder=3)
        else:
            colour, style, text = _OTHERS[name]
            ax.plot(current[order], count[order], color=colour, ls=style, lw=1.4, label=text)
    recorded = scores["recorded"].values
    ax.plot(current[~held], recorded[~held], "o", color=INK, ms=7, label="recorded, fitted", zorder=4)
    ax.plot(current[held], recorded[held], "o", mfc="w", mec=INK, mew=1.5, ms=7, label="recorded, held out", zorder=4)
    unit = cell["current"].attrs.get("units", "pA") if "current" in cell else "1"
    ax.set_xlabel(f"mean current [{unit}]")
    ax.set_ylabel("spikes in a sweep")
    ax.legend(frameon=False, fontsize=8, loc="lower right")
    tidy(ax)
    _title(ax, "Spike counts")


def _raster(ax: Axes, cell: xr.Dataset, run: xr.Dataset, scores: xr.Dataset, dim: str) -> None:
    """Spikes of cell and model, sweep by sweep."""
    many = scores.sizes[dim]
    names = []
    for k in range(many):
        row, held = scores.isel({dim: k}), bool(scores["held_out"].values[k])
        if held:
            ax.axhspan(k - 0.5, k + 0.5, color=_HELD, lw=0, zorder=0)
        for data, colour, shift in ((cell, INK, -0.2), (run, _MODEL, 0.2)):
            times = data[SPIKE_TIME].isel({dim: k}).values
            times = times[np.isfinite(times)]
            ax.vlines(times, k + shift - 0.17, k + shift + 0.17, color=colour, lw=0.7)
        name = str(row[dim].values) if dim in scores.coords else str(k)
        names.append(f"{name}{', held out' if held else ''}\n$\\Gamma$ = {float(row['gamma']):.2f}")
    ax.set_yticks(range(many), names, fontsize=8)
    ax.set_ylim(many - 0.45, -0.55)
    ax.set_xlim(0, float(cell.attrs["t_stop"]))
    ax.set_xlabel("time [ms]")
    tidy(ax)
    _title(ax, "Spikes: recorded (dark), model (red)")


def _convergence(ax: Axes, diagnosis: xr.Dataset) -> None:
    """The best loss of each search over evaluations."""
    running = diagnosis["running"].transpose("start", "generation").values
    best = int(np.argmin(diagnosis["best_loss"].values))
    for k, row in enumerate(running):
        ax.plot(row, color=_MODEL if k == best else "#9aa5b1", lw=2 if k == best else 0.9, zorder=2 + (k == best))
    finite = running[np.isfinite(running)]
    if finite.min() > 0 and finite.max() > 20 * finite.min():
        ax.set_yscale("log")
    ax.set_xlabel("batch")
    ax.set_ylabel("best loss so far")
    tidy(ax)
    _title(ax, f"Convergence of {len(running)} searches")


def _trace(ax: Axes, cell: xr.Dataset, run: xr.Dataset, scores: xr.Dataset, dim: str, sweep: int, last: bool) -> None:
    """Voltage of cell and model in one sweep; the spikes of models with a reset are drawn as lines."""
    recorded, model = (a.isel({dim: sweep}) for a in (cell["voltage"], run["v"]))
    ax.plot(recorded[TIME], recorded, color=INK, lw=0.7)
    step = max(1, model.sizes[TIME] // 8000)
    ax.plot(model[TIME][::step], model[::step], color=_MODEL, lw=0.7, alpha=0.85)
    top = float(recorded.max())
    times = run[SPIKE_TIME].isel({dim: sweep}).values
    ax.vlines(times[np.isfinite(times)], top + 4, top + 12, color=_MODEL, lw=0.8)
    row = scores.isel({dim: sweep})
    name = str(row[dim].values) if dim in scores.coords else str(sweep)
    part = "held out" if bool(row["held_out"]) else "fitted"
    counts = f"{float(row['recorded']):g} spikes recorded, {float(row['count'].sel(predictor='model')):g} of the model"
    _title(ax, f"Sweep {name}, {part}: {counts}, first spike {float(row['latency_error']):+.1f} ms")
    ax.set_xlim(0, float(cell.attrs["t_stop"]))
    ax.set_ylabel("v [mV]")
    if last:
        ax.set_xlabel("time [ms]")
    else:
        ax.tick_params(labelbottom=False)
    tidy(ax)


def _profile(ax: Axes, row: Any, first: bool) -> None:
    """The least loss over one parameter."""
    value, loss = row["value"].values, row["profile"].values
    best = row["best"].values[int(np.argmin(row["best_loss"].values))]
    ax.plot(value, loss, color=INK, lw=1.2, marker=".", ms=3)
    ax.axvline(best, color=_MODEL, lw=1.2)
    least = np.nanmin(loss)
    ax.set_ylim(least - 0.1 * max(least, 1e-12), least + 1.15 * (np.nanpercentile(loss, 75) - least) + 1e-12)
    ratios, gaps = value[1:] / value[:-1] if value[0] > 0 else np.zeros(1), np.diff(value)
    if value[0] > 0 and np.ptp(ratios) < 1e-6 * abs(ratios[0]) and np.ptp(gaps) > 1e-6 * abs(gaps[0]):
        ax.set_xscale("log")
        ticks = [float(f"{t:.1g}") for t in np.geomspace(value[0], value[-1], 4)]
        ax.set_xticks(ticks, [f"{t:g}" for t in ticks])
    ax.tick_params(labelsize=7, which="both")
    ax.minorticks_off()
    side = int(row["at_bound"])
    ax.set_xlabel(f"{row['param'].item()}{' (at the end of its range)' if side else ''}", fontsize=8, labelpad=1)
    if first:
        ax.set_ylabel("least loss", fontsize=8)
    ax.grid(color=GREY, lw=0.4)
    tidy(ax)
