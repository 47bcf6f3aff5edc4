"""A passive membrane: capacitance and leak."""

from sneuron.lang.spec import Mount, Neuron, Param, State, Threshold

RALL = "Rall 1962, Ann N Y Acad Sci 96:1071, doi:10.1111/j.1749-6632.1962.tb54120.x"
OWN = "own choice"

PASSIVE = Neuron(
    name="passive",
    capacitance="C",
    unit="uA/cm2",
    channels={"leak": Mount("leak", names={"g": "gL", "E": "EL"})},
    params={
        "C": Param(1.0, "uF/cm2", 0.01, 1000.0, OWN + ": the usual figure for cell membranes", "membrane capacitance"),
        "gL": Param(
            0.1, "mS/cm2", 0.0, 10000.0, OWN + ": with C = 1 uF/cm2 a time constant of 10 ms", "leak conductance"
        ),
        "EL": Param(-65.0, "mV", -200.0, 200.0, OWN, "leak reversal potential"),
        "spike_threshold": Param(0.0, "mV", -200.0, 200.0, OWN, "an upward crossing is counted as a spike"),
        "spike_rearm": Param(-10.0, "mV", -200.0, 200.0, OWN, "below this the next crossing may count"),
    },
    voltage=State("mV", "EL", -1e6, 1e6, "membrane potential"),
    threshold=Threshold(level="spike_threshold", rearm="spike_rearm"),
    method="exact",
    dt=0.1,
    source=RALL,
)
