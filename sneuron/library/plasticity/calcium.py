"""Calcium that crosses thresholds (Graupner & Brunel 2012)."""

from sneuron.lang.spec import Param
from sneuron.lang.spec_plasticity import Decay, Plasticity

GRAUPNER12 = "Graupner & Brunel 2012, PNAS 109:3991, doi:10.1073/pnas.1109359109, curve DP"

UP = "max(0, min(gap, tau_ca*log(max(c, 1e-30)/theta_p)))"
DOWN = "max(0, min(gap, tau_ca*log(max(c, 1e-30)/theta_d)))"
HIGH = "w_max*gamma_p/(gamma_p + gamma_d)"
BOTH = f"({HIGH} + (w - {HIGH})*exp(-(gamma_p + gamma_d)*min({UP}, {DOWN})/tau))"
GROWN = f"gamma_p*max(0, {UP} - {DOWN})"

CALCIUM = Plasticity(
    name="calcium",
    states={"c": Decay("tau_ca", note="calcium, as the last spike left it")},
    between={"w": f"{BOTH}*exp(-(gamma_d*max(0, {DOWN} - {UP}) + {GROWN})/tau) - w_max*expm1(-{GROWN}/tau)"},
    on_pre={"c": "c + C_pre"},
    on_post={"c": "c + C_post"},
    high="w_max",
    params={
        "tau_ca": Param(20.0, "ms", 1e-3, 1e6, GRAUPNER12, "time constant of calcium"),
        "C_pre": Param(1.0, "1", 0.0, 1e3, GRAUPNER12, "calcium by a spike of the sending neuron"),
        "C_post": Param(2.0, "1", 0.0, 1e3, GRAUPNER12, "calcium by a spike of the receiving neuron"),
        "theta_p": Param(1.3, "1", 1e-6, 1e3, GRAUPNER12, "calcium above which the weight grows"),
        "theta_d": Param(1.0, "1", 1e-6, 1e3, GRAUPNER12, "calcium above which the weight shrinks"),
        "gamma_p": Param(321.808, "1", 1e-6, 1e6, GRAUPNER12, "rate of potentiation"),
        "gamma_d": Param(200.0, "1", 1e-6, 1e6, GRAUPNER12, "rate of depression"),
        "tau": Param(150e3, "ms", 1e-3, 1e9, GRAUPNER12, "time constant of the weight"),
        "w_max": Param(1.0, "weight", 0.0, 1e9, "own choice: weights are parts of the largest", "largest weight"),
    },
    source=GRAUPNER12,
    note="Exact between spikes: how long calcium stays above each threshold follows from where it is. Without noise "
    "and without the two wells, in which the weight drifts when calcium is low. Calcium comes at once after a spike; "
    "in the paper that of the sending neuron is 13.7 ms late (StdpUpd: axonal=13.7).",
)
