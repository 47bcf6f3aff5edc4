"""The quadratic integrate-and-fire neuron (Ermentrout & Kopell 1986; Latham et al. 2000)."""

from sneuron.lang.spec import Injection, Neuron, Param, Protocol, State, Threshold

LATHAM00 = "Latham, Richmond, Nelson & Nirenberg 2000, J Neurophysiol 83:808, doi:10.1152/jn.2000.83.2.808"
EK86 = "Ermentrout & Kopell 1986, SIAM J Appl Math 46:233, doi:10.1137/0146017"
OWN = "own choice"

QIF = Neuron(
    name="qif",
    capacitance="C",
    unit="pA",
    currents={"quadratic": "-gL*(v - EL)*(v - VT)/(VT - EL)"},
    params={
        "C": Param(
            100.0, "pF", 0.001, 100000.0, OWN + f": with gL a time constant of 10 ms, as in {LATHAM00}", "capacitance"
        ),
        "gL": Param(10.0, "nS", 0.0, 10000.0, OWN + ", see C", "slope of the current at rest"),
        "EL": Param(-65.0, "mV", -200.0, 200.0, LATHAM00, "resting potential"),
        "VT": Param(-50.0, "mV", -200.0, 200.0, LATHAM00, "threshold without input: unstable rest"),
        "Vpeak": Param(20.0, "mV", -200.0, 1e6, OWN + ": in theory at infinity", "v is reset when it gets here"),
        "Vr": Param(-80.0, "mV", -1e6, 200.0, OWN + ": in theory at minus infinity", "reset potential"),
        "t_ref": Param(0.0, "ms", 0.0, 1000.0, EK86 + ", where there is none", "refractory time"),
    },
    voltage=State("mV", "EL", -1e6, 1e30, "membrane potential"),
    threshold=Threshold(level="Vpeak", rearm="Vpeak", kind="reset"),
    reset={"v": "Vr"},
    refractory="t_ref",
    method="euler",
    dt=0.01,
    source=LATHAM00 + "; " + EK86,
    note="Fires without end above gL (VT - EL)/4.",
    protocol=Protocol(400.0, {"on": Injection("step", {"amplitude": 60.0, "start": 50.0, "stop": 350.0})}, OWN),
)
