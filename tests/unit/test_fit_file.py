"""Fits from study files, by the command line, and their pictures."""

import json
from pathlib import Path

import pytest
import xarray as xr
from click.testing import CliRunner

import sneuron as sn
from sneuron import cli, errors
from sneuron.explore import studyfile

ROOT = Path(__file__).parents[2]
CELL = ROOT / "workflows" / "data" / "cortex_B6.nc"

FIT = f"""
schema = 1
name = "a leaky neuron against a cortical one"
dt = "0.1 ms"

[recording]
file = "{CELL}"
start = "600 ms"
stop = "1200 ms"

[model]
kind = "lif"
EL = "-68 mV"

[space.C]
range = ["50 pF", "400 pF"]
scale = "log"

[space.t_ref]
range = ["0 ms", "16 ms"]

[fit]
method = "de"
budget = 128
batch = 64
train = [0, 2, 4]
test = [1, 3]
model = "out/model.json"

[fit.objective.counts]
sd = 0.5

[fit.objective.times]
objective = "victor_purpura"
cost = 0.05

[figure]
kind = "prediction"
file = "out/fit.png"
trace = [1]

[run]
store = "out/fit.zarr"
"""

REGION = """
schema = 1
name = "alike"
duration = "100 ms"

[model]
kind = "lif"

[space.I]
range = ["400 pA", "700 pA"]

[space.C]
range = ["100 pF", "400 pF"]

[fit]
method = "sobol"
budget = 256
level = 1

[fit.objective.rate]
measure = "FireRate"
goal = 40
sd = 10

[figure]
kind = "region"
file = "region.png"
length = "50 ms"
"""


def run(tmp_path, text, *options):
    (tmp_path / "fit.toml").write_text(text)
    return CliRunner().invoke(cli.main, ["run", str(tmp_path / "fit.toml"), *options])


@pytest.fixture(scope="module")
def fitted(tmp_path_factory):
    folder = tmp_path_factory.mktemp("fit")
    return folder, run(folder, FIT)


def test_a_fit_writes_table_model_and_picture(fitted):
    folder, told = fitted
    assert told.exit_code == 0, told.output
    assert "held out" in told.output
    assert "of a LIF neuron's f-I curve" in " ".join(told.output.split())
    model = sn.load_model(str(folder / "out" / "model.json"))
    assert "fitted by sneuron" in model.params["C"].source
    assert (folder / "out" / "fit.png").stat().st_size > 20_000
    study = sn.Study.open(folder / "out" / "fit.zarr")
    assert study.status()["points"] == 128 * 3
    assert {"counts", "times"} <= set(study.data)


def test_again_nothing_is_computed_and_the_same_is_told(fitted):
    folder, told = fitted
    again = run(folder, FIT, "--json")
    assert again.exit_code == 0, again.output
    found = json.loads(again.output.splitlines()[-1])
    assert found["points"] == 128 * 3
    assert len(found["scores"]["gamma"]) == 5
    assert f"{found['best']['C']:.4g}" in told.output


def test_what_a_fit_will_do_is_told_before(tmp_path):
    (tmp_path / "fit.toml").write_text(FIT)
    told = CliRunner().invoke(cli.main, ["plan", str(tmp_path / "fit.toml")])
    assert told.exit_code == 0
    assert "128 evaluations" in told.output
    assert not (tmp_path / "out").exists()


def test_a_region_is_told_and_drawn(tmp_path):
    told = run(tmp_path, REGION)
    assert told.exit_code == 0, told.output
    assert "of the ranges" in told.output
    assert (tmp_path / "region.png").stat().st_size > 10_000


@pytest.mark.parametrize(
    ("old", "new", "text"),
    [
        ('method = "de"', 'method = "dee"', "Did you mean 'de'"),
        ("sd = 0.5", "sd = -1", "greater than 0"),
        ('objective = "victor_purpura"', 'objective = "victor"', "victor_purpura"),
        ("train = [0, 2, 4]", "train = [0, 9]", "number sweeps"),
        ('kind = "prediction"', 'kind = "classes"', "trace"),
        ("[model]", "[samples]\nn = 3\n\n[model]", "samples"),
        ('scale = "log"', 'scale = "exp"', "scale"),
        ('range = ["0 ms", "16 ms"]', 'values = ["0 ms", "16 ms"]', "listed values"),
        ('start = "600 ms"', 'start = "9 s"', "window"),
        ("cost = 0.05", "prize = 0.05", "cost"),
        ("[space.C]", "[space.CC]", "CC"),
        ('dt = "0.1 ms"', 'dt = "0.1 ms"\nrtol = 1e-6', "rtol does not go"),
        ('dt = "0.1 ms"', 'dt = "0.1 ms"\ncommon = ["C"]', "common does not go"),
        ('kind = "prediction"\nfile = "out/fit.png"\ntrace = [1]', 'kind = "region"\nfile = "a.png"', "needs a level"),
        ('method = "de"', 'method = "gradient"\nlevel = 1', "no terms"),
    ],
)
def test_what_is_wrong_is_told_at_its_line(tmp_path, old, new, text):
    assert old in FIT
    told = run(tmp_path, FIT.replace(old, new, 1))
    assert told.exit_code == 1
    assert text in told.output
    assert "fit.toml" in told.output


def test_pictures_that_cannot_be_are_refused_before_any_work(tmp_path):
    told = run(tmp_path, REGION.replace('kind = "region"', 'kind = "prediction"').replace('length = "50 ms"', ""))
    assert told.exit_code == 1
    assert "needs a [recording]" in told.output
    with xr.open_dataset(CELL) as cell:
        cell.isel(sweep=2).load().drop_encoding().to_netcdf(tmp_path / "one.nc")
    one = FIT.replace(str(CELL), "one.nc").replace("train = [0, 2, 4]\ntest = [1, 3]\n", "").replace("[1]", "[0]")
    told = run(tmp_path, one)
    assert told.exit_code == 1
    assert "one sweep" in told.output
    assert not (tmp_path / "out" / "fit.zarr").exists()


def test_a_study_still_needs_outputs_and_a_duration(tmp_path):
    text = 'schema = 1\nname = "a"\nduration = 10\n[model]\nkind = "lif"\n[space.I]\nvalues = [1, 2]\n'
    (tmp_path / "a.toml").write_text(text)
    with pytest.raises(errors.PlanError, match="outputs"):
        studyfile.read(tmp_path / "a.toml")


@pytest.mark.parametrize("name", ["fit_real_cell", "degeneracy"])
def test_workflows_are_read_and_planned(name):
    told = CliRunner().invoke(cli.main, ["plan", str(ROOT / "workflows" / f"{name}.toml")])
    assert told.exit_code == 0, told.output
    assert "evaluations" in told.output


def test_figures_refuse_what_is_not_there(fitted):
    folder, _ = fitted
    read = studyfile.read(folder / "fit.toml")
    from sneuron.explore.cluster import Place
    from sneuron.explore.fitfile import fit_of, found_of

    found = found_of(read, fit_of(read, Place(scheduler="inline")))
    with pytest.raises(errors.DataError, match="0 to 4"):
        sn.PlotFit(found.cell, found.run, found.scores, found.diagnosis, [7])
    for cell, scores in ((found.cell.drop_vars("voltage"), found.scores), (found.cell, found.scores.isel(sweep=0))):
        with pytest.raises(errors.DataError, match="voltage"):
            sn.PlotFit(cell, found.run, scores, found.diagnosis)
    region = xr.Dataset(coords={"param": ["I"]})
    with pytest.raises(errors.UnknownNameError, match="'I'"):
        sn.PlotRegion(region, region, ["II"])
