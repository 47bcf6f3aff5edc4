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
    post, weights, delays = graph.post, graph.weights, graph.delays
    for p in range(graph.parts[network], graph.parts[network + 1]):
        own, scattered = graph.heavy[p] != SAME, graph.late[p] != SAME
        for sender in range(graph.low[p], graph.high[p]):
            row = graph.rows[p] + sender - graph.low[p]
            first, last = graph.pointers[row], graph.pointers[row + 1]
            place, lane = block + sender // width, sender % width
            for c in range(ways.first[graph.port[p]], ways.first[graph.port[p] + 1]):
                value = data[place, ways.source[c] + lane]
                if value == 0.0:
                    continue
                at = begin + (((now + graph.delay[p]) & mask) * ports + ways.port[c]) * lanes
                one = graph.weight[p] * value
                for k in range(first, last):
                    if scattered:
                        late = now + np.int64(delays[k + graph.late[p]])
                        at = begin + ((late & mask) * ports + ways.port[c]) * lanes
                    ring[at + post[k]] += weights[k + graph.heavy[p]] * value if own else one
