"""The picture of a fit."""

import numpy as np
import pytest
import xarray as xr

from sneuron import errors
from sneuron.plot.fitmap import PlotFitMap, reduced


@pytest.fixture
def score():
    values = np.random.default_rng(3).random((4, 5, 3))
    values[0, 0, :] = np.nan
    coords = {"b": np.arange(4.0), "gL": np.arange(5.0), "VT": [-50.0, -49.0, -48.0]}
    found = xr.DataArray(values, coords, ("b", "gL", "VT"), name="gamma", attrs={"long_name": "coincidence factor"})
    found.VT.attrs["units"] = "mV"
    return found


def cell(seed: int, spikes: int) -> xr.Dataset:
    rng = np.random.default_rng(seed)
    times = np.sort(rng.uniform(0, 100, (2, spikes)), axis=1)
    times[1, -1] = np.nan
    time = ("time", np.arange(0, 100, 0.5), {"units": "ms"})
    v = (("sweep", "time"), rng.normal(-60, 1, (2, 200)), {"units": "mV", "long_name": "membrane potential"})
    train = (("sweep", "spike"), times, {"units": "ms", "t_start": 0.0, "t_stop": 100.0})
    return xr.Dataset({"v": v, "spike_time": train}, {"time": time, "sweep": [181, 182]})


def test_reduction_takes_the_best_of_other_dims_or_the_plane_through_the_best(score):
    best = reduced(score, "gL", "b")
    expected = score.values.copy()
    expected[0, 0] = 0.0
    expected = expected.max(axis=2)
    expected[0, 0] = np.nan
    np.testing.assert_array_equal(best.values, expected)
    b, gl, vt = np.unravel_index(np.nanargmax(score.values), score.shape)
    plane = reduced(score, "b", "gL", others="at best")
    np.testing.assert_array_equal(plane.values, score.values[:, :, vt].T)
    assert plane.VT.item() == score.VT.values[vt]
    assert plane.values[gl, b] == np.nanmax(score.values)
    least = reduced(score, "b", "gL", "smallest", "at best")
    assert np.nanmin(least.values) == np.nanmin(score.values)


@pytest.mark.parametrize("sweeps", [[0], [0, 1]])
def test_the_figure_shows_map_spikes_and_traces(score, sweeps):
    figure = PlotFitMap(
        score, "b", "gL", {"b": 1.0, "gL": 2.0, "VT": -49.0}, cell(1, 7), cell(2, 9), sweeps, others="at best"
    )
    at = {ax.get_xlabel(): ax for ax in figure.axes if ax.get_xlabel()}
    (ring,) = at["b"].lines
    assert (ring.get_xdata()[0], ring.get_ydata()[0]) == (1.0, 2.0)
    assert "VT = " in at["b"].get_title()
    traces = [ax for ax in figure.axes if ax.get_title(loc="left").startswith("sweep")]
    assert [ax.get_title(loc="left") for ax in traces] == [f"sweep = {181 + s}" for s in sweeps]
    assert all(len(ax.lines) == 2 for ax in traces)
    drawn = sum(len(c.get_segments()) for ax in figure.axes for c in ax.collections if hasattr(c, "get_segments"))
    assert drawn == 7 + 6 + 9 + 8
    figure.canvas.draw()


def test_what_cannot_be_drawn_is_refused(score):
    with pytest.raises(errors.UnknownNameError, match="Did you mean 'gL'"):
        reduced(score, "g_L", "b")
    with pytest.raises(errors.DataError, match="numbers from 0 to 1"):
        PlotFitMap(score, "b", "gL", {"b": 1.0, "gL": 2.0}, cell(1, 7), cell(2, 9), [2])
