"""The squid giant axon (Hodgkin & Huxley 1952), under the three leak reversals that are in use."""

from sneuron.lang.spec import Mount, Neuron, Param, State, Threshold, Variant

HH52 = "Hodgkin & Huxley 1952, J Physiol 117:500, doi:10.1113/jphysiol.1952.sp004764"
CHOICE = "own choice: well inside the upstroke of every spike"

HH = Neuron(
    name="hh",
    capacitance="C",
    unit="uA/cm2",
    channels={
        "na": Mount("na_hh", names={"g": "gNa", "E": "ENa", "m": "m", "h": "h", "celsius": "celsius", "phi": "phi"}),
        "k": Mount("k_hh", names={"g": "gK", "E": "EK", "n": "n", "celsius": "celsius", "phi": "phi"}),
        "leak": Mount("leak", names={"g": "gL", "E": "EL"}, params={"E": -54.3}),
    },
    params={
        "C": Param(1.0, "uF/cm2", 0.01, 1000.0, HH52, "membrane capacitance"),
        "celsius": Param(6.3, "degC", -10.0, 60.0, HH52, "temperature; Q10 = 3 for the rates"),
        "spike_threshold": Param(0.0, "mV", -100.0, 100.0, CHOICE, "an upward crossing is a spike"),
        "spike_rearm": Param(-10.0, "mV", -100.0, 100.0, CHOICE, "below this the next spike may count"),
    },
    voltage=State("mV", "-65", -200.0, 200.0, "membrane potential"),
    threshold=Threshold(level="spike_threshold", rearm="spike_rearm"),
    method="exp_euler",
    dt=0.025,
    variants={
        "hh_el54_3": Variant(
            {"EL": -54.3},
            note="Leak reversal -54.3 mV, as in NEURON's hh.mod; what plain 'hh' means. Rests at -64.974 mV.",
        ),
        "hh_el54_387": Variant(
            {"EL": -54.387}, note="Leak reversal -54.387 mV (10.613 mV above -65), as in the common Brian2 form."
        ),
        "hh_el54_4": Variant({"EL": -54.4}, note="Leak reversal -54.4 mV, the 10.6 mV of 1952."),
    },
    source=HH52,
    note="Voltages shifted so that the resting potential of 1952 lies at -65 mV.",
)
