"""NSGA-II (Deb et al. 2002, doi:10.1109/4235.996017): the front of what nothing betters in all objectives."""

from __future__ import annotations

import numpy as np
import numpy.typing as npt

from sneuron.explore.optimisers.base import Floats, Method, Setting, Told, generator, scattered

__all__ = ["crowding", "fronts"]

_TINY = 1e-14


def fronts(losses: Floats) -> npt.NDArray[np.int64]:
    """The rank of each point: 0 on the front, 1 on that of the rest, and so on; points that failed come last.

    >>> fronts(np.array([[1.0, 3.0], [2.0, 2.0], [3.0, 3.0], [3.0, 1.0]])).tolist()
    [0, 0, 1, 0]
    """
    no_worse = (losses[:, None] <= losses[None]).all(-1)
    better = np.asarray(no_worse & (losses[:, None] < losses[None]).any(-1))
    rank = np.full(len(losses), -1)
    above = better.sum(0)
    for level in range(len(losses)):
        front = (above == 0) & (rank < 0)
        if not front.any():
            break
        rank[front] = level
        above = above - better[front].sum(0)
    return rank


def crowding(losses: Floats, rank: npt.NDArray[np.int64]) -> Floats:
    """How far each point is from its neighbours on its own front; infinite at the ends."""
    found = np.zeros(len(losses))
    for level in np.unique(rank):
        own = np.flatnonzero(rank == level)
        for column in np.where(np.isfinite(losses[own]), losses[own], 1e300).T:
            order = np.argsort(column, kind="stable")
            width = max(column[order[-1]] - column[order[0]], _TINY)
            gaps = np.full(len(own), np.inf)
            gaps[order[1:-1]] = (column[order[2:]] - column[order[:-2]]) / width
            found[own] += gaps
    return found


class Population:
    """Individuals of which the better of two, by rank and then by loneliness, have children."""

    done = False

    def __init__(self, setting: Setting) -> None:
        self.setting, self.count = setting, 0
        self.start = np.zeros(setting.batch, np.int64)
        self.unit, self.losses = np.zeros((0, setting.params)), np.zeros((0, 1))

    def ask(self) -> Floats:
        """Children; at first points that are spread evenly."""
        own = self.setting
        if not self.count:
            return scattered(0, own.batch, own.params, own.seed)
        rng = generator(own.seed, self.count)
        return self._mutated(rng, self._crossed(rng))

    def tell(self, told: Told) -> None:
        """The better half of parents and children goes on."""
        unit = np.concatenate([self.unit, told.unit])
        losses = told.losses if not self.count else np.concatenate([self.losses, told.losses])
        rank = fronts(losses)
        kept = np.lexsort((-crowding(losses, rank), rank))[: self.setting.batch]
        self.unit, self.losses = unit[kept], losses[kept]
        self.count += 1

    def _crossed(self, rng: np.random.Generator) -> Floats:
        """Simulated binary crossover of pairs that won their tournaments; survivors lie in order, the best first."""
        n, params = self.unit.shape
        pairs = rng.integers(n, size=(2, n, 2)).min(-1)
        a, b = self.unit[pairs[0]], self.unit[pairs[1]]
        u, power = rng.random((n, params)), 1.0 / (self.setting.options["spread"] + 1)
        beta = np.where(u <= 0.5, (2 * u) ** power, (1.0 / (2 * (1 - u))) ** power)
        child = 0.5 * ((1 + beta) * a + (1 - beta) * b)
        return np.asarray(np.where(rng.random((n, params)) < 0.5, child, a))

    def _mutated(self, rng: np.random.Generator, child: Floats) -> Floats:
        """Polynomial mutation of one coordinate in so many as there are, reflected at the walls."""
        u, power = rng.random(child.shape), 1.0 / (self.setting.options["mutation"] + 1)
        step = np.where(u < 0.5, (2 * u) ** power - 1, 1 - (2 * (1 - u)) ** power)
        moved = np.where(rng.random(child.shape) < 1.0 / child.shape[1], child + step, child)
        return np.asarray(1.0 - np.abs(1.0 - np.abs(moved) % 2.0))


NSGA2 = Method(
    "nsga2",
    Population,
    "keeps several objectives apart and finds their front",
    {"spread": 15.0, "mutation": 20.0},
    many=True,
    apart=False,
)
