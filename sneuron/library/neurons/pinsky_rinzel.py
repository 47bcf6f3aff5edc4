"""The CA3 pyramidal cell as a soma and a dendrite (Pinsky & Rinzel 1994)."""

from sneuron.lang.spec import Injection, Mount, Neuron, Param, Protocol, State, Threshold

PR94 = "Pinsky & Rinzel 1994, J Comput Neurosci 1:39, doi:10.1007/BF00962717"
CHOICE = "own choice: well inside the upstroke of every spike"
DENDRITE = {"v": "vd"}

PINSKY_RINZEL = Neuron(
    name="pinsky_rinzel",
    capacitance="C",
    unit="uA/cm2",
    channels={
        "na": Mount("na_pr", names={"g": "gNa", "E": "ENa", "h": "h"}),
        "k": Mount("k_dr_pr", names={"g": "gKDR", "E": "EK", "n": "n"}),
        "leak": Mount("leak", names={"g": "gL", "E": "EL"}),
        "ca": Mount("ca_pr", names={"g": "gCa", "E": "ECa", "s": "s", **DENDRITE}),
        "kc": Mount("k_c_pr", names={"g": "gKC", "E": "EK", "c": "c", "cai": "cai", **DENDRITE}),
        "ahp": Mount("k_ahp_pr", names={"g": "gAHP", "E": "EK", "q": "q", "cai": "cai", **DENDRITE}),
        "leak_d": Mount("leak", names={"g": "gL", "E": "EL", **DENDRITE}),
        "pool": Mount("ca_pool_pr", names={"cai": "cai", **DENDRITE}),
    },
    currents={"coupling": "gc/p*(v - vd)"},
    states={"vd": State("mV", "v", -200.0, 200.0, "potential of the dendrite")},
    equations={"vd": "(Id/(1 - p) + gc/(1 - p)*(v - vd) - current.ca - current.kc - current.ahp - current.leak_d)/C"},
    params={
        "C": Param(3.0, "uF/cm2", 0.01, 1000.0, PR94, "membrane capacitance"),
        "gL": Param(0.1, "mS/cm2", 0.0, 10000.0, PR94, "leak conductance of both"),
        "EL": Param(-60.0, "mV", -200.0, 200.0, PR94 + ", where voltages are 60 mV higher", "leak reversal potential"),
        "EK": Param(-75.0, "mV", -200.0, 200.0, PR94 + ", where voltages are 60 mV higher", "potassium reversal"),
        "gc": Param(2.1, "mS/cm2", 0.0, 10000.0, PR94, "conductance between them, per area of the whole cell"),
        "p": Param(0.5, "1", 0.001, 0.999, PR94, "part of the area that is soma"),
        "Id": Param(0.0, "uA/cm2", -1e6, 1e6, PR94, "current into the dendrite, per area of the whole cell"),
        "spike_threshold": Param(0.0, "mV", -100.0, 100.0, CHOICE, "an upward crossing is a spike"),
        "spike_rearm": Param(-10.0, "mV", -100.0, 100.0, CHOICE, "below this the next spike may count"),
    },
    voltage=State("mV", "EL", -200.0, 200.0, "potential of the soma"),
    threshold=Threshold(level="spike_threshold", rearm="spike_rearm"),
    method="exp_euler",
    dt=0.025,
    protocol=Protocol(
        1500.0,
        {"on": Injection("step", {"amplitude": 1.5})},
        PR94 + ": Is = 0.75 uA/cm2, as in ModelDB 35358",
        "bursts twice a second",
    ),
    source=PR94,
    note="I is per area of the soma: the Is of 1994, per area of the whole cell, is p I. Calcium has no unit.",
)
