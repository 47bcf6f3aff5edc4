"""The neuron of the cortical microcircuit, with its input from outside (Potjans & Diesmann 2014)."""

from sneuron.lang.spec import Drive, Mount, Neuron, Param, State, Threshold

PD14 = "Potjans & Diesmann 2014, Cereb Cortex 24:785, doi:10.1093/cercor/bhs358"

POTJANS_DIESMANN = Neuron(
    name="potjans_diesmann",
    capacitance="C",
    unit="pA",
    currents={"leak": "gL*(v - EL)"},
    channels={"syn": Mount("exp_current", params={"tau": 0.5})},
    drives={"external": Drive("syn", "K_ext*nu_ext", "J_ext")},
    params={
        "C": Param(250.0, "pF", 0.001, 1e5, PD14, "membrane capacitance"),
        "gL": Param(25.0, "nS", 0.001, 1e4, PD14, "leak conductance; the time constant is C/gL, 10 ms"),
        "EL": Param(-65.0, "mV", -200.0, 200.0, PD14, "resting potential"),
        "Vth": Param(-50.0, "mV", -200.0, 200.0, PD14, "threshold"),
        "Vr": Param(-65.0, "mV", -200.0, 200.0, PD14, "reset potential"),
        "t_ref": Param(2.0, "ms", 0.0, 1000.0, PD14, "refractory time"),
        "K_ext": Param(1600.0, "1", 0.0, 2e4, PD14 + ": layer 2/3, excitatory", "synapses from outside"),
        "nu_ext": Param(0.008, "1/ms", 0.0, 0.2, PD14, "rate of each of them"),
        "J_ext": Param(87.8, "pA", -1e4, 1e4, PD14 + ": an EPSP of 0.15 mV", "their weight"),
    },
    voltage=State("mV", "EL", -1e6, 1e6, "membrane potential"),
    threshold=Threshold(level="Vth", rearm="Vth", kind="reset"),
    reset={"v": "Vr"},
    refractory="t_ref",
    method="linear",
    dt=0.1,
    source=PD14,
    note="Each neuron gets independent Poisson spikes from outside.",
)
