"""A mechanism of NMODL as a channel: our units, gates, parameters with their defaults, notes on what was changed."""

from __future__ import annotations

import math
import re
from collections.abc import Iterable, Mapping
from fractions import Fraction
from typing import Any

import numpy as np

from sneuron import errors
from sneuron.lang.build import TAKEN
from sneuron.lang.nmodl.exact import is_singular
from sneuron.lang.nmodl.fitting import Wanted, fitted
from sneuron.lang.nmodl.flow import NERNST
from sneuron.lang.nmodl.gates import Rates, rates, stays_between
from sneuron.lang.nmodl.mechanism import Mechanism
from sneuron.lang.nmodl.products import scaled, summed, tidy
from sneuron.lang.nmodl.text import text, value, written
from sneuron.lang.nmodl.tokens import Source
from sneuron.lang.nmodl.tree import Declared, Expr, Name, Num, Op, depth, names, replaced, size
from sneuron.lang.nmodl.units import scale, spelled
from sneuron.lang.spec import Channel, Gate, Param, State, Transition
from sneuron.lang.units import unit_value

__all__ = ["channel"]

_REVERSAL = {"ena": 50.0, "ek": -77.0, "eca": 132.4579341637009}
_NERNST_ECA = 127.58951061761749
_GIVEN = {
    "celsius": (6.3, "degC", "temperature"),
    "diam": (500.0, "um", "diameter of the cell"),
    "area": (31415.926535897932, "um2", "area of the membrane"),
}
"""What NEURON 9.0 gives when nobody says otherwise."""

_MAX_NOTE = 120


def channel(made: Mechanism, source: Source, name: str, citation: str) -> tuple[Channel, list[str]]:
    """The channel of a mechanism, and what should be known about it, line by line."""
    return _Writer(made, source).channel(name, citation)


class _Writer:
    """Puts a mechanism into our units and words."""

    def __init__(self, made: Mechanism, source: Source) -> None:
        self.made, self.file, self.source = made, made.file, source
        self.notes = list(made.notes)
        self.unit = "nA" if made.point else "uA/cm2"
        self.units: dict[str, str] = {"v": "mV"}
        self.open: list[str] = []
        self.factor: dict[str, Fraction] = {}
        self.called: dict[str, str] = {}
        self.params: dict[str, Param] = {}
        self.declared: dict[str, str | None] = {}

    def channel(self, name: str, citation: str) -> tuple[Channel, list[str]]:
        self._declare()
        functions = {
            n: self._ours(e, self._scale_of(self.made.variable.get(n, n))) for n, e in self.made.functions.items()
        }
        roots = {k: self._ours(e, self._root_scale(k)) for k, e in self.made.roots.items()}
        self.functions = _ordered(functions, self.source)
        current = self._current(roots)
        gates, equations = self._moving(roots)
        ways = {tuple(k.split(":")[1:]): e for k, e in roots.items() if k.startswith("way:")}
        wanted = self._wanted(current, gates, equations, ways)
        scope = {n: n for n in (*self.units, *self.functions)}
        self.notes += fitted(list(wanted.values()), self.units, self.open, scope)
        done = {key: text(w.e) for key, w in wanted.items()}
        self._singular(w.e for w in wanted.values())
        made = Channel(
            name=name,
            current=done.get("current", ""),
            gates={x: _gate(x, kind, done) for x, (kind, _, _) in gates.items()},
            states={x: self._state(x, roots, done) for x in equations},
            equations={x: done[f"slope:{x}"] for x in equations},
            transitions=self._transitions(ways, done),
            params={n: self._fitted_param(n, p) for n, p in sorted(self.params.items())},
            functions={n: done[f"function:{n}"] for n in self.functions},
            ion=self._ion(),
            unit=self.unit,
            source=citation,
            note=" ".join(filter(None, [_sentence(self.file.title), *self.notes])),
        )
        return made, self.notes

    # names and units

    def _declare(self) -> None:
        """Units and parameters of all names that the channel uses."""
        made = self.made
        used = {n for e in (*made.functions.values(), *made.roots.values()) for n in names(e)}
        for name, old in made.states.items():
            self.units[self._new(name)] = self._spelled(self._declared(old)) or self._ion_unit(name) or "1"
        for name in sorted(used - set(made.functions) - set(made.states) - {"v"}):
            self._leaf(name)
        for name in made.functions:
            unit = self._spelled(self._declared(made.variable.get(name, name)))
            self.declared[name] = self._set_scale(name, unit) if unit else None

    def _declared(self, name: str) -> Declared | None:
        file = self.file
        for held in (file.assigned, file.params, file.constants, file.states):
            if name in held and held[name].unit:
                return held[name]
        return next((h[name] for h in (file.params, file.constants, file.assigned, file.states) if name in h), None)

    def _spelled(self, declared: Declared | None) -> str | None:
        if declared is None or not declared.unit:
            return None
        found = spelled(declared.unit, self.file.units)
        if found is None:
            self._note(f"The unit ({declared.unit}) is not known here; it is left open.")
        return found

    def _note(self, words: str) -> None:
        if words not in self.notes:
            self.notes.append(words)

    def _set_scale(self, name: str, unit: str | None) -> str:
        """The unit in which we keep a name; remembers by how much its numbers grow."""
        if unit is None:
            return "1"
        target, held = scale(unit)
        if target != unit and held is not None:
            by = Fraction(repr(held.size / unit_value(target, target).size)).limit_denominator(10**12)
            if by != 1:
                self.factor[name] = by
        return target

    def _new(self, name: str) -> str:
        """A name that the language leaves free."""
        if name in self.called:
            return self.called[name]
        free = name.lstrip("_") or "x"
        free = f"{free}_" if free in TAKEN else free
        while free in self.units and free != name:
            free += "_"
        if free != name:
            self.called[name] = free
            self._note(f"{name} is called {free}.")
        return free

    def _leaf(self, name: str) -> None:
        """A name that stands for itself: a parameter, or the total current of an ion."""
        kind = self.made.ions.get(name)
        if kind == "flow":
            ion = f"ion.{name[1:]}"
            self.units[ion] = self.unit
            self.called[name] = ion
            self.factor[name] = Fraction(1) if self.made.point else Fraction(1000)
            return
        declared = self._declared(name)
        unit = self._spelled(declared)
        new = self._new(name)
        number, origin = self._default(name, kind)
        self.units[new] = self._set_scale(name, unit) if unit else self._ion_unit(name) or _given_unit(name) or "1"
        if unit is None and self.units[new] == "1" and not (declared and declared.unit.strip() == "1"):
            self.open.append(new)
        factor = self.factor.get(name, Fraction(1))
        if factor != 1:
            self._note(f"{new}: {written(number)} {unit} is {written(number * factor)} {self.units[new]}.")
        low, high = self._bounds(declared, float(number), factor)
        fixed = "a constant of the file" if name in self.file.constants else ""
        note = self._comment(declared) or origin
        self.params[new] = Param(float(number * factor), self.units[new], low, high, note=note, fixed=fixed)

    def _ion_unit(self, name: str) -> str | None:
        kind = self.made.ions.get(name)
        return {"e": "mV", "i": "mM", "o": "mM"}.get(kind or "")

    def _default(self, name: str, kind: str | None) -> tuple[Fraction, str]:
        """The value of a parameter, and a word on it."""
        declared = self.file.params.get(name) or self.file.constants.get(name)
        own = declared.value if declared else None
        if kind in ("e", "i", "o") or name in _GIVEN:
            neuron = self._neuron_default(name, kind)
            if own is None:
                return Fraction(repr(neuron)), _meaning(name, kind)
            if float(own) != neuron:
                self._note(f"{name} is {written(own)} as the file says; NEURON itself starts it at {neuron:g}.")
            return own, _meaning(name, kind)
        if own is None:
            self._note(f"{name} is never set; it is a parameter, 0 as in NEURON.")
        return own or Fraction(0), ""

    def _neuron_default(self, name: str, kind: str | None) -> float:
        if name in _GIVEN:
            return _GIVEN[name][0]
        if kind == "e":
            both = name == "eca" and {"cai", "cao"} & set(self.made.ions)
            return _NERNST_ECA if both else _REVERSAL.get(name, 0.0)
        return NERNST.get(name, 1.0)

    def _bounds(self, declared: Declared | None, number: float, factor: Fraction) -> tuple[float, float]:
        if declared is None or declared.low is None or declared.high is None:
            return -math.inf, math.inf
        if not declared.low <= number <= declared.high:
            return -math.inf, math.inf
        return declared.low * float(factor), declared.high * float(factor)

    def _comment(self, declared: Declared | None) -> str:
        """The comment behind a declaration."""
        if declared is None:
            return ""
        end = self.source.text.find("\n", declared.at)
        line = self.source.text[declared.at : end if end >= 0 else None]
        words = " ".join(re.split(r"[:?]", line, maxsplit=1)[1:]).strip(" :?\t\r")
        return "".join(c if c.isprintable() else " " for c in words)[:_MAX_NOTE]

    def _scale_of(self, variable: str) -> Fraction:
        return self.factor.get(variable, Fraction(1))

    def _root_scale(self, key: str) -> Fraction:
        return Fraction(1000) if key.startswith("current:") and not self.made.point else Fraction(1)

    def _ours(self, e: Expr, by: Fraction) -> Expr:
        """An expression of the file with our names and units, `by` times as large."""
        return tidy(scaled(tidy(replaced(e, self._swap)), by))

    def _swap(self, name: str) -> Expr | None:
        new = Name(self.called.get(name, name))
        factor = self.factor.get(name, Fraction(1))
        return Op("*", Num(1 / factor), new) if factor != 1 else new

    # parts

    def _current(self, roots: Mapping[str, Expr]) -> Expr | None:
        held = [(1, roots[f"current:{n}"]) for n in self.made.currents]
        if len(held) > 1:
            self._note(f"The current is the sum of {', '.join(self.made.currents)}.")
        return summed(held) if held else None

    def _ion(self) -> str:
        ions = set(self.made.currents.values())
        return ions.pop() if len(ions) == 1 else ""

    def _moving(self, roots: Mapping[str, Expr]) -> tuple[dict[str, Rates], dict[str, Expr]]:
        """States as gates where they are such, else with their equations."""
        gates: dict[str, Rates] = {}
        equations: dict[str, Expr] = {}
        occupied = {n for k in roots if k.startswith("way:") for n in k.split(":")[1:]}
        for old in self.made.states:
            if old in occupied:
                continue
            x, slope = self._new(old), roots[f"slope:{old}"]
            alone = self.units[x] == "1" and old not in self.made.given and not self._others(slope, x)
            found = rates(x, slope) if alone else None
            if found and stays_between(found, self._numbers(), self.functions.get):
                gates[x] = found
                self._compare(x, old, found, roots)
            else:
                equations[x] = slope
        self._scheme_starts(occupied, roots)
        return gates, equations

    def _others(self, e: Expr, x: str) -> set[str]:
        """States without unit that move a state, besides itself: those of reactions, which are no gates."""
        mine = {self._new(s) for s in self.made.states if s not in self.made.given}
        return {n for n in names(self._whole(e)) if n in mine and n != x and self.units[n] == "1"}

    def _numbers(self) -> dict[str, Any]:
        """Values of all names, over voltages."""
        known: dict[str, Any] = {n: p.value for n, p in self.params.items()}
        known |= {n: 0.5 if u == "1" else 1e-4 for n, u in self.units.items() if n not in known}
        return known | {"v": np.linspace(-130.3, 80.2, 117)}

    def _compare(self, x: str, old: str, held: Rates, roots: Mapping[str, Expr]) -> None:
        """Gates start at their steady state; a file that says otherwise is told so."""
        start = roots.get(f"start:{old}", Num(Fraction(0)))
        kind, first, second = held
        inf = Op("/", first, Op("+", first, second)) if kind == "ab" else first
        known = self._numbers()
        a, b = (np.broadcast_to(value(e, known, self.functions.get), (117,)) for e in (start, inf))
        fine = np.isfinite(a) & np.isfinite(b)
        if not np.allclose(a[fine], b[fine], rtol=1e-4, atol=1e-9):
            self._note(f"{x} starts at its steady state; in the file it starts at {text(start)}.")

    def _scheme_starts(self, occupied: Iterable[str], roots: Mapping[str, Expr]) -> None:
        said = [f"{x} = {text(roots[f'start:{x}'])}" for x in sorted(occupied) if f"start:{x}" in roots]
        if said:
            self._note(f"The scheme starts at its steady state; in the file it starts at {', '.join(said)}."[:400])

    def _wanted(
        self, current: Expr | None, gates: Mapping[str, Rates], equations: Mapping[str, Expr], ways: Mapping[Any, Expr]
    ) -> dict[str, Wanted]:
        """All expressions with the units that they must have."""
        found = {f"function:{n}": Wanted(n, e, self.declared.get(n), n) for n, e in self.functions.items()}
        for x, (kind, first, second) in gates.items():
            pair = ("1/ms", "1/ms") if kind == "ab" else ("1", "ms")
            for part, e, unit in zip("ab", (first, second), pair, strict=True):
                found[f"gate:{x}:{part}"] = Wanted(f"gate {x}", e, unit)
        for x, e in equations.items():
            unit = self.units[x]
            found[f"slope:{x}"] = Wanted(f"equation of {x}", e, "1/ms" if unit == "1" else f"{unit}/ms")
            start = self.made.roots.get(f"start:{self._old(x)}")
            if start is not None:
                whole = self._whole(self._ours(start, Fraction(1)))
                found[f"start:{x}"] = Wanted(f"start of {x}", whole, unit)
        for (a, b), e in ways.items():
            found[f"way:{a}:{b}"] = Wanted(f"rate from {a} to {b}", e, "1/ms")
        if current is not None:
            found["current"] = Wanted("current", current, self.unit)
        return found

    def _whole(self, e: Expr) -> Expr:
        """An expression with functions written out."""
        while set(names(e)) & set(self.functions) and size(e) < 500 and depth(e) < 50:
            e = replaced(e, self.functions.get)
        return e

    def _transitions(self, ways: Mapping[Any, Expr], done: Mapping[str, str]) -> dict[str, Transition]:
        found: dict[str, Transition] = {}
        for a, b in ways:
            if f"{b}_{a}" not in found:
                forward, back = done[f"way:{a}:{b}"], done.get(f"way:{b}:{a}", "")
                found[f"{a}_{b}"] = Transition(self._new(a), self._new(b), forward, back)
        return found

    def _old(self, x: str) -> str:
        return next((old for old, new in self.called.items() if new == x), x)

    def _state(self, x: str, roots: Mapping[str, Expr], done: Mapping[str, str]) -> State:
        old = self._old(x)
        declared = self.file.states.get(self.made.states.get(old, old))
        start = done.get(f"start:{x}") or self._declared_start(old, declared)
        low = 0.0 if self.made.ions.get(old) in ("i", "o") else -math.inf
        return State(self.units[x], start, low, math.inf, self._comment(declared))

    def _declared_start(self, name: str, declared: Declared | None) -> str:
        """Where a state starts that INITIAL does not set."""
        held = self.file.params.get(f"{declared.name if declared else name}0")
        if held is not None and held.value is not None:
            return written(held.value)
        if declared is not None and declared.value is not None:
            return written(declared.value)
        return repr(NERNST.get(name, 1.0)) if self.made.ions.get(name) in ("i", "o") else "0"

    def _fitted_param(self, name: str, param: Param) -> Param:
        return Param(param.value, self.units[name], param.low, param.high, param.source, param.note, param.fixed)

    def _singular(self, held: Iterable[Expr]) -> None:
        for e in held:
            if is_singular(e):
                self._note(f"A division by 1 - exp(...) could not be made exact: {text(e)[:200]}")


def _gate(x: str, kind: str, done: Mapping[str, str]) -> Gate:
    first, second = done[f"gate:{x}:a"], done[f"gate:{x}:b"]
    return Gate(alpha=first, beta=second) if kind == "ab" else Gate(inf=first, tau=second)


def _ordered(functions: Mapping[str, Expr], source: Source) -> dict[str, Expr]:
    """Functions so that each comes after those that it uses."""
    found: dict[str, Expr] = {}
    while set(functions) - set(found):
        ready = [n for n, e in functions.items() if n not in found and set(names(e)) & set(functions) <= set(found)]
        if not ready:
            circle = ", ".join(sorted(set(functions) - set(found)))
            raise errors.ModelError(source.name, f"{circle} need one another in a circle", mend="Break the circle.")
        found |= {n: functions[n] for n in ready}
    return found


def _given_unit(name: str) -> str | None:
    return _GIVEN[name][1] if name in _GIVEN else None


def _meaning(name: str, kind: str | None) -> str:
    if name in _GIVEN:
        return _GIVEN[name][2]
    ion = name[1:] if kind == "e" else name[:-1]
    return {"e": f"reversal potential of {ion}", "i": f"{ion} inside", "o": f"{ion} outside"}[kind or "e"]


def _sentence(title: str) -> str:
    words = "".join(c if c.isprintable() else " " for c in title).strip()
    return f"{words}." if words and not words.endswith(".") else words
