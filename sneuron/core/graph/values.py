"""Weights and delays of the synapses of a graph: drawn by their laws, signed, scaled, put on the grid of time."""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np
import xarray as xr
from numpy.typing import NDArray

from sneuron import errors, labels
from sneuron.core.graph.arguments import table_of, taken
from sneuron.core.graph.draws import distances, uniforms
from sneuron.core.graph.laws import Law, laws
from sneuron.core.graph.rule import Edges, Place, refused

__all__ = ["Grid", "Signs", "delays", "law_of", "on_grid", "radius_of", "weights"]

Array = NDArray[Any]
_PURPOSE = {"weight": 113, "delay": 114}
_LARGEST_DENSE = 300


def law_of(given: Any, name: str, unit: str) -> tuple[Law, dict[str, xr.DataArray]]:
    """The law of weights or delays that something stands for, and its parameters."""
    where = f"ConnMat: {name!r}"
    table = dict(given) if isinstance(given, Mapping) else {"law": "constant", "value": given}
    if isinstance(given, xr.DataArray) and labels.SYNAPSE in given.dims:
        table = {"law": "given", "values": given}
    kind = str(table.pop("law", ""))
    known = [n for n in laws if n != "distance" or name == "delay"]
    if kind not in known:
        raise errors.unknown(where, "law", kind, known)
    return laws[kind], taken(table, laws[kind].arguments, where, f"{name}.", unit)


def _drawn(name: str, law: Law, values: Mapping[str, Any], edges: Edges, place: Place) -> Any:
    """What the law gives."""
    many = edges[0].size
    uniform = uniforms(place.key, _PURPOSE[name], many) if law.drawn else None
    far, spots = None, place.positions
    if law.spatial and spots is not None:
        far = distances(*edges, spots.pre, spots.post, spots.period)
    own = {n.partition(".")[2]: v for n, v in values.items() if n.startswith(f"{name}.")}
    found = law.make(uniform, far, **own)
    if np.size(found) not in (1, many) or (law.varies and np.size(found) != many):
        raise refused(name, f"{np.size(found)} values of {many} synapses", "one for each")
    if not np.isfinite(found).all():
        raise refused(name, f"{int((~np.isfinite(found)).sum())} values are not finite")
    return found


# -- weights ---------------------------------------------------------------------------------------


@dataclass(frozen=True)
class Signs:
    """Dale's law: which neurons are excitatory, as the share that comes first, or as signs."""

    share: float | None
    signs: Array | None = None

    @classmethod
    def of(cls, dale: Any) -> Signs | None:
        """Checked."""
        if dale is None:
            return None
        signs = table_of(dale)
        if signs.ndim == 0:
            share = labels.number(labels.plain(dale, "ConnMat: 'dale'"), "1", "ConnMat: 'dale'")
            if not 0 <= share <= 1:
                raise refused("dale", f"a share of {share:g} excitatory neurons", "0 to 1, or signs")
            return cls(share)
        if signs.ndim != 1 or signs.dtype.kind not in "fi" or not (np.abs(signs) == 1).all():
            raise refused("dale", "these are no signs", "1 or -1 for each neuron, or the share that is excitatory")
        return cls(None, signs.astype(np.float64))

    def at(self, pre: int) -> Array:
        """The sign of each neuron."""
        if self.signs is None:
            return np.where(np.arange(pre) < round((self.share or 0.0) * pre), 1.0, -1.0)
        if self.signs.size != pre:
            raise refused("dale", f"{self.signs.size} signs of {pre} neurons", "one for each")
        return self.signs


def weights(
    law: Law, values: Mapping[str, Any], edges: Edges, place: Place, signs: Signs | None, balanced: bool
) -> Any:
    """Weights of the synapses of a graph, or the one that all have."""
    found = _drawn("weight", law, values, edges, place)
    if signs is not None:
        found = _signed(found, law, edges[0], signs.at(place.pre), float(values["g"]))
    if balanced and edges[0].size:
        found = found / math.sqrt(edges[0].size / place.post)
    if "radius" in values:
        found = found * (float(values["radius"]) / radius_of(found, edges, place.pre))
    return found


def _signed(found: Any, law: Law, pre: Array, signs: Array, g: float) -> Any:
    """Weights with the signs of the neurons that send; given ones must have them already."""
    sign = signs[pre]
    if law.name == "given":
        wrong = np.flatnonzero(found * sign < 0)
        if wrong.size:
            kind = "excitatory" if sign[wrong[0]] > 0 else "inhibitory"
            what = f"neuron {pre[wrong[0]]} is {kind} and sends {found[wrong[0]]:g}"
            raise refused("weight", f"{wrong.size} weights have the wrong sign: {what}")
        return found * np.where(sign < 0, g, 1.0)
    if np.any(found < 0):
        what = f"{int(np.sum(found < 0))} strengths are below 0, such as {float(np.min(found)):g}"
        raise refused("weight", what, "0 or more: dale gives the sign", "Give a lognormal law, or low=0.")
    return found * np.where(sign < 0, -g, 1.0)


def radius_of(found: Any, edges: Edges, n: int) -> float:
    """The spectral radius of the matrix of weights, to ten digits, so that the last bits of LAPACK do not matter."""
    from scipy.sparse import coo_array
    from scipy.sparse.linalg import ArpackNoConvergence, eigs

    matrix = coo_array((np.broadcast_to(found, edges[0].shape).astype(np.float64), edges[::-1]), shape=(n, n)).tocsr()
    if n <= _LARGEST_DENSE:
        largest = float(np.abs(np.linalg.eigvals(matrix.toarray())).max())
    else:
        try:
            start = np.cos(np.arange(n))
            largest = float(
                np.abs(eigs(matrix, k=1, v0=start, ncv=60, maxiter=20 * n, return_eigenvectors=False)).max()
            )
        except ArpackNoConvergence as cause:
            raise refused(
                "radius", "the largest eigenvalue was not found", mend="Scale the weights yourself."
            ) from cause
    if not largest > 1e-9 * float(np.max(np.abs(found), initial=0.0)):
        raise refused("radius", "the graph has no loop: its spectral radius is 0", mend="Leave radius out.")
    return float(f"{largest:.10g}")


# -- delays ----------------------------------------------------------------------------------------


@dataclass(frozen=True)
class Grid:
    """The step of time (ms) of which delays are multiples, and whether they are rounded to it."""

    dt: float | None
    quantise: bool

    @classmethod
    def of(cls, dt: Any, quantise: bool) -> Grid:
        """Checked."""
        step = None if dt is None else labels.number(dt, "ms", "ConnMat: 'dt'")
        if step is not None and not 0 < step < math.inf:
            raise errors.TimeError("ConnMat: 'dt'", f"a step of {step:g} ms", "above 0 ms")
        if quantise and step is None:
            raise refused("quantise", "there is no step to round to", mend="Give dt.")
        return cls(step, quantise)


def delays(law: Law, values: Mapping[str, Any], edges: Edges, place: Place, grid: Grid) -> tuple[Any, Array]:
    """Delays of the synapses of a graph, or the one that all have; and what rounding changed."""
    return on_grid(np.asarray(_drawn("delay", law, values, edges, place), np.float64), grid)


def on_grid(found: Array, grid: Grid) -> tuple[Array, Array]:
    """Delays as multiples of the step, and what rounding changed; what cannot be is refused."""
    for bad, what in ((found < 0, "negative"), ((found == 0) & (not grid.quantise), "0")):
        if bad.any():
            given = f"{int(bad.sum())} of {bad.size} delays are {what}, such as {found[bad].flat[0]:g} ms"
            raise refused("delay", given, "above 0 ms", "Give low= to a normal law, or offset= to that of distances.")
    if grid.dt is None:
        return found, np.zeros(1)
    steps = np.maximum(np.rint(found / grid.dt), 1.0)
    off = np.abs(found - steps * grid.dt)
    if not grid.quantise and (off > 1e-6 * grid.dt).any():
        worst = found.reshape(-1)[np.argmax(off)]
        mend = "Give quantise=True to round them, or another dt."
        raise refused("delay", f"delay not on the grid: {worst:g} ms in steps of {grid.dt:g} ms", "whole steps", mend)
    return steps * grid.dt, off
