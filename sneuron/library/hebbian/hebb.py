"""Hebb's rule: what is active together is joined more strongly."""

from sneuron.lang.spec_rates import RateRule

HEBB = RateRule(
    name="hebb",
    change="x*y",
    source="Hebb 1949, The Organization of Behavior, doi:10.4324/9781410612403",
    note="Weights that drive the receiving neuron grow without bound.",
)
