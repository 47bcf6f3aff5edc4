"""The Hodgkin-Huxley neuron of the third network benchmark of Brette et al. 2007."""

from sneuron.lang.spec import Mount, Neuron, Param, State, Threshold

TM91 = "Traub & Miles 1991, Neuronal Networks of the Hippocampus, doi:10.1017/CBO9780511895401"
BRETTE07 = "Brette et al. 2007, J Comput Neurosci 23:349, doi:10.1007/s10827-007-0038-6, benchmark 3"
CHOICE = "own choice: well inside the upstroke of every spike"
RATES = {"VT": "VT", "celsius": "celsius", "phi": "phi"}

VOGELS_ABBOTT_COBAHH = Neuron(
    name="vogels_abbott_cobahh",
    capacitance="C",
    unit="uA/cm2",
    channels={
        "na": Mount("na_tm", names={"g": "gNa", "E": "ENa", "m": "m", "h": "h", **RATES}),
        "k": Mount("k_tm", names={"g": "gK", "E": "EK", "n": "n", **RATES}),
        "leak": Mount("leak", names={"g": "gL", "E": "EL"}),
        "exc": Mount("exp_conductance"),
        "inh": Mount("exp_conductance", params={"tau": 10.0, "E": -80.0}),
    },
    params={
        "C": Param(1.0, "uF/cm2", 0.01, 1000.0, BRETTE07, "membrane capacitance"),
        "gL": Param(0.05, "mS/cm2", 0.0, 10000.0, BRETTE07, "leak conductance"),
        "EL": Param(-60.0, "mV", -200.0, 200.0, BRETTE07, "leak reversal potential"),
        "spike_threshold": Param(-20.0, "mV", -100.0, 100.0, CHOICE, "an upward crossing is a spike"),
        "spike_rearm": Param(-30.0, "mV", -100.0, 100.0, CHOICE, "below this the next spike may count"),
    },
    voltage=State("mV", "EL", -200.0, 200.0, "membrane potential"),
    threshold=Threshold(level="spike_threshold", rearm="spike_rearm"),
    method="exp_euler",
    dt=0.1,
    source=TM91 + "; " + BRETTE07,
    note="The weights 6 nS and 67 nS of its network are 0.03 and 0.335 mS/cm2 on 20000 um2 of membrane.",
)
