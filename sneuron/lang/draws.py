"""Random numbers inside kernels: counter-based, packed into SIMD lanes, the same for a point wherever it lies.

Words come from Threefry-4x32 with 13 rounds (Salmon et al. 2011, doi:10.1145/2063384.2063405), whose statistics pass
BigCrush; a key is a point, a counter is a step, so that nothing is kept between steps. Normal numbers follow Box &
Muller 1958 (doi:10.1214/aoms/1177706645) in single precision: right to 1e-6 of their size, up to 6.5 standard
deviations. Polynomials are Chebyshev fits made with 40 digits.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from typing import Any

from llvmlite import ir
from numba import types
from numba.extending import intrinsic

from sneuron.lang.vector import Arith

__all__ = ["ROUNDS", "normals", "threefry", "uniform"]

ROUNDS = 13
_TURNS = ((10, 26), (11, 21), (13, 27), (23, 5), (6, 20), (17, 11), (25, 10), (18, 20))
_PARITY = 0x1BD11BDA
_LOG = (
    -1.9999998357107003,
    1.0000068856794018,
    -0.6667121584033378,
    0.4994312021854359,
    -0.39768469660402966,
    0.34424855346330413,
    -0.32676302994772266,
    0.20757435498486915,
)
"""-2 log(1 + f) / f for sqrt(1/2) <= 1 + f <= sqrt(2)."""

_SIN = (-0.16666665969383232, 0.00833324253968555, -0.00019822783176153604, 2.634874368227852e-06)
_COS = (0.999999953468311, -0.49999905347740586, 0.04166358469954834, -0.0013853704325511528, 2.3153931654823784e-05)
"""(sin(t)/t - 1)/t^2 and cos(t), over t^2, for |t| <= pi/2."""

_WORD = ir.IntType(32)


def _word(n: int) -> Any:
    return ir.Constant(_WORD, n)


def _turned(b: Any, x: Any, n: int) -> Any:
    """Bits turned to the left."""
    return b.or_(b.shl(x, _word(n)), b.lshr(x, _word(32 - n)))


def _mixed(b: Any, counter: Sequence[Any], key: Sequence[Any]) -> list[Any]:
    """Threefry-4x32: four words from four words of counter under four words of key."""
    parity = _word(_PARITY)
    for word in key:
        parity = b.xor(parity, word)
    keys = [*key, parity]
    x = [b.add(c, k) for c, k in zip(counter, key, strict=True)]
    for r in range(ROUNDS):
        one, other = (1, 3) if r % 2 == 0 else (3, 1)
        for low, high, turn in ((0, one, _TURNS[r % 8][0]), (2, other, _TURNS[r % 8][1])):
            x[low] = b.add(x[low], x[high])
            x[high] = b.xor(_turned(b, x[high], turn), x[low])
        if r % 4 == 3:
            s = (r + 1) // 4
            x = [b.add(word, keys[(s + n) % 5]) for n, word in enumerate(x)]
            x[3] = b.add(x[3], _word(s))
    return x


@intrinsic
def threefry(typingctx: Any, low: Any, high: Any, stream: Any, first: Any, second: Any) -> Any:
    """Four random words for a counter (low, high), a stream, and a key of two words."""

    def generate(context: Any, builder: Any, signature: Any, args: Sequence[Any]) -> Any:
        words = _mixed(builder, [args[0], args[1], args[2], _word(0)], [args[3], args[4], _word(0), _word(0)])
        return context.make_tuple(builder, signature.return_type, words)

    word = types.uint32
    return types.UniTuple(word, 4)(word, word, word, word, word), generate


def _fraction(a: Arith, word: Any) -> Any:
    """A whole odd number below 2^31, as a float: times 2^-31 it lies inside (0, 1)."""
    return a.b.sitofp(a.b.or_(a.b.lshr(word, _word(1)), _word(1)), a.f)


def _horner(a: Arith, x: Any, coefficients: Sequence[float]) -> Any:
    value = a.const(coefficients[-1])
    for c in reversed(coefficients[:-1]):
        value = a.fma(value, x, a.const(c))
    return value


def _radius(a: Arith, word: Any) -> Any:
    """sqrt(-2 log u)."""
    bits = a.b.bitcast(_fraction(a, word), _WORD)
    power = a.b.ashr(a.b.sub(bits, _word(0x3F3504F3)), _word(23))
    m = a.b.bitcast(a.b.sub(bits, a.b.shl(power, _word(23))), a.f)
    k = a.b.sitofp(a.b.sub(power, _word(31)), a.f)
    f = a.sub(m, a.const(1.0))
    return a.unary("sqrt", a.fma(f, _horner(a, f, _LOG), a.mul(k, a.const(-2.0 * math.log(2.0)))))


@intrinsic
def normals(typingctx: Any, one: Any, other: Any) -> Any:
    """Two normal numbers (float32) from two random words.

    The angle runs over half a circle; the lowest bit of the first word, which its radius does not see, says which.
    """

    def generate(context: Any, builder: Any, signature: Any, args: Sequence[Any]) -> Any:
        a = Arith(builder, types.float32)
        r = _radius(a, args[0])
        t = a.mul(builder.sitofp(args[1], a.f), a.const(math.pi / 2.0**32))
        z = a.mul(t, t)
        sine = a.fma(a.mul(t, z), _horner(a, z, _SIN), t)
        side = builder.bitcast(builder.xor(builder.bitcast(r, _WORD), builder.shl(args[0], _word(31))), a.f)
        pair = [a.mul(side, _horner(a, z, _COS)), a.mul(r, sine)]
        return context.make_tuple(builder, signature.return_type, pair)

    return types.UniTuple(types.float32, 2)(types.uint32, types.uint32), generate


@intrinsic
def uniform(typingctx: Any, word: Any) -> Any:
    """A number inside (0, 1) (float32) from a random word."""

    def generate(context: Any, builder: Any, signature: Any, args: Sequence[Any]) -> Any:
        a = Arith(builder, types.float32)
        return a.mul(_fraction(a, args[0]), a.const(2.0**-31))

    return types.float32(types.uint32), generate
