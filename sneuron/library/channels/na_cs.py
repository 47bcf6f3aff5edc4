"""The fast sodium channel of crustacean walking leg axons (Connor, Walter & McKown 1977)."""

from sneuron.lang.spec import Channel, Gate, Param

CWM77 = "Connor, Walter & McKown 1977, Biophys J 18:81, doi:10.1016/S0006-3495(77)85598-7"

NA_CS = Channel(
    name="na_cs",
    current="g*m**3*h*(v - E)",
    ion="na",
    unit="uA/cm2",
    gates={
        "m": Gate(alpha="1/exprel(-(v + 29.7)/10)", beta="4*exp(-(v + 54.7)/18)", rate="phi", note="activation"),
        "h": Gate(alpha="0.07*exp(-(v + 48)/20)", beta="1/(1 + exp(-(v + 18)/10))", rate="phi", note="inactivation"),
    },
    params={
        "g": Param(120.0, "mS/cm2", 0.0, 10000.0, CWM77, "maximal conductance"),
        "E": Param(55.0, "mV", -200.0, 200.0, CWM77, "reversal potential"),
        "phi": Param(3.8, "1", 0.0, 1000.0, CWM77, "factor of the rates: temperature"),
    },
    source=CWM77,
    note="The rates of Hodgkin & Huxley 1952, shifted by 5.3 mV (m) and 12 mV (h).",
)
