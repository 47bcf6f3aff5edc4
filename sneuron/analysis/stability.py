"""PlastStable: whether weights that learn have come to rest, and what they do if not."""

from __future__ import annotations

import functools
import math
from collections.abc import Mapping
from dataclasses import dataclass
from enum import IntEnum
from typing import Any

import numpy as np
import numpy.typing as npt
import xarray as xr

from sneuron import errors, labels
from sneuron.analysis.dip import bimodal, dip
from sneuron.analysis.measure import FloatArray, Output, Reading, measure, refuse_dtype
from sneuron.analysis.spikes import BoolArray
from sneuron.analysis.weightscores import (
    contrast,
    drifted,
    flattened,
    growth,
    leading,
    memory,
    oscillation,
    spread_between,
)  # fmt: skip
from sneuron.labels import MEMBER, POST, PRE, SNAPSHOT, STATUS, SYNAPSE, Status

__all__ = ["PlastStable", "Reason", "Verdict"]

_FEWEST = 12
"""Snapshots that it takes."""


class Verdict(IntEnum):
    """What weights do; the order is the code of the flag."""

    STABLE = 0
    DRIFTING = 1
    RUNAWAY = 2
    SILENT = 3
    OSCILLATING = 4


class Reason(IntEnum):
    """Bits that say what a verdict rests on, and what else is to be seen."""

    WEIGHTS_DRIFT = 1
    DISTRIBUTION_CHANGES = 2
    WEIGHTS_GROW = 4
    WEIGHTS_SATURATE = 8
    WEIGHTS_VANISH = 16
    WEIGHTS_OSCILLATE = 32
    RATES_DRIFT = 64
    RATES_GROW = 128
    RATES_VANISH = 256
    RATES_OSCILLATE = 512
    MATRIX_UNSTABLE = 1024
    TWO_GROUPS = 2048


_R = Reason
_DECIDE = (
    (Verdict.SILENT, _R.WEIGHTS_VANISH | _R.RATES_VANISH),
    (Verdict.RUNAWAY, _R.WEIGHTS_GROW | _R.WEIGHTS_SATURATE | _R.RATES_GROW),
    (Verdict.OSCILLATING, _R.WEIGHTS_OSCILLATE | _R.RATES_OSCILLATE),
    (Verdict.DRIFTING, _R.WEIGHTS_DRIFT | _R.DISTRIBUTION_CHANGES | _R.RATES_DRIFT),
)
"""The first verdict for which there is a reason; stable when there is none."""


@dataclass(frozen=True, eq=False)
class Snapshots:
    """Weights of many points at many times.

    Parameters
    ----------
    values : ndarray (row, snapshot, synapse)
    pre, post : ndarray (row, synapse), or None
    shape : tuple of int
        Shape of the array of points.
    failed : ndarray of bool
    """

    values: FloatArray
    pre: npt.NDArray[Any] | None
    post: npt.NDArray[Any] | None
    shape: tuple[int, ...]
    failed: BoolArray


@dataclass(frozen=True)
class SnapshotReader:
    """Reads weights over snapshots, and the ends of the synapses where they are known."""

    snapshots = True

    def read(self, name: str, value: Any, options: Mapping[str, Any], where: str) -> Reading:
        """Check dims and times; hand on weights, ends and status."""
        value = _of_projection(value, options["projection"], where)
        held = value if isinstance(value, xr.Dataset) else None
        if held is not None and "weight" not in held:
            raise errors.DataError(where, f"{name!r} is a Dataset with {sorted(map(str, held))}", "a variable 'weight'")
        array = value if held is None else held["weight"]
        plain = not isinstance(array, xr.DataArray)
        array = _labelled(array, SYNAPSE, name, where) if plain else array
        for dim in (SNAPSHOT, SYNAPSE):
            if dim not in array.dims:
                mend = "Name the dim of times 'snapshot', and stack post and pre into 'synapse'."
                raise errors.DataError(where, f"{name!r} has dims {array.dims}", "(..., snapshot, synapse)", mend=mend)
        refuse_dtype(array.dtype, name, where)
        if array.sizes[SNAPSHOT] < _FEWEST:
            raise errors.DataError(where, f"{array.sizes[SNAPSHOT]} snapshots tell nothing", f"{_FEWEST} or more")
        source = array if held is None else held
        ends = [
            source[n].reset_coords(drop=True) for n in (PRE, POST) if n in getattr(source, "variables", source.coords)
        ]
        ends = ends if len(ends) == 2 and all(SYNAPSE in e.dims for e in ends) else []
        status = (
            [source[STATUS].reset_coords(drop=True)]
            if STATUS in source.coords or (held is not None and STATUS in held)
            else []
        )
        interval, unit = _interval(array, options["interval"], where)
        return Reading(
            (array, *ends, *status),
            ((SNAPSHOT, SYNAPSE), *[(SYNAPSE,)] * len(ends), *[()] * len(status)),
            functools.partial(_packed, ends=len(ends)),
            options={"interval": interval} | _bounds(array, options, where),
            plain=plain,
            known={"time_unit": unit, "unit": labels.units_of(array.attrs) or "1"},
        )


@dataclass(frozen=True)
class RateReader:
    """Reads rates over snapshots, or nothing."""

    optional = True

    def read(self, name: str, value: Any, options: Mapping[str, Any], where: str) -> Reading:
        """Check dims; rates in Hz."""
        if value is None:
            return Reading((), (), _nothing, plain=True)
        plain = not isinstance(value, xr.DataArray)
        array = _labelled(value, labels.NEURON, name, where) if plain else value
        for dim in (SNAPSHOT, labels.NEURON):
            if dim not in array.dims:
                raise errors.DataError(where, f"{name!r} has dims {array.dims}", "(..., snapshot, neuron)")
        refuse_dtype(array.dtype, name, where)
        factor = float(labels.convert(1.0, labels.units_of(array.attrs), "Hz", f"{where}: {name!r}"))
        pack = functools.partial(_rates, factor=factor)
        return Reading((array,), ((SNAPSHOT, labels.NEURON),), pack, plain=plain)


def _of_projection(value: Any, wanted: str | None, where: str) -> Any:
    """The synapses of one projection of a network that was run."""
    if wanted is None:
        return value
    members = getattr(value, "coords", {}).get(MEMBER)
    if members is None:
        mend = "Give what RunSim made of a network with weights_every."
        raise errors.DataError(
            f"{where}: projection", f"no {MEMBER!r} says of which projection a synapse is", mend=mend
        )
    known = list(dict.fromkeys(members.values.tolist()))
    if wanted not in known:
        raise errors.unknown(where, "projection", str(wanted), known)
    return value.isel({SYNAPSE: np.flatnonzero(members.values == wanted)})


def _labelled(value: Any, last: str, name: str, where: str) -> xr.DataArray:
    array = value if hasattr(value, "dask") else np.asarray(value)
    if array.ndim < 2:
        raise errors.DataError(where, f"{name!r} has {array.ndim} axes", f"(..., snapshot, {last})")
    names = ["train" if not i else f"axis_{i}" for i in reversed(range(array.ndim - 2))]
    return xr.DataArray(array, dims=(*names, SNAPSHOT, last))


def _interval(array: xr.DataArray, given: Any, where: str) -> tuple[float, str]:
    """The time between two snapshots, and its unit: as given, as the coordinate says, else 1 snapshot."""
    if given is not None:
        value = labels.number(given, "ms", f"{where}: interval")
        if not 0 < value < math.inf:
            raise errors.TimeError(f"{where}: interval", f"{value:g} ms between two snapshots", "above 0 ms")
        return value, "ms"
    coord = array.coords.get(SNAPSHOT)
    unit = None if coord is None else labels.units_of(coord.attrs)
    if coord is None or unit in (None, "1", ""):
        return 1.0, "1"
    times = np.asarray(coord.values, np.float64) * float(labels.convert(1.0, unit, "ms", f"{where}: snapshot"))
    steps = np.diff(times)
    if not (steps > 0).all() or np.ptp(steps) > 1e-6 * steps.mean():
        raise errors.TimeError(f"{where}: snapshot", "snapshots are not evenly spaced in time", "equal intervals")
    return float(steps.mean()), "ms"


def _bounds(array: xr.DataArray, options: Mapping[str, Any], where: str) -> dict[str, float]:
    """Bounds in the unit of the weights, those that are given."""
    unit = labels.units_of(array.attrs) or "1"
    given = {n: options[n] for n in ("low", "high") if options[n] is not None}
    return {n: labels.number(value, unit, f"{where}: {n}") for n, value in given.items()}


def _packed(values: npt.NDArray[Any], *more: npt.NDArray[Any], ends: int) -> Snapshots:
    shape = np.broadcast_shapes(
        values.shape[:-2], *(m.shape[:-1] for m in more[:ends]), *(m.shape for m in more[ends:])
    )
    many, size = math.prod(shape), values.shape[-2:]
    table = np.ascontiguousarray(np.broadcast_to(values, (*shape, *size)), np.float64).reshape(many, *size)
    own = [np.broadcast_to(m, (*shape, size[1])).reshape(many, size[1]) for m in more[:ends]]
    gaps: BoolArray = np.asarray(np.isnan(table).any(1))
    failed: BoolArray = np.asarray(np.isinf(table).any((1, 2))) | np.all(gaps, axis=1)
    for status in more[ends:]:
        failed = failed | (np.broadcast_to(status, shape).ravel() != Status.OK)
    pre, post = own if own else (None, None)
    return Snapshots(table, pre, post, shape, failed)


def _rates(values: npt.NDArray[Any], factor: float) -> FloatArray:
    return np.ascontiguousarray(values, np.float64) * factor


def _nothing() -> None:
    return None


_SCORES = (
    ("verdict", "1", "what the weights do"),
    ("reasons", "1", "what is to be seen, as bits"),
    ("ks", "1", "largest distance of the distributions of weights in windows"),
    ("ks_p", "1", "chance of such a distance if nothing changed"),
    ("wasserstein", "{unit}", "distance of the weights of the first and the last window"),
    ("drift", "{unit}/{time}", "mean slope of weights"),
    ("drift_p", "1", "chance of such a slope if there were none"),
    ("diffusion", "{unit}2/{time}", "half of the variance that weights gain in unit time, from snapshot to snapshot"),
    ("growth", "1/{time}", "slope of the log of the size of weights"),
    ("memory", "{time}", "time constant of the correlation of weights with themselves"),
    ("half_life", "{time}", "time until that correlation is one half"),
    ("period", "{time}", "period of an oscillation"),
    ("at_low", "1", "part of the weights that is at the lower bound"),
    ("at_high", "1", "part of the weights that is at the upper bound"),
    ("dip", "1", "distance of the last weights from a distribution with one mode"),
    ("radius", "1", "spectral radius of the matrix of the last weights"),
    ("abscissa", "1", "largest real part of its eigenvalues"),
    ("rate", "Hz", "mean rate in the last window"),
    ("rate_cv", "1", "coefficient of variation of the mean rates in windows"),
)


def _gives(options: Mapping[str, Any]) -> list[Output]:
    """The outputs, with units; options are checked."""
    where = "PlastStable"
    for name in ("alpha", "tolerance"):
        if not 0 < labels.number(options[name], "1", f"{where}: {name}") < 1:
            raise errors.ParameterError(f"{where}: {name}", f"{options[name]!r} cannot be", "between 0 and 1")
    if type(options["windows"]) is not int or not 2 <= options["windows"] <= 64:
        raise errors.ParameterError(f"{where}: windows", f"{options['windows']!r} cannot be", "2 to 64")
    bounds = [options[n] for n in ("low", "high") if options[n] is not None]
    bounds = [labels.number(b, str(options.get("unit", "1")), f"{where}: bounds") for b in bounds]
    if len(bounds) == 2 and not bounds[0] < bounds[1]:
        raise errors.ParameterError(f"{where}: low", "it is not below `high`", "low < high")
    time = str(options.get("time_unit", "1" if options["interval"] is None else "ms"))
    found = [Output(n, _unit(u, str(options.get("unit", "1")), time), text) for n, u, text in _SCORES]
    flags = labels.flag_attrs(Verdict, "float64")
    masks = {
        "flag_masks": np.array([int(r) for r in Reason]),
        "flag_meanings": " ".join(r.name.lower() for r in Reason),
    }
    attrs = {"verdict": flags, "reasons": masks}
    return [Output(o.name, o.units, o.long_name, attrs=attrs.get(o.name, {})) for o in found]


def _unit(pattern: str, unit: str, time: str) -> str:
    text = pattern.format(unit=unit, time=time)
    return "1" if text in ("1/1", "12/1") else text.replace("/1", "") if text.endswith("/1") and text != "1/1" else text


@measure(over={"weights": SnapshotReader(), "rates": RateReader()}, gives=_gives)
def PlastStable(
    weights: Snapshots,
    rates: FloatArray | None = None,
    low: float | None = None,
    high: float | None = None,
    interval: float | None = None,
    windows: int = 4,
    alpha: float = 0.001,
    tolerance: float = 0.1,
    projection: str | None = None,
) -> tuple[FloatArray, ...]:
    r"""Whether weights that learn are stable, drifting, running away, silent or oscillating: scores and reasons.

    Parameters
    ----------
    weights : array (..., snapshot, synapse), or Dataset with `weight`
        Weights at equal intervals; NaN where there is no synapse. With `pre(synapse)` and `post(synapse)` beside them
        the eigenvalues of their matrix are told. Lazy where it is lazy.
    rates : array (..., snapshot, neuron), Hz, optional
        What the neurons did at that time.
    low, high : number, optional
        Bounds of the weights, in their unit.
    interval : number or text, ms, optional
        Time between two snapshots; that of the coordinate `snapshot` where it has units, else 1 (times are then counted
        in snapshots). In a study of networks it says how often weights are looked at.
    windows : int
        Parts of the record that are compared.
    alpha : float
        How unlikely a change must be by chance before it counts.
    tolerance : float
        How large it must be, in parts of the spread of the weights.
    projection : str, optional
        Only the synapses of that projection, of what `RunSim` or a study made of a network.

    Returns
    -------
    Dataset
        `verdict(...)` with flags, and `reasons(...)`, bits; `ks`, `ks_p`, `wasserstein` (the windows against the last
        one); `drift`, `drift_p`, `diffusion`; `growth`; `memory`, `half_life`; `period` of an oscillation; `at_low`,
        `at_high`; `dip`; `radius` and `abscissa` (largest real part) of the matrix; `rate`, `rate_cv`. NaN where
        something cannot be told; all of a point that failed, or whose weights are not finite.

    Raises
    ------
    DataError
        For dims that do not fit, and fewer than 12 snapshots.
    TimeError
        For snapshots that are not evenly spaced.
    ParameterError
        For bounds or levels that cannot be.

    Notes
    -----
    Synapses are taken to be independent. Drift: one line for each synapse, and Student's t of their mean, so that it
    does not matter how long weights remember. Distributions: the distance of Kolmogorov and Smirnov of each window to
    the last, as if a window were one snapshot, and Student's t of the slopes of distances from the mean. Growth: the
    root mean square doubles from the first window to the last, and an exponential fits it better than a line (Zenke &
    Gerstner 2017 on what then is needed, doi:10.1098/rstb.2016.0259). Oscillation: the autocorrelation of the weights
    without their trends has a trough below -0.3 and then a peak above 0.3 within half of the record. Memory: the
    correlation across synapses of the weights with those of a time before. Drift and diffusion as in the equations of
    Fokker and Planck for synapses (Kempter, Gerstner & van Hemmen 1999, doi:10.1103/PhysRevE.59.4498; van Rossum, Bi &
    Turrigiano 2000, doi:10.1523/JNEUROSCI.20-23-08812.2000). Dip: Hartigan & Hartigan 1985, doi:10.1214/aos/1176346577.
    Verdicts in order: silent, runaway, oscillating, drifting, stable; that a matrix is unstable (abscissa above 1) and
    that there are two groups of weights (1 % of samples of a single one) is told, and decides nothing. Of stationary
    weights 0.1 to 0.5 % are called drifting.

    Examples
    --------
    >>> t = np.arange(60.0)[:, np.newaxis]
    >>> noise = np.random.default_rng(0).normal(size=(60, 50))
    >>> made = np.stack([5 + noise, 5 + noise + 0.1 * t, np.exp(0.05 * t) * (5 + noise), 0 * noise])
    >>> found = PlastStable(xr.DataArray(made, dims=("point", "snapshot", "synapse")))
    >>> [found.verdict.attrs["flag_meanings"].split()[int(v)] for v in found.verdict]
    ['stable', 'drifting', 'runaway', 'silent']
    """
    shape = np.broadcast_shapes(weights.shape, () if rates is None else rates.shape[:-2])
    rows = np.broadcast_to(np.arange(weights.failed.size).reshape(weights.shape), shape).ravel()
    many = math.prod(shape)
    held = (
        None if rates is None else np.broadcast_to(rates, (*shape, *rates.shape[-2:])).reshape(many, *rates.shape[-2:])
    )
    found = np.full((len(_SCORES), many), np.nan)
    how = _How(low, high, float(interval or 1.0), windows, alpha, tolerance)
    for point, row in enumerate(rows):
        own = None if held is None else held[point]
        if not weights.failed[row] and (own is None or np.isfinite(own).all()):
            found[:, point] = how.scores(weights, int(row), own)
    return tuple(found.reshape(len(_SCORES), *shape))


@dataclass(frozen=True)
class _How:
    """The options of a call."""

    low: float | None
    high: float | None
    interval: float
    windows: int
    alpha: float
    tolerance: float

    def scores(self, weights: Snapshots, row: int, rates: FloatArray | None) -> list[float]:
        """All scores of a point."""
        w = weights.values[row]
        there = ~np.isnan(w).any(0)
        w = np.ascontiguousarray(w[:, there])
        radius, abscissa = math.nan, math.nan
        if weights.pre is not None and weights.post is not None:
            radius, abscissa = leading(w[-1], weights.pre[row][there], weights.post[row][there])
        last = w[-(len(w) // self.windows) :]
        ks, ks_p, wasserstein = contrast(w, self.windows)
        drift, drift_p, far = drifted(w, self.tolerance)
        slope, grows = growth(w, self.windows)
        period, swings = oscillation(w, self.alpha, self.tolerance)
        tau, half = memory(w)
        at_low, at_high = (self._at(last, bound) for bound in (self.low, self.high))
        modes = dip(w[-1])
        _, wider_p, wider = drifted(np.abs(w - w.mean(1, keepdims=True)), self.tolerance)
        changes = (ks_p < self.alpha and ks > self.tolerance) or (wider_p < self.alpha and wider)
        drifts = drift_p < self.alpha and far
        reasons = {
            Reason.WEIGHTS_VANISH: bool(np.abs(last).max() <= 1e-9 * np.abs(w).max()),
            Reason.WEIGHTS_GROW: grows and (changes or drifts),
            Reason.WEIGHTS_SATURATE: at_high > 0.9,
            Reason.WEIGHTS_OSCILLATE: swings,
            Reason.WEIGHTS_DRIFT: drifts,
            Reason.DISTRIBUTION_CHANGES: changes,
            Reason.MATRIX_UNSTABLE: abscissa > 1.0,
            Reason.TWO_GROUPS: w.shape[1] > 3 and bimodal(modes, w.shape[1]),
        }
        rate, rate_cv, more = self._of_rates(rates)
        reasons |= more
        bits = sum(int(reason) for reason, holds in reasons.items() if holds)
        verdict = next((v for v, mask in _DECIDE if bits & mask), Verdict.STABLE)
        if swings or not more.get(Reason.RATES_OSCILLATE):
            period = period if swings else math.nan
        dt = self.interval
        return [
            float(verdict), float(bits), ks, ks_p, wasserstein, drift / dt, drift_p,
            float(np.diff(w, axis=0).var() / 2 / dt), slope / dt, tau * dt, half * dt, period * dt,
            at_low, at_high, modes, radius, abscissa, rate, rate_cv,
        ]  # fmt: skip

    def _at(self, last: FloatArray, bound: float | None) -> float:
        """The part of weights at a bound."""
        if bound is None:
            return math.nan
        room = abs(bound) if self.low is None or self.high is None else self.high - self.low
        return float((np.abs(last - bound) <= 1e-6 * room).mean())

    def _of_rates(self, rates: FloatArray | None) -> tuple[float, float, dict[Reason, bool]]:
        """The rate in the end, its variation, and what is to be seen of rates."""
        if rates is None:
            return math.nan, math.nan, {}
        means = flattened(rates, self.windows)
        last = float(means[-1])
        _, p, far = drifted(rates, self.tolerance)
        _, grows = growth(rates, self.windows)
        ks, ks_p, _ = contrast(rates, self.windows)
        return last, spread_between(means), {
            Reason.RATES_VANISH: last == 0.0,
            Reason.RATES_GROW: grows and (p < self.alpha or (ks_p < self.alpha and ks > self.tolerance)),
            Reason.RATES_OSCILLATE: oscillation(rates, self.alpha, self.tolerance)[1],
            Reason.RATES_DRIFT: p < self.alpha and far,
        }  # fmt: skip
