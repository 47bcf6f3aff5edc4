"""A model: a neuron with its channels flattened into it, as checked expressions; read from and written to JSON."""

from __future__ import annotations

import dataclasses
import functools
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from types import MappingProxyType
from typing import Any, TypeVar

import numpy as np
import sympy

from sneuron import errors, labels
from sneuron.lang import canon, spec
from sneuron.lang.build import Wiener, build, checked_param, in_order, inlined
from sneuron.lang.expr import numpy_value, parse
from sneuron.lang.plain import as_plain, from_plain
from sneuron.lang.protocol import check_protocol
from sneuron.lang.receptors import Arrival, Receptor
from sneuron.lang.schemes import Scheme
from sneuron.lang.spec import Channel, Mount, Neuron, Param, Protocol, State, Stimulus, bare
from sneuron.lang.stock import channels, mechanism, neurons, noises, stimuli, synapses
from sneuron.lang.units import check_stimulus_units, conductance_unit
from sneuron.lang.variants import remounted, varied, with_values

__all__ = [
    "ExportJSON",
    "Model",
    "Waveform",
    "channels",
    "load_channel",
    "load_model",
    "load_stimulus",
    "models",
    "neurons",
    "noises",
    "stimuli",
    "synapses",
    "with_channels",
]

_M = TypeVar("_M")
SCHEMA, CHANNEL_SCHEMA = "sneuron-model/1", "sneuron-channel/1"


@dataclass(frozen=True, eq=False, repr=False)
class Model:
    """A point neuron as expressions: capacitance dv/dt = I + stimuli - sum of currents.

    Made by `load_model`; never changed; equal when their `hash` is equal.

    Attributes
    ----------
    name : str
        The explicit variant ("hh_el54_3").
    spec : Neuron
        The description, with its channels in it.
    params : mapping of str to Param
        Constants by canonical name, the built-in `I` (constant injected current) among them.
    aliases : mapping
        Other paths to them: "na.g" -> "gNa".
    states : mapping of str to State
        `v` first, then other states, then gates, each sorted by name.
    gates : frozenset of str
        The states that are gates, in [0, 1]; occupancies of Markov schemes among them.
    functions : mapping
        Named expressions, each after those that it uses; `current.na` and `ion.ca` where something uses them.
    currents, ions, channels : mapping
        Membrane currents, outward positive; the ion that each carries; the channels mounted.
    places : mapping
        The state whose membrane each current flows through: "v", or the voltage of another compartment.
    units : mapping
        Units of functions, where they are known.
    capacitance : sympy.Expr
    equations : mapping
        d/dt per ms of every state but v.
    rates : mapping
        Gate -> ("ab", alpha, beta) or ("it", inf, tau).
    schemes : tuple of Scheme
        Markov schemes.
    start : mapping
        Start value of each state over parameters and earlier states; gates at their steady state.
    threshold, rearm, kind, reset, refractory :
        When a spike is seen (mV), when the next one may be, "crossing" or "reset", the assignments made, the parameter
        (ms).
    noises : mapping of str to Wiener
        The Wiener processes that drive states.
    hazard : sympy.Expr or None
        The rate (1/ms) of spikes below the threshold.
    receptors, couplings, drives : mapping
        What arriving spikes add, by receptor; what acts without spikes; and the spikes that come from outside.
    method, dt : str, float
        Used when none is asked for.
    current_unit : str
        The unit of currents.
    hash : str
        sha256 of the canonical JSON.
    """

    name: str
    spec: Neuron
    params: Mapping[str, Param]
    aliases: Mapping[str, str]
    states: Mapping[str, State]
    gates: frozenset[str]
    functions: Mapping[str, sympy.Expr]
    currents: Mapping[str, sympy.Expr]
    ions: Mapping[str, str]
    places: Mapping[str, str]
    units: Mapping[str, str]
    channels: Mapping[str, Channel]
    capacitance: sympy.Expr
    equations: Mapping[str, sympy.Expr]
    rates: Mapping[str, tuple[str, sympy.Expr, sympy.Expr]]
    schemes: tuple[Scheme, ...]
    start: Mapping[str, sympy.Expr]
    reset: Mapping[str, sympy.Expr]
    noises: Mapping[str, Wiener]
    hazard: sympy.Expr | None
    receptors: Mapping[str, Receptor]
    couplings: Mapping[str, Receptor]
    drives: Mapping[str, Arrival]
    threshold: sympy.Expr
    rearm: sympy.Expr
    kind: str
    refractory: str
    method: str
    dt: float
    current_unit: str
    text: str
    hash: str

    def __eq__(self, other: object) -> bool:
        return isinstance(other, Model) and other.hash == self.hash

    def __hash__(self) -> int:
        return int(self.hash[:15], 16)

    def __repr__(self) -> str:
        return f"<Model {self.name}: states {', '.join(self.states)}; hash {self.hash[:12]}>"

    def __reduce__(self) -> tuple[Any, ...]:
        return (load_model, (self.text,))

    def to_json(self) -> str:
        """The canonical JSON text; equal models give equal texts.

        >>> load_model(load_model("hh").to_json()).name
        'hh_el54_3'
        """
        return self.text

    @classmethod
    def from_json(cls, text: str | bytes) -> Model:
        """The model that a JSON text describes; see `sneuron.lang.canon.loads` for what is refused."""
        return _from_plain(canon.loads(text, "model JSON"), "model JSON")

    @functools.cached_property
    def form(self) -> str:
        """sha256 of the equations alone: models of one form differ in values only, and share their kernels.

        >>> load_model("adex").form == load_model("adex_tonic").form
        True
        """
        return canon.digest(canon.dumps(as_plain(bare(self.spec))))

    @property
    def protocol(self) -> Protocol:
        """How the model's paper shows it; its duration is 0 when there is no protocol."""
        return self.spec.protocol

    @functools.cached_property
    def moving_threshold(self) -> bool:
        """Whether the threshold depends on states other than the voltage."""
        return bool({s.name for s in inlined(self.threshold, self.functions).free_symbols} & ({*self.states} - {"v"}))

    def canonical(self, name: str, where: str = "model") -> str:
        """The canonical name of a parameter or state given by name or path.

        >>> load_model("hh").canonical("na.g")
        'gNa'
        """
        name = self.aliases.get(name, name)
        if name not in self.params and name not in self.states:
            raise errors.unknown(
                where, f"parameter of model {self.name!r}", name, [*self.params, *self.states, *self.aliases]
            )
        return name

    def start_values(self, values: Mapping[str, Any] | None = None) -> dict[str, Any]:
        """The start value of every state, for parameter values (numbers or arrays) that differ from the defaults.

        States that occur in `values` start there; gates then start at their steady state for these.

        >>> round(float(load_model("hh").start_values({"v": -65.0})["m"]), 6)
        0.052932
        """
        known: dict[str, Any] = {name: param.value for name, param in self.params.items()} | dict(values or {})
        for name, expression in self.start.items():
            if name not in known:
                known[name] = numpy_value(expression, known)
        return {name: known[name] for name in self.states}

    def currents_at(self, values: Mapping[str, Any]) -> dict[str, Any]:
        """Every membrane current for given states and parameters (defaults for the others; gates left out are steady).

        >>> round(float(load_model("hh").currents_at({"v": -65.0})["leak"]), 2)
        -3.21
        """
        known = {name: param.value for name, param in self.params.items()} | dict(values)
        known |= self.start_values(known)
        for name, expression in self.functions.items():
            known[name] = numpy_value(expression, known)
        return {name: numpy_value(expression, known) for name, expression in self.currents.items()}

    @property
    def noisy(self) -> bool:
        """Whether runs of it draw random numbers."""
        return bool(self.noises) or bool(self.drives) or self.hazard is not None

    @property
    def membrane(self) -> tuple[str, ...]:
        """The currents that flow through the membrane of `v`."""
        return tuple(name for name in self.currents if self.places[name] == "v")

    @property
    def conductance_unit(self) -> str:
        """The unit of conductances: that of currents per mV.

        >>> load_model("adex").conductance_unit
        'nS'
        """
        return conductance_unit(self.current_unit)

    @property
    def power_unit(self) -> str:
        """The unit of powers: that of currents times mV.

        >>> load_model("hh").power_unit
        'nW/cm2'
        """
        return {"uA/cm2": "nW/cm2", "pA": "fW", "nA": "pW"}.get(self.current_unit, f"{self.current_unit}*mV")

    def unit_of(self, name: str) -> str:
        """The unit of what can be recorded: a state, function, current (`i_na`, `i_stim`), conductance (`g_na`),
        reversal potential (`e_na`) or power (`p_na`); `armed` has none.
        """
        if name in self.states:
            return self.states[name].unit
        if name in self.functions or name == labels.ARMED:
            return self.units.get(name, "1")
        units = {"g": self.conductance_unit, "e": "mV", "p": self.power_unit}
        return units.get(name.partition("_")[0], self.current_unit)

    def meaning_of(self, name: str) -> str:
        """What can be recorded, in words."""
        if name in self.states:
            return self.states[name].note or name
        if name in self.functions:
            return name
        if name == labels.ARMED:
            return "a spike may come"
        kind, _, which = name.partition("_")
        words = {"i": "current", "g": "conductance", "e": "reversal potential", "p": "power"}
        return "injected current" if which == "stim" else f"{which} {words[kind]}"

    def latex(self) -> str:
        """The equations, as LaTeX."""
        from sneuron.lang.algebra import latex

        return latex(self)

    def _repr_latex_(self) -> str:
        return f"$$\n{self.latex()}\n$$"


@dataclass(frozen=True, eq=False)
class Waveform:
    """A stimulus as expressions.

    Attributes
    ----------
    name : str
    spec : Stimulus
    params : mapping of str to Param
        Unit "" means the current unit of the neuron.
    functions : mapping
        Named expressions in dependency order.
    current : sympy.Expr
        The current over `t` (ms), parameters and functions; 0 when `played`.
    played : bool
        True when its values are samples.
    """

    name: str
    spec: Stimulus
    params: Mapping[str, Param]
    functions: Mapping[str, sympy.Expr]
    current: sympy.Expr
    played: bool

    def at(self, t: Any, values: Mapping[str, Any] | None = None) -> Any:
        """The current at times `t` (ms).

        >>> load_stimulus("step").at([0.0, 60.0], {"amplitude": 10.0, "start": 50.0}).tolist()
        [0.0, 10.0]
        """
        known: dict[str, Any] = (
            {name: param.value for name, param in self.params.items()} | dict(values or {}) | {"t": t}
        )
        for name, expression in self.functions.items():
            known[name] = numpy_value(expression, known)
        return numpy_value(self.current, known) + 0.0 * np.asarray(t)


def models() -> list[str]:
    """The names that `load_model` knows.

    >>> "adex" in models()
    True
    """
    return sorted({name for key in neurons for name in (key, *neurons[key].variants)})


def load_channel(what: str | Path | Channel) -> Channel:
    """The channel that a name of the library, a JSON text, or a file of JSON stands for.

    Parameters
    ----------
    what : str, Path or Channel
        A name; a text that begins with "{"; a path that ends in ".json"; a channel (returned as it is).

    Returns
    -------
    Channel

    Raises
    ------
    UnknownNameError
        For a name that the library does not hold.
    ModelError
        When the JSON is none, or not that of a channel.

    Examples
    --------
    >>> load_channel(ExportJSON(load_channel("leak"))) == load_channel("leak")
    True
    """
    if isinstance(what, Channel):
        return what
    if isinstance(what, Path) or what.endswith(".json"):
        return _channel_of(canon.loads(_read(Path(what)), f"channel {str(what)!r}"), f"channel {str(what)!r}")
    if what.lstrip().startswith("{"):
        return _channel_of(canon.loads(what, "channel JSON"), "channel JSON")
    if what.endswith(".mod"):
        where, mend = "load_channel", "Import it: sneuron.import_nmodl, or `sneuron models import`."
        raise errors.ModelError(where, f"{what!r} is a file of NEURON", mend=mend)
    return mechanism(what)


def _channel_of(data: Any, where: str) -> Channel:
    """A channel from the dict of a JSON text."""
    return from_plain(Channel, canon.unwrapped(data, "channel", CHANNEL_SCHEMA, where), where)


def load_model(
    what: str | bytes | Mapping[str, Any] | Path | Neuron | Model,
    channels: Mapping[str, str | Path | Channel | Mount | None] | None = None,
) -> Model:
    """The model that a name, a JSON text, a file of JSON, a table or a description stands for.

    Parameters
    ----------
    what : str, Path, mapping, Neuron or Model
        A name of `models()`; a text that begins with "{"; a path that ends in ".json"; a dict of the fields of
        `Neuron`, or of a whole JSON text; a description; a model (returned as it is).
    channels : mapping of str to str, Path, Channel, Mount or None, optional
        Channels to put in the place of mounted ones (by the name of the mount), to add, or to take away (None); what
        `load_channel` takes: names, files of JSON.

    Returns
    -------
    Model
        With `hash`, the same for equal descriptions.

    Raises
    ------
    UnknownNameError
        For a name that the library does not hold; the nearest one is named.
    ModelError
        When the description does not hold together.

    Examples
    --------
    >>> load_model("hh").name
    'hh_el54_3'
    >>> load_model("hh", channels={"ca": "ca_t_ohmic"}).ions["ca"]
    'ca'
    """
    return _loaded(what) if not channels else with_channels(_loaded(what), channels)


def with_channels(model: Model, mounts: Mapping[str, str | Path | Channel | Mount | None]) -> Model:
    """A model with other channels mounted; see `load_model`."""
    for key, what in mounts.items():
        if what is not None and not isinstance(what, str | Path | Channel | Mount):
            raise errors.ModelError(
                "load_model", f"channel {key!r} is a {type(what).__name__}", "a name, a file, a Channel, a Mount, None"
            )
    found = {k: load_channel(what) if isinstance(what, str | Path) else _filled(what) for k, what in mounts.items()}
    return _made(remounted(model.spec, found))


def _filled(what: _M) -> _M:
    """A mount that names a file or a JSON text, with the channel of that in it; models from outside name no files."""
    if isinstance(what, Mount) and isinstance(what.channel, str) and what.channel.rstrip().endswith((".json", "}")):
        return dataclasses.replace(what, channel=load_channel(what.channel))
    return what


def _loaded(what: Any) -> Model:
    if isinstance(what, Model):
        return what
    if isinstance(what, Neuron):
        return _made(dataclasses.replace(what, channels={k: _filled(m) for k, m in what.channels.items()}))
    if isinstance(what, Mapping):
        return _from_plain(what, "model")
    if isinstance(what, bytes):
        return Model.from_json(what)
    if isinstance(what, str) and not what.endswith(".json"):
        return _from_text(what)
    if isinstance(what, str | Path):
        return Model.from_json(_read(Path(what)))
    raise errors.ModelError("load_model", f"{what!r:.60} is no model", "a name, JSON, a path, a dict, a Neuron")


@functools.lru_cache(maxsize=256)
def _from_text(text: str) -> Model:
    if text.lstrip("\ufeff \t\r\n").startswith(("{", "[")):
        return Model.from_json(text)
    return _made(_named(text))


def _read(path: Path) -> bytes:
    try:
        with path.open("rb") as file:
            return file.read(canon.MAX_BYTES + 1)
    except OSError as cause:
        raise errors.ModelError("load_model", f"file {str(path)!r} cannot be read: {cause.strerror}") from cause


def _named(name: str) -> Neuron:
    """The description of a library name; a plain name with variants means the first of them."""
    if name in neurons and not neurons[name].variants:
        return neurons[name]
    for key in neurons:
        family = neurons[key]
        if name in family.variants or name == key:
            return varied(family, next(iter(family.variants)) if name not in family.variants else name)
    raise errors.unknown("load_model", "model", name, models())


def _from_plain(data: Any, where: str) -> Model:
    """A model from the dict of a JSON text, or from a dict of the fields of `Neuron`."""
    return _made(from_plain(Neuron, canon.unwrapped(data, "neuron", SCHEMA, where), where))


def _made(neuron: Neuron) -> Model:
    if neuron.variants:
        neuron = varied(neuron, next(iter(neuron.variants)))
    fields = build(from_plain(Neuron, as_plain(neuron), f"neuron {neuron.name!r}"), mechanism)
    check_protocol(neuron.protocol, {name: stimuli[name] for name in stimuli}, f"neuron {neuron.name!r}, protocol")
    text = canon.dumps({"schema": SCHEMA, "neuron": as_plain(fields["spec"])})
    frozen: dict[str, Any] = {k: MappingProxyType(v) if isinstance(v, dict) else v for k, v in fields.items()}
    return Model(**frozen, text=text, hash=canon.digest(text))


@functools.lru_cache(maxsize=256)
def load_stimulus(name: str) -> Waveform:
    """A waveform of the library, or of a JSON text.

    Parameters
    ----------
    name : str
        "step", "ramp", "sine", "chirp", "pulses", "noise", "replay", or a JSON text of the fields of `Stimulus`.

    Returns
    -------
    Waveform
        Its current as an expression in `t` (ms) and its parameters.

    Examples
    --------
    >>> load_stimulus("step").current
    where((t >= start) & (t < stop), amplitude, 0)
    """
    if name.lstrip().startswith("{"):
        return _wave(from_plain(Stimulus, canon.loads(name, "stimulus JSON"), "stimulus JSON"))
    return _wave(stimuli[name])


def _wave(spec: Stimulus) -> Waveform:
    where = f"stimulus {spec.name!r}"
    scope = {"t", *spec.params, *spec.functions}
    params = {}
    for name, param in sorted(spec.params.items()):
        checked = checked_param(
            dataclasses.replace(param, unit=param.unit or "I"), f"{where}, parameter {name!r}", spec.source, is_number
        )
        params[name] = dataclasses.replace(checked, unit=param.unit)
    functions = {
        name: parse(text, scope, f"{where}, function {name!r}") for name, text in sorted(spec.functions.items())
    }
    functions = {name: functions[name] for name in in_order(functions, where, "function")}
    current = sympy.S.Zero if spec.played else parse(spec.current, scope, where)
    check_stimulus_units(params, functions, current, where)
    return Waveform(spec.name, spec, MappingProxyType(params), MappingProxyType(functions), current, spec.played)


def is_number(value: float) -> bool:
    """Whether a value is a number at all; infinity is one."""
    return value == value


def ExportJSON(model: Any, path: str | Path | None = None) -> str:
    """Write a model (or a channel, or a network) as JSON, losslessly: equal models give equal bytes.

    Parameters
    ----------
    model : str, Model, Neuron, Channel, Network, or Dataset with `attrs["model"]`
        A channel; a network; a model, its name, or a state, run or study result made with it. Parameters that have one
        value there are written with it; swept ones keep the model's default (select a point to have its values). The
        injected current `I` is input and not written.
    path : str or Path, optional
        A file to write.

    Returns
    -------
    str
        The JSON text: schema "sneuron-model/1", the neuron with all its channels (or "sneuron-channel/1", the channel;
        "sneuron-network/1", the network with its models), sorted keys, exact floats.

    Raises
    ------
    ModelError
        When there is no model in what was given.
    StoreError
        When the file cannot be written.

    Examples
    --------
    >>> text = ExportJSON("lif")
    >>> load_model(text) == load_model("lif")
    True
    """
    text = _text_of(model)
    if path is not None:
        try:
            Path(path).write_text(text + "\n", encoding="utf-8", newline="\n")
        except (OSError, ValueError) as cause:
            raise errors.StoreError("ExportJSON", f"{str(path)!r} cannot be written: {cause}") from cause
    return text


def _text_of(thing: Any) -> str:
    if isinstance(thing, spec.Network):
        from sneuron.lang.network import text_of

        return text_of(thing)
    if isinstance(thing, Channel):
        plain = as_plain(from_plain(Channel, as_plain(thing), f"channel {thing.name!r}"))
        return canon.dumps({"schema": CHANNEL_SCHEMA, "channel": plain})
    return _model_of(thing).to_json()


def _model_of(thing: Any) -> Model:
    """The model that a dataset holds, with the values that its parameters have there."""
    attrs = getattr(thing, "attrs", None)
    if not isinstance(attrs, Mapping):
        return load_model(thing)
    if "model" not in attrs:
        raise errors.ModelError(
            "ExportJSON", "this dataset holds no model", mend="Give one made by InitNeu, RunSim or ParamSweep."
        )
    model = load_model(attrs["model"])
    held = {n: thing[n] for n in getattr(thing, "variables", ()) if n in model.params and n != "I"}
    values = {str(n): float(x.values.reshape(-1)[0]) for n, x in held.items() if x.size == 1}
    changed = {n: value for n, value in values.items() if value != model.params[n].value}
    return load_model(with_values(model.spec, changed)) if changed else model
