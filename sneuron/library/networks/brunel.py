"""Brunel's sparse network of excitatory and inhibitory neurons, in its asynchronous irregular state (Brunel 2000)."""

from sneuron.lang.spec import Network, Population, Projection

BRUNEL00 = "Brunel 2000, J Comput Neurosci 8:183, doi:10.1023/A:1008925309027, model A"
E = {"rule": "fixed_indegree", "params": {"k": 1000}, "weight": 0.1, "delay": 1.5, "unit": "mV", "receptor": "syn"}
I = {"rule": "fixed_indegree", "params": {"k": 250}, "weight": -0.5, "delay": 1.5, "unit": "mV", "receptor": "syn"}

BRUNEL = Network(
    name="brunel",
    populations={
        "e": Population(10000, "brunel", sign="excitatory"),
        "i": Population(2500, "brunel", sign="inhibitory"),
    },
    projections={
        "ee": Projection("e", "e", **E),
        "ei": Projection("e", "i", **E),
        "ie": Projection("i", "e", **I),
        "ii": Projection("i", "i", **I),
    },
    source=BRUNEL00,
    note="g = 5, eta = 2: weights are J = 0.1 mV and -g J; the input from outside is that of the neuron `brunel`.",
)
