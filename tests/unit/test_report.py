"""The best points of a study and the recording that it is scored against."""

import numpy as np
import pytest
import xarray as xr

from sneuron import errors
from sneuron.explore.recorded import open_recording
from sneuron.explore.report import best_points, ranked_table, score_of


@pytest.fixture
def data():
    rng = np.random.default_rng(1)
    values = rng.random((7, 5, 3)).round(2)
    values[2, 3, 1] = np.nan
    params = {"gNa": np.arange(7.0), "gK": np.arange(5.0) * 10, "EK": ("gK", -np.arange(5.0))}
    found = xr.Dataset({"gamma": (("gNa", "gK", "sweep"), values)}, params)
    found["count"] = found.gamma.sum("sweep").round()
    found.gNa.attrs["units"] = "mS/cm2"
    return found


@pytest.mark.parametrize("order", ["largest", "smallest"])
def test_best_points_are_those_of_a_full_sort(data, order):
    mean = data.gamma.values.mean(axis=2)
    flat = np.sort(mean[np.isfinite(mean)])
    expected = flat[::-1][:10] if order == "largest" else flat[:10]
    found = best_points(data, "gamma", ["sweep"], 10, order)
    np.testing.assert_array_equal(found.score.values, expected)
    for number in range(10):
        row = found.isel(rank=number)
        there = data.sel(gNa=row.gNa, gK=row.gK)
        assert there.gamma.values.tolist() == row.gamma.values.tolist()
        assert there.EK.item() == row.EK.item()


@pytest.mark.parametrize("chunks", [{"gNa": 1}, {"gNa": 3, "gK": 2, "sweep": 1}, {"gK": 5}])
def test_laziness_changes_nothing(data, chunks):
    data["gamma"] = data.gamma.round(1)  # many equal scores
    eager, lazy = best_points(data, "gamma", ["sweep"]), best_points(data.chunk(chunks), "gamma", ["sweep"])
    np.testing.assert_array_equal(eager.score, lazy.score)


def test_failed_points_are_never_best(data):
    found = best_points(data, "gamma", ["sweep"], 1000)
    assert found.sizes["rank"] == 34
    assert not ((found.gNa == 2) & (found.gK == 30)).any()
    with pytest.raises(errors.DataError, match="no point has a score"):
        best_points(data * np.nan, "gamma", ["sweep"])


def test_names_are_checked(data):
    with pytest.raises(errors.UnknownNameError, match="Did you mean 'gamma'"):
        score_of(data, "gama")
    with pytest.raises(errors.UnknownNameError, match="Did you mean 'sweep'"):
        score_of(data, "gamma", ["sweeps"])


def test_the_table_holds_parameters_score_and_columns(data):
    found = best_points(data, "gamma", ["sweep"], 2)
    header, first, second = ranked_table(found, ["gNa", "gK"], ["count", "gamma"])
    assert header == ("", "gNa [mS/cm2]", "gK", "mean gamma", "count", "gamma")
    assert first[0] == "1"
    assert float(first[3]) >= float(second[3])
    assert [float(v) for v in first[5].split()] == found.gamma.values[0].tolist()


@pytest.fixture
def file(tmp_path):
    time = ("time", np.arange(0.0, 1.0, 0.1), {"units": "s"})
    volts = (("sweep", "time"), np.linspace(-0.07, 0.02, 20).reshape(2, 10), {"units": "V"})
    amps = (("sweep", "time"), np.ones((2, 10)), {"units": "nA"})
    path = tmp_path / "cell.nc"
    xr.Dataset({"i": amps, "v": volts}, {"time": time}).to_netcdf(path, engine="scipy")
    return path


def test_a_recording_is_cut_and_converted(file):
    found = open_recording(file, "i", "v", "200 ms", "0.5 s")
    np.testing.assert_allclose(found.time, [0, 100, 200, 300])
    np.testing.assert_allclose(found.voltage[0], np.linspace(-70, 20, 20)[2:6])
    np.testing.assert_allclose(found.current, 1000.0)
    assert (found.voltage.units, found.current.units) == ("mV", "pA")


@pytest.mark.parametrize(
    ("change", "said"),
    [
        ({"current": "ii"}, "Did you mean 'i'"),
        ({"start": -100.0}, "is not within"),
        ({"start": 500.0, "stop": 400.0}, "is not within"),
        ({"stop": 5000.0}, "is not within"),
        ({"start": "3 mV"}, "does not convert"),
    ],
)
def test_what_a_recording_cannot_give_is_refused(file, change, said):
    with pytest.raises(errors.SneuronError, match=said):
        open_recording(file, **{"current": "i", "voltage": "v", **change})


@pytest.mark.parametrize("time", [[0.0, 1.0, 3.0], [0.0, 1.0, 1.0], [2.0, 1.0, 0.0], [0.0, np.nan, 2.0]])
def test_uneven_time_is_refused(tmp_path, time):
    path = tmp_path / "cell.nc"
    flat = xr.Dataset({"v": ("time", np.zeros(3)), "i": ("time", np.zeros(3))}, {"time": time})
    flat.to_netcdf(path, engine="scipy")
    with pytest.raises(errors.DataError, match="even steps"):
        open_recording(path, "i", "v")
