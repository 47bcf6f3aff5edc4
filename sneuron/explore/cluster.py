"""Where blocks are computed: a cluster of this machine that listens on loopback only, or one that is given.

The cluster of this machine lives in a process of its own (`python -m sneuron.explore.cluster`). It ends when the
process that started it ends, however that happens, and a script needs no `if __name__ == "__main__"`.
"""

from __future__ import annotations

import contextlib
import importlib
import json
import logging
import multiprocessing
import os
import subprocess
import sys
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from sneuron import errors

__all__ = ["INLINE", "Embedded", "Place", "client_in_scope", "opened"]

INLINE = "inline"
_START = 120.0
_SETTINGS = {
    "distributed.scheduler.worker-ttl": "60s",
    "distributed.scheduler.allowed-failures": 1,
    "distributed.worker.daemon": True,
    "distributed.worker.profile.interval": "250ms",  # of kernels, every sample shows the same line
    "distributed.admin.tick.interval": "100ms",
    "distributed.admin.log-format": "%(levelname)s %(message)s",
    "distributed.nanny.pre-spawn-environ": {
        "NUMBA_NUM_THREADS": 1, "OMP_NUM_THREADS": 1, "MKL_NUM_THREADS": 1, "OPENBLAS_NUM_THREADS": 1,
        "MALLOC_TRIM_THRESHOLD_": 65536,
    },
}  # fmt: skip


@dataclass(frozen=True)
class Place:
    """Where a study runs.

    Parameters
    ----------
    client : distributed.Client, optional
        Run there.
    scheduler : str, optional
        Address of a scheduler, or "inline" for this very process.
    workers : int, optional
        Processes of the embedded cluster; by default as many as there are cores.
    memory : str or int, optional
        Limit for each of them ("2 GB"); by default an equal share of the machine.
    """

    client: Any = None
    scheduler: str | None = None
    workers: int | None = None
    memory: str | int | None = None

    @property
    def given(self) -> bool:
        """Whether somebody else's cluster is used."""
        return self.client is not None or (self.scheduler is not None and self.scheduler != INLINE)

    @property
    def processes(self) -> int:
        """How many workers to reckon with: threads of the given client, processes, or threads of this one."""
        return self.workers or _cluster_of(self.client)[0] or cores()

    @property
    def room(self) -> float:
        """Bytes that a worker may use."""
        if self.memory is not None:
            from dask.utils import parse_bytes

            return float(parse_bytes(self.memory))
        return 0.8 * (_cluster_of(self.client)[1] or machine_memory() / self.processes)


def cores() -> int:
    """Cores that this process may use."""
    return len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count() or 1


def _cluster_of(client: Any) -> tuple[int, float]:
    """Threads of all workers of a client's cluster, and bytes for each thread; 0 where nothing is told."""
    if client is None:
        return 0, 0.0
    with contextlib.suppress(AttributeError, TypeError, OSError, RuntimeError):  # what is no client is told later
        threads = sum(int(n) for n in client.nthreads().values())
        shares = [w["memory_limit"] / w["nthreads"] for w in client.scheduler_info()["workers"].values()]
        return threads, float(min(shares, default=0.0))
    return 0, 0.0


def client_in_scope() -> Any:
    """The Dask client that is in use in this process or task, or None; imports nothing."""
    if "distributed" not in sys.modules:
        return None
    from distributed import default_client

    with contextlib.suppress(ValueError):
        found = default_client()
        return None if found.asynchronous else found
    return None


def machine_memory() -> float:
    """Bytes of memory that this process may use: of the machine, or of the container."""
    try:
        found = float(os.sysconf("SC_PHYS_PAGES") * os.sysconf("SC_PAGE_SIZE"))
    except (ValueError, OSError, AttributeError):  # a system that does not tell
        found = 4e9
    with contextlib.suppress(OSError, ValueError):
        found = min(found, float(Path("/sys/fs/cgroup/memory.max").read_text()))
    return found


def helper(module: str, **environment: str) -> subprocess.Popen[str]:
    """A Python process that runs a module of ours, finds what this one finds, and is spared its Ctrl-C."""
    found = os.pathsep.join(p for p in sys.path if p)
    return subprocess.Popen(
        [sys.executable, "-m", module],
        env={**os.environ, "PYTHONPATH": found, **environment},
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        text=True,
        start_new_session=True,
    )


class Embedded:
    """A cluster of this machine in a process of its own.

    Parameters
    ----------
    workers : int
        Worker processes, one thread each.
    memory : str, int or None
        Limit for each.
    """

    def __init__(self, workers: int, memory: str | int | None) -> None:
        quiet = {"PYTHONWARNINGS": "ignore:resource_tracker:UserWarning"}  # of workers that were killed
        self.process = helper("sneuron.explore.cluster", **quiet)
        spec = {"path": sys.path, "workers": workers, "memory": "auto" if memory is None else memory}
        told = self._told(spec)
        if not told:
            self.close()
            raise errors.PlanError(
                "cluster",
                f"the local cluster did not start (exit code {self.process.poll()})",
                mend="See above for its reason.",
            )
        answer = json.loads(told)
        self.address, self.dashboard = str(answer["address"]), str(answer["dashboard"])

    def _told(self, spec: dict[str, Any]) -> str:
        assert self.process.stdin is not None
        assert self.process.stdout is not None
        try:
            self.process.stdin.write(json.dumps(spec) + "\n")
            self.process.stdin.flush()
            return self.process.stdout.readline()
        except BrokenPipeError:
            return ""

    @property
    def lives(self) -> bool:
        """Whether its process still runs."""
        return self.process.poll() is None

    def close(self) -> None:
        """End it and all its workers."""
        assert self.process.stdin is not None
        assert self.process.stdout is not None
        with contextlib.suppress(OSError):
            self.process.stdin.close()
        try:
            self.process.wait(20)
        except subprocess.TimeoutExpired:
            self.process.kill()
            self.process.wait()
        self.process.stdout.close()


@contextlib.contextmanager
def opened(place: Place) -> Iterator[tuple[Any, Embedded | None]]:
    """A client of the place, and the embedded cluster when there is one; what was opened here is closed here."""
    if place.client is not None:
        yield _client_of(place.client), None
        return
    embedded = None if place.scheduler else Embedded(place.processes, place.memory)
    importlib.import_module("distributed")  # sets up its loggers
    log = logging.getLogger("distributed.client")
    level = log.level
    try:
        if embedded is not None:
            log.setLevel(logging.CRITICAL)  # the loss of a cluster of our own is dealt with
        with _connected(embedded.address if embedded else place.scheduler) as client:
            yield client, embedded
    finally:
        log.setLevel(level)
        if embedded is not None:
            embedded.close()


def _connected(address: str | None) -> Any:
    """A client of the scheduler at an address."""
    from distributed import Client
    from distributed.comm.addressing import parse_address, parse_host_port

    try:
        if address is not None and "://" not in address:
            parse_host_port(parse_address(address)[1])  # a Client that cannot be made is slow to go
        return Client(address, set_as_default=False, timeout=30)
    except (OSError, ValueError) as cause:
        raise errors.PlanError(
            "scheduler", f"no scheduler answers at {address!r}: {cause}",
            mend="Give the address that `dask scheduler` prints (tls:// where it asks for encryption).",
        ) from cause  # fmt: skip


def _client_of(given: Any) -> Any:
    if not hasattr(given, "submit") or not hasattr(given, "nthreads"):
        raise errors.PlanError(
            "client",
            f"a {type(given).__name__} is no Dask client",
            mend="Give a distributed.Client, or scheduler='tcp://...'.",
        )
    if given.asynchronous:
        raise errors.PlanError(
            "client", "an asynchronous client cannot be waited for", mend="Give a Client(asynchronous=False)."
        )
    return given


def main() -> None:
    """Run a cluster until standard input is closed; its address is the first line of standard output."""
    told = os.dup(1)
    os.dup2(2, 1)
    spec = json.loads(sys.stdin.readline())
    sys.path[:] = spec["path"]
    import dask
    from distributed import LocalCluster

    dask.config.set(_SETTINGS)
    with LocalCluster(
        n_workers=spec["workers"], threads_per_worker=1, processes=True, host="127.0.0.1",
        dashboard_address="127.0.0.1:0", worker_dashboard_address=None, memory_limit=spec["memory"],
        silence_logs=logging.CRITICAL,
    ) as cluster:  # fmt: skip
        with open(told, "w") as out:
            out.write(json.dumps({"address": cluster.scheduler_address, "dashboard": cluster.dashboard_link}) + "\n")
        sys.stdin.read()
        _end()


def _end() -> None:
    """End the workers and this process at once: whatever matters is on disk."""
    for child in multiprocessing.active_children():
        child.kill()
    os._exit(0)


if __name__ == "__main__":
    main()
