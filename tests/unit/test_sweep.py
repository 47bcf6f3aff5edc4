"""ParamSweep over real models: layout, values, units, attrs, traces, growth, custom outputs."""

import functools
import json
import sys
from pathlib import Path

import numpy as np
import pytest
import xarray as xr

import sneuron as sn
from sneuron import errors
from sneuron.explore.cluster import Place
from sneuron.explore.engine import NEURONS
from sneuron.explore.plan import Plan
from sneuron.explore.study import Study
from sneuron.labels import Status

sys.path.insert(0, str(Path(__file__).parent))

import own_measures

SMALL = {"gNa": [100.0, 120.0, 140.0], "gK": [30.0, 36.0]}


def sweep(store, ranges=None, model="hh", **more):
    return sn.ParamSweep(ranges or SMALL, model, **{"duration": 60, "stimulus": 10.0, "store": store, **more})


def test_the_dataset_is_labelled_and_says_where_it_comes_from(tmp_path) -> None:
    ds = sweep(
        tmp_path / "s", outputs={"rate": sn.FireRate, "top": "v_max", "isi": sn.ISIComp}, name="small map", seed=5
    )
    assert ds.spike_count.dims == ("gNa", "gK")
    assert {"status", "first_bad_time", "spike_count", "rate", "top"} <= set(ds)
    assert "isi_cv" in ds
    assert ds.gNa.attrs["units"] == "mS/cm2"
    assert (ds.rate.attrs["units"], ds.top.attrs["units"], ds.spike_count.attrs["units"]) == ("Hz", "mV", "1")
    assert ds.status.attrs["flag_meanings"].split()[int(ds.status[0, 0])] == "ok"
    assert all("units" in ds[v].attrs for v in [*ds, *ds.coords] if v != "status")
    expected = {"title": "small map", "seed": "5", "dt": 0.01, "duration": 60.0, "model_name": "hh_el54_3"}
    assert {k: v for k, v in ds.attrs.items() if k in expected} == {**expected, "dt": ds.attrs["dt"]}
    assert sn.load_model(ds.attrs["model"]).hash == ds.attrs["model_hash"]
    assert json.loads(ds.attrs["versions"])["numpy"] == np.__version__
    assert Study.open(tmp_path / "s").hash == ds.attrs["plan_hash"]


def test_the_values_are_those_of_single_runs(tmp_path) -> None:
    ds = sweep(tmp_path / "s", outputs={"rate": sn.FireRate, "v_mean": "v_mean"})
    for gna in (100.0, 140.0):
        cell = sn.InjCur(sn.InitNeu({"model": "hh", "gNa": gna, "gK": 36.0}), 10.0)
        run = sn.RunSim(cell, 60, features=["v_mean"])
        point = ds.sel(gNa=gna, gK=36.0)
        assert float(point.v_mean) == float(run.v_mean)
        assert float(point.spike_count) == float(run.spike_count)
        assert float(point.rate) == float(sn.FireRate(run))


@pytest.mark.parametrize("model", ["hh", "adex", "izhikevich", "lif"])
def test_the_layout_that_is_planned_is_the_layout_that_comes_out(model) -> None:
    stimulus = [sn.step([1.0, 2.0], 5, 45), sn.step(xr.DataArray([0.0, 1.0, 2.0], dims="sweep"), 5, 45)]
    outputs = {
        "rate": sn.FireRate,
        "v_max": "v_max",
        "isi": sn.ISIComp,
        "first": own_measures.first_spike,
        "span": own_measures.span,
    }
    plan = Plan.make({"I": [0.0, 1.0]}, model, duration=50, stimulus=stimulus, outputs=outputs, record=["v"], every=10)
    layout = NEURONS.layout(plan)
    from sneuron.explore.engine import _results, _state, _usual

    run = sn.RunSim(_state(_usual(plan, 1)), 50, plan.dt, plan.method, record=["v"], every=10, features=["v_max"])
    real = _results(run, plan, 1)
    assert list(real) == list(layout.variables)
    for name, array in real.items():
        dims, dtype, attrs = layout.variables[name]
        assert (array.dims[1:], array.dtype.name) == (dims, dtype), name
        assert array.attrs.get("units") == attrs.get("units"), name
        assert {d: n for d, n in array.sizes.items() if d != "point"}.items() <= layout.sizes.items()
    for name, coord in layout.coords.items():
        if name in run.coords:
            assert np.array_equal(coord.values, run[name].values), name


def test_dims_of_stimuli_become_dims_of_the_results(tmp_path) -> None:
    ds = sweep(tmp_path / "s", {"gNa": [100.0, 120.0]}, stimulus=sn.step([0.0, 10.0, 20.0], 5, 55), outputs=["v_max"])
    assert ds.spike_count.dims == ("gNa", "step.amplitude")
    assert ds["step.amplitude"].values.tolist() == [0.0, 10.0, 20.0]
    assert ds.status.dims == ds.spike_count.dims
    assert (ds.spike_count.values[:, 0] == 0).all()
    assert (np.diff(ds.spike_count.values, axis=1) >= 0).all()


def test_recording_everywhere_and_at_chosen_points(tmp_path) -> None:
    everywhere = sweep(tmp_path / "all", record=["v", "i_na"], every=4)
    assert everywhere.v.dims == ("gNa", "gK", "time")
    assert everywhere.i_na.attrs["units"] == "uA/cm2"
    for at in ({"gNa": [120.0], "gK": 36.0}, [3]):
        chosen = sweep(tmp_path / f"at{len(at)}", record=["v", "i_na"], every=4, record_at=at)
        assert chosen.v.dims == ("trace", "time")
        assert (float(chosen.trace_gNa[0]), float(chosen.trace_gK[0])) == (120.0, 36.0)
        assert np.array_equal(chosen.v[0].values, everywhere.v.sel(gNa=120.0, gK=36.0).values)
        assert np.array_equal(chosen.time.values, everywhere.time.values)
        assert np.array_equal(chosen.spike_count.values, everywhere.spike_count.values)
    for at, says in (({"gNa": 121.0}, "not on the axis"), ({"gM": 1}, "gM"), ([99], "0 to 5"), ([], "does not number")):
        with pytest.raises(errors.SneuronError, match=says):
            sweep(tmp_path / "bad", record=["v"], record_at=at)
    with pytest.raises(errors.PlanError, match="no variables"):
        sweep(tmp_path / "bad", record_at=[1])


def test_outputs_of_every_kind(tmp_path) -> None:
    outputs = {
        "rate": functools.partial(sn.FireRate, t_start=10.0),
        "also": {"measure": "FireRate", "t_start": 10.0},
        "first": own_measures.first_spike,
        "first_or_zero": {"function": "own_measures:first_spike", "default": 0.0},
        "span": own_measures.span,
        "top": "v_max",
    }
    ds = sweep(tmp_path / "s", outputs=outputs, record=["v"], stimulus=[10.0, sn.step(-30.0, 0, 5)])
    assert np.array_equal(ds.rate, ds.also)
    assert np.array_equal(ds["first"], ds.first_or_zero)
    assert (ds["first"] > 0).all()
    assert np.array_equal(ds.span_high, ds.v.max("time"))
    assert (ds.top >= ds.span_high - 1e-9).all()


def test_a_function_that_changed_is_refused(tmp_path, monkeypatch) -> None:
    sweep(tmp_path / "s", outputs={"first": own_measures.first_spike}, scheduler="inline")
    study = Study.open(tmp_path / "s")
    monkeypatch.setattr(own_measures, "first_spike", own_measures.span)
    study.folder.drop_receipt("main", 0)
    study.place = Place(scheduler="inline")
    study.run()
    assert "not that of the plan" in str(study.failures().message.values[0])


def test_the_same_call_again_opens_what_is_there(tmp_path) -> None:
    one = sweep(tmp_path / "s").load()
    receipt = (tmp_path / "s" / "receipts" / "main" / "0.json").read_bytes()
    other = sweep(tmp_path / "s").load()
    assert one.identical(other)
    assert (tmp_path / "s" / "receipts" / "main" / "0.json").read_bytes() == receipt
    with pytest.raises(errors.StoreError, match="holds another study"):
        sweep(tmp_path / "s", duration=61)


def test_extending_a_sweep_computes_only_what_is_new(tmp_path) -> None:
    sweep(tmp_path / "s", outputs=["v_max"])
    study = Study.open(tmp_path / "s").extend(gNa=[160.0, 120.0], gK=["0.02 S/cm2"])
    whole = sweep(tmp_path / "w", {"gNa": [100.0, 120.0, 140.0, 160.0], "gK": [20.0, 30.0, 36.0]}, outputs=["v_max"])
    grown = study.data.sortby("gK")
    for name in ("v_max", "spike_count", "status"):
        assert np.array_equal(grown[name].values, whole[name].values), name
    assert grown.attrs["plan_hash"] == study.hash


def test_samples_have_computed_coordinates(tmp_path) -> None:
    ds = sweep(tmp_path / "s", sn.sobol(32, {"gNa": (80, 160), "gK": sn.log(20, 50)}, seed=2), where="gNa > 3*gK")
    assert ds.gNa.dims == ("point",)
    excluded = ds.status.values == Status.EXCLUDED
    assert np.array_equal(excluded, ds.gNa.values <= 3 * ds.gK.values)
    assert 0 < excluded.sum() < 32
    assert np.isnan(ds.spike_count.values[excluded]).all()


def test_repeats_of_noise_differ_and_do_not_depend_on_the_study(tmp_path) -> None:
    stimulus = sn.noise(8.0, 4.0, tau=5.0, stop=60)
    few = sweep(tmp_path / "few", {"gNa": [120.0]}, stimulus=stimulus, repeats=3, outputs=["v_mean"])
    many = sweep(tmp_path / "many", {"gNa": [100.0, 120.0]}, stimulus=stimulus, repeats=5, outputs=["v_mean"])
    other = sweep(tmp_path / "other", {"gNa": [120.0]}, stimulus=stimulus, repeats=3, outputs=["v_mean"], seed=1)
    assert few.v_mean.dims == ("gNa", "repeat")
    assert len(np.unique(many.v_mean.values)) == 10
    assert np.array_equal(few.v_mean.values, many.v_mean.sel(gNa=[120.0], repeat=[0, 1, 2]).values)
    assert not np.intersect1d(few.v_mean.values, other.v_mean.values).size


def test_one_point_and_start_values(tmp_path) -> None:
    one = sweep(tmp_path / "one", {"I": 10.0}, record=["v"], record_at=[0])
    assert one.spike_count.dims == ()
    assert one.v.dims == ("trace", "time")
    assert float(one.spike_count) > 3
    starts = sweep(tmp_path / "starts", {"v": [-70.0, -60.0]}, record=["m"], duration=1)
    assert starts.m.values[0, 0] < starts.m.values[1, 0]
    with pytest.raises(errors.PlanError, match="swept and cannot be recorded"):
        sweep(tmp_path / "bad", {"v": [-70.0, -60.0]}, record=["v"])


@pytest.mark.parametrize(
    ("model", "ranges"),
    [
        ("hh", {"gNa": sn.grid(80, 160, 9), "I": [5.0, 10.0, 15.0]}),
        ("adex", {"b": sn.grid(20, 90, 9), "I": [300.0, 600.0, 900.0]}),
    ],
)
@pytest.mark.parametrize("dtype", ["float64", "float32"])
def test_the_cut_into_blocks_changes_no_bit(tmp_path, model, ranges, dtype) -> None:
    """Blocks of 1, 2, 5, 7 and all points: other lanes, other neighbours, the same bits."""
    noise = sn.noise(1.0, 5.0, tau=5.0, stop=40)
    outputs = {"rate": "FireRate", "top": "v_max", "middle": "v_mean", "cv": "ISIComp"}
    plan = Plan.make(ranges, model, duration=40, stimulus=noise, repeats=2, outputs=outputs, dtype=dtype)
    cost = NEURONS.seconds(plan)
    results = []
    for points in (1, 2, 5, 7, 1000):
        place = Place(scheduler="inline", workers=1)
        study = Study.create(plan, tmp_path / str(points), place=place, block_seconds=points * cost * 0.999)
        results.append(study.run().data.load())
    assert len({Study.open(tmp_path / str(p)).status()["blocks"] for p in (1, 2, 5, 7, 1000)}) == 5
    for other in results[1:]:
        assert other.drop_attrs().identical(results[0].drop_attrs())
    assert np.unique(results[0].middle.values).size == results[0].middle.size


def test_without_a_store_the_place_is_temporary_and_told(capfd) -> None:
    ds = sn.ParamSweep({"I": [0.0, 10.0]}, duration=20)
    told = capfd.readouterr().err
    assert "results are kept in" in told
    assert ds.spike_count.values.tolist() == [0.0, 2.0]


def test_background_and_stop(tmp_path) -> None:
    study = sweep(tmp_path / "s", wait=False)
    assert isinstance(study, Study)
    study.wait()
    assert study.status()["state"] == "done"
    study.stop()
    assert study.start().wait() is None


def test_points_that_blow_up_are_flagged_and_told(tmp_path) -> None:
    ranges = {"gNa": [0.0, 120.0], "gK": [0.0]}
    ds = sweep(tmp_path / "s", ranges, dt=0.2, method="euler", allow_unstable=True, outputs=["v_max"])
    assert ds.status.values[:, 0].tolist() == [Status.OK, Status.OUT_OF_RANGE]
    assert np.isfinite(ds.v_max.values[0, 0])
    assert np.isnan(ds.v_max.values[1, 0])
    assert 0 < ds.first_bad_time.values[1, 0] < 10
    failed = Study.open(tmp_path / "s").failures()
    assert failed.gNa.values.tolist() == [120.0]
    assert failed.status.values.tolist() == ["out_of_range"]
    assert ds.attrs["allow_unstable"] == 1


def test_one_client_in_scope_is_used_and_left_alone(tmp_path) -> None:
    distributed = pytest.importorskip("distributed")
    with distributed.Client(n_workers=1, threads_per_worker=1, processes=False, dashboard_address=None) as client:
        ds = sweep(tmp_path / "s", outputs=["v_max"])
        again = sweep(tmp_path / "given", outputs=["v_max"], client=client)
        assert ds.v_max.identical(again.v_max)
        assert client.status == "running"
        receipt = Study.open(tmp_path / "s").folder.receipt("main", 0)
        assert receipt["info"]["attempt"] == 1
    with pytest.raises(errors.PlanError, match="no Dask client"):
        sweep(tmp_path / "bad", client=3)
