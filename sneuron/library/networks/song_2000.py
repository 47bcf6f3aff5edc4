"""One neuron with a thousand plastic synapses, which compete (Song, Miller & Abbott 2000)."""

from sneuron.lang.spec import Network, Population, Projection

SONG00 = "Song, Miller & Abbott 2000, Nat Neurosci 3:919, doi:10.1038/78829"

CELL = {"EL": -70.0, "Vth": -54.0, "Vr": -60.0, "inh.E": -70.0, "inh.tau": 5.0, "t_ref": 0.0}

SONG_2000 = Network(
    name="song_2000",
    populations={
        "cell": Population(1, "vogels_abbott_coba", CELL),
        "exc": Population(1000, "poisson", {"rate": 15.0}, sign="excitatory"),
        "inh": Population(200, "poisson", {"rate": 10.0}),
    },
    projections={
        "plastic": Projection(
            "exc", "cell", "all_to_all", {}, {"law": "uniform", "low": 0.0, "high": 0.15}, 0.1, "nS", "exc",
            plasticity={"rule": "stdp", "w_max": 0.15},
        ),
        "fixed": Projection("inh", "cell", "all_to_all", {}, 0.5, 0.1, "nS", "inh"),
    },
    source=SONG00,
    note="Conductances are 0.015 (the largest) and 0.05 of the leak, which is 10 nS. Strong inputs stay strong, the "
    "others fade; the rate of the neuron changes little with that of its inputs.",
)  # fmt: skip
