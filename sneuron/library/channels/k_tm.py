"""The delayed rectifier of hippocampal pyramidal cells (Traub & Miles 1991), with a movable threshold."""

from sneuron.lang.spec import Channel, Gate, Param

TM91 = "Traub & Miles 1991, Neuronal Networks of the Hippocampus, doi:10.1017/CBO9780511895401"
BRETTE07 = "Brette et al. 2007, J Comput Neurosci 23:349, doi:10.1007/s10827-007-0038-6"

K_TM = Channel(
    name="k_tm",
    current="g*n**4*(v - E)",
    ion="k",
    unit="uA/cm2",
    gates={
        "n": Gate(
            alpha="0.16/exprel(-(v - VT - 15)/5)", beta="0.5*exp(-(v - VT - 10)/40)", rate="phi", note="activation"
        )
    },
    functions={"phi": "3**((celsius - 36)/10)"},
    params={
        "g": Param(30.0, "mS/cm2", 0.0, 10000.0, BRETTE07 + ", benchmark 3", "maximal conductance"),
        "E": Param(-90.0, "mV", -200.0, 200.0, BRETTE07 + ", benchmark 3", "reversal potential"),
        "VT": Param(-63.0, "mV", -200.0, 100.0, BRETTE07 + ", benchmark 3", "what all rates are shifted by"),
        "celsius": Param(36.0, "degC", -10.0, 60.0, "hh2.mod of Destexhe, in the model of " + BRETTE07, "temperature"),
    },
    source=TM91 + "; with VT, and as restated, in " + BRETTE07 + ", and Pospischil et al. 2008",
    note="Opening rate 0.032 (15 - u)/(exp((15 - u)/5) - 1) per ms, u = v - VT, written with exprel. Also the delayed "
    "rectifier of Pospischil et al. 2008, with other g and VT. Q10 = 3.",
)
