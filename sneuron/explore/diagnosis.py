"""What the evaluations of a fit tell about it: whether it converged, and what the data say of each parameter."""

from __future__ import annotations

from typing import Any

import numpy as np
import numpy.typing as npt
import xarray as xr

from sneuron import errors
from sneuron.explore.asked import START
from sneuron.explore.designs import Design

__all__ = ["LOSS", "PARAM", "PLACES", "diagnosed", "spectrum", "unit_of"]

LOSS, PARAM, MODE, PLACE = "loss", "param", "mode", "place"

Floats = npt.NDArray[np.float64]

_EDGE = 0.01
_AGREE = 0.05
_FLAT = 0.05
_PLACES = 24

PLACES = (np.arange(_PLACES) + 0.5) / _PLACES
"""Where profiles and slices are looked at, in units of the range."""
_RIDGE = 1e-9


def unit_of(design: Design, data: xr.Dataset) -> Floats:
    """The place of each evaluation in its ranges, from 0 to 1."""
    return np.stack([_inverse(m, data[n].values) for n, m in design.columns], axis=1)


def diagnosed(design: Design, data: xr.Dataset, slices: Floats, curvature: Floats | None = None) -> xr.Dataset:
    """Convergence of each search, profiles, stiff and sloppy directions, ends of ranges that were hit.

    Parameters
    ----------
    design : Design
        What was searched.
    data : Dataset
        Every evaluation, with `loss`, `start` and `generation`.
    slices : array (params, places)
        The loss where one parameter after the other is moved over its range, the others staying at the best point.
    curvature : array (params, params), optional
        The second derivatives of the loss at the best point, in units of the ranges, where they are known.

    Returns
    -------
    Dataset
        `running(start, generation)`: the best loss so far of each search; `best_loss(start)`, `best(start, param)`,
        `evaluations(start)`, `agrees(start)` (whether its best is within 5 % of the range of the best of all);
        `profile(param, place)`: the least loss of all evaluations at each place of the range; `slice(param, place)`:
        the loss there when all other parameters stay at the best point; `at_bound(param)`: -1 or 1 where the best lies
        at an end; `matters(param)`: False where the slice is flat; `eigenvalue(mode)` and `direction(mode, param)` of
        the second derivatives in units of the ranges. `attrs["sloppiness"]`: the decades that the eigenvalues span;
        `attrs["verdict"]` says it in words.
    """
    loss = data[LOSS].values
    if not np.isfinite(loss).any():
        raise errors.DataError("diagnostics", "every evaluation failed", mend="Look at study.failures().")
    names, unit = [n for n, _ in design.columns], unit_of(design, data)
    found = _by_start(design, data, unit, loss)
    found = found.merge(_profiles(design, unit, loss, slices), combine_attrs="override")
    best = unit[int(np.argmin(loss))]
    side = np.where(best < _EDGE, -1, np.where(best > 1 - _EDGE, 1, 0))
    found["at_bound"] = ((PARAM,), side, _told("end of the range at which the best point lies"))
    values, vectors = spectrum(unit, loss) if curvature is None else _eigen(curvature)
    found["eigenvalue"] = ((MODE,), values, _told("second derivative of the loss along a direction, range 1"))
    found["direction"] = ((MODE, PARAM), vectors, _told("direction, in units of the ranges"))
    positive = values[values > 0]
    found.attrs["sloppiness"] = float(np.log10(positive.max() / positive.min())) if len(positive) else float("nan")
    found = found.assign_coords({PARAM: names, MODE: np.arange(len(names))})
    return found.assign_attrs(verdict=_verdict(found))


def spectrum(unit: Floats, loss: Floats) -> tuple[Floats, Floats]:
    """Eigenvalues, the largest first, and eigenvectors of the second derivatives of the loss around its least value.

    A quadratic form is fitted to the best evaluations, six for each of its coefficients, centred and scaled. NaN where
    there are fewer evaluations than coefficients.
    """
    n = unit.shape[1]
    rows, columns = np.triu_indices(n)
    wanted = 6 * (1 + n + len(rows))
    order = np.argsort(loss, kind="stable")[:wanted]
    order = order[np.isfinite(loss[order])]
    scale = np.maximum(unit[order].std(0), 1e-9)
    if 6 * len(order) < wanted:
        return np.full(n, np.nan), np.full((n, n), np.nan)
    x = (unit[order] - unit[order[0]]) / scale
    design = np.hstack([np.ones((len(x), 1)), x, x[:, rows] * x[:, columns]])
    normal = design.T @ design + _RIDGE * len(x) * np.eye(design.shape[1])
    coefs = np.linalg.solve(normal, design.T @ loss[order])
    matrix = np.zeros((n, n))
    matrix[rows, columns] = coefs[1 + n :]
    return _eigen((matrix + matrix.T) / np.outer(scale, scale))


def _eigen(matrix: Floats) -> tuple[Floats, Floats]:
    values, vectors = np.linalg.eigh(matrix)
    order = np.argsort(-values)
    vectors = vectors[:, order].T
    signs = np.sign(vectors[np.arange(len(vectors)), np.abs(vectors).argmax(1)])
    return values[order], vectors * signs[:, None]


def _by_start(design: Design, data: xr.Dataset, unit: Floats, loss: Floats) -> xr.Dataset:
    """What each search came to."""
    start, generation = data[START].values, data["generation"].values
    labels_, inverse = np.unique(start, return_inverse=True)
    running = np.full((len(labels_), int(generation.max()) + 1), np.inf)
    np.minimum.at(running, (inverse, generation), loss)
    first = np.array([generation[inverse == k].min() for k in range(len(labels_))])
    running = np.minimum.accumulate(running, axis=1)
    running[np.arange(running.shape[1])[None] < first[:, None]] = np.nan
    rows = np.array([np.flatnonzero(inverse == k)[np.argmin(loss[inverse == k])] for k in range(len(labels_))])
    top = unit[int(np.argmin(loss))]
    values = np.stack([data[n].values[rows] for n, _ in design.columns], axis=1)
    return xr.Dataset(
        {
            "running": ((START, "generation"), running, _told("best loss so far")),
            "best_loss": ((START,), loss[rows], _told("best loss")),
            "best": ((START, PARAM), values, {"long_name": "best parameters"}),
            "evaluations": ((START,), np.bincount(inverse), _told("evaluations")),
            "agrees": ((START,), (np.abs(unit[rows] - top) < _AGREE).all(1), {"long_name": "ends where the best ends"}),
        },
        coords={START: labels_, "generation": np.arange(running.shape[1])},
    )


def _profiles(design: Design, unit: Floats, loss: Floats, slices: Floats) -> xr.Dataset:
    """The least loss at each place of each range."""
    places = np.minimum((unit * _PLACES).astype(np.int64), _PLACES - 1)
    found = np.full((unit.shape[1], _PLACES), np.inf)
    for k in range(unit.shape[1]):
        np.minimum.at(found[k], places[:, k], loss)
    values = np.stack([m.values(PLACES) for _, m in design.columns])
    found[~np.isfinite(found)] = np.nan
    finite = loss[np.isfinite(loss)]
    rise = np.where(np.isfinite(slices).all(1), np.ptp(slices, axis=1), np.inf)
    spread = max(float(np.median(finite) - finite.min()), 1e-300)
    return xr.Dataset({
        "profile": ((PARAM, PLACE), found, _told("least loss, of all other parameters the best")),
        "slice": ((PARAM, PLACE), slices, _told("loss, all other parameters at the best point")),
        "value": ((PARAM, PLACE), values, {"long_name": "value of the parameter"}),
        "matters": ((PARAM,), rise > _FLAT * spread, {"long_name": "whether the loss changes over the range"}),
    })  # fmt: skip


def _verdict(found: xr.Dataset) -> str:
    """The diagnosis in a few sentences."""
    names = found[PARAM].values
    searches, agree = found.sizes[START], int(found["agrees"].sum())
    told = [f"{agree} of {searches} searches end where the best one ends." if searches > 1 else "There was one search."]
    hit = [str(n) for n, side in zip(names, found["at_bound"].values, strict=True) if side]
    if hit:
        told.append(f"At an end of its range: {', '.join(hit)}; widen it.")
    flat = [str(n) for n, matters in zip(names, found["matters"].values, strict=True) if not matters]
    if flat:
        told.append(f"Of no matter for the loss: {', '.join(flat)}; any value does.")
    decades = found.attrs["sloppiness"]
    if np.isfinite(decades) and decades > 3:
        sloppy = found["direction"].values[int((found["eigenvalue"].values > 0).sum()) - 1]
        parts = [f"{w:+.2f} {n}" for n, w in zip(names, sloppy, strict=True) if abs(w) > 0.2]
        told.append(f"The stiffest direction is 10^{decades:.1f} times as stiff as the sloppiest: {' '.join(parts)}.")
    return " ".join(told)


def _inverse(marginal: Any, values: Floats) -> Floats:
    """The coordinate of values in their range."""
    if marginal.kind == "uniform":
        low, high = marginal.args
        return np.asarray((values - low) / (high - low))
    if marginal.kind == "log":
        low, high = marginal.args
        return np.asarray(np.log(values / low) / np.log(high / low))
    grid = np.linspace(0.0005, 0.9995, 1000)
    return np.asarray(np.interp(values, marginal.values(grid), grid))


def _told(name: str) -> dict[str, str]:
    return {"units": "1", "long_name": name}
