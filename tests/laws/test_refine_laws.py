"""Laws of refining, on functions instead of simulations: which points are asked for, and what the cells say."""

import json
import math

import numpy as np
import pytest
import xarray as xr
from hypothesis import given, settings
from hypothesis import strategies as st

from sneuron.explore.boundaries import boundaries
from sneuron.explore.maps import Origin, cells, filled
from sneuron.explore.points import Classified
from sneuron.explore.ranges import Range
from sneuron.explore.refine import Rule
from sneuron.explore.space import Axis, Space
from sneuron.explore.tree import Tree, first_nodes

MANY = 10**9


def said(values) -> Classified:
    """What points say: values, and codes of the classes among them."""
    values = np.asarray(values, dtype=float)
    flags = np.unique(values[np.isfinite(values)])
    codes = np.where(np.isfinite(values), np.searchsorted(flags, values), np.nan)
    return Classified(values, codes, tuple(map(str, flags)), tuple(flags), {})


def explored(function, coarse, levels, tolerance=None, budget=MANY):
    """Refine a function of places in the unit cube; the tree, what its nodes say, the rounds, and the end."""
    shape = tuple((n - 1) * 2**level + 1 for n, level in zip(coarse, levels, strict=True))
    rule = Rule("f", tuple(levels), tolerance, budget)
    rounds = [first_nodes(shape, tuple(levels))]
    while True:
        numbers = np.sort(np.concatenate(rounds))
        tree = Tree(shape, tuple(levels), numbers)
        points = said(function(tree.places / (np.array(shape) - 1)))
        wanted = rule.wanted(tree, points)
        if not len(wanted.nodes):
            return tree, points, rounds, wanted
        rounds.append(wanted.nodes)


def ball(centre, radius):
    return lambda x: np.sum((x - np.asarray(centre)) ** 2, axis=1) < radius**2


@st.composite
def balls(draw):
    dims = draw(st.integers(1, 3))
    side = st.integers(2, 6 if dims < 3 else 4)
    coarse = [draw(side) for _ in range(dims)]
    levels = [draw(st.integers(0, 4 if dims < 3 else 2)) for _ in range(dims)]
    centre = [draw(st.floats(0, 1)) for _ in range(dims)]
    return ball(centre, draw(st.floats(0.05, 0.9))), coarse, levels


@settings(max_examples=30, deadline=None)
@given(balls())
def test_no_node_is_asked_for_twice_and_cells_tile_the_whole(given_ball) -> None:
    tree, _, rounds, _ = explored(*given_ball)
    assert len(np.unique(tree.numbers)) == sum(map(len, rounds))
    assert all(np.all(np.diff(r) > 0) for r in rounds)
    cells = tree.cells
    assert np.prod(cells.side, axis=1).sum() == math.prod(n - 1 for n in tree.shape)
    assert np.all(cells.low % cells.side == 0)
    assert np.all(cells.low + cells.side < np.array(tree.shape))


@settings(max_examples=30, deadline=None)
@given(balls())
def test_at_the_end_only_the_finest_cells_are_mixed(given_ball) -> None:
    tree, points, _, wanted = explored(*given_ball)
    low, high = tree.limits(points.codes)
    assert (wanted.why, wanted.short) == ("resolved", 0)
    assert np.all(tree.cells.level[high > low] == tree.depth)


@settings(max_examples=30, deadline=None)
@given(balls(), st.integers(0, 2**32 - 1))
def test_nodes_of_a_cell_and_the_cell_of_a_place_are_those_found_one_by_one(given_ball, seed) -> None:
    tree, points, _, _ = explored(*given_ball)
    cells = tree.cells
    some = np.random.default_rng(seed).integers(0, len(cells), 20)
    low, high = tree.limits(points.codes)
    for k in some:
        on = np.all((tree.places >= cells.low[k]) & (tree.places <= cells.low[k] + cells.side[k]), axis=1)
        assert (low[k], high[k]) == (points.codes[on].min(), points.codes[on].max())
    places = np.random.default_rng(seed + 1).random((50, len(tree.shape))) * (np.array(tree.shape) - 1)
    found = tree.at(places)
    assert np.all((places >= cells.low[found]) & (places <= cells.low[found] + cells.side[found]))


@settings(max_examples=20, deadline=None)
@given(balls(), st.integers(0, 400))
def test_a_budget_is_never_exceeded_and_what_falls_short_is_counted(given_ball, more) -> None:
    function, coarse, levels = given_ball
    budget = math.prod(coarse) + more
    tree, points, _, wanted = explored(function, coarse, levels, budget=budget)
    whole = explored(function, coarse, levels)[0]
    low, high = tree.limits(points.codes)
    short = int(((high > low) & (tree.cells.level < tree.depth)).sum())
    assert len(tree.numbers) <= budget
    assert wanted.short == short
    assert wanted.why == ("budget" if short else "resolved")
    assert short or np.array_equal(tree.numbers, whole.numbers)


def test_a_tongue_is_followed_until_it_is_thinner_than_the_finest_step() -> None:
    """A wedge that the coarse grid meets at its wide end alone, then across coarse cells without a corner in it."""

    def wedge(x):
        return np.abs(x[:, 1] - 0.27 - 0.08 * x[:, 0]) < 0.04 * (1 - x[:, 0])

    coarse, met, _, _ = explored(wedge, (9, 9), (0, 0))
    assert coarse.places[met.values == 1][:, 0].max() == 1
    tree, points, rounds, _ = explored(wedge, (9, 9), (6, 6))
    assert len(rounds) < 30
    tip = tree.places[points.values == 1][:, 0].max() / (tree.shape[0] - 1)
    assert 0.08 * (1 - tip) < 2 / (tree.shape[1] - 1)
    assert len(tree.numbers) < 0.04 * math.prod(tree.shape)


def test_what_no_coarse_point_meets_is_not_found() -> None:
    tree, points, rounds, wanted = explored(ball((0.5625, 0.5625), 0.05), (9, 9), (5, 5))
    assert len(rounds) == 1
    assert points.values.sum() == 0
    assert (wanted.why, len(tree.numbers)) == ("resolved", 81)


def test_a_boundary_costs_what_its_length_costs() -> None:
    """Twice as fine: about twice as many points, where a whole grid takes four times as many."""
    counts = [len(explored(ball((0.5, 0.5), 0.3), (9, 9), (k, k))[0].numbers) for k in (4, 5, 6, 7)]
    ratios = np.diff(np.log2(counts))
    assert np.all((ratios > 0.8) & (ratios < 1.2))
    assert counts[-1] < 0.02 * (8 * 2**7 + 1) ** 2


@pytest.mark.parametrize("dims", [1, 2, 3])
def test_filling_leaves_no_cell_that_changes_by_more(dims) -> None:
    def steep(x):
        return np.tanh(8 * (x.mean(axis=1) - 0.6))

    tree, points, _, wanted = explored(steep, (4,) * dims, (6 if dims < 3 else 3,) * dims, tolerance=0.5)
    low, high = tree.limits(points.values)
    assert (wanted.why, wanted.short) == ("resolved", 0)
    assert np.all(high - low <= 0.5)
    assert len(tree.numbers) < 0.5 * math.prod(tree.shape)
    assert len(np.unique(tree.cells.level)) > 1


def test_filling_goes_to_the_greatest_changes_first_and_stops_at_the_resolution() -> None:
    def jumps(x):
        return np.where(x[:, 0] > 0.4, 10.0, 0.0) + np.where(x[:, 0] > 0.7, 3.0, 0.0)

    _, _, rounds, wanted = explored(jumps, (5,), (6,), tolerance=1.0)
    places = [r / 256 for r in rounds]
    assert all(np.all(np.abs(p - 0.4) < 0.15) for p in places[1:3])
    assert np.any(np.abs(places[-1] - 0.7) < 0.15)
    assert (wanted.why, wanted.short) == ("resolution", 2)


def test_a_point_that_is_left_out_says_nothing() -> None:
    def half(x):
        return np.where(x[:, 0] > 0.5, np.nan, 1.0)

    tree, _, rounds, wanted = explored(half, (5, 5), (3, 3))
    assert len(rounds) == 1
    assert (wanted.why, len(tree.numbers)) == ("resolved", 25)


def results(function, coarse, levels, names=""):
    """What a study would keep of a function over the unit square."""
    tree, points, _, _ = explored(function, coarse, levels)
    axes = [Axis(d, ((d, Range("linear", (0.0, 1.0), n)),)) for d, n in zip("xyz", tree.shape, strict=False)]
    rule = Rule("kind", tuple(levels), None, MANY).to_json() | {"space": Space(tuple(axes)).to_json()}
    places = tree.places / (np.array(tree.shape) - 1)
    flags = {"flag_values": list(range(len(names.split()))), "flag_meanings": names} if names else {}
    columns = {a.dim: ("point", places[:, k], {"units": "1"}) for k, a in enumerate(axes)}
    made = {"kind": ("point", points.values, flags), "status": ("point", np.ones(len(places), np.uint8))}
    return xr.Dataset(made, {**columns, "node": ("point", tree.numbers)}, {"refine": json.dumps(rule)})


def lines(curves):
    """Each curve by its classes and its vertices."""
    number = curves.curve_number.values
    for k, between in enumerate(curves.between.values):
        yield str(between), np.stack([curves.x, curves.y], axis=1)[number == k], bool(curves.closed[k])


def test_a_ring_is_two_closed_curves() -> None:
    def ring(x):
        away = np.hypot(x[:, 0] - 0.5, x[:, 1] - 0.5)
        return ((away > 0.2) & (away < 0.4)).astype(float)

    found = list(lines(boundaries(results(ring, (9, 9), (5, 5), "off on"))))
    assert [(name, closed) for name, _, closed in found] == [("off | on", True)] * 2
    radii = sorted(float(np.hypot(*(line - 0.5).T).mean()) for _, line, _ in found)
    assert radii == pytest.approx([0.2, 0.4], abs=1 / 512)
    for _, line, _ in found:
        around = np.sum(np.hypot(*np.diff(line, axis=0).T))
        assert 1.0 <= around / (2 * np.pi * np.hypot(*(line - 0.5).T).mean()) < 1.15


def test_where_three_classes_meet_their_curves_end_at_one_place() -> None:
    def sectors(x):
        angle = np.arctan2(x[:, 1] - 0.437, x[:, 0] - 0.563) + np.pi / 7
        return np.floor((angle % (2 * np.pi)) / (2 * np.pi / 3))

    curves = boundaries(results(sectors, (9, 9), (5, 5), "a b c"))
    found = list(lines(curves))
    assert sorted(name for name, _, _ in found) == ["a | b", "a | c", "b | c"]
    assert not any(closed for _, _, closed in found)
    ends = [line[[0, -1]] for _, line, _ in found]
    meet = np.array([e[np.argmin(np.hypot(*(e - [0.563, 0.437]).T))] for e in ends])
    assert np.all(np.abs(meet - [0.563, 0.437]) < 1 / 256)
    assert len(np.unique(meet, axis=0)) <= 2


def test_a_point_without_the_output_has_a_class_of_that_name() -> None:
    def part(x):
        return np.where(x[:, 0] > 0.6, np.nan, 1.0)

    data = results(part, (9, 3), (0, 0), "off on")
    curves = boundaries(data)
    assert curves.between.values.tolist() == ["on | none"]
    assert np.isnan(curves.second.values).all()
    assert np.all(curves.x == 0.5625)
    assert set(cells(data).highest.values) == {"on", "none"}
    found = filled(data)
    assert np.array_equal(np.isnan(found.kind[:, 0]), found.x > 0.6)
    failed = data.assign(status=data.status.where(data.x <= 0.6, 2))
    assert boundaries(failed).between.values.tolist() == ["on | failed"]


@pytest.mark.parametrize("swap", [False, True])
def test_a_saddle_is_joined_one_way(swap) -> None:
    """A chequered cell: its four crossings make two pieces, and never four that meet."""

    def saddle(x):
        return ((np.abs(x[:, 0] - x[:, 1]) < 0.1) != swap).astype(float)

    curves = boundaries(results(saddle, (2, 2), (0, 0), "no yes"))
    found = list(lines(curves))
    assert [(name, len(line)) for name, line, _ in found] == [("no | yes", 2)] * 2
    assert curves.sizes["vertex"] == 4


@settings(max_examples=15, deadline=None)
@given(balls())
def test_every_crossing_lies_between_points_of_both_classes(given_ball) -> None:
    function, coarse, levels = given_ball
    data = results(function, coarse, levels)
    curves, names = boundaries(data), "xyz"[: len(coarse)]
    tree, points, _, _ = explored(*given_ball)
    mixed = tree.limits(points.codes)
    assert bool(curves.sizes["vertex"]) == bool((mixed[1] > mixed[0]).any())
    place, error = (np.stack([curves[n + e] for n in names], axis=1) for e in ("", "_error"))
    low, high = function(place - error), function(place + error)
    if len(names) == 1:
        assert np.all(low != high)
    step = 1 / (np.array(tree.shape) - 1)
    assert np.all(error <= step / 2 + 1e-12)
    found = filled(data, n=9)
    computed = found.origin.values == Origin.COMPUTED
    at = np.stack(np.meshgrid(*[np.linspace(0, 1, 9)] * len(names), indexing="ij"), axis=-1)[computed]
    assert np.array_equal(found.kind.values[computed], function(at).astype(float))
