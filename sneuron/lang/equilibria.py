"""Where nothing moves: rest points, nullclines and bifurcations of a model, many parameter points at once.

One voltage (or two states) is left free, every other state is put where it stays: written down where its equation is
linear in it, solved by Newton's method elsewhere. What is left is one equation, whose sign changes are closed in.
"""

from __future__ import annotations

import functools
import itertools
import math
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import sympy
from numpy.typing import NDArray

from sneuron import errors
from sneuron.lang import schemes
from sneuron.lang.algebra import jacobian, linear_in, slopes
from sneuron.lang.build import inlined
from sneuron.lang.expr import names_of, numpy_value
from sneuron.lang.model import Model

__all__ = ["Balance", "Bifurcation", "Rests", "balance", "bifurcations", "eigenvalues", "nullcline", "rests", "roots"]

Array = NDArray[Any]
Known = Mapping[str, Any]
_BLOCK = 2**21
_HALVINGS, _GOLDEN = 200, 60
_NEWTON = 60


@dataclass(frozen=True, eq=False)
class Balance:
    """A model with all but some states at their steady value.

    Attributes
    ----------
    model : Model
    free : tuple of str
        States that are given.
    steady : mapping
        The others as expressions, each after those that it uses.
    implicit : mapping
        Those that cannot be written down: their equations.
    closing : sympy.Expr
        0 at rest: the equation that was not used.
    """

    model: Model
    free: tuple[str, ...]
    steady: Mapping[str, sympy.Expr]
    implicit: Mapping[str, sympy.Expr]
    closing: sympy.Expr

    def settled(self, known: Known) -> dict[str, Any]:
        """All values, with those of the other states beside the given ones."""
        if not self.implicit:
            return self._explicit(known)
        start = self.model.start_values({n: v for n, v in known.items() if n in self.free or n in self.model.params})
        shape = np.broadcast_shapes(*(np.shape(known[x]) for x in self.free))
        y = np.stack([np.broadcast_to(np.asarray(start[x], float), shape) for x in self.implicit], axis=-1)
        for _ in range(_NEWTON):
            step = self._newton(known, y)
            y = self._bounded(y + step, y)
            if not (np.abs(step) > 1e-14 * (1e-3 + np.abs(y))).any():
                break
        missed = ~np.all(np.abs(step) <= 1e-9 * (1e-3 + np.abs(y)), axis=-1, keepdims=True)
        y = np.where(missed, np.nan, y)
        return self._explicit({**known, **dict(zip(self.implicit, np.moveaxis(y, -1, 0), strict=True))})

    def _explicit(self, known: Known) -> dict[str, Any]:
        found = dict(known)
        for name, expression in self.steady.items():
            found[name] = numpy_value(expression, found)
        return found

    def _residual(self, known: Known, y: Array) -> Array:
        whole = self._explicit({**known, **dict(zip(self.implicit, np.moveaxis(y, -1, 0), strict=True))})
        rates = [numpy_value(e, whole) for e in self.implicit.values()]
        return np.stack([np.broadcast_to(r, y.shape[:-1]) for r in rates], axis=-1)

    def _newton(self, known: Known, y: Array) -> Array:
        """A step of Newton's method, slopes by differences."""
        here = self._residual(known, y)
        many = y.shape[-1]
        table = np.empty((*y.shape, many))
        for j in range(many):
            move = 1e-7 * (1e-3 + np.abs(y[..., j]))
            there = y.copy()
            there[..., j] += move
            table[..., j] = (self._residual(known, there) - here) / (there[..., j] - y[..., j])[..., None]
        good = np.all(np.isfinite(table), axis=(-2, -1), keepdims=True)
        good &= np.abs(np.linalg.det(np.where(good, table, 0.0)))[..., None, None] > 0
        step = -np.linalg.solve(np.where(good, table, np.eye(many)), here[..., None])
        return np.asarray(np.where(good, step, np.nan)[..., 0])

    def _bounded(self, y: Array, before: Array) -> Array:
        """Inside the bounds of each state: half way to a bound where a step goes beyond it."""
        low, high = (np.array([getattr(self.model.states[x], side) for x in self.implicit]) for side in ("low", "high"))
        y = np.where(y <= low, (before + low) / 2, y)
        return np.where(y >= high, (before + high) / 2, y)


@functools.lru_cache(maxsize=64)
def balance(model: Model, free: tuple[str, ...] = ("v",), fixed: tuple[str, ...] = ()) -> Balance:
    """A model whose states stay where they are, but for those that are free or fixed.

    >>> from sneuron.lang.model import load_model
    >>> balance(load_model("adex")).steady["w"]
    a*(-EL + v)
    """
    rows = slopes(model)
    waiting = [x for x in model.states if x not in (*free, *fixed)]
    steady = _steady_schemes(model, waiting)
    for x in waiting:
        found = linear_in(rows[x], x) if x not in steady else None
        if found is not None and found[0] != 0:
            steady[x] = -found[1] / found[0]
    order = _ordered(steady)
    implicit = [x for x in waiting if x not in order]
    closing = free[0]
    for x in implicit if free == ("v",) else ():
        found = linear_in(rows["v"], x)
        other = {} if found is None or found[0] == 0 else _ordered({**order, x: -found[1] / found[0]})
        if len(other) > len(order):  # the membrane itself tells x; that of x is then left
            order, closing = other, x
            implicit.remove(x)
            break
    for x in implicit:
        if not names_of(rows[x]) & set(implicit):
            what = f"state {x!r} of {model.name!r} has no steady value: nothing holds it back"
            raise errors.ModelError("rest points", what, mend="Give it one, where it may be fixed.")
    return Balance(model, free, order, {x: rows[x] for x in implicit}, rows[closing])


def _steady_schemes(model: Model, names: Sequence[str]) -> dict[str, sympy.Expr]:
    """Steady occupancies of Markov schemes."""
    found = {x: e for scheme in model.schemes for x, e in schemes.steady(scheme).items() if x in names}
    return {x: inlined(e, model.functions) for x, e in found.items()}


def _ordered(texts: Mapping[str, sympy.Expr]) -> dict[str, sympy.Expr]:
    """Each after those that it uses; what needs itself in a circle is left out, as little as need be."""
    waiting = {name: names_of(e) & set(texts) for name, e in texts.items()}
    order: dict[str, sympy.Expr] = {}
    while waiting:
        ready = [name for name, needs in waiting.items() if needs <= set(order)]
        if not ready:
            del waiting[max(waiting, key=lambda name: sum(name in needs for needs in waiting.values()))]
            waiting = {name: needs & {*waiting, *order} for name, needs in waiting.items()}
            continue
        order |= {name: texts[name] for name in ready}
        waiting = {name: needs for name, needs in waiting.items() if name not in ready}
    return order


def roots(function: Callable[[Array, Array], Array], grid: Array, points: int) -> tuple[Array, Array]:
    """All zeros of a function of one number, of many points: the point of each, and where.

    Sign changes on a grid are closed in to the last bit; so are those between samples, where three of them dip towards
    0. A pole is none.

    Parameters
    ----------
    function : callable
        Values at (numbers of points, places).
    grid : array
        Where to look, ascending.
    points : int
        How many points.
    """
    found: list[tuple[Array, Array]] = []
    for first in range(0, points, max(1, _BLOCK // grid.size)):
        block = np.arange(first, min(points, first + max(1, _BLOCK // grid.size)))
        index = np.repeat(block, grid.size)
        values = function(index, np.tile(grid, block.size)).reshape(block.size, grid.size)
        row, low, high, near = _brackets(function, grid, values, block)
        place = _closed_in(function, row, low, high)
        kept = np.abs(function(row, place)) <= near
        exact = np.argwhere(values == 0.0)
        found.append((np.append(row[kept], block[exact[:, 0]]), np.append(place[kept], grid[exact[:, 1]])))
    point, place = (np.concatenate(parts) for parts in zip(*found, strict=True)) if found else (np.zeros(0, int),) * 2
    order = np.lexsort((place, point))
    point, place = point[order], place[order].astype(np.float64)
    new = np.ones(point.size, bool)
    new[1:] = (np.diff(point) != 0) | (np.diff(place) != 0)
    return point[new], place[new]


def _brackets(
    function: Callable[[Array, Array], Array], grid: Array, values: Array, block: Array
) -> tuple[Array, Array, Array, Array]:
    """Points, both ends of intervals over which the sign changes, and the larger value at them."""
    row, i = np.nonzero(np.sign(values[:, :-1]) * np.sign(values[:, 1:]) < 0.0)
    ends = [(row, grid[i], grid[i + 1], np.maximum(np.abs(values[row, i]), np.abs(values[row, i + 1])))]
    a, b, c = (np.abs(values[:, k : k + grid.size - 2]) for k in range(3))
    alike = (np.sign(values[:, :-2]) == np.sign(values[:, 1:-1])) & (np.sign(values[:, 2:]) == np.sign(values[:, 1:-1]))
    with np.errstate(all="ignore"):
        lowest = b - (a - c) ** 2 / (8 * (a - 2 * b + c))  # of a parabola through the three
        dips = alike & (b <= a) & (b < c) & (lowest < 0.25 * (a - 2 * b + c))
    row, i = np.nonzero(dips)
    middle = _lowest(function, block[row], grid[i], grid[i + 2])
    at = function(block[row], middle)
    through = np.sign(at) * np.sign(values[row, i + 1]) < 0
    row, i, middle, at = row[through], i[through], middle[through], np.abs(at[through])
    for low, high in ((grid[i], middle), (middle, grid[i + 2])):
        ends.append((row, low, high, np.maximum(at, np.abs(values[row, i + 1]))))
    row, low, high, near = (np.concatenate(parts) for parts in zip(*ends, strict=True))
    return block[row], low, high, near


def _lowest(function: Callable[[Array, Array], Array], row: Array, low: Array, high: Array) -> Array:
    """Where a function of one sign comes nearest to 0, or goes through it, by golden section."""
    share = 0.5 * (math.sqrt(5.0) - 1.0)
    sign = np.sign(function(row, low))
    for _ in range(_GOLDEN if row.size else 0):
        left, right = high - share * (high - low), low + share * (high - low)
        down = sign * function(row, left) < sign * function(row, right)
        low, high = np.where(down, low, left), np.where(down, right, high)
    return low + 0.5 * (high - low)


def _closed_in(function: Callable[[Array, Array], Array], row: Array, low: Array, high: Array) -> Array:
    """Bisection until no number lies between the ends."""
    low, high = low.astype(np.float64), high.astype(np.float64)
    sign = np.sign(function(row, low))
    for _ in range(_HALVINGS):
        middle = low + 0.5 * (high - low)
        if not ((middle > low) & (middle < high)).any():
            break
        left = np.sign(function(row, middle)) == sign
        low, high = np.where(left, middle, low), np.where(left, high, middle)
    return low


@dataclass(frozen=True, eq=False)
class Rests:
    """Rest points of many points, one after the other.

    Attributes
    ----------
    point : array of int
        The parameter point that each is of; by rising voltage within a point.
    states : dict of str to array
    eigenvalues : complex array, dims (rest, mode)
        Of the Jacobian, per ms, by falling real part.
    """

    point: Array
    states: dict[str, Array]
    eigenvalues: Array


def rests(model: Model, values: Known, points: int, low: float, high: float, n: int, along: str = "v") -> Rests:
    """All rest points between two values of a state, mostly the voltage (mV) below the threshold, of `points` points.

    Parameters
    ----------
    model : Model
    values : mapping
        Parameters that differ from the defaults: numbers, or one for each point.
    points : int
    low, high, n :
        Where to look, and at how many places.
    along : str
        The state along which to look.
    """
    held, table = balance(model, (along,)), _table(model, values)

    def current(point: Array, v: Array) -> Array:
        found = numpy_value(held.closing, held.settled({**_at(table, point), along: v}))
        return np.broadcast_to(found, v.shape)

    grid = np.linspace(low, high, n)
    if not any(np.isfinite(current(np.full(n, k), grid)).any() for k in range(points)):
        what = f"some state of {model.name!r} has no steady value for these parameters"
        raise errors.ModelError("rest_points", what, mend="Look for a state that neither decays nor grows by itself.")
    point, v = roots(current, grid, points)
    whole = held.settled({**_at(table, point), along: v})
    if model.kind == "reset":
        below = np.broadcast_to(whole["v"] < numpy_value(inlined(model.threshold, model.functions), whole), v.shape)
        point, v = point[below], v[below]
        whole = held.settled({**_at(table, point), along: v})
    states = {x: np.array(np.broadcast_to(whole[x], v.shape), np.float64) for x in model.states}
    return Rests(point, states, eigenvalues(model, {**whole, **states}, v.size))


def _table(model: Model, values: Known) -> dict[str, Any]:
    return {name: param.value for name, param in model.params.items()} | dict(values)


def _at(table: Known, point: Array) -> dict[str, Any]:
    """The values of some points."""
    return {name: value[point] if np.ndim(value) else value for name, value in table.items()}


def eigenvalues(model: Model, known: Known, many: int) -> Array:
    """Eigenvalues of the Jacobian (1/ms) for so many values, by falling real part; NaN where it is not finite.

    Occupancies of a Markov scheme add up to 1: of each scheme the last one follows from the others, and has no
    eigenvalue.
    """
    size = len(model.states)
    entries = [np.broadcast_to(numpy_value(e, known), (many,)) for e in jacobian(model)]
    matrix = np.stack(entries, axis=-1).reshape(many, size, size).astype(np.float64)
    kept = list(range(size))
    names = list(model.states)
    for scheme in model.schemes:
        last = names.index(scheme.states[-1])
        for x in scheme.states[:-1]:
            matrix[:, :, names.index(x)] -= matrix[:, :, last]
        kept.remove(last)
    matrix = matrix[:, kept][:, :, kept]
    good = np.all(np.isfinite(matrix), axis=(-2, -1), keepdims=True)
    found = np.linalg.eigvals(np.where(good, matrix, 0.0)).astype(complex)
    order = np.lexsort((found.imag, -found.real), axis=-1)
    return np.asarray(np.where(good[..., 0], np.take_along_axis(found, order, axis=-1), np.nan))


def nullcline(
    model: Model, still: str, x: str, y: str, known: Known, at: Array, grid: Array | None, fixed: tuple[str, ...]
) -> tuple[Array, Array]:
    """Where d(still)/dt = 0 over x and y: the numbers of places `at` along x, and the values of y there.

    Parameters
    ----------
    model : Model
    still, x, y : str
        States.
    known : mapping
        Numbers for the parameters and the fixed states.
    at : array
        Values of x.
    grid : array or None
        Values of y to look between; None where the equation is linear in y.
    fixed : tuple of str
        States that have a value in `known`.
    """
    held = balance(model, (x, y), fixed)
    row = slopes(model)[still]

    def rate(place: Array, value: Array) -> Array:
        return np.broadcast_to(numpy_value(row, held.settled({**known, x: at[place], y: value})), value.shape)

    if grid is None:
        place = np.arange(at.size)
        zero, one = rate(place, np.zeros(at.size)), rate(place, np.ones(at.size))
        with np.errstate(all="ignore"):
            value = -zero / (one - zero)
        good = np.isfinite(value)
        return place[good], value[good]
    return roots(rate, grid, at.size)


def is_linear(model: Model, still: str, y: str, free: tuple[str, ...], fixed: tuple[str, ...]) -> bool | None:
    """Whether d(still)/dt is linear in y with the other states settled; None where it does not depend on y."""
    held, row = balance(model, free, fixed), slopes(model)[still]
    through = {name for name, e in held.steady.items() if _depends(e, y, held)} | set(held.implicit)
    names = names_of(row)
    if names & through:
        return False
    if y not in names:
        return None
    return linear_in(row, y) is not None


def _depends(expression: sympy.Expr, y: str, held: Balance) -> bool:
    names = names_of(expression)
    return y in names or any(_depends(held.steady[n], y, held) for n in names & set(held.steady))


@dataclass(frozen=True)
class Bifurcation:
    """Where a rest point changes its stability or is born.

    Attributes
    ----------
    kind : str
        "hopf" (a pair of complex eigenvalues crosses the imaginary axis) or "saddle_node" (a real one passes 0).
    value : float
        Of the parameter.
    states : dict
    frequency : float
        Of the oscillation that begins or ends at a Hopf bifurcation, in Hz; NaN at a saddle-node.
    stable : bool
        Whether the rest point is stable on one of its sides.
    """

    kind: str
    value: float
    states: dict[str, float]
    frequency: float
    stable: bool


def bifurcations(
    model: Model, name: str, low: float, high: float, known: Known, volts: tuple[float, float, int], along: str = "v",
    n: int = 129,
) -> list[Bifurcation]:  # fmt: skip
    """Hopf and saddle-node bifurcations of the rest points, along one parameter.

    The rest points are followed along the voltage, where they do not turn back: at each voltage the values of the
    parameter are found for which it is one of rest. Where the number of eigenvalues with positive real part changes,
    the voltage is closed in. Where the parameter moves no rest point (a temperature), it is followed itself.

    Parameters
    ----------
    model : Model
    name : str
        The parameter; `low` to `high` is searched.
    known : mapping
        Numbers for the other parameters.
    volts : (float, float, int)
        Where to look (mV), and at how many voltages.
    along : str
        The state that takes the place of the voltage.
    n : int
        Values of the parameter between which to look, where the current is not linear in it.
    """
    line = _Line(model, name, (low, high, n), _table(model, known), along)
    v = np.linspace(*volts)
    pieces = line.upright(v) if line.is_upright(v) else line.pieces(v)
    found = [b for a, z in pieces for b in line.between(a, z)]
    return sorted(found, key=lambda b: (b.value, b.states[along]))


@dataclass(frozen=True)
class _Spot:
    """A rest point on a line of them: its voltage, the parameter there, and how many eigenvalues grow."""

    v: float
    value: float
    growing: int


class _Line:
    """Rest points as a line: the parameter as a function of the voltage."""

    def __init__(
        self, model: Model, name: str, grid: tuple[float, float, int], known: dict[str, Any], along: str
    ) -> None:
        self.model, self.name, self.known, self.along = model, name, known, along
        self.held = balance(model, (along,))
        self.grid = np.linspace(*grid)
        settled = {s for e in (*self.held.steady.values(), *self.held.implicit.values()) for s in names_of(e)}
        form = linear_in(self.held.closing, name)
        self.linear = form if form is not None and form[0] != 0 and name not in settled else None

    def values(self, v: Array) -> tuple[Array, Array]:
        """For each voltage the values of the parameter at which it is one of rest: number of the voltage, value."""
        if self.linear is not None:
            whole = self.held.settled({**self.known, self.along: v})
            slope, offset = (np.broadcast_to(numpy_value(e, whole), v.shape) for e in self.linear)
            with np.errstate(all="ignore"):
                value = -offset / slope
            inside = (value >= self.grid[0]) & (value <= self.grid[-1])
            return np.flatnonzero(inside), value[inside]

        return roots(lambda place, value: self._current(v[place], value), self.grid, v.size)

    def spots(self, v: Array, value: Array) -> list[_Spot]:
        """What is there; those with eigenvalues that are no numbers are left out."""
        modes = self._modes(v, value)
        growing = (modes.real > 0).sum(axis=-1)
        good = np.isfinite(modes).all(axis=-1)
        columns = (a[good].tolist() for a in (v, value, growing))
        return [_Spot(*spot) for spot in zip(*columns, strict=True)]

    def _modes(self, v: Array, value: Array) -> Array:
        whole = self.held.settled({**self.known, self.name: value, self.along: v})
        return eigenvalues(self.model, whole, v.size)

    def is_upright(self, v: Array) -> bool:
        """Whether the parameter leaves all rest points where they are."""
        at = [self._current(v, np.full(v.size, value)) for value in self.grid[[0, self.grid.size // 2, -1]]]
        return all(np.allclose(a, at[0], rtol=1e-9, atol=0.0, equal_nan=True) for a in at)

    def upright(self, v: Array) -> list[tuple[_Spot, _Spot]]:
        """Neighbours along the parameter, at each rest point, between which the growing eigenvalues change."""
        _, rest = roots(lambda _, place: self._current(place, np.full(place.size, self.grid[0])), v, 1)
        lines = [self.spots(np.full(self.grid.size, at), self.grid) for at in rest]
        return [(a, z) for line in lines for a, z in itertools.pairwise(line) if a.growing != z.growing]

    def _current(self, v: Array, value: Array) -> Array:
        whole = self.held.settled({**self.known, self.name: value, self.along: v})
        return np.broadcast_to(numpy_value(self.held.closing, whole), v.shape)

    def pieces(self, v: Array) -> list[tuple[_Spot, _Spot]]:
        """Neighbours along the line between which the number of growing eigenvalues changes."""
        place, value = self.values(v)
        first = np.searchsorted(place, np.arange(v.size))
        rank = np.arange(place.size) - first[place]
        spots = {(int(p), int(r)): s for p, r, s in zip(place, rank, self.spots(v[place], value), strict=False)}
        many = np.bincount(place, minlength=v.size)
        return [
            (spot, spots[p + 1, r])
            for (p, r), spot in spots.items()
            if (p + 1, r) in spots and many[p] == many[p + 1] and spot.growing != spots[p + 1, r].growing
        ]

    def between(self, a: _Spot, z: _Spot) -> list[Bifurcation]:
        """The bifurcations between two spots; several are told apart by halving."""
        middle = self._middle(a, z)
        if middle is None:
            return [self._made(a, z)]
        halves = [(x, y) for x, y in ((a, middle), (middle, z)) if x.growing != y.growing]
        return [b for x, y in halves for b in self.between(x, y)]

    def _middle(self, a: _Spot, z: _Spot) -> _Spot | None:
        """The spot half way; None where there is no number between, or no rest point."""
        if a.v == z.v:
            value = a.value + 0.5 * (z.value - a.value)
            if not a.value < value < z.value:
                return None
            return next(iter(self.spots(np.array([a.v]), np.array([value]))), None)
        v = a.v + 0.5 * (z.v - a.v)
        if not min(a.v, z.v) < v < max(a.v, z.v) or abs(z.v - a.v) <= 1e-12 * max(1.0, abs(v)):
            return None
        _, values = self.values(np.array([v]))
        if not values.size:
            return None
        near = values[np.argmin(np.abs(values - 0.5 * (a.value + z.value)))]
        return next(iter(self.spots(np.array([v]), np.array([near]))), None)

    def _made(self, a: _Spot, z: _Spot) -> Bifurcation:
        whole = self.held.settled({**self.known, self.name: np.array([z.value]), self.along: np.array([z.v])})
        modes = self._modes(np.array([z.v]), np.array([z.value]))[0]
        hopf = abs(a.growing - z.growing) == 2
        least = modes[np.argmin(np.abs(modes.real))]
        frequency = float(abs(least.imag) / (2 * math.pi) * 1e3) if hopf else math.nan
        states = {x: float(np.broadcast_to(whole[x], (1,))[0]) for x in self.model.states}
        return Bifurcation("hopf" if hopf else "saddle_node", z.value, states, frequency, 0 in (a.growing, z.growing))
