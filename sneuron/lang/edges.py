"""When a stimulus jumps: its conditions, frozen between two edges; and the next edge, in closed form.

Between two edges no condition of a stimulus changes.  So a step that lies between them sees a smooth current: each
condition is decided once, at a time in the middle, and what is left depends on the time smoothly.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import replace

import sympy as sp

from sneuron import errors
from sneuron.lang.assignments import Assignments, Wave
from sneuron.lang.functions import floor, sign

__all__ = ["AHEAD", "MIDDLE", "edges", "frozen"]

T = sp.Symbol("t", real=True)
MIDDLE = sp.Symbol("_mid", real=True)
"""A time between the last edge and the next."""

AHEAD = sp.Symbol("_ahead", real=True)
"""The time after which the next edge is looked for."""


def frozen(wave: Wave) -> Wave:
    """The stimulus with its conditions decided at `MIDDLE`."""
    swaps = {node: node.xreplace({T: MIDDLE}) for node in _jumps(wave.current)}
    return replace(wave, current=wave.current.xreplace(swaps))


def edges(waves: Iterable[Wave]) -> tuple[Assignments, list[sp.Expr]]:
    """Where the conditions of stimuli may change next.

    Parameters
    ----------
    waves : iterable of Wave

    Returns
    -------
    (list of (name, expression), list of expressions)
        Counts at the time `AHEAD`; and times of which those after `AHEAD` are edges.

    Raises
    ------
    ModelError
        When a condition depends on the time in a way that has no closed form.
    """
    counts: Assignments = []
    found: dict[sp.Expr, None] = {}
    for wave in waves:
        own = {_symbol(p): _symbol(f"{wave.name}.{p}") for p in wave.params}
        known: dict[sp.Expr, sp.Symbol] = {}
        for node in _jumps(wave.current, inner=True):
            inside = node.args[0].xreplace(known) if isinstance(node, floor | sign) else _gap(node).xreplace(known)
            if not isinstance(node, floor):
                found |= dict.fromkeys(t.xreplace(own) for t in _solved(inside, sp.S.Zero, wave.name))
                continue
            name = _symbol(f"_count{len(counts)}")
            known[node] = name
            counts.append((name.name, floor(inside.xreplace({T: AHEAD}).xreplace(own))))
            for more in (0, 1, 2):  # the count itself may be one too low or too high where the time is rounded
                found |= dict.fromkeys(t.xreplace(own) for t in _solved(inside, name + more, wave.name))
    return counts, list(found)


def _jumps(expr: sp.Expr, inner: bool = False) -> list[sp.Basic]:
    """Parts of an expression that change at once with the time: outermost first, or with what is inside them first."""
    kinds = (sp.core.relational.Relational, floor, sign)
    if isinstance(expr, kinds) and T in expr.free_symbols:
        within = [node for a in expr.args for node in _jumps(a, inner)] if inner else []
        return [*dict.fromkeys(within), expr]
    return list(dict.fromkeys(node for a in expr.args for node in _jumps(a, inner)))


def _gap(condition: sp.Basic) -> sp.Expr:
    left, right = condition.args
    return left - right


def _solved(expr: sp.Expr, level: sp.Expr, name: str) -> list[sp.Expr]:
    """The time at which `expr` is `level`; none when it does not depend on the time."""
    if T not in expr.free_symbols:
        return []
    slope = sp.diff(expr, T)
    if slope.has(T):
        raise errors.ModelError(
            f"stimulus {name!r}",
            "jumps at times that have no closed form, so that steps of their own size could miss them",
            mend="Write its conditions as plain comparisons with the time, or use a method of fixed steps.",
        )
    return [sp.simplify((level - expr.xreplace({T: sp.S.Zero})) / slope)]


def _symbol(name: str) -> sp.Symbol:
    return sp.Symbol(name, real=True)
