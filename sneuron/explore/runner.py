"""The run loop: hands out missing blocks through a bounded window, and keeps the study whole whatever dies.

What is done is read from receipts and from nowhere else. Workers write their blocks themselves and return a receipt
of a few hundred bytes; the loop forgets it at once. A lost worker, a lost cluster or a killed process costs the
blocks in flight, which are computed again, to the same bits.
"""

from __future__ import annotations

import queue
import threading
import time
from collections import Counter, deque
from collections.abc import Callable, Iterable
from concurrent.futures import FIRST_COMPLETED, Future, ThreadPoolExecutor, wait
from dataclasses import dataclass, field
from typing import Any

from sneuron import errors
from sneuron.explore.asked import ASKED
from sneuron.explore.blocks import code_version, filed, run_block, summary
from sneuron.explore.cluster import INLINE, Embedded, Place, opened
from sneuron.explore.parts import part_of, runs
from sneuron.explore.progress import Progress
from sneuron.explore.quarantine import Ward
from sneuron.store.folder import StudyFolder
from sneuron.store.lease import Lease

__all__ = ["Runner", "counted", "missing_blocks"]

_WINDOW = 4
_TRIES = 3
_LOOK, _CHECK = 0.5, 2.0


@dataclass(frozen=True, order=True)
class Item:
    """A block to compute, and which try it is."""

    part: str
    block: int
    attempt: int = 1

    def again(self) -> Item:
        """The next try."""
        return Item(self.part, self.block, self.attempt + 1)


@dataclass
class Runner:
    """Computes what a study lacks.

    Parameters
    ----------
    study : StudyFolder
        The study.
    lease : Lease
        The right to run it.
    place : Place
        Where.
    progress : Progress
        Told of every block.
    stop : threading.Event
        Set to stop handing out blocks; those in flight are finished.
    timeout : float or None
        Seconds that a block may take.
    more : callable, optional
        Asked when all blocks are done: lays out further ones, or says False.
    """

    study: StudyFolder
    lease: Lease
    place: Place
    progress: Progress
    stop: threading.Event
    timeout: float | None = None
    more: Callable[[], bool] | None = None
    waiting: deque[Item] = field(default_factory=deque)
    flying: dict[Any, Item] = field(default_factory=dict)
    suspects: list[Item] = field(default_factory=list)
    trouble: BaseException | None = None

    def run(self) -> None:
        """Compute until nothing is missing, or until stopped.

        Raises
        ------
        DiskFullError
            The disk is full; what is written stays.
        LeaseError
            Somebody else took the study over.
        """
        self.waiting.extend(Item(p, b) for p, b in missing_blocks(self.study))
        if self.place.scheduler == INLINE:
            self._inline()
        else:
            self._on_clusters()
        if self.trouble is None and not self.stop.is_set():
            self._quarantine()
        if self.trouble is not None:
            raise self.trouble

    def _inline(self) -> None:
        """In this process, in as many threads as its engines bear."""
        engines = [part_of(self.study, item.part).plan.machine for item in self.waiting]
        threads = self.place.processes if all(getattr(e, "threads", False) for e in engines) else 1
        if threads == 1:
            while self.waiting and not self.stop.is_set():
                self.lease.demand()
                self._here(self.waiting.popleft())
            return
        with ThreadPoolExecutor(threads, "sneuron-block") as pool:
            self._in_threads(pool, threads)

    def _in_threads(self, pool: ThreadPoolExecutor, threads: int) -> None:
        flying: set[Future[None]] = set()
        while flying or (self.waiting and not self.stop.is_set()):
            self.lease.demand()
            while self.waiting and not self.stop.is_set() and len(flying) < threads:
                flying.add(pool.submit(self._here, self.waiting.popleft()))
            done, flying = wait(flying, _LOOK, FIRST_COMPLETED)
            for future in done:
                future.result()

    def _here(self, item: Item) -> None:
        """Compute a block in this process."""
        try:
            told = run_block(str(self.study.path), item.part, item.block, item.attempt, self.lease.epoch, self.timeout)
            self.progress.add(told["status"])
        except TimeoutError:
            self.suspects.append(item)

    def _on_clusters(self) -> None:
        """Go on with a new cluster when ours is lost, as long as it gets on."""
        lost = 0
        while self.waiting and not self.stop.is_set() and self.trouble is None:
            before = self.progress.done
            with opened(self.place) as (client, embedded):
                self._feed(client, embedded)
            lost = 0 if self.progress.done > before else lost + 1
            if self.waiting and (lost >= _TRIES or (embedded is None and not self._ended)):
                raise errors.PlanError(
                    "cluster", "the cluster is lost", mend="What is written is kept: run the study again."
                )

    def _feed(self, client: Any, embedded: Embedded | None) -> None:
        """Keep the window full until nothing is left or the cluster is lost; futures live no longer than this."""
        landed: queue.SimpleQueue[Any] = queue.SimpleQueue()
        looked, window = 0.0, _WINDOW
        try:
            while self.flying or (self.waiting and not self._ended):
                if time.monotonic() - looked > _CHECK:
                    if embedded is not None and not embedded.lives:
                        break
                    looked, window = time.monotonic(), self._look(client)
                while self.waiting and not self._ended and len(self.flying) < window:
                    self._submit(client, self.waiting.popleft(), landed)
                if not self._land(landed):
                    break
                self._go_on()
        finally:
            self.waiting.extendleft(sorted(self.flying.values(), reverse=True))
            self.flying.clear()

    def _go_on(self) -> None:
        """When all that was known is done: ask for more, which needs the blocks of suspects too."""
        if self.more is None or self.flying or self.waiting or self._ended:
            return
        self._quarantine()
        if not self.stop.is_set() and self.more():
            self.waiting.extend(Item(p, b) for p, b in missing_blocks(self.study))

    @property
    def _ended(self) -> bool:
        return self.stop.is_set() or self.trouble is not None

    def _look(self, client: Any) -> int:
        """Whether we still own the study, and how many blocks may be in flight now."""
        if not self.lease.check() and self.trouble is None:
            try:
                self.lease.demand()
            except errors.LeaseError as cause:
                self.trouble = cause
        try:
            threads = sum(int(n) for n in client.nthreads().values())
        except (OSError, RuntimeError):  # a scheduler that does not answer: its futures will tell
            threads = 1
        return max(1, _WINDOW * threads)

    def _submit(self, client: Any, item: Item, landed: queue.SimpleQueue[Any]) -> None:
        which = f"{item.part}-{item.block}-{self.lease.epoch}.{item.attempt}"
        key = f"sneuron-{self.study.plan_hash[:16]}-{which}-{code_version()}"
        args = (str(self.study.path), item.part, item.block, item.attempt, self.lease.epoch, self.timeout)
        future = client.submit(run_block, *args, key=key, pure=False)
        self.flying[future] = item
        future.add_done_callback(landed.put)

    def _land(self, landed: queue.SimpleQueue[Any]) -> bool:
        """Take what has come back; False when the cluster gave everything up."""
        try:
            future = landed.get(timeout=_LOOK)
        except queue.Empty:
            return True
        item = self.flying.pop(future)
        if future.status == "finished":
            self._arrived(item, future)
            return True
        if future.status == "error":
            self._failed(item, future.exception())
            return True
        self.waiting.appendleft(item)
        return False

    def _arrived(self, item: Item, future: Any) -> None:
        """Count a block that is done. Its receipt says so, also when the worker that wrote it is dead by now."""
        try:
            told = summary(self.study.receipt(item.part, item.block))
        except errors.DamageError:
            raise
        except errors.StoreError:  # a file system that shows the files of others late
            told = future.result()
        self.progress.add(told["status"])

    def _failed(self, item: Item, error: BaseException) -> None:
        """A task that raised: a suspect, a full disk, a study that is not ours any more, or bad luck."""
        from distributed import KilledWorker

        if isinstance(error, KilledWorker | TimeoutError):
            self.suspects.append(item)
        elif isinstance(error, errors.SneuronError) or item.attempt >= _TRIES:
            self.trouble = self.trouble or error
        else:
            self.waiting.append(item.again())

    def _quarantine(self) -> None:
        """Suspects alone, one after the other."""
        while self.suspects and not self.stop.is_set():
            item = self.suspects.pop()
            self.lease.demand()
            part = part_of(self.study, item.part)
            began = time.perf_counter()
            found = Ward(self.study, part, item.block, self.timeout, self.place.room).findings()
            info = {
                "attempt": item.attempt + 1,
                "epoch": self.lease.epoch,
                "quarantine": True,
                "seconds": time.perf_counter() - began,
            }
            self.progress.add(summary(filed(self.study, part, item.block, found, info))["status"])


def missing_blocks(study: StudyFolder) -> Iterable[tuple[str, int]]:
    """Every block without a receipt, part by part; of points that are asked for, those that were."""
    asked = study.done(ASKED) if ASKED in study.parts else None
    for part in runs(study):
        for block in study.missing(part):
            if asked is None or block in asked:
                yield part, block


def counted(study: StudyFolder) -> tuple[int, Counter[str]]:
    """Blocks that are done, and what became of their points."""
    counts: Counter[str] = Counter()
    done = 0
    for part in runs(study):
        for receipt in study.receipts(part):
            counts.update(receipt["status"])
            done += 1
    return done, counts
