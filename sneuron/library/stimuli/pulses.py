"""A train of rectangular pulses."""

import math

from sneuron.lang.spec import Param, Stimulus

OWN = "own choice"

PULSES = Stimulus(
    name="pulses",
    current="where(t >= start and which < count and t - start - which*period < width, amplitude, 0)",
    functions={"which": "floor((t - start)/period)"},
    params={
        "amplitude": Param(0.0, "", source=OWN, note="the current during a pulse"),
        "width": Param(1.0, "ms", 0.0, 1e9, OWN, "length of a pulse"),
        "period": Param(100.0, "ms", 1e-6, 1e9, OWN, "from the start of one pulse to the start of the next"),
        "start": Param(0.0, "ms", source=OWN, note="when the first pulse comes on"),
        "count": Param(math.inf, "1", 0.0, math.inf, OWN, "how many pulses"),
    },
)
