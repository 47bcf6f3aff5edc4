"""The A-type potassium channel of thalamic relay cells (Huguenard & McCormick 1992)."""

from sneuron.lang.spec import Channel, Gate, Param

HM92 = "Huguenard & McCormick 1992, J Neurophysiol 68:1373, doi:10.1152/jn.1992.68.4.1373"

K_A_HM = Channel(
    name="k_a_hm",
    current="g*m**4*h*(v - E)",
    ion="k",
    unit="uA/cm2",
    gates={
        "m": Gate(
            inf="1/(1 + exp(-(v + 60)/8.5))",
            tau="0.37 + 1/(exp((v + 35.82)/19.69) + exp(-(v + 79.69)/12.7))",
            rate="phi",
            note="activation",
        ),
        "h": Gate(
            inf="1/(1 + exp((v + 78)/6))",
            tau="where(v < -63, 1/(exp((v + 46.05)/5) + exp(-(v + 238.4)/37.45)), 19)",
            rate="phi",
            note="inactivation",
        ),
    },
    functions={"phi": "3**((celsius - 23.5)/10)"},
    params={
        "g": Param(
            3.45, "mS/cm2", 0.0, 10000.0, "ia.mod of Destexhe and Houweling, after " + HM92, "maximal conductance"
        ),
        "E": Param(-105.0, "mV", -200.0, 200.0, HM92, "reversal potential"),
        "celsius": Param(23.5, "degC", -10.0, 60.0, HM92, "temperature; Q10 = 3 for the rates, as in ia.mod"),
    },
    source=HM92 + "; the component that activates at lower voltages, IA1",
    note="Measured at 23.5 degC. Digits as in public ports, some of which have the 0.37 below the line. "
    "The second component, IA2, activates at -36 mV with a slope of 20 mV.",
)
