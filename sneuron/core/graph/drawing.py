"""Graphs drawn as they were asked for, as labelled arrays."""

from __future__ import annotations

import json
from collections.abc import Mapping
from typing import Any

import numpy as np
import xarray as xr
from numpy.typing import NDArray

from sneuron import labels
from sneuron.core.graph.arguments import Points
from sneuron.core.graph.asked import PLACED, Asked, needed, parameters_of, places_of, refuse_memory, room
from sneuron.core.graph.draws import ordered
from sneuron.core.graph.places import AXES
from sneuron.core.graph.rule import Edges, Place, refused
from sneuron.core.graph.values import delays, weights

__all__ = ["PAD", "dense", "drawn"]

Array = NDArray[Any]
PAD = -1
"""Number of the neurons of a synapse that is none, behind the last one of a graph."""
_COUNTED = {
    "pre_count": {"units": "1", "long_name": "neurons that may send"},
    "post_count": {"units": "1", "long_name": "neurons that may receive"},
}


def drawn(asked: Asked) -> xr.Dataset:
    """All graphs with their weights and delays."""
    graphs = asked.graphs
    shape = tuple(graphs.sizes.values())
    number = xr.DataArray(np.arange(graphs.size).reshape(shape), dims=list(graphs.sizes), coords=graphs.coords)
    own = Points({**asked.scales, **asked.weight_values, "graph": number}, _inner(asked.weight_values))
    lagging = Points({**asked.delay_values, "graph": number}, _inner(asked.delay_values))
    refuse_memory(needed(asked, graphs, own.size, lagging.size))
    places = places_of(asked, graphs)
    edges = [_edges(asked, row, place) for row, place in zip(graphs, places, strict=True)]
    dims, counted = [*graphs.sizes, labels.SYNAPSE], [e[0].size for e in edges]
    counts = np.array(counted, np.int64).reshape(shape)
    found = xr.Dataset(
        {
            **{n: _plain(asked.arrays[n], attrs).astype(np.int64) for n, attrs in _COUNTED.items()},
            "synapse_count": (list(graphs.sizes), counts, {"units": "1", "long_name": "synapses of the graph"}),
            "weight": _weights(asked, own, edges, places),
            "delay": _delays(asked, lagging, edges, places),
        }
    )
    pre, post = (_stacked([e[end] for e in edges], graphs, PAD) for end in (0, 1))
    ends = {"pre": (dims, pre, {"long_name": "neuron that sends"}), "post": (dims, post, {"long_name": "and receives"})}
    found = found.assign_coords({**graphs.coords, **own.coords, **lagging.coords, **ends})
    found = found.drop_vars("seed", errors="ignore").assign_coords(seed=asked.arrays["seed"])
    return _with_positions(found, asked, graphs, places).assign_attrs(_told(asked))


def _inner(values: Mapping[str, xr.DataArray]) -> dict[str, tuple[str, ...]]:
    return {n: (labels.SYNAPSE,) for n, a in values.items() if labels.SYNAPSE in a.dims}


def _edges(asked: Asked, row: Mapping[str, Any], place: Place) -> Edges:
    return ordered(*asked.rule.make(place, **parameters_of(asked.rule, row)), place.pre, place.post)


def _stacked(rows: list[Array], points: Points, fill: Any) -> Array:
    """Rows of all points, padded at the end; nothing is copied where there is one."""
    shape = tuple(points.sizes.values())
    if len(rows) == 1:
        return rows[0].reshape((*shape, -1))
    table = np.full((len(rows), max(r.size for r in rows)), fill, rows[0].dtype)
    for k, row in enumerate(rows):
        table[k, : row.size] = row
    return table.reshape((*shape, -1))


def _weights(asked: Asked, points: Points, edges: list[Edges], places: list[Place]) -> xr.DataArray:
    """Weights along `synapse` where they vary; along points alone where all synapses of one have the same."""
    attrs = {"units": asked.unit, "long_name": "weight"}
    if not (asked.weighted or asked.balanced or "radius" in asked.scales):
        return _plain(asked.weight_values["weight.value"], attrs)
    found = [
        weights(asked.weight, row, edges[row["graph"]], places[row["graph"]], asked.signs, asked.balanced)
        for row in points
    ]
    return _valued(asked, found, points, attrs)


def _delays(asked: Asked, points: Points, edges: list[Edges], places: list[Place]) -> xr.DataArray:
    """Delays, the same way; with the step they are multiples of, and what rounding changed."""
    found, off = [], []
    if asked.delay.name == "constant":
        points = Points({**asked.delay_values, "graph": xr.DataArray(0)}, {})
    for row in points:
        values, rounding = delays(asked.delay, row, edges[row["graph"]], places[row["graph"]], asked.grid)
        found.append(values)
        off.append((float(rounding.max(initial=0.0)), float(rounding.mean()) if rounding.size else 0.0))
    attrs: dict[str, Any] = {"units": "ms", "long_name": "delay"}
    if asked.grid.dt is not None:
        attrs["dt"] = asked.grid.dt
    if asked.grid.quantise:
        attrs |= {"largest_rounding": max(o[0] for o in off), "mean_rounding": sum(o[1] for o in off) / len(off)}
    return _valued(asked, found, points, attrs)


def _valued(asked: Asked, found: list[Any], points: Points, attrs: Mapping[str, Any]) -> xr.DataArray:
    if all(np.ndim(f) == 0 for f in found):
        values = np.array(found, np.float64).reshape(tuple(points.sizes.values()))
        return xr.DataArray(values, dims=list(points.sizes), attrs=attrs)
    rows = [np.asarray(f).astype(asked.dtype, copy=False) for f in found]
    return xr.DataArray(_stacked(rows, points, np.nan), dims=[*points.sizes, labels.SYNAPSE], attrs=attrs)


def _plain(array: xr.DataArray, attrs: Mapping[str, Any]) -> xr.DataArray:
    return xr.DataArray(array.values, dims=array.dims, attrs=attrs)


def _with_positions(found: xr.Dataset, asked: Asked, graphs: Points, places: list[Place]) -> xr.Dataset:
    """Positions along neurons; along points too where they differ."""
    if asked.layout is None:
        return found
    sized = [len(np.unique(graphs.flat[n])) > 1 for n in _COUNTED]
    differ = asked.drawn or any(sized)
    use, points = (places, graphs) if differ else (places[:1], Points({}, {}))
    for end in ("pre",) if asked.same else ("pre", "post"):
        name, dim = ("position", labels.NEURON) if asked.same else (f"{end}_position", f"{end}_neuron")
        rows = [getattr(p.positions, end) for p in use]
        table = np.full((len(rows), max(len(r) for r in rows), rows[0].shape[1]), np.nan)
        for k, row in enumerate(rows):
            table[k, : len(row)] = row
        attrs = {"units": "um", "long_name": "position", "period": use[0].positions.period}  # type: ignore[union-attr]
        shape = (*points.sizes.values(), *table.shape[1:])
        found[name] = ([*points.sizes, dim, "axis"], table.reshape(shape), attrs)
    return found.assign_coords(axis=list(AXES[: found.sizes["axis"]]))


def _told(asked: Asked) -> dict[str, Any]:
    """What the graph is: its rule and all that has one value, as JSON."""
    arrays = {**asked.arrays, **asked.weight_values, **asked.delay_values, **asked.scales}
    held = {n: v for n, a in arrays.items() if n not in ("seed", PLACED) and (v := _short(a)) is not None}
    flags = {n: getattr(asked, n) for n in ("autapses", "multapses", "balanced")}
    told = {"rule": asked.rule.name, "weight": asked.weight.name, "delay": asked.delay.name, **flags, "values": held}
    rest = {"populations": 1 if asked.same else 2, "connectivity": json.dumps(told, sort_keys=True)}
    return {"rule": asked.rule.name, **rest}


def _short(array: xr.DataArray) -> Any:
    """One value, or a small array of one parameter; nothing for those of points and of synapses."""
    if labels.SYNAPSE in array.dims or array.size > 4096 or (array.ndim and array.coords):
        return None
    return np.where(np.isfinite(array.values), array.values, array.values.astype(str).astype(object)).tolist()


# -- dense -----------------------------------------------------------------------------------------


def dense(found: xr.Dataset) -> xr.DataArray:
    """Weights as a matrix (post, pre); synapses of one pair add up."""
    counts = [np.unique(found[n].values) for n in _COUNTED]
    if any(c.size > 1 for c in counts):
        raise refused("layout", "graphs of different size have no common matrix", mend="Give layout='sparse'.")
    n_pre, n_post = (int(c[0]) for c in counts)
    pre, post, weight = xr.broadcast(found["pre"], found["post"], found["weight"])
    dims = [str(d) for d in weight.dims if d != labels.SYNAPSE]
    shape = tuple(weight.sizes[d] for d in dims)
    size = int(np.prod(shape, dtype=np.int64))
    if 8.0 * size * n_pre * n_post > room():
        what = f"{size} x {n_post} x {n_pre} weights do not fit into memory"
        raise refused("layout", what, mend="Give layout='sparse'.")
    matrix = np.zeros((size, n_post, n_pre))
    rows = (a.transpose(*dims, labels.SYNAPSE).values.reshape(size, -1) for a in (pre, post, weight))
    for k, (sender, receiver, values) in enumerate(zip(*rows, strict=True)):
        real = sender >= 0
        np.add.at(matrix[k], (receiver[real], sender[real]), values[real])
    made = xr.DataArray(matrix.reshape((*shape, n_post, n_pre)), dims=[*dims, "post", "pre"], attrs=found.weight.attrs)
    kept = {n: c for n, c in found.coords.items() if n not in ("pre", "post", "axis") and set(c.dims) <= set(dims)}
    return made.assign_coords(kept).assign_attrs(found.attrs)
