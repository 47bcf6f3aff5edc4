"""Designs of sample points, and those that say which points are to be compared: pick-freeze matrices, trajectories.

A design is a recipe. Where a point lies (its row, its replicate, its matrix) tells the values of its parameters, so
that a design of any length is a few hundred bytes, and one that has grown keeps all its old points.
"""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Protocol

import numpy as np
import numpy.typing as npt
import xarray as xr

from sneuron import labels
from sneuron.analysis.marginals import Marginal
from sneuron.explore import samplers
from sneuron.labels import CURVE, MATRIX, MOVE, MOVED, MOVED_BY, MOVED_FROM, REPLICATE, ROW, TRAJECTORY
from sneuron.lang.keys import philox

__all__ = ["STRUCTURES", "Design", "Structure", "frequencies", "matrices"]

Floats = npt.NDArray[np.float64]
Places = Mapping[str, npt.NDArray[Any]]

_REPLICATE, _BEGIN, _OTHER, _ORDER, _PHASE = (0x5E450000 + k for k in range(5))
"""Streams of random numbers."""


@dataclass(frozen=True)
class Design:
    """Points of a design, numbered from `start` along the dim by which it grows.

    Parameters
    ----------
    kind : str
        One of `samplers.KINDS`, or of `STRUCTURES`.
    start, size, total : int
        First place along `dim`, how many, and how many in all.
    seed : int
        Its key.
    scramble : bool
        Whether a Sobol or Halton sequence is randomised.
    columns : tuple of (name, Marginal)
        Its parameters.
    dim : str
        The dim along which it grows.
    options : tuple of (name, value)
        What its structure needs besides: plain data.
    """

    kind: str
    start: int
    size: int
    total: int
    seed: int
    scramble: bool
    columns: tuple[tuple[str, Marginal], ...]
    dim: str = labels.POINT
    options: tuple[tuple[str, Any], ...] = ()

    @property
    def names(self) -> list[str]:
        """The parameters along it."""
        return [name for name, _ in self.columns]

    @property
    def dims(self) -> dict[str, int]:
        """Its dims with their lengths, the one that grows first."""
        return {self.dim: self.size, **(self.structure.inner(self) if self.structure else {})}

    @property
    def structure(self) -> Structure | None:
        """What says which points are compared; None for a plain sample."""
        return STRUCTURES.get(self.kind)

    @property
    def groups(self) -> dict[str, tuple[str, ...]]:
        """Sets of parameters that change together, by name; a parameter in none of them is one of its own."""
        given = dict(self.option("groups", ()))
        grouped = {name for members in given.values() for name in members}
        return {**given, **{n: (n,) for n in self.names if n not in grouped}}

    @property
    def share(self) -> int:
        """Points of `n` for each place along `dim`."""
        return self.structure.share(self) if self.structure else 1

    def option(self, name: str, default: Any = None) -> Any:
        """One of the options."""
        return dict(self.options).get(name, default)

    def at(self, name: str, places: Places) -> Floats:
        """Values of one of its parameters at places along each of its dims (arrays that broadcast)."""
        column = self.names.index(name)
        own = {**places, self.dim: np.asarray(places[self.dim], dtype=np.int64) + self.start}
        if self.structure is None:
            unit = self._drawn(column, own[self.dim].astype(np.uint64))
        else:
            unit = np.clip(self.structure.unit(self, column, own), 0.0, 1.0)
        return self.columns[column][1].values(unit)

    def coords(self) -> dict[str, xr.Variable]:
        """Coordinates that say which points are compared."""
        return self.structure.coords(self) if self.structure else {}

    def to_json(self) -> dict[str, Any]:
        """Plain data."""
        own = {"kind": self.kind, "start": self.start, "size": self.size, "total": self.total, "seed": self.seed}
        own |= {"options": dict(self.options)} if self.options else {}
        columns = [[name, marginal.to_json()] for name, marginal in self.columns]
        return {"dim": self.dim, "design": {**own, "scramble": self.scramble}, "columns": columns}

    @classmethod
    def from_json(cls, data: Mapping[str, Any]) -> Design:
        """The inverse of `to_json`."""
        own = data["design"]
        columns = tuple((str(n), Marginal.from_json(m)) for n, m in data["columns"])
        options = tuple((k, _tupled(v)) for k, v in own.get("options", {}).items())
        numbers = (own["start"], own["size"], own["total"], own["seed"], own["scramble"])
        return cls(own["kind"], *numbers, columns, data["dim"], options)

    def _drawn(self, column: int, places: npt.NDArray[np.uint64]) -> Floats:
        return samplers.draw(self.kind, places, column, len(self.columns), self.total, self.seed, self.scramble)


class Structure(Protocol):
    """What makes a design of comparisons: its dims, and which parameters change where."""

    dim: str

    def inner(self, design: Design) -> dict[str, int]:
        """The dims besides the one that grows, with their lengths."""

    def share(self, design: Design) -> int:
        """How many of the `n` that one asks for lie at one place along the dim that grows."""

    def unit(self, design: Design, column: int, places: Places) -> Floats:
        """Coordinates in (0, 1) of a parameter."""

    def coords(self, design: Design) -> dict[str, xr.Variable]:
        """Coordinates along its dims."""


class PickFreeze:
    """Matrices A and B of a Sobol sequence, and A with one group of columns from B (AB), or B with one from A (BA).

    Each replicate is the sequence with another scrambling; rows come first, so that more of them are further points.
    """

    dim = ROW

    def inner(self, design: Design) -> dict[str, int]:
        """Replicates and matrices."""
        return {REPLICATE: self.share(design), MATRIX: len(matrices(design))}

    def share(self, design: Design) -> int:
        """A row of every replicate."""
        return int(design.option("replicates"))

    def unit(self, design: Design, column: int, places: Places) -> Floats:
        """From A or from B, as the matrix says."""
        name, many = design.names[column], len(design.columns)
        from_b = np.array([name in members for members in matrices(design).values()])
        a, b = (replicated(design, k, 2 * many, places[ROW], places[REPLICATE]) for k in (column, column + many))
        return np.where(from_b[places[MATRIX]], b, a)

    def coords(self, design: Design) -> dict[str, xr.Variable]:
        """Numbers of replicates, names of matrices."""
        about = "A, B: independent samples; AB_x: A with x from B; BA_x: B with x from A"
        names = xr.Variable(MATRIX, np.array(list(matrices(design))), {"long_name": about})
        return {REPLICATE: _numbered(self.share(design), 0), MATRIX: names}


class Trajectories:
    """Morris' walks over a grid of levels: each move changes one group by half of the grid.

    Morris 1991, doi:10.1080/00401706.1991.10484804; groups and the choice among candidates: Campolongo, Cariboni &
    Saltelli 2007, doi:10.1016/j.envsoft.2006.10.004.
    """

    dim = TRAJECTORY

    def inner(self, design: Design) -> dict[str, int]:
        """A start and a move of every group."""
        return {MOVE: len(design.groups) + 1}

    def share(self, design: Design) -> int:
        """`n` counts trajectories."""
        return 1

    def unit(self, design: Design, column: int, places: Places) -> Floats:
        """The level, before or after the move of the parameter's group."""
        levels = int(design.option("levels"))
        number = self.number(design, places[TRAJECTORY])
        level = self.start(design, number, column)
        group = next(k for k, members in enumerate(design.groups.values()) if design.names[column] in members)
        moved = places[MOVE] > self.turns(design, number)[group]
        return np.where(moved, _partner(level, levels), level) / (levels - 1.0)

    def coords(self, design: Design) -> dict[str, xr.Variable]:
        """Which group each move changes, by how much, and which move it is compared with."""
        place = np.arange(design.start, design.start + design.size)
        number = self.number(design, place)
        moved = np.argsort(np.stack(self.turns(design, number)), axis=0).T
        by = np.stack([self._jump(design, number, members) for members in design.groups.values()], axis=1)
        by = np.take_along_axis(by, moved, axis=1)
        first = np.full((len(place), 1), -1), np.full((len(place), 1), np.nan)
        whole = np.concatenate([first[0], moved], axis=1), np.concatenate([first[1], by], axis=1)
        before = np.maximum(np.arange(moved.shape[1] + 1) - 1, 0)
        return _moves(design, (TRAJECTORY, MOVE), *whole, before)

    def number(self, design: Design, place: npt.NDArray[Any]) -> npt.NDArray[np.uint64]:
        """The candidate that is the trajectory at a place."""
        chosen = design.option("chosen", ())
        return (np.array(chosen)[place] if chosen else np.asarray(place)).astype(np.uint64)

    def start(self, design: Design, number: npt.NDArray[np.uint64], column: int) -> npt.NDArray[np.int64]:
        """The level at which a parameter begins."""
        word, _ = philox(number, _BEGIN + (column << 32), design.seed)
        return (word % np.uint64(design.option("levels"))).astype(np.int64)

    def turns(self, design: Design, number: npt.NDArray[np.uint64]) -> list[npt.NDArray[np.int64]]:
        """For each group, how many move before it."""
        words = [philox(number, _ORDER + (k << 32), design.seed)[0] for k in range(len(design.groups))]
        return [
            sum(((other < own).astype(np.int64) for other in words), np.zeros(number.shape, np.int64)) for own in words
        ]

    def _jump(self, design: Design, number: npt.NDArray[np.uint64], members: tuple[str, ...]) -> Floats:
        """How far a group moves, in (0, 1); with a sign where it is one parameter."""
        levels = int(design.option("levels"))
        size = levels / (2.0 * (levels - 1.0))
        if len(members) > 1:
            return np.full(number.shape, size)
        level = self.start(design, number, design.names.index(members[0]))
        return np.where(level < levels // 2, size, -size)


class Radial:
    """Stars: from a random point one group at a time jumps to where it lies at another random point.

    Campolongo, Saltelli & Cariboni 2011, doi:10.1016/j.cpc.2010.12.039.
    """

    dim = TRAJECTORY

    def inner(self, design: Design) -> dict[str, int]:
        """The middle of the star and its tips."""
        return {MOVE: len(design.groups) + 1}

    def share(self, design: Design) -> int:
        """`n` counts stars."""
        return 1

    def unit(self, design: Design, column: int, places: Places) -> Floats:
        """From the first point, or at one tip from the second."""
        tip = next(k for k, members in enumerate(design.groups.values(), 1) if design.names[column] in members)
        here, there = self._ends(design, column, places[TRAJECTORY])
        return np.where(places[MOVE] == tip, there, here)

    def coords(self, design: Design) -> dict[str, xr.Variable]:
        """Which group each move changes, and by how much."""
        place = np.arange(design.start, design.start + design.size)
        far = [self._distance(design, place, members) for members in design.groups.values()]
        by = np.stack([np.full(len(place), np.nan), *far], axis=1)
        moved = np.arange(len(far) + 1) - 1
        return _moves(design, (MOVE,), moved, by, np.zeros_like(moved))

    def _ends(self, design: Design, column: int, place: npt.NDArray[Any]) -> tuple[Floats, Floats]:
        number = np.asarray(place).astype(np.uint64)
        one, other = (_uniform(number, stream + (column << 32), design.seed) for stream in (_BEGIN, _OTHER))
        return one, other

    def _distance(self, design: Design, place: npt.NDArray[Any], members: tuple[str, ...]) -> Floats:
        ends = [self._ends(design, design.names.index(name), place) for name in members]
        if len(ends) == 1:
            return ends[0][1] - ends[0][0]
        return np.sqrt(sum(((there - here) ** 2 for here, there in ends), np.zeros(len(place))))


class Nudges:
    """Stars with short tips: from each row of a Sobol sequence one parameter at a time goes a little way inward."""

    dim = ROW

    def inner(self, design: Design) -> dict[str, int]:
        """Replicates, and the middle of the star with its tips."""
        return {REPLICATE: self.share(design), MOVE: len(design.columns) + 1}

    def share(self, design: Design) -> int:
        """A row of every replicate."""
        return int(design.option("replicates"))

    def unit(self, design: Design, column: int, places: Places) -> Floats:
        """Of the row, and at one tip a little further."""
        base = replicated(design, column, len(design.columns), places[ROW], places[REPLICATE])
        small = float(design.option("nudge"))
        return np.where(places[MOVE] == column + 1, base + np.where(base < 0.5, small, -small), base)

    def coords(self, design: Design) -> dict[str, xr.Variable]:
        """Numbers of replicates, and which parameter each move changes."""
        moved = np.arange(len(design.columns) + 1) - 1
        found = _moves(design, (MOVE,), moved, None, np.zeros_like(moved))
        return {REPLICATE: _numbered(self.share(design), 0), **found}


class Curves:
    """Curves that fill the space, on which one group at a time oscillates fastest; a replicate has other phases.

    Saltelli, Tarantola & Chan 1999, doi:10.1080/00401706.1999.10485594.
    """

    dim = REPLICATE

    def inner(self, design: Design) -> dict[str, int]:
        """A curve for each group, and the points on it."""
        return {CURVE: len(design.groups), ROW: self.share(design)}

    def share(self, design: Design) -> int:
        """Points on a curve."""
        return int(design.option("rows"))

    def unit(self, design: Design, column: int, places: Places) -> Floats:
        """A triangle wave along the curve."""
        own = np.array([design.names[column] in members for members in design.groups.values()])
        fast, slow = frequencies(self.share(design), int(design.option("harmonics")), len(design.columns))
        speed = np.where(own, fast, slow[column])[places[CURVE]]
        number = np.asarray(places[REPLICATE] * len(own) + places[CURVE]).astype(np.uint64)
        phase = 2 * math.pi * _uniform(number, _PHASE + (column << 32), design.seed)
        angle = 2 * math.pi * np.asarray(places[ROW]) / self.share(design)
        return np.clip(0.5 + np.arcsin(np.sin(speed * angle + phase)) / math.pi, 2.0**-54, 1.0 - 2.0**-53)

    def coords(self, design: Design) -> dict[str, xr.Variable]:
        """Numbers of replicates; the group that each curve is for, and its frequency."""
        fast, _ = frequencies(self.share(design), int(design.option("harmonics")), len(design.columns))
        about = {"long_name": "what oscillates fastest", "frequency": fast, "harmonics": design.option("harmonics")}
        curve = xr.Variable(CURVE, np.array(list(design.groups)), about)
        return {REPLICATE: _numbered(design.size, design.start), CURVE: curve}


STRUCTURES: dict[str, Structure] = {
    "pick_freeze": PickFreeze(),
    "trajectories": Trajectories(),
    "radial": Radial(),
    "nudges": Nudges(),
    "curves": Curves(),
}
"""Designs of comparisons by name."""


def matrices(design: Design) -> dict[str, tuple[str, ...]]:
    """The matrices of a pick-freeze design, and the parameters that each takes from B."""
    whole = design.groups
    found: dict[str, tuple[str, ...]] = {"A": (), "B": tuple(design.names)}
    found |= {f"AB_{name}": members for name, members in whole.items()}
    if design.option("order", 1) == 2:
        rest = {name: tuple(n for n in design.names if n not in members) for name, members in whole.items()}
        found |= {f"BA_{name}": others for name, others in rest.items()}
    return found


def frequencies(rows: int, harmonics: int, many: int) -> tuple[int, list[int]]:
    """The highest frequency of a curve of so many points, and the low ones of all parameters.

    >>> frequencies(65, 4, 3)
    (8, [1, 1, 1])
    """
    fast = (rows - 1) // (2 * harmonics)
    most = max(1, fast // (2 * harmonics))
    if most < many:
        return fast, [1 + k % most for k in range(many)]
    return fast, [int(f) for f in np.floor(np.linspace(1, most, many))]


def replicated(design: Design, column: int, columns: int, row: Any, replicate: Any) -> Floats:
    """A column of the Sobol sequence, with the scrambling of each replicate."""
    keys, _ = philox(np.asarray(replicate).astype(np.uint64), _REPLICATE, design.seed)
    rows, keys = np.broadcast_arrays(np.asarray(row).astype(np.uint64), keys)
    return samplers.nested_sobol(rows, column, columns, keys)


def _partner(level: npt.NDArray[np.int64], levels: int) -> npt.NDArray[np.int64]:
    """The level half a grid away."""
    return np.where(level < levels // 2, level + levels // 2, level - levels // 2)


def _uniform(number: npt.NDArray[np.uint64], stream: int, seed: int) -> Floats:
    word, _ = philox(number, stream, seed)
    return ((word >> np.uint64(11)).astype(np.float64) + 0.5) * 2.0**-53


def _numbered(many: int, start: int) -> xr.Variable:
    return xr.Variable(
        REPLICATE, np.arange(start, start + many), {"units": "1", "long_name": "number of the replicate"}
    )


def _moves(design: Design, dims: tuple[str, ...], moved: Any, by: Any, before: Any) -> dict[str, xr.Variable]:
    """The coordinates `moved`, `moved_by` and `moved_from`."""
    names = " ".join(design.groups)
    about = {"long_name": "what changes", "flag_values": np.arange(len(design.groups)), "flag_meanings": names}
    found = {
        MOVED: xr.Variable(dims, np.asarray(moved, np.int64), about),
        MOVED_FROM: xr.Variable(MOVE, np.asarray(before, np.int64), {"long_name": "the move that it is compared with"}),
    }
    if by is not None:
        what = {"long_name": "change in units of the distribution", "units": "1"}
        found[MOVED_BY] = xr.Variable((TRAJECTORY, MOVE), by, what)
    return found


def _tupled(value: Any) -> Any:
    """Lists as tuples, mappings as tuples of pairs: what can be hashed."""
    if isinstance(value, Mapping):
        return tuple((k, _tupled(v)) for k, v in value.items())
    return tuple(map(_tupled, value)) if isinstance(value, list | tuple) else value
