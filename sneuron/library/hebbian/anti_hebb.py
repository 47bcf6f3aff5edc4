"""Anti-Hebbian learning: what is active together is joined more weakly."""

from sneuron.lang.spec_rates import RateRule

ANTI_HEBB = RateRule(
    name="anti_hebb",
    change="-x*y",
    source="Barlow & Foldiak 1989, Adaptation and decorrelation in the cortex, in: The Computing Neuron; "
    "Foldiak 1990, Biol Cybern 64:165, doi:10.1007/BF02331346",
    note="Along each eigenvector of the input's correlations a weight decays with its eigenvalue.",
)
