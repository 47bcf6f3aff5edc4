"""Hopfield's associative memory: patterns that a layer of neurons is to fall back into."""

from sneuron.lang.spec_rates import RateRule

HOPFIELD = RateRule(
    name="hopfield",
    change="x*y",
    lateral=True,
    source="Hopfield 1982, PNAS 79:2554, doi:10.1073/pnas.79.8.2554",
    note="Shown N-neuron patterns of 1 and -1 as both activities at the rate 1/N, it stores up to 0.138 N of them.",
)
