"""Studies from files: planned, previewed, made, and reported on when they are done."""

from __future__ import annotations

from dataclasses import dataclass, replace
from pathlib import Path

import xarray as xr

from sneuron import errors, labels
from sneuron.explore.cluster import Place
from sneuron.explore.engine import run_of
from sneuron.explore.estimate import estimated, refuse_size
from sneuron.explore.plan import Plan
from sneuron.explore.report import RANK, best_points, score_of
from sneuron.explore.study import Study
from sneuron.explore.studyargs import arguments, located, recorded, store_of
from sneuron.explore.studyfile import Read

__all__ = ["Comparison", "best_of", "compared", "plan_of", "preview", "study_of"]


def plan_of(read: Read) -> Plan:
    """The plan of a study file; what cannot be is told at its line."""
    given = arguments(read)
    with located(read):
        plan = Plan.make(**given)
        plan.machine.layout(plan)
    _check_names(read, plan)
    return plan


def preview(read: Read, place: Place) -> str:
    """Points, blocks, bytes, memory and time of a study file; makes and runs nothing."""
    plan = plan_of(read)
    if read.file.record_at is not None:
        plan = replace(plan, record=())
    refuse_size(plan, store_of(read).parent, place.room)
    seconds = plan.machine.seconds(plan)
    aim = read.file.run.block_seconds
    cost = estimated(plan, plan.machine.layout(plan), seconds, aim, place.processes, place.room)
    head = f"plan     {plan.hash[:16]}, {plan.model_name}, {plan.time}"
    return f"{head}\n{cost.text(place.processes)}"


def study_of(read: Read, place: Place, store: str | Path | None = None) -> Study:
    """The study of a file: a new one, or the one that is there when its plan is the same."""
    plan = plan_of(read)
    path = Path(store) if store else store_of(read)
    path.parent.mkdir(parents=True, exist_ok=True)
    run = read.file.run
    timeout = None if run.timeout is None else labels.number(run.timeout, "s", read.document.where(("run", "timeout")))
    name = read.file.name
    with located(read):
        return Study.create(
            plan,
            path,
            record_at=read.file.record_at,
            convergence=read.file.convergence,
            name=name,
            place=place,
            block_seconds=run.block_seconds,
            timeout=timeout,
        )


def best_of(read: Read, data: xr.Dataset) -> xr.Dataset:
    """The best points as the [report] table says; see `report.best_points`."""
    table = read.file.report
    assert table is not None
    with located(read, ("report", "rank")):
        return best_points(data, table.rank, table.over, table.n, table.order)


@dataclass(frozen=True)
class Comparison:
    """What a picture of a fit is drawn from.

    Parameters
    ----------
    score : DataArray
        The score over the parameters' dims.
    best : dict
        Values of the swept parameters at the best point.
    model, cell : Dataset
        `v` (mV) and `spike_time` (ms) of the best point, run again, and of the recording.
    """

    score: xr.DataArray
    best: dict[str, float]
    model: xr.Dataset
    cell: xr.Dataset


def compared(read: Read, study: Study, found: xr.Dataset) -> Comparison:
    """The best point beside the recording; it is run once more, with its voltage."""
    table, cell = read.file.report, recorded(read)
    assert table is not None
    assert cell is not None
    first, plan, data = found.isel({RANK: 0}), study.plan, study.data
    score = score_of(data, table.rank, table.over).compute()
    swept = [str(n) for n in first.coords if n in plan.space.names and n not in dict(plan.space.fixed)]
    best = {name: float(first[name]) for name in swept}
    return Comparison(score, best, run_again(plan, best), cell.rename(voltage="v"))


def run_again(plan: Plan, values: dict[str, float]) -> xr.Dataset:
    """One point of a plan (its first repeat), with its voltage; the same bits as in the study."""
    from sneuron.core.state import InitNeu
    from sneuron.core.stimulus import InjCur
    from sneuron.core.streams import seeded

    state = InitNeu({"model": plan.model, **dict(plan.space.fixed), **values})
    for stimulus in plan.stimuli:
        state = InjCur(state, stimulus)
    state = seeded(state, plan.seed, plan.common)
    return run_of(replace(plan, every=1), state, record=["v"])


def _check_names(read: Read, plan: Plan) -> None:
    """Names in [report] and [figure], before anything runs."""
    outputs = [o.name for o in plan.outputs] + [labels.SPIKE_COUNT]
    table, figure = read.file.report, read.file.figure
    for number, name in enumerate(table.columns if table else ()):
        if name not in outputs:
            raise errors.unknown(read.document.where(("report", "columns", number)), "output", name, outputs)
    if table and table.rank not in outputs:
        raise errors.unknown(read.document.where(("report", "rank")), "output", table.rank, outputs)
    for key in ("x", "y") if figure else ():
        if getattr(figure, key) not in plan.space.dims:
            where = read.document.where(("figure", key))
            raise errors.unknown(where, "swept parameter", getattr(figure, key), list(plan.space.dims))
