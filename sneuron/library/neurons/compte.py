"""The neurons of a network that remembers a place on a circle (Compte et al. 2000)."""

from sneuron.lang.spec import Drive, Mount, Neuron, Param, State, Threshold

C00 = "Compte, Brunel, Goldman-Rakic & Wang 2000, Cereb Cortex 10:910, doi:10.1093/cercor/10.9.910"

COMPTE = Neuron(
    name="compte",
    capacitance="C",
    unit="pA",
    currents={"leak": "gL*(v - EL)"},
    channels={
        "ampa": Mount("exp_conductance", params={"tau": 2.0}),
        "gaba": Mount("exp_conductance", params={"tau": 10.0, "E": -70.0}),
        "nmda": Mount("nmda_gated"),
    },
    drives={"external": Drive("ampa", "nu_ext", "g_ext")},
    params={
        "C": Param(500.0, "pF", 0.001, 1e5, C00 + ": pyramidal cells", "membrane capacitance"),
        "gL": Param(25.0, "nS", 0.001, 1e4, C00 + ": pyramidal cells", "leak conductance"),
        "EL": Param(-70.0, "mV", -200.0, 200.0, C00, "leak reversal potential"),
        "Vth": Param(-50.0, "mV", -200.0, 200.0, C00, "threshold"),
        "Vr": Param(-60.0, "mV", -200.0, 200.0, C00, "reset potential"),
        "t_ref": Param(2.0, "ms", 0.0, 1000.0, C00 + ": pyramidal cells", "refractory time"),
        "nu_ext": Param(1.8, "1/ms", 0.0, 1000.0, C00, "spikes from outside"),
        "g_ext": Param(3.1, "nS", 0.0, 1e4, C00 + ": pyramidal cells", "their weight"),
    },
    voltage=State("mV", "EL", -1e6, 1e6, "membrane potential"),
    threshold=Threshold(level="Vth", rearm="Vth", kind="reset"),
    reset={"v": "Vr", "nmda.x": "nmda.x + 1"},
    refractory="t_ref",
    method="exp_euler",
    dt=0.1,
    source=C00,
    note="A spike releases transmitter, which opens a gate that saturates; what other cells get through it is a sum "
    "over these gates. Interneurons have other values and send spikes.",
)
