"""Statistics of drawn spike trains against closed forms; every seed is fixed, every bound is 4 standard errors."""

import numpy as np
import pytest
import xarray as xr
from scipy import stats

import sneuron as sn

RATE, MANY, LONG = 20.0, 200, 60_000.0


def z(values: xr.DataArray, expected: float) -> float:
    """How many standard errors the mean of independent values lies off."""
    return float(abs(values.mean() - expected) / (values.std(ddof=1) / np.sqrt(values.size)))


def trains(**more: object) -> xr.Dataset:
    return sn.PoisIn(RATE, LONG, neurons=MANY, seed=11, **more)


@pytest.mark.parametrize("order", [0.5, 1.0, 2.0, 4.0])
def test_gamma_processes(order: float) -> None:
    """CV order^-1/2, LV 3/(2 order + 1), Fano factor of long counts 1/order."""
    found = trains(order=order)
    isi = sn.ISIComp(found, lags=1)
    assert z(sn.FireRate(found), RATE) < 4
    assert z(isi.cv, order**-0.5) < 4
    assert z(isi.lv, 3 / (2 * order + 1)) < 4
    assert z(isi.serial_correlation.isel(lag=0), 0.0) < 4
    fano = found.spike_count.var(ddof=1) / found.spike_count.mean()
    assert abs(float(fano) * order - 1) < 4 * np.sqrt(2 / (MANY - 1))


def test_intervals_of_a_poisson_process_are_exponential_and_its_counts_poisson() -> None:
    found = trains()
    gaps = found.spike_time.diff("spike").values
    gaps = gaps[~np.isnan(gaps)]
    assert gaps.size > 200_000
    assert stats.kstest(gaps[::20], "expon", args=(0, 1000 / RATE)).pvalue > 1e-3
    counts = sn.PoisIn(RATE, LONG, neurons=MANY, seed=11, dt=50.0).step_count.values.ravel()
    seen = np.bincount(np.minimum(counts, 6), minlength=7)
    chance = np.append(stats.poisson.pmf(np.arange(6), 1.0), stats.poisson.sf(5, 1.0))
    assert stats.chisquare(seen, chance * counts.size).pvalue > 1e-3
    assert z(sn.ISIComp(found).cv2, 1.0) < 4


@pytest.mark.parametrize(("order", "dead"), [(1.0, 5.0), (1.0, 40.0), (3.0, 20.0)])
def test_a_dead_time_keeps_the_rate_and_lowers_the_spread(order: float, dead: float) -> None:
    """CV (1 - r d) order^-1/2."""
    found = trains(order=order, dead_time=dead)
    isi = sn.ISIComp(found)
    assert float(isi.isi_min.min()) >= dead
    assert z(sn.FireRate(found), RATE) < 4
    assert z(isi.cv, (1 - RATE * dead * 1e-3) / order**0.5) < 4


@pytest.mark.parametrize(("order", "dead"), [(4.0, 0.0), (1.0, 30.0), (4.0, 30.0), (0.5, 10.0)])
def test_a_stationary_process_has_its_rate_from_the_start(order: float, dead: float) -> None:
    """Spikes in each of the first windows; a process that begins with a spike has none in the dead time."""
    asked = {"order": order, "dead_time": dead, "neurons": 40_000, "dt": 5.0, "seed": 5}
    counts = sn.PoisIn(RATE, 100.0, **asked).step_count
    expected = RATE * 5e-3
    for step in (0, 1, 5, 19):
        assert z(counts.isel(time=step), expected) < 4
    begun = sn.PoisIn(RATE, 100.0, stationary=False, **asked).step_count
    quiet = int(dead / 5.0)
    assert (begun.isel(time=slice(0, quiet)) == 0).all()
    first = stats.gamma(order, scale=(50.0 - dead) / order).cdf(5.0)
    assert z((begun.isel(time=quiet) > 0).astype(float), first) < 4


def test_a_changing_rate_is_recovered() -> None:
    time = np.arange(0.0, 1000.1, 5.0)
    rate = xr.DataArray(30 * (1 + 0.8 * np.sin(2 * np.pi * time / 250)), dims="time", coords={"time": time})
    many = 20_000
    counts = sn.PoisIn(rate, neurons=many, dt=20.0, seed=3).step_count
    edges = counts.time.values
    expected = np.array([np.trapezoid(rate.sel(time=slice(a, a + 20)), dx=5.0) for a in edges]) * 1e-3
    seen = counts.sum("neuron").values
    assert (np.abs(seen - expected * many) / np.sqrt(expected * many) < 4).all()
    assert stats.chi2.sf((((seen - expected * many) ** 2) / (expected * many)).sum(), edges.size) > 1e-3
    fano = counts.var("neuron", ddof=1) / counts.mean("neuron")
    assert (abs(fano - 1) < 4.5 * np.sqrt((2 + 1 / expected) / many)).all()


def test_a_changing_gamma_process_is_regular_in_operational_time() -> None:
    """Order 4 under a rate that rises: rescaled by its integral, intervals have mean 1 and CV 1/2."""
    time = np.array([0.0, 20_000.0])
    rate = xr.DataArray([5.0, 45.0], dims="time", coords={"time": time})
    found = sn.PoisIn(rate, neurons=MANY, order=4.0, seed=9).spike_time
    rescaled = (5.0 * found + 40.0 * found**2 / 40_000.0) * 1e-3
    isi = sn.ISIComp(rescaled.drop_attrs())
    assert z(isi.isi_mean, 1.0) < 4
    assert z(isi.cv, 0.5) < 4


def test_a_rate_of_zero_is_silent_and_a_step_begins_where_it_is() -> None:
    rate = xr.DataArray([0.0, 0.0, 200.0, 200.0], dims="time", coords={"time": [0.0, 50.0, 50.001, 100.0]})
    found = sn.PoisIn(rate, neurons=2000, seed=2)
    assert float(found.spike_time.min()) > 50.0
    assert z(found.spike_count, 200.0 * 0.05) < 4
    assert sn.PoisIn(0.0, 100.0).sizes["spike"] == 0


def pairs(counts: xr.DataArray) -> float:
    """Mean correlation of counts over all pairs of neurons."""
    matrix = np.corrcoef(counts.values)
    return float(matrix[np.triu_indices(len(matrix), 1)].mean())


@pytest.mark.parametrize("share", [0.1, 0.5, 1.0])
def test_copies_of_a_mother_train(share: float) -> None:
    """Rates stay, counts of any two correlate by the probability of a copy, and single trains are Poisson."""
    asked = {"neurons": 8, "correlation": share, "seed": 4}
    counts = sn.PoisIn(RATE, 10 * LONG, dt=100.0, **asked).step_count
    error = 1 / np.sqrt(counts.sizes["time"])
    assert abs(pairs(counts) - share) < 4 * error
    found = sn.PoisIn(RATE, 10 * LONG, **asked)
    expected = RATE * 600.0
    assert (abs(found.spike_count - expected) < 4 * np.sqrt(expected)).all()
    assert (abs(sn.ISIComp(found).cv - 1) < 4 / np.sqrt(expected)).all()
    if share == 1.0:
        assert (found.spike_time == found.spike_time[0]).all()


@pytest.mark.parametrize(
    "amplitudes", [[1, 0, 0, 0], [0.7, 0, 0, 0.3], [0.4, 0.3, 0.2, 0.1], [0, 1, 0, 0], [0, 0, 0, 1]]
)
def test_compound_poisson_processes(amplitudes: list[float]) -> None:
    """Correlation E[k (k - 1)]/((N - 1) E[k]); events have the amplitudes asked for."""
    chance, size = np.array(amplitudes), np.arange(1, 5)
    expected = (chance * size * (size - 1)).sum() / (3 * (chance * size).sum())
    asked = {"amplitudes": amplitudes, "seed": 6}
    counts = sn.PoisIn(RATE, 10 * LONG, dt=100.0, **asked).step_count
    assert abs(pairs(counts) - expected) < 4 / np.sqrt(counts.sizes["time"])
    found = sn.PoisIn(RATE, 10 * LONG, **asked)
    mean = RATE * 600.0
    assert (abs(found.spike_count - mean) < 4 * np.sqrt(mean)).all()
    times = found.spike_time.values
    _, together = np.unique(times[~np.isnan(times)], return_counts=True)
    seen = np.bincount(together, minlength=5)[1:]
    sure = 4 * np.sqrt(chance * (1 - chance) * together.size) + 1e-9
    assert (np.abs(seen - chance * together.size) <= sure).all()


def test_many_inputs_in_one_train() -> None:
    counts = sn.PoisIn(5.0, 1000.0, inputs=800, neurons=200, dt=0.1, seed=8).step_count
    total = counts.sum("time")
    assert z(total, 5.0 * 800) < 4
    assert abs(float(total.var(ddof=1) / total.mean()) - 1) < 4 * np.sqrt(2 / 199)
    assert float(counts.max()) > 1
