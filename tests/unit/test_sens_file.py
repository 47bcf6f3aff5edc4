"""Studies whose files ask which parameters matter: run, grown, reported, drawn, and refused at the line."""

import json
import sys
import tomllib
from pathlib import Path

import numpy as np
import pytest
import xarray as xr
from click.testing import CliRunner

import sneuron as sn
from sneuron import cli, errors
from sneuron.explore import filed, indices, studyfile

sys.path.insert(0, str(Path(__file__).parent))

from analytic_functions import G_BOX, ISHIGAMI, measured, morris_20, sobol_g

WORKFLOW = Path(__file__).parents[2] / "workflows" / "hh_sensitivity.toml"
STUDY = """\
schema = 1
name = "a cell that integrates"
duration = "100 ms"
record = ["v"]
every = 100
[model]
kind = "lif"
[samples]
method = "pick_freeze"
n = 64
seed = 3
[space.gL]
range = ["20 nS", "30 nS"]
[space.I]
range = ["450 pA", "600 pA"]
[outputs]
count = "spike_count"
top = "v_mean"
[sensitivity]
outputs = ["count", "top", "v"]
file = "out/indices.zarr"
[figure]
kind = "sensitivity"
file = "out/v.png"
output = "v"
"""


@pytest.fixture
def file(tmp_path):
    path = tmp_path / "study.toml"
    path.write_text(STUDY)
    return path


def call(*words: str, code: int = 0) -> str:
    found = CliRunner().invoke(cli.main, list(words), catch_exceptions=False)
    assert found.exit_code == code, found.output
    return found.stdout


def test_a_study_tells_which_parameters_matter(file) -> None:
    text = call("run", str(file))
    assert "sensitivity (sobol), intervals of 95%" in text
    rows = [line.split() for line in text.splitlines() if line.split()[:1] in (["count"], ["v"])]
    assert [row[1] for row in rows[-2:]] == ["I", "gL"] or [row[1] for row in rows[:2]] == ["I", "gL"]
    assert (file.parent / "out/v.png").stat().st_size > 10_000
    kept = sn.LoadSim(file.parent / "out/indices.zarr")
    assert kept.v_S1.dims == ("param", "time")
    again = json.loads(call("run", str(file), "--json"))
    told = again["sensitivity"]["indices"]
    assert set(told) == {"count", "top"}
    assert told["count"]["I"]["ST"] == float(kept.ST.sel(param="I", output="count"))
    direct = sn.SensAnal(sn.Study.open(file.with_suffix(".zarr")), outputs=["count", "top", "v"])
    assert kept.drop_attrs().equals(direct.drop_attrs())
    grown = sn.SensAnal(sn.Study.open(file.with_suffix(".zarr")), outputs=["count", "top", "v"], history=True)
    last = indices.index_numbers(grown)["indices"]
    assert set(last) == set(told)
    assert last["top"]["I"] == pytest.approx(told["top"]["I"], rel=1e-12)


def test_what_is_no_number_is_null_in_json(file) -> None:
    """Without current nothing fires: there is no index of the count."""
    text = STUDY.replace("450 pA", "0 pA").replace("600 pA", "1 pA").split("[figure]")[0]
    file.write_text(text)
    told = json.loads(call("run", str(file), "--json"), parse_constant=lambda word: pytest.fail(f"{word} is no JSON"))
    assert told["sensitivity"]["indices"]["count"]["I"]["ST"] is None


def test_a_study_grows_until_it_is_sure(file) -> None:
    file.write_text(
        STUDY.replace('outputs = ["count", "top", "v"]', 'outputs = ["count"]\nuntil = 0.1').split("[figure]")[0]
    )
    told = json.loads(call("run", str(file), "--json"))
    design = told["sensitivity"]["design"]
    assert design["n"] > 64
    assert design["half_width"] <= 0.1
    assert told["points"] == design["n"] * 4
    assert json.loads(call("run", str(file), "--json")) == told


@pytest.mark.parametrize(
    ("old", "new", "said"),
    [
        ('method = "pick_freeze"', 'method = "pick_freez"', ["study.toml:9, samples.method"]),
        ("n = 64\nseed", "n = 65\nseed", ["study.toml:8, samples", "no multiple of 4"]),
        ("seed = 3", "replicate = 3", ["study.toml:11, samples.replicate", "Did you mean 'replicates'"]),
        ("seed = 3", "levels = 4", ["study.toml:11, samples.levels", "option of method 'pick_freeze'", "replicates"]),
        ("seed = 3", "replicates = 1", ["study.toml:11, samples.replicates", "greater than or equal to 2"]),
        ("seed = 3", 'groups = { both = ["gL", "J"] }', ["study.toml:8, samples", "'J'"]),
        ("[sensitivity]", "[sensitivty]", ["study.toml:19, sensitivty", "Did you mean 'sensitivity'"]),
        ('"top", "v"]', '"tip", "v"]', ["study.toml:20, sensitivity.outputs.1", "'tip'", "Did you mean 'top'"]),
        ('file = "out/indices.zarr"', "untill = 0.1", ["study.toml:21, sensitivity.untill", "Did you mean 'until'"]),
        ('file = "out/indices.zarr"', "until = 2", ["study.toml:21, sensitivity.until", "less than 1"]),
        ('file = "out/indices.zarr"', 'method = "morris"', ["study.toml:21, sensitivity.method", "other points"]),
        ('file = "out/indices.zarr"', 'missing = "zeros"', ["study.toml:21, sensitivity.missing", "pairwise"]),
        ('output = "v"', 'output = "w"', ["study.toml:25, figure.output", "'w'", "count, top, v"]),
        ('output = "v"', 'x = "gL"', ["study.toml:22, figure", "x goes with kind = 'fit'"]),
        ('[sensitivity]\noutputs = ["count", "top", "v"]\nfile = "out/indices.zarr"\n', "", ["needs a [sensitivity]"]),
    ],
)
def test_what_cannot_be_is_told_at_its_line(file, old, new, said) -> None:
    assert STUDY.count(old) == 1
    file.write_text(STUDY.replace(old, new))
    with pytest.raises(errors.SneuronError) as caught:
        filed.plan_of(studyfile.read(file))
    assert [part for part in said if part not in str(caught.value)] == [], str(caught.value)


def test_a_grid_may_ask_too_but_not_until(file) -> None:
    grid = "\n".join(
        line for line in STUDY.replace('range = ["20 nS", "30 nS"]', "values = [20.0, 30.0]")
        .replace('range = ["450 pA", "600 pA"]', "values = [450.0, 500.0, 600.0]").splitlines()
        if not line.startswith(("method", "n = 64", "seed", "[samples]"))
    )  # fmt: skip
    file.write_text(grid)
    assert "sensitivity (anova)" in call("run", str(file))
    file.write_text(grid.replace("[sensitivity]", "[sensitivity]\nuntil = 0.1"))
    with pytest.raises(errors.PlanError, match=r"sensitivity\.until"):
        filed.plan_of(studyfile.read(file))
    file.write_text(grid.replace("[sensitivity]", "[sensitivity]\nhistory = true"))
    with pytest.raises(errors.PlanError, match="a grid has no history"):
        filed.plan_of(studyfile.read(file))


def test_a_study_that_refines_itself_is_no_sample(file) -> None:
    head = STUDY.split("[samples]")[0]
    axes = "[space.gL]\ngrid = { lo = 20, hi = 30, n = 5 }\n[space.I]\ngrid = { lo = 300, hi = 500, n = 9 }\n"
    rest = '[refine]\nby = "spike_count > 0"\n[outputs]\ncount = "spike_count"\n[sensitivity]\nci = 0.9\n'
    file.write_text(head.replace('record = ["v"]\nevery = 100\n', "") + axes + rest)
    with pytest.raises(errors.DataError, match=r"sensitivity: SensAnal: a study that refines its grid"):
        filed.plan_of(studyfile.read(file))


def test_the_workflow_runs_with_fewer_points(tmp_path) -> None:
    text = WORKFLOW.read_text(encoding="utf8")
    for old, new in (
        ("n = 4096", "n = 64"),
        ("until = 0.03\n", ""),
        ("0.005 ms", "0.025 ms"),
        ("every = 20", "every = 4"),
    ):
        assert old in text
        text = text.replace(old, new)
    file = tmp_path / "hh.toml"
    file.write_text(text.replace("most = 65536\n", ""))
    assert "figure" in call("run", str(file))
    assert (tmp_path / "results/hh_sensitivity.png").stat().st_size > 20_000
    kept = sn.LoadSim(tmp_path / "results/hh_sensitivity_indices.zarr")
    assert kept.v_ST.sizes == {"param": 7, "time": 151}
    early = kept.v_ST.sel(time=slice(0.1, 0.3)).mean("time")
    assert str(early.param.values[early.values.argmax()]) == "C"  # the capacitance decides how v starts to rise
    assert tomllib.loads(text)["sensitivity"]["outputs"][0] == "v"


def shown(figure) -> list[str]:
    return [tick.get_text() for tick in figure.axes[0].get_yticklabels()]


def test_bars_stand_in_order_with_their_intervals() -> None:
    found = sn.SensAnal(measured(sn.pick_freeze(1024, G_BOX), sobol_g))
    figure = sn.PlotSens(found)
    assert shown(figure)[:4] == ["x1", "x2", "x3", "x4"]
    widths = [bar.get_width() for bar in figure.axes[0].patches]
    np.testing.assert_allclose(widths[:4], found.ST[:4])
    np.testing.assert_allclose(widths[8:12], found.S1[:4])
    (line, *_), *_ = (c.get_segments() for c in figure.axes[0].collections)
    np.testing.assert_allclose(line[:, 0], [found.ST_low[0], found.ST_high[0]])
    assert [t.get_text() for t in figure.legends[0].get_texts()] == ["with all others (ST)", "alone (S1)"]
    assert shown(sn.PlotSens(found, most=2)) == ["x1", "x2"]


def test_each_output_and_each_class_has_a_panel() -> None:
    data = measured(sn.pick_freeze(256, ISHIGAMI))
    several = sn.SensAnal(data.assign(z=data.y**2))
    assert [ax.get_title(loc="left") for ax in sn.PlotSens(several).axes] == ["y", "z"]
    assert len(sn.PlotSens(several, "z").axes) == 1
    flags = {"flag_values": [0.0, 1.0, 2.0], "flag_meanings": "low high never"}
    classes = sn.SensAnal(data.assign(y=(data.y > 3).astype(float).assign_attrs(flags)))
    titles = [ax.get_title(loc="left") for ax in sn.PlotSens(classes).axes]
    assert [title.split(" (P = 0.")[0] for title in titles] == ["low", "high"]


def test_bands_over_time_and_history() -> None:
    data = measured(sn.pick_freeze(256, ISHIGAMI))
    time = xr.DataArray([0.0, 1.0, 2.0], {"time": [0.0, 1.0, 2.0]}, ["time"])
    found = sn.SensAnal(data.assign(y=data.y * time + data.x2))
    figure = sn.PlotSens(found, title="over time")
    assert [ax.get_ylabel() for ax in figure.axes] == ["output", "alone (S1)", "with all others (ST)"]
    lines = {line.get_label(): line.get_ydata() for line in figure.axes[2].lines}
    np.testing.assert_array_equal(lines["x2"], found.ST.sel(param="x2"))
    assert [t.get_text() for t in figure.axes[1].get_legend().get_texts()] == ["only together"]
    cut = sn.PlotSens(found, most=2).axes[1]
    assert [t.get_text() for t in cut.get_legend().get_texts()] == ["those not shown", "only together"]
    tops = [[c.get_paths()[0].get_extents().y0 for c in ax.collections] for ax in (figure.axes[1], cut)]
    np.testing.assert_allclose(tops[0][-1], tops[1][-1])
    grown = sn.PlotSens(sn.SensAnal(data, history=True))
    assert len(grown.axes[0].lines) == len(grown.axes[1].lines) == 3


def test_other_methods_are_drawn() -> None:
    points = sn.design_points(sn.trajectories(10, {f"x{k}": (0.0, 1.0) for k in range(1, 21)}))
    assert len(shown(sn.PlotSens(sn.SensAnal(points.assign(y=morris_20(points)))))) == 12
    sample = measured(sn.sobol(512, ISHIGAMI))
    for method in ("first", "pawn", "delta", "pce"):
        assert set(shown(sn.PlotSens(sn.SensAnal(sample, method=method)))) == set(ISHIGAMI)


def test_what_is_no_result_is_not_drawn() -> None:
    data = measured(sn.pick_freeze(64, ISHIGAMI))
    with pytest.raises(errors.DataError, match="no result of SensAnal"):
        sn.PlotSens(data)
    time = xr.DataArray([1.0, 2.0], dims="site")
    with pytest.raises(errors.DataError, match="the dims site"):
        sn.PlotSens(sn.SensAnal(data.assign(y=data.y * time)))
    both = sn.SensAnal(data.assign(a=data.y * time, b=data.y * time).drop_vars("y"))
    with pytest.raises(errors.DataError, match="Give output="):
        sn.PlotSens(both)
    with pytest.raises(errors.UnknownNameError, match="'c'"):
        sn.PlotSens(both, "c")
    with pytest.raises(errors.ParameterError, match="most"):
        sn.PlotSens(sn.SensAnal(data), most=0)


def test_a_table_of_an_output_without_numbers_says_so() -> None:
    data = measured(sn.pick_freeze(64, ISHIGAMI))
    found = sn.SensAnal(data.assign(y=xr.zeros_like(data.y)))
    rows = list(indices.index_table(found))
    assert rows[1] == ("y", "x1", "-", "-", "constant_output")
