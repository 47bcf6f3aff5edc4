"""The big-conductance calcium- and voltage-activated potassium channel (Moczydlowski & Latorre 1983)."""

from sneuron.lang.spec import Channel, Gate, Param

ML83 = "Moczydlowski & Latorre 1983, J Gen Physiol 82:511, doi:10.1085/jgp.82.4.511"
POIRAZI03 = "Poirazi, Brannon & Mel 2003, Neuron 37:977, doi:10.1016/S0896-6273(03)00148-X"

K_BK_MOCZYDLOWSKI = Channel(
    name="k_bk_moczydlowski",
    current="g*o*(v - E)",
    ion="k",
    unit="uA/cm2",
    gates={
        "o": Gate(
            alpha="0.48*cai/(cai + k1*exp(-0.84*x))", beta="0.28*k2*exp(-x)/(k2*exp(-x) + cai)", note="open channels"
        )
    },
    functions={"x": "2*96485.33212*v/(8314.462618*(celsius + 273.15))"},
    params={
        "g": Param(10.0, "mS/cm2", 0.0, 10000.0, POIRAZI03 + ", cagk.mod", "maximal conductance"),
        "E": Param(-80.0, "mV", -200.0, 200.0, POIRAZI03, "reversal potential"),
        "k1": Param(0.18, "mM", 1e-9, 1e6, ML83, "binding of the calcium that opens, at 0 mV"),
        "k2": Param(0.011, "mM", 1e-9, 1e6, ML83, "binding of the calcium that keeps open, at 0 mV"),
        "cai": Param(1e-3, "mM", 0.0, 100.0, POIRAZI03 + ", cagk.mod", "calcium inside"),
        "celsius": Param(20.0, "degC", -10.0, 60.0, POIRAZI03 + ", cagk.mod", "temperature in RT/F"),
    },
    source=ML83 + "; as cagk.mod of " + POIRAZI03,
    note="x = 2 F v / (R T); dissociation constants fall with exp(-0.84 x) and exp(-x).",
)
