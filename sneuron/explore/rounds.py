"""Rounds of a study that refines itself: each is a part of new points, laid out when all before it are computed."""

from __future__ import annotations

import json
import math
from collections.abc import Mapping
from dataclasses import replace
from typing import Any

import numpy as np
import numpy.typing as npt
import xarray as xr

from sneuron import errors, labels
from sneuron.explore.build import MAIN, add_part, entry_of, hash_of
from sneuron.explore.cluster import Place
from sneuron.explore.encode import canonical
from sneuron.explore.plan import Plan
from sneuron.explore.points import classified, needed
from sneuron.explore.refine import Rule, coarser, refined
from sneuron.explore.space import Lattice, Space
from sneuron.explore.tree import Tree
from sneuron.store.folder import StudyFolder

__all__ = ["END", "add_round", "change_rule", "ended", "is_round", "labelled", "reopen", "told", "words"]

END = "refined"
"""What `study.json` says when no more points are wanted: why, and how many cells fall short."""

_ROUND = "round"
_WHY = {
    "resolved": "done: all is as fine as wanted",
    "resolution": "done: where cells fall short, they are as small as the wanted resolution",
    "budget": "the budget of points is spent",
}


def add_round(folder: StudyFolder, place: Place, aim: float, data: xr.Dataset) -> bool:
    """Lay out the points that the results ask for; notes the end when there are none.

    Parameters
    ----------
    folder : StudyFolder
        The study, all its blocks computed; the caller holds its lease.
    place, aim : Place, float
        For the cut into blocks.
    data : Dataset
        Its results.

    Returns
    -------
    bool
        Whether there is more to compute.
    """
    body = folder.plan
    plan = Plan.from_json(body["plan"])
    if not plan.refine or END in body:
        return False
    rule = Rule.from_text(plan.refine)
    lattice, held = lattice_of(plan.space), _numbers(body)
    order = np.argsort(held, kind="stable")
    tree = Tree(lattice.shape, rule.levels, held[order])
    held_data = needed(data, rule.by).isel({labels.POINT: order})
    wanted = rule.wanted(tree, classified(held_data, rule.by, rule.tolerance is not None))
    if not len(wanted.nodes):
        folder.change_plan({**body, END: {"why": wanted.why, "short": wanted.short}}, folder.plan_hash)
        return False
    space = replace(plan.space, axes=(Lattice.of(lattice.axes, wanted.nodes, len(held)),))
    name = f"{_ROUND}-{len(_parts(body))}"
    entry = entry_of(space, record=body["parts"][MAIN]["record"])
    add_part(folder, name, {**body, "parts": {**body["parts"], name: entry}}, place, aim)
    return True


def is_round(name: str) -> bool:
    """Whether a part of that name is a round."""
    return name.startswith(f"{_ROUND}-")


def ended(body: Mapping[str, Any]) -> bool:
    """Whether a study has all the points that it will ever want; one that does not refine itself has them at once."""
    return "refine" not in body["plan"] or END in body


def reopen(folder: StudyFolder) -> None:
    """Results have changed or will: look again whether more points are wanted."""
    body = folder.plan
    if body.pop(END, None) is not None:
        folder.change_plan(body, folder.plan_hash)


def change_rule(folder: StudyFolder, changes: Mapping[str, Any]) -> None:
    """Go on by another rule: finer, with a larger budget, or with a smaller tolerance.

    Raises
    ------
    PlanError
        The study does not refine itself, or the rule would be a coarser one.
    """
    body = folder.plan
    plan = Plan.from_json(body["plan"])
    lattice = lattice_of(plan.space)
    old = Rule.from_text(plan.refine)
    given = {"by": old.by, "tolerance": old.tolerance, "budget": old.budget, **changes}
    coarse = replace(plan.space, axes=tuple(coarser(a, n) for a, n in zip(lattice.axes, old.levels, strict=True)))
    new = refined(replace(plan, space=coarse, refine=""), given)
    rule = Rule.from_text(new.refine)
    if "resolution" not in changes:
        new = replace(plan, refine=canonical(replace(rule, levels=old.levels).to_json()))
    elif any(a < b for a, b in zip(rule.levels, old.levels, strict=True)):
        raise errors.PlanError("refine: resolution", "is coarser than that of the study", mend="Give a finer one.")
    body = {**{k: v for k, v in body.items() if k != END}, "plan": new.to_json()}
    folder.change_plan(body, hash_of(body))


def words(body: Mapping[str, Any]) -> str:
    """What became of the refining, in words; empty for a study that does not refine itself."""
    if "refine" not in body["plan"]:
        return ""
    if END not in body:
        return "not done yet"
    found = body[END]
    short = f"; {found['short']:,} cells fall short" if found["short"] else ""
    return f"{_WHY[found['why']]}{short}"


def told(plan: Plan) -> str:
    """The rule of a plan that refines itself, in a line; empty for any other."""
    if not plan.refine:
        return ""
    rule, shape = Rule.from_text(plan.refine), lattice_of(plan.space).shape
    size = f"{' x '.join(f'{n:,}' for n in shape)} = {math.prod(shape):,} points"
    until = "" if rule.tolerance is None else f" until it changes by no more than {rule.tolerance:g} within a cell"
    return f"refine   by {rule.by}{until}; finest grid {size}, of which {rule.budget:,} at most"


def labelled(data: xr.Dataset, folder: StudyFolder) -> xr.Dataset:
    """Results with the number of each point on the lattice, and what a map needs to know of it."""
    body = folder.plan
    if "refine" not in body["plan"]:
        return data
    attrs = {"long_name": "number on the finest grid", "units": "1"}
    space = Space.from_json(body["plan"]["space"])
    rule = {**body["plan"]["refine"], "space": replace(space, axes=lattice_of(space).axes).to_json()}
    attributes = {"refine": json.dumps(rule), "refined": words(body), "plan_hash": folder.plan_hash}
    numbers = _numbers(body)[: data.sizes[labels.POINT]]
    return data.assign_coords({labels.NODE: (labels.POINT, numbers, attrs)}).assign_attrs(attributes)


def lattice_of(space: Space) -> Lattice:
    """The one axis of a study that refines itself."""
    axis = space.axes[0] if space.axes else None
    if not isinstance(axis, Lattice):
        raise errors.PlanError("refine", "this study does not refine itself", mend="Make one with refine=.")
    return axis


def _parts(body: Mapping[str, Any]) -> list[str]:
    """The coarse grid and the rounds, in order."""
    return [MAIN, *(f"{_ROUND}-{k}" for k in range(1, len(body["parts"])) if f"{_ROUND}-{k}" in body["parts"])]


def _numbers(body: Mapping[str, Any]) -> npt.NDArray[np.int64]:
    """Numbers of all points on the finest grid, in the order of the parts (some were made on coarser ones)."""
    shape, found = lattice_of(Space.from_json(body["plan"]["space"])).shape, []
    for part in _parts(body):
        own = lattice_of(Space.from_json(body["parts"][part]["space"]))
        places = np.unravel_index(own.numbers, own.shape)
        finer = [p * ((n - 1) // (m - 1)) for p, n, m in zip(places, shape, own.shape, strict=True)]
        found.append(np.ravel_multi_index(finer, shape))
    return np.concatenate(found).astype(np.int64)
