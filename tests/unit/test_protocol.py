"""Protocols: how a paper shows a neuron, as part of the neuron's description."""

import dataclasses
import json
import math
from typing import Any

import numpy as np
import pytest
import xarray as xr

import sneuron as sn
from sneuron import errors
from sneuron.explore.plan import Plan
from sneuron.lang.model import load_model, models, neurons
from sneuron.lang.plain import as_plain, from_plain
from sneuron.lang.spec import Injection, Neuron, Protocol, Variant
from sneuron.lang.variants import varied

TWO = Protocol(
    60.0,
    {
        "b": Injection("step", {"amplitude": 3.0, "start": 10.0, "stop": math.inf}),
        "a": Injection("ramp", {"last": 5.0, "stop": 50.0}),
        "c": Injection("step", {"amplitude": 1.0}),
    },
    "own choice",
    "two steps and a ramp",
)


def lif(protocol: Protocol) -> Neuron:
    return dataclasses.replace(neurons["lif"], protocol=protocol)


def test_a_protocol_comes_back_from_json() -> None:
    model = load_model(lif(TWO))
    again = load_model(model.to_json())
    assert again.protocol == model.protocol == TWO
    assert again == model
    assert json.loads(model.to_json())["neuron"]["protocol"]["stimuli"]["b"]["params"]["stop"] == "inf"
    assert from_plain(Protocol, as_plain(TWO), "p") == TWO


def test_what_is_not_said_leaves_no_trace() -> None:
    """Descriptions without a protocol have the text and the hash that they had before there were protocols."""
    for name in ("adex", "lif", "hh", "passive", "izhikevich"):
        neuron = json.loads(load_model(name).to_json())["neuron"]
        assert "protocol" not in neuron
        assert "held" not in neuron["voltage"]
    assert load_model("adex").hash == "ee800a3ec06aeb421d0d6c7948e62b70e470d91db98597bd87c7722fb08296e4"


def test_the_protocol_belongs_to_the_hash_and_not_to_the_form() -> None:
    plain, shown, longer = (load_model(lif(p)) for p in (Protocol(), TWO, dataclasses.replace(TWO, duration=61.0)))
    assert len({plain.hash, shown.hash, longer.hash}) == 3
    assert plain.form == shown.form == longer.form


def test_variants_bring_their_own_protocol_and_start() -> None:
    family = dataclasses.replace(
        neurons["adex"],
        protocol=TWO,
        variants={
            "one": Variant({"C": 100.0}),
            "other": Variant(protocol=Protocol(5.0), start={"v": "VT", "w": "2*b"}),
        },
    )
    one, other = load_model(varied(family, "one")), load_model(varied(family, "other"))
    assert (one.protocol, other.protocol) == (TWO, Protocol(5.0))
    assert other.start_values() == {"v": -50.4, "w": 161.0}
    assert sn.InitNeu({"model": other, "VT": -40.0}).v.item() == -40.0
    with pytest.raises(errors.UnknownNameError, match=r"state 'W' is not known.*Did you mean 'w'"):
        varied(dataclasses.replace(family, variants={"bad": Variant(start={"W": "0"})}), "bad")


@pytest.mark.parametrize(
    ("protocol", "says"),
    [
        (Protocol(math.nan), "protocol.duration: nan is no number that a computer can hold"),
        (Protocol(-1.0), "-1.0 ms is no duration"),
        (Protocol(math.inf), "inf ms is no duration"),
        (Protocol(0.0, {"a": Injection("step")}), "it has stimuli and no duration"),
        (Protocol(9.0, {"a": Injection("stepp")}), "stimulus 'a': kind 'stepp' is not known.*Did you mean 'step'"),
        (Protocol(9.0, {"a": Injection("replay")}), "kind 'replay' is not known"),
        (
            Protocol(9.0, {"a": Injection("step", {"amplitud": 1.0})}),
            "'amplitud' is not known.*Did you mean 'amplitude'",
        ),
        (Protocol(9.0, {"a": Injection("step", {"amplitude": math.inf})}), "'amplitude': inf is not a value"),
        (Protocol(9.0, {"a": Injection("step", {"amplitude": math.nan})}), "amplitude: nan is no number"),
        (Protocol(9.0, {"a": Injection("noise", {"seed": 1.5})}), "'seed': 1.5 is not a whole number"),
        (Protocol(9.0, {"a": Injection("pulses", {"width": -1.0})}), "'width': -1.0 is not a value.*0 to 1e"),
        (Protocol(9.0, {"a": Injection("step", {"start": 5.0, "stop": 5.0})}), "stop is not after start"),
    ],
)
def test_what_cannot_be_injected_is_refused(protocol: Protocol, says: str) -> None:
    with pytest.raises((errors.ModelError, errors.UnknownNameError), match=says):
        load_model(lif(protocol))


@pytest.mark.parametrize(
    ("change", "says"),
    [
        ({"duration": "60"}, "protocol.duration: '60' is no number"),
        ({"stimuli": {"a": {"params": {}}}}, "protocol.stimuli.a: field 'kind' is missing"),
        ({"stimuli": []}, "protocol.stimuli: .* is no table"),
        ({"length": 3.0}, "field 'length' is not known"),
    ],
)
def test_wrong_fields_of_a_protocol_are_named(change: dict[str, Any], says: str) -> None:
    data = as_plain(lif(TWO))
    data["protocol"] = data["protocol"] | change
    with pytest.raises((errors.ModelError, errors.UnknownNameError), match=says):
        load_model(data)


def test_stimuli_of_a_protocol_are_those_of_the_library() -> None:
    stimuli, duration = sn.protocol(lif(TWO))
    assert duration == 60.0
    expected = [sn.ramp(0.0, 5.0, 0.0, 50.0), sn.step(3.0, 10.0), sn.step(1.0)]  # by kind, then by name
    for found, wanted in zip(stimuli, expected, strict=True):
        xr.testing.assert_identical(found, wanted)
    noisy = Protocol(9.0, {"a": Injection("noise", {"std": 2.0, "seed": 4, "stop": 9.0})}, "own choice")
    xr.testing.assert_identical(sn.protocol(lif(noisy))[0][0], sn.noise(std=2.0, seed=4, stop=9.0))


def test_a_protocol_is_injected_by_its_name() -> None:
    cell = sn.InitNeu({"model": lif(TWO), "C": [200.0, 250.0]})
    by_hand = cell
    for stimulus in sn.protocol(cell)[0]:
        by_hand = sn.InjCur(by_hand, stimulus)
    xr.testing.assert_identical(sn.InjCur(cell, "protocol"), by_hand)
    assert json.loads(by_hand.attrs["stimulus"]) == [
        {"name": "ramp", "kind": "ramp"}, {"name": "step", "kind": "step"}, {"name": "step_2", "kind": "step"}
    ]  # fmt: skip


@pytest.mark.parametrize("use", [sn.protocol, lambda model: sn.InjCur(sn.InitNeu(model), "protocol")])
def test_a_model_without_a_protocol_says_so(use: Any) -> None:
    with pytest.raises(errors.ModelError, match=r"model 'lif' comes without one"):
        use("lif")


def test_every_protocol_of_the_library_can_be_injected() -> None:
    shown = [name for name in models() if load_model(name).protocol.duration]
    assert len(shown) > 70
    for name in shown:
        assert load_model(name).protocol.source or load_model(name).spec.source
        for stimulus in sn.protocol(name)[0]:
            assert all(np.isfinite(stimulus[n]).all() or n in ("stop", "count") for n in stimulus)


def test_a_sweep_runs_the_protocol() -> None:
    name = "izhikevich_2004_tonic_spiking"
    swept = sn.ParamSweep({"d": [4.0, 6.0]}, model=name, duration="protocol", stimulus="protocol")
    alone = sn.RunSim(sn.InjCur(sn.InitNeu({"model": name, "d": [4.0, 6.0]}), "protocol"), 100.0)
    np.testing.assert_array_equal(swept.spike_count, alone.spike_count)
    assert swept.spike_count[1] == 5


def test_the_plan_holds_the_stimuli_themselves() -> None:
    plan = Plan.make({"d": [6.0]}, "izhikevich_2004_class_2", duration="protocol", stimulus=["protocol", 0.25])
    assert plan.duration == 300.0
    assert [json.loads(text)["attrs"]["kind"] for text in plan.stimulus[:2]] == ["ramp", "step"]
    given = [*sn.protocol("izhikevich_2004_class_2")[0], 0.25]
    assert Plan.make({"d": [6.0]}, "izhikevich_2004_class_2", duration=300.0, stimulus=given).hash == plan.hash


@pytest.mark.parametrize(
    ("asked", "says"),
    [
        ({"duration": "protocol"}, "duration: model 'lif' comes without a protocol"),
        ({"duration": 10.0, "stimulus": "protocol"}, "stimulus: model 'lif' comes without a protocol"),
    ],
)
def test_a_plan_without_a_protocol_is_refused(asked: dict[str, Any], says: str) -> None:
    with pytest.raises(errors.PlanError, match=says):
        Plan.make({"I": [0.0]}, "lif", **asked)
