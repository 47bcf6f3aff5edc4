"""KINETIC blocks: Markov schemes as transitions, other reactions as equations of mass action."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from fractions import Fraction

from sneuron.lang.nmodl.flow import Step
from sneuron.lang.nmodl.products import summed
from sneuron.lang.nmodl.tree import Expr, Num, Op

__all__ = ["is_markov", "slopes", "ways"]

_ZERO = Num(Fraction(0))


def is_markov(steps: Sequence[Step], states: Mapping[str, str], volumes: Mapping[str, Expr]) -> bool:
    """Whether reactions are steps between states of one molecule, any of which can be reached from any other."""
    if not steps or volumes:
        return False
    for step in steps:
        single = all(len(side) == 1 and side[0][0] == 1 for side in (step.left, step.right))
        if step.kind == "<<" or not single:
            return False
        if any(states.get(side[0][1], "?") not in ("", "1") for side in (step.left, step.right)):
            return False
    return _all_reached(ways(steps))


def _all_reached(held: Mapping[tuple[str, str], Expr]) -> bool:
    """Whether every state leads to every other state of its scheme."""
    everything = {x for pair in held for x in pair}
    to: dict[str, set[str]] = {x: {b for a, b in held if a == x} for x in everything}
    reach = {x: _from(x, to) for x in everything}
    return all(a in reach[b] for a in everything for b in reach[a])


def _from(start: str, to: Mapping[str, set[str]]) -> set[str]:
    found, stack = {start}, [start]
    while stack:
        new = to[stack.pop()] - found
        found |= new
        stack += new
    return found


def ways(steps: Sequence[Step]) -> dict[tuple[str, str], Expr]:
    """The rate from one state to another; what is given twice is added."""
    found: dict[tuple[str, str], list[tuple[int, Expr]]] = {}
    for step in steps:
        a, b = step.left[0][1], step.right[0][1]
        for pair, rate in zip(((a, b), (b, a)), step.rates, strict=False):
            if rate != _ZERO:
                found.setdefault(pair, []).append((1, rate))
    return {pair: summed(rates) for pair, rates in found.items()}


def slopes(steps: Sequence[Step], states: Sequence[str], volumes: Mapping[str, Expr]) -> dict[str, Expr]:
    """Equations of mass action: every step moves rate times the product of what goes in."""
    flows: dict[str, list[tuple[int, Expr]]] = {}
    for step in steps:
        flux = _flux(step)
        for side, sign in ((step.left, 1 if step.kind == "<<" else -1), (step.right, 1)):
            for count, name in side:
                if name in states:
                    part = flux if count == 1 else Op("*", Num(Fraction(count)), flux)
                    flows.setdefault(name, []).append((sign, part))
    found = {name: summed(held) for name, held in flows.items()}
    return {name: Op("/", e, volumes[name]) if name in volumes else e for name, e in found.items()}


def _flux(step: Step) -> Expr:
    """What goes forward less what goes back."""
    fluxes = step.fluxes()
    return fluxes[0] if len(fluxes) < 2 else Op("-", fluxes[0], fluxes[1])
