"""The slow calcium-dependent potassium channel in the dendrite of CA3 pyramidal cells (Pinsky & Rinzel 1994)."""

from sneuron.lang.spec import Channel, Gate, Param

PR94 = "Pinsky & Rinzel 1994, J Comput Neurosci 1:39, doi:10.1007/BF00962717"

K_AHP_PR = Channel(
    name="k_ahp_pr",
    current="g*q*(v - E)",
    ion="k",
    unit="uA/cm2",
    gates={"q": Gate(alpha="min(2e-5*cai, 0.01)", beta="0.001", note="activation by calcium")},
    params={
        "g": Param(0.8, "mS/cm2", 0.0, 10000.0, PR94, "maximal conductance"),
        "E": Param(-75.0, "mV", -200.0, 200.0, PR94 + ", where voltages are 60 mV higher", "reversal potential"),
        "cai": Param(0.0, "1", 0.0, 1e6, PR94, "calcium inside, without unit"),
    },
    source=PR94,
)
