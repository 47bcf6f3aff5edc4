"""A recorded current, played again."""

from sneuron.lang.spec import Param, Stimulus

OWN = "own choice"

REPLAY = Stimulus(
    name="replay",
    played=True,
    params={
        "scale": Param(1.0, "1", source=OWN, note="factor on the recorded current"),
        "offset": Param(0.0, "", source=OWN, note="added to it"),
        "start": Param(
            0.0, "ms", source=OWN, note="when the first sample is played; zero before and after the recording"
        ),
    },
)
