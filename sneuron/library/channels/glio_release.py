"""Gliotransmitter that an astrocyte releases where its calcium rises above a threshold (De Pitta et al. 2011)."""

from sneuron.lang.spec import Channel, Param, State

DP11 = "De Pitta, Volman, Berry & Ben-Jacob 2011, PLoS Comput Biol 7:e1002293, doi:10.1371/journal.pcbi.1002293"
S18 = "Stimberg, Goodman, Brette & De Pitta 2019, doi:10.1007/978-3-030-00817-8_18, Brian2's example_4_rsmean"
OWN = "own choice: one release for each rise of calcium"

GLIO_RELEASE = Channel(
    name="glio_release",
    unit="",
    states={
        "G": State("uM", "0", 0.0, 1e6, "gliotransmitter outside"),
        "x": State("1", "1", 0.0, 1.0, "share of gliotransmitter that is ready"),
        "Gamma": State("1", "0", 0.0, 1.0, "share of presynaptic receptors that are bound"),
        "spent": State("uM", "0", 0.0, 1000.0, "above 0 from a release until calcium is below the threshold again"),
    },
    equations={
        "G": "-clear*G",
        "x": "recycle*(1 - x)",
        "Gamma": "bind*G*(1 - Gamma) - unbind*Gamma",
        "spent": "-spent*where(Ca > Ca_release, 1/tau_held, 1/tau_rearm)",
    },
    functions={"U0": "(1 - Gamma)*U_rest + alpha*Gamma"},
    params={
        "Ca": Param(0.1, "uM", 0.0, 9999.0, S18, "calcium in the cytosol"),
        "Ca_release": Param(0.5, "uM", 0.0, 9999.0, S18, "calcium at which the astrocyte releases"),
        "U_glia": Param(0.6, "1", 0.0, 1.0, S18, "part of what is ready that is released at once"),
        "recycle": Param(0.0006, "1/ms", 1e-12, 1000.0, S18, "rate of refilling"),
        "amount": Param(130.0, "uM", 0.0, 1e6, S18 + ": 6.5e-4 of 200 mM", "gliotransmitter that everything would be"),
        "clear": Param(0.06, "1/ms", 1e-9, 1000.0, S18, "rate of clearance outside"),
        "bind": Param(0.0015, "1/uM/ms", 0.0, 1000.0, S18, "rate at which receptors bind"),
        "unbind": Param(8.333333333333333e-6, "1/ms", 1e-12, 1000.0, S18 + ": 0.5 a minute", "rate of letting go"),
        "U_rest": Param(0.6, "1", 0.0, 1.0, S18, "synaptic release where nothing is bound"),
        "alpha": Param(0.0, "1", 0.0, 1.0, S18, "synaptic release where all is bound: below U_rest glia depress"),
        "hold": Param(10.0, "uM", 0.001, 1000.0, OWN, "how far a release lifts the threshold"),
        "tau_held": Param(1e6, "ms", 0.001, 1e9, OWN, "time that it keeps it so while calcium stays above"),
        "tau_rearm": Param(100.0, "ms", 0.001, 1e6, OWN, "time in which calcium below the threshold allows the next"),
    },
    source=DP11,
    note="The astrocyte that mounts it has the threshold v + 100*(Ca_release + spent - Ca) and the reset G + "
    "amount*U_glia*x, x - U_glia*x, spent = hold: one release for each rise of calcium.",
)
