"""A synaptic conductance that decays exponentially."""

from sneuron.lang.spec import Channel, Param, State

BRETTE07 = "Brette et al. 2007, J Comput Neurosci 23:349, doi:10.1007/s10827-007-0038-6, benchmarks 1 and 2"

EXP_CONDUCTANCE = Channel(
    name="exp_conductance",
    current="g*(v - E)",
    unit="",
    states={"g": State("conductance", "0", note="synaptic conductance")},
    equations={"g": "-g/tau"},
    receive={"g": "w"},
    params={
        "tau": Param(5.0, "ms", 1e-3, 1e6, BRETTE07 + ": excitation", "decay time constant"),
        "E": Param(0.0, "mV", -200.0, 200.0, BRETTE07 + ": excitation", "reversal potential"),
    },
    source=BRETTE07,
    note="The weight is the jump of the conductance.",
)
