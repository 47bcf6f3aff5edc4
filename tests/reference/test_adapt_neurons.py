"""Steps that neurons choose, on all that a neuron may be made of: Markov schemes, pools of calcium, other compartments,
thresholds that move, states that are held.  Against steps of one size that are small.
"""

from functools import cache, partial
from typing import Any

import numpy as np
import pytest
import xarray as xr

import sneuron as sn
from sneuron.core.pace import control

CASES: dict[str, dict[str, Any]] = {  # parameters of steps of one size: method, dt, and one over how much is left
    "markov": {
        "record": ["v", "na.O", "e_na"],
        "features": ["na.O_max", "i_na_min", "i_na_first", "e_na_mean", "p_na_mean", "armed_mean"],
        "fixed": ("rk4", 0.002),
    },
    "pinsky_rinzel": {
        "record": ["cai", "vd"],
        "features": ["cai_max", "vd_max", "cai_mean", "v_first", "armed_mean"],
        "fixed": ("rk4", 0.005),
    },
    "glif": {
        "record": ["th_s", "theta"],
        "features": ["theta_max", "asc_2_mean", "v_mean", "th_v_first"],
        "fixed": ("rk4", 0.002),
    },
}
DURATION, GRID = 40.0, 0.2


def cell(case: str) -> xr.Dataset:
    """A neuron that spikes, some at different speed."""
    if case == "markov":
        model = sn.load_model("hh", channels={"na": "na_hh_markov"})
        return sn.InitNeu({"model": model, "v": -65.0, "I": [5.0, 12.0]})
    if case == "glif":
        return sn.InitNeu({"model": "glif", "I": [300.0, 500.0]})
    return sn.InitNeu({"model": case, "I": [1.0, 2.5]})


def run(case: str, method: str, dt: float, **more: Any) -> xr.Dataset:
    own = CASES[case]
    found: xr.Dataset = sn.RunSim(
        cell(case), DURATION, dt, method, record=own["record"], features=own["features"], every=round(GRID / dt), **more
    )
    return found


@cache
def adaptive(case: str) -> xr.Dataset:
    return run(case, "tsit5", GRID, rtol=1e-8)


@cache
def fixed(case: str) -> xr.Dataset:
    method, dt = CASES[case]["fixed"]
    return run(case, method, dt)


@pytest.mark.parametrize("case", CASES)
def test_spikes_are_those_of_a_small_step(case: str) -> None:
    one, other = adaptive(case), fixed(case)
    assert (one.status == sn.Status.OK).all()
    np.testing.assert_array_equal(one.spike_count, other.spike_count)
    assert (one.spike_count > 0).any()
    atol = 0.02 if case == "glif" else 1e-4  # steps of one size reset at the end of a step
    np.testing.assert_allclose(one.spike_time, other.spike_time, atol=atol)


@pytest.mark.parametrize("case", CASES)
def test_what_is_recorded_is_that_of_a_small_step(case: str) -> None:
    one, other = adaptive(case), fixed(case)
    for name in CASES[case]["record"]:
        size = float(np.abs(other[name]).max())
        gap = np.abs(one[name] - other[name]).values / size
        assert np.median(gap) < 1e-4, name
        assert np.quantile(gap, 0.97) < (0.02 if case == "glif" else 1e-4), name


@pytest.mark.parametrize("case", CASES)
def test_features_are_those_of_a_small_step(case: str) -> None:
    """A mean of steps of one size is the sum of their starts: it lags by half a step."""
    one, other = adaptive(case), fixed(case)
    for name in CASES[case]["features"]:
        size = max(float(np.abs(other[name]).max()), 1e-9)
        tolerance = 2e-3 if case == "glif" or name.endswith("_mean") else 2e-4
        np.testing.assert_allclose(one[name] / size, other[name] / size, atol=tolerance, err_msg=name)


# -- costs, classes ----------------------------------------------------------------------------------


def test_what_spikes_cost_is_that_of_a_small_step() -> None:
    """Energy from features on the way: means of currents and reversal potentials, and what they were at first."""
    state = sn.InitNeu({"model": "hh", "v": -65.0, "I": [0.0, 10.0]})
    uses = [partial(sn.EnergyUse, baseline="start"), partial(sn.EnergyUse, method="electrical")]
    own = sn.RunSim(state, 50.0, method="tsit5", rtol=1e-7, features=uses)
    other = sn.RunSim(state, 50.0, 0.002, "rk4", features=uses)
    for use in uses:
        one, two = use(own), use(other)
        assert float(one.power[1]) > 2 * abs(float(one.power[0]))
        np.testing.assert_allclose(one.power[1], two.power[1], rtol=1e-3)
        np.testing.assert_allclose(one.atp_per_spike[1], two.atp_per_spike[1], rtol=1e-3)
        np.testing.assert_allclose(one.power_process, two.power_process, rtol=2e-3, atol=2e-3 * float(two.power[1]))


def test_neurons_in_units_of_their_own_are_right_too() -> None:
    """Hindmarsh-Rose neurons move by 3 mV: what is small there is told by their threshold."""
    sizes = {"hh": 100.0, "prinz": 50.0, "fitzhugh_nagumo": 10.0, "hindmarsh_rose": 5.0, "glif": 100.0}
    for name, size in sizes.items():
        assert 1.0 / control(sn.load_model(name), "a test").weights(sn.load_model(name))[0] == pytest.approx(
            1e-5 * size
        )
    state = sn.InitNeu({"model": "hindmarsh_rose", "I": [2.0, 3.2]})
    own = sn.RunSim(state, 400.0, method="tsit5")
    other = sn.RunSim(state, 400.0, 0.005, "rk4")
    assert (own.spike_count > 5).all()
    np.testing.assert_array_equal(own.spike_count, other.spike_count)
    np.testing.assert_allclose(own.spike_time, other.spike_time, atol=0.2)
