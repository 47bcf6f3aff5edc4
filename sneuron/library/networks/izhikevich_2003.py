"""A thousand simple neurons, no two the same, that drift between alpha and gamma rhythms (Izhikevich 2003)."""

from sneuron.lang.spec import Network, Population, Projection

IZ03 = "Izhikevich 2003, IEEE Trans Neural Netw 14:1569, doi:10.1109/TNN.2003.820440 (net.m)"
EVENLY = {"law": "uniform", "low": 0.0, "high": 1.0}
FAST = {"a1": 0.08, "b0": 0.25, "b1": -0.05, "c1": 0.0, "d0": 2.0, "d1": 0.0, "std": 2.0}

IZHIKEVICH_2003 = Network(
    name="izhikevich_2003",
    populations={
        "e": Population(800, "izhikevich_random", {"r": EVENLY}, sign="excitatory"),
        "i": Population(200, "izhikevich_random", {"r": EVENLY, **FAST}, sign="inhibitory"),
    },
    projections={
        a + b: Projection(a, b, "all_to_all", {}, law, 0.0, "mV/ms", "syn", autapses=a == b)
        for a, law in (
            ("e", {"law": "uniform", "low": 0.0, "high": 0.5}),
            ("i", {"law": "uniform", "low": -1.0, "high": 0.0}),
        )
        for b in "ei"
    },
    source=IZ03,
    note="The scheme of net.m: steps of 1 ms, and a spike acts in the step after it.",
)
