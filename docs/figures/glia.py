"""The picture of docs/glia.md: calcium over IP3, a wave along a row, synapses under glia, potassium.

`python docs/figures/glia.py` writes docs/img/glia.png.
"""

from __future__ import annotations

from pathlib import Path
from typing import Any

import matplotlib.pyplot as plt
import numpy as np
import xarray as xr

import sneuron as sn

PICTURE = Path(__file__).parents[1] / "img" / "glia.png"
SECOND = 1000.0


def draw() -> None:
    """The whole picture."""
    figure, axes = plt.subplots(2, 2, figsize=(11, 6.4), layout="constrained")
    _draw_window(axes[0, 0])
    _draw_wave(axes[0, 1], figure)
    _draw_release(axes[1, 0])
    _draw_potassium(axes[1, 1])
    for panel in axes.flat:
        panel.spines[["top", "right"]].set_visible(False)
        panel.tick_params(labelsize="small")
    PICTURE.parent.mkdir(exist_ok=True)
    figure.savefig(PICTURE, dpi=110, metadata={"Software": None})


def _draw_window(axes: Any) -> None:
    """The range of calcium after its transients, of both sets."""
    for name, colour in (("li_rinzel_am", "tab:blue"), ("li_rinzel_fm", "tab:orange")):
        ip3 = xr.DataArray(np.linspace(0.2, 1.0, 81), dims="point")
        cells = sn.InitNeu({"model": name, "IP3_rest": ip3, "IP3": ip3, "Ca": 0.3})
        _, settled = sn.RunSim(cells, 300 * SECOND, return_state=True)
        run = sn.RunSim(settled, 100 * SECOND, features=["Ca_max", "Ca_min"])
        axes.fill_between(ip3, run.Ca_min, run.Ca_max, color=colour, alpha=0.25, lw=0)
        axes.plot(ip3, run.Ca_max, ip3, run.Ca_min, color=colour, lw=1)
        axes.plot([], [], color=colour, label=name)
    for at in sn.bifurcations("li_rinzel", "IP3_rest", 0, 1.5).IP3_rest.values:
        axes.axvline(at, color="tab:blue", ls=":", lw=1)
    axes.set(xlabel="IP3 (uM)", ylabel="calcium (uM)")
    axes.set_title("range of calcium; dotted: Hopf bifurcations", fontsize="small", loc="left")
    axes.legend(fontsize="small", frameon=False)


def _draw_wave(axes: Any, figure: Any) -> None:
    """Calcium of a row of astrocytes of which glutamate reaches the first."""
    row = sn.ConnMat(12, "edges", pre=[*range(11), *range(1, 12)], post=[*range(1, 12), *range(11)])
    glu = xr.DataArray(np.r_[5.0, np.zeros(11)], dims="astro")
    cells = sn.InitNeu({"model": "gchi_fm", "glu_rest": glu, "glu.v_beta": "3 uM/s", "glio.Ca_release": 0.3})
    law = {"law": "linear", "rate": "3 Hz"}
    wave = sn.GliaLink(cells, duration=60 * SECOND, dt=20, coupling=row, exchange=law, every=10)
    seen = axes.pcolormesh(wave.time / SECOND, np.arange(12), wave.Ca, cmap="magma", shading="nearest")
    first = wave.spike_time.isel(spike=0)
    axes.plot(first / SECOND, np.arange(12), "w.", ms=5)
    figure.colorbar(seen, ax=axes, label="calcium (uM)")
    axes.set(xlabel="time (s)", ylabel="astrocyte")
    axes.set_title("a wave along a row; dots: first release", fontsize="small", loc="left")


def _draw_release(axes: Any) -> None:
    """Release of synapses whose astrocyte hears 30 Hz for 20 s."""
    trains = sn.PoisIn(30.0, 20 * SECOND, neurons=1, seed=1).spike_time
    alpha = xr.DataArray([0.0, 0.6, 1.0], dims="nature")
    cells = sn.InitNeu({"model": "gchi_fm", "glio.Ca_release": 0.3, "glio.alpha": alpha})
    weight = xr.DataArray([[5.0]], dims=("astro", "neuron"), attrs={"units": "uM"})
    glia = sn.GliaLink(cells, trains, 120 * SECOND, weight=weight).isel(astro=0)
    for k, value in enumerate(alpha.values):
        axes.plot(glia.time / SECOND, glia.release.isel(nature=k), color=f"C{k}", label=f"alpha = {value:g}")
    axes.plot(trains.isel(neuron=0) / SECOND, np.full(trains.sizes["spike"], 0.02), "k|", ms=5, alpha=0.3)
    axes.set(xlabel="time (s)", ylabel="chance of release U0", ylim=(0, 1))
    axes.set_title("synapses that their astrocyte depresses or facilitates", fontsize="small", loc="left")
    axes.legend(fontsize="small", frameon=False)


def _draw_potassium(axes: Any) -> None:
    """Voltage and potassium of a neuron with 8 mM in the bath."""
    cell = sn.InitNeu({"model": "cressman_2011", "K_bath": 8.0})
    run = sn.RunSim(cell, 80 * SECOND, record=["v", "Ko"], every=20)
    axes.plot(run.time / SECOND, run.v, color="0.3", lw=0.4)
    beside = axes.twinx()
    beside.plot(run.time / SECOND, run.Ko, color="tab:red", lw=1.2)
    beside.set_ylabel("potassium outside (mM)", color="tab:red")
    beside.set_ylim(0, 12)
    axes.set(xlabel="time (s)", ylabel="v (mV)")
    axes.set_title("cressman_2011 with 8 mM in the bath", fontsize="small", loc="left")


if __name__ == "__main__":
    draw()
