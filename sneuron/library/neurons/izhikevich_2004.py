"""The twenty firing patterns of Izhikevich 2004, as published and converged."""

from sneuron.lang.spec import Injection, Neuron, Param, Protocol, State, Threshold, Variant

IZ04 = "Izhikevich 2004, IEEE Trans Neural Netw 15:1063, doi:10.1109/TNN.2004.832719"
PROGRAM = IZ04 + ", as in the program that drew its figure 1 (figure1.m)"
CONVERGED = "Integrated until converged: not always the published spikes."

PATTERNS = {
    "tonic_spiking": Variant(
        {"a": 0.02, "b": 0.2, "c": -65.0, "d": 6.0},
        "izh2004",
        0.25,
        PROGRAM,
        "(A) Tonic spiking.",
        {"v": "-70"},
        Protocol(100.0, {"on": Injection("step", {"amplitude": 14.0, "start": 10.25})}, PROGRAM),
    ),
    "phasic_spiking": Variant(
        {"a": 0.02, "b": 0.25, "c": -65.0, "d": 6.0},
        "izh2004",
        0.25,
        PROGRAM,
        "(B) Phasic spiking.",
        {"v": "-64"},
        Protocol(200.0, {"on": Injection("step", {"amplitude": 0.5, "start": 20.25})}, PROGRAM),
    ),
    "tonic_bursting": Variant(
        {"a": 0.02, "b": 0.2, "c": -50.0, "d": 2.0},
        "izh2004",
        0.25,
        PROGRAM,
        "(C) Tonic bursting.",
        {"v": "-70"},
        Protocol(220.0, {"on": Injection("step", {"amplitude": 15.0, "start": 22.25})}, PROGRAM),
    ),
    "phasic_bursting": Variant(
        {"a": 0.02, "b": 0.25, "c": -55.0, "d": 0.05},
        "izh2004",
        0.2,
        PROGRAM,
        "(D) Phasic bursting.",
        {"v": "-64"},
        Protocol(200.0, {"on": Injection("step", {"amplitude": 0.6, "start": 20.2})}, PROGRAM),
    ),
    "mixed_mode": Variant(
        {"a": 0.02, "b": 0.2, "c": -55.0, "d": 4.0},
        "izh2004",
        0.25,
        PROGRAM,
        "(E) Mixed mode: a burst, then single spikes.",
        {"v": "-70"},
        Protocol(160.0, {"on": Injection("step", {"amplitude": 10.0, "start": 16.25})}, PROGRAM),
    ),
    "spike_frequency_adaptation": Variant(
        {"a": 0.01, "b": 0.2, "c": -65.0, "d": 8.0},
        "izh2004",
        0.25,
        PROGRAM,
        "(F) Spike frequency adaptation.",
        {"v": "-70"},
        Protocol(85.0, {"on": Injection("step", {"amplitude": 30.0, "start": 8.75})}, PROGRAM),
    ),
    "class_1": Variant(
        {"a": 0.02, "b": -0.1, "c": -55.0, "d": 6.0, "k1": 4.1, "k0": 108.0},
        "izh2004",
        0.25,
        PROGRAM,
        "(G) Class 1 excitable: the frequency begins at zero.",
        {"v": "-60"},
        Protocol(300.0, {"on": Injection("ramp", {"last": 27.75, "start": 30.0, "stop": 400.0})}, PROGRAM),
    ),
    "class_2": Variant(
        {"a": 0.2, "b": 0.26, "c": -65.0, "d": 0.0},
        "izh2004",
        0.25,
        PROGRAM,
        "(H) Class 2 excitable: the frequency begins above zero.",
        {"v": "-64"},
        Protocol(
            300.0,
            {
                "hold": Injection("step", {"amplitude": -0.5}),
                "on": Injection("ramp", {"last": 5.55, "start": 30.0, "stop": 400.0}),
            },
            PROGRAM,
        ),
    ),
    "spike_latency": Variant(
        {"a": 0.02, "b": 0.2, "c": -65.0, "d": 6.0},
        "izh2004",
        0.2,
        PROGRAM,
        "(I) Spike latency.",
        {"v": "-70"},
        Protocol(100.0, {"on": Injection("step", {"amplitude": 7.04, "start": 10.2, "stop": 13.0})}, PROGRAM),
    ),
    "subthreshold_oscillations": Variant(
        {"a": 0.05, "b": 0.26, "c": -60.0, "d": 0.0},
        "izh2004",
        0.25,
        PROGRAM,
        "(J) Subthreshold oscillations.",
        {"v": "-62"},
        Protocol(200.0, {"on": Injection("step", {"amplitude": 2.0, "start": 20.25, "stop": 25.0})}, PROGRAM),
    ),
    "resonator": Variant(
        {"a": 0.1, "b": 0.26, "c": -60.0, "d": -1.0},
        "izh2004",
        0.25,
        PROGRAM,
        "(K) Resonator: answers to pulses at its own frequency.",
        {"v": "-62"},
        Protocol(
            400.0,
            {
                "near": Injection(
                    "pulses", {"amplitude": 0.65, "width": 3.75, "period": 20.0, "start": 40.25, "count": 2.0}
                ),
                "far": Injection(
                    "pulses", {"amplitude": 0.65, "width": 3.75, "period": 40.0, "start": 280.25, "count": 2.0}
                ),
            },
            PROGRAM,
        ),
    ),
    "integrator": Variant(
        {"a": 0.02, "b": -0.1, "c": -55.0, "d": 6.0, "k1": 4.1, "k0": 108.0},
        "izh2004",
        0.25,
        PROGRAM,
        "(L) Integrator: answers to pulses that come close together.",
        {"v": "-60"},
        Protocol(
            100.0,
            {
                "near": Injection(
                    "pulses", {"amplitude": 9.0, "width": 2.0, "period": 5.0, "start": 100.0 / 11.0, "count": 2.0}
                ),
                "far": Injection(
                    "pulses", {"amplitude": 9.0, "width": 1.75, "period": 10.0, "start": 70.25, "count": 2.0}
                ),
            },
            PROGRAM,
        ),
    ),
    "rebound_spike": Variant(
        {"a": 0.03, "b": 0.25, "c": -60.0, "d": 4.0},
        "izh2004",
        0.2,
        PROGRAM,
        "(M) Rebound spike.",
        {"v": "-64"},
        Protocol(200.0, {"off": Injection("step", {"amplitude": -15.0, "start": 20.2, "stop": 25.0})}, PROGRAM),
    ),
    "rebound_burst": Variant(
        {"a": 0.03, "b": 0.25, "c": -52.0, "d": 0.0},
        "izh2004",
        0.2,
        PROGRAM,
        "(N) Rebound burst.",
        {"v": "-64"},
        Protocol(200.0, {"off": Injection("step", {"amplitude": -15.0, "start": 20.2, "stop": 25.0})}, PROGRAM),
    ),
    "threshold_variability": Variant(
        {"a": 0.03, "b": 0.25, "c": -60.0, "d": 4.0},
        "izh2004",
        0.25,
        PROGRAM,
        "(O) Threshold variability: inhibition makes a weak pulse fire.",
        {"v": "-64"},
        Protocol(
            100.0,
            {
                "on": Injection(
                    "pulses", {"amplitude": 1.0, "width": 4.75, "period": 70.0, "start": 10.25, "count": 2.0}
                ),
                "off": Injection("step", {"amplitude": -6.0, "start": 70.25, "stop": 75.0}),
            },
            PROGRAM,
        ),
    ),
    "bistability": Variant(
        {"a": 0.1, "b": 0.26, "c": -60.0, "d": 0.0},
        "izh2004",
        0.25,
        PROGRAM,
        "(P) Bistability: the second pulse ends what the first began.",
        {"v": "-61"},
        Protocol(
            300.0,
            {
                "hold": Injection("step", {"amplitude": 0.24}),
                "on": Injection(
                    "pulses", {"amplitude": 1.0, "width": 4.75, "period": 178.5, "start": 37.75, "count": 2.0}
                ),
            },
            PROGRAM,
        ),
    ),
    "depolarizing_afterpotential": Variant(
        {"a": 1.0, "b": 0.2, "c": -60.0, "d": -21.0},
        "izh2004",
        0.1,
        PROGRAM,
        "(Q) Depolarizing after-potential.",
        {"v": "-70"},
        Protocol(50.0, {"on": Injection("step", {"amplitude": 20.0, "start": 9.1, "stop": 11.0})}, PROGRAM),
    ),
    "accommodation": Variant(
        {"a": 0.02, "b": 1.0, "c": -55.0, "d": 4.0, "v0": -65.0, "k_u": 0.0},
        "izh2004",
        0.5,
        PROGRAM,
        "(R) Accommodation: the slow ramp does not fire, the fast one does. u integrates v + 65 and does not decay.",
        {"v": "-65", "u": "-16"},
        Protocol(
            400.0,
            {
                "slow": Injection("ramp", {"last": 8.0, "start": 0.0, "stop": 200.0}),
                "fast": Injection("ramp", {"last": 4.0, "start": 300.0, "stop": 312.5}),
            },
            PROGRAM,
        ),
    ),
    "inhibition_induced_spiking": Variant(
        {"a": -0.02, "b": -1.0, "c": -60.0, "d": 8.0},
        "izh2004",
        0.5,
        PROGRAM,
        "(S) Inhibition-induced spiking.",
        {"v": "-63.8"},
        Protocol(
            350.0,
            {
                "hold": Injection("step", {"amplitude": 80.0}),
                "off": Injection("step", {"amplitude": -5.0, "start": 50.0, "stop": 250.5}),
            },
            PROGRAM,
        ),
    ),
    "inhibition_induced_bursting": Variant(
        {"a": -0.026, "b": -1.0, "c": -45.0, "d": -2.0},
        "izh2004",
        0.5,
        PROGRAM,
        "(T) Inhibition-induced bursting. The program that drew the figure has d = -2, as here; some lists have d = 0.",
        {"v": "-63.8"},
        Protocol(
            350.0,
            {
                "hold": Injection("step", {"amplitude": 80.0}),
                "off": Injection("step", {"amplitude": -5.0, "start": 50.0, "stop": 250.5}),
            },
            PROGRAM,
        ),
    ),
}
"""The loops of the program see a current "for t > 10" from the next sample on: that is when it comes on here."""

IZHIKEVICH_2004 = Neuron(
    name="izhikevich_2004",
    capacitance="1",
    unit="mV/ms",
    currents={"quadratic": "-(0.04*v**2 + k1*v + k0)", "recovery": "u"},
    states={"u": State("mV/ms", "b*v", -1e6, 1e6, "recovery variable")},
    equations={"u": "a*(b*(v - v0) - k_u*u)"},
    params={
        "a": Param(0.02, "1/ms", -100.0, 100.0, PROGRAM, "rate of recovery"),
        "b": Param(0.2, "1/ms", -100.0, 100.0, PROGRAM, "sensitivity of recovery to v"),
        "c": Param(-65.0, "mV", -200.0, 200.0, PROGRAM, "reset of v"),
        "d": Param(6.0, "mV/ms", -10000.0, 10000.0, PROGRAM, "step of u at a spike"),
        "k1": Param(5.0, "1/ms", -100.0, 100.0, PROGRAM, "linear coefficient; 4.1 in G and L"),
        "k0": Param(140.0, "mV/ms", -10000.0, 10000.0, PROGRAM, "constant coefficient; 108 in G and L"),
        "v0": Param(0.0, "mV", -1000.0, 1000.0, PROGRAM, "voltage from which recovery counts; -65 in R"),
        "k_u": Param(1.0, "1", 0.0, 1.0, PROGRAM, "whether u decays (1) or not (0, in R)"),
        "v_peak": Param(30.0, "mV", -100.0, 1000.0, PROGRAM, "v is reset when it gets here"),
    },
    voltage=State("mV", "-70", -1e6, 1e30, "membrane potential"),
    threshold=Threshold(level="v_peak", rearm="v_peak", kind="reset"),
    reset={"v": "c", "u": "u + d"},
    method="euler",
    dt=0.01,
    variants={
        **{f"izhikevich_2004_{name}": pattern for name, pattern in PATTERNS.items()},
        **{
            f"izhikevich_2004_{name}_converged": Variant(
                p.params, source=p.source, note=f"{p.note} {CONVERGED}", start=p.start, protocol=p.protocol
            )
            for name, p in PATTERNS.items()
        },
    },
    source=IZ04,
    note="The current has no area and no capacitance: its unit is mV/ms.",
)
