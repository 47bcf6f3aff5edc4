"""The hyperpolarization-activated cation channel of thalamic relay cells (Huguenard & McCormick 1992)."""

from sneuron.lang.spec import Channel, Gate, Param

HM92 = "Huguenard & McCormick 1992, J Neurophysiol 68:1373, doi:10.1152/jn.1992.68.4.1373"

H_HM = Channel(
    name="h_hm",
    current="g*m*(v - E)",
    unit="uA/cm2",
    gates={
        "m": Gate(
            inf="1/(1 + exp((v + 75)/5.5))",
            tau="1/(exp(-14.59 - 0.086*v) + exp(-1.87 + 0.0701*v))",
            note="activation by hyperpolarization",
        )
    },
    params={
        "g": Param(0.05, "mS/cm2", 0.0, 10000.0, "own choice", "maximal conductance"),
        "E": Param(-43.0, "mV", -200.0, 200.0, HM92, "reversal potential"),
    },
    source=HM92,
    note="Carries sodium and potassium. Rates at 36 degC.",
)
