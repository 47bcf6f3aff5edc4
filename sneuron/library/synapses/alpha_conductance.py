"""A synaptic conductance that rises and falls as t exp(-t/tau)."""

from sneuron.lang.spec import Channel, Param, State

RALL67 = "Rall 1967, J Neurophysiol 30:1138, doi:10.1152/jn.1967.30.5.1138"

ALPHA_CONDUCTANCE = Channel(
    name="alpha_conductance",
    current="g*(v - E)",
    unit="",
    states={
        "rise": State("conductance", "0", note="what is still to come"),
        "g": State("conductance", "0", note="synaptic conductance"),
    },
    equations={"rise": "-rise/tau", "g": "(rise - g)/tau"},
    receive={"rise": "exp(1)*w"},
    params={
        "tau": Param(2.0, "ms", 1e-3, 1e6, "own choice, of the size of fast excitation", "time to the peak"),
        "E": Param(0.0, "mV", -200.0, 200.0, "own choice: excitation", "reversal potential"),
    },
    source=RALL67,
    note="The weight is the peak that one spike makes, at tau.",
)
