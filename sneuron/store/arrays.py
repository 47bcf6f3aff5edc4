"""Between arrays and the bytes of their files: zarr is given a store in memory, and `disk` writes what it made."""

from __future__ import annotations

import threading
import warnings
import zlib
from collections.abc import Hashable, Mapping
from typing import Any

import numpy as np
import xarray as xr
import zarr
from zarr.abc.store import Store
from zarr.codecs import BloscCodec, Crc32cCodec, ZstdCodec
from zarr.core.buffer import Buffer, default_buffer_prototype
from zarr.storage import MemoryStore

from sneuron import errors
from sneuron.store.layout import Template, Variable, inner_chunks

__all__ = ["BlockWriter", "checked_codecs", "part_files"]

_OPENING = threading.Lock()


class BlockWriter:
    """Turns the arrays of a block into the bytes of its files; one per process and part.

    Parameters
    ----------
    template : Template
        The part.
    metadata : mapping of str to bytes
        The `zarr.json` of every variable.
    """

    def __init__(self, template: Template, metadata: Mapping[str, bytes]) -> None:
        self.template = template
        self._lock = threading.Lock()
        self._made: dict[str, Buffer] = {f"{name}/zarr.json": _buffer(data) for name, data in metadata.items()}
        store = MemoryStore(self._made)
        # A chunk of nothing but fill values counts, too; zarr's settings are those of the process, so one at a time.
        with _OPENING, zarr.config.set({"array.write_empty_chunks": True}):
            self._arrays = {v.name: zarr.open_array(store, path=v.name, mode="r+") for v in template.variables}

    def files(self, block: int, arrays: Mapping[str, Any], where: str) -> tuple[dict[str, bytes], dict[str, int]]:
        """Bytes of each file of a block by variable, and a checksum of the values themselves."""
        self._check_names(arrays, where)
        made: dict[str, bytes] = {}
        sums: dict[str, int] = {}
        for variable in self.template.variables:
            values = self._values(variable, block, arrays[variable.name], where)
            sums[variable.name] = zlib.crc32(values.data)
            if values.size:
                made[variable.name] = self._encoded(variable, block, values)
        return made, sums

    def _encoded(self, variable: Variable, block: int, values: np.ndarray) -> bytes:
        with self._lock:  # two threads may have the same block
            self._arrays[variable.name][self.template.selection(variable, block)] = values
            return self._made.pop(f"{variable.name}/{self.template.key(variable, block)}").to_bytes()

    def _check_names(self, arrays: Mapping[str, Any], where: str) -> None:
        names = {v.name for v in self.template.variables}
        if lacking := sorted(names - set(arrays)):
            raise errors.DataError(where, f"variables are lacking: {', '.join(lacking)}")
        for name in arrays:
            if name not in names:
                raise errors.unknown(where, "variable", name, sorted(names))

    def _values(self, variable: Variable, block: int, given: Any, where: str) -> np.ndarray:
        values = np.asarray(given)
        shape = tuple(s.stop - s.start for s in self.template.selection(variable, block))
        if values.shape != shape:
            raise errors.DataError(
                where, f"{variable.name!r} has shape {values.shape}", f"{shape} with dims {variable.dims}"
            )
        if not np.can_cast(values.dtype, variable.dtype, "same_kind"):
            raise errors.DataError(where, f"{variable.name!r} has dtype {values.dtype}", variable.dtype)
        return variable.packed(values.astype(variable.dtype, copy=False))


def part_files(template: Template) -> dict[str, bytes]:
    """The files of a part that has no blocks yet: metadata of the group and its arrays, and the coords.

    Parameters
    ----------
    template : Template
        Dims, variables, coords and attrs.

    Returns
    -------
    dict of str to bytes
        Keyed by path inside the part's folder.
    """
    made: dict[str, Buffer] = {}
    store = MemoryStore(made)
    _coords(template).to_zarr(store, mode="w-", zarr_format=3, consolidated=False, encoding=_coord_encoding(template))
    group = zarr.open_group(store, mode="r+", use_consolidated=False)
    for variable in template.variables:
        _create(group, template, variable)
    consolidated(store)
    return {key: value.to_bytes() for key, value in made.items()}


def consolidated(store: Store) -> None:
    """Gather the metadata of a group in one file; they never change afterwards."""
    with warnings.catch_warnings():
        warnings.filterwarnings("ignore", message="Consolidated metadata is currently not part")
        zarr.consolidate_metadata(store)


def texts_stored(data: xr.Dataset) -> xr.Dataset:
    """Texts as zarr's text of any width, the only one that has a specification."""
    texts = {name: var for name, var in data.variables.items() if var.dtype.kind in "UO"}
    wide = {n: xr.Variable(v.dims, v.values.astype(np.dtypes.StringDType()), v.attrs) for n, v in texts.items()}
    return _replaced(data, wide)


def texts_restored(data: xr.Dataset, dtypes: Mapping[str, str] | None = None) -> xr.Dataset:
    """Texts as NumPy's text of fixed width again, or as `dtypes` says."""
    wide = {name: var for name, var in data.variables.items() if var.dtype.kind == "T"}
    kinds = {name: (dtypes or {}).get(str(name), str) for name in wide}
    texts = {n: xr.Variable(v.dims, v.values.astype(object).astype(kinds[n]), v.attrs) for n, v in wide.items()}
    return _replaced(data, texts)


def _replaced(data: xr.Dataset, variables: Mapping[Hashable, xr.Variable]) -> xr.Dataset:
    """A dataset with other values of some variables, each a coord or not as it was."""
    if not variables:
        return data
    coords = {name: var for name, var in variables.items() if name in data.coords}
    values = {name: var for name, var in variables.items() if name not in data.coords}
    return data.drop_indexes([n for n in coords if n in data.xindexes]).assign_coords(coords).assign(values)


def stored_coords(template: Template) -> dict[str, Any]:
    """The coords that are kept in the store: all but the lazily computed ones."""
    return {name: coord for name, coord in template.coords.items() if not isinstance(coord, Mapping)}


def checked_codecs(dtype: np.dtype[Any]) -> list[Any]:
    """Compression by zstd, bytes shuffled first where that helps, and always a checksum."""
    if dtype.itemsize == 1 or dtype.kind not in "iufc":
        return [ZstdCodec(level=1), Crc32cCodec()]
    return [BloscCodec(cname="zstd", clevel=1, shuffle="shuffle", typesize=dtype.itemsize), Crc32cCodec()]


def _create(group: zarr.Group, template: Template, variable: Variable) -> None:
    shard = template.shard(variable)
    chunks = inner_chunks(shard, variable.stored.itemsize)
    group.create_array(
        variable.name,
        shape=template.shape(variable),
        dtype=variable.stored,
        chunks=chunks,
        shards=None if chunks == shard else shard,
        fill_value=variable.missing,
        compressors=checked_codecs(variable.stored),
        dimension_names=variable.dims,
        chunk_key_encoding={"name": "default", "separator": "."},
        attributes=_attributes(variable),
    )


def _attributes(variable: Variable) -> dict[str, Any]:
    """Attributes as xarray would write them: CF packing among them."""
    packing = {k: v for k, v in (variable.encoding or {}).items() if k in ("scale_factor", "add_offset", "_FillValue")}
    return _plain_attrs({**variable.attrs, **packing})


def _plain_attrs(attrs: Mapping[str, Any]) -> dict[str, Any]:
    return {k: v.tolist() if isinstance(v, np.ndarray | np.generic) else v for k, v in attrs.items()}


def _coords(template: Template) -> xr.Dataset:
    coords = {
        name: coord if isinstance(coord, xr.DataArray | xr.Variable | tuple) else ((name,), np.asarray(coord))
        for name, coord in stored_coords(template).items()
    }
    data = texts_stored(xr.Dataset(coords=coords, attrs=_plain_attrs(template.attrs)))
    for dim, length in data.sizes.items():
        if template.dims.get(str(dim)) != length:
            raise errors.DataError(
                "layout of the store", f"a coord has {length} values along {dim!r}", f"{template.dims.get(str(dim))}"
            )
    return data


def _coord_encoding(template: Template) -> dict[str, dict[str, Any]]:
    """One chunk each; the checksums of coords are kept with those of the metadata."""
    return {str(name): {"chunks": var.shape} for name, var in _coords(template).variables.items() if var.size}


def _buffer(data: bytes) -> Buffer:
    return default_buffer_prototype().buffer.from_bytes(data)
