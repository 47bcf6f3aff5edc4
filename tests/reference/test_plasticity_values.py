"""Synapses that change: closed forms, recursions, and values of papers."""

import numpy as np
import pytest
import xarray as xr

import sneuron as sn

# Spike times drawn once; changes by a direct double sum over pairs (numpy).
PRE = [18.517, 45.275, 48.758, 53.931, 60.803, 64.214, 227.319, 234.51, 271.452, 285.801, 383.369, 392.405, 408.473,
       434.948, 493.023, 515.326, 555.596, 652.369, 676.689, 679.182, 805.003, 807.941, 844.231, 870.089, 872.195,
       879.651, 895.448, 897.678, 974.186, 999.176]  # fmt: skip
POST = [1.2, 14.536, 85.826, 149.039, 203.253, 235.516, 236.194, 316.452, 319.785, 324.943, 367.881, 399.425, 436.667,
        448.544, 503.364, 506.385, 507.068, 698.512, 707.496, 798.939, 799.88, 806.215, 844.927, 933.224,
        951.023]  # fmt: skip
PAIR = {"A_plus": 0.01, "A_minus": 0.0105, "tau_plus": 20.0, "tau_minus": 20.0}


def window(dt: np.ndarray) -> np.ndarray:
    """The window of pairs."""
    later = PAIR["A_plus"] * np.exp(-np.abs(dt) / PAIR["tau_plus"])
    sooner = -PAIR["A_minus"] * np.exp(-np.abs(dt) / PAIR["tau_minus"])
    return np.where(dt > 0, later, np.where(dt < 0, sooner, 0.0))


@pytest.mark.parametrize("rule", ["stdp", "stdp_nearest", "stdp_centred", "stdp_restricted"])
def test_the_window_of_a_pair(rule: str) -> None:
    dt = np.array([-50.0, -20.0, -10.0, -1.0, 0.0, 1.0, 10.0, 20.0, 50.0])
    np.testing.assert_allclose(sn.StdpUpd(dt, rule=rule, **PAIR).change, window(dt), rtol=1e-12)


def test_the_fit_of_bi_and_poo() -> None:
    """77.7 % and 27.3 % (Bi & Poo 2001, doi:10.1146/annurev.neuro.24.1.139): 42.846 % and -20.290 % at 10 ms."""
    fit = {"A_plus": 0.777, "tau_plus": 16.8, "A_minus": 0.273, "tau_minus": 33.7}
    found = sn.StdpUpd([10.0, -10.0], **fit).change.values
    np.testing.assert_allclose(found, [0.42846, -0.20290], atol=5e-6)


def test_changes_are_proportions_of_the_largest_weight() -> None:
    small, large = (sn.StdpUpd([5.0, -5.0], w_max=w, **PAIR).change for w in (1.0, 40.0))
    np.testing.assert_allclose(large, 40.0 * small, rtol=1e-12)


def pairs(rule: str) -> float:
    """The change by a sum over those pairs that count (Morrison, Diesmann & Gerstner 2008, Figure 7)."""
    pre, post = np.array(PRE), np.array(POST)
    total = 0.0
    for a in pre:
        before, after = np.flatnonzero(post < a), np.flatnonzero(post > a)
        for j in (*before, *after):
            b = post[j]
            last_pre = pre[pre < b].max(initial=-np.inf)
            if rule == "stdp_nearest":
                counts = (j == before[-1]) if b < a else a == last_pre
            elif rule == "stdp_centred":
                counts = j in (before[-1:], *after[:1]) if b < a else j == after[0]
            elif rule == "stdp_restricted":
                between = ((pre > min(a, b)) & (pre < max(a, b))).any() or (
                    (post > min(a, b)) & (post < max(a, b))
                ).any()
                counts = not between
            else:
                counts = True
            total += float(window(np.array(b - a))) if counts else 0.0
    return total


@pytest.mark.parametrize("rule", ["stdp", "stdp_nearest", "stdp_centred", "stdp_restricted"])
def test_trains_are_sums_over_the_pairs_that_count(rule: str) -> None:
    found = sn.StdpUpd(PRE, POST, rule, **PAIR).change.item()
    assert found == pytest.approx(pairs(rule), rel=1e-9)
    known = {"stdp": 0.001907963394883983, "stdp_nearest": 0.010624583168048402}
    assert found == pytest.approx(known.get(rule, found), rel=1e-9)


def test_sixty_pairs() -> None:
    times = 100.0 + 1000.0 * np.arange(60)
    values = {"A_plus": 0.005, "A_minus": 0.00525, "tau_plus": 16.8, "tau_minus": 33.7}
    found = [sn.StdpUpd(times, times + 10.0, rule, **values).change.item() for rule in ("stdp", "stdp_nearest")]
    np.testing.assert_allclose(found, 0.16542937712394715, rtol=1e-9)


def test_delays_shift_the_times_at_the_synapse() -> None:
    plain = sn.StdpUpd([7.0, -3.0], **PAIR).change
    np.testing.assert_allclose(sn.StdpUpd([10.0, 0.0], axonal=3.0, **PAIR).change, plain, rtol=1e-12)
    np.testing.assert_allclose(sn.StdpUpd([5.0, -5.0], dendritic=2.0, **PAIR).change, plain, rtol=1e-12)


@pytest.mark.parametrize("mu", [0.0, 0.3, 1.0])
def test_the_power_law(mu: float) -> None:
    """Guetig et al. 2003: changes scale with (1 - w)^mu and w^mu."""
    w = xr.DataArray([0.1, 0.4, 0.9], dims="w")
    found = sn.StdpUpd([5.0, -5.0], rule="stdp_power", weight=w, mu=mu, **PAIR).change.transpose("timing", "w")
    near = np.exp(-0.25)
    up = 0.01 * near * (1.0 - w) ** mu
    down = -0.0105 * near * w**mu
    np.testing.assert_allclose(found, [up, down], rtol=1e-10)
    if mu == 1.0:
        soft = sn.StdpUpd([5.0, -5.0], rule="stdp_multiplicative", weight=w, **PAIR).change
        np.testing.assert_allclose(soft.transpose("timing", "w"), found, rtol=1e-10)


TRIPLET = {"A2_plus": 5e-10, "A3_plus": 6.2e-3, "A2_minus": 7e-3, "A3_minus": 2.3e-4}
TAUS = {"tau_plus": 16.8, "tau_x": 101.0, "tau_minus": 33.7, "tau_y": 125.0}


SJOESTROEM = {
    10.0: ([-0.04, 0.14, 0.29, 0.53, 0.56], [0.05, 0.1, 0.14, 0.11, 0.26]),
    -10.0: ([-0.29, -0.41, -0.34, 0.56, 0.75], [0.08, 0.11, 0.1, 0.32, 0.19]),
}
"""Changes and their standard errors (Sjoestroem et al. 2001, as in Table 1 of Pfister & Gerstner 2006)."""


def triplets(pre: np.ndarray, post: np.ndarray) -> float:
    """Pfister & Gerstner 2006, equations 3 and 4, as sums over all spikes before."""

    def trace(spikes: np.ndarray, t: float, tau: str) -> float:
        return float(np.exp(-(t - spikes[spikes < t]) / TAUS[tau]).sum())

    up = sum(
        trace(pre, t, "tau_plus") * (TRIPLET["A2_plus"] + TRIPLET["A3_plus"] * trace(post, t, "tau_y")) for t in post
    )
    down = sum(
        trace(post, t, "tau_minus") * (TRIPLET["A2_minus"] + TRIPLET["A3_minus"] * trace(pre, t, "tau_x")) for t in pre
    )
    return up - down


@pytest.mark.parametrize("shift", [10.0, -10.0])
def test_triplets_by_the_frequency_of_pairs(shift: float) -> None:
    """60 pairs at 0.1 to 50 Hz, as Sjoestroem et al. 2001, doi:10.1016/S0896-6273(01)00542-6."""
    rates = [0.1, 10.0, 20.0, 40.0, 50.0]
    trains = xr.DataArray([1000.0 + 1000.0 / f * np.arange(60) for f in rates], dims=("rate", "spike"))
    found = sn.StdpUpd(trains, trains + shift, "triplet", bounds=False).change.values
    direct = [triplets(t, t + shift) for t in trains.values]
    np.testing.assert_allclose(found, direct, rtol=1e-9, atol=1e-12)
    measured, error = SJOESTROEM[shift]
    assert (np.abs(found - measured) < 2 * np.array(error)).all()


def poisson(rate: float, seed: int) -> xr.DataArray:
    """40 trains of 20 s."""
    times = np.random.default_rng(seed).exponential(1000.0 / rate, (40, 400)).cumsum(1)
    return xr.DataArray(np.where(times < 20_000.0, times, np.nan), dims=("neuron", "spike"))


def test_inhibition_is_in_balance_at_its_rate() -> None:
    """Independent Poisson trains: the mean change per time is eta r 2 tau (r_post - rate) (Vogels et al. 2011)."""
    trains = xr.concat([poisson(r, k) for k, r in enumerate((2.0, 5.0, 12.0))], "rate")
    sent = poisson(10.0, 9)
    drift = sn.StdpUpd(sent, trains, "inhibitory", weight=50.0).change
    mean, error = drift.mean("neuron").values, (drift.std("neuron") / np.sqrt(39)).values
    expected = 0.005 * 200 * 2 * 0.02 * (np.array([2.0, 5.0, 12.0]) - 5.0)
    assert (np.abs(mean - expected) < 4 * error).all()
    assert mean[0] < 0 < mean[2]


# -- release ---------------------------------------------------------------------------------------

DEPRESSING = [0.5, 0.26514673429663105, 0.15483462147355664, 0.10302030158728159, 0.07868277711630017,
              0.06725128291400889, 0.06188183542345438, 0.05935977086709543, 0.058175140672344194,
              0.05761871213256792]  # fmt: skip
FACILITATING = [0.05, 0.09229681521484867, 0.12589815550199382, 0.15190778775776673, 0.17205500345854166,
                0.18794387929031436, 0.200798031431559, 0.21146124500234031, 0.2204886480722716,
                0.22824392649672662, 0.23066619838735417]  # fmt: skip
"""By the recursion of Tsodyks, Pawelzik & Markram 1998, in plain Python; spikes every 50 ms, the last at 1010 ms."""


def test_facilitation_and_depression_of_a_train() -> None:
    times = 10.0 + 50.0 * np.arange(10)
    one = sn.NtRelease(times, U=0.5, tau_rec=800.0, tau_fac=0.0)
    np.testing.assert_allclose(one.release, DEPRESSING, rtol=1e-9)
    assert (one.u == 0.5).all()
    other = sn.NtRelease(np.append(times, 1010.0), U=0.05, tau_rec=100.0, tau_fac=1000.0)
    np.testing.assert_allclose(other.release, FACILITATING, rtol=1e-9)
    np.testing.assert_allclose(other.u * other.x, other.release, rtol=1e-12)


def test_steady_release() -> None:
    """Fixed points of the recursion, as closed forms."""
    rates = xr.DataArray([1.0, 5.0, 10.0, 20.0, 50.0, 100.0], dims="rate")
    trains = (1000.0 / rates * xr.DataArray(np.arange(1500), dims="spike")).transpose("rate", "spike")
    for U, tau_rec, tau_fac in ((0.5, 800.0, 0.0), (0.03, 130.0, 530.0)):
        last = sn.NtRelease(trains, U=U, tau_rec=tau_rec, tau_fac=tau_fac).isel(spike=-1)
        a = np.exp(-1000.0 / rates / tau_fac) if tau_fac else 0.0 * rates
        b = np.exp(-1000.0 / rates / tau_rec)
        u = U / (1.0 - (1.0 - U) * a)
        x = (1.0 - b) / (1.0 - b * (1.0 - u))
        np.testing.assert_allclose(last.u, u, rtol=1e-10)
        np.testing.assert_allclose(last.x, x, rtol=1e-10)
    np.testing.assert_allclose(last.release[[2, 3, 4]], [0.134714, 0.165486, 0.121800], atol=1e-6)


def test_quanta_are_binomial_at_rest() -> None:
    """n = 5, p = 0.4, q = 10: mean 20, variance 120, failures 0.07776."""
    n = 20_000
    found = sn.NtRelease([10.0], "quantal", synapses=n, weight=50.0, U=0.4, sites=5.0, seed=2)
    release = found.release.values.ravel()
    assert release.mean() == pytest.approx(20.0, abs=3 * np.sqrt(120 / n))
    assert release.var() == pytest.approx(120.0, rel=0.05)
    failures = 0.6**5
    assert (found.quanta == 0).mean() == pytest.approx(failures, abs=3 * np.sqrt(failures * (1 - failures) / n))


def test_quanta_have_the_mean_of_the_rule_of_means() -> None:
    times = 20.0 * np.arange(12)
    values = {"U": 0.3, "tau_rec": 200.0, "tau_fac": 100.0}
    mean = sn.NtRelease(times, **values).release
    many = sn.NtRelease(times, "quantal", synapses=6000, sites=4.0, seed=5, **values)
    error = many.release.std("synapse") / np.sqrt(6000)
    assert (np.abs(many.release.mean("synapse") - mean) < 4 * error).all()
    assert ((many.quanta <= 4) & (many.n >= 0) & (many.n <= 4)).all()


def test_random_numbers_depend_on_seed_and_place_alone() -> None:
    times = 15.0 * np.arange(30)
    whole = sn.NtRelease(times, "quantal", synapses=50, U=[0.2, 0.6], seed=[1, 2])
    alone = sn.NtRelease(times, "quantal", synapses=20, U=0.6, seed=2)
    np.testing.assert_array_equal(whole.quanta.sel(U=0.6).isel(repeat=1, synapse=slice(20)).squeeze(), alone.quanta)
    assert not np.array_equal(whole.quanta.isel(repeat=0), whole.quanta.isel(repeat=1))
