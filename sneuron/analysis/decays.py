"""The membrane time constant from the fall of the voltage after the onset of a negative step, as eFEL defines it."""

from __future__ import annotations

import numpy as np

from sneuron.analysis.measure import FloatArray

__all__ = ["time_constant"]

_FLAT = -5e-3
"""A slope (mV/ms) above which the voltage no longer falls."""

_SKIP, _STEADY, _FEWEST, _PLATEAU = 10, 5, 10, 70.0
"""Samples skipped for a transient, falling ones in a row, fewest of a fall; how long (ms) the mean must be flat."""

_WIDEST, _NARROW, _GOLDEN = 5.0, 0.01, 1.618033988
"""The search of the asymptote: from 0 to so many mV below the last voltage, until it is so narrow."""


def time_constant(v: FloatArray, t: FloatArray, start: float, stop: float) -> float:
    """Time constant (ms) of one trace with a negative step from `start` to `stop` (ms); NaN where it does not fall.

    >>> t = np.arange(0.0, 600.0, 0.1)
    >>> fall = -70.0 - 10.0 * (1 - np.exp(-(t - 100).clip(0) / 15))
    >>> round(time_constant(fall, t, 100.0, 500.0))
    15
    """
    first, middle = int(np.searchsorted(t, start)) + _SKIP, int(np.searchsorted(t, (start + stop) / 2))
    if middle >= t.size or middle - first < _FEWEST:
        return float("nan")
    part, time = v[first:middle], t[first:middle]
    slope = _stencil(part) / _stencil(time)
    falling = np.asarray(np.lib.stride_tricks.sliding_window_view(slope <= _FLAT, _STEADY).all(-1))
    if not falling[:-1].any():
        return float("nan")
    begin = int(np.argmax(falling))
    end = _plateau(slope, time, begin, t[middle] - _PLATEAU)
    if end - begin < _FEWEST:
        return float("nan")
    return _fitted(part[begin:end], time[begin:end])


def _stencil(x: FloatArray) -> FloatArray:
    """Differences of samples by five points, by fewer at the ends."""
    out = np.gradient(x)
    out[2:-2] = (-x[4:] + 8 * x[3:-1] - 8 * x[1:-3] + x[:-4]) / 12
    return out


def _plateau(slope: FloatArray, time: FloatArray, begin: int, latest: float) -> int:
    """Where the fall ends: no longer steep here, nor in the mean over the time after."""
    last = max(begin, int(np.searchsorted(time, latest)))
    for k in begin + np.nonzero(slope[begin:last] > _FLAT)[0]:
        ahead = slope[k : k + int(np.searchsorted(time[k:] - time[k], _PLATEAU))]
        if ahead.mean() > _FLAT:
            return int(k)
    return last


def _fitted(v: FloatArray, t: FloatArray) -> float:
    """Golden-section search for the asymptote for which the logarithm is straightest; the time constant of its line."""
    low, high = 0.0, _WIDEST
    inner = (low * _GOLDEN + high) / (1 + _GOLDEN)
    tau, least = _line(v, t, inner)
    right = True
    while high - low > _NARROW:
        there = (inner * _GOLDEN + high) / (1 + _GOLDEN) if right else (low + _GOLDEN * inner) / (1 + _GOLDEN)
        tau, rest = _line(v, t, there)
        if rest < least:
            low, high = (inner, high) if right else (low, inner)
            inner, least = there, rest
        else:
            low, high = (low, there) if right else (there, high)
            right = not right
    return tau


def _line(v: FloatArray, t: FloatArray, below: float) -> tuple[float, float]:
    """Time constant and relative squared rest of a line through the logarithm of v above an asymptote."""
    above = v - v[-1] + below
    if not (above > 0).all():
        return float("nan"), float("nan")
    height = np.log(above)
    x, y = t - t.mean(), height - height.mean()
    slope = (x * y).sum() / (x**2).sum()
    rest = ((y - slope * x) ** 2).sum() / np.ptp(height) ** 2
    return float(-1 / slope), float(rest)
