"""Studies whose points choose their own steps: plans, files, results."""

import json
from pathlib import Path

import numpy as np
import pytest

import sneuron as sn
from sneuron import errors
from sneuron.explore import studyfile
from sneuron.explore.filed import plan_of
from sneuron.explore.plan import Plan

FILE = """
schema = 1
name = "adaptive"
duration = 50
method = "tsit5"
{more}

[model]
kind = "hh"
I = 10

[space.gNa]
values = [100, 120]

[outputs]
rate = "FireRate"
"""


def plan(**more: object) -> Plan:
    return Plan.make({"gNa": [100.0, 120.0], "I": 10.0}, "hh", **{"duration": 50, "method": "tsit5", **more})


def read(tmp_path: Path, more: str) -> Plan:
    path = tmp_path / "study.toml"
    path.write_text(FILE.format(more=more))
    return plan_of(studyfile.read(path))


def test_tolerances_are_part_of_the_plan() -> None:
    made = plan(rtol=1e-6, atol={"v": "1 uV", "m": 1e-4})
    again = Plan.from_json(json.loads(json.dumps(made.to_json())))
    assert again == made
    assert (again.hash, again.rtol, again.atol) == (made.hash, 1e-6, (("m", 1e-4), ("v", pytest.approx(1e-3))))
    hashes = {p.hash for p in (plan(), made, plan(rtol=1e-6), plan(method="bs32"), plan(atol={"v": 1e-3}))}
    assert len(hashes) == 5
    assert plan(rtol=1e-5).hash == plan().hash


def test_plans_of_steps_of_one_size_say_nothing_of_tolerances() -> None:
    """Studies that are there keep their hash."""
    assert {"rtol", "atol"} & set(plan(method="rk4").to_json()) == set()


@pytest.mark.parametrize(
    ("given", "says"),
    [
        ({"rtol": 0}, "'rtol'.*no tolerance"),
        ({"rtol": 1e-6, "method": "rk4"}, "'rtol'.*steps of one size"),
        ({"atol": {"v": 1e-3}, "method": None}, "'atol'.*steps of one size"),
        ({"atol": {"w": 1e-3}}, "state 'w' is not known"),
        ({"dtype": "float32"}, "float32"),
        ({"allow_unstable": True}, "would be refused"),
    ],
)
def test_what_cannot_be_is_refused_before_any_work(given: dict[str, object], says: str) -> None:
    with pytest.raises(errors.SneuronError, match=says):
        plan(**given)


def test_noise_is_refused_before_any_work() -> None:
    with pytest.raises(errors.ModelError, match="is noisy"):
        Plan.make({"I": 10.0}, sn.NoiseAdd("hh", "ou"), duration=50, method="tsit5")


def test_a_sweep_is_the_run(tmp_path: Path) -> None:
    ranges = {"I": sn.grid(0, 20, 9), "gNa": [110.0, 120.0]}
    outputs = {"rate": sn.FireRate, "v_max": "v_max", "v_mean": "v_mean", "low": "v_min", "sodium": "i_na_min"}
    ds = sn.ParamSweep(
        ranges, duration=40, dt=0.1, method="tsit5", rtol=1e-6, outputs=outputs, record=["v", "i_na"], every=2,
        store=tmp_path / "s", scheduler="inline",
    )  # fmt: skip
    state = sn.InitNeu({"model": "hh", "I": np.linspace(0, 20, 9), "gNa": [110.0, 120.0]})
    features = ["v_max", "v_min", "v_mean", "i_na_min"]
    run = sn.RunSim(state, 40, 0.1, "tsit5", rtol=1e-6, record=["v", "i_na"], every=2, features=features)
    for name in ("spike_count", "v", "i_na", "v_max", "v_mean"):
        np.testing.assert_array_equal(ds[name].transpose(*run[name].dims), run[name], err_msg=name)
    np.testing.assert_allclose(ds.rate, sn.FireRate(run))
    assert (ds.attrs["method"], ds.attrs["rtol"], ds.attrs["atol"]) == ("tsit5", 1e-6, "{}")
    assert (ds.status == sn.Status.OK).all()


def test_errors_of_a_sweep_are_what_a_tenth_of_the_tolerance_changes(tmp_path: Path) -> None:
    common = {"duration": 40, "dt": 0.1, "method": "tsit5", "outputs": {"rate": sn.FireRate, "v_max": "v_max"}}
    ranges = {"I": sn.grid(8, 20, 5), "gNa": [110.0, 120.0]}
    ds = sn.ParamSweep(ranges, rtol=1e-4, atol={"v": 1e-2}, convergence=4, scheduler="inline", **common)
    fine = sn.ParamSweep(ranges, rtol=1e-5, atol={"v": 1e-3}, scheduler="inline", **common)
    for k in range(4):
        at = {"I": float(ds.checked_I[k]), "gNa": float(ds.checked_gNa[k])}
        expected = abs(float(ds.v_max.sel(at)) - float(fine.v_max.sel(at)))
        assert float(ds.v_max_error[k]) == pytest.approx(expected, abs=1e-12)
    assert float(ds.v_max_error.max()) > 0.0
    assert "tenth of the tolerance" in ds.v_max_error.attrs["long_name"]
    with pytest.raises(errors.PlanError, match="below what a step can keep"):
        sn.ParamSweep(ranges, rtol=5e-9, convergence=4, scheduler="inline", **common)


def test_points_settle_before_anything_is_kept() -> None:
    """Beside one run without a break: the break is an edge, and within the tolerance nothing changes."""
    outputs = {"latency": "Latency", "peak": "v_max", "first": "v_first", "v_mean": "v_mean"}
    common = {"duration": 60, "dt": 0.1, "method": "tsit5", "rtol": 1e-7, "scheduler": "inline"}
    ds = sn.ParamSweep({"I": [0.0, 8.0, 10.0]}, settle=40, outputs=outputs, **common)
    state = sn.InitNeu({"model": "hh", "I": [0.0, 8.0, 10.0]})
    whole = sn.RunSim(state, 100, 0.1, "tsit5", rtol=1e-7, record=["v"])
    late = whole.spike_time.where(whole.spike_time >= 40)
    np.testing.assert_array_equal(ds.spike_count, late.notnull().sum("spike"))
    np.testing.assert_allclose(ds.latency, late.min("spike") - 40, atol=1e-3)
    np.testing.assert_allclose(ds["first"], whole.v.sel(time=40.0), atol=1e-3)
    after = whole.v.sel(time=slice(40, None))
    np.testing.assert_allclose(ds.v_mean, after.mean("time"), atol=0.1)
    assert (ds.peak >= after.max("time") - 0.01).all()
    assert ds.attrs["t_start"] == 40.0


def test_a_protocol_is_run() -> None:
    """Its steps are edges; the same spikes as by small steps of one size."""
    common = {"model": "wang_buzsaki", "duration": "protocol", "stimulus": "protocol", "scheduler": "inline"}
    outputs = {"latency": "Latency", "count": "spike_count"}
    one = sn.ParamSweep({"gNa": [35.0, 38.0]}, method="tsit5", rtol=1e-7, outputs=outputs, **common)
    two = sn.ParamSweep({"gNa": [35.0, 38.0]}, method="rk4", dt=0.0125, outputs=outputs, **common)
    assert (one.spike_count > 0).all()
    np.testing.assert_array_equal(one.spike_count, two.spike_count)
    np.testing.assert_allclose(one.latency, two.latency, atol=1e-3)


def test_a_study_file_gives_tolerances(tmp_path: Path) -> None:
    made = read(tmp_path, 'rtol = 1e-6\natol = { v = "1 uV" }')
    assert (made.method, made.rtol, made.atol) == ("tsit5", 1e-6, (("v", pytest.approx(1e-3)),))
    assert read(tmp_path, "").rtol == 1e-5


@pytest.mark.parametrize(
    ("more", "says"),
    [
        ("rtol = 0.0", r"study\.toml:6.*no tolerance"),
        ("atol = { w = 1.0 }", r"study\.toml:6.*state 'w' is not known"),
        ('rtol = "small"', r"study\.toml:6"),
        ("tol = 1e-6", r"study\.toml:6.*'tol' is not known here"),
    ],
)
def test_errors_of_a_study_file_name_the_line(tmp_path: Path, more: str, says: str) -> None:
    with pytest.raises(errors.SneuronError, match=says):
        read(tmp_path, more)
