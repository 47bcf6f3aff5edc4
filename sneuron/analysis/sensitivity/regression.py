"""Regression from normal equations: which terms, in the order of least angle regression, and their coefficients."""

from __future__ import annotations

from dataclasses import dataclass, field

import numpy as np
import numpy.typing as npt

__all__ = ["best_subset", "fitted"]

Floats = npt.NDArray[np.float64]

_MOST_STEPS = 150
_PATIENCE = 15
_NOTHING_NEW = 1e-10


def fitted(gram: Floats, cross: Floats, chosen: list[int]) -> Floats:
    """Coefficients of the chosen terms by least squares; terms that say the same share theirs."""
    own = gram[np.ix_(chosen, chosen)]
    scale = np.sqrt(np.diag(own))
    scale = np.where(scale > 0, scale, 1.0)
    whole = own / np.outer(scale, scale)
    try:
        return np.asarray(np.linalg.solve(whole, cross[chosen] / scale) / scale)
    except np.linalg.LinAlgError:
        return np.asarray(np.linalg.lstsq(whole, cross[chosen] / scale)[0] / scale)


def best_subset(gram: Floats, cross: Floats, square: float, every: bool = False) -> tuple[list[int], float]:
    """The terms that predict best, and the share of variance that they do not predict.

    Terms enter in the order of least angle regression (Efron et al. 2004, doi:10.1214/009053604000000067); for each
    number of them there is a fit by least squares, and an error that is corrected for that number.

    Parameters
    ----------
    gram, cross, square : ndarray, ndarray, float
        Products of terms with terms, with the output, and of the output with itself, summed over points; the first term
        is the constant.
    every : bool
        Take all terms.
    """
    path = _Path(gram, cross, square)
    if every:
        return path.all()
    best, least, since = [0], 1.0, 0
    while since <= _PATIENCE and path.goes_on():
        error = path.error()
        since = 0 if error < least else since + 1
        best, least = ([0, *(k + 1 for k in path.active)], error) if error < least else (best, least)
    return best, least


@dataclass
class _Path:
    """Least angle regression, step by step; of terms without their means, scaled to a spread of one."""

    gram: Floats
    cross: Floats
    square: float
    active: list[int] = field(default_factory=list)

    def __post_init__(self) -> None:
        self.points = points = float(self.gram[0, 0])
        mean = self.gram[0, 1:] / points
        between = self.gram[1:, 1:] / points - np.outer(mean, mean)
        scale = np.sqrt(np.maximum(np.diag(between), 0.0))
        self.waiting = scale > 1e-7
        scale = np.where(self.waiting, scale, 1.0)
        self.between = between / np.outer(scale, scale)
        self.with_output = (self.cross[1:] / points - mean * self.cross[0] / points) / scale * self.waiting
        self.left = self.with_output.copy()
        self.around = self.square / points - (float(self.cross[0]) / points) ** 2
        self.mean, self.scale = mean / scale, scale
        self.inverse = np.zeros((0, 0))

    def goes_on(self) -> bool:
        """Take one more term; False when there is none."""
        limit = min(_MOST_STEPS, int(self.points) - 2)
        while self.waiting.any() and len(self.active) < limit:
            new = int(np.argmax(np.where(self.waiting, np.abs(self.left), -1.0)))
            self.waiting[new] = False
            if self._border(new):
                self._walk()
                return True
        return False

    def error(self) -> float:
        """The share of variance that the active terms do not predict, corrected for their number."""
        own = self.with_output[self.active]
        explained = float(_times(self.inverse, own) @ own)
        return self._corrected(explained, self.inverse, self.active)

    def all(self) -> tuple[list[int], float]:
        """Every term, and what it does not predict."""
        terms = [int(k) for k in np.flatnonzero(self.waiting)]
        inverse = np.linalg.pinv(self.between[np.ix_(terms, terms)], hermitian=True)
        own = self.with_output[terms]
        return [0, *(k + 1 for k in terms)], self._corrected(float(own @ inverse @ own), inverse, terms)

    def _corrected(self, explained: float, inverse: Floats, terms: list[int]) -> float:
        """Chapelle, Vapnik & Bengio 2002, doi:10.1023/A:1013943418833."""
        size = len(terms) + 1
        if size >= self.points:
            return np.inf
        mean = self.mean[terms]
        trace = 1.0 + float(mean @ _times(inverse, mean)) + float((np.diag(inverse) / self.scale[terms] ** 2).sum())
        rest = max(1.0 - explained / self.around, 0.0)
        return float(rest * (1 + trace / self.points) / (1 - size / self.points))

    def _border(self, new: int) -> bool:
        """Add a row and a column to the inverse; False for a term that the others hold already."""
        column = self.between[self.active, new]
        along = _times(self.inverse, column)
        rest = float(self.between[new, new] - column @ along)
        if rest < _NOTHING_NEW:
            return False
        size = len(self.active)
        found = np.empty((size + 1, size + 1))
        found[:size, :size] = self.inverse + np.outer(along, along) / rest
        found[size, :size] = found[:size, size] = -along / rest
        found[size, size] = 1.0 / rest
        self.inverse = found
        self.active.append(new)
        return True

    def _walk(self) -> None:
        """Go on until another term has as large a correlation."""
        sign = np.sign(self.left[self.active])
        towards = _times(self.inverse, sign)
        length = 1.0 / np.sqrt(max(float(towards @ sign), 1e-300))
        along = _times(self.between[:, self.active], length * towards)
        most = float(np.abs(self.left[self.active]).max())
        with np.errstate(divide="ignore", invalid="ignore"):
            ends = np.concatenate([(most - self.left) / (length - along), (most + self.left) / (length + along)])
        possible = ends[np.tile(self.waiting, 2) & (ends > 1e-14)]
        self.left = self.left - along * (float(possible.min()) if possible.size else most / length)


def _times(matrix: Floats, vector: Floats) -> Floats:
    """A product that starts no threads, which cost more than it."""
    return np.asarray(np.einsum("ij,j->i", matrix, vector))
