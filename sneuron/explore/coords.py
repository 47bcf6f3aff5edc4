"""The parameters of a space as coordinates: stored where they are few, computed when asked for where they are many."""

from __future__ import annotations

import math
from typing import Any

import numpy as np
import numpy.typing as npt
import xarray as xr
from xarray.backends.common import BackendArray
from xarray.core import indexing

from sneuron import labels
from sneuron.analysis.marginals import DISTRIBUTION
from sneuron.explore.asked import asks
from sneuron.explore.designs import Design
from sneuron.explore.ranges import Samples
from sneuron.explore.space import Known, Space, space_of
from sneuron.lang.spec import Param

__all__ = ["MANY", "design_points", "lazy_coords", "starts", "stored_coords"]

MANY = 1_000_000
"""Coordinates with more values than this are computed when they are asked for."""


class ComputedColumn(BackendArray):
    """A parameter over the dims along which it changes, computed from the places that are asked for."""

    def __init__(self, space: Space, name: str) -> None:
        self.space = space
        self.name = name
        self.dims = space.dims_of(name)
        self.shape = tuple(space.dims[d] for d in self.dims)
        self.dtype = np.dtype(np.float64)

    def __getitem__(self, key: indexing.ExplicitIndexer) -> Any:
        return indexing.explicit_indexing_adapter(key, self.shape, indexing.IndexingSupport.OUTER, self._outer)

    def _outer(self, key: tuple[Any, ...]) -> npt.NDArray[np.float64]:
        places = [_places(k, n) for k, n in zip(key, self.shape, strict=True)]
        grids = dict(zip(self.dims, np.ix_(*places), strict=True))
        found = np.broadcast_to(self.space.values(self.name, grids), [len(p) for p in places])
        return np.asarray(found[tuple(0 if isinstance(k, int | np.integer) else slice(None) for k in key)])


def stored_coords(space: Space, known: Known) -> dict[str, xr.Variable]:
    """Coordinates that are written with the data."""
    names = [n for n in space.names if not asks(space) or not space.dims_of(n)]
    found = {n: _variable(space, n, known).load() for n in names if _size(space, n) <= MANY}
    found |= {n: c for axis in space.axes if isinstance(axis, Design) for n, c in axis.coords().items()}
    if space.repeats is not None:
        numbers = np.arange(space.first_repeat, space.first_repeat + space.repeats)
        found[labels.REPEAT] = xr.Variable(labels.REPEAT, numbers, {"units": "1", "long_name": "number of the repeat"})
    return found


def lazy_coords(space: Space, known: Known) -> dict[str, xr.Variable]:
    """The coordinates that are not written, as lazy variables."""
    names = [n for n in space.names if not asks(space) or not space.dims_of(n)]
    return {n: _variable(space, n, known) for n in names if _size(space, n) > MANY}


def starts(space: Space, before: Space | None = None) -> dict[str, int]:
    """Where a part begins along the dims that have no coordinate of their own name."""
    found: dict[str, int] = {}
    for axis in space.axes:
        if axis.dim not in axis.names:
            found |= {**dict.fromkeys(axis.dims, 0), axis.dim: int(getattr(axis, "start", 0))}
            if before is not None and not hasattr(axis, "start"):
                found[axis.dim] = before.dims[axis.dim]
    return found


def _variable(space: Space, name: str, known: Known) -> xr.Variable:
    param = known.params[name]
    attrs = {"units": param.unit, "long_name": param.note or name}
    drawn = [dict(axis.columns)[name] for axis in space.axes if isinstance(axis, Design) and name in axis.names]
    attrs |= {DISTRIBUTION: drawn[0].text()} if drawn else {}
    return xr.Variable(space.dims_of(name), indexing.LazilyIndexedArray(ComputedColumn(space, name)), attrs)


def _size(space: Space, name: str) -> int:
    return math.prod(space.dims[d] for d in space.dims_of(name))


def _places(key: Any, length: int) -> npt.NDArray[np.int64]:
    if isinstance(key, slice):
        return np.arange(*key.indices(length))
    asked = np.atleast_1d(np.asarray(key))
    return np.where(asked < 0, asked + length, asked)


def design_points(samples: Samples) -> xr.Dataset:
    """The points of a design as coordinates, for models of one's own: compute on them, and give the result to SensAnal.

    Parameters
    ----------
    samples : Samples
        From `sobol`, `halton`, `lhs`, `random`, `pick_freeze`, `trajectories`, `radial`, `nudges`, `curves`.

    Returns
    -------
    Dataset
        A coordinate for each parameter over the dims of the design; it says what it was drawn from. Those that say
        which points are compared. Computed when asked for where there are many.

    Examples
    --------
    >>> from sneuron.explore.comparisons import pick_freeze
    >>> points = design_points(pick_freeze(64, {"a": (0, 1), "b": (0, 2)}, replicates=2))
    >>> points.a.dims, points.matrix.values.tolist()
    (('row', 'replicate', 'matrix'), ['A', 'B', 'AB_a', 'AB_b'])
    """
    known = Known({str(name): Param(math.nan, "1") for name in samples.params}, model="design")
    space = space_of(samples, known)
    return xr.Dataset(coords={**stored_coords(space, known), **lazy_coords(space, known)})
