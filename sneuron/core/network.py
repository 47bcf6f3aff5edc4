"""Networks: neurons with synapses, as a session of their own between labelled arrays and the kernel."""

from __future__ import annotations

import math
import os
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field, replace
from typing import Any

import numpy as np
import xarray as xr
from numpy.typing import NDArray

from sneuron import errors, labels
from sneuron.core.plastic import Learning, learning, rules_of
from sneuron.core.session import Session, start_of
from sneuron.core.state import model_of
from sneuron.core.stimulus import waves_of
from sneuron.core.synapses import EXISTS, Wiring, is_network, wired
from sneuron.lang.coupling import couple, ways
from sneuron.lang.delivery import deliver
from sneuron.lang.kernel import Clock, Kernel, aligned, compiled, played
from sneuron.lang.plasticity import Rule
from sneuron.lang.receptors import summed

__all__ = ["PENDING", "NetSession", "Traffic", "connect", "is_network"]

Array = NDArray[Any]
PENDING = "pending"
"""What is on its way when a run ends: dims (..., neuron, port, slot), slot k arrives k + 1 steps later."""

MAX_RATE = 1000.0
"""Spikes per second and neuron, in the mean over a network and the run, above which a network has run away."""
GRACE = 10.0
"""Spikes of each neuron that are not counted for that."""
ROOM = 2**20
"""Events that are held before they are taken out of the kernel."""


@dataclass
class Traffic:
    """What a run of networks leaves besides the state.

    Attributes
    ----------
    counts, status, bad : ndarray
        As of an `Outcome`, dims (block, lane).
    halted : ndarray of int64, dims (network)
        Why a network was stopped; 0 where it was not.
    late : ndarray, dims (network)
        When it ran away, in ms.
    record : ndarray, dims (variable, sample, trace)
    neurons, times : ndarray
        Events: number of the neuron among all, and time in ms; by network, then by step.
    weights, bounds : list of ndarray
        Snapshots of weights, and of the parts of them at their bounds.
    """

    counts: Array
    status: Array
    bad: Array
    halted: Array
    late: Array
    record: Array
    neurons: Array
    times: Array
    weights: list[Array] = field(default_factory=list)
    bounds: list[Array] = field(default_factory=list)


@dataclass
class NetSession(Session):
    """Networks and their kernel: one for each point, in blocks of lanes of their own.

    Parameters
    ----------
    picks : ndarray of int, optional
        Numbers of the neurons, among all, that are recorded; all when omitted.
    weights_every : int
        Weights are kept every so many steps; 0 for never.
    """

    picks: Array | None = None
    weights_every: int = 0
    wiring: Wiring = field(init=False)
    points: dict[str, int] = field(init=False)
    rules: tuple[Rule, ...] | None = field(init=False)
    learning: Learning | None = field(init=False)

    def _compiled(self, name: str) -> Kernel:
        if name == "exact":
            name = "linear"
        if name == "linear" and self.model.couplings and not self.method:
            name = "exp_euler"
        self.points = {d: n for d, n in self.dims.items() if d != labels.NEURON}
        varying = frozenset(n for n in self.model.params if n in self.state and labels.NEURON in self.state[n].dims)
        waves = waves_of(self.state)
        parts = (self.model, name, self.dtype, waves, self.record, self.features)
        self.rules = rules_of(self.state)
        return compiled(*parts, self.drawn(), varying, self.rules)

    def _check_alone(self) -> None:
        """They are together."""

    @property
    def each(self) -> int:
        """Neurons of a network, those that are not there included."""
        return self.dims[labels.NEURON]

    @property
    def networks(self) -> int:
        """How many networks."""
        return math.prod(self.points.values())

    @property
    def there(self) -> Array:
        """Which neurons there are: networks of different sizes have room for the largest."""
        held = self.state.get(EXISTS)
        return np.ones(self.size, bool) if held is None else np.broadcast_to(self.flat(held), self.size).astype(bool)

    def _grouped(self, groups: Array) -> Array:
        by_network = groups.reshape(self.networks, self.each)
        if (by_network != by_network[:, :1]).any():
            raise errors.ModelError(
                self.where, "neurons of one network play different samples",
                mend="Give all of them the same noise or recording, or use a stimulus that is an expression.",
            )  # fmt: skip
        return np.repeat(np.arange(self.networks), self.each)

    def _load(self) -> None:
        super()._load()
        found = wired(self.state, self.model, self.points, self.dt, self.kernel.dtype, self.where)
        longest = max(found.longest, self.state.sizes.get(labels.SLOT, 1))
        self.wiring = replace(found, longest=longest, slots=1 << (longest - 1).bit_length())
        self.blocks = np.arange(self.networks + 1, dtype=np.int64) * (self.lanes.blocks // self.networks)
        self.ports = len(self.kernel.source.program.ports)
        self.ring = self._ring()
        self.learning = None if self.rules is None else self._learning(self.rules)

    def _learning(self, rules: tuple[Rule, ...]) -> Learning:
        """Synapses that change, and sources."""
        name = self.model.refractory
        value = self.state[name].values if name in self.state else self.model.params[name].value if name else 0.0
        shortest = float(np.min(value))
        return Learning(self.state, rules, self.wiring, self.points, self.dt, self.clock.first, shortest, self.where)

    @property
    def changes(self) -> tuple[Any, ...]:
        """What the kernel of a network with synapses that change, or with sources, wants besides the graph."""
        found = self.learning
        return (self.wiring.graph,) if found is None else (found.graph, found.plastic, found.sources)

    @property
    def couplings(self) -> tuple[Any, ...]:
        """What the kernel of coupled neurons wants besides the graph."""
        if not self.model.couplings:
            return ()
        source = self.kernel.source
        return (self.wiring.couplings, ways(self.model, source.layout, list(source.program.ports)))

    @property
    def span(self) -> int:
        """Lanes of a network."""
        return int(self.blocks[1]) * self.kernel.source.layout.width

    def _ring(self) -> Array:
        """What is on its way: dims (network, slot, receptor, lane)."""
        slots = self.wiring.slots
        self._check_memory(self.networks * slots * self.ports * self.span * self.kernel.dtype.itemsize)
        ring = aligned((self.networks, slots, self.ports, self.span), self.kernel.dtype)
        if PENDING in self.state:
            self._check_pending()
            held = self.state[PENDING].transpose(*self.points, labels.NEURON, labels.PORT, labels.SLOT).values
            held = held.reshape(self.networks, self.each, self.ports, -1)
            for k in range(held.shape[-1]):
                ring[:, (self.clock.first + k) % slots, :, : self.each] = held[..., k].transpose(0, 2, 1)
        return ring

    def _check_memory(self, need: int) -> None:
        """Refuse what cannot be held."""
        room = os.sysconf("SC_PAGE_SIZE") * os.sysconf("SC_PHYS_PAGES")
        if need > room:
            raise errors.DataError(
                f"{self.where}: 'delay'", f"what is on its way takes {need / 2**30:.3g} GiB",
                f"up to {room / 2**30:.3g} GiB on this machine", mend="Run fewer networks at once, or shorter delays.",
            )  # fmt: skip

    def _check_pending(self) -> None:
        """What is on its way is counted in steps: the step stays what it was."""
        before = float(self.state.attrs.get("dt", self.dt))
        if before != self.dt and bool((self.state[PENDING] != 0).any()):
            raise errors.TimeError(
                f"{self.where}: 'dt'", f"spikes are on their way in steps of {before:g} ms, not {self.dt:g} ms",
                f"{before:g}", mend="Go on with the same dt.",
            )  # fmt: skip

    def advance(self, n_steps: int, every: int, spikes: bool) -> Traffic:
        """Run all networks to the end, one after the other."""
        samples = n_steps // every + 1 if self.record else 0
        shape = (self.lanes.blocks, self.kernel.source.layout.width)
        picks = np.arange(self.size) if self.picks is None else self.picks
        place = self.lanes.place[picks]
        order = np.argsort(place, kind="stable")
        traffic = Traffic(
            counts=np.zeros(shape, np.int64),
            status=np.zeros(shape, np.uint8),
            bad=np.full(shape, np.nan),
            halted=np.zeros(self.networks, np.int64),
            late=np.full(self.networks, np.nan),
            record=np.zeros((len(self.record), samples, picks.size), self.kernel.dtype),
            neurons=np.zeros(0, np.int64),
            times=np.zeros(0),
        )
        taken = np.searchsorted(place[order] // shape[1], np.arange(shape[0] + 1)).astype(np.int64)
        self._run(traffic, n_steps, every, spikes, (taken, place[order] % shape[1]))
        traffic.record[:, :, order] = traffic.record.copy()
        self._last_sample(traffic, n_steps, every, place)
        self._fail(traffic, start_of(self, n_steps))
        return traffic

    def _run(self, traffic: Traffic, n_steps: int, every: int, spikes: bool, taken: tuple[Array, Array]) -> None:
        longest = int(self.wiring.epochs.max())
        wide = self.span + (0 if self.learning is None else int(self.learning.sources.room.max()))
        lists = (np.zeros((longest, wide), np.int32), np.zeros((longest, wide)), np.zeros(longest, np.int64))
        room = max(ROOM, longest * self.span) if spikes else 0
        events = (np.zeros(room), np.zeros(room, np.int32), np.zeros(room, np.int32))
        used, done, sent = np.zeros(1, np.int64), np.zeros(self.networks, np.int64), np.zeros(self.networks, np.int64)
        sizes = np.full(self.networks, self.each, np.int64)
        rings = np.arange(self.networks, dtype=np.int64) * (self.ring.size // self.networks)
        drawn = np.full(self.lanes.blocks, -1, np.int64)
        numbers = self.kernel.numbers(self.lanes)
        found = []
        for clock, stop in self._cut(n_steps, traffic):
            wave, rows = played(clock, self.lanes, self.kernel)
            while ((done < stop) & (traffic.halted == 0)).any():
                self.kernel.module.run(
                    self.lanes.data, done, stop, clock.first, clock.dt, clock.origin, wave, rows, clock.wave_start,
                    self.blocks, sizes, self.wiring.epochs, self.ring.reshape(-1), rings, self.wiring.slots - 1,
                    *self.changes, *self.couplings, *lists, sent, GRACE, MAX_RATE / 1000.0, traffic.late, used, *events,
                    traffic.counts, traffic.status, traffic.bad, traffic.record, every, *taken, self.lanes.keys,
                    numbers, drawn, traffic.halted,
                )  # fmt: skip
                many = int(used[0])
                found.append(
                    (events[2][:many].astype(np.int64) * self.each + events[1][:many], events[0][:many].copy())
                )
                used[0] = 0
        if found:
            traffic.neurons, traffic.times = (np.concatenate(parts) for parts in zip(*found, strict=True))

    def _cut(self, n_steps: int, traffic: Traffic) -> Iterator[tuple[Clock, int]]:
        """Parts of a run, which end where weights are kept; they are kept on the way."""
        every, learning, due = self.weights_every, self.learning, 0
        for clock, stop in self.stretches(n_steps) if n_steps else [(self.clock, 0)]:
            for cut in [*range(due, stop, every), stop] if every else [stop]:
                yield clock, cut
                if every and cut == due and learning is not None:
                    learning.settle(self.kernel.module, self.clock.first + cut)
                    traffic.weights.append(learning.weights(np.zeros(self.networks, bool)))
                    traffic.bounds.append(learning.at_bounds())
                    due += every

    def _last_sample(self, traffic: Traffic, n_steps: int, every: int, place: Array) -> None:
        """The sample at the very end: the states as they are now, the currents that belong to them."""
        if not self.record or n_steps % every:
            return
        if any(name not in self.model.states for name in self.record):
            clock = replace(self.clock_for(n_steps, n_steps + 1), first=self.clock.first + n_steps)
            self.meet(n_steps)
            self.kernel.view("ion", self.lanes, clock)
        for k, name in enumerate(self.record):
            row = self.lanes.row(self.kernel.source.program.row(name))
            traffic.record[k, n_steps // every] = row.reshape(-1)[place]

    def _fail(self, traffic: Traffic, end: float) -> None:
        """A network that was stopped is void as a whole; so is one with a state that is no number at the end."""
        for name in self.model.states:
            lost = ~np.isfinite(self.lanes.row(name)).reshape(self.networks, -1).all(1)
            traffic.late[lost & (traffic.halted == 0)] = end
            traffic.halted[lost & (traffic.halted == 0)] = int(labels.Status.DIVERGED)
        bad = np.where(np.isnan(traffic.bad), np.inf, traffic.bad).reshape(self.networks, -1).min(1)
        when = np.fmin(np.where(np.isinf(bad), np.nan, bad), traffic.late)
        halted = np.repeat(traffic.halted, self.lanes.blocks // self.networks)
        traffic.status[...] = halted[:, None]
        traffic.bad[...] = np.repeat(when, self.lanes.blocks // self.networks)[:, None]
        dead = (traffic.halted[traffic.neurons // self.each] != 0) | ~self.there[traffic.neurons]
        traffic.neurons, traffic.times = traffic.neurons[~dead], traffic.times[~dead]

    def meet(self, n_steps: int) -> None:
        """What couplings bring in the step that comes after `n_steps`, into its rows; nothing is put on its way."""
        if not self.model.couplings:
            return
        self.kernel.module.send(self.lanes.data, 0, self.lanes.blocks)
        ring, width, now = self.ring.copy(), self.kernel.source.layout.width, self.clock.first + n_steps
        for network in range(self.networks):
            layout = (network * (ring.size // self.networks), self.wiring.slots - 1, self.span, self.ports)
            place = (self.lanes.data, int(self.blocks[network]), width, ring.reshape(-1))
            couple(*place, *layout, now, network, *self.couplings)
        for k, name in enumerate(self.kernel.source.program.ports):
            if name in summed(self.model.couplings):
                row = self.lanes.row(self.kernel.source.program.ports[name])
                row[...] = ring[:, now % self.wiring.slots, k].reshape(row.shape)

    def send(self, flags: Array) -> None:
        """Spikes at the very start, dims (network, neuron), into the ring."""
        begins = np.arange(self.networks) * (self.ring.size // self.networks)
        for network in range(self.networks):
            who = np.flatnonzero(flags[network]).astype(np.int32)[None]
            fill = np.array([who.size], np.int64)
            now = self.clock.first - 1 + (self.wiring.slots if self.learning is None else 0)
            layout = (int(begins[network]), self.wiring.slots - 1, self.span, self.ports)
            given = (self.ring.reshape(-1), *layout, now, who, fill, network)
            if self.learning is None:
                deliver(*given, self.wiring.graph)
            else:
                self.kernel.module.deliver(*given, self.learning.graph, self.learning.plastic, self.dt)

    def pending(self, n_steps: int, halted: Any = 0) -> xr.DataArray:
        """What is on its way after `n_steps`."""
        slots = (self.clock.first + n_steps + np.arange(self.wiring.longest)) % self.wiring.slots
        held = self.ring[:, slots, :, : self.each].transpose(0, 3, 2, 1).astype(np.float64)
        held[np.broadcast_to(np.asarray(halted) != 0, self.networks)] = np.nan
        shape = (*self.points.values(), self.each, self.ports, slots.size)
        dims = (*self.points, labels.NEURON, labels.PORT, labels.SLOT)
        attrs = {"long_name": "weights on their way, slot k arriving k + 1 steps later", "role": "internal"}
        coords = {labels.PORT: list(self.kernel.source.program.ports)}
        return xr.DataArray(held.reshape(shape), dims=dims, coords=coords, attrs=attrs)


def connect(state: xr.Dataset, graph: xr.Dataset, plasticity: Any = None) -> xr.Dataset:
    """Neurons and synapses as one network.

    Parameters
    ----------
    state : Dataset
        From `InitNeu`, with the dim `neuron`; what all neurons share needs no dim. Other dims are points: a network
        each.
    graph : Dataset
        `pre(synapse)` and `post(synapse)`, numbers of neurons; `weight` in the unit of the receptor and `delay` in ms,
        one number, one for each `projection`, or one for each `synapse`; `receptor(projection)`, names of mounted
        receptors or couplings, of which the latter may have no delay; `synapse_count(projection)`, how many of the
        synapses, in their order, belong to each. All may have dims of points. `source_rate(source)` (Hz) makes Poisson
        sources; in `pre` they are numbered after the neurons.
    plasticity : str or mapping, optional
        How synapses change: the name of a rule, or a table of `rule` and its parameters, where there is one
        projection; else such by the names of projections. What varies is a list (a dim of its name) or a DataArray.

    Returns
    -------
    xarray.Dataset

    Raises
    ------
    DataError
        When they do not fit together. What the synapses hold is checked by the run, at its dt.

    Notes
    -----
    Synapses that lie projection after projection, each sorted by `pre`, are used as they are; others are sorted by the
    run.

    Examples
    --------
    >>> from sneuron.core.state import InitNeu
    >>> ends = {"pre": ("synapse", [0, 1]), "post": ("synapse", [1, 0])}
    >>> wires = xr.Dataset({"weight": 0.5, "delay": 1.5}, ends)
    >>> pair = connect(InitNeu({"model": "brunel", "v": xr.DataArray([0.0, 19.9], dims="neuron")}), wires)
    >>> dict(pair.sizes)
    {'neuron': 2, 'synapse': 2}
    """
    where = "connect"
    model = model_of(state, where)
    taken = {*model.params, *model.states} & {str(n) for n in graph.variables}
    if taken:
        raise errors.DataError(where, f"{sorted(taken)[0]!r} is a name of the model, too", mend="Rename one of them.")
    size = graph.sizes.get(labels.NEURON, state.sizes.get(labels.NEURON))
    size = int(graph["post_count"].max()) if size is None and "post_count" in graph else size
    if size is None:
        raise errors.DataError(
            where, "neither says how many neurons there are", mend="Give the state the dim 'neuron'."
        )
    if labels.NEURON not in state.dims:
        state = state.assign(v=state["v"].expand_dims({labels.NEURON: int(size)}, -1))
    if state.sizes[labels.NEURON] != int(size):
        raise errors.DataError(where, f"the state has {state.sizes[labels.NEURON]} neurons, the graph {size}")
    if labels.NEURON not in state.coords:
        state = state.assign_coords({labels.NEURON: np.arange(int(size))})
    rules = xr.Dataset() if plasticity is None else _changing(graph, plasticity, where)
    merged = xr.merge([state, graph, rules], combine_attrs="override", join="exact")
    return merged.assign_attrs({k: v for k, v in (graph.attrs | rules.attrs).items() if k not in merged.attrs})


def _changing(graph: xr.Dataset, plasticity: Any, where: str) -> xr.Dataset:
    """How the synapses of a graph change."""
    held = graph.get(labels.PROJECTION)
    names = [str(k) for k in range(graph.sizes.get(labels.PROJECTION, 1))]
    names = names if held is None or not held.ndim else [str(n) for n in held.values]
    by_name = isinstance(plasticity, Mapping) and set(plasticity) <= set(names)
    if not by_name and len(names) > 1:
        what = f"the graph has {len(names)} projections"
        raise errors.DataError(f"{where}: 'plasticity'", what, names, mend="Say it by projection: {name: rule}.")
    return learning(names, plasticity if by_name else {names[0]: plasticity}, where)
