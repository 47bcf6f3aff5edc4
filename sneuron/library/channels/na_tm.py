"""The fast sodium channel of hippocampal pyramidal cells (Traub & Miles 1991), with a movable threshold."""

from sneuron.lang.spec import Channel, Gate, Param

TM91 = "Traub & Miles 1991, Neuronal Networks of the Hippocampus, doi:10.1017/CBO9780511895401"
BRETTE07 = "Brette et al. 2007, J Comput Neurosci 23:349, doi:10.1007/s10827-007-0038-6"

NA_TM = Channel(
    name="na_tm",
    current="g*m**3*h*(v - E)",
    ion="na",
    unit="uA/cm2",
    gates={
        "m": Gate(
            alpha="1.28/exprel(-(v - VT - 13)/4)",
            beta="1.4*exp(-(v - VT - 40)/5)/exprel(-(v - VT - 40)/5)",
            rate="phi",
            note="activation",
        ),
        "h": Gate(
            alpha="0.128*exp(-(v - VT - 17)/18)",
            beta="4/(1 + exp(-(v - VT - 40)/5))",
            rate="phi",
            note="inactivation",
        ),
    },
    functions={"phi": "3**((celsius - 36)/10)"},
    params={
        "g": Param(100.0, "mS/cm2", 0.0, 10000.0, BRETTE07 + ", benchmark 3", "maximal conductance"),
        "E": Param(50.0, "mV", -200.0, 200.0, BRETTE07 + ", benchmark 3", "reversal potential"),
        "VT": Param(-63.0, "mV", -200.0, 100.0, BRETTE07 + ", benchmark 3", "what all rates are shifted by"),
        "celsius": Param(36.0, "degC", -10.0, 60.0, "hh2.mod of Destexhe, in the model of " + BRETTE07, "temperature"),
    },
    source=TM91 + "; with VT, and as restated, in " + BRETTE07 + ", and Pospischil et al. 2008",
    note="Opening rate 0.32 (13 - u)/(exp((13 - u)/4) - 1), closing rate 0.28 (u - 40)/(exp((u - 40)/5) - 1) per ms, "
    "u = v - VT, written with exprel. Also the sodium current of Pospischil et al. 2008, with other g and VT. Q10 = 3.",
)
