"""Files are whole or absent; a full disk pauses and loses nothing."""

import errno
import os
import pickle
import threading
from pathlib import Path

import numpy as np
import pytest

from sneuron import errors, labels
from sneuron.store.disk import Disk, DiskFullError, disk, use_disk
from sneuron.store.folder import StudyFolder
from sneuron.store.layout import Template, Variable


class Small(Disk):
    """A disk with room for so many bytes; a file that does not fit is left half written, as disks do."""

    def __init__(self, room: int) -> None:
        self.room = room
        self.counting = threading.Lock()

    def write(self, path: Path, data: bytes) -> None:
        with self.counting:
            fits = max(0, min(len(data), self.room))
            self.room -= fits
        super().write(path, data[:fits])
        if fits < len(data):
            raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC), str(path))

    def remove(self, path: Path) -> None:
        with self.counting:
            if path.exists() and path.stat().st_nlink == 1:
                self.room += path.stat().st_size
        super().remove(path)

    def free(self, path: Path) -> int:
        return self.room


class Failing(Disk):
    """A disk whose operations of one kind fail."""

    def __init__(self, kind: str, code: int) -> None:
        self.kind = kind
        self.code = code

    def fail(self, kind: str, path: Path) -> None:
        if kind == self.kind:
            raise OSError(self.code, os.strerror(self.code), str(path))

    def write(self, path: Path, data: bytes) -> None:
        self.fail("write", path)
        super().write(path, data)

    def rename(self, old: Path, new: Path) -> None:
        self.fail("rename", new)
        super().rename(old, new)

    def link(self, old: Path, new: Path) -> None:
        self.fail("link", new)
        super().link(old, new)

    def sync_folder(self, path: Path) -> None:
        self.fail("sync_folder", path)
        super().sync_folder(path)


def layout() -> Template:
    variables = (Variable("x", ("point",), "float64"), Variable("status", ("point",), "uint8", labels.status_attrs()))
    return Template({"point": 4000}, {"point": 500}, variables)


def values(block: int) -> dict[str, np.ndarray]:
    return {"x": np.random.default_rng(block).random(500), "status": np.ones(500, np.uint8)}


@pytest.fixture
def study(tmp_path: Path) -> StudyFolder:
    folder = StudyFolder.create(tmp_path / "study", {}, "abc")
    folder.add_part("main", layout())
    return folder


def files_below(path: Path) -> dict[str, bytes]:
    return {str(p.relative_to(path)): p.read_bytes() for p in path.rglob("*") if p.is_file() and p.name != ".lock"}


def test_several_files_are_written_and_no_passing_name_is_left(tmp_path: Path) -> None:
    files = {tmp_path / f"{i}": bytes([i]) * i for i in range(20)}
    disk().put_all(files)
    assert files_below(tmp_path) == {p.name: data for p, data in files.items()}


@pytest.mark.parametrize("kind", ["write", "rename", "sync_folder"])
def test_a_failed_write_says_so_and_leaves_no_passing_file(tmp_path: Path, kind: str) -> None:
    with use_disk(Failing(kind, errno.EIO)), pytest.raises(errors.StoreError, match="cannot be written: Input/output"):
        disk().put_all({tmp_path / "a": b"1", tmp_path / "b": b"2"})
    assert [p for p in tmp_path.iterdir() if p.name.endswith(".partial")] == []


def test_the_old_file_stays_until_the_new_one_is_whole(tmp_path: Path) -> None:
    disk().put(tmp_path / "a", b"old")
    with use_disk(Small(2)), pytest.raises(DiskFullError):
        disk().put(tmp_path / "a", b"new content")
    assert files_below(tmp_path) == {"a": b"old"}


def test_of_many_who_write_once_one_does(tmp_path: Path) -> None:
    path = tmp_path / "once"
    won: list[int] = []
    ready = threading.Barrier(8)

    def write(number: int) -> None:
        ready.wait()
        if disk().put_once(path, str(number).encode()):
            won.append(number)

    threads = [threading.Thread(target=write, args=(i,)) for i in range(8)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert files_below(tmp_path) == {"once": str(won[0]).encode()}
    assert len(won) == 1


def test_a_disk_without_hard_links_writes_once_too(tmp_path: Path) -> None:
    with use_disk(Failing("link", errno.EPERM)):
        assert disk().put_once(tmp_path / "a", b"1")
        assert not disk().put_once(tmp_path / "a", b"2")
    assert files_below(tmp_path) == {"a": b"1"}


def test_a_full_disk_says_how_much_is_needed_and_free(study: StudyFolder) -> None:
    before = files_below(study.path)
    with use_disk(Small(1000)), pytest.raises(DiskFullError, match=r"the disk is full: .* are needed") as caught:
        study.write_block("main", 0, values(0))
    error = caught.value
    assert error.needed > error.free
    assert isinstance(error, errors.StoreError)
    again = pickle.loads(pickle.dumps(error))
    assert (type(again), again.needed, str(again)) == (DiskFullError, error.needed, str(error))
    assert files_below(study.path) == before


def test_a_study_goes_on_when_there_is_space_again(study: StudyFolder) -> None:
    """Room is cut at every size: whatever was acknowledged stays, and the rest can be written afterwards."""
    with use_disk(Small(18_000)) as small:
        for block in range(8):
            try:
                study.write_block("main", block, values(block))
            except DiskFullError:
                break
        full_at = block
        assert 0 < full_at < 7
        assert study.missing("main") == list(range(full_at, 8))
        assert study.verify() == []
        assert isinstance(small, Small)
        small.room += 10**6
        for block in study.missing("main"):
            study.write_block("main", block, values(block))
    assert study.verify() == []
    np.testing.assert_array_equal(
        study.open_dataset("main").x.values, np.concatenate([values(b)["x"] for b in range(8)])
    )


@pytest.mark.parametrize("room", range(0, 9000, 450))
def test_wherever_the_space_ends_a_block_is_done_or_not(study: StudyFolder, room: int) -> None:
    with use_disk(Small(room)):
        try:
            study.write_block("main", 3, values(3))
            acknowledged = True
        except DiskFullError:
            acknowledged = False
    assert (study.done("main") == {3}) is acknowledged
    assert study.verify() == []
    study.write_block("main", 3, values(3))
    np.testing.assert_array_equal(study.open_dataset("main").x[1500:2000].values, values(3)["x"])


def test_a_study_that_found_no_room_to_begin_can_begin_again(tmp_path: Path) -> None:
    for room in range(0, 6000, 500):
        with use_disk(Small(room)):
            try:
                folder = StudyFolder.create(tmp_path / "s", {"a": 1}, "abc")
                folder.add_part("main", layout())
            except DiskFullError:
                continue
    folder = StudyFolder.create(tmp_path / "s", {"a": 1}, "abc")
    folder.add_part("main", layout())
    assert folder.parts == ["main"]
    assert folder.verify() == []
