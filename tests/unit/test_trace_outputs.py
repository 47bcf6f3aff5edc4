"""Measures of traces and distances as outputs of studies: the same numbers as by hand, from Python and from a file."""

import numpy as np
import pytest
import xarray as xr

import sneuron as sn
from sneuron.cli import main

GNA = [100.0, 120.0]
NAMES = ["Spikecount", "peak_voltage", "AHP_depth_abs", "inv_first_ISI"]


@pytest.fixture(scope="module")
def target():
    """A made-up recording: two sweeps of current, and the voltage of a cell with other conductances."""
    time = ("time", np.arange(241) * 0.25, {"units": "ms"})
    current = xr.DataArray([[10.0] * 241, [14.0] * 241], dims=("sweep", "time"), attrs={"units": "uA/cm2"})
    current = current.assign_coords(time=time, sweep=[1, 3])
    cell = sn.InjCur(sn.InitNeu({"model": "hh", "gNa": 110.0}), sn.replay(current))
    run = sn.RunSim(cell, 60, record=["v"], every=10)
    return run.assign_coords(time=time).assign(current=current)


@pytest.fixture(scope="module")
def data(target, tmp_path_factory):
    spikes = target.spike_time.rename(spike="spike_ref")
    window = {"stim_start": 5.0, "stim_end": 55.0}
    outputs = {
        "error": {"measure": "TraceError", "target": target.v, "around": (1.0, 3.0)},
        "rossum": {"measure": "VanRossum", "reference": spikes, "tau": 5.0},
        "purpura": {"measure": "VictorPurpura", "reference": spikes},
        "rate": {"measure": "RateError", "reference": spikes},
        "seen": {"measure": "Efeatures", "names": NAMES, **window},
        "score": {"measure": "FeatureScore", "names": NAMES[:2], "mean": [3.0, 40.0], "sd": [1.0, 2.0], **window},
    }
    return sn.ParamSweep(
        {"gNa": GNA}, "hh", duration=60, stimulus=sn.replay(target.current), outputs=outputs, record=["v"], every=10,
        store=tmp_path_factory.mktemp("studies") / "s",
    )  # fmt: skip


def test_a_study_gives_what_the_measures_give(data, target):
    run = data[["v"]].load()
    spikes = target.spike_time.rename(spike="spike_ref")
    assert data.error.dims == ("gNa", "sweep")
    np.testing.assert_array_equal(data.error, sn.TraceError(run.v, target.v, around=(1.0, 3.0)))
    found = sn.Efeatures(run.v, names=NAMES, stim_start=5, stim_end=55)
    for name in NAMES:
        np.testing.assert_array_equal(data[f"seen_{name}"], found[name])
    assert data.score.sizes["feature"] == 2
    assert data.score.feature.values.tolist() == NAMES[:2]
    np.testing.assert_array_equal(data.score[..., 0], np.abs(found.Spikecount - 3))
    cell = sn.InjCur(sn.InitNeu({"model": "hh", "gNa": 120.0}), sn.replay(target.current))
    alone = sn.RunSim(cell, 60)
    for name, measure, options in (
        ("rossum", sn.VanRossum, {"tau": 5.0}), ("purpura", sn.VictorPurpura, {}), ("rate", sn.RateError, {})
    ):  # fmt: skip
        np.testing.assert_array_equal(data[name].sel(gNa=120.0), measure(alone, spikes, **options))
    assert (data.seen_Spikecount > 0).all()


def test_the_same_from_a_file(data, target, tmp_path):
    target[["v", "current"]].rename(v="voltage").to_netcdf(tmp_path / "cell.nc", engine="scipy")
    (tmp_path / "study.toml").write_text(
        """
        schema = 1
        name = "traces"
        duration = "60 ms"
        record = ["v"]
        every = 10
        recording = { file = "cell.nc" }
        model = { kind = "hh" }
        stimulus = { kind = "replay" }
        space.gNa = { values = ["100 mS/cm2", "120 mS/cm2"] }
        run = { store = "study.zarr" }
        [outputs]
        error = { measure = "TraceError", target = "recording", around = ["1 ms", "3 ms"] }
        seen = { measure = "Efeatures", names = ["Spikecount"], stim_start = "5 ms", stim_end = "55 ms" }
        """
    )
    main(["run", str(tmp_path / "study.toml")], standalone_mode=False)
    found = sn.LoadSim(tmp_path / "study.zarr")
    np.testing.assert_allclose(found.error, data.error, rtol=1e-12)
    np.testing.assert_array_equal(found.seen_Spikecount, data.seen_Spikecount)
