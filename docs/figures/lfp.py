"""The picture of docs/lfp.md: spikes and proxies of a network, unitary potentials, a field of line sources.

`python docs/figures/lfp.py` writes docs/img/lfp.png.
"""

from __future__ import annotations

from pathlib import Path
from typing import Any

import matplotlib.pyplot as plt
import numpy as np
import xarray as xr

import sneuron as sn

PICTURE = Path(__file__).parents[1] / "img" / "lfp.png"


def draw() -> None:
    """The whole picture."""
    figure = plt.figure(figsize=(11, 5.6), layout="constrained")
    grid = figure.add_gridspec(3, 2, width_ratios=(3, 2))
    panels = [figure.add_subplot(grid[k, 0]) for k in range(3)]
    net = sn.BuildNet("vogels_abbott_coba", seed=2)
    run = sn.RunSim(net, 300, record=["i_exc", "i_inh"], every=10)
    _draw_spikes(panels[0], run)
    _draw_proxies(panels[1], run)
    _draw_unitary(panels[2], run)
    for panel in panels:
        panel.set_xlim(0, 300)
        panel.spines[["top", "right"]].set_visible(False)
        panel.tick_params(labelsize="small")
    _draw_field(figure.add_subplot(grid[:, 1]), figure)
    PICTURE.parent.mkdir(exist_ok=True)
    figure.savefig(PICTURE, dpi=110, metadata={"Software": None})


def _draw_spikes(axes: Any, run: xr.Dataset) -> None:
    axes.plot(run.event_time, run.event_neuron, "k.", ms=0.6, alpha=0.5)
    axes.set_ylabel("neuron", fontsize="small")
    axes.set_title("vogels_abbott_coba", fontsize="small", loc="left")


def _draw_proxies(axes: Any, run: xr.Dataset) -> None:
    """Both proxies, in units of their own spread."""
    for k, method in enumerate(("reference", "currents")):
        proxy = sn.LfpEst(run, method)
        late = proxy.isel(time=slice(50, None))
        axes.plot(proxy.time, (proxy - late.mean()) / late.std(), color=f"C{k}", lw=0.9, label=method)
    axes.set_ylim(-4, 4)
    axes.set_ylabel("proxy (spread)", fontsize="small")
    axes.legend(fontsize="small", frameon=False, ncols=2, loc="lower right")


def _draw_unitary(axes: Any, run: xr.Dataset) -> None:
    """Unitary potentials at two sites of a sheet of 400 um."""
    places = np.random.default_rng(3).uniform(0, 400, (4000, 2))
    sites = xr.DataArray([[200.0, 200.0], [0.0, 0.0]], dims=("site", "axis"), coords={"site": ["middle", "corner"]})
    lfp = sn.LfpEst(run, "kernel", sites=sites, positions=places, inhibitory=np.arange(4000) >= 3200)
    for k, name in enumerate(lfp.site.values):
        axes.plot(lfp.time, 1e3 * lfp.isel(site=k), color=f"C{k + 2}", lw=0.9, label=str(name))
    axes.set_xlabel("time (ms)", fontsize="small")
    axes.set_ylabel("unitary (uV)", fontsize="small")
    axes.legend(fontsize="small", frameon=False, ncols=2, loc="lower right")


def _draw_field(axes: Any, figure: Any) -> None:
    """The field of 1 nA into one line and out of another."""
    x, z = np.meshgrid(np.linspace(-150, 150, 121), np.linspace(-150, 250, 161))
    lines = np.array([[[0, 0, -50.0], [0, 0, 50.0]], [[0, 0, 50.0], [0, 0, 150.0]]])
    sites = np.stack([x, np.zeros_like(x), z], axis=-1).reshape(-1, 3)
    field = sn.lead_field(lines, sites, radius=1.0)
    current = xr.DataArray([-1.0, 1.0], dims="source", attrs={"units": "nA"})
    found = 1e3 * sn.LfpEst(current, "sources", matrix=field, balanced=True).values.reshape(x.shape)
    seen = axes.contourf(x, z, np.clip(found, -20, 20), np.linspace(-20, 20, 41), cmap="RdBu_r")
    axes.contour(x, z, found, [-8, -4, -2, -1, 0, 1, 2, 4, 8], colors="0.2", linewidths=0.6)
    for line in lines:
        axes.plot(line[:, 0], line[:, 2], color="k", lw=3)
    figure.colorbar(seen, ax=axes, label="potential (uV)")
    axes.set_aspect("equal")
    axes.set(xlabel="x (um)", ylabel="z (um)")
    axes.set_title("1 nA into the lower line, out of the upper one", fontsize="small", loc="left")


if __name__ == "__main__":
    draw()
