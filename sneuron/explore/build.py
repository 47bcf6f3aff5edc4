"""From a plan to the parts of a study on disk: which there are, their arrays, coordinates and blocks."""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np

from sneuron import errors, labels
from sneuron.explore.asked import ASKED, asked_template
from sneuron.explore.cluster import Place
from sneuron.explore.convergence import CHECKED, CHECKS, sampled
from sneuron.explore.coords import starts, stored_coords
from sneuron.explore.encode import sha256
from sneuron.explore.engine import Layout
from sneuron.explore.estimate import Estimate, estimated, refuse_bytes, shared_of
from sneuron.explore.parts import Part, planned
from sneuron.explore.plan import TRACE, Plan
from sneuron.explore.provenance import provenance
from sneuron.explore.space import Axis, Space
from sneuron.store.folder import StudyFolder
from sneuron.store.layout import Template, Variable

__all__ = ["MAIN", "TRACES", "add_missing_parts", "body_of", "check_body", "entry_of", "estimate_of", "hash_of"]

MAIN, TRACES = "main", "traces"
_MOST_TRACES = 100_000
_CHOSEN = ("record_at", "convergence")


def body_of(plan: Plan, record_at: Any, name: str | None, convergence: Any = 0) -> tuple[dict[str, Any], str]:
    """What `study.json` says at first, and the hash of the study."""
    numbers = () if record_at is None else chosen_points(plan.space, record_at)
    if numbers and not plan.record:
        raise errors.PlanError("record_at", "no variables are recorded", mend="Give record=['v'].")
    parts = {MAIN: entry_of(plan.space, record=not numbers)}
    if numbers:
        parts[TRACES] = entry_of(plan.chosen(numbers, TRACE), record=True, traces=True)
    checks = sampled(plan, convergence)
    if checks:
        parts[CHECKS] = {**entry_of(plan.chosen(checks, CHECKED), record=False), "checks": True}
    chosen = {k: list(v) for k, v in zip(_CHOSEN, (numbers, checks), strict=True) if v}
    body = {"name": name, "plan": plan.to_json(), "parts": parts, **chosen}
    return body, hash_of(body)


def hash_of(body: Mapping[str, Any]) -> str:
    """The hash of a study: of its plan, and of the points that were chosen to be recorded and checked."""
    return sha256({**body["plan"], **{k: body[k] for k in _CHOSEN if k in body}})


def check_body(body: Mapping[str, Any], root: Path, place: Place, aim: float, measure: bool) -> None:
    """Refuse, before anything is made, whatever can be refused; `measure` runs a few points of the model as it is."""
    for entry in body["parts"].values():
        _costs(planned(Plan.from_json(body["plan"]), entry), root, place, aim, measure)


def entry_of(space: Space, record: bool, traces: bool = False) -> dict[str, Any]:
    """What `study.json` says of a part."""
    return {"space": space.to_json(), "record": record, "traces": traces, "seconds": None}


def add_missing_parts(folder: StudyFolder, place: Place, aim: float, measure: bool = False) -> None:
    """Lay out the parts that the plan names and the folder lacks."""
    for name in sorted(folder.plan["parts"], key=lambda n: n == ASKED):  # which is cut as what it belongs to
        if name not in folder.parts:
            add_part(folder, name, folder.plan, place, aim, measure)


def add_part(
    folder: StudyFolder, name: str, body: Mapping[str, Any], place: Place, aim: float, measure: bool = False
) -> None:
    """Lay out one part; `body` is the plan of the study from then on; its cost is guessed or measured."""
    entry = body["parts"][name]
    plan = planned(Plan.from_json(body["plan"]), entry)
    if name == ASKED:
        folder.add_part(name, asked_template(plan.space, plan.facts.known, folder.template(MAIN).block))
        return
    layout, estimate = _costs(plan, folder.path, place, aim, measure)
    if entry.get("block"):
        estimate = replace(estimate, block={d: min(n, entry["block"]) for d, n in plan.space.dims.items()})
    template = template_of(plan, layout, estimate.block, body.get("name"), _before(folder, body, name), entry["traces"])
    parts = {**body["parts"], name: {**entry, "seconds": estimate.seconds}}
    folder.add_part(name, template, plan={**body, "parts": parts})


def _costs(plan: Plan, root: Path, place: Place, aim: float, measure: bool) -> tuple[Layout, Estimate]:
    """Arrays and cost of a part; refuses what does not fit."""
    layout = plan.machine.layout(plan)
    if measure:  # what does not fit is not tried
        estimated(plan, layout, plan.machine.seconds(plan), aim, place.processes, place.room)
    seconds = plan.machine.seconds(plan, measure)
    estimate = estimated(plan, layout, seconds, aim, place.processes, place.room)
    refuse_bytes(estimate, root)
    return layout, estimate


def estimate_of(part: Part, place: Place) -> Estimate:
    """The cost of a part that is laid out."""
    template, plan = part.template, part.plan
    share = float(sum(np.dtype(v.dtype).itemsize * math.prod(part.inner(v)) for v in template.variables))
    worker = math.prod(template.block.values()) * (plan.machine.memory(plan) + 3 * share) + shared_of(plan) + 2e8
    return Estimate(
        plan.space.size,
        plan.trains,
        dict(template.block),
        template.n_blocks,
        share,
        float(part.entry["seconds"]),
        worker,
    )


def template_of(
    plan: Plan, layout: Layout, block: Mapping[str, int], name: str | None, before: Space | None, traces: bool
) -> Template:
    """Arrays, coordinates and attributes of a part."""
    outer = plan.space.dims
    inner = {n: v for n, v in layout.variables.items() if not traces or n in (*plan.record, labels.STATUS)}
    variables = tuple(
        Variable(n, (*outer, *dims), dtype, _attrs(n, attrs)) for n, (dims, dtype, attrs) in inner.items()
    )
    coords: dict[str, Any] = dict(stored_coords(plan.space, plan.facts.known))
    coords |= {n: c for n, c in layout.coords.items() if n not in coords}
    sizes = {d: n for d, n in layout.sizes.items() if any(d in v.dims for v in variables)}
    coords = {n: c for n, c in coords.items() if set(c.dims) <= {*outer, *sizes}}
    return Template(
        {**outer, **sizes}, dict(block), variables, coords, provenance(plan, name), starts(plan.space, before)
    )


def chosen_points(space: Space, at: Any) -> tuple[int, ...]:
    """Numbers of the points that `record_at` means: numbers as they are, or every crossing of chosen coordinates.

    Raises
    ------
    PlanError
        A name without a dim, a value that the axis does not have, too many points.
    """
    if isinstance(at, Mapping):
        numbers = _crossings(space, dict(at))
    else:
        numbers = np.atleast_1d(np.asarray(at))
        if numbers.dtype.kind not in "iu" or not numbers.size or numbers.min() < 0 or numbers.max() >= space.size:
            raise errors.PlanError("record_at", f"{at!r} does not number points", f"0 to {space.size - 1}")
    if numbers.size > _MOST_TRACES:
        raise errors.PlanError("record_at", f"{numbers.size:,} points", f"up to {_MOST_TRACES:,}")
    return tuple(int(n) for n in dict.fromkeys(numbers.ravel().tolist()))


def _crossings(space: Space, at: dict[str, Any]) -> np.ndarray:
    places: list[np.ndarray] = []
    for dim, length in space.dims.items():
        axis = next((a for a in space.axes if a.dim == dim), None)
        named = [n for n in (*(axis.names if isinstance(axis, Axis) else ()), dim) if n in at]
        if not named:
            places.append(np.arange(length))
            continue
        wanted = np.atleast_1d(np.asarray(at.pop(named[0]), dtype=np.float64))
        places.append(
            _found(
                named[0],
                wanted,
                axis.column(named[0], np.arange(length)) if isinstance(axis, Axis) else np.arange(length),
            )
        )
    if at:
        raise errors.unknown("record_at", "dim", next(iter(at)), list(space.dims))
    if not places:
        return np.zeros(1, np.int64)
    return np.ravel_multi_index(np.ix_(*places), tuple(space.dims.values())).ravel()


def _found(name: str, wanted: np.ndarray, values: np.ndarray) -> np.ndarray:
    found = []
    for value in wanted:
        near = int(np.argmin(np.abs(values - value)))
        if not np.isclose(values[near], value, rtol=1e-9, atol=0):
            raise errors.PlanError(
                "record_at", f"{name} = {value!r} is not on the axis", guess=repr(float(values[near]))
            )
        found.append(near)
    return np.array(found)


def _before(folder: StudyFolder, body: Mapping[str, Any], name: str) -> Space | None:
    """The whole to which a part is added."""
    before = body["parts"][name].get("before")
    return None if before is None else Space.from_json(before)


def _attrs(name: str, attrs: Mapping[str, Any]) -> dict[str, Any]:
    if name == labels.STATUS:
        return labels.status_attrs()
    return {k: v for k, v in attrs.items() if v is not None}
