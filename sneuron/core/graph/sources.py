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

__all__ = ["Known", "known"]

Array = NDArray[Any]


@dataclass(frozen=True)
class Known:
    """Numbers of neurons, edges, and what is known of these."""

    nodes: int | tuple[int, int]
    pre: Array
    post: Array
    weight: Any = None
    delay: Any = None
    unit: str | None = None


def known(source: Any) -> Known | None:
    """The graph that something is, or None when it is none."""
    if isinstance(source, xr.Dataset):
        return _made(source)
    if isinstance(source, xr.DataArray):
        return _labelled(source) if source.ndim == 2 else None
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
    found = _dense(source.transpose("post", "pre").values)
    return dataclasses.replace(found, unit=labels.units_of(source.attrs))


def _dense(matrix: Array) -> Known:
    if matrix.dtype.kind not in "fiub":
        raise errors.DataError("ConnMat", f"a matrix of {matrix.dtype} holds no weights")
    if not np.isfinite(matrix).all():
        raise errors.DataError("ConnMat", f"{int((~np.isfinite(matrix)).sum())} weights are not finite")
    post, pre = np.nonzero(matrix)
    return Known(_nodes(matrix), pre, post, _weights(matrix[post, pre]))


def _sparse(matrix: Any) -> Known:
    coo = matrix.tocoo()
    return Known(_nodes(coo), np.asarray(coo.col), np.asarray(coo.row), _weights(np.asarray(coo.data)))


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
