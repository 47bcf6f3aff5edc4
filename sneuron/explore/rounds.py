"""Rounds of a study that refines itself: each is a part of new points, laid out when all before it are computed."""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import replace
from typing import Any

import numpy as np
import xarray as xr

from sneuron import errors, labels
from sneuron.explore.build import MAIN, add_part, entry_of
from sneuron.explore.cluster import Place
from sneuron.explore.plan import Plan
from sneuron.explore.points import classified
from sneuron.explore.refine import Rule
from sneuron.explore.space import Lattice, Space
from sneuron.explore.tree import Tree
from sneuron.store.folder import StudyFolder

__all__ = ["END", "add_round", "ended", "labelled", "reopen", "words"]

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
    parts = [p for p in body["parts"] if p == MAIN or p.startswith(_ROUND)]
    lattices = [_lattice(Space.from_json(body["parts"][p]["space"])) for p in parts]
    held = np.concatenate([lattice.numbers for lattice in lattices])
    order = np.argsort(held, kind="stable")
    tree = Tree(lattices[0].shape, rule.levels, held[order])
    names = [n for n in (*data.data_vars, *data.coords) if data[n].dims in ((labels.POINT,), ())]
    wanted = rule.wanted(tree, classified(data[names].isel({labels.POINT: order}), rule.by, rule.tolerance is not None))
    if not len(wanted.nodes):
        folder.change_plan({**body, END: {"why": wanted.why, "short": wanted.short}})
        return False
    first = Space.from_json(body["parts"][MAIN]["space"])
    space = replace(first, axes=(Lattice.of(lattices[0].axes, wanted.nodes, len(held)),))
    name = f"{_ROUND}-{len(parts)}"
    entry = entry_of(space, record=body["parts"][MAIN]["record"])
    add_part(folder, name, {**body, "parts": {**body["parts"], name: entry}}, place, aim)
    return True


def ended(body: Mapping[str, Any]) -> bool:
    """Whether a study has all the points that it will ever want; one that does not refine itself has them at once."""
    return "refine" not in body["plan"] or END in body


def reopen(folder: StudyFolder) -> None:
    """Results have changed or will: look again whether more points are wanted."""
    body = folder.plan
    if body.pop(END, None) is not None:
        folder.change_plan(body)


def words(body: Mapping[str, Any]) -> str:
    """What became of the refining, in words; empty for a study that does not refine itself."""
    if "refine" not in body["plan"]:
        return ""
    if END not in body:
        return "not done yet"
    found = body[END]
    short = f"; {found['short']:,} cells fall short" if found["short"] else ""
    return f"{_WHY[found['why']]}{short}"


def labelled(data: xr.Dataset, folder: StudyFolder) -> xr.Dataset:
    """Results with the number of each point on the lattice, and what a map needs to know of it."""
    body = folder.plan
    if "refine" not in body["plan"]:
        return data
    parts = [p for p in folder.parts if p == MAIN or p.startswith(_ROUND)]
    lattices = [_lattice(Space.from_json(body["parts"][p]["space"])) for p in parts]
    numbers = np.concatenate([lattice.numbers for lattice in lattices])
    attrs = {"long_name": "number on the finest grid", "units": "1"}
    rule = {**body["plan"]["refine"], "axes": [axis.to_json() for axis in lattices[0].axes]}
    told = {"refine": json.dumps(rule), "refined": words(body)}
    return data.assign_coords({labels.NODE: (labels.POINT, numbers, attrs)}).assign_attrs(told)


def _lattice(space: Space) -> Lattice:
    (axis,) = space.axes
    if not isinstance(axis, Lattice):
        raise errors.PlanError("refine", "this study has no grid that can be refined", mend="Make one with refine=.")
    return axis
