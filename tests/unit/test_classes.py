"""Classes of points: their numbers, typical points, the picture, and the study files that ask for them."""

import json
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import xarray as xr
from click.testing import CliRunner
from matplotlib.figure import Figure

import sneuron as sn
from sneuron import errors
from sneuron.cli import main
from sneuron.explore import filed, studyfile
from sneuron.explore.classes import changed, class_counts, class_table, typical_points

WORKFLOW = Path(__file__).parents[2] / "workflows" / "prinz_cells.toml"
FLAGS = {"flag_values": [0.0, 1.0, 2.0], "flag_meanings": "quiet slow fast", "long_name": "how it does"}


@pytest.fixture
def data() -> xr.Dataset:
    """Three thousand points: fast where a > 0.6 and b > 0.5, quiet where a < 0.2, and a few that failed."""
    rng = np.random.default_rng(5)
    a, b, c = rng.random((3, 3000))
    flag = np.where(a < 0.2, 0.0, np.where((a > 0.6) & (b > 0.5), 2.0, 1.0))
    flag[:30] = np.nan
    rate = np.where(flag > 0, 10.0 ** (flag + b), np.nan)
    return xr.Dataset(
        {
            "does": ("point", flag, FLAGS),
            "rate": ("point", rate, {"units": "Hz", "long_name": "rate"}),
            "other": ("point", c * 100, {"units": "mV"}),
        },
        {"a": ("point", a, {"units": "nS"}), "b": ("point", b), "c": ("point", c), "fixed": 3.0},
    )


def test_counts_and_medians_are_those_of_the_points(data: xr.Dataset) -> None:
    found = class_counts(data, "does", ["rate", "other"])
    assert found["class"].values.tolist() == ["quiet", "slow", "fast", "none"]
    assert int(found.points.sum()) == 3000
    assert int(found.points[3]) == 30
    np.testing.assert_allclose(found.share, found.points / 3000)
    for number, value in enumerate((0.0, 1.0, 2.0)):
        there = data.does == value
        assert int(found.points[number]) == int(there.sum())
        for name in ("rate", "other"):
            expected = float(data[name].where(there).median())
            np.testing.assert_array_equal(found[name][number], expected)
    assert np.isnan(found.rate[0])
    lazy = class_counts(data.chunk(point=700), "does", ["rate", "other"])
    xr.testing.assert_identical(found, lazy)


def test_points_of_a_grid_are_counted_too(data: xr.Dataset) -> None:
    grid = xr.Dataset({"does": (("x", "y"), data.does.values.reshape(50, 60), FLAGS)}, {"x": np.arange(50.0)})
    assert class_counts(grid, "does").points.values.tolist() == class_counts(data, "does").points.values.tolist()
    assert class_counts(grid, "does", ["x"]).x[1] == 24.0


def test_the_table_is_for_people(data: xr.Dataset) -> None:
    header, quiet, *_, none = class_table(class_counts(data, "does", ["rate"]), ["rate"])
    assert header == ("class", "points", "share", "rate [Hz]")
    assert (quiet[0], quiet[3]) == ("quiet", "")
    assert none[:3] == ("none", "30", "1.0%")


def test_a_typical_point_is_one_of_its_class_near_its_middle(data: xr.Dataset) -> None:
    found = typical_points(data, "does", ["a", "b", "c"], ["rate"], ["fast", "quiet"])
    assert found["class"].values.tolist() == ["fast", "quiet"]
    assert 0.7 < found.a[0] < 0.9
    assert 0.65 < found.b[0] < 0.85
    assert 0.05 < found.a[1] < 0.15
    for number, flag in enumerate((2.0, 0.0)):
        same = (data.a == found.a[number]) & (data.b == found.b[number])
        assert data.does.values[same.values].tolist() == [flag]
    assert typical_points(data, "does", ["a"])["class"].values.tolist() == ["quiet", "slow", "fast"]
    assert found.a.attrs["units"] == "nS"


def test_what_cannot_be_counted_is_refused(data: xr.Dataset) -> None:
    with pytest.raises(errors.UnknownNameError, match="Did you mean 'does'"):
        class_counts(data, "doe")
    with pytest.raises(errors.DataError, match="its values are no flags"):
        class_counts(data, "rate")
    with pytest.raises(errors.DataError, match="has dims"):
        class_counts(data.assign(wide=(("point", "time"), np.zeros((3000, 2)))), "does", ["wide"])
    with pytest.raises(errors.DataError, match="no point has a class"):
        typical_points(data.assign(does=data.does * np.nan).assign(does=data.does.where(False)), "does", ["a"])


def test_what_half_the_step_changes_is_counted(data: xr.Dataset) -> None:
    assert changed(data, "does") is None
    data["does_error"] = ("checked", [0.0, 2.0, np.nan, 0.0, 1.0])
    assert changed(data, "does") == (2, 4)


# -- the picture -------------------------------------------------------------------------------------


@pytest.fixture
def examples() -> xr.Dataset:
    time = xr.DataArray(np.arange(0, 500.0), dims="time", attrs={"units": "ms"})
    v = np.stack([np.full(500, -70.0), -60 + 80 * (np.arange(500) % 50 == 0)])
    attrs = {"units": "mV", "long_name": "membrane potential"}
    coords = {"time": time, "class": ["quiet", "fast"], "a": ("class", [0.1, 0.8]), "b": ("class", [0.5, 0.7])}
    coords["c"] = ("class", [0.2, 0.3])
    return xr.Dataset({"v": (("class", "time"), v, attrs)}, coords)


def maps(figure: Figure, shape: tuple[int, int]) -> list[Any]:
    """Shares over pairs of parameters, row by row."""
    held = [c.get_array() for ax in figure.axes for c in ax.collections]
    return [np.asarray(array) for array in held if np.shape(array) == shape]


def texts(figure: Figure) -> list[str]:
    return [text.get_text() for text in figure.legends[0].get_texts()]


def test_the_picture_shows_shares_traces_and_where_classes_live(data: xr.Dataset, examples: xr.Dataset) -> None:
    figure = sn.PlotClasses(
        data, "does", ["a", "b", "c"], examples, "fast", "quiet", against=["rate", "other"], spread="rate"
    )
    found = class_counts(data, "does")
    assert texts(figure)[0] == f"quiet {100 * float(found.share[0]):.1f} %"
    assert texts(figure)[3] == "none 1.0 %"
    traces = [ax for ax in figure.axes if ax.get_title(loc="left") in ("quiet", "fast")]
    assert [ax.get_title(loc="left") for ax in traces] == ["quiet", "fast"]
    assert "a 0.8,  b 0.7,  c 0.3" in traces[1].get_title(loc="right")
    assert traces[0].get_ylim() == traces[1].get_ylim()
    shares = maps(figure, (14, 14))
    assert len(shares) == 6
    share = shares[2]  # of "fast", over a (across) and b
    assert share[:6].max() == 0
    assert share[8:, 9:].min() == 1
    figure.canvas.draw()


def test_a_few_values_make_a_cell_each() -> None:
    gna, gk = (x.ravel() for x in np.meshgrid([0.0, 100.0, 200.0], [1.0, 2.0, 4.0, 8.0]))
    data = xr.Dataset({"does": ("point", (gna > gk * 20) * 1.0, FLAGS)}, {"gNa": ("point", gna), "gK": ("point", gk)})
    figure = sn.PlotClasses(data, "does", ["gNa", "gK"])
    assert len(maps(figure, (3, 4))) == 1
    (lower,) = maps(figure, (4, 3))
    np.testing.assert_array_equal(lower[1], [0.0, 1.0, 1.0])  # the more frequent class, at gK = 2
    figure.canvas.draw()


@pytest.mark.parametrize(
    ("options", "said"),
    [
        ({"of": "rate"}, "its values are no flags"),
        ({"params": ["d"]}, "'d' is not known"),
        ({"lower": "fst"}, "Did you mean 'fast'"),
        ({"spread": "rat"}, "Did you mean 'rate'"),
        ({"against": ["rate", "othr"]}, "Did you mean 'other'"),
        ({"params": ["a", "fixed"]}, "the examples have no 'fixed'"),
    ],
)
def test_what_cannot_be_drawn_is_refused(
    data: xr.Dataset, examples: xr.Dataset, options: dict[str, Any], said: str
) -> None:
    with pytest.raises(errors.SneuronError, match=said):
        sn.PlotClasses(data, **{"of": "does", "params": ["a", "b"], "examples": examples, **options})


# -- study files -------------------------------------------------------------------------------------

STUDY = """\
schema = 1
name = "currents"
settle = 40
duration = 160
convergence = 8
[model]
kind = "hh"
[space.I]
range = [0, 12]
[space.gNa]
range = [100, 140]
[samples]
n = 60
[outputs]
firing = { measure = "FireClass", plateau = 5 }
energy_per_spike = "EnergyUse"
[report]
count = "firing_pattern"
columns = ["firing_period", "energy_per_spike"]
[figure]
kind = "classes"
file = "results/hh.png"
parameters = ["I", "gNa"]
lower = "tonic"
upper = "silent"
against = ["firing_period", "firing_width"]
spread = "energy_per_spike"
show = ["silent", "tonic"]
length = "100 ms"
"""


@pytest.fixture
def file(tmp_path: Path) -> Path:
    path = tmp_path / "study.toml"
    path.write_text(STUDY)
    return path


def call(*words: str, code: int = 0) -> str:
    result = CliRunner().invoke(main, list(words))
    assert result.exit_code == code, result.output
    return result.output


def test_a_study_counts_its_classes_and_draws_them(file: Path) -> None:
    text = call("run", str(file))
    rows = {line.split()[0]: line.split() for line in text.splitlines() if line.startswith("  ")}
    assert rows["class"][1:4] == ["points", "share", "firing_period"]
    assert 5 < int(rows["tonic"][1]) < 55
    assert float(rows["tonic"][3]) == pytest.approx(15, abs=3)
    assert "how it fires (firing_pattern); medians of the rest" in text
    assert "of 8 checked points have another class" in text
    assert (file.parent / "results" / "hh.png").stat().st_size > 20_000
    told = json.loads(call("run", str(file), "--json"))
    assert next(row["class"] for row in told["classes"]) == "silent"
    assert sum(row["points"] for row in told["classes"]) == 60
    assert told["classes"][0]["firing_period"] is None
    assert told["changed"][1] == 8
    assert told["figure"].endswith("hh.png")


def test_examples_are_points_of_the_study(file: Path) -> None:
    read = studyfile.read(file)
    study = filed.study_of(read, studyfile_place())
    study.run()
    found = filed.examples_of(read, study, study.data)
    assert found.v.dims == ("class", "time")
    assert (float(found.time[0]), float(found.time[-1])) == (40.0, 140.0)
    data = study.data.load()
    for number, name in enumerate(("silent", "tonic")):
        (same,) = np.flatnonzero(data.I.values == float(found.I[number]))
        assert data.firing_pattern.values[same] == {"silent": 0.0, "tonic": 3.0}[name]
    assert (found.v.max("time").values > 0).tolist() == [False, True]


def studyfile_place() -> Any:
    from sneuron.explore.cluster import Place

    return Place(scheduler="inline")


@pytest.mark.parametrize(
    ("old", "new", "said"),
    [
        ('count = "firing_pattern"', 'count = "firing_patern"', ["study.toml:18, report.count", "'firing_pattern'"]),
        ('count = "firing_pattern"', 'count = "firing_period"', ["study.toml:18, report.count", "are no flags"]),
        (
            'count = "firing_pattern"',
            'count = "firing_pattern"\nrank = "firing_period"',
            ["report", "give either rank"],
        ),
        ('count = "firing_pattern"', 'count = "firing_pattern"\nn = 3', ["report", "n goes with rank"]),
        ('count = "firing_pattern"', 'rank = "firing_period"', ["needs a [report] that says what they are"]),
        ('columns = ["firing_period"', 'columns = ["period"', ["study.toml:19, report.columns.0"]),
        ('kind = "classes"', 'kind = "class"', ["study.toml:21, figure.kind", "'classes', 'boundaries'"]),
        ('kind = "classes"', 'kind = "fit"', ["study.toml:20, figure", "parameters goes with kind = 'classes'"]),
        ('lower = "tonic"', 'x = "I"', ["study.toml:20, figure", "x goes with kind = 'fit'"]),
        ('lower = "tonic"', 'lower = "tonc"', ["study.toml:24, figure.lower", "Did you mean 'tonic'"]),
        ('show = ["silent"', 'show = ["silnt"', ["figure.show.0", "Did you mean 'silent'"]),
        ('["I", "gNa"]', '["I", "gK"]', ["study.toml:23, figure.parameters.1", "'gK' is not known"]),
        ('spread = "energy_per_spike"', 'spread = "energy"', ["figure.spread", "Did you mean 'energy_per_spike'"]),
        ('"firing_width"]', '"firing_with"]', ["figure.against.1", "Did you mean 'firing_width'"]),
        ('length = "100 ms"', 'length = "100 mV"', ["study.toml:29, figure.length", "does not convert"]),
        ("settle = 40", 'settle = "40 mV"', ["study.toml:3, settle", "does not convert"]),
        ("[samples]", "[repeat]\nn = 2\n[samples]", ["[figure] shows one run of a point"]),
        ("lower =", "lowr =", ["figure.lowr", "Did you mean 'lower'"]),
    ],
)
def test_what_cannot_be_is_told_at_its_line(file: Path, old: str, new: str, said: list[str]) -> None:
    assert STUDY.count(old) == 1
    file.write_text(STUDY.replace(old, new))
    with pytest.raises(errors.SneuronError) as caught:
        filed.plan_of(studyfile.read(file))
    assert [part for part in said if part not in str(caught.value)] == [], str(caught.value)
    assert [p.name for p in file.parent.iterdir()] == ["study.toml"]


# -- the workflow ------------------------------------------------------------------------------------


def test_the_workflow_is_a_study_of_enough_cells_of_the_published_ranges() -> None:
    read = studyfile.read(WORKFLOW)
    plan = filed.plan_of(read)
    assert plan.space.size >= 100_000
    assert (plan.duration, plan.settled * plan.dt) == (6000.0, 2000.0)
    ends = {"gNa": 500.0, "gCaT": 12.5, "gCaS": 10.0, "gA": 50.0, "gKCa": 25.0, "gKd": 125.0, "gH": 0.05, "gL": 0.05}
    some = plan.space.points({"point": slice(0, 20_000)}).params
    for name, high in ends.items():
        found = [some[name].min() / high, some[name].mean() / high, some[name].max() / high]
        np.testing.assert_allclose(found, [0.0, 0.5, 1.0], atol=0.01)


@pytest.mark.timeout(300)
def test_the_workflow_works_at_toy_size(tmp_path: Path) -> None:
    text = WORKFLOW.read_text()
    for old, new in (
        ("n = 100_000", "n = 256"), ('settle = "2 s"', 'settle = "1 s"'), ('duration = "6 s"', 'duration = "4 s"'),
        ("convergence = 1000", "convergence = 16"), ('length = "3 s"', 'length = "1 s"'),
    ):  # fmt: skip
        assert text.count(old) == 1
        text = text.replace(old, new)
    file = tmp_path / "prinz_cells.toml"
    file.write_text(text)
    told = json.loads(call("run", str(file), "--json"))
    share = {row["class"]: row["points"] / 256 for row in told["classes"]}
    assert share["bursting"] + share["plateau"] == pytest.approx(0.80, abs=0.1)
    assert share["tonic"] == pytest.approx(0.12, abs=0.08)
    assert share["silent"] + share.get("blocked", 0.0) == pytest.approx(0.07, abs=0.06)
    assert told["changed"][0] <= 2
    assert Path(told["figure"]).stat().st_size > 100_000
