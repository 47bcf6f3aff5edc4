"""Shares of variance on a full grid: exact for the grid's points, from a sweep that is there already."""

from __future__ import annotations

import itertools
import math
from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np
import numpy.typing as npt
import xarray as xr

from sneuron import errors
from sneuron.analysis.sensitivity import walk
from sneuron.analysis.sensitivity.intervals import Remark, flagged, remark_attrs
from sneuron.analysis.sensitivity.sobol import OTHER, PARAM

__all__ = ["grid_indices"]

Floats = npt.NDArray[np.float64]


def grid_indices(data: xr.Dataset, name: str, ci: float = 0.95, params: Any = None, order: int = 1) -> xr.Dataset:
    r"""First and total order (and second) of a grid: the analysis of variance of its points.

    Parameters
    ----------
    data : Dataset
        An output over the dims of a grid, one for each parameter (or for several that vary together).
    name : str
        Which output; its further dims are carried along.
    ci : float
        Without meaning here: a grid is no sample, so there is no interval.
    params : list of str, optional
        The dims; all that have a parameter as coordinate when omitted.
    order : {1, 2}
        2 adds the indices of pairs.

    Returns
    -------
    Dataset
        `S1`, `ST` over `param` (and `S2` over `other_param`); `n_ok`, `n_failed` points; `remark`.

    Notes
    -----
    Every point of the grid weighs the same. S1 is the variance of the means over all other parameters, ST the mean of
    the variances along the parameter, over the variance (Sobol' 1993; Efron & Stein 1981, doi:10.1214/aos/1176345462).
    Where points failed, means are over those that are there.
    """
    del ci
    dims = walk.dims_of(data, walk.parameters(data, params))
    if any(data.sizes[d] < 2 for d in dims):
        sizes = {d: data.sizes[d] for d in dims}
        raise errors.DataError("anova", f"a grid of {sizes}", "two values along each parameter at least")
    turned = (dims[-1], *dims[:-1])
    levels = _levels(data, name, dims, order)
    lines = _lines(data, name, dims, dims[1:], levels["centre", ()])
    lines |= (
        _lines(data, name, turned, dims[:1], levels["centre", ()]) if len(dims) > 1 else {dims[0]: levels["whole", ()]}
    )
    return _told(data, name, dims, levels, lines, order)


def _levels(data: xr.Dataset, name: str, dims: tuple[str, ...], order: int) -> dict[Any, Floats]:
    """Counts, sums and squares: of all, at each level of a dim, at each pair of levels of two."""
    sizes = [data.sizes[d] for d in dims]
    keys = [(k,) for k in range(len(dims))] + (list(itertools.combinations(range(len(dims)), 2)) if order == 2 else [])
    found: dict[Any, Floats] = {}
    at = 0
    for block in walk.blocks(data, name, dims):
        good = ~np.isnan(block)
        off = np.where(good, block - _centre(found, block, good), 0.0)
        for key in [(), *keys]:
            rest = tuple(a for a in range(len(dims)) if a not in key)
            whole = tuple(sizes[a] for a in key)
            for kind, values in (("n", good), ("sum", off), ("square", off**2)):
                held = found.setdefault((kind, key), np.zeros((*whole, block.shape[-1])))
                rows = held[at : at + len(block)] if 0 in key else held
                rows += values.sum(axis=rest)
        at += len(block)
    n, total, square = (found[kind, ()] for kind in ("n", "sum", "square"))
    found["whole", ()] = _divided(square, n) - _divided(total, n) ** 2
    return found


def _centre(found: dict[Any, Floats], block: Floats, good: npt.NDArray[np.bool_]) -> Floats:
    """The first number of each element."""
    flat, has = block.reshape(-1, block.shape[-1]), good.reshape(-1, block.shape[-1])
    first = np.take_along_axis(flat, has.argmax(axis=0)[None], axis=0)[0]
    held = found.setdefault(("centre", ()), np.full(first.shape, np.nan))
    found["centre", ()] = np.where(np.isnan(held), first, held)
    return found["centre", ()]


def _lines(
    data: xr.Dataset, name: str, dims: tuple[str, ...], wanted: Sequence[str], centre: Floats
) -> dict[str, Floats]:
    """The mean variance along lines of the grid in each of the wanted directions (none of them the first dim)."""
    inner = {d: np.zeros(centre.shape) for d in wanted}
    many = {d: np.zeros(centre.shape) for d in wanted}
    for block in walk.blocks(data, name, dims):
        good = ~np.isnan(block)
        off = np.where(good, block - centre, 0.0)
        for dim in wanted:
            axis = dims.index(dim)
            count = good.sum(axis=axis)
            mean = off.sum(axis=axis) / np.maximum(count, 1)
            square = np.where(good, (off - np.expand_dims(mean, axis)) ** 2, 0.0).sum(axis=axis)
            rest = tuple(range(count.ndim - 1))
            inner[dim] += np.where(count > 1, square / np.maximum(count, 1), 0.0).sum(axis=rest)
            many[dim] += (count > 1).sum(axis=rest)
    return {d: _divided(inner[d], many[d]) for d in wanted}


def _told(
    data: xr.Dataset,
    name: str,
    dims: tuple[str, ...],
    levels: Mapping[Any, Floats],
    lines: Mapping[str, Floats],
    order: int,
) -> xr.Dataset:
    whole = levels["whole", ()]
    constant = levels["square", ()] == 0
    spread = np.where(constant, np.nan, whole)
    closed = {key: _between(levels, key) for kind, key in levels if kind == "n" and key}
    first = np.stack([closed[k,] for k in range(len(dims))]) / spread
    found = {"S1": first, "ST": np.stack([lines[d] for d in dims]) / spread}
    lead = {PARAM: list(dims)}
    made = {n: walk.labelled(v, lead, data, name, dims) for n, v in found.items()}
    if order == 2:
        second = np.full((len(dims), len(dims), whole.size), np.nan)
        for i, j in itertools.combinations(range(len(dims)), 2):
            second[i, j] = second[j, i] = closed[i, j] / spread - first[i] - first[j]
        made["S2"] = walk.labelled(second, {PARAM: list(dims), OTHER: list(dims)}, data, name, dims)
    count = np.broadcast_to(levels["n", ()], first.shape).astype(np.int64)
    counts = {"n_ok": count, "n_failed": math.prod(data.sizes[d] for d in dims) - count}
    made |= {n: walk.labelled(v, lead, data, name, dims) for n, v in counts.items()}
    marks = {Remark.NO_INTERVAL: True, Remark.NO_EFFECT: found["ST"] == 0, Remark.CONSTANT_OUTPUT: constant}
    remark = flagged(count.shape, {**marks, Remark.TOO_FEW_POINTS: count < 2})
    return xr.Dataset({**made, "remark": walk.labelled(remark, lead, data, name, dims, remark_attrs())})


def _between(levels: Mapping[Any, Floats], key: tuple[int, ...]) -> Floats:
    """The variance of the means at levels, each level weighing as many points as it has."""
    many, total = levels["n", key], levels["sum", key]
    axes = tuple(range(len(key)))
    mean = _divided(total.sum(axis=axes), many.sum(axis=axes))
    return _divided((many * (_divided(total, many, 0.0) - mean) ** 2).sum(axis=axes), many.sum(axis=axes))


def _divided(above: Floats, below: Floats, nothing: float = np.nan) -> Floats:
    return np.where(below > 0, above / np.where(below > 0, below, 1.0), nothing)
