"""PlastStable: weights whose fate is known."""

import dask
import numpy as np
import pytest
import xarray as xr
from scipy.optimize import linprog

import sneuron as sn
from sneuron.analysis.dip import dip
from sneuron.analysis.stability import Reason, Verdict
from sneuron.errors import DataError, ParameterError, TimeError

T = np.arange(100.0)[:, np.newaxis]


def ou(points, synapses, tau, seed, mean=1.0, std=0.2, snapshots=100):
    """Stationary Ornstein-Uhlenbeck weights, dims (point, snapshot, synapse)."""
    rng = np.random.default_rng(seed)
    keep = np.exp(-1 / tau)
    w = np.empty((points, snapshots, synapses))
    w[:, 0] = rng.normal(size=(points, synapses))
    for t in range(1, snapshots):
        w[:, t] = keep * w[:, t - 1] + np.sqrt(1 - keep**2) * rng.normal(size=(points, synapses))
    return mean + std * w


def labelled(w, **coords):
    dims = ("point", "snapshot", "synapse")[-np.ndim(w) :]
    return xr.DataArray(w, dims=dims, coords=coords)


def share(found, verdict):
    return float((found.verdict == verdict).mean())


@pytest.mark.parametrize("tau", [2.0, 10.0])
@pytest.mark.parametrize("synapses", [10, 100])
def test_stationary_weights_are_stable_and_their_memory_is_found(tau, synapses):
    found = sn.PlastStable(labelled(ou(200, synapses, tau, [synapses, int(tau)])))
    assert share(found, Verdict.STABLE) >= 0.98
    assert found.memory.mean() == pytest.approx(tau, rel=0.12 if synapses == 10 else 0.04)
    assert found.half_life.mean() == pytest.approx(tau * np.log(2), rel=0.12 if synapses == 10 else 0.05)


def test_drift_and_diffusion_are_told_in_units_of_time():
    """Var of a step of an OU process: 2 s^2 (1 - e^(-dt/tau)), so D is close to s^2/tau."""
    times = ("snapshot", np.arange(100) * 0.5, {"units": "s"})
    w = labelled(ou(20, 200, 10.0, 4) + 0.002 * T, snapshot=times).assign_attrs(units="nS")
    found = sn.PlastStable(w)
    assert share(found, Verdict.DRIFTING) == 1.0
    assert found.drift.mean() == pytest.approx(0.002 / 500, rel=0.1)
    assert found.diffusion.mean() == pytest.approx(0.04 * (1 - np.exp(-0.1)) / 500, rel=0.02)
    assert found.memory.mean() == pytest.approx(5000, rel=0.05)
    units = {n: found[n].attrs["units"] for n in ("drift", "diffusion", "memory", "growth", "wasserstein")}
    assert units == {"drift": "nS/ms", "diffusion": "nS2/ms", "memory": "ms", "growth": "1/ms", "wasserstein": "nS"}
    again = sn.PlastStable(w.drop_vars("snapshot"), interval="500 ms")
    np.testing.assert_array_equal(again.drift, found.drift)


MADE = {
    "linear": (lambda w, rng: w + 0.004 * T, Verdict.DRIFTING),
    "exponential": (lambda w, rng: w * np.exp(T / 50), Verdict.RUNAWAY),
    "sine": (lambda w, rng: w + 0.3 * np.sin(T / 3), Verdict.OSCILLATING),
    "sine in any phase": (
        lambda w, rng: w + 0.4 * np.sin(T / 3 + rng.uniform(0, 7, (len(w), 1, w.shape[2]))), Verdict.OSCILLATING,
    ),
    "small sine of all": (lambda w, rng: w + 0.1 * np.sin(T / 3), Verdict.OSCILLATING),
    "random walk": (lambda w, rng: 1 + 0.01 * np.cumsum(rng.normal(size=w.shape), 1), Verdict.DRIFTING),
    "splitting": (lambda w, rng: w + 0.01 * T * np.where(np.arange(w.shape[2]) % 2, 1, -1), Verdict.DRIFTING),
    "zero": (lambda w, rng: 0 * w, Verdict.SILENT),
    "decay": (lambda w, rng: w * np.exp(-T / 2), Verdict.SILENT),
}  # fmt: skip


@pytest.mark.parametrize("name", MADE)
def test_verdicts(name):
    make, verdict = MADE[name]
    rng = np.random.default_rng(9)
    found = sn.PlastStable(labelled(make(ou(40, 40, 5.0, 8), rng)))
    assert share(found, verdict) >= 0.95
    if "sine" in name:
        period = found.period.where(found.verdict == verdict)
        assert period.median() == pytest.approx(6 * np.pi, abs=1.0)
    if name == "exponential":
        assert found.growth.mean() == pytest.approx(0.02, rel=0.05)


@pytest.mark.parametrize(
    ("values", "verdict"),
    [
        (1 + 0 * T, Verdict.STABLE),
        (1 + 0.01 * T, Verdict.DRIFTING),
        (5 - 0.03 * T, Verdict.DRIFTING),
        (np.exp(T / 20), Verdict.RUNAWAY),
        (2 + np.sin(T / 3), Verdict.OSCILLATING),
        (0 * T, Verdict.SILENT),
    ],
)
def test_verdicts_without_noise(values, verdict):
    assert sn.PlastStable(labelled(values + np.zeros(20))).verdict == verdict


def test_rates_decide_too():
    w = labelled(ou(1, 30, 5.0, 3)[0])
    rng = np.random.default_rng(1)
    steady = 5 + rng.normal(size=(100, 12))
    made = {
        Verdict.STABLE: steady,
        Verdict.SILENT: 0 * steady,
        Verdict.RUNAWAY: steady * np.exp(T / 40),
        Verdict.OSCILLATING: steady + 4 * np.sin(T / 3),
        Verdict.DRIFTING: steady + 0.1 * T,
    }
    rates = xr.DataArray(np.stack(list(made.values())), dims=("point", "snapshot", "neuron"))
    found = sn.PlastStable(w, rates)
    assert found.verdict.values.tolist() == list(made)
    assert int(found.reasons[1]) & Reason.RATES_VANISH
    assert found.rate[0] == pytest.approx(5, abs=0.3)
    assert np.isnan(sn.PlastStable(w).rate)
    kilo = sn.PlastStable(w, (rates / 1000).assign_attrs(units="kHz"))
    np.testing.assert_allclose(kilo.rate, found.rate, rtol=1e-12)


def test_weights_at_a_bound_have_run_away():
    w = labelled(np.minimum(ou(1, 50, 5.0, 3)[0] + 0.02 * T, 2.0))
    found = sn.PlastStable(w, low=0.0, high=2.0)
    assert found.verdict == Verdict.RUNAWAY
    assert int(found.reasons) & Reason.WEIGHTS_SATURATE
    assert found.at_high == 1.0
    assert found.at_low == 0.0


@pytest.mark.parametrize("g", [0.5, 1.5])
def test_the_circular_law(g):
    """Independent weights of variance g^2/N have the spectral radius g (Girko 1984), up to about N^(-1/2)."""
    n, rng = 150, np.random.default_rng(2)
    ends = {"pre": ("synapse", np.tile(np.arange(n), n)), "post": ("synapse", np.repeat(np.arange(n), n))}
    w = labelled(np.broadcast_to(g / np.sqrt(n) * rng.normal(size=n * n), (12, n * n)), **ends)
    found = sn.PlastStable(w)
    assert found.radius == pytest.approx(g, rel=0.12)
    assert found.abscissa == pytest.approx(g, rel=0.15)
    assert bool(int(found.reasons) & Reason.MATRIX_UNSTABLE) == (g > 1)


def test_eigenvalues_of_a_graph_are_those_of_its_matrix():
    graph = sn.ConnMat(20, "fixed_indegree", k=5, seed=3, weight={"law": "normal", "mean": 0.2, "std": 0.1})
    dense = sn.ConnMat(
        20, "fixed_indegree", k=5, seed=3, weight={"law": "normal", "mean": 0.2, "std": 0.1}, layout="dense"
    )
    many = graph.assign(weight=graph.weight.expand_dims(snapshot=12))
    values = np.linalg.eigvals(dense.values)
    found = sn.PlastStable(many)
    assert found.radius == pytest.approx(np.abs(values).max(), rel=1e-9)
    assert found.abscissa == pytest.approx(values.real.max(), rel=1e-9)


def test_multiplicative_steps_are_stable_and_additive_ones_with_a_bias_saturate():
    rng = np.random.default_rng(4)
    shown = {"multiplicative": [], "additive": []}
    for rule, kept in shown.items():
        w = xr.DataArray(rng.random(200), dims="synapse")
        for step in range(200):
            gain = np.where(rng.random(200) < 0.6, 0.05, -0.05)
            w = sn.UpdWgt(w, gain, rule=rule, low=0.0, high=1.0).weight
            if step >= 80 and step % 5 == 0:
                kept.append(w.values)
    found = sn.PlastStable(labelled(np.array(list(shown.values()))), low=0.0, high=1.0)
    assert found.verdict[0] == Verdict.STABLE
    assert found.at_high[0] == 0.0
    assert found.at_high[1] > 0.2  # births and deaths: the top place holds 1 - 2/3


def test_points_that_failed_have_no_verdict():
    w = ou(5, 10, 5.0, 1)
    w[1, 3, 2] = np.inf
    w[2] = np.nan
    w[3, :, 4:] = np.nan  # padding: no synapse there
    status = xr.DataArray([1, 1, 1, 1, 2], dims="point")
    found = sn.PlastStable(labelled(w).assign_coords(status=status))
    assert np.isnan(found.verdict.values).tolist() == [False, True, True, False, True]
    for name in found.data_vars:
        assert np.isnan(found[name].values[[1, 2, 4]]).all()
    xr.testing.assert_identical(
        sn.PlastStable(labelled(w[3, :, :4])).drift, found.drift.isel(point=3).drop_vars("status")
    )
    bad = xr.DataArray(np.full((100, 3), np.nan), dims=("snapshot", "neuron"))
    assert np.isnan(sn.PlastStable(labelled(w[0]), bad).verdict)


def test_lazy_stays_lazy_and_chunks_change_no_bit():
    w, rates = labelled(ou(6, 10, 5.0, 1)), xr.DataArray(np.ones((6, 100, 4)), dims=("point", "snapshot", "neuron"))
    whole = sn.PlastStable(w, rates, low=0.0)
    with dask.config.set(scheduler=lambda *a, **k: pytest.fail("something was computed")):
        lazy = sn.PlastStable(w.chunk(point=2, snapshot=30), rates.chunk(point=3), low=0.0)
    xr.testing.assert_identical(whole, lazy.compute(scheduler="synchronous"))


def least(x):
    """The dip by linear programs, one for each place of the mode: the definition itself."""
    u, counts = np.unique(x, return_counts=True)
    above, k, found = np.cumsum(counts) / x.size, u.size, 1.0
    below = above - counts / x.size
    for mode in range(k):
        rows, bounds = [], []

        def add(terms, bound=0.0, rows=rows, bounds=bounds):
            row = np.zeros(2 * k + 1)
            for place, factor in terms:
                row[place] += factor
            rows.append(row)
            bounds.append(bound)

        for j in range(k):  # values before (j) and behind (k + j) each point, and the distance (2 k)
            for place, held in ((j, below[j]), (k + j, above[j])):
                add([(place, 1), (2 * k, -1)], held)
                add([(place, -1), (2 * k, -1)], -held)
            add([(j, 1), (k + j, -1)])
            if j != mode:
                add([(j, -1), (k + j, 1)])
        for j in range(1, k):
            add([(k + j - 1, 1), (j, -1)])
        for j in set(range(1, k - 1)) - {mode}:
            a, b = u[j] - u[j - 1], u[j + 1] - u[j]
            turn = 1.0 if j < mode else -1.0
            terms = [(j, 1 / a), (k + j - 1, -1 / a), (j + 1, -1 / b), (k + j, 1 / b)]
            add([(place, turn * factor) for place, factor in terms])
        cost = np.eye(2 * k + 1)[-1]
        solved = linprog(cost, np.array(rows), bounds, bounds=[(0, 1)] * (2 * k) + [(0, None)])
        found = min(found, solved.fun if solved.success else 1.0)
    return found


@pytest.mark.parametrize("seed", range(12))
def test_the_dip_is_what_its_definition_says(seed):
    rng = np.random.default_rng(seed)
    x = rng.normal(size=rng.integers(5, 11)) + rng.choice([0, 3, 6])
    x = np.concatenate([x, x[:1], rng.normal(4, 0.3, 3)])
    assert dip(x) == pytest.approx(least(x), abs=1e-9)


@pytest.mark.parametrize("x", [[0, 0, 1, 1], [0, 0, 0.4, 0.6, 1, 1, 1], [0, 0, 0, 0.3, 0.5, 0.9]])
def test_the_dip_of_weights_that_stick_to_their_bounds(x):
    values = np.array(x, float)
    assert dip(values) == pytest.approx(max(least(values), 0.5 / values.size), abs=1e-9)


def test_two_groups_are_told_from_one():
    rng = np.random.default_rng(0)
    one = rng.normal(0.5, 0.1, (200, 100))
    two = np.where(rng.random((200, 100)) < 0.5, 0.1, 0.9) + 0.05 * rng.normal(size=(200, 100))
    flat = rng.random((200, 100))
    told = {}
    for name, w in {"one": one, "two": two, "flat": flat}.items():
        found = sn.PlastStable(labelled(np.broadcast_to(w[:, np.newaxis], (200, 12, 100))))
        told[name] = float(((found.reasons.astype(int) & Reason.TWO_GROUPS) > 0).mean())
    assert told["two"] == 1.0
    assert told["one"] <= 0.01
    assert told["flat"] <= 0.04  # 1 % at the level of the test


@pytest.mark.parametrize(
    ("weights", "more", "error", "text"),
    [
        (np.ones((5, 3)), {}, DataError, "5 snapshots tell nothing"),
        (np.ones(30), {}, DataError, "axes"),
        (xr.DataArray(np.ones((20, 3)), dims=("time", "synapse")), {}, DataError, "'snapshot'"),
        (xr.Dataset({"w": 1.0}), {}, DataError, "'weight'"),
        (np.ones((20, 3)), {"alpha": 0.0}, ParameterError, "between 0 and 1"),
        (np.ones((20, 3)), {"windows": 1}, ParameterError, "2 to 64"),
        (np.ones((20, 3)), {"low": 2.0, "high": 1.0}, ParameterError, "low < high"),
        (np.ones((20, 3)), {"interval": -1.0}, TimeError, "above 0"),
        (labelled(np.ones((20, 3)), snapshot=("snapshot", T[:20, 0] ** 2, {"units": "s"})), {}, TimeError, "evenly"),
        (np.ones((20, 3)), {"rates": np.ones(20)}, DataError, "neuron"),
    ],
)  # fmt: skip
def test_what_cannot_be_is_refused(weights, more, error, text):
    with pytest.raises(error, match=text):
        sn.PlastStable(weights, **more)


def test_bounds_may_have_units():
    w = np.random.default_rng(0).uniform(0.2, 0.8, (20, 8))
    w[:, 0] = 1.0
    w = xr.DataArray(w, dims=("snapshot", "synapse"), attrs={"units": "nS"})
    found = sn.PlastStable(w, low="0 nS", high="1000 pS")
    xr.testing.assert_identical(found, sn.PlastStable(w, low=0.0, high=1.0))
    assert found.at_high == 0.125
    with pytest.raises(ValueError, match="mV"):
        sn.PlastStable(w, high="1 mV")
