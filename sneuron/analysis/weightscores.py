"""Scores of signals of many synapses (or neurons) over snapshots, dims (snapshot, synapse): one point at a time."""

from __future__ import annotations

import math

import numpy as np
import numpy.typing as npt

from sneuron.analysis.measure import FloatArray

__all__ = [
    "contrast",
    "drifted",
    "flattened",
    "growth",
    "leading",
    "memory",
    "oscillation",
    "spread_between",
]

_FACTOR, _TROUGH, _PEAK, _SIZE = 2.0, -0.3, 0.3, 0.1
"""Growth of the root mean square that counts; an oscillation's autocorrelation; what a tolerance is of the size."""


def _windows(w: FloatArray, windows: int) -> FloatArray:
    """Values in windows of one length, dims (window, snapshot, synapse); what is over at the start is not used."""
    length = len(w) // windows
    return w[len(w) - windows * length :].reshape(windows, length, w.shape[1])


def flattened(w: FloatArray, windows: int) -> FloatArray:
    """The mean of each window."""
    return np.asarray(_windows(w, windows).mean((1, 2)))


def spread_between(means: FloatArray) -> float:
    """The coefficient of variation of means; NaN where their mean is 0."""
    mean = float(means.mean())
    return float(means.std() / abs(mean)) if mean else math.nan


def contrast(w: FloatArray, windows: int) -> tuple[float, float, float]:
    """How far the windows are from the last one: distance of Kolmogorov, its chance, and Wasserstein's of the first.

    A window counts as one snapshot, since weights remember; the chance is that of the largest of all distances.
    """
    parts = np.sort(_windows(w, windows).reshape(windows, -1), axis=1)
    last, n = parts[-1], parts.shape[1]
    distance = max(_kolmogorov(part, last) for part in parts[:-1])
    chance = min(1.0, 2.0 * (windows - 1) * math.exp(-w.shape[1] * distance**2))
    return distance, chance, float(np.abs(parts[0] - last).sum() / n)


def _kolmogorov(a: FloatArray, b: FloatArray) -> float:
    """The largest distance of the distributions of two sorted samples."""
    both = np.concatenate([a, b])
    return float(np.abs(np.searchsorted(a, both, "right") / a.size - np.searchsorted(b, both, "right") / b.size).max())


def _slopes(w: FloatArray) -> tuple[FloatArray, FloatArray]:
    """The slope of each signal, a snapshot, and what is left without its line."""
    t = np.arange(len(w)) - 0.5 * (len(w) - 1)
    slopes = t @ w / (t @ t)
    return slopes, w - w.mean(0) - t[:, np.newaxis] * slopes


def drifted(w: FloatArray, tolerance: float) -> tuple[float, float, bool]:
    """The mean slope, the chance of its Student's t, and whether it goes far, against spread and size of values."""
    from scipy.special import stdtr

    slopes, _ = _slopes(w)
    n, mean, error = w.shape[1], float(slopes.mean()), 0.0
    far = abs(mean) * len(w) > tolerance * max(float(w.std()), _SIZE * math.sqrt(float((w**2).mean())))
    if n < 2:
        return mean, math.nan, far
    error = float(slopes.std(ddof=1)) / math.sqrt(n)
    if error <= 1e-12 * abs(mean):
        return mean, 0.0 if mean else 1.0, far
    return mean, float(2.0 * stdtr(n - 1, -abs(mean) / error)), far


def growth(w: FloatArray, windows: int) -> tuple[float, bool]:
    """The slope of the log of the root mean square, and whether it grows as an exponential does, twofold or more."""
    size = np.sqrt((w**2).mean(1))
    if not (size > 0).all():
        return math.nan, False
    slope, _ = _slopes(np.log(size)[:, np.newaxis])
    line = size - _slopes(size[:, np.newaxis])[1][:, 0]
    t = np.arange(len(w)) - 0.5 * (len(w) - 1)
    curve = np.exp(np.log(size).mean() + slope[0] * t)
    parts = np.sqrt((_windows(w, windows) ** 2).mean((1, 2)))
    better = ((size - curve) ** 2).sum() < ((size - line) ** 2).sum()
    return float(slope[0]), bool(parts[-1] >= _FACTOR * parts[0] and better)


def oscillation(w: FloatArray, alpha: float, tolerance: float) -> tuple[float, bool]:
    """The period (snapshots) of an oscillation, and whether there is one: in each signal, or in their mean.

    The mean counts only where its power at a frequency is more than independent signals would have by chance.
    """
    _, rest = _slopes(w)
    least = tolerance * _SIZE * math.sqrt(float((w**2).mean()))
    if rest.std() > least:
        period, found = _swing(rest)
        if found:
            return period, True
    mean = rest.mean(1, keepdims=True)
    if w.shape[1] > 1 and mean.std() > least:
        power = np.abs(np.fft.rfft(rest, axis=0)) ** 2
        own = np.abs(np.fft.rfft(mean[:, 0])) ** 2
        ratio = w.shape[1] * own[2:] / np.maximum(power[2:].mean(1), 1e-300)
        if ratio.max() > -math.log(alpha / ratio.size):
            return _swing(mean)
    return math.nan, False


def _swing(rest: FloatArray) -> tuple[float, bool]:
    """Trough and peak of the autocorrelation of signals without their trends."""
    n = len(rest)
    power = (np.abs(np.fft.rfft(rest, 2 * n, axis=0)) ** 2).sum(1)
    r = np.fft.irfft(power, 2 * n)[: n // 2 + 1]
    r = r / r[0]
    trough = int(np.argmin(r))
    if r[trough] > _TROUGH:
        return math.nan, False
    peak = trough + int(np.argmax(r[trough:]))
    return float(peak), bool(r[peak] > _PEAK)


def memory(w: FloatArray) -> tuple[float, float]:
    """Time constant and half-life (snapshots) of the correlation across synapses; inf where it does not fall."""
    rest = w - w.mean(1, keepdims=True)
    n = len(w)
    if w.shape[1] < 2 or not rest.std() > 1e-12 * np.abs(w).max():
        return math.nan, math.nan
    products = np.fft.irfft((np.abs(np.fft.rfft(rest, 2 * n, axis=0)) ** 2).sum(1), 2 * n)[: n // 2 + 1]
    energy = (rest**2).sum(1)
    before, after = np.cumsum(energy)[::-1][: n // 2 + 1], np.cumsum(energy[::-1])[::-1][: n // 2 + 1]
    r = products / np.sqrt(np.maximum(before * after, 1e-300))
    low = np.flatnonzero(r < 0.3)
    lags = np.arange(1, low[0] if low.size and low[0] > 1 else n // 2 + 1 if not low.size else 2)
    fall = -float(lags @ np.log(np.maximum(r[lags], 1e-12)) / (lags @ lags))
    below = np.flatnonzero(r < 0.5)
    half = math.inf
    if below.size:
        k = int(below[0])
        half = k - 1 + float((r[k - 1] - 0.5) / (r[k - 1] - r[k]))
    return 1.0 / fall if fall > 1e-12 else math.inf, half


def leading(w: FloatArray, pre: npt.NDArray[np.int64], post: npt.NDArray[np.int64]) -> tuple[float, float]:
    """Spectral radius of the matrix of weights, and largest real part of an eigenvalue; NaN without a synapse."""
    there = (pre >= 0) & (post >= 0)
    if not there.any():
        return math.nan, math.nan
    ends = pre[there].astype(np.int64), post[there].astype(np.int64)
    n = int(max(e.max() for e in ends)) + 1
    matrix = np.zeros((n, n))
    np.add.at(matrix, ends[::-1], w[there])
    values = np.linalg.eigvals(matrix)
    return float(np.abs(values).max()), float(values.real.max())
