"""A network that learns: excitation by the timing of spikes, inhibition that holds a rate (Vogels et al. 2011)."""

from sneuron.lang.spec import Network, Param, Population, Projection

VOGELS11 = "Vogels, Sprekeler, Zenke, Clopath & Gerstner 2011, Science 334:1569, doi:10.1126/science.1211095"
START = {"v": {"law": "uniform", "low": -60.0, "high": -50.0}}

STDP_BALANCED = Network(
    name="stdp_balanced",
    params={
        "ratio": Param(1.05, "1", 0.0, 100.0, note="A_minus/A_plus of excitatory synapses"),
        "target": Param(5.0, "Hz", 0.0, 1000.0, note="rate that inhibition aims at"),
    },
    populations={
        "e": Population(800, "vogels_abbott_cuba", START, sign="excitatory"),
        "i": Population(200, "vogels_abbott_cuba", START, sign="inhibitory"),
    },
    projections={
        "ee": Projection(
            "e", "e", "erdos_renyi", {"p": 0.08}, 16.2, 0.1, "pA", "exc",
            plasticity={"rule": "stdp", "A_plus": 0.1, "A_minus": "0.1*ratio", "w_max": 100.0},
        ),
        "ei": Projection("e", "i", "erdos_renyi", {"p": 0.08}, 16.2, 0.1, "pA", "exc"),
        "ie": Projection(
            "i", "e", "erdos_renyi", {"p": 0.08}, -90.0, 0.1, "pA", "inh",
            plasticity={"rule": "inhibitory", "eta": 0.02, "rate": "0.001*target", "w_scale": 90.0, "w_max": 900.0},
        ),
        "ii": Projection("i", "i", "erdos_renyi", {"p": 0.08}, -90.0, 0.1, "pA", "inh"),
    },
    source=VOGELS11,
    note="Neurons, in-degrees and weights of vogels_abbott_cuba at a quarter of its size; the rule of ee and all "
    "rates of learning are our own choice. Without plasticity on ee it is the balance of the paper.",
)  # fmt: skip
