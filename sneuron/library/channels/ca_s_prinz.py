"""The slow transient calcium channel of stomatogastric neurons (Prinz, Billimoria & Marder 2003)."""

from sneuron.lang.spec import Channel, Gate, Param

PRINZ03 = "Prinz, Billimoria & Marder 2003, J Neurophysiol 90:3998, doi:10.1152/jn.00641.2003"
PRINZ04 = "Prinz, Bucher & Marder 2004, Nat Neurosci 7:1345, doi:10.1038/nn1352"

CA_S_PRINZ = Channel(
    name="ca_s_prinz",
    current="g*m**3*h*(v - E)",
    ion="ca",
    unit="uA/cm2",
    gates={
        "m": Gate(
            inf="1/(1 + exp(-(v + 33)/8.1))",
            tau="2.8 + 14/(exp((v + 27)/10) + exp(-(v + 70)/13))",
            note="activation",
        ),
        "h": Gate(
            inf="1/(1 + exp((v + 60)/6.2))",
            tau="120 + 300/(exp((v + 55)/9) + exp(-(v + 65)/16))",
            note="inactivation",
        ),
    },
    params={
        "g": Param(6.0, "mS/cm2", 0.0, 10000.0, PRINZ04 + ", Table 2, AB/PD 2", "maximal conductance"),
        "E": Param(120.0, "mV", -200.0, 300.0, PRINZ03, "reversal potential"),
    },
    source=PRINZ03 + "; after Liu et al. 1998, doi:10.1523/JNEUROSCI.18-07-02309.1998",
    note="In the neuron E is a Nernst potential. Curves as in the public ports xolotl and pyloric.",
)
