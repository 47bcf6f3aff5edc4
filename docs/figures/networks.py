"""The pictures of docs/ready-networks.md: who fires when in ready networks, and when interneurons are coherent.

`python docs/figures/networks.py` writes docs/img/ready-networks.png and docs/img/gamma.png, in a few minutes.
"""

from __future__ import annotations

from pathlib import Path
from typing import Any

import matplotlib.pyplot as plt
import numpy as np
import xarray as xr

import sneuron as sn

PICTURES = Path(__file__).parents[1] / "img"
RED, BLUE = "tab:red", "0.2"


def draw() -> None:
    """Both pictures."""
    figure, axes = plt.subplots(2, 2, figsize=(11, 6.4), layout="constrained")
    _draw_izhikevich(axes[0, 0])
    _draw_column(axes[0, 1])
    _draw_gamma(axes[1, 0])
    _draw_ring(axes[1, 1])
    for panel in axes.flat:
        panel.set_xlabel("time (ms)", fontsize="small")
    _finish(figure, "ready-networks.png")
    figure, panel = plt.subplots(figsize=(6, 3.2), layout="constrained")
    _draw_coherence(panel)
    _finish(figure, "gamma.png")


def _finish(figure: Any, name: str) -> None:
    for panel in figure.axes:
        panel.tick_params(labelsize="x-small")
        panel.spines[["top", "right"]].set_visible(False)
    figure.savefig(PICTURES / name, dpi=90, metadata={"Software": None})
    plt.close(figure)


def _raster(panel: Any, run: xr.Dataset, title: str, size: float) -> None:
    """A dot for each spike: red those of inhibitory neurons."""
    times, who = run.event_time.values, run.event_neuron.values
    inhibitory = np.char.lower(run.population.values.astype(str)[who])
    inhibitory = np.array([name.endswith("i") for name in inhibitory])
    for kind, color in ((~inhibitory, BLUE), (inhibitory, RED)):
        panel.plot(times[kind], who[kind], ".", ms=size, color=color, mew=0, rasterized=True)
    panel.set_title(title, fontsize="small", loc="left")
    panel.set_ylabel("neuron", fontsize="small")


def _draw_izhikevich(panel: Any) -> None:
    run = sn.RunSim(sn.BuildNet("izhikevich_2003", seed=1), 1000.0)
    _raster(panel, run, "izhikevich_2003", 1.8)


def _draw_column(panel: Any) -> None:
    net = sn.BuildNet("potjans_diesmann_10", seed=1)
    _raster(panel, sn.RunSim(net, 600.0), "potjans_diesmann_10", 1.2)
    names, first, many = np.unique(net.population.values, return_index=True, return_counts=True)
    panel.set_yticks(first + many / 2, names)
    panel.set_ylabel("")
    panel.set_xlim(200.0, 600.0)
    panel.invert_yaxis()


def _draw_gamma(panel: Any) -> None:
    law = {"law": "normal", "mean": 1.2, "std": 0.03}
    net = sn.BuildNet("wang_buzsaki_gamma", seed=0, changes={"i.I": law, "ii.p": 1.0, "ii.weight": 0.001})
    _raster(panel, sn.RunSim(net, 500.0), "wang_buzsaki_gamma, each with all, 1.2 uA/cm2", 3.0)


def _draw_ring(panel: Any) -> None:
    degrees = (np.arange(256) + 0.5) * 360.0 / 256
    cue = np.where(np.abs(degrees - 180.0) <= 18.0, 200.0, 0.0)
    amplitude = xr.DataArray(np.pad(cue, (0, 64)), dims="neuron")
    net = sn.BuildNet("murray_2012_8", seed=2)
    run = sn.RunSim(sn.InjCur(net, sn.step(amplitude, 500.0, 750.0)), 2500.0)
    _raster(panel, run, "murray_2012_8, cue at 180 degrees", 2.0)
    panel.axvspan(500.0, 750.0, color="0.9", zorder=0)
    panel.set_yticks(np.linspace(0, 256, 5), ["0", "90", "180", "270", "360"])
    panel.set_ylabel("place (degrees); above: interneurons", fontsize="small")


def coherence(times: Any, who: Any, tau: float) -> float:
    """Spikes of two neurons in one bin, over the geometric mean of their spikes; the mean over all pairs."""
    bins = np.zeros((who.max() + 1, int((times.max() - times.min()) / tau) + 2))
    bins[who, ((times - times.min()) / tau).astype(int)] = 1.0
    bins = bins[bins.any(1)]
    size = bins.sum(1)
    pairs = bins @ bins.T / np.sqrt(np.outer(size, size))
    return float((pairs.sum() - len(bins)) / (len(bins) * (len(bins) - 1)))


def _draw_coherence(panel: Any) -> None:
    found = {60: [], 100: []}
    for synapses, points in found.items():
        wires = {"ii.p": synapses / 100, "ii.weight": 0.1 / synapses}
        for drive in np.geomspace(0.4, 5.0, 11):
            law = {"law": "normal", "mean": float(drive), "std": 0.03}
            run = sn.RunSim(sn.BuildNet("wang_buzsaki_gamma", seed=[0, 1, 2], changes={"i.I": law, **wires}), 1000.0)
            for times, who in zip(run.event_time.values, run.event_neuron.values, strict=True):
                late = times > 500.0
                rate = late.sum() / 100 / 0.5
                points.append((rate, coherence(times[late], who[late], 100.0 / rate)))
    for (synapses, points), color in zip(found.items(), (RED, BLUE), strict=True):
        panel.plot(*np.transpose(points), "o", ms=4, color=color, label=f"{synapses} synapses each")
    panel.axhline(0.1, color="0.6", lw=0.8, label="chance")
    panel.axvspan(20.0, 80.0, color="0.93", zorder=0)
    panel.set_xlabel("frequency (Hz)")
    panel.set_ylabel("coherence in bins of 0.1 period")
    panel.set_ylim(0, 1)
    panel.legend(fontsize="small", frameon=False)


if __name__ == "__main__":
    draw()
