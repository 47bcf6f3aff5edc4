"""Designs of comparisons: which points they have, that they grow, and what they refuse."""

import json

import numpy as np
import pytest
import xarray as xr
from scipy import stats

from sneuron import curves, errors, grid, nudges, pick_freeze, radial, random, sobol, trajectories
from sneuron.analysis.marginals import DISTRIBUTION, Marginal, marginal_told
from sneuron.explore import samplers
from sneuron.explore.coords import design_points
from sneuron.explore.designs import Design

BOX = {"a": (0.0, 1.0), "b": (-1.0, 1.0), "c": (10.0, 20.0)}
GROWING = {
    "pick_freeze": (lambda n, **k: pick_freeze(n, BOX, replicates=4, **k), 64, "row"),
    "nudges": (lambda n, **k: nudges(n, BOX, replicates=4, **k), 64, "row"),
    "radial": (lambda n, **k: radial(n, BOX, **k), 40, "trajectory"),
    "trajectories": (lambda n, **k: trajectories(n, BOX, candidates=0, **k), 10, "trajectory"),
    "chosen": (lambda n, **k: trajectories(n, BOX, candidates=100, **k), 10, "trajectory"),
    "curves": (lambda n, **k: curves(n, BOX, replicates=n // 65, **k), 4 * 65, "replicate"),
    "sobol": (lambda n, **k: sobol(n, BOX, **k), 64, "point"),
}


def columns(points: xr.Dataset) -> np.ndarray:
    """All parameters at all points: point, parameter."""
    whole = xr.broadcast(*(points[n] for n in BOX))
    return np.stack([w.values.ravel() for w in whole], axis=1)


@pytest.mark.parametrize("kind", GROWING)
def test_a_larger_design_keeps_the_points_of_a_smaller_one(kind: str) -> None:
    make, n, dim = GROWING[kind]
    small, large = design_points(make(n)), design_points(make(2 * n))
    assert large.sizes[dim] == 2 * small.sizes[dim]
    for name in BOX:
        np.testing.assert_array_equal(large[name].isel({dim: slice(0, small.sizes[dim])}), small[name])


@pytest.mark.parametrize("kind", GROWING)
def test_another_seed_is_another_design_and_the_same_seed_the_same(kind: str) -> None:
    make, n, _ = GROWING[kind]
    one, same, other = (columns(design_points(make(n, seed=s))) for s in (3, 3, 4))
    np.testing.assert_array_equal(one, same)
    assert (one != other).any()


@pytest.mark.parametrize("kind", GROWING)
def test_points_lie_in_the_box_and_fill_it(kind: str) -> None:
    make, n, _ = GROWING[kind]
    found = columns(design_points(make(n)))
    for k, (low, high) in enumerate(BOX.values()):
        assert found[:, k].min() >= low
        assert found[:, k].max() <= high
        assert np.ptp(found[:, k]) > 0.8 * (high - low)


@pytest.mark.parametrize("order", [1, 2])
def test_pick_freeze_exchanges_one_parameter(order: int) -> None:
    points = design_points(pick_freeze(64, BOX, replicates=2, order=order))
    assert points.sizes == {"row": 32, "replicate": 2, "matrix": 5 if order == 1 else 8}
    a, b = points.sel(matrix="A"), points.sel(matrix="B")
    for name in BOX:
        assert (a[name] != b[name]).mean() > 0.99
        for other in BOX:
            np.testing.assert_array_equal(points[other].sel(matrix=f"AB_{name}"), (b if other == name else a)[other])
            if order == 2:
                ba = points[other].sel(matrix=f"BA_{name}")
                np.testing.assert_array_equal(ba, (a if other == name else b)[other])


def test_each_replicate_is_a_sobol_sequence_with_a_scrambling_of_its_own() -> None:
    points = design_points(pick_freeze(256, BOX, replicates=4))
    a, b = points.sel(matrix="A"), points.sel(matrix="B")
    unit = np.stack([(m[n] - lo) / (hi - lo) for m in (a, b) for n, (lo, hi) in BOX.items()])
    for replicate in range(4):
        for column in unit[:, :, replicate]:  # the first 64 points of a (t, s)-sequence: one in each 64th
            assert sorted(np.floor(column * 64).astype(int)) == list(range(64))
    assert (unit[:, :, 0] != unit[:, :, 1]).all()


def test_groups_change_together() -> None:
    points = design_points(pick_freeze(64, BOX, replicates=2, groups={"ab": ["a", "b"]}))
    assert points.matrix.values.tolist() == ["A", "B", "AB_ab", "AB_c"]
    for name, source in (("a", "B"), ("b", "B"), ("c", "A")):
        np.testing.assert_array_equal(points[name].sel(matrix="AB_ab"), points[name].sel(matrix=source))


@pytest.mark.parametrize("levels", [2, 4, 8])
@pytest.mark.parametrize("candidates", [0, 40])
def test_each_move_of_a_trajectory_changes_one_parameter_by_half_the_grid(levels: int, candidates: int) -> None:
    points = design_points(trajectories(12, BOX, levels=levels, candidates=candidates))
    unit = np.stack([((points[n] - lo) / (hi - lo)).values for n, (lo, hi) in BOX.items()], axis=-1)
    np.testing.assert_allclose(unit * (levels - 1), np.rint(unit * (levels - 1)), atol=1e-12)
    moved, by = points.moved.values[:, 1:], points.moved_by.values[:, 1:]
    assert (np.sort(moved, axis=1) == np.arange(3)).all()
    steps = np.diff(unit, axis=1)
    expected = np.zeros_like(steps)
    np.put_along_axis(expected, moved[..., None], by[..., None], axis=2)
    np.testing.assert_allclose(steps, expected, atol=1e-12)
    np.testing.assert_allclose(np.abs(by), levels / (2 * (levels - 1)))


def test_chosen_trajectories_lie_farther_apart_than_those_that_come() -> None:
    def apart(candidates: int) -> float:
        points = design_points(trajectories(8, BOX, levels=8, candidates=candidates))
        walks = np.stack([((points[n] - lo) / (hi - lo)).values for n, (lo, hi) in BOX.items()], axis=-1)
        gaps = np.linalg.norm(walks[:, None, :, None] - walks[None, :, None], axis=-1).sum(axis=(2, 3))
        return float(np.sqrt((gaps**2).sum() / 2))

    assert apart(200) > 1.05 * apart(0)


def test_a_group_of_a_trajectory_moves_at_once() -> None:
    points = design_points(trajectories(6, BOX, groups={"ab": ["a", "b"]}))
    assert points.sizes == {"trajectory": 6, "move": 3}
    steps = {n: (np.diff(points[n].values, axis=1) != 0) for n in BOX}
    np.testing.assert_array_equal(steps["a"], steps["b"])
    np.testing.assert_array_equal(steps["a"], ~steps["c"])


def test_the_tips_of_a_star_differ_from_its_middle_in_one_parameter() -> None:
    for points in (design_points(radial(10, BOX)), design_points(nudges(32, BOX, replicates=2, nudge=0.01))):
        assert points.moved.values.tolist() == [-1, 0, 1, 2]
        for k, (name, (low, high)) in enumerate(BOX.items(), 1):
            change = ((points[name] - points[name].isel(move=0)) / (high - low)).transpose(..., "move").values
            assert (np.delete(change, k, axis=-1) == 0).all()
            if "moved_by" in points:
                np.testing.assert_allclose(change[:, k], points.moved_by.values[:, k], atol=1e-12)
            else:
                np.testing.assert_allclose(np.abs(change[..., k]), 0.01)


def test_each_curve_oscillates_fastest_for_one_parameter() -> None:
    points = design_points(curves(2 * 257, BOX, replicates=2))
    fast = points.curve.attrs["frequency"]
    for name, (low, high) in BOX.items():
        wave = (points[name].sel(curve=name, replicate=0).values - low) / (high - low)
        power = np.abs(np.fft.rfft(wave - wave.mean()))
        assert power.argmax() == fast
        slow = (points[name].sel(replicate=0).drop_sel(curve=name).values - low) / (high - low)
        assert (np.abs(np.fft.rfft(slow - slow.mean(axis=1, keepdims=True), axis=1)).argmax(axis=1) < fast // 2).all()


DRAWN = {
    "norm": stats.norm(-65, 3),
    "gamma": stats.gamma(2.0, scale=3.0),
    "beta": stats.beta(2, 5, loc=1, scale=4),
    "lognorm": stats.lognorm(0.5),
    "truncnorm": stats.truncnorm(-2, 2),
}


@pytest.mark.parametrize("name", DRAWN)
def test_any_distribution_of_scipy_is_drawn(name: str) -> None:
    points = design_points(pick_freeze(1024, {"x": DRAWN[name], "y": (0, 1)}, replicates=2))
    values = points.x.sel(matrix=["A", "B"]).values.ravel()
    assert stats.kstest(values, DRAWN[name].cdf).statistic < 0.01
    told = marginal_told(json.loads(json.dumps(points.x.attrs)))
    assert told is not None
    np.testing.assert_allclose(told.unit(values), DRAWN[name].cdf(values))


def test_a_list_is_a_choice_among_its_values() -> None:
    points = design_points(sobol(300, {"x": [1.0, 5.0, 9.0], "y": (0, 1)}))
    values, counts = np.unique(points.x.values, return_counts=True)
    assert values.tolist() == [1.0, 5.0, 9.0]
    assert (np.abs(counts - 100) < 5).all()


def test_a_design_is_written_down_and_read_back() -> None:
    for make, n, _ in GROWING.values():
        made = make(n)
        columns = tuple((name, Marginal("uniform", bounds)) for name, bounds in BOX.items())
        design = Design(made.kind, 0, n, n, 0, True, columns, options=made.plain({name: name for name in BOX}))
        assert Design.from_json(json.loads(json.dumps(design.to_json()))) == design


def test_points_of_a_long_design_are_computed_when_asked_for() -> None:
    points = design_points(pick_freeze(2**22, BOX))
    assert points.a.size == 2**22 * 5
    assert not points.a.variable._in_memory
    part = points.a.isel(row=slice(0, 8)).values
    np.testing.assert_array_equal(part, design_points(pick_freeze(32, BOX)).a.values)


@pytest.mark.parametrize("cut", [(0, 7), (7, 100)])
def test_a_column_does_not_hang_on_which_rows_are_asked_for(cut: tuple[int, int]) -> None:
    places = np.arange(*cut, dtype=np.uint64)
    whole = samplers.nested_sobol(np.arange(100, dtype=np.uint64), 3, 8, 5)
    np.testing.assert_array_equal(samplers.nested_sobol(places, 3, 8, 5), whole[slice(*cut)])


@pytest.mark.parametrize("size", [1, 3, 6, 9])
def test_nested_scrambling_keeps_the_boxes_of_the_sequence(size: int) -> None:
    """Any two columns of the first 2^k points: as many in each elementary box as without scrambling."""
    index = np.arange(2**size, dtype=np.uint64)
    made = [samplers.nested_sobol(index, k, 8, 11) for k in range(8)]
    plain = [samplers.draw("sobol", index, k, 8, 0, 0, False) for k in range(8)]
    for k in range(8):
        assert sorted(np.floor(made[k] * 2**size).astype(int)) == list(range(2**size))
        for other in range(k):
            for bits in range(size + 1):
                split = [(2**bits, 2 ** (size - bits)), (made, plain)]
                counts = [
                    np.histogram2d(v[k], v[other], bins=split[0], range=[[0, 1], [0, 1]])[0].ravel() for v in split[1]
                ]
                np.testing.assert_array_equal(np.sort(counts[0]), np.sort(counts[1]))


def test_scrambled_points_are_uniform_and_independent_between_keys() -> None:
    values = np.array([samplers.nested_sobol(np.arange(4, dtype=np.uint64), 1, 2, key) for key in range(1000)])
    assert stats.kstest(values[:, 3], "uniform").pvalue > 1e-3
    assert stats.kstest(values[:, 0], "uniform").pvalue > 1e-3
    low = (values * 2**30).astype(np.int64) & 1  # a digit far below those that are balanced
    assert abs(low.mean() - 0.5) < 0.04
    assert np.abs(np.corrcoef(low.T) - np.eye(4)).max() < 0.12


ENDLESS = {"x": stats.norm(), "y": (0, 1)}
REFUSED = {
    "no parameters": (lambda: pick_freeze(64, {}), "no parameters are given"),
    "params are a list": (lambda: nudges(64, ["a"]), "no parameters are given"),
    "too few rows": (lambda: pick_freeze(8, BOX), "too few for 4 replicates"),
    "no multiple": (lambda: pick_freeze(101, BOX), "no multiple of 4 replicates. did you mean '104'"),
    "one replicate": (lambda: pick_freeze(64, BOX, replicates=1), "a whole number from 2"),
    "order": (lambda: pick_freeze(64, BOX, order=3), "1 or 2"),
    "n is a float": (lambda: trajectories(1.5, BOX), "n = 1.5"),
    "odd levels": (lambda: trajectories(10, BOX, levels=5), "5 levels have no middle"),
    "few candidates": (lambda: trajectories(10, BOX, candidates=5), "5 candidates for 10 trajectories"),
    "no ends": (lambda: trajectories(10, ENDLESS), "'x' runs from -inf to inf"),
    "nudge": (lambda: nudges(64, BOX, nudge=0.7), "nudge = 0.7"),
    "choice": (lambda: nudges(64, {"a": [1.0, 2.0]}), "no derivative"),
    "choice from an array": (lambda: nudges(64, {"a": np.array([1.0, 2.0, 3.0])}), "no derivative"),
    "choice from a range": (lambda: nudges(64, {"a": grid(1, 3, 3)}), "no derivative"),
    "short curve": (lambda: curves(8 * 33, BOX), "33 points on a curve do not resolve 4 harmonics"),
    "group of nothing": (lambda: pick_freeze(64, BOX, groups={"g": []}), "no list of parameters"),
    "group of a stranger": (lambda: pick_freeze(64, BOX, groups={"g": ["a", "bb"]}), "did you mean 'b'"),
    "in two groups": (lambda: radial(8, BOX, groups={"g": ["a"], "h": ["a", "b"]}), "in group 'g' and in group 'h'"),
    "group like a parameter": (lambda: radial(8, BOX, groups={"c": ["a", "b"]}), "name of a parameter"),
    "groups are a list": (lambda: radial(8, BOX, groups=["a"]), "groups are a list"),
    "group without a name": (lambda: radial(8, BOX, groups={"a b": ["a"]}), "cannot name a group"),
}


@pytest.mark.parametrize("case", REFUSED)
def test_a_design_that_cannot_be_is_refused(case: str) -> None:
    make, said = REFUSED[case]
    with pytest.raises(errors.SneuronError) as caught:
        make()
    assert said.lower() in str(caught.value).lower()


def test_two_designs_in_one_space_are_refused() -> None:
    from sneuron import Plan

    parts = [sobol(8, {"gL": (20, 30)}), random(8, {"C": (200, 300)})]
    with pytest.raises(errors.ParameterError, match="two designs are given"):
        Plan.make(parts, "lif", outputs={"n": "spike_count"}, duration=10)


def test_a_coordinate_says_what_it_was_drawn_from() -> None:
    points = design_points(random(4, {"x": (0.0, 2.0)}))
    assert json.loads(points.x.attrs[DISTRIBUTION]) == {"kind": "uniform", "args": [0.0, 2.0], "kwds": {}}
