"""Imports point down, never up, never sideways on one floor; third parties stay behind their walls."""

import ast
from collections.abc import Iterator
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2] / "sneuron"

FLOOR = {
    "errors": 0,
    "version": 0,
    "labels": 1,
    "registry": 1,
    "lang": 2,
    "library": 3,
    "core": 4,
    "analysis": 4,
    "store": 4,
}
FLOOR |= {"explore": 5, "plot": 5, "__init__": 6, "cli": 6, "__main__": 7}

WALLS = {
    "numba": {"lang", "core"},
    "llvmlite": {"lang", "core"},
    "sympy": {"lang"},
    "zarr": {"store"},
    "distributed": {"explore"},
    "dask": {"explore", "analysis", "plot"},
    "matplotlib": {"plot"},
    "pydantic": {"explore"},
    "cma": {"explore"},
    "optuna": {"explore"},
    "click": {"cli"},
    "pint": {"labels"},
}

FILES = sorted(ROOT.rglob("*.py"))


def room(module: str) -> str:
    """The room of a dotted module of ours."""
    parts = module.split(".")
    return parts[1] if len(parts) > 1 else "__init__"


def name_of(file: Path) -> str:
    parts = file.relative_to(ROOT.parent).with_suffix("").parts
    return ".".join(parts[:-1] if parts[-1] == "__init__" and len(parts) > 2 else parts)


def imports(source: str, package: str) -> Iterator[str]:
    """Every dotted name that a source imports, at whatever depth of the code."""
    for node in ast.walk(ast.parse(source)):
        if isinstance(node, ast.Import):
            yield from (a.name for a in node.names)
        elif isinstance(node, ast.ImportFrom):
            base = package.split(".")[: -node.level + 1 or None] if node.level else []
            stem = ".".join([*base, *([node.module] if node.module else [])])
            yield from (f"{stem}.{a.name}" for a in node.names)


def complaints(module: str, package: str, source: str) -> list[str]:
    """What the imports of one module do that the house does not allow."""
    here = room(module)
    found = []
    for target in imports(source, package):
        top = target.partition(".")[0]
        if top == "sneuron":
            there = room(target)
            if there not in FLOOR:
                there = "__init__"  # a public name of the package itself
            if there != here and FLOOR[there] >= FLOOR[here] and not (here == "registry" and there == "labels"):
                found.append(f"{module} (floor {FLOOR[here]}) imports {target} (floor {FLOOR[there]})")
            if here == "library" and there != "library" and not target.startswith("sneuron.lang.spec"):
                found.append(f"{module} is data and imports {target}: only sneuron.lang.spec is allowed")
        elif here not in WALLS.get(top, {here}):
            found.append(f"{module} imports {target}: only {sorted(WALLS[top])} may")
    return found


@pytest.mark.parametrize("file", FILES, ids=[str(f.relative_to(ROOT)) for f in FILES])
def test_imports_point_down_and_walls_hold(file: Path) -> None:
    module = name_of(file)
    package = module if file.name == "__init__.py" else module.rpartition(".")[0]
    assert room(module) in FLOOR, f"{module} is in no room of the house"
    assert complaints(module, package, file.read_text(encoding="utf8")) == []


@pytest.mark.parametrize(
    ("module", "line"),
    [
        ("sneuron.lang.expr", "from sneuron import core"),
        ("sneuron.core.run", "import sneuron.store.files"),
        ("sneuron.store.files", "def f():\n    from ..analysis import measure"),
        ("sneuron.explore.sweep", "from sneuron.plot.maps import PlotMap"),
        ("sneuron.explore.sweep", "from sneuron import InitNeu"),
        ("sneuron.library.neurons.hh", "from sneuron.lang.emit import emit"),
        ("sneuron.analysis.rate", "import zarr"),
        ("sneuron.core.neuron", "from matplotlib import pyplot"),
    ],
)
def test_the_law_catches_what_breaks_it(module: str, line: str) -> None:
    assert complaints(module, module.rpartition(".")[0], line) != []
