"""Growing a study: parts of new points beside the old ones, which are never touched."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from typing import Any

import numpy as np

from sneuron import errors, labels
from sneuron.explore.build import MAIN, add_part, entry_of
from sneuron.explore.cluster import Place
from sneuron.explore.designs import Design
from sneuron.explore.plan import Plan
from sneuron.explore.ranges import Range, range_of
from sneuron.explore.samplers import NESTED
from sneuron.explore.space import Axis, Known, Space
from sneuron.store.folder import StudyFolder

__all__ = ["grow", "whole_space"]


def grow(folder: StudyFolder, more: Mapping[str, Any], place: Place, aim: float) -> None:
    """Add a part for each dim that `more` makes longer.

    Parameters
    ----------
    folder : StudyFolder
        The study; the caller holds its lease.
    more : mapping
        New values by parameter; `n` for a design, `repeats` for repeats.
    place, aim : Place, float
        For the cut into blocks.

    Raises
    ------
    PlanError
        For what cannot grow.
    """
    if not more:
        raise errors.PlanError(
            "extend", "nothing is given to add", mend="Write extend(gNa=[...]), extend(n=...) or extend(repeats=...)."
        )
    plan = Plan.from_json(folder.plan["plan"])
    whole = whole_space(folder)
    for dim, addition in _additions(whole, plan.facts.known, dict(more)).items():
        body = folder.plan
        part, grown = whole.grown(dim, addition)
        name = f"more-{len(body['parts'])}"
        entry = {
            **entry_of(part, record=body["parts"][MAIN]["record"]),
            "before": whole.to_json(),
            "whole": grown.to_json(),
        }
        add_part(folder, name, {**body, "parts": {**body["parts"], name: entry}}, place, aim)
        whole = grown


def whole_space(folder: StudyFolder) -> Space:
    """All points of a study, with those that were added."""
    parts = folder.plan["parts"]
    grown = [entry["whole"] for entry in parts.values() if "whole" in entry]
    return Space.from_json(grown[-1] if grown else parts[MAIN]["space"])


def _additions(whole: Space, known: Known, more: dict[str, Any]) -> dict[str, Axis | Design | int]:
    """What is added along each dim; dims that gain nothing are left out."""
    found: dict[str, Axis | Design | int] = {}
    design = next((a for a in whole.axes if isinstance(a, Design)), None)
    if "n" in more and design is not None:
        found[design.dim] = _longer(design, more.pop("n"))
    if "repeats" in more and "repeats" not in known.params:
        found[labels.REPEAT] = _repeated(whole, more.pop("repeats"))
    own = {known.canonical(name, "extend"): what for name, what in more.items()}
    for name in own:
        axis = next((a for a in whole.axes if name in a.names), None)
        if not isinstance(axis, Axis):
            swept = [n for a in whole.axes if isinstance(a, Axis) for n in a.names]
            raise errors.PlanError(
                "extend", f"{name!r} has no listed values in this study", swept or "n=... for a design"
            )
        if axis.dim not in found:
            found[axis.dim] = _listed(axis, own, known)
    return {dim: new for dim, new in found.items() if (new if isinstance(new, int) else new.size) > 0}


def _longer(design: Design, total: Any) -> Design:
    where = "extend"
    if design.structure is None and design.kind not in NESTED:
        what = f"a design of kind {design.kind!r} does not grow"
        raise errors.PlanError(where, what, sorted(NESTED), mend="Make a new study.")
    have, share = design.start + design.size, design.share
    if isinstance(total, bool) or not isinstance(total, int | np.integer) or total < have * share:
        raise errors.PlanError(where, f"n = {total!r} is not at least the {have * share} points that are there")
    if total % share:
        what = f"n = {total} is no multiple of {share}: that many lie at each place along {design.dim!r}"
        raise errors.PlanError(where, what, guess=str(-(-total // share) * share))
    wanted, most = int(total) // share, len(design.option("chosen", ())) or None
    if most is not None and wanted > most:
        what = f"{wanted} trajectories are wanted, and only {most} candidates were compared"
        raise errors.PlanError(where, what, mend="Make a new study with more candidates, or candidates=0.")
    return replace(design, start=have, size=wanted - have, total=wanted)


def _repeated(whole: Space, total: Any) -> int:
    have = whole.repeats
    if have is None:
        raise errors.PlanError("extend", "this study has no repeats", mend="Make a new study with repeats=2 or more.")
    if isinstance(total, bool) or not isinstance(total, int | np.integer) or total < have:
        raise errors.PlanError("extend", f"repeats = {total!r} is not at least the {have} that are there")
    return int(total) - have


def _listed(axis: Axis, own: Mapping[str, Any], known: Known) -> Axis:
    """New rows of an axis, those left out that it has already."""
    lacking = [n for n in axis.names if n not in own]
    if lacking:
        raise errors.PlanError(
            "extend", f"{axis.names} go together; {lacking} are lacking", mend="Give new values for all of them."
        )
    columns = []
    for name in axis.names:
        found = range_of(own[name], name).in_unit(known.params[name].unit, name)
        known.check(name, *found.limits(), name)
        columns.append(found.all())
    if len({len(c) for c in columns}) > 1:
        raise errors.PlanError(
            "extend", f"{axis.names} are zipped and get {[len(c) for c in columns]} values", mend="Give as many values."
        )
    old = set(zip(*(axis.column(n, np.arange(axis.size)).tolist() for n in axis.names), strict=True))
    new = [row for row in zip(*(c.tolist() for c in columns), strict=True) if row not in old]
    turned = list(zip(*new, strict=True)) if new else [()] * len(columns)
    return Axis(
        axis.dim, tuple((n, Range("values", tuple(c), len(c))) for n, c in zip(axis.names, turned, strict=True))
    )
