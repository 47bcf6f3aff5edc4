"""What the kernels of every neuron and channel of the library promise; a new file is tested by being there.

Channels stand together on shelves, membranes that hold a few of them each: few kernels are compiled, none is left out.
"""

from functools import cache
from typing import Any

import numpy as np
import pytest
import xarray as xr
from hypothesis import given, settings
from hypothesis import strategies as st

import sneuron as sn
from sneuron.lang.methods import METHODS
from sneuron.lang.model import Model, channels, load_model, neurons
from sneuron.lang.spec import Mount, Neuron, Param, State

ROOM, LANES = 8, 64
TYPES = ["float64", "float32"]
CAPACITANCE = {"C": Param(1.0, "uF/cm2", 0.1, 10.0, "own choice", "membrane capacitance")}


def shelves() -> dict[str, Model]:
    """Membranes that together hold every channel."""
    names = sorted(channels)
    assert {channels[n].unit for n in names} <= {"", "uA/cm2"}
    many = -(-len(names) // ROOM)
    return {f"shelf_{k}": load_model(shelf(f"shelf_{k}", names[k::many])) for k in range(many)}


def shelf(name: str, held: list[str]) -> Neuron:
    wide = State("mV", "-65", -1e6, 1e6)
    mounts = {n: Mount(n) for n in held}
    return Neuron(name, "C", channels=mounts, params=CAPACITANCE, voltage=wide, source="own choice")


SHELVES = shelves()
MODELS = {name: load_model(name) for name in [*neurons, "izhikevich_2003"]} | SHELVES
GATED = [name for name, model in MODELS.items() if model.gates]


@cache
def scattered(name: str, seed: int) -> xr.Dataset:
    """One model at many voltages, with gates and occupancies anywhere."""
    model, rng = MODELS[name], np.random.default_rng(seed)
    values: dict[str, Any] = {"v": rng.uniform(-120.0, 60.0, LANES)} if model.gates else {}
    for gate in sorted(model.gates):
        values[gate] = rng.uniform(0.0, 1.0, LANES)
    for scheme in model.schemes:
        values |= dict(zip(scheme.states, rng.dirichlet(np.ones(len(scheme.states)), LANES).T, strict=True))
    return sn.InitNeu({"model": model, **{n: xr.DataArray(v, dims="point") for n, v in values.items()}})


def moved(state: xr.Dataset, duration: float, dt: float, dtype: str = "float64") -> tuple[xr.Dataset, xr.Dataset]:
    found: tuple[xr.Dataset, xr.Dataset] = sn.RunSim(
        state, duration, dt, dtype=dtype, spikes=False, return_state=True, allow_unstable=True
    )
    return found


def test_every_channel_stands_on_a_shelf() -> None:
    assert sorted(key for model in SHELVES.values() for key in model.spec.channels) == sorted(channels)


@pytest.mark.parametrize("dtype", TYPES)
@pytest.mark.parametrize("name", GATED)
@given(seed=st.integers(0, 20), size=st.floats(-4.0, 1.0))
@settings(max_examples=4)
def test_gates_stay_gates_for_any_voltage_and_step(name: str, dtype: str, seed: int, size: float) -> None:
    model, dt = MODELS[name], 10.0**size
    run, after = moved(scattered(name, seed), dt, dt, dtype)
    ok = np.broadcast_to(run.status == sn.Status.OK, LANES)
    assert ok.mean() > 0.3
    loose = 1e-12 if dtype == "float64" else 1e-5
    for gate in model.gates:
        values = np.broadcast_to(after[gate].values, LANES)[ok]
        assert ((values >= -loose) & (values <= 1 + loose)).all(), gate
    for scheme in model.schemes:
        total = sum(np.broadcast_to(after[x].values, LANES)[ok] for x in scheme.states)
        np.testing.assert_allclose(total, 1.0, atol=50 * loose)


@pytest.mark.parametrize("name", MODELS)
def test_single_precision_is_close_to_double(name: str) -> None:
    """After one step from anywhere: 2e-5 of what a state is, or of what it moved."""
    model, state = MODELS[name], scattered(name, 7)
    wide, narrow = (moved(state, model.dt, model.dt, dtype) for dtype in TYPES)
    ok = np.broadcast_to((wide[0].status == sn.Status.OK) & (narrow[0].status == sn.Status.OK), wide[1].v.shape)
    assert ok.mean() > 0.3
    for x in model.states:
        before, one, other = np.broadcast_arrays(state[x].values, wide[1][x].values, narrow[1][x].values)
        size = np.maximum(np.abs(before), np.abs(one - before))
        assert (np.abs(one - other)[ok] <= (2e-5 * size + 1e-6)[ok]).all(), x


@pytest.mark.parametrize("name", SHELVES)
def test_steps_are_a_run_and_company_changes_nothing(name: str) -> None:
    model, state = MODELS[name], scattered(name, 3)
    ended = moved(state, 20 * model.dt, model.dt)[1]
    step = state.assign_attrs(allow_unstable=True)
    for _ in range(20):
        step = sn.StepSim(step, model.dt)
    chosen = np.random.default_rng(5).permutation(LANES)[:13]
    alone = moved(state.isel(point=chosen), 20 * model.dt, model.dt)[1]
    for x in model.states:
        np.testing.assert_array_equal(step[x].values, ended[x].values, err_msg=x)
        np.testing.assert_array_equal(alone[x].values, ended[x].isel(point=chosen).values, err_msg=x)


@pytest.mark.parametrize("name", [name for name in MODELS if not MODELS[name].noisy])
def test_the_declared_order_of_convergence(name: str) -> None:
    """Differences of ends under halved steps; it may be better than declared for a smooth start."""
    model, rng = MODELS[name], np.random.default_rng(11)
    state = sn.InitNeu(model.name if name in neurons else {"model": model})
    v = state.v.values + xr.DataArray(rng.uniform(-2.0, 0.5, 32), dims="point")
    state = sn.InitNeu({"model": model, "v": v})
    dt = model.dt / (16 if name == "izhikevich_2003" else 2)
    ends = [moved(state, 8 * dt, dt / n) for n in (1, 2, 4)]
    assert all((run.status == sn.Status.OK).all() for run, _ in ends)
    change = np.zeros(2)
    for x in model.states:
        a, b, c = (np.broadcast_to(end[x].values, 32) for _, end in ends)
        size = np.abs(c - np.broadcast_to(state[x].values, 32)).max() + 1e-12
        change += [((a - b) ** 2).sum() / size**2, ((b - c) ** 2).sum() / size**2]
    if change.max() < 1e-16:  # exponential methods are exact for linear equations
        assert "exprel" in METHODS[model.method].update
        return
    found = np.log2(change[0] / change[1]) / 2
    assert METHODS[model.method].order - 0.3 < found < METHODS[model.method].order + 1.0


@pytest.mark.parametrize("name", MODELS)
def test_wild_values_give_numbers_or_flags(name: str) -> None:
    """Every parameter drawn within its bounds, up to a hundred times larger or smaller than its default."""
    model, rng = MODELS[name], np.random.default_rng(2)
    values = {n: drawn(p, rng) for n, p in model.params.items() if not p.fixed and n != "I"}
    state = sn.InitNeu({"model": model, **{n: xr.DataArray(v, dims="point") for n, v in values.items()}})
    run, after = moved(state, 40 * model.dt, model.dt)
    status = np.broadcast_to(run.status.values, LANES)
    assert set(np.unique(status)) <= {int(s) for s in (sn.Status.OK, sn.Status.DIVERGED, sn.Status.OUT_OF_RANGE,
                                                       sn.Status.OVERFLOW)}  # fmt: skip
    assert (status == int(sn.Status.OK)).any()
    for x in model.states:
        finite = np.isfinite(np.broadcast_to(after[x].values, LANES))
        assert (finite == (status == int(sn.Status.OK))).all(), x


def drawn(param: Param, rng: np.random.Generator) -> np.ndarray:
    far = param.value * 10.0 ** rng.uniform(-2.0, 2.0, LANES) if param.value else rng.uniform(-1.0, 1.0, LANES)
    return np.clip(far, param.low, param.high)
