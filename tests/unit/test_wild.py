"""Wild parameters, diverging runs and unstable steps are told, and harm no neighbour; single precision holds bounds."""

import numpy as np
import pytest
import xarray as xr

import sneuron as sn
from sneuron.core.session import Session
from sneuron.lang.model import load_channel, load_model
from sneuron.lang.spec import Neuron, Param, State

DTYPES = ["float64", "float32"]


def moved(model: str, v: list[float], dtype: str, dt: float, **start: float) -> xr.Dataset:
    """Gates after one step at constant voltages, from the very kernel, in any precision."""
    state = sn.InitNeu({"model": model, "v": xr.DataArray(np.array(v), dims="voltage"), **start})
    session = Session(state, "test", dt, "exp_euler", dtype, unstable=True)
    session.view("gates")
    return xr.Dataset({x: ("voltage", session.lanes.get(x).astype(float)) for x in session.model.gates})


def closed_form(alpha: float, beta: float, start: float, dt: float) -> float:
    inf = alpha / (alpha + beta)
    return float(inf + (start - inf) * np.exp(-dt * (alpha + beta)))


@pytest.mark.parametrize("dtype", DTYPES)
@pytest.mark.parametrize("dt", [0.01, 0.5, 20.0])
def test_rates_are_exact_at_minus_40_and_minus_55(dtype: str, dt: float) -> None:
    found = moved("hh", [-40.0, -55.0], dtype, dt, m=0.1, n=0.2)
    m = closed_form(1.0, 4.0 * np.exp(-25.0 / 18.0), 0.1, dt)
    n = closed_form(0.1, 0.125 * np.exp(-10.0 / 80.0), 0.2, dt)
    tolerance = 1e-14 if dtype == "float64" else 3e-7
    assert float(found.m[0]) == pytest.approx(m, rel=tolerance)
    assert float(found.n[1]) == pytest.approx(n, rel=tolerance)


@pytest.mark.parametrize("dtype", DTYPES)
@pytest.mark.parametrize(("gate", "at"), [("m", -40.0), ("n", -55.0)])
def test_rates_are_smooth_across_the_singular_voltage(dtype: str, gate: str, at: float) -> None:
    eps = np.finfo(dtype).eps
    steps = np.array([0.0, *(s * at * eps * 2.0**k for k in range(12) for s in (-1, 1)), -1e-3, 1e-3, -0.1, 0.1])
    found = moved("hh", list(at + steps), dtype, 0.1, **{gate: 0.3})[gate].values
    assert np.isfinite(found).all()
    assert np.abs(found - found[0]).max() < 2e-3
    near = np.abs(steps) < 1e-3 if dtype == "float64" else np.abs(steps) < 1e-4
    assert np.abs(found[near] - found[0]).max() < max(2e-5, 8 * eps)


@pytest.mark.parametrize("dtype", DTYPES)
@pytest.mark.parametrize("v", [-40.0, -55.0, -35.0, -65.0, 0.0])
def test_runs_that_start_and_stay_at_a_singular_voltage(dtype: str, v: float) -> None:
    cell = sn.InitNeu({"model": "hh", "v": v, "C": [1.0, 1000.0], "I": [0.0, 10.0]})
    run = sn.RunSim(cell, 5.0, 0.025, dtype=dtype, record=["v", "m", "h", "n", "i_na"])
    assert (run.status == int(sn.Status.OK)).all()
    assert all(np.isfinite(run[name]).all() for name in ("v", "m", "h", "n", "i_na"))


@pytest.mark.parametrize("channel", ["na_hh", "k_hh", "ca_l_ohmic", "ca_l_ghk", "ca_t_ohmic", "ca_t_ghk"])
def test_currents_are_finite_and_smooth_over_all_voltages(channel: str) -> None:
    function = {"na": sn.NaCur, "k": sn.KCur, "ca": sn.CaCur}[load_channel(channel).ion]
    v = np.concatenate([np.linspace(-150.0, 100.0, 50_001), [-40.0, -55.0, -27.0, 0.0]])
    i = function(v, channel=channel).values
    assert np.isfinite(i).all()
    grid = i[:50_001]
    assert np.abs(np.diff(grid, 2)).max() < 1e-4 * np.abs(grid).max() + 1e-9


@pytest.mark.parametrize("channel", ["ca_l_ghk", "ca_t_ghk"])
def test_ghk_current_at_zero_voltage(channel: str) -> None:
    """The limit P z F ([in] - [out]) times the gates, and no jump around it."""
    gates = dict.fromkeys(load_channel(channel).gates, 1.0)
    values = {n: p.value for n, p in load_channel(channel).params.items()}
    at, left, right = sn.CaCur([0.0, -1e-7, 1e-7], channel=channel, **gates).values
    assert at == pytest.approx(values["P"] * 2 * 96485.33212 * (values["cai"] - values["cao"]), rel=1e-13)
    assert left == pytest.approx(at, rel=1e-7)
    assert right == pytest.approx(at, rel=1e-7)


# -- wild parameters ---------------------------------------------------------------------------------

WILD = 10_000
DURATION = {
    "hh": (10.0, 0.025), "adex": (30.0, 0.05), "lif": (30.0, 0.1), "passive": (10.0, 0.1),
    "izhikevich": (20.0, 0.05), "izhikevich_2003": (60.0, 1.0),
}  # fmt: skip
GENTLE = {"I": (-2000.0, 2000.0), "t_ref": (0.0, 10.0), "celsius": (-10.0, 60.0)}
SIMPLE = {"I": (-100.0, 100.0), "a": (0.0, 0.5), "b": (-1.0, 1.0), "d": (-10.0, 10.0)}


def wild(model: str) -> xr.Dataset:
    """Points anywhere within the bounds of the library, mostly over decades."""
    rng = np.random.default_rng(5)
    values = {}
    for name, param in load_model(model).params.items():
        if name.startswith("spike_"):
            continue
        gentle = GENTLE | (SIMPLE if model.startswith("izh") else {})
        low, high = gentle.get(name, (max(param.low, -1e4), min(param.high, 1e4)))
        if low >= 0 and high / max(low, 1e-3) > 100:
            draw = np.exp(rng.uniform(np.log(max(low, 1e-3)), np.log(high), WILD))
        else:
            draw = rng.uniform(low, high, WILD)
        values[name] = xr.DataArray(draw, dims="point")
    state = {"v": xr.DataArray(rng.uniform(-120.0, 60.0, WILD), dims="point")} if model == "hh" else {}
    return sn.InitNeu({"model": model, **values, **state})


@pytest.mark.parametrize("dtype", DTYPES)
@pytest.mark.parametrize("model", DURATION)
def test_wild_parameters_are_numbers_or_flagged(model: str, dtype: str) -> None:
    duration, dt = DURATION[model]
    run, ended = sn.RunSim(
        wild(model), duration, dt, dtype=dtype, features=["v_max"], allow_unstable=True, return_state=True, spikes=False
    )
    ok = (run.status == int(sn.Status.OK)).values
    flagged = run.status.isin([int(s) for s in (sn.Status.DIVERGED, sn.Status.OUT_OF_RANGE, sn.Status.OVERFLOW)]).values
    assert (ok ^ flagged).all()
    assert ok.sum() > 50
    for name in ("spike_count", "v_max"):
        assert np.isfinite(run[name].values[ok]).all()
        assert np.isnan(run[name].values[flagged]).all()
    assert np.isnan(run.first_bad_time.values[ok]).all()
    bad = run.first_bad_time.values[flagged]
    assert ((bad >= 0) & (bad <= duration * (1 + 1e-9))).all()
    for state in load_model(model).states:
        assert np.isfinite(ended[state].values[ok]).all()
        assert np.isnan(ended[state].values[flagged]).all()
        if state in load_model(model).gates:
            beyond = 4 * float(np.finfo(dtype).eps)
            assert ((ended[state].values[ok] >= -beyond) & (ended[state].values[ok] <= 1 + beyond)).all()


# -- steps that are too large ------------------------------------------------------------------------


@pytest.mark.parametrize("method", ["euler", "heun", "midpoint", "rk4", "rush_larsen", "exp_euler", "exp_midpoint"])
def test_a_step_beyond_stability_is_refused_with_its_limit(method: str) -> None:
    cell = sn.InitNeu({"model": "hh", "I": [0.0, 10.0]})
    with pytest.raises(sn.SneuronError) as refused:
        sn.RunSim(cell, 100.0, 1.0, method)
    text = str(refused.value)
    assert "1 ms is beyond what" in text
    assert repr(method) in text
    assert "the fastest time constant is 0.2" in text
    assert "Possible: up to 0." in text
    assert "allow_unstable=True" in text


def test_the_stated_limit_is_accepted_and_a_little_more_is_not() -> None:
    cell = sn.InitNeu({"model": "izhikevich", "v": -65.0})
    with pytest.raises(sn.SneuronError) as refused:
        sn.RunSim(cell, 100.0, 50.0, "euler")
    limit = float(str(refused.value).split("Possible: up to ")[1].split(" ms")[0])
    dt = 0.99 * limit
    assert (sn.RunSim(cell, 10 * dt, dt, "euler").status != int(sn.Status.NOT_RUN)).all()
    with pytest.raises(sn.SneuronError, match="beyond what"):
        sn.RunSim(cell, 10.1 * limit, 1.01 * limit, "euler")


def test_one_stiff_neuron_among_many_is_found() -> None:
    c = np.ones(5000)
    c[3217] = 0.02
    cell = sn.InitNeu({"model": "hh", "C": xr.DataArray(c, dims="point")})
    with pytest.raises(sn.SneuronError, match="beyond what"):
        sn.RunSim(cell, 10.0, 0.1, "euler")


def test_an_unstable_step_may_be_allowed_and_the_result_says_so() -> None:
    cell = sn.InitNeu({"model": "hh", "I": 10.0})
    run, ended = sn.RunSim(cell, 100.0, 1.0, "euler", allow_unstable=True, return_state=True)
    assert run.attrs["allow_unstable"] == 1
    assert run.status.item() in (int(sn.Status.DIVERGED), int(sn.Status.OUT_OF_RANGE))
    assert np.isnan(run.spike_count.item())
    assert np.isnan(ended.v.item())
    assert sn.RunSim(cell, 1.0, 0.025).attrs["allow_unstable"] == 0


def test_another_method_is_checked_again() -> None:
    cell = sn.RunSim(sn.InitNeu("hh"), 2.0, 0.5, "rk4", return_state=True)[1]
    with pytest.raises(sn.SneuronError, match="'euler'"):
        sn.RunSim(cell, 2.0, 0.5, "euler")


@pytest.mark.parametrize("dtype", DTYPES)
def test_a_diverging_neuron_is_told_with_its_time_and_harms_no_neighbour(dtype: str) -> None:
    currents = np.where(np.arange(40) % 5 == 2, 60.0, np.linspace(0.0, 2.0, 40))
    cell = sn.InitNeu({"model": "hh", "I": xr.DataArray(currents, dims="point")})
    run = sn.RunSim(cell, 60.0, 0.2, "euler", record=["v"], features=["v_max"], dtype=dtype)
    failed = run.status.values != int(sn.Status.OK)
    np.testing.assert_array_equal(failed, np.arange(40) % 5 == 2)
    assert (run.status.values[failed] == int(sn.Status.OUT_OF_RANGE)).all()
    bad = run.first_bad_time.values[failed]
    assert ((bad > 0) & (bad < 60.0)).all()
    trace = run.v.values
    for row, when in zip(trace[failed], bad, strict=True):
        assert np.isnan(row[run.time.values >= when - 1e-9]).all()
        assert np.isfinite(row[run.time.values < when - 1e-9]).all()
    alone = sn.InitNeu({"model": "hh", "I": xr.DataArray(currents[~failed], dims="point")})
    calm = sn.RunSim(alone, 60.0, 0.2, "euler", record=["v"], features=["v_max"], dtype=dtype)
    for name in ("v", "v_max", "spike_count"):
        np.testing.assert_array_equal(run[name].values[~failed], calm[name].values)


def test_not_a_number_is_diverged_and_beyond_bounds_is_out_of_range() -> None:
    beyond = sn.RunSim(sn.InitNeu({"model": "passive", "I": 1e6}), 50.0)
    assert beyond.status.item() == int(sn.Status.OUT_OF_RANGE)
    torn = Neuron(
        name="torn",
        capacitance="C",
        currents={"up": "-g*exp(v/s)", "down": "2*g*exp(v/s)"},
        params={
            "C": Param(1.0, "uF/cm2", 0.1, 10.0), "g": Param(1e-9, "uA/cm2"), "s": Param(0.1, "mV", 0.01, 1.0),
        },
        voltage=State("mV", "0"),
        source="own choice: infinite currents against each other",
    )  # fmt: skip
    run = sn.RunSim(sn.InitNeu({"model": torn, "I": [0.0, 1000.0]}), 1.0, 0.1, "euler", allow_unstable=True)
    np.testing.assert_array_equal(run.status, [int(sn.Status.OK), int(sn.Status.DIVERGED)])
    assert run.first_bad_time[1] == pytest.approx(0.2)


def test_a_state_that_failed_stays_failed() -> None:
    cell = sn.InitNeu({"model": "hh", "I": [0.0, 60.0]})
    ended = sn.RunSim(cell, 20.0, 0.2, "euler", return_state=True)[1]
    again = sn.RunSim(ended, 20.0, 0.2, "euler")
    np.testing.assert_array_equal(again.status, [int(sn.Status.OK), int(sn.Status.DIVERGED)])
    assert again.first_bad_time[1] == pytest.approx(20.2)


def test_more_spikes_in_a_step_than_can_be_is_overflow() -> None:
    run = sn.RunSim(sn.InitNeu({"model": "lif", "I": [1000.0, 5e6], "t_ref": 0.0}), 10.0, 1.0)
    np.testing.assert_array_equal(run.status, [int(sn.Status.OK), int(sn.Status.OVERFLOW)])
    assert run.first_bad_time[1] == 0.0
    assert np.isnan(run.spike_time[1]).all()


# -- single against double precision -----------------------------------------------------------------


@pytest.mark.parametrize(
    ("model", "currents", "dt", "duration", "bound"),
    [
        ("hh", [7.0, 10.0, 20.0, 50.0], 0.025, 200.0, 0.02),
        ("lif", [400.0, 500.0, 1000.0], 0.1, 200.0, 0.005),
        ("adex", [700.0, 900.0, 1500.0], 0.05, 200.0, 0.05),
        ("izhikevich", [5.0, 10.0, 15.0], 0.05, 200.0, 0.05),
    ],
)
def test_single_precision_agrees_within_its_bound(
    model: str, currents: list[float], dt: float, duration: float, bound: float
) -> None:
    cell = sn.InitNeu({"model": model, "I": currents})
    wide, narrow = (sn.RunSim(cell, duration, dt, dtype=d, features=["v_mean"]) for d in ("float64", "float32"))
    np.testing.assert_array_equal(narrow.spike_count, wide.spike_count)
    assert float(np.abs(narrow.spike_time - wide.spike_time).max()) < bound
    np.testing.assert_allclose(narrow.v_mean, wide.v_mean, atol=0.02)
    assert narrow.attrs["dtype"] == "float32"


def test_single_precision_below_threshold() -> None:
    cell = sn.InitNeu({"model": "hh", "I": [0.0, 1.0, 2.0]})
    wide, narrow = (sn.RunSim(cell, 50.0, 0.01, dtype=d, record=["v", "m"]) for d in ("float64", "float32"))
    assert narrow.v.dtype == np.float32
    np.testing.assert_allclose(narrow.v, wide.v, atol=2e-3)
    np.testing.assert_allclose(narrow.m, wide.m, atol=2e-5)
