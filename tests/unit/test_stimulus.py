"""Stimuli: their closed forms at any dt, edges without off-by-one, frozen noise, replay, sums, dims, units."""

import json
import math

import numpy as np
import pytest
import xarray as xr
from hypothesis import given, settings
from hypothesis import strategies as st
from numpy.typing import NDArray

from sneuron import errors
from sneuron.core.run import RunSim
from sneuron.core.state import InitNeu
from sneuron.core.stimulus import InjCur, chirp, noise, pulses, ramp, replay, sine, step

Array = NDArray[np.float64]
DTS = [0.01, 0.025, 0.1, 0.3, 1.0, 1.7]
FLAT = {"model": "passive", "gL": 0.0, "EL": 0.0}
"""A membrane that only gathers charge: v = integral of the current / C."""


def injected(stimulus: xr.Dataset, dt: float, n: int, dtype: str = "float64") -> Array:
    """The current at the start of each of n steps."""
    state = InjCur(InitNeu({"model": "passive"}), stimulus)
    run = RunSim(state, n * dt, dt, "exp_euler", record=["i_stim"], dtype=dtype)
    return run.i_stim.values[..., :-1].astype(np.float64)


def window(t: Array, values: Array, start: float, stop: float) -> Array:
    return np.where((t >= start) & (t < stop), values, 0.0)


CLOSED = {
    "step": (step(3.0, 7.1, 31.3), lambda t: window(t, 3.0 + 0 * t, 7.1, 31.3)),
    "ramp": (ramp(-1.0, 5.0, 7.1, 31.3), lambda t: window(t, -1 + 6 * (t - 7.1) / 24.2, 7.1, 31.3)),
    "sine": (
        sine(2.0, 40.0, offset=0.5, phase=0.3, start=7.1, stop=31.3),
        lambda t: window(t, 0.5 + 2 * np.sin(2 * np.pi * 0.04 * (t - 7.1) + 0.3), 7.1, 31.3),
    ),
    "chirp": (
        chirp(2.0, 5.0, 60.0, offset=0.5, start=7.1, stop=31.3),
        lambda t: window(
            t, 0.5 + 2 * np.sin(2 * np.pi * (0.005 * (t - 7.1) + 0.055 * (t - 7.1) ** 2 / (2 * 24.2))), 7.1, 31.3
        ),
    ),
    "pulses": (
        pulses(4.0, width=1.37, period=5.11, start=7.13, count=3),
        lambda t: 4.0 * ((t >= 7.13) & ((t - 7.13) // 5.11 < 3) & ((t - 7.13) % 5.11 < 1.37)),
    ),
}


@pytest.mark.parametrize("dt", DTS)
@pytest.mark.parametrize("kind", CLOSED)
def test_closed_form(kind: str, dt: float) -> None:
    stimulus, expected = CLOSED[kind]
    n = round(40 / dt)
    t = (np.arange(n) + 2.0**-20) * dt  # times just inside each step: edges lie on one side
    found = injected(stimulus, dt, n)
    np.testing.assert_allclose(found, expected(t), rtol=0, atol=1e-10)
    assert np.ptp(found) > 0


@pytest.mark.parametrize("kind", CLOSED)
def test_closed_form_in_float32(kind: str) -> None:
    stimulus, expected = CLOSED[kind]
    t = (np.arange(1600) + 2.0**-20) * 0.025
    found = injected(stimulus, 0.025, 1600, "float32")
    np.testing.assert_allclose(found, expected(t), rtol=0, atol=2e-5)


steps_of_time = st.one_of(
    st.sampled_from([0.1, 0.025, 0.01, 0.3, 0.7, 1 / 3, 0.005]),
    st.integers(1, 2000).map(lambda k: k / 1000),
    st.floats(1e-3, 2.0),
)


@settings(max_examples=30)
@given(dt=steps_of_time, first=st.integers(0, 400), length=st.integers(1, 200), dtype=st.sampled_from(["f4", "f8"]))
def test_a_step_on_the_grid_holds_its_own_steps_and_no_other(dt: float, first: int, length: int, dtype: str) -> None:
    stimulus = step(1.0, first * dt, (first + length) * dt)
    found = injected(stimulus, dt, first + length + 3, {"f4": "float32", "f8": "float64"}[dtype])
    np.testing.assert_array_equal(np.flatnonzero(found), np.arange(first, first + length))


@settings(max_examples=50)
@given(
    dt=steps_of_time,
    first=st.integers(0, 300),
    width=st.integers(1, 6),
    gap=st.integers(1, 7),
    count=st.integers(1, 30),
    dtype=st.sampled_from(["float32", "float64"]),
)
def test_pulses_on_the_grid_hold_their_own_steps(
    dt: float, first: int, width: int, gap: int, count: int, dtype: str
) -> None:
    period = width + gap
    stimulus = pulses(2.0, width * dt, period * dt, first * dt, count)
    found = injected(stimulus, dt, first + count * period + 2, dtype)
    expected = [first + k * period + j for k in range(count) for j in range(width)]
    np.testing.assert_array_equal(np.flatnonzero(found), expected)


@settings(max_examples=30)
@given(
    dt=steps_of_time,
    first=st.integers(0, 300),
    length=st.integers(1, 100),
    method=st.sampled_from(["euler", "heun", "midpoint", "rk4", "exp_midpoint"]),
)
def test_the_charge_of_a_step_on_the_grid_is_exact(dt: float, first: int, length: int, method: str) -> None:
    """No stage of a method, at the start, the middle or the end of a step, sees the other side of an edge."""
    state = InjCur(InitNeu(FLAT), step(0.125, first * dt, (first + length) * dt))
    _, end = RunSim(state, (first + length + 2) * dt, dt, method, return_state=True)
    assert float(end.v) == pytest.approx(0.125 * length * dt, rel=1e-12)


@pytest.mark.parametrize("method", ["heun", "midpoint", "rk4", "exp_midpoint"])
def test_the_charge_of_a_ramp_is_exact_from_order_2(method: str) -> None:
    state = InjCur(InitNeu(FLAT), ramp(0.0, 6.0, 2.0, 8.0))
    _, end = RunSim(state, 10, 0.1, method, return_state=True)
    assert float(end.v) == pytest.approx(0.5 * 6 * 6, rel=1e-6)


def test_edges_hold_late_in_a_long_run() -> None:
    state = InjCur(InitNeu(FLAT), step(0.001, 90_000.1, 90_000.7))
    _, end = RunSim(state, 90_001, 0.1, "euler", return_state=True)
    assert float(end.v) == pytest.approx(0.001 * 0.6, rel=1e-9)


def test_edges_hold_when_a_run_goes_on_in_another_dt() -> None:
    state = InjCur(InitNeu(FLAT), step(1.0, 0.5, 1.5))
    _, state = RunSim(state, 1.0, 0.1, "euler", return_state=True)
    _, state = RunSim(state, 1.0, 0.025, "euler", return_state=True)
    assert float(state.v) == pytest.approx(1.0, rel=1e-12)


# -- noise ----------------------------------------------------------------------------------------


def test_noise_is_the_same_under_any_dt() -> None:
    stimulus = noise(mean=1.0, std=2.0, tau=3.0, start=5.0, stop=55.0, seed=7)
    coarse = injected(stimulus, 0.1, 600)
    fine = injected(stimulus, 0.025, 2400)
    np.testing.assert_allclose(fine[::4], coarse, atol=1e-5)
    between = 0.5 * (coarse[100:400] + coarse[101:401])
    np.testing.assert_allclose(fine[402:1602:4], between, atol=1e-5)
    assert (coarse[:50] == 0).all()
    assert (coarse[550:] == 0).all()
    assert (coarse[50:550] != 0).all()


def test_noise_that_starts_off_the_grid() -> None:
    stimulus = noise(std=1.0, start=3.33, stop=20.0, seed=1)
    wave = stimulus.wave.values
    t = (np.arange(1000) + 2.0**-20) * 0.025
    expected = window(t, np.interp(t, 3.33 + 0.1 * np.arange(wave.size), wave), 3.33, 20.0)
    np.testing.assert_allclose(injected(stimulus, 0.025, 1000), expected, atol=1e-9)


def test_noise_has_its_standard_deviation_and_correlation_time() -> None:
    waves = noise(std=1.0, tau=5.0, stop=20_000.0, seed=range(8)).wave.values
    n_free = 8 * 20_000.0 / (2 * 5.0)
    assert abs(waves.mean()) < 4 / math.sqrt(n_free)
    assert abs(waves.std() - 1) < 4 / math.sqrt(2 * n_free)
    for lag in (10, 50, 100):
        found = np.mean(waves[:, :-lag] * waves[:, lag:])
        assert abs(found - math.exp(-lag * 0.1 / 5.0)) < 4 / math.sqrt(n_free)
    white = noise(std=1.0, tau=0.0, stop=20_000.0, seed=3).wave.values
    assert abs(np.mean(white[1:] * white[:-1])) < 4 / math.sqrt(white.size)


def test_noises_of_different_seeds_are_independent() -> None:
    waves = noise(tau=0.0, stop=5_000.0, seed=[0, 1, 2**63 - 1, 2**63, 2**64 - 2, 2**64 - 1]).wave.values
    correlation = np.corrcoef(waves) - np.eye(6)
    assert np.abs(correlation).max() < 5 / math.sqrt(waves.shape[1])


def test_noise_of_a_seed_is_the_same_alone_or_among_others_and_longer() -> None:
    many = noise(seed=[4, 5, 6], stop=100.0).wave
    np.testing.assert_array_equal(many[1], noise(seed=5, stop=100.0).wave)
    np.testing.assert_array_equal(many[1], noise(seed=5, stop=500.0).wave[: many.shape[1]])


def test_noise_with_its_std_swept_is_one_noise() -> None:
    state = InjCur(InitNeu({"model": "passive"}), noise(std=[1.0, 3.0], seed=2, stop=20.0))
    run = RunSim(state, 20, 0.1, "exp_euler", record=["i_stim"])
    found = run.i_stim.values
    np.testing.assert_allclose(found[1], 3 * found[0], rtol=1e-12)
    assert run.i_stim.dims == ("noise.std", "time")


def test_seeds_become_a_dim() -> None:
    state = InjCur(InitNeu({"model": "passive", "I": [0.0, 1.0]}), noise(seed=[1, 2, 3], stop=20.0))
    run = RunSim(state, 10, 0.1, "exp_euler", record=["i_stim"])
    assert dict(run.i_stim.sizes) == {"I": 2, "noise.seed": 3, "time": 101}
    for k, seed in enumerate((1, 2, 3)):
        expected = noise(seed=seed, stop=20.0).wave.values[:100]
        np.testing.assert_allclose(run.i_stim.isel({"I": 1, "noise.seed": k})[:-1], 1 + expected, atol=1e-5)


def test_a_seed_that_is_drawn_is_recorded_and_repeats() -> None:
    first, second = noise(seed=None, stop=10.0), noise(seed=None, stop=10.0)
    assert first.attrs["seed"] != second.attrs["seed"]
    np.testing.assert_array_equal(noise(seed=first.attrs["seed"][0], stop=10.0).wave, first.wave)
    listed = json.loads(InjCur(InitNeu({"model": "passive"}), first).attrs["stimulus"])
    assert listed[0]["seed"] == first.attrs["seed"]


# -- replay ---------------------------------------------------------------------------------------


def recording(interval: float = 0.5, n: int = 40, **attrs: str) -> xr.DataArray:
    values = np.random.default_rng(5).normal(size=n)
    return xr.DataArray(values, dims="time", coords={"time": 100 + interval * np.arange(n)}, attrs=attrs)


@pytest.mark.parametrize("dt", [0.01, 0.1, 0.125, 0.5])
@pytest.mark.parametrize("hold", [False, True])
def test_replay(hold: bool, dt: float) -> None:
    played = recording()
    n = round(30 / dt)
    found = injected(replay(played, scale=2.0, offset=0.5, start=3.0, hold=hold), dt, n)
    t = (np.arange(n) + 2.0**-20) * dt - 3.0
    if hold:
        expected = window(t, 2 * played.values[np.clip(t // 0.5, 0, 39).astype(int)] + 0.5, 0.0, 20.0)
    else:
        expected = window(t, 2 * np.interp(t, 0.5 * np.arange(40), played.values) + 0.5, 0.0, 19.5)
    np.testing.assert_allclose(found, expected, atol=1e-9)


@settings(max_examples=30)
@given(
    dt=steps_of_time,
    many=st.integers(1, 5),
    first=st.integers(0, 100),
    dtype=st.sampled_from(["float32", "float64"]),
)
def test_held_samples_change_where_they_should(dt: float, many: int, first: int, dtype: str) -> None:
    samples = np.arange(1.0, 21.0)
    played = xr.DataArray(samples, dims="time", coords={"time": np.arange(20) * (many * dt)})
    found = injected(replay(played, start=first * dt, hold=True), dt, first + 20 * many + 2, dtype)
    expected = np.concatenate([np.zeros(first), np.repeat(samples, many), np.zeros(2)])
    np.testing.assert_array_equal(found, expected)


def test_replay_converts_units_of_time_and_current() -> None:
    plain = recording()
    other = (plain / 1000).assign_attrs(units="nA").assign_coords(time=("time", plain.time.values / 1000))
    other.time.attrs["units"] = "s"
    cell = InitNeu({"model": "lif"})
    runs = [
        RunSim(InjCur(cell, replay(r)), 20, 0.1, "exp_euler", record=["i_stim"]).i_stim
        for r in (plain.assign_attrs(units="pA"), other)
    ]
    np.testing.assert_allclose(runs[1], runs[0], rtol=1e-9, atol=1e-9)
    assert runs[0].attrs["units"] == "pA"


def test_replay_of_other_byte_orders_strides_and_types() -> None:
    values = np.arange(40)
    reference = injected(replay(recording().copy(data=values.astype(float))), 0.1, 100)
    strided = np.repeat(values, 2).astype(">f4")[::2]
    for kind in (values.astype(">f8"), values.astype("int8"), values.astype("<u2"), strided):
        kind.setflags(write=False)
        np.testing.assert_array_equal(injected(replay(recording().copy(data=kind)), 0.1, 100), reference)


@pytest.mark.parametrize(
    "bad",
    [
        recording().assign_coords(time=np.arange(40)[::-1].astype(float)),
        recording().assign_coords(time=np.arange(40.0) ** 2),
        recording().assign_coords(time=np.zeros(40)),
        recording()[:1],
        recording().drop_vars("time"),
        recording().where(lambda r: r.time > 101),
        recording().astype(complex),
        recording().astype(object),
        recording() > 0,
        np.arange(40.0),
    ],
)
def test_recordings_that_cannot_be_played(bad: object) -> None:
    with pytest.raises(errors.DataError, match="replay"):
        replay(bad)


# -- sums, dims, units ----------------------------------------------------------------------------


def test_stimuli_add_up() -> None:
    state = InitNeu({"model": "passive", "I": 0.25})
    parts = [step(1.0, 2.0, 8.0), step(2.0, 5.0), ramp(0, 3, 1, 9), noise(std=0.5, stop=9.0), replay(recording())]
    for part in parts:
        state = InjCur(state, part)
    found = RunSim(state, 10, 0.1, "exp_euler", record=["i_stim"]).i_stim.values[:-1]
    assert {"step.amplitude", "step_2.amplitude", "ramp.first", "noise.wave", "replay.wave"} <= set(state.variables)
    np.testing.assert_allclose(found, 0.25 + sum(injected(p, 0.1, 100) for p in parts), atol=1e-12)


def test_played_stimuli_of_different_dims_add_up_at_every_neuron() -> None:
    sweeps = xr.DataArray(
        np.random.default_rng(1).normal(size=(3, 40)),
        dims=("sweep", "time"),
        coords={"time": 0.5 * np.arange(40), "sweep": [2, 5, 7]},
    )
    first, second = noise(seed=[1, 2], stop=15.0), replay(sweeps)
    state = InjCur(InjCur(InitNeu({"model": "passive", "I": [0.0, 1.0]}), first), second)
    run = RunSim(state, 10, 0.1, "exp_euler", record=["i_stim"])
    assert dict(run.i_stim.sizes) == {"I": 2, "noise.seed": 2, "sweep": 3, "time": 101}
    assert run.sweep.values.tolist() == [2, 5, 7]
    for i, seed, sweep in np.ndindex(2, 2, 3):
        alone = injected(noise(seed=seed + 1, stop=15.0), 0.1, 100)
        alone = alone + injected(replay(sweeps.isel(sweep=sweep)), 0.1, 100)
        np.testing.assert_allclose(run.i_stim[i, seed, sweep, :-1], i + alone, atol=1e-12)


def test_swept_lists_make_dims_under_the_name_of_the_stimulus() -> None:
    state = InitNeu({"model": "passive", "gL": [0.1, 0.2, 0.3]})
    state = InjCur(state, step([1.0, 2.0], start=1.0, stop=[3.0, 5.0]))
    state = InjCur(state, step([10.0, 20.0], start=6.0))
    run = RunSim(state, 8, 0.5, "exp_euler", record=["i_stim"])
    dims = {"gL": 3, "step.amplitude": 2, "step.stop": 2, "step_2.amplitude": 2}
    assert dict(run.spike_count.sizes) == dims
    assert run["step_2.amplitude"].values.tolist() == [10.0, 20.0]
    assert run["step.stop"].attrs["units"] == "ms"
    picked = run.i_stim.sel({"gL": 0.2, "step.amplitude": 2.0, "step.stop": 5.0, "step_2.amplitude": 20.0})
    np.testing.assert_array_equal(picked, [0, 0] + [2] * 8 + [0, 0] + [20] * 5)


def test_stimulus_values_may_go_along_with_the_neurons() -> None:
    gains = xr.DataArray([0.1, 0.2], dims="point")
    state = InitNeu({"model": "passive", "gL": gains})
    state = InjCur(state, step(xr.DataArray([1.0, 2.0], dims="point")))
    run = RunSim(state, 1, 0.5, "exp_euler", record=["i_stim"])
    assert dict(run.spike_count.sizes) == {"point": 2}
    np.testing.assert_array_equal(run.i_stim[:, 0], [1.0, 2.0])


def test_values_along_other_coordinates_are_refused() -> None:
    state = InitNeu({"model": "passive", "gL": [0.1, 0.2]})
    with pytest.raises(errors.DataError, match="along gL"):
        InjCur(state, step(xr.DataArray([1.0, 2.0], dims="gL", coords={"gL": [0.1, 0.3]})))


def test_constants_and_arrays_with_time() -> None:
    cell = InitNeu({"model": "passive", "I": 1.0})
    assert float(InjCur(cell, 2.0).I) == 3.0
    assert float(InjCur(cell, "2 nA/cm2").I) == pytest.approx(1.002)
    many = InjCur(cell, xr.DataArray([1.0, 2.0], dims="level", coords={"level": ["low", "high"]}))
    assert many.I.sel(level="high").item() == 3.0
    played = recording()
    np.testing.assert_array_equal(InjCur(cell, played)["replay.wave"], played)


@pytest.mark.parametrize(
    ("given_value", "amount"), [("1.5 nA", 1500.0), ("1500 pA", 1500.0), ("1e-9 A", 1000.0), (1500, 1500.0)]
)
def test_currents_are_converted_to_the_unit_of_the_neuron(given_value: object, amount: float) -> None:
    state = InjCur(InitNeu({"model": "lif"}), step(given_value, start="0.5 s"))
    assert float(state["step.amplitude"]) == pytest.approx(amount)
    assert state["step.amplitude"].attrs["units"] == "pA"
    assert float(state["step.start"]) == 500.0


def test_labelled_values_are_converted() -> None:
    values = xr.DataArray([1.0, 2.0], dims="level", attrs={"units": "nA"})
    starts = xr.DataArray([0.1, 0.2], dims="level", attrs={"units": "s"})
    state = InjCur(InitNeu({"model": "lif"}), step(values, start=starts))
    np.testing.assert_allclose(state["step.amplitude"], [1000.0, 2000.0])
    np.testing.assert_allclose(state["step.start"], [100.0, 200.0])


@pytest.mark.parametrize(
    "make",
    [
        lambda: InjCur(InitNeu({"model": "lif"}), step("1 uA/cm2")),
        lambda: InjCur(InitNeu({"model": "hh"}), step("1 nA")),
        lambda: InjCur(InitNeu({"model": "lif"}), "1 mV"),
        lambda: InjCur(InitNeu({"model": "lif"}), recording(units="mV")),
        lambda: InjCur(InitNeu({"model": "izhikevich"}), noise(std="1 pA")),
        lambda: step(1.0, start="3 mV"),
        lambda: sine(1.0, "3 ms"),
        lambda: step(1.0, start=xr.DataArray([1.0], dims="a", attrs={"units": "mV"})),
    ],
)
def test_wrong_units_are_refused(make) -> None:
    with pytest.raises(errors.UnitError, match="does not convert"):
        make()


def test_neither_state_nor_stimulus_is_changed() -> None:
    state, stimulus = InitNeu({"model": "lif", "I": [0.0, 1.0]}), step("1 nA")
    before = state.copy(deep=True), stimulus.copy(deep=True)
    InjCur(InjCur(state, stimulus), 5.0)
    assert state.identical(before[0])
    assert stimulus.identical(before[1])


@pytest.mark.parametrize(
    "make",
    [
        lambda: step(1.0, 5.0, 5.0),
        lambda: ramp(0.0, 1.0, 5.0, 2.0),
        lambda: noise(start=5.0, stop=5.0),
        lambda: noise(stop=math.inf),
        lambda: noise(tau=-1.0),
        lambda: noise(stop=1e8),
        lambda: replay(recording(), start=[1.0, 2.0]),
    ],
)
def test_times_that_cannot_be(make) -> None:
    with pytest.raises(errors.TimeError):
        make()


@pytest.mark.parametrize(
    "make",
    [
        lambda: step(math.nan),
        lambda: step(math.inf),
        lambda: step([]),
        lambda: step([1.0, "2 nA"]),
        lambda: step([[1.0], [2.0, 3.0]]),
        lambda: step(np.ones((2, 2))),
        lambda: step("many"),
        lambda: step(1 + 2j),
        lambda: step(np.ma.array([1.0, 2.0], mask=[False, True])),
        lambda: step(xr.DataArray(["a"], dims="x")),
        lambda: pulses(1.0, width=-1.0, period=5.0),
        lambda: pulses(1.0, width=1.0, period=0.0),
        lambda: sine(1.0, -5.0),
        lambda: noise(std=-1.0),
        lambda: InjCur(InitNeu({"model": "lif"}), [1.0, 2.0]),
        lambda: InjCur(InitNeu({"model": "lif"}), xr.DataArray([1.0, math.nan], dims="a")),
    ],
)
def test_values_that_cannot_be(make) -> None:
    with pytest.raises(errors.ParameterError):
        make()


def test_coordinates_of_a_recording_stay_their_own() -> None:
    axes = {"sweep": [7, 9], "time": np.arange(4.0)}
    recording = xr.DataArray(np.ones((2, 4)), dims=("sweep", "time"), coords=axes, attrs={"units": "uA/cm2"})
    run = RunSim(InjCur(InitNeu("hh"), replay(recording)), 1)
    assert set(run.coords) == {"sweep", "status"}
    assert run.sweep.values.tolist() == [7, 9]
