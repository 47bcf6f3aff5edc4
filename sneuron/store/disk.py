"""The file operations that a store is built of, in the order that survives a power cut.

A file is written under another name, synced, renamed to its own name, and then its folder is synced. Only after that is
it called written. Everything that a study keeps goes through the `Disk` in use, so that a test may put a recorder or
a disk of eight megabytes in its place.
"""

from __future__ import annotations

import contextlib
import errno
import functools
import os
import secrets
import shutil
import threading
import time
from collections.abc import Callable, Iterator, Mapping
from concurrent.futures import ThreadPoolExecutor, wait
from pathlib import Path
from typing import Any

from sneuron import errors

__all__ = ["PARTIAL", "Disk", "DiskFullError", "disk", "use_disk"]

PARTIAL = ".partial"
"""How the name of a file ends that is not whole yet."""

_FULL = {errno.ENOSPC, errno.EDQUOT}
_THREADS = 8


class DiskFullError(errors.StoreError):
    """No space left: nothing is lost, and the work can go on once there is space.

    Parameters
    ----------
    where : str
        The file or folder that could not be written.
    needed : int
        Bytes that had to be written.
    free : int
        Bytes that are free there.
    """

    def __init__(self, where: str, needed: int, free: int) -> None:
        self.needed = needed
        self.free = free
        super().__init__(
            where,
            f"the disk is full: {needed:,} bytes are needed, {free:,} are free",
            mend="Make space and resume; what is written stays written.",
        )

    def __reduce__(self) -> tuple[object, ...]:
        return (type(self), (self.where, self.needed, self.free))


class Disk:
    """Synced, atomic writes on a local or shared file system.

    The first group of methods does one thing each and may be replaced in a test; the others are made of them.
    """

    def write(self, path: Path, data: bytes) -> None:
        """Make a new file of `data` and sync it; its name may still be lost."""
        fd = os.open(path, os.O_CREAT | os.O_EXCL | os.O_WRONLY | getattr(os, "O_BINARY", 0), 0o666)
        with open(fd, "wb", buffering=0) as file:
            view = memoryview(data)
            while view:
                view = view[file.write(view) :]
            os.fsync(file.fileno())

    def rename(self, old: Path, new: Path) -> None:
        """Give a file its name; a file of that name is replaced at once."""
        os.replace(old, new)

    def link(self, old: Path, new: Path) -> None:
        """Give a file a second name, which nobody may bear yet (FileExistsError)."""
        os.link(old, new)

    def remove(self, path: Path) -> None:
        """Remove a file; one that is not there is fine."""
        path.unlink(missing_ok=True)

    def make_folder(self, path: Path) -> None:
        """Make one folder (FileExistsError when there is one)."""
        path.mkdir()

    def sync_folder(self, path: Path) -> None:
        """Make the names in a folder safe."""
        if os.name == "nt":  # folders cannot be opened there, and NTFS journals names itself
            return
        fd = os.open(path, os.O_RDONLY)
        try:
            os.fsync(fd)
        finally:
            os.close(fd)

    def free(self, path: Path) -> int:
        """Bytes free for us on the file system of `path` (or of its nearest parent that is there)."""
        here = path if path.exists() else next(p for p in path.absolute().parents if p.exists())
        return shutil.disk_usage(here).free

    def put(self, path: Path, data: bytes) -> None:
        """Write one file, whole or not at all; safe on return."""
        self.put_all({path: data})

    def put_all(self, files: Mapping[Path, bytes]) -> None:
        """Write several files, each whole or not at all; safe on return."""
        self.place(self.stage(files))

    def put_once(self, path: Path, data: bytes) -> bool:
        """Write a file unless there is one of that name; tells whether it was written. Safe on return."""
        ((partial, _),) = self.stage({path: data}).items()
        with _told(self, path, len(data)):
            try:
                return self._name_once(partial, path, data)
            finally:
                self.remove(partial)
                self.sync_folder(path.parent)

    def stage(self, files: Mapping[Path, bytes]) -> dict[Path, Path]:
        """Write and sync files under passing names; returns {passing name: name that it shall have}."""
        staged = {_passing_name(path): path for path in files}
        needed = sum(len(data) for data in files.values())
        try:
            with _told(self, next(iter(files)), needed):
                _each(self.write, [(partial, files[path]) for partial, path in staged.items()])
        except BaseException:
            self.discard(staged)
            raise
        return staged

    def place(self, staged: Mapping[Path, Path]) -> None:
        """Give staged files their names and make the names safe."""
        try:
            with _told(self, next(iter(staged.values())), 0):
                for partial, path in staged.items():
                    self.rename(partial, path)
                _each(self.sync_folder, [(folder,) for folder in dict.fromkeys(p.parent for p in staged.values())])
        except BaseException:
            self.discard(staged)
            raise

    def discard(self, staged: Mapping[Path, Path]) -> None:
        """Remove staged files that shall not be placed."""
        for partial in staged:
            with contextlib.suppress(OSError):
                self.remove(partial)

    def make_folders(self, path: Path) -> None:
        """Make a folder and what is lacking above it; safe on return."""
        lacking = [path, *path.parents]
        lacking = lacking[: next(i for i, p in enumerate(lacking) if p.is_dir())]
        for folder in reversed(lacking):
            with _told(self, folder, 0):
                with contextlib.suppress(FileExistsError):
                    self.make_folder(folder)
                self.sync_folder(folder.parent)

    def sweep(self, folder: Path, older: float) -> int:
        """Remove passing files below `folder` that were last written more than `older` seconds ago; how many."""
        limit = time.time() - older
        swept = 0
        for path in folder.rglob(f".*{PARTIAL}"):
            with contextlib.suppress(OSError):
                if path.stat().st_mtime < limit:
                    self.remove(path)
                    swept += 1
        return swept

    def _name_once(self, partial: Path, path: Path, data: bytes) -> bool:
        try:
            self.link(partial, path)
        except FileExistsError:
            return False
        except OSError as cause:
            if cause.errno not in {errno.EPERM, errno.EOPNOTSUPP, errno.ENOSYS, errno.EMLINK}:
                raise
            return self._write_exclusively(path, data)  # a file system without hard links
        return True

    def _write_exclusively(self, path: Path, data: bytes) -> bool:
        try:
            self.write(path, data)
        except FileExistsError:
            return False
        return True


_in_use: list[Disk] = [Disk()]
_changing = threading.Lock()


def disk() -> Disk:
    """The disk in use."""
    return _in_use[-1]


@contextlib.contextmanager
def use_disk(other: Disk) -> Iterator[Disk]:
    """Use another disk inside a `with` block."""
    with _changing:
        _in_use.append(other)
    try:
        yield other
    finally:
        with _changing:
            _in_use.remove(other)


def _passing_name(path: Path) -> Path:
    return path.with_name(f".{path.name[:160]}.{os.getpid()}-{secrets.token_hex(6)}{PARTIAL}")


def _each(do: Callable[..., None], jobs: list[tuple[Any, ...]]) -> None:
    """Do all jobs; several at once, so that the file system may sync them together. All are over on return."""
    if len(jobs) == 1:
        do(*jobs[0])
        return
    running = [_pool(os.getpid()).submit(do, *job) for job in jobs]
    wait(running)
    for done in running:
        done.result()


@functools.cache
def _pool(pid: int) -> ThreadPoolExecutor:
    """Threads of this process; a forked process (another pid) makes its own."""
    return ThreadPoolExecutor(_THREADS, thread_name_prefix=f"sneuron-disk-{pid}")


@contextlib.contextmanager
def _told(on: Disk, path: Path, needed: int) -> Iterator[None]:
    """Turn errors of the system into errors that say what is the matter."""
    try:
        yield
    except errors.SneuronError:
        raise
    except OSError as cause:
        if cause.errno in _FULL:
            raise DiskFullError(str(path), needed, on.free(path)) from cause
        raise errors.StoreError(
            str(path),
            f"cannot be written: {cause.strerror or cause}",
            mend="Choose a folder that exists and may be written.",
        ) from cause
