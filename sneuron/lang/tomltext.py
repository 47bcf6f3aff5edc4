"""TOML from outside: bounded before it is parsed, checked after, and every key knows its line."""

from __future__ import annotations

import math
import re
import tomllib
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from sneuron import errors

__all__ = ["Document", "read"]

LARGEST, DEEPEST, LONGEST_KEY = 256 * 1024, 12, 12
"""Bytes of a file, depth of its tables and arrays, parts of a dotted key."""

Key = tuple[str | int, ...]

_STRINGS = re.compile(
    r'"""(?:\\.|[^\\])*?(?:"""|\Z)' r"|'''.*?(?:'''|\Z)" r'|"(?:\\.|[^"\\\n])*"?' r"|'[^'\n]*'?" r"|#[^\n]*",
    re.DOTALL,
)
_LONG_KEY = re.compile(rf"""(?<![\w"-])(?:[\w"-]++[ \t]*+\.[ \t]*+){{{LONGEST_KEY}}}""")
_ENTRY = re.compile(
    r"""\s*((?:[A-Za-z0-9_-]+|"[^"\n]*"|'[^'\n]*')(?:\s*\.\s*(?:[A-Za-z0-9_-]+|"[^"\n]*"|'[^'\n]*'))*)\s*="""
)


@dataclass(frozen=True)
class Document:
    """A parsed TOML file.

    Parameters
    ----------
    path : Path
        The file.
    data : dict
        Its tables.
    lines : dict
        Line (from 1) of every header and key, by its path of names.
    """

    path: Path
    data: dict[str, Any]
    lines: dict[Key, int] = field(repr=False)

    def where(self, key: Key = ()) -> str:
        """`file:line, key` of a key, or of the nearest table that holds it."""
        name = _dotted(key)
        for length in range(len(key), 0, -1):
            if key[:length] in self.lines:
                return f"{self.path}:{self.lines[key[:length]]}, {name}"
        return f"{self.path}, {name}" if name else str(self.path)


def read(path: str | Path) -> Document:
    """Read a TOML file of reasonable size and depth whose numbers are all finite.

    Raises
    ------
    PlanError
        The file is missing, too large, too deep, not UTF-8, not TOML, or holds `nan` or `inf`.
    """
    path = Path(path)
    text = _text(path)
    _bounded(text, path)
    try:
        data = tomllib.loads(text)
    except tomllib.TOMLDecodeError as cause:
        raise errors.PlanError(str(path), f"this is not TOML: {cause}") from cause
    except (ValueError, RecursionError) as cause:
        raise errors.PlanError(str(path), f"this cannot be read as TOML: {cause}") from cause
    document = Document(path, data, _first_lines(text))
    _finite(document)
    return document


def _text(path: Path) -> str:
    try:
        with path.open("rb") as file:
            raw = file.read(LARGEST + 1)
    except OSError as cause:
        raise errors.PlanError(str(path), f"the file cannot be read: {cause.strerror}") from cause
    if len(raw) > LARGEST:
        raise errors.PlanError(
            str(path), f"the file is larger than {LARGEST} bytes", mend="Keep data in files of their own."
        )
    try:
        return raw.decode("utf-8")
    except UnicodeDecodeError as cause:
        raise errors.PlanError(str(path), f"byte {cause.start} is not UTF-8 text") from cause


def _bounded(text: str, path: Path) -> None:
    """Refuse nesting that would exhaust the parser; counts brackets outside of texts and comments."""
    bare = _STRINGS.sub(lambda m: "\n" * m[0].count("\n") + '""', text)
    depth = 0
    for number, line in enumerate(bare.split("\n"), 1):
        for sign in re.findall(r"[\[\]{}]", line):
            depth += 1 if sign in "[{" else -1
            if depth > DEEPEST:
                raise errors.PlanError(f"{path}:{number}", f"tables and arrays are nested deeper than {DEEPEST}")
        if _LONG_KEY.search(line):
            raise errors.PlanError(f"{path}:{number}", f"a key has more than {LONGEST_KEY} parts")


def _first_lines(text: str) -> dict[Key, int]:
    """Line of each path, and of each table that is only named within a path."""
    lines: dict[Key, int] = {}
    for key, number in _lines(text):
        for length in range(1, len(key) + 1):
            lines.setdefault(key[:length], number)
    return lines


def _lines(text: str) -> Iterator[tuple[Key, int]]:
    """Path of names and line of each header and key; keys of inline tables are at the line of their text."""
    table: Key = ()
    for number, line in enumerate(text.split("\n"), 1):
        bare = line.partition("#")[0].strip()
        if bare.startswith("[") and bare.endswith("]"):
            table = _parts(bare)
            yield table, number
        elif entry := _ENTRY.match(line):
            key = table + _parts(entry[1])
            yield key, number
            yield from ((key + _parts(inner), number) for inner in re.findall(r"[{,]\s*([A-Za-z0-9_.-]+)\s*=", line))


def _parts(dotted: str) -> Key:
    found = re.findall(r"""[A-Za-z0-9_-]+|"[^"]*"|'[^']*'""", dotted)
    return tuple(part.strip("\"'") for part in found)


def _finite(document: Document) -> None:
    """Refuse `nan`, `inf` and integers that no double or 64-bit integer holds."""
    for key, value in _leaves(document.data, ()):
        if isinstance(value, float) and not math.isfinite(value):
            raise errors.PlanError(document.where(key), f"{value} is not a value", mend="Give a finite number.")
        if isinstance(value, int) and abs(value) >= 2**63:
            raise errors.PlanError(document.where(key), "the integer does not fit into 64 bits")


def _leaves(value: Any, key: Key) -> Iterator[tuple[Key, Any]]:
    if isinstance(value, dict):
        for name, inner in value.items():
            yield from _leaves(inner, (*key, name))
    elif isinstance(value, list):
        for number, inner in enumerate(value):
            yield from _leaves(inner, (*key, number))
    else:
        yield key, value


def _dotted(key: Key) -> str:
    return ".".join(str(part) for part in key)
