"""Parts of a study as one lazy dataset."""

import numpy as np
import pytest
import xarray as xr

from sneuron import errors, labels
from sneuron.store.folder import StudyFolder
from sneuron.store.joining import join
from sneuron.store.layout import Template, Variable


def grid(a: list[float], b: list[float], offset: float = 0.0) -> xr.Dataset:
    """A part whose values tell where they come from."""
    rate = np.array([[100 * x + y + offset for y in b] for x in a])
    status = np.ones(rate.shape, np.uint8)
    return xr.Dataset(
        {"rate": (("a", "b"), rate, {"units": "Hz"}), "status": (("a", "b"), status, labels.status_attrs())},
        coords={"a": ("a", a, {"units": "nS"}), "b": b},
        attrs={"model_name": "hh"},
    )


def test_an_axis_grows_in_the_order_of_its_values() -> None:
    joined = join([grid([1, 3], [1, 2]), grid([2, 5, 0], [1, 2])])
    assert joined.a.values.tolist() == [1, 3, 2, 5, 0]
    joined = join([grid([1, 3], [1, 2]), grid([0, 2, 5], [1, 2])])
    assert joined.a.values.tolist() == [0, 1, 2, 3, 5]
    xr.testing.assert_identical(joined.load(), grid([0, 1, 2, 3, 5], [1, 2]))
    falling = join([grid([3, 1], [1, 2]), grid([2, 0], [1, 2])])
    xr.testing.assert_identical(falling.load(), grid([3, 2, 1, 0], [1, 2]))


def test_two_axes_grow_as_an_l() -> None:
    parts = [grid([1, 2], [1, 2]), grid([3], [1, 2]), grid([1, 2, 3], [0.5, 3])]
    xr.testing.assert_identical(join(parts).load(), grid([1, 2, 3], [0.5, 1, 2, 3]))


@pytest.mark.parametrize("chunks", [None, {}, {"a": 2}])
def test_what_no_part_covers_was_not_run(chunks: dict | None) -> None:
    joined = join([grid([1], [1, 2]), grid([2], [1])], chunks=chunks)
    assert joined.status.values.tolist() == [[1, 1], [1, 0]]
    np.testing.assert_array_equal(joined.rate.values, [[101, 102], [201, np.nan]])
    assert joined.attrs == {"model_name": "hh"}
    assert joined.rate.attrs == {"units": "Hz"}


def test_any_index_gives_what_numpy_gives() -> None:
    joined = join([grid([1, 4], [1, 2]), grid([2, 3], [1, 2]), grid([1, 2, 3, 4], [3, 4])])
    whole = grid([1, 2, 3, 4], [1, 2, 3, 4]).rate.values
    rate = joined.rate
    keys = [(0, 0), (slice(None), -1), (slice(1, 3), slice(None, None, -2)), ([3, 0, 0], [1]), (slice(2, 2), 0)]
    for key in keys:
        wanted = whole[np.ix_(*[np.atleast_1d(np.arange(4)[k]) for k in key])]
        np.testing.assert_array_equal(np.atleast_1d(rate[key].values).ravel(), wanted.ravel())
    np.testing.assert_array_equal(rate.sel(a=[4, 2]).values, whole[[3, 1]])
    vector = rate.isel(a=xr.DataArray([0, 3], dims="k"), b=xr.DataArray([2, 0], dims="k"))
    np.testing.assert_array_equal(vector.values, [whole[0, 2], whole[3, 0]])


def test_joining_reads_nothing(tmp_path) -> None:
    folder = StudyFolder.create(tmp_path / "s", {}, "abc")
    variables = (Variable("x", ("point",), "float64"), Variable("status", ("point",), "uint8", labels.status_attrs()))
    for name, start in (("main", 0), ("more", 10**8)):
        layout = Template({"point": 10**8}, {"point": 65_536}, variables, start={"point": start})
        folder.add_part(name, layout)
    ones = {"x": np.ones(65_536), "status": np.ones(65_536, np.uint8)}
    folder.write_block("more", 0, ones)
    (folder.path / "data/more/x/c.0").unlink()
    joined = join([folder.open_dataset("more"), folder.open_dataset("main")])
    assert joined.sizes == {"point": 2 * 10**8}
    assert joined.status[10**8 + 5].values == 1
    assert np.isnan(joined.x[5].values)
    with pytest.raises(errors.DamageError, match="block 0 of variable 'x' in part 'more'"):
        joined.x[10**8 + 5].values  # noqa: B018
    lazy = join([folder.open_dataset("main"), folder.open_dataset("more")], chunks={})
    assert set(lazy.x.chunks[0][:1525]) == {65_536}
    assert lazy.status[10**8 : 10**8 + 2].values.tolist() == [1, 1]


def test_more_points_are_stacked_and_more_outputs_are_laid_beside() -> None:
    def part(n: int, first: int, **names: float) -> xr.Dataset:
        data = {name: ("point", np.arange(first, first + n) * factor) for name, factor in names.items()}
        return xr.Dataset(data, coords={"gNa": ("point", np.arange(first, first + n) + 0.5), "time": ("time", [0.0])})

    parts = [part(3, 0, rate=1.0), part(2, 3, rate=1.0), part(3, 0, cv=2.0), part(2, 3, cv=2.0)]
    starts = [{"point": 0}, {"point": 3}] * 2
    for given in (None, starts):
        joined = join(parts, given).load()
        assert joined.rate.values.tolist() == [0, 1, 2, 3, 4]
        assert joined.cv.values.tolist() == [0, 2, 4, 6, 8]
        assert joined.gNa.values.tolist() == [0.5, 1.5, 2.5, 3.5, 4.5]
        assert set(joined.coords) == {"gNa", "time"}


def test_longer_trains_of_spikes_widen_the_whole() -> None:
    short = xr.Dataset({"spike_time": (("a", "spike"), [[1.0, 2.0]])}, coords={"a": [1]})
    long = xr.Dataset({"spike_time": (("a", "spike"), [[3.0, 4.0, 5.0]])}, coords={"a": [2]})
    np.testing.assert_array_equal(join([short, long]).spike_time.values, [[1, 2, np.nan], [3, 4, 5]])


def test_texts_join() -> None:
    parts = [xr.Dataset({"x": ("model", [i])}, coords={"model": [name]}) for i, name in enumerate(["hh", "adex"])]
    joined = join(parts)
    assert joined.model.values.tolist() == ["hh", "adex"]
    assert joined.x.sel(model="adex").values == 1


def test_one_part_is_itself_and_none_is_refused() -> None:
    part = grid([1], [2])
    assert join([part]) is part
    with pytest.raises(errors.DataError, match="no parts"):
        join([])


def test_points_that_two_parts_hold_are_refused() -> None:
    with pytest.raises(errors.DataError, match="two parts hold the same points of 'rate'"):
        join([grid([1, 2], [1, 2]), grid([2, 3], [1, 2], offset=0.5)])


def test_parts_with_other_dims_are_refused() -> None:
    other = grid([3], [1]).rename(b="c")
    with pytest.raises(errors.DataError, match="has dims"):
        join([grid([1], [1]), other])
    with pytest.raises(errors.DataError, match="coordinate in one part and none in another"):
        join([grid([1], [1]), grid([3], [1]).drop_vars("a")])
