"""Studies whose points settle before anything is kept."""

import json
from typing import Any

import numpy as np
import pytest
import xarray as xr

import sneuron as sn
from sneuron.errors import PlanError, TimeError
from sneuron.explore.engine import Neurons
from sneuron.explore.filed import run_again
from sneuron.explore.plan import Plan

CURRENTS = [0.0, 8.0, 10.0]
OUTPUTS = {"rate": sn.FireRate, "peak": "v_max", "first": "v_first", "latency": "Latency"}


def sweep(**more: Any) -> Any:
    settings: dict[str, Any] = {"model": "hh", "duration": 60, "settle": 40, "outputs": OUTPUTS, "scheduler": "inline"}
    return sn.ParamSweep({"I": CURRENTS}, **(settings | more))


@pytest.fixture(scope="module")
def whole() -> Any:
    """The same neurons, run without a break."""
    return sn.RunSim(sn.InitNeu({"model": "hh", "I": CURRENTS}), 100, record=["v"])


@pytest.fixture(scope="module")
def settled() -> Any:
    return sweep().load()


def test_what_is_kept_is_what_happens_after(whole: Any, settled: Any) -> None:
    late = whole.spike_time.where(whole.spike_time >= 40)
    count = late.notnull().sum("spike")
    assert count[2] >= 3
    np.testing.assert_array_equal(settled.spike_count, count)
    np.testing.assert_allclose(settled.rate, count / 0.060)
    np.testing.assert_array_equal(settled.latency, late.min("spike") - 40)
    np.testing.assert_array_equal(settled["first"], whole.v.sel(time=40.0))
    np.testing.assert_array_equal(settled.peak, whole.v.sel(time=slice(40, 99.99)).max("time"))
    assert (settled.attrs["t_start"], settled.attrs["t_stop"], settled.attrs["duration"]) == (40.0, 100.0, 60.0)
    assert settled.rate.attrs["t_start"] == 40.0


def test_traces_begin_when_it_is_over(whole: Any) -> None:
    found = sweep(outputs=None, record=["v"], every=8)
    np.testing.assert_allclose(found.time, 40.0 + 0.2 * np.arange(301))
    np.testing.assert_array_equal(found.v, whole.v.sel(time=found.time, method="nearest"))


def test_a_point_is_run_again_with_the_same_bits(whole: Any) -> None:
    plan = Plan.make({"I": CURRENTS}, duration=60, settle=40)
    for cells in ({"I": 10.0}, {"I": xr.DataArray([8.0, 10.0], dims="class")}):
        again = run_again(plan, cells)
        np.testing.assert_array_equal(again.v, whole.v.sel(I=cells["I"], time=slice(40, None)))


def test_who_fails_while_settling_has_failed(settled: Any) -> None:
    found = sn.ParamSweep(
        {"I": [10.0, 1e9]}, model="hh", duration=60, settle=40, outputs=OUTPUTS, scheduler="inline"
    ).load()
    assert found.status.values.tolist() == [1, 3]
    assert 0 < float(found.first_bad_time[1]) < 40
    assert all(np.isnan(found[name][1]) for name in OUTPUTS)
    np.testing.assert_array_equal(found.rate[0], settled.rate[2])


def test_half_the_step_settles_as_long() -> None:
    found = sweep(convergence=3).load()
    fine = sweep(dt=0.0125)
    for name in ("rate", "first"):
        np.testing.assert_allclose(found[f"{name}_error"], np.abs(found[name] - fine[name]).values, atol=1e-12)


def test_energy_is_that_of_the_time_that_is_kept() -> None:
    found = sweep(outputs={"power": sn.EnergyUse}).load()
    _, cells = sn.RunSim(sn.InitNeu({"model": "hh", "I": CURRENTS}), 40, features=[sn.EnergyUse], return_state=True)
    run = sn.RunSim(cells, 60, features=[sn.EnergyUse])
    np.testing.assert_array_equal(found.power, sn.EnergyUse(run).power)


def test_a_plan_without_it_keeps_its_hash() -> None:
    plain, none = (Plan.make({"I": CURRENTS}, duration=60, **more) for more in ({}, {"settle": "0 ms"}))
    assert plain.hash == none.hash
    assert "settled" not in plain.to_json()
    held = Plan.make({"I": CURRENTS}, duration=60, settle="0.04 s")
    assert held.hash != plain.hash
    assert Plan.from_json(json.loads(json.dumps(held.to_json()))) == held
    assert held.time == "60 ms after 40 ms in steps of 0.025 ms"


@pytest.mark.parametrize("settle", [-1.0, float("inf"), 0.01])
def test_what_is_no_time_is_refused(settle: float) -> None:
    with pytest.raises(TimeError):
        sweep(settle=settle)


def test_an_engine_that_cannot_refuses(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(Neurons, "settles", False)
    sweep(settle=0)
    with pytest.raises(PlanError, match="keeps all that it simulates"):
        sweep()
