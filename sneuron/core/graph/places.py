"""Where neurons are: given, on a grid, or drawn; on a line, a ring, a plane or a torus."""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping
from typing import Any

import numpy as np
import xarray as xr
from numpy.typing import NDArray

from sneuron import errors, labels
from sneuron.core.graph.arguments import table_of
from sneuron.core.graph.draws import uniforms
from sneuron.core.graph.rule import Positions, refused

__all__ = ["AXES", "Layout", "layout_of"]

Array = NDArray[Any]
AXES = ("x", "y", "z")
SPACES = {"line": (1, False), "ring": (1, True), "plane": (2, False), "torus": (2, True)}
"""Axes of a space, and whether it closes on itself."""
_PURPOSES = (111, 112)

Layout = Callable[[Mapping[str, Any], np.uint64, int, int], Positions]
"""Positions for the values of a point, the key of its graph, and numbers of neurons, pre and post."""


def layout_of(given: Any, same: bool) -> tuple[Layout, bool]:
    """Positions as asked for, and whether they are drawn.

    Parameters
    ----------
    given : mapping, array (neuron, axis) in um, or two of them for two populations
        A mapping has `on` ("line", "ring", "plane", "torus"), `length` (um), and `at`: "grid", "random" or an array.
    same : bool
        Whether pre and post are one population.
    """
    table = dict(given) if isinstance(given, Mapping) else {"on": "", "at": given}
    for key in table:
        if key not in ("on", "length", "at"):
            raise errors.unknown("ConnMat: 'positions'", "key", str(key), ["on", "length", "at"])
    on, at = table.get("on", "plane"), table.get("at", "random")
    if on and str(on) not in SPACES:
        raise errors.unknown("ConnMat: 'positions'", "space", str(on), list(SPACES))
    length = _length(table) if on else math.inf
    axes, closed = SPACES.get(on, (0, False))
    period = length if closed else math.inf
    if not isinstance(at, str):
        return _fixed(at, same, axes, period), False
    if at not in ("grid", "random"):
        raise errors.unknown("ConnMat: 'positions'", "way to place", at, ["grid", "random"])
    place = _random if at == "random" else _on_grid

    def layout(point: Mapping[str, Any], key: np.uint64, pre: int, post: int) -> Positions:
        first = place(key, _PURPOSES[0], pre, axes, length)
        return Positions(first, first if same else place(key, _PURPOSES[1], post, axes, length), period)

    return layout, at == "random"


def _length(table: Mapping[str, Any]) -> float:
    if "length" not in table:
        raise refused("positions", "the space has no length", mend="Give length, in um.")
    length = labels.number(table["length"], "um", "ConnMat: 'positions.length'")
    if not 0 < length < math.inf:
        raise refused("positions", f"a length of {length:g} um", "above 0 um")
    return length


def _random(key: np.uint64, purpose: int, n: int, axes: int, length: float) -> Array:
    return uniforms(key, purpose, n * axes).reshape(n, axes) * length


def _on_grid(key: np.uint64, purpose: int, n: int, axes: int, length: float) -> Array:
    """The middles of equal cells, row by row."""
    side = n if axes == 1 else math.isqrt(n)
    if side**axes != n:
        raise refused("positions", f"{n} neurons are no square grid", mend="Give a square number, or at='random'.")
    line = (np.arange(side) + 0.5) * (length / side)
    return np.stack(np.meshgrid(*[line] * axes, indexing="ij")[::-1], axis=-1).reshape(n, axes)


def _fixed(at: Any, same: bool, axes: int, period: float) -> Layout:
    pair = (at, at) if same else at
    if not same and not (isinstance(at, tuple) and len(at) == 2):
        raise refused("positions", "two populations have two arrays of positions", mend="Give (pre, post).")
    first, second = (_coordinates(a, axes, period) for a in pair)
    if first.shape[1] != second.shape[1]:
        raise refused("positions", f"{first.shape[1]} axes and {second.shape[1]} axes do not fit")

    def layout(point: Mapping[str, Any], key: np.uint64, pre: int, post: int) -> Positions:
        for found, n in ((first, pre), (second, post)):
            if len(found) != n:
                raise refused("positions", f"{len(found)} positions of {n} neurons", "one for each")
        return Positions(first, second, period)

    return layout


def _coordinates(at: Any, axes: int, period: float) -> Array:
    """Coordinates in um as (neuron, axis)."""
    where = "ConnMat: 'positions'"
    if isinstance(at, xr.DataArray):
        at = labels.convert(at.values, labels.units_of(at.attrs), "um", where)
    found = table_of(at)
    if found.dtype.kind not in "fiu" or found.ndim not in (1, 2) or not np.isfinite(found).all():
        raise refused("positions", "these are no coordinates", "an array (neuron, axis) of numbers, in um")
    found = np.ascontiguousarray(found.reshape(len(found), -1), np.float64)
    if not 1 <= found.shape[1] <= 3 or (axes and found.shape[1] != axes):
        raise refused("positions", f"{found.shape[1]} axes", f"{axes or '1 to 3'}")
    if period < math.inf and ((found < 0) | (found >= period)).any():
        raise refused("positions", "some lie outside of the space", f"0 um to below {period:g} um")
    return found
