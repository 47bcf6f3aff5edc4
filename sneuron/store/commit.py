"""How a block gets on disk: its files, then its receipt; once."""

from __future__ import annotations

import datetime
import functools
import os
import platform
from collections.abc import Mapping
from importlib.metadata import version
from pathlib import Path
from typing import Any

import numpy as np

from sneuron import errors, labels
from sneuron.store.arrays import BlockWriter
from sneuron.store.disk import disk
from sneuron.store.locks import block_lock
from sneuron.store.planfile import Part
from sneuron.store.receipts import PartPlace, conflict, read_checked, read_receipt
from sneuron.store.seal import digest, plain, seal
from sneuron.version import __version__

__all__ = ["commit_block", "versions"]

_KEPT = 16


def commit_block(
    place: PartPlace, part: Part, block: int, arrays: Mapping[str, Any], info: Mapping[str, Any]
) -> dict[str, Any]:
    """Write a block and its receipt; see `StudyFolder.write_block`."""
    made, sums = _writer(place, part).files(block, arrays, f"block {block} of part {part.name!r}")
    receipt = {
        **_about(part, block),
        "files": {n: {"size": len(d), "sha256": digest(d), "values": sums[n]} for n, d in made.items()},
        "status": _counts(arrays.get(labels.STATUS)),
        "info": plain(info),
    }
    paths = {place.data / n / part.layout.key(part.layout.variable(n), block): data for n, data in made.items()}
    try:
        return _commit(place, block, part.study, receipt, paths)
    except FileNotFoundError as cause:
        raise errors.StoreError(
            str(place.root), f"the folder of the study is gone; block {block} was not written"
        ) from cause


def versions() -> dict[str, str]:
    """Versions of what writes the store."""
    names = ("numpy", "xarray", "zarr", "numcodecs")
    return {"python": platform.python_version(), "sneuron": __version__, **{name: _version(name) for name in names}}


@functools.cache
def _version(name: str) -> str:
    try:
        return version(name)
    except ImportError:  # runs from a checkout that was not installed
        return "unknown"


_writers: dict[tuple[PartPlace, str], BlockWriter] = {}


def _writer(place: PartPlace, part: Part) -> BlockWriter:
    """The writer of a part, one in a process; its arrays are opened once."""
    key = (place, part.key)
    if key not in _writers:
        metadata = {
            v.name: read_checked(
                place.data / v.name / "zarr.json", *part.metadata(v.name), whose=f"the metadata of {v.name!r}"
            )
            for v in part.layout.variables
        }
        if len(_writers) > _KEPT:
            _writers.clear()
        _writers[key] = BlockWriter(part.layout, metadata)
    return _writers[key]


def _about(part: Part, block: int) -> dict[str, Any]:
    now = datetime.datetime.now(datetime.UTC).isoformat(timespec="milliseconds")
    return {
        "study": part.study,
        "part": part.name,
        "block": block,
        "region": {d: [s.start, s.stop] for d, s in part.layout.region(block).items()},
        "written": now,
        "by": {"host": platform.node(), "pid": os.getpid()},
        "versions": versions(),
    }


def _counts(status: Any) -> dict[str, int]:
    """How many points came to which end."""
    if status is None:
        return {}
    codes, counts = np.unique(np.asarray(status), return_counts=True)
    named = {int(s): s.name.lower() for s in labels.Status}
    return {named.get(int(code), str(code)): int(n) for code, n in zip(codes, counts, strict=True)}


def _commit(
    place: PartPlace, block: int, study: str, receipt: dict[str, Any], files: Mapping[Path, bytes]
) -> dict[str, Any]:
    """Data first, then the receipt; a block that has a receipt is left alone."""
    old = read_receipt(place, block, study)
    if old is not None:
        return _settled(old, receipt, files)
    staged = disk().stage(files) if files else {}
    with block_lock(place.receipts, block):
        old = read_receipt(place, block, study)
        if old is None:
            if staged:
                disk().place(staged)
            disk().put_once(place.receipt(block), seal(receipt))
            return receipt
    disk().discard(staged)
    return _settled(old, receipt, files)


def _settled(old: dict[str, Any], new: Mapping[str, Any], files: Mapping[Path, bytes]) -> dict[str, Any]:
    """The first receipt, when it stands for the same values; its files are put back where they are gone."""
    if differing := conflict(old, new):
        raise errors.StoreError(
            f"block {old['block']} of part {old['part']!r}",
            f"was written before with other values of {', '.join(differing)}",
            mend="The first ones are kept. Results must not depend on machine, order or time: look for what differs.",
        )
    gone = {path: data for path, data in files.items() if not path.exists() or path.stat().st_size != len(data)}
    same = {f["sha256"] for f in old["files"].values()}
    gone = {path: data for path, data in gone.items() if digest(data) in same}
    if gone:
        disk().put_all(gone)
    return old
