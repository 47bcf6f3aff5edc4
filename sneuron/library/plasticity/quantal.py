"""Release of single quanta (Fuhrmann et al. 2002)."""

from sneuron.lang.spec import Param
from sneuron.lang.spec_plasticity import Chance, Decay, Plasticity

FUHRMANN02 = "Fuhrmann, Segev, Markram & Tsodyks 2002, J Neurophysiol 87:140, doi:10.1152/jn.00258.2001"
TSODYKS98 = "Tsodyks, Pawelzik & Markram 1998, Neural Comput 10:821, doi:10.1162/089976698300017502"

QUANTAL = Plasticity(
    name="quantal",
    states={
        "f": Decay("tau_fac", note="the part u as the last spike left it, fading"),
        "n": Decay(start="sites", note="sites with a vesicle, as the last spike left them"),
    },
    chances={
        "back": Chance("sites - n", "-expm1(-gap/tau_rec)", "sites that got a vesicle since the last spike"),
        "quanta": Chance("n + back", "u", "vesicles that are released"),
    },
    functions={"u": "f + U*(1 - f)"},
    on_pre={"f": "u", "n": "n + back - quanta"},
    delivers="w*quanta/sites",
    params={
        "U": Param(0.5, "1", 0.0, 1.0, TSODYKS98 + ": depressing", "probability of release at rest"),
        "tau_fac": Param(0.0, "ms", 0.0, 1e6, TSODYKS98 + ": depressing", "how long facilitation lasts; 0: none"),
        "tau_rec": Param(800.0, "ms", 1e-3, 1e6, FUHRMANN02 + "; value of " + TSODYKS98, "mean time to get a vesicle"),
        "sites": Param(5.0, "1", 1.0, 1000.0, "own choice", "release sites, each with one vesicle or none"),
    },
    source=FUHRMANN02,
    note="Each site that has a vesicle releases it with probability u, each empty one gets one at a constant rate. The "
    "weight is what all sites release together: in the mean, this is the rule tsodyks_markram.",
)
