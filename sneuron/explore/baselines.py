"""What a fitted model must beat to be worth its parameters: predictors of spike counts that know no dynamics."""

from __future__ import annotations

import functools
from typing import Any, cast

import numpy as np
import numpy.typing as npt
import xarray as xr

from sneuron import errors, labels
from sneuron.explore.cells import CURRENT, chosen, sweeps_of
from sneuron.labels import SPIKE_COUNT, TIME

__all__ = ["INTERPOLATION", "LIF", "count_baselines", "lif_rate"]

LIF, INTERPOLATION = "lif", "interpolation"

Floats = npt.NDArray[np.float64]

_BOUNDS = ((10.0, 1000.0), (1.0, 60.0), (5.0, 40.0), (0.0, 40.0))
"""Resistance (MOhm), time constant (ms), threshold above rest (mV), refractory time (ms)."""


def lif_rate(current: Any, resistance: Any, tau: Any, threshold: Any, t_ref: Any) -> Floats:
    """Spikes per ms of a leaky integrate-and-fire neuron under a constant current (pA), in closed form.

    >>> round(1000 * float(lif_rate(200.0, 100.0, 20.0, 15.0, 2.0)), 3)
    33.641
    """
    drive = 1e-3 * resistance * np.asarray(current, dtype=np.float64)
    above = drive > threshold
    with np.errstate(divide="ignore", invalid="ignore"):
        interval = t_ref + tau * np.log(drive / (drive - threshold))
    return np.where(above, 1.0 / np.where(above, interval, 1.0), 0.0)


def count_baselines(cell: xr.Dataset, train: list[int]) -> xr.Dataset:
    """Spike counts of every sweep as two predictors say that know the counts of the train sweeps.

    Parameters
    ----------
    cell : Dataset
        From `cell_of`, with currents.
    train : list of int
        Numbers of the sweeps that they may look at.

    Returns
    -------
    Dataset
        `lif` (the f-I curve of a leaky integrate-and-fire neuron in closed form, its four parameters fitted to the
        train counts) and `interpolation` (of the train counts over the current), over the dim of the sweeps.

    Raises
    ------
    DataError
        Without a dim of sweeps, without currents, or with the same mean current in all train sweeps.
    """
    sweeps = sweeps_of(cell)
    if sweeps is None or CURRENT not in cell:
        raise errors.DataError("baselines", "there are no sweeps with currents to learn an f-I curve from")
    mean = cell[CURRENT].mean(TIME).values
    scale = float(labels.convert(1.0, labels.units_of(cell[CURRENT].attrs) or "pA", "pA", "baselines")) if _absolute(
        cell
    ) else 1.0  # fmt: skip
    current, counts = scale * mean, cell[SPIKE_COUNT].values
    known = np.array(train)
    if len(np.unique(current[known])) < 2:
        raise errors.DataError("baselines", "all train sweeps have the same mean current: there is no f-I curve")
    order = known[np.argsort(current[known])]
    lif = lif_rate(current, *_fitted(tuple(current[known]), tuple(counts[known]), cell.attrs["t_stop"]))
    line = np.interp(current, current[order], counts[order])
    made = {LIF: ((sweeps[0],), np.rint(lif * cell.attrs["t_stop"])), INTERPOLATION: ((sweeps[0],), line)}
    return xr.Dataset(made, coords={sweeps[0]: chosen(cell, range(sweeps[1]))[sweeps[0]]})


def _absolute(cell: xr.Dataset) -> bool:
    """Whether the current is one, and no density."""
    return "/" not in str(cell[CURRENT].attrs.get("units", "pA"))


@functools.lru_cache(maxsize=32)
def _fitted(current: tuple[float, ...], counts: tuple[float, ...], length: float) -> tuple[float, ...]:
    """The four parameters with which the closed form comes nearest to the counts."""
    from scipy.optimize import differential_evolution

    have, wanted, bounds = np.array(current), np.array(counts), cast("Any", _BOUNDS)

    def error(p: Floats) -> Floats:
        many = lif_rate(have[:, None], *np.reshape(p, (4, -1))) * length
        return np.asarray(((many - wanted[:, None]) ** 2).mean(0))

    found: Any = cast("Any", differential_evolution)(
        error, bounds, rng=1, maxiter=400, popsize=20, tol=1e-8, vectorized=True, updating="deferred"
    )
    return tuple(float(x) for x in found.x)
