"""Graphs of the rules of connection against what is known of them, and against one another."""

import math

import numpy as np
import pytest
import xarray as xr
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy import sparse, stats

from sneuron import ConnMat
from sneuron.core.graph.laws import laws
from sneuron.core.graph.rule import rules

TORUS = {"on": "torus", "length": 1000.0, "at": "random"}
SOME = {
    "all_to_all": {},
    "barabasi_albert": {"m": 3},
    "distance_exponential": {"p": 0.8, "scale": 200.0},
    "distance_gaussian": {"p": 0.8, "scale": 200.0},
    "edges": {"pre": [0, 3, 2, 0], "post": [1, 0, 0, 5]},
    "erdos_renyi": {"p": 0.2},
    "fixed_indegree": {"k": 7},
    "fixed_outdegree": {"k": 7},
    "fixed_total": {"n": 200},
    "grid": {"columns": 6},
    "hierarchical": {"levels": 2, "p": 0.6, "ratio": 0.3},
    "one_to_one": {},
    "ring": {"k": 4},
    "stochastic_block": {"sizes": [16, 20], "p": [[0.5, 0.1], [0.05, 0.3]]},
    "watts_strogatz": {"k": 4, "p": 0.3},
}
"""A graph of 36 neurons of each rule."""
each_rule = pytest.mark.parametrize("name", sorted(SOME))


def some(name, **other):
    own = {"autapses": True} if name == "one_to_one" else {}
    return ConnMat(36, name, **{"positions": TORUS, **SOME[name], **own, **other})


def matrix(graph):
    """Numbers of synapses (pre, post)."""
    n = int(graph.pre_count), int(graph.post_count)
    real = graph.pre.values >= 0
    ones = np.ones(int(real.sum()))
    return sparse.coo_array((ones, (graph.pre.values[real], graph.post.values[real])), shape=n).tocsr()


def degrees(graph):
    """In- and out-degrees."""
    found = matrix(graph)
    return found.sum(axis=0), found.sum(axis=1)


def clustering(graph):
    """Closed triangles over connected triples of an undirected graph."""
    adjacency = matrix(graph)
    assert (adjacency != adjacency.T).nnz == 0
    degree = adjacency.sum(axis=0)
    return (adjacency @ adjacency @ adjacency).trace() / (degree * (degree - 1)).sum()


def within(found, expected, sd, sigmas=4.5):
    assert abs(found - expected) < sigmas * sd, (found, expected, sd)


def test_every_rule_is_tried_here():
    assert sorted(SOME) == list(rules)


@each_rule
def test_synapses_lie_by_pre_then_post_and_none_is_twice(name):
    graph = some(name, seed=5)
    place = graph.pre.values.astype(np.int64) * 36 + graph.post.values
    assert graph.pre.dtype == graph.post.dtype == np.int32
    assert (np.diff(place) > 0).all()
    assert 0 < graph.synapse_count.item() == graph.sizes["synapse"]
    assert min(graph.pre.min(), graph.post.min()) >= 0
    assert max(graph.pre.max(), graph.post.max()) < 36
    assert name == "one_to_one" or (graph.pre != graph.post).all()


@each_rule
def test_a_graph_is_the_same_in_company_and_another_with_another_seed(name):
    together = some(name, seed=[3, 4, 5])
    alone = some(name, seed=4)
    count = int(alone.synapse_count)
    one = together.isel(repeat=1, synapse=slice(count))
    assert int(one.synapse_count) == count
    assert np.array_equal(one.pre, alone.pre)
    assert np.array_equal(one.post, alone.post)
    random = name not in ("all_to_all", "edges", "grid", "one_to_one", "ring")
    assert random != np.array_equal(together.post[0], together.post[2])


@given(
    st.sampled_from(
        ["erdos_renyi", "fixed_indegree", "fixed_outdegree", "fixed_total", "all_to_all", "watts_strogatz"]
    ),
    st.integers(1, 40),
    st.integers(0, 2**64 - 1),
    st.booleans(),
    st.floats(0, 1),
)
@settings(deadline=None, max_examples=150)
def test_graphs_of_any_size_keep_to_their_rules(name, n, seed, autapses, share):
    width = n if autapses else n - 1
    own = {
        "erdos_renyi": {"p": share},
        "fixed_indegree": {"k": round(share * width)},
        "fixed_outdegree": {"k": round(share * width)},
        "fixed_total": {"n": round(share * n * width)},
        "all_to_all": {},
        "watts_strogatz": {"k": 2 * round(share * (n - 1) / 2 - 0.5) if n > 2 else 0, "p": share},
    }[name]
    if name == "watts_strogatz":
        own["k"] = max(own["k"], 0)
    graph = ConnMat(n, name, seed=seed, autapses=autapses, **own)
    incoming, outgoing = degrees(graph)
    assert matrix(graph).max() <= 1 if graph.sizes["synapse"] else True
    assert autapses or (graph.pre != graph.post).all()
    if name == "fixed_indegree":
        assert (incoming == own["k"]).all()
    if name == "fixed_outdegree":
        assert (outgoing == own["k"]).all()
    if name == "fixed_total":
        assert graph.sizes["synapse"] == own["n"]
    if name == "all_to_all":
        assert graph.sizes["synapse"] == n * width
    if name == "watts_strogatz":
        assert graph.sizes["synapse"] == n * own["k"]


@given(st.permutations([0.0, 0.1, 0.25, 0.6]), st.permutations([1, 2, 3]))
@settings(deadline=None, max_examples=12)
def test_the_order_of_points_does_not_matter(chances, seeds):
    found = ConnMat(20, "erdos_renyi", p=chances, seed=seeds).swap_dims(repeat="seed")
    wanted = ConnMat(20, "erdos_renyi", p=[0.0, 0.1, 0.25, 0.6], seed=[1, 2, 3]).swap_dims(repeat="seed")
    xr.testing.assert_identical(found.sortby(["p", "seed"]), wanted)


def test_points_that_share_a_dim_and_points_along_a_grid_are_the_same_graphs():
    table = ConnMat(30, "watts_strogatz", k=[2, 4], p=[0.1, 0.5], seed=9)
    points = {"k": xr.DataArray([4, 2], dims="point"), "p": xr.DataArray([0.1, 0.5], dims="point")}
    listed = ConnMat(30, "watts_strogatz", **points, seed=9)
    for point, (k, p) in enumerate([(4, 0.1), (2, 0.5)]):
        count = int(listed.synapse_count[point])
        assert count == int(table.synapse_count.sel(k=k, p=p)) == 30 * k
        assert np.array_equal(listed.post[point, :count], table.post.sel(k=k, p=p)[:count])
        assert (listed.post[point, count:] == -1).all()


# -- laws of each rule -----------------------------------------------------------------------------


def test_edges_and_degrees_of_erdos_renyi():
    graphs = ConnMat(500, "erdos_renyi", p=0.1, seed=list(range(200)))
    count = graphs.synapse_count.values
    within(count.mean(), 24950.0, 149.8499 / math.sqrt(200))
    assert 0.62 < count.var(ddof=1) / 149.8499**2 < 1.48  # 99.99 % of chi-square with 199 degrees
    incoming = np.concatenate([degrees(graphs.isel(repeat=k))[0] for k in range(20)])
    within(incoming.mean(), 49.9, math.sqrt(44.91 / incoming.size))
    edges = np.arange(36, 65, 2)
    counted = np.histogram(incoming, [-np.inf, *edges, np.inf])[0]
    chances = np.diff([0, *stats.binom(499, 0.1).cdf(edges - 1), 1])
    assert stats.chisquare(counted, chances * incoming.size).pvalue > 1e-4


def test_reciprocity_of_erdos_renyi():
    adjacency = matrix(ConnMat(500, "erdos_renyi", p=0.1, seed=3))
    both = adjacency.multiply(adjacency.T).sum() / adjacency.sum()
    within(both, 0.1, math.sqrt(2 * 0.1 * 0.9 / adjacency.sum()))


@pytest.mark.parametrize("p", [0.0, 1.0])
def test_erdos_renyi_at_its_ends(p):
    assert ConnMat(50, "erdos_renyi", p=p).sizes["synapse"] == p * 50 * 49
    assert ConnMat(50, "erdos_renyi", p=p, autapses=True).sizes["synapse"] == p * 2500
    assert ConnMat((50, 20), "erdos_renyi", p=p).sizes["synapse"] == p * 1000


def test_fixed_indegree_is_exact_and_senders_are_binomial():
    graph = ConnMat(400, "fixed_indegree", k=40, seed=1)
    incoming, outgoing = degrees(graph)
    assert (incoming == 40).all()
    assert graph.sizes["synapse"] == 16000
    assert outgoing.mean() == 40
    assert outgoing.var() == pytest.approx(35.98997, rel=0.25)  # of one graph
    many = ConnMat(400, "fixed_indegree", k=40, seed=list(range(40)))
    spread = np.mean([degrees(many.isel(repeat=r))[1].var() for r in range(40)])
    assert spread == pytest.approx(35.98997, rel=0.05)


@pytest.mark.parametrize(("name", "own"), [("fixed_indegree", {"k": 2}), ("fixed_indegree", {"k": 3}),
                                           ("fixed_outdegree", {"k": 2}), ("fixed_total", {"n": 6}),
                                           ("fixed_total", {"n": 15})])  # fmt: skip
def test_all_pairs_are_equally_likely(name, own):
    graphs = ConnMat(5, name, **own, seed=list(range(2000)))
    counts = np.zeros((5, 5))
    np.add.at(counts, (graphs.pre.values, graphs.post.values), 1)
    assert (np.diag(counts) == 0).all()
    found = counts[~np.eye(5, dtype=bool)]
    share = graphs.sizes["synapse"] / 20
    z = (found - 2000 * share) / math.sqrt(2000 * share * (1 - share))
    assert np.abs(z).max() < 4.5
    assert (z**2).mean() < 2.2


def test_few_of_many_pairs_are_equally_likely_too():
    graphs = ConnMat((30, 40), "fixed_total", n=10, seed=list(range(3000)))
    place = graphs.pre.values * 40 + graphs.post.values
    assert (np.diff(place, axis=1) > 0).all()
    counts = np.bincount(place.ravel(), minlength=1200)
    assert stats.chisquare(counts).pvalue > 1e-4


def test_multapses_are_drawn_with_replacement():
    graph = ConnMat((50, 400), "fixed_indegree", k=100, multapses=True, seed=2)
    table = matrix(graph).toarray()
    assert (table.sum(axis=0) == 100).all()
    within((table == 0).mean(), (1 - 1 / 50) ** 100, math.sqrt(0.117 / table.size))
    assert ConnMat(3, "fixed_total", n=100, multapses=True).sizes["synapse"] == 100


def test_clustering_of_small_worlds():
    for k in (4, 10):
        assert clustering(ConnMat(200, "watts_strogatz", k=k, p=0)) == pytest.approx(3 * (k - 2) / (4 * (k - 1)))
    graph = ConnMat(1000, "watts_strogatz", k=10, p=[0.1, 1.0], seed=4)
    small, random = (graph.isel(p=i) for i in (0, 1))
    assert graph.sizes["synapse"] == 2 * 5000  # edges, both ways
    assert degrees(small)[0].mean() == 10
    assert clustering(small) == pytest.approx(0.486, rel=0.05)  # Barrat & Weigt 2000, doi:10.1007/s100510050067
    assert clustering(random) < 0.02  # k/N is 0.01
    assert degrees(random)[0].min() >= 5  # each node keeps its half


def test_a_ring_that_is_not_rewired_is_the_ring():
    ring, world = ConnMat(30, "ring", k=6), ConnMat(30, "watts_strogatz", k=6, p=0, seed=77)
    assert np.array_equal(ring.pre, world.pre)
    assert np.array_equal(ring.post, world.post)
    apart = (ring.post - ring.pre) % 30
    assert set(apart.values) == {1, 2, 3, 27, 28, 29}


def test_degrees_of_scale_free_graphs_fall_with_the_third_power():
    """P(degree >= k) = m (m + 1) / (k (k + 1)); Dorogovtsev et al. 2000, doi:10.1103/PhysRevLett.85.4633."""
    m, n = 4, 20_000
    degree, other = degrees(ConnMat(n, "barabasi_albert", m=m, seed=8))
    assert np.array_equal(degree, other)
    assert degree.sum() == 2 * m * (n - m)
    for k in (5, 8, 16, 32, 64):
        chance = m * (m + 1) / (k * (k + 1))
        within((degree >= k).mean(), chance, math.sqrt(chance / n))
    tail = degree[degree >= 20]
    assert 1 + tail.size / np.log(tail / 19.5).sum() == pytest.approx(3.0, abs=0.25)


def test_densities_of_blocks():
    p = np.array([[0.3, 0.02], [0.1, 0.0]])
    graph = ConnMat(300, "stochastic_block", sizes=[100, 200], p=p, seed=6)
    table = matrix(graph).toarray()
    blocks = [slice(100), slice(100, 300)]
    for post in (0, 1):
        for pre in (0, 1):
            block = table[blocks[pre], blocks[post]]
            pairs = block.size - (len(block) if pre == post else 0)
            within(block.sum() / pairs, p[post, pre], math.sqrt(p[post, pre] / pairs) + 1e-12)


def test_chances_of_modules_in_modules():
    graph = ConnMat(400, "hierarchical", levels=2, branches=2, p=0.4, ratio=0.25, seed=6)
    table = matrix(graph).toarray()
    for pre, post, chance in ((0, 0, 0.4), (0, 1, 0.1), (2, 3, 0.1), (0, 2, 0.025), (3, 1, 0.025)):
        block = table[pre * 100 : pre * 100 + 100, post * 100 : post * 100 + 100]
        pairs = block.size - (100 if pre == post else 0)
        within(block.sum() / pairs, chance, math.sqrt(chance / pairs))


@pytest.mark.parametrize(
    ("name", "kernel"),
    [
        ("distance_exponential", lambda d: np.exp(-d / 150.0)),
        ("distance_gaussian", lambda d: np.exp(-(d**2) / 2 / 150.0**2)),
    ],
)
@pytest.mark.parametrize("space", ["line", "ring", "plane", "torus"])
def test_chance_falls_with_distance_as_the_kernel_says(name, kernel, space):
    where = {"on": space, "length": 1000, "at": "random"}
    graph = ConnMat(500, name, p=0.5, scale="150 um", positions=where, seed=11)
    spots = graph.position.values
    step = np.abs(spots[:, None] - spots[None])
    if space in ("ring", "torus"):
        step = np.minimum(step, 1000 - step)
    apart = np.sqrt((step**2).sum(-1))
    chance = 0.5 * kernel(apart)
    table = matrix(graph).toarray()
    np.fill_diagonal(chance, 0)
    for low, high in ((0, 60), (60, 150), (150, 300), (300, 800)):
        band = (apart > low) & (apart <= high)
        within(table[band].sum(), chance[band].sum(), math.sqrt((chance[band] * (1 - chance[band])).sum()))


def test_every_place_of_a_torus_is_the_same():
    where = {"on": "torus", "length": 800, "at": "grid"}
    graph = ConnMat(64, "all_to_all", positions=where, delay={"law": "distance", "velocity": 0.5, "offset": 0.1})
    seen = np.sort(graph.delay.values.reshape(64, 63), axis=1)
    assert np.allclose(seen, seen[0], rtol=0, atol=1e-12)
    assert seen[0, 0] == pytest.approx(0.1 + 100 / 500)
    assert seen.max() == pytest.approx(0.1 + math.hypot(400, 400) / 500)


def test_neighbours_in_grids():
    for neighbours, edges in ((4, 2 * (5 * 5 + 6 * 4)), (8, 2 * (5 * 5 + 6 * 4 + 2 * 4 * 5))):
        assert ConnMat(30, "grid", columns=6, neighbours=neighbours).sizes["synapse"] == edges
        incoming, outgoing = degrees(ConnMat(30, "grid", columns=6, neighbours=neighbours, wrap=1))
        assert (incoming == neighbours).all()
        assert (outgoing == neighbours).all()


# -- weights and delays ----------------------------------------------------------------------------

DRAWN = {
    "normal": ({"mean": 2.0, "std": 0.5}, stats.norm(2.0, 0.5)),
    "lognormal": ({"mean": 0.767, "sigma": 0.935}, stats.lognorm(0.935, scale=0.767 * math.exp(-(0.935**2) / 2))),
    "uniform": ({"low": -1.0, "high": 3.0}, stats.uniform(-1.0, 4.0)),
}
CUT = {"mean": 0.5, "std": 1.0, "low": 0.0, "high": 2.0}


def test_every_law_is_tried_here():
    assert {n for n in laws if laws[n].drawn} == set(DRAWN)


@pytest.mark.parametrize("name", DRAWN)
def test_weights_follow_their_laws(name):
    own, law = DRAWN[name]
    weight = ConnMat(100, "all_to_all", weight={"law": name, **own}, seed=3).weight.values
    assert weight.size == 9900
    assert stats.kstest(weight, law.cdf).pvalue > 1e-4
    within(weight.mean(), law.mean(), law.std() / math.sqrt(weight.size))


def test_a_normal_law_is_cut_and_not_clipped():
    weight = ConnMat(100, "all_to_all", weight={"law": "normal", **CUT}, seed=3).weight.values
    assert stats.kstest(weight, stats.truncnorm(-0.5, 1.5, loc=0.5).cdf).pvalue > 1e-4
    assert ((weight > 0) & (weight < 2)).all()


def test_weights_change_along_their_parameters_while_the_graph_stays():
    graph = ConnMat(40, "erdos_renyi", p=[0.1, 0.2], weight={"law": "normal", "mean": [0.0, 10.0], "std": 1.0}, seed=1)
    assert graph.weight.dims == ("weight.mean", "p", "synapse") or graph.weight.dims == ("p", "weight.mean", "synapse")
    assert graph.pre.dims == ("p", "synapse")
    apart = graph.weight.sel({"weight.mean": 10}) - graph.weight.sel({"weight.mean": 0})
    assert np.nanmax(np.abs(apart - 10)) < 1e-12
    assert np.isnan(graph.weight.sel(p=0.1)).any()


def test_dale_balance_and_g():
    graph = ConnMat(
        100, "fixed_indegree", k=16, weight={"law": "lognormal", "mean": 1, "sigma": 0.5}, dale=0.8, g=[4, 5]
    )
    excitatory = graph.pre.values < 80
    four, five = graph.weight.values
    assert (four[excitatory] > 0).all()
    assert (four[~excitatory] < 0).all()
    assert np.allclose(five, np.where(excitatory, four, four * 1.25))
    balanced = ConnMat(100, "fixed_indegree", k=[16, 25], weight=2.0, balanced=True)
    assert balanced.weight.values.tolist() == [0.5, 0.4]
    assert balanced.weight.dims == ("k",)


@pytest.mark.parametrize(("rule", "own", "n", "expected"), [
    ("all_to_all", {}, 250, 0.5 * math.sqrt(250)), ("erdos_renyi", {"p": 0.2}, 250, 0.5 * math.sqrt(250 * 0.2)),
])  # fmt: skip
def test_eigenvalues_of_random_weights_fill_a_circle(rule, own, n, expected):
    """Circular law: radius sigma sqrt(N); Girko 1985, doi:10.1137/1129095."""
    law = {"law": "normal", "mean": 0, "std": 0.5}
    found = ConnMat(n, rule, **own, weight=law, layout="dense", seed=[1, 2, 3, 4])
    reach = np.abs(np.linalg.eigvals(found.values)) / expected
    assert stats.kstest(reach.ravel() ** 2, "uniform").statistic < 0.05  # the circle is filled evenly
    assert reach.max(axis=1).mean() == pytest.approx(1.03, abs=0.05)  # numpy's own at this size: 1.04 (0.03 for one)


@pytest.mark.parametrize("n", [100, 350])
def test_the_spectral_radius_is_what_was_asked_for(n):
    law = {"law": "normal", "mean": 0.05, "std": 1}
    graph = ConnMat(n, "fixed_indegree", k=20, weight=law, radius=1.5, seed=5)
    table = sparse.coo_array((graph.weight.values, (graph.post.values, graph.pre.values)), shape=(n, n)).toarray()
    assert np.abs(np.linalg.eigvals(table)).max() == pytest.approx(1.5, rel=1e-8)


def test_ring_of_constant_weights_has_the_radius_of_its_degree():
    assert ConnMat(50, "ring", k=4, weight=-3.0, radius=2.0).weight.item() == pytest.approx(-0.5)


def test_delays_are_rounded_to_the_grid_and_say_by_how_much():
    own = {"delay": {"law": "uniform", "low": 0.01, "high": 3.0}, "dt": "0.1 ms"}
    exact = ConnMat(50, "fixed_indegree", k=10, delay=own["delay"], seed=1).delay
    graph = ConnMat(50, "fixed_indegree", k=10, **own, quantise=True, seed=1).delay
    steps = graph / 0.1
    assert np.abs(steps - steps.round()).max() < 1e-9
    assert steps.min() >= 1 - 1e-9
    off = np.abs(graph - exact)
    assert float(off.max()) == pytest.approx(graph.attrs["largest_rounding"])
    assert float(off.mean()) == pytest.approx(graph.attrs["mean_rounding"])
    assert graph.attrs["largest_rounding"] <= 0.09 + 1e-9
    assert ConnMat(5, "all_to_all", delay=1.5, dt=0.1).delay.item() == pytest.approx(1.5)
