"""A point can be a whole network: the same bits as RunSim of it alone, however the study is cut; what cannot be is
refused before work."""

import os
import signal
import time
from pathlib import Path
from typing import Any

import matplotlib.pyplot as plt
import numpy as np
import pytest
import xarray as xr

import sneuron as sn
from sneuron import labels
from sneuron.analysis.netstate import Regime
from sneuron.errors import SneuronError
from sneuron.explore.cluster import Place
from sneuron.explore.netknown import is_network, known_of
from sneuron.explore.networks import NETWORKS
from sneuron.explore.plan import Plan
from sneuron.explore.study import Study
from sneuron.lang.netparams import changed, resolved
from sneuron.lang.network import load_network, text_of

SMALL = {"e.size": 80, "i.size": 20, "ee.k": 10, "ei.k": 10, "ie.k": 5, "ii.k": 5, "J": 1.0}
OUTPUTS = {"rate": sn.FireRate, "net": {"measure": "NetState", "segment": 50.0}, "isi": sn.ISIComp}
GIVEN: dict[str, Any] = {"network": "brunel", "duration": 100, "settle": 20, "scheduler": "inline", "outputs": OUTPUTS}


def sweep(ranges: Any = None, **more: Any) -> Any:
    own = {**SMALL, "g": [4.0, 6.0], "ee.k": [8, 12], "D": [1.0, 1.5]} if ranges is None else ranges
    return sn.ParamSweep(own, **{**GIVEN, **more})


@pytest.fixture(scope="module")
def whole() -> xr.Dataset:
    found: xr.Dataset = sweep(repeats=2, seed=3)
    return found.load()


def alone(seed: int, **changes: Any) -> xr.Dataset:
    net = sn.BuildNet("brunel", seed, {**SMALL, **changes}, dt=0.1)
    state = sn.RunSim(net, 20, return_state=True, spikes=False)[1]
    run: xr.Dataset = sn.RunSim(state, 100)
    return run


def same(one: xr.Dataset, other: xr.Dataset) -> None:
    for name in one.data_vars:
        np.testing.assert_array_equal(one[name].values, other[name].transpose(*one[name].dims).values, str(name))


def test_a_point_is_the_network_that_runs_alone(whole: xr.Dataset) -> None:
    assert whole.spike_count.dims == ("ee.k", "g", "D", "repeat", "population")
    assert (whole.status == sn.Status.OK).all()
    run = alone(4, **{"g": 6.0, "ee.k": 12, "D": 1.0})
    one = whole.sel(g=6.0, D=1.0).sel({"ee.k": 12}).isel(repeat=1)
    by = run.spike_count.groupby("population")
    np.testing.assert_array_equal(one.spike_count, by.sum())
    np.testing.assert_allclose(one.rate, sn.FireRate(run).groupby(run.population).mean(), rtol=1e-12)
    np.testing.assert_allclose(one.isi_cv, sn.ISIComp(run).cv.groupby(run.population).mean(), rtol=1e-12)
    np.testing.assert_array_equal(one.net_state, sn.NetState(run, segment=50.0).state)
    np.testing.assert_array_equal(one.net_synchrony, sn.NetState(run, segment=50.0).synchrony)
    assert one.rate.attrs["units"] == "Hz"


@pytest.mark.parametrize("how", [{"block_seconds": 1e-3}, {"block_seconds": 1e3}])
def test_the_cut_into_blocks_changes_no_bit(whole: xr.Dataset, how: dict[str, Any]) -> None:
    same(whole, sweep(repeats=2, seed=3, **how))


def test_order_company_and_workers_change_no_bit(whole: xr.Dataset, tmp_path: Path) -> None:
    turned = {"D": [1.5, 1.0], **SMALL, "ee.k": [12, 8], "g": [6.0, 5.0, 4.0]}
    other = sweep(turned, repeats=2, seed=3, workers=2, scheduler=None, block_seconds=0.02, store=tmp_path / "s")
    same(whole, other.load().sel(g=whole.g, D=whole.D).sel({"ee.k": whole["ee.k"]}))


def test_sizes_and_delays_and_rules_may_differ_in_one_study() -> None:
    sized = {**SMALL, "e.size": sn.values([40, 80]), "i.size": sn.derived("e.size/4"), "e.tau_m": 20.0}
    sized.pop("e.tau_m")
    found = sweep({**sized, "ie.delay": [0.5, 2.0], "i.rate": [1.0, 3.0]})
    run = alone(0, **{"e.size": 40, "i.size": 10, "ie.delay": 2.0, "i.rate": 3.0})
    one = found.sel({"e.size": 40, "ie.delay": 2.0, "i.rate": 3.0})
    np.testing.assert_array_equal(one.spike_count, run.spike_count.groupby("population").sum())


def test_a_killed_study_goes_on(tmp_path: Path) -> None:
    store, ranges = tmp_path / "killed", {**SMALL, "g": sn.grid(4.0, 6.0, 8)}
    undisturbed = sweep(ranges).load()
    plan = Plan.make(ranges, **{k: v for k, v in GIVEN.items() if k != "scheduler"})
    study = Study.create(plan, store, place=Place(scheduler="inline"), block_seconds=1e-3, progress=False)
    assert study.status()["blocks"] == 8
    child = os.fork()
    if child == 0:
        os.setsid()
        study.run()
        os._exit(0)
    since = time.monotonic()
    while study.status()["done"] < 2 and time.monotonic() - since < 30:
        time.sleep(0.002)
    os.kill(child, signal.SIGKILL)
    os.waitpid(child, 0)
    assert study.status()["done"] >= 2
    same(undisturbed, study.run().data)
    assert study.verify() == []
    same(undisturbed, study.extend(g=[7.0]).data.sel(g=undisturbed.g))


def test_a_network_that_runs_away_is_flagged() -> None:
    wild = {**SMALL, "e.t_ref": 0.2, "i.t_ref": 0.2, "g": [0.0, 5.0], "J": sn.zipped("g", [15.0, 0.5])}
    found = sweep(wild, settle=0)
    assert found.status.values[0] == sn.Status.OVERFLOW
    assert found.status.values[1] == sn.Status.OK
    assert np.isfinite(found.first_bad_time.values[0])
    for name in ("rate", "spike_count", "net_state", "net_rate", "isi_cv"):
        assert found[name][0].isnull().all(), name
    settled = sweep(wild, settle=20)
    assert settled.status.values.tolist() == found.status.values.tolist()


@pytest.mark.parametrize(
    ("ranges", "more", "text"),
    [
        ({"gg": [1.0]}, {}, "did you mean 'g'|nearest|'g'"),
        ({"e.taum": [1.0]}, {}, "parameter of 'brunel'"),
        ({"e.size": [10.5]}, {}, "whole"),
        ({"g": [-1.0]}, {}, "out of bounds"),
        ({"ie.weight": [1.0]}, {}, "out of bounds"),
        ({"e.size": [80, 1000], "ee.k": 900}, {}, "ee"),
        ({"D": [1.5, 0.25]}, {}, "dt|multiple|grid|step"),
        ({"e.size": 2_000_000_000, "ee.k": 1_999_999_999, "g": [1.0]}, {}, "memory|GiB|GB"),
        ({"g": [1.0]}, {"stimulus": sn.step(10.0)}, "does not take"),
        ({"g": [1.0]}, {"record": ["v"]}, "does not take"),
        ({"g": [1.0]}, {"common": ["g"]}, "does not take"),
        ({"g": [1.0]}, {"method": "tsit5"}, "choose their steps"),
        ({"g": [1.0]}, {"convergence": 1}, "halved"),
        ({"g": [1.0]}, {"outputs": {"kind": sn.FireClass}}, "flag"),
        ({"g": [1.0]}, {"outputs": {"net": sn.NetState}}, "segment"),
        ({"g": [1.0]}, {"model": "adex"}, "both given"),
        ({"g": [1.0]}, {"network": "brunell"}, "brunel"),
        ({"g": [1.0]}, {"network": xr.Dataset()}, "BuildNet"),
    ],
)
def test_what_cannot_be_is_refused_before_work(
    ranges: Any, more: dict[str, Any], text: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(type(NETWORKS), "simulate", lambda *_: pytest.fail("work began"))
    with pytest.raises(SneuronError, match=text):
        sweep({**{k: v for k, v in SMALL.items() if k not in ranges}, **ranges}, **more)


@pytest.mark.parametrize(
    ("ranges", "text"),
    [
        ({"w": [1.0, -1.0]}, "'aa.weight': -1.0 is out of bounds"),
        ({"many": [1.0, 1.25]}, "'aa.k': 2.5 is not a whole"),
        ({"delay": [0.5, -0.5]}, "'aa.delay': -0.5 is out of bounds"),
    ],
)
def test_what_follows_is_refused_before_work_too(ranges: Any, text: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(type(NETWORKS), "simulate", lambda *_: pytest.fail("work began"))
    one = {"pre": "a", "post": "a", "rule": "fixed_indegree", "params": {"k": "2*many"}, "weight": "w", "unit": "mV"}
    net = {
        "name": "signed",
        "params": {n: {"value": 1.0, "unit": u} for n, u in (("w", "mV"), ("many", "1"), ("delay", "ms"))},
        "populations": {"a": {"size": 5, "model": "brunel", "sign": "excitatory"}},
        "projections": {"aa": {**one, "delay": "delay"}},
    }
    with pytest.raises(SneuronError, match=text):
        sweep(ranges, network=net)


def test_the_plan_says_what_it_will_cost(tmp_path: Path) -> None:
    plan = Plan.make({"g": [4.0, 5.0], "e.size": [2000, 10000]}, network="brunel", duration=1000)
    assert NETWORKS.memory(plan) > 10000 * 400
    assert 15.6e6 * 12 < NETWORKS.shared(plan) < 15.6e6 * 40
    light = Plan.make({"g": [4.0, 5.0], "e.size": [1500, 2000]}, network="brunel", duration=1000)
    assert NETWORKS.seconds(light) < NETWORKS.seconds(plan)
    assert Plan.from_json(plan.to_json()) == plan
    study = sweep(store=tmp_path / "s", wait=False)
    study.wait()
    assert "blocks" in study.explain()
    assert "memory" in study.explain()


def test_what_networks_may_be() -> None:
    description = load_network("brunel")
    assert is_network(description)
    assert is_network(text_of(description))
    assert is_network({"populations": {}})
    assert not is_network("brunel"), "a neuron has that name"
    assert not is_network("hh")
    made = sn.BuildNet("brunel", 5, {**SMALL, "g": 6.0})
    one = sweep({"D": [1.5]}, network=made, seed=5)
    two = sweep({**SMALL, "g": 6.0, "D": [1.5]}, network=text_of(description), seed=5)
    np.testing.assert_array_equal(one.spike_count, two.spike_count)
    with pytest.raises(SneuronError, match="2 networks"):
        sweep({"D": [1.5]}, network=sn.BuildNet("brunel", [5, 6], SMALL))
    with pytest.raises(SneuronError, match="changed after"):
        sweep({"D": [1.5]}, network=made.assign(weight=made.weight * 2))


def test_local_sensitivity_of_a_network_is_that_of_its_points(whole: xr.Dataset) -> None:
    net = changed(load_network("brunel"), {**SMALL, "ee.k": 8})
    how: dict[str, Any] = {"method": "local", "duration": 100, "scheduler": "inline", "nudge": 0.2}
    how |= {"settle": 20, "seed": 3, "outputs": {"rate": sn.FireRate}}
    slope = whole.rate.sel(D=1.5).sel({"ee.k": 8}).isel(repeat=0).diff("g").squeeze("g") / 2
    for found in (sn.SensAnal(net, {"g": 5.0}, **how), sn.SensAnal(None, {"g": 5.0}, network=net, **how)):
        np.testing.assert_allclose(found.slope.sel(param="g"), slope, rtol=1e-12)
    with pytest.raises(SneuronError, match="networks have no derivatives"):
        sn.SensAnal(net, ["g"], method="local", duration=100, record=["v"])


def test_rules_of_change_and_rates_of_sources_may_be_swept() -> None:
    ranges = {"plastic.plasticity.A_plus": [0.0025, 0.005], "exc.rate": [0.0, 20.0]}
    found = sn.ParamSweep(ranges, network="song_2000", duration=100, outputs={"rate": sn.FireRate}, scheduler="inline")
    assert found.population.values.tolist() == ["cell"]
    assert (found.rate.sel({"exc.rate": 0.0}) == 0).all()
    assert (found.rate.sel({"exc.rate": 20.0}) > 0).all()
    changes = {"plastic.plasticity.A_plus": 0.0025, "exc.rate": 20.0}
    run = sn.RunSim(sn.BuildNet("song_2000", 0, changes), 100)
    np.testing.assert_array_equal(found.spike_count[0, 1], run.spike_count)


def test_parameters_of_a_network_and_what_follows_from_them() -> None:
    net = load_network("brunel")
    assert load_network(text_of(net)) == net
    found = resolved(net, {"g": 8.0, "J": 0.2, "ii.weight": -3.0})
    assert (found["ie.weight"], found["ii.weight"], found["e.rate"]) == (-1.6, -3.0, 10.0)
    built = sn.BuildNet(net, 1, {**SMALL, "g": [4.0, 5.0]})
    np.testing.assert_array_equal(built.weight.sel(projection="ie"), [-4.0, -5.0])
    known = known_of(net)
    assert known.params["ie.weight"].value == -0.5
    assert known.params["e.rate"].value == 20.0
    assert known.params["ee.k"].value == 1000
    table: dict[str, Any] = {
        "name": "n",
        "params": {"w": {"value": 1.0, "unit": "mV", "low": 0.0}},
        "populations": {"a": {"size": 5, "model": "brunel"}},
        "projections": {"aa": {"pre": "a", "post": "a", "rule": "all_to_all", "weight": "2*w", "unit": "mV"}},
    }
    assert sn.BuildNet(table).weight.item() == 2.0
    for path, value, text in (
        ("weight", "2*w +", "expression"),
        ("weight", "3*x", "no number"),
        ("delay", "-w", "negative"),
    ):
        wrong = {**table, "projections": {"aa": {**table["projections"]["aa"], path: value}}}
        with pytest.raises(SneuronError, match=text):
            load_network(wrong)
    with pytest.raises(SneuronError, match="part of it"):
        load_network({**table, "params": {"a": {"value": 1.0, "unit": "mV"}}})


def test_the_states_of_made_networks() -> None:
    """Spikes of which the state, rate, frequency, chi and Fano factor are known."""
    rng = np.random.default_rng(1)

    def trains(rate: Any, many: int, seconds: float = 2.0) -> xr.DataArray:
        """Poisson neurons whose common rate (Hz) is a function of the time (s)."""
        t = np.arange(0, seconds, 1e-4)
        fired = rng.random((many, t.size)) < rate(t) * 1e-4
        return xr.DataArray(fired, dims=("neuron", "time"), coords={"time": t * 1000})

    flat = sn.NetState(trains(lambda t: 20.0 + 0 * t, 400))
    assert flat.state == Regime.AI
    assert float(flat.rate) == pytest.approx(20.0, rel=0.02)
    assert float(flat.fano) == pytest.approx(1.0, abs=4 * np.sqrt(2 / 2000))
    assert float(flat.synchrony) == pytest.approx(1 / np.sqrt(400), rel=0.1)
    for hertz, state in ((30.0, Regime.SI_SLOW), (180.0, Regime.SI_FAST)):
        beating = sn.NetState(trains(lambda t, f=hertz: 20.0 * (1 + 0.9 * np.sin(2 * np.pi * f * t)), 400))
        assert beating.state == state
        assert float(beating.frequency) == pytest.approx(hertz, abs=5)
        assert float(beating.modulation) == pytest.approx(0.9, abs=0.1)
    together = np.tile(np.arange(5.0, 1000.0, 20.0), (10, 1))
    clock = sn.NetState(together, t_stop=1000.0)
    assert (clock["state"], clock["synchrony"], clock["cv"]) == (Regime.SR, pytest.approx(1.0), pytest.approx(0.0))
    apart = sn.NetState(np.arange(5.0, 1000.0, 20.0) + np.arange(20.0)[:, None], t_stop=1020.0)
    assert apart["state"] == Regime.AR
    none = sn.NetState(np.full((3, 1), np.nan), t_stop=1000.0)
    assert none["state"] == Regime.QUIET
    assert np.isnan(none["cv"])
    short = sn.NetState(np.array([[10.0, 60.0], [30.0, 110.0]]), t_stop=400.0)
    assert short["rate"] == pytest.approx(5.0)
    assert np.isnan(short["state"]), "neurons without intervals to compare are neither regular nor irregular"


def test_states_are_the_same_lazily_and_in_any_layout() -> None:
    runs = sn.RunSim(sn.BuildNet("brunel", [1, 2, 3], SMALL), 300)
    eager = sn.NetState(runs)
    lazy = sn.NetState(runs.chunk({"repeat": 1, "event": 100}))
    assert lazy.rate.chunks is not None
    xr.testing.assert_identical(lazy.compute(), eager)
    one = runs.isel(repeat=1)
    rows = [np.sort(one.event_time.values[one.event_neuron.values == k]) for k in range(100)]
    padded = np.full((100, max(map(len, rows))), np.nan)
    for k, row in enumerate(rows):
        padded[k, : len(row)] = row
    listed = sn.NetState(padded, t_stop=300.0)
    for name in eager.data_vars:
        assert float(listed[name]) == float(eager[name].isel(repeat=1)), name
    lost = runs.assign_coords(status=("repeat", np.array([1, 3, 1], np.uint8)))
    assert sn.NetState(lost).state.isnull().values.tolist() == [False, True, False]


@pytest.mark.parametrize("options", [{"bin": 0}, {"segment": -1}, {"fast": np.inf}, {"segment": 400.0}, {"bin": 100.0}])
def test_options_of_states_that_cannot_be(options: dict[str, Any]) -> None:
    with pytest.raises(SneuronError):
        sn.NetState(np.array([[1.0, 2.0]]), t_stop=300.0, **options)


def test_the_picture_of_states_hatches_what_failed_and_sorts_its_axes() -> None:
    coords = {"g": [5.0, 3.0, 4.0], "eta": [1.0, 2.0]}
    code = np.array([[0.0, 3.0], [1.0, 2.0], [4.0, np.nan]])
    attrs = labels.flag_attrs(Regime, "float64")
    data = xr.Dataset({"net_state": (("g", "eta"), code, attrs)}, coords)
    for name in ("rate", "cv", "frequency", "modulation"):
        data[f"net_{name}"] = data.net_state.drop_attrs() * 10.0
    data = data.assign_coords(status=(("g", "eta"), np.where(np.isnan(code), 5, 1).astype(np.uint8)))
    for theory, panels in ((None, 4), (sn.mean_field(data.g, data.eta), 8)):
        figure = sn.PlotStates(data, "net", theory)
        maps = [ax for ax in figure.axes if ax.get_title(loc="left")]
        assert len(maps) == panels
        shown = np.ma.filled(maps[0].collections[0].get_array(), -1.0)
        np.testing.assert_array_equal(shown, [[1, 4, 0], [2, -1, 3]])
        assert "failed" in [text.get_text() for text in figure.legends[0].texts]
        plt.close(figure)


@pytest.mark.parametrize("model", ["hh", "lif"])
def test_a_model_beside_a_network_is_refused(model: str) -> None:
    with pytest.raises(SneuronError, match="both given"):
        sweep(model=model)
