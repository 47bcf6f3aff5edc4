"""Laws of features and of errors of traces: what an offset of the voltage, or of one trace, does to each."""

import sys
from pathlib import Path

import numpy as np
import pytest
import xarray as xr
from hypothesis import given, settings
from hypothesis import strategies as st

from sneuron.analysis.efeatures import Efeatures
from sneuron.analysis.features import FEATURES
from sneuron.analysis.traces import TraceError

sys.path.insert(0, str(Path(__file__).parents[1] / "unit"))

from made_traces import CURRENTS, START, STOP, traces

LEVELS = {
    "peak_voltage", "AP1_peak", "AP2_peak", "AP_begin_voltage", "AP1_begin_voltage", "AP2_begin_voltage",
    "AHP_depth_abs", "min_voltage_between_spikes", "depolarized_base", "voltage_base", "steady_state_voltage",
    "steady_state_voltage_stimend", "voltage_after_stim", "minimum_voltage", "maximum_voltage",
}  # fmt: skip
"""Features that are voltages; all others are differences, times, numbers or ratios."""

quick = settings(max_examples=15, deadline=None)


def features(trace, current=CURRENTS, **more):
    current = xr.DataArray(current, dims="sweep", attrs={"units": "pA"})
    return Efeatures(trace, current, names=list(FEATURES), stim_start=START, stim_end=STOP, **more)


@pytest.fixture(scope="module")
def before():
    return features(traces())


@quick
@given(offset=st.integers(-60, 60))
def test_an_offset_moves_levels_and_nothing_else(before, offset):
    after = features(traces() + float(offset), threshold=-20.0 + offset)
    for name in FEATURES:
        moved = before[name] + (offset if name in LEVELS else 0)
        np.testing.assert_allclose(after[name], moved, rtol=1e-6, atol=1e-6, err_msg=name)


@quick
@given(factor=st.sampled_from([0.5, 2.0, 4.0]))
def test_a_larger_response_to_a_larger_current_is_the_same_resistance(before, factor):
    rest = traces().isel(sweep=[0, 3])
    after = features(-70 + factor * (rest + 70), [CURRENTS[k] * factor for k in (0, 3)])
    same = ["ohmic_input_resistance", "ohmic_input_resistance_vb_ssse", "sag_ratio1", "sag_ratio2"]
    for name in [*same, "decay_time_constant_after_stim"]:
        np.testing.assert_allclose(after[name], before[name].isel(sweep=[0, 3]), rtol=1e-9, err_msg=name)


value = st.floats(-90, 50)
pairs = st.integers(2, 40).flatmap(lambda n: st.tuples(*[st.lists(value, min_size=n, max_size=n)] * 3))


@quick
@given(pairs)
def test_the_error_is_a_distance_of_traces(three):
    one, two, other = (xr.DataArray(v, dims="time", coords={"time": np.arange(len(v)) * 0.5}) for v in three)
    error = float(TraceError(one, two))
    assert error == float(TraceError(two, one))
    assert float(TraceError(one, one)) == 0
    assert float(TraceError(one, other)) <= error + float(TraceError(two, other)) + 1e-9
    assert float(TraceError(one + 3.0, one)) == pytest.approx(3.0)
    assert float(TraceError(one, two, kind="mse")) == pytest.approx(error**2, abs=1e-12)
