"""The generalised integrate-and-fire neuron (Mensi et al. 2012; Pozzorini et al. 2015), with a sharp threshold."""

from sneuron.lang.spec import Injection, Neuron, Param, Protocol, State, Threshold

MENSI12 = "Mensi et al. 2012, J Neurophysiol 107:1756, doi:10.1152/jn.00408.2011"
POZZORINI15 = "Pozzorini et al. 2015, PLoS Comput Biol 11:e1004275, doi:10.1371/journal.pcbi.1004275"
TOOLBOX = (
    "the GIF fitting toolbox of its authors (github.com/pozzorin/GIFFittingToolbox): the neuron by which it compares "
    "implementations; the model: doi:10.1371/journal.pcbi.1004275"
)
OWN = "own choice"

GIF = Neuron(
    name="gif",
    capacitance="C",
    unit="pA",
    currents={"leak": "gL*(v - EL)", "eta1": "eta_1", "eta2": "eta_2", "eta3": "eta_3"},
    states={
        "eta_1": State("pA", "0", -1e6, 1e6, "spike-triggered current, fast"),
        "eta_2": State("pA", "0", -1e6, 1e6, "spike-triggered current"),
        "eta_3": State("pA", "0", -1e6, 1e6, "spike-triggered current, slow"),
        "gamma_1": State("mV", "0", -1e6, 1e6, "spike-triggered move of the threshold, fast"),
        "gamma_2": State("mV", "0", -1e6, 1e6, "spike-triggered move of the threshold"),
        "gamma_3": State("mV", "0", -1e6, 1e6, "spike-triggered move of the threshold, slow"),
    },
    equations={
        "eta_1": "-eta_1/tau_eta_1",
        "eta_2": "-eta_2/tau_eta_2",
        "eta_3": "-eta_3/tau_eta_3",
        "gamma_1": "-gamma_1/tau_gamma_1",
        "gamma_2": "-gamma_2/tau_gamma_2",
        "gamma_3": "-gamma_3/tau_gamma_3",
    },
    params={
        "C": Param(200.0, "pF", 0.001, 100000.0, TOOLBOX, "membrane capacitance"),
        "gL": Param(10.0, "nS", 0.0, 10000.0, TOOLBOX, "leak conductance"),
        "EL": Param(-65.0, "mV", -200.0, 200.0, TOOLBOX, "leak reversal potential"),
        "VT": Param(-48.0, "mV", -200.0, 200.0, TOOLBOX, "threshold long after a spike"),
        "Vr": Param(-50.0, "mV", -200.0, 200.0, TOOLBOX, "reset potential"),
        "t_ref": Param(4.0, "ms", 0.0, 1000.0, TOOLBOX, "refractory time"),
        "a_eta_1": Param(200.0, "pA", -1e6, 1e6, TOOLBOX, "jump of eta_1"),
        "a_eta_2": Param(50.0, "pA", -1e6, 1e6, TOOLBOX, "jump of eta_2"),
        "a_eta_3": Param(25.0, "pA", -1e6, 1e6, TOOLBOX, "jump of eta_3"),
        "tau_eta_1": Param(10.0, "ms", 0.01, 100000.0, TOOLBOX, "time constant of eta_1"),
        "tau_eta_2": Param(50.0, "ms", 0.01, 100000.0, TOOLBOX, "time constant of eta_2"),
        "tau_eta_3": Param(250.0, "ms", 0.01, 100000.0, TOOLBOX, "time constant of eta_3"),
        "a_gamma_1": Param(15.0, "mV", -1e6, 1e6, TOOLBOX, "jump of gamma_1"),
        "a_gamma_2": Param(3.0, "mV", -1e6, 1e6, TOOLBOX, "jump of gamma_2"),
        "a_gamma_3": Param(1.0, "mV", -1e6, 1e6, TOOLBOX, "jump of gamma_3"),
        "tau_gamma_1": Param(5.0, "ms", 0.01, 100000.0, TOOLBOX, "time constant of gamma_1"),
        "tau_gamma_2": Param(200.0, "ms", 0.01, 100000.0, TOOLBOX, "time constant of gamma_2"),
        "tau_gamma_3": Param(250.0, "ms", 0.01, 100000.0, TOOLBOX, "time constant of gamma_3"),
    },
    functions={"theta": "VT + gamma_1 + gamma_2 + gamma_3"},
    voltage=State("mV", "EL", -1e6, 1e6, "membrane potential"),
    threshold=Threshold(level="theta", rearm="theta", kind="reset"),
    reset={
        "v": "Vr",
        "eta_1": "eta_1 + a_eta_1*exp(t_ref/tau_eta_1)",
        "eta_2": "eta_2 + a_eta_2*exp(t_ref/tau_eta_2)",
        "eta_3": "eta_3 + a_eta_3*exp(t_ref/tau_eta_3)",
        "gamma_1": "gamma_1 + a_gamma_1*exp(t_ref/tau_gamma_1)",
        "gamma_2": "gamma_2 + a_gamma_2*exp(t_ref/tau_gamma_2)",
        "gamma_3": "gamma_3 + a_gamma_3*exp(t_ref/tau_gamma_3)",
    },
    refractory="t_ref",
    method="exp_euler",
    dt=0.05,
    source=MENSI12 + "; " + POZZORINI15,
    note="Jumps count from the end of the refractory time, as in the toolbox that fits this model; NEST adds them at "
    "the spike, so that its q is a*exp(t_ref/tau). A spike comes when v reaches the threshold, the limit of no noise.",
    protocol=Protocol(500.0, {"on": Injection("step", {"amplitude": 500.0, "start": 50.0, "stop": 450.0})}, OWN),
)
