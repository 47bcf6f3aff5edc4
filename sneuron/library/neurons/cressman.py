"""A neuron with moving potassium and sodium: pump, uptake by glia, diffusion to a bath (Cressman et al. 2009)."""

from sneuron.lang.spec import Channel, Gate, Mount, Neuron, Param, State, Threshold, Variant

C09 = "Cressman, Ullah, Ziburkus, Schiff & Barreto 2009, J Comput Neurosci 26:159, doi:10.1007/s10827-008-0132-4"
BC11 = "Barreto & Cressman 2011, J Biol Phys 37:361, doi:10.1007/s10867-010-9212-6"
CHOICE = "own choice: well inside the upstroke of every spike"

GATES = Channel(
    name="cressman_gates",
    gates={
        "h": Gate("0.07*exp(-(v + 44)/20)", "1/(1 + exp(-(v + 14)/10))", rate="phi", note="sodium inactivation"),
        "n": Gate("0.1/exprel(-(v + 34)/10)", "0.125*exp(-(v + 44)/80)", rate="phi", note="potassium activation"),
    },
    functions={
        "alpha_m": "1/exprel(-(v + 30)/10)",
        "beta_m": "4*exp(-(v + 55)/18)",
        "m": "alpha_m/(alpha_m + beta_m)",
    },
    params={"phi": Param(3.0, "1", 0.001, 1000.0, C09, "speed of gates")},
    source=C09,
)

CRESSMAN = Neuron(
    name="cressman",
    capacitance="C",
    channels={"gate": Mount(GATES, names={"h": "h", "n": "n", "m": "m", "phi": "phi"})},
    currents={
        "na": "(gNa*m**3*h + gNaL)*(v - ENa)",
        "k": "(gK*n**4 + gAHP*cai/(1 + cai) + gKL)*(v - EK)",
        "cl": "gClL*(v - ECl)",
    },
    states={
        "Ko": State("mM", "4", 0.0, 1000.0, "potassium outside"),
        "Nai": State("mM", "18", 0.0, 1000.0, "sodium inside"),
        "cai": State("1", "0", -1.0, 1e6, "calcium inside, without unit"),
    },
    equations={
        "Ko": "(gamma*beta*current.k - 2*beta*J_pump - J_glia - J_bath)/tau",
        "Nai": "-(gamma*current.na + 3*J_pump)/tau",
        "cai": "-0.002*gCa*(v - ECa)/(1 + exp(-(v + 25)/2.5)) - cai/tau_ca",
    },
    functions={
        "Ki": "140 + (18 - Nai)",
        "Nao": "144 - beta*(Nai - 18)",
        "EK": "slope*log(Ko/Ki)",
        "ENa": "slope*log(Nao/Nai)",
        "ECl": "slope*log(Cli/Clo)",
        "J_pump": "rho/((1 + exp((Na_pump - Nai)/3))*(1 + exp((K_pump - Ko)/width)))",
        "J_glia": "G_glia/(1 + exp((K_glia - Ko)/2.5))",
        "J_bath": "diffusion*(Ko - K_bath)",
    },
    params={
        "C": Param(1.0, "uF/cm2", 0.01, 1000.0, C09, "membrane capacitance"),
        "gNa": Param(100.0, "mS/cm2", 0.0, 10000.0, C09, "sodium conductance"),
        "gNaL": Param(0.0175, "mS/cm2", 0.0, 10000.0, C09, "sodium leak"),
        "gK": Param(40.0, "mS/cm2", 0.0, 10000.0, C09, "potassium conductance"),
        "gKL": Param(0.05, "mS/cm2", 0.0, 10000.0, C09, "potassium leak"),
        "gAHP": Param(0.01, "mS/cm2", 0.0, 10000.0, C09, "potassium conductance that calcium opens"),
        "gClL": Param(0.05, "mS/cm2", 0.0, 10000.0, C09, "chloride leak"),
        "gCa": Param(0.1, "mS/cm2", 0.0, 10000.0, C09, "calcium conductance, which fills cai only"),
        "ECa": Param(120.0, "mV", -200.0, 200.0, C09, "calcium reversal"),
        "tau_ca": Param(80.0, "ms", 0.001, 1e6, C09, "time constant of calcium"),
        "slope": Param(26.64, "mV", 1.0, 100.0, C09, "RT/F"),
        "Cli": Param(6.0, "mM", 0.001, 1000.0, C09, "chloride inside"),
        "Clo": Param(130.0, "mM", 0.001, 1000.0, C09, "chloride outside"),
        "gamma": Param(0.0445, "mM*cm2/uA", 0.0, 1000.0, C09, "concentration that a current brings"),
        "beta": Param(7.0, "1", 0.001, 1000.0, C09, "volume inside by volume outside"),
        "tau": Param(1000.0, "ms", 1.0, 1e6, C09, "a second"),
        "rho": Param(1.25, "mM", 0.0, 1000.0, C09, "largest rate of the pump, in a second"),
        "Na_pump": Param(25.0, "mM", 0.0, 1000.0, C09, "sodium inside that brings the pump to a half"),
        "K_pump": Param(5.5, "mM", 0.0, 1000.0, C09, "potassium outside that brings the pump to a half"),
        "width": Param(1.0, "mM", 0.001, 1000.0, C09, "potassium over which the pump rises"),
        "K_glia": Param(18.0, "mM", 0.0, 1000.0, C09, "potassium outside that brings glia to a half"),
        "G_glia": Param(66.0, "mM", 0.0, 10000.0, C09, "largest uptake by glia, in a second"),
        "diffusion": Param(1.2, "1", 0.0, 1000.0, C09, "rate of diffusion to the bath, in a second"),
        "K_bath": Param(4.0, "mM", 0.001, 1000.0, C09, "potassium of the bath"),
        "spike_threshold": Param(-20.0, "mV", -100.0, 100.0, CHOICE, "an upward crossing is a spike"),
        "spike_rearm": Param(-30.0, "mV", -100.0, 100.0, CHOICE, "below this the next spike may count"),
    },
    voltage=State("mV", "-67", -200.0, 200.0, "membrane potential"),
    threshold=Threshold(level="spike_threshold", rearm="spike_rearm"),
    method="exp_midpoint",
    dt=0.02,
    variants={
        "cressman_2009": Variant(note="With calcium and the potassium current that it opens."),
        "cressman_2011": Variant(
            {"gAHP": 0.0, "gCa": 0.0, "G_glia": 66.666, "diffusion": 1.333},
            source=BC11,
            note="Without calcium; uptake and diffusion as in the analysis of 2011.",
        ),
    },
    source=C09,
    note="Sodium inside and potassium inside add up to 158 mM, and what sodium leaves the cell is outside.",
)
