"""A ring of neurons that remembers where a cue was, as a bump of activity that stays (Compte et al. 2000)."""

from math import erf, pi, sqrt

from sneuron.lang.spec import Network, Population, Projection

C00 = "Compte, Brunel, Goldman-Rakic & Wang 2000, Cereb Cortex 10:910, doi:10.1093/cercor/10.9.910"
RING = {"on": "ring", "length": 360.0, "at": "grid"}
"""A degree is a um."""
START = {"v": {"law": "uniform", "low": -60.0, "high": -50.0}}
FAST = {"C": 200.0, "gL": 20.0, "t_ref": 1.0, "g_ext": 2.38}

PEAK, WIDTH = 1.62, 14.4
SHARE = sqrt(2 * pi) * WIDTH * erf(180 / sqrt(2) / WIDTH) / 360
BASE = (1 - PEAK * SHARE) / (1 - SHARE)
"""So that the mean over the ring is 1."""

COMPTE_2000 = Network(
    name="compte_2000",
    populations={
        "e": Population(2048, "compte", START, sign="excitatory", positions=RING),
        "i": Population(512, "compte", START | FAST),
    },
    projections={
        "ee": Projection(
            "e", "e", "all_to_all", {},
            {"law": "gaussian", "peak": 0.381 * PEAK, "base": 0.381 * BASE, "scale": WIDTH},
            0.0, "nS", "nmda", autapses=True,
        ),
        "ei": Projection("e", "i", "all_to_all", {}, 0.292, 0.0, "nS", "nmda"),
        "ie": Projection("i", "e", "all_to_all", {}, 1.336, 0.1, "nS", "gaba"),
        "ii": Projection("i", "i", "all_to_all", {}, 1.024, 0.1, "nS", "gaba", autapses=True),
    },
    source=C00,
    note="The width of 14.4 degrees is that of public code, whose author notes a misprint in the paper. A spike of an "
    "interneuron acts after a step of 0.1 ms. Half of the neurons with weights twice as large hold a bump, too.",
)  # fmt: skip
