"""What a study will cost: points, blocks, bytes, memory, time; and the refusal of what cannot fit."""

from __future__ import annotations

import math
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np

from sneuron import errors
from sneuron.explore.blocks import block_size, cut
from sneuron.explore.engine import Layout
from sneuron.explore.plan import Plan
from sneuron.explore.progress import duration_text
from sneuron.store.disk import disk

__all__ = ["Estimate", "estimated", "refuse_size", "shared_of"]

_LEAST = 17  # status, first bad time, spike count
_RATE = 5e8
_YEARS = 100 * 365.25 * 86_400
_RESERVE = 0.95


@dataclass(frozen=True)
class Estimate:
    """The cost of a part of a study.

    Parameters
    ----------
    points, trains : int
        Points, and runs for each of them (dims of the stimulus).
    block : dict
        Lengths of a block along each dim.
    blocks : int
        How many.
    share : float
        Bytes a point in the results, before compression.
    seconds : float
        CPU seconds a point.
    worker : float
        Bytes that a worker needs for a block.
    """

    points: int
    trains: int
    block: dict[str, int]
    blocks: int
    share: float
    seconds: float
    worker: float

    @property
    def bytes(self) -> float:
        """Bytes on disk at most."""
        return self.points * self.share

    def text(self, workers: int) -> str:
        """The estimate in a few lines."""
        runs = f" x {self.trains} stimuli" if self.trains > 1 else ""
        shape = " x ".join(f"{d}={n:,}" for d, n in self.block.items()) or "one point"
        wall = duration_text(self.points * self.seconds / workers)
        each = duration_text(math.prod(self.block.values()) * self.seconds)
        cores = f"{workers} {'cores' if workers > 1 else 'core'}"
        return "\n".join([
            f"points   {self.points:,}{runs}",
            f"blocks   {self.blocks:,} of {shape}, about {each} each",
            f"disk     at most {bytes_text(self.bytes)}",
            f"memory   {bytes_text(self.worker)} a worker",
            f"time     about {wall} on {cores} ({self.seconds * 1e6:,.3g} us a point)",
        ])  # fmt: skip


def refuse_size(plan: Plan, where: Path, room: float) -> None:
    """Refuse, from the plan alone, what can fit on no account.

    Raises
    ------
    PlanError
        With points, bytes and CPU time, and how many points would fit.
    """
    width = np.dtype(plan.dtype).itemsize
    least = plan.trains * (_LEAST + len(plan.record) * (plan.steps // plan.every + 1) * width)
    points, free = plan.space.size, free_bytes(where)
    _refuse_memory(3 * least, room)
    steps = plan.trains * (plan.steps + plan.settled)
    seconds = points * steps / _RATE
    fits = min(int(free * _RESERVE / least), int(_YEARS * _RATE / max(1, steps)))
    if points > fits:
        size = f"{points:,} points need {bytes_text(points * least)} of disk ({bytes_text(free)} are free)"
        size += f" and {duration_text(seconds)} of CPU time"
        raise errors.PlanError(
            "study", size, f"up to {fits:,} points here", mend="Give fewer points, or a store with more space."
        )


def estimated(plan: Plan, layout: Layout, seconds: float, aim: float, workers: int, room: float) -> Estimate:
    """The cost of a plan; refuses what does not fit into a worker.

    Raises
    ------
    PlanError
        When a single point does not fit into the memory of a worker.
    """
    share = float(
        sum(np.dtype(t).itemsize * math.prod(layout.sizes[d] for d in dims) for dims, t, _ in layout.variables.values())
    )
    memory, shared = plan.machine.memory(plan), shared_of(plan)
    _refuse_memory(memory + 3 * share + shared, room)
    left = max(room / 2, memory + 3 * share + shared) - shared
    points = block_size(seconds, share, memory, plan.space.size, aim, workers, left)
    block = cut(plan.space.dims, points)
    blocks = math.prod(-(-n // block[d]) for d, n in plan.space.dims.items())
    worker = math.prod(block.values()) * (memory + 3 * share) + shared + 2e8
    return Estimate(plan.space.size, plan.trains, block, blocks, share, seconds, worker)


def shared_of(plan: Plan) -> float:
    """Bytes that a block needs besides those of its points."""
    shared: Any = getattr(plan.machine, "shared", None)
    return float(shared(plan)) if shared else 0.0


def _refuse_memory(needed: float, room: float) -> None:
    if needed > room:
        raise errors.PlanError(
            "study",
            f"one point needs {bytes_text(needed)} of memory; a worker has {bytes_text(room)}",
            mend="Record fewer variables, less often (every) or at chosen points (record_at), use fewer workers, or "
            "smaller networks.",
        )


def refuse_bytes(estimate: Estimate, where: Path) -> None:
    """Refuse results that the disk cannot hold."""
    free = free_bytes(where)
    if estimate.bytes > free * _RESERVE:
        fits = int(free * _RESERVE / estimate.share)
        raise errors.PlanError(
            "study",
            f"{estimate.points:,} points need up to {bytes_text(estimate.bytes)} of disk; {bytes_text(free)} are free",
            f"up to {fits:,} points here", mend="Give fewer points or outputs, or a store with more space.",
        )  # fmt: skip


def free_bytes(where: Path) -> int:
    """Space on the disk that holds, or will hold, a folder."""
    place = where.absolute()
    while not place.exists():
        place = place.parent
    return disk().free(place)


def bytes_text(number: float) -> str:
    """A number of bytes in words.

    >>> bytes_text(2.5e9)
    '2.5 GB'
    """
    for unit, size in (("PB", 1e15), ("TB", 1e12), ("GB", 1e9), ("MB", 1e6), ("kB", 1e3)):
        if number >= size:
            return f"{number / size:.3g} {unit}"
    return f"{number:.0f} bytes"
