"""Which paths may name a store, checked before any work."""

from __future__ import annotations

import os
import unicodedata
from pathlib import Path

from sneuron import errors

__all__ = ["checked_path"]

_LONGEST = 255


def checked_path(path: str | os.PathLike[str], where: str) -> Path:
    """An absolute path that can name a store.

    Parameters
    ----------
    path : str or path
        What the user gave. Spaces and any letters are fine.
    where : str
        Who asks, for the error.

    Returns
    -------
    Path
        Absolute, its letters composed (NFC) unless the other spelling is there already.

    Raises
    ------
    StoreError
        For addresses (`file://`, `a::b`), `..`, `~`, control characters, names that are too long or end in a dot.
    """
    if not isinstance(path, str | os.PathLike):
        raise errors.StoreError(where, f"{path!r} is not a path")
    text = os.fspath(path)
    if not isinstance(text, str):
        raise errors.StoreError(where, f"{text!r} is not text")
    if why := _refusal(text):
        raise errors.StoreError(where, f"path {text!r} {why[0]}", mend=why[1])
    given = Path(text).absolute()
    composed = Path(unicodedata.normalize("NFC", str(given)))
    return given if given.exists() and not composed.exists() else composed


def _refusal(text: str) -> tuple[str, str] | None:
    """What is wrong with a path, and what to do."""
    names = Path(text).parts
    rules = [
        (not text.strip(), "is empty", "Name a folder."),
        (any(unicodedata.category(c) in {"Cc", "Cs"} for c in text), "has control characters", "Leave them out."),
        ("://" in text or "::" in text, "is an address", "Stores lie in folders of this machine or of a mounted disk."),
        (text.startswith(("\\\\", "//")), "is a network address", "Mount the disk and give its folder."),
        (".." in names, "goes up by '..'", f"Write it out: {os.path.abspath(text)!r}." if "\0" not in text else ""),
        (text.startswith("~"), "starts with '~'", f"Write it out: {os.path.expanduser(text)!r}."),
        (names != () and names[-1].endswith("."), "ends in a dot", "Leave the dot out."),
        (_too_long(names), f"has a name longer than {_LONGEST} bytes", "Shorten it."),
    ]
    return next(((what, mend) for wrong, what, mend in rules if wrong), None)


def _too_long(names: tuple[str, ...]) -> bool:
    return any(len(name.encode("utf8", "surrogatepass")) > _LONGEST for name in names)
