"""From the labelled synapses of a network to the arrays that deliver spikes; what cannot be is refused here.

Synapses lie projection after projection, and inside one sorted by the neuron that sends.  Then nothing is copied: what
the kernel reads is the array of the dataset.
"""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import Any

import numpy as np
import xarray as xr
from numpy.typing import NDArray

from sneuron import errors, labels
from sneuron.lang.delivery import SAME, Graph
from sneuron.lang.model import Model

__all__ = ["COUNT", "DELAY", "EXISTS", "FIRST", "WEIGHT", "Wiring", "is_network", "wired"]

Array = NDArray[Any]
WEIGHT, DELAY, COUNT, FIRST, EXISTS = "weight", "delay", "synapse_count", "first_synapse", "exists"
MOST_SLOTS = 2**15
"""Steps that the longest delay may have."""
LONGEST_EPOCH = 64
"""Steps that a block takes at once, however long the delays are."""
OFF_GRID = 1e-4
"""Part of a step by which a delay may miss the grid: what float32 leaves of it."""


@dataclass(frozen=True)
class Wiring:
    """Networks as arrays.

    Attributes
    ----------
    graph : Graph
    couplings : Graph
        The same synapses; projections of `graph` are those that deliver spikes, here those that couple.
    epochs : ndarray of int64, dims (network)
        Steps until a spike can arrive anywhere.
    slots : int
        Steps that a ring must hold, a power of 2.
    longest : int
        Steps of the longest delay.
    of : ndarray of int64, dims (network)
        Which graph each network has.
    starts, counts : ndarray of int64, dims (graph, projection)
        Where the synapses of each projection lie.
    order : ndarray of int64, dims (graph, synapse), or None
        Which synapse of the dataset each is, where they were sorted.
    """

    graph: Graph
    couplings: Graph
    epochs: Array
    slots: int
    longest: int
    of: Array
    starts: Array
    counts: Array
    order: Array | None


def is_network(state: Any) -> bool:
    """Whether a state has synapses."""
    return isinstance(state, xr.Dataset) and labels.PRE in state.variables


def wired(state: xr.Dataset, model: Model, points: dict[str, int], dt: float, dtype: Any, where: str) -> Wiring:
    """The synapses of a state, one network for each point.

    Parameters
    ----------
    state : Dataset
    model : Model
    points : dict of str to int
        Dims of the networks, without `neuron`.
    dt : float
        In ms.
    dtype : dtype
        Of the kernel.
    where : str
    """
    return _Wires(state, model, points, dt, dtype, where).wiring()


class _Wires:
    """Reads the synapses of a state."""

    def __init__(
        self, state: xr.Dataset, model: Model, points: dict[str, int], dt: float, dtype: Any, where: str
    ) -> None:
        self.state, self.model, self.points, self.dt, self.dtype, self.where = state, model, points, dt, dtype, where
        self.n = state.sizes.get(labels.NEURON, 0)
        self.networks = math.prod(points.values())
        self._check_dims()
        self.own = [d for d in points if d in state[labels.PRE].dims or d in state[labels.POST].dims]
        self.graphs = math.prod(points[d] for d in self.own)
        self.of = self._numbers(self.own)
        self.names = self._projections()
        self.counts, self.starts = self._counted()
        self.pre, self.post = (self._ends(name) for name in (labels.PRE, labels.POST))
        self.order = self._sorting()

    def _check_dims(self) -> None:
        if not self.n:
            raise errors.DataError(
                self.where, "a network has the dim 'neuron'", mend="Make it with BuildNet or connect."
            )
        if not self.model.receptors and not self.model.couplings:
            raise errors.ModelError(
                self.where, f"model {self.model.name!r} has no receptor", mend="Mount one, such as 'exp_current'."
            )
        for name, dims in {
            labels.PRE: {labels.SYNAPSE},
            labels.POST: {labels.SYNAPSE},
            WEIGHT: {labels.SYNAPSE, labels.PROJECTION},
            DELAY: {labels.SYNAPSE, labels.PROJECTION},
            COUNT: {labels.PROJECTION},
            FIRST: {labels.PROJECTION},
            EXISTS: {labels.NEURON},
            labels.RECEPTOR: {labels.PROJECTION},
        }.items():
            if name not in self.state.variables:
                if name not in (labels.PRE, labels.POST, WEIGHT, DELAY):
                    continue
                raise errors.DataError(self.where, f"the network lacks {name!r}", mend="See connect.")
            odd = set(map(str, self.state[name].dims)) - dims - set(self.points)
            if odd:
                raise errors.DataError(
                    f"{self.where}: {name!r}", f"it has the dim {sorted(odd)[0]!r}", sorted({*dims, *self.points})
                )

    def _numbers(self, own: list[str]) -> Array:
        """Which of the arrays that have the dims `own` each network has."""
        shape = [n if d in own else 1 for d, n in self.points.items()]
        numbers = np.arange(math.prod(shape)).reshape(shape)
        return np.broadcast_to(numbers, tuple(self.points.values())).reshape(-1)

    def _projections(self) -> list[str]:
        names = self.state.get(labels.PROJECTION)
        many = self.state.sizes.get(labels.PROJECTION, 1)
        return [str(n) for n in names.values] if names is not None and names.ndim else [f"{k}" for k in range(many)]

    def _laid(self, name: str, last: list[str]) -> tuple[Array, list[str]]:
        """A variable with its dims of points first, as (point, ...)."""
        array = self.state[name]
        own = [d for d in self.points if d in array.dims]
        tail = [d for d in last if d in array.dims]
        values = array.transpose(*own, *tail).values
        return values.reshape(math.prod(self.points[d] for d in own), *values.shape[len(own) :]), own

    def _counted(self) -> tuple[Array, Array]:
        """How many synapses each projection of each graph holds, and where they begin, dims (graph, projection)."""
        total = self.state.sizes.get(labels.SYNAPSE, 0)
        if COUNT not in self.state.variables:
            if len(self.names) > 1:
                raise errors.DataError(
                    self.where, f"the network has {len(self.names)} projections and no {COUNT!r}",
                    mend=f"Say how many synapses each has: {COUNT}(projection).",
                )  # fmt: skip
            return np.full((self.graphs, 1), total, np.int64), np.zeros((self.graphs, 1), np.int64)
        counts = self._by_projection(COUNT)
        starts = self._by_projection(FIRST) if FIRST in self.state.variables else np.cumsum(counts, 1) - counts
        if (counts < 0).any() or (starts < 0).any() or (starts + counts > total).any():
            raise errors.DataError(f"{self.where}: {COUNT!r}", f"it counts synapses that are not among the {total}")
        if FIRST not in self.state.variables and COUNT in self.state.variables and not self.own:
            self._check_all(counts, total)
        return counts, starts

    def _check_all(self, counts: Array, total: int) -> None:
        if (counts.sum(1) != total).any():
            raise errors.DataError(f"{self.where}: {COUNT!r}", f"it counts {int(counts[0].sum())} of {total} synapses")

    def _by_projection(self, name: str) -> Array:
        """Whole numbers of the projections of each graph."""
        values, own = self._laid(name, [labels.PROJECTION])
        if not set(own) <= set(self.own):
            raise errors.DataError(f"{self.where}: {name!r}", "it varies where 'pre' does not", self.own)
        shape = [self.points[d] if d in own else 1 for d in self.own]
        whole = np.broadcast_to(values.reshape(*shape, -1), (*(self.points[d] for d in self.own), len(self.names)))
        return np.ascontiguousarray(whole.reshape(self.graphs, len(self.names)), np.int64)

    def _parts(self, graph: int) -> list[slice]:
        """Where the synapses of each projection of a graph lie."""
        return [slice(int(a), int(a + n)) for a, n in zip(self.starts[graph], self.counts[graph], strict=True)]

    def _ends(self, name: str) -> Array:
        """The sending or receiving neurons, dims (graph, synapse)."""
        values, own = self._laid(name, [labels.SYNAPSE])
        if values.dtype.kind not in "iu":
            raise errors.DataError(f"{self.where}: {name!r}", f"values of type {values.dtype} number no neurons")
        if own != self.own:
            values = np.broadcast_to(values, (self.graphs, values.shape[-1]))
        many = self.n + (self.state.sizes.get(labels.SOURCE, 0) if name == labels.PRE else 0)
        for used in (held[part] for graph, held in enumerate(values) for part in self._parts(graph)):
            if used.size and (int(used.min()) < 0 or int(used.max()) >= many):
                bad = int(used.min()) if int(used.min()) < 0 else int(used.max())
                raise errors.DataError(
                    f"{self.where}: {name!r}", f"there is no neuron {bad} among {many}", f"0 to {many - 1}"
                )
        return np.ascontiguousarray(values, dtype=np.int32)

    def _sorting(self) -> Array | None:
        """The order in which synapses are sorted by the sending neuron; None where they are."""
        order = None
        for graph, part in ((g, p) for g in range(self.graphs) for p in self._parts(g)):
            held = self.pre[graph, part]
            if (held[1:] < held[:-1]).any():
                order = np.broadcast_to(np.arange(self.pre.shape[1]), self.pre.shape).copy() if order is None else order
                order[graph, part] = part.start + np.argsort(held, kind="stable")
        if order is not None:
            self.pre, self.post = (np.take_along_axis(a, order, 1) for a in (self.pre, self.post))
        return order

    def wiring(self) -> Wiring:
        weight, heavy, weights = self._numbered(WEIGHT, self._weights())
        late_values, shortest, longest = self._delays()
        delay, late, delays = self._numbered(DELAY, late_values)
        low, high, rows, pointers = self._pointers()
        many = len(self.names)
        ports, coupled = self._ports(), self._coupled()
        graph = Graph(
            parts=np.arange(self.networks + 1, dtype=np.int64) * many,
            low=low[self.of].reshape(-1),
            high=high[self.of].reshape(-1),
            rows=rows[self.of].reshape(-1),
            pointers=pointers,
            post=self.post.reshape(-1),
            port=np.tile(ports - np.where(coupled, len(self.model.receptors), 0), self.networks),
            weight=weight.astype(self.dtype),
            delay=delay.astype(np.int64),
            heavy=heavy,
            late=late,
            weights=weights,
            delays=delays,
        )
        couples = np.tile(coupled, self.networks)
        epochs = np.minimum(shortest, LONGEST_EPOCH)
        epochs[(self.counts[:, coupled].sum(1) > 0)[self.of]] = 1
        spiking, coupling = (graph._replace(high=np.where(c, graph.low, graph.high)) for c in (couples, ~couples))
        slots = 1 << max(0, (longest - 1).bit_length())
        return Wiring(spiking, coupling, epochs, slots, longest, self.of, self.starts, self.counts, self.order)

    def _coupled(self) -> Array:
        """Which projections couple."""
        return self._ports() >= len(self.model.receptors)

    def _ports(self) -> Array:
        """The number of the receptor, or after those of the coupling, of each projection."""
        known = [*self.model.receptors, *self.model.couplings]
        if labels.RECEPTOR not in self.state.variables:
            if len(known) > 1:
                raise errors.DataError(
                    self.where, f"the network says not which of the receptors {', '.join(known)} its synapses reach",
                    known, mend="Give receptor, or receptor(projection).",
                )  # fmt: skip
            return np.zeros(len(self.names), np.int64)
        given = [str(n) for n in np.broadcast_to(self.state[labels.RECEPTOR].values, len(self.names))]
        given = [known[0] if not n and len(known) == 1 else n for n in given]
        for name in given:
            if name not in known:
                raise errors.unknown(f"{self.where}: 'receptor'", "receptor", name, known)
        return np.array([known.index(name) for name in given], np.int64)

    def _pointers(self) -> tuple[Array, Array, Array, Array]:
        """Which neurons send, and where their synapses begin, of each projection of each graph."""
        low, high, rows = (np.zeros((self.graphs, len(self.names)), np.int64) for _ in range(3))
        found, place, width = [], 0, self.pre.shape[1]
        for graph in range(self.graphs):
            for k, part in enumerate(self._parts(graph)):
                held = self.pre[graph, part]
                low[graph, k], high[graph, k] = (int(held[0]), int(held[-1]) + 1) if held.size else (0, 0)
                senders = np.arange(low[graph, k], high[graph, k] + 1, dtype=np.int32)
                found.append(np.searchsorted(held, senders).astype(np.int64) + graph * width + part.start)
                rows[graph, k] = place
                place += senders.size
        return low, high, rows, np.concatenate(found)

    def _weights(self) -> Array:
        array = self.state[WEIGHT]
        if array.dtype.kind not in "fiu" or not bool(np.isfinite(array.values[self._used(array)]).all()):
            raise errors.DataError(f"{self.where}: 'weight'", "not all weights are finite numbers")
        kinds = [*self.model.receptors.values(), *self.model.couplings.values()]
        units = {kinds[p].unit for p in self._ports()}
        given = labels.units_of(array.attrs)
        if given in (None, "1") or units == {given}:
            return array.values
        if len(units) > 1:
            raise errors.UnitError(
                f"{self.where}: 'weight'", f"the receptors want weights in {', '.join(sorted(units))}, not in {given}",
                mend="Leave out the units of weight; each is then in the unit of its receptor.",
            )  # fmt: skip
        return np.asarray(labels.convert(array.values, given, units.pop(), f"{self.where}: 'weight'"))

    def _delays(self) -> tuple[Array, Array, int]:
        """Delays in steps; the shortest of each network, and the longest of all."""
        array, where = self.state[DELAY], f"{self.where}: 'delay'"
        ms = np.asarray(labels.convert(array.values, labels.units_of(array.attrs), "ms", where))
        steps = np.rint(ms / self.dt)
        used = self._used(array)
        low = np.where(self._among(array, self._coupled()), -1, 0)[used] if self.model.couplings else 0
        good = np.isfinite(ms[used]) & (ms[used] > low) & (ms[used] >= 0) & (steps[used] <= MOST_SLOTS)
        if not good.all():
            bad = ms[used][~good][0]
            raise errors.DataError(
                where, f"{bad:g} ms is no delay", f"{self.dt:g} to {MOST_SLOTS * self.dt:g} ms: a step, or more"
            )
        off = np.abs(ms[used] / self.dt - steps[used]) > OFF_GRID
        if off.any():
            raise errors.DataError(
                where,
                f"{ms[used][off][0]:g} ms is no multiple of dt, {self.dt:g} ms",
                mend="Round the delays, or give another dt.",
            )
        shortest = self._shortest(array, np.where(used, steps, LONGEST_EPOCH))
        steps = np.where(used, steps, 1)
        return steps, shortest, int(steps.max(initial=1)) + bool(self.model.couplings)

    def _used(self, array: xr.DataArray) -> Array:
        """Which values belong to a synapse that is there."""
        if labels.SYNAPSE not in array.dims or not self.own:
            return np.ones(array.shape, bool)
        return self._among(array, np.ones(len(self.names), bool))

    def _among(self, array: xr.DataArray, which: Array) -> Array:
        """Which values belong to synapses of some projections."""
        if labels.SYNAPSE not in array.dims:
            held = xr.DataArray(which, dims=labels.PROJECTION) if labels.PROJECTION in array.dims else which.all()
            return np.asarray(xr.zeros_like(array, bool) | held)
        there = np.zeros((self.graphs, array.sizes[labels.SYNAPSE]), bool)
        for graph in range(self.graphs):
            for part in (p for p, wanted in zip(self._parts(graph), which, strict=True) if wanted):
                there[graph, part] = True
        held = xr.DataArray(there.reshape(*(self.points[d] for d in self.own), -1), dims=[*self.own, labels.SYNAPSE])
        return np.asarray(held.broadcast_like(array).transpose(*array.dims).values)

    def _shortest(self, array: xr.DataArray, steps: Array) -> Array:
        last = [d for d in array.dims if d in (labels.SYNAPSE, labels.PROJECTION)]
        held = xr.DataArray(steps, dims=array.dims)
        least = held.min(last) if last and steps.size else held if steps.size else xr.DataArray(LONGEST_EPOCH)
        own = [d for d in self.points if d in least.dims]
        return np.asarray(least.transpose(*own).values.reshape(-1)[self._numbers(own)], np.int64)

    def _numbered(self, name: str, values: Array) -> tuple[Array, Array, Array]:
        """One number for each projection of each network, where the synapses' own lie, and those."""
        array = self.state[name].copy(data=values)
        own = [d for d in self.points if d in array.dims]
        array = array.transpose(*own, ...)
        of, many = self._numbers(own), len(self.names)
        kind = np.uint16 if name == DELAY else np.float64 if array.dtype == np.float64 else np.float32
        if labels.SYNAPSE not in array.dims:
            flat = array.values.reshape(math.prod(self.points[d] for d in own), -1)
            numbers = np.broadcast_to(flat[of], (self.networks, many)).reshape(-1)
            return (
                numbers,
                np.full(self.networks * many, SAME),
                np.zeros(1, np.float32 if name == WEIGHT else np.uint16),
            )
        flat = array.values.reshape(-1, array.sizes[labels.SYNAPSE])
        if self.order is not None:
            flat, of = self._ordered(flat, own)
        shift = (of - self.of) * flat.shape[1]
        return np.zeros(self.networks * many), np.repeat(shift, many), np.ascontiguousarray(flat, kind).reshape(-1)

    def _ordered(self, flat: Array, own: list[str]) -> tuple[Array, Array]:
        """The synapses' own numbers in the order in which the synapses were sorted, one row for each network."""
        assert self.order is not None
        rows = flat[self._numbers(own)]
        return np.take_along_axis(rows, self.order[self.of], 1), np.arange(self.networks)
