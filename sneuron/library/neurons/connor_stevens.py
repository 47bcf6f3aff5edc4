"""The crustacean walking leg axon with an A current (Connor, Walter & McKown 1977; Connor & Stevens 1971)."""

from sneuron.lang.spec import Injection, Mount, Neuron, Param, Protocol, State, Threshold

CWM77 = "Connor, Walter & McKown 1977, Biophys J 18:81, doi:10.1016/S0006-3495(77)85598-7"
CHOICE = "own choice: well inside the upstroke of every spike"

CONNOR_STEVENS = Neuron(
    name="connor_stevens",
    capacitance="C",
    unit="uA/cm2",
    channels={
        "na": Mount("na_cs", names={"g": "gNa", "E": "ENa", "m": "m", "h": "h", "phi": "phi"}),
        "k": Mount("k_cs", names={"g": "gK", "E": "EK", "n": "n", "phi": "phi"}),
        "ka": Mount("k_a_cs", names={"g": "gA", "E": "EA", "a": "a", "b": "b"}),
        "leak": Mount("leak", names={"g": "gL", "E": "EL"}),
    },
    params={
        "C": Param(1.0, "uF/cm2", 0.01, 1000.0, CWM77, "membrane capacitance"),
        "gL": Param(0.3, "mS/cm2", 0.0, 10000.0, CWM77, "leak conductance"),
        "EL": Param(-17.0, "mV", -200.0, 200.0, CWM77, "leak reversal potential"),
        "phi": Param(3.8, "1", 0.0, 1000.0, CWM77, "factor of the rates, of which n has half: temperature"),
        "spike_threshold": Param(0.0, "mV", -100.0, 100.0, CHOICE, "an upward crossing is a spike"),
        "spike_rearm": Param(-10.0, "mV", -100.0, 100.0, CHOICE, "below this the next spike may count"),
    },
    voltage=State("mV", "-68", -200.0, 200.0, "membrane potential"),
    threshold=Threshold(level="spike_threshold", rearm="spike_rearm"),
    method="exp_euler",
    dt=0.025,
    protocol=Protocol(
        200.0, {"on": Injection("step", {"amplitude": 10.0, "start": 20.0, "stop": 180.0})}, "own choice"
    ),
    source=CWM77,
    note="The A current lets it fire at any low rate.",
)
