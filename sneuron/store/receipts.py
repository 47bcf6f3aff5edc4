"""Receipts: what was written of a block, by whom, and how its bytes add up. Readers trust nothing else.

A receipt is written once, after the files of its block are safe. No receipt: not computed. A receipt without its files,
or with other bytes in them: an error that names the chunk.
"""

from __future__ import annotations

import contextlib
import os
from collections import OrderedDict
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from sneuron import errors
from sneuron.store.seal import damage, digest, unseal

__all__ = ["PartPlace", "conflict", "read_checked", "read_receipt"]

_KEPT = 65_536

Stretch = Callable[[int], tuple[int, int]]
"""Start and stop of what is wanted of a file of so many bytes."""


@dataclass(frozen=True)
class PartPlace:
    """Where the files of a part of a study lie."""

    root: Path
    part: str

    @property
    def data(self) -> Path:
        """Folder of the zarr group."""
        return self.root / "data" / self.part

    @property
    def receipts(self) -> Path:
        """Folder of the receipts."""
        return self.root / "receipts" / self.part

    def receipt(self, block: int) -> Path:
        """File of a receipt."""
        return self.receipts / f"{block}.json"

    def done(self) -> set[int]:
        """Numbers of the blocks that have a receipt."""
        try:
            with os.scandir(self.receipts) as entries:
                names = [e.name for e in entries]
        except FileNotFoundError:
            raise errors.StoreError(str(self.receipts), "the folder of the receipts is gone") from None
        return {int(n[:-5]) for n in names if n.endswith(".json") and n[:-5].isdecimal()}


class _Kept(OrderedDict[str, tuple[tuple[int, int, int], Any]]):
    """What was found out about files, as long as they are the same files; the oldest is forgotten first."""

    def get_for(self, path: Path, signature: tuple[int, int, int]) -> Any:
        found = self.get(str(path))
        return found[1] if found is not None and found[0] == signature else None

    def keep(self, path: Path, signature: tuple[int, int, int], what: Any) -> None:
        self[str(path)] = (signature, what)
        if len(self) > _KEPT:
            with contextlib.suppress(KeyError):  # another thread forgot it
                self.popitem(last=False)


_receipts = _Kept()
_checked = _Kept()


def read_receipt(place: PartPlace, block: int, study: str) -> dict[str, Any] | None:
    """The receipt of a block, or None when it has none.

    Parameters
    ----------
    place : PartPlace
        The part.
    block : int
        Number of the block.
    study : str
        Hash of the study that must have written it.

    Raises
    ------
    DamageError
        The receipt is not what was written, or belongs elsewhere.
    """
    path = place.receipt(block)
    try:
        signature = _signature(path)
        kept = _receipts.get_for(path, signature)
        if kept is None:
            kept = _own(unseal(path.read_bytes(), path), path, place, block, study)
            _receipts.keep(path, signature, kept)
    except FileNotFoundError:
        return None
    return dict(kept)


def read_checked(path: Path, size: int, sha: str, whose: str, stretch: Stretch | None = None) -> bytes:
    """Bytes of a file, or a stretch of them, that must have that size and checksum.

    A file is added up once for as long as it stays the same file of the same size and time; after that only the stretch
    is read.

    Raises
    ------
    DamageError
        The file is not what was written; says whose it is.
    """
    try:
        with path.open("rb") as file:
            stat = os.fstat(file.fileno())
            signature = (stat.st_mtime_ns, stat.st_size, stat.st_ino)
            if stretch is not None and stat.st_size == size and _checked.get_for(path, signature) == sha:
                start, stop = stretch(size)
                file.seek(start)
                return file.read(stop - start)
            data = file.read()
    except OSError as cause:
        gone = isinstance(cause, FileNotFoundError | NotADirectoryError | IsADirectoryError)
        what = f"is gone, though {whose} was written" if gone else f"cannot be read: {cause.strerror} ({whose})"
        raise damage(path, what) from cause
    if len(data) != size:
        raise damage(path, f"has {len(data):,} bytes instead of {size:,} ({whose})")
    if _checked.get_for(path, signature) != sha:
        if digest(data) != sha:
            raise damage(path, f"has other bytes than were written ({whose})")
        _checked.keep(path, signature, sha)
    return data if stretch is None else data[slice(*stretch(size))]


def conflict(old: Mapping[str, Any], new: Mapping[str, Any]) -> list[str]:
    """Variables whose values differ between two receipts of one block."""
    names = {**old["files"], **new["files"]}
    sums = [{n: f["values"] for n, f in receipt["files"].items()} for receipt in (old, new)]
    return sorted(n for n in names if sums[0].get(n) != sums[1].get(n))


def each_receipt(place: PartPlace, study: str) -> Iterator[dict[str, Any]]:
    """All receipts of a part in the order of the blocks."""
    for block in sorted(place.done()):
        receipt = read_receipt(place, block, study)
        if receipt is not None:
            yield receipt


def _own(receipt: dict[str, Any], path: Path, place: PartPlace, block: int, study: str) -> dict[str, Any]:
    if (receipt.get("study"), receipt.get("part"), receipt.get("block")) != (study, place.part, block):
        raise damage(path, f"is the receipt of another block or study, not of block {block} of {place.part!r}")
    return receipt


def _signature(path: Path) -> tuple[int, int, int]:
    stat = path.stat()
    return stat.st_mtime_ns, stat.st_size, stat.st_ino
