"""The L-type calcium channel of neocortical pyramidal cells (Reuveni et al. 1993), with an ohmic current."""

from sneuron.lang.spec import Channel, Gate, Param

REUVENI93 = "Reuveni et al. 1993, J Neurosci 13:4609, doi:10.1523/JNEUROSCI.13-11-04609.1993"
POSPISCHIL08 = "Pospischil et al. 2008, Biol Cybern 99:427, doi:10.1007/s00422-008-0263-8"

CA_L_OHMIC = Channel(
    name="ca_l_ohmic",
    current="g*q**2*r*(v - E)",
    ion="ca",
    unit="uA/cm2",
    gates={
        "q": Gate(alpha="0.209/exprel(-(v + 27)/3.8)", beta="0.94*exp(-(v + 75)/17)", note="activation"),
        "r": Gate(alpha="0.000457*exp(-(v + 13)/50)", beta="0.0065/(1 + exp(-(v + 15)/28))", note="inactivation"),
    },
    params={
        "g": Param(0.1, "mS/cm2", 0.0, 10000.0, POSPISCHIL08 + ", intrinsically bursting cell", "maximal conductance"),
        "E": Param(120.0, "mV", -200.0, 300.0, POSPISCHIL08, "reversal potential"),
    },
    source=REUVENI93,
    note="Opening rate 0.055 (-27 - v)/(exp((-27 - v)/3.8) - 1) per ms, written with exprel and exact at v = -27 mV.",
)
