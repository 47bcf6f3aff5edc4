"""Vector mathematics: `exp`, `log`, `tanh`, `pow`, `exprel` and friends as LLVM code that packs into SIMD lanes.

Each function is an intrinsic: it emits plain arithmetic (no branch, no library
call), so a loop over lanes that uses it vectorises, and a lane's bits do not
depend on its place.  Constants are emitted in the type of the argument: one text
serves float64 and float32.  Fused multiply-adds are explicit; no fast-math flag
is ever set.  NaN goes in, NaN comes out.

Polynomials are Chebyshev fits made with 60 digits (exp: |r| <= ln2/2, log:
sqrt(1/2) <= m <= sqrt(2), sin/cos: |r| <= pi/4); reductions follow
Cody & Waite 1980.  Measured errors are kept by `tests/unit/test_vector.py`.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence
from typing import Any

import numpy as np
from llvmlite import ir
from numba import types
from numba.extending import intrinsic

__all__ = [
    "cos",
    "decay",
    "decay_near",
    "either",
    "exp",
    "expm1",
    "exprel",
    "exprel_from",
    "exprel_inverse",
    "exprel_inverse_from",
    "fabs",
    "floor",
    "fma",
    "fmax",
    "fmin",
    "log",
    "log1p",
    "pow",
    "raise_flag",
    "sigmoid",
    "sign",
    "sin",
    "sqrt",
    "tanh",
]

_EXP = (
    [1 / 2, 0.16666576989698775, 0.041666554617204574, 0.008363179052722578, 0.0013926183587713494],
    [
        0.5000000000000001,
        0.16666666666666669,
        0.04166666666662413,
        0.008333333333330062,
        0.0013888888917213717,
        0.00019841269863053618,
        2.4801521295954376e-05,
        2.7557268459997064e-06,
        2.7620088445409746e-07,
        2.510038549551032e-08,
    ],
)
_LOG = (
    [0.6666666655404201, 0.4000012221181065, 0.28550778633191964, 0.23331614471843498],
    [
        0.666666666666667,
        0.3999999999989889,
        0.28571428626253836,
        0.22222211089379496,
        0.1818289243253687,
        0.15331611722055008,
        0.14617807153417325,
    ],
)
_SIN = (
    [-0.16666664650292082, 0.008332745936380422, -0.00019587387068464455],
    [
        -0.16666666666666666,
        0.008333333333333331,
        -0.00019841269841265017,
        2.755731921930192e-06,
        -2.5052106219521895e-08,
        1.6058529572267877e-10,
        -7.586576588171073e-13,
    ],
)
_COS = (
    [0.04166666464745738, -0.00138883006969039, 2.45474372101932e-05],
    [
        0.041666666666666664,
        -0.0013888888888887382,
        2.480158729874307e-05,
        -2.7557317260008837e-07,
        2.0876143827993133e-09,
        -1.1382456778061306e-11,
    ],
)
_REL = (
    [0.49999996399074154, 0.16666666152278084, 0.04168667116728387, 0.008336190976246584],
    [
        0.5000000000000362,
        0.16666666666667068,
        0.04166666648585265,
        0.008333333313243098,
        0.0013890228234872705,
        0.00019842757991298186,
    ],
)
_NEAR = (
    [0.5, 0.1666664242007092, 0.041666636364998386, 0.0083488477882892, 0.00139082785906653],
    [
        0.5,
        0.16666666666665322,
        0.04166666666666555,
        0.008333333336202819,
        0.0013888888891279828,
        0.00019841253314374944,
        2.4801573530729414e-05,
        2.7592569930959876e-06,
        2.758669229104366e-07,
    ],
)
_REL_RANGE = (0.12, 0.06)
_LN2 = ((0.693359375, -2.12194440e-4), (0.693147180369123816490, 1.90821492927058770002e-10))
_HALF_PI = (
    (1.5703125, 4.837512969970703125e-4, 7.549789948768648e-8),
    (1.5707963267341256, 6.077100506303966e-11, 2.0222662487959506e-21),
)


class Arith:
    """Arithmetic on LLVM values of one floating type."""

    def __init__(self, builder: Any, kind: Any) -> None:
        self.b = builder
        self.wide = int(kind is types.float64)
        self.f = ir.DoubleType() if self.wide else ir.FloatType()
        self.i = ir.IntType(64 if self.wide else 32)
        self.mantissa = 52 if self.wide else 23
        self.bias = 1023 if self.wide else 127

    def const(self, x: float) -> Any:
        return ir.Constant(self.f, x if self.wide else float(np.float32(x)))

    def int(self, n: int) -> Any:
        return ir.Constant(self.i, n)

    def add(self, x: Any, y: Any) -> Any:
        return self.b.fadd(x, y)

    def sub(self, x: Any, y: Any) -> Any:
        return self.b.fsub(x, y)

    def mul(self, x: Any, y: Any) -> Any:
        return self.b.fmul(x, y)

    def div(self, x: Any, y: Any) -> Any:
        return self.b.fdiv(x, y)

    def fma(self, x: Any, y: Any, z: Any) -> Any:
        return self.b.fma(x, y, z)

    def less(self, x: Any, y: Any) -> Any:
        return self.b.fcmp_ordered("<", x, y)

    def pick(self, condition: Any, yes: Any, no: Any) -> Any:
        return self.b.select(condition, yes, no)

    def unary(self, name: str, x: Any) -> Any:
        module = self.b.module
        function = module.declare_intrinsic(f"llvm.{name}", [self.f])
        return self.b.call(function, [x])

    def poly(self, x: Any, coefficients: tuple[Sequence[float], Sequence[float]]) -> Any:
        """Horner from the constant term up, fused."""
        values = coefficients[self.wide]
        result = self.const(values[-1])
        for c in reversed(values[:-1]):
            result = self.fma(result, x, self.const(c))
        return result

    def rounded(self, x: Any, scale: float) -> tuple[Any, Any]:
        """`x * scale` rounded to the nearest whole number, as a float and in the low bits of an integer."""
        magic = self.const(1.5 * 2.0**self.mantissa)
        shifted = self.fma(x, self.const(scale), magic)
        return self.sub(shifted, magic), self.b.bitcast(shifted, self.i)

    def two_to(self, bits: Any) -> Any:
        """2**k from the low bits of an integer."""
        field = self.b.shl(self.b.add(bits, self.int(self.bias)), self.int(self.mantissa))
        return self.b.bitcast(field, self.f)


def _exp_parts(a: Arith, x: Any) -> tuple[Any, Any]:
    """exp(r) - 1 and 2**k with x = k ln2 + r; x is within range."""
    k, bits = a.rounded(x, math.log2(math.e))
    high, low = _LN2[a.wide]
    r = a.fma(k, a.const(-low), a.fma(k, a.const(-high), x))
    return a.fma(a.mul(r, r), a.poly(r, _EXP), r), a.two_to(bits)


def _clipped(a: Arith, x: Any) -> tuple[Any, Any, Any]:
    """X held inside the range of exp (NaN passes), and whether it was below or above it."""
    low, high = (-708.0, 709.0) if a.wide else (-87.0, 88.0)
    below, above = a.less(x, a.const(low)), a.less(a.const(high), x)
    return a.pick(above, a.const(high), a.pick(below, a.const(low), x)), below, above


def _exp(a: Arith, x: Any) -> Any:
    y, below, above = _clipped(a, x)
    m, s = _exp_parts(a, y)
    return a.pick(above, a.const(math.inf), a.pick(below, a.const(0.0), a.fma(m, s, s)))


def _expm1(a: Arith, x: Any) -> Any:
    y, below, above = _clipped(a, x)
    m, s = _exp_parts(a, y)
    value = a.fma(m, s, a.sub(s, a.const(1.0)))
    return a.pick(above, a.const(math.inf), a.pick(below, a.const(-1.0), value))


def _exprel(a: Arith, x: Any) -> Any:
    zero = a.b.fcmp_ordered("==", x, a.const(0.0))
    one = a.const(1.0)
    return a.div(a.pick(zero, one, _expm1(a, x)), a.pick(zero, one, x))


def _exprel_from(a: Arith, x: Any, e: Any) -> Any:
    """exprel(x) when e = exp(x) is already there: series near 0, (e - 1)/x elsewhere."""
    near = a.less(a.unary("fabs", x), a.const(_REL_RANGE[a.wide]))
    one = a.const(1.0)
    top = a.pick(near, a.fma(a.poly(x, _REL), x, one), a.sub(e, one))
    return a.div(top, a.pick(near, one, x))


def _exprel_inverse_from(a: Arith, x: Any, e: Any) -> Any:
    """1/exprel(x) with e = exp(x): one division."""
    near = a.less(a.unary("fabs", x), a.const(_REL_RANGE[a.wide]))
    one = a.const(1.0)
    bottom = a.pick(near, a.fma(a.poly(x, _REL), x, one), a.sub(e, one))
    return a.div(a.pick(near, one, x), bottom)


def _exprel_inverse(a: Arith, x: Any) -> Any:
    zero = a.b.fcmp_ordered("==", x, a.const(0.0))
    one = a.const(1.0)
    return a.div(a.pick(zero, one, x), a.pick(zero, one, _expm1(a, x)))


def _decay_near(a: Arith, x: Any) -> Any:
    """exprel(x) for |x| <= 2 without exponential or division: a polynomial at x/8, doubled three times."""
    one = a.const(1.0)
    h = a.mul(x, a.const(0.125))
    p = a.fma(a.poly(h, _NEAR), h, one)
    for scale in (0.0625, 0.125, 0.25):  # exprel(2h) = exprel(h) (1 + h/2 exprel(h))
        p = a.mul(p, a.fma(a.mul(x, a.const(scale)), p, one))
    return p


def _decay(a: Arith, x: Any) -> Any:
    near = a.b.fcmp_ordered("<=", a.unary("fabs", x), a.const(2.0))
    return a.pick(near, _decay_near(a, x), _exprel(a, x))


def _log(a: Arith, x: Any) -> Any:
    tiny = a.const(2.0 ** (-1022 if a.wide else -126))
    bits = a.b.bitcast(x, a.i)
    root = a.int(0x3FE6A09E667F3BCD if a.wide else 0x3F3504F3)
    exponent = a.b.ashr(a.b.sub(bits, root), a.int(a.mantissa))
    m = a.b.bitcast(a.b.sub(bits, a.b.shl(exponent, a.int(a.mantissa))), a.f)
    k = a.b.sitofp(exponent, a.f)
    f = a.sub(m, a.const(1.0))
    s = a.div(f, a.add(f, a.const(2.0)))
    z = a.mul(s, s)
    rest = a.mul(s, a.mul(z, a.poly(z, _LOG)))
    # log(m) = 2s + s^3 P(z) with 2s = f - s f, so that f leads and nothing is lost near 1
    small = a.fma(a.sub(a.const(0.0), s), f, rest)
    high, low = _LN2[a.wide]
    value = a.fma(k, a.const(high), a.add(f, a.fma(k, a.const(low), small)))
    infinite = a.b.fcmp_ordered("==", x, a.const(math.inf))
    value = a.pick(infinite, x, value)
    value = a.pick(a.less(x, tiny), a.const(-math.inf), value)
    negative = a.less(x, a.const(0.0))
    unordered = a.b.fcmp_unordered("uno", x, x)
    return a.pick(a.b.or_(negative, unordered), a.const(math.nan), value)


def _log1p(a: Arith, x: Any) -> Any:
    """log(1 + x) with the rounding of 1 + x put right."""
    u = a.add(x, a.const(1.0))
    lost = a.sub(x, a.sub(u, a.const(1.0)))
    finite = a.less(a.unary("fabs", u), a.const(math.inf))
    correction = a.pick(finite, a.div(lost, u), a.const(0.0))
    exact_minus_one = a.b.fcmp_ordered("==", u, a.const(0.0))
    return a.pick(exact_minus_one, a.const(-math.inf), a.add(_log(a, u), correction))


def _tanh(a: Arith, x: Any) -> Any:
    m = _expm1(a, a.mul(x, a.const(2.0)))
    ratio = a.div(m, a.add(m, a.const(2.0)))
    return a.pick(a.less(a.const(20.0), x), a.const(1.0), ratio)


def _sigmoid(a: Arith, x: Any) -> Any:
    one = a.const(1.0)
    return a.div(one, a.add(one, _exp(a, a.sub(a.const(0.0), x))))


def _pow(a: Arith, x: Any, y: Any) -> Any:
    """x**y = exp(y log x) for x >= 0 (0**y is 0 for y > 0, 1 for y = 0); NaN for x < 0."""
    zero = a.const(0.0)
    base_zero = a.b.fcmp_ordered("==", x, zero)
    to_zero = a.b.fcmp_ordered("==", y, zero)
    value = _exp(a, a.mul(y, _log(a, a.pick(base_zero, a.const(1.0), x))))
    at_zero = a.pick(a.less(y, zero), a.const(math.inf), a.pick(a.less(zero, y), zero, y))
    return a.pick(to_zero, a.const(1.0), a.pick(base_zero, at_zero, value))


def _turned(a: Arith, x: Any, quarter: int) -> Any:
    """sin(x + quarter * pi/2)."""
    k, bits = a.rounded(x, 2.0 / math.pi)
    r = x
    for part in _HALF_PI[a.wide]:
        r = a.fma(k, a.const(-part), r)
    q = a.b.add(bits, a.int(quarter))
    z = a.mul(r, r)
    sine = a.fma(a.mul(r, z), a.poly(z, _SIN), r)
    cosine = a.fma(a.mul(z, z), a.poly(z, _COS), a.fma(z, a.const(-0.5), a.const(1.0)))
    odd = a.b.icmp_signed("!=", a.b.and_(q, a.int(1)), a.int(0))
    minus = a.b.icmp_signed("!=", a.b.and_(q, a.int(2)), a.int(0))
    value = a.pick(odd, cosine, sine)
    return a.pick(minus, a.sub(a.const(0.0), value), value)


def _intrinsic(n: int, text: Callable[..., Any], name: str) -> Any:
    """An intrinsic of `n` equal floating arguments whose code is written by `text`."""

    def generate(context: Any, builder: Any, signature: Any, args: Sequence[Any]) -> Any:
        return text(Arith(builder, signature.return_type), *args)

    def one(typingctx: Any, x: Any) -> Any:
        return x(x), generate

    def two(typingctx: Any, x: Any, y: Any) -> Any:
        return x(x, y), generate

    def three(typingctx: Any, x: Any, y: Any, z: Any) -> Any:
        return x(x, y, z), generate

    shape = (one, two, three)[n - 1]
    shape.__name__ = name
    return intrinsic(shape)


exp = _intrinsic(1, _exp, "exp")
decay = _intrinsic(1, _decay, "decay")
decay_near = _intrinsic(1, _decay_near, "decay_near")
expm1 = _intrinsic(1, _expm1, "expm1")
exprel = _intrinsic(1, _exprel, "exprel")
exprel_inverse = _intrinsic(1, _exprel_inverse, "exprel_inverse")
exprel_from = _intrinsic(2, _exprel_from, "exprel_from")
exprel_inverse_from = _intrinsic(2, _exprel_inverse_from, "exprel_inverse_from")
log = _intrinsic(1, _log, "log")
log1p = _intrinsic(1, _log1p, "log1p")
sigmoid = _intrinsic(1, _sigmoid, "sigmoid")
tanh = _intrinsic(1, _tanh, "tanh")
pow = _intrinsic(2, _pow, "pow")
sin = _intrinsic(1, lambda a, x: _turned(a, x, 0), "sin")
cos = _intrinsic(1, lambda a, x: _turned(a, x, 1), "cos")
sqrt = _intrinsic(1, lambda a, x: a.unary("sqrt", x), "sqrt")
fabs = _intrinsic(1, lambda a, x: a.unary("fabs", x), "fabs")
floor = _intrinsic(1, lambda a, x: a.unary("floor", x), "floor")
fma = _intrinsic(3, lambda a, x, y, z: a.fma(x, y, z), "fma")
fmin = _intrinsic(2, lambda a, x, y: a.pick(a.less(y, x), y, x), "fmin")
fmax = _intrinsic(2, lambda a, x, y: a.pick(a.less(x, y), y, x), "fmax")
sign = _intrinsic(
    1,
    lambda a, x: a.pick(
        a.less(a.const(0.0), x), a.const(1.0), a.pick(a.less(x, a.const(0.0)), a.const(-1.0), a.mul(x, a.const(0.0)))
    ),
    "sign",
)


@intrinsic
def either(typingctx: Any, condition: Any, yes: Any, no: Any) -> Any:
    """`yes` where the condition holds, else `no`; both are computed."""

    def generate(context: Any, builder: Any, signature: Any, args: Sequence[Any]) -> Any:
        return builder.select(args[0], args[1], args[2])

    return yes(types.boolean, yes, yes), generate


@intrinsic
def raise_flag(typingctx: Any, flags: Any, condition: Any, bit: Any) -> Any:
    """`flags | bit` where the condition holds, in 32-bit integers so that float32 lanes stay narrow."""

    def generate(context: Any, builder: Any, signature: Any, args: Sequence[Any]) -> Any:
        zero = ir.Constant(ir.IntType(32), 0)
        return builder.or_(args[0], builder.select(args[1], args[2], zero))

    return types.int32(types.int32, types.boolean, types.int32), generate
