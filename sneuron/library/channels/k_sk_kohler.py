"""The small-conductance calcium-activated potassium channel (Kohler et al. 1996), as in Hay et al. 2011."""

from sneuron.lang.spec import Channel, Gate, Param

KOHLER96 = "Kohler et al. 1996, Science 273:1709, doi:10.1126/science.273.5282.1709"
HAY11 = "Hay et al. 2011, PLoS Comput Biol 7:e1002107, doi:10.1371/journal.pcbi.1002107"

K_SK_KOHLER = Channel(
    name="k_sk_kohler",
    current="g*z*(v - E)",
    ion="k",
    unit="uA/cm2",
    gates={"z": Gate(inf="bound/(1 + bound)", tau="tau", note="activation by calcium alone")},
    functions={"bound": "(cai/half)**4.8"},
    params={
        "g": Param(
            0.1, "mS/cm2", 0.0, 10000.0, "own choice: within the range searched by " + HAY11, "maximal conductance"
        ),
        "E": Param(-85.0, "mV", -200.0, 200.0, HAY11, "reversal potential"),
        "half": Param(4.3e-4, "mM", 1e-9, 100.0, HAY11, "calcium at which half of the channels are open"),
        "tau": Param(1.0, "ms", 0.001, 1000.0, HAY11, "time constant"),
        "cai": Param(1e-4, "mM", 0.0, 100.0, HAY11, "calcium inside"),
    },
    source=KOHLER96 + "; as SK_E2 of " + HAY11,
)
