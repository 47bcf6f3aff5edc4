"""What a parameter may run over: `grid`, `log`, `values`, `zipped`, `derived`, and samples of many at once.

A range is a recipe: its values are computed from their number. Units of what is given ("80 mS/cm2", a pint
quantity, an array with a `units` attribute) are converted once, when the range meets the parameter.
"""

from __future__ import annotations

import itertools
import math
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np
import numpy.typing as npt

from sneuron import errors, labels
from sneuron.analysis.marginals import Marginal, marginal_of

__all__ = [
    "Derived", "Range", "Samples", "Zipped", "checked_seed", "derived", "grid", "halton", "lhs", "log", "marginal_in",
    "random", "range_of",     "sobol", "values", "zipped",
]  # fmt: skip

Floats = npt.NDArray[np.float64]
_MOST = 1_000_000
_MOST_POINTS = 2**52


@dataclass(frozen=True)
class Range:
    """Values of one parameter along one dim: `linear`, `log`, `step` over (lo, hi, n or step), listed `values`, places
    on straight lines `between` listed values, or two ranges `joined`.

    `size` is how many there are (0: a mere interval, good for sampling only).
    """

    kind: str
    args: tuple[Any, ...]
    size: int
    unit: str | None = None
    dim: str | None = None

    def __len__(self) -> int:
        return self.size

    def at(self, index: npt.NDArray[Any]) -> Floats:
        """The values numbered `index`."""
        if self.kind == "values":
            return np.asarray(np.asarray(self.args, dtype=np.float64)[index])
        if self.kind == "joined":
            return _of_joined(self.args[0], self.args[1], np.asarray(index))
        if self.kind == "between":
            return _between(self.args, self.size, np.asarray(index))
        low, high = float(self.args[0]), float(self.args[1])
        place = np.asarray(index, dtype=np.float64)
        if self.kind == "step":
            return np.asarray(low + place * float(self.args[2]))
        if self.size == 1:
            return np.full(place.shape, low)
        if self.kind == "log":
            inner = low * np.power(high / low, place / (self.size - 1))
        else:
            inner = low + place * ((high - low) / (self.size - 1))
        return np.where(place == self.size - 1, high, np.where(place == 0, low, inner))

    def limits(self) -> tuple[float, float]:
        """Lowest and highest value."""
        some = self.all() if self.kind == "values" else self.at(np.array([0, self.size - 1]))
        if self.kind == "joined":
            some = np.array([edge for part in self.args for edge in part.limits()])
        return float(some.min()), float(some.max())

    def all(self) -> Floats:
        """Every value, in order."""
        return self.at(np.arange(self.size))

    def finer(self, factor: int, where: str) -> Range:
        """The same interval with each step cut into `factor`; the old values are every `factor`th of the new ones."""
        size = (self.size - 1) * factor + 1
        if self.kind in ("linear", "log"):
            return Range(self.kind, self.args, size)
        found = self.all()
        if self.kind == "step":
            return Range("linear", (float(found[0]), float(found[-1])), size)
        if not (np.all(np.diff(found) > 0) or np.all(np.diff(found) < 0)):
            raise errors.ParameterError(
                where, "its values neither rise nor fall, so there is nothing between them", mend="Sort them."
            )
        return Range("between", tuple(found.tolist()), size)

    def in_unit(self, unit: str, where: str) -> Range:
        """The range with plain floats in `unit`, checked."""
        numbers = tuple(_converted(a, self.unit, unit, where) for a in self.args)
        _refuse_bad(np.array(numbers, dtype=np.float64), where)
        if self.kind == "values":
            return Range("values", numbers, len(numbers), dim=self.dim)
        return _interval(self.kind, numbers, self.size, where)

    def to_json(self) -> dict[str, Any]:
        """Plain data."""
        args = [a.to_json() for a in self.args] if self.kind == "joined" else list(self.args)
        return {"kind": self.kind, "args": args, "size": self.size}

    @classmethod
    def from_json(cls, data: Mapping[str, Any]) -> Range:
        """The inverse of `to_json`."""
        read = cls.from_json if data["kind"] == "joined" else float
        return cls(str(data["kind"]), tuple(read(a) for a in data["args"]), int(data["size"]))


@dataclass(frozen=True)
class Zipped:
    """Values that go along the dim of another parameter, one for one."""

    partner: str
    what: Any


@dataclass(frozen=True)
class Derived:
    """A parameter computed from others by an expression of the model language."""

    text: str


@dataclass(frozen=True)
class Samples:
    """A design of `n` points over several parameters; `options` say how points that are compared lie in it."""

    kind: str
    n: int
    params: Mapping[str, Any]
    seed: int = 0
    scramble: bool = True
    options: tuple[tuple[str, Any], ...] = ()

    def plain(self, named: Mapping[str, str]) -> tuple[tuple[str, Any], ...]:
        """The options with parameters under their canonical names."""
        groups = tuple((g, tuple(named[n] for n in members)) for g, members in dict(self.options).get("groups", ()))
        return tuple((k, groups if k == "groups" else v) for k, v in self.options)


def grid(lo: Any, hi: Any, n: int | None = None, step: Any = None) -> Range:
    """Evenly spaced values from `lo` to `hi`, both included; without `n` an interval for sampling.

    Parameters
    ----------
    lo, hi : float or str
        First and last value, in the parameter's unit or as a text with a unit.
    n : int, optional
        How many values.
    step : float or str, optional
        Distance between values instead of `n`; `hi` is the last one that is met or not passed.

    Returns
    -------
    Range

    Raises
    ------
    ParameterError
        No values, both `n` and `step`, a step of 0 or away from `hi`.

    Examples
    --------
    >>> grid(80, 160, 3).all().tolist()
    [80.0, 120.0, 160.0]
    """
    if step is None:
        return Range("linear", (lo, hi), 0 if n is None else _count(n, "grid"))
    if n is not None:
        raise errors.ParameterError("grid", "both n and step are given", mend="Give one of them.")
    return Range("step", (lo, hi, step), 0)


def log(lo: Any, hi: Any, n: int | None = None) -> Range:
    """Values from `lo` to `hi`, each the same multiple of the one before; without `n` an interval for sampling.

    Parameters
    ----------
    lo, hi : float or str
        First and last value, both above 0.
    n : int, optional
        How many values.

    Returns
    -------
    Range

    Examples
    --------
    >>> log(1, 100, 3).all().tolist()
    [1.0, 10.0, 100.0]
    """
    return Range("log", (lo, hi), 0 if n is None else _count(n, "log"))


def values(what: Any, unit: str | None = None) -> Range:
    """Listed values, kept in their order.

    Parameters
    ----------
    what : number, text with unit, sequence, one-dimensional array, DataArray, quantity or finite iterator
        The values; a DataArray brings the name of its dim (arrays that share a dim are zipped) and its units.
    unit : str, optional
        Unit of bare numbers, when it is not the parameter's own.

    Returns
    -------
    Range

    Raises
    ------
    ParameterError
        For what is not one list of real numbers.

    Examples
    --------
    >>> values([3, 1, 2]).all().tolist()
    [3.0, 1.0, 2.0]
    """
    found = range_of(what, "values")
    if unit is not None:
        found = Range(found.kind, found.args, found.size, unit, found.dim)
    return found


def zipped(partner: str, what: Any) -> Zipped:
    """Values that change together with those of `partner`: they share its dim.

    Parameters
    ----------
    partner : str
        The parameter whose dim is shared.
    what : anything that `values` takes, or a range
        As many values as the partner has.

    Returns
    -------
    Zipped

    Examples
    --------
    >>> zipped("EK", [0.0, 0.05, 0.1]).partner
    'EK'
    """
    return Zipped(str(partner), what)


def derived(text: str) -> Derived:
    """A parameter that follows from others.

    Parameters
    ----------
    text : str
        Expression of the model language over the names of parameters: `derived("0.1*gNa")`.

    Returns
    -------
    Derived

    Examples
    --------
    >>> derived("0.1*gNa").text
    '0.1*gNa'
    """
    return Derived(text)


def sobol(n: int, params: Mapping[str, Any], seed: int = 0, scramble: bool = True) -> Samples:
    """`n` points of a Sobol sequence, dim `point`; the first k of n points are the points of the design of k.

    Parameters
    ----------
    n : int
        Number of points; powers of two are balanced.
    params : mapping
        Parameter -> `(lo, hi)`, `log(lo, hi)`, a list (choice), or a frozen distribution of scipy.stats.
    seed : int, default 0
        Key of the scrambling.
    scramble : bool, default True
        Owen scrambling.

    Returns
    -------
    Samples

    Examples
    --------
    >>> sobol(1024, {"gNa": (80, 160), "gK": (20, 50)}).n
    1024
    """
    return _samples("sobol", n, params, seed, scramble)


def halton(n: int, params: Mapping[str, Any], seed: int = 0, scramble: bool = True) -> Samples:
    """`n` points of a Halton sequence, dim `point`; extensible point by point. Parameters as for `sobol`.

    >>> halton(10, {"gNa": (80, 160)}).kind
    'halton'
    """
    return _samples("halton", n, params, seed, scramble)


def lhs(n: int, params: Mapping[str, Any], seed: int = 0) -> Samples:
    """A latin hypercube of `n` points, dim `point`: each of n slices of each parameter is hit once. Not extensible.

    Parameters as for `sobol`. McKay, Beckman & Conover (1979), doi:10.1080/00401706.1979.10489755.

    >>> lhs(10, {"gNa": (80, 160)}).kind
    'lhs'
    """
    return _samples("lhs", n, params, seed, True)


def random(n: int, params: Mapping[str, Any], seed: int = 0) -> Samples:
    """`n` independent random points, dim `point`; the first k of n are the design of k. Parameters as for `sobol`.

    >>> random(10, {"gNa": (80, 160)}).kind
    'random'
    """
    return _samples("random", n, params, seed, True)


def range_of(what: Any, where: str) -> Range:
    """Anything that may stand for listed values, as a `Range` whose values still bear their units."""
    if isinstance(what, Range):
        return what
    if hasattr(what, "dist") and hasattr(what, "ppf"):
        raise errors.ParameterError(
            where,
            "a distribution alone does not say how many values",
            mend=f"Write random(1000, {{{where!r}: ...}}) or sobol(...).",
        )
    if hasattr(what, "dims") and hasattr(what, "attrs"):
        return _of_labelled(what, where)
    if hasattr(what, "magnitude") and hasattr(what, "units"):
        found = range_of(what.magnitude, where)
        return Range(found.kind, found.args, found.size, f"{what.units:~C}")
    if isinstance(what, str):
        return Range("values", (what,), 1)
    return _of_array(what, where)


def is_choice(what: Any, where: str) -> bool:
    """Whether a sampled parameter is a choice among values, and no interval or distribution."""
    if (hasattr(what, "dist") and hasattr(what, "ppf")) or (isinstance(what, tuple) and len(what) == 2):
        return False
    found = range_of(what, where)
    return not (found.kind in ("linear", "log") and found.size == 0)


def marginal_in(what: Any, unit: str, where: str) -> Marginal:
    """What a sampled parameter is drawn from, in `unit`."""
    if hasattr(what, "dist") and hasattr(what, "ppf"):
        return marginal_of(what, where)
    if isinstance(what, tuple) and len(what) == 2:
        what = grid(*what)
    found = range_of(what, where)
    if found.kind in ("linear", "log") and found.size == 0:
        found = found.in_unit(unit, where)
        if found.args[0] == found.args[1]:
            raise errors.ParameterError(where, f"the interval from {found.args[0]} to {found.args[1]} is empty")
        return Marginal("uniform" if found.kind == "linear" else "log", found.args)
    return Marginal("choice", tuple(found.in_unit(unit, where).all().tolist()))


def _samples(kind: str, n: int, params: Any, seed: int, scramble: bool) -> Samples:
    if not isinstance(params, Mapping) or not params:
        raise errors.ParameterError(kind, "no parameters are given", mend=f"Write {kind}(n, {{'gNa': (80, 160)}}).")
    return Samples(kind, _count(n, kind), dict(params), checked_seed(seed, kind), bool(scramble))


def checked_seed(seed: Any, where: str) -> int:
    """A seed: a whole number from 0 to 2^64 - 1; 0 is a seed like any other."""
    if isinstance(seed, bool | np.bool_) or not isinstance(seed, int | np.integer) or not 0 <= int(seed) < 2**64:
        raise errors.ParameterError(where, f"seed {seed!r} cannot be a key", "whole numbers from 0 to 2^64 - 1")
    return int(seed)


def _of_joined(first: Range, second: Range, index: npt.NDArray[Any]) -> Floats:
    later = index >= first.size
    return np.where(later, second.at(np.where(later, index - first.size, 0)), first.at(np.where(later, 0, index)))


def _between(listed: tuple[float, ...], size: int, index: npt.NDArray[Any]) -> Floats:
    """Straight lines between listed values, which are met exactly."""
    factor = (size - 1) // (len(listed) - 1)
    known = np.asarray(listed, dtype=np.float64)
    left, part = (index // factor).astype(np.int64), (index % factor) / factor
    low, high = known[left], known[np.minimum(left + 1, len(listed) - 1)]
    return np.where(part == 0, low, low + part * (high - low))


def _count(n: Any, where: str) -> int:
    if isinstance(n, bool | np.bool_) or not isinstance(n, int | np.integer):
        raise errors.ParameterError(where, f"n = {n!r} is not a whole number")
    if not 1 <= int(n) <= _MOST_POINTS:
        raise errors.ParameterError(where, f"n = {int(n):,} values", f"1 to {_MOST_POINTS:,}")
    return int(n)


def _of_labelled(what: Any, where: str) -> Range:
    """A DataArray of none or one dim."""
    if what.ndim > 1:
        raise errors.ParameterError(where, f"an array with dims {tuple(what.dims)}", "one dim, or none")
    dim = str(what.dims[0]) if what.ndim else None
    found = _of_array(np.asarray(what.values), where)
    return Range(found.kind, found.args, found.size, labels.units_of(what.attrs), dim)


def _of_array(what: Any, where: str) -> Range:
    """Numbers, sequences, arrays and finite iterators; whatever is not real numbers is refused by its kind."""
    if isinstance(what, np.ma.MaskedArray):
        raise errors.ParameterError(where, "a masked array has holes", mend="Give the values that are there.")
    if isinstance(what, Mapping | set | frozenset):
        raise errors.ParameterError(
            where, f"a {type(what).__name__} is no list of values", mend="Give a list or an array."
        )
    if isinstance(what, np.ndarray) or hasattr(what, "__array__"):
        return _of_ndarray(np.asarray(what), where)
    if not isinstance(what, Iterable):
        return Range("values", (labels.number(what, "", where),), 1)
    return Range("values", *_listed(what, where))


def _of_ndarray(what: npt.NDArray[Any], where: str) -> Range:
    if what.dtype.kind not in "iuf":
        raise errors.ParameterError(
            where, f"an array of dtype {what.dtype} holds no real numbers", "integers and floats"
        )
    if what.ndim > 1:
        raise errors.ParameterError(where, f"an array of shape {what.shape}", "one dimension")
    numbers = np.atleast_1d(what).astype(np.float64)
    return Range("values", tuple(numbers.tolist()), len(numbers))


def _listed(what: Iterable[Any], where: str) -> tuple[tuple[Any, ...], int]:
    found = list(itertools.islice(what, _MOST + 1))
    if len(found) > _MOST:
        raise errors.ParameterError(where, f"more than {_MOST:,} listed values", mend="Use grid(), log() or a sampler.")
    kept = [
        item if isinstance(item, str) or hasattr(item, "magnitude") else labels.number(item, "", where)
        for item in found
    ]
    return tuple(kept), len(found)


def _converted(value: Any, given: str | None, unit: str, where: str) -> float:
    """A bare number in the stated unit of its array, or a number that brings its own."""
    if isinstance(value, str) or hasattr(value, "magnitude"):
        return labels.number(value, unit, where)
    return float(labels.convert(labels.number(value, unit, where), given, unit, where))


def _interval(kind: str, numbers: tuple[float, ...], size: int, where: str) -> Range:
    low, high = numbers[0], numbers[1]
    if kind == "log" and not (low > 0 and high > 0):
        raise errors.ParameterError(where, f"log values from {low} to {high}", "both ends above 0")
    if kind == "step":
        return _stepped(low, high, numbers[2], where)
    if size > 1 and low == high:
        raise errors.ParameterError(
            where, f"{size} values from {low} to {high} are all the same", mend="Give one value."
        )
    return Range(kind, numbers, size)


def _stepped(low: float, high: float, step: float, where: str) -> Range:
    if step == 0 or (high - low) / step < 0:
        raise errors.ParameterError(
            where,
            f"a step of {step} does not lead from {low} to {high}",
            mend=f"Give a step {'above' if high >= low else 'below'} 0.",
        )
    size = math.floor((high - low) / step * (1 + 1e-12) + 1e-9) + 1
    return Range("step", (low, high, step), _count(size, where))


def _refuse_bad(numbers: Floats, where: str) -> None:
    if not len(numbers):
        raise errors.ParameterError(where, "no values are given", "at least one")
    bad = np.flatnonzero(~np.isfinite(numbers))
    if len(bad):
        raise errors.ParameterError(where, f"value number {bad[0]} is {numbers[bad[0]]}", "finite numbers")
