"""The command line as a user meets it."""

import json

import pytest
from click.testing import CliRunner

from sneuron.cli import main
from sneuron.lang.model import load_model, models


@pytest.fixture
def call():
    def run(*words: str, code: int = 0) -> str:
        result = CliRunner().invoke(main, list(words))
        assert result.exit_code == code, result.output
        return result.output

    return run


def test_models_lists_every_neuron_with_its_source(call):
    lines = call("models").splitlines()
    assert [line.split(":")[0].split("  (")[0] for line in lines] == models()
    assert any("hh  (= hh_el54_3)" in line for line in lines)
    held = json.loads(call("models", "--json"))
    assert held["hh"]["hash"] == load_model("hh").hash


@pytest.mark.parametrize("name", models())
def test_show_names_every_parameter_state_and_source(call, name):
    text, model = call("show", name), load_model(name)
    lines = text.partition("parameter ")[2].splitlines()
    for param, held in model.params.items():
        (row,) = [line.split() for line in lines if line.split()[:1] == [param] and len(line.split()) > 4]
        assert float(row[1]) == pytest.approx(held.value, rel=1e-5)
        assert held.unit in row
        assert held.source in text
    assert all(f"d{state}/dt" in text for state in model.states)
    assert model.hash in text


def test_show_gives_json_that_is_the_model(call):
    assert load_model(call("show", "adex", "--json")) == load_model("adex")


def test_an_unknown_model_is_refused_with_the_nearest(call):
    assert "Did you mean 'adex'?" in call("show", "adexx", code=1)


def test_an_unknown_command_is_wrong_usage(call):
    assert "No such command" in call("simulate", code=2)
