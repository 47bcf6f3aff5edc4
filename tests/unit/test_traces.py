"""Errors of voltage traces: by hand, over windows, around spikes, on grids that differ, refused."""

import numpy as np
import pytest
import xarray as xr

from sneuron.analysis.traces import TraceError
from sneuron.errors import DataError, ParameterError, TimeError, UnitError, UnknownNameError


def trace(values, step=1.0, start=0.0, dims=("time",), **coords):
    time = start + np.arange(np.shape(values)[-1]) * step
    return xr.DataArray(values, dims=dims, coords={"time": ("time", time, {"units": "ms"}), **coords})


TARGET = trace([-70.0, -70.0, 30.0, 10.0, -60.0, -70.0, -70.0])


def test_by_hand():
    other = TARGET + np.array([0.0, 1.0, -2.0, 4.0, 0.0, 2.0, 0.0])
    assert float(TraceError(other, TARGET, kind="mse")) == pytest.approx(25 / 7, rel=1e-15)
    assert float(TraceError(other, TARGET)) == pytest.approx(np.sqrt(25 / 7), rel=1e-15)
    assert float(TraceError(other, TARGET, kind="mse", t_start=1.0, t_stop="2 ms")) == 2.5
    assert TraceError(other, TARGET).attrs["units"] == "mV"
    assert TraceError(other, TARGET, kind="mse").attrs["units"] == "mV2"
    assert float(TraceError(TARGET, TARGET)) == 0


def test_spikes_of_the_target_are_left_out_those_of_the_model_are_not():
    # the target crosses -20 mV at 2 ms: what lies from 1 to 4 ms is left out
    other = TARGET + np.array([3.0, 50.0, 50.0, 50.0, 50.0, 0.0, 3.0])
    assert float(TraceError(other, TARGET, kind="mse", around=(1.0, 2.0))) == 6.0
    assert float(TraceError(other, TARGET, kind="mse", around=("1 ms", "0.002 s"), threshold="-0.02 V")) == 6.0
    spiking = TARGET + np.array([0.0, 0.0, 0.0, 0.0, 0.0, 0.0, 100.0])
    assert float(TraceError(spiking, TARGET, kind="mse", around=(1.0, 2.0))) == pytest.approx(1e4 / 3)
    assert np.isnan(TraceError(other, TARGET, around=(50.0, 50.0)))
    assert float(TraceError(other, TARGET, kind="mse", around=(1.0, 2.0), threshold=40.0)) == pytest.approx(10018 / 7)


def test_the_coarser_grid_is_used_and_the_finer_one_read_off():
    line = trace(-70 + 0.1 * np.arange(2001) * 0.05, step=0.05)
    coarse = trace(-70 + 0.1 * np.arange(100) * 0.7 + 1.5, step=0.7)
    assert float(TraceError(line, coarse)) == pytest.approx(1.5, rel=1e-12)
    assert float(TraceError(coarse, line)) == pytest.approx(1.5, rel=1e-12)
    # between samples of the finer one nothing is made up: at the samples of the coarser one the two are equal
    bumpy = trace(np.where(np.arange(41) % 4 == 0, 0.0, 9.0), step=0.25)
    assert float(TraceError(bumpy, trace(np.zeros(11)))) == 0
    # a record that ends earlier is compared as far as it goes
    assert float(TraceError(trace(np.zeros(11)), trace(np.ones(6), start=2.0))) == 1


def test_sweeps_meet_and_chunks_change_no_bit(monkeypatch):
    rng = np.random.default_rng(0)
    v = trace(rng.normal(-50, 20, (6, 3, 301)), dims=("point", "sweep", "time"), sweep=[1, 2, 4], step=0.5)
    target = trace(rng.normal(-50, 20, (3, 101)), dims=("sweep", "time"), sweep=[1, 2, 4], step=1.25)
    whole = TraceError(v, target, around=(1.0, 1.0))
    assert whole.dims == ("point", "sweep")
    np.testing.assert_array_equal(whole[4, 1], TraceError(v[4, 1], target[1], around=(1.0, 1.0)))
    lazy = TraceError(v.chunk(point=2, time=50), target.chunk(sweep=1), around=(1.0, 1.0))
    assert lazy.chunks is not None
    xr.testing.assert_identical(whole, lazy.compute(scheduler="synchronous"))
    monkeypatch.setattr("sneuron.analysis.traces._BLOCK", 250)
    xr.testing.assert_identical(whole, TraceError(v, target, around=(1.0, 1.0)))


def test_runs_and_recordings_units_and_failed_points():
    run = trace(np.zeros((2, 5)) - 70, dims=("point", "time")).to_dataset(name="v")
    run["status"] = ("point", np.array([1, 3], np.uint8))
    volts = trace(np.zeros(5) - 0.068).assign_attrs(units="V").to_dataset(name="voltage")
    np.testing.assert_allclose(TraceError(run, volts), [2.0, np.nan])


def test_bad_input():
    with pytest.raises(UnknownNameError, match="rmse"):
        TraceError(TARGET, TARGET, kind="rms")
    with pytest.raises(ParameterError, match="pair"):
        TraceError(TARGET, TARGET, around=3.0)
    with pytest.raises(ParameterError, match="from 0 ms"):
        TraceError(TARGET, TARGET, around=(-1.0, 2.0))
    with pytest.raises(TimeError, match="not within"):
        TraceError(TARGET, TARGET, t_stop=20.0)
    with pytest.raises(TimeError, match=r"no sample|not within"):
        TraceError(TARGET, trace(np.zeros(5), start=100.0))
    with pytest.raises(DataError, match="without times"):
        TraceError(TARGET.values, TARGET)
    with pytest.raises(DataError, match="timedelta64"):
        TraceError(TARGET, TARGET.assign_coords(time=np.arange(7) * np.timedelta64(1000, "us")))
    with pytest.raises(DataError, match="ascend"):
        TraceError(TARGET[::-1], TARGET)
    with pytest.raises(UnitError, match="pA"):
        TraceError(TARGET.assign_attrs(units="pA"), TARGET)
