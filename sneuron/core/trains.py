"""Spike trains from nowhere: Poisson and other renewal processes, with rates that change, alone or correlated."""

from __future__ import annotations

import functools
import hashlib
import math
import os
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import xarray as xr
from numpy.typing import NDArray

from sneuron import errors, labels
from sneuron.core.renewal import folded, generate
from sneuron.core.stimulus import SAMPLE, checked_seeds
from sneuron.lang.keys import point_keys

__all__ = ["PoisIn"]

Array = NDArray[Any]
STEP_COUNT = "step_count"
_PARAMETERS = {"rate": "Hz", "order": "1", "dead_time": "ms", "correlation": "1"}
_BYTES = 32
"""Memory that a spike takes while it is drawn and padded."""


def PoisIn(
    rate: Any,
    duration: Any = None,
    *,
    start: Any = 0.0,
    order: Any = 1.0,
    dead_time: Any = 0.0,
    stationary: bool = True,
    inputs: int = 1,
    neurons: int | None = None,
    correlation: Any = 0.0,
    amplitudes: Sequence[float] | None = None,
    seed: Any = 0,
    common: str | Sequence[str] = (),
    dt: Any = None,
    most: int | None = None,
) -> xr.Dataset:
    r"""Spike trains of a Poisson process, or of one that is more regular, changes its rate, or is correlated.

    Parameters
    ----------
    rate : number, text with unit, list or DataArray, Hz
        Mean rate of each train.  A list makes the dim `rate`.  With a `time` coordinate (ms) the rate changes, in
        straight lines from sample to sample, and the trains last from the first to the last.
    duration, start : number or text, ms
        Length and beginning, of trains whose rate does not change.
    order : number from 0.01, list or DataArray
        Of the gamma process: intervals between spikes have a CV of order^-1/2; 1 is Poisson.
    dead_time : number, list or DataArray, ms
        After each spike, in which there is no other one; the rate stays what it is.
    stationary : bool
        False: a spike lies just before the start; True: the process has run for ever.
    inputs : int
        How many trains of this rate go together into one (Poisson only).
    neurons : int, optional
        Trains of the same kind along the dim `neuron`; independent unless correlated.
    correlation : number from 0 to 1, list or DataArray
        Of the spike counts of any two neurons: they copy the spikes of a common mother with this probability.
    amplitudes : sequence of number, optional
        Instead of a correlation: the probabilities that a spike is one of 1, 2, ..., `neurons` neurons at a time.
    seed : int from 0 to 2**64 - 1, list or DataArray of them, or None
        A list makes the dim `repeat`.  None draws one, which the result holds.
    common : str or sequence of str
        Dims along which all trains are drawn with the same random numbers, so that they differ by their parameters
        only; parameters then do not enter the random numbers at all.
    dt : number or text, ms, optional
        Give counts in steps of this length instead of times.
    most : int, optional
        Length of the dim `spike`; needed when the rate is lazy.  The longest train when omitted.

    Returns
    -------
    xarray.Dataset
        `spike_time(..., neuron, spike)` in ms padded with NaN, and `spike_count(..., neuron)`; with `dt`
        `step_count(..., neuron, time)` instead of times.  Lazy where a parameter is.

    Raises
    ------
    ParameterError
        A rate below 0, a dead time so long that the rate cannot be, a correlation of trains that are no Poisson ones.
    TimeError
        Durations and steps that cannot be.
    DataError
        Parameters that do not fit together, or trains longer than `most`.

    Notes
    -----
    Intervals are drawn in operational time, the integral of the hazard :math:`h = r/(1 - r d)` outside of the dead
    time d: :math:`\int h\,dt` from the end of a dead time to the next spike is a gamma variate of mean 1.
    For a Poisson process of changing rate that gives exactly what thinning gives (Lewis & Shedler 1979,
    doi:10.1002/nav.3800260304), and loses no candidate.  CV of a constant rate: :math:`(1 - r d)\,\kappa^{-1/2}`.
    With a dead time, a changing rate is followed as far as it changes little within an interval.
    Correlation c: mother of rate r/c, each spike copied with probability c (multiple interaction process; Kuhn, Aertsen
    & Rotter 2003, doi:10.1162/089976603321043702).  Amplitudes f(k): a compound Poisson process of rate
    :math:`N r/E[k]`; the correlation is :math:`E[k(k-1)]/((N-1)E[k])` (Staude, Rotter & Gruen 2010,
    doi:10.1007/s10827-009-0195-x).
    Random numbers: Philox, keyed by the seed, the labels of the train (its coordinates, or its place where a dim has
    none), its parameters and its number along `neuron`: the same in any chunk, order and subset, and for any `dt`.

    Examples
    --------
    >>> trains = PoisIn([5.0, 50.0], "10 s", seed=1)
    >>> trains.spike_count.values
    array([ 51., 526.])
    """
    asked = _Asked.of(inputs, neurons, amplitudes, stationary, dt, most)
    given = {"rate": rate, "order": order, "dead_time": dead_time, "correlation": correlation}
    arrays = {name: _parameter(name, value) for name, value in given.items()}
    arrays["seed"] = _seeded(seed)
    grid = _grid(arrays["rate"], duration, start)
    asked.check(grid, any(a.chunks is not None for a in arrays.values()))
    arrays["rate"] = arrays["rate"].drop_vars(labels.TIME, errors="ignore")
    shared = _shared(common, arrays)
    try:
        found = _drawn(_keys(arrays, shared), arrays, grid, asked, not shared)
    except (xr.AlignmentError, xr.MergeError) as cause:
        what = "the parameters do not fit together"
        raise errors.DataError("PoisIn", what, mend="Give shared dims the same coordinates.") from cause
    return _labelled(found, grid, asked, arrays["seed"])


@dataclass(frozen=True)
class _Asked:
    """What kind of trains, and what of them."""

    inputs: int
    neurons: int | None
    chances: tuple[float, ...]
    stationary: bool
    dt: float | None
    most: int | None

    @classmethod
    def of(cls, inputs: Any, neurons: Any, amplitudes: Any, stationary: Any, dt: Any, most: Any) -> _Asked:
        """Checked."""
        if not isinstance(stationary, bool | np.bool_):
            raise errors.ParameterError("PoisIn: 'stationary'", f"{stationary!r} is neither true nor false")
        chances = _chances(amplitudes, neurons)
        many = len(chances) or neurons
        step = None if dt is None else labels.number(dt, "ms", "PoisIn: 'dt'")
        return cls(
            _whole("inputs", inputs), None if many is None else _whole("neurons", many), chances, bool(stationary),
            step, None if most is None else _whole("most", most),
        )  # fmt: skip

    def check(self, grid: Array, lazy: bool) -> None:
        """Refuse steps that do not tile the time, and lazy trains of unknown length."""
        if self.dt is not None:
            span = float(grid[-1] - grid[0])
            if not 0 < self.dt <= span or abs(round(span / self.dt) * self.dt - span) > 1e-9 * span:
                raise errors.TimeError("PoisIn: 'dt'", f"steps of {self.dt:g} ms do not tile {span:g} ms")
            if self.most is not None:
                raise errors.ParameterError("PoisIn: 'most'", "counts in steps have no longest train")
        elif lazy and self.most is None:
            what = "of lazy parameters the longest train is not known"
            raise errors.ParameterError("PoisIn: 'most'", what, mend="Give most=..., or dt=... for counts.")

    def steps(self, grid: Array) -> int:
        """How many steps there are."""
        return 0 if self.dt is None else round(float(grid[-1] - grid[0]) / self.dt)


def _whole(name: str, value: Any) -> int:
    if isinstance(value, bool) or not isinstance(value, int | np.integer) or not 1 <= value <= 2**31:
        raise errors.ParameterError(f"PoisIn: {name!r}", f"{value!r:.60} is no number of them", "a whole number from 1")
    return int(value)


def _chances(amplitudes: Any, neurons: Any) -> tuple[float, ...]:
    """Probabilities of amplitudes 1, 2, ..., checked."""
    if amplitudes is None:
        return ()
    where = "PoisIn: 'amplitudes'"
    found = np.asarray(amplitudes)
    if found.ndim != 1 or found.dtype.kind not in "fiu" or found.size == 0 or not (found >= 0).all():
        raise errors.ParameterError(where, f"{amplitudes!r:.60} are no probabilities", "a list of numbers from 0")
    if not math.isclose(float(found.sum()), 1.0, rel_tol=1e-9):
        raise errors.ParameterError(where, f"they add up to {float(found.sum()):g}", "1")
    if neurons is not None and neurons != found.size:
        raise errors.ParameterError(where, f"there are {found.size} for {neurons!r} neurons", "one for each neuron")
    return tuple(found.astype(float).tolist())


def _parameter(name: str, value: Any) -> xr.DataArray:
    """A parameter as an array in its unit; a list along a dim of its name."""
    where, unit = f"PoisIn: {name!r}", _PARAMETERS[name]
    if isinstance(value, xr.DataArray):
        if value.dtype.kind not in "fiu":
            raise errors.ParameterError(where, f"values of type {value.dtype} are not real numbers")
        own = labels.units_of(value.attrs)
        return xr.DataArray(labels.convert(value.astype(np.float64), own, unit, where))
    if isinstance(value, str) or not (isinstance(value, list | tuple) or np.ndim(value)):
        return xr.DataArray(labels.number(labels.plain(value, where), unit, where))
    if np.ndim(value) != 1 or len(value) == 0:
        raise errors.ParameterError(where, "this is no list of numbers", mend="Give a DataArray.")
    numbers = [labels.number(labels.plain(v, where), unit, where) for v in value]
    return xr.DataArray(numbers, dims=name, coords={name: (name, numbers, {"units": unit})})


def _seeded(seed: Any) -> xr.DataArray:
    """Seeds as words; a list of them along `repeat`, where they are the coordinate `seed`."""
    found = checked_seeds(seed, "PoisIn", labels.REPEAT).astype(np.uint64)
    if isinstance(seed, xr.DataArray) or not found.ndim:
        return found
    return found.drop_vars(labels.REPEAT).assign_coords(seed=(labels.REPEAT, found.values))


def _grid(rate: xr.DataArray, duration: Any, start: Any) -> Array:
    """The times between which the rate is a straight line, in ms."""
    if labels.TIME not in rate.dims:
        if duration is None:
            raise errors.TimeError("PoisIn", "how long the trains last is not said", mend="Give duration, in ms.")
        begin = labels.number(start, "ms", "PoisIn: 'start'")
        span = labels.number(duration, "ms", "PoisIn: 'duration'")
        if not (0 < span < math.inf and math.isfinite(begin)):
            raise errors.TimeError("PoisIn: 'duration'", f"{duration!r} from {start!r} is no time", "above 0 ms")
        return np.array([begin, begin + span])
    if duration is not None or start != 0.0:
        what = "a rate over time says itself how long the trains last"
        raise errors.TimeError("PoisIn: 'duration'", what, mend="Leave duration and start out.")
    if labels.TIME not in rate.coords:
        raise errors.DataError("PoisIn: 'rate'", "it has no coordinate 'time'", mend="Assign one, in ms.")
    unit = labels.units_of(rate[labels.TIME].attrs)
    time = np.asarray(labels.convert(rate[labels.TIME].values.astype(np.float64), unit, "ms", "PoisIn: time"))
    if time.size < 2 or not np.isfinite(time).all() or not (np.diff(time) > 0).all():
        raise errors.TimeError("PoisIn: 'rate'", "its time does not grow", "2 or more times, in ms")
    return time


def _shared(common: Any, arrays: Mapping[str, xr.DataArray]) -> tuple[str, ...]:
    """Dims along which random numbers are the same."""
    dims = [common] if isinstance(common, str) else list(common)
    known = [str(d) for a in arrays.values() for d in a.dims if d != labels.TIME]
    for dim in dims:
        if dim not in known:
            raise errors.unknown("PoisIn: 'common'", "dim", str(dim), list(dict.fromkeys(known)))
    return tuple(dims)


def _keys(arrays: Mapping[str, xr.DataArray], shared: Sequence[str]) -> xr.DataArray:
    """A key of each train, from the seed and from what its labels are."""
    bare = [a.isel({labels.TIME: 0}) if labels.TIME in a.dims else a for a in arrays.values()]
    merged = xr.merge([a.coords.to_dataset() for a in bare], join="exact", compat="equals")
    sizes = {str(d): n for a in bare for d, n in a.sizes.items()}
    columns = {}
    for name, coord in merged.coords.items():
        own = name in arrays and not shared
        if not own and not set(coord.dims) & set(shared):
            columns[f"label {name}"] = xr.DataArray(_numbers(coord.values), dims=coord.dims)
    for dim, n in sizes.items():
        if dim not in shared and not any(dim in c.dims for c in merged.coords.values()):
            columns[f"place {dim}"] = xr.DataArray(np.arange(n, dtype=np.float64), dims=dim)
    whole = xr.Dataset({"seed": bare[-1].drop_vars(bare[-1].coords), **columns})
    flat = {str(n): _spread(v, sizes) for n, v in whole.data_vars.items()}
    seeds = flat.pop("seed")
    keys = point_keys(flat, np.zeros(seeds.shape, np.int64), seeds)
    found = xr.DataArray(keys.reshape(tuple(sizes.values())), dims=list(sizes))
    return found.assign_coords({n: c for n, c in merged.coords.items() if set(c.dims) <= set(sizes)})


def _spread(array: xr.DataArray, sizes: Mapping[str, int]) -> Array:
    """An array over all dims, flat."""
    shape = [n if d in array.dims else 1 for d, n in sizes.items()]
    values = array.transpose(*[d for d in sizes if d in array.dims]).values.reshape(shape)
    return np.ascontiguousarray(np.broadcast_to(values, tuple(sizes.values()))).reshape(-1)


def _numbers(labels_: Array) -> Array:
    """Labels as numbers: texts and the like by a hash."""
    if labels_.dtype.kind in "fiub":
        return labels_.astype(np.float64)
    digests = [hashlib.blake2b(str(x).encode(), digest_size=6).digest() for x in labels_.reshape(-1).tolist()]
    return np.array([int.from_bytes(d, "little") for d in digests], np.float64).reshape(labels_.shape)


def _drawn(
    keys: xr.DataArray, arrays: Mapping[str, xr.DataArray], grid: Array, asked: _Asked, by_content: bool
) -> tuple[xr.DataArray, xr.DataArray]:
    """Times (or counts in steps) and numbers of spikes."""
    rate = arrays["rate"]
    if labels.TIME in rate.dims:
        rate = rate.rename({labels.TIME: SAMPLE})
        rate = rate if rate.chunks is None else rate.chunk({SAMPLE: -1})
    inner = [] if asked.neurons is None else [labels.NEURON]
    last, length = (labels.SPIKE, asked.most) if asked.dt is None else (labels.TIME, asked.steps(grid))
    core = [[], [SAMPLE] if SAMPLE in rate.dims else [], [], [], []]
    sizes = {last: length} if asked.neurons is None else {labels.NEURON: asked.neurons, last: length}
    call = functools.partial(_trains, grid=grid, asked=asked, by_content=by_content, moving=bool(core[1]))
    found: tuple[xr.DataArray, xr.DataArray] = xr.apply_ufunc(
        call, keys, rate, *(arrays[n] for n in ("order", "dead_time", "correlation")), input_core_dims=core,
        output_core_dims=[[*inner, last], inner], join="exact", dask="parallelized",
        output_dtypes=[np.float64 if asked.dt is None else np.int32, np.float64],
        dask_gufunc_kwargs={"output_sizes": sizes},
    )  # fmt: skip
    return found


def _trains(
    keys: Array, rate: Array, order: Array, dead: Array, share: Array, *, grid: Array, asked: _Asked, by_content: bool,
    moving: bool,
) -> tuple[Array, Array]:  # fmt: skip
    """The array layer: trains of all points, neurons and spikes (or steps) last."""
    rate = rate if moving else rate[..., None]
    shape = np.broadcast_shapes(keys.shape, rate.shape[:-1], order.shape, dead.shape, share.shape)
    size = math.prod(shape)
    keys, order, dead, share = (
        np.ascontiguousarray(np.broadcast_to(a, shape)).reshape(size) for a in (keys, order, dead, share)
    )
    rates = np.broadcast_to(rate, (*shape, rate.shape[-1])).reshape(size, -1)
    _check(rates, order, dead, share, grid=grid, asked=asked)
    many = asked.neurons or 1
    hazard = _hazard(rates, dead, share, asked)
    if by_content:
        keys = folded(keys, np.column_stack([hazard, order, dead, share]).astype(np.float64).view(np.uint64))
    hazard = np.ascontiguousarray(np.broadcast_to(hazard, (size, grid.size)))
    chances = np.cumsum(asked.chances, dtype=np.float64)
    times, counts = generate(keys, grid, hazard, order, dead, share, chances, many, asked.stationary)
    counts = counts.reshape(-1)
    row = np.repeat(np.arange(counts.size), counts)
    inner = shape if asked.neurons is None else (*shape, many)
    if asked.dt is not None:
        steps = asked.steps(grid)
        at = np.minimum(((times - grid[0]) / asked.dt).astype(np.int64), steps - 1)
        table = np.bincount(row * steps + at, minlength=counts.size * steps).reshape(-1, steps).astype(np.int32)
    else:
        table = _padded(times, counts, row, asked.most)
    return table.reshape(*inner, table.shape[-1]), counts.reshape(inner).astype(np.float64)


def _padded(times: Array, counts: Array, row: Array, most: int | None) -> Array:
    """Trains as rows padded with NaN."""
    longest = int(counts.max(initial=0))
    if most is not None and longest > most:
        what = f"a train of {longest} spikes is longer than most = {most}"
        raise errors.DataError("PoisIn: 'most'", what, mend="Give more.")
    table = np.full((counts.size, longest if most is None else most), np.nan)
    first = np.cumsum(counts) - counts
    table[row, np.arange(times.size) - first[row]] = times
    return table


def _hazard(rates: Array, dead: Array, share: Array, asked: _Asked) -> Array:
    """Spikes per ms outside of the dead time: of the trains, or of their mothers."""
    base = rates * 1e-3 * asked.inputs
    if asked.chances:
        sizes = np.arange(1, len(asked.chances) + 1)
        base = base * len(asked.chances) / float(np.dot(sizes, asked.chances))
    base = base / np.where(share > 0, share, 1.0)[:, None]
    return np.asarray(base / (1.0 - base * dead[:, None]))


def _check(rates: Array, order: Array, dead: Array, share: Array, *, grid: Array, asked: _Asked) -> None:
    """Refuse parameters that cannot be, and more spikes than can be held."""
    most = np.where(np.isfinite(rates), rates, 0.0).max(axis=1, initial=0.0)
    for name, bad, values, possible in (
        ("rate", ~(np.isfinite(rates) & (rates >= 0)), rates, "0 Hz or more"),
        ("order", ~(np.isfinite(order) & (order >= 0.01)), order, "0.01 or more"),
        ("dead_time", ~(np.isfinite(dead) & (dead >= 0)), dead, "0 ms or more"),
        ("dead_time", dead * most >= 1e3, dead, "less than 1/rate"),
        ("correlation", ~((share >= 0) & (share <= 1)), share, "0 to 1"),
    ):
        if bad.any():
            given = f"{int(bad.sum())} of {bad.size} values cannot be, such as {values[bad][0]:g} {_PARAMETERS[name]}"
            raise errors.ParameterError(f"PoisIn: {name!r}", given, possible)
    poisson = (order == 1.0) & (dead == 0.0)
    for name, asks in (("inputs", asked.inputs > 1), ("amplitudes", bool(asked.chances))):
        if asks and not poisson.all():
            raise errors.ParameterError(f"PoisIn: {name!r}", "this is for Poisson trains", "order 1, no dead time")
    if ((share > 0) & ~poisson).any():
        raise errors.ParameterError("PoisIn: 'correlation'", "this is for Poisson trains", "order 1, no dead time")
    if (share > 0).any() and (asked.chances or asked.neurons is None):
        what = "amplitudes say already how neurons go together" if asked.chances else "one train has no partner"
        raise errors.ParameterError("PoisIn: 'correlation'", what, mend="Give neurons, and correlation or amplitudes.")
    spikes = float(np.trapezoid(np.broadcast_to(rates, (len(rates), grid.size)), grid, axis=1).sum()) * 1e-3
    need = _BYTES * spikes * asked.inputs * (asked.neurons or 1)
    room = os.sysconf("SC_PAGE_SIZE") * os.sysconf("SC_PHYS_PAGES")
    if need > room:
        given = f"{spikes * asked.inputs * (asked.neurons or 1):.3g} spikes take {need / 2**30:.3g} GiB"
        raise errors.ParameterError("PoisIn", given, f"up to {room / 2**30:.3g} GiB on this machine")


def _labelled(found: tuple[xr.DataArray, xr.DataArray], grid: Array, asked: _Asked, seed: xr.DataArray) -> xr.Dataset:
    """The house's layout of trains, with its window."""
    window = {"t_start": float(grid[0]), "t_stop": float(grid[-1])}
    first, counts = found
    made = {labels.SPIKE_COUNT: counts.assign_attrs(units="1", long_name="number of spikes")}
    if asked.dt is None:
        made[labels.SPIKE_TIME] = first.assign_attrs(units="ms", long_name="spike time", **window)
        return xr.Dataset(made, attrs=_told(seed, window))
    attrs = {"units": "ms", "long_name": "time, start of the step"}
    time = xr.DataArray(grid[0] + np.arange(asked.steps(grid)) * asked.dt, dims=labels.TIME, attrs=attrs)
    made[STEP_COUNT] = first.assign_attrs(units="1", long_name="spikes in the step").assign_coords({labels.TIME: time})
    return xr.Dataset(made, attrs=_told(seed, window))


def _told(seed: xr.DataArray, window: Mapping[str, float]) -> dict[str, Any]:
    """Attributes: the window, and the seed where it is one."""
    return {**window, "seed": str(int(seed))} if not seed.ndim else dict(window)
