"""Runs of networks: what they return, and single steps of them."""

from __future__ import annotations

from typing import Any

import numpy as np
import xarray as xr
from numpy.typing import NDArray

from sneuron import labels
from sneuron.core.network import PENDING, NetSession, Traffic
from sneuron.core.results import coords_of, feature_of, provenance, window

__all__ = ["networks"]

Array = NDArray[Any]


def networks(session: NetSession, n: int, every: int, spikes: bool, return_state: bool) -> Any:
    """Run networks: the run, and the state at the end where it is asked for."""
    traffic = session.advance(n, every, spikes)
    run = _result(session, traffic, n, every, spikes)
    run.attrs.update(provenance(session, n))
    return (run, state_after(session, traffic, n)) if return_state else run


def state_after(session: NetSession, traffic: Traffic, n: int) -> xr.Dataset:
    """The networks `n` steps later, with what is on its way."""
    state = session.after(n, traffic.status)
    return state.drop_vars(PENDING, errors="ignore").assign({PENDING: session.pending(n, traffic.halted)})


def _result(session: NetSession, traffic: Traffic, n: int, every: int, spikes: bool) -> xr.Dataset:
    failed = traffic.halted != 0
    shape = tuple(session.points.values())
    lost = np.repeat(failed, session.each) | ~session.there
    counts = np.where(lost, np.nan, session.lanes.points(traffic.counts).astype(np.float64))
    variables = {labels.SPIKE_COUNT: session.labelled(counts, units="1", long_name="number of spikes")}
    bad = session.lanes.points(traffic.bad).reshape(session.networks, -1)[:, 0]
    attrs = {"units": "ms", "long_name": "when the network failed"}
    variables[labels.FIRST_BAD] = xr.DataArray(bad.reshape(shape), dims=tuple(session.points), attrs=attrs)
    if spikes:
        variables |= _events(session, traffic, n)
    for feature in session.features:
        variables[feature] = feature_of(session, feature, n, lost)
    run = xr.Dataset(variables, coords=coords_of(session))
    if session.record:
        run = run.assign(_traces(session, traffic, n, every))
    code = np.where(failed, traffic.halted, int(labels.Status.OK)).astype(np.uint8)
    status = xr.DataArray(code.reshape(shape), dims=tuple(session.points), attrs=labels.status_attrs())
    return run.assign_coords({labels.STATUS: status})


def _events(session: NetSession, traffic: Traffic, n: int) -> dict[str, xr.DataArray]:
    """Spikes in the order of their times, by network; rows are padded with NaN and -1."""
    of, neuron = np.divmod(traffic.neurons, session.each)
    order = np.lexsort((traffic.times, of)) if session.networks > 1 else np.argsort(traffic.times, kind="stable")
    of, neuron, times = of[order], neuron[order], traffic.times[order]
    counts = np.bincount(of, minlength=session.networks)
    place = np.arange(of.size) - np.repeat(np.cumsum(counts) - counts, counts)
    time = np.full((session.networks, int(counts.max(initial=0))), np.nan)
    who = np.full(time.shape, -1, np.int32)
    time[of, place], who[of, place] = times, neuron
    shape, dims = (*session.points.values(), time.shape[1]), (*session.points, labels.EVENT)
    span = window(session, n)
    return {
        labels.EVENT_TIME: xr.DataArray(
            time.reshape(shape), dims=dims, attrs={"units": "ms", "long_name": "spike time", **span}
        ),
        labels.EVENT_NEURON: xr.DataArray(
            who.reshape(shape), dims=dims, attrs={"units": "1", "long_name": "neuron that spiked, -1 for none"}
        ),
    }


def _traces(session: NetSession, traffic: Traffic, n: int, every: int) -> dict[str, xr.DataArray]:
    """What was recorded, everywhere or at chosen neurons."""
    samples = n // every + 1
    t = window(session, n)["t_start"] + np.arange(samples) * (every * session.dt)
    time = xr.DataArray(t, dims=labels.TIME, attrs={"units": "ms", "long_name": "time"})
    network = (np.arange(session.size) if session.picks is None else session.picks) // session.each
    bad = session.lanes.points(traffic.bad).reshape(session.networks, -1)[:, 0][network]
    result = {}
    for k, name in enumerate(session.record):
        values = np.ascontiguousarray(traffic.record[k].T)
        values[t > bad[:, None] - 0.5 * session.dt] = np.nan
        attrs = {"units": session.model.unit_of(name), "long_name": session.model.meaning_of(name)}
        if session.picks is None:
            array = session.labelled(values, (labels.TIME,), **attrs)
        else:
            array = xr.DataArray(values, dims=("trace", labels.TIME), attrs=attrs)
        result[name] = array.assign_coords({labels.TIME: time})
    return result
