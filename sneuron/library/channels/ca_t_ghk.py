"""The T-type calcium channel of thalamic relay cells (Huguenard & McCormick 1992), with a GHK current."""

from sneuron.lang.spec import Channel, Gate, Param

HM92 = "Huguenard & McCormick 1992, J Neurophysiol 68:1373, doi:10.1152/jn.1992.68.4.1373"
DESTEXHE98 = "Destexhe et al. 1998, J Neurosci 18:3574, doi:10.1523/JNEUROSCI.18-10-03574.1998"

CA_T_GHK = Channel(
    name="ca_t_ghk",
    current="P*m**2*h*2*96485.33212*(cai/exprel(-x) - cao/exprel(x))",
    ion="ca",
    unit="uA/cm2",
    gates={
        "m": Gate(
            inf="1/(1 + exp(-(v + shift + 57)/6.2))",
            tau="0.612 + 1/(exp(-(v + shift + 132)/16.7) + exp((v + shift + 16.8)/18.2))",
            rate="phi_m",
            note="activation",
        ),
        "h": Gate(
            inf="1/(1 + exp((v + shift + 81)/4))",
            tau="where(v + shift < -80, exp((v + shift + 467)/66.6), 28 + exp(-(v + shift + 22)/10.5))",
            rate="phi_h",
            note="inactivation",
        ),
    },
    functions={
        "phi_m": "5**((celsius - 24)/10)",
        "phi_h": "3**((celsius - 24)/10)",
        "x": "2*96485.33212*v/(8314.462618*(celsius + 273.15))",
        "E": "8314.462618*(celsius + 273.15)/(2*96485.33212)*log(cao/cai)",
    },
    params={
        "P": Param(2e-4, "cm/s", 0.0, 1.0, DESTEXHE98, "permeability"),
        "cai": Param(2.4e-4, "mM", 1e-9, 100.0, DESTEXHE98, "calcium inside"),
        "cao": Param(2.0, "mM", 1e-9, 1000.0, DESTEXHE98, "calcium outside"),
        "shift": Param(2.0, "mV", -100.0, 100.0, DESTEXHE98 + ", 2 mM calcium outside", "shift by surface charge"),
        "celsius": Param(36.0, "degC", -10.0, 60.0, DESTEXHE98, "temperature; Q10 = 5 for m, 3 for h"),
    },
    source=HM92 + "; as in ITGHK.mod of " + DESTEXHE98 + ", ModelDB 279",
    note="x = 2 F v / (R T); the flux is written with exprel and exact at v = 0; E is the Nernst potential. "
    "Kinetics measured at 24 degC.",
)
