"""ConnMat: who is connected to whom, by a rule or as given; one graph, or one for each point."""

from __future__ import annotations

import json
import os
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np
import xarray as xr
from numpy.typing import NDArray

from sneuron import errors, labels
from sneuron.core.graph.arguments import Points, keys_of, labelled, taken
from sneuron.core.graph.draws import ordered
from sneuron.core.graph.laws import Law
from sneuron.core.graph.places import AXES, Layout, layout_of
from sneuron.core.graph.rule import Argument, Edges, Place, Rule, refused, rules
from sneuron.core.graph.sources import Known, known
from sneuron.core.graph.values import Grid, Signs, delays, law_of, weights
from sneuron.core.stimulus import checked_seeds

__all__ = ["PAD", "ConnMat"]

Array = NDArray[Any]
PAD = -1
"""Number of the neurons of a synapse that is none, behind the last one of a graph."""
_COUNT = Argument(low=1, high=2**31 - 1, whole=True)
_BYTES = 12
"""Memory that a synapse takes while a graph is drawn, without values of its own."""


def ConnMat(
    nodes: Any,
    rule: str | None = None,
    *,
    seed: Any = 0,
    weight: Any = None,
    delay: Any = None,
    unit: str = "1",
    positions: Any = None,
    autapses: bool = False,
    multapses: bool = False,
    dale: Any = None,
    g: Any = 1.0,
    balanced: bool = False,
    radius: Any = None,
    dt: Any = None,
    quantise: bool = False,
    dtype: str = "float64",
    layout: str = "sparse",
    **parameters: Any,
) -> xr.Dataset | xr.DataArray:
    r"""Who is connected to whom: the synapses of a graph that a rule draws, or that is known.

    Parameters
    ----------
    nodes : int, (int, int), list or DataArray of int, or a graph
        How many neurons, or how many send and how many receive in two populations.  A list makes the dim `nodes`.
        A graph is a matrix (post, pre): 2-D array, DataArray with these dims, sparse array of SciPy; a graph of
        networkx (edges from pre to post); or a Dataset that ConnMat made.
    rule : str
        "erdos_renyi" (p), "fixed_indegree" (k), "fixed_outdegree" (k), "fixed_total" (n), "one_to_one", "all_to_all",
        "watts_strogatz" (k, p), "barabasi_albert" (m), "ring" (k), "grid" (columns, neighbours=4, wrap=0),
        "distance_exponential" and "distance_gaussian" (p, scale in um), "stochastic_block" (sizes, p),
        "hierarchical" (levels, branches=2, p, ratio), "edges" (pre, post); and those of installed packages.
    seed : int from 0 to 2**64 - 1, list or DataArray of them, or None
        A list makes the dim `repeat`.  None draws one, which the result holds.
    weight : number, text, DataArray or mapping, `unit`
        One for all (1 when omitted); a DataArray along `synapse` for a known graph; or a law: {"law": "normal", "mean",
        "std", "low", "high"}, {"law": "lognormal", "mean", "sigma"}, {"law": "uniform", "low", "high"}.
    delay : the same, ms
        1 ms when omitted; also {"law": "distance", "velocity" (m/s), "offset"}.
    unit : str
        Unit of the weights.
    positions : mapping or array (neuron, axis), um
        {"on": "line", "ring", "plane" or "torus", "length": um, "at": "random", "grid" or an array}.
    autapses, multapses : bool
        Whether a neuron may connect to itself, and a pair more than once.
    dale : number from 0 to 1, or signs, optional
        The share of excitatory neurons, which come first; or 1 or -1 for each that sends.  Weights are strengths then.
    g : number, list or DataArray
        How much stronger inhibitory synapses are (with `dale`).
    balanced : bool
        Divide weights by the square root of the mean number of synapses of a neuron.
    radius : number, list or DataArray, optional
        Scale weights so that the spectral radius of their matrix is this.
    dt : number or text, ms, optional
        Step of which delays must be multiples; with `quantise` they are rounded to it, to one step at least.
    quantise : bool
    dtype : "float64" or "float32"
        Of weights and delays that synapses have of their own.
    layout : "sparse" or "dense"
    **parameters
        Those of the rule.  A list makes a dim of the parameter's name, a DataArray keeps its dims: each point is a
        graph of its own.

    Returns
    -------
    xarray.Dataset
        Coordinates `pre(..., synapse)` and `post(..., synapse)`, int32, sorted by pre, then post;
        `weight` and `delay` along `synapse` where they vary, else without it; `pre_count`, `post_count` (neurons),
        `synapse_count(...)`, and positions.  Graphs of different size are padded with -1 (and NaN) at the end.
        Dense: a DataArray of weights (..., post, pre), 0 where there is no synapse.

    Raises
    ------
    UnknownNameError
        For a rule, law or parameter that is not known.
    ParameterError
        For what cannot be: more partners than neurons, ends out of range, delays that are negative or not on the grid,
        weights of the wrong sign, graphs that do not fit into memory.

    Notes
    -----
    Synapse by synapse, random numbers are counted (Philox) and keyed by the seed and the content of the point: rule,
    numbers of neurons, parameters of the rule.  So a graph is the same in any order, chunk or company; equal
    points are equal graphs, and others come by another seed.  Weights and delays do not enter: along them, the graph
    stays what it is.  Watts & Strogatz 1998 (doi:10.1038/30918): clustering of the ring
    :math:`3(k-2)/(4(k-1))`.  Barabasi & Albert 1999 (doi:10.1126/science.286.5439.509): degrees fall as
    :math:`k^{-3}`.  Balance: van Vreeswijk & Sompolinsky 1996, doi:10.1126/science.274.5293.1724.

    Examples
    --------
    >>> graph = ConnMat(100, "fixed_indegree", k=[5, 10], weight="0.2 nS", unit="nS", delay=1.5, seed=3)
    >>> dict(graph.sizes), graph.synapse_count.values, graph.weight.item()
    ({'k': 2, 'synapse': 1000}, array([ 500, 1000]), 0.2)
    >>> graph.sel(k=5).isel(synapse=slice(0, 3)).pre.values
    array([0, 0, 0], dtype=int32)
    """
    source = known(nodes)
    if source is not None:
        if rule is not None or parameters:
            raise refused("rule", "this graph is known already", mend="Leave rule and its parameters out.")
        nodes, rule, parameters = source.nodes, "edges", {"pre": source.pre, "post": source.post}
        weight, delay = _kept(source, weight, delay)
    asked = _Asked(
        _rule(rule), *law_of(1.0 if weight is None else weight, "weight", unit),
        *law_of(1.0 if delay is None else delay, "delay", "ms"), unit, *_flags(autapses, multapses, balanced, quantise),
        Signs.of(dale), Grid.of(dt, quantise), _among("dtype", dtype, ("float64", "float32")),
    )  # fmt: skip
    sizes, same = _sizes(nodes)
    arrays = sizes | taken(parameters, asked.rule.arguments, f"ConnMat: {asked.rule.name}")
    scales = _scales(g, radius, dale)
    asked.check(same, positions, balanced, scales)
    if _among("layout", layout, ("sparse", "dense")) == "dense" and (delay is not None or dt is not None):
        raise refused("delay", "a dense matrix holds weights alone", mend="Give layout='sparse'.")
    if asked.rule.name == "edges":
        asked, arrays = _sorted(asked, arrays)
    place = None if positions is None else layout_of(positions, same)
    made = _made(asked, arrays | {"seed": _seeds(seed)}, scales, same, place)
    return made if layout == "sparse" else _dense(made)


@dataclass(frozen=True)
class _Asked:
    """What kind of graph, and what of it."""

    rule: Rule
    weight: Law
    weight_values: Mapping[str, xr.DataArray]
    delay: Law
    delay_values: Mapping[str, xr.DataArray]
    unit: str
    autapses: bool
    multapses: bool
    balanced: bool
    signs: Signs | None
    grid: Grid
    dtype: str

    def check(self, same: bool, positions: Any, balanced: bool, scales: Mapping[str, Any]) -> None:
        """Refuse what does not go together."""
        name = self.rule.name
        if not (same or self.rule.two):
            raise refused("rule", f"{name} is within one population", mend="Give nodes as one number.")
        if self.multapses and not self.rule.multapses:
            raise refused("multapses", f"{name} connects no pair twice", [r for r in rules if rules[r].multapses])
        if self.autapses and not same:
            raise refused("autapses", "between two populations there are none", mend="Leave autapses out.")
        spatial = [w for w, s in ((name, self.rule.spatial), ("delay", self.delay.spatial)) if s]
        if spatial and positions is None:
            raise refused("positions", f"{spatial[0]} goes by distance, and nobody is anywhere", mend="Give positions.")
        if "radius" in scales and (balanced or not same):
            what = "of one population" if not same else "or balance: one of both"
            raise refused("radius", f"weights are scaled by the spectral radius {what}")
        if name != "edges" and "given" in (self.weight.name, self.delay.name):
            raise refused("weight", "values along 'synapse' are for a graph that is known", mend="Give a law.")


def _rule(name: Any) -> Rule:
    if not isinstance(name, str) or name not in rules:
        raise errors.unknown("ConnMat", "rule", str(name), list(rules))
    return rules[name]


def _flags(*flags: Any) -> tuple[bool, ...]:
    """Truths: autapses, multapses, balanced (and quantise, which is only checked)."""
    for name, flag in zip(("autapses", "multapses", "balanced", "quantise"), flags, strict=True):
        if not isinstance(flag, bool | np.bool_):
            raise refused(name, f"{flag!r:.60} is neither true nor false")
    return tuple(bool(f) for f in flags[:3])


def _among(name: str, given: Any, possible: tuple[str, ...]) -> str:
    if given not in possible:
        raise errors.unknown(f"ConnMat: {name!r}", "kind", str(given), possible)
    return str(given)


def _kept(source: Known, weight: Any, delay: Any) -> tuple[Any, Any]:
    """Weights and delays of a known graph, unless others are asked for."""
    return (source.weight if weight is None else weight), (source.delay if delay is None else delay)


def _sizes(nodes: Any) -> tuple[dict[str, xr.DataArray], bool]:
    """Numbers of neurons, pre and post, and whether they are the same ones."""
    where = "ConnMat: 'nodes'"
    if isinstance(nodes, tuple):
        if len(nodes) != 2:
            raise refused("nodes", f"{len(nodes)} populations", "one number, or two: (pre, post)")
        pre, post = (labelled(n, _COUNT, where, f"{d}_nodes") for n, d in zip(nodes, ("pre", "post"), strict=True))
        return {"pre_count": pre, "post_count": post}, False
    found = labelled(nodes, _COUNT, where, "nodes")
    return {"pre_count": found, "post_count": found}, True


def _scales(g: Any, radius: Any, dale: Any) -> dict[str, xr.DataArray]:
    """What weights are scaled by."""
    found = labelled(g, Argument(low=0), "ConnMat: 'g'", "g")
    if dale is None and not (found.values == 1.0).all():
        raise refused("g", "without Dale's law nobody is inhibitory", mend="Give dale.")
    scales = {} if dale is None else {"g": found}
    if radius is not None:
        scales["radius"] = labelled(radius, Argument(low=0), "ConnMat: 'radius'", "radius")
    return scales


def _seeds(seed: Any) -> xr.DataArray:
    """Seeds as words; a list of them along `repeat`, where they are the coordinate `seed`."""
    found = checked_seeds(seed, "ConnMat", labels.REPEAT).astype(np.uint64)
    if isinstance(seed, xr.DataArray) or not found.ndim:
        return found
    return found.drop_vars(labels.REPEAT).assign_coords(seed=(labels.REPEAT, found.values))


def _sorted(asked: _Asked, arrays: dict[str, xr.DataArray]) -> tuple[_Asked, dict[str, xr.DataArray]]:
    """Known edges by pre, then post, and their values with them."""
    pre, post = arrays["pre"], arrays["post"]
    if pre.ndim > 1 or post.ndim > 1:
        raise refused("pre", "edges of more than one graph", mend="Connect one graph after the other.")
    if pre.size != post.size:
        return asked, arrays
    order = xr.DataArray(np.lexsort((post.values, pre.values)), dims=labels.SYNAPSE)
    moved = {n: a.isel(synapse=order) if labels.SYNAPSE in a.dims else a for n, a in arrays.items()}
    held = []
    for values in (asked.weight_values, asked.delay_values):
        own = {n: a for n, a in values.items() if labels.SYNAPSE in a.dims}
        for name, array in own.items():
            if array.sizes[labels.SYNAPSE] != pre.size:
                given = f"{array.sizes[labels.SYNAPSE]} values of {pre.size} synapses"
                raise refused(name.partition(".")[0], given, "one for each")
        held.append({**values, **{n: a.isel(synapse=order) for n, a in own.items()}})
    fields = {**vars(asked), "weight_values": held[0], "delay_values": held[1]}
    return _Asked(**fields), moved


# -- drawing ---------------------------------------------------------------------------------------


def _made(
    asked: _Asked, arrays: dict[str, xr.DataArray], scales: dict[str, xr.DataArray], same: bool,
    layout: tuple[Layout, bool] | None,
) -> xr.Dataset:  # fmt: skip
    """All graphs with their weights and delays."""
    inner = {n: a.dims for n, a in asked.rule.arguments.items()}
    graphs = Points(arrays, inner)
    places = _places(asked, graphs, same, layout)
    own = Points({**scales, **asked.weight_values, "graph": _numbers(graphs)}, _inner(asked.weight_values))
    lagging = Points({**asked.delay_values, "graph": _numbers(graphs)}, _inner(asked.delay_values))
    _refuse_memory(asked, graphs, places, own.size, lagging.size)
    edges = [_edges(asked.rule, row, place) for row, place in zip(graphs, places, strict=True)]
    pre, post = _stacked([e[0] for e in edges], graphs, PAD), _stacked([e[1] for e in edges], graphs, PAD)
    counts = np.array([e[0].size for e in edges], np.int64).reshape(tuple(graphs.sizes.values()))
    found = xr.Dataset(
        {
            **{n: arrays[n].astype(np.int64).assign_attrs(_COUNTED[n]) for n in ("pre_count", "post_count")},
            "synapse_count": (list(graphs.sizes), counts, {"units": "1", "long_name": "synapses of the graph"}),
            "weight": _weights(asked, own, edges, places),
            "delay": _delays(asked, lagging, edges, places),
        }
    )
    dims = [*graphs.sizes, labels.SYNAPSE]
    ends = {"pre": (dims, pre, {"long_name": "neuron that sends"}), "post": (dims, post, {"long_name": "and receives"})}
    found = found.assign_coords({**graphs.coords, **own.coords, **lagging.coords, **ends})
    found = found.drop_vars("seed", errors="ignore").assign_coords(seed=arrays["seed"])
    return _with_positions(found, graphs, places, layout, same).assign_attrs(_told(asked, arrays, same))


_COUNTED = {
    "pre_count": {"units": "1", "long_name": "neurons that may send"},
    "post_count": {"units": "1", "long_name": "neurons that may receive"},
}


def _numbers(graphs: Points) -> xr.DataArray:
    """The number of each graph along the dims of all."""
    return xr.DataArray(np.arange(graphs.size).reshape(tuple(graphs.sizes.values())), dims=list(graphs.sizes))


def _inner(values: Mapping[str, xr.DataArray]) -> dict[str, tuple[str, ...]]:
    return {n: (labels.SYNAPSE,) for n, a in values.items() if labels.SYNAPSE in a.dims}


def _places(asked: _Asked, graphs: Points, same: bool, layout: tuple[Layout, bool] | None) -> list[Place]:
    flags = {"autapses": asked.autapses, "multapses": asked.multapses}
    keys = keys_of(graphs, "seed", {"rule": asked.rule.name, "same": same, **flags})
    found = []
    for row, key in zip(graphs, keys, strict=True):
        pre, post = int(row["pre_count"]), int(row["post_count"])
        spots = None if layout is None else layout[0](key, pre, post)
        found.append(Place(pre, post, same, asked.autapses, asked.multapses, key, spots))
    return found


def _parameters(rule: Rule, row: Mapping[str, Any]) -> dict[str, Any]:
    return {n: row[n] for n in rule.arguments}


def _edges(rule: Rule, row: Mapping[str, Any], place: Place) -> Edges:
    return ordered(*rule.make(place, **_parameters(rule, row)), place.pre, place.post)


def _refuse_memory(asked: _Asked, graphs: Points, places: list[Place], own: int, lagging: int) -> None:
    """Ask each rule whether its graph can be, and all together whether they fit."""
    expected = [float(asked.rule.expected(p, **_parameters(asked.rule, r))) for r, p in zip(graphs, places, strict=True)]
    varied = (own if asked.weight.varies or asked.signs else 0) + (lagging if asked.delay.varies else 0)
    need = sum(expected) * (_BYTES + 24 * varied / graphs.size)
    room = os.sysconf("SC_PAGE_SIZE") * os.sysconf("SC_PHYS_PAGES")
    if need > room:
        given = f"{sum(expected):.3g} synapses take {need / 2**30:.3g} GiB"
        raise errors.ParameterError("ConnMat", given, f"up to {room / 2**30:.3g} GiB on this machine")


def _stacked(rows: list[Array], points: Points, fill: Any) -> Array:
    """Rows of all points, padded at the end; nothing is copied where there is one."""
    shape = tuple(points.sizes.values())
    if len(rows) == 1:
        return rows[0].reshape(*shape, -1)
    table = np.full((len(rows), max(r.size for r in rows)), fill, rows[0].dtype)
    for k, row in enumerate(rows):
        table[k, : row.size] = row
    return table.reshape(*shape, -1)


def _weights(asked: _Asked, points: Points, edges: list[Edges], places: list[Place]) -> xr.DataArray:
    """Weights along `synapse` where they vary; along points alone where all synapses of one have the same."""
    attrs = {"units": asked.unit, "long_name": "weight"}
    if not (asked.weight.varies or asked.signs or asked.balanced or "radius" in points.flat):
        return _plain(asked.weight_values["weight.value"], attrs)
    found = [
        weights(asked.weight, row, edges[row["graph"]], places[row["graph"]], asked.signs, asked.balanced)
        for row in points
    ]
    return _valued(asked, found, points, attrs)


def _delays(asked: _Asked, points: Points, edges: list[Edges], places: list[Place]) -> xr.DataArray:
    """Delays, the same way; with the grid they are on, and what rounding changed."""
    found, off = [], []
    alone = asked.delay.name == "constant"
    use = Points({**asked.delay_values, "graph": xr.DataArray(0)}, {}) if alone else points
    for row in use:
        values, rounding = delays(asked.delay, row, edges[row["graph"]], places[row["graph"]], asked.grid)
        found.append(values)
        off.append((float(rounding.max(initial=0.0)), float(rounding.mean()) if rounding.size else 0.0))
    attrs: dict[str, Any] = {"units": "ms", "long_name": "delay"}
    if asked.grid.dt is not None:
        attrs["dt"] = asked.grid.dt
    if asked.grid.quantise:
        attrs |= {"largest_rounding": max(o[0] for o in off), "mean_rounding": sum(o[1] for o in off) / len(off)}
    return _valued(asked, found, use, attrs)


def _valued(asked: _Asked, found: list[Any], points: Points, attrs: Mapping[str, Any]) -> xr.DataArray:
    if all(np.ndim(f) == 0 for f in found):
        values = np.array(found, np.float64).reshape(tuple(points.sizes.values()))
        return xr.DataArray(values, dims=list(points.sizes), attrs=attrs)
    rows = [np.asarray(f).astype(asked.dtype, copy=False) for f in found]
    return xr.DataArray(_stacked(rows, points, np.nan), dims=[*points.sizes, labels.SYNAPSE], attrs=attrs)


def _plain(array: xr.DataArray, attrs: Mapping[str, Any]) -> xr.DataArray:
    return xr.DataArray(array.values, dims=array.dims, attrs=attrs)


def _with_positions(
    found: xr.Dataset, graphs: Points, places: list[Place], layout: tuple[Layout, bool] | None, same: bool
) -> xr.Dataset:
    if layout is None:
        return found
    drawn = layout[1] or any("count" in n and len(np.unique(v)) > 1 for n, v in graphs.flat.items())
    use = places if drawn else places[:1]
    sizes = tuple(graphs.sizes.values()) if drawn else ()
    for end in ("pre",) if same else ("pre", "post"):
        name, dim = ("position", labels.NEURON) if same else (f"{end}_position", f"{end}_neuron")
        rows = [getattr(p.positions, end) for p in use]
        table = np.full((len(rows), max(len(r) for r in rows), rows[0].shape[1]), np.nan)
        for k, row in enumerate(rows):
            table[k, : len(row)] = row
        dims = [*graphs.sizes, dim, "axis"] if drawn else [dim, "axis"]
        attrs = {"units": "um", "long_name": "position", "period": places[0].positions.period}  # type: ignore[union-attr]
        found[name] = (dims, table.reshape(*sizes, *table.shape[1:]), attrs)
    return found.assign_coords(axis=list(AXES[: found.sizes["axis"]]))


def _told(asked: _Asked, arrays: Mapping[str, xr.DataArray], same: bool) -> dict[str, Any]:
    """What the graph is: its rule and all that has one value, as JSON."""
    held = {n: _short(a) for n, a in {**arrays, **asked.weight_values, **asked.delay_values}.items() if n != "seed"}
    flags = {n: getattr(asked, n) for n in ("autapses", "multapses", "balanced")}
    kinds = {"weight": asked.weight.name, "delay": asked.delay.name}
    told = {"rule": asked.rule.name, "laws": kinds, **flags, "values": {n: v for n, v in held.items() if v is not None}}
    return {"rule": asked.rule.name, "populations": 1 if same else 2, "connectivity": json.dumps(told, sort_keys=True)}


def _short(array: xr.DataArray) -> Any:
    """One value, or a small array of one parameter; nothing for those of points and of synapses."""
    if any(str(d) in (labels.SYNAPSE,) for d in array.dims) or array.size > 4096 or array.coords:
        return None
    return [str(v) for v in array.values.reshape(-1)] if array.ndim else float(array)


def _dense(found: xr.Dataset) -> xr.DataArray:
    """Weights as a matrix (post, pre); synapses of one pair add up."""
    counts = [np.unique(found[n].values) for n in ("pre_count", "post_count")]
    if any(c.size > 1 for c in counts):
        raise refused("layout", "graphs of different size have no common matrix", mend="Give layout='sparse'.")
    n_pre, n_post = (int(c[0]) for c in counts)
    weight = found["weight"] * xr.ones_like(found["pre"], dtype=np.float64)
    dims = [d for d in weight.dims if d != labels.SYNAPSE]
    pre, post, held = (a.transpose(*dims, labels.SYNAPSE).values for a in xr.broadcast(found["pre"], found["post"], weight))
    shape = tuple(weight.sizes[d] for d in dims)
    room = os.sysconf("SC_PAGE_SIZE") * os.sysconf("SC_PHYS_PAGES")
    if 8.0 * np.prod(shape) * n_pre * n_post > room:
        raise refused("layout", f"a matrix of {n_post} by {n_pre} does not fit into memory", mend="Give layout='sparse'.")
    matrix = np.zeros((int(np.prod(shape)), n_post, n_pre))
    rows = zip(*(a.reshape(len(matrix), -1) for a in (pre, post, held)), strict=True)
    for k, (sender, receiver, values) in enumerate(rows):
        real = sender >= 0
        np.add.at(matrix[k], (receiver[real], sender[real]), values[real])
    made = xr.DataArray(matrix.reshape((*shape, n_post, n_pre)), dims=[*dims, "post", "pre"], attrs=found["weight"].attrs)
    points: Iterable[Any] = [n for n, c in found.coords.items() if labels.SYNAPSE not in c.dims and set(c.dims) <= set(dims)]
    return made.assign_coords({n: found[n] for n in points}).assign_attrs(found.attrs)
