"""The fast-spiking interneuron of the hippocampus, alone and with the synapses of its network (Wang & Buzsaki 1996)."""

from sneuron.lang.spec import Injection, Mount, Neuron, Param, Protocol, State, Threshold

WB96 = "Wang & Buzsaki 1996, J Neurosci 16:6402, doi:10.1523/JNEUROSCI.16-20-06402.1996"
CHOICE = "own choice: well inside the upstroke of every spike"

CHANNELS = {
    "na": Mount("na_wb", names={"g": "gNa", "E": "ENa", "h": "h", "m": "m", "phi": "phi"}),
    "k": Mount("k_wb", names={"g": "gK", "E": "EK", "n": "n", "phi": "phi"}),
    "leak": Mount("leak", names={"g": "gL", "E": "EL"}),
}
PARAMS = {
    "C": Param(1.0, "uF/cm2", 0.01, 1000.0, WB96, "membrane capacitance"),
    "gL": Param(0.1, "mS/cm2", 0.0, 10000.0, WB96, "leak conductance"),
    "EL": Param(-65.0, "mV", -200.0, 200.0, WB96, "leak reversal potential"),
    "phi": Param(5.0, "1", 0.0, 1000.0, WB96, "factor of the rates of h and n"),
    "spike_threshold": Param(0.0, "mV", -100.0, 100.0, CHOICE, "an upward crossing is a spike"),
    "spike_rearm": Param(-10.0, "mV", -100.0, 100.0, CHOICE, "below this the next spike may count"),
}
VOLTAGE = State("mV", "-64", -200.0, 200.0, "membrane potential")
CROSSING = Threshold(level="spike_threshold", rearm="spike_rearm")
PROTOCOL = Protocol(200.0, {"on": Injection("step", {"amplitude": 1.0, "start": 20.0, "stop": 180.0})}, "own choice")

WANG_BUZSAKI = Neuron(
    name="wang_buzsaki",
    capacitance="C",
    unit="uA/cm2",
    channels=CHANNELS,
    params=PARAMS,
    voltage=VOLTAGE,
    threshold=CROSSING,
    method="exp_euler",
    dt=0.025,
    protocol=PROTOCOL,
    source=WB96,
    note="Fires at any low rate from about 0.16 uA/cm2 on.",
)

WANG_BUZSAKI_GABA = Neuron(
    name="wang_buzsaki_gaba",
    capacitance="C",
    unit="uA/cm2",
    channels=CHANNELS | {"gaba": Mount("gaba_a_graded")},
    params=PARAMS,
    voltage=VOLTAGE,
    threshold=CROSSING,
    method="exp_euler",
    dt=0.05,
    protocol=PROTOCOL,
    source=WB96,
    note="Inhibition follows the presynaptic voltage at all times. Alone it is wang_buzsaki.",
)
