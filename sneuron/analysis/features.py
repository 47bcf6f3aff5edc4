"""Features of voltage traces, by the names and the definitions of the Electrophys Feature Extraction Library."""

from __future__ import annotations

import itertools
from collections.abc import Callable, Iterator
from typing import NamedTuple

import numpy as np

from sneuron.analysis.decays import time_constant
from sneuron.analysis.measure import FloatArray
from sneuron.analysis.segments import divided, intervals, reduced, total
from sneuron.analysis.spikes import IntArray, Trains
from sneuron.analysis.spikeshape import NONE, Response, earliest, spread

__all__ = ["FEATURES", "Feature"]


class Feature(NamedTuple):
    """One feature: its value for each trace, its unit and what it is."""

    of: Callable[[Response], FloatArray]
    units: str
    long_name: str


# -- subthreshold --------------------------------------------------------------------------------------


def _base(r: Response) -> FloatArray:
    begin = r.t[0] + 0.9 * (r.start - r.t[0])
    return r.mean(r.index(begin), r.index(r.start + 1e-10)) if r.start > r.t[0] else r.mean(0, 0)


def _steady(r: Response) -> FloatArray:
    return r.mean(r.index(r.stop - 0.1 * (r.stop - r.start)), r.index(r.stop))


def _deflection(r: Response) -> FloatArray:
    end = r.index(r.stop, after=True)
    return r.mean(end - 10, end - 5) - r.mean(0, r.index(r.start)) if end < r.t.size else r.mean(0, 0)


def _deflected(r: Response) -> FloatArray:
    return _steady(r) - _base(r)


def _extreme(r: Response, ufunc: np.ufunc) -> FloatArray:
    first, last = r.index(r.start), min(r.index(r.stop), r.t.size - 1)
    return np.asarray(ufunc.reduce(r.v[:, first:last], axis=-1)) if first < last else r.mean(0, 0)


def _sag(r: Response) -> FloatArray:
    return np.where(_deflected(r) <= 0, _steady(r) - _extreme(r, np.minimum), np.nan)


def _after(r: Response) -> FloatArray:
    rest = r.t[-1] - r.stop
    return r.mean(r.index(r.stop + 0.25 * rest), min(r.index(r.stop + 0.75 * rest, after=True) + 1, r.t.size))


def _decay(r: Response) -> FloatArray:
    """Time constant of the voltage's way back, from 1 ms to 10 ms after the stimulus, by a line through logarithms."""
    reference, first, last = r.index(r.start), r.index(r.stop + 1.0), r.index(r.stop + 10.0)
    if last - first < 2 or reference >= r.t.size:
        return r.mean(0, 0)
    apart = np.abs(r.v[:, first:last] - r.v[:, [reference]])
    known = np.asarray((apart > 0).all(-1))
    height = np.log(np.where(known[:, None], apart, 1.0))
    time = r.t[first:last] - r.t[first:last].mean()
    slope = (height * time).sum(-1) / (time**2).sum()
    return np.where(known, divided(1.0, np.abs(slope)), np.nan)


def _resistance(deflection: Callable[[Response], FloatArray], r: Response) -> FloatArray:
    return _ratio(deflection(r), r.current)


def _ratio(above: FloatArray | float, below: FloatArray) -> FloatArray:
    """`above / below`, NaN where `below` is 0."""
    known = below != 0
    return np.where(known, above / np.where(known, below, 1.0), np.nan)


# -- spike times ---------------------------------------------------------------------------------------


def _trains(r: Response) -> Trains:
    return Trains(r.times, r.first, r.count.shape, np.zeros(r.count.size, bool))


def _behind(values: FloatArray, first: IntArray, skip: IntArray | int) -> tuple[FloatArray, IntArray]:
    """The values of each trace without the first `skip` of them."""
    many = np.diff(first)
    number = np.arange(values.size) - np.repeat(first[:-1], many)
    kept = number >= np.repeat(np.broadcast_to(skip, many.shape), many)
    return values[kept], np.concatenate(([0], np.cumsum(kept)))[first]


def _later(r: Response) -> tuple[FloatArray, IntArray]:
    """Intervals of each trace but the first one."""
    return _behind(*intervals(_trains(r)), 1)


def _enough(values: FloatArray, many: IntArray, least: int) -> FloatArray:
    return np.where(many >= least, values, np.nan)


def _mean(values: FloatArray, first: IntArray) -> FloatArray:
    return divided(total(values, first), np.diff(first))


def _isi(r: Response, which: int) -> FloatArray:
    isi, first = intervals(_trains(r))
    place = first[:-1] + which if which >= 0 else first[1:] + which
    held = (place >= first[:-1]) & (place < first[1:])
    out = np.full(held.size, np.nan)
    out[held] = isi[place[held]]
    return out


def _isi_cv(r: Response) -> FloatArray:
    isi, first = _later(r)
    many = np.diff(first)
    mean = _mean(isi, first)
    spread_ = total((isi - np.repeat(mean, many)) ** 2, first)
    return divided(np.sqrt(divided(spread_, many - 1)), mean)


def _slope(r: Response, of: Callable[[FloatArray], FloatArray]) -> FloatArray:
    """Slope of the logarithms of intervals over their number, or over `of` it."""
    isi, first = _later(r)
    many = np.diff(first)
    x = of(np.arange(1.0, isi.size + 1) - np.repeat(first[:-1], many))
    x = x - np.repeat(_mean(x, first), many)
    return _enough(divided(total(x * np.log(isi), first), total(x**2, first)), many, 2)


def _irregularity(r: Response) -> FloatArray:
    isi, first = _later(r)
    step, edges = _differences(isi, first)
    return _mean(np.abs(step), edges)


def _differences(values: FloatArray, first: IntArray) -> tuple[FloatArray, IntArray]:
    """Each value less the one before it, of the same trace."""
    trains = Trains(values, first, (first.size - 1,), np.zeros(first.size - 1, bool))
    return intervals(trains)


def _burst_ratio(r: Response) -> FloatArray:
    isi, first = _later(r)
    return _enough(divided(_isi(r, 1), _mean(isi, first)), np.diff(first), 2)


def _adaptation(r: Response, skip: Callable[[IntArray], IntArray]) -> FloatArray:
    """Mean of the relative change from one interval to the next, of the spikes within the stimulus."""
    trains = _trains(r).keep(r.stimulated)
    many = skip(trains.count)
    isi, first = _behind(*intervals(trains), many)
    step, edges = _differences(isi, first)
    last = np.ones(isi.size, bool)
    last[first[:-1][np.diff(first) > 0]] = False
    sums = 2 * isi[last] - step
    return _mean(step / sums, edges)


def _adaptation_1(r: Response) -> FloatArray:
    def skip(count: IntArray) -> IntArray:
        return np.minimum((count * 0.1 + 0.5).astype(np.int64), 2)

    count = _trains(r).keep(r.stimulated).count
    return _enough(_adaptation(r, skip), count - skip(count), 4)


def _adaptation_2(r: Response) -> FloatArray:
    count = _trains(r).keep(r.stimulated).count
    return _enough(_adaptation(r, np.ones_like), count, 4)


def _frequency(r: Response) -> FloatArray:
    within = np.where(r.stimulated, r.times, np.nan)
    many = _trains(r).keep(r.stimulated).count
    rate = divided(1000.0 * many, r.pick(within, -1) - r.start)
    return np.where((many == 0) & (r.count > 0), 0.0, rate)


def _in_stimulus(r: Response, until: float = 1.0) -> FloatArray:
    stop = r.start + until * (r.stop - r.start)
    within = r.stimulated & ((r.times < stop) | (until == 1.0))
    return total(within.astype(np.float64), r.first)


def _bursts(r: Response) -> FloatArray:
    isi, first = _later(r)
    return np.array([_bursts_of(isi[a:b]) for a, b in itertools.pairwise(first)], np.float64)


def _bursts_of(isi: FloatArray) -> int:
    """Bursts: they end at an interval of more than 1.5 medians of those before, with a much shorter one behind it."""
    breaks, begin = [], 0
    for i in range(1, isi.size - 1):
        before = isi[begin:i]
        if before.size and isi[i] > 1.5 * np.median(before) and isi[i + 1] < isi[i] / 1.5:
            breaks.append(i + 1)
            begin = i
    if isi.size < 4 or not breaks:
        return 0
    return 1 + sum(b - a != 1 for a, b in itertools.pairwise([*breaks, isi.size + 1]))


# -- spike shape ---------------------------------------------------------------------------------------


def _amplitude(r: Response) -> FloatArray:
    return np.where(r.stimulated, r.at(r.peak) - r.at(r.onset), np.nan)


def _width(r: Response) -> FloatArray:
    """How long each spike is above the threshold; of spikes with a minimum behind them."""
    up, down = r._runs
    return np.where(r.trough == NONE, np.nan, r.time(down) - r.time(up))


def _half_width(r: Response) -> FloatArray:
    """Width half-way between peak and minimum, between samples."""
    half = (r.at(r.peak) + r.at(r.trough)) / 2
    first = np.where(r.number == 0, r.row * r.t.size + r.index(r.start), r.ahead)
    first = np.where(first >= r.peak, r.row * r.t.size, first)  # the spike came before the stimulus
    rise = r.crossing(first, r.peak, half, up=True)
    fall = r.crossing(r.peak, np.where(r.trough == NONE, r.peak, r.trough), half, up=False)
    return fall - rise


def _nearest(r: Response, first: IntArray, last: IntArray, level: FloatArray) -> IntArray:
    """Where the voltage is nearest to a level, in each stretch; none where there is no stretch."""
    known = (first != NONE) & (last != NONE) & (first < last)
    at, segment, edges = spread(np.where(known, first, 0), np.where(known, last, 0))
    apart = np.abs(r.flat[at] - level[segment])
    return earliest(apart == reduced(np.minimum, apart, edges)[segment], at, edges)


def _half_duration(r: Response) -> FloatArray:
    """Time between the samples nearest to half-way between onset and peak."""
    half = (r.at(r.peak) + r.at(r.onset)) / 2
    rise = _nearest(r, r.onset, r.peak, half)
    fall = _nearest(r, np.where(r.onset == NONE, NONE, r.peak), r.end, half)
    return r.time(fall) - r.time(rise)


def _depolarized(r: Response) -> FloatArray:
    """Mean voltage from the end of each spike to the onset of the next."""
    first, last = r.end[:-1], r.onset[1:]
    known = (first != NONE) & (last != NONE) & (r.row[:-1] == r.row[1:])
    at, _, edges = spread(np.where(known, first, 0), np.where(known, last, 0))
    mean = np.full(r.peak.size, np.nan)
    mean[:-1] = _mean(r.flat[at], edges)
    many = np.minimum(*(total((x != NONE).astype(np.float64), r.first) for x in (r.onset, r.end)))
    return np.where(many[r.row] > 2, mean, np.nan)


def _steepest(r: Response, first: IntArray, last: IntArray, sign: float) -> FloatArray:
    known = (first != NONE) & (last != NONE) & (first < last)
    at, _, edges = spread(np.where(known, first, 0), np.where(known, last, 0))
    return sign * reduced(np.maximum, sign * r.slope[at], edges)


def _between(r: Response) -> FloatArray:
    at, _, edges = spread(r.peak, np.where(r.next % r.t.size == 0, r.peak, r.next))
    return reduced(np.minimum, r.flat[at], edges)


def _fast(r: Response) -> FloatArray:
    depth = r.at(r.onset) - r.at(r.trough)
    return np.where(r.number == r.count[r.row] - 1, np.nan, depth)


def _of_base(r: Response, values: FloatArray) -> FloatArray:
    return values - _base(r)[r.row]


_EACH: dict[str, Feature] = {
    "peak_time": Feature(lambda r: r.times, "ms", "time of the peak"),
    "peak_voltage": Feature(lambda r: r.at(r.peak), "mV", "voltage of the peak"),
    "AP_begin_time": Feature(lambda r: r.time(r.onset), "ms", "time of the onset"),
    "AP_begin_voltage": Feature(lambda r: r.at(r.onset), "mV", "voltage of the onset"),
    "AP_amplitude": Feature(_amplitude, "mV", "peak above the onset"),
    "AP_amplitude_from_voltagebase": Feature(lambda r: _of_base(r, r.at(r.peak)), "mV", "peak above the base"),
    "AP_width": Feature(_width, "ms", "time above the threshold"),
    "spike_half_width": Feature(_half_width, "ms", "width half-way from minimum to peak"),
    "AP_duration_half_width": Feature(_half_duration, "ms", "width half-way from onset to peak"),
    "AP_duration": Feature(lambda r: r.time(r.end) - r.time(r.onset), "ms", "time from onset to end"),
    "AP_rise_time": Feature(
        lambda r: r.time(np.where(r.onset == NONE, NONE, r.peak)) - r.time(r.onset), "ms", "time from onset to peak"
    ),
    "AP_fall_time": Feature(lambda r: r.time(r.end) - r.times, "ms", "time from peak to end"),
    "AP_rise_rate": Feature(
        lambda r: divided(r.at(r.peak) - r.at(r.onset), r.times - r.time(r.onset)), "mV/ms", "slope from onset to peak"
    ),
    "AP_fall_rate": Feature(
        lambda r: -divided(r.at(r.peak) - r.at(r.end), r.time(r.end) - r.times), "mV/ms", "slope from peak to end"
    ),
    "AP_peak_upstroke": Feature(lambda r: _steepest(r, r.onset, r.peak, 1.0), "mV/ms", "steepest rise"),
    "AP_peak_downstroke": Feature(lambda r: _steepest(r, r.peak, r.trough, -1.0), "mV/ms", "steepest fall"),
    "AHP_depth_abs": Feature(lambda r: r.at(r.trough), "mV", "voltage of the minimum behind the peak"),
    "AHP_depth": Feature(lambda r: _of_base(r, r.at(r.trough)), "mV", "minimum behind the peak above the base"),
    "AHP_depth_from_peak": Feature(lambda r: r.at(r.peak) - r.at(r.trough), "mV", "peak above the minimum behind it"),
    "AHP_time_from_peak": Feature(lambda r: r.time(r.trough) - r.times, "ms", "time from the peak to the minimum"),
    "fast_AHP": Feature(_fast, "mV", "onset above the minimum behind the peak"),
    "min_voltage_between_spikes": Feature(_between, "mV", "lowest voltage before the next spike"),
    "depolarized_base": Feature(_depolarized, "mV", "mean voltage from the end of a spike to the next onset"),
}
"""Features that each spike has; of a trace the mean is given."""


def _one_of(name: str, which: int) -> Callable[[Response], FloatArray]:
    return lambda r: r.pick(_EACH[name].of(r), which)


def _mean_of(name: str) -> Callable[[Response], FloatArray]:
    return lambda r: r.average(_EACH[name].of(r))


def _nth() -> Iterator[tuple[str, Feature]]:
    """Features of the first, second or last spike, and of single intervals."""
    stems = {"amp": "AP_amplitude", "peak": "peak_voltage", "width": "spike_half_width"}
    stems["begin_voltage"] = "AP_begin_voltage"
    for stem, name in stems.items():
        for place, which in (("1", 0), ("2", 1), ("last", -1)):
            if (stem, place) not in (("peak", "last"), ("begin_voltage", "last")):
                unit, what = _EACH[name].units, _EACH[name].long_name
                yield f"AP{place}_{stem}", Feature(_one_of(name, which), unit, f"{what}, spike {place}")
    for k, word in enumerate(("first", "second", "third", "fourth", "fifth")):
        yield f"inv_{word}_ISI", Feature(_inverse(k), "Hz", f"one over the {word} interval")
    yield "inv_last_ISI", Feature(_inverse(-1), "Hz", "one over the last interval")


def _inverse(which: int) -> Callable[[Response], FloatArray]:
    return lambda r: divided(1000.0, _isi(r, which))


def _second_less_first(name: str) -> Callable[[Response], FloatArray]:
    return lambda r: r.pick(_EACH[name].of(r), 1) - r.pick(_EACH[name].of(r), 0)


FEATURES: dict[str, Feature] = {
    "Spikecount": Feature(lambda r: r.count.astype(np.float64), "1", "number of spikes"),
    "Spikecount_stimint": Feature(_in_stimulus, "1", "number of spikes within the stimulus"),
    "number_initial_spikes": Feature(lambda r: _in_stimulus(r, 0.1), "1", "spikes in the stimulus's first tenth"),
    "mean_frequency": Feature(_frequency, "Hz", "spikes within the stimulus over the time to the last one"),
    "time_to_first_spike": Feature(lambda r: r.pick(r.times, 0) - r.start, "ms", "onset of stimulus to first spike"),
    "time_to_second_spike": Feature(lambda r: r.pick(r.times, 1) - r.start, "ms", "onset of stimulus to second spike"),
    "time_to_last_spike": Feature(lambda r: r.pick(r.times, -1) - r.start, "ms", "onset of stimulus to last spike"),
    "inv_time_to_first_spike": Feature(
        lambda r: _ratio(1000.0, r.pick(r.times, 0) - r.start), "Hz", "one over the time to the first spike"
    ),
    "doublet_ISI": Feature(lambda r: _isi(r, 0), "ms", "first interval"),
    "ISI_CV": Feature(_isi_cv, "1", "coefficient of variation of intervals but the first"),
    "ISI_log_slope": Feature(lambda r: _slope(r, np.log), "1", "slope of log interval over log number"),
    "ISI_semilog_slope": Feature(lambda r: _slope(r, np.asarray), "1", "slope of log interval over number"),
    "irregularity_index": Feature(_irregularity, "ms", "mean change from one interval to the next"),
    "single_burst_ratio": Feature(_burst_ratio, "1", "second interval over the mean of it and all later ones"),
    "adaptation_index": Feature(_adaptation_1, "1", "mean relative change of intervals, a tenth of the spikes skipped"),
    "adaptation_index2": Feature(_adaptation_2, "1", "mean relative change of intervals, from the second on"),
    "burst_number": Feature(_bursts, "1", "number of bursts"),
    "mean_AP_amplitude": Feature(_mean_of("AP_amplitude"), "mV", "peak above the onset"),
    "AP2_AP1_diff": Feature(_second_less_first("AP_amplitude"), "mV", "amplitude of the second spike less the first"),
    "voltage_base": Feature(_base, "mV", "mean voltage in the last tenth before the stimulus"),
    "steady_state_voltage": Feature(
        lambda r: r.mean(r.index(r.stop, after=True), r.t.size), "mV", "mean voltage after the stimulus"
    ),
    "steady_state_voltage_stimend": Feature(_steady, "mV", "mean voltage in the last tenth of the stimulus"),
    "voltage_after_stim": Feature(_after, "mV", "mean voltage in the middle half of what follows the stimulus"),
    "voltage_deflection": Feature(_deflection, "mV", "end of the stimulus above the mean before it"),
    "voltage_deflection_vb_ssse": Feature(_deflected, "mV", "steady state at the stimulus's end above the base"),
    "minimum_voltage": Feature(lambda r: _extreme(r, np.minimum), "mV", "lowest voltage within the stimulus"),
    "maximum_voltage": Feature(lambda r: _extreme(r, np.maximum), "mV", "highest voltage within the stimulus"),
    "maximum_voltage_from_voltagebase": Feature(
        lambda r: _extreme(r, np.maximum) - _base(r), "mV", "highest voltage within the stimulus above the base"
    ),
    "sag_amplitude": Feature(_sag, "mV", "steady state above the lowest voltage"),
    "sag_ratio1": Feature(
        lambda r: _ratio(_sag(r), _base(r) - _extreme(r, np.minimum)), "1", "sag over the largest deflection"
    ),
    "sag_ratio2": Feature(
        lambda r: _ratio(_base(r) - _steady(r), _base(r) - _extreme(r, np.minimum)), "1", "steady over deepest state"
    ),
    "decay_time_constant_after_stim": Feature(_decay, "ms", "time constant of the way back after the stimulus"),
    "time_constant": Feature(
        lambda r: np.array([time_constant(v, r.t, r.start, r.stop) for v in r.v], np.float64),
        "ms", "time constant of the fall after the onset of a negative step",
    ),
    "ohmic_input_resistance": Feature(
        lambda r: _resistance(_deflection, r), "MOhm", "voltage_deflection over the current"
    ),
    "ohmic_input_resistance_vb_ssse": Feature(
        lambda r: _resistance(_deflected, r), "MOhm", "voltage_deflection_vb_ssse over the current"
    ),
    **{name: Feature(_mean_of(name), one.units, one.long_name) for name, one in _EACH.items()},
    **dict(_nth()),
}  # fmt: skip
"""Every feature of a trace by its name in eFEL."""
