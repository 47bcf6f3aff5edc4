"""Cells of a grid that is finer in some places: which there are, which points lie on them, what their points say.

All points are nodes of one fine lattice, numbered in C order. A cell of level 0 lies between neighbours of the coarse
grid; a cell that is cut gives cells of half its sides (of those that can be halved), one level up. A cell is cut when
all corners of its parts are there, and for no other reason: the cells follow from the points alone.
"""

from __future__ import annotations

import functools
import itertools
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

__all__ = ["Cells", "Tree", "first_nodes"]

Ints = npt.NDArray[np.int64]
Floats = npt.NDArray[np.float64]


def first_nodes(shape: tuple[int, ...], levels: tuple[int, ...]) -> Ints:
    """Numbers of the nodes of the coarse grid."""
    places = np.ix_(*(np.arange(0, n, 2**level) for n, level in zip(shape, levels, strict=True)))
    return np.ravel_multi_index(places, shape).ravel().astype(np.int64)


@dataclass(frozen=True, eq=False)
class Cells:
    """Cells that are not cut.

    Parameters
    ----------
    level : int array (cell)
        How often each was cut out of larger ones.
    low, side : int array (cell, axis)
        Place of the lowest corner, and lengths of the sides, in steps of the lattice.
    """

    level: Ints
    low: Ints
    side: Ints

    def __len__(self) -> int:
        return len(self.level)

    def take(self, which: npt.NDArray[np.bool_] | Ints) -> Cells:
        """Some of them."""
        return Cells(self.level[which], self.low[which], self.side[which])


@dataclass(frozen=True, eq=False)
class Tree:
    """Points on a lattice, and the cells between them.

    Parameters
    ----------
    shape : tuple of int
        Places along each axis of the lattice.
    levels : tuple of int
        How often a side of a coarse cell may be halved.
    numbers : int array
        Numbers of the nodes that are there, ascending.
    """

    shape: tuple[int, ...]
    levels: tuple[int, ...]
    numbers: Ints

    @property
    def depth(self) -> int:
        """The finest level."""
        return max(self.levels)

    def sides(self, level: int) -> Ints:
        """Sides of a cell of that level, in steps of the lattice."""
        return np.array([2 ** max(0, own - level) for own in self.levels], dtype=np.int64)

    def has(self, places: Ints) -> npt.NDArray[np.bool_]:
        """Whether there are nodes at these places (..., axis)."""
        return np.asarray(self.numbers[self.index(places)] == self.number(places))

    def index(self, places: Ints) -> Ints:
        """Which nodes are at these places; anything where there is none."""
        found = np.searchsorted(self.numbers, self.number(places))
        return np.asarray(np.minimum(found, len(self.numbers) - 1), dtype=np.int64)

    def number(self, places: Ints) -> Ints:
        """Numbers of the nodes at these places."""
        return np.asarray(np.ravel_multi_index(tuple(np.moveaxis(places, -1, 0)), self.shape), dtype=np.int64)

    def grown(self, more: Ints, values: Floats) -> tuple[Tree, Floats]:
        """The tree with more nodes, of which nothing is known, and the values of all."""
        numbers = np.sort(np.concatenate([self.numbers, more]))
        known = np.full(len(numbers), np.nan)
        known[np.searchsorted(numbers, self.numbers)] = values
        return Tree(self.shape, self.levels, numbers), known

    @functools.cached_property
    def places(self) -> Ints:
        """Where each node is: (node, axis)."""
        return np.stack(np.unravel_index(self.numbers, self.shape), axis=-1).astype(np.int64)

    @functools.cached_property
    def cells(self) -> Cells:
        """All cells that are not cut, coarse ones first."""
        first = [np.arange(0, n - 1, s) for n, s in zip(self.shape, self.sides(0), strict=True)]
        low = np.stack(np.meshgrid(*first, indexing="ij"), axis=-1).reshape(-1, len(self.shape)).astype(np.int64)
        kept: list[tuple[int, Ints]] = []
        for level in range(self.depth):
            cut = self._cut(low, level)
            kept.append((level, low[~cut]))
            parts = self._steps(level, corners=False)
            low = (low[cut][:, None] + parts).reshape(-1, len(self.shape))
        kept.append((self.depth, low))
        level_of = np.repeat([level for level, _ in kept], [len(lows) for _, lows in kept])
        lows = np.concatenate([lows for _, lows in kept])
        table = np.stack([self.sides(level) for level in range(self.depth + 1)])
        return Cells(level_of.astype(np.int64), lows, table[level_of])

    def new_corners(self, cells: Cells) -> Ints:
        """Nodes that cutting each cell needs: places (cell, node, axis); all cells are of one level that can be cut."""
        return np.asarray(cells.low[:, None] + self._inner(int(cells.level[0])))

    @functools.cached_property
    def touching(self) -> tuple[Ints, Ints]:
        """Nodes and the cells on which they lie (corners and others), as pairs of indices, each pair once."""
        pairs = [self._towards(direction) for direction in itertools.product((0, -1), repeat=len(self.shape))]
        nodes, cells = (np.concatenate([p[k] for p in pairs]) for k in (0, 1))
        once = np.unique(cells * len(self.numbers) + nodes)
        return once % len(self.numbers), once // len(self.numbers)

    def limits(self, values: Floats) -> tuple[Floats, Floats]:
        """Least and greatest value on each cell; nodes with NaN say nothing; (inf, -inf) where none says anything."""
        nodes, cells = self.touching
        held = np.isfinite(values[nodes])
        low, high = np.full(len(self.cells), np.inf), np.full(len(self.cells), -np.inf)
        np.minimum.at(low, cells[held], values[nodes[held]])
        np.maximum.at(high, cells[held], values[nodes[held]])
        return low, high

    def at(self, places: Floats) -> Ints:
        """The cell in which each place (..., axis) lies; of several that meet there the one above."""
        inside = np.minimum(np.floor(places), np.array(self.shape) - 2).astype(np.int64)
        return self._found(inside.reshape(-1, len(self.shape))).reshape(inside.shape[:-1])

    def _towards(self, direction: tuple[int, ...]) -> tuple[Ints, Ints]:
        """For each node the cell next to it in one direction, where the lattice goes on there."""
        step = self.places + np.array(direction)
        inside = np.all((step >= 0) & (step < np.array(self.shape) - 1), axis=1)
        return np.flatnonzero(inside), self._found(step[inside])

    def _found(self, places: Ints) -> Ints:
        """The cell that holds the step of the lattice above each place."""
        found = np.full(len(places), -1, dtype=np.int64)
        for level in range(self.depth + 1):
            own = np.flatnonzero(self.cells.level == level)
            if not len(own):
                continue
            keys = self.number(self.cells.low[own])
            order = np.argsort(keys)
            left = np.flatnonzero(found < 0)
            side = self.sides(level)
            asked = self.number(places[left] // side * side)
            where = np.searchsorted(keys, asked, sorter=order).clip(max=len(own) - 1)
            hit = keys[order[where]] == asked
            found[left[hit]] = own[order[where[hit]]]
        return found

    def _cut(self, low: Ints, level: int) -> npt.NDArray[np.bool_]:
        """Which cells of a level have all the nodes that cutting them needs."""
        cut = np.ones(len(low), dtype=np.bool_)
        for step in self._inner(level):
            open_ = np.flatnonzero(cut)
            cut[open_] = self.has(low[open_] + step)
        return cut

    def _inner(self, level: int) -> Ints:
        """Corners of the parts of a cell that are none of its own: places within it, the middle first."""
        steps = self._steps(level, corners=True)
        sides, half = self.sides(level), self.sides(level + 1)
        new = steps[np.any((steps % sides != 0), axis=1)]
        middle = np.sum(np.where(sides != half, new == half, 0), axis=1)
        return new[np.argsort(-middle, kind="stable")]

    def _steps(self, level: int, corners: bool) -> Ints:
        """Lowest corners of the parts of a cell, or all corners of them: places within it."""
        pairs = zip(self.sides(level), self.sides(level + 1), strict=True)
        last = 1 if corners else 0
        along = [np.arange(0, side + last, half) for side, half in pairs]
        return np.stack(np.meshgrid(*along, indexing="ij"), axis=-1).reshape(-1, len(self.shape))
