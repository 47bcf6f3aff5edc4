"""What bookkeeping costs: CPU time per point of a block, per small block, and of opening a study of 1e8 points.

Run by hand with `pytest tests/bench -s -n 0`; times are printed and never asserted, the goals stand beside them.
"""

import time
from pathlib import Path

import numpy as np
import pytest

from sneuron import labels
from sneuron.store.folder import StudyFolder
from sneuron.store.layout import Template, Variable


def study(tmp_path: Path, points: int, block: int, variables: int) -> StudyFolder:
    folder = StudyFolder.create(tmp_path / "study", {}, "abc")
    some = tuple(Variable(f"x{i}", ("point",), "float64") for i in range(variables - 1))
    status = Variable("status", ("point",), "uint8", labels.status_attrs())
    folder.add_part("main", Template({"point": points}, {"point": block}, (*some, status)))
    return folder


def block_seconds(folder: StudyFolder, size: int, variables: int, blocks: int = 12) -> float:
    """CPU seconds of the quickest block."""
    rng = np.random.default_rng(0)
    arrays = {f"x{i}": np.round(rng.random(size) * 100, 1) for i in range(variables - 1)}
    arrays["status"] = np.ones(size, np.uint8)
    spent = []
    for block in range(blocks):
        start = time.process_time()
        folder.write_block("main", block, arrays)
        spent.append(time.process_time() - start)
    return min(spent)


@pytest.mark.bench
def test_bookkeeping_of_a_point(tmp_path: Path) -> None:
    size = 65_536
    folder = study(tmp_path, 10**8, size, 10)
    seconds = block_seconds(folder, size, 10)
    each = seconds / size * 1e6
    print(f"10 variables x {size:,} points: {seconds * 1e3:.1f} ms a block, {each:.2f} us a point (goal: 1 us)")
    assert folder.done("main") == set(range(12))


@pytest.mark.bench
def test_a_small_block(tmp_path: Path) -> None:
    folder = study(tmp_path, 10_000, 100, 8)
    seconds = block_seconds(folder, 100, 8)
    print(f"8 variables x 100 points: {seconds * 1e3:.1f} ms a block (goal: 25 ms)")
    assert folder.done("main") == set(range(12))


@pytest.mark.bench
def test_opening_a_study_of_1e8_points(tmp_path: Path) -> None:
    folder = study(tmp_path, 10**8, 65_536, 10)
    opened = folder.open_dataset("main")
    start = time.process_time()
    for _ in range(5):
        opened = StudyFolder.open(folder.path).open_dataset("main", chunks={})
    seconds = (time.process_time() - start) / 5
    print(f"opening 1e8 points x 10 variables: {seconds * 1e3:.0f} ms (goal: 1 s)")
    assert opened.sizes == {"point": 10**8}
