"""IP3 of an astrocyte: made by PLC beta and PLC delta, broken down by the 3-kinase and the 5-phosphatase (2009)."""

from sneuron.lang.spec import Channel, Param, State

DP09 = "De Pitta, Goldberg, Volman, Berry & Ben-Jacob 2009, J Biol Phys 35:383, doi:10.1007/s10867-009-9155-y"
S18 = "Stimberg, Goodman, Brette & De Pitta 2019, doi:10.1007/978-3-030-00817-8_18, Brian2's example_4_rsmean"
OWN = "own choice: too little to matter"

IP3_GLUTAMATE = Channel(
    name="ip3_glutamate",
    unit="",
    states={
        "IP3": State("uM", "0.1", 0.0, 9999.0, "inositol 1,4,5-trisphosphate in the cytosol"),
        "glu": State("uM", "glu_rest", 0.0, 1e6, "glutamate outside"),
    },
    equations={"IP3": "J_beta + J_delta - J_3K - rate_5P*IP3", "glu": "(glu_rest - glu)*clear"},
    functions={
        "seen": "max(glu, least)",
        "K_glu": "K_R + K_p*Ca/(Ca + K_pi)",
        "J_beta": "v_beta*(seen/K_glu)**0.7/(1 + (seen/K_glu)**0.7)",
        "J_delta": "v_delta/(1 + IP3/kappa_delta)*Ca**2/(Ca**2 + K_delta**2)",
        "J_3K": "v_3K*Ca**4/(Ca**4 + K_D**4)*IP3/(IP3 + K_3)",
    },
    receive={"glu": "w"},
    params={
        "Ca": Param(0.1, "uM", 0.0, 9999.0, DP09, "calcium in the cytosol"),
        "glu_rest": Param(0.0, "uM", 0.0, 1e6, DP09, "glutamate that is always there"),
        "clear": Param(0.04, "1/ms", 1e-9, 1000.0, S18, "rate of clearance of glutamate"),
        "least": Param(1e-9, "uM", 1e-15, 1.0, OWN, "glutamate below this counts as this"),
        "v_beta": Param(0.0002, "uM/ms", 0.0, 1000.0, DP09, "largest production by PLC beta"),
        "K_R": Param(1.3, "uM", 1e-9, 1e6, DP09, "glutamate at which receptors are half active"),
        "K_p": Param(10.0, "uM", 0.0, 1e6, DP09, "how much PKC takes of their affinity"),
        "K_pi": Param(0.6, "uM", 1e-9, 1e6, DP09, "calcium at which PKC is half active"),
        "v_delta": Param(0.00002, "uM/ms", 0.0, 1000.0, DP09, "largest production by PLC delta"),
        "kappa_delta": Param(1.5, "uM", 1e-9, 1e6, DP09, "IP3 that halves it"),
        "K_delta": Param(0.1, "uM", 1e-9, 1e6, DP09, "calcium at which PLC delta is half active"),
        "v_3K": Param(0.002, "uM/ms", 0.0, 1000.0, DP09, "largest breakdown by the 3-kinase"),
        "K_D": Param(0.7, "uM", 1e-9, 1e6, DP09, "calcium at which the 3-kinase is half active"),
        "K_3": Param(1.0, "uM", 1e-9, 1e6, DP09, "IP3 at which the 3-kinase is half busy"),
        "rate_5P": Param(0.00004, "1/ms", 1e-12, 1000.0, DP09, "rate of breakdown by the 5-phosphatase"),
    },
    source=DP09,
    note="The weight is the jump of glutamate in uM. Values are those for amplitude modulation; clearance is as "
    "at a synapse.",
)
