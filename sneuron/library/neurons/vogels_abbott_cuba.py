"""The neuron of Vogels & Abbott's network with synaptic currents, as restated for benchmarks (Brette et al. 2007)."""

from sneuron.lang.spec import Mount, Neuron, Param, State, Threshold

VA05 = "Vogels & Abbott 2005, J Neurosci 25:10786, doi:10.1523/JNEUROSCI.3508-05.2005"
BRETTE07 = "Brette et al. 2007, J Comput Neurosci 23:349, doi:10.1007/s10827-007-0038-6, benchmark 2"

VOGELS_ABBOTT_CUBA = Neuron(
    name="vogels_abbott_cuba",
    capacitance="C",
    unit="pA",
    currents={"leak": "gL*(v - EL)"},
    channels={"exc": Mount("exp_current"), "inh": Mount("exp_current", params={"tau": 10.0})},
    params={
        "C": Param(200.0, "pF", 0.001, 1e5, BRETTE07, "membrane capacitance"),
        "gL": Param(10.0, "nS", 0.001, 1e4, BRETTE07, "leak conductance; the time constant is C/gL, 20 ms"),
        "EL": Param(-49.0, "mV", -200.0, 200.0, BRETTE07, "leak reversal potential, above the threshold"),
        "Vth": Param(-50.0, "mV", -200.0, 200.0, BRETTE07, "threshold"),
        "Vr": Param(-60.0, "mV", -200.0, 200.0, BRETTE07, "reset potential"),
        "t_ref": Param(5.0, "ms", 0.0, 1000.0, BRETTE07, "refractory time"),
    },
    voltage=State("mV", "Vr", -1e6, 1e6, "membrane potential"),
    threshold=Threshold(level="Vth", rearm="Vth", kind="reset"),
    reset={"v": "Vr"},
    refractory="t_ref",
    method="linear",
    dt=0.1,
    source=VA05 + "; " + BRETTE07,
    note="In the network of 4000 neurons, 3200 of them excitatory, each pair is connected with 2 %; weights are "
    "16.2 pA and -90 pA (1.62 mV and -9 mV times gL), and v starts evenly between Vr and Vth.",
)
