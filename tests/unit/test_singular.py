"""Removable singularities, wide parameters, steps beyond stability, runs that fail beside runs that do not, float32."""

import numpy as np
import pytest
import xarray as xr

from sneuron import errors
from sneuron.core.parts import IonDyn, UpdGate
from sneuron.core.run import RunSim, StepSim
from sneuron.core.state import InitNeu
from sneuron.labels import Status
from sneuron.lang.build import inlined
from sneuron.lang.expr import numpy_value
from sneuron.lang.model import load_model, neurons

TYPES = ["float64", "float32"]


# -- removable singularities ------------------------------------------------------------------------


@pytest.mark.parametrize("dtype", TYPES)
@pytest.mark.parametrize(("v", "gate", "alpha"), [(-40.0, "m", 1.0), (-55.0, "n", 0.1)])
def test_rates_at_their_singular_voltage(v: float, gate: str, alpha: float, dtype: str) -> None:
    """From 0 a gate moves by alpha/(alpha+beta) (1 - exp(-(alpha+beta) dt))."""
    beta = {"m": 4 * np.exp(-25 / 18), "n": 0.125 * np.exp(-10 / 80)}[gate]
    state = InitNeu({"model": "hh", "v": v, gate: 0.0, "gNa": 0.0, "gK": 0.0, "gL": 0.0})
    dt = 0.05
    expected = alpha / (alpha + beta) * -np.expm1(-(alpha + beta) * dt)
    moved = StepSim(state, dt, method="rush_larsen", dtype=dtype)
    assert float(moved[gate]) == pytest.approx(expected, rel=1e-14 if dtype == "float64" else 1e-6)
    if dtype == "float64":
        assert float(UpdGate(state, dt, "rush_larsen")[gate]) == float(moved[gate])


@pytest.mark.parametrize("dtype", TYPES)
@pytest.mark.parametrize("v", [-40.0, -55.0])
def test_steps_are_smooth_across_the_singular_voltage(v: float, dtype: str) -> None:
    eps = 1e-12 if dtype == "float64" else 1e-5
    around = v + eps * np.arange(-40.0, 41.0)
    state = StepSim(InitNeu({"model": "hh", "v": around, "m": 0.5, "h": 0.5, "n": 0.5}), 0.025, dtype=dtype)
    for name in ("v", "m", "h", "n"):
        values = state[name].values
        assert np.isfinite(values).all()
        assert np.ptp(values - np.linspace(values[0], values[-1], 81)) < (1e-13 if dtype == "float64" else 2e-5)


@pytest.mark.parametrize("v", [-40.0, -55.0])
def test_gates_start_at_the_singular_voltage(v: float) -> None:
    state, beside = InitNeu({"model": "hh", "v": v}), InitNeu({"model": "hh", "v": v + 1e-9})
    for gate in ("m", "h", "n"):
        assert float(state[gate]) == pytest.approx(float(beside[gate]), rel=1e-9)


@pytest.mark.parametrize("dtype", TYPES)
@pytest.mark.parametrize("name", [*neurons, "izhikevich_2003"])
def test_whole_voltages_give_numbers_in_every_model(name: str, dtype: str) -> None:
    """Any whole or half millivolt: where textbook rates are 0/0."""
    model = load_model(name)
    given = {"model": name} | ({"scale_v": 60.0} if "scale_v" in model.params else {})
    values = {n: p.value for n, p in model.params.items()} | model.start_values()
    level = float(numpy_value(inlined(model.threshold, model.functions), values))
    state = InitNeu({**given, "v": np.arange(-120.0, 60.0 if model.kind == "crossing" else level - 0.5, 0.5)})
    moved, end = RunSim(state, model.dt, model.dt, dtype=dtype, return_state=True, allow_unstable=True)
    assert (moved.status == Status.OK).all()
    for x in model.states:
        assert np.isfinite(end[x]).all()


@pytest.mark.parametrize("dtype", TYPES)
def test_a_batch_that_passes_through_the_singular_voltage_loses_no_run(dtype: str) -> None:
    start = np.concatenate([np.full(500, -40.0), np.full(500, -55.0)])
    run = RunSim(InitNeu({"model": "hh", "I": 10.0, "v": start}), 5, 0.01, dtype=dtype)
    assert (run.status == Status.OK).all()
    assert len(np.unique(run.spike_count[:500])) == 1


def test_currents_of_steady_gates_at_singular_voltages() -> None:
    """Steady currents of Hodgkin & Huxley 1952, computed from the published rates with their limits put in by hand."""
    found = IonDyn(InitNeu({"model": "hh", "v": [-40.0, -55.0]}))
    m, n = 1 / (1 + 4 * np.exp(-25 / 18)), 0.1 / (0.1 + 0.125 * np.exp(-10 / 80))
    ah, bh = 0.07 * np.exp(-25 / 20), 1 / (1 + np.exp(0.5))
    assert float(found.current.sel(channel="na")[0]) == pytest.approx(120 * m**3 * ah / (ah + bh) * -90, rel=1e-13)
    assert float(found.current.sel(channel="k")[1]) == pytest.approx(36 * n**4 * 22, rel=1e-13)


# -- wide parameters --------------------------------------------------------------------------------


def scattered(n: int, seed: int) -> dict[str, xr.DataArray]:
    """Points over all of the bounds that the model allows, many orders of magnitude wide."""
    rng = np.random.default_rng(seed)
    wide = {
        "C": 10 ** rng.uniform(-2, 3, n),
        "gNa": 10 ** rng.uniform(-2, 4, n),
        "gK": 10 ** rng.uniform(-2, 4, n),
        "gL": 10 ** rng.uniform(-3, 2, n),
        "I": rng.normal(0, 10 ** rng.uniform(0, 4, n)),
        "v": rng.uniform(-150, 100, n),
    }
    return {k: xr.DataArray(x, dims="point") for k, x in wide.items()}


@pytest.mark.parametrize("dtype", TYPES)
@pytest.mark.parametrize("method", ["exp_euler", "euler"])
def test_wide_parameters_give_numbers_or_are_flagged(method: str, dtype: str) -> None:
    state = InitNeu({"model": "hh", **scattered(10_000, seed=4)})
    run, end = RunSim(
        state, 5, 0.025, method, dtype=dtype, allow_unstable=True, features=["v_mean", "v_max"], return_state=True
    )
    ok = run.status == Status.OK
    assert int(ok.sum()) > 1000
    failed = ~ok
    assert set(np.unique(run.status)) <= {int(Status.OK), int(Status.DIVERGED), int(Status.OUT_OF_RANGE)}
    for name in ("spike_count", "v_mean", "v_max"):
        assert np.isfinite(run[name].where(ok, 0)).all()
        assert np.isnan(run[name].where(failed)).all()
    for name in ("v", "m", "h", "n"):
        assert np.isfinite(end[name].where(ok, 0)).all()
        assert np.isnan(end[name].where(failed)).all()
    assert (run.first_bad_time.isnull() == ok).all()
    bad = run.first_bad_time.where(failed, drop=True)
    assert ((bad > 0) & (bad <= 5.0 + 1e-9)).all()
    assert np.isnan(run.spike_time.where(failed)).all()
    if method == "euler":
        assert int(failed.sum()) > 100


@pytest.mark.parametrize("name", ["adex", "izhikevich", "lif", "passive"])
def test_wide_parameters_of_the_other_models(name: str) -> None:
    rng = np.random.default_rng(8)
    given = {"I": rng.normal(0, 10 ** rng.uniform(0, 6, 2000)), "v": rng.uniform(-90, -60, 2000)}
    if name == "adex":
        given |= {"DT": 10 ** rng.uniform(-1, 2, 2000), "C": 10 ** rng.uniform(-1, 4, 2000)}
    state = InitNeu({"model": name, **{k: xr.DataArray(x, dims="point") for k, x in given.items()}})
    run, end = RunSim(state, 20, allow_unstable=True, return_state=True)
    ok = run.status == Status.OK
    assert int(ok.sum()) > 200
    assert np.isfinite(end.v.where(ok, 0)).all()
    assert np.isnan(end.v.where(~ok)).all()
    assert (run.first_bad_time.isnull() == ok).all()


# -- steps beyond stability -------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("name", "method", "dt"),
    [("hh", "euler", 0.5), ("hh", "exp_euler", 1.0), ("hh", "rk4", 0.7), ("adex", "euler", 25)],
)
def test_a_step_beyond_stability_is_refused_with_the_limit(name: str, method: str, dt: float) -> None:
    cell = InitNeu({"model": name})
    for simulate in (lambda: RunSim(cell, 10 * dt, dt, method), lambda: StepSim(cell, dt, method=method)):
        with pytest.raises(errors.TimeError, match=r"the fastest time constant is .* ms.*Possible: up to") as refused:
            simulate()
        limit = float(refused.value.possible.split()[2])
        assert 0 < limit < dt
        assert "allow_unstable=True" in refused.value.mend
    StepSim(cell, 0.99 * limit, method=method)
    with pytest.raises(errors.TimeError):
        StepSim(cell, 1.01 * limit, method=method)


def test_one_fast_neuron_among_slow_ones_is_seen() -> None:
    slow = np.full(5000, 1.0)
    slow[4321] = 0.01
    cell = InitNeu({"model": "passive", "C": xr.DataArray(slow, dims="point")})
    RunSim(InitNeu({"model": "passive", "C": xr.DataArray(np.ones(50), dims="point")}), 10, 1.0, "euler")
    with pytest.raises(errors.TimeError, match=r"fastest time constant is 0\.1 ms"):
        RunSim(cell, 10, 1.0, "euler")


def test_an_allowed_step_is_recorded_and_stays_recorded() -> None:
    cell = InitNeu({"model": "passive"})
    plain, calm = RunSim(cell, 10, 1.0, "euler", return_state=True)
    assert plain.attrs["allow_unstable"] == 0
    assert calm.attrs["allow_unstable"] == 0
    run, end = RunSim(cell, 100, 25.0, "euler", allow_unstable=True, return_state=True)
    assert run.attrs["allow_unstable"] == 1
    assert RunSim(end, 100).attrs["allow_unstable"] == 1
    assert StepSim(end).attrs["allow_unstable"] == 1


def test_the_exact_method_knows_no_limit() -> None:
    cell = InitNeu({"model": "lif", "I": 300.0})
    _, coarse = RunSim(cell, 1000, 500.0, return_state=True)
    _, fine = RunSim(cell, 1000, 0.1, return_state=True)
    assert float(coarse.v) == pytest.approx(float(fine.v), rel=1e-9)


# -- failures among others --------------------------------------------------------------------------


@pytest.mark.parametrize("dtype", TYPES)
def test_a_diverging_run_is_flagged_and_its_neighbours_untouched(dtype: str) -> None:
    """gK so large that Euler's method oscillates ever more; every other neuron keeps its bits."""
    g = np.full(100, 36.0)
    wild = [3, 31, 32, 64, 99]
    g[wild] = 5000.0
    cell = InitNeu({"model": "hh", "I": 10.0, "gK": xr.DataArray(g, dims="point")})
    calm = InitNeu({"model": "hh", "I": 10.0, "gK": xr.DataArray(np.full(100, 36.0), dims="point")})
    options = {"record": ["v"], "features": ["v_mean"], "dtype": dtype, "return_state": True}
    run, end = RunSim(cell, 50, 0.05, "euler", allow_unstable=True, **options)
    alone, after = RunSim(calm, 50, 0.05, "euler", **options)
    flagged = np.isin(run.status, [int(Status.DIVERGED), int(Status.OUT_OF_RANGE)])
    np.testing.assert_array_equal(np.flatnonzero(flagged), wild)
    others = np.setdiff1d(np.arange(100), wild)
    for name in ("v", "spike_time", "spike_count", "v_mean"):
        np.testing.assert_array_equal(run[name][others], alone[name][others])
    np.testing.assert_array_equal(end.v[others], after.v[others])
    for k in wild:
        trace, when = run.v[k], float(run.first_bad_time[k])
        assert 0 < when < 50
        np.testing.assert_array_equal(np.isnan(trace), run.time > when - 0.025)
        assert np.isnan(run.spike_count[k])
        assert np.isnan(run.spike_time[k]).all()
        assert np.isnan(end.v[k])


def test_a_failed_neuron_stays_failed() -> None:
    cell = InitNeu({"model": "hh", "I": 10.0, "gK": [36.0, 5000.0]})
    first, end = RunSim(cell, 20, 0.05, "euler", allow_unstable=True, return_state=True)
    second, last = RunSim(end, 20, allow_unstable=True, return_state=True)
    assert first.status.values[0] == second.status.values[0] == Status.OK
    assert second.status.values[1] != Status.OK
    assert float(second.first_bad_time[1]) == pytest.approx(20.0, abs=0.051)
    assert np.isnan(last.v.values[1])
    with pytest.raises(errors.ParameterError, match="failed points"):
        InitNeu(end)


def test_a_failure_in_the_very_last_step_is_seen() -> None:
    cell = InitNeu({"model": "hh", "I": 10.0, "gK": 5000.0})
    whole = RunSim(cell, 20, 0.05, "euler", allow_unstable=True)
    steps = round(float(whole.first_bad_time) / 0.05)
    for n in range(steps - 1, steps + 2):
        run, end = RunSim(cell, n * 0.05, 0.05, "euler", allow_unstable=True, return_state=True)
        assert (int(run.status) != Status.OK) == bool(np.isnan(end.v))
        assert (int(run.status) != Status.OK) == (n >= steps)


def test_too_many_spikes_in_one_step_overflow() -> None:
    cell = InitNeu({"model": "lif", "t_ref": 0.0, "I": [500.0, 1e7]})
    run = RunSim(cell, 10, 1.0)
    assert run.status.values.tolist() == [Status.OK, Status.OVERFLOW]
    assert np.isnan(run.spike_count.values[1])
    assert float(run.first_bad_time[1]) == pytest.approx(0.0, abs=1.0)


# -- float32 ----------------------------------------------------------------------------------------


def test_float32_subthreshold_traces() -> None:
    cell = InitNeu({"model": "hh", "I": np.linspace(-5, 2, 40)})
    wide, narrow = (RunSim(cell, 100, 0.025, record=["v"], dtype=d).v for d in TYPES)
    assert narrow.dtype == np.float32
    assert float(np.abs(wide - narrow).max()) < 2e-3


def test_float32_spike_times() -> None:
    cell = InitNeu({"model": "hh", "I": np.linspace(8, 40, 60)})
    wide, narrow = (RunSim(cell, 200, 0.025, dtype=d) for d in TYPES)
    np.testing.assert_array_equal(wide.spike_count, narrow.spike_count)
    assert float(np.abs(wide.spike_time - narrow.spike_time).max()) < 0.01


@pytest.mark.parametrize(("name", "currents"), [("adex", (700, 1500)), ("lif", (400, 1500)), ("izhikevich", (5, 20))])
def test_float32_counts_of_the_other_models(name: str, currents: tuple[float, float]) -> None:
    cell = InitNeu({"model": name, "I": np.linspace(*currents, 60)})
    wide, narrow = (RunSim(cell, 200, dtype=d) for d in TYPES)
    assert float(np.abs(wide.spike_count - narrow.spike_count).max()) <= 1
    assert float((wide.spike_count != narrow.spike_count).mean()) <= 0.05
    first = np.abs(wide.spike_time - narrow.spike_time).isel(spike=slice(0, 3))
    assert float(first.max()) < 0.01


def test_subnormal_numbers_change_nothing() -> None:
    tiny = np.array([0.0, 5e-324, -5e-324, 1e-310, 2.2e-308])
    given = {"I": xr.DataArray(10 + tiny, dims="point"), "h": xr.DataArray(np.abs(tiny), dims="point")}
    given["gL"] = xr.DataArray(np.abs(tiny[::-1]), dims="point")
    run = RunSim(InitNeu({"model": "hh", **given}), 50, record=["v"])
    for k in range(1, 5):
        np.testing.assert_array_equal(run.v[k], run.v[0])
