"""Designs of sample points: any coordinate of any point is computed from its number alone.

Sobol and Halton sequences and the random design are *nested*: the first k points of n
are the k points of the smaller design, so a study may grow. A latin hypercube is not.
All four are addressed by point number, in any order, with nothing stored.
"""

from __future__ import annotations

import functools
import math
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np
import numpy.typing as npt

from sneuron import errors
from sneuron.lang.keys import Words, philox

__all__ = ["KINDS", "NESTED", "draw", "keyed_permutation", "marginal_of"]

Floats = npt.NDArray[np.float64]

KINDS = ("sobol", "halton", "lhs", "random")
NESTED = frozenset(["sobol", "halton", "random"])
_BITS = 52
_TINY = 2.0**-54


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
    vectors, shift = _sobol_tables(columns, seed, scramble)
    gray = index ^ (index >> np.uint64(1))
    out = np.full(index.shape, shift[column], dtype=np.uint64)
    for bit in range(int(gray.max(initial=0)).bit_length()):
        out ^= ((gray >> np.uint64(bit)) & np.uint64(1)) * vectors[column, bit]
    return out.astype(np.float64) * 2.0**-_BITS


@functools.lru_cache(maxsize=16)
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


@dataclass(frozen=True)
class Marginal:
    """How a coordinate in (0, 1) becomes a value: `uniform`, `log`, `choice`, or a distribution of scipy.stats."""

    kind: str
    args: tuple[float, ...] = ()
    kwds: tuple[tuple[str, float], ...] = ()

    def values(self, unit: Floats) -> Floats:
        """The values at the coordinates `unit`."""
        if self.kind == "uniform":
            return self.args[0] + (self.args[1] - self.args[0]) * unit
        if self.kind == "log":
            return self.args[0] * np.power(self.args[1] / self.args[0], unit)
        if self.kind == "choice":
            return np.array(self.args)[np.minimum((unit * len(self.args)).astype(np.int64), len(self.args) - 1)]
        return np.asarray(_frozen(self.kind, self.args, self.kwds).ppf(unit), dtype=np.float64)

    def support(self) -> tuple[float, float]:
        """Lowest and highest value that can come out."""
        if self.kind in ("uniform", "log", "choice"):
            return min(self.args), max(self.args)
        low, high = _frozen(self.kind, self.args, self.kwds).support()
        return float(low), float(high)

    def to_json(self) -> dict[str, Any]:
        """Plain data."""
        return {"kind": self.kind, "args": list(self.args), "kwds": dict(self.kwds)}

    @classmethod
    def from_json(cls, data: Mapping[str, Any]) -> Marginal:
        """The inverse of `to_json`."""
        return cls(str(data["kind"]), tuple(data["args"]), tuple(sorted(data["kwds"].items())))


def marginal_of(frozen: Any, where: str) -> Marginal:
    """The marginal of a frozen distribution of scipy.stats, checked to be one that can be written down."""
    name = frozen.dist.name
    try:
        args = tuple(float(a) for a in frozen.args)
        kwds = tuple(sorted((str(k), float(v)) for k, v in frozen.kwds.items()))
        _frozen(name, args, kwds).ppf(0.5)
    except (TypeError, ValueError, AttributeError) as cause:
        raise errors.ParameterError(
            where,
            f"the distribution {name!r} with these arguments cannot be written down",
            mend="Use a continuous one of scipy.stats.",
        ) from cause
    return Marginal(name, args, kwds)


@functools.lru_cache(maxsize=256)
def _frozen(name: str, args: tuple[float, ...], kwds: tuple[tuple[str, float], ...]) -> Any:
    import scipy.stats

    family = getattr(scipy.stats, name)
    if not isinstance(family, scipy.stats.rv_continuous):
        raise TypeError(f"{name} is no continuous distribution")
    return family(*args, **dict(kwds))
