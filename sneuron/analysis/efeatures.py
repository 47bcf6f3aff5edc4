"""eFEL's features as measures: of any traces, and as distances from a table of means and standard deviations."""

from __future__ import annotations

import functools
import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import numpy.typing as npt
import xarray as xr

from sneuron import errors, labels
from sneuron.analysis.features import FEATURES
from sneuron.analysis.measure import Axis, Core, FloatArray, Output, Reading, measure
from sneuron.analysis.spikeshape import Response, Settings
from sneuron.analysis.traces import TraceReader, Traces
from sneuron.labels import TIME

__all__ = ["Efeatures", "FeatureScore"]

_BLOCK = 1 << 20
"""Samples looked at together, which bounds memory."""

_FEATURE = "feature"

_UNKNOWN: FloatArray = np.array(np.nan)
"""Stands for a current that is not given."""


@dataclass(frozen=True)
class _Current(Core):
    """Reads the current of the stimulus: pA where no unit is stated, handed on in nA."""

    def read(self, name: str, value: Any, options: Mapping[str, Any], where: str) -> Reading:
        """As `Core` does; one number for all will do."""
        if not isinstance(value, xr.DataArray | np.ndarray):
            value = labels.number(value, "pA", f"{where}: {name}")
        reading = super().read(name, value, options, where)
        (array,) = reading.arrays
        if TIME in array.dims:
            what = f"{name!r} changes over time"
            raise errors.DataError(where, what, mend="Give the height of the step of each sweep.")
        factor = labels.convert(1.0, labels.units_of(array.attrs) or "pA", "nA", f"{where}: {name}")
        pack = functools.partial(_scaled, factor=factor)
        return Reading(reading.arrays, reading.core, pack, plain=reading.plain)


@dataclass(frozen=True)
class _Table(Core):
    """Reads one number for each feature, in the order of `names`."""

    def read(self, name: str, value: Any, options: Mapping[str, Any], where: str) -> Reading:
        """As `Core` does; a coordinate `feature` must say the same names."""
        reading = super().read(name, value, options, where)
        (array,) = reading.arrays
        names = _names(options["names"], where)
        said = [str(n) for n in array[_FEATURE].values] if _FEATURE in array.coords else names
        if said != names or array.sizes[_FEATURE] != len(names):
            given = f"{name!r} is of {array.sizes[_FEATURE]} features: {', '.join(said)}"
            raise errors.DataError(where, given, f"one number for each of {', '.join(names)}")
        return reading


def _scaled(values: npt.NDArray[Any], factor: float) -> FloatArray:
    return np.asarray(values, np.float64) * factor


def _names(given: Any, where: str) -> list[str]:
    names = [given] if isinstance(given, str) else [str(name) for name in given]
    for name in names:
        if name not in FEATURES:
            raise errors.unknown(where, "feature", name, FEATURES)
    if not names or len(set(names)) < len(names):
        raise errors.ParameterError(where, f"names {names} are none, or name one twice", mend="Name each once.")
    return names


def _stimulus(options: Mapping[str, Any], where: str) -> tuple[float, float, float, Settings]:
    """Start and end of the stimulus, the step of the grid, and how spikes are found; checked."""
    start, stop, step = (labels.number(options[n], "ms", f"{where}: {n}") for n in ("stim_start", "stim_end", "step"))
    if not start < stop < math.inf:
        raise errors.TimeError(where, f"stim_start {start:g} ms is not before stim_end {stop:g} ms")
    if not 0 < step < math.inf:
        raise errors.ParameterError(f"{where}: step", f"{step:g} ms cannot be", "times above 0 ms")
    threshold = labels.number(options["threshold"], "mV", f"{where}: threshold")
    upstroke = labels.number(options["upstroke"], "mV/ms", f"{where}: upstroke")
    return start, stop, step, Settings(threshold=threshold, upstroke=upstroke)


def _gives_features(options: Mapping[str, Any]) -> list[Output]:
    _stimulus(options, "Efeatures")
    return [Output(n, FEATURES[n].units, FEATURES[n].long_name) for n in _names(options["names"], "Efeatures")]


def _gives_score(options: Mapping[str, Any]) -> Output:
    _stimulus(options, "FeatureScore")
    missing = options["missing"]
    if not (isinstance(missing, float) and np.isnan(missing)):
        labels.number(missing, "1", "FeatureScore: missing")
    names = np.array(_names(options["names"], "FeatureScore"))
    axis = Axis(_FEATURE, names, "", "feature by its name in eFEL")
    return Output("feature_score", "1", "distance of features in standard deviations", (axis,))


@measure(over={"trace": TraceReader(whole=True), "current": _Current(())}, gives=_gives_features)
def Efeatures(
    trace: Traces,
    current: FloatArray = _UNKNOWN,
    *,
    names: Sequence[str],
    stim_start: float,
    stim_end: float,
    threshold: float = -20.0,
    upstroke: float = 10.0,
    step: float = 0.1,
) -> tuple[FloatArray, ...]:
    r"""Features of voltage traces by their names in eFEL: counts, intervals, spike shapes, subthreshold responses.

    Parameters
    ----------
    trace : Dataset with `v`, or DataArray (..., time) in mV
        Voltage: a recording, or a run with `record=["v"]`, with a `time` coordinate in ms.
    current : float (pA), text with unit or DataArray (...), optional
        Height of the step of current; the input resistances need it.
    names : sequence of str
        Which features; those of `sneuron.analysis.features.FEATURES`.
    stim_start, stim_end : float (ms) or text with unit
        When the stimulus begins and ends.
    threshold : float (mV) or text with unit, default -20
        A spike goes up through it and down again.
    upstroke : float (mV/ms) or text with unit, default 10
        How steep a spike is from its onset on.
    step : float (ms) or text with unit, default 0.1
        Traces are first read off at these steps, along straight lines, as eFEL does: "the next three samples" have a
        meaning only then.

    Returns
    -------
    Dataset
        One variable for each name, over the dims of the traces. Of features that each spike has
        (`AP_amplitude`, `AHP_depth`) it is the mean over the spikes of a trace. NaN where eFEL gives nothing: too few
        spikes, no time before or after the stimulus; and where a point failed or a voltage is NaN.

    Raises
    ------
    UnknownNameError
        There is no such feature.
    DataError
        There is no voltage, or it has no ascending times.
    TimeError
        The stimulus ends before it begins.

    Notes
    -----
    Definitions are those of eFEL 5.7 with its default settings; the numbers agree within 1e-5 on a cortical recording
    and on made-up traces (`tests/unit/test_efeatures.py`). Where eFEL pairs the k-th peak with the k-th onset although
    one spike has no onset, each spike keeps its own here, and a spike without one does not count; counts of silent
    traces are 0. Times are steps added up, as in eFEL: at the edges of the stimulus, and where digitised samples are
    equal, the last digit decides.

    References
    ----------
    Ranjan et al., eFEL, https://github.com/BlueBrain/eFEL, doi:10.5281/zenodo.593869.

    Examples
    --------
    >>> t = np.arange(0.0, 300.0, 0.1)
    >>> v = -70.0 - 10.0 * (1 - np.exp(-(t - 100).clip(0, 100) / 10)) * np.exp(-(t - 200).clip(0) / 10)
    >>> trace = xr.DataArray(v, dims="time", coords={"time": t})
    >>> names = ["Spikecount", "voltage_base", "steady_state_voltage_stimend", "ohmic_input_resistance"]
    >>> found = Efeatures(trace, "-50 pA", names=names, stim_start=100.0, stim_end=200.0)
    >>> [round(float(value), 1) for value in found.values()]
    [0.0, -70.0, -80.0, 200.0]
    """
    how = _stimulus(
        {"stim_start": stim_start, "stim_end": stim_end, "step": step, "threshold": threshold, "upstroke": upstroke},
        "Efeatures",
    )
    return tuple(_found(trace, current, _names(names, "Efeatures"), how))


@measure(
    over={
        "trace": TraceReader(whole=True),
        "mean": _Table((_FEATURE,)),
        "sd": _Table((_FEATURE,)),
        "current": _Current(()),
    },
    gives=_gives_score,
)
def FeatureScore(
    trace: Traces,
    mean: FloatArray,
    sd: FloatArray,
    current: FloatArray = _UNKNOWN,
    *,
    names: Sequence[str],
    stim_start: float,
    stim_end: float,
    missing: float = np.nan,
    threshold: float = -20.0,
    upstroke: float = 10.0,
    step: float = 0.1,
) -> FloatArray:
    r"""How many standard deviations the features of voltage traces are away from those of recordings.

    Parameters
    ----------
    trace : Dataset with `v`, or DataArray (..., time) in mV
        Voltage of a model.
    mean, sd : DataArray (..., feature), array or list
        Mean and standard deviation of each feature over recordings, in the units of `Efeatures` and the order of
        `names`. Other dims are matched by name, so that each sweep may have its own.
    current, names, stim_start, stim_end, threshold, upstroke, step
        As in `Efeatures`.
    missing : float, default NaN
        Score of a feature that the trace does not have, although the recordings do; BluePyOpt takes 250.

    Returns
    -------
    DataArray
        :math:`|x - \mu|/\sigma` over the dims of all and `feature`; NaN where mean or sd is NaN and where a point
        failed or a voltage is NaN.

    Raises
    ------
    UnknownNameError
        There is no such feature.
    DataError
        A standard deviation is not above 0; there is no voltage; the table is of other features.
    TimeError
        The stimulus ends before it begins.

    References
    ----------
    Druckmann et al. 2007, doi:10.3389/neuro.01.1.1.001.2007.

    Examples
    --------
    >>> t = np.arange(0.0, 300.0, 0.1)
    >>> trace = xr.DataArray(np.full(3000, -70.0), dims="time", coords={"time": t})
    >>> names = ["voltage_base", "AP_amplitude"]
    >>> score = FeatureScore(trace, [-66.0, 70.0], [2.0, 5.0], names=names, stim_start=100, stim_end=200, missing=250)
    >>> score.values
    array([  2., 250.])
    """
    batch = np.broadcast_shapes(trace.shape, current.shape)
    if np.any(sd <= 0):
        raise errors.DataError("FeatureScore: sd", f"{sd[sd <= 0].flat[0]:g} cannot be", "numbers above 0")
    how = _stimulus(
        {"stim_start": stim_start, "stim_end": stim_end, "step": step, "threshold": threshold, "upstroke": upstroke},
        "FeatureScore",
    )
    found = np.stack(_found(trace, current, _names(names, "FeatureScore"), how), -1)
    found = found.reshape(*batch, found.shape[-1])
    gone = np.isnan(found) & ~np.isnan(mean) & ~np.isnan(sd)
    return np.where(gone, missing, np.abs(found - mean) / sd)


def _found(
    trace: Traces, current: FloatArray, names: Sequence[str], how: tuple[float, float, float, Settings]
) -> list[FloatArray]:
    """Each feature of each trace, block after block."""
    start, stop, step, settings = how
    span = trace.time[-1] - trace.time[0]
    if span < 3 * step:
        raise errors.TimeError("Efeatures: step", f"{step:g} ms is too long for traces of {span:g} ms")
    grid = np.cumsum(np.concatenate((trace.time[:1], np.full(math.ceil(span / step), step))))
    grid = grid[: -1 if grid[-2] >= trace.time[-1] else None]
    shape = np.broadcast_shapes(trace.shape, current.shape)
    rows, steps = trace.rows_of(shape), np.broadcast_to(current, shape).ravel()
    found = [np.full(rows.size, np.nan) for _ in names]
    for begin in range(0, rows.size, max(1, _BLOCK // grid.size)):
        block = slice(begin, begin + max(1, _BLOCK // grid.size))
        v = _read_off(trace.values[rows[block]], trace.time, grid)
        response = Response(v, grid, start, stop, settings, steps[block])
        for values, name in zip(found, names, strict=True):
            values[block] = FEATURES[name].of(response)
    return found


def _read_off(values: FloatArray, time: FloatArray, at: FloatArray) -> FloatArray:
    """Voltages at the times of the grid, by straight lines; where samples are equal, rounding decides as in eFEL."""
    left = np.clip(np.searchsorted(time, at) - 1, 0, time.size - 2)
    slope = (values[:, left + 1] - values[:, left]) / (time[left + 1] - time[left])
    read = values[:, left] + slope * (np.minimum(at, time[-1]) - time[left])
    return np.ascontiguousarray(read)  # sums along a row then have the same bits, however many rows there are
