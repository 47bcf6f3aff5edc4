"""Vector mathematics for adaptive steps, in float64: exponentials right to 3e-12, logarithms for the size of a step.

An adaptive step has errors of its own, of 1e-9 and more (`sneuron.core.adapt`).  Exponentials that are right to 3e-12,
and removable singularities that are right to 3e-10, change nothing there and cost a quarter less.  Arguments are held
within 1000 (of base 2), so that nothing is infinite.  The polynomial of exp2 is a Chebyshev fit made with 60 digits,
|r| <= 1/2.  Errors are kept by `tests/unit/test_lean.py`.
"""

from __future__ import annotations

import math
from typing import Any

import sympy as sp

from sneuron.lang.printer import Printer
from sneuron.lang.vector import Arith, _intrinsic

__all__ = [
    "Lean",
    "exp2_lean",
    "exp2_rough",
    "exprel_from_lean",
    "exprel_inverse_from_lean",
    "exprel_inverse_lean",
    "exprel_lean",
    "log2_rough",
    "sigmoid_lean",
]

_EXP2 = [
    1.0,
    0.6931471805568324,
    0.24022650695888503,
    0.055504109063258665,
    0.00961812913523614,
    0.0013333478473685416,
    0.00015403475186530786,
    1.5303700711365693e-05,
    1.325080551750225e-06,
]
_REL = [1 / math.factorial(k) for k in range(2, 5)]
_LIMIT, _NEAR = 1000.0, 0.01
_BEND = 0.3444
"""How far the logarithm of base 2 lies above its chord, in units of f (1 - f)."""


class Lean(Printer):
    """Prints expressions with exponentials in their lean form, as powers of 2.

    >>> import sympy
    >>> Lean()(sympy.exp(-sympy.Symbol("v", real=True)))
    'exp2_lean((-(1.4426950408889634 * v)))'
    """

    def _exp(self, expr: sp.Expr) -> str:
        return f"exp2_lean({self(sp.Float(1 / math.log(2.0)) * expr.args[0])})"

    def _called(self, expr: sp.Expr) -> str:
        return f"{type(expr).__name__}_lean({', '.join(self(a) for a in expr.args)})"

    _exprel = _exprel_from = _exprel_inverse_from = _sigmoid = _called

    def _pow(self, expr: sp.Pow) -> str:
        if expr.exp == -1 and type(expr.base).__name__ == "exprel":
            return f"exprel_inverse_lean({self(expr.base.args[0])})"
        return super()._pow(expr)


def _poly(a: Arith, x: Any, coefficients: list[float]) -> Any:
    result = a.const(coefficients[-1])
    for c in reversed(coefficients[:-1]):
        result = a.fma(result, x, a.const(c))
    return result


def _exp2(a: Arith, x: Any) -> Any:
    x = a.pick(a.less(x, a.const(-_LIMIT)), a.const(-_LIMIT), x)
    x = a.pick(a.less(a.const(_LIMIT), x), a.const(_LIMIT), x)
    magic = a.const(1.5 * 2.0**a.mantissa)
    shifted = a.add(x, magic)
    p = _poly(a, a.sub(x, a.sub(shifted, magic)), _EXP2)
    bits = a.b.bitcast(shifted, a.i)
    return a.b.bitcast(a.b.add(a.b.bitcast(p, a.i), a.b.shl(bits, a.int(a.mantissa))), a.f)


def _exp(a: Arith, x: Any) -> Any:
    return _exp2(a, a.mul(x, a.const(1 / math.log(2.0))))


def _relative(a: Arith, x: Any, e: Any) -> tuple[Any, Any]:
    """(exp(x) - 1) and x, or near 0 the series of their ratio and 1."""
    near = a.less(a.unary("fabs", x), a.const(_NEAR))
    one = a.const(1.0)
    return a.pick(near, _poly(a, x, [1.0, *_REL]), a.sub(e, one)), a.pick(near, one, x)


def _exprel_from(a: Arith, x: Any, e: Any) -> Any:
    above, below = _relative(a, x, e)
    return a.div(above, below)


def _exprel_inverse_from(a: Arith, x: Any, e: Any) -> Any:
    above, below = _relative(a, x, e)
    return a.div(below, above)


def _sigmoid(a: Arith, x: Any) -> Any:
    one = a.const(1.0)
    return a.div(one, a.add(one, _exp(a, a.sub(a.const(0.0), x))))


def _log2_rough(a: Arith, x: Any) -> Any:
    """Logarithm of base 2 of a positive number, right to 0.01; some number for any other argument."""
    bits = a.b.bitcast(x, a.i)
    field = a.b.or_(a.b.lshr(bits, a.int(52)), a.int(0x4330000000000000))
    k = a.sub(a.b.bitcast(field, a.f), a.const(2.0**52 + 1023.0))
    part = a.b.or_(a.b.and_(bits, a.int(0x000FFFFFFFFFFFFF)), a.int(0x3FF0000000000000))
    f = a.sub(a.b.bitcast(part, a.f), a.const(1.0))
    return a.add(k, a.fma(a.mul(f, a.const(_BEND)), a.sub(a.const(1.0), f), f))


def _exp2_rough(a: Arith, x: Any) -> Any:
    """2**x for |x| < 1000, right to 0.5 %."""
    k, bits = a.rounded(a.sub(x, a.const(0.5)), 1.0)
    f = a.sub(x, k)
    p = a.fma(a.mul(f, a.const(_BEND)), a.sub(f, a.const(1.0)), a.add(f, a.const(1.0)))
    return a.b.bitcast(a.b.add(a.b.bitcast(p, a.i), a.b.shl(bits, a.int(a.mantissa))), a.f)


exp2_lean = _intrinsic(1, _exp2, "exp2_lean")
exprel_lean = _intrinsic(1, lambda a, x: _exprel_from(a, x, _exp(a, x)), "exprel_lean")
exprel_inverse_lean = _intrinsic(1, lambda a, x: _exprel_inverse_from(a, x, _exp(a, x)), "exprel_inverse_lean")
exprel_from_lean = _intrinsic(2, _exprel_from, "exprel_from_lean")
exprel_inverse_from_lean = _intrinsic(2, _exprel_inverse_from, "exprel_inverse_from_lean")
sigmoid_lean = _intrinsic(1, _sigmoid, "sigmoid_lean")
log2_rough = _intrinsic(1, _log2_rough, "log2_rough")
exp2_rough = _intrinsic(1, _exp2_rough, "exp2_rough")
