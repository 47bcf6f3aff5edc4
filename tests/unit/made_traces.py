"""Voltage traces made up for the tests of features: a sag, adapting spikes, bursts, a response without spikes."""

import numpy as np
import xarray as xr

START, STOP = 200.0, 700.0
CURRENTS = [-100.0, 200.0, 150.0, 40.0]  # pA
ADAPTING = [212.3, 230.1, 255.4, 289.9, 331.2, 380.7, 437.5, 500.3, 569.6, 645.1]
BURSTING = [220.2, 226.3, 232.9, 240.6, 330.4, 336.2, 342.8, 351.1, 452.7, 458.9, 465.2, 474.3, 590.3, 596.2, 603.5]


def step(t, height, tau):
    """The way up from START and down again from STOP, with one time constant."""
    on = np.clip(t - START, 0, STOP - START)
    return height * (1 - np.exp(-on / tau)) * np.exp(-np.clip(t - STOP, 0, None) / tau)


def spike(t, at, height, width):
    """A peak, and a hollow behind it."""
    late = np.clip(t - at, 0, None)
    return height * np.exp(-0.5 * ((t - at) / width) ** 2) - 14 * (1 - np.exp(-late / 1.5)) * np.exp(-late / 12)


def traces():
    """Four sweeps of 1 s at 0.05 ms."""
    t = np.arange(20001) * 0.05
    sag = step(t, -16.0, 9.0) - step(t, -5.0, 60.0)
    adapting = step(t, 14.0, 8.0) + sum(spike(t, at, 88 - 0.02 * at, 0.45 + at / 4000) for at in ADAPTING)
    bursts = step(t, 10.0, 8.0) + sum(spike(t, at, 80.0, 0.5) for at in BURSTING)
    v = np.array([sag, adapting, bursts, step(t, 6.0, 11.0)]) - 70 + 0.3 * np.sin(t / 37.0)
    coords = {"time": ("time", t, {"units": "ms"}), "current": ("sweep", CURRENTS, {"units": "pA"})}
    return xr.DataArray(v, dims=("sweep", "time"), coords=coords, attrs={"units": "mV"})
