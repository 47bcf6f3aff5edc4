"""Random numbers inside kernels: counter-based, packed into SIMD lanes, the same for a point wherever it lies.

Words come from Threefry-4x32 with 13 rounds (Salmon et al. 2011, doi:10.1145/2063384.2063405), whose statistics pass
BigCrush; a key is a point, a counter is a step, so that nothing is kept between steps. Normal numbers follow Box &
Muller 1958 (doi:10.1214/aoms/1177706645), two from a word: right to 1e-5 of their size, up to 5.5 standard deviations;
two that come from one word lie on one of 2048 rays of the plane. Polynomials are minimax fits made with 40 digits.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from typing import Any

from llvmlite import ir
from numba import types
from numba.extending import intrinsic

from sneuron.lang.vector import Arith

__all__ = ["ROUNDS", "normals", "spread", "threefry", "uniform"]

ROUNDS = 13
_TURNS = ((10, 26), (11, 21), (13, 27), (23, 5), (6, 20), (17, 11), (25, 10), (18, 20))
_PARITY = 0x1BD11BDA
_LOG = (
    -2.0000110735254744,
    0.9998281036212768,
    -0.6649653591990163,
    0.507182778123295,
    -0.4433757144592648,
    0.29325096992869,
)
"""-2 log(1 + f) / f for sqrt(1/2) <= 1 + f <= sqrt(2)."""

_SIN = (0.9999992456257644, -0.16665682733816173, 0.008313258731594483, -0.0001852435734349941)
_COS = (0.9999932954603244, -0.4999124400962721, 0.04148774820003178, -0.001271209485246825)
"""sin(t)/t and cos(t), over t^2, for |t| <= pi/2."""

_WORD = ir.IntType(32)
_tuple: Any = types.UniTuple


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
def threefry(typingctx: Any, low: Any, high: Any, stream: Any, part: Any, first: Any, second: Any) -> Any:
    """Four random words for a counter (low, high), a stream, a part of it, and a key of two words."""

    def generate(context: Any, builder: Any, signature: Any, args: Sequence[Any]) -> Any:
        words = _mixed(builder, args[:4], [*args[4:], _word(0), _word(0)])
        return context.make_tuple(builder, signature.return_type, words)

    word = types.uint32
    return _tuple(word, 4)(word, word, word, word, word, word), generate


def _horner(a: Arith, x: Any, coefficients: Sequence[float]) -> Any:
    value = a.const(coefficients[-1])
    for c in reversed(coefficients[:-1]):
        value = a.fma(value, x, a.const(c))
    return value


def _radius(a: Arith, word: Any) -> Any:
    """sqrt(-2 log u), with u from the upper 21 bits of a word."""
    x = a.add(a.b.sitofp(a.b.lshr(word, _word(11)), a.f), a.const(0.5))
    bits = a.b.bitcast(x, _WORD)
    power = a.b.ashr(a.b.sub(bits, _word(0x3F3504F3)), _word(23))
    f = a.sub(a.b.bitcast(a.b.sub(bits, a.b.shl(power, _word(23))), a.f), a.const(1.0))
    rest = a.mul(a.b.sitofp(a.b.sub(power, _word(21)), a.f), a.const(-2.0 * math.log(2.0)))
    return a.unary("sqrt", a.fma(f, _horner(a, f, _LOG), rest))


@intrinsic
def normals(typingctx: Any, word: Any) -> Any:
    """Two normal numbers (float32) from one random word.

    Its upper 21 bits make the radius, ten the angle over half a circle, and the lowest one says which half.
    """

    def generate(context: Any, builder: Any, signature: Any, args: Sequence[Any]) -> Any:
        a = Arith(builder, types.float32)
        r = _radius(a, args[0])
        ten = builder.sitofp(builder.ashr(builder.shl(args[0], _word(21)), _word(22)), a.f)
        t = a.fma(ten, a.const(math.pi / 1024.0), a.const(math.pi / 2048.0))
        z = a.mul(t, t)
        side = builder.bitcast(builder.xor(builder.bitcast(r, _WORD), builder.shl(args[0], _word(31))), a.f)
        pair = [a.mul(side, _horner(a, z, _COS)), a.mul(a.mul(r, t), _horner(a, z, _SIN))]
        return context.make_tuple(builder, signature.return_type, pair)

    return _tuple(types.float32, 2)(types.uint32), generate


@intrinsic
def uniform(typingctx: Any, word: Any) -> Any:
    """A number inside (0, 1) (float32) from a random word."""

    def generate(context: Any, builder: Any, signature: Any, args: Sequence[Any]) -> Any:
        a = Arith(builder, types.float32)
        odd = builder.or_(builder.lshr(args[0], _word(1)), _word(1))
        return a.mul(builder.sitofp(odd, a.f), a.const(2.0**-31))

    return types.float32(types.uint32), generate


@intrinsic
def spread(typingctx: Any, rows: Any, place: Any, numbers: Any, start: Any, many: Any) -> Any:
    """`many` numbers from `start` on, widened where rows are wider, into a row that begins at `place`.

    Written as one vector: a loop over two arrays would ask in each step whether they overlap.
    """
    if not isinstance(many, types.IntegerLiteral):
        return None
    lanes = many.literal_value

    def generate(context: Any, builder: Any, signature: Any, args: Sequence[Any]) -> Any:
        kinds = [signature.args[0], signature.args[2]]
        held = [context.make_array(kind)(context, builder, args[k]) for kind, k in zip(kinds, (0, 2), strict=True)]
        wide = Arith(builder, kinds[0].dtype)
        ends = [(held[0], args[1], wide.f), (held[1], args[3], ir.FloatType())]
        places = [builder.bitcast(builder.gep(h.data, [at]), ir.VectorType(f, lanes).as_pointer()) for h, at, f in ends]
        value = builder.load(places[1], align=64)
        value = builder.fpext(value, ir.VectorType(wide.f, lanes)) if wide.wide else value
        builder.store(value, places[0], align=64)
        return context.get_dummy_value()

    return types.void(rows, place, numbers, start, many), generate
