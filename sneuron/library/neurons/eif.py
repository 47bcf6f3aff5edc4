"""The exponential integrate-and-fire neuron (Fourcaud-Trocme et al. 2003)."""

from sneuron.lang.spec import Injection, Neuron, Param, Protocol, State, Threshold

FT03 = (
    "Fourcaud-Trocme, Hansel, van Vreeswijk & Brunel 2003, J Neurosci 23:11628, doi:10.1523/JNEUROSCI.23-37-11628.2003"
)
OWN = "own choice"

EIF = Neuron(
    name="eif",
    capacitance="C",
    unit="uA/cm2",
    currents={"leak": "gL*(v - EL)", "spike": "-gL*DT*exp((v - VT)/DT)"},
    params={
        "C": Param(1.0, "uF/cm2", 0.01, 1000.0, FT03, "membrane capacitance"),
        "gL": Param(0.1, "mS/cm2", 0.0, 10000.0, FT03, "leak conductance"),
        "EL": Param(-65.0, "mV", -200.0, 100.0, FT03, "leak reversal potential"),
        "VT": Param(-59.9, "mV", -200.0, 100.0, FT03, "threshold potential"),
        "DT": Param(3.48, "mV", 0.05, 100.0, FT03, "slope factor"),
        "Vr": Param(-68.0, "mV", -200.0, 100.0, FT03, "reset potential"),
        "Vcut": Param(
            -30.0,
            "mV",
            -100.0,
            200.0,
            OWN + ": what is left of the upstroke takes 2 us",
            "v is reset when it gets here",
        ),
        "t_ref": Param(1.7, "ms", 0.0, 1000.0, FT03, "refractory time"),
    },
    voltage=State("mV", "EL", -500.0, 1e30, "membrane potential"),
    threshold=Threshold(level="Vcut", rearm="Vcut", kind="reset"),
    reset={"v": "Vr"},
    refractory="t_ref",
    method="euler",
    dt=0.01,
    source=FT03,
    note="The parameters that follow the model of Wang & Buzsaki 1996. Fires without end above gL (VT - EL - DT).",
    protocol=Protocol(400.0, {"on": Injection("step", {"amplitude": 0.3, "start": 50.0, "stop": 350.0})}, OWN),
)
