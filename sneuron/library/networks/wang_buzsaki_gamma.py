"""A hundred interneurons whose mutual inhibition makes a gamma rhythm (Wang & Buzsaki 1996)."""

from sneuron.lang.spec import Network, Population, Projection

WB96 = "Wang & Buzsaki 1996, J Neurosci 16:6402, doi:10.1523/JNEUROSCI.16-20-06402.1996"
VARIED = {
    "v": {"law": "uniform", "low": -70.0, "high": -50.0},
    "I": {"law": "normal", "mean": 1.0, "std": 0.03},
}

WANG_BUZSAKI_GAMMA = Network(
    name="wang_buzsaki_gamma",
    populations={"i": Population(100, "wang_buzsaki_gaba", VARIED)},
    projections={
        "ii": Projection("i", "i", "erdos_renyi", {"p": 0.6}, 0.1 / 60, 0.0, "mS/cm2", "gaba"),
    },
    source=WB96,
    note="Each neuron gets 60 synapses in the mean, of 0.1 mS/cm2 together. The drive differs by 3 % among neurons. "
    "Synapses have no delay.",
)
