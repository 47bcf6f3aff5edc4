"""Sobol' indices of pick-freeze designs: first, total and second order, from sums."""

from __future__ import annotations

import math
from collections.abc import Mapping
from typing import Any

import numpy as np
import numpy.typing as npt
import xarray as xr

from sneuron.analysis.sensitivity import walk
from sneuron.analysis.sensitivity.intervals import (
    Remark,
    bounds_of,
    flagged,
    mean_of,
    ratio_of,
    remark_attrs,
)
from sneuron.labels import MATRIX, REPLICATE

__all__ = ["OTHER", "PARAM", "groups_of", "indices", "sums"]

Floats = npt.NDArray[np.float64]

PARAM, OTHER = "param", "other_param"
"""Dims of indices: parameters or groups, and the second one of a pair."""

DIMS = walk.KINDS["pick_freeze"]


def groups_of(data: xr.Dataset) -> tuple[list[str], bool]:
    """What the matrices of a design exchange, and whether there are the BA of second order."""
    names = [str(n) for n in data[MATRIX].values]
    return [n[3:] for n in names if n.startswith("AB_")], any(n.startswith("BA_") for n in names)


def sums(data: xr.Dataset, name: str, start: xr.Dataset | None = None) -> xr.Dataset:
    """All that indices of an output need: sums over rows, for each replicate.

    Sums of more rows are had by giving those before as `start`: to the same bits as of all rows at once where those
    before are whole steps of `walk.blocks`, else to rounding.

    Parameters
    ----------
    data : Dataset
        Dims row, replicate, matrix (coordinate: A, B, AB_x, BA_x); `status`, when there is one, says what failed.
    name : str
        Which output; its further dims are carried along.
    start : Dataset, optional
        Sums of rows before these.

    Returns
    -------
    Dataset
        A few numbers for each replicate, parameter and element of the output; see the code for their names.
    """
    groups, second = groups_of(data)
    order = ["A", "B", *(f"AB_{g}" for g in groups), *(f"BA_{g}" for g in groups if second)]
    if order != [str(n) for n in data[MATRIX].values]:
        data = data.sel({MATRIX: order})
    held = {n: v.values.reshape(*v.shape[: _leads(n)], -1) for n, v in start.items()} if start is not None else {}
    totals: dict[str, Floats] = {str(n): v.copy() for n, v in held.items()}
    for block in walk.blocks(data, name, DIMS):
        _begin(totals, block)
        _add(totals, block - totals["centre"], len(groups))
    lead = {"centre": (), "least": (), "most": (), "n": (REPLICATE,)}
    named = {REPLICATE: data[REPLICATE].values, PARAM: groups, OTHER: groups}
    made = {}
    for key, values in totals.items():
        dims = lead.get(key, (REPLICATE, PARAM, OTHER)[: _leads(key)])
        own = {d: named[d] for d in dims}
        made[key] = walk.labelled(values, own, data, name, DIMS)
    return xr.Dataset(made, attrs={"rows": data.sizes[DIMS[0]] + (start.attrs["rows"] if start is not None else 0)})


def _leads(key: Any) -> int:
    """How many dims of a sum come before those of the output."""
    return {"centre": 0, "least": 0, "most": 0, "n": 1, "level": 1, "square": 1}.get(
        str(key), 3 if str(key).startswith("pair") else 2
    )


def _begin(totals: dict[str, Floats], block: Floats) -> None:
    """Take the first number of each element as its centre: what never varies has deviations of exactly nought."""
    flat = block.reshape(-1, block.shape[-1])
    good = ~np.isnan(flat)
    first = np.take_along_axis(flat, good.argmax(axis=0)[None], axis=0)[0]
    held = totals.setdefault("centre", np.full(flat.shape[1], np.nan))
    totals["centre"] = np.where(np.isnan(held), first, held)
    inf = np.full(flat.shape[1], math.inf)
    totals["least"] = np.minimum(totals.get("least", inf), np.where(good, flat, math.inf).min(axis=0))
    totals["most"] = np.maximum(totals.get("most", -inf), np.where(good, flat, -math.inf).max(axis=0))


def _add(totals: dict[str, Floats], block: Floats, groups: int) -> None:
    """Add the deviations of a step: rows, replicates, matrices, elements."""
    good = ~np.isnan(block)
    whole = bool(good.all())
    f = block if whole else np.where(good, block, 0.0)
    a, b, ab = f[:, :, :1], f[:, :, 1:2], f[:, :, 2 : 2 + groups]
    ok_a, ok_b, ok_ab = good[:, :, :1], good[:, :, 1:2], good[:, :, 2 : 2 + groups]
    parts = {
        "n": good[:, :, :2].sum(axis=(0, 2)),
        "level": f[:, :, :2].sum(axis=2).sum(axis=0),
        "square": (f[:, :, :2] ** 2).sum(axis=2).sum(axis=0),
        **_compared("", a, b, ab, ok_a & ok_ab, ok_b, whole),
    }
    if f.shape[2] > 2 + groups:
        ba, ok_ba = f[:, :, 2 + groups :], good[:, :, 2 + groups :]
        parts |= _compared("back_", b, a, ba, ok_b & ok_ba, ok_a, whole)
        both = ok_a & ok_b
        parts |= _paired(a, b, ab, ba, ok_ab & both, ok_ba & both)
    for key, value in parts.items():
        totals[key] = totals[key] + value if key in totals else value.astype(np.float64)


def _compared(
    stem: str, own: Floats, other: Floats, mixed: Floats, pair: Any, third: Any, whole: bool
) -> dict[str, Any]:
    """Sums over pairs (own, mixed) for the total order and over triples (with other) for the first order."""
    change = mixed - own
    if not whole:
        change = np.where(pair, change, 0.0)
    found = {f"{stem}total_n": pair.sum(axis=0), f"{stem}total": (change * change).sum(axis=0)}
    if not whole:
        change = np.where(third, change, 0.0)
    return {
        **found,
        f"{stem}first_n": (pair & third).sum(axis=0),
        f"{stem}first": (change * other).sum(axis=0),
        f"{stem}shift": change.sum(axis=0),
    }


def _paired(a: Floats, b: Floats, ab: Floats, ba: Floats, ok_ab: Any, ok_ba: Any) -> dict[str, Floats]:
    """Sums over (A, B, BA_i, AB_j), which give the index of {i, j} together; both orders of a pair count."""
    left, right = np.where(ok_ba, ba, 0.0), np.where(ok_ab, ab, 0.0)
    has_left, has_right = ok_ba.astype(np.float64), ok_ab.astype(np.float64)

    def over(one: Floats, other: Floats) -> Floats:
        found: Floats = np.einsum("nrie,nrje->rije", one, other)
        return found + found.swapaxes(1, 2)

    product = over(left, right) - over(has_left, has_right * (a * b))
    shift = over(left, has_right) + over(has_left, right) - over(has_left, has_right * (a + b))
    return {"pair_n": over(has_left, has_right), "pair": product, "pair_shift": shift}


def indices(sums: xr.Dataset, ci: float = 0.95) -> xr.Dataset:
    r"""First, total and second order from `sums`, with Student's intervals from replicates.

    Parameters
    ----------
    sums : Dataset
        From `sums`.
    ci : float, default 0.95
        Coverage of the intervals.

    Returns
    -------
    Dataset
        `S1`, `ST` over `param`, `S2` over `param` and `other_param` for designs of order 2, each with `_low` and
        `_high`; `mean` and `sd` of the output; `n_ok` and `n_failed` rows of all replicates that are complete for a
        parameter, or not; `remark`.

    Notes
    -----
    :math:`S_i = E[f_B (f_{AB_i} - f_A)]/V` (Saltelli et al. 2010, doi:10.1016/j.cpc.2009.09.018, table 2 b),
    :math:`S_{Ti} = E[(f_A - f_{AB_i})^2]/(2V)` (Jansen 1999, doi:10.1016/S0010-4655(98)00154-4),
    :math:`S_{ij} = E[f_{BA_i} f_{AB_j} - f_A f_B]/V - S_i - S_j` (Saltelli 2002, doi:10.1016/S0010-4655(02)00280-1),
    outputs taken from their mean; with second order both halves of the design give first and total order.
    """
    held: dict[str, Any] = {str(n): v.values for n, v in sums.items()}
    off = _off(held)
    spread = _spread(held, off)
    first, total = _halves(held, off)
    below = spread[:, None]
    found = {**bounds_of("S1", ratio_of(first, below, ci)), **bounds_of("ST", ratio_of(total, below, ci))}
    made = {n: sums["first"].isel({REPLICATE: 0}, drop=True).copy(data=v) for n, v in found.items()}
    if "pair" in held:
        made |= _second(sums, held, off, first, spread, ci)
    return _told(sums, held, made, off, spread, ci)


def _off(held: Mapping[str, Any]) -> Floats:
    """How far the mean of all replicates lies from the centre of the sums."""
    many = held["n"].sum(axis=0)
    return np.where(many > 0, held["level"].sum(axis=0) / np.maximum(many, 1), np.nan)


def _spread(held: Mapping[str, Any], off: Floats) -> Floats:
    """The variance in each replicate, about the mean of all."""
    many = np.where(held["n"] > 0, held["n"], np.nan)
    return np.asarray(held["square"] / many - 2 * off * held["level"] / many + off**2)


def _halves(held: Mapping[str, Any], off: Floats) -> tuple[Floats, Floats]:
    """Numerators of first and total order in each replicate; the mean of both halves where there are two."""
    stems = ["", "back_"] if "back_total" in held else [""]
    first, total = [], []
    for stem in stems:
        many = np.where(held[f"{stem}first_n"] > 0, held[f"{stem}first_n"], np.nan)
        first.append((held[f"{stem}first"] - off * held[f"{stem}shift"]) / many)
        many = np.where(held[f"{stem}total_n"] > 0, held[f"{stem}total_n"], np.nan)
        total.append(held[f"{stem}total"] / (2 * many))
    return np.mean(first, axis=0), np.mean(total, axis=0)


def _second(
    sums: xr.Dataset, held: Mapping[str, Any], off: Floats, first: Floats, spread: Floats, ci: float
) -> dict[str, xr.DataArray]:
    """Indices of pairs; NaN on the diagonal."""
    many = np.where(held["pair_n"] > 0, held["pair_n"], np.nan)
    both = (held["pair"] - off * held["pair_shift"]) / many
    own = both - first[:, :, None] - first[:, None, :]
    own[:, np.arange(own.shape[1]), np.arange(own.shape[1])] = np.nan
    found = bounds_of("S2", ratio_of(own, spread[:, None, None], ci))
    return {n: sums["pair"].isel({REPLICATE: 0}, drop=True).copy(data=v) for n, v in found.items()}


def _told(
    sums: xr.Dataset, held: Mapping[str, Any], made: dict[str, xr.DataArray], off: Floats, spread: Floats, ci: float
) -> xr.Dataset:
    """The indices with the mean and spread of the output, counts, and remarks."""
    constant = held["least"] >= held["most"]
    counts = held["first_n"].sum(axis=0)
    few = counts < 2
    single = np.isnan(made["ST_low"].values) & ~np.isnan(made["ST"].values)
    still = held["total"].sum(axis=0) == 0
    marks = {Remark.NO_INTERVAL: single, Remark.NO_EFFECT: still, Remark.CONSTANT_OUTPUT: constant}
    like = made["S1"]
    remark = like.copy(data=flagged(like.shape, {**marks, Remark.TOO_FEW_POINTS: few}))
    shown = {n: v.where(~constant) for n, v in made.items() if n.startswith("S2")}
    shown |= {n: v.where(~(constant | few)) for n, v in made.items() if n not in shown}
    n_ok = like.copy(data=counts.astype(np.int64))
    return xr.Dataset({
        **shown,
        **_level(sums, held, off, spread, ci),
        "n_ok": n_ok,
        "n_failed": sums.attrs["rows"] * len(spread) - n_ok,
        "remark": remark.assign_attrs(remark_attrs()),
    })  # fmt: skip


def _level(
    sums: xr.Dataset, held: Mapping[str, Any], off: Floats, spread: Floats, ci: float
) -> dict[str, xr.DataArray]:
    """Mean of the output with its interval, and its standard deviation."""
    _, half = mean_of(held["level"] / np.where(held["n"] > 0, held["n"], np.nan), ci)
    found = bounds_of("mean", (held["centre"] + off, half))
    variance, _ = mean_of(spread, ci)
    found["sd"] = np.sqrt(np.maximum(variance, 0.0))
    return {n: sums["centre"].copy(data=v) for n, v in found.items()}


def estimated(data: xr.Dataset, name: str, ci: float = 0.95) -> xr.Dataset:
    """Indices of one output of a pick-freeze design; see `sums` and `indices`."""
    return indices(sums(data, name), ci)
