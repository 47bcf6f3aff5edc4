"""The calcium channel in the dendrite of CA3 pyramidal cells (Pinsky & Rinzel 1994)."""

from sneuron.lang.spec import Channel, Gate, Param

PR94 = "Pinsky & Rinzel 1994, J Comput Neurosci 1:39, doi:10.1007/BF00962717"

CA_PR = Channel(
    name="ca_pr",
    current="g*s**2*(v - E)",
    ion="ca",
    unit="uA/cm2",
    gates={
        "s": Gate(alpha="1.6/(1 + exp(-0.072*(v - 5)))", beta="0.1/exprel((v + 8.9)/5)", note="activation"),
    },
    params={
        "g": Param(10.0, "mS/cm2", 0.0, 10000.0, PR94, "maximal conductance"),
        "E": Param(80.0, "mV", -200.0, 300.0, PR94 + ", where voltages are 60 mV higher", "reversal potential"),
    },
    source=PR94,
    note="Voltages with the rest of 1994 at -60 mV.",
)
