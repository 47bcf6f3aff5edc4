"""Brunel's sparse network of excitatory and inhibitory neurons, in its asynchronous irregular state (Brunel 2000)."""

from sneuron.lang.spec import Network, Population, Projection

BRUNEL00 = "Brunel 2000, J Comput Neurosci 8:183, doi:10.1023/A:1008925309027, model A"

BRUNEL = Network(
    name="brunel",
    populations={
        "e": Population(10000, "brunel", sign="excitatory"),
        "i": Population(2500, "brunel", sign="inhibitory"),
    },
    projections={
        "ee": Projection("e", "e", "fixed_indegree", {"k": 1000}, 0.1, 1.5, "mV", "syn"),
        "ei": Projection("e", "i", "fixed_indegree", {"k": 1000}, 0.1, 1.5, "mV", "syn"),
        "ie": Projection("i", "e", "fixed_indegree", {"k": 250}, -0.5, 1.5, "mV", "syn"),
        "ii": Projection("i", "i", "fixed_indegree", {"k": 250}, -0.5, 1.5, "mV", "syn"),
    },
    source=BRUNEL00,
    note="g = 5, eta = 2: weights are J = 0.1 mV and -g J; rates from outside are 10 eta per ms.",
)
