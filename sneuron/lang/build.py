"""From a description to checked expressions: channels are flattened into their neuron, names become canonical.

The order in which a description lists its parts means nothing: parts are sorted by name (`v` first, gates last), so
equal descriptions give equal models, hashes and bits.
"""

from __future__ import annotations

import dataclasses
import keyword
import math
from collections.abc import Callable, Iterable, Mapping
from typing import Any

import numpy as np
import sympy

from sneuron import errors, labels
from sneuron.lang import receptors, schemes
from sneuron.lang.expr import FUNCTIONS, names_of, numpy_value, parse, symbol
from sneuron.lang.spec import Channel, Gate, Mount, Neuron, Param, State, Threshold, Transition
from sneuron.lang.units import check_units, conductance_unit

__all__ = ["CURRENT", "ION", "TAKEN", "Wiener", "build", "check_size", "checked_param", "in_order", "inlined"]

V = "v"
CURRENT, ION = "current", "ion"
"""`current.na` is the current of the mount `na`; `ion.ca` is the sum of all that carry calcium at the same voltage."""

MAX_NAMES, MAX_PARTS, MAX_LEVELS = 500, 5000, 80
_IONS = ("na", "k", "ca", "cl")
TAKEN = (FUNCTIONS | labels.RESERVED | {"t", V, "pi", "level"}) | frozenset(keyword.kwlist)


@dataclasses.dataclass(frozen=True)
class Wiener:
    """A Wiener process: what it adds to each state, per square root of ms, and the parameter of its correlation."""

    states: Mapping[str, sympy.Expr]
    correlation: str = ""


def build(neuron: Neuron, find_channel: Callable[[str], Channel]) -> dict[str, Any]:
    """The fields of the `Model` that a neuron without variants describes, all checked."""
    where = f"neuron {neuron.name!r}"
    _check_name(neuron.name, where, ())
    neuron = dataclasses.replace(
        neuron, channels={k: _resolved(m, find_channel, where) for k, m in sorted(neuron.channels.items())}
    )
    _check_count(neuron, where)
    parts = _Parts(neuron, where)
    for key in neuron.channels:
        parts.mount(key)
    fields = parts.expressions()
    fields["units"] = check_units(fields, where)
    _check_values(fields, where)
    return fields


def in_order(texts: Mapping[str, sympy.Basic], where: str, kind: str) -> list[str]:
    """Names sorted so that each comes after those its expression uses; cycles are refused."""
    waiting = {name: names_of(e) & set(texts) for name, e in sorted(texts.items())}
    order: list[str] = []
    while waiting:
        ready = [name for name, needs in waiting.items() if not needs - set(order)]
        if not ready:
            raise errors.ModelError(
                where, f"{kind}s {', '.join(waiting)} need one another in a circle", mend="Break the circle."
            )
        order += ready
        waiting = {name: needs for name, needs in waiting.items() if name not in ready}
    return order


def inlined(expression: sympy.Expr, functions: Mapping[str, sympy.Expr]) -> sympy.Expr:
    """An expression in which named functions are replaced by what they stand for."""
    for name in reversed(list(functions)):
        expression = expression.xreplace({symbol(name): functions[name]})
    return expression


def check_size(expressions: Iterable[sympy.Basic], functions: Mapping[str, sympy.Expr], where: str) -> None:
    """Refuse expressions that would be too large once functions (in dependency order) are written out in them."""
    known: dict[str, tuple[int, int]] = {}
    for name, expression in functions.items():
        known[name] = _size(expression, known)
    for parts, levels in (*known.values(), *(_size(e, known) for e in expressions)):
        if parts > MAX_PARTS or levels > MAX_LEVELS:
            what = f"its expressions, with functions written out, have {parts} parts and {levels} levels"
            raise errors.ModelError(where, what, f"at most {MAX_PARTS} parts and {MAX_LEVELS} levels")


def _size(e: sympy.Basic, known: Mapping[str, tuple[int, int]]) -> tuple[int, int]:
    """Parts and levels of an expression; names in `known` count for what they stand for."""
    if e.is_Symbol:
        return known.get(e.name, (1, 1))
    inner = [_size(a, known) for a in e.args]
    return 1 + sum(parts for parts, _ in inner), 1 + max((levels for _, levels in inner), default=0)


def _check_count(neuron: Neuron, where: str) -> None:
    """Refuse descriptions with more names than any neuron needs."""
    holders = [neuron, *(m.channel for m in neuron.channels.values())]
    groups = ("params", "states", "gates", "transitions", "functions", "equations", "currents", "channels")
    count = sum(len(getattr(holder, group, ())) for holder in holders for group in groups)
    if count > MAX_NAMES:
        raise errors.ModelError(where, f"it has {count} names", possible=f"at most {MAX_NAMES}")


def _resolved(mount: Mount, find_channel: Callable[[str], Channel], where: str) -> Mount:
    """The mount with its channel in hand, and its sorted, full lists of names and values."""
    channel = find_channel(mount.channel) if isinstance(mount.channel, str) else mount.channel
    _check_known(mount.names, [V, *channel.params, *_made_by(channel)], where, f"name of channel {channel.name!r}")
    _check_known(mount.params, channel.params, where, f"parameter of channel {channel.name!r}")
    return dataclasses.replace(mount, channel=channel)


def _occupied(channel: Channel) -> list[str]:
    """States of the Markov schemes of a channel."""
    return sorted({x for t in channel.transitions.values() for x in (t.source, t.target)})


def _made_by(channel: Channel) -> list[str]:
    """Names that a channel brings besides its parameters."""
    return sorted([*channel.gates, *channel.states, *channel.functions, *_occupied(channel)])


def _check_known(given: Iterable[str], known: Iterable[str], where: str, kind: str) -> None:
    pool = list(known)
    for name in given:
        if name not in pool:
            raise errors.unknown(where, kind, name, pool)


def _check_name(name: str, where: str, taken: Iterable[str] = TAKEN) -> None:
    if not labels.NAME.match(name):
        raise errors.ModelError(
            where, f"{name!a:.80} is no name", "a letter, then letters, digits and _, at most 64 in all"
        )
    if name in taken:
        raise errors.ModelError(where, f"the name {name!r} is taken by the language", mend="Choose another name.")


class _Parts:
    """Collects a neuron's parts under canonical names, then turns texts into expressions."""

    def __init__(self, neuron: Neuron, where: str) -> None:
        self.neuron, self.where = neuron, where
        self.params: dict[str, Param] = {}
        self.aliases: dict[str, str] = {}
        self.states: dict[str, State] = {}
        self.starts: dict[str, tuple[str, dict[str, str], str]] = {}
        self.gates: dict[str, tuple[Gate, dict[str, str], str]] = {}
        self.texts: dict[str, tuple[str, dict[str, str], str]] = {}
        self.equations: dict[str, tuple[str, dict[str, str], str]] = {}
        self.rates: dict[tuple[str, str], tuple[str, dict[str, str], str]] = {}
        self.currents: dict[str, tuple[str, dict[str, str], str]] = {}
        self.noises: dict[str, tuple[Mapping[str, str], dict[str, str], str, str]] = {}
        self.receives: dict[str, receptors.Text] = {}
        self.couples: dict[str, receptors.Text] = {}
        self.ions: dict[str, str] = {}
        self.places: dict[str, str] = {}
        self.scope: dict[str, str] = {V: V}
        self.made = self._made()
        self._own()

    def _made(self) -> frozenset[str]:
        """States and functions by canonical name: what a parameter of a channel may be instead."""
        found = [*self.neuron.states, *self.neuron.functions]
        for key, mount in self.neuron.channels.items():
            assert isinstance(mount.channel, Channel)
            found += [mount.names.get(name, f"{key}.{name}") for name in _made_by(mount.channel)]
        return frozenset(found)

    def _own(self) -> None:
        """What the neuron itself declares."""
        neuron = self.neuron
        if "I" in neuron.params:
            raise errors.ModelError(
                self.where, "parameter 'I' (the constant injected current) is built in", mend="Leave it out."
            )
        built_in = Param(0.0, neuron.unit, source="built in", note="constant injected current")
        for name, param in [*sorted(neuron.params.items()), ("I", built_in)]:
            _check_name(name, self.where)
            self.params[name] = self._param(name, param, neuron.source, math.isfinite)
        for name, state in sorted(neuron.states.items()):
            self._add_state(name, name, state)
            self.starts[name] = (state.start, self.scope, f"{self.where}, start of {name!r}")
        for name, text in sorted(neuron.functions.items()):
            _check_name(name, self.where)
            self.texts[name] = (text, self.scope, f"{self.where}, function {name!r}")
        for name, text in sorted(neuron.equations.items()):
            self.equations[name] = (text, self.scope, f"{self.where}, equation of {name!r}")
        for name, text in sorted(neuron.currents.items()):
            _check_name(name, self.where, ())
            self.currents[name] = (text, self.scope, f"{self.where}, current {name!r}")
            self.ions[name], self.places[name] = "", V
        for name, what in sorted(neuron.noise.items()):
            self.noises[name] = (what, self.scope, "", f"{self.where}, noise {name!r}")

    def mount(self, key: str) -> None:
        """One channel, under the names that its mount gives."""
        mount = self.neuron.channels[key]
        channel = mount.channel
        assert isinstance(channel, Channel)
        _check_name(key, self.where, (CURRENT, ION))
        where = f"{self.where}, channel {key!r}"
        if channel.unit not in ("", self.neuron.unit):
            self._check_convertible(channel, where)
        if key in self.currents:
            raise errors.ModelError(where, f"there already is a current {key!r}", mend="Mount it under another name.")
        local = self._names(key, mount, channel, where)
        self._mount_params(channel, mount, local, where)
        for name, gate in sorted(channel.gates.items()):
            self._add_state(local[name], name, State("1", "0", 0.0, 1.0, gate.note))
            self.gates[local[name]] = (gate, local, f"{where}, gate {name!r}")
        for name, state in sorted(channel.states.items()):
            unit = self._unit(state.unit)
            self._add_state(local[name], name, dataclasses.replace(state, unit=unit))
            self.starts[local[name]] = (state.start, local, f"{where}, start of {name!r}")
        for name, text in sorted(channel.functions.items()):
            self._add_function(local[name], text, local, f"{where}, function {name!r}")
        for name, text in sorted(channel.equations.items()):
            self.equations[local.get(name, name)] = (text, local, f"{where}, equation of {name!r}")
        self._add_schemes(channel, local, where)
        for name, what in sorted(channel.noise.items()):
            shared = self._correlation(channel, local, where)
            self.noises[f"{key}.{name}"] = (what, local, shared, f"{where}, noise {name!r}")
        if channel.receive:
            self.receives[key] = (channel.receive, local, f"{where}, what it receives")
        if channel.couple:
            self.couples[key] = (channel.couple, local, f"{where}, its coupling")
        if channel.current:
            self.currents[key] = (channel.current, local, f"{where}, current")
            self.ions[key], self.places[key] = channel.ion, local[V]

    def _correlation(self, channel: Channel, local: dict[str, str], where: str) -> str:
        """The parameter that holds the correlation of a channel's noise."""
        name = channel.correlation
        if name and (name not in channel.params or not 0 <= channel.params[name].low <= channel.params[name].high <= 1):
            raise errors.ModelError(
                f"{where}, correlation", f"{name!r} is no parameter with bounds from 0 to 1", sorted(channel.params)
            )
        return local[name] if name else ""

    def _names(self, key: str, mount: Mount, channel: Channel, where: str) -> dict[str, str]:
        """What the names of a channel are in the neuron."""
        local = {V: mount.names.get(V, V)}
        if local[V] not in (V, *self.neuron.states):
            raise errors.unknown(f"{where}, voltage", "state", local[V], [V, *self.neuron.states])
        for name in sorted([*channel.params, *_made_by(channel)]):
            _check_name(name, where)
            if name in local:
                raise errors.ModelError(where, f"the name {name!r} is given twice")
            local[name] = mount.names.get(name, f"{key}.{name}")
            if name in mount.names:
                if not (name in channel.params and local[name] in self.made):
                    _check_name(local[name], where)
                self.aliases[f"{key}.{name}"] = local[name]
        return local | self._flows(local[V])

    def _flows(self, place: str) -> dict[str, str]:
        """Names of currents and of ions at a voltage, as texts may use them."""
        mounts = self.neuron.channels.items()
        carried = {m.channel.ion for _, m in mounts if isinstance(m.channel, Channel) and m.channel.ion}
        tail = "" if place == V else f".{place}"
        flowing = [k for k, m in mounts if isinstance(m.channel, Channel) and m.channel.current]
        names = [f"{CURRENT}.{k}" for k in (*self.neuron.currents, *flowing)]
        return {f"{ION}.{ion}": f"{ION}.{ion}{tail}" for ion in (*carried, *_IONS)} | {n: n for n in names}

    def _unit(self, unit: str) -> str:
        """A unit, with those of the neuron's currents and conductances filled in."""
        return {"current": self.neuron.unit, "conductance": conductance_unit(self.neuron.unit)}.get(unit, unit)

    def _add_schemes(self, channel: Channel, local: dict[str, str], where: str) -> None:
        for name in _occupied(channel):
            self._add_state(local[name], name, State("1", "0", 0.0, 1.0, f"occupancy of state {name}"))
        for key, step in sorted(channel.transitions.items()):
            self._add_transition(step, local, f"{where}, transition {key!r}")

    def _add_transition(self, step: Transition, local: dict[str, str], where: str) -> None:
        source, target = local[step.source], local[step.target]
        if source == target:
            raise errors.ModelError(where, f"it leads from {step.source!r} to itself", mend="Give another target.")
        for pair, text in (((source, target), step.forward), ((target, source), step.backward)):
            if text and pair in self.rates:
                raise errors.ModelError(
                    where, f"the way from {pair[0]!r} to {pair[1]!r} is given twice", mend="Give it in one transition."
                )
            if text:
                self.rates[pair] = (text, local, where)

    def _check_convertible(self, channel: Channel, where: str) -> None:
        factor = labels.convert(1.0, channel.unit, self.neuron.unit, where)
        if factor != 1.0:
            raise errors.UnitError(where, f"its current is in {channel.unit!r}, the neuron's in {self.neuron.unit!r}")

    def _mount_params(self, channel: Channel, mount: Mount, local: dict[str, str], where: str) -> None:
        for name, param in sorted(channel.params.items()):
            if local[name] in self.made:
                self._check_bound(name, mount, local[name], where)
                continue
            param = dataclasses.replace(param, unit=self._unit(param.unit))
            if name in mount.params and local[name] in self.neuron.params:
                raise errors.ModelError(
                    where, f"parameter {local[name]!r} has a value here and in the neuron", mend="Give it in one place."
                )
            chosen = dataclasses.replace(param, value=mount.params[name]) if name in mount.params else param
            chosen = self._param(local[name], chosen, channel.source, math.isfinite)
            held = self.params.setdefault(local[name], chosen)
            if held.unit != param.unit or (local[name] not in self.neuron.params and held != chosen):
                raise errors.ModelError(
                    where, f"parameter {local[name]!r} is shared but differs", mend="Declare it in the neuron's params."
                )

    def _check_bound(self, name: str, mount: Mount, thing: str, where: str) -> None:
        if name in mount.params:
            raise errors.ModelError(
                where, f"parameter {name!r} is {thing!r} of the neuron and has a value", mend="Leave out one of them."
            )

    def _param(self, name: str, param: Param, source: str, good: Callable[[float], bool]) -> Param:
        where = f"{self.where}, parameter {name!r}"
        return checked_param(param, where, source, good)

    def _add_state(self, name: str, local: str, state: State) -> None:
        _check_name(local, self.where)
        if name in self.states or name in self.params:
            raise errors.ModelError(
                self.where, f"the name {name!r} is given twice", mend="Rename one in the mount's names."
            )
        if not state.start.strip():
            raise errors.ModelError(
                self.where, f"state {name!r} has no start value", mend="Give `start` a number or an expression."
            )
        self.states[name] = state

    def _add_function(self, name: str, text: str, scope: dict[str, str], where: str) -> None:
        """Mounts may share a function when both write the same one."""
        if name in self.texts:
            held, held_scope, _ = self.texts[name]
            if {w: scope.get(w) for w in scope} != held_scope and parse(held, held_scope, where) != parse(
                text, scope, where
            ):
                raise errors.ModelError(
                    where, f"function {name!r} is shared but differs", mend="Give one of them another name."
                )
        self.texts[name] = (text, scope, where)

    def expressions(self) -> dict[str, Any]:
        """All texts parsed and put in order."""
        self._fill_scope()
        rates = {name: _rates(*entry) for name, entry in sorted(self.gates.items())}
        ways = {pair: parse(*entry) for pair, entry in sorted(self.rates.items())}
        found: dict[str, Any] = {
            "currents": {n: parse(*e) for n, e in sorted(self.currents.items())},
            "schemes": tuple(schemes.families(ways)),
            "capacitance": parse(self.neuron.capacitance, self.scope, f"{self.where}, capacitance"),
            "rates": rates,
            **self._threshold(self.neuron.threshold),
            "reset": self._reset(),
            "noises": {name: self._wiener(*entry) for name, entry in sorted(self.noises.items())},
        }
        found["equations"] = self._equations(rates, found["schemes"])
        functions = self._functions(found)
        check_size((e for _, *pair in rates.values() for e in pair), functions, self.where)
        return (
            found
            | self._arrivals(functions)
            | {
                "name": self.neuron.name,
                "spec": self.neuron,
                "params": dict(sorted(self.params.items())),
                "aliases": dict(sorted(self.aliases.items())),
                "states": self._states(),
                "gates": frozenset([*self.gates, *(x for pair in self.rates for x in pair)]),
                "functions": functions,
                "ions": dict(sorted(self.ions.items())),
                "places": dict(sorted(self.places.items())),
                "channels": {k: m.channel for k, m in self.neuron.channels.items()},
                "start": self._start(rates, found["schemes"], functions),
                "refractory": self._refractory(),
                "method": self.neuron.method,
                "dt": self._dt(),
                "current_unit": self.neuron.unit,
            }
        )

    def _arrivals(self, functions: dict[str, sympy.Expr]) -> dict[str, Any]:
        """Receptors, couplings, and the spikes that come from outside."""
        states = {name: state.unit for name, state in self._states().items()}
        units = {name: param.unit for name, param in self.params.items()}
        found = receptors.read_receptors(self.receives, states, units, functions)
        drives = receptors.read_drives(self.neuron.drives, self.scope, found, units, functions, self.where)
        couplings = receptors.read_couplings(self.couples, self.receives, states, units, functions)
        return {"receptors": found, "couplings": couplings, "drives": drives}

    def _functions(self, found: Mapping[str, Any]) -> dict[str, sympy.Expr]:
        """Named expressions in order; those of currents and ions only where something uses them."""
        own = {name: parse(*entry) for name, entry in sorted(self.texts.items())}
        users = [found["capacitance"], found["threshold"], found["rearm"], *own.values()]
        users += [e for kind in ("equations", "currents", "reset") for e in found[kind].values()]
        users += [e for _, *pair in found["rates"].values() for e in pair]
        users += [e for wiener in found["noises"].values() for e in wiener.states.values()]
        users += [found["hazard"]] if found["hazard"] is not None else []
        used = {name for e in users for name in names_of(e)}
        totals = {name: self._total(name) for name in sorted(used) if name.startswith(f"{ION}.")}
        used |= {name for e in totals.values() for name in names_of(e)}
        flows = {n: found["currents"][n.split(".")[1]] for n in sorted(used) if n.startswith(f"{CURRENT}.")}
        both = own | totals | flows
        return {name: both[name] for name in in_order(both, self.where, "function")}

    def _total(self, name: str) -> sympy.Expr:
        """All currents that carry an ion at one voltage: "ion.ca", "ion.ca.vd"."""
        _, ion, place = f"{name}.{V}".split(".")[:3]
        parts = [symbol(f"{CURRENT}.{k}") for k, i in self.ions.items() if (i, self.places[k]) == (ion, place)]
        return sympy.Add(*parts, evaluate=False) if parts else sympy.S.Zero

    def _fill_scope(self) -> None:
        """All canonical names and aliases may be named in the neuron's own texts."""
        mine = {**self.params, **self.states}
        for group, other in ((self.texts, mine), (self.params, self.states), (self.neuron.channels, mine)):
            for name in group:
                if name in other:
                    raise errors.ModelError(self.where, f"the name {name!r} is given twice", mend="Rename one of them.")
        self.scope.update({name: name for name in (*self.params, *self.states, *self.texts)})
        self.scope.update(self._flows(V))
        self.scope.update(self.aliases)

    def _states(self) -> dict[str, State]:
        last = {*self.gates, *(x for pair in self.rates for x in pair)}
        others = {name: self.states[name] for name in sorted(self.states, key=lambda n: (n in last, n))}
        return {V: self.neuron.voltage, **others}

    def _equations(
        self, rates: dict[str, tuple[str, sympy.Expr, sympy.Expr]], kinetic: tuple[schemes.Scheme, ...]
    ) -> dict[str, sympy.Expr]:
        made = {name: _gate_equation(name, *rate) for name, rate in rates.items()}
        for scheme in kinetic:
            made |= schemes.equations(scheme)
        for name, (_, _, where) in self.equations.items():
            if name in self.params or name == V or name in made:
                what = "a constant" if name in self.params else "given its equation already"
                raise errors.ModelError(where, f"{name!r} is {what}")
            if name not in self.states:
                raise errors.unknown(where, "state", name, sorted(self.states))
        found: dict[str, sympy.Expr] = {}
        for name in list(self._states())[1:]:
            if name not in made and name not in self.equations:
                raise errors.ModelError(self.where, f"state {name!r} has no equation")
            found[name] = made[name] if name in made else parse(*self.equations[name])
        return found

    def _start(
        self,
        rates: dict[str, tuple[str, sympy.Expr, sympy.Expr]],
        kinetic: tuple[schemes.Scheme, ...],
        functions: dict[str, sympy.Expr],
    ) -> dict[str, sympy.Expr]:
        """Start values over parameters and earlier states; gates and schemes at their steady state."""
        raw = {V: parse(self.neuron.voltage.start, self.scope, f"{self.where}, start of 'v'")}
        raw |= {name: parse(*entry) for name, entry in sorted(self.starts.items())}
        for name, (kind, first, second) in rates.items():
            raw[name] = first / (first + second) if kind == "ab" else first
        for scheme in kinetic:
            raw |= schemes.steady(scheme)
        check_size(raw.values(), functions, self.where)
        plain = {name: inlined(e, functions) for name, e in raw.items()}
        order = in_order(plain, self.where, "start value")
        return {name: plain[name] for name in order}

    def _wiener(self, what: Mapping[str, str], scope: dict[str, str], shared: str, where: str) -> Wiener:
        _check_known(what, [n for n in scope if scope[n] == V or scope[n] in self.states], where, "state")
        occupied = {x for pair in self.rates for x in pair}
        if occupied & {scope[x] for x in what} and len(what) < 2:
            raise errors.ModelError(
                where,
                "it drives one occupancy of a scheme, whose sum it would change",
                mend="Let it drive two, by a and -a.",
            )
        return Wiener({scope[x]: parse(text, scope, f"{where} on {x!r}") for x, text in sorted(what.items())}, shared)

    def _threshold(self, threshold: Threshold) -> dict[str, Any]:
        where = f"{self.where}, threshold"
        if threshold.kind not in ("crossing", "reset"):
            raise errors.ModelError(where, f"kind {threshold.kind!r} is not known", ["crossing", "reset"])
        if threshold.hazard and threshold.kind != "reset":
            raise errors.ModelError(where, "a hazard needs a threshold of kind 'reset'", mend="Add the reset.")
        hazard = parse(threshold.hazard, self.scope, f"{where}, hazard") if threshold.hazard else None
        level = parse(threshold.level, self.scope, where)
        rearm = parse(threshold.rearm, {**self.scope, "level": "level"}, where).xreplace({symbol("level"): level})
        return {"threshold": level, "rearm": rearm, "kind": threshold.kind, "hazard": hazard}

    def _reset(self) -> dict[str, sympy.Expr]:
        where, kind = f"{self.where}, reset", self.neuron.threshold.kind
        if (kind == "reset") != (V in self.neuron.reset):
            mend = (
                "Assign 'v' in `reset`."
                if kind == "reset"
                else "Set the threshold's kind to 'reset', or leave `reset` out."
            )
            raise errors.ModelError(
                where, f"threshold of kind {kind!r} and reset of {sorted(self.neuron.reset)} contradict", mend=mend
            )
        for name in self.neuron.reset:
            if name in self.params:
                raise errors.ModelError(where, f"{name!r} is a constant")
        resets = {self.scope.get(name, name): text for name, text in sorted(self.neuron.reset.items())}
        _check_known(resets, (V, *self.states), where, "state")
        return {name: parse(text, self.scope, f"{where} of {name!r}") for name, text in resets.items()}

    def _refractory(self) -> str:
        name = self.neuron.refractory
        if name and name not in self.params:
            raise errors.unknown(f"{self.where}, refractory", "parameter", name, sorted(self.params))
        held = sorted(n for n, state in self.states.items() if state.held)
        if held and not name:
            where, what = (
                f"{self.where}, state {held[0]!r}",
                "it is held while the neuron is refractory, which it never is",
            )
            raise errors.ModelError(where, what, mend="Name the refractory time, or do not hold it.")
        if name and self.params[name].unit != "ms":
            raise errors.UnitError(f"{self.where}, refractory", f"{name!r} is in {self.params[name].unit!r}, not in ms")
        return name

    def _dt(self) -> float:
        if not (math.isfinite(self.neuron.dt) and self.neuron.dt > 0):
            raise errors.ModelError(
                self.where, f"dt = {self.neuron.dt!r} ms is no time step", "a finite number above 0"
            )
        return self.neuron.dt


def checked_param(param: Param, where: str, source: str, good: Callable[[float], bool]) -> Param:
    """A parameter whose value is a number within its bounds, with unit and source stated."""
    low, value, high = float(param.low), float(param.value), float(param.high)
    if not good(value) or not low <= value <= high:
        raise errors.ModelError(where, f"its value {value!r} is not in its bounds", f"{low!r} to {high!r}")
    if not param.unit:
        raise errors.ModelError(where, "it has no unit", mend='Give its unit; "1" for a pure number.')
    if not (param.source or source):
        raise errors.ModelError(
            where, "it has no source", mend="Say where the value comes from (author, year, DOI; or 'own choice')."
        )
    return dataclasses.replace(param, value=value, low=low, high=high, source=param.source or source)


def _rates(gate: Gate, scope: dict[str, str], where: str) -> tuple[str, sympy.Expr, sympy.Expr]:
    """The two expressions of a gate, with its rate factor in them."""
    ab, it = bool(gate.alpha and gate.beta), bool(gate.inf and gate.tau)
    if ab == it or (ab and (gate.inf or gate.tau)) or (it and (gate.alpha or gate.beta)):
        raise errors.ModelError(where, "a gate has either alpha and beta, or inf and tau")
    first, second = (parse(t, scope, where) for t in ((gate.alpha, gate.beta) if ab else (gate.inf, gate.tau)))
    if not gate.rate:
        return ("ab" if ab else "it", first, second)
    rate = parse(gate.rate, scope, where)
    if ab:
        return ("ab", sympy.Mul(rate, first, evaluate=False), sympy.Mul(rate, second, evaluate=False))
    return ("it", first, sympy.Mul(second, sympy.Pow(rate, -1, evaluate=False), evaluate=False))


def _gate_equation(name: str, kind: str, first: sympy.Expr, second: sympy.Expr) -> sympy.Expr:
    x = symbol(name)
    if kind == "ab":
        return first * (1 - x) - second * x
    return (first - x) / second


def _check_values(fields: dict[str, Any], where: str) -> None:
    """At the default parameters all start values, currents and slopes are finite, and the capacitance is above 0."""
    values: dict[str, Any] = {name: param.value for name, param in fields["params"].items()}
    for name, expression in fields["start"].items():
        values[name] = _finite(expression, values, f"{where}, start of {name!r}")
    for name, expression in fields["functions"].items():
        values[name] = _finite(expression, values, f"{where}, function {name!r} at the start")
    for kind in ("currents", "equations", "reset"):
        for name, expression in fields[kind].items():
            _finite(expression, values, f"{where}, {kind[:-1] if kind != 'reset' else kind} of {name!r} at the start")
    for name, wiener in fields["noises"].items():
        for state, expression in wiener.states.items():
            _finite(expression, values, f"{where}, noise {name!r} on {state!r} at the start")
    if not _finite(fields["capacitance"], values, f"{where}, capacitance") > 0:
        raise errors.ModelError(f"{where}, capacitance", "it is not above 0 at the default parameters")
    level, rearm = (_finite(fields[k], values, f"{where}, threshold") for k in ("threshold", "rearm"))
    if rearm > level:
        raise errors.ModelError(
            f"{where}, threshold", f"the re-arm level {rearm:g} mV lies above the level {level:g} mV"
        )


def _finite(expression: sympy.Expr, values: dict[str, Any], where: str) -> float:
    value = float(np.asarray(numpy_value(expression, values)))
    if not math.isfinite(value):
        raise errors.ModelError(
            where, f"it is {value}: {expression!s:.120}", mend="Look for a division by zero or an overflow there."
        )
    return value
