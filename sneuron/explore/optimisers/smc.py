"""ABC-SMC: samples of the parameters whose runs are as near to the data as wanted, closer from round to round.

Toni, Welch, Strelkowa, Ipsen & Stumpf 2009, doi:10.1098/rsif.2008.0172; the kernel: Filippi et al. 2013,
doi:10.1515/sagmb-2012-0069. In the unit cube the prior is uniform, whatever the ranges are distributions of.
"""

from __future__ import annotations

import numpy as np

from sneuron.explore.optimisers.base import Floats, Method, Sample, Setting, Told, generator

_SPREAD = 2.0
_ROUNDS = 200


class Rounds:
    """Particles that are moved from round to round under a distance that shrinks.

    A round ends when as many points as there are particles were near enough, in the order of their numbers. The next
    distance is a quantile of theirs, and no less than the one that is wanted; the search is done when a round was made
    at that one.
    """

    def __init__(self, setting: Setting) -> None:
        self.setting, self.count, self.round = setting, 0, 0
        self.start = np.zeros(setting.batch, np.int64)
        self.done = False
        self.size = int(setting.options["particles"])
        self.limit = np.inf
        self.unit, self.distance = np.zeros((0, setting.params)), np.zeros(0)
        self.rows = np.zeros(0, np.int64)
        self.weight = np.zeros(0)
        self.before: tuple[Floats, Floats] | None = None

    def ask(self) -> Floats:
        """Draws of the prior; later moves of particles, all of them inside the cube."""
        own = self.setting
        rng = generator(own.seed, self.count)
        if self.before is None:
            return rng.random((own.batch, own.params))
        unit, weight = self.before
        root = np.linalg.cholesky(self._spread(unit, weight))
        found = np.zeros((0, own.params))
        while len(found) < own.batch:
            parents = rng.choice(len(unit), own.batch, p=weight)
            moved = unit[parents] + rng.standard_normal((own.batch, own.params)) @ root.T
            found = np.concatenate([found, moved[((moved > 0) & (moved < 1)).all(1)]])
        return found[: own.batch]

    def tell(self, told: Told) -> None:
        """Keep what is near enough; when there is enough of it, weigh it and go nearer."""
        if self.done:
            return
        near = np.flatnonzero(told.total <= self.limit)
        rows = near + self.count * self.setting.batch
        self.unit = np.concatenate([self.unit, told.unit[near]])[: self.size]
        self.distance = np.concatenate([self.distance, told.total[near]])[: self.size]
        self.rows = np.concatenate([self.rows, rows])[: self.size]
        self.count += 1
        if len(self.unit) == self.size:
            self._end_round()

    def _end_round(self) -> None:
        wanted, best = float(self.setting.options["tolerance"]), np.isfinite(self.distance)
        if not best.any():
            self._clear()
            return
        self.weight = self._weights(self.unit)
        self.posterior = Sample(self.unit, self.weight.copy(), self.rows.copy(), limit=self.limit)
        self.round += 1
        self.done = self.limit <= wanted or self.round >= _ROUNDS
        if not self.done:
            weight = np.where(best, self.weight, 0.0)
            self.before = (self.unit, weight / weight.sum())
            near = np.quantile(self.distance[best], float(self.setting.options["quantile"]))
            self.limit = max(float(near), wanted)
            self._clear()

    def _clear(self) -> None:
        self.unit, self.distance = self.unit[:0], self.distance[:0]
        self.rows = self.rows[:0]

    def _weights(self, unit: Floats) -> Floats:
        """Prior over the density of the moves that led here."""
        if self.before is None:
            return np.full(len(unit), 1.0 / len(unit))
        old, weight = self.before
        root = np.linalg.cholesky(self._spread(old, weight))
        a, b = (np.linalg.solve(root, u.T).T for u in (unit, old))
        kernel = np.exp(-0.5 * ((a[:, None] - b[None]) ** 2).sum(-1))
        inside: Floats = self._inside(old, np.asarray(root, dtype=np.float64))
        found: Floats = 1.0 / (kernel / inside[None] @ weight)
        return np.asarray(found / found.sum())

    def _inside(self, old: Floats, root: Floats) -> Floats:
        """The share of each particle's moves that stay in the cube: only these are made."""
        z = generator(self.setting.seed, self.round, 7).standard_normal((2048, old.shape[1])) @ root.T
        inside = [((o + z > 0) & (o + z < 1)).all(1).mean() for o in old]
        return np.asarray(np.maximum(np.array(inside), 1.0 / 2048))

    def _spread(self, unit: Floats, weight: Floats) -> Floats:
        """Twice the weighted covariance of the particles."""
        left = unit - weight @ unit
        found = _SPREAD * (left * weight[:, None]).T @ left
        return np.asarray(found + 1e-12 * np.eye(unit.shape[1]))


ABC = Method(
    "abc",
    Rounds,
    "samples the posterior: parameters, by how often they give what was seen",
    {"particles": 1000, "tolerance": 0.0, "quantile": 0.5},
    prior=True,
    apart=False,
)
