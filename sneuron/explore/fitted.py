"""What a fit found: its best points, its front, all its evaluations, and what they predict."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace
from typing import Any

import numpy as np
import numpy.typing as npt
import xarray as xr

from sneuron import errors, labels
from sneuron.explore.calibration import ranked, recovered
from sneuron.explore.cells import CURRENT, chosen, sweeps_of
from sneuron.explore.designs import Design
from sneuron.explore.diagnosis import LOSS, PLACES, diagnosed, unit_of
from sneuron.explore.engine import run_of
from sneuron.explore.objectives import losses_of
from sneuron.explore.region import good_region
from sneuron.explore.scores import scored
from sneuron.explore.search import MISFIT, Search
from sneuron.explore.study import Study
from sneuron.labels import POINT
from sneuron.lang.model import Model, load_model
from sneuron.lang.variants import with_values

__all__ = ["Fit"]

GENERATION = "generation"

Floats = npt.NDArray[np.float64]


@dataclass
class Fit:
    """What `FitModel` found; the study behind it holds every evaluation.

    Parameters
    ----------
    search : Search
        The search and its study.
    base : Model
        The model that was fitted.
    cell : Dataset or None
        The recording, all sweeps of it.
    split : tuple of two lists
        Numbers of the sweeps that were fitted and of those held out.
    call : dict
        Arguments of `FitModel`, but for the data.
    """

    search: Search
    base: Model
    cell: xr.Dataset | None
    split: tuple[list[int], list[int]]
    call: dict[str, Any]

    def __repr__(self) -> str:
        best = self.best
        names = ", ".join(f"{n} {float(best[n]):.5g}" for n in self.params)
        done = self.search.done * self.search.setting.batch
        how = f"{self.base.name} by {self.search.method.name}"
        return f"<Fit of {how}: loss {float(best[LOSS]):.5g} at {names}; {done:,} evaluations>"

    @property
    def study(self) -> Study:
        """The study, with room for more evaluations."""
        return self.search.study

    @property
    def design(self) -> Design:
        """What was searched."""
        return self.search.design

    @property
    def evals(self) -> xr.Dataset:
        """Every evaluation: outputs and losses, dim `point`; parameters, `generation` and `start` are coordinates."""
        size = self.search.setting.batch
        data = self.study.open_data(None).isel({labels.POINT: slice(self.search.done * size)}).load()
        if self.search.method.slopes:
            loss = data[f"{MISFIT}_loss"]
            total = loss.mean([d for d in loss.dims if d != POINT], skipna=False).fillna(np.inf).values
            made = {LOSS: (POINT, total, _told("mean square misfit"))}
        else:
            each = losses_of(self.search.terms, data)
            made = {LOSS: (POINT, each.sum(axis=1), _told("what was made small"))}
            names = [t.name for t in self.search.terms]
            if len(names) > 1:
                made |= {f"{LOSS}_{n}": (POINT, each[:, k], _told(f"loss by {n}")) for k, n in enumerate(names)}
        generation = np.arange(data.sizes[POINT]) // size
        return data.assign(made).assign_coords({GENERATION: (POINT, generation, _told("number of the batch"))})

    @property
    def best(self) -> xr.Dataset:
        """The evaluation with the smallest loss; the earliest of equals."""
        found = self.evals
        return found.isel({POINT: int(np.argmin(found[LOSS].values))})

    @property
    def front(self) -> xr.Dataset:
        """Evaluations that none betters in all terms at once, in the order of the first term."""
        found = self.evals
        names = [f"{LOSS}_{t.name}" for t in self.search.terms] if len(self.search.terms) > 1 else [LOSS]
        each = np.stack([found[n].values for n in names], axis=1)
        good = np.flatnonzero(np.isfinite(each).all(1))
        return found.isel({POINT: good[_first(each[good])]})

    @property
    def params(self) -> dict[str, float]:
        """The best values of the parameters that were searched, and of those that follow or are fixed."""
        best = self.best
        return {n: float(best[n]) for n in self.study.plan.space.names}

    @property
    def model(self) -> Model:
        """The model with the best parameters in the place of its own: for `ExportJSON`, `InitNeu`, `ParamSweep`."""
        values = {n: v for n, v in self.params.items() if n != "I"}
        own = f"fitted by sneuron, method {self.search.method.name}, study {self.study.hash[:16]}"
        return load_model(with_values(self.base.spec, values, own))

    def predict(self, params: Mapping[str, float] | None = None, sweeps: Any = None) -> xr.Dataset:
        """The best model (or another) under the stimulus of every sweep, also those that were held out.

        Parameters
        ----------
        params : mapping, optional
            Other values of parameters; those that are not named keep their best, or follow.
        sweeps : list of int, optional
            Which sweeps; all when omitted.

        Returns
        -------
        Dataset
            `v` (mV), `spike_time` (ms), `spike_count`; a copy of what was recorded is `self.cell`.
        """
        return self.run(self._whole(params or {}), sweeps, record=["v"])

    def _whole(self, params: Mapping[str, float]) -> dict[str, float]:
        """Given values, beside them the best and the fixed ones, and what follows from these."""
        space = self.study.plan.space
        follow = [n for n, _ in space.derived if n not in params]
        given = {**{n: v for n, v in self.params.items() if n not in follow}, **params}
        at = replace(space, axes=(), fixed=tuple(given.items()))
        return {**given, **{n: float(at.values(n, {})) for n in follow}}

    def scores(self, delta: Any = 4.0) -> xr.Dataset:
        """How well the best model predicts every sweep, beside baselines; `attrs["verdict"]` says it in words.

        See `sneuron.explore.scores.scored`.

        Raises
        ------
        DataError
            Without recorded spikes.
        """
        if self.cell is None:
            raise errors.DataError("Fit.scores", "there is no recording to compare with", mend="Fit to data.")
        return scored(self.cell, self.predict(), self.split, delta)

    def diagnostics(self) -> xr.Dataset:
        """Convergence of each search, profiles, sloppy directions, ends of ranges that were hit.

        Each parameter by itself is moved over its range, 24 runs for each; all else is told by the evaluations.

        See `sneuron.explore.diagnosis.diagnosed`; `attrs["verdict"]` says it in words.
        """
        data = self.evals
        here = data.isel({POINT: [int(np.argmin(data[LOSS].values))]})
        best = unit_of(self.design, here)
        curve = self.search.told(best, here).curvatures
        unit = np.repeat(best, best.size * len(PLACES), axis=0)
        for k in range(best.size):
            unit[k * len(PLACES) : (k + 1) * len(PLACES), k] = PLACES
        slices = self.search.told(unit, self.search.evaluated(unit)).total.reshape(best.size, -1)
        return diagnosed(self.design, data, slices, None if curve is None else curve[0])

    def scattered(self, n: int = 4096, store: Any = None) -> xr.Dataset:
        """Evaluations that are spread evenly over the ranges: those of the fit, or `n` more in a study of their own.

        Raises
        ------
        PlanError
            Method "gradient", whose loss is no output of other methods.
        """
        if self.search.method.slopes:
            mend = "Fit by method 'sobol', with objective='trace_error' or another."
            raise errors.PlanError("Fit.scattered", f"method {self.search.method.name!r} has no terms", mend=mend)
        if self.search.method.name in ("sobol", "random"):
            return self.evals
        own = {"method": "sobol", "budget": n, "store": store, "starts": None, "options": None, "target": None}
        return self.again(self.cell, **own).evals

    def region(self, level: float, n: int = 4096, store: Any = None, points: xr.Dataset | None = None) -> xr.Dataset:
        """The set of points of which no term of the loss is more than `level`: volume, components, correlations.

        Parameters
        ----------
        level : float
            What is good enough, of each term.
        n : int, default 4096
            Points that are spread evenly over the ranges for it, where those of the fit are not.
        store : path, optional
            Folder of their study; a temporary one when omitted.
        points : Dataset, optional
            What `scattered` gave, where that is at hand.

        See `sneuron.explore.region.good_region`.
        """
        data = self.scattered(n, store) if points is None else points
        names = [f"{LOSS}_{t.name}" for t in self.search.terms] if len(self.search.terms) > 1 else [LOSS]
        return good_region(self.design, data, np.stack([data[n].values for n in names]).max(0), level)

    def posterior(self) -> xr.Dataset:
        """Samples of the posterior, dim `point`: parameters, and the `weight` of each.

        Of method "abc" the particles of the last round, with their outputs; `attrs["distance"]` is its limit. Of
        method "npe" draws of the density that the network learnt, with the logarithm of it (`log_density`).

        Raises
        ------
        PlanError
            Another method, or no round that was ended.
        """
        found = getattr(self.search.optimiser, "posterior", None)
        if found is None:
            mend = "Fit by method 'abc' or 'npe', or with a larger budget."
            raise errors.PlanError("Fit.posterior", f"method {self.search.method.name!r} has ended no round", mend=mend)
        told = {"weight": (POINT, found.weight, _told("weight of the sample"))}
        if found.rows is not None:
            data = self.evals.isel({POINT: found.rows}).assign(told)
            return data.assign_attrs(distance=float(found.limit))
        coords = {n: (POINT, v) for n, v in self.search.values(found.unit).items()}
        told["log_density"] = (POINT, found.density, _told("logarithm of the density in the unit cube of the prior"))
        return xr.Dataset(told, coords)

    def recovery(self, n: int = 16, seed: int = 0, **changes: Any) -> xr.Dataset:
        """Fits to synthetic cells of known parameters: which parameters such data tell, and how exactly.

        Parameters
        ----------
        n, seed : int
            How many cells, and the key of their parameters.
        **changes
            Arguments of `FitModel` that shall be others (`budget=2000`).

        See `sneuron.explore.calibration.recovered`.

        Raises
        ------
        DataError
            Without a recording: goals that are given do not follow the synthetic cells.
        """
        if self.cell is None:
            mend = "Fit to data that the model makes, such as fit.synthetic(fit.params)."
            raise errors.DataError("Fit.recovery", "the goals of this fit come from no recording", mend=mend)

        def again(truth: dict[str, float], number: int) -> dict[str, float]:
            found = self.again(self.synthetic(truth), **{"store": None, "seed": number, **changes})
            best = found.best
            return {**{name: float(best[name]) for name in truth}, LOSS: float(best[LOSS])}

        return recovered(self.design, again, n, seed)

    def calibrate(self, n: int = 1000, draws: int = 100, tolerance: float = 1.0, points: int = 20_000) -> xr.Dataset:
        """Ranks of known truths within their posteriors, which are uniform where posteriors can be believed.

        See `sneuron.explore.calibration.ranked`; `points` are the evaluations spread over the ranges for it.
        """
        data = self.scattered(points)
        return ranked(self.design, self.search.terms, data, n, draws, tolerance, self.search.setting.seed)

    def synthetic(self, params: Mapping[str, float]) -> xr.Dataset:
        """A recording that the model itself makes with given parameters, under all stimuli of the fit."""
        run = self.predict(params)
        sample = self.cell if self.cell is not None and labels.TIME in self.cell else None
        every = 1 if sample is None else round(float(sample.time[1] - sample.time[0]) / self.study.plan.dt)
        made = {"voltage": run["v"].isel({labels.TIME: slice(None, None, max(1, every))})}
        if sample is not None and CURRENT in sample:
            made[CURRENT] = sample[CURRENT]
        return xr.Dataset({**made, labels.SPIKE_TIME: run[labels.SPIKE_TIME]}).drop_vars("status", errors="ignore")

    def again(self, data: Any, **changes: Any) -> Fit:
        """The same fit to other data, or with other arguments of `FitModel`."""
        from sneuron.explore.fit import FitModel

        found: Fit = FitModel(data, **{**self.call, **changes})
        return found

    def run(
        self, params: Mapping[str, Any], sweeps: Any = None, record: Any = (), duration: float | None = None
    ) -> xr.Dataset:
        """The model with given parameters under the stimuli of the fit, for as long (or `duration`, ms)."""
        from sneuron.core.state import InitNeu
        from sneuron.core.stimulus import InjCur, replay
        from sneuron.core.streams import seeded

        plan = replace(self.study.plan, model=self.base.to_json(), every=1)
        if duration is not None:
            plan = replace(plan, steps=max(1, min(plan.steps, round(duration / plan.dt))))
        state = InitNeu({"model": self.base, **dict(params)})
        cell = None if self.cell is None or sweeps is None else chosen(self.cell, sweeps)
        cell = self.cell if cell is None else cell
        stimulus = self.call["stimulus"]
        if stimulus is not None:
            given = stimulus if isinstance(stimulus, list | tuple) else [stimulus]
            dim = sweeps_of(self.cell) if self.cell is not None else None
            for each in given:
                cut = dim and sweeps is not None and dim[0] in getattr(each, "dims", ())
                state = InjCur(state, each.isel({dim[0]: list(sweeps)}) if cut and dim else each)
        elif cell is not None and CURRENT in cell:
            state = InjCur(state, replay(cell[CURRENT]))
        return run_of(plan, seeded(state, plan.seed, plan.common), record=list(record))


def _told(name: str) -> dict[str, str]:
    return {"units": "1", "long_name": name}


def _first(losses: Floats) -> npt.NDArray[np.int64]:
    """The front of many points, in the order of the first loss; equal points once."""
    values, rows = np.unique(losses, axis=0, return_index=True)  # in order: none is bettered by a later one
    front: list[int] = []
    left = np.arange(len(rows))
    while len(left):
        front.append(int(left[0]))
        left = left[(values[left] < values[left[0]]).any(1)]
    return rows[front]
