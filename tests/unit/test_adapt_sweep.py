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
