"""Generated modules of adaptive steps: packed into SIMD registers, readable, the same whenever they are made."""

import ast
import json
import os
import re
import subprocess
import sys
from collections import Counter
from functools import cache

import pytest

from sneuron import errors
from sneuron.lang.adapt import emit
from sneuron.lang.methods import PAIRS, method
from sneuron.lang.model import load_model, models
from sneuron.lang.program import wave

COMPILED = """
import json, re, sys
from collections import Counter
from numba import types
found = {}
for path in sorted(__import__("pathlib").Path(sys.argv[1]).glob("*.py")):
    scope = {}
    exec(compile(path.read_text().replace('"cache": True', '"cache": False'), str(path), "exec"), scope)
    array = lambda t, n: types.Array(t, n, "C")
    i, d, b = types.int64, types.float64, types.boolean
    played = (array(d, 1), array(i, 2), array(d, 2), array(i, 2))
    lanes = (array(d, 2), array(d, 1), array(i, 1), array(i, 1), array(i, 1), array(d, 1), array(d, 1), *played)
    rule = (array(d, 1), d, d, d)
    results = (array(d, 1), array(i, 1), array(i, 2), array(types.uint8, 2), array(d, 2), array(d, 4), i, b)
    signature = (*lanes, *rule, *results)
    scope["run"].compile(signature)
    asm = scope["run"].inspect_asm(signature)
    x86 = r"\\bv?(?:add|sub|mul|div|fn?m(?:add|sub)\\d+)([ps]d)\\b"
    arm = r"\\bf(?:add|sub|mul|div|mla|mls)(?:\\.(2d)|\\s+v\\d+\\.(2d)|\\s+(d)\\d+)"
    own = {}
    for text in re.split(r"\\n\\t\\.type\\t", asm)[1:]:
        name = re.search(r"\\d(attempt|slopes|dense|commit)B", text.split(",")[0])
        kinds = re.findall(x86, text) + ["pd" if a or c else "sd" for a, c, s in re.findall(arm, text)]
        if name and name[1] and kinds:
            own[name[1]] = Counter(kinds)
    found[path.stem] = own
print(json.dumps(found))
"""
CASES = {"hh__tsit5": ("hh", "tsit5"), "adex__bs32": ("adex", "bs32")}


@cache
def text_of(name: str) -> str:
    model, pair = CASES[name]
    return emit(load_model(model), method(pair), features=("v_max", "v_mean")).text


def body(text: str, name: str) -> str:
    """The text of one function of a module."""
    start = text.index(f"def {name}(")
    end = text.find("\n\n@njit", start)
    return text[start : end if end > 0 else len(text)]


@pytest.fixture(scope="module")
def counts(tmp_path_factory: pytest.TempPathFactory) -> dict[str, dict[str, Counter[str]]]:
    """Arithmetic instructions, packed or not, in the compiled functions of each module."""
    folder = tmp_path_factory.mktemp("kernels")
    for name in CASES:
        (folder / f"{name}.py").write_text(text_of(name), encoding="utf8")
    wanted = {"NUMBA_CPU_NAME": "haswell", "NUMBA_CPU_FEATURES": ""} if os.uname().machine == "x86_64" else {}
    done = subprocess.run(
        [sys.executable, "-c", COMPILED, str(folder)],
        capture_output=True,
        text=True,
        check=True,
        env=os.environ | wanted,
    )
    return {k: {f: Counter(c) for f, c in own.items()} for k, own in json.loads(done.stdout).items()}


@pytest.mark.parametrize("name", CASES)
def test_attempts_are_packed(name: str, counts: dict[str, dict[str, Counter[str]]]) -> None:
    """Every stage, the error and the next step: each operation of the text at least once, packed, and none scalar."""
    text = body(text_of(name), "attempt")
    operations = len(re.findall(r"fma\(| [*/] ", text))
    exponentials = len(re.findall(r"\bexp2_lean\(", text))
    own = counts[name]["attempt"]
    assert operations > 60
    assert own["pd"] >= operations + 8 * exponentials
    assert own["sd"] == 0


@pytest.mark.parametrize("name", CASES)
@pytest.mark.parametrize("function", ["slopes", "dense"])
def test_restarts_and_samples_are_packed(name: str, function: str, counts: dict[str, dict[str, Counter[str]]]) -> None:
    own = counts[name].get(function)
    if own is not None:  # the compiler may have put it into those that call it
        assert own["pd"] >= 10
        assert own["sd"] == 0


@pytest.mark.parametrize("name", models())
@pytest.mark.parametrize("pair", PAIRS)
def test_a_module_is_readable_and_says_what_it_is(name: str, pair: str) -> None:
    model = load_model(name)
    if model.noisy:
        with pytest.raises(errors.ModelError, match="noisy"):
            emit(model, method(pair))
        return
    text = emit(model, method(pair), record=("v",), features=("v_max",)).text
    tree = ast.parse(text)
    assert model.hash in ast.get_docstring(tree)
    functions = [n for n in tree.body if isinstance(n, ast.FunctionDef)]
    assert {"prepare", "attempt", "commit", "located", "arrive", "run", "last"} <= {f.name for f in functions}
    assert all(ast.get_docstring(f) for f in functions)
    assert "nan" not in text.lower()


def test_the_text_is_the_same_whenever_it_is_made() -> None:
    code = (
        "import hashlib; from sneuron.lang.adapt import emit; from sneuron.lang.model import load_model; "
        "from sneuron.lang.methods import method; from sneuron.lang.program import wave; "
        "text = emit(load_model('hh'), method('tsit5'), waves=(wave('pulses', 'pulses'), wave('noise', 'noise')), "
        "record=('v', 'i_na'), features=('v_mean',)).text; print(hashlib.sha256(text.encode()).hexdigest())"
    )
    seeds = [os.environ | {"PYTHONHASHSEED": seed} for seed in ("1", "77")]
    found = {
        subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True, env=e).stdout
        for e in seeds
    }
    assert len(found) == 1


def test_conditions_of_stimuli_are_decided_once_between_two_edges() -> None:
    """A step needs no comparison in the stages; a ramp is smooth there."""
    hh, pair = load_model("hh"), method("tsit5")
    held = body(emit(hh, pair, waves=(wave("step", "step"), wave("pulses", "pulses"))).text, "attempt")
    assert "floor" not in held
    assert "amplitude" not in held
    moving = emit(hh, pair, waves=(wave("sine", "sine"),)).text
    assert body(moving, "attempt").count("sin(") == 6
    assert "_t_0 >=" not in moving


def test_only_float64_holds_the_errors() -> None:
    with pytest.raises(errors.ParameterError, match="float32"):
        emit(load_model("hh"), method("tsit5"), "float32")
