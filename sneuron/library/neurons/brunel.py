"""The neuron of Brunel's sparse network, with its external input (Brunel 2000)."""

from sneuron.lang.spec import Drive, Mount, Neuron, Param, State, Threshold

BRUNEL00 = "Brunel 2000, J Comput Neurosci 8:183, doi:10.1023/A:1008925309027, model A"
SCALE = "own choice: with 1 nS a current in pA is a voltage in mV; time constant 20 ms of " + BRUNEL00
ETA = BRUNEL00 + ": eta = 2; eta (Vth - EL)/(J tau)"

BRUNEL = Neuron(
    name="brunel",
    capacitance="C",
    unit="pA",
    currents={"leak": "gL*(v - EL)"},
    channels={"syn": Mount("delta")},
    drives={"external": Drive("syn", "rate", "J")},
    params={
        "C": Param(20.0, "pF", 0.001, 1e5, SCALE, "membrane capacitance"),
        "gL": Param(1.0, "nS", 0.001, 1e4, SCALE, "leak conductance"),
        "EL": Param(0.0, "mV", -200.0, 200.0, BRUNEL00, "resting potential"),
        "Vth": Param(20.0, "mV", -200.0, 200.0, BRUNEL00, "threshold"),
        "Vr": Param(10.0, "mV", -200.0, 200.0, BRUNEL00, "reset potential"),
        "t_ref": Param(2.0, "ms", 0.0, 1000.0, BRUNEL00, "refractory time"),
        "J": Param(0.1, "mV", 1e-3, 100.0, BRUNEL00, "jump of v by a spike from outside"),
        "rate": Param(20.0, "1/ms", 0.0, 4000.0, ETA, "spikes from outside; 10 per ms just reach the threshold"),
    },
    voltage=State("mV", "EL", -1e6, 1e6, "membrane potential"),
    threshold=Threshold(level="Vth", rearm="Vth", kind="reset"),
    reset={"v": "Vr"},
    refractory="t_ref",
    method="linear",
    dt=0.1,
    source=BRUNEL00,
    note="Each neuron gets independent Poisson spikes from outside. In the network weights are J and -g J, and the "
    "delay is 1.5 ms.",
)
