"""The rule of Bienenstock, Cooper & Munro: a threshold between depression and potentiation that slides."""

from sneuron.lang.spec_rates import RateRule

BCM = RateRule(
    name="bcm",
    change="x*y*(y - theta)",
    averages={"theta": "y**2"},
    source="Bienenstock, Cooper & Munro 1982, J Neurosci 2:32, doi:10.1523/JNEUROSCI.02-01-00032.1982; with the "
    "threshold E[y^2] of Intrator & Cooper 1992, Neural Netw 5:3, doi:10.1016/S0893-6080(05)80003-6",
    note="Of independent patterns with probability p each, a neuron ends up answering 1/p to one, and 0 to the others.",
)
