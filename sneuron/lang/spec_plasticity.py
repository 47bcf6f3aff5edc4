"""Rules by which synapses change, as data: what a file of the library, or a user, writes down.

A rule says what a spike does to a synapse. Between spikes everything moves in closed form over `gap`, the time (ms)
since the last event of the synapse, so that nothing is computed while nothing happens.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field

from sneuron.lang.spec import Param

__all__ = ["Chance", "Decay", "Plasticity", "Trace"]


@dataclass(frozen=True)
class Trace:
    """What the spikes of a neuron leave, shared by all its synapses: it jumps at each, and decays to 0 between them.

    Parameters
    ----------
    tau : str
        Its time constant (ms), over parameters.
    jump : str
        Its value after a spike, from the traces of this neuron just before: "x + 1" counts all spikes, "1" the last.
    note : str
        What it is.
    """

    tau: str
    jump: str
    note: str = ""


@dataclass(frozen=True)
class Decay:
    """A variable of a synapse, which moves to `rest` with a time constant; without one it stays where it is.

    Parameters
    ----------
    tau, rest : str
        Over parameters; a time constant of 0 is one too short to be seen.
    unit : str
        Its unit; "weight" for that of weights.
    start : str
        Where it starts; `rest` when empty.
    note : str
        What it is.
    """

    tau: str = ""
    rest: str = "0"
    unit: str = "1"
    start: str = ""
    note: str = ""


@dataclass(frozen=True)
class Chance:
    """A random number of an arriving spike: how many of `n` independent things happen, each with probability `p`."""

    n: str
    p: str
    note: str = ""


@dataclass(frozen=True)
class Plasticity:
    """How a synapse changes. All that happens at an event is computed from the values just before it.

    Parameters
    ----------
    name : str
        Its name in the library.
    pre, post : mapping of str to Trace
        Traces of the neuron that sends, and of the one that receives.
    states : mapping of str to Decay
        Variables of each synapse, besides its weight `w`, which is a size: 0 or more, whatever its sign.
    between : mapping
        How `w` or a state moves over `gap` ms without an event, where it is no plain decay: its value at the end, from
        the values at the start.
    chances : mapping of str to Chance
        Random numbers of an arriving spike.
    functions : mapping
        Named expressions.
    on_pre, on_post : mapping
        New values of `w` and of states when a spike arrives at the synapse, and when one of the receiving neuron does.
    delivers : str
        What an arriving spike delivers, from the values before `on_pre`.
    low, high : str
        Bounds of `w`, over parameters; empty for none. `low` is 0 or more: a weight never changes its sign.
    params : mapping of str to Param
        Constants; of the unit "weight" those in the unit of weights.
    source, note : str
        Citation with DOI; what should be known about it.
    """

    name: str
    pre: Mapping[str, Trace] = field(default_factory=dict)
    post: Mapping[str, Trace] = field(default_factory=dict)
    states: Mapping[str, Decay] = field(default_factory=dict)
    between: Mapping[str, str] = field(default_factory=dict)
    chances: Mapping[str, Chance] = field(default_factory=dict)
    functions: Mapping[str, str] = field(default_factory=dict)
    on_pre: Mapping[str, str] = field(default_factory=dict)
    on_post: Mapping[str, str] = field(default_factory=dict)
    delivers: str = "w"
    low: str = "0"
    high: str = ""
    params: Mapping[str, Param] = field(default_factory=dict)
    source: str = ""
    note: str = ""
