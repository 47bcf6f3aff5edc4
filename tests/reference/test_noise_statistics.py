"""Noise against closed forms: variances, correlations in time, first-passage rates, channels, escape."""

import numpy as np
import pytest
from numba import njit
from scipy import integrate, special, stats

import sneuron as sn
from sneuron.lang.model import load_model
from sneuron.lang.randoms import normals, threefry, uniform
from sneuron.lang.spec import Channel, Mount, Neuron, Param, State, Transition

OWN = "own choice"


@njit
def words(low: int, high: int, stream: int, part: int, first: int, second: int) -> tuple[int, int, int, int]:
    u = np.uint32
    return threefry(u(low), u(high), u(stream), u(part), u(first), u(second))


@njit
def many_normals(n: int, key: int, out: np.ndarray) -> None:
    for k in range(n):
        w = threefry(np.uint32(k), np.uint32(0), np.uint32(7), np.uint32(0), np.uint32(key), np.uint32(5))
        for j in range(4):
            out[8 * k + 2 * j], out[8 * k + 2 * j + 1] = normals(w[j])


@njit
def normals_of(word: int) -> tuple[float, float]:
    return normals(np.uint32(word))


@njit
def uniform_of(word: int) -> float:
    return uniform(np.uint32(word))


def test_words_are_those_of_random123() -> None:
    """Threefry-4x32-13, counter and key 0: first of its known answers (Salmon et al. 2011, Random123 kat_vectors)."""
    assert [hex(w) for w in words(0, 0, 0, 0, 0, 0)] == ["0x531c7e4f", "0x39491ee5", "0x2c855a92", "0x3d6abf9a"]


def test_every_word_of_counter_and_key_counts() -> None:
    base = np.array(words(1, 2, 3, 4, 5, 6), np.uint32)
    for k in range(6):
        arguments = [1, 2, 3, 4, 5, 6]
        arguments[k] ^= 1
        changed = np.array(words(*arguments), np.uint32)
        flipped = sum(int(x).bit_count() for x in base ^ changed)
        assert 35 < flipped < 93


def test_normal_numbers_are_normal() -> None:
    n = 4_000_000
    x = np.empty(n, np.float64)
    many_normals(n // 8, 12345, x)
    z = [x.mean() * np.sqrt(n), (x.var() - 1) * np.sqrt(n / 2), (x**3).mean() * np.sqrt(n / 15)]
    z += [((x**4).mean() - 3) * np.sqrt(n / 96)]
    z += [np.corrcoef(x[:-lag], x[lag:])[0, 1] * np.sqrt(n) for lag in (1, 2, 7, 8)]
    z += [np.corrcoef(x[:-lag] ** 2, x[lag:] ** 2)[0, 1] * np.sqrt(n) for lag in (1, 2, 7, 8)]
    assert np.abs(z).max() < 4
    edges = np.linspace(-4.5, 4.5, 181)
    expected = n * np.diff(stats.norm.cdf(edges))
    chi2 = ((np.histogram(x, edges)[0] - expected) ** 2 / expected).sum()
    assert stats.chi2.sf(chi2, 180) > 1e-4
    tail = int((np.abs(x) > 4.5).sum())
    assert abs(tail - n * 6.795e-6) < 4 * np.sqrt(n * 6.795e-6)


def test_pairs_of_normal_numbers_are_independent() -> None:
    n = 2_000_000
    x = np.empty(n, np.float64)
    many_normals(n // 8, 99, x)
    counts = np.histogram2d(x[::2], x[1::2], bins=[np.linspace(-3, 3, 25)] * 2)[0]
    p = np.diff(stats.norm.cdf(np.linspace(-3, 3, 25)))
    expected = n / 2 * np.outer(p, p)
    assert stats.chi2.sf(((counts - expected) ** 2 / expected).sum(), counts.size) > 1e-4


@pytest.mark.parametrize("word", [0, 1, 2**32 - 1, 2**31, 2**11 - 1, 2**11, 0xDEADBEEF, 12345678])
def test_a_normal_pair_is_box_and_muller(word: int) -> None:
    u = ((word >> 11) + 0.5) / 2**21
    ten = ((word >> 1) & 1023) - 1024 * ((word >> 10) & 1)
    angle = (ten + 0.5) * np.pi / 1024
    r = np.sqrt(-2 * np.log(u))
    expected = np.array([r * np.cos(angle) * (-1) ** (word & 1), r * np.sin(angle)])
    assert np.array(normals_of(word)) == pytest.approx(expected, abs=2e-5 * r)
    assert 0 < uniform_of(word) <= 1


# Ornstein-Uhlenbeck and white noise


@pytest.mark.parametrize(
    ("tau", "dt", "method"),
    [
        (5.0, 0.5, "exp_euler"),
        (2.0, 8.0, "exp_euler"),
        (20.0, 0.1, "exp_euler"),
        (4.0, 2.0, "euler"),
        (2.0, 2.0, "rk4"),
    ],
)
def test_an_ornstein_uhlenbeck_current_is_exact_for_any_step(tau: float, dt: float, method: str) -> None:
    cell = sn.NoiseAdd(sn.InitNeu({"model": "passive"}), "ou", std=1.5, tau=tau, mean=0.0, seed=list(range(256)))
    every = max(1, round(tau / 2 / dt))
    start = int(np.ceil(8 * tau / dt / every))
    run = sn.RunSim(cell, (start + 60) * every * dt, dt, method, record=["ou.eta"], every=every, allow_unstable=True)
    eta = run["ou.eta"].values[:, start:]
    gap = every * dt
    n = eta.size * min(1.0, gap / (2 * tau))
    assert abs(eta.mean()) < 4 * 1.5 / np.sqrt(n)
    assert abs(eta.var() / 1.5**2 - 1) < 4 * np.sqrt(2 / n)
    lagged = (eta[:, 1:] * eta[:, :-1]).mean() / 1.5**2
    assert abs(lagged - np.exp(-gap / tau)) < 4 / np.sqrt(n)
    assert stats.kstest(eta[:, :: max(1, int(4 * tau / gap))].ravel() / 1.5, "norm").pvalue > 1e-4


@pytest.mark.parametrize("dt", [0.1, 5.0])
def test_white_noise_on_a_free_membrane(dt: float) -> None:
    """Std sigma sqrt(tau/2): 3.1623 mV for sigma 1 mV/sqrt(ms) and tau 20 ms, whatever the step."""
    free = {"model": "lif", "C": 200.0, "gL": 10.0, "EL": 0.0, "v": 0.0, "Vr": 0.0, "Vth": 200.0}
    cell = sn.NoiseAdd(sn.InitNeu(free), "white", sigma=1.0, seed=list(range(256)))
    v = sn.RunSim(cell, 1100, dt, record=["v"], every=round(20 / dt)).v.values[:, 8:]
    n = v.size * np.tanh(0.5)
    assert abs(v.var() / 10.0 - 1) < 4 * np.sqrt(2 / n)


def siegert(mu: float, sigma: float) -> float:
    """Rate (Hz) of a leaky neuron: tau 20 ms, refractory 2 ms, reset 10 mV, threshold 20 mV (Siegert 1951)."""
    low, high = (10 - mu) / sigma, (20 - mu) / sigma
    integral = integrate.quad(lambda x: special.erfcx(-x), low, high)[0]
    return 1000 / (2 + 20 * np.sqrt(np.pi) * integral)


@pytest.mark.parametrize(
    ("mu", "sigma", "rate"), [(15, 5, 9.4608), (20, 5, 27.3406), (25, 1, 42.0168), (10, 5, 0.8819)]
)
def test_first_passage_rates(mu: float, sigma: float, rate: float) -> None:
    """Four rates of leaky neurons under white noise: quadrature, and nnmt 1.3.0 to 12 digits; simulated within 3 %."""
    assert siegert(mu, sigma) == pytest.approx(rate, abs=5e-5)
    cell = {"model": "lif", "C": 20.0, "gL": 1.0, "EL": 0.0, "Vth": 20.0, "Vr": 10.0, "t_ref": 2.0, "v": 10.0, "I": mu}
    state = sn.NoiseAdd(sn.InitNeu(cell), "white", sigma=sigma / np.sqrt(20.0), seed=list(range(128)))
    _, settled = sn.RunSim(state, 200, 0.004, spikes=False, return_state=True)
    counts = sn.RunSim(settled, 1500, 0.004, spikes=False).spike_count.values
    found = counts.mean() / 1.5
    error = counts.std() / 1.5 / np.sqrt(counts.size)
    assert abs(found - rate) < 0.03 * rate + 4 * error


# channels and thresholds


def clamped(channel: Channel, v: float) -> Neuron:
    return Neuron(
        "clamped", "C", channels={"x": Mount(channel, params={"g": 0.0})}, voltage=State("mV", str(v)),
        params={"C": Param(1.0, "uF/cm2", 0.1, 10, OWN)}, source=OWN,
    )  # fmt: skip


def test_gates_fluctuate_as_a_finite_number_of_channels() -> None:
    """At a held voltage the variance of a gate is x (1 - x)/N."""
    model = sn.NoiseAdd(clamped(load_model("hh").channels["k"], -40.0), "channel", channel="x", number=400.0)
    state = sn.NoiseAdd(sn.InitNeu({"model": model}), "white", sigma=0.0, seed=list(range(256)))
    run = sn.RunSim(state, 400, 0.1, record=["x.n"], every=200)["x.n"].values[:, 2:]
    x = float(state["x.n"])
    assert abs(run.mean() - x) < 4 * np.sqrt(x * (1 - x) / 400 / run.size)
    assert run.var() == pytest.approx(x * (1 - x) / 400, rel=4 * np.sqrt(2 / run.size) + 0.02)


def test_occupancies_fluctuate_as_a_finite_number_of_channels() -> None:
    """At a held voltage they are multinomial: variance p (1 - p)/N, covariance -p q/N, and their sum is 1."""
    steps = {"a": Transition("C", "O", "0.6", "0.4"), "b": Transition("O", "I", "0.5", "0.5")}
    channel = Channel(
        "three", "g*O*(v - 50)", transitions=steps, params={"g": Param(1.0, "mS/cm2", 0, 1, OWN)}, source=OWN
    )
    model = sn.NoiseAdd(clamped(channel, -40.0), "channel", channel="x", number=1000.0)
    state = sn.NoiseAdd(sn.InitNeu({"model": model}), "white", sigma=0.0, seed=list(range(256)))
    run = sn.RunSim(state, 500, 0.02, record=["x.C", "x.O", "x.I"], every=1000)
    c, o, i = (run[f"x.{s}"].values[:, 1:] for s in "COI")
    np.testing.assert_allclose(c + o + i, 1.0, atol=1e-12)
    p = np.array([float(state[f"x.{s}"]) for s in "COI"])
    spread = 4 * np.sqrt(2 / c.size) + 0.03
    for k, x in enumerate((c, o, i)):
        assert x.var() == pytest.approx(p[k] * (1 - p[k]) / 1000, rel=spread)
    assert np.cov(c.ravel(), o.ravel())[0, 1] == pytest.approx(-p[0] * p[1] / 1000, rel=2 * spread)


def test_escape_at_a_constant_hazard_is_a_poisson_process_with_dead_time() -> None:
    """Rate 1/(t_ref + 1/lambda), CV 1 - t_ref rate."""
    cell = {"model": "lif", "EL": -60.0, "v": -60.0, "Vr": -60.0, "Vth": -55.0, "t_ref": 4.0}
    state = sn.NoiseAdd(sn.InitNeu(cell), "escape", rate=0.5, delta=2.0, seed=list(range(64)))
    hazard = 0.5 * np.exp(-5.0 / 2.0)
    run = sn.RunSim(state, 8000, 0.1)
    isi = np.diff(run.spike_time.values, axis=-1)
    isi = isi[~np.isnan(isi)]
    mean = 4.0 + 0.1 / (1 - np.exp(-hazard * 0.1))
    assert abs(isi.mean() - mean) < 4 * isi.std() / np.sqrt(isi.size)
    assert isi.min() >= 4.0
    assert isi.std() / isi.mean() == pytest.approx(1 - 4.0 / mean, rel=0.03)


def test_a_steep_hazard_is_a_threshold() -> None:
    hard = sn.InitNeu({"model": "lif", "I": 500.0})
    soft = sn.NoiseAdd(hard, "escape", rate=10.0, delta=0.01)
    counts = [float(sn.RunSim(s, 500, 0.01, "exp_euler").spike_count) for s in (hard, soft)]
    assert counts[0] == counts[1] > 20


def test_point_conductances_have_their_published_statistics() -> None:
    """Means 12.1 and 57.3 nS, deviations 3 and 6.6 nS; the membrane rests near the weighted mean of reversals."""
    model = Neuron(
        "passive_cell", "C", "pA", currents={"leak": "gL*(v - EL)"}, voltage=State("mV", "-65"),
        params={"C": Param(346.0, "pF", 1, 1e4, OWN), "gL": Param(15.0, "nS", 0, 1e3, OWN),
                "EL": Param(-80.0, "mV", -100, 0, OWN)}, source=OWN,
    )  # fmt: skip
    state = sn.NoiseAdd(sn.InitNeu({"model": model}), "point_conductance", seed=list(range(256)))
    names = ["point_conductance.ge", "point_conductance.gi"]
    run = sn.RunSim(state, 600, 0.1, record=["v", *names], every=400).isel(time=slice(2, None))
    for name, mean, std in zip(names, (12.1, 57.3), (3.0, 6.6), strict=True):
        x = run[name].values
        assert abs(x.mean() - mean) < 4 * std / np.sqrt(x.size)
        assert x.std() == pytest.approx(std, rel=4 / np.sqrt(2 * x.size))
    weights = np.array([15.0, 12.1, 57.3])
    expected = (weights * [-80.0, 0.0, -75.0]).sum() / weights.sum()
    assert float(run.v.mean()) == pytest.approx(expected, abs=0.5)
