"""The adaptive exponential integrate-and-fire neuron (Brette & Gerstner 2005)."""

from sneuron.lang.spec import Neuron, Param, State, Threshold

BG05 = "Brette & Gerstner 2005, J Neurophysiol 94:3637, doi:10.1152/jn.00686.2005"

ADEX = Neuron(
    name="adex",
    capacitance="C",
    unit="pA",
    currents={
        "leak": "gL*(v - EL)",
        "spike": "-gL*DT*exp((v - VT)/DT)",
        "adaptation": "w",
    },
    states={"w": State("pA", "a*(v - EL)", -1e6, 1e6, "adaptation current; starts in balance with v")},
    equations={"w": "(a*(v - EL) - w)/tau_w"},
    params={
        "C": Param(281.0, "pF", 0.1, 100000.0, BG05, "membrane capacitance"),
        "gL": Param(30.0, "nS", 0.0, 10000.0, BG05, "leak conductance"),
        "EL": Param(-70.6, "mV", -200.0, 100.0, BG05, "leak reversal potential"),
        "VT": Param(-50.4, "mV", -200.0, 100.0, BG05, "threshold potential"),
        "DT": Param(2.0, "mV", 0.05, 100.0, BG05, "slope factor"),
        "tau_w": Param(144.0, "ms", 0.01, 100000.0, BG05, "time constant of adaptation"),
        "a": Param(4.0, "nS", -10000.0, 10000.0, BG05, "subthreshold adaptation"),
        "b": Param(80.5, "pA", -100000.0, 100000.0, BG05, "spike-triggered adaptation"),
        "Vr": Param(
            -70.6, "mV", -200.0, 100.0, BG05 + ", where v is reset to EL; NEST resets to -60 mV", "reset potential"
        ),
        "Vcut": Param(
            20.0,
            "mV",
            -100.0,
            200.0,
            BG05 + ", where spikes end at 20 mV; NEST cuts at 0 mV",
            "v is reset when it gets here",
        ),
        "t_ref": Param(0.0, "ms", 0.0, 1000.0, BG05 + ", where there is none", "refractory time"),
    },
    voltage=State("mV", "EL", -500.0, 1e30, "membrane potential"),
    threshold=Threshold(level="Vcut", rearm="Vcut", kind="reset"),
    reset={"v": "Vr", "w": "w + b"},
    refractory="t_ref",
    method="euler",
    dt=0.05,
    source=BG05,
)
