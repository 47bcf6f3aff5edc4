"""Triplets of spikes (Pfister & Gerstner 2006)."""

from sneuron.lang.spec import Param
from sneuron.lang.spec_plasticity import Plasticity, Trace

PFISTER06 = "Pfister & Gerstner 2006, J Neurosci 26:9673, doi:10.1523/JNEUROSCI.1425-06.2006, Tables 3 and 4"
CORTEX = PFISTER06 + ": visual cortex, all pairs, full model"
SCALE = "own choice: weights are parts of the largest"

TRIPLET = Plasticity(
    name="triplet",
    pre={
        "r1": Trace("tau_plus", "r1 + 1", "spikes of the sending neuron, fast"),
        "r2": Trace("tau_x", "r2 + 1", "spikes of the sending neuron, slow"),
    },
    post={
        "o1": Trace("tau_minus", "o1 + 1", "spikes of the receiving neuron, fast"),
        "o2": Trace("tau_y", "o2 + 1", "spikes of the receiving neuron, slow"),
    },
    on_pre={"w": "w - w_scale*o1*(A2_minus + A3_minus*r2)"},
    on_post={"w": "w + w_scale*r1*(A2_plus + A3_plus*o2)"},
    high="w_max",
    params={
        "A2_plus": Param(5e-10, "1", 0.0, 1e6, CORTEX, "potentiation by pairs"),
        "A3_plus": Param(6.2e-3, "1", 0.0, 1e6, CORTEX, "potentiation by triplets post-pre-post"),
        "A2_minus": Param(7e-3, "1", 0.0, 1e6, CORTEX, "depression by pairs"),
        "A3_minus": Param(2.3e-4, "1", 0.0, 1e6, CORTEX, "depression by triplets pre-post-pre"),
        "tau_plus": Param(16.8, "ms", 1e-3, 1e6, CORTEX, "time constant of r1"),
        "tau_x": Param(101.0, "ms", 1e-3, 1e6, CORTEX, "time constant of r2"),
        "tau_minus": Param(33.7, "ms", 1e-3, 1e6, CORTEX, "time constant of o1"),
        "tau_y": Param(125.0, "ms", 1e-3, 1e6, CORTEX, "time constant of o2"),
        "w_scale": Param(1.0, "weight", 0.0, 1e9, SCALE, "the weight that changes are parts of"),
        "w_max": Param(10.0, "weight", 0.0, 1e9, "own choice", "largest weight"),
    },
    source=PFISTER06,
    note="Slow traces are those just before the spike.",
)
