"""The T-type calcium channel of thalamic relay cells (Huguenard & McCormick 1992), with an ohmic current."""

from sneuron.lang.spec import Channel, Gate, Param

HM92 = "Huguenard & McCormick 1992, J Neurophysiol 68:1373, doi:10.1152/jn.1992.68.4.1373"
DESTEXHE96 = "Destexhe et al. 1996, J Neurophysiol 76:2049, doi:10.1152/jn.1996.76.3.2049"
POSPISCHIL08 = "Pospischil et al. 2008, Biol Cybern 99:427, doi:10.1007/s00422-008-0263-8"

CA_T_OHMIC = Channel(
    name="ca_t_ohmic",
    current="g*s**2*u*(v - E)",
    ion="ca",
    unit="uA/cm2",
    gates={
        "u": Gate(
            inf="1/(1 + exp((v + shift + 81)/4))",
            tau="30.8 + (211.4 + exp((v + shift + 113.2)/5))/(1 + exp((v + shift + 84)/3.2))",
            rate="phi",
            note="inactivation",
        ),
    },
    functions={"s": "1/(1 + exp(-(v + shift + 57)/6.2))", "phi": "3**((celsius - 24)/10)"},
    params={
        "g": Param(0.4, "mS/cm2", 0.0, 10000.0, POSPISCHIL08 + ", low-threshold spiking cell", "maximal conductance"),
        "E": Param(120.0, "mV", -200.0, 300.0, POSPISCHIL08, "reversal potential"),
        "shift": Param(2.0, "mV", -100.0, 100.0, DESTEXHE96 + ", 2 mM calcium outside", "shift by surface charge"),
        "celsius": Param(36.0, "degC", -10.0, 60.0, DESTEXHE96, "temperature; Q10 = 3 for inactivation"),
    },
    source=HM92 + "; as restated by " + DESTEXHE96,
    note="Activation s is instantaneous. Measured at 24 degC.",
)
