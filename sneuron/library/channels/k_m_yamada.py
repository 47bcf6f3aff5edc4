"""The M-type potassium channel: slow, and without inactivation (Yamada, Koch & Adams 1989)."""

from sneuron.lang.spec import Channel, Gate, Param

POSPISCHIL08 = "Pospischil et al. 2008, Biol Cybern 99:427, doi:10.1007/s00422-008-0263-8"

K_M_YAMADA = Channel(
    name="k_m_yamada",
    current="g*p*(v - E)",
    ion="k",
    unit="uA/cm2",
    gates={
        "p": Gate(
            inf="1/(1 + exp(-(v + 35)/10))",
            tau="tau_max*exp(-(v + 35)/20)/(3.3 + exp(-(v + 35)/10))",
            rate="phi",
            note="activation",
        )
    },
    functions={"phi": "2.3**((celsius - 36)/10)"},
    params={
        "g": Param(0.07, "mS/cm2", 0.0, 10000.0, POSPISCHIL08 + ", regular spiking cell", "maximal conductance"),
        "E": Param(-100.0, "mV", -200.0, 200.0, POSPISCHIL08 + ", ModelDB 123623", "reversal potential"),
        "tau_max": Param(1000.0, "ms", 0.001, 1e6, POSPISCHIL08, "scale of the time constant"),
        "celsius": Param(36.0, "degC", -10.0, 60.0, POSPISCHIL08 + ", ModelDB 123623", "temperature; Q10 = 2.3"),
    },
    source="Yamada, Koch & Adams 1989, in Methods in Neuronal Modeling, as restated by " + POSPISCHIL08,
    note="The time constant is tau_max/(3.3 exp((v + 35)/20) + exp(-(v + 35)/20)).",
)
