"""Derivative-based measures: of stars with short tips over the whole space, and of small changes about one point."""

from __future__ import annotations

import math
from typing import Any

import numpy as np
import numpy.typing as npt
import xarray as xr

from sneuron import errors
from sneuron.analysis.marginals import marginal_told
from sneuron.analysis.sensitivity import walk
from sneuron.analysis.sensitivity.intervals import Remark, bounds_of, flagged, mean_of, ratio_of, remark_attrs
from sneuron.analysis.sensitivity.sobol import PARAM
from sneuron.analysis.sensitivity.walk import CHANGE
from sneuron.labels import MOVED, REPLICATE

__all__ = ["derivative_measures", "local_slopes"]

Floats = npt.NDArray[np.float64]

DIMS = walk.KINDS["nudges"]


def derivative_measures(data: xr.Dataset, name: str, ci: float = 0.95) -> xr.Dataset:
    r"""Mean squared derivatives of an output, and what they say at most of the total index.

    Parameters
    ----------
    data : Dataset
        Dims row, replicate, move: the first move is the point, each other has one parameter a little changed.
    name : str
        Which output; its further dims are carried along.
    ci : float, default 0.95
        Coverage of the intervals.

    Returns
    -------
    Dataset
        Over `param`: `nu`, the mean of the squared derivative (output units over parameter units, squared); `slope`,
        the mean derivative; `ST_bound`, which the total index does not exceed (NaN where no constant of Poincare is
        known); each with `_low` and `_high`; `n_ok`, `n_failed`; `remark`.

    Notes
    -----
    :math:`\nu_i = E[(\partial f/\partial x_i)^2]`, :math:`S_{Ti} \le C_i \nu_i/V` with the Poincare constant of the
    distribution, (b - a)^2/pi^2 for a uniform one. Sobol' & Kucherenko 2009, doi:10.1016/j.matcom.2009.01.023; Lamboni
    et al. 2013, doi:10.1016/j.matcom.2013.02.002. Derivatives are differences: of outputs that jump (counts) they mean
    nothing.
    """
    groups = str(data[MOVED].attrs["flag_meanings"]).split()
    totals: dict[str, Floats] = {}
    at = 0
    for block in walk.blocks(data, name, DIMS):
        _add(totals, block, _steps(data, groups, slice(at, at + len(block))))
        at += len(block)
    many = np.where(totals["n"] > 0, totals["n"], np.nan)
    square, slope = totals["square"] / many, totals["slope"] / many
    base = np.where(totals["base_n"] > 0, totals["base_n"], np.nan)
    off = (totals["base"].sum(axis=0) / np.where(totals["base_n"].sum(0) > 0, totals["base_n"].sum(0), np.nan))[None]
    spread = totals["base_2"] / base - 2 * off * totals["base"] / base + off**2
    constants = np.array([_constant(data[g]) for g in groups])
    whole = ratio_of(square * constants[:, None], spread[:, None], ci)
    found = {**bounds_of("nu", mean_of(square, ci)), **bounds_of("slope", mean_of(slope, ci))}
    return _told(data, name, groups, {**found, **bounds_of("ST_bound", whole)}, totals, at)


def _told(
    data: xr.Dataset, name: str, groups: list[str], found: dict[str, Floats], totals: dict[str, Floats], rows: int
) -> xr.Dataset:
    lead = {PARAM: groups}
    count = totals["n"].sum(axis=0)
    still, constant = totals["square"].sum(axis=0) == 0, totals["least"] >= totals["most"]
    marks = {Remark.NO_EFFECT: still, Remark.CONSTANT_OUTPUT: constant, Remark.TOO_FEW_POINTS: count < 2}
    for key in [k for k in found if k.startswith("ST_bound")]:
        found[key] = np.where(constant, np.nan, found[key])
    made = {n: walk.labelled(v, lead, data, name, DIMS) for n, v in found.items()}
    lost = rows * data.sizes[REPLICATE] - count
    counts = {"n_ok": count.astype(np.int64), "n_failed": lost.astype(np.int64)}
    made |= {n: walk.labelled(v, lead, data, name, DIMS) for n, v in counts.items()}
    remark = walk.labelled(flagged(count.shape, marks), lead, data, name, DIMS, remark_attrs())
    return xr.Dataset({**made, "remark": remark})


def _steps(data: xr.Dataset, groups: list[str], rows: slice) -> Floats:
    """How much each move changes its parameter: row, replicate, move."""
    found = []
    for number, group in enumerate(groups, 1):
        coord = data[group].isel({DIMS[0]: rows}).transpose(*DIMS).values
        found.append(coord[:, :, number] - coord[:, :, 0])
    return np.stack(found, axis=2)


def _constant(coord: xr.DataArray) -> float:
    """The Poincare constant of what a parameter was drawn from."""
    marginal = marginal_told(coord.attrs)
    return math.nan if marginal is None else marginal.poincare()


def _add(totals: dict[str, Floats], block: Floats, steps: Floats) -> None:
    base = block[:, :, 0]
    flat = base.reshape(-1, base.shape[-1])
    good = ~np.isnan(flat)
    held = totals.setdefault("centre", np.full(flat.shape[1], np.nan))
    first = np.take_along_axis(flat, good.argmax(axis=0)[None], axis=0)[0]
    totals["centre"] = np.where(np.isnan(held), first, held)
    slope = (block[:, :, 1:] - block[:, :, :1]) / steps[..., None]
    has, off = ~np.isnan(slope), base - totals["centre"]
    slope, off = np.where(has, slope, 0.0), np.where(np.isnan(off), 0.0, off)
    parts = {
        "n": has.sum(axis=0), "slope": slope.sum(axis=0), "square": (slope**2).sum(axis=0),
        "base_n": (~np.isnan(base)).sum(axis=0), "base": off.sum(axis=0), "base_2": (off**2).sum(axis=0),
    }  # fmt: skip
    for key, value in parts.items():
        totals[key] = totals.get(key, 0.0) + value.astype(np.float64)
    low, high = (np.where(np.isnan(block), end, block) for end in (math.inf, -math.inf))
    totals["least"] = np.minimum(totals.get("least", math.inf), low.min(axis=(0, 1, 2)))
    totals["most"] = np.maximum(totals.get("most", -math.inf), high.max(axis=(0, 1, 2)))


def local_slopes(data: xr.Dataset, name: str, ci: float = 0.95) -> xr.Dataset:
    r"""Derivatives of an output by each parameter at one point, by central differences.

    Parameters
    ----------
    data : Dataset
        Dim `change`: first the point itself, then for each parameter a little less and a little more of it.
    name : str
        Which output; its further dims are carried along.
    ci : float
        Without meaning here: nothing is sampled.

    Returns
    -------
    Dataset
        Over `param`: `slope` (output units over parameter units), `effect` (slope times the parameter: output units for
        its whole value), `elasticity` (relative change of the output over that of the parameter), `curvature` (second
        derivative); `n_ok`, `n_failed` of the three points; `remark`.

    Notes
    -----
    :math:`(f(x + h) - f(x - h))/2h`; elasticity :math:`(x/f)\,\partial f/\partial x`. Outputs that jump (counts) have
    no derivative.
    """
    del ci
    names = [n for n in walk.parameters(data) if data[n].dims == (CHANGE,)]
    values = {n: data[n].values.astype(np.float64) for n in names}
    (block,) = walk.blocks(data, name, (CHANGE,))
    parts: dict[str, list[Any]] = {"slope": [], "effect": [], "elasticity": [], "curvature": [], "n_ok": []}
    for parameter in names:
        own = values[parameter]
        places = np.flatnonzero(own != own[0])
        if len(places) != 2:
            raise errors.DataError("local", f"{parameter!r} is not changed twice along {CHANGE!r}", "less, and more")
        below, above = sorted(places, key=lambda k: float(own[k]))
        low, mid, high = block[below], block[0], block[above]
        slope = (high - low) / (own[above] - own[below])
        step = 0.5 * (own[above] - own[below])
        parts["slope"].append(slope)
        parts["effect"].append(slope * own[0])
        parts["curvature"].append((high - 2 * mid + low) / step**2)
        parts["elasticity"].append(slope * own[0] / np.where(mid == 0, np.nan, mid))
        parts["n_ok"].append(sum((~np.isnan(p)).astype(np.int64) for p in (low, mid, high)))
    lead = {PARAM: names}
    stacked = {n: np.stack(v) for n, v in parts.items()}
    stacked["n_failed"] = 3 - stacked["n_ok"]
    still = (stacked["slope"] == 0) & (stacked["curvature"] == 0)
    marks = {Remark.NO_EFFECT: still, Remark.TOO_FEW_POINTS: stacked["n_ok"] < 3}
    made = {n: walk.labelled(v, lead, data, name, (CHANGE,)) for n, v in stacked.items()}
    remark = flagged(still.shape, marks)
    return xr.Dataset({**made, "remark": walk.labelled(remark, lead, data, name, (CHANGE,), remark_attrs())})
