"""The R-type calcium channel of hippocampal pyramidal cells (Magee & Johnston 1995; Poirazi et al. 2003)."""

from sneuron.lang.spec import Channel, Gate, Param

MJ95 = "Magee & Johnston 1995, J Physiol 487:67, doi:10.1113/jphysiol.1995.sp020862"
POIRAZI03 = "Poirazi, Brannon & Mel 2003, Neuron 37:977, doi:10.1016/S0896-6273(03)00148-X"

CA_R_POIRAZI = Channel(
    name="ca_r_poirazi",
    current="g*m**3*h*(v - E)",
    ion="ca",
    unit="uA/cm2",
    gates={
        "m": Gate(inf="1/(1 + exp(-(v + 48.5)/3))", tau="tau_m", note="activation"),
        "h": Gate(inf="1/(1 + exp((v + 53)/slope_h))", tau="tau_h", note="inactivation"),
    },
    params={
        "g": Param(0.1, "mS/cm2", 0.0, 10000.0, "own choice", "maximal conductance"),
        "E": Param(140.0, "mV", -200.0, 300.0, POIRAZI03 + ", car.mod", "reversal potential"),
        "slope_h": Param(1.0, "mV", 0.01, 100.0, POIRAZI03 + ", car.mod", "slope of inactivation"),
        "tau_m": Param(50.0, "ms", 0.001, 1e6, POIRAZI03 + ", car.mod", "time constant of activation"),
        "tau_h": Param(5.0, "ms", 0.001, 1e6, POIRAZI03 + ", car.mod", "time constant of inactivation"),
    },
    source=MJ95 + "; as car.mod of " + POIRAZI03 + ", ModelDB 20212",
)
