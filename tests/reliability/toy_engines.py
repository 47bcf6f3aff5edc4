"""Engines for tests: a closed form instead of a simulation, and points that misbehave, through the real runner."""

from __future__ import annotations

import ctypes
import os
import time
from collections.abc import Mapping
from typing import Any, ClassVar

import numpy as np

from sneuron import labels
from sneuron.explore.engine import Facts, Job, Layout
from sneuron.explore.space import Known
from sneuron.labels import Status
from sneuron.lang.spec import Param

GOOD, RAISES, CRASHES, EATS, ENDLESS, DIVERGES = range(6)


class LIF:
    """The firing rate of a leaky integrate-and-fire neuron in closed form, with noise keyed by the content of points.

    Each call adds a line to the file named by TOY_LOG (process and number of points), and sleeps TOY_SLEEP seconds.
    """

    params: ClassVar = {
        "I": Param(2.0, "nA", 0.0, 100.0),
        "tau": Param(10.0, "ms", 1.0, 1000.0),
        "R": Param(10.0, "MOhm", 0.0, 1e6),
        "bad": Param(0.0, "1", 0.0, 10.0),
        "E": Param(-65.0, "mV", fixed="the closed form is relative to it"),
    }

    def facts(self, model: Any) -> Facts:
        return Facts('{"toy":"lif"}', "toy", "0" * 64, Known(self.params, {"current": "I"}, "toy"), 0.1, "exact")

    def layout(self, plan: Any) -> Layout:
        rate = ((), "float64", {"units": "Hz", "long_name": "firing rate"})
        noisy = ((), "float64", {"units": "Hz", "long_name": "rate of a noisy trial"})
        psth = (("bin",), "float32", {"units": "Hz"})
        first = ((), "float64", {"units": "ms"})
        status = ((), "uint8", labels.status_attrs())
        variables = {"status": status, "first_bad_time": first, "rate": rate, "noisy": noisy, "psth": psth}
        return Layout(variables, {"bin": 3})

    def seconds(self, plan: Any, measure: bool = False) -> float:
        return float(os.environ.get("TOY_SECONDS", "1e-3"))

    def memory(self, plan: Any) -> float:
        return 100.0

    def simulate(self, job: Job) -> Mapping[str, np.ndarray]:
        _note(len(job))
        value = {n: np.broadcast_to(job.params.get(n, p.value), len(job)) for n, p in self.params.items()}
        drive = value["R"] * value["I"]
        with np.errstate(divide="ignore", invalid="ignore"):
            rate = np.where(drive > 15.0, 1000.0 / (2.0 + value["tau"] * np.log(drive / (drive - 15.0))), 0.0)
        noise = (job.keys >> np.uint64(11)).astype(np.float64) * 2.0**-53
        status = np.full(len(job), Status.OK, np.uint8)
        first = np.full(len(job), np.nan)
        self.misbehave(value["bad"], status, first, rate)
        psth = (rate[:, None] * np.array([0.5, 1.0, 1.5])).astype(np.float32)
        return {"status": status, "first_bad_time": first, "rate": rate, "noisy": rate + noise, "psth": psth}

    def misbehave(self, bad: np.ndarray, status: np.ndarray, first: np.ndarray, rate: np.ndarray) -> None:
        if (bad == RAISES).any():
            raise ValueError("this model raises at bad = 1")
        if (bad == CRASHES).any():
            ctypes.string_at(0)
        if (bad == EATS).any():
            hoard = []
            while True:
                hoard.append(np.ones(5_000_000))
        if (bad == ENDLESS).any():
            while True:
                time.sleep(0.01)
        status[bad == DIVERGES], first[bad == DIVERGES], rate[bad == DIVERGES] = Status.DIVERGED, 12.5, np.nan


def _note(points: int) -> None:
    log = os.environ.get("TOY_LOG")
    if log:
        with open(log, "a") as out:
            out.write(f"{os.getpid()} {points}\n")
    time.sleep(float(os.environ.get("TOY_SLEEP", "0")))


TOY = LIF()
ENGINE = "toy_engines:TOY"
