"""Sanger's rule, the generalised Hebbian algorithm: each neuron learns what the earlier ones leave over."""

from sneuron.lang.spec_rates import RateRule

SANGER = RateRule(
    name="sanger",
    change="y*(x - recalled)",
    source="Sanger 1989, Neural Netw 2:459, doi:10.1016/0893-6080(89)90044-0",
    note="The k-th receiving neuron finds the k-th principal component of inputs of mean 0.",
)
