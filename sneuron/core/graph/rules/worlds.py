"""Small worlds and scale-free graphs; without direction, so that every edge is two connections."""

from __future__ import annotations

from sneuron.core.graph.draws import attached, rewired
from sneuron.core.graph.rule import Argument, Edges, Place, refused, rule
from sneuron.core.graph.rules.lattices import RING, both_ways, even_degree

_P = Argument(low=0, high=1, note="chance that an edge is rewired")


@rule(even_degree, two=False, k=RING, p=_P, source="Watts & Strogatz 1998, doi:10.1038/30918")
def watts_strogatz(place: Place, k: float, p: float) -> Edges:
    """A ring of k neighbours in which each edge is rewired with chance p to a neuron chosen by chance."""
    return both_ways(*rewired(place.key, place.pre, int(k) // 2, float(p)))


def _grown(place: Place, m: float) -> float:
    if m >= place.pre:
        raise refused("m", f"newcomers with {m:g} edges among {place.pre} neurons", f"1 to {place.pre - 1}")
    return 2 * m * (place.pre - m)


@rule(
    _grown, two=False, m=Argument(low=1, whole=True, note="edges of each newcomer"),
    source="Barabasi & Albert 1999, doi:10.1126/science.286.5439.509",
)  # fmt: skip
def barabasi_albert(place: Place, m: float) -> Edges:
    """Neurons come one after the other and connect to m that are there, each chosen in proportion to its edges."""
    return both_ways(*attached(place.key, place.pre, int(m)))
