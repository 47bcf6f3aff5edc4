"""SaveSim and LoadSim: any state, run or result as a store of its own, with a checksum of every byte."""

from __future__ import annotations

import asyncio
import contextlib
import datetime
import glob
import json
import os
import secrets
import shutil
import time
import warnings
from collections.abc import AsyncIterator, Hashable, Iterable, Iterator, Mapping
from pathlib import Path
from typing import Any

import numpy as np
import xarray as xr
from zarr.abc.store import ByteRequest, Store
from zarr.codecs import Crc32cCodec, ZstdCodec
from zarr.core.buffer import Buffer, BufferPrototype
from zarr.storage import LocalStore

from sneuron import errors
from sneuron.store.arrays import checked_codecs, consolidated, texts_stored
from sneuron.store.commit import versions
from sneuron.store.disk import PARTIAL, disk
from sneuron.store.folder import StudyFolder
from sneuron.store.guard import CheckedFiles
from sneuron.store.joining import join
from sneuron.store.layout import inner_chunks
from sneuron.store.opening import open_files
from sneuron.store.places import checked_path
from sneuron.store.seal import digest, seal, unseal
from sneuron.store.verify import Damage, table_damages

__all__ = ["LoadSim", "SaveSim", "receipt_of", "verify_file"]

_FORMAT = "sneuron-file"
_SCHEMA = 1
_RECEIPT = "receipt.json"
_VALUES = "sneuron_values"
_ROOT = "/"
_STATED = ("dtype", "scale_factor", "add_offset", "_FillValue", "missing_value", "units", "calendar")
_CHUNK = 4 << 20
_KINDS = {"O": "Python objects", "S": "bytes", "V": "records"}
_STALE = 3600.0


Saved = xr.Dataset | xr.DataArray | xr.DataTree


def SaveSim(data: Saved, file: str | os.PathLike[str], overwrite: bool = False) -> Path:
    """Save a state, a run or results; everything comes back as it was.

    The store is a folder that plain `xarray.open_zarr` opens too. It appears under its name only when all of it is safe
    on disk, and holds a receipt with the size and checksum of every file.

    Parameters
    ----------
    data : xr.Dataset, xr.DataArray or xr.DataTree
        Any dims, numbers, texts, times; Dask arrays are computed chunk by chunk. An `encoding` that a variable has
        (`spike_encoding`) is followed.
    file : path
        Where to; nothing else may be there.
    overwrite : bool, default False
        Replace a file that SaveSim wrote before; anything else is never replaced.

    Returns
    -------
    Path
        The absolute path.

    Raises
    ------
    StoreError
        The place is taken or cannot be written (`DiskFullError`: with the bytes that are needed and free).
    DataError
        Something in the data cannot be stored: which, and why.

    Examples
    --------
    >>> import tempfile, xarray as xr
    >>> run = xr.Dataset({"v": ("time", [-65.0, -64.9], {"units": "mV"})}, coords={"time": [0.0, 0.1]})
    >>> with tempfile.TemporaryDirectory() as folder:
    ...     path = SaveSim(run, f"{folder}/run.zarr")
    ...     LoadSim(path).identical(run)
    True
    """
    path = checked_path(file, "SaveSim")
    nodes, about = _described(data)
    _heal(path)
    _check_place(path, overwrite)
    disk().make_folders(path.parent)
    partial = path.with_name(f".{path.name[:160]}.{os.getpid()}-{secrets.token_hex(6)}{PARTIAL}")
    try:
        _write(nodes, about, partial)
        _swap(partial, path, overwrite)
    except BaseException:
        shutil.rmtree(partial, ignore_errors=True)
        raise
    return path


def LoadSim(file: str | os.PathLike[str], chunks: Mapping[str, int] | None = None) -> Saved:
    """Open what SaveSim saved, or the dataset of a study; values are read when they are asked for.

    Parameters
    ----------
    file : path
        A store of `SaveSim`, the folder of a study (what the store holds of it: `Study.open` also gives the coordinates
        that are computed), or a zarr store of another tool whose dims have coordinates.
    chunks : mapping, optional
        None reads lazily without Dask; a mapping makes Dask arrays with those chunks (`{}`: as they are stored).

    Returns
    -------
    xr.Dataset, xr.DataArray or xr.DataTree
        What was saved, with its dtypes, attrs, coords and units.

    Raises
    ------
    StoreError
        There is nothing that can be opened; says what lacks.
    DamageError
        A byte is not the one that was written; names the file. Values are checked when they are read.
    """
    path = checked_path(file, "LoadSim")
    _heal(path)
    if not path.exists():
        raise errors.StoreError(str(path), "there is nothing", mend="Check the path.")
    if not path.is_dir():
        raise errors.StoreError(str(path), "is a file, not a store", mend="Stores are folders.")
    if (path / "study.json").exists():
        return _study(StudyFolder.open(path), chunks)
    if (path / _RECEIPT).exists():
        return _restored(path, receipt_of(path), chunks)
    return _foreign(path, chunks)


def receipt_of(path: Path) -> dict[str, Any]:
    """The receipt of a saved file: its files with sizes and checksums, versions, and what was saved."""
    receipt = unseal((path / _RECEIPT).read_bytes(), path / _RECEIPT)
    if receipt.get("format") != _FORMAT:
        raise errors.StoreError(str(path / _RECEIPT), f"is not the receipt of a saved file: {receipt.get('format')!r}")
    if receipt["schema"] != _SCHEMA:
        raise errors.StoreError(
            str(path), f"was written in schema {receipt['schema']}; this version reads schema {_SCHEMA}"
        )
    return receipt


def checked_files(path: Path) -> CheckedFiles:
    """The store of a saved file."""
    return CheckedFiles(path, {key: (size, sha) for key, (size, sha) in receipt_of(path)["files"].items()})


def verify_file(path: Path) -> list[Damage]:
    """Every damaged file of a store that `SaveSim` wrote; the `part` of each is ""."""
    try:
        return list(table_damages(checked_files(path), ""))
    except (FileNotFoundError, errors.DamageError) as cause:
        reason = cause.given if isinstance(cause, errors.DamageError) else "is gone"
        return [Damage("", None, str(path / _RECEIPT), reason)]


class _SyncedFolder(Store):
    """A new folder whose files are written and synced through the disk in use, each of them once."""

    supports_writes = True
    supports_deletes = True
    supports_listing = True

    def __init__(self, root: Path, read_only: bool = False) -> None:
        super().__init__(read_only=read_only)
        self.root = root
        self.table: dict[str, tuple[int, str]] = {}
        self._reader = LocalStore(root)

    def __eq__(self, other: object) -> bool:
        return isinstance(other, _SyncedFolder) and self.root == other.root

    __hash__ = None  # type: ignore[assignment]

    def sums(self) -> dict[str, list[Any]]:
        """Size and checksum of every file; those that other processes wrote are read again."""
        files = {str(p.relative_to(self.root)): p for p in self.root.rglob("*") if p.is_file()}
        sums = {key: self.table.get(key) or _sum(path) for key, path in sorted(files.items())}
        return {key: list(entry) for key, entry in sums.items()}

    async def get(
        self, key: str, prototype: BufferPrototype | None = None, byte_range: ByteRequest | None = None
    ) -> Buffer | None:
        return await self._reader.get(key, prototype, byte_range)

    async def get_partial_values(
        self, prototype: BufferPrototype, key_ranges: Iterable[tuple[str, ByteRequest | None]]
    ) -> list[Buffer | None]:
        return await self._reader.get_partial_values(prototype, key_ranges)

    async def exists(self, key: str) -> bool:
        return await self._reader.exists(key)

    async def set(self, key: str, value: Buffer) -> None:
        await asyncio.to_thread(self._put, key, value.to_bytes())

    async def delete(self, key: str) -> None:
        self.table.pop(key, None)
        await self._reader.delete(key)

    async def list_prefix(self, prefix: str) -> AsyncIterator[str]:
        async for key in self._reader.list_prefix(prefix):
            yield key

    async def list_dir(self, prefix: str) -> AsyncIterator[str]:
        async for key in self._reader.list_dir(prefix):
            yield key

    async def list(self) -> AsyncIterator[str]:
        async for key in self._reader.list():
            yield key

    def _put(self, key: str, data: bytes) -> None:
        path = self.root / key
        disk().make_folders(path.parent)
        disk().place(disk().stage({path: data}))
        self.table[key] = (len(data), digest(data))


def _sum(path: Path) -> tuple[int, str]:
    data = path.read_bytes()
    return len(data), digest(data)


def _described(data: Saved) -> tuple[dict[str, xr.Dataset], dict[str, Any]]:
    """The data as datasets by path that zarr can hold, and what it takes to get the very same data back."""
    if isinstance(data, xr.DataTree):
        nodes = {node.path: node.to_dataset(inherit=False) for node in data.subtree}
        return nodes, {"kind": "tree", "nodes": {path: _about(node) for path, node in nodes.items()}}
    if isinstance(data, xr.DataArray):
        dataset = data.coords.to_dataset().assign({_VALUES: data.variable})
        return {_ROOT: dataset}, {"kind": "array", "name": _name(data.name), **_about(dataset)}
    if isinstance(data, xr.Dataset):
        return {_ROOT: data}, {"kind": "dataset", **_about(data)}
    raise errors.DataError(
        "SaveSim", f"{type(data).__name__} cannot be saved", "an xarray Dataset, DataArray or DataTree"
    )


def _about(dataset: xr.Dataset) -> dict[str, Any]:
    """What zarr forgets of a dataset."""
    _check_storable(dataset)
    variables = dataset.variables.items()
    return {
        "order": [str(name) for name in dataset.data_vars],
        "texts": {str(n): v.dtype.str for n, v in variables if v.dtype.kind in "UO"},
        "attrs": {str(n): _typed(v.attrs) for n, v in variables if _typed(v.attrs)},
        "dataset_attrs": _typed(dataset.attrs),
    }


def _name(name: Hashable) -> str | None:
    return None if name is None else str(name)


def _check_storable(data: xr.Dataset) -> None:
    for name, index in data.xindexes.items():
        if isinstance(index, xr.indexes.PandasMultiIndex):
            raise errors.DataError("SaveSim", f"{name!r} is a multi-index", mend="Use reset_index first.")
    for name, variable in data.variables.items():
        if not isinstance(name, str) or "/" in name or not name or name.startswith("__"):
            raise errors.DataError("SaveSim", f"{name!r} cannot name a variable of a store", "text without '/'")
        texts = variable.dtype.kind == "O" and all(isinstance(v, str) for v in variable.values.flat)
        if variable.dtype.kind not in "biufcmMU" and not texts:
            raise errors.DataError(
                "SaveSim",
                f"{name!r} holds {_KINDS.get(variable.dtype.kind, variable.dtype)}",
                "numbers, texts, times",
                mend="Convert it to numbers or text.",
            )
        _check_attrs(variable.attrs, f"variable {name!r}")
    _check_attrs(data.attrs, "the dataset")


def _check_attrs(attrs: Mapping[Any, Any], whose: str) -> None:
    for key, value in attrs.items():
        try:
            json.dumps(_simple(value))
        except (TypeError, ValueError) as cause:
            raise errors.DataError(
                "SaveSim", f"attribute {key!r} of {whose} is a {type(value).__name__}", "numbers, texts, lists of them"
            ) from cause


def _simple(value: Any) -> Any:
    """An attribute as JSON holds it."""
    if isinstance(value, np.ndarray | np.generic):
        return value.tolist()
    return value


def _typed(attrs: Mapping[Any, Any]) -> dict[str, list[Any]]:
    """NumPy's attributes with their dtypes, which JSON forgets."""
    typed = {str(k): v for k, v in attrs.items() if isinstance(v, np.ndarray | np.generic)}
    return {key: [v.dtype.str, isinstance(v, np.ndarray), v.tolist()] for key, v in typed.items()}


def _retyped(attrs: Mapping[Any, Any], typed: Mapping[str, list[Any]]) -> dict[Any, Any]:
    """Attributes with their NumPy dtypes again."""
    again = {key: np.array(values, dtype=dtype) for key, (dtype, _, values) in typed.items()}
    return {**attrs, **{key: value if typed[key][1] else value[()] for key, value in again.items()}}


def _write(nodes: Mapping[str, xr.Dataset], about: Mapping[str, Any], folder: Path) -> None:
    """A whole store under a passing name, synced, its receipt last."""
    disk().make_folders(folder)
    store = _SyncedFolder(folder)
    target: Any = store  # xarray takes any store of zarr, but does not say so
    for path, data in nodes.items():
        ready = _ready(data)
        with warnings.catch_warnings():
            warnings.filterwarnings("ignore", category=FutureWarning)
            ready.to_zarr(
                target, group=path, mode="w-", zarr_format=3, consolidated=False, encoding=_encoding(ready),
                write_empty_chunks=True,
            )  # fmt: skip
    consolidated(store)
    now = datetime.datetime.now(datetime.UTC).isoformat(timespec="seconds")
    body = {"format": _FORMAT, "schema": _SCHEMA, "created": now, "versions": versions(), "data": about}
    disk().put(folder / _RECEIPT, seal({**body, "files": store.sums()}))


def _ready(data: xr.Dataset) -> xr.Dataset:
    """A copy without leftovers of where the data came from, in even chunks, with attributes as JSON holds them."""
    copy = texts_stored(data.copy())
    for variable in copy.variables.values():
        variable.encoding = {k: v for k, v in variable.encoding.items() if k in _STATED and not _is_text(variable)}
        variable.attrs = {str(k): _simple(v) for k, v in variable.attrs.items()}
    uneven = {d: max(n) for d, n in copy.chunksizes.items() if len(set(n[:-1])) > 1 or n[-1] > n[0]}
    copy = copy.chunk(uneven) if uneven else copy
    copy.attrs = {str(k): _simple(v) for k, v in data.attrs.items()}
    copy.encoding = {}
    return copy


def _is_text(variable: xr.Variable) -> bool:
    return variable.dtype.kind in "OUST"


def _encoding(data: xr.Dataset) -> dict[str, dict[str, Any]]:
    """Chunks and codecs of each variable; always with a checksum."""
    return {str(name): _encoded(variable) for name, variable in data.variables.items()}


def _encoded(variable: xr.Variable) -> dict[str, Any]:
    dtype = np.dtype(variable.encoding.get("dtype", variable.dtype)) if not _is_text(variable) else np.dtype("u1")
    codecs = checked_codecs(dtype) if dtype.kind in "iufc" else [ZstdCodec(level=1), Crc32cCodec()]
    chosen: dict[str, Any] = {**variable.encoding, "compressors": codecs}
    if variable.chunks is not None:
        chosen["chunks"] = tuple(max(1, n[0]) for n in variable.chunks)
    elif variable.size:
        chosen["chunks"] = inner_chunks(variable.shape, max(1, variable.dtype.itemsize), _CHUNK)
    return chosen


def _restored(path: Path, receipt: Mapping[str, Any], chunks: Mapping[str, int] | None) -> Saved:
    about = receipt["data"]
    if about["kind"] == "tree":
        nodes = {group: _node(path, told, group) for group, told in about["nodes"].items()}
        return xr.DataTree.from_dict({group: _chunked(node, _own(node, chunks)) for group, node in nodes.items()})
    data = _chunked(_node(path, about), chunks)
    if about["kind"] == "dataset":
        return data
    array: xr.DataArray = data[_VALUES].rename(about["name"])
    return array


def _node(path: Path, about: Mapping[str, Any], group: str = _ROOT) -> xr.Dataset:
    """One group of a saved file as it was."""
    data: xr.Dataset = open_files(checked_files(path), about["texts"], group)
    for name, typed in about["attrs"].items():
        data[name].attrs = _retyped(data[name].attrs, typed)
    data.attrs = _retyped(data.attrs, about["dataset_attrs"])
    order: list[str] = about["order"]
    return data[order].assign_coords(data.coords)


def _chunked(data: xr.Dataset, chunks: Mapping[str, int] | None) -> xr.Dataset:
    return data if chunks is None else data.chunk(dict(chunks) or _stored_chunks(data))


def _own(node: xr.Dataset, chunks: Mapping[str, int] | None) -> dict[str, int] | None:
    """Of the chunks asked for in a tree, those along dims of one node."""
    return None if chunks is None else {dim: n for dim, n in chunks.items() if dim in node.sizes}


def _study(folder: StudyFolder, chunks: Mapping[str, int] | None) -> xr.Dataset:
    """The parts of a study that are cut along the same dims as one, and beside them those that are cut along others."""
    parts = {name: folder.open_dataset(name) for name in folder.parts}
    if not parts:
        raise errors.StoreError(str(folder.path), "the study has no parts yet", mend="Run it.")
    cut = {name: set(data.encoding["block"]) for name, data in parts.items()}
    first = next(iter(cut.values()))
    whole = join([data for name, data in parts.items() if cut[name] == first], chunks=chunks)
    for name, data in parts.items():
        if cut[name] != first:
            taken = {n: f"{name}_{n}" for n in data.variables if n in whole.variables and n not in data.dims}
            beside = join([data.rename(taken)], chunks=chunks)
            whole = whole.merge(beside, join="outer", compat="override", combine_attrs="override")
    return whole


def _stored_chunks(data: xr.Dataset) -> dict[Hashable, int]:
    found: dict[Hashable, int] = {}
    for variable in data.variables.values():
        found.update(variable.encoding.get("preferred_chunks", {}))
    return found


def _foreign(path: Path, chunks: Mapping[str, int] | None) -> xr.Dataset:
    """A zarr store of another tool, when it says what its axes mean."""
    if not any((path / name).exists() for name in ("zarr.json", ".zgroup", ".zmetadata")):
        raise errors.StoreError(str(path), "is neither a saved file, nor a study, nor a zarr group")
    try:
        data: xr.Dataset = xr.open_zarr(path, chunks=None, consolidated=False)
    except (KeyError, ValueError) as cause:
        raise errors.StoreError(str(path), f"cannot be opened as a dataset: {cause}", mend="Name the dims.") from cause
    lacking = [str(d) for d in data.sizes if d not in data.coords and not _described_by(data, d)]
    if lacking:
        raise errors.StoreError(
            str(path),
            f"the dims {', '.join(lacking)} have no coordinate: nothing says what they mean",
            mend="Add coordinates with xarray and save it again.",
        )
    return data if chunks is None else data.chunk(dict(chunks) or _stored_chunks(data))


def _described_by(data: xr.Dataset, dim: Hashable) -> bool:
    return any(dim in coord.dims for coord in data.coords.values())


def _check_place(path: Path, overwrite: bool) -> None:
    """The place is free, or holds what may be replaced."""
    if not path.exists():
        return
    ours = path.is_dir() and (path / _RECEIPT).exists() and not (path / "study.json").exists()
    if not ours:
        raise errors.StoreError(str(path), f"is taken by {_what(path)}", mend="Choose another name.")
    if not overwrite:
        raise errors.StoreError(str(path), "is there already", mend="Choose another name, or give overwrite=True.")


def _what(path: Path) -> str:
    if not path.is_dir():
        return "a file"
    return "a study" if (path / "study.json").exists() else "a folder that SaveSim did not write"


def _swap(partial: Path, path: Path, overwrite: bool) -> None:
    """Give a whole store its name; one that had it is removed after."""
    old = path.with_name(f".{path.name[:160]}.before")
    if path.exists():
        _check_place(path, overwrite)
        disk().rename(path, old)
    disk().rename(partial, path)
    disk().sync_folder(path.parent)
    shutil.rmtree(old, ignore_errors=True)


def _heal(path: Path) -> None:
    """After a crash in the middle of a swap the old store gets its name back; passing folders are removed in time."""
    old = path.with_name(f".{path.name[:160]}.before")
    if old.is_dir() and not path.exists():
        with contextlib.suppress(OSError):
            disk().rename(old, path)
    for folder in _stale(path):
        shutil.rmtree(folder, ignore_errors=True)


def _stale(path: Path) -> Iterator[Path]:
    """Passing folders of this store that nobody wrote to for an hour."""
    for folder in path.parent.glob(f".{glob.escape(path.name[:160])}.*{PARTIAL}"):
        with contextlib.suppress(OSError):
            if folder.is_dir() and folder.stat().st_mtime < time.time() - _STALE:
                yield folder
