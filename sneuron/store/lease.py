"""Who runs a study: exactly one owner, who shows signs of life.

Leases are numbered by epoch: `lease/<epoch>.json`. The highest number counts. Whoever wants the lease makes the file
of the next epoch, which only one can do, and only when the owner before gave it back, is a dead process of this
machine, or was silent for longer than `ttl` seconds by the clock of the file system. Nobody ever takes the counting
file away from somebody else, so that an epoch never has two owners.
"""

from __future__ import annotations

import contextlib
import functools
import getpass
import os
import platform
import threading
import time
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from types import TracebackType
from typing import Any

from sneuron import errors
from sneuron.store.disk import disk
from sneuron.store.seal import seal, unseal

__all__ = ["Lease", "Owner", "owner_of"]

_BEATS = 4
_LOST = "somebody else took the lease over, because this process was silent for too long"


@dataclass(frozen=True)
class Owner:
    """The process that holds, or held, the lease of a study.

    Parameters
    ----------
    user, host : str
        Who, and on which machine.
    pid : int
        Process.
    started : float
        When the process started (clock ticks of that machine): another process of the same number is another.
    machine : str
        Name of the machine's present boot and process space.
    epoch : int
        Number of the lease.
    silent : float
        Seconds since the last sign of life.
    released : bool
        Whether the lease was given back.
    ttl : float
        Silence after which it may be taken over, s.
    """

    user: str
    host: str
    pid: int
    started: float
    machine: str
    epoch: int
    silent: float
    released: bool
    ttl: float

    @property
    def gone(self) -> bool:
        """Whether the lease may be taken over."""
        return self.released or self.silent > self.ttl or (self._is_here and not self._lives)

    @property
    def _is_here(self) -> bool:
        return bool(self.machine) and self.machine == _machine()

    @property
    def _lives(self) -> bool:
        return _started(self.pid) == self.started

    def __str__(self) -> str:
        return f"{self.user} on {self.host}, process {self.pid}"


@dataclass
class Lease:
    """The right to run a study; use `Lease.acquire` and give it back with `release` or a `with` block.

    Parameters
    ----------
    folder : Path
        Folder of the study.
    epoch : int
        Number of this lease; higher than that of every owner before.
    ttl : float
        Silence after which others may take it over, s.
    """

    folder: Path
    epoch: int
    ttl: float
    _stop: threading.Event = field(default_factory=threading.Event, repr=False)
    _lost: bool = field(default=False, repr=False)

    @classmethod
    def acquire(cls, folder: str | os.PathLike[str], ttl: float = 60.0, wait: float = 0.0) -> Lease:
        """Become the owner of the study in `folder`.

        Parameters
        ----------
        folder : path
            Folder of the study.
        ttl : float, default 60
            Silence after which others may take the lease over, s.
        wait : float, default 0
            How long to wait for another owner to be gone, s.

        Returns
        -------
        Lease
            Shows signs of life from a thread of its own until it is given back.

        Raises
        ------
        LeaseError
            Somebody else runs the study; says who.
        """
        root = Path(folder)
        disk().make_folders(root / "lease")
        deadline = time.monotonic() + wait
        while True:
            owner = owner_of(root)
            if owner is None or owner.gone:
                lease = cls(root, (owner.epoch if owner else 0) + 1, ttl)
                if lease._begin():
                    return lease
            elif time.monotonic() >= deadline:
                raise _refusal(root, owner)
            else:
                time.sleep(min(0.2, max(0.0, deadline - time.monotonic())))

    def check(self) -> bool:
        """Whether we still own the study: look before anything that only the owner may do."""
        if not self._lost and not self._stop.is_set():
            self._lost = _highest(self.folder) != self.epoch
        return not self._lost and not self._stop.is_set()

    def demand(self) -> None:
        """LeaseError when we do not own the study any more."""
        if not self.check():
            raise errors.LeaseError(str(self.folder), _LOST, mend="Open the study again; what is written is kept.")

    def release(self) -> None:
        """Give the study back; others may have it at once."""
        owned = self.check()
        self._stop.set()
        if owned:
            try:
                self._write(released=True)
            except (errors.StoreError, OSError):  # a full disk: the time of a file can be set without space
                with contextlib.suppress(OSError):
                    os.utime(self._file, (0, 0))

    def __enter__(self) -> Lease:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.release()

    @property
    def _file(self) -> Path:
        return self.folder / "lease" / f"{self.epoch}.json"

    def _begin(self) -> bool:
        """Make the file of our epoch, which only one can do, and start to show signs of life."""
        if not disk().put_once(self._file, seal(self._record())):
            return False
        if _highest(self.folder) != self.epoch:  # an old epoch that was tidied away: somebody is ahead
            disk().remove(self._file)
            return False
        self._tidy()
        threading.Thread(target=self._beat, name=f"sneuron-lease-{self.epoch}", daemon=True).start()
        return True

    def _beat(self) -> None:
        """Renew the file until stopped or overtaken."""
        while not self._stop.wait(self.ttl / _BEATS):
            if not self.check():
                return
            with contextlib.suppress(errors.StoreError, OSError):  # a full disk: try again, or be taken over
                self._write()

    def _write(self, released: bool = False) -> None:
        disk().put(self._file, seal({**self._record(), "released": released}))

    def _record(self) -> dict[str, Any]:
        pid = os.getpid()
        return {
            "user": _user(),
            "host": platform.node(),
            "pid": pid,
            "started": _started(pid),
            "machine": _machine(),
            "epoch": self.epoch,
            "heartbeat": time.time(),
            "ttl": self.ttl,
            "released": False,
        }

    def _tidy(self) -> None:
        for epoch in _epochs(self.folder):
            if epoch < self.epoch:
                with contextlib.suppress(OSError):
                    disk().remove(self.folder / "lease" / f"{epoch}.json")


def owner_of(folder: str | os.PathLike[str]) -> Owner | None:
    """Who runs the study in `folder`, or ran it last; None when nobody ever did."""
    root = Path(folder)
    while (epoch := _highest(root)) > 0:
        path = root / "lease" / f"{epoch}.json"
        try:
            silent = max(0.0, _now(path.parent) - path.stat().st_mtime)
            return _owner(_content(path), epoch, silent)
        except FileNotFoundError:  # overtaken in this moment: look again
            continue
    return None


def _owner(body: Mapping[str, Any], epoch: int, silent: float) -> Owner:
    return Owner(
        user=str(body.get("user", "somebody")),
        host=str(body.get("host", "an unknown machine")),
        pid=int(body.get("pid", 0)),
        started=float(body.get("started", 0.0)),
        machine=str(body.get("machine", "")),
        epoch=epoch,
        silent=silent,
        released=bool(body.get("released", False)),
        ttl=float(body.get("ttl", 60.0)),
    )


def _content(path: Path) -> dict[str, Any]:
    """What a lease says; a damaged one says nothing and runs out in time."""
    try:
        return unseal(path.read_bytes(), path)
    except errors.DamageError:
        return {}


def _refusal(root: Path, owner: Owner) -> errors.LeaseError:
    return errors.LeaseError(
        str(root),
        f"the study is being run by {owner}, last seen {owner.silent:.0f} s ago",
        mend=f"Open it to read, or wait: it is free {owner.ttl:.0f} s after the last sign of life.",
    )


def _epochs(folder: Path) -> list[int]:
    try:
        names = os.listdir(folder / "lease")
    except (FileNotFoundError, NotADirectoryError):
        return []
    return [int(n[:-5]) for n in names if n.endswith(".json") and n[:-5].isdecimal()]


def _highest(folder: Path) -> int:
    return max(_epochs(folder), default=0)


def _now(folder: Path) -> float:
    """The time by the clock that stamps files, which may be that of a file server; ours where we may not write."""
    probe = folder / f".clock-{os.getpid()}-{threading.get_ident()}.partial"
    try:
        probe.touch()
        return probe.stat().st_mtime
    except OSError:
        return time.time()
    finally:
        with contextlib.suppress(OSError):
            probe.unlink()


def _user() -> str:
    try:
        return getpass.getuser()
    except (OSError, KeyError):  # a container without an entry for its user
        return "somebody"


@functools.cache
def _machine() -> str:
    """Name of the machine since its last start, seen from this process space; "" where the system does not tell."""
    try:
        boot = Path("/proc/sys/kernel/random/boot_id").read_text().strip()
        return f"{platform.node()} {boot} {os.readlink('/proc/self/ns/pid')}"
    except OSError:
        return ""


def _started(pid: int) -> float:
    """When a process of this machine started, in clock ticks since boot; 0 when there is no such process."""
    try:
        text = Path(f"/proc/{pid}/stat").read_text()
    except OSError:
        return 0.0
    fields = text.rpartition(")")[2].split()
    return 0.0 if fields[0] in "ZX" else float(fields[19])
