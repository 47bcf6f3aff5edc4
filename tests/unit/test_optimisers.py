"""Ways to search, on functions of the unit cube: no neuron, no store."""

import numpy as np
import pytest

from sneuron import errors
from sneuron.explore.optimisers.base import Setting, Told, methods
from sneuron.explore.optimisers.pareto import crowding, fronts

AT = np.array([0.3, 0.62, 0.45])
SINGLE = ["cma", "de"]
FREE = [m for m in methods if m not in ("optuna", "npe")]  # those need packages


def bowl(unit):
    """A valley that is 100 times as steep across as along, and least at AT."""
    left = (unit - AT) @ np.array([[10.0, 0.0, 0.0], [9.0, 1.0, 0.0], [0.0, 0.0, 3.0]])
    return left, 2 * np.array([[10.0, 0.0, 0.0], [9.0, 1.0, 0.0], [0.0, 0.0, 3.0]]) @ left.T


def told(unit, slopes=False):
    left, slope = bowl(unit)
    losses = (left**2).sum(1, keepdims=True)
    if not slopes:
        return Told(unit, losses)
    root = np.array([[10.0, 0.0, 0.0], [9.0, 1.0, 0.0], [0.0, 0.0, 3.0]])
    return Told(unit, losses, None, slope.T, np.broadcast_to(2 * root @ root.T, (len(unit), 3, 3)))


def asked(name, batches, batch=64, starts=None, seed=3, how=told):
    method = methods[name]
    many = (2 if method.apart else 1) if starts is None else starts
    search = method.optimiser(Setting(3, batch, many, seed, {"particles": 50} if name == "abc" else {}))
    found = []
    for _ in range(batches):
        found.append(search.ask())
        search.tell(how(found[-1], slopes=method.slopes))
    return np.array(found), search


@pytest.mark.parametrize("name", FREE)
def test_points_lie_in_the_cube_and_follow_from_the_seed(name):
    first, _ = asked(name, 6)
    again, _ = asked(name, 6)
    other, _ = asked(name, 6, seed=4)
    assert first.shape == (6, 64, 3)
    assert ((first >= 0) & (first <= 1)).all()
    assert np.array_equal(first, again)
    assert not np.array_equal(first, other)


@pytest.mark.parametrize("name", FREE)
def test_random_numbers_of_the_process_are_left_alone(name):
    np.random.seed(5)
    before = np.random.get_state()[1].copy()
    asked(name, 3)
    assert np.array_equal(before, np.random.get_state()[1])


@pytest.mark.parametrize(("name", "batches"), [("cma", 60), ("de", 60), ("gradient", 6)])
def test_the_least_is_found(name, batches):
    points, _ = asked(name, batches)
    best = points.reshape(-1, 3)[np.argmin((bowl(points.reshape(-1, 3))[0] ** 2).sum(1))]
    assert np.abs(best - AT).max() < 1e-3


@pytest.mark.parametrize("name", SINGLE)
def test_failed_points_are_avoided_and_do_no_harm(name):
    def half(unit, slopes=False):
        losses = (bowl(unit)[0] ** 2).sum(1, keepdims=True)
        losses[unit[:, 1] > 0.7] = np.inf
        return Told(unit, losses)

    points, _ = asked(name, 60, how=half)
    last = points[-1]
    assert (last[:, 1] > 0.7).mean() < 0.5
    assert np.abs(points.reshape(-1, 3) - AT).max(1).min() < 1e-2


def test_cma_begins_anew_when_it_has_converged():
    method = methods["cma"]
    search = method.optimiser(Setting(3, 32, 2, 1, {"tolfun": 1e-4, "tolx": 1e-3}))
    seen = set()
    for _ in range(150):
        unit = search.ask()
        seen |= set(search.start.tolist())
        search.tell(told(unit))
    assert len(seen) > 2
    assert seen == set(range(len(seen))) or {0, 1} < seen


def test_a_line_can_be_searched_by_cma():
    search = methods["cma"].optimiser(Setting(1, 16, 1, 0))
    best = np.inf
    for _ in range(40):
        unit = search.ask()
        losses = np.abs(unit - 0.731)
        best = min(best, losses.min())
        search.tell(Told(unit, losses))
    assert unit.shape == (16, 1)
    assert best < 1e-4


def test_descents_stop_at_the_walls():
    def outside(unit, slopes=True):
        left = unit - np.array([0.3, 1.4, -0.2])
        return Told(
            unit, (left**2).sum(1, keepdims=True), None, 2 * left, np.broadcast_to(2 * np.eye(3), (len(unit), 3, 3))
        )

    points, _ = asked("gradient", 6, batch=8, how=outside)
    best = points.reshape(-1, 3)[np.argmin(outside(points.reshape(-1, 3)).total)]
    np.testing.assert_allclose(best, [0.3, 1.0, 0.0], atol=1e-4)


def test_nsga_finds_the_front_of_two_parabolas():
    def two(unit, slopes=False):
        return Told(unit, np.stack([(unit[:, 0] - 0.2) ** 2, (unit[:, 0] - 0.6) ** 2], 1) + (unit[:, 1:] - 0.5) ** 2)

    _, search = asked("nsga2", 80, how=two)
    assert (fronts(search.losses) == 0).mean() > 0.9
    x = search.unit[:, 0]
    assert x.min() < 0.25
    assert x.max() > 0.55
    assert np.abs(search.unit[:, 1:] - 0.5).max() < 0.1
    assert np.diff(np.sort(x)).max() < 0.06


def test_ranks_of_fronts_against_the_definition():
    losses = np.random.default_rng(0).random((60, 3)).round(1)
    losses[7] = np.inf
    rank = fronts(losses)
    better = [[(a <= b).all() and (a < b).any() for a in losses] for b in losses]
    left = set(range(60))
    level = 0
    while left:
        front = {k for k in left if not any(better[k][j] for j in left)}
        assert front == {k for k in range(60) if rank[k] == level}
        left -= front
        level += 1
    lonely = crowding(losses, rank)
    first = np.flatnonzero(rank == 0)
    assert np.isinf(lonely[first]).sum() >= 2


def test_particles_are_a_sample_of_the_region_that_is_near_enough():
    """The posterior of a uniform kernel is uniform where the distance is small enough: a half disc at a wall."""

    def disc(unit, slopes=False):
        return Told(unit, np.hypot(unit[:, :1] - 0.05, unit[:, 1:2] - 0.5))

    method = methods["abc"]
    search = method.optimiser(Setting(2, 500, 1, 2, {"particles": 2000, "tolerance": 0.2}))
    points = []
    while not search.done:
        points.append(search.ask())
        search.tell(disc(points[-1]))
    found = search.posterior
    rows, weight, limit = found.rows, found.weight, found.limit
    unit = np.concatenate(points)[rows]
    assert limit == 0.2
    grid = np.stack(np.meshgrid(*[(np.arange(1000) + 0.5) / 1000] * 2, indexing="ij"), -1).reshape(-1, 2)  # 10^6 points
    inside = grid[disc(grid).total <= 0.2]
    size = 1 / (weight**2).sum()
    assert size > 1000
    for k in range(2):
        error = inside[:, k].std() / np.sqrt(size)
        assert abs(weight @ unit[:, k] - inside[:, k].mean()) < 4 * error
        spread = np.sqrt(weight @ (unit[:, k] - weight @ unit[:, k]) ** 2)
        assert abs(spread / inside[:, k].std() - 1) < 0.06
        edges = np.quantile(inside[:, k], [0.25, 0.5, 0.75])
        shares = [(weight * (unit[:, k] < e)).sum() for e in edges]
        np.testing.assert_allclose(shares, [0.25, 0.5, 0.75], atol=0.05)


def test_unknown_methods_and_options_are_refused():
    with pytest.raises(errors.UnknownNameError, match="cma"):
        methods["cmaes"]
    with pytest.raises(errors.UnknownNameError, match="crossover"):
        methods["de"].optimiser(Setting(2, 16, 1, 0, {"crosover": 0.5}))


def test_samplers_of_optuna_can_be_used():
    pytest.importorskip("optuna")
    first, _ = asked("optuna", 4, batch=8)
    again, _ = asked("optuna", 4, batch=8)
    assert np.array_equal(first, again)
    assert ((first >= 0) & (first <= 1)).all()


def test_a_network_learns_a_posterior_that_is_known():
    """Two normal posteriors, and a parameter that the data do not tell: its posterior is the prior."""
    pytest.importorskip("sbi")
    for wrong, said in (({"density": "nfs"}, "nsf"), ({"round": 0}, "round"), ({"draws": 2.5}, "draws")):
        with pytest.raises(errors.SneuronError, match=said):
            methods["npe"].optimiser(Setting(3, 1000, 1, 3, wrong))

    def seen(unit):
        rng = np.random.default_rng(int(unit[0, 0] * 2**40))
        offsets = (unit[:, :2] - [0.4, 0.7]) / [0.05, 0.08] + rng.standard_normal((len(unit), 2))
        offsets = np.where(unit[:, :1] > 0.99, np.nan, offsets)  # failed points
        return Told(unit, (offsets**2).sum(1, keepdims=True), np.c_[offsets, np.ones(len(unit))])

    found = []
    for _ in range(2):
        search = methods["npe"].optimiser(Setting(3, 1000, 1, 3, {"round": 3500, "draws": 4000}))
        assert search.posterior is None
        for _ in range(8):
            search.tell(seen(search.ask()))
        found.append(search.posterior)
    assert search.size == 4
    before = search.learnt
    search.tell(seen(search.ask()))
    assert not np.array_equal(search.posterior.unit, found[0].unit)  # what no round has ended is learnt from, too
    assert search.learnt is before
    assert np.array_equal(found[0].unit, found[1].unit)  # the same data, the same network
    unit = found[0].unit
    np.testing.assert_allclose(unit.mean(0), [0.4, 0.7, 0.5], atol=0.015)
    np.testing.assert_allclose(unit[:, :2].std(0), [0.05, 0.08], rtol=0.1)
    assert abs(unit[:, 2].std() - 12**-0.5) < 0.03
    later = search.unit[4000:]  # later rounds ask where the posterior is, evenly
    assert (abs(later[:, 0] - 0.4) < 0.3).mean() > 0.95  # of the prior 60 %
    assert later[:, 0].std() > 0.075
