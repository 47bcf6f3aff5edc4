"""`study.json`: the plan of a study and its parts, always replaced whole, and read again only when it changed."""

from __future__ import annotations

import functools
import json
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from sneuron import errors
from sneuron.store.disk import disk
from sneuron.store.layout import Template
from sneuron.store.seal import damage, digest, seal, unseal

__all__ = ["FORMAT", "SCHEMA", "Part", "PlanFile", "read_plan", "write_plan"]

SCHEMA = 1
"""Version of the files of a study; others are refused by name."""

FORMAT = "sneuron-study"


class Part:
    """What `study.json` says of a part.

    Parameters
    ----------
    name : str
        Name of the part.
    entry : mapping
        Its entry.
    """

    def __init__(self, name: str, entry: Mapping[str, Any]) -> None:
        self.name = name
        self.study = str(entry["study"])
        self.layout = Template.from_json(entry["layout"])
        self.table = {file: (int(size), str(sha)) for file, (size, sha) in entry["files"].items()}
        self.complete = bool(entry["complete"])
        self.key = digest(seal({"layout": entry["layout"], "files": entry["files"]}))

    def metadata(self, variable: str) -> tuple[int, str]:
        """Size and checksum of the `zarr.json` of a variable."""
        return self.table[f"{variable}/zarr.json"]


class PlanFile:
    """Content of `study.json`.

    Parameters
    ----------
    body : mapping
        What the file says; never changed.
    path : Path
        The file.
    """

    def __init__(self, body: dict[str, Any], path: Path) -> None:
        self.body = body
        self.path = path
        self._parts: dict[str, Part] = {}

    @property
    def names(self) -> list[str]:
        """Names of the parts in the order of their addition."""
        entries = self.body["parts"]
        return sorted(entries, key=lambda name: entries[name]["number"])

    def part(self, name: str) -> Part:
        """A part by name; UnknownNameError when there is none."""
        if name not in self._parts:
            if name not in self.body["parts"]:
                raise errors.unknown(str(self.path.parent), "part", name, self.names)
            self._parts[name] = Part(name, self.body["parts"][name])
        return self._parts[name]

    def with_part(self, name: str, entry: Mapping[str, Any]) -> dict[str, Any]:
        """The content with another entry of a part."""
        return {**self.body, "parts": {**self.body["parts"], name: entry}}


def read_plan(folder: Path) -> PlanFile:
    """The plan file of a folder as it is now.

    Raises
    ------
    StoreError
        There is none, or one of another schema.
    DamageError
        It is not what was written.
    """
    path = folder / "study.json"
    try:
        stat = path.stat()
        return _read(path, (stat.st_mtime_ns, stat.st_size, stat.st_ino))
    except (FileNotFoundError, NotADirectoryError):
        raise errors.StoreError(str(folder), "is not the folder of a study: there is no study.json in it") from None


def write_plan(folder: Path, body: Mapping[str, Any]) -> None:
    """Replace the plan file; safe on return."""
    disk().put(folder / "study.json", seal(body))


@functools.lru_cache(maxsize=64)
def _read(path: Path, signature: tuple[int, int, int]) -> PlanFile:
    """Content as long as it is the same file."""
    data = path.read_bytes()
    kind, schema = _kind_of(data, path)
    if kind != FORMAT:
        raise errors.StoreError(str(path), f"is not the plan of a study, but {kind!r}")
    if schema != SCHEMA:
        raise errors.StoreError(
            str(path),
            f"was written in schema {schema}; this version reads schema {SCHEMA}",
            mend="Use a newer version of sneuron." if schema > SCHEMA else "Use the version that wrote it.",
        )
    return PlanFile(unseal(data, path), path)


def _kind_of(data: bytes, path: Path) -> tuple[str, int]:
    """Format and schema, read before anything else can be known about the file."""
    try:
        body = json.loads(data.decode("utf8"))
        return str(body["format"]), int(body["schema"])
    except (ValueError, KeyError, TypeError, RecursionError) as cause:
        raise damage(path, f"is not readable ({len(data):,} bytes)", "Restore the file from a copy.") from cause
