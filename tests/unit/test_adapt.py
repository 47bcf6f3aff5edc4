"""Steps that neurons choose: attempts make runs, edges are met, samples and features mean what they say, refusals."""

import json
from typing import Any

import numpy as np
import pytest
import xarray as xr

import sneuron as sn
from sneuron import errors
from sneuron.lang.methods import PAIRS

RECORD, FEATURES = ["v", "i_na"], ["v_max", "v_min", "v_mean", "i_na_min"]
PACE = ["dt_next", "error_before", "dt_before"]


def cells(currents: Any = (0.0, 6.3, 10.0)) -> xr.Dataset:
    return sn.InitNeu({"model": "hh", "v": -65.0, "I": list(currents)})


def leaky(**more: Any) -> xr.Dataset:
    """tau 20 ms, threshold 20 mV above a rest of 0, 2 ms of waiting."""
    params = {"C": 20.0, "gL": 1.0, "EL": 0.0, "Vth": 20.0, "Vr": 0.0, "t_ref": 2.0, "I": [25.0, 30.0, 40.0]}
    return sn.InitNeu({"model": "lif", **params | more})


def attempts(state: xr.Dataset, until: float, method: str = "tsit5") -> tuple[xr.Dataset, list[xr.Dataset]]:
    """Attempts until all neurons are there, and what each left."""
    seen = []
    while "t" not in state or bool((state.t < until).any()):
        state = sn.AdaptDT(state, until, method)
        seen.append(state)
        assert len(seen) < 2000
    return state, seen


# -- one attempt, many attempts, a run ---------------------------------------------------------------


def test_an_attempt_says_what_it_did() -> None:
    before = cells()
    after = sn.AdaptDT(before, method="bs32")
    assert {n: after[n].attrs["units"] for n in ("t", "dt_next", "error")} == {"t": "ms", "dt_next": "ms", "error": "1"}
    assert after.accepted.all()
    np.testing.assert_array_equal(after.t, 0.025)
    np.testing.assert_array_equal(after.dt_next, 0.025 * np.clip(after.dt_next / 0.025, 0.2, 5.0))
    assert (after.v[1:] > before.v).all()
    assert after.attrs["method"] == "bs32"
    assert sn.AdaptDT(after).attrs["method"] == "bs32"


def test_an_attempt_that_is_refused_leaves_the_state_and_shrinks_the_step() -> None:
    cell = sn.InitNeu({"model": "hh", "v": -30.0, "I": 50.0}).assign(dt_next=5.0)
    after = sn.AdaptDT(cell)
    assert not after.accepted.item()
    assert after.error.item() > 1.0
    assert after.t.item() == 0.0
    assert after.v.item() == -30.0
    assert after.dt_next.item() < 5.0


@pytest.mark.parametrize("make", [cells, leaky])
def test_attempts_are_the_run_bit_for_bit(make: Any) -> None:
    run, end = sn.RunSim(make(), 50.0, method="tsit5", return_state=True)
    last, seen = attempts(make(), 50.0)
    for name in [*(n for n in end.data_vars if end[n].attrs.get("role") == "state"), *PACE, "armed"]:
        np.testing.assert_array_equal(last[name], end[name], err_msg=name)
    tried = np.array([s.t.values < 50.0 for s in seen[:-1]]).sum(0) + 1
    np.testing.assert_array_equal(run.steps_accepted + run.steps_rejected, tried)
    moved = [np.zeros(3, bool), *(s.t.values < 50.0 for s in seen[:-1])]
    spikes = sum((s.spike.values & (t | (k == 0))) for k, (s, t) in enumerate(zip(seen, moved, strict=True)))
    np.testing.assert_array_equal(spikes, run.spike_count)


def test_a_run_goes_on_from_attempts() -> None:
    whole, end = sn.RunSim(cells(), 30.0, method="tsit5", return_state=True)
    state = cells()
    for _ in range(25):
        state = sn.AdaptDT(state, 30.0)
    rest, after = sn.RunSim(state, 30.0, method="tsit5", return_state=True)
    for name in ("v", "m", "h", "n", *PACE):
        np.testing.assert_array_equal(after[name], end[name])
    assert "t" not in after
    assert (rest.spike_count <= whole.spike_count).all()


def test_neurons_that_are_there_stay_as_they_are() -> None:
    state, _ = attempts(cells(), 1.0)
    xr.testing.assert_identical(sn.AdaptDT(state, 1.0), state)
    later = sn.AdaptDT(state, xr.DataArray([1.0, 2.0, 1.0], dims="I"))
    np.testing.assert_array_equal(later.t > 1.0, [False, True, False])


def test_the_next_step_is_kept_from_run_to_run() -> None:
    first, middle = sn.RunSim(cells(), 40.0, method="tsit5", return_state=True)
    second, end = sn.RunSim(middle, 40.0, return_state=True)
    whole = sn.RunSim(cells(), 80.0, method="tsit5")
    assert end.attrs["method"] == "tsit5"
    assert float((middle.dt_next / 0.025).min()) > 1.0
    many = first.steps_accepted + second.steps_accepted
    assert (abs(many - whole.steps_accepted) <= 6).all()
    both = np.concatenate([first.spike_time.isel(I=2), second.spike_time.isel(I=2)])
    np.testing.assert_allclose(both[~np.isnan(both)], whole.spike_time.isel(I=2), atol=2e-3, rtol=0)
    assert second.attrs["t_start"] == 40.0


# -- beside steps of one size ------------------------------------------------------------------------


def test_steps_of_one_size_take_over() -> None:
    end = sn.RunSim(cells(), 40.0, method="tsit5", return_state=True)[1]
    fixed = sn.RunSim(end, 20.0, 0.01, "rk4")
    own = sn.RunSim(end, 20.0)
    np.testing.assert_allclose(fixed.spike_time, own.spike_time, atol=1e-3)
    back = sn.RunSim(sn.StepSim(end, 0.01, 2000, "rk4"), 20.0, method="tsit5")
    assert back.attrs["t_start"] == 60.0
    assert (back.status == sn.Status.OK).all()


def test_refractory_time_is_handed_over_both_ways() -> None:
    end = sn.RunSim(leaky(I=[40.0]), 15.0, method="tsit5", rtol=1e-8, return_state=True)[1]
    spike = 20.0 * np.log(2.0)
    assert end.refractory_until.item() == pytest.approx(spike + 2.0, abs=1e-6)
    assert end.refractory_steps.item() * end.attrs["dt"] == pytest.approx(spike + 2.0 - 15.0, abs=1e-6)
    fixed = sn.StepSim(leaky(I=[40.0]), 0.05, 300, "exact")
    own = sn.RunSim(fixed, 30.0, method="tsit5", rtol=1e-8)
    assert own.spike_time.values[0, 0] == pytest.approx(2 * spike + 2.0, abs=1e-4)


def test_looking_at_a_state_needs_no_other_method() -> None:
    end = sn.RunSim(cells(), 20.0, method="tsit5", return_state=True)[1]
    now = sn.IonDyn(end)
    np.testing.assert_allclose(now.current.sel(channel="leak"), 0.3 * (end.v + 54.3), rtol=1e-12)


def test_stepping_needs_another_method_and_one_time() -> None:
    end = sn.RunSim(cells(), 20.0, method="tsit5", return_state=True)[1]
    with pytest.raises(errors.ModelError, match="chooses its own steps") as caught:
        sn.StepSim(end)
    assert "exp_euler" in caught.value.mend
    with pytest.raises(errors.ModelError, match="chooses its own steps"):
        sn.UpdVolt(cells(), method="tsit5")
    apart = sn.AdaptDT(sn.AdaptDT(end))
    with pytest.raises(errors.DataError, match="different times"):
        sn.StepSim(apart, method="rk4")


# -- edges -------------------------------------------------------------------------------------------


def pulsed() -> xr.Dataset:
    params = {"model": "passive", "C": 1.0, "gL": xr.DataArray([0.05, 0.1, 0.5], dims="g"), "EL": -65.0}
    return sn.InjCur(sn.InitNeu(params), sn.pulses(40.0, 0.05, 7.3, start=3.21, count=11))


def test_no_pulse_is_missed() -> None:
    """However short pulses are beside the steps: the voltage at the end against the closed form."""
    run, end = sn.RunSim(pulsed(), 90.0, method="tsit5", return_state=True)
    rate = end.gL.values / 1.0
    starts = 3.21 + 7.3 * np.arange(11)
    gone = np.exp(-np.outer(rate, 90.0 - starts - 0.05)) - np.exp(-np.outer(rate, 90.0 - starts))
    np.testing.assert_allclose(end.v, -65.0 + 40.0 / end.gL.values * gone.sum(1), atol=2e-3)
    assert (run.steps_accepted > 22).all()
    assert (run.steps_accepted < 90).all()


def test_every_edge_is_met_and_none_is_stepped_over() -> None:
    edges = np.sort(np.concatenate([3.21 + 7.3 * np.arange(4), 3.26 + 7.3 * np.arange(4)]))
    _, seen = attempts(pulsed(), 30.0)
    times = np.array([[0.0] * 3, *(s.t.values for s in seen)])
    for k in range(3):
        own = np.unique(times[:, k])
        hits = np.abs(own[:, None] - edges).min(0)
        assert hits.max() < 1e-12
        inside = (own[:-1, None] < edges - 1e-9) & (own[1:, None] > edges + 1e-9)
        assert not inside.any()


def test_samples_of_noise_are_not_stepped_over() -> None:
    held = xr.DataArray([0.0, 9.0, -3.0, 7.0, 0.0], dims="time", coords={"time": np.arange(5) * 4.0})
    quiet = sn.InitNeu({"model": "passive", "EL": -65.0})
    for hold in (True, False):
        cell = sn.InjCur(quiet, sn.replay(held.assign_attrs(units="uA/cm2"), start=2.0, hold=hold))
        _, seen = attempts(cell, 25.0)
        own = np.array([0.0, *(float(s.t) for s in seen)])
        samples = 2.0 + 4.0 * np.arange(6 if hold else 5)
        assert np.abs(own[:, None] - samples).min(0).max() < 1e-12
        end = sn.RunSim(cell, 25.0, method="tsit5", return_state=True)[1]
        exact = sn.RunSim(cell, 25.0, 0.001, "rk4", return_state=True)[1]
        assert end.v.item() == pytest.approx(exact.v.item(), abs=2e-3)


# -- samples and features ----------------------------------------------------------------------------


@pytest.fixture(scope="module")
def recorded() -> xr.Dataset:
    return sn.RunSim(cells(), 40.0, 0.1, "tsit5", record=RECORD, every=2, features=FEATURES)


@pytest.fixture(scope="module")
def close() -> xr.Dataset:
    return sn.RunSim(cells(), 40.0, 0.1, "tsit5", record=RECORD, every=2, features=FEATURES, rtol=1e-8)


@pytest.fixture(scope="module")
def exact() -> xr.Dataset:
    return sn.RunSim(cells(), 40.0, 0.002, "rk4", record=RECORD, every=100, features=FEATURES)


def test_samples_lie_on_the_grid(recorded: xr.Dataset, close: xr.Dataset, exact: xr.Dataset) -> None:
    np.testing.assert_allclose(recorded.time, np.arange(201) * 0.2, atol=1e-12)
    np.testing.assert_allclose(recorded.v, exact.v, atol=0.05)
    np.testing.assert_allclose(recorded.i_na, exact.i_na, atol=2.0)
    np.testing.assert_allclose(close.v, exact.v, atol=2e-4)
    np.testing.assert_allclose(close.i_na, exact.i_na, atol=2e-3)


def test_currents_belong_to_the_states_beside_them(recorded: xr.Dataset) -> None:
    end = sn.RunSim(cells(), 40.0, 0.1, "tsit5", return_state=True)[1]
    np.testing.assert_array_equal(recorded.v[:, -1], end.v)
    now = sn.IonDyn(end).current.sel(channel="na")
    np.testing.assert_allclose(recorded.i_na[:, -1], now, rtol=1e-9)
    assert recorded.i_na.attrs["units"] == "uA/cm2"


def test_features_mean_what_they_say(recorded: xr.Dataset, close: xr.Dataset, exact: xr.Dataset) -> None:
    """Extremes between samples too; the mean is the integral over time, where steps of one size sum their starts."""
    assert (recorded.v_max >= recorded.v.max("time") - 1e-3).all()
    mean = exact.v_mean + 0.001 / 40.0 * (exact.v[:, -1] - exact.v[:, 0])
    for run, far in ((recorded, 1.0), (close, 1e-2)):
        np.testing.assert_allclose(run.v_max, exact.v_max, atol=0.02 * far)
        np.testing.assert_allclose(run.v_min, exact.v_min, atol=0.02 * far)
        np.testing.assert_allclose(run.v_mean, mean, atol=5e-3 * far)
        np.testing.assert_allclose(run.i_na_min, exact.i_na_min, rtol=0.01 * far)


def test_recording_changes_nothing(recorded: xr.Dataset) -> None:
    plain = sn.RunSim(cells(), 40.0, 0.1, "tsit5")
    np.testing.assert_array_equal(plain.spike_time, recorded.spike_time)
    np.testing.assert_array_equal(plain.steps_accepted, recorded.steps_accepted)


def test_traces_of_some_neurons(recorded: xr.Dataset) -> None:
    some = sn.RunSim(cells(), 40.0, 0.1, "tsit5", record=RECORD, every=2, record_at={"I": [10.0]}, features=FEATURES)
    np.testing.assert_array_equal(some.v[0], recorded.v.sel(I=10.0))
    np.testing.assert_array_equal(some.spike_time, recorded.spike_time)


def test_a_duration_of_nothing() -> None:
    run, end = sn.RunSim(cells(), 0.0, 0.1, "tsit5", record=RECORD, every=2, features=FEATURES, return_state=True)
    assert run.sizes["time"] == 1
    np.testing.assert_array_equal(run.v, -65.0)
    assert (run.steps_accepted == 0).all()
    assert run.v_mean.isnull().all()
    np.testing.assert_array_equal(end.v, -65.0)


def test_what_was_done_is_written_down(recorded: xr.Dataset) -> None:
    assert {k: recorded.attrs[k] for k in ("method", "rtol", "dt", "duration")} == {
        "method": "tsit5", "rtol": 1e-5, "dt": 0.1, "duration": 40.0,
    }  # fmt: skip
    own = sn.RunSim(cells(), 5.0, method="tsit5", rtol=1e-6, atol={"m": 1e-4, "v": "1 uV"}, max_step=0.3)
    assert json.loads(own.attrs["atol"]) == {"m": 1e-4, "v": pytest.approx(1e-3)}
    assert (own.steps_accepted >= 5.0 / 0.3).all()


# -- points that never end ---------------------------------------------------------------------------


def test_a_stiff_point_is_given_up_and_its_neighbours_do_not_know() -> None:
    """Gates of a microsecond at 60 degrees: 500 attempts are over long before 30 ms are."""
    alone = sn.RunSim(cells(), 30.0, method="tsit5")
    celsius = xr.DataArray([6.3, 60.0, 6.3, 60.0, 6.3], dims="point")
    mixed = {"model": "hh", "v": -65.0, "celsius": celsius, "I": xr.DataArray([0.0, 9.0, 6.3, 5.0, 10.0], dims="point")}
    run, end = sn.RunSim(sn.InitNeu(mixed), 30.0, method="tsit5", max_attempts=500, return_state=True)
    np.testing.assert_array_equal(run.status, np.where(celsius > 6.3, sn.Status.TIMEOUT, sn.Status.OK))
    assert ((run.first_bad_time[[1, 3]] > 0.0) & (run.first_bad_time[[1, 3]] < 30.0)).all()
    assert run.spike_count[[1, 3]].isnull().all()
    assert end.v[[1, 3]].isnull().all()
    good = run.isel(point=[0, 2, 4])
    np.testing.assert_array_equal(good.steps_accepted, alone.steps_accepted)
    np.testing.assert_array_equal(good.spike_time, alone.spike_time)
    whole = sn.RunSim(sn.InitNeu(mixed), 30.0, method="tsit5")
    assert (whole.status == sn.Status.OK).all()


def test_a_point_that_leaves_its_bounds_is_data() -> None:
    run = sn.RunSim(cells([0.0, -2e5, 10.0]), 20.0, method="tsit5")
    assert run.status.values.tolist() == [sn.Status.OK, sn.Status.OUT_OF_RANGE, sn.Status.OK]
    assert 0.0 < run.first_bad_time.values[1] < 1.0
    assert np.isnan(run.spike_count.values[1])


# -- refusals ----------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("given", "text"),
    [
        ({"rtol": 0.0}, "'rtol'.*no tolerance"),
        ({"rtol": -1e-5}, "'rtol'.*no tolerance"),
        ({"rtol": 1.0}, "'rtol'.*1e-09 to 0.01"),
        ({"rtol": float("nan")}, "'rtol'.*NaN"),
        ({"rtol": True}, "'rtol'"),
        ({"rtol": "small"}, "'rtol'"),
        ({"atol": {"v": float("nan")}}, "'atol'.*NaN"),
        ({"atol": {"v": 0.0}}, "'atol'.*no tolerance of 'v'"),
        ({"atol": {"v": np.inf}}, "'atol'.*no tolerance of 'v'"),
        ({"atol": {"w": 1.0}}, "state 'w' is not known"),
        ({"atol": {"v": "1 nA"}}, "'atol'"),
        ({"atol": 1e-3}, "'atol'.*does not say of which states"),
        ({"max_step": 0.0}, "'max_step'"),
        ({"max_step": "1 mV"}, "'max_step'"),
    ],
)
def test_what_cannot_be_is_refused(given: dict[str, Any], text: str) -> None:
    with pytest.raises(errors.SneuronError, match=text):
        sn.RunSim(cells(), 1.0, method="tsit5", **given)
    with pytest.raises(errors.SneuronError, match=text):
        sn.AdaptDT(cells(), **given)


@pytest.mark.parametrize("attempts", [0, 1.5, True, "many"])
def test_a_number_of_attempts_is_a_whole_number(attempts: Any) -> None:
    with pytest.raises(errors.ParameterError, match="max_attempts"):
        sn.RunSim(cells(), 1.0, method="tsit5", max_attempts=attempts)


@pytest.mark.parametrize("given", [{"rtol": 1e-6}, {"atol": {"v": 1e-3}}, {"max_step": 1.0}, {"max_attempts": 5}])
def test_steps_of_one_size_have_no_tolerance(given: dict[str, Any]) -> None:
    with pytest.raises(errors.ParameterError, match="steps of one size"):
        sn.RunSim(cells(), 1.0, method="rk4", **given)
    with pytest.raises(errors.ParameterError, match="tsit5"):
        sn.RunSim(cells(), 1.0, **given)


def test_other_refusals() -> None:
    with pytest.raises(errors.ParameterError, match="float32"):
        sn.RunSim(cells(), 1.0, method="tsit5", dtype="float32")
    with pytest.raises(errors.ParameterError, match="would be refused"):
        sn.RunSim(cells(), 1.0, method="tsit5", allow_unstable=True)
    with pytest.raises(errors.ModelError, match="is noisy"):
        sn.RunSim(sn.NoiseAdd(cells(), "ou"), 1.0, method="tsit5")
    with pytest.raises(errors.ModelError, match="is noisy"):
        sn.AdaptDT(sn.NoiseAdd(leaky(), "escape"))
    with pytest.raises(errors.ParameterError, match="steps of one size"):
        sn.AdaptDT(cells(), method="rk4")
    with pytest.raises(errors.UnknownNameError, match="tsit5"):
        sn.AdaptDT(cells(), method="tsit55")
    with pytest.raises(errors.DataError, match="dims"):
        sn.AdaptDT(cells(), xr.DataArray([1.0, 2.0], dims="other"))
    with pytest.raises(errors.TimeError, match="NaN"):
        sn.AdaptDT(cells(), xr.DataArray([1.0, np.nan, 2.0], dims="I"))


def test_every_pair_can_be_named() -> None:
    for name, pair in PAIRS.items():
        assert pair.stages[-1] == pair.update
        assert "doi:10." in pair.source
        assert sn.AdaptDT(cells(), method=name).attrs["method"] == name
