"""The neurons of Izhikevich's network: each at a random place between two kinds, with thalamic noise (2003)."""

from sneuron.lang.spec import Mount, Neuron, Param, State, Threshold

IZ03 = "Izhikevich 2003, IEEE Trans Neural Netw 14:1569, doi:10.1109/TNN.2003.820440"

IZHIKEVICH_RANDOM = Neuron(
    name="izhikevich_random",
    capacitance="1",
    unit="mV/ms",
    currents={"quadratic": "-(0.04*v**2 + 5*v + 140)", "recovery": "u", "thalamic": "-eta"},
    channels={"syn": Mount("pulse_current")},
    states={
        "u": State("mV/ms", "b*v", -1e6, 1e6, "recovery variable"),
        "eta": State("mV/ms", "0", -1e6, 1e6, "thalamic input"),
    },
    equations={"u": "a*(b*v - u)", "eta": "-eta/tau"},
    noise={"thalamic": {"eta": "std*sqrt(2/tau)"}},
    functions={"a": "a0 + a1*r", "b": "b0 + b1*r", "c": "c0 + c1*r**2", "d": "d0 + d1*r**2"},
    params={
        "r": Param(0.0, "1", 0.0, 1.0, IZ03, "where the neuron is between two kinds; drawn evenly from 0 to 1"),
        "a0": Param(0.02, "1/ms", -100.0, 100.0, IZ03, "rate of recovery at r = 0"),
        "a1": Param(0.0, "1/ms", -100.0, 100.0, IZ03, "how it changes with r"),
        "b0": Param(0.2, "1/ms", -100.0, 100.0, IZ03, "sensitivity of recovery to v at r = 0"),
        "b1": Param(0.0, "1/ms", -100.0, 100.0, IZ03, "how it changes with r"),
        "c0": Param(-65.0, "mV", -200.0, 200.0, IZ03, "reset of v at r = 0"),
        "c1": Param(15.0, "mV", -200.0, 200.0, IZ03, "how it changes with the square of r"),
        "d0": Param(8.0, "mV/ms", -10000.0, 10000.0, IZ03, "step of u at a spike at r = 0"),
        "d1": Param(-6.0, "mV/ms", -10000.0, 10000.0, IZ03, "how it changes with the square of r"),
        "std": Param(5.0, "mV/ms", 0.0, 1000.0, IZ03, "standard deviation of the thalamic input"),
        "tau": Param(0.05, "ms", 0.01, 1000.0, "own choice: a new number in each step", "correlation of the input"),
        "v_peak": Param(30.0, "mV", -100.0, 1000.0, IZ03, "v is reset when it gets here"),
    },
    voltage=State("mV", "-65", -1e6, 1e30, "membrane potential"),
    threshold=Threshold(level="v_peak", rearm="v_peak", kind="reset"),
    reset={"v": "c", "u": "u + d", "syn.fired": "1"},
    method="izh2003",
    dt=1.0,
    source=IZ03,
    note="At the published step of 1 ms the thalamic input is a new normal number in each step, and what a spike "
    "brings lasts for one step. At shorter steps the same numbers come more often, and matter less.",
)
