"""Generated kernels: readable, content-addressed, compiled once, packed into SIMD registers, no name clashes."""

import ast
import hashlib
import json
import os
import re
import subprocess
import sys
from collections import Counter
from concurrent.futures import ThreadPoolExecutor
from functools import cache
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from sneuron.core.run import RunSim
from sneuron.core.state import InitNeu
from sneuron.lang import kernel
from sneuron.lang.emit import emit
from sneuron.lang.methods import METHODS, method
from sneuron.lang.model import load_model, models
from sneuron.lang.printer import mangled
from sneuron.lang.program import recordable
from sneuron.lang.spec import Neuron, Param, State

COMPILED = """
import ast, json, re, sys
from collections import Counter
import numba, numpy as np
from numba import njit, types
folder = sys.argv[1]
found = {}
for path in sorted(__import__("pathlib").Path(folder).glob("*.py")):
    scope = {}
    text = path.read_text().replace('"cache": True', '"cache": False')
    exec(compile(text, str(path), "exec"), scope)
    F = getattr(types, scope["F"].__name__)
    array = lambda t, n: types.Array(t, n, "C")
    i, d = types.int64, types.float64
    signature = (array(F, 2), i, array(i, 1), i, d, d, array(F, 2), array(i, 2), i,
                 array(d, 3), array(i, 2), array(i, 2), array(types.uint8, 2), array(d, 2), array(F, 4), i,
                 array(types.uint32, 3), array(types.float32, 4))
    scope["run"].compile(signature)
    asm = scope["run"].inspect_asm(signature)
    x86 = re.findall(r"\\bv?(?:add|sub|mul|div|fn?m(?:add|sub)\\d+)([ps][sd])\\b", asm)
    arm = re.findall(r"\\bf(?:add|sub|mul|div|mla|mls)(?:\\.(2d|4s)|\\s+v\\d+\\.(2d|4s))", asm)
    names = {"2d": "pd", "4s": "ps"}
    found[path.stem] = Counter(x86 + [names[a or b] for a, b in arm])
print(json.dumps(found))
"""


SINGLE = {"adex", "glif", "hh", "izhikevich", "izhikevich_2003", "lif", "passive"}
"""Models that are looked at in single precision, too: some of every kind, since the texts differ in numbers only."""


@cache
def distinct() -> dict[str, str]:
    """The kernels of the library, by model and type; models of one form and method are one."""
    found = {(load_model(n).form, load_model(n).method): n for n in reversed(models())}
    kinds = [(n, dtype) for n in found.values() for dtype in ("float64", "float32")[: 1 + (n in SINGLE)]]
    return {
        f"{n}__{dtype}": emit(load_model(n), method(load_model(n).method), dtype).text for n, dtype in sorted(kinds)
    }


def inner(text: str) -> str:
    """What is done to every lane in every step."""
    run = text[text.index("def run(") :]
    return run[: run.index("if _any:")]


@pytest.fixture(scope="module")
def counts(tmp_path_factory: pytest.TempPathFactory) -> dict[str, Counter[str]]:
    """Arithmetic instructions by kind (packed or scalar, double or single) in the compiled `run` of each kernel."""
    folder = tmp_path_factory.mktemp("kernels")
    for name, text in distinct().items():
        (folder / f"{name}.py").write_text(text, encoding="utf8")
    wanted = {"NUMBA_CPU_NAME": "haswell", "NUMBA_CPU_FEATURES": ""} if os.uname().machine == "x86_64" else {}
    result = subprocess.run(
        [sys.executable, "-c", COMPILED, str(folder)],
        capture_output=True,
        text=True,
        check=True,
        env=os.environ | wanted,
    )
    return {name: Counter(found) for name, found in json.loads(result.stdout).items()}


@pytest.mark.parametrize("name", distinct())
def test_the_lane_loop_is_packed(name: str, counts: dict[str, Counter[str]]) -> None:
    body = inner(distinct()[name])
    operations = len(re.findall(r"fma\(| [*/] ", body))
    packed, foreign = ("ps", "pd") if name.endswith("32") else ("pd", "ps")
    exponentials = len(re.findall(r"\bexp\(", body))
    least = {"ps": 5, "pd": 10}[packed]  # coefficients of the polynomial
    assert operations >= 2
    assert counts[name][packed] >= operations + least * exponentials
    drawn = load_model(name.partition("__")[0]).noisy  # random numbers are in single precision
    assert counts[name][foreign] == 0 or drawn


@pytest.mark.parametrize("kernel_name", distinct())
def test_a_module_is_readable_and_says_what_it_is(kernel_name: str) -> None:
    model, text = load_model(kernel_name.partition("__")[0]), distinct()[kernel_name]
    tree = ast.parse(text)
    doc = ast.get_docstring(tree)
    assert model.form in doc
    assert all(f" {state}," in f" {doc}," for state in model.states)
    functions = [n for n in tree.body if isinstance(n, ast.FunctionDef)]
    assert {"prepare", "run", "ion", "detection", "resetting"} <= {f.name for f in functions}
    assert all(ast.get_docstring(f) for f in functions)
    assert max(len(line) for line in text.splitlines() if not line.startswith("rows ")) < 1000


def test_the_text_is_the_same_whenever_it_is_made() -> None:
    model = load_model("hh")
    code = (
        "from sneuron.lang.emit import emit; from sneuron.lang.model import load_model; "
        "from sneuron.lang.methods import method; import hashlib; "
        "print(hashlib.sha256(emit(load_model('hh'), method('exp_euler'), record=('v', 'i_na'), "
        "features=('v_mean',)).text.encode()).hexdigest())"
    )
    seeds = [os.environ | {"PYTHONHASHSEED": seed} for seed in ("1", "77")]
    found = {
        subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True, env=e).stdout
        for e in seeds
    }
    here = emit(model, method("exp_euler"), record=("v", "i_na"), features=("v_mean",)).text
    assert found == {hashlib.sha256(here.encode()).hexdigest() + "\n"}


def test_a_module_lies_under_the_hash_of_its_content(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("SNEURON_CACHE_DIR", str(tmp_path))
    model, euler = load_model("izhikevich"), METHODS["euler"]
    text = emit(model, euler).text
    first = Path(kernel.module_of(text, euler.name).__file__)
    assert first.parent == tmp_path
    assert first.read_text(encoding="utf8") == text
    assert kernel.module_of(text, euler.name).__file__ == str(first)
    other = Path(kernel.module_of(text + "\n# another\n", euler.name).__file__)
    assert other != first
    monkeypatch.setattr(kernel, "_foundation", lambda: "other vector mathematics")
    assert Path(kernel.module_of(text, euler.name).__file__) not in (first, other)
    assert not list(tmp_path.glob("*.partial"))


def test_a_damaged_module_is_written_again(tmp_path: Path) -> None:
    path = kernel._put(tmp_path, "one", "x = 1\n")
    path.write_text("x = ", encoding="utf8")
    assert kernel._put(tmp_path, "one", "x = 1\n").read_text(encoding="utf8") == "x = 1\n"


def test_without_a_place_to_write_kernels_still_run(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    blocked = tmp_path / "file"
    blocked.write_text("no folder", encoding="utf8")
    monkeypatch.setenv("SNEURON_CACHE_DIR", str(blocked / "cache"))
    path = kernel._written("two", "x = 2\n")
    assert path.read_text(encoding="utf8") == "x = 2\n"
    assert tmp_path not in path.parents
    path.unlink()
    path.parent.rmdir()


ONE_RUN = """
import json, sys
import sneuron as sn
from sneuron.lang import kernel
state = sn.InitNeu({"model": "izhikevich", "I": [4.0, 10.0]})
run = sn.RunSim(sn.StepSim(state, 0.05), 100, 0.05)
stats = [f.stats for k in kernel._KERNELS.values() for f in vars(k.module).values() if hasattr(f, "stats")]
print(json.dumps({"hits": sum(sum(s.cache_hits.values()) for s in stats),
                  "misses": sum(sum(s.cache_misses.values()) for s in stats),
                  "spikes": run.spike_time.values[1].tolist()}))
"""


def one_run(folder: Path) -> dict[str, object]:
    environment = os.environ | {"SNEURON_CACHE_DIR": str(folder)}
    done = subprocess.run(
        [sys.executable, "-W", "error", "-c", ONE_RUN], capture_output=True, text=True, env=environment
    )
    assert done.returncode == 0, done.stderr
    return json.loads(done.stdout)


def test_many_processes_share_a_cold_cache_and_the_next_one_compiles_nothing(tmp_path: Path) -> None:
    with ThreadPoolExecutor(4) as pool:
        first = list(pool.map(one_run, [tmp_path] * 4))
    assert sum(f["misses"] for f in first) > 0
    later = one_run(tmp_path)
    assert later["misses"] == 0
    assert later["hits"] >= 2
    assert len({json.dumps(f["spikes"]) for f in [*first, later]}) == 1
    assert not list(tmp_path.glob("*.partial"))


CLASHING = """
    F W ONE TWO OPTIONS np njit fma fabs either raise_flag decay decay_near t_0 t_1 t_half w0_t_0 c0 x0 x_0
    v_new x_new x_stage2 i_leak g_leak i_stim alpha_m inf_m rate_m flag phase k1 j1 dt_ n v_part1
""".split()  # noqa: SIM905


def test_names_of_a_model_never_clash_with_those_of_its_kernel() -> None:
    def built(names: list[str]) -> Neuron:
        rate = " + ".join(names)
        return Neuron(
            name="u",
            capacitance="C",
            currents={"leak": "g*(v - E)", "stim": "0.001*v"},
            states={"x": State("1", "0.3")},
            equations={"x": f"-({rate})*(x - 0.5)"},
            params={
                **{n: Param(0.01 * (k + 1), "1/ms") for k, n in enumerate(names)},
                "C": Param(1.0, "uF/cm2"), "g": Param(0.1, "mS/cm2"), "E": Param(-65.0, "mV"),
            },
            source="own choice",
        )  # fmt: skip

    plain = [f"p{k:02}" for k in range(len(CLASHING))]
    found = []
    for names in (sorted(CLASHING), plain):
        state = InitNeu({"model": built(names), "I": 1.0})
        found.append(RunSim(state, 2.0, 0.1, "rk4", record=["v", "x", "i_leak", "i_stim", "g_leak"]))
    for name in ("v", "x", "i_leak", "i_stim", "g_leak"):
        np.testing.assert_allclose(found[0][name], found[1][name], rtol=1e-13)
    assert float(found[0].i_leak[0]) == pytest.approx(0.0)
    assert float(found[0].g_leak[0]) == 0.1


names = st.from_regex(r"[A-Za-z][A-Za-z0-9_]{0,8}(\.[A-Za-z][A-Za-z0-9_]{0,8})?", fullmatch=True)


@given(st.sets(names, min_size=2, max_size=12))
@settings(max_examples=200)
def test_different_names_stay_different(some: set[str]) -> None:
    assert len({mangled(n) for n in some}) == len(some)
    assert all(mangled(n).isidentifier() for n in some)


def test_words_of_the_module_are_left_alone() -> None:
    assert mangled("F") == "F_"
    assert mangled("F_") == "F__"
    assert mangled("lambda") == "lambda_"
    assert mangled("na.g") == "na__g"
    assert len({mangled(n) for n in ("na.g", "na__g", "na_.g", "na.g_")}) == 4


@pytest.mark.parametrize(
    ("name", "expected"),
    [
        (
            "hh",
            {
                "v",
                "h",
                "m",
                "n",
                "phi",
                "i_stim",
                "armed",
                *(f"{kind}_{c}" for kind in "igep" for c in ("k", "leak", "na")),
            },
        ),
        ("adex", {"v", "w", "i_leak", "i_spike", "i_adaptation", "g_leak", "e_leak", "p_leak", "i_stim"}),
        ("izhikevich", {"v", "u", "i_quadratic", "i_recovery", "i_stim"}),
    ],
)
def test_what_can_be_recorded(name: str, expected: set[str]) -> None:
    assert set(recordable(load_model(name))) == expected
