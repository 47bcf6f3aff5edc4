"""Rules by which synapses change: read, checked, and turned into expressions."""

from __future__ import annotations

import dataclasses
import functools
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from fractions import Fraction
from pathlib import Path
from typing import Any

import sympy

from sneuron import errors, labels
from sneuron.lang import canon
from sneuron.lang.build import checked_param, in_order
from sneuron.lang.expr import names_of, parse
from sneuron.lang.plain import as_plain, from_plain
from sneuron.lang.spec import Param
from sneuron.lang.spec_plasticity import Decay, Plasticity, Trace
from sneuron.lang.units import Unit, unit_of, unit_value
from sneuron.registry import Registry

__all__ = ["GAP", "SIZE", "WEIGHT", "Kept", "Rule", "load_plasticity", "plasticities"]

SCHEMA = "sneuron-plasticity/1"
WEIGHT, GAP = "w", "gap"
"""The weight of a synapse, as a size; the time (ms) since its last event."""
SIZE = "weight"
"""In units: that of the weights of the receptor, whichever it is."""


@dataclass(frozen=True)
class Kept:
    """A trace or a state as expressions: time constant (None: it stays), rest, and jump or start."""

    tau: sympy.Expr | None
    rest: sympy.Expr
    jump: sympy.Expr


@dataclass(frozen=True, eq=False)
class Rule:
    """A rule as checked expressions; made by `load_plasticity`, equal when the texts are.

    Attributes
    ----------
    spec : Plasticity
    params : mapping of str to Param
    pre, post, states : mapping of str to Kept
    named : mapping
        Functions, and (n, p) of chances, each after those that it uses.
    between, on_pre, on_post : mapping
    delivers : sympy.Expr
    low, high : sympy.Expr or None
    text : str
        Its JSON.
    """

    spec: Plasticity
    params: Mapping[str, Param]
    pre: Mapping[str, Kept]
    post: Mapping[str, Kept]
    states: Mapping[str, Kept]
    named: Mapping[str, sympy.Expr | tuple[sympy.Expr, sympy.Expr]]
    between: Mapping[str, sympy.Expr]
    on_pre: Mapping[str, sympy.Expr]
    on_post: Mapping[str, sympy.Expr]
    delivers: sympy.Expr
    low: sympy.Expr | None
    high: sympy.Expr | None
    text: str

    def __eq__(self, other: object) -> bool:
        return isinstance(other, Rule) and self.text == other.text

    def __hash__(self) -> int:
        return hash(self.text)

    @property
    def name(self) -> str:
        """Its name."""
        return self.spec.name

    @property
    def looks_back(self) -> bool:
        """Whether spikes of the receiving neuron count."""
        return bool(self.post or self.on_post)

    @property
    def learns(self) -> bool:
        """Whether weights change."""
        return any(WEIGHT in part for part in (self.on_pre, self.on_post, self.between))

    def needed(self, expressions: Iterable[sympy.Basic]) -> list[str]:
        """Functions and chances that expressions stand on, in order."""
        open_, found = [names_of(e) for e in expressions], set[str]()
        while open_:
            new = (open_.pop() & set(self.named)) - found
            found |= new
            for name in new:
                held = self.named[name]
                open_ += [names_of(e) for e in (held if isinstance(held, tuple) else (held,))]
        return [n for n in self.named if n in found]


plasticities: Registry[Plasticity] = Registry(
    "plasticity", "sneuron.library.plasticity", lambda x: isinstance(x, Plasticity), lambda p: p.name
)


def load_plasticity(what: Any) -> Rule:
    """The rule that a name, a JSON text, a file of JSON, a table or a description stands for.

    Parameters
    ----------
    what : str, Path, mapping, Plasticity or Rule
        A name of the library ("stdp"); a text that begins with "{"; a path that ends in ".json"; a dict of the fields
        of `Plasticity`; a description.

    Returns
    -------
    Rule

    Raises
    ------
    UnknownNameError
        For a name that the library does not hold.
    ModelError, ExpressionError, UnitError
        When the description does not hold together.

    Examples
    --------
    >>> rule = load_plasticity("stdp")
    >>> sorted(rule.pre), sorted(rule.post), load_plasticity(rule.text) == rule
    (['x'], ['y'], True)
    """
    if isinstance(what, Rule):
        return what
    if isinstance(what, str) and what.lstrip().startswith("{"):
        return _plain(canon.loads(what, "plasticity JSON"), "plasticity JSON")
    if isinstance(what, str | Path) and str(what).endswith(".json"):
        return _plain(canon.loads(_read(Path(what)), f"plasticity {str(what)!r}"), f"plasticity {str(what)!r}")
    if isinstance(what, str):
        return _named(what)
    if isinstance(what, Mapping | Plasticity):
        return _plain(as_plain(what), "plasticity")
    raise errors.ModelError("load_plasticity", f"{what!r:.60} is no rule", "a name, JSON, a dict, a Plasticity")


@functools.lru_cache(maxsize=64)
def _named(name: str) -> Rule:
    return _plain(as_plain(plasticities[name]), f"plasticity {name!r}")


def _read(path: Path) -> bytes:
    try:
        with path.open("rb") as file:
            return file.read(canon.MAX_BYTES + 1)
    except OSError as cause:
        raise errors.ModelError("load_plasticity", f"file {str(path)!r} cannot be read: {cause.strerror}") from cause


def _plain(data: Any, where: str) -> Rule:
    return _Reader(from_plain(Plasticity, canon.unwrapped(data, "plasticity", SCHEMA, where), where), where).rule()


class _Reader:
    """Reads one description."""

    def __init__(self, spec: Plasticity, where: str) -> None:
        self.spec, self.where = spec, where
        self.params = {
            n: checked_param(p, f"{where}, parameter {n!r}", spec.source, lambda v: v == v)
            for n, p in sorted(spec.params.items())
        }
        groups = (self.params, spec.pre, spec.post, spec.states, spec.functions, spec.chances)
        taken: set[str] = {WEIGHT, GAP}
        for name in (n for group in groups for n in group):
            if not labels.NAME.fullmatch(name) or name in taken:
                what = "stands for two things" if name in taken else "is no name"
                raise errors.ModelError(
                    where, f"{name!r:.60} {what}", "letters, digits and _, each once", mend="Rename."
                )
            taken.add(name)
        self.units = self._units()

    def _units(self) -> dict[str, Unit | None]:
        held = {n: p.unit for n, p in self.params.items()} | {n: s.unit for n, s in self.spec.states.items()}
        held |= dict.fromkeys([*self.spec.pre, *self.spec.post, *self.spec.chances], "1")
        return {n: self._unit(u) for n, u in (held | {WEIGHT: SIZE, GAP: "ms"}).items()}

    def _unit(self, text: str) -> Unit:
        return Unit(1.0, ((SIZE, Fraction(1)),)) if text == SIZE else unit_value(text, self.where)

    def rule(self) -> Rule:
        spec, (own, moved) = self.spec, (set(self.params), {WEIGHT, *self.spec.states})
        known = {*own, *moved, GAP, *spec.pre, *spec.post}
        named = self._functions(known | set(spec.chances) | set(spec.functions))
        every = known | set(named)
        states = {n: self._decay(n, d) for n, d in sorted(spec.states.items())}
        found = Rule(
            spec=spec,
            params=self.params,
            pre=self._traces(spec.pre, "pre"),
            post=self._traces(spec.post, "post"),
            states=states,
            named=named,
            between=self._values(spec.between, own | moved | {GAP}, "between"),
            on_pre=self._values(spec.on_pre, every, "on_pre"),
            on_post=self._values(spec.on_post, every, "on_post"),
            delivers=self._expression(spec.delivers, every, "delivers", self.units[WEIGHT]),
            low=self._bound(spec.low, "low"),
            high=self._bound(spec.high, "high"),
            text=canon.dumps({"schema": SCHEMA, "plasticity": as_plain(dataclasses.replace(spec, params=self.params))}),
        )
        self._check(found)
        return found

    def _expression(self, text: str, names: set[str], what: str, unit: Unit | None = None) -> sympy.Expr:
        place = f"{self.where}, {what}"
        found = parse(text, names, place)
        given = unit_of(found, self.units, place)
        if given is not None and unit is not None and not given.same(unit):
            raise errors.UnitError(place, f"{text!r} is in {given}, not in {unit}", mend="Mend its units.")
        return found

    def _functions(self, names: set[str]) -> dict[str, Any]:
        """Functions and chances, each after those that it uses."""
        texts: dict[str, tuple[str, ...]] = {n: (t,) for n, t in self.spec.functions.items()}
        texts |= {n: (c.n, c.p) for n, c in self.spec.chances.items()}
        read = {n: tuple(parse(t, names, f"{self.where}, {n!r}") for t in held) for n, held in texts.items()}
        order = in_order({n: sympy.Tuple(*held) for n, held in read.items()}, self.where, "function")
        for name in order:
            units = [unit_of(e, self.units, f"{self.where}, {name!r}") for e in read[name]]
            if name not in self.spec.chances:
                self.units[name] = units[0]
            elif any(u is not None and not u.same(self._unit("1")) for u in units):
                raise errors.UnitError(f"{self.where}, {name!r}", "a number and a probability have no unit")
        return {n: read[n] if n in self.spec.chances else read[n][0] for n in order}

    def _traces(self, traces: Mapping[str, Trace], side: str) -> dict[str, Kept]:
        own = set(self.params)
        return {
            name: Kept(
                self._expression(trace.tau, own, f"{side} trace {name!r}, tau", self._unit("ms")),
                sympy.S.Zero,
                self._expression(trace.jump, own | set(traces), f"{side} trace {name!r}, jump", self._unit("1")),
            )
            for name, trace in sorted(traces.items())
        }

    def _decay(self, name: str, decay: Decay) -> Kept:
        own, place = set(self.params), f"state {name!r}"
        tau = self._expression(decay.tau, own, f"{place}, tau", self._unit("ms")) if decay.tau else None
        ends = [
            self._expression(t, own, f"{place}, {what}", self.units[name])
            for what, t in (("rest", decay.rest), ("start", decay.start or decay.rest))
        ]
        return Kept(tau, ends[0], ends[1])

    def _values(self, texts: Mapping[str, str], names: set[str], what: str) -> dict[str, sympy.Expr]:
        possible = [WEIGHT, *sorted(self.spec.states)]
        for name in texts:
            if name not in possible:
                raise errors.unknown(f"{self.where}, {what}", "state", name, possible)
        return {n: self._expression(t, names, f"{what} of {n!r}", self.units[n]) for n, t in sorted(texts.items())}

    def _bound(self, text: str, what: str) -> sympy.Expr | None:
        return self._expression(text, set(self.params), what, self.units[WEIGHT]) if text else None

    def _check(self, rule: Rule) -> None:
        """Random numbers belong to arriving spikes; a state either decays or moves by its own expression."""
        drawn = set(self.spec.chances) & set(rule.needed(rule.on_post.values()))
        if drawn:
            raise errors.ModelError(
                f"{self.where}, on_post", f"{sorted(drawn)[0]!r} is drawn when a spike arrives, not here",
                mend="Use chances in on_pre and delivers.",
            )  # fmt: skip
        both = [n for n, kept in rule.states.items() if kept.tau is not None and n in rule.between]
        if both:
            raise errors.ModelError(f"{self.where}, between", f"{both[0]!r} decays already", mend="Leave out its tau.")
        if not (rule.on_pre or rule.on_post or rule.delivers != sympy.Symbol(WEIGHT, real=True)):
            raise errors.ModelError(self.where, "nothing happens at a spike", "on_pre, on_post or delivers")
