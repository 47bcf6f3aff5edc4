"""What a part of a study looks like on disk: variables, their dims, and how the dims are cut into blocks.

One block is one task of a study and one file of every variable, so that no two writers ever meet in a file.
"""

from __future__ import annotations

import math
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from typing import Any

import numpy as np

from sneuron import errors

__all__ = ["Template", "Variable", "spike_encoding"]

_KINDS = "biufc"
_INNER = 1 << 20
_WHERE = "layout of the store"


@dataclass(frozen=True)
class Variable:
    """An array of a study.

    Parameters
    ----------
    name : str
        Its name in the dataset.
    dims : tuple of str
        Its dims, in order; every dim that is cut into blocks must be among them.
    dtype : str
        The dtype of its values ("float64", "uint8", ...).
    attrs : mapping
        `units`, `long_name`, ...
    fill : number, optional
        What points read as that were not computed yet. By default NaN, -1 for signed and the largest number for
        unsigned integers, 0 for flags (variables with `flag_values`) and False.
    encoding : mapping, optional
        CF packing on disk: `dtype`, `scale_factor`, `add_offset`, `_FillValue` (see `spike_encoding`).
    """

    name: str
    dims: tuple[str, ...]
    dtype: str
    attrs: Mapping[str, Any] = field(default_factory=dict)
    fill: float | int | None = None
    encoding: Mapping[str, Any] | None = None

    def __post_init__(self) -> None:
        object.__setattr__(self, "dims", tuple(self.dims))
        kind = np.dtype(self.dtype)
        object.__setattr__(self, "dtype", kind.name)
        if kind.kind not in _KINDS:
            raise errors.DataError(
                _WHERE,
                f"variable {self.name!r} has dtype {self.dtype}",
                "numbers and true or false",
                mend="Store text as attrs.",
            )
        if "/" in self.name or self.name.startswith((".", "__")) or not self.name:
            raise errors.DataError(_WHERE, f"{self.name!r} cannot name a variable")

    @property
    def stored(self) -> np.dtype[Any]:
        """The dtype on disk."""
        dtype: np.dtype[Any] = np.dtype((self.encoding or {}).get("dtype", self.dtype))
        return dtype

    @property
    def missing(self) -> Any:
        """The value on disk of points that were not computed."""
        if self.encoding and "_FillValue" in self.encoding:
            return self.stored.type(self.encoding["_FillValue"])
        return self.stored.type(no_value(self.stored, self.attrs) if self.fill is None else self.fill)

    def packed(self, values: np.ndarray) -> np.ndarray:
        """Values as they lie on disk: scaled to integer ticks where the encoding says so."""
        rule = self.encoding or {}
        if self.stored == values.dtype and "scale_factor" not in rule and "add_offset" not in rule:
            return np.ascontiguousarray(values).reshape(values.shape)  # which makes one dim of none
        with np.errstate(invalid="ignore"):
            scaled = (values - rule.get("add_offset", 0)) / rule.get("scale_factor", 1)
        return self._rounded(scaled) if self.stored.kind in "iu" else scaled.astype(self.stored)

    def _rounded(self, scaled: np.ndarray) -> np.ndarray:
        lacking = np.isnan(scaled)
        ticks = np.where(lacking, 0, np.rint(scaled))
        if ticks.size and not _fits(ticks, self.stored):
            raise errors.DataError(
                f"variable {self.name!r}",
                f"values up to {np.abs(ticks).max():.6g} steps do not fit {self.stored.name}",
                mend="Use a coarser scale_factor or a wider integer.",
            )
        if lacking.any() and "_FillValue" not in (self.encoding or {}):
            raise errors.DataError(f"variable {self.name!r}", "NaN needs a _FillValue in the encoding")
        return np.where(lacking, self.missing, ticks).astype(self.stored)


@dataclass(frozen=True)
class Template:
    """The arrays of one part of a study and the blocks that they are cut into.

    Parameters
    ----------
    dims : mapping of str to int
        Every dim with its length; dims that are cut come first.
    block : mapping of str to int
        Length of a block along each dim that is cut; the other dims are whole in every block.
    variables : tuple of Variable
        The arrays.
    coords : mapping, optional
        Coordinates: a one-dimensional array, `(dims, values, attrs)`, or a DataArray. Descriptions of lazily computed
        coords (mappings with `compute`) are left out of the store and given back to `open_dataset`.
    attrs : mapping, optional
        Attributes of the dataset (provenance).
    start : mapping of str to int, optional
        Where this part begins along dims without a coordinate (`point`), for joining with other parts.
    """

    dims: Mapping[str, int]
    block: Mapping[str, int]
    variables: tuple[Variable, ...]
    coords: Mapping[str, Any] = field(default_factory=dict)
    attrs: Mapping[str, Any] = field(default_factory=dict)
    start: Mapping[str, int] = field(default_factory=dict)

    def __post_init__(self) -> None:
        object.__setattr__(self, "variables", tuple(self.variables))
        object.__setattr__(self, "dims", {str(d): int(n) for d, n in self.dims.items()})
        whole = {d: min(int(n), self.dims.get(d, 1)) for d, n in self.block.items()}
        object.__setattr__(self, "block", {d: whole[d] for d in [*self.dims, *whole] if d in whole})
        self._check()

    @property
    def grid(self) -> dict[str, int]:
        """How many blocks there are along each dim that is cut."""
        return {d: -(-self.dims[d] // n) for d, n in self.block.items()}

    @property
    def n_blocks(self) -> int:
        """How many blocks there are."""
        return math.prod(self.grid.values())

    def index(self, block: int) -> dict[str, int]:
        """Place of a block in the grid of blocks, row by row."""
        if not 0 <= block < self.n_blocks:
            raise errors.DataError(_WHERE, f"there is no block {block}", f"0 to {self.n_blocks - 1}")
        return dict(zip(self.grid, map(int, np.unravel_index(block, tuple(self.grid.values()))), strict=True))

    def number(self, index: Mapping[str, int]) -> int:
        """Number of the block at a place in the grid of blocks."""
        return int(np.ravel_multi_index([index[d] for d in self.grid], list(self.grid.values()))) if self.grid else 0

    def region(self, block: int) -> dict[str, slice]:
        """The cut of a block out of each blocked dim.

        >>> Template({"gNa": 5, "gK": 3}, {"gNa": 2, "gK": 3}, ()).region(2)
        {'gNa': slice(4, 5, None), 'gK': slice(0, 3, None)}
        """
        return {
            d: slice(i * self.block[d], min((i + 1) * self.block[d], self.dims[d]))
            for d, i in self.index(block).items()
        }

    def variable(self, name: str) -> Variable:
        """The variable of that name."""
        for variable in self.variables:
            if variable.name == name:
                return variable
        raise errors.unknown(_WHERE, "variable", name, [v.name for v in self.variables])

    def shape(self, variable: Variable) -> tuple[int, ...]:
        """Lengths of the whole array."""
        return tuple(self.dims[d] for d in variable.dims)

    def selection(self, variable: Variable, block: int) -> tuple[slice, ...]:
        """What of an array belongs to a block."""
        region = self.region(block)
        return tuple(region.get(d, slice(0, self.dims[d])) for d in variable.dims)

    def shard(self, variable: Variable) -> tuple[int, ...]:
        """Lengths of one file of the array: those of a block."""
        return tuple(max(1, self.block.get(d, self.dims[d])) for d in variable.dims)

    def key(self, variable: Variable, block: int) -> str:
        """Name of the file of a block inside the folder of its array."""
        place = self.index(block)
        return ".".join(["c", *(str(place.get(d, 0)) for d in variable.dims)])

    def block_of(self, variable: Variable, key: str) -> int | None:
        """Number of the block that a file belongs to; None when the name is that of no block."""
        numbers = key.split(".")[1:]
        if not key.startswith("c") or len(numbers) != len(variable.dims) or not all(n.isdecimal() for n in numbers):
            return None
        place = dict(zip(variable.dims, map(int, numbers), strict=True))
        if any(place.get(d, 0) >= n for d, n in self.grid.items()):
            return None
        return self.number({d: place.get(d, 0) for d in self.grid})

    def as_json(self) -> dict[str, Any]:
        """Everything but the coords, as JSON holds it."""
        return {
            "dims": [[d, n] for d, n in self.dims.items()],
            "block": dict(self.block),
            "variables": [
                {"name": v.name, "dims": list(v.dims), "dtype": v.dtype, "fill": _plain(v), "encoding": v.encoding}
                for v in self.variables
            ],
            "start": dict(self.start),
        }

    @classmethod
    def from_json(cls, text: Mapping[str, Any]) -> Template:
        """The template that `as_json` described, without attrs and coords."""
        variables = [
            Variable(
                v["name"],
                tuple(v["dims"]),
                v["dtype"],
                fill=float(v["fill"]) if isinstance(v["fill"], str) else v["fill"],
                encoding=v["encoding"],
            )
            for v in text["variables"]
        ]
        return cls(dict(text["dims"]), text["block"], tuple(variables), start=text["start"])

    def _check(self) -> None:
        names = [v.name for v in self.variables]
        if len(set(names)) < len(names) or set(names) & set(self.coords):
            raise errors.DataError(_WHERE, f"names are taken twice: {', '.join(_twice([*names, *self.coords]))}")
        if any(n < 1 for n in self.block.values()) or any(n < 0 for n in self.dims.values()):
            raise errors.DataError(_WHERE, f"lengths must be positive: dims {self.dims}, block {self.block}")
        if strange := [d for d in self.block if self.dims.get(d, 0) < 1]:
            raise errors.DataError(_WHERE, f"blocked dims {strange} have no length", [*self.dims])
        for variable in self.variables:
            self._check_dims(variable)

    def _check_dims(self, variable: Variable) -> None:
        if strange := [d for d in variable.dims if d not in self.dims]:
            raise errors.DataError(
                _WHERE, f"variable {variable.name!r} has dims {strange} without length", [*self.dims]
            )
        if len(set(variable.dims)) < len(variable.dims):
            raise errors.DataError(_WHERE, f"variable {variable.name!r} has a dim twice: {variable.dims}")
        if lacking := [d for d, n in self.grid.items() if n > 1 and d not in variable.dims]:
            raise errors.DataError(
                _WHERE,
                f"variable {variable.name!r} lacks the dims {lacking}, which are cut into blocks",
                mend="Blocks of it would be written by several tasks.",
            )


def no_value(dtype: np.dtype[Any], attrs: Mapping[str, Any] | None = None) -> Any:
    """What stands for "there is nothing" in an array of that dtype."""
    if dtype.kind in "fc":
        return np.nan
    if dtype.kind == "i":
        return -1
    if dtype.kind == "u":
        return 0 if "flag_values" in (attrs or {}) else np.iinfo(dtype).max
    return False


def spike_encoding(dt: float, duration: float, parts: int = 256) -> dict[str, Any]:
    """Encoding of spike times as integer ticks, which plain xarray decodes back to ms.

    Parameters
    ----------
    dt : float
        Time step, ms.
    duration : float
        Latest time that can occur, ms.
    parts : int, default 256
        Ticks in a step: the resolution of interpolated spike times is `dt/parts`.

    Returns
    -------
    dict
        `dtype`, `scale_factor` (ms), `_FillValue` for a `Variable` or for `xr.DataArray.encoding`.

    Examples
    --------
    >>> spike_encoding(0.025, 1000.0)
    {'dtype': 'int32', 'scale_factor': 9.765625e-05, '_FillValue': -1}
    """
    tick = dt / parts
    narrow = duration / tick < np.iinfo(np.int32).max
    return {"dtype": "int32" if narrow else "int64", "scale_factor": tick, "_FillValue": -1}


def inner_chunks(shard: tuple[int, ...], itemsize: int, target: int = _INNER) -> tuple[int, ...]:
    """Chunks that divide a shard evenly, for readers who want less than a block; first dims are cut first."""
    chunks = list(shard)
    for axis, length in enumerate(shard):
        parts = -(-math.prod(chunks) * itemsize // target)
        if parts <= 1:
            break
        chunks[axis] = length // _divisor(length, parts)
    return tuple(chunks)


def _divisor(length: int, parts: int) -> int:
    """The divisor of `length` nearest to `parts` in proportion."""
    small = [n for n in range(1, math.isqrt(length) + 1) if length % n == 0]
    return min({*small, *(length // n for n in small)}, key=lambda n: (abs(math.log(n / parts)), n))


def _fits(ticks: np.ndarray, dtype: np.dtype[Any]) -> bool:
    """Whether whole numbers held as floats fit an integer dtype, its extremes left free."""
    limits = np.iinfo(dtype)
    return bool(ticks.max() < limits.max and ticks.min() >= limits.min)


def _twice(names: Iterable[str]) -> list[str]:
    pool = list(names)
    return sorted({n for n in pool if pool.count(n) > 1})


def _plain(variable: Variable) -> Any:
    """The fill value as JSON holds it."""
    if variable.stored.kind == "c":
        return None
    fill = variable.missing.item()
    return str(fill) if isinstance(fill, float) else fill
