"""Parts of a study as one dataset: laid side by side along the dims that grew, without computing anything.

A grown grid is made of tiles (an L when two axes grew). A `Mosaic` knows where each tile lies and reads only those
that are asked for.
"""

from __future__ import annotations

from collections.abc import Hashable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import xarray as xr
from xarray.backends.common import BackendArray
from xarray.core import indexing

from sneuron import errors, labels
from sneuron.store.layout import no_value

__all__ = ["Mosaic", "Tile", "join"]

_STACKED = (labels.POINT, labels.REPEAT)
_PLACES = np.ndarray | range


@dataclass(frozen=True)
class Tile:
    """A variable and where its indices lie in the whole, dim by dim.

    Parameters
    ----------
    variable : xr.Variable
        The values, lazy or not.
    places : tuple of range or ndarray
        For each dim, the index in the whole of each index of the tile.
    """

    variable: xr.Variable
    places: tuple[Any, ...]

    def overlap(self, axis: int, wanted: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
        """Which of the wanted indices the tile has: their positions in `wanted`, and in the tile."""
        places = self.places[axis]
        if isinstance(places, range):
            inside = (wanted >= places.start) & (wanted < places.stop)
            out = np.flatnonzero(inside)
            return out, wanted[out] - places.start
        order = np.argsort(places, kind="stable")
        found = np.searchsorted(places, wanted, sorter=order).clip(max=max(0, len(places) - 1))
        own = order[found] if len(places) else found
        out = np.flatnonzero(places[own] == wanted) if len(places) else np.empty(0, np.int64)
        return out, own[out]


class Mosaic(BackendArray):
    """An array made of tiles; what no tile covers reads as `fill`.

    Parameters
    ----------
    shape : tuple of int
        Lengths of the whole.
    dtype : dtype
        Of the whole.
    tiles : sequence of Tile
        They must not cover one another.
    fill : number
        NaN, or what stands for nothing in that dtype.
    """

    def __init__(self, shape: tuple[int, ...], dtype: np.dtype[Any], tiles: Sequence[Tile], fill: Any) -> None:
        self.shape = shape
        self.dtype = dtype
        self.tiles = tuple(tiles)
        self.fill = fill

    def __getitem__(self, key: indexing.ExplicitIndexer) -> Any:
        return indexing.explicit_indexing_adapter(key, self.shape, indexing.IndexingSupport.OUTER, self._outer)

    def _outer(self, key: tuple[Any, ...]) -> Any:
        wanted = [_indices(k, n) for k, n in zip(key, self.shape, strict=True)]
        out = np.full([len(w) for w in wanted], self.fill, dtype=self.dtype)
        for tile in self.tiles:
            pairs = [tile.overlap(axis, w) for axis, w in enumerate(wanted)]
            if all(len(o) for o, _ in pairs):
                _set(out, [o for o, _ in pairs], _taken(tile.variable, [i for _, i in pairs]))
        flat = tuple(0 if isinstance(k, int | np.integer) else slice(None) for k in key)
        return out[flat]


def join(
    datasets: Sequence[xr.Dataset],
    starts: Sequence[Mapping[str, int] | None] | None = None,
    chunks: Mapping[str, Any] | None = None,
) -> xr.Dataset:
    """One dataset of several parts, lazily, in the order of the coordinates.

    Parameters
    ----------
    datasets : sequence of xr.Dataset
        The parts. Along dims with a coordinate their indices are put where their values belong: ascending where every
        part is ascending, descending likewise, else in the order of appearance. Parts may hold other variables of the
        same points.
    starts : sequence of mappings, optional
        For each part, where it begins along dims without a coordinate; by default what its template said
        (`Template.start`), else `point` and `repeat` go on where the parts before ended, and other dims start at 0.
    chunks : mapping, optional
        None keeps it lazy without Dask; a mapping makes Dask arrays with those chunks (`{}`: cut where parts and
        blocks meet).

    Returns
    -------
    xr.Dataset
        What no part covers is NaN, with `status` 0. The attrs are those of the last part.

    Raises
    ------
    DataError
        Two parts hold the same points of one variable, or a variable has other dims in another part.
    """
    if not datasets:
        raise errors.DataError("join", "there are no parts to join")
    if len(datasets) == 1 and chunks is None:
        return datasets[0]
    begins = _starts(datasets, starts or [d.encoding.get("start") for d in datasets])
    axes = _axes(datasets, begins)
    places = [_places(d, axes, b) for d, b in zip(datasets, begins, strict=True)]
    names = list(dict.fromkeys(name for d in datasets for name in d.variables if name not in axes.values))
    coords = [n for n in names if any(n in d.coords for d in datasets)]
    joined = {name: _joined(name, datasets, places, axes.lengths, name not in coords) for name in names}
    whole = xr.Dataset(joined, coords=axes.values, attrs=datasets[-1].attrs).set_coords(coords)
    return whole if chunks is None else whole.chunk({**_cuts(axes.lengths, datasets, places), **chunks})


@dataclass(frozen=True)
class _Axes:
    """The dims of the whole: their lengths, and the values of those that have a coordinate."""

    lengths: dict[Hashable, int]
    values: dict[Hashable, xr.Variable]


def _starts(datasets: Sequence[xr.Dataset], given: Sequence[Mapping[str, int] | None]) -> list[dict[Hashable, int]]:
    """Where each part begins along each dim without a coordinate."""
    begins: list[dict[Hashable, int]] = []
    ends: dict[tuple[Hashable, Hashable], int] = {}
    for data, start in zip(datasets, given, strict=True):
        begin: dict[Hashable, int] = {}
        for dim in (d for d in data.sizes if d not in data.indexes):
            own = [(dim, name) for name, v in data.data_vars.items() if dim in v.dims]
            after = max((ends.get(o, 0) for o in own), default=0) if dim in _STACKED else 0
            begin[dim] = (start or {}).get(str(dim), after)
            ends.update(dict.fromkeys(own, begin[dim] + data.sizes[dim]))
        begins.append(begin)
    return begins


def _axes(datasets: Sequence[xr.Dataset], begins: Sequence[Mapping[Hashable, int]]) -> _Axes:
    lengths: dict[Hashable, int] = {}
    values: dict[Hashable, xr.Variable] = {}
    for dim in dict.fromkeys(d for data in datasets for d in data.sizes):
        having = [data for data in datasets if dim in data.indexes]
        if having:
            values[dim] = _axis(dim, having)
            lengths[dim] = values[dim].size
        else:
            pairs = zip(datasets, begins, strict=True)
            lengths[dim] = max(b[dim] + d.sizes[dim] for d, b in pairs if dim in d.sizes)
    return _Axes(lengths, values)


def _axis(dim: Hashable, datasets: Sequence[xr.Dataset]) -> xr.Variable:
    """All values of a dim's coordinate, each once, in order."""
    each = [d[dim].values for d in datasets]
    first = datasets[0][dim]
    values = np.concatenate(each)
    kept = values[np.sort(np.unique(values, return_index=True)[1])]
    if kept.dtype.kind in "iuf" and all(np.all(np.diff(v) > 0) for v in each):
        kept = np.sort(kept)
    elif kept.dtype.kind in "iuf" and all(np.all(np.diff(v) < 0) for v in each):
        kept = np.sort(kept)[::-1]
    return xr.Variable((dim,), kept, first.attrs)


def _places(data: xr.Dataset, axes: _Axes, begin: Mapping[Hashable, int]) -> dict[Hashable, Any]:
    """For each dim of a part, the index in the whole of each of its indices."""
    places: dict[Hashable, Any] = {}
    for dim, length in data.sizes.items():
        if dim in data.indexes:
            places[dim] = _contiguous(axes.values[dim].to_index().get_indexer(data.indexes[dim]))
        elif dim in axes.values:
            raise errors.DataError("join", f"dim {dim!r} has a coordinate in one part and none in another")
        else:
            places[dim] = range(begin[dim], begin[dim] + length)
    return places


def _contiguous(places: np.ndarray) -> Any:
    return range(places[0], places[-1] + 1) if len(places) and np.all(np.diff(places) == 1) else places


def _joined(
    name: Hashable,
    datasets: Sequence[xr.Dataset],
    places: Sequence[Mapping[Hashable, Any]],
    lengths: Mapping[Hashable, int],
    apart: bool,
) -> xr.Variable:
    """A variable of the whole; tiles of coordinates may overlap, since a place has one value, those of data may not."""
    having = [(d.variables[name], p) for d, p in zip(datasets, places, strict=True) if name in d.variables]
    first = having[0][0]
    if other := [v.dims for v, _ in having if v.dims != first.dims]:
        raise errors.DataError("join", f"variable {name!r} has dims {first.dims} in one part and {other[0]} in another")
    tiles = [Tile(v, tuple(p[d] for d in v.dims)) for v, p in having]
    tiles = tiles if first.dims else tiles[:1]
    shape = tuple(lengths[d] for d in first.dims)
    if len(tiles) == 1 and first.shape == shape:
        return first
    dtype = np.result_type(*[t.variable.dtype for t in tiles])
    if apart:
        _check_apart(name, _different(tiles))
    lazy = indexing.LazilyIndexedArray(Mosaic(shape, dtype, _different(tiles), _fill(first, dtype)))
    return xr.Variable(first.dims, lazy, first.attrs)


def _different(tiles: Sequence[Tile]) -> list[Tile]:
    """Tiles of different places; coords that every part repeats count once."""
    unlike: list[Tile] = []
    for tile in tiles:
        if not any(_same_place(tile, other) and _equal(tile, other) for other in unlike if _small(tile)):
            unlike.append(tile)
    return unlike


def _small(tile: Tile) -> bool:
    return tile.variable.ndim <= 1 and tile.variable.size <= 100_000


def _equal(one: Tile, other: Tile) -> bool:
    a, b = one.variable.values, other.variable.values
    return np.array_equal(a, b, equal_nan=a.dtype.kind in "fc" and b.dtype.kind in "fc")


def _same_place(one: Tile, other: Tile) -> bool:
    return all(np.array_equal(a, b) for a, b in zip(one.places, other.places, strict=True))


def _check_apart(name: Hashable, tiles: Sequence[Tile]) -> None:
    for number, tile in enumerate(tiles):
        for other in tiles[:number]:
            if all(_meet(a, b) for a, b in zip(tile.places, other.places, strict=True)):
                raise errors.DataError("join", f"two parts hold the same points of {name!r}")


def _meet(one: Any, other: Any) -> bool:
    if isinstance(one, range) and isinstance(other, range):
        return max(one.start, other.start) < min(one.stop, other.stop)
    return bool(np.isin(one, other).any())


def _fill(variable: xr.Variable, dtype: np.dtype[Any]) -> Any:
    return no_value(dtype, {str(k): v for k, v in variable.attrs.items()})


def _cuts(
    lengths: Mapping[Hashable, int],
    datasets: Sequence[xr.Dataset],
    places: Sequence[Mapping[Hashable, Any]],
) -> dict[Hashable, tuple[int, ...]]:
    """Chunk lengths that end wherever a contiguous part, or a block of one, ends."""
    cuts: dict[Hashable, tuple[int, ...]] = {}
    for dim, length in lengths.items():
        edges = {0, length}
        for data, place in zip(datasets, places, strict=True):
            span = place.get(dim)
            if isinstance(span, range):
                block = data.encoding.get("block", {}).get(dim, len(span))
                edges.update(range(span.start, span.stop, max(1, block)), [span.stop])
        cuts[dim] = tuple(int(n) for n in np.diff(sorted(edges))) or (0,)
    return cuts


def _indices(key: Any, length: int) -> np.ndarray:
    """What an indexer of one dim asks for, as indices."""
    if isinstance(key, slice):
        return np.arange(*key.indices(length))
    asked = np.atleast_1d(np.asarray(key))
    return np.where(asked < 0, asked + length, asked)


def _taken(variable: xr.Variable, indices: Sequence[np.ndarray]) -> np.ndarray:
    """Values of a tile at the crossings of indices; runs are asked for as slices, which read least."""
    keys = {d: _run(i) for d, i in zip(variable.dims, indices, strict=True)}
    return np.asarray(variable.isel(keys).values)


def _set(out: np.ndarray, places: Sequence[np.ndarray], values: np.ndarray) -> None:
    runs = [_run(p) for p in places]
    if all(isinstance(r, slice) for r in runs):
        out[tuple(runs)] = values
    else:
        out[np.ix_(*places)] = values


def _run(indices: np.ndarray) -> Any:
    if len(indices) and np.all(np.diff(indices) == 1):
        return slice(int(indices[0]), int(indices[-1]) + 1)
    return indices
