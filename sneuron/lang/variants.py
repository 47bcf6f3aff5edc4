"""Neurons made of others: variants, other parameter values, other channels in the same place."""

from __future__ import annotations

import dataclasses
from collections.abc import Mapping
from typing import Any

from sneuron import errors
from sneuron.lang.spec import Channel, Gate, Mount, Neuron, Param, Protocol

__all__ = ["escaping", "flickering", "remounted", "varied", "with_values"]


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


FOX94 = "Fox & Lu 1994, Phys Rev E 49:3421, doi:10.1103/PhysRevE.49.3421"
GERSTNER95 = "Plesser & Gerstner 2000, Neural Comput 12:367, doi:10.1162/089976600300015835"


def flickering(neuron: Neuron, key: str, number: float) -> Neuron:
    """A neuron in which the gates of a mounted channel fluctuate as those of a finite number of channels do.

    Each gate, and each pair of states of a Markov scheme, has a Wiener process of its own whose variance is that of the
    openings and closings (Fox & Lu 1994); the number of channels is the parameter `key.number`.
    """
    if key not in neuron.channels:
        raise errors.unknown(f"neuron {neuron.name!r}", "mounted channel", key, neuron.channels)
    channel = neuron.channels[key].channel
    assert isinstance(channel, Channel)
    if not channel.gates and not channel.transitions:
        raise errors.ModelError(f"neuron {neuron.name!r}", f"channel {key!r} has no gates that could fluctuate")
    noise = {f"gate_{name}": {name: _spread_of(name, gate)} for name, gate in channel.gates.items()}
    for name, step in channel.transitions.items():
        flow = f"({step.forward})*{step.source}" + (f" + ({step.backward})*{step.target}" if step.backward else "")
        spread = f"sqrt(max({flow}, 0)/number)"
        noise[f"transition_{name}"] = {step.source: f"-{spread}", step.target: spread}
    known = Param(number, "1", 1.0, 1e12, FOX94, "number of channels")
    noisy = dataclasses.replace(
        channel, noise={**channel.noise, **noise}, params={**channel.params, "number": known},
        source=f"{channel.source}; {FOX94}",
    )  # fmt: skip
    mounts = {**neuron.channels, key: dataclasses.replace(neuron.channels[key], channel=noisy)}
    return dataclasses.replace(neuron, channels=mounts)


def _spread_of(x: str, gate: Gate) -> str:
    """The square root of openings and closings per ms and channel."""
    opening, closing = f"({gate.alpha})*(1 - {x})", f"({gate.beta})*{x}"
    if gate.inf:
        opening, closing = f"({gate.inf})*(1 - {x})/({gate.tau})", f"(1 - ({gate.inf}))*{x}/({gate.tau})"
    rate = f"({gate.rate})*" if gate.rate else ""
    return f"sqrt(max({rate}({opening} + {closing}), 0)/number)"


def escaping(neuron: Neuron, rate: float, delta: float, theta: str = "") -> Neuron:
    """A neuron of kind "reset" that spikes at random, the more often the nearer it is to its threshold.

    The hazard is rate * exp((v - theta)/delta). Without `theta` it is the neuron's own threshold, which then lies
    20 delta higher, where a spike is certain; with one, the threshold stays what it is.
    """
    if neuron.threshold.kind != "reset":
        raise errors.ModelError(
            f"neuron {neuron.name!r}", "it is not reset at a spike, so that it cannot escape", mend="Use channel noise."
        )
    known = {
        "rate": Param(rate, "1/ms", 0.0, 1e6, GERSTNER95, "rate of spikes at theta"),
        "delta": Param(delta, "mV", 1e-6, 1e6, GERSTNER95, "how far v must rise for e times as many"),
    }
    level = neuron.threshold.level
    hazard = f"escape.rate*exp((v - ({theta or level}))/escape.delta)"
    raised = level if theta else f"({level}) + 20*escape.delta"
    escape = Channel("escape", params=known, unit="", source=GERSTNER95)
    threshold = dataclasses.replace(neuron.threshold, level=raised, rearm=raised, hazard=hazard)
    return dataclasses.replace(neuron, channels={**neuron.channels, "escape": Mount(escape)}, threshold=threshold)
