"""The L-type calcium channel of neocortical pyramidal cells (Reuveni et al. 1993), with a GHK current."""

from sneuron.lang.spec import Channel, Gate, Param

REUVENI93 = "Reuveni et al. 1993, J Neurosci 13:4609, doi:10.1523/JNEUROSCI.13-11-04609.1993"
DESTEXHE98 = "Destexhe et al. 1998, J Neurosci 18:3574, doi:10.1523/JNEUROSCI.18-10-03574.1998"

CA_L_GHK = Channel(
    name="ca_l_ghk",
    current="P*q**2*r*2*96485.33212*(cai/exprel(-x) - cao/exprel(x))",
    ion="ca",
    unit="uA/cm2",
    gates={
        "q": Gate(alpha="0.209/exprel(-(v + 27)/3.8)", beta="0.94*exp(-(v + 75)/17)", note="activation"),
        "r": Gate(alpha="0.000457*exp(-(v + 13)/50)", beta="0.0065/(1 + exp(-(v + 15)/28))", note="inactivation"),
    },
    functions={
        "x": "2*96485.33212*v/(8314.462618*(celsius + 273.15))",
        "E": "8314.462618*(celsius + 273.15)/(2*96485.33212)*log(cao/cai)",
    },
    params={
        "P": Param(
            3e-5,
            "cm/s",
            0.0,
            1.0,
            "own choice: at 0 mV about the current of 0.1 mS/cm2 with E = 120 mV",
            "permeability",
        ),
        "cai": Param(2.4e-4, "mM", 1e-9, 100.0, DESTEXHE98, "calcium inside"),
        "cao": Param(2.0, "mM", 1e-9, 1000.0, DESTEXHE98, "calcium outside"),
        "celsius": Param(36.0, "degC", -10.0, 60.0, DESTEXHE98, "temperature in RT/F; the rates do not depend on it"),
    },
    source=REUVENI93 + "; current: Goldman 1943, J Gen Physiol 27:37, doi:10.1085/jgp.27.1.37",
    note="x = 2 F v / (R T); the flux is written with exprel and exact at v = 0; E is the Nernst potential.",
)
