"""Rules without chance: one to one, all to all, rings and grids."""

from __future__ import annotations

import numpy as np

from sneuron.core.graph.rule import Argument, Edges, Place, refused, rule


def _single(place: Place) -> float:
    if place.pre != place.post:
        raise refused("nodes", f"{place.pre} and {place.post} neurons do not pair", "as many post as pre")
    if place.own:
        mend = "Give two populations, nodes=(n, n), or autapses=True."
        raise refused("rule", "one_to_one in one population connects each neuron to itself", mend=mend)
    return place.pre


@rule(_single)
def one_to_one(place: Place) -> Edges:
    """The first to the first, the second to the second."""
    return np.arange(place.pre, dtype=np.int32), np.arange(place.pre, dtype=np.int32)


def _all(place: Place) -> float:
    return place.pairs


@rule(_all)
def all_to_all(place: Place) -> Edges:
    """Every pair."""
    width = place.post - (1 if place.own else 0)
    pre = np.repeat(np.arange(place.pre, dtype=np.int32), width)
    post = np.tile(np.arange(width, dtype=np.int32), place.pre)
    if place.own:
        post += post >= pre
    return pre, post


def even_degree(place: Place, k: float, **_: float) -> float:
    """Edges of a ring."""
    if k % 2 or k >= place.pre:
        raise refused("k", f"{k:g} neighbours in a ring of {place.pre}", f"an even number below {place.pre}")
    return place.pre * k


def both_ways(a: np.ndarray, b: np.ndarray) -> Edges:
    """Edges without direction as two connections each."""
    return np.concatenate([a, b]), np.concatenate([b, a])


RING = Argument(low=0, whole=True, note="neighbours of a neuron, half of them on each side")


@rule(even_degree, two=False, k=RING)
def ring(place: Place, k: float) -> Edges:
    """The k nearest in a ring, both ways."""
    n, half = place.pre, int(k) // 2
    a = np.tile(np.arange(n, dtype=np.int32), half)
    b = (a + np.repeat(np.arange(1, half + 1, dtype=np.int32), n)) % np.int32(n)
    return both_ways(a, b)


def _rows(place: Place, columns: float, neighbours: float, wrap: float) -> float:
    if place.pre % int(columns):
        raise refused("columns", f"{place.pre} neurons do not fill rows of {columns:g}", "a divisor of the number")
    if neighbours not in (4, 8):
        raise refused("neighbours", f"{neighbours:g} in a grid", "4 or 8")
    if wrap and min(columns, place.pre // columns) < 3:
        raise refused("wrap", "a torus of fewer than 3 rows or columns meets itself", mend="Give wrap=0.")
    return place.pre * neighbours


@rule(
    _rows, two=False,
    columns=Argument(low=1, whole=True, note="neurons in a row"),
    neighbours=Argument(low=4, high=8, whole=True, default=4, note="4: along rows and columns; 8: diagonals too"),
    wrap=Argument(low=0, high=1, whole=True, default=0, note="1: a torus"),
)  # fmt: skip
def grid(place: Place, columns: float, neighbours: float, wrap: float) -> Edges:
    """The nearest in a grid, row by row, both ways."""
    wide, high = int(columns), place.pre // int(columns)
    y, x = np.divmod(np.arange(place.pre), wide)
    pre, post = [], []
    for down, right in ((0, 1), (1, 0), (1, 1), (1, -1))[: int(neighbours) // 2]:
        to_y, to_x = y + down, x + right
        inside = np.ones(place.pre, np.bool_) if wrap else (to_y < high) & (to_x < wide) & (to_x >= 0)
        pre.append(np.flatnonzero(inside))
        post.append((to_y[inside] % high) * wide + to_x[inside] % wide)
    return both_ways(np.concatenate(pre).astype(np.int32), np.concatenate(post).astype(np.int32))
