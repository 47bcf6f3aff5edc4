"""Laws of steps that neurons choose: bits depend on no lane, order or neighbour; errors follow the tolerance."""

from functools import cache
from typing import Any

import numpy as np
import pytest
import xarray as xr
from hypothesis import given, settings
from hypothesis import strategies as st

import sneuron as sn

POOL = 130
RANGES: dict[str, dict[str, tuple[float, float]]] = {
    "hh": {"I": (-5.0, 60.0), "gNa": (80.0, 160.0), "gK": (20.0, 50.0), "celsius": (4.0, 20.0)},
    "lif": {"I": (0.0, 2000.0), "t_ref": (0.0, 5.0), "Vth": (-56.0, -50.0), "gL": (10.0, 40.0)},
    "adex": {"I": (0.0, 2000.0), "b": (0.0, 200.0), "a": (-5.0, 20.0), "t_ref": (0.0, 3.0)},
}
RECORD = {"hh": ["v", "i_na", "armed"], "lif": ["v"], "adex": ["w"]}
FEATURES = {
    "hh": ["v_max", "v_min", "v_mean", "i_na_min", "armed_mean", "i_na_first"],
    "lif": ["v_mean"],
    "adex": ["w_max", "v_min"],
}


@cache
def pool(model: str) -> dict[str, np.ndarray]:
    rng = np.random.default_rng(21)
    return {name: rng.uniform(*bounds, POOL) for name, bounds in RANGES[model].items()}


def cells(model: str, chosen: np.ndarray) -> xr.Dataset:
    own = {name: xr.DataArray(v[chosen], dims="point") for name, v in pool(model).items()}
    return sn.InitNeu({"model": model, **own})


def run(state: xr.Dataset, model: str, **more: Any) -> Any:
    return sn.RunSim(state, 40.0, 0.1, "tsit5", record=RECORD[model], every=7, features=FEATURES[model], **more)


@cache
def whole(model: str) -> tuple[xr.Dataset, xr.Dataset]:
    return run(cells(model, np.arange(POOL)), model, return_state=True)


def assert_same_bits(found: xr.Dataset, expected: xr.Dataset) -> None:
    assert set(found.data_vars) == set(expected.data_vars)
    for name in expected.data_vars:
        one, other = found[name].values, expected[name].values
        if name == "spike_time":  # as wide as the longest train
            width = max(one.shape[-1], other.shape[-1])
            gaps = [[(0, 0), (0, width - a.shape[-1])] for a in (one, other)]
            one, other = (np.pad(a, g, constant_values=np.nan) for a, g in zip((one, other), gaps, strict=True))
        np.testing.assert_array_equal(one, other, err_msg=str(name))


@pytest.mark.parametrize("model", RANGES)
@given(data=st.data())
@settings(max_examples=6)
def test_a_neuron_has_the_same_bits_in_any_company(model: str, data: st.DataObject) -> None:
    size = data.draw(st.one_of(st.integers(1, POOL), st.sampled_from([1, 39, 40, 41, 80, 81])))
    order = data.draw(st.integers(0, 2**32 - 1))
    chosen = np.random.default_rng(order).permutation(POOL)[:size]
    found, end = run(cells(model, chosen), model, return_state=True)
    one, last = whole(model)
    assert_same_bits(found, one.isel(point=chosen))
    for name in ("v", "dt_next", "error_before", "refractory_until"):
        np.testing.assert_array_equal(end[name], last[name].isel(point=chosen))


@pytest.mark.parametrize("model", RANGES)
def test_the_pool_tells_something(model: str) -> None:
    run, _ = whole(model)
    assert (run.status == sn.Status.OK).all()
    assert len(np.unique(run.spike_count)) >= 3
    assert len(np.unique(run.steps_accepted)) >= 10


@given(order=st.integers(0, 2**32 - 1), bad=st.integers(1, 20))
@settings(max_examples=5)
def test_neighbours_that_fail_change_nothing(order: int, bad: int) -> None:
    """Some leave their bounds at once, some take more attempts than they may."""
    rng = np.random.default_rng(order)
    wild = rng.permutation(60)[:bad]
    state = cells("hh", np.arange(60))
    current, celsius = state["I"].values.copy(), state["celsius"].values.copy()
    current[wild[::2]], celsius[wild[1::2]] = -1e6, 60.0
    mixed = state.assign(I=state["I"].copy(data=current), celsius=state["celsius"].copy(data=celsius))
    found = run(mixed, "hh", max_attempts=1000)
    assert (found.status[wild[::2]] == sn.Status.OUT_OF_RANGE).all()
    assert (found.status[wild[1::2]] == sn.Status.TIMEOUT).all()
    good = np.setdiff1d(np.arange(60), wild)
    assert_same_bits(found.isel(point=good), whole("hh")[0].isel(point=good))


@given(seeds=st.lists(st.integers(0, 6), min_size=1, max_size=12))
@settings(max_examples=4)
def test_neurons_that_play_different_noise_have_the_same_bits_in_any_company(seeds: list[int]) -> None:
    def noisy(which: list[int]) -> xr.Dataset:
        seed = xr.DataArray(which, dims="point")
        state = sn.InjCur(cells("lif", np.array(which)), sn.noise(300.0, 900.0, tau=2.0, stop=12.0, seed=seed))
        return sn.RunSim(state, 15.0, 0.1, "tsit5")

    together = noisy(list(range(7)))
    assert_same_bits(noisy(seeds), together.isel(point=seeds))


@given(parts=st.lists(st.integers(1, 60), min_size=2, max_size=4))
@settings(max_examples=4)
def test_a_run_in_parts_is_the_run_within_the_tolerance(parts: list[int]) -> None:
    state = sn.InitNeu({"model": "hh", "v": -65.0, "I": [8.0, 20.0]})
    one = sn.RunSim(state, sum(parts) * 0.5, method="tsit5", rtol=1e-8)
    trains = []
    for part in parts:
        run, state = sn.RunSim(state, part * 0.5, method="tsit5", rtol=1e-8, return_state=True)
        trains.append(run.spike_time.values)
    for k in range(2):
        mine = np.concatenate([t[k] for t in trains])
        theirs = one.spike_time.values[k]
        np.testing.assert_allclose(mine[~np.isnan(mine)], theirs[~np.isnan(theirs)], atol=1e-4, rtol=0)
