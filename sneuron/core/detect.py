"""Spikes: in the last step of a state, or in a trace."""

from __future__ import annotations

import math
from typing import Any

import numpy as np
import xarray as xr
from numba import njit
from numpy.typing import NDArray

from sneuron import errors, labels
from sneuron.core.parts import detected

__all__ = ["DetSpike"]

Array = NDArray[Any]
TIP = 0.3
"""How long (ms) a single spike is near its peak."""


def DetSpike(
    state: xr.Dataset | xr.DataArray,
    threshold: Any = None,
    rearm: Any = None,
    *,
    relative: float | None = None,
    min_isi: Any = 0.0,
    dt: Any = None,
    method: str | None = None,
) -> xr.Dataset:
    """Where neurons spike: in the last step of a state, or along a voltage trace.

    Parameters
    ----------
    state : Dataset or DataArray
        A state, or a trace with a `time` coordinate (ms, or with units) and voltage (mV, or with units).
    threshold : number or DataArray, mV
        Of a trace: a spike is an upward crossing.  0 when omitted.  May differ from trace to trace; dims that
        the trace does not have are dims of the result.
        A state has its own (`spike_threshold`, `Vth`, ...).
    rearm : number or DataArray, mV
        A trace must fall below this before its next spike; 10 mV below the threshold when omitted.
    relative : float in (0, 1), optional
        For recordings: the threshold lies at this part of the way from the trace's median up to the voltage
        that it exceeds for 0.3 ms in all (one sample, when they are further apart), and re-arms half as far up;
        recordings that do not rise by at least 20 mV hold no spike.
    min_isi : number, ms
        Later crossings closer than this to the last spike are the same spike.
    dt, method :
        Of a state: as in `StepSim`.

    Returns
    -------
    xarray.Dataset
        Of a state: the state with `spike` and `spike_phase`.  Of a trace: `spike_time(..., spike)` in ms padded
        with NaN, by linear interpolation between samples, and `spike_count(...)`.

    Raises
    ------
    DataError
        When a trace has no growing `time`, or its threshold has other coordinates.
    ParameterError
        When rearm is above the threshold.

    Notes
    -----
    t = t_k + (threshold - v_k) / (v_(k+1) - v_k) (t_(k+1) - t_k).  Hysteresis makes the count independent of dt.

    Examples
    --------
    >>> t = np.arange(0, 100, 0.1)
    >>> v = xr.DataArray(50 * np.sin(2 * np.pi * t / 50), dims="time", coords={"time": t})
    >>> DetSpike(v, threshold=25).spike_time.round(3).values
    array([ 4.167, 54.167])
    """
    if isinstance(state, xr.Dataset):
        _refuse_trace_options(threshold, rearm, relative, min_isi)
        return detected(state, dt, method)
    if dt is not None or method is not None:
        raise errors.ParameterError("DetSpike", "dt and method belong to states; a trace has its time coordinate")
    gap = labels.number(min_isi, "ms", "DetSpike: 'min_isi'")
    if gap < 0:
        raise errors.ParameterError("DetSpike: 'min_isi'", f"{min_isi!r} is below 0", "0 or more ms")
    return _in_trace(state, threshold, rearm, relative, gap)


def _refuse_trace_options(threshold: Any, rearm: Any, relative: Any, min_isi: Any) -> None:
    given = [n for n, v in (("threshold", threshold), ("rearm", rearm), ("relative", relative)) if v is not None]
    if given or min_isi != 0.0:
        raise errors.ParameterError(
            "DetSpike", f"{', '.join(given) or 'min_isi'} belongs to traces; a state has its own threshold",
            mend="Set the model's threshold parameter in InitNeu.",
        )  # fmt: skip


def _in_trace(trace: Any, threshold: Any, rearm: Any, relative: float | None, min_isi: float) -> xr.Dataset:
    where = "DetSpike"
    if not isinstance(trace, xr.DataArray) or labels.TIME not in trace.coords:
        raise errors.DataError(where, "a state, or a DataArray with a 'time' coordinate, is needed")
    time = trace[labels.TIME]
    t = np.asarray(labels.convert(time.values.astype(np.float64), labels.units_of(time.attrs), "ms", f"{where}: time"))
    if t.size and not (np.diff(t) > 0).all():
        raise errors.DataError(where, "the time coordinate does not grow", mend="Sort the trace by time.")
    voltage = labels.convert(trace.astype(np.float64), labels.units_of(trace.attrs), "mV", f"{where}: voltage")
    voltage, level, low = _together(voltage, *_levels(voltage, t, threshold, rearm, relative))
    others = [d for d in voltage.dims if d != labels.TIME]
    v = voltage.transpose(*others, labels.TIME)
    flat = np.ascontiguousarray(v.values.reshape(math.prod(v.shape[:-1]), t.size))
    like = v.isel({labels.TIME: 0}, drop=True) if t.size else v.sum(labels.TIME)
    ups, downs = (x.transpose(*others).values.reshape(-1).astype(np.float64) for x in (level, low))
    rows = [_crossings(f, t, u, d, min_isi) for f, u, d in zip(flat, ups, downs, strict=True)]
    counts = np.array([len(r) for r in rows])
    times = np.full((len(rows), int(counts.max(initial=0))), np.nan)
    for row, found in zip(times, rows, strict=True):
        row[: len(found)] = found
    return _labelled(like, times, counts, t)


def _labelled(like: xr.DataArray, times: Array, counts: Array, t: Array) -> xr.Dataset:
    window = {"t_start": float(t[0]), "t_stop": float(t[-1])} if t.size else {}
    attrs = {"units": "ms", "long_name": "spike time", **window}
    data = xr.Dataset(
        {
            labels.SPIKE_TIME: ((*like.dims, labels.SPIKE), times.reshape(*like.shape, -1), attrs),
            labels.SPIKE_COUNT: (
                like.dims,
                counts.reshape(like.shape),
                {"units": "1", "long_name": "number of spikes"},
            ),
        }
    )
    return data.assign_coords({k: c for k, c in like.coords.items() if k != labels.TIME})


def _together(voltage: xr.DataArray, *levels: Any) -> tuple[xr.DataArray, ...]:
    """The traces and their levels over the same dims."""
    arrays = [xr.DataArray(x) for x in levels]
    if any(labels.TIME in a.dims for a in arrays):
        raise errors.DataError(
            "DetSpike", "a threshold that changes over time is none", mend="Give one for each trace."
        )
    try:
        return xr.broadcast(*xr.align(voltage, *arrays, join="exact"), exclude=[labels.TIME])
    except xr.AlignmentError as cause:
        what = "the coordinates of the threshold are not those of the traces"
        raise errors.DataError("DetSpike", what, mend="Give one for each trace, or a dim of its own.") from cause


def _lasting(v: xr.DataArray, t: Array) -> xr.DataArray:
    """The voltage that each trace exceeds for as long as the tip of one spike lasts."""
    many = min(t.size, max(1, round(TIP / float(np.median(np.diff(t)))))) if t.size > 1 else 1

    def highest(x: Array) -> Array:
        return np.partition(np.where(np.isnan(x), -np.inf, x), x.shape[-1] - many, axis=-1)[..., -many]

    found: xr.DataArray = xr.apply_ufunc(highest, v, input_core_dims=[[labels.TIME]])
    return found


def _levels(v: xr.DataArray, t: Array, threshold: Any, rearm: Any, relative: float | None) -> tuple[Any, Any]:
    """Threshold and re-arming level, numbers or one per trace."""
    if relative is not None:
        if threshold is not None or rearm is not None:
            raise errors.ParameterError(
                "DetSpike", "relative takes the place of threshold and rearm", mend="Give one of them."
            )
        if not t.size:
            return np.inf, np.inf
        if not 0 < labels.number(relative, "1", "DetSpike: 'relative'") < 1:
            raise errors.ParameterError(
                "DetSpike: 'relative'", f"{relative!r} is no part of the way", "a number in (0, 1)"
            )
        base, top = v.quantile(0.5, labels.TIME).drop_vars("quantile"), _lasting(v.compute(), t)
        rise = (top - base).where(top - base >= 20.0, np.inf)
        return base + relative * rise, base + 0.5 * relative * rise
    level = _level(0.0 if threshold is None else threshold, "threshold")
    low = level - 10.0 if rearm is None else _level(rearm, "rearm")
    if bool(np.any(np.asarray(low > level))):
        raise errors.ParameterError("DetSpike: 'rearm'", "lies above the threshold", mend="Give rearm <= threshold.")
    return level, low


def _level(value: Any, name: str) -> Any:
    where = f"DetSpike: {name!r}"
    if isinstance(value, xr.DataArray):
        if not np.isfinite(value.values).all():
            raise errors.ParameterError(where, "holds values that are not numbers")
        return labels.convert(value, labels.units_of(value.attrs), "mV", where)
    return labels.number(value, "mV", where)


def _crossings(v: Array, t: Array, level: float, low: float, min_isi: float) -> Array:
    return np.asarray(_scan(v, t, level, low, min_isi, np.empty(v.size)))


@njit(cache=True, nogil=True)
def _scan(v: Array, t: Array, level: float, low: float, min_isi: float, out: Array) -> Array:
    """Upward crossings of one trace; NaN neither arms nor crosses."""
    n, armed, last = 0, v.size > 0 and v[0] < level, -np.inf
    for k in range(1, v.size):
        if armed and v[k] >= level and v[k - 1] < level:
            at = t[k - 1] + (level - v[k - 1]) / (v[k] - v[k - 1]) * (t[k] - t[k - 1])
            armed = False
            if at - last >= min_isi:
                out[n] = at
                n += 1
                last = at
        elif v[k] < low:
            armed = True
    return out[:n]
