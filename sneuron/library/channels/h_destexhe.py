"""The hyperpolarization-activated cation channel that calcium keeps open (Destexhe et al. 1996)."""

from sneuron.lang.spec import Channel, Param, Transition

DESTEXHE96 = "Destexhe et al. 1996, J Neurophysiol 76:2049, doi:10.1152/jn.1996.76.3.2049"

H_DESTEXHE = Channel(
    name="h_destexhe",
    current="g*(O + g_inc*OL)*(v - E)",
    unit="uA/cm2",
    transitions={
        "opening": Transition("C", "O", "phi*inf/tau", "phi*(1 - inf)/tau"),
        "locking": Transition("O", "OL", "k4*(P1/p_half)", "k4", note="the regulator locks the open state"),
        "binding": Transition("P0", "P1", "k2*(cai/ca_half)**4", "k2", note="four calcium ions bind a regulator"),
    },
    functions={
        "phi": "3**((celsius - 36)/10)",
        "inf": "1/(1 + exp((v + 75)/5.5))",
        "tau": "5.3 + 267/(exp((v + 71.5)/14.2) + exp(-(v + 89)/11.6))",
    },
    params={
        "g": Param(0.02, "mS/cm2", 0.0, 10000.0, DESTEXHE96, "maximal conductance"),
        "E": Param(-40.0, "mV", -200.0, 200.0, DESTEXHE96, "reversal potential"),
        "g_inc": Param(2.0, "1", 0.0, 1000.0, DESTEXHE96, "conductance of the locked state"),
        "k2": Param(4e-4, "1/ms", 1e-9, 1e6, DESTEXHE96, "rate at which calcium leaves the regulator"),
        "k4": Param(1e-3, "1/ms", 1e-9, 1e6, DESTEXHE96, "rate at which the locked state comes free"),
        "ca_half": Param(2e-3, "mM", 1e-9, 100.0, DESTEXHE96, "calcium at which half of the regulator is bound"),
        "p_half": Param(0.01, "1", 1e-9, 1.0, DESTEXHE96, "bound regulator at which locking balances"),
        "cai": Param(2.4e-4, "mM", 0.0, 100.0, DESTEXHE96, "calcium inside"),
        "celsius": Param(36.0, "degC", -10.0, 60.0, DESTEXHE96, "temperature; Q10 = 3 for opening and closing"),
    },
    source=DESTEXHE96,
    note="Two schemes: C, O, OL of the channel and P0, P1 of the regulator. Carries sodium and potassium.",
)
