"""The sodium channel at the soma of CA3 pyramidal cells (Pinsky & Rinzel 1994)."""

from sneuron.lang.spec import Channel, Gate, Param

PR94 = "Pinsky & Rinzel 1994, J Comput Neurosci 1:39, doi:10.1007/BF00962717"

NA_PR = Channel(
    name="na_pr",
    current="g*m**2*h*(v - E)",
    ion="na",
    unit="uA/cm2",
    gates={"h": Gate(alpha="0.128*exp(-(v + 43)/18)", beta="4/(1 + exp(-(v + 20)/5))", note="inactivation")},
    functions={
        "alpha": "1.28/exprel(-(v + 46.9)/4)",
        "beta": "1.4*exp(-(v + 19.9)/5)/exprel(-(v + 19.9)/5)",
        "m": "alpha/(alpha + beta)",
    },
    params={
        "g": Param(30.0, "mS/cm2", 0.0, 10000.0, PR94, "maximal conductance"),
        "E": Param(60.0, "mV", -200.0, 200.0, PR94 + ", where voltages are 60 mV higher", "reversal potential"),
    },
    source=PR94,
    note="Activation m is instantaneous; rates are written with exprel. Voltages with the rest of 1994 at -60 mV.",
)
