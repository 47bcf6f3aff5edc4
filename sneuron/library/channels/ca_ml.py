"""The calcium channel of the barnacle muscle fibre (Morris & Lecar 1981), which follows the voltage at once."""

from sneuron.lang.spec import Channel, Param

ML81 = "Morris & Lecar 1981, Biophys J 35:193, doi:10.1016/S0006-3495(81)84782-0"
RE89 = "Rinzel & Ermentrout 1989 (as in Ermentrout & Terman 2010, doi:10.1007/978-0-387-87708-2, table 3.1)"

CA_ML = Channel(
    name="ca_ml",
    current="g*m*(v - E)",
    ion="ca",
    unit="uA/cm2",
    functions={"m": "0.5*(1 + tanh((v - V1)/V2))"},
    params={
        "g": Param(4.4, "mS/cm2", 0.0, 10000.0, RE89, "maximal conductance"),
        "E": Param(120.0, "mV", -200.0, 300.0, RE89, "reversal potential"),
        "V1": Param(-1.2, "mV", -200.0, 200.0, RE89, "voltage of half activation"),
        "V2": Param(18.0, "mV", 0.1, 200.0, RE89, "slope of activation"),
    },
    source=ML81,
    note="Activation m is instantaneous.",
)
