"""NoiseAdd: what it makes of states and models, which random numbers a neuron draws, and what is refused."""

from typing import Any

import numpy as np
import pytest
import xarray as xr
from hypothesis import given, settings
from hypothesis import strategies as st

import sneuron as sn
from sneuron.core.streams import keys_of, seeded
from sneuron.errors import ModelError, ParameterError, SneuronError, UnknownNameError
from sneuron.lang.kernel import compiled
from sneuron.lang.model import Model, load_model, noises
from sneuron.lang.spec import Channel, Param, Transition

OWN = "own choice"


def noisy(**values: Any) -> xr.Dataset:
    """Leaky neurons under fluctuating current."""
    return sn.NoiseAdd(sn.InitNeu({"model": "lif", "I": 340.0, **values}), "ou", std=120.0, tau=5.0, seed=3)


def spikes(state: xr.Dataset, **more: Any) -> xr.DataArray:
    return sn.RunSim(state, 120.0, 0.1, **more).spike_time


# what it makes


def test_a_noise_is_a_mechanism_of_the_model() -> None:
    cell = noisy()
    model = load_model(cell.attrs["model"])
    assert "ou" in model.channels
    assert model.noisy
    assert cell["ou.std"].attrs["units"] == "pA"
    assert float(cell["ou.std"]) == 120.0
    assert Model.from_json(model.to_json()) == model
    assert model.method == "exp_euler"


def test_a_model_with_noise_is_a_model() -> None:
    model = sn.NoiseAdd("adex", "ou", std="0.1 nA", mean=20)
    assert model.params["ou.std"].value == 100.0
    assert model.params["ou.mean"].value == 20.0
    assert load_model(model.to_json()) == model
    assert sn.NoiseAdd(model, "white", sigma=0.3).noises.keys() == {"ou.w", "white.w"}


def test_a_state_keeps_what_it_has() -> None:
    before = sn.StepSim(sn.InjCur(sn.InitNeu({"model": "adex", "b": [20.0, 80.0]}), sn.step(500.0)), n=100)
    after = sn.NoiseAdd(before, "ou", std=[10.0, 20.0])
    assert np.array_equal(after.b, before.b)
    assert after["step.amplitude"].item() == 500.0
    assert float(after["ou.eta"]) == 0.0
    np.testing.assert_array_equal(after.v, before.v)
    assert after.attrs["step"] == 100
    assert dict(sn.StepSim(after).v.sizes) == {"b": 2, "ou.std": 2}


def test_noise_of_no_strength_is_no_noise() -> None:
    quiet = sn.NoiseAdd(sn.InitNeu({"model": "adex", "I": 700.0}), "ou", std=0.0)
    one, other = (
        sn.RunSim(s, 200, 0.05, "euler", record=["v"]) for s in (quiet, sn.InitNeu({"model": "adex", "I": 700.0}))
    )
    np.testing.assert_allclose(one.v, other.v, rtol=1e-9)


@pytest.mark.parametrize("kind", list(noises))
def test_every_noise_of_the_library_runs_on_every_kind_of_current(kind: str) -> None:
    for model, method in (("passive", "exp_euler"), ("adex", "exp_euler")):
        run = sn.RunSim(sn.NoiseAdd(sn.InitNeu({"model": model}), kind, seed=[1, 2]), 0.5, 0.01, method, record=["v"])
        assert float(np.ptp(run.v.values[:, -1])) > 0


# which numbers


def test_the_same_seed_gives_the_same_run_and_another_one_another() -> None:
    assert spikes(noisy()).identical(spikes(noisy()))
    other = sn.NoiseAdd(sn.InitNeu({"model": "lif", "I": 340.0}), "ou", std=120.0, tau=5.0, seed=4)
    assert not np.array_equal(spikes(noisy()).values, spikes(other).values)


def test_seeds_make_a_dim() -> None:
    cell = sn.NoiseAdd(sn.InitNeu({"model": "lif", "I": 340.0}), "ou", std=120.0, tau=5.0, seed=[3, 4, 2**64 - 1])
    run = spikes(cell)
    assert run.dims == ("seed", "spike")
    assert run.seed.values.tolist() == [3, 4, 2**64 - 1]
    assert np.array_equal(run.sel(seed=3).dropna("spike").values, spikes(noisy()).values)


def test_a_neuron_draws_the_same_whoever_is_beside_it() -> None:
    currents = np.linspace(300.0, 400.0, 37)
    many = spikes(noisy(I=currents))
    for k in (0, 17, 36):
        alone = spikes(noisy(I=float(currents[k])))
        assert np.array_equal(many[k].dropna("spike").values, alone.values)
    turned = spikes(noisy(I=currents[::-1].copy()))
    assert np.array_equal(turned.sel(I=currents[5]).dropna("spike"), many.sel(I=currents[5]).dropna("spike"))


def test_cells_of_a_population_differ() -> None:
    cell = noisy(I=xr.DataArray([340.0, 340.0, 340.0], dims="cell"))
    own, shared = keys_of(cell)
    assert len(set(own.tolist())) == 3
    assert np.array_equal(own, shared)


def test_common_random_numbers() -> None:
    state = sn.InitNeu({"model": "lif", "I": [340.0, 340.000001]})
    free = keys_of(seeded(state, 3))[0]
    common = keys_of(seeded(state, 3, common="I"))[0]
    every = keys_of(seeded(state, 3, common="all"))[0]
    assert free[0] != free[1]
    assert common[0] == common[1]
    assert every[0] == every[1]
    assert len({free[0], common[0], every[0]}) == 3
    both = sn.InitNeu({"model": "lif", "I": [340.0, 350.0], "Vth": [-55.0, -54.0]})
    keys = keys_of(seeded(both, 3, common=["I"]))[0].reshape(2, 2)
    assert np.array_equal(keys[0], keys[1])
    assert keys[0, 0] != keys[0, 1]


def test_correlated_noise_is_shared_across_a_dim() -> None:
    cell = sn.InitNeu({"model": "passive", "I": xr.DataArray(np.zeros(400), dims="cell")})
    for c in (0.0, 0.5, 1.0):
        some = sn.NoiseAdd(cell, "ou", std=1.0, tau=1.0, correlation=c, across="cell", seed=[0, 1, 2, 3])
        eta = sn.RunSim(some, 100, 1.0, record=["ou.eta"], every=4)["ou.eta"].values[..., 2:]
        pooled = eta.mean(axis=0 if eta.shape[0] == 400 else 1)
        expected = c + (1 - c) / 400
        assert pooled.var() == pytest.approx(expected, rel=0.35)
        assert eta.var() == pytest.approx(1.0, rel=0.25)


@settings(max_examples=15, deadline=None)
@given(cut=st.integers(1, 99), seed=st.integers(0, 2**64 - 1), method=st.sampled_from(["exp_euler", "euler"]))
def test_a_run_in_two_parts_is_the_run(cut: int, seed: int, method: str) -> None:
    state = sn.NoiseAdd(sn.InitNeu({"model": "lif", "I": [300.0, 500.0]}), "ou", std=150.0, seed=seed)
    _, whole = sn.RunSim(state, 10, 0.1, method, return_state=True)
    _, half = sn.RunSim(state, cut * 0.1, 0.1, method, return_state=True)
    _, rest = sn.RunSim(half, (100 - cut) * 0.1, 0.1, method, return_state=True)
    for x in ("v", "ou.eta", "refractory_steps"):
        assert np.array_equal(whole[x], rest[x])


@pytest.mark.parametrize(("method", "escape"), [("exp_euler", True), ("exp_euler", False), ("euler", True)])
def test_parts_are_the_step_and_steps_are_the_run(method: str, escape: bool) -> None:
    state = sn.NoiseAdd(
        sn.InitNeu({"model": "adex", "I": [600.0, 1500.0, 2500.0], "t_ref": 0.3}), "ou", std=300.0, seed=9
    )
    state = sn.NoiseAdd(state, "escape", rate=0.3, delta=2.0, theta="VT") if escape else state
    parts = [sn.IonDyn, sn.UpdVolt, sn.UpdGate, sn.RefracDyn, sn.DetSpike, sn.RstSpike]
    if method == "euler":
        parts[1:3] = [sn.UpdGate, sn.UpdVolt]
    composed, spiked = state, 0
    for _ in range(150):
        for part in parts:
            composed = part(composed, dt=0.05, method=method)
        spiked += int(composed.spike.sum())
    stepped = sn.StepSim(state, 0.05, n=150, method=method)
    run, ran = sn.RunSim(state, 7.5, 0.05, method, return_state=True)
    assert spiked == int(run.spike_count.sum()) > 0
    for x in ("v", "w", "ou.eta", "refractory_steps", "spike_phase"):
        assert np.array_equal(composed[x], stepped[x]), x
        assert np.array_equal(stepped[x], ran[x]), x


def test_a_study_draws_as_its_points_do_alone(tmp_path: Any) -> None:
    model = sn.NoiseAdd("lif", "ou", tau=5.0)
    ranges = {"I": [320.0, 340.0, 360.0], "ou.std": [60.0, 120.0]}
    study = sn.ParamSweep(
        ranges,
        model=model,
        duration=120,
        dt=0.1,
        seed=3,
        repeats=2,
        store=tmp_path / "s",
        wait=False,
        scheduler="inline",
    )
    study.wait()
    counts = study.data.spike_count
    assert counts.dims == ("I", "ou.std", "repeat")
    cell = sn.NoiseAdd(sn.InitNeu({"model": "lif", "I": 340.0}), "ou", std=120.0, tau=5.0, seed=3)
    alone = sn.RunSim(cell, 120, 0.1)
    assert float(counts.sel(I=340.0, repeat=0).sel({"ou.std": 120.0})) == float(alone.spike_count)
    before = counts.load()
    grown = study.extend(I=[330.0]).data.spike_count
    assert np.array_equal(grown.sel(I=before.I).values, before.values)
    assert (before.isel(repeat=0) != before.isel(repeat=1)).any()


def test_repeats_without_noise_are_refused() -> None:
    with pytest.raises(SneuronError, match="nothing in this study is random"):
        sn.ParamSweep({"I": [1.0]}, model="hh", duration=1, repeats=2)


def test_common_numbers_of_a_study() -> None:
    model = sn.NoiseAdd("passive", "ou", std=1.0)
    ranges = {"EL": [-65.0, -64.0]}
    own, common = (
        sn.ParamSweep(ranges, model=model, duration=20, record=["ou.eta"], every=50, common=c)["ou.eta"].values
        for c in ((), "EL")
    )
    assert not np.array_equal(own[0], own[1])
    assert np.array_equal(common[0], common[1])


# kernels


@pytest.mark.parametrize("dtype", ["float64", "float32"])
def test_numbers_do_not_depend_on_the_width_of_floats(dtype: str) -> None:
    cell = sn.NoiseAdd(sn.InitNeu({"model": "passive"}), "ou", std=1.0, tau=2.0, seed=[5, 6])
    run = sn.RunSim(cell, 30, 0.1, record=["ou.eta"], dtype=dtype)["ou.eta"]
    other = sn.RunSim(cell, 30, 0.1, record=["ou.eta"])["ou.eta"]
    np.testing.assert_allclose(run, other, atol=1e-5)


def test_kernels_without_noise_draw_nothing() -> None:
    source = compiled("hh").source
    assert not source.program.draws
    assert "def draw" not in source.text


# what is refused


GATELESS = Channel("still", "g*(v + 60)", params={"g": Param(0.1, "mS/cm2", 0, 1, OWN)}, source=OWN)
ONE_SIDED = Channel(
    "bad", "g*A*v", transitions={"a": Transition("A", "B", "1", "2")}, noise={"w": {"A": "0.1/sqrt(tau)"}},
    params={"g": Param(0.1, "mS/cm2", 0, 1, OWN), "tau": Param(1.0, "ms", 0.1, 10, OWN)}, source=OWN,
)  # fmt: skip


@pytest.mark.parametrize(
    ("call", "error", "words"),
    [
        (lambda: sn.NoiseAdd("lif", "pink"), UnknownNameError, "ou, point_conductance, white"),
        (lambda: sn.NoiseAdd("lif", "ou", sdt=3.0), UnknownNameError, "Did you mean 'std'"),
        (lambda: sn.NoiseAdd("lif", "ou", std=-3.0), SneuronError, "std"),
        (lambda: sn.NoiseAdd("lif", "ou", std=float("nan")), ParameterError, "NaN"),
        (lambda: sn.NoiseAdd("lif", "ou", std="3 mV"), SneuronError, "does not convert"),
        (lambda: sn.NoiseAdd("lif", "ou", seed=3), ParameterError, "ParamSweep"),
        (lambda: sn.NoiseAdd("lif", "ou", eta=3.0), ParameterError, "state"),
        (lambda: sn.NoiseAdd(sn.NoiseAdd("lif", "ou"), "ou"), ModelError, "already"),
        (lambda: sn.NoiseAdd("hh", "escape"), ModelError, "not reset"),
        (lambda: sn.NoiseAdd("hh", "channel"), ParameterError, "k, leak, na"),
        (lambda: sn.NoiseAdd("hh", "channel", channel="nap"), UnknownNameError, "na"),
        (lambda: sn.NoiseAdd("hh", "channel", channel="leak"), ModelError, "no gates"),
        (lambda: sn.NoiseAdd("hh", "channel", channel="na", n=3), UnknownNameError, "number"),
        (lambda: sn.NoiseAdd("lif", "escape", theta="Vt"), ModelError, "Vth"),
        (lambda: load_model("hh", channels={"x": ONE_SIDED}), ModelError, "sum"),
        (lambda: sn.NoiseAdd(sn.InitNeu({"model": "lif"}), "ou", seed=1.5), ParameterError, "whole number"),
        (lambda: sn.NoiseAdd(sn.InitNeu({"model": "lif"}), "ou", seed=-1), ParameterError, "out of bounds"),
        (lambda: sn.NoiseAdd(sn.InitNeu({"model": "lif"}), "ou", common=["Vt"]), UnknownNameError, "Vth"),
        (lambda: sn.RunSim(sn.NoiseAdd(sn.InitNeu({"model": "lif"}), "ou"), 1, method="exact"), ModelError, "noisy"),
        (lambda: sn.NoiseAdd(sn.InitNeu({"model": "lif"}), "ou", correlation=1.5), ParameterError, "correlation"),
    ],
)
def test_what_cannot_be_is_refused(call: Any, error: type[Exception], words: str) -> None:
    with pytest.raises(error, match=words):
        call()


def test_a_channel_of_ones_own_as_noise() -> None:
    shot = Channel(
        "mine", "-x", unit="", states={}, params={"x": Param(1.0, "current", -1e3, 1e3, OWN)}, noise={"w": {"v": "s"}},
        source=OWN,
    )  # fmt: skip
    with pytest.raises(ModelError, match="'s' is not known"):
        sn.NoiseAdd("lif", shot)
    with pytest.raises(ModelError, match="no gates"):
        sn.NoiseAdd(load_model("hh", channels={"x": GATELESS}), "channel", channel="x")
