"""Sensitivity from points that are there already: first order, PAWN and delta, of any random or quasi-random sample."""

from __future__ import annotations

import math
from collections.abc import Iterator, Mapping, Sequence
from typing import Any

import numpy as np
import numpy.typing as npt
import xarray as xr

from sneuron import errors
from sneuron.analysis.sensitivity import walk
from sneuron.analysis.sensitivity.intervals import Remark, bounds_of, flagged, left_out, mean_of, remark_attrs
from sneuron.analysis.sensitivity.sobol import PARAM
from sneuron.analysis.sensitivity.tables import FOLDS, Slices, edges_of, pilot, portions, slices_of, table_of

__all__ = ["borgonovo_delta", "first_order", "pawn"]

Floats = npt.NDArray[np.float64]
Index = npt.NDArray[np.int64]

_BINS = 64
_FEW = 2.0
_GROUPS = 16


def first_order(
    data: xr.Dataset, name: str, ci: float = 0.95, params: Any = None, slices: int | None = None
) -> xr.Dataset:
    r"""First-order indices of any sample: what a parameter alone explains.

    Parameters
    ----------
    data : Dataset
        An output over points; parameters are coordinates over the same dims.
    name : str
        Which output; its further dims are carried along.
    ci : float, default 0.95
        Coverage of the intervals.
    params : list of str, optional
        The parameters.
    slices : int, optional
        Into how many slices each parameter's points are sorted; the cube root of their number, 4 to 64, when omitted.

    Returns
    -------
    Dataset
        `S1` over `param` with `_low` and `_high`; `n_ok`, `n_failed` points; `remark`.

    Notes
    -----
    The adjusted share of variance that straight lines in equally probable slices of the parameter explain:
    :math:`1 - (RSS/(N - p))/(TSS/(N - 1))`; of a parameter with few values, the correlation ratio of its values. The
    adjustment takes off what p coefficients explain by chance (Ezekiel 1930); given data: Plischke, Borgonovo & Smith
    2013, doi:10.1016/j.ejor.2012.11.047. Intervals by the jackknife over 16 random groups of points.
    """
    names, many = _checked(data, params, "first"), walk.count(data, walk.parameters(data, params))
    wanted = _slices(slices) or int(np.clip(round(many ** (1 / 3)), 4, 64))
    sorts = {n: slices_of(data[n], wanted) for n in names}
    fewest = 4.0 * np.array([s.many for s in sorts.values()])[:, None]
    found: dict[str, list[Floats]] = {}
    for _, steps in portions(data, name, names, sum(6 * _GROUPS * s.many for s in sorts.values()), _GROUPS):
        held = _line_sums(sorts, steps)
        count = np.stack([held[n][0].sum(axis=(0, 1)) for n in names])
        estimates = [_explained(held[n], ci) for n in names]
        made = bounds_of("S1", (np.stack([e[0] for e in estimates]), np.stack([e[1] for e in estimates])))
        constant = np.stack([_around(held[n].sum(axis=(1, 2))) == 0 for n in names])
        _keep(found, made, count, count < fewest, constant)
    return _told(data, name, names, found)


def pawn(data: xr.Dataset, name: str, ci: float = 0.95, params: Any = None, slices: int = 10) -> xr.Dataset:
    r"""PAWN indices: how far the distribution of an output moves when a parameter is held in a slice of its range.

    Parameters
    ----------
    data, name, ci, params :
        As for `first_order`.
    slices : int, default 10
        Into how many slices each parameter's points are sorted.

    Returns
    -------
    Dataset
        Over `param`: `pawn_median`, `pawn_mean`, `pawn_max` of the slices' distances, `_low` and `_high` of the first
        two; `n_ok`, `n_failed` points; `remark`.

    Notes
    -----
    :math:`\max_y |F_{y|x_i \in I}(y) - F_y(y)|`, the Kolmogorov-Smirnov distance (Pianosi & Wagener 2015,
    doi:10.1016/j.envsoft.2015.01.004; of given data 2018, doi:10.1016/j.envsoft.2018.07.019). The largest difference
    of two samples is too large by chance. Here the place of the largest difference, and its sign, are found in seven of
    eight random groups of points, and the difference is taken in the eighth: a parameter without effect has an index of
    nought. Distances are looked for at 64 quantiles of the output. Points of a Sobol or Halton sequence are balanced as
    a whole, not in groups: effects below about 2/sqrt(points in a slice) then come out too small.
    """
    names = _checked(data, params, "pawn")
    sorts = {n: slices_of(data[n], _slices(slices) or 10) for n in names}
    found: dict[str, list[Any]] = {}
    for tables, *about in _tables(data, name, names, sorts):
        each = [_largest(t) for t in tables]
        whole = [v.mean(axis=0) for v in each]
        made = _stacked("pawn_median", [np.median(w, axis=0) for w in whole], [np.median(v, axis=1) for v in each], ci)
        made |= _stacked("pawn_mean", [w.mean(axis=0) for w in whole], [v.mean(axis=1) for v in each], ci)
        made["pawn_max"] = np.maximum(np.stack([w.max(axis=0) for w in whole]), 0.0)
        _keep(found, made, *about)
    return _told(data, name, names, found)


def borgonovo_delta(
    data: xr.Dataset, name: str, ci: float = 0.95, params: Any = None, slices: int | None = None
) -> xr.Dataset:
    r"""Borgonovo's delta: the share of an output's probability that moves when a parameter is known.

    Parameters
    ----------
    data, name, ci, params :
        As for `first_order`.
    slices : int, optional
        Into how many slices each parameter's points are sorted; by their number, up to 48, when omitted.

    Returns
    -------
    Dataset
        `delta` over `param` with `_low` and `_high`, 0 (no effect of any kind) to 1; `n_ok`, `n_failed`; `remark`.

    Notes
    -----
    :math:`\delta_i = \frac12 E\left[\int |f_y(y) - f_{y|x_i}(y)|\,dy\right]` (Borgonovo 2007,
    doi:10.1016/j.ress.2006.04.015), the mean total variation distance. It does not change when the output is
    transformed, so densities are counts in bins that are equally probable. The sizes of differences of counts are too
    large by chance. Here their signs are found in seven of eight random groups of points, and the differences are
    summed with these signs in the eighth: that estimate is never too large in the mean, and nought for a parameter
    without effect; of partitions into 4 to 64 bins the one that finds most is taken. Slices: Plischke et al. 2013,
    doi:10.1016/j.ejor.2012.11.047.
    """
    names, many = _checked(data, params, "delta"), walk.count(data, walk.parameters(data, params))
    usual = min(48, math.ceil(many ** (2.0 / (7.0 + math.tanh((1500.0 - many) / 500.0)))))
    sorts = {n: slices_of(data[n], _slices(slices) or usual) for n in names}
    found: dict[str, list[Any]] = {}
    for tables, *about in _tables(data, name, names, sorts):
        folds = [_moved(t) for t in tables]
        _keep(found, _stacked("delta", [f.mean(axis=0) for f in folds], folds, ci), *about)
    return _told(data, name, names, found)


def _checked(data: xr.Dataset, params: Any, method: str) -> list[str]:
    """The parameters; refuses designs whose points are no sample of the space."""
    kind = walk.kind_of(data)
    if kind in ("trajectories", "curves"):
        mend = "Give a sweep over sobol(...), random(...), a grid, or pick-freeze matrices."
        raise errors.DataError(method, f"the points are {kind}, which are no independent sample", mend=mend)
    return walk.parameters(data, params)


def _slices(given: Any) -> int | None:
    if given is not None and (isinstance(given, bool) or not isinstance(given, int | np.integer) or given < 2):
        raise errors.ParameterError("slices", f"{given!r} slices", "a whole number from 2")
    return None if given is None else int(given)


def _line_sums(sorts: Mapping[str, Slices], steps: Any) -> dict[str, Floats]:
    """For each parameter: n, t, t^2, y, ty, y^2 summed by group, slice and element; t is the place within the slice."""
    held: dict[str, Floats] = {}
    for own, y, fold in steps:
        first = y[np.argmax(~np.isnan(y), axis=0), np.arange(y.shape[1])]
        centre = held.setdefault("centre", np.full(y.shape[1], np.nan))
        held["centre"] = centre = np.where(np.isnan(centre), first, centre)
        good = ~np.isnan(y)
        off = np.where(good, y - centre, 0.0)
        for name, sort in sorts.items():
            number, t = sort.place(own[name])
            flat = fold * sort.many + number
            has = good.astype(np.float64)
            terms = has, has * t[:, None], has * (t * t)[:, None], off, off * t[:, None], off * off
            sums = held.setdefault(name, np.zeros((6, _GROUPS * sort.many, y.shape[1])))
            for k, term in enumerate(terms):
                for e in range(y.shape[1]):
                    sums[k, :, e] += np.bincount(flat, term[:, e], minlength=sums.shape[1])
    return {n: held[n].reshape(6, _GROUPS, s.many, -1) for n, s in sorts.items()}


def _explained(sums: Floats, ci: float) -> tuple[Floats, Floats]:
    """S1 and half its interval from sums by group and slice."""
    whole = sums.sum(axis=1)
    without = np.stack([_adjusted(whole - sums[:, g]) for g in range(sums.shape[1])])
    return left_out(_adjusted(whole), without, ci)


def _adjusted(sums: Floats) -> Floats:
    """The adjusted share of variance that lines in slices explain: from sums by slice."""
    n, t, tt, y, ty, yy = sums
    many = np.maximum(n, 1.0)
    across, along = np.maximum(tt - t * t / many, 0.0), ty - t * y / many
    slope = (n > 2) & (across > 1e-9 * many)
    inner = yy - y * y / many - np.where(slope, along**2 / np.where(slope, across, 1.0), 0.0)
    spent = ((n > 0).astype(np.float64) + slope).sum(axis=0)
    total, around = n.sum(axis=0), _around(sums.sum(axis=1))
    free = (total - spent > 0) & (around > 0)
    rest = np.maximum(inner, 0.0).sum(axis=0) / np.where(free, total - spent, 1.0)
    return np.where(free, 1 - rest * (total - 1) / np.where(free, around, 1.0), np.nan)


def _around(sums: Floats) -> Floats:
    """The sum of squares about the mean."""
    return np.asarray(sums[5] - sums[3] ** 2 / np.maximum(sums[0], 1.0))


def _tables(
    data: xr.Dataset, name: str, names: Sequence[str], sorts: Mapping[str, Slices]
) -> Iterator[tuple[list[Floats], Any, Any, Any]]:
    """For each portion of elements: each parameter's counts by group, slice, bin; points, too few of them, constant."""
    some, count, constant = pilot(data, name, names)
    fewest = _FEW * FOLDS * np.array([s.many for s in sorts.values()])[:, None]
    for portion, steps in portions(data, name, names, FOLDS * _BINS * sum(s.many for s in sorts.values())):
        edges = edges_of(some[:, portion], _BINS)
        tables = [np.zeros((FOLDS, s.many, _BINS, len(edges))) for s in sorts.values()]
        for own, y, fold in steps:
            for table, (parameter, sort) in zip(tables, sorts.items(), strict=True):
                table += table_of(sort.place(own[parameter])[0], fold, y, edges, sort.many, _BINS)
        here = np.broadcast_to(count[portion], (len(names), len(edges)))
        yield tables, here, here < fewest, np.broadcast_to(constant[portion], here.shape)


def _largest(table: Floats) -> Floats:
    """Distances of the slices' distributions from that of all, by group and slice: place and sign from other groups."""
    apart, others = (_apart(t).cumsum(axis=2) for t in (table, table.sum(axis=0) - table))
    place = np.abs(others).argmax(axis=2)[:, :, None]
    sign = np.sign(np.take_along_axis(others, place, axis=2))
    return np.asarray((sign * np.take_along_axis(apart, place, axis=2))[:, :, 0])


def _moved(table: Floats) -> Floats:
    """Total variation distances, mean over slices, by group: signs from other groups, bins as they show most."""
    weight = table.sum(axis=(0, 2)) / np.maximum(table.sum(axis=(0, 1, 2)), 1.0)
    found = []
    for bins in (_BINS >> k for k in range(5)):
        merged = table.reshape(*table.shape[:2], bins, -1, table.shape[3]).sum(axis=3)
        apart, others = (_apart(t) for t in (merged, merged.sum(axis=0) - merged))
        found.append(0.5 * (weight * (np.sign(others) * apart).sum(axis=2)).sum(axis=1))
    stacked = np.stack(found)
    best = stacked.mean(axis=1).argmax(axis=0)
    return np.asarray(np.take_along_axis(stacked, best[None, None], axis=0)[0])


def _apart(counts: Floats) -> Floats:
    """Shares of bins in each slice, less those in all slices together; nought for a slice without points."""
    whole = counts.sum(axis=1, keepdims=True)
    own, all_ = counts.sum(axis=2, keepdims=True), whole.sum(axis=2, keepdims=True)
    share = counts / np.maximum(own, 1.0) - whole / np.maximum(all_, 1.0)
    return np.where(own > 0, share, 0.0)


def _stacked(name: str, whole: list[Floats], folds: list[Floats], ci: float) -> dict[str, Floats]:
    """An estimate of each parameter, with Student's interval from groups that check each other."""
    halves = np.stack([mean_of(f, ci)[1] for f in folds])
    return {n: np.maximum(v, 0.0) for n, v in bounds_of(name, (np.stack(whole), halves)).items()}


def _keep(found: dict[str, list[Any]], made: Mapping[str, Floats], count: Floats, few: Any, constant: Any) -> None:
    """Add a portion of elements, with its remarks; what cannot be said is NaN."""
    marks = {Remark.CONSTANT_OUTPUT: constant, Remark.TOO_FEW_POINTS: few}
    shown = {n: np.where(few | constant, np.nan, v) for n, v in made.items()}
    told = {"n_ok": count.astype(np.int64), "remark": flagged(count.shape, marks)}
    for key, value in {**shown, **told}.items():
        found.setdefault(key, []).append(value)


def _told(data: xr.Dataset, name: str, names: list[str], found: Mapping[str, list[Any]]) -> xr.Dataset:
    whole = {n: np.concatenate(v, axis=-1) for n, v in found.items()}
    whole["n_failed"] = walk.count(data, names) - whole["n_ok"]
    dims = walk.dims_of(data, names)
    made = {n: walk.labelled(v, {PARAM: names}, data, name, dims) for n, v in whole.items()}
    made["remark"] = made["remark"].assign_attrs(remark_attrs())
    return xr.Dataset({**{n: v for n, v in made.items() if n != "remark"}, "remark": made["remark"]})
