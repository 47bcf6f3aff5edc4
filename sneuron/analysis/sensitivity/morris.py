"""Elementary effects of trajectories and stars (Morris' screening)."""

from __future__ import annotations

from typing import Any

import numpy as np
import numpy.typing as npt
import xarray as xr

from sneuron.analysis.sensitivity import walk
from sneuron.analysis.sensitivity.intervals import Remark, bounds_of, flagged, remark_attrs, student
from sneuron.analysis.sensitivity.sobol import PARAM
from sneuron.labels import MOVE, MOVED, MOVED_BY, MOVED_FROM, TRAJECTORY

__all__ = ["elementary_effects"]

Floats = npt.NDArray[np.float64]

DIMS = walk.KINDS["trajectories"]


def elementary_effects(data: xr.Dataset, name: str, ci: float = 0.95) -> xr.Dataset:
    r"""Mean, mean size and spread of the elementary effects of each parameter.

    Parameters
    ----------
    data : Dataset
        Dims trajectory, move; coordinates `moved` (number of the parameter that a move changes, names in its flags),
        `moved_by` (change, in units of the distribution), `moved_from` (the move that it is compared with).
    name : str
        Which output; its further dims are carried along.
    ci : float, default 0.95
        Coverage of the intervals.

    Returns
    -------
    Dataset
        `mu` (mean effect), `mu_star` (mean size), `sigma` (spread over the space: nought for an effect that is the same
        everywhere), each with `_low` and `_high`, over `param`; in the output's unit for the whole range of the
        parameter. `n_ok`, `n_failed` effects; `remark`.

    Notes
    -----
    :math:`EE_i = (f(x + \Delta e_i) - f(x))/\Delta` with :math:`\Delta` a share of the distribution of the parameter.
    Morris 1991, doi:10.1080/00401706.1991.10484804; mu_star: Campolongo, Cariboni & Saltelli 2007,
    doi:10.1016/j.envsoft.2006.10.004. Intervals are Student's over trajectories; that of sigma is that of its
    logarithm, with the fourth moment of the effects. Trajectories that were chosen to lie far apart are no random
    sample: their intervals are rather too wide.
    """
    groups = str(data[MOVED].attrs["flag_meanings"]).split()
    totals: dict[str, Floats] = {}
    at = 0
    for block in walk.blocks(data, name, DIMS):
        rows = slice(at, at + len(block))
        _add(totals, _effects(data, block, rows, len(groups)))
        at += len(block)
    found, count = _moments(totals, ci)
    still = (totals["least"] == 0) & (totals["most"] == 0)
    marks = {Remark.NO_EFFECT: still, Remark.TOO_FEW_POINTS: count < 2}
    about = {"units": str(data[name].attrs.get("units", "1"))}
    lead = {PARAM: groups}
    made = {n: walk.labelled(v, lead, data, name, DIMS, about) for n, v in found.items()}
    counts = {"n_ok": count, "n_failed": data.sizes[TRAJECTORY] - count}
    made |= {n: walk.labelled(v, lead, data, name, DIMS) for n, v in counts.items()}
    remark = walk.labelled(flagged(count.shape, marks), lead, data, name, DIMS, remark_attrs())
    return xr.Dataset({**made, "remark": remark})


def _effects(data: xr.Dataset, block: Floats, rows: slice, groups: int) -> Floats:
    """Elementary effects of some trajectories: trajectory, group, element."""
    moved = _over(data[MOVED], rows, len(block))[:, 1:]
    by = _over(data[MOVED_BY], rows, len(block))[:, 1:]
    before = np.asarray(data[MOVED_FROM].values)[1:]
    change = (block[:, 1:] - block[:, before]) / by[..., None]
    found = np.empty((len(block), groups, block.shape[-1]))
    np.put_along_axis(found, moved[..., None], change, axis=1)
    return found


def _over(coord: xr.DataArray, rows: slice, many: int) -> npt.NDArray[Any]:
    """A coordinate of moves for some trajectories."""
    if TRAJECTORY in coord.dims:
        return np.asarray(coord.isel({TRAJECTORY: rows}).transpose(TRAJECTORY, MOVE).values)
    return np.broadcast_to(coord.values, (many, coord.size))


def _add(totals: dict[str, Floats], effects: Floats) -> None:
    """Add counts and powers of effects, from the first effect of each as centre."""
    good = ~np.isnan(effects)
    shape = effects.shape[1:]
    held = totals.setdefault("centre", np.full(shape, np.nan))
    first = np.take_along_axis(effects, good.argmax(axis=0)[None], axis=0)[0]
    totals["centre"] = centre = np.where(np.isnan(held), first, held)
    off = np.where(good, effects - centre, 0.0)
    size = np.where(good, np.abs(effects), 0.0)
    parts = {"n": good.sum(axis=0), "size": size.sum(axis=0), "size_2": (size**2).sum(axis=0)}
    parts |= {f"off_{k}": (off**k).sum(axis=0) for k in (1, 2, 3, 4)}
    for key, value in parts.items():
        totals[key] = totals.get(key, 0.0) + value.astype(np.float64)
    for key, least in (("least", np.minimum), ("most", np.maximum)):
        value = least.reduce(np.where(good, effects, 0.0), axis=0)
        totals[key] = least(totals.get(key, value), value)


def _moments(totals: dict[str, Floats], ci: float) -> tuple[dict[str, Floats], npt.NDArray[np.int64]]:
    """mu, mu_star and sigma with their intervals, and how many effects there are."""
    many = np.where(totals["n"] >= 2, totals["n"], np.nan)
    off = totals["off_1"] / many
    second = np.maximum(totals["off_2"] / many - off**2, 0.0)
    second = np.where(second <= 1e-14 * totals["off_2"] / many, 0.0, second)
    fourth = (
        totals["off_4"] / many - 4 * off * totals["off_3"] / many + 6 * off**2 * totals["off_2"] / many - 3 * off**4
    )
    factor = student(np.nan_to_num(many, nan=1.0), ci)
    variance = second * many / (many - 1)
    sigma, size = np.sqrt(variance), totals["size"] / many
    found = bounds_of("mu", (totals["centre"] + off, factor * sigma / np.sqrt(many)))
    spread = np.sqrt(np.maximum(totals["size_2"] / many - size**2, 0.0) / (many - 1))
    found |= bounds_of("mu_star", (size, factor * spread))
    peaked = np.where(second > 0, fourth / np.where(second > 0, second, 1.0) ** 2, 1.0)
    relative = np.exp(factor * 0.5 * np.sqrt(np.maximum(peaked - (many - 3) / (many - 1), 0.0) / many))
    found |= {"sigma": sigma, "sigma_low": sigma / relative, "sigma_high": sigma * relative}
    return found, totals["n"].astype(np.int64)
