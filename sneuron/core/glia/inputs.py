"""What neurons do, read for astrocytes: spikes in any layout, or rates, as numbers of spikes in each step."""

from __future__ import annotations

import itertools
import math
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np
import xarray as xr
from numpy.typing import NDArray

from sneuron import errors, labels
from sneuron.core.glia.edges import spread_over

__all__ = ["Activity", "activity_of", "dims_of"]

Array = NDArray[Any]
HZ = 1e-3
"""Per ms."""
INSIDE = 1e-9
"""Part of a step by which a spike may lie beyond the ends, through rounding."""


@dataclass(frozen=True)
class Activity:
    """Spikes by step, or rates.

    Attributes
    ----------
    neurons : int
    step, point, neuron : ndarray of int
        Spikes, sorted by step: in which of the steps each lies.
    rates : ndarray or None, dims (point or 1, neuron, sample)
        In spikes per step.
    sample : ndarray of int, dims (step)
        Which sample each step sees.
    """

    neurons: int
    step: Array
    point: Array
    neuron: Array
    rates: Array | None = None
    sample: Array | None = None

    def steps(self) -> Array:
        """Steps at whose end something arrives, ascending."""
        return np.unique(self.step) if self.rates is None or self.sample is None else np.arange(self.sample.size)

    def counts(self, points: int) -> Iterator[Array]:
        """For each of those steps the spikes of each neuron, dims (point, neuron)."""
        if self.rates is not None and self.sample is not None:
            for k in self.sample:
                yield np.broadcast_to(self.rates[:, :, k], (points, self.neurons))
            return
        flat = self.point * self.neurons + self.neuron
        ends = np.searchsorted(self.step, self.steps(), side="right")
        for start, stop in itertools.pairwise([0, *ends]):
            whole = np.bincount(flat[start:stop], minlength=points * self.neurons)
            yield whole.reshape(points, self.neurons).astype(np.float64)


def dims_of(activity: Any) -> dict[str, int]:
    """Dims of the points of what neurons do, and their sizes."""
    own = {labels.NEURON, labels.TIME, labels.SPIKE, labels.EVENT}
    array = _main(activity, "GliaLink: 'activity'")
    return {str(d): n for d, n in array.sizes.items() if d not in own}


def activity_of(
    activity: Any, points: Mapping[str, int], start: float, dt: float, n: int, neurons: int, where: str
) -> Activity:
    """Spikes or rates in the steps of a run.

    Parameters
    ----------
    activity : Dataset or DataArray
    points : mapping
        Dims of the points, and their sizes.
    start, dt : float, ms
    n : int
        Steps of the run.
    neurons : int
        How many neurons there are.
    where : str
        For errors.
    """
    array = _main(activity, where)
    if array.name == labels.EVENT_TIME:
        point, neuron, time = _of_events(activity, points, where)
    elif array.dtype == bool:
        point, neuron, time = _of_raster(array, points, where)
    elif labels.SPIKE in array.dims:
        point, neuron, time = _of_times(array, points, where)
    else:
        return _of_rates(array, points, (start, dt, n), neurons, where)
    if neuron.size and int(neuron.max()) >= neurons:
        raise errors.DataError(where, f"neuron {int(neuron.max())} is not among the {neurons} that are connected")
    return _by_step(point, neuron, time, (start, dt, n), neurons, where)


def _main(activity: Any, where: str) -> xr.DataArray:
    """The array that says what the neurons do."""
    if isinstance(activity, xr.Dataset):
        for name in (labels.EVENT_TIME, labels.SPIKE_TIME):
            if name in activity:
                return activity[name]
    if isinstance(activity, xr.DataArray) and activity.dtype.kind in "bfiu":
        return activity
    raise errors.DataError(
        where, f"{type(activity).__name__} holds no spikes and no rates",
        "a run, spike_time(..., neuron, spike), a raster of bool (..., neuron, time), or rates (..., neuron) in Hz",
    )  # fmt: skip


def _whole(array: xr.DataArray, points: Mapping[str, int], rest: tuple[str, ...], where: str) -> Array:
    """Values as (point, rest), of every point."""
    values = spread_over(array, points, rest, where)
    return np.broadcast_to(values, (math.prod(points.values()), *values.shape[1:]))


def _of_events(activity: xr.Dataset, points: Mapping[str, int], where: str) -> tuple[Array, Array, Array]:
    time = _whole(activity[labels.EVENT_TIME], points, (labels.EVENT,), where)
    who = _whole(activity[labels.EVENT_NEURON], points, (labels.EVENT,), where)
    point, place = np.nonzero(~np.isnan(time))
    return point, who[point, place].astype(np.int64), time[point, place]


def _of_times(array: xr.DataArray, points: Mapping[str, int], where: str) -> tuple[Array, Array, Array]:
    array = array if labels.NEURON in array.dims else array.expand_dims(labels.NEURON)
    values = _whole(array, points, (labels.NEURON, labels.SPIKE), where)
    point, neuron, place = np.nonzero(~np.isnan(values))
    return point, neuron, values[point, neuron, place]


def _of_raster(array: xr.DataArray, points: Mapping[str, int], where: str) -> tuple[Array, Array, Array]:
    if labels.TIME not in array.coords or labels.TIME not in array.dims:
        raise errors.DataError(where, "a raster has a coordinate 'time'", mend="Give it one, in ms.")
    array = array if labels.NEURON in array.dims else array.expand_dims(labels.NEURON)
    times = np.asarray(array[labels.TIME].values, np.float64)
    point, neuron, place = np.nonzero(_whole(array, points, (labels.NEURON, labels.TIME), where))
    return point, neuron, times[place]


def _by_step(
    point: Array, neuron: Array, time: Array, clock: tuple[float, float, int], neurons: int, where: str
) -> Activity:
    start, dt, n = clock
    place = (time - start) / dt
    if place.size and (place.min() < -INSIDE or place.max() > n + INSIDE):
        odd = float(time[np.argmax(np.maximum(-place, place - n))])
        raise errors.TimeError(
            where, f"there is a spike at {odd:g} ms", f"{start:g} to {start + n * dt:g} ms, the time of this run",
            mend="Cut the spikes, or give another duration.",
        )  # fmt: skip
    step = np.clip(np.floor(place * (1 + 1e-12) + INSIDE).astype(np.int64), 0, max(n - 1, 0))
    order = np.lexsort((neuron, point, step))
    return Activity(neurons, step[order], point[order], neuron[order])


def _of_rates(
    array: xr.DataArray, points: Mapping[str, int], clock: tuple[float, float, int], neurons: int, where: str
) -> Activity:
    start, dt, n = clock
    array = array if labels.NEURON in array.dims else array.expand_dims({labels.NEURON: neurons})
    if array.sizes[labels.NEURON] != neurons:
        raise errors.DataError(where, f"{array.sizes[labels.NEURON]} neurons have rates, {neurons} are connected")
    sampled = labels.TIME in array.dims
    rest = (labels.NEURON, labels.TIME) if sampled else (labels.NEURON,)
    hertz = labels.convert(spread_over(array, points, rest, where), labels.units_of(array.attrs), "Hz", where)
    if not (np.isfinite(hertz).all() and (hertz >= 0).all()):
        raise errors.DataError(where, "not all rates are finite numbers from 0 Hz")
    hertz = hertz if sampled else hertz[..., None]
    sample = _sampled(array, start + np.arange(n) * dt, where) if sampled else np.zeros(n, np.int64)
    none = np.zeros(0, np.int64)
    return Activity(neurons, none, none, none, np.asarray(hertz * HZ * dt), sample)


def _sampled(array: xr.DataArray, at: Array, where: str) -> Array:
    """Which sample each time sees: the last one before it."""
    if labels.TIME not in array.coords:
        raise errors.DataError(where, "rates that change have a coordinate 'time'", mend="Give it one, in ms.")
    times = np.asarray(array[labels.TIME].values, np.float64)
    if at.size and times[0] > at[0]:
        raise errors.TimeError(where, f"the first rate is that of {times[0]:g} ms, the run begins at {at[0]:g} ms")
    return np.searchsorted(times, at * (1 + 1e-12), side="right") - 1
