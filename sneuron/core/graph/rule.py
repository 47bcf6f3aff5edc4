"""What a rule of connection, or a law of weights and delays, is; and the registry of rules."""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Any

import numpy as np
from numpy.typing import NDArray

from sneuron import errors
from sneuron.registry import Registry

__all__ = ["Argument", "Edges", "Place", "Positions", "Rule", "refused", "rule", "rules"]

Array = NDArray[Any]
Edges = tuple[Array, Array]
"""Numbers of the pre- and of the postsynaptic neurons, int32, one pair a synapse."""


@dataclass(frozen=True)
class Argument:
    """A parameter of a rule or law.

    Parameters
    ----------
    unit : str
        Its unit; "" for that of the weights or delays.
    low, high : float
        Bounds, both included.
    default : float or None
        None when it must be given.
    whole : bool
        Whether it is a whole number.
    dims : tuple of str
        Dims of one value, for parameters that are no single number.
    note : str
        What it is.
    """

    unit: str = "1"
    low: float = -math.inf
    high: float = math.inf
    default: float | None = None
    whole: bool = False
    dims: tuple[str, ...] = ()
    note: str = ""


@dataclass(frozen=True)
class Positions:
    """Where neurons are (um): rows of coordinates, and the length after which space begins again (inf: never)."""

    pre: Array
    post: Array
    period: float = math.inf


@dataclass(frozen=True)
class Place:
    """Between which neurons a rule connects.

    Parameters
    ----------
    pre, post : int
        How many neurons send, and receive.
    same : bool
        Whether they are the same ones.
    autapses, multapses : bool
        Whether a neuron may connect to itself, and a pair more than once.
    key : int
        Key of the random numbers.
    positions : Positions or None
    """

    pre: int
    post: int
    same: bool
    autapses: bool
    multapses: bool
    key: np.uint64
    positions: Positions | None = None

    @property
    def own(self) -> bool:
        """Whether a neuron must be kept from itself."""
        return self.same and not self.autapses

    @property
    def pairs(self) -> int:
        """How many pairs there are."""
        return self.pre * self.post - (self.pre if self.own else 0)


@dataclass(frozen=True)
class Rule:
    """A way to connect.

    Parameters
    ----------
    name : str
    make : callable
        `make(place, **parameters)` gives the edges, in any order.
    expected : callable
        `expected(place, **parameters)` gives how many there will be about, or raises when there can be none such.
    arguments : mapping of str to Argument
    two : bool
        Whether it connects two populations too.
    multapses : bool
        Whether it can make multapses.
    spatial : bool
        Whether it needs positions.
    source : str
    """

    name: str
    make: Callable[..., Edges]
    expected: Callable[..., float]
    arguments: Mapping[str, Argument] = field(default_factory=dict)
    two: bool = True
    multapses: bool = False
    spatial: bool = False
    source: str = ""


rules: Registry[Rule] = Registry(
    "rule", "sneuron.core.graph.rules", lambda x: isinstance(x, Rule), lambda r: r.name
)  # fmt: skip


def rule(
    expected: Callable[..., float], *, two: bool = True, multapses: bool = False, spatial: bool = False,
    source: str = "", **arguments: Argument,
) -> Callable[[Callable[..., Edges]], Rule]:  # fmt: skip
    """A function as a rule of its name."""

    def made(make: Callable[..., Edges]) -> Rule:
        return Rule(make.__name__, make, expected, arguments, two, multapses, spatial, source)

    return made


def refused(name: str, given: str, possible: str = "", mend: str = "") -> errors.ParameterError:
    """The error for a parameter of ConnMat."""
    return errors.ParameterError(f"ConnMat: {name!r}", given, possible or None, None, mend or None)
