"""Conductances and capacitance of a Hodgkin-Huxley type neuron, found again from noiseless traces.

The neuron is Traub & Miles' with the reversal potentials of brian2modelfitting's example, which fits the same four
parameters over ranges of two decades. One fit has many descents; it may take 1,920 evaluations.
"""

import os

import numpy as np
import pytest
import xarray as xr

import sneuron as sn

TRUTH = {"gNa": 100.0, "gK": 30.0, "gL": 0.05, "C": 1.0}
REST = {"EL": -65.0, "VT": -63.0, "EK": -90.0, "ENa": 50.0}
STEPS = xr.DataArray([2.0, 6.0], dims="sweep")
RANGES = {"gNa": (10, 400), "gK": (3, 120), "gL": (0, 0.5), "C": (0.2, 4), **REST}
BUDGET, BATCH = 1920, 64
ALL = os.environ.get("SNEURON_BENCH") == "full"


def fitted(seed):
    stimulus = sn.step(STEPS, start=10, stop=55)
    cell = sn.InjCur(sn.InitNeu({"model": "traub_miles", **REST, **TRUTH}), stimulus)
    data = {"voltage": sn.RunSim(cell, 60.0, 0.025, record=["v"]).v}
    return sn.FitModel(
        data, "traub_miles", RANGES, method="gradient", options={"nudge": 1.0}, stimulus=stimulus, seed=seed, dt=0.025,
        budget=BUDGET, batch=BATCH, starts=BATCH // 4, target=2e-5, scheduler="inline", progress=False,
    )  # fmt: skip


def error(fit):
    return max(abs(fit.params[name] / value - 1) for name, value in TRUTH.items())


@pytest.mark.parametrize("seed", [0, 1])
def test_four_parameters_within_one_percent(seed):
    fit = fitted(seed)
    assert error(fit) < 0.01
    assert fit.evals.sizes["point"] <= BUDGET
    assert (fit.diagnostics().eigenvalue > 0).all()


@pytest.mark.skipif(not ALL, reason="100 fits: SNEURON_BENCH=full")
@pytest.mark.timeout(7200)
def test_95_of_100_fits_are_within_one_percent():
    found = [error(fitted(seed)) for seed in range(100)]
    good = int((np.array(found) < 0.01).sum())
    print(f"\n{good} of 100 within 1 %")
    assert good >= 95
