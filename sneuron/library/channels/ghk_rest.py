"""The Goldman-Hodgkin-Katz potential of a membrane that potassium, sodium and chloride pass: a function `E`."""

from sneuron.lang.spec import Channel, Param

HK49 = "Hodgkin & Katz 1949, J Physiol 108:37, doi:10.1113/jphysiol.1949.sp004310"
OWN = "own choice: a mammalian neuron"

GHK_REST = Channel(
    name="ghk_rest",
    unit="",
    functions={
        "out": "PK*ko + PNa*nao + PCl*cli",
        "in_": "PK*ki + PNa*nai + PCl*clo",
        "E": "8314.462618*(celsius + 273.15)/96485.33212*log(out/in_)",
    },
    params={
        "PK": Param(1.0, "1", 0.0, 1e6, HK49, "permeability of potassium, relative"),
        "PNa": Param(0.04, "1", 0.0, 1e6, HK49 + ", squid axon at rest", "permeability of sodium, relative"),
        "PCl": Param(0.45, "1", 0.0, 1e6, HK49 + ", squid axon at rest", "permeability of chloride, relative"),
        "ki": Param(140.0, "mM", 1e-12, 10000.0, OWN, "potassium inside"),
        "ko": Param(5.0, "mM", 1e-12, 10000.0, OWN, "potassium outside"),
        "nai": Param(12.0, "mM", 1e-12, 10000.0, OWN, "sodium inside"),
        "nao": Param(145.0, "mM", 1e-12, 10000.0, OWN, "sodium outside"),
        "cli": Param(10.0, "mM", 1e-12, 10000.0, OWN, "chloride inside"),
        "clo": Param(110.0, "mM", 1e-12, 10000.0, OWN, "chloride outside"),
        "celsius": Param(37.0, "degC", -10.0, 60.0, OWN, "temperature"),
    },
    source=HK49,
    note="Where no current flows: the permeabilities weigh the ions.",
)
