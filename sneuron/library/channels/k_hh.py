"""The delayed rectifier of the squid giant axon (Hodgkin & Huxley 1952)."""

from sneuron.lang.spec import Channel, Gate, Param

HH52 = "Hodgkin & Huxley 1952, J Physiol 117:500, doi:10.1113/jphysiol.1952.sp004764"
SHIFT = " (voltages shifted so that the resting potential of 1952 lies at -65 mV)"

K_HH = Channel(
    name="k_hh",
    current="g*n**4*(v - E)",
    ion="k",
    unit="uA/cm2",
    gates={"n": Gate(alpha="0.1/exprel(-(v + 55)/10)", beta="0.125*exp(-(v + 65)/80)", rate="phi", note="activation")},
    functions={"phi": "3**((celsius - 6.3)/10)"},
    params={
        "g": Param(36.0, "mS/cm2", 0.0, 10000.0, HH52, "maximal conductance"),
        "E": Param(-77.0, "mV", -200.0, 200.0, HH52 + SHIFT, "reversal potential"),
        "celsius": Param(6.3, "degC", -10.0, 60.0, HH52, "temperature; Q10 = 3 for the rates"),
    },
    source=HH52,
    note="Rates per ms at 6.3 degC; alpha_n is written with exprel and exact at v = -55 mV.",
)
