"""Thinning a trace for the screen: first, least, greatest and last sample of each pixel column, so no peak is lost."""

from __future__ import annotations

from typing import Any

import numpy as np
import numpy.typing as npt
import xarray as xr

from sneuron.labels import TIME

__all__ = ["decimate", "decimated"]

FloatArray = npt.NDArray[np.float64]
IntArray = npt.NDArray[np.intp]


def decimate(time: FloatArray, values: FloatArray, columns: int) -> tuple[FloatArray, FloatArray]:
    """At most four samples of each of `columns` equal spans of time, drawn alike on that many pixels.

    Parameters
    ----------
    time : ndarray, 1-D, ms
        Ascending times.
    values : ndarray, 1-D
        The trace.
    columns : int
        Pixel columns.

    Returns
    -------
    time, values : ndarray
        The samples kept, in order.

    Examples
    --------
    >>> time = np.arange(1000.0)
    >>> values = np.zeros(1000)
    >>> values[537] = 40.0
    >>> kept_time, kept = decimate(time, values, 10)
    >>> kept.size, kept.max(), kept_time[kept.argmax()]
    (21, np.float64(40.0), np.float64(537.0))
    """
    kept = _extremes(np.asarray(values, np.float64), _columns(time, columns))
    return time[kept], values[kept]


def decimated(trace: xr.DataArray, columns: int) -> tuple[FloatArray, FloatArray]:
    """A 1-D trace with a `time` coordinate, thinned; of a lazy one each chunk is thinned where it is computed."""
    time = np.asarray(trace[TIME].values, np.float64)
    if trace.chunks is None:
        return decimate(time, np.asarray(trace.values, np.float64), columns)
    from dask.base import compute
    from dask.delayed import delayed

    column, data, parts, begin = _columns(time, columns), trace.data, [], 0
    for size in trace.chunks[0]:
        inside = slice(begin, begin + size)
        parts.append(delayed(_thinned)(data[inside], column[inside], begin))
        begin += size
    done = compute(*parts)
    index = np.concatenate([part[0] for part in done])
    values = np.concatenate([part[1] for part in done])
    kept = _extremes(values, column[index])
    return time[index[kept]], values[kept]


def _thinned(values: npt.NDArray[Any], column: IntArray, begin: int) -> tuple[IntArray, FloatArray]:
    """Where the samples kept of one chunk lie in the whole, and their values."""
    widened = np.asarray(values, np.float64)
    kept = _extremes(widened, column)
    return kept + begin, widened[kept]


def _columns(time: FloatArray, columns: int) -> IntArray:
    """The pixel column of each time."""
    edges = np.linspace(time[0], time[-1], columns + 1) if time.size else np.zeros(columns + 1)
    return np.clip(np.searchsorted(edges, time, "right") - 1, 0, columns - 1)


def _extremes(values: FloatArray, column: IntArray) -> IntArray:
    """Indices of the first, last, least and greatest value of each run of equal columns."""
    if not values.size:
        return np.zeros(0, np.intp)
    first = np.concatenate(([0], np.nonzero(np.diff(column))[0] + 1))
    last = np.append(first[1:], values.size) - 1
    run = np.repeat(np.arange(first.size), last - first + 1)
    kept = [first, last]
    for ufunc in (np.fmin, np.fmax):
        at = np.nonzero(values == ufunc.reduceat(values, first)[run])[0]
        kept.append(at[np.unique(run[at], return_index=True)[1]])
    return np.unique(np.concatenate(kept))
