"""Boundaries between classes, as curves through a study that refined itself."""

from __future__ import annotations

import itertools
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

import numpy as np
import numpy.typing as npt
import xarray as xr

from sneuron.explore.maps import Refined, refined_of

__all__ = ["boundaries"]

Ints = npt.NDArray[np.int64]
Floats = npt.NDArray[np.float64]
Pair = tuple[int, int]


def boundaries(data: xr.Dataset, of: str | None = None) -> xr.Dataset:
    """Where one class ends and another begins, with the error of each place.

    Parameters
    ----------
    data : Dataset
        The results of `ParamSweep(..., refine=...)`.
    of : str, optional
        An output that is a flag or a count, or a condition; that by which the study was refined when omitted.

    Returns
    -------
    Dataset
        Along `vertex`: the parameters, each with `<parameter>_error`, in its unit; `curve_number`, the curve to which a
        vertex belongs: they come curve by curve, and in order. Along `curve`: `between`, the names of the two classes;
        `first` and `second`, their values (NaN for "failed" and "none"); `closed`, whether it ends where it began.
        One parameter: each vertex is a curve of its own. Two: polylines. Three: the vertices of a pair of classes are
        points of a surface, in no order.

    Raises
    ------
    DataError, UnknownNameError, ExpressionError
        Other results, no such output, or one that tells no classes apart.

    Notes
    -----
    A vertex lies halfway between two neighbouring points of different class (on the scale of the axis: a log axis has
    the geometric mean), so that the boundary crosses the line between them within half a step: the error is half the
    local cell. Where three classes meet in a cell, their curves end in its middle.

    Examples
    --------
    >>> import sneuron as sn
    >>> ds = sn.ParamSweep({"I": sn.grid(0, 800, 5)}, "lif", duration=50, refine="spike_count > 0")
    >>> found = boundaries(ds)
    >>> float(found.I[0]), float(found.I_error[0]), str(found.between[0].values)
    (378.125, 3.125, 'no | yes')
    """
    grid = refined_of(data, of, "boundaries")
    chosen = np.flatnonzero(grid.limits[1] > grid.limits[0])
    net = _perimeters(grid, chosen) if len(grid.axes) == 2 else _lines(grid, chosen)
    curves = list(_curves(net, len(grid.axes)))
    return _dataset(grid, net, curves)


@dataclass(frozen=True, eq=False)
class _Net:
    """Crossings of a boundary.

    Parameters
    ----------
    place, error : float array (vertex, axis)
        Where they are, and half the local cell, in steps of the lattice.
    pair : int array (vertex, 2)
        Classes on both sides; -1 for the middle of a cell, where several meet.
    segments : list of (vertex, vertex, pair)
        What is joined.
    """

    place: Floats
    error: Floats
    pair: Ints
    segments: list[tuple[int, int, Pair]]


@dataclass(frozen=True, eq=False)
class _Curve:
    pair: Pair
    vertices: list[int]
    closed: bool


@dataclass(frozen=True, eq=False)
class _Edges:
    """Neighbouring points on the surface of a cell that are of different classes: the cell, and both points."""

    cell: Ints
    nodes: Ints

    def net(self, grid: Refined) -> tuple[_Net, Ints]:
        """Each edge once, and the vertex of each."""
        ends = np.sort(self.nodes, axis=1)
        once, first, which = np.unique(
            ends[:, 0] * len(grid.tree.numbers) + ends[:, 1], return_index=True, return_inverse=True
        )
        places = grid.tree.places[ends[first]].astype(np.float64)
        sides = np.full((len(once), len(grid.axes)), np.inf)
        np.minimum.at(sides, which, grid.tree.cells.side[self.cell].astype(np.float64))
        length = np.abs(places[:, 1] - places[:, 0])
        error = np.where(length > 0, length, sides) / 2
        pair = np.sort(grid.points.codes[ends[first]], axis=1).astype(np.int64)
        return _Net(places.mean(axis=1), error, pair, []), which


def _lines(grid: Refined, chosen: Ints) -> _Net:
    """Crossings between points that follow one another along any axis, on the given cells."""
    nodes, cell = _on(grid, chosen)
    found: list[tuple[Ints, Ints]] = []
    for axis in range(len(grid.axes)):
        place = grid.tree.places[nodes]
        others = [place[:, k] for k in range(place.shape[1]) if k != axis]
        order = np.lexsort((place[:, axis], *others, cell))
        same = np.all([np.diff(key[order]) == 0 for key in (cell, *others)], axis=0)
        first, second = order[:-1][same], order[1:][same]
        differ = _differ(grid, nodes[first], nodes[second])
        found.append((cell[first][differ], np.stack([nodes[first], nodes[second]], axis=1)[differ]))
    return _Edges(np.concatenate([c for c, _ in found]), np.concatenate([n for _, n in found])).net(grid)[0]


def _perimeters(grid: Refined, chosen: Ints) -> _Net:
    """Crossings around the given cells of two axes, and how they are joined within each."""
    nodes, cell = _on(grid, chosen)
    part = (grid.tree.places[nodes] - grid.tree.cells.low[cell]) / grid.tree.cells.side[cell]
    x, y = part.T
    around = np.where(y == 0, x, np.where(x == 1, 1 + y, np.where(y == 1, 3 - x, 4 - y)))
    order = np.lexsort((around, cell))
    nodes, cell = nodes[order], cell[order]
    starts = np.flatnonzero(np.diff(cell, prepend=-1))
    after = np.arange(1, len(nodes) + 1)
    after[np.flatnonzero(np.diff(cell, append=-1))] = starts
    differ = _differ(grid, nodes, nodes[after])
    edges = _Edges(cell[differ], np.stack([nodes, nodes[after]], axis=1)[differ])
    net, vertex = edges.net(grid)
    return _joined(grid, net, edges, vertex)


def _joined(grid: Refined, net: _Net, edges: _Edges, vertex: Ints) -> _Net:
    """Join the crossings of each cell, which come in order around it."""
    if not len(vertex):
        return net
    bounds = np.append(np.flatnonzero(np.diff(edges.cell, prepend=-1)), len(vertex))
    middles: list[int] = []
    segments: list[tuple[int, int, Pair]] = []
    for start, stop in itertools.pairwise(bounds.tolist()):
        around = vertex[start:stop].tolist()
        pairs = [_pair(net, v) for v in around]
        if len(set(pairs)) == 1 and len(around) % 2 == 0:
            upper = grid.points.codes[edges.nodes[start, 1]] == pairs[0][1]
            turned = around if upper else [*around[1:], around[0]]
            segments += [(a, b, pairs[0]) for a, b in zip(turned[::2], turned[1::2], strict=True)]
        elif len(around) > 2:
            middle = len(net.place) + len(middles)
            middles.append(int(edges.cell[start]))
            segments += [(v, middle, pair) for v, pair in zip(around, pairs, strict=True)]
    low, side = grid.tree.cells.low[middles], grid.tree.cells.side[middles]
    return _Net(
        np.concatenate([net.place, low + side / 2]),
        np.concatenate([net.error, side / 2]),
        np.concatenate([net.pair, np.full((len(middles), 2), -1)]),
        segments,
    )


def _on(grid: Refined, chosen: Ints) -> tuple[Ints, Ints]:
    """Points on the surface of the given cells, with the cell of each."""
    nodes, cell = grid.tree.touching
    part = grid.tree.places[nodes] - grid.tree.cells.low[cell]
    outside = np.any((part == 0) | (part == grid.tree.cells.side[cell]), axis=1)
    inside = np.isin(cell, chosen) & outside
    return nodes[inside], cell[inside]


def _differ(grid: Refined, first: Ints, second: Ints) -> npt.NDArray[np.bool_]:
    """Where two points have classes, and other ones."""
    change = np.abs(grid.points.codes[first] - grid.points.codes[second])
    return np.nan_to_num(change) > 0


def _pair(net: _Net, vertex: int) -> Pair:
    return int(net.pair[vertex, 0]), int(net.pair[vertex, 1])


def _curves(net: _Net, dims: int) -> Iterator[_Curve]:
    """Crossings in order: each alone in one dim, along lines in two, all of a pair together in three."""
    if dims == 1:
        yield from (_Curve(_pair(net, v), [v], False) for v in np.argsort(net.place[:, 0], kind="stable").tolist())
    elif dims == 2:
        for pair in sorted({pair for _, _, pair in net.segments}):
            yield from _walked(pair, [(a, b) for a, b, own in net.segments if own == pair])
    else:
        for pair in sorted({_pair(net, v) for v in range(len(net.pair))}):
            yield _Curve(pair, np.flatnonzero(np.all(net.pair == pair, axis=1)).tolist(), False)


def _walked(pair: Pair, segments: list[tuple[int, int]]) -> Iterator[_Curve]:
    """Segments of one pair of classes as lines that are as long as can be; open ones first."""
    near: dict[int, list[int]] = {}
    for a, b in segments:
        near.setdefault(a, []).append(b)
        near.setdefault(b, []).append(a)
    ends = [v for v in sorted(near) if len(near[v]) != 2]
    for start in [*ends, *sorted(near)]:
        while near[start]:
            line = [start, _step(near, start)]
            while len(near[line[-1]]) == 1 and line[-1] != start:
                line.append(_step(near, line[-1]))
            yield _Curve(pair, line, line[-1] == start)


def _step(near: dict[int, list[int]], here: int) -> int:
    """Go on to a neighbour, by a segment that is then used up."""
    there = near[here].pop(0)
    near[there].remove(here)
    return there


def _dataset(grid: Refined, net: _Net, curves: list[_Curve]) -> xr.Dataset:
    """Curves as labelled arrays."""
    order = np.array([v for c in curves for v in c.vertices], dtype=np.int64)
    place, error = net.place[order], net.error[order]
    made: dict[str, Any] = {}
    for name in grid.names:
        attrs = {k: v for k, v in grid.params[name].items() if k in ("units", "long_name")}
        middle = grid.values(name, place)
        ends = [grid.values(name, np.clip(place + sign * error, 0, np.array(grid.tree.shape) - 1)) for sign in (-1, 1)]
        made[name] = ("vertex", middle, attrs)
        off = np.maximum(*(np.abs(end - middle) for end in ends))
        made[f"{name}_error"] = ("vertex", off, {"units": attrs.get("units", "1"), "long_name": f"error of {name}"})
    made["curve_number"] = ("vertex", np.repeat(np.arange(len(curves)), [len(c.vertices) for c in curves]))
    names, flags = grid.points.names, np.array([*grid.points.flags, np.nan])
    made["between"] = ("curve", np.array([f"{names[a]} | {names[b]}" for c in curves for a, b in [c.pair]], dtype=str))
    for side, name in enumerate(("first", "second")):
        made[name] = (
            "curve",
            flags[[c.pair[side] for c in curves]] if curves else np.empty(0),
            dict(grid.points.attrs),
        )
    made["closed"] = ("curve", np.array([c.closed for c in curves], dtype=bool))
    return xr.Dataset(made, attrs={**grid.about, "of": grid.of, "long_name": grid.title})
