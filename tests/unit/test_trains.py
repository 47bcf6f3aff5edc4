"""PoisIn: labels, reproducibility in any chunk, order and subset, common random numbers, and what is refused."""

import dask
import numpy as np
import pytest
import xarray as xr
from hypothesis import given, settings
from hypothesis import strategies as st

import sneuron as sn
from sneuron import errors
from sneuron.core import renewal
from sneuron.lang.keys import philox, point_keys

RATES = xr.DataArray([[5.0, 20.0, 40.0], [0.0, 10.0, 80.0]], dims=("a", "b"), coords={"a": ["x", "y"], "b": [1, 3, 7]})


def same(one: xr.Dataset, other: xr.Dataset) -> None:
    """The same spikes, whatever the padding."""
    np.testing.assert_array_equal(one.spike_count.values, other.spike_count.values)
    kept = max(int(one.spike_count.max()), 0)
    np.testing.assert_array_equal(one.spike_time.values[..., :kept], other.spike_time.values[..., :kept])
    assert np.isnan(one.spike_time.values[..., kept:]).all()
    assert np.isnan(other.spike_time.values[..., kept:]).all()


def test_trains_have_the_layout_of_the_house_and_can_be_measured_at_once() -> None:
    found = sn.PoisIn(RATES, "2 s", start=100.0, neurons=3, order=[1.0, 3.0])
    assert found.spike_time.dims == ("a", "b", "order", "neuron", "spike")
    assert found.spike_count.dims == ("a", "b", "order", "neuron")
    assert found.spike_time.attrs["units"] == "ms"
    assert (found.spike_time.attrs["t_start"], found.spike_time.attrs["t_stop"]) == (100.0, 2100.0)
    assert found.order.values.tolist() == [1.0, 3.0]
    assert float(found.spike_time.min()) >= 100.0
    assert float(found.spike_time.max()) < 2100.0
    rate, isi = sn.FireRate(found), sn.ISIComp(found)
    np.testing.assert_allclose(rate, found.spike_count / 2.0)
    assert isi.cv.dims == found.spike_count.dims
    steps = np.diff(found.spike_time.values, axis=-1)
    assert (steps[~np.isnan(steps)] > 0).all()


def test_counts_in_steps_are_counts_of_the_same_spikes_for_any_step() -> None:
    times = sn.PoisIn(RATES, 1000.0, neurons=2)
    for dt in (0.1, 2.5, 1000.0):
        counts = sn.PoisIn(RATES, 1000.0, neurons=2, dt=dt)
        np.testing.assert_array_equal(counts.spike_count, times.spike_count)
        np.testing.assert_array_equal(counts.step_count.sum("time"), times.spike_count)
        train = times.spike_time.values[1, 2, 0]
        edges = np.arange(round(1000 / dt) + 1) * dt
        np.testing.assert_array_equal(counts.step_count[1, 2, 0], np.histogram(train[~np.isnan(train)], edges)[0])
        assert float(counts.time[-1]) == pytest.approx(1000.0 - dt)


CASES = {
    "plain": {},
    "gamma": {"order": 2.5, "dead_time": 3.0},
    "neurons": {"neurons": 3, "dead_time": xr.DataArray([0.0, 4.0], dims="a", coords={"a": ["x", "y"]})},
    "copies": {"neurons": 3, "correlation": xr.DataArray([0.0, 0.4], dims="c")},
    "compound": {"amplitudes": [0.5, 0.2, 0.3]},
}


@pytest.mark.parametrize("case", CASES)
@pytest.mark.parametrize("chunks", [{"a": 1}, {"b": 2}, {"a": 1, "b": 1}], ids=str)
def test_lazy_stays_lazy_and_chunks_change_no_bit(case: str, chunks: dict[str, int]) -> None:
    def never(*args: object, **kwargs: object) -> None:
        raise AssertionError("something was computed")

    whole = sn.PoisIn(RATES, 800.0, **CASES[case])
    with dask.config.set(scheduler=never):
        lazy = sn.PoisIn(RATES.chunk(chunks), 800.0, most=200, **CASES[case])
        steps = sn.PoisIn(RATES.chunk(chunks), 800.0, dt=8.0, **CASES[case])
    same(whole, lazy.compute(scheduler="synchronous"))
    np.testing.assert_array_equal(steps.spike_count.compute(), whole.spike_count)


@pytest.mark.parametrize("case", CASES)
def test_a_train_is_the_same_alone_or_among_others_in_any_order(case: str) -> None:
    whole = sn.PoisIn(RATES, 800.0, **CASES[case])
    for at in ({"a": [1, 0]}, {"b": [2]}, {"a": 1, "b": [1, 0]}, {"a": 0, "b": 2}):
        picked = {k: v.isel(at, missing_dims="ignore") if hasattr(v, "isel") else v for k, v in CASES[case].items()}
        same(whole.isel(at), sn.PoisIn(RATES.isel(at), 800.0, **picked))
    turned = sn.PoisIn(RATES.transpose("b", "a"), 800.0, **CASES[case])
    same(whole, turned.transpose(*whole.spike_time.dims))


def test_a_time_that_is_chunked_changes_no_bit() -> None:
    time = np.arange(0.0, 500.0, 2.0)
    rate = xr.DataArray(
        np.abs(50 * np.sin(time / 90 + np.arange(3)[:, None])), dims=("n", "time"), coords={"time": time}
    )
    whole = sn.PoisIn(rate)
    same(whole, sn.PoisIn(rate.chunk(n=1, time=77), most=100).compute(scheduler="synchronous"))
    same(whole, sn.PoisIn(rate.astype(np.float32).astype(np.float64).where(False, rate)))
    assert "time" not in whole.coords


def test_more_neurons_repeats_and_time_keep_what_was_there() -> None:
    few, more = sn.PoisIn(RATES, 500.0, neurons=2), sn.PoisIn(RATES, 500.0, neurons=9)
    same(few, more.isel(neuron=slice(2)))
    few, more = (sn.PoisIn(RATES, 500.0, neurons=n, correlation=0.3) for n in (2, 9))
    same(few, more.isel(neuron=slice(2)))
    long = sn.PoisIn(RATES, 900.0)
    short = sn.PoisIn(RATES, 500.0)
    same(short, long.assign(spike_time=long.spike_time.where(long.spike_time < 500.0), spike_count=short.spike_count))
    seeds = sn.PoisIn(RATES, 500.0, seed=[3, 8, 2**64 - 1])
    assert seeds.spike_time.dims == ("a", "b", "repeat", "spike")
    for i, seed in enumerate((3, 8, 2**64 - 1)):
        same(seeds.isel(repeat=i), sn.PoisIn(RATES, 500.0, seed=seed))


def test_trains_differ_by_seed_label_place_and_value() -> None:
    def first(*args: object, **kwargs: object) -> list[float]:
        return sn.PoisIn(*args, 5000.0, **kwargs).spike_time.isel(spike=0).values.ravel().tolist()

    alike = xr.DataArray(np.full(4, 10.0), dims="x")
    seen = first(alike) + first(alike.assign_coords(x=[5, 6, 7, 8])) + first(alike.assign_coords(x=list("abcd")))
    seen += first(10.0) + first(10.0, seed=1) + first(10.001) + first(10.0, order=1.5) + first(10.0, dead_time=1.0)
    seen += first(10.0, neurons=3)[1:] + first(10.0, neurons=2, correlation=0.5)[:1]
    assert len(set(seen)) == len(seen)
    assert first(10.0, neurons=3)[:1] == first(10.0)


def test_points_of_a_study_bring_their_own_keys() -> None:
    keys = xr.DataArray(point_keys({"gNa": np.array([80.0, 120.0])}, np.zeros(2, np.int64), 5), dims="point")
    both = sn.PoisIn(20.0, 1000.0, seed=keys)
    assert both.spike_time.dims == ("point", "spike")
    assert (both.spike_time[0] != both.spike_time[1]).any()


def test_common_random_numbers_differ_by_parameters_only() -> None:
    """The same operational time: twice the rate, half the time of every spike."""
    both = sn.PoisIn([10.0, 20.0], 5000.0, common="rate", neurons=4)
    slow, fast = both.spike_time.sel(rate=10.0), both.spike_time.sel(rate=20.0)
    n = int(both.spike_count.sel(rate=10.0).min())
    np.testing.assert_allclose(slow[:, :n] / 2, fast[:, :n], rtol=1e-12)
    assert (slow[0, :n] != slow[1, :n]).all()
    mixed = sn.PoisIn(RATES + 1, 9000.0, common=["a"])
    assert (mixed.spike_time[0, 0, 0] / mixed.spike_time[1, 0, 0]).item() == pytest.approx(1.0 / 6.0)
    alike = sn.PoisIn(xr.DataArray([9.0, 9.0], dims="x"), 500.0, common="x")
    same(alike.isel(x=0), alike.isel(x=1))


@given(
    st.floats(0.5, 200.0),
    st.floats(0.05, 20.0),
    st.floats(0.0, 0.95),
    st.floats(10.0, 3000.0),
    st.integers(0, 2**64 - 1),
)
@settings(max_examples=60)
def test_laws_of_any_train(rate: float, order: float, part: float, duration: float, seed: int) -> None:
    dead = part * 1000.0 / rate
    found = sn.PoisIn(rate, duration, order=order, dead_time=dead, seed=seed, start=-50.0)
    times = found.spike_time.values
    assert ((times >= -50.0) & (times < -50.0 + duration)).all()
    assert (np.diff(times) >= dead - 1e-9).all()  # times are rounded
    assert times.size == int(found.spike_count)
    again = sn.PoisIn(rate, duration, order=order, dead_time=dead, seed=seed, start=-50.0)
    np.testing.assert_array_equal(times, again.spike_time)


@given(st.integers(0, 2**64 - 1), st.integers(0, 2**32 - 1), st.integers(0, 2**32 - 1), st.integers(0, 2**63 - 1))
@settings(max_examples=60)
def test_one_number_is_what_philox_gives(key: int, purpose: int, variant: int, count: int) -> None:
    one = renewal.words(np.uint64(key), purpose, variant, count)
    many = philox(np.array([count], np.uint64), purpose | variant << 32, key)
    assert [int(w) for w in one] == [int(w[0]) for w in many]


def test_a_seed_that_is_drawn_is_told() -> None:
    found = sn.PoisIn(20.0, 500.0, seed=None)
    same(found, sn.PoisIn(20.0, 500.0, seed=int(found.attrs["seed"])))


def test_units_are_converted() -> None:
    plain = sn.PoisIn(20.0, 500.0, dead_time=2.0)
    same(plain, sn.PoisIn("0.02 kHz", "0.5 s", dead_time="2000 us"))
    same(plain, sn.PoisIn(xr.DataArray(0.02, attrs={"units": "1/ms"}), 500.0, dead_time=2.0))
    time = xr.DataArray([0.0, 0.5], dims="time", attrs={"units": "s"})
    same(
        sn.PoisIn(xr.DataArray([20.0, 20.0], dims="time", coords={"time": time})),
        sn.PoisIn(xr.DataArray([20.0, 20.0], dims="time", coords={"time": [0.0, 500.0]})),
    )


@pytest.mark.parametrize(
    ("rate", "more", "kind", "says"),
    [
        (-1.0, {}, errors.ParameterError, "'rate': 1 of 1 values cannot be, such as -1 Hz"),
        ([5.0, -1.0], {}, errors.ParameterError, "1 of 2 values"),
        (np.nan, {}, errors.ParameterError, "NaN is not a value"),
        (np.inf, {}, errors.ParameterError, "'rate'"),
        (xr.DataArray([1.0, np.nan], dims="x"), {}, errors.ParameterError, "'rate'"),
        (xr.DataArray([True], dims="x"), {}, errors.ParameterError, "not real numbers"),
        (True, {}, errors.ParameterError, "not a number"),
        ("5 mV", {}, errors.UnitError, "does not convert"),
        ([], {}, errors.ParameterError, "no list of numbers"),
        (10.0, {"dead_time": -1.0}, errors.ParameterError, "'dead_time'"),
        (10.0, {"dead_time": 100.0}, errors.ParameterError, "less than 1/rate"),
        (10.0, {"dead_time": 300.0}, errors.ParameterError, "less than 1/rate"),
        (10.0, {"order": 0.0}, errors.ParameterError, "'order'"),
        (10.0, {"correlation": 1.5, "neurons": 2}, errors.ParameterError, "0 to 1"),
        (10.0, {"correlation": 0.5}, errors.ParameterError, "no partner"),
        (10.0, {"correlation": 0.5, "neurons": 2, "order": 2.0}, errors.ParameterError, "for Poisson trains"),
        (10.0, {"inputs": 3, "dead_time": 1.0}, errors.ParameterError, "for Poisson trains"),
        (10.0, {"inputs": 0}, errors.ParameterError, "'inputs'"),
        (10.0, {"inputs": 2.5}, errors.ParameterError, "'inputs'"),
        (10.0, {"neurons": True}, errors.ParameterError, "'neurons'"),
        (10.0, {"amplitudes": [0.5, 0.6]}, errors.ParameterError, "add up to 1.1"),
        (10.0, {"amplitudes": [1.5, -0.5]}, errors.ParameterError, "no probabilities"),
        (10.0, {"amplitudes": [0.5, 0.5], "neurons": 3}, errors.ParameterError, "2 for 3 neurons"),
        (10.0, {"amplitudes": [0.5, 0.5], "correlation": 0.5}, errors.ParameterError, "say already"),
        (10.0, {"amplitudes": [0.5, 0.5], "order": 2.0}, errors.ParameterError, "for Poisson trains"),
        (10.0, {"duration": None}, errors.TimeError, "not said"),
        (10.0, {"duration": 0.0}, errors.TimeError, "'duration'"),
        (10.0, {"duration": np.inf}, errors.TimeError, "'duration'"),
        (10.0, {"dt": 0.3}, errors.TimeError, "do not tile"),
        (10.0, {"dt": -1.0}, errors.TimeError, "do not tile"),
        (10.0, {"dt": 1.0, "most": 5}, errors.ParameterError, "no longest train"),
        (1000.0, {"most": 5}, errors.DataError, "longer than most = 5"),
        (10.0, {"seed": -1}, errors.ParameterError, "'seed'"),
        (10.0, {"seed": 1.5}, errors.ParameterError, "'seed'"),
        (10.0, {"stationary": "yes"}, errors.ParameterError, "neither true nor false"),
        (10.0, {"common": "rate"}, errors.UnknownNameError, "dim 'rate' is not known"),
        (1e15, {}, errors.ParameterError, "spikes take"),
        (xr.DataArray([1.0, 2.0], dims="time"), {"duration": None}, errors.DataError, "no coordinate 'time'"),
        (xr.DataArray([1.0, 2.0], dims="time", coords={"time": [0.0, 1.0]}), {}, errors.TimeError, "says itself"),
        (xr.DataArray([1.0], dims="time", coords={"time": [1.0]}), {"duration": None}, errors.TimeError, "grow"),
    ],
)  # fmt: skip
def test_bad_input_is_refused(rate, more, kind, says) -> None:
    with pytest.raises(kind, match=says):
        sn.PoisIn(rate, **{"duration": 100.0, **more})


def test_what_does_not_fit_together_is_refused() -> None:
    one = xr.DataArray([1.0, 2.0], dims="x", coords={"x": [0, 1]})
    with pytest.raises(errors.DataError, match="do not fit together"):
        sn.PoisIn(one, 100.0, order=one.assign_coords(x=[5, 6]))
    with pytest.raises(errors.ParameterError, match="longest train is not known"):
        sn.PoisIn(one.chunk(x=1), 100.0)
    lazy = sn.PoisIn((-one).chunk(x=1), 100.0, most=9)
    with pytest.raises(errors.ParameterError, match="'rate'"):
        lazy.compute(scheduler="synchronous")
