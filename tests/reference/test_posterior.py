"""Posteriors of a simulated neuron beside those of a grid that was computed by brute force."""

import os

import numpy as np
import pytest

import sneuron as sn

FULL = os.environ.get("SNEURON_BENCH") == "full"
SIDE = 1000 if FULL else 200
"""The grid has so many points in each direction: 10^6 in full."""

RANGES = {"gL": (5.0, 40.0), "I": (200.0, 800.0)}
AIM = {"FireRate": {"goal": 40.0, "sd": 4.0}, "Latency": {"goal": 22.0, "sd": 4.0}}


def on_the_grid(tolerance: float) -> tuple[np.ndarray, np.ndarray]:
    """Points of the grid whose loss is no more than the tolerance."""
    axes = {n: np.linspace(lo, hi, 2 * SIDE + 1)[1::2] for n, (lo, hi) in RANGES.items()}
    outputs = {n: {"measure": n} for n in AIM}
    data = sn.ParamSweep(axes, "lif", duration=300.0, outputs=outputs, progress=False).load()
    loss = sum(abs(data[n] - aim["goal"]) / aim["sd"] for n, aim in AIM.items())
    near = loss.stack(all=[*RANGES]).transpose("all").fillna(np.inf)
    near = near[near <= tolerance]
    return near["gL"].values, near["I"].values


def fitted(method: str, budget: int, **options: float) -> sn.Fit:
    return sn.FitModel(
        None, "lif", RANGES, objective=AIM, method=method, duration=300.0, budget=budget, batch=1000, options=options,
        progress=False,
    )  # fmt: skip


def test_particles_are_distributed_as_the_points_of_a_grid() -> None:
    """The posterior of a uniform kernel is the prior where the loss is no more than the tolerance."""
    found = fitted("abc", 40_000, particles=1000, tolerance=1.0).posterior()
    weight = found.weight.values
    assert found.attrs["distance"] == 1.0
    error = 0.5 / np.sqrt(1 / (weight**2).sum())
    for name, exact in zip(RANGES, on_the_grid(1.0), strict=True):
        for part in (0.1, 0.25, 0.5, 0.75, 0.9):
            below = found[name].values < np.quantile(exact, part)
            assert abs((weight * below).sum() - part) < 4 * error, (name, part)


def test_a_network_finds_the_neurons_that_fire_as_wanted() -> None:
    """The rate of a leaky integrate-and-fire neuron has a closed form: the draws lie on its level line."""
    pytest.importorskip("sbi")
    found = fitted("npe", 8000, round=4000, draws=2000).posterior()
    conductance, current = found.gL.values, found.I.values
    above = current > 15.0 * conductance
    drive = np.where(above, current / np.where(above, current - 15.0 * conductance, 1.0), np.inf)
    rate = 1000.0 / (2.0 + 250.0 / conductance * np.log(drive))
    assert (abs(rate - 40.0) < 4.0).mean() > 0.9
    assert np.isfinite(found.log_density.values).all()
    assert float(found.gL.std()) > 3.0  # a line of them, not one point
