"""White noise on the membrane potential."""

from sneuron.lang.spec import Channel, Param

UO30 = "Uhlenbeck & Ornstein 1930, Phys Rev 36:823, doi:10.1103/PhysRev.36.823"

WHITE = Channel(
    name="white",
    unit="",
    noise={"w": {"v": "sigma"}},
    params={
        "sigma": Param(1.0, "mV/ms^0.5", 0.0, 1e6, "own choice", "strength: dv = ... + sigma dW"),
    },
    source=UO30,
    note="A membrane of time constant tau that does not spike has the standard deviation sigma sqrt(tau/2).",
)
