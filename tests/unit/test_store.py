"""Study folders: layout, blocks, receipts, what is refused, and how a dataset opens."""

import json
import pickle
from pathlib import Path

import numpy as np
import pytest
import xarray as xr

from sneuron import errors, labels
from sneuron.store.disk import Disk, use_disk
from sneuron.store.folder import StudyFolder
from sneuron.store.layout import Template, Variable, inner_chunks, spike_encoding
from sneuron.store.places import checked_path
from sneuron.store.seal import seal

STATUS = Variable("status", ("gNa", "gK"), "uint8", labels.status_attrs())
RATE = Variable("rate", ("gNa", "gK"), "float64", {"units": "Hz", "long_name": "firing rate"})


def template(**more: object) -> Template:
    given = {
        "dims": {"gNa": 5, "gK": 3},
        "block": {"gNa": 2, "gK": 2},
        "variables": (RATE, STATUS),
        "coords": {"gNa": (("gNa",), np.arange(5.0), {"units": "mS/cm2"}), "gK": np.array(["low", "mitte", "höher"])},
        "attrs": {"model_name": "hh", "seed": 0},
    }
    return Template(**{**given, **more})  # type: ignore[arg-type]


def values(block: int, layout: Template) -> dict[str, np.ndarray]:
    whole = np.arange(15.0).reshape(5, 3)
    cut = whole[tuple(layout.region(block).values())]
    return {"rate": cut, "status": np.ones(cut.shape, np.uint8)}


@pytest.fixture
def study(tmp_path: Path) -> StudyFolder:
    folder = StudyFolder.create(tmp_path / "study", {"model": "hh", "n": 15}, "abc123")
    folder.add_part("main", template())
    return folder


def fill(folder: StudyFolder, blocks: list[int] | None = None) -> None:
    layout = folder.template("main")
    for block in range(layout.n_blocks) if blocks is None else blocks:
        folder.write_block("main", block, values(block, layout), {"attempt": 1})


# ---------------------------------------------------------------------------------------------------------- layout


def test_blocks_are_numbered_row_by_row_and_the_last_are_cut_short() -> None:
    layout = template()
    assert layout.n_blocks == 6
    assert layout.region(1) == {"gNa": slice(0, 2), "gK": slice(2, 3)}
    assert layout.region(4) == {"gNa": slice(4, 5), "gK": slice(0, 2)}
    assert [layout.block_of(RATE, layout.key(RATE, b)) for b in range(6)] == list(range(6))
    assert layout.block_of(RATE, "c.3.0") is None
    assert layout.block_of(RATE, "zarr.json") is None


@pytest.mark.parametrize(
    ("change", "said"),
    [
        ({"variables": (RATE, RATE)}, "taken twice: rate"),
        ({"variables": (Variable("gNa", ("gNa", "gK"), "f8"),)}, "taken twice: gNa"),
        ({"variables": (Variable("x", ("gNa",), "f8"),)}, r"lacks the dims \['gK'\]"),
        ({"variables": (Variable("x", ("gNa", "gK", "time"), "f8"),)}, r"dims \['time'\] without length"),
        ({"variables": (Variable("x", ("gNa", "gK", "gK"), "f8"),)}, "dim twice"),
        ({"block": {"gNa": 0, "gK": 2}}, "must be positive"),
        ({"block": {"gCa": 2}}, r"blocked dims \['gCa'\] have no length"),
        ({"coords": {"gNa": np.arange(4.0)}}, "4 values along 'gNa'"),
    ],
)
def test_a_layout_that_cannot_be_is_refused(tmp_path: Path, change: dict, said: str) -> None:
    folder = StudyFolder.create(tmp_path / "study", {}, "abc")
    with pytest.raises(errors.DataError, match=said):
        folder.add_part("main", template(**change))
    assert folder.parts == []


@pytest.mark.parametrize("dtype", ["U5", "O", "M8[s]"])
def test_variables_are_numbers(dtype: str) -> None:
    with pytest.raises(errors.DataError, match="has dtype"):
        Variable("x", ("gNa",), dtype)


def test_inner_chunks_divide_the_shard_from_the_first_dim_on() -> None:
    assert inner_chunks((65_536,), 8) == (65_536,)
    chunks = inner_chunks((64, 64, 10_000), 4)
    assert chunks == (1, 16, 10_000)
    assert inner_chunks((7, 1000, 1000), 8) == (1, 125, 1000)


def test_a_block_of_traces_is_one_file_of_several_chunks(tmp_path: Path) -> None:
    folder = StudyFolder.create(tmp_path / "study", {}, "abc")
    trace = Variable("v", ("point", "time"), "float32", {"units": "mV"})
    folder.add_part("main", Template({"point": 6, "time": 200_000}, {"point": 4}, (trace,)))
    v = np.random.default_rng(0).random((6, 200_000), dtype=np.float32)
    for block, cut in enumerate([slice(0, 4), slice(4, 6)]):
        folder.write_block("main", block, {"v": v[cut]})
    assert sorted(p.name for p in (folder.path / "data/main/v").iterdir()) == ["c.0.0", "c.1.0", "zarr.json"]
    data = folder.open_dataset("main")
    assert data.v.encoding["shards"] == (4, 200_000)
    assert data.v.encoding["chunks"] == (1, 200_000)
    np.testing.assert_array_equal(data.v.isel(point=5, time=slice(7, 90)).values, v[5, 7:90])
    np.testing.assert_array_equal(data.v.values, v)


# ---------------------------------------------------------------------------------------------------------- studies


def test_the_same_study_attaches_and_another_is_refused_with_both_hashes(study: StudyFolder) -> None:
    fill(study, [0])
    again = StudyFolder.create(study.path, {"model": "hh", "n": 15}, "abc123")
    assert again.done("main") == {0}
    assert again.plan == {"model": "hh", "n": 15}
    with pytest.raises(errors.StoreError, match=r"abc123.*def456"):
        StudyFolder.create(study.path, {"model": "lif"}, "def456")
    assert StudyFolder.open(study.path).plan_hash == "abc123"


def test_a_plan_grows_with_its_part(study: StudyFolder) -> None:
    fill(study)
    study.add_part("more", template(attrs={}), plan={"model": "hh", "n": 30}, plan_hash="fff")
    again = StudyFolder.open(study.path)
    assert (again.plan["n"], again.plan_hash, again.parts) == (30, "fff", ["main", "more"])
    assert again.missing("main") == []
    again.write_block("more", 0, values(0, template()))
    assert again.receipt("more", 0)["study"] == "fff"
    assert again.receipt("main", 0)["study"] == "abc123"


def test_a_plan_cannot_be_changed_by_who_reads_it(study: StudyFolder) -> None:
    study.plan["model"] = "lif"
    assert study.plan["model"] == "hh"


def test_the_same_part_twice_is_one_and_another_layout_is_refused(study: StudyFolder) -> None:
    fill(study, [2])
    study.add_part("main", template())
    assert study.done("main") == {2}
    with pytest.raises(errors.StoreError, match="another layout"):
        study.add_part("main", template(block={"gNa": 5, "gK": 3}))


@pytest.mark.parametrize("name", ["", "a/b", "..", ".hidden", "x" * 65, "a b"])
def test_names_of_parts_are_plain(study: StudyFolder, name: str) -> None:
    with pytest.raises(errors.StoreError, match="cannot name a part"):
        study.add_part(name, template())


def test_an_unknown_part_gets_the_nearest(study: StudyFolder) -> None:
    with pytest.raises(errors.UnknownNameError, match="Did you mean 'main'"):
        study.open_dataset("mian")


@pytest.mark.parametrize("kind", ["file", "folder", "zarr"])
def test_what_belongs_to_others_is_never_touched(tmp_path: Path, kind: str) -> None:
    path = tmp_path / "mine"
    if kind == "file":
        path.write_text("my thesis")
    else:
        path.mkdir()
        (path / ("zarr.json" if kind == "zarr" else "thesis.txt")).write_text("{}")
    before = {p: p.stat().st_mtime_ns for p in tmp_path.rglob("*")}
    with pytest.raises(errors.StoreError, match="mine"):
        StudyFolder.create(path, {}, "abc")
    assert {p: p.stat().st_mtime_ns for p in tmp_path.rglob("*")} == before


def test_an_empty_folder_may_be_used(tmp_path: Path) -> None:
    assert StudyFolder.create(tmp_path, {"a": 1}, "abc").plan == {"a": 1}


@pytest.mark.parametrize("what", ["nothing", "file", "folder"])
def test_opening_what_is_no_study_says_so(tmp_path: Path, what: str) -> None:
    path = tmp_path / "x"
    if what == "file":
        path.write_text("x")
    elif what == "folder":
        path.mkdir()
    with pytest.raises(errors.StoreError, match=r"there is nothing|is a file|no study\.json"):
        StudyFolder.open(path)


@pytest.mark.parametrize(("schema", "said"), [(0, "the version that wrote it"), (2, "newer version of sneuron")])
def test_other_schemas_are_refused_by_name(study: StudyFolder, schema: int, said: str) -> None:
    file = study.path / "study.json"
    file.write_bytes(seal({**json.loads(file.read_bytes()), "schema": schema}))
    with pytest.raises(errors.StoreError, match=rf"schema {schema}; this version reads schema 1.*{said}"):
        StudyFolder.open(study.path)


@pytest.mark.parametrize("content", [b"", b"{", b"\xff\xfe", b"[]", b'{"format": "sneuron-study"}', b"[" * 100_000])
def test_a_plan_file_that_cannot_be_read_is_named(study: StudyFolder, content: bytes) -> None:
    (study.path / "study.json").write_bytes(content)
    with pytest.raises(errors.DamageError, match=r"study\.json"):
        StudyFolder.open(study.path)


BAD_PATHS = [
    "",
    "  ",
    "a\nb",
    "a\0b",
    "a\x1bb",
    "a\ud800b",
    "../x",
    "a/../b",
    "file:///tmp/x",
    "s3://bucket/x",
    "simplecache::x",
    "~/x",
    "\\\\server\\share",
    "//server/share",
    "x" * 256,
    "é" * 128,
    "name.",
    b"bytes",
    7,
]


@pytest.mark.parametrize("path", BAD_PATHS, ids=repr)
def test_paths_that_cannot_be_are_refused_before_any_work(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, path: str
) -> None:
    monkeypatch.chdir(tmp_path)
    with pytest.raises(errors.StoreError, match="path"):
        StudyFolder.create(path, {}, "abc")
    assert list(tmp_path.iterdir()) == []


@pytest.mark.parametrize("name", ["with spaces", "мозг", "🧠.zarr", "a'b\"c", "-x", "%41", "$HOME"])
def test_any_letters_are_fine(tmp_path: Path, name: str) -> None:
    StudyFolder.create(tmp_path / name, {"x": 1}, "abc").add_part("main", template())
    folder = StudyFolder.open(tmp_path / name)
    fill(folder)
    assert folder.open_dataset("main").rate.values[4, 2] == 14.0
    assert folder.verify() == []


def test_two_spellings_of_a_name_are_one(tmp_path: Path) -> None:
    folder = StudyFolder.create(tmp_path / "e\u0301tude", {}, "abc")
    assert folder.path.name == "\u00e9tude"
    assert StudyFolder.open(tmp_path / "\u00e9tude").plan_hash == "abc"


def test_a_spelling_that_is_there_already_is_kept(tmp_path: Path) -> None:
    (tmp_path / "e\u0301tude").mkdir()
    assert checked_path(tmp_path / "e\u0301tude", "test").name == "e\u0301tude"


class ReadOnly(Disk):
    """Behaves as a disk that may not be written."""

    def make_folder(self, path: Path) -> None:
        raise PermissionError(13, "Permission denied", str(path))


def test_a_folder_that_may_not_be_written_is_said_before_any_work(tmp_path: Path) -> None:
    with use_disk(ReadOnly()), pytest.raises(errors.StoreError, match="cannot be written: Permission denied"):
        StudyFolder.create(tmp_path / "study", {}, "abc")


# ---------------------------------------------------------------------------------------------------------- blocks


def test_what_is_not_computed_is_told_apart_from_what_is_nan(study: StudyFolder) -> None:
    layout = study.template("main")
    given = values(0, layout)
    given["rate"][0, 0] = np.nan
    given["status"][0, 0] = labels.Status.DIVERGED
    receipt = study.write_block("main", 0, given)
    assert receipt["status"] == {"diverged": 1, "ok": 3}
    study.write_block("main", 3, {"rate": np.full((2, 1), np.nan), "status": np.full((2, 1), 6, np.uint8)})
    data = study.open_dataset("main").load()
    assert data.status.values.tolist() == [[2, 1, 0], [1, 1, 0], [0, 0, 6], [0, 0, 6], [0, 0, 0]]
    assert np.isnan(data.rate.values).sum() == 1 + 15 - 4
    assert data.status.attrs["flag_meanings"].split()[6] == "error"


def test_a_file_without_receipt_is_not_believed(study: StudyFolder) -> None:
    fill(study)
    study.drop_receipt("main", 0)
    assert (study.path / "data/main/rate/c.0.0").exists()
    assert study.missing("main") == [0]
    data = study.open_dataset("main").load()
    assert np.isnan(data.rate.values[:2, :2]).all()
    assert (data.status.values[:2, :2] == 0).all()
    assert (data.status.values[2:] == 1).all()


def test_an_open_dataset_sees_blocks_that_are_written_later(study: StudyFolder) -> None:
    data = study.open_dataset("main")
    assert np.isnan(data.rate.isel(gNa=0, gK=0).values)
    fill(StudyFolder.open(study.path), [0])
    assert data.rate.isel(gNa=0, gK=1).values == 1.0


def test_a_block_written_again_keeps_its_first_receipt(study: StudyFolder) -> None:
    layout = study.template("main")
    first = study.write_block("main", 1, values(1, layout), {"attempt": 1})
    again = study.write_block("main", 1, values(1, layout), {"attempt": 2})
    assert again["info"] == first["info"] == {"attempt": 1}
    assert study.receipt("main", 1)["written"] == first["written"]


def test_a_late_writer_with_other_values_is_refused_and_changes_nothing(study: StudyFolder) -> None:
    layout = study.template("main")
    study.write_block("main", 1, values(1, layout))
    other = {**values(1, layout), "rate": values(1, layout)["rate"] + 1e-12}
    with pytest.raises(errors.StoreError, match=r"block 1 of part 'main'.*other values of rate"):
        study.write_block("main", 1, other)
    assert study.open_dataset("main").rate.values[0, 2] == 2.0
    assert study.verify() == []
    assert list(study.path.rglob("*.partial")) == []


def test_a_forgotten_block_may_get_other_values(study: StudyFolder) -> None:
    layout = study.template("main")
    study.write_block("main", 1, values(1, layout))
    study.drop_receipt("main", 1)
    study.write_block("main", 1, {**values(1, layout), "rate": np.full((2, 1), 7.0)})
    assert study.open_dataset("main").rate.values[0, 2] == 7.0
    assert study.verify() == []


def test_writing_again_puts_back_a_file_that_is_gone(study: StudyFolder) -> None:
    fill(study)
    (study.path / "data/main/rate/c.0.0").unlink()
    fill(study, [0])
    assert study.verify() == []


@pytest.mark.parametrize(
    ("change", "said"),
    [
        ({"rate": None}, "variables are lacking: rate"),
        ({"rat": np.zeros((2, 2))}, "Did you mean 'rate'"),
        ({"rate": np.zeros((2, 3))}, r"shape \(2, 3\).*\(2, 2\)"),
        ({"rate": np.zeros((2, 2), complex)}, "dtype complex128"),
        ({"status": np.ones((2, 2))}, "dtype float64"),
        ({"rate": np.full((2, 2), "a")}, "dtype <U1"),
    ],
)
def test_arrays_that_do_not_fit_are_refused(study: StudyFolder, change: dict, said: str) -> None:
    given = {**values(0, study.template("main")), **change}
    given = {name: v for name, v in given.items() if v is not None}
    with pytest.raises((errors.DataError, errors.UnknownNameError), match=said):
        study.write_block("main", 0, given)
    assert study.done("main") == set()


@pytest.mark.parametrize("block", [-1, 6])
def test_there_are_only_so_many_blocks(study: StudyFolder, block: int) -> None:
    with pytest.raises(errors.DataError, match="0 to 5"):
        study.write_block("main", block, values(0, template()))


def test_arrays_of_any_memory_order_are_the_same(study: StudyFolder) -> None:
    layout = study.template("main")
    given = values(0, layout)
    first = study.write_block("main", 0, given)
    turned = {
        "rate": np.asfortranarray(given["rate"]).astype(">f8"),
        "status": np.broadcast_to(np.uint8(1), (2, 2)),
    }
    assert study.write_block("main", 0, turned)["files"] == first["files"]


def test_receipts_tell_what_was_written(study: StudyFolder) -> None:
    fill(study)
    receipts = list(study.receipts("main"))
    assert [r["block"] for r in receipts] == list(range(6))
    assert receipts[1]["region"] == {"gNa": [0, 2], "gK": [2, 3]}
    assert receipts[1]["versions"]["zarr"]
    for name, file in receipts[1]["files"].items():
        assert (study.path / "data/main" / name / "c.0.1").stat().st_size == file["size"]
    study.drop_receipt("main", 2)
    with pytest.raises(errors.StoreError, match=r"block 2 of part 'main'.*not computed"):
        study.receipt("main", 2)


def test_odd_things_in_the_info_are_kept_as_json(study: StudyFolder) -> None:
    info = {"time": np.float64(0.5), "bad": float("nan"), "counts": np.arange(3), "at": (1, 2), "who": {"a", "b"}}
    study.write_block("main", 0, values(0, template()), info)
    assert study.receipt("main", 0)["info"] == {
        "time": 0.5,
        "bad": "nan",
        "counts": [0, 1, 2],
        "at": [1, 2],
        "who": ["a", "b"],
    }


def test_a_folder_removed_under_a_writer_is_said(study: StudyFolder) -> None:
    import shutil

    fill(study, [0])
    shutil.rmtree(study.path / "data")
    with pytest.raises(errors.StoreError):
        fill(study, [1])


def test_what_killed_writers_leave_is_swept_when_it_is_old(study: StudyFolder) -> None:
    import os

    old, new = (study.path / f"data/main/rate/.c.0.0.{n}.partial" for n in ("1-a", "2-b"))
    old.write_bytes(b"x")
    new.write_bytes(b"x")
    os.utime(old, (0, 0))
    assert study.sweep(60) == 1
    assert (old.exists(), new.exists()) == (False, True)


def test_a_complete_part_misses_a_receipt_that_is_gone(study: StudyFolder) -> None:
    fill(study)
    study.consolidate()
    study.path.joinpath("receipts/main/3.json").unlink()
    assert [(d.part, d.block) for d in study.verify()] == [("main", 3)]
    with pytest.raises(errors.DamageError, match="block 3 of variable 'rate'"):
        study.open_dataset("main").rate.load()
    study.drop_receipt("main", 3)
    assert study.verify() == []
    assert study.missing("main") == [3]


# ---------------------------------------------------------------------------------------------------------- datasets


def test_a_template_comes_back_whole(study: StudyFolder) -> None:
    layout = study.template("main")
    assert layout.attrs == {"model_name": "hh", "seed": 0}
    assert layout.variable("rate").attrs == RATE.attrs
    assert layout.coords["gNa"].attrs == {"units": "mS/cm2"}
    assert layout.coords["gK"].values.tolist() == ["low", "mitte", "höher"]
    again = StudyFolder.create(study.path.parent / "copy", {}, "x")
    again.add_part("main", layout)
    xr.testing.assert_identical(again.open_dataset("main"), study.open_dataset("main"))


@pytest.mark.parametrize(
    ("chunks", "cut"), [({}, ((2, 2, 1), (2, 1))), ("store", ((2, 2, 1), (2, 1))), ({"gNa": 4}, ((4, 1), (2, 1)))]
)
def test_chunks_follow_the_blocks(study: StudyFolder, chunks: object, cut: object) -> None:
    fill(study)
    data = study.open_dataset("main", chunks=chunks)  # type: ignore[arg-type]
    assert data.rate.chunks == cut
    xr.testing.assert_identical(data.compute(), study.open_dataset("main").load())


def test_chunks_that_mean_nothing_are_refused(study: StudyFolder) -> None:
    with pytest.raises(errors.DataError, match="chunks='big'"):
        study.open_dataset("main", chunks="big")


def test_datasets_travel(study: StudyFolder) -> None:
    fill(study)
    for chunks in (None, {}):
        data = pickle.loads(pickle.dumps(study.open_dataset("main", chunks=chunks)))
        assert data.rate.values[4, 2] == 14.0
    assert pickle.loads(pickle.dumps(study)).done("main") == set(range(6))


def test_plain_xarray_opens_a_finished_part(study: StudyFolder) -> None:
    fill(study)
    plain = xr.open_zarr(study.path / "data/main", chunks=None)
    np.testing.assert_array_equal(plain.rate.values, study.open_dataset("main").rate.values)
    assert plain.rate.attrs["units"] == "Hz"


def test_spike_times_are_ticks_on_disk_and_ms_in_xarray(tmp_path: Path) -> None:
    folder = StudyFolder.create(tmp_path / "s", {}, "abc")
    encoding = spike_encoding(0.025, 1000.0)
    spikes = Variable("spike_time", ("point", "spike"), "float64", {"units": "ms"}, encoding=encoding)
    folder.add_part("main", Template({"point": 4, "spike": 3}, {"point": 2}, (spikes,)))
    ticks = np.array([[0, 256, 2_560_001], [77, 10_240_000, -1]])
    times = np.where(ticks < 0, np.nan, ticks * (0.025 / 256))
    folder.write_block("main", 0, {"spike_time": times})
    for data in (folder.open_dataset("main"), xr.open_zarr(folder.path / "data/main", chunks=None)):
        np.testing.assert_array_equal(data.spike_time.values[:2], times)
        assert np.isnan(data.spike_time.values[2:]).all()
        assert data.spike_time.dtype == np.float64
    raw = xr.open_zarr(folder.path / "data/main", chunks=None, decode_cf=False)
    np.testing.assert_array_equal(raw.spike_time.values[:2], ticks)
    assert raw.spike_time.dtype == np.int32


def test_spike_times_beyond_the_ticks_are_refused(tmp_path: Path) -> None:
    assert spike_encoding(0.01, 100_000.0)["dtype"] == "int64"
    folder = StudyFolder.create(tmp_path / "s", {}, "abc")
    spikes = Variable("t", ("point",), "float64", encoding=spike_encoding(0.01, 1000.0))
    folder.add_part("main", Template({"point": 1}, {"point": 1}, (spikes,)))
    with pytest.raises(errors.DataError, match="do not fit int32"):
        folder.write_block("main", 0, {"t": np.array([1e6])})


@pytest.mark.parametrize(
    ("dtype", "attrs", "fill", "reads"),
    [
        ("float32", {}, None, np.nan),
        ("int64", {}, None, -1),
        ("int64", {}, 0, 0),
        ("uint16", {}, None, 65_535),
        ("uint8", labels.status_attrs(), None, 0),
        ("bool", {}, None, False),
        ("complex128", {}, None, complex(np.nan, 0)),
        ("float64", {}, -5.0, -5.0),
    ],
)
def test_what_points_read_as_that_were_not_computed(
    tmp_path: Path, dtype: str, attrs: dict, fill: float | None, reads: object
) -> None:
    folder = StudyFolder.create(tmp_path / "s", {}, "abc")
    folder.add_part("main", Template({"point": 2}, {"point": 1}, (Variable("x", ("point",), dtype, attrs, fill),)))
    x = folder.open_dataset("main").x
    assert x.dtype == np.dtype(dtype)
    np.testing.assert_array_equal(x.values, np.full(2, reads, dtype))
    zero = np.zeros(1, dtype)
    folder.write_block("main", 1, {"x": zero})
    assert folder.open_dataset("main").x.values[1] == zero[0]
    assert folder.verify() == []


def test_lazy_coords_are_computed_only_where_asked_for(tmp_path: Path) -> None:
    folder = StudyFolder.create(tmp_path / "s", {}, "abc")
    folder.add_part("main", Template({"point": 10**8}, {"point": 65_536}, (Variable("x", ("point",), "float64"),)))
    asked: list[tuple[int, int]] = []

    def compute(start: int, stop: int) -> np.ndarray:
        asked.append((start, stop))
        return np.arange(start, stop) * 0.5

    coord = {"name": "gNa", "dims": ("point",), "attrs": {"units": "mS/cm2"}, "compute": compute}
    data = folder.open_dataset("main", lazy_coords=[coord])
    assert data.gNa.attrs["units"] == "mS/cm2"
    assert data.gNa[7].values == 3.5
    np.testing.assert_array_equal(data.gNa[99_999_990:].values, np.arange(99_999_990, 10**8) * 0.5)
    np.testing.assert_array_equal(data.gNa[10:2:-3].values, np.array([10, 7, 4]) * 0.5)
    np.testing.assert_array_equal(data.gNa[[5, 3, 3]].values, [2.5, 1.5, 1.5])
    assert data.isel(point=slice(4, 6)).x.gNa.values.tolist() == [2.0, 2.5]
    assert max(stop - start for start, stop in asked) <= 10
    lazy = folder.open_dataset("main", chunks={}, lazy_coords={"gNa": coord})
    assert lazy.gNa.chunks[0][0] == 65_536
    assert lazy.gNa[99_999_999].values == 99_999_999 * 0.5


def test_a_lazy_coord_of_an_unknown_dim_is_refused(study: StudyFolder) -> None:
    with pytest.raises(errors.DataError, match="lazy coord 'g'"):
        study.open_dataset("main", lazy_coords=[{"name": "g", "dims": ("point",), "compute": np.arange}])


def test_a_study_of_1e8_points_opens_at_once(tmp_path: Path) -> None:
    import time
    import tracemalloc

    folder = StudyFolder.create(tmp_path / "s", {}, "abc")
    variables = tuple(Variable(f"x{i}", ("point",), "float64") for i in range(10))
    folder.add_part("main", Template({"point": 10**8}, {"point": 65_536}, variables))
    folder.open_dataset("main")
    tracemalloc.start()
    start = time.process_time()
    data = StudyFolder.open(folder.path).open_dataset("main")
    assert len(folder.missing("main")) == 1526
    assert time.process_time() - start < 1.0
    assert tracemalloc.get_traced_memory()[1] < 20e6
    tracemalloc.stop()
    assert data.sizes["point"] == 10**8
