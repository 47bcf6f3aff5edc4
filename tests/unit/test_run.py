"""Whole runs: what is recorded and where, features, durations, many spikes, going on, parameters that go along."""

import json
import warnings

import numpy as np
import pytest
import xarray as xr

from sneuron import errors
from sneuron.core.run import RunSim, StepSim
from sneuron.core.state import InitNeu
from sneuron.core.stimulus import InjCur, noise, replay, step
from sneuron.labels import Status
from sneuron.lang.model import load_model


@pytest.fixture(scope="module")
def grid() -> xr.Dataset:
    """Neurons over two axes, one of which is stimulated."""
    return InjCur(InitNeu({"model": "hh", "gNa": [100.0, 120.0, 140.0]}), step([0.0, 10.0], start=5.0))


@pytest.fixture(scope="module")
def recorded(grid: xr.Dataset) -> xr.Dataset:
    return RunSim(grid, 30, 0.025, record=["v", "i_na", "m", "i_stim"])


# -- recording ------------------------------------------------------------------------------------


def test_recorded_variables_and_their_labels(recorded: xr.Dataset) -> None:
    assert dict(recorded.v.sizes) == {"gNa": 3, "step.amplitude": 2, "time": 1201}
    units = {n: recorded[n].attrs["units"] for n in ("v", "i_na", "m", "i_stim", "time", "gNa", "spike_count")}
    assert units == {
        "v": "mV", "i_na": "uA/cm2", "m": "1", "i_stim": "uA/cm2", "time": "ms", "gNa": "mS/cm2", "spike_count": "1",
    }  # fmt: skip
    np.testing.assert_allclose(recorded.time, np.arange(1201) * 0.025)
    assert (recorded.status == Status.OK).all()
    assert (recorded.first_bad_time.isnull()).all()


def test_recording_begins_with_the_start_and_ends_with_the_end(grid: xr.Dataset, recorded: xr.Dataset) -> None:
    _, end = RunSim(grid, 30, 0.025, return_state=True)
    np.testing.assert_array_equal(recorded.v[..., 0], -65.0)
    np.testing.assert_array_equal(recorded.v[..., -1], end.v)
    np.testing.assert_array_equal(recorded.m[..., -1], end.m)


def test_currents_belong_to_the_states_beside_them(recorded: xr.Dataset) -> None:
    h = RunSim(InitNeu({"model": "hh"}), 1, 0.025, record=["h", "m", "v", "i_na", "g_na"])
    expected = 120 * h.m**3 * h.h * (h.v - 50)
    np.testing.assert_allclose(h.i_na, expected, rtol=1e-12)
    np.testing.assert_allclose(h.g_na, 120 * h.m**3 * h.h, rtol=1e-12)
    assert h.g_na.attrs["units"] == "mS/cm2"
    on = recorded.i_stim.sel({"step.amplitude": 10.0})
    np.testing.assert_array_equal(on, np.broadcast_to(np.where(recorded.time >= 5.0 - 1e-9, 10.0, 0.0), on.shape))


@pytest.mark.parametrize("every", [1, 7, 8, 1200, 5000, np.int8(100)])
def test_every(grid: xr.Dataset, recorded: xr.Dataset, every: int) -> None:
    run = RunSim(grid, 30, 0.025, record=["v", "i_na"], every=every)
    assert run.sizes["time"] == 1200 // int(every) + 1
    for name in ("v", "i_na", "time"):
        np.testing.assert_allclose(run[name], recorded[name][..., :: int(every)], rtol=1e-13)


@pytest.mark.parametrize(
    ("at", "numbers"),
    [
        ([0, 3, 5], [0, 3, 5]),
        (4, [4]),
        (np.array([5, 1], dtype=np.int8), [5, 1]),
        ({"gNa": 120.0}, [2, 3]),
        ({"gNa": [100.0, 140.0], "step.amplitude": 10.0}, [1, 5]),
        ({"gNa": slice(110, 150)}, [2, 3, 4, 5]),
        ({}, [0, 1, 2, 3, 4, 5]),
    ],
)
def test_record_at(grid: xr.Dataset, recorded: xr.Dataset, at: object, numbers: list[int]) -> None:
    run = RunSim(grid, 30, 0.025, record=["v", "i_na"], record_at=at)
    assert run.v.dims == ("trace", "time")
    for name in ("v", "i_na"):
        flat = recorded[name].values.reshape(6, -1)
        np.testing.assert_array_equal(run[name], flat[numbers])
    np.testing.assert_array_equal(run.trace_gNa, np.repeat([100.0, 120.0, 140.0], 2)[numbers])
    np.testing.assert_array_equal(run["trace_step.amplitude"], np.tile([0.0, 10.0], 3)[numbers])
    np.testing.assert_array_equal(run.spike_count, recorded.spike_count)


def test_record_at_of_neurons_that_play_samples() -> None:
    state = InjCur(InitNeu({"model": "hh", "I": [0.0, 8.0]}), noise(std=3.0, seed=[3, 4, 5], stop=50.0))
    everywhere = RunSim(state, 20, 0.025, record=["v", "i_stim"])
    chosen = RunSim(state, 20, 0.025, record=["v", "i_stim"], record_at={"noise.seed": [5, 3], "I": 8.0})
    for name in ("v", "i_stim"):
        np.testing.assert_array_equal(chosen[name], everywhere[name].values[1, [2, 0]])


def test_record_at_of_a_single_neuron() -> None:
    run = RunSim(InitNeu("hh"), 1, 0.025, record=["v"], record_at=0)
    assert dict(run.v.sizes) == {"trace": 1, "time": 41}


@pytest.mark.parametrize(
    "at", [6, -1, [0, 6], [], 1.5, True, "gNa", {"gNa": 101.0}, {"gK": 36.0}, {"gNa": slice(200, 300)}, {"gNa": {}}]
)
def test_places_that_are_not_there(grid: xr.Dataset, at: object) -> None:
    with pytest.raises((errors.ParameterError, errors.UnknownNameError), match="record_at"):
        RunSim(grid, 30, 0.025, record=["v"], record_at=at)


def test_a_number_beyond_an_axis_without_coordinates() -> None:
    state = InitNeu({"model": "hh", "I": xr.DataArray([0.0, 1.0], dims="point")})
    with pytest.raises(errors.ParameterError, match="record_at"):
        RunSim(state, 1, record=["v"], record_at={"point": 7})


# -- features -------------------------------------------------------------------------------------


@pytest.mark.parametrize("dtype", ["float64", "float32"])
def test_features_are_those_of_the_traces(grid: xr.Dataset, dtype: str) -> None:
    names = [f"{v}_{k}" for v in ("v", "i_na", "i_stim") for k in ("mean", "min", "max")]
    run = RunSim(grid, 30, 0.025, record=["v", "i_na", "i_stim"], features=names, dtype=dtype)
    for name in names:
        stem, kind = name.rsplit("_", 1)
        trace = run[stem][..., :-1].astype(np.float64)
        expected = getattr(trace, kind)("time")
        np.testing.assert_allclose(run[name], expected, rtol=1e-12 if dtype == "float64" else 2e-6, atol=1e-9)
        assert run[name].attrs["units"] == run[stem].attrs["units"]
        assert run[name].dims == ("gNa", "step.amplitude")


def test_a_mean_over_many_steps_loses_no_digits() -> None:
    state = InitNeu({"model": "passive", "EL": -64.9, "v": -64.9})
    run = RunSim(state, 200_000, 0.1, "exp_euler", features=["v_mean"], dtype="float32")
    assert float(run.v_mean) == pytest.approx(np.float32(-64.9), rel=1e-6)


def test_a_feature_named_twice_is_counted_once() -> None:
    once = RunSim(InitNeu("passive"), 10, features=["v_mean"]).v_mean
    twice = RunSim(InitNeu("passive"), 10, features=["v_mean", "v_mean"], record=["v", "v"])
    np.testing.assert_array_equal(twice.v_mean, once)
    np.testing.assert_allclose(twice.v.mean(), once)


# -- durations ------------------------------------------------------------------------------------


def test_no_duration_is_one_sample() -> None:
    cell = InitNeu({"model": "hh", "I": [0.0, 10.0]})
    run, end = RunSim(cell, 0, 0.025, record=["v", "i_na"], features=["v_mean"], return_state=True)
    assert run.v.shape == (2, 1)
    assert run.i_na.shape == (2, 1)
    assert (run.v == -65).all()
    assert np.isfinite(run.i_na).all()
    assert run.spike_count.values.tolist() == [0, 0]
    assert run.spike_time.shape == (2, 0)
    assert np.isnan(run.v_mean).all()
    assert (run.attrs["duration"], run.attrs["t_start"], run.attrs["t_stop"]) == (0, 0, 0)
    np.testing.assert_array_equal(end.v, cell.v)
    again = RunSim(end, 20, 0.025)
    np.testing.assert_array_equal(again.spike_time, RunSim(cell, 20, 0.025).spike_time)


@pytest.mark.parametrize(("asked", "steps"), [(10.04, 100), (10.06, 101), (9.99, 100), (0.14, 1)])
def test_a_duration_between_steps_is_rounded_and_said(asked: float, steps: int) -> None:
    with pytest.warns(UserWarning, match=rf"{asked:g} ms is no multiple of dt 0.1 ms; {steps * 0.1:g} ms are run"):
        run = RunSim(InitNeu("passive"), asked, 0.1, record=["v"])
    assert run.sizes["time"] == steps + 1
    assert run.attrs["duration"] == pytest.approx(steps * 0.1)


@pytest.mark.parametrize(("duration", "dt"), [(0.3, 0.1), (0.7, 0.1), (1.1, 0.1), (1e5, 0.1), (2000, 0.05), (1, 1 / 3)])
def test_multiples_in_decimals_are_multiples(duration: float, dt: float) -> None:
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        run = RunSim(InitNeu("passive"), duration, dt)
    assert run.attrs["duration"] == pytest.approx(duration, rel=1e-12)


def test_durations_and_steps_with_units() -> None:
    run = RunSim(InitNeu("hh"), "0.01 s", "25 us")
    assert run.attrs["duration"] == pytest.approx(10.0)
    assert run.attrs["dt"] == pytest.approx(0.025)


# -- spikes ---------------------------------------------------------------------------------------


def test_more_spikes_than_the_buffer_holds() -> None:
    cell = InitNeu({"model": "lif", "t_ref": 0.0, "I": [0.0, 450.0, 2000.0, 5000.0]})
    run = RunSim(cell, 2000, 0.1)
    assert run.spike_count.max() > 2500
    np.testing.assert_array_equal(run.spike_time.notnull().sum("spike"), run.spike_count)
    for current in (450.0, 2000.0, 5000.0):
        found = run.spike_time.sel(I=current).dropna("spike").values
        period = 10.0 * np.log(current / (current - 25 * 15))
        np.testing.assert_allclose(found, period * np.arange(1, found.size + 1), rtol=1e-9)
        assert found.size == int(2000 / period + 1e-9)


def test_without_spike_times_counts_stay() -> None:
    cell = InitNeu({"model": "hh", "I": [0.0, 10.0]})
    run = RunSim(cell, 100, spikes=False)
    assert "spike_time" not in run
    np.testing.assert_array_equal(run.spike_count, RunSim(cell, 100).spike_count)


def test_spike_times_bear_their_window() -> None:
    _, state = RunSim(InitNeu({"model": "hh", "I": 10.0}), 50, return_state=True)
    run = RunSim(state, 50)
    assert (run.spike_time.attrs["t_start"], run.spike_time.attrs["t_stop"]) == pytest.approx((50, 100))
    assert run.spike_time.attrs["units"] == "ms"
    assert ((run.spike_time >= 50) & (run.spike_time <= 100)).all()


# -- going on -------------------------------------------------------------------------------------


@pytest.mark.parametrize("dtype", ["float64", "float32"])
def test_two_halves_are_one_run(grid: xr.Dataset, dtype: str) -> None:
    whole, end = RunSim(grid, 30, 0.025, record=["v"], dtype=dtype, return_state=True)
    first, middle = RunSim(grid, 12, 0.025, record=["v"], dtype=dtype, return_state=True)
    second, after = RunSim(middle, 18, record=["v"], dtype=dtype, return_state=True)
    np.testing.assert_array_equal(xr.concat([first.v[..., :-1], second.v], "time"), whole.v)
    np.testing.assert_array_equal(first.spike_count + second.spike_count, whole.spike_count)
    for name in ("v", "m", "h", "n", "armed", "v_before", "spike_phase"):
        np.testing.assert_array_equal(after[name], end[name])
    assert after.attrs["step"] == end.attrs["step"] == 1200
    np.testing.assert_allclose(second.time, whole.time[480:])


def test_single_steps_go_on_from_a_run(grid: xr.Dataset) -> None:
    _, state = RunSim(grid, 10, 0.025, return_state=True)
    stepped = StepSim(StepSim(state, n=3), n=0)
    _, end = RunSim(grid, 10.075, 0.025, return_state=True)
    np.testing.assert_array_equal(stepped.v, end.v)
    with pytest.raises(errors.ParameterError, match="'n'"):
        StepSim(state, n=-1)


def test_a_start_from_another_end_is_at_time_zero() -> None:
    _, end = RunSim(InjCur(InitNeu({"model": "hh"}), step(10.0)), 50, return_state=True)
    fresh = InitNeu(end)
    assert fresh.attrs["step"] == 0
    assert json.loads(fresh.attrs["stimulus"]) == []
    np.testing.assert_array_equal(fresh.v, end.v)
    assert RunSim(fresh, 1, record=["i_stim"]).i_stim.max() == 0


# -- parameters that go along, and other ways in ---------------------------------------------------


def test_parameters_that_share_a_dim_go_together() -> None:
    along = {"gNa": xr.DataArray([100.0, 120.0], dims="point"), "gK": xr.DataArray([30.0, 36.0], dims="point")}
    run = RunSim(InitNeu({"model": "hh", "I": [6.0, 10.0], **along}), 60, record=["v"])
    assert dict(run.spike_count.sizes) == {"I": 2, "point": 2}
    assert {"gNa", "gK", "I"} <= set(run.coords)
    for i, current in enumerate((6.0, 10.0)):
        for k, (na, kk) in enumerate(((100.0, 30.0), (120.0, 36.0))):
            alone = RunSim(InitNeu({"model": "hh", "I": current, "gNa": na, "gK": kk}), 60, record=["v"])
            np.testing.assert_array_equal(run.v.isel(I=i, point=k), alone.v)


def test_parameters_as_a_dataset() -> None:
    table = xr.Dataset(
        {"gNa": ("cell", [0.1, 0.12], {"units": "S/cm2"}), "v": ("cell", [-70.0, -60.0])}, coords={"cell": ["a", "b"]}
    )
    state = InitNeu({"model": "hh", **table.data_vars})
    np.testing.assert_allclose(state.gNa, [100.0, 120.0])
    assert state.cell.values.tolist() == ["a", "b"]
    run = RunSim(state, 1, record=["v"])
    assert run.v.sel(cell="b").values[0] == -60.0
    plain = InitNeu(table)
    xr.testing.assert_identical(plain, state)


def test_a_grid_of_coordinates_as_a_dataset() -> None:
    table = xr.Dataset(coords={"gNa": ("gNa", [100.0, 120.0]), "gK": ("gK", [30.0, 36.0, 40.0])})
    state = InitNeu(table)
    assert dict(state.spike_phase.sizes) == {}
    assert dict(RunSim(state, 1).spike_count.sizes) == {"gNa": 2, "gK": 3}


def test_a_list_of_points() -> None:
    points = [{"model": "adex", "a": 0.0, "b": "60 pA"}, {"model": "adex", "a": 2.0, "b": 0.08 * 1000}]
    state = InitNeu(points)
    assert state.b.values.tolist() == [60.0, 80.0]
    assert state.a.dims == ("point",)
    run = RunSim(InjCur(state, step("0.8 nA")), 200)
    assert run.spike_count.dims == ("point",)
    assert (run.spike_count > 0).all()
    mixed = InitNeu([{"model": "hh", "gNa": 100}, {"model": "hh", "gNa": "120 mS/cm2"}])
    assert mixed.gNa.values.tolist() == [100.0, 120.0]


@pytest.mark.parametrize(
    ("points", "says"),
    [
        ([], "a list of mappings"),
        ([1, 2], "a list of mappings"),
        ([{"gNa": 1}, {"gK": 1}], "point 1 differs in its names"),
        ([{"model": "hh"}, {"model": "lif"}], "point 1 is of another model"),
        ([{"gNa": 1}, {"gNa": True}], "true or false"),
    ],
)
def test_lists_of_points_that_cannot_be(points: list, says: str) -> None:
    with pytest.raises(errors.ParameterError, match=says):
        InitNeu(points)


def test_start_values_may_vary() -> None:
    state = InitNeu({"model": "hh", "v": [-80.0, -65.0, -40.0]})
    assert state.m.sizes == {"v_start": 3}
    assert (np.diff(state.m) > 0).all()
    assert RunSim(state, 1).spike_count.dims == ("v_start",)


def test_thresholds_that_vary_while_the_voltage_does_not() -> None:
    state = InitNeu({"model": "lif", "Vth": [-55.0, -75.0, -50.0], "EL": xr.DataArray([-70.0, -71.0], dims="point")})
    assert dict(state.armed.sizes) == {"point": 2, "Vth": 3}
    assert state.armed.sel(Vth=-75.0).values.tolist() == [0, 0]
    assert RunSim(InjCur(state, 500.0), 100).spike_count.sizes == {"Vth": 3, "point": 2}


# -- what a run says about itself -------------------------------------------------------------------


def test_provenance() -> None:
    cell = InjCur(InitNeu({"model": "hh", "gK": 30.0, "I": [1.0, 2.0]}), step(1.0, start=2.0))
    run = RunSim(cell, 10, 0.05, "rk4", dtype="float32")
    said = {k: run.attrs[k] for k in ("model_name", "method", "dt", "dtype", "duration", "allow_unstable")}
    assert said == {
        "model_name": "hh_el54_3", "method": "rk4", "dt": 0.05, "dtype": "float32", "duration": 10.0,
        "allow_unstable": 0,
    }  # fmt: skip
    assert json.loads(run.attrs["parameters"]) == {"gK": 30.0, "step.amplitude": 1.0, "step.start": 2.0}
    assert json.loads(run.attrs["stimulus"])[0]["kind"] == "step"
    assert load_model(run.attrs["model"]).hash == load_model("hh").hash
    assert run.status.attrs["flag_meanings"].split()[1] == "ok"


def test_nothing_given_is_changed(grid: xr.Dataset) -> None:
    before = grid.copy(deep=True)
    for array in grid.variables.values():
        array.values.setflags(write=False)
    RunSim(grid, 1, record=["v"], features=["v_max"])
    StepSim(grid)
    xr.testing.assert_identical(grid, before)


def test_replayed_sweeps_keep_their_coordinates() -> None:
    sweeps = xr.DataArray(
        np.linspace(0, 12, 3)[:, None] * np.ones(100),
        dims=("sweep", "time"),
        coords={"time": 0.5 * np.arange(100), "sweep": [3, 5, 9]},
        attrs={"units": "uA/cm2"},
    )
    run = RunSim(InjCur(InitNeu("hh"), replay(sweeps)), 40)
    assert run.sweep.values.tolist() == [3, 5, 9]
    assert (np.diff(run.spike_count) >= 0).all()
    assert run.spike_count.values[-1] >= 2


@pytest.mark.parametrize(
    ("wrong", "says"),
    [
        ({"record": "v"}, "no list of names"),
        ({"record": ["V"]}, "Did you mean 'v'"),
        ({"record": ["i_ca"]}, "is not known"),
        ({"record": [1]}, "no list of names"),
        ({"features": "v_mean"}, "no list of names"),
        ({"features": ["v_mad"]}, "Did you mean"),
        ({"features": ["v"]}, "is not known"),
        ({"every": 0}, "'every'"),
        ({"every": 2.0}, "'every'"),
        ({"every": 2**70}, "'every'"),
        ({"every": True}, "'every'"),
        ({"record_at": [0]}, "nothing is to be recorded"),
        ({"spikes": "no"}, "neither true nor false"),
        ({"return_state": 1}, "neither true nor false"),
        ({"dtype": "float16"}, "'float64', 'float32'"),
        ({"method": "eulr"}, "Did you mean 'euler'"),
        ({"method": "exact"}, "not a single linear membrane"),
    ],
)
def test_options_that_cannot_be(wrong: dict, says: str) -> None:
    with pytest.raises(errors.SneuronError, match=says):
        RunSim(InitNeu("hh"), 10, **wrong)


def test_traces_that_do_not_fit_are_refused() -> None:
    cell = InitNeu({"model": "passive", "I": np.zeros(10_000)})
    with pytest.raises(errors.ParameterError, match="GiB on this machine"):
        RunSim(cell, 1e6, 0.01, record=["v"])
