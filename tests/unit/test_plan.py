"""Plans: hashes, what is refused before any work, what is said beforehand."""

import dataclasses
import functools
import json
import sys
import time
from pathlib import Path

import numpy as np
import pytest
import xarray as xr

import sneuron as sn
from sneuron import errors
from sneuron.explore.encode import decode, encode
from sneuron.explore.plan import Plan
from sneuron.explore.study import Study

sys.path.insert(0, str(Path(__file__).parent))
sys.path.insert(0, str(Path(__file__).parent.parent / "reliability"))

import own_measures

RANGES = {"gNa": [100.0, 120.0], "I": 10.0}


def plan(**more) -> Plan:
    return Plan.make(more.pop("ranges", RANGES), more.pop("model", "hh"), **{"duration": 50, **more})


def test_equal_plans_have_equal_hashes_and_survive_json() -> None:
    wave = xr.DataArray(
        np.arange(6.0).reshape(2, 3),
        dims=("sweep", "time"),
        coords={"time": [0.0, 1.0, 2.0]},
        attrs={"units": "uA/cm2"},
    )
    made = plan(stimulus=[sn.step(10, 5, 45), sn.replay(wave)], outputs={"rate": sn.FireRate, "v_max": "v_max"}, seed=3)
    again = plan(stimulus=[sn.step(10, 5, 45), sn.replay(wave)], outputs={"rate": "FireRate", "v_max": "v_max"}, seed=3)
    back = Plan.from_json(json.loads(json.dumps(made.to_json())))
    assert made == again == back
    assert made.hash == again.hash == back.hash
    assert back.stimuli[1].identical(sn.replay(wave))
    assert made.trains == 2


@pytest.mark.parametrize(
    "other",
    [
        {"ranges": {"gNa": [100.0, 120.0], "I": 11.0}}, {"model": "hh_el54_4"}, {"duration": 51}, {"dt": 0.02},
        {"method": "rk4"},
        {"dtype": "float32"}, {"stimulus": 1.0}, {"outputs": ["v_max"]}, {"record": ["v"]}, {"seed": 1},
        {"where": "gNa > 1"},
        {"allow_unstable": True}, {"ranges": {"gNa": [120.0, 100.0], "I": 10.0}}, {"repeats": 2},
    ],
    ids=str,
)  # fmt: skip
def test_whatever_decides_the_results_changes_the_hash(other) -> None:
    assert plan(**other).hash != plan().hash


def test_no_seed_draws_one_and_notes_it() -> None:
    one, other = plan(seed=None), plan(seed=None)
    assert one.seed != other.seed
    assert Plan.from_json(one.to_json()).seed == one.seed


@pytest.mark.parametrize(
    ("given", "error", "says"),
    [
        pytest.param({"dt": float("nan")}, errors.ParameterError, "NaN", id="1 dt NaN"),
        pytest.param({"dt": float("inf")}, errors.TimeError, "inf", id="2 dt inf"),
        pytest.param({"dt": 0}, errors.TimeError, "0 is not a time step", id="3 dt 0"),
        pytest.param({"dt": -0.1}, errors.TimeError, "-0.1", id="4 dt negative"),
        pytest.param({"dt": 60}, errors.TimeError, "longer than the duration", id="5 dt beyond duration"),
        pytest.param({"dt": "0.1"}, errors.ParameterError, "number with a unit", id="10 dt text"),
        pytest.param({"duration": 1e300}, errors.TimeError, "steps", id="12 step overflow"),
        pytest.param({"duration": -1}, errors.TimeError, "-1", id="duration negative"),
        pytest.param({"seed": -1}, errors.ParameterError, "seed", id="13 seed negative"),
        pytest.param({"seed": 1.5}, errors.ParameterError, "seed", id="13 seed float"),
        pytest.param({"seed": 2**64}, errors.ParameterError, "seed", id="14 seed too large"),
        pytest.param({"dtype": "int32"}, errors.PlanError, "float64, float32", id="dtype"),
        pytest.param({"record": "v"}, errors.PlanError, "list of names", id="record as text"),
        pytest.param({"every": 0}, errors.PlanError, "every", id="every 0"),
        pytest.param({"repeats": 0}, errors.ParameterError, "repeats", id="repeats 0"),
        pytest.param({"model": "hhh"}, errors.UnknownNameError, "Did you mean 'hh'", id="model"),
        pytest.param(
            {"outputs": {"rate": "FiringRate"}}, errors.UnknownNameError, "Did you mean 'FireRate'", id="measure"
        ),
        pytest.param({"outputs": {"rate": 3}}, errors.PlanError, "int is no measure", id="measure a number"),
        pytest.param({"outputs": {"gNa": "FireRate"}}, errors.PlanError, "taken", id="output named as parameter"),
        pytest.param({"outputs": {"status": "FireRate"}}, errors.PlanError, "taken", id="output named status"),
        pytest.param({"outputs": {"my rate": "FireRate"}}, errors.PlanError, "cannot name", id="output with a space"),
        pytest.param(
            {"outputs": {"r": {"measure": "FireRate", "windw": 1}}}, errors.UnknownNameError, "mean 'window'",
            id="option"
        ),
        pytest.param({"outputs": {"r": lambda run: run.v}}, errors.PlanError, "module of its own", id="lambda"),
        pytest.param({"outputs": {"r": "nowhere:at_all"}}, errors.PlanError, "cannot be imported", id="no module"),
        pytest.param(
            {"outputs": {"r": functools.partial(sn.FireRate, 3)}}, errors.PlanError, "by name", id="positional"
        ),
        pytest.param(
            {"outputs": {"v_max": {"feature": "v_max", "x": 1}}}, errors.PlanError, "no options", id="feature options"
        ),
        pytest.param({"stimulus": [True]}, errors.PlanError, "no stimulus", id="stimulus bool"),
        pytest.param({"engine": "nowhere:x"}, errors.PlanError, "cannot be imported", id="engine"),
    ],
)  # fmt: skip
def test_refused_before_any_work(given, error, says) -> None:
    with pytest.raises(error, match=says):
        plan(**given)


@pytest.mark.parametrize(
    ("given", "says"),
    [
        ({"repeats": 3}, "nothing in this study is random"),
        ({"outputs": {"x": own_measures.number}}, "gave a float"),
        ({"outputs": {"x": own_measures.span}}, "fail on a run in which nothing happens: AttributeError"),
        ({"dt": 0.5, "outputs": ["v_max"]}, "dt|stable|stability"),
    ],
)
def test_refused_before_a_folder_is_made(tmp_path, given, says) -> None:
    with pytest.raises(errors.SneuronError, match=says):
        sn.ParamSweep(RANGES, "hh", **{"duration": 50, **given}, store=tmp_path / "s")
    assert not (tmp_path / "s").exists()


def test_a_duration_that_is_no_multiple_of_dt_is_rounded_with_a_warning() -> None:
    with pytest.warns(UserWarning, match=r"0\.1 ms are run"):
        assert plan(duration=0.11, dt=0.05).steps == 2
    assert plan(duration="0.05 s", dt=np.float32(0.5)).steps == 100
    assert plan(duration=0).steps == 0


@pytest.mark.parametrize(
    ("change", "says"),
    [
        ({"record": ["v"], "duration": 100_000_000}, "one point needs .* of memory"),
        ({"ranges": {"gNa": sn.grid(1, 2, 10**12)}}, "1,000,000,000,000 points"),
    ],
    ids=["memory of one point", "28 points"],
)
def test_what_cannot_fit_is_refused_at_once(tmp_path, change, says) -> None:
    made = plan(**change)
    began = time.process_time()
    with pytest.raises(errors.PlanError, match=says):
        Study.create(made, tmp_path / "s")
    assert time.process_time() - began < 0.5
    assert not (tmp_path / "s").exists()


def test_explain_says_what_it_will_cost_and_runs_nothing(tmp_path) -> None:
    made = plan(ranges={"gNa": sn.grid(80, 160, 512), "gK": sn.log(5, 60, 512)}, outputs={"rate": sn.FireRate})
    study = Study.create(made, tmp_path / "s")
    text = str(study.explain())
    assert "points   262,144" in text
    assert "done     0 of" in text
    for word in ("blocks", "disk", "memory", "time"):
        assert word in text
    assert repr(study.explain()) == text
    estimate = study.estimate()
    assert estimate.bytes == 262_144 * (1 + 8 + 8 + 8)
    assert 0.05 < np.prod(list(estimate.block.values())) * estimate.seconds < 30


def test_a_study_of_a_hundred_million_points_is_planned_and_opened_at_once(tmp_path) -> None:
    ranges = sn.sobol(10**8, {"gNa": (80, 160), "gK": sn.log(5, 60)})
    Study.create(plan(duration=50), tmp_path / "first")  # imports
    began, before = time.process_time(), memory()
    study = Study.create(plan(ranges=ranges, outputs={"rate": sn.FireRate}), tmp_path / "s")
    data = study.data
    assert time.process_time() - began < 1.0
    assert memory() - before < 100e6
    assert data.sizes == {"point": 10**8}
    assert (tmp_path / "s" / "study.json").stat().st_size < 60_000
    few = Study.create(plan(ranges=sn.sobol(10, {"gNa": (80, 160), "gK": sn.log(5, 60)})), tmp_path / "few").data
    assert np.array_equal(data.gNa[:10].values, few.gNa.values)
    assert float(data.gNa[10**8 - 1]) == float(data.gNa[-1])
    assert data.gK.attrs["units"] == "mS/cm2"
    assert np.isnan(data.rate[5_000_000:5_000_004].values).all()


def memory() -> int:
    with open("/proc/self/statm") as file:
        return int(file.read().split()[1]) * 4096


@pytest.mark.parametrize(
    "value",
    [
        1,
        1.5,
        "x",
        None,
        True,
        [1, [2.0]],
        {"a": {"b": 1}},
        np.float32(0.1),
        np.arange(3),
        np.array(["a", "b"]),
        float("inf"),
    ],
    ids=repr,
)
def test_plain_data_keeps_every_bit(value) -> None:
    back = decode(json.loads(json.dumps(encode(value, "test"))))
    assert np.array_equal(back, value) if isinstance(value, np.ndarray) else back == value


def test_what_is_no_data_is_refused() -> None:
    for bad in (object(), open, {1, 2}, np.array([object()])):
        with pytest.raises(errors.PlanError, match="cannot be written into a plan"):
            encode(bad, "test")


def test_plans_are_frozen() -> None:
    with pytest.raises(dataclasses.FrozenInstanceError):
        plan().seed = 3  # type: ignore[misc]
