"""The fast sodium channel of a hippocampal interneuron (Wang & Buzsaki 1996), with instantaneous activation."""

from sneuron.lang.spec import Channel, Gate, Param

WB96 = "Wang & Buzsaki 1996, J Neurosci 16:6402, doi:10.1523/JNEUROSCI.16-20-06402.1996"

NA_WB = Channel(
    name="na_wb",
    current="g*m**3*h*(v - E)",
    ion="na",
    unit="uA/cm2",
    gates={
        "h": Gate(alpha="0.07*exp(-(v + 58)/20)", beta="1/(1 + exp(-(v + 28)/10))", rate="phi", note="inactivation")
    },
    functions={
        "alpha": "1/exprel(-(v + 35)/10)",
        "beta": "4*exp(-(v + 60)/18)",
        "m": "alpha/(alpha + beta)",
    },
    params={
        "g": Param(35.0, "mS/cm2", 0.0, 10000.0, WB96, "maximal conductance"),
        "E": Param(55.0, "mV", -200.0, 200.0, WB96, "reversal potential"),
        "phi": Param(5.0, "1", 0.0, 1000.0, WB96, "factor of the rates of h"),
    },
    source=WB96,
    note="Activation m is instantaneous; its opening rate 0.1 (v + 35)/(1 - exp(-(v + 35)/10)) is written with exprel.",
)
