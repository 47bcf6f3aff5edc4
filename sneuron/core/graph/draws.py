"""Edges drawn one number at a time; every number from the key of its graph, a purpose, a row and a count."""

from __future__ import annotations

import math
from typing import Any

import numpy as np
from numba import njit
from numpy.typing import NDArray

from sneuron.core.renewal import words

__all__ = ["attached", "chances", "chosen", "distances", "marked", "ordered", "rewired", "uniforms"]

Array = NDArray[Any]

_LOW, _HALF, _ELEVEN = np.uint64(0xFFFFFFFF), np.uint64(32), np.uint64(11)
_CHOICE, _SKIP, _THIN, _REWIRE, _TARGET, _ATTACH, _MARK = range(101, 108)
"""Purposes of random numbers; `uniforms` takes others."""


@njit(cache=True, nogil=True)
def _unit(word: Any) -> float:
    """A word as a number in (0, 1)."""
    return (float(word >> _ELEVEN) + 0.5) * 2.0**-53


@njit(cache=True, nogil=True)
def uniforms(key: Any, purpose: int, n: int, attempt: int = 0) -> Array:
    """Numbers in (0, 1); others at another attempt."""
    out = np.empty(n)
    for k in range(0, n, 2):
        first, second = words(key, purpose, attempt, k >> 1)
        out[k] = _unit(first)
        if k + 1 < n:
            out[k + 1] = _unit(second)
    return out


@njit(cache=True, nogil=True)
def chosen(key: Any, rows: int, k: int, n: int, own: bool, again: bool) -> Array:
    """For each row k of the numbers below n, all different unless `again`; `own`: never the number of the row.

    Bounded numbers without bias: Lemire 2019, doi:10.1145/3230636. Of more than half of all, the others are drawn.
    """
    space = n - 1 if own else n
    few = k if again or 2 * k <= space else space - k
    out = np.empty((rows, k), np.int32)
    mark = np.full(space, -1, np.int32)
    bound = np.uint64(space)
    least = np.uint64((1 << 32) % max(space, 1))
    for row in range(rows):
        found, count = 0, 0
        first = second = np.uint64(0)
        while found < few:
            if count & 1 == 0:
                if count & 2 == 0:
                    first, second = words(key, _CHOICE, row, count >> 2)
                else:
                    first = second
            half = first & _LOW if count & 1 == 0 else first >> _HALF
            count += 1
            wide = half * bound
            drawn = np.int64(wide >> _HALF)
            if wide & _LOW < least or (not again and mark[drawn] == row):
                continue
            mark[drawn] = row
            if few == k:
                out[row, found] = drawn + (1 if own and drawn >= row else 0)
            found += 1
        if few != k:
            found = 0
            for place in range(space):
                if mark[place] != row:
                    out[row, found] = place + (1 if own and place >= row else 0)
                    found += 1
    return out


@njit(cache=True, nogil=True)
def marked(key: Any, n: int, of: int) -> Array:
    """Different numbers below `of`, n of them, in order; a bit for each that there is."""
    few = min(n, of - n)
    bits = np.zeros((of >> 3) + 1, np.uint8)
    found, count = 0, 0
    first = second = np.uint64(0)
    while found < few:
        if count & 1 == 0:
            first, second = words(key, _MARK, 0, count >> 1)
        drawn = np.int64(_unit(first if count & 1 == 0 else second) * of)
        count += 1
        bit = np.uint8(1 << (drawn & 7))
        if bits[drawn >> 3] & bit == 0:
            bits[drawn >> 3] |= bit
            found += 1
    out = np.empty(n, np.int64)
    found = 0
    for place in range(of):
        if (bits[place >> 3] >> np.uint8(place & 7)) & 1 == (1 if few == n else 0):
            out[found] = place
            found += 1
    return out


@njit(cache=True, nogil=True)
def _distance(a: Array, b: Array, period: float) -> float:
    """Between two places; with a finite period the shorter way round."""
    total = 0.0
    for axis in range(a.size):
        step = abs(a[axis] - b[axis])
        if period < math.inf:
            step = min(step, period - step)
        total += step * step
    return math.sqrt(total)


@njit(cache=True, nogil=True)
def distances(pre: Array, post: Array, here: Array, there: Array, period: float) -> Array:
    """Of each edge."""
    out = np.empty(pre.size)
    for k in range(pre.size):
        out[k] = _distance(here[pre[k]], there[post[k]], period)
    return out


@njit(cache=True, nogil=True)
def chances(
    key: Any, group: Array, bounds: Array, chance: Array, own: bool, guess: int,
    here: Array, there: Array, period: float, power: float, scale: float,
) -> tuple[Array, Array]:  # fmt: skip
    """Edges that each exist by chance: how many each row has, and where they end, in order.

    Row r belongs to the group `group[r]`, column c to that between `bounds`; what is skipped from one edge to the next
    is geometric (Batagelj & Brandes 2005, doi:10.1103/PhysRevE.71.036113). With `power` above 0 an edge of length d is
    kept with chance exp(-(d/scale)^power).
    """
    counts = np.zeros(group.size, np.int64)
    out = np.empty(guess, np.int32)
    total = 0
    for row in range(group.size):
        count = 0
        first = second = np.uint64(0)
        for block in range(bounds.size - 1):
            p = chance[block, group[row]]
            if p <= 0.0:
                continue
            per = 1.0 / math.log1p(-p) if p < 1.0 else 0.0
            place = bounds[block] - 1
            while True:
                if count & 1 == 0:
                    first, second = words(key, _SKIP, row, count >> 1)
                gap = math.log(_unit(first if count & 1 == 0 else second)) * per
                count += 1
                if gap >= bounds[block + 1] - place - 1:
                    break
                place += 1 + int(gap)
                if own and place == row:
                    continue
                if power > 0.0:
                    far = (_distance(here[row], there[place], period) / scale) ** power
                    if _unit(words(key, _THIN, row, place)[0]) >= math.exp(-far):
                        continue
                if total == out.size:
                    longer = np.empty(2 * out.size + 64, np.int32)
                    longer[:total] = out
                    out = longer
                out[total] = place
                total += 1
                counts[row] += 1
    return counts, out[:total].copy() if out.size > 1.25 * total else out[:total]


@njit(cache=True, nogil=True)
def _slot(table: Array, edge: Any) -> Any:
    """Where an edge is in the table, or -1 - (the first place that is free for it)."""
    size = np.uint64(table.size - 1)
    at = np.int64((np.uint64(edge) * np.uint64(0x9E3779B97F4A7C15) >> np.uint64(20)) & size)
    free = np.int64(-1)
    while table[at] != -1:
        if table[at] == edge:
            return at
        if table[at] == -2 and free < 0:
            free = at
        at = (at + 1) & np.int64(size)
    return -1 - (at if free < 0 else free)


@njit(cache=True, nogil=True)
def rewired(key: Any, n: int, half: int, p: float) -> tuple[Array, Array]:
    """Two ends of the edges of a ring in which each is rewired by chance; no edge twice, none to itself."""
    size = 64
    while size < 4 * n * half:
        size *= 2
    table = np.full(size, -1, np.int64)
    degree = np.full(n, 2 * half, np.int64)
    a, b = np.empty(n * half, np.int32), np.empty(n * half, np.int32)
    for e in range(n * half):
        a[e], b[e] = e % n, (e % n + e // n + 1) % n
        edge = min(a[e], b[e]) * np.int64(n) + max(a[e], b[e])
        table[-1 - _slot(table, edge)] = edge
    for e in range(n * half):
        i = a[e]
        if _unit(words(key, _REWIRE, 0, e)[0]) >= p or degree[i] >= n - 1:
            continue
        attempt = 0
        while True:
            target = np.int64(_unit(words(key, _TARGET, attempt, e)[0]) * n)
            attempt += 1
            edge = min(i, target) * np.int64(n) + max(i, target)
            if target != i and _slot(table, edge) < 0:
                break
        table[_slot(table, min(i, b[e]) * np.int64(n) + max(i, b[e]))] = -2
        table[-1 - _slot(table, edge)] = edge
        degree[b[e]] -= 1
        degree[target] += 1
        b[e] = target
    return a, b


@njit(cache=True, nogil=True)
def attached(key: Any, n: int, m: int) -> tuple[Array, Array]:
    """Two ends of the edges of a graph that grows from a star of m + 1: newcomers choose m ends of edges, all apart."""
    edges = m * (n - m)
    a, b = np.empty(edges, np.int32), np.empty(edges, np.int32)
    for e in range(m):
        a[e], b[e] = 0, e + 1
    mark = np.full(n, -1, np.int64)
    filled = m
    for new in range(m + 1, n):
        found, attempt, known = 0, 0, filled
        while found < m:
            pick = np.int64(_unit(words(key, _ATTACH, new, attempt)[0]) * (2 * known))
            attempt += 1
            target = a[pick >> 1] if pick & 1 == 0 else b[pick >> 1]
            if mark[target] != new:
                mark[target] = new
                a[filled], b[filled] = new, target
                filled += 1
                found += 1
    return a, b


@njit(cache=True, nogil=True)
def _grouped(by: Array, other: Array, n: int) -> Array:
    """`other` in the order of `by`, otherwise as it was; `by` is put in order too."""
    start = np.zeros(n + 1, np.int64)
    for k in by:
        start[k + 1] += 1
    for k in range(n):
        start[k + 1] += start[k]
    out = np.empty(other.size, np.int32)
    for e in range(by.size):
        out[start[by[e]]] = other[e]
        start[by[e]] += 1
    e = 0
    for k in range(n):
        while e < start[k]:
            by[e] = k
            e += 1
    return out


@njit(cache=True, nogil=True)
def _falls(first: Array, second: Array) -> bool:
    """Whether edges are not in order of the first, then of the second."""
    for k in range(1, first.size):
        if first[k] < first[k - 1] or (first[k] == first[k - 1] and second[k] < second[k - 1]):
            return True
    return False


@njit(cache=True, nogil=True)
def ordered(pre: Array, post: Array, n_pre: int, n_post: int) -> tuple[Array, Array]:
    """Edges by pre, and those of one pre by post: sorted in place as far as that goes, 12 bytes an edge at most."""
    if not _falls(pre, post):
        return pre, post
    if _falls(post, post):
        pre = _grouped(post, pre, n_post)
    return pre, _grouped(pre, post, n_pre)
