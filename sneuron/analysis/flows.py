"""The currents of a neuron, read from a state, from traces or from features of a run, in the units of the SI."""

from __future__ import annotations

import functools
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

import numpy as np
import numpy.typing as npt
import xarray as xr

from sneuron import errors, labels
from sneuron.analysis.measure import FloatArray, Reading, refuse_dtype
from sneuron.labels import CHANNEL, SPIKE, SPIKE_COUNT, SPIKE_TIME, STATUS, TIME, Status

__all__ = ["CALCIUM", "MIXED", "SODIUM", "Currents", "Flows", "counted", "wanted"]

SODIUM, CALCIUM, MIXED = "na", "ca", ""
"""Ions of which something is made here; a current of no single ion is mixed."""

_SI = {"i": "A", "g": "S", "e": "V", "p": "W"}
_STATE = {"i": "current", "g": "conductance", "e": "reversal"}


@dataclass(frozen=True, eq=False)
class Flows:
    """What currents do at one instant, over time (last axis), or in the mean of a run.

    Parameters
    ----------
    values, first : mapping of str to ndarray
        `i_na` (A), `g_leak` (S), `e_k` (V), `p_na` (W), each per cm2 where `per_area`; `first` as it was at the start.
    ions : mapping of str to str
        The ion of each current.
    processes : tuple of str
        The currents that count.
    per_area : bool
        Whether currents are per cm2.
    shape, failed :
        As in `sneuron.analysis.spikes.Trains`.
    weights : ndarray or None
        Of the samples over time, for a mean.
    spikes, duration : ndarray or None, float
        Number of spikes, and the time in s in which they came.
    """

    values: Mapping[str, FloatArray]
    first: Mapping[str, FloatArray]
    ions: Mapping[str, str]
    processes: tuple[str, ...]
    per_area: bool
    shape: tuple[int, ...]
    failed: npt.NDArray[np.bool_]
    weights: FloatArray | None = None
    spikes: FloatArray | None = None
    duration: float = np.nan

    def mean(self, values: FloatArray) -> FloatArray:
        """The mean over time, where there is time, over all neurons."""
        if self.weights is not None:
            values = (np.ascontiguousarray(values) * self.weights).sum(-1)
        return self.full(values)

    def full(self, values: FloatArray) -> FloatArray:
        """Values over all neurons."""
        return np.broadcast_to(values, self.shape)

    def pumped(self, name: str, values: Mapping[str, FloatArray]) -> FloatArray:
        """The current of the sodium or calcium that is pumped back: the whole, or the sodium part of a mixed one."""
        current = values[f"i_{name}"]
        if self.ions[name] != MIXED:
            return current
        own, sodium, potassium = (values[e] for e in (f"e_{name}", *_split(self.ions).values()))
        with np.errstate(divide="ignore", invalid="ignore"):
            share = np.clip((own - potassium) / (sodium - potassium), 0.0, 1.0)
        return np.asarray(share * (current + values[f"g_{name}"] * np.minimum(own - sodium, 0.0)))


def counted(ions: Mapping[str, str], options: Mapping[str, Any]) -> tuple[str, ...]:
    """The currents that count."""
    chosen = list(ions) if options["currents"] is None else options["currents"]
    for name in chosen:
        if name not in ions:
            raise errors.unknown("EnergyUse: currents", "current", name, ions)
    return tuple(chosen)


def wanted(ions: Mapping[str, str], options: Mapping[str, Any]) -> list[str]:
    """What has to be known: `i_na`, `g_leak`, `e_leak`, ..., or `p_na`, ..."""
    own = counted(ions, options)
    if options["method"] == "electrical":
        return [f"p_{c}" for c in own]
    own = tuple(c for c in own if ions[c] in (SODIUM, CALCIUM, MIXED))
    if not own:
        given = "none of the currents carries sodium, calcium or a mixture of ions"
        raise errors.DataError("EnergyUse", given, mend="Name other currents.")
    mixed = [c for c in own if ions[c] == MIXED]
    names = [*(f"i_{c}" for c in own), *(f"{kind}_{c}" for c in mixed for kind in "ge")]
    lacking = {ion: name for ion, name in _split(ions).items() if mixed and ion not in (options["reversals"] or {})}
    for ion in lacking:
        if ion not in ions.values():
            what = f"no current of {ion!r} alone tells how much of {', '.join(mixed)} is sodium"
            mend = "Give reversals={'na': 50.0, 'k': -90.0}, or currents=[...] without them."
            raise errors.DataError("EnergyUse", what, mend=mend)
    return list(dict.fromkeys([*names, *lacking.values()]))


def _split(ions: Mapping[str, str]) -> dict[str, str]:
    """Names of the reversal potentials of sodium and of potassium: of the first current by name of each."""
    return {ion: next((f"e_{c}" for c in ions if ions[c] == ion), f"e of {ion}") for ion in ("na", "k")}


@dataclass(frozen=True)
class Currents:
    """Reads an argument that holds the currents of neurons: a state after `IonDyn`, traces, or features of a run.

    Parameters
    ----------
    check : callable
        Refuses options that cannot be.
    """

    check: Callable[[Mapping[str, Any]], None]

    def read(self, name: str, value: Any, options: Mapping[str, Any], where: str) -> Reading:
        """Tell the layout, find what is needed, and hand on what numpy needs."""
        self.check(options)
        if not isinstance(value, xr.Dataset):
            possible = "a state after IonDyn, a run, or the results of a study"
            raise errors.DataError(where, f"{name!r} is a {type(value).__name__}", possible)
        ions, reversals = labels.currents_of(value.attrs, where), options["reversals"] or {}
        names = wanted(ions, options)
        source = _source(value, names, options, where)
        arrays = {n: source.get(n) for n in names}
        firsts = {n: source.first(n) for n in names} if source.first and options["baseline"] else {}
        dims = {d for array in arrays.values() for d in array.dims}
        beside = {n: array for n, array in source.beside.items() if set(array.dims) <= dims}
        scales = {n: _scale(n, array, where) for n, array in arrays.items()}
        per_area = any(area for _, area in scales.values())
        pack = functools.partial(
            _packed, ions=ions, processes=counted(ions, options), per_area=per_area, names=names, firsts=list(firsts),
            beside=list(beside), factors={n: factor for n, (factor, _) in scales.items()},
            given={_split(ions)[i]: np.array(1e-3 * labels.number(e, "mV", where)) for i, e in reversals.items()},
            weights=source.weights, duration=source.duration,
        )  # fmt: skip
        core = [source.core] * len(arrays) + [()] * (len(firsts) + len(beside))
        known = {"processes": counted(ions, options), "per_area": per_area, "spiking": SPIKE_COUNT in beside}
        return Reading((*arrays.values(), *firsts.values(), *beside.values()), tuple(core), pack, known=known)


@dataclass(frozen=True, eq=False)
class _Source:
    """Where currents come from.

    Parameters
    ----------
    get, first : callable
        The array of a quantity such as `i_na`; the same at the start, where that is another array.
    core : tuple of str
        Core dims.
    weights : ndarray or None
        Of the samples along `time`.
    beside : mapping
        Spike count and status, as far as they are known.
    duration : float
        In s.
    """

    get: Callable[[str], xr.DataArray]
    first: Callable[[str], xr.DataArray] | None = None
    core: tuple[str, ...] = ()
    weights: FloatArray | None = None
    beside: Mapping[str, xr.DataArray] = field(default_factory=dict)
    duration: float = np.nan


def _source(value: xr.Dataset, names: Sequence[str], options: Mapping[str, Any], where: str) -> _Source:
    """The layout that holds all that is needed."""
    window = [options["t_start"], options["t_stop"]]
    if CHANNEL in value.dims and "current" in value and window == [None, None] and options["baseline"] is None:
        return _Source(functools.partial(_of_state, value))
    if all(n in value and TIME in value[n].dims for n in names) and TIME in value.coords:
        return _of_traces(value, options["t_start"], options["t_stop"], where)
    means = [f"{n}_mean" for n in names] + [f"{n}_first" for n in names if options["baseline"] and n[0] != "e"]
    lacking = [n for n in means if n not in value]
    if not lacking and window == [None, None]:
        return _of_features(value, where)
    if CHANNEL in value.dims and "current" in value:
        raise errors.DataError(where, "baseline, t_start and t_stop belong to runs", mend="Leave them out for a state.")
    if window != [None, None]:
        what = f"in a window of time it needs {', '.join(names)} over time"
        raise errors.DataError(where, what, mend=f"Record them: record={names!r}.")
    what = f"it lacks {', '.join(lacking)} (or {', '.join(names)} over time)"
    raise errors.DataError(where, what, mend="Run it with RunSim(..., features=[EnergyUse]), or record=[...].")


def _of_state(value: xr.Dataset, name: str) -> xr.DataArray:
    """A quantity at the instant of a state."""
    kind, _, channel = name.partition("_")
    here = value.sel({CHANNEL: channel}, drop=True)
    if kind != "p":
        return here[_STATE[kind]]
    i, g = here["current"], here["conductance"]
    unit = f"({i.attrs['units']})*mV"
    return (i * i / g).where(here["reversal"].notnull()).where(g != 0, 0.0).assign_attrs(units=unit)


def _of_features(value: xr.Dataset, where: str) -> _Source:
    """Means over a run, and values at its start; reversal potentials are those of the mean."""

    def first(name: str) -> xr.DataArray:
        return value[f"{name}_{'mean' if name[0] == 'e' else 'first'}"]

    ends = [value.attrs.get(n) for n in ("t_start", "t_stop")]
    times = [labels.number(t, "ms", f"{where}: t_start, t_stop") for t in ends if t is not None]
    beside = {n: value[n] for n in (SPIKE_COUNT, STATUS) if n in value and (n == STATUS or len(times) == 2)}
    return _Source(lambda name: value[f"{name}_mean"], first, beside=beside, duration=float(np.ptp(times)) * 1e-3)


def _of_traces(value: xr.Dataset, start: Any, stop: Any, where: str) -> _Source:
    """Samples over time, of a window."""
    time = np.asarray(value[TIME].values, np.float64)
    time = time * labels.convert(1.0, labels.units_of(value[TIME].attrs), "ms", where)
    low, high = (None if t is None else labels.number(t, "ms", f"{where}: window") for t in (start, stop))
    held = slice(
        0 if low is None else int(np.searchsorted(time, low)),
        time.size if high is None else int(np.searchsorted(time, high, "right")),
    )
    inside = time[held]
    if inside.size < 2 or not (np.diff(inside) > 0).all():
        raise errors.DataError(where, f"{inside.size} ascending samples are in the window", "2 or more")
    weights = np.zeros(inside.size)
    weights[1:] += np.diff(inside) / 2
    weights[:-1] += np.diff(inside) / 2
    beside = {STATUS: value[STATUS]} if STATUS in value else {}
    if low is None and high is None and SPIKE_COUNT in value:
        beside[SPIKE_COUNT] = value[SPIKE_COUNT]
    elif SPIKE_TIME in value:
        spikes = value[SPIKE_TIME]
        beside[SPIKE_COUNT] = ((spikes >= inside[0]) & (spikes <= inside[-1])).sum(SPIKE)
    return _Source(
        lambda name: value[name].isel({TIME: held}), None, (TIME,), weights / np.ptp(inside), beside,
        float(np.ptp(inside)) * 1e-3,
    )  # fmt: skip


def _scale(name: str, array: xr.DataArray, where: str) -> tuple[float, bool]:
    """What brings a quantity into the units of the SI, and whether it is per cm2 there."""
    refuse_dtype(array.dtype, name, where)
    unit, si = labels.units_of(array.attrs), _SI[name[0]]
    if unit is None:
        raise errors.DataError(where, f"{name!r} has no units", mend="Set its attribute `units`.")
    try:
        return float(labels.convert(1.0, unit, si, where)), False
    except errors.UnitError:
        return float(labels.convert(1.0, unit, f"{si}/cm2", f"{where}: {name!r}")), True


def _packed(
    *arrays: npt.NDArray[Any],
    names: Sequence[str],
    firsts: Sequence[str],
    beside: Sequence[str],
    factors: Mapping[str, float],
    given: Mapping[str, FloatArray],
    weights: FloatArray | None,
    duration: float,
    **rest: Any,
) -> Flows:
    """From the arrays to currents by name."""
    values = {n: a * factors[n] for n, a in zip(names, arrays, strict=False)}
    first = {n: a * factors[n] for n, a in zip(firsts, arrays[len(names) :], strict=False)}
    known = dict(zip(beside, arrays[len(names) + len(firsts) :], strict=True))
    core = 0 if weights is None else 1
    shape = np.broadcast_shapes(
        *(v.shape[: v.ndim - core] for v in values.values()), *(a.shape for a in known.values())
    )
    if weights is not None:
        first = {n: v[..., 0] for n, v in values.items()}
    status = np.asarray(known.get(STATUS, Status.OK))
    failed = np.broadcast_to((status != Status.OK), shape).ravel()
    spikes = known.get(SPIKE_COUNT)
    return Flows(
        values={**values, **given}, first={**first, **given}, shape=shape, failed=failed, weights=weights,
        spikes=None if spikes is None else spikes.astype(np.float64), duration=duration, **rest,
    )  # fmt: skip
