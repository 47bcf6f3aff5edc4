"""Designs of sample points: any coordinate of any point is computed from its number alone.

Sobol and Halton sequences and the random design are *nested*: the first k points of n
are the k points of the smaller design, so a study may grow. A latin hypercube is not.
All four are addressed by point number, in any order, with nothing stored.
"""

from __future__ import annotations

import functools
import math

import numpy as np
import numpy.typing as npt

from sneuron import errors
from sneuron.lang.keys import Words, philox

__all__ = ["KINDS", "NESTED", "draw", "keyed_permutation", "nested_sobol"]

Floats = npt.NDArray[np.float64]

KINDS = ("sobol", "halton", "lhs", "random")
NESTED = frozenset(["sobol", "halton", "random"])
_BITS = 52
_TINY = 2.0**-54
_NODES, _LEVELS, _DEEP = 0x5E450100, 6, 24
"""Stream of the words of a binary tree; levels that a word holds; levels after which there is one word for the rest."""


def draw(kind: str, index: Words, column: int, columns: int, size: int, seed: int, scramble: bool) -> Floats:
    """The coordinate `column` in (0, 1) of the points numbered `index` of a design.

    Parameters
    ----------
    kind : str
        One of `KINDS`.
    index : array of uint64
        Point numbers, in any order.
    column, columns : int
        Which coordinate, of how many.
    size : int
        Points in the design (a latin hypercube depends on it).
    seed : int
        Key of the design.
    scramble : bool
        Randomise a Sobol or Halton sequence (Owen 1998; Matousek 1998).
    """
    if kind not in KINDS:
        raise errors.PlanError("points", f"those of a design of kind {kind!r} are not computed from their numbers")
    if kind == "sobol":
        unit = _sobol(index, column, columns, seed, scramble)
    elif kind == "halton":
        unit = _halton(index, column, seed, scramble)
    elif kind == "lhs":
        unit = (keyed_permutation(index, size, column, seed) + _uniform(index, column, seed)) / size
    else:
        unit = _uniform(index, column, seed)
    return np.clip(unit, _TINY, 1.0 - 2.0**-53)


def nested_sobol(index: Words, column: int, columns: int, seed: int | Words) -> Floats:
    """A coordinate in (0, 1) of the points of a Sobol sequence whose digits are permuted one within the other.

    Each digit is flipped, or not, by a random bit of the node that the digits before it lead to. Errors of such points
    are nearly normal, where those of a random matrix and shift (`draw`) have long tails: only these replicates have
    intervals that hold what they say.

    Parameters
    ----------
    index : array of uint64
        Point numbers, in any order.
    column, columns : int
        Which coordinate, of how many.
    seed : int, or array of uint64
        Key of the scrambling, or that of each point.

    Notes
    -----
    Owen 1995, doi:10.1007/978-1-4612-2552-2_19; their normality: Loh 2003, doi:10.1214/aos/1059655914. Digits after the
    24th are flipped together.
    """
    plain = _sobol_words(index, column, columns, 0, False)
    found = plain.copy()
    for level in range(0, _DEEP, _LEVELS):
        word, _ = philox(plain >> np.uint64(_BITS - level), _NODES + level + (column << 32), seed)
        own = (plain >> np.uint64(_BITS - level - _LEVELS)) & np.uint64((1 << _LEVELS) - 1)
        for depth in range(_LEVELS):
            node = np.uint64((1 << depth) - 1) + (own >> np.uint64(_LEVELS - depth))
            found ^= ((word >> node) & np.uint64(1)) << np.uint64(_BITS - level - 1 - depth)
    word, _ = philox(plain >> np.uint64(_BITS - _DEEP), _NODES + _DEEP + (column << 32), seed)
    found ^= word >> np.uint64(64 - _BITS + _DEEP)
    return np.clip(found.astype(np.float64) * 2.0**-_BITS, _TINY, 1.0 - 2.0**-53)


def keyed_permutation(index: Words, size: int, stream: int, seed: int) -> Words:
    """Where a permutation of 0..size-1, chosen by `stream` and `seed`, sends each number; nothing is stored.

    A balanced Feistel network of six Philox rounds walks its cycles until it lands
    below `size` (Black & Rogaway 2002, doi:10.1007/3-540-45760-7_9).
    """
    half = max(1, math.ceil(math.log2(max(size, 2)) / 2))
    out = _feistel(index, half, stream, seed)
    outside = out >= size
    while outside.any():
        out[outside] = _feistel(out[outside], half, stream, seed)
        outside = out >= size
    return out


def _feistel(value: Words, half: int, stream: int, seed: int) -> Words:
    width, mask = np.uint64(half), np.uint64((1 << half) - 1)
    left, right = value >> width, value & mask
    for turn in range(6):
        word, _ = philox(right | np.uint64((turn + 1) << 56), stream, seed ^ 0x5DEECE66D)
        left, right = right, left ^ (word & mask)
    return (left << width) | right


def _uniform(index: Words, column: int, seed: int) -> Floats:
    word, _ = philox(index, column, seed)
    return ((word >> np.uint64(11)).astype(np.float64) + 0.5) * 2.0**-53


def _sobol(index: Words, column: int, columns: int, seed: int, scramble: bool) -> Floats:
    return _sobol_words(index, column, columns, seed, scramble).astype(np.float64) * 2.0**-_BITS


def _sobol_words(index: Words, column: int, columns: int, seed: int, scramble: bool) -> Words:
    vectors, shift = _sobol_tables(columns, seed, scramble)
    gray = index ^ (index >> np.uint64(1))
    out = np.full(index.shape, shift[column], dtype=np.uint64)
    for bit in range(int(gray.max(initial=0)).bit_length()):
        out ^= ((gray >> np.uint64(bit)) & np.uint64(1)) * vectors[column, bit]
    return out


@functools.lru_cache(maxsize=256)
def _sobol_tables(columns: int, seed: int, scramble: bool) -> tuple[Words, Words]:
    """Direction numbers and digital shift of SciPy's sequence, proved equal on its first points."""
    from scipy.stats import qmc

    engine = qmc.Sobol(columns, scramble=scramble, bits=_BITS, rng=np.random.default_rng(seed))
    vectors = np.array(getattr(engine, "_sv"), dtype=np.uint64)  # noqa: B009
    shift = np.broadcast_to(np.array(getattr(engine, "_shift"), dtype=np.uint64), (columns,)).copy()  # noqa: B009
    first = engine.random(8)
    steps = np.array([_gray_sum(vectors, n) for n in range(8)], dtype=np.uint64) ^ shift
    if not np.array_equal(steps.astype(np.float64) * 2.0**-_BITS, first):
        raise errors.PlanError(
            "sobol", "this SciPy orders its Sobol points otherwise", mend="Use halton() or random()."
        )
    return vectors, shift


def _gray_sum(vectors: Words, number: int) -> Words:
    gray = number ^ (number >> 1)
    chosen = [vectors[:, k] for k in range(3) if gray >> k & 1]
    return np.bitwise_xor.reduce(chosen, axis=0) if chosen else np.zeros(len(vectors), np.uint64)


def _halton(index: Words, column: int, seed: int, scramble: bool) -> Floats:
    """Radical inverse in the prime base of the column; each digit through a keyed permutation of its own."""
    base = _prime(column)
    out, rest, scale = np.zeros(index.shape), index.copy(), 1.0 / base
    for place in range(math.ceil(54 / math.log2(base)) if scramble else 64):
        if not scramble and not rest.any():
            break
        digit = rest % np.uint64(base)
        out += _digits(base, place, column, seed)[digit] * scale if scramble else digit * scale
        rest //= np.uint64(base)
        scale /= base
    return out


@functools.lru_cache(maxsize=4096)
def _digits(base: int, place: int, column: int, seed: int) -> Floats:
    word, _ = philox(np.arange(base, dtype=np.uint64), (place << 32) | column, seed ^ 0x48A170)
    return np.argsort(word, kind="stable").astype(np.float64)


@functools.cache
def _prime(number: int) -> int:
    found, candidate = -1, 1
    while found < number:
        candidate += 1
        if all(candidate % d for d in range(2, math.isqrt(candidate) + 1)):
            found += 1
    return candidate
