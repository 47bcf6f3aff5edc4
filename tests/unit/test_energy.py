"""EnergyUse in sweeps and on what is stored, and what it refuses; power and reversal potential as recordables."""

import functools

import numpy as np
import pytest
import xarray as xr

import sneuron as sn
from sneuron import errors
from sneuron.lang.model import load_model
from sneuron.lang.spec import Mount, Neuron, Param, State

EXTRA = ["p_na", "e_na", "e_k", "p_leak"]


@pytest.fixture(scope="module")
def cells() -> xr.Dataset:
    return sn.InitNeu({"model": "hh", "ENa": [50.0, 55.0], "I": 10.0})


@pytest.mark.parametrize("dtype", ["float64", "float32"])
def test_power_and_reversal_are_recorded_and_change_no_bit(cells: xr.Dataset, dtype: str) -> None:
    features = ["p_na_mean", "e_na_mean", "v_first", "i_na_first", "p_leak_first"]
    plain = sn.RunSim(cells, 30.0, record=["v", "i_na", "i_leak"], dtype=dtype)
    run = sn.RunSim(cells, 30.0, record=["v", "i_na", "i_leak", *EXTRA], features=features, dtype=dtype)
    for name in ("v", "i_na", "spike_time"):
        np.testing.assert_array_equal(run[name], plain[name])
    tight = {"rtol": 1e-12} if dtype == "float64" else {"rtol": 1e-5, "atol": 1e-3}
    np.testing.assert_allclose(run.p_na, run.i_na * (run.v - run.ENa), **tight)
    np.testing.assert_allclose(run.p_leak, run.i_leak**2 / 0.3, **tight)
    assert (run.e_na == run.ENa).all()
    assert (run.e_k == -77.0).all()
    assert (run.p_na.attrs["units"], run.e_na.attrs["units"]) == ("nW/cm2", "mV")
    np.testing.assert_allclose(run.p_na_mean, run.p_na.isel(time=slice(0, -1)).mean("time"), rtol=1e-4)
    for name in ("v", "i_na", "p_leak"):
        np.testing.assert_array_equal(run[f"{name}_first"], run[name].isel(time=0))


def test_a_reversal_potential_that_moves_is_recorded_as_it_moves() -> None:
    """E = E0 log(x) of a state x: neither a parameter nor constant; a Nernst potential of constants is hoisted."""
    own = Neuron(
        name="moving",
        capacitance="C",
        currents={"one": "g*(v - E0*log(x))", "two": "g*(v - E0*log(y/z))", "flat": "j"},
        states={"x": State("1", "0.5")},
        equations={"x": "(0.1 - x)/tau"},
        params={
            "C": Param(1.0, "uF/cm2"), "g": Param(0.1, "mS/cm2"), "E0": Param(25.0, "mV"), "tau": Param(20.0, "ms"),
            "y": Param(5.0, "mM"), "z": Param(140.0, "mM"), "j": Param(0.3, "uA/cm2"),
        },
        source="own choice",
    )  # fmt: skip
    run = sn.RunSim(sn.InitNeu({"model": own}), 10.0, record=["v", "x", "e_one", "e_two", "p_one", "i_one"])
    np.testing.assert_allclose(run.e_one, 25.0 * np.log(run.x), rtol=1e-13)
    np.testing.assert_allclose(run.e_two, np.full(run.time.size, 25.0 * np.log(5.0 / 140.0)), rtol=1e-14)
    np.testing.assert_allclose(run.p_one, run.i_one * (run.v - run.e_one), rtol=1e-12)
    with pytest.raises(errors.UnknownNameError, match="e_flat"):
        sn.RunSim(sn.InitNeu({"model": own}), 1.0, record=["e_flat"])


def test_what_flows_between_compartments_is_told_apart() -> None:
    """A dendrite: its own leak dissipates at its own voltage; the coupling is no current of ions."""
    own = Neuron(
        name="two",
        capacitance="C",
        currents={"axial": "g*(v - vd)"},
        channels={"leak": Mount("leak"), "far": Mount("leak", names={"v": "vd"})},
        states={"vd": State("mV", "-60")},
        equations={"vd": "(g*(v - vd) - current.far)/C"},
        params={"C": Param(1.0, "uF/cm2"), "g": Param(0.1, "mS/cm2")},
        source="own choice",
    )
    cell = sn.InitNeu({"model": own})
    run = sn.RunSim(cell, 5.0, record=["v", "vd", "p_leak", "p_far", "g_far"])
    np.testing.assert_allclose(run.p_far, 0.3 * (run.vd + 54.4) ** 2, rtol=1e-12)
    np.testing.assert_allclose(run.p_leak, 0.3 * (run.v + 54.4) ** 2, rtol=1e-12)
    with pytest.raises(errors.UnknownNameError, match="e_axial"):
        sn.RunSim(cell, 5.0, record=["e_axial"])
    use = functools.partial(sn.EnergyUse, method="electrical")
    with pytest.raises(errors.DataError, match="'axial' has no reversal potential"):
        sn.RunSim(cell, 5.0, features=[use])
    assert np.isnan(sn.IonDyn(cell).reversal.sel(channel="axial"))
    assert np.isnan(use(sn.IonDyn(cell)).power)
    assert use(sn.IonDyn(cell), currents=["leak", "far"]).power > 0
    both = functools.partial(use, currents=["leak", "far"])
    assert both(sn.RunSim(cell, 5.0, features=[both])).power > 0


def test_a_sweep_computes_it_on_the_way_and_keeps_no_trace(tmp_path) -> None:
    ranges, stimulus = {"gNa": sn.grid(80, 160, 3), "gK": [30.0, 36.0]}, sn.step([0.0, 10.0], 5.0)
    outputs = {"atp": sn.EnergyUse, "electrical": functools.partial(sn.EnergyUse, method="electrical", area="900 um2")}
    ds = sn.ParamSweep(ranges, duration=60, stimulus=stimulus, outputs=outputs, store=tmp_path / "s")
    assert "time" not in ds.dims
    assert ds.atp.dims == ("gNa", "gK", "step.amplitude")
    assert ds.electrical_power_process.dims == ("gNa", "gK", "step.amplitude", "process")
    assert ds.process.values.tolist() == ["k", "leak", "na"]
    units = {n: ds[n].attrs["units"] for n in ("atp", "electrical_power", "electrical_energy_per_spike")}
    assert units == {"atp": "1/(s cm2)", "electrical_power": "W", "electrical_energy_per_spike": "J"}
    cell = sn.InjCur(sn.InitNeu({"model": "hh", "gNa": 120.0, "gK": 36.0}), stimulus)
    run = sn.RunSim(cell, 60, features=list(outputs.values()))
    point = ds.sel(gNa=120.0, gK=36.0)
    np.testing.assert_array_equal(point.atp, sn.EnergyUse(run).atp)
    np.testing.assert_array_equal(point.electrical_atp_process, outputs["electrical"](run).atp_process)
    np.testing.assert_array_equal(np.isnan(point.electrical_energy_per_spike), run.spike_count == 0)


def test_stored_traces_are_measured_lazily(tmp_path) -> None:
    names = ["i_na", "i_leak", "g_leak", "e_leak", "e_na", "e_k"]
    study = sn.ParamSweep(
        {"gNa": [100.0, 120.0]}, duration=40, stimulus=10.0, record=names, every=4, store=tmp_path / "s", wait=False
    )
    study.wait()
    use = [sn.EnergyUse(study.open_data(c)) for c in (None, {"gNa": 1}, {"time": 100})]
    assert use[1].atp.chunks is not None
    for lazy in use[1:]:
        np.testing.assert_array_equal(lazy.atp_process.compute(), use[0].atp_process)
    whole = sn.RunSim(sn.InitNeu({"model": "hh", "gNa": [100.0, 120.0], "I": 10.0}), 40, features=[sn.EnergyUse])
    np.testing.assert_allclose(use[0].atp, sn.EnergyUse(whole).atp, rtol=0.02)
    part = sn.EnergyUse(study.data, t_start=10.0, t_stop="30 ms")
    assert "atp_per_spike" not in part
    assert (part.atp != use[0].atp).all()


def test_a_study_measures_a_window_of_what_it_records(tmp_path) -> None:
    use = functools.partial(sn.EnergyUse, currents=["na"], t_start=20.0)
    asked = {"duration": 50, "stimulus": 10.0, "outputs": {"late": use}}
    ds = sn.ParamSweep({"gNa": [100.0, 120.0]}, **asked, record=["i_na"], every=2, store=tmp_path / "s")
    np.testing.assert_allclose(ds.late_atp, sn.EnergyUse(ds, currents=["na"], t_start=20.0).atp, rtol=1e-12)
    assert np.isnan(ds.late_atp_per_spike).values.tolist() == [True, False]  # no spike after 20 ms in the first
    with pytest.raises(errors.DataError, match="in a window of time it needs i_na over time"):
        sn.ParamSweep({"gNa": [100.0, 120.0]}, **asked)


def test_a_window_counts_its_own_spikes() -> None:
    run = sn.RunSim(sn.InitNeu({"model": "hh", "I": 10.0}), 100.0, record=["i_na"])
    use = functools.partial(sn.EnergyUse, currents=["na"])
    part, whole = use(run, t_start=50.0), use(run)
    inside = int((run.spike_time >= 50.0).sum())
    assert 0 < inside < int(run.spike_count)
    np.testing.assert_allclose(part.atp_per_spike, part.atp * 0.05 / inside, rtol=1e-12)
    np.testing.assert_allclose(whole.atp_per_spike, whole.atp * 0.1 / run.spike_count, rtol=1e-12)


def test_a_failed_point_has_no_number(tmp_path) -> None:
    own = Neuron(
        name="runaway",
        capacitance="C",
        currents={"leak": "g*(v - E)"},
        params={"C": Param(1.0, "uF/cm2"), "g": Param(0.1, "mS/cm2", -1.0, 1.0), "E": Param(-65.0, "mV")},
        source="own choice",
    )
    use = functools.partial(sn.EnergyUse, reversals={"na": 50.0, "k": -90.0})
    ds = sn.ParamSweep(
        {"g": [-1.0, 0.1]}, own, duration=100, stimulus=1.0, outputs={"atp": use, "all": use}, store=tmp_path / "s",
        allow_unstable=True,
    )  # fmt: skip
    assert ds.status.values.tolist() == [int(sn.Status.OUT_OF_RANGE), int(sn.Status.OK)]
    for name in ("atp", "all_atp", "all_power_process"):
        assert np.isnan(ds[name].isel(g=0)).all()
        assert np.isfinite(ds[name].isel(g=1)).all()


HH = sn.InitNeu({"model": "hh"})


@pytest.mark.parametrize(
    ("options", "says"),
    [
        ({"method": "heat"}, "method 'heat' is not known"),
        ({"baseline": "rest"}, "baseline 'rest'"),
        ({"budget": "howarth2012"}, 'baseline="start", or overlap'),
        ({"currents": []}, "no list of names"),
        ({"currents": "na"}, "no list of names"),
        ({"currents": ["nap"]}, "Did you mean 'na'"),
        ({"currents": ["k"]}, "none of the currents"),
        ({"reversals": {"ca": 100.0}}, "ion 'ca'"),
        ({"reversals": {"na": np.nan}}, "NaN is not a value"),
        ({"area": 0.0}, "area"),
        ({"area": "10 mV"}, "does not convert"),
        ({"free_energy": -50.0}, "free_energy"),
        ({"overlap": 1.24}, "go together"),
        ({"overlap": 1.24, "capacitance": 1.0, "method": "electrical"}, "counts sodium"),
        ({"overlap": 1.24, "capacitance": "1 pF"}, "does not convert"),
    ],
)
def test_bad_options_are_refused_with_or_without_data(options, says) -> None:
    run = sn.RunSim(HH, 1.0, features=[sn.EnergyUse])
    with pytest.raises(errors.SneuronError, match=says):
        sn.EnergyUse(run, **options)


@pytest.mark.parametrize(
    ("given", "options", "says"),
    [
        (HH.v, {}, "is a DataArray"),
        (xr.Dataset({"i_na": HH.v}), {}, "does not say what model"),
        (HH, {}, "it lacks i_leak_mean"),
        (sn.IonDyn(HH), {"baseline": "start"}, "belong to runs"),
        (sn.IonDyn(HH), {"t_start": 1.0}, "belong to runs"),
        (sn.RunSim(HH, 1.0, features=[sn.EnergyUse]), {"t_start": 0.5}, "in a window of time it needs i_leak"),
        (sn.RunSim(HH, 1.0, record=["i_na"]), {}, "it lacks i_leak_mean"),
        (sn.RunSim(HH, 1.0, record=["i_na"]), {"currents": ["na"], "t_start": 0.99}, "samples are in the window"),
        (sn.RunSim(sn.InitNeu("lif"), 1.0), {}, "no current of 'na' alone"),
    ],
)
def test_what_does_not_hold_the_currents_is_refused(given, options, says) -> None:
    with pytest.raises(errors.SneuronError, match=says):
        sn.EnergyUse(given, **options)


def test_what_does_not_fit_the_data_is_refused() -> None:
    leak = {"currents": ["leak"], "reversals": {"na": 50.0, "k": -90.0}}
    state = sn.IonDyn(sn.InitNeu("lif"))
    assert sn.EnergyUse(state, **leak).atp.attrs["units"] == "1/s"
    with pytest.raises(errors.ParameterError, match="of whole cells"):
        sn.EnergyUse(state, area=100.0, **leak)
    with pytest.raises(errors.DataError, match="no spike count"):
        sn.EnergyUse(state, overlap=1.24, capacitance=250.0, **leak)


def test_a_run_without_a_step_has_no_mean() -> None:
    assert np.isnan(sn.EnergyUse(sn.RunSim(HH, 0.0, features=[sn.EnergyUse])).atp)


def test_a_study_refuses_before_it_runs() -> None:
    for model, says in (("lif", "no current of 'na' alone"), ("izhikevich", "no current of 'na' alone")):
        with pytest.raises(errors.DataError, match=says):
            sn.ParamSweep({"I": [0.0, 1.0]}, model, duration=10, outputs={"atp": sn.EnergyUse})
    mixed = functools.partial(sn.EnergyUse, reversals={"na": 50.0, "k": -90.0})
    with pytest.raises(errors.DataError, match="'quadratic' has no reversal"):
        sn.ParamSweep({"I": [0.0, 1.0]}, "izhikevich", duration=10, outputs={"atp": mixed})


def test_outputs_that_share_a_dim_share_its_values() -> None:
    more = functools.partial(sn.EnergyUse, baseline="start", budget="howarth2012")
    with pytest.raises(errors.PlanError, match="other values along 'process'"):
        sn.ParamSweep({"I": [0.0]}, duration=10, outputs={"a": sn.EnergyUse, "b": more})
    windows = {n: functools.partial(sn.FireRate, window=w, t_stop=w * 2) for n, w in (("a", 20.0), ("b", 30.0))}
    with pytest.raises(errors.PlanError, match="other values along 'time'"):
        sn.ParamSweep({"I": [0.0]}, duration=60, outputs=windows)


def test_a_measure_says_what_it_needs() -> None:
    model = load_model("hh")
    attrs = {"model": model.to_json()}
    offers = sn.lang.program.recordable(model)
    assert sn.FireRate.needs(attrs, offers) == ()
    assert sn.EnergyUse.needs(attrs, offers, {"method": "electrical"}) == ("p_k_mean", "p_leak_mean", "p_na_mean")
    assert "i_na_first" in sn.EnergyUse.needs(attrs, offers, {"baseline": "start"})
