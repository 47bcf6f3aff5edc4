"""Frozen noise: an Ornstein-Uhlenbeck current, drawn once from its seed and then played."""

from sneuron.lang.spec import Param, Stimulus

MAINEN95 = "Mainen & Sejnowski 1995, Science 268:1503, doi:10.1126/science.7770778"

NOISE = Stimulus(
    name="noise",
    played=True,
    params={
        "mean": Param(0.0, "", source=MAINEN95, note="mean current"),
        "std": Param(0.0, "", 0.0, 1e12, MAINEN95, "standard deviation in the long run"),
        "tau": Param(3.0, "ms", 0.0, 1e6, MAINEN95, "correlation time; 0 gives white samples"),
        "start": Param(0.0, "ms", source=MAINEN95, note="when it comes on"),
        "stop": Param(1000.0, "ms", source=MAINEN95, note="when it goes off"),
        "seed": Param(
            0.0, "1", 0.0, 2.0**53, "own choice", "the same seed gives the same noise", fixed="a seed is no quantity"
        ),
    },
    source=MAINEN95,
)
