"""The set of equally good points: how large it is, whether it hangs together, and along what it stretches."""

from __future__ import annotations

import math

import numpy as np
import numpy.typing as npt
import xarray as xr

from sneuron import errors
from sneuron.explore.designs import Design
from sneuron.explore.diagnosis import PARAM, unit_of
from sneuron.labels import POINT

__all__ = ["COMPONENT", "good_region"]

COMPONENT = "component"
_Z = 1.959964

Floats = npt.NDArray[np.float64]


def good_region(design: Design, data: xr.Dataset, loss: Floats, level: float) -> xr.Dataset:
    """The points whose loss is no more than `level`, of points that are spread evenly over the ranges.

    Parameters
    ----------
    design : Design
        What was searched.
    data : Dataset
        Evaluations of method "sobol" or "random".
    loss : array (point)
        The loss of each.
    level : float
        What is good enough.

    Returns
    -------
    Dataset
        The good points along `point`, with their `component` (0 is the largest); `volume`, the share of the ranges that
        is good, `volume_low` and `volume_high` (95 %, Wilson 1927); `size(components)`, share of the good points,
        largest first; `correlation(param, with)` of ranks among the good points; `low(param)`, `high(param)`: its ends.

    Raises
    ------
    DataError
        No point is good.

    Notes
    -----
    Two good points hang together when one is among the nearest neighbours of the other among all points, good and bad:
    so many that points of a full region would hang together with certainty. What is thinner than the distance of
    neighbours is not seen; more points show it.
    """
    good = np.flatnonzero(loss <= level)
    if not len(good):
        mend = f"The least loss of {len(loss):,} points is {np.nanmin(loss):.4g}: take a higher level, or more points."
        raise errors.DataError("region", f"no point has a loss of {level:g} or less", mend=mend)
    unit = unit_of(design, data)
    labels_, sizes = _components(unit, good)
    names = [n for n, _ in design.columns]
    found = data.isel({POINT: good}).assign({COMPONENT: ((POINT,), labels_)})
    low, high = _wilson(len(good), len(loss))
    values = np.stack([found[n].values for n in names])
    return found.assign({
        "volume": ((), len(good) / len(loss), {"units": "1", "long_name": "share of the ranges that is good"}),
        "volume_low": ((), low, {"units": "1"}),
        "volume_high": ((), high, {"units": "1"}),
        "size": ((COMPONENT + "s",), sizes, {"units": "1", "long_name": "share of the good points"}),
        "correlation": ((PARAM, "with"), _ranked(values), {"units": "1", "long_name": "rank correlation"}),
        "low": ((PARAM,), values.min(1), {"long_name": "least value of the good points"}),
        "high": ((PARAM,), values.max(1), {"long_name": "greatest value of the good points"}),
    }).assign_coords({PARAM: names, "with": names})  # fmt: skip


def _components(unit: Floats, good: npt.NDArray[np.int64]) -> tuple[npt.NDArray[np.int64], Floats]:
    """The component of each good point, the largest is 0, and the share of each."""
    from scipy.sparse import coo_matrix
    from scipy.sparse.csgraph import connected_components
    from scipy.spatial import cKDTree

    many = min(len(unit), math.ceil(math.log2(len(unit))) + 2 * unit.shape[1])
    near = np.asarray(cKDTree(unit).query(unit[good], k=many)[1]).reshape(len(good), many)
    place = np.full(len(unit), -1)
    place[good] = np.arange(len(good))
    other = place[near]
    rows, columns = np.nonzero(other >= 0)
    links = coo_matrix((np.ones(len(rows)), (rows, other[rows, columns])), shape=(len(good), len(good)))
    _, found = connected_components(links, directed=False)
    counts = np.bincount(found)
    order = np.argsort(-counts, kind="stable")
    rank = np.empty(len(counts), np.int64)
    rank[order] = np.arange(len(counts))
    return rank[found], counts[order] / len(good)


def _wilson(good: int, many: int) -> tuple[float, float]:
    """A share with its 95 % interval."""
    share, z2 = good / many, _Z**2
    middle = (share + z2 / (2 * many)) / (1 + z2 / many)
    half = _Z / (1 + z2 / many) * math.sqrt(share * (1 - share) / many + z2 / (4 * many**2))
    return middle - half, middle + half


def _ranked(values: Floats) -> Floats:
    """Spearman's rank correlations of rows; 0 where a row does not vary."""
    from scipy.stats import rankdata

    ranks = np.stack([rankdata(row) for row in values])
    left = ranks - ranks.mean(1, keepdims=True)
    norm = np.sqrt((left**2).sum(1))
    norm[norm == 0] = np.inf
    found = (left @ left.T) / np.outer(norm, norm)
    np.fill_diagonal(found, 1.0)
    return np.asarray(found)
