"""Synapses that change, and sources of spikes: from the state of a network to the arrays of its kernel and back.

A network says by `plasticity(projection)` which of its projections change, by the names of rules that its attributes
hold; parameters of the rules are `plasticity.<name>`, variables of the synapses `synapse.<name>`.
"""

from __future__ import annotations

import json
import math
import os
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np
import xarray as xr
from numpy.typing import NDArray

from sneuron import errors, labels
from sneuron.core.synapses import WEIGHT, Wiring
from sneuron.lang import canon
from sneuron.lang.delivery import NEVER, SAME, Graph, Plastic, Sources, event
from sneuron.lang.expr import numpy_value
from sneuron.lang.keys import Words, content_keys
from sneuron.lang.plasticity import Rule, load_plasticity

__all__ = ["PLASTICITY", "RATE", "Learning", "bounds_of", "learning", "network_keys", "rules_of"]

Array = NDArray[Any]
PLASTICITY, STATE, RATE = "plasticity", "synapse", "source_rate"
LAST, LEFT, TIMES, BEFORE, AFTER = "last_spike", "left", "past_spike", "past_before", "past_after"
COMING, DRAWN = "source_next", "source_drawn"
LEAST_PAST = 32
"""Spikes of each neuron that are kept, at least, before all synapses are brought up to date."""


def learning(projections: list[str], given: Mapping[str, Any], where: str) -> xr.Dataset:
    """What a network holds of the rules by which its projections change.

    Parameters
    ----------
    projections : list of str
        Their names, in order.
    given : mapping
        Projection -> the name of a rule, or a table of `rule` (what `load_plasticity` takes) and of parameters.
    where : str
    """
    rules: dict[str, Rule] = {}
    names = [""] * len(projections)
    values: dict[str, dict[str, xr.DataArray]] = {}
    for projection, table in given.items():
        if projection not in projections:
            raise errors.unknown(f"{where}: 'plasticity'", "projection", projection, projections)
        rule, params = asked(table, f"{where}: plasticity of {projection!r}")
        if rules.setdefault(rule.name, rule) != rule:
            raise errors.ModelError(where, f"two rules are called {rule.name!r}", mend="Give one another name.")
        names[projections.index(projection)] = rule.name
        for name, value in params.items():
            values.setdefault(name, {})[projection] = value
    if not rules:
        return xr.Dataset()
    found = {f"{PLASTICITY}.{n}": _along(projections, held) for n, held in values.items()}
    text = canon.dumps({n: json.loads(r.text) for n, r in rules.items()})
    coords = {PLASTICITY: (labels.PROJECTION, names, {"long_name": "rule by which the synapses change"})}
    return xr.Dataset(found, coords, {PLASTICITY: text})


def asked(table: Any, where: str) -> tuple[Rule, dict[str, xr.DataArray]]:
    """A rule and values of its parameters; a list as an array along a dim of the parameter's name."""
    held = dict(table) if isinstance(table, Mapping) and "rule" in table else {"rule": table}
    rule = load_plasticity(held.pop("rule"))
    found = {}
    for name, value in held.items():
        if name not in rule.params:
            raise errors.unknown(where, f"parameter of {rule.name!r}", name, rule.params)
        found[name] = checked(rule, name, value, where)
    return rule, found


def checked(rule: Rule, name: str, value: Any, where: str) -> xr.DataArray:
    """A parameter's values in its unit, within its bounds."""
    param, place = rule.params[name], f"{where}: {name!r}"
    unit = "1" if param.unit == WEIGHT else param.unit
    if isinstance(value, list | tuple):
        numbers = [labels.number(v, unit, place) for v in value]
        value = xr.DataArray(numbers, dims=name, coords={name: numbers})
    elif not isinstance(value, xr.DataArray):
        value = xr.DataArray(labels.number(labels.plain(value, place), unit, place))
    elif param.unit != WEIGHT:
        value = labels.convert(value, labels.units_of(value.attrs), unit, place)
    if value.dtype.kind not in "fiu" or not bool(((value >= param.low) & (value <= param.high)).all()):
        raise errors.ParameterError(
            place, f"{value.values!s:.60} is out of bounds", f"{param.low:g} to {param.high:g} {param.unit}"
        )
    found: xr.DataArray = value.astype(np.float64).assign_attrs(units=param.unit, long_name=param.note)
    return found


def _along(projections: list[str], held: Mapping[str, xr.DataArray]) -> xr.DataArray:
    """A parameter by projection; NaN where it keeps its default."""
    rows = [held.get(p, xr.DataArray(math.nan)).drop_attrs() for p in projections]
    whole = xr.concat(xr.broadcast(*rows), labels.PROJECTION, combine_attrs="drop")
    return whole.transpose(..., labels.PROJECTION).assign_attrs(next(iter(held.values())).attrs)


def rules_of(state: xr.Dataset) -> tuple[Rule, ...] | None:
    """The rules of a network; none where it has only sources; None where its synapses stay as they are."""
    if PLASTICITY not in state.variables:
        return () if RATE in state.variables else None
    if PLASTICITY not in state.attrs:
        raise errors.DataError(
            "plasticity", "the network does not hold its rules", mend="Make it with BuildNet or connect."
        )
    held = canon.loads(state.attrs[PLASTICITY], "plasticity")
    odd = set(state[PLASTICITY].dims) - {labels.PROJECTION}
    if odd:
        raise errors.DataError("plasticity", f"it has the dim {min(map(str, odd))!r}", labels.PROJECTION)
    used = sorted({str(n) for n in np.ravel(state[PLASTICITY].values)} - {""})
    for name in used:
        if name not in held:
            mend = "Make the network with this rule by BuildNet or connect."
            raise errors.unknown("plasticity", "rule of the network", name, held, mend)
    return tuple(load_plasticity(canon.dumps(held[n])) for n in used)


def bounds_of(rule: Rule, known: Mapping[str, Any], where: str) -> tuple[Any, Any]:
    """The least and the largest size of a weight, as numbers or arrays like those of the parameters."""
    low = -math.inf if rule.low is None else numpy_value(rule.low, known)
    high = math.inf if rule.high is None else numpy_value(rule.high, known)
    bad = ~np.asarray((low >= 0.0) & (low <= high))
    if bad.any():
        ends = [np.broadcast_to(end, bad.shape)[bad][0] for end in (low, high)]
        raise errors.ParameterError(
            f"{where}: rule {rule.name!r}", f"bounds from {ends[0]:g} to {ends[1]:g} let weights change their sign",
            "0 <= low <= high",
        )  # fmt: skip
    return low, high


def network_keys(state: xr.Dataset, points: Mapping[str, int], purpose: str) -> Words:
    """One key for each network, from its seed and repeat alone."""
    words = {purpose: np.zeros((), np.uint64)}
    names = {"seed": np.uint64(0), labels.REPEAT: np.uint64(0)}
    flat = {}
    for name in names:
        array = state[name] if name in state.variables else xr.DataArray(np.uint64(0))
        array = array.isel({d: 0 for d in array.dims if d not in points})
        shape = [n if d in array.dims else 1 for d, n in points.items()]
        values = array.transpose(*(d for d in points if d in array.dims)).values.astype(np.uint64).reshape(shape)
        flat[name] = np.broadcast_to(values, tuple(points.values())).reshape(-1)
    return content_keys(words | {"number of the repeat": flat[labels.REPEAT]}, flat["seed"]).reshape(-1)


def _words(keys: Words) -> Array:
    return np.stack([keys & np.uint64(0xFFFFFFFF), keys >> np.uint64(32)], axis=-1).astype(np.uint32)


@dataclass
class Learning:
    """The synapses of networks, some of which change, and their sources.

    Parameters
    ----------
    state : Dataset
    rules : tuple of Rule
    wiring : Wiring
    points : dict of str to int
        Dims of the networks.
    dt : float, ms
    first : int
        Number of the first step.
    refractory : float, ms
        How long no neuron spikes after a spike.
    where : str
    """

    state: xr.Dataset
    rules: tuple[Rule, ...]
    wiring: Wiring
    points: dict[str, int]
    dt: float
    first: int
    refractory: float
    where: str

    def __post_init__(self) -> None:
        self.networks = math.prod(self.points.values())
        self.projections = self.wiring.counts.shape[1]
        self.width = self.state.sizes.get(labels.SYNAPSE, 0)
        self.n, self.many = self.state.sizes[labels.NEURON], self.state.sizes.get(labels.SOURCE, 0)
        self._check_step()
        self.kinds = self._kinds()
        self.changing = np.flatnonzero(self.kinds >= 0)
        self._check_memory()
        self.keys = _words(network_keys(self.state, self.points, "synapses"))
        self.values = self._values()
        self.graph, sign = self._weights()
        self.plastic = self._plastic(sign)
        self._check_bounds()
        self.sources = self._sources()

    def _check_step(self) -> None:
        """What is kept is counted in steps: the step stays what it was."""
        before = float(self.state.attrs.get("dt", self.dt))
        if before != self.dt and any(n in self.state.variables for n in (LAST, COMING)):
            raise errors.TimeError(
                f"{self.where}: 'dt'", f"past spikes are counted in steps of {before:g} ms, not {self.dt:g} ms",
                f"{before:g}", mend="Go on with the same dt.",
            )  # fmt: skip

    def _check_memory(self) -> None:
        """Refuse what cannot be held: weights and variables of synapses, and spikes of the past."""
        kept = 1 + max([0, *(len(r.states) for r in self.rules)])
        traces = max([1, *(max(len(r.pre), len(r.post)) for r in self.rules)])
        past = self._past() if self.changing.size else 2
        cells = self.changing.size * (self.n * past * (1 + 2 * traces) + (self.n + self.many) * (1 + traces))
        need = 8 * self.networks * (self.width * kept + cells)
        room = os.sysconf("SC_PAGE_SIZE") * os.sysconf("SC_PHYS_PAGES")
        if need > room:
            raise errors.DataError(
                f"{self.where}: 'plasticity'", f"synapses that change take {need / 2**30:.3g} GiB",
                f"up to {room / 2**30:.3g} GiB on this machine", mend="Run fewer networks at once.",
            )  # fmt: skip

    def _kinds(self) -> Array:
        """The number of the rule of each projection; -1 where synapses stay as they are."""
        names = {r.name: k for k, r in enumerate(self.rules)} | {"": -1}
        if PLASTICITY not in self.state.variables:
            return np.full(self.projections, -1, np.int64)
        given = np.broadcast_to(self.state[PLASTICITY].values, self.projections)
        return np.array([names[str(n)] for n in given], np.int64)

    def _spread(self, array: xr.DataArray, last: tuple[str, ...]) -> Array:
        """A variable for all networks: dims (network, ...)."""
        odd = {str(d) for d in array.dims} - {*self.points, *last}
        if odd:
            what = f"{array.name!r} has the dim {sorted(odd)[0]!r}"
            raise errors.DataError(self.where, what, sorted({*self.points, *last}))
        own, tail = [d for d in self.points if d in array.dims], [d for d in last if d in array.dims]
        values = array.transpose(*own, *tail).values
        shape = [n if d in own else 1 for d, n in self.points.items()]
        values = np.broadcast_to(
            values.reshape(*shape, *values.shape[len(own) :]), (*self.points.values(), *values.shape[len(own) :])
        )
        return values.reshape(self.networks, *values.shape[len(self.points) :])

    def _values(self) -> Array:
        """Parameters of the rules, dims (network, projection, parameter)."""
        found = np.zeros((self.networks, self.projections, max([1, *(len(r.params) for r in self.rules)])))
        for p in self.changing:
            rule = self.rules[self.kinds[p]]
            for k, (name, param) in enumerate(rule.params.items()):
                found[:, p, k] = param.value
                key = f"{PLASTICITY}.{name}"
                if key in self.state.variables:
                    checked_ = self._spread(self.state[key], (labels.PROJECTION,))
                    own = checked_[:, p] if checked_.ndim == 2 else checked_
                    found[:, p, k] = np.where(np.isnan(own), param.value, own)
                outside = ~((found[:, p, k] >= param.low) & (found[:, p, k] <= param.high))
                if outside.any():
                    bad = f"{found[:, p, k][outside][0]:g} is out of bounds"
                    raise errors.ParameterError(f"{self.where}: {key!r}", bad, f"{param.low:g} to {param.high:g}")
        return found

    def _known(self, p: int, network: int) -> dict[str, float]:
        return dict(zip(self.rules[self.kinds[p]].params, self.values[network, p], strict=False))

    def parts(self) -> Iterator[tuple[int, int, slice, slice]]:
        """Network, projection, and where its synapses lie: in the arrays of the network, and in those of its graph."""
        for network, graph in enumerate(self.wiring.of):
            for p in range(self.projections):
                start, many = int(self.wiring.starts[graph, p]), int(self.wiring.counts[graph, p])
                mine, theirs = network * self.width + start, int(graph) * self.width + start
                yield network, p, slice(mine, mine + many), slice(theirs, theirs + many)

    def _weights(self) -> tuple[Graph, Array]:
        """Weights of their own for all synapses, as sizes where they change; the sign of each projection."""
        held = self.wiring.graph
        weights = np.zeros(max(1, self.networks * self.width))
        sign = np.ones(self.networks * self.projections)
        for k, (_, p, mine, theirs) in enumerate(self.parts()):
            if held.heavy[k] == SAME:
                weights[mine] = held.weight[k]
            else:
                weights[mine] = held.weights[theirs.start + held.heavy[k] : theirs.stop + held.heavy[k]]
            if self.kinds[p] >= 0:
                self._check_spikes(k, p)
                sign[k] = self._sign(weights[mine], p)
                weights[mine] *= sign[k]
        heavy = np.repeat((np.arange(self.networks) - self.wiring.of) * self.width, self.projections)
        return held._replace(weights=weights, heavy=heavy), sign

    def _check_spikes(self, k: int, p: int) -> None:
        """Couplings, which are no spikes, do not change."""
        if self.wiring.couplings.high[k] > self.wiring.couplings.low[k]:
            raise errors.ModelError(
                f"{self.where}: projection {self._name(p)}", "a coupling cannot change", mend="Leave out its rule."
            )

    def _sign(self, weights: Array, p: int) -> float:
        up, down = bool((weights > 0).any()), bool((weights < 0).any())
        if up and down:
            raise errors.DataError(
                f"{self.where}: 'weight'", f"projection {self._name(p)} has weights of both signs, and changes",
                mend="Put excitatory and inhibitory synapses into projections of their own.",
            )  # fmt: skip
        return -1.0 if down else 1.0

    def _name(self, p: int) -> str:
        names = self.state.get(labels.PROJECTION)
        return repr(str(names.values[p])) if names is not None and names.ndim else str(p)

    def _check_bounds(self) -> None:
        for network, p, mine, _ in self.parts():
            if self.kinds[p] < 0:
                continue
            low, high = self.bounds(p, network)
            held = self.graph.weights[mine]
            if held.size and not (low <= held.min() and held.max() <= high):
                bad = float(held.min() if held.min() < low else held.max())
                raise errors.DataError(
                    f"{self.where}: 'weight'", f"{bad:g} is out of the bounds of the rule", f"{low:g} to {high:g}",
                    mend=f"Give other weights to projection {self._name(p)}, or other bounds to its rule.",
                )  # fmt: skip

    def bounds(self, p: int, network: int) -> tuple[float, float]:
        """The least and the largest size of a weight."""
        low, high = bounds_of(self.rules[self.kinds[p]], self._known(p, network), self.where)
        return float(low), float(high)

    # -- what is kept ------------------------------------------------------------------------------

    def _plastic(self, sign: Array) -> Plastic:
        places, cells = max(1, self.networks * self.changing.size), self.n + self.many
        of = np.full(self.projections, -1, np.int64)
        of[self.changing] = np.arange(self.changing.size)
        place = np.arange(self.networks)[:, None] * self.changing.size + np.maximum(of, 0)
        traces = max([1, *(max(len(r.pre), len(r.post)) for r in self.rules)])
        back = any(self.rules[self.kinds[p]].looks_back for p in self.changing)
        past = self._past() if back else 2
        many = np.zeros(places * self.n, np.int64)
        found = Plastic(
            rule=np.tile(self.kinds, self.networks),
            place=place.reshape(-1),
            values=self.values.reshape(-1, self.values.shape[2]),
            sign=sign,
            states=self._states(),
            last=np.full(places * cells, self.first, np.int64),
            left=np.zeros((places * cells, traces)),
            times=np.full((places * self.n, past), NEVER, np.int64),
            before=np.zeros((places * self.n, past, traces)),
            after=np.zeros((places * self.n, past, traces)),
            many=many,
            marked=many.copy(),
            settled=np.full(places, self.first, np.int64),
            keys=self.keys,
        )
        if self.changing.size and LAST in self.state.variables:
            self._recall(found)
        return found

    def _past(self) -> int:
        """How many spikes of each neuron are kept, a power of 2."""
        longest = self.wiring.longest
        apart = max(1, math.floor(self.refractory / self.dt))
        least = 2 * max(-(-longest // apart) + 3, self.state.sizes.get(labels.PAST, 0))
        return int(1 << (max(least, LEAST_PAST) - 1).bit_length())

    def _states(self) -> Array:
        """Variables of synapses, dims (state, synapse): what the state holds, else where they start."""
        many = max([1, *(len(r.states) for r in self.rules)])
        found = np.zeros((many, max(1, self.networks * self.width)))
        for network, p, mine, _ in self.parts():
            if self.kinds[p] < 0:
                continue
            rule, known = self.rules[self.kinds[p]], self._known(p, network)
            for k, kept in enumerate(rule.states.values()):
                found[k, mine] = float(numpy_value(kept.jump, known))
        for name in {n for r in self.rules for n in r.states}:
            key = f"{STATE}.{name}"
            if key in self.state.variables:
                self._put(found, name, self._spread(self.state[key], (labels.SYNAPSE,)))
        return found

    def _put(self, found: Array, name: str, values: Array) -> None:
        values = np.broadcast_to(values.reshape(self.networks, -1), (self.networks, self.width))
        if self.wiring.order is not None:
            values = np.take_along_axis(values, self.wiring.order[self.wiring.of], 1)
        flat = values.reshape(-1)
        for _, p, mine, _ in self.parts():
            if self.kinds[p] >= 0 and name in self.rules[self.kinds[p]].states:
                found[list(self.rules[self.kinds[p]].states).index(name), mine] = flat[mine]

    def _recall(self, found: Plastic) -> None:
        """What a state holds of spikes before."""
        last = (labels.PROJECTION, labels.SENDER, labels.NEURON, labels.PAST, labels.REMNANT)
        for name, array in ((LAST, found.last), (LEFT, found.left)):
            array[...] = self._spread(self.state[name], last)[:, self.changing].reshape(array.shape)
        times = self._spread(self.state[TIMES], last)[:, self.changing]
        held = times.shape[-1]
        times = times.reshape(-1, held)
        found.many[...] = found.marked[...] = (times != NEVER).sum(1)
        for name, array in ((TIMES, found.times), (BEFORE, found.before), (AFTER, found.after)):
            values = self._spread(self.state[name], last)[:, self.changing]
            values = values.reshape(-1, held, *values.shape[4:])
            for row, n in enumerate(found.many):
                array[row, :n] = values[row, held - n :]

    def _sources(self) -> Sources:
        rates = np.zeros((self.networks, 1))
        if RATE in self.state.variables:
            rates = self._spread(self.state[RATE], (labels.SOURCE,))
            if not (np.isfinite(rates).all() and (rates >= 0).all()):
                raise errors.ParameterError(f"{self.where}: {RATE!r}", "a rate is no number from 0", "0 or more, in Hz")
        edges = np.cumsum(rates * (self.dt / 1000.0), axis=1)
        total = edges[:, -1]
        drawn = np.zeros(self.networks, np.int64)
        keys = _words(network_keys(self.state, self.points, "sources"))
        if COMING in self.state.variables:
            drawn[...] = self._spread(self.state[DRAWN], ())
        next_ = [event(int(n), t, k) if t > 0 else (math.inf, 0.5) for n, t, k in zip(drawn, total, keys, strict=True)]
        coming, choice = (np.array(part) for part in zip(*next_, strict=True))
        coming = self._spread(self.state[COMING], ()).copy() if COMING in self.state.variables else self.first + coming
        room = np.ceil(total + 12.0 * np.sqrt(total) + 40.0).astype(np.int64)
        return Sources(self.n, np.ascontiguousarray(edges), coming, choice, drawn, room, keys)

    def at_bounds(self) -> Array:
        """Which part of the weights is at its lower and its upper bound, dims (network, projection, bound)."""
        found = np.full((self.networks, self.projections, 2), math.nan)
        for network, p, mine, _ in self.parts():
            held = self.graph.weights[mine]
            if self.kinds[p] >= 0 and held.size:
                found[network, p] = [(held == bound).mean() for bound in self.bounds(p, network)]
        return found

    def shown(self, weights: Array, bounds: Array, lost: Array, times: Array) -> xr.Dataset:
        """Snapshots of weights, dims (snapshot, network, ...), as labelled arrays."""
        weights[:, lost], bounds[:, lost] = math.nan, math.nan
        attrs = {"units": self.state[WEIGHT].attrs.get("units", "1"), "long_name": "weight"}
        extra = (labels.SNAPSHOT, labels.SYNAPSE)
        found = {WEIGHT: self._labelled(weights.transpose(1, 0, 2), extra, **attrs)}
        for k, name in enumerate(("low", "high")):
            words = f"part of the weights at their {'lower' if k == 0 else 'upper'} bound"
            values, extra = bounds[..., k].transpose(1, 0, 2), (labels.SNAPSHOT, labels.PROJECTION)
            found[f"at_{name}"] = self._labelled(values, extra, units="1", long_name=words)
        time = xr.DataArray(times, dims=labels.SNAPSHOT, attrs={"units": "ms", "long_name": "time"})
        ends = {n: self.state[n].variable for n in (labels.PRE, labels.POST, labels.PROJECTION) if n in self.state}
        return xr.Dataset(found, {labels.SNAPSHOT: time, **ends, **self._members()})

    def _members(self) -> dict[str, Any]:
        """Of which projection each synapse is, where the graph of a network says it."""
        if labels.FIRST_SYNAPSE not in self.state or labels.PROJECTION not in self.state.coords:
            return {}
        many = np.diff([*self.state[labels.FIRST_SYNAPSE].values, self.state.sizes[labels.SYNAPSE]])
        names = np.repeat(self.state[labels.PROJECTION].values, many)
        return {labels.MEMBER: (labels.SYNAPSE, names, {"long_name": "projection of the synapse"})}

    # -- and back ----------------------------------------------------------------------------------

    def settle(self, module: Any, step: int) -> None:
        """Bring all synapses up to date at the start of a step."""
        for network in range(self.networks):
            module.settle(network, step, self.graph, self.plastic, self.dt)

    def weights(self, lost: Array) -> Array:
        """Weights of all networks, dims (network, synapse); NaN of networks that failed, and of no synapse."""
        found = np.full((self.networks, self.width), math.nan)
        flat = found.reshape(-1)
        for k, (_, _, mine, _) in enumerate(self.parts()):
            flat[mine] = self.graph.weights[mine] * self.plastic.sign[k]
        found[lost] = math.nan
        return self._unsorted(found)

    def _unsorted(self, values: Array) -> Array:
        """In the order of the dataset."""
        if self.wiring.order is None:
            return values
        found = np.empty_like(values)
        np.put_along_axis(found, self.wiring.order[self.wiring.of], values, 1)
        return found

    def after(self, step: int, lost: Array) -> dict[str, xr.DataArray]:
        """Variables of the state at the start of a step."""
        found = {}
        if self.changing.size:
            attrs = {k: v for k, v in self.state[WEIGHT].attrs.items() if k != "largest_rounding"}
            found[WEIGHT] = self._labelled(self.weights(lost), (labels.SYNAPSE,), **attrs)
            found |= {f"{STATE}.{n}": a for n, a in self._variables(lost).items()}
            found |= self._memory(step)
        if RATE in self.state.variables:
            for name, values in ((COMING, self.sources.coming), (DRAWN, self.sources.drawn)):
                found[name] = self._labelled(values, (), role="internal")
        return found

    def _labelled(self, values: Array, extra: tuple[str, ...], **attrs: Any) -> xr.DataArray:
        shape = (*self.points.values(), *values.shape[1:])
        return xr.DataArray(values.reshape(shape), dims=(*self.points, *extra), attrs=attrs)

    def _variables(self, lost: Array) -> dict[str, xr.DataArray]:
        """Variables of synapses, as their last events left them."""
        found = {}
        for name in sorted({n for p in self.changing for n in self.rules[self.kinds[p]].states}):
            values = np.full((self.networks, self.width), math.nan)
            flat = values.reshape(-1)
            for _, p, mine, _ in self.parts():
                if self.kinds[p] >= 0 and name in self.rules[self.kinds[p]].states:
                    flat[mine] = self.plastic.states[list(self.rules[self.kinds[p]].states).index(name), mine]
            values[lost] = math.nan
            decay = next(
                self.rules[self.kinds[p]].spec.states[name]
                for p in self.changing
                if name in self.rules[self.kinds[p]].states
            )
            attrs = {"units": decay.unit, "long_name": decay.note or name, "role": "state"}
            found[name] = self._labelled(self._unsorted(values), (labels.SYNAPSE,), **attrs)
        return found

    def _memory(self, step: int) -> dict[str, xr.DataArray]:
        """Spikes and traces that will still count: those on their way, and the newest before them."""
        held, places = self.plastic, self.networks * self.changing.size
        past = held.times.shape[1]
        newest = (held.many[:, None] - 1 - np.arange(past)[None, ::-1]) & (past - 1)
        there = np.arange(past)[None, ::-1] < np.minimum(held.many, past)[:, None]
        times = np.where(there, np.take_along_axis(held.times, newest, 1), NEVER)
        count = (times + self.wiring.longest > step).sum(1) + 1
        keep = min(past, int(count.max(initial=1)))
        there &= np.arange(past) >= past - count[:, None]
        rows = {TIMES: np.where(there, times, NEVER)}
        for name, array in ((BEFORE, held.before), (AFTER, held.after)):
            rows[name] = np.where(there[..., None], np.take_along_axis(array, newest[..., None], 1), 0.0)
        rows = {n: a[:, past - keep :] for n, a in rows.items()}
        rows |= {LAST: held.last, LEFT: held.left}
        past_dims, sender_dims = (labels.NEURON, labels.PAST, labels.REMNANT), (labels.SENDER, labels.REMNANT)
        found = {}
        for name, array in rows.items():
            cells = array.reshape(places, -1, *array.shape[1:]).reshape(
                self.networks, self.changing.size, -1, *array.shape[1:]
            )
            whole = np.zeros((self.networks, self.projections, *cells.shape[2:]), array.dtype)
            whole[:, self.changing] = cells
            extra = (labels.PROJECTION, *(sender_dims if name in (LAST, LEFT) else past_dims)[: whole.ndim - 2])
            found[name] = self._labelled(whole, extra, role="internal")
        return found
