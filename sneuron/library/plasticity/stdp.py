"""Spike-timing-dependent plasticity of pairs of spikes, by size of the weight and by which pairs count."""

from sneuron.lang.spec import Param
from sneuron.lang.spec_plasticity import Decay, Plasticity, Trace

SONG00 = "Song, Miller & Abbott 2000, Nat Neurosci 3:919, doi:10.1038/78829"
GUETIG03 = "Guetig, Aharonov, Rotter & Sompolinsky 2003, J Neurosci 23:3697, doi:10.1523/JNEUROSCI.23-09-03697.2003"
MORRISON08 = "Morrison, Diesmann & Gerstner 2008, Biol Cybern 98:459, doi:10.1007/s00422-008-0233-1"
SCALE = "own choice: weights are parts of the largest; give the largest weight in the unit of the receptor"

PARAMS = {
    "A_plus": Param(0.005, "1", 0.0, 1e6, SONG00, "change by a pair post after pre at no distance, as a part of w_max"),
    "A_minus": Param(0.00525, "1", 0.0, 1e6, SONG00 + ": 1.05 A_plus", "change by a pair pre after post"),
    "tau_plus": Param(20.0, "ms", 1e-3, 1e6, SONG00, "time constant of potentiation"),
    "tau_minus": Param(20.0, "ms", 1e-3, 1e6, SONG00, "time constant of depression"),
    "w_max": Param(1.0, "weight", 0.0, 1e9, SCALE, "largest weight"),
}

STDP = Plasticity(
    name="stdp",
    pre={"x": Trace("tau_plus", "x + 1", "spikes of the sending neuron")},
    post={"y": Trace("tau_minus", "y + 1", "spikes of the receiving neuron")},
    on_pre={"w": "w - A_minus*w_max*y"},
    on_post={"w": "w + A_plus*w_max*x"},
    high="w_max",
    params=PARAMS,
    source=SONG00,
    note="Additive; all pairs of spikes count. Weights end at their bounds.",
)

POWER = Plasticity(
    name="stdp_power",
    pre=STDP.pre,
    post=STDP.post,
    on_pre={"w": "w - A_minus*w_max*(w/w_max)**mu*y"},
    on_post={"w": "w + A_plus*w_max*(1 - w/w_max)**mu*x"},
    high="w_max",
    params=PARAMS | {"mu": Param(0.02, "1", 0.0, 10.0, "own choice", "0: additive, 1: multiplicative")},
    source=GUETIG03,
    note="How much a weight changes depends on its distance from the bound, to the power mu.",
)

MULTIPLICATIVE = Plasticity(
    name="stdp_multiplicative",
    pre=STDP.pre,
    post=STDP.post,
    on_pre={"w": "w - A_minus*w*y"},
    on_post={"w": "w + A_plus*(w_max - w)*x"},
    high="w_max",
    params=PARAMS,
    source="van Rossum, Bi & Turrigiano 2000, J Neurosci 20:8812, doi:10.1523/JNEUROSCI.20-23-08812.2000; " + GUETIG03,
    note="Soft bounds: the power law of Guetig et al. with mu = 1. Weights have one peak.",
)

NEAREST = Plasticity(
    name="stdp_nearest",
    pre={"x": Trace("tau_plus", "1", "the last spike of the sending neuron")},
    post={"y": Trace("tau_minus", "1", "the last spike of the receiving neuron")},
    on_pre=STDP.on_pre,
    on_post=STDP.on_post,
    high="w_max",
    params=PARAMS,
    source=MORRISON08,
    note="Additive; each spike makes a pair with the last one of the other neuron.",
)

CENTRED = Plasticity(
    name="stdp_centred",
    post=NEAREST.post,
    states={"x": Decay("tau_plus", note="spikes of the sending neuron since the last one of the receiving neuron")},
    on_pre={"w": "w - A_minus*w_max*y", "x": "x + 1"},
    on_post={"w": "w + A_plus*w_max*x", "x": "0"},
    high="w_max",
    params=PARAMS,
    source=MORRISON08,
    note="Additive; each spike of the sending neuron makes a pair with the last and with the next one of the other.",
)

RESTRICTED = Plasticity(
    name="stdp_restricted",
    states={
        "x": Decay("tau_plus", note="the last spike of the sending neuron, if it came last"),
        "y": Decay("tau_minus", note="the last spike of the receiving neuron, if it came last"),
    },
    on_pre={"w": "w - A_minus*w_max*where(gap > 0, y, 0)", "x": "1", "y": "0"},
    on_post={"w": "w + A_plus*w_max*x", "x": "0", "y": "1"},
    high="w_max",
    params=PARAMS,
    source=MORRISON08,
    note="Additive; two spikes make a pair only when no other one lies between them.",
)
