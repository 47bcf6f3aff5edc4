"""The cortical column under a square millimetre: four layers, eight populations (Potjans & Diesmann 2014)."""

from math import log, sqrt

from sneuron.lang.spec import Network, Population, Projection

PD14 = "Potjans & Diesmann 2014, Cereb Cortex 24:785, doi:10.1093/cercor/bhs358"
VA15 = "van Albada, Helias & Diesmann 2015, PLoS Comput Biol 11:e1004490, doi:10.1371/journal.pcbi.1004490"

SIZES = {
    "L23E": 20683, "L23I": 5834, "L4E": 21915, "L4I": 5479, "L5E": 4850, "L5I": 1065, "L6E": 14395, "L6I": 2948,
}  # fmt: skip
EXTERNAL = {"L23E": 1600, "L23I": 1500, "L4E": 2100, "L4I": 1900, "L5E": 2000, "L5I": 1900, "L6E": 2900, "L6I": 2100}
RATES = {
    "L23E": 0.903, "L23I": 2.965, "L4E": 4.414, "L4I": 5.876, "L5E": 7.569, "L5I": 8.633, "L6E": 1.105, "L6I": 7.829,
}  # fmt: skip
"""In Hz, of the whole network, as the example that comes with NEST 3 states them."""
CHANCES = {
    "L23E": (0.1009, 0.1689, 0.0437, 0.0818, 0.0323, 0.0, 0.0076, 0.0),
    "L23I": (0.1346, 0.1371, 0.0316, 0.0515, 0.0755, 0.0, 0.0042, 0.0),
    "L4E": (0.0077, 0.0059, 0.0497, 0.135, 0.0067, 0.0003, 0.0453, 0.0),
    "L4I": (0.0691, 0.0029, 0.0794, 0.1597, 0.0033, 0.0, 0.1057, 0.0),
    "L5E": (0.1004, 0.0622, 0.0505, 0.0057, 0.0831, 0.3726, 0.0204, 0.0),
    "L5I": (0.0548, 0.0269, 0.0257, 0.0022, 0.06, 0.3158, 0.0086, 0.0),
    "L6E": (0.0156, 0.0066, 0.0211, 0.0166, 0.0572, 0.0197, 0.0396, 0.2252),
    "L6I": (0.0364, 0.001, 0.0034, 0.0005, 0.0277, 0.008, 0.0658, 0.1443),
}
J = 87.8
PAIRS = {
    (pre, post): chance
    for post, chances in CHANCES.items()
    for pre, chance in zip(SIZES, chances, strict=True)
    if chance > 0
}
WEIGHTS = {(a, b): 2 * J if (a, b) == ("L4E", "L23E") else J if a.endswith("E") else -4 * J for a, b in PAIRS}
COUNTS = {(a, b): log(1 - p) / log(1 - 1 / (SIZES[a] * SIZES[b])) for (a, b), p in PAIRS.items()}
"""Synapses of each projection: pairs are connected with the chance that the table says, some more than once."""
DELAYS = {
    "E": {"law": "normal", "mean": 1.5, "std": 0.75, "low": 0.1, "step": 0.1},
    "I": {"law": "normal", "mean": 0.75, "std": 0.375, "low": 0.1, "step": 0.1},
}
START = {"v": {"law": "normal", "mean": -58.0, "std": 10.0}}
SIGNS = {"E": "excitatory", "I": "inhibitory"}
BOUNDS = {"E": {"low": 0.0}, "I": {"high": 0.0}}

POTJANS_DIESMANN = Network(
    name="potjans_diesmann",
    populations={
        n: Population(many, "potjans_diesmann", {**START, "K_ext": float(EXTERNAL[n])}, sign=SIGNS[n[-1]])
        for n, many in SIZES.items()
    },
    projections={
        f"{a}_{b}": Projection(
            a, b, "fixed_total", {"n": round(COUNTS[a, b])},
            {"law": "normal", "mean": w, "std": 0.1 * abs(w), **BOUNDS[a[-1]]}, DELAYS[a[-1]],
            "pA", "syn", autapses=a == b, multapses=True,
        )
        for (a, b), w in WEIGHTS.items()
    },
    source=PD14,
    note="77,169 neurons and 299 million synapses. Sizes and numbers of synapses may be changed: the in-degrees stay "
    "when both are scaled alike. Delays are multiples of 0.1 ms.",
)  # fmt: skip

PART = 0.1
"""Of the neurons, and of the synapses of each, in the small one."""

POTJANS_DIESMANN_10 = Network(
    name="potjans_diesmann_10",
    populations={
        n: Population(
            round(PART * many), "potjans_diesmann",
            {
                **START,
                "K_ext": PART * EXTERNAL[n],
                "J_ext": J / sqrt(PART),
                "I": 0.0005 * (1 - sqrt(PART)) * (
                    8.0 * EXTERNAL[n] * J
                    + sum(w * COUNTS[a, b] / SIZES[b] * RATES[a] for (a, b), w in WEIGHTS.items() if b == n)
                ),
            },
            sign=SIGNS[n[-1]],
        )
        for n, many in SIZES.items()
    },
    projections={
        f"{a}_{b}": Projection(
            a, b, "fixed_total", {"n": round(PART**2 * COUNTS[a, b])},
            {"law": "normal", "mean": w / sqrt(PART), "std": 0.1 * abs(w) / sqrt(PART), **BOUNDS[a[-1]]},
            DELAYS[a[-1]], "pA", "syn", autapses=a == b, multapses=True,
        )
        for (a, b), w in WEIGHTS.items()
    },
    source=PD14 + "; " + VA15,
    note="A tenth of the neurons with a tenth of the synapses each: 7717 neurons, 3 million synapses. Weights are "
    "larger by the square root of ten, and a constant current makes up for the lost mean, by the rates of the whole.",
)  # fmt: skip
