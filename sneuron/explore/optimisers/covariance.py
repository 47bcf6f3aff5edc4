"""CMA-ES with restarts (Hansen & Ostermeier 2001, doi:10.1162/106365601750190398), by the package `cma`."""

from __future__ import annotations

import contextlib
import math
import warnings
from collections.abc import Iterator
from typing import Any

import numpy as np

from sneuron.explore.optimisers.base import Floats, Method, Setting, Told, generator, scattered

_QUIET = {"verbose": -9, "verb_log": 0, "verb_disp": 0}


class Island:
    """One search: a Gaussian that learns its shape, and begins anew elsewhere when it has shrunk to a point."""

    def __init__(self, setting: Setting, number: int) -> None:
        self.setting, self.number, self.runs = setting, number, 0
        self.state = np.random.RandomState(int(generator(setting.seed, number).integers(2**31))).get_state()
        self.inner: Any = None

    def ask(self) -> Floats:
        """Its share of the batch."""
        with self._own_numbers():
            if self.inner is None or self.inner.stop():
                self.inner = self._begun()
            return np.array(self.inner.ask())[:, : self.setting.params]

    def tell(self, unit: Floats, losses: Floats) -> None:
        """Learn; points that failed are worse than all others."""
        bad = ~np.isfinite(losses)
        worst = losses[~bad].max(initial=0.0)
        ranked = np.where(bad, worst + 1.0 + abs(worst), losses)
        with self._own_numbers():
            self.inner.tell(list(self._padded(unit)), ranked.tolist())

    @property
    def label(self) -> int:
        """Number of the search that goes on: those that begin anew are counted on."""
        return self.number + self.setting.starts * (self.runs - 1)

    def _begun(self) -> Any:
        import cma

        own = self.setting
        first = scattered(self.number + own.starts * self.runs, 1, own.params, own.seed)
        if self.number == self.runs == 0:
            first = np.full((1, own.params), 0.5)
        self.runs += 1
        how = {"popsize": own.share, "bounds": [0.0, 1.0], "seed": math.nan, "tolfun": own.options["tolfun"], **_QUIET}
        how |= {"tolflatfitness": 20, "tolx": own.options["tolx"], "tolfunhist": 0.0}
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            return cma.CMAEvolutionStrategy(self._padded(first)[0], own.options["sigma"], how)

    def _padded(self, unit: Floats) -> Floats:
        """Two coordinates at least; the algorithm knows no line."""
        return np.hstack([unit, np.full((len(unit), 1), 0.5)]) if unit.shape[1] == 1 else unit

    @contextlib.contextmanager
    def _own_numbers(self) -> Iterator[None]:
        """Random numbers of this search, where the package draws from those of the process."""
        before = np.random.get_state()
        np.random.set_state(self.state)
        try:
            with warnings.catch_warnings():
                warnings.simplefilter("ignore")
                yield
        finally:
            self.state = np.random.get_state()
            np.random.set_state(before)


class Archipelago:
    """Several searches side by side."""

    done = False

    def __init__(self, setting: Setting) -> None:
        self.islands = [Island(setting, k) for k in range(setting.starts)]
        self.share = setting.share
        self.start = np.zeros(setting.batch, np.int64)

    def ask(self) -> Floats:
        """The shares of all."""
        unit = np.concatenate([island.ask() for island in self.islands])
        self.start = np.repeat([island.label for island in self.islands], self.share)
        return np.asarray(np.clip(unit, 0.0, 1.0))

    def tell(self, told: Told) -> None:
        """Each learns of its own points."""
        for k, island in enumerate(self.islands):
            own = slice(k * self.share, (k + 1) * self.share)
            island.tell(told.unit[own], told.total[own])


CMA = Method(
    "cma",
    Archipelago,
    "adapts to the shape of the valley, and begins anew when it has converged; the one to try first",
    {"sigma": 0.25, "tolfun": 1e-12, "tolx": 1e-9},
)
