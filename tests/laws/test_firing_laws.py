"""Laws of how a neuron fires, on trains that hypothesis makes up; times are whole numbers, so that sums are exact."""

import numpy as np
import xarray as xr
from hypothesis import given, settings
from hypothesis import strategies as st

import sneuron as sn
from sneuron.analysis.firing import Pattern

STOP = 4096
quick = settings(max_examples=150, deadline=None)
intervals = st.lists(st.integers(1, 400), max_size=40)
repeated = st.tuples(st.lists(st.integers(1, 400), min_size=1, max_size=5), st.integers(1, 12)).map(
    lambda p: p[0] * p[1]
)
train = st.one_of(intervals, repeated).map(lambda gaps: [float(t) for t in 10 + np.cumsum(gaps) if t <= STOP])


def told(times, start=0.0, stop=STOP, **options):
    found = sn.FireClass(times, t_start=float(start), t_stop=float(stop), **options)
    return {str(name): float(value) for name, value in found.items()}


def same(one, other, **factors):
    for name, value in one.items():
        np.testing.assert_array_equal(value * factors.get(name, 1.0), other[name], err_msg=name)


@quick
@given(train, st.integers(0, 10**6))
def test_when_it_happens_does_not_matter(times, shift):
    same(told(times), told([t + shift for t in times], shift, STOP + shift))


@quick
@given(train, st.sampled_from([0.125, 0.5, 2.0, 64.0]))
def test_time_has_no_scale(times, scale):
    same(told(times), told([t * scale for t in times], 0, STOP * scale), period=scale)


@quick
@given(train, st.integers(0, STOP - 1))
def test_what_lies_outside_the_window_does_not_matter(times, start):
    same(told(times, start), told([t for t in times if t >= start], start))


@quick
@given(train, st.integers(1, 3 * STOP))
def test_time_in_which_nothing_happens_makes_it_end_or_changes_nothing(times, more):
    before, after = told(times), told(times, 0, STOP + more)
    ended = before["pattern"] not in (Pattern.SILENT, Pattern.UNSETTLED) and after["pattern"] == Pattern.UNSETTLED
    if ended:
        assert STOP + more - times[-1] > 2 * np.diff(times).max()
    else:
        assert after["pattern"] == before["pattern"]
    same({k: v for k, v in before.items() if k != "pattern"}, after)


@quick
@given(st.lists(train, min_size=1, max_size=6), st.randoms())
def test_points_know_nothing_of_one_another(many, random):
    order = list(range(len(many)))
    random.shuffle(order)
    wide = max(1, *(len(one) for one in many))
    padded = np.array([one + [np.nan] * (wide - len(one)) for one in many])
    spikes = xr.DataArray(padded, dims=("point", "spike"), attrs={"t_start": 0.0, "t_stop": float(STOP)})
    whole = sn.FireClass(spikes)
    xr.testing.assert_identical(whole.isel(point=order), sn.FireClass(spikes.isel(point=order)))
    for place, one in enumerate(many):
        same(told(one), {str(n): float(v) for n, v in whole.isel(point=place).items()})


@quick
@given(st.lists(st.integers(1, 40), min_size=1, max_size=4), st.integers(100, 400), st.integers(4, 8))
def test_bursts_that_repeat_are_found(inner, pause, many):
    """Pauses more than twice as long as any interval within: the spikes, period and duty cycle that were put in."""
    burst = np.concatenate([[0], np.cumsum(inner)])
    period = burst[-1] + pause
    times = (np.arange(many)[:, None] * period + burst).ravel()
    found = told([float(t) for t in times], 0, times[-1] + pause)
    expected = {"spikes_per_burst": len(burst), "period": period, "duty": burst[-1] / period, "cv": 0.0}
    assert found["pattern"] == Pattern.BURSTING
    for name, value in expected.items():
        np.testing.assert_allclose(found[name], value, rtol=1e-12, atol=1e-12)


@quick
@given(train, st.floats(0.01, 0.98), st.floats(0.001, 0.01))
def test_a_wider_tolerance_makes_nothing_irregular(times, tolerance, more):
    if told(times, tolerance=tolerance)["pattern"] != Pattern.IRREGULAR:
        assert told(times, tolerance=tolerance + more)["pattern"] != Pattern.IRREGULAR
