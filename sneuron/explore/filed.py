"""Studies from files: planned, previewed, made, and reported on when they are done."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import xarray as xr

from sneuron import errors, labels
from sneuron.explore.classes import CLASS, class_counts, typical_points
from sneuron.explore.cluster import Place
from sneuron.explore.engine import Layout, run_of
from sneuron.explore.estimate import estimated, refuse_size
from sneuron.explore.indices import check_indices
from sneuron.explore.plan import Plan
from sneuron.explore.report import RANK, best_points, score_of
from sneuron.explore.rounds import told
from sneuron.explore.space import Lattice
from sneuron.explore.study import Study
from sneuron.explore.studyargs import arguments, located, recorded, store_of
from sneuron.explore.studyfile import Read

__all__ = ["Comparison", "best_of", "classes_of", "compared", "examples_of", "plan_of", "preview", "study_of", "varied"]


def plan_of(read: Read) -> Plan:
    """The plan of a study file; what cannot be is told at its line."""
    given = arguments(read)
    with located(read):
        plan = Plan.make(**given)
        layout = plan.machine.layout(plan)
    _check_names(read, plan, layout)
    check_indices(read, plan, layout)
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
    return "\n".join(filter(None, (head, cost.text(place.processes), told(plan))))


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


def classes_of(read: Read, data: xr.Dataset) -> xr.Dataset:
    """The classes of points as the [report] table says; see `classes.class_counts`."""
    table = read.file.report
    assert table is not None
    assert table.count is not None
    with located(read, ("report", "count")):
        return class_counts(data, table.count, table.columns)


def examples_of(read: Read, study: Study, data: xr.Dataset) -> xr.Dataset:
    """A typical point of each class that [figure] shows, run once more: `v` (mV) over `class` and `time`."""
    table, figure, plan = read.file.report, read.file.figure, study.plan
    assert table is not None
    assert table.count is not None
    assert figure is not None
    swept = varied(plan)
    chosen = typical_points(data, table.count, swept, table.columns, figure.show)
    if figure.length is not None:
        length = labels.number(figure.length, "ms", read.document.where(("figure", "length")))
        plan = replace(plan, steps=max(1, min(plan.steps, round(length / plan.dt))))
    run = run_again(plan, {name: chosen[name] for name in swept})
    return run.assign_coords({CLASS: chosen[CLASS]})


def best_of(read: Read, data: xr.Dataset) -> xr.Dataset:
    """The best points as the [report] table says; see `report.best_points`."""
    table = read.file.report
    assert table is not None
    assert table.rank is not None
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
    assert table.rank is not None
    assert cell is not None
    first, plan, data = found.isel({RANK: 0}), study.plan, study.data
    score = score_of(data, table.rank, table.over).compute()
    best = {name: float(first[name]) for name in varied(plan)}
    return Comparison(score, best, run_again(plan, best), cell.rename(voltage="v"))


def varied(plan: Plan) -> list[str]:
    """Parameters that are not the same at all points."""
    return [name for name in plan.space.names if name not in dict(plan.space.fixed)]


def varied_axes(plan: Plan) -> list[str]:
    """Dims of the grid, also of one that is refined."""
    axes = plan.space.axes
    return [a.dim for axis in axes for a in (axis.axes if isinstance(axis, Lattice) else (axis,))]


def run_again(plan: Plan, values: Mapping[str, Any]) -> xr.Dataset:
    """Points of a plan (their first repeat), with their voltage; the same bits as in the study."""
    from sneuron.core.state import InitNeu
    from sneuron.core.stimulus import InjCur
    from sneuron.core.streams import seeded

    state = InitNeu({"model": plan.model, **dict(plan.space.fixed), **values})
    for stimulus in plan.stimuli:
        state = InjCur(state, stimulus)
    state = seeded(state, plan.seed, plan.common)
    return run_of(replace(plan, every=1), state, record=["v"])


def _check_names(read: Read, plan: Plan, layout: Layout) -> None:
    """Names in [report] and [figure], before anything runs."""
    made = [name for name in layout.variables if name not in (labels.STATUS, labels.FIRST_BAD, *plan.record)]
    table, figure = read.file.report, read.file.figure
    asked: list[tuple[Any, ...]] = []
    if table:
        asked += [(table.rank, "output", made, "report", "rank"), (table.count, "output", made, "report", "count")]
        asked += [(name, "output", made, "report", "columns", k) for k, name in enumerate(table.columns)]
    if figure and figure.kind == "states":
        _check_states(read, plan, layout)
    if figure and figure.kind == "map":
        _check_map(read, plan, layout)
    if figure and figure.kind == "boundaries" and len(varied_axes(plan)) != 2:
        what = f"the grid has {len(varied_axes(plan))} axes; the picture is of two"
        raise errors.PlanError(read.document.where(("figure", "kind")), what, mend="Leave [figure] out.")
    if figure:
        dims, swept = list(plan.space.dims), varied(plan)
        asked += [(getattr(figure, key), "swept parameter", dims, "figure", key) for key in ("x", "y")]
        asked += [
            (name, "swept parameter", swept, "figure", "parameters", k) for k, name in enumerate(figure.parameters)
        ]
        asked += [(name, "output", made, "figure", "against", k) for k, name in enumerate(figure.against or ())]
        asked += [(figure.spread, "output", made, "figure", "spread")]
    for name, what, possible, *key in asked:
        if name is not None and name not in possible:
            raise errors.unknown(read.document.where(tuple(key)), what, name, possible)
    if table and table.count:
        _check_classes(read, table.count, layout)


def _check_map(read: Read, plan: Plan, layout: Layout) -> None:
    """A map is of one number or flag over two parameters."""
    figure = read.file.figure
    assert figure is not None
    single = [name for name, (dims, _, _) in layout.variables.items() if not dims]
    if figure.output not in single:
        raise errors.unknown(read.document.where(("figure", "output")), "single output", str(figure.output), single)
    if len(plan.space.dims) != 2:
        what = f"the grid has {len(plan.space.dims)} axes; the picture is of two"
        raise errors.PlanError(read.document.where(("figure", "kind")), what, mend="Leave [figure] out.")


def _check_states(read: Read, plan: Plan, layout: Layout) -> None:
    """A picture of states is of the state of networks over two parameters."""
    figure = read.file.figure
    assert figure is not None
    wanted = [f"{figure.output}_{name}" for name in ("state", "rate", "cv", "frequency", "modulation")]
    lacking = [name for name in wanted if name not in layout.variables]
    if lacking or len(plan.space.dims) != 2:
        what = f"there is no {lacking[0]!r}" if lacking else f"the grid has {len(plan.space.dims)} axes"
        mend = 'Name an output that is { measure = "NetState" }, over a grid of two parameters.'
        raise errors.PlanError(read.document.where(("figure", "output" if lacking else "kind")), what, mend=mend)


def _check_classes(read: Read, of: str, layout: Layout) -> None:
    """The output that is counted is a flag, and [figure] names flags of it."""
    dims, _, attrs = layout.variables[of]
    where = read.document.where(("report", "count"))
    names = list(labels.flag_names(attrs, f"{where}, output {of!r}").values())
    figure = read.file.figure
    if figure is None or figure.kind != "classes":
        return
    if dims:
        what = f"{of!r} has further dims {dims} (of the stimulus): the picture is of points that run once"
        raise errors.PlanError(read.document.where(("figure", "kind")), what, mend="Leave [figure] out.")
    if figure.length is not None:
        labels.number(figure.length, "ms", read.document.where(("figure", "length")))
    asked: list[tuple[Any, ...]] = [
        (figure.lower, "lower"),
        (figure.upper, "upper"),
        *((n, "show", k) for k, n in enumerate(figure.show)),
    ]
    for name, *key in asked:
        if name is not None and name not in names:
            raise errors.unknown(read.document.where(("figure", *key)), "class", name, names)
