"""The parts of a step, and single currents, each on its own."""

from typing import Any

import numpy as np
import pytest
import xarray as xr

import sneuron as sn
from sneuron.core.currents import _check_kind
from sneuron.lang.model import channels, load_model
from sneuron.lang.spec import Mount, Neuron, Param


@pytest.fixture(scope="module")
def cell() -> xr.Dataset:
    return sn.InitNeu({"model": "hh", "v": xr.DataArray([-80.0, -65.0, -40.0, 10.0], dims="at"), "I": 7.0})


def test_currents_drive_the_voltage(cell: xr.Dataset) -> None:
    """C dv/dt = injected - sum of currents: the very step of explicit Euler."""
    now = sn.IonDyn(cell)
    slope = (now.injected - now.current.sum("channel")) / now.C
    after = sn.StepSim(cell, 0.001, method="euler")
    np.testing.assert_allclose((after.v - cell.v) / 0.001, slope, rtol=1e-9)


def test_currents_have_their_labels(cell: xr.Dataset) -> None:
    now = sn.IonDyn(cell)
    assert now.current.dims == ("at", "channel")
    assert set(now.channel.values) == set(load_model("hh").currents)
    assert now.current.attrs["units"] == "uA/cm2"
    assert now.conductance.attrs["units"] == "mS/cm2"
    assert now.reversal.attrs["units"] == "mV"
    assert now.injected.attrs["units"] == "uA/cm2"
    np.testing.assert_array_equal(now.injected, 7.0)
    reversal = {"na": 50.0, "k": -77.0, "leak": -54.3}
    for name, expected in reversal.items():
        np.testing.assert_allclose(now.reversal.sel(channel=name), expected, rtol=1e-9)
    ohmic = now.conductance * (now.v - now.reversal)
    np.testing.assert_allclose(now.current, ohmic.transpose("at", "channel"), rtol=1e-9)


def test_a_current_that_is_not_linear_in_the_voltage_has_no_conductance() -> None:
    now = sn.IonDyn(sn.InitNeu({"model": "adex", "v": -60.0}))
    assert np.isnan(now.conductance.sel(channel="spike"))
    assert np.isnan(now.reversal.sel(channel="spike"))
    assert now.conductance.sel(channel="leak").item() == 30.0
    assert now.current.sel(channel="leak").item() == pytest.approx(30.0 * 10.6)


def test_concentrations_stand_side_by_side() -> None:
    """In mM, whatever the unit of a pool; used up with the currents."""
    model = sn.load_model("prinz", channels={"shell": "ca_pool"})
    now = sn.IonDyn(sn.InitNeu({"model": model, "cai": [0.05, 3.0], "gNa": [100.0, 200.0, 400.0]}))
    assert now.concentration.dims == ("cai_start", "gNa", "pool")
    assert now.concentration.attrs["units"] == "mM"
    assert now.pool.values.tolist() == ["cai", "shell.cai"]
    np.testing.assert_allclose(now.concentration.sel(pool="cai").isel(gNa=1), [5e-5, 3e-3], rtol=1e-12)
    np.testing.assert_allclose(now.concentration.sel(pool="shell.cai"), 2.4e-4, rtol=1e-12)
    for after in (sn.UpdVolt(now), sn.StepSim(now), sn.InitNeu(now)):
        assert not {"concentration", "pool", "current", "channel"} & set(after.variables)
    xr.testing.assert_identical(sn.StepSim(now), sn.StepSim(sn.InitNeu(now)))
    assert "concentration" not in sn.IonDyn(sn.InitNeu("hh"))


def test_a_ghk_current_reverses_at_its_nernst_potential() -> None:
    """Also where its calcium is a pool; it has no conductance."""
    mounts = {"ca": Mount("ca_t_ghk", {"cai": "cai"}), "pool": Mount("ca_pool", {"cai": "cai"})}
    model = sn.load_model("hh", channels=mounts)
    now = sn.IonDyn(sn.InitNeu({"model": model, "cai": [1e-4, 1e-3]}))
    assert np.isnan(now.conductance.sel(channel="ca")).all()
    expected = 8314.462618 * 309.15 / (2 * 96485.33212) * np.log(2.0 / np.array([1e-4, 1e-3]))
    np.testing.assert_allclose(now.reversal.sel(channel="ca"), expected, rtol=1e-12)
    np.testing.assert_allclose(now.reversal.sel(channel="na"), 50.0)


def test_stimuli_are_injected_at_the_time_of_the_state() -> None:
    cell = sn.InjCur(sn.InitNeu({"model": "hh", "I": 1.0}), sn.step(10.0, start=0.05, stop=0.1))
    seen = []
    for _ in range(6):
        seen.append(sn.IonDyn(cell, 0.025).injected.item())
        cell = sn.StepSim(cell, 0.025)
    assert seen == [1.0, 1.0, 11.0, 11.0, 1.0, 1.0]


def test_gates_move_alone(cell: xr.Dataset) -> None:
    after = sn.UpdGate(cell, 0.025)
    np.testing.assert_array_equal(after.v, cell.v)
    assert all(bool((after[g] != sn.InitNeu({"model": "hh", g: 0.5})[g]).all()) for g in "mhn")
    pushed = sn.UpdGate(cell.assign(m=cell.m * 0 + 0.9), 1000.0)
    np.testing.assert_allclose(pushed.m, cell.m, rtol=1e-12)
    assert after.attrs["step"] == cell.attrs["step"]


def test_the_voltage_moves_alone_and_the_clock_with_it(cell: xr.Dataset) -> None:
    after = sn.UpdVolt(cell, 0.025)
    for gate in "mhn":
        xr.testing.assert_identical(after[gate], cell[gate])
    assert bool((after.v != cell.v).all())
    np.testing.assert_array_equal(after.v_before, cell.v)
    assert after.attrs["step"] == 1
    assert after.attrs["dt"] == 0.025
    assert "current" not in after
    assert "channel" not in after.dims


def test_the_voltage_follows_the_currents_that_lie_in_the_state(cell: xr.Dataset) -> None:
    """A current changed by hand is the one that counts."""
    now = sn.IonDyn(cell, 0.01, "euler")
    without = now.assign(current=now.current.where(now.channel != "na", 0.0))
    found = sn.UpdVolt(without, 0.01, "euler")
    rest = now.current.sel(channel=["k", "leak"]).sum("channel")
    np.testing.assert_allclose(found.v, cell.v + 0.01 * (7.0 - rest), rtol=1e-12)
    injected = sn.UpdVolt(now.assign(injected=now.injected + 100.0), 0.01, "euler")
    np.testing.assert_allclose(injected.v - sn.UpdVolt(now, 0.01, "euler").v, 1.0, rtol=1e-9)


def test_the_exact_update_of_a_leaky_membrane() -> None:
    cell = sn.InitNeu({"model": "lif", "v": -60.0, "I": [0.0, 100.0]})
    found = sn.UpdVolt(cell, 3.0).v
    target = -70.0 + np.array([0.0, 100.0]) / 25.0
    np.testing.assert_allclose(found, target + (-60.0 - target) * np.exp(-0.3), rtol=1e-14)


def test_detection_and_reset_of_single_steps() -> None:
    cell = sn.InitNeu("adex")
    cell = cell.assign(v=xr.DataArray([0.0, 19.0, 21.0], dims="at", attrs=cell.v.attrs))
    cell = cell.assign(v_before=cell.v * 0.0 - 1.0)
    found = sn.DetSpike(cell)
    np.testing.assert_array_equal(found.spike, [False, False, True])
    assert found.spike_phase[2].item() == pytest.approx(21.0 / 22.0)
    after = sn.RstSpike(found)
    np.testing.assert_array_equal(after.v, [0.0, 19.0, -70.6])
    np.testing.assert_array_equal(after.w - cell.w, [0.0, 0.0, 80.5])


def test_refractoriness_counts_down_to_nothing() -> None:
    cell = sn.InitNeu("lif")
    waiting = cell.assign(refractory_steps=xr.DataArray([0.0, 1.0, 20.0], dims="at", attrs=cell.refractory_steps.attrs))
    once = sn.RefracDyn(waiting)
    np.testing.assert_array_equal(once.refractory_steps, [0.0, 0.0, 19.0])
    xr.testing.assert_identical(sn.RefracDyn(sn.InitNeu("hh")), sn.InitNeu("hh"))


@pytest.mark.parametrize("part", [sn.UpdGate, sn.UpdVolt])
def test_parts_stand_alone_only_where_they_do(part: object) -> None:
    with pytest.raises(sn.SneuronError, match="advances all states together"):
        part(sn.InitNeu("hh"), 0.025, "rk4")


@pytest.mark.parametrize(
    "function", [sn.IonDyn, sn.UpdGate, sn.UpdVolt, sn.RefracDyn, sn.RstSpike, sn.DetSpike, sn.StepSim]
)
def test_what_is_no_state_is_refused(function: object) -> None:
    with pytest.raises(sn.SneuronError):
        function(xr.Dataset({"v": 1.0}))


# -- single currents ---------------------------------------------------------------------------------


def test_currents_take_and_give_any_dims() -> None:
    v = xr.DataArray(np.linspace(-80.0, 40.0, 12).reshape(3, 4), dims=("x", "y"), coords={"x": [1, 2, 3]})
    g = xr.DataArray([100.0, 120.0], dims="g_max", coords={"g_max": [100.0, 120.0]})
    found = sn.NaCur(v, g=g)
    assert dict(found.sizes) == {"x": 3, "y": 4, "g_max": 2}
    np.testing.assert_array_equal(found.x, [1, 2, 3])
    np.testing.assert_allclose(found.sel(g_max=120.0), sn.NaCur(v), rtol=1e-14)
    plain = sn.KCur(v.values)
    assert plain.shape == (3, 4)
    np.testing.assert_array_equal(plain.values, sn.KCur(v).values)
    assert sn.LeakCur(-60.0).shape == ()
    assert found.attrs["units"] == "uA/cm2"


@pytest.mark.parametrize("kind", [np.float32, np.int16, ">f8"])
def test_currents_of_other_number_types(kind: object) -> None:
    v = np.array([-80, -65, -40, 0], dtype=kind)
    np.testing.assert_array_equal(sn.NaCur(v).values, sn.NaCur(v.astype(np.float64)).values)


def test_voltages_with_units_are_converted() -> None:
    volts = xr.DataArray([-0.065, -0.04], dims="at", attrs={"units": "V"})
    np.testing.assert_allclose(sn.KCur(volts), sn.KCur([-65.0, -40.0]), rtol=1e-9)
    assert sn.LeakCur("-65 mV").item() == sn.LeakCur(-65.0).item()


@pytest.mark.parametrize(
    ("call", "says"),
    [
        (lambda: sn.NaCur(-65.0, gNa=100.0), "'gNa' is not known.*Possible: E, celsius, g, h, m"),
        (lambda: sn.NaCur(-65.0, channel="k_hh"), "carries 'k', not 'na'"),
        (lambda: sn.CaCur(-65.0, channel="ca_x"), "'ca_x' is not known"),
        (lambda: sn.KCur("a lot"), "is not a number with a unit"),
        (lambda: sn.KCur(["-65"]), "are not real numbers"),
        (lambda: sn.KCur([1j]), "are not real numbers"),
        (lambda: sn.KCur(float("nan")), "NaN"),
        (lambda: sn.NaCur(-65.0, m=1.5), "cannot be"),
        (lambda: sn.LeakCur(-65.0, g=-1.0), "cannot be"),
        (lambda: sn.LeakCur(-65.0, g="1 mV"), "does not convert"),
    ],
)
def test_currents_refuse(call: object, says: str) -> None:
    with pytest.raises(sn.SneuronError, match=says):
        call()


@pytest.mark.parametrize("name", [n for n in channels if channels[n].current])
def test_every_channel_belongs_to_one_kind_of_current(name: str) -> None:
    """By its ion; those of sodium and potassium together go with potassium, those that never change are leaks."""
    kinds = {"NaCur": ("na",), "KCur": ("k", ""), "CaCur": ("ca",), "LeakCur": ("", "na", "k", "cl")}
    taken = []
    for where, ions in kinds.items():
        try:
            _check_kind(channels[name], ions, where)
        except sn.SneuronError:
            continue
        taken.append(where)
    assert taken == (
        ["LeakCur"] if name.startswith("leak") else [{"na": "NaCur", "ca": "CaCur"}.get(name.split("_")[0], "KCur")]
    )


@pytest.mark.parametrize(
    ("function", "values"),
    [
        (sn.NaCur, {"channel": "na_wb", "g": 17.5}),
        (sn.NaCur, {"channel": "na_raman"}),
        (sn.KCur, {"channel": "k_a_cs", "b": 0.5, "a": 0.9}),
        (sn.KCur, {"channel": "k_sk_kohler", "cai": 1e-3}),
        (sn.KCur, {"channel": "h_destexhe", "cai": 1e-3}),
        (sn.CaCur, {"channel": "ca_n_ghk", "m": 1.0, "h": 1.0}),
        (sn.LeakCur, {"channel": "leak_cl", "g": 0.5}),
    ],
)
def test_currents_of_other_channels_by_name(function: Any, values: dict[str, Any]) -> None:
    name = values["channel"]
    v = np.linspace(-90.0, 40.0, 14)
    cell = Neuron("clamped", "C", channels={"x": Mount(name)}, params={"C": Param(1.0, "uF/cm2")}, source="own choice")
    given = {f"x.{k}": x for k, x in values.items() if k != "channel"}
    expected = load_model(cell).currents_at({"v": v, **given})["x"]
    found = function(v, **values)
    np.testing.assert_allclose(found, expected, rtol=1e-10, atol=1e-13 * np.abs(expected).max())
    assert found.name == f"i_{name}"


@pytest.mark.parametrize(
    ("call", "words"),
    [
        (lambda: sn.LeakCur(-65.0, channel="na_hh"), "'na_hh' is no leak.*Possible: leak, leak_cl, leak_k, leak_na"),
        (lambda: sn.KCur(-65.0, channel="leak_k"), "carries 'k', not 'k'|k_hh"),
        (lambda: sn.CaCur(-65.0, channel="ca_pool"), "carries 'no single ion', not 'ca'"),
        (lambda: sn.NaCur(-65.0, channel="na_raman", m=0.5), "'m' is not known.*Possible:.*C1"),
    ],
)
def test_channels_of_another_kind_are_refused(call: Any, words: str) -> None:
    with pytest.raises(sn.SneuronError, match=words):
        call()
