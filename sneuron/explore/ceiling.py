"""How well a cell would predict itself: what no model of it can be expected to beat."""

from __future__ import annotations

import numpy as np
import numpy.typing as npt
import xarray as xr

from sneuron.analysis.coincidence import Coincidence
from sneuron.explore.optimisers.base import generator
from sneuron.labels import SPIKE, SPIKE_TIME

__all__ = ["expected_gamma"]

_PAIRS = 100
_FEWEST = 8

Floats = npt.NDArray[np.float64]


def expected_gamma(cell: xr.Dataset, delta: float = 4.0) -> xr.DataArray:
    """The coincidence factor that two trains of the cell would have, told from the scatter of its intervals.

    Parameters
    ----------
    cell : Dataset
        From `cell_of`: one recording of each sweep.
    delta : float, ms
        Precision of the coincidence factor.

    Returns
    -------
    DataArray
        Over the sweeps; NaN where there are fewer than 8 spikes.

    Notes
    -----
    The logarithm of intervals is a trend, a parabola over the logarithm of their number, and a scatter that hangs on
    that of the interval before (an autoregression of first order). Its innovations are drawn anew, with replacement,
    for 100 pairs of trains that begin with the same spike. Where stimuli were repeated, compare repeats instead.
    """
    times = cell[SPIKE_TIME].transpose(..., SPIKE)
    rows = times.values.reshape(-1, times.shape[-1])
    stop = float(cell.attrs["t_stop"])
    found = np.array([_of_train(row[np.isfinite(row)], stop, delta, k) for k, row in enumerate(rows)])
    dims = times.dims[:-1]
    told = {"units": "1", "long_name": "coincidence factor of the cell with itself, from the scatter of its intervals"}
    return xr.DataArray(found.reshape(times.shape[:-1]), dims=dims, attrs=told)


def _of_train(times: Floats, stop: float, delta: float, number: int) -> float:
    if len(times) < _FEWEST:
        return float("nan")
    intervals = np.diff(times)
    place = np.log(np.arange(1, len(intervals) + 1))
    trend = np.polyval(np.polyfit(place, np.log(intervals), 2), place)
    scatter = _drawn(np.log(intervals) - trend, generator(number, 11))
    drawn = trend + scatter
    trains = times[0] + np.concatenate([np.zeros((2, _PAIRS, 1)), np.cumsum(np.exp(drawn), -1)], -1)
    trains[trains > stop] = np.nan
    first, second = (xr.DataArray(t, dims=("pair", SPIKE)) for t in trains)
    return float(Coincidence(first, second.rename({SPIKE: "spike_ref"}), delta=delta, t_stop=stop).mean())


def _drawn(scatter: Floats, rng: np.random.Generator) -> Floats:
    """Two times 100 rows of such a scatter."""
    left, right = scatter[:-1], scatter[1:]
    follow = float(np.clip(left @ right / max(float(left @ left), 1e-300), -0.95, 0.95))
    fresh = rng.choice(right - follow * left, (2, _PAIRS, len(scatter)))
    for k in range(1, len(scatter)):
        fresh[..., k] += follow * fresh[..., k - 1]
    return np.asarray(fresh)
