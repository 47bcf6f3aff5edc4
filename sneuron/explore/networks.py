"""The engine of networks: each point is a network of its own, built in the block that runs it.

Points whose graphs are the same share one; whatever they share, a point's results are those of `RunSim` of that network
alone. Repeat k of a study with seed s is the network of `BuildNet(..., seed=s + k)`.
"""

from __future__ import annotations

import functools
import time
from collections.abc import Iterator, Mapping
from dataclasses import replace
from typing import Any

import numpy as np
import numpy.typing as npt
import xarray as xr

from sneuron import errors, labels
from sneuron.core.graph.wiring import POPULATION, expected
from sneuron.explore.asked import asks
from sneuron.explore.engine import Facts, Job, Layout, laid_out, ordered, run_of
from sneuron.explore.netknown import known_of, network_of, whole_of
from sneuron.explore.plan import Plan
from sneuron.explore.space import Points
from sneuron.lang.model import Model, load_model
from sneuron.lang.netparams import resolved
from sneuron.lang.network import POISSON, hash_of, load_network, text_of
from sneuron.lang.program import recordable
from sneuron.lang.spec import Network

__all__ = ["NETWORKS", "Networks"]

Arrays = dict[str, npt.NDArray[Any]]
_BUILD, _BUILT, _STEP, _REACH, _RATE = 5e-8, 0.03, 2e-9, 1.2e-9, 0.04
"""CPU seconds that a synapse takes to be drawn, a network besides, a neuron a step, a spike a synapse; spikes a ms."""
_PROBE, _LOOKED = 50.0, 256
"""How long a network runs to be measured (ms); how many different graphs are looked at before work starts."""
_TOGETHER = 1e6
"""Synapses of small networks that are built together."""
_NEURON, _EVENT = 400.0, 80.0
"""Bytes that a neuron, and a spike, take while a network is run."""


class Networks:
    """Networks of point neurons, one for each point, through the kernel that lets other threads run."""

    threads = settles = True

    def __init__(self) -> None:
        self._measured: dict[str, float] = {}

    def facts(self, model: Any) -> Facts:
        """The network of that name, JSON text, file, description, or as `BuildNet` made it."""
        net = network_of(model)
        first = _neuron(net)
        own = (text_of(net), net.name, hash_of(net), known_of(net), first.dt, first.method, recordable(first))
        return Facts(*own, noisy=True, neuron=first.to_json())

    def layout(self, plan: Plan) -> Layout:
        """Dims, dtypes and units, as the outputs make them of networks in which nothing happens."""
        _refuse(plan)
        _structures(plan)  # each graph that is looked at can be drawn, and its delays are steps
        try:
            given = _results(_silent_run(plan), plan, 1)
        except errors.SneuronError:
            raise
        except Exception as cause:
            text = f"fail on a network in which nothing happens: {type(cause).__name__}: {cause}"
            raise errors.PlanError("outputs", text, mend="Let them give NaN there.") from cause
        return laid_out(given)

    def seconds(self, plan: Plan, measure: bool = False) -> float:
        """Guessed from the numbers of neurons and synapses at 40 Hz, scaled by a short run where that is measured."""
        guesses = [_guess(plan, n, s, plan.settled + plan.steps) for n, s, _ in _structures(plan)]
        mean = float(np.mean(guesses))
        if not measure:
            return mean
        if plan.hash not in self._measured:
            self._measured[plan.hash] = _probed(plan)
        return mean * self._measured[plan.hash]

    def memory(self, plan: Plan) -> float:
        """Bytes a point besides its graph, of the largest: neurons, and their spikes at most at 200 Hz."""
        spikes = 0.2 * plan.duration * plan.needs_spikes
        weights = 2 * 8 * plan.duration / _often(plan) if _often(plan) else 0.0
        return max(n * (_NEURON + spikes * _EVENT) + s * weights for n, s, _ in _structures(plan))

    def shared(self, plan: Plan) -> float:
        """Bytes of the largest graph while it is drawn: a block holds one at a time."""
        return max(need for _, _, need in _structures(plan))

    def simulate(self, job: Job) -> Arrays:
        """Every array of the layout, points first."""
        found: Arrays = {}
        for index, state in _built(job):
            kept: dict[str, Any] = {"features": job.plan.features, "spikes": job.plan.needs_spikes}
            kept |= {"weights_every": _often(job.plan)} if _often(job.plan) else {}
            part = _results(run_of(job.plan, state, **kept), job.plan, len(index))
            for name, array in part.items():
                if name not in found:
                    found[name] = np.zeros((len(job), *array.shape[1:]), array.dtype)
                found[name][index] = array.values
        return found


NETWORKS = Networks()


# -- building --------------------------------------------------------------------------------------


@functools.lru_cache(maxsize=8)
def _network(text: str) -> Network:
    return load_network(text)


def _neuron(net: Network) -> Model:
    return load_model(next(p for p in net.populations.values() if p.model != POISSON).model)


def _built(job: Job) -> Iterator[tuple[npt.NDArray[np.int64], xr.Dataset]]:
    """Networks that are built together, with the numbers of their points: they share a graph, or are small."""
    from sneuron.core.assembly import BuildNet

    net, plan = _network(job.plan.model), job.plan
    changes, structure = _split(net, dict(job.params), len(job))
    how: dict[str, Any] = {"dt": plan.dt, "quantise": _drawn_delays(net), "dtype": plan.dtype}
    seeds = np.array([(plan.seed + int(r)) % 2**64 for r in job.repeat], np.uint64)
    for index, one in _groups(job, net, changes, structure):
        own: dict[str, Any] = {n: xr.DataArray(v[index], dims=labels.POINT) for n, v in changes.items()}
        seed: Any = xr.DataArray(seeds[index], dims=labels.POINT)
        if one:
            own |= {n: float(own[n][0]) for n in structure}
            seed = int(seed[0])
        own |= {n: float(own[n][0]) for n in structure if n.endswith(".size") and not one}
        yield index, BuildNet(net, seed, own, **how)


def _groups(
    job: Job, net: Network, changes: Mapping[str, npt.NDArray[np.float64]], structure: list[str]
) -> Iterator[tuple[npt.NDArray[np.int64], bool]]:
    """Numbers of points of one graph; or of small networks of equal sizes that have graphs of their own."""
    sizes = [n for n in structure if n.endswith(".size")]
    rest = [n for n in structure if n not in sizes]
    for alike in _equal(np.stack([np.zeros(len(job)), *(changes[n] for n in sizes)], axis=-1)):
        graphs = np.stack([job.repeat[alike].astype(np.float64), *(changes[n][alike] for n in rest)], axis=-1)
        own = [alike[k] for k in _equal(graphs)]
        synapses = max(_structure(net, job.plan, {n: float(changes[n][k[0]]) for n in structure})[1] for k in own)
        many = max(1, int(_TOGETHER / max(1.0, synapses)))
        if len(own) == 1 or many == 1:
            yield from ((index, True) for index in own)
        else:
            every = np.concatenate(own)
            yield from ((every[k : k + many], False) for k in range(0, len(every), many))


def _equal(rows: npt.NDArray[np.float64]) -> list[npt.NDArray[np.int64]]:
    """The places of equal rows, together."""
    group = np.unique(rows, axis=0, return_inverse=True)[1].reshape(-1)
    return [np.flatnonzero(group == k) for k in range(int(group.max()) + 1)]


def _split(net: Network, params: Mapping[str, Any], many: int) -> tuple[dict[str, npt.NDArray[np.float64]], list[str]]:
    """What is changed, of each point; and which of it decides the graph."""
    labelled = {n: xr.DataArray(v, dims=labels.POINT) for n, v in params.items()}
    found = resolved(net, labelled)
    given = {n for n, v in found.items() if isinstance(v, xr.DataArray)}
    changes = {n: np.broadcast_to(np.asarray(found[n], np.float64), many) for n in given}
    return changes, sorted(n for n in given if _decides(net, n))


def _decides(net: Network, path: str) -> bool:
    """Whether a change is one of the graph: a size, a parameter of a rule."""
    owner, _, own = path.partition(".")
    return own == "size" if owner in net.populations else own.partition(".")[0] not in ("weight", "delay")


def _drawn_delays(net: Network) -> bool:
    """Whether delays are drawn, and so must be rounded to steps."""
    return any(isinstance(p.delay, Mapping) and p.delay.get("law") != "constant" for p in net.projections.values())


# -- before work -----------------------------------------------------------------------------------


def _refuse(plan: Plan) -> None:
    """What networks do not have, and numbers of neurons that are not whole."""
    from sneuron.core.pace import is_pair

    for name, given in (("stimulus", plan.stimulus), ("record", plan.record), ("common", plan.common)):
        if given:
            mend = "Build the network of a point with BuildNet, and run it alone for that."
            raise errors.PlanError(name, "a study of networks does not take it", mend=mend)
    if is_pair(plan.method):
        raise errors.PlanError("method", f"neurons of a network do not choose their steps ({plan.method!r})")
    net, points = _network(plan.model), _some(plan)
    known, whole = known_of(net), whole_of(net)
    for name, values in _split(net, points.params, len(points))[0].items():
        own = known.canonical(name, "ranges")
        known.check(own, float(values.min()), float(values.max()), f"ranges: {name!r}")
        wrong = values[values != np.round(values)] if own in whole else []
        if len(wrong):
            what = f"{float(wrong[0]):g} is not a whole number"
            raise errors.ParameterError(f"ranges: {name!r}", what, mend="Give whole ones.")


def _often(plan: Plan) -> float:
    """The time (ms) between snapshots of weights that outputs look at; 0 where none does."""
    found = {gap for gap in (output.snapshots for output in plan.outputs) if gap is not None}
    if len(found) > 1:
        what = f"outputs look at weights every {' and every '.join(f'{g:g} ms' for g in sorted(found))}"
        raise errors.PlanError("outputs", what, mend="Give all of them one interval.")
    return found.pop() if found else 0.0


def _some(plan: Plan) -> Points:
    """Points that are looked at before work starts: all, or evenly many of many."""
    space, most = plan.space, 4096
    if asks(space):
        return Points({}, np.zeros(1, np.int64), np.ones(1, np.bool_))
    if space.size <= most:
        found = space.points({})
    else:
        found = _together([space.point(int(n)) for n in np.linspace(0, space.size - 1, _LOOKED)])
    kept = np.flatnonzero(found.kept)
    return found.take(kept if len(kept) else np.zeros(1, np.int64))


def _together(found: list[Points]) -> Points:
    params = {n: np.concatenate([p.params[n] for p in found]) for n in found[0].params}
    return Points(params, np.concatenate([p.repeat for p in found]), np.concatenate([p.kept for p in found]))


def _structures(plan: Plan) -> tuple[tuple[float, float, float], ...]:
    """Of the graphs that there are, evenly many of many: neurons, synapses, bytes while drawn."""
    if plan.hash not in _KEPT:
        while len(_KEPT) >= _MOST_KEPT:
            _KEPT.pop(next(iter(_KEPT)), None)
        _KEPT[plan.hash] = tuple(_looked_at(plan))
    return _KEPT[plan.hash]


_KEPT: dict[str, tuple[tuple[float, float, float], ...]] = {}
_MOST_KEPT = 16


def _looked_at(plan: Plan) -> Iterator[tuple[float, float, float]]:
    net, points = _network(plan.model), _some(plan)
    changes, structure = _split(net, points.params, len(points))
    checked = [*structure, *(n for n in changes if n.endswith(".delay"))]
    keys = np.stack([np.zeros(len(points)), *(changes[n] for n in checked)], axis=-1)
    _, first = np.unique(keys, axis=0, return_index=True)
    for k in first[np.unique(np.linspace(0, len(first) - 1, _LOOKED).astype(int))]:
        yield _structure(net, plan, {n: float(changes[n][k]) for n in checked})


def _structure(net: Network, plan: Plan, own: Mapping[str, float]) -> tuple[float, float, float]:
    synapses, need = expected(net, own, plan.dt, _drawn_delays(net))
    neurons = sum(own.get(f"{n}.size", float(p.size)) for n, p in net.populations.items())
    return neurons, synapses, need


def _guess(plan: Plan, neurons: float, synapses: float, steps: int) -> float:
    """CPU seconds of a network."""
    spikes = _RATE * steps * plan.dt
    return _BUILT + _BUILD * synapses + _STEP * neurons * steps + _REACH * synapses * spikes


def _probed(plan: Plan) -> float:
    """How many times longer a network takes than is guessed, by a short run of the first point."""
    point = _some(plan).take(np.zeros(1, np.int64))
    steps = min(plan.steps + plan.settled, max(1, round(_PROBE / plan.dt)))
    short = replace(plan, steps=steps, settled=0, outputs=())
    short.machine.simulate(Job(replace(short, steps=1), point.params, point.repeat))  # compiles
    start = time.process_time()
    short.machine.simulate(Job(short, point.params, point.repeat))
    took = time.process_time() - start
    net = _network(plan.model)
    changes, structure = _split(net, point.params, 1)
    neurons, synapses, _ = _structure(net, plan, {n: float(changes[n][0]) for n in structure})
    return max(took, 1e-9) / _guess(plan, neurons, synapses, steps)


# -- results ---------------------------------------------------------------------------------------


def _results(run: xr.Dataset, plan: Plan, many: int) -> dict[str, xr.DataArray]:
    """What is kept of a run of networks; what neurons have, as the mean over each population."""
    found = {n: run[n] for n in (labels.STATUS, labels.FIRST_BAD)}
    found[labels.SPIKE_COUNT] = _of_populations(run[labels.SPIKE_COUNT], run, labels.SPIKE_COUNT, np.sum)
    for output in plan.outputs:
        found |= {n: _of_populations(a, run, n, np.mean) for n, a in output.applied(run).items()}
    return {name: ordered(array, many, []) for name, array in found.items()}


def _of_populations(array: xr.DataArray, run: xr.Dataset, name: str, how: Any) -> xr.DataArray:
    """Values of neurons together, for each population: of those that have one (no rate is lost, but a CV may be)."""
    if labels.NEURON not in array.dims:
        return array
    if "flag_values" in array.attrs:
        what = f"{name!r} is a flag of each neuron, and flags have no mean"
        raise errors.PlanError("outputs", what, mend="Count them in a function of your own.")
    members = run[POPULATION].values
    names = list(dict.fromkeys(members.tolist()))
    rest = [d for d in array.dims if d != labels.NEURON]
    values = array.transpose(*rest, labels.NEURON).values
    parts = [_of_known(np.ascontiguousarray(values[..., members == n]), how) for n in names]
    told = f"{array.attrs.get('long_name', name)}, {'mean over' if how is np.mean else 'of'} the population"
    place = rest.index(labels.POINT) + 1 if labels.POINT in rest else 0
    coords = {n: c for n, c in array.coords.items() if labels.NEURON not in c.dims}
    dims = [*rest[:place], POPULATION, *rest[place:]]
    stacked = np.stack(parts, axis=place)
    return xr.DataArray(
        stacked, dims=dims, coords={**coords, POPULATION: names}, attrs={**array.attrs, "long_name": told}
    )


def _of_known(values: npt.NDArray[Any], how: Any) -> npt.NDArray[np.float64]:
    """The sum or mean over the last axis of what is a number; NaN where nothing is."""
    known = ~np.isnan(values)
    many = known.sum(-1)
    total = np.where(known, values, 0.0).sum(-1)
    return np.where(many > 0, total if how is np.sum else total / np.maximum(many, 1), np.nan)


def _silent_run(plan: Plan) -> xr.Dataset:
    """What `RunSim` would give for one network in which nothing happens, with a neuron in each population."""
    net, model = _network(plan.model), load_model(plan.facts.neuron)
    names = [n for n, p in net.populations.items() if p.model != POISSON]
    zero = xr.DataArray(np.zeros((1, len(names))), dims=(labels.POINT, labels.NEURON))
    window = plan.window
    attrs = {"units": "ms", "long_name": "spike time", **window}
    made = {
        labels.SPIKE_COUNT: zero.assign_attrs(units="1", long_name="number of spikes"),
        labels.FIRST_BAD: (
            (labels.POINT,),
            np.full(1, np.nan),
            {"units": "ms", "long_name": "when the network failed"},
        ),
    }
    if plan.needs_spikes:
        made[labels.EVENT_TIME] = ((labels.POINT, labels.EVENT), np.full((1, 1), np.nan), attrs)
        made[labels.EVENT_NEURON] = ((labels.POINT, labels.EVENT), np.full((1, 1), -1, np.int32))
    for feature in plan.features:
        stem, _, kind = feature.rpartition("_")
        made[feature] = zero.assign_attrs(units=model.unit_of(stem), long_name=f"{kind} of {stem}")
    coords: dict[str, Any] = {n: (labels.POINT, np.full(1, p.value)) for n, p in model.params.items()}
    coords |= {labels.NEURON: np.arange(len(names)), POPULATION: (labels.NEURON, names)}
    if _often(plan):
        more, ends = _silent_weights(net, plan)
        made, coords = made | more, coords | ends
    status = (labels.POINT, np.full(1, int(labels.Status.OK), np.uint8), labels.status_attrs())
    told = {"model": plan.facts.neuron, "network": plan.model, "network_name": net.name, **window}
    return xr.Dataset(made, {**coords, labels.STATUS: status}, attrs=told)


def _silent_weights(net: Network, plan: Plan) -> tuple[dict[str, Any], dict[str, Any]]:
    """Snapshots of weights that nothing changed, one synapse of each projection."""
    times = np.arange(1 + int(plan.duration / _often(plan) + 1e-9)) * _often(plan)
    names = list(net.projections)
    units = {"units": next(iter(net.projections.values())).unit or "1", "long_name": "weight"}
    dims = (labels.POINT, labels.SNAPSHOT, labels.SYNAPSE)
    weight = (dims, np.ones((1, len(times), len(names))), units)
    none = (labels.SYNAPSE, np.zeros(len(names), np.int32))
    time = (labels.SNAPSHOT, times, {"units": "ms", "long_name": "time"})
    ends = {labels.PRE: none, labels.POST: none, labels.MEMBER: (labels.SYNAPSE, np.array(names))}
    return {"weight": weight}, {labels.SNAPSHOT: time, **ends}
