"""Looking at every byte of a study again."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

from sneuron import errors
from sneuron.store.guard import CheckedFiles, PartStore
from sneuron.store.seal import digest, unseal

__all__ = ["Damage", "damages", "table_damages"]


@dataclass(frozen=True)
class Damage:
    """A file whose bytes are not those that were written.

    Parameters
    ----------
    part : str
        Part of the study.
    block : int or None
        Number of the block; None for what belongs to the whole part.
    file : str
        Path of the file.
    reason : str
        What is the matter with it.
    """

    part: str
    block: int | None
    file: str
    reason: str


def damages(store: PartStore) -> Iterator[Damage]:
    """Every damaged file of a part: metadata and coords, receipts, and the files that receipts tell of."""
    part = store.place.part
    yield from table_damages(store, part)
    done = store.place.done()
    for block in sorted(done):
        yield from _of_block(store, block)
    if store.complete:
        for block in sorted(set(range(store.template.n_blocks)) - done):
            yield Damage(part, block, str(store.place.receipt(block)), "the receipt is gone")


def table_damages(store: CheckedFiles, part: str) -> Iterator[Damage]:
    """Every file of a table that is not what was written."""
    for key, (size, sha) in store.table.items():
        if reason := _wrong(store.root / key, size, sha):
            yield Damage(part, None, str(store.root / key), reason)


def _of_block(store: PartStore, block: int) -> Iterator[Damage]:
    part, path = store.place.part, store.place.receipt(block)
    try:
        receipt = unseal(path.read_bytes(), path)
    except FileNotFoundError:  # dropped in this moment
        return
    except errors.DamageError as cause:
        yield Damage(part, block, str(path), cause.given)
        return
    if (receipt["study"], receipt["part"], receipt["block"]) != (store.study, part, block):
        yield Damage(part, block, str(path), "is the receipt of another block or study")
        return
    for variable in store.template.variables:
        file = receipt["files"].get(variable.name)
        path = store.root / variable.name / store.template.key(variable, block)
        if file is not None and (reason := _wrong(path, file["size"], file["sha256"])):
            yield Damage(part, block, str(path), reason)


def _wrong(path: Path, size: int, sha: str) -> str | None:
    """What is wrong with a file, if anything."""
    try:
        data = path.read_bytes()
    except OSError as cause:
        return "is gone" if isinstance(cause, FileNotFoundError) else f"cannot be read: {cause.strerror}"
    if len(data) != size:
        return f"has {len(data):,} bytes instead of {size:,}"
    return None if digest(data) == sha else "has other bytes than were written"
