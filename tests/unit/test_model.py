"""Models: flattening, the checks on a description, JSON, and the algebra on top."""

import dataclasses
import json
import pickle
import time
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import numpy as np
import pytest
import sympy
import xarray as xr

from sneuron import labels
from sneuron.errors import ModelError, SneuronError, StoreError, UnitError, UnknownNameError
from sneuron.lang import algebra, units
from sneuron.lang.expr import names_of, numpy_value, symbol
from sneuron.lang.model import ExportJSON, Model, load_model, load_stimulus, models
from sneuron.lang.spec import Channel, Gate, Mount, Neuron, Param, State, Threshold

OWN = "own choice"
C = Param(1.0, "uF/cm2", 0.1, 10.0, OWN)
G = Param(0.1, "mS/cm2", 0.0, 10.0, OWN)


def toy(**change: Any) -> Neuron:
    fields: dict[str, Any] = {"capacitance": "C", "currents": {"leak": "g*(v + 65)"}, "params": {"C": C, "g": G}}
    return Neuron("toy", **fields | change)


# what a model holds


def test_hh_rests_with_its_textbook_gates() -> None:
    start = load_model("hh").start_values({"v": -65.0})
    assert {k: float(v) for k, v in start.items()} == pytest.approx(
        {"v": -65.0, "m": 0.052932, "h": 0.596121, "n": 0.317677}, abs=1e-6
    )


@pytest.mark.parametrize(
    ("v", "na", "k"),
    [
        (-80.0, -0.00756, -0.03003),
        (-65.0, -1.22006, 4.39973),
        (-40.0, -68.3614, 282.447),
        (-20.0, -50.4478, 998.377),
        (0.0, -15.4664, 1890.29),
        (40.0, -0.43894, 3664.69),
    ],
)
def test_hh_steady_currents(v: float, na: float, k: float) -> None:
    currents = load_model("hh").currents_at({"v": v})
    assert float(currents["na"]) == pytest.approx(na, rel=6e-4 if v == -80 else 1e-5)
    assert float(currents["k"]) == pytest.approx(k, rel=2e-4 if v == -80 else 1e-5)
    assert float(currents["leak"]) == pytest.approx(0.3 * (v + 54.3), rel=1e-14)


def test_hh_currents_at_rest_almost_cancel() -> None:
    assert sum(float(i) for i in load_model("hh").currents_at({"v": -65.0}).values()) == pytest.approx(
        -0.0303, abs=5e-5
    )


@pytest.mark.parametrize(("v", "expected"), [(-40.0, -807.90), (-20.0, -3362.56), (0.0, -3306.55)])
def test_hh_sodium_with_resting_inactivation(v: float, expected: float) -> None:
    h = load_model("hh").start_values({"v": -65.0})["h"]
    assert float(load_model("hh").currents_at({"v": v, "h": h})["na"]) == pytest.approx(expected, rel=1e-5)


@pytest.mark.parametrize(("gate", "tau"), [("h", 8.51601), ("n", 5.45858), ("m", 0.23677)])
def test_hh_time_constants(gate: str, tau: float) -> None:
    kind, alpha, beta = load_model("hh").rates[gate]
    values = {"v": -65.0, "phi": 1.0}
    assert kind == "ab"
    assert 1 / float(numpy_value(alpha, values) + numpy_value(beta, values)) == pytest.approx(tau, abs=6e-6)


@pytest.mark.parametrize(("gate", "v", "expected"), [("m", -40.0, 1.0), ("n", -55.0, 0.1)])
def test_hh_rates_are_exact_where_the_naive_form_is_0_over_0(gate: str, v: float, expected: float) -> None:
    _, alpha, _ = load_model("hh").rates[gate]
    assert float(numpy_value(alpha, {"v": v, "phi": 1.0})) == expected


def test_temperature_speeds_gates_and_leaves_their_steady_state() -> None:
    hh = load_model("hh")
    warm, cold = ({**hh.start_values({"v": -50.0}), "celsius": c} for c in (16.3, 6.3))
    assert float(hh.start_values(warm)["m"]) == pytest.approx(float(hh.start_values(cold)["m"]), rel=1e-14)
    for gate, row in algebra.slopes(hh).items():
        if gate in hh.gates:
            slope, _ = algebra.linear_in(row, gate) or (None, None)
            assert float(numpy_value(slope, warm) / numpy_value(slope, cold)) == pytest.approx(3.0, rel=1e-12)


def test_plain_hh_says_which_one_it_is() -> None:
    names = ["hh", "hh_el54_3", "hh_el54_387", "hh_el54_4"]
    assert [load_model(n).name for n in names] == ["hh_el54_3", *names[1:]]
    assert [load_model(n).params["EL"].value for n in names] == [-54.3, -54.3, -54.387, -54.4]
    assert len({load_model(n).hash for n in names}) == 3


def test_names_paths_and_the_built_in_current() -> None:
    hh = load_model("hh")
    assert hh.aliases["na.g"] == "gNa"
    assert (hh.params["I"].value, hh.params["I"].unit) == (0.0, "uA/cm2")
    assert list(hh.states) == ["v", "h", "m", "n"]
    assert hh.gates == {"m", "h", "n"}
    assert hh.ions == {"na": "na", "k": "k", "leak": ""}
    assert hh.canonical("na.g") == hh.canonical("gNa") == "gNa"
    with pytest.raises(UnknownNameError, match="Did you mean 'gNa'"):
        hh.canonical("gna")


def test_every_expression_uses_only_declared_names() -> None:
    for name in models():
        model = load_model(name)
        known = {*model.params, *model.states, *model.functions}
        texts = [*model.currents.values(), *model.equations.values(), *model.functions.values(), *model.reset.values()]
        assert names_of(sympy.Tuple(*texts, model.capacitance, model.threshold, model.rearm)) <= known


def test_unrenamed_parts_are_called_by_their_path() -> None:
    model = load_model(toy(currents={}, channels={"nap": Mount("na_hh", params={"g": 0.5})}))
    assert {"nap.g", "nap.E", "nap.celsius"} <= set(model.params)
    assert model.params["nap.g"].value == 0.5
    assert list(model.states) == ["v", "nap.h", "nap.m"]
    assert list(model.functions) == ["nap.phi"]


def test_functions_come_after_those_they_use() -> None:
    model = load_model(toy(functions={"a": "2*z", "z": "g*k", "k": "v"}, currents={"leak": "a"}))
    assert list(model.functions) == ["k", "z", "a"]


def test_the_order_of_declaration_means_nothing() -> None:
    spec = load_model("hh").spec
    back = dataclasses.replace(
        spec, params=dict(reversed(spec.params.items())), channels=dict(reversed(spec.channels.items()))
    )
    assert load_model(back) == load_model("hh")
    assert load_model(back).hash == load_model("hh").hash


def test_whole_numbers_and_floats_are_the_same_model() -> None:
    whole = {"C": Param(1, "uF/cm2", 0.1, 10, OWN), "g": G}
    assert load_model(toy(params=whole)) == load_model(toy())


def test_states_start_in_an_order_that_works() -> None:
    model = load_model(
        toy(
            states={"a": State("mV", "z + 1"), "z": State("mV", "v*2")},
            equations={"a": "-a/10", "z": "-z/10"},
            currents={"leak": "g*(v + a + z)"},
        )
    )
    assert list(model.start) == ["v", "z", "a"]
    assert {k: float(x) for k, x in model.start_values().items()} == {"v": -65.0, "a": -129.0, "z": -130.0}


def test_start_values_broadcast() -> None:
    start = load_model("adex").start_values({"EL": np.array([-70.0, -60.0]), "v": -65.0, "a": np.array([[1.0], [2.0]])})
    assert start["w"].tolist() == [[5.0, -5.0], [10.0, -10.0]]


def test_reset_model() -> None:
    adex = load_model("adex")
    assert (adex.kind, adex.refractory, adex.current_unit) == ("reset", "t_ref", "pA")
    assert {k: str(e) for k, e in adex.reset.items()} == {"v": "Vr", "w": "b + w"}
    assert {k: adex.params[k].value for k in ("C", "gL", "EL", "VT", "DT", "tau_w", "a", "b", "Vr")} == {
        "C": 281.0, "gL": 30.0, "EL": -70.6, "VT": -50.4, "DT": 2.0, "tau_w": 144.0, "a": 4.0, "b": 80.5, "Vr": -70.6,
    }  # fmt: skip


def test_models_compare_hash_pickle_and_show() -> None:
    hh = load_model("hh")
    assert pickle.loads(pickle.dumps(hh)) == hh
    assert len({hh, load_model(hh.to_json()), load_model("lif")}) == 2
    assert "hh_el54_3" in repr(hh)
    with pytest.raises(dataclasses.FrozenInstanceError):
        hh.name = "other"  # type: ignore[misc]
    with pytest.raises(TypeError):
        hh.params["I"] = G  # type: ignore[index]


def test_loading_is_quick() -> None:
    load_model("hh")
    spec = dataclasses.replace(load_model("hh").spec, note="another")
    start = time.process_time()
    load_model(spec)
    assert time.process_time() - start < 0.3


# what is refused

BAD: dict[str, tuple[dict[str, Any], str]] = {
    "unknown name": ({"currents": {"leak": "g*(V + 65)"}}, "Did you mean 'v'"),
    "cycle of functions": ({"functions": {"a": "b", "b": "a"}}, "functions a, b need one another in a circle"),
    "function of itself": ({"functions": {"a": "a + 1"}}, "in a circle"),
    "cycle of starts": (
        {"states": {"a": State("1", "b"), "b": State("1", "a")}, "equations": {"a": "-a/9", "b": "-b/9"}},
        "start values a, b need one another",
    ),
    "no start": ({"states": {"a": State("1", "")}, "equations": {"a": "-a"}}, "state 'a' has no start value"),
    "no equation": ({"states": {"a": State("1")}}, "state 'a' has no equation"),
    "equation of nothing": ({"equations": {"a": "1"}}, "state 'a' is not known"),
    "equation of a constant": ({"equations": {"g": "1"}}, "'g' is a constant"),
    "equation of v": ({"equations": {"v": "1"}}, "'v' is given its equation already"),
    "reset of a constant": ({"threshold": Threshold(kind="reset"), "reset": {"v": "0", "g": "1"}}, "'g' is a constant"),
    "reset of nothing": (
        {"threshold": Threshold(kind="reset"), "reset": {"v": "0", "q": "1"}},
        "state 'q' is not known",
    ),
    "reset of a crossing": ({"reset": {"v": "0"}}, "contradict"),
    "no reset": ({"threshold": Threshold(kind="reset")}, "contradict"),
    "kind of threshold": ({"threshold": Threshold(kind="never")}, "kind 'never' is not known"),
    "rearm above level": ({"threshold": Threshold("0", "level + 1")}, "lies above"),
    "value out of bounds": ({"params": {"C": C, "g": Param(11.0, "mS/cm2", 0.0, 10.0, OWN)}}, "is not in its bounds"),
    "value not finite": ({"params": {"C": C, "g": Param(float("inf"), "mS/cm2", source=OWN)}}, "is not in its bounds"),
    "no unit": ({"params": {"C": C, "g": Param(0.1, "", source=OWN)}}, "it has no unit"),
    "no source": ({"params": {"C": C, "g": Param(0.1, "mS/cm2")}}, "it has no source"),
    "division by zero": ({"currents": {"leak": "2*g/(v + 65)"}}, "Look for a division by zero"),
    "start not finite": ({"voltage": State("mV", "log(g - 1)")}, "start of 'v'"),
    "no capacitance": ({"capacitance": "C - 1"}, "not above 0"),
    "name of the language": ({"params": {"C": C, "exp": G}}, "'exp' is taken by the language"),
    "name of a dim": ({"params": {"C": C, "time": G}}, "'time' is taken by the language"),
    "name of the voltage": ({"params": {"C": C, "v": G}}, "'v' is taken by the language"),
    "built-in current": ({"params": {"C": C, "g": G, "I": G}}, "is built in"),
    "name with a dash": ({"params": {"C": C, "g-K": G}}, "is no name"),
    "name not ASCII": ({"params": {"C": C, "gµ": G}}, "is no name"),
    "twice the same name": ({"functions": {"g": "1"}}, "'g' is given twice"),
    "state and parameter": ({"states": {"g": State("1")}}, "'g' is given twice"),
    "refractory": ({"refractory": "t_reff", "params": {"C": C, "g": G, "t_ref": G}}, "Did you mean 't_ref'"),
    "refractory unit": ({"refractory": "g"}, "not in ms"),
    "value in two places": (
        {"channels": {"na": Mount("na_hh", {"g": "g"}, {"g": 1.0})}},
        "'g' has a value here and in the neuron",
    ),
    "functions that grow": (
        {
            "functions": {"f0": "g"} | {f"f{i}": f"sin(f{i - 1})*cos(f{i - 1})" for i in range(1, 40)},
            "capacitance": "f39",
        },
        "parts",
    ),
    "functions that nest": (
        {"functions": {"f0": "v/g"} | {f"f{i}": f"2*f{i - 1} + 1" for i in range(1, 60)}},
        "levels",
    ),
    "powers that grow": ({"functions": {"f0": "9"} | {f"f{i}": f"f{i - 1}**16" for i in range(1, 20)}}, "it is inf"),
    "too many names": ({"functions": {f"f{i}": "1" for i in range(600)}}, "it has 60"),
    "step": ({"dt": 0.0}, "no time step"),
    "unknown channel": ({"channels": {"na": Mount("na_hhh")}}, "Did you mean 'na_hh'"),
    "unknown channel name": ({"channels": {"na": Mount("na_hh", {"gbar": "gNa"})}}, "'gbar' is not known"),
    "unknown channel value": ({"channels": {"na": Mount("na_hh", params={"G": 1.0})}}, "Did you mean 'g'"),
    "channel out of bounds": ({"channels": {"na": Mount("na_hh", params={"g": -1.0})}}, "is not in its bounds"),
    "current twice": ({"channels": {"leak": Mount("leak")}}, "already is a current 'leak'"),
    "same state twice": (
        {"channels": {"a": Mount("k_hh", {"n": "n"}), "b": Mount("k_hh", {"n": "n"})}},
        "the name 'n' is given twice",
    ),
    "shared but different": (
        {"channels": {"a": Mount("k_hh", {"g": "gK"}), "b": Mount("k_hh", {"g": "gK"}, {"g": 1.0})}},
        "'gK' is shared but differs",
    ),
    "half a gate": (
        {"channels": {"x": Mount(Channel("x", "m", gates={"m": Gate(alpha="1")}))}},
        "either alpha and beta",
    ),
    "two kinds of gate": (
        {"channels": {"x": Mount(Channel("x", "m", gates={"m": Gate("1", "1", "1", "1")}))}},
        "either alpha and beta",
    ),
    "sum of unlike things": ({"currents": {"leak": "v + g"}}, "joins"),
    "current in wrong unit": ({"currents": {"leak": "g*v*v"}}, "not in uA/cm2"),
    "current of wrong size": (
        {"currents": {"leak": "g*v"}, "params": {"C": C, "g": Param(0.1, "S/cm2", 0.0, 10.0, OWN)}},
        "off by a factor of 1000",
    ),
    "function of a voltage": ({"currents": {"leak": "g*exp(v)"}}, "exp(v) wants pure numbers, not mV"),
    "compared unlike things": ({"currents": {"leak": "where(v > g, g*v, 0)"}}, "v > g joins mV and mS/cm2"),
    "slope without time": ({"states": {"a": State("mV")}, "equations": {"a": "v"}}, "equations of 'a'"),
    "threshold in wrong unit": ({"threshold": Threshold("g")}, "threshold: g is in mS/cm2, not in mV"),
    "unknown unit": ({"params": {"C": C, "g": Param(0.1, "blurb", source=OWN)}}, "'blurb' is no known unit"),
    "current in another unit": ({"channels": {"x": Mount(Channel("x", "v", unit="pA"))}}, "does not convert"),
    "current of another size": (
        {"channels": {"x": Mount(Channel("x", "v", unit="mA/cm2"))}},
        "its current is in 'mA/cm2'",
    ),
}


@pytest.mark.parametrize("case", BAD)
def test_unsound_descriptions_are_refused(case: str) -> None:
    change, part = BAD[case]
    start = time.process_time()
    with pytest.raises(SneuronError) as caught:
        load_model(toy(**change))
    assert part in str(caught.value)
    assert "toy" in str(caught.value) or "registry" in str(caught.value)
    assert time.process_time() - start < 1.0


def test_unknown_models_get_the_nearest() -> None:
    with pytest.raises(UnknownNameError, match="Did you mean 'adex'"):
        load_model("AdEx")
    with pytest.raises(UnknownNameError, match="Did you mean 'step'"):
        load_stimulus("stepp")
    with pytest.raises(ModelError, match="is no model"):
        load_model(3)  # type: ignore[arg-type]


# JSON


def test_json_is_lossless_and_deterministic(tmp_path: Path) -> None:
    for name in models():
        model = load_model(name)
        text = ExportJSON(model, tmp_path / "m.json")
        again = Model.from_json(text)
        assert (again, again.text, again.hash) == (model, model.text, model.hash)
        assert list(again.states) == list(model.states)
        assert again.equations == model.equations
        assert load_model(tmp_path / "m.json") == load_model(str(tmp_path / "m.json")) == model
        assert (tmp_path / "m.json").read_bytes() == text.encode("ascii") + b"\n"
        assert json.loads(text)["schema"] == "sneuron-model/1"


def test_export_takes_whatever_holds_a_model() -> None:
    text = load_model("lif").to_json()
    assert (
        ExportJSON("lif")
        == ExportJSON(load_model("lif").spec)
        == ExportJSON(SimpleNamespace(attrs={"model": text}))
        == text
    )
    with pytest.raises(ModelError, match="holds no model"):
        ExportJSON(SimpleNamespace(attrs={}))


def test_export_writes_the_values_of_the_point() -> None:
    hh = load_model("hh")
    state = xr.Dataset(
        {"gNa": 100.0, "celsius": 20.0, "EL": ("EL", [-54.0, -50.0]), "I": 7.0, "v": -60.0},
        attrs={"model": hh.to_json()},
    )
    model = load_model(ExportJSON(state))
    assert [model.params[n].value for n in ("gNa", "celsius", "EL", "I")] == [100.0, 20.0, -54.3, 0.0]
    assert load_model(ExportJSON(state.isel(EL=1))).params["EL"].value == -50.0
    assert ExportJSON(state.drop_vars(["gNa", "celsius"])) == hh.to_json()


def test_export_to_a_place_that_is_none(tmp_path: Path) -> None:
    for path in (tmp_path, tmp_path / "none" / "x.json", tmp_path / "a\0b"):
        with pytest.raises(StoreError, match="cannot be written"):
            ExportJSON("lif", path)


def test_a_dict_is_a_model() -> None:
    fields = {"name": "toy", "capacitance": "1", "currents": {"leak": "0.1*v"}, "dt": 0.1}
    assert (
        load_model(fields)
        == load_model({"schema": "sneuron-model/1", "neuron": fields})
        == load_model(json.dumps(fields))
    )


def text_with(old: str, new: str) -> str:
    text = load_model("lif").to_json()
    assert old in text
    return text.replace(old, new, 1)


HOSTILE_JSON = {
    "NaN": (lambda: text_with('"value":250.0', '"value":NaN'), "NaN is not a number of JSON"),
    "Infinity": (lambda: text_with('"value":250.0', '"value":-Infinity'), "-Infinity is not a number of JSON"),
    "too large": (lambda: text_with('"value":250.0', '"value":1e999'), "too large a number"),
    "too many digits": (lambda: text_with('"value":250.0', '"value":' + "9" * 5000), "no JSON"),
    "large whole number": (lambda: text_with('"value":250.0', '"value":' + "9" * 400), "a computer can hold"),
    "duplicate key": (lambda: text_with('"dt":0.1', '"dt":0.1,"dt":0.2'), "key 'dt' occurs twice"),
    "byte order mark": (lambda: "\ufeff" + load_model("lif").to_json(), "byte order mark"),
    "lone surrogate": (lambda: text_with('"note":"With', '"note":"\\ud800'), "half a character"),
    "lone surrogate key": (lambda: '{"\\udfff": 1}', "half a character"),
    "deep": (lambda: "[" * 100_000, "nested too deep"),
    "deep objects": (lambda: '{"a":' * 101 + "1" + "}" * 101, "nested too deep"),
    "big": (lambda: '{"a": "' + "x" * 1_000_000 + '"}', "bytes of JSON are too many"),
    "broken": (lambda: load_model("lif").to_json()[:-5], "this is no JSON"),
    "list": (lambda: "[]", "is no table"),
    "other schema": (lambda: text_with("sneuron-model/1", "sneuron-model/2"), "is not known"),
    "no schema": (lambda: text_with('"schema":"sneuron-model/1"', '"schema":null'), "is not known"),
    "other field": (lambda: text_with('"schema"', '"extra":1,"schema"'), "field 'extra' is not known"),
    "hostile equation": (lambda: text_with("gL*(v - EL)", "().__class__"), "has no place"),
    "no field": (lambda: text_with('"capacitance":"C",', ""), "field 'capacitance' is missing"),
}  # fmt: skip


@pytest.mark.parametrize("case", HOSTILE_JSON)
def test_hostile_json_is_refused_at_once(case: str) -> None:
    make, part = HOSTILE_JSON[case]
    text = make()
    start = time.process_time()
    with pytest.raises(SneuronError) as caught:
        Model.from_json(text)
    assert time.process_time() - start < 0.1
    assert part in str(caught.value)


def test_brackets_inside_texts_are_no_nesting() -> None:
    assert load_model(text_with('"note":"With', '"note":"' + '[{\\"' * 200)).name == "lif"


def test_bytes_must_be_utf8() -> None:
    with pytest.raises(ModelError, match="byte 1 is not UTF-8"):
        Model.from_json(b'{\xff"a": 1}')


def test_files_that_cannot_be_read(tmp_path: Path) -> None:
    with pytest.raises(ModelError, match="cannot be read"):
        load_model(tmp_path / "none.json")
    with pytest.raises(ModelError, match="cannot be read"):
        load_model(tmp_path)


# algebra


@pytest.mark.parametrize(
    ("name", "rest"), [("hh_el54_3", -64.97405), ("hh_el54_387", -64.99638), ("hh_el54_4", -64.99972)]
)
def test_hh_rest_potentials(name: str, rest: float) -> None:
    (point,) = algebra.rest_points(load_model(name))
    assert point.state["v"] == pytest.approx(rest, abs=1e-5)
    assert point.stable


def test_adex_rest_points_meet_at_the_rheobase() -> None:
    adex = load_model("adex")
    low, high = algebra.rest_points(adex)
    assert (low.stable, high.stable) == (True, False)
    assert low.state["w"] == pytest.approx(4.0 * (low.state["v"] + 70.6))
    # saddle-node of Touboul & Brette 2008: I = (gL + a) (VT - EL - DT + DT log(1 + a/gL))
    fold = 34.0 * (-50.4 + 70.6 - 2.0 + 2.0 * np.log(1 + 4.0 / 30.0))
    assert fold == pytest.approx(627.3, abs=0.1)
    assert len(algebra.rest_points(adex, {"I": fold - 0.05})) == 2
    assert algebra.rest_points(adex, {"I": fold + 0.05}) == []


def test_hh_loses_stability_at_its_hopf_point() -> None:
    hh = load_model("hh_el54_4")
    stable = [algebra.rest_points(hh, {"I": i})[0].stable for i in (9.5, 10.0)]
    assert stable == [True, False]  # Rinzel & Miller 1980: 9.78 uA/cm2


def test_jacobian_is_that_of_finite_differences() -> None:
    for name in ("hh", "adex", "izhikevich"):
        model = load_model(name)
        rows = list(algebra.slopes(model).values())
        values = {n: p.value for n, p in model.params.items()} | {
            n: float(x) for n, x in model.start_values({"v": -41.0}).items()
        }
        entries = np.array([float(numpy_value(e, values)) for e in algebra.jacobian(model)]).reshape(len(rows), -1)
        for j, state in enumerate(model.states):
            ends = [{**values, state: values[state] + s} for s in (1e-5, -1e-5)]
            high, low = (np.array([float(numpy_value(row, end)) for row in rows]) for end in ends)
            np.testing.assert_allclose(entries[:, j], (high - low) / 2e-5, rtol=1e-5, atol=1e-7)


def test_fastest_time_constants() -> None:
    assert algebra.fastest_time_constant(load_model("lif"), {"gL": 50.0}) == 5.0
    hh = algebra.fastest_time_constant(load_model("hh"))
    assert 0.2 < hh < 0.23677
    many = algebra.time_constants(load_model("lif"), {"gL": np.array([[25.0, 0.0], [50.0, 100.0]])})
    assert many.tolist() == [[10.0, np.inf], [5.0, 2.5]]
    assert algebra.fastest_time_constant(load_model("lif"), {"gL": np.array([25.0, 100.0])}) == 2.5


def test_linearity() -> None:
    rows = algebra.slopes(load_model("hh"))
    for gate in ("m", "h", "n", "v"):
        slope, offset = algebra.linear_in(rows[gate], gate) or (None, None)
        values = {n: p.value for n, p in load_model("hh").params.items()} | {"v": -50.0, "m": 0.2, "h": 0.3, "n": 0.4}
        whole = float(numpy_value(rows[gate], values))
        assert float(numpy_value(slope, values)) * values[gate] + float(numpy_value(offset, values)) == pytest.approx(
            whole, rel=1e-12
        )
    assert algebra.linear_in(algebra.slopes(load_model("adex"))["v"], "v") is None
    assert algebra.linear_in(symbol("x") ** 2, "x") is None


def test_states_without_a_steady_value_are_said_so() -> None:
    model = load_model(toy(states={"x": State("1", "1")}, equations={"x": "v/100"}))
    with pytest.raises(ModelError, match="state 'x' of 'toy' has no steady value"):
        algebra.rest_points(model)
    held = toy(
        states={"x": State("uA/cm2", "1")}, equations={"x": "g*(v + 60)/100 - r*x"},
        currents={"leak": "g*v + x*sin(2*x)"},
        params={"C": C, "g": G, "r": Param(0.0, "1/ms", 0.0, 1.0, "own choice")},
    )  # fmt: skip
    with pytest.raises(ModelError, match="has no steady value for these parameters"):
        algebra.rest_points(load_model(held))
    assert len(algebra.rest_points(load_model(held), {"r": 0.1})) >= 1


def test_a_state_that_only_the_membrane_holds_is_found() -> None:
    """x follows v, so that v has to be 0; the membrane says what x is there."""
    own = toy(states={"x": State("uA/cm2", "1")}, equations={"x": "g*v/100"}, currents={"leak": "g*(v + 65) + x"})
    (point,) = algebra.rest_points(load_model(own))
    assert point.state == pytest.approx({"v": 0.0, "x": -65.0 * G.value}, abs=1e-12)


def test_a_steady_value_that_cannot_be_written_down_is_found() -> None:
    """x + x^3 = 2, whose root is 1."""
    own = toy(states={"x": State("1", "0.2")}, equations={"x": "(2 - x - x**3)/10"}, currents={"leak": "g*(v + 60*x)"})
    (point,) = algebra.rest_points(load_model(own))
    assert point.state["x"] == pytest.approx(1.0, abs=1e-12)
    assert point.state["v"] == pytest.approx(-60.0, abs=1e-9)


def test_latex_reads_as_written() -> None:
    text = load_model("hh")._repr_latex_()
    assert text.startswith("$$\n\\begin{aligned}\nC \\frac{dv}{dt} &= I - I_{k} - I_{leak} - I_{na}")
    assert "I_{na} &= g_{Na} h m^{3} \\left(v - E_{Na}\\right)" in text
    assert r"0.125 \phi e^{- \frac{v + 65}{80}} n" in text


# stimuli


def played(name: str, times: list[float], **values: float) -> list[float]:
    return [float(x) for x in load_stimulus(name).at(np.array(times), values)]


def test_step() -> None:
    assert played("step", [49.9, 50.0, 449.9, 450.0], amplitude=10.0, start=50.0, stop=450.0) == [0.0, 10.0, 10.0, 0.0]
    assert played("step", [0.0, 1e9], amplitude=2.0) == [2.0, 2.0]


def test_ramp() -> None:
    assert played("ramp", [9.0, 10.0, 15.0, 20.0], first=1.0, last=3.0, start=10.0, stop=20.0) == [0.0, 1.0, 2.0, 0.0]


def test_sine() -> None:
    found = played("sine", [0.0, 25.0, 50.0, 75.0], amplitude=2.0, offset=1.0, freq=10.0)
    assert found == pytest.approx([1.0, 3.0, 1.0, -1.0])


def test_chirp_reaches_its_last_frequency() -> None:
    t = np.arange(0.0, 1000.0, 0.01)
    y = np.array(
        load_stimulus("chirp").at(t, {"amplitude": 1.0, "freq_first": 10.0, "freq_last": 50.0, "stop": 1000.0})
    )
    rising = t[1:][(y[:-1] < 0) & (y[1:] >= 0)]
    assert len(rising) == 29  # (10 + 50) / 2 cycles in 1 s, the first starting at 0
    assert 1000 / np.diff(rising)[[0, -1]] == pytest.approx([14.77, 48.78], abs=0.1)


def test_pulses() -> None:
    values = {"amplitude": 3.0, "width": 2.0, "period": 10.0, "start": 5.0, "count": 2.0}
    assert played("pulses", [4.9, 5.0, 6.9, 7.1, 15.0, 17.5, 25.0], **values) == [0.0, 3.0, 3.0, 0.0, 3.0, 0.0, 0.0]


def test_played_stimuli_are_declared_only() -> None:
    for name in ("noise", "replay"):
        wave = load_stimulus(name)
        assert wave.played
        assert wave.current == 0


def test_stimuli_may_come_as_json() -> None:
    wave = load_stimulus(
        '{"name": "half", "current": "a/2 + 1*t", "params": {"a": {"value": 3, "unit": "", "source": "own"}}}'
    )
    assert float(wave.at(1.0)) == 2.5


def test_stimuli_with_wrong_units() -> None:
    params = {n: {"value": 3, "unit": unit, "source": "own"} for n, unit in (("a", ""), ("b", "mV"))}
    with pytest.raises(UnitError, match="stimulus 'x', current"):
        load_stimulus(json.dumps({"name": "x", "current": "a*b", "params": params}))


# units


@pytest.mark.parametrize(
    ("text", "same"),
    [
        ("mS/cm2 mV", "uA/cm2"),
        ("nS mV", "pA"),
        ("pF mV/ms", "pA"),
        ("uF/cm2*mV/ms", "uA/cm2"),
        ("1/ms", "kHz"),
        ("cm/s C/mol mM", "uA/cm2"),
        ("min", "min"),
        ("V/A", "Ohm"),
    ],
)
def test_units_multiply(text: str, same: str) -> None:
    assert units.unit_value(text, "t").same(units.unit_value(same, "t"))


def test_units_agree_with_pint() -> None:
    for text in ("uA/cm2", "mS/cm2", "nS", "pF", "uF/cm2", "mM", "Ohm cm", "cm/s", "degC", "Hz", "mV/ms", "kHz"):
        ours = units.unit_value(text, "t")
        size, powers = labels.base_units(text.replace("degC", "K"), "t")
        assert ours.size == pytest.approx(size, rel=1e-12), text
        assert dict(ours.powers) == powers


def test_units_do_not_convert_is_a_unit_error() -> None:
    with pytest.raises(UnitError):
        load_model(toy(channels={"x": Mount(Channel("x", "v", unit="pA"))}))
