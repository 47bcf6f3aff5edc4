"""The inward rectifier of thalamocortical cells (Amarillo et al. 2014), which follows the voltage at once."""

from sneuron.lang.spec import Channel, Param

AMARILLO14 = "Amarillo et al. 2014, J Neurophysiol 112:393, doi:10.1152/jn.00647.2013"

K_IR_AMARILLO = Channel(
    name="k_ir_amarillo",
    current="g*m*(v - E)",
    ion="k",
    unit="uA/cm2",
    functions={"m": "1/(1 + exp((v + 97.9)/9.7))"},
    params={
        "g": Param(0.02, "mS/cm2", 0.0, 10000.0, AMARILLO14, "maximal conductance"),
        "E": Param(-100.0, "mV", -200.0, 200.0, AMARILLO14, "reversal potential"),
    },
    source=AMARILLO14,
)
