"""Channels against the published mechanisms run in NEURON, and against closed forms."""

import json
import math
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from scipy.linalg import expm

import sneuron as sn
from sneuron.lang.expr import numpy_value
from sneuron.lang.model import Model, channels, load_model
from sneuron.lang.spec import Mount, Neuron, Param

CASES = json.loads((Path(__file__).parent / "data" / "channels.json").read_text())["currents"]
AFTER = np.array([0.195, 0.995, 4.995, 19.995])
VALUES: dict[str, dict[str, float]] = {  # what the peer's run has in place of the defaults
    "ca_l_ohmic": {"E": 8.31441e3 * 309.15 / (2 * 96485.309) * math.log(2.0 / 2.4e-4)},
    "ca_t_ohmic": {"E": 8.31441e3 * 309.15 / (2 * 96485.309) * math.log(2.0 / 5e-5)},
    "k_sk_kohler": {"cai": 4e-4},
}
GAS = 8314.462618 / 96485.33212


def clamped(name: str, values: dict[str, float]) -> Model:
    capacity = {"C": Param(1.0, "uF/cm2", 0.1, 10.0, "own choice")}
    return load_model(Neuron("clamped", "C", channels={"x": Mount(name, params=values)}, params=capacity))


def known_at(model: Model, v: float) -> dict[str, Any]:
    known: dict[str, Any] = {n: p.value for n, p in model.params.items()} | {"v": np.float64(v)}
    for name, function in model.functions.items():
        known[name] = numpy_value(function, known)
    return known


def states_after(model: Model, start: dict[str, Any], v: float, t: float) -> dict[str, Any]:
    """Gates and occupancies `t` ms after the voltage jumped to `v`, in closed form."""
    known = known_at(model, v)
    found: dict[str, Any] = {"v": v}
    for gate, (kind, first, second) in model.rates.items():
        a, b = (float(numpy_value(e, known)) for e in (first, second))
        inf, rate = (a / (a + b), a + b) if kind == "ab" else (a, 1.0 / b)
        found[gate] = inf + (start[gate] - inf) * math.exp(-t * rate)
    for scheme in model.schemes:
        many = len(scheme.states)
        flow = np.zeros((many, many))
        for (source, target), rate in scheme.rates.items():
            flow[scheme.states.index(target), scheme.states.index(source)] = float(numpy_value(rate, known))
        flow -= np.diag(flow.sum(0))
        after = expm(flow * t) @ np.array([start[x] for x in scheme.states])
        found |= dict(zip(scheme.states, after, strict=True))
    return found


@pytest.mark.parametrize("name", CASES)
def test_held_currents_are_those_of_the_published_mechanism(name: str) -> None:
    """Before and after jumps of a held voltage.

    `im` reads tables, `naRsg` is solved to first order in dt, `mykca` has R = 8.3134, `car` begins one step late.
    """
    model = clamped(name, VALUES.get(name, {}))
    loose = name in ("k_m_yamada", "na_raman", "ca_r_poirazi", "k_bk_moczydlowski")
    for jump, currents in CASES[name].items():
        before, v = (float(x) for x in jump.split(" to "))
        start = {k: float(x) for k, x in model.start_values({"v": before}).items()}
        if name == "ca_r_poirazi":  # starts closed there, whatever the voltage
            start |= {"x.m": 0.0, "x.h": 1.0}
        else:
            assert model.currents_at(start)["x"] == pytest.approx(currents[0], rel=1e-3 if loose else 1e-5, abs=1e-9)
        found = [float(model.currents_at(states_after(model, start, v, t))["x"]) for t in AFTER]
        size = max(map(abs, currents))
        np.testing.assert_allclose(
            found, currents[1:], rtol=2e-2 if loose else 1e-3, atol=2e-4 * size + 1e-9, err_msg=jump
        )


def test_nernst_potentials() -> None:
    """37 degC: potassium 5/140, sodium 145/12, calcium 2/1e-4, chloride 110/10 mM."""
    cases = {(1.0, 5.0, 140.0): -89.0587, (1.0, 145.0, 12.0): 66.5982, (2.0, 2.0, 1e-4): 132.3436,
             (-1.0, 110.0, 10.0): -64.0877}  # fmt: skip
    for (z, outside, inside), expected in cases.items():
        model = clamped("nernst", {"z": z, "outside": outside, "inside": inside})
        assert known_at(model, 0.0)["x.E"] == pytest.approx(expected, abs=1e-4)
    cold = clamped("nernst", {"outside": 2.5, "inside": 54.4, "celsius": 6.3})
    assert known_at(cold, 0.0)["x.E"] == pytest.approx(-74.172, abs=1e-3)


def test_the_potential_of_goldman_hodgkin_and_katz() -> None:
    """One permeable ion gives its Nernst potential; several, one in between; where no current flows."""
    alone = known_at(clamped("ghk_rest", {"PNa": 0.0, "PCl": 0.0}), 0.0)["x.E"]
    assert alone == pytest.approx(-89.0587, abs=1e-4)
    assert known_at(clamped("ghk_rest", {"PK": 0.0, "PNa": 0.0}), 0.0)["x.E"] == pytest.approx(-64.0877, abs=1e-4)
    values = known_at(clamped("ghk_rest", {}), 0.0)
    u = values["x.E"] / (GAS * 310.15)
    ions = [("K", 1, "ki", "ko"), ("Na", 1, "nai", "nao"), ("Cl", -1, "cli", "clo")]
    flow = [values[f"x.P{i}"] * u * (values[f"x.{a}"] - values[f"x.{b}"] * math.exp(-z * u)) / -math.expm1(-z * u)
            for i, z, a, b in ions]  # fmt: skip
    assert sum(flow) == pytest.approx(0.0, abs=1e-12 * max(map(abs, flow)))


@pytest.mark.parametrize("name", ["ca_l_ghk", "ca_t_ghk", "ca_n_ghk"])
def test_ghk_currents_vanish_at_the_nernst_potential(name: str) -> None:
    model = clamped(name, {})
    reversal = float(known_at(model, 0.0)["x.E"])
    assert reversal == pytest.approx(GAS * (273.15 + model.params["x.celsius"].value) / 2 * math.log(2.0 / 2.4e-4))
    open_ = dict.fromkeys(model.gates, 1.0)
    here, far = (abs(float(model.currents_at({"v": v, **open_})["x"])) for v in (reversal, -60.0))
    assert here < 1e-10 * far
    found = sn.IonDyn(sn.InitNeu({"model": model, "x.cai": [1e-4, 1e-3]})).reversal.sel(channel="x")
    np.testing.assert_allclose(np.diff(found), -GAS * (273.15 + model.params["x.celsius"].value) / 2 * math.log(10.0))


def test_a_shell_fills_by_charge() -> None:
    """Charge into a shell: -I t/(2 F d) mM, 5.18e-5 mM/ms for 1 uA/cm2 in 1 um; it decays with its time constant."""
    inward = Neuron(
        "filled", "C", channels={"ca": Mount("ca_l_ohmic"), "pool": Mount("ca_pool", {"cai": "cai"}, {"depth": 0.5})},
        functions={"slope": "-10*ion.ca/(2*96485.33212*0.5)"}, params={"C": Param(1.0, "uF/cm2", 0.1, 10.0)},
        source="own choice",
    )  # fmt: skip
    state = sn.InitNeu({"model": inward, "v": -10.0, "pool.tau": 1e6, "ca.g": 1.0})
    run = sn.RunSim(state, 5.0, 0.01, "rk4", record=["cai", "ion.ca"])
    charge = np.concatenate([[0.0], np.cumsum((run["ion.ca"].values[1:] + run["ion.ca"].values[:-1]) / 2 * 0.01)])
    expected = 2.4e-4 - 1e-2 * charge / (2 * 96485.33212 * 0.5e-6) * 1e-3
    np.testing.assert_allclose(run["cai"], expected, rtol=1e-3)
    empty = sn.InitNeu({"model": inward, "ca.g": 0.0, "cai": 1e-2, "pool.tau": 20.0})
    left = sn.RunSim(empty, 40.0, 0.1, record=["cai"])["cai"]
    np.testing.assert_allclose(left, 2.4e-4 + (1e-2 - 2.4e-4) * np.exp(-left.time.values / 20.0), rtol=1e-9)


@pytest.mark.parametrize("name", [n for n in channels if "celsius" in channels[n].params and channels[n].gates])
def test_rates_scale_with_temperature(name: str) -> None:
    """10 degC make all rates of a gate faster by one factor, 1 for those measured without temperature."""
    model = clamped(name, {})
    held = model.params["x.celsius"].value
    for kind, first, second in model.rates.values():
        speeds = []
        for celsius in (held, held - 10.0):
            known = known_at(model, -47.3) | {"x.celsius": celsius}
            known |= {f: numpy_value(e, known) for f, e in model.functions.items() if f != "x.x"}
            a, b = (float(numpy_value(e, known)) for e in (first, second))
            speeds.append(a + b if kind == "ab" else 1.0 / b)
        factor = speeds[0] / speeds[1]
        assert min(abs(factor - q) for q in (1.0, 2.3, 3.0, 5.0)) < 1e-9
