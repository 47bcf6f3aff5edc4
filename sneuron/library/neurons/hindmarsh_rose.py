"""A neuron that bursts (Hindmarsh & Rose 1984)."""

from sneuron.lang.spec import Injection, Neuron, Param, Protocol, State, Threshold, Variant

HR84 = "Hindmarsh & Rose 1984, Proc R Soc Lond B 221:87, doi:10.1098/rspb.1984.0024"
OWN = "own choice"

HINDMARSH_ROSE = Neuron(
    name="hindmarsh_rose",
    capacitance="1",
    unit="mV/ms",
    currents={
        "cubic": "(a*v**3/scale_v**2 - b*v**2/scale_v)/scale_t",
        "recovery": "-y/scale_t",
        "adaptation": "z/scale_t",
    },
    states={
        "y": State("mV", "c*scale_v - d*v**2/scale_v", -1e6, 1e6, "recovery variable; starts in balance with v"),
        "z": State("mV", "0", -1e6, 1e6, "slow adaptation"),
    },
    equations={"y": "(c*scale_v - d*v**2/scale_v - y)/scale_t", "z": "r*(s*(v - x1*scale_v) - z)/scale_t"},
    params={
        "a": Param(1.0, "1", -100.0, 100.0, HR84, "cubic coefficient"),
        "b": Param(3.0, "1", -100.0, 100.0, HR84, "quadratic coefficient"),
        "c": Param(1.0, "1", -100.0, 100.0, HR84, "offset of recovery"),
        "d": Param(5.0, "1", -100.0, 100.0, HR84, "sensitivity of recovery to v"),
        "r": Param(0.001, "1", 0.0, 100.0, HR84, "rate of adaptation"),
        "s": Param(4.0, "1", -100.0, 100.0, HR84, "sensitivity of adaptation to v"),
        "x1": Param(-1.6, "1", -100.0, 100.0, HR84, "rest without adaptation"),
        "scale_v": Param(1.0, "mV", 1e-6, 1e6, OWN + ": the numbers of the paper", "what 1 is in volts"),
        "scale_t": Param(1.0, "ms", 1e-6, 1e6, OWN + ": the numbers of the paper", "what 1 is in time"),
        "spike_threshold": Param(1.0, "mV", -1e6, 1e6, OWN, "an upward crossing is a spike"),
        "spike_rearm": Param(0.5, "mV", -1e6, 1e6, OWN, "below this the next spike may count"),
    },
    voltage=State("mV", "x1*scale_v", -1e6, 1e6, "membrane potential"),
    threshold=Threshold(level="spike_threshold", rearm="spike_rearm"),
    method="rk4",
    dt=0.05,
    variants={
        "hindmarsh_rose_bursting": Variant(
            note="Regular bursts, as in figure 6 of 1984; z starts where they have it.",
            start={"z": "1.8*scale_v"},
            protocol=Protocol(2100.0, {"on": Injection("step", {"amplitude": 2.0})}, HR84 + ", figure 6"),
        ),
        "hindmarsh_rose_chaotic": Variant(
            {"r": 0.005},
            source=HR84,
            note="Bursts that never repeat.",
            start={"z": "3*scale_v"},
            protocol=Protocol(2100.0, {"on": Injection("step", {"amplitude": 3.25})}, HR84),
        ),
    },
    source=HR84,
    note="The model has no dimensions. Here 1 is scale_v in volts and scale_t in time, and I is in mV/ms: with 1 mV "
    "and 1 ms all numbers are those of the paper. dv/dt = y - a v^3 + b v^2 - z + I, dy/dt = c - d v^2 - y, "
    "dz/dt = r (s (v - x1) - z).",
)
