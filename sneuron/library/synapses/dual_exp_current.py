"""A synaptic current that rises and falls with two time constants."""

from sneuron.lang.spec import Channel, Param, State

DESTEXHE94 = "Destexhe, Mainen & Sejnowski 1994, J Comput Neurosci 1:195, doi:10.1007/BF00961734"

DUAL_EXP_CURRENT = Channel(
    name="dual_exp_current",
    current="-s",
    unit="",
    states={
        "rise": State("current", "0", note="what is still to come"),
        "s": State("current", "0", note="synaptic current, inward positive"),
    },
    equations={"rise": "-rise/tau_rise", "s": "(rise - s)/tau_decay"},
    receive={"rise": "w*exp(tau_decay/tau_rise/exprel(log(tau_decay/tau_rise)))"},
    params={
        "tau_rise": Param(
            0.5, "ms", 1e-3, 1e6, "own choice, of the size of fast excitation", "time constant of the rise"
        ),
        "tau_decay": Param(2.0, "ms", 1e-3, 1e6, "own choice, of the size of fast excitation", "that of the fall"),
    },
    source=DESTEXHE94,
    note="The weight is the peak that one spike makes, at tau_rise tau_decay/(tau_decay - tau_rise) "
    "log(tau_decay/tau_rise). Equal time constants are an alpha function.",
)
