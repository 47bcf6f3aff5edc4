"""HebbUpd: rules of rate-based plasticity against what their papers prove, and against plain loops."""

import dask
import numpy as np
import pytest
import xarray as xr

import sneuron as sn
from sneuron.errors import DataError, ModelError, ParameterError, UnknownNameError
from sneuron.lang.rates import rate_rules
from sneuron.lang.spec import Param
from sneuron.lang.spec_rates import RateRule


def inputs(samples, eigenvalues, seed=0):
    """Normal samples of mean 0 whose covariance has these eigenvalues, and its eigenvectors in columns."""
    rng = np.random.default_rng(seed)
    basis = np.linalg.qr(rng.normal(size=(len(eigenvalues), len(eigenvalues))))[0]
    return rng.normal(size=(samples, len(eigenvalues))) * np.sqrt(eigenvalues) @ basis.T, basis


def degrees(a, b):
    return np.degrees(np.arccos(min(1.0, abs(a @ b) / np.linalg.norm(a) / np.linalg.norm(b))))


PLAIN = {
    "hebb": lambda w, x, y, r, m: np.outer(y, x),
    "anti_hebb": lambda w, x, y, r, m: -np.outer(y, x),
    "oja": lambda w, x, y, r, m: np.outer(y, x) - (y**2)[:, None] * w,
    "sanger": lambda w, x, y, r, m: np.outer(y, x) - np.tril(np.outer(y, y)) @ w,
    "bcm": lambda w, x, y, r, m: np.outer(y * (y - m["theta"]), x),
    "covariance": lambda w, x, y, r, m: np.outer(y - m["y_mean"], x - m["x_mean"]),
    "decorrelation": lambda w, x, y, r, m: -np.outer(y, y) * (1 - np.eye(y.size)),
    "hopfield": lambda w, x, y, r, m: np.outer(y, y) * (1 - np.eye(y.size)),
}
LATERAL = ("decorrelation", "hopfield")
MEANS = {"bcm": {"theta": lambda x, y: y**2}, "covariance": {"x_mean": lambda x, y: x, "y_mean": lambda x, y: y}}


def plain(name, x, w, rate, tau):
    """The rule as a loop over samples, in numpy."""
    w, means = w.copy(), dict.fromkeys(MEANS.get(name, {}), 0.0)
    for k, sample in enumerate(x):
        y = np.linalg.solve(np.eye(len(w)) - w, sample) if name in LATERAL else w @ sample
        w = w + rate * PLAIN[name](w, sample, y, None, means)
        part = max(1 / tau, 1 / (k + 1))
        for n, of in MEANS.get(name, {}).items():
            means[n] = means[n] + (of(sample, y) - means[n]) * part
    return w, means


@pytest.mark.parametrize("name", rate_rules)
def test_a_rule_is_what_a_plain_loop_makes_of_it(name):
    x, _ = inputs(200, [2.0, 1.0, 0.5, 0.25], seed=4)
    w = np.random.default_rng(5).normal(size=(4 if name in LATERAL else 3, 4)) * 0.3
    if name in LATERAL:
        np.fill_diagonal(w, 0.0)
    rate = 1e-4 if name == "hopfield" else 0.003  # inside a layer, Hebb's rule is soon singular
    ours = sn.HebbUpd(x, w, rule=name, rate=rate, tau=50.0)
    theirs, means = plain(name, x, w, rate, 50.0)
    np.testing.assert_allclose(ours.weight, theirs, rtol=1e-11, atol=1e-13)
    for n, held in means.items():
        np.testing.assert_allclose(ours[n], held, rtol=1e-11, atol=1e-13)
    assert ours.samples_seen == 200
    assert ours.status == sn.Status.OK


@pytest.mark.parametrize("seed", range(5))
def test_oja_finds_the_first_eigenvector(seed):
    x, basis = inputs(100_000, [3.0, 1.5, 1.0, 0.5], seed)
    w = sn.HebbUpd(x, np.full(4, 0.3), rule="oja", rate=1e-4, passes=2).weight.values
    own = np.linalg.eigh(x.T @ x)[1][:, -1]
    assert degrees(w, own) < 1.0
    assert degrees(w, basis[:, 0]) < 2.0
    assert np.linalg.norm(w) == pytest.approx(1.0, abs=2e-3)


def test_oja_of_the_reference_covariance():
    """C = [[1, 0.5], [0.5, 1]]: w = (1, 1)/sqrt(2), as rates go to 0."""
    x = np.random.default_rng(2).normal(size=(100_000, 2)) @ np.linalg.cholesky([[1.0, 0.5], [0.5, 1.0]]).T
    w = sn.HebbUpd(x, [1.0, 0.0], rule="oja", rate=2e-4).weight.values
    np.testing.assert_allclose(np.abs(w), 0.7071067811865475, atol=0.02)
    exact = sn.HebbUpd(x, [1.0, 0.0], rule="oja", rate=0.1, batch=True, passes=400).weight.values
    own = np.linalg.eigh(x.T @ x)[1][:, -1]
    np.testing.assert_allclose(np.abs(exact), np.abs(own), atol=1e-12)


def test_sanger_finds_principal_components_in_their_order():
    x, _ = inputs(100_000, [4.0, 2.0, 1.0, 0.5, 0.25], 3)
    start = np.random.default_rng(1).normal(size=(3, 5)) * 0.1
    w = sn.HebbUpd(x, start, rule="sanger", rate=2e-4, passes=3).weight.values
    own = np.linalg.eigh(x.T @ x)[1][:, ::-1]
    assert [degrees(w[k], own[:, k]) < 2.0 for k in range(3)] == [True] * 3
    np.testing.assert_allclose(np.linalg.norm(w, axis=1), 1.0, atol=5e-3)
    exact = sn.HebbUpd(x[:2000], start, rule="sanger", rate=0.05, batch=True, passes=3000).weight.values
    own = np.linalg.eigh(x[:2000].T @ x[:2000])[1][:, ::-1]
    assert max(degrees(exact[k], own[:, k]) for k in range(3)) < 1e-5


@pytest.mark.parametrize("patterns", [2, 4])
def test_bcm_selects_one_pattern_with_answer_1_over_p(patterns):
    rng = np.random.default_rng(patterns)
    shown = np.eye(patterns) + 0.3 * rng.random((patterns, patterns))
    starts = xr.DataArray(rng.uniform(0, 0.5, (6, patterns)), dims=("start", "pre"))
    ended = sn.HebbUpd(shown, starts, rule="bcm", rate=0.02, batch=True, passes=20_000)
    answers = np.sort(ended.weight.values @ shown.T, axis=1)
    np.testing.assert_allclose(answers[:, -1], patterns, rtol=1e-9)
    np.testing.assert_allclose(answers[:, :-1], 0.0, atol=1e-9)
    np.testing.assert_allclose(ended.theta, patterns, rtol=1e-9)  # E[y^2] = p (1/p)^2
    online = sn.HebbUpd(shown[rng.integers(0, patterns, 200_000)], starts, rule="bcm", rate=1e-3, tau=500.0)
    answers = np.sort(online.weight.values @ shown.T, axis=1)
    np.testing.assert_allclose(answers[:, -1], patterns, rtol=0.1)
    np.testing.assert_allclose(answers[:, :-1], 0.0, atol=0.25)


def test_covariance_of_a_batch_is_the_covariance():
    rng = np.random.default_rng(6)
    x, y = rng.normal(2.0, 1.0, (500, 3)), rng.normal(-1.0, 2.0, (500, 2))
    learned = sn.HebbUpd(x, post=y, rule="covariance", rate=1.0, batch=True)
    np.testing.assert_allclose(learned.weight, np.cov(y.T, x.T, bias=True)[:2, 2:], rtol=1e-10, atol=1e-12)
    np.testing.assert_allclose(learned.x_mean, x.mean(0), rtol=1e-12)


def test_anti_hebb_takes_away_each_eigenvector_at_its_own_pace():
    x, _ = inputs(400, [2.0, 1.0, 0.5], 8)
    start = np.array([0.4, -0.2, 0.7])
    w = sn.HebbUpd(x, start, rule="anti_hebb", rate=0.05, batch=True, passes=30).weight.values
    values, vectors = np.linalg.eigh(x.T @ x / 400)
    np.testing.assert_allclose(vectors.T @ w, (1 - 0.05 * values) ** 30 * (vectors.T @ start), rtol=1e-9)


def test_a_layer_decorrelates():
    x, _ = inputs(2000, [3.0, 1.0, 0.7, 0.5], 9)
    w = sn.HebbUpd(x, np.zeros((4, 4)), rule="decorrelation", rate=0.02, batch=True, passes=3000).weight.values
    y = np.linalg.solve(np.eye(4) - w, x.T)
    before, after = np.cov(x.T, bias=True), y @ y.T / 2000
    assert np.abs(before - np.diag(np.diag(before))).max() > 0.3
    assert np.abs(after - np.diag(np.diag(after))).max() < 1e-10
    assert (np.diag(w) == 0).all()


def test_hebb_runs_away_and_says_when():
    x, _ = inputs(5000, [2.0, 1.0], 1)
    learned = sn.HebbUpd(x, [1.0, 1.0], rule="hebb", rate=[1e-6, 0.5])
    assert learned.status.values.tolist() == [sn.Status.OK, sn.Status.DIVERGED]
    assert np.isnan(learned.weight.values).tolist() == [[False, False], [True, True]]
    assert learned.first_bad_step[1] > 10
    assert np.isnan(learned.first_bad_step[0])


# -- arrays ------------------------------------------------------------------------------------------


def labelled(points=3):
    x, _ = inputs(120, [2.0, 1.0, 0.5], 4)
    x = xr.DataArray(x, dims=("time", "pre"), coords={"pre": list("abc")})
    rng = np.random.default_rng(0)
    w = xr.DataArray(rng.normal(size=(points, 2, 3)), dims=("point", "post", "pre"), coords={"pre": list("abc")})
    return x, w.assign_attrs(units="nS")


def test_points_have_their_bits_in_any_company_and_any_chunks():
    x, w = labelled()
    more = {"rule": "bcm", "rate": [0.001, 0.002], "tau": 30.0, "traces": 4}
    whole = sn.HebbUpd(x, w, **more)
    assert whole.weight_trace.dims == ("point", "rate", "trace", "post", "pre")
    assert whole.weight.attrs["units"] == "nS"
    assert list(whole.pre.values) == list("abc")
    with dask.config.set(scheduler=lambda *a, **k: pytest.fail("something was computed")):
        lazy = sn.HebbUpd(x.chunk(time=50), w.chunk(point=1, pre=2), **more)
    xr.testing.assert_identical(whole, lazy.compute(scheduler="synchronous"))
    xr.testing.assert_identical(whole.isel(point=[2, 0]), sn.HebbUpd(x, w.isel(point=[2, 0]), **more))
    xr.testing.assert_identical(whole.isel(rate=1), sn.HebbUpd(x, w, **{**more, "rate": whole.rate[1]}))


@pytest.mark.parametrize("rule", ["oja", "bcm"])
def test_two_halves_are_the_whole(rule):
    x, w = labelled()
    more = {"rule": rule, "rate": 0.01, "tau": 30.0}
    first = sn.HebbUpd(x.isel(time=slice(70)), w, **more)
    xr.testing.assert_identical(sn.HebbUpd(x, w, **more), sn.HebbUpd(x.isel(time=slice(70, None)), first, **more))


def test_traces_show_the_way():
    x, w = labelled()
    learned = sn.HebbUpd(x, w, rule="oja", rate=0.01, traces=6)
    assert learned.trace.values.tolist() == [20, 40, 60, 80, 100, 120]
    np.testing.assert_array_equal(learned.weight_trace.isel(trace=-1), learned.weight)
    np.testing.assert_array_equal(
        learned.weight_trace.isel(trace=2), sn.HebbUpd(x.isel(time=slice(60)), w, rule="oja", rate=0.01).weight
    )
    step = learned.weight_trace.diff("trace")
    np.testing.assert_allclose(
        np.sqrt((step**2).sum("pre")) / 20, learned.change.isel(trace=slice(1, None)), rtol=1e-12
    )


def test_there_are_as_many_traces_as_were_asked_for():
    x, w = labelled()
    whole = sn.HebbUpd(x, w, rule="oja", rate=0.01, traces=60)
    learned = sn.HebbUpd(x, w, rule="oja", rate=0.01, traces=50)
    assert learned.trace.values.tolist() == list(range(2, 101, 2))
    for name in ("weight_trace", "change"):
        np.testing.assert_array_equal(learned[name], whole[name].isel(trace=slice(50)))
    np.testing.assert_array_equal(learned.weight, whole.weight)


def test_synapses_that_do_not_exist_never_change():
    x, w = labelled()
    exists = xr.DataArray([[True, False, True], [True, True, False]], dims=("post", "pre"))
    learned = sn.HebbUpd(x, w, rule="hebb", rate=0.01, exists=exists)
    assert (learned.weight.values == w.values)[:, ~exists.values].all()
    assert (learned.weight.values != w.values)[:, exists.values].all()


def test_a_rule_of_ones_own():
    own = RateRule(
        "decaying_hebb", "x*y - loss*w", output="max(a, 0)", params={"loss": Param(0.5, "1", 0.0, 10.0, "own choice")}
    )
    x, _ = inputs(50, [1.0, 1.0], 2)
    learned = sn.HebbUpd(x, [[0.3, 0.1]], rule=own, rate=0.1, loss=[0.5, 2.0])
    for loss in (0.5, 2.0):
        w = np.array([[0.3, 0.1]])
        for sample in x:
            w = w + 0.1 * (np.outer(np.maximum(w @ sample, 0), sample) - loss * w)
        np.testing.assert_allclose(learned.weight.sel(loss=loss), w, rtol=1e-12)
    assert learned.attrs["rate_rule"] == "decaying_hebb"


@pytest.mark.parametrize(
    ("more", "error", "text"),
    [
        ({"rule": "ojas"}, UnknownNameError, "Did you mean 'oja'"),
        ({"rule": RateRule("r", "x*z")}, ModelError, "z"),
        ({"rule": RateRule("r", "x*m", {"m": "x*y"})}, ModelError, "not over both"),
        ({"rule": RateRule("r", "x", {"w": "x"})}, ModelError, "taken"),
        ({"rate": np.nan}, ParameterError, "NaN"),
        ({"tau": 0.5}, ParameterError, "1 to inf"),
        ({"passes": 0}, ParameterError, "from 1 on"),
        ({"traces": 1000}, ParameterError, "0 to 120"),
        ({"loss": 1.0}, UnknownNameError, "loss"),
        ({"weights": None}, DataError, "weights to start from"),
        ({"weights": np.zeros((2, 5))}, DataError, "along 'pre'"),
        ({"rule": "decorrelation"}, DataError, "the same neurons"),
        ({"activity": np.zeros((0, 3))}, DataError, "no samples"),
        ({"activity": xr.DataArray(np.zeros((4, 3)), dims=("trial", "pre"))}, DataError, "along"),
        ({"activity": xr.DataArray(np.zeros((4, 3)), dims=("time", "neuron"))}, DataError, "rename"),
        ({"exists": np.ones((2, 3))}, DataError, "true or false"),
    ],
)
def test_what_cannot_be_is_refused(more, error, text):
    x, w = labelled()
    with pytest.raises(error, match=text):
        sn.HebbUpd(**{"activity": x, "weights": w.isel(point=0), **more})
