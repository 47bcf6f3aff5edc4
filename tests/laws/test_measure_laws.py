"""Laws of the measures, on trains that hypothesis makes up."""

import itertools

import numpy as np
import pytest
import xarray as xr
from hypothesis import given, settings
from hypothesis import strategies as st

from sneuron.analysis.coincidence import Coincidence
from sneuron.analysis.intervals import ISIComp
from sneuron.analysis.measure import measures
from sneuron.analysis.rates import KERNELS, FireRate
from sneuron.analysis.segments import total
from sneuron.plot.decimate import decimate

pytestmark = pytest.mark.filterwarnings("ignore:.*look like seconds:UserWarning")  # trains of any times at all

STOP = 100.0
time = st.floats(0, STOP, allow_subnormal=False)
train = st.lists(time, max_size=12).map(sorted)
trains = st.lists(train, min_size=1, max_size=6)
quick = settings(max_examples=40)


@quick
@given(trains, st.integers(1, 4), st.integers(1, 5), st.sampled_from(["FireRate", "ISIComp", "SpikeCount", "Latency"]))
def test_chunks_and_neighbours_change_no_bit(many, rows, columns, name):
    wide = max(1, *(len(one) for one in many))
    padded = np.array([one + [np.nan] * (wide - len(one)) for one in many])
    spikes = xr.DataArray(padded, dims=("point", "spike"), attrs={"t_start": 0.0, "t_stop": STOP})
    options = {"lags": 2} if name == "ISIComp" else {}
    whole = measures[name](spikes, **options)
    lazy = measures[name](spikes.chunk(point=rows, spike=columns), **options).compute(scheduler="synchronous")
    xr.testing.assert_identical(whole, lazy)
    alone = measures[name](many[-1], t_start=0.0, t_stop=STOP, **options)
    for variable, value in alone.items() if name == "ISIComp" else [(None, alone)]:
        of_whole = whole[variable] if variable else whole
        np.testing.assert_array_equal(of_whole[-1], value)


@quick
@given(train, st.sampled_from(sorted(KERNELS)), st.floats(0.01, 1000), st.floats(0.5, STOP))
def test_integral_of_the_rate_is_the_number_of_spikes(one, kernel, bandwidth, step):
    spikes = xr.DataArray(one or [np.nan], dims="spike")
    rate = FireRate(spikes, kernel=kernel, bandwidth=bandwidth, step=step, border="renormalise", t_stop=STOP)
    integral = float((rate * (rate.window_stop - rate.window_start)).sum()) / 1000
    assert abs(integral - len(one)) <= 1e-12 * max(1, len(one))


def most_pairs(model, data, delta):
    """The largest one-to-one matching, by trying everything."""
    if not model or not data:
        return 0
    best = most_pairs(model[1:], data, delta)
    for at, other in enumerate(data):
        if abs(model[0] - other) <= delta:
            best = max(best, 1 + most_pairs(model[1:], data[:at] + data[at + 1 :], delta))
    return best


whole_times = st.lists(st.integers(0, 30), max_size=5).map(sorted)


@quick
@given(whole_times, whole_times, st.integers(1, 8))
def test_one_to_one_matching_is_the_largest(model, data, delta):
    if not model and not data:
        return
    gamma = Coincidence(model, data, delta=delta, t_stop=1000.0)
    nearest = Coincidence(model, data, delta=delta, matching="nearest", t_stop=1000.0)
    for value, found in (
        (gamma, most_pairs(model, data, delta)),
        (nearest, sum(any(abs(m - d) <= delta for m in model) for d in data)),
    ):
        chance = 2 * len(model) / 1000 * delta
        np.testing.assert_allclose(
            value, (found - chance * len(data)) / (0.5 * (len(model) + len(data))) / (1 - chance), atol=1e-12
        )


@quick
@given(train, st.floats(1e-3, 1e3), st.floats(-50, 50))
def test_irregularity_knows_no_scale(one, scale, shift):
    if np.diff(one).min(initial=1.0) < 1e-6:
        return
    before = ISIComp(one)
    after = ISIComp([t * scale + shift + 100 for t in one])
    for name in ("cv", "cv2", "lv", "adaptation"):
        np.testing.assert_allclose(before[name], after[name], rtol=1e-4, atol=1e-4)


@quick
@given(st.lists(st.lists(st.floats(-1e6, 1e6), max_size=300), min_size=1, max_size=5))
def test_sums_depend_on_their_own_values_only(segments):
    first = np.concatenate(([0], np.cumsum([len(s) for s in segments])))
    sums = total(np.array([v for s in segments for v in s], dtype=float), first)
    for values, found in zip(segments, sums, strict=True):
        alone = total(np.array(values, dtype=float), np.array([0, len(values)]))
        assert alone[0] == found


@quick
@given(st.lists(st.floats(-90, 60), min_size=1, max_size=400), st.integers(1, 50))
def test_decimation_keeps_every_column_s_extremes(values, columns):
    time = np.arange(len(values)) * 0.1
    kept_time, kept = decimate(time, np.array(values), columns)
    assert kept.size <= 4 * columns
    assert np.all(np.diff(kept_time) > 0)
    assert set(kept_time) <= set(time)
    edges = np.linspace(time[0], time[-1], columns + 1)
    column = np.clip(np.searchsorted(edges, time, "right") - 1, 0, columns - 1)
    of_kept = np.clip(np.searchsorted(edges, kept_time, "right") - 1, 0, columns - 1)
    for one, group in itertools.groupby(range(len(values)), lambda i: column[i]):
        inside = np.array(values)[list(group)]
        assert inside.max() == kept[of_kept == one].max()
        assert inside.min() == kept[of_kept == one].min()
