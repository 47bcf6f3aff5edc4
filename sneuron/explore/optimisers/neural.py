"""Neural posterior estimation by the package sbi, for those who have it: `sneuron[sbi]`.

A network learns the density of parameters given what is compared; truncated proposals lead later rounds to where the
data are likely (Deistler, Goncalves & Macke 2022, doi:10.48550/arXiv.2210.04815). In the unit cube the prior is
uniform, whatever the ranges are distributions of.
"""

from __future__ import annotations

import io
import warnings
from collections.abc import Iterator, Mapping
from contextlib import contextmanager, redirect_stderr, redirect_stdout
from typing import Any

import numpy as np

from sneuron import errors
from sneuron.explore.optimisers.base import Floats, Method, Sample, Setting, Told, generator

_DENSITIES = ("nsf", "maf", "made", "mdn")
_KEPT = 1e-4
"""The share of the learnt density that a truncated proposal leaves out."""

_SUPPORT = 20_000
"""Draws that tell where that is."""


class Posterior:
    """Rounds of the prior's draws, later of its part that the last network holds possible; a network after each."""

    done = False

    def __init__(self, setting: Setting) -> None:
        _package()
        _check(setting.options)
        self.setting = setting
        self.start = np.zeros(setting.batch, np.int64)
        self.size = -(-int(setting.options["round"]) // setting.batch)
        self.count = 0
        self.unit, self.offsets = np.zeros((0, setting.params)), np.zeros((0, 0))
        self.learnt: Any = None
        self.supports: list[tuple[Any, float]] = []

    def ask(self) -> Floats:
        """Draws of the prior; after the first round, of its part that is possible.

        These are draws of the density, the likelier taken the rarer they are: evenly spread, however small the part.
        """
        own = self.setting
        if self.learnt is None:
            return generator(own.seed, self.count).random((own.batch, own.params))
        drawn, density = self._drawn(self.learnt, max(_SUPPORT, 16 * own.batch), own.seed + self.count)
        inside = np.all([_dense(net, drawn) > least for net, least in self.supports], axis=0)
        race = np.log(generator(own.seed, self.count).exponential(size=len(drawn))) + density
        return drawn[np.argsort(np.where(inside, race, np.inf), kind="stable")[: own.batch]]

    def tell(self, told: Told) -> None:
        """Keep what came of a batch; learn when a round is full."""
        assert told.offsets is not None
        held = self.offsets if self.offsets.size else np.zeros((0, told.offsets.shape[1]))
        good = np.isfinite(told.offsets).all(1)
        self.unit = np.concatenate([self.unit, told.unit[good]])
        self.offsets = np.concatenate([held, told.offsets[good]])
        self.count += 1
        if self.count % self.size == 0:
            self._end_round()

    def _end_round(self) -> None:
        """A new network; where it is dense, and those before it were, is what is possible."""
        found = self._network()
        if found is not None:
            self.learnt = found
            _, density = self._drawn(found, _SUPPORT, self.setting.seed)
            self.supports.append((found, float(np.quantile(density, _KEPT))))

    def _network(self) -> Any:
        """A new network, of all that was seen; outputs that never differ say nothing and are left out."""
        import torch
        from sbi.inference import NPE

        told = self.offsets[:, (self.offsets != self.offsets[:1]).any(0)]
        if not told.size:
            return None
        theta, x = (torch.as_tensor(a, dtype=torch.float32) for a in (self.unit, told))
        with _seeded(self.setting.seed):
            how = {"density_estimator": str(self.setting.options["density"]), "show_progress_bars": False}
            trainer = NPE(_prior(self.setting.params), tracker=_Untracked(), **how)
            trainer.append_simulations(theta, x).train(force_first_round_loss=True)
            return trainer.build_posterior().set_default_x(torch.zeros(1, told.shape[1]))

    def _drawn(self, learnt: Any, many: int, seed: int) -> tuple[Floats, Floats]:
        """Draws of a density that was learnt, and its logarithm there."""
        with _seeded(seed):
            drawn = _plain(learnt.sample((many,), show_progress_bars=False))
        return drawn, _dense(learnt, drawn)

    @property
    def posterior(self) -> Sample | None:
        """Draws of the density as all evaluations tell it, those of a round that has not ended among them."""
        if self.learnt is None:
            return None
        learnt = self._network() if self.count % self.size else self.learnt
        many = int(self.setting.options["draws"])
        drawn, density = self._drawn(learnt, many, self.setting.seed)
        return Sample(drawn, np.full(many, 1.0 / many), density=density)


def _check(options: Mapping[str, Any]) -> None:
    """What cannot be learnt with is refused before anything runs."""
    where = "FitModel: method 'npe'"
    if options["density"] not in _DENSITIES:
        raise errors.unknown(where, "density", str(options["density"]), _DENSITIES)
    for name in ("round", "draws"):
        if isinstance(options[name], bool) or not isinstance(options[name], int) or options[name] < 1:
            raise errors.ParameterError(where, f"{name} is {options[name]!r}", "a whole number from 1")


class _Untracked:
    """Keeps no log of the training: sbi writes one into the working folder unless told otherwise."""

    log_dir: str | None = None

    def log_metric(self, name: str, value: float, step: int | None = None) -> None:
        """Nothing."""

    def log_metrics(self, metrics: dict[str, float], step: int | None = None) -> None:
        """Nothing."""

    def log_params(self, params: dict[str, Any]) -> None:
        """Nothing."""

    def add_figure(self, name: str, figure: Any, step: int | None = None) -> None:
        """Nothing."""

    def flush(self) -> None:
        """Nothing."""


def _dense(learnt: Any, unit: Floats) -> Floats:
    """The logarithm of a density that was learnt."""
    import torch

    with _quiet():
        return np.asarray(learnt.log_prob(torch.as_tensor(unit, dtype=torch.float32)).numpy(), dtype=np.float64)


def _plain(drawn: Any) -> Floats:
    return np.asarray(np.clip(drawn.numpy(), 0.0, 1.0), dtype=np.float64)


def _prior(params: int) -> Any:
    import torch
    from sbi.utils import BoxUniform

    return BoxUniform(torch.zeros(params), torch.ones(params))


@contextmanager
def _seeded(seed: int) -> Iterator[None]:
    """One thread and a seed: the same network from the same data. What sbi warns of is its own affair."""
    import torch

    threads = torch.get_num_threads()
    torch.set_num_threads(1)
    try:
        with torch.random.fork_rng(devices=[]), warnings.catch_warnings(), _quiet():
            warnings.simplefilter("ignore")
            torch.manual_seed(seed % 2**31)
            yield
    finally:
        torch.set_num_threads(threads)


@contextmanager
def _quiet() -> Iterator[None]:
    """Without what is printed, bars of progress among it."""
    nowhere = io.StringIO()
    with redirect_stdout(nowhere), redirect_stderr(nowhere):
        yield


def _package() -> None:
    try:
        import sbi.inference  # noqa: F401
    except ImportError as cause:
        mend = "Install it (pip install sneuron[sbi]), or use method 'abc'."
        raise errors.PlanError("FitModel: method 'npe'", "the package sbi is not here", mend=mend) from cause


NPE = Method(
    "npe",
    Posterior,
    "a neural network that learns the posterior, when evaluations are dear or parameters many",
    {"round": 1000, "draws": 1000, "density": "nsf"},
    prior=True,
    apart=False,
    signed=True,
)
