"""What a run returns: labelled arrays made of what the kernel left."""

from __future__ import annotations

import json
import math
from typing import Any

import numpy as np
import xarray as xr
from numpy.typing import NDArray

from sneuron import labels
from sneuron.core.session import Session
from sneuron.lang.kernel import Outcome

__all__ = ["coords_of", "feature_of", "padded", "provenance", "recorded", "result_of", "window"]

Array = NDArray[Any]


def result_of(session: Session, out: Outcome, trains: tuple[Array, Array], n: int, every: int) -> xr.Dataset:
    lanes = session.lanes
    status = lanes.points(out.status)
    failed = status != 0
    counts = np.where(failed, np.nan, lanes.points(out.counts).astype(np.float64))
    variables = {
        labels.SPIKE_COUNT: session.labelled(counts, units="1", long_name="number of spikes"),
        labels.FIRST_BAD: session.labelled(lanes.points(out.bad), units="ms", long_name="when the neuron failed"),
    }
    if out.times.shape[2]:
        variables[labels.SPIKE_TIME] = session.labelled(
            padded(trains, session.size, failed),
            (labels.SPIKE,),
            units="ms",
            long_name="spike time",
            **window(session, n),
        )
    for feature in session.features:
        variables[feature] = feature_of(session, feature, n, failed)
    run = xr.Dataset(variables, coords=coords_of(session))
    if session.record:
        run = run.assign(recorded(session, out, n, every))
    code = np.where(failed, status, int(labels.Status.OK)).astype(np.uint8)
    return run.assign_coords({labels.STATUS: session.labelled(code).assign_attrs(labels.status_attrs())})


def window(session: Session, n: int) -> dict[str, float]:
    start = session.clock.origin + session.clock.first * session.dt
    return {"t_start": start, "t_stop": start + n * session.dt}


def padded(trains: tuple[Array, Array], size: int, failed: Array) -> Array:
    """Trains as rows padded with NaN; failed neurons have none."""
    neurons, times = trains
    order = np.argsort(neurons, kind="stable")
    neurons, times = neurons[order], times[order]
    counts = np.bincount(neurons, minlength=size)
    starts = np.concatenate([[0], np.cumsum(counts)[:-1]])
    rows = np.full((size, int(counts.max(initial=0))), np.nan)
    rows[neurons, np.arange(neurons.size) - starts[neurons]] = times
    rows[failed] = np.nan
    return rows


def feature_of(session: Session, feature: str, n: int, failed: Array) -> xr.DataArray:
    stem, kind = feature.rsplit("_", 1)
    values = session.lanes.get(f"feature.{feature}").astype(np.float64)
    values = values / n if kind == "mean" and n else values
    values = np.where(failed | (n == 0), np.nan, values)
    return session.labelled(values, units=session.model.unit_of(stem), long_name=f"{kind} of {stem}")


def recorded(session: Session, out: Outcome, n: int, every: int) -> dict[str, xr.DataArray]:
    start = window(session, n)["t_start"]
    samples = n // every + 1
    t = start + np.arange(samples) * (every * session.dt)
    time = xr.DataArray(t, dims=labels.TIME, attrs={"units": "ms", "long_name": "time"})
    bad = session.lanes.points(out.bad)
    result = {}
    for k, name in enumerate(session.record):
        values = np.ascontiguousarray(out.record[k].reshape(samples, -1)[:, session.lanes.place].T)
        for neuron in np.flatnonzero(~np.isnan(bad)):
            values[neuron, t > bad[neuron] - 0.5 * session.dt] = np.nan
        attrs = {"units": session.model.unit_of(name), "long_name": session.model.meaning_of(name)}
        result[name] = session.labelled(values, (labels.TIME,), **attrs).assign_coords({labels.TIME: time})
    return result


def coords_of(session: Session) -> dict[str, xr.DataArray]:
    """Coordinates of the state, and every parameter that varies."""
    state = session.state
    coords = {str(k): c for k, c in state.coords.items() if set(c.dims) <= set(session.dims)}
    inputs = [n for n in state.data_vars if state[n].attrs.get("role") in ("parameter", "input") and state[n].ndim]
    coords |= {str(n): state[n] for n in inputs if set(state[n].dims) <= set(session.dims) and n not in coords}
    return coords


def provenance(session: Session, n: int) -> dict[str, Any]:
    state, model = session.state, session.model
    own = {
        k: float(state[k])
        for k, p in model.params.items()
        if k in state and state[k].ndim == 0 and float(state[k]) != p.value
    }
    inputs = [str(n) for n, a in state.data_vars.items() if a.attrs.get("role") == "input" and a.ndim == 0]
    own |= {k: float(state[k]) for k in inputs if math.isfinite(float(state[k]))}
    return {
        "model": model.to_json(),
        "model_name": model.name,
        "model_hash": model.hash,
        "parameters": json.dumps(own, sort_keys=True),
        "stimulus": state.attrs["stimulus"],
        "method": session.kernel.method.name,
        "dt": session.dt,
        "dtype": session.dtype,
        "duration": n * session.dt,
        "allow_unstable": session.allowed,
        **({"streams": state.attrs.get("streams", "{}")} if model.noisy else {}),
        **window(session, n),
    }
