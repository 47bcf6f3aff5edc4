"""BuildNet: a network that is described, or known by name, as neurons with synapses."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import numpy as np
import xarray as xr
from numpy.typing import NDArray

from sneuron import errors, labels
from sneuron.core.graph.draws import uniforms
from sneuron.core.graph.values import law_of
from sneuron.core.graph.wiring import POPULATION, wired
from sneuron.core.network import connect
from sneuron.core.state import InitNeu
from sneuron.lang import canon
from sneuron.lang.keys import content_keys
from sneuron.lang.model import Model, load_model
from sneuron.lang.netparams import resolved
from sneuron.lang.network import POISSON, load_network
from sneuron.lang.spec import Network

__all__ = ["BuildNet"]

Array = NDArray[Any]
_PURPOSE = 115
"""The stream of random numbers that values of neurons are drawn from."""


def BuildNet(
    topology: Any,
    seed: Any = 0,
    changes: Mapping[str, Any] | None = None,
    *,
    dt: Any = None,
    quantise: bool = False,
    dtype: str = "float64",
) -> xr.Dataset:
    """Networks of neurons: populations and projections, by name or as described; one network for each point.

    Parameters
    ----------
    topology : str, mapping, Network or path
        A name of the library ("brunel", "vogels_abbott_cuba", ...), a dict of `populations` and `projections`, JSON, or
        a path that ends in ".json" or ".toml".
    seed : int, list or DataArray of int
        Of the synapses, of all that is drawn for neurons, and of the spikes from outside. A list makes the dim
        `repeat`.
    changes : mapping, optional
        Other values: of a parameter of the network ("g"), the size of a population ("e.size"), a parameter or start
        value of its neurons ("e.rate"), a parameter of a projection's rule ("ee.p"), its weight or delay ("ee.weight"),
        or one of their laws ("ee.weight.mean"), a parameter of the rule by which its synapses change
        ("ee.plasticity.A_plus"). A list makes a dim of that name: a network for each value.
    dt : number or text, ms, optional
        Step of which delays must be multiples; with `quantise` they are rounded to it.
    quantise : bool
    dtype : {"float64", "float32"}
        Of weights and delays that synapses have of their own.

    Returns
    -------
    xarray.Dataset
        Neurons along `neuron` (states and parameters as of `InitNeu`, `population`), synapses along `synapse` (`pre`,
        `post`), `weight`, `delay` (ms) and `receptor` by `projection` or by synapse. `RunSim` and `NetStep` take it.

    Raises
    ------
    UnknownNameError
        For a name, population, projection, rule, parameter or receptor that there is not.
    ModelError
        When populations have different equations, are empty or disconnected, or weights the wrong sign.

    Notes
    -----
    All populations have models of the same equations (the same `form`), and may differ in all values. Everything is
    drawn by counting, keyed by seed and by name: the same for a network whatever others are built with it. Spikes from
    outside are keyed by seed, by the neuron's parameters and its place: networks that differ in their synapses alone
    get the same.

    Examples
    --------
    >>> net = BuildNet("vogels_abbott_cuba", seed=1, changes={"e.size": 80, "i.size": 20, "ee.p": 0.1})
    >>> net.sizes["neuron"], net.population.values[[0, -1]].tolist()
    (100, ['e', 'i'])
    """
    where = "BuildNet"
    net = load_network(topology)
    inner, outer = _split(net, resolved(net, changes, f"{where}: 'changes'"), where)
    graph = wired(net, seed, outer, dt=dt, quantise=quantise, dtype=dtype)
    found = connect(_cells(net, inner, graph, where), graph)
    plain = {n: float(v) for n, v in (changes or {}).items() if isinstance(v, int | float)}
    return found.assign_attrs(changes=canon.dumps(plain)) if len(plain) == len(changes or {}) else found


def _split(net: Network, changes: Mapping[str, Any], where: str) -> tuple[dict[str, dict[str, Any]], dict[str, Any]]:
    """Changes of the neurons of each population, and those of the wires."""
    cells = {n: p for n, p in net.populations.items() if p.model != POISSON}
    inner: dict[str, dict[str, Any]] = {n: dict(p.params) for n, p in cells.items()}
    outer = {}
    for name, value in changes.items():
        owner, _, path = name.partition(".")
        if owner not in cells or path == "size":
            outer[name] = value
            continue
        model = load_model(cells[owner].model)
        if isinstance(value, list | tuple):
            value = xr.DataArray(list(value), dims=name, coords={name: list(value)})
        inner[owner][model.canonical(path, f"{where}: 'changes'")] = value
    return inner, outer


def _cells(net: Network, inner: Mapping[str, Mapping[str, Any]], graph: xr.Dataset, where: str) -> xr.Dataset:
    """The neurons of all populations."""
    models = {n: load_model(p.model) for n, p in net.populations.items() if p.model != POISSON}
    first = next(iter(models.values()))
    for name, model in models.items():
        if model.form != first.form:
            raise errors.ModelError(
                where, f"population {name!r} has other equations ({model.name!r}) than {first.name!r}",
                mend="Write one model with the currents of both, and set what one of them lacks to 0.",
            )  # fmt: skip
    members = graph[POPULATION].values
    parts = [_population(model, n, inner[n], int((members == n).sum()), graph["seed"]) for n, model in models.items()]
    joined = {
        str(n): _joined([p[n] for p in parts], [p.sizes[labels.NEURON] for p in parts]) for n in parts[0].data_vars
    }
    return xr.Dataset(joined, attrs=parts[0].attrs)


def _population(model: Model, name: str, values: Mapping[str, Any], many: int, seed: xr.DataArray) -> xr.Dataset:
    """Neurons of one population, with what is drawn for them."""
    given = {model.aliases.get(n, n): v for n, v in values.items()}
    units = {n: p.unit for n, p in model.params.items()} | {n: s.unit for n, s in model.states.items()}
    drawn = {n: _values(v, name, n, units[n], many, seed) if isinstance(v, Mapping) else v for n, v in given.items()}
    state = InitNeu({"model": model, **drawn})
    return (
        state.assign(v=state["v"].expand_dims({labels.NEURON: many}, -1)) if labels.NEURON not in state.dims else state
    )


def _values(table: Mapping[str, Any], population: str, name: str, unit: str, many: int, seed: xr.DataArray) -> Any:
    """One value for each neuron, by a law."""
    law, arguments = law_of(table, name, unit)
    plain = {n[len(name) + 1 :]: float(v) for n, v in arguments.items()}
    words = seed.values.astype(np.uint64).reshape(-1)
    keys = content_keys({f"population {population}, {name}": np.zeros(1, np.uint64)}, words)
    rows = [
        np.broadcast_to(law.make(uniforms(key, _PURPOSE, many) if law.drawn else None, None, **plain), many)
        for key in keys.reshape(-1)
    ]
    return xr.DataArray(np.reshape(rows, (*seed.shape, many)), dims=(*seed.dims, labels.NEURON), attrs={"units": unit})


def _joined(arrays: list[xr.DataArray], sizes: list[int]) -> xr.DataArray:
    """One variable of all populations; one number where all have the same."""
    first = arrays[0]
    if all(labels.NEURON not in a.dims and first.equals(a) for a in arrays):
        return first
    rows = [
        a if labels.NEURON in a.dims else a.expand_dims({labels.NEURON: n}, -1)
        for a, n in zip(arrays, sizes, strict=True)
    ]
    whole = xr.concat(xr.broadcast(*rows, exclude=[labels.NEURON]), labels.NEURON, combine_attrs="override")
    return whole.transpose(..., labels.NEURON)
