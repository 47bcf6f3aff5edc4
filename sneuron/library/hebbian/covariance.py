"""The covariance rule: what is active together more often than by chance is joined more strongly."""

from sneuron.lang.spec_rates import RateRule

COVARIANCE = RateRule(
    name="covariance",
    change="(x - x_mean)*(y - y_mean)",
    averages={"x_mean": "x", "y_mean": "y"},
    source="Sejnowski 1977, J Math Biol 4:303, doi:10.1007/BF00275079",
    note="In a batch the weight gains the covariance of the two activities.",
)
