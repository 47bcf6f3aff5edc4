"""The slow calcium-activated potassium channel of thalamic reticular cells (Destexhe et al. 1994)."""

from sneuron.lang.spec import Channel, Gate, Param

DESTEXHE94 = "Destexhe et al. 1994, J Neurophysiol 72:803, doi:10.1152/jn.1994.72.2.803"

K_AHP_DESTEXHE = Channel(
    name="k_ahp_destexhe",
    current="g*m**2*(v - E)",
    ion="k",
    unit="uA/cm2",
    gates={"m": Gate(alpha="alpha*cai**2", beta="beta", note="activation by two calcium ions")},
    params={
        "g": Param(10.0, "mS/cm2", 0.0, 10000.0, DESTEXHE94, "maximal conductance"),
        "E": Param(-95.0, "mV", -200.0, 200.0, DESTEXHE94, "reversal potential"),
        "alpha": Param(48.0, "1/ms/mM2", 0.0, 1e9, DESTEXHE94, "rate of binding"),
        "beta": Param(0.03, "1/ms", 1e-9, 1e6, DESTEXHE94, "rate of release"),
        "cai": Param(2.4e-4, "mM", 0.0, 100.0, DESTEXHE94, "calcium inside"),
    },
    source=DESTEXHE94,
    note="Half open at 0.025 mM.",
)
