"""ConnMat as a function: what it takes, gives and refuses."""

import json
from concurrent.futures import ThreadPoolExecutor

import numpy as np
import pytest
import xarray as xr
from scipy import sparse

import sneuron as sn
from sneuron import ConnMat, errors
from sneuron.core.graph import asked
from sneuron.core.graph.rule import Argument, Rule, rules

LINE = {"on": "line", "length": 100.0}


def test_one_graph_has_scalars_where_all_synapses_are_alike():
    graph = ConnMat(50, "fixed_indegree", k=5, weight="200 pS", unit="nS", delay="0.0015 s", seed=7)
    assert dict(graph.sizes) == {"synapse": 250}
    assert graph.weight.dims == graph.delay.dims == ()
    assert (graph.weight.item(), graph.weight.attrs["units"]) == (pytest.approx(0.2), "nS")
    assert (graph.delay.item(), graph.delay.attrs["units"]) == (1.5, "ms")
    assert int(graph.seed) == 7
    assert int(graph.pre_count) == int(graph.post_count) == 50
    assert graph.nbytes <= 8 * 250 + 64
    told = json.loads(graph.attrs["connectivity"])
    law = json.loads(ConnMat(5, "all_to_all", weight={"law": "normal", "mean": 1, "std": 2}).attrs["connectivity"])
    assert law["values"]["weight.high"] == "inf"
    assert (told["rule"], told["values"]["k"]) == ("fixed_indegree", 5.0)


@pytest.mark.parametrize(
    ("rule", "own", "first"),
    [
        ("fixed_indegree", {"k": 10}, [96, 134, 154, 168, 183, 242, 268, 390]),
        ("erdos_renyi", {"p": 0.01}, [16, 149, 313, 494, 512, 624, 662, 823]),
        ("watts_strogatz", {"k": 4, "p": 0.5}, [1, 294, 999, 0, 3, 11, 4, 817]),
        ("fixed_total", {"n": 5000}, [100, 260, 279, 282, 549, 554, 116, 345]),
        ("fixed_total", {"n": 50000}, [7, 87, 112, 140, 168, 171, 177, 185]),
    ],
)
def test_the_first_synapses_of_a_graph_are_these_in_every_version(rule, own, first):
    assert ConnMat(1000, rule, **own, seed=1).post.values[:8].tolist() == first


def test_a_row_of_compressed_storage_is_a_view():
    graph = ConnMat((30, 40), "erdos_renyi", p=0.3, seed=2)
    first = np.searchsorted(graph.pre.values, np.arange(31))
    compressed = sparse.csr_array((np.ones(graph.sizes["synapse"]), graph.post.values, first), shape=(30, 40))
    dense = ConnMat((30, 40), "erdos_renyi", p=0.3, seed=2, layout="dense")
    assert dense.dims == ("post", "pre")
    assert np.array_equal(compressed.toarray().T, dense.values)


def test_graphs_of_different_size_are_padded_and_plain_selection_gives_one():
    graphs = ConnMat([20, 50], "erdos_renyi", p=[0.1, 0.5], weight={"law": "uniform", "low": 1, "high": 2}, seed=[1, 2])
    assert dict(graphs.sizes) == {"nodes": 2, "p": 2, "repeat": 2, "synapse": int(graphs.synapse_count.max())}
    assert graphs.pre_count.values.tolist() == [20, 50]
    one = graphs.sel(nodes=20, p=0.5).isel(repeat=1)
    one = one.isel(synapse=slice(int(one.synapse_count)))
    alone = ConnMat(20, "erdos_renyi", p=0.5, weight={"law": "uniform", "low": 1, "high": 2}, seed=2)
    for name in ("pre", "post", "weight"):
        assert np.array_equal(one[name], alone[name])
    padded = graphs.sel(nodes=20, p=0.1).isel(repeat=0)
    count = int(padded.synapse_count)
    assert (padded.pre[count:] == -1).all()
    assert (padded.post[count:] == -1).all()
    assert np.isnan(padded.weight[count:]).all()
    assert not np.isnan(padded.weight[:count]).any()


def test_blocks_vary_from_point_to_point():
    p = xr.DataArray([[[1, 0], [0, 1]], [[0, 1], [1, 0]]], dims=("point", "post_block", "pre_block"))
    graphs = ConnMat(5, "stochastic_block", sizes=[2, 3], p=p, layout="dense")
    assert graphs.dims == ("point", "post", "pre")
    inside = (np.arange(5) < 2)[:, None] == (np.arange(5) < 2)[None]
    assert np.array_equal(graphs.values[0], inside & ~np.eye(5, dtype=bool))
    assert np.array_equal(graphs.values[1], ~inside)
    with pytest.raises(errors.DataError, match="no dim 'post_block'"):
        ConnMat(5, "stochastic_block", sizes=[2, 3], p=p.rename(post_block="to"))


def test_numbers_of_neurons_may_have_dims_of_their_own():
    sizes = xr.DataArray([[5, 6], [7, 8]], dims=("a", "b"))
    graphs = ConnMat((sizes, [2, 3]), "all_to_all")
    assert graphs.synapse_count.dims == ("a", "b", "post_nodes")
    assert graphs.synapse_count.isel(a=1, b=0).values.tolist() == [14, 21]
    assert ConnMat(sizes, "ring", k=2).synapse_count.values.tolist() == [[10, 12], [14, 16]]


def test_a_seed_that_was_drawn_is_told():
    first, second = (ConnMat(60, "erdos_renyi", p=0.5, seed=None) for _ in range(2))
    assert int(first.seed) != int(second.seed)
    xr.testing.assert_identical(first, ConnMat(60, "erdos_renyi", p=0.5, seed=int(first.seed)))


def test_graphs_are_the_same_in_any_thread():
    own = {"p": 0.1, "weight": {"law": "normal", "mean": 0, "std": 1}}
    with ThreadPoolExecutor(4) as pool:
        found = list(pool.map(lambda seed: ConnMat(60, "erdos_renyi", seed=seed, **own), [1, 2, 3, 4] * 4))
    for number, graph in enumerate(found):
        xr.testing.assert_identical(graph, ConnMat(60, "erdos_renyi", seed=number % 4 + 1, **own))


def test_a_graph_can_be_saved_and_loaded(tmp_path):
    graph = ConnMat(30, "distance_gaussian", p=0.9, scale=20, positions=LINE, delay={"law": "distance", "velocity": 0.1,
                    "offset": 1}, seed=[1, 2])  # fmt: skip
    sn.SaveSim(graph, tmp_path / "graph.zarr")
    assert sn.LoadSim(tmp_path / "graph.zarr").load().identical(graph)


def test_dense_matrices_of_many_points_add_multapses_up():
    found = ConnMat(4, "fixed_indegree", k=[3, 9], multapses=True, weight=0.5, layout="dense")
    assert found.dims == ("k", "post", "pre")
    assert found.sum("pre").values.tolist() == [[1.5] * 4, [4.5] * 4]


def test_positions_come_along():
    graph = ConnMat((9, 16), "all_to_all", positions={"on": "plane", "length": "0.3 mm", "at": "grid"})
    assert graph.pre_position.dims == ("pre_neuron", "axis")
    assert graph.pre_position.attrs["units"] == "um"
    assert graph.pre_position.values[:4].tolist() == [[50, 50], [150, 50], [250, 50], [50, 150]]
    assert graph.post_position.values[1].tolist() == [112.5, 37.5]
    spots = xr.DataArray([[0.0, 0.0], [3.0, 4.0]], dims=("neuron", "axis"), attrs={"units": "mm"})
    delay = {"law": "distance", "velocity": 1.0, "offset": 0.5}
    assert ConnMat(2, "all_to_all", positions=spots, delay=delay).delay.values.tolist() == [5.5, 5.5]
    growing = ConnMat([5, 9], "ring", k=2, positions={"on": "ring", "length": 1.0})
    assert growing.position.dims == ("nodes", "neuron", "axis")
    assert int(growing.position.isnull().sum()) == 4


# -- graphs that are known -------------------------------------------------------------------------


class Graph:
    """What networkx has of a graph, as far as it is read."""

    def __init__(self, nodes, edges, directed):
        self.nodes, self._edges, self._directed = nodes, edges, directed

    def is_directed(self):
        return self._directed

    def edges(self, data):
        return self._edges


def test_weights_may_go_by_distance() -> None:
    ring = {"on": "ring", "length": 360, "at": "grid"}
    law = {"law": "gaussian", "peak": 3.0, "base": 0.5, "scale": 20}
    matrix = ConnMat(36, "all_to_all", weight=law, positions=ring, autapses=True, layout="dense").values
    far = np.abs(np.subtract.outer(np.arange(36), np.arange(36))) * 10.0
    far = np.minimum(far, 360.0 - far)
    np.testing.assert_allclose(matrix, 0.5 + 2.5 * np.exp(-((far / 20.0) ** 2) / 2), rtol=1e-12)


def test_normal_values_may_be_rounded_to_a_step() -> None:
    law = {"law": "normal", "mean": 1.5, "std": 0.75, "low": 0.1}
    plain, stepped = (ConnMat(60, "all_to_all", delay=d, seed=1).delay for d in (law, {**law, "step": 0.1}))
    np.testing.assert_allclose(stepped / 0.1, np.rint(stepped / 0.1), rtol=1e-12)
    assert float(np.abs(stepped - plain).max()) <= 0.05 + 1e-12
    assert float(stepped.min()) >= 0.1


def test_matrices_of_all_kinds_are_one_graph():
    matrix = np.zeros((4, 4))
    matrix[[1, 0, 3], [0, 2, 2]] = [0.5, -1.0, 2.0]  # (post, pre)
    labelled = xr.DataArray(matrix.T, dims=("pre", "post"), attrs={"units": "nS"})
    edges = [("a", "b", {"weight": 0.5}), ("c", "a", {"weight": -1.0}), ("c", "d", {"weight": 2.0})]
    found = [ConnMat(m) for m in (matrix, labelled, sparse.csc_array(matrix), sparse.coo_matrix(matrix))]
    found.append(ConnMat(Graph(["a", "b", "c", "d"], edges, True)))
    values = xr.DataArray([2.0, 0.5, -1.0], dims="synapse")
    found.append(ConnMat(4, "edges", pre=[2, 0, 2], post=[3, 1, 0], weight=values))
    found.append(ConnMat(found[0]))
    for graph in found:
        assert graph.pre.values.tolist() == [0, 2, 2]
        assert graph.post.values.tolist() == [1, 0, 3]
        assert graph.weight.values.tolist() == [0.5, -1.0, 2.0]
        assert graph.attrs["populations"] == 1
    assert found[1].weight.attrs["units"] == "nS"
    for source in (labelled, found[1]):
        other = ConnMat(source, unit="pS").weight
        assert (other.values.tolist(), other.attrs["units"]) == ([500.0, -1000.0, 2000.0], "pS")
    assert np.array_equal(ConnMat(matrix, layout="dense").values, matrix)


def test_a_graph_without_direction_goes_both_ways():
    graph = ConnMat(Graph([0, 1, 2], [(0, 1, {"delay": 2.0}), (2, 1, {"delay": 3.0})], False))
    assert list(zip(graph.pre.values.tolist(), graph.post.values.tolist(), strict=True)) == [
        (0, 1),
        (1, 0),
        (1, 2),
        (2, 1),
    ]
    assert graph.delay.values.tolist() == [2.0, 2.0, 3.0, 3.0]
    assert graph.weight.item() == 1.0


def test_graphs_of_networkx():
    networkx = pytest.importorskip("networkx")
    made = networkx.watts_strogatz_graph(30, 4, 0.2, seed=1)
    graph = ConnMat(made)
    assert graph.sizes["synapse"] == 2 * made.number_of_edges()
    back = networkx.Graph(list(zip(graph.pre.values.tolist(), graph.post.values.tolist(), strict=True)))
    assert networkx.utils.edges_equal(back.edges, made.edges)


def test_a_known_graph_takes_other_weights_and_keeps_its_edges():
    graph = ConnMat((10, 20), "erdos_renyi", p=[0.2, 0.4], weight={"law": "uniform", "low": 0, "high": 1}, unit="mV")
    one = graph.sel(p=0.2)
    again = ConnMat(one)
    count = int(one.synapse_count)
    assert again.sizes["synapse"] == count
    assert np.array_equal(again.weight, one.weight[:count])
    assert again.weight.attrs["units"] == "mV"
    assert ConnMat(one, weight=3).weight.item() == 3
    other = ConnMat(one, weight="200 uV").weight
    assert (other.item(), other.attrs["units"]) == (pytest.approx(0.2), "mV")
    assert ConnMat(one, weight={"law": "normal", "mean": 0, "std": 1}, seed=4).weight.dims == ("synapse",)
    assert again.attrs["populations"] == 2


def test_a_graph_without_synapses_is_one():
    for graph in (ConnMat(np.zeros((3, 3))), ConnMat(3, "edges", pre=[], post=[])):
        assert (graph.sizes["synapse"], int(graph.synapse_count), int(graph.pre_count)) == (0, 0, 3)


def test_given_weights_keep_dales_law():
    values = xr.DataArray([0.5, -0.25], dims="synapse")
    graph = ConnMat(2, "edges", pre=[0, 1], post=[1, 0], weight=values, dale=[1, -1], g=4)
    assert graph.weight.values.tolist() == [0.5, -1.0]
    with pytest.raises(errors.ParameterError, match="neuron 0 is inhibitory and sends"):
        ConnMat(2, "edges", pre=[0, 1], post=[1, 0], weight=values, dale=[-1, 1])


def test_a_rule_of_ones_own():
    def chain(place):
        return np.arange(place.pre - 1, dtype=np.int32), np.arange(1, place.pre, dtype=np.int32)

    own = Rule("chain_of_a_test", chain, lambda place: place.pre - 1, two=False)
    rules.add(own)
    try:
        assert ConnMat(5, "chain_of_a_test").post.values.tolist() == [1, 2, 3, 4]
    finally:
        del rules._things["chain_of_a_test"]


# -- refusals --------------------------------------------------------------------------------------

WRONG = {
    "rule unknown": ((10, "erdos_reny"), {"p": 0.1}, "Did you mean 'erdos_renyi'"),
    "no rule": ((10,), {}, "rule 'None' is not known"),
    "parameter unknown": ((10, "erdos_renyi"), {"prob": 0.1}, "parameter 'prob' is not known"),
    "parameter missing": ((10, "erdos_renyi"), {}, "'p' is not given"),
    "chance": ((10, "erdos_renyi"), {"p": [0.1, 1.5]}, "such as 1.5.*0 to 1"),
    "not a number": ((10, "erdos_renyi"), {"p": "much"}, "not a number with a unit"),
    "nan": ((10, "erdos_renyi"), {"p": float("nan")}, "NaN"),
    "empty": ((0, "erdos_renyi"), {"p": 0.1}, "0 cannot be.*1 to"),
    "a list of lists": ((10, "fixed_indegree"), {"k": [[1], [2, 3]]}, "is a list, not a number"),
    "half a neuron": ((2.5, "erdos_renyi"), {"p": 0.1}, "whole numbers"),
    "three populations": (((1, 2, 3), "erdos_renyi"), {"p": 0.1}, "3 populations"),
    "k > n": ((10, "fixed_indegree"), {"k": 10}, "10 different partners of 9 possible"),
    "k > n somewhere": ((10, "fixed_outdegree"), {"k": [3, 12]}, "12 different partners"),
    "half a partner": ((10, "fixed_indegree"), {"k": 1.5}, "whole numbers"),
    "total": ((10, "fixed_total"), {"n": 91}, "91 connections of 90 pairs"),
    "one to itself": ((10, "one_to_one"), {}, "connects each neuron to itself"),
    "one to none": (((10, 9), "one_to_one"), {}, "do not pair"),
    "odd ring": ((10, "ring"), {"k": 3}, "an even number below 10"),
    "wide ring": ((10, "watts_strogatz"), {"k": 10, "p": 0}, "an even number below 10"),
    "newcomers": ((10, "barabasi_albert"), {"m": 10}, "1 to 9"),
    "two rings": (((10, 10), "ring"), {"k": 2}, "within one population"),
    "columns": ((10, "grid"), {"columns": 3}, "do not fill rows"),
    "neighbours": ((9, "grid"), {"columns": 3, "neighbours": 6}, "4 or 8"),
    "small torus": ((10, "grid"), {"columns": 2, "wrap": 1}, "meets itself"),
    "blocks": ((10, "stochastic_block"), {"sizes": [5, 6], "p": np.ones((2, 2))}, "are not 10 together"),
    "block chances": ((10, "stochastic_block"), {"sizes": [5, 5], "p": np.ones((2, 3))}, "2 by 3"),
    "modules": ((10, "hierarchical"), {"levels": 4, "p": 0.1, "ratio": 1}, "16 modules of 10 neurons"),
    "autapses of two": (((5, 5), "all_to_all"), {"autapses": True}, "there are none"),
    "flag": ((5, "all_to_all"), {"autapses": 1}, "neither true nor false"),
    "multapses": ((5, "all_to_all"), {"multapses": True}, "connects no pair twice.*fixed_indegree"),
    "seed": ((5, "all_to_all"), {"seed": -1}, "out of bounds"),
    "no places": ((5, "distance_gaussian"), {"p": 1, "scale": 1}, "Give positions"),
    "space": ((5, "all_to_all"), {"positions": {"on": "tours", "length": 1}}, "Did you mean 'torus'"),
    "length": ((5, "all_to_all"), {"positions": {"on": "torus"}}, "no length"),
    "no square": ((5, "all_to_all"), {"positions": {"on": "torus", "length": 1, "at": "grid"}}, "no square grid"),
    "ragged places": ((2, "all_to_all"), {"positions": [[0.0], [1.0, 2.0]]}, "no coordinates"),
    "no space": ((5, "all_to_all"), {"positions": {"on": ["torus"], "length": 1}}, "Did you mean 'torus'"),
    "places": ((5, "all_to_all"), {"positions": np.zeros((4, 2))}, "4 positions of 5 neurons"),
    "outside": ((1, "all_to_all"), {"positions": {"on": "ring", "length": 1, "at": [[1.0]]}}, "outside of the space"),
    "law": ((5, "all_to_all"), {"weight": {"law": "lognorm"}}, "Did you mean 'lognormal'"),
    "no places of weights": ((5, "all_to_all"), {"weight": {"law": "gaussian", "peak": 1, "scale": 9}}, "Give posit"),
    "law of delays": ((5, "all_to_all"), {"weight": {"law": "distance", "velocity": 1}}, "law 'distance' is not known"),
    "law without": ((5, "all_to_all"), {"weight": {"law": "normal", "mean": 1}}, "'std' is not given"),
    "empty law": ((5, "all_to_all"), {"weight": {"law": "normal", "mean": 0, "std": 1, "low": 40}}, "too far"),
    "unit": ((5, "all_to_all"), {"weight": "2 nS", "unit": "mV"}, "does not convert"),
    "negative delay": ((5, "all_to_all"), {"delay": -1}, "delays are negative, such as -1 ms"),
    "no delay": ((5, "all_to_all"), {"delay": 0}, "delays are 0"),
    "some negative delays": ((50, "all_to_all"), {"delay": {"law": "normal", "mean": 0.5, "std": 1}}, "are negative"),
    "off the grid": ((5, "all_to_all"), {"delay": 0.25, "dt": 0.1}, "not on the grid: 0.25 ms in steps of 0.1 ms"),
    "no grid": ((5, "all_to_all"), {"quantise": True}, "no step to round to"),
    "step": ((5, "all_to_all"), {"dt": 0}, "above 0 ms"),
    "sign": ((5, "all_to_all"), {"weight": -1, "dale": 0.8}, "strengths are below 0"),
    "signs": ((5, "all_to_all"), {"dale": [1, -1]}, "2 signs of 5 neurons"),
    "no signs": ((5, "all_to_all"), {"dale": [1, 2, 3, 4, 5]}, "no signs"),
    "ragged signs": ((2, "all_to_all"), {"dale": [[1], [1, -1]]}, "no signs"),
    "g": ((5, "all_to_all"), {"g": 4}, "Give dale"),
    "radius of nothing": ((5, "erdos_renyi"), {"p": 0, "radius": 1}, "no loop"),
    "radius of a chain": ((3, "edges"), {"pre": [0, 1], "post": [1, 2], "radius": 1}, "no loop"),
    "radius of two": (((5, 5), "all_to_all"), {"radius": 1}, "two populations have none"),
    "dtype": ((5, "all_to_all"), {"dtype": "float16"}, "'float16' is not known"),
    "layout": ((5, "all_to_all"), {"layout": "csr"}, "'csr' is not known"),
    "dense delays": ((5, "all_to_all"), {"layout": "dense", "delay": 2}, "weights alone"),
    "dense sizes": (([5, 6], "all_to_all"), {"layout": "dense"}, "different size"),
    "pre": ((5, "edges"), {"pre": [0, 5, 7], "post": [1, 2, 3]}, "2 of 3 are out of range, such as 5.*0 to 4"),
    "post": ((5, "edges"), {"pre": [0], "post": [-1]}, "out of range, such as -1"),
    "ends": ((5, "edges"), {"pre": [0, 1], "post": [1]}, "1 values of 2 synapses"),
    "self": ((5, "edges"), {"pre": [1], "post": [1]}, "to itself.*autapses=True"),
    "twice": ((5, "edges"), {"pre": [1, 1], "post": [2, 2]}, "1 connections of a pair that has one"),
    "known": ((np.ones((2, 2)), "ring"), {}, "known already"),
    "known holes": ((np.array([[0, np.nan], [1, 0]]),), {}, "1 weights are not finite"),
    "known complex": ((sparse.coo_array(np.array([[0, 1j], [0, 0]])),), {}, "complex128 holds no weights"),
    "known dims": ((xr.DataArray(np.ones((2, 2)), dims=("a", "b")),), {}, "not those of a matrix"),
    "known data": ((xr.Dataset({"v": 1.0}),), {}, "has no 'pre'"),
    "dim": ((5, "erdos_renyi"), {"p": xr.DataArray([0.1], dims="synapse")}, "no dim of points"),
}  # fmt: skip


@pytest.mark.parametrize("case", WRONG)
def test_what_cannot_be_is_refused(case):
    given, own, message = WRONG[case]
    with pytest.raises(errors.SneuronError, match=f"(?s){message}"):
        ConnMat(*given, **own)


def test_coordinates_that_do_not_fit_are_refused():
    p = xr.DataArray([0.1, 0.2], dims="x", coords={"x": [0, 1]})
    weight = xr.DataArray([1.0, 2.0], dims="x", coords={"x": [5, 6]})
    seeds = xr.DataArray([1, 2], dims="x", coords={"x": [3, 4]})
    with pytest.raises(errors.DataError, match="do not fit together"):
        ConnMat(10, "erdos_renyi", p=p, seed=seeds)
    with pytest.raises(errors.SneuronError, match="fit"):
        ConnMat(10, "erdos_renyi", p=p, weight=weight)


def test_what_does_not_fit_into_memory_is_refused_before_it_is_drawn(monkeypatch):
    with pytest.raises(errors.ParameterError, match="GiB on this machine"):
        ConnMat(10**7, "erdos_renyi", p=0.1)
    monkeypatch.setattr(asked, "room", lambda: 12 * 1000)
    ConnMat(100, "fixed_indegree", k=10)
    with pytest.raises(errors.ParameterError, match="GiB"):
        ConnMat(100, "fixed_indegree", k=11)
    with pytest.raises(errors.ParameterError, match="GiB"):
        ConnMat(100, "fixed_indegree", k=10, weight={"law": "uniform", "low": 0, "high": 1})


def test_no_argument_of_a_rule_is_without_bounds_or_meaning():
    for name in rules:
        for parameter, argument in rules[name].arguments.items():
            assert isinstance(argument, Argument)
            assert argument.low > -np.inf, (name, parameter)
