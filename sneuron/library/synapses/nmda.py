"""The NMDA receptor: slow, and blocked by magnesium below -20 mV."""

from sneuron.lang.spec import Channel, Param, State

JAHR90 = "Jahr & Stevens 1990, J Neurosci 10:3178, doi:10.1523/JNEUROSCI.10-09-03178.1990"

NMDA = Channel(
    name="nmda",
    current="block*g*(v - E)",
    unit="",
    states={
        "rise": State("conductance", "0", note="what is still to come"),
        "g": State("conductance", "0", note="conductance without the block"),
    },
    equations={"rise": "-rise/tau_rise", "g": "(rise - g)/tau_decay"},
    receive={"rise": "w*exp(tau_decay/tau_rise/exprel(log(tau_decay/tau_rise)))"},
    functions={"block": "1/(1 + Mg/3.57*exp(-0.062*v))"},
    params={
        "tau_rise": Param(2.0, "ms", 1e-3, 1e6, "own choice, of the usual size", "time constant of the rise"),
        "tau_decay": Param(100.0, "ms", 1e-3, 1e6, "own choice, of the usual size", "that of the fall"),
        "E": Param(0.0, "mV", -200.0, 200.0, JAHR90, "reversal potential"),
        "Mg": Param(1.0, "mM", 0.0, 100.0, JAHR90, "magnesium outside"),
    },
    source=JAHR90,
    note="The weight is the peak of the conductance that one spike makes, without the block.",
)
