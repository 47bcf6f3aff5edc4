"""The N-type calcium channel of hippocampal pyramidal cells (Jaffe et al. 1994), with a GHK current."""

from sneuron.lang.spec import Channel, Gate, Param

JAFFE94 = "Jaffe et al. 1994, J Neurophysiol 71:1065, doi:10.1152/jn.1994.71.3.1065"
DESTEXHE98 = "Destexhe et al. 1998, J Neurosci 18:3574, doi:10.1523/JNEUROSCI.18-10-03574.1998"

CA_N_GHK = Channel(
    name="ca_n_ghk",
    current="P*m**2*h*ki/(ki + cai)*2*96485.33212*(cai/exprel(-x) - cao/exprel(x))",
    ion="ca",
    unit="uA/cm2",
    gates={
        "m": Gate(alpha="1.967/exprel(-(v - 19.88)/10)", beta="0.046*exp(-v/20.73)", note="activation"),
        "h": Gate(alpha="1.6e-4*exp(-v/48.4)", beta="1/(1 + exp(-(v - 39)/10))", note="inactivation"),
    },
    functions={
        "x": "2*96485.33212*v/(8314.462618*(celsius + 273.15))",
        "E": "8314.462618*(celsius + 273.15)/(2*96485.33212)*log(cao/cai)",
    },
    params={
        "P": Param(
            1e-5, "cm/s", 0.0, 1.0, "own choice: near 0.3 mS/cm2 in the form of the published ports", "permeability"
        ),
        "ki": Param(
            0.001, "mM", 1e-9, 100.0, JAFFE94 + ", as in public ports (can2.mod)", "calcium that halves the current"
        ),
        "cai": Param(2.4e-4, "mM", 1e-9, 100.0, DESTEXHE98, "calcium inside"),
        "cao": Param(2.0, "mM", 1e-9, 1000.0, DESTEXHE98, "calcium outside"),
        "celsius": Param(36.0, "degC", -10.0, 60.0, DESTEXHE98, "temperature in RT/F; the rates do not depend on it"),
    },
    source=JAFFE94 + "; rates as in public ports (can2.mod), not seen in the paper",
    note="x = 2 F v / (R T); the flux is written with exprel and exact at v = 0; E is the Nernst potential.",
)
