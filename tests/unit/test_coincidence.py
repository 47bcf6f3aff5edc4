"""The coincidence factor: conventions, matching, alignment, size."""

import numpy as np
import pytest
import xarray as xr

from sneuron.analysis.coincidence import Coincidence
from sneuron.errors import ParameterError, UnknownNameError


def by_hand(model, data, found, delta=4.0, stop=1000.0, rate="model"):
    nu = len(model if rate == "model" else data) / stop
    chance = 2 * nu * delta * len(data)
    return (found - chance) / (0.5 * (len(model) + len(data))) / (1 - 2 * nu * delta)


@pytest.mark.parametrize(
    ("model", "data", "one_to_one", "nearest"),
    [
        ([100.0], [104.0], 1, 1),
        ([100.0], [104.001], 0, 0),
        ([100.1], [104.1], 1, 1),
        ([0.1 + 0.2], [4.3], 1, 1),
        ([98.0, 102.0], [100.0], 1, 1),
        ([100.0], [98.0, 102.0], 1, 2),
        ([100.0, 105.0], [97.0, 103.0], 2, 2),
        ([103.0, 104.0], [100.0, 107.5], 2, 2),
        ([10.0, 20.0], [500.0], 0, 0),
        ([1.0, 1.0], [1.0, 1.0], 2, 2),
    ],
)
@pytest.mark.parametrize("rate", ["model", "data"])
def test_matchings_by_hand(model, data, one_to_one, nearest, rate):
    for matching, found in (("one-to-one", one_to_one), ("nearest", nearest)):
        gamma = Coincidence(model, data, matching=matching, rate=rate, t_stop=1000.0)
        assert gamma == pytest.approx(by_hand(model, data, found, rate=rate)), matching


def test_silence():
    assert np.isnan(Coincidence([], [], t_stop=1000.0))
    assert Coincidence([], [5.0], t_stop=1000.0) == 0
    assert Coincidence([5.0], [], t_stop=1000.0) == 0


def test_a_rate_at_which_chance_matches_all_is_undefined():
    fast = np.arange(0.0, 1000.0, 8.0)
    assert fast.size == 125
    assert np.isnan(Coincidence(fast, [100.0], t_stop=1000.0))
    assert Coincidence(fast, [100.0], rate="data", t_stop=1000.0) < 1


def test_points_meet_the_recording_sweep_by_sweep():
    rng = np.random.default_rng(0)
    spikes = xr.DataArray(
        np.sort(rng.uniform(0, 2000, (6, 2, 3, 40)), -1), dims=("point", "repeat", "sweep", "spike"),
        coords={"sweep": [1, 2, 5], "point": np.arange(6) / 10}, attrs={"t_start": 0.0, "t_stop": 2000.0},
    )  # fmt: skip
    reference = xr.DataArray(
        np.sort(rng.uniform(0, 2000, (3, 25)), -1), dims=("sweep", "spike_ref"), coords={"sweep": [1, 2, 5]}
    )
    gamma = Coincidence(spikes, reference)
    assert gamma.dims == ("point", "repeat", "sweep")
    for at in ({"point": 3, "repeat": 1, "sweep": 2}, {"point": 0, "repeat": 0, "sweep": 0}):
        one = Coincidence(spikes.isel(at).values, reference.isel(sweep=at["sweep"]).values, t_stop=2000.0)
        assert gamma.isel(at).item() == one
    same_dim = reference.rename(spike_ref="spike")
    xr.testing.assert_identical(gamma, Coincidence(spikes, same_dim))
    lazy = Coincidence(spikes.chunk(point=2, sweep=1), reference)
    assert lazy.chunks is not None
    xr.testing.assert_identical(gamma, lazy.compute(scheduler="synchronous"))
    assert Coincidence(spikes.isel(sweep=0, drop=True), reference).sizes["sweep"] == 3


def test_hundred_thousand_independent_trains():
    rng = np.random.default_rng(0)
    spikes = xr.DataArray(
        np.sort(rng.uniform(0, 2000, (20_000, 5, 80)), -1), dims=("point", "sweep", "spike"), attrs={"t_stop": 2000.0}
    )
    reference = xr.DataArray(np.sort(rng.uniform(0, 2000, (5, 80)), -1), dims=("sweep", "spike_ref"))
    gamma = Coincidence(spikes, reference)
    assert gamma.mean() == pytest.approx(-0.11, abs=0.02)  # one-to-one matching at 40 Hz


@pytest.mark.parametrize(
    ("options", "error"),
    [
        ({"delta": 0.0}, ParameterError),
        ({"delta": -1.0}, ParameterError),
        ({"rate": "mean"}, UnknownNameError),
        ({"matching": "one_to_one"}, UnknownNameError),
    ],
    ids=str,
)
def test_options_that_cannot_be(options, error):
    with pytest.raises(error):
        Coincidence([1.0], [1.0], t_stop=10.0, **options)
    with pytest.raises(error):
        Coincidence.describe(options)
