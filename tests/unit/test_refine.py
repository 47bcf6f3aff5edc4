"""ParamSweep with refine=: LIF's rheobase in closed form, maps, growth, what failed, bad input."""

import json
from pathlib import Path

import numpy as np
import pytest
import xarray as xr
from click.testing import CliRunner
from matplotlib.collections import LineCollection

import sneuron as sn
from sneuron import errors
from sneuron.cli import _bounded, main
from sneuron.explore import filed, studyfile
from sneuron.explore.maps import Origin
from sneuron.explore.plan import Plan
from sneuron.explore.study import Study

WORKFLOW = Path(__file__).parents[2] / "workflows" / "adex_boundaries.toml"
T = 100.0
PLANE = {"gL": sn.log(10, 100, 17), "I": sn.grid(100, 1700, 17)}
FIRES = "spike_count > 0"


def rheobase(gl, el=-70.0):
    """The least current (pA) that brings LIF to threshold within T: EL + I/gL (1 - exp(-T gL/C)) = Vth."""
    return (-55.0 - el) * gl / (1 - np.exp(-T * gl / 250.0))


def refined(refine, ranges=None, **more):
    study = sn.ParamSweep(
        ranges or PLANE, "lif", refine=refine, wait=False, **{"duration": T, "progress": False, **more}
    )
    study.wait()
    return study


@pytest.fixture(scope="module")
def fine(tmp_path_factory) -> Study:
    return refined({"by": FIRES, "resolution": 1e-3}, store=tmp_path_factory.mktemp("fine") / "s", name="rheobase")


def test_the_rheobase_to_a_thousandth_with_a_fiftieth_of_the_grid(fine) -> None:
    data, curve = fine.data, fine.boundaries()
    whole = 1025 * 1025
    assert fine.filled(n=9).attrs["lattice"] == whole
    assert data.sizes["point"] == fine.status()["ok"] <= 0.02 * whole
    assert sum(r["status"]["ok"] for p in fine.folder.parts for r in fine.folder.receipts(p)) == data.sizes["point"]
    assert (curve.between.values.tolist(), curve.closed.values.tolist()) == (["no | yes"], [False])
    gl = np.geomspace(10, 100, 20_001)
    exact = np.stack([np.log10(gl / 10), (rheobase(gl) - 100) / 1600], axis=1)
    found = np.stack([np.log10(curve.gL / 10), (curve.I - 100) / 1600], axis=1)
    apart = np.linalg.norm(exact[:, None][::10] - found[None], axis=2)
    assert apart.min(axis=1).max() < 1e-3
    assert np.array([np.linalg.norm(exact - v, axis=1).min() for v in found]).max() < 1e-3


def test_points_are_what_the_closed_form_says_and_none_is_there_twice(fine) -> None:
    data = fine.data
    assert np.array_equal(data.spike_count > 0, rheobase(data.gL) < data.I)
    assert np.unique(data.node).size == data.sizes["point"]
    assert len(np.unique(np.stack([data.gL, data.I]), axis=1).T) == data.sizes["point"]
    assert {"units": "pA"}.items() <= data.I.attrs.items()


def test_each_vertex_is_off_by_less_than_its_error(fine) -> None:
    curve = fine.boundaries()
    ends = [rheobase(curve.gL + s * curve.gL_error) - (curve.I - s * curve.I_error) for s in (-1, 1)]
    assert np.all(ends[0] * ends[1] <= 0)
    assert float(curve.I_error.max()) <= 1600 / 1024
    steps = np.hypot(np.diff(np.log10(curve.gL)), np.diff(curve.I) / 1600)
    assert steps.max() < 1.5e-3, "the curve is in order"


def test_the_error_of_a_boundary_halves_with_its_resolution(fine) -> None:
    """In one dim, on the same study, made finer twice; nothing is computed twice."""
    study = refined({"by": FIRES, "resolution": {"I": "25 pA"}}, {"I": sn.grid(100, 900, 5)})
    exact = rheobase(25.0)
    points, last = study.data.node.size, np.inf
    for step in (25.0, 12.5, 6.25):
        curve = study.refine(resolution={"I": step}).boundaries()
        assert curve.I_error.values.tolist() == [step / 2]
        assert abs(float(curve.I[0]) - exact) <= step / 2
        assert study.data.node.size <= points + 1
        assert step / 2 < last
        points, last = study.data.node.size, step / 2
    assert np.unique(study.data.I).size == study.data.sizes["point"]
    again = refined({"by": FIRES, "resolution": {"I": 6.25}}, {"I": sn.grid(100, 900, 5)})
    assert np.array_equal(np.sort(again.data.I), np.sort(study.data.I))
    assert again.hash == study.hash == study.data.attrs["plan_hash"]
    assert study.verify() == []


def test_a_map_says_what_is_inferred(fine) -> None:
    found = fine.filled()
    assert found.holds.shape == (1025, 1025)
    origin = found.origin.values
    assert (origin == Origin.COMPUTED).sum() == fine.data.sizes["point"]
    assert set(np.unique(origin)) == {Origin.COMPUTED, Origin.INFERRED}
    exact = rheobase(found.gL) < found.I
    assert (found.holds != exact).mean() < 1e-5
    meanings = dict(zip(found.origin.attrs["flag_values"], found.origin.attrs["flag_meanings"].split(), strict=True))
    assert meanings[2] == "inferred"
    odd = fine.filled(n={"gL": 30, "I": 50})
    assert odd.holds.shape == (30, 50)
    assert np.array_equal(np.isnan(odd.holds), odd.origin == Origin.MIXED)
    exact = (rheobase(odd.gL) < odd.I).transpose("gL", "I")
    assert bool(((odd.holds == exact) | (odd.origin == Origin.MIXED)).all())
    assert np.allclose(found.gL, np.geomspace(10, 100, 1025), rtol=1e-12)


def test_cells_tile_the_plane_and_the_mixed_ones_hold_the_boundary(fine) -> None:
    cells = fine.cells()
    area = (np.log10(cells.gL_high / cells.gL_low) * (cells.I_high - cells.I_low) / 1600).sum()
    assert float(area) == pytest.approx(1.0, rel=1e-9)
    mixed = cells.isel(cell=cells.mixed.values)
    assert set(mixed.lowest.values) == {"no"}
    assert set(mixed.highest.values) == {"yes"}
    assert np.all(rheobase(mixed.gL_low) <= mixed.I_high)
    assert np.all(rheobase(mixed.gL_high) >= mixed.I_low)


def test_other_outputs_have_boundaries_on_the_same_points(fine) -> None:
    """Of counts there are many; each crossing lies between two points with these counts."""
    curves = fine.boundaries("spike_count")
    assert {"0 | 1", "3 | 4"} <= set(curves.between.values)
    assert np.all(curves["second"] > curves["first"])
    assert float(curves.I_error.max()) == 50.0


def test_three_parameters() -> None:
    ranges = {"gL": sn.log(10, 100, 5), "I": sn.grid(100, 1700, 5), "EL": [-75.0, -71.0, -70.0, -65.0]}
    study = refined({"by": FIRES, "resolution": 1 / 32}, ranges)
    data, curve = study.data, study.boundaries()
    assert np.array_equal(data.spike_count > 0, rheobase(data.gL, data.EL) < data.I)
    low, high = (curve.isel(vertex=curve.I_error.values > 0)[n] for n in ("I", "I_error"))
    assert low.size == high.size > 500
    ends = [
        rheobase(curve.gL + s * curve.gL_error, curve.EL - s * curve.EL_error) - (curve.I - s * curve.I_error)
        for s in (-1, 1)
    ]
    assert np.all(ends[0] * ends[1] <= 0)
    found = study.filled(n=17)
    well = found.origin != Origin.MIXED
    exact = (rheobase(found.gL, found.EL) < found.I).transpose(*found.holds.dims)
    assert float((found.holds == exact).where(well, True).mean()) > 0.999
    assert set(np.unique(data.EL)) >= {-75.0, -71.0, -70.0, -65.0}


def test_zipped_and_derived_parameters_go_along() -> None:
    ranges = {
        "I": sn.grid(100, 900, 5),
        "EL": sn.zipped("I", sn.grid(-75, -65, 5)),
        "Vr": sn.derived("EL + 1"),
        "gL": sn.log(20, 30, 3),
    }
    study = refined({"by": FIRES, "resolution": 1 / 64}, ranges)
    data, curve = study.data, study.boundaries()
    assert np.allclose(data.EL, -75 + (data.I - 100) / 80)
    assert np.allclose(data.Vr, data.EL + 1)
    assert {"I", "EL", "Vr", "gL", "EL_error"} <= set(curve.variables)
    assert np.allclose(curve.EL_error, curve.I_error / 80)
    found = study.filled(n=9)
    assert found.holds.dims == ("I", "gL")
    assert found.EL.dims == ("I",)


def test_values_that_go_together_share_a_dim_of_their_own_name() -> None:
    together = {"I": xr.DataArray([100.0, 300.0, 900.0], dims="k"), "EL": xr.DataArray([-75.0, -74, -65], dims="k")}
    study = refined({"by": FIRES, "resolution": 1 / 32}, {**together, "gL": sn.log(20, 30, 3)})
    found, curve = study.filled(), study.boundaries()
    assert found.holds.dims == ("k", "gL")
    assert np.allclose(found.EL[:17:4], [-75, -74.75, -74.5, -74.25, -74])
    assert np.array_equal(study.data.spike_count > 0, rheobase(study.data.gL, study.data.EL) < study.data.I)
    assert sn.PlotBoundaries(found, curve, study.data).axes[0].get_xlabel().startswith("EL, ")


def test_traces_and_checks_of_the_coarse_grid_go_with_it(tmp_path) -> None:
    ranges = {"I": sn.grid(100, 900, 5)}
    study = refined(FIRES, ranges, record=["v"], every=100, record_at=[0, 4], convergence=3, store=tmp_path / "s")
    data = study.data
    assert data.v.sizes["trace"] == 2
    assert data.trace_I.values.tolist() == [100.0, 900.0]
    assert data.sizes["checked"] == 3
    assert set(data.checked_I.values) <= {100.0, 300.0, 500.0, 700.0, 900.0}
    assert data.sizes["point"] == 5 + 5
    assert study.boundaries().sizes["vertex"] == 1
    finer = {"by": FIRES, "resolution": 1 / 512}
    more = {"record": ["v"], "every": 100, "record_at": [0, 4], "convergence": 3}
    assert study.refine(resolution=1 / 512).hash == refined(finer, ranges, **more).hash
    assert refined(finer, ranges, store=tmp_path / "s", **more).data.identical(study.data)
    with pytest.raises(errors.SneuronError, match="record_at"):
        refined(FIRES, ranges, record=["v"], record_at={"I": [100]})


def test_what_changes_most_is_filled(fine) -> None:
    asked = {"by": "rate", "tolerance": "0.02 kHz", "resolution": 1 / 64}
    study = refined(asked, {**PLANE, "gL": sn.log(10, 100, 9)}, outputs={"rate": sn.FireRate})
    found = study.filled()
    assert study.status()["refined"].startswith("done")
    assert float(found.rate_change.max()) <= 20 or "fall short" in study.status()["refined"]
    assert study.data.sizes["point"] < 0.3 * found.attrs["lattice"]
    on = found.origin == Origin.COMPUTED
    assert int(on.sum()) == study.data.sizes["point"]
    full = sn.ParamSweep(
        {"gL": found.gL.values[::8], "I": found.I.values[::16]}, "lif", duration=T, outputs={"rate": sn.FireRate}
    )
    off = np.abs(full.rate.values - found.rate.values[::8, ::16])
    assert np.all(off <= found.rate_change.values[::8, ::16] + 1e-9)


def test_counts_that_are_filled_are_drawn_as_numbers() -> None:
    study = refined({"by": "spike_count", "tolerance": 3, "resolution": 1 / 32})
    (lines,) = ([type(c) for c in ax.collections] for ax in _bounded(study).axes[:1])
    assert LineCollection not in lines
    assert study.boundaries().sizes["curve"] > 0


def test_a_budget_is_kept_and_said(tmp_path) -> None:
    asked = {"by": FIRES, "resolution": 1e-3, "budget": 700}
    study = refined(asked, store=tmp_path / "s")
    held = study.status()
    assert 690 <= study.data.sizes["point"] <= 700
    assert held["state"] == "done"
    assert "budget of points is spent" in held["refined"]
    assert study.data.attrs["refined"] == held["refined"]
    assert "budget" in study.explain()
    short = int(held["refined"].split(";")[1].split()[0])
    cells = study.cells()
    assert short == int((cells.mixed & (cells.level < 6)).sum()) > 0
    study.refine(budget=100_000)
    whole = refined({**asked, "budget": 100_000})
    assert study.hash == whole.hash
    assert np.array_equal(np.sort(study.data.node), np.sort(whole.data.node))
    same = refined({**asked, "budget": 100_000}, store=tmp_path / "s")
    assert same.data.identical(study.data)


def test_points_left_out_are_no_boundary() -> None:
    study = refined({"by": FIRES, "resolution": 1 / 128}, where="I > 400 and gL > 20")
    data, curve = study.data, study.boundaries()
    assert study.status()["excluded"] == int(((data.I <= 400) | (data.gL <= 20)).sum())
    assert curve.between.values.tolist() == ["no | yes"]
    assert float(curve.I.min()) > 380
    found = study.filled(n=65)
    left_out = ((found.I <= 400) | (found.gL <= 20)).transpose("gL", "I")
    assert np.array_equal(found.origin == Origin.EXCLUDED, left_out)


def test_what_ran_well_and_has_no_value_has_not_failed() -> None:
    """A silent neuron has no latency."""
    study = refined({"by": "first < 20", "resolution": 1 / 32}, outputs={"first": "Latency"})
    for found in (study.filled(), study.filled("first", n=17)):
        silent = (rheobase(found.gL) >= found.I).transpose("gL", "I").values
        assert np.all((found.origin.values == Origin.NONE) <= silent)
        assert (found.origin.values == Origin.NONE).sum() > 0.9 * silent.sum()
        assert not np.any(found.origin == Origin.FAILED)
    figure = sn.PlotBoundaries(study.filled(), study.boundaries(), study.data)
    assert [t.get_text() for t in figure.legends[0].get_texts()][2:] == ["ran well, no value"]


def test_a_number_beside_what_is_left_out_has_not_failed() -> None:
    asked = {"by": "rate", "tolerance": "20 Hz", "resolution": 1 / 32}
    study = refined(asked, where="I > 450", outputs={"rate": sn.FireRate})
    assert set(np.unique(study.filled(n=50).origin)) <= {Origin.COMPUTED, Origin.INFERRED, Origin.EXCLUDED}


def test_it_can_be_looked_at_while_it_runs(tmp_path) -> None:
    plan = Plan.make(PLANE, "lif", duration=T, refine=FIRES)
    study = Study.create(plan, tmp_path / "s", progress=False)
    with pytest.raises(errors.DataError, match="no point is computed yet"):
        study.boundaries()
    assert study.status()["state"] == "stopped"
    assert study.data.attrs["refined"] == "not done yet"
    study.run()
    assert study.status()["state"] == "done"
    assert study.verify() == []
    for _ in range(2):
        before = study.data.load()
        assert study.run().data.identical(before)


@pytest.mark.parametrize("dtype", ["float64", "float32"])
def test_a_log_axis_of_many_decades_is_as_fine_as_its_own_steps_allow(dtype) -> None:
    ranges = {"I": sn.log(1e-6, 1e6, 25)}
    plan = Plan.make(ranges, "lif", duration=T, dtype=dtype, refine={"by": FIRES, "resolution": 1e-4})
    assert json.loads(plan.refine)["levels"] == [9]
    close = {"I": [1.0, 2.0, 2.0 + 1e-5, 3.0]}
    Plan.make(close, "lif", duration=T, refine={"by": FIRES, "resolution": 1e-3})
    with pytest.raises(errors.PlanError, match="finer than floating"):
        Plan.make(close, "lif", duration=T, refine={"by": FIRES, "resolution": 1e-12})


def test_a_plan_is_the_same_data_after_json() -> None:
    plan = Plan.make(PLANE, "lif", duration=T, refine={"by": FIRES, "resolution": {"I": "2 pA", "gL": 0.5}})
    assert Plan.from_json(json.loads(json.dumps(plan.to_json()))).hash == plan.hash
    assert plan.hash != Plan.make(PLANE, "lif", duration=T).hash
    assert plan.hash != Plan.make(PLANE, "lif", duration=T, refine=FIRES).hash


GOOD = {"by": FIRES}
BAD = [
    ({"by": "rate"}, {}, errors.PlanError, "tells no classes apart"),
    ({"by": "v_mean"}, {}, errors.PlanError, "tells no classes apart"),
    ({"by": "spikecount"}, {}, errors.UnknownNameError, "spike_count"),
    ({"by": "first_bad_time"}, {}, errors.PlanError, "no output"),
    ({"by": "spike_count > "}, {}, errors.ExpressionError, "refine"),
    ({"by": "spikes > 0"}, {}, errors.ExpressionError, "spikes"),
    ({"by": "I"}, {}, errors.ExpressionError, "condition"),
    ({"resolution": 0.1}, {}, errors.PlanError, "`by` is lacking"),
    (7, {}, errors.PlanError, "what to refine by"),
    ({**GOOD, "resolutoin": 0.1}, {}, errors.UnknownNameError, "resolution"),
    ({**GOOD, "resolution": 0}, {}, errors.PlanError, "part of a range"),
    ({**GOOD, "resolution": 1.5}, {}, errors.PlanError, "part of a range"),
    ({**GOOD, "resolution": np.nan}, {}, errors.ParameterError, "NaN"),
    ({**GOOD, "resolution": 1e-12}, {"dtype": "float32"}, errors.PlanError, "finer than floating"),
    ({**GOOD, "resolution": 1e-6}, {"dtype": "float32"}, errors.PlanError, "finer than floating"),
    ({**GOOD, "resolution": 1e-15}, {}, errors.PlanError, "finer than floating"),
    ({**GOOD, "resolution": {"I": 1e-20, "gL": 1}}, {}, errors.PlanError, "finer than floating"),
    ({**GOOD, "resolution": {"I": 1.0}}, {}, errors.PlanError, "'gL' has none"),
    ({**GOOD, "resolution": {"I": "1 mV", "gL": 1}}, {}, errors.UnitError, "mV"),
    ({**GOOD, "resolution": {"I": 1, "gL": 1, "C": 1}}, {}, errors.UnknownNameError, "C"),
    ({**GOOD, "tolerance": 1}, {}, errors.PlanError, "condition"),
    ({"by": "rate", "tolerance": -1}, {}, errors.PlanError, "tolerance"),
    ({"by": "rate", "tolerance": "1 mV"}, {}, errors.UnitError, "mV"),
    ({"by": "pattern", "tolerance": 1}, {}, errors.PlanError, "classes apart"),
    ({**GOOD, "budget": 100}, {}, errors.PlanError, "289"),
    ({**GOOD, "budget": 1e6}, {}, errors.PlanError, "whole number"),
    (GOOD, {"repeats": 3}, errors.PlanError, "repeats"),
    (GOOD, {"stimulus": sn.step([1.0, 2.0], 0, 50)}, errors.PlanError, "stimulus"),
    (GOOD, {"ranges": sn.sobol(64, {"I": (0, 800)})}, errors.PlanError, "sample"),
    (GOOD, {"ranges": {"I": 300.0}}, errors.PlanError, "axes"),
    (GOOD, {"ranges": {"I": [300.0], "gL": [10, 20]}}, errors.PlanError, "single value"),
    (GOOD, {"ranges": dict.fromkeys(["I", "gL", "C", "t_ref"], sn.grid(1, 2, 3))}, errors.PlanError, "4 axes"),
    (GOOD, {"ranges": {"I": [300.0, 100.0, 200.0]}}, errors.ParameterError, "neither rise nor fall"),
]


@pytest.mark.parametrize(("refine", "more", "error", "words"), BAD, ids=lambda v: str(v)[:40])
def test_bad_input_is_refused(refine, more, error, words) -> None:
    outputs = {"rate": sn.FireRate, "v_mean": "v_mean", "pattern": "FireClass"}
    with pytest.raises(error, match=words):
        Plan.make(**{"ranges": PLANE, "model": "lif", "duration": T, "outputs": outputs, "refine": refine, **more})


def test_results_of_another_study_are_refused() -> None:
    data = sn.ParamSweep({"I": [0.0, 10.0]}, "lif", duration=T)
    for look in (sn.boundaries, sn.filled, sn.cells):
        with pytest.raises(errors.DataError, match="refined itself"):
            look(data)
    plain = Study.create(Plan.make({"I": [0.0, 10.0]}, "lif", duration=T))
    with pytest.raises(errors.PlanError, match="does not refine itself"):
        plain.refine(budget=10)


def test_wrong_questions_are_refused(fine, tmp_path) -> None:
    with pytest.raises(errors.UnknownNameError, match="spike_count"):
        fine.boundaries("spike_cont")
    with pytest.raises(errors.UnknownNameError):
        fine.filled(n={"gNa": 3})
    for n in (1, 2.5, True, 10**5):
        with pytest.raises(errors.ParameterError, match="places"):
            fine.filled(n=n)
    with pytest.raises(errors.UnknownNameError, match="budget"):
        fine.refine(bugdet=3)
    with pytest.raises(errors.PlanError, match="coarser"):
        fine.refine(resolution=0.1)
    with pytest.raises(errors.PlanError, match="no listed values"):
        fine.extend(I=[3.0])
    with pytest.raises(errors.DataError, match="what filled"):
        sn.PlotBoundaries(xr.Dataset())


FILE = """\
schema = 1
name = "rheobase"
duration = "100 ms"

[model]
kind = "lif"

[space.gL]
grid = { lo = 10, hi = 100, n = 9, scale = "log" }

[space.I]
grid = { lo = "0.1 nA", hi = "1.7 nA", n = 9 }

[outputs]
rate = "FireRate"

[refine]
by = "rate > 0"
resolution = { I = "25 pA", gL = 5.0 }
budget = 5000

[figure]
kind = "boundaries"
file = "map.png"
"""


@pytest.fixture
def file(tmp_path):
    path = tmp_path / "study.toml"

    def write(old="", new=""):
        assert old in FILE
        path.write_text(FILE.replace(old, new) if old else FILE)
        return path

    return write


def test_a_study_file_refines_and_draws(file, tmp_path) -> None:
    found = CliRunner().invoke(main, ["plan", str(file())])
    assert found.exit_code == 0
    assert "refine   by rate > 0; finest grid 65 x 65 = 4,225 points, of which 5,000 at most" in found.output
    found = CliRunner().invoke(main, ["run", str(file())])
    assert found.exit_code == 0, found.output
    assert "refined      done: all is as fine as wanted" in found.output
    assert (tmp_path / "map.png").stat().st_size > 20_000
    study = Study.open(tmp_path / "study.zarr")
    assert np.array_equal(study.data.rate > 0, rheobase(study.data.gL) < study.data.I)
    again = CliRunner().invoke(main, ["run", str(file()), "--json"])
    assert json.loads(again.output)["refined"].startswith("done")
    told = CliRunner().invoke(main, ["status", str(tmp_path / "study.zarr")])
    assert "refined" in told.output


@pytest.mark.parametrize(
    ("old", "new", "said"),
    [
        ('by = "rate > 0"', 'by = "rate"', "refine.by"),
        ('by = "rate > 0"', "", "by"),
        ('by = "rate > 0"', 'by = "rat > 0"', "Did you mean 'rate'"),
        ("budget = 5000", "budget = 5", "refine.budget"),
        ("budget = 5000", "budgt = 5", "Did you mean 'budget'"),
        ('{ I = "25 pA", gL = 5.0 }', "2.0", "refine.resolution"),
        ('{ I = "25 pA", gL = 5.0 }', '{ I = "25 mV", gL = 5.0 }', "refine.resolution"),
        ("[refine]", "[repeat]\nn = 3\n[refine]", "repeat"),
        ("[refine]", "[space.EL]\nvalues = [-71, -70]\n[refine]", "refine.resolution"),
        ('{ I = "25 pA", gL = 5.0 }\nbudget = 5000\n', "0.1\n[space.EL]\nvalues = [-71, -70]\n", "figure.kind"),
        ('resolution = { I = "25 pA", gL = 5.0 }', 'tolerance = "2 Hz"', "refine.tolerance"),
    ],
)
def test_a_bad_table_is_refused_at_its_line(file, old, new, said) -> None:
    found = CliRunner().invoke(main, ["plan", str(file(old, new))])
    assert found.exit_code == 1
    assert "study.toml" in found.output
    assert said in found.output, found.output


def test_the_workflow_is_a_study(tmp_path) -> None:
    plan = filed.plan_of(studyfile.read(WORKFLOW))
    assert plan.space.size == 41 * 41
    assert json.loads(plan.refine)["levels"] == [5, 5]


def test_the_picture_says_what_it_shows(fine) -> None:
    found = fine.filled()
    figure = sn.PlotBoundaries(found, fine.boundaries(), fine.data)
    left, right = figure.axes
    assert (left.get_xscale(), left.get_yscale()) == ("log", "linear")
    assert left.get_ylabel() == "I, constant injected current [pA]"
    assert right.get_title("left") == "7,731 points computed of 1,050,625 (0.74 %)"
    assert [t.get_text() for t in figure.legends[0].get_texts()] == [f"not {FIRES}", FIRES]
    assert len(left.collections[-1].get_segments()) == 1
    counts = sn.PlotBoundaries(fine.filled("spike_count", n=33))
    assert len(counts.axes) == 2, "more counts than colours: a bar"
    with pytest.raises(errors.DataError, match="what filled"):
        sn.PlotBoundaries(fine.filled(n=9).isel(I=0))
