"""Sizes, names and habits of the house."""

import ast
import statistics
import subprocess
import sys
from pathlib import Path

import pytest

import sneuron

ROOT = Path(sneuron.__file__).parent
FILES = sorted(ROOT.rglob("*.py"))
TREES = {f: ast.parse(f.read_text(encoding="utf8")) for f in FILES}
HEAVY = ["numpy", "xarray", "numba", "scipy", "sympy", "zarr", "dask", "distributed", "matplotlib", "pint", "pydantic"]


def functions() -> list[tuple[str, int]]:
    kinds = (ast.FunctionDef, ast.AsyncFunctionDef)
    return [
        (
            f"{file.relative_to(ROOT)}:{node.lineno} {node.name}",
            node.end_lineno - node.lineno + 1 - docstring_lines(node),
        )
        for file, tree in TREES.items()
        for node in ast.walk(tree)
        if isinstance(node, kinds)
    ]


def docstring_lines(node: ast.AST) -> int:
    """Lines of the docstring, which are documentation and no code."""
    first = node.body[0]
    is_doc = (
        isinstance(first, ast.Expr) and isinstance(first.value, ast.Constant) and isinstance(first.value.value, str)
    )
    return first.end_lineno - first.lineno + 1 if is_doc else 0


def test_no_function_is_long() -> None:
    assert [f"{where} {lines} lines" for where, lines in functions() if lines > 80] == []


def test_the_median_function_is_short() -> None:
    assert statistics.median(lines for _, lines in functions()) < 10


def test_no_file_is_long() -> None:
    sizes = {str(f.relative_to(ROOT)): f.read_text(encoding="utf8").count("\n") for f in FILES}
    assert {f: n for f, n in sizes.items() if n > 600} == {}


def test_nothing_evaluates_text_or_unpickles() -> None:
    found = [
        f"{file.relative_to(ROOT)}:{node.lineno}"
        for file, tree in TREES.items()
        for node in ast.walk(tree)
        if isinstance(node, ast.Call) and called(node.func) in {"eval", "exec", "pickle.load", "pickle.loads"}
    ]
    assert found == []


def called(func: ast.expr) -> str:
    if isinstance(func, ast.Attribute) and isinstance(func.value, ast.Name):
        return f"{func.value.id}.{func.attr}"
    return func.id if isinstance(func, ast.Name) else ""


def test_nothing_is_left_unfinished() -> None:
    marks = ("TO" + "DO", "FIX" + "ME", "XX" + "X", "NotImplemented" + "Error")
    found = [
        f"{file.relative_to(ROOT)}:{number}"
        for file in FILES
        for number, line in enumerate(file.read_text(encoding="utf8").splitlines(), 1)
        if any(mark in line for mark in marks)
    ]
    assert found == []


def test_import_loads_nothing_heavy_and_is_quick() -> None:
    code = "import sys; before = set(sys.modules); import sneuron; print(*sorted(set(sys.modules) - before))"
    loaded = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True).stdout.split()
    assert [m for m in loaded if m.partition(".")[0] in HEAVY] == []


def test_import_takes_less_than_a_tenth_of_a_second() -> None:
    code = "import time; t = time.process_time(); import sneuron; print(time.process_time() - t)"
    runs = [
        float(subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True).stdout)
        for _ in range(3)
    ]
    assert min(runs) < 0.1


@pytest.mark.parametrize("name", sneuron.__all__)
def test_public_name_is_there_and_documented(name: str) -> None:
    value = getattr(sneuron, name)
    assert name in dir(sneuron)
    assert name == "__version__" or (value.__doc__ and value.__doc__.strip())


def test_type_checkers_see_the_same_names() -> None:
    tree = TREES[ROOT / "__init__.py"]
    block = next(n for n in tree.body if isinstance(n, ast.If))
    seen = {a.asname: n.module for n in block.body if isinstance(n, ast.ImportFrom) for a in n.names}
    assert seen == sneuron._HOME


def test_a_misspelt_name_gets_the_nearest() -> None:
    with pytest.raises(AttributeError, match="Did you mean 'SneuronError'"):
        getattr(sneuron, "SneuronErr")  # noqa: B009
