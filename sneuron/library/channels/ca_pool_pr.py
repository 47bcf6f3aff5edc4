"""Calcium in the dendrite of CA3 pyramidal cells, in units of its own (Pinsky & Rinzel 1994)."""

from sneuron.lang.spec import Channel, Param, State

PR94 = "Pinsky & Rinzel 1994, J Comput Neurosci 1:39, doi:10.1007/BF00962717"

CA_POOL_PR = Channel(
    name="ca_pool_pr",
    unit="uA/cm2",
    states={"cai": State("1", "0", 0.0, 1e6, "calcium inside, without unit")},
    equations={"cai": "-phi*ion.ca - beta*cai"},
    params={
        "phi": Param(0.13, "cm2/uA/ms", 0.0, 1e6, PR94, "calcium that a current brings"),
        "beta": Param(0.075, "1/ms", 1e-9, 1e6, PR94, "rate of removal"),
    },
    source=PR94,
)
