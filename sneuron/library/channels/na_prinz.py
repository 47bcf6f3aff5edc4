"""The fast sodium channel of stomatogastric neurons (Prinz, Billimoria & Marder 2003)."""

from sneuron.lang.spec import Channel, Gate, Param

PRINZ03 = "Prinz, Billimoria & Marder 2003, J Neurophysiol 90:3998, doi:10.1152/jn.00641.2003"
PRINZ04 = "Prinz, Bucher & Marder 2004, Nat Neurosci 7:1345, doi:10.1038/nn1352"

NA_PRINZ = Channel(
    name="na_prinz",
    current="g*m**3*h*(v - E)",
    ion="na",
    unit="uA/cm2",
    gates={
        "m": Gate(
            inf="1/(1 + exp(-(v + 25.5)/5.29))",
            tau="2.64 - 2.52/(1 + exp(-(v + 120)/25))",
            note="activation",
        ),
        "h": Gate(
            inf="1/(1 + exp((v + 48.9)/5.18))",
            tau="1.34/(1 + exp(-(v + 62.9)/10))*(1.5 + 1/(1 + exp((v + 34.9)/3.6)))",
            note="inactivation",
        ),
    },
    params={
        "g": Param(100.0, "mS/cm2", 0.0, 10000.0, PRINZ04 + ", Table 2, AB/PD 2", "maximal conductance"),
        "E": Param(50.0, "mV", -200.0, 300.0, PRINZ03, "reversal potential"),
    },
    source=PRINZ03 + "; after Liu et al. 1998, doi:10.1523/JNEUROSCI.18-07-02309.1998",
    note="Curves as in the public ports xolotl and pyloric.",
)
