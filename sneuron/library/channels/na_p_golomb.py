"""The persistent sodium channel of hippocampal pyramidal cells (Golomb, Yue & Yaari 2006)."""

from sneuron.lang.spec import Channel, Param

GOLOMB06 = "Golomb, Yue & Yaari 2006, J Neurophysiol 96:1912, doi:10.1152/jn.00205.2006"

NA_P_GOLOMB = Channel(
    name="na_p_golomb",
    current="g*p*(v - E)",
    ion="na",
    unit="uA/cm2",
    functions={"p": "1/(1 + exp(-(v - half)/3))"},
    params={
        "g": Param(0.3, "mS/cm2", 0.0, 10000.0, GOLOMB06 + ", without calcium outside", "maximal conductance"),
        "E": Param(55.0, "mV", -200.0, 200.0, GOLOMB06, "reversal potential"),
        "half": Param(
            -47.0,
            "mV",
            -200.0,
            200.0,
            GOLOMB06 + ", without calcium outside; -41 mV and g = 0.2 with it",
            "voltage of half activation",
        ),
    },
    source=GOLOMB06 + ", and its files in ModelDB 66268",
    note="Follows the voltage at once and does not inactivate.",
)
