"""How far a sample is from having one mode: the dip."""

from __future__ import annotations

import numpy as np

from sneuron.analysis.measure import FloatArray
from sneuron.analysis.spikes import IntArray

__all__ = ["bimodal", "dip"]

_CRITICAL, _SMALL = 0.625, 0.37
"""Of sqrt(n) times the dip of n uniform numbers, 99 % are below _CRITICAL - _SMALL/sqrt(n): n = 10 to 1000."""


def dip(values: FloatArray) -> float:
    """Hartigan's dip: the largest distance of the distribution of a sample from the nearest one with a single mode.

    Convex below the mode, concave above: at the least distance d, twice d is the largest of what the distribution is
    above its greatest convex minorant left of the modal interval, and below its least concave majorant right of it; the
    interval is narrowed until its own distance is no larger (Hartigan & Hartigan 1985, doi:10.1214/aos/1176346577).

    >>> dip(np.array([1.0, 2.0, 3.0, 4.0])), dip(np.array([0.0, 0.0, 1.0, 1.0]))
    (0.125, 0.25)
    """
    u, counts = np.unique(values, return_counts=True)
    above = np.cumsum(counts) / values.size
    below = above - counts / values.size
    low, high, found = 0, u.size - 1, 1.0 / values.size
    while low < high:
        part = slice(low, high + 1)
        x, under, over = u[part], below[part], above[part]
        convex, concave = _hull(x, under), _hull(x, -over)
        minorant, majorant = np.interp(x, x[convex], under[convex]), np.interp(x, x[concave], over[concave])
        gap = majorant - minorant
        knots = np.union1d(convex, concave)
        widest = int(knots[np.argmax(gap[knots])])
        if gap[widest] <= found:
            break
        if widest in convex:
            left, right = widest, int(concave[np.searchsorted(concave, widest)])
        else:
            left, right = int(convex[np.searchsorted(convex, widest, "right") - 1]), widest
        outside = np.concatenate([(over - minorant)[:left], (majorant - under)[right + 1 :]])
        found = max(found, float(outside.max(initial=0.0)))
        low, high = low + left, low + right
    return float(found / 2.0)


def _hull(x: FloatArray, y: FloatArray) -> IntArray:
    """The places of the knots of the greatest convex minorant."""
    xs, ys, kept = x.tolist(), y.tolist(), [0]
    for k in range(1, len(xs)):
        while len(kept) > 1:
            a, b = kept[-2], kept[-1]
            if (ys[b] - ys[a]) * (xs[k] - xs[b]) < (ys[k] - ys[b]) * (xs[b] - xs[a]):
                break
            kept.pop()
        kept.append(k)
    return np.array(kept)


def bimodal(found: float, n: int) -> bool:
    """Whether a dip is larger than that of 99 % of samples of n uniform numbers."""
    return bool(found * np.sqrt(n) > _CRITICAL - _SMALL / np.sqrt(n))
