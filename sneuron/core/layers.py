"""Weights and activities of layers as labelled arrays: what the functions on weights share."""

from __future__ import annotations

import math
from collections.abc import Sequence
from typing import Any

import numpy as np
import xarray as xr
from numpy.typing import NDArray

from sneuron import errors, labels
from sneuron.core.graph.arguments import labelled
from sneuron.core.graph.rule import Argument

__all__ = ["apart", "array_of", "batch_of", "gathered", "number_of", "rows_of"]

Array = NDArray[Any]


def array_of(value: Any, dims: tuple[str, ...], where: str, name: str) -> xr.DataArray:
    """Real numbers as a DataArray: plain arrays have just the dims `dims`, labelled ones these among others."""
    if not isinstance(value, xr.DataArray):
        found = value if hasattr(value, "dask") else np.asarray(value)
        if found.ndim != len(dims):
            what = f"{name!r} is a plain array of {found.ndim} axes"
            raise errors.DataError(where, what, f"({', '.join(dims)}), or a DataArray")
        value = xr.DataArray(found, dims=dims)
    if value.dtype.kind not in "fiub":
        raise errors.DataError(where, f"{name!r} has dtype {value.dtype}", "real numbers")
    lacking = [d for d in dims if d not in value.dims]
    if lacking:
        mend = f"Name the dims so: .rename({{...: {lacking[0]!r}}})."
        raise errors.DataError(
            where, f"{name!r} has the dims {value.dims}", f"dims (..., {', '.join(dims)})", mend=mend
        )
    return xr.DataArray(value)


def number_of(
    value: Any, unit: str, where: str, name: str, low: float = -math.inf, high: float = math.inf
) -> xr.DataArray:
    """One number for each point: checked, in its unit; a list makes the dim `name`. Infinite only where a bound is."""
    default = math.inf if math.inf in (abs(low), abs(high)) else None
    return labelled(value, Argument(unit=unit, low=low, high=high, default=default), f"{where}: {name!r}", name)


def gathered(array: xr.DataArray, core: Sequence[str]) -> xr.DataArray:
    """A lazy array with each core dim in one chunk, so that chunks change no bit."""
    return array if array.chunks is None else array.chunk({d: -1 for d in core if d in array.dims})


def apart(array: xr.DataArray, core: Sequence[str]) -> xr.DataArray:
    """The array without the coordinates of its core dims."""
    return array.drop_vars([n for n, c in array.coords.items() if set(c.dims) & set(core)])


def batch_of(arrays: Sequence[Array], core: Sequence[int]) -> tuple[int, ...]:
    """The shape that all arrays have in front of so many core axes."""
    return np.broadcast_shapes(*(a.shape[: a.ndim - n] for a, n in zip(arrays, core, strict=True)))


def rows_of(array: Array, core: int, batch: tuple[int, ...]) -> tuple[Array, Array]:
    """The array as (row, core...), and the row of each point of the batch: nothing is copied for points that share."""
    own = array.shape[: array.ndim - core]
    rows = np.arange(math.prod(own), dtype=np.int64).reshape(own)
    flat = np.ascontiguousarray(array, np.float64).reshape(rows.size, *array.shape[array.ndim - core :])
    return flat, np.ascontiguousarray(np.broadcast_to(rows, batch)).reshape(-1)


def unit_attrs(unit: str, long_name: str) -> dict[str, str]:
    """Attributes of a variable."""
    return {"units": unit, "long_name": long_name}


def units_or(array: xr.DataArray, default: str) -> str:
    """The unit that an array states, or another."""
    return labels.units_of(array.attrs) or default
