"""Blocks: how the space of a study is cut, and the task that computes one block and writes it.

A block is one task and one file of every array. Its results depend on the plan and on the parameter values of its
points only: never on how the space was cut, on who computed it, or how often it was tried.
"""

from __future__ import annotations

import faulthandler
import functools
import math
import os
import threading
import time
from collections.abc import Callable, Mapping
from concurrent.futures import Future
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt

from sneuron import errors, labels
from sneuron.explore.engine import Job
from sneuron.explore.parts import Part, part_of
from sneuron.explore.space import Points
from sneuron.labels import Status
from sneuron.store.folder import StudyFolder

__all__ = ["Findings", "block_points", "block_size", "computed", "cut", "filed", "run_block", "simulated"]

Index = npt.NDArray[np.int64]
_LANES = 64
_ALIKE = 128
_TEXT = 500
_MANY_ROUNDS = 32


def cut(dims: Mapping[str, int], points: int) -> dict[str, int]:
    """Lengths of blocks of about `points` points: last dims whole first, evenly cut.

    >>> cut({"gNa": 512, "gK": 512}, 4096)
    {'gNa': 8, 'gK': 512}
    """
    block: dict[str, int] = {}
    left = max(1, points)
    for dim, length in reversed(list(dims.items())):
        take = max(1, min(length, left))
        if _LANES * 4 <= take < length:
            take -= take % _LANES
        block[dim] = min(length, _even(length, take))
        left //= block[dim]
    return {dim: block[dim] for dim in dims}


def _even(length: int, take: int) -> int:
    """Blocks of equal lengths, in whole groups of lanes where they are long."""
    even = -(-length // -(-length // take))
    return -(-even // _LANES) * _LANES if take >= _LANES * 4 else even


@dataclass
class Findings:
    """What came out for some points: arrays with points first, and messages of those that failed."""

    arrays: dict[str, npt.NDArray[Any]]
    messages: dict[int, str] = field(default_factory=dict)

    def mark(self, index: Index, status: Status, message: str = "") -> None:
        """Note that points failed, with the reason."""
        self.arrays[labels.STATUS][index] = status
        if message:
            self.messages.update(dict.fromkeys(map(int, index), message[:_TEXT]))

    def put(self, index: Index, arrays: Mapping[str, npt.NDArray[Any]]) -> None:
        """Results of some points."""
        for name, values in arrays.items():
            self.arrays[name][index] = values


def run_block(folder: str, part: str, block: int, attempt: int, epoch: int, timeout: float | None) -> dict[str, Any]:
    """Compute one block, write it, and say what came of it: the task that workers run.

    Parameters
    ----------
    folder, part, block : str, str, int
        Where it belongs.
    attempt, epoch : int
        Which try, under which lease: kept in the receipt.
    timeout : float or None
        Seconds that the block may take; then the process dies or TimeoutError is raised: it goes to quarantine.
    """
    study = StudyFolder.open(folder)
    if block in study.done(part):
        return summary(study.receipt(part, block))
    own = part_of(study, part)
    began = time.perf_counter()
    found = _in_time(timeout, lambda: computed(own, block_points(own, block)))
    return summary(
        filed(study, own, block, found, {"attempt": attempt, "epoch": epoch, "seconds": time.perf_counter() - began})
    )


def filed(study: StudyFolder, part: Part, block: int, found: Findings, info: Mapping[str, Any]) -> dict[str, Any]:
    """Write the results of a block, shaped as its region; the receipt."""
    region = part.template.region(block)
    lengths = [region[d].stop - region[d].start for d in part.space.dims]
    arrays = {name: values.reshape((*lengths, *values.shape[1:])) for name, values in found.arrays.items()}
    messages = sorted(found.messages.items())
    texts = {text: place for place, text in enumerate(dict.fromkeys(text for _, text in messages))}
    told = {"texts": list(texts), "points": [[number, texts[text]] for number, text in messages]}
    return study.write_block(part.name, block, arrays, {**info, "code": code_version(), "messages": told})


def summary(receipt: Mapping[str, Any]) -> dict[str, Any]:
    """What the coordinator needs of a receipt; far below a kilobyte."""
    return {"block": receipt["block"], "status": receipt["status"], "seconds": receipt["info"].get("seconds", 0.0)}


def block_points(part: Part, block: int) -> Points:
    """The points of a block."""
    return part.points(part.template.region(block))


def computed(part: Part, points: Points, simulate: Callable[[Index, Findings], None] | None = None) -> Findings:
    """All results of some points; whatever a point does to itself, the others get theirs.

    Excluded points are not simulated; points out of a parameter's bounds are marked; a group that raises is halved
    until the point that raises is alone, and that one is marked `error` with its message.
    """
    found = _blank(part, len(points))
    found.mark(np.flatnonzero(~points.kept), Status.EXCLUDED)
    wanted = np.flatnonzero(points.kept & _inside(part, points, found))
    work = simulate or functools.partial(_halving, part, points)
    if len(wanted):
        work(wanted, found)
    return found


def simulated(part: Part, points: Points, index: Index) -> dict[str, npt.NDArray[Any]]:
    """Results of the engine for some points, checked against the layout."""
    some = points.take(index)
    given = part.plan.machine.simulate(Job(part.plan, some.params, some.repeat))
    arrays = {}
    for variable in part.template.variables:
        shape = (len(some), *part.inner(variable))
        values = np.asarray(given[variable.name])
        if values.shape != shape:
            raise errors.DataError(
                f"variable {variable.name!r}", f"has shape {values.shape} for these points", f"{shape}"
            )
        arrays[variable.name] = values
    return arrays


def code_version() -> str:
    """Version of the code that computes: of the package, and of the text of this floor and of the engine."""
    from sneuron.version import __version__

    return f"{__version__}+{_text_hash()}"


@functools.cache
def _text_hash() -> str:
    import hashlib

    root = Path(__file__).parent.parent
    files = sorted(f for room in ("lang", "core", "explore", "analysis") for f in (root / room).glob("*.py"))
    return hashlib.sha256(b"".join(f.read_bytes() for f in files)).hexdigest()[:12]


def _halving(part: Part, points: Points, index: Index, found: Findings) -> None:
    """Simulate groups, halving those that raise; after many failures and no success the rest is not tried alone."""
    waiting, lonely, good = [index], 0, 0
    while waiting:
        group = waiting.pop()
        try:
            found.put(group, simulated(part, points, group))
            good += len(group)
        except errors.StoreError:
            raise
        except Exception as cause:
            text = f"{type(cause).__name__}: {cause}"
            if len(group) == 1 or (lonely >= _ALIKE and not good):
                lonely += 1
                rest = "" if len(group) == 1 else " (not tried alone: every point tried before failed)"
                found.mark(group, Status.ERROR, text[: _TEXT - len(rest)] + rest)
            else:
                waiting += [group[len(group) // 2 :], group[: len(group) // 2]]


def _inside(part: Part, points: Points, found: Findings) -> npt.NDArray[np.bool_]:
    """Which points keep the bounds of their parameters; the others are marked, with the reason."""
    inside = np.ones(len(points), dtype=np.bool_)
    for name, values in points.params.items():
        param = part.plan.facts.known.params[name]
        wrong = points.kept & ~((values >= param.low) & (values <= param.high))
        text = f"{name} is out of bounds: {param.low} to {param.high} {param.unit}"
        found.mark(np.flatnonzero(wrong & inside), Status.ERROR, text)
        inside &= ~wrong
    return inside


def _blank(part: Part, many: int) -> Findings:
    """Arrays with nothing in them yet."""
    arrays = {}
    for variable in part.template.variables:
        fill = variable.missing if variable.encoding is None else np.nan
        arrays[variable.name] = np.full((many, *part.inner(variable)), fill, dtype=variable.dtype)
    return Findings(arrays)


def _in_time(timeout: float | None, work: Callable[[], Findings]) -> Findings:
    """What `work` gives, if it does so in time.

    A kernel cannot be stopped. A worker that is alone in its process and has a nanny ends itself and is started
    anew; anywhere else the work is left behind in its thread, and TimeoutError is raised.
    """
    if timeout is None:
        return work()
    if _expendable():
        with open(os.devnull, "w") as nowhere:
            faulthandler.dump_traceback_later(timeout, exit=True, file=nowhere)
            try:
                return work()
            finally:
                faulthandler.cancel_dump_traceback_later()
    found: Future[Findings] = Future()
    threading.Thread(target=_fulfil, args=(found, work), daemon=True, name="sneuron-timed").start()
    return found.result(timeout)


def _fulfil(found: Future[Findings], work: Callable[[], Findings]) -> None:
    try:
        found.set_result(work())
    except BaseException as cause:
        found.set_exception(cause)


def _expendable() -> bool:
    """Whether this process is a worker with one thread and a nanny, which may die without harm to others."""
    try:
        from distributed import get_worker

        worker = get_worker()
        return worker.state.nthreads == 1 and worker.nanny is not None
    except (ImportError, ValueError):
        return False


def block_size(seconds: float, share: float, memory: float, total: int, aim: float, workers: int, room: float) -> int:
    """Points in a block so that it takes about `aim` seconds and fits into `room` bytes.

    Parameters
    ----------
    seconds : float
        CPU seconds a point.
    share, memory : float
        Bytes a point in the results, and while it is simulated.
    total : int
        Points in all.
    aim : float
        Seconds that a block shall take.
    workers : int
        Processes that share the work.
    room : float
        Bytes that a process may use.
    """
    aim = min(aim, max(0.2, total * seconds / (3 * workers)))
    fitting = int(room / max(1.0, memory + 3 * share))
    most = max(1, min(math.ceil(aim / seconds), fitting, int(64e6 / max(1.0, share)) or 1))
    return max(1, math.ceil(total / _rounds(math.ceil(total / most), workers)))


def _rounds(blocks: int, workers: int) -> int:
    """As many blocks as fill the last round of all workers too, where the rounds are few."""
    return -(-blocks // workers) * workers if 1 < blocks <= _MANY_ROUNDS * workers else blocks
