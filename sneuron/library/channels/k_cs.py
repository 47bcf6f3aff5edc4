"""The delayed rectifier of crustacean walking leg axons (Connor, Walter & McKown 1977)."""

from sneuron.lang.spec import Channel, Gate, Param

CWM77 = "Connor, Walter & McKown 1977, Biophys J 18:81, doi:10.1016/S0006-3495(77)85598-7"

K_CS = Channel(
    name="k_cs",
    current="g*n**4*(v - E)",
    ion="k",
    unit="uA/cm2",
    gates={
        "n": Gate(alpha="0.1/exprel(-(v + 45.7)/10)", beta="0.125*exp(-(v + 55.7)/80)", rate="phi/2", note="activation")
    },
    params={
        "g": Param(20.0, "mS/cm2", 0.0, 10000.0, CWM77, "maximal conductance"),
        "E": Param(-72.0, "mV", -200.0, 200.0, CWM77, "reversal potential"),
        "phi": Param(3.8, "1", 0.0, 1000.0, CWM77, "factor of the rates, of which n has half: temperature"),
    },
    source=CWM77,
    note="The rates of Hodgkin & Huxley 1952, shifted by 4.3 mV.",
)
