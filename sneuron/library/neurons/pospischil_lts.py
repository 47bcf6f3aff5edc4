"""Low-threshold spiking cells of the cortex (Pospischil et al. 2008)."""

from sneuron.lang.spec import Injection, Mount, Neuron, Param, Protocol, State, Threshold, Variant

POSPISCHIL08 = "Pospischil et al. 2008, Biol Cybern 99:427, doi:10.1007/s00422-008-0263-8"
MODELDB = POSPISCHIL08 + "; ModelDB 123623"
CHOICE = "own choice: well inside the upstroke of every spike"
RATES = {"VT": "VT", "celsius": "celsius"}

POSPISCHIL_LTS = Neuron(
    name="pospischil_lts",
    capacitance="C",
    unit="uA/cm2",
    channels={
        "na": Mount("na_tm", names={"g": "gNa", "E": "ENa", "m": "m", "h": "h", "phi": "phi", **RATES}),
        "k": Mount("k_tm", names={"g": "gK", "E": "EK", "n": "n", "phi": "phi", **RATES}),
        "km": Mount("k_m_yamada", names={"g": "gM", "E": "EK", "p": "p", "tau_max": "tau_max", "celsius": "celsius"}),
        "ca": Mount(
            "ca_t_ohmic",
            names={"g": "gCaT", "E": "ECa", "u": "u", "shift": "shift", "celsius": "celsius"},
        ),
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
        "gCaT": Param(0.4, "mS/cm2", 0.0, 10000.0, MODELDB, "maximal conductance of the T-type calcium current"),
        "spike_threshold": Param(0.0, "mV", -100.0, 100.0, CHOICE, "an upward crossing is a spike"),
        "spike_rearm": Param(-10.0, "mV", -100.0, 100.0, CHOICE, "below this the next spike may count"),
    },
    voltage=State("mV", "EL", -200.0, 200.0, "membrane potential"),
    threshold=Threshold(level="spike_threshold", rearm="spike_rearm"),
    method="exp_euler",
    dt=0.025,
    variants={
        "pospischil_lts": Variant(
            note="Bursts from -85 mV; under 0.15 nA into 28953 um2 as in ModelDB 123623.",
            protocol=Protocol(
                1000.0, {"on": Injection("step", {"amplitude": 0.5181, "start": 400.0, "stop": 800.0})}, MODELDB
            ),
        ),
        "pospischil_lts_rebound": Variant(
            {"EL": -60.0},
            note="Rebounds after -0.075 nA; otherwise the same.",
            protocol=Protocol(
                1200.0, {"on": Injection("step", {"amplitude": -0.259, "start": 400.0, "stop": 800.0})}, MODELDB
            ),
        ),
    },
    source=POSPISCHIL08,
    note="The regular spiking cell with a T-type calcium current; ECa = 120 mV as in the paper, ModelDB has a pool.",
)
