"""The barnacle muscle fibre (Morris & Lecar 1981), under the parameters that show the kinds of excitability."""

from sneuron.lang.spec import Injection, Mount, Neuron, Param, Protocol, State, Threshold, Variant

ML81 = "Morris & Lecar 1981, Biophys J 35:193, doi:10.1016/S0006-3495(81)84782-0"
RE89 = "Rinzel & Ermentrout 1989 (as in Ermentrout & Terman 2010, doi:10.1007/978-0-387-87708-2, table 3.1)"
OWN = "own choice"

MORRIS_LECAR = Neuron(
    name="morris_lecar",
    capacitance="C",
    unit="uA/cm2",
    channels={
        "ca": Mount("ca_ml", names={"g": "gCa", "E": "ECa", "V1": "V1", "V2": "V2"}),
        "k": Mount("k_ml", names={"g": "gK", "E": "EK", "V3": "V3", "V4": "V4", "phi": "phi", "n": "n"}),
        "leak": Mount("leak", names={"g": "gL", "E": "EL"}),
    },
    params={
        "C": Param(20.0, "uF/cm2", 0.01, 1000.0, RE89, "membrane capacitance"),
        "gL": Param(2.0, "mS/cm2", 0.0, 10000.0, RE89, "leak conductance"),
        "EL": Param(-60.0, "mV", -200.0, 200.0, RE89, "leak reversal potential"),
        "spike_threshold": Param(0.0, "mV", -100.0, 100.0, OWN, "an upward crossing is a spike"),
        "spike_rearm": Param(-10.0, "mV", -100.0, 100.0, OWN, "below this the next spike may count"),
    },
    voltage=State("mV", "EL", -200.0, 200.0, "membrane potential"),
    threshold=Threshold(level="spike_threshold", rearm="spike_rearm"),
    method="exp_euler",
    dt=0.05,
    variants={
        "morris_lecar_hopf": Variant(
            {"gCa": 4.4, "V3": 2.0, "V4": 30.0, "phi": 0.04},
            source=RE89 + "; the model: " + ML81,
            note="Class 2: oscillations begin at a Hopf bifurcation (93.86 uA/cm2) with a frequency above zero.",
            protocol=Protocol(
                500.0, {"on": Injection("step", {"amplitude": 100.0, "start": 50.0, "stop": 450.0})}, OWN
            ),
        ),
        "morris_lecar_snlc": Variant(
            {"gCa": 4.0, "V3": 12.0, "V4": 17.4, "phi": 1.0 / 15.0},
            source=RE89 + "; the model: " + ML81,
            note="Class 1: oscillations begin at a saddle-node on a limit cycle (39.96 uA/cm2), as slow as one likes. "
            "The tables round phi to 0.067.",
            protocol=Protocol(500.0, {"on": Injection("step", {"amplitude": 45.0, "start": 50.0, "stop": 450.0})}, OWN),
        ),
        "morris_lecar_homoclinic": Variant(
            {"gCa": 4.0, "V3": 12.0, "V4": 17.4, "phi": 0.23},
            source=RE89 + "; the model: " + ML81,
            note="As the saddle-node set with a faster potassium current: oscillations begin at a homoclinic orbit, "
            "and rest is stable beside them.",
            protocol=Protocol(
                600.0,
                {
                    "hold": Injection("step", {"amplitude": 38.0}),
                    "kick": Injection("step", {"amplitude": 60.0, "start": 200.0, "stop": 205.0}),
                },
                OWN,
            ),
        ),
    },
    source=ML81,
)
