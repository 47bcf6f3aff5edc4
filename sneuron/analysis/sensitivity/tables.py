"""Points of any sample sorted into slices of a parameter: counts and sums, in groups that check each other."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt
import xarray as xr

from sneuron.analysis.marginals import Marginal, marginal_told
from sneuron.analysis.sensitivity import walk
from sneuron.lang.keys import philox

__all__ = ["FOLDS", "Slices", "edges_of", "folds_of", "pilot", "portions", "slices_of", "table_of"]

Floats = npt.NDArray[np.float64]
Index = npt.NDArray[np.int64]

FOLDS = 8
"""Groups into which the points fall at random, by their numbers."""

_FOLD, _PILOT = 0x5E4500F0, 0x5E4500F1
_MANY = 4096
_ROOM = 1 << 27


@dataclass(frozen=True)
class Slices:
    """How the values of a parameter fall into slices that are equally probable, or into its few values.

    Parameters
    ----------
    many : int
        How many.
    marginal : Marginal, optional
        What the parameter was drawn from.
    edges : ndarray
        Inner edges, or the values themselves.
    exact : bool
        Whether `edges` are the values.
    """

    many: int
    marginal: Marginal | None
    edges: Floats
    exact: bool

    def place(self, values: Floats) -> tuple[Index, Floats]:
        """The slice of each value, and where in it the value lies (-1/2 to 1/2)."""
        if self.exact:
            return np.searchsorted(self.edges, values).clip(max=self.many - 1), np.zeros(values.shape)
        if self.marginal is not None:
            scaled = np.clip(self.marginal.unit(values), 0.0, 1.0) * self.many
            number = np.minimum(scaled.astype(np.int64), self.many - 1)
            return number, scaled - number - 0.5
        number = np.searchsorted(self.edges[1:-1], values, side="right")
        low, high = self.edges[number], self.edges[number + 1]
        return number, (values - low) / np.where(high > low, high - low, 1.0) - 0.5


def slices_of(coord: xr.DataArray, many: int) -> Slices:
    """Slices of a parameter: its values where it has few, else by its distribution, else by what values there are."""
    marginal = marginal_told(coord.attrs)
    if marginal is not None and marginal.kind == "choice":
        values = np.unique(marginal.args)
        return Slices(len(values), None, values, True)
    if marginal is not None:
        return Slices(many, marginal, np.empty(0), False)
    held = np.asarray(coord.values, dtype=np.float64).ravel()
    values = np.unique(held)
    if len(values) <= 2 * many:
        return Slices(len(values), None, values, True)
    return Slices(many, None, np.quantile(held, np.linspace(0, 1, many + 1)), False)


def folds_of(number: npt.NDArray[np.uint64], many: int = FOLDS) -> Index:
    """The group of each point, at random by its number: the same in any order and any chunk."""
    word, _ = philox(number, _FOLD, 0)
    return (word % np.uint64(many)).astype(np.int64)


def pilot(data: xr.Dataset, name: str, names: Sequence[str]) -> tuple[Floats, Index, npt.NDArray[np.bool_]]:
    """The output at some thousand points, chosen at random by their numbers; of each element how many numbers it has at
    all points, and whether they are all the same.
    """
    every = np.uint64(max(1, walk.count(data, names) // _MANY))
    chosen, counts, least, most = [], [], [], []
    for _, y, number in walk.points(data, name, names):
        word, _ = philox(number, _PILOT, 0)
        chosen.append(y[word % every == 0])
        lacking = np.isnan(y)
        counts.append((~lacking).sum(axis=0))
        least.append(np.where(lacking, np.inf, y).min(axis=0))
        most.append(np.where(lacking, -np.inf, y).max(axis=0))
    return np.concatenate(chosen), np.sum(counts, axis=0), np.min(least, axis=0) >= np.max(most, axis=0)


def edges_of(values: Floats, bins: int) -> list[Floats]:
    """For each element, upper ends of bins that are about equally probable; the values where these are few."""
    found = []
    for column in values.T:
        own = column[~np.isnan(column)]
        levels = np.arange(1, bins) / bins
        found.append(np.unique(np.quantile(own, levels, method="inverted_cdf")) if own.size else np.empty(0))
    return found


def table_of(
    number: Index, fold: Index, y: Floats, edges: Sequence[Floats], many: int, bins: int, folds: int = FOLDS
) -> Floats:
    """Counts by group, slice, bin and element."""
    table = np.zeros((folds, many, bins, y.shape[1]))
    for k, column in enumerate(y.T):
        good = ~np.isnan(column)
        place = np.searchsorted(edges[k], column[good], side="left")
        flat = (fold[good] * many + number[good]) * bins + place
        table[..., k] = np.bincount(flat, minlength=folds * many * bins).reshape(folds, many, bins)
    return table


def portions(
    data: xr.Dataset, name: str, names: Sequence[str], each: float, folds: int = FOLDS
) -> Iterator[tuple[slice, Iterator[tuple[dict[str, Floats], Floats, Index]]]]:
    """Portions of the elements of an output, and for each of them all points: parameters, output, groups.

    The sums that are kept of a portion, `each` numbers an element, have room in memory.
    """
    elements = walk.elements(data, name, names)
    step = max(1, int(_ROOM / (8 * each)))
    for start in range(0, elements, step):
        portion = slice(start, min(elements, start + step))
        steps = ((own, y[:, portion], folds_of(k, folds)) for own, y, k in walk.points(data, name, names))
        yield portion, steps
