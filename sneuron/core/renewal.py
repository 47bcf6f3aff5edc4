"""Spike trains drawn one number at a time: renewal processes in operational time, and copies of mother trains.

Every number is drawn from the key of its train, a purpose and a count, so that it does not matter which trains are
drawn together, or in which order.
"""

from __future__ import annotations

import math
from typing import Any

import numpy as np
from numba import njit
from numpy.typing import NDArray

__all__ = ["folded", "generate"]

Array = NDArray[Any]

_LOW, _HALF, _ELEVEN = np.uint64(0xFFFFFFFF), np.uint64(32), np.uint64(11)
_M0, _M1, _W0, _W1 = np.uint64(0xD2511F53), np.uint64(0xCD9E8D57), np.uint64(0x9E3779B9), np.uint64(0xBB67AE85)
_FOLD, _NEURON, _FIRST, _GAP, _NORMAL, _ACCEPT, _COPY, _SIZE, _CHOICE = range(1, 10)
"""Purposes of random numbers."""


@njit(cache=True, nogil=True)
def words(key: Any, purpose: int, variant: int, count: int) -> Any:
    """Two words of 64 bits: Philox4x32-10, as `sneuron.lang.keys.philox` has them for whole arrays."""
    c0, c1 = np.uint64(count) & _LOW, np.uint64(count) >> _HALF
    c2, c3 = np.uint64(purpose), np.uint64(variant)
    k0, k1 = key & _LOW, key >> _HALF
    for _ in range(10):
        p0, p1 = c0 * _M0, c2 * _M1
        c0, c1, c2, c3 = (p1 >> _HALF) ^ c1 ^ k0, p1 & _LOW, (p0 >> _HALF) ^ c3 ^ k1, p0 & _LOW
        k0, k1 = (k0 + _W0) & _LOW, (k1 + _W1) & _LOW
    return c0 | (c1 << _HALF), c2 | (c3 << _HALF)


@njit(cache=True, nogil=True)
def _unit(word: Any) -> float:
    """A word as a number in (0, 1)."""
    return (float(word >> _ELEVEN) + 0.5) * 2.0**-53


@njit(cache=True, nogil=True)
def _gamma(key: Any, order: float, count: int) -> float:
    """A gamma variate of that order and mean `order`; exponential at order 1.

    Marsaglia & Tsang 2000, doi:10.1145/358407.358414; below order 1 by a power of another uniform number.
    """
    if order == 1.0:
        return -math.log(_unit(words(key, _GAP, 0, count)[0]))
    above = order if order > 1.0 else order + 1.0
    d = above - 1.0 / 3.0
    c = 1.0 / math.sqrt(9.0 * d)
    attempt = 0
    while True:
        first, second = words(key, _NORMAL, attempt, count)
        x = math.sqrt(-2.0 * math.log(_unit(first))) * math.cos(2.0 * math.pi * _unit(second))
        v = (1.0 + c * x) ** 3
        third, fourth = words(key, _ACCEPT, attempt, count)
        if v > 0.0 and math.log(_unit(third)) < 0.5 * x * x + d - d * v + d * math.log(v):
            return d * v if order > 1.0 else d * v * _unit(fourth) ** (1.0 / order)
        attempt += 1


@njit(cache=True, nogil=True)
def _later(t: float, k: int, need: float, grid: Array, hazard: Array) -> tuple[float, int]:
    """Where the integral of the hazard, a straight line between the points of the grid, has grown by `need`."""
    while k < grid.size - 1:
        slope = (hazard[k + 1] - hazard[k]) / (grid[k + 1] - grid[k])
        now = hazard[k] + slope * (t - grid[k])
        left = grid[k + 1] - t
        mass = left * (now + 0.5 * slope * left)
        if need < mass:
            return t + 2.0 * need / (now + math.sqrt(max(now * now + 2.0 * slope * need, 0.0))), k
        need -= mass
        k += 1
        t = grid[k]
    return math.inf, k


@njit(cache=True, nogil=True)
def _waited(t: float, k: int, dead: float, grid: Array) -> tuple[float, int]:
    """A dead time later."""
    t += dead
    while k < grid.size - 1 and t >= grid[k + 1]:
        k += 1
    return t, k


@njit(cache=True, nogil=True)
def _train(
    key: Any, grid: Array, hazard: Array, order: float, dead: float, stationary: bool, times: Array, n: int
) -> tuple[Array, int]:
    """One train, appended to `times` from place `n`; the array grows where it must."""
    t, k, count = grid[0], 0, 0
    need = _gamma(key, order, count) / order
    if not stationary:
        t, k = _waited(t, k, dead, grid)
    elif dead > 0.0 or order != 1.0:
        first, second = words(key, _FIRST, 0, 0)
        if _unit(first) < hazard[0] * dead / (1.0 + hazard[0] * dead):
            t, k = _waited(t, k, dead * _unit(second), grid)
        elif order != 1.0:
            need = _unit(second) * _gamma(key, order + 1.0, count) / order
    while True:
        t, k = _later(t, k, need, grid, hazard)
        if not t < grid[-1]:
            return times, n
        if n == times.size:
            longer = np.empty(2 * n + 64)
            longer[:n] = times
            times = longer
        times[n] = t
        n += 1
        count += 1
        t, k = _waited(t, k, dead, grid)
        need = _gamma(key, order, count) / order


@njit(cache=True, nogil=True)
def _chosen(key: Any, event: int, cumulative: Array, row: Array) -> None:
    """Which trains an event goes to: as many as its amplitude, each set of that size alike (Knuth's algorithm S)."""
    u = _unit(words(key, _SIZE, 0, event)[0])
    size = 0
    while u >= cumulative[size] and size < cumulative.size - 1:
        size += 1
    left = size + 1
    for j in range(row.size):
        row[j] = _unit(words(key, _CHOICE, j, event)[0]) * (row.size - j) < left
        left -= row[j]


@njit(cache=True, nogil=True)
def generate(
    keys: Array, grid: Array, hazard: Array, order: Array, dead: Array, share: Array, cumulative: Array, neurons: int,
    stationary: bool,
) -> tuple[Array, Array]:  # fmt: skip
    """All trains one after the other, and how many spikes each has, dims (point, neuron).

    Parameters
    ----------
    keys : array of uint64, dims (point,)
    grid, hazard : arrays, dims (sample,) in ms, (point, sample) in 1/ms
        Of the trains themselves, or of their mothers where `share` is above 0 or there are amplitudes.
    order, dead, share : arrays, dims (point,)
        Order of the gamma process, dead time (ms), probability that a child takes a spike of its mother.
    cumulative : array, dims (size,)
        Cumulative probability that an event of the mother goes to 1, 2, ... trains; empty for none.
    neurons : int
        Trains for each point.
    stationary : bool
        Whether the process has run for ever; otherwise a spike lies just before the start.
    """
    times, n = np.empty(1024), 0
    counts = np.zeros((keys.size, neurons), np.int64)
    for p in range(keys.size):
        if share[p] == 0.0 and cumulative.size == 0:
            for j in range(neurons):
                own = words(keys[p], _NEURON, j, 0)[0]
                before = n
                times, n = _train(own, grid, hazard[p], order[p], dead[p], stationary, times, n)
                counts[p, j] = n - before
            continue
        mother, m = _train(keys[p], grid, hazard[p], order[p], dead[p], stationary, np.empty(1024), 0)
        taken = np.empty((m, neurons), np.bool_)
        for i in range(m):
            if cumulative.size:
                _chosen(keys[p], i, cumulative, taken[i])
                continue
            for j in range(neurons):
                taken[i, j] = _unit(words(keys[p], _COPY, j, i)[0]) < share[p]
        if n + taken.sum() > times.size:
            longer = np.empty(2 * (n + taken.sum()))
            longer[:n] = times[:n]
            times = longer
        for j in range(neurons):
            before = n
            for i in range(m):
                if taken[i, j]:
                    times[n] = mother[i]
                    n += 1
            counts[p, j] = n - before
    return times[:n], counts


@njit(cache=True, nogil=True)
def folded(keys: Array, values: Array) -> Array:
    """Keys into which the bits of further values have gone, dims (point,) and (point, value)."""
    made = keys.copy()
    for p in range(keys.size):
        for i in range(values.shape[1]):
            made[p] = words(made[p] ^ words(values[p, i], _FOLD, 0, i)[0], _FOLD, 1, i)[0]
    return made
