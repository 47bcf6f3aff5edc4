"""Brunel's sparse network of excitatory and inhibitory neurons, in its asynchronous irregular state (Brunel 2000)."""

from sneuron.lang.spec import Network, Param, Population, Projection

BRUNEL00 = "Brunel 2000, J Comput Neurosci 8:183, doi:10.1023/A:1008925309027, model A"

BRUNEL = Network(
    name="brunel",
    params={
        "J": Param(0.1, "mV", 1e-3, 20.0, note="jump of v by a spike, from inside and outside"),
        "g": Param(5.0, "1", 0.0, 1000.0, note="strength of inhibitory synapses against excitatory ones"),
        "eta": Param(2.0, "1", 0.0, 400.0, note="rate from outside against that which just reaches the threshold"),
        "D": Param(1.5, "ms", 1e-3, 1000.0, note="delay of all synapses"),
    },
    populations={
        "e": Population(10000, "brunel", {"J": "J", "rate": "eta/J"}, sign="excitatory"),
        "i": Population(2500, "brunel", {"J": "J", "rate": "eta/J"}, sign="inhibitory"),
    },
    projections={
        "ee": Projection("e", "e", "fixed_indegree", {"k": 1000}, "J", "D", "mV", "syn"),
        "ei": Projection("e", "i", "fixed_indegree", {"k": 1000}, "J", "D", "mV", "syn"),
        "ie": Projection("i", "e", "fixed_indegree", {"k": 250}, "-g*J", "D", "mV", "syn"),
        "ii": Projection("i", "i", "fixed_indegree", {"k": 250}, "-g*J", "D", "mV", "syn"),
    },
    source=BRUNEL00,
    note="A neuron gets C_E eta nu_thr from outside, nu_thr = theta/(C_E J tau): in all eta theta/(J tau). "
    "theta/tau is 1 mV/ms for a threshold of 20 mV and a time constant of 20 ms. Others ask for another rate.",
)
