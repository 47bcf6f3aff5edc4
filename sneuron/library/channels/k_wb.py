"""The delayed rectifier of a hippocampal interneuron (Wang & Buzsaki 1996)."""

from sneuron.lang.spec import Channel, Gate, Param

WB96 = "Wang & Buzsaki 1996, J Neurosci 16:6402, doi:10.1523/JNEUROSCI.16-20-06402.1996"

K_WB = Channel(
    name="k_wb",
    current="g*n**4*(v - E)",
    ion="k",
    unit="uA/cm2",
    gates={"n": Gate(alpha="0.1/exprel(-(v + 34)/10)", beta="0.125*exp(-(v + 44)/80)", rate="phi", note="activation")},
    params={
        "g": Param(9.0, "mS/cm2", 0.0, 10000.0, WB96, "maximal conductance"),
        "E": Param(-90.0, "mV", -200.0, 200.0, WB96, "reversal potential"),
        "phi": Param(5.0, "1", 0.0, 1000.0, WB96, "factor of the rates"),
    },
    source=WB96,
    note="Opening rate 0.01 (v + 34)/(1 - exp(-(v + 34)/10)) per ms, written with exprel.",
)
