"""SensAnal as a study: planned, grown by new points alone, resumed, stopped when sure, and refused before any work."""

import json
import warnings

import numpy as np
import pytest
import xarray as xr
from scipy import stats

import sneuron as sn
from sneuron import SensAnal, Study, errors
from sneuron.labels import Status

BOX = {"gL": (20.0, 30.0), "t_ref": (1.0, 4.0), "I": (450.0, 600.0)}
LIF = {"outputs": {"count": "spike_count"}, "duration": 200.0}


@pytest.fixture(scope="module")
def place(tmp_path_factory):
    """A study that has been analysed once."""
    path = tmp_path_factory.mktemp("sens") / "lif.zarr"
    SensAnal("lif", BOX, n=256, store=path, **LIF)
    return path


def test_it_says_where_it_is_from(place) -> None:
    found = SensAnal("lif", BOX, n=256, store=place, **LIF)
    assert found.param.values.tolist() == list(BOX)
    assert found.attrs["method"] == "sobol"
    assert found.attrs["model_name"] == "lif"
    assert found.attrs["evaluations"] == 256 // 4 * 4 * 5
    design = json.loads(found.attrs["design"])
    assert (design["kind"], design["n"], design["replicates"], design["seed"]) == ("pick_freeze", 256, 4, 0)
    assert json.loads(json.dumps(dict(found.attrs))) == dict(found.attrs)
    assert found.S1.attrs["long_name"].startswith("first-order index")


def test_twice_as_many_computes_the_new_points_alone(place, tmp_path, monkeypatch) -> None:
    from sneuron.explore import blocks

    computed: list[int] = []
    inner = blocks.run_block
    monkeypatch.setattr("sneuron.explore.runner.run_block", lambda *a: computed.append(counted(inner(*a))) or told[-1])
    told: list[dict] = []

    def counted(summary: dict) -> int:
        told.append(summary)
        return sum(summary["status"].values())

    store = tmp_path / "s"
    monkeypatch.setenv("DASK_SCHEDULER", "")
    SensAnal("lif", BOX, n=256, store=store, **LIF)
    assert sum(computed) == 256 * 5
    first = Study.open(store).data.load()
    SensAnal("lif", BOX, n=512, store=store, **LIF)
    assert sum(computed) == 512 * 5
    SensAnal("lif", BOX, n=512, store=store, **LIF)
    SensAnal(Study.open(store), n=512)
    assert sum(computed) == 512 * 5
    grown = Study.open(store).data.load()
    for name in ("spike_count", "gL", "I"):
        np.testing.assert_array_equal(grown[name].isel(row=slice(0, 64)), first[name])


def test_a_grown_study_is_the_larger_one_to_the_bit(place, tmp_path) -> None:
    grown = SensAnal("lif", BOX, n=512, store=place, **LIF)
    whole = SensAnal("lif", BOX, n=512, store=tmp_path / "w", **LIF)
    for name in grown.data_vars:
        np.testing.assert_array_equal(grown[name], whole[name])


def test_until_grows_a_study_no_longer_than_needed(tmp_path) -> None:
    found = SensAnal("lif", BOX, n=64, until=0.06, store=tmp_path / "s", **LIF)
    design = json.loads(found.attrs["design"])
    assert design["half_width"] <= 0.06
    assert 64 < design["n"] <= 8192
    assert design["n"] & (design["n"] - 1) == 0
    for name in ("S1", "ST"):
        assert float((found[f"{name}_high"] - found[name]).max()) <= 0.06
    before = SensAnal(Study.open(tmp_path / "s").data.isel(row=slice(0, design["n"] // 8)))
    assert float((before.ST_high - before.ST).max()) > 0.06 or float((before.S1_high - before.S1).max()) > 0.06
    again = SensAnal("lif", BOX, n=64, until=0.06, store=tmp_path / "s", **LIF)
    assert json.loads(again.attrs["design"])["n"] == design["n"]


def test_until_that_is_not_reached_is_told(tmp_path) -> None:
    with pytest.warns(errors.IncompleteWarning, match=r"intervals are .* n = 64, and not 0.001"):
        found = SensAnal("lif", BOX, n=64, until=0.001, most=100, store=tmp_path / "s", **LIF)
    assert json.loads(found.attrs["design"])["n"] == 64


def test_until_without_any_interval_is_told(tmp_path) -> None:
    """No point fires: the count is constant, and no number of points makes its indices sure."""
    with pytest.warns(errors.IncompleteWarning, match="no index has an interval"):
        found = SensAnal("lif", {"gL": (20.0, 30.0), "I": (0.0, 1.0)}, n=64, until=0.1, store=tmp_path / "s", **LIF)
    assert found.S1.isnull().all()


@pytest.mark.parametrize(("method", "few", "many"), [("morris", 32, 64), ("efast", 8 * 65, 16 * 65), ("dgsm", 64, 128)])
def test_a_larger_n_makes_the_study_of_any_design_grow(method, few, many, tmp_path) -> None:
    """Also where candidates, or the points of a curve, would follow from `n` in a study that begins with it."""
    SensAnal("lif", BOX, method=method, n=few, store=tmp_path / "s", **LIF)
    first = Study.open(tmp_path / "s").data["count"].load()
    found = SensAnal("lif", BOX, method=method, n=many, store=tmp_path / "s", **LIF)
    assert json.loads(found.attrs["design"])["n"] == many
    grown = Study.open(tmp_path / "s").data["count"]
    np.testing.assert_array_equal(grown.isel({grown.dims[0]: slice(0, first.shape[0])}), first)
    more = {"dgsm": {"nudge": 0.1}, "efast": {"replicates": 4}, "morris": {"levels": 8}}[method]
    with pytest.raises(errors.StoreError, match="another study"):
        SensAnal("lif", BOX, method=method, n=many, store=tmp_path / "s", **more, **LIF)


@pytest.mark.parametrize("method", ["morris", "efast", "dgsm", "first", "pawn", "delta", "pce"])
def test_every_method_plans_its_own_study(method, tmp_path) -> None:
    n = {"morris": 10, "efast": 4 * 65}.get(method, 256)
    own = {"efast": {"replicates": 4}, "morris": {"levels": 8}}.get(method, {})
    found = SensAnal("lif", BOX, method=method, n=n, store=tmp_path / "s", **own, **LIF)
    assert found.attrs["method"] == method
    shown = next(v for v in ("ST", "mu_star", "ST_bound", "S1", "pawn_median", "delta") if v in found)
    assert set(found.param.values) == set(BOX)
    assert (found[shown].sel(param="I") > found[shown].sel(param="t_ref")).all()
    assert found.attrs["evaluations"] == Study.open(tmp_path / "s").status()["points"]


def test_a_sweep_that_is_there_is_analysed_without_a_run(tmp_path) -> None:
    data = sn.ParamSweep(sn.sobol(1024, BOX), "lif", store=tmp_path / "s", **LIF)
    found = SensAnal(data)
    assert found.attrs["method"] == "first"
    pce = SensAnal(Study.open(tmp_path / "s"), method="pce")
    np.testing.assert_allclose(found.S1, pce.S1.sel(param=found.param), atol=0.06)
    alone = SensAnal(data, ["I"], outputs="count")
    np.testing.assert_array_equal(alone.S1, found.S1.sel(param=["I"]))


def test_a_grid_that_is_there_is_analysed_exactly(tmp_path) -> None:
    ranges = {"I": np.linspace(400, 600, 9).tolist(), "t_ref": [1.0, 2.0, 4.0]}
    data = sn.ParamSweep(ranges, "lif", store=tmp_path / "s", **LIF)
    found = SensAnal(data)
    values = data["count"].transpose("I", "t_ref").values
    shares = [values.mean(axis=1).var() / values.var(), values.mean(axis=0).var() / values.var()]
    np.testing.assert_allclose(found.S1.sel(param=["I", "t_ref"]), shares)
    assert SensAnal(Study.open(tmp_path / "s")).S1.equals(found.S1)
    for more in ({"n": 100}, {"until": 0.1}):
        with pytest.raises(errors.ParameterError, match="does not grow"):
            SensAnal(Study.open(tmp_path / "s"), **more)
    line = SensAnal(data.isel(t_ref=0))
    assert line.param.values.tolist() == ["I"]
    np.testing.assert_allclose(line.S1, 1.0)
    with pytest.raises(errors.DataError, match="'t_ref' has one value here: 1"):
        SensAnal(data.isel(t_ref=0), ["I", "t_ref"])


def test_any_distribution_fixed_and_derived_parameters(tmp_path) -> None:
    ranges = {"I": stats.norm(520, 30), "gL": stats.gamma(100, scale=0.25), "C": 200.0, "Vth": sn.derived("Vr + 15")}
    found = SensAnal("lif", ranges, n=64, store=tmp_path / "s", **LIF)
    assert found.param.values.tolist() == ["I", "gL"]
    data = Study.open(tmp_path / "s").data
    assert float(data.C) == 200.0
    assert stats.kstest(data.I.sel(matrix=["A", "B"]).values.ravel(), stats.norm(520, 30).cdf).pvalue > 0.01


def test_groups_and_pairs_of_a_model(tmp_path) -> None:
    found = SensAnal("lif", BOX, n=256, groups={"membrane": ["gL", "t_ref"]}, order=2, store=tmp_path / "s", **LIF)
    assert found.param.values.tolist() == ["membrane", "I"]
    assert found.S2.dims == ("param", "other_param")
    both = found.S1.sum() + found.S2.sel(param="I", other_param="membrane")
    np.testing.assert_allclose(both, 1.0, atol=0.15)


def test_a_design_beside_a_grid_is_analysed_at_each_of_its_values(tmp_path) -> None:
    box = {n: BOX[n] for n in ("gL", "I")}
    data = sn.ParamSweep([sn.pick_freeze(256, box), {"t_ref": [1.0, 4.0]}], "lif", store=tmp_path / "s", **LIF)
    found = SensAnal(data)
    assert found.S1.sizes == {"param": 2, "t_ref": 2}
    alone = SensAnal(data.isel(t_ref=1))
    np.testing.assert_allclose(found.S1.isel(t_ref=1), alone.S1)
    mixed = sn.ParamSweep([sn.sobol(256, box), {"t_ref": [1.0, 4.0]}], "lif", store=tmp_path / "t", **LIF)
    assert set(SensAnal(mixed).param.values) == {"gL", "I", "t_ref"}
    assert set(SensAnal(mixed.isel(t_ref=1)).param.values) == {"gL", "I"}


def test_time_resolved_indices_of_a_recorded_state(tmp_path) -> None:
    """v(t) of a cell at rest that gets a current; at the first sample nothing varies, in the end C does not matter."""
    box = {"I": (10.0, 50.0), "gL": (20.0, 30.0), "C": (150.0, 350.0)}
    found = SensAnal("lif", box, n=256, duration=50, record=["v"], every=50, outputs={}, store=tmp_path / "s")
    assert found.S1.dims == ("param", "time")
    assert found.S1.isel(time=0).isnull().all()
    later = found.ST.isel(time=slice(1, None))
    assert (later.sel(param="C").diff("time") < 1e-6).all()
    assert float(later.sel(param="C")[-1]) < 1e-3
    steady = {"I": (10.0, 50.0), "gL": (20.0, 30.0)}
    i, g = (np.linspace(*steady[n], 401) for n in steady)
    values = (i[1:, None] + i[:-1, None]) / (g[1:] + g[:-1])
    share = values.mean(axis=1).var() / values.var()
    np.testing.assert_allclose(found.S1.sel(param="I")[-1], share, atol=0.02)


def test_indices_of_a_class_of_firing(tmp_path) -> None:
    """P(silent): whether the current reaches the rheobase gL (Vth - EL)."""
    box = {"I": (300.0, 450.0), "gL": (20.0, 30.0)}
    outputs = {"pattern": "FireClass"}
    found = SensAnal("lif", box, n=512, duration=500, outputs=outputs, store=tmp_path / "s")
    assert {"silent", "tonic", "bursting"} <= set(found["class"].values.tolist())
    silent = found.sel({"class": "silent"})
    np.testing.assert_allclose(silent["mean"], 0.5, atol=0.03)
    np.testing.assert_allclose(silent.S1, found.S1.sel({"class": "tonic"}), atol=0.05)
    assert (silent.ST > silent.S1).all()
    assert found.S1.sel({"class": "bursting"}).isnull().all()  # never seen: nothing can be said


def test_failed_points_of_a_study_are_told(tmp_path) -> None:
    data = sn.ParamSweep(sn.pick_freeze(64, BOX), "lif", store=tmp_path / "s", **LIF).load()
    data["status"][3, 1, 2] = Status.DIVERGED
    with pytest.warns(errors.IncompleteWarning, match="diverged 1"):
        found = SensAnal(data)
    assert int(found.n_failed.max()) == 1
    with pytest.warns(errors.IncompleteWarning):
        bounds = SensAnal(data, missing="bounds")
    assert (bounds.ST_least <= bounds.ST_most).all()


def test_local_derivatives_are_those_of_the_closed_form(tmp_path) -> None:
    """v(t) = EL + I/gL (1 - exp(-gL t/C)) below threshold: by the derivative model, and by differences of outputs."""
    g, c, i, t = 25.0, 250.0, 200.0, 19.9  # the largest sample of a run of 20 ms: the last one before its end
    decay = np.exp(-g * t / c)
    exact = [-i / g**2 * (1 - decay) + i / g * t / c * decay, -i * t / c**2 * decay]
    found = SensAnal(
        "lif", {"gL": g, "C": c, "I": i}, method="local", duration=20.0, outputs={"top": "v_max"}, nudge=1e-4,
        store=tmp_path / "s",
    )  # fmt: skip
    assert found.param.values.tolist() == ["gL", "C", "I"]
    np.testing.assert_allclose(found.slope, [*exact, (1 - decay) / g], rtol=1e-4)
    np.testing.assert_allclose(found.effect, found.slope * [g, c, i])
    assert found.effect.attrs["units"] == "mV"


def test_local_derivatives_of_states_agree_with_differences(tmp_path) -> None:
    run = {"duration": 4.0, "stimulus": sn.step(20, 1, 4), "dt": 0.0025}
    found = SensAnal("hh", ["gNa", "C"], method="local", record=["v"], **run)
    assert found.slope.dims == ("param", "time")
    apart = []
    for name, value in (("gNa", 120.0), ("C", 1.0)):
        ends = []
        for sign in (-1, 1):
            cell = sn.InjCur(sn.InitNeu({"model": "hh", name: value * (1 + sign * 1e-5)}), run["stimulus"])
            ends.append(sn.RunSim(cell, 4.0, record=["v"], dt=0.0025, method="rk4").v)
        apart.append((ends[1] - ends[0]).values / (2e-5 * value))
    at = found.time.values.size // 2
    np.testing.assert_allclose(found.slope.values[:, at], np.array(apart)[:, at], rtol=0.01)
    np.testing.assert_allclose(found.effect.values[0], 120.0 * found.slope.values[0])
    assert found.effect.attrs["units"] == "mV"
    assert len(sn.PlotSens(found).axes) == 1
    assert len(sn.PlotSens(found, "v").axes) == 1


def test_local_derivatives_that_end_at_a_spike_are_told() -> None:
    cell = {"method": "local", "record": ["v"], "duration": 30.0}
    with pytest.warns(errors.IncompleteWarning, match="diverged 1"):
        found = SensAnal("lif", {"I": 900.0}, **cell)
    assert found.attrs["complete"] == 0
    assert found.slope.isnull().all()
    with pytest.raises(errors.DataError, match="diverged 1"):
        SensAnal("lif", {"I": 900.0}, missing="raise", **cell)


def test_a_refined_study_is_analysed_as_its_map(tmp_path) -> None:
    ranges = {"I": sn.grid(300, 500, 9), "gL": sn.grid(20, 30, 5)}
    rule = {"by": "spike_count > 0", "resolution": 0.02}
    study = sn.ParamSweep(
        ranges, "lif", refine=rule, outputs={}, duration=100.0, store=tmp_path / "s", wait=False
    )  # fmt: skip
    study.wait()
    for what in (study, study.data):
        with pytest.raises(errors.DataError, match="no sample of the space"):
            SensAnal(what)
    found = SensAnal(study.filled(), outputs="holds")
    assert float(found.S1.sel(param="I")) > float(found.S1.sel(param="gL")) > 0.02


def test_the_distance_from_a_boundary_is_that_to_the_line() -> None:
    """Two classes on either side of a = 0.3 b + 0.2: the distance in the unit square, within the spacing of points."""
    flags = {"flag_values": [0.0, 1.0], "flag_meanings": "below above"}
    points = sn.design_points(sn.sobol(2**14, {"a": (0.0, 10.0), "b": stats.norm(3, 2)}))
    x, y = points.a / 10, xr.apply_ufunc(stats.norm(3, 2).cdf, points.b)
    side = x - 0.3 * y - 0.2
    data = points.assign(side=(side > 0).astype(float).assign_attrs(flags))
    found = sn.boundary_distance(data, "side")
    exact = abs(side) / np.hypot(1, 0.3)
    inner = (x > 0.15) & (x < 0.55) & (y > 0.15) & (y < 0.85)
    assert float((found - exact).where(inner).max()) < 0.03
    assert float((found - exact).where(inner).min()) > -1e-9
    lost = data.assign(status=("point", np.where(np.arange(2**14) < 5, Status.ERROR, Status.OK)))
    assert sn.boundary_distance(lost, "side").isnull().sum() == 5
    told = SensAnal(data.assign(margin=found), outputs="margin")
    assert float(told.S1.sel(param="a")) > float(told.S1.sel(param="b"))
    same = sn.boundary_distance(data.assign(side=xr.zeros_like(data.side)), "side")
    assert same.isnull().all()
    with pytest.raises(errors.UnknownNameError, match="side"):
        sn.boundary_distance(data, "sid")
    with pytest.raises(errors.SneuronError, match="flag"):
        sn.boundary_distance(data.assign(z=x), "z")
    with pytest.raises(errors.DataError, match="those of the points"):
        sn.boundary_distance(data.assign(side=data.side.expand_dims(site=2)), "side")


def test_a_model_that_only_a_function_knows() -> None:
    points = sn.design_points(sn.pick_freeze(4096, {"a": (0, 1), "b": (0, 1)}))
    found = SensAnal(points.assign(y=points.a + 2 * points.b))
    np.testing.assert_allclose(found.S1, [0.2, 0.8], atol=1e-3)
    alone = SensAnal((points.a + 2 * points.b).rename("y"))
    assert alone.S1.sizes == {"param": 2}


POINTS = {"a": (0.0, 1.0), "b": (0.0, 1.0)}


def some() -> xr.Dataset:
    points = sn.design_points(sn.sobol(64, POINTS))
    return points.assign(y=points.a + points.b)


REFUSED = {
    "parameter": (lambda: SensAnal("lif", {"gl": (20, 30)}, n=64, **LIF), "gL"),
    "no ranges": (lambda: SensAnal("lif", n=64, **LIF), "name no parameters"),
    "one value": (lambda: SensAnal("lif", {"gL": 20.0}, n=64, **LIF), "one value only"),
    "no duration": (lambda: SensAnal("lif", BOX, outputs={"n": "spike_count"}), "duration="),
    "method": (lambda: SensAnal("lif", BOX, method="sobl", **LIF), "sobol"),
    "argument": (lambda: SensAnal("lif", BOX, replicate=3, **LIF), "replicates"),
    "option of another": (lambda: SensAnal("lif", BOX, method="sobol", levels=4, **LIF), "levels"),
    "few points": (lambda: SensAnal("lif", BOX, n=8, **LIF), "too few"),
    "no ends": (lambda: SensAnal("lif", {"gL": stats.norm(25, 1)}, method="morris", **LIF), "-inf to inf"),
    "ci": (lambda: SensAnal(some(), ci=95), "no coverage"),
    "missing": (lambda: SensAnal(some(), missing="zeros"), "pairwise"),
    "bounds of another": (lambda: SensAnal(some(), missing="bounds"), "sobol"),
    "span": (lambda: SensAnal(some(), span=(0, 1)), "missing='bounds'"),
    "until": (lambda: SensAnal("lif", BOX, until=3, **LIF), "half-width"),
    "until without shares": (lambda: SensAnal("lif", BOX, method="morris", until=0.1, **LIF), "no shares"),
    "most": (lambda: SensAnal("lif", BOX, until=0.1, most=0, **LIF), "a number of points"),
    "n of a dataset": (lambda: SensAnal(some(), n=128), "a dataset does not"),
    "store of a dataset": (lambda: SensAnal(some(), store="x"), "to be made"),
    "ranges of a dataset": (lambda: SensAnal(some(), {"a": (0, 1)}), "there already"),
    "coordinate": (lambda: SensAnal(some(), ["aa"]), "a"),
    "output": (lambda: SensAnal(some(), outputs="z"), "y"),
    "method of these points": (lambda: SensAnal(some(), method="morris"), "other points"),
    "slices": (lambda: SensAnal(some(), method="pawn", slices=1), "a whole number from 2"),
    "degree": (lambda: SensAnal(some(), method="pce", degree=0), "1 to 50"),
    "fit": (lambda: SensAnal(some(), method="pce", fit="lasso"), "lars"),
    "pce of few": (lambda: SensAnal(some().isel(point=slice(0, 20)), method="pce"), "at least 32"),
    "option of points": (lambda: SensAnal(some(), method="pce", slice=3), "degree"),
    "no parameters": (lambda: SensAnal(xr.Dataset({"y": ("z", [1.0, 2.0])})), "no coordinate"),
    "text": (lambda: SensAnal(some().assign(y=("point", ["x"] * 64)), outputs="y"), "output"),
    "history of a grid": (
        lambda: SensAnal(xr.Dataset({"y": ("a", [1.0, 2.0, 4.0])}, {"a": [0.0, 1.0, 2.0]}), history=True),
        "a grid has no history",
    ),
    "local without names": (lambda: SensAnal("lif", method="local", duration=1), "names no parameters"),
    "local state": (lambda: SensAnal("hh", ["gNa"], method="local", record=["w"], duration=1), "state"),
    "local n": (lambda: SensAnal("hh", ["gNa"], method="local", n=3, duration=1), "means nothing"),
    "local argument": (lambda: SensAnal("hh", ["gNa"], method="local", outputs={}, duration=1, wrkers=2), "workers"),
    "local of states": (
        lambda: SensAnal("hh", ["gNa"], method="local", record=["v"], duration=1, settle=5),
        "for recorded states",
    ),
    "local store": (
        lambda: SensAnal("hh", ["gNa"], method="local", record=["v"], duration=1, store="x"),
        "Leave them out",
    ),
    "no points": (lambda: SensAnal(some().isel(point=slice(0, 0))), "no points"),
    "nudge": (lambda: SensAnal("hh", ["gNa"], method="local", nudge=2, duration=1), "relative change"),
}


@pytest.mark.parametrize("case", REFUSED)
def test_what_cannot_be_is_refused_before_any_work(case, monkeypatch) -> None:
    make, said = REFUSED[case]
    monkeypatch.setattr(Study, "run", lambda self: pytest.fail("work has begun"))
    with warnings.catch_warnings(), pytest.raises(errors.SneuronError) as caught:
        make()
    assert said in str(caught.value)
