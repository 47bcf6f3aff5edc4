"""Intrinsically bursting cells of the cortex (Pospischil et al. 2008)."""

from sneuron.lang.spec import Injection, Mount, Neuron, Param, Protocol, State, Threshold, Variant

POSPISCHIL08 = "Pospischil et al. 2008, Biol Cybern 99:427, doi:10.1007/s00422-008-0263-8"
MODELDB = POSPISCHIL08 + "; ModelDB 123623"
PORT = POSPISCHIL08 + "; as in the port of Open Source Brain"
CHOICE = "own choice: well inside the upstroke of every spike"
RATES = {"VT": "VT", "celsius": "celsius"}

POSPISCHIL_IB = Neuron(
    name="pospischil_ib",
    capacitance="C",
    unit="uA/cm2",
    channels={
        "na": Mount("na_tm", names={"g": "gNa", "E": "ENa", "m": "m", "h": "h", "phi": "phi", **RATES}),
        "k": Mount("k_tm", names={"g": "gK", "E": "EK", "n": "n", "phi": "phi", **RATES}),
        "km": Mount("k_m_yamada", names={"g": "gM", "E": "EK", "p": "p", "tau_max": "tau_max", "celsius": "celsius"}),
        "ca": Mount("ca_l_ohmic", names={"g": "gCaL", "E": "ECa", "q": "q", "r": "r"}),
        "leak": Mount("leak", names={"g": "gL", "E": "EL"}),
    },
    params={
        "C": Param(1.0, "uF/cm2", 0.01, 1000.0, MODELDB, "membrane capacitance"),
        "gNa": Param(50.0, "mS/cm2", 0.0, 10000.0, MODELDB, "maximal sodium conductance"),
        "gK": Param(5.0, "mS/cm2", 0.0, 10000.0, MODELDB, "maximal conductance of the delayed rectifier"),
        "gM": Param(0.03, "mS/cm2", 0.0, 10000.0, MODELDB, "maximal conductance of the M current"),
        "gL": Param(0.01, "mS/cm2", 0.0, 10000.0, MODELDB, "leak conductance"),
        "EL": Param(-85.0, "mV", -200.0, 200.0, MODELDB, "leak reversal potential"),
        "EK": Param(-100.0, "mV", -200.0, 200.0, MODELDB, "potassium reversal potential"),
        "VT": Param(-55.0, "mV", -200.0, 100.0, MODELDB, "what all rates of the spike currents are shifted by"),
        "celsius": Param(36.0, "degC", -10.0, 60.0, MODELDB, "temperature"),
        "gCaL": Param(0.17, "mS/cm2", 0.0, 10000.0, MODELDB, "maximal conductance of the L-type calcium current"),
        "spike_threshold": Param(0.0, "mV", -100.0, 100.0, CHOICE, "an upward crossing is a spike"),
        "spike_rearm": Param(-10.0, "mV", -100.0, 100.0, CHOICE, "below this the next spike may count"),
    },
    voltage=State("mV", "EL", -200.0, 200.0, "membrane potential"),
    threshold=Threshold(level="spike_threshold", rearm="spike_rearm"),
    method="exp_euler",
    dt=0.025,
    variants={
        "pospischil_ib": Variant(
            note="A burst, then single spikes; under 0.15 nA into 28953 um2 as in ModelDB 123623.",
            protocol=Protocol(
                3000.0, {"on": Injection("step", {"amplitude": 0.5181, "start": 500.0, "stop": 2500.0})}, MODELDB
            ),
        ),
        "pospischil_ib_repetitive": Variant(
            {"gCaL": 0.22},
            note="Bursts again and again; otherwise the same.",
            protocol=Protocol(
                3000.0, {"on": Injection("step", {"amplitude": 0.5181, "start": 500.0, "stop": 2500.0})}, MODELDB
            ),
        ),
        "pospischil_ib_fig6": Variant(
            {"gK": 4.2, "gM": 0.042, "gCaL": 0.12, "gL": 0.1, "EL": -75.0, "VT": -58.0},
            source=PORT,
            note="Figure 6; 28953 um2.",
            protocol=Protocol(
                1600.0, {"on": Injection("step", {"amplitude": 2.7631, "start": 200.0, "stop": 1400.0})}, PORT
            ),
        ),
    },
    source=POSPISCHIL08,
    note="The regular spiking cell with an L-type calcium current.",
)
