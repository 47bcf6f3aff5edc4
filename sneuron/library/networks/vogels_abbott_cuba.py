"""Vogels & Abbott's network with synaptic currents, restated as a benchmark (Brette et al. 2007)."""

from sneuron.lang.spec import Network, Population, Projection

BRETTE07 = "Brette et al. 2007, J Comput Neurosci 23:349, doi:10.1007/s10827-007-0038-6, benchmark 2"
VA05 = "Vogels & Abbott 2005, J Neurosci 25:10786, doi:10.1523/JNEUROSCI.3508-05.2005"
START = {"v": {"law": "uniform", "low": -60.0, "high": -50.0}}
E = {"rule": "erdos_renyi", "params": {"p": 0.02}, "weight": 16.2, "delay": 0.1, "unit": "pA", "receptor": "exc"}
I = {"rule": "erdos_renyi", "params": {"p": 0.02}, "weight": -90.0, "delay": 0.1, "unit": "pA", "receptor": "inh"}

VOGELS_ABBOTT_CUBA = Network(
    name="vogels_abbott_cuba",
    populations={
        "e": Population(3200, "vogels_abbott_cuba", START, sign="excitatory"),
        "i": Population(800, "vogels_abbott_cuba", START, sign="inhibitory"),
    },
    projections={
        "ee": Projection("e", "e", **E),
        "ei": Projection("e", "i", **E),
        "ie": Projection("i", "e", **I),
        "ii": Projection("i", "i", **I),
    },
    source=VA05 + "; " + BRETTE07,
    note="A delay of one step of 0.1 ms stands for none.",
)
