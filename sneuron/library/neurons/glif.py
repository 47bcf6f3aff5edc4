"""The generalised leaky integrate-and-fire neurons of the Allen Institute (Teeter et al. 2018), levels 1 to 5."""

from sneuron.lang.spec import Injection, Neuron, Param, Protocol, State, Threshold, Variant

TEETER18 = "Teeter et al. 2018, Nat Commun 9:709, doi:10.1038/s41467-017-02717-4"
CELL = (
    "cell 490626718 of the Allen Cell Types Database (celltypes.brain-map.org), rounded as in NEST's example "
    "glif_psc_neuron.py; the model: doi:10.1038/s41467-017-02717-4"
)
ON = Protocol(
    700.0,
    {"on": Injection("step", {"amplitude": 400.0, "start": 200.0, "stop": 500.0})},
    "the step of NEST's example glif_psc_neuron.py",
)

GLIF = Neuron(
    name="glif",
    capacitance="C",
    unit="pA",
    currents={"leak": "gL*(v - EL)", "after1": "-asc_1", "after2": "-asc_2"},
    states={
        "asc_1": State("pA", "0", -1e6, 1e6, "after-spike current, slow", held=True),
        "asc_2": State("pA", "0", -1e6, 1e6, "after-spike current, fast", held=True),
        "th_s": State("mV", "0", -1e6, 1e6, "part of the threshold that spikes move", held=True),
        "th_v": State("mV", "0", -1e6, 1e6, "part of the threshold that follows the voltage", held=True),
    },
    equations={
        "asc_1": "-k_1*asc_1",
        "asc_2": "-k_2*asc_2",
        "th_s": "-b_s*th_s",
        "th_v": "a_v*(v - EL) - b_v*th_v",
    },
    params={
        "C": Param(58.72, "pF", 0.001, 100000.0, CELL, "membrane capacitance"),
        "gL": Param(9.43, "nS", 0.0, 10000.0, CELL, "leak conductance"),
        "EL": Param(-78.85, "mV", -200.0, 200.0, CELL, "resting potential"),
        "Vth": Param(-51.68, "mV", -200.0, 200.0, CELL, "threshold at rest"),
        "t_ref": Param(3.75, "ms", 0.0, 1000.0, CELL, "how much is cut out for a spike"),
        "f_v": Param(0.2, "1", -10.0, 10.0, CELL, "part of v - EL that is left after a spike"),
        "d_v": Param(18.56, "mV", -1000.0, 1000.0, CELL, "added to v after a spike"),
        "d_th": Param(0.37, "mV", -1000.0, 1000.0, CELL, "jump of th_s"),
        "b_s": Param(0.009, "1/ms", 1e-6, 1000.0, CELL, "rate at which th_s decays"),
        "a_v": Param(0.005, "1/ms", -1000.0, 1000.0, CELL, "how th_v follows v - EL"),
        "b_v": Param(0.09, "1/ms", 1e-6, 1000.0, CELL, "rate at which th_v decays"),
        "a_1": Param(-9.18, "pA", -1e6, 1e6, CELL, "jump of asc_1"),
        "a_2": Param(-198.94, "pA", -1e6, 1e6, CELL, "jump of asc_2"),
        "k_1": Param(0.003, "1/ms", 1e-6, 1000.0, CELL, "rate at which asc_1 decays"),
        "k_2": Param(0.1, "1/ms", 1e-6, 1000.0, CELL, "rate at which asc_2 decays"),
        "r_1": Param(1.0, "1", -10.0, 10.0, CELL, "part of asc_1 that a spike leaves"),
        "r_2": Param(1.0, "1", -10.0, 10.0, CELL, "part of asc_2 that a spike leaves"),
    },
    functions={"theta": "Vth + th_s + th_v"},
    voltage=State("mV", "EL", -1e6, 1e6, "membrane potential"),
    threshold=Threshold(level="theta", rearm="theta", kind="reset"),
    reset={
        "v": "EL + f_v*(v - EL) + d_v",
        "asc_1": "a_1 + r_1*asc_1*exp(-k_1*t_ref)",
        "asc_2": "a_2 + r_2*asc_2*exp(-k_2*t_ref)",
        "th_s": "th_s*exp(-b_s*t_ref) + d_th",
    },
    refractory="t_ref",
    method="exp_euler",
    dt=0.05,
    variants={
        "glif_5": Variant(
            note="Level 5, LIF-R-ASC-A: reset rules, after-spike currents, and a threshold that follows the voltage.",
            protocol=ON,
        ),
        "glif_4": Variant(
            {"Vth": -50.19, "a_v": 0.0},
            source=CELL,
            note="Level 4, LIF-R-ASC: reset rules and after-spike currents.",
            protocol=ON,
        ),
        "glif_3": Variant(
            {"Vth": -50.19, "a_v": 0.0, "f_v": 0.0, "d_v": 0.0, "d_th": 0.0},
            source=CELL,
            note="Level 3, LIF-ASC: after-spike currents; v is reset to EL.",
            protocol=ON,
        ),
        "glif_2": Variant(
            {"gL": 9.12, "Vth": -37.14, "a_v": 0.0, "a_1": 0.0, "a_2": 0.0},
            source=CELL,
            note="Level 2, LIF-R: reset rules.",
            protocol=ON,
        ),
        "glif_1": Variant(
            {"gL": 9.12, "Vth": -37.88, "a_v": 0.0, "a_1": 0.0, "a_2": 0.0, "f_v": 0.0, "d_v": 0.0, "d_th": 0.0},
            source=CELL,
            note="Level 1, LIF: v is reset to EL, all else is switched off.",
            protocol=ON,
        ),
    },
    source=TEETER18,
    note="A spike is cut out: v and all other states wait for t_ref, and the resets hold what decays meanwhile, as "
    "in the AllenSDK and in NEST. v after a spike follows from v when it crosses (AllenSDK), in NEST from v before.",
)
