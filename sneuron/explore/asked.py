"""Points that are asked for, batch after batch, by something that learns from results: an optimiser, a sampler.

Their number has a limit, the capacity of the study; their values cannot be computed from their numbers, so they are
kept as data: in a part of their own, with the blocks of the part that holds their results. A block can be computed as
soon as its points are there. Everything else about such a study is as in any other.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from typing import Any

import numpy as np
import numpy.typing as npt

from sneuron import errors, labels
from sneuron.explore.designs import Design
from sneuron.explore.ranges import Range
from sneuron.explore.space import Axis, Known, Points, Space
from sneuron.store.folder import StudyFolder
from sneuron.store.layout import Template, Variable

__all__ = ["ASKED", "START", "ask", "asked_template", "asks", "columns_of", "listed", "points_asked"]

ASKED = "asked"
"""The kind of design whose points are data, and the part of a study that holds them."""

START = "start"
"""Which of several searches that go on side by side asked for a point."""

Floats = npt.NDArray[np.float64]
Index = npt.NDArray[np.int64]


def asks(space: Space) -> bool:
    """Whether the points of a space are asked for."""
    return any(isinstance(axis, Design) and axis.kind == ASKED for axis in space.axes)


def columns_of(space: Space) -> list[str]:
    """The parameters that differ from point to point: those asked for, and those that follow from them."""
    (axis,) = space.axes
    return [*axis.names, *(name for name, _ in space.derived if space.dims_of(name))]


def listed(space: Space, values: Mapping[str, Floats]) -> Space:
    """The space of points with the given values."""
    (axis,) = space.axes
    columns = tuple((n, Range("values", tuple(values[n].tolist()), len(values[n]))) for n in axis.names)
    return replace(space, axes=(Axis(axis.dim, columns),))


def asked_template(space: Space, known: Known, block: Mapping[str, int]) -> Template:
    """The arrays that hold the points."""
    (axis,) = space.axes
    attrs = {n: {"units": known.params[n].unit, "long_name": known.params[n].note or n} for n in columns_of(space)}
    made = [Variable(n, (axis.dim,), "float64", a) for n, a in attrs.items()]
    told = {"units": "1", "long_name": "number of the search that asked for the point"}
    return Template({axis.dim: axis.size}, dict(block), (*made, Variable(START, (axis.dim,), "int32", told)))


def ask(folder: StudyFolder, space: Space, block: int, values: Mapping[str, Floats], start: Index) -> None:
    """Keep the points of a block, so that it can be computed.

    Raises
    ------
    StoreError
        The block was asked for before, with other points.
    """
    params = listed(space, values).points({}).params
    arrays = {name: np.ascontiguousarray(params[name]) for name in columns_of(space)}
    folder.write_block(ASKED, block, {**arrays, START: start.astype(np.int32)})


def points_asked(folder: StudyFolder, space: Space, region: Mapping[str, slice]) -> Points:
    """The points of a region.

    Raises
    ------
    DataError
        Some of them were not asked for yet.
    """
    (axis,) = space.axes
    data: Any = folder.open_dataset(ASKED).isel({labels.POINT: region.get(axis.dim, slice(None))})
    values = {n: np.asarray(data[n].values, dtype=np.float64) for n in axis.names}
    if not all(np.isfinite(v).all() for v in values.values()):
        raise errors.DataError("study", "points of this region were not asked for yet", mend="Ask for them first.")
    return listed(space, values).points({})
