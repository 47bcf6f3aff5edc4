"""How a neuron fires: silent, tonic, in bursts, irregularly; by the cycles in its spikes."""

from __future__ import annotations

import functools
from collections.abc import Callable, Collection, Mapping
from dataclasses import dataclass, replace
from enum import IntEnum
from typing import Any

import numpy as np
import numpy.typing as npt
import xarray as xr

from sneuron import errors, labels
from sneuron.analysis.measure import FloatArray, Output, Reading, measure
from sneuron.analysis.segments import divided, intervals, reduced, total
from sneuron.analysis.spikes import BoolArray, IntArray, SpikeTrains, Trains

__all__ = ["FireClass", "Firing", "Pattern"]


class Pattern(IntEnum):
    """How a neuron fires; the order is the code of the flag."""

    SILENT = 0
    BLOCKED = 1
    UNSETTLED = 2
    TONIC = 3
    PLATEAU = 4
    BURSTING = 5
    IRREGULAR = 6


_PAUSE, _FEWEST_CYCLES, _ONE, _READY = 0.5, 2, 1.5, 0.5
"""A pause against the longest interval; cycles that make a pattern; spikes a cycle that count as one; a block."""

_READY_MEAN = f"{labels.ARMED}_mean"

_SCALARS = (
    ("spikes_per_burst", "1", "spikes per burst"),
    ("period", "ms", "period of bursts"),
    ("duty", "1", "part of the period from the first to the last spike"),
    ("cv", "1", "coefficient of variation of periods"),
)
_WIDTH = ("width", "ms", "how long a spike lasts")


@dataclass(frozen=True, eq=False)
class Fired(Trains):
    """Spike trains, and the part of the time in which each was ready for a spike, where it is known."""

    ready: FloatArray | None = None


@dataclass(frozen=True)
class Firing(SpikeTrains):
    """Reads spike trains and, where the option `plateau` asks for it, how much of a run its spikes took up."""

    def read(self, name: str, value: Any, options: Mapping[str, Any], where: str) -> Reading:
        """As `SpikeTrains` does; `armed_mean` is of the whole run, and so must be the window."""
        _check(options)
        reading = super().read(name, value, options, where)
        if options["plateau"] is None:
            return replace(reading, pack=functools.partial(_fired, reading.pack))
        if not isinstance(value, xr.Dataset) or not {_READY_MEAN, labels.SPIKE_TIME} <= set(value):
            what = f"to tell plateaus, {name!r} must hold {_READY_MEAN!r} and {labels.SPIKE_TIME!r}"
            mend = f"Run it with RunSim(..., features=[{_READY_MEAN!r}]), or leave plateau out."
            raise errors.DataError(where, what, mend=mend)
        whole = [value[labels.SPIKE_TIME].attrs.get(n, value.attrs.get(n)) for n in ("t_start", "t_stop")]
        if [reading.options["t_start"], reading.options["t_stop"]] != whole:
            what = f"{_READY_MEAN!r} is of the whole run, from {whole[0]} to {whole[1]} ms"
            raise errors.DataError(where, what, mend="Leave out t_start and t_stop, or plateau.")
        batch = value[labels.SPIKE_TIME].isel({labels.SPIKE: slice(0)}).sum(labels.SPIKE)
        ready = value[_READY_MEAN].broadcast_like(batch).transpose(*batch.dims)
        pack = functools.partial(_fired_with, reading.pack)
        return replace(reading, arrays=(*reading.arrays, ready), core=(*reading.core, ()), pack=pack)


def _fired(pack: Callable[..., Trains], *arrays: npt.NDArray[Any]) -> Fired:
    return Fired(**vars(pack(*arrays)))


def _fired_with(pack: Callable[..., Trains], *arrays: npt.NDArray[Any]) -> Fired:
    return Fired(**vars(pack(*arrays[:-1])), ready=np.asarray(arrays[-1], np.float64).ravel())


def _check(options: Mapping[str, Any]) -> tuple[float, float | None]:
    """Tolerance and plateau as numbers."""
    spread, plateau = options["tolerance"], options["plateau"]
    tolerance = labels.number(spread, "1", "FireClass: tolerance")
    if not 0 < tolerance < 1:
        raise errors.ParameterError("FireClass: tolerance", f"{spread!r} cannot be", "numbers between 0 and 1")
    longest = None if plateau is None else labels.number(plateau, "ms", "FireClass: plateau")
    if longest is not None and not 0 < longest < np.inf:
        raise errors.ParameterError("FireClass: plateau", f"{plateau!r} cannot be", "times above 0 ms")
    return tolerance, longest


def _gives(options: Mapping[str, Any]) -> list[Output]:
    _, plateau = _check(options)
    flags = labels.flag_attrs(Pattern, "float64")
    scalars = _SCALARS if plateau is None else (*_SCALARS, _WIDTH)
    return [Output("pattern", "1", "how it fires", attrs=flags), *(Output(*scalar) for scalar in scalars)]


def _needs(attrs: Mapping[str, Any], offers: Collection[str], options: Mapping[str, Any]) -> list[str]:
    """How much of the time spikes take up, where plateaus are told."""
    if _check(options)[1] is None:
        return []
    if labels.ARMED not in offers:
        what = "the spikes of this model are resets, which take no time"
        raise errors.DataError("FireClass: plateau", what, mend="Leave plateau out.")
    return [_READY_MEAN]


@measure(over={"spikes": Firing(window=True)}, gives=_gives, needs=_needs)
def FireClass(
    spikes: Fired,
    tolerance: float = 0.1,
    plateau: float | str | None = None,
    t_start: float | None = None,
    t_stop: float | None = None,
    sort: bool = False,
) -> tuple[FloatArray, ...]:
    r"""How each neuron fires: silent, tonic, bursting or irregular; and the spikes, period and duty cycle of bursts.

    Parameters
    ----------
    spikes : DataArray (..., spike) in ms, NaN-padded; event Dataset; boolean raster (..., time); array or lists
        Spike trains. A run's Dataset may be given: its failed points come out as NaN.
    tolerance : float, default 0.1
        Periods that vary by less (their standard deviation over their mean) are regular.
    plateau : float (ms) or text with unit, optional
        Tells neurons whose single spikes last longer than this from tonic ones, and neurons that rest above their
        threshold from silent ones. It needs the run's feature `armed_mean`, which a study computes on the way.
    t_start, t_stop : float, ms, optional
        Window, both ends included; what the data state when omitted, and 0 for the start. Leave transients out.
    sort : bool, default False
        Sort times first, where they are out of order.

    Returns
    -------
    Dataset
        `pattern` over the dims of the trains, a flag with its names in the attributes `flag_values` and
        `flag_meanings`; `spikes_per_burst`, `period` (ms), `duty` and `cv` (of periods), NaN with fewer than two
        cycles; with `plateau` also `width` (ms), NaN without spikes. A point that failed is NaN.

    Raises
    ------
    DataError
        Times that do not ascend or lie outside the recording; `plateau` without `armed_mean`, or in a window.
    TimeError
        The window is not known.
    ParameterError
        Options that cannot be.

    Notes
    -----
    An interval is a *pause* when it is longer than half of the longest. A *cycle* begins at the first spike after a
    pause and ends at the first spike after the next one, so that a burst that the window cuts does not count. From
    these follow, in this order:

    * silent (0): no spike; blocked (1): no spike, and less than half of the time ready for one (with `plateau`);
    * unsettled (2): spikes, but fewer than two cycles, or no spike for more than twice the longest interval at the
      start or at the end of the window: what it does cannot be told;
    * periods with a coefficient of variation up to `tolerance`, and on the average fewer than 1.5 spikes a cycle:
      tonic (3), or plateau (4) when a spike lasts longer than `plateau`: a burst of one spike; otherwise bursting (5);
    * irregular (6): all others.

    A spike lasts from its threshold until v is below the level where the next one may count; `width` is their mean.
    All is free of scale but `plateau`: times twice as long have the same pattern. What lies on a border: two
    intervals that take turns are tonic while they differ by less than a fifth, and bursts of two when the short
    one is at most half of the long one; in between they are irregular.

    References
    ----------
    Prinz, Billimoria & Marder 2003, doi:10.1152/jn.00641.2003: silent, spiking, bursting and irregular neurons, told by
    the intervals between maxima of the voltage, and bursts that have one maximum; the definitions here are our own.

    Examples
    --------
    >>> tonic, bursts = [20.0, 40.0, 60.0, 80.0, 100.0], [5.0, 8.0, 35.0, 38.0, 65.0, 68.0, 95.0, 98.0]
    >>> fires = FireClass([tonic, bursts, []], t_stop=110.0)
    >>> names = fires.pattern.attrs["flag_meanings"].split()
    >>> [names[int(value)] for value in fires.pattern]
    ['tonic', 'bursting', 'silent']
    >>> fires.period.values, fires.spikes_per_burst.values
    (array([20., 30., nan]), array([ 1.,  2., nan]))
    """
    tolerance, longest_spike = _check({"tolerance": tolerance, "plateau": plateau})
    isi, first = intervals(spikes)
    longest = reduced(np.maximum, isi, first)
    count, sizes, period, duty, cv = _cycles(spikes, isi, first, longest)
    width = np.full(longest.shape, np.nan)
    blocked = plateaus = np.zeros(longest.shape, bool)
    if spikes.ready is not None and longest_spike is not None:
        start, stop = spikes.window
        width = divided((1.0 - spikes.ready) * (stop - start), spikes.count)
        blocked, plateaus = spikes.ready < _READY, width > longest_spike
    known, regular = count >= _FEWEST_CYCLES, cv <= tolerance
    pattern = np.select(
        [
            (spikes.count == 0) & blocked, spikes.count == 0, ~known | _ends(spikes, longest), ~regular,
            sizes >= _ONE, plateaus,
        ],
        [Pattern.BLOCKED, Pattern.SILENT, Pattern.UNSETTLED, Pattern.IRREGULAR, Pattern.BURSTING, Pattern.PLATEAU],
        Pattern.TONIC,
    ).astype(np.float64)  # fmt: skip
    results = [pattern, *(np.where(known, values, np.nan) for values in (sizes, period, duty, cv))]
    return tuple(results if longest_spike is None else [*results, width])


def _cycles(
    spikes: Trains, isi: FloatArray, first: IntArray, longest: FloatArray
) -> tuple[IntArray, FloatArray, FloatArray, FloatArray, FloatArray]:
    """Number of whole cycles of each train; their mean spikes, period and duty cycle, and the CV of their periods."""
    n = np.diff(first)
    row = np.repeat(np.arange(n.size), n)
    pause = isi > _PAUSE * longest[row]
    after = np.arange(isi.size) + (spikes.first[:-1] - first[:-1])[row] + 1
    begins, pauses = after[pause], np.bincount(row[pause], minlength=n.size)
    edge = np.concatenate(([0], np.cumsum(pauses)))
    inner = np.arange(begins.size) != np.repeat(edge[1:] - 1, pauses)  # the last one begins a cycle that is not whole
    begin, end = begins[inner], begins[np.nonzero(inner)[0] + 1]
    count = np.maximum(pauses - 1, 0)
    cycle = np.concatenate(([0], np.cumsum(count)))
    periods = spikes.times[end] - spikes.times[begin]
    mean = divided(total(periods, cycle), count)
    apart = periods - np.repeat(mean, count)
    cv = divided(np.sqrt(divided(total(apart**2, cycle), count)), mean)
    sizes = divided(total((end - begin).astype(np.float64), cycle), count)
    duty = divided(total(spikes.times[end - 1] - spikes.times[begin], cycle), total(periods, cycle))
    return count, sizes, mean, duty, cv


def _ends(spikes: Trains, longest: FloatArray) -> BoolArray:
    """Trains that begin late or stop: with no spike for more than twice the longest interval at an end."""
    start, stop = spikes.window
    held = spikes.count > 0
    late = np.zeros(held.size, bool)
    lead, tail = spikes.times[spikes.first[:-1][held]] - start, stop - spikes.times[spikes.first[1:][held] - 1]
    late[held] = np.maximum(lead, tail) > 2 * longest[held]
    return late
