"""Points that learn nothing: what any search must beat, and what any analysis of given data can use."""

from __future__ import annotations

import numpy as np

from sneuron.explore.optimisers.base import Floats, Method, Setting, Told, generator, scattered


class Scattered:
    """Points of a Sobol sequence, or independent ones."""

    done = False

    def __init__(self, setting: Setting, even: bool) -> None:
        self.setting, self.even, self.count = setting, even, 0
        self.start = np.zeros(setting.batch, np.int64)

    def ask(self) -> Floats:
        """The next points of the sequence."""
        own = self.setting
        if self.even:
            return scattered(self.count * own.batch, own.batch, own.params, own.seed)
        return generator(own.seed, self.count).random((own.batch, own.params))

    def tell(self, told: Told) -> None:
        """Count batches; what came of them changes nothing."""
        self.count += 1


SOBOL = Method(
    "sobol", lambda s: Scattered(s, True), "spreads points evenly and learns nothing", prior=True, apart=False
)
RANDOM = Method(
    "random", lambda s: Scattered(s, False), "draws from the ranges and learns nothing", prior=True, apart=False
)
