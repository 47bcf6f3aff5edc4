"""Release of transmitter: facilitation and depression, with means and with quanta."""

from sneuron.lang.spec import Param
from sneuron.lang.spec_plasticity import Chance, Decay, Plasticity

TSODYKS98 = "Tsodyks, Pawelzik & Markram 1998, Neural Comput 10:821, doi:10.1162/089976698300017502"
FUHRMANN02 = "Fuhrmann, Segev, Markram & Tsodyks 2002, J Neurophysiol 87:140, doi:10.1152/jn.00258.2001"

PARAMS = {
    "U": Param(0.5, "1", 0.0, 1.0, TSODYKS98 + ": depressing", "part of the resources that a spike uses at rest"),
    "tau_rec": Param(800.0, "ms", 0.0, 1e6, TSODYKS98 + ": depressing", "recovery of resources; 0: at once"),
    "tau_fac": Param(0.0, "ms", 0.0, 1e6, TSODYKS98 + ": depressing", "how long facilitation lasts; 0: none"),
}

STATES = {
    "u": Decay("tau_fac", note="part of the resources that a spike uses, above U, as the last spike left it"),
    "x": Decay("tau_rec", "1", note="part of the resources that is there"),
}

TSODYKS_MARKRAM = Plasticity(
    name="tsodyks_markram",
    states=STATES,
    functions={"p": "u + U*(1 - u)"},
    on_pre={"u": "p", "x": "x - p*x"},
    delivers="w*p*x",
    params=PARAMS,
    source=TSODYKS98,
    note="A spike first raises u, then releases the part u of what is there. u = 0.03, tau_rec = 130 ms, tau_fac = 530 "
    "ms facilitate.",
)

QUANTAL = Plasticity(
    name="quantal",
    states={"u": STATES["u"], "n": Decay(start="sites", note="sites with a vesicle")},
    chances={
        "back": Chance("sites - n", "-expm1(-gap/tau_rec)", "sites that got a vesicle since the last spike"),
        "quanta": Chance("n + back", "p", "vesicles that are released"),
    },
    functions={"p": "u + U*(1 - u)"},
    on_pre={"u": "p", "n": "n + back - quanta"},
    delivers="w*quanta/sites",
    params=PARAMS
    | {
        "tau_rec": Param(800.0, "ms", 1e-3, 1e6, FUHRMANN02 + "; value of " + TSODYKS98, "mean time to get a vesicle"),
        "sites": Param(5.0, "1", 1.0, 1000.0, "own choice", "release sites, each with one vesicle or none"),
    },
    source=FUHRMANN02,
    note="Each site that has a vesicle releases it with probability u, each empty one gets one at a constant rate. The "
    "weight is what all sites release together: in the mean, this is the rule tsodyks_markram.",
)
