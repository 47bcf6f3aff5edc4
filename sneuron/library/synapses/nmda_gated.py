"""NMDA receptors with a gate of their own for each sending neuron, which saturates (Wang 1999, Compte et al. 2000)."""

from sneuron.lang.spec import Channel, Param, State

C00 = "Compte, Brunel, Goldman-Rakic & Wang 2000, Cereb Cortex 10:910, doi:10.1093/cercor/10.9.910"
JAHR90 = "Jahr & Stevens 1990, J Neurosci 10:3178, doi:10.1523/JNEUROSCI.10-09-03178.1990"
ALONE = "built in: 0, to which every synapse adds"

NMDA_GATED = Channel(
    name="nmda_gated",
    current="g*(v - E)/(1 + Mg/3.57*exp(-0.062*v))",
    unit="",
    states={
        "x": State("1", "0", 0.0, 1000.0, "transmitter that this neuron released"),
        "s": State("1", "0", 0.0, 1.0, "part of the channels that this neuron opens in others"),
    },
    equations={"x": "-x/tau_x", "s": "alpha*x*(1 - s) - s/tau_s"},
    couple={"g": "w*s"},
    params={
        "g": Param(
            0.0, "conductance", 0.0, 1e6, ALONE, "conductance, unblocked, of all synapses that reach the neuron"
        ),
        "E": Param(0.0, "mV", -200.0, 200.0, C00, "reversal potential"),
        "Mg": Param(1.0, "mM", 0.0, 100.0, JAHR90, "magnesium outside"),
        "alpha": Param(0.5, "1/ms", 0.0, 1000.0, C00, "opening"),
        "tau_s": Param(100.0, "ms", 1e-3, 1e6, C00, "decay time constant"),
        "tau_x": Param(2.0, "ms", 1e-3, 1e6, C00, "time constant of the transmitter, which is that of the rise"),
    },
    source=C00,
    note="The weight is the conductance of a synapse with all channels open and no magnesium. The neuron's reset "
    "adds 1 to x; g is of the neuron that receives, x and s of the one that sends.",
)
