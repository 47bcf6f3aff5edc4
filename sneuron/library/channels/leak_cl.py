"""The part of a leak that chloride carries; with its sisters it makes a leak whose ions can be counted."""

from sneuron.lang.spec import Channel, Param

AL01 = "Attwell & Laughlin 2001, J Cereb Blood Flow Metab 21:1133, doi:10.1097/00004647-200110000-00001"

LEAK_CL = Channel(
    name="leak_cl",
    current="g*(v - E)",
    ion="cl",
    unit="uA/cm2",
    params={
        "g": Param(0.02, "mS/cm2", 0.0, 10000.0, "own choice", "conductance"),
        "E": Param(
            -64.088,
            "mV",
            -200.0,
            200.0,
            "own choice: the Nernst potential at 37 degC for 110 mM outside, 10 mM inside",
            "reversal potential",
        ),
    },
    source=AL01 + ": a resting leak split by ion",
)
