"""Laws of spaces: blocks tile them, values do not depend on how they are asked for, plain data loses nothing."""

import itertools
import json

import numpy as np
from hypothesis import given, settings
from hypothesis import strategies as st

from sneuron.explore.blocks import cut
from sneuron.explore.ranges import grid, log, random, sobol
from sneuron.explore.samplers import draw, keyed_permutation
from sneuron.explore.space import Known, Space, space_of
from sneuron.lang.keys import point_keys
from sneuron.lang.spec import Param
from sneuron.store.layout import Template

KNOWN = Known({n: Param(1.0, "mS/cm2", 0.0) for n in ("gA", "gB", "gC", "gD")})
LENGTHS = st.dictionaries(st.sampled_from(["a", "b", "c"]), st.integers(1, 300), min_size=1, max_size=3)


@st.composite
def spaces(draw_) -> Space:
    """Spaces of one to three dims, with samples, zips and derived parameters."""
    parts: list = [{}]
    kinds = draw_(st.lists(st.sampled_from(["grid", "log", "values"]), min_size=1, max_size=2))
    for name, kind in zip(("gA", "gB"), kinds, strict=False):
        size = draw_(st.integers(1, 6))
        parts[0][name] = {
            "grid": lambda n=size: grid(1, 2, n),
            "log": lambda n=size: log(1, 9, n),
            "values": lambda n=size: list(range(n)),
        }[kind]()
    if draw_(st.booleans()):
        parts.append(draw_(st.sampled_from([sobol, random]))(draw_(st.integers(1, 9)), {"gC": (0, 1)}))
    repeats = draw_(st.sampled_from([None, 2, 3]))
    return space_of(parts, KNOWN, repeats)


@given(LENGTHS, st.integers(1, 10**6))
def test_blocks_tile_the_space_and_are_about_as_large_as_asked(dims, points) -> None:
    block = cut(dims, points)
    template = Template(dims, block, ())
    seen = np.zeros(tuple(dims.values()), dtype=np.int64)
    for number in range(min(template.n_blocks, 500)):
        seen[tuple(template.region(number)[d] for d in dims)] += 1
    assert seen.max() == 1
    assert template.n_blocks > 500 or seen.min() == 1
    assert np.prod(list(block.values())) <= 2 * points + 64


@settings(max_examples=60)
@given(spaces(), st.data())
def test_a_region_holds_the_values_of_the_whole(space, data) -> None:
    region = {}
    for dim, length in space.dims.items():
        start = data.draw(st.integers(0, length - 1))
        region[dim] = slice(start, data.draw(st.integers(start + 1, length)))
    shape = tuple(space.dims.values())
    whole, some = space.points({}), space.points(region)
    for name in space.names:
        expected = whole.params[name].reshape(shape)[tuple(region.values())].ravel()
        assert np.array_equal(some.params[name], expected)
    assert np.array_equal(some.repeat, whole.repeat.reshape(shape)[tuple(region.values())].ravel())


@settings(max_examples=60)
@given(spaces())
def test_plain_data_loses_nothing_and_points_have_their_numbers(space) -> None:
    back = Space.from_json(json.loads(json.dumps(space.to_json())))
    assert back == space
    whole = space.points({})
    for number in (0, space.size // 2, space.size - 1):
        for name in space.names:
            assert back.point(number).params[name][0] == whole.params[name][number]


@settings(max_examples=40)
@given(spaces(), st.integers(0, 2**64 - 1))
def test_keys_differ_between_points_and_do_not_depend_on_order(space, seed) -> None:
    points = space.points({})
    keys = point_keys(points.params, points.repeat, seed)
    assert len(np.unique(keys)) == len(keys)
    order = np.random.default_rng(0).permutation(len(keys))
    mixed = points.take(order)
    assert np.array_equal(point_keys(mixed.params, mixed.repeat, seed), keys[order])


@given(st.integers(1, 3000), st.integers(0, 2**32), st.integers(0, 5))
def test_a_keyed_permutation_is_one(size, seed, stream) -> None:
    index = np.arange(size, dtype=np.uint64)
    found = keyed_permutation(index, size, stream, seed)
    assert np.array_equal(np.sort(found), index)
    assert np.array_equal(keyed_permutation(index[::-1].copy(), size, stream, seed), found[::-1])


@settings(max_examples=40)
@given(st.sampled_from(["sobol", "halton", "random"]), st.integers(0, 2**40), st.integers(1, 40), st.integers(0, 3))
def test_designs_are_addressed_by_number_in_any_order(kind, first, many, column) -> None:
    index = np.arange(first, first + many, dtype=np.uint64)
    whole = draw(kind, index, column, 4, 2**41, 7, True)
    each = [draw(kind, index[k : k + 1], column, 4, 2**41, 7, True)[0] for k in range(many)]
    assert whole.tolist() == each
    assert ((whole > 0) & (whole < 1)).all()


@given(st.integers(2, 2000))
def test_ends_of_ranges_are_exact(n) -> None:
    for made in (grid(0.1, 0.7, n), log(0.1, 0.7, n)):
        found = made.all()
        assert (found[0], found[-1]) == (0.1, 0.7)
        assert all(a < b for a, b in itertools.pairwise(found))
