"""The part of a leak that potassium carries; with its sisters it makes a leak whose ions can be counted."""

from sneuron.lang.spec import Channel, Param

AL01 = "Attwell & Laughlin 2001, J Cereb Blood Flow Metab 21:1133, doi:10.1097/00004647-200110000-00001"

LEAK_K = Channel(
    name="leak_k",
    current="g*(v - E)",
    ion="k",
    unit="uA/cm2",
    params={
        "g": Param(0.08, "mS/cm2", 0.0, 10000.0, "own choice", "conductance"),
        "E": Param(
            -89.059,
            "mV",
            -200.0,
            200.0,
            "own choice: the Nernst potential at 37 degC for 5 mM outside, 140 mM inside",
            "reversal potential",
        ),
    },
    source=AL01 + ": a resting leak split by ion",
)
