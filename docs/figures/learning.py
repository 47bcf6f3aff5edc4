"""The picture of docs/learning.md: rules that learn, weights that settle, loops that do not, and a memory that fills.

`python docs/figures/learning.py` writes docs/img/learning.png, and prints the numbers that the page states.
"""

from __future__ import annotations

from pathlib import Path
from typing import Any

import matplotlib.pyplot as plt
import numpy as np
import xarray as xr
from scipy.optimize import fsolve
from scipy.special import erf

import sneuron as sn

PICTURE = Path(__file__).parents[1] / "img" / "learning.png"
RATES = [2e-4, 1e-3, 5e-3]
SIZES = {100: 60, 300: 20, 1000: 6}
LOADS = [0.06, 0.09, 0.11, 0.125, 0.138, 0.15, 0.165, 0.18, 0.21]
GAIN, STEP = 2.0, 1000.0


def draw() -> None:
    """The whole picture."""
    figure, axes = plt.subplots(2, 3, figsize=(11, 6), layout="constrained")
    _draw_oja(axes[0, 0])
    _draw_bcm(axes[0, 1])
    _draw_weights(axes[0, 2])
    _draw_homeostasis(axes[1, 0])
    _draw_verdicts(axes[1, 1])
    _draw_memory(axes[1, 2])
    for panel in axes.flat:
        panel.tick_params(labelsize="x-small")
        panel.spines[["top", "right"]].set_visible(False)
    figure.savefig(PICTURE, dpi=90, metadata={"Software": None})
    plt.close(figure)


def _named(panel: Any, title: str, x: str, y: str) -> None:
    panel.set_title(title, fontsize="small", loc="left")
    panel.set_xlabel(x, fontsize="small")
    panel.set_ylabel(y, fontsize="small")


def _draw_oja(panel: Any) -> None:
    """How far Oja's weights are from the first principal component."""
    rng = np.random.default_rng(1)
    x = rng.normal(size=(40_000, 5)) * np.sqrt([3.0, 1.5, 1.0, 0.5, 0.2])
    first = np.linalg.eigh(x.T @ x)[1][:, -1]
    learned = sn.HebbUpd(x, np.full(5, 0.3), rule="oja", rate=RATES, traces=400)
    w = learned.weight_trace
    angle = np.degrees(np.arccos(np.minimum(abs(w @ xr.DataArray(first, dims="pre")) / np.sqrt((w**2).sum("pre")), 1)))
    for rate in RATES:
        panel.semilogy(w.trace / 1000, angle.sel(rate=rate), lw=0.8, label=f"rate {rate:g}")
    panel.axhline(1.0, color="grey", lw=0.5)
    panel.legend(fontsize="x-small", frameon=False)
    _named(panel, "Oja: towards the first component", "thousands of samples", "angle (degrees)")


def _draw_bcm(panel: Any) -> None:
    """Answers of one neuron to four patterns."""
    rng = np.random.default_rng(3)
    patterns = np.eye(4) + 0.3 * rng.random((4, 4))
    x = patterns[rng.integers(0, 4, 60_000)]
    learned = sn.HebbUpd(x, rng.uniform(0, 0.5, 4), rule="bcm", rate=5e-4, tau=500, traces=300)
    panel.plot(learned.trace / 1000, learned.weight_trace.values @ patterns.T, lw=0.9)
    panel.axhline(4.0, color="grey", lw=0.5)
    _named(panel, "BCM: one of four patterns wins, with 1/p = 4", "thousands of samples", "answer")


def _draw_weights(panel: Any) -> None:
    """Where weights end that feed back on themselves."""
    rng = np.random.default_rng(5)
    mu = xr.DataArray([0.0, 0.1, 1.0], dims="mu", coords={"mu": [0.0, 0.1, 1.0]})
    w = xr.DataArray(rng.random((3, 3000)), dims=("mu", "synapse"), coords={"mu": mu})
    for _ in range(800):
        rise = rng.random(w.shape) < 0.5 + 0.3 * (w.values - 0.5)
        gain = xr.DataArray(np.where(rise, 0.02, -0.02), dims=w.dims)
        w = sn.UpdWgt(w, gain, rule="power", mu=mu, low=0.0, high=1.0).weight
    for one in mu.values:
        panel.hist(w.sel(mu=one), bins=40, range=(0, 1), density=True, histtype="step", label=f"mu = {one:g}")
    panel.legend(fontsize="x-small", frameon=False)
    _named(panel, "Steps that feed back: one group or two", "weight", "density")


def _draw_homeostasis(panel: Any) -> None:
    """A neuron whose rate is the square of its drive, scaled once a second."""
    for part in (0.9, 1.5, 4.0):
        tau, w, rates, seen = part * GAIN * STEP, np.array([[1.3]]), [], 5.0
        for _ in range(40):
            rates.append(5.0 * w.item() ** GAIN)
            w = sn.HomeoScale(w, seen, 5.0, tau=tau, dt=STEP).weight.values
            seen = rates[-1]
        panel.plot(rates, lw=0.9, label=f"tau = {part:g} x gain x dt")
    panel.axhline(5.0, color="grey", lw=0.5)
    panel.set_ylim(0, 15)
    panel.legend(fontsize="x-small", frameon=False, loc="upper right")
    _named(panel, "Scaling, late by one interval", "time (s)", "rate (Hz)")


def _draw_verdicts(panel: Any) -> None:
    """Verdicts on stationary weights that drift by so much, and swing by so much, in their own spread."""
    drifts, swings = np.linspace(0, 2, 21), np.linspace(0, 0.8, 21)
    t = np.arange(100.0)[:, np.newaxis]
    rng = np.random.default_rng(2)
    w = rng.normal(size=(21, 21, 100, 30))
    for k in range(1, 100):
        w[..., k, :] = np.exp(-0.2) * w[..., k - 1, :] + np.sqrt(1 - np.exp(-0.4)) * w[..., k, :]
    w = w + drifts[:, None, None, None] * t / 100 + swings[None, :, None, None] * np.sin(2 * np.pi * t / 20)
    found = sn.PlastStable(xr.DataArray(5 + w, dims=("drift", "swing", "snapshot", "synapse")))
    image = panel.pcolormesh(swings, drifts, found.verdict, cmap=plt.get_cmap("viridis", 5), vmin=-0.5, vmax=4.5)
    bar = panel.figure.colorbar(image, ax=panel, ticks=range(5))
    bar.ax.set_yticklabels(found.verdict.attrs["flag_meanings"].split(), fontsize="x-small")
    _named(panel, "Verdicts on 30 noisy weights", "swing (sd)", "drift over the record (sd)")


def overlaps(n: int, load: float, points: int, seed: int) -> xr.DataArray:
    """Overlaps of stored patterns with what they fall into, dims (point, pattern)."""
    shape = (points, round(load * n), n)
    patterns = xr.DataArray(np.random.default_rng(seed).choice([-1.0, 1.0], shape), dims=("point", "pattern", "neuron"))
    shown = patterns.rename(pattern="sample", neuron="pre")
    weights = sn.HebbUpd(shown, post=shown.rename(pre="post"), rule="hopfield", rate=1 / n).weight
    cues = patterns.isel(pattern=slice(0, 10)).rename(pattern="cue")
    state = sn.recall(weights, cues).state
    return (state * cues).mean("neuron").rename(cue="pattern")


def by_mean_field(load: float) -> float:
    """The overlap in the limit of many neurons (Amit, Gutfreund & Sompolinsky 1987)."""
    (y,) = fsolve(lambda y: y * (np.sqrt(2 * load) + 2 / np.sqrt(np.pi) * np.exp(-(y**2))) - erf(y), 3.0)
    return float(erf(y))


def _draw_memory(panel: Any) -> None:
    """Overlap against load, for networks of several sizes."""
    for n, points in SIZES.items():
        found = [overlaps(n, load, points, 7) for load in LOADS]
        means = [float(f.mean()) for f in found]
        errors = [float(f.mean("pattern").std()) / np.sqrt(points) for f in found]
        panel.errorbar(LOADS, means, errors, lw=0.9, label=f"N = {n}")
        print(n, " ".join(f"{load:g}: {m:.3f}+-{e:.3f}" for load, m, e in zip(LOADS, means, errors, strict=True)))
    fine = np.linspace(0.03, 0.1378, 60)
    panel.plot(fine, [by_mean_field(a) for a in fine], "k", lw=0.7, label="mean field")
    panel.axvline(0.138, color="grey", lw=0.5)
    panel.legend(fontsize="x-small", frameon=False)
    _named(panel, "Hopfield: overlap of a stored pattern", "patterns per neuron", "overlap")


if __name__ == "__main__":
    draw()
