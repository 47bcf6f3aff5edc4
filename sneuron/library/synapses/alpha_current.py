"""A synaptic current that rises and falls as t exp(-t/tau)."""

from sneuron.lang.spec import Channel, Param, State

RALL67 = "Rall 1967, J Neurophysiol 30:1138, doi:10.1152/jn.1967.30.5.1138"

ALPHA_CURRENT = Channel(
    name="alpha_current",
    current="-s",
    unit="",
    states={
        "rise": State("current", "0", note="what is still to come"),
        "s": State("current", "0", note="synaptic current, inward positive"),
    },
    equations={"rise": "-rise/tau", "s": "(rise - s)/tau"},
    receive={"rise": "exp(1)*w"},
    params={
        "tau": Param(2.0, "ms", 1e-3, 1e6, "own choice, of the size of fast excitation", "time to the peak"),
    },
    source=RALL67,
    note="The weight is the peak that one spike makes, at tau.",
)
