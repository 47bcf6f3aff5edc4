"""UpdWgt: one step of weights, within bounds, signs and sums; synapses that go, and come elsewhere."""

from __future__ import annotations

import functools
import math
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import xarray as xr
from numpy.typing import NDArray

from sneuron import errors, labels
from sneuron.core.layers import apart, array_of, gathered, number_of, unit_attrs, units_or
from sneuron.core.rewiring import rewired
from sneuron.core.stimulus import checked_seeds

__all__ = ["Layout", "UpdWgt", "norms"]

Array = NDArray[Any]
WHERE = "UpdWgt"
PRE, POST, SYNAPSE = labels.PRE, labels.POST, labels.SYNAPSE
RULES: dict[str, tuple[float, float] | None] = {
    "additive": (0.0, 0.0),
    "multiplicative": (1.0, 1.0),
    "van_rossum": (0.0, 1.0),
    "power": None,
}
"""Exponents of the room above (potentiation) and below (depression); None: that of `mu`."""
NORMS = {"l1": 1, "l2": 2}


def UpdWgt(
    weights: Any,
    change: Any = 0.0,
    *,
    rule: str = "additive",
    mu: Any = None,
    low: Any = -math.inf,
    high: Any = math.inf,
    decay: Any = 0.0,
    dale: Any = None,
    normalise: str | None = None,
    per: str = "post",
    total: Any = 1.0,
    exists: Any = None,
    prune: Any = None,
    regrow: Any = None,
    autapses: bool = False,
    seed: Any = 0,
) -> xr.Dataset:
    r"""Change weights by one step: scaled by where they are, within bounds, with their signs and sums kept.

    Parameters
    ----------
    weights : array (..., post, pre) or (..., synapse), or Dataset
        A dense matrix, weights of synapses, or a graph with `weight`, `pre`, `post`. NaN: no synapse. Lazy where it is
        lazy; further dims are points.
    change : the same, or a number
        What weights gain, before the rule scales it; in the unit of the weights.
    rule : "additive", "multiplicative", "van_rossum" or "power"
        Additive: as it is. Power: times the room that is left in front of a bound, to the power `mu`. Multiplicative is
        power with mu = 1 (soft bounds); van_rossum is additive upwards, multiplicative downwards.
    mu : number, list or DataArray from 0 to 1
        The exponent of "power".
    low, high : number, list or DataArray
        Bounds, in the unit of the weights; with `dale` those of their size.
    decay : number, list or DataArray from 0 to 1
        Part of each weight that is lost first.
    dale : "keep", or array of 1 and -1 along `pre` or `synapse`
        The sign that weights have and keep. "keep": that of each weight; of a weight of 0 that of the sum of all that
        its neuron sends; where that is not known it stays 0.
    normalise : "l1" or "l2", optional
        Scale weights so that this norm is `total`.
    per : "post" or "pre"
        Of all that a neuron receives (rows), or of all that it sends (columns).
    total : number, list or DataArray
        The norm.
    exists : array of bool, as `weights`
        Which synapses there are; nothing happens to the others, and they do not count.
    prune : number, list or DataArray, optional
        Synapses whose weight is smaller in size than this are gone: 0, and `exists` false.
    regrow : number, list or DataArray, optional
        So many synapses as a neuron has lost come back between it and others that did not reach it, with a weight of
        this size, which is within the bounds; with `dale` it has the sign of its neuron.
    autapses : bool
        Whether those may have the number of the neuron itself.
    seed : int, list or DataArray of int
        Of the choice; give another one at each step.

    Returns
    -------
    Dataset
        `weight`, of the shape and unit of the weights; `clipped(...)`, the part of all synapses that were stopped by a
        bound or a sign; with `prune` also `exists`, `pruned(...)` (how many), and for a graph `pre` and `post`.

    Raises
    ------
    DataError
        For dims that do not fit, or a norm of synapses whose ends are not known.
    ParameterError
        For bounds, exponents, norms or signs that cannot be.

    Notes
    -----
    With :math:`u = (w - low)/(high - low)` a weight moves by :math:`\Delta (1-u)^\mu` up and by :math:`\Delta u^\mu`
    down (Guetig, Aharonov, Rotter & Sompolinsky 2003, doi:10.1523/JNEUROSCI.23-09-03697.2003; additive: Song, Miller &
    Abbott 2000, doi:10.1038/78829; van Rossum, Bi & Turrigiano 2000, doi:10.1523/JNEUROSCI.20-23-08812.2000). Their
    factor alpha of depression belongs to `change`. In order: decay, change, bounds, norm, bounds again, pruning.
    Random numbers are counted (Philox): key is the seed, counter the pair of neurons.

    Examples
    --------
    >>> done = UpdWgt([[0.2, 0.9], [0.5, 0.5]], [[0.1, 0.3], [-0.1, 0.0]], low=0, high=[1.0, 2.0])
    >>> done.weight.sel(high=1).values, done.clipped.values
    (array([[0.3, 1. ], [0.4, 0.5]]), array([0.25, 0.  ]))
    >>> UpdWgt([[0.2, 0.9]], normalise="l1").weight.sum().item()
    1.0
    """
    layout = Layout.of(weights, WHERE, ends=normalise is not None or prune is not None)
    ask = _Step(
        rule,
        normalise,
        per,
        prune is not None,
        regrow is not None,
        bool(autapses),
        isinstance(dale, str),
        dale is not None,
    )
    _check(ask, layout, dale, mu, regrow)
    bounds = _bounds(low, high, ask)
    numbers = [
        *_exponents(rule, mu),
        *bounds,
        number_of(decay, "1", WHERE, "decay", 0.0, 1.0),
        number_of(total, layout.unit, WHERE, "total", 0.0),
        number_of(0.0 if prune is None else prune, layout.unit, WHERE, "prune", 0.0),
        _fresh(regrow, layout.unit, *bounds),
        checked_seeds(seed, WHERE, "seed").astype(np.uint64),
    ]
    arrays = [_like(change, layout, "change"), _like(True if exists is None else exists, layout, "exists")]
    arrays.append(_signs(dale, layout))
    return _applied(layout, arrays, numbers, ask)


@dataclass(frozen=True)
class _Step:
    """What is asked of a step, besides numbers."""

    rule: str
    norm: str | None
    per: str
    prune: bool
    regrow: bool
    autapses: bool
    keep: bool
    signed: bool


@dataclass(frozen=True)
class Layout:
    """Weights as they lie: their array, its core dims, and for a graph the ends of the synapses.

    Attributes
    ----------
    weights : DataArray
    core : tuple of str
    ends : tuple of DataArray
        `pre` and `post`, where they are known.
    counts : tuple of int
        How many neurons send and receive, where that is known, else 0.
    """

    weights: xr.DataArray
    core: tuple[str, ...]
    ends: tuple[xr.DataArray, ...] = ()
    counts: tuple[int, int] = (0, 0)

    @classmethod
    def of(cls, weights: Any, where: str, ends: bool = False) -> Layout:
        """From what a caller gave; with `ends`, those must be known."""
        graph = weights if isinstance(weights, xr.Dataset) else None
        if graph is not None and "weight" not in graph:
            raise errors.DataError(where, "the Dataset has no variable 'weight'", "a graph, or an array of weights")
        array = weights if graph is None else graph["weight"]
        if not isinstance(array, xr.DataArray):
            array = array_of(array, (SYNAPSE,) if np.ndim(array) == 1 else (POST, PRE), where, "weights")
        if graph is not None and SYNAPSE in graph.dims and SYNAPSE not in array.dims:
            array = array.broadcast_like(graph[PRE])
        core = (SYNAPSE,) if SYNAPSE in array.dims else (POST, PRE) if POST in array.dims else (PRE,)
        array_of(array, core, where, "weights")
        held: xr.Dataset | xr.DataArray = array if graph is None else graph
        known = [held[n] for n in (PRE, POST) if n in held.coords or (graph is not None and n in graph)]
        if core == (POST, PRE):
            return cls(array, core, (), (array.sizes[PRE], array.sizes[POST]))
        if core == (SYNAPSE,) and len(known) == 2 and all(SYNAPSE in e.dims for e in known):
            return cls(array, core, tuple(e.reset_coords(drop=True) for e in known), _counts(held))
        if ends and core == (SYNAPSE,):
            what = "weights along 'synapse' without `pre` and `post`"
            raise errors.DataError(where, what, mend="Give the graph, or a dense matrix (post, pre).")
        return cls(array, core)

    @property
    def unit(self) -> str:
        return units_or(self.weights, "1")


def _counts(graph: xr.Dataset | xr.DataArray) -> tuple[int, int]:
    """How many neurons a graph has, where it says so."""
    known = [graph.sizes.get(labels.NEURON, 0)] * 2
    if isinstance(graph, xr.Dataset) and {"pre_count", "post_count"} <= set(graph.variables):
        known = [int(graph[n].max()) for n in ("pre_count", "post_count")]
    return known[0], known[1]


def norms(sizes: Array, norm: int, axis: int | None, ends: Array | None, n: int) -> Array:
    """The norm of the group of each weight: along an axis, or of all with the same end; of the shape of `sizes`."""
    powers = sizes**norm
    if axis is not None:
        return np.broadcast_to(powers.sum(axis, keepdims=True) ** (1.0 / norm), sizes.shape)
    ends = np.broadcast_to(ends if ends is not None else 0, sizes.shape)
    flat, rows = powers.reshape(-1, sizes.shape[-1]), ends.reshape(-1, sizes.shape[-1])
    sums = np.stack([np.bincount(np.maximum(r, 0), p, n)[np.maximum(r, 0)] for r, p in zip(rows, flat, strict=True)])
    return np.asarray(sums.reshape(sizes.shape) ** (1.0 / norm))


def _check(ask: _Step, layout: Layout, dale: Any, mu: Any, regrow: Any) -> None:
    """Refuse words that are not known, and arguments that say nothing."""
    for name, given, known in (
        ("rule", ask.rule, sorted(RULES)), ("per", ask.per, [POST, PRE]), ("normalise", ask.norm, [None, *NORMS]),
    ):  # fmt: skip
        if given not in known:
            raise errors.unknown(WHERE, name, str(given), [str(k) for k in known if k])
    if isinstance(dale, str) and dale != "keep":
        raise errors.unknown(WHERE, "dale", dale, ["keep"], "Or give signs, 1 and -1.")
    if mu is not None and ask.rule != "power":
        raise errors.ParameterError(f"{WHERE}: 'mu'", f"the rule {ask.rule!r} has its own", "rule='power'")
    if regrow is not None and not ask.prune:
        raise errors.ParameterError(f"{WHERE}: 'regrow'", "nothing is pruned", mend="Give prune.")
    if layout.core == (PRE,) and (ask.prune or ask.per == PRE):
        raise errors.DataError(WHERE, "these are the weights of one neuron", "a matrix (post, pre), or a graph")
    if ask.regrow and layout.core == (SYNAPSE,) and not layout.counts[0]:
        raise errors.DataError(
            WHERE, "the graph does not say how many neurons there are", mend="Give what ConnMat made."
        )


def _exponents(rule: str, mu: Any) -> list[xr.DataArray]:
    fixed = RULES[rule]
    if fixed is not None:
        return [xr.DataArray(value) for value in fixed]
    if mu is None:
        raise errors.ParameterError(f"{WHERE}: 'mu'", "the rule 'power' needs it", "0 to 1")
    return [number_of(mu, "1", WHERE, "mu", 0.0, 1.0)] * 2


def _bounds(low: Any, high: Any, ask: _Step) -> list[xr.DataArray]:
    """Bounds in order; finite ones where a rule measures the room in front of them; of sizes from 0 on."""
    low = 0.0 if ask.signed and isinstance(low, float) and low == -math.inf else low
    least, most = number_of(low, "1", WHERE, "low", -math.inf), number_of(high, "1", WHERE, "high", -math.inf, math.inf)
    if not bool((least < most).all()):
        raise errors.ParameterError(f"{WHERE}: 'low'", "it is not below `high` everywhere", "low < high")
    if ask.signed and bool((least < 0).any()):
        raise errors.ParameterError(f"{WHERE}: 'low'", "with `dale` bounds are of sizes", "0 or more")
    if ask.rule != "additive" and not bool((np.isfinite(least) & np.isfinite(most)).all()):
        what = f"the rule {ask.rule!r} measures the room in front of the bounds"
        raise errors.ParameterError(f"{WHERE}: 'low'", what, mend="Give finite `low` and `high`.")
    return [least, most]


def _fresh(regrow: Any, unit: str, low: xr.DataArray, high: xr.DataArray) -> xr.DataArray:
    """The weight of new synapses, within the bounds."""
    if regrow is None:
        return xr.DataArray(0.0)
    size = number_of(regrow, unit, WHERE, "regrow", 0.0)
    if not bool(((size >= low) & (size <= high)).all()):
        raise errors.ParameterError(f"{WHERE}: 'regrow'", "it is not within the bounds everywhere", "low to high")
    return size


def _like(value: Any, layout: Layout, name: str) -> xr.DataArray:
    """An array that fits the weights, in their unit."""
    if isinstance(value, xr.DataArray):
        found = value
    elif np.ndim(value) == 0 and not hasattr(value, "dask"):
        found = xr.DataArray(value)
    else:
        found = array_of(value, layout.core, WHERE, name)
    kinds = "b" if name == "exists" else "fiu"
    if found.dtype.kind not in kinds:
        raise errors.DataError(
            f"{WHERE}: {name!r}", f"it has dtype {found.dtype}", "true or false" if kinds == "b" else "numbers"
        )
    for dim in layout.core:
        if found.sizes.get(dim, 1) not in (1, layout.weights.sizes[dim]):
            what = f"{found.sizes[dim]} along {dim!r}, where weights have {layout.weights.sizes[dim]}"
            raise errors.DataError(f"{WHERE}: {name!r}", what)
    if name != "change":
        return found
    given = labels.units_of(found.attrs)
    return found if given is None else xr.DataArray(labels.convert(found, given, layout.unit, f"{WHERE}: {name!r}"))


def _signs(dale: Any, layout: Layout) -> xr.DataArray:
    """Signs that fit the weights; 1 for all when there are none to be kept."""
    if dale is None or isinstance(dale, str):
        return xr.DataArray(1.0)
    signs = dale if isinstance(dale, xr.DataArray) else xr.DataArray(np.asarray(dale), dims=layout.core[-1])
    if signs.dtype.kind not in "fi" or not bool((abs(signs) == 1).all()):
        raise errors.ParameterError(f"{WHERE}: 'dale'", "these are no signs", "'keep', or 1 and -1")
    return _like(signs, layout, "dale")


def _applied(layout: Layout, arrays: Sequence[xr.DataArray], numbers: Sequence[xr.DataArray], ask: _Step) -> xr.Dataset:
    """The label layer: never computes lazy arrays."""
    core = list(layout.core)
    full = [layout.weights, *(_filled(a, layout.weights, core) for a in arrays)]
    pairs = [*((a, core) for a in full), *((a, []) for a in numbers), *((e, core) for e in layout.ends)]
    names = ["weight", "clipped", "exists", "pruned", *([PRE, POST] if layout.ends else [])]
    outs = [core, [], core, [], *([core, core] if layout.ends else [])]
    kinds = [np.float64, np.float64, np.bool_, np.int64, *([np.int32, np.int32] if layout.ends else [])]
    results = xr.apply_ufunc(
        functools.partial(_stepped, ask=ask, core=layout.core, counts=layout.counts),
        *(gathered(apart(a, held), held) for a, held in pairs), input_core_dims=[held for _, held in pairs],
        output_core_dims=outs, join="exact", dask="parallelized", output_dtypes=kinds,
    )  # fmt: skip
    found = xr.Dataset(dict(zip(names, results, strict=True)))
    found = found if ask.prune else found[["weight", "clipped"]]
    own = [c for c in layout.weights.coords.values() if set(c.dims) & set(core) and c.name not in (PRE, POST)]
    own += [c for n, c in layout.weights.coords.items() if n in (PRE, POST) and (c.dims == (n,) or not ask.prune)]
    found = found.assign_coords({c.name: c.variable for c in own})
    found["weight"].attrs = {**unit_attrs(layout.unit, "weight")}
    found["clipped"].attrs = unit_attrs("1", "part of the synapses that a bound has stopped")
    return found


def _filled(array: xr.DataArray, weights: xr.DataArray, core: Sequence[str]) -> xr.DataArray:
    """With all core dims of the weights."""
    lacking = {d: weights.sizes[d] for d in core if d not in array.dims}
    return array.expand_dims(lacking) if lacking else array


def _stepped(
    w: Array, change: Array, exists: Array, sign: Array, mu_up: Array, mu_down: Array, low: Array, high: Array,
    decay: Array, total: Array, prune: Array, regrow: Array, seed: Array, *ends: Array,
    ask: _Step, core: tuple[str, ...], counts: tuple[int, int],
) -> tuple[Array, ...]:  # fmt: skip
    """The array layer."""
    thin = tuple(range(-len(core), 0))
    numbers = (mu_up, mu_down, low, high, decay, total, prune, regrow)
    mu_up, mu_down, low, high, decay, total, prune, regrow = (np.expand_dims(n, thin) for n in numbers)
    shape = np.broadcast_shapes(*(a.shape for a in (w, change, exists, sign, mu_up, low, high, decay, total, prune)))
    shape = np.broadcast_shapes(shape, regrow.shape, np.expand_dims(seed, thin).shape, *(e.shape for e in ends))
    w, there = np.broadcast_to(w, shape).astype(np.float64), np.broadcast_to(exists, shape) & ~np.isnan(w)
    if ends:
        there = there & (ends[0] >= 0)
    sign = _kept(w, there, core, ends) if ask.keep else sign
    size, gain = sign * w, sign * change
    with np.errstate(invalid="ignore"):
        room = np.clip((size - low) / (high - low), 0.0, 1.0) if ask.rule != "additive" else 0.0
        moved = size * (1.0 - decay) + gain * np.where(gain > 0, (1.0 - room) ** mu_up, room**mu_down)
        stopped = (moved < low) | (moved > high)
    moved = np.clip(moved, low, high)
    if ask.norm is not None:
        groups = _norms_of(np.where(there, np.abs(moved), 0.0), ask, core, ends)
        moved = moved * np.divide(total, groups, out=np.ones(shape), where=groups > 0)
        stopped |= (moved < low) | (moved > high)
        moved = np.clip(moved, low, high)
    new = np.where(there, np.where(sign == 0, w, sign * moved), w)
    many = there.sum(thin)
    lost = (np.isnan(new) & there).any(thin) | (many == 0)
    clipped = np.where(lost, np.nan, (stopped & there).sum(thin) / np.maximum(many, 1))
    if not ask.prune:
        return (new, clipped, there, np.zeros(many.shape, np.int64), *ends)
    gone = there & (np.abs(new) < prune)
    new = np.where(gone, 0.0, new)
    pruned, left = gone.sum(thin), there & ~gone
    if not ask.regrow:
        return (new, clipped, left, pruned, *(np.broadcast_to(e, shape) for e in ends))
    fresh = np.broadcast_to(sign * regrow, shape)
    seeds = np.broadcast_to(seed, shape[: thin[0]])
    return rewired(new, clipped, there, gone, fresh, pruned, seeds, ends, counts, ask.autapses, ask.signed)


def _norms_of(sizes: Array, ask: _Step, core: tuple[str, ...], ends: Sequence[Array]) -> Array:
    norm = NORMS[str(ask.norm)]
    if not ends:
        return norms(sizes, norm, -1 if ask.per == POST else -2, None, 0)
    end = ends[1 if ask.per == POST else 0]
    return norms(sizes, norm, None, end, int(end.max(initial=0)) + 1)


def _kept(w: Array, there: Array, core: tuple[str, ...], ends: Sequence[Array]) -> Array:
    """The sign of each weight; of one that is 0 that of all that its neuron sends, where that is known."""
    own = np.where(there, w, 0.0)
    if core == (POST, PRE):
        sums = np.broadcast_to(own.sum(-2, keepdims=True), w.shape)
    elif ends:
        pre = np.maximum(np.broadcast_to(ends[0], w.shape), 0).reshape(-1, w.shape[-1])
        flat = own.reshape(pre.shape)
        sums = np.stack([np.bincount(r, p)[r] for r, p in zip(pre, flat, strict=True)]).reshape(w.shape)
    else:
        sums = np.zeros(())
    return np.where(own != 0, np.sign(own), np.sign(sums))
