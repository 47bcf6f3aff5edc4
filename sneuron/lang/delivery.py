"""Spikes on their way: from the neurons that sent them to the ring where they wait for their step.

A ring holds what will arrive, [slot][receptor][lane], a slot for each step up to the longest delay.  Spikes are
delivered in the order of their steps, then of their neurons, projections and synapses, whatever the epoch: so the sums
in the ring have the same bits however a run is cut.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, NamedTuple

import numpy as np
from llvmlite import ir
from numba import njit, types
from numba.extending import intrinsic
from numpy.typing import NDArray

from sneuron.lang.vector import Arith

__all__ = ["Graph", "deliver", "take"]

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
                        _scattered(ring, begin, mask, lanes, ports, now + s, p, first, last, graph)
                    else:
                        slot = (now + s + graph.delay[p]) & mask
                        _together(ring, begin + (slot * ports + graph.port[p]) * lanes, p, first, last, graph)
        sent += fill[s]
    return sent


@njit(cache=True, nogil=True, error_model="numpy")
def _together(ring: Array, base: int, p: int, first: int, last: int, graph: Any) -> None:
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
def _scattered(
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
