"""What every neuron, channel and stimulus of the library promises; a new file is tested by being there."""

import ast
import math
import re
from pathlib import Path
from typing import Any

import numpy as np
import pytest

import sneuron.library
from sneuron.errors import ModelError
from sneuron.lang import algebra
from sneuron.lang.expr import numpy_value
from sneuron.lang.model import (
    Model,
    channels,
    load_channel,
    load_model,
    load_stimulus,
    models,
    neurons,
    noises,
    stimuli,
    synapses,
)
from sneuron.lang.network import load_network, networks
from sneuron.lang.plasticity import plasticities
from sneuron.lang.rates import load_rate_rule, rate_rules
from sneuron.lang.spec import Channel, Mount, Neuron, Param
from sneuron.registry import Registry

CITED = re.compile(r"doi:10\.\d{4,}/\S+|own choice|built in")
FILES = [f for f in sorted(Path(sneuron.library.__file__).parent.rglob("*.py")) if f.name != "__init__.py"]


REGISTRIES: dict[str, Registry[Any]] = {
    "neurons": neurons,
    "channels": channels,
    "noises": noises,
    "stimuli": stimuli,
    "synapses": synapses,
    "plasticity": plasticities,
    "networks": networks,
    "hebbian": rate_rules,
}


def clamped(channel: Channel) -> Model:
    """A membrane that holds this channel only."""
    return load_model(
        Neuron(
            f"with_{channel.name}",
            "C",
            channels={"x": Mount(channel)},
            params={"C": Param(1.0, "uF/cm2", 0.1, 10.0, "own choice", note="capacitance")},
        )
    )


ALL = {name: load_model(name) for name in models()} | {name: clamped(load_channel(name)) for name in channels}
ALL |= {f"adex with {name}": load_model("adex", channels={name: noises[name]}) for name in noises}
ALL |= {f"lif with {name}": load_model("lif", channels={name: synapses[name]}) for name in synapses}


def params() -> list[tuple[str, Param]]:
    found = [(f"{n}.{k}", p) for n, m in ALL.items() for k, p in m.params.items()]
    found += [(f"{n}.{k}", p) for n in plasticities for k, p in plasticities[n].params.items()]
    return found + [(f"{n}.{k}", p) for n in stimuli for k, p in load_stimulus(n).params.items()]


def test_the_library_holds_what_it_should() -> None:
    assert {"passive", "hh", "lif", "qif", "eif", "adex", "izhikevich", "izhikevich_2003", "gif"} <= set(models())
    assert {"fitzhugh_nagumo", "hindmarsh_rose", "morris_lecar", "glif_1", "glif_5", "adex_tonic"} <= set(models())
    assert {"traub_miles", "wang_buzsaki", "connor_stevens", "pospischil_rs", "pospischil_fs"} <= set(models())
    assert {"pospischil_ib", "pospischil_lts", "pinsky_rinzel", "prinz_abpd1", "prinz_lp1"} <= set(models())
    assert set(channels) >= {"na_hh", "k_hh", "leak", "ca_l_ohmic", "ca_l_ghk", "ca_t_ohmic", "ca_t_ghk"}
    assert set(noises) >= {"white", "ou", "point_conductance"}
    assert set(synapses) >= {"delta", "exp_current", "alpha_current", "dual_exp_conductance", "nmda", "gaba_b"}
    assert {"vogels_abbott_cuba", "vogels_abbott_coba", "vogels_abbott_cobahh", "brunel"} <= set(models())
    assert set(stimuli) >= {"step", "ramp", "sine", "chirp", "pulses", "noise", "replay"}


@pytest.mark.parametrize("file", FILES, ids=lambda f: f.stem)
def test_files_hold_data_only(file: Path) -> None:
    tree = ast.parse(file.read_text(encoding="utf8"))
    assert ast.get_docstring(tree)
    allowed = (ast.Assign, ast.Import, ast.ImportFrom, ast.Expr)
    assert all(isinstance(node, allowed) for node in tree.body)
    imported = {n.module for n in ast.walk(tree) if isinstance(n, ast.ImportFrom)}
    imported |= {a.name for n in ast.walk(tree) if isinstance(n, ast.Import) for a in n.names}
    assert imported <= {"sneuron.lang.spec", "sneuron.lang.spec_plasticity", "sneuron.lang.spec_rates", "math"}


@pytest.mark.parametrize("file", FILES, ids=lambda f: f.stem)
def test_a_file_is_called_as_what_it_holds(file: Path) -> None:
    assert file.stem in REGISTRIES[file.parent.name]


@pytest.mark.parametrize(("path", "param"), params(), ids=lambda x: x if isinstance(x, str) else "")
def test_every_parameter_has_bounds_unit_source_and_meaning(path: str, param: Param) -> None:
    assert param.low <= param.value <= param.high
    assert param.unit or path.split(".")[0] in stimuli
    assert CITED.search(param.source), param.source
    assert param.note
    if path.split(".")[0] not in stimuli and not path.endswith(".I"):
        assert math.isfinite(param.low)
        assert math.isfinite(param.high)


@pytest.mark.parametrize("name", ALL)
def test_json_round_trip(name: str) -> None:
    model = ALL[name]
    again = Model.from_json(model.to_json())
    assert again == model
    assert again.to_json() == model.to_json()
    assert (again.currents, again.equations, again.start) == (model.currents, model.equations, model.start)


@pytest.mark.parametrize("name", networks)
def test_networks_hold_together_and_say_where_they_come_from(name: str) -> None:
    network = load_network(name)
    assert re.search(r"doi:10\.", network.source)
    for projection in network.projections.values():
        model = load_model(network.populations[projection.post].model)
        assert projection.receptor in {**model.receptors, **model.couplings}


@pytest.mark.parametrize("name", rate_rules)
def test_rate_rules_can_be_read_and_say_where_they_come_from(name: str) -> None:
    rule = load_rate_rule(name)
    assert re.search(r"doi:10\.", rule.spec.source)
    assert load_rate_rule(rule.spec).hash == rule.hash


@pytest.mark.parametrize("name", ALL)
def test_it_says_where_it_comes_from(name: str) -> None:
    assert re.search(r"doi:10\.", ALL[name].spec.source or next(iter(ALL[name].channels.values())).source)


@pytest.mark.parametrize("name", ALL)
def test_start_values_are_finite_and_in_range_over_all_voltages(name: str) -> None:
    model = ALL[name]
    start = model.start_values({"v": np.linspace(-150.0, 100.0, 251)})
    for state, values in start.items():
        assert np.isfinite(values).all()
        if state in model.gates:
            assert ((values >= 0) & (values <= 1)).all()


@pytest.mark.parametrize("name", ALL)
def test_gates_start_where_they_stay(name: str) -> None:
    model = ALL[name]
    known = {n: p.value for n, p in model.params.items()} | {"v": np.linspace(-120.0, 60.0, 37)}
    known |= model.start_values(known)
    slopes = algebra.slopes(model)
    for gate in model.gates:
        np.testing.assert_allclose(numpy_value(slopes[gate], known), 0.0, atol=1e-12)


@pytest.mark.parametrize("name", ALL)
def test_rates_are_positive_everywhere(name: str) -> None:
    model = ALL[name]
    known = {n: p.value for n, p in model.params.items()} | {"v": np.linspace(-150.0, 100.0, 100_001)}
    known |= model.start_values(known)
    for function, expression in model.functions.items():
        known[function] = numpy_value(expression, known)
    for kind, first, second in model.rates.values():
        one, two = numpy_value(first, known), numpy_value(second, known)
        assert (one >= 0).all()
        assert (two >= 0).all()
        assert ((one + two if kind == "ab" else two) > 0).all()
    for scheme in model.schemes:
        assert all((numpy_value(rate, known) >= 0).all() for rate in scheme.rates.values())


RESTLESS = {
    "adex_delayed_regular_bursting",
    "pinsky_rinzel",
    "traub_miles",
    "vogels_abbott_cobahh",
    "vogels_abbott_cuba",
    *(n for n in models() if n.startswith("prinz") and n not in ("prinz_py1", "prinz_py2", "prinz_py3")),
    *(
        f"izhikevich_2004_inhibition_induced_{x}"
        for x in ("spiking", "bursting", "spiking_converged", "bursting_converged")
    ),
}
"""Without current they have no rest, or none that is stable."""
STEADY = [name for name in models() if "accommodation" not in name]


@pytest.mark.parametrize("name", STEADY)
def test_rest_is_a_fixed_point(name: str) -> None:
    model = ALL[name]
    points = algebra.rest_points(model)
    assert [point.stable for point in points[:1]] == ([True] if name not in RESTLESS else [False] * len(points[:1]))
    for point in points:
        known = {n: p.value for n, p in model.params.items()} | point.state
        for row in algebra.slopes(model).values():
            assert float(numpy_value(row, known)) == pytest.approx(0.0, abs=1e-9)


@pytest.mark.parametrize("name", sorted(set(models()) - set(STEADY)))
def test_a_state_that_never_decays_has_no_steady_value(name: str) -> None:
    with pytest.raises(ModelError, match="has no steady value for these parameters"):
        algebra.rest_points(ALL[name])


@pytest.mark.parametrize("name", models())
def test_a_published_protocol_says_where_it_comes_from(name: str) -> None:
    """And that it lasts as long as something happens in it."""
    shown = ALL[name].protocol
    for injection in shown.stimuli.values():
        assert injection.params.get("start", 0.0) < shown.duration
        assert any(p.unit == "" and injection.params.get(n) for n, p in load_stimulus(injection.kind).params.items())
    if shown.duration:
        assert shown.stimuli or shown.note
        assert re.search(r"doi:10\.|own choice|Brian2|NEST|2003", shown.source or ALL[name].spec.source)


def test_variants_share_the_form_of_their_family() -> None:
    """Parameters are data: a family is compiled once, however many variants it has."""
    for family in neurons:
        assert len({ALL[name].form for name in (family, *neurons[family].variants)}) == 1


CARRIERS = [name for name in sorted(channels) if channels[name].current]


@pytest.mark.parametrize("name", CARRIERS)
def test_currents_reverse_where_they_should(name: str) -> None:
    """At the parameter E, or at the Nernst potential that the channel writes down."""
    model = ALL[name]
    values = {n: p.value for n, p in model.params.items()} | ({"x.cai": 1.0} if "x.cai" in model.params else {})
    known = values | {"v": 0.0} | model.start_values(values | {"v": 0.0})
    for function, expression in model.functions.items():
        known[function] = numpy_value(expression, known)
    reversal = float(known["x.E"])
    assert -150.0 < reversal < 150.0
    half = dict.fromkeys(model.gates, 0.5)
    below, at, above = model.currents_at({**values, "v": reversal + np.array([-1.0, 0.0, 1.0]), **half})["x"]
    assert below < 0 < above
    assert abs(at) < 1e-9 * (above - below)


@pytest.mark.parametrize("name", sorted(channels))
def test_a_channel_is_called_by_its_ion(name: str) -> None:
    channel = channels[name]
    ion = name.removeprefix("leak_").split("_")[0]
    expected = ion if ion in ("na", "k", "ca", "cl") and channel.current else ""
    assert channel.ion == expected


@pytest.mark.parametrize("name", [n for n in CARRIERS if n.endswith("_ghk")])
def test_ghk_flux_is_exact_at_zero_volts(name: str) -> None:
    model = ALL[name]
    values = {n: p.value for n, p in model.params.items()}
    gates = dict.fromkeys(model.gates, 1.0)
    block = values["x.ki"] / (values["x.ki"] + values["x.cai"]) if "x.ki" in values else 1.0
    expected = block * values["x.P"] * 2 * 96485.33212 * (values["x.cai"] - values["x.cao"])
    left, at, right = model.currents_at({"v": np.array([-1e-6, 0.0, 1e-6]), **gates})["x"]
    assert at == pytest.approx(expected, rel=1e-14)
    assert left == pytest.approx(expected, rel=1e-6)
    assert right == pytest.approx(expected, rel=1e-6)


def test_t_type_window_current_peaks_near_minus_60() -> None:
    v = np.linspace(-100.0, 0.0, 1001)
    for name in ("ca_t_ohmic", "ca_t_ghk"):
        current = ALL[name].currents_at({"v": v})["x"]
        assert (current <= 0).all()
        assert -70.0 < v[np.argmin(current)] < -50.0


@pytest.mark.parametrize("name", ALL)
def test_equations_render(name: str) -> None:
    text = ALL[name].latex()
    assert text.count("{") == text.count("}")
    assert text.count(r"\left(") == text.count(r"\right)")
    assert text.startswith("\\begin{aligned}\n")
    assert text.count("&") - 2 * text.count(r"\begin{cases}") == text.count("\n") - 1


@pytest.mark.parametrize("name", [n for n in stimuli if not stimuli[n].played])
def test_stimuli_are_finite_and_end(name: str) -> None:
    wave = load_stimulus(name)
    amplitudes = {k: 2.0 for k, p in wave.params.items() if p.unit == "" and k != "offset"}
    current = wave.at(np.linspace(-10.0, 20000.0, 10_001), amplitudes | {"start": 0.0, "stop": 500.0})
    assert np.isfinite(current).all()
    assert np.abs(current).max() <= 2.0
    assert np.abs(current).max() > 1.0
    assert (current[:4] == 0).all()
    if "stop" in wave.params:
        assert (current[300:] == 0).all()
