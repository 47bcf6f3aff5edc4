"""How far a spike train is from a recorded one: the distances of van Rossum and of Victor and Purpura."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import numpy as np

from sneuron import errors, labels
from sneuron.analysis.measure import FloatArray, Output, measure
from sneuron.analysis.segments import bisect, blocks, places, total
from sneuron.analysis.spikes import BoolArray, IntArray, SpikeTrains, Trains

__all__ = ["VanRossum", "VictorPurpura"]

_BLOCK = 1 << 19
"""Spikes handled at a time, which bounds memory."""

_CELLS = 1 << 16
"""Numbers in one diagonal of the tables that are filled at a time: they stay in the cache."""


def _gives_van_rossum(options: Mapping[str, Any]) -> Output:
    _tau(options["tau"])
    return Output("van_rossum", "1", "van Rossum distance")


def _gives_victor_purpura(options: Mapping[str, Any]) -> Output:
    _cost(options["cost"])
    return Output("victor_purpura", "1", "Victor-Purpura distance")


_OVER = {"spikes": SpikeTrains(), "reference": SpikeTrains(events=False)}


@measure(over=_OVER, gives=_gives_van_rossum)
def VanRossum(
    spikes: Trains,
    reference: Trains,
    tau: float = 10.0,
    t_start: float | None = None,
    t_stop: float | None = None,
    sort: bool = False,
) -> FloatArray:
    r"""Distance of van Rossum: how much spike trains differ from reference trains once every spike leaves a trace.

    Parameters
    ----------
    spikes : DataArray (..., spike) in ms, NaN-padded; array or lists
        Spike trains of a model. A run's Dataset may be given: its failed points come out as NaN.
    reference : DataArray (..., spike or spike_ref) in ms, NaN-padded; array or lists
        Recorded trains; dims are matched by name.
    tau : float (ms) or text with unit, default 10
        How long a spike is remembered.
    t_start, t_stop : float, ms, optional
        Window; both ends belong to it. All spikes when omitted.
    sort : bool, default False
        Sort times first, where they are out of order.

    Returns
    -------
    DataArray or float
        Distances over the dims of both, without unit; NaN where a point failed.

    Raises
    ------
    DataError
        Times that do not ascend, lie outside the recording, or have NaN before the last spike.
    ParameterError
        `tau` is not a positive time.

    Notes
    -----
    :math:`D^2 = \frac{2}{\tau} \int_0^\infty (f - g)^2 dt` where every spike adds
    :math:`e^{-(t - t_i)/\tau}, t \ge t_i` to f or g. One spike is at distance 1 from none, as in Elephant;
    van Rossum's own :math:`D^2` is half of this one. As tau goes to 0, :math:`D^2` becomes the number of spikes that
    the other train does not share; as it grows, D becomes the difference of the numbers of spikes.

    Between two spikes f - g decays, so that the integral is a sum over all spikes in order of time, without
    differences of large numbers: exact, in time proportional to the number of spikes.

    References
    ----------
    van Rossum 2001, doi:10.1162/089976601300014321. Houghton & Kreuz 2012, doi:10.3109/0954898X.2012.673048.

    Examples
    --------
    >>> VanRossum([[10.0, 60.0], [10.0], [10.0, 60.0 + 10 * np.log(2)]], [10.0, 60.0])
    array([0., 1., 1.])
    """
    tau = _tau(tau)
    shape = np.broadcast_shapes(spikes.shape, reference.shape)
    model, data = spikes.rows_of(shape), reference.rows_of(shape)
    squares = np.zeros(model.size)
    for block in blocks(spikes.count[model] + reference.count[data], _BLOCK):
        times, first, ours = _merged(spikes, reference, model[block], data[block])
        squares[block] = _squares(times, first, np.where(ours, 1.0, -1.0), tau)
    return np.sqrt(squares)


@measure(over=_OVER, gives=_gives_victor_purpura)
def VictorPurpura(
    spikes: Trains,
    reference: Trains,
    cost: float = 0.1,
    t_start: float | None = None,
    t_stop: float | None = None,
    sort: bool = False,
) -> FloatArray:
    r"""Distance of Victor and Purpura: the least it costs to turn spike trains into reference trains.

    Parameters
    ----------
    spikes : DataArray (..., spike) in ms, NaN-padded; array or lists
        Spike trains of a model. A run's Dataset may be given: its failed points come out as NaN.
    reference : DataArray (..., spike or spike_ref) in ms, NaN-padded; array or lists
        Recorded trains; dims are matched by name.
    cost : float (1/ms) or text with unit, default 0.1
        What it costs to move a spike by 1 ms; to insert one or to delete one costs 1. Spikes that are further apart
        than 2/cost are never moved onto one another.
    t_start, t_stop : float, ms, optional
        Window; both ends belong to it. All spikes when omitted.
    sort : bool, default False
        Sort times first, where they are out of order.

    Returns
    -------
    DataArray or float
        Distances over the dims of both, without unit; NaN where a point failed.

    Raises
    ------
    DataError
        Times that do not ascend, lie outside the recording, or have NaN before the last spike.
    ParameterError
        `cost` is below 0 or not finite.

    Notes
    -----
    :math:`G_{ij} = \min(G_{i-1,j} + 1, G_{i,j-1} + 1, G_{i-1,j-1} + q |t_i - s_j|)` with
    :math:`G_{i0} = i, G_{0j} = j`, filled diagonal by diagonal for many pairs at once: exact, in time proportional to
    the product of the numbers of spikes. With cost 0 it is the difference of the numbers of spikes; as the cost grows
    it becomes the number of spikes that the other train does not share.

    References
    ----------
    Victor & Purpura 1996, doi:10.1152/jn.1996.76.2.1310.

    Examples
    --------
    >>> VictorPurpura([[10.0, 60.0], [10.0], [10.0, 65.0], [10.0, 90.0]], [10.0, 60.0])
    array([0. , 1. , 0.5, 2. ])
    """
    q = _cost(cost)
    shape = np.broadcast_shapes(spikes.shape, reference.shape)
    model, data = spikes.rows_of(shape), reference.rows_of(shape)
    n, m = spikes.count[model], reference.count[data]
    order = np.lexsort((m, n))  # pairs of like size fill their tables together
    result = np.zeros(model.size)
    for block in blocks(n[order] + 1, _CELLS):
        pairs = order[block]
        ours, theirs = _table(spikes, model[pairs]), _table(reference, data[pairs])
        result[pairs] = _edited(ours, theirs, n[pairs], m[pairs], q)
    return result


def _tau(value: Any) -> float:
    tau = labels.number(value, "ms", "VanRossum: tau")
    if not 0 < tau < np.inf:
        raise errors.ParameterError("VanRossum", f"tau is {tau:g} ms", "times above 0 ms")
    return tau


def _cost(value: Any) -> float:
    cost = labels.number(value, "1/ms", "VictorPurpura: cost")
    if not 0 <= cost < np.inf:
        raise errors.ParameterError("VictorPurpura", f"cost is {cost:g} per ms", "numbers from 0 on")
    return cost


def _merged(
    spikes: Trains, reference: Trains, model: IntArray, data: IntArray
) -> tuple[FloatArray, IntArray, BoolArray]:
    """Spikes of both trains of each pair in order of time, where each pair begins, and which spikes are of `spikes`."""
    (ours, one), (theirs, two) = places(spikes, model), places(reference, data)
    row = np.repeat(np.arange(model.size), np.diff(one))
    low, high = reference.first[:-1][data][row], reference.first[1:][data][row]
    before = bisect(reference.times, low, high, spikes.times[ours], right=False) - low
    place = np.arange(ours.size) + two[:-1][row] + before
    mine = np.zeros(ours.size + theirs.size, bool)
    mine[place] = True
    times = np.empty(mine.size)
    times[mine], times[~mine] = spikes.times[ours], reference.times[theirs]
    return times, one + two, mine


def _squares(times: FloatArray, first: IntArray, sign: FloatArray, tau: float) -> FloatArray:
    """Squared distance of each pair: f - g after each spike, and how much of it is integrated until the next."""
    gap = np.full(times.size, np.inf)
    gap[:-1] = np.diff(times) / tau
    count = np.diff(first)
    gap[first[1:][count > 0] - 1] = np.inf
    decay, part = np.exp(-gap), -np.expm1(-2 * gap)
    height = np.zeros(times.size)
    longest = np.argsort(-count, kind="stable")
    left = np.searchsorted(-count[longest], -np.arange(count.max(initial=0)), "left")  # pairs of more than k spikes
    now = np.zeros(count.size)
    for k, pairs in enumerate(left):
        at = first[:-1][longest[:pairs]] + k
        height[at] = now[:pairs] + sign[at]
        now[:pairs] = height[at] * decay[at]
    return total(height**2 * part, first)


def _table(trains: Trains, rows: IntArray) -> FloatArray:
    """Times of the given trains, one train a column, with zeros behind the last spike."""
    at, first = places(trains, rows)
    count = np.diff(first)
    table = np.zeros((count.max(initial=0), rows.size))
    row = np.repeat(np.arange(rows.size), count)
    table[np.arange(at.size) - first[:-1][row], row] = trains.times[at]
    return table


def _edited(ours: FloatArray, theirs: FloatArray, n: IntArray, m: IntArray, q: float) -> FloatArray:
    """Least cost of each pair (a column), by the diagonals i + j = d of its table; what lies behind it is of no use."""
    rows, columns, pairs = ours.shape[0], theirs.shape[0], np.arange(n.size)
    backward = theirs[::-1]
    result = np.zeros(n.size)
    older, old = np.zeros((rows + 1, n.size)), np.zeros((rows + 1, n.size))  # of d - 2 and d - 1, by i
    for d in range(1, rows + columns + 1):
        low, high = max(1, d - columns), min(rows, d - 1)
        new = np.full_like(old, d)  # i = 0 and i = d
        if low <= high:
            inner = slice(low, high + 1)
            apart = np.abs(ours[low - 1 : high] - backward[columns - d + low : columns - d + high + 1])
            moved = older[low - 1 : high] + q * apart
            new[inner] = np.minimum(np.minimum(old[low - 1 : high], old[inner]) + 1, moved)
        ends = n + m == d
        result[ends] = new[n[ends], pairs[ends]]
        older, old = old, new
    return result
