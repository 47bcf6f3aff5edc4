"""The sodium channel of Hodgkin & Huxley 1952 as a Markov scheme of 8 states: three gates m and one h in each."""

from sneuron.lang.spec import Channel, Param, Transition

HH52 = "Hodgkin & Huxley 1952, J Physiol 117:500, doi:10.1113/jphysiol.1952.sp004764"
SHIFT = " (voltages shifted so that the resting potential of 1952 lies at -65 mV)"

NA_HH_MARKOV = Channel(
    name="na_hh_markov",
    current="g*O*(v - E)",
    ion="na",
    unit="uA/cm2",
    transitions={
        "C0_C1": Transition("C0", "C1", "3*am", "bm"),
        "C1_C2": Transition("C1", "C2", "2*am", "2*bm"),
        "C2_O": Transition("C2", "O", "am", "3*bm"),
        "I0_I1": Transition("I0", "I1", "3*am", "bm"),
        "I1_I2": Transition("I1", "I2", "2*am", "2*bm"),
        "I2_I3": Transition("I2", "I3", "am", "3*bm"),
        "I0_C0": Transition("I0", "C0", "ah", "bh"),
        "I1_C1": Transition("I1", "C1", "ah", "bh"),
        "I2_C2": Transition("I2", "C2", "ah", "bh"),
        "I3_O": Transition("I3", "O", "ah", "bh"),
    },
    functions={
        "phi": "3**((celsius - 6.3)/10)",
        "am": "phi/exprel(-(v + 40)/10)",
        "bm": "phi*4*exp(-(v + 65)/18)",
        "ah": "phi*0.07*exp(-(v + 65)/20)",
        "bh": "phi/(1 + exp(-(v + 35)/10))",
    },
    params={
        "g": Param(120.0, "mS/cm2", 0.0, 10000.0, HH52, "maximal conductance"),
        "E": Param(50.0, "mV", -200.0, 200.0, HH52 + SHIFT, "reversal potential"),
        "celsius": Param(6.3, "degC", -10.0, 60.0, HH52, "temperature; Q10 = 3 for the rates"),
    },
    source=HH52,
    note="O is m**3 h exactly, as long as the gates start independent. C0..C2 are not inactivated, I0..I3 are.",
)
