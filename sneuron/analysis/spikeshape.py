"""Where the parts of each spike of a voltage trace are: onset, peak, end, and the minimum behind it.

All traces lie in one flat array, so that a place is one number; -1 stands for a part that a spike does not have.
Definitions are those of eFEL (LGPL; its documentation and numbers, not its code): see `sneuron.analysis.efeatures`.
"""

from __future__ import annotations

import functools
from dataclasses import dataclass

import numpy as np

from sneuron.analysis.measure import FloatArray
from sneuron.analysis.segments import divided, reduced, total
from sneuron.analysis.spikes import BoolArray, IntArray

__all__ = ["Response", "Settings"]

NONE = -1


@dataclass(frozen=True)
class Settings:
    """What decides where a spike begins and ends; names and values of eFEL in brackets.

    Parameters
    ----------
    threshold : float, mV
        A spike goes up through it and down again ("Threshold", -20).
    upstroke, downstroke : float, mV/ms
        Slope at the onset ("DerivativeThreshold", 10) and at the end ("DownDerivativeThreshold", -12).
    window : int
        Samples in a row that must be as steep at the onset ("DerivativeWindow", 3).
    """

    threshold: float = -20.0
    upstroke: float = 10.0
    downstroke: float = -12.0
    window: int = 3


@dataclass(frozen=True, eq=False)
class Response:
    """Voltage traces on an even grid with a stimulus, and the spikes in them.

    Parameters
    ----------
    v : ndarray, one row a trace, mV
    t : ndarray, ms
    start, stop : float, ms
        When the stimulus begins and ends.
    settings : Settings
    current : ndarray, one a trace, nA
    """

    v: FloatArray
    t: FloatArray
    start: float
    stop: float
    settings: Settings
    current: FloatArray

    def index(self, time: float, after: bool = False) -> int:
        """The first sample at or (strictly) after a time."""
        return int(np.searchsorted(self.t, time, "right" if after else "left"))

    def mean(self, first: int, last: int) -> FloatArray:
        """Mean voltage of samples first <= i < last; NaN for none."""
        if last <= first or first < 0 or last > self.t.size:
            return np.full(self.v.shape[0], np.nan)
        return np.asarray(self.v[:, first:last].mean(-1))

    @functools.cached_property
    def flat(self) -> FloatArray:
        """All traces in one."""
        return self.v.reshape(-1)

    @functools.cached_property
    def slope(self) -> FloatArray:
        """dV/dt by central differences (mV/ms), all traces in one."""
        return np.asarray(np.gradient(self.v, axis=-1) / (self.t[1] - self.t[0])).reshape(-1)

    @functools.cached_property
    def _runs(self) -> tuple[IntArray, IntArray]:
        """First sample above the threshold, and first sample below it again, of each spike."""
        above = self.v > self.settings.threshold
        change = np.diff(above.astype(np.int8), axis=-1)
        row, sample = np.nonzero(change)
        place, rises = row * self.t.size + sample + 1, change[row, sample] > 0
        whole = np.zeros(place.size, bool)  # a rise that the same trace's fall follows
        whole[:-1] = rises[:-1] & ~rises[1:] & (row[:-1] == row[1:])
        return place[whole], place[np.nonzero(whole)[0] + 1]

    @functools.cached_property
    def peak(self) -> IntArray:
        """Where each spike is highest."""
        up, down = self._runs
        return lowest(-self.flat, up, down)

    @property
    def row(self) -> IntArray:
        """The trace of each spike."""
        return self.peak // self.t.size

    @functools.cached_property
    def first(self) -> IntArray:
        """Where the spikes of each trace begin among all."""
        return np.concatenate(([0], np.cumsum(np.bincount(self.row, minlength=self.v.shape[0])))).astype(np.int64)

    @property
    def count(self) -> IntArray:
        """Spikes of each trace."""
        return np.diff(self.first)

    @property
    def times(self) -> FloatArray:
        """When each spike is highest, in ms."""
        return self.time(self.peak)

    def time(self, place: IntArray) -> FloatArray:
        """Times of places; NaN for none."""
        return np.where(place == NONE, np.nan, self.t[place % self.t.size])

    def at(self, place: IntArray) -> FloatArray:
        """Voltages of places; NaN for none."""
        return np.where(place == NONE, np.nan, self.flat[place])

    @property
    def stimulated(self) -> BoolArray:
        """Spikes whose peak is within the stimulus, both ends included."""
        return (self.times >= self.start) & (self.times <= self.stop)

    @property
    def late(self) -> BoolArray:
        """Spikes that peak after the stimulus began."""
        return self.peak % self.t.size > self.index(self.start)

    @property
    def ahead(self) -> IntArray:
        """Where the trace begins, for the first spike; for others the minimum behind the spike before."""
        before = np.concatenate(([NONE], self.trough[:-1])).astype(np.int64)[: self.peak.size]
        return np.where(self.number == 0, self.row * self.t.size, before)

    @property
    def number(self) -> IntArray:
        """The number of each spike in its trace, from 0."""
        return np.arange(self.peak.size) - self.first[:-1][self.row]

    @functools.cached_property
    def next(self) -> IntArray:
        """The next peak of the same trace, or where the trace ends."""
        after = np.concatenate((self.peak[1:], [0])).astype(np.int64)[: self.peak.size]
        last = self.number == self.count[self.row] - 1
        return np.where(last, (self.row + 1) * self.t.size, after)

    @functools.cached_property
    def trough(self) -> IntArray:
        """The first minimum behind each peak that two samples confirm; none at the very end of a trace."""
        v = self.flat
        bottom = np.zeros(v.size, bool)
        bottom[:-2] = (v[1:-1] >= v[:-2]) & (v[2:] >= v[:-2])
        place = following(bottom, self.peak)
        found = place + 2 < self.next
        if not found.all():
            place = np.where(found, place, lowest(v, self.peak, self.next))
        return np.where(place == (self.row + 1) * self.t.size - 1, NONE, place)

    @functools.cached_property
    def onset(self) -> IntArray:
        """Where each spike of the stimulus begins: the last place before its peak from which on it is steep."""
        width, steep, size = self.settings.window, self.slope >= self.settings.upstroke, self.t.size
        begins = self.slope <= self.settings.upstroke
        for k in range(1, width + 1):
            begins[:-k] &= steep[k:]
            begins[-k:] = False
        floor = np.maximum(self.ahead, self.row * size + max(0, self.index(self.start) - 2))
        place = preceding(begins, self.peak - 1)
        return np.where((place >= floor) & self.late, place + 1, NONE)

    @functools.cached_property
    def end(self) -> IntArray:
        """Where each spike of the stimulus ends: its fall, once steepest, is no longer steep."""
        size = self.t.size
        close = np.minimum(self.next, (self.row + 1) * size - 1)
        some = self.peak + 1 < close
        place = np.full(self.peak.size, NONE)
        steepest = lowest(self.slope, self.peak[some] + 1, close[some])
        found = following(self.slope >= self.settings.downstroke, steepest)
        place[some] = np.where(found < close[some], found, NONE)
        return np.where(self.late, place, NONE)

    def crossing(self, first: IntArray, last: IntArray, level: FloatArray, up: bool) -> FloatArray:
        """When the voltage first reaches a level in each stretch, between samples; NaN where it does not."""
        at, segment, edges = spread(first, last)
        reached = (self.flat[at] >= level[segment]) if up else (self.flat[at] <= level[segment])
        place = earliest(reached, at, edges)
        found = place % self.t.size > 0
        found &= place != NONE
        k = np.where(found, place, 1)
        rise = self.flat[k] - self.flat[k - 1]
        back = np.where(rise != 0, (level - self.flat[k]) / np.where(rise != 0, rise, 1.0), 0.0)
        return np.where(found, self.time(k) + back * (self.t[1] - self.t[0]), np.nan)

    # -- from spikes to traces -----------------------------------------------------------------------

    def average(self, values: FloatArray) -> FloatArray:
        """Mean over the spikes of each trace that have a value; NaN where none has."""
        known = ~np.isnan(values)
        return divided(total(np.where(known, values, 0.0), self.first), total(known.astype(np.float64), self.first))

    def pick(self, values: FloatArray, which: int) -> FloatArray:
        """The value of spike `which` of each trace, of those that have one; from the end when below 0."""
        known = np.nonzero(~np.isnan(values))[0]
        first = np.concatenate(([0], np.cumsum(np.bincount(self.row[known], minlength=self.v.shape[0]))))
        place = first[:-1] + which if which >= 0 else first[1:] + which
        held = (place >= first[:-1]) & (place < first[1:])
        out = np.full(held.size, np.nan)
        out[held] = values[known[place[held]]]
        return out


def spread(first: IntArray, last: IntArray) -> tuple[IntArray, IntArray, IntArray]:
    """All places of the stretches first <= i < last, the stretch of each, and where each begins among them.

    >>> spread(np.array([2, 7]), np.array([4, 10]))
    (array([2, 3, 7, 8, 9]), array([0, 0, 1, 1, 1]), array([0, 2, 5]))
    """
    many = np.maximum(last - first, 0)
    edges = np.concatenate(([0], np.cumsum(many))).astype(np.int64)
    segment = np.repeat(np.arange(many.size), many)
    return np.arange(edges[-1]) - edges[:-1][segment] + first[segment], segment, edges


def lowest(values: FloatArray, first: IntArray, last: IntArray) -> IntArray:
    """The place of the least value of each stretch, the first one of equals.

    >>> lowest(np.array([3.0, 1.0, 1.0, 5.0, 4.0]), np.array([0, 3]), np.array([3, 5]))
    array([1, 4])
    """
    at, segment, edges = spread(first, last)
    return earliest(values[at] == reduced(np.minimum, values[at], edges)[segment], at, edges)


def earliest(mask: BoolArray, at: IntArray, edges: IntArray) -> IntArray:
    """The first of the places `at` of each stretch where `mask` is true; -1 when there is none."""
    place = reduced(np.minimum, np.where(mask, at, np.inf), edges, np.inf)
    return np.where(np.isfinite(place), place, NONE).astype(np.int64)


def following(mask: BoolArray, at: IntArray) -> IntArray:
    """The first True place at or after each of `at`; the size of the array when there is none."""
    places = np.concatenate((np.nonzero(mask)[0], [mask.size]))
    return np.asarray(places[np.searchsorted(places[:-1], at)])


def preceding(mask: BoolArray, at: IntArray) -> IntArray:
    """The last True place at or before each of `at`; -1 when there is none."""
    places = np.concatenate(([NONE], np.nonzero(mask)[0]))
    return np.asarray(places[np.searchsorted(places[1:], at, "right")])
