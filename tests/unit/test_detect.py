"""Spikes: hysteresis, time within a step, recordings, thresholds per trace; refractoriness in whole steps."""

import numpy as np
import pytest
import xarray as xr
from hypothesis import given, settings
from hypothesis import strategies as st

from sneuron import errors
from sneuron.core.detect import DetSpike
from sneuron.core.run import RunSim, StepSim
from sneuron.core.state import InitNeu


def trace(v, dt: float = 0.1, **attrs: str) -> xr.DataArray:
    v = np.asarray(v)
    return xr.DataArray(v, dims="time", coords={"time": np.arange(v.size) * dt}, attrs=attrs)


def times(found: xr.Dataset) -> np.ndarray:
    values = found.spike_time.values
    return values[~np.isnan(values)]


# -- traces ---------------------------------------------------------------------------------------


def test_a_crossing_lies_between_samples() -> None:
    found = DetSpike(trace([-10, 30, -20, -5, 5, -20], dt=1.0))
    np.testing.assert_allclose(found.spike_time, [0.25, 3.5])
    assert found.spike_count.item() == 2
    assert found.spike_time.attrs == {"units": "ms", "long_name": "spike time", "t_start": 0.0, "t_stop": 5.0}


def test_a_sample_on_the_threshold_is_a_crossing_once() -> None:
    np.testing.assert_allclose(times(DetSpike(trace([-20, 0, 0, 5, -20, 0], dt=1.0))), [1.0, 5.0])


def test_a_trace_that_begins_above_must_come_down_first() -> None:
    np.testing.assert_allclose(times(DetSpike(trace([5, 20, 5, -20, 20], dt=1.0))), [3.5])


def test_hysteresis() -> None:
    wiggling = trace([-50, 5, -5, 5, -5, 5, -50, 5, -9.9, 5, -10.1, 5], dt=1.0)
    assert DetSpike(wiggling).spike_count.item() == 3
    assert DetSpike(wiggling, rearm=0).spike_count.item() == 6
    assert DetSpike(wiggling, rearm="-0.02 V").spike_count.item() == 2


@settings(max_examples=60)
@given(dt=st.floats(0.01, 1.0), noise=st.floats(0.0, 4.9), seed=st.integers(0, 10**6))
def test_noise_smaller_than_the_hysteresis_adds_no_spike(dt: float, noise: float, seed: int) -> None:
    t = np.arange(0.0, 200.0, dt)
    v = 50 * np.sin(2 * np.pi * t / 40) + np.random.default_rng(seed).uniform(-noise, noise, t.size)
    found = DetSpike(trace(v, dt), threshold=25.0)
    assert found.spike_count.item() == 5
    expected = 40 / (2 * np.pi) * np.arcsin(0.5) + 40 * np.arange(5)
    slope = 50 * 2 * np.pi / 40 * np.cos(np.arcsin(0.5))
    np.testing.assert_allclose(times(found), expected, atol=1.2 * noise / slope + 0.02 * dt**2 + dt * (noise > 0))


def test_the_time_is_of_second_order_in_the_interval() -> None:
    worst = []
    for dt in (0.4, 0.2, 0.1, 0.05):
        v = 50 * np.sin(2 * np.pi * np.arange(0.0, 2000.0, dt) / 41.3)
        exact = 41.3 / (2 * np.pi) * np.arcsin(0.5) + 41.3 * np.arange(49)
        found = times(DetSpike(trace(v, dt), threshold=25.0))
        worst.append(np.abs(found - exact[: found.size]).max())
        assert found.size in (48, 49)
    assert worst[0] < 0.01
    np.testing.assert_allclose(np.log2(worst[0] / worst[-1]), 6, atol=1.0)


def test_min_isi_joins_crossings() -> None:
    v = trace([-50, 5, -50, 5, -50, 5, -50, -50, -50, 5], dt=1.0)
    assert DetSpike(v).spike_count.item() == 4
    np.testing.assert_allclose(times(DetSpike(v, min_isi=3)), [50 / 55, 4 + 50 / 55, 8 + 50 / 55])
    assert DetSpike(v, min_isi="0.1 s").spike_count.item() == 1
    assert DetSpike(v, min_isi=2.0).spike_count.item() == 4


def test_thresholds_of_their_own() -> None:
    both = xr.concat([trace([-50, -20, -50, 20, -50])] * 3, xr.DataArray([1, 2, 3], dims="cell", name="cell"))
    level = xr.DataArray([-30.0, 0.0, 30.0], dims="cell", coords={"cell": [1, 2, 3]}, attrs={"units": "mV"})
    found = DetSpike(both, threshold=level)
    assert found.spike_count.values.tolist() == [2, 1, 0]
    assert found.spike_time.dims == ("cell", "spike")
    assert found.cell.values.tolist() == [1, 2, 3]
    in_volts = (level / 1000).assign_attrs(units="V")
    np.testing.assert_allclose(DetSpike(both, threshold=in_volts).spike_time, found.spike_time)
    assert DetSpike(both.transpose(), threshold=level, rearm=-45).spike_count.values.tolist() == [2, 1, 0]


def test_a_threshold_with_a_dim_of_its_own_makes_a_dim() -> None:
    level = xr.DataArray([-30.0, 0.0, 30.0], dims="level", coords={"level": [-30.0, 0.0, 30.0]})
    found = DetSpike(trace([-50, -20, -50, 20, -50]), threshold=level)
    assert found.spike_count.dims == ("level",)
    assert found.spike_count.values.tolist() == [2, 1, 0]
    assert found.level.values.tolist() == [-30, 0, 30]


def test_units_of_time_and_voltage_are_converted() -> None:
    plain = trace([-50, 20, -50, 20.0])
    other = xr.DataArray(plain.values / 1000, dims="time", attrs={"units": "V"})
    other = other.assign_coords(time=("time", plain.time.values / 1000, {"units": "s"}))
    np.testing.assert_allclose(DetSpike(other).spike_time, DetSpike(plain).spike_time)


def test_gaps_and_empty_traces() -> None:
    assert DetSpike(trace([-50, np.nan, 20, -50, 20])).spike_count.item() == 1
    assert DetSpike(trace([np.nan] * 5)).spike_count.item() == 0
    for v in ([], [5.0]):
        assert DetSpike(trace(v)).spike_count.item() == 0
        assert DetSpike(trace(v), relative=0.5).spike_count.item() == 0
    assert DetSpike(trace([-50, 20, -50])).spike_time.sizes == {"spike": 1}
    assert DetSpike(trace([-50, -50])).spike_time.sizes == {"spike": 0}


def test_lazy_integer_and_reversed_arrays() -> None:
    v = np.array([-50, 20, -50, 20], dtype=">i2")
    expected = DetSpike(trace(v.astype(float))).spike_time
    np.testing.assert_array_equal(DetSpike(trace(v)).spike_time, expected)
    np.testing.assert_array_equal(DetSpike(trace(v).chunk(time=2)).spike_time, expected)
    np.testing.assert_array_equal(DetSpike(trace(np.array([20, -50, 20, -50.0])[::-1])).spike_time, expected)


# -- recordings -----------------------------------------------------------------------------------


def recorded(dt: float, at: np.ndarray, seconds: float, seed: int, peak: float = 90.0) -> xr.DataArray:
    """A recording: rest at -72 mV, a plateau of 12 mV with spikes on it, noise, drift; spikes about 0.7 ms wide."""
    rng = np.random.default_rng(seed)
    t = np.arange(0.0, 1000 * seconds, dt)
    v = -72 + rng.normal(0, 0.4, t.size) + 2 * t / t[-1]
    v = v + 12 * ((t > 100) & (t < t[-1] - 100))
    for when in at:
        v = v + peak * np.exp(-0.5 * ((t - when) / 0.3) ** 2) - 8 * (t > when) * np.exp(-np.maximum(t - when, 0) / 5)
    return trace(v, dt)


@pytest.mark.parametrize("dt", [0.02, 0.05, 0.1, 0.25, 0.5])
@pytest.mark.parametrize("n", [1, 2, 5, 60])
def test_spikes_of_a_recording(dt: float, n: int) -> None:
    at = 150 + np.sort(np.random.default_rng(n).permutation(170)[:n]) * 10.0 + np.linspace(0, 0.9, n)
    for relative in (0.4, 0.5, 0.6):
        found = DetSpike(recorded(dt, at, 2.0, seed=n), relative=relative)
        assert found.spike_count.item() == n
        np.testing.assert_allclose(times(found), at, atol=0.5 + dt)


def test_one_spike_in_a_minute_is_found() -> None:
    found = DetSpike(recorded(0.1, np.array([31_234.5]), 60.0, seed=1), relative=0.5)
    np.testing.assert_allclose(times(found), [31_234.5], atol=0.5)


def test_a_recording_of_noise_or_of_a_small_response_holds_no_spike() -> None:
    assert DetSpike(recorded(0.1, np.array([]), 2.0, seed=1), relative=0.5).spike_count.item() == 0
    assert DetSpike(recorded(0.1, np.array([500.0]), 2.0, seed=1, peak=5.0), relative=0.5).spike_count.item() == 0


def test_the_relative_level_is_of_each_trace() -> None:
    small, large = (recorded(0.1, np.array([300.0, 700.0]), 1.0, 3, peak) for peak in (45.0, 110.0))
    both = xr.concat([small, large, large - 30], "sweep")
    found = DetSpike(both, relative=0.5)
    assert found.spike_count.values.tolist() == [2, 2, 2]
    np.testing.assert_allclose(found.spike_time[1], found.spike_time[2])


def test_one_sample_of_artefact_does_not_hide_the_spikes() -> None:
    v = recorded(0.05, np.array([300.0, 700.0]), 1.0, 3)
    v[8000] = 900.0
    assert DetSpike(v, relative=0.5).spike_count.item() == 3


# -- what cannot be -------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("kind", "make"),
    [
        (errors.DataError, lambda v: DetSpike(np.arange(5.0))),
        (errors.DataError, lambda v: DetSpike(v.drop_vars("time"))),
        (errors.DataError, lambda v: DetSpike(v[::-1])),
        (errors.DataError, lambda v: DetSpike(v.assign_coords(time=[0.0, 1.0, 1.0, 2.0]))),
        (errors.DataError, lambda v: DetSpike(v.assign_coords(time=[0.0, 1.0, np.nan, 2.0]))),
        (errors.DataError, lambda v: DetSpike(v, threshold=v)),
        (
            errors.DataError,
            lambda v: DetSpike(
                v.expand_dims(cell=[1, 2]), threshold=xr.DataArray([0.0, 1.0], dims="cell", coords={"cell": [1, 3]})
            ),
        ),
        (errors.UnitError, lambda v: DetSpike(v.assign_attrs(units="nA"))),
        (errors.UnitError, lambda v: DetSpike(v, threshold="3 ms")),
        (errors.ParameterError, lambda v: DetSpike(v, threshold=np.nan)),
        (errors.ParameterError, lambda v: DetSpike(v, threshold=xr.DataArray([np.nan], dims="a"))),
        (errors.ParameterError, lambda v: DetSpike(v, threshold=0, rearm=5)),
        (errors.ParameterError, lambda v: DetSpike(v, threshold=0, relative=0.5)),
        (errors.ParameterError, lambda v: DetSpike(v, relative=0.0)),
        (errors.ParameterError, lambda v: DetSpike(v, relative=1.0)),
        (errors.ParameterError, lambda v: DetSpike(v, relative="half")),
        (errors.ParameterError, lambda v: DetSpike(v, min_isi=-1)),
        (errors.ParameterError, lambda v: DetSpike(v, dt=0.1)),
        (errors.ParameterError, lambda v: DetSpike(InitNeu("hh"), threshold=0.0)),
        (errors.ParameterError, lambda v: DetSpike(InitNeu("hh"), min_isi=1.0)),
    ],
)
def test_refusals(kind, make) -> None:
    with pytest.raises(kind):
        make(trace([-50, 20, -50, 20.0], 1.0))


# -- runs -----------------------------------------------------------------------------------------


def test_runs_and_their_traces_hold_the_same_spikes() -> None:
    cell = InitNeu({"model": "hh", "I": [0.0, 8.0, 20.0]})
    run = RunSim(cell, 500, 0.025, record=["v"])
    found = DetSpike(run.v)
    assert run.spike_count.values.tolist() == [0, 32, 44]
    np.testing.assert_array_equal(found.spike_count, run.spike_count)
    np.testing.assert_allclose(found.spike_time, run.spike_time, atol=1e-9)


def test_a_smaller_step_does_not_multiply_spikes() -> None:
    """A slow crossing stays one spike at any dt (NEST issue 329: one spike became many at smaller steps)."""
    cell = InitNeu({"model": "hh", "I": [7.0, 8.0, 12.0, 20.0]})
    counts = {}
    for halvings in range(6):
        run = RunSim(cell, 300, 0.05 / 2**halvings, "rk4")
        counts[halvings] = run.spike_count.values.tolist()
    assert len({tuple(c) for c in counts.values()}) == 1, counts


def test_thresholds_of_neurons_differ() -> None:
    level = xr.DataArray([-30.0, 0.0, 20.0, 60.0], dims="point")
    run = RunSim(InitNeu({"model": "hh", "I": 10.0, "spike_threshold": level, "spike_rearm": level - 10}), 100)
    assert run.spike_count.values[:3].tolist() == [7.0] * 3
    assert run.spike_count.values[3] == 0
    first = run.spike_time.values[:3, 0]
    assert (np.diff(first) > 0).all()


def test_rearming_counts_in_runs() -> None:
    """Spikes whose valley does not reach the re-arming level count as one."""
    run = RunSim(InitNeu({"model": "hh", "I": 10.0, "spike_rearm": [-10.0, -90.0]}), 100)
    assert run.spike_count.values.tolist() == [7.0, 1.0]


# -- refractoriness -------------------------------------------------------------------------------

DRIVEN = {"model": "lif", "I": 1e7}
"""So strong a current that the threshold is reached in one step."""


def gaps(t_ref, dt: float, dtype: str = "float64", n: int = 400) -> np.ndarray:
    """Steps from one spike to the next, in a fused run."""
    run = RunSim(InitNeu(DRIVEN | {"t_ref": xr.DataArray(t_ref, dims="point")}), n * dt, dt, "exp_euler", dtype=dtype)
    return np.diff(np.floor(run.spike_time.values / dt), axis=-1)


@pytest.mark.parametrize("dtype", ["float64", "float32"])
def test_1_ms_at_a_tenth_is_always_10_steps(dtype: str) -> None:
    """Brian2 issue 949: 10 steps 899 times and 11 steps 91 times, from rounding."""
    found = gaps([1.0], 0.1, dtype, n=12_000)
    assert found.shape[1] > 1000
    assert (found == 11).all()


@settings(max_examples=40)
@given(
    dt=st.one_of(st.sampled_from([0.1, 0.05, 0.025, 0.01, 0.3, 1 / 3, 0.7]), st.floats(0.001, 1.0)),
    dtype=st.sampled_from(["float32", "float64"]),
    first=st.integers(1, 900),
)
def test_whole_steps_of_refractoriness(dt: float, dtype: str, first: int) -> None:
    """A refractory time that is meant as k steps is k steps, however it is written."""
    k = np.array([0, 1, 2, 3, 5, 7, 10, 29, first])
    for written in (k * dt, np.round(k * dt, 9), np.cumsum([dt] * 1000)[k - 1] * (k > 0)):
        steps = k if np.allclose(written, k * dt, rtol=1e-6) else np.floor(written / dt + 0.5)
        found = gaps(written, dt, dtype, n=2 * max(first, 29) + 10)
        for row, expected in zip(found, steps, strict=True):
            seen = row[~np.isnan(row)]
            assert seen.size
            assert (seen == expected + 1).all()


@settings(max_examples=6)
@given(dt=st.sampled_from([0.1, 0.025, 0.3, 0.01]), k=st.integers(1, 9))
def test_whole_steps_of_refractoriness_step_by_step(dt: float, k: int) -> None:
    state = InitNeu(DRIVEN | {"t_ref": xr.DataArray([k * dt, 10 * dt], dims="point")})
    spiked = []
    for _ in range(24):
        state = StepSim(state, dt, method="exp_euler")
        spiked.append(state.spike.values)
    for column, steps in zip(np.array(spiked).T, (k, 10), strict=True):
        assert set(np.diff(np.flatnonzero(column))) == {steps + 1}


def test_a_refractory_time_between_steps_is_rounded_but_exact_when_solved() -> None:
    t_ref = [0.94, 1.0, 1.04, 1.06]
    assert gaps(t_ref, 0.1)[:, 0].tolist() == [10, 11, 11, 12]
    cell = InitNeu({"model": "lif", "I": 1e4, "t_ref": xr.DataArray(t_ref, dims="point")})
    found = RunSim(cell, 50, 0.1, "exact").spike_time.values
    rise = 10.0 * np.log(400 / (400 - 15))
    for row, wait in zip(found, t_ref, strict=True):
        np.testing.assert_allclose(np.diff(row[~np.isnan(row)]), wait + rise, rtol=1e-9)


@pytest.mark.parametrize("method", ["exp_euler", "exact", "euler", "heun", "rk4"])
def test_the_voltage_waits_at_its_reset(method: str) -> None:
    cell = InitNeu({"model": "lif", "I": 500.0, "Vr": -68.0, "t_ref": 3.0})
    run = RunSim(cell, 60, 0.1, method, record=["v"])
    first = run.spike_time.values[0]
    held = run.v.where((run.time > first + 0.11) & (run.time < first + 2.99), drop=True)
    assert held.size >= 27
    assert (held == -68.0).all()
    assert (run.v.where((run.time > first + 3.2) & (run.time < first + 5)).max() > -67.0).item()


def test_no_refractory_time_at_all() -> None:
    assert (gaps([0.0], 0.1) == 1).all()


def test_refractoriness_goes_on_in_another_step() -> None:
    cell = InitNeu({"model": "lif", "I": 1e7, "t_ref": 5.0})
    _, state = RunSim(cell, 1.0, 0.1, "exp_euler", return_state=True)
    assert state.refractory_steps.item() == 41
    second = RunSim(state, 6.0, 0.05, "exp_euler").spike_time.values[0]
    assert 5.1 < second <= 5.151
