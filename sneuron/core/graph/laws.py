"""Laws of weights and delays: constant, drawn, by distance, or as given."""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from sneuron.core.graph.rule import Argument, refused
from sneuron.registry import Registry

__all__ = ["Law", "laws"]

Array = NDArray[Any]


@dataclass(frozen=True)
class Law:
    """How values of synapses come about.

    Parameters
    ----------
    name : str
    make : callable
        `make(uniform, distance, **parameters)` gives the values, or one for all synapses.
    arguments : mapping of str to Argument
    drawn, spatial : bool
        Whether it takes numbers in (0, 1), and distances (um).
    """

    name: str
    make: Callable[..., Any]
    arguments: Mapping[str, Argument]
    drawn: bool = False
    spatial: bool = False

    @property
    def varies(self) -> bool:
        """Whether each synapse has a value of its own."""
        return self.drawn or self.spatial or self.name == "given"


laws: Registry[Law] = Registry("law", None, lambda x: isinstance(x, Law), lambda x: x.name)


def law(drawn: bool = False, spatial: bool = False, **arguments: Argument) -> Callable[[Callable[..., Any]], Law]:
    """A function as a law of its name."""

    def made(make: Callable[..., Any]) -> Law:
        return laws.add(Law(make.__name__, make, arguments, drawn, spatial))

    return made


@law(value=Argument(unit=""))
def constant(uniform: None, distance: None, value: float) -> float:
    """The same for all."""
    return value


@law(values=Argument(unit="", dims=("synapse",)))
def given(uniform: None, distance: None, values: Array) -> Array:
    """Those of a graph that is known."""
    return values


@law(
    drawn=True,
    mean=Argument(unit=""),
    std=Argument(unit="", low=0),
    low=Argument(unit="", default=-math.inf),
    high=Argument(unit="", default=math.inf),
    step=Argument(unit="", low=0, default=0, note="values are rounded to multiples of it"),
)
def normal(uniform: Array, distance: None, mean: float, std: float, low: float, high: float, step: float) -> Any:
    """Normal, cut off at `low` and `high` (then mean and std are those before the cut), rounded to a `step` if any."""
    from scipy.special import ndtr, ndtri

    if not low < high:
        raise refused("low", f"bounds from {low:g} to {high:g} leave nothing", "low below high")
    if std == 0.0:
        return np.full(uniform.shape, min(max(mean, low), high))
    below, above = ndtr((low - mean) / std), ndtr((high - mean) / std)
    if not above - below > 1e-9:
        raise refused("low", f"{low:g} to {high:g} is too far from a mean of {mean:g} with std {std:g}")
    values = np.clip(mean + std * ndtri(below + uniform * (above - below)), low, high)
    return np.rint(values / step) * step if step else values


@law(drawn=True, mean=Argument(unit=""), sigma=Argument(low=0, note="standard deviation of the logarithm"))
def lognormal(uniform: Array, distance: None, mean: float, sigma: float) -> Any:
    """Lognormal of that mean, mirrored when it is negative; the median is mean exp(-sigma^2/2)."""
    from scipy.special import ndtri

    return mean * np.exp(sigma * ndtri(uniform) - 0.5 * sigma**2)


@law(drawn=True, low=Argument(unit=""), high=Argument(unit=""))
def uniform(uniform: Array, distance: None, low: float, high: float) -> Any:
    """Evenly between two values."""
    if low > high:
        raise refused("low", f"from {low:g} to {high:g}", "low up to high")
    return low + uniform * (high - low)


@law(
    spatial=True,
    peak=Argument(unit=""),
    base=Argument(unit="", default=0),
    scale=Argument(unit="um", low=1e-9, note="standard deviation of the profile"),
)
def gaussian(uniform: None, distance: Array, peak: float, base: float, scale: float) -> Any:
    """By distance: base + (peak - base) exp(-distance^2/(2 scale^2))."""
    return base + (peak - base) * np.exp(-0.5 * (distance / scale) ** 2)


@law(
    spatial=True,
    velocity=Argument(unit="m/s", low=1e-9, note="of the spike along its axon"),
    offset=Argument(unit="", low=0, default=0, note="time of the synapse itself"),
)
def distance(uniform: None, distance: Array, velocity: float, offset: float) -> Any:
    """The time (ms) that a spike takes along a straight line (um), after an offset."""
    return offset + distance / (velocity * 1e3)
