"""The delayed rectifier at the soma of CA3 pyramidal cells (Pinsky & Rinzel 1994)."""

from sneuron.lang.spec import Channel, Gate, Param

PR94 = "Pinsky & Rinzel 1994, J Comput Neurosci 1:39, doi:10.1007/BF00962717"

K_DR_PR = Channel(
    name="k_dr_pr",
    current="g*n*(v - E)",
    ion="k",
    unit="uA/cm2",
    gates={"n": Gate(alpha="0.08/exprel(-(v + 24.9)/5)", beta="0.25*exp(-(v + 40)/40)", note="activation")},
    params={
        "g": Param(15.0, "mS/cm2", 0.0, 10000.0, PR94, "maximal conductance"),
        "E": Param(-75.0, "mV", -200.0, 200.0, PR94 + ", where voltages are 60 mV higher", "reversal potential"),
    },
    source=PR94,
    note="Voltages with the rest of 1994 at -60 mV.",
)
