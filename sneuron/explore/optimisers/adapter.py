"""Optuna's samplers (TPE, Gaussian processes and others), for those who have the package: `sneuron[optuna]`."""

from __future__ import annotations

import warnings
from typing import Any

import numpy as np

from sneuron import errors
from sneuron.explore.optimisers.base import Floats, Method, Setting, Told

_SAMPLERS = ("TPESampler", "CmaEsSampler", "GPSampler", "QMCSampler", "NSGAIISampler", "RandomSampler")


class Trials:
    """A study of Optuna in memory; what is kept is kept in the study of the fit."""

    done = False

    def __init__(self, setting: Setting) -> None:
        self.setting = setting
        self.start = np.zeros(setting.batch, np.int64)
        self.space, self.inner = _begun(setting)
        self.trials: list[Any] = []

    def ask(self) -> Floats:
        """A batch of trials."""
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            self.trials = [self.inner.ask(self.space) for _ in range(self.setting.batch)]
        return np.array([[t.params[name] for name in self.space] for t in self.trials])

    def tell(self, told: Told) -> None:
        """The values of the batch; points that failed are told as such."""
        import optuna

        for trial, loss in zip(self.trials, told.total, strict=True):
            if np.isfinite(loss):
                self.inner.tell(trial, float(loss))
            else:
                self.inner.tell(trial, state=optuna.trial.TrialState.FAIL)


def _begun(setting: Setting) -> tuple[dict[str, Any], Any]:
    try:
        import optuna
    except ImportError as cause:
        mend = "Install it (pip install sneuron[optuna]), or use method 'cma'."
        raise errors.PlanError("FitModel: method 'optuna'", "the package optuna is not here", mend=mend) from cause
    optuna.logging.set_verbosity(optuna.logging.ERROR)
    wanted = str(setting.options["sampler"])
    if wanted not in _SAMPLERS:
        raise errors.unknown("FitModel: method 'optuna'", "sampler", wanted, _SAMPLERS)
    more: dict[str, Any] = {"constant_liar": True} if wanted == "TPESampler" else {}
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        sampler = getattr(optuna.samplers, wanted)(seed=setting.seed % 2**31, **more)
    space = {f"x{k}": optuna.distributions.FloatDistribution(0.0, 1.0) for k in range(setting.params)}
    return space, optuna.create_study(sampler=sampler)


OPTUNA = Method(
    "optuna",
    Trials,
    "samplers of the package optuna, when evaluations are dear",
    {"sampler": "TPESampler"},
    apart=False,
)
