"""Sums over trains laid side by side in one flat array.

A train's sum is over its own values alone, in an order that depends on their number only: its bits do not depend on
the trains beside it, nor on any padding.
"""

from __future__ import annotations

import numpy as np
import numpy.typing as npt

from sneuron.analysis.measure import FloatArray
from sneuron.analysis.spikes import IntArray, Trains

__all__ = ["bisect", "blocks", "divided", "intervals", "places", "reduced", "total"]


def total(values: FloatArray, first: IntArray) -> FloatArray:
    """Sum of each segment; 0 for an empty one.

    >>> total(np.array([1.0, 2.0, 4.0]), np.array([0, 2, 2, 3]))
    array([3., 0., 4.])
    """
    return reduced(np.add, values, first, 0.0)


def reduced(ufunc: np.ufunc, values: FloatArray, first: IntArray, empty: float = np.nan) -> FloatArray:
    """`ufunc` reduced over each segment, `empty` for an empty one."""
    out = np.full(first.size - 1, empty)
    held = np.diff(first) > 0
    if held.any():
        out[held] = ufunc.reduceat(values, first[:-1][held])
    return out


def divided(above: npt.ArrayLike, below: npt.ArrayLike) -> FloatArray:
    """`above / below`, NaN where `below` is not positive; never a warning."""
    above, below = np.broadcast_arrays(np.asarray(above, np.float64), np.asarray(below, np.float64))
    out: FloatArray = np.full(below.shape, np.nan)
    np.divide(above, below, out=out, where=below > 0)
    return out


def intervals(trains: Trains) -> tuple[FloatArray, IntArray]:
    """Inter-spike intervals of all trains, and where each train's begin.

    >>> trains = Trains(np.array([1.0, 3.0, 7.0, 2.0, 5.0]), np.array([0, 3, 5]), (2,), np.zeros(2, bool))
    >>> intervals(trains)
    (array([2., 4., 3.]), array([0, 2, 3]))
    """
    gap = np.diff(trains.times)
    inside = np.ones(gap.size, bool)
    crossing = trains.first[1:-1] - 1
    inside[crossing[(crossing >= 0) & (crossing < gap.size)]] = False
    first = np.concatenate(([0], np.cumsum(np.maximum(trains.count - 1, 0))))
    return gap[inside], first


def blocks(sizes: IntArray, most: int) -> list[slice]:
    """Cuts of trains so that the sizes of each sum to `most` or less, or hold one train.

    >>> blocks(np.array([2, 2, 9, 1]), 4)
    [slice(0, 2, None), slice(2, 3, None), slice(3, 4, None)]
    """
    ends = np.cumsum(sizes)
    found, begin = [], 0
    while begin < sizes.size:
        done = ends[begin - 1] if begin else 0
        end = max(begin + 1, int(np.searchsorted(ends, done + most, "right")))
        found.append(slice(begin, end))
        begin = end
    return found


def places(trains: Trains, rows: IntArray) -> tuple[IntArray, IntArray]:
    """Where the spikes of the trains `rows` are, and where each of these trains begins among them.

    >>> places(Trains(np.array([1.0, 3.0, 7.0]), np.array([0, 2, 3]), (2,), np.zeros(2, bool)), np.array([1, 0]))
    (array([2, 0, 1]), array([0, 1, 3]))
    """
    n = trains.count[rows]
    first = np.concatenate(([0], np.cumsum(n)))
    return np.arange(first[-1]) + np.repeat(trains.first[:-1][rows] - first[:-1], n), first


def bisect(values: FloatArray, low: IntArray, high: IntArray, wanted: FloatArray, right: bool) -> IntArray:
    """`searchsorted` of each `wanted` in its own slice `values[low:high]`, as a place in `values`.

    >>> bisect(np.array([1.0, 5.0, 2.0, 3.0]), np.array([0, 2]), np.array([2, 4]), np.array([4.0, 4.0]), False)
    array([1, 4])
    """
    low, high = low.copy(), high.copy()
    for _ in range(int((high - low).max(initial=0)).bit_length()):
        open_ = low < high
        middle = (low + high) // 2
        there = values[np.minimum(middle, max(values.size - 1, 0))]
        below = open_ & ((there <= wanted) if right else (there < wanted))
        low = np.where(below, middle + 1, low)
        high = np.where(open_ & ~below, middle, high)
    return low
