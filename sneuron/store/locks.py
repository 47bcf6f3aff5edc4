"""Locks of single blocks between the processes of a machine, and between machines where the file system can."""

from __future__ import annotations

import contextlib
import functools
import os
import threading
from collections.abc import Iterator
from pathlib import Path
from typing import Any

fcntl: Any = None  # not a POSIX system: the same values written twice are harmless without a lock, too
with contextlib.suppress(ImportError):
    import fcntl

__all__ = ["block_lock"]

_in_process = threading.Lock()


@contextlib.contextmanager
def block_lock(folder: Path, block: int) -> Iterator[None]:
    """Nobody else is between looking for the receipt of this block and writing it."""
    with _in_process:
        held = _taken(folder, block)
        try:
            yield
        finally:
            if held:
                fcntl.lockf(_file(folder, os.getpid()), fcntl.LOCK_UN, 1, block)


def _taken(folder: Path, block: int) -> bool:
    """Lock one byte of the lock file; False where the file system knows no locks."""
    if fcntl is None:
        return False
    try:
        fcntl.lockf(_file(folder, os.getpid()), fcntl.LOCK_EX, 1, block)
    except OSError:
        return False
    return True


@functools.lru_cache(maxsize=64)
def _file(folder: Path, pid: int) -> int:
    """The lock file, kept open: closing it anywhere in the process would let go of all its locks."""
    return os.open(folder / ".lock", os.O_CREAT | os.O_RDWR, 0o666)
