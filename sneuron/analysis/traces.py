"""Voltage traces side by side, and how far they are from recorded ones."""

from __future__ import annotations

import functools
import math
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np
import numpy.typing as npt
import xarray as xr

from sneuron import errors, labels
from sneuron.analysis.measure import FloatArray, Output, Reading, measure, refuse_dtype, refuse_unknown_chunks
from sneuron.analysis.spikes import BoolArray, IntArray
from sneuron.labels import STATUS, TIME, Status

__all__ = ["TraceError", "TraceReader", "Traces", "resampled"]

_SLACK = 1e-9
"""Times written in decimal are equal, whatever their last binary digit (ms)."""

_BLOCK = 1 << 20
"""Samples compared at a time, which bounds memory."""

_KINDS = ("rmse", "mse")
_NAMES = ("v", "voltage")


@dataclass(frozen=True, eq=False)
class Traces:
    """Voltage traces side by side.

    Parameters
    ----------
    values : ndarray, one row a trace
        Voltage in mV.
    time : ndarray
        Times of the samples in ms, the same for all.
    shape : tuple of int
        Shape of the array of traces; their number is its product.
    failed : ndarray of bool
        Traces whose point failed; every measure of them is NaN.
    """

    values: FloatArray
    time: FloatArray
    shape: tuple[int, ...]
    failed: BoolArray

    def rows_of(self, shape: tuple[int, ...]) -> IntArray:
        """The trace that answers to each trace of a larger array `shape`, by broadcasting."""
        return np.broadcast_to(np.arange(self.failed.size).reshape(self.shape), shape).ravel()


@dataclass(frozen=True)
class TraceReader:
    """Reads an argument that holds voltage traces, for `measure`: a run or recording with `v`, or a DataArray.

    Parameters
    ----------
    whole : bool
        Whether a trace with a NaN anywhere has failed, as that of a point that diverged.
    """

    whole: bool = False

    traces = ("v",)
    """What must be recorded of a run."""

    def read(self, name: str, value: Any, options: Mapping[str, Any], where: str) -> Reading:
        """Find the voltage and its times, and hand on what numpy needs."""
        beside: list[xr.DataArray] = []
        if isinstance(value, xr.Dataset):
            found = next((n for n in _NAMES if n in value and TIME in value[n].dims), None)
            if found is None:
                given = f"{name!r} is a Dataset with {sorted(map(str, value))}"
                mend = "Run it with RunSim(..., record=['v'])."
                raise errors.DataError(where, given, "a variable v with the dim time", mend=mend)
            beside = [value[STATUS]] if STATUS in value else []
            value = value[found]
        if not isinstance(value, xr.DataArray) or TIME not in value.dims or TIME not in value.coords:
            given = f"{name!r} is a {type(value).__name__} without times"
            mend = "Give a DataArray with a coordinate 'time' in ms, or a Dataset with such a variable v."
            raise errors.DataError(where, given, mend=mend)
        refuse_dtype(value.dtype, name, where)
        refuse_unknown_chunks(value, where)
        beside = [value.coords[STATUS]] if STATUS in value.coords else beside
        factor = labels.convert(1.0, labels.units_of(value.attrs), "mV", f"{where}: {name!r}")
        pack = functools.partial(_packed, time=_times(value, name, where), factor=factor, whole=self.whole)
        return Reading((value, *beside), ((TIME,), *[()] * len(beside)), pack)


def _times(value: xr.DataArray, name: str, where: str) -> FloatArray:
    """The time coordinate in ms, ascending."""
    coord = value.coords[TIME]
    refuse_dtype(coord.dtype, TIME, where)
    time: FloatArray = np.asarray(coord.values, np.float64)
    time = time * float(labels.convert(1.0, labels.units_of(coord.attrs), "ms", where))
    if time.size < 2 or not np.all(np.diff(time) > 0):
        given = f"{name!r} has {time.size} times which do not all ascend" if time.size > 1 else f"{name!r} has no times"
        raise errors.DataError(where, given, "two or more times in ascending order")
    return time


def _packed(
    values: npt.NDArray[Any], *status: npt.NDArray[Any], time: FloatArray, factor: float, whole: bool
) -> Traces:
    shape = np.broadcast_shapes(values.shape[:-1], *(s.shape for s in status))
    table = np.broadcast_to(values, (*shape, time.size)).reshape(math.prod(shape), time.size)
    table = np.ascontiguousarray(table, np.float64)
    failed = np.isnan(table).any(-1) & whole
    for one in status:
        failed |= np.broadcast_to(one, shape).ravel() != Status.OK
    return Traces(table if factor == 1.0 else table * factor, time, shape, failed)


def resampled(traces: Traces, at: FloatArray) -> FloatArray:
    """The voltage of each trace at the times `at` inside its span, by straight lines between samples.

    >>> resampled(Traces(np.array([[0.0, 4.0]]), np.array([0.0, 2.0]), (1,), np.zeros(1, bool)), np.array([0.5, 2.0]))
    array([[1., 4.]])
    """
    time = traces.time
    left = np.clip(np.searchsorted(time, at - _SLACK, "right") - 1, 0, time.size - 2)
    part = (at - time[left]) / (time[left + 1] - time[left])
    part = np.where(np.abs(part) * (time[left + 1] - time[left]) <= _SLACK, 0.0, part)
    if not part.any():
        return np.ascontiguousarray(traces.values[:, left])
    below = traces.values[:, left]
    return np.ascontiguousarray(below + part * (traces.values[:, left + 1] - below))


def _gives(options: Mapping[str, Any]) -> Output:
    kind = options["kind"]
    if kind not in _KINDS:
        raise errors.unknown("TraceError", "kind", str(kind), _KINDS)
    _around(options["around"])
    labels.number(options["threshold"], "mV", "TraceError: threshold")
    name = "root of the mean squared error" if kind == "rmse" else "mean squared error"
    return Output("trace_error", "mV" if kind == "rmse" else "mV2", f"{name} of the voltage")


@measure(over={"trace": TraceReader(), "target": TraceReader()}, gives=_gives)
def TraceError(
    trace: Traces,
    target: Traces,
    kind: str = "rmse",
    around: tuple[float, float] | None = None,
    threshold: float = -20.0,
    t_start: float | None = None,
    t_stop: float | None = None,
) -> FloatArray:
    r"""How far voltage traces are from recorded ones: the mean of the squared difference, or its root.

    Parameters
    ----------
    trace : Dataset with `v`, or DataArray (..., time) in mV
        Voltage of a model: a run with `record=["v"]`, with a `time` coordinate in ms.
    target : Dataset with `v` or `voltage`, or DataArray (..., time) in mV
        Recorded voltage; dims other than `time` are matched by name.
    kind : {"rmse", "mse"}, default "rmse"
        The root of the mean square (mV) or the mean square (mV2).
    around : pair of float (ms) or text with unit, optional
        Leaves out what lies from so long before a spike of the target until so long after it. Spikes of the model are
        not left out: it cannot hide an error behind them.
    threshold : float (mV) or text with unit, default -20
        A spike of the target is where it goes up through this voltage.
    t_start, t_stop : float, ms, optional
        Window, both ends included; all times that both have when omitted.

    Returns
    -------
    DataArray
        Errors in mV or mV2 over the dims of both but `time`; NaN where a point failed, where a voltage is NaN, and
        where `around` leaves nothing.

    Raises
    ------
    DataError
        There is no voltage, or it has no ascending times.
    TimeError
        The two have no sample in common, or the window lies outside of one.

    Notes
    -----
    :math:`E = \frac{1}{n} \sum_k (v(t_k) - u(t_k))^2` at the samples :math:`t_k` of that of the two which has fewer;
    the other one is read off between its samples along straight lines.

    Examples
    --------
    >>> time = xr.DataArray([0.0, 1.0, 2.0, 3.0], dims="time")
    >>> target = xr.DataArray([-70.0, -60.0, -60.0, -70.0], dims="time", coords={"time": time})
    >>> float(TraceError(target + 2.0, target))
    2.0
    """
    at = _samples(trace, target, t_start, t_stop)
    ours, theirs = resampled(trace, at), resampled(target, at)
    weights = np.ones(theirs.shape)
    if around is not None:
        weights = _apart(target, at, _around(around), labels.number(threshold, "mV", "TraceError: threshold"))
    shape = np.broadcast_shapes(trace.shape, target.shape)
    model, data = trace.rows_of(shape), target.rows_of(shape)
    mean = np.full(model.size, np.nan)
    for begin in range(0, model.size, max(1, _BLOCK // at.size)):
        block = slice(begin, begin + max(1, _BLOCK // at.size))
        weight = weights[data[block]]
        held = weight.sum(-1)
        squares = ((ours[model[block]] - theirs[data[block]]) ** 2 * weight).sum(-1)
        np.divide(squares, held, out=mean[block], where=held > 0)
    return np.sqrt(mean) if kind == "rmse" else mean


def _samples(trace: Traces, target: Traces, t_start: Any, t_stop: Any) -> FloatArray:
    """The times at which two are compared: samples of the coarser one in the window."""
    where = "TraceError"
    low, high = max(trace.time[0], target.time[0]), min(trace.time[-1], target.time[-1])
    first = low if t_start is None else labels.number(t_start, "ms", f"{where}: t_start")
    last = high if t_stop is None else labels.number(t_stop, "ms", f"{where}: t_stop")
    if first < low - _SLACK or last > high + _SLACK:
        window = f"the window {first:g} to {last:g} ms is not within the times of both"
        raise errors.TimeError(where, window, f"{low:g} to {high:g} ms")
    coarse: FloatArray = max(target.time, trace.time, key=lambda time: float(np.ptp(time) / time.size))
    at: FloatArray = coarse[(coarse >= first - _SLACK) & (coarse <= last + _SLACK)]
    if not at.size:
        what = f"no sample lies between {first:g} and {last:g} ms"
        raise errors.TimeError(where, what, mend="Align the two in time.")
    return at


def _around(value: Any) -> tuple[float, float]:
    """Times before and after a spike that are left out."""
    if value is None:
        return 0.0, 0.0
    where = "TraceError: around"
    if isinstance(value, str) or not hasattr(value, "__len__") or len(value) != 2:
        raise errors.ParameterError(where, f"{value!r} is no pair of times", mend="Give (2, 5) or ('2 ms', '5 ms').")
    before, after = (labels.number(one, "ms", where) for one in value)
    if not (0 <= before < np.inf and 0 <= after < np.inf):
        raise errors.ParameterError(where, f"{value!r} cannot be", "times from 0 ms on")
    return before, after


def _apart(target: Traces, at: FloatArray, around: tuple[float, float], threshold: float) -> FloatArray:
    """1 at the samples `at` away from spikes of each target, 0 around them."""
    v = target.values
    row, sample = np.nonzero((v[:, 1:] >= threshold) & (v[:, :-1] < threshold))
    spike = target.time[sample + 1]
    begin = np.searchsorted(at, spike - around[0] - _SLACK)
    end = np.searchsorted(at, spike + around[1] + _SLACK, "right")
    edge = np.zeros((v.shape[0], at.size + 1))
    np.add.at(edge, (row, begin), 1.0)
    np.add.at(edge, (row, end), -1.0)
    return np.where(np.cumsum(edge, -1)[:, :-1] == 0, 1.0, 0.0)
