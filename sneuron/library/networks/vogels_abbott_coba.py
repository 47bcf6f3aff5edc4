"""Vogels & Abbott's network with synaptic conductances, restated as a benchmark (Brette et al. 2007)."""

from sneuron.lang.spec import Network, Population, Projection

BRETTE07 = "Brette et al. 2007, J Comput Neurosci 23:349, doi:10.1007/s10827-007-0038-6, benchmark 1"
VA05 = "Vogels & Abbott 2005, J Neurosci 25:10786, doi:10.1523/JNEUROSCI.3508-05.2005"
START = {
    "v": {"law": "normal", "mean": -65.0, "std": 5.0},
    "exc.g": {"law": "normal", "mean": 40.0, "std": 15.0, "low": 0.0},
    "inh.g": {"law": "lognormal", "mean": 250.0, "sigma": 1.0},
}

VOGELS_ABBOTT_COBA = Network(
    name="vogels_abbott_coba",
    populations={
        "e": Population(3200, "vogels_abbott_coba", START, sign="excitatory"),
        "i": Population(800, "vogels_abbott_coba", START),
    },
    projections={
        "ee": Projection("e", "e", "erdos_renyi", {"p": 0.02}, 6.0, 0.1, "nS", "exc"),
        "ei": Projection("e", "i", "erdos_renyi", {"p": 0.02}, 6.0, 0.1, "nS", "exc"),
        "ie": Projection("i", "e", "erdos_renyi", {"p": 0.02}, 67.0, 0.1, "nS", "inh"),
        "ii": Projection("i", "i", "erdos_renyi", {"p": 0.02}, 67.0, 0.1, "nS", "inh"),
    },
    source=VA05 + "; " + BRETTE07,
    note="Started by conductances of our own choice. Quiet is a state of it, too: about half of them stay active, "
    "at 17 to 20 Hz. A delay of one step of 0.1 ms stands for none.",
)
