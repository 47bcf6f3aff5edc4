"""Studies: a plan and a place. What is done is read from the place."""

from __future__ import annotations

import atexit
import math
import os
import shutil
import sys
import tempfile
import threading
import time
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any

import numpy as np
import xarray as xr

from sneuron import errors, labels
from sneuron.explore import growth, results, rounds
from sneuron.explore.asked import ASKED
from sneuron.explore.boundaries import boundaries
from sneuron.explore.build import add_missing_parts, body_of, check_body, estimate_of
from sneuron.explore.cluster import INLINE, Place, client_in_scope
from sneuron.explore.estimate import Estimate, refuse_size
from sneuron.explore.maps import cells, filled
from sneuron.explore.parts import part_of, runs
from sneuron.explore.plan import ENGINE, Plan
from sneuron.explore.progress import Progress
from sneuron.explore.runner import Runner, counted, missing_blocks
from sneuron.store.folder import StudyFolder
from sneuron.store.lease import Lease, owner_of
from sneuron.store.places import checked_path
from sneuron.store.verify import Damage

__all__ = ["Explanation", "Study", "temporary"]

_QUICK = 8.0
_FAILED = ("diverged", "out_of_range", "overflow", "timeout", "error")
_WATCH = 0.5


class Explanation(str):
    """A text that shows its lines as they are."""

    __slots__ = ()

    def __repr__(self) -> str:
        return str(self)


@dataclass
class Study:
    """A plan and a folder; open it at any time, also while it runs, also from another process.

    Use `ParamSweep(..., wait=False)`, `Study.create` or `Study.open`.

    Parameters
    ----------
    folder : StudyFolder
        Where it lies.
    place : Place
        Where it runs.
    timeout : float, optional
        Seconds that a block may take before its points are tried alone.
    progress : bool, optional
        Whether to show how far it is; by default in a terminal and in a notebook.
    block_seconds : float, default 5
        How long a block of a new part shall take, s.

    Examples
    --------
    >>> from sneuron.explore.sweep import ParamSweep
    >>> study = ParamSweep({"I": [0.0, 10.0]}, model="hh", duration=50, wait=False)
    >>> study.wait()
    >>> study.data.spike_count.values
    array([0., 4.])
    """

    folder: StudyFolder
    place: Place = field(default_factory=Place)
    timeout: float | None = None
    progress: bool | None = None
    block_seconds: float = 5.0
    _stop: threading.Event = field(default_factory=threading.Event, repr=False)
    _thread: threading.Thread | None = field(default=None, repr=False)
    _trouble: BaseException | None = field(default=None, repr=False)

    @classmethod
    def create(
        cls,
        plan: Plan,
        store: str | os.PathLike[str] | None = None,
        *,
        record_at: Any = None,
        convergence: float = 0,
        name: str | None = None,
        place: Place | None = None,
        block_seconds: float = 5.0,
        timeout: float | None = None,
        progress: bool | None = None,
        measure: bool = False,
    ) -> Study:
        """The study of a plan in a folder: a new one, or the one that is there when its plan is the same.

        Parameters
        ----------
        plan : Plan
            What to compute.
        store : path, optional
            Folder of the study; a temporary one, removed at exit, when omitted.
        record_at : mapping or sequence of int, optional
            Points at which `plan.record` is recorded; all when omitted.
        convergence : float, default 0
            Share (below 1) or number of points that are run again at half the step (a tenth of the tolerance).
        name, place, block_seconds, timeout, progress :
            See `Study` and `ParamSweep`.
        measure : bool, default False
            Run a few points first: refuses what only shows then, and cuts blocks by measured instead of guessed cost.

        Raises
        ------
        PlanError
            It does not fit, or the folder holds another study.
        """
        root = temporary() if store is None else checked_path(store, "store")
        refuse_size(plan if record_at is None else replace(plan, record=()), root, (place or Place()).room)
        body, hash_ = body_of(plan, record_at, name, convergence)
        if not (root / "study.json").exists():
            check_body(body, root, place or Place(), block_seconds, measure)
        if store is None:
            print(f"sneuron: no store is given; results are kept in {root} until this process ends", file=sys.stderr)
        made = cls(StudyFolder.create(root, body, hash_), place or Place(), timeout, progress, block_seconds)
        made.lay_out(measure)
        return made

    @classmethod
    def open(cls, path: str | os.PathLike[str]) -> Study:
        """The study in a folder.

        Raises
        ------
        StoreError
            There is no study.
        """
        return cls(StudyFolder.open(checked_path(path, "store")))

    @property
    def path(self) -> Path:
        """Folder of the study."""
        return self.folder.path

    @property
    def plan(self) -> Plan:
        """The plan, with the points that it began with."""
        return Plan.from_json(self.folder.plan["plan"])

    @property
    def hash(self) -> str:
        """Hash of the study."""
        return self.folder.plan_hash

    @property
    def data(self) -> xr.Dataset:
        """The results as they are now, lazily; points that are not computed yet have `status` 0 and NaN."""
        return results.opened(self.folder)

    def open_data(self, chunks: Mapping[str, int] | None = None) -> xr.Dataset:
        """The results as they are now with Dask chunks of one's choice; None reads lazily without Dask."""
        return results.opened(self.folder, chunks)

    def explain(self) -> Explanation:
        """Points, blocks, bytes, memory, time, and what is done already; runs nothing.

        Returns
        -------
        Explanation
            A text.
        """
        parts = [part_of(self.folder, name) for name in runs(self.folder) if not rounds.is_round(name)]
        done, plan = self.status(), self.plan
        lines = [
            f"study    {self.path}",
            f"plan     {self.hash[:16]}, {plan.model_name}, {plan.time}",
        ]
        for part in parts:
            found = estimate_of(part, self.place)
            lines += ["", f"part     {part.name}", found.text(self.place.processes)]
        if plan.refine:
            lines += ["", rounds.told(plan), f"rounds   {len(self.folder.parts) - len(parts)}; {done['refined']}"]
        return Explanation("\n".join([*lines, "", f"done     {done['done']:,} of {done['blocks']:,} blocks"]))

    def estimate(self) -> Estimate:
        """The cost of the first part, as numbers."""
        return estimate_of(part_of(self.folder, self.folder.parts[0]), self.place)

    def status(self) -> dict[str, Any]:
        """Blocks and points: how many there are, how many are done, and what became of them.

        Returns
        -------
        dict
            `blocks`, `done`, `points`, `state` ("done", "running", "stopped"), `owner`, and a count for each status.
        """
        done, counts = counted(self.folder)
        blocks, points = self._size()
        owner = owner_of(self.path)
        running = owner is not None and not owner.gone
        body = self.folder.plan
        state = "done" if done == blocks and rounds.ended(body) else "running" if running else "stopped"
        named = {s.name.lower(): int(counts.get(s.name.lower(), 0)) for s in labels.Status}
        named["not_run"] = points - sum(n for s, n in named.items() if s != "not_run")
        return {
            "blocks": blocks,
            "done": done,
            "points": points,
            "state": state,
            "owner": str(owner) if running else None,
            **named,
            **({"refined": rounds.words(body)} if "refine" in body["plan"] else {}),
        }

    def failures(self, limit: int = 10_000) -> xr.Dataset:
        """The points that failed: parameters, status, first bad time (ms), message; dim `failure`.

        Parameters
        ----------
        limit : int, default 10000
            How many at most.
        """
        return results.failures(self.folder, limit)

    def run(self, attach: bool = True) -> Study:
        """Compute what is missing.

        Parameters
        ----------
        attach : bool, default True
            When somebody else runs the study: wait until they are done, and go on if they stop. Otherwise raise.

        Returns
        -------
        Study
            Itself.

        Raises
        ------
        LeaseError
            Somebody else runs it and `attach` is False.
        DiskFullError
            The disk is full; go on with `run` when there is space.
        KeyboardInterrupt
            Interrupted; what is written is kept, go on with `run`.
        """
        self.lay_out()
        while not self._stop.is_set():
            try:
                lease = Lease.acquire(self.path)
            except errors.LeaseError:
                if not attach:
                    raise
                self._watch()
                continue
            with lease:
                self._run(lease)
            break
        return self

    def start(self) -> Study:
        """Compute what is missing in the background; see `wait` and `stop`."""
        if self._thread is not None and self._thread.is_alive():
            return self
        self._stop.clear()
        self._trouble = None
        self._thread = threading.Thread(target=self._run_quietly, name="sneuron-study", daemon=True)
        self._thread.start()
        return self

    def wait(self) -> None:
        """Wait for what `start` began; raises what went wrong there."""
        while self._thread is not None and self._thread.is_alive():
            self._thread.join(0.2)
        if self._trouble is not None:
            raise self._trouble

    def stop(self) -> None:
        """Hand out no more blocks, finish those in flight, and return; `run` or `start` goes on."""
        self._stop.set()
        if self._thread is not None:
            self._thread.join()
        self._stop.clear()

    def extend(self, ranges: Mapping[str, Any] | None = None, *, run: bool = True, **more: Any) -> Study:
        """Add points; only those are computed, and no old result is touched.

        Parameters
        ----------
        ranges : mapping, optional
            New values of swept parameters (those that are there already are left out).
        run : bool, default True
            Whether to compute them at once.
        **more
            The same by keyword; `n` is the new number of sample points, `repeats` the new number of repeats.

        Returns
        -------
        Study
            Itself.

        Raises
        ------
        PlanError
            A parameter that is not swept, a design that does not grow (latin hypercube).
        LeaseError
            Somebody runs the study.

        Examples
        --------
        >>> from sneuron.explore.sweep import ParamSweep
        >>> study = ParamSweep({"I": [0.0, 10.0]}, model="hh", duration=50, wait=False)
        >>> study.wait()
        >>> study.extend(I=[5.0, 10.0]).data.spike_count.values
        array([0., 1., 4.])
        """
        self.lay_out()
        with Lease.acquire(self.path):
            growth.grow(self.folder, {**(ranges or {}), **more}, self.place, self.block_seconds)
        return self.run() if run else self

    def refine(self, *, run: bool = True, **changes: Any) -> Study:
        """Go on refining by another rule; nothing is computed twice.

        Parameters
        ----------
        run : bool, default True
            Whether to compute the new points at once.
        **changes
            `resolution` (a finer one), `budget`, `tolerance`; see `refine` of `ParamSweep`.

        Returns
        -------
        Study
            Itself.

        Raises
        ------
        PlanError
            The study does not refine itself, or the resolution is coarser than that which it has.

        Examples
        --------
        >>> import sneuron as sn
        >>> asked = {"by": "spike_count > 0", "resolution": {"I": "20 pA"}}
        >>> study = sn.ParamSweep({"I": sn.grid(0, 800, 5)}, "lif", duration=50, refine=asked, wait=False)
        >>> study.wait()
        >>> study.boundaries().I_error.values, study.refine(resolution={"I": "1 pA"}).boundaries().I_error.values
        (array([6.25]), array([0.390625]))
        """
        for name in changes:
            if name not in ("resolution", "budget", "tolerance"):
                raise errors.unknown("refine", "argument", name, ["resolution", "budget", "tolerance"])
        self.lay_out()
        with Lease.acquire(self.path):
            rounds.change_rule(self.folder, changes)
        return self.run() if run else self

    def boundaries(self, of: str | None = None) -> xr.Dataset:
        """Where classes meet, as curves with their error; see `sneuron.boundaries`."""
        return boundaries(self.data, of)

    def filled(self, of: str | None = None, n: int | Mapping[str, int] | None = None) -> xr.Dataset:
        """A map over a whole grid, most of it inferred, and told to be; see `sneuron.filled`."""
        return filled(self.data, of, n)

    def cells(self, of: str | None = None) -> xr.Dataset:
        """The cells between the points, and the classes on each; see `sneuron.cells`."""
        return cells(self.data, of)

    def retry(self, status: Iterable[str] = ("timeout", "error"), run: bool = True) -> Study:
        """Compute again the blocks that hold points which failed in these ways.

        Parameters
        ----------
        status : iterable of str
            Names of `Status`.
        run : bool, default True
            Whether to compute them at once.
        """
        wanted = [status] if isinstance(status, str) else list(status)
        for name in wanted:
            if name not in _FAILED:
                raise errors.unknown("retry", "failure", name, _FAILED)
        with Lease.acquire(self.path):
            for part in runs(self.folder):
                bad = [r["block"] for r in self.folder.receipts(part) if any(r["status"].get(n) for n in wanted)]
                for block in bad:
                    self.folder.drop_receipt(part, block)
            rounds.reopen(self.folder)
        return self.run() if run else self

    def verify(self, repair: bool = False) -> list[Damage]:
        """Look at every byte again.

        Parameters
        ----------
        repair : bool, default False
            Forget damaged blocks, so that `run` computes them again.

        Returns
        -------
        list of Damage
            Empty when all is well.
        """
        found = self.folder.verify()
        if repair:
            with Lease.acquire(self.path):
                for part, block in {(d.part, d.block) for d in found if d.block is not None}:
                    self.folder.drop_receipt(part, block)
        return found

    def lay_out(self, measure: bool = False) -> None:
        """Add the parts of the plan that have no arrays yet; only who holds the lease may."""
        while set(self.folder.plan["parts"]) - set(self.folder.parts):
            try:
                with Lease.acquire(self.path):
                    add_missing_parts(self.folder, self.place, self.block_seconds, measure)
            except errors.LeaseError:
                time.sleep(_WATCH / 2)

    def _size(self) -> tuple[int, int]:
        """Blocks and points (times stimuli) of all parts."""
        templates = [part_of(self.folder, name).template for name in runs(self.folder)]
        points = sum(int(np.prod(t.shape(t.variable(labels.STATUS)))) for t in templates)
        blocks = sum(t.n_blocks for t in templates)
        if ASKED not in self.folder.parts:
            return blocks, points
        asked = len(self.folder.done(ASKED))
        return asked, points // blocks * asked

    def _bar(self) -> Progress:
        bar = Progress(*self._size(), show=self.progress)
        bar.start(*counted(self.folder))
        return bar

    def _run(self, lease: Lease) -> None:
        """Compute what is missing, as the owner."""
        self.folder.sweep()
        if not any(True for _ in missing_blocks(self.folder)) and not self._more():
            self.folder.consolidate()
            return
        bar, word = self._bar(), "interrupted"
        try:
            self._compute(lease, bar)
            while not self._stop.is_set() and self._more():
                bar.grow(*self._size())
                self._compute(lease, bar)
            word = "stopped" if self._stop.is_set() else "done"
        except errors.StoreError as cause:
            word = f"paused: {cause.given}"
            raise
        finally:
            bar.end(word)
        if word == "done":
            self.folder.consolidate()

    def _compute(self, lease: Lease, bar: Progress) -> None:
        """Compute the blocks that are missing; a cluster stays for those that follow from them."""

        def more() -> bool:
            found = self._more()
            bar.grow(*self._size())
            return found

        place = self.placed(self._left())
        if place.scheduler != INLINE:
            self._warm()
        further = None if place.scheduler == INLINE else more
        Runner(self.folder, lease, place, bar, self._stop, self.timeout, further).run()

    def _more(self) -> bool:
        """Lay out the points that the results ask for, in a study that refines itself; whether there are any."""
        if rounds.ended(self.folder.plan):
            return False
        return rounds.add_round(self.folder, self.place, self.block_seconds, self.open_data())

    def _warm(self) -> None:
        """Compile here, once, what all workers then find compiled."""
        for name in {part for part, _ in missing_blocks(self.folder)}:
            plan = part_of(self.folder, name).plan
            plan.machine.seconds(plan, measure=True)

    def placed(self, seconds: float) -> Place:
        """Where to run so many CPU seconds: as given, else the client in scope, else here if it is quick, else a
        cluster of our own.
        """
        if self.place.given or self.place.scheduler == INLINE:
            return self.place
        client = client_in_scope()
        if client is not None:
            return replace(self.place, client=client)
        here = not self._is_wild() and seconds / self.place.processes < _QUICK
        return replace(self.place, scheduler=INLINE) if here else self.place

    def _is_wild(self) -> bool:
        """Whether functions run that could take this process with them, or for ever."""
        plans = [part_of(self.folder, name).plan for name in runs(self.folder)]
        return self.timeout is not None or any(p.functions or p.engine != ENGINE for p in plans)

    def _left(self) -> float:
        """CPU seconds of what is missing."""
        parts = {name: part_of(self.folder, name) for name in runs(self.folder)}
        costs = {n: float(p.entry["seconds"]) * math.prod(p.template.block.values()) for n, p in parts.items()}
        return sum(costs[name] for name, _ in missing_blocks(self.folder))

    def _run_quietly(self) -> None:
        try:
            self.run()
        except BaseException as cause:
            self._trouble = cause

    def _watch(self) -> None:
        """Show how far somebody else is, until they are done or gone."""
        bar = self._bar()
        while not self._stop.is_set():
            owner = owner_of(self.path)
            if owner is None or owner.gone:
                break
            time.sleep(_WATCH)
            if bar.show:
                bar.grow(*self._size())
                bar.start(*counted(self.folder))
        bar.end("attached")


def temporary() -> Path:
    """A folder that is removed when this process ends."""
    root = Path(tempfile.mkdtemp(prefix="sneuron-"))
    atexit.register(shutil.rmtree, root, ignore_errors=True)
    return root / "study"
