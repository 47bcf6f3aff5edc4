"""Statistics of inter-spike intervals, by hand."""

import numpy as np
import pytest

from sneuron.analysis.intervals import ISIComp
from sneuron.errors import ParameterError, UnknownNameError

TRAIN = [0.0, 10.0, 30.0, 60.0, 100.0]  # intervals 10, 20, 30, 40


def test_by_hand():
    isi = ISIComp(TRAIN, lags=2)
    contrast = np.array([10 / 30, 10 / 50, 10 / 70])
    expected = {
        "isi_count": 4, "isi_mean": 25, "isi_sd": np.sqrt(125), "isi_min": 10, "isi_max": 40, "cv": np.sqrt(125) / 25,
        "cv2": 2 * contrast.mean(), "lv": 3 * (contrast**2).mean(), "adaptation": contrast.mean(),
        "lvr": 3 * np.mean(contrast**2 * (1 + 20 / np.array([30, 50, 70]))),
    }  # fmt: skip
    for name, value in expected.items():
        assert float(isi[name]) == pytest.approx(value, rel=1e-14), name
    away = np.array([-15, -5, 5, 15])
    lagged = [np.mean(away[1:] * away[:-1]) / 125, np.mean(away[2:] * away[:-2]) / 125]
    np.testing.assert_allclose(isi.serial_correlation, lagged, rtol=1e-14)
    assert isi.serial_correlation.dims == ("lag",)
    assert {n: v.attrs["units"] for n, v in isi.items() if v.attrs["units"] != "1"} == dict.fromkeys(
        ("isi_mean", "isi_sd", "isi_min", "isi_max"), "ms"
    )


def test_lvr_without_refractoriness_is_lv():
    isi = ISIComp(TRAIN, refractory=0.0)
    assert isi.lvr == isi.lv


def test_first_intervals_may_be_skipped_for_adaptation():
    assert ISIComp(TRAIN, skip=2).adaptation == pytest.approx(1 / 7)
    assert np.isnan(ISIComp(TRAIN, skip=3).adaptation)


def test_histogram():
    linear = ISIComp([TRAIN, []], bins=4, scale="linear", limits=(0.0, 40.0)).histogram
    np.testing.assert_array_equal(linear, [[0, 1, 1, 2], [0, 0, 0, 0]])
    np.testing.assert_array_equal(linear.isi_low, [0, 10, 20, 30])
    np.testing.assert_array_equal(linear.isi_bin, [5, 15, 25, 35])
    log = ISIComp(TRAIN, bins=4).histogram
    np.testing.assert_allclose(log.isi_high, [10, 100, 1000, 10000])
    assert log.sum() == 4
    assert ISIComp(TRAIN, bins=[15.0, 25.0]).histogram.values == [1]


def test_regular_trains():
    regular = ISIComp(np.arange(1, 200) * 0.1, lags=1)
    assert regular.cv == pytest.approx(0, abs=1e-12)
    assert regular.lv == pytest.approx(0, abs=1e-12)
    assert np.isnan(regular.serial_correlation).all()


@pytest.mark.parametrize(
    ("spikes", "defined"),
    [
        (2, {"isi_count", "isi_mean", "isi_min", "isi_max"}),
        (3, {"isi_count", "isi_mean", "isi_min", "isi_max", "isi_sd", "cv", "cv2", "lv", "lvr", "adaptation"}),
    ],
)
def test_what_few_spikes_define(spikes, defined):
    isi = ISIComp(TRAIN[:spikes], lags=1)
    assert {name for name, value in isi.items() if not np.isnan(value).any()} == defined


def test_alternating_intervals_are_anticorrelated():
    isi = ISIComp(np.cumsum([10.0, 20.0] * 50), lags=2)
    np.testing.assert_allclose(isi.serial_correlation, [-1, 1], atol=0.03)


def test_a_window_cuts_the_train():
    assert ISIComp(TRAIN, t_start=10.0, t_stop=60.0).isi_count == 2


@pytest.mark.parametrize(
    ("options", "error"),
    [
        ({"lags": -1}, ParameterError),
        ({"lags": 1.5}, ParameterError),
        ({"lags": True}, ParameterError),
        ({"bins": 0}, ParameterError),
        ({"bins": [1.0]}, ParameterError),
        ({"bins": [2.0, 1.0]}, ParameterError),
        ({"bins": 3, "scale": "cubic"}, UnknownNameError),
        ({"bins": 3, "limits": (0.0, 5.0)}, ParameterError),
        ({"scale": "log"}, ParameterError),
        ({"refractory": -1.0}, ParameterError),
        ({"bins": [1.0, 2.0], "limits": (1.0, 2.0)}, ParameterError),
        ({"skip": -2}, ParameterError),
    ],
    ids=str,
)
def test_options_that_cannot_be(options, error):
    with pytest.raises(error):
        ISIComp(TRAIN, **options)
    with pytest.raises(error):
        ISIComp.describe(options)
