"""Inhibition that balances excitation (Vogels et al. 2011)."""

from sneuron.lang.spec import Param
from sneuron.lang.spec_plasticity import Plasticity, Trace

VOGELS11 = "Vogels, Sprekeler, Zenke, Clopath & Gerstner 2011, Science 334:1569, doi:10.1126/science.1211095"

INHIBITORY = Plasticity(
    name="inhibitory",
    pre={"x": Trace("tau", "x + 1", "spikes of the sending neuron")},
    post={"y": Trace("tau", "y + 1", "spikes of the receiving neuron")},
    functions={"target": "2*rate*tau"},
    on_pre={"w": "w + eta*w_scale*(y - target)"},
    on_post={"w": "w + eta*w_scale*x"},
    high="w_max",
    params={
        "eta": Param(0.005, "1", 0.0, 1e6, "own choice", "learning rate, in parts of w_scale"),
        "rate": Param(0.005, "1/ms", 0.0, 1.0, VOGELS11 + ": 5 Hz", "rate at which the receiving neuron is held"),
        "tau": Param(20.0, "ms", 1e-3, 1e6, VOGELS11, "time constant of both traces"),
        "w_scale": Param(1.0, "weight", 0.0, 1e9, "own choice", "the weight that changes are parts of"),
        "w_max": Param(100.0, "weight", 0.0, 1e9, "own choice", "largest weight"),
    },
    source=VOGELS11,
    note="Near coincidences make inhibition stronger, every other spike of the inhibitory neuron makes it weaker.",
)
