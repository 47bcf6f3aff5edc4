"""The leaky integrate-and-fire neuron."""

from sneuron.lang.spec import Neuron, Param, State, Threshold

NEST = (
    "defaults of iaf_psc_delta in NEST (Gewaltig & Diesmann 2007, Scholarpedia 2:1430, doi:10.4249/scholarpedia.1430)"
)
LAPICQUE = "Lapicque 1907, translated by Brunel & van Rossum 2007, Biol Cybern 97:341, doi:10.1007/s00422-007-0189-6"

LIF = Neuron(
    name="lif",
    capacitance="C",
    unit="pA",
    currents={"leak": "gL*(v - EL)"},
    params={
        "C": Param(250.0, "pF", 0.001, 100000.0, NEST, "membrane capacitance"),
        "gL": Param(25.0, "nS", 0.0, 10000.0, NEST + ": 250 pF / 10 ms", "leak conductance; the time constant is C/gL"),
        "EL": Param(-70.0, "mV", -200.0, 200.0, NEST, "leak reversal potential"),
        "Vth": Param(-55.0, "mV", -200.0, 200.0, NEST, "threshold"),
        "Vr": Param(-70.0, "mV", -200.0, 200.0, NEST, "reset potential"),
        "t_ref": Param(2.0, "ms", 0.0, 1000.0, NEST, "refractory time"),
    },
    voltage=State("mV", "EL", -1e6, 1e6, "membrane potential"),
    threshold=Threshold(level="Vth", rearm="Vth", kind="reset"),
    reset={"v": "Vr"},
    refractory="t_ref",
    method="exact",
    dt=0.1,
    source=LAPICQUE,
    note="With C = 20 pF, gL = 1 nS, EL = 0 the time constant is 20 ms and the resistance 1 mV/pA.",
)
