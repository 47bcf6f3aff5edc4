"""Graded fast inhibition: the gate of a synapse follows the presynaptic voltage (Wang & Buzsaki 1996)."""

from sneuron.lang.spec import Channel, Param, State

WB96 = "Wang & Buzsaki 1996, J Neurosci 16:6402, doi:10.1523/JNEUROSCI.16-20-06402.1996"
ALONE = "built in: 0, to which every synapse adds"

GABA_A_GRADED = Channel(
    name="gaba_a_graded",
    current="g*(v - E)",
    unit="",
    states={"s": State("1", "open/(open + beta)", 0.0, 1.0, "part of the channels that this neuron opens in others")},
    equations={"s": "open*(1 - s) - beta*s"},
    couple={"g": "w*s"},
    functions={"open": "alpha/(1 + exp(-(v - theta)/2))"},
    params={
        "g": Param(0.0, "conductance", 0.0, 1e6, ALONE, "conductance of all synapses that reach the neuron"),
        "E": Param(-75.0, "mV", -200.0, 200.0, WB96, "reversal potential"),
        "alpha": Param(12.0, "1/ms", 0.0, 1000.0, WB96, "opening"),
        "beta": Param(0.1, "1/ms", 1e-6, 1000.0, WB96, "closing: the decay time constant is 1/beta, 10 ms"),
        "theta": Param(0.0, "mV", -200.0, 200.0, WB96, "presynaptic voltage at which half of it opens"),
    },
    source=WB96,
    note="The weight is the conductance of a synapse with all channels open; g and E are those of the neuron that "
    "receives, s is of the one that sends.",
)
