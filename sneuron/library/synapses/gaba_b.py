"""The GABA-B receptor: slow inhibition through a G protein, which answers to bursts more than to single spikes."""

from sneuron.lang.spec import Channel, Param, State

DESTEXHE96 = "Destexhe, Bal, McCormick & Sejnowski 1996, J Neurophysiol 76:2049, doi:10.1152/jn.1996.76.3.2049"

GABA_B = Channel(
    name="gaba_b",
    current="gmax*s**4/(s**4 + Kd)*(v - E)",
    unit="",
    states={
        "T": State("mM", "0", note="transmitter in the cleft"),
        "r": State("1", "0", 0.0, 1.0, "activated receptors"),
        "s": State("uM", "0", note="activated G protein"),
    },
    equations={"T": "-T/tau_T", "r": "K1*T*(1 - r) - K2*r", "s": "K3*r - K4*s"},
    receive={"T": "Tmax*w"},
    params={
        "gmax": Param(1.0, "conductance", 0.0, 1e6, "own choice", "conductance with all channels open"),
        "E": Param(-95.0, "mV", -200.0, 200.0, DESTEXHE96, "reversal potential"),
        "K1": Param(0.52, "1/mM/ms", 0.0, 1e6, DESTEXHE96, "binding"),
        "K2": Param(0.0013, "1/ms", 0.0, 1e6, DESTEXHE96, "unbinding"),
        "K3": Param(0.098, "uM/ms", 0.0, 1e6, DESTEXHE96, "activation of the G protein"),
        "K4": Param(0.033, "1/ms", 0.0, 1e6, DESTEXHE96, "its decay"),
        "Kd": Param(100.0, "uM4", 1e-6, 1e12, DESTEXHE96, "dissociation constant of four of them"),
        "Tmax": Param(0.5, "mM", 0.0, 1e3, DESTEXHE96, "transmitter after a spike"),
        "tau_T": Param(0.3, "ms", 1e-3, 1e3, DESTEXHE96 + ": its pulse lasts 0.3 ms", "decay time of the transmitter"),
    },
    source=DESTEXHE96,
    note="The weight multiplies the transmitter of a spike. The transmitter decays exponentially where the paper has a "
    "rectangular pulse of the same area; the state is one for all synapses of a neuron.",
)
