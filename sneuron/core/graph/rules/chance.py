"""Rules in which every pair is connected by chance: alike, by blocks, by levels, by distance."""

from __future__ import annotations

import math
from typing import Any

import numpy as np
from numpy.typing import NDArray

from sneuron.core.graph.draws import chances
from sneuron.core.graph.rule import Argument, Edges, Place, refused, rule

Array = NDArray[Any]

_P = Argument(low=0, high=1, note="chance of each connection")
_SCALE = Argument(unit="um", low=1e-9, note="length scale")


def _thrown(place: Place, groups: Array, bounds: Array, chance: Array, power: float = 0, scale: float = 1) -> Edges:
    """Edges of groups of rows and of columns; their chances as (columns, rows)."""
    mean = float(np.bincount(groups, minlength=chance.shape[1]) @ (np.diff(bounds) @ chance))
    guess = 1024 if power else int(mean + 8 * math.sqrt(mean)) + 64
    spots = place.positions
    here, there, period = (spots.pre, spots.post, spots.period) if spots else (np.zeros((1, 1)),) * 2 + (math.inf,)
    counts, post = chances(
        place.key, groups, bounds, chance, place.own, guess, here, there, period, float(power), float(scale)
    )
    pre = np.repeat(np.arange(place.pre, dtype=np.int32), counts)
    return pre, post


def _alike(place: Place, p: float, power: float = 0, scale: float = 1) -> Edges:
    groups, bounds = np.zeros(place.pre, np.int64), np.array([0, place.post])
    return _thrown(place, groups, bounds, np.array([[float(p)]]), power, scale)


def _mean(place: Place, p: float, **_: Any) -> float:
    return place.pairs * p


@rule(_mean, p=_P, source="Gilbert 1959, doi:10.1214/aoms/1177706098; Erdos & Renyi 1959")
def erdos_renyi(place: Place, p: float) -> Edges:
    """Every pair with the same chance."""
    return _alike(place, p)


@rule(_mean, p=_P, scale=_SCALE, spatial=True)
def distance_exponential(place: Place, p: float, scale: float) -> Edges:
    """With chance p exp(-d/scale) at distance d."""
    return _alike(place, p, 1, scale)


@rule(_mean, p=_P, scale=_SCALE, spatial=True)
def distance_gaussian(place: Place, p: float, scale: float) -> Edges:
    """With chance p exp(-d^2/(2 scale^2)) at distance d."""
    return _alike(place, p, 2, scale * math.sqrt(2))


def _blocks(place: Place, sizes: Array, p: Array) -> float:
    if not place.same:
        raise refused("rule", "blocks are parts of one population", mend="Give nodes as one number.")
    if (sizes < 1).any() or sizes.sum() != place.pre:
        raise refused("sizes", f"blocks of {sizes.astype(int).tolist()} neurons are not {place.pre} together")
    if p.shape != (sizes.size, sizes.size):
        raise refused("p", f"it is {p.shape[0]} by {p.shape[1]}", f"{sizes.size} by {sizes.size}: (post, pre)")
    return float(sizes @ p @ sizes)


@rule(
    _blocks, two=False, source="Holland, Laskey & Leinhardt 1983, doi:10.1016/0378-8733(83)90021-7",
    sizes=Argument(low=1, whole=True, dims=("block",), note="neurons of each block, one after the other"),
    p=Argument(low=0, high=1, dims=("post_block", "pre_block"), note="chance of connections between blocks"),
)  # fmt: skip
def stochastic_block(place: Place, sizes: Array, p: Array) -> Edges:
    """Every pair with the chance of its blocks."""
    groups = np.repeat(np.arange(sizes.size), sizes.astype(np.int64))
    return _thrown(place, groups, _bounds(sizes), p)


def _bounds(sizes: Array) -> Array:
    return np.concatenate([[0], np.cumsum(sizes.astype(np.int64))])


def _levels(place: Place, levels: float, branches: float, p: float, ratio: float) -> float:
    leaves = int(branches) ** int(levels)
    if leaves > place.pre or leaves > 4096:
        raise refused("levels", f"{leaves} modules of {place.pre} neurons", f"up to {min(place.pre, 4096)} modules")
    return float(_sizes(place.pre, leaves) @ _nested(levels, branches, p, ratio) @ _sizes(place.pre, leaves))


def _sizes(n: int, parts: int) -> Array:
    """Sizes of parts, as equal as may be."""
    return np.diff(np.arange(parts + 1) * n // parts)


def _nested(levels: float, branches: float, p: float, ratio: float) -> Array:
    """Chances between the smallest modules: p within one, times `ratio` for each level up to one that holds both."""
    leaves = np.arange(int(branches) ** int(levels))
    apart = np.zeros((leaves.size, leaves.size), np.int64)
    for level in range(int(levels)):
        whose = leaves // int(branches) ** level
        apart += whose[:, None] != whose[None, :]
    return p * float(ratio) ** apart


@rule(
    _levels, two=False, p=_P,
    levels=Argument(low=1, high=12, whole=True, note="levels of modules"),
    branches=Argument(low=2, high=4096, whole=True, default=2, note="modules in a module"),
    ratio=Argument(low=0, high=1, note="by which the chance falls from level to level"),
)  # fmt: skip
def hierarchical(place: Place, levels: float, branches: float, p: float, ratio: float) -> Edges:
    """Modules in modules: chance p in the smallest, p ratio^l between those that first meet l levels up."""
    sizes = _sizes(place.pre, int(branches) ** int(levels))
    groups = np.repeat(np.arange(sizes.size), sizes)
    return _thrown(place, groups, _bounds(sizes), _nested(levels, branches, p, ratio))
