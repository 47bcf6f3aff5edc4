"""Fewer computations for the same values: exponentials that share one, constants that are lifted, common parts."""

from __future__ import annotations

import math
from collections.abc import Mapping
from fractions import Fraction

import sympy as sp

from sneuron.lang.assignments import Program
from sneuron.lang.texts import symbol_of

__all__ = ["common", "exponentials", "exprel_from", "exprel_inverse_from", "hoist"]

_MAX_SHARED_POWER = 16


def exponentials(program: Program, constant: set[str]) -> None:
    """Exponentials whose arguments are whole multiples of one are powers of that one."""
    found: dict[sp.Symbol, dict[Fraction, int]] = {}
    for expr in program.steps.values():
        for node in _exponentials(expr):
            match = _affine(node.args[0], constant)
            if match is not None:
                found.setdefault(match[0], {}).setdefault(match[1], 0)
                found[match[0]][match[1]] += 1
    for state, slopes in found.items():
        for base, members in _families(slopes):
            if sum(slopes[m] for m in members) > 1:
                _rewrite(program, constant, state, base, members)


def _exponentials(expr: sp.Expr) -> list[sp.Expr]:
    nodes = [n for n in sp.preorder_traversal(expr) if isinstance(n, sp.exp) or type(n).__name__ == "exprel"]
    return sorted(set(nodes), key=sp.core.sorting.default_sort_key)


def _affine(arg: sp.Expr, constant: set[str]) -> tuple[sp.Symbol, Fraction, sp.Expr] | None:
    """`arg` as slope * symbol + offset with a plain rational slope and a constant offset."""
    moving = [s for s in arg.free_symbols if s.name not in constant]
    if len(moving) != 1:
        return None
    slope = sp.diff(arg, moving[0])
    if not slope.is_number or slope == 0:
        return None
    rational = Fraction(float(slope)).limit_denominator(100_000)
    if abs(float(rational) / float(slope) - 1) > 1e-14:
        return None
    return moving[0], rational, sp.expand(arg - slope * moving[0])


def _families(slopes: Mapping[Fraction, int]) -> list[tuple[Fraction, list[Fraction]]]:
    """Slopes grouped so that each is a small whole multiple of its family's base."""
    families: list[tuple[Fraction, list[Fraction]]] = []
    left = sorted(slopes, key=lambda r: (abs(r), r))
    while left:
        base = left[0]
        members = [r for r in left if (r / base).denominator == 1 and 1 <= r / base <= _MAX_SHARED_POWER]
        families.append((base, members))
        left = [r for r in left if r not in members]
    return families


def _rewrite(program: Program, constant: set[str], state: sp.Symbol, base: Fraction, members: list[Fraction]) -> None:
    stem = f"_e_{state.name.lstrip('_')}_{abs(base.denominator)}"
    while stem in program.steps:
        stem += "_"
    program.steps[stem] = sp.exp(sp.Float(float(base)) * state, evaluate=False)

    def power(n: int) -> sp.Symbol:
        if n == 1:
            return symbol_of(stem)
        name = f"{stem}_{n}"
        if name not in program.steps:
            half = power(n // 2)
            program.steps[name] = half * half if n % 2 == 0 else power(n - 1) * symbol_of(stem)
        return symbol_of(name)

    def replaced(node: sp.Expr) -> sp.Expr | None:
        match = _affine(node.args[0], constant)
        if match is None or match[0] != state or match[1] not in members:
            return None
        e = power(int(match[1] / base))
        scale = sp.Float(math.exp(float(match[2]))) if match[2].is_number else sp.exp(match[2])
        return exprel_from(node.args[0], scale * e) if type(node).__name__ == "exprel" else scale * e

    for name, expr in list(program.steps.items()):
        if name != stem and not name.startswith(stem + "_"):
            swaps = {n: r for n in _exponentials(expr) if (r := replaced(n)) is not None}
            program.steps[name] = _inverted(expr.xreplace(swaps))


class exprel_from(sp.Function):  # type: ignore[misc]
    """exprel(x) given x and exp(x)."""


class exprel_inverse_from(sp.Function):  # type: ignore[misc]
    """1/exprel(x) given x and exp(x)."""


def _inverted(expr: sp.Expr) -> sp.Expr:
    swaps = {
        p: exprel_inverse_from(*p.base.args)
        for p in expr.atoms(sp.Pow)
        if isinstance(p.base, exprel_from) and p.exp == -1
    }
    return expr.xreplace(swaps)


def hoist(program: Program, constant: set[str]) -> None:
    """What depends on parameters and dt alone is computed once."""
    names: dict[sp.Expr, sp.Symbol] = {}
    still = set(constant)
    for name, expr in list(program.steps.items()):
        if {s.name for s in expr.free_symbols} <= still and name not in program.new.values():
            program.hoisted.append((name, expr))
            del program.steps[name]
            still.add(name)

    def lifted(expr: sp.Expr) -> sp.Expr:
        if expr.is_Atom or not expr.free_symbols:
            return expr
        if expr not in names:
            names[expr] = symbol_of(f"_c{len(names)}")
            program.hoisted.append((names[expr].name, expr))
        return names[expr]

    def walk(expr: sp.Expr) -> sp.Expr:
        if expr.is_Atom:
            return expr
        if {s.name for s in expr.free_symbols} <= still:
            return lifted(expr)
        if isinstance(expr, sp.Add | sp.Mul):
            fixed = [a for a in expr.args if {s.name for s in a.free_symbols} <= still]
            moving = [walk(a) for a in expr.args if a not in fixed]
            return expr.func(lifted(expr.func(*fixed)), *moving) if fixed else expr.func(*moving)
        return expr.func(*(walk(a) for a in expr.args))

    for name, expr in program.steps.items():
        program.steps[name] = walk(expr)
    program.threshold, program.rearm = walk(program.threshold), walk(program.rearm)
    program.hazard = None if program.hazard is None else walk(program.hazard)


def common(program: Program) -> None:
    """Equal parts are computed once in a step."""
    names = list(program.steps)
    shared, reduced = sp.cse(
        [program.steps[n] for n in names], symbols=sp.numbered_symbols("_x", real=True), order="canonical"
    )
    program.steps = {s.name: e for s, e in shared} | dict(zip(names, reduced, strict=True))
