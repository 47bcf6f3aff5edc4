"""Parameters of rules and laws as labelled arrays, checked; and the points that they span."""

from __future__ import annotations

import hashlib
from collections.abc import Collection, Iterator, Mapping
from typing import Any

import numpy as np
import xarray as xr
from numpy.typing import NDArray

from sneuron import errors, labels
from sneuron.core.graph.rule import Argument
from sneuron.lang.keys import Words, content_keys, number_words

__all__ = ["Points", "keys_of", "labelled", "table_of", "taken"]

Array = NDArray[Any]


def taken(
    given: Mapping[str, Any], arguments: Mapping[str, Argument], where: str, prefix: str = "", unit: str = "1"
) -> dict[str, xr.DataArray]:
    """Parameters by name (behind the prefix), in their units and bounds; a list makes a dim of its full name."""
    for name in given:
        if name not in arguments:
            raise errors.unknown(where, "parameter", name, sorted(arguments))
    found = {}
    for name, argument in arguments.items():
        value = given.get(name, argument.default)
        if value is None:
            raise errors.ParameterError(where, f"{name!r} is not given", sorted(arguments))
        found[prefix + name] = labelled(value, argument, f"{where}: {prefix + name!r}", prefix + name, unit)
    return found


def labelled(value: Any, argument: Argument, where: str, dim: str, unit: str = "1") -> xr.DataArray:
    """One parameter as an array, checked."""
    wanted = argument.unit or unit
    if isinstance(value, xr.DataArray):
        found = _array(value, argument, where, wanted)
    elif argument.dims:
        found = xr.DataArray(_numbers(value, where, len(argument.dims)), dims=argument.dims)
    elif isinstance(value, list | tuple) or (not isinstance(value, str) and np.ndim(value)):
        if len(value) == 0 or getattr(value, "ndim", 1) != 1:
            raise errors.ParameterError(where, "this is no list of numbers", mend="Give a DataArray.")
        numbers = [labels.number(labels.plain(v, where), wanted, where) for v in value]
        found = xr.DataArray(numbers, dims=dim, coords={dim: (dim, numbers, {"units": wanted})})
    else:
        found = xr.DataArray(labels.number(labels.plain(value, where), wanted, where))
    _check(found.values, argument, where, wanted)
    return found


def _array(value: xr.DataArray, argument: Argument, where: str, wanted: str) -> xr.DataArray:
    if value.dtype.kind not in "fiu":
        raise errors.ParameterError(where, f"values of type {value.dtype} are not real numbers")
    lacking = [d for d in argument.dims if d not in value.dims]
    if lacking:
        raise errors.DataError(where, f"it has no dim {lacking[0]!r}", list(argument.dims))
    own = labels.units_of(value.attrs)
    found = labels.convert(value.astype(np.float64), own, wanted, where)
    return xr.DataArray(found).transpose(..., *argument.dims).drop_attrs(deep=False)


def table_of(value: Any) -> Array:
    """As an array; one of objects where rows differ in length."""
    try:
        return np.asarray(value)
    except ValueError:
        return np.empty(0, object)


def _numbers(value: Any, where: str, ndim: int) -> Array:
    found = table_of(value)
    if found.ndim != ndim or found.dtype.kind not in "fiu":
        raise errors.ParameterError(where, "this is no array of numbers", f"{ndim} dims of numbers")
    return found.astype(np.float64)


def _check(values: Array, argument: Argument, where: str, unit: str) -> None:
    """Refuse what is out of bounds, or not whole."""
    open_ended = argument.default is not None and np.isinf(argument.default)
    bad = np.isnan(values) | (np.isinf(values) & (not open_ended)) | (values < argument.low) | (values > argument.high)
    possible = f"{argument.low:g} to {argument.high:g}"
    if argument.whole and not bad.any():
        bad, possible = values != np.floor(values), "whole numbers"
    if bad.any():
        shown = f"{values[bad][0]:g}" + (f" {unit}" if unit != "1" else "")
        many = (
            f"{int(bad.sum())} of {bad.size} values cannot be, such as {shown}"
            if bad.size > 1
            else f"{shown} cannot be"
        )
        raise errors.ParameterError(where, many, possible)


class Points:
    """All combinations of labelled parameters, one after the other.

    Parameters
    ----------
    arrays : mapping of str to DataArray
    inner : mapping of str to tuple of str
        Dims of one value, where it is no single number.
    """

    def __init__(self, arrays: Mapping[str, xr.DataArray], inner: Mapping[str, tuple[str, ...]]) -> None:
        held = {n: inner.get(n, ()) for n in arrays}
        bare = [a.isel(dict.fromkeys(held[n], slice(0))).sum(held[n]) for n, a in arrays.items()]
        try:
            xr.align(*bare, join="exact", copy=False)
            merged = xr.merge([a.coords.to_dataset() for a in bare], join="exact", compat="equals")
        except (xr.AlignmentError, xr.MergeError) as cause:
            mend = "Give shared dims the same coordinates."
            raise errors.DataError("ConnMat", "the parameters do not fit together", mend=mend) from cause
        self.sizes = {str(d): n for a in bare for d, n in a.sizes.items()}
        self.coords = dict(merged.coords)
        self.flat = {n: self._spread(a, inner.get(n, ())) for n, a in arrays.items()}
        taken_dims = sorted(set(self.sizes) & {labels.SYNAPSE, labels.NEURON, "pre", "post", "axis", "projection"})
        if taken_dims:
            raise errors.DataError("ConnMat", f"dim {taken_dims[0]!r} is no dim of points", mend="Rename it.")

    @property
    def size(self) -> int:
        """How many points."""
        return int(np.prod(list(self.sizes.values()), dtype=np.int64))

    def __iter__(self) -> Iterator[dict[str, Any]]:
        for k in range(self.size):
            yield {name: values[k] for name, values in self.flat.items()}

    def _spread(self, array: xr.DataArray, inner: tuple[str, ...]) -> Array:
        """Values by point, flat."""
        dims = [d for d in self.sizes if d in array.dims]
        values = array.transpose(*dims, *inner).values
        core = values.shape[len(dims) :]
        shape = tuple(n if d in dims else 1 for d, n in self.sizes.items())
        whole = np.broadcast_to(values.reshape((*shape, *core)), (*self.sizes.values(), *core))
        return np.ascontiguousarray(whole).reshape(self.size, *core)


def keys_of(points: Points, apart: Collection[str], constant: Mapping[str, Any]) -> Words:
    """A key of the random numbers of each point: from its seed and from the values that it has, never from its place.

    What is `apart` does not count.
    """
    words = {}
    for name, values in points.flat.items():
        if name != "seed" and name not in apart:
            words[name] = (
                number_words(values) if values.ndim == 1 else np.array([_digest(v) for v in values], np.uint64)
            )
    words |= {f"{name} {value}": np.zeros(points.size, np.uint64) for name, value in constant.items()}
    return content_keys(words, points.flat["seed"].astype(np.uint64))


def _digest(values: Array) -> int:
    held = np.ascontiguousarray(values, np.float64) + 0.0
    found = hashlib.sha256(repr(held.shape).encode() + held.tobytes()).digest()
    return int.from_bytes(found[:8], "little")
