"""The simple model of spiking neurons (Izhikevich 2003), converged and as published."""

from sneuron.lang.spec import Neuron, Param, State, Threshold, Variant

IZ03 = "Izhikevich 2003, IEEE Trans Neural Netw 14:1569, doi:10.1109/TNN.2003.820440"

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
        "izhikevich_2003": Variant(
            method="izh2003",
            dt=1.0,
            note="The published scheme: 1 ms, v in two half steps, then u with the new v; reproduces the figures.",
        ),
    },
    source=IZ03,
    note="The current has no area and no capacitance: its unit is mV/ms.",
)
