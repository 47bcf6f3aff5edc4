"""Whatever the shape, the blocks and the order: what was written is what is read."""

import tempfile
from pathlib import Path
from typing import Any

import numpy as np
import xarray as xr
from hypothesis import given, settings
from hypothesis import strategies as st
from hypothesis.extra import numpy as hnp

from sneuron import labels
from sneuron.store.files import LoadSim, SaveSim
from sneuron.store.folder import StudyFolder
from sneuron.store.joining import join
from sneuron.store.layout import Template, Variable, inner_chunks, spike_encoding
from sneuron.store.seal import seal, unseal

DTYPES = st.sampled_from(["float64", "float32", "int64", "int16", "uint8", "uint32", "bool", "complex128"])


@st.composite
def templates(draw: st.DrawFn) -> Template:
    """Up to three dims, the first of them cut; variables with some dims more."""
    lengths = draw(st.lists(st.integers(1, 7), min_size=1, max_size=3))
    dims = {f"d{i}": n for i, n in enumerate(lengths)}
    cut = list(dims)[: draw(st.integers(0, len(dims)))]
    block = {d: draw(st.integers(1, dims[d] + 2)) for d in cut}
    dims["time"] = draw(st.integers(0, 4))
    own = tuple(d for d in dims if d != "time")
    orders = st.permutations(own)
    variables = [Variable("status", own, "uint8", labels.status_attrs())]
    for number in range(draw(st.integers(1, 3))):
        order = tuple(draw(orders)) + (("time",) if draw(st.booleans()) else ())
        variables.append(Variable(f"x{number}", order, draw(DTYPES)))
    return Template(dims, block, tuple(variables))


def arrays_for(draw: st.DrawFn, template: Template) -> dict[str, np.ndarray]:
    return {
        v.name: draw(hnp.arrays(v.dtype, template.shape(v)))
        if v.name != "status"
        else np.ones(template.shape(v), np.uint8)
        for v in template.variables
    }


@settings(max_examples=40)
@given(st.data())
def test_blocks_written_in_any_order_are_the_whole(data: st.DataObject) -> None:
    template = data.draw(templates())
    whole = arrays_for(data.draw, template)
    order = data.draw(st.permutations(range(template.n_blocks)))
    left_out = set(order[: data.draw(st.integers(0, min(2, len(order) - 1)))])
    with tempfile.TemporaryDirectory() as place:
        folder = StudyFolder.create(f"{place}/study", {}, "abc")
        folder.add_part("main", template)
        for block in order:
            if block not in left_out:
                cut = {v.name: whole[v.name][template.selection(v, block)] for v in template.variables}
                folder.write_block("main", block, cut)
        assert set(folder.missing("main")) == left_out
        assert folder.verify() == []
        for chunks in (None, {}):
            check(folder.open_dataset("main", chunks=chunks), template, whole, left_out)


def check(found: xr.Dataset, template: Template, whole: dict[str, np.ndarray], left_out: set[int]) -> None:
    for variable in template.variables:
        expected = whole[variable.name].copy()
        for block in left_out:
            expected[template.selection(variable, block)] = variable.missing
        values = found[variable.name].values
        assert values.dtype == expected.dtype
        assert found[variable.name].dims == variable.dims
        np.testing.assert_array_equal(values, expected)


@given(templates())
def test_blocks_cover_everything_once(template: Template) -> None:
    for variable in template.variables:
        seen = np.zeros(template.shape(variable), int)
        files = set()
        for block in range(template.n_blocks):
            seen[template.selection(variable, block)] += 1
            files.add(template.key(variable, block))
            assert template.block_of(variable, template.key(variable, block)) == block
        assert (seen == 1).all()
        assert len(files) == template.n_blocks
    assert Template.from_json(template.as_json()).as_json() == template.as_json()


@given(st.lists(st.integers(1, 3000), min_size=1, max_size=4), st.sampled_from([1, 2, 4, 8]))
def test_inner_chunks_divide_the_shard(shard: list[int], itemsize: int) -> None:
    chunks = inner_chunks(tuple(shard), itemsize)
    assert all(s % c == 0 for s, c in zip(shard, chunks, strict=True))
    if np.prod(shard) * itemsize <= 1 << 20:
        assert chunks == tuple(shard)


@given(
    st.sampled_from([0.005, 0.01, 0.025, 0.1, 1.0]),
    hnp.arrays(np.float64, st.integers(0, 20), elements=st.floats(0, 5000) | st.just(np.nan)),
)
def test_spike_times_are_kept_to_half_a_tick(dt: float, times: np.ndarray) -> None:
    encoding = spike_encoding(dt, 5000.0)
    variable = Variable("t", ("spike",), "float64", encoding=encoding)
    ticks = variable.packed(times)
    back = np.where(ticks == -1, np.nan, ticks * encoding["scale_factor"])
    np.testing.assert_allclose(back, times, rtol=1e-12, atol=dt / 512)
    np.testing.assert_array_equal(variable.packed(back), ticks)


JSON: st.SearchStrategy[Any] = st.recursive(
    st.none()
    | st.booleans()
    | st.integers()
    | st.floats(allow_nan=False, allow_infinity=False)
    | st.text(st.characters(exclude_categories=["Cs"])),
    lambda inner: (
        st.lists(inner, max_size=3)
        | st.dictionaries(st.text(st.characters(exclude_categories=["Cs"])), inner, max_size=3)
    ),
    max_leaves=8,
)


@given(st.dictionaries(st.text("abcdef", min_size=1), JSON, max_size=4), st.data())
def test_sealed_texts_come_back_and_show_any_other_byte(body: dict[str, Any], data: st.DataObject) -> None:
    text = seal(body)
    back = unseal(text, "x")
    back.pop("sum")
    assert back == body
    at = data.draw(st.integers(0, len(text) - 1))
    byte = data.draw(st.integers(0, 255).filter(lambda b: b != text[at]))
    damaged = text[:at] + bytes([byte]) + text[at + 1 :]
    try:
        unseal(damaged, "x")
    except OSError:
        return
    raise AssertionError(f"not seen: {damaged!r}")


@settings(max_examples=25)
@given(st.data())
def test_whatever_is_saved_comes_back(data: st.DataObject) -> None:
    shape = data.draw(hnp.array_shapes(min_dims=0, max_dims=3, min_side=0, max_side=4))
    dims = [f"d{i}" for i in range(len(shape))]
    dtype = data.draw(DTYPES | st.sampled_from(["float16", "uint64", "U3"]))
    values = data.draw(hnp.arrays(dtype, shape, elements=st.text("aäß🧠", max_size=3) if dtype == "U3" else None))
    coords = {d: np.arange(n) * 0.5 for d, n in zip(dims, shape, strict=True) if data.draw(st.booleans())}
    given_ = xr.Dataset(
        {"x": (dims, values, {"units": "mV"})}, coords=coords, attrs={"model": data.draw(st.text('aä{}"'))}
    )
    with tempfile.TemporaryDirectory() as place:
        back = LoadSim(SaveSim(given_, Path(place) / "x"))
        assert isinstance(back, xr.Dataset)
        xr.testing.assert_identical(back, given_)
        assert back.x.dtype == given_.x.dtype
        if values.dtype.kind in "fc":
            assert back.x.values.tobytes() == values.tobytes() or np.isnan(values).any()


@settings(max_examples=60)
@given(st.data())
def test_parts_joined_are_the_whole_that_was_cut(data: st.DataObject) -> None:
    shape = data.draw(st.tuples(st.integers(1, 6), st.integers(1, 6)))
    whole = xr.Dataset(
        {"x": (("a", "b"), np.arange(np.prod(shape), dtype=float).reshape(shape))},
        coords={"a": np.arange(shape[0]) * 1.5, "b": np.arange(shape[1]) - 2.0},
    )
    one = data.draw(st.lists(st.sampled_from(range(shape[0])), unique=True, min_size=1).map(sorted))
    rest = [i for i in range(shape[0]) if i not in one]
    first_b = data.draw(st.lists(st.sampled_from(range(shape[1])), unique=True, min_size=1).map(sorted))
    rest_b = [i for i in range(shape[1]) if i not in first_b]
    tiles = [(one, first_b), (rest, first_b), (sorted(one + rest), rest_b)]
    parts = [whole.isel(a=a, b=b) for a, b in tiles if a and b]
    for chunks in (None, {}):
        joined = join(parts, chunks=chunks)
        xr.testing.assert_identical(joined.compute(), whole)
        key = data.draw(st.lists(st.integers(-shape[0], shape[0] - 1), max_size=4))
        step = data.draw(st.sampled_from([1, 2, -1, -2]))
        np.testing.assert_array_equal(joined.x[key, ::step].values, whole.x[key, ::step].values)
