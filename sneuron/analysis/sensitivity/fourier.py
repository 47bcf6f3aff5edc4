"""First and total order by Fourier analysis along curves that fill the space (extended FAST)."""

from __future__ import annotations

import math

import numpy as np
import numpy.typing as npt
import xarray as xr

from sneuron.analysis.sensitivity import walk
from sneuron.analysis.sensitivity.intervals import Remark, bounds_of, flagged, ratio_of, remark_attrs
from sneuron.analysis.sensitivity.sobol import PARAM
from sneuron.labels import CURVE, REPLICATE, ROW

__all__ = ["fourier_indices"]

Floats = npt.NDArray[np.float64]

DIMS = walk.KINDS["curves"]


def fourier_indices(data: xr.Dataset, name: str, ci: float = 0.95) -> xr.Dataset:
    r"""First and total order from the spectrum of an output along each parameter's curve.

    Parameters
    ----------
    data : Dataset
        Dims replicate, curve, row; `curve` names parameters, its attributes say `frequency` and `harmonics`.
    name : str
        Which output; its further dims are carried along.
    ci : float, default 0.95
        Coverage of the intervals.

    Returns
    -------
    Dataset
        `S1`, `ST` over `param`, with `_low` and `_high`; `n_ok`, `n_failed` points of the parameter's curves; `remark`.

    Notes
    -----
    S1: the power at the first M multiples of the parameter's frequency, over the variance. ST: one minus the power
    below half of that frequency, where all others lie. Saltelli, Tarantola & Chan 1999,
    doi:10.1080/00401706.1999.10485594.
    Intervals are Student's over replicates, which have other phases; that frequencies interfere is a bias which they do
    not show. Where points of a curve are lacking, coefficients are means over those that are there, and the power that
    the lacking ones add by chance, (lacking share) x variance/(points), is taken off.
    """
    names = [str(n) for n in data[CURVE].values]
    fast, harmonics = int(data[CURVE].attrs["frequency"]), int(data[CURVE].attrs["harmonics"])
    parts: list[tuple[Floats, ...]] = []
    for block in walk.blocks(data, name, DIMS):
        parts += [_powers(replicate, fast, harmonics) for replicate in block]
    own, low, spread, count, least, most = (np.stack(p) for p in zip(*parts, strict=True))
    first, rest = ratio_of(own, spread, ci), ratio_of(low, spread, ci)
    found = {**bounds_of("S1", first), **bounds_of("ST", (1 - rest[0], rest[1]))}
    total = count.sum(axis=0)
    constant, few = least.min(axis=0) >= most.max(axis=0), total < 4 * fast
    made = {n: np.where(constant | few, np.nan, v) for n, v in found.items()}
    lead = {PARAM: names}
    counts = {"n_ok": total, "n_failed": data.sizes[REPLICATE] * data.sizes[ROW] - total}
    marks = {Remark.CONSTANT_OUTPUT: constant, Remark.TOO_FEW_POINTS: few}
    shown = {n: walk.labelled(v, lead, data, name, DIMS) for n, v in {**made, **counts}.items()}
    remark = walk.labelled(flagged(total.shape, marks), lead, data, name, DIMS, remark_attrs())
    return xr.Dataset({**shown, "remark": remark})


def _powers(curve: Floats, fast: int, harmonics: int) -> tuple[Floats, ...]:
    """Power at multiples of a parameter's frequency, power below them, variance, count, extremes."""
    good = ~np.isnan(curve)
    rows, count = curve.shape[1], good.sum(axis=1)
    many = np.where(count > 1, count, np.nan)
    mean = np.where(good, curve, 0.0).sum(axis=1) / many
    off = np.where(good, curve - mean[:, None], 0.0)
    spread = (off**2).sum(axis=1) / many
    power = 2 * np.abs(np.fft.rfft(off, axis=1) / many[:, None]) ** 2
    power -= ((rows - count) / rows * 2 * spread / many)[:, None]
    own = power[:, fast * np.arange(1, harmonics + 1)].sum(axis=1)
    low = power[:, 1 : fast // 2 + 1].sum(axis=1)
    ends = (np.where(good, curve, end) for end in (math.inf, -math.inf))
    least, most = next(ends).min(axis=1), next(ends).max(axis=1)
    return own, low, np.where(least < most, spread, np.nan), count, least, most
