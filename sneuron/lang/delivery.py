"""Spikes on their way: from the neurons that sent them to the ring where they wait for their step.

A ring holds what will arrive, [slot][receptor][lane], a slot for each step up to the longest delay.  Spikes are
delivered in the order of their steps, then of their neurons, projections and synapses, whatever the epoch: so the sums
in the ring have the same bits however a run is cut.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from typing import Any, NamedTuple

import numpy as np
from llvmlite import ir
from numba import njit, types
from numba.extending import intrinsic
from numpy.typing import NDArray

from sneuron.lang.randoms import threefry
from sneuron.lang.vector import Arith

__all__ = [
    "NEVER",
    "SAME",
    "Graph",
    "Plastic",
    "Sources",
    "binomial",
    "deliver",
    "scattered",
    "sow",
    "take",
    "together",
]

Array = NDArray[Any]


class Graph(NamedTuple):
    """The synapses of networks that run one after the other, projection by projection, sorted by the sending neuron.

    Attributes
    ----------
    parts : ndarray of int64, dims (network + 1)
        Where the projections of each network begin.
    low, high : ndarray of int64, dims (projection)
        Neurons from `low` up to before `high` may send.
    rows : ndarray of int64, dims (projection)
        Where the pointers of a projection begin.
    pointers : ndarray of int64
        Where the synapses of each sending neuron begin, and where the last ones end.
    post : ndarray of int32, dims (synapse)
        Neurons that receive.
    port : ndarray of int64, dims (projection)
        Their receptor.
    weight, delay : ndarray, dims (projection)
        Weight, and delay in steps, where they are the same for all synapses of a projection.
    heavy, late : ndarray of int64, dims (projection)
        Where the synapses' own weights and delays lie, counted from the synapses; `SAME` where there are none.
    weights, delays : ndarray
        The synapses' own weights, and delays in steps.
    """

    parts: Array
    low: Array
    high: Array
    rows: Array
    pointers: Array
    post: Array
    port: Array
    weight: Array
    delay: Array
    heavy: Array
    late: Array
    weights: Array
    delays: Array


SAME = -(2**62)
"""In `heavy` and `late`: the projection has one number for all."""

NEVER = -(2**62)
"""The time, in steps, of what has not been."""


class Plastic(NamedTuple):
    """What synapses that change hold besides their weights; projections that do not change have the rule -1.

    Attributes
    ----------
    rule : ndarray of int64, dims (projection)
        Number of the rule of each projection, over all networks.
    place : ndarray of int64, dims (projection)
        Number of each projection among those that change.
    values : ndarray, dims (projection, parameter)
        Parameters of the rule.
    sign : ndarray, dims (projection)
        1 or -1: weights are sizes.
    states : ndarray, dims (state, synapse)
        As they were just after the last event of each synapse.
    last : ndarray of int64, dims (place, sender)
        When each sender spiked last: number of the step at whose end.
    left : ndarray, dims (place, sender, trace)
        Its traces just after that.
    times : ndarray of int64, dims (place, neuron, past)
        When each neuron spiked, in a ring.
    before, after : ndarray, dims (place, neuron, past, trace)
        Its traces just before and after.
    many : ndarray of int64, dims (place, neuron)
        How many spikes are noted.
    marked : ndarray of int64, dims (place, neuron)
        How many were when all synapses were last brought up to date.
    settled : ndarray of int64, dims (place)
        When that was.
    keys : ndarray of uint32, dims (network, word)
        Of random numbers.
    """

    rule: Array
    place: Array
    values: Array
    sign: Array
    states: Array
    last: Array
    left: Array
    times: Array
    before: Array
    after: Array
    many: Array
    marked: Array
    settled: Array
    keys: Array


class Sources(NamedTuple):
    """Poisson sources, numbered after the neurons: one process for each network, each of whose events is one source's.

    Attributes
    ----------
    first : int
        The number of the first source.
    edges : ndarray, dims (network, source)
        Sums of the rates up to each source, in events per step.
    coming : ndarray, dims (network)
        When the next event is, in steps.
    choice : ndarray, dims (network)
        A number in (0, 1) that says whose it is.
    drawn : ndarray of int64, dims (network)
        How many events there were.
    room : ndarray of int64, dims (network)
        How many events a step can hold; what is more comes a step later, which no run will see.
    keys : ndarray of uint32, dims (network, word)
    """

    first: int
    edges: Array
    coming: Array
    choice: Array
    drawn: Array
    room: Array
    keys: Array


@intrinsic
def take(typingctx: Any, rows: Any, place: Any, ring: Any, start: Any, many: Any) -> Any:
    """Move `many` numbers from a ring, from `start` on, into a row that begins at `place`, and leave zeros there."""
    if not isinstance(many, types.IntegerLiteral):
        return None
    lanes = many.literal_value

    def generate(context: Any, builder: Any, signature: Any, args: Sequence[Any]) -> Any:
        kinds = [signature.args[0], signature.args[2]]
        held = [context.make_array(kind)(context, builder, args[k]) for kind, k in zip(kinds, (0, 2), strict=True)]
        vector = ir.VectorType(Arith(builder, kinds[0].dtype).f, lanes)
        places = [
            builder.bitcast(builder.gep(h.data, [at]), vector.as_pointer())
            for h, at in zip(held, (args[1], args[3]), strict=True)
        ]
        builder.store(builder.load(places[1], align=64), places[0], align=64)
        builder.store(ir.Constant(vector, None), places[1], align=64)
        return context.get_dummy_value()

    return types.void(rows, place, ring, start, many), generate


@njit(cache=True, nogil=True, error_model="numpy")
def deliver(
    ring: Array,
    begin: int,
    mask: int,
    lanes: int,
    ports: int,
    now: int,
    who: Array,
    fill: Array,
    network: int,
    graph: Any,
) -> int:
    """The spikes of an epoch, listed by step, into the ring of their network; how many there were."""
    sent = 0
    for s in range(fill.size):
        for j in range(fill[s]):
            sender = who[s, j]
            for p in range(graph.parts[network], graph.parts[network + 1]):
                if graph.low[p] <= sender < graph.high[p]:
                    row = graph.rows[p] + sender - graph.low[p]
                    first, last = graph.pointers[row], graph.pointers[row + 1]
                    if graph.late[p] != SAME:
                        scattered(ring, begin, mask, lanes, ports, now + s, p, first, last, graph)
                    else:
                        slot = (now + s + graph.delay[p]) & mask
                        together(ring, begin + (slot * ports + graph.port[p]) * lanes, p, first, last, graph)
        sent += fill[s]
    return sent


@njit(cache=True, nogil=True, error_model="numpy")
def together(ring: Array, base: int, p: int, first: int, last: int, graph: Any) -> None:
    """Spikes that all arrive in one step."""
    at = np.uint64(base)
    post = graph.post
    if graph.heavy[p] == SAME:
        weight = graph.weight[p]
        for k in range(np.uint64(first), np.uint64(last)):
            ring[at + np.uint64(post[k])] += weight
    else:
        weights, shift = graph.weights, np.uint64(graph.heavy[p])
        for k in range(np.uint64(first), np.uint64(last)):
            ring[at + np.uint64(post[k])] += weights[k + shift]


@njit(cache=True, nogil=True, error_model="numpy")
def scattered(
    ring: Array, begin: int, mask: int, lanes: int, ports: int, now: int, p: int, first: int, last: int, graph: Any
) -> None:
    """Spikes with delays of their own."""
    post, delays, weights = graph.post, graph.delays, graph.weights
    late = np.uint64(graph.late[p])
    step, turn, wide = np.uint64(ports * lanes), np.uint64(mask), np.uint64(now)
    at = np.uint64(begin + graph.port[p] * lanes)
    own = graph.heavy[p] != SAME
    shift, weight = np.uint64(graph.heavy[p]), graph.weight[p]
    for k in range(np.uint64(first), np.uint64(last)):
        slot = (wide + np.uint64(delays[k + late])) & turn
        w = weights[k + shift] if own else weight
        ring[at + slot * step + np.uint64(post[k])] += w


_SOURCES, _SYNAPSES = np.uint32(0x534F5552), np.uint32(0x53594E41)
"""Streams of random numbers."""

_words: Any = threefry


@njit(cache=True, nogil=True, error_model="numpy")
def _unit(high: int, low: int) -> float:
    """Two random words as a number inside (0, 1)."""
    return (float(np.uint64(high) << np.uint64(21) | np.uint64(low) >> np.uint64(11)) + 0.5) * 2.0**-53


@njit(cache=True, nogil=True, error_model="numpy")
def event(count: int, total: float, key: Array) -> tuple[float, float]:
    """Steps from one event of a Poisson process to the next, and a number in (0, 1) that says whose it is."""
    n = np.uint64(count)
    low, high = np.uint32(n & np.uint64(0xFFFFFFFF)), np.uint32(n >> np.uint64(32))
    a, b, c, d = _words(low, high, _SOURCES, np.uint32(0), key[0], key[1])
    return -math.log(_unit(a, b)) / total, _unit(c, d)


@njit(cache=True, nogil=True, error_model="numpy")
def sow(who: Array, fill: Array, now: int, network: int, sources: Any) -> None:
    """The spikes of sources in an epoch, after those of neurons, into the list of each step."""
    edges = sources.edges[network]
    total = edges[-1]
    if total <= 0.0:
        return
    for s in range(fill.size):
        most = fill[s] + sources.room[network]
        while sources.coming[network] <= now + s + 1 and fill[s] < most:
            place = np.searchsorted(edges, sources.choice[network] * total, "right")
            who[s, fill[s]] = sources.first + min(place, edges.size - 1)
            fill[s] += 1
            sources.drawn[network] += 1
            gap, sources.choice[network] = event(sources.drawn[network], total, sources.keys[network])
            sources.coming[network] += gap


@njit(cache=True, nogil=True, error_model="numpy")
def binomial(n: float, p: float, key: Array, when: int, synapse: int, which: int) -> float:
    """How many of `n` independent things happen, each with probability `p`; `which` number of a synapse at a time."""
    low, high = np.uint32(when & 0xFFFFFFFF), np.uint32(when >> 32)
    found, part, left = 0.0, np.uint32(which << 16), int(n + 0.5)
    while left > 0:
        words = _words(low, high, _SYNAPSES ^ np.uint32(synapse), part, key[0], key[1])
        for word in words:
            if left > 0 and (float(word) + 0.5) * 2.0**-32 < p:
                found += 1.0
            left -= 1
        part += np.uint32(1)
    return found
