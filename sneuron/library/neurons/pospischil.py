"""Regular spiking and fast spiking cells of the cortex (Pospischil et al. 2008)."""

from sneuron.lang.spec import Injection, Mount, Neuron, Param, Protocol, State, Threshold, Variant

POSPISCHIL08 = "Pospischil et al. 2008, Biol Cybern 99:427, doi:10.1007/s00422-008-0263-8"
MODELDB = POSPISCHIL08 + "; ModelDB 123623"
PORT = POSPISCHIL08 + "; as in the port of Open Source Brain"
CHOICE = "own choice: well inside the upstroke of every spike"
RATES = {"VT": "VT", "celsius": "celsius"}

POSPISCHIL = Neuron(
    name="pospischil",
    capacitance="C",
    unit="uA/cm2",
    channels={
        "na": Mount("na_tm", names={"g": "gNa", "E": "ENa", "m": "m", "h": "h", "phi": "phi", **RATES}),
        "k": Mount("k_tm", names={"g": "gK", "E": "EK", "n": "n", "phi": "phi", **RATES}),
        "km": Mount("k_m_yamada", names={"g": "gM", "E": "EK", "p": "p", "tau_max": "tau_max", "celsius": "celsius"}),
        "leak": Mount("leak", names={"g": "gL", "E": "EL"}),
    },
    params={
        "C": Param(1.0, "uF/cm2", 0.01, 1000.0, MODELDB, "membrane capacitance"),
        "gNa": Param(50.0, "mS/cm2", 0.0, 10000.0, MODELDB, "maximal sodium conductance"),
        "gK": Param(5.0, "mS/cm2", 0.0, 10000.0, MODELDB, "maximal conductance of the delayed rectifier"),
        "gM": Param(0.07, "mS/cm2", 0.0, 10000.0, MODELDB, "maximal conductance of the M current"),
        "gL": Param(0.1, "mS/cm2", 0.0, 10000.0, MODELDB, "leak conductance"),
        "EL": Param(-70.0, "mV", -200.0, 200.0, MODELDB, "leak reversal potential"),
        "EK": Param(-100.0, "mV", -200.0, 200.0, MODELDB, "potassium reversal potential"),
        "VT": Param(-55.0, "mV", -200.0, 100.0, MODELDB, "what all rates of the spike currents are shifted by"),
        "celsius": Param(36.0, "degC", -10.0, 60.0, MODELDB, "temperature"),
        "spike_threshold": Param(0.0, "mV", -100.0, 100.0, CHOICE, "an upward crossing is a spike"),
        "spike_rearm": Param(-10.0, "mV", -100.0, 100.0, CHOICE, "below this the next spike may count"),
    },
    voltage=State("mV", "EL", -200.0, 200.0, "membrane potential"),
    threshold=Threshold(level="spike_threshold", rearm="spike_rearm"),
    method="exp_euler",
    dt=0.025,
    variants={
        "pospischil_rs": Variant(
            note="Regular spiking; under 0.75 nA into 28953 um2 as in ModelDB 123623.",
            protocol=Protocol(
                1000.0, {"on": Injection("step", {"amplitude": 2.5904, "start": 300.0, "stop": 700.0})}, MODELDB
            ),
        ),
        "pospischil_rs_fig2a": Variant(
            {"gNa": 10.0, "gK": 2.1, "gM": 0.098, "tau_max": 934.0, "gL": 0.0133, "EL": -56.2, "VT": -56.2},
            source=PORT,
            note="Regular spiking, figure 2A; 11998 um2.",
            protocol=Protocol(
                3000.0, {"on": Injection("step", {"amplitude": 4.1672, "start": 600.0, "stop": 2600.0})}, PORT
            ),
        ),
        "pospischil_rs_fig2b": Variant(
            {"gNa": 56.0, "gK": 6.0, "gM": 0.075, "tau_max": 608.0, "gL": 0.0205, "EL": -70.3, "VT": -56.2},
            source=PORT,
            note="Regular spiking, figure 2B, with the tau_max of the paper; 11844 um2.",
            protocol=Protocol(
                3000.0, {"on": Injection("step", {"amplitude": 4.2217, "start": 600.0, "stop": 2600.0})}, PORT
            ),
        ),
        "pospischil_fs": Variant(
            {"gK": 10.0, "gM": 0.0, "gL": 0.15},
            note="Fast spiking; under 0.5 nA into 14103 um2 as in ModelDB 123623.",
            protocol=Protocol(
                1000.0, {"on": Injection("step", {"amplitude": 3.5454, "start": 300.0, "stop": 700.0})}, MODELDB
            ),
        ),
        "pospischil_fs_fig4": Variant(
            {"gNa": 58.0, "gK": 3.9, "gM": 0.0787, "tau_max": 502.0, "gL": 0.038, "EL": -70.4, "VT": -57.9},
            source=PORT,
            note="Fast spiking, figure 4; 10171 um2.",
            protocol=Protocol(
                3000.0,
                {"on": Injection("step", {"amplitude": 4.9158, "start": 600.0, "stop": 2600.0})},
                "own choice: 0.5 nA",
            ),
        ),
    },
    source=POSPISCHIL08,
    note="Sodium, delayed rectifier and M current. The paper has EK = -90 mV.",
)
