"""Calcium between the cytosol and the endoplasmic reticulum of an astrocyte (Li & Rinzel 1994)."""

from sneuron.lang.spec import Channel, Gate, Param, State

LR94 = "Li & Rinzel 1994, J Theor Biol 166:461, doi:10.1006/jtbi.1994.1041"
NJ03 = "Nadkarni & Jung 2003, Phys Rev Lett 91:268101, doi:10.1103/PhysRevLett.91.268101"

CA_ER_LI_RINZEL = Channel(
    name="ca_er_li_rinzel",
    unit="",
    gates={"h": Gate(alpha="k_IP3R*Q2", beta="k_IP3R*Ca", note="share of IP3 receptors that calcium has not closed")},
    states={"Ca": State("uM", "0.073", 0.0, 9999.0, "calcium in the cytosol")},
    equations={"Ca": "J_channel + J_leak - J_pump"},
    functions={
        "Q2": "d_2*(IP3 + d_1)/(IP3 + d_3)",
        "outflow": "Ca_total - (1 + ratio)*Ca",
        "J_channel": "rate_IP3R*(IP3/(IP3 + d_1))**3*(Ca/(Ca + d_5))**3*h**3*outflow",
        "J_leak": "rate_leak*outflow",
        "J_pump": "rate_SERCA*Ca**2/(K_SERCA**2 + Ca**2)",
    },
    params={
        "IP3": Param(0.16, "uM", 0.0, 9999.0, NJ03, "inositol 1,4,5-trisphosphate in the cytosol"),
        "Ca_total": Param(2.0, "uM", 1e-6, 9999.0, NJ03, "all free calcium, per volume of cytosol"),
        "ratio": Param(0.185, "1", 1e-6, 100.0, NJ03, "volume of the reticulum by that of the cytosol"),
        "d_1": Param(0.13, "uM", 1e-9, 9999.0, NJ03, "dissociation constant of IP3"),
        "d_2": Param(1.049, "uM", 1e-9, 9999.0, NJ03, "dissociation constant of calcium that closes"),
        "d_3": Param(0.9434, "uM", 1e-9, 9999.0, NJ03, "dissociation constant of IP3 from closed receptors"),
        "d_5": Param(0.08234, "uM", 1e-9, 9999.0, NJ03, "dissociation constant of calcium that opens"),
        "k_IP3R": Param(0.0002, "1/uM/ms", 1e-12, 1000.0, NJ03, "rate at which calcium closes receptors"),
        "rate_IP3R": Param(0.006, "1/ms", 0.0, 1000.0, NJ03, "largest flow through the receptors"),
        "rate_leak": Param(0.00011, "1/ms", 0.0, 1000.0, NJ03, "leak of the reticulum"),
        "rate_SERCA": Param(0.0009, "uM/ms", 0.0, 1000.0, NJ03, "largest uptake by the pump"),
        "K_SERCA": Param(0.1, "uM", 1e-9, 9999.0, NJ03, "calcium at which the pump runs at half its rate"),
    },
    source=LR94,
    note="Numbers as in astrocyte_lr_1994 of NEST, which are those of Nadkarni and Jung. Calcium stays in the cell.",
)
