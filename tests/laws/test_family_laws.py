"""Laws for every family of the library, whichever there are: company, steps, parts and precision change nothing."""

from functools import cache

import numpy as np
import pytest
import xarray as xr
from hypothesis import given, settings
from hypothesis import strategies as st

import sneuron as sn
from sneuron.lang.methods import METHODS
from sneuron.lang.model import load_model, neurons

FAMILIES = [*neurons, "izhikevich_2003"]
SPLIT = [name for name in FAMILIES if METHODS[load_model(name).method].split]
STEPS, POOL = 400, 70
TYPES = ["float64", "float32"]


@cache
def cells(name: str) -> xr.Dataset:
    """Neurons of one family: every parameter off its default, within its bounds, under all sorts of currents."""
    model, rng = load_model(name), np.random.default_rng(7)
    values = {n: np.clip(p.value * rng.uniform(0.95, 1.05, POOL), p.low, p.high) for n, p in model.params.items()}
    bent = {n: xr.DataArray(v, dims="point") for n, v in values.items() if n != "I" and not model.params[n].fixed}
    current = xr.DataArray(np.linspace(0.0, 3.0, POOL) * drive(name), dims="point")
    return sn.InitNeu({"model": model, **bent, "I": current})


def drive(name: str) -> float:
    """A current that makes neurons of this kind fire, more or less."""
    return {"pA": 300.0, "uA/cm2": 8.0, "mV/ms": 1.0}[load_model(name).current_unit]


@cache
def whole(name: str, dtype: str = "float64") -> tuple[xr.Dataset, xr.Dataset]:
    run: tuple[xr.Dataset, xr.Dataset] = sn.RunSim(
        cells(name), STEPS * load_model(name).dt, dtype=dtype, return_state=True
    )
    return run


def assert_same(found: xr.Dataset, expected: xr.Dataset) -> None:
    """The same numbers wherever something changes in time."""
    for name in expected.data_vars:
        if expected[name].attrs.get("role") in ("state", "internal"):
            one, other = xr.broadcast(found[name], expected[name])
            np.testing.assert_array_equal(one.values, other.values, err_msg=str(name))


@pytest.mark.parametrize("dtype", TYPES)
@pytest.mark.parametrize("name", FAMILIES)
@given(order=st.integers(0, 2**32 - 1), size=st.integers(1, POOL))
@settings(max_examples=3)
def test_a_neuron_has_the_same_bits_in_any_company(name: str, dtype: str, order: int, size: int) -> None:
    chosen = np.random.default_rng(order).permutation(POOL)[:size]
    few = cells(name).isel(point=chosen)
    run, end = sn.RunSim(few, STEPS * load_model(name).dt, dtype=dtype, return_state=True)
    all_runs, all_ends = whole(name, dtype)
    assert_same(end, all_ends.isel(point=chosen))
    np.testing.assert_array_equal(run.spike_count, all_runs.spike_count.isel(point=chosen))
    np.testing.assert_array_equal(run.status, all_runs.status.isel(point=chosen))


@pytest.mark.parametrize("name", FAMILIES)
def test_steps_are_a_run(name: str) -> None:
    state = sn.StepSim(cells(name), load_model(name).dt, STEPS - 30)
    for _ in range(30):
        state = sn.StepSim(state)
    assert_same(state, whole(name)[1])


@pytest.mark.parametrize("name", SPLIT)
def test_parts_are_a_step(name: str) -> None:
    model = load_model(name)
    method, dt = METHODS[model.method], model.dt
    step = part = sn.StepSim(cells(name), dt, STEPS - 30)
    for _ in range(20):
        step, part = sn.StepSim(step), sn.IonDyn(part)
        if method.voltage_first or method.exact:
            part = sn.UpdGate(sn.UpdVolt(part))
        else:
            part = sn.UpdVolt(sn.UpdGate(part))
        part = sn.RstSpike(sn.DetSpike(sn.RefracDyn(part)))
        assert_same(part, step)
