"""Spike statistics against Elephant 1.2.1, eFEL 5.7.34 and closed forms; the numbers are kept, not the packages."""

import json
from pathlib import Path

import numpy as np
import pytest

from sneuron.analysis.coincidence import Coincidence
from sneuron.analysis.intervals import ISIComp
from sneuron.analysis.rates import FireRate

CASES = json.loads((Path(__file__).parent / "spike_statistics.json").read_text())["cases"]

# elephant 1.2.1: instantaneous_rate(train, 1 ms, Kernel(20 ms), cutoff=12), centred only for the symmetric kernels
TRAIN = [100.0, 130.0, 131.0, 180.0, 250.0, 252.0, 400.0, 777.0, 900.0]
AT = [90.0, 100.0, 130.0, 131.0, 150.0, 185.0, 252.0, 300.0]
ELEPHANT_RATES = {
    "gaussian": [22.74321477988922, 32.430135349521635, 47.22160500247119, 46.86162811359089, 32.153903055541186,
                 20.485905580868536, 39.82533688112857, 1.9962161791904653],
    "rectangular": [14.433756729740644, 43.301270189221924, 43.30127018922194, 43.301270189221924, 43.30127018922193,
                    14.433756729740642, 28.867513459481284, 0.0],
    "exponential": [0.0, 49.999999999999986, 61.15650800742151, 108.17386991637284, 41.83527316249212,
                    46.20991954634307, 96.86311608213342, 8.78722364020592],
    "alpha": [0.0, 0.0, 17.980987515564305, 21.970556579299824, 56.385827239381285, 30.15500437189157,
              11.13760336413326, 15.477863192652507],
}  # fmt: skip

# eFEL 5.7.34, peak times (ms) of the first sweep of the cortical recording in workflows/data, and its adaptation_index2
PEAKS = [741.5, 824.5, 984.5, 1045.5, 1119.0, 1180.3, 1244.8, 1319.5, 1381.3, 1456.3, 1525.2, 1598.8, 1666.3, 1735.5,
         1808.8, 1882.0, 1961.5, 2041.5, 2116.5, 2190.8, 2265.8, 2335.5, 2418.0, 2489.0, 2553.5, 2638.0]  # fmt: skip
EFEL_ADAPTATION_INDEX2 = -0.012435


@pytest.mark.parametrize("case", CASES, ids=lambda case: case["id"])
def test_elephant_statistics_of_a_train(case):
    times, stop, expected = case["spike_times_ms"], case["t_stop_ms"], case["expected"]
    isi = ISIComp(times)
    assert isi.isi_count == expected["n"] - 1
    assert FireRate(times, t_stop=stop) == pytest.approx(expected["mean_rate_Hz"], rel=1e-12)
    for name, key in (("isi_mean", "mean_isi_ms"), ("cv", "cv"), ("cv2", "cv2"), ("lv", "lv"), ("lvr", "lvr_R5ms")):
        assert float(isi[name]) == pytest.approx(expected[key], rel=1e-9), name
    windows = FireRate(times, window=100.0, t_stop=stop)
    np.testing.assert_allclose(windows[:10], expected["psth_rate_100ms_Hz_first10"], rtol=1e-12)
    counts = windows / 10
    assert counts.var() / counts.mean() == pytest.approx(expected["fano_100ms_windows"], rel=1e-9)
    # Elephant first counts the spikes in bins of 1 ms, each standing at its bin's start, and cuts the kernel at 5 sigma
    middle = FireRate(np.floor(times), bandwidth=20.0, times=[stop / 2], t_stop=stop)
    assert middle[0] == pytest.approx(expected["gaussian_rate_sigma20ms_mid_Hz"], rel=2e-6)


@pytest.mark.parametrize("kernel", ELEPHANT_RATES)
def test_elephant_kernel_rates(kernel):
    rate = FireRate(TRAIN, kernel=kernel, bandwidth=20.0, times=AT, t_stop=1000.0)
    np.testing.assert_allclose(rate, ELEPHANT_RATES[kernel], rtol=1e-9, atol=1e-12)


def test_efel_adaptation_index():
    assert float(ISIComp(PEAKS, skip=1).adaptation) == pytest.approx(EFEL_ADAPTATION_INDEX2, abs=5e-7)


@pytest.mark.parametrize(
    ("order", "cv", "cv2", "lv"), [(1, 1, 1.0, 1), (2, 0.70711, 0.75, 0.6), (4, 0.5, 0.5469, 1 / 3)]
)
def test_gamma_processes(order, cv, cv2, lv):
    rng = np.random.default_rng(7)
    isi = ISIComp(np.cumsum(rng.gamma(order, 20.0 / order, 200_000)))
    assert float(isi.cv) == pytest.approx(cv, rel=0.01)
    assert float(isi.cv2) == pytest.approx(cv2, rel=0.01)
    assert float(isi.lv) == pytest.approx(lv, rel=0.01)


DATA = [10.0, 60.0, 110.0, 200.0, 310.0, 400.0]


@pytest.mark.parametrize(
    ("model", "gamma"),
    [(DATA, 1.0), ([t + 3 for t in DATA], 1.0), ([t + 5 for t in DATA], -0.10619), (DATA[::2], 0.63305)],
    ids=["identical", "3 ms late", "5 ms late", "every second"],
)
def test_coincidence_factor(model, gamma):
    # 6 spikes in 0.5 s, Delta 4 ms, the model's rate, one-to-one: worked by hand from Kistler et al. 1997, eq. 3
    assert Coincidence(model, DATA, t_stop=500.0) == pytest.approx(gamma, abs=5e-6)


def test_independent_trains_score_nothing():
    rng = np.random.default_rng(11)
    trains = [np.sort(rng.uniform(0, 100_000, rng.poisson(2000))) for _ in range(80)]
    gamma = Coincidence(trains[::2], trains[1::2], t_stop=100_000.0)
    # one-to-one matching lies slightly below chance
    assert gamma.mean() == pytest.approx(-0.026, abs=0.006)
    nearest = Coincidence(trains[::2], trains[1::2], matching="nearest", t_stop=100_000.0)
    assert abs(nearest.mean()) < 0.02
