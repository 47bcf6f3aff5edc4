"""Calcium in a thin shell under the membrane: what channels let in decays to rest (Destexhe et al. 1994)."""

from sneuron.lang.spec import Channel, Param, State

DESTEXHE94 = "Destexhe et al. 1994, J Neurophysiol 72:803, doi:10.1152/jn.1994.72.2.803"
POSPISCHIL08 = "Pospischil et al. 2008, Biol Cybern 99:427, doi:10.1007/s00422-008-0263-8"

CA_POOL = Channel(
    name="ca_pool",
    unit="uA/cm2",
    states={"cai": State("mM", "rest", 0.0, 100.0, "calcium inside")},
    equations={"cai": "-10*gamma*ion.ca/(2*96485.33212*depth) - (cai - rest)/tau"},
    params={
        "gamma": Param(1.0, "1", 0.0, 1.0, DESTEXHE94 + "; Hay et al. 2011 have less", "part of it that stays free"),
        "depth": Param(1.0, "um", 1e-4, 1e4, POSPISCHIL08 + ", ModelDB 123623", "depth of the shell"),
        "tau": Param(5.0, "ms", 0.001, 1e6, POSPISCHIL08 + ", ModelDB 123623", "time constant of removal"),
        "rest": Param(2.4e-4, "mM", 0.0, 100.0, POSPISCHIL08 + ", ModelDB 123623", "calcium at rest"),
    },
    source=DESTEXHE94,
    note="d[Ca]/dt = -gamma I/(2 F depth) - ([Ca] - rest)/tau with I of all calcium channels at this voltage. "
    "1 uA/cm2 into 1 um brings 5.18e-5 mM/ms.",
)
