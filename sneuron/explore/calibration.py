"""Whether a fit can be believed: truths that are known, found again; ranks of truths within what is found."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np
import numpy.typing as npt
import xarray as xr

from sneuron import errors
from sneuron.explore.designs import Design
from sneuron.explore.diagnosis import PARAM, unit_of
from sneuron.explore.objectives import Term
from sneuron.explore.optimisers.base import generator
from sneuron.labels import POINT, STATUS, Status

__all__ = ["CELL", "ranked", "recovered"]

CELL = "cell"
_BINS = 20

Floats = npt.NDArray[np.float64]


def recovered(
    design: Design, again: Callable[[dict[str, float], int], dict[str, float]], n: int, seed: int
) -> xr.Dataset:
    """Truths drawn from the ranges, and what a fit to data that were made with them finds.

    Parameters
    ----------
    design : Design
        What is searched.
    again : callable
        Of true parameters and a number: what a fit to their data finds, with its `loss`.
    n, seed : int
        How many, and the key of the draws.

    Returns
    -------
    Dataset
        `truth(cell, param)`, `estimate(cell, param)`, `loss(cell)`; `error(param)`: the median distance in units of the
        range; `correlation(param)` of truth and estimate over cells.
    """
    names = [name for name, _ in design.columns]
    unit = generator(seed, 1).random((n, len(names)))
    truth = np.stack([m.values(unit[:, k]) for k, (_, m) in enumerate(design.columns)], axis=1)
    found = [again(dict(zip(names, map(float, row), strict=True)), k) for k, row in enumerate(truth)]
    estimate = np.array([[f[name] for name in names] for f in found])
    place = unit_of(design, xr.Dataset({name: ((CELL,), estimate[:, k]) for k, name in enumerate(names)}))
    with np.errstate(invalid="ignore", divide="ignore"):
        related = [np.corrcoef(unit[:, k], place[:, k])[0, 1] if n > 1 else np.nan for k in range(len(names))]
    return xr.Dataset(
        {
            "truth": ((CELL, PARAM), truth, {"long_name": "true value"}),
            "estimate": ((CELL, PARAM), estimate, {"long_name": "value that was found"}),
            "loss": ((CELL,), np.array([f["loss"] for f in found])),
            "error": ((PARAM,), np.median(np.abs(place - unit), axis=0), {"units": "1"}),
            "correlation": ((PARAM,), np.array(related), {"units": "1"}),
        },
        coords={PARAM: names},
    )


def ranked(
    design: Design, terms: tuple[Term, ...], data: xr.Dataset, n: int, draws: int, tolerance: float, seed: int
) -> xr.Dataset:
    """Simulation-based calibration: the rank of each truth among draws from its own posterior, which must be uniform.

    Parameters
    ----------
    design, terms : Design, tuple of Term
        What is searched, and which outputs are compared, on which scale.
    data : Dataset
        Evaluations drawn from the ranges (method "random" or "sobol").
    n, draws : int
        Truths, and draws from the posterior of each.
    tolerance : float
        How near outputs must be, in `sd` of their terms, each of them.
    seed : int
        Key of the draws.

    Returns
    -------
    Dataset
        `rank(cell, param)` from 0 to `draws`; `p_value(param)` of the chi-squared test of uniform ranks;
        `attrs["skipped"]`: truths with fewer than `draws` points near enough.

    Raises
    ------
    DataError
        Too few points for a single truth.

    Notes
    -----
    Truths are evaluations themselves, the posterior of each is made of the others that come near enough. Its data are
    moved at random within the tolerance: then the posterior is exact for data so moved, and ranks are uniform for any
    tolerance (Fearnhead & Prangle 2012, doi:10.1111/j.1467-9868.2011.01010.x). Talts et al. 2018, arXiv:1804.06788.
    """
    x, unit = _outputs(terms, data), unit_of(design, data)
    good = np.flatnonzero((data[STATUS].values == Status.OK) if data[STATUS].ndim == 1 else np.isfinite(x).all(1))
    good = good[np.isfinite(x[good]).all(1)]
    rng = generator(seed, 2)
    ranks, skipped = [], 0
    for truth in rng.permutation(good)[:n]:
        seen = x[truth] + tolerance * rng.uniform(-1, 1, x.shape[1])
        near = good[(np.abs(x[good] - seen) <= tolerance).all(1)]
        near = near[near != truth]
        if len(near) < draws:
            skipped += 1
            continue
        chosen = unit[rng.choice(near, draws, replace=False)]
        ranks.append((chosen < unit[truth]).sum(0))
    if not ranks:
        mend = "Give a larger tolerance, fewer draws, or more evaluations."
        raise errors.DataError("calibrate", f"no truth has {draws} points near enough", mend=mend)
    return _tested(np.array(ranks), draws, [n_ for n_, _ in design.columns], skipped)


def _outputs(terms: tuple[Term, ...], data: xr.Dataset) -> Floats:
    """What was compared, in units of its scale, one row a point."""
    columns: list[Any] = []
    for term in terms:
        value = (data[term.stored] / term.sd).transpose(POINT, ...).values
        columns.append(value.reshape(len(value), -1))
    return np.concatenate(columns, axis=1)


def _tested(ranks: npt.NDArray[np.int64], draws: int, names: list[str], skipped: int) -> xr.Dataset:
    from scipy.stats import chisquare

    bins = max(2, min(_BINS, len(ranks) // 20, draws + 1))
    edges = np.linspace(0, draws + 1, bins + 1)
    inside = np.diff(np.ceil(edges))
    expected = len(ranks) * inside / inside.sum()
    p = [float(chisquare(np.histogram(r, np.ceil(edges))[0], expected).pvalue) for r in ranks.T]
    return xr.Dataset(
        {
            "rank": ((CELL, PARAM), ranks, {"units": "1", "long_name": f"rank of the truth among {draws} draws"}),
            "p_value": ((PARAM,), np.array(p), {"units": "1", "long_name": "chi-squared test of uniform ranks"}),
        },
        coords={PARAM: names},
        attrs={"draws": draws, "skipped": skipped},
    )
