"""Descriptions as data: what a file of the library, or a user, writes down.

A description is a frozen dataclass of texts and numbers and nothing else: no
SymPy, no NumPy, no code. `sneuron.lang.model` turns it into expressions.
"""

from __future__ import annotations

import dataclasses
import math
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

__all__ = [
    "Channel",
    "Drive",
    "Gate",
    "Injection",
    "Mount",
    "Network",
    "Neuron",
    "Param",
    "Population",
    "Projection",
    "Protocol",
    "State",
    "Stimulus",
    "Threshold",
    "Transition",
    "Variant",
    "bare",
]


LATER = {"later": True}
"""Metadata of fields that are left out of plain data while they hold their default: descriptions that are older than
a field keep their text and their hash."""


@dataclass(frozen=True)
class Param:
    """A constant of a model.

    Parameters
    ----------
    value : float
        Its default, in `unit`.
    unit : str
        Its unit ("mS/cm2"); "1" for pure numbers, "" for "the current unit of the neuron" (stimuli only).
    low, high : float
        Bounds that a value must keep, both included.
    source : str
        Where the value comes from (author, year, DOI); empty: as the description that holds it.
    note : str
        What it is.
    fixed : str
        Why it may not be swept; empty when it may.
    """

    value: float
    unit: str
    low: float = -math.inf
    high: float = math.inf
    source: str = ""
    note: str = ""
    fixed: str = ""


@dataclass(frozen=True)
class State:
    """A variable that changes in time.

    Parameters
    ----------
    unit : str
        Its unit.
    start : str
        Where it starts: an expression.
    low, high : float
        The range in which it makes sense.
    note : str
        What it is.
    held : bool
        Whether it waits together with the voltage while the neuron is refractory.
    """

    unit: str
    start: str = "0"
    low: float = -math.inf
    high: float = math.inf
    note: str = ""
    held: bool = field(default=False, metadata=LATER)


@dataclass(frozen=True)
class Gate:
    """A gating variable x in [0, 1]; it starts at its steady state.

    Either opening and closing rates (1/ms), dx/dt = rate (alpha (1 - x) - beta x), or steady state and
    time constant (ms), dx/dt = rate (inf - x) / tau; `rate` is a dimensionless factor such as that of temperature.
    """

    alpha: str = ""
    beta: str = ""
    inf: str = ""
    tau: str = ""
    rate: str = ""
    note: str = ""


@dataclass(frozen=True)
class Transition:
    """A step of a Markov scheme: rates (1/ms) from one state to another and back; empty when there is no way back.

    The states of a scheme are those that its transitions name; they add up to 1 and start at their steady state.
    """

    source: str
    target: str
    forward: str
    backward: str = ""
    note: str = ""


@dataclass(frozen=True)
class Channel:
    """A membrane mechanism: gates, parameters, and the outward current that it carries.

    Parameters
    ----------
    name : str
        Its name in the library.
    current : str
        The current, outward positive, in `unit`; may use `v` (mV), gates, states, parameters, functions, `ion.ca` (all
        currents of the neuron that carry this ion) and `current.other` (that of another mount). Empty for a mechanism
        without current, such as a pool.
    gates, states, equations, transitions, params, functions : mapping
        Its parts by name; an equation gives d/dt of a state per ms; transitions make Markov schemes.
    ion : str
        The ion carried ("na", "k", "ca"), empty for a mixed current.
    noise : mapping of mappings
        Independent Wiener processes by name: what each adds to which states (and `v`), per square root of ms; Ito's
        reading. {"eta": {"eta": "std*sqrt(2/tau)"}} with the equation -eta/tau is an Ornstein-Uhlenbeck process.
    correlation : str
        The parameter (0 to 1) that says how much of the noise cells have in common; empty for none.
    unit : str
        Unit of the current; empty: that of the neuron, whichever it is. Parameters and states may then have the units
        "current" and "conductance".
    receive : mapping
        Of a receptor: what an arriving spike of weight `w` adds to which states, or to `v` ({"g": "w"}); so many times
        `w`, the number made of parameters, so that all arrivals of a step are one sum.
    couple : mapping
        Of a coupling: what a synapse of weight `w` adds at all times to which parameters ({"g": "w", "pull": "w*v"});
        so many times `w`, the number made of states and parameters of the neuron that sends.
    source, note : str
        Citation with DOI; what should be known about it.
    """

    name: str
    current: str = ""
    gates: Mapping[str, Gate] = field(default_factory=dict)
    states: Mapping[str, State] = field(default_factory=dict)
    equations: Mapping[str, str] = field(default_factory=dict)
    transitions: Mapping[str, Transition] = field(default_factory=dict, metadata=LATER)
    params: Mapping[str, Param] = field(default_factory=dict)
    functions: Mapping[str, str] = field(default_factory=dict)
    noise: Mapping[str, Mapping[str, str]] = field(default_factory=dict, metadata=LATER)
    correlation: str = field(default="", metadata=LATER)
    receive: Mapping[str, str] = field(default_factory=dict, metadata=LATER)
    couple: Mapping[str, str] = field(default_factory=dict, metadata=LATER)
    ion: str = ""
    unit: str = "uA/cm2"
    source: str = ""
    note: str = ""


@dataclass(frozen=True)
class Mount:
    """A channel put into a neuron.

    Parameters
    ----------
    channel : str or Channel
        Its name in the library, or the channel itself.
    names : mapping
        What its parameters, gates and functions are called in the neuron ({"g": "gNa"}); the others are called
        `mount.name`. A parameter that is given the name of a state or function of the neuron is that one
        ({"cai": "cai", "E": "ECa"}). {"v": "vd"} puts the channel where the voltage is the state `vd`: its current does
        not flow through the membrane of `v`, and the equation of `vd` uses it as `current.mount`.
    params : mapping
        Values that differ from the channel's defaults.
    """

    channel: str | Channel
    names: Mapping[str, str] = field(default_factory=dict)
    params: Mapping[str, float] = field(default_factory=dict)


@dataclass(frozen=True)
class Drive:
    """Spikes from outside: a Poisson process, drawn as one number for each step.

    Parameters
    ----------
    receptor : str
        The mount that receives them.
    rate : str
        How many arrive per ms: an expression over parameters.
    weight : str
        The weight of each, in the unit that the receptor wants: an expression over parameters.
    """

    receptor: str
    rate: str
    weight: str


@dataclass(frozen=True)
class Threshold:
    """When a neuron spikes.

    Parameters
    ----------
    level : str
        Upward crossing of this voltage (mV) is a spike.
    rearm : str
        The voltage must have been below this before another spike counts; may use the name `level`.
    kind : str
        "crossing": spikes are only noticed; "reset": the assignments of `Neuron.reset` are made.
    hazard : str
        Escape noise: the rate (1/ms) at which a neuron of kind "reset" spikes below the level too; empty for none.
    """

    level: str = "0"
    rearm: str = "level - 10"
    kind: str = "crossing"
    hazard: str = field(default="", metadata=LATER)


@dataclass(frozen=True)
class Injection:
    """A stimulus of the library, and values of its parameters; currents in the unit of the neuron."""

    kind: str
    params: Mapping[str, float] = field(default_factory=dict)


@dataclass(frozen=True)
class Protocol:
    """How a paper shows a neuron: what is injected, and for how long it is watched.

    Parameters
    ----------
    duration : float
        In ms; 0 when there is no protocol.
    stimuli : mapping
        Injected currents by name; they add up.
    source : str
        Where it comes from; empty: as the description that holds it.
    note : str
        What is to be seen.
    """

    duration: float = 0.0
    stimuli: Mapping[str, Injection] = field(default_factory=dict)
    source: str = ""
    note: str = ""


@dataclass(frozen=True)
class Variant:
    """A neuron under another name: other values of parameters, another start, another method or step, a protocol."""

    params: Mapping[str, float] = field(default_factory=dict)
    method: str = ""
    dt: float = 0.0
    source: str = ""
    note: str = ""
    start: Mapping[str, str] = field(default_factory=dict, metadata=LATER)
    protocol: Protocol = field(default=Protocol(), metadata=LATER)


@dataclass(frozen=True)
class Neuron:
    """A point neuron: capacitance dv/dt = I + stimuli - sum of currents.

    Parameters
    ----------
    name : str
        Its name in the library.
    capacitance : str
        Expression of the membrane capacitance.
    unit : str
        Unit of its currents ("uA/cm2", "pA").
    currents : mapping
        Its own currents by name, outward positive.
    channels : mapping
        Mounted channels by name.
    states, equations, noise : mapping
        Its other variables, d/dt of each per ms, and the Wiener processes that drive them (as those of a `Channel`).
    params, functions : mapping
        Constants, and named expressions.
    voltage : State
        The membrane potential `v` in mV.
    threshold, reset, refractory :
        When it spikes; what is then assigned, from the values before; the parameter (ms) that holds the refractory
        time.
    method, dt : str, float
        The integration method and time step (ms) used when none is asked for.
    drives : mapping of str to Drive
        Spikes that its receptors get from outside.
    variants : mapping
        The explicit variants of this neuron by name; the first one is what the plain name means.
    source, note : str
        Citation with DOI; what should be known about it.
    protocol : Protocol
        How its paper shows it.
    """

    name: str
    capacitance: str
    unit: str = "uA/cm2"
    currents: Mapping[str, str] = field(default_factory=dict)
    channels: Mapping[str, Mount] = field(default_factory=dict)
    states: Mapping[str, State] = field(default_factory=dict)
    equations: Mapping[str, str] = field(default_factory=dict)
    noise: Mapping[str, Mapping[str, str]] = field(default_factory=dict, metadata=LATER)
    params: Mapping[str, Param] = field(default_factory=dict)
    functions: Mapping[str, str] = field(default_factory=dict)
    voltage: State = State("mV", "-65", note="membrane potential")
    threshold: Threshold = Threshold()
    reset: Mapping[str, str] = field(default_factory=dict)
    refractory: str = ""
    method: str = "exp_euler"
    dt: float = 0.025
    variants: Mapping[str, Variant] = field(default_factory=dict)
    source: str = ""
    note: str = ""
    protocol: Protocol = field(default=Protocol(), metadata=LATER)
    drives: Mapping[str, Drive] = field(default_factory=dict, metadata=LATER)


@dataclass(frozen=True)
class Stimulus:
    """An injected current as a function of time `t` (ms).

    Parameters
    ----------
    name : str
        Its name in the library.
    current : str
        The current; empty when the samples are played from memory.
    params : mapping
        Its constants; the unit "" means the current unit of the neuron that receives it.
    functions : mapping
        Named expressions.
    played : bool
        True when the values are samples (noise, recordings), not an expression.
    source, note : str
        Citation; what should be known about it.
    """

    name: str
    current: str = ""
    params: Mapping[str, Param] = field(default_factory=dict)
    functions: Mapping[str, str] = field(default_factory=dict)
    played: bool = False
    source: str = ""
    note: str = ""


@dataclass(frozen=True)
class Population:
    """Neurons of one kind in a network.

    Parameters
    ----------
    size : int
        How many.
    model : str or Neuron
        Their model: its name in the library, or the description itself; "poisson" for sources that spike at a `rate`
        (Hz), and do nothing else.
    params : mapping
        Values that differ from the model's: a number, or a law ({"law": "normal", "mean": -60, "std": 5}).
    sign : str
        Dale's law: "excitatory" when their weights are 0 or more, "inhibitory" when 0 or less, empty when unsaid.
    positions : mapping
        Where they are: on ("line", "ring", "plane", "torus"), length (um), at ("random", "grid").
    alone : bool
        That no projection names them is meant.
    note : str
        What they are.
    """

    size: int
    model: str | Neuron
    params: Mapping[str, Any] = field(default_factory=dict)
    sign: str = ""
    positions: Mapping[str, Any] = field(default_factory=dict)
    alone: bool = False
    note: str = ""


@dataclass(frozen=True)
class Projection:
    """Synapses from one population to another, or to itself.

    Parameters
    ----------
    pre, post : str
        The populations that send and receive.
    rule : str
        How they are connected; a rule of `ConnMat`.
    params : mapping
        The parameters of the rule.
    weight, delay : number or mapping
        One for all, or a law; weights in `unit`, delays in ms.
    unit : str
        Unit of the weights.
    receptor : str
        The receptor of the receiving model.
    autapses, multapses : bool
        Whether a neuron may connect to itself, and a pair more than once.
    balanced : bool
        Divide weights by the square root of the mean number of synapses of a neuron.
    plasticity : str or mapping
        How the synapses change: a rule, or a table of `rule` and its parameters; empty when they do not.
    source, note : str
        Citation with DOI; what should be known about it.
    """

    pre: str
    post: str
    rule: str
    params: Mapping[str, Any] = field(default_factory=dict)
    weight: Any = 1.0
    delay: Any = 1.0
    unit: str = "1"
    receptor: str = ""
    autapses: bool = False
    multapses: bool = False
    balanced: bool = False
    plasticity: Any = field(default="", metadata=LATER)
    source: str = ""
    note: str = ""


@dataclass(frozen=True)
class Network:
    """Populations and the projections between them; the graphs themselves follow from a seed.

    Parameters
    ----------
    name : str
        Its name in the library.
    populations, projections : mapping
        By name.
    source, note : str
        Citation with DOI; what should be known about it.
    params : mapping
        Parameters of the network itself. What neurons, rules, weights and delays have may be a text that names them:
        an expression of the model language, such as "-g*J".
    """

    name: str
    populations: Mapping[str, Population]
    projections: Mapping[str, Projection] = field(default_factory=dict)
    source: str = ""
    note: str = ""
    params: Mapping[str, Param] = field(default_factory=dict, metadata=LATER)


def bare(neuron: Neuron) -> Neuron:
    """A neuron without what has no part in its equations: its name, values, starts, bounds of values, sources, notes.

    What a later field adds stays.
    """
    channels = {key: dataclasses.replace(mount, params={}, channel=_bare(mount.channel)) for key, mount in
                neuron.channels.items()}  # fmt: skip
    states = {name: dataclasses.replace(state, start="0", note="") for name, state in neuron.states.items()}
    voltage = dataclasses.replace(neuron.voltage, start="0", note="")
    plain: dict[str, Any] = {"name": "", "method": "", "dt": 0.0, "variants": {}, "source": "", "note": ""}
    plain |= {"params": _units(neuron.params), "channels": channels, "states": states, "voltage": voltage}
    return dataclasses.replace(neuron, protocol=Protocol(), **plain)


def _bare(channel: str | Channel) -> str | Channel:
    if isinstance(channel, str):
        return channel
    return dataclasses.replace(channel, name="", params=_units(channel.params), source="", note="")


def _units(params: Mapping[str, Param]) -> dict[str, Param]:
    return {name: Param(0.0, param.unit) for name, param in params.items()}
