"""A synaptic current that lasts as long as the spike that makes it, and begins at once (Izhikevich 2003)."""

from sneuron.lang.spec import Channel, Param, State

IZ03 = "Izhikevich 2003, IEEE Trans Neural Netw 14:1569, doi:10.1109/TNN.2003.820440 (net.m)"
ALONE = "built in: 0, to which every synapse adds"

PULSE_CURRENT = Channel(
    name="pulse_current",
    current="-s",
    unit="",
    states={"fired": State("1", "0", 0.0, 1.0, "1 after a spike of this neuron")},
    equations={"fired": "-fired/tau"},
    couple={"s": "w*fired"},
    params={
        "s": Param(0.0, "current", -1e9, 1e9, ALONE, "current of all synapses that reach the neuron, inward positive"),
        "tau": Param(1.0, "ms", 1e-3, 1e6, IZ03 + ": a step of 1 ms", "how long it lasts"),
    },
    source=IZ03,
    note="The weight is the current. The neuron's reset sets fired to 1; under Euler's method at a step of tau it is 0 "
    "again after one step, at shorter steps it decays.",
)
