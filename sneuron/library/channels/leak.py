"""A leak: a conductance that never changes."""

from sneuron.lang.spec import Channel, Param

HH52 = "Hodgkin & Huxley 1952, J Physiol 117:500, doi:10.1113/jphysiol.1952.sp004764"

LEAK = Channel(
    name="leak",
    current="g*(v - E)",
    unit="uA/cm2",
    params={
        "g": Param(0.3, "mS/cm2", 0.0, 10000.0, HH52, "conductance"),
        "E": Param(-54.4, "mV", -200.0, 200.0, HH52 + " (10.6 mV above a rest at -65 mV)", "reversal potential"),
    },
    source=HH52,
)
