"""Thresholds that move, and what waits with the voltage: the same in runs, steps and parts, and at the right time."""

from functools import cache
from typing import Any

import numpy as np
import pytest
import xarray as xr
from scipy.optimize import brentq

import sneuron as sn
from sneuron.errors import ModelError
from sneuron.lang.kernel import compiled
from sneuron.lang.model import Model, load_model
from sneuron.lang.spec import Neuron, Param, State, Threshold

METHODS = ["exp_euler", "euler", "heun", "rk4"]


def number(value: float, unit: str) -> Param:
    return Param(value, unit, -1e6, 1e6, "own choice", "x")


def toy(held: bool = False, name: str = "toy", **change: Any) -> Neuron:
    """A leaky neuron whose threshold follows the voltage and jumps at spikes; named, so that it can be recorded."""
    fields: dict[str, Any] = {
        "capacitance": "C",
        "unit": "pA",
        "currents": {"leak": "gL*(v - EL)", "after": "-a"},
        "states": {"th": State("mV", "0", held=held), "a": State("pA", "0", held=held)},
        "equations": {"th": "(k*(v - EL) - th)/tau", "a": "-a/tau_a"},
        "functions": {"theta": "V0 + th"},
        "params": {
            "C": number(200.0, "pF"), "gL": number(10.0, "nS"), "EL": number(-70.0, "mV"), "V0": number(-55.0, "mV"),
            "k": number(0.2, "1"), "tau": number(20.0, "ms"), "tau_a": number(30.0, "ms"), "t_ref": number(2.0, "ms"),
        },
        "voltage": State("mV", "EL", -1000.0, 1000.0),
        "threshold": Threshold("theta", "theta", "reset"),
        "reset": {"v": "EL + 5 + 0.1*(v - EL)", "th": "th + 2", "a": "a - 20"},
        "refractory": "t_ref",
        "dt": 0.1,
        "source": "own choice",
    }  # fmt: skip
    return Neuron(name, **fields | change)


@cache
def model(held: bool = False) -> Model:
    return load_model(toy(held))


def cells(held: bool = False) -> xr.Dataset:
    return sn.InitNeu({"model": model(held), "I": [0.0, 300.0, 500.0, 900.0]})


def assert_same(found: xr.Dataset, expected: xr.Dataset) -> None:
    assert set(found.data_vars) == set(expected.data_vars)
    for name in expected.data_vars:
        np.testing.assert_array_equal(found[name].values, expected[name].values, err_msg=str(name))


@pytest.mark.parametrize("method", METHODS)
def test_steps_are_the_run(method: str) -> None:
    run, end = sn.RunSim(cells(True), 40, 0.1, method, return_state=True)
    assert (run.spike_count.values > 0).tolist() == [False, True, True, True]
    state, times = cells(True), []
    for step in range(400):
        state = sn.StepSim(state, 0.1, method=method)
        times.append(np.where(state.spike, (step + state.spike_phase) * 0.1, np.nan))
    assert_same(state, end)
    for k, train in enumerate(np.array(times).T):
        found = run.spike_time.values[k]
        np.testing.assert_allclose(train[~np.isnan(train)], found[~np.isnan(found)], rtol=1e-15)


@pytest.mark.parametrize("method", ["exp_euler", "euler"])
def test_parts_are_the_step(method: str) -> None:
    state = cells(True)
    for _ in range(120):
        state = sn.IonDyn(state, 0.1, method)
        if method == "euler":
            state = sn.UpdVolt(sn.UpdGate(state, 0.1, method), 0.1, method)
        else:
            state = sn.UpdGate(sn.UpdVolt(state, 0.1, method), 0.1, method)
        state = sn.RstSpike(sn.DetSpike(sn.RefracDyn(state, 0.1, method)), 0.1, method)
    assert_same(state, sn.StepSim(cells(True), 0.1, 120, method))


def test_what_is_recorded_changes_no_state() -> None:
    _, plain = sn.RunSim(cells(), 20, 0.1, return_state=True)
    _, watched = sn.RunSim(cells(), 20, 0.1, record=["v", "theta", "i_leak"], return_state=True)
    assert_same(watched, plain)


def test_the_new_voltage_meets_the_new_threshold() -> None:
    """At every step v lies below the threshold of the same instant, up to the step in which it does not."""
    run = sn.RunSim(cells().isel(I=2), 100, 0.1, record=["v", "theta"])
    below = (run.v < run.theta).values
    assert below.all()
    assert run.spike_count > 5


@pytest.mark.parametrize("method", ["exp_euler", "rk4"])
def test_a_spike_lies_where_two_curves_meet(method: str) -> None:
    """Voltage and threshold in closed form: within a step both are taken for lines, and nothing else is wrong."""
    slow = toy(equations={"th": "(30 - th)/tau", "a": "-a/tau_a"}, reset={"v": "EL"})
    gap = lambda t: -15.0 + 50.0 * -np.expm1(-t / 20.0)  # noqa: E731
    exact = brentq(gap, 0.0, 50.0)
    state = sn.InitNeu({"model": load_model(slow), "I": 800.0})
    for dt in (0.8, 0.4, 0.2, 0.1):
        found = sn.RunSim(state, 16, dt, method).spike_time.values[0]
        assert abs(found - exact) <= 1.02 * dt**2 / 8 / 20  # of a line instead of exp(-t / 20): curvature over slope


def test_what_is_held_waits_and_then_goes_on() -> None:
    run = sn.RunSim(cells(True).isel(I=2), 30, 0.1, record=["v", "th", "a"])
    at = int(np.ceil(run.spike_time.values[0] / 0.1))
    for name in ("v", "th", "a"):
        waiting = run[name].values[at : at + 21]
        assert len(set(waiting)) == 1
        assert run[name].values[at + 21] != waiting[0]
    free = sn.RunSim(cells(False).isel(I=2), 30, 0.1, record=["th"]).th.values
    assert len(set(free[at : at + 21])) == 21


def test_single_precision_follows() -> None:
    double, single = (sn.RunSim(cells(), 40, 0.1, dtype=d).spike_time.values for d in ("float64", "float32"))
    np.testing.assert_allclose(single, double, atol=2e-3)


def test_a_threshold_by_name_knows_where_it_starts() -> None:
    """A threshold may be a named expression: what is armed follows from its value."""
    crossing = toy(threshold=Threshold("theta", "theta - 10"), reset={}, refractory="")
    state = sn.InitNeu({"model": load_model(crossing), "v": [-70.0, -50.0]})
    np.testing.assert_array_equal(state.armed, [1.0, 0.0])
    np.testing.assert_array_equal(state.threshold_before, -55.0)


def test_nothing_is_held_by_what_never_waits() -> None:
    with pytest.raises(ModelError, match=r"state 'a'.*it is held while the neuron is refractory, which it never is"):
        load_model(toy(held=True, refractory=""))


def test_models_of_one_form_share_a_kernel() -> None:
    other = load_model(toy(name="other", dt=0.2, note="another", params={**toy().params, "k": number(0.5, "1")}))
    assert (other.hash, other.form) != (model().hash, "")
    assert other.form == model().form
    assert compiled(other) is compiled(model())


@pytest.mark.parametrize(
    "change",
    [
        {"currents": {"leak": "gL*(v - EL)", "after": "-2*a"}},
        {"reset": {"v": "EL", "th": "th + 2"}},
        {"threshold": Threshold("theta + 1", "theta", "reset")},
        {"states": {"th": State("mV", "0", held=True), "a": State("pA", "0")}},
        {"voltage": State("mV", "EL", -500.0, 1000.0)},
        {"functions": {"theta": "V0 + 2*th"}},
        {"refractory": ""},
    ],
)
def test_other_equations_are_of_another_form(change: dict[str, Any]) -> None:
    assert load_model(toy(**change)).form != model().form
