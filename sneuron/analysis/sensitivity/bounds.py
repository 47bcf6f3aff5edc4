"""What Sobol' indices could be, whatever the failed points had given: bounds in the manner of Manski."""

from __future__ import annotations

from typing import Any

import numpy as np
import numpy.typing as npt
import xarray as xr

from sneuron.analysis.sensitivity import walk
from sneuron.analysis.sensitivity.sobol import DIMS, PARAM, groups_of

__all__ = ["bounds"]

Floats = npt.NDArray[np.float64]
Interval = tuple[Floats, Floats]


def bounds(
    data: xr.Dataset, name: str, sums: xr.Dataset, least: float | None = None, most: float | None = None
) -> xr.Dataset:
    """The least and the greatest value that S1 and ST of an output could have, had every point given a number.

    Parameters
    ----------
    data, name :
        As for `sobol.sums`.
    sums : Dataset
        Of the same output.
    least, most : float, optional
        Between which the output of any point lies; the extremes that were observed when omitted.

    Returns
    -------
    Dataset
        `S1_least`, `S1_most`, `ST_least`, `ST_most` over `param` and the output's dims: outer bounds of the estimates
        within 0 to 1; what sampling adds is in the intervals, not here.

    Notes
    -----
    Interval arithmetic on every term of the sums, with a failed output anywhere between `least` and `most`; the
    variance is least when failed points lie at the mean, and greatest when they lie at both ends. Manski 2003, Partial
    Identification of Probability Distributions, doi:10.1007/b97478.
    """
    groups, _ = groups_of(data)
    flat = {str(n): v.values.reshape(-1) for n, v in sums.items() if n in ("centre", "least", "most")}
    many = sums["n"].values.sum(axis=0).reshape(-1)
    centre = flat["centre"] + sums["level"].values.sum(axis=0).reshape(-1) / np.maximum(many, 1)
    ends = tuple((flat[k] if v is None else v) - centre for k, v in (("least", least), ("most", most)))
    totals: dict[str, Any] = {}
    for block in walk.blocks(data, name, DIMS):
        _add(totals, block[:, :, : 2 + len(groups)] - centre, ends)
    first, total = _within(totals, ends)
    found = {"S1_least": first[0], "S1_most": first[1], "ST_least": total[0], "ST_most": total[1]}
    return xr.Dataset({n: walk.labelled(v, {PARAM: groups}, data, name, DIMS) for n, v in found.items()})


def _add(totals: dict[str, Any], block: Floats, ends: Interval) -> None:
    """Add the least and greatest value of every term of a step, summed over rows and replicates."""
    lacking = np.isnan(block)
    low, high = (np.where(lacking, end, block) for end in ends)
    a, b, ab = ((low[:, :, k], high[:, :, k]) for k in (slice(0, 1), slice(1, 2), slice(2, None)))
    change = ab[0] - a[1], ab[1] - a[0]
    first = _product(b, change)
    widest = np.maximum(change[0] ** 2, change[1] ** 2)
    nearest = np.where((change[0] < 0) & (change[1] > 0), 0.0, np.minimum(change[0] ** 2, change[1] ** 2))
    level = block[:, :, :2]
    parts = {
        "first": np.stack([part.sum(axis=(0, 1)) for part in first]),
        "shift": np.stack([part.sum(axis=(0, 1)) for part in change]),
        "total": np.stack([part.sum(axis=(0, 1)) for part in (nearest, widest)]),
        "rows": float(block.shape[0] * block.shape[1]),
        "lacking": lacking[:, :, :2].sum(axis=(0, 1, 2)),
        "square": np.where(np.isnan(level), 0.0, level**2).sum(axis=(0, 1, 2)),
    }
    for key, value in parts.items():
        totals[key] = totals.get(key, 0.0) + value


def _within(totals: dict[str, Any], ends: Interval) -> tuple[Interval, Interval]:
    """Bounds of first and total order: ratios of intervals, within 0 to 1."""
    rows, lacking = totals["rows"], totals["lacking"]
    share = lacking / (2 * rows)
    spread = _spreads(totals["square"] / (2 * rows), share, ends)
    drift = share * np.maximum(np.abs(ends[0]), np.abs(ends[1]))  # how far the mean may lie from the observed one
    slack = drift * np.abs(totals["shift"] / rows).max(axis=0)
    first = totals["first"][0] / rows - slack, totals["first"][1] / rows + slack
    total = totals["total"][0] / (2 * rows), totals["total"][1] / (2 * rows)
    return _ratio(first, spread), _ratio(total, spread)


def _spreads(square: Floats, share: Floats, ends: Interval) -> Interval:
    """Least and greatest variance of deviations whose observed part has mean 0 and this mean square over all."""
    low, high = ends
    width = np.where(high > low, high - low, 1.0)
    top = np.clip((0.5 * (high**2 - low**2) / width - share * low) / width, 0.0, share)
    mean = top * high + (share - top) * low
    return square, square + top * high**2 + (share - top) * low**2 - mean**2


def _ratio(above: Interval, below: Interval) -> Interval:
    """The interval of a ratio, within 0 to 1; an output that may be constant may have any index."""
    small = np.where(below[0] > 0, below[0], np.nan), np.where(below[1] > 0, below[1], np.nan)
    low = above[0] / np.where(above[0] > 0, small[1], small[0])
    high = above[1] / np.where(above[1] > 0, small[0], small[1])
    return np.clip(np.nan_to_num(low, nan=0.0), 0.0, 1.0), np.clip(np.nan_to_num(high, nan=1.0), 0.0, 1.0)


def _product(one: Interval, other: Interval) -> Interval:
    """The interval of a product."""
    corners = [x * y for x in one for y in other]
    return np.minimum.reduce(corners), np.maximum.reduce(corners)
