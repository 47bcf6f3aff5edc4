"""Refining: the rule by which a study chooses its next points from the results that it has.

Either along boundaries, where the points on a cell are not all of one class, or wherever an output varies most.
The next points follow from the rule and the results alone; blocks, workers and interruptions do not show in them.
"""

from __future__ import annotations

import json
import math
from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass, replace
from typing import TYPE_CHECKING, Any

import numpy as np
import numpy.typing as npt

from sneuron import errors, labels
from sneuron.explore.encode import canonical
from sneuron.explore.engine import Layout
from sneuron.explore.points import Classified, check_by
from sneuron.explore.ranges import Range
from sneuron.explore.samplers import keyed_permutation
from sneuron.explore.space import Axis, Lattice, Space
from sneuron.explore.tree import Tree, first_nodes

if TYPE_CHECKING:
    from sneuron.explore.plan import Plan

__all__ = ["Rule", "Wanted", "coarser", "refined"]

Ints = npt.NDArray[np.int64]
Floats = npt.NDArray[np.float64]

BUDGET = 1_000_000
"""Points that a study has at most when nothing is said."""
RESOLUTION = 0.01
"""Wanted resolution when nothing is said: this part of each range."""
_KEYS = ("by", "resolution", "tolerance", "budget")
_MOST_AXES, _MOST_LEVELS, _MOST_NODES = 3, 40, 2**62
_APART = 8.0
"""Neighbours on the lattice differ by at least this many times the rounding of a float."""


@dataclass(frozen=True)
class Rule:
    """How a study is refined.

    Parameters
    ----------
    by : str
        An output, or a condition over outputs and parameters.
    levels : tuple of int
        How often a step of the coarse grid may be halved, for each axis.
    tolerance : float or None
        None follows the boundaries of classes; a number (in the unit of `by`) fills where the output changes by more.
    budget : int
        How many points there may be in all.
    """

    by: str
    levels: tuple[int, ...]
    tolerance: float | None
    budget: int

    def to_json(self) -> dict[str, Any]:
        """Plain data."""
        return asdict(self)

    @classmethod
    def from_text(cls, text: str) -> Rule:
        """The inverse of the canonical text of `to_json`."""
        data = json.loads(text)
        return cls(data["by"], tuple(data["levels"]), data["tolerance"], data["budget"])

    def wanted(self, tree: Tree, points: Classified) -> Wanted:
        """Which nodes are lacking, by what the nodes that are there say.

        Parameters
        ----------
        tree : Tree
            The nodes that are there, all of them computed.
        points : Classified
            What each of them says.

        Notes
        -----
        A part of a cell is cut in the same round when points that are known disagree on it, too: what enters a coarse
        cell from a fine one is then followed at once, and not a level a round.
        """
        codes = points.codes if self.tolerance is None else points.values
        ask, need = self._asking(tree, codes)
        if not len(ask):
            return Wanted(ask, "resolved" if not need else "resolution", need)
        have, more = tree.numbers, self._affordable(tree, ask, self.budget - len(tree.numbers))
        while len(more):
            tree, codes = tree.grown(more, codes)
            if self.tolerance is not None:
                break
            more = self._affordable(tree, self._asking(tree, codes)[0], self.budget - len(tree.numbers))
        nodes = np.setdiff1d(tree.numbers, have, assume_unique=True)
        return Wanted(nodes, "" if len(nodes) else "budget", need)

    def _asking(self, tree: Tree, codes: Floats) -> tuple[Ints, int]:
        """Cells to be cut, first ones first, and how many fall short of what is wanted."""
        cells = tree.cells
        fine = cells.level >= tree.depth
        low, high = tree.limits(codes)
        with np.errstate(invalid="ignore"):
            change = np.where(high >= low, high - low, 0.0)
        if self.tolerance is None:
            short = (change > 0) & ~fine
            mixed = keyed_permutation(np.arange(len(cells), dtype=np.uint64), max(1, len(cells)), 0, 0)
            order = np.lexsort((mixed, cells.level))
            return order[short[order]], int(short.sum())
        short = change > self.tolerance
        open_ = short & ~fine
        if not open_.any():
            return np.empty(0, np.int64), int(short.sum())
        chosen = open_ & (change >= change[open_].max() / 2)
        order = np.argsort(-change, kind="stable")
        return order[chosen[order]], int(short.sum())

    @staticmethod
    def _affordable(tree: Tree, ask: Ints, room: int) -> Ints:
        """Nodes that cut the cells, as many cells as there is room for, in order."""
        if not len(ask):
            return ask
        numbers, cell = [], []
        for level in np.unique(tree.cells.level[ask]):
            rank = np.flatnonzero(tree.cells.level[ask] == level)
            places = tree.new_corners(tree.cells.take(ask[rank]))
            lacking = ~tree.has(places)
            numbers.append(tree.number(places)[lacking])
            cell.append(np.broadcast_to(rank[:, None], lacking.shape)[lacking])
        flat, rank = np.concatenate(numbers), np.concatenate(cell)
        order = np.argsort(rank, kind="stable")
        once, first = np.unique(flat[order], return_index=True)
        owner = rank[order][first]
        total = np.cumsum(np.bincount(owner, minlength=len(ask)))
        fits = int(np.searchsorted(total, max(0, room), side="right"))
        return once[owner < fits]


@dataclass(frozen=True)
class Wanted:
    """The next nodes (ascending); when there are none, why: "resolved", "resolution" (finer is not wanted) or "budget";
    and how many cells fall short of what is wanted.
    """

    nodes: Ints
    why: str
    short: int


def refined(plan: Plan, refine: Any) -> Plan:
    """The plan of a study that refines the grid of `plan`; see `ParamSweep` for what `refine` may be.

    Raises
    ------
    PlanError, ParameterError, UnknownNameError, ExpressionError
        For what cannot be refined, before any work.
    """
    given = _given(refine)
    _check_space(plan)
    tolerance = given.get("tolerance")
    layout = plan.machine.layout(plan)
    check_by(given["by"], plan.outputs, layout, plan.space.names, tolerance is not None)
    grid = [a for a in plan.space.axes if isinstance(a, Axis)]
    levels = _levels(plan, grid, given.get("resolution", RESOLUTION))
    axes = tuple(_finer(a, level) for a, level in zip(grid, levels, strict=True))
    _check_fine(plan, axes, levels)
    shape = tuple(a.size for a in axes)
    count = math.prod(a.size for a in grid)
    rule = Rule(
        given["by"], levels, _tolerance(tolerance, given["by"], layout), _budget(given.get("budget", BUDGET), count)
    )
    space = replace(plan.space, axes=(Lattice.of(axes, first_nodes(shape, levels)),))
    return replace(plan, space=space, refine=canonical(rule.to_json()))


def _given(refine: Any) -> dict[str, Any]:
    """What `refine` says, by key."""
    if isinstance(refine, str):
        return {"by": refine}
    if not isinstance(refine, Mapping):
        what = f"a {type(refine).__name__} does not say what to refine by"
        raise errors.PlanError("refine", what, mend="Write refine='spike_count > 0' or refine={'by': ...}.")
    for key in refine:
        if key not in _KEYS:
            raise errors.unknown("refine", "key", str(key), _KEYS)
    if not isinstance(refine.get("by"), str):
        raise errors.PlanError("refine", "`by` is lacking", mend="Name an output, or write a condition over outputs.")
    return {k: v for k, v in refine.items() if v is not None}


def _check_space(plan: Plan) -> None:
    """A grid over one to three axes, each point of which runs once."""
    space: Space = plan.space
    other = [a.dim for a in space.axes if not isinstance(a, Axis)]
    if other:
        raise errors.PlanError("refine", f"{other[0]!r} is a sample, not a grid", mend="Use grid() or log().")
    grown = [a.dim for a in space.axes if a.size > 1]
    if len(space.axes) not in range(1, _MOST_AXES + 1) or len(grown) < len(space.axes):
        what = f"the grid has {len(grown)} axes with more than one value ({', '.join(grown) or 'none'})"
        raise errors.PlanError("refine", what, f"1 to {_MOST_AXES}, and no axis with a single value")
    if space.repeats is not None:
        raise errors.PlanError("refine", "a point that is repeated has no one class", mend="Leave repeats out.")
    if plan.trains > 1:
        what = "the stimulus has dims of its own, so that a point has several results"
        raise errors.PlanError("refine", what, mend="Give one stimulus, or vary a parameter instead.")


def _levels(plan: Plan, axes: Sequence[Axis], resolution: Any) -> tuple[int, ...]:
    """How often the steps of each axis are halved until they are no wider than wanted."""
    if not isinstance(resolution, Mapping):
        part = labels.number(resolution, "1", "refine: resolution")
        if not 0 < part <= 1:
            raise errors.PlanError("refine: resolution", f"{part!r} is no part of a range", "above 0, up to 1")
        return tuple(_halvings(1 / (axis.size - 1), part) for axis in axes)
    own = {plan.facts.known.canonical(name, "refine: resolution"): value for name, value in resolution.items()}
    swept = [name for axis in axes for name in axis.names]
    for name in own:
        if name not in swept:
            raise errors.unknown("refine: resolution", "swept parameter", name, swept)
    lacking = [axis.dim for axis in axes if not set(axis.names) & set(own)]
    if lacking:
        raise errors.PlanError("refine: resolution", f"{lacking[0]!r} has none", mend="Give one for each axis.")
    return tuple(max(_in_units(plan, axis, n, own[n]) for n in axis.names if n in own) for axis in axes)


def _in_units(plan: Plan, axis: Axis, name: str, given: Any) -> int:
    """Halvings until the widest step of a parameter is no wider than wanted, in its own unit."""
    where = f"refine: resolution of {name!r}"
    wanted = labels.number(given, plan.facts.known.params[name].unit, where)
    if not (wanted > 0 and math.isfinite(wanted)):
        raise errors.PlanError(where, f"{given!r} is no width", "a number above 0")
    column, level = dict(axis.columns)[name], 0
    while _widest(column.finer(2**level, name).at(_last(axis.size, level))) > wanted * (1 + 1e-9):
        level += 1
        if level > _MOST_LEVELS:
            raise _too_fine(where)
    return level


def _last(size: int, level: int) -> Ints:
    """Places of the finer steps at both ends of each coarse one: the widest are among them."""
    low = np.arange(size - 1, dtype=np.int64) * 2**level
    return np.stack([low, low + 1, low + 2**level - 1, low + 2**level], axis=-1)


def _widest(ends: Floats) -> float:
    return float(np.abs(np.diff(ends, axis=-1)[:, [0, -1]]).max())


def _halvings(step: float, wanted: float) -> int:
    level = max(0, math.ceil(math.log2(step / wanted) - 1e-9))
    if level > _MOST_LEVELS:
        raise _too_fine("refine: resolution")
    return level


def _finer(axis: Axis, level: int) -> Axis:
    return Axis(axis.dim, tuple((name, column.finer(2**level, name)) for name, column in axis.columns))


def coarser(axis: Axis, level: int) -> Axis:
    """The coarse axis from which a fine one was made."""

    def column(fine: Range) -> Range:
        if fine.kind == "between":
            return Range("values", fine.args, len(fine.args))
        return Range(fine.kind, fine.args, (fine.size - 1) // 2**level + 1)

    return Axis(axis.dim, tuple((name, column(fine)) for name, fine in axis.columns))


def _check_fine(plan: Plan, axes: Sequence[Axis], levels: Sequence[int]) -> None:
    """Neighbours on the lattice are different numbers, also as the run sees them."""
    if math.prod(axis.size for axis in axes) > _MOST_NODES:
        raise _too_fine("refine: resolution")
    for axis, level in zip(axes, levels, strict=True):
        for name, column in axis.columns:
            ends = column.at(_last((column.size - 1) // 2**level + 1, level))
            width, size = np.abs(np.diff(ends, axis=-1)[:, [0, -1]]).min(axis=1), np.abs(ends).max(axis=1)
            if np.any(width < _APART * float(np.finfo(plan.dtype).eps) * size):
                raise _too_fine(f"refine: resolution of {name!r}")


def _too_fine(where: str) -> errors.PlanError:
    mend = "Give a coarser one, or narrow the range."
    return errors.PlanError(where, "is finer than floating-point numbers tell apart", mend=mend)


def _tolerance(given: Any, by: str, layout: Layout) -> float | None:
    if given is None:
        return None
    unit = str(layout.variables[by][2].get("units", "1"))
    found = labels.number(given, unit, "refine: tolerance")
    if not (found > 0 and math.isfinite(found)):
        raise errors.PlanError("refine: tolerance", f"{given!r} is no tolerance", f"a number above 0, in {unit}")
    return found


def _budget(given: Any, coarse: int) -> int:
    if isinstance(given, bool) or not isinstance(given, int | np.integer) or given < coarse:
        what = f"{given!r} is no number of points that holds the {coarse:,} of the coarse grid"
        raise errors.PlanError("refine: budget", what, f"a whole number from {coarse:,}")
    return int(given)
