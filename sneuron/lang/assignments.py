"""One step of a model as a list of assignments: the form between algebra and code."""

from __future__ import annotations

import math
from collections.abc import Iterable
from dataclasses import dataclass, field

import sympy as sp

from sneuron import labels
from sneuron.lang.rows import ARMED

__all__ = [
    "CHANCE",
    "CONSTANT",
    "DRIVEN",
    "DT",
    "FEATURES",
    "REFRACTORY",
    "TIMES",
    "Assignments",
    "Draw",
    "Linear",
    "Program",
    "T",
    "Wave",
    "decay",
]

DT = sp.Symbol("dt", real=True)
T = sp.Symbol("t", real=True)
REFRACTORY = "_refractory_steps"
"""What the steps that a neuron still has to wait are called."""

CHANCE = "_chance"
"""What the random number that decides about escape is called."""

TIMES = {0.0: "_t_0", 0.5: "_t_half", 1.0: "_t_1"}
"""What the stage times of a step are called."""

FEATURES = {"mean": 0.0, "min": math.inf, "max": -math.inf, "first": math.nan}
"""Kinds of online features of what can be recorded, and what each begins with."""

Assignments = list[tuple[str, sp.Expr]]


@dataclass(frozen=True)
class Wave:
    """A stimulus as the compiler sees it: its current in terms of `t`, its parameters and, when played, its sample."""

    name: str
    current: sp.Expr
    params: tuple[str, ...]
    played: bool = False


@dataclass(frozen=True)
class Draw:
    """A random number of each step: its name here, its stream, whether it is normal, and whether cells share it."""

    name: str
    stream: int
    normal: bool = True
    shared: bool = False


@dataclass(frozen=True)
class Linear:
    """States that are linear in one another: x' = A x + b + r drive.

    Attributes
    ----------
    states : tuple of str
    matrix : dict of (state, state) to expression
        A, over parameters.
    constant, drive : dict of state to expression
        b, and r in front of the injected current, over parameters.
    rows : dict of (state, column) to name
        What each entry of the exponential is called; the columns after the states are `CONSTANT` and `DRIVEN`.
    """

    states: tuple[str, ...]
    matrix: dict[tuple[str, str], sp.Expr]
    constant: dict[str, sp.Expr]
    drive: dict[str, sp.Expr]
    rows: dict[tuple[str, str], str]


CONSTANT, DRIVEN = "1", "i"
"""Columns of a propagator besides those of the states."""


@dataclass
class Program:
    """Assignments of a step.

    Attributes
    ----------
    hoisted : list of (name, expression)
        Computed once per run from parameters and dt.
    steps : dict of name to expression
        Computed in every step; values refer to one another by name.
    new : dict of state to name
        The name that holds the new value of each state.
    currents, slopes : dict of current to name
        Names of membrane currents and of their slopes against the voltage.
    reversals, powers : dict of current to name
        Names of reversal potentials and of powers, of those currents for which they are watched.
    functions : tuple of str
        Named expressions of the model that can be recorded.
    stimulus : str
        Name of the summed injected current at the start of the step.
    draws : list of Draw
        Random numbers that a step uses.
    ports : dict of receptor to name
        Names of what arrives at each receptor in a step, in networks.
    linear : Linear or None
        States that move together by the exponential of their matrix.

    Names made here begin with "_", which no name of a model does.
    """

    hoisted: Assignments = field(default_factory=list)
    steps: dict[str, sp.Expr] = field(default_factory=dict)
    new: dict[str, str] = field(default_factory=dict)
    currents: dict[str, str] = field(default_factory=dict)
    slopes: dict[str, str] = field(default_factory=dict)
    reversals: dict[str, str] = field(default_factory=dict)
    powers: dict[str, str] = field(default_factory=dict)
    functions: tuple[str, ...] = ()
    stimulus: str = "_i_stim"
    draws: list[Draw] = field(default_factory=list)
    ports: dict[str, str] = field(default_factory=dict)
    linear: Linear | None = None
    hazard: sp.Expr | None = None
    threshold: sp.Expr = sp.S.Zero
    rearm: sp.Expr = sp.S.Zero
    reset: dict[str, sp.Expr] = field(default_factory=dict)

    def row(self, name: str) -> str:
        """What a recorded quantity is called here: `v`, `i_na`, `g_na`, `e_na`, `p_na`, `i_stim`, `armed`, a name."""
        kind, _, current = name.partition("_")
        if name in self.new or name in self.functions:
            return name
        if name == labels.ARMED:
            return ARMED
        if name == "i_stim" and "stim" not in self.currents:
            return self.stimulus
        kinds = {"i": self.currents, "g": self.slopes, "e": self.reversals, "p": self.powers}
        return kinds[kind][current]

    def ordered(self, outputs: Iterable[str], given: Iterable[str] = ()) -> Assignments:
        """The assignments needed for `outputs`, in order, taking those in `given` as known."""
        done = set(given)
        result: Assignments = []

        def visit(name: str) -> None:
            if name in done or name not in self.steps:
                return
            done.add(name)
            for symbol in sorted(self.steps[name].free_symbols, key=str):
                visit(symbol.name)
            result.append((name, self.steps[name]))

        for name in outputs:
            visit(name)
        return result


class decay(sp.Function):  # type: ignore[misc]
    """exprel, in the increment of an exponential method: most often near 0."""
