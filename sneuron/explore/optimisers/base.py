"""What a way to search is: it asks for batches of points, is told what came of them, and knows nothing else.

An optimiser works in the unit cube; what a coordinate stands for is decided outside. It draws from generators that are
made of its seed alone, so that the same answers lead to the same questions: a search that was interrupted goes on by
being told again what is stored.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Any, Protocol

import numpy as np
import numpy.typing as npt

from sneuron import errors
from sneuron.explore import samplers
from sneuron.registry import Registry

__all__ = ["Floats", "Method", "Optimiser", "Sample", "Setting", "Told", "generator", "methods", "scattered"]

Floats = npt.NDArray[np.float64]
Index = npt.NDArray[np.int64]


@dataclass(frozen=True)
class Setting:
    """What a search is given.

    Parameters
    ----------
    params : int
        Coordinates of a point.
    batch : int
        Points that are asked for at a time.
    starts : int
        Searches that go on side by side; each asks for an equal share of the batch.
    seed : int
        Key of all random numbers.
    options : mapping
        What else this way of searching takes.
    """

    params: int
    batch: int
    starts: int
    seed: int
    options: Mapping[str, Any] = field(default_factory=dict)

    @property
    def share(self) -> int:
        """Points that each of the searches asks for at a time."""
        return self.batch // self.starts


@dataclass(frozen=True)
class Told:
    """What came of a batch of points.

    Parameters
    ----------
    unit : array (batch, params)
        The points.
    losses : array (batch, objectives)
        What is to be small; infinite for points that failed.
    offsets : array (batch, outputs) or None
        Signed deviations of all that is compared, in units of their scale; NaN for points that failed.
    slopes : array (batch, params) or None
        The derivative of the loss by each coordinate, where it is known.
    curvatures : array (batch, params, params) or None
        The second derivatives in the approximation of Gauss and Newton.
    """

    unit: Floats
    losses: Floats
    offsets: Floats | None = None
    slopes: Floats | None = None
    curvatures: Floats | None = None

    @property
    def total(self) -> Floats:
        """One loss a point."""
        return np.asarray(self.losses.sum(axis=1))


@dataclass(frozen=True)
class Sample:
    """What a method that samples the posterior has come to.

    Parameters
    ----------
    unit : array (sample, params)
        The samples, in the unit cube.
    weight : array (sample)
        Their weights, which add up to 1.
    rows : array of int or None
        Which evaluations they are, where they are evaluations.
    density : array (sample) or None
        The logarithm of the density, where it is known.
    limit : float
        How near to the data they are.
    """

    unit: Floats
    weight: Floats
    rows: Index | None = None
    density: Floats | None = None
    limit: float = np.nan


class Optimiser(Protocol):
    """A search that goes on."""

    start: Index
    """Which of the searches asked for each point of the last batch."""

    done: bool
    """Whether nothing better can come."""

    def ask(self) -> Floats:
        """The next batch, in the unit cube."""

    def tell(self, told: Told) -> None:
        """Learn what came of the last batch."""


@dataclass(frozen=True)
class Method:
    """A way to search.

    Parameters
    ----------
    name : str
        Its name.
    make : callable
        An optimiser of a setting.
    note : str
        What it is good for.
    options : mapping of str to value
        What it takes, with defaults.
    slopes : bool
        Whether it needs derivatives.
    many : bool
        Whether it keeps several objectives apart; others add them.
    prior : bool
        Whether ranges may be distributions without ends, of which it samples.
    apart : bool
        Whether it runs several searches side by side.
    signed : bool
        Whether it wants the deviations of all that is compared, with their signs.
    """

    name: str
    make: Callable[[Setting], Optimiser]
    note: str
    options: Mapping[str, Any] = field(default_factory=dict)
    slopes: bool = False
    many: bool = False
    prior: bool = False
    apart: bool = True
    signed: bool = False

    def optimiser(self, setting: Setting) -> Optimiser:
        """A search, from its beginning.

        Raises
        ------
        UnknownNameError
            An option that there is not.
        """
        for option in setting.options:
            if option not in self.options:
                raise errors.unknown(f"method {self.name!r}", "option", option, self.options)
        full = {**self.options, **setting.options}
        return self.make(Setting(setting.params, setting.batch, setting.starts, setting.seed, full))


methods: Registry[Method] = Registry(
    "optimiser", "sneuron.explore.optimisers", lambda thing: isinstance(thing, Method), lambda thing: thing.name
)
"""Every way to search by name; packages add theirs through the entry-point group `sneuron.optimiser`."""


def generator(seed: int, *stream: int) -> np.random.Generator:
    """Random numbers of a seed and of what they are for."""
    return np.random.Generator(np.random.Philox(np.random.SeedSequence([seed, *stream])))


def scattered(first: int, many: int, params: int, seed: int) -> Floats:
    """Points numbered from `first` of a scrambled Sobol sequence in the unit cube."""
    index = np.arange(first, first + many, dtype=np.uint64)
    return np.stack([samplers.draw("sobol", index, k, params, 0, seed, True) for k in range(params)], axis=1)
