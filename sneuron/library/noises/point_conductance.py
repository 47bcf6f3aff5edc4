"""Synaptic background of a cortical neuron: two fluctuating conductances (Destexhe et al. 2001)."""

from sneuron.lang.spec import Channel, Param, State

DESTEXHE01 = "Destexhe, Rudolph, Fellous & Sejnowski 2001, Neuroscience 107:13, doi:10.1016/S0306-4522(01)00344-X"

POINT_CONDUCTANCE = Channel(
    name="point_conductance",
    current="max(ge, 0)*(v - Ee) + max(gi, 0)*(v - Ei)",
    unit="",
    states={
        "ge": State("conductance", "ge_mean", note="excitatory conductance"),
        "gi": State("conductance", "gi_mean", note="inhibitory conductance"),
    },
    equations={"ge": "(ge_mean - ge)/tau_e", "gi": "(gi_mean - gi)/tau_i"},
    noise={"e": {"ge": "ge_std*sqrt(2/tau_e)"}, "i": {"gi": "gi_std*sqrt(2/tau_i)"}},
    params={
        "ge_mean": Param(12.1, "conductance", 0.0, 1e6, DESTEXHE01 + ": nS of a cell of 34,636 um2", "mean of ge"),
        "gi_mean": Param(57.3, "conductance", 0.0, 1e6, DESTEXHE01 + ": nS of a cell of 34,636 um2", "mean of gi"),
        "ge_std": Param(3.0, "conductance", 0.0, 1e6, DESTEXHE01 + ": nS of that cell", "standard deviation of ge"),
        "gi_std": Param(6.6, "conductance", 0.0, 1e6, DESTEXHE01 + ": nS of that cell", "standard deviation of gi"),
        "tau_e": Param(2.7, "ms", 1e-3, 1e6, DESTEXHE01, "correlation time of ge"),
        "tau_i": Param(10.5, "ms", 1e-3, 1e6, DESTEXHE01, "correlation time of gi"),
        "Ee": Param(0.0, "mV", -200.0, 200.0, DESTEXHE01, "reversal potential of excitation"),
        "Ei": Param(-75.0, "mV", -200.0, 200.0, DESTEXHE01, "reversal potential of inhibition"),
    },
    source=DESTEXHE01,
    note="Conductances below 0 are taken as 0. Published in nS; where currents are densities, divide by the area.",
)
