"""Random numbers by counting: Philox, and keys of points from their content.

A number is drawn from (key, stream, counter) alone: in any order, on any worker, as often as one likes.
"""

from __future__ import annotations

from collections.abc import Mapping

import numpy as np
import numpy.typing as npt

__all__ = ["Words", "philox", "point_keys"]

Words = npt.NDArray[np.uint64]

_LOW = np.uint64(0xFFFFFFFF)
_HALF = np.uint64(32)


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


def point_keys(
    params: Mapping[str, npt.NDArray[np.float64]], repeat: npt.NDArray[np.int64], seed: int | Words
) -> Words:
    """A 64-bit key of each point from its *content*: canonical parameter values and repeat, never its place.

    Parameters
    ----------
    params : mapping of str to array
        Values by canonical name; -0.0 counts as 0.0.
    repeat : array of int
        Number of the repeat.
    seed : int, or array of uint64
        Seed of the study, or one for each point.
    """
    key = np.broadcast_to(np.asarray(seed, dtype=np.uint64), repeat.shape)
    for name in sorted(params):
        stream = int.from_bytes(name.encode()[:8].ljust(8, b"\0"), "little") ^ len(name)
        word = np.ascontiguousarray(params[name] + 0.0).view(np.uint64)
        key = philox(key ^ philox(word, stream, 0x9E3779B97F4A7C15)[0], stream, seed)[0]
    return philox(key ^ repeat.astype(np.uint64), 0x72657065, seed)[0]
