"""A sine wave of current."""

import math

from sneuron.lang.spec import Param, Stimulus

OWN = "own choice"

SINE = Stimulus(
    name="sine",
    current="where(t >= start and t < stop, offset + amplitude*sin(2*pi*freq*(t - start)/1000 + phase), 0)",
    params={
        "amplitude": Param(0.0, "", source=OWN, note="half of peak to peak"),
        "offset": Param(0.0, "", source=OWN, note="the mean current while it is on"),
        "freq": Param(10.0, "Hz", 0.0, 1e6, OWN, "frequency"),
        "phase": Param(0.0, "rad", source=OWN, note="phase at its start"),
        "start": Param(0.0, "ms", source=OWN, note="when it comes on"),
        "stop": Param(math.inf, "ms", source=OWN, note="when it goes off"),
    },
)
