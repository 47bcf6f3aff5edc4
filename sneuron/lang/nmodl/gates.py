"""Equations that are gates: (inf - x)/tau, alpha (1 - x) - beta x, and steps written by hand."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from fractions import Fraction
from typing import Any

import numpy as np
import sympy

from sneuron.lang.expr import symbol
from sneuron.lang.nmodl.exact import MAX_SUMS, algebra, one_less_exp, sums, tree
from sneuron.lang.nmodl.products import ONE, Factors, factors, product, summed, terms
from sneuron.lang.nmodl.text import value
from sneuron.lang.nmodl.tree import Expr, Name, Num, Op, depth, names, replaced, size

__all__ = ["Rates", "rates", "slope_of_euler", "slope_of_step", "stays_between"]

Rates = tuple[str, Expr, Expr]
"""("it", inf, tau) or ("ab", alpha, beta)."""


def rates(x: str, slope: Expr) -> Rates | None:
    """How a state x moves, where its equation is that of a gate; else None."""
    held = factors(slope)
    moving = [u for u in held.ups if x in set(names(u))]
    if len(moving) == 1 and not any(x in set(names(d)) for d in held.downs):
        rest = Factors(held.coefficient, _others(held.ups, moving[0]), held.downs)
        found = _relaxing(x, moving[0], rest) or _opening(x, moving[0], rest)
        if found:
            return found
    return _linear(x, slope)


def _others(parts: tuple[Expr, ...], one: Expr) -> tuple[Expr, ...]:
    at = parts.index(one)
    return parts[:at] + parts[at + 1 :]


def _relaxing(x: str, e: Expr, rest: Factors) -> Rates | None:
    """Rest * (inf - x)."""
    held = terms(e)
    own = [(s, t) for s, t in held if t == Name(x)]
    others = [(s, t) for s, t in held if t != Name(x)]
    if rest.coefficient == 0 or len(own) != 1 or any(x in set(names(t)) for _, t in others):
        return None
    sign = -own[0][0]
    inf = summed([(sign * s, t) for s, t in others])
    return "it", inf, product(factors(ONE).over(Factors(sign * rest.coefficient, rest.ups, rest.downs)))


def _opening(x: str, e: Expr, rest: Factors) -> Rates | None:
    """Rest * (alpha (1 - x) - beta x)."""
    one_less = Op("-", ONE, Name(x))
    sums: dict[str, list[tuple[int, Expr]]] = {"alpha": [], "beta": []}
    for sign, term in terms(e):
        held = factors(term)
        for kind, seek in (("alpha", one_less), ("beta", Name(x))):
            if seek in held.ups:
                left = Factors(held.coefficient, _others(held.ups, seek), held.downs)
                if x in {n for p in (*left.ups, *left.downs) for n in names(p)}:
                    return None
                sums[kind].append((sign if kind == "alpha" else -sign, product(left)))
                break
        else:
            return None
    if not sums["alpha"] or not sums["beta"]:
        return None
    alpha, beta = (product(rest.times(factors(summed(sums[k])))) for k in ("alpha", "beta"))
    return "ab", alpha, beta


def _linear(x: str, slope: Expr) -> Rates | None:
    """By algebra: -(offset / slope) and -1 / slope."""
    whole = algebra(slope) if size(slope) < 80 and sums(slope) <= MAX_SUMS else None
    if whole is None:
        return None
    s = sympy.diff(whole, symbol(x))
    s = sympy.expand(s) if symbol(x) in s.free_symbols else s
    if s == 0 or symbol(x) in s.free_symbols:
        return None
    inf, tau = (tree(sympy.cancel(e)) for e in (-whole.subs(symbol(x), 0) / s, -1 / s))
    return None if inf is None or tau is None else ("it", inf, tau)


def stays_between(held: Rates, known: Mapping[str, Any], look: Callable[[str], Expr | None]) -> bool:
    """Whether a gate stays in [0, 1]: its steady state does, and its rates are above 0, over all voltages."""
    kind, first, second = held
    one, two = (np.asarray(value(e, known, look), dtype=float) for e in (first, second))
    fine = np.isfinite(one) & np.isfinite(two)
    if not fine.any():
        return False
    one, two = np.broadcast_to(one, fine.shape)[fine], np.broadcast_to(two, fine.shape)[fine]
    low = bool((one >= -1e-9).all() and (two >= 0).all())
    return low and (kind == "ab" or bool((one <= 1 + 1e-9).all() and (two > 0).all()))


def slope_of_step(x: str, new: Expr, look: Callable[[str], Expr | None], moves: Callable[[Expr], bool]) -> Expr | None:
    """dx/dt of a step x + (1 - exp(-dt/tau)) (inf - x) that a file writes by hand; None for other steps.

    `moves` tells whether an expression, written out, holds dt.
    """
    new = _written_out(new, look, lambda e: moves(e) or x in set(names(e)))
    left = [(s, t) for s, t in terms(new) if (s, t) != (1, Name(x))]
    if len(left) != 1 or len(left) == len(terms(new)):
        return None
    sign, term = left[0]
    held = factors(term)
    for u in held.ups:
        found = _relaxing(x, u, Factors(Fraction(1), (), ())) if x in set(names(u)) else None
        if found and found[2] == Num(Fraction(1)):
            speed = _speed(Factors(sign * held.coefficient, _others(held.ups, u), held.downs))
            return None if speed is None else Op("*", speed, Op("-", found[1], Name(x)))
    return None


def slope_of_euler(x: str, new: Expr, look: Callable[[str], Expr | None], moves: Callable[[Expr], bool]) -> Expr | None:
    """dx/dt of a step x + dt f that a file writes by hand; None for other steps."""
    held = terms(_written_out(new, look, lambda e: moves(e) or x in set(names(e))))
    left = [(s, t) for s, t in held if (s, t) != (1, Name(x))]
    if len(left) != len(held) - 1:
        return None
    found = []
    for sign, term in left:
        parts = factors(term)
        if parts.ups.count(Name("dt")) != 1:
            return None
        rest = Factors(parts.coefficient, _others(parts.ups, Name("dt")), parts.downs)
        if "dt" in {n for p in (*rest.ups, *rest.downs) for n in names(p)}:
            return None
        found.append((sign, product(rest)))
    return summed(found)


def _speed(share: Factors) -> Expr | None:
    """1/tau, where the share that a step goes is 1 - exp(-dt/tau)."""
    shape = one_less_exp(product(share))
    if shape is None or shape[0] != 1:
        return None
    held = factors(shape[1])
    dt = [u for u in held.ups if u == Name("dt")]
    rest = _others(held.ups, Name("dt")) if len(dt) == 1 else held.ups
    if len(dt) != 1 or "dt" in {n for p in (*rest, *held.downs) for n in names(p)}:
        return None
    return product(Factors(-held.coefficient, rest, held.downs))


def _written_out(e: Expr, look: Callable[[str], Expr | None], wanted: Callable[[Expr], bool]) -> Expr:
    """An expression in which names are written out as long as what they stand for is wanted."""
    for _ in range(8):
        swap = {n: inner for n in set(names(e)) if (inner := look(n)) is not None and wanted(inner)}
        if not swap or size(e) > 400 or depth(e) > 60:
            return e
        e = replaced(e, swap.get)
    return e
