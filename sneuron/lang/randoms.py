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
    -0.38630085230113688,
    0.2504477224927182,
    0.078417789579662073,
    0.050420307509632088,
    -0.01944331564501767,
    0.026449349676183488,
)
"""-2 (log(m) - log(2) (m - 1)) / (2 - m) over 2 - m, for 1 <= m <= 2."""

_TURN = math.pi / 2048.0
"""Half of the angle between two rays."""
_SIN = (0.9999992456257644, -0.16665682733816173, 0.008313258731594483, -0.0001852435734349941)
_COS = (0.9999932954603244, -0.4999124400962721, 0.04148774820003178, -0.001271209485246825)
"""sin(t)/t and cos(t), over t^2, for |t| <= pi/2."""
_TURNED_SIN = [c * _TURN ** (2 * k + 1) for k, c in enumerate(_SIN)]
_TURNED_COS = [c * _TURN ** (2 * k) for k, c in enumerate(_COS)]
"""The same for t in parts of `_TURN`."""

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
    """sqrt(-2 log u), with u an odd multiple of 2^-22 from the upper 21 bits of a word.

    The bits of a number in floating point are its logarithm to base 2, but for a polynomial of its mantissa m.
    """
    b = a.b
    bits = b.bitcast(b.sitofp(b.or_(b.lshr(word, _word(10)), _word(1)), a.f), _WORD)
    below = b.sitofp(b.sub(_word((127 + 22) << 23), bits), a.f)
    m = b.bitcast(b.or_(b.and_(bits, _word(0x7FFFFF)), _word(127 << 23)), a.f)
    rest = a.sub(a.const(2.0), m)
    log = a.mul(below, a.const(2.0 * math.log(2.0) / 2.0**23))
    return a.unary("sqrt", a.fma(rest, _horner(a, rest, _LOG), log))


@intrinsic
def normals(typingctx: Any, word: Any) -> Any:
    """Two normal numbers (float32) from one random word.

    Its upper 21 bits make the radius, ten the angle over half a circle, and the lowest one says which half.
    """

    def generate(context: Any, builder: Any, signature: Any, args: Sequence[Any]) -> Any:
        a = Arith(builder, types.float32)
        r = _radius(a, args[0])
        turns = builder.or_(builder.ashr(builder.shl(args[0], _word(21)), _word(21)), _word(1))
        t = builder.sitofp(turns, a.f)
        z = a.mul(t, t)
        side = builder.bitcast(builder.xor(builder.bitcast(r, _WORD), builder.shl(args[0], _word(31))), a.f)
        pair = [a.mul(side, _horner(a, z, _TURNED_COS)), a.mul(a.mul(r, t), _horner(a, z, _TURNED_SIN))]
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
