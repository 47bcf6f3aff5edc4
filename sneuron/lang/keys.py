"""Random numbers by counting: Philox, and keys of points from their content.

A number is drawn from (key, stream, counter) alone: in any order, on any worker, as often as one likes.
"""

from __future__ import annotations

import hashlib
from collections.abc import Mapping

import numpy as np
import numpy.typing as npt

__all__ = ["Words", "content_keys", "number_words", "philox", "point_keys"]

Words = npt.NDArray[np.uint64]

_LOW = np.uint64(0xFFFFFFFF)
_HALF = np.uint64(32)
_CONTENT = 0x9E3779B97F4A7C15


def philox(counter: Words, stream: int, seed: int | Words) -> tuple[Words, Words]:
    """Two 64-bit words for each counter: Philox4x32-10 with `stream` in the upper counter words.

    Salmon, Moraes, Dror & Shaw (2011), doi:10.1145/2063384.2063405.

    Examples
    --------
    >>> import numpy as np
    >>> [hex(int(w[0])) for w in philox(np.zeros(1, np.uint64), 0, 0)]
    ['0xe169c58d6627e8d5', '0x9b00dbd8bc57ac4c']
    """
    c0, c1 = counter & _LOW, counter >> _HALF
    c2, c3 = np.full_like(c0, stream & 0xFFFFFFFF), np.full_like(c0, stream >> 32)
    key = np.asarray(seed, dtype=np.uint64)
    k0, k1 = key & _LOW, key >> _HALF
    for _ in range(10):
        p0, p1 = c0 * np.uint64(0xD2511F53), c2 * np.uint64(0xCD9E8D57)
        c0, c1, c2, c3 = (p1 >> _HALF) ^ c1 ^ k0, p1 & _LOW, (p0 >> _HALF) ^ c3 ^ k1, p0 & _LOW
        k0, k1 = (k0 + np.uint64(0x9E3779B9)) & _LOW, (k1 + np.uint64(0xBB67AE85)) & _LOW
    return c0 | (c1 << _HALF), c2 | (c3 << _HALF)


def number_words(values: npt.ArrayLike) -> Words:
    """The bits of numbers; -0.0 counts as 0.0."""
    return np.ascontiguousarray(np.asarray(values, dtype=np.float64) + 0.0).view(np.uint64)


def content_keys(words: Mapping[str, Words], seed: int | Words) -> Words:
    """A 64-bit key of each point from its *content*: named words, whatever their order and however they are laid out.

    Parameters
    ----------
    words : mapping of str to array of uint64
        Broadcast against one another.
    seed : int, or array of uint64
        Seed of the study, or one for each point.

    Returns
    -------
    array of uint64
        Of the broadcast shape, at least one dim.
    """
    parts = [philox(np.atleast_1d(word), _stream(name), _CONTENT)[0] for name, word in words.items()]
    total = np.zeros(np.broadcast_shapes(*(p.shape for p in parts), np.shape(seed) or (1,)), np.uint64)
    for part in parts:
        total += part
    return philox(total, _CONTENT, seed)[0]


def point_keys(
    params: Mapping[str, npt.NDArray[np.float64]], repeat: npt.NDArray[np.int64], seed: int | Words
) -> Words:
    """A 64-bit key of each point from its parameter values and its repeat, never from its place.

    Parameters
    ----------
    params : mapping of str to array
        Values by canonical name.
    repeat : array of int
        Number of the repeat.
    seed : int, or array of uint64
        Seed of the study, or one for each point.
    """
    words = {name: number_words(values) for name, values in params.items()}
    return content_keys(words | {"number of the repeat": repeat.astype(np.uint64)}, seed)


def _stream(name: str) -> int:
    return int.from_bytes(hashlib.sha256(name.encode()).digest()[:8], "little")
