"""The fast sodium channel of the squid giant axon (Hodgkin & Huxley 1952)."""

from sneuron.lang.spec import Channel, Gate, Param

HH52 = "Hodgkin & Huxley 1952, J Physiol 117:500, doi:10.1113/jphysiol.1952.sp004764"
SHIFT = " (voltages shifted so that the resting potential of 1952 lies at -65 mV)"

NA_HH = Channel(
    name="na_hh",
    current="g*m**3*h*(v - E)",
    ion="na",
    unit="uA/cm2",
    gates={
        "m": Gate(alpha="1/exprel(-(v + 40)/10)", beta="4*exp(-(v + 65)/18)", rate="phi", note="activation"),
        "h": Gate(alpha="0.07*exp(-(v + 65)/20)", beta="1/(1 + exp(-(v + 35)/10))", rate="phi", note="inactivation"),
    },
    functions={"phi": "3**((celsius - 6.3)/10)"},
    params={
        "g": Param(120.0, "mS/cm2", 0.0, 10000.0, HH52, "maximal conductance"),
        "E": Param(50.0, "mV", -200.0, 200.0, HH52 + SHIFT, "reversal potential"),
        "celsius": Param(6.3, "degC", -10.0, 60.0, HH52, "temperature; Q10 = 3 for the rates"),
    },
    source=HH52,
    note="Rates per ms at 6.3 degC; alpha_m is written with exprel and exact at v = -40 mV.",
)
