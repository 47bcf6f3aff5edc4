"""Anti-Hebbian synapses inside a layer: its neurons stop saying the same."""

from sneuron.lang.spec_rates import RateRule

DECORRELATION = RateRule(
    name="decorrelation",
    change="-x*y",
    lateral=True,
    source="Foldiak 1990, Biol Cybern 64:165, doi:10.1007/BF02331346",
    note="It rests where no two neurons of the layer are correlated.",
)
