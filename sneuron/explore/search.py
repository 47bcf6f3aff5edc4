"""A search that lives in a study: it asks for batches of points, has them computed, and learns from what is stored."""

from __future__ import annotations

import contextlib
import sys
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field, replace
from typing import Any

import numpy as np
import numpy.typing as npt
import xarray as xr

from sneuron import errors, labels
from sneuron.explore.asked import ASKED, ask, listed
from sneuron.explore.build import MAIN, check_body, entry_of
from sneuron.explore.cluster import INLINE, Place, opened
from sneuron.explore.designs import Design
from sneuron.explore.encode import sha256
from sneuron.explore.engine import Job
from sneuron.explore.objectives import Term, losses_of, offsets_of
from sneuron.explore.optimisers.base import Method, Optimiser, Setting, Told
from sneuron.explore.plan import Plan
from sneuron.explore.progress import shown
from sneuron.explore.study import Study, temporary
from sneuron.store.folder import StudyFolder
from sneuron.store.places import checked_path

__all__ = ["MISFIT", "Search", "laid_out"]

Floats = npt.NDArray[np.float64]

MISFIT = "misfit"
"""The output that holds the loss of a trace with its derivatives."""

ROOM = 4
"""A study has room for so many times its first budget."""

_LANES = 32
_ALIKE = 1e-9


@dataclass
class Search:
    """A search and its study.

    Parameters
    ----------
    study : Study
        Where every evaluation is kept.
    method : Method
        The way to search.
    setting : Setting
        Coordinates, batch, starts, seed.
    terms : tuple of Term
        What is made small.
    """

    study: Study
    method: Method
    setting: Setting
    terms: tuple[Term, ...]
    optimiser: Optimiser = field(init=False)
    done: int = field(init=False, default=0)
    best: float = field(init=False, default=np.inf)

    def __post_init__(self) -> None:
        self.optimiser = self.method.optimiser(self.setting)

    @property
    def design(self) -> Design:
        """The points that can be asked for, and what their coordinates stand for."""
        (axis,) = self.study.plan.space.axes
        assert isinstance(axis, Design)
        return axis

    @property
    def capacity(self) -> int:
        """Batches that the study has room for."""
        return self.design.size // self.setting.batch

    def values(self, unit: Floats) -> dict[str, Floats]:
        """Parameters of points of the unit cube."""
        return {name: marginal.values(unit[:, k]) for k, (name, marginal) in enumerate(self.design.columns)}

    def run(self, batches: int, target: float | None = None) -> None:
        """Search until so many batches are done, or the target is reached; what is stored is not computed again.

        Raises
        ------
        PlanError
            More batches than the study has room for.
        """
        if batches > self.capacity:
            most = self.capacity * self.setting.batch
            raise errors.PlanError(
                "FitModel: budget", f"the study has no room for {batches * self.setting.batch:,} points", f"{most:,}",
                mend="Give another store, or no more points.",
            )  # fmt: skip
        self._learn_again(batches, target)
        if not self._over(batches, target):
            with self._at_work():
                while not self._over(batches, target):
                    self._step()
                    self._tell(batches)

    def _over(self, batches: int, target: float | None) -> bool:
        reached = target is not None and self.best <= target
        return self.done >= batches or self.optimiser.done or reached

    def _learn_again(self, batches: int, target: float | None) -> None:
        """Be told again what is stored; the points must be those that the search asks for."""
        have = self._stored(batches)
        if not have:
            return
        stop = have * self.setting.batch
        data = self.study.open_data(None).isel({labels.POINT: slice(stop)}).load()
        for number in range(have):
            if self._over(batches, target):
                return
            here = data.isel({labels.POINT: slice(*self._ends(number))})
            unit = self.optimiser.ask()
            self._check(self.values(unit), here)
            self._learn(unit, here)

    def _stored(self, batches: int) -> int:
        """Whole batches that are computed, from the first on."""
        done = self.study.folder.done(MAIN)
        each = self._blocks
        return next((k for k in range(batches) if not set(range(k * each, (k + 1) * each)) <= done), batches)

    def _check(self, asked: Mapping[str, Floats], stored: xr.Dataset) -> None:
        for name, values in asked.items():
            if not np.allclose(stored[name].values, values, rtol=_ALIKE, atol=_ALIKE * np.ptp(values)):
                raise errors.StoreError(
                    str(self.study.path),
                    f"batch {self.done} holds other values of {name!r} than this search asks for",
                    mend="It was searched by another version: go on with that one, or give another store.",
                )

    def _step(self) -> None:
        """One batch: ask, compute, learn."""
        unit = self.optimiser.ask()
        values, start = self.values(unit), self.optimiser.start
        size = self.setting.batch // self._blocks
        folder, space = self.study.folder, self.study.plan.space
        for k in range(self._blocks):
            rows = slice(k * size, (k + 1) * size)
            ask(folder, space, self.done * self._blocks + k, {n: v[rows] for n, v in values.items()}, start[rows])
        self.study.run()
        region = slice(*self._ends(self.done))
        self._learn(unit, self.study.folder.open_dataset(MAIN).isel({labels.POINT: region}).load())

    def _learn(self, unit: Floats, data: xr.Dataset) -> None:
        told = self.told(unit, data)
        self.optimiser.tell(told)
        self.best = min(self.best, float(told.total.min()))
        self.done += 1

    def evaluated(self, unit: Floats) -> xr.Dataset:
        """What the runs of some points give, at once and in this process; nothing is kept."""
        plan = self.study.plan
        points = listed(plan.space, self.values(unit)).points({})
        given = plan.machine.simulate(Job(plan, points.params, points.repeat))
        layout = plan.machine.layout(plan)
        made = {n: ((labels.POINT, *dims), given[n], dict(attrs)) for n, (dims, _, attrs) in layout.variables.items()}
        data = xr.Dataset(made)
        coords = {n: (labels.POINT, points.params[n]) for n in self.design.names}
        data[labels.STATUS] = data[labels.STATUS].where(
            xr.DataArray(points.kept, dims=labels.POINT), labels.Status.EXCLUDED
        )
        return data.assign_coords(coords)

    def told(self, unit: Floats, data: xr.Dataset) -> Told:
        """What the results of points tell the optimiser."""
        if not self.method.slopes:
            offsets = offsets_of(self.terms, data) if self.method.signed else None
            return Told(unit, losses_of(self.terms, data), offsets)
        sums = {n: data[f"{MISFIT}_{n}"] for n in ("loss", "slope", "curvature")}
        over = [d for d in sums["loss"].dims if d != labels.POINT]
        loss, slope, curve = (sums[n].mean(over, skipna=False).values for n in ("loss", "slope", "curvature"))
        by = self._growth(unit)
        loss = np.where(np.isfinite(loss), loss, np.inf)
        return Told(unit, loss[:, None], None, slope * by, curve * by[:, :, None] * by[:, None, :])

    def _growth(self, unit: Floats) -> Floats:
        """How fast each parameter grows with its coordinate."""
        step = 1e-6
        high, low = np.minimum(unit + step, 1.0), np.maximum(unit - step, 0.0)
        columns = [m.values(high[:, k]) - m.values(low[:, k]) for k, (_, m) in enumerate(self.design.columns)]
        return np.asarray(np.stack(columns, axis=1) / (high - low))

    @property
    def _blocks(self) -> int:
        """Blocks of a batch."""
        return self.setting.batch // self.study.folder.template(ASKED).block[labels.POINT]

    def _ends(self, number: int) -> tuple[int, int]:
        return number * self.setting.batch, (number + 1) * self.setting.batch

    @contextlib.contextmanager
    def _at_work(self) -> Iterator[None]:
        """With one cluster for all batches, where the study wants a cluster of its own."""
        study, place = self.study, self.study.place
        study.progress, before = False, study.progress
        try:
            wanted = self._placed()
            if wanted.scheduler == INLINE or wanted.client is not None:
                study.place = wanted
                yield
            else:
                with opened(wanted) as (client, _):
                    study.place = replace(place, client=client)
                    yield
        finally:
            study.place, study.progress = place, before

    def _placed(self) -> Place:
        """As a study of one batch would be placed."""
        study = self.study
        seconds = float(study.folder.plan["parts"][MAIN]["seconds"]) * self.setting.batch
        return study.placed(seconds)

    def _tell(self, batches: int) -> None:
        """Say how far it is, to somebody who looks."""
        if self.study.progress or (self.study.progress is None and shown(sys.stderr)):
            end = "\n" if self.done >= batches else ""
            text = f"\r\x1b[2Kbatch {self.done:,} of {batches:,}, best loss {self.best:.5g}{end}"
            sys.stderr.write(text)
            sys.stderr.flush()


def laid_out(
    plan: Plan, spec: Mapping[str, Any], batch: int, store: Any, name: str | None, place: Place, **how: Any
) -> Study:
    """The study of a search: a new one, or the one that is there when its plan and its search are the same.

    Parameters
    ----------
    plan : Plan
        With a space of points that are asked for, as many as there is room for.
    spec : mapping
        What else decides what will be asked.
    batch : int
        Points that are asked for at a time.
    store : path or None
        Folder; a temporary one when None.
    name, place : str, Place
        What it is called, and where it runs.
    **how
        `timeout`, `progress` of `Study`.
    """
    root = temporary() if store is None else checked_path(store, "store")
    hash_ = sha256({"plan": _without_size(plan).to_json(), "fit": spec})
    block = batch // _parts(batch, place.processes)
    main = {**entry_of(plan.space, record=True), ASKED: True, "block": block}
    body = {
        "name": name,
        "plan": plan.to_json(),
        "fit": dict(spec),
        "parts": {MAIN: main, ASKED: entry_of(plan.space, record=False)},
    }
    if not (root / "study.json").exists():
        check_body({**body, "parts": {MAIN: main}}, root, place, 5.0, measure=False)
    study = Study(StudyFolder.create(root, body, hash_), place, **how)
    study.lay_out()
    return study


def _without_size(plan: Plan) -> Plan:
    """The plan, whatever it has room for."""
    (axis,) = plan.space.axes
    assert isinstance(axis, Design)
    return replace(plan, space=replace(plan.space, axes=(replace(axis, size=0, total=0),)))


def _parts(batch: int, processes: int) -> int:
    """Into how many equal blocks a batch is cut, so that all processes have work and lanes are full."""
    fitting = [k for k in range(1, processes + 1) if batch % k == 0 and batch // k >= min(batch, _LANES)]
    return max(fitting, default=1)
