"""A current that fluctuates with a correlation time: an Ornstein-Uhlenbeck process."""

from sneuron.lang.spec import Channel, Param, State

UO30 = "Uhlenbeck & Ornstein 1930, Phys Rev 36:823, doi:10.1103/PhysRev.36.823"
GILLESPIE96 = "Gillespie 1996, Phys Rev E 54:2084, doi:10.1103/PhysRevE.54.2084"

OU = Channel(
    name="ou",
    current="-(mean + eta)",
    unit="",
    states={"eta": State("current", "0", note="how far the current is from its mean")},
    equations={"eta": "-eta/tau"},
    noise={"w": {"eta": "std*sqrt(2/tau)"}},
    params={
        "mean": Param(0.0, "current", -1e9, 1e9, "own choice", "mean injected current"),
        "std": Param(1.0, "current", 0.0, 1e9, "own choice", "standard deviation in the long run"),
        "tau": Param(3.0, "ms", 1e-3, 1e6, "own choice: between AMPA and GABA synapses", "correlation time"),
    },
    source=UO30,
    note="Exact for any time step (" + GILLESPIE96 + "). It starts at its mean.",
)
