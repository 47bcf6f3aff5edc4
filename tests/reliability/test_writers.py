"""Writers that are killed, late, or twice: what is receipted is whole and right."""

import random
import signal
import subprocess
import sys
import threading
import time
from pathlib import Path

import numpy as np
import zarr

from sneuron import errors, labels
from sneuron.store import commit
from sneuron.store.folder import StudyFolder
from sneuron.store.layout import Template, Variable

N = 80
SIZE = 2000

WRITER = """
import random, sys
import numpy as np
from sneuron import errors
from sneuron.store.folder import StudyFolder

path, seed, offset = sys.argv[1], int(sys.argv[2]), float(sys.argv[3])
folder = StudyFolder.open(path)
blocks = list(range(80)) if seed else folder.missing("main")
random.Random(seed).shuffle(blocks)
print("ready", flush=True)
sys.stdin.readline()
refused = 0
for block in blocks:
    rng = np.random.default_rng(block)
    x, k = rng.random(2000) + offset, rng.integers(0, 99, (2000, 3), dtype=np.int32)
    try:
        folder.write_block("main", block, {"x": x, "k": k, "status": np.ones(2000, np.uint8)})
    except errors.StoreError as error:
        assert "other values of x" in str(error), error
        refused += 1
print(refused, flush=True)
"""


def begin(tmp_path: Path) -> StudyFolder:
    folder = StudyFolder.create(tmp_path / "study", {}, "abc")
    variables = (
        Variable("x", ("point",), "float64"),
        Variable("k", ("point", "axis"), "int32"),
        Variable("status", ("point",), "uint8", labels.status_attrs()),
    )
    folder.add_part("main", Template({"point": N * SIZE, "axis": 3}, {"point": SIZE}, variables))
    return folder


def writer(folder: StudyFolder, seed: int = 0, offset: float = 0.0) -> subprocess.Popen[str]:
    command = [sys.executable, "-c", WRITER, str(folder.path), str(seed), str(offset)]
    return subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True)


def go(processes: list[subprocess.Popen[str]]) -> None:
    """Let writers that are all ready start together."""
    for process in processes:
        assert process.stdout is not None
        assert process.stdout.readline() == "ready\n"
    for process in processes:
        assert process.stdin is not None
        process.stdin.write("\n")
        process.stdin.flush()


def block_of(block: int) -> tuple[np.ndarray, np.ndarray]:
    rng = np.random.default_rng(block)
    return rng.random(SIZE), rng.integers(0, 99, (SIZE, 3), dtype=np.int32)


def check(folder: StudyFolder) -> set[int]:
    """Every receipted block is whole and right, every other reads as not computed."""
    assert folder.verify() == []
    done = folder.done("main")
    data = folder.open_dataset("main").load()
    for block in range(N):
        cut = slice(block * SIZE, (block + 1) * SIZE)
        x, k = block_of(block)
        assert (data.status.values[cut] == (1 if block in done else 0)).all()
        if block in done:
            np.testing.assert_array_equal(data.x.values[cut], x)
            np.testing.assert_array_equal(data.k.values[cut], k)
        else:
            assert np.isnan(data.x.values[cut]).all()
    return done


def test_a_writer_killed_at_any_moment_loses_no_receipted_block(tmp_path: Path) -> None:
    folder = begin(tmp_path)
    seen: set[int] = set()
    rng = random.Random(7)
    for _ in range(6):
        process = writer(folder)
        go([process])
        time.sleep(rng.uniform(0.02, 0.25))
        process.send_signal(signal.SIGKILL)
        process.communicate()
        done = check(folder)
        assert done >= seen
        seen = done
    assert seen
    process = writer(folder)
    go([process])
    process.communicate()
    assert process.returncode == 0
    assert check(folder) == set(range(N))
    folder.sweep(older=-1)
    assert list(folder.path.rglob("*.partial")) == []


def test_two_writers_of_the_same_blocks_do_no_harm(tmp_path: Path) -> None:
    folder = begin(tmp_path)
    both = [writer(folder, seed=1), writer(folder, seed=2)]
    go(both)
    assert [p.communicate()[0].split() for p in both] == [["0"], ["0"]]
    assert [p.returncode for p in both] == [0, 0]
    assert check(folder) == set(range(N))
    assert list(folder.path.rglob("*.partial")) == []


def test_of_two_writers_that_differ_the_first_of_each_block_is_kept_whole(tmp_path: Path) -> None:
    folder = begin(tmp_path)
    both = [writer(folder, seed=1), writer(folder, seed=2, offset=1.0)]
    go(both)
    refused = [int(p.communicate()[0]) for p in both]
    assert sum(refused) == N
    assert folder.verify() == []
    x = folder.open_dataset("main").x.values.reshape(N, SIZE)
    first = np.array([np.array_equal(x[b], block_of(b)[0]) for b in range(N)])
    second = np.array([np.array_equal(x[b], block_of(b)[0] + 1.0) for b in range(N)])
    assert (first ^ second).all()
    assert [first.sum(), second.sum()] == [N - refused[0], N - refused[1]]


def test_threads_of_one_process_may_write_the_same_blocks(tmp_path: Path) -> None:
    folder = begin(tmp_path)
    failures: list[BaseException] = []

    def write() -> None:
        try:
            for block in range(12):
                x, k = block_of(block)
                folder.write_block("main", block, {"x": x, "k": k, "status": np.ones(SIZE, np.uint8)})
        except errors.SneuronError as error:
            failures.append(error)

    threads = [threading.Thread(target=write) for _ in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert failures == []
    assert check(folder) == set(range(12))


def test_threads_that_begin_at_once_keep_blocks_of_nothing_but_nan(tmp_path: Path, monkeypatch) -> None:
    """A chunk of fill values counts, whichever thread was the first or the last to open the arrays."""
    folder = StudyFolder.create(tmp_path / "study", {}, "abc")
    folder.add_part("main", Template({"point": 8 * 4}, {"point": 4}, (Variable("x", ("point",), "float64"),)))
    barrier, failures, opened = threading.Barrier(8), [], zarr.open_array

    def opened_in_turn(*args, **kwargs):
        time.sleep(0.1 + 0.02 * int(threading.current_thread().name))
        return opened(*args, **kwargs)

    def write(block: int) -> None:
        barrier.wait()
        try:
            folder.write_block("main", block, {"x": np.full(4, np.nan)})
        except BaseException as error:
            failures.append(error)

    monkeypatch.setattr(commit, "_writers", {})
    monkeypatch.setattr(zarr, "open_array", opened_in_turn)
    threads = [threading.Thread(target=write, args=(n,), name=str(n)) for n in range(8)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert failures == []
    assert folder.missing("main") == []
