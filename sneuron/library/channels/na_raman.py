"""The resurgent sodium channel of Purkinje cells: a Markov scheme of 13 states (Raman & Bean 2001)."""

from sneuron.lang.spec import Channel, Param, Transition

RB01 = "Raman & Bean 2001, Biophys J 80:729, doi:10.1016/S0006-3495(01)76052-3"
KHALIQ03 = "Khaliq, Gouwens & Raman 2003, J Neurosci 23:4899, doi:10.1523/JNEUROSCI.23-12-04899.2003"

NA_RAMAN = Channel(
    name="na_raman",
    current="g*O*(v - E)",
    ion="na",
    unit="uA/cm2",
    transitions={
        "C1_C2": Transition("C1", "C2", "4*up", "down"),
        "C2_C3": Transition("C2", "C3", "3*up", "2*down"),
        "C3_C4": Transition("C3", "C4", "2*up", "3*down"),
        "C4_C5": Transition("C4", "C5", "up", "4*down"),
        "C5_O": Transition("C5", "O", "gamma", "delta"),
        "O_B": Transition("O", "B", "epsilon", "zeta*exp(-v/25)", note="block by the particle"),
        "O_I6": Transition("O", "I6", "o_on", "o_off", note="inactivation of open channels"),
        "I1_I2": Transition("I1", "I2", "4*up*a", "down*b"),
        "I2_I3": Transition("I2", "I3", "3*up*a", "2*down*b"),
        "I3_I4": Transition("I3", "I4", "2*up*a", "3*down*b"),
        "I4_I5": Transition("I4", "I5", "up*a", "4*down*b"),
        "I5_I6": Transition("I5", "I6", "gamma", "delta"),
        "C1_I1": Transition("C1", "I1", "c_on", "c_off"),
        "C2_I2": Transition("C2", "I2", "c_on*a", "c_off*b"),
        "C3_I3": Transition("C3", "I3", "c_on*a**2", "c_off*b**2"),
        "C4_I4": Transition("C4", "I4", "c_on*a**3", "c_off*b**3"),
        "C5_I5": Transition("C5", "I5", "c_on*a**4", "c_off*b**4"),
    },
    functions={
        "up": "alpha*exp(v/20)",
        "down": "beta*exp(-v/20)",
        "a": "(o_on/c_on)**0.25",
        "b": "(o_off/c_off)**0.25",
    },
    params={
        "g": Param(15.0, "mS/cm2", 0.0, 10000.0, KHALIQ03, "maximal conductance"),
        "E": Param(60.0, "mV", -200.0, 200.0, KHALIQ03, "reversal potential"),
        "alpha": Param(150.0, "1/ms", 0.0, 1e6, KHALIQ03, "activation at 0 mV"),
        "beta": Param(3.0, "1/ms", 0.0, 1e6, KHALIQ03, "deactivation at 0 mV"),
        "gamma": Param(150.0, "1/ms", 0.0, 1e6, KHALIQ03, "opening"),
        "delta": Param(40.0, "1/ms", 0.0, 1e6, KHALIQ03, "closing"),
        "epsilon": Param(1.75, "1/ms", 0.0, 1e6, KHALIQ03, "block"),
        "zeta": Param(0.03, "1/ms", 1e-9, 1e6, KHALIQ03, "end of block at 0 mV"),
        "c_on": Param(0.005, "1/ms", 1e-9, 1e6, KHALIQ03, "inactivation of closed channels"),
        "c_off": Param(0.5, "1/ms", 1e-9, 1e6, KHALIQ03, "recovery of closed channels"),
        "o_on": Param(0.75, "1/ms", 1e-9, 1e6, KHALIQ03, "inactivation of open channels"),
        "o_off": Param(0.005, "1/ms", 1e-9, 1e6, KHALIQ03, "recovery of open channels"),
    },
    source=RB01 + "; rates of rsg.mod of " + KHALIQ03 + ", ModelDB 48332",
    note="a and b keep the scheme reversible.",
)
