"""Distances between spike trains: by hand, by brute force, by Elephant's numbers, aligned, refused."""

import functools
import json
from pathlib import Path

import numpy as np
import pytest
import xarray as xr

from sneuron.analysis.coincidence import Coincidence
from sneuron.analysis.counts import CountError, RateError
from sneuron.analysis.distances import VanRossum, VictorPurpura
from sneuron.errors import ParameterError, TimeError, UnitError

ELEPHANT = json.loads((Path(__file__).parents[1] / "reference" / "data" / "distances.json").read_text())
TRAINS = ELEPHANT["spike_times_ms"]


def test_elephant_distances():
    for row, train in enumerate(TRAINS):
        np.testing.assert_allclose(VanRossum(TRAINS, train, tau=10.0), ELEPHANT["van_rossum"][row], rtol=1e-9)
        np.testing.assert_allclose(VictorPurpura(TRAINS, train, cost=0.1), ELEPHANT["victor_purpura"][row], rtol=1e-12)


def rossum_by_quadrature(one, two, tau):
    """2 / tau times the integral of (f - g)^2, by the midpoint rule on a fine grid."""
    step = tau / 4000
    t = np.arange(min(one + two), max(one + two) + 20 * tau, step) + step / 2
    difference = np.zeros(t.size)
    for sign, train in ((1, one), (-1, two)):
        for spike in train:
            difference += sign * np.where(t >= spike, np.exp(-(t - spike).clip(0) / tau), 0.0)
    return np.sqrt(2 / tau * (difference**2).sum() * step)


@pytest.mark.parametrize("tau", [1.0, 7.0, 100.0])
def test_van_rossum_is_its_integral(tau):
    one, two = [3.0, 10.0, 10.5, 40.0], [3.5, 11.0, 60.0]
    assert VanRossum(one, two, tau=tau) == pytest.approx(rossum_by_quadrature(one, two, tau), rel=1e-3)


def purpura_by_recursion(one, two, q):
    @functools.cache
    def cost(n, m):
        if not n or not m:
            return n + m
        moved = cost(n - 1, m - 1) + q * abs(one[n - 1] - two[m - 1])
        return min(cost(n - 1, m) + 1, cost(n, m - 1) + 1, moved)

    return cost(len(one), len(two))


def test_victor_purpura_is_its_recursion_whatever_is_beside():
    rng = np.random.default_rng(3)
    many = [list(np.sort(rng.uniform(0, 300, n))) for n in rng.integers(0, 30, 40)]
    reference = list(np.sort(rng.uniform(0, 300, 17)))
    for q in (0.0, 0.02, 0.5):
        np.testing.assert_array_equal(
            VictorPurpura(many, reference, cost=q), [purpura_by_recursion(one, reference, q) for one in many]
        )


def test_near_trains_are_not_lost_in_rounding():
    # two spikes d apart are at the distance sqrt(2 (1 - exp(-d/tau))): the difference of large numbers would be 0 here
    train = np.arange(0.0, 4000.0, 40.0)
    apart = VanRossum(train + 1e-9, train, tau=1.0)
    assert apart == pytest.approx(np.sqrt(2 * train.size * 1e-9), rel=1e-3)
    assert VanRossum(train, train, tau=10.0) == 0


def test_many_at_once_and_blocks_change_no_bit(monkeypatch):
    rng = np.random.default_rng(0)
    spikes = xr.DataArray(
        np.sort(rng.uniform(0, 2000, (30, 3, 40)), -1), dims=("point", "sweep", "spike"),
        coords={"sweep": [1, 2, 5]}, attrs={"t_start": 0.0, "t_stop": 2000.0},
    )  # fmt: skip
    reference = xr.DataArray(
        np.sort(rng.uniform(0, 2000, (3, 25)), -1), dims=("sweep", "spike_ref"), coords={"sweep": [1, 2, 5]}
    )
    for measure in (VanRossum, VictorPurpura, RateError):
        whole = measure(spikes, reference)
        assert whole.dims == ("point", "sweep")
        one = measure(spikes[7, 1].values, reference[1].values, t_start=0.0, t_stop=2000.0)
        assert whole[7, 1].item() == one
        with monkeypatch.context() as patch:
            patch.setattr("sneuron.analysis.distances._BLOCK", 100)
            patch.setattr("sneuron.analysis.distances._CELLS", 50)
            xr.testing.assert_identical(whole, measure(spikes, reference))
        lazy = measure(spikes.chunk(point=7, sweep=1), reference)
        xr.testing.assert_identical(whole, lazy.compute(scheduler="synchronous"))


def test_rate_error_is_counts_over_time():
    many, reference = [[3.0, 8.0], [4.0], []], [2.0, 5.0, 9.0]
    np.testing.assert_allclose(
        RateError(many, reference, t_stop="0.5 s"), CountError(many, reference) / 0.5, rtol=1e-15
    )
    with pytest.raises(TimeError, match="t_stop"):
        RateError(many, reference)


def modelfitting_error(model, data, delta, duration):
    """What brian2modelfitting's GammaFactor minimises, 1 - Gamma without rate correction: spikes of the data that the
    nearest spike of the model is near to, with the rate of the data."""
    found = sum(abs(np.asarray(model) - spike).min() <= delta for spike in data)
    rate = len(data) / duration
    gamma = (found - 2 * delta * len(data) * rate) / (0.5 * (1 - 2 * rate * delta) * (len(model) + len(data)))
    return 1 - gamma


def test_gamma_in_the_convention_of_brian2modelfitting():
    for other in TRAINS[1:]:
        gamma = Coincidence(other, TRAINS[0], matching="nearest", rate="data", t_stop=1500.0)
        assert 1 - gamma == pytest.approx(modelfitting_error(other, TRAINS[0], 4.0, 1500.0), rel=1e-12)


def test_arguments_take_units_and_are_checked():
    assert VanRossum([1.0], [5.0], tau="0.01 s") == VanRossum([1.0], [5.0], tau=10.0)
    assert VictorPurpura([1.0], [5.0], cost="100 Hz") == VictorPurpura([1.0], [5.0], cost=0.1)
    for wrong in (0.0, -1.0, np.inf, np.nan):
        with pytest.raises(ParameterError):
            VanRossum([1.0], [5.0], tau=wrong)
    for wrong in (-0.1, np.inf):
        with pytest.raises(ParameterError, match="cost"):
            VictorPurpura([1.0], [5.0], cost=wrong)
    with pytest.raises(UnitError):
        VictorPurpura([1.0], [5.0], cost="3 ms")
