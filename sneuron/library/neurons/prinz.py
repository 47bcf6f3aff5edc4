"""The stomatogastric neuron: eight currents and a calcium pool (Prinz, Billimoria & Marder 2003)."""

from sneuron.lang.spec import Mount, Neuron, Param, Protocol, State, Threshold, Variant

PRINZ03 = "Prinz, Billimoria & Marder 2003, J Neurophysiol 90:3998, doi:10.1152/jn.00641.2003"
PRINZ04 = "Prinz, Bucher & Marder 2004, Nat Neurosci 7:1345, doi:10.1038/nn1352"
CHOICE = "own choice: above the slow wave, below the peak of every spike"

PRINZ = Neuron(
    name="prinz",
    capacitance="C",
    unit="uA/cm2",
    channels={
        "na": Mount("na_prinz", names={"g": "gNa", "E": "ENa"}),
        "cat": Mount("ca_t_prinz", names={"g": "gCaT", "E": "ECa"}),
        "cas": Mount("ca_s_prinz", names={"g": "gCaS", "E": "ECa"}),
        "a": Mount("k_a_prinz", names={"g": "gA", "E": "EK"}),
        "kca": Mount("k_ca_prinz", names={"g": "gKCa", "E": "EK", "cai": "cai"}),
        "kd": Mount("k_d_prinz", names={"g": "gKd", "E": "EK"}),
        "h": Mount("h_prinz", names={"g": "gH", "E": "EH"}),
        "leak": Mount("leak", names={"g": "gL", "E": "EL"}),
        "pool": Mount("ca_pool_prinz", names={"cai": "cai", "E": "ECa", "celsius": "celsius"}),
    },
    params={
        "C": Param(1.0, "uF/cm2", 0.01, 1000.0, PRINZ03 + ": 0.628 nF over 0.628e-3 cm2", "membrane capacitance"),
        "gL": Param(0.0, "mS/cm2", 0.0, 10000.0, PRINZ04 + ", Table 2, AB/PD 2", "leak conductance"),
        "EL": Param(-50.0, "mV", -200.0, 200.0, PRINZ03, "leak reversal potential"),
        "spike_threshold": Param(-20.0, "mV", -100.0, 100.0, CHOICE, "an upward crossing is a spike"),
        "spike_rearm": Param(-25.0, "mV", -100.0, 100.0, CHOICE, "below this the next spike may count"),
    },
    voltage=State("mV", "-50", -200.0, 200.0, "membrane potential"),
    threshold=Threshold(level="spike_threshold", rearm="spike_rearm"),
    method="exp_euler",
    dt=0.025,
    variants={
        "prinz_abpd2": Variant(
            {"gNa": 100.0, "gCaT": 2.5, "gCaS": 6.0, "gA": 50.0, "gKCa": 5.0, "gKd": 100.0, "gH": 0.01, "gL": 0.0},
            source=PRINZ04,
            note="Table 2, AB/PD 2.",
        ),
        "prinz_abpd1": Variant(
            {"gNa": 400.0, "gCaT": 2.5, "gCaS": 6.0, "gA": 50.0, "gKCa": 10.0, "gKd": 100.0, "gH": 0.01, "gL": 0.0},
            source=PRINZ04,
            note="Table 2, AB/PD 1.",
        ),
        "prinz_abpd3": Variant(
            {"gNa": 200.0, "gCaT": 2.5, "gCaS": 4.0, "gA": 50.0, "gKCa": 5.0, "gKd": 50.0, "gH": 0.01, "gL": 0.0},
            source=PRINZ04,
            note="Table 2, AB/PD 3.",
        ),
        "prinz_abpd4": Variant(
            {"gNa": 200.0, "gCaT": 5.0, "gCaS": 4.0, "gA": 40.0, "gKCa": 5.0, "gKd": 125.0, "gH": 0.01, "gL": 0.0},
            source=PRINZ04,
            note="Table 2, AB/PD 4.",
        ),
        "prinz_abpd5": Variant(
            {"gNa": 300.0, "gCaT": 2.5, "gCaS": 2.0, "gA": 10.0, "gKCa": 5.0, "gKd": 125.0, "gH": 0.01, "gL": 0.0},
            source=PRINZ04,
            note="Table 2, AB/PD 5. Public ports disagree on gCaT: 2.5 in two, 5 in one.",
        ),
        "prinz_lp1": Variant(
            {"gNa": 100.0, "gCaT": 0.0, "gCaS": 8.0, "gA": 40.0, "gKCa": 5.0, "gKd": 75.0, "gH": 0.05, "gL": 0.02},
            source=PRINZ04,
            note="Table 2, LP 1.",
        ),
        "prinz_lp2": Variant(
            {"gNa": 100.0, "gCaT": 0.0, "gCaS": 6.0, "gA": 30.0, "gKCa": 5.0, "gKd": 50.0, "gH": 0.05, "gL": 0.02},
            source=PRINZ04,
            note="Table 2, LP 2.",
        ),
        "prinz_lp3": Variant(
            {"gNa": 100.0, "gCaT": 0.0, "gCaS": 10.0, "gA": 50.0, "gKCa": 5.0, "gKd": 100.0, "gH": 0.0, "gL": 0.03},
            source=PRINZ04,
            note="Table 2, LP 3.",
        ),
        "prinz_lp4": Variant(
            {"gNa": 100.0, "gCaT": 0.0, "gCaS": 4.0, "gA": 20.0, "gKCa": 0.0, "gKd": 25.0, "gH": 0.05, "gL": 0.03},
            source=PRINZ04,
            note="Table 2, LP 4.",
        ),
        "prinz_lp5": Variant(
            {"gNa": 100.0, "gCaT": 0.0, "gCaS": 6.0, "gA": 30.0, "gKCa": 0.0, "gKd": 50.0, "gH": 0.03, "gL": 0.02},
            source=PRINZ04,
            note="Table 2, LP 5.",
        ),
        "prinz_py1": Variant(
            {"gNa": 100.0, "gCaT": 2.5, "gCaS": 2.0, "gA": 50.0, "gKCa": 0.0, "gKd": 125.0, "gH": 0.05, "gL": 0.01},
            source=PRINZ04,
            note="Table 2, PY 1.",
        ),
        "prinz_py2": Variant(
            {"gNa": 200.0, "gCaT": 7.5, "gCaS": 0.0, "gA": 50.0, "gKCa": 0.0, "gKd": 75.0, "gH": 0.05, "gL": 0.0},
            source=PRINZ04,
            note="Table 2, PY 2.",
        ),
        "prinz_py3": Variant(
            {"gNa": 200.0, "gCaT": 10.0, "gCaS": 0.0, "gA": 50.0, "gKCa": 0.0, "gKd": 100.0, "gH": 0.03, "gL": 0.0},
            source=PRINZ04,
            note="Table 2, PY 3.",
        ),
        "prinz_py4": Variant(
            {"gNa": 400.0, "gCaT": 2.5, "gCaS": 2.0, "gA": 50.0, "gKCa": 0.0, "gKd": 75.0, "gH": 0.05, "gL": 0.0},
            source=PRINZ04,
            note="Table 2, PY 4.",
        ),
        "prinz_py5": Variant(
            {"gNa": 500.0, "gCaT": 2.5, "gCaS": 2.0, "gA": 40.0, "gKCa": 0.0, "gKd": 125.0, "gH": 0.01, "gL": 0.03},
            source=PRINZ04,
            note="Table 2, PY 5.",
        ),
        "prinz_py6": Variant(
            {"gNa": 500.0, "gCaT": 2.5, "gCaS": 2.0, "gA": 40.0, "gKCa": 0.0, "gKd": 125.0, "gH": 0.0, "gL": 0.02},
            source=PRINZ04,
            note="Table 2, PY 6.",
        ),
        "prinz_2003_fig2c": Variant(
            {"gNa": 100.0, "gCaT": 0.0, "gCaS": 4.0, "gA": 0.0, "gKCa": 15.0, "gKd": 50.0, "gH": 0.02, "gL": 0.03},
            source=PRINZ03,
            note="Figure 2C, bursting; values of the port in Conductor.jl.",
        ),
    },
    protocol=Protocol(5000.0, note="left alone"),
    source=PRINZ03 + "; " + PRINZ04,
    note="Conductances in mS/cm2 over 0.628e-3 cm2 of membrane.",
)
