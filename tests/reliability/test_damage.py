"""A wrong byte is an error that names its file, never a number."""

import random
import shutil
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest
import xarray as xr

from sneuron import errors, labels
from sneuron.store.files import LoadSim, SaveSim, verify_file
from sneuron.store.folder import StudyFolder
from sneuron.store.layout import Template, Variable

PLACES = 200


def layout() -> Template:
    variables = (
        Variable("x", ("point",), "float64"),
        Variable("v", ("point", "time"), "float32"),
        Variable("status", ("point",), "uint8", labels.status_attrs()),
    )
    dims = {"point": 40, "time": 60_000}
    return Template(dims, {"point": 10}, variables, coords={"point": np.arange(40) * 0.5})


def values(block: int) -> dict[str, np.ndarray]:
    rng = np.random.default_rng(block)
    v = np.repeat(rng.random((10, 600), dtype=np.float32), 100, axis=1)
    return {"x": rng.random(10), "v": v, "status": np.ones(10, np.uint8)}


@pytest.fixture(scope="module")
def whole(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = StudyFolder.create(tmp_path_factory.mktemp("damage") / "study", {"n": 40}, "abc")
    for part in ("main", "more"):
        folder.add_part(part, layout())
        for block in range(4):
            folder.write_block(part, block, values(block))
    folder.consolidate()
    return folder.path


def flip(data: bytes, rng: random.Random) -> bytes:
    at = rng.randrange(len(data))
    return data[:at] + bytes([data[at] ^ (1 << rng.randrange(8))]) + data[at + 1 :]


def truncate(data: bytes, rng: random.Random) -> bytes:
    return data[: rng.randrange(len(data))]


def empty(data: bytes, rng: random.Random) -> bytes:
    return b""


def zero(data: bytes, rng: random.Random) -> bytes:
    at = rng.randrange(len(data))
    zeroed = data[:at] + bytes(min(64, len(data) - at)) + data[at + 64 :]
    return zeroed if zeroed != data else flip(data, rng)


def append(data: bytes, rng: random.Random) -> bytes:
    return data + rng.randbytes(rng.randrange(1, 20))


KINDS: list[Callable[[bytes, random.Random], bytes] | None] = [flip, flip, truncate, empty, zero, append, None]


def files_of(path: Path) -> list[Path]:
    return sorted(p for p in path.rglob("*") if p.is_file() and p.name != ".lock")


def damage(file: Path, rng: random.Random) -> str:
    """Put a damaged file in the place of a whole one; what was done to it."""
    kind = rng.choice(KINDS)
    data = file.read_bytes()
    file.unlink()
    if kind is not None:
        file.write_bytes(kind(data, rng))
    return "deleted" if kind is None else kind.__name__


def read_all(folder: StudyFolder, part: str) -> None:
    data = folder.open_dataset(part)
    for name in ("x", "status", "v"):
        data[name].load()


def test_every_damage_is_found_named_and_never_read(whole: Path, tmp_path: Path) -> None:
    rng = random.Random(5)
    kinds = {(f.relative_to(whole).parts[0], f.suffix == ".json") for f in files_of(whole)}
    assert kinds == {("study.json", True), ("receipts", True), ("data", True), ("data", False)}
    study = tmp_path / "study"
    shutil.copytree(whole, study)
    files = files_of(study)
    for number in range(PLACES):
        file = rng.choice(files) if number % 10 else study / "study.json"
        before = file.read_bytes()
        what = f"{damage(file, rng)}: {file.relative_to(study)}"
        expect_found(study, file, what)
        file.unlink(missing_ok=True)
        file.write_bytes(before)
    assert StudyFolder.open(study).verify() == []


def expect_found(study: Path, file: Path, what: str) -> None:
    if file.name == "study.json":
        with pytest.raises(errors.StoreError, match=r"study\.json"):
            StudyFolder.open(study)
        return
    folder = StudyFolder.open(study)
    found = folder.verify()
    assert [d.file for d in found] == [str(file)], what
    part = file.relative_to(study).parts[1]
    assert found[0].part == part, what
    block = block_of(file, study)
    assert found[0].block == block, what
    with pytest.raises(errors.DamageError) as caught:
        read_all(folder, part)
    assert str(file) in str(caught.value), what
    other = folder.open_dataset("more" if part == "main" else "main")
    np.testing.assert_array_equal(other.x.values, np.concatenate([values(b)["x"] for b in range(4)]))


def block_of(file: Path, study: Path) -> int | None:
    if file.relative_to(study).parts[0] == "receipts":
        return int(file.stem)
    if file.name.startswith("c.") and file.parent.name in ("x", "v", "status"):
        return int(file.name.split(".")[1])
    return None


def test_only_the_damaged_block_is_computed_again(whole: Path, tmp_path: Path) -> None:
    shutil.copytree(whole, tmp_path / "study")
    folder = StudyFolder.open(tmp_path / "study")
    file = folder.path / "data/main/v/c.2.0"
    file.write_bytes(flip(file.read_bytes(), random.Random(1)))
    (found,) = folder.verify()
    assert found.block is not None
    folder.drop_receipt(found.part, found.block)
    assert folder.missing("main") == [2]
    folder.write_block("main", 2, values(2))
    folder.consolidate()
    assert folder.verify() == []
    assert {f.relative_to(folder.path): f.read_bytes() for f in files_of(folder.path / "data")} == {
        f.relative_to(whole): f.read_bytes() for f in files_of(whole / "data")
    }


def test_a_damaged_block_is_not_read_even_where_the_damage_is_not(whole: Path, tmp_path: Path) -> None:
    """One inner chunk of a shard is asked for, another one is damaged; the rest of the study can be read."""
    shutil.copytree(whole, tmp_path / "study")
    folder = StudyFolder.open(tmp_path / "study")
    file = folder.path / "data/main/v/c.1.0"
    data = bytearray(file.read_bytes())
    data[10] ^= 1
    file.write_bytes(data)
    v = folder.open_dataset("main").v
    assert v.encoding["chunks"] != v.encoding["shards"]
    with pytest.raises(errors.DamageError, match="block 1 of variable 'v' in part 'main'"):
        v.isel(point=19, time=slice(0, 3)).load()
    np.testing.assert_array_equal(v.isel(point=slice(0, 10)).values, values(0)["v"])


def test_files_that_changed_places_are_found(whole: Path, tmp_path: Path) -> None:
    shutil.copytree(whole, tmp_path / "study")
    one, other = (tmp_path / "study/data/main/x" / name for name in ("c.0", "c.1"))
    first, second = one.read_bytes(), other.read_bytes()
    assert len(first) == len(second)
    one.write_bytes(second)
    other.write_bytes(first)
    folder = StudyFolder.open(tmp_path / "study")
    assert [d.block for d in folder.verify()] == [0, 1]
    with pytest.raises(errors.DamageError, match="other bytes"):
        folder.open_dataset("main").x.load()


def test_a_receipt_of_another_block_or_study_is_not_taken(whole: Path, tmp_path: Path) -> None:
    shutil.copytree(whole, tmp_path / "study")
    receipts = tmp_path / "study/receipts/main"
    shutil.copy(receipts / "0.json", receipts / "1.json")
    folder = StudyFolder.open(tmp_path / "study")
    assert [(d.block, d.reason) for d in folder.verify()] == [(1, "is the receipt of another block or study")]
    with pytest.raises(errors.DamageError, match=r"receipts/main/1\.json"):
        folder.open_dataset("main").x.load()


def test_damage_after_the_first_reading_is_seen(whole: Path, tmp_path: Path) -> None:
    shutil.copytree(whole, tmp_path / "study")
    folder = StudyFolder.open(tmp_path / "study")
    data = folder.open_dataset("main")
    data.x[3].load()
    file = folder.path / "data/main/x/c.0"
    content = file.read_bytes()
    file.unlink()
    file.write_bytes(flip(content, random.Random(0)))
    with pytest.raises(errors.DamageError):
        data.x[3:5].load()


def test_saved_files_too(tmp_path: Path) -> None:
    rng = random.Random(2)
    data = xr.Dataset(
        {"v": (("n", "time"), np.random.default_rng(0).random((3, 50))), "label": ("n", ["a", "b", "c"])},
        coords={"time": np.arange(50) * 0.1},
        attrs={"model": "hh"},
    )
    path = SaveSim(data, tmp_path / "run")
    assert verify_file(path) == []
    files = files_of(path)
    for number in range(60):
        file = files[number % len(files)]
        before = file.read_bytes()
        what = f"{damage(file, rng)}: {file.name}"
        assert str(file) in [d.file for d in verify_file(path)], what
        with pytest.raises(errors.StoreError) as caught:
            LoadSim(path).load()
        assert str(file if file.exists() or file.name != "receipt.json" else path) in str(caught.value), what
        file.unlink(missing_ok=True)
        file.write_bytes(before)
    assert LoadSim(path).identical(data)
