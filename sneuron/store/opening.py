"""From the files of a part to a lazy xarray dataset."""

from __future__ import annotations

import dataclasses
from collections.abc import Callable, Iterable, Mapping
from typing import Any

import numpy as np
import xarray as xr
from xarray.backends.common import BackendArray
from xarray.core import indexing

from sneuron import errors
from sneuron.store.arrays import texts_restored
from sneuron.store.guard import CheckedFiles
from sneuron.store.layout import Template

__all__ = ["ComputedArray", "open_files", "open_part", "template_of"]

_PACKING = ("scale_factor", "add_offset", "_FillValue")


class ComputedArray(BackendArray):
    """A one-dimensional array whose values are computed from their place when they are asked for.

    Parameters
    ----------
    length : int
        How many values there are.
    compute : callable
        `compute(start, stop)` gives the values of a stretch.
    """

    def __init__(self, length: int, compute: Callable[[int, int], np.ndarray]) -> None:
        self.shape = (length,)
        self.compute = compute
        self.dtype = np.asarray(compute(0, min(1, length))).dtype

    def __getitem__(self, key: indexing.ExplicitIndexer) -> Any:
        return indexing.explicit_indexing_adapter(key, self.shape, indexing.IndexingSupport.BASIC, self._stretch)

    def _stretch(self, key: tuple[int | slice, ...]) -> Any:
        (what,) = key
        if isinstance(what, slice):
            start, stop, step = what.indices(self.shape[0])
            if step < 0:
                return self._stretch((slice(*_forward(start, stop, step)),))[::-1]
            return np.asarray(self.compute(start, max(start, stop)))[::step]
        place = int(what) % self.shape[0]
        return np.asarray(self.compute(place, place + 1))[0]


def open_files(store: CheckedFiles, texts: Mapping[str, str] | None = None, group: str = "/") -> xr.Dataset:
    """A group of checked files as a lazy dataset; all its metadata are checked at once."""
    for key in store.table:
        if key.endswith("zarr.json") and key.startswith(group.strip("/")):
            store.read(key)
    source: Any = store  # xarray takes any store of zarr, but does not say so
    data = xr.open_dataset(source, engine="zarr", chunks=None, consolidated=True, zarr_format=3, group=group)
    return texts_restored(data, texts)


def open_part(
    template: Template, store: CheckedFiles, chunks: Mapping[str, int] | str | None, lazy_coords: Any
) -> xr.Dataset:
    """A part of a study as a lazy dataset; see `StudyFolder.open_dataset`."""
    data = open_files(store)
    data = data.assign_coords({c["name"]: _computed(template, c) for c in _listed(lazy_coords)})
    data = data[[v.name for v in template.variables]]
    data.encoding.update(start=dict(template.start), block=dict(template.block))
    if chunks is None:
        return data
    if isinstance(chunks, str) and chunks != "store":
        raise errors.DataError("open_dataset", f"chunks={chunks!r}", "None, 'store', {} or chunk lengths by dim")
    wanted = dict(chunks) if isinstance(chunks, Mapping) else {}
    whole = {d: template.block.get(d, -1) for d in template.dims}
    return data.chunk({d: n for d, n in {**whole, **wanted}.items() if d in data.sizes})


def template_of(layout: Template, store: CheckedFiles) -> Template:
    """A layout with the attrs and coords that its store holds."""
    data = open_files(store)
    variables = tuple(dataclasses.replace(v, attrs=_attrs(data, v.name)) for v in layout.variables)
    coords = {str(name): coord.variable.load() for name, coord in data.coords.items()}
    return dataclasses.replace(layout, variables=variables, coords=coords, attrs=dict(data.attrs))


def _attrs(data: xr.Dataset, name: str) -> dict[str, Any]:
    return {str(k): v for k, v in data[name].attrs.items() if k not in _PACKING}


def _computed(template: Template, coord: Mapping[str, Any]) -> xr.Variable:
    dims = (coord["dims"],) if isinstance(coord["dims"], str) else tuple(coord["dims"])
    if len(dims) != 1 or dims[0] not in template.dims:
        raise errors.DataError(
            "open_dataset", f"lazy coord {coord['name']!r} has dims {dims}", f"one of {[*template.dims]}"
        )
    values = indexing.LazilyIndexedArray(ComputedArray(template.dims[dims[0]], coord["compute"]))
    return xr.Variable(dims, values, dict(coord.get("attrs") or {}))


def _listed(lazy_coords: Any) -> Iterable[Mapping[str, Any]]:
    if not lazy_coords:
        return []
    if isinstance(lazy_coords, Mapping) and "compute" in lazy_coords:
        return [lazy_coords]
    if isinstance(lazy_coords, Mapping):
        return [{"name": name, **coord} for name, coord in lazy_coords.items()]
    return list(lazy_coords)


def _forward(start: int, stop: int, step: int) -> tuple[int, int, int]:
    """The same places from low to high."""
    places = range(start, stop, step)
    return (places[-1], places[0] + 1, -step) if len(places) else (0, 0, 1)
