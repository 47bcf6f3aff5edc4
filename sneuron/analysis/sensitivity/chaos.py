"""Polynomial chaos: a polynomial fitted to points that are there already, and the Sobol' indices that it has."""

from __future__ import annotations

import itertools
from collections.abc import Iterator, Mapping, Sequence
from typing import Any

import numpy as np
import numpy.typing as npt
import xarray as xr

from sneuron import errors
from sneuron.analysis.sensitivity import walk
from sneuron.analysis.sensitivity.intervals import Remark, bounds_of, flagged, left_out, remark_attrs
from sneuron.analysis.sensitivity.polynomials import Basis, basis_of, exponents
from sneuron.analysis.sensitivity.regression import best_subset, fitted
from sneuron.analysis.sensitivity.sobol import OTHER, PARAM
from sneuron.analysis.sensitivity.tables import folds_of
from sneuron.lang.keys import philox

__all__ = ["chaos_indices"]

Floats = npt.NDArray[np.float64]
Terms = list[tuple[int, ...]]

_MASK = 0x5E4500F2
_MOST_TERMS, _MOST_DEGREE = 400, 15
_GROUPS = 8
_ROWS = 1024
FITS = ("lars", "ols")


def chaos_indices(
    data: xr.Dataset,
    name: str,
    ci: float = 0.95,
    params: Any = None,
    order: int = 1,
    degree: int | None = None,
    fit: str = "lars",
    norm: float = 0.75,
) -> xr.Dataset:
    r"""Sobol' indices of a polynomial that is fitted to any sample.

    Parameters
    ----------
    data, name, ci, params :
        As for `given.first_order`.
    order : {1, 2}
        2 adds the indices of pairs.
    degree : int, optional
        The highest degree; as high as the points and 400 terms allow when omitted, up to 15.
    fit : {"lars", "ols"}
        Least angle regression, which takes the terms that matter in the order in which they do, and as many as predict
        best; or least squares on all terms.
    norm : float, default 0.75
        Below 1, products of many parameters get lower degrees.

    Returns
    -------
    Dataset
        `S1`, `ST` over `param` (and `S2` over `other_param`), with `_low` and `_high`; `mean`, `sd`; `error`, the share
        of variance that the polynomial does not predict; `terms`, how many it has; `n_ok`, `n_failed`; `remark`.

    Notes
    -----
    Products of polynomials that are orthonormal under the distributions: squares of coefficients are shares of variance
    (Sudret 2008, doi:10.1016/j.ress.2007.04.002). Least angle regression as in Blatman & Sudret 2011,
    doi:10.1016/j.jcp.2010.12.021; terms by the error corrected for their number (Chapelle, Vapnik & Bengio 2002,
    doi:10.1023/A:1013943418833). Intervals by the jackknife over 8 random groups of points, with the same terms: they
    do not hold what a polynomial cannot follow; see `error`.
    """
    if fit not in FITS:
        raise errors.unknown("pce", "fit", str(fit), FITS)
    names = walk.parameters(data, params)
    points = walk.count(data, names)
    most = min(_MOST_TERMS, max(2, points // (2 if fit == "lars" else 4)))
    top = _MOST_DEGREE if degree is None else _degree(degree)
    bases = {n: basis_of(data[n], top) for n in names}
    terms = exponents([b.degree for b in bases.values()], top, most, norm)
    if len(terms) < 1 + len(names) or points < 4 * _GROUPS:
        what = f"{points} points cannot tell {len(names)} parameters apart by polynomials"
        raise errors.DataError("pce", what, f"at least {max(4 * _GROUPS, 4 * (len(names) + 1))}")
    found: dict[str, Floats] = {}
    for elements, sums in _sums(data, name, bases, terms):
        for k, element in enumerate(elements):
            _keep(found, element, _of_element(sums, k, terms, ci, fit, order), walk.elements(data, name, names))
    return _told(data, name, names, found, order)


def _degree(degree: Any) -> int:
    if isinstance(degree, bool) or not isinstance(degree, int | np.integer) or not 1 <= degree <= 50:
        raise errors.ParameterError("pce", f"degree = {degree!r}", "a whole number from 1 to 50")
    return int(degree)


def _sums(
    data: xr.Dataset, name: str, bases: Mapping[str, Basis], terms: Terms
) -> Iterator[tuple[list[int], dict[str, Floats]]]:
    """Normal equations by group of points, for all elements of an output that lack the same points."""
    names = list(bases)
    for elements in _alike(data, name, names):
        size = len(terms)
        sums = {
            "gram": np.zeros((_GROUPS, size, size)), "cross": np.zeros((_GROUPS, size, len(elements))),
            "square": np.zeros((_GROUPS, len(elements))),
        }  # fmt: skip
        centre = np.full(len(elements), np.nan)
        for own, y, number in walk.points(data, name, names):
            good = ~np.isnan(y[:, elements[0]])
            values = y[good][:, elements]
            centre = np.where(np.isnan(centre), values[0], centre) if len(values) else centre
            rows = {n: v[good] for n, v in own.items()}
            _add(sums, rows, values - centre, folds_of(number[good], _GROUPS), bases, terms)
        yield elements, {**sums, "centre": centre}


def _alike(data: xr.Dataset, name: str, names: Sequence[str]) -> list[list[int]]:
    """Elements of an output by the points that they lack, told by sums of random numbers of these points."""
    marks: Any = np.uint64(0)
    for _, y, number in walk.points(data, name, names):
        word, _ = philox(number, _MASK, 0)
        marks = marks + np.where(np.isnan(y), word[:, None], np.uint64(0)).sum(axis=0, dtype=np.uint64)
    groups: dict[int, list[int]] = {}
    for element, mark in enumerate(np.atleast_1d(marks)):
        groups.setdefault(int(mark), []).append(element)
    return list(groups.values())


def _add(
    sums: dict[str, Floats], own: Mapping[str, Floats], y: Floats, fold: Any, bases: Mapping[str, Basis], terms: Terms
) -> None:
    for start in range(0, len(y), _ROWS):
        part = slice(start, start + _ROWS)
        rows = _products({n: bases[n].at(v[part]) for n, v in own.items()}, terms)
        for group in range(_GROUPS):
            chosen = fold[part] == group
            some, values = rows[chosen], y[part][chosen]
            sums["gram"][group] += some.T @ some
            sums["cross"][group] += some.T @ values
            sums["square"][group] += (values * values).sum(axis=0)


def _products(columns: Mapping[str, Floats], terms: Terms) -> Floats:
    """All terms at some points."""
    many = len(next(iter(columns.values())))
    found = np.ones((many, len(terms)))
    for k, term in enumerate(terms):
        for column, power in zip(columns.values(), term, strict=True):
            if power:
                found[:, k] *= column[:, power]
    return found


def _of_element(sums: Mapping[str, Floats], k: int, terms: Terms, ci: float, fit: str, order: int) -> dict[str, Any]:
    """All that is told of one element of an output."""
    gram, cross, square = sums["gram"], sums["cross"][:, :, k], sums["square"][:, k]
    whole = gram.sum(axis=0), cross.sum(axis=0), float(square.sum())
    points = float(whole[0][0, 0])
    around = whole[2] - whole[1][0] ** 2 / max(points, 1.0)
    told: dict[str, Any] = {"n_ok": points, "constant": around <= 0, "few": points < 4 * _GROUPS}
    if told["constant"] or told["few"]:
        return told
    chosen, error = best_subset(*whole, every=fit == "ols")
    picked = [terms[j] for j in chosen]
    weights = _shares(fitted(*whole[:2], chosen), picked, order)
    parts = [(whole[0] - gram[g], whole[1] - cross[g]) for g in range(_GROUPS)]
    without = [_shares(fitted(*part, chosen), picked, order) for part in parts]
    for key in weights:
        told |= bounds_of(key, left_out(weights[key], np.stack([w[key] for w in without]), ci))
    coefficients = fitted(*whole[:2], chosen)
    level = float(sums["centre"][k] + coefficients[0])
    return {
        **told,
        "mean": level,
        "sd": float(np.sqrt((coefficients[1:] ** 2).sum())),
        "error": error,
        "terms": len(chosen),
    }


def _shares(coefficients: Floats, terms: Terms, order: int) -> dict[str, Floats]:
    """First and total order (and pairs) of a polynomial."""
    power = np.array(terms) > 0
    square = coefficients**2 * power.any(axis=1)
    whole = square.sum() or np.nan
    alone = power.sum(axis=1) == 1
    found = {
        "S1": np.array([square[alone & power[:, i]].sum() for i in range(power.shape[1])]) / whole,
        "ST": np.array([square[power[:, i]].sum() for i in range(power.shape[1])]) / whole,
    }
    if order == 2:
        pair = np.full((power.shape[1],) * 2, np.nan)
        for i, j in itertools.combinations(range(power.shape[1]), 2):
            only = (power.sum(axis=1) == 2) & power[:, i] & power[:, j]
            pair[i, j] = pair[j, i] = square[only].sum() / whole
        found["S2"] = pair
    return found


def _keep(found: dict[str, Floats], element: int, told: Mapping[str, Any], many: int) -> None:
    """Put what is told of an element where it belongs."""
    for key, value in told.items():
        shape = (*np.shape(value), many)
        found.setdefault(key, np.full(shape, np.nan))[..., element] = value


def _told(data: xr.Dataset, name: str, names: list[str], found: Mapping[str, Floats], order: int) -> xr.Dataset:
    dims = walk.dims_of(data, names)
    single, pair = {PARAM: names}, {PARAM: names, OTHER: names}
    leads: dict[str, dict[str, Any]] = {"mean": {}, "sd": {}, "error": {}, "terms": {}}
    made = {}
    wanted = ["S1", "ST", *(["S2"] if order == 2 else [])]
    shape = (len(names), walk.elements(data, name, names))
    blank = {f"{n}{end}": np.full((len(names), *shape) if n == "S2" else shape, np.nan)
             for n in wanted for end in ("", "_low", "_high")}  # fmt: skip
    blank |= {n: np.full(shape[1], np.nan) for n in leads}
    for key, value in {**blank, **{n: v for n, v in found.items() if n in blank}}.items():
        lead = leads.get(key, pair if key.startswith("S2") else single)
        made[key] = walk.labelled(value, lead, data, name, dims)
    count = np.broadcast_to(found["n_ok"], shape).astype(np.int64)
    marks = {Remark.CONSTANT_OUTPUT: found["constant"] == 1, Remark.TOO_FEW_POINTS: found["few"] == 1}
    counts = {"n_ok": count, "n_failed": walk.count(data, names) - count}
    made |= {n: walk.labelled(v, single, data, name, dims) for n, v in counts.items()}
    return xr.Dataset(
        {**made, "remark": walk.labelled(flagged(shape, marks), single, data, name, dims, remark_attrs())}
    )
