"""Laws of kernels: a neuron's bits depend on nothing but itself, and steps, runs and parts are one and the same."""

from functools import cache
from typing import Any

import numpy as np
import pytest
import xarray as xr
from hypothesis import given, settings
from hypothesis import strategies as st

import sneuron as sn
from sneuron.core.session import Session
from sneuron.lang.methods import METHODS
from sneuron.lang.model import load_model

POOL = 230
DTYPES = ["float64", "float32"]
RANGES: dict[str, dict[str, tuple[float, float]]] = {
    "hh": {"I": (-5.0, 60.0), "gNa": (80.0, 160.0), "gK": (20.0, 50.0), "EL": (-60.0, -50.0), "celsius": (4.0, 20.0)},
    "passive": {"I": (-1.0, 12.0), "gL": (0.05, 0.3), "C": (0.5, 2.0)},
    "lif": {"I": (0.0, 2000.0), "t_ref": (0.0, 5.0), "Vth": (-56.0, -50.0), "gL": (10.0, 40.0)},
    "adex": {"I": (0.0, 2000.0), "b": (0.0, 200.0), "a": (-5.0, 20.0), "tau_w": (20.0, 300.0), "t_ref": (0.0, 3.0)},
    "izhikevich": {"I": (-5.0, 30.0), "a": (0.01, 0.1), "b": (0.15, 0.27), "c": (-65.0, -45.0), "d": (0.05, 8.0)},
    "izhikevich_2003": {"I": (-5.0, 30.0), "a": (0.01, 0.1), "b": (0.15, 0.27), "c": (-65.0, -45.0), "d": (0.05, 8.0)},
}
DT = {"hh": 0.025, "passive": 0.1, "lif": 0.1, "adex": 0.05, "izhikevich": 0.05, "izhikevich_2003": 0.5}
STEPS = 601
FEATURES = {"hh": ["v_mean", "v_max", "i_na_min", "m_mean"], "passive": ["v_mean"], "lif": ["v_mean", "i_leak_max"],
            "adex": ["w_mean", "v_min"], "izhikevich": ["u_mean"], "izhikevich_2003": ["u_max"]}  # fmt: skip
RECORD = {"hh": ["v", "g_k"], "lif": ["v", "i_leak"]}
SPLIT = [
    ("hh", "exp_euler"), ("hh", "rush_larsen"), ("hh", "euler"), ("lif", "exact"), ("lif", "exp_euler"),
    ("adex", "euler"), ("adex", "exp_euler"), ("passive", "exact"), ("izhikevich_2003", "izh2003"),
]  # fmt: skip


@cache
def pool(model: str) -> dict[str, np.ndarray]:
    """Parameters of many different neurons."""
    rng = np.random.default_rng(20)
    return {name: rng.uniform(*bounds, POOL) for name, bounds in RANGES[model].items()}


def cells(model: str, chosen: np.ndarray | list[int]) -> xr.Dataset:
    values = {name: xr.DataArray(v[np.asarray(chosen)], dims="point") for name, v in pool(model).items()}
    return sn.InitNeu({"model": model, **values})


def run(state: xr.Dataset, model: str, dtype: str, steps: int = STEPS, **more: Any) -> Any:
    record = RECORD.get(model, ["v"])
    return sn.RunSim(
        state, steps * DT[model], DT[model], record=record, every=7, features=FEATURES[model], dtype=dtype, **more
    )


@cache
def whole(model: str, dtype: str) -> xr.Dataset:
    return run(cells(model, np.arange(POOL)), model, dtype).load()


def assert_same_bits(found: xr.Dataset, expected: xr.Dataset) -> None:
    assert set(found.data_vars) == set(expected.data_vars)
    for name in expected.data_vars:
        one, other = found[name].values, expected[name].values
        if name == "spike_time":  # as wide as the longest train
            width = max(one.shape[-1], other.shape[-1])
            one, other = (
                np.pad(a, [(0, 0)] * (a.ndim - 1) + [(0, width - a.shape[-1])], constant_values=np.nan)
                for a in (one, other)
            )
        np.testing.assert_array_equal(one, other, err_msg=str(name))
        assert one.dtype == other.dtype
    np.testing.assert_array_equal(found.status, expected.status)


@pytest.mark.parametrize("dtype", DTYPES)
@pytest.mark.parametrize("model", RANGES)
@given(data=st.data())
@settings(max_examples=5)
def test_a_neuron_has_the_same_bits_in_any_company(model: str, dtype: str, data: st.DataObject) -> None:
    size = data.draw(st.one_of(st.integers(1, 200), st.sampled_from([1, 31, 32, 33, 63, 64, 65])))
    order = data.draw(st.integers(0, 2**32 - 1))
    chosen = np.random.default_rng(order).permutation(POOL)[:size]
    found = run(cells(model, chosen), model, dtype)
    assert_same_bits(found, whole(model, dtype).isel(point=chosen))


@pytest.mark.parametrize("model", RANGES)
def test_the_pool_tells_something(model: str) -> None:
    counts = whole(model, "float64").spike_count.values
    assert np.nanmax(counts) >= 1
    assert len(np.unique(counts[~np.isnan(counts)])) >= 2


@pytest.mark.parametrize("model", ["lif", "izhikevich"])
def test_neighbours_that_fail_change_nothing(model: str) -> None:
    chosen = np.arange(40)
    state = cells(model, chosen)
    wild = state.assign(I=state["I"].where(np.arange(40) % 3 != 0, -1e9))
    found, good = run(wild, model, "float64"), np.flatnonzero(np.arange(40) % 3 != 0)
    assert (found.status[::3] == int(sn.Status.OUT_OF_RANGE)).all()
    assert_same_bits(found.isel(point=good), whole(model, "float64").isel(point=good))


@pytest.mark.parametrize("dtype", DTYPES)
@given(order=st.integers(0, 2**32 - 1), size=st.integers(1, 90))
@settings(max_examples=4)
def test_neurons_that_play_different_noise_have_the_same_bits_in_any_company(dtype: str, order: int, size: int) -> None:
    chosen = np.random.default_rng(order).permutation(90)[:size]
    found = noisy(dtype, chosen)
    assert_same_bits(found, noisy_whole(dtype).isel(point=chosen))


def noisy(dtype: str, chosen: np.ndarray) -> xr.Dataset:
    seeds = xr.DataArray(chosen % 7, dims="point")
    state = sn.InjCur(cells("hh", chosen), sn.noise(3.0, 5.0, tau=2.0, stop=30.0, seed=seeds))
    state = sn.InjCur(state, sn.noise(0.0, 2.0, tau=1.0, stop=20.0, seed=99))
    return run(state, "hh", dtype, 400)


@cache
def noisy_whole(dtype: str) -> xr.Dataset:
    return noisy(dtype, np.arange(90)).load()


# -- steps, runs, parts ------------------------------------------------------------------------------


def driven(model: str, n: int = 5) -> xr.Dataset:
    """Neurons under a step and held noise, so that time matters."""
    scale = {"hh": 8.0, "passive": 12.0, "lif": 600.0, "adex": 600.0, "izhikevich": 6.0, "izhikevich_2003": 6.0}[model]
    state = cells(model, np.arange(n)).assign(I=0.0).assign_attrs(cells(model, [0]).attrs)
    state["I"].attrs.update(cells(model, [0])["I"].attrs)
    state = sn.InjCur(state, sn.step(xr.DataArray(scale * np.linspace(1, 3, n), dims="point"), start=5 * DT[model]))
    return sn.InjCur(state, sn.noise(0.0, 0.3 * scale, tau=2.0, stop=1000.0, seed=3))


INTERNALS = ["armed", "refractory_steps", "v_before", "spike", "spike_phase"]


def assert_same_state(one: xr.Dataset, other: xr.Dataset) -> None:
    for name in [*load_model(one.attrs["model_name"]).states, *INTERNALS]:
        values = np.broadcast_arrays(*xr.broadcast(one[name], other[name]))
        np.testing.assert_array_equal(*values, err_msg=name)
    assert {k: one.attrs[k] for k in ("origin", "step", "dt")} == {k: other.attrs[k] for k in ("origin", "step", "dt")}


@pytest.mark.parametrize("dtype", DTYPES)
@pytest.mark.parametrize("model", RANGES)
def test_steps_are_a_run(model: str, dtype: str) -> None:
    steps = 60
    state = driven(model)
    ended = sn.RunSim(state, steps * DT[model], DT[model], dtype=dtype, return_state=True)[1]
    together = sn.StepSim(state, DT[model], n=steps, dtype=dtype)
    assert_same_state(together, ended)
    for _ in range(steps):
        state = sn.StepSim(state, DT[model], dtype=dtype)
    assert_same_state(state, ended)


@pytest.mark.parametrize("method", [m for m in METHODS if not (METHODS[m].exact or METHODS[m].propagated)])
def test_steps_are_a_run_under_every_method(method: str) -> None:
    model = "izhikevich" if method.startswith("izh") else "hh"
    state = driven(model)
    run, ended = sn.RunSim(state, 40 * DT[model], DT[model], method, return_state=True)
    assert run.attrs["method"] == method
    for _ in range(40):
        state = sn.StepSim(state, DT[model], method=method)
    assert_same_state(state, ended)


@pytest.mark.parametrize("model", RANGES)
@given(first=st.integers(0, 400), dtype=st.sampled_from(DTYPES))
@settings(max_examples=4)
def test_a_run_in_two_parts_is_one_run(model: str, first: int, dtype: str) -> None:
    dt, state = DT[model], driven(model)
    whole, ended = sn.RunSim(state, 400 * dt, dt, dtype=dtype, return_state=True)
    one, middle = sn.RunSim(state, first * dt, dt, dtype=dtype, return_state=True)
    two, last = sn.RunSim(middle, (400 - first) * dt, dt, dtype=dtype, return_state=True)
    assert_same_state(last, ended)
    np.testing.assert_array_equal(one.spike_count + two.spike_count, whole.spike_count)
    for point in range(5):
        trains = [r.spike_time.values[point] for r in (one, two, whole)]
        left, right, both = (t[~np.isnan(t)] for t in trains)
        np.testing.assert_array_equal(np.concatenate([left, right]), both)


def composed(state: xr.Dataset, dt: float, method: str) -> xr.Dataset:
    """One step, part by part."""
    state = sn.IonDyn(state, dt, method)
    if METHODS[method].voltage_first or METHODS[method].exact:
        state = sn.UpdGate(sn.UpdVolt(state, dt, method), dt, method)
    else:
        state = sn.UpdVolt(sn.UpdGate(state, dt, method), dt, method)
    state = sn.RefracDyn(state, dt, method)
    return sn.RstSpike(sn.DetSpike(state, dt=dt, method=method), dt, method)


@pytest.mark.parametrize(("model", "method"), SPLIT)
def test_parts_are_a_step(model: str, method: str) -> None:
    dt = 2 * DT[model] if model == "adex" else DT[model]
    step = part = driven(model, 6)
    spikes = 0
    for _ in range(110 if model == "passive" else 70):
        step, part = sn.StepSim(step, dt, method=method), composed(part, dt, method)
        assert_same_state(part, step)
        spikes += int(step.spike.sum())
    assert spikes > 0


def test_exact_steps_with_many_spikes_and_broken_refractory_times_are_parts_too() -> None:
    drive = {"I": [5e3, 3e4, 5e5], "t_ref": xr.DataArray([0.0, 0.01, 0.25, 0.31, 2.0], dims="wait")}
    step = part = sn.InitNeu({"model": "lif", **drive})
    counts = 0
    for _ in range(30):
        step, part = sn.StepSim(step, 0.1), composed(part, 0.1, "exact")
        assert_same_state(part, step)
        counts += int(step.spike.sum())
    assert counts > 50


def test_the_order_of_gates_is_the_users_business_only_under_split_methods() -> None:
    with pytest.raises(sn.SneuronError, match="Use StepSim"):
        sn.UpdGate(sn.InitNeu("hh"), 0.025, "rk4")


# -- dims --------------------------------------------------------------------------------------------


@given(shape=st.permutations(["gNa", "I", "sweep"]))
@settings(max_examples=2)
def test_any_dims_in_any_order(shape: list[str]) -> None:
    values = {"gNa": [100.0, 120.0, 140.0], "I": [0.0, 10.0], "sweep": [36.0, 30.0, 40.0, 33.0]}
    arrays = {d: xr.DataArray(values[d], dims=d, coords={d: values[d]}) for d in shape}
    gk = arrays.pop("sweep")
    state = sn.InitNeu({"model": "hh", **arrays, "gK": gk})
    state = state.transpose(*shape, ...)
    run = sn.RunSim(state, 15.0, 0.025, record=["v"], every=100)
    assert set(run.spike_count.dims) == set(shape)
    for a, b, c in [(0, 0, 0), (2, 1, 3), (1, 1, 2)]:
        alone = sn.InitNeu({"model": "hh", "gNa": values["gNa"][a], "I": values["I"][b], "gK": values["sweep"][c]})
        one = sn.RunSim(alone, 15.0, 0.025, record=["v"], every=100)
        at = {"gNa": a, "I": b, "sweep": c}
        np.testing.assert_array_equal(run.v.isel(at), one.v)
        np.testing.assert_array_equal(run.spike_count.isel(at), one.spike_count)


def test_stimulus_dims_and_parameter_dims_broadcast() -> None:
    state = sn.InitNeu({"model": "hh", "gNa": [100.0, 120.0, 140.0]})
    state = sn.InjCur(state, sn.step([5.0, 10.0, 15.0, 20.0], start=1.0))
    run, ended = sn.RunSim(state, 30.0, return_state=True)
    assert dict(run.spike_count.sizes) == {"gNa": 3, "step.amplitude": 4}
    assert set(run.coords) >= {"gNa", "step.amplitude", "status"}
    one = sn.InjCur(sn.InitNeu({"model": "hh", "gNa": 140.0}), sn.step(15.0, start=1.0))
    alone, end = sn.RunSim(one, 30.0, return_state=True)
    at = {"gNa": 2, "step.amplitude": 2}
    assert run.spike_count.isel(at) == alone.spike_count
    assert ended.v.isel(at).item() == end.v.item()


# -- models ------------------------------------------------------------------------------------------


@pytest.mark.parametrize("model", RANGES)
def test_a_model_that_went_through_json_has_the_same_bits(model: str) -> None:
    text = sn.ExportJSON(cells(model, [0]))
    again = sn.load_model(text)
    values = {name: xr.DataArray(v[:20], dims="point") for name, v in pool(model).items()}
    found = run(sn.InitNeu({"model": again, **values}), model, "float64")
    assert_same_bits(found, whole(model, "float64").isel(point=slice(20)))


@pytest.mark.parametrize("model", RANGES)
def test_states_are_not_touched(model: str) -> None:
    state = driven(model)
    kept = state.copy(deep=True)
    run(state, model, "float64", 50)
    sn.StepSim(state, DT[model])
    composed(state, DT[model], load_model(model).method if METHODS[load_model(model).method].split else "exp_euler")
    xr.testing.assert_identical(state, kept)


@given(lanes=st.integers(1, 300))
@settings(max_examples=20)
def test_lanes_hold_every_point_once(lanes: int) -> None:
    groups = np.random.default_rng(lanes).integers(0, 4, lanes)
    session = Session(sn.InitNeu("passive"), "test")
    held = session.kernel.lanes(groups)
    held.put("v", np.arange(lanes, dtype=float))
    np.testing.assert_array_equal(held.get("v"), np.arange(lanes))
    for block, group in enumerate(held.groups):
        assert (groups[held.source[block]] == group).all()
    assert held.blocks <= lanes // held.layout.width + len(np.unique(groups))
