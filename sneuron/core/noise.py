"""Noise: random currents, conductances, channels and thresholds, as mechanisms that a neuron is given."""

from __future__ import annotations

import dataclasses
from collections.abc import Mapping
from typing import Any

import xarray as xr

from sneuron import errors, labels
from sneuron.core.state import model_of, remodelled
from sneuron.core.streams import seeded
from sneuron.lang.model import Model, load_model, noises
from sneuron.lang.spec import Channel, Mount, Neuron, Param
from sneuron.lang.variants import escaping, flickering, with_values

__all__ = ["NoiseAdd"]

CHANNEL, ESCAPE = "channel", "escape"
_OPTIONS = {CHANNEL: ("channel", "number"), ESCAPE: ("rate", "delta", "theta")}


def NoiseAdd(
    state: Any,
    kind: str | Channel = "ou",
    *,
    name: str | None = None,
    seed: Any = None,
    common: Any = (),
    across: Any = (),
    **params: Any,
) -> Any:
    """Neurons, or a model, with one more source of noise.

    Parameters
    ----------
    state : Dataset, str or Model
        A state from `InitNeu`, or a model for a study: `ParamSweep(..., model=NoiseAdd("adex", "ou"))`.
    kind : str or Channel, default "ou"
        "ou" (a current with a correlation time), "white" (on the voltage), "point_conductance" (Destexhe 2001), any
        other mechanism of the library's noises, or one of your own; "channel" (the gates of one mounted channel
        fluctuate as those of `number` channels do), "escape" (spikes at random near the threshold).
    name : str, optional
        Under which it is mounted; its parameters are then swept as `name.std`. The kind when omitted.
    seed : int, list of int or DataArray, default 0
        Of all random numbers of the state; a list makes the dim `seed`. Of a model it is the study's.
    common : list of str, or "all"
        Parameters and dims that do not count for the random numbers: neurons that differ in them alone draw the same
        ones (common random numbers). Of a model it is the study's.
    across : list of str
        Dims along which the parameter `correlation` (0 to 1) of the noise is shared.
    **params
        Parameters of the noise: `mean`, `std` (in the current unit of the neuron), `tau` (ms); `sigma` (mV/sqrt(ms));
        `ge_mean`, ...; `correlation`; for "channel": `channel` (its name) and `number`; for "escape": `rate` (1/ms),
        `delta` (mV), and `theta` (a parameter or expression in mV, by default the threshold). Numbers, lists and
        arrays as in `InitNeu`; numbers for a model.

    Returns
    -------
    xarray.Dataset or Model
        What was given, with the noise.

    Raises
    ------
    UnknownNameError
        For a kind, parameter or channel that there is not.
    ModelError
        For an escape without reset, a channel without gates, a name that is taken.

    Notes
    -----
    Ornstein-Uhlenbeck: d eta = -eta/tau dt + std sqrt(2/tau) dW, exact for any step (Gillespie 1996,
    doi:10.1103/PhysRevE.54.2084).  Channel noise: dx = ... + sqrt((alpha (1 - x) + beta x)/N) dW (Fox & Lu 1994,
    doi:10.1103/PhysRevE.49.3421); it underestimates the noise of real channels (Goldwyn & Shea-Brown 2011,
    doi:10.1371/journal.pcbi.1002247).  Escape: a spike with the probability 1 - exp(-rate exp((v - theta)/delta) dt).
    Random numbers are counter-based and keyed by seed, by the values of all parameters, and by the step: the same for a
    neuron whatever runs beside it.

    Examples
    --------
    >>> from sneuron.core.state import InitNeu
    >>> from sneuron.core.run import RunSim
    >>> cell = NoiseAdd(InitNeu({"model": "lif", "I": 300.0}), "ou", std=50.0, tau=5.0, seed=[1, 2, 3])
    >>> RunSim(cell, duration=200).spike_count.dims
    ('seed',)
    """
    where = "NoiseAdd"
    if not isinstance(state, xr.Dataset):
        if seed is not None or common or across:
            raise errors.ParameterError(
                where, "seed, common and across belong to states and studies", mend="Give them to ParamSweep."
            )
        neuron, values = _noisy(load_model(state), kind, name, params, where)
        return _whole(neuron, values, where)
    neuron, values = _noisy(model_of(state, where), kind, name, params, where)
    return seeded(remodelled(state, load_model(neuron), values, where), seed, common, across)


def _noisy(
    model: Model, kind: str | Channel, name: str | None, params: Mapping[str, Any], where: str
) -> tuple[Neuron, dict[str, Any]]:
    """The description with noise in it, and the values that its new parameters get."""
    spec = model.spec
    spec = dataclasses.replace(spec, method="exp_euler") if spec.method in ("exact", "linear") else spec
    if kind in (CHANNEL, ESCAPE):
        return _transformed(spec, str(kind), name, dict(params), where)
    channel = kind if isinstance(kind, Channel) else noises[kind]
    channel = _correlated(channel) if "correlation" in params and not channel.correlation else channel
    key = name or channel.name
    if key in spec.channels or key in spec.currents:
        raise errors.ModelError(where, f"there already is {key!r} in {model.name!r}", mend="Give it another name.")
    for given in params:
        if given not in {*channel.params, *channel.states}:
            raise errors.unknown(
                where, f"parameter of noise {channel.name!r}", given, [*channel.params, *channel.states]
            )
    values = {f"{key}.{given}": value for given, value in params.items()}
    return dataclasses.replace(spec, channels={**spec.channels, key: Mount(channel)}), values


def _correlated(channel: Channel) -> Channel:
    """The noise with a parameter that says how much of it is shared."""
    known = Param(0.0, "1", 0.0, 1.0, "own choice: none", "part of its variance that cells share")
    return dataclasses.replace(channel, params={**channel.params, "correlation": known}, correlation="correlation")


def _transformed(
    spec: Neuron, kind: str, name: str | None, params: dict[str, Any], where: str
) -> tuple[Neuron, dict[str, Any]]:
    """Channel noise and escape noise: what is there already becomes noisy."""
    if name is not None:
        raise errors.ParameterError(f"{where}: 'name'", f"{kind} noise is not mounted", mend="Leave name out.")
    for given in params:
        if given not in _OPTIONS[kind]:
            raise errors.unknown(where, f"parameter of {kind} noise", given, _OPTIONS[kind])
    if kind == CHANNEL:
        key = params.pop("channel", None)
        if key is None:
            raise errors.ParameterError(
                where, "channel noise is that of one channel", list(spec.channels), mend="Name it."
            )
        return flickering(spec, str(key), 1000.0), {f"{key}.{p}": v for p, v in params.items()}
    theta = str(params.pop("theta", ""))
    return escaping(spec, 1.0, 1.0, theta), {f"{ESCAPE}.{p}": v for p, v in params.items()}


def _whole(neuron: Neuron, values: Mapping[str, Any], where: str) -> Model:
    """The model with values of its own: one number each."""
    model = load_model(neuron)
    for name in values:
        if name not in model.params:
            raise errors.ParameterError(f"{where}: {name!r}", "a state starts in a state, not in a model")
    numbers = {n: labels.number(v, model.params[n].unit, f"{where}: {n!r}") for n, v in values.items()}
    return load_model(with_values(neuron, numbers)) if numbers else model
