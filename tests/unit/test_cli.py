"""The command line as a user meets it."""

import json

import pytest
from click.testing import CliRunner

from sneuron.cli import main
from sneuron.lang.model import load_model, models, neurons


@pytest.fixture
def call():
    def run(*words: str, code: int = 0) -> str:
        result = CliRunner().invoke(main, list(words))
        assert result.exit_code == code, result.output
        return result.output

    return run


def test_models_lists_every_neuron_with_its_source(call):
    text = call("models")
    lines = text.splitlines()
    families = [line for line in lines if not line.startswith(" ")]
    assert [line.partition(":")[0].partition(" (")[0] for line in families] == sorted(neurons)
    for line, family in zip(families, sorted(neurons), strict=True):
        assert neurons[family].source in line
        for name in neurons[family].variants:
            assert name.removesuffix("_converged") in text
    assert any(line.startswith("hh (= hh_el54_3): ") for line in lines)
    assert max(len(line) for line in lines) < 200
    held = json.loads(call("models", "--json"))
    assert list(held) == models()
    assert held["hh"]["hash"] == load_model("hh").hash
    assert (held["adex_tonic"]["family"], held["adex_tonic"]["protocol"]) == ("adex", 600.0)
    assert held["adex"]["protocol"] is None


def test_models_that_differ_in_their_integration_only_stand_in_one_line(call):
    (line,) = [line.split() for line in call("models").splitlines() if "(P)" in line]
    assert line[0] == "izhikevich_2004_bistability(_converged)"
    assert line[-2:] == ["[300", "ms]"]


def test_show_names_the_protocol_and_the_relatives(call):
    text = call("show", "izhikevich_2004_bistability")
    assert "shown for 300 ms" in text
    assert "on: pulses(amplitude 1 mV/ms, width 4.75 ms, period 178.5 ms, start 37.75 ms, count 2)" in text
    assert "variants of izhikevich_2004:" in text
    assert "(T) Inhibition-induced bursting" in text
    assert "shown for" not in call("show", "lif")
    assert "variants of" not in call("show", "lif")


@pytest.mark.parametrize("name", models())
def test_show_names_every_parameter_state_and_source(call, name):
    text, model = call("show", name), load_model(name)
    lines = text.partition("parameter ")[2].splitlines()
    for param, held in model.params.items():
        (row,) = [line.split() for line in lines if line.split()[:1] == [param] and len(line.split()) > 4]
        assert float(row[1]) == pytest.approx(held.value, rel=1e-5)
        assert f" {held.unit} " in f" {' '.join(row)} "
        assert held.source in text
    assert all(f"d{state}/dt" in text for state in model.states)
    assert model.hash in text


def test_show_gives_json_that_is_the_model(call):
    assert load_model(call("show", "adex", "--json")) == load_model("adex")


def test_an_unknown_model_is_refused_with_the_nearest(call):
    assert "Did you mean 'adex'?" in call("show", "adexx", code=1)


def test_an_unknown_command_is_wrong_usage(call):
    assert "No such command" in call("simulate", code=2)


STUDY = """\
schema = 1
name = "two currents"
duration = "50 ms"
[model]
kind = "hh"
[space.I]
values = [0, 10, 20]
[outputs]
rate = "FireRate"
[report]
rank = "rate"
n = 2
columns = ["spike_count"]
"""


@pytest.fixture
def file(tmp_path):
    path = tmp_path / "study.toml"
    path.write_text(STUDY)
    return path


def test_run_computes_reports_and_leaves_a_study_that_the_other_commands_read(call, file):
    text = call("run", str(file))
    rows = [line.split() for line in text.splitlines() if line.split()[:1] in (["1"], ["2"])]
    assert [row[1] for row in rows] == ["20", "10"]
    assert "ok           3" in text
    store = str(file.with_suffix(".zarr"))
    assert "done, 1 of 1 blocks" in call("status", store)
    held = json.loads(call("status", str(file), "--json"))
    assert (held["state"], held["ok"], held["diverged"]) == ("done", 3, 0)
    assert "spike_count" in call("open", store)
    assert set(json.loads(call("open", store, "--json"))["data_vars"]) >= {"rate", "spike_count"}
    assert "no damage" in call("verify", store)
    assert json.loads(call("verify", store, "--json")) == []
    call("resume", store)


def test_run_again_computes_nothing_and_says_the_same(call, file):
    first = json.loads(call("run", str(file), "--json"))
    receipts = {p: p.stat().st_mtime_ns for p in file.with_suffix(".zarr").rglob("receipts/**/*.json")}
    assert receipts
    second = json.loads(call("run", str(file), "--json"))
    assert first == second
    assert [best["I [uA/cm2]"] for best in first["best"]] == ["20", "10"]
    assert {p: p.stat().st_mtime_ns for p in receipts} == receipts


def test_plan_runs_nothing(call, file):
    text = call("plan", str(file))
    assert "points   3" in text
    assert not file.with_suffix(".zarr").exists()


def test_failed_points_have_an_exit_code_of_their_own(call, file):
    file.write_text(STUDY.replace("[0, 10, 20]", "[0, 1e7]"))
    held = json.loads(call("run", str(file), "--json", code=3))
    assert (held["state"], held["ok"]) == ("done", 1)
    assert sum(held[s] for s in ("diverged", "out_of_range", "overflow")) == 1


def test_damage_is_named_and_repaired(call, file):
    call("run", str(file))
    store = file.with_suffix(".zarr")
    (chunk,) = store.rglob("rate/c.0")
    raw = bytearray(chunk.read_bytes())
    raw[len(raw) // 2] ^= 1
    chunk.write_bytes(bytes(raw))
    assert "rate" in call("verify", str(store), code=1)
    call("verify", str(store), "--repair", code=1)
    call("resume", str(store))
    assert "no damage" in call("verify", str(store))


def test_another_plan_in_the_same_folder_is_refused(call, file):
    call("run", str(file))
    file.write_text(STUDY.replace("50 ms", "60 ms"))
    assert "study.zarr" in call("run", str(file), code=1)


@pytest.mark.parametrize(
    ("old", "new", "said"),
    [
        ('rank = "rate"', 'rank = "rat"', "study.toml:11, report.rank"),
        ('["spike_count"]', '["count"]', "study.toml:13, report.columns"),
        ("[space.I]", "[space.J]", "study.toml:6, space.J"),
        ("schema = 1", "schema = one", "this is not TOML"),
    ],
)
def test_a_bad_file_ends_the_command_before_any_work(call, file, old, new, said):
    file.write_text(STUDY.replace(old, new))
    for command in ("run", "plan"):
        assert said in call(command, str(file), code=1)
    assert [p.name for p in file.parent.iterdir()] == ["study.toml"]


def test_what_is_no_study_is_refused(call, tmp_path):
    (tmp_path / "else").mkdir()
    for command in ("status", "open", "verify", "resume"):
        assert "else" in call(command, str(tmp_path / "else"), code=1)


def test_traces_are_kept_where_the_file_says(call, file):
    file.write_text(STUDY.replace("[model]", 'record = ["v"]\nevery = 20\nrecord_at = { I = [10] }\n[model]', 1))
    call("run", str(file))
    held = json.loads(call("open", str(file), "--json"))
    assert {"trace", "time"} <= set(held["dims"])
    assert held["dims"]["trace"] == 1
    file.write_text(file.read_text().replace("I = [10]", "I = [11]"))
    assert "study.toml:6, record_at" in call("run", str(file), "--store", str(file.parent / "other"), code=1)
