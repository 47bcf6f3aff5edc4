"""How well a fitted model predicts, beside predictors that know nothing of neurons, on sweeps that it has not seen."""

from __future__ import annotations

from typing import Any

import numpy as np
import xarray as xr

from sneuron import errors, labels
from sneuron.analysis.coincidence import Coincidence
from sneuron.analysis.counts import LatencyError
from sneuron.explore.baselines import INTERPOLATION, LIF, count_baselines
from sneuron.explore.ceiling import expected_gamma
from sneuron.explore.cells import sweeps_of
from sneuron.labels import SPIKE, SPIKE_COUNT, SPIKE_TIME

__all__ = ["PREDICTOR", "scored"]

PREDICTOR, MODEL = "predictor", "model"


def scored(cell: xr.Dataset, run: xr.Dataset, split: tuple[list[int], list[int]], delta: Any = 4.0) -> xr.Dataset:
    """Scores of a run against a recording, sweep by sweep, and of baselines for the counts.

    Parameters
    ----------
    cell : Dataset
        The recording, from `cell_of`.
    run : Dataset
        The model under the stimuli of all sweeps.
    split : tuple of two lists of int
        Sweeps that were fitted, and those that were held out.
    delta : number or text, ms
        Precision of the coincidence factor.

    Returns
    -------
    Dataset
        `count(predictor, sweep)` and `recorded(sweep)`; `gamma`, `gamma_data` (in the other convention) and
        `latency_error` (ms) of the model; `ceiling(sweep)`: the gamma that the cell itself can be expected to reach;
        `held_out(sweep)`; `rmse(predictor, part)` of the counts with parts train and test. `attrs["verdict"]` says in
        words what that means.
    """
    times = cell[SPIKE_TIME].rename({SPIKE: "spike_ref"})
    run = _alike(run, cell)
    made = xr.Dataset({
        "gamma": Coincidence(run, times, delta=delta),
        "gamma_data": Coincidence(run, times, delta=delta, rate="data", matching="nearest"),
        "latency_error": LatencyError(run, times),
        "ceiling": expected_gamma(cell, labels.number(delta, "ms", "delta")),
        "recorded": cell[SPIKE_COUNT].assign_attrs(units="1", long_name="recorded number of spikes"),
    }).drop_vars("status", errors="ignore")  # fmt: skip
    model = run[SPIKE_COUNT].drop_vars("status", errors="ignore")
    sweeps = sweeps_of(cell)
    if sweeps is None:
        made["count"] = model.expand_dims({PREDICTOR: [MODEL]})
        return made.assign_attrs(verdict="One sweep: nothing was held out, so that nothing is known of predictions.")
    return _compared(made, model, cell, split, sweeps[0])


def _alike(run: xr.Dataset, cell: xr.Dataset) -> xr.Dataset:
    """Sweeps under the same labels."""
    sweeps = sweeps_of(cell)
    if sweeps is None or sweeps[0] not in run.dims:
        return run
    own = {sweeps[0]: cell[sweeps[0]]} if sweeps[0] in cell.coords else {}
    return run.drop_vars(sweeps[0], errors="ignore").assign_coords(own)


def _compared(
    made: xr.Dataset, model: xr.DataArray, cell: xr.Dataset, split: tuple[list[int], list[int]], dim: str
) -> xr.Dataset:
    """With the baselines beside the model."""
    train, test = split
    rows = {MODEL: model}
    why = ""
    try:
        found = count_baselines(cell, train)
        rows |= {LIF: found[LIF], INTERPOLATION: found[INTERPOLATION]}
    except errors.DataError as cause:
        why = cause.given
    count = xr.concat([row.drop_vars(list(row.coords)) for row in rows.values()], PREDICTOR)
    made["count"] = count.assign_coords({PREDICTOR: list(rows)}).transpose(PREDICTOR, dim)
    held = np.isin(np.arange(cell.sizes[dim]), test)
    made["held_out"] = ((dim,), held)
    error = (made["count"] - made["recorded"].drop_vars(list(made["recorded"].coords))) ** 2
    parts = {"train": ~held & np.isin(np.arange(cell.sizes[dim]), train), "test": held}
    sums = {name: error.isel({dim: np.flatnonzero(p)}).sum(dim, skipna=False) for name, p in parts.items()}
    means = [(total / (parts[name].sum() or np.nan)) ** 0.5 for name, total in sums.items()]
    made["rmse"] = xr.concat(means, "part").assign_coords(part=list(parts)).transpose(PREDICTOR, "part")
    made["rmse"].attrs.update(units="1", long_name="root mean square error of spike counts")
    return made.assign_attrs(verdict=_verdict(made, dim, why))


def _verdict(made: xr.Dataset, dim: str, why: str) -> str:
    """What the scores mean, in words."""
    held = made["held_out"].values
    if not held.any():
        return "No sweep was held out: what the model predicts of others is not known."
    error = {
        str(p): float(v) for p, v in zip(made[PREDICTOR].values, made["rmse"].sel(part="test").values, strict=True)
    }
    gamma, most = (float(made[n].isel({dim: np.flatnonzero(held)}).mean()) for n in ("gamma", "ceiling"))
    told = f"On the held-out sweeps the spike counts of the model are off by {error[MODEL]:.2f} (root mean square)"
    spikes = f"Gamma there is {gamma:.2f} on average"
    spikes += f"; by the scatter of its intervals, the cell itself would reach {most:.2f}." if most == most else "."
    if len(error) == 1:
        return f"{told}. There is no baseline: {why}. {spikes}"
    told += f", those of a LIF neuron's f-I curve by {error[LIF]:.2f}, of interpolation by {error[INTERPOLATION]:.2f}"
    if not error[MODEL] < min(error[LIF], error[INTERPOLATION]):
        return f"{told}: the fit explains nothing of the counts beyond these baselines. {spikes}"
    return f"{told}: the model predicts them better than both. {spikes}"
