"""Every integration method converges at the order that it declares: slope of log error against log dt."""

from collections.abc import Callable
from typing import Any

import numpy as np
import pytest
import xarray as xr
from scipy.linalg import expm

import sneuron as sn
from sneuron.lang.methods import METHODS
from sneuron.lang.model import load_model
from sneuron.lang.spec import Neuron, Param, State, Threshold

ODE = [m for m in METHODS if not (METHODS[m].exact or METHODS[m].propagated) and not m.startswith("izh")]

EXCITABLE = Neuron(
    name="fitzhugh_nagumo",
    capacitance="1",
    unit="mV/ms",
    currents={"cubic": "g*(v**3/(3*s**2) - v)", "recovery": "g*w"},
    states={"w": State("mV", "-0.6")},
    equations={"w": "(v + a - b*w)/tau"},
    params={
        "a": Param(0.7, "mV", -10.0, 10.0), "b": Param(0.8, "1", -10.0, 10.0), "tau": Param(12.5, "ms", 0.1, 1e3),
        "g": Param(1.0, "1/ms"), "s": Param(1.0, "mV"),
    },
    voltage=State("mV", "-1.2", -100.0, 100.0),
    threshold=Threshold("1", "0"),
    source="FitzHugh 1961, doi:10.1016/S0006-3495(61)86902-6",
)  # fmt: skip


def subthreshold() -> xr.Dataset:
    return sn.InitNeu({"model": "hh", "v": -60.0, "m": 0.06, "h": 0.5, "n": 0.35, "I": 1.0})


def spiking() -> xr.Dataset:
    return sn.InitNeu({"model": "hh", "v": -65.0, "I": 15.0})


def shaken() -> xr.Dataset:
    return sn.InjCur(subthreshold(), sn.sine(3.0, 80.0, phase=0.3))


def excitable() -> xr.Dataset:
    return sn.InitNeu({"model": EXCITABLE, "I": 0.5})


CASES: dict[str, tuple[Callable[[], xr.Dataset], float, float]] = {  # state, duration, largest dt (ms)
    "subthreshold": (subthreshold, 4.0, 0.05),
    "spiking": (spiking, 4.0, 0.02),
    "shaken": (shaken, 4.0, 0.05),
    "excitable": (excitable, 24.0, 0.1),
}
SCALES = {"v": 100.0, "w": 1.0, "u": 10.0, "m": 1.0, "h": 1.0, "n": 1.0}


def end(state: xr.Dataset, duration: float, dt: float, method: str) -> dict[str, Any]:
    after = sn.RunSim(state, duration, dt, method, return_state=True)[1]
    return {x: after[x].values for x in SCALES if x in after}


def errors(make: Callable[[], xr.Dataset], duration: float, steps: list[float], method: str) -> np.ndarray:
    """The largest error of all states at the end, for each time step, against a far smaller one."""
    truth = end(make(), duration, steps[-1] / 8, "rk4")
    found = [end(make(), duration, dt, method) for dt in steps]
    return np.array([max(float(np.abs(f[x] - truth[x]).max()) / SCALES[x] for x in truth) for f in found])


def slope(steps: list[float], found: np.ndarray) -> float:
    return float(np.polyfit(np.log(steps), np.log(found), 1)[0])


STAGED = [m for m in ODE if len(METHODS[m].stages) > 1]
"""Methods that look at the stimulus more than once in a step."""


@pytest.mark.parametrize(
    ("method", "case"), [(m, c) for m in ODE for c in CASES if c != "shaken" or m in STAGED or m == "exp_euler"]
)
def test_order(method: str, case: str) -> None:
    make, duration, largest = CASES[case]
    steps = [largest / 2**k for k in range(4)]
    found = errors(make, duration, steps, method)
    assert (np.diff(found) < 0).all()
    assert slope(steps, found) == pytest.approx(METHODS[method].order, abs=0.25)


def test_exponential_euler_moves_the_voltage_to_second_order() -> None:
    """Gates see the new voltage, so that spike times converge faster than the order of the gates."""
    cell = sn.InitNeu({"model": "hh", "v": -65.0, "I": 10.0})
    steps = [0.05, 0.025, 0.0125, 0.00625]
    trains = [sn.RunSim(cell, 80.0, dt, "exp_euler").spike_time.values for dt in steps]
    truth = sn.RunSim(cell, 80.0, 0.003125, "rk4").spike_time.values
    late = np.array([abs(t[-1] - truth[-1]) for t in trains])
    assert slope(steps, late) == pytest.approx(2.0, abs=0.25)


@pytest.mark.parametrize("method", ["izh2003", "izh2004", "euler", "exp_euler"])
def test_order_on_the_simple_model(method: str) -> None:
    steps = [0.1, 0.05, 0.025, 0.0125]
    found = errors(lambda: sn.InitNeu({"model": "izhikevich", "v": -60.0, "u": -10.0}), 20.0, steps, method)
    assert slope(steps, found) == pytest.approx(METHODS[method].order, abs=0.2)


@pytest.mark.parametrize("dt", [0.01, 0.1, 1.0, 5.0])
@pytest.mark.parametrize("model", ["lif", "passive"])
def test_exact_method_has_no_error_under_constant_current(model: str, dt: float) -> None:
    cell = sn.InitNeu({"model": model, "I": [-0.5, 0.3]})
    after = sn.RunSim(cell, 20.0, dt, "exact", return_state=True)[1]
    c, g, rest = (float(cell[n]) for n in ("C", "gL", "EL"))
    expected = rest + cell.I.values / g * -np.expm1(-20.0 * g / c)
    np.testing.assert_allclose(after.v, expected, rtol=1e-13)


def test_exact_method_holds_the_current_of_the_start_of_a_step() -> None:
    """A ramp is followed to first order: v at the end against the closed form."""
    steps = [0.4, 0.2, 0.1, 0.05]
    cell = sn.InjCur(sn.InitNeu("passive"), sn.ramp(0.0, 1.0, 0.0, 20.0))
    tau, gain = 10.0, 1.0 / 0.1
    expected = -65.0 + gain * (1.0 / 20.0) * (20.0 - tau * -np.expm1(-20.0 / tau))
    found = [abs(sn.RunSim(cell, 20.0, dt, "exact", return_state=True)[1].v.item() - expected) for dt in steps]
    assert slope(steps, np.array(found)) == pytest.approx(METHODS["exact"].order, abs=0.1)


@pytest.mark.parametrize("dt", [0.01, 0.1, 1.0, 5.0])
def test_linear_method_has_no_error_under_constant_current(dt: float) -> None:
    """A membrane with an alpha function and a difference of exponentials, against the exponential of its matrix."""
    mounts = {"a": "alpha_current", "d": "dual_exp_current"}
    start = {"a.rise": 40.0, "d.rise": [-80.0, 30.0], "d.s": 10.0, "Vth": 100.0, "I": 20.0}
    cell = sn.InitNeu({"model": load_model("lif", channels=mounts), "v": -61.0, **start})
    after = sn.RunSim(cell, 20.0, dt, "linear", return_state=True)[1]
    c, g, rest, i, tau, rise, decay = (
        float(cell[n]) for n in ("C", "gL", "EL", "I", "a.tau", "d.tau_rise", "d.tau_decay")
    )
    matrix = np.array([
        [-g / c, 0.0, 1 / c, 0.0, 1 / c],
        [0.0, -1 / tau, 0.0, 0.0, 0.0],
        [0.0, 1 / tau, -1 / tau, 0.0, 0.0],
        [0.0, 0.0, 0.0, -1 / rise, 0.0],
        [0.0, 0.0, 0.0, 1 / decay, -1 / decay],
    ])  # fmt: skip
    settled = np.array([rest + i / g, 0.0, 0.0, 0.0, 0.0])
    for k, jump in enumerate((-80.0, 30.0)):
        begin = np.array([-61.0, 40.0, 0.0, jump, 10.0])
        expected = settled + expm(matrix * 20.0) @ (begin - settled)
        names = ("v", "a.rise", "a.s", "d.rise", "d.s")
        found = [np.broadcast_to(after[n].values, 2)[k] for n in names]
        np.testing.assert_allclose(found, expected, rtol=1e-11, atol=1e-11)


def test_linear_method_holds_the_current_of_the_start_of_a_step() -> None:
    """A ramp is followed to first order: v at the end against the closed form."""
    steps = [0.4, 0.2, 0.1, 0.05]
    cell = sn.InjCur(sn.InitNeu("passive"), sn.ramp(0.0, 1.0, 0.0, 20.0))
    tau, gain = 10.0, 1.0 / 0.1
    expected = -65.0 + gain * (1.0 / 20.0) * (20.0 - tau * -np.expm1(-20.0 / tau))
    found = [abs(sn.RunSim(cell, 20.0, dt, "linear", return_state=True)[1].v.item() - expected) for dt in steps]
    assert slope(steps, np.array(found)) == pytest.approx(METHODS["linear"].order, abs=0.1)


def test_every_method_is_measured() -> None:
    measured = {*ODE, "exact", "linear", "izh2003", "izh2004"}
    assert measured == set(METHODS)


@pytest.mark.parametrize("method", ODE)
def test_all_methods_agree_in_the_limit(method: str) -> None:
    make, duration, _ = CASES["subthreshold"]
    dt = 0.0005 if METHODS[method].order == 1 else 0.005
    found = errors(make, duration, [dt], method)
    assert found[0] < (1e-4 if METHODS[method].order == 1 else 1e-5)
