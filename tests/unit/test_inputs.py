"""Bad input: refused in the house's form before any work, or accepted with a meaning that is stated here."""

import decimal
import fractions
import math
from collections.abc import Callable

import numpy as np
import pandas as pd
import pytest
import xarray as xr

from sneuron import errors
from sneuron.core import session
from sneuron.core.detect import DetSpike
from sneuron.core.parts import IonDyn, RefracDyn, RstSpike, UpdGate, UpdVolt
from sneuron.core.run import RunSim, StepSim
from sneuron.core.state import InitNeu
from sneuron.core.stimulus import InjCur, noise, replay, step
from sneuron.lang.kernel import Kernel

HH = InitNeu({"model": "hh", "I": [0.0, 10.0]})


def hh(**given: object) -> xr.Dataset:
    return InitNeu({"model": "hh", **given})


@pytest.fixture
def no_work(monkeypatch: pytest.MonkeyPatch) -> None:
    """Any step of any kernel is a failure: what is refused is refused before."""

    def work(*_: object) -> None:
        pytest.fail("work was done before the refusal")

    monkeypatch.setattr(Kernel, "run", work)
    monkeypatch.setattr(Kernel, "view", work)


REFUSED: dict[str, tuple[Callable[[], object], type[errors.SneuronError], str]] = {
    # time
    "1 dt NaN": (lambda: RunSim(HH, 10, math.nan), errors.ParameterError, "'dt': NaN"),
    "2 dt inf": (lambda: RunSim(HH, 10, math.inf), errors.TimeError, "'dt': inf is not a time step"),
    "3 dt 0": (lambda: RunSim(HH, 10, 0), errors.TimeError, "'dt': 0 is not a time step"),
    "3 dt -0.0": (lambda: StepSim(HH, -0.0), errors.TimeError, "'dt': -0.0 is not a time step"),
    "4 dt below 0": (lambda: RunSim(HH, 10, -0.1), errors.TimeError, "a number > 0 in ms"),
    "4 dt below 0 in a part": (lambda: UpdGate(HH, -0.1), errors.TimeError, "UpdGate: 'dt'"),
    "5 dt above the duration": (lambda: RunSim(HH, 0.01, 0.02), errors.TimeError, "longer than the duration 0.01 ms"),
    "6 dt beyond stability": (lambda: RunSim(HH, 10, 0.5), errors.TimeError, "fastest time constant"),
    "7 duration NaN": (lambda: RunSim(HH, math.nan), errors.ParameterError, "'duration': NaN"),
    "7 duration inf": (lambda: RunSim(HH, math.inf), errors.TimeError, "a finite number >= 0"),
    "7 duration below 0": (lambda: RunSim(HH, -1), errors.TimeError, "'duration': -1 is not a duration"),
    "7 no duration": (lambda: RunSim(HH, None), errors.ParameterError, "'duration': None"),
    "7 many durations": (lambda: RunSim(HH, np.array([1.0, 2.0])), errors.ParameterError, "'duration'"),
    "9 too many steps": (lambda: RunSim(HH, 1e12, 0.01), errors.TimeError, r"1e\+14 steps of 0.01 ms"),
    "9 traces too large": (lambda: RunSim(hh(I=np.zeros(9999)), 1e8, record=["v"]), errors.ParameterError, "GiB"),
    "10 dt as text": (lambda: RunSim(HH, 10, "0.1"), errors.ParameterError, "not a number with a unit"),
    "10 dt as text, comma": (lambda: RunSim(HH, 10, "0,1 ms"), errors.ParameterError, "not a number with a unit"),
    "10 a decimal comma": (lambda: hh(gNa="1,5 mS/cm2"), errors.ParameterError, "not a number with a unit"),
    "10 a sum": (lambda: hh(gNa="1 + 5 mS/cm2"), errors.ParameterError, "not a number with a unit"),
    "10 two numbers": (lambda: hh(gNa="1 mS/cm2 5"), errors.ParameterError, "not a number with a unit"),
    "10 dt in mV": (lambda: RunSim(HH, 10, "0.1 mV"), errors.UnitError, "'mV' does not convert to 'ms'"),
    "12 steps 1e300": (lambda: RunSim(HH, 1e300), errors.TimeError, "up to 1e\\+12 steps"),
    "12 whole number of 400 digits": (lambda: RunSim(HH, 10**400), errors.ParameterError, "300 digits"),
    "12 steps 2**70": (lambda: StepSim(HH, n=2**70), errors.ParameterError, "not a number of steps"),
    "12 every 2**70": (lambda: RunSim(HH, 1, every=2**70), errors.ParameterError, "'every'"),
    "12 half a step": (lambda: StepSim(HH, n=0.5), errors.ParameterError, "not a number of steps"),
    # seeds
    "13 seed below 0": (lambda: noise(seed=-1), errors.ParameterError, "0 to 2\\*\\*64 - 1"),
    "13 seed 1.0": (lambda: noise(seed=1.0), errors.ParameterError, "not a whole number"),
    "13 seed true": (lambda: noise(seed=True), errors.ParameterError, "not a whole number"),
    "13 seed among others": (lambda: noise(seed=[1, False]), errors.ParameterError, "not a whole number"),
    "13 no seeds": (lambda: noise(seed=[]), errors.ParameterError, "not a whole number"),
    "13 labelled seeds": (lambda: noise(seed=xr.DataArray([0.5], dims="a")), errors.ParameterError, "whole number"),
    "13 labelled seeds below 0": (lambda: noise(seed=xr.DataArray([-5], dims="a")), errors.ParameterError, "bounds"),
    "14 seed 2**64": (lambda: noise(seed=2**64), errors.ParameterError, "0 to 2\\*\\*64 - 1"),
    # numbers
    "15 C 0": (lambda: hh(C=0.0), errors.ParameterError, "'C'.*0.01 to 1000 uF/cm2"),
    "15 tau_w 0": (lambda: InitNeu({"model": "adex", "tau_w": 0}), errors.ParameterError, "'tau_w'"),
    "15 DT 0 at a point": (lambda: InitNeu({"model": "adex", "DT": [2, 0]}), errors.ParameterError, "at index DT=1"),
    "16 conductance below 0": (lambda: hh(gNa=[120.0, -1.0]), errors.ParameterError, "1 of 2 values.*-1.0 mS/cm2"),
    "17 v NaN": (lambda: hh(v=math.nan), errors.ParameterError, "'v': NaN"),
    "17 v NaN at a point": (lambda: hh(v=[-65.0, math.nan]), errors.ParameterError, "nan mV at index v_start=1"),
    "17 v inf": (lambda: hh(v=math.inf), errors.ParameterError, "'v'"),
    "19 complex": (lambda: hh(gNa=1 + 2j), errors.ParameterError, "a complex number, not a number"),
    "19 complex array": (lambda: hh(gNa=np.array([1j])), errors.ParameterError, "complex128"),
    "19 complex numpy number": (lambda: hh(gNa=np.complex64(1)), errors.ParameterError, "complex"),
    # names
    "33 unknown name": (lambda: hh(g_na=1.0), errors.UnknownNameError, "Did you mean 'gNa'"),
    "34 name by case only": (lambda: hh(GNA=1.0), errors.UnknownNameError, "Did you mean 'gNa'"),
    "35 two names of one": (lambda: hh(gNa=1.0, **{"na.g": 2.0}), errors.ParameterError, "another name both set 'gNa'"),
    "36 unknown model": (lambda: InitNeu("hhh"), errors.UnknownNameError, "Did you mean 'hh'"),
    # units
    "37 mV for a conductance": (lambda: hh(gNa="120 mV"), errors.UnitError, "'mV' does not convert to 'mS/cm2'"),
    "37 nA for a density": (lambda: InjCur(HH, step("1 nA")), errors.UnitError, "does not convert to 'uA/cm2'"),
    "37 a power that nobody can compute": (lambda: hh(gNa="1 mS/cm99999999"), errors.UnitError, "does not convert"),
    "37 no such unit": (lambda: hh(gNa="120 mZ"), errors.UnitError, "'mZ'"),
    "37 labelled": (lambda: hh(gNa=xr.DataArray([1.0], dims="a", attrs={"units": "mV"})), errors.UnitError, "mV"),
    # kinds
    "38 text": (lambda: hh(gNa="many"), errors.ParameterError, "not a number with a unit"),
    "38 texts": (lambda: hh(gNa=np.array(["1", "2"])), errors.ParameterError, "<U1 are not real numbers"),
    "39 true": (lambda: hh(gNa=True), errors.ParameterError, "true or false, not a number"),
    "39 true in a list": (lambda: hh(gNa=[True, 120]), errors.ParameterError, "true or false, not a number"),
    "39 numpy true in a list": (lambda: hh(gNa=[np.True_, 120]), errors.ParameterError, "'gNa'"),
    "39 bool array": (lambda: hh(gNa=np.array([True, False])), errors.ParameterError, "bool are not real"),
    "39 dt true": (lambda: RunSim(HH, 10, True), errors.ParameterError, "true or false, not a number"),
    "39 duration true": (lambda: RunSim(HH, True), errors.ParameterError, "true or false, not a number"),
    "39 steps true": (lambda: StepSim(HH, n=True), errors.ParameterError, "not a number of steps"),
    "39 current true": (lambda: InjCur(HH, True), errors.ParameterError, "true or false, not a number"),
    "39 amplitude true": (lambda: step([True, 2.0]), errors.ParameterError, "true or false, not a number"),
    "40 Decimal": (lambda: hh(gNa=decimal.Decimal("120")), errors.ParameterError, "Decimal"),
    "40 Decimals": (lambda: hh(gNa=[decimal.Decimal(1)]), errors.ParameterError, "object"),
    "40 Fraction": (lambda: hh(gNa=fractions.Fraction(1, 2)), errors.ParameterError, "Fraction"),
    "40 date": (lambda: hh(gNa=np.datetime64("2024-01-01")), errors.ParameterError, "'gNa'"),
    "40 dates": (lambda: hh(gNa=np.array(["2024-01-01"], "M8[D]")), errors.ParameterError, "datetime64"),
    "40 duration as timedelta": (lambda: RunSim(HH, np.timedelta64(5, "ms")), errors.ParameterError, "'duration'"),
    "41 masked": (lambda: hh(gNa=np.ma.array([1.0, 2.0], mask=[0, 1])), errors.ParameterError, "masked"),
    "41 masked number": (lambda: hh(gNa=np.ma.masked), errors.ParameterError, "masked"),
    "41 masked amplitude": (lambda: step(np.ma.array([1.0], mask=[1])), errors.ParameterError, "masked"),
    "41 masked dt": (lambda: RunSim(HH, 1, np.ma.masked), errors.ParameterError, "masked"),
    "41 pandas NA": (lambda: hh(gNa=pd.NA), errors.ParameterError, "'gNa'"),
    "41 pandas series with NA": (
        lambda: hh(gNa=pd.Series([1, None], dtype="Int64")), errors.ParameterError, "not real numbers|cannot be"
    ),
    "41 None": (lambda: hh(gNa=None), errors.ParameterError, "NoneType"),
    "42 objects": (lambda: hh(gNa=np.array([1.0, 2.0], dtype=object)), errors.ParameterError, "object"),
    "42 ragged": (lambda: hh(gNa=[[1.0], [2.0, 3.0]]), errors.ParameterError, "different lengths"),
    "42 table without names": (lambda: hh(gNa=np.ones((2, 2))), errors.ParameterError, "2 dims has no names"),
    # shapes and states
    "21 nothing": (lambda: hh(gNa=[]), errors.ParameterError, "empty along 'gNa'"),
    "31 lengths differ": (
        lambda: hh(gNa=xr.DataArray([1.0, 2.0], dims="point"), gK=xr.DataArray([1.0], dims="point")),
        errors.ParameterError, "2 values in 'gNa' and 1 in 'gK'",
    ),
    "32 a dim called time": (lambda: hh(gNa=xr.DataArray([1.0], dims="time")), errors.ParameterError, "'time'"),
    "32 a dim called v": (lambda: hh(gNa=xr.DataArray([1.0], dims="v")), errors.ParameterError, "'v'"),
    "49 no state": (lambda: RunSim(xr.Dataset(), 1), errors.DataError, "InitNeu"),
    "49 a dict": (lambda: StepSim({"v": -65}), errors.DataError, "InitNeu"),
    "49 parts of no state": (lambda: IonDyn(None), errors.DataError, "IonDyn"),
    "49 no time": (lambda: DetSpike(np.zeros(5)), errors.DataError, "'time'"),
    "49 a recording without time": (lambda: replay(np.zeros(5)), errors.DataError, "'time'"),
}  # fmt: skip


@pytest.mark.usefixtures("no_work")
@pytest.mark.parametrize("case", REFUSED)
def test_refused(case: str) -> None:
    make, kind, says = REFUSED[case]
    with pytest.raises(kind, match=f"(?s){says}") as refused:
        make()
    error = refused.value
    assert isinstance(error, ValueError)
    assert error.where
    assert error.given
    assert error.possible or error.guess or error.mend or len(error.given) > 20
    assert str(error).count("\n") == 0 or "\n" in error.given


# -- accepted, with a stated meaning ----------------------------------------------------------------


def test_8_no_duration_at_all() -> None:
    assert RunSim(HH, 0, record=["v"]).v.shape == (2, 1)


def test_10_text_with_a_unit_is_a_number() -> None:
    assert RunSim(HH, "10 ms", "0.01 ms").attrs["dt"] == 0.01


@pytest.mark.parametrize(
    "dt", [np.float32(0.1), np.float64(0.1), np.array(0.1), np.array([0.1])], ids=["f4", "f8", "array", "array of one"]
)
def test_11_other_numbers_are_widened_as_they_are(dt: object) -> None:
    n = 100
    run = RunSim(InitNeu("passive"), n * float(np.asarray(dt).item()), dt)
    assert run.attrs["dt"] == np.asarray(dt).item()
    assert run.attrs["duration"] == n * np.asarray(dt).item()


def test_11_a_step_in_single_precision_is_not_a_tenth() -> None:
    with pytest.warns(UserWarning, match="no multiple of dt"):
        RunSim(InitNeu("passive"), 100, np.float32(0.1))


def test_13_a_seed_of_0_is_a_seed_and_none_is_drawn() -> None:
    assert not np.array_equal(noise(seed=0).wave, noise(seed=1).wave)
    drawn = noise(seed=None)
    np.testing.assert_array_equal(noise(seed=drawn.attrs["seed"][0]).wave, drawn.wave)


def test_14_the_largest_seed() -> None:
    assert np.isfinite(noise(seed=2**64 - 1).wave).all()


def test_18_a_failing_neuron_fails_alone() -> None:
    run = RunSim(InitNeu({"model": "hh", "gK": [36.0, 5000.0], "I": 10.0}), 50, 0.05, "euler", allow_unstable=True)
    assert run.status.values.tolist()[0] == 1
    assert run.status.values.tolist()[1] in (2, 3)
    assert float(run.first_bad_time[1]) > 0


@pytest.mark.parametrize(
    "value", [120, 120.0, np.int8(120), np.float16(120), np.array(120), "120 mS/cm2", "0.12 S/cm2"]
)
def test_29_a_scalar_is_no_axis(value: object) -> None:
    state = hh(gNa=value)
    assert state.gNa.ndim == 0
    assert float(state.gNa) == pytest.approx(120.0, rel=1e-12)


def test_27_an_unsorted_axis_keeps_its_order() -> None:
    run = RunSim(hh(gNa=[140.0, 100.0, 120.0], I=10.0), 20, record=["v"])
    assert run.gNa.values.tolist() == [140.0, 100.0, 120.0]
    np.testing.assert_array_equal(run.v.sel(gNa=100.0), RunSim(hh(gNa=100.0, I=10.0), 20, record=["v"]).v)


VALUES = np.array([90.0, 110.0, 120.0])
FORMS = {
    "big-endian": VALUES.astype(">f8"),
    "strided": np.repeat(VALUES, 3)[::3],
    "reversed": VALUES[::-1].copy()[::-1],
    "fortran": np.asfortranarray(np.stack([VALUES, VALUES]))[1],
    "int8": VALUES.astype(np.int8),
    "uint8": VALUES.astype(np.uint8),
    "int64": VALUES.astype(">i8"),
    "float16": VALUES.astype(np.float16),
    "list": VALUES.tolist(),
    "tuple": tuple(VALUES.tolist()),
    "range of numbers": [90, 110.0, "120 mS/cm2"],
    "unmasked": np.ma.array(VALUES),
    "pandas": pd.Series(VALUES, index=[5, 6, 7]),
    "dask": xr.DataArray(VALUES, dims="gNa", coords={"gNa": VALUES}).chunk(gNa=2),
}


@pytest.fixture(scope="module")
def reference() -> xr.Dataset:
    return RunSim(hh(gNa=VALUES, I=10.0), 30, record=["v"])


@pytest.mark.parametrize("form", FORMS)
def test_51_52_any_layout_and_width_gives_the_same_bits(form: str, reference: xr.Dataset) -> None:
    run = RunSim(hh(gNa=FORMS[form], I=10.0), 30, record=["v"])
    np.testing.assert_array_equal(run.v, reference.v)
    assert run.gNa.dtype == np.float64


def test_51_read_only_arrays(reference: xr.Dataset) -> None:
    values = VALUES.copy()
    values.setflags(write=False)
    np.testing.assert_array_equal(RunSim(hh(gNa=values, I=10.0), 30, record=["v"]).v, reference.v)


def test_51_states_in_other_layouts(reference: xr.Dataset) -> None:
    state = hh(gNa=VALUES, I=10.0)
    other = state.assign({n: state[n].astype(">f8") for n in ("m", "h", "n", "v")})
    np.testing.assert_array_equal(RunSim(other, 30, record=["v"]).v, reference.v)
    np.testing.assert_array_equal(RunSim(state.chunk(), 30, record=["v"]).v, reference.v)


def test_58_nothing_given_is_changed() -> None:
    values, amplitudes = VALUES.copy(), np.array([5.0, 10.0])
    given = {"model": "hh", "gNa": values}
    state = InjCur(InitNeu(given), step(amplitudes))
    before, was = state.copy(deep=True), dict(given)
    trace = RunSim(state, 5, record=["v"]).v
    kept = trace.copy(deep=True)
    for function in (StepSim, IonDyn, UpdVolt, UpdGate, DetSpike, RstSpike, RefracDyn, InitNeu):
        function(state)
        xr.testing.assert_identical(state, before)
    DetSpike(trace)
    InjCur(state, (trace.isel(gNa=0, drop=True) * 0).assign_attrs(units="uA/cm2"))
    xr.testing.assert_identical(trace, kept)
    np.testing.assert_array_equal(values, VALUES)
    np.testing.assert_array_equal(amplitudes, [5.0, 10.0])
    assert list(given) == list(was)
    assert not np.shares_memory(state.gNa.values, values)
    assert not np.shares_memory(state["step.amplitude"].values, amplitudes)


def test_the_quota_of_steps_is_the_one_that_is_told() -> None:
    assert session.steps_in(1e8, 1e-4, "here") == session.MAX_STEPS
