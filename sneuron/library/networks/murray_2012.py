"""The ring of Compte et al. with stronger, narrower excitation: its bumps stay in small networks, too (Murray 2012)."""

from math import erf, pi, sqrt

from sneuron.lang.spec import Network, Population, Projection

M12 = "Murray et al. 2014, Cereb Cortex 24:859, doi:10.1093/cercor/bhs370 (online 2012)"
RING = {"on": "ring", "length": 360.0, "at": "grid"}
"""A degree is a um."""
START = {"v": {"law": "uniform", "low": -60.0, "high": -50.0}, "nu_ext": 0.6}
SLOW = {"g_ext": 9.3}
FAST = {"C": 200.0, "gL": 20.0, "t_ref": 1.0, "g_ext": 7.14}

PEAK, WIDTH = 3.0, 9.0
SHARE = sqrt(2 * pi) * WIDTH * erf(180 / sqrt(2) / WIDTH) / 360
BASE = (1 - PEAK * SHARE) / (1 - SHARE)
"""So that the mean over the ring is 1."""

MURRAY_2012, MURRAY_2012_8 = (
    Network(
        name=name,
        populations={
            "e": Population(2048 // part, "compte", START | SLOW, sign="excitatory", positions=RING),
            "i": Population(512 // part, "compte", START | FAST),
        },
        projections={
            "ee": Projection(
                "e", "e", "all_to_all", {},
                {"law": "gaussian", "peak": 1001.9 * part / 2048 * PEAK, "base": 1001.9 * part / 2048 * BASE,
                 "scale": WIDTH},
                0.0, "nS", "nmda", autapses=True,
            ),
            "ei": Projection("e", "i", "all_to_all", {}, 717.6 * part / 2048, 0.0, "nS", "nmda"),
            "ie": Projection("i", "e", "all_to_all", {}, 807.2 * part / 512, 0.1, "nS", "gaba"),
            "ii": Projection("i", "i", "all_to_all", {}, 566.2 * part / 512, 0.1, "nS", "gaba", autapses=True),
        },
        source=M12,
        note=note + "The values are those of public code of this model. A spike of an interneuron acts after a step of "
        "0.1 ms.",
    )
    for name, part, note in (
        ("murray_2012", 1, ""),
        ("murray_2012_8", 8, "An eighth of the neurons, with weights that are larger by as much. "),
    )
)  # fmt: skip
