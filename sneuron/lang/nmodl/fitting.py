"""Units of an imported channel: what the file leaves open is found where only one unit fits; what does not fit is said.

NEURON does not check units when it runs, so many files hold some that do not fit. The numbers then mean what they mean
in NEURON: a factor of 1 in front of a name leaves its unit open.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field

import sympy

from sneuron import errors
from sneuron.lang.expr import parse
from sneuron.lang.nmodl.products import ONE
from sneuron.lang.nmodl.text import text
from sneuron.lang.nmodl.tree import Call, Expr, Name, Op, names, parts, rebuilt
from sneuron.lang.units import Unit, unit_of, unit_value

__all__ = ["Wanted", "fitted"]

_TRIED = ("mV", "1/mV", "ms", "1/ms", "degC", "mM", "1/ms/mV", "um", "mS/cm2", "1/mM", "1/ms/mM", "K")


@dataclass
class Wanted:
    """An expression of a channel and the unit that it must have; None for any.

    Attributes
    ----------
    what : str
        Where it stands, in words.
    e : Expr
    unit : str or None
    name : str
        What it is called by others; empty when nothing calls it.
    found : str or None
        The unit that it has, where that was found.
    """

    what: str
    e: Expr
    unit: str | None
    name: str = ""
    found: str | None = None
    _read: dict[Expr, sympy.Expr] = field(default_factory=dict)

    def parsed(self, scope: Mapping[str, str]) -> sympy.Expr:
        """The expression as the language reads it."""
        if self.e not in self._read:
            self._read[self.e] = parse(text(self.e), scope, self.what)
        return self._read[self.e]


def fitted(held: list[Wanted], units: dict[str, str], open_: Iterable[str], scope: Mapping[str, str]) -> list[str]:
    """Change `units` of names in `open_`, and expressions in `held`, until all units fit; what was done, in words."""
    said = []
    for name in open_:
        before = _misfits(held, units, scope)
        touched = [w for w in before if name in set(names(w.e))]
        if not touched:
            continue
        for unit in _TRIED:
            after = _misfits(held, {**units, name: unit}, scope)
            if len(after) < len(before) and all(any(a is b for b in before) for a in after):
                units[name] = unit
                said.append(f"{name}: its unit is not written; {unit} is the one that fits.")
                break
    loose = [w for w in held if _loosened(w, held, units, scope)]
    if loose:
        places = ", ".join(w.what for w in loose)
        said.append(f"Units do not fit in {places}; numbers are taken as they are there, as NEURON does.")
    return said


def _loosened(one: Wanted, held: list[Wanted], units: dict[str, str], scope: Mapping[str, str]) -> bool:
    """Leave units open in an expression that does not fit; whether that is worth a word.

    A factor of 1 before an exponential is none: in `tau = 2 + exp(v/50)`, the numbers have a unit, as files write it.
    """
    wrong = [w for w in _misfits(held, units, scope) if w is one]
    if not wrong:
        return False
    whole, free = one.e, [Name(n) for n in dict.fromkeys(names(one.e))]
    calls = list(_calls(whole)) if wrong[0].found in (None, "1") else []
    tries: list[Sequence[Expr]] = [*([c] for c in calls), calls, *([n] for n in free), free]
    for tried in tries:
        one.e = _opened(whole, tried)
        if tried and all(one is not w for w in _misfits(held, units, scope)):
            return isinstance(tried[0], Name)
    one.e = Op("*", ONE, one.e)
    return True


def _calls(e: Expr) -> Iterator[Expr]:
    if isinstance(e, Call):
        yield e
    for part in parts(e):
        yield from _calls(part)


def _opened(e: Expr, held: Sequence[Expr]) -> Expr:
    """An expression with a factor of 1 before some of its parts."""
    return Op("*", ONE, e) if e in held else rebuilt(e, lambda part: _opened(part, held))


def _misfits(held: list[Wanted], units: Mapping[str, str], scope: Mapping[str, str]) -> list[Wanted]:
    """The expressions whose units do not fit; a function that does not fit has no unit for those that use it."""
    known: dict[str, Unit | None] = {name: unit_value(unit, name) for name, unit in units.items()}
    found = []
    for one in held:
        one.found = None
        try:
            unit = unit_of(one.parsed(scope), known, one.what)
            one.found = None if unit is None else str(unit)
            if unit is not None and one.unit is not None and not unit.same(unit_value(one.unit, one.what)):
                raise errors.UnitError(one.what, f"in {unit}, not in {one.unit}")
        except errors.UnitError:
            found.append(one)
            unit = None
        if one.name:
            known[one.name] = unit
    return found
