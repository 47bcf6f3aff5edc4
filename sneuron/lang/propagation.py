"""States that are linear in one another, moved exactly: by the exponential of their matrix, computed once per run.

x' = A x + b + r i has the solution x(t + dt) = P x(t) + p + q i for a current i that is constant over the step; P, p
and q are parts of the exponential of one matrix (Van Loan 1978, doi:10.1109/TAC.1978.1101743).  Only entries that are
not 0 by the structure of A are kept.
"""

from __future__ import annotations

import math
from collections.abc import Collection, Mapping
from typing import Any

import numpy as np
import sympy as sp
from numba import njit

from sneuron import errors
from sneuron.lang.assignments import CONSTANT, DRIVEN, Linear
from sneuron.lang.model import Model

__all__ = ["advanced", "closed", "linear", "propagate"]

TERMS = 18
"""Terms of the series: with a norm of up to 0.5 what is left out is below 1e-21."""


def linear(model: Model, slopes: Mapping[str, sp.Expr], names: tuple[str, ...], driven: bool) -> Linear:
    """The matrix of some states from their slopes, which are written out.

    Raises
    ------
    ModelError
        When a slope is not linear, or a factor in it is no constant.
    """
    symbols = {x: sp.Symbol(x, real=True) for x in names}
    current = sp.Symbol("_i_stim", real=True)
    params = {sp.Symbol(p, real=True) for p in model.params}
    matrix, constant, drive = {}, {}, {}
    for x in names:
        rest = slopes[x]
        for y, s in symbols.items():
            matrix[x, y] = _factor(rest, s, params, model, x)
        drive[x] = _factor(rest, current, params, model, x) if driven else sp.S.Zero
        constant[x] = rest.xreplace(dict.fromkeys((*symbols.values(), current), sp.S.Zero))
        if not constant[x].free_symbols <= params:
            raise _unfit(model, x)
    return Linear(names, matrix, constant, drive, _rows(names, matrix, constant, drive))


def _factor(expr: sp.Expr, s: sp.Symbol, params: Collection[sp.Symbol], model: Model, x: str) -> sp.Expr:
    """What stands in front of a symbol."""
    found = sp.diff(expr, s)
    found = sp.expand(found) if found.free_symbols - set(params) else found
    if found.free_symbols - set(params):
        raise _unfit(model, x)
    return found


def _unfit(model: Model, x: str) -> errors.ModelError:
    what = f"the equation of {x!r} of model {model.name!r} is not linear with constant factors"
    return errors.ModelError("method 'linear'", what, mend="Use 'exp_euler', 'exp_midpoint' or 'rk4'.")


def closed(slopes: Mapping[str, sp.Expr], params: Collection[sp.Symbol]) -> tuple[str, ...]:
    """The largest set of states whose slopes are linear, with constant factors, in states of the set alone."""
    names = dict.fromkeys(slopes)
    while True:
        symbols = {sp.Symbol(x, real=True) for x in names}
        good = [x for x in names if _fits(slopes[x], symbols, set(params))]
        if len(good) == len(names):
            return tuple(names)
        names = dict.fromkeys(good)


def _fits(slope: sp.Expr, symbols: set[sp.Symbol], params: set[sp.Symbol]) -> bool:
    used = slope.free_symbols & symbols
    factors = [sp.expand(sp.diff(slope, s)) for s in used]
    return slope.free_symbols <= symbols | params and all(f.free_symbols <= params for f in factors)


def _rows(
    names: tuple[str, ...],
    matrix: Mapping[tuple[str, str], sp.Expr],
    constant: Mapping[str, sp.Expr],
    drive: Mapping[str, sp.Expr],
) -> dict[tuple[str, str], str]:
    """Entries of the exponential that can differ from 0: where one state reaches another."""
    many = len(names)
    reach = np.eye(many + 2, dtype=bool)
    for i, x in enumerate(names):
        reach[i, :many] |= [matrix[x, y] != 0 for y in names]
        reach[i, many:] = [constant[x] != 0, drive[x] != 0]
    for _ in range(many):
        reach = (reach.astype(int) @ reach.astype(int)) > 0
    columns = [*names, CONSTANT, DRIVEN]
    return {(x, c): f"_P_{x}_{c}" for i, x in enumerate(names) for j, c in enumerate(columns) if reach[i, j]}


def advanced(block: Linear, x: str) -> sp.Expr:
    """The new value of a state of a linear block."""
    terms = []
    for (row, column), name in block.rows.items():
        factor = {CONSTANT: sp.S.One, DRIVEN: sp.Symbol("_i_stim", real=True)}.get(column, sp.Symbol(column, real=True))
        terms += [sp.Symbol(name, real=True) * factor] if row == x else []
    return sp.Add(*terms)


@njit(cache=True, nogil=True, error_model="numpy")
def propagate(a: Any, dt: float, last: Any, found: Any) -> None:
    """exp(a dt), kept in `found`, where `a` is another matrix than the last one."""
    same = True
    for i in range(a.shape[0]):
        for j in range(a.shape[0]):
            same = same and a[i, j] == last[i, j]
    if not same:
        last[:, :] = a
        _exponential(a, dt, found)


@njit(cache=True, nogil=True, error_model="numpy")
def _exponential(a: Any, dt: float, found: Any) -> None:
    """exp(a dt) by its series, halved and squared; `a` is changed."""
    many = a.shape[0]
    size = 0.0
    for i in range(many):
        total = 0.0
        for j in range(many):
            a[i, j] *= dt
            total += abs(a[i, j])
        size = max(size, total)
    halvings = 0
    while size > 0.5 and halvings < 200:
        size, halvings = 0.5 * size, halvings + 1
    term, following = np.zeros((many, many)), np.zeros((many, many))
    for i in range(many):
        for j in range(many):
            a[i, j] = math.ldexp(a[i, j], -halvings)
            term[i, j] = found[i, j] = 1.0 if i == j else 0.0
    for k in range(1, TERMS):
        _product(term, a, following)
        for i in range(many):
            for j in range(many):
                term[i, j] = following[i, j] / k
                found[i, j] += term[i, j]
    for _ in range(halvings):
        _product(found, found, following)
        found[:, :] = following


@njit(cache=True, nogil=True, error_model="numpy")
def _product(one: Any, two: Any, found: Any) -> None:
    many = one.shape[0]
    for i in range(many):
        for j in range(many):
            total = 0.0
            for k in range(many):
                total += one[i, k] * two[k, j]
            found[i, j] = total
