"""Neurons made of others: variants, other parameter values, other channels in the same place."""

from __future__ import annotations

import dataclasses
from collections.abc import Mapping
from typing import Any

from sneuron import errors
from sneuron.lang.spec import Channel, Mount, Neuron, Protocol

__all__ = ["remounted", "varied", "with_values"]


def varied(family: Neuron, name: str) -> Neuron:
    """A neuron of its own: one variant of a family, with the variant's values, start, method, step and protocol."""
    variant = family.variants[name]
    neuron = _started(with_values(family, variant.params, variant.source), variant.start)
    changed: dict[str, Any] = {"name": name, "variants": {}, "dt": variant.dt or family.dt}
    changed |= {"method": variant.method or family.method, "source": variant.source or family.source}
    changed["note"] = " ".join(filter(None, (family.note, variant.note)))
    changed["protocol"] = variant.protocol if variant.protocol != Protocol() else family.protocol
    return dataclasses.replace(neuron, **changed)


def _started(neuron: Neuron, start: Mapping[str, str]) -> Neuron:
    """A neuron whose voltage and states start elsewhere."""
    states, voltage = dict(neuron.states), neuron.voltage
    for name, text in start.items():
        if name == "v":
            voltage = dataclasses.replace(voltage, start=text)
        elif name in states:
            states[name] = dataclasses.replace(states[name], start=text)
        else:
            raise errors.unknown(f"neuron {neuron.name!r}, start", "state", name, ["v", *states])
    return dataclasses.replace(neuron, states=states, voltage=voltage)


def with_values(neuron: Neuron, values: Mapping[str, float], source: str = "") -> Neuron:
    """A neuron whose parameters, by canonical name, have other values."""
    params, mounts = dict(neuron.params), dict(neuron.channels)
    for name, value in values.items():
        if name in params:
            params[name] = dataclasses.replace(params[name], value=value, source=source or params[name].source)
            continue
        held = [(key, local) for key, mount in mounts.items() if (local := _local(mount, key, name)) is not None]
        if not held:
            raise errors.unknown(f"neuron {neuron.name!r}", "parameter", name, params)
        for key, local in held:
            mounts[key] = dataclasses.replace(mounts[key], params={**mounts[key].params, local: value})
    return dataclasses.replace(neuron, params=params, channels=mounts)


def _local(mount: Mount, key: str, canonical: str) -> str | None:
    """What a mounted channel calls a parameter of the neuron."""
    for local, name in mount.names.items():
        if name == canonical:
            return local
    return canonical.removeprefix(f"{key}.") if canonical.startswith(f"{key}.") else None


def remounted(neuron: Neuron, mounts: Mapping[str, Mount | Channel | None]) -> Neuron:
    """A neuron in which mounts hold other channels, or are new, or gone (None).

    A channel brings its own parameters; of the names and values that a mount gave to the old channel, those stay that
    the new one has too. A `Mount` takes the place of the old mount as it is.
    """
    held = dict(neuron.channels)
    for key, what in mounts.items():
        if what is None:
            if key not in held:
                raise errors.unknown(f"neuron {neuron.name!r}", "mounted channel", key, held)
            del held[key]
        elif isinstance(what, Mount):
            held[key] = what
        else:
            held[key] = _refilled(held.get(key), what)
    return dataclasses.replace(neuron, channels=held)


def _refilled(mount: Mount | None, channel: Channel) -> Mount:
    """A mount with another channel in it."""
    if mount is None:
        return Mount(channel)
    local = {"v", *channel.params, *channel.gates, *channel.states, *channel.functions}
    names = {name: canonical for name, canonical in mount.names.items() if name in local}
    values = {name: value for name, value in mount.params.items() if name in channel.params}
    return Mount(channel, names, values)
