"""A ramp of current."""

from sneuron.lang.spec import Param, Stimulus

OWN = "own choice"

RAMP = Stimulus(
    name="ramp",
    current="where(t >= start and t < stop, first + (last - first)*(t - start)/(stop - start), 0)",
    params={
        "first": Param(0.0, "", source=OWN, note="the current at its start"),
        "last": Param(0.0, "", source=OWN, note="the current that it grows towards"),
        "start": Param(0.0, "ms", source=OWN, note="when it begins; this instant belongs to it"),
        "stop": Param(1000.0, "ms", source=OWN, note="when it ends; the current is zero again"),
    },
)
