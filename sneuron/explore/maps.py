"""Maps of a study that refined itself: its cells, and what they say of any place between the points."""

from __future__ import annotations

import functools
import itertools
import json
import math
from collections.abc import Mapping
from dataclasses import dataclass
from enum import IntEnum
from typing import Any

import numpy as np
import numpy.typing as npt
import xarray as xr

from sneuron import errors, labels
from sneuron.explore.points import FAILED, NONE, Classified, classified, is_number, needed
from sneuron.explore.refine import Rule
from sneuron.explore.space import Axis, Space
from sneuron.explore.tree import Tree
from sneuron.labels import Status

__all__ = ["Origin", "Refined", "cells", "filled", "holds_numbers", "refined_of"]

Ints = npt.NDArray[np.int64]
Floats = npt.NDArray[np.float64]

_MOST = 2_000_000
"""Places of a map when nothing is said of its size."""
_LARGEST = 50_000_000


class Origin(IntEnum):
    """Where a value of a map comes from."""

    NOT_RUN = 0
    COMPUTED = 1
    INFERRED = 2
    MIXED = 3
    FAILED = 4
    EXCLUDED = 5
    NONE = 6


@dataclass(frozen=True, eq=False)
class Refined:
    """The results of a study that refined itself, by their places on its finest grid.

    Parameters
    ----------
    rule : Rule
        By which it was refined.
    space : Space
        The finest grid.
    tree : Tree
        The points that are there.
    points : Classified
        What they say, in the order of the tree.
    of : str
        The output or condition that is looked at.
    params : mapping
        Attributes of the parameters.
    about : mapping
        Attributes of the results that maps keep.
    """

    rule: Rule
    space: Space
    tree: Tree
    points: Classified
    of: str
    params: Mapping[str, Mapping[Any, Any]]
    about: Mapping[str, Any]

    @property
    def axes(self) -> list[Axis]:
        """The axes of the grid."""
        return [axis for axis in self.space.axes if isinstance(axis, Axis)]

    @property
    def names(self) -> list[str]:
        """Parameters that vary."""
        return [name for name in self.space.names if self.space.dims_of(name)]

    @property
    def title(self) -> str:
        """What is looked at, in words."""
        return str(self.points.attrs.get("long_name", self.of))

    def values(self, name: str, places: Floats) -> Floats:
        """Values of a parameter at places (..., axis), also between the steps of the grid."""
        by_dim: dict[str, Any] = {axis.dim: places[..., k] for k, axis in enumerate(self.axes)}
        return np.broadcast_to(self.space.values(name, by_dim), places.shape[:-1])

    @functools.cached_property
    def whole(self) -> npt.NDArray[np.bool_]:
        """Which cells have all their corners: those of a study that is still running may lack some."""
        found = self.tree.cells
        ups = itertools.product((0, 1), repeat=len(self.axes))
        corners = [self.tree.has(found.low + np.array(up, dtype=np.int64) * found.side) for up in ups]
        return np.asarray(np.all(corners, axis=0))

    @functools.cached_property
    def told(self) -> npt.NDArray[np.uint8]:
        """What a map says of places with the class of that number; the last is for places without one."""
        lost = {NONE: Origin.NONE, FAILED: Origin.FAILED}
        classes = zip(self.points.names, self.points.flags, strict=True)
        told = [lost[name] if np.isnan(flag) else Origin.INFERRED for name, flag in classes]
        return np.array([*told, Origin.EXCLUDED], dtype=np.uint8)

    @functools.cached_property
    def limits(self) -> tuple[Floats, Floats]:
        """Lowest and highest class of each cell."""
        return self.tree.limits(self.points.codes)


def refined_of(data: xr.Dataset, of: str | None, where: str, fill: bool = False) -> Refined:
    """The results of a study that refined itself; points that are not computed yet are left out.

    Raises
    ------
    DataError
        They are those of another study.
    UnknownNameError, ExpressionError
        `of` is no output of theirs.
    """
    text = data.attrs.get("refine")
    if text is None or labels.NODE not in data.coords:
        mend = "Give ParamSweep refine=..., or the results of such a study."
        raise errors.DataError(where, "these results are not those of a study that refined itself", mend=mend)
    told = json.loads(str(text))
    rule = Rule(told["by"], tuple(told["levels"]), told["tolerance"], told["budget"])
    space, by = Space.from_json(told["space"]), rule.by if of is None else of
    numbers, held = data[labels.NODE].values.astype(np.int64), needed(data, by)
    there = np.flatnonzero(held[labels.STATUS].values != Status.NOT_RUN)
    if not there.size:
        raise errors.DataError(where, "no point is computed yet", mend="Wait, or run the study.")
    there = there[np.argsort(numbers[there], kind="stable")]
    held = held.isel({labels.POINT: there})
    tree = Tree(tuple(space.dims.values()), rule.levels, numbers[there])
    params = {name: data[name].attrs for name in space.names if name in data.variables}
    about = {k: v for k, v in data.attrs.items() if k in ("title", "model_name", "plan_hash", "refined")}
    points = classified(held, by, fill)
    return Refined(rule, space, tree, points, by, params, about)


def cells(data: xr.Dataset, of: str | None = None) -> xr.Dataset:
    """The cells between the points of a study that refined itself, and the classes on each of them.

    Parameters
    ----------
    data : Dataset
        The results of `ParamSweep(..., refine=...)`.
    of : str, optional
        An output that is a flag or a count, or a condition; that by which the study was refined when omitted.

    Returns
    -------
    Dataset
        Along `cell`: `<parameter>_low` and `<parameter>_high`, in the parameter's unit; `lowest` and `highest`, names
        of the first and the last class among the points on the cell ("failed" and "none" come last; empty where all
        were left out); `mixed`, whether these differ; `level`, how often it was cut out of larger ones.

    Raises
    ------
    DataError, UnknownNameError, ExpressionError
        Other results, no such output, or one that tells no classes apart.

    Examples
    --------
    >>> import sneuron as sn
    >>> ds = sn.ParamSweep({"I": sn.grid(0, 800, 5)}, "lif", duration=50, refine="spike_count > 0")
    >>> found = cells(ds)
    >>> found.isel(cell=found.mixed.values)[["I_low", "I_high"]].to_array().values.ravel().tolist()
    [375.0, 381.25]
    """
    grid = refined_of(data, of, "cells")
    found, (low, high) = grid.tree.cells, grid.limits
    made: dict[str, Any] = {}
    for name in grid.names:
        ends = [grid.values(name, p.astype(np.float64)) for p in (found.low, found.low + found.side)]
        for end, values in zip(("low", "high"), (np.minimum(*ends), np.maximum(*ends)), strict=True):
            made[f"{name}_{end}"] = ("cell", values, {"units": grid.params[name].get("units", "1")})
    names = np.array([*grid.points.names, ""], dtype=object).astype(str)
    for name, codes in (("lowest", low), ("highest", high)):
        made[name] = ("cell", names[np.where(np.isfinite(codes), codes, -1).astype(np.int64)])
    made["mixed"] = ("cell", high > low)
    made["level"] = ("cell", found.level)
    return xr.Dataset(made, attrs={**grid.about, "of": grid.of, "long_name": grid.title})


def filled(data: xr.Dataset, of: str | None = None, n: int | Mapping[str, int] | None = None) -> xr.Dataset:
    """A map over a whole grid, of which most is inferred: a cell has the class on which all its points agree.

    Parameters
    ----------
    data : Dataset
        The results of `ParamSweep(..., refine=...)`.
    of : str, optional
        An output, or a condition over outputs and parameters; that by which the study was refined when omitted.
    n : int or mapping, optional
        How many places there are along each axis, evenly spaced on its own scale; by default the finest grid of the
        study, or one of its coarser ones that has at most two million places.

    Returns
    -------
    Dataset
        Over the dims of the grid: the output (`holds`, 0 or 1, for a condition), NaN where it is not known; `origin`, a
        flag: "computed" (a point of the study), "inferred" (all points of the cell agree), "mixed" (they do not),
        "failed" (no point of the cell ran well, or this one did not), "none" (they ran well and the output is not
        there), "excluded" (by `where`), "not_run" (not yet). An output that is a number is interpolated between the
        corners of each cell, and `<output>_change` is by how much it changes on the cell. Attributes: `points` that
        there are, of how many on the finest grid (`lattice`).

    Raises
    ------
    DataError, UnknownNameError, ExpressionError, ParameterError
        Other results, no such output, no such size.

    Examples
    --------
    >>> import sneuron as sn
    >>> ds = sn.ParamSweep({"I": sn.grid(0, 800, 5)}, "lif", duration=50, refine="spike_count > 0")
    >>> found = filled(ds, n=9)
    >>> found.holds.values.tolist(), found.origin.values.tolist()
    ([0.0, 0.0, 0.0, 0.0, 1.0, 1.0, 1.0, 1.0, 1.0], [1, 2, 1, 1, 1, 2, 1, 2, 1])
    """
    numbers = holds_numbers(data, of)
    grid = refined_of(data, of, "filled", fill=numbers)
    sizes = _sizes(grid, n)
    along = [np.linspace(0, axis.size - 1, size) for axis, size in zip(grid.axes, sizes, strict=True)]
    places = np.stack(np.meshgrid(*along, indexing="ij"), axis=-1)
    where = grid.tree.at(places)
    values, origin = _interpolated(grid, places, where) if numbers else _inferred(grid, where)
    lacking = ~grid.whole[where]
    values[lacking], origin[lacking] = np.nan, Origin.NOT_RUN
    _place_computed(grid, places, values, origin)
    _exclude(grid, places, values, origin)
    dims = [axis.dim for axis in grid.axes]
    name = grid.of if grid.of in data else "holds"
    made: dict[str, Any] = {name: (dims, values, dict(grid.points.attrs))}
    if numbers:
        made[f"{name}_change"] = (dims, _change(grid)[where], {"units": grid.points.attrs.get("units", "1")})
    attrs = {**labels.flag_attrs(Origin, "uint8"), "long_name": "where the value comes from"}
    made["origin"] = (dims, origin, attrs)
    counts = {"points": len(grid.tree.numbers), "lattice": math.prod(grid.tree.shape)}
    return xr.Dataset(made, _coords(grid, along), {**grid.about, "of": grid.of, **counts})


def holds_numbers(data: xr.Dataset, of: str | None = None) -> bool:
    """Whether a map shows numbers, not classes: a study that fills, or an output that tells no classes apart."""
    told = json.loads(str(data.attrs.get("refine", "{}")))
    name = told.get("by") if of is None else of
    return name in data and ((name == told.get("by") and told.get("tolerance") is not None) or is_number(data[name]))


def _sizes(grid: Refined, n: int | Mapping[str, int] | None) -> list[int]:
    """Places along each axis."""
    if n is None:
        return next(
            s for level in range(grid.tree.depth, -1, -1) if math.prod(s := _nested(grid, level)) <= _MOST or level == 0
        )
    given = n if isinstance(n, Mapping) else {axis.dim: n for axis in grid.axes}
    dims = [axis.dim for axis in grid.axes]
    for name in given:
        if name not in dims:
            raise errors.unknown("filled", "axis", str(name), dims)
    sizes = [given.get(dim, axis.size) for dim, axis in zip(dims, grid.axes, strict=True)]
    for size in sizes:
        if not _is_size(size):
            raise errors.ParameterError("filled", f"n = {size!r} places along an axis", "a whole number from 2")
    if math.prod(sizes) > _LARGEST:
        raise errors.ParameterError("filled", f"{math.prod(sizes):,} places", f"up to {_LARGEST:,}")
    return [int(size) for size in sizes]


def _is_size(size: Any) -> bool:
    return isinstance(size, int | np.integer) and not isinstance(size, bool) and bool(size >= 2)


def _nested(grid: Refined, level: int) -> list[int]:
    sides = grid.tree.sides(level)
    return [int((size - 1) // side + 1) for size, side in zip(grid.tree.shape, sides, strict=True)]


def _inferred(grid: Refined, where: Ints) -> tuple[Floats, npt.NDArray[np.uint8]]:
    """Classes of places by the cells in which they lie."""
    low, high = grid.limits
    flags = np.array([*grid.points.flags, np.nan])
    agreed = np.where(np.isfinite(low) & (low == high), low, -1).astype(np.int64)
    origin = np.where(high > low, np.uint8(Origin.MIXED), grid.told[agreed])
    return flags[agreed][where], origin[where]


def _change(grid: Refined) -> Floats:
    """By how much an output changes on each cell."""
    low, high = grid.tree.limits(grid.points.values)
    return np.where(np.isfinite(low), high - np.where(np.isfinite(low), low, 0.0), np.nan)


def _interpolated(grid: Refined, places: Floats, where: Ints) -> tuple[Floats, npt.NDArray[np.uint8]]:
    """Values of places, linear in each parameter between the corners of their cell."""
    low, side = grid.tree.cells.low[where], grid.tree.cells.side[where]
    part = (places - low) / side
    values, worst = np.zeros(where.shape), np.full(where.shape, -1.0)
    for corner in itertools.product((0, 1), repeat=len(grid.axes)):
        up = np.array(corner, dtype=np.int64)
        index = grid.tree.index(low + up * side)
        weight = np.prod(np.where(up == 1, part, 1 - part), axis=-1)
        values += np.where(weight == 0, 0.0, weight * grid.points.values[index])
        worst = np.fmax(worst, np.where(weight == 0, np.nan, grid.points.codes[index]))
    return values, np.where(np.isnan(values), grid.told[worst.astype(np.int64)], np.uint8(Origin.INFERRED))


def _place_computed(grid: Refined, places: Floats, values: Floats, origin: npt.NDArray[np.uint8]) -> None:
    """Put in what was computed, where a place is a point of the study."""
    whole = np.round(places).astype(np.int64)
    on = np.all(np.abs(places - whole) < 1e-9 * np.array(grid.tree.shape), axis=-1) & grid.tree.has(whole)
    index = grid.tree.index(whole[on])
    values[on] = grid.points.values[index]
    told = grid.told[np.nan_to_num(grid.points.codes[index], nan=-1).astype(np.int64)]
    origin[on] = np.where(np.isnan(values[on]), told, Origin.COMPUTED)


def _exclude(grid: Refined, places: Floats, values: Floats, origin: npt.NDArray[np.uint8]) -> None:
    """Nothing is said of places that the study leaves out."""
    if grid.space.where:
        params = {name: grid.values(name, places).ravel() for name in grid.space.names}
        kept = grid.space.kept(params, values.size).reshape(values.shape)
        values[~kept], origin[~kept] = np.nan, Origin.EXCLUDED


def _coords(grid: Refined, along: list[Floats]) -> dict[str, Any]:
    """Values of the parameters along the axes."""
    found = {}
    for axis, places in zip(grid.axes, along, strict=True):
        for name in axis.names:
            values = grid.space.values(name, {axis.dim: places})  # type: ignore[dict-item]
            found[name] = (axis.dim, values, dict(grid.params[name]))
    return found
