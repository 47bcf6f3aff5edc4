"""The vocabulary that writers and readers share: dims, variable names, units, status flags.

Floats are held in the field's units (`UNITS`), always with a `units` attribute.
Quantities in other units are converted here, at the border, and nowhere else.
"""

from __future__ import annotations

import functools
import json
import math
import re
from collections.abc import Hashable, Mapping
from enum import IntEnum
from fractions import Fraction
from typing import Any

import numpy as np

from sneuron import errors

__all__ = [
    "ARMED",
    "NAME",
    "POINT",
    "REPEAT",
    "RESERVED",
    "SPIKE",
    "SPIKE_COUNT",
    "SPIKE_TIME",
    "STATUS",
    "TIME",
    "Status",
    "convert",
    "currents_of",
    "flag_attrs",
    "flag_names",
    "number",
    "status_attrs",
]

POINT, REPEAT, TIME, SPIKE = "point", "repeat", "time", "spike"
NEURON, COMPARTMENT, SYNAPSE, GATE, CHANNEL, POOL, SITE, FREQ = (
    "neuron",
    "compartment",
    "synapse",
    "gate",
    "channel",
    "pool",
    "site",
    "freq",
)
PRE, POST, PROJECTION, RECEPTOR, PORT, SLOT = "pre", "post", "projection", "receptor", "port", "slot"
SOURCE, SENDER, PAST, REMNANT, SNAPSHOT = "source", "sender", "past", "remnant", "snapshot"
FIRST_SYNAPSE, MEMBER = "first_synapse", "synapse_projection"
EVENT_TIME, EVENT_NEURON, EVENT = "event_time", "event_neuron", "event"
ROW, REPLICATE, MATRIX, TRAJECTORY, MOVE, CURVE = "row", "replicate", "matrix", "trajectory", "move", "curve"
MOVED, MOVED_BY, MOVED_FROM = "moved", "moved_by", "moved_from"
SPIKE_TIME, SPIKE_COUNT, STATUS = "spike_time", "spike_count", "status"
FIRST_BAD, MESSAGE, ARMED, NODE = "first_bad_time", "message", "armed", "node"

RESERVED = frozenset(
    [POINT, REPEAT, TIME, SPIKE, NEURON, COMPARTMENT, SYNAPSE, GATE, CHANNEL, POOL, SITE, FREQ]
    + [SPIKE_TIME, SPIKE_COUNT, STATUS, FIRST_BAD, MESSAGE, "pre", "post", "model", "seed", "dt"]
    + [ARMED, "refractory_steps", "v_before", "spike_phase", "current", "conductance", "reversal", "injected"]
    + ["concentration", NODE, ROW, REPLICATE, MATRIX, TRAJECTORY, MOVE, CURVE, MOVED, MOVED_BY, MOVED_FROM]
)
"""Names that no swept axis may take."""

NAME = re.compile(r"[A-Za-z][A-Za-z0-9_]{0,63}\Z")
"""What a parameter, state or function of the model language may be called."""


class Status(IntEnum):
    """What became of a point; the order is the code on disk."""

    NOT_RUN = 0
    OK = 1
    DIVERGED = 2
    OUT_OF_RANGE = 3
    OVERFLOW = 4
    TIMEOUT = 5
    ERROR = 6
    EXCLUDED = 7


def flag_attrs(kind: type[IntEnum], dtype: str) -> dict[str, Any]:
    """CF attributes of a variable whose values are flags: the values, in the variable's own dtype, and their names."""
    values = np.array([int(flag) for flag in kind], dtype=dtype)
    return {"flag_values": values, "flag_meanings": " ".join(flag.name.lower() for flag in kind)}


def flag_names(attrs: Mapping[Any, Any], where: str) -> dict[float, str]:
    """The names of flags by their values, as CF attributes say them.

    >>> flag_names({"flag_values": [0.0, 3.0], "flag_meanings": "silent tonic"}, "here")
    {0.0: 'silent', 3.0: 'tonic'}
    """
    try:
        values, names = attrs["flag_values"], str(attrs["flag_meanings"]).split()
        return {float(value): name for value, name in zip(values, names, strict=True)}
    except (KeyError, TypeError, ValueError) as cause:
        what = "its values are no flags: `flag_values` and `flag_meanings` do not say what they mean"
        raise errors.DataError(where, what, "an output such as the pattern of FireClass, or status") from cause


def status_attrs() -> dict[str, Any]:
    """CF flag attributes of a `status` variable."""
    return {**flag_attrs(Status, "uint8"), "long_name": "what became of the point"}


def number(value: Any, unit: str, where: str) -> float:
    """`value` as a float in `unit`: a number, a text such as "0.5 s", or a quantity of pint.

    Booleans, complex numbers, NaN and texts without a unit are refused.

    >>> number("0.5 s", "ms", "duration")
    500.0
    """
    if isinstance(value, str):
        return _from_text(value, unit, where)
    if hasattr(value, "magnitude") and hasattr(value, "units"):
        return float(value.magnitude) * _factor(f"{value.units:~C}", unit, where)
    if isinstance(value, bool | np.bool_) or not isinstance(value, int | float | np.integer | np.floating):
        raise errors.ParameterError(
            where, f"{value!r} is {_kind(value)}, not a number", mend=f"Give a number in {unit or '1'}."
        )
    if isinstance(value, int) and abs(value) > 10**300:
        raise errors.ParameterError(
            where, "a whole number of more than 300 digits is no value", mend="Give a smaller one."
        )
    if math.isnan(value):
        raise errors.ParameterError(where, "NaN is not a value", mend=f"Give a number in {unit or '1'}.")
    return float(value)


def plain(value: Any, where: str) -> Any:
    """An array of one number as that number; anything else as it is.  Masked values are refused."""
    if np.ma.is_masked(value):
        raise errors.ParameterError(where, "masked values are not numbers", mend="Fill or drop them.")
    return value.item() if isinstance(value, np.ndarray | np.generic) and value.size == 1 else value


def convert(values: Any, given: str | None, wanted: str, where: str) -> Any:
    """`values` (array or number) scaled from unit `given` to unit `wanted`; None means already in `wanted`."""
    if given is None or given == wanted:
        return values
    return values * _factor(given, wanted, where)


def base_units(unit: str, where: str) -> tuple[float, dict[str, Fraction]]:
    """The size of a unit in SI base units, and its power of each of them.

    >>> base_units("min", "t")
    (60.0, {'s': Fraction(1, 1)})
    """
    import pint

    try:
        base = _pint().Quantity(Fraction(1), _spelled(unit)).to_base_units()
        powers = {f"{_pint().Unit(name):~C}": Fraction(power) for name, power in base.unit_items()}
        return float(base.magnitude), powers
    except (pint.errors.PintError, ValueError, AttributeError, TypeError) as cause:
        raise errors.UnitError(where, f"{unit!r} is no known unit", mend="Spell it as in 'uA/cm2'.") from cause


def currents_of(attrs: Mapping[Any, Any], where: str) -> dict[str, str]:
    """The membrane currents of the model that `attrs["model"]` describes, and the ion that each carries ("" for none).

    >>> currents_of({"model": '{"neuron": {"currents": {"leak": "g*v"}, "channels": {}}}'}, "here")
    {'leak': ''}
    """
    try:
        return dict(_currents(str(attrs["model"])))
    except (KeyError, TypeError, ValueError) as cause:
        raise errors.DataError(
            where, "this does not say what model it is of", "a state, run or study result", mend="Keep its attributes."
        ) from cause


@functools.lru_cache(maxsize=64)
def _currents(model: str) -> dict[str, str]:
    neuron = json.loads(model)["neuron"]
    mounts = neuron["channels"].items()
    channels = {name: str(mount["channel"]["ion"]) for name, mount in mounts if mount["channel"].get("current", "1")}
    return dict(sorted({**dict.fromkeys(neuron["currents"], ""), **channels}.items()))


def units_of(attrs: Mapping[Hashable, Any]) -> str | None:
    """The unit that an xarray object states, or None."""
    unit = attrs.get("units")
    return None if unit is None else str(unit)


_TOKEN = r"(?:%|°?[^\W\d]+(?:(?:\*\*|\^)?-?\d+(?:\.\d+)?)?)"
_UNIT = re.compile(rf"{_TOKEN}(?:(?:\s*[*/·]\s*|\s+){_TOKEN})*")
"""A unit as text: names with whole powers, multiplied or divided; no other numbers, signs or commas."""


def _from_text(text: str, unit: str, where: str) -> float:
    found = re.fullmatch(r"\s*([-+]?(?:\d+\.?\d*|\.\d+)(?:[eE][-+]?\d+)?)\s*([^\d\s.].*?)\s*", text)
    if found is None or not _UNIT.fullmatch(re.sub(r"[()]", " ", found[2]).strip()):
        raise errors.ParameterError(
            where, f"text {text!r} is not a number with a unit", mend=f"Give a number, or a text such as '1 {unit}'."
        )
    return float(found[1]) * _factor(found[2], unit, where)


@functools.lru_cache(maxsize=1024)
def _factor(given: str, wanted: str, where: str) -> float:
    if given == wanted:
        return 1.0
    import pint

    try:
        return float(_pint().Quantity(Fraction(1), _spelled(given)).to(_spelled(wanted)).magnitude)
    except (pint.errors.PintError, ValueError, AttributeError, TypeError) as cause:
        raise errors.UnitError(
            where,
            f"unit {given!r} does not convert to {wanted!r}",
            mend=f"Give the value in {wanted or '1'} or a unit of the same kind.",
        ) from cause


@functools.cache
def _pint() -> Any:
    import pint

    return pint.UnitRegistry(non_int_type=Fraction)


def _spelled(unit: str) -> str:
    """Unit text as pint reads it: `uA/cm2` -> `uA/cm**2`, `Ohm cm` -> `ohm*cm`, `1` -> dimensionless."""
    if unit in ("", "1"):
        return "dimensionless"
    if len(unit) > 200 or re.search(r"\d{3}", unit):  # powers that pint would compute for hours
        raise ValueError(f"{unit:.60} is no unit")
    text = re.sub(r"([A-Za-zµ])(-?\d)", r"\1**\2", unit.replace("Ohm", "ohm"))
    return re.sub(r"\s+", "*", text.strip())


def _kind(value: Any) -> str:
    return {"bool": "true or false", "complex": "a complex number"}.get(
        type(value).__name__, f"a {type(value).__name__}"
    )
