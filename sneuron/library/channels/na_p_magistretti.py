"""The persistent sodium channel of entorhinal cells (Magistretti & Alonso 1999), as in Hay et al. 2011."""

from sneuron.lang.spec import Channel, Gate, Param

MA99 = "Magistretti & Alonso 1999, J Gen Physiol 114:491, doi:10.1085/jgp.114.4.491"
HAY11 = "Hay et al. 2011, PLoS Comput Biol 7:e1002107, doi:10.1371/journal.pcbi.1002107"

NA_P_MAGISTRETTI = Channel(
    name="na_p_magistretti",
    current="g*m**3*h*(v - E)",
    ion="na",
    unit="uA/cm2",
    gates={
        "m": Gate(
            inf="1/(1 + exp(-(v + 52.6)/4.6))",
            tau="6/(1.092/exprel(-(v + 38)/6) + 0.744/exprel((v + 38)/6))",
            rate="phi",
            note="activation",
        ),
        "h": Gate(
            inf="1/(1 + exp((v + 48.8)/10))",
            tau="1/(2.88e-6*4.63/exprel((v + 17)/4.63) + 6.94e-6*2.63/exprel(-(v + 64.4)/2.63))",
            rate="phi",
            note="slow inactivation",
        ),
    },
    functions={"phi": "2.3**((celsius - 21)/10)"},
    params={
        "g": Param(
            0.05, "mS/cm2", 0.0, 10000.0, "own choice: within the range searched by " + HAY11, "maximal conductance"
        ),
        "E": Param(50.0, "mV", -200.0, 200.0, HAY11, "reversal potential"),
        "celsius": Param(34.0, "degC", -10.0, 60.0, HAY11, "temperature; Q10 = 2.3 for the rates, measured at 21 degC"),
    },
    source=MA99 + "; as Nap_Et2 of " + HAY11,
    note="The time constant of m is six times that of the transient current. Rates are written with exprel.",
)
