"""Who reaches whom, with what weight: graphs and matrices as edges that carry numbers."""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np
import xarray as xr
from numpy.typing import NDArray

from sneuron import errors, labels

__all__ = ["Edges", "edges_of", "spread_over"]

Array = NDArray[Any]
DELAY, WEIGHT = "delay", "weight"


@dataclass(frozen=True)
class Edges:
    """Edges from one group of cells to another, of all points.

    Attributes
    ----------
    pre, post : ndarray of int, dims (point or 1, edge)
    weight : ndarray, dims (point or 1, edge)
        0 where there is no edge.
    senders, receivers : int
        How many cells there are on both sides.
    """

    pre: Array
    post: Array
    weight: Array
    senders: int
    receivers: int

    def carry(self, values: Array) -> Array:
        """What arrives: for each receiver the sum of weight times value over its edges; dims (point, cell)."""
        return self._arrived(np.take_along_axis(values, self._rows(self.pre, values), 1))

    def exchange(self, values: Array, flow: Callable[[Array], Array]) -> Array:
        """What flows to each receiver: the sum of weight times flow(sender - receiver); dims (point, cell)."""
        ends = [np.take_along_axis(values, self._rows(end, values), 1) for end in (self.pre, self.post)]
        return self._arrived(flow(ends[0] - ends[1]))

    @property
    def most(self) -> float:
        """The largest sum of weights that one cell receives."""
        ones = np.ones((max(len(self.pre), len(self.weight)), self.senders))
        return float(Edges(self.pre, self.post, np.abs(self.weight), self.senders, self.receivers).carry(ones).max())

    def _arrived(self, values: Array) -> Array:
        """Sums over edges in their order, so that bits depend on nothing else."""
        points = len(values)
        place = np.arange(points)[:, None] * self.receivers + self._rows(self.post, values)
        carried = (values * self.weight).reshape(-1)
        total = np.bincount(place.reshape(-1), carried, minlength=points * self.receivers)
        return np.asarray(total.reshape(points, self.receivers))

    @staticmethod
    def _rows(ends: Array, values: Array) -> Array:
        return np.broadcast_to(ends, (len(values), ends.shape[1]))


def edges_of(graph: Any, pre: str, post: str, points: Mapping[str, int], unit: str, step: float, where: str) -> Edges:
    """A graph of `ConnMat`, or a matrix, as edges.

    Parameters
    ----------
    graph : Dataset or DataArray
        `pre(..., synapse)`, `post(..., synapse)` and `weight`; or weights with the dims `pre` and `post` (or those of
        the cells).
    pre, post : str
        Dims of the cells that send and receive.
    points : mapping
        Dims of the points, and their sizes.
    unit : str
        That of weights.
    step : float, ms
        The longest delay that makes no difference.
    where : str
        For errors.
    """
    if isinstance(graph, xr.Dataset):
        return _of_graph(graph, points, unit, step, where)
    if isinstance(graph, xr.DataArray):
        return _of_matrix(graph, pre, post, points, unit, where)
    what = f"{type(graph).__name__} says not who is connected to whom"
    raise errors.DataError(where, what, f"a graph of ConnMat, or a DataArray ({post}, {pre})")


def spread_over(array: xr.DataArray, points: Mapping[str, int], rest: tuple[str, ...], where: str) -> Array:
    """An array as (point, rest): 1 point where it has no dim of points."""
    odd = [str(d) for d in array.dims if d not in points and d not in rest]
    if odd:
        raise errors.DataError(where, f"it has the dim {odd[0]!r}", sorted({*points, *rest}))
    for dim, size in points.items():
        if dim in array.dims and array.sizes[dim] != size:
            what = f"dim {dim!r} has {array.sizes[dim]} values, and {size} elsewhere"
            raise errors.DataError(where, what, mend="Give equal lengths.")
    own = [d for d in points if d in array.dims]
    last = [d for d in rest if d in array.dims]
    values = array.transpose(*own, *last).values
    tail = values.shape[len(own) :]
    if not own:
        return values.reshape(1, *tail)
    shape = [n if d in own else 1 for d, n in points.items()]
    whole = np.broadcast_to(values.reshape(*shape, *tail), (*points.values(), *tail))
    return whole.reshape(math.prod(points.values()), *tail)


def _of_graph(graph: xr.Dataset, points: Mapping[str, int], unit: str, step: float, where: str) -> Edges:
    for name in (labels.PRE, labels.POST, WEIGHT):
        if name not in graph.variables:
            raise errors.DataError(where, f"the graph lacks {name!r}", "a graph of ConnMat")
    counts = [f"{end}_count" for end in (labels.PRE, labels.POST)]
    if not set(counts) <= set(graph.variables):
        raise errors.DataError(where, "the graph does not say how many cells there are", counts)
    many = [int(graph[count].max()) for count in counts]
    ends = [spread_over(graph[end], points, (labels.SYNAPSE,), where) for end in (labels.PRE, labels.POST)]
    weight = _weights(graph[WEIGHT], points, unit, where)
    _check_delay(graph, step, where)
    rows = max(len(ends[0]), len(weight), len(ends[1]))
    pre, post = (np.broadcast_to(end, (rows if len(end) > 1 else 1, end.shape[1])) for end in ends)
    there = (pre >= 0) & (post >= 0)
    for end, size in ((pre, many[0]), (post, many[1])):
        if there.any() and int(end[there].max()) >= size:
            raise errors.DataError(where, f"there is no cell {int(end[there].max())} among {size}", f"0 to {size - 1}")
    held = np.where(there, weight, 0.0)
    return Edges(np.where(there, pre, 0), np.where(there, post, 0), held, many[0], many[1])


def _weights(array: xr.DataArray, points: Mapping[str, int], unit: str, where: str) -> Array:
    values = spread_over(array, points, (labels.SYNAPSE,), f"{where}: 'weight'")
    values = values if labels.SYNAPSE in array.dims else values.reshape(len(values), 1)
    return _numbers(values, labels.units_of(array.attrs), unit, where)


def _numbers(values: Array, given: str | None, unit: str, where: str) -> Array:
    if values.dtype.kind not in "fiu":
        raise errors.DataError(f"{where}: 'weight'", f"values of type {values.dtype} are no weights")
    given = None if given == "1" else given
    return np.asarray(labels.convert(values.astype(np.float64), given, unit, f"{where}: 'weight'"))


def _check_delay(graph: xr.Dataset, step: float, where: str) -> None:
    """Delays that are longer than a step would make a difference."""
    if DELAY not in graph.variables:
        return
    array = graph[DELAY]
    longest = float(np.nanmax(labels.convert(array.values, labels.units_of(array.attrs), "ms", where), initial=0.0))
    if longest > step:
        raise errors.DataError(
            f"{where}: 'delay'", f"{longest:g} ms is longer than a step of {step:g} ms", f"up to {step:g} ms",
            mend="What is shorter than a step makes no difference here, and longer delays are not kept.",
        )  # fmt: skip


def _of_matrix(array: xr.DataArray, pre: str, post: str, points: Mapping[str, int], unit: str, where: str) -> Edges:
    named = {labels.PRE: pre, labels.POST: post} if pre != post else {}
    array = array.rename({d: n for d, n in named.items() if d in array.dims})
    ends = (pre, post) if pre != post else (labels.PRE, labels.POST)
    missing = [d for d in ends if d not in array.dims]
    if missing:
        raise errors.DataError(where, f"a matrix over {array.dims} has no dim {missing[0]!r}", ends)
    values = _numbers(spread_over(array, points, (ends[1], ends[0]), where), labels.units_of(array.attrs), unit, where)
    if not np.isfinite(values).all():
        raise errors.DataError(f"{where}: 'weight'", "not all weights are finite numbers")
    receiver, sender = np.nonzero((values != 0).any(0))
    rows = values[:, receiver, sender]
    return Edges(sender[None], receiver[None], rows, array.sizes[ends[0]], array.sizes[ends[1]])
