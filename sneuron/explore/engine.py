"""What a study asks of whatever simulates its points, and the engine of this package: `InitNeu`, `InjCur`, `RunSim`.

A plan names its engine as "module:object". Anything with the five methods of `Engine` will do, so that a test may
put a toy, a slow or a crashing one in its place and still go through the very same runner.
"""

from __future__ import annotations

import functools
import importlib
import math
import re
import time
from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from typing import TYPE_CHECKING, Any, Protocol, cast

import numpy as np
import numpy.typing as npt
import xarray as xr

from sneuron import errors, labels
from sneuron.explore.convergence import difference, finer, layout_of_errors
from sneuron.explore.space import Known
from sneuron.lang.keys import point_keys
from sneuron.lang.model import Model, load_model
from sneuron.lang.program import recordable
from sneuron.lang.spec import Param

if TYPE_CHECKING:
    from sneuron.explore.plan import Plan

__all__ = ["NEURONS", "Engine", "Facts", "Job", "Layout", "engine_named", "laid_out", "ordered", "run_of"]

Arrays = dict[str, npt.NDArray[Any]]
_CHEAP, _COSTLY = 3e-9, 1.5e-9
_CALL = re.compile(r"\b(?:exp|log|sqrt|tanh|sin|cos|exprel|expm1|log1p|sigmoid|pow)\(")
_PROBE_STEPS = 5_000_000


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
    offers : tuple of str
        What can be recorded, and made a feature of.
    noisy : bool
        Whether its runs draw random numbers.
    stimuli, duration : tuple, float
        The model's own protocol (ms); 0 when it has none.
    neuron : str
        Canonical JSON of the neuron whose variables are recorded; that of the model when empty.
    """

    text: str
    name: str
    hash: str
    known: Known
    dt: float
    method: str
    offers: tuple[str, ...] = ()
    noisy: bool = False
    stimuli: tuple[Any, ...] = ()
    duration: float = 0.0
    neuron: str = ""


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
    """Points to simulate: the plan, and for each point its parameters and repeat."""

    plan: Plan
    params: Mapping[str, npt.NDArray[np.float64]]
    repeat: npt.NDArray[np.int64]

    @functools.cached_property
    def keys(self) -> npt.NDArray[np.uint64]:
        """The key of each point's random numbers, from its content and the seed of the study."""
        return point_keys(self.params, self.repeat, self.plan.seed)

    def __len__(self) -> int:
        return len(self.repeat)


class Engine(Protocol):
    """What simulates points."""

    def facts(self, model: Any) -> Facts:
        """The model, checked."""

    def layout(self, plan: Plan) -> Layout:
        """The arrays of the plan; refuses outputs that cannot be."""

    def seconds(self, plan: Plan, measure: bool = False) -> float:
        """CPU seconds a point: guessed at once, or measured, which compiles once what must be compiled."""

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
    """The engine of this package: point neurons through the fused kernel, which lets other threads run."""

    threads = refines = settles = True

    def __init__(self) -> None:
        self._measured: dict[str, float] = {}

    def facts(self, model: Any) -> Facts:
        """The model of that name, JSON text, file or description."""
        found = load_model(model)
        states = {n: Param(math.nan, s.unit, s.low, s.high) for n, s in found.states.items()}
        known = Known({**states, **found.params}, found.aliases, found.name)
        stimuli, duration = _protocol(found)
        offers = recordable(found)
        own = (found.to_json(), found.name, found.hash, known, found.dt, found.method)
        return Facts(*own, offers, found.noisy, stimuli, duration)

    def layout(self, plan: Plan) -> Layout:
        """Dims, dtypes and units, as the outputs make them of a run in which nothing happens; nothing is compiled."""
        _refuse_repeats(plan)
        try:
            given = _results(_silent_run(plan), plan, 1)
        except errors.SneuronError:
            raise
        except Exception as cause:
            text = f"fail on a run in which nothing happens: {type(cause).__name__}: {cause}"
            raise errors.PlanError("outputs", text, mend="Let them give NaN there.") from cause
        found = laid_out(given)
        return layout_of_errors(found, plan.rtol is not None) if plan.checked else found

    def seconds(self, plan: Plan, measure: bool = False) -> float:
        """Guessed from the equations, or measured on a few points at the model's own values."""
        steps = max(1, (plan.steps + plan.settled) * plan.trains) * (3 if plan.checked else 1)
        many = int(np.clip(_PROBE_STEPS // steps, 256, 1024))
        if not measure or steps * many > 8 * _PROBE_STEPS:
            return steps * _step_cost(plan.model)
        key = f"{plan.hash} {plan.checked}"
        if key not in self._measured:
            self.simulate(_usual(plan, 1))
            start = time.process_time()
            self.simulate(_usual(plan, many))
            self._measured[key] = max((time.process_time() - start) / many, 1e-9)
        return self._measured[key]

    def memory(self, plan: Plan) -> float:
        """States, parameters, spike buffers and padded trains."""
        spikes = 128 + plan.duration / 2.0
        traces = 3 * len(plan.traces) * (plan.steps // plan.every + 1)
        return 8.0 * plan.trains * (2 * len(plan.space.names) + 64 + 2 * spikes + traces)

    def simulate(self, job: Job) -> Arrays:
        """Every array of the layout, points first."""
        plan = job.plan
        if plan.checked:
            coarse, fine = (self.simulate(replace(job, plan=p)) for p in (replace(plan, checked=False), finer(plan)))
            return difference(coarse, fine, self.layout(plan))
        run = run_of(plan, _state(job), record=plan.traces, features=plan.features, spikes=plan.needs_spikes)
        return {name: np.ascontiguousarray(a.values) for name, a in _results(run, plan, len(job)).items()}


NEURONS = Neurons()


def run_of(plan: Plan, state: xr.Dataset, **kept: Any) -> xr.Dataset:
    """Neurons run as long as a plan says; of the time in which they settle nothing is kept but who failed in it.

    Parameters
    ----------
    plan : Plan
        Says how long, by which steps.
    state : Dataset
        Where they begin.
    **kept
        `record`, `features`, `spikes`, `weights_every` of `RunSim`.
    """
    from sneuron.core.run import RunSim

    how: dict[str, Any] = {"method": plan.method, "dtype": plan.dtype, "allow_unstable": plan.allow_unstable}
    how |= {"rtol": plan.rtol, "atol": dict(plan.atol) or None}
    if not plan.settled:
        return cast("xr.Dataset", RunSim(state, plan.duration, plan.dt, every=plan.every, **kept, **how))
    before = {**kept, "spikes": False, "every": plan.settled, "return_state": True}  # by the same kernel
    before.pop("weights_every", None)
    early, state = RunSim(state, plan.settled * plan.dt, plan.dt, **before, **how)
    run: xr.Dataset = RunSim(state, plan.duration, plan.dt, every=plan.every, **kept, **how)
    well = early[labels.STATUS] == labels.Status.OK
    status, attrs = run[labels.STATUS].where(well, early[labels.STATUS]), run[labels.STATUS].attrs
    bad = run[labels.FIRST_BAD].where(well, early[labels.FIRST_BAD])
    return run.assign({labels.FIRST_BAD: bad}).assign_coords({labels.STATUS: status.assign_attrs(attrs)})


def laid_out(results: Mapping[str, xr.DataArray]) -> Layout:
    """Dims, dtypes, units and coordinates as results of one point have them."""
    variables = {n: (tuple(str(d) for d in v.dims[1:]), v.dtype.name, dict(v.attrs)) for n, v in results.items()}
    coords: dict[str, xr.Variable] = {}
    sizes: dict[str, int] = {}
    for name, array in results.items():
        for d in (str(d) for d in array.dims if d != labels.POINT):
            _refuse_other(name, d, sizes.setdefault(d, array.sizes[d]) == array.sizes[d])
        for n, c in array.coords.items():
            if labels.POINT not in c.dims:
                held: Any = coords.setdefault(str(n), c.variable)
                _refuse_other(name, str(n), held.equals(c.variable))
    return Layout(variables, sizes, {n: c for n, c in coords.items() if set(c.dims) <= set(sizes)})


def _protocol(model: Model) -> tuple[tuple[Any, ...], float]:
    """Stimuli and duration of a model that has a protocol."""
    from sneuron.core.stimulus import protocol

    stimuli, duration = protocol(model) if model.protocol.duration else ([], 0.0)
    return tuple(stimuli), duration


def _refuse_other(name: str, dim: str, same: bool) -> None:
    """Outputs that share a dim have the same values along it."""
    if not same:
        what = f"{name!r} has other values along {dim!r} than an output before it"
        raise errors.PlanError("outputs", what, mend="Give both the same, or make two studies.")


def _usual(plan: Plan, many: int) -> Job:
    """Points at the values that the model itself has."""
    return Job(plan, {}, np.arange(many))


def _state(job: Job) -> xr.Dataset:
    from sneuron.core.state import InitNeu

    model = load_model(job.plan.model)
    params = dict(job.params) or {"I": np.full(len(job), model.params["I"].value)}
    state = InitNeu({"model": model, **{n: xr.DataArray(v, dims=labels.POINT) for n, v in params.items()}})
    for stimulus in job.plan.stimuli:
        from sneuron.core.stimulus import InjCur

        state = InjCur(state, _redrawn(stimulus, job))
    return _seeded(state, job) if model.noisy else state


def _seeded(state: xr.Dataset, job: Job) -> xr.Dataset:
    """Points whose noise is that of the study's seed and of their repeat."""
    from sneuron.core.streams import seeded

    own = seeded(state, job.plan.seed, job.plan.common, where="ParamSweep")
    return own.assign({labels.REPEAT: (labels.POINT, job.repeat)})


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
    if plan.space.repeats is not None and not (noisy or plan.noisy):
        raise errors.PlanError(
            "repeats",
            "nothing in this study is random, so that all repeats would be the same",
            mend="Leave repeats out, inject noise(), or give the model noise by NoiseAdd.",
        )


def _results(run: xr.Dataset, plan: Plan, many: int) -> dict[str, xr.DataArray]:
    """What is kept of a run; there is always room for a spike, so that one may look for the first."""
    if run.sizes.get(labels.SPIKE) == 0:
        times = run[labels.SPIKE_TIME]
        empty = np.full((*times.shape[:-1], 1), np.nan)
        run = run.drop_dims(labels.SPIKE).assign({labels.SPIKE_TIME: (times.dims, empty, times.attrs)})
    found = {n: run[n] for n in (labels.STATUS, labels.FIRST_BAD, labels.SPIKE_COUNT, *plan.record)}
    for output in plan.outputs:
        found |= output.applied(run)
    stimulated = [d for d in run[labels.SPIKE_COUNT].dims if d != labels.POINT]
    return {name: ordered(array, many, stimulated) for name, array in found.items()}


def _silent_run(plan: Plan) -> xr.Dataset:
    """What `RunSim` would give for one point in which nothing happens."""
    from sneuron.core.state import state_dims

    state, model = _state(_usual(plan, 1)), load_model(plan.model)
    sizes = {labels.POINT: 1, **{d: n for d, n in state_dims(state).items() if d != labels.POINT}}
    zero = xr.DataArray(np.zeros(tuple(sizes.values())), dims=tuple(sizes))
    window = plan.window
    made = {
        labels.SPIKE_COUNT: _named(zero, "1", "number of spikes"),
        labels.FIRST_BAD: _named(zero * np.nan, "ms", "when the neuron failed"),
        labels.SPIKE_TIME: _named(zero.expand_dims({labels.SPIKE: 0}, axis=-1), "ms", "spike time").assign_attrs(
            window
        ),
    }
    for feature in plan.features:
        stem, _, kind = feature.rpartition("_")
        made[feature] = _named(zero, model.unit_of(stem), f"{kind} of {stem}")
    times = window["t_start"] + np.arange(plan.steps // plan.every + 1) * (plan.every * plan.dt)
    for name in plan.traces:
        flat = np.broadcast_to(np.zeros((), plan.dtype), (*sizes.values(), len(times)))
        trace = xr.DataArray(flat, dims=(*sizes, labels.TIME), coords={labels.TIME: times})
        trace[labels.TIME].attrs.update(units="ms", long_name="time")
        made[name] = _named(trace, model.unit_of(name), model.meaning_of(name))
    status = (zero + int(labels.Status.OK)).astype(np.uint8).assign_attrs(labels.status_attrs())
    run = xr.Dataset(made, coords=_stimulus_coords(state, sizes), attrs={"model": plan.model, **window})
    return run.assign_coords({labels.STATUS: status})


def _named(array: xr.DataArray, units: str, name: str) -> xr.DataArray:
    return array.assign_attrs(units=units, long_name=name)


def _stimulus_coords(state: xr.Dataset, sizes: Mapping[str, int]) -> dict[str, xr.DataArray]:
    """Coordinates of the dims of the stimuli, and what varies along them."""
    coords = {str(k): c for k, c in state.coords.items() if set(c.dims) <= set(sizes)}
    inputs = [str(n) for n, v in state.data_vars.items() if v.attrs.get("role") == "input" and v.ndim]
    return coords | {n: state[n] for n in inputs if set(state[n].dims) <= set(sizes) and n not in coords}


@functools.cache
def _step_cost(model: str) -> float:
    """CPU seconds that a step of a neuron takes, by the functions in its equations; right within a few times."""
    return _CHEAP + _COSTLY * len(_CALL.findall(model))


def ordered(array: xr.DataArray, many: int, stimulated: list[Any]) -> xr.DataArray:
    """Dims in the house's order: points, stimuli, then what the measure adds."""
    if labels.POINT not in array.dims:
        array = array.expand_dims({labels.POINT: many})
    return array.transpose(labels.POINT, *[d for d in stimulated if d in array.dims], ...)
