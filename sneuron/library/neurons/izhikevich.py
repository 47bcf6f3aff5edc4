"""The simple model of spiking neurons (Izhikevich 2003), converged and as published."""

from sneuron.lang.spec import Injection, Neuron, Param, Protocol, State, Threshold, Variant

IZ03 = "Izhikevich 2003, IEEE Trans Neural Netw 14:1569, doi:10.1109/TNN.2003.820440"
SCHEME = "The published scheme: 1 ms, v in two half steps, then u with the new v; reproduces the figures."
ON = Protocol(
    250.0,
    {"on": Injection("step", {"amplitude": 10.0, "start": 50.0})},
    "the step of dc current I = 10 in figure 2 of Izhikevich 2003; its times are our own choice",
)
TYPES = {
    "rs": Variant({"a": 0.02, "b": 0.2, "c": -65.0, "d": 8.0}, source=IZ03, note="Regular spiking.", protocol=ON),
    "ib": Variant(
        {"a": 0.02, "b": 0.2, "c": -55.0, "d": 4.0}, source=IZ03, note="Intrinsically bursting.", protocol=ON
    ),
    "ch": Variant({"a": 0.02, "b": 0.2, "c": -50.0, "d": 2.0}, source=IZ03, note="Chattering.", protocol=ON),
    "fs": Variant({"a": 0.1, "b": 0.2, "c": -65.0, "d": 2.0}, source=IZ03, note="Fast spiking.", protocol=ON),
    "lts": Variant(
        {"a": 0.02, "b": 0.25, "c": -65.0, "d": 2.0}, source=IZ03, note="Low-threshold spiking.", protocol=ON
    ),
    "rz": Variant(
        {"a": 0.1, "b": 0.26, "c": -65.0, "d": 2.0}, source=IZ03, note="Resonator.", start={"v": "-62.5"}, protocol=ON
    ),
    "tc": Variant({"a": 0.02, "b": 0.25, "c": -65.0, "d": 0.05}, source=IZ03, note="Thalamo-cortical.", protocol=ON),
}

IZHIKEVICH = Neuron(
    name="izhikevich",
    capacitance="1",
    unit="mV/ms",
    currents={"quadratic": "-(0.04*v**2 + 5*v + 140)", "recovery": "u"},
    states={"u": State("mV/ms", "b*v", -1e6, 1e6, "recovery variable")},
    equations={"u": "a*(b*v - u)"},
    params={
        "a": Param(0.02, "1/ms", -100.0, 100.0, IZ03 + ", regular spiking", "rate of recovery"),
        "b": Param(0.2, "1/ms", -100.0, 100.0, IZ03 + ", regular spiking", "sensitivity of recovery to v"),
        "c": Param(-65.0, "mV", -200.0, 200.0, IZ03 + ", regular spiking", "reset of v"),
        "d": Param(8.0, "mV/ms", -10000.0, 10000.0, IZ03 + ", regular spiking", "step of u at a spike"),
        "v_peak": Param(30.0, "mV", -100.0, 1000.0, IZ03, "v is reset when it gets here"),
    },
    voltage=State("mV", "-65", -1e6, 1e30, "membrane potential"),
    threshold=Threshold(level="v_peak", rearm="v_peak", kind="reset"),
    reset={"v": "c", "u": "u + d"},
    method="euler",
    dt=0.01,
    variants={
        "izhikevich": Variant(note="Integrated until converged: counts differ from the published figures."),
        "izhikevich_2003": Variant(method="izh2003", dt=1.0, note=SCHEME),
        **{f"izhikevich_{name}": cell for name, cell in TYPES.items()},
        **{
            f"izhikevich_2003_{name}": Variant(
                cell.params, "izh2003", 1.0, IZ03, f"{cell.note} {SCHEME}", cell.start, cell.protocol
            )
            for name, cell in TYPES.items()
        },
    },
    source=IZ03,
    note="The current has no area and no capacitance: its unit is mV/ms.",
)
