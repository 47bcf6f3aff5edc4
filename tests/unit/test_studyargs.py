"""From a study file to a plan."""

from pathlib import Path

import numpy as np
import pytest

from sneuron import errors
from sneuron.explore import studyargs, studyfile
from sneuron.explore.plan import Plan

WORKFLOW = Path(__file__).parents[2] / "workflows" / "real_cell_map.toml"

HEAD = """\
schema = 1
name = "a study"
duration = "0.1 s"
seed = 7
"""

BODY = """\
[model]
kind = "hh"
EL = "-0.0544 V"

[space.gNa]
grid = { lo = 100, hi = 140, n = 3 }
[space.gK]
grid = { lo = 9, hi = 36, n = 3, scale = "log" }
[space.ENa]
values = [48, "0.05 V"]
dim = "rev"
[space.EK]
values = [-77, -75]
dim = "rev"

[derive]
gL = "0.003*gNa"
[where]
keep = "gNa > 3*gK"

[stimulus]
kind = "step"
amplitude = 10
start = "5 ms"

[outputs]
rate = "FireRate"
v_max = "v_max"
"""


@pytest.fixture
def made(tmp_path):
    def make(text):
        (tmp_path / "study.toml").write_text(text)
        read = studyfile.read(tmp_path / "study.toml")
        with studyargs.located(read):
            return Plan.make(**studyargs.arguments(read))

    return make


def test_every_table_reaches_the_plan(made):
    plan = made(HEAD + BODY)
    assert (plan.duration, plan.seed, plan.model_name) == (100.0, 7, "hh_el54_3")
    assert dict(plan.space.fixed)["EL"] == pytest.approx(-54.4)
    assert plan.space.dims == {"gNa": 3, "gK": 3, "rev": 2}
    points = plan.space.points({})
    np.testing.assert_allclose(points.params["gNa"], np.repeat([100, 120, 140], 6))
    np.testing.assert_allclose(points.params["gK"], np.tile(np.repeat([9, 18, 36], 2), 3))
    np.testing.assert_allclose(points.params["ENa"], np.tile([48, 50], 9))
    np.testing.assert_allclose(points.params["EK"], np.tile([-77, -75], 9))
    np.testing.assert_allclose(points.params["gL"], 0.003 * points.params["gNa"])
    assert points.kept.tolist() == (points.params["gNa"] > 3 * points.params["gK"]).tolist()
    assert {o.name: o.what for o in plan.outputs} == {"rate": "FireRate", "v_max": "v_max"}
    assert plan.stimuli[0].attrs["kind"] == "step"


def test_samples_are_drawn_together(made):
    text = BODY[: BODY.index("[space.gNa]")] + BODY[BODY.index("[stimulus]") :]
    plan = made(
        HEAD
        + text
        + "[samples]\nn = 32\n[space.gNa]\nrange = [100, 140]\n"
        + "[space.gK]\ndistribution = { name = 'norm', loc = 36, scale = 1 }\n"
        + "[space.gL]\nrange = [0.03, 3]\nscale = 'log'\n"
    )
    points = plan.space.points({}).params
    assert plan.space.dims == {"point": 32}
    assert ((points["gNa"] >= 100) & (points["gNa"] <= 140)).all()
    assert abs(points["gK"].mean() - 36) < 0.2
    assert 0.8 < points["gK"].std() < 1.2
    assert np.median(points["gL"]) == pytest.approx(0.3, rel=0.1)


@pytest.mark.parametrize(
    ("old", "new", "said"),
    [
        ('"hh"', '"hhh"', ["study.toml:6, model.kind", "Did you mean 'hh'"]),
        ("EL = ", "E_L = ", ["study.toml:7, model.E_L", "Did you mean 'EL'"]),
        ("-0.0544 V", "-0.0544 nS", ["study.toml:7, model.EL", "does not convert"]),
        ("[space.gNa]", "[space.g_Na]", ["study.toml:9, space.g_Na", "Did you mean 'gNa'"]),
        ("lo = 9", "lo = -9", ["study.toml:11, space.gK"]),
        ("lo = 9", "lo = '9 mV'", ["space.gK", "does not convert"]),
        ("[48, ", "[47, 48, ", ["space.E"]),
        ("0.003*gNa", "0.003*gNaa", ["derive.gL", "gNaa", "Did you mean 'gNa'"]),
        ("gNa > 3*gK", "gNa > 3*(gK", ["where.keep"]),
        ('kind = "step"', 'kind = "stepp"', ["study.toml:26, stimulus.kind", "Did you mean 'step'"]),
        ("amplitude = 10", "amplitudo = 10", ["study.toml:27, stimulus.amplitudo", "Did you mean 'amplitude'"]),
        ('start = "5 ms"', 'start = "5 mV"', ["stimulus", "does not convert"]),
        ('rate = "FireRate"', 'rate = "FireRat"', ["study.toml:31, outputs.rate", "Did you mean 'FireRate'"]),
        ('rate = "FireRate"', 'rate = { measure = "FireRate", windw = 3 }', ["outputs.rate", "windw"]),
        ('rate = "FireRate"', 'g = { measure = "Coincidence", reference = "recording" }', ["no [recording] table"]),
        ('"0.1 s"', '"0.1 mV"', ["study.toml:3, duration", "does not convert"]),
        ('"0.1 s"', "-3", ["study.toml:3, duration"]),
        ("seed = 7", 'dt = "0 ms"', ["study.toml:4, dt"]),
    ],
)
def test_what_cannot_be_is_told_at_its_line(made, old, new, said):
    assert (HEAD + BODY).count(old) == 1
    with pytest.raises(errors.SneuronError) as caught:
        made((HEAD + BODY).replace(old, new))
    assert [part for part in said if part not in str(caught.value)] == [], str(caught.value)


def test_the_workflow_is_a_study_of_enough_points_of_the_recorded_cell():
    read = studyfile.read(WORKFLOW)
    cell = studyargs.recorded(read)
    assert cell.spike_count.values.tolist() == [26, 50, 68, 82, 89]
    plan = Plan.make(**studyargs.arguments(read))
    assert plan.space.size >= 100_000
    assert (plan.trains, plan.duration, plan.model_name) == (5, 2000.0, "adex")
    (wave,) = plan.stimuli
    np.testing.assert_array_equal(wave.wave.values, cell.current.values)


SHOWN = """\
schema = 1
name = "a protocol"
duration = "protocol"
stimulus = "protocol"
[model]
kind = "izhikevich_2004_class_2"
[space.d]
values = [0, 2]
[outputs]
rate = "FireRate"
"""


def test_a_study_runs_the_protocol_of_its_model(made):
    plan = made(SHOWN)
    assert plan.duration == 300.0
    assert [s.attrs["kind"] for s in plan.stimuli] == ["ramp", "step"]


@pytest.mark.parametrize(
    ("old", "new", "said"),
    [
        ('"izhikevich_2004_class_2"', '"izhikevich"', ["study.toml:3, duration", "comes without a protocol"]),
        ('stimulus = "protocol"', 'stimulus = "protocoll"', ["study.toml:4, stimulus", "Did you mean 'protocol'"]),
        ('duration = "protocol"', 'duration = "protocoll"', ["study.toml:3, duration"]),
        (
            'stimulus = "protocol"\n[model]',
            '[stimulus]\nkind = "protocol"\namplitude = 3\n[model]',
            ["study.toml:6, stimulus.amplitude", "key 'amplitude' is not known"],
        ),
    ],
)
def test_a_protocol_that_cannot_be_is_told_at_its_line(made, old, new, said):
    assert SHOWN.count(old) == 1
    with pytest.raises(errors.SneuronError) as caught:
        made(SHOWN.replace(old, new))
    assert [part for part in said if part not in str(caught.value)] == [], str(caught.value)
