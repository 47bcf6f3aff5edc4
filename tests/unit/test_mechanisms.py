"""Mechanisms that meet in a neuron: pools, totals of ions, parameters that are states, compartments, Markov schemes."""

import dataclasses
import itertools
from typing import Any

import numpy as np
import pytest
import xarray as xr
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy.linalg import expm

import sneuron as sn
from sneuron.errors import ModelError, ParameterError, UnitError, UnknownNameError
from sneuron.lang.expr import numpy_value
from sneuron.lang.model import Model, load_model
from sneuron.lang.spec import Channel, Gate, Mount, Neuron, Param, State, Threshold, Transition

OWN = "own choice"


def param(value: float, unit: str, low: float = 0.0, high: float = 1e4) -> Param:
    return Param(value, unit, low, high, OWN, "for a test")


POOL = Channel(
    name="pool",
    unit="",
    states={"cai": State("mM", "rest", 0.0, 1.0)},
    equations={"cai": "-k*ion.ca - (cai - rest)/tau"},
    params={"k": param(1e-3, "mM cm2/(uA ms)"), "rest": param(5e-5, "mM"), "tau": param(80.0, "ms", 1.0)},
    source=OWN,
)
KCA = Channel(
    name="kca",
    ion="k",
    current="g*m*(v - E)",
    gates={"m": Gate(inf="cai/(cai + 0.001)", tau="5")},
    params={"g": param(0.5, "mS/cm2"), "E": param(-77.0, "mV", -200.0), "cai": param(5e-5, "mM")},
    source=OWN,
)
MARKOV = Channel(
    name="markov",
    ion="na",
    current="g*O*(v - E)",
    transitions={
        "activation": Transition("C", "O", "0.5*exp(v/30)", "0.3*exp(-v/40)"),
        "inactivation": Transition("O", "I", "0.4", "0.01"),
        "closed": Transition("C", "I", "0.05", "0.02*exp(-(v + 60)/20)"),
    },
    params={"g": param(2.0, "mS/cm2"), "E": param(50.0, "mV", -200.0)},
    source=OWN,
)
LEAK = Mount("leak", params={"E": -65.0})


def cell(channels: dict[str, Mount], **more: Any) -> Neuron:
    return Neuron("cell", "C", channels=channels, params={"C": param(1.0, "uF/cm2", 0.1)}, source=OWN, **more)


RICH = cell(
    {
        "ca": Mount("ca_l_ohmic", params={"g": 1.0}),
        "cat": Mount("ca_t_ohmic", params={"g": 0.5}),
        "kca": Mount(KCA, names={"cai": "pool.cai"}),
        "leak": LEAK,
        "na": Mount(MARKOV),
        "pool": Mount(POOL),
    },
    functions={"ECa": "13*log(2/pool.cai)"},
)


# pools, totals, bindings


def test_a_pool_fills_by_all_currents_of_its_ion() -> None:
    state = sn.InitNeu({"model": RICH, "I": 6.0})
    names = ["v", "pool.cai", "i_ca", "i_cat", "ion.ca", "ECa"]
    run = sn.RunSim(state, 40, 0.005, method="rk4", record=names)
    np.testing.assert_allclose(run["ion.ca"], run["i_ca"] + run["i_cat"], rtol=1e-13)
    cai, dt = run["pool.cai"].values, 0.005
    slope = -1e-3 * run["ion.ca"].values - (cai - 5e-5) / 80.0
    np.testing.assert_allclose((cai[2:] - cai[:-2]) / (2 * dt), slope[1:-1], atol=2e-5 * np.abs(slope).max())
    assert cai.max() > 3e-4
    assert run["ion.ca"].attrs["units"] == "uA/cm2"
    np.testing.assert_allclose(run["ECa"], 13 * np.log(2 / cai), rtol=1e-12)


def test_a_parameter_that_is_a_state_is_no_parameter() -> None:
    model = load_model(RICH)
    assert "kca.cai" not in model.params
    assert model.canonical("kca.cai") == "pool.cai"
    start = model.start_values({"pool.cai": 1e-3})
    assert float(start["kca.m"]) == pytest.approx(0.5)


def test_it_round_trips_and_its_order_means_nothing() -> None:
    model = load_model(RICH)
    assert Model.from_json(model.to_json()) == model
    turned = load_model(cell(dict(reversed(RICH.channels.items())), functions=RICH.functions))
    assert turned == model


def test_a_pool_that_is_driven_negative_is_flagged() -> None:
    state = sn.InitNeu({"model": RICH, "pool.k": [1e-3, 0.0], "v": 140.0, "I": 100.0, "pool.tau": 1e3})
    run = sn.RunSim(state, 20, 0.025, record=["pool.cai"])
    assert run.status.values.tolist() == [int(sn.Status.OUT_OF_RANGE), int(sn.Status.OK)]
    assert run.first_bad_time[0] < 20
    assert np.isnan(run["pool.cai"][0, -1])
    assert np.isnan(run.spike_count[0])


def test_units_of_a_mechanism_without_unit_are_those_of_its_neuron() -> None:
    shunt = Channel("shunt", "g*(v + 60)", unit="", params={"g": param(0.2, "conductance")}, source=OWN)
    for unit, of in (("uA/cm2", "mS/cm2"), ("pA", "nS"), ("nA", "uS")):
        capacity = {"uA/cm2": "uF/cm2", "pA": "pF", "nA": "nF"}[unit]
        neuron = Neuron("n", "C", unit, channels={"x": Mount(shunt)}, params={"C": param(1.0, capacity)}, source=OWN)
        assert load_model(neuron).params["x.g"].unit == of


# another voltage


TWO = Neuron(
    name="two",
    capacitance="C",
    channels={
        "dend": Mount("leak", names={"v": "vd", "g": "gd"}, params={"E": -50.0}),
        "leak": LEAK,
    },
    currents={"coupling": "gc*(v - vd)"},
    states={"vd": State("mV", "-65", -200.0, 200.0)},
    equations={"vd": "(gc*(v - vd) - current.dend)/C"},
    params={"C": param(1.0, "uF/cm2", 0.1), "gc": param(0.7, "mS/cm2")},
    source=OWN,
)


def test_a_channel_at_another_voltage_flows_there_and_not_here() -> None:
    model = load_model(TWO)
    assert model.membrane == ("coupling", "leak")
    run = sn.RunSim(sn.InitNeu({"model": TWO}), 60, 0.01, record=["v", "vd", "i_dend"])
    a = np.array([[-(0.3 + 0.7), 0.7], [0.7, -(0.3 + 0.7)]])
    rest = np.linalg.solve(a, -0.3 * np.array([-65.0, -50.0]))
    for k in (0, 100, 1000, 6000):
        at = rest + expm(a * k * 0.01) @ (np.array([-65.0, -65.0]) - rest)
        assert [float(run.v[k]), float(run.vd[k])] == pytest.approx(at, abs=0.01)
    assert float(run.i_dend[1]) == pytest.approx(0.3 * (float(run.vd[1]) + 50.0), rel=1e-12)


def test_reversals_are_those_of_the_voltage_that_a_channel_sees() -> None:
    now = sn.IonDyn(sn.StepSim(sn.InitNeu({"model": TWO}), n=500))
    assert now.reversal.sel(channel=["dend", "leak"]).values == pytest.approx([-50.0, -65.0])


# Markov schemes


def generator(v: float) -> np.ndarray:
    """The matrix of the scheme over (C, I, O)."""
    co, oc, oi, io = 0.5 * np.exp(v / 30), 0.3 * np.exp(-v / 40), 0.4, 0.01
    ci, ic = 0.05, 0.02 * np.exp(-(v + 60) / 20)
    out = np.array([[0, ci, co], [ic, 0, io], [oc, oi, 0]])
    return (out - np.diag(out.sum(1))).T


def clamped() -> Neuron:
    return cell({"na": Mount(MARKOV), "leak": Mount("leak", params={"g": 0.0})}, voltage=State("mV", "-60"))


@pytest.mark.parametrize("v", [-90.0, -60.0, -20.0, 40.0])
def test_a_scheme_starts_at_its_steady_state(v: float) -> None:
    start = load_model(clamped()).start_values({"v": v})
    found = np.array([float(start[f"na.{x}"]) for x in "CIO"])
    assert found.sum() == pytest.approx(1.0, abs=1e-15)
    np.testing.assert_allclose(generator(v) @ found, 0.0, atol=1e-15)


def test_steady_occupancies_keep_their_digits_where_they_are_tiny() -> None:
    start = load_model(clamped()).start_values({"v": np.array([-400.0, 400.0])})
    ratio = start["na.O"] / start["na.C"]
    assert (ratio > 0).all()
    assert ratio[0] < 1e-6 < ratio[1]


def held(v: float, dt: float, method: str, duration: float) -> xr.Dataset:
    """The scheme under a voltage clamp: no current moves it."""
    state = sn.InitNeu({"model": clamped(), "v": v, "na.g": 0.0, "na.C": 1.0, "na.I": 0.0, "na.O": 0.0})
    return sn.RunSim(state, duration, dt, method, return_state=True)[1]


@pytest.mark.parametrize(("method", "order"), [("exp_euler", 1), ("rush_larsen", 1), ("exp_midpoint", 2), ("rk4", 4)])
def test_occupancies_converge_to_the_matrix_exponential(method: str, order: int) -> None:
    truth = expm(generator(-30.0) * 4.0) @ np.array([1.0, 0.0, 0.0])
    steps = np.array([0.2, 0.1, 0.05])
    found = [[float(held(-30.0, dt, method, 4.0)[f"na.{x}"]) for x in "CIO"] for dt in steps]
    wrong = np.abs(np.array(found) - truth).max(axis=1)
    slope = np.polyfit(np.log(steps), np.log(wrong), 1)[0]
    assert slope == pytest.approx(order, abs=0.25)


@settings(max_examples=25, deadline=None)
@given(v=st.floats(-120, 60), dt=st.floats(0.01, 50))
def test_occupancies_stay_occupancies_for_any_step(v: float, dt: float) -> None:
    state = sn.InitNeu({"model": clamped(), "v": v, "na.g": 0.0, "na.C": 1.0, "na.I": 0.0, "na.O": 0.0})
    after = sn.RunSim(state, 5 * dt, dt, return_state=True, allow_unstable=True)[1]
    found = np.array([float(after[f"na.{x}"]) for x in "CIO"])
    assert (found >= 0).all()
    assert found.sum() == pytest.approx(1.0, abs=1e-14)


@settings(max_examples=25, deadline=None)
@given(st.lists(st.floats(1e-9, 1e3), min_size=12, max_size=12))
def test_steady_states_of_any_ring_of_four(rates: list[float]) -> None:
    pairs = list(itertools.permutations("ABCD", 2))
    steps = {f"{a}{b}": Transition(a, b, str(r)) for (a, b), r in zip(pairs, rates, strict=True)}
    channel = Channel("ring", "g*A*(v - 0.0)", transitions=steps, params={"g": param(1.0, "mS/cm2")}, source=OWN)
    start = load_model(cell({"x": Mount(channel), "leak": LEAK})).start_values()
    found = np.array([float(start[f"x.{s}"]) for s in "ABCD"])
    out = np.zeros((4, 4))
    for (a, b), r in zip(pairs, rates, strict=True):
        out["ABCD".index(a), "ABCD".index(b)] = r
    flow = found @ out - found * out.sum(1)
    assert np.abs(flow).max() <= 1e-13 * (found * out.sum(1)).max()


@pytest.mark.parametrize("method", ["exp_euler", "euler"])
def test_parts_are_the_step_and_steps_are_the_run(method: str) -> None:
    state = sn.InitNeu({"model": RICH, "I": [0.0, 4.0, 9.0]})
    parts = [sn.IonDyn, sn.UpdVolt, sn.UpdGate, sn.RefracDyn, sn.DetSpike, sn.RstSpike]
    if method == "euler":
        parts[1:3] = [sn.UpdGate, sn.UpdVolt]
    composed = state
    for _ in range(8):
        for part in parts:
            composed = part(composed, dt=0.01, method=method)
    stepped = sn.StepSim(state, 0.01, n=8, method=method)
    _, ran = sn.RunSim(state, 0.08, 0.01, method, return_state=True)
    for x in load_model(RICH).states:
        assert (composed[x].values == stepped[x].values).all(), x
        assert (stepped[x].values == ran[x].values).all(), x


def test_a_scheme_that_moves_implicitly_limits_no_step() -> None:
    """The fastest ways of a scheme are microseconds; explicit methods say so."""
    fast = cell({"na": Mount("na_raman"), "leak": LEAK})
    run = sn.RunSim(sn.InitNeu({"model": fast, "v": -70.0, "na.g": 0.0}), 1.0, 0.025)
    assert int(run.status) == int(sn.Status.OK)
    with pytest.raises(sn.SneuronError, match=r"the fastest time constant is 0\.00\d+ ms"):
        sn.RunSim(sn.InitNeu({"model": fast, "v": -70.0}), 1.0, 0.025, "euler")


def test_steps_of_a_scheme_do_not_depend_on_its_names() -> None:
    """Elimination goes by neighbours: other names give the same occupancies."""
    turned = {"C": "z", "O": "m", "I": "a"}
    steps = {k: dataclasses.replace(t, source=turned[t.source], target=turned[t.target])
             for k, t in MARKOV.transitions.items()}  # fmt: skip
    other = dataclasses.replace(MARKOV, transitions=steps, current="g*m*(v - E)")
    found = []
    for channel in (MARKOV, other):
        state = sn.InitNeu({"model": cell({"na": Mount(channel), "leak": LEAK}), "v": -30.0})
        found.append(sn.RunSim(state, 5.0, 0.05, return_state=True)[1])
    for x, y in turned.items():
        assert float(found[0][f"na.{x}"]) == pytest.approx(float(found[1][f"na.{y}"]), rel=1e-12)


# capacitance


def test_a_capacitance_that_is_not_above_0_is_refused_before_anything_runs() -> None:
    """For some of the points, or for the defaults; through functions of parameters, too."""
    folded = Neuron(
        "folded", "C*left", channels={"leak": LEAK}, functions={"left": "1 - part"}, source=OWN,
        params={"C": param(1.0, "uF/cm2", 0.1), "part": param(0.2, "1", 0.0, 2.0)},
    )  # fmt: skip
    assert int(sn.RunSim(sn.InitNeu({"model": folded, "part": [0.0, 0.9]}), 1.0).status.max()) == int(sn.Status.OK)
    with pytest.raises(ParameterError, match=r"capacitance.*is not above 0 for 2 of 3 points"):
        sn.InitNeu({"model": folded, "part": [0.5, 1.0, 1.5]})
    with pytest.raises(ModelError, match="not above 0 at the default"):
        load_model(dataclasses.replace(folded, params={**folded.params, "part": param(1.0, "1")}))


# other channels in the same place


def test_a_channel_swaps_by_name() -> None:
    swapped = sn.load_model("hh", channels={"k": MARKOV, "ca": "ca_t_ohmic"})
    assert swapped.ions == {"ca": "ca", "k": "na", "leak": "", "na": "na"}
    assert swapped.params["gK"].value == 2.0
    assert {"k.O", "ca.q", "m", "h"} <= set(swapped.states) | {"ca.q"}
    assert "n" not in swapped.states
    assert sn.InitNeu({"model": "hh", "k": MARKOV}).attrs["model_hash"] == load_model("hh", {"k": MARKOV}).hash
    assert "i_k" not in load_model("hh", channels={"k": None}).currents


def test_a_parameter_of_a_channel_is_swept_by_path() -> None:
    ds = sn.ParamSweep({"na.g": [100.0, 120.0]}, model="hh", duration=2, stimulus=1.0)
    assert ds.gNa.values.tolist() == [100.0, 120.0]


# what cannot be


@pytest.mark.parametrize(
    ("build", "error", "words"),
    [
        (lambda: cell({"x": Mount(KCA, names={"cai": "pool.ca"})}), ModelError, "pool.ca"),
        (lambda: cell({"x": Mount(KCA, {"cai": "cai"}, {"cai": 1.0}), "pool": Mount(POOL, {"cai": "cai"})}), ModelError,
         "has a value"),
        (lambda: cell({"x": Mount("leak", names={"v": "vd"})}), UnknownNameError, "vd"),
        (lambda: cell({"current": Mount("leak")}), ModelError, "taken"),
        (lambda: cell({"m": Mount("na_hh", names={"m": "m"})}), ModelError, "'m' is given twice"),
        (lambda: cell({"x": Mount(Channel("bad", "g*A*v", transitions={
            "a": Transition("A", "B", "1", "2"), "b": Transition("B", "A", "3")},
            params={"g": param(1.0, "mS/cm2")}, source=OWN))}), ModelError, "given twice"),
        (lambda: cell({"x": Mount(Channel("bad", "g*A*v", transitions={"a": Transition("A", "B", "1", "tau")},
            params={"g": param(1.0, "mS/cm2"), "tau": param(1.0, "ms")}, source=OWN))}), UnitError, "rate from"),
        (lambda: cell({"x": Mount(Channel("bad", "g*A*v", transitions={"a": Transition("A", "B", "1")},
            equations={"A": "0"}, params={"g": param(1.0, "mS/cm2")}, source=OWN))}), ModelError, "already"),
        (lambda: cell({"leak": LEAK}, functions={"x": "current.nap"}), ModelError, "current.leak"),
    ],
)  # fmt: skip
def test_what_does_not_fit_together_is_refused(build: Any, error: type[Exception], words: str) -> None:
    with pytest.raises(error, match=words.replace(".", r"\.")):
        load_model(build())


@pytest.mark.parametrize(
    ("channels", "error"), [({"nan": "na_hh", "na": 3}, ModelError), ({"x": None}, UnknownNameError),
                            ({"na": "na_h"}, UnknownNameError)]
)  # fmt: skip
def test_a_wrong_channel_is_refused(channels: Any, error: type[Exception]) -> None:
    with pytest.raises(error):
        load_model("hh", channels=channels)


def test_thresholds_may_look_at_functions_of_currents() -> None:
    odd = cell({"leak": LEAK}, functions={"pull": "current.leak"}, threshold=Threshold("-50 + 0*pull"))
    model = load_model(odd)
    assert float(numpy_value(model.functions["pull"], {"current.leak": 3.0})) == 3.0
