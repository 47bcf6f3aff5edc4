"""Synapses that come back elsewhere: numbers that belong to pairs of neurons say where."""

from __future__ import annotations

import math
from collections.abc import Sequence
from typing import Any

import numpy as np
from numpy.typing import NDArray

from sneuron.lang.keys import philox

__all__ = ["rewired"]

Array = NDArray[Any]
_PURPOSE = 0x5EED5
_LAST = np.iinfo(np.uint64).max


def rewired(
    weights: Array, clipped: Array, there: Array, gone: Array, fresh: Array, pruned: Array, seeds: Array,
    ends: Sequence[Array], counts: tuple[int, int], autapses: bool, signed: bool,
) -> tuple[Array, ...]:  # fmt: skip
    """Each neuron gets as many new synapses as it has lost, from neurons that did not reach it before.

    Which ones: those with the smallest random numbers, one of each pair of neurons. So a matrix and a graph of the same
    synapses are rewired in the same way. `fresh` is the weight that a synapse with the sender of each place would get;
    where signs are kept, that of a sender without any synapse is 0, since its sign is not known.
    """
    shape, core = weights.shape, 1 if ends else 2
    many = math.prod(shape[: len(shape) - core])
    flat = [np.array(np.broadcast_to(a, shape)).reshape(many, *shape[len(shape) - core :])
            for a in (weights, there, gone, fresh, *ends)]  # fmt: skip
    for point, seed in enumerate(np.ravel(seeds)):
        one: Any = _rewired_graph if ends else _rewired_matrix
        one(*(a[point] for a in flat), int(seed), counts, autapses, signed)
    w, left, _, _, *moved = (a.reshape(shape) for a in flat)
    return (w, clipped, left, pruned, *moved)


def _chosen(row: int, held: Array, many: int, seed: int, autapses: bool) -> Array:
    """So many neurons (or all there are) that are not held, as partners of the neuron `row`."""
    free = ~held
    if not autapses and row < free.size:
        free[row] = False
    score = philox(np.arange(free.size, dtype=np.uint64) + np.uint64(row * free.size), _PURPOSE, seed)[0]
    order = np.argsort(np.where(free, score, _LAST), kind="stable")
    return order[: min(many, int(free.sum()))]


def _rewired_matrix(
    w: Array, there: Array, gone: Array, fresh: Array, seed: int, counts: Any, autapses: bool, signed: bool
) -> None:  # fmt: skip
    for row in np.flatnonzero(gone.any(1)):
        found = _chosen(int(row), there[row], int(gone[row].sum()), seed, autapses)
        there[row] &= ~gone[row]
        there[row, found], w[row, found] = True, fresh[row, found]


def _rewired_graph(
    w: Array, there: Array, gone: Array, fresh: Array, pre: Array, post: Array, seed: int, counts: tuple[int, int],
    autapses: bool, signed: bool,
) -> None:  # fmt: skip
    before = there.copy()
    there &= ~gone
    own = np.zeros(counts[0]) if signed else np.full(counts[0], fresh.max(initial=0.0))
    own[pre[before]] = fresh[before]
    for row in np.unique(post[gone]):
        held = np.zeros(counts[0], bool)
        held[pre[before & (post == row)]] = True
        places = np.flatnonzero(gone & (post == row))
        found = _chosen(int(row), held, places.size, seed, autapses)
        places = places[: found.size]
        pre[places], there[places], w[places] = found, True, own[found]
