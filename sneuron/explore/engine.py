"""What a study asks of whatever simulates its points, and the engine of this package: `InitNeu`, `InjCur`, `RunSim`.

A plan names its engine as "module:object". Anything with the five methods of `Engine` will do, so that a test may
put a toy, a slow or a crashing one in its place and still go through the very same runner.
"""

from __future__ import annotations

import importlib
import math
import time
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any, Protocol, cast

import numpy as np
import numpy.typing as npt
import xarray as xr

from sneuron import errors, labels
from sneuron.explore.space import Known
from sneuron.lang.model import load_model
from sneuron.lang.spec import Param

if TYPE_CHECKING:
    from sneuron.explore.plan import Plan

__all__ = ["NEURONS", "Engine", "Facts", "Job", "Layout", "engine_named"]

Arrays = dict[str, npt.NDArray[Any]]
_STEPS_PER_SECOND = 2e7
_PROBE_STEPS = 2_000_000


@dataclass(frozen=True)
class Facts:
    """A model as a plan keeps it.

    Parameters
    ----------
    text : str
        Canonical JSON of the model.
    name, hash : str
        Its name and sha256.
    known : Known
        What may be swept.
    dt, method : float, str
        Used when none is asked for (ms).
    """

    text: str
    name: str
    hash: str
    known: Known
    dt: float
    method: str


@dataclass(frozen=True)
class Layout:
    """The arrays that an engine gives for each point.

    Parameters
    ----------
    variables : mapping of str to (dims, dtype, attrs)
        Inner dims only; `status` is among them.
    sizes : mapping of str to int
        Lengths of the inner dims.
    coords : mapping of str to xr.Variable
        Coordinates of the inner dims.
    """

    variables: Mapping[str, tuple[tuple[str, ...], str, Mapping[str, Any]]]
    sizes: Mapping[str, int] = field(default_factory=dict)
    coords: Mapping[str, xr.Variable] = field(default_factory=dict)


@dataclass(frozen=True)
class Job:
    """Points to simulate: the plan, and for each point its parameters, repeat and content key."""

    plan: Plan
    params: Mapping[str, npt.NDArray[np.float64]]
    repeat: npt.NDArray[np.int64]
    keys: npt.NDArray[np.uint64]

    def __len__(self) -> int:
        return len(self.repeat)


class Engine(Protocol):
    """What simulates points."""

    def facts(self, model: Any) -> Facts:
        """The model, checked."""

    def layout(self, plan: Plan) -> Layout:
        """The arrays of the plan; refuses outputs that cannot be."""

    def seconds(self, plan: Plan) -> float:
        """CPU seconds a point; compiles what must be compiled, once, before work is handed out."""

    def memory(self, plan: Plan) -> float:
        """Bytes a point while it is simulated, its results not counted."""

    def simulate(self, job: Job) -> Mapping[str, npt.NDArray[Any]]:
        """Every array of the layout, points first."""


def engine_named(name: str) -> Engine:
    """The engine that "module:object" names."""
    module, _, attribute = name.partition(":")
    try:
        found = importlib.import_module(module)
        for part in attribute.split("."):
            found = getattr(found, part)
    except (ImportError, AttributeError) as cause:
        raise errors.PlanError("engine", f"{name!r} cannot be imported: {cause}") from cause
    return cast("Engine", found)  # a protocol: checked by use


class Neurons:
    """The engine of this package: point neurons through the fused kernel."""

    def facts(self, model: Any) -> Facts:
        """The model of that name, JSON text, file or description."""
        found = load_model(model)
        states = {n: Param(math.nan, s.unit, s.low, s.high) for n, s in found.states.items()}
        known = Known({**states, **found.params}, found.aliases, found.name)
        return Facts(found.to_json(), found.name, found.hash, known, found.dt, found.method)

    def layout(self, plan: Plan) -> Layout:
        """Dims, dtypes and units as they come out of one step of one neuron, measured over the whole window."""
        _refuse_repeats(plan)
        steps = plan.steps if plan.functions else min(1, plan.steps)
        given = self._given(_usual(plan, 1), steps)
        variables = {n: (tuple(str(d) for d in v.dims[1:]), v.dtype.name, dict(v.attrs)) for n, v in given.items()}
        coords = {str(n): c.variable for v in given.values() for n, c in v.coords.items() if labels.POINT not in c.dims}
        sizes = {str(d): n for v in given.values() for d, n in v.sizes.items() if d != labels.POINT}
        if plan.record:
            sizes[labels.TIME] = plan.steps // plan.every + 1
            times = np.arange(sizes[labels.TIME]) * (plan.every * plan.dt)
            coords[labels.TIME] = xr.Variable(labels.TIME, times, {"units": "ms", "long_name": "time"})
        inner = {n: c for n, c in coords.items() if set(c.dims) <= set(sizes)}
        return Layout(variables, sizes, inner)

    def seconds(self, plan: Plan) -> float:
        """Measured on a few points at the model's own values."""
        many = int(np.clip(_PROBE_STEPS // max(1, plan.steps * plan.trains), 64, 1024))
        if plan.steps * plan.trains * many > 8 * _PROBE_STEPS:
            return plan.steps * plan.trains / _STEPS_PER_SECOND
        job = _usual(plan, many)
        self.simulate(_usual(plan, 1))
        start = time.process_time()
        self.simulate(job)
        return max((time.process_time() - start) / many, 1e-9)

    def memory(self, plan: Plan) -> float:
        """States, parameters, spike buffers and padded trains."""
        spikes = 128 + plan.duration / 2.0
        return 8.0 * plan.trains * (2 * len(plan.space.names) + 64 + 2 * spikes)

    def simulate(self, job: Job) -> Arrays:
        """Every array of the layout, points first."""
        given = self._given(job, job.plan.steps)
        return {name: np.ascontiguousarray(array.values) for name, array in given.items()}

    def _given(self, job: Job, steps: int) -> dict[str, xr.DataArray]:
        """Run the points and measure them."""
        from sneuron.core.run import RunSim

        plan = job.plan
        run = RunSim(
            _state(job), steps * plan.dt, plan.dt, plan.method, record=plan.record, every=plan.every,
            features=plan.features, dtype=plan.dtype, allow_unstable=plan.allow_unstable, spikes=plan.needs_spikes,
        )  # fmt: skip
        if steps < plan.steps and labels.SPIKE_TIME in run:
            run[labels.SPIKE_TIME].attrs["t_stop"] = plan.steps * plan.dt
        found = _kept(run, plan)
        for output in plan.outputs:
            found |= output.applied(run)
        stimulated = [d for d in run[labels.SPIKE_COUNT].dims if d != labels.POINT]
        return {name: _ordered(array, len(job), stimulated) for name, array in found.items()}


NEURONS = Neurons()


def _usual(plan: Plan, many: int) -> Job:
    """Points at the values that the model itself has."""
    zeros = np.zeros(many, np.int64)
    return Job(plan, {}, zeros, np.arange(many, dtype=np.uint64))


def _state(job: Job) -> xr.Dataset:
    from sneuron.core.state import InitNeu
    from sneuron.core.stimulus import InjCur

    model = load_model(job.plan.model)
    params = dict(job.params) or {"I": np.full(len(job), model.params["I"].value)}
    state = InitNeu({"model": model, **{n: xr.DataArray(v, dims=labels.POINT) for n, v in params.items()}})
    for stimulus in job.plan.stimuli:
        state = InjCur(state, _redrawn(stimulus, job))
    return state


def _redrawn(stimulus: Any, job: Job) -> Any:
    """Noise drawn anew for each point and repeat; other stimuli as they are."""
    if job.plan.space.repeats is None or getattr(stimulus, "attrs", {}).get("kind") != "noise":
        return stimulus
    from sneuron.core.stimulus import noise

    own = {n: stimulus[n] for n in ("mean", "std") if n in stimulus}
    start, stop = float(stimulus["start"]), float(stimulus["stop"].max())
    seeds = xr.DataArray(job.keys, dims=labels.POINT)
    return noise(**own, start=start, stop=stop, tau=stimulus.attrs["tau"], seed=seeds)


def _refuse_repeats(plan: Plan) -> None:
    noisy = any(getattr(s, "attrs", {}).get("kind") == "noise" for s in plan.stimuli)
    if plan.space.repeats is not None and not noisy:
        raise errors.PlanError(
            "repeats",
            "nothing in this study is random, so that all repeats would be the same",
            mend="Leave repeats out, or inject noise().",
        )


def _kept(run: xr.Dataset, plan: Plan) -> dict[str, xr.DataArray]:
    names = [labels.STATUS, labels.FIRST_BAD, labels.SPIKE_COUNT, *plan.record]
    return {name: run[name] for name in names}


def _ordered(array: xr.DataArray, many: int, stimulated: list[Any]) -> xr.DataArray:
    """Dims in the house's order: points, stimuli, then what the measure adds."""
    if labels.POINT not in array.dims:
        array = array.expand_dims({labels.POINT: many})
    return array.transpose(labels.POINT, *[d for d in stimulated if d in array.dims], ...)
