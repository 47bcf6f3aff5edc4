"""The A-type potassium channel of crustacean walking leg axons (Connor, Walter & McKown 1977)."""

from sneuron.lang.spec import Channel, Gate, Param, State

CWM77 = "Connor, Walter & McKown 1977, Biophys J 18:81, doi:10.1016/S0006-3495(77)85598-7"

K_A_CS = Channel(
    name="k_a_cs",
    current="g*a**3*b*(v - E)",
    ion="k",
    unit="uA/cm2",
    gates={
        "b": Gate(
            inf="(1 + exp((v + 53.3)/14.54))**(-4)",
            tau="1.24 + 2.678/(1 + exp((v + 50)/16.027))",
            note="inactivation",
        ),
    },
    states={"a": State("1", "a_inf", 0.0, 1.5, "activation")},
    equations={"a": "(a_inf - a)/a_tau"},
    functions={
        "a_inf": "(0.0761*exp((v + 94.22)/31.84)/(1 + exp((v + 1.17)/28.93)))**(1/3)",
        "a_tau": "0.3632 + 1.158/(1 + exp((v + 55.96)/20.12))",
    },
    params={
        "g": Param(47.7, "mS/cm2", 0.0, 10000.0, CWM77, "maximal conductance"),
        "E": Param(-75.0, "mV", -200.0, 200.0, CWM77, "reversal potential"),
    },
    source=CWM77,
    note="a is a state and no gate: the curve fitted to it goes above 1, by 1.3 % between 42 and 93 mV.",
)
