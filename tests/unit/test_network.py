"""Networks as data: read, checked, written; and their graphs in one dataset."""

import copy
import json
import re
from pathlib import Path

import numpy as np
import pytest
import xarray as xr

import sneuron as sn
from sneuron import errors
from sneuron.core.graph.sources import projection_of
from sneuron.core.graph.wiring import wired
from sneuron.lang.network import hash_of, load_network, text_of
from sneuron.lang.spec import Network, Neuron, Population, Projection

SPACE = {"on": "torus", "length": 500, "at": "random"}
SMALL = {
    "name": "small",
    "populations": {
        "e": {"size": 40, "model": "lif", "sign": "excitatory", "positions": SPACE},
        "i": {"size": 10, "model": "lif", "params": {"C": 100}, "sign": "inhibitory", "positions": {**SPACE}},
    },
    "projections": {
        "ee": {"pre": "e", "post": "e", "rule": "erdos_renyi", "params": {"p": 0.2}, "weight": 0.1, "unit": "mV"},
        "ei": {"pre": "e", "post": "i", "rule": "fixed_indegree", "params": {"k": 8}, "weight": 0.1, "unit": "mV"},
        "ie": {"pre": "i", "post": "e", "rule": "fixed_indegree", "params": {"k": 4}, "weight": -0.4, "unit": "mV"},
    },
    "source": "a test",
}
TOML = """
name = "small"
source = "a test"
populations.e = {size = 40, model = "lif", sign = "excitatory", positions = {on = "torus", length = 500, at = "random"}}
[populations.i]
size = 10
model = "lif"
params = {C = 100}
sign = "inhibitory"
positions = {on = "torus", length = 500.0, at = "random"}
[projections.ee]
pre = "e"
post = "e"
rule = "erdos_renyi"
params = {p = 0.2}
weight = 0.1
unit = "mV"
[projections.ei]
pre = "e"
post = "i"
rule = "fixed_indegree"
params.k = 8
weight = 0.1
unit = "mV"
[projections.ie]
pre = "i"
post = "e"
rule = "fixed_indegree"
params.k = 4
weight = -0.4
unit = "mV"
"""


def changed(path, value):
    """The small network with one value changed, or a field put in."""
    data = copy.deepcopy(SMALL)
    *parents, last = path.split(".")
    table = data
    for name in parents:
        table = table[name]
    table[last] = value
    return data


def test_all_forms_are_one_network_with_one_hash(tmp_path):
    net = load_network(SMALL)
    (tmp_path / "small.toml").write_text(TOML)
    text = sn.ExportJSON(net, tmp_path / "small.json")
    described = Network("small", {n: Population(**p) for n, p in SMALL["populations"].items()},
                        {n: Projection(**p) for n, p in SMALL["projections"].items()}, "a test")  # fmt: skip
    for form in (net, text, tmp_path / "small.json", str(tmp_path / "small.toml"), json.loads(text), described):
        assert load_network(form) == net
        assert hash_of(load_network(form)) == hash_of(net)
        assert sn.ExportJSON(load_network(form)) == text
    assert json.loads(text)["schema"] == "sneuron-network/1"
    assert hash_of(load_network(changed("populations.e.size", 41))) != hash_of(net)


def test_the_network_of_the_docs_is_one(tmp_path):
    page = (Path(__file__).parents[2] / "docs" / "networks.md").read_text(encoding="utf8")
    (tmp_path / "docs.toml").write_text(re.search(r"```toml\n(.*?)```", page, re.DOTALL)[1])
    net = load_network(tmp_path / "docs.toml")
    assert wired(net, dt=0.1).synapse_count.values.tolist() == [64000, 16000]


def test_models_are_in_the_text_so_that_it_is_whole():
    net = load_network(SMALL)
    assert isinstance(net.populations["e"].model, Neuron)
    held = json.loads(text_of(net))["network"]["populations"]["e"]["model"]
    assert sn.load_model(held) == sn.load_model("lif")


WRONG = {
    "population": ("projections.ee.post", "E", "population 'E' is not known.*Did you mean 'e'"),
    "empty": ("populations.e.size", 0, "population 'e': it is empty"),
    "half": ("populations.e.size", 1.5, "is no int"),
    "disconnected": ("populations.x", {"size": 5, "model": "lif"}, "'x' is disconnected"),
    "model": ("populations.e.model", "liff", "model 'liff' is not known"),
    "file": ("populations.e.model", "/etc/x.json", "names no files"),
    "parameter": ("populations.e.params", {"c": 1}, "Did you mean 'C'"),
    "bounds": ("populations.e.params", {"C": -1}, "out of bounds"),
    "sign": ("populations.e.sign", "exciting", "sign 'exciting' is not known"),
    "wrong sign": ("projections.ie.weight", 0.4, "weight 0.4 has the wrong sign: 'i' is inhibitory.*0 or less"),
    "negative delay": ("projections.ie.delay", -1, "delay is negative: -1 ms"),
    "no delay": ("projections.ie.delay", 0, "delay is 0"),
    "text": ("projections.ie.delay", "soon", "is no number"),
    "receptor": ("projections.ie.receptor", "gaba", "receptor of 'e' 'gaba' is not known"),
    "field": ("projections.ie.wight", 1, "Did you mean 'weight'"),
    "name": ("populations.é", {"size": 1, "model": "lif", "alone": True}, "is no name"),
    "both": ("projections.e", SMALL["projections"]["ee"], "both a population and a projection"),
    "nobody": ("populations", {}, "has no populations"),
}


@pytest.mark.parametrize("case", WRONG)
def test_what_does_not_hold_together_is_refused(case):
    path, value, message = WRONG[case]
    with pytest.raises(errors.SneuronError, match=f"(?s){message}"):
        load_network(changed(path, value))


@pytest.mark.parametrize(
    "what", [3, "smal.toml", "nothing", '{"name": "x"}', {"schema": "sneuron-network/2", "network": {}}]
)
def test_what_is_no_network_is_refused(what):
    with pytest.raises(errors.SneuronError):
        load_network(what)


def test_a_population_may_be_alone_when_it_says_so():
    net = load_network({"name": "one", "populations": {"a": {"size": 3, "model": "lif", "alone": True}}})
    graph = wired(net)
    assert graph.population.values.tolist() == ["a"] * 3
    assert "pre" not in graph


# -- graphs ----------------------------------------------------------------------------------------


def part(graph, name):
    """The synapses of one projection, by plain selection."""
    one = graph.sel(projection=name)
    first = int(one.first_synapse)
    return one.isel(synapse=slice(first, first + int(one.synapse_count)))


def test_projections_lie_one_after_the_other_sorted_by_pre():
    graph = wired(SMALL, seed=3, dt=0.1)
    assert graph.projection.values.tolist() == ["ee", "ei", "ie"]
    assert graph.weight.dims == graph.delay.dims == ("projection",)
    assert graph.weight.values.tolist() == [0.1, 0.1, -0.4]
    assert (graph.weight.attrs["units"], graph.delay.attrs["units"]) == ("mV", "ms")
    assert graph.population.values.tolist() == ["e"] * 40 + ["i"] * 10
    assert graph.position.dims == ("neuron", "axis")
    assert int(graph.synapse_count.sum()) == graph.sizes["synapse"]
    for name, pre, post, many in (("ei", (0, 40), (40, 50), 80), ("ie", (40, 50), (0, 40), 160)):
        one = part(graph, name)
        assert one.sizes["synapse"] == many
        assert (np.diff(one.pre.values) >= 0).all()
        assert pre[0] <= one.pre.min() < one.pre.max() < pre[1]
        assert post[0] <= one.post.min() < one.post.max() < post[1]
    assert load_network(graph.attrs["network"]) == load_network(SMALL)


def test_a_projection_is_the_same_in_another_network():
    alone = copy.deepcopy(SMALL)
    del alone["projections"]["ee"]
    alone["projections"]["ie"]["weight"] = -0.9
    found, wanted = part(wired(alone, 3), "ie"), part(wired(SMALL, 3), "ie")
    assert np.array_equal(found.pre, wanted.pre)
    assert np.array_equal(found.post, wanted.post)
    other = part(wired(SMALL, 4), "ie")
    assert not np.array_equal(other.post, wanted.post)


def test_points_have_graphs_sizes_and_weights_of_their_own():
    law = {"law": "lognormal", "mean": 0.1, "sigma": 1}
    net = changed("projections.ee.weight", law)
    changes = {"ee.p": [0.1, 0.3], "e.size": [20, 40], "ee.weight.mean": [0.1, 0.2], "ie.delay": 2.0}
    graph = wired(net, [1, 2], changes, dtype="float32")
    assert set(graph.weight.dims) == {"ee.p", "e.size", "ee.weight.mean", "repeat", "synapse"}
    assert graph.weight.dtype == np.float32
    assert set(graph.pre.dims) == {"ee.p", "e.size", "repeat", "synapse"}
    assert graph.exists.sel({"e.size": 20}).sum() == 30
    assert graph.delay.sel(projection="ie").item() == 2.0
    point = graph.sel({"ee.p": 0.3, "e.size": 20, "ee.weight.mean": 0.2}).isel(repeat=1)
    small = changed("populations.e.size", 20)
    small["projections"]["ee"] |= {"params": {"p": 0.3}, "weight": {**law, "mean": 0.2}}
    alone = wired(small, 2, dtype="float32")
    for name in ("ee", "ei", "ie"):
        one, same = part(point, name), part(alone, name)
        assert int(one.synapse_count) == int(same.synapse_count)
        where = xr.where(same.pre < 20, same.pre, same.pre + 20), xr.where(same.post < 20, same.post, same.post + 20)
        assert np.array_equal(one.pre, where[0])
        assert np.array_equal(one.post, where[1])
        assert np.array_equal(one.weight, same.weight)
    assert np.array_equal(point.position[:20], alone.position[:20])
    assert point.position[20:40].isnull().all()
    assert np.array_equal(point.position[40:], alone.position[20:])


def test_neurons_are_in_one_place_for_all_their_projections():
    net = copy.deepcopy(SMALL)
    for name in ("ee", "ei"):
        net["projections"][name]["delay"] = {"law": "distance", "velocity": 0.5, "offset": 0.2}
    graph = wired(net, 5)
    for name in ("ee", "ei"):
        one = part(graph, name)
        step = np.abs(graph.position.values[one.pre] - graph.position.values[one.post])
        far = np.sqrt((np.minimum(step, 500 - step) ** 2).sum(1))
        assert np.allclose(one.delay, 0.2 + far / 500)


def test_a_known_graph_can_be_a_projection():
    graph = sn.ConnMat((40, 10), "erdos_renyi", p=0.1, weight={"law": "uniform", "low": 0.1, "high": 1}, unit="mV",
                       delay=2.0, seed=3)  # fmt: skip
    net = copy.deepcopy(SMALL)
    net["projections"]["ei"] = projection_of(graph, "e", "i", note="measured")
    found = load_network(sn.ExportJSON(load_network(net)))
    one = part(wired(found), "ei")
    assert np.array_equal(one.pre, graph.pre)
    assert np.array_equal(one.post, graph.post + 40)
    assert np.array_equal(one.weight, graph.weight)
    assert one.delay.item() == 2.0
    assert projection_of(graph, "e", "i", unit="uV").weight["values"] == pytest.approx(1e3 * graph.weight.values)
    loops = projection_of(np.array([[1.0, 0], [2.0, 0]]), "e", "e")
    assert (loops.autapses, loops.multapses) == (True, False)
    for source, pre, post in ((graph, "e", "e"), (3, "e", "i")):
        with pytest.raises(errors.ParameterError, match="graph"):
            projection_of(source, pre, post)


def test_a_network_can_be_saved_and_loaded(tmp_path):
    graph = wired(SMALL, [1, 2])
    sn.SaveSim(graph, tmp_path / "net.zarr")
    assert sn.LoadSim(tmp_path / "net.zarr").load().identical(graph)


SPOILT = {
    "rule": ("projections.ee.rule", "erdos", {}, "projection 'ee': ConnMat: rule 'erdos' is not known"),
    "k": ("projections.ie.params", {"k": 11}, {}, "projection 'ie': .*11 different partners of 10"),
    "off the grid": ("projections.ie.delay", 1.25, {"dt": 0.1}, "projection 'ie': .*not on the grid: 1.25 ms"),
    "drawn sign": (
        "projections.ee.weight",
        {"law": "normal", "mean": 0.1, "std": 1},
        {},
        "wrong sign: 'e' is excitatory",
    ),
    "units": ("projections.ee.unit", "nS", {}, "weights in mV and nS"),
    "space": ("populations.i.positions.length", 400, {}, "not in one space"),
    "change": ("source", "", {"changes": {"xe.p": 1}}, "population or projection 'xe' is not known"),
    "property": ("source", "", {"changes": {"e.sise": 1}}, "Did you mean 'size'"),
    "no parameter": ("source", "", {"changes": {"ee.k": 1}}, "parameter 'k' is not known"),
    "memory": ("source", "", {"changes": {"e.size": 10**7}}, "GiB on this machine"),
}


@pytest.mark.parametrize("case", SPOILT)
def test_graphs_that_cannot_be_are_refused(case):
    path, value, own, message = SPOILT[case]
    with pytest.raises(errors.SneuronError, match=f"(?s){message}"):
        wired(changed(path, value), **own)
