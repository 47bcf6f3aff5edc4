"""Parts of a study: the plan and the points that each of them holds, read back from its folder."""

from __future__ import annotations

import functools
from collections.abc import Mapping
from dataclasses import dataclass, replace
from typing import Any

from sneuron.explore.asked import ASKED, asks, points_asked
from sneuron.explore.encode import canonical
from sneuron.explore.plan import Plan
from sneuron.explore.space import Points, Space
from sneuron.store.folder import StudyFolder
from sneuron.store.layout import Template, Variable

__all__ = ["Part", "part_of", "planned", "runs"]


@dataclass(frozen=True, eq=False)
class Part:
    """A part of a study.

    Parameters
    ----------
    name : str
        Its name in the folder.
    plan : Plan
        What is computed, with the space of this part.
    template : Template
        Its arrays and blocks.
    entry : mapping
        What the plan file says of it: `space`, `traces`, `record`, `seconds` a point.
    folder : StudyFolder
        Where it lies.
    """

    name: str
    plan: Plan
    template: Template
    entry: Mapping[str, Any]
    folder: StudyFolder

    @property
    def space(self) -> Space:
        """Its points."""
        return self.plan.space

    def points(self, region: Mapping[str, slice]) -> Points:
        """The points of a region: computed from their numbers, or those that were asked for."""
        return points_asked(self.folder, self.space, region) if asks(self.space) else self.space.points(region)

    def inner(self, variable: Variable) -> tuple[int, ...]:
        """Lengths of the dims of a variable that are not dims of the space."""
        return tuple(self.template.dims[d] for d in variable.dims if d not in self.space.dims)


def runs(study: StudyFolder) -> list[str]:
    """Names of the parts that hold runs; points that were asked for lie in a part that holds none."""
    return [name for name in study.parts if name != ASKED]


def part_of(study: StudyFolder, name: str) -> Part:
    """A part of a study, made once in a process."""
    body = study.plan
    stat = (study.path / "data" / name / "zarr.json").stat()
    return _part(
        str(study.path), name, canonical(body["parts"][name]), study.plan_hash, (stat.st_ino, stat.st_mtime_ns)
    )


def planned(plan: Plan, entry: Mapping[str, Any]) -> Plan:
    """What a part of a study computes: its own points, and traces or features."""
    own = replace(plan, space=Space.from_json(entry["space"]))
    if entry["traces"]:
        return replace(own, outputs=())
    if entry.get("checks"):
        return replace(own, record=(), checked=True)
    return own if entry["record"] else replace(own, record=())


@functools.lru_cache(maxsize=32)
def _part(path: str, name: str, entry: str, plan_hash: str, made: tuple[int, int]) -> Part:
    study = StudyFolder.open(path)
    body = study.plan
    own = body["parts"][name]
    return Part(name, planned(Plan.from_json(body["plan"]), own), study.template(name), own, study)
