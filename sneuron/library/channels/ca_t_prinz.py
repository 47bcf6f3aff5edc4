"""The fast transient calcium channel of stomatogastric neurons (Prinz, Billimoria & Marder 2003)."""

from sneuron.lang.spec import Channel, Gate, Param

PRINZ03 = "Prinz, Billimoria & Marder 2003, J Neurophysiol 90:3998, doi:10.1152/jn.00641.2003"
PRINZ04 = "Prinz, Bucher & Marder 2004, Nat Neurosci 7:1345, doi:10.1038/nn1352"

CA_T_PRINZ = Channel(
    name="ca_t_prinz",
    current="g*m**3*h*(v - E)",
    ion="ca",
    unit="uA/cm2",
    gates={
        "m": Gate(
            inf="1/(1 + exp(-(v + 27.1)/7.2))",
            tau="43.4 - 42.6/(1 + exp(-(v + 68.1)/20.5))",
            note="activation",
        ),
        "h": Gate(
            inf="1/(1 + exp((v + 32.1)/5.5))",
            tau="210 - 179.6/(1 + exp(-(v + 55)/16.9))",
            note="inactivation",
        ),
    },
    params={
        "g": Param(2.5, "mS/cm2", 0.0, 10000.0, PRINZ04 + ", Table 2, AB/PD 2", "maximal conductance"),
        "E": Param(120.0, "mV", -200.0, 300.0, PRINZ03, "reversal potential"),
    },
    source=PRINZ03 + "; after Liu et al. 1998, doi:10.1523/JNEUROSCI.18-07-02309.1998",
    note="In the neuron E is a Nernst potential. Curves as in the public ports xolotl and pyloric.",
)
