"""Vogels & Abbott's network with synaptic conductances, restated as a benchmark (Brette et al. 2007)."""

from sneuron.lang.spec import Network, Population, Projection

BRETTE07 = "Brette et al. 2007, J Comput Neurosci 23:349, doi:10.1007/s10827-007-0038-6, benchmark 1"
VA05 = "Vogels & Abbott 2005, J Neurosci 25:10786, doi:10.1523/JNEUROSCI.3508-05.2005"
START = {
    "v": {"law": "normal", "mean": -65.0, "std": 5.0},
    "exc.g": {"law": "normal", "mean": 40.0, "std": 15.0, "low": 0.0},
    "inh.g": {"law": "lognormal", "mean": 250.0, "sigma": 1.0},
}
E = {"rule": "erdos_renyi", "params": {"p": 0.02}, "weight": 6.0, "delay": 0.1, "unit": "nS", "receptor": "exc"}
I = {"rule": "erdos_renyi", "params": {"p": 0.02}, "weight": 67.0, "delay": 0.1, "unit": "nS", "receptor": "inh"}

VOGELS_ABBOTT_COBA = Network(
    name="vogels_abbott_coba",
    populations={
        "e": Population(3200, "vogels_abbott_coba", START, sign="excitatory"),
        "i": Population(800, "vogels_abbott_coba", START),
    },
    projections={
        "ee": Projection("e", "e", **E),
        "ei": Projection("e", "i", **E),
        "ie": Projection("i", "e", **I),
        "ii": Projection("i", "i", **I),
    },
    source=VA05 + "; " + BRETTE07,
    note="Started by conductances of our own choice. Quiet is a state of it, too: about half of the networks stay active, "
    "at 17 to 20 Hz. A delay of one step of 0.1 ms stands for none.",
)
