"""The potassium channel of the barnacle muscle fibre (Morris & Lecar 1981)."""

from sneuron.lang.spec import Channel, Gate, Param

ML81 = "Morris & Lecar 1981, Biophys J 35:193, doi:10.1016/S0006-3495(81)84782-0"
RE89 = "Rinzel & Ermentrout 1989 (as in Ermentrout & Terman 2010, doi:10.1007/978-0-387-87708-2, table 3.1)"

K_ML = Channel(
    name="k_ml",
    current="g*n*(v - E)",
    ion="k",
    unit="uA/cm2",
    gates={
        "n": Gate(
            inf="0.5*(1 + tanh((v - V3)/V4))",
            tau="2/(phi*(exp((v - V3)/(2*V4)) + exp(-(v - V3)/(2*V4))))",
            note="activation",
        )
    },
    params={
        "g": Param(8.0, "mS/cm2", 0.0, 10000.0, RE89, "maximal conductance"),
        "E": Param(-84.0, "mV", -200.0, 200.0, RE89, "reversal potential"),
        "V3": Param(2.0, "mV", -200.0, 200.0, RE89, "voltage of half activation"),
        "V4": Param(30.0, "mV", 0.1, 200.0, RE89, "slope of activation"),
        "phi": Param(0.04, "1/ms", 0.0001, 100.0, RE89, "rate of activation at V3"),
    },
    source=ML81,
    note="tau = 1/(phi cosh((v - V3)/(2 V4))).",
)
