"""Oja's rule: Hebb's, with a decay that keeps the length of the weights at 1."""

from sneuron.lang.spec_rates import RateRule

OJA = RateRule(
    name="oja",
    change="y*(x - y*w)",
    source="Oja 1982, J Math Biol 15:267, doi:10.1007/BF00275687",
    note="It finds the first principal component of inputs of mean 0.",
)
