"""Graphs that are known already: matrices, sparse or labelled, of networkx, or made before."""

from __future__ import annotations

import dataclasses
from dataclasses import dataclass
from typing import Any

import numpy as np
import xarray as xr
from numpy.typing import NDArray

from sneuron import errors, labels
from sneuron.core.graph.rule import refused
from sneuron.lang.spec import Projection

__all__ = ["Known", "known", "projection_of"]

Array = NDArray[Any]


def projection_of(source: Any, pre: str, post: str, **fields: Any) -> Projection:
    """A known graph as a projection of a network: its edges, weights and delays are written out.

    Parameters
    ----------
    source : graph
        What `ConnMat` takes as a graph that is known.
    pre, post : str
        The populations that send and receive.
    **fields
        Others of `Projection`.

    Returns
    -------
    Projection
        Of the rule "edges".

    Raises
    ------
    ParameterError
        When the source is no graph, or one between two populations for one.

    Examples
    --------
    >>> found = projection_of(np.array([[0, 0.5], [2.0, 0]]), "a", "a")
    >>> found.params["pre"], found.weight["values"]
    ([0.0, 1.0], [2.0, 0.5])
    """
    found = known(source)
    if found is None:
        raise refused("nodes", f"a {type(source).__name__} is no graph", "a matrix, a graph of networkx, a Dataset")
    if (pre == post) != isinstance(found.nodes, int):
        raise refused("nodes", f"a graph of {found.nodes} from {pre!r} to {post!r}", "one population, or two")
    order = np.lexsort((found.post, found.pre))
    ends = {"pre": found.pre[order], "post": found.post[order]}
    twice = (np.diff(ends["pre"]) == 0) & (np.diff(ends["post"]) == 0)
    own: dict[str, Any] = {"autapses": pre == post and bool((found.pre == found.post).any())}
    unit = fields.get("unit", found.unit) or "1"
    weight = None if found.weight is None else labels.convert(found.weight, found.unit, unit, "projection_of: 'unit'")
    for name, held in (("weight", weight), ("delay", found.delay)):
        if held is not None and np.ndim(held):
            own[name] = {"law": "given", "values": held.values[order].astype(float).tolist()}
        elif held is not None:
            own[name] = float(held)
    own |= {"unit": unit, "multapses": bool(twice.any())}
    return Projection(pre, post, "edges", {n: e.astype(float).tolist() for n, e in ends.items()}, **{**own, **fields})


@dataclass(frozen=True)
class Known:
    """Numbers of neurons, edges, and what is known of these."""

    nodes: int | tuple[int, int]
    pre: Array
    post: Array
    weight: Any = None
    delay: Any = None
    unit: str | None = None


def known(source: Any, ruled: bool = False) -> Known | None:
    """The graph that something is, or None when it is none; with a rule, numbers along two dims are no matrix."""
    if isinstance(source, xr.Dataset):
        return _made(source)
    if isinstance(source, xr.DataArray):
        return _labelled(source) if set(source.dims) == {"post", "pre"} or (source.ndim == 2 and not ruled) else None
    if hasattr(source, "tocoo"):
        return _sparse(source)
    if hasattr(source, "is_directed") and hasattr(source, "edges"):
        return _networkx(source)
    return _dense(source) if isinstance(source, np.ndarray) and source.ndim == 2 else None


def _made(source: xr.Dataset) -> Known:
    lacking = [n for n in ("pre", "post", "pre_count", "post_count") if n not in source.variables]
    if lacking:
        what = f"this dataset has no {lacking[0]!r}"
        raise errors.DataError("ConnMat", what, mend="Give one that ConnMat made, or arrays with the rule 'edges'.")
    extra = [str(d) for d in source["pre"].dims if d != labels.SYNAPSE]
    if extra:
        raise errors.DataError("ConnMat", f"this holds more than one graph, along {extra[0]!r}", mend="Select one.")
    kept = source["pre"].values >= 0
    sizes = int(source["pre_count"]), int(source["post_count"])
    held = {n: source[n] for n in ("weight", "delay") if n in source}
    held = {n: v.isel(synapse=kept) if labels.SYNAPSE in v.dims else v for n, v in held.items()}
    held = {n: v.drop_vars(v.coords) for n, v in held.items()}
    nodes = sizes[0] if source.attrs.get("populations") == 1 else sizes
    unit = labels.units_of(source["weight"].attrs) if "weight" in held else None
    ends = source["pre"].values[kept], source["post"].values[kept]
    return Known(nodes, *ends, held.get("weight"), held.get("delay"), unit)


def _labelled(source: xr.DataArray) -> Known:
    if set(source.dims) != {"post", "pre"}:
        raise errors.DataError("ConnMat", f"dims {source.dims} are not those of a matrix", "post and pre")
    found, unit = _dense(source.transpose("post", "pre").values), labels.units_of(source.attrs)
    weight = found.weight if found.weight is None else found.weight.assign_attrs(source.attrs)
    return dataclasses.replace(found, weight=weight, unit=unit)


def _dense(matrix: Array) -> Known:
    _refuse_dtype(matrix)
    if not np.isfinite(matrix).all():
        raise errors.DataError("ConnMat", f"{int((~np.isfinite(matrix)).sum())} weights are not finite")
    post, pre = np.nonzero(matrix)
    return Known(_nodes(matrix), pre, post, _weights(matrix[post, pre]))


def _sparse(matrix: Any) -> Known:
    coo = matrix.tocoo()
    _refuse_dtype(coo.data)
    return Known(_nodes(coo), np.asarray(coo.col), np.asarray(coo.row), _weights(np.asarray(coo.data)))


def _refuse_dtype(matrix: Array) -> None:
    if matrix.dtype.kind not in "fiub":
        raise errors.DataError("ConnMat", f"a matrix of {matrix.dtype} holds no weights", "real numbers or booleans")


def _nodes(matrix: Any) -> int | tuple[int, int]:
    post, pre = matrix.shape
    return pre if post == pre else (pre, post)


def _weights(values: Array) -> xr.DataArray | None:
    return None if values.dtype.kind == "b" else xr.DataArray(values.astype(np.float64), dims=labels.SYNAPSE)


def _networkx(graph: Any) -> Known:
    place = {node: k for k, node in enumerate(graph.nodes)}
    rows = [(place[u], place[v], data) for u, v, data in graph.edges(data=True)]
    if not graph.is_directed():
        rows += [(v, u, data) for u, v, data in rows if u != v]
    found = {}
    for name in ("weight", "delay"):
        held = [data[name] for _, _, data in rows if name in data]
        if held and len(held) < len(rows):
            raise refused(name, f"{len(held)} of {len(rows)} edges have one", "all or none")
        found[name] = xr.DataArray(np.array(held, np.float64), dims=labels.SYNAPSE) if held else None
    ends = np.array([(u, v) for u, v, _ in rows], np.int64).reshape(-1, 2)
    return Known(len(place), ends[:, 0], ends[:, 1], found["weight"], found["delay"])
