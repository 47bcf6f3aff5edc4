"""Parameters of networks themselves, and what follows from them: weights, delays, values of neurons and of rules."""

from __future__ import annotations

import dataclasses
import re
from collections.abc import Mapping
from typing import Any

import numpy as np
import xarray as xr

from sneuron import errors, labels
from sneuron.lang import expr
from sneuron.lang.spec import Network, Param, Projection

__all__ = ["changed", "formulas", "resolved", "settled"]

_WORD = re.compile(r"[A-Za-z][A-Za-z0-9_]*")


def formulas(network: Network) -> dict[str, str]:
    """What follows from parameters of the network: path ("ie.weight") -> expression."""
    own: dict[str, Any] = {f"{n}.{k}": v for n, p in network.populations.items() for k, v in p.params.items()}
    for name, projection in network.projections.items():
        own |= {f"{name}.{k}": v for k, v in projection.params.items()}
        own |= {f"{name}.weight": projection.weight, f"{name}.delay": projection.delay}
        if isinstance(projection.plasticity, Mapping):
            own |= {f"{name}.plasticity.{k}": v for k, v in projection.plasticity.items() if k != "rule"}
    names = set(network.params)
    return {path: text for path, text in own.items() if isinstance(text, str) and names & set(_WORD.findall(text))}


def resolved(network: Network, changes: Mapping[str, Any] | None = None, where: str = "changes") -> dict[str, Any]:
    """Changes of a network in which its own parameters are replaced by what follows from them.

    Parameters
    ----------
    network : Network
    changes : mapping
        Path or parameter of the network -> number, list (along a dim of that name) or DataArray. What is given by its
        path is not computed.
    where : str
        For errors.

    Raises
    ------
    ParameterError, ExpressionError
        For values out of bounds, and for expressions that cannot be read.

    Examples
    --------
    >>> from sneuron.lang.network import load_network
    >>> resolved(load_network("brunel"), {"g": 6.0, "ee.k": 500})["ie.weight"]
    -0.6000000000000001
    """
    given = dict(changes or {})
    values = {n: _value(n, p, given.pop(n, p.value), where) for n, p in network.params.items()}
    follow = {path: text for path, text in formulas(network).items() if path not in given}
    return {**{path: _computed(path, text, values, network.name) for path, text in follow.items()}, **given}


def settled(network: Network, where: str = "network") -> Network:
    """The network with numbers in place of what follows from its own parameters.

    Raises
    ------
    ModelError, ExpressionError
        For a parameter that bears the name of a population or projection, and for expressions that cannot be read.
    """
    taken = sorted({*network.populations, *network.projections} & set(network.params))
    if taken:
        raise errors.ModelError(
            where, f"{taken[0]!r} is a parameter of the network and a part of it", mend="Rename one."
        )
    numbers = resolved(network, where=where) if network.params else {}

    def put(owner: str, held: Mapping[str, Any]) -> dict[str, Any]:
        return {k: numbers.get(f"{owner}.{k}", v) for k, v in held.items()}

    def learnt(owner: str, projection: Projection) -> Any:
        table = projection.plasticity
        return put(f"{owner}.plasticity", table) if isinstance(table, Mapping) else table

    cells = {n: dataclasses.replace(p, params=put(n, p.params)) for n, p in network.populations.items()}
    wires = {
        n: dataclasses.replace(
            p, params=put(n, p.params), **put(n, {"weight": p.weight, "delay": p.delay}), plasticity=learnt(n, p)
        )
        for n, p in network.projections.items()
    }
    return dataclasses.replace(network, populations=cells, projections=wires)


def changed(network: Network, changes: Mapping[str, float]) -> Network:
    """The description of a network that is built with these changes, each one number."""
    own = dict(network.params)
    cells, wires = dict(network.populations), dict(network.projections)
    for name, value in changes.items():
        owner, _, path = name.partition(".")
        if name in own:
            own[name] = dataclasses.replace(own[name], value=float(value))
        elif owner in cells:
            more: dict[str, Any] = {"size": int(value)} if path == "size" else {}
            cells[owner] = dataclasses.replace(
                cells[owner], **(more or {"params": {**cells[owner].params, path: value}})
            )
        else:
            wires[owner] = _rewired(wires[owner], path, float(value))
    return dataclasses.replace(network, params=own, populations=cells, projections=wires)


def _rewired(projection: Projection, path: str, value: float) -> Projection:
    head, _, part = path.partition(".")
    if head == "plasticity":
        table = projection.plasticity
        held = table if isinstance(table, Mapping) and "rule" in table else {"rule": table}
        return dataclasses.replace(projection, plasticity={**held, part: value})
    if head not in ("weight", "delay"):
        return dataclasses.replace(projection, params={**projection.params, path: value})
    held = getattr(projection, head)
    law = held if isinstance(held, Mapping) else {"law": "constant", "value": held}
    more: dict[str, Any] = {head: {**law, part: value} if part else value}
    return dataclasses.replace(projection, **more)


def _value(name: str, param: Param, value: Any, where: str) -> Any:
    """A parameter in its unit, within its bounds; a list along a dim of its name."""
    told = f"{where}: {name!r}"
    if isinstance(value, list | tuple):
        numbers = [labels.number(v, param.unit, told) for v in value]
        value = xr.DataArray(numbers, dims=name, coords={name: numbers})
    if not isinstance(value, xr.DataArray):
        value = labels.number(value, param.unit, told)
    elif "units" in value.attrs:
        value = value * labels.convert(1.0, str(value.attrs["units"]), param.unit, told)
    wrong = ~((np.asarray(value) >= param.low) & (np.asarray(value) <= param.high))
    if wrong.any():
        given = f"{float(np.asarray(value)[wrong].flat[0]):g} is out of bounds"
        raise errors.ParameterError(told, given, f"{param.low:g} to {param.high:g} {param.unit}")
    return value


def _computed(path: str, text: str, values: Mapping[str, Any], network: str) -> Any:
    """One expression over numbers and labelled arrays."""
    found = expr.parse(text, tuple(values), f"network {network!r}: {path}")
    names = sorted(expr.names_of(found))
    result = xr.apply_ufunc(
        lambda *v: expr.numpy_value(found, dict(zip(names, v, strict=True))), *[values[n] for n in names]
    )
    return result if isinstance(result, xr.DataArray) else float(result)
