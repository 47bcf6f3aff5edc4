"""Descriptions as data: to plain tables and back, and what is refused on the way."""

import math

import pytest

from sneuron.errors import ModelError, UnknownNameError
from sneuron.lang.plain import as_plain, from_plain
from sneuron.lang.spec import Channel, Gate, Mount, Neuron, Param, Stimulus

LEAKY = {
    "name": "toy",
    "capacitance": "C",
    "currents": {"leak": "g*v"},
    "params": {"C": {"value": 1, "unit": "uF/cm2"}},
}


def test_plain_tables_become_descriptions() -> None:
    neuron = from_plain(Neuron, LEAKY, "toy")
    assert neuron.params["C"] == Param(1.0, "uF/cm2")
    assert isinstance(neuron.params["C"].value, float)
    assert neuron.voltage.start == "-65"


def test_there_and_back() -> None:
    channel = Channel("x", "g*m*v", gates={"m": Gate(alpha="1", beta="2")}, params={"g": Param(0.1, "mS/cm2", low=0.0)})
    neuron = Neuron("toy", "1", channels={"x": Mount(channel, {"g": "gX"}, {"g": 0.3})})
    assert from_plain(Neuron, as_plain(neuron), "toy") == neuron
    assert as_plain(neuron)["channels"]["x"]["channel"]["params"]["g"]["high"] == "inf"
    assert from_plain(Stimulus, as_plain(Stimulus("s", "0")), "s") == Stimulus("s", "0")


@pytest.mark.parametrize("number", [0.1, 5e-324, -1.7976931348623157e308, 1 / 3, -0.0, math.inf, -math.inf])
def test_numbers_come_back_bit_for_bit(number: float) -> None:
    param = from_plain(Param, as_plain(Param(number, "1")), "p")
    assert param.value == number
    assert math.copysign(1, param.value) == math.copysign(1, number)


@pytest.mark.parametrize(
    ("change", "part"),
    [
        ({"colour": "red"}, "field 'colour' is not known"),
        ({"curents": {}}, "Did you mean 'currents'"),
        ({"name": None}, "toy.name: None is no text"),
        ({"capacitance": 1.0}, "toy.capacitance: 1.0 is no text"),
        ({"dt": "0.1"}, "toy.dt: '0.1' is no number"),
        ({"dt": True}, "is no number"),
        ({"dt": 10**400}, "is no number that a computer can hold"),
        ({"dt": math.nan}, "is no number that a computer can hold"),
        ({"params": []}, "toy.params: [] is no table"),
        ({"params": {"C": 1.0}}, "toy.params.C: 1.0 is no table of fields"),
        ({"params": {"C": {"value": 1.0}}}, "field 'unit' is missing"),
        ({"channels": {"na": {"channel": 3}}}, "toy.channels.na.channel: 3 is no table of fields"),
        ({"threshold": {"kind": 1}}, "toy.threshold.kind: 1 is no text"),
    ],
)
def test_wrong_fields_are_named(change: dict[str, object], part: str) -> None:
    with pytest.raises((ModelError, UnknownNameError)) as caught:
        from_plain(Neuron, LEAKY | change, "toy")
    assert part in str(caught.value)


@pytest.mark.parametrize("missing", ["name", "capacitance"])
def test_missing_fields_are_named(missing: str) -> None:
    with pytest.raises(ModelError, match=f"field '{missing}' is missing"):
        from_plain(Neuron, {k: v for k, v in LEAKY.items() if k != missing}, "toy")
