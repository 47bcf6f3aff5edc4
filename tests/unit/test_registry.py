"""What a registry finds, it finds once and for all threads."""

import sys
import threading
from concurrent.futures import ThreadPoolExecutor

import pytest

from sneuron import errors
from sneuron.registry import Registry


def test_threads_that_ask_at_once_all_find_everything(tmp_path, monkeypatch) -> None:
    package = tmp_path / "slow_things"
    package.mkdir()
    (package / "__init__.py").write_text("")
    for name in "abc":
        (package / f"{name}.py").write_text(f"import time\ntime.sleep(0.1)\nTHING = 'thing {name}'\n")
    monkeypatch.syspath_prepend(tmp_path)
    things = Registry("thing", "slow_things", lambda x: isinstance(x, str) and x.startswith("thing "), lambda x: x[6:])
    gate = threading.Barrier(4)

    def ask(name: str) -> str:
        gate.wait()
        return things[name]

    with ThreadPoolExecutor(4) as pool:
        assert list(pool.map(ask, "abca")) == ["thing a", "thing b", "thing c", "thing a"]
    assert list(things) == ["a", "b", "c"]
    assert len(things) == 3
    with pytest.raises(errors.UnknownNameError, match="thing 'd' is not known"):
        things["d"]
    for name in ("slow_things", *(f"slow_things.{n}" for n in "abc")):
        sys.modules.pop(name, None)


def test_a_search_that_failed_is_made_again(tmp_path, monkeypatch) -> None:
    package = tmp_path / "broken_things"
    package.mkdir()
    (package / "__init__.py").write_text("")
    (package / "one.py").write_text("raise OSError('no disk')\n")
    monkeypatch.syspath_prepend(tmp_path)
    things = Registry("thing", "broken_things", lambda x: isinstance(x, str) and x.startswith("thing "), str)
    with pytest.raises(OSError, match="no disk"):
        "a" in things  # noqa: B015
    (package / "one.py").write_text("ONE = 'thing a'\n")
    import importlib

    importlib.invalidate_caches()
    assert "thing a" in things
