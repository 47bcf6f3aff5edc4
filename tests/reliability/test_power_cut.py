"""A power cut at any moment: what was not synced is gone, and nothing that was promised is.

A `Recorder` does everything for real and notes each step. A model of the disk is then brought to every state in which
the power might fail, what is not safe is dropped (all of it, or by lot), and what is left is laid out in a new folder
and opened.
"""

import os
import random
import shutil
import threading
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from pathlib import Path

import numpy as np
import pytest
import xarray as xr

from sneuron import errors, labels
from sneuron.store.disk import Disk, disk, use_disk
from sneuron.store.files import LoadSim, SaveSim
from sneuron.store.folder import StudyFolder
from sneuron.store.layout import Template, Variable

POLICIES = ["drop", "keep names", "lot"]
SYNCED: set[str] = set()
"""What the system was really asked to sync."""


@pytest.fixture(scope="module", autouse=True)
def watched_fsync() -> Iterator[None]:
    real = os.fsync

    def fsync(fd: int) -> None:
        real(fd)
        SYNCED.add(os.readlink(f"/proc/self/fd/{fd}"))

    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(os, "fsync", fsync)
        yield


@dataclass
class File:
    """A file of the model: bytes as the system sees them, and as they are safe."""

    data: bytes = b""
    safe: bytes | None = None


@dataclass
class Folder:
    """A folder of the model: the names that are safe, and the changes since, which may or may not survive."""

    names: dict[str, "File | Folder"] = field(default_factory=dict)
    safe: dict[str, "File | Folder"] = field(default_factory=dict)
    changes: list[tuple[tuple[str, "File | Folder | None"], ...]] = field(default_factory=list)

    def change(self, *pairs: "tuple[str, File | Folder | None]") -> None:
        """Set or (None) remove names in one stroke."""
        for name, node in pairs:
            if node is None:
                self.names.pop(name, None)
            else:
                self.names[name] = node
        self.changes.append(pairs)

    def sync(self) -> None:
        self.safe = dict(self.names)
        self.changes.clear()


class Model:
    """What a disk holds, and what of it would survive."""

    def __init__(self, root: Path) -> None:
        self.root = root
        self.top = Folder()

    def folder(self, path: Path) -> Folder:
        found: File | Folder = self.top
        for name in path.relative_to(self.root).parts:
            assert isinstance(found, Folder)
            found = found.names[name]
        assert isinstance(found, Folder)
        return found

    def do(self, kind: str, path: Path, what: object = None) -> None:
        here = self.folder(path if kind == "sync_folder" else path.parent)
        if kind == "make_folder":
            here.change((path.name, Folder()))
        elif kind == "write":
            here.change((path.name, File(data=what)))  # type: ignore[arg-type]
        elif kind == "sync":
            file = here.names[path.name]
            assert isinstance(file, File)
            file.safe = file.data
        elif kind == "sync_folder":
            here.sync()
        elif kind == "remove":
            here.change((path.name, None))
        elif kind == "link":
            here.change((what.name, here.names[path.name]))  # type: ignore[attr-defined]
        elif kind == "rename":
            assert what.parent == path.parent  # type: ignore[attr-defined]
            here.change((what.name, here.names[path.name]), (path.name, None))  # type: ignore[attr-defined]

    def survive(self, target: Path, keep: Callable[[], bool], data: Callable[[File], bytes]) -> None:
        """Lay out what is left after the power failed."""
        lay_out(self.top, target, keep, data)


def lay_out(folder: Folder, target: Path, keep: Callable[[], bool], data: Callable[[File], bytes]) -> None:
    left = dict(folder.safe)
    for pairs in folder.changes:
        if keep():
            for name, node in pairs:
                if node is None:
                    left.pop(name, None)
                else:
                    left[name] = node
    for name, node in left.items():
        if isinstance(node, Folder):
            (target / name).mkdir()
            lay_out(node, target / name, keep, data)
        else:
            (target / name).write_bytes(node.safe if node.safe is not None else data(node))


class Recorder(Disk):
    """Does everything for real, and notes each step."""

    def __init__(self) -> None:
        self.steps: list[tuple[str, Path, object]] = []
        self.noting = threading.Lock()

    def note(self, kind: str, path: Path, what: object = None) -> None:
        with self.noting:
            self.steps.append((kind, path, what))

    def promise(self, what: str) -> None:
        """From here on this must hold."""
        self.note("promise", Path(), what)

    def write(self, path: Path, data: bytes) -> None:
        super().write(path, data)
        self.note("write", path, bytes(data))
        if os.path.realpath(path) in SYNCED:
            self.note("sync", path)

    def rename(self, old: Path, new: Path) -> None:
        super().rename(old, new)
        self.note("rename", old, new)

    def link(self, old: Path, new: Path) -> None:
        super().link(old, new)
        self.note("link", old, new)

    def remove(self, path: Path) -> None:
        existed = path.exists()
        super().remove(path)
        if existed:
            self.note("remove", path)

    def make_folder(self, path: Path) -> None:
        super().make_folder(path)
        self.note("make_folder", path)

    def sync_folder(self, path: Path) -> None:
        SYNCED.discard(os.path.realpath(path))
        super().sync_folder(path)
        if os.path.realpath(path) in SYNCED:
            self.note("sync_folder", path)


def cuts(
    recorder: Recorder, root: Path, target: Path, policy: str, every: int = 1
) -> Iterator[tuple[int, Path, set[str]]]:
    """After each step: a folder with what would be left, and what had been promised by then."""
    model, promised = Model(root), set[str]()
    lot = random.Random(policy)
    for number, (kind, path, what) in enumerate(recorder.steps):
        if kind == "promise":
            promised.add(str(what))
        else:
            model.do(kind, path, what)
        if number % every and kind != "promise":
            continue
        shutil.rmtree(target, ignore_errors=True)
        target.mkdir()
        keep = {"drop": lambda: False, "keep names": lambda: True, "lot": lambda: lot.random() < 0.5}[policy]
        model.survive(
            target, keep, lambda file: file.data[: lot.randrange(len(file.data) + 1)] if lot.random() < 0.5 else b""
        )
        yield number, target, set(promised)


def layout() -> Template:
    variables = (
        Variable("x", ("point",), "float64"),
        Variable("status", ("point",), "uint8", labels.status_attrs()),
    )
    return Template({"point": 30}, {"point": 10}, variables, coords={"point": np.arange(30) * 0.5})


def values(block: int, salt: float = 0.0) -> dict[str, np.ndarray]:
    return {"x": np.random.default_rng(block).random(10) + salt, "status": np.ones(10, np.uint8)}


@pytest.fixture(scope="module")
def recorded(tmp_path_factory: pytest.TempPathFactory) -> tuple[Recorder, Path]:
    """The life of a study: made, computed, computed again in part, grown, finished."""
    root = tmp_path_factory.mktemp("real")
    with use_disk(Recorder()) as recorder:
        assert isinstance(recorder, Recorder)
        folder = StudyFolder.create(root / "study", {"n": 30}, "abc")
        recorder.promise("study")
        folder.add_part("main", layout())
        recorder.promise("part main")
        for block in (2, 0, 1):
            folder.write_block("main", block, values(block))
            recorder.promise(f"main {block}")
        folder.write_block("main", 0, values(0))
        recorder.promise("dropping")
        folder.drop_receipt("main", 1)
        recorder.promise("dropped")
        folder.write_block("main", 1, values(1, salt=1.0))
        recorder.promise("salted")
        folder.add_part("more", layout(), plan={"n": 60}, plan_hash="def")
        recorder.promise("part more")
        folder.write_block("more", 1, values(1))
        recorder.promise("more 1")
        folder.consolidate()
        recorder.promise("consolidated")
    return recorder, root


@pytest.mark.parametrize("policy", POLICIES)
def test_no_receipted_block_is_lost_or_wrong(recorded: tuple[Recorder, Path], tmp_path: Path, policy: str) -> None:
    recorder, root = recorded
    states = 0
    for number, left, promised in cuts(recorder, root, tmp_path / "left", policy, every=1 if policy == "drop" else 2):
        states += 1
        try:
            folder = StudyFolder.open(left / "study")
        except errors.DamageError as error:
            raise AssertionError(f"step {number}: {error}") from error
        except errors.StoreError:
            assert "study" not in promised, number
            StudyFolder.create(left / "study", {"n": 30}, "abc").add_part("main", layout())
            continue
        check(folder, number, promised)
    assert states > 60


def check(folder: StudyFolder, number: int, promised: set[str]) -> None:
    assert {p.removeprefix("part ") for p in promised if p.startswith("part ")} <= set(folder.parts), number
    assert folder.verify() == [], number
    for part in folder.parts:
        done = folder.done(part)
        must = {int(p.split()[1]) for p in promised if p.startswith(f"{part} ")}
        assert must - done <= ({1} if "dropping" in promised and "salted" not in promised else set()), number
        data = folder.open_dataset(part).load()
        np.testing.assert_array_equal(data.point.values, np.arange(30) * 0.5)
        for block in range(3):
            check_block(data.isel(point=slice(block * 10, block * 10 + 10)), part, block, block in done, promised)
    if "consolidated" in promised:
        assert folder.plan == {"n": 60}


def check_block(data: xr.Dataset, part: str, block: int, done: bool, promised: set[str]) -> None:
    if not done:
        assert np.isnan(data.x.values).all()
        assert (data.status.values == 0).all()
        return
    plain, salted = values(block)["x"], values(block, 1.0)["x"]
    allowed = [plain]
    if (part, block) == ("main", 1):
        allowed = [salted] if "salted" in promised else [plain, salted] if "dropping" in promised else [plain]
    assert any(np.array_equal(data.x.values, one) for one in allowed)


@pytest.mark.parametrize("policy", POLICIES)
def test_a_saved_file_is_old_or_new_and_whole(tmp_path: Path, policy: str) -> None:
    old, new = (xr.Dataset({"v": ("time", np.arange(4.0) + k)}, coords={"time": np.arange(4)}) for k in (0, 1))
    (tmp_path / "real").mkdir()
    with use_disk(Recorder()) as recorder:
        assert isinstance(recorder, Recorder)
        path = SaveSim(old, tmp_path / "real/folder/run")
        recorder.promise("old")
        SaveSim(new, path, overwrite=True)
        recorder.promise("new")
    for number, left, promised in cuts(recorder, tmp_path / "real", tmp_path / "left", policy):
        try:
            found = LoadSim(left / "folder/run").load()
        except errors.DamageError as error:
            raise AssertionError(f"step {number}: {error}") from error
        except errors.StoreError:
            assert promised == set(), number
            continue
        assert found.identical(new) if "new" in promised else found.identical(new) or found.identical(old), number


class Careless(Recorder):
    """A disk that forgets one kind of care."""

    def __init__(self, forgets: str) -> None:
        super().__init__()
        self.forgets = forgets

    def note(self, kind: str, path: Path, what: object = None) -> None:
        if kind != self.forgets:
            super().note(kind, path, what)


@pytest.mark.parametrize("forgets", ["sync", "sync_folder"])
def test_the_model_finds_a_disk_that_does_not_sync(tmp_path: Path, forgets: str) -> None:
    """The test of the tests: leave one kind of sync out, and promises are broken."""
    (tmp_path / "real").mkdir()
    with use_disk(Careless(forgets)) as recorder:
        assert isinstance(recorder, Recorder)
        folder = StudyFolder.create(tmp_path / "real/study", {}, "abc")
        recorder.promise("study")
        folder.add_part("main", layout())
        folder.write_block("main", 0, values(0))
        recorder.promise("main 0")
    policy = "keep names" if forgets == "sync" else "drop"
    broken = 0
    for number, left, promised in cuts(recorder, tmp_path / "real", tmp_path / "left", policy):
        try:
            check(StudyFolder.open(left / "study"), number, promised)
        except (errors.StoreError, AssertionError):
            broken += bool(promised)
    assert broken > 0


def test_every_step_goes_through_the_disk(recorded: tuple[Recorder, Path], tmp_path: Path) -> None:
    """What the model ends with is what lies on the real disk."""
    recorder, root = recorded
    *_, (_, left, _) = cuts(recorder, root, tmp_path / "left", "keep names", every=10_000)
    unseen = {".lock"}
    real = {p.relative_to(root): p.read_bytes() for p in root.rglob("*") if p.is_file() and p.name not in unseen}
    assert {p.relative_to(left): p.read_bytes() for p in left.rglob("*") if p.is_file()} == real
    assert disk().__class__ is Disk
