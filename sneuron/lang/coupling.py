"""What neurons do to one another at all times, without spikes: gap junctions, graded synapses, presynaptic gates.

At the start of each step the state of every neuron is looked at, and what it sends is added up for those that receive
it, in the order of projections, sending neurons and synapses.  The sums hold for the whole step: so a coupled network
converges with the first order, whatever the method.
"""

from __future__ import annotations

from typing import Any, NamedTuple

import numpy as np
import sympy as sp
from numba import njit
from numpy.typing import NDArray

from sneuron.lang.delivery import SAME
from sneuron.lang.model import Model
from sneuron.lang.texts import Layout

__all__ = ["IMPORT", "Ways", "couple", "sent", "ways"]

Array = NDArray[Any]
IMPORT = "from sneuron.lang.coupling import couple"


class Ways(NamedTuple):
    """From rows of those that send to ports of those that receive.

    Attributes
    ----------
    first : ndarray of int64, dims (coupling + 1)
        Where the sums of each coupling begin.
    source, port : ndarray of int64, dims (sum)
        Where in a block what is sent lies, and the port that gets it.
    """

    first: Array
    source: Array
    port: Array


def sent(model: Model) -> dict[tuple[str, str], tuple[str, sp.Expr]]:
    """The row and the value of what each coupling sends to each parameter; states and parameters are sent as they lie.

    >>> from sneuron.lang.model import load_model
    >>> {x: row for (_, x), (row, _) in sent(load_model("passive", channels={"gap": "gap_junction"})).items()}
    {'gap.g': '_out_0', 'gap.pull': 'v'}
    """
    found: dict[tuple[str, str], tuple[str, sp.Expr]] = {}
    for key, coupling in model.couplings.items():
        for x, value in sorted(coupling.adds.items()):
            found[key, x] = (value.name if value.is_Symbol else f"_out_{len(found)}", value)
    return found


def ways(model: Model, layout: Layout, ports: list[str]) -> Ways:
    """The ways of all couplings of a model through the blocks of its kernel."""
    many = [len(coupling.adds) for coupling in model.couplings.values()]
    rows = [layout.offset(row) for row, _ in sent(model).values()]
    to = [ports.index(x) for _, x in sent(model)]
    return Ways(np.cumsum([0, *many]), np.array(rows, np.int64), np.array(to, np.int64))


@njit(cache=True, nogil=True, error_model="numpy")
def couple(
    data: Array,
    block: int,
    width: int,
    ring: Array,
    begin: int,
    mask: int,
    lanes: int,
    ports: int,
    now: int,
    network: int,
    graph: Any,
    ways: Any,
) -> None:
    """What the neurons of a network, whose first block is `block`, send in step `now`, into its ring."""
    for p in range(graph.parts[network], graph.parts[network + 1]):
        for sender in range(graph.low[p], graph.high[p]):
            row = graph.rows[p] + sender - graph.low[p]
            first, last = graph.pointers[row], graph.pointers[row + 1]
            place, lane = block + sender // width, sender % width
            for c in range(ways.first[graph.port[p]], ways.first[graph.port[p] + 1]):
                value = data[place, ways.source[c] + lane]
                if value == 0.0:
                    continue
                base = begin + ways.port[c] * lanes
                if graph.late[p] != SAME:
                    _scattered(ring, base, mask, ports * lanes, now, p, first, last, value, graph)
                else:
                    at = base + ((now + graph.delay[p]) & mask) * ports * lanes
                    _together(ring, at, p, first, last, value, graph)


@njit(cache=True, nogil=True, error_model="numpy")
def _together(ring: Array, base: int, p: int, first: int, last: int, value: float, graph: Any) -> None:
    """What one neuron sends, where all of it comes in one step."""
    at, post = np.uint64(base), graph.post
    if graph.heavy[p] == SAME:
        one = graph.weight[p] * value
        for k in range(np.uint64(first), np.uint64(last)):
            ring[at + np.uint64(post[k])] += one
    else:
        weights, shift = graph.weights, np.uint64(graph.heavy[p])
        for k in range(np.uint64(first), np.uint64(last)):
            ring[at + np.uint64(post[k])] += weights[k + shift] * value


@njit(cache=True, nogil=True, error_model="numpy")
def _scattered(
    ring: Array, base: int, mask: int, step: int, now: int, p: int, first: int, last: int, value: float, graph: Any
) -> None:
    """What one neuron sends, where synapses have delays of their own."""
    own = graph.heavy[p] != SAME
    for k in range(first, last):
        weight = graph.weights[k + graph.heavy[p]] if own else graph.weight[p]
        slot = (now + np.int64(graph.delays[k + graph.late[p]])) & mask
        ring[base + slot * step + graph.post[k]] += weight * value
