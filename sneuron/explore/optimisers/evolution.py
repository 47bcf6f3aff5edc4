"""Differential evolution (Storn & Price 1997, doi:10.1023/A:1008202821328), all individuals at once."""

from __future__ import annotations

import numpy as np

from sneuron.explore.optimisers.base import Floats, Method, Setting, Told, generator, scattered


class Islands:
    """Several populations side by side; each individual moves towards one of the best and along a difference of others.

    The step of each individual is drawn anew each time, and the best is one of the best tenth, as in JADE (Zhang &
    Sanderson 2009, doi:10.1109/TEVC.2009.2014613).
    """

    done = False

    def __init__(self, setting: Setting) -> None:
        self.setting, self.count = setting, 0
        self.start = np.repeat(np.arange(setting.starts), setting.share)
        self.unit = scattered(0, setting.batch, setting.params, setting.seed)
        self.losses = np.full(setting.batch, np.inf)

    def ask(self) -> Floats:
        """One trial for each individual; at first the individuals themselves."""
        if not self.count:
            return self.unit
        rng = generator(self.setting.seed, self.count)
        shares = [self._trials(rng, k) for k in range(self.setting.starts)]
        return np.concatenate(shares)

    def tell(self, told: Told) -> None:
        """A trial that is no worse takes its parent's place."""
        better = told.total <= self.losses
        self.unit = np.where(better[:, None], told.unit, self.unit)
        self.losses = np.where(better, told.total, self.losses)
        self.count += 1

    def _trials(self, rng: np.random.Generator, island: int) -> Floats:
        n, own = self.setting.share, self.setting.options
        here = slice(island * n, (island + 1) * n)
        x = self.unit[here]
        order = np.argsort(self.losses[here], kind="stable")
        best = x[order[rng.integers(max(1, n // 10), size=n)]]
        first, second = (x[(np.arange(n) + rng.integers(1, n, n)) % n] for _ in range(2))
        low, high = own["step"]
        step = low + (high - low) * rng.random((n, 1))
        moved = x + step * (best - x) + step * (first - second)
        cross = rng.random(x.shape) < own["crossover"]
        cross[np.arange(n), rng.integers(x.shape[1], size=n)] = True
        trial = np.where(cross, moved, x)
        trial = np.where(trial < 0.0, x / 2, trial)
        return np.asarray(np.where(trial > 1.0, (1 + x) / 2, trial))


DE = Method("de", Islands, "robust where the loss is rough or flat in places", {"step": (0.4, 0.9), "crossover": 0.9})
