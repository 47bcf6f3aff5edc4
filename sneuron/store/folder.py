"""A study on disk: its plan, its parts, and the blocks of them that are done."""

from __future__ import annotations

import contextlib
import datetime
import functools
import os
import platform
import re
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from importlib.metadata import version
from pathlib import Path
from typing import Any

import numpy as np
import xarray as xr

from sneuron import errors, labels
from sneuron.store import arrays as codec
from sneuron.store.disk import disk
from sneuron.store.guard import PartStore
from sneuron.store.layout import Template
from sneuron.store.locks import block_lock
from sneuron.store.opening import open_part, template_of
from sneuron.store.places import checked_path
from sneuron.store.receipts import PartPlace, conflict, each_receipt, read_checked, read_receipt
from sneuron.store.seal import damage, digest, plain, seal, unseal
from sneuron.store.verify import Damage, damages

__all__ = ["SCHEMA", "StudyFolder"]

SCHEMA = 1
"""Version of the files of a study; others are refused by name."""

_FORMAT = "sneuron-study"
_PART = re.compile(r"[A-Za-z0-9][A-Za-z0-9_-]{0,63}\Z")


@dataclass(frozen=True)
class StudyFolder:
    """A folder that holds a study; cheap to open, and opened anew wherever it is sent to.

    Use `StudyFolder.create` or `StudyFolder.open`.

    Parameters
    ----------
    path : Path
        The folder.
    """

    path: Path

    @classmethod
    def create(cls, path: str | os.PathLike[str], plan: Mapping[str, Any], plan_hash: str) -> StudyFolder:
        """Make the folder of a study, or attach to it when it is there already.

        Parameters
        ----------
        path : str or path
            The folder; it may be there when it is empty.
        plan : mapping
            The plan, as JSON holds it.
        plan_hash : str
            Its hash: another study's folder is refused.

        Returns
        -------
        StudyFolder

        Raises
        ------
        StoreError
            The place is taken by something else, or cannot be written.
        """
        root = checked_path(path, "store")
        _check_free(root)
        now = datetime.datetime.now(datetime.UTC).isoformat(timespec="seconds")
        body = {"format": _FORMAT, "schema": SCHEMA, "plan": plan, "plan_hash": plan_hash, "created": now, "parts": {}}
        if not (root / "study.json").exists():
            disk().make_folders(root)
            disk().put_once(root / "study.json", seal({**body, "versions": versions()}))
        folder = cls.open(root)
        if folder.plan_hash != plan_hash:
            raise errors.StoreError(
                str(root),
                f"holds another study: its hash is {folder.plan_hash}, that of this one is {plan_hash}",
                mend="Choose another folder, or extend that study.",
            )
        return folder

    @classmethod
    def open(cls, path: str | os.PathLike[str]) -> StudyFolder:
        """Open the folder of a study.

        Raises
        ------
        StoreError
            There is no study, or one of another schema.
        DamageError
            `study.json` is not what was written.
        """
        root = checked_path(path, "store")
        if not root.exists():
            raise errors.StoreError(str(root), "there is nothing", mend="Create the study first.")
        if not root.is_dir():
            raise errors.StoreError(str(root), "is a file, not the folder of a study")
        folder = cls(root)
        folder._body()
        return folder

    @property
    def plan(self) -> dict[str, Any]:
        """The plan as it is now."""
        plan: dict[str, Any] = self._body()["plan"]
        return plan

    @property
    def plan_hash(self) -> str:
        """The hash of the plan."""
        return str(self._body()["plan_hash"])

    @property
    def created(self) -> str:
        """When the study was created (UTC)."""
        return str(self._body()["created"])

    @property
    def parts(self) -> list[str]:
        """Names of the parts in the order of their addition."""
        entries = self._body()["parts"]
        return sorted(entries, key=lambda name: entries[name]["number"])

    def add_part(
        self,
        name: str,
        template: Template,
        *,
        plan: Mapping[str, Any] | None = None,
        plan_hash: str | None = None,
    ) -> None:
        """Lay out the arrays of a part; nothing that is there is touched.

        Parameters
        ----------
        name : str
            Letters, digits, `_` and `-`.
        template : Template
            Dims, blocks, variables and coords.
        plan, plan_hash : mapping and str, optional
            The plan that the study has from now on, changed in the same stroke.

        Raises
        ------
        StoreError
            The part is there already with another layout.
        """
        body = self._body()
        entry = _entry(name, template, plan_hash or body["plan_hash"], len(body["parts"]))
        if name in body["parts"]:
            self._check_same(name, entry["layout"], body["parts"][name]["layout"])
            return
        place = PartPlace(self.path, name)
        files = codec.part_files(template)
        for folder in dict.fromkeys([place.receipts, place.data, *((place.data / f).parent for f in files)]):
            disk().make_folders(folder)
        disk().put_all({place.data / file: data for file, data in files.items()})
        entry["files"] = {file: [len(data), digest(data)] for file, data in files.items()}
        changed = {} if plan is None else {"plan": plan, "plan_hash": plan_hash or body["plan_hash"]}
        self._rewrite({**body, **changed, "parts": {**body["parts"], name: entry}})

    def template(self, part: str) -> Template:
        """The layout of a part, with its attrs and coords."""
        return template_of(self._layout(part), self._store(part))

    def write_block(
        self, part: str, block: int, arrays: Mapping[str, Any], info: Mapping[str, Any] | None = None
    ) -> dict[str, Any]:
        """Keep the results of a block: its files first, then, when they are safe, its receipt.

        Parameters
        ----------
        part : str
            The part.
        block : int
            Number of the block.
        arrays : mapping of str to array
            Every variable of the part, cut to the block (`Template.selection`).
        info : mapping, optional
            What else the receipt shall say (attempt, epoch, timings, messages).

        Returns
        -------
        dict
            The receipt. A block that was written before with the same values keeps its first receipt.

        Raises
        ------
        DataError
            A variable is lacking, unknown, or of the wrong shape or dtype.
        StoreError
            The block was written before with other values.
        DiskFullError
            There is no space; nothing was changed.
        """
        where = f"block {block} of part {part!r}"
        place, study = PartPlace(self.path, part), self._study(part)
        made, sums = self._writer(part).files(block, arrays, where)
        paths = {name: self._chunk(part, name, block) for name in made}
        receipt = {
            **_about(study, part, block, self._layout(part).region(block)),
            "files": {
                name: {"size": len(data), "sha256": digest(data), "values": sums[name]} for name, data in made.items()
            },
            "status": _counts(arrays.get(labels.STATUS)),
            "info": plain(dict(info or {})),
        }
        with _receipted(place, block):
            return _commit(place, block, study, receipt, {paths[name]: data for name, data in made.items()})

    def done(self, part: str) -> set[int]:
        """Numbers of the blocks that have a receipt."""
        self._part(part)
        return PartPlace(self.path, part).done()

    def missing(self, part: str) -> list[int]:
        """Numbers of the blocks that have none, in order."""
        done = self.done(part)
        return [block for block in range(self._layout(part).n_blocks) if block not in done]

    def receipt(self, part: str, block: int) -> dict[str, Any]:
        """The receipt of a block; StoreError when it has none."""
        found = read_receipt(PartPlace(self.path, part), block, self._study(part))
        if found is None:
            raise errors.StoreError(f"block {block} of part {part!r}", "has no receipt: it is not computed yet")
        return found

    def receipts(self, part: str) -> Iterator[dict[str, Any]]:
        """All receipts of a part in the order of the blocks."""
        return each_receipt(PartPlace(self.path, part), self._study(part))

    def drop_receipt(self, part: str, block: int) -> None:
        """Forget a block, so that it is computed again; safe on return."""
        self._part(part)
        if self._part(part).get("complete"):
            self._mark(part, complete=False)
        path = PartPlace(self.path, part).receipt(block)
        disk().remove(path)
        disk().sync_folder(path.parent)

    def open_dataset(
        self, part: str, *, chunks: Mapping[str, int] | str | None = None, lazy_coords: Any = None
    ) -> xr.Dataset:
        """A part as a lazy dataset, at any time and from any process.

        Parameters
        ----------
        part : str
            The part.
        chunks : mapping or "store", optional
            None reads lazily without Dask; `{}` or "store" makes Dask arrays cut as the blocks are; a mapping makes
            Dask arrays with those chunks.
        lazy_coords : iterable or mapping of mappings, optional
            Coords computed when asked for: `{"name", "dims", "attrs", "compute": f(start, stop) -> ndarray}`.

        Returns
        -------
        xr.Dataset
            Blocks that were not computed read as `status` 0 and NaN; a damaged block raises DamageError when read.
        """
        return open_part(self._layout(part), self._store(part), chunks, lazy_coords)

    def consolidate(self) -> None:
        """Note which parts have all their blocks: from then on a receipt that is gone is a damage, too."""
        for part in self.parts:
            if not self._part(part).get("complete") and not self.missing(part):
                self._mark(part, complete=True)

    def verify(self, part: str | None = None) -> list[Damage]:
        """Read every byte of one part, or of all, again.

        Parameters
        ----------
        part : str, optional
            The part; by default all.

        Returns
        -------
        list of Damage
            Empty when all is well. Damaged blocks are mended by `drop_receipt` and computing them again.
        """
        return [found for name in ([part] if part else self.parts) for found in damages(self._store(name))]

    def sweep(self, older: float = 60.0) -> int:
        """Remove what killed writers left behind more than `older` seconds ago; how many files it was."""
        return disk().sweep(self.path, older)

    def _body(self) -> dict[str, Any]:
        path = self.path / "study.json"
        try:
            stat = path.stat()
        except (FileNotFoundError, NotADirectoryError):
            raise errors.StoreError(
                str(self.path), "is not the folder of a study: there is no study.json in it"
            ) from None
        return _study_body(path, (stat.st_mtime_ns, stat.st_size, stat.st_ino))

    def _part(self, part: str) -> dict[str, Any]:
        parts = self._body()["parts"]
        if part not in parts:
            raise errors.unknown(str(self.path), "part", part, parts)
        found: dict[str, Any] = parts[part]
        return found

    def _study(self, part: str) -> str:
        return str(self._part(part)["study"])

    def _layout(self, part: str) -> Template:
        return _layout(_frozen(self._part(part)["layout"]))

    def _store(self, part: str) -> PartStore:
        entry = self._part(part)
        table = {file: (size, sha) for file, (size, sha) in entry["files"].items()}
        place = PartPlace(self.path, part)
        return PartStore(place, table, self._layout(part), entry["study"], bool(entry.get("complete")))

    def _writer(self, part: str) -> codec.BlockWriter:
        entry = self._part(part)
        layout = _frozen(entry["layout"])
        metadata = tuple((v, *entry["files"][f"{v}/zarr.json"]) for v in _names(entry["layout"]))
        return _writer(PartPlace(self.path, part), layout, metadata)

    def _chunk(self, part: str, name: str, block: int) -> Path:
        layout = self._layout(part)
        return PartPlace(self.path, part).data / name / layout.key(layout.variable(name), block)

    def _mark(self, part: str, complete: bool) -> None:
        body = self._body()
        self._rewrite({**body, "parts": {**body["parts"], part: {**body["parts"][part], "complete": complete}}})

    def _rewrite(self, body: Mapping[str, Any]) -> None:
        disk().put(self.path / "study.json", seal(body))

    def _check_same(self, name: str, new: Mapping[str, Any], old: Mapping[str, Any]) -> None:
        if plain(new) != old:
            raise errors.StoreError(
                str(self.path), f"part {name!r} is there with another layout", mend="Give the part another name."
            )


def versions() -> dict[str, str]:
    """Versions of what writes the store."""
    names = ("sneuron", "numpy", "xarray", "zarr", "numcodecs")
    return {"python": platform.python_version(), **{name: _version(name) for name in names}}


@functools.cache
def _version(name: str) -> str:
    try:
        return version(name)
    except ImportError:  # runs from a checkout that was not installed
        return "unknown"


def _check_free(root: Path) -> None:
    """The place is free, empty, or a study."""
    if root.exists() and not root.is_dir():
        raise errors.StoreError(str(root), "is a file", mend="Choose a folder for the study.")
    if root.is_dir() and not (root / "study.json").exists():
        strange = sorted(p.name for p in root.iterdir() if not p.name.endswith(".partial"))
        if strange:
            raise errors.StoreError(
                str(root),
                f"holds something else than a study: {', '.join(strange[:5])}",
                mend="Choose an empty or a new folder.",
            )


@functools.lru_cache(maxsize=64)
def _study_body(path: Path, signature: tuple[int, int, int]) -> dict[str, Any]:
    """Content of `study.json` as long as it is the same file; never changed by those who get it."""
    data = path.read_bytes()
    kind, schema = _kind_of(data, path)
    if kind != _FORMAT:
        raise errors.StoreError(str(path), f"is not the plan of a study, but {kind!r}")
    if schema != SCHEMA:
        raise errors.StoreError(
            str(path),
            f"was written in schema {schema}; this version reads schema {SCHEMA}",
            mend="Use a newer version of sneuron." if schema > SCHEMA else "Use the version that wrote it.",
        )
    return unseal(data, path)


def _kind_of(data: bytes, path: Path) -> tuple[str, int]:
    """Format and schema, read before anything else can be known about the file."""
    import json

    try:
        body = json.loads(data.decode("utf8"))
        return str(body["format"]), int(body["schema"])
    except (ValueError, KeyError, TypeError, RecursionError) as cause:
        raise damage(path, f"is not readable ({len(data):,} bytes)", "Restore the file from a copy.") from cause


def _entry(name: str, template: Template, study: str, number: int) -> dict[str, Any]:
    if not _PART.match(name):
        raise errors.StoreError("add_part", f"{name!r} cannot name a part", "letters, digits, '_' and '-'")
    return {"number": number, "study": study, "layout": plain(template.as_json()), "complete": False}


def _names(layout: Mapping[str, Any]) -> list[str]:
    return [v["name"] for v in layout["variables"]]


def _frozen(layout: Mapping[str, Any]) -> bytes:
    return seal(layout)


@functools.lru_cache(maxsize=64)
def _layout(text: bytes) -> Template:
    return Template.from_json(unseal(text, "layout"))


@functools.lru_cache(maxsize=16)
def _writer(place: PartPlace, layout: bytes, metadata: Sequence[tuple[str, int, str]]) -> codec.BlockWriter:
    """The writer of a part, one in a process."""
    files = {
        name: read_checked(place.data / name / "zarr.json", size, sha, f"the metadata of {name!r}")
        for name, size, sha in metadata
    }
    return codec.BlockWriter(_layout(layout), files)


def _about(study: str, part: str, block: int, region: Mapping[str, slice]) -> dict[str, Any]:
    now = datetime.datetime.now(datetime.UTC).isoformat(timespec="milliseconds")
    return {
        "study": study,
        "part": part,
        "block": block,
        "region": {d: [s.start, s.stop] for d, s in region.items()},
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


@contextlib.contextmanager
def _receipted(place: PartPlace, block: int) -> Iterator[None]:
    """A folder that was removed under a writer is said plainly."""
    try:
        yield
    except FileNotFoundError as cause:
        raise errors.StoreError(
            str(place.root), f"the folder of the study is gone; block {block} was not written"
        ) from cause
