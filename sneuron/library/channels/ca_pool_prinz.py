"""Calcium inside stomatogastric neurons (Prinz, Billimoria & Marder 2003)."""

from sneuron.lang.spec import Channel, Param, State

PRINZ03 = "Prinz, Billimoria & Marder 2003, J Neurophysiol 90:3998, doi:10.1152/jn.00641.2003"

CA_POOL_PRINZ = Channel(
    name="ca_pool_prinz",
    unit="uA/cm2",
    states={"cai": State("uM", "rest", 0.0, 9999.0, "calcium inside")},
    equations={"cai": "(-f*ion.ca - cai + rest)/tau"},
    functions={"E": "8314.462618*(celsius + 273.15)/(2*96485.33212)*log(outside/cai)"},
    params={
        "f": Param(
            9.39488, "uM*cm2/uA", 0.0, 1e6, PRINZ03 + ": 14.96 uM/nA over 0.628e-3 cm2", "calcium that a current brings"
        ),
        "tau": Param(200.0, "ms", 0.001, 1e6, PRINZ03, "time constant of removal"),
        "rest": Param(0.05, "uM", 0.0, 9999.0, PRINZ03, "calcium at rest"),
        "outside": Param(3000.0, "uM", 1e-6, 1e9, PRINZ03, "calcium outside"),
        "celsius": Param(
            10.0, "degC", -10.0, 60.0, PRINZ03 + ": RT/2F = 12.2 mV", "temperature of the Nernst potential"
        ),
    },
    source=PRINZ03,
    note="tau d[Ca]/dt = -f I_Ca - [Ca] + rest; E is the Nernst potential, for the calcium channels to have.",
)
