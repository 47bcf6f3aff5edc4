"""Blocks that killed their worker or did not end: computed again alone, in a process that may die.

The block is tried in eight groups, since its worker may have died of something else. A group of points that ends the
process, or takes too long, is cut in eight again, until the point that does it is alone. It is marked; the others are
kept.
"""

from __future__ import annotations

import contextlib
import json
import os
import selectors
import signal
import sys
import tempfile
import time
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt

from sneuron.explore.blocks import Findings, block_points, computed, simulated
from sneuron.explore.cluster import helper
from sneuron.explore.parts import Part, part_of
from sneuron.labels import Status
from sneuron.store.folder import StudyFolder

__all__ = ["Ward"]

Index = npt.NDArray[np.int64]
_WAYS = 8


class Ward:
    """Computes the points of one block in processes of its own.

    Parameters
    ----------
    study : StudyFolder
        The study.
    part : Part
        Its part.
    block : int
        Number of the block.
    timeout : float or None
        Seconds that a group of points may take.
    memory : float
        Bytes that a process may use.
    """

    def __init__(self, study: StudyFolder, part: Part, block: int, timeout: float | None, memory: float) -> None:
        self.study, self.part, self.block = study, part, block
        self.timeout, self.memory = timeout, memory
        self.patient: _Patient | None = None

    def findings(self) -> Findings:
        """All results of the block."""
        try:
            return computed(self.part, block_points(self.part, self.block), self._cutting)
        finally:
            self._discharge()

    def _cutting(self, index: Index, found: Findings) -> None:
        waiting = _parted(index)
        while waiting:
            group = waiting.pop()
            arrays, fate = self._tried(group)
            if arrays is not None:
                text = arrays.pop("error", None)
                if text is None:
                    found.put(group, arrays)
                    continue
                status, fate = Status.ERROR, str(text)
            else:
                status = Status.TIMEOUT if fate.startswith("took longer") else Status.ERROR
            if len(group) == 1:
                found.mark(group, status, fate)
            else:
                waiting += _parted(group)

    def _tried(self, group: Index) -> tuple[dict[str, Any] | None, str]:
        """Results of a group, or what became of the process."""
        if self.patient is None:
            self.patient = _Patient(self.study, self.part.name, self.block, self.memory)
        arrays, fate = self.patient.ask(group, self.timeout)
        if arrays is None:
            self._discharge()
        return arrays, fate

    def _discharge(self) -> None:
        if self.patient is not None:
            self.patient.close()
            self.patient = None


class _Patient:
    """A process that computes points of one block until it dies of them."""

    def __init__(self, study: StudyFolder, part: str, block: int, memory: float) -> None:
        spec = {"path": sys.path, "folder": str(study.path), "part": part, "block": block, "memory": memory}
        self.process = helper("sneuron.explore.quarantine")
        self.folder = tempfile.TemporaryDirectory(prefix="sneuron-quarantine-")
        self._say(spec)
        self._hear(None)

    def ask(self, group: Index, timeout: float | None) -> tuple[dict[str, Any] | None, str]:
        """Results of a group; or None, and how the process ended."""
        place = Path(self.folder.name) / "group.npz"
        self._say({"points": group.tolist(), "place": str(place)})
        began = time.monotonic()
        told = self._hear(timeout)
        if told is not None:
            with np.load(place, allow_pickle=False) as data:
                return dict(data), ""
        if timeout is not None and time.monotonic() - began >= timeout:
            return None, f"took longer than {timeout:g} s"
        return None, _fate(self.process.wait())

    def close(self) -> None:
        """End the process."""
        with contextlib.suppress(ProcessLookupError, PermissionError):
            os.killpg(self.process.pid, signal.SIGKILL)
        self.process.wait()
        for pipe in (self.process.stdin, self.process.stdout):
            if pipe is not None:
                with contextlib.suppress(OSError):
                    pipe.close()
        self.folder.cleanup()

    def _say(self, what: dict[str, Any]) -> None:
        assert self.process.stdin is not None
        with contextlib.suppress(BrokenPipeError):
            self.process.stdin.write(json.dumps(what) + "\n")
            self.process.stdin.flush()

    def _hear(self, timeout: float | None) -> str | None:
        """The next line, or None when the process ended or did not answer in time."""
        assert self.process.stdout is not None
        with selectors.DefaultSelector() as waiting:
            waiting.register(self.process.stdout, selectors.EVENT_READ)
            if not waiting.select(timeout):
                return None
        return self.process.stdout.readline() or None


def _parted(group: Index) -> list[Index]:
    """A group in eight, the first last."""
    return np.array_split(group, min(_WAYS, len(group)))[::-1]


def _fate(code: int) -> str:
    """How a process ended, in words."""
    if code >= 0:
        return f"ended the process with exit code {code}"
    name = signal.Signals(-code).name if -code in set(signal.Signals) else str(-code)
    hint = " (out of memory, or killed)" if name == "SIGKILL" else ""
    return f"ended the process with signal {-code} ({name}){hint}"


def _limit(memory: float) -> None:
    """Let this process ask for no more than so many bytes beyond what it has."""
    try:
        import resource

        pages = int(Path("/proc/self/statm").read_text().split()[0])
        limit = int(pages * os.sysconf("SC_PAGE_SIZE") + memory)
        resource.setrlimit(resource.RLIMIT_AS, (limit, resource.getrlimit(resource.RLIMIT_AS)[1]))
    except (ImportError, OSError, ValueError):  # a system without such limits
        return


def main() -> None:
    """Compute groups of points of one block, as told on standard input; one line out for each."""
    told = os.fdopen(os.dup(1), "w")
    os.dup2(2, 1)
    spec = json.loads(sys.stdin.readline())
    sys.path[:] = spec["path"]
    part = part_of(StudyFolder.open(spec["folder"]), spec["part"])
    points = block_points(part, spec["block"])
    _limit(spec["memory"])
    print("ready", file=told, flush=True)
    for line in sys.stdin:
        asked = json.loads(line)
        with open(asked["place"], "wb") as out:
            np.savez(out, **_answer(part, points, np.array(asked["points"], dtype=np.int64)))
        print("done", file=told, flush=True)


def _answer(part: Part, points: Any, group: Index) -> dict[str, Any]:
    """Results, or the error that was raised."""
    try:
        return simulated(part, points, group)
    except Exception as cause:
        return {"error": np.array(f"{type(cause).__name__}: {cause}")}


if __name__ == "__main__":
    main()
