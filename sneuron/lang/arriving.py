"""What arrives at a neuron in a step: spikes of the network, and from outside; what couplings add to parameters.

The number of spikes from outside is that of a Poisson process: one random number is compared with the chances that
there are more than 0, 1, 2, ... of them, which are computed once.  Where more are expected than `MEAN`, the number is
the sum of several, each of a mean up to that; those that a neuron does not need are 0, so that its bits do not depend
on what others need.
"""

from __future__ import annotations

import math
import zlib

import sympy as sp

from sneuron.lang.assignments import DT, Draw, Program
from sneuron.lang.expr import numpy_value
from sneuron.lang.functions import expm1, maximum, minimum, where
from sneuron.lang.model import Model
from sneuron.lang.receptors import summed

__all__ = ["MEAN", "Arriving", "most_of", "usual"]

MEAN = 16.0
"""Spikes that one random number stands for at most, in the mean; above, several are drawn."""

PART = 8
"""Comparisons in one line of generated code."""

RARE = 2.0**-33
"""A chance that is as good as none: smaller than half of what a random number can tell."""


def most_of(mean: float) -> tuple[int, int]:
    """Of how many random numbers the spikes of a step are the sum, and how many comparisons each takes.

    Chances beyond the last comparison are as good as none.

    >>> most_of(2.0), most_of(40.0)
    ((1, 16), (3, 48))
    """
    many, mean = max(1, math.ceil(mean / MEAN)), min(mean, MEAN)
    chance, k, left = math.exp(-mean), 0, -math.expm1(-mean)
    while left > RARE:
        k += 1
        chance *= mean / k
        left -= chance
    return many, -(-k // 4) * 4


def usual(model: Model) -> tuple[tuple[int, int], ...]:
    """How the spikes from outside are drawn at the default parameters and step of a model."""
    known = {name: param.value for name, param in model.params.items()}
    return tuple(most_of(float(numpy_value(d.rate, known)) * model.dt) for d in model.drives.values())


class Arriving:
    """Expressions of what arrives.

    Parameters
    ----------
    model : Model
    network : bool
        Whether spikes of other neurons arrive.
    most : tuple of (int, int)
        For each drive, by name: of how many random numbers its spikes are the sum, and how many comparisons each takes.
    """

    def __init__(self, model: Model, network: bool, most: tuple[tuple[int, int], ...] = ()) -> None:
        self.model, self.network = model, network
        self.most = dict(zip(model.drives, most, strict=True)) if most else {}
        self.ports: dict[str, sp.Expr] = {}
        self.sums: dict[sp.Symbol, sp.Symbol] = {}

    def into(self, made: Program) -> None:
        """Name what arrives at each receptor, and what couplings bring."""
        if not self.network and not self.most:
            return
        for key in self.model.receptors:
            parts = [self._counted(name, made) for name, d in self.model.drives.items() if d.receptor == key]
            if self.network:
                made.ports[key] = f"_in_{key}"
                parts.append(_symbol(made.ports[key]))
            self.ports[key] = sp.Add(*parts)
        for x in summed(self.model.couplings) if self.network else ():
            made.ports[x] = f"_in_{x}"
            made.steps[f"_sum_{x}"] = _symbol(x) + _symbol(made.ports[x])
            self.sums[_symbol(x)] = _symbol(f"_sum_{x}")

    def at(self, x: str) -> sp.Expr:
        """What is added to a state."""
        receptors = self.model.receptors
        return sp.Add(
            *(receptors[key].adds[x] * total for key, total in self.ports.items() if x in receptors[key].adds)
        )

    def _counted(self, name: str, made: Program) -> sp.Expr:
        """Spikes of one drive, times their weight."""
        if name not in self.most:
            return sp.S.Zero
        drive, (many, terms) = self.model.drives[name], self.most[name]
        count: list[sp.Expr] = []
        for k in range(many):
            mean = drive.rate * DT - k * sp.Float(MEAN) if k else drive.rate * DT
            chances = self._chances(f"{name}_{k}", minimum(maximum(mean, sp.S.Zero), sp.Float(MEAN)), terms, made)
            draw = Draw(f"_drive_{name}_{k}", zlib.crc32(f"drive {name} {k}".encode()), normal=False)
            made.draws.append(draw)
            count += [where(sp.Lt(_symbol(draw.name), c), sp.S.One, sp.S.Zero) for c in chances]
        parts = [f"_part_{name}_{k}" for k in range(0, len(count), PART)]
        for k, part in enumerate(parts):
            made.steps[part] = sp.Add(*count[k * PART : (k + 1) * PART])
        made.steps[f"_count_{name}"] = sp.Add(*map(_symbol, parts))
        return drive.weight * _symbol(f"_count_{name}")

    def _chances(self, name: str, mean: sp.Expr, terms: int, made: Program) -> list[sp.Symbol]:
        """The chances of more than 0, 1, 2, ... spikes."""
        stem, found = f"_more_{name}", []
        made.steps[f"{stem}_mean"] = mean
        m = _symbol(f"{stem}_mean")
        chance, left = sp.exp(-m), -expm1(-m)
        for k in range(terms):
            made.steps[f"{stem}_{k}"] = left
            found.append(_symbol(f"{stem}_{k}"))
            made.steps[f"{stem}_p{k + 1}"] = chance * m / (k + 1)
            chance = _symbol(f"{stem}_p{k + 1}")
            left = found[-1] - chance
        return found


def _symbol(name: str) -> sp.Symbol:
    return sp.Symbol(name, real=True)
