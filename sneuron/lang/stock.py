"""What the library holds, by name."""

from __future__ import annotations

from sneuron.lang.spec import Channel, Neuron, Stimulus
from sneuron.registry import Registry

__all__ = ["channels", "mechanism", "neurons", "noises", "stimuli", "synapses"]

neurons: Registry[Neuron] = Registry(
    "neuron", "sneuron.library.neurons", lambda x: isinstance(x, Neuron), lambda n: n.name
)
channels: Registry[Channel] = Registry(
    "channel", "sneuron.library.channels", lambda x: isinstance(x, Channel), lambda c: c.name
)
noises: Registry[Channel] = Registry(
    "noise", "sneuron.library.noises", lambda x: isinstance(x, Channel), lambda c: c.name
)
synapses: Registry[Channel] = Registry(
    "synapse", "sneuron.library.synapses", lambda x: isinstance(x, Channel), lambda c: c.name
)
stimuli: Registry[Stimulus] = Registry(
    "stimulus", "sneuron.library.stimuli", lambda x: isinstance(x, Stimulus), lambda s: s.name
)


def mechanism(name: str) -> Channel:
    """What a mount names: a channel, or a receptor.

    >>> mechanism("leak").name
    'leak'
    """
    return synapses[name] if name in synapses and name not in channels else channels[name]
