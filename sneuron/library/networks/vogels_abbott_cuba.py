"""Vogels & Abbott's network with synaptic currents, restated as a benchmark (Brette et al. 2007)."""

from sneuron.lang.spec import Network, Population, Projection

BRETTE07 = "Brette et al. 2007, J Comput Neurosci 23:349, doi:10.1007/s10827-007-0038-6, benchmark 2"
VA05 = "Vogels & Abbott 2005, J Neurosci 25:10786, doi:10.1523/JNEUROSCI.3508-05.2005"
START = {"v": {"law": "uniform", "low": -60.0, "high": -50.0}}

VOGELS_ABBOTT_CUBA = Network(
    name="vogels_abbott_cuba",
    populations={
        "e": Population(3200, "vogels_abbott_cuba", START, sign="excitatory"),
        "i": Population(800, "vogels_abbott_cuba", START, sign="inhibitory"),
    },
    projections={
        "ee": Projection("e", "e", "erdos_renyi", {"p": 0.02}, 16.2, 0.1, "pA", "exc"),
        "ei": Projection("e", "i", "erdos_renyi", {"p": 0.02}, 16.2, 0.1, "pA", "exc"),
        "ie": Projection("i", "e", "erdos_renyi", {"p": 0.02}, -90.0, 0.1, "pA", "inh"),
        "ii": Projection("i", "i", "erdos_renyi", {"p": 0.02}, -90.0, 0.1, "pA", "inh"),
    },
    source=VA05 + "; " + BRETTE07,
    note="A delay of one step of 0.1 ms stands for none.",
)
