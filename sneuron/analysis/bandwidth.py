"""Bandwidth of a Gaussian kernel chosen from the spikes themselves, fixed or locally adaptive.

Both minimise the expected squared distance between the kernel rate and the unknown rate of an inhomogeneous Poisson
process: Shimazaki & Shinomoto 2010, doi:10.1007/s10827-009-0180-4.
"""

from __future__ import annotations

from functools import cache

import numpy as np

from sneuron.analysis.measure import FloatArray

__all__ = ["adaptive", "optimal"]

FEWEST = 3
"""Spikes below which no bandwidth is defined."""

_ROOT = float(np.sqrt(2 * np.pi))
_SCAN, _REFINE = 48, 24
_GRID, _WIDTHS, _STIFFNESS = 512, 32, 24
_BLOCK = 1 << 20


def optimal(times: FloatArray, start: float, stop: float) -> float:
    """The fixed bandwidth (ms) of least expected squared error; NaN with fewer than 3 spikes.

    The cost of bandwidth w is the double sum of k of width sqrt(2) w over all pairs, less twice the sum of k of width w
    over pairs of different spikes. It is scanned on a log scale from a tenth of the mean interval (or the window's
    10,000th part) to the window's length, then refined by golden section. The work grows with the square of the number
    of spikes.

    >>> 20 < optimal(np.array([100.0, 130, 150, 170, 200, 600, 630, 650, 680, 700]), 0, 1000) < 60
    True
    """
    if times.size < FEWEST:
        return np.nan
    span = stop - start
    low = max(span / 10_000, 0.1 * span / times.size)
    widths = np.geomspace(low, span, _SCAN)
    best = int(np.argmin([_cost(times, w) for w in widths]))
    return _golden(times, widths[max(best - 1, 0)], widths[min(best + 1, _SCAN - 1)])


def adaptive(times: FloatArray, start: float, stop: float) -> FloatArray:
    """A bandwidth (ms) for each spike, narrow where the rate changes quickly; NaN with fewer than 3 spikes.

    On a grid of 512 cells the locally best fixed bandwidth is found for every length W of a local window; the window
    is then the longest whose best bandwidth is still at least gamma W, smoothed over its length; and the stiffness
    gamma is the one whose rate costs least as a whole. Unlike in the paper, a kernel's width belongs to the spike and
    not to the time where the rate is read, so that each spike keeps unit mass. It pays where the rate changes suddenly;
    on slowly varying rates it follows chance, and `optimal` is closer.
    """
    if times.size < FEWEST:
        return np.full(times.size, np.nan)
    step = (stop - start) / _GRID
    cell = np.clip(((times - start) / step).astype(np.int64), 0, _GRID - 1)
    density = np.bincount(cell, minlength=_GRID) / step
    widths = np.geomspace(2 * step, stop - start, _WIDTHS)
    best = _best_local(density, widths, step)
    candidates = [_smoothed(best, widths, gamma, step) for gamma in np.geomspace(0.05, 1.0, _STIFFNESS)]
    costs = [_whole_cost(density, width, step) for width in candidates]
    return np.asarray(candidates[int(np.argmin(costs))][cell])


def _cost(times: FloatArray, width: float) -> float:
    """The cost of a fixed bandwidth: each pair once, in blocks; spikes 12 bandwidths apart no longer count."""
    far = np.searchsorted(times, times + 12 * width, "right")
    rows = max(1, _BLOCK // times.size)
    pairs = 0.0
    for begin in range(0, times.size, rows):
        end = min(begin + rows, times.size)
        apart = (times[None, begin : far[end - 1]] - times[begin:end, None]) / width
        square = apart[np.triu_indices(end - begin, 1, apart.shape[1])] ** 2
        pairs += np.exp(-square / 4).sum() / (2 * np.sqrt(np.pi)) - 2 * np.exp(-square / 2).sum() / _ROOT
    return float((times.size / (2 * np.sqrt(np.pi)) + 2 * pairs) / width)


def _golden(times: FloatArray, low: float, high: float) -> float:
    """The least costly bandwidth between `low` and `high`, by golden section on a log scale."""
    share = (np.sqrt(5) - 1) / 2
    a, b = np.log(low), np.log(high)
    for _ in range(_REFINE):
        left, right = b - share * (b - a), a + share * (b - a)
        if _cost(times, float(np.exp(left))) < _cost(times, float(np.exp(right))):
            b = right
        else:
            a = left
    return float(np.exp((a + b) / 2))


@cache
def _transfer(width: float) -> FloatArray:
    """Fourier transform of a unit-mass Gaussian of `width` cells on the padded grid."""
    return np.asarray(np.exp(-0.5 * (2 * np.pi * np.fft.rfftfreq(2 * _GRID) * width) ** 2))


def _blurred(rows: FloatArray, width: float) -> FloatArray:
    """Rows on the grid smoothed by a Gaussian of `width` cells, nothing beyond the ends."""
    return np.fft.irfft(np.fft.rfft(rows, 2 * _GRID) * _transfer(width), 2 * _GRID)[..., :_GRID]


def _best_local(density: FloatArray, widths: FloatArray, step: float) -> FloatArray:
    """For each length of the local window (rows) and each cell, the bandwidth of least local cost."""
    rates = np.array([_blurred(density, w / step) for w in widths])
    cost = rates**2 - 2 * rates * density + 2 * density / (_ROOT * widths[:, None])
    return np.array([widths[np.argmin(_blurred(cost, window / step), axis=0)] for window in widths])


def _smoothed(best: FloatArray, widths: FloatArray, gamma: float, step: float) -> FloatArray:
    """The bandwidth of each cell at stiffness `gamma`, smoothed over its own window."""
    stiff = best / widths[:, None] >= gamma
    longest = np.where(stiff.any(0), widths[_WIDTHS - 1 - np.argmax(stiff[::-1], axis=0)], widths[0])
    width = gamma * longest
    apart = (np.arange(_GRID)[:, None] - np.arange(_GRID)[None, :]) * step / longest
    weight = np.exp(-0.5 * apart**2) / longest
    return np.asarray((weight * width).sum(1) / weight.sum(1))


def _whole_cost(density: FloatArray, width: FloatArray, step: float) -> float:
    """The cost of the rate with these bandwidths, each belonging to the spikes of its cell."""
    held = density > 0
    apart = (np.arange(_GRID)[:, None] - np.nonzero(held)[0][None, :]) * step / width[held]
    rate = (np.exp(-0.5 * apart**2) / (_ROOT * width[held]) * density[held] * step).sum(1)
    return float((rate**2 - 2 * rate * density + 2 * density / (_ROOT * width)).sum() * step)
