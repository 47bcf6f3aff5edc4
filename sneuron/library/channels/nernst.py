"""The Nernst potential of one ion: no current, but a function `E` that channels may have as their reversal."""

from sneuron.lang.spec import Channel, Param

HK49 = "Hodgkin & Katz 1949, J Physiol 108:37, doi:10.1113/jphysiol.1949.sp004310"
OWN = "own choice: potassium of a mammalian neuron"

NERNST = Channel(
    name="nernst",
    unit="",
    functions={"E": "8314.462618*(celsius + 273.15)/(z*96485.33212)*log(outside/inside)"},
    params={
        "z": Param(1.0, "1", -3.0, 3.0, OWN, "charges of the ion"),
        "inside": Param(140.0, "mM", 1e-12, 10000.0, OWN, "concentration inside"),
        "outside": Param(5.0, "mM", 1e-12, 10000.0, OWN, "concentration outside"),
        "celsius": Param(37.0, "degC", -10.0, 60.0, OWN, "temperature"),
    },
    source=HK49,
    note="Mount it with names={'E': 'EK'} and the channel with names={'E': 'EK'}; `inside` may be a pool.",
)
