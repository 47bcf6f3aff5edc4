"""Receptors: what an arriving spike adds to a neuron; couplings: what acts without spikes; and spikes from outside.

What a spike adds is its weight times a number that depends on parameters alone.  So all spikes that reach a receptor in
one step are one sum of weights, and the state of a receptor is one for each neuron, however many synapses it has.

What a coupling adds is its weight times a number that depends on the sending neuron alone.  It is added to a parameter
of the receiving neuron: alone, a neuron has the parameter's own value.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from fractions import Fraction

import sympy

from sneuron import errors
from sneuron.lang.expr import names_of, parse, symbol
from sneuron.lang.spec import Drive
from sneuron.lang.units import Unit, unit_of, unit_value

__all__ = ["Arrival", "Receptor", "read_couplings", "read_drives", "read_receptors", "summed"]

WEIGHT = "w"
"""What the weight of a spike is called in the text of a receptor."""

Text = tuple[Mapping[str, str], dict[str, str], str]


@dataclass(frozen=True)
class Receptor:
    """What arrives at it.

    Attributes
    ----------
    adds : mapping of str to sympy.Expr
        How much a spike of weight 1 adds to each state, over parameters; of a coupling, how much a synapse of weight 1
        adds to each parameter, over states and parameters of the neuron that sends.
    unit : str
        The unit of weights.
    """

    adds: Mapping[str, sympy.Expr]
    unit: str = "1"


@dataclass(frozen=True)
class Arrival:
    """Spikes from outside: their receptor, how many there are per ms, and their weight."""

    receptor: str
    rate: sympy.Expr
    weight: sympy.Expr


def read_receptors(
    texts: Mapping[str, Text], states: Mapping[str, str], units: Mapping[str, str], functions: Mapping[str, sympy.Expr]
) -> dict[str, Receptor]:
    """Receptors by the name of their mount.

    Parameters
    ----------
    texts : mapping
        What each receives, the names that it knows, and where it is written.
    states : mapping of str to str
        Units of the states that may be added to.
    units : mapping of str to str
        Units of parameters.
    functions : mapping
        Named expressions.
    """
    return {key: _receptor(*texts[key], states, units, functions) for key in sorted(texts)}


def read_couplings(
    texts: Mapping[str, Text],
    receives: Mapping[str, Text],
    states: Mapping[str, str],
    units: Mapping[str, str],
    functions: Mapping[str, sympy.Expr],
) -> dict[str, Receptor]:
    """Couplings by the name of their mount; those that receive spikes, too, are refused."""
    for key in sorted(set(texts) & set(receives)):
        raise errors.ModelError(texts[key][2], "it receives spikes, too", mend="Make two channels of it.")
    targets = {scope[local] for what, scope, _ in texts.values() for local in what if local in scope}
    known = {n: unit for n, unit in {**units, **states}.items() if n not in targets}
    return {key: _receptor(*texts[key], units, known, functions, "parameter") for key in sorted(texts)}


def summed(couplings: Mapping[str, Receptor]) -> tuple[str, ...]:
    """The parameters to which couplings add."""
    return tuple(sorted({x for coupling in couplings.values() for x in coupling.adds}))


def _receptor(
    what: Mapping[str, str],
    scope: dict[str, str],
    where: str,
    states: Mapping[str, str],
    units: Mapping[str, str],
    functions: Mapping[str, sympy.Expr],
    kind: str = "state",
) -> Receptor:
    if WEIGHT in scope:
        raise errors.ModelError(where, f"{WEIGHT!r} is the weight of a spike", mend="Give your own part another name.")
    adds: dict[str, sympy.Expr] = {}
    found: dict[str, Unit] = {}
    for local, text in sorted(what.items()):
        if scope.get(local) not in states:
            raise errors.unknown(where, kind, local, sorted(n for n in scope if scope[n] in states))
        adds[scope[local]] = slope = _slope(text, scope, f"{where} of {local!r}", set(units), functions)
        known = {n: unit_value(unit, where) for n, unit in units.items()}
        per = unit_of(slope, known, where) or unit_value("1", where)
        found[states[scope[local]]] = unit_value(states[scope[local]], where) * per ** Fraction(-1)
    first, *others = found.values()
    if any(not unit.same(first) for unit in others):
        raise errors.UnitError(where, f"the weight would have the units {', '.join(map(str, found.values()))}")
    same = next((text for text in found if unit_value(text, where).same(first)), str(first))
    return Receptor(adds, same)


def _slope(
    text: str, scope: dict[str, str], where: str, params: set[str], functions: Mapping[str, sympy.Expr]
) -> sympy.Expr:
    """The number in front of the weight."""
    weight = symbol("weight of a spike")
    whole = parse(text, {**scope, WEIGHT: weight.name}, where)
    for name in reversed(list(functions)):
        whole = whole.xreplace({symbol(name): functions[name]})
    slope = sympy.diff(whole, weight)
    slope = sympy.expand(slope) if weight in slope.free_symbols else slope
    if slope == 0 or weight in slope.free_symbols or sympy.expand(whole - slope * weight) != 0:
        raise errors.ModelError(where, f"{text!r} is not so many times w", mend='Write it as a product: "scale*w".')
    if not names_of(slope) <= params:
        used = sorted(names_of(slope) - params)
        raise errors.ModelError(where, f"{text!r} depends on {', '.join(used)}", [*sorted(params), WEIGHT])
    return slope


def read_drives(
    drives: Mapping[str, Drive],
    scope: dict[str, str],
    receptors: Mapping[str, Receptor],
    units: Mapping[str, str],
    functions: Mapping[str, sympy.Expr],
    where: str,
) -> dict[str, Arrival]:
    """Spikes from outside by name; rates are per ms."""
    found = {}
    for name, drive in sorted(drives.items()):
        place = f"{where}, drive {name!r}"
        if drive.receptor not in receptors:
            raise errors.unknown(place, "receptor", drive.receptor, sorted(receptors))
        rate = _constant(drive.rate, scope, f"{place}, rate", "1/ms", units, functions)
        weight = _constant(drive.weight, scope, f"{place}, weight", receptors[drive.receptor].unit, units, functions)
        found[name] = Arrival(drive.receptor, rate, weight)
    return found


def _constant(
    text: str,
    scope: dict[str, str],
    where: str,
    unit: str,
    units: Mapping[str, str],
    functions: Mapping[str, sympy.Expr],
) -> sympy.Expr:
    """An expression over parameters in a unit."""
    whole = parse(text, scope, where)
    for name in reversed(list(functions)):
        whole = whole.xreplace({symbol(name): functions[name]})
    if not names_of(whole) <= set(units):
        used = sorted(names_of(whole) - set(units))
        raise errors.ModelError(where, f"{text!r} depends on {', '.join(used)}", "parameters alone")
    given = unit_of(whole, {n: unit_value(u, where) for n, u in units.items()}, where)
    if given is not None and not given.same(unit_value(unit, where)):
        raise errors.UnitError(where, f"{text!r} is in {given}, not in {unit}")
    return whole
