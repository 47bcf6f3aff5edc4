"""Spike trains in any layout, read into one: all times in one flat array, with the place where each train begins.

Layouts read: `spike_time(..., spike)` in ms, NaN-padded; an event Dataset (`event_time(..., event)`,
`event_neuron(..., event)`); a boolean raster with a `time` coordinate; plain arrays and ragged lists of times in ms.
What is wrong with a layout is said at once; what is wrong with the numbers is said where they are computed.
"""

from __future__ import annotations

import functools
import math
import warnings
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any

import numpy as np
import numpy.typing as npt
import xarray as xr

from sneuron import errors, labels
from sneuron.analysis.measure import FloatArray, Reading, label_plain, refuse_dtype, refuse_unknown_chunks
from sneuron.labels import EVENT, EVENT_NEURON, EVENT_TIME, NEURON, SPIKE, SPIKE_COUNT, SPIKE_TIME, STATUS, TIME, Status

__all__ = ["SPIKE_REF", "Crowd", "SpikeTrains", "Trains", "read_trains"]

IntArray = npt.NDArray[np.int64]
BoolArray = npt.NDArray[np.bool_]

SPIKE_REF = "spike_ref"

_FEWEST_TO_WARN = 3
_LAYOUTS = (
    "spike_time with dims (..., spike)", "a Dataset with event_time and event_neuron (..., event)",
    "a boolean raster with dims (..., time)", "arrays or lists of times in ms",
)  # fmt: skip


@dataclass(frozen=True, eq=False)
class Trains:
    """Spike trains side by side.

    Parameters
    ----------
    times : ndarray
        All spike times in ms, train after train.
    first : ndarray of int, one longer than the trains
        Train i holds `times[first[i]:first[i + 1]]`.
    shape : tuple of int
        Shape of the array of trains; their number is its product.
    failed : ndarray of bool
        Trains whose point failed; they hold no spikes and every measure of them is NaN.
    start, stop : float or None
        Window in ms, when it is known.
    merged : int
        Trains pooled into each.
    """

    times: FloatArray
    first: IntArray
    shape: tuple[int, ...]
    failed: BoolArray
    start: float | None = None
    stop: float | None = None
    merged: int = 1

    @property
    def count(self) -> IntArray:
        """Spikes of each train."""
        return np.diff(self.first)

    @property
    def row(self) -> IntArray:
        """The train of each spike."""
        return np.repeat(np.arange(self.failed.size), self.count)

    @property
    def window(self) -> tuple[float, float]:
        """Start and stop, once known."""
        assert self.start is not None
        assert self.stop is not None
        return self.start, self.stop

    def each(self) -> Iterable[FloatArray]:
        """The trains one by one."""
        return (self.times[a:b] for a, b in zip(self.first[:-1], self.first[1:], strict=True))

    def keep(self, kept: BoolArray) -> Trains:
        """Only the spikes `kept`."""
        before = np.concatenate(([0], np.cumsum(kept)))
        return replace(self, times=self.times[kept], first=before[self.first])

    def within(self, start: float | None, stop: float | None) -> Trains:
        """Only the spikes of the window, both ends included."""
        kept = np.ones(self.times.size, bool)
        if start is not None:
            kept &= self.times >= start
        if stop is not None:
            kept &= self.times <= stop
        return replace(self if kept.all() else self.keep(kept), start=start, stop=stop)

    def pooled(self, axes: int) -> Trains:
        """The last `axes` axes merged into one train each, in order of time."""
        if not axes:
            return self
        shape, many = self.shape[:-axes], math.prod(self.shape[-axes:])
        rows = math.prod(shape)
        first = self.first[::many] if many else np.zeros(rows + 1, np.int64)
        failed = np.any(self.failed.reshape(rows, many), axis=1)
        pool = replace(self, first=first, failed=failed, shape=shape, merged=many)
        return replace(pool, times=self.times[np.lexsort((self.times, pool.row))])

    def rows_of(self, shape: tuple[int, ...]) -> IntArray:
        """The train that answers to each train of a larger array `shape`, by broadcasting."""
        return np.broadcast_to(np.arange(self.failed.size).reshape(self.shape), shape).ravel()


@dataclass(frozen=True, eq=False)
class Crowd:
    """The trains of all neurons of each network.

    Parameters
    ----------
    trains : Trains
        Neuron after neuron, network after network.
    shape : tuple of int
        Shape of the array of networks.
    failed : ndarray of bool
        Networks that failed, or one of whose trains did.
    """

    trains: Trains
    shape: tuple[int, ...]
    failed: BoolArray

    @classmethod
    def of(cls, pack: Callable[..., Trains], *arrays: npt.NDArray[Any]) -> Crowd:
        """The trains that `pack` makes, whose last axis is the neurons."""
        trains = pack(*arrays)
        shape = trains.shape[:-1]
        failed = np.any(trains.failed.reshape(math.prod(shape), trains.shape[-1]), axis=1)
        return cls(trains, shape, np.asarray(failed))

    def each(self) -> Iterable[tuple[FloatArray, IntArray]]:
        """Of each network the times of all spikes, and where the train of each neuron begins among them."""
        many = self.trains.shape[-1]
        for network in range(self.failed.size):
            first = self.trains.first[network * many : (network + 1) * many + 1]
            yield self.trains.times[first[0] : first[-1]], first - first[0]


@dataclass(frozen=True)
class SpikeTrains:
    """Reads an argument that holds spike trains, for `measure`.

    The options `t_start`, `t_stop` (ms), `sort` and `dims` of the measure, where it has them, say which window is
    used, whether unsorted times are sorted, and which dims are pooled into one train.

    Parameters
    ----------
    window : bool
        Whether the measure needs to know the observation window.
    events : bool
        Whether event lists and rasters will do.
    together : bool
        Whether the measure looks at all trains along `neuron` (of plain arrays: the last axis but one) together, as a
        `Crowd`.
    """

    window: bool = False
    events: bool = True
    together: bool = False

    def read(self, name: str, value: Any, options: Mapping[str, Any], where: str) -> Reading:
        """Tell the layout, settle the window, and hand on what numpy needs."""
        if self.together:
            options = {**options, "dims": NEURON if isinstance(value, xr.DataArray | xr.Dataset) else "train"}
        if isinstance(value, xr.Dataset) and EVENT_TIME in value and self.events:
            reading, attrs = _read_events(value, options, where)
        elif isinstance(value, xr.DataArray) and value.dtype == bool and TIME in value.dims and self.events:
            reading, attrs = _read_raster(value, options, where)
        else:
            reading, attrs = _read_padded(name, value, options, where)
        used, recorded = _window(attrs, options, where, self.window)
        checks = _Checks(where, bool(options.get("sort", False)), *recorded)
        lazy = any(array.chunks is not None for array in reading.arrays)
        pooled = 0 if self.together else len(_pooled_dims(options, where))
        pack: Callable[..., Any] = functools.partial(_packed, reading.pack, checks, used, pooled, lazy)
        pack = functools.partial(Crowd.of, pack) if self.together else pack
        return replace(reading, pack=pack, options={"t_start": used[0], "t_stop": used[1]} if self.window else {})


def read_trains(spikes: Any, t_start: float | None = None, t_stop: float | None = None) -> tuple[Trains, xr.DataArray]:
    """Spike trains of any layout, computed: the trains, and an array of their numbers with their dims and coords.

    Parameters
    ----------
    spikes : DataArray, Dataset, ndarray or list of lists
        Spike trains in any layout of this module.
    t_start, t_stop : float, optional
        Window in ms; what the data state when omitted.

    Returns
    -------
    trains : Trains
        The spikes inside the window.
    numbers : DataArray
        The number of each train, labelled.

    Examples
    --------
    >>> trains, numbers = read_trains([[5.0, 9.0], [7.0]], t_stop=8.0)
    >>> trains.times, trains.count
    (array([5., 7.]), array([1, 1]))
    >>> numbers.dims
    ('train',)
    """
    reading = SpikeTrains().read("spikes", spikes, {"t_start": t_start, "t_stop": t_stop}, "spikes")
    last = zip(reading.arrays, reading.core, strict=True)
    trains = reading.pack(*(array.transpose(..., *core).values for array, core in last))
    batch = _without(reading.arrays[0], reading.core[0])
    dims = (*batch.dims, *reading.rows)
    numbers = xr.DataArray(np.arange(trains.failed.size).reshape(trains.shape), dims=dims)
    return trains, numbers.assign_coords({**batch.coords, **reading.rows})


def _read_padded(name: str, value: Any, options: Mapping[str, Any], where: str) -> tuple[Reading, Mapping[Any, Any]]:
    """Times with a spike dim: labelled, in a run's Dataset, or plain."""
    attrs: dict[Any, Any] = {}
    beside: dict[str, xr.DataArray] = {}
    plain = not isinstance(value, xr.DataArray | xr.Dataset)
    if isinstance(value, xr.Dataset):
        if SPIKE_TIME not in value:
            raise errors.DataError(where, f"{name!r} is a Dataset with {sorted(map(str, value))}", "; ".join(_LAYOUTS))
        attrs, beside = dict(value.attrs), {n: value[n] for n in (STATUS, SPIKE_COUNT) if n in value}
        value = value[SPIKE_TIME]
    times = label_plain(_ragged(value, name, where), (SPIKE,), where) if plain else value
    spike = [dim for dim in (SPIKE, SPIKE_REF) if dim in times.dims]
    refuse_dtype(times.dtype, name, where)
    refuse_unknown_chunks(times, where)
    if not spike or times.dtype == bool:
        raise errors.DataError(where, f"{name!r} has dims {times.dims} and dtype {times.dtype}", "; ".join(_LAYOUTS))
    if STATUS in times.coords:
        beside[STATUS] = times.coords[STATUS]
    factor = labels.convert(1.0, labels.units_of(times.attrs), "ms", where)
    arrays, core, pack = _with_status(times, beside, options, spike[0], where)
    return Reading(arrays, core, functools.partial(pack, factor=factor), plain=plain), {**attrs, **times.attrs}


def _with_status(
    times: xr.DataArray, beside: Mapping[str, xr.DataArray], options: Mapping[str, Any], spike: str, where: str
) -> tuple[tuple[xr.DataArray, ...], tuple[tuple[str, ...], ...], functools.partial[Trains]]:
    """The times together with what says whether their point failed."""
    pooled = _pooled_dims(options, where)
    batch = _without(times, (spike,))
    for dim in pooled:
        if dim not in batch.dims:
            raise errors.unknown(where, "dim to pool", dim, map(str, batch.dims))
    known = {name: array.broadcast_like(batch).transpose(*batch.dims) for name, array in beside.items()}
    arrays = (times, *known.values())
    return arrays, ((*pooled, spike), *[pooled] * len(known)), functools.partial(_from_padded, beside=tuple(known))


def _read_events(value: xr.Dataset, options: Mapping[str, Any], where: str) -> tuple[Reading, Mapping[Any, Any]]:
    """An event list: one time and one neuron per event."""
    if EVENT_NEURON not in value:
        raise errors.DataError(where, f"a Dataset with {EVENT_TIME} lacks {EVENT_NEURON}", "; ".join(_LAYOUTS))
    times, neurons = value[EVENT_TIME], value[EVENT_NEURON]
    if EVENT not in times.dims or neurons.dims != times.dims:
        given = f"{EVENT_TIME} has dims {times.dims}, {EVENT_NEURON} {neurons.dims}"
        raise errors.DataError(where, given, f"dims (..., {EVENT}) for both")
    if NEURON not in value.coords:
        given = "the event list does not say which neurons there are"
        raise errors.DataError(where, given, mend=f"Give the Dataset a coordinate {NEURON!r}.")
    pooled = _pooled_dims(options, where)
    if set(pooled) - {NEURON}:
        raise errors.DataError(
            where, f"dims to pool {pooled} of an event list", f"{NEURON!r}", mend="Average the rate."
        )
    refuse_dtype(times.dtype, EVENT_TIME, where)
    if neurons.dtype.kind not in "iu":
        raise errors.DataError(where, f"{EVENT_NEURON} has dtype {neurons.dtype}", "integers")
    factor = labels.convert(1.0, labels.units_of(times.attrs), "ms", where)
    status = (value[STATUS].broadcast_like(_without(times, (EVENT,))),) if STATUS in value else ()
    arrays: tuple[xr.DataArray, ...] = (times, neurons, *status)
    pack = functools.partial(_from_events, many=value.sizes[NEURON], factor=factor)
    rows = {} if pooled else {NEURON: value[NEURON].variable}
    core = ((EVENT,), (EVENT,), *([()] * (len(arrays) - 2)))
    return Reading(arrays, core, pack, rows), {**value.attrs, **times.attrs}


def _read_raster(value: xr.DataArray, options: Mapping[str, Any], where: str) -> tuple[Reading, Mapping[Any, Any]]:
    """A boolean raster: one spike per True sample, at the sample's time."""
    if TIME not in value.coords:
        raise errors.DataError(where, "the raster has no time coordinate", mend="Assign the coordinate 'time' in ms.")
    factor = labels.convert(1.0, labels.units_of(value[TIME].attrs), "ms", where)
    time = np.asarray(value[TIME].values, np.float64) * factor
    if time.size == 0 or not np.all(np.diff(time) > 0):
        raise errors.DataError(where, "the time coordinate of the raster does not increase")
    pooled = _pooled_dims(options, where)
    step = (time[-1] - time[0]) / (time.size - 1) if time.size > 1 else 0.0
    attrs = {"t_start": float(time[0]), "t_stop": float(time[-1] + step), **value.attrs}
    beside = (value.coords[STATUS].broadcast_like(_without(value, (TIME,))),) if STATUS in value.coords else ()
    pack = functools.partial(_from_raster, time=time)
    return Reading((value, *beside), ((*pooled, TIME), *[pooled] * len(beside)), pack), attrs


def _ragged(value: Any, name: str, where: str) -> Any:
    """Lists of lists of unequal length as one NaN-padded array; arrays as they are."""
    if isinstance(value, np.ma.MaskedArray):
        raise errors.DataError(where, f"{name!r} is a masked array", mend="Fill it with NaN.")
    if isinstance(value, np.ndarray) or hasattr(value, "dask"):
        return value
    if not isinstance(value, Sequence) or isinstance(value, str):
        raise errors.DataError(where, f"{name!r} is a {type(value).__name__}", "; ".join(_LAYOUTS))
    if not any(isinstance(row, Sequence | np.ndarray) for row in value):
        return np.asarray(value if len(value) else np.zeros(0))
    rows = [np.asarray(row if len(row) else np.zeros(0)) for row in value]
    if any(row.ndim != 1 or row.dtype.kind not in "fiu" for row in rows):
        raise errors.DataError(where, f"{name!r} holds something else than lists of times", "; ".join(_LAYOUTS))
    padded = np.full((len(rows), max(row.size for row in rows)), np.nan)
    for place, row in enumerate(rows):
        padded[place, : row.size] = row
    return padded


def _pooled_dims(options: Mapping[str, Any], where: str) -> tuple[str, ...]:
    dims = options.get("dims", ())
    pooled = (dims,) if isinstance(dims, str) else tuple(dims)
    if len(set(pooled)) < len(pooled):
        raise errors.ParameterError(where, f"dims to pool {pooled} name one twice")
    return pooled


Window = tuple[float | None, float | None]


def _window(attrs: Mapping[Any, Any], options: Mapping[str, Any], where: str, needed: bool) -> tuple[Window, Window]:
    """The window to use, and the recorded one; arguments before attributes."""
    recorded = tuple(_stated(attrs, name, where) for name in ("t_start", "t_stop"))
    given = tuple(_stated(options, name, where) for name in ("t_start", "t_stop"))
    start, stop = (g if g is not None else r for g, r in zip(given, recorded, strict=True))
    start = 0.0 if start is None and needed else start
    if stop is None and needed:
        raise errors.TimeError(where, "when the observation ended is not known", mend="Give t_stop in ms.")
    if start is not None and stop is not None and not start < stop:
        raise errors.TimeError(where, f"t_start {start:g} ms is not before t_stop {stop:g} ms")
    for name, value, limit, sign in (("t_start", start, recorded[0], 1), ("t_stop", stop, recorded[1], -1)):
        if value is not None and limit is not None and sign * value < sign * limit:
            edge = f"times from {limit:g} ms" if sign > 0 else f"times up to {limit:g} ms"
            raise errors.TimeError(where, f"{name} {value:g} ms lies outside the recording", edge)
    earliest = recorded[0] if recorded[0] is not None else min(0.0, given[0] or 0.0)
    return (start, stop), (earliest, recorded[1])


def _stated(source: Mapping[Any, Any], name: str, where: str) -> float | None:
    value = source.get(name)
    return None if value is None else labels.number(value, "ms", f"{where}: {name}")


@dataclass(frozen=True)
class _Checks:
    """What a train must hold to: ascending times inside the recording."""

    where: str
    sort: bool
    earliest: float | None
    latest: float | None

    def refuse(self, trains: Trains, wrong: BoolArray, why: str, mend: str, lazy: bool) -> None:
        """Raise, naming the first spike that is wrong."""
        if not wrong.any():
            return
        spike = int(np.argmax(wrong))
        row = int(np.searchsorted(trains.first, spike, "right")) - 1
        index = tuple(int(i) for i in np.unravel_index(row, trains.shape)) if trains.shape else ()
        train = f" of train {index}{' of its chunk' if lazy else ''}" if index else ""
        at = f"spike {spike - int(trains.first[row])}{train} at {trains.times[spike]:g} ms"
        raise errors.DataError(self.where, f"{at} {why}", mend=mend)

    def __call__(self, trains: Trains, lazy: bool) -> Trains:
        if self.sort:
            trains = replace(trains, times=trains.times[np.lexsort((trains.times, trains.row))])
        self.refuse(trains, np.isinf(trains.times), "is not finite", "Pad trains with NaN.", lazy)
        before = np.zeros(trains.times.size, bool)
        before[1:] = np.diff(trains.times) < 0
        before[trains.first[:-1][trains.count > 0]] = False
        mend = "Spike times ascend along the last axis; give sort=True if they are only out of order."
        self.refuse(trains, before, "comes before the spike ahead of it", mend, lazy)
        if self.earliest is not None:
            early = trains.times < self.earliest
            self.refuse(
                trains, early, f"is before the recording, which begins at {self.earliest:g} ms", "See t_start.", lazy
            )
        if self.latest is not None:
            late = trains.times > self.latest
            self.refuse(trains, late, f"is after the recording, which ends at {self.latest:g} ms", "See t_stop.", lazy)
        self._warn_of_seconds(trains)
        return trains

    def _warn_of_seconds(self, trains: Trains) -> None:
        """Three spikes or more at over 1000 Hz, all in the first thousandth of the record: nobody's neuron."""
        many = trains.count >= _FEWEST_TO_WARN
        if self.latest is None or not many.any():
            return
        first, last = trains.times[trains.first[:-1][many]], trains.times[trains.first[1:][many] - 1]
        if np.any((last <= self.latest / 1000) & (last - first < trains.count[many] - 1)):
            warnings.warn(f"{self.where}: the spike times look like seconds; give ms", UserWarning, stacklevel=2)


def _packed(
    pack: Callable[..., Trains], checks: _Checks, used: Window, pooled: int, lazy: bool, *arrays: npt.NDArray[Any]
) -> Trains:
    """From the arrays to checked trains of the window, pooled where asked."""
    return checks(pack(*arrays, where=checks.where), lazy).within(*used).pooled(pooled)


def _from_padded(
    times: npt.NDArray[Any], *known: npt.NDArray[Any], beside: tuple[str, ...], factor: float, where: str
) -> Trains:
    shape, width = times.shape[:-1], times.shape[-1]
    table = np.ascontiguousarray(times, np.float64).reshape(math.prod(shape), width)
    failed = np.zeros(table.shape[0], bool)
    for name, values in zip(beside, known, strict=True):
        values = np.broadcast_to(values, shape).ravel()
        # a point that failed, or a train that holds fewer spikes than were counted, is not known
        failed |= values != (Status.OK if name == STATUS else np.count_nonzero(~np.isnan(table), axis=1))
    held = ~np.isnan(table) & ~failed[:, None]
    count = held.sum(1)
    hole = held & (np.arange(width) >= count[:, None])
    if hole.any():
        row = int(np.argmax(hole.any(1)))
        train = f" of train {tuple(int(i) for i in np.unravel_index(row, shape))}" if shape else ""
        given = f"NaN before spike {int(np.argmax(hole[row]))}{train}"
        raise errors.DataError(where, given, mend="NaN may only follow the last spike.")
    flat = table[held]
    return Trains(flat if factor == 1.0 else flat * factor, _starts(count), shape, failed)


def _from_events(
    times: npt.NDArray[Any], neurons: npt.NDArray[Any], *status: npt.NDArray[Any], many: int, factor: float, where: str
) -> Trains:
    shape = times.shape[:-1]
    table = np.ascontiguousarray(times, np.float64).reshape(math.prod(shape), times.shape[-1])
    failed = np.zeros(table.shape[0], bool)
    for values in status:
        failed |= np.broadcast_to(values, shape).ravel() != Status.OK
    held = ~np.isnan(table) & ~failed[:, None]
    neuron = _table(neurons, np.int64)[held]
    if neuron.size and (neuron.min() < 0 or neuron.max() >= many):
        worst = int(neuron.min() if neuron.min() < 0 else neuron.max())
        raise errors.DataError(where, f"{EVENT_NEURON} {worst} is not a neuron", f"0 to {many - 1}")
    row = np.repeat(np.arange(table.shape[0]), held.sum(1)) * many + neuron
    order = np.argsort(row, kind="stable")
    flat, rows = table[held][order] * factor, table.shape[0] * many
    return Trains(flat, _starts(np.bincount(row, minlength=rows)), (*shape, many), np.repeat(failed, many))


def _from_raster(raster: npt.NDArray[Any], *status: npt.NDArray[Any], time: FloatArray, where: str) -> Trains:
    shape = raster.shape[:-1]
    table = np.ascontiguousarray(raster).reshape(math.prod(shape), raster.shape[-1])
    failed = np.zeros(table.shape[0], bool)
    for values in status:
        failed |= np.broadcast_to(values, shape).ravel() != Status.OK
    table = table & ~failed[:, None]
    return Trains(time[np.nonzero(table)[1]], _starts(table.sum(1)), shape, failed)


def _starts(count: npt.NDArray[Any]) -> IntArray:
    return np.concatenate(([0], np.cumsum(count))).astype(np.int64)


def _table(array: npt.NDArray[Any], dtype: type[np.generic]) -> npt.NDArray[Any]:
    """Trains by rows, contiguous, in the machine's own numbers."""
    return np.ascontiguousarray(array, dtype).reshape(math.prod(array.shape[:-1]), array.shape[-1])


def _without(array: xr.DataArray, dims: tuple[str, ...]) -> xr.DataArray:
    """The dims and coords of `array` less `dims`; its values are of no use."""
    return array.isel(dict.fromkeys(dims, slice(0))).sum(dims)
