"""An astrocyte that makes IP3 from glutamate, and with it calcium (De Pitta et al. 2009)."""

from sneuron.lang.spec import Mount, Neuron, Param, State, Threshold, Variant

DP09 = "De Pitta, Goldberg, Volman, Berry & Ben-Jacob 2009, J Biol Phys 35:383, doi:10.1007/s10867-009-9155-y"
NJ03 = "Nadkarni & Jung 2003, Phys Rev Lett 91:268101, doi:10.1103/PhysRevLett.91.268101"
OWN = "own choice: a passive membrane, which calcium does not see"

GCHI = Neuron(
    name="gchi",
    capacitance="C",
    channels={
        "leak": Mount("leak", names={"g": "gL", "E": "EL"}, params={"g": 0.05, "E": -85.0}),
        "er": Mount("ca_er_li_rinzel", names={"Ca": "Ca", "h": "h", "IP3": "IP3"}),
        "glu": Mount("ip3_glutamate", names={"IP3": "IP3", "glu": "glutamate", "Ca": "Ca", "glu_rest": "glu_rest"}),
        "glio": Mount(
            "glio_release",
            names={"G": "G", "x": "x", "Gamma": "Gamma", "spent": "spent", "U0": "U0", "Ca": "Ca"},
        ),
    },
    functions={"sic": "sic_scale*log(max((Ca - sic_threshold)*1000, 1))"},
    params={
        "C": Param(1.0, "uF/cm2", 0.01, 1000.0, OWN, "membrane capacitance"),
        "sic_threshold": Param(0.19669, "uM", 0.0, 9999.0, NJ03, "calcium from which a current flows into neurons"),
        "sic_scale": Param(1.0, "1", 0.0, 1e6, NJ03 + ": weights hold the scale", "scale of that current"),
    },
    voltage=State("mV", "EL", -200.0, 200.0, "membrane potential"),
    threshold=Threshold("v + 100*(glio.Ca_release + spent - Ca)", "level - 10", "reset"),
    reset={
        "v": "v",
        "G": "G + glio.amount*glio.U_glia*x",
        "x": "x - glio.U_glia*x",
        "spent": "glio.hold",
    },
    method="rk4",
    dt=10.0,
    variants={
        "gchi_am": Variant(note="Glutamate moves the size of calcium spikes."),
        "gchi_fm": Variant(
            {"er.K_SERCA": 0.05, "glu.v_beta": 0.0005, "glu.v_delta": 0.00005, "glu.rate_5P": 0.00005},
            note="Glutamate moves their frequency.",
        ),
    },
    source=DP09,
    note="A spike is a release of gliotransmitter. sic is the slow inward current of neurons, in pA for a weight of 1.",
)
