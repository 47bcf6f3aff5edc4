"""What ConnMat is asked for, checked before anything is drawn."""

from __future__ import annotations

import dataclasses
import os
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np
import xarray as xr

from sneuron import errors, labels
from sneuron.core.graph.arguments import Points, keys_of, labelled, taken
from sneuron.core.graph.laws import Law
from sneuron.core.graph.places import Layout, layout_of
from sneuron.core.graph.rule import Argument, Place, Rule, refused, rules
from sneuron.core.graph.values import Grid, Signs, law_of, on_grid
from sneuron.core.stimulus import checked_seeds

__all__ = [
    "BYTES",
    "PLACED",
    "Asked",
    "among",
    "asked_of",
    "needed",
    "parameters_of",
    "places_of",
    "refuse_memory",
    "room",
    "seeds",
]

PLACED = "placed"
"""Values that positions depend on and graphs do not."""
_COUNT = Argument(low=1, high=2**31 - 1, whole=True)
BYTES = 12
"""Memory that a synapse takes while a graph is drawn, without values of its own."""


@dataclass(frozen=True)
class Asked:
    """What kind of graph, and what of it.

    Parameters
    ----------
    rule : Rule
    arrays : mapping
        Numbers of neurons, parameters of the rule, seeds: all that makes a graph what it is.
    same : bool
        Whether pre and post are one population.
    weight, delay : Law
    weight_values, delay_values, scales : mapping
        Parameters of the laws; `g` and `radius`, by which weights are scaled.
    signs : Signs or None
    grid : Grid
    layout : Layout or None
    drawn : bool
        Whether positions differ from graph to graph.
    unit, dtype, autapses, multapses, balanced
    """

    rule: Rule
    arrays: Mapping[str, xr.DataArray]
    same: bool
    weight: Law
    weight_values: Mapping[str, xr.DataArray]
    delay: Law
    delay_values: Mapping[str, xr.DataArray]
    scales: Mapping[str, xr.DataArray]
    signs: Signs | None
    grid: Grid
    layout: Layout | None
    drawn: bool
    unit: str
    dtype: str
    autapses: bool
    multapses: bool
    balanced: bool

    @property
    def graphs(self) -> Points:
        """The points that have a graph of their own."""
        return Points(self.arrays, {n: a.dims for n, a in self.rule.arguments.items()})

    @property
    def weighted(self) -> bool:
        """Whether weights vary from synapse to synapse."""
        return self.weight.varies or self.signs is not None


def asked_of(
    nodes: Any, rule: Any, parameters: Mapping[str, Any], *, flags: Mapping[str, Any], seed: Any = 0,
    weight: Any = None, delay: Any = None, unit: str = "1", positions: Any = None, dale: Any = None, g: Any = 1.0,
    radius: Any = None, dt: Any = None, dtype: str = "float64", layout: tuple[Layout, Any] | None = None,
) -> Asked:  # fmt: skip
    """Everything checked; the parameters are those of ConnMat.

    `layout` stands for positions that others have: a layout, and what it depends on.
    """
    for name, flag in flags.items():
        if not isinstance(flag, bool | np.bool_):
            raise refused(name, f"{flag!r:.60} is neither true nor false")
    if not isinstance(rule, str) or rule not in rules:
        raise errors.unknown("ConnMat", "rule", str(rule), list(rules))
    sizes, same = _sizes(nodes)
    arrays = {**sizes, **taken(parameters, rules[rule].arguments, f"ConnMat: {rule}"), "seed": seeds(seed)}
    place, drawn = (None, False) if positions is None else layout_of(positions, same)
    if layout is not None:
        place, drawn = layout[0], True
        arrays[PLACED] = layout[1]
    first = law_of(1.0 if weight is None else weight, "weight", unit)
    second = law_of(1.0 if delay is None else delay, "delay", "ms")
    asked = Asked(
        rules[rule], arrays, same, *first, *second, _scales(g, radius, dale), Signs.of(dale),
        Grid.of(dt, bool(flags["quantise"])), place, drawn, unit, among("dtype", dtype, ("float64", "float32")),
        bool(flags["autapses"]), bool(flags["multapses"]), bool(flags["balanced"]),
    )  # fmt: skip
    _check(asked)
    return _sorted(asked) if rule == "edges" else asked


def among(name: str, given: Any, possible: tuple[str, ...]) -> str:
    """One of the possible words."""
    if given not in possible:
        raise errors.unknown(f"ConnMat: {name!r}", "kind", str(given), possible)
    return str(given)


def parameters_of(rule: Rule, row: Mapping[str, Any]) -> dict[str, Any]:
    """The values of a point that belong to the rule."""
    return {n: row[n] for n in rule.arguments}


def places_of(asked: Asked, graphs: Points, spotted: bool = True) -> list[Place]:
    """Between which neurons, with which key, each graph is; and where they are."""
    flags = {"autapses": asked.autapses, "multapses": asked.multapses}
    keys = keys_of(graphs, (PLACED,), {"rule": asked.rule.name, "same": asked.same, **flags})
    found = []
    for row, key in zip(graphs, keys, strict=True):
        pre, post = int(row["pre_count"]), int(row["post_count"])
        spots = None if asked.layout is None or not spotted else asked.layout(row, key, pre, post)
        found.append(Place(pre, post, asked.same, asked.autapses, asked.multapses, key, spots))
    return found


def needed(asked: Asked, graphs: Points, weights: int, delays: int) -> float:
    """Bytes that graphs take with so many sets of weights and delays; the rule is asked whether each graph can be."""
    rows = zip(graphs, places_of(asked, graphs, spotted=False), strict=True)
    expected = sum(float(asked.rule.expected(place, **parameters_of(asked.rule, row))) for row, place in rows)
    varied = (weights if asked.weighted else 0) + (delays if asked.delay.varies else 0)
    return expected * (BYTES + 24 * varied / graphs.size)


def refuse_memory(need: float, where: str = "ConnMat") -> None:
    """Refuse what does not fit into this machine."""
    if need > room():
        given = f"the synapses take {need / 2**30:.3g} GiB"
        raise errors.ParameterError(where, given, f"up to {room() / 2**30:.3g} GiB on this machine")


def room() -> int:
    """The memory of this machine in bytes."""
    return os.sysconf("SC_PAGE_SIZE") * os.sysconf("SC_PHYS_PAGES")


def seeds(seed: Any) -> xr.DataArray:
    """Seeds as words; a list of them along `repeat`, where they are the coordinate `seed`."""
    found = checked_seeds(seed, "ConnMat", labels.REPEAT).astype(np.uint64)
    if isinstance(seed, xr.DataArray) or not found.ndim:
        return found
    return found.drop_vars(labels.REPEAT).assign_coords(seed=(labels.REPEAT, found.values))


def _check(asked: Asked) -> None:
    """Refuse what does not go together."""
    name = asked.rule.name
    if not (asked.same or asked.rule.two):
        raise refused("rule", f"{name} is within one population", mend="Give nodes as one number.")
    if asked.multapses and not asked.rule.multapses:
        able = ", ".join(r for r in rules if rules[r].multapses)
        raise refused("multapses", f"{name} connects no pair twice", able)
    if asked.autapses and not asked.same:
        raise refused("autapses", "between two populations there are none", mend="Leave autapses out.")
    goes = ((name, asked.rule.spatial), ("weight", asked.weight.spatial), ("delay", asked.delay.spatial))
    spatial = [what for what, needs in goes if needs]
    if spatial and asked.layout is None:
        raise refused("positions", f"{spatial[0]} goes by distance, and nobody is anywhere", mend="Give positions.")
    if "radius" in asked.scales and (asked.balanced or not asked.same):
        what = "balance has scaled already" if asked.balanced else "two populations have none"
        raise refused("radius", f"spectral radius: {what}", mend="Leave radius out.")
    if asked.delay.name == "constant":
        on_grid(asked.delay_values["delay.value"].values, asked.grid)
    if name != "edges" and "given" in (asked.weight.name, asked.delay.name):
        raise refused("weight", "values along 'synapse' are for a graph that is known", mend="Give a law.")


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


def _sorted(asked: Asked) -> Asked:
    """Known edges by pre, then post, and their values with them."""
    pre, post = asked.arrays["pre"], asked.arrays["post"]
    if pre.ndim > 1 or post.ndim > 1:
        raise refused("pre", "edges of more than one graph", mend="Connect one graph after the other.")
    for name, values in (("weight", asked.weight_values), ("delay", asked.delay_values), ("post", {"": post})):
        sizes = {a.sizes[labels.SYNAPSE] for a in values.values() if labels.SYNAPSE in a.dims}
        if sizes - {pre.size}:
            raise refused(name, f"{sizes.pop()} values of {pre.size} synapses", "one for each")
    order = xr.DataArray(np.lexsort((post.values, pre.values)), dims=labels.SYNAPSE)

    def moved(arrays: Mapping[str, xr.DataArray]) -> dict[str, xr.DataArray]:
        return {n: a.isel(synapse=order) if labels.SYNAPSE in a.dims else a for n, a in arrays.items()}

    return dataclasses.replace(
        asked, arrays=moved(asked.arrays), weight_values=moved(asked.weight_values),
        delay_values=moved(asked.delay_values),
    )  # fmt: skip
