"""A step of current."""

import math

from sneuron.lang.spec import Param, Stimulus

OWN = "own choice"

STEP = Stimulus(
    name="step",
    current="where(t >= start and t < stop, amplitude, 0)",
    params={
        "amplitude": Param(0.0, "", source=OWN, note="the current while it is on"),
        "start": Param(0.0, "ms", source=OWN, note="when it comes on; this instant belongs to it"),
        "stop": Param(math.inf, "ms", source=OWN, note="when it goes off; this instant does not belong to it"),
    },
)
