"""The fast transient potassium channel of stomatogastric neurons (Prinz, Billimoria & Marder 2003)."""

from sneuron.lang.spec import Channel, Gate, Param

PRINZ03 = "Prinz, Billimoria & Marder 2003, J Neurophysiol 90:3998, doi:10.1152/jn.00641.2003"
PRINZ04 = "Prinz, Bucher & Marder 2004, Nat Neurosci 7:1345, doi:10.1038/nn1352"

K_A_PRINZ = Channel(
    name="k_a_prinz",
    current="g*m**3*h*(v - E)",
    ion="k",
    unit="uA/cm2",
    gates={
        "m": Gate(
            inf="1/(1 + exp(-(v + 27.2)/8.7))",
            tau="23.2 - 20.8/(1 + exp(-(v + 32.9)/15.2))",
            note="activation",
        ),
        "h": Gate(
            inf="1/(1 + exp((v + 56.9)/4.9))",
            tau="77.2 - 58.4/(1 + exp(-(v + 38.9)/26.5))",
            note="inactivation",
        ),
    },
    params={
        "g": Param(50.0, "mS/cm2", 0.0, 10000.0, PRINZ04 + ", Table 2, AB/PD 2", "maximal conductance"),
        "E": Param(-80.0, "mV", -200.0, 300.0, PRINZ03, "reversal potential"),
    },
    source=PRINZ03 + "; after Liu et al. 1998, doi:10.1523/JNEUROSCI.18-07-02309.1998",
    note="Curves as in the public ports xolotl and pyloric.",
)
