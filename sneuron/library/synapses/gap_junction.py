"""A gap junction: current flows between two cells along the difference of their voltages."""

from sneuron.lang.spec import Channel, Param

BENNETT04 = "Bennett & Zukin 2004, Neuron 41:495, doi:10.1016/S0896-6273(04)00043-1"
ALONE = "built in: 0, to which every synapse adds"

GAP_JUNCTION = Channel(
    name="gap_junction",
    current="g*v - pull",
    unit="",
    couple={"g": "w", "pull": "w*v"},
    params={
        "g": Param(0.0, "conductance", 0.0, 1e6, ALONE, "conductance to all neighbours"),
        "pull": Param(0.0, "current", -1e9, 1e9, ALONE, "the same, each times the neighbour's voltage"),
    },
    source=BENNETT04,
    note="The weight is a conductance. A junction is two synapses, one each way, of equal weight, without delay.",
)
