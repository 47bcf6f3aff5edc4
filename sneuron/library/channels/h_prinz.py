"""The hyperpolarization-activated cation channel of stomatogastric neurons (Prinz, Billimoria & Marder 2003)."""

from sneuron.lang.spec import Channel, Gate, Param

PRINZ03 = "Prinz, Billimoria & Marder 2003, J Neurophysiol 90:3998, doi:10.1152/jn.00641.2003"
PRINZ04 = "Prinz, Bucher & Marder 2004, Nat Neurosci 7:1345, doi:10.1038/nn1352"

H_PRINZ = Channel(
    name="h_prinz",
    current="g*m*(v - E)",
    unit="uA/cm2",
    gates={
        "m": Gate(
            inf="1/(1 + exp((v + 75)/5.5))",
            tau="2/(exp(-14.59 - 0.086*v) + exp(-1.87 + 0.0701*v))",
            note="activation by hyperpolarization",
        ),
    },
    params={
        "g": Param(0.01, "mS/cm2", 0.0, 10000.0, PRINZ04 + ", Table 2, AB/PD 2", "maximal conductance"),
        "E": Param(-20.0, "mV", -200.0, 300.0, PRINZ03, "reversal potential"),
    },
    source=PRINZ03 + "; after Liu et al. 1998, doi:10.1523/JNEUROSCI.18-07-02309.1998",
    note="After Huguenard & McCormick 1992, half as fast. Curves as in the public ports xolotl and pyloric.",
)
