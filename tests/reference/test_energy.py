"""What a spike costs: sodium charges of NEURON and closed forms, from traces, from features and in a sweep."""

import functools

import numpy as np
import pytest
import xarray as xr

import sneuron as sn
from sneuron.analysis.energy import AVOGADRO, ELEMENTARY_CHARGE
from sneuron.lang.algebra import rest_points
from sneuron.lang.model import load_model
from sneuron.lang.spec import Mount, Neuron, Param, State

SPIKE = {6.3: (1392.8, 13.24), 18.5: (383.5, 4.03)}
"""Celsius -> sodium charge (nC/cm2) of one spike and its ratio to C dV; NEURON 9.0.2, hh.mod, pulse of 0.5 ms and
30 uA/cm2, current at rest taken off, 40 ms."""

TRACES = ["v", "i_na", "i_leak", "g_leak", "e_leak", "e_na", "e_k"]
BEYOND = functools.partial(sn.EnergyUse, baseline="start")


@pytest.fixture(scope="module")
def run() -> xr.Dataset:
    """One evoked spike at both temperatures, from rest."""
    celsius = xr.DataArray(list(SPIKE), dims="at")
    rest = [rest_points(load_model("hh"), {"celsius": t})[0].state["v"] for t in SPIKE]
    cell = sn.InitNeu({"model": "hh", "celsius": celsius, "v": celsius.copy(data=rest)})
    pulse = sn.pulses(30.0, 0.5, 1e9, count=1)
    return sn.RunSim(sn.InjCur(cell, pulse), 40.0, 0.005, "rk4", record=TRACES, features=[BEYOND, "v_max"])


@pytest.fixture(params=["features", "traces"])
def held(request: pytest.FixtureRequest, run: xr.Dataset) -> xr.Dataset:
    """The run with only its features, or only its traces."""
    features = [n for n in run if n.endswith(("_mean", "_first"))]
    return run.drop_dims("time") if request.param == "features" else run.drop_vars(features)


def test_sodium_charge_of_a_spike(held: xr.Dataset, run: xr.Dataset) -> None:
    use = BEYOND(held)
    charge = use.atp_process.sel(process="na") * 3 * ELEMENTARY_CHARGE * 0.040 * 1e9  # nC/cm2
    np.testing.assert_allclose(charge, [q for q, _ in SPIKE.values()], rtol=2e-3)
    least = 1.0 * (run.v_max - run.v.isel(time=0))
    np.testing.assert_allclose(charge / least, [ratio for _, ratio in SPIKE.values()], rtol=0.01)
    assert use.atp.attrs["units"] == "1/(s cm2)"


def test_a_spike_costs_what_is_spent_over_its_window(held: xr.Dataset) -> None:
    use = BEYOND(held)
    np.testing.assert_allclose(use.atp_per_spike, use.atp * 0.040, rtol=1e-14)
    np.testing.assert_allclose(use.energy_per_spike, use.atp_per_spike * 50e3 / AVOGADRO, rtol=1e-14)
    np.testing.assert_allclose(use.atp, use.atp_process.sum("process"), rtol=1e-14)


def test_traces_and_features_agree_to_first_order_in_the_step(run: xr.Dataset) -> None:
    features, traces = BEYOND(run.drop_dims("time")), BEYOND(run)
    np.testing.assert_allclose(features.atp, traces.atp, rtol=1e-6)


def test_one_nanocoulomb_of_sodium() -> None:
    """1 nC/(3 e), e = 1.602176634e-19 C."""
    time = xr.DataArray([0.0, 1000.0], dims="time", attrs={"units": "ms"})
    current = xr.DataArray([-1.0, -1.0], dims="time", coords={"time": time}, attrs={"units": "nA"})
    model = '{"neuron": {"currents": {}, "channels": {"na": {"channel": {"ion": "na"}}}}}'
    use = sn.EnergyUse(xr.Dataset({"i_na": current}, attrs={"model": model}))
    assert use.atp.item() == pytest.approx(2080503024.8202546, rel=1e-12)
    assert use.power.item() == pytest.approx(use.atp.item() * 50e3 / 6.02214076e23, rel=1e-12)
    assert "atp_per_spike" not in use


def resting() -> xr.Dataset:
    return sn.InitNeu({"model": "hh", "v": rest_points(load_model("hh"))[0].state["v"]})


def test_cost_of_rest_is_that_of_the_sodium_that_leaks() -> None:
    """At rest the leak is g (v - E) = g_Na (v - E_Na) + g_K (v - E_K) with g_Na + g_K = g."""
    use = sn.EnergyUse(sn.IonDyn(resting()))
    v, (g, e, e_na, e_k) = resting().v.item(), (0.3, -54.3, 50.0, -77.0)
    g_na = g * (e - e_k) / (e_na - e_k)
    assert g_na * (v - e_na) + (g - g_na) * (v - e_k) == pytest.approx(g * (v - e), rel=1e-12)
    expected = -g_na * (v - e_na) * 1e-6 / (3 * ELEMENTARY_CHARGE)
    assert use.atp_process.sel(process="leak").item() == pytest.approx(expected, rel=1e-12)
    assert use.atp_process.sel(process="k").item() == 0.0


@pytest.mark.parametrize("method", ["ions", "electrical"])
def test_a_resting_neuron_spends_at_every_instant_what_it_spends_on_average(method: str) -> None:
    use = functools.partial(sn.EnergyUse, method=method)
    after = use(sn.RunSim(resting(), 50.0, features=[use]))
    np.testing.assert_allclose(after.power_process, use(sn.IonDyn(resting())).power_process, rtol=1e-6)
    assert np.isnan(after.atp_per_spike)


def test_power_of_a_passive_membrane_is_the_heat_of_its_resistance() -> None:
    """At the steady voltage all injected current I flows through g: P = I^2/g."""
    use = functools.partial(sn.EnergyUse, method="electrical")
    model = load_model("passive")
    g, e = model.params["gL"].value, model.params["EL"].value
    current = xr.DataArray([0.5, 1.0, 2.0], dims="at")
    cell = sn.InitNeu({"model": "passive", "I": current, "v": current / g + e})
    found = use(sn.RunSim(cell, 20.0, features=[use]))
    np.testing.assert_allclose(found.power, cell.I**2 / g * 1e-9, rtol=1e-9)
    np.testing.assert_allclose(found.atp, found.power * AVOGADRO / 50e3, rtol=1e-14)
    assert found.power.attrs["units"] == "W/cm2"


def cell_with_calcium() -> Neuron:
    return Neuron(
        name="with_calcium",
        capacitance="C",
        channels={"ca": Mount("ca_t_ghk"), "k": Mount("k_hh"), "h": Mount("leak", params={"E": -43.0})},
        params={"C": Param(1.0, "uF/cm2")},
        voltage=State("mV", "-70", -200.0, 200.0),
        source="own choice",
    )


def test_a_calcium_ion_costs_one_atp_whatever_its_current_looks_like() -> None:
    """The GHK current is not linear in v: ions are counted, and its electrical power is refused."""
    cell = sn.InitNeu({"model": cell_with_calcium()})
    use = functools.partial(sn.EnergyUse, reversals={"na": 50.0, "k": "-77 mV"})
    now = sn.IonDyn(cell)
    atp = use(now).atp_process
    expected = -now.current.sel(channel="ca") * 1e-6 / (2 * ELEMENTARY_CHARGE)
    np.testing.assert_allclose(atp.sel(process="ca"), expected, rtol=1e-12)
    share = (-43.0 + 77.0) / (50.0 + 77.0)
    sodium = share * now.conductance.sel(channel="h") * (now.v - 50.0)
    np.testing.assert_allclose(atp.sel(process="h"), -sodium * 1e-6 / (3 * ELEMENTARY_CHARGE), rtol=1e-12)
    with pytest.raises(sn.SneuronError, match="'ca' has no reversal"):
        sn.RunSim(cell, 1.0, features=[functools.partial(sn.EnergyUse, method="electrical")])
    both = functools.partial(sn.EnergyUse, method="electrical", currents=["h", "k"])
    assert both(sn.RunSim(cell, 1.0, features=[both])).process.values.tolist() == ["h", "k"]


def test_a_mixed_current_is_potassium_below_one_reversal_and_sodium_above_the_other() -> None:
    cell = sn.IonDyn(sn.InitNeu({"model": "hh", "EL": [-80.0, -77.0, -60.0, 50.0, 60.0]}))
    leak = sn.EnergyUse(cell).atp_process.sel(process="leak").values
    assert leak[0] == leak[1] == 0.0
    assert (np.diff(leak[1:4]) > 0).all()
    whole = -cell.current.sel(channel="leak").values[3:] * 1e-6 / (3 * ELEMENTARY_CHARGE)
    np.testing.assert_allclose(leak[3:], whole, rtol=1e-12)


def test_spikes_of_integrate_and_fire_neurons_by_an_overlap() -> None:
    """1.24 C dV/(3 e) a spike: Howarth et al. 2012; shares of 50, 5 and 4 % beside 21 %."""
    use = functools.partial(
        sn.EnergyUse, currents=["leak"], reversals={"na": 50.0, "k": -90.0}, overlap=1.24, capacitance="281 pF",
        budget="howarth2012",
    )  # fmt: skip
    run = sn.RunSim(sn.InitNeu({"model": "adex", "I": [0.0, 900.0]}), 500.0, features=[use])
    found = use(run)
    each = 1.24 * 281e-12 * 0.1 / (3 * ELEMENTARY_CHARGE)
    spikes = found.atp_process.sel(process="spikes", drop=True)
    np.testing.assert_allclose(spikes, run.spike_count / 0.5 * each, rtol=1e-12)
    shares = {"postsynaptic": 50.0, "presynaptic": 5.0, "recycling": 4.0}
    for name, share in shares.items():
        np.testing.assert_allclose(found.atp_process.sel(process=name), spikes * share / 21.0, rtol=1e-12)
    assert found.atp.attrs["units"] == "1/s"
    assert np.isnan(found.atp_per_spike[0])
    assert found.atp_per_spike[1] > each
