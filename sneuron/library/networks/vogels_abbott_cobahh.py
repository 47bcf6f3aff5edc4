"""A network of Hodgkin-Huxley neurons with synaptic conductances (Brette et al. 2007, benchmark 3)."""

from sneuron.lang.spec import Network, Population, Projection

BRETTE07 = "Brette et al. 2007, J Comput Neurosci 23:349, doi:10.1007/s10827-007-0038-6, benchmark 3"
VA05 = "Vogels & Abbott 2005, J Neurosci 25:10786, doi:10.1523/JNEUROSCI.3508-05.2005"
START = {
    "v": {"law": "normal", "mean": -65.0, "std": 5.0},
    "exc.g": {"law": "normal", "mean": 0.2, "std": 0.075, "low": 0.0},
    "inh.g": {"law": "normal", "mean": 1.0, "std": 0.6, "low": 0.0},
}

VOGELS_ABBOTT_COBAHH = Network(
    name="vogels_abbott_cobahh",
    populations={
        "e": Population(3200, "vogels_abbott_cobahh", START, sign="excitatory"),
        "i": Population(800, "vogels_abbott_cobahh", START),
    },
    projections={
        "ee": Projection("e", "e", "erdos_renyi", {"p": 0.02}, 0.03, 0.1, "mS/cm2", "exc"),
        "ei": Projection("e", "i", "erdos_renyi", {"p": 0.02}, 0.03, 0.1, "mS/cm2", "exc"),
        "ie": Projection("i", "e", "erdos_renyi", {"p": 0.02}, 0.335, 0.1, "mS/cm2", "inh"),
        "ii": Projection("i", "i", "erdos_renyi", {"p": 0.02}, 0.335, 0.1, "mS/cm2", "inh"),
    },
    source=VA05 + "; " + BRETTE07,
    note="6 nS and 67 nS on 20000 um2 of membrane; started as in Brian2's COBAHH example. Fires at 38 to 47 Hz, which "
    "the graph decides; Brian2 2.9.0 on one of these graphs at 37.7 Hz at a step of 0.1 ms, 41.7 Hz at 0.025 ms. "
    "A delay of one step of 0.1 ms stands for none.",
)
