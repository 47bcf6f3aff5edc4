"""What of a network may be varied: its own parameters, sizes, values of neurons and of rules, weights and delays."""

from __future__ import annotations

import dataclasses
import json
import math
from collections.abc import Iterator, Mapping
from typing import Any

import xarray as xr

from sneuron import errors
from sneuron.core.graph.laws import laws
from sneuron.core.graph.rule import Argument, rules
from sneuron.explore.space import Known
from sneuron.lang.model import load_model
from sneuron.lang.netparams import changed, settled
from sneuron.lang.network import POISSON, SIGNS, load_network, networks
from sneuron.lang.plasticity import load_plasticity
from sneuron.lang.spec import Network, Param, Population, Projection

__all__ = ["is_network", "known_of", "network_of", "whole_of"]

_LARGEST = 2**31 - 1
_MADE = "changes"


def is_network(model: Any) -> bool:
    """Whether something can only be a network: a description, a file, a table of populations, what `BuildNet` made.

    A name stands for a network where no neuron has it.
    """
    if isinstance(model, Mapping) and not isinstance(model, xr.Dataset):
        return "populations" in model
    if isinstance(model, str):
        from sneuron.lang.model import models

        text = model.lstrip().startswith("{") and '"populations"' in model
        return text or model.endswith(".toml") or (model in networks and model not in models())
    return isinstance(model, Network | xr.Dataset)


def network_of(model: Any) -> Network:
    """The network that is described, or as it was changed where it comes from `BuildNet`."""
    if not isinstance(model, xr.Dataset):
        return load_network(model)
    from sneuron.core.assembly import BuildNet

    text, changes = (model.attrs.get(n) for n in ("network", _MADE))
    mend = "Give the description, and in the ranges what is changed."
    if text is None or changes is None:
        raise errors.PlanError("network", "this dataset is not one network as BuildNet makes it", mend=mend)
    made = json.loads(changes)
    if model["seed"].ndim:
        raise errors.PlanError("network", f"these are {model['seed'].size} networks", mend="Give one, and repeats=....")
    if not BuildNet(text, int(model["seed"]), made).equals(model):
        what = "this network was changed after it was built, or delays were rounded"
        raise errors.PlanError("network", what, mend=mend)
    return changed(load_network(text), made)


def known_of(net: Network) -> Known:
    """Parameters that may be swept, by path, with their values, units and bounds."""
    plain = settled(net)
    params = dict(net.params)
    aliases: dict[str, str] = {}
    for name, population in plain.populations.items():
        own, other = _neurons(name, population)
        params |= own
        aliases |= other
    for name, projection in plain.projections.items():
        params |= {f"{name}.{n}": p for n, p in _wires(projection, plain.populations[projection.pre].sign)}
    return Known(params, aliases, net.name)


def whole_of(net: Network) -> set[str]:
    """The paths whose values are whole numbers."""
    found = {f"{n}.size" for n in net.populations}
    for name, projection in net.projections.items():
        found |= {f"{name}.{n}" for n, a in rules[projection.rule].arguments.items() if a.whole}
    return found


def _neurons(name: str, population: Population) -> tuple[dict[str, Param], dict[str, str]]:
    """Size, parameters and start values of a population; other names of them."""
    size = Param(float(population.size), "1", 1.0, _LARGEST, note=f"neurons in {name!r}")
    if population.model == POISSON:
        rate = Param(_number(population.params.get("rate", 0.0)), "Hz", 0.0, note=f"rate of the sources {name!r}")
        return {f"{name}.size": size, f"{name}.rate": rate}, {}
    model = load_model(population.model)
    own = {model.aliases.get(n, n): v for n, v in population.params.items()}
    params = {f"{name}.size": size}
    for n, s in model.states.items():
        params[f"{name}.{n}"] = Param(
            _number(own.get(n)), s.unit, s.low, s.high, note=f"start value of {n} in {name!r}"
        )
    for n, p in model.params.items():
        note = f"{p.note or n}, in {name!r}"
        params[f"{name}.{n}"] = Param(_number(own.get(n, p.value)), p.unit, p.low, p.high, note=note, fixed=p.fixed)
    return params, {f"{name}.{a}": f"{name}.{c}" for a, c in model.aliases.items()}


def _wires(projection: Projection, sign: str) -> Iterator[tuple[str, Param]]:
    """Parameters of a projection."""
    ends = f"from {projection.pre!r} to {projection.post!r}"
    for name, argument in rules[projection.rule].arguments.items():
        if not argument.dims:
            yield name, _of(argument, projection.params.get(name), "1", f"{name} of {projection.rule}, {ends}")
    yield from _changing(projection, ends)
    for name, value, unit in (("weight", projection.weight, projection.unit), ("delay", projection.delay, "ms")):
        kind = SIGNS[sign] if name == "weight" else 1
        low, high = (0.0 if kind > 0 else -math.inf), (0.0 if kind < 0 else math.inf)
        if not isinstance(value, Mapping):
            low = 1e-9 if name == "delay" else low
            yield name, Param(_number(value), unit, low, high, note=f"{name}, {ends}")
            continue
        for part, argument in laws[str(value.get("law"))].arguments.items():
            if not argument.dims:
                yield f"{name}.{part}", _of(argument, value.get(part), unit, f"{part} of the {name}, {ends}")


def _changing(projection: Projection, ends: str) -> Iterator[tuple[str, Param]]:
    """Parameters of the rule by which its synapses change."""
    table = projection.plasticity
    if not table:
        return
    held = dict(table) if isinstance(table, Mapping) and "rule" in table else {"rule": table}
    for name, param in load_plasticity(held.pop("rule")).params.items():
        told = dataclasses.replace(
            param, value=_number(held.get(name, param.value)), note=f"{param.note or name}, {ends}"
        )
        yield f"plasticity.{name}", told


def _of(argument: Argument, value: Any, unit: str, note: str) -> Param:
    """A parameter of a rule or law."""
    found = argument.default if value is None else value
    return Param(_number(found), argument.unit or unit, argument.low, argument.high, note=note)


def _number(value: Any) -> float:
    return float(value) if isinstance(value, int | float) and not isinstance(value, bool) else math.nan
