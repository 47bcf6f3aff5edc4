"""A study has one owner: of many starters one wins, the dead are followed at once, the silent after a while."""

import contextlib
import json
import signal
import subprocess
import sys
import threading
import time
from pathlib import Path

import pytest

from sneuron import errors
from sneuron.store.disk import Disk, use_disk
from sneuron.store.lease import Lease, owner_of
from sneuron.store.seal import seal

STARTER = """
import sys
from sneuron import errors
from sneuron.store.lease import Lease

folder, ttl = sys.argv[1], float(sys.argv[2])
lease = None
print("ready", flush=True)
for line in sys.stdin:
    word = line.strip()
    if word == "acquire":
        try:
            lease = Lease.acquire(folder, ttl=ttl)
            print("owner", lease.epoch, flush=True)
        except errors.LeaseError as error:
            print("refused", error.given.replace("\\n", " "), flush=True)
    elif word == "release":
        lease.release()
        print("released", flush=True)
    elif word == "check":
        print(lease.check(), flush=True)
"""


class Starter:
    """A process that does what it is told."""

    def __init__(self, folder: Path, ttl: float = 60.0) -> None:
        command = [sys.executable, "-c", STARTER, str(folder), str(ttl)]
        self.process = subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True)
        self.hear()

    def tell(self, word: str) -> None:
        assert self.process.stdin is not None
        self.process.stdin.write(f"{word}\n")
        self.process.stdin.flush()

    def hear(self) -> str:
        assert self.process.stdout is not None
        return self.process.stdout.readline().strip()

    def ask(self, word: str) -> str:
        self.tell(word)
        return self.hear()

    def kill(self) -> None:
        self.process.send_signal(signal.SIGKILL)
        self.process.communicate()


@pytest.fixture
def starters(request: pytest.FixtureRequest):
    made: list[Starter] = []

    def make(count: int, folder: Path, ttl: float = 60.0) -> list[Starter]:
        made.extend(Starter(folder, ttl) for _ in range(count))
        return made

    yield make
    for starter in made:
        starter.kill()


def test_of_four_starters_one_runs_twenty_times(tmp_path: Path, starters) -> None:
    four = starters(4, tmp_path)
    for start in range(1, 21):
        for starter in four:
            starter.tell("acquire")
        answers = [starter.hear() for starter in four]
        winners = [i for i, answer in enumerate(answers) if answer.startswith("owner")]
        assert len(winners) == 1, answers
        assert answers[winners[0]] == f"owner {start}"
        winner = four[winners[0]]
        pid = winner.process.pid
        assert all(f"process {pid}" in a for i, a in enumerate(answers) if i != winners[0])
        assert [winner.ask("check"), winner.ask("release")] == ["True", "released"]
    assert len(list((tmp_path / "lease").iterdir())) == 1


def test_a_dead_owner_is_followed_at_once_and_by_one(tmp_path: Path, starters) -> None:
    four = starters(4, tmp_path)
    for round_ in range(1, 4):
        owner = four.pop()
        assert owner.ask("acquire") == f"owner {2 * round_ - 1}"
        owner.kill()
        begin = time.monotonic()
        for starter in four:
            starter.tell("acquire")
        answers = [starter.hear() for starter in four]
        assert time.monotonic() - begin < 5.0
        assert [a for a in answers if a.startswith("owner")] == [f"owner {2 * round_}"]
        next(s for s, a in zip(four, answers, strict=True) if a.startswith("owner")).ask("release")


def test_a_stopped_owner_is_followed_after_ttl_and_learns_that_it_lost(tmp_path: Path, starters) -> None:
    (owner,) = starters(1, tmp_path, ttl=0.6)
    assert owner.ask("acquire") == "owner 1"
    time.sleep(1.0)
    with pytest.raises(errors.LeaseError, match=f"process {owner.process.pid}"):
        Lease.acquire(tmp_path, ttl=0.6)
    owner.process.send_signal(signal.SIGSTOP)
    with Lease.acquire(tmp_path, ttl=0.6, wait=10.0) as lease:
        assert lease.epoch == 2
        owner.process.send_signal(signal.SIGCONT)
        assert owner.ask("check") == "False"
        time.sleep(0.4)
        assert lease.check()


def record(folder: Path, epoch: int = 1, **more: object) -> None:
    body = {
        "user": "ada",
        "host": "node17",
        "pid": 4242,
        "started": 7.0,
        "machine": "node17 another-boot pid:[1]",
        "epoch": epoch,
        "heartbeat": time.time(),
        "ttl": 0.5,
        "released": False,
    }
    (folder / "lease").mkdir(exist_ok=True)
    (folder / "lease" / f"{epoch}.json").write_bytes(seal({**body, **more}))


def test_an_owner_on_another_machine_is_waited_for_and_named(tmp_path: Path) -> None:
    record(tmp_path)
    with pytest.raises(errors.LeaseError, match=r"run by ada on node17, process 4242.*free 0 s after"):
        Lease.acquire(tmp_path)
    begin = time.monotonic()
    with Lease.acquire(tmp_path, wait=5.0) as lease:
        assert lease.epoch == 2
    assert time.monotonic() - begin > 0.3


def test_a_number_that_another_process_got_is_not_the_owner(tmp_path: Path) -> None:
    import os

    from sneuron.store.lease import _machine, _started

    record(tmp_path, machine=_machine(), pid=os.getpid(), started=_started(os.getpid()), ttl=60.0)
    with pytest.raises(errors.LeaseError):
        Lease.acquire(tmp_path)
    record(tmp_path, machine=_machine(), pid=os.getpid(), started=1.0, ttl=60.0)
    with Lease.acquire(tmp_path) as lease:
        assert lease.epoch == 2


def test_a_clock_that_is_wrong_does_no_harm(tmp_path: Path) -> None:
    """What counts is when the file was written by the clock of the file system, not what the owner believes."""
    record(tmp_path, heartbeat=0.0, ttl=60.0)
    with pytest.raises(errors.LeaseError):
        Lease.acquire(tmp_path)


@pytest.mark.parametrize("content", [b"", b"{", b'{"sum": ""}'])
def test_a_damaged_lease_runs_out(tmp_path: Path, content: bytes) -> None:
    import os

    (tmp_path / "lease").mkdir()
    file = tmp_path / "lease/3.json"
    file.write_bytes(content)
    with pytest.raises(errors.LeaseError, match="somebody on an unknown machine"):
        Lease.acquire(tmp_path)
    past = time.time() - 61
    os.utime(file, (past, past))
    with Lease.acquire(tmp_path) as lease:
        assert lease.epoch == 4


def test_an_owner_shows_signs_of_life_and_gives_back(tmp_path: Path) -> None:
    assert owner_of(tmp_path) is None
    lease = Lease.acquire(tmp_path, ttl=0.4)
    first = json.loads((tmp_path / "lease/1.json").read_bytes())["heartbeat"]
    time.sleep(0.5)
    owner = owner_of(tmp_path)
    assert owner is not None
    assert not owner.gone
    assert owner.silent < 0.4
    assert json.loads((tmp_path / "lease/1.json").read_bytes())["heartbeat"] > first
    lease.release()
    owner = owner_of(tmp_path)
    assert owner is not None
    assert owner.released
    assert owner.gone
    assert not lease.check()
    with pytest.raises(errors.LeaseError, match="took the lease over"):
        lease.demand()
    time.sleep(0.3)
    assert not [t for t in threading.enumerate() if t.name.startswith("sneuron-lease")]


def test_this_process_cannot_own_twice(tmp_path: Path) -> None:
    with Lease.acquire(tmp_path), pytest.raises(errors.LeaseError):
        Lease.acquire(tmp_path)


class NoLinks(Disk):
    """A disk without hard links."""

    def link(self, old: Path, new: Path) -> None:
        raise PermissionError(1, "Operation not permitted", str(new))


def test_without_hard_links_there_is_one_owner_too(tmp_path: Path) -> None:
    won: list[Lease] = []
    ready = threading.Barrier(6)

    def start() -> None:
        ready.wait()
        with contextlib.suppress(errors.LeaseError):
            won.append(Lease.acquire(tmp_path))

    with use_disk(NoLinks()):
        threads = [threading.Thread(target=start) for _ in range(6)]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()
        assert len(won) == 1
        won[0].release()


def test_of_threads_that_start_at_once_one_wins(tmp_path: Path) -> None:
    for start in range(1, 21):
        won: list[Lease] = []
        ready = threading.Barrier(4)

        def begin(won: list[Lease] = won, ready: threading.Barrier = ready) -> None:
            ready.wait()
            with contextlib.suppress(errors.LeaseError):
                won.append(Lease.acquire(tmp_path))

        threads = [threading.Thread(target=begin) for _ in range(4)]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()
        assert [lease.epoch for lease in won] == [start]
        won[0].release()
