"""The picture of docs/plasticity.md: windows of rules, pairs by their frequency, weights that compete, release.

`python docs/figures/plasticity.py` writes docs/img/plasticity.png.
"""

from __future__ import annotations

from pathlib import Path
from typing import Any

import matplotlib.pyplot as plt
import numpy as np
import xarray as xr

import sneuron as sn

PICTURE = Path(__file__).parents[1] / "img" / "plasticity.png"
RATES = np.array([0.1, 10.0, 20.0, 40.0, 50.0])
MEASURED = {
    10.0: ([-0.04, 0.14, 0.29, 0.53, 0.56], [0.05, 0.1, 0.14, 0.11, 0.26]),
    -10.0: ([-0.29, -0.41, -0.34, 0.56, 0.75], [0.08, 0.11, 0.1, 0.32, 0.19]),
}
"""Sjoestroem et al. 2001, doi:10.1016/S0896-6273(01)00542-6, as in Table 1 of Pfister & Gerstner 2006."""


def draw() -> None:
    """The whole picture."""
    figure, axes = plt.subplots(2, 2, figsize=(9, 6), layout="constrained")
    for panel, one in zip(axes.flat, (_windows, _frequencies, _competition, _release), strict=True):
        one(panel)
        panel.tick_params(labelsize="x-small")
        panel.spines[["top", "right"]].set_visible(False)
        panel.legend(fontsize="x-small", frameon=False)
    figure.savefig(PICTURE, dpi=90, metadata={"Software": None})
    plt.close(figure)


def _windows(panel: Any) -> None:
    """One pair of spikes."""
    dt = np.linspace(-80.0, 80.0, 801)
    for weight, style in ((0.2, ":"), (0.8, "--")):
        soft = sn.StdpUpd(dt, rule="stdp_multiplicative", weight=weight)
        panel.plot(dt, 1e3 * soft.change, style, color="tab:orange", lw=1, label=f"multiplicative, w = {weight:g}")
    panel.plot(dt, 1e3 * sn.StdpUpd(dt).change, color="tab:blue", lw=1.2, label="additive")
    balance = sn.StdpUpd(dt, rule="inhibitory", weight=10.0, eta=0.002).change
    panel.plot(dt, 1e3 * balance, color="tab:green", lw=1, label="inhibitory")
    panel.axhline(0, color="0.8", lw=0.6, zorder=0)
    panel.set_title("change of the weight by one pair", fontsize="small", loc="left")
    panel.set_xlabel("post after pre (ms)", fontsize="small")
    panel.set_ylabel("change / 1000", fontsize="small")


def _frequencies(panel: Any) -> None:
    """60 pairs at many frequencies, beside what was measured."""
    rates = np.linspace(1.0, 55.0, 109)
    for shift, color in ((10.0, "tab:blue"), (-10.0, "tab:red")):
        trains = xr.DataArray(1000.0 / rates[:, None] * np.arange(60), dims=("rate", "spike"))
        found = sn.StdpUpd(trains, trains + shift, "triplet", bounds=False).change
        panel.plot(rates, found, color=color, lw=1.2, label=f"triplet rule, {shift:+g} ms")
        mean, error = MEASURED[shift]
        panel.errorbar(RATES, mean, error, fmt="o", ms=3.5, lw=0.8, color=color)
    panel.axhline(0, color="0.8", lw=0.6, zorder=0)
    panel.set_title("60 pairs; points: Sjöström et al. 2001", fontsize="small", loc="left")
    panel.set_xlabel("pairs per second (Hz)", fontsize="small")
    panel.set_ylabel("relative change", fontsize="small")


def _competition(panel: Any) -> None:
    """Weights of Song's neuron after 1000 s."""
    net = sn.BuildNet("song_2000", seed=1)
    run = sn.RunSim(net, "1000 s", weights_every="50 s", spikes=False)
    weights = run.weight.isel(synapse=slice(1000)) / 0.15
    edges = np.linspace(0, 1, 21)
    for k, color in ((0, "0.6"), (-1, "tab:blue")):
        label = f"after {float(run.snapshot[k]) / 1000:g} s"
        panel.hist(weights.isel(snapshot=k), edges, histtype="step", color=color, lw=1.2, label=label)
    panel.set_title("weights of 1000 inputs (song_2000)", fontsize="small", loc="left")
    panel.set_xlabel("weight / largest", fontsize="small")
    panel.set_ylabel("inputs", fontsize="small")


def _release(panel: Any) -> None:
    """A train through two synapses, in the mean and by quanta."""
    times = np.append(20.0 + 25.0 * np.arange(10), 700.0)
    shown = {
        "depressing": {"U": 0.5, "tau_rec": 800.0, "tau_fac": 0.0},
        "facilitating": {"U": 0.05, "tau_rec": 100.0, "tau_fac": 700.0},
    }
    for (name, values), color in zip(shown.items(), ("tab:purple", "tab:green"), strict=True):
        panel.plot(times, sn.NtRelease(times, **values).release, "o-", ms=3, lw=0.8, color=color, label=name)
        quanta = sn.NtRelease(times, "quantal", synapses=400, sites=5.0, seed=1, **values).release
        spread = quanta.std("synapse") / 20.0
        panel.errorbar(times, quanta.mean("synapse"), spread, fmt="none", lw=3, alpha=0.3, color=color)
    panel.set_title("release; bars: mean of 400 quantal synapses", fontsize="small", loc="left")
    panel.set_xlabel("time (ms)", fontsize="small")
    panel.set_ylabel("part of all resources", fontsize="small")


if __name__ == "__main__":
    draw()
