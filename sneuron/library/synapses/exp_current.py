"""A synaptic current that decays exponentially."""

from sneuron.lang.spec import Channel, Param, State

BRETTE07 = "Brette et al. 2007, J Comput Neurosci 23:349, doi:10.1007/s10827-007-0038-6, benchmarks 1 and 2"

EXP_CURRENT = Channel(
    name="exp_current",
    current="-s",
    unit="",
    states={"s": State("current", "0", note="synaptic current, inward positive")},
    equations={"s": "-s/tau"},
    receive={"s": "w"},
    params={"tau": Param(5.0, "ms", 1e-3, 1e6, BRETTE07 + ": excitation", "decay time constant")},
    source=BRETTE07,
    note="The weight is the jump of the current; that of an inhibitory synapse is negative.",
)
