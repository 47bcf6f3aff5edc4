"""The coincidence factor Gamma: spikes that a model and a recording share, beyond chance."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import numpy as np

from sneuron import errors, labels
from sneuron.analysis.measure import FloatArray, Output, measure
from sneuron.analysis.segments import bisect, blocks, divided, places, total
from sneuron.analysis.spikes import IntArray, SpikeTrains, Trains

__all__ = ["Coincidence"]

_SLACK = 1e-9
"""Times written in decimal and exactly delta apart coincide, whatever their last binary digit (ms)."""

_BLOCK = 1 << 19
"""Spikes handled at a time, which bounds memory."""

_RATES, _MATCHINGS = ("model", "data"), ("one-to-one", "nearest")


def _gives(options: Mapping[str, Any]) -> Output:
    for name, choices in (("rate", _RATES), ("matching", _MATCHINGS)):
        if options[name] not in choices:
            raise errors.unknown("Coincidence", name, str(options[name]), choices)
    _delta(options["delta"])
    return Output("gamma", "1", "coincidence factor")


@measure(
    over={"spikes": SpikeTrains(window=True, events=False), "reference": SpikeTrains(window=True, events=False)},
    gives=_gives,
)
def Coincidence(
    spikes: Trains,
    reference: Trains,
    delta: float = 4.0,
    rate: str = "model",
    matching: str = "one-to-one",
    t_start: float | None = None,
    t_stop: float | None = None,
    sort: bool = False,
) -> FloatArray:
    r"""Coincidence factor Gamma of spike trains with reference trains: 1 for a match of every spike, 0 for chance.

    Parameters
    ----------
    spikes : DataArray (..., spike) in ms, NaN-padded; array or lists
        Spike trains of a model. A run's Dataset may be given: its failed points come out as NaN.
    reference : DataArray (..., spike or spike_ref) in ms, NaN-padded; array or lists
        Recorded trains. Dims are matched by name: (point, sweep, spike) meets (sweep, spike_ref) sweep by sweep.
    delta : float, ms, default 4
        Two spikes coincide when they are at most this far apart (to within 1e-9 ms).
    rate : {"model", "data"}, default "model"
        Whose rate sets the coincidences expected by chance.
    matching : {"one-to-one", "nearest"}, default "one-to-one"
        "one-to-one": a spike coincides with one spike at most, and as many pairs as possible are made; "nearest":
        every reference spike with any model spike near enough counts.
    t_start, t_stop : float, ms, optional
        Window, whose length gives the rate; what `spikes` state when omitted. Both ends belong to it.
    sort : bool, default False
        Sort times first, where they are out of order.

    Returns
    -------
    DataArray or float
        Gamma, over the dims of both; NaN where neither train has a spike, where the rate is so high that chance alone
        would match every spike (:math:`2\nu\Delta \ge 1`), and where a point failed.

    Raises
    ------
    DataError
        Times that do not ascend, lie outside the recording, or have NaN before the last spike.
    TimeError
        The window is not known.
    ParameterError
        `delta` is not a positive time.

    Notes
    -----
    :math:`\Gamma = \frac{N_c - 2\nu\Delta N_d}{(N_d + N_m)/2} \cdot \frac{1}{1 - 2\nu\Delta}` with the coincidences
    :math:`N_c`, the spikes of data and model :math:`N_d, N_m`, and :math:`\nu` the model's rate. One-to-one matching
    lies slightly below the chance expected, so independent trains score a little below 0 (about -0.03 at
    20 Hz, -0.11 at 40 Hz, with 4 ms).
    With `rate="data"` and `matching="nearest"` it is the convention of brian2modelfitting.

    References
    ----------
    Kistler, Gerstner & van Hemmen 1997, doi:10.1162/neco.1997.9.5.1015. Jolivet et al. 2008,
    doi:10.1007/s00422-008-0261-x.

    Examples
    --------
    >>> recorded = [10.0, 60.0, 110.0, 200.0, 310.0, 400.0]
    >>> model = [recorded, [13.0, 63.0, 113.0, 203.0, 313.0, 403.0], recorded[::2]]
    >>> Coincidence(model, recorded, t_stop=500.0).round(5)
    array([1.     , 1.     , 0.63305])
    """
    shape = np.broadcast_shapes(spikes.shape, reference.shape)
    model, data = spikes.rows_of(shape), reference.rows_of(shape)
    start, stop = spikes.window
    found = _coincidences(spikes, reference, model, data, _delta(delta), matching)
    n_model, n_data = spikes.count[model], reference.count[data]
    chance = 2 * _delta(delta) * (n_model if rate == "model" else n_data) / (stop - start)
    return divided(found - chance * n_data, 0.5 * (n_model + n_data) * np.maximum(1 - chance, 0.0))


def _delta(value: Any) -> float:
    delta = labels.number(value, "ms", "Coincidence: delta")
    if not 0 < delta < np.inf:
        raise errors.ParameterError("Coincidence", f"delta is {delta:g} ms", "times above 0 ms")
    return delta


def _coincidences(
    spikes: Trains, reference: Trains, model: IntArray, data: IntArray, delta: float, matching: str
) -> FloatArray:
    """Coincidences of the trains `model` of `spikes` with the trains `data` of `reference`, block after block."""
    found = np.zeros(model.size)
    count = _one_to_one if matching == "one-to-one" else _nearest
    for block in blocks(spikes.count[model], _BLOCK):
        at, first = places(spikes, model[block])
        row = np.repeat(data[block], np.diff(first))
        low, high = reference.first[:-1][row], reference.first[1:][row]
        near = bisect(reference.times, low, high, spikes.times[at] - (delta + _SLACK), right=False)
        far = bisect(reference.times, low, high, spikes.times[at] + (delta + _SLACK), right=True)
        found[block] = count(first, near, far)
    return found


def _one_to_one(first: IntArray, near: IntArray, far: IntArray) -> IntArray:
    """Most pairs that can be made: each spike in turn takes the earliest reference spike `near <= i < far` left."""
    n = np.diff(first)
    found, free = np.zeros(n.size, np.int64), np.zeros(n.size, np.int64)
    longest = np.argsort(-n, kind="stable")
    left = np.searchsorted(-n[longest], -np.arange(n.max(initial=0)), "left")  # trains with more than k spikes
    for k, trains in enumerate(left):
        row = longest[:trains]
        at = first[row] + k
        next_ = np.maximum(free[row], near[at])
        hit = next_ < far[at]
        found[row] += hit
        free[row] = np.where(hit, next_ + 1, free[row])
    return found


def _nearest(first: IntArray, near: IntArray, far: IntArray) -> FloatArray:
    """Reference spikes with a spike near: the union of the ranges `near <= i < far`, which ascend."""
    before = np.zeros(far.size, far.dtype)
    before[1:] = far[:-1]
    opening = first[:-1][np.diff(first) > 0]
    before[opening] = near[opening]
    return total(np.maximum(far - np.maximum(near, before), 0).astype(np.float64), first)
