"""Atlases: from a file to runs in one store and a picture of all of them."""

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
from sneuron.explore import atlas, studyfile
from sneuron.lang.model import load_model

TEXT = """\
schema = 1
name = "three"

[atlas."patterns of 2004"]
"(A) tonic spiking" = "izhikevich_2004_tonic_spiking"
"(B) phasic spiking" = "izhikevich_2004_phasic_spiking"

[atlas.others]
"moving threshold" = "glif_5"

[figure]
file = "results/three.png"
columns = 2
[run]
store = "results/three.zarr"
"""


@pytest.fixture
def file(tmp_path: Path) -> Path:
    path = tmp_path / "three.toml"
    path.write_text(TEXT)
    return path


@pytest.fixture(scope="module")
def tree(tmp_path_factory: pytest.TempPathFactory) -> xr.DataTree:
    path = tmp_path_factory.mktemp("atlas") / "three.toml"
    path.write_text(TEXT)
    return atlas.atlas_of(read(path))[0]


def read(path: Path) -> studyfile.AtlasRead:
    found = studyfile.read_any(path)
    assert isinstance(found, studyfile.AtlasRead)
    return found


@pytest.mark.parametrize(
    ("old", "new", "said"),
    [
        ('"glif_5"', '"glif_6"', ["three.toml:9, atlas.others.moving threshold", "Did you mean 'glif"]),
        ('"glif_5"', '"lif"', ["three.toml:9, atlas.others", "model 'lif' comes without a protocol"]),
        ('"glif_5"', "5", ["three.toml:9, atlas.others.moving threshold", "valid string", "here: 5"]),
        ("columns = 2", "colums = 2", ["three.toml:13, figure.colums", "Did you mean 'columns'?"]),
        ("columns = 2", "columns = 0", ["three.toml:13, figure.columns", "greater than or equal to 1"]),
        ("[figure]", "[figur]", ["three.toml:11, figur", "Did you mean 'figure'?"]),
        ("schema = 1", "schema = 2", ["three.toml:1, schema"]),
        ('"moving threshold"', '"moving/threshold"', ["three.toml:9", "should match pattern"]),
        ('"moving threshold" = "glif_5"', "", ["three.toml:8, atlas.others", "at least 1 item"]),
        ("[atlas.", "[atlsa.", ["three.toml:4, atlsa", "Did you mean 'atlas'?"]),
        ("[run]", "duration = 3\n[run]", ["figure.duration", "file, columns"]),
        ("[run]", "[run]\nworkers = 3", ["three.toml:15, run.workers", "store"]),
    ],
)
def test_a_bad_atlas_is_refused_at_its_line(file: Path, old: str, new: str, said: list[str]) -> None:
    file.write_text(TEXT.replace(old, new))
    with pytest.raises(errors.SneuronError) as caught:
        atlas.panels_of(read(file))
    assert [part for part in said if part not in str(caught.value)] == [], str(caught.value)


def test_an_atlas_is_no_study(file: Path) -> None:
    with pytest.raises(errors.PlanError, match=r"three\.toml:4, atlas: this is an atlas, not a study"):
        studyfile.read(file)


def test_a_panel_is_a_run_of_its_protocol(tree: xr.DataTree) -> None:
    assert [leaf.path for leaf in tree.leaves] == [
        "/patterns of 2004/(A) tonic spiking", "/patterns of 2004/(B) phasic spiking", "/others/moving threshold"
    ]  # fmt: skip
    run = tree["patterns of 2004/(A) tonic spiking"].to_dataset()
    alone = sn.RunSim(sn.InjCur(sn.InitNeu("izhikevich_2004_tonic_spiking"), "protocol"), 100.0, record=["v", "i_stim"])
    xr.testing.assert_identical(run.drop_vars("spike_level"), alone)
    np.testing.assert_array_equal(run.spike_level, 30.0)
    assert run.attrs["model_hash"] == load_model("izhikevich_2004_tonic_spiking").hash
    assert run.i_stim.attrs["units"] == "mV/ms"


def test_a_threshold_that_moves_is_kept(tree: xr.DataTree) -> None:
    run = tree["others/moving threshold"].to_dataset()
    assert run.theta.attrs == {"units": "mV", "long_name": "threshold"}
    before = np.floor(run.spike_time.values / 0.05).astype(int)
    np.testing.assert_array_equal(run.spike_level, run.theta.values[before])
    assert ((run.v.values[before] <= run.spike_level) & (run.spike_level < run.v.values[before] + 1.0)).all()


def test_an_atlas_is_made_once(file: Path) -> None:
    told: list[str] = []
    first, path = atlas.atlas_of(read(file), say=told.append)
    assert told == ["(A) tonic spiking", "(B) phasic spiking", "moving threshold"]
    again, same = atlas.atlas_of(read(file), say=told.append)
    assert (len(told), same) == (3, path)
    assert again.identical(first)
    assert [leaf.name for leaf in again.leaves] == told  # in the order of the file, not of the folders
    assert sn.LoadSim(path).identical(first)
    file.write_text(TEXT.replace("glif_5", "glif_4"))
    with pytest.raises(errors.StoreError, match=r"three\.zarr: holds something else"):
        atlas.atlas_of(read(file))


@pytest.mark.parametrize("what", [{"a": 1}, 3.0])
def test_only_what_can_be_kept_is_kept(what: Any, tmp_path: Path) -> None:
    with pytest.raises(errors.DataError, match="Dataset, DataArray or DataTree"):
        sn.SaveSim(what, tmp_path / "x.zarr")


# -- the picture -------------------------------------------------------------------------------------


@pytest.fixture(scope="module")
def picture(tree: xr.DataTree) -> Figure:
    return sn.PlotAtlas(tree, columns=2)


def panels(picture: Figure) -> dict[str, tuple[Any, Any]]:
    """The two axes of each panel by its title."""
    axes = picture.axes
    titled = [(i, ax) for i, ax in enumerate(axes) if ax.get_title(loc="left") and ax.axison]
    return {ax.get_title(loc="left"): (ax, axes[i + 1]) for i, ax in titled}


def test_every_panel_has_its_title_and_every_group_its_heading(picture: Figure) -> None:
    titles = [ax.get_title(loc="left") for ax in picture.axes if ax.get_title(loc="left")]
    assert titles == ["patterns of 2004", "(A) tonic spiking", "(B) phasic spiking", "others", "moving threshold"]
    for title in ("(A) tonic spiking", "moving threshold"):
        above, below = panels(picture)[title]
        assert above.get_shared_x_axes().joined(above, below)


def test_spikes_are_drawn_to_where_they_go(picture: Figure, tree: xr.DataTree) -> None:
    line = panels(picture)["(A) tonic spiking"][0].lines[-1]
    time, v = line.get_data()
    run = tree["patterns of 2004/(A) tonic spiking"]
    np.testing.assert_allclose(time[v == 30.0], run.spike_time)
    assert v.min() == run.v.min()


def test_axes_say_what_they_show(picture: Figure) -> None:
    above, below = panels(picture)["moving threshold"]
    assert len(above.lines) == 2
    assert above.get_yticklabels()[-1].get_text().endswith(" mV")
    assert [text.get_text() for text in below.get_yticklabels()] == ["0", "400 pA"]
    assert [text.get_text() for text in below.get_xticklabels()] == ["0", "700 ms"]
    assert below.get_xlim() == above.get_xlim()


def test_panels_do_not_lie_on_one_another(picture: Figure) -> None:
    """No text of a panel reaches into another axes."""
    picture.canvas.draw()
    boxes = [ax.get_tightbbox() for pair in panels(picture).values() for ax in pair]
    for i, one in enumerate(boxes):
        for other in boxes[i + 1 :]:
            width = min(one.x1, other.x1) - max(one.x0, other.x0)
            height = min(one.y1, other.y1) - max(one.y0, other.y0)
            assert min(width, height) < 3.0


@pytest.mark.parametrize(
    ("nodes", "says"),
    [
        ({"g/a": xr.Dataset({"v": ("time", [1.0])}, {"time": [0.0]})}, "node '/g/a' has no 'i_stim'"),
        ({"/": xr.Dataset()}, "node '/' has no 'v'"),
    ],
)
def test_what_is_no_run_is_refused(nodes: dict[str, xr.Dataset], says: str) -> None:
    with pytest.raises(errors.DataError, match=says):
        sn.PlotAtlas(xr.DataTree.from_dict(nodes))


def test_columns_are_a_number(tree: xr.DataTree) -> None:
    with pytest.raises(errors.ParameterError, match="columns"):
        sn.PlotAtlas(tree, columns=0)


# -- the command -------------------------------------------------------------------------------------


def test_the_commands_know_an_atlas(file: Path) -> None:
    def call(*words: str, code: int = 0) -> str:
        result = CliRunner().invoke(main, list(words))
        assert result.exit_code == code, result.output
        return result.output

    rows = [line.split() for line in call("plan", str(file)).splitlines()]
    assert ["(A)", "tonic", "spiking", "izhikevich_2004_tonic_spiking", "100", "ms", "0.25", "ms", "izh2004"] in rows
    assert not (file.parent / "results").exists()
    text = call("run", str(file))
    assert "(A) tonic spiking   izhikevich_2004_tonic_spiking   5" in text
    assert (file.parent / "results" / "three.png").stat().st_size > 20_000
    told = json.loads(call("run", str(file), "--json"))
    assert told["panels"]["/patterns of 2004/(A) tonic spiking"] == 5.0
    assert "Group: /patterns of 2004" in call("open", str(file))
    assert "/others/moving threshold" in json.loads(call("open", told["path"], "--json"))
    assert "no damage" in call("verify", told["path"])
    chunk = next(Path(told["path"]).glob("others/*/v/c/*"))
    chunk.write_bytes(chunk.read_bytes()[:-1] + b"x")
    assert "moving threshold/v" in call("verify", told["path"], code=1)
    assert "this is an atlas, not a study" in call("status", str(file), code=1)


def test_the_workflow_shows_all_patterns() -> None:
    panels = atlas.panels_of(read(Path(__file__).parents[2] / "workflows" / "firing_patterns.toml"))
    names = [panel.model.name for panel in panels]
    assert len(names) == len(set(names)) >= 49
    assert sum(name.startswith("izhikevich_2004_") for name in names) == 20
    assert sum(name.startswith("adex_") for name in names) == 8


def test_the_workflow_of_neurons_made_of_channels_holds_every_family() -> None:
    panels = atlas.panels_of(read(Path(__file__).parents[2] / "workflows" / "conductance_neurons.toml"))
    names = [panel.model.name for panel in panels]
    families = {"traub_miles", "wang_buzsaki", "connor_stevens", "pinsky_rinzel", "pospischil_rs", "pospischil_ib"}
    assert families | {"pospischil_fs", "pospischil_lts", "prinz_abpd1"} <= set(names)
    assert len(names) == len(set(names)) >= 20
