"""The graphs of a described network, one after the other in one dataset."""

from __future__ import annotations

import contextlib
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np
import xarray as xr
from numpy.typing import NDArray

from sneuron import errors, labels
from sneuron.core.graph.asked import BYTES, PLACED, Asked, asked_of, needed, refuse_memory, seeds
from sneuron.core.graph.drawing import PAD, drawn
from sneuron.core.graph.places import Layout, layout_of
from sneuron.core.graph.rule import Positions
from sneuron.core.plastic import PLASTICITY, RATE, learning
from sneuron.labels import PROJECTION
from sneuron.lang.keys import content_keys
from sneuron.lang.netparams import resolved
from sneuron.lang.network import POISSON, SIGNS, load_network, text_of
from sneuron.lang.spec import Network, Population, Projection

__all__ = ["expected", "wired"]

Array = NDArray[Any]
POPULATION = "population"


def wired(
    network: Any,
    seed: Any = 0,
    changes: Mapping[str, Any] | None = None,
    *,
    dt: Any = None,
    quantise: bool = False,
    dtype: str = "float64",
) -> xr.Dataset:
    """The synapses of all projections of a network, projection after projection.

    Parameters
    ----------
    network : Network, mapping, name, JSON or path
        What `load_network` takes.
    seed : int, list or DataArray of int
        A list makes the dim `repeat`.
    changes : mapping of str to number, list or DataArray, optional
        Other values: of a parameter of a projection's rule ("ee.p"), its weight or delay ("ee.weight"), a parameter of
        their laws ("ee.weight.mean"), or the size of a population ("e.size").  A list makes a dim of that name.
    dt, quantise, dtype :
        As of `ConnMat`.

    Returns
    -------
    Dataset
        As of `ConnMat`, with pre and post counted along `neuron` over all populations; `synapse_count(..., projection)`
        and `first_synapse(projection)` say which synapses belong to a projection; `weight`, `delay` along `synapse`
        where they vary in one, else along `projection`; coordinates `receptor(projection)`, `population(neuron)`.
        Where sizes differ, a population takes the room of its largest, and `exists(..., neuron)` says who is there.

    Raises
    ------
    ModelError, UnknownNameError, ParameterError
        What `load_network` and `ConnMat` refuse, before anything is drawn.

    Examples
    --------
    >>> cells = {"e": {"size": 80, "model": "lif"}, "i": {"size": 20, "model": "lif"}}
    >>> wires = {a + b: {"pre": a, "post": b, "rule": "fixed_indegree", "params": {"k": 5}} for a in "ei" for b in "ei"}
    >>> graph = wired({"name": "small", "populations": cells, "projections": wires}, seed=1)
    >>> dict(zip(graph.projection.values.tolist(), graph.synapse_count.values.tolist()))
    {'ee': 400, 'ei': 100, 'ie': 400, 'ii': 100}
    """
    net = load_network(network)
    wanted = _asked_for(net, seed, changes, quantise, {"dt": dt, "dtype": dtype})
    refuse_memory(wanted.bytes, f"network {net.name!r}")
    joined = _joined(net, wanted.asked, wanted.sizes, wanted.seeds, wanted.instant)
    if wanted.rates:
        joined = joined.assign(_rated(wanted.rates, wanted.sizes)).assign_coords(_members(wanted.rates, wanted.sizes))
    learned = learning(list(wanted.asked), {n: r for n, r in wanted.rules.items() if r}, f"network {net.name!r}")
    return xr.merge([joined, learned], combine_attrs="no_conflicts")


def expected(
    network: Network, changes: Mapping[str, Any], dt: Any = None, quantise: bool = False
) -> tuple[float, float]:
    """How many synapses the graphs of a network will have about, and how many bytes they take while they are drawn.

    Whatever cannot be drawn is refused, as by `wired`.
    """
    wanted = _asked_for(network, 0, changes, quantise, {"dt": dt, "dtype": "float64"})
    return sum(needed(one, one.graphs, 0, 0) for one in wanted.asked.values()) / BYTES, wanted.bytes


@dataclass(frozen=True)
class _Wanted:
    """A network as it is asked for: projections, sizes of populations, seeds, how synapses change, rates of sources;
    and which projections act at once.
    """

    asked: dict[str, Asked]
    sizes: dict[str, Any]
    seeds: xr.DataArray
    rules: dict[str, Any]
    rates: dict[str, Any]
    instant: set[str]

    @property
    def bytes(self) -> float:
        """Memory that the graphs take while they are drawn."""
        return 2 * sum(map(_needed, self.asked.values()))


def _needed(asked: Asked) -> float:
    graphs = asked.graphs
    return needed(asked, graphs, graphs.size, graphs.size)


def _asked_for(
    net: Network, seed: Any, changes: Mapping[str, Any] | None, quantise: bool, rest: Mapping[str, Any]
) -> _Wanted:
    """A network as it is asked for, checked."""
    whole, found = seeds(seed), {}
    outer = {*net.projections, *_sources(net)}
    follow = {k: v for k, v in resolved(net, changes).items() if k in (changes or {}) or _owner(k) in outer}
    given = _changes(net, follow)
    sizes = {n: given.pop((n, "size"), p.size) for n, p in net.populations.items()}
    instant: set[str] = set()
    rules = {n: _rule(p, n, given) for n, p in net.projections.items()}
    rates = {n: given.pop((n, "rate"), p.params.get("rate", 0.0)) for n, p in _sources(net).items()}
    for name, projection in net.projections.items():
        other = {path: value for (owner, path), value in given.items() if owner == name}
        if projection.delay == 0 and "delay" not in other:
            instant.add(name)
            other["delay"] = 1.0 if rest["dt"] is None else rest["dt"]
        with _said_of(f"network {net.name!r}: projection {name!r}"):
            found[name] = _asked(net, name, projection, sizes, whole, other, {"quantise": quantise}, rest)
            _needed(found[name])
    return _Wanted(found, sizes, whole, rules, rates, instant)


def _owner(path: str) -> str:
    return path.partition(".")[0]


def _sources(net: Network) -> dict[str, Population]:
    """Populations that only send."""
    return {n: p for n, p in net.populations.items() if p.model == POISSON}


def _rule(projection: Projection, name: str, given: dict[tuple[str, str], Any]) -> Any:
    """How a projection changes, with what `given` says of it, which is taken out."""
    table = projection.plasticity
    mine = [path for owner, path in given if owner == name and path.partition(".")[0] == PLASTICITY]
    if not table and mine:
        raise errors.ModelError(f"changes: {name!r}", "this projection has no plasticity", mend="Give it a rule.")
    held = dict(table) if isinstance(table, Mapping) and "rule" in table else {"rule": table}
    for path in mine:
        held[path.partition(".")[2] or "rule"] = given.pop((name, path))
    return held if table else ""


def _rated(rates: Mapping[str, Any], sizes: Mapping[str, Any]) -> dict[str, xr.DataArray]:
    """The rate of each source; 0 of those that are not there."""
    parts = []
    for name, rate in rates.items():
        size = xr.DataArray(sizes[name])
        there = xr.DataArray(np.arange(int(size.max())), dims=labels.SOURCE) < size
        given = rate if isinstance(rate, xr.DataArray) else xr.DataArray(labels.number(rate, "Hz", f"{name}.rate"))
        hertz = labels.convert(given, labels.units_of(given.attrs), "Hz", f"{name}.rate")
        parts.append(hertz.where(there, 0.0))
    return {RATE: _concatenated(parts, labels.SOURCE).assign_attrs(units="Hz", long_name="rate of the source")}


def _members(rates: Mapping[str, Any], sizes: Mapping[str, Any]) -> dict[str, Any]:
    rooms = [int(np.max(xr.DataArray(sizes[n]).values)) for n in rates]
    attrs = {"long_name": "population of the source"}
    return {f"{labels.SOURCE}_population": (labels.SOURCE, np.repeat(list(rates), rooms), attrs)}


@contextlib.contextmanager
def _said_of(where: str) -> Iterator[None]:
    """Errors say of which projection they are."""
    try:
        yield
    except errors.SneuronError as cause:
        raise type(cause)(where, cause.message()) from cause


def _changes(net: Network, changes: Mapping[str, Any]) -> dict[tuple[str, str], Any]:
    """Changes by owner and path; a list as an array along a dim of the whole name."""
    found = {}
    for name, value in changes.items():
        owner, _, path = name.partition(".")
        if owner not in net.populations and owner not in net.projections:
            known = [*net.params, *net.populations, *net.projections]
            raise errors.unknown("changes", "parameter, population or projection", owner, known)
        possible = ["size", "rate"] if owner in _sources(net) else ["size"]
        if owner in net.populations and path not in possible:
            raise errors.unknown(f"changes: {owner!r}", "property", path, possible)
        if isinstance(value, list | tuple):
            value = xr.DataArray(list(value), dims=name, coords={name: list(value)})
        found[owner, path] = value
    return found


def _asked(
    net: Network, name: str, projection: Projection, sizes: Mapping[str, Any], whole: xr.DataArray,
    other: Mapping[str, Any], flags: Mapping[str, bool], rest: Mapping[str, Any],
) -> Asked:  # fmt: skip
    """One projection as ConnMat is asked for it."""
    params, values = dict(projection.params), {"weight": projection.weight, "delay": projection.delay}
    for path, value in other.items():
        head, _, tail = path.partition(".")
        if head in values and tail:
            law = values[head]
            values[head] = {**(law if isinstance(law, Mapping) else {"law": "constant", "value": law}), tail: value}
        elif head in values:
            values[head] = value
        else:
            params[path] = value
    nodes = sizes[projection.pre]
    if projection.pre != projection.post:
        nodes = (nodes, sizes[projection.post])
    own = whole.copy(data=_keyed(f"projection {name}", whole.values))
    flags = {**flags, **{n: getattr(projection, n) for n in ("autapses", "multapses", "balanced")}}
    layout = _layout(net, projection)
    return asked_of(
        nodes, projection.rule, params, flags=flags, seed=own, **values, unit=projection.unit,
        layout=None if layout is None else (layout, whole), **rest,
    )  # fmt: skip


def _keyed(name: str, seed: Any) -> Array:
    """A seed of its own for a part of a network."""
    words = np.asarray(seed, np.uint64)
    return content_keys({name: np.zeros(1, np.uint64)}, words.reshape(-1)).reshape(words.shape)


def _layout(net: Network, projection: Projection) -> Layout | None:
    """Positions of both populations, which are the same in all their projections."""
    ends = [projection.pre, projection.post]
    places = [net.populations[n].positions for n in ends]
    if not all(places):
        return None
    spaces = [{k: v for k, v in p.items() if k != "at"} for p in places]
    if spaces[0] != spaces[1]:
        what = f"{ends[0]!r} and {ends[1]!r} are not in one space"
        raise errors.ModelError("positions", what, mend="Give both the same `on` and `length`.")
    layouts = [layout_of(p, True)[0] for p in places]

    def layout(point: Mapping[str, Any], key: np.uint64, pre: int, post: int) -> Positions:
        keys = [np.uint64(_keyed(f"population {n}", point[PLACED])) for n in ends]
        first, second = (one(point, key, n, n) for one, key, n in zip(layouts, keys, (pre, post), strict=True))
        return Positions(first.pre, second.pre, first.period)

    return layout


# -- joining ---------------------------------------------------------------------------------------


def _joined(
    net: Network, asked: Mapping[str, Asked], sizes: Mapping[str, Any], whole: xr.DataArray, instant: set[str]
) -> xr.Dataset:
    """All projections in one dataset."""
    rooms = {n: int(np.max(xr.DataArray(s).values)) for n, s in sizes.items()}
    rooms = dict(sorted(rooms.items(), key=lambda item: item[0] in _sources(net)))
    firsts = dict(zip(rooms, np.cumsum([0, *rooms.values()])[:-1].tolist(), strict=True))
    parts: dict[str, xr.Dataset] = {}
    spots: dict[str, xr.DataArray] = {}
    for name, one in asked.items():
        ends = net.projections[name]
        with _said_of(f"network {net.name!r}: projection {name!r}"):
            parts[name] = _moved(drawn(one), firsts[ends.pre], firsts[ends.post])
            if name in instant:
                parts[name]["delay"] *= 0
        _check_signs(net, name, parts[name]["weight"])
        spots |= _spots(parts[name], ends)
    found = _together(parts) if parts else xr.Dataset()
    cells = {n: many for n, many in rooms.items() if n not in _sources(net)}
    members = np.repeat(list(cells), list(cells.values()))
    found = found.assign_coords({POPULATION: (labels.NEURON, members, {"long_name": "population of the neuron"})})
    found = found.drop_vars("seed", errors="ignore").assign_coords(seed=whole)
    if any(xr.DataArray(s).ndim for s in sizes.values()):
        there = [_axis(rooms[n]) < xr.DataArray(sizes[n]) for n in cells]
        found["exists"] = _concatenated(there, labels.NEURON).assign_attrs(long_name="whether the neuron is there")
    if set(cells) <= set(spots):
        axes = parts[name]["axis"]
        place = _concatenated([spots[n] for n in cells], labels.NEURON).assign_coords(axis=axes)
        found["position"] = place.transpose(..., labels.NEURON, "axis")
    if parts:
        receptors = [net.projections[n].receptor for n in parts]
        found = found.assign_coords(receptor=(PROJECTION, receptors, {"long_name": "receptor of the synapses"}))
    return found.assign_attrs(network=text_of(net), network_name=net.name)


def _spots(part: xr.Dataset, ends: Projection) -> dict[str, xr.DataArray]:
    """Positions of the populations of a projection, where they have any."""
    held = {"position": ends.pre, "pre_position": ends.pre, "post_position": ends.post}
    return {
        held[name]: part[name].rename({str(part[name].dims[-2]): labels.NEURON}).drop_vars(["axis", "seed"])
        for name in held
        if name in part
    }  # fmt: skip


def _axis(n: int) -> xr.DataArray:
    return xr.DataArray(np.arange(n), dims=labels.NEURON)


def _moved(part: xr.Dataset, pre: int, post: int) -> xr.Dataset:
    """Neurons counted over all populations."""
    for name, first in (("pre", pre), ("post", post)):
        values = part[name].values
        if first:
            np.add(values, np.int32(first), out=values, where=values != PAD)
    return part


def _check_signs(net: Network, name: str, weight: xr.DataArray) -> None:
    population = net.projections[name].pre
    kind = net.populations[population].sign
    wrong = int((weight * SIGNS[kind] < 0).sum()) if kind else 0
    if wrong:
        what = f"{wrong} weights have the wrong sign: {population!r} is {kind}"
        raise errors.ModelError(
            f"network {net.name!r}: projection {name!r}", what, mend="Bound the law: low=0 or high=0."
        )


def _together(parts: Mapping[str, xr.Dataset]) -> xr.Dataset:
    """Synapses one projection after the other; values along `projection` where none varies from synapse to synapse."""
    units = {p["weight"].attrs["units"] for p in parts.values()}
    if len(units) > 1:
        raise errors.ModelError("network", f"weights in {' and '.join(sorted(units))}", "one unit for all projections")
    room = [p.sizes[labels.SYNAPSE] for p in parts.values()]
    held = {}
    for name in ("weight", "delay"):
        arrays = [p[name].drop_vars(["pre", "post", "seed"], errors="ignore") for p in parts.values()]
        if any(labels.SYNAPSE in a.dims for a in arrays):
            dtype = next(a.dtype for a in arrays if labels.SYNAPSE in a.dims)
            arrays = [
                a if labels.SYNAPSE in a.dims else a.astype(dtype).expand_dims({labels.SYNAPSE: n}, -1)
                for a, n in zip(arrays, room, strict=True)
            ]
            held[name] = _concatenated(arrays, labels.SYNAPSE)
        else:
            held[name] = _concatenated(arrays, PROJECTION)
        held[name].attrs = _rounding([p[name].attrs for p in parts.values()])
    ends = {n: _concatenated([_bare(p[n]) for p in parts.values()], labels.SYNAPSE) for n in ("pre", "post")}
    counts = _concatenated([_bare(p["synapse_count"]) for p in parts.values()], PROJECTION)
    firsts = (PROJECTION, np.cumsum([0, *room])[:-1], {"units": "1", "long_name": "where its synapses begin"})
    return xr.Dataset({**held, "synapse_count": counts, "first_synapse": firsts}).assign_coords(
        {**ends, PROJECTION: list(parts)}
    )


def _bare(array: xr.DataArray) -> xr.DataArray:
    """An array without the coordinates of synapses and seeds."""
    return array.drop_vars([n for n in ("pre", "post", "seed") if n in array.coords and n != array.name])


def _concatenated(arrays: list[xr.DataArray], along: str) -> xr.DataArray:
    """Arrays over all their points, one after the other; the axis along which they are comes last."""
    try:
        spread = xr.broadcast(*xr.align(*arrays, join="exact", exclude=[along], copy=False), exclude=[along])
    except (xr.AlignmentError, xr.MergeError) as cause:
        mend = "Give shared dims the same coordinates."
        raise errors.DataError("network", "the changes do not fit together", mend=mend) from cause
    points = [d for d in spread[0].dims if d != along]
    parts = [a.transpose(*points, ...).values for a in spread]
    parts = [p if along in a.dims else p[..., None] for p, a in zip(parts, spread, strict=True)]
    coords = {n: c for a in spread for n, c in a.coords.items() if along not in c.dims}
    return xr.DataArray(np.concatenate(parts, axis=-1), dims=[*points, along], coords=coords, attrs=arrays[0].attrs)


def _rounding(attrs: list[Mapping[str, Any]]) -> dict[str, Any]:
    """Attributes of values together: the largest of what rounding changed."""
    found = dict(attrs[0])
    if "largest_rounding" in found:
        found["largest_rounding"] = max(a["largest_rounding"] for a in attrs)
        del found["mean_rounding"]
    return found
