"""Features by eFEL's names: its numbers, what each is on simple traces, alignment, refusals."""

import json
import sys
from pathlib import Path

import numpy as np
import pytest
import xarray as xr

from sneuron.analysis.efeatures import Efeatures, FeatureScore
from sneuron.analysis.features import FEATURES
from sneuron.errors import DataError, ParameterError, TimeError, UnitError, UnknownNameError

sys.path.insert(0, str(Path(__file__).parent))

from made_traces import CURRENTS, START, STOP, traces

ROOT = Path(__file__).parents[2]
EFEL = json.loads((ROOT / "tests" / "reference" / "data" / "efel.json").read_text())
STEP = {"stim_start": START, "stim_end": STOP}

# Sweep 3 holds a peak of three equal samples, which eFEL takes for the minimum behind the peak as well. The parts of
# spikes after it then are of the wrong spikes there, and widths of 0 go into the mean; here that spike has none.
FLAT_PEAK = {"AP_width", "spike_half_width", "AP_peak_downstroke", "APlast_width"}
# Where no spike is at all eFEL gives nothing; a count is 0 here.
COUNTS = {"number_initial_spikes"}


@pytest.fixture(scope="module")
def made():
    return Efeatures(traces(), traces().current, names=list(FEATURES), **STEP)


@pytest.fixture(scope="module")
def cortex():
    with xr.open_dataset(ROOT / "workflows" / "data" / "cortex_B6.nc") as file:
        voltage = file["voltage"].load()
    current = xr.DataArray(EFEL["cortex_current"], dims="sweep", attrs={"units": "pA"})
    return Efeatures(voltage, current, names=list(FEATURES), stim_start=700, stim_end="2.7 s")


def test_every_feature_is_compared():
    assert set(EFEL["made"]) == set(EFEL["cortex"]) == set(FEATURES)


@pytest.mark.parametrize("name", FEATURES)
def test_efel(name, made, cortex):
    expected = np.array(EFEL["made"][name], np.float64)
    if name in COUNTS:
        expected = np.nan_to_num(expected)
    np.testing.assert_allclose(made[name], expected, rtol=1e-5, atol=2e-6)
    kept = [0, 1, 2, 4] if name in FLAT_PEAK else [0, 1, 2, 3, 4]
    found, expected = cortex[name].values[kept], np.array(EFEL["cortex"][name], np.float64)[kept]
    np.testing.assert_allclose(found, expected, rtol=1e-5, atol=2e-6)
    assert made[name].attrs["units"] == FEATURES[name].units


def test_the_flat_peak_is_left_out(cortex):
    whole = [cortex[name].values[3] for name in ("AP_width", "spike_half_width", "APlast_width")]
    for width in whole:
        assert 2.0 < width < 2.5  # as in the sweeps beside it


def test_rows_and_chunks_do_not_matter(made):
    lazy = Efeatures(traces().chunk(sweep=1, time=777), traces().current, names=list(FEATURES), **STEP)
    assert lazy["AP_width"].chunks is not None
    xr.testing.assert_identical(made, lazy.compute(scheduler="synchronous"))


def test_blocks_change_no_bit(made, monkeypatch):
    monkeypatch.setattr("sneuron.analysis.efeatures._BLOCK", 10_001)
    xr.testing.assert_identical(made, Efeatures(traces(), traces().current, names=list(FEATURES), **STEP))


def test_a_run_and_a_point_that_failed():
    run = traces().rename("v").to_dataset().rename(sweep="point")
    run["status"] = ("point", np.array([1, 2, 1, 1], np.uint8))
    found = Efeatures(run, names=["Spikecount", "voltage_base"], **STEP)
    np.testing.assert_array_equal(found.Spikecount, [0, np.nan, 15, 0])
    assert np.isnan(found.voltage_base[1])
    v = run.v.copy(data=np.where(np.arange(4)[:, None] == 1, np.nan, run.v))  # as in the trace of a study
    xr.testing.assert_identical(Efeatures(v, names=["Spikecount", "voltage_base"], **STEP), found)
    score = FeatureScore(v, [1.0], [1.0], names=["Spikecount"], missing=250.0, **STEP)
    np.testing.assert_array_equal(score[:, 0], np.abs(found.Spikecount - 1))


def test_units_are_converted():
    volts = (traces() / 1000).assign_attrs(units="V")
    time = volts.time / 1000
    volts = volts.assign_coords(time=time.assign_attrs(units="s"))
    nano = xr.DataArray(np.array(CURRENTS) / 1000, dims="sweep", attrs={"units": "nA"})
    names = ["AP_amplitude", "ISI_CV", "ohmic_input_resistance"]
    found = Efeatures(volts, nano, names=names, stim_start="0.2 s", stim_end="0.7 s", threshold="-0.02 V")
    for name in names:
        np.testing.assert_allclose(found[name], np.array(EFEL["made"][name], np.float64), rtol=1e-4)
    with pytest.raises(UnitError, match="uA/cm2"):
        Efeatures(traces(), nano.assign_attrs(units="uA/cm2"), names=names, **STEP)


def test_closed_form_of_a_passive_response():
    t = np.arange(0.0, 600.0, 0.05)
    on, off = np.clip(t - 100, 0, 300), np.clip(t - 400, 0, None)
    v = -65 - 12 * (1 - np.exp(-on / 15.0)) * np.exp(-off / 15.0)
    trace = xr.DataArray(v, dims="time", coords={"time": t}, attrs={"units": "mV"})
    names = ["voltage_base", "voltage_deflection", "ohmic_input_resistance", "decay_time_constant_after_stim"]
    names += ["sag_amplitude", "minimum_voltage", "steady_state_voltage_stimend", "Spikecount", "AP_amplitude"]
    found = Efeatures(trace, -60.0, names=names, stim_start=99.95, stim_end=400.0)
    values = [float(found[name]) for name in names]
    np.testing.assert_allclose(values, [-65, -12, 200, 15, 0, -77, -77, 0, np.nan], rtol=1e-4, atol=1e-4)


def test_scores_are_standard_deviations(made):
    names = ["Spikecount", "AP_amplitude", "voltage_base"]
    mean = xr.DataArray([10.0, 80.0, -70.0], dims="feature", coords={"feature": names})
    score = FeatureScore(traces(), mean, [2.0, 4.0, 0.5], names=names, missing=250.0, **STEP)
    assert score.dims == ("sweep", "feature")
    expected = np.abs(xr.concat([made[n].drop_vars("current") for n in names], "feature").T - mean.values) / [2, 4, 0.5]
    np.testing.assert_allclose(score, expected.fillna(250.0), rtol=1e-12)
    assert float(score[0, 1]) == 250.0
    own = xr.DataArray(np.ones((4, 3)), dims=("sweep", "feature"))
    own[2, 0] = np.nan
    found = FeatureScore(traces(), own, np.ones(3), names=names, missing=250.0, **STEP)
    assert np.isnan(found[2, 0])
    assert float(found[3, 1]) == 250.0


def test_bad_input():
    trace, names = traces(), ["Spikecount"]
    with pytest.raises(UnknownNameError, match="AP_amplitude"):
        Efeatures(trace, names=["AP_amplitud"], **STEP)
    with pytest.raises(TimeError, match="stim_end"):
        Efeatures(trace, names=names, stim_start=5.0, stim_end=5.0)
    with pytest.raises(ParameterError, match="once"):
        Efeatures(trace, names=[], **STEP)
    with pytest.raises(ParameterError, match="step"):
        Efeatures(trace, names=names, step=0.0, **STEP)
    with pytest.raises(TimeError, match="too long"):
        Efeatures(trace, names=names, step=500.0, **STEP)
    with pytest.raises(DataError, match="time"):
        Efeatures(trace.values, names=names, **STEP)
    with pytest.raises(DataError, match="record"):
        Efeatures(xr.Dataset({"spike_time": ("spike", [1.0])}), names=names, **STEP)
    with pytest.raises(DataError, match="changes over time"):
        Efeatures(trace, xr.zeros_like(trace), names=names, **STEP)
    with pytest.raises(ParameterError, match="missing"):
        FeatureScore(trace, [1.0], [1.0], names=names, missing="many", **STEP)
    with pytest.raises(DataError, match="above 0"):
        FeatureScore(trace, [1.0], [0.0], names=names, **STEP)
    with pytest.raises(DataError, match="one number for each"):
        FeatureScore(trace, [1.0, 2.0], [1.0, 1.0], names=names, **STEP)
    other = xr.DataArray([1.0], dims="feature", coords={"feature": ["ISI_CV"]})
    with pytest.raises(DataError, match="ISI_CV"):
        FeatureScore(trace, other, [1.0], names=names, **STEP)
