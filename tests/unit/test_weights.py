"""UpdWgt: steps of weights within bounds, signs and sums; synapses that go and come."""

import warnings

import dask
import numpy as np
import pytest
import xarray as xr
from hypothesis import given, settings
from hypothesis import strategies as st

import sneuron as sn
from sneuron.errors import DataError, ParameterError, UnknownNameError

RNG = np.random.default_rng(3)


def matrix(*shape):
    return xr.DataArray(RNG.uniform(0.1, 0.9, shape), dims=("point", "post", "pre")[-len(shape) :])


def graph(n=20, seed=2, **more):
    return sn.ConnMat(n, "erdos_renyi", p=0.2, seed=seed, weight={"law": "normal", "mean": 1.0, "std": 0.4}, **more)


def dense_of(step, n=20):
    """The matrix of a graph that was stepped."""
    found = np.zeros((n, n))
    held = step.exists.values if "exists" in step else np.ones(step.sizes["synapse"], bool)
    found[step.post.values[held], step.pre.values[held]] = step.weight.values[held]
    return found


def test_additive_steps_are_cut_at_the_bounds_and_the_cuts_are_counted():
    done = sn.UpdWgt([0.1, 0.5, 0.9, 0.95], [-0.2, 0.1, 0.05, 0.2], low=0.0, high=1.0)
    np.testing.assert_allclose(done.weight, [0.0, 0.6, 0.95, 1.0], rtol=1e-15)
    assert done.clipped == 0.5


def test_a_part_decays_before_the_change():
    done = sn.UpdWgt([0.5, -2.0], 0.25, decay=[0.0, 0.5])
    np.testing.assert_array_equal(done.weight, [[0.75, -1.75], [0.5, -0.75]])


def test_what_a_norm_lifts_over_a_bound_is_stopped_and_counted():
    done = sn.UpdWgt([[0.1, 0.1, 0.8]], normalise="l1", total=2.0, high=1.0, low=0.0)
    np.testing.assert_allclose(done.weight, [[0.2, 0.2, 1.0]])
    assert done.clipped == pytest.approx(1 / 3)


@pytest.mark.parametrize(
    ("rule", "up", "down"),
    [
        ("additive", 1.0, 1.0),
        ("multiplicative", 0.75, 0.25),
        ("van_rossum", 1.0, 0.25),
        ("power", 0.75**0.3, 0.25**0.3),
    ],
)
def test_rules_scale_a_change_by_the_room_in_front_of_the_bound(rule, up, down):
    more = {"mu": 0.3} if rule == "power" else {}
    done = sn.UpdWgt([1.5, 1.5], [0.01, -0.01], rule=rule, low=1.0, high=3.0, **more)
    np.testing.assert_allclose(done.weight, [1.5 + 0.01 * up, 1.5 - 0.01 * down], rtol=1e-14)


def test_power_0_is_additive_and_power_1_multiplicative():
    w, d = matrix(4, 5), matrix(4, 5) - 0.5
    done = sn.UpdWgt(w, d, rule="power", mu=[0.0, 1.0], low=0.0, high=1.0)
    for mu, rule in ((0.0, "additive"), (1.0, "multiplicative")):
        same = sn.UpdWgt(w, d, rule=rule, low=0.0, high=1.0)
        np.testing.assert_array_equal(done.sel(mu=mu).weight, same.weight)


@pytest.mark.parametrize(("norm", "order"), [("l1", 1), ("l2", 2)])
@pytest.mark.parametrize("per", ["post", "pre"])
def test_norms_of_rows_and_columns(norm, order, per):
    done = sn.UpdWgt(matrix(4, 5) - 0.3, normalise=norm, per=per, total=[2.0, 3.0])
    sums = (abs(done.weight) ** order).sum("pre" if per == "post" else "post") ** (1 / order)
    np.testing.assert_allclose(sums, np.broadcast_to([[2.0], [3.0]], sums.shape), rtol=1e-14)


@pytest.mark.parametrize("per", ["post", "pre"])
def test_a_graph_and_its_matrix_step_alike(per):
    g = graph()
    m = graph(layout="dense")
    more = {"normalise": "l2", "per": per, "total": 3.0, "prune": 0.4, "regrow": 0.7, "decay": 0.1}
    ours, theirs = sn.UpdWgt(g, -0.1, seed=5, **more), sn.UpdWgt(m, -0.1, exists=m != 0, seed=5, **more)
    np.testing.assert_allclose(dense_of(ours), theirs.weight, rtol=1e-13)
    assert ours.pruned == theirs.pruned
    assert ours.pruned > 0


def test_synapses_that_go_come_back_elsewhere():
    g = graph()
    gone = sn.UpdWgt(g, prune=0.8)
    back = sn.UpdWgt(g, prune=0.8, regrow=0.5, seed=[1, 1, 2])
    assert int(gone.exists.sum()) == g.sizes["synapse"] - int(gone.pruned)
    assert (gone.weight.values[~gone.exists.values] == 0).all()
    assert bool(back.exists.all())
    np.testing.assert_array_equal(back.post, np.broadcast_to(g.post, back.post.shape))  # in-degrees are kept
    moved = ~gone.exists.values
    np.testing.assert_array_equal(back.weight.values[:, moved], 0.5)
    old = set(zip(g.pre.values, g.post.values, strict=True))
    for k in range(3):
        pairs = set(zip(back.pre.values[k], back.post.values[k], strict=True))
        new = {(int(back.pre[k, s]), int(back.post[k, s])) for s in np.flatnonzero(moved)}
        assert len(pairs) == g.sizes["synapse"]
        assert not new & old
        assert all(pre != post for pre, post in new)
    np.testing.assert_array_equal(back.pre[0], back.pre[1])
    assert (back.pre[0] != back.pre[2]).any()


@pytest.mark.parametrize("seed", [0, 3])
def test_a_new_synapse_has_the_sign_of_its_new_sender(seed):
    """Also where the synapse that went had the other sign; a sender without synapses has no sign."""
    pre = np.array([0, 3, 1, 4, 2, 5, 0, 5])
    post = np.array([1, 1, 2, 2, 0, 0, 3, 3])
    weight = np.where(pre < 3, 0.01, -0.5)
    g = xr.Dataset({"weight": ("synapse", weight), "pre": ("synapse", pre), "post": ("synapse", post)})
    g = g.assign(pre_count=7, post_count=7)
    m = xr.DataArray(np.zeros((7, 7)), dims=("post", "pre"))
    m.values[post, pre] = weight
    more = {"dale": "keep", "prune": 0.1, "regrow": 0.2, "seed": seed}
    ours, theirs = sn.UpdWgt(g, **more), sn.UpdWgt(m, exists=m != 0, **more)
    np.testing.assert_array_equal(dense_of(ours, 7), theirs.weight)
    expected = np.array([1, 1, 1, -1, -1, -1, 0])[ours.pre.values]
    assert (expected[weight == 0.01] == -1).any()
    np.testing.assert_array_equal(np.sign(ours.weight), expected)


def test_a_norm_that_leads_below_the_lower_bound_is_stopped_there():
    done = sn.UpdWgt([[0.5, 0.5], [0.9, 0.1]], low=[0.0, 0.4], high=1.0, normalise="l1", total=0.5)
    np.testing.assert_allclose(done.weight.sel(low=0.4), [[0.4, 0.4], [0.4, 0.4]], rtol=1e-15)
    np.testing.assert_allclose(done.weight.sel(low=0.0), [[0.25, 0.25], [0.45, 0.05]], rtol=1e-15)
    assert done.clipped.values.tolist() == [0.0, 1.0]


def test_new_partners_are_drawn_evenly():
    m = xr.DataArray(np.zeros((2000, 10)), dims=("post", "pre"))
    m[:, 3] = 1e-3
    done = sn.UpdWgt(m, exists=m != 0, prune=0.1, regrow=1.0, autapses=True, seed=7)
    counts = done.exists.sum("post").values
    assert counts[3] == 0
    chi2 = ((np.delete(counts, 3) - 2000 / 9) ** 2 / (2000 / 9)).sum()
    assert chi2 < 26.1  # 99.9 % of chi-squared with 8 degrees of freedom


@settings(max_examples=40, deadline=None)
@given(st.integers(0, 2**32), st.floats(0, 1), st.sampled_from(["additive", "multiplicative", "van_rossum"]))
def test_signs_never_flip_and_bounds_hold(seed, decay, rule):
    rng = np.random.default_rng(seed)
    signs = np.where(rng.random(6) < 0.7, 1.0, -1.0)
    w = xr.DataArray(rng.uniform(0, 1, (5, 6)) * signs, dims=("post", "pre"))
    for dale in ("keep", xr.DataArray(signs, dims="pre")):
        held = w
        for _ in range(4):
            d = xr.DataArray(rng.normal(size=(5, 6)), dims=("post", "pre"))
            held = sn.UpdWgt(held, d, rule=rule, low=0.0, high=1.5, decay=decay, dale=dale).weight
            assert (held * signs >= 0).all()
            assert (abs(held) <= 1.5).all()


def test_a_weight_of_0_keeps_the_sign_of_its_neuron():
    w = xr.DataArray([[-0.5, 0.4], [0.0, 0.0]], dims=("post", "pre"))
    done = sn.UpdWgt(w, xr.DataArray([[0.0], [-0.3]], dims=("post", "one")).isel(one=0), dale="keep")
    np.testing.assert_array_equal(done.weight, [[-0.5, 0.4], [-0.3, 0.0]])
    assert done.clipped == 0.25
    np.testing.assert_array_equal(sn.UpdWgt([0.0, 0.2], 0.1, dale="keep").weight, [0.0, 0.2 + 0.1])


def test_what_does_not_exist_is_left_alone_and_does_not_count():
    w = xr.DataArray([[0.5, np.nan], [0.9, 0.7]], dims=("post", "pre"))
    done = sn.UpdWgt(w, 0.2, high=1.0, exists=xr.DataArray([[True, True], [True, False]], dims=("post", "pre")))
    np.testing.assert_array_equal(done.weight, [[0.7, np.nan], [1.0, 0.7]])
    assert done.clipped == 0.5


def test_points_without_numbers_make_none():
    w = matrix(3, 4, 5)
    w[1] = np.nan
    change = xr.DataArray([0.1, 0.1, np.nan], dims="point")
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        done = sn.UpdWgt(w, change, high=0.8, normalise="l1")
    assert np.isnan(done.clipped.values).tolist() == [False, True, True]
    assert np.isnan(done.weight[1:].values).all()


def test_lazy_stays_lazy_and_chunks_change_no_bit():
    w, d = matrix(6, 8, 9), matrix(6, 8, 9) - 0.5
    more = {"normalise": "l2", "prune": 0.05, "regrow": 0.2, "low": 0.0, "high": 1.0, "rule": "power", "mu": [0.1, 0.5]}
    whole = sn.UpdWgt(w, d, **more)
    with dask.config.set(scheduler=lambda *a, **k: pytest.fail("something was computed")):
        lazy = sn.UpdWgt(w.chunk(point=2, pre=4), d, **more)
    xr.testing.assert_identical(whole, lazy.compute(scheduler="synchronous"))
    for at in ([2], [4, 1]):
        xr.testing.assert_identical(whole.isel(point=at), sn.UpdWgt(w.isel(point=at), d.isel(point=at), **more))


def test_units_are_those_of_the_weights():
    w = matrix(3, 4).assign_attrs(units="nS")
    done = sn.UpdWgt(w, (matrix(3, 4) * 0 + 100.0).assign_attrs(units="pS"))
    np.testing.assert_allclose(done.weight, w + 0.1)
    assert done.weight.attrs["units"] == "nS"


@pytest.mark.parametrize(
    ("more", "error", "text"),
    [
        ({"rule": "aditive"}, UnknownNameError, "Did you mean 'additive'"),
        ({"rule": "power", "high": 1.0, "low": 0.0}, ParameterError, "mu"),
        ({"mu": 0.3}, ParameterError, "has its own"),
        ({"rule": "multiplicative", "low": 0.0}, ParameterError, "finite"),
        ({"low": 1.0, "high": 0.5}, ParameterError, "low < high"),
        ({"low": -1.0, "dale": "keep"}, ParameterError, "of sizes"),
        ({"dale": [1, 0, 1]}, ParameterError, "no signs"),
        ({"dale": "keeps"}, UnknownNameError, "keep"),
        ({"normalise": "l3"}, UnknownNameError, "l1"),
        ({"per": "neuron"}, UnknownNameError, "post"),
        ({"decay": 1.5}, ParameterError, "0 to 1"),
        ({"regrow": 0.5}, ParameterError, "Give prune"),
        ({"prune": 0.1, "regrow": 1.5, "low": 0.0, "high": 1.0}, ParameterError, "within the bounds"),
        ({"prune": 0.1, "regrow": 0.2, "low": 0.3, "dale": "keep"}, ParameterError, "within the bounds"),
        ({"change": np.zeros((2, 2))}, DataError, "along 'post'"),
        ({"exists": np.zeros((3, 3))}, DataError, "true or false"),
        ({"change": np.array([["a"] * 3] * 3)}, DataError, "numbers"),
    ],
)
def test_what_cannot_be_is_refused(more, error, text):
    with pytest.raises(error, match=text):
        sn.UpdWgt(np.ones((3, 3)), **more)


def test_norms_of_synapses_need_their_ends():
    with pytest.raises(DataError, match="pre"):
        sn.UpdWgt(np.ones(4), normalise="l1")
    with pytest.raises(DataError, match="ConnMat"):
        sn.UpdWgt(graph()[["weight"]], prune=0.1, regrow=0.1)


# -- what steps come to ------------------------------------------------------------------------------


def stationary(rule, points, steps, gain, up, **more):
    """Weights of many synapses after many random steps up (with a chance that depends on w) or down."""
    rng = np.random.default_rng(11)
    w = xr.DataArray(rng.random(points), dims="synapse")
    for _ in range(steps):
        rise = rng.random(points) < up(w.values)
        w = sn.UpdWgt(w, np.where(rise, gain, -gain), rule=rule, low=0.0, high=1.0, **more).weight
    return w.values


def test_multiplicative_steps_of_one_half_make_all_weights_equally_likely():
    """u' = u/2 or (u + 1)/2 shifts in one random binary digit: the stationary density is exactly 1 on [0, 1]."""
    from scipy.stats import kstest

    assert kstest(stationary("multiplicative", 4000, 40, 0.5, lambda w: 0.5), "uniform").pvalue > 0.01


def test_mean_and_spread_of_multiplicative_steps():
    """u' = (1 - a) u + a B: mean p, variance a p (1 - p)/(2 - a)."""
    a, p = 0.1, 0.3
    w = stationary("multiplicative", 20_000, 150, a, lambda w: p)
    assert w.mean() == pytest.approx(p, abs=4 * w.std() / np.sqrt(w.size))
    assert w.var() == pytest.approx(a * p * (1 - p) / (2 - a), rel=0.04)


def test_weights_that_feed_back_split_under_mu_0_and_not_under_mu_1():
    """Guetig et al. 2003: additive steps make two groups of weights, multiplicative ones a single group.

    Additive steps of 0.02 are a chain of births and deaths on 51 places, whose stationary distribution is known.
    """
    up = 0.5 + 0.3 * (np.arange(51) / 50 - 0.5)
    known = np.cumprod(np.concatenate([[1.0], up[:-1] / (1 - up[1:])]))
    known /= known.sum()
    rng = np.random.default_rng(11)
    w = xr.DataArray(rng.integers(0, 51, (2, 2000)) / 50, dims=("mu", "synapse"), coords={"mu": [0.0, 1.0]})
    for _ in range(500):
        rise = rng.random(w.shape) < 0.5 + 0.3 * (w.values - 0.5)
        gain = xr.DataArray(np.where(rise, 0.02, -0.02), dims=w.dims)
        w = sn.UpdWgt(w, gain, rule="power", mu=w.mu, low=0.0, high=1.0).weight
    outer = (w < 0.11) | (w > 0.89)
    expected = known[:6].sum() + known[-6:].sum()
    assert expected > 0.8
    assert outer.sel(mu=0.0).mean() == pytest.approx(expected, abs=4 * np.sqrt(expected * (1 - expected) / 2000))
    assert outer.sel(mu=1.0).mean() < 0.01
