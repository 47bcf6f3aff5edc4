"""`FitModel`: one study, whatever searches in it."""

import json

import numpy as np
import pytest
import xarray as xr
from scipy import stats

import sneuron as sn
from sneuron import errors
from sneuron.explore.asked import ASKED
from sneuron.explore.baselines import count_baselines, lif_rate
from sneuron.explore.cells import cell_of

AIM = {"rate": {"measure": "FireRate", "goal": 40.0}}
RANGES = {"I": (200, 700), "C": sn.log(100, 400)}
HOW = {"objective": AIM, "duration": 200, "batch": 64, "budget": 320, "progress": False, "scheduler": "inline"}


def fitted(store=None, **changes):
    return sn.FitModel(None, "lif", changes.pop("ranges", RANGES), **{**HOW, "store": store, **changes})


def recorded(currents=(420.0, 500.0, 600.0, 760.0), length=400.0, **params):
    """A cell that a leaky neuron makes."""
    sweeps = xr.DataArray(list(currents), dims="sweep")
    time = np.arange(0.0, length + 0.05, 0.1)
    run = sn.RunSim(sn.InitNeu({"model": "lif", "I": sweeps, **params}), length, 0.1, record=["v"])
    current = xr.DataArray(np.broadcast_to(sweeps.values[:, None], (len(currents), len(time))).copy(),
                           dims=("sweep", "time"), coords={"time": time}, attrs={"units": "pA"})  # fmt: skip
    own = run.drop_vars(["I", "status"], errors="ignore")
    return {"current": current, "voltage": own["v"].assign_attrs(units="mV"), "spike_time": own["spike_time"]}


@pytest.mark.parametrize("method", ["cma", "de", "nsga2", "sobol", "random", "abc"])
def test_every_method_comes_near_a_rate_and_keeps_every_evaluation(method):
    fit = fitted(method=method, options={"particles": 64} if method == "abc" else None)
    evals = fit.evals
    assert evals.sizes["point"] == 320
    assert float(fit.best.loss) == evals.loss.min()
    assert float(fit.best.rate) == 40.0
    assert (evals.status == 1).all()
    assert evals.I.attrs["units"] == "pA"
    assert ((evals.C >= 100) & (evals.C <= 400)).all()
    assert evals.generation.values.tolist() == np.repeat(range(5), 64).tolist()


def test_the_same_bits_however_a_batch_is_cut():
    whole = fitted(workers=1).evals
    parts = fitted(workers=2)
    assert parts.study.folder.template(ASKED).block == {"point": 32}
    xr.testing.assert_identical(whole.drop_attrs(), parts.evals.drop_attrs())


def test_a_larger_budget_goes_on_and_computes_nothing_again(tmp_path):
    first = fitted(tmp_path / "fit", budget=128)
    before = {r["block"]: r["written"] for r in first.study.folder.receipts("main")}
    second = fitted(tmp_path / "fit", budget=320)
    after = {r["block"]: r["written"] for r in second.study.folder.receipts("main")}
    assert {k: after[k] for k in before} == before
    assert len(after) == 320 // 32
    xr.testing.assert_identical(second.evals.drop_attrs(), fitted(budget=320).evals.drop_attrs())


def test_a_search_that_died_within_a_batch_computes_the_rest_of_it(tmp_path):
    fit = fitted(tmp_path / "fit")
    whole = fit.evals
    last = max(fit.study.folder.done("main"))
    written = fit.study.folder.receipt("main", last - 1)["written"]
    fit.study.folder.drop_receipt("main", last)
    assert fit.study.status()["done"] == 9
    again = fitted(tmp_path / "fit")
    assert again.study.folder.receipt("main", last - 1)["written"] == written
    xr.testing.assert_identical(again.evals, whole)


def test_others_can_look_while_it_runs(tmp_path):
    fitted(tmp_path / "fit", budget=128)
    study = sn.Study.open(tmp_path / "fit")
    assert study.status()["state"] == "done"
    assert study.status()["points"] == 128
    data = study.data
    assert (data.status.values[:128] == 1).all()
    assert (data.status.values[128:] == 0).all()
    assert np.isfinite(data.I.values[:128]).all()
    assert study.verify() == []


def test_points_of_a_store_that_another_search_asked_for_are_refused(tmp_path):
    fitted(tmp_path / "fit", budget=64)
    with pytest.raises(errors.StoreError, match="another study"):
        fitted(tmp_path / "fit", budget=64, seed=1)


def test_a_budget_beyond_the_room_of_the_store_is_refused(tmp_path):
    fitted(tmp_path / "fit", budget=64)
    with pytest.raises(errors.PlanError, match="no room"):
        fitted(tmp_path / "fit", budget=2560)


def test_it_stops_at_its_target():
    assert fitted(target=0.5, budget=320).search.done < 5


def test_derived_and_fixed_parameters_and_conditions():
    fit = fitted(ranges={"I": (200, 700), "C": 150.0, "gL": sn.derived("C/15")}, where="I > 300", method="sobol")
    evals = fit.evals
    assert float(evals.C) == 150.0
    np.testing.assert_allclose(evals.gL, 10.0)
    out = evals.I <= 300
    assert (evals.status.values[out.values] == 7).all()
    assert np.isinf(evals.loss.values[out.values]).all()
    assert np.isfinite(evals.loss.values[~out.values]).all()


def test_the_model_with_the_best_values_is_a_model(tmp_path):
    fit = fitted(ranges={"C": (100, 400), "gL": (5, 20)}, objective={"rate": {"measure": "FireRate", "goal": 0.0}})
    model = sn.load_model(json.loads(sn.ExportJSON(fit.model)))
    assert model.params["C"].value == fit.params["C"]
    assert "fitted" in model.params["gL"].source


@pytest.mark.parametrize("spiking", [False, True])
def test_a_trace_is_fitted_by_its_error(spiking):
    given = recorded(currents=(420.0, 500.0) if spiking else (50.0, 150.0), length=60.0, C=250.0)
    fit = sn.FitModel(
        {"current": given["current"], "voltage": given["voltage"]}, "lif", {"C": (100, 400)}, dt=0.1, batch=32,
        budget=640, target=1e-3, objective="trace_error" if spiking else None, scheduler="inline",
    )  # fmt: skip
    assert fit.evals.trace_error.sizes == {"point": fit.evals.sizes["point"], "sweep": 2}
    assert fit.params["C"] == pytest.approx(250.0, rel=1e-2)


def test_the_front_of_many_points_is_that_of_the_definition():
    from sneuron.explore.fitted import _first
    from sneuron.explore.optimisers.pareto import fronts

    rng = np.random.default_rng(3)
    losses = rng.random((3000, 3)).round(2)
    found = _first(losses)
    assert {tuple(x) for x in losses[found]} == {tuple(x) for x in losses[fronts(losses) == 0]}
    assert len(np.unique(losses[found], axis=0)) == len(found)
    x = rng.permutation(6000) / 6000
    both = np.concatenate([np.stack([x, 1 - x], 1), np.stack([x, 1 - x], 1) + 0.5])
    assert sorted(_first(both)) == list(range(6000))


def test_terms_are_kept_apart_and_make_a_front():
    both = {"rate": {"measure": "FireRate", "goal": 60.0, "sd": 20.0}, "low": {"feature": "v_mean", "goal": -70.0}}
    fit = fitted(objective=both, method="nsga2", budget=640)
    front = fit.front
    assert front.sizes["point"] > 5
    assert (np.diff(front.loss_rate) > 0).all()
    assert (np.diff(front.loss_low) < 0).all()
    evals = fit.evals
    for k in range(front.sizes["point"]):
        one = front.isel(point=k)
        assert not ((evals.loss_rate < one.loss_rate) & (evals.loss_low < one.loss_low)).any()


def test_counts_of_sweeps_are_found_again_and_predicted():
    data = recorded()
    fit = sn.FitModel(
        data, "lif", {"C": (100, 400), "gL": (15, 35)}, objective=["counts", "van_rossum"], train=[0, 2], test=[1, 3],
        budget=1280, batch=128, dt=0.1, scheduler="inline",
    )  # fmt: skip
    assert fit.evals.van_rossum.sizes == {"point": 1280, "sweep": 2}
    scores = fit.scores()
    assert scores.held_out.values.tolist() == [False, True, False, True]
    assert scores["count"].dims == ("predictor", "sweep")
    assert float(scores.rmse.sel(predictor="model", part="test")) <= 1.0
    assert "held-out" in scores.attrs["verdict"]
    run = fit.predict()
    assert run.v.sizes["sweep"] == 4


def test_without_held_out_sweeps_predictions_are_not_praised():
    fit = sn.FitModel(recorded(), "lif", {"C": (100, 400)}, objective="counts", budget=64, batch=64, dt=0.1,
                      scheduler="inline")  # fmt: skip
    scores = fit.scores()
    assert "not known" in scores.attrs["verdict"]
    assert scores.rmse.sel(part="test").isnull().all()
    assert scores.rmse.sel(part="train").notnull().all()


def test_what_follows_is_followed_wherever_the_model_runs():
    from sneuron.explore.fitfile import examples

    fit = fitted(ranges={"I": (500, 700), "C": (200, 300), "gL": sn.derived("C/15"), "t_ref": 3.0}, method="sobol")
    own = {"I": 600.0, "C": 300.0, "t_ref": 3.0}
    truth = sn.RunSim(sn.InitNeu({"model": "lif", **own, "gL": 20.0}), 200, 0.1)
    for made in (fit.predict({"C": 300.0, "I": 600.0}), fit.synthetic({"I": 600.0, "C": 300.0})):
        np.testing.assert_array_equal(made.spike_time, truth.spike_time)
    assert fit.predict().spike_count == fit.predict(fit.params).spike_count
    some = examples(fit, fit.region(100.0), None)
    np.testing.assert_allclose(some.gL, some.C / 15)
    params = {n: xr.DataArray(some[n].values, dims="example") for n in ("I", "C", "gL")}
    again = sn.RunSim(sn.InitNeu({"model": "lif", "t_ref": 3.0, **params}), 200, 0.1)
    np.testing.assert_array_equal(some.spike_count, again.spike_count)


def test_a_silent_sweep_is_met_by_silence_alone():
    from sneuron.explore.objectives import Term

    found = {"g": ("sweep", [np.nan, np.nan]), "spike_count": ("sweep", [0.0, 90.0]), "status": ("sweep", [1, 1])}
    term = Term("g", {}, 1.0, quiet=xr.DataArray([True, True], dims="sweep"))
    assert term.deviation(xr.Dataset(found)).values.tolist() == [0.0, 10.0]


def test_a_model_that_explains_nothing_is_told_so():
    data = recorded()
    fit = sn.FitModel(
        data, "lif", {"C": (380, 400), "gL": 32.0}, objective="counts", train=[0, 2], test=[1, 3], budget=64, batch=64,
        dt=0.1, scheduler="inline",
    )  # fmt: skip
    assert "explains nothing" in fit.scores().attrs["verdict"]


def test_the_closed_form_of_the_baseline_is_the_rate_of_a_leaky_neuron():
    run = sn.RunSim(sn.InitNeu({"model": "lif", "I": [300.0, 500.0], "C": 200.0, "gL": 10.0, "t_ref": 2.0}), 5000, 0.1)
    model = sn.load_model("lif")
    drop = model.params["Vth"].value - model.params["EL"].value
    reset = model.params["Vr"].value - model.params["EL"].value
    assert reset == 0
    rate = lif_rate([300.0, 500.0], 100.0, 20.0, drop, 2.0)
    np.testing.assert_allclose(run.spike_count, rate * 5000, atol=1.5)


def test_baselines_learn_from_train_sweeps_only():
    cell = cell_of(recorded(length=1000.0))
    found = count_baselines(cell, [0, 2])
    np.testing.assert_allclose(found.interpolation[[0, 2]], cell.spike_count[[0, 2]])
    other = cell.assign(spike_count=cell.spike_count.copy(data=[*cell.spike_count.values[:3], 999.0]))
    xr.testing.assert_equal(found, count_baselines(other, [0, 2]))


def test_profiles_bounds_and_parameters_of_no_matter():
    fit = fitted(
        ranges={"I": (200, 410), "C": (200, 200.001)}, objective={"rate": {"measure": "FireRate", "goal": 60.0}}
    )
    found = fit.diagnostics()
    assert found.at_bound.sel(param="I") == 1
    assert not bool(found.matters.sel(param="C"))
    assert bool(found.matters.sel(param="I"))
    assert "widen" in found.attrs["verdict"]
    assert "no matter" in found.attrs["verdict"]
    steps = np.diff(found.running.values, axis=1)
    assert (steps[np.isfinite(steps)] <= 0).all()


def test_eigenvalues_of_a_valley_with_known_axes():
    from sneuron.explore.diagnosis import spectrum

    unit = np.random.default_rng(0).random((4000, 3))
    turn = np.linalg.qr(np.random.default_rng(1).normal(size=(3, 3)))[0]
    loss = ((unit - 0.5) @ turn) ** 2 @ np.array([100.0, 1.0, 0.01]) + 3.0
    values, vectors = spectrum(unit, loss)
    np.testing.assert_allclose(values, [200.0, 2.0, 0.02], rtol=1e-3)
    np.testing.assert_allclose(np.abs(np.sum(vectors * turn.T, 1)), 1.0, atol=1e-6)


def test_too_few_evaluations_tell_no_eigenvalues():
    fit = fitted(budget=8, batch=8, starts=1, ranges={"I": (200, 700), "C": (100, 400), "gL": (5, 20)})
    found = fit.diagnostics()
    assert found.eigenvalue.isnull().all()
    assert np.isnan(found.attrs["sloppiness"])


def test_the_sloppiest_direction_is_one_of_those_that_are_compared():
    from sneuron.explore.diagnosis import _verdict

    found = xr.Dataset(
        {"agrees": ("start", [True]), "at_bound": ("param", [0, 0, 0]), "matters": ("param", [True] * 3),
         "eigenvalue": ("mode", [1e5, 1.0, -3.0]), "direction": (("mode", "param"), np.eye(3))},
        coords={"param": ["a", "b", "c"]}, attrs={"sloppiness": 5.0},
    )  # fmt: skip
    assert _verdict(found).endswith("the sloppiest: +1.00 b.")


def test_points_spread_for_a_region_do_not_stop_at_the_target():
    fit = fitted(budget=64, target=30.0)
    assert fit.scattered(512).sizes["point"] == 512
    points = fit.scattered(512)
    assert fit.region(40.0, points=points).volume == (points.loss <= 40.0).mean()


def test_the_region_of_two_islands():
    from sneuron.explore.asked import Design
    from sneuron.explore.optimisers.base import scattered
    from sneuron.explore.ranges import marginal_in
    from sneuron.explore.region import good_region

    unit = scattered(0, 8192, 2, 0)
    design = Design(ASKED, 0, 8192, 8192, 0, True, tuple((n, marginal_in((0, 2), "1", n)) for n in "xy"))
    data = xr.Dataset(coords={"x": ("point", 2 * unit[:, 0]), "y": ("point", 2 * unit[:, 1])})
    loss = np.minimum(np.hypot(*(unit - [0.25, 0.3]).T) / 0.2, np.hypot(*(unit - [0.75, 0.75]).T) / 0.1)
    found = good_region(design, data, loss, 1.0)
    area = np.pi * (0.2**2 + 0.1**2)
    assert float(found.volume_low) < area < float(found.volume_high)
    np.testing.assert_allclose(found["size"], [0.8, 0.2], atol=0.01)
    assert abs(float(found.correlation.sel(param="x", **{"with": "y"}))) > 0.1
    with pytest.raises(errors.DataError, match="no point"):
        good_region(design, data, loss, -1.0)


def test_zero_error_of_a_simple_cell_is_a_region_and_not_a_point():
    """Two spike counts of a Hodgkin-Huxley soma over two conductances, the box of BluePyOpt's first example.

    Its steps are of our own choice: densities of current, whatever the size of the soma.

    The area of the region is that of a fine grid of the same box.
    """
    goal = xr.DataArray([1.0, 5.0], dims="step.amplitude")
    stimulus = sn.step([4.0, 20.0], start=10, stop=60)
    how = {"duration": 80, "stimulus": stimulus, "dt": 0.05}
    fit = sn.FitModel(
        None, "hh", {"gNa": (50, 125), "gK": (10, 75)}, objective={"counts": {"goal": goal}}, method="sobol",
        budget=4096, batch=1024, scheduler="inline", **how,
    )  # fmt: skip
    region = fit.region(1e-9)
    grid = sn.ParamSweep(
        {"gNa": sn.grid(50, 125, 96), "gK": sn.grid(10, 75, 96)}, model="hh", scheduler="inline", **how
    )
    area = float((grid.spike_count == goal.drop_attrs()).all("step.amplitude").mean())
    assert area > 0.02
    assert float(region.volume_low) < area < float(region.volume_high)
    assert region.sizes["point"] > 50


def test_ranks_of_truths_in_their_posteriors_are_uniform():
    fit = fitted(method="random", budget=16384, batch=4096, objective={
        "rate": {"measure": "FireRate", "goal": 40.0, "sd": 5.0}, "v_mean": {"goal": -60.0, "sd": 1.0}})  # fmt: skip
    found = fit.calibrate(n=1000, draws=60, tolerance=1.0)
    assert found.sizes["cell"] > 900
    assert (found.p_value > 0.01).all()
    assert found["rank"].min() >= 0
    assert found["rank"].max() <= 60
    bent = found["rank"].values ** 2 // 60
    assert stats.chisquare(np.histogram(bent[:, 0], 20)[0]).pvalue < 1e-6


def test_synthetic_cells_are_recovered():
    fit = sn.FitModel(
        recorded(), "lif", {"C": (100, 400), "gL": (15, 30)}, objective="van_rossum", budget=64, batch=64, dt=0.1,
        scheduler="inline",
    )  # fmt: skip
    found = fit.recovery(3, budget=1280, batch=128)
    assert found.truth.sizes == {"cell": 3, "param": 2}
    assert (found.error < 0.05).all()


BAD = {
    "length": ({"current": slice(0, -10)}, errors.DataError, "places along 'time'"),
    "volts": ({"scale": 1e-3}, errors.DataError, "Say which unit"),
    "seconds": ({"time": 1e-6}, errors.DataError, "looks like seconds"),
    "holes": ({"nan": True}, errors.DataError, "holes"),
}


@pytest.mark.parametrize("case", BAD)
def test_data_that_cannot_be_are_refused(case):
    change, kind, text = BAD[case]
    data = dict(recorded())
    if "current" in change:
        data["current"] = data["current"].isel(time=change["current"])
    if "scale" in change:
        data["voltage"] = (data["voltage"] * change["scale"]).assign_attrs(units="mV")
    if "time" in change:
        data = {n: a.assign_coords(time=a.time * change["time"]) if "time" in a.coords else a for n, a in data.items()}
    if "nan" in change:
        data["voltage"] = data["voltage"].where(data["voltage"].time > 5)
    with pytest.raises(kind, match=text):
        sn.FitModel(data, "lif", {"C": (100, 400)}, budget=64)


@pytest.mark.parametrize(
    ("changes", "kind", "text"),
    [
        ({"ranges": {"gNaX": (1, 2)}}, errors.UnknownNameError, "gNaX"),
        ({"ranges": {"C": sn.grid(1, 2, 5)}}, errors.ParameterError, "no range to search"),
        ({"ranges": {"I": (1, 2), "C": [100.0, 150.0, 200.0]}}, errors.ParameterError, "no range to search"),
        ({"ranges": {"C": 100.0}}, errors.ParameterError, "nothing is searched"),
        ({"ranges": {"C": (-5, 100)}}, errors.ParameterError, "out of bounds"),
        ({"ranges": {"C": stats.norm(200, 20)}}, errors.ParameterError, "no ends"),
        ({"method": "cmaes"}, errors.UnknownNameError, "cma"),
        ({"options": {"sigmo": 1}}, errors.UnknownNameError, "sigma"),
        ({"options": {"nudge": 1.0}}, errors.UnknownNameError, "nudge"),
        ({"batch": 63}, errors.ParameterError, "share"),
        ({"budget": 0}, errors.ParameterError, "budget"),
        ({"method": "sobol", "starts": 4}, errors.ParameterError, "one search"),
        ({"objective": "gama"}, errors.UnknownNameError, "gamma"),
        ({"objective": "gamma"}, errors.DataError, "no recorded spikes"),
        ({"objective": {"rate": {"measure": "FireRate"}}}, errors.DataError, "what it should be"),
        ({"objective": {"rate": {"measure": "FireRate", "goal": 1.0, "sd": 0.0}}}, errors.ParameterError, "sd"),
        ({"objective": {"rate": {"measure": "FireRate", "goal": 1.0, "sd": "x"}}}, errors.ParameterError, "sd"),
        ({"objective": {"rate": {"measure": "FireRate", "goal": [1.0, 2.0]}}}, errors.ParameterError, "DataArray"),
        ({"objective": {"rate": {"measure": "FireRate", "goal": np.nan}}}, errors.ParameterError, "goal is nan"),
        ({"objective": {"rate": {"measure": "FireRate", "goal": 1.0, "sd": xr.DataArray([1.0], dims="x")}}},
         errors.DataError, "the sd has dims"),
        ({"objective": {"firing": {"measure": "FireClass", "goal": 1.0}}}, errors.UnknownNameError, "period"),
        ({"objective": {"f": {"measure": "FireClass", "variable": "pattern", "goal": "bursty"}}},
         errors.UnknownNameError, "bursting"),
        ({"duration": None}, errors.TimeError, "how long"),
        ({"method": "gradient"}, errors.ParameterError, "no derivatives"),
        ({"train": [0]}, errors.DataError, "no recording"),
    ],
)  # fmt: skip
def test_what_cannot_be_is_refused_before_any_work(changes, kind, text, tmp_path):
    with pytest.raises(kind, match=text):
        fitted(tmp_path / "fit", **changes)
    assert not (tmp_path / "fit").exists()


def traced():
    run = sn.RunSim(sn.InitNeu({"model": "hh", "I": 10.0}), 10, 0.025, record=["v"])
    return {"voltage": run["v"]}


SLOPES = {"method": "gradient", "dt": 0.025, "batch": 16, "budget": 16, "scheduler": "inline", "progress": False}


@pytest.mark.parametrize(
    ("changes", "kind", "text"),
    [
        ({"ranges": {"gNa": (60, 240), "gK": sn.derived("0.3*gNa")}}, errors.ParameterError, "gK: it follows from"),
        ({"ranges": {"gNa": (60, 240), "gL": sn.derived("gK/100"), "gK": sn.derived("0.3*gNa")}},
         errors.ParameterError, "follows from"),
        ({"options": {"sd": 0.0}}, errors.ParameterError, "sd"),
        ({"options": {"sd": "1 s"}}, errors.UnitError, "sd"),
    ],
)  # fmt: skip
def test_descents_refuse_what_they_have_no_slope_of(changes, kind, text, tmp_path):
    with pytest.raises(kind, match=text):
        sn.FitModel(
            traced(), "hh", changes.pop("ranges", {"gNa": (60, 240)}), store=tmp_path / "fit", **SLOPES, **changes
        )
    assert not (tmp_path / "fit").exists()


def test_descents_have_no_terms_to_look_for_a_region_by():
    fit = sn.FitModel(traced(), "hh", {"gNa": (60, 240), "gK": sn.derived("36.0"), "I": 10.0}, **SLOPES)
    assert fit.params["gK"] == 36.0
    for ask in (lambda: fit.region(1.0), lambda: fit.calibrate(10)):
        with pytest.raises(errors.PlanError, match="no terms"):
            ask()


def test_goals_that_come_from_no_recording_have_no_recovery():
    with pytest.raises(errors.DataError, match="no recording"):
        fitted(budget=64).recovery(2)


def test_a_stimulus_with_other_sweeps_than_the_recording_is_refused():
    with pytest.raises(errors.DataError, match=r"step\.amplitude"):
        sn.FitModel(
            recorded(), "lif", {"C": (100, 400)}, stimulus=sn.step([400.0, 500.0]), objective="gamma", budget=64
        )


@pytest.mark.parametrize(
    ("train", "test", "text"),
    [([0, 1], [1], "in train and in test"), ([9], None, "number sweeps"), ([], [0], "no sweep")],
)
def test_sweeps_are_fitted_or_held_out(train, test, text):
    with pytest.raises(errors.DataError, match=text):
        sn.FitModel(recorded(), "lif", {"C": (100, 400)}, train=train, test=test, budget=64)


def test_a_distribution_without_ends_is_a_prior():
    fit = fitted(
        ranges={"I": stats.norm(420, 60)}, method="abc", options={"particles": 64, "tolerance": 4.0}, budget=640
    )
    found = fit.posterior()
    assert found.attrs["distance"] <= 20
    assert float(found.weight.sum()) == pytest.approx(1.0)
    with pytest.raises(errors.PlanError, match="abc"):
        fitted(budget=64).posterior()


def test_evaluations_feed_a_sensitivity_analysis():
    evals = fitted(method="sobol", budget=1024, batch=256).evals
    found = sn.SensAnal(evals, outputs=["rate"])
    assert set(found["param"].values) == {"I", "C"}
    assert int(found.attrs["evaluations"]) == 1024
