"""Distributions of single parameters: what a design draws from, and what an analysis must know of it."""

from __future__ import annotations

import functools
import json
import math
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np
import numpy.typing as npt

from sneuron import errors

__all__ = ["DISTRIBUTION", "Marginal", "marginal_of", "marginal_told"]

Floats = npt.NDArray[np.float64]

DISTRIBUTION = "distribution"
"""Attribute of a parameter's coordinate that says what it was drawn from, as JSON."""

_ELEMENTS = 512
_UNBOUNDED = {"norm": 1.0, "expon": 4.0, "laplace": 2.0}
"""Poincare constants of distributions without ends, in units of the variance."""


@dataclass(frozen=True)
class Marginal:
    """How a coordinate in (0, 1) becomes a value: `uniform`, `log`, `choice`, or a distribution of scipy.stats."""

    kind: str
    args: tuple[float, ...] = ()
    kwds: tuple[tuple[str, float], ...] = ()

    def values(self, unit: Floats) -> Floats:
        """The values at the coordinates `unit`."""
        if self.kind == "uniform":
            return self.args[0] + (self.args[1] - self.args[0]) * unit
        if self.kind == "log":
            return self.args[0] * np.power(self.args[1] / self.args[0], unit)
        if self.kind == "choice":
            return np.array(self.args)[np.minimum((unit * len(self.args)).astype(np.int64), len(self.args) - 1)]
        return np.asarray(_frozen(self.kind, self.args, self.kwds).ppf(unit), dtype=np.float64)

    def unit(self, values: Floats) -> Floats:
        """The coordinates in [0, 1] of values; of a choice, the middle of its share."""
        if self.kind == "uniform":
            return (values - self.args[0]) / (self.args[1] - self.args[0])
        if self.kind == "log":
            return np.asarray(np.log(values / self.args[0]) / math.log(self.args[1] / self.args[0]))
        if self.kind == "choice":
            order = np.argsort(self.args, kind="stable")
            place = order[np.searchsorted(np.array(self.args)[order], values).clip(max=len(order) - 1)]
            return np.asarray((place + 0.5) / len(order))
        return np.asarray(_frozen(self.kind, self.args, self.kwds).cdf(values), dtype=np.float64)

    def support(self) -> tuple[float, float]:
        """Lowest and highest value that can come out."""
        if self.kind in ("uniform", "log", "choice"):
            return min(self.args), max(self.args)
        low, high = _frozen(self.kind, self.args, self.kwds).support()
        return float(low), float(high)

    @property
    def bounded(self) -> bool:
        """Whether it has two ends."""
        return all(map(math.isfinite, self.support()))

    def poincare(self) -> float:
        r"""The smallest C with Var g(X) <= C E[g'(X)^2] for every g; NaN where none is known.

        (b - a)^2/pi^2 for a uniform one; with two ends the second eigenvalue of a finite-element problem; of
        distributions without ends the normal, exponential and Laplace ones are known.
        Roustant, Barthe & Iooss 2017, doi:10.1214/17-EJS1310.

        >>> round(Marginal("uniform", (0.0, math.pi)).poincare(), 12)
        1.0
        """
        if self.kind == "choice":
            return math.nan
        if self.kind == "uniform":
            return (self.args[1] - self.args[0]) ** 2 / math.pi**2
        if self.bounded:
            return _spectral(self)
        return _UNBOUNDED.get(self.kind, math.nan) * float(_frozen(self.kind, self.args, self.kwds).var())

    def to_json(self) -> dict[str, Any]:
        """Plain data."""
        return {"kind": self.kind, "args": list(self.args), "kwds": dict(self.kwds)}

    def text(self) -> str:
        """The plain data as one JSON text: the attribute `distribution` of a coordinate."""
        return json.dumps(self.to_json())

    @classmethod
    def from_json(cls, data: Mapping[str, Any]) -> Marginal:
        """The inverse of `to_json`."""
        return cls(str(data["kind"]), tuple(data["args"]), tuple(sorted(data["kwds"].items())))


def marginal_told(attrs: Mapping[Any, Any]) -> Marginal | None:
    """What the attributes of a coordinate say it was drawn from; None when they say nothing."""
    text = attrs.get(DISTRIBUTION)
    return None if text is None else Marginal.from_json(json.loads(str(text)))


def marginal_of(frozen: Any, where: str) -> Marginal:
    """The marginal of a frozen distribution of scipy.stats, checked to be one that can be written down."""
    name = frozen.dist.name
    try:
        args = tuple(float(a) for a in frozen.args)
        kwds = tuple(sorted((str(k), float(v)) for k, v in frozen.kwds.items()))
        _frozen(name, args, kwds).ppf(0.5)
    except (TypeError, ValueError, AttributeError) as cause:
        raise errors.ParameterError(
            where,
            f"the distribution {name!r} with these arguments cannot be written down",
            mend="Use a continuous one of scipy.stats.",
        ) from cause
    return Marginal(name, args, kwds)


@functools.lru_cache(maxsize=256)
def _frozen(name: str, args: tuple[float, ...], kwds: tuple[tuple[str, float], ...]) -> Any:
    import scipy.stats

    family = getattr(scipy.stats, name)
    if not isinstance(family, scipy.stats.rv_continuous):
        raise TypeError(f"{name} is no continuous distribution")
    return family(*args, **dict(kwds))


@functools.lru_cache(maxsize=256)
def _spectral(marginal: Marginal) -> float:
    """Poincare constant on an interval: 1/(first eigenvalue above 0) of -(p g')' = lambda p g with g' = 0 at ends."""
    from scipy.linalg import eigh

    low, high = marginal.support()
    nodes = np.linspace(low, high, _ELEMENTS + 1)
    share, width = np.diff(marginal.unit(nodes)), np.diff(nodes)
    stiff, heavy = share / width**2, share / 6.0
    own = np.concatenate([[0.0], stiff]) + np.concatenate([stiff, [0.0]])
    mass = 2 * (np.concatenate([[0.0], heavy]) + np.concatenate([heavy, [0.0]])) + np.finfo(float).tiny
    left = np.diag(own) - np.diag(stiff, 1) - np.diag(stiff, -1)
    right = np.diag(mass) + np.diag(heavy, 1) + np.diag(heavy, -1)
    try:
        return float(1.0 / eigh(left, right, eigvals_only=True, subset_by_index=[1, 1])[0])
    except np.linalg.LinAlgError:  # the density is nought on a whole element
        return math.nan
