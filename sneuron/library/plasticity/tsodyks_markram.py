"""Facilitation and depression of release (Tsodyks, Pawelzik & Markram 1998)."""

from sneuron.lang.spec import Param
from sneuron.lang.spec_plasticity import Decay, Plasticity

TSODYKS98 = "Tsodyks, Pawelzik & Markram 1998, Neural Comput 10:821, doi:10.1162/089976698300017502"

PARAMS = {
    "U": Param(0.5, "1", 0.0, 1.0, TSODYKS98 + ": depressing", "part of the resources that a spike uses at rest"),
    "tau_rec": Param(800.0, "ms", 0.0, 1e6, TSODYKS98 + ": depressing", "recovery of resources; 0: at once"),
    "tau_fac": Param(0.0, "ms", 0.0, 1e6, TSODYKS98 + ": depressing", "how long facilitation lasts; 0: none"),
}

STATES = {
    "f": Decay("tau_fac", note="the part u as the last spike left it, fading"),
    "x": Decay("tau_rec", "1", note="part of the resources that is there"),
}

TSODYKS_MARKRAM = Plasticity(
    name="tsodyks_markram",
    states=STATES,
    functions={"u": "f + U*(1 - f)"},
    on_pre={"f": "u", "x": "x - u*x"},
    delivers="w*u*x",
    params=PARAMS,
    source=TSODYKS98,
    note="A spike first raises u, then releases the part u of what is there. u = 0.03, tau_rec = 130 ms, tau_fac = 530 "
    "ms facilitate.",
)
