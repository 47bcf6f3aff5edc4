"""The hippocampal pyramidal cell of Traub & Miles 1991, as restated for network benchmarks (Brette et al. 2007)."""

from sneuron.lang.spec import Injection, Mount, Neuron, Param, Protocol, State, Threshold, Variant

TM91 = "Traub & Miles 1991, Neuronal Networks of the Hippocampus, doi:10.1017/CBO9780511895401"
BRETTE07 = "Brette et al. 2007, J Comput Neurosci 23:349, doi:10.1007/s10827-007-0038-6"
OWN = "own choice"
CHOICE = "own choice: well inside the upstroke of every spike"
RATES = {"VT": "VT", "celsius": "celsius", "phi": "phi"}

TRAUB_MILES = Neuron(
    name="traub_miles",
    capacitance="C",
    unit="uA/cm2",
    channels={
        "na": Mount("na_tm", names={"g": "gNa", "E": "ENa", "m": "m", "h": "h", **RATES}),
        "k": Mount("k_tm", names={"g": "gK", "E": "EK", "n": "n", **RATES}),
        "leak": Mount("leak", names={"g": "gL", "E": "EL"}),
    },
    params={
        "C": Param(1.0, "uF/cm2", 0.01, 1000.0, BRETTE07, "membrane capacitance"),
        "gL": Param(0.05, "mS/cm2", 0.0, 10000.0, BRETTE07 + ", benchmark 3", "leak conductance"),
        "EL": Param(-60.0, "mV", -200.0, 200.0, BRETTE07 + ", benchmark 3", "leak reversal potential"),
        "spike_threshold": Param(0.0, "mV", -100.0, 100.0, CHOICE, "an upward crossing is a spike"),
        "spike_rearm": Param(-10.0, "mV", -100.0, 100.0, CHOICE, "below this the next spike may count"),
    },
    voltage=State("mV", "EL", -200.0, 200.0, "membrane potential"),
    threshold=Threshold(level="spike_threshold", rearm="spike_rearm"),
    method="exp_euler",
    dt=0.025,
    variants={
        "traub_miles": Variant(
            note="Benchmark 3 (COBAHH): 20000 um2 of membrane; the same values in NEST and Brian2. Fires by itself.",
            protocol=Protocol(300.0, {"on": Injection("step", {"amplitude": 2.0, "start": 50.0, "stop": 250.0})}, OWN),
        ),
        "traub_miles_rs": Variant(
            {"gNa": 50.0, "gK": 5.0, "gL": 0.1, "EL": -70.0, "EK": -100.0, "VT": -55.0},
            source="Pospischil et al. 2008, Biol Cybern 99:427, doi:10.1007/s00422-008-0263-8; ModelDB 123623",
            note="The spike currents of a cortical regular spiking cell, without its M current.",
            protocol=Protocol(
                300.0, {"on": Injection("step", {"amplitude": 2.5904, "start": 50.0, "stop": 250.0})}, OWN
            ),
        ),
    },
    source=TM91 + "; " + BRETTE07,
)
