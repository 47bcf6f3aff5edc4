"""The space of a study: dims, and the parameter values of any point, computed from its place alone."""

from __future__ import annotations

import base64
import functools
import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import Any

import numpy as np
import numpy.typing as npt

from sneuron import errors, labels
from sneuron.explore.designs import STRUCTURES, Design
from sneuron.explore.ranges import Derived, Range, Samples, Zipped, marginal_in, range_of
from sneuron.lang import expr
from sneuron.lang.spec import Param

__all__ = ["Axis", "Design", "Known", "Lattice", "Points", "Space", "is_one", "space_of"]

Floats = npt.NDArray[np.float64]
_MANY_REPEATS = 2**32
_MANY_LISTED = 100_000


@dataclass(frozen=True)
class Known:
    """What a model lets be varied: its parameters by canonical name, and other names for them."""

    params: Mapping[str, Param]
    aliases: Mapping[str, str] = field(default_factory=dict)
    model: str = "model"

    def canonical(self, name: Any, where: str) -> str:
        """The canonical name of a parameter that may be swept."""
        if not isinstance(name, str):
            raise errors.ParameterError(where, f"{name!r} is no name of a parameter")
        own = self.aliases.get(name, name)
        if own not in self.params:
            if name in labels.RESERVED:
                raise errors.ParameterError(where, f"{name!r} is reserved for a dim or variable", sorted(self.params))
            raise errors.unknown(where, f"parameter of {self.model!r}", name, [*self.params, *self.aliases])
        if self.params[own].fixed:
            raise errors.ParameterError(where, f"{own!r} cannot be swept: {self.params[own].fixed}")
        return own

    def check(self, name: str, low: float, high: float, where: str) -> None:
        """Refuse values outside the bounds of the parameter."""
        param = self.params[name]
        wrong = low if low < param.low else high
        if low < param.low or high > param.high:
            raise errors.ParameterError(
                where, f"{wrong!r} is out of bounds", f"{param.low} to {param.high} {param.unit}"
            )


@dataclass(frozen=True)
class Axis:
    """One dim, along which one or several parameters take given values."""

    dim: str
    columns: tuple[tuple[str, Range], ...]

    @property
    def size(self) -> int:
        """How many places it has."""
        return self.columns[0][1].size

    @property
    def names(self) -> list[str]:
        """The parameters along it."""
        return [name for name, _ in self.columns]

    def column(self, name: str, index: npt.NDArray[np.int64]) -> Floats:
        """Values of one of its parameters at the places `index`."""
        return dict(self.columns)[name].at(index)

    @property
    def dims(self) -> dict[str, int]:
        """Its dim with its length."""
        return {self.dim: self.size}

    def at(self, name: str, places: Mapping[str, npt.NDArray[np.int64]]) -> Floats:
        """Values of one of its parameters at places along its dim."""
        return self.column(name, places[self.dim])

    def to_json(self) -> dict[str, Any]:
        """Plain data."""
        return {"dim": self.dim, "columns": {name: column.to_json() for name, column in self.columns}}

    @classmethod
    def from_json(cls, data: Mapping[str, Any]) -> Axis:
        """The inverse of `to_json`."""
        return cls(data["dim"], tuple((str(n), Range.from_json(c)) for n, c in data["columns"].items()))


@dataclass(frozen=True)
class Lattice:
    """The dim `point`: some crossings of the places along fine axes, by their numbers (C order), numbered from `start`.

    `nodes` holds the numbers as text; see `Lattice.of`.
    """

    axes: tuple[Axis, ...]
    nodes: str
    start: int = 0
    dim: str = labels.POINT

    @classmethod
    def of(cls, axes: tuple[Axis, ...], numbers: npt.NDArray[np.int64], start: int = 0) -> Lattice:
        """The lattice of these numbers, which ascend; their steps are kept in as few bytes as hold them."""
        steps = np.diff(numbers, prepend=0)
        kind = next(f"<u{n}" for n in (1, 2, 4, 8) if int(steps.max(initial=0)) < 256**n)
        return cls(axes, f"{kind}:{base64.b64encode(steps.astype(kind).tobytes()).decode()}", start)

    @functools.cached_property
    def numbers(self) -> npt.NDArray[np.int64]:
        """The numbers of its points."""
        kind, _, text = self.nodes.partition(":")
        return np.cumsum(np.frombuffer(base64.b64decode(text), dtype=kind).astype(np.int64))

    @property
    def shape(self) -> tuple[int, ...]:
        """Places along each axis."""
        return tuple(axis.size for axis in self.axes)

    @property
    def size(self) -> int:
        """How many points it has."""
        return len(self.numbers)

    @property
    def names(self) -> list[str]:
        """The parameters along it."""
        return [name for axis in self.axes for name in axis.names]

    def column(self, name: str, index: npt.NDArray[np.int64]) -> Floats:
        """Values of one of its parameters at the places `index`."""
        which = next(k for k, axis in enumerate(self.axes) if name in axis.names)
        places = np.unravel_index(self.numbers[np.asarray(index)], self.shape)[which]
        return self.axes[which].column(name, places)

    @property
    def dims(self) -> dict[str, int]:
        """Its dim with its length."""
        return {self.dim: self.size}

    def at(self, name: str, places: Mapping[str, npt.NDArray[np.int64]]) -> Floats:
        """Values of one of its parameters at places along its dim."""
        return self.column(name, places[self.dim])

    def to_json(self) -> dict[str, Any]:
        """Plain data."""
        axes = [axis.to_json() for axis in self.axes]
        return {"dim": self.dim, "lattice": {"axes": axes, "nodes": self.nodes, "start": self.start}}


@dataclass(frozen=True)
class Points:
    """The points of a region, numbered in C order: parameter values, repeat number, and which are wanted."""

    params: dict[str, Floats]
    repeat: npt.NDArray[np.int64]
    kept: npt.NDArray[np.bool_]

    def __len__(self) -> int:
        return len(self.repeat)

    def take(self, index: npt.NDArray[np.int64]) -> Points:
        """Some of them."""
        return Points(
            {name: column[index] for name, column in self.params.items()}, self.repeat[index], self.kept[index]
        )


@dataclass(frozen=True)
class Space:
    """All points of a study, or of a part of it.

    Parameters
    ----------
    axes : tuple of Axis, Design or Lattice
        The dims, in order.
    fixed : tuple of (name, value)
        Parameters that have one other value than the model's.
    derived : tuple of (name, text)
        Parameters that follow from others, each after those that it uses.
    where : str
        Condition that a point must fulfil to be simulated; empty for none.
    repeats : int or None
        Length of the dim `repeat`; None when there is no such dim.
    first_repeat : int
        Number of the first repeat.
    defaults : tuple of (name, value)
        The model's own values of other parameters that occur in `derived` or `where`.
    """

    axes: tuple[Axis | Design | Lattice, ...]
    fixed: tuple[tuple[str, float], ...] = ()
    derived: tuple[tuple[str, str], ...] = ()
    where: str = ""
    repeats: int | None = None
    first_repeat: int = 0
    defaults: tuple[tuple[str, float], ...] = ()

    @property
    def dims(self) -> dict[str, int]:
        """Every dim with its length."""
        own = {dim: size for axis in self.axes for dim, size in axis.dims.items()}
        return own if self.repeats is None else {**own, labels.REPEAT: self.repeats}

    @property
    def size(self) -> int:
        """How many points there are."""
        return math.prod(self.dims.values())

    @property
    def names(self) -> list[str]:
        """Every parameter that the space sets."""
        swept = [name for axis in self.axes for name in axis.names]
        return [*swept, *(name for name, _ in self.fixed), *(name for name, _ in self.derived)]

    def points(self, region: Mapping[str, slice]) -> Points:
        """The points of a rectangular region; dims not named are whole."""
        places = {d: np.arange(*region.get(d, slice(None)).indices(n)) for d, n in self.dims.items()}
        shape = tuple(len(p) for p in places.values())
        size = math.prod(shape)
        grids = {
            d: p.reshape([-1 if i == k else 1 for k in range(len(shape))]) for i, (d, p) in enumerate(places.items())
        }
        params = {n: np.broadcast_to(self.values(n, grids), shape).ravel() for n in self.names}
        numbers = grids.get(labels.REPEAT, np.zeros((), np.int64)) + self.first_repeat
        return Points(params, np.broadcast_to(numbers, shape).ravel(), self.kept(params, size))

    def values(self, name: str, places: Mapping[str, npt.NDArray[np.int64]]) -> Floats:
        """Values of one parameter at places along each dim (arrays that broadcast against one another)."""
        for axis in self.axes:
            if name in axis.names:
                return axis.at(name, places)
        if name in dict(self.fixed):
            return np.asarray(dict(self.fixed)[name])
        expression = _parsed(dict(self.derived)[name], tuple(self.known))
        defaults = dict(self.defaults)
        known = {n: defaults[n] if n in defaults else self.values(n, places) for n in expr.names_of(expression)}
        return np.asarray(expr.numpy_value(expression, known), dtype=np.float64)

    def point(self, number: int) -> Points:
        """The point with that number (C order over all dims)."""
        place = np.unravel_index(number, tuple(self.dims.values()))
        return self.points({d: slice(int(i), int(i) + 1) for d, i in zip(self.dims, place, strict=True)})

    def dims_of(self, name: str) -> tuple[str, ...]:
        """The dims along which a parameter changes."""
        for axis in self.axes:
            if name in axis.names:
                return tuple(axis.dims)
        texts = dict(self.derived)
        if name not in texts:
            return ()
        used = {d for part in expr.names_of(_parsed(texts[name], tuple(self.known))) for d in self.dims_of(part)}
        return tuple(d for d in self.dims if d in used)

    @property
    def known(self) -> dict[str, None]:
        """Names that expressions may use."""
        return dict.fromkeys([*self.names, *(name for name, _ in self.defaults)])

    def grown(self, dim: str, more: Axis | Design | int) -> tuple[Space, Space]:
        """The part that `more` along `dim` adds, and the whole with it."""
        if isinstance(more, int):
            done = self.repeats or 0
            return replace(self, repeats=more, first_repeat=self.first_repeat + done), replace(
                self, repeats=done + more
            )
        part = tuple(more if axis.dim == dim else axis for axis in self.axes)
        whole = tuple(_joined(axis, more) if axis.dim == dim else axis for axis in self.axes)
        return replace(self, axes=part), replace(self, axes=whole)

    def to_json(self) -> dict[str, Any]:
        """Plain data: a few hundred bytes, however many points."""
        return {
            "axes": [axis.to_json() for axis in self.axes],
            "fixed": dict(self.fixed),
            "derived": [list(pair) for pair in self.derived],
            "where": self.where,
            "repeats": self.repeats,
            "first_repeat": self.first_repeat,
            "defaults": dict(self.defaults),
        }

    @classmethod
    def from_json(cls, data: Mapping[str, Any]) -> Space:
        """The inverse of `to_json`."""
        return cls(
            tuple(_axis_from(a) for a in data["axes"]),
            tuple((str(k), float(v)) for k, v in data["fixed"].items()),
            tuple((str(k), str(v)) for k, v in data["derived"]),
            str(data["where"]),
            data["repeats"],
            int(data["first_repeat"]),
            tuple((str(k), float(v)) for k, v in data["defaults"].items()),
        )

    def kept(self, params: Mapping[str, Floats], size: int) -> npt.NDArray[np.bool_]:
        """Which of `size` points fulfil the condition, by their parameters."""
        if not self.where:
            return np.ones(size, dtype=np.bool_)
        known = {**dict(self.defaults), **params}
        found = expr.numpy_value(_parsed(self.where, tuple(self.known), condition=True), known)
        return np.array(np.broadcast_to(np.asarray(found, dtype=np.bool_), (size,)))


def space_of(ranges: Any, known: Known, repeats: int | None = None, where: str | None = None) -> Space:
    """The space that `ranges` describes, checked against what the model lets be varied.

    Parameters
    ----------
    ranges : mapping, Samples, or sequence of them
        Parameter -> anything that `values` takes, a range, `zipped` or `derived`; several are crossed.
    known : Known
        Parameters, units and bounds.
    repeats : int, optional
        How often each point is run; None or 1 for once, without a dim.
    where : str, optional
        Condition over the parameters.

    Raises
    ------
    ParameterError, UnknownNameError, UnitError, ExpressionError
        Naming the parameter and what would be possible.
    """
    maker = _Maker(known)
    for part in [ranges] if isinstance(ranges, Mapping | Samples) else _parts(ranges):
        maker.take(part)
    count = None if repeats in (None, 1) else _repeats(repeats)
    made = maker.space(count, where or "")
    if not made.names and count is None:
        raise errors.ParameterError(
            "ranges", "nothing is varied and nothing is set", mend="Write {'gNa': grid(80, 160, 9)}."
        )
    if where and made.size <= _MANY_LISTED and not made.points({}).kept.any():
        raise errors.ParameterError("where", f"no point fulfils {where!r}", mend="Loosen the condition, or the ranges.")
    return made


class _Maker:
    """Gathers dims, checks every name once, and resolves zips and derived parameters at the end."""

    def __init__(self, known: Known) -> None:
        self.known = known
        self.axes: dict[str, Axis | Design] = {}
        self.fixed: dict[str, float] = {}
        self.zips: dict[str, Zipped] = {}
        self.derived: dict[str, str] = {}
        self.seen: dict[str, Any] = {}

    def take(self, part: Any) -> None:
        if isinstance(part, Samples):
            self._design(part)
        elif isinstance(part, Mapping):
            for name, what in part.items():
                self._one(name, what)
        else:
            raise errors.ParameterError(
                "ranges", f"a {type(part).__name__} says nothing of parameters", "a dict, sobol(...), or a list of them"
            )

    def space(self, repeats: int | None, where: str) -> Space:
        for name, zip_ in self.zips.items():
            self._zip(name, zip_)
        for axis in self.axes.values():
            _refuse_twice(axis)
        order = _ordered(self.derived, self._usable())
        used = [n for text, condition in [*((t, False) for _, t in order), (where, True)] if text
                for n in expr.names_of(_parsed(text, self._usable(), condition))]  # fmt: skip
        defaults = {n: self.known.params[n].value for n in sorted(used) if n not in self.seen}
        axes = tuple(self.axes.values())
        return Space(axes, tuple(self.fixed.items()), tuple(order), where, repeats, 0, tuple(defaults.items()))

    def _usable(self) -> tuple[str, ...]:
        usual = [n for n, p in self.known.params.items() if math.isfinite(p.value)]
        return tuple(dict.fromkeys([*self.seen, *usual]))

    def _name(self, name: Any) -> str:
        own = self.known.canonical(name, "ranges")
        if own in self.seen:
            raise errors.ParameterError("ranges", f"{own!r} is given twice (as {self.seen[own]!r} and {name!r})")
        self.seen[own] = name
        return own

    def _one(self, name: Any, what: Any) -> None:
        if isinstance(what, Samples):
            raise errors.ParameterError(
                "ranges", f"{what.kind}() names its parameters itself", mend=f"Write [{what.kind}(...), {{...}}]."
            )
        own = self._name(name)
        if isinstance(what, Zipped):
            self.zips[own] = what
        elif isinstance(what, Derived):
            self.derived[own] = what.text
        elif is_one(what):
            self.fixed[own] = float(self._range(own, what).at(np.zeros(1, np.int64))[0])
        else:
            self._axis(own, self._range(own, what))

    def _range(self, name: str, what: Any) -> Range:
        found = range_of(what, name).in_unit(self.known.params[name].unit, name)
        if not found.size:
            raise errors.ParameterError(
                name, "the interval does not say how many values", mend="Give n, or sample it: sobol(n, {...})."
            )
        self.known.check(name, *found.limits(), name)
        return found

    def _axis(self, name: str, found: Range) -> None:
        dim = found.dim or name
        if dim in labels.RESERVED:
            raise errors.ParameterError(
                name, f"{dim!r} cannot name a dim of a sweep: it is reserved", mend="Rename the dim."
            )
        here = self.axes.get(dim)
        if here is None:
            self.axes[dim] = Axis(dim, ((name, found),))
        else:
            self._share(name, found, here)

    def _share(self, name: str, found: Range, axis: Axis | Design) -> None:
        if isinstance(axis, Design) or axis.size != found.size:
            raise errors.ParameterError(
                name,
                f"{found.size} values are zipped with the {axis.size} of {axis.names[0]!r}",
                mend="Give as many values.",
            )
        self.axes[axis.dim] = Axis(axis.dim, (*axis.columns, (name, found)))

    def _zip(self, name: str, what: Zipped) -> None:
        partner = self.known.canonical(what.partner, name)
        for axis in self.axes.values():
            if partner in axis.names:
                return self._share(name, self._range(name, what.what), axis)
        raise errors.ParameterError(
            name, f"is zipped with {partner!r}, which has no values of its own", list(self.axes)
        )

    def _design(self, what: Samples) -> None:
        if any(isinstance(axis, Design) for axis in self.axes.values()):
            raise errors.ParameterError("ranges", "two designs are given", mend="Give one with all the parameters.")
        columns, named = [], {}
        for name, bounds in what.params.items():
            own = named[name] = self._name(name)
            marginal = marginal_in(bounds, self.known.params[own].unit, own)
            if marginal.kind in ("uniform", "log", "choice"):
                self.known.check(own, *marginal.support(), own)
            columns.append((own, marginal))
        structure = STRUCTURES.get(what.kind)
        dim = structure.dim if structure else labels.POINT
        made = Design(what.kind, 0, what.n, what.n, what.seed, what.scramble, tuple(columns), dim, what.plain(named))
        size = what.n // made.share
        self.axes[dim] = replace(made, size=size, total=size)


def is_one(what: Any) -> bool:
    """A single number, with or without unit: it fixes a parameter and makes no dim."""
    if isinstance(what, Range) or (hasattr(what, "dist") and hasattr(what, "ppf")):
        return False
    bare = getattr(what, "magnitude", what)
    return isinstance(bare, str) or getattr(bare, "ndim", int(hasattr(bare, "__iter__"))) == 0


def _refuse_twice(axis: Axis | Design) -> None:
    """No value twice along a dim of its own name, no row twice along a shared dim."""
    if not isinstance(axis, Axis):
        return
    columns = [c for n, c in axis.columns if n == axis.dim] or [c for _, c in axis.columns]
    if any(c.kind != "values" for c in columns):
        return
    rows, counts = np.unique(np.stack([c.all() for c in columns], axis=1) + 0.0, axis=0, return_counts=True)
    if len(rows) < axis.size:
        twice = ", ".join(repr(float(v)) for v in rows[np.argmax(counts > 1)])
        raise errors.ParameterError(
            axis.dim, f"the value {twice} is given twice", mend="Use repeats= to run points again."
        )


def _parts(ranges: Any) -> Sequence[Any]:
    if not isinstance(ranges, list | tuple):
        raise errors.ParameterError(
            "ranges", f"a {type(ranges).__name__} says nothing of parameters", mend="Write {'gNa': grid(80, 160, 9)}."
        )
    return ranges


def _repeats(repeats: Any) -> int:
    if (
        isinstance(repeats, bool | np.bool_)
        or not isinstance(repeats, int | np.integer)
        or not 1 <= repeats <= _MANY_REPEATS
    ):
        raise errors.ParameterError("repeats", f"{repeats!r} is no number of repeats", f"1 to {_MANY_REPEATS:,}")
    return int(repeats)


def _ordered(derived: Mapping[str, str], usable: tuple[str, ...]) -> list[tuple[str, str]]:
    """Derived parameters, each after those that it uses."""
    waiting = {
        name: {n for n in expr.names_of(_parsed(text, usable)) if n in derived} for name, text in derived.items()
    }
    done: list[str] = []
    while waiting:
        ready = [name for name, needs in waiting.items() if needs <= set(done)]
        if not ready:
            raise errors.ParameterError("ranges", f"derived parameters refer to one another: {', '.join(waiting)}")
        done += ready
        waiting = {name: needs for name, needs in waiting.items() if name not in ready}
    return [(name, derived[name]) for name in done]


@functools.lru_cache(maxsize=256)
def _parsed(text: str, names: tuple[str, ...], condition: bool = False) -> Any:
    where = "where" if condition else "derived"
    return expr.parse(text, names, where, condition=condition)


def _joined(old: Axis | Design | Lattice, new: Axis | Design | int) -> Axis | Design:
    if isinstance(old, Design) and isinstance(new, Design):
        return replace(old, size=old.size + new.size, total=new.total)
    if isinstance(old, Axis) and isinstance(new, Axis):
        order = _merged_order(old, new)
        pairs = zip(old.columns, new.columns, strict=True)
        return Axis(old.dim, tuple((n, _listed_in(a, b, order)) for (n, a), (_, b) in pairs))
    raise errors.PlanError("extend", "a design and a listed axis do not join")


def _merged_order(old: Axis, new: Axis) -> npt.NDArray[np.int64] | None:
    """The order in which the whole ascends along a coordinate, where the old and the new values do; else None."""
    columns = [dict(a.columns).get(a.dim) for a in (old, new)]
    if columns[0] is None or columns[1] is None or old.size + new.size > _MANY_LISTED:
        return None
    first, second = (c.all() for c in columns if c is not None)
    if np.any(np.diff(first) <= 0) or np.any(np.diff(second) <= 0):
        return None
    return np.argsort(np.concatenate([first, second]), kind="stable")


def _listed_in(old: Range, new: Range, order: npt.NDArray[np.int64] | None) -> Range:
    joined = Range("joined", (old, new), old.size + new.size)
    return joined if order is None else Range("values", tuple(joined.all()[order].tolist()), joined.size)


def _axis_from(data: Mapping[str, Any]) -> Axis | Design | Lattice:
    if "lattice" in data:
        own = data["lattice"]
        return Lattice(tuple(Axis.from_json(a) for a in own["axes"]), own["nodes"], own["start"])
    if "design" not in data:
        return Axis.from_json(data)
    return Design.from_json(data)
