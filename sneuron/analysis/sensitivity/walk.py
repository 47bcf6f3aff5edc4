"""Outputs of a design, read in steps of a fixed size: memory does not grow with it, bits do not hang on chunks."""

from __future__ import annotations

import json
import math
from collections.abc import Iterator, Mapping, Sequence
from typing import Any

import numpy as np
import numpy.typing as npt
import xarray as xr

from sneuron import errors, labels
from sneuron.analysis.marginals import DISTRIBUTION
from sneuron.labels import CURVE, MATRIX, MOVE, REPLICATE, ROW, TRAJECTORY, Status

__all__ = [
    "CHANGE",
    "CLASS",
    "GRID",
    "KINDS",
    "REFINED",
    "SAMPLE",
    "blocks",
    "count",
    "dims_of",
    "elements",
    "kind_of",
    "labelled",
    "parameters",
    "points",
]

Floats = npt.NDArray[np.float64]

CLASS = "class"
"""The dim along which an output that is a flag is taken apart: one if it has that flag, else nought."""

CHANGE = "change"
"""The dim of small changes about one point; the first is the point itself."""

KINDS = {
    "pick_freeze": (ROW, REPLICATE, MATRIX),
    "nudges": (ROW, REPLICATE, MOVE),
    "curves": (REPLICATE, CURVE, ROW),
    "trajectories": (TRAJECTORY, MOVE),
}
"""Designs of comparisons by the dims that they have; the first one grows."""

GRID, SAMPLE, REFINED = "grid", "sample", "refined"
"""Kinds of points without comparisons; those of a study that refines itself crowd along boundaries."""

_STEP, _SLAB = 1 << 18, 1 << 25
"""Bytes of a step, and of what is read at once."""


def kind_of(data: xr.Dataset) -> str:
    """What the points of a dataset are: a design of comparisons, a `grid`, a `sample`, or `refined`.

    >>> kind_of(xr.Dataset({"rate": (("gNa", "gK"), [[1.0, 2.0]])}, {"gNa": [80.0], "gK": [20.0, 30.0]}))
    'grid'
    """
    for kind, dims in KINDS.items():
        if set(dims) <= set(data.dims):
            return kind
    if CHANGE in data.dims:
        return CHANGE
    if any("lattice" in axis for axis in _axes(data.attrs)):
        return REFINED
    names = parameters(data)
    return GRID if all(data[n].dims == (n,) or data[n].dims[0] in names for n in names) else SAMPLE


def parameters(data: xr.Dataset, names: Any = None) -> list[str]:
    """The coordinates that are parameters: those named, else those of the study's space, or drawn, or along a dim.

    Raises
    ------
    UnknownNameError, DataError
        A name that is no coordinate; nothing that says which coordinates are parameters.
    """
    where = "SensAnal"
    if names is not None:
        listed = [names] if isinstance(names, str) else [str(n) for n in names]
        for name in listed:
            if name not in data.coords:
                raise errors.unknown(where, "coordinate", name, [str(c) for c in data.coords])
            if not data[name].dims:
                given = f"parameter {name!r} has one value here: {float(data[name]):g}"
                raise errors.DataError(where, given, "parameters that vary over the points")
        return list(dict.fromkeys(listed))
    found = [n for n in _swept(data.attrs) if n in data.coords and data[n].dims]
    found = found or [str(n) for n, c in data.coords.items() if DISTRIBUTION in c.attrs and c.dims]
    found = found or [str(n) for n, c in data.coords.items() if _may_be(str(n), c)]
    if not found:
        given = (
            f"no coordinate of these data is a parameter (coordinates: {', '.join(map(str, data.coords)) or 'none'})"
        )
        raise errors.DataError(where, given, mend="Name them: SensAnal(data, ['gNa', 'gK']).")
    return found


def dims_of(data: xr.Dataset, names: Sequence[str]) -> tuple[str, ...]:
    """The dims along which parameters change."""
    return tuple(dict.fromkeys(str(d) for n in names for d in data[n].dims))


def blocks(data: xr.Dataset, name: str, dims: Sequence[str]) -> Iterator[Floats]:
    """An output in steps along the first of `dims`: arrays over `dims` and one last axis for all that it has besides.

    Points that failed, and numbers that are none, are NaN. Steps have the same lengths however the data are chunked.

    Parameters
    ----------
    data : Dataset
        The output, and `status` when there is one.
    name : str
        Which output.
    dims : sequence of str
        The dims of the design.
    """
    first, length = dims[0], data.sizes[dims[0]]
    kept = data[[name, *([labels.STATUS] if labels.STATUS in data else [])]]
    kept = kept.drop_vars(list(kept.coords))
    inner = _inner(data, name, dims)
    each = 8 * math.prod(inner.values()) * math.prod(data.sizes[d] for d in dims[1:])
    step = _power(_STEP // each)
    slab = step * max(1, _SLAB // (each * step))
    for start in range(0, length, slab):
        part = kept.isel({first: slice(start, start + slab)}).load()
        for begin in range(0, part.sizes[first], step):
            yield _numbers(part.isel({first: slice(begin, begin + step)}), name, dims)


def points(
    data: xr.Dataset, name: str, names: Sequence[str]
) -> Iterator[tuple[dict[str, Floats], Floats, npt.NDArray[np.uint64]]]:
    """The points of a sample or grid in steps: parameters, the output (one axis for all it has), numbers of the points.

    Of pick-freeze matrices A and B are taken, which are independent samples; of stars with short tips their middles.
    """
    data = _independent(data)
    dims = dims_of(data, names)
    sizes = tuple(data.sizes[d] for d in dims)
    each, at = math.prod(sizes[1:]), 0
    for block in blocks(data, name, dims):
        rows = slice(at, at + len(block))
        shape = (len(block), *sizes[1:])
        own = {n: _column(data, n, dims, rows, shape) for n in names}
        number = np.arange(at * each, (at + len(block)) * each, dtype=np.uint64)
        yield own, block.reshape(len(number), -1), number
        at += len(block)


def _independent(data: xr.Dataset) -> xr.Dataset:
    """Of pick-freeze matrices A and B, of stars with short tips the middles: what is a sample of the space."""
    if MATRIX in data.dims:
        return data.sel({MATRIX: ["A", "B"]})
    return data.isel({MOVE: [0]}) if kind_of(data) == "nudges" else data


def count(data: xr.Dataset, names: Sequence[str]) -> int:
    """How many points `points` gives."""
    data = _independent(data)
    return math.prod(data.sizes[d] for d in dims_of(data, names))


def elements(data: xr.Dataset, name: str, names: Sequence[str]) -> int:
    """How many numbers an output has at a point."""
    return math.prod(_inner(data, name, dims_of(data, names)).values())


def labelled(
    values: npt.NDArray[Any],
    lead: Mapping[str, Any],
    data: xr.Dataset,
    name: str,
    dims: Sequence[str],
    attrs: Mapping[str, Any] | None = None,
) -> xr.DataArray:
    """An array over `lead` and one last axis for all that an output has besides, with the names of both.

    Parameters
    ----------
    values : ndarray
        One axis for each of `lead`, and the last.
    lead : mapping of str to values
        New dims and their coordinates (a number: a length without a coordinate).
    data, name, dims :
        As for `blocks`.
    attrs : mapping, optional
        Attributes.
    """
    inner = _inner(data, name, dims)
    sizes = [v if isinstance(v, int) else len(v) for v in lead.values()]
    coords = {d: v for d, v in lead.items() if not isinstance(v, int)} | _coords(data, name, dims)
    shaped = values.reshape((*sizes, *inner.values()))
    return xr.DataArray(shaped, coords, (*lead, *inner), attrs=dict(attrs or {}))


def _swept(attrs: Mapping[Any, Any]) -> list[str]:
    """Names of the parameters that a study's attributes tell."""
    inner = [own for axis in _axes(attrs) for own in (axis["lattice"]["axes"] if "lattice" in axis else [axis])]
    return [str(c[0] if isinstance(c, list) else c) for axis in inner for c in axis["columns"]]


def _axes(attrs: Mapping[Any, Any]) -> list[dict[str, Any]]:
    """What a study's attributes tell of its axes."""
    try:
        return list(json.loads(attrs.get("space", "{}")).get("axes", []))
    except (TypeError, ValueError):
        return []


def _may_be(name: str, coord: xr.DataArray) -> bool:
    numeric = coord.dtype.kind in "iuf" and coord.ndim == 1 and name not in labels.RESERVED
    return numeric and (coord.dims == (name,) or labels.POINT in coord.dims)


def _inner(data: xr.Dataset, name: str, dims: Sequence[str]) -> dict[str, int]:
    """What an output has besides the dims of the design, its flags among it."""
    array = data[name]
    lacking = [d for d in dims if d not in array.dims]
    if lacking:
        raise errors.DataError(f"output {name!r}", f"has dims {array.dims}", f"among them {', '.join(dims)}")
    if array.dtype.kind not in "fiub":
        raise errors.DataError(f"output {name!r}", f"has dtype {array.dtype}", "real numbers")
    own = {str(d): n for d, n in array.sizes.items() if d not in dims}
    return own | ({CLASS: len(_flags(array))} if "flag_values" in array.attrs else {})


def _flags(array: xr.DataArray) -> npt.NDArray[Any]:
    return np.atleast_1d(array.attrs["flag_values"])


def _coords(data: xr.Dataset, name: str, dims: Sequence[str]) -> dict[str, Any]:
    """Coordinates of what an output has besides the dims of the design."""
    array = data[name]
    inner = set(_inner(data, name, dims))
    found: dict[str, Any] = {str(n): c.variable for n, c in array.coords.items() if c.dims and set(c.dims) <= inner}
    if CLASS in inner:
        names = str(array.attrs.get("flag_meanings", "")).split()
        flags = _flags(array)
        found[CLASS] = np.array(names) if len(names) == len(flags) else flags
    return found


def _numbers(data: xr.Dataset, name: str, dims: Sequence[str]) -> Floats:
    """A step of an output as contiguous floats over `dims` and one axis for the rest."""
    array = data[name].transpose(*dims, ...)
    held = np.asarray(array.values)
    values = held.astype(np.float64)
    if name != labels.STATUS and labels.STATUS in data:
        values = np.where(_good(data[labels.STATUS], array), values, np.nan)
    values[~np.isfinite(values)] = np.nan
    if "flag_values" in array.attrs:
        lacking = np.isnan(values)[..., None]
        values = np.where(lacking, np.nan, held[..., None] == _flags(array))
    return values.reshape(*(data.sizes[d] for d in dims), -1)


def _good(status: xr.DataArray, array: xr.DataArray) -> npt.NDArray[np.bool_]:
    """Where an output is of a point that is ok; where one has less dims than `status`, all along them must be."""
    good = status == int(Status.OK)
    more = [d for d in good.dims if d not in array.dims]
    good = good.all(more) if more else good
    missing = [d for d in array.dims if d not in good.dims]
    return np.asarray(good.expand_dims(dict.fromkeys(missing, 1)).transpose(*array.dims).values)


def _column(data: xr.Dataset, name: str, dims: Sequence[str], rows: slice, shape: tuple[int, ...]) -> Floats:
    """A parameter at every point of some rows."""
    coord = data[name]
    if dims[0] in coord.dims:
        coord = coord.isel({dims[0]: rows})
    held = coord.transpose(*[d for d in dims if d in coord.dims])
    wide = [n if d in coord.dims else 1 for d, n in zip(dims, shape, strict=True)]
    values = np.asarray(held.values, dtype=np.float64).reshape(wide)
    return np.broadcast_to(values, shape).ravel()


def _power(number: int) -> int:
    """The largest power of two up to a number; at least 1."""
    return 1 << max(0, int(number).bit_length() - 1)
