"""The calcium-dependent potassium channel of stomatogastric neurons (Prinz, Billimoria & Marder 2003)."""

from sneuron.lang.spec import Channel, Gate, Param

PRINZ03 = "Prinz, Billimoria & Marder 2003, J Neurophysiol 90:3998, doi:10.1152/jn.00641.2003"
PRINZ04 = "Prinz, Bucher & Marder 2004, Nat Neurosci 7:1345, doi:10.1038/nn1352"

K_CA_PRINZ = Channel(
    name="k_ca_prinz",
    current="g*m**4*(v - E)",
    ion="k",
    unit="uA/cm2",
    gates={
        "m": Gate(
            inf="cai/(cai + half)/(1 + exp(-(v + 28.3)/12.6))",
            tau="180.6 - 150.2/(1 + exp(-(v + 46)/22.7))",
            note="activation",
        ),
    },
    params={
        "g": Param(5.0, "mS/cm2", 0.0, 10000.0, PRINZ04 + ", Table 2, AB/PD 2", "maximal conductance"),
        "E": Param(-80.0, "mV", -200.0, 300.0, PRINZ03, "reversal potential"),
        "half": Param(3.0, "uM", 1e-6, 1e6, PRINZ03, "calcium at which half of it is available"),
        "cai": Param(0.05, "uM", 0.0, 1e6, PRINZ03, "calcium inside"),
    },
    source=PRINZ03 + "; after Liu et al. 1998, doi:10.1523/JNEUROSCI.18-07-02309.1998",
    note="Curves as in the public ports xolotl and pyloric.",
)
