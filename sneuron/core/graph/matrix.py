"""ConnMat: who is connected to whom, by a rule or as given; one graph, or one for each point."""

from __future__ import annotations

from typing import Any

import xarray as xr

from sneuron.core.graph.asked import among, asked_of
from sneuron.core.graph.drawing import dense, drawn
from sneuron.core.graph.rule import refused
from sneuron.core.graph.sources import known

__all__ = ["ConnMat"]


def ConnMat(
    nodes: Any,
    rule: str | None = None,
    *,
    seed: Any = 0,
    weight: Any = None,
    delay: Any = None,
    unit: str | None = None,
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
    unit : str, optional
        Unit of the weights; that of a known graph, else "1", when omitted.
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
    source = known(nodes, rule is not None)
    if source is not None:
        if rule is not None or parameters:
            raise refused("rule", "this graph is known already", mend="Leave rule and its parameters out.")
        nodes, rule, parameters = source.nodes, "edges", {"pre": source.pre, "post": source.post}
        weight, unit = source.weight if weight is None else weight, unit or source.unit
        kept_delay = source.delay if delay is None else delay
    else:
        kept_delay = delay
    if among("layout", layout, ("sparse", "dense")) == "dense" and (delay is not None or dt is not None):
        raise refused("delay", "a dense matrix holds weights alone", mend="Give layout='sparse'.")
    asked = asked_of(
        nodes, rule, parameters, seed=seed, weight=weight, delay=kept_delay, unit=unit or "1", positions=positions,
        flags={"autapses": autapses, "multapses": multapses, "balanced": balanced, "quantise": quantise},
        dale=dale, g=g, radius=radius, dt=dt, dtype=dtype,
    )  # fmt: skip
    made = drawn(asked)
    return made if layout == "sparse" else dense(made)
