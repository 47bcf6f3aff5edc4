"""Firing rates: windows, kernels, bandwidths, pooling, and what is refused."""

import numpy as np
import pytest
import xarray as xr

from sneuron.analysis.bandwidth import adaptive, optimal
from sneuron.analysis.rates import KERNELS, FireRate
from sneuron.errors import ParameterError, TimeError, UnknownNameError

TRAIN = [3.0, 100.0, 130.0, 131.0, 180.0, 400.0, 777.0, 999.0, 1000.0]


def test_mean_rate():
    assert FireRate(TRAIN, t_stop=1000.0) == 9.0
    assert FireRate(TRAIN, t_start=100.0, t_stop=200.0) == 40.0
    np.testing.assert_array_equal(FireRate([TRAIN, []], t_stop=1000.0), [9.0, 0.0])


def test_windows_tile_the_record():
    spikes = xr.DataArray([TRAIN], dims=("neuron", "spike"))
    rate = FireRate(spikes, window=300.0, t_stop=1000.0)
    np.testing.assert_array_equal(rate.window_start, [0, 300, 600, 900])
    np.testing.assert_array_equal(rate.window_stop, [300, 600, 900, 1000])
    np.testing.assert_array_equal(rate.time, [150, 450, 750, 950])
    np.testing.assert_allclose(rate[0], [5 / 0.3, 1 / 0.3, 1 / 0.3, 2 / 0.1])
    assert ((rate * (rate.window_stop - rate.window_start)).sum() / 1000) == pytest.approx(9)


def test_a_spike_on_an_edge_counts_once():
    np.testing.assert_array_equal(FireRate([10.0, 20.0, 30.0], window=10.0, t_stop=30.0), [0, 100, 200])
    assert FireRate(np.arange(0, 100.1, 0.1), window=0.3, t_stop=100.0).size == 334


@pytest.mark.parametrize("kernel", KERNELS)
@pytest.mark.parametrize("bandwidth", [0.7, 20.0, 400.0])
def test_integral_is_the_number_of_spikes(kernel, bandwidth):
    rate = FireRate(TRAIN, kernel=kernel, bandwidth=bandwidth, step=4.0, border="renormalise", t_stop=1000.0)
    assert rate.sum() * 4.0 / 1000 == pytest.approx(len(TRAIN), rel=1e-12)
    assert (rate >= 0).all()


@pytest.mark.parametrize("kernel", KERNELS)
def test_kernels_have_unit_mass_and_unit_deviation(kernel):
    k = KERNELS[kernel]
    x = np.linspace(k.low, k.high, 400_001)
    density = k.density(x)
    mean = np.trapezoid(x * density, x)
    assert np.trapezoid(density, x) == pytest.approx(1, abs=1e-4)
    assert np.sqrt(np.trapezoid((x - mean) ** 2 * density, x)) == pytest.approx(1, abs=1e-4)
    np.testing.assert_allclose(np.diff(k.mass(x)), (density[1:] + density[:-1]) / 2 * (x[1] - x[0]), atol=2e-5)
    assert k.mass(np.array([-1e3, 1e3])) == pytest.approx([0, 1], abs=1e-12)


@pytest.mark.parametrize("kernel", ["exponential", "alpha"])
def test_causal_kernels_know_nothing_of_the_future(kernel):
    rate = FireRate([500.0], kernel=kernel, bandwidth=20.0, step=1.0, t_stop=1000.0)
    assert (rate[:500] == 0).all()
    assert (rate[501:900] > 0).all()


def test_cells_are_means_of_the_pointwise_rate():
    fine = np.arange(0.05, 1000, 0.1)
    points = FireRate(TRAIN, bandwidth=15.0, times=fine, t_stop=1000.0)
    cells = FireRate(TRAIN, bandwidth=15.0, step=10.0, t_stop=1000.0)
    np.testing.assert_allclose(cells, points.reshape(100, 100).mean(1), rtol=1e-4, atol=1e-6)


def test_pooling_is_the_mean_of_the_rates():
    rng = np.random.default_rng(1)
    times = xr.DataArray(np.sort(rng.uniform(0, 500, (4, 3, 2, 20)), -1), dims=("point", "neuron", "repeat", "spike"))
    for options in ({}, {"window": 100.0}, {"bandwidth": 10.0, "step": 5.0}):
        pooled = FireRate(times, dims=("neuron", "repeat"), t_stop=500.0, **options)
        each = FireRate(times, t_stop=500.0, **options)
        xr.testing.assert_allclose(pooled, each.mean(("neuron", "repeat")), rtol=1e-12)
    assert FireRate(times.values, dims="train", t_stop=500.0).shape == (4, 3)


def test_pooled_trains_choose_one_bandwidth_together():
    rng = np.random.default_rng(2)
    times = [np.sort(rng.normal(500, 60, 40)) for _ in range(5)]
    together = FireRate(np.sort(np.concatenate(times)), bandwidth="optimal", t_stop=1000.0)
    pooled = FireRate(times, bandwidth="optimal", dims="train", t_stop=1000.0)
    np.testing.assert_allclose(pooled, together / 5, rtol=1e-12)


def poisson(rate, rng, stop=2000.0, ceiling=0.4):
    """Spikes of an inhomogeneous Poisson process with `rate` per ms, by thinning."""
    times = np.sort(rng.uniform(0, stop, rng.poisson(ceiling * stop)))
    return times[rng.uniform(0, ceiling, times.size) < rate(times)]


def step_rate(t):
    return np.where((t > 800) & (t < 850), 0.3, 0.02)


def test_optimal_bandwidth_is_that_of_least_error():
    rng = np.random.default_rng(4)

    def rate(t):
        return 0.1 + 0.08 * np.sin(2 * np.pi * t / 400)

    grid = np.arange(0, 2000, 10.0) + 5
    widths = np.geomspace(5, 200, 12)
    chosen, errors = [], np.zeros(widths.size)
    for _ in range(12):
        times = poisson(rate, rng)
        chosen.append(optimal(times, 0.0, 2000.0))
        rates = [FireRate(times, bandwidth=w, step=10.0, t_stop=2000.0) for w in widths]
        errors += [np.mean((r / 1000 - rate(grid)) ** 2) for r in rates]
    best = widths[np.argmin(errors)]
    assert best / 1.7 < np.median(chosen) < best * 1.7


def test_adaptive_bandwidth_follows_a_sudden_change():
    rng = np.random.default_rng(5)
    grid = np.arange(0, 2000, 2.0) + 1
    fixed, local = 0.0, 0.0
    for _ in range(6):
        times = poisson(step_rate, rng)
        for_fixed = FireRate(times, bandwidth="optimal", step=2.0, t_stop=2000.0)
        for_local = FireRate(times, bandwidth="adaptive", step=2.0, border="renormalise", t_stop=2000.0)
        fixed += np.mean((for_fixed / 1000 - step_rate(grid)) ** 2)
        local += np.mean((for_local / 1000 - step_rate(grid)) ** 2)
        assert for_local.sum() * 2 / 1000 == pytest.approx(times.size, rel=1e-12)
    assert local < 0.9 * fixed
    width = adaptive(times, 0.0, 2000.0)
    inside = (times > 800) & (times < 850)
    assert np.median(width[inside]) < 0.5 * np.median(width[~inside])


def test_bandwidth_of_too_few_spikes_is_undefined():
    rate = FireRate([[], [5.0], [5.0, 9.0], [5.0, 9.0, 30.0]], bandwidth="optimal", step=10.0, t_stop=100.0)
    np.testing.assert_array_equal(np.isnan(rate).all(1), [False, True, True, False])
    np.testing.assert_array_equal(rate[0], 0)


@pytest.mark.parametrize(
    ("options", "error", "words"),
    [
        ({"window": 0.0}, TimeError, "window is 0 ms"),
        ({"window": -5.0}, TimeError, "window is -5 ms"),
        ({"window": 2000.0}, TimeError, "up to 1000 ms"),
        ({"window": float("nan")}, ParameterError, "NaN"),
        ({"window": True}, ParameterError, "true or false"),
        ({"kernel": "gauss", "bandwidth": 3.0}, UnknownNameError, "'gaussian'"),
        ({"kernel": "gaussian"}, ParameterError, "no bandwidth"),
        ({"window": 10.0, "bandwidth": 3.0}, ParameterError, "both given"),
        ({"bandwidth": 0.0}, ParameterError, "bandwidth is 0"),
        ({"bandwidth": "wide"}, ParameterError, "wide"),
        ({"kernel": "alpha", "bandwidth": "optimal"}, ParameterError, "gaussian kernel, not the alpha"),
        ({"step": 5.0}, ParameterError, "step goes with a kernel only"),
        ({"border": "none"}, ParameterError, "kernel only"),
        ({"bandwidth": 3.0, "border": "reflect"}, UnknownNameError, "border 'reflect'"),
        ({"times": [1.0]}, ParameterError, "kernel only"),
        ({"bandwidth": 3.0, "times": [2.0, 1.0]}, TimeError, "ascending"),
        ({"bandwidth": 3.0, "times": []}, TimeError, "ascending"),
        ({"bandwidth": 3.0, "times": [1.0], "step": 1.0}, ParameterError, "both given"),
        ({"dims": ("train", "train")}, ParameterError, "twice"),
    ],
    ids=str,
)
def test_options_that_cannot_be(options, error, words):
    with pytest.raises(error, match=words):
        FireRate([TRAIN], t_stop=1000.0, **options)
    if "dims" not in options:
        with pytest.raises(error, match=words):
            FireRate.describe({"t_stop": 1000.0, **options})


def test_a_plan_needs_the_window():
    assert FireRate.describe({"window": 100.0, "t_stop": 950.0})["rate"].dims == {"time": 10}
    assert FireRate.describe() == {"rate": ({}, "float64", "Hz")}
    with pytest.raises(TimeError, match="t_stop"):
        FireRate.describe({"window": 100.0})
