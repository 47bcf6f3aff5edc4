"""SaveSim and LoadSim: everything comes back, nothing else is touched, and a wrong byte is an error."""

from pathlib import Path

import dask.array as da
import numpy as np
import pytest
import xarray as xr
import zarr

from sneuron import errors
from sneuron.store.disk import Disk, DiskFullError, use_disk
from sneuron.store.files import LoadSim, SaveSim
from sneuron.store.folder import StudyFolder
from sneuron.store.layout import Template, Variable, spike_encoding


def run() -> xr.Dataset:
    rng = np.random.default_rng(1)
    return xr.Dataset(
        {
            "v": (("gNa", "time"), rng.normal(-65, 1, (3, 5)), {"units": "mV", "levels": np.arange(3, dtype=np.uint8)}),
            "v32": (("gNa", "time"), rng.normal(-65, 1, (3, 5)).astype(np.float32)),
            "spike_count": (("gNa",), np.array([0, -1, 2**60])),
            "status": (("gNa",), np.array([0, 1, 2], np.uint8), {"flag_values": np.arange(7, dtype=np.uint8)}),
            "fired": (("gNa",), np.array([True, False, True])),
            "spectrum": (("gNa",), np.array([1 + 2j, np.nan, 0])),
            "odd": (("gNa",), np.array([np.nan, -0.0, np.inf], np.float32)),
            "nothing": (("gNa",), np.full(3, np.nan)),
            "empty": (("gNa", "spike"), np.zeros((3, 0))),
            "scalar": ((), 2.5, {"units": "ms"}),
            "label": (("gNa",), np.array(["ä", "bcd", "🧠"])),
            "text": ((), "hello"),
            "when": (("gNa",), np.array(["2020-01-01", "2021-05-01", "1999-12-31"], "M8[ns]")),
        },
        coords={
            "gNa": ("gNa", [80.0, 120.0, 160.0], {"units": "mS/cm2"}),
            "time": ("time", np.arange(5) * 0.1, {"units": "ms"}),
            "variant": ("gNa", ["x", "y", "z"]),
            "dt": ((), 0.1, {"units": "ms"}),
        },
        attrs={"model": '{"ö": 1}', "seed": 0, "dt": np.float32(0.1), "list": [1, 2.5], "none": None, "yes": True},
    )


@pytest.mark.parametrize("chunks", [None, {}, {"gNa": 2}])
def test_a_tree_comes_back_node_by_node(tmp_path: Path, chunks: dict | None) -> None:
    short = xr.Dataset({"v": ("time", [1.0, 2.0], {"units": "mV"})}, {"time": [0.0, 0.5]}, {"dt": np.float64(0.5)})
    tree = xr.DataTree.from_dict({"/": xr.Dataset(attrs={"title": "ü"}), "a b/(A) x, y": run(), "a b/z": short})
    path = SaveSim(tree, tmp_path / "tree.zarr")
    back = LoadSim(path, chunks=chunks)
    assert isinstance(back, xr.DataTree)
    assert back.identical(tree)
    assert (back["a b/z"].v.chunks is None) == (chunks is None)
    assert isinstance(back["a b/z"].attrs["dt"], np.float64)
    assert list(back["a b"].children) == ["(A) x, y", "z"]
    with xr.open_datatree(path, engine="zarr") as plain:
        np.testing.assert_array_equal(plain["a b/z/v"], [1.0, 2.0])


def test_a_damaged_node_of_a_tree_is_named(tmp_path: Path) -> None:
    path = SaveSim(xr.DataTree.from_dict({"a": run(), "b": run()}), tmp_path / "tree.zarr")
    chunk = next(p for p in (path / "b" / "v" / "c").rglob("*") if p.is_file())
    chunk.write_bytes(chunk.read_bytes()[:-1] + b"?")
    back = LoadSim(path)
    assert back["a"].v.load().size == 15
    with pytest.raises(errors.DamageError, match="b/v/c"):
        back["b"].v.load()
    (metadata := path / "b" / "zarr.json").write_bytes(metadata.read_bytes() + b" ")
    with pytest.raises(errors.DamageError, match=r"b/zarr\.json"):
        LoadSim(path)


@pytest.mark.parametrize("chunks", [None, {}, {"gNa": 2}])
def test_everything_comes_back(tmp_path: Path, chunks: dict | None) -> None:
    given = run()
    before = given.copy(deep=True)
    path = SaveSim(given, tmp_path / "run.zarr")
    back = LoadSim(path, chunks=chunks)
    xr.testing.assert_identical(back.compute(), before)
    assert list(back.data_vars) == list(given.data_vars)
    for name in given.variables:
        assert back[name].dtype == given[name].dtype, name
        assert (back[name].chunks is None) == (chunks is None or back[name].ndim == 0 or name in back.indexes), name
    assert np.signbit(back.odd.values[1])
    assert isinstance(back.attrs["dt"], np.float32)
    assert back.status.attrs["flag_values"].dtype == np.uint8
    xr.testing.assert_identical(given, before)


@pytest.mark.parametrize("name", ["v", None, "gNa", "a b"])
def test_a_data_array_comes_back_as_one(tmp_path: Path, name: str | None) -> None:
    given = run().v.rename(name) if name != "gNa" else run().gNa
    back = LoadSim(SaveSim(given, tmp_path / "v"))
    assert isinstance(back, xr.DataArray)
    xr.testing.assert_identical(back, given)


def test_an_empty_dataset_comes_back(tmp_path: Path) -> None:
    xr.testing.assert_identical(LoadSim(SaveSim(xr.Dataset(), tmp_path / "e")), xr.Dataset())


def test_dask_arrays_are_saved_chunk_by_chunk_even_uneven_ones(tmp_path: Path) -> None:
    given = xr.Dataset({"x": (("a", "b"), da.arange(70).reshape(10, 7).rechunk(((3, 4, 3), (2, 5))))})
    back = LoadSim(SaveSim(given, tmp_path / "x"))
    xr.testing.assert_identical(back.load(), given.compute())
    assert given.x.chunks == ((3, 4, 3), (2, 5))


def test_what_was_lazily_loaded_may_be_saved_elsewhere(tmp_path: Path) -> None:
    first = SaveSim(run(), tmp_path / "1")
    second = SaveSim(LoadSim(first), tmp_path / "2")
    third = SaveSim(LoadSim(second, chunks={"gNa": 1}).isel(gNa=slice(1, 3)), tmp_path / "3")
    xr.testing.assert_identical(LoadSim(third).load(), run().isel(gNa=slice(1, 3)))


def test_spike_times_may_be_saved_as_ticks(tmp_path: Path) -> None:
    ticks = np.array([[1.0, 77.0, np.nan], [np.nan] * 3])
    spikes = xr.DataArray(ticks * (0.025 / 256), dims=("neuron", "spike"), name="spike_time", attrs={"units": "ms"})
    spikes.encoding = spike_encoding(0.025, 100.0)
    path = SaveSim(spikes, tmp_path / "s")
    xr.testing.assert_identical(LoadSim(path), spikes)
    assert zarr.open_array(path / "sneuron_values", mode="r").dtype == np.int32


def test_plain_xarray_opens_it(tmp_path: Path) -> None:
    path = SaveSim(run(), tmp_path / "r.zarr")
    plain = xr.open_zarr(path, chunks=None)
    np.testing.assert_array_equal(plain.v.values, run().v.values)
    assert plain.v.attrs["units"] == "mV"


def test_nothing_is_replaced_unless_asked_for(tmp_path: Path) -> None:
    path = SaveSim(run().v, tmp_path / "x")
    with pytest.raises(errors.StoreError, match="overwrite=True"):
        SaveSim(run().v32, path)
    xr.testing.assert_identical(LoadSim(path), run().v)
    SaveSim(run().v32, path, overwrite=True)
    xr.testing.assert_identical(LoadSim(path), run().v32)
    assert [p.name for p in tmp_path.iterdir()] == ["x"]


@pytest.mark.parametrize("kind", ["file", "folder", "study"])
def test_what_is_not_ours_is_never_replaced(tmp_path: Path, kind: str) -> None:
    path = tmp_path / "x"
    if kind == "file":
        path.write_text("thesis")
    elif kind == "folder":
        path.mkdir()
        (path / "thesis.txt").write_text("thesis")
    else:
        StudyFolder.create(path, {}, "abc")
    with pytest.raises(errors.StoreError, match="is taken by a"):
        SaveSim(run(), path, overwrite=True)
    assert path.is_file() or len(list(path.iterdir())) == 1


@pytest.mark.parametrize(
    ("data", "said"),
    [
        (np.zeros(3), "ndarray cannot be saved"),
        (xr.Dataset({"x": ("a", np.array([{}, []], object))}), "'x' holds Python objects"),
        (xr.Dataset({"x": ("a", np.array([b"a"]))}), "'x' holds bytes"),
        (xr.Dataset({"a/b": ((), 1)}), "'a/b' cannot name"),
        (xr.Dataset({3: ((), 1)}), "3 cannot name"),
        (xr.Dataset({"x": ((), 1, {"f": print})}), "attribute 'f' of variable 'x'"),
        (xr.Dataset(attrs={"s": {1, 2}}), "attribute 's' of the dataset is a set"),
        (xr.Dataset({"x": (("a", "b"), [[1]])}, {"a": [1], "b": [2]}).stack(c=("a", "b")), "'c' is a multi-index"),
    ],
    ids=lambda v: v if isinstance(v, str) else "",
)
def test_what_cannot_be_stored_is_refused_before_any_work(tmp_path: Path, data: object, said: str) -> None:
    with pytest.raises(errors.DataError, match=said):
        SaveSim(data, tmp_path / "x")  # type: ignore[arg-type]
    assert list(tmp_path.iterdir()) == []


def test_a_store_that_failed_leaves_nothing(tmp_path: Path) -> None:
    def fail(block: np.ndarray) -> np.ndarray:
        raise RuntimeError("no")

    bad = xr.Dataset({"x": ("a", da.ones(4, chunks=2).map_blocks(fail, dtype=float, meta=np.empty(0)))})
    with pytest.raises(RuntimeError, match="no"):
        SaveSim(bad, tmp_path / "x")
    assert list(tmp_path.iterdir()) == []


class Full(Disk):
    """A disk with room for a few small files."""

    room = 3000

    def write(self, path: Path, data: bytes) -> None:
        self.room -= len(data)
        if self.room < 0:
            raise OSError(28, "No space left on device", str(path))
        super().write(path, data)


def test_a_full_disk_is_said_with_numbers_and_the_old_file_stays(tmp_path: Path) -> None:
    path = SaveSim(run().v, tmp_path / "x")
    with use_disk(Full()), pytest.raises(DiskFullError, match="are needed"):
        SaveSim(run(), path, overwrite=True)
    xr.testing.assert_identical(LoadSim(path), run().v)
    assert [p.name for p in tmp_path.iterdir()] == ["x"]


def test_a_crash_between_the_two_renames_loses_nothing(tmp_path: Path) -> None:
    path = SaveSim(run().v, tmp_path / "x")
    path.rename(tmp_path / ".x.before")
    xr.testing.assert_identical(LoadSim(path), run().v)


def test_loading_what_is_not_there(tmp_path: Path) -> None:
    with pytest.raises(errors.StoreError, match="there is nothing"):
        LoadSim(tmp_path / "x")
    (tmp_path / "f").write_text("x")
    with pytest.raises(errors.StoreError, match="is a file"):
        LoadSim(tmp_path / "f")
    (tmp_path / "d").mkdir()
    with pytest.raises(errors.StoreError, match="neither a saved file, nor a study, nor a zarr group"):
        LoadSim(tmp_path / "d")


def test_stores_of_other_tools_must_say_what_their_dims_mean(tmp_path: Path) -> None:
    xr.Dataset({"x": (("a", "b"), np.ones((2, 3)))}, coords={"a": [1, 2]}).to_zarr(
        tmp_path / "half", consolidated=False
    )
    with pytest.raises(errors.StoreError, match="the dims b have no coordinate"):
        LoadSim(tmp_path / "half")
    zarr.open_group(tmp_path / "bare", mode="w").create_array("x", shape=(2,), dtype="f8")
    with pytest.raises(errors.StoreError, match=r"cannot be opened as a dataset|have no coordinate"):
        LoadSim(tmp_path / "bare")
    good = xr.Dataset({"x": (("a",), np.ones(2))}, coords={"a": [1, 2]})
    good.to_zarr(tmp_path / "good", consolidated=False)
    xr.testing.assert_identical(LoadSim(tmp_path / "good").load(), good)


def test_a_study_opens_with_all_its_parts(tmp_path: Path) -> None:
    folder = StudyFolder.create(tmp_path / "s", {}, "abc")
    for name, axis in (("main", [1.0, 2.0]), ("more", [3.0])):
        layout = Template({"a": len(axis)}, {"a": 1}, (Variable("x", ("a",), "float64"),), coords={"a": np.array(axis)})
        folder.add_part(name, layout)
        for block in range(len(axis)):
            folder.write_block(name, block, {"x": np.array([axis[block] * 10])})
    data = LoadSim(folder.path)
    assert data.x.values.tolist() == [10, 20, 30]
    assert LoadSim(folder.path, chunks={}).x.chunks == ((1, 1, 1),)
    traces = (Variable("v", ("trace", "time"), "float64"), Variable("x", ("trace",), "float64"))
    folder.add_part("traces", Template({"trace": 2, "time": 3}, {"trace": 1}, traces))
    folder.write_block("traces", 1, {"v": np.ones((1, 3)), "x": np.ones(1)})
    data = LoadSim(folder.path).load()
    assert data.x.values.tolist() == [10, 20, 30]
    np.testing.assert_array_equal(data.traces_x.values, [np.nan, 1])
    assert data.v.dims == ("trace", "time")


def test_a_study_without_parts_says_so(tmp_path: Path) -> None:
    with pytest.raises(errors.StoreError, match="no parts yet"):
        LoadSim(StudyFolder.create(tmp_path / "s", {}, "abc").path)


@pytest.mark.parametrize("where", ["v/c/0/0", "zarr.json", "receipt.json"])
def test_damage_is_an_error_that_names_the_file(tmp_path: Path, where: str) -> None:
    path = SaveSim(run(), tmp_path / "x")
    whole = (path / where).read_bytes()
    for damaged in (whole[:-1], whole + b"\0", whole[:20] + bytes([whole[20] ^ 1]) + whole[21:], None):
        (path / where).unlink(missing_ok=True)
        if damaged is not None:
            (path / where).write_bytes(damaged)
        with pytest.raises(errors.StoreError, match=where if damaged is not None or where != "receipt.json" else "x"):
            LoadSim(path).load()
