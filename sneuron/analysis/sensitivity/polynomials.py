"""Polynomials that are orthonormal under the distribution of a parameter, and which products of them to take."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt
import xarray as xr

from sneuron.analysis.marginals import Marginal, marginal_told

__all__ = ["Basis", "basis_of", "exponents"]

Floats = npt.NDArray[np.float64]

_FEW_VALUES = 64


@dataclass(frozen=True)
class Basis:
    """Orthonormal polynomials of one parameter, by their recurrence.

    Parameters
    ----------
    middle, spread : ndarray
        Coefficients a_k and b_k of x p_k = sqrt(b_(k+1)) p_(k+1) + a_k p_k + sqrt(b_k) p_(k-1).
    shift, scale : float
        x = (value - shift)/scale, before which `marginal`, where there is one, makes the value a share of probability.
    marginal : Marginal, optional
        The distribution, where polynomials are in its probability.
    """

    middle: Floats
    spread: Floats
    shift: float
    scale: float
    marginal: Marginal | None = None

    @property
    def degree(self) -> int:
        """The highest degree that there is."""
        return len(self.middle) - 1

    def at(self, values: Floats) -> Floats:
        """All polynomials at some values: value, degree."""
        share = values if self.marginal is None else self.marginal.unit(values)
        x = (share - self.shift) / self.scale
        found = np.ones((len(self.middle), len(x)))
        for k in range(self.degree):
            before = np.sqrt(self.spread[k]) * found[k - 1] if k else 0.0
            found[k + 1] = ((x - self.middle[k]) * found[k] - before) / np.sqrt(self.spread[k + 1])
        return found.T


def basis_of(coord: xr.DataArray, degree: int) -> Basis:
    """Polynomials for a parameter: Hermite for a normal one, Legendre in the probability for any other that was drawn,
    and for values that nothing is known of those under which these values are orthonormal.
    """
    marginal = marginal_told(coord.attrs)
    order = np.arange(degree + 1, dtype=np.float64)
    if marginal is not None and marginal.kind == "norm":
        low, high = marginal.values(np.array([0.15865525393145707, 0.8413447460685429]))
        return Basis(np.zeros(degree + 1), order, (low + high) / 2, (high - low) / 2)
    if marginal is not None and marginal.kind != "choice":
        legendre = np.where(order > 0, order**2 / (4 * order**2 - 1), 1.0)
        return Basis(np.zeros(degree + 1), legendre, 0.5, 0.5, marginal)
    held = np.asarray(coord.values if marginal is None else marginal.args, dtype=np.float64).ravel()
    values, counts = np.unique(held, return_counts=True)
    return _discrete(values, counts / counts.sum(), min(degree, len(values) - 1))


def _discrete(values: Floats, weights: Floats, degree: int) -> Basis:
    """Polynomials that are orthonormal on weighted values (Stieltjes' procedure)."""
    shift, scale = float(weights @ values), float(np.ptp(values)) / 2 or 1.0
    x = (values - shift) / scale
    middle, spread = np.zeros(degree + 1), np.ones(degree + 1)
    before, now = np.zeros(len(x)), np.ones(len(x))
    for k in range(degree + 1):
        middle[k] = weights @ (x * now * now)
        after = (x - middle[k]) * now - (np.sqrt(spread[k]) * before if k else 0.0)
        if k < degree:
            spread[k + 1] = weights @ (after * after)
            before, now = now, after / np.sqrt(spread[k + 1])
    return Basis(middle, spread, shift, scale)


def exponents(limits: list[int], degree: int, most: int, norm: float) -> list[tuple[int, ...]]:
    """Which degrees each product has in each parameter: all with a q-norm up to the largest degree that `most` allow.

    Blatman & Sudret 2011, doi:10.1016/j.jcp.2010.12.021. The constant comes first.

    >>> exponents([9, 9], 2, 100, 1.0)
    [(0, 0), (0, 1), (1, 0), (0, 2), (1, 1), (2, 0)]
    """
    found = [(0,) * len(limits)]
    for top in range(1, degree + 1):
        larger = []
        for exponent in _within(limits, top**norm * (1 + 1e-12), norm):
            larger.append(exponent)
            if len(larger) > most:
                return found
        found = sorted(larger, key=lambda e: (sum(e), e))
    return found


def _within(limits: list[int], room: float, norm: float) -> Iterator[tuple[int, ...]]:
    """All exponents whose powers of `norm` have room together."""
    if not limits:
        yield ()
        return
    for first in range(limits[0] + 1):
        left = room - first**norm
        if left < 0:
            return
        for rest in _within(limits[1:], left, norm):
            yield (first, *rest)
