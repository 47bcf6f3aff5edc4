"""The Bonhoeffer-van der Pol model of a nerve (FitzHugh 1961; Nagumo et al. 1962)."""

from sneuron.lang.spec import Injection, Neuron, Param, Protocol, State, Threshold

FH61 = "FitzHugh 1961, Biophys J 1:445, doi:10.1016/S0006-3495(61)86902-6"
NAGUMO62 = "Nagumo, Arimoto & Yoshizawa 1962, Proc IRE 50:2061, doi:10.1109/JRPROC.1962.288235"
OWN = "own choice"

FITZHUGH_NAGUMO = Neuron(
    name="fitzhugh_nagumo",
    capacitance="1",
    unit="mV/ms",
    currents={
        "cubic": "-(v - v**3/(3*scale_v**2))/scale_t",
        "recovery": "w/scale_t",
    },
    states={"w": State("mV", "(v + a*scale_v)/b", -1e6, 1e6, "recovery variable; starts in balance with v")},
    equations={"w": "eps*(v + a*scale_v - b*w)/scale_t"},
    params={
        "a": Param(0.7, "1", -100.0, 100.0, FH61, "offset of recovery"),
        "b": Param(0.8, "1", 0.001, 100.0, FH61, "decay of recovery"),
        "eps": Param(0.08, "1", 1e-6, 100.0, "as is usual today; 1/9 in " + FH61, "rate of recovery"),
        "scale_v": Param(1.0, "mV", 1e-6, 1e6, OWN + ": the numbers of the paper", "what 1 is in volts"),
        "scale_t": Param(1.0, "ms", 1e-6, 1e6, OWN + ": the numbers of the paper", "what 1 is in time"),
        "spike_threshold": Param(1.0, "mV", -1e6, 1e6, OWN, "an upward crossing is a spike"),
        "spike_rearm": Param(0.0, "mV", -1e6, 1e6, OWN, "below this the next spike may count"),
    },
    voltage=State("mV", "-1.2*scale_v", -1e6, 1e6, "membrane potential"),
    threshold=Threshold(level="spike_threshold", rearm="spike_rearm"),
    method="rk4",
    dt=0.05,
    source=FH61 + "; " + NAGUMO62,
    note="The model has no dimensions. Here 1 is scale_v in volts and scale_t in time, and I is in mV/ms: with 1 mV "
    "and 1 ms all numbers are those of the paper. dv/dt = v - v^3/3 - w + I, dw/dt = eps (v + a - b w).",
    protocol=Protocol(250.0, {"on": Injection("step", {"amplitude": 0.5, "start": 50.0, "stop": 200.0})}, OWN),
)
