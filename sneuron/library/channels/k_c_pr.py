"""The fast calcium-dependent potassium channel in the dendrite of CA3 pyramidal cells (Pinsky & Rinzel 1994)."""

from sneuron.lang.spec import Channel, Gate, Param

PR94 = "Pinsky & Rinzel 1994, J Comput Neurosci 1:39, doi:10.1007/BF00962717"

K_C_PR = Channel(
    name="k_c_pr",
    current="g*c*min(cai/250, 1)*(v - E)",
    ion="k",
    unit="uA/cm2",
    gates={"c": Gate(alpha="alpha", beta="max(both - alpha, 0)", note="activation by voltage")},
    functions={
        "both": "2*exp(-(v + 53.5)/27)",
        "alpha": "where(v <= -10, exp((v + 50)/11 - (v + 53.5)/27)/18.975, both)",
    },
    params={
        "g": Param(15.0, "mS/cm2", 0.0, 10000.0, PR94, "maximal conductance"),
        "E": Param(-75.0, "mV", -200.0, 200.0, PR94 + ", where voltages are 60 mV higher", "reversal potential"),
        "cai": Param(0.0, "1", 0.0, 1e6, PR94, "calcium inside, without unit"),
    },
    source=PR94,
    note="Closing stops above -10 mV. Voltages with the rest of 1994 at -60 mV.",
)
