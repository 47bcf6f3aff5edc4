"""A zarr store that reads a part of a study and never makes up a value.

Metadata and coords must have the checksums of `study.json`, a chunk those of its receipt. A chunk without a receipt is
absent, whatever lies in its place; one with a receipt is right or an error.
"""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Iterable, Mapping
from pathlib import Path
from typing import Any

from zarr.abc.store import ByteRequest, OffsetByteRequest, RangeByteRequest, Store, SuffixByteRequest
from zarr.core.buffer import Buffer, BufferPrototype, default_buffer_prototype

from sneuron import errors
from sneuron.store.layout import Template
from sneuron.store.receipts import PartPlace, Stretch, read_checked, read_receipt
from sneuron.store.seal import damage

__all__ = ["CheckedFiles", "PartStore"]


class CheckedFiles(Store):
    """A read-only store of files whose sizes and checksums are known beforehand; no other file is seen.

    Parameters
    ----------
    root : Path
        Folder of the zarr group.
    table : mapping of str to (int, str)
        Size and SHA-256 of each file by its path below `root`.
    """

    supports_writes = False
    supports_deletes = False
    supports_listing = True

    def __init__(self, root: Path, table: Mapping[str, tuple[int, str]]) -> None:
        super().__init__(read_only=True)
        self.root = root
        self.table = dict(table)

    def __eq__(self, other: object) -> bool:
        return type(other) is type(self) and vars(other) == vars(self)

    __hash__ = None  # type: ignore[assignment]

    def __str__(self) -> str:
        return str(self.root)

    def with_read_only(self, read_only: bool = False) -> CheckedFiles:
        """The store itself: it cannot be written."""
        if not read_only:
            raise errors.StoreError(str(self.root), "is read only here")
        return self

    def read(self, key: str, stretch: Stretch | None = None) -> bytes | None:
        """Bytes of a file or a stretch of it, checked; None when there must be none."""
        entry = self.table.get(key)
        return None if entry is None else read_checked(self.root / key, *entry, repr(key), stretch)

    async def get(
        self, key: str, prototype: BufferPrototype | None = None, byte_range: ByteRequest | None = None
    ) -> Buffer | None:
        """Bytes of a file or of a stretch of it."""
        data = await asyncio.to_thread(self.read, key, _stretch(byte_range))
        return None if data is None else (prototype or default_buffer_prototype()).buffer.from_bytes(data)

    async def get_partial_values(
        self, prototype: BufferPrototype, key_ranges: Iterable[tuple[str, ByteRequest | None]]
    ) -> list[Buffer | None]:
        """Several stretches."""
        return list(await asyncio.gather(*[self.get(key, prototype, stretch) for key, stretch in key_ranges]))

    async def exists(self, key: str) -> bool:
        """Whether there must be such a file."""
        return key in self.table

    async def set(self, key: str, value: Buffer) -> None:
        """Refused."""
        raise errors.StoreError(str(self.root), f"{key!r} cannot be written: the data are opened for reading")

    async def delete(self, key: str) -> None:
        """Refused."""
        raise errors.StoreError(str(self.root), f"{key!r} cannot be removed: the data are opened for reading")

    async def list(self) -> AsyncIterator[str]:
        """Files of the table."""
        for key in self.table:
            yield key

    async def list_prefix(self, prefix: str) -> AsyncIterator[str]:
        """Files of the table below a folder."""
        for key in self.table:
            if key.startswith(prefix):
                yield key

    async def list_dir(self, prefix: str) -> AsyncIterator[str]:
        """Names in a folder."""
        start = f"{prefix.rstrip('/')}/" if prefix.rstrip("/") else ""
        for name in dict.fromkeys(k[len(start) :].split("/")[0] for k in self.table if k.startswith(start)):
            yield name


class PartStore(CheckedFiles):
    """A part of a study, also while it is being computed.

    Parameters
    ----------
    place : PartPlace
        Where its files lie.
    table : mapping
        Size and checksum of metadata and coords.
    template : Template
        Which file belongs to which block.
    study : str
        Hash that its receipts bear.
    complete : bool
        Whether every block must have a receipt.
    """

    def __init__(
        self,
        place: PartPlace,
        table: Mapping[str, tuple[int, str]],
        template: Template,
        study: str,
        complete: bool = False,
    ) -> None:
        super().__init__(place.data, table)
        self.place = place
        self.template = template
        self.study = study
        self.complete = complete

    def read(self, key: str, stretch: Stretch | None = None) -> bytes | None:
        """Bytes of a file or a stretch of it, checked; None for a chunk that was not computed."""
        name, _, chunk = key.partition("/")
        variable = next((v for v in self.template.variables if v.name == name), None)
        block = None if variable is None else self.template.block_of(variable, chunk)
        return super().read(key, stretch) if block is None else self._chunk(key, name, block, stretch)

    async def exists(self, key: str) -> bool:
        """Whether there is such a file, and it counts."""
        return key in self.table or await asyncio.to_thread(self.read, key) is not None

    def _chunk(self, key: str, name: str, block: int, stretch: Stretch | None) -> bytes | None:
        receipt = read_receipt(self.place, block, self.study)
        whose = f"block {block} of variable {name!r} in part {self.place.part!r}"
        if receipt is None:
            if self.complete:
                raise damage(self.place.receipt(block), f"is gone, though {whose} was written")
            return None
        file: dict[str, Any] | None = receipt["files"].get(name)
        if file is None:
            raise damage(self.place.receipt(block), f"does not tell about {whose}")
        return read_checked(self.root / key, file["size"], file["sha256"], whose, stretch)


def _stretch(wanted: ByteRequest | None) -> Stretch | None:
    """Zarr's ways to ask for a stretch."""
    match wanted:
        case RangeByteRequest(start, end):
            return lambda size: (min(start, size), min(end, size))
        case OffsetByteRequest(offset):
            return lambda size: (min(offset, size), size)
        case SuffixByteRequest(suffix):
            return lambda size: (max(0, size - suffix), size)
        case _:
            return None
