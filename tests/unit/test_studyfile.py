"""The study file: what is refused, where, and with which advice."""

import time

import pytest

from sneuron import errors
from sneuron.explore import studyfile
from sneuron.lang import tomltext

GOOD = """\
schema = 1
name = "a map"  # [not.a.header]
duration = "2 s"

[model]
kind = "adex"
C = "200 pF"

[space.a]
grid = { lo = 0, hi = 10, n = 4 }

[space.b]
values = [1, 2,
          3]

[outputs]
count = "SpikeCount"
"""


@pytest.fixture
def refusal(tmp_path):
    def read(text: str) -> str:
        file = tmp_path / "study.toml"
        file.write_bytes(text if isinstance(text, bytes) else text.encode())
        with pytest.raises(errors.PlanError) as caught:
            studyfile.read(file)
        return str(caught.value).replace(f"{file}", "study.toml")

    return read


def test_a_good_file_is_read(tmp_path):
    file = tmp_path / "study.toml"
    file.write_text(GOOD)
    study = studyfile.read(file).file
    assert study.model.kind == "adex"
    assert study.model.__pydantic_extra__ == {"C": "200 pF"}
    assert study.space["a"].grid == studyfile.Grid(lo=0.0, hi=10.0, n=4)
    assert study.space["b"].values == [1.0, 2.0, 3.0]
    assert study.outputs["count"].measure == "SpikeCount"


@pytest.mark.parametrize(
    ("old", "new", "said"),
    [
        ("n = 4", "num = 4", ["study.toml:10, space.a.grid.num", "lo, hi, n, scale"]),
        ("[space.a]", "[spaces.a]", ["study.toml:9, spaces", "Did you mean 'space'?"]),
        ("grid = {", "gird = {", ["study.toml:10, space.a.gird", "Did you mean 'grid'?"]),
        ("schema = 1", "schema = 2", ["study.toml:1, schema", "should be 1", "here: 2"]),
        ('"2 s"', "true", ["study.toml:3, duration", "here: True"]),
        ('"2 s"', "nan", ["study.toml:3, duration", "nan is not a value"]),
        ("lo = 0", "lo = -inf", ["study.toml:10, space.a.grid.lo", "-inf is not a value"]),
        ("          3]", "          inf]", ["study.toml:13, space.b.values.2", "inf is not a value"]),
        ("n = 4", "n = 0", ["space.a.grid.n", "greater than or equal to 1"]),
        ("n = 4", "n = 4.5", ["space.a.grid.n", "valid integer"]),
        ("n = 4", f"n = {2**63}", ["space.a.grid.n", "64 bits"]),
        ("n = 4", "n = " + "9" * 5000, ["cannot be read as TOML"]),
        ('kind = "adex"', "", ["study.toml:5, model", "give either kind"]),
        ("[space.a]", '[space."a b"]', ["space.a b", "should match pattern"]),
        ('count = "SpikeCount"', "", ["study.toml:16, outputs", "at least 1 item"]),
        ('count = "SpikeCount"', "count = { measur = 1 }", ["outputs.count", "measure"]),
        ("grid = { lo = 0, hi = 10, n = 4 }", "range = [0, 1]", ["no [samples] table"]),
        ("grid = { lo = 0, hi = 10, n = 4 }", "range = [0, 1, 2]", ["study.toml:10, space.a.range", "at most 2"]),
        (
            "values = [1, 2,",
            "grid = {lo=0,hi=1,n=2}\nvalues = [1, 2,",
            ["study.toml:12, space.b", "here: grid, values"],
        ),
        ("[model]", "[stimulus]\nkind = 'replay'\n[model]", ["needs a [recording]"]),
        ('"2 s"', '"2 s', ["this is not TOML", "line 3"]),
        ("[model]", "[model]\n[model]", ["this is not TOML"]),
        ("n = 4", "n = " + "[" * 100000, ["study.toml:10", "nested deeper"]),
        ("[model]", "[" + "a." * 100000 + "a]", ["study.toml:5", "more than 12 parts"]),
        ("duration", "a.b" + ".c" * 100 + " = 1\nduration", ["study.toml:3", "more than 12 parts"]),
    ],
)
def test_a_bad_file_is_refused_at_its_line(refusal, old, new, said):
    assert old in GOOD
    text = refusal(GOOD.replace(old, new, 1))
    assert [part for part in said if part not in text] == []


def test_what_is_no_text_or_too_much_is_refused_before_it_is_parsed(refusal):
    assert "UTF-8" in refusal(b"schema = 1 # \xff")
    assert "larger than" in refusal(GOOD + "#" * tomltext.LARGEST)


@pytest.mark.parametrize("text", ["[" + " " * 200000, "a" * 200000, '"' * 200001, "x = {" + "a," * 90000, "." * 200000])
def test_hostile_text_is_refused_quickly(refusal, text):
    start = time.process_time()
    assert refusal(text)
    assert time.process_time() - start < 2


def test_a_missing_file_is_named(tmp_path):
    with pytest.raises(errors.PlanError, match=r"nowhere\.toml.*No such file"):
        studyfile.read(tmp_path / "nowhere.toml")


def test_arrays_of_many_numbers_are_no_deep_keys(tmp_path):
    file = tmp_path / "study.toml"
    file.write_text(GOOD.replace("[1, 2,\n          3]", "[" + ", ".join(f"{n / 10}" for n in range(1000)) + "]"))
    assert len(studyfile.read(file).file.space["b"].values) == 1000
