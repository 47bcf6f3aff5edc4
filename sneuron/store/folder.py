"""A study on disk: its plan, its parts, and the blocks of them that are done."""

from __future__ import annotations

import copy
import datetime
import os
import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import xarray as xr

from sneuron import errors
from sneuron.store.arrays import part_files
from sneuron.store.commit import commit_block, versions
from sneuron.store.disk import disk
from sneuron.store.guard import PartStore
from sneuron.store.layout import Template
from sneuron.store.opening import open_part, template_of
from sneuron.store.places import checked_path
from sneuron.store.planfile import FORMAT, SCHEMA, Part, read_plan, write_plan
from sneuron.store.receipts import PartPlace, each_receipt, read_receipt
from sneuron.store.seal import digest, plain, seal
from sneuron.store.verify import Damage, damages

__all__ = ["StudyFolder"]

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
        if not (root / "study.json").exists():
            disk().make_folders(root)
            disk().put_once(root / "study.json", seal(_first(plan, plan_hash)))
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
        read_plan(root)
        return folder

    @property
    def plan(self) -> dict[str, Any]:
        """The plan as it is now."""
        plan: dict[str, Any] = copy.deepcopy(read_plan(self.path).body["plan"])
        return plan

    @property
    def plan_hash(self) -> str:
        """The hash of the plan."""
        return str(read_plan(self.path).body["plan_hash"])

    @property
    def created(self) -> str:
        """When the study was created (UTC)."""
        return str(read_plan(self.path).body["created"])

    @property
    def parts(self) -> list[str]:
        """Names of the parts in the order of their addition."""
        return read_plan(self.path).names

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
        file = read_plan(self.path)
        body = file.body
        entry = _entry(name, template, plan_hash or body["plan_hash"], len(body["parts"]))
        if name in body["parts"]:
            self._check_same(name, entry["layout"], body["parts"][name]["layout"])
            return
        place = PartPlace(self.path, name)
        made = part_files(template)
        for folder in dict.fromkeys([place.receipts, place.data, *((place.data / f).parent for f in made)]):
            disk().make_folders(folder)
        disk().put_all({place.data / f: data for f, data in made.items()})
        entry["files"] = {f: [len(data), digest(data)] for f, data in made.items()}
        changed = {} if plan is None else {"plan": plan, "plan_hash": plan_hash or body["plan_hash"]}
        write_plan(self.path, {**file.with_part(name, entry), **changed})

    def change_plan(self, plan: Mapping[str, Any], plan_hash: str) -> None:
        """Replace the plan as it is, and its hash; no part is touched."""
        write_plan(self.path, {**read_plan(self.path).body, "plan": plan, "plan_hash": plan_hash})

    def template(self, part: str) -> Template:
        """The layout of a part, with its attrs and coords."""
        return template_of(self._part(part).layout, self._store(part))

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
        return commit_block(PartPlace(self.path, part), self._part(part), block, arrays, info or {})

    def done(self, part: str) -> set[int]:
        """Numbers of the blocks that have a receipt."""
        self._part(part)
        return PartPlace(self.path, part).done()

    def missing(self, part: str) -> list[int]:
        """Numbers of the blocks that have none, in order."""
        done = self.done(part)
        return [block for block in range(self._part(part).layout.n_blocks) if block not in done]

    def receipt(self, part: str, block: int) -> dict[str, Any]:
        """The receipt of a block; StoreError when it has none."""
        found = read_receipt(PartPlace(self.path, part), block, self._part(part).study)
        if found is None:
            raise errors.StoreError(f"block {block} of part {part!r}", "has no receipt: it is not computed yet")
        return found

    def receipts(self, part: str) -> Iterator[dict[str, Any]]:
        """All receipts of a part in the order of the blocks."""
        return each_receipt(PartPlace(self.path, part), self._part(part).study)

    def drop_receipt(self, part: str, block: int) -> None:
        """Forget a block, so that it is computed again; safe on return."""
        if self._part(part).complete:
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
        return open_part(self._part(part).layout, self._store(part), chunks, lazy_coords)

    def consolidate(self) -> None:
        """Note which parts have all their blocks: from then on a receipt that is gone is a damage, too."""
        for part in self.parts:
            if not self._part(part).complete and not self.missing(part):
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

    def _part(self, part: str) -> Part:
        return read_plan(self.path).part(part)

    def _store(self, name: str) -> PartStore:
        part = self._part(name)
        return PartStore(PartPlace(self.path, name), part.table, part.layout, part.study, part.complete)

    def _mark(self, part: str, complete: bool) -> None:
        file = read_plan(self.path)
        write_plan(self.path, file.with_part(part, {**file.body["parts"][part], "complete": complete}))

    def _check_same(self, name: str, new: Mapping[str, Any], old: Mapping[str, Any]) -> None:
        if plain(new) != old:
            raise errors.StoreError(
                str(self.path), f"part {name!r} is there with another layout", mend="Give the part another name."
            )


def _first(plan: Mapping[str, Any], plan_hash: str) -> dict[str, Any]:
    """Content of the plan file of a new study."""
    now = datetime.datetime.now(datetime.UTC).isoformat(timespec="seconds")
    about = {"format": FORMAT, "schema": SCHEMA, "created": now, "versions": versions()}
    return {**about, "plan": plan, "plan_hash": plan_hash, "parts": {}}


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


def _entry(name: str, template: Template, study: str, number: int) -> dict[str, Any]:
    if not _PART.match(name):
        raise errors.StoreError("add_part", f"{name!r} cannot name a part", "letters, digits, '_' and '-'")
    return {"number": number, "study": study, "layout": plain(template.as_json()), "complete": False}
