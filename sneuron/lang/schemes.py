"""Markov schemes: occupancies of a channel's states, their equations, their steady state, their implicit step."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass

import sympy

from sneuron.lang.expr import symbol
from sneuron.lang.functions import occupancy

__all__ = ["Rates", "Scheme", "equations", "families", "implicit", "steady"]

Rates = Mapping[tuple[str, str], sympy.Expr]
"""Rate (1/ms) by (from, to)."""


@dataclass(frozen=True)
class Scheme:
    """States that turn into one another.

    Attributes
    ----------
    states : tuple of str
        Sorted by name.
    rates : Rates
    """

    states: tuple[str, ...]
    rates: Rates


def families(rates: Rates) -> list[Scheme]:
    """The schemes that rates make: states that are joined, directly or through others, are of one scheme."""
    groups: list[set[str]] = []
    for source, target in sorted(rates):
        joined = [g for g in groups if source in g or target in g]
        groups = [g for g in groups if g not in joined] + [{source, target}.union(*joined)]
    ordered = sorted(tuple(sorted(g)) for g in groups)
    return [Scheme(g, {pair: rate for pair, rate in sorted(rates.items()) if pair[0] in g}) for g in ordered]


def equations(scheme: Scheme) -> dict[str, sympy.Expr]:
    """d/dt per ms of each occupancy: what comes in less what goes out."""
    return {x: sympy.Add(*_flows(scheme, x)) for x in scheme.states}


def steady(scheme: Scheme) -> dict[str, sympy.Expr]:
    """The occupancies that stay, as functions of the rates."""
    table = [scheme.rates.get((a, b), sympy.S.Zero) for a in scheme.states for b in scheme.states]
    return {x: occupancy(sympy.Integer(k), *table) for k, x in enumerate(scheme.states)}


def implicit(
    scheme: Scheme, dt: sympy.Symbol, named: Callable[[str, sympy.Expr], sympy.Symbol]
) -> dict[str, sympy.Expr]:
    """The occupancies one step on by backward Euler: (1 - dt A) x_new = x, solved by elimination without pivots.

    The matrix is diagonally dominant by columns: no pivot is small, every occupancy stays positive, and they keep
    their sum for any dt.
    """
    scheme = Scheme(_sparing(scheme), scheme.rates)
    size = range(len(scheme.states))
    matrix = [[_entry(scheme, a, b, dt) for b in scheme.states] for a in scheme.states]
    right: list[sympy.Expr] = [symbol(x) for x in scheme.states]
    for k in size:
        pivot = named(f"_pivot_{scheme.states[k]}", matrix[k][k])
        matrix[k][k] = pivot
        for i in size[k + 1 :]:
            if matrix[i][k] != 0:
                factor = named(f"_factor_{scheme.states[i]}_{scheme.states[k]}", matrix[i][k] / pivot)
                for j in size[k + 1 :]:
                    if matrix[k][j] != 0:
                        matrix[i][j] -= factor * matrix[k][j]
                right[i] -= factor * right[k]
    return _substituted(scheme, matrix, right, named)


def _sparing(scheme: Scheme) -> tuple[str, ...]:
    """The states in an order that keeps the matrix sparse: next comes one with the fewest neighbours left."""
    near = {x: {b if a == x else a for a, b in scheme.rates if x in (a, b)} for x in scheme.states}
    order: list[str] = []
    while near:
        order.append(min(near, key=lambda x: (len(near[x]), x)))
        links = near.pop(order[-1])
        for x in links:
            near[x] = (near[x] | links) - {x, order[-1]}
    return tuple(order)


def _substituted(
    scheme: Scheme,
    matrix: list[list[sympy.Expr]],
    right: list[sympy.Expr],
    named: Callable[[str, sympy.Expr], sympy.Symbol],
) -> dict[str, sympy.Expr]:
    """The solution of a triangular system, from its last row up."""
    found: dict[str, sympy.Expr] = {}
    for k in reversed(range(len(scheme.states))):
        known = [matrix[k][j] * found[scheme.states[j]] for j in range(k + 1, len(scheme.states))]
        x = scheme.states[k]
        found[x] = named(f"_solved_{x}", (right[k] - sympy.Add(*known)) / matrix[k][k])
    return found


def _entry(scheme: Scheme, row: str, column: str, dt: sympy.Symbol) -> sympy.Expr:
    """One element of 1 - dt A."""
    if row != column:
        return -dt * scheme.rates.get((column, row), sympy.S.Zero)
    return 1 + dt * sympy.Add(*[rate for (source, _), rate in scheme.rates.items() if source == row])


def _flows(scheme: Scheme, x: str) -> list[sympy.Expr]:
    into = [rate * symbol(source) for (source, target), rate in scheme.rates.items() if target == x]
    out = [-rate * symbol(x) for (source, _), rate in scheme.rates.items() if source == x]
    return into + out
