"""The page of all models is the one that the library makes."""

import importlib.util
from pathlib import Path
from typing import Any

import pytest

from sneuron.lang.model import channels, load_channel, neurons, noises, synapses

ROOT = Path(__file__).parents[2]
REMAKE = "run: python docs/figures/models.py pictures"


@pytest.fixture(scope="module")
def maker() -> Any:
    spec = importlib.util.spec_from_file_location("models_page", ROOT / "docs" / "figures" / "models.py")
    assert spec is not None
    assert spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


def test_the_page_is_what_the_library_makes(maker: Any) -> None:
    assert (ROOT / "docs" / "models.md").read_text(encoding="utf8") == maker.page(), REMAKE


def test_everything_has_its_section(maker: Any) -> None:
    lines = set((ROOT / "docs" / "models.md").read_text(encoding="utf8").splitlines())
    assert {f"### {name}" for name in (*neurons, *channels, *noises, *synapses)} <= lines


@pytest.mark.parametrize(
    "name", [*neurons, *(c for c in channels if load_channel(c).current or load_channel(c).states)]
)
def test_everything_has_its_picture(name: str) -> None:
    assert (ROOT / "docs" / "img" / "models" / f"{name}.png").stat().st_size > 2000, REMAKE
