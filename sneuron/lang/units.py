"""Do the units of a model fit together? Dimensions and scales are followed through every expression.

A number written in an expression may have any unit (that of 40 in `v + 40` is mV): what it touches by multiplication
is not checked further. Everything else is: sums, comparisons, arguments of functions, currents, slopes, start values.
"""

from __future__ import annotations

import functools
import math
import re
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from fractions import Fraction
from typing import Any

import sympy

from sneuron import errors, labels
from sneuron.lang.functions import where as choice

__all__ = ["Unit", "check_stimulus_units", "check_units", "conductance_unit", "unit_of", "unit_value"]


@dataclass(frozen=True)
class Unit:
    """A unit: its size in SI base units, and its powers of them."""

    size: float
    powers: tuple[tuple[str, Fraction], ...] = ()

    def __mul__(self, other: Unit) -> Unit:
        powers = dict(self.powers)
        for base, power in other.powers:
            powers[base] = powers.get(base, Fraction(0)) + power
        return Unit(self.size * other.size, tuple(sorted((b, p) for b, p in powers.items() if p)))

    def __pow__(self, power: Fraction) -> Unit:
        return Unit(self.size ** float(power), tuple((b, p * power) for b, p in self.powers if power))

    def same(self, other: Unit) -> bool:
        """Whether both measure the same thing on the same scale."""
        return self.powers == other.powers and math.isclose(self.size, other.size, rel_tol=1e-9)

    def __str__(self) -> str:
        known = {text: unit_value(text, text) for text in _SHOWN}
        named = next((text for text, unit in known.items() if self.same(unit)), None)
        ratios = ((a, b) for a in known for b in known if self.same(known[a] * known[b] ** Fraction(-1)))
        above, below = ("", "") if named else next(ratios, ("", ""))
        if named or below:
            return named or f"{above}/({below})"
        size = "" if self.size == 1 else f"{self.size:g} "
        return size + " ".join(b if p == 1 else f"{b}^{p}" for b, p in self.powers)


_ONE = Unit(1.0)
_SHOWN = (
    "1",
    "mV",
    "ms",
    "1/ms",
    "Hz",
    "pA",
    "nA",
    "uA/cm2",
    "mS/cm2",
    "S/cm2",
    "nS",
    "uS",
    "pF",
    "nF",
    "uF/cm2",
    "mM",
    "mV/ms",
)
_PREFIX = {"": 0, "f": -15, "p": -12, "n": -9, "u": -6, "µ": -6, "m": -3, "c": -2, "k": 3, "M": 6, "G": 9}
_ATOMS = {
    "s": (0, {"s": 1}), "m": (0, {"m": 1}), "g": (-3, {"kg": 1}), "A": (0, {"A": 1}), "K": (0, {"K": 1}),
    "mol": (0, {"mol": 1}), "degC": (0, {"K": 1}), "rad": (0, {}), "Hz": (0, {"s": -1}), "C": (0, {"A": 1, "s": 1}),
    "V": (0, {"kg": 1, "m": 2, "s": -3, "A": -1}), "Ohm": (0, {"kg": 1, "m": 2, "s": -3, "A": -2}),
    "S": (0, {"kg": -1, "m": -2, "s": 3, "A": 2}), "F": (0, {"kg": -1, "m": -2, "s": 4, "A": 2}),
    "M": (3, {"mol": 1, "m": -3}), "L": (-3, {"m": 3}), "J": (0, {"kg": 1, "m": 2, "s": -2}),
}  # fmt: skip
_TERM = re.compile(r"\s*([*/]?)\s*(?:1|([A-Za-zµ]+)(?:\^|\*\*)?(-?\d{1,2})?)(?=[\s*/]|$)")


@functools.lru_cache(maxsize=1024)
def unit_value(text: str, where: str) -> Unit:
    """The unit that a text such as "uA/cm2" or "1/ms" writes.

    >>> unit_value("mS/cm2", "g") * unit_value("mV", "v") == unit_value("uA/cm2", "i")
    True
    """
    place, found = 0, _ONE
    while place < len(text.rstrip()):
        term = _TERM.match(text, place)
        atom = _atom(term[2]) if term else None
        if term is None or atom is None:
            return _looked_up(text, where)
        found = found * atom ** Fraction(int(term[3] or 1) * (-1 if term[1] == "/" else 1))
        place = term.end()
    return found


def _atom(text: str | None) -> Unit | None:
    """One unit with its prefix."""
    if text is None:
        return _ONE
    for prefix, shift in _PREFIX.items():
        if text.startswith(prefix) and text[len(prefix) :] in _ATOMS:
            power, bases = _ATOMS[text[len(prefix) :]]
            return Unit(10.0 ** (shift + power), tuple(sorted((b, Fraction(p)) for b, p in bases.items())))
    return None


def _looked_up(text: str, where: str) -> Unit:
    """A unit that is not of the field."""
    size, bases = labels.base_units(text, where)
    return Unit(size, tuple(sorted((b, p) for b, p in bases.items() if p)))


def unit_of(expression: sympy.Basic, units: Mapping[str, Unit | None], where: str) -> Unit | None:
    """The unit of an expression; None when a written number leaves it open.

    Raises
    ------
    UnitError
        When unlike things are added or compared, or a function wants a pure number and gets none.
    """
    return _Walk(units, where).of(expression)


class _Walk:
    """Follows units through one expression."""

    def __init__(self, units: Mapping[str, Unit | None], where: str) -> None:
        self.units, self.where = units, where

    def of(self, e: Any) -> Unit | None:
        """The unit of one node."""
        if e.is_Symbol:
            return self.units[e.name]
        if e.is_number:
            return None
        if e.is_Mul:
            return self._product(e)
        if e.is_Pow:
            return self._power(e)
        if isinstance(e, choice):
            self._condition(e.args[0])
            return self._alike(e.args[1:], e)
        name = type(e).__name__
        if name in ("Add", "minimum", "maximum", "absolute"):
            return self._alike(e.args, e)
        for argument in e.args:
            self._pure(argument, e)
        return None if name == "floor" else _ONE

    def _product(self, e: sympy.Mul) -> Unit | None:
        parts = [self.of(a) for a in e.args if a != -1]
        known = [p for p in parts if p is not None]
        return functools.reduce(Unit.__mul__, known, _ONE) if len(known) == len(parts) else None

    def _power(self, e: sympy.Pow) -> Unit | None:
        base = self.of(e.base)
        if not e.exp.is_number:
            self._pure(e.exp, e)
            self._pure(e.base, e)
            return _ONE if base is not None else None
        return None if base is None else base ** Fraction(float(e.exp)).limit_denominator(1000)

    def _alike(self, parts: Iterable[Any], e: Any) -> Unit | None:
        """The one unit that all parts have."""
        found: Unit | None = None
        for part in parts:
            unit = self.of(part)
            if found is not None and unit is not None and not unit.same(found):
                raise errors.UnitError(
                    self.where,
                    f"{e!s:.120} joins {found} and {unit}",
                    mend="Give its parts units that fit together.",
                )
            found = found or unit
        return found

    def _pure(self, argument: Any, e: Any) -> None:
        unit = self.of(argument)
        if unit is not None and not unit.same(_ONE):
            raise errors.UnitError(self.where, f"{e!s:.120} wants pure numbers, not {unit}", mend="Divide by a scale.")

    def _condition(self, e: Any) -> None:
        if isinstance(e, sympy.core.relational.Relational):
            self._alike(e.args, e)
        else:
            for part in e.args:
                self._condition(part)


def conductance_unit(current_unit: str) -> str:
    """The unit of conductances: that of currents per mV.

    >>> conductance_unit("pA")
    'nS'
    """
    return {"uA/cm2": "mS/cm2", "pA": "nS", "nA": "uS"}.get(current_unit, f"{current_unit}/mV")


def check_units(fields: Mapping[str, Any], where: str) -> dict[str, str]:
    """Follow the units of a model through all its expressions; the units of its named functions, where they are known.

    Raises
    ------
    UnitError
        Naming the expression, its unit, and the unit that it should have.
    """
    units: dict[str, Unit | None] = {}
    for name, thing in (*fields["params"].items(), *fields["states"].items()):
        units[name] = unit_value(thing.unit, f"{where}, {name!r}")
    for name, expression in fields["functions"].items():
        units[name] = unit_of(expression, units, f"{where}, function {name!r}")
    current, time = unit_value(fields["current_unit"], where), unit_value("ms", where)
    per_time = time ** Fraction(-1)
    volt = unit_value("mV", where)
    wanted = [("capacitance", fields["capacitance"], current * time * volt ** Fraction(-1))]
    wanted += [(f"current {name!r}", e, current) for name, e in fields["currents"].items()]
    for name, (kind, first, second) in fields["rates"].items():
        pair = (per_time, per_time) if kind == "ab" else (_ONE, time)
        wanted += [(f"gate {name!r}", e, unit) for e, unit in zip((first, second), pair, strict=True)]
    occupied = {x for scheme in fields["schemes"] for x in scheme.states}
    for kind in ("start", "reset", "equations"):
        others = {n: e for n, e in fields[kind].items() if n not in fields["rates"] and n not in occupied}
        scale = per_time if kind == "equations" else _ONE
        wanted += [(f"{kind} of {n!r}", e, (units[n] or _ONE) * scale) for n, e in others.items()]
    wanted += [("threshold", fields["threshold"], volt), ("rearm level", fields["rearm"], volt)]
    for scheme in fields["schemes"]:
        wanted += [(f"rate from {a!r} to {b!r}", e, per_time) for (a, b), e in scheme.rates.items()]
    for name, wiener in fields["noises"].items():
        root = time ** Fraction(-1, 2)
        wanted += [(f"noise {name!r} on {x!r}", e, (units[x] or _ONE) * root) for x, e in wiener.states.items()]
    wanted += [("hazard", fields["hazard"], per_time)] if fields["hazard"] is not None else []
    for what, expression, unit in wanted:
        _check(expression, units, unit, f"{where}, {what}")
    return {name: str(units[name]) for name in fields["functions"] if units[name] is not None}


def check_stimulus_units(
    params: Mapping[str, Any], functions: Mapping[str, sympy.Expr], current: sympy.Expr, where: str
) -> None:
    """Follow the units of a stimulus; the unit "" is that of currents, whichever they are."""
    ampere = unit_value("A", where)
    units: dict[str, Unit | None] = {"t": unit_value("ms", where)}
    for name, param in params.items():
        units[name] = unit_value(param.unit, f"{where}, {name!r}") if param.unit else ampere
    for name, expression in functions.items():
        units[name] = unit_of(expression, units, f"{where}, function {name!r}")
    _check(current, units, ampere, f"{where}, current")


def _check(expression: sympy.Basic, units: Mapping[str, Unit | None], wanted: Unit, where: str) -> None:
    found = unit_of(expression, units, where)
    if found is None or found.same(wanted):
        return
    off = f", off by a factor of {found.size / wanted.size:g}" if found.powers == wanted.powers else ""
    raise errors.UnitError(where, f"{expression!s:.120} is in {found}, not in {wanted}{off}", mend="Mend its units.")
