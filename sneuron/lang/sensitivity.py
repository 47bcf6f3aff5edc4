"""Forward sensitivities: a model whose further states are the derivatives of its states by its parameters.

The model that comes out is a description like any other: text, JSON, kernels, sweeps, single precision.
"""

from __future__ import annotations

import dataclasses
import math
from collections.abc import Mapping, Sequence
from typing import Any

import sympy

from sneuron import errors
from sneuron.lang.build import CURRENT, ION
from sneuron.lang.expr import names_of, phi, symbol
from sneuron.lang.functions import absolute, exprel, occupancy, where
from sneuron.lang.model import Model, load_model
from sneuron.lang.spec import State
from sneuron.lang.written import parted, written

__all__ = ["sensitivities"]

_NEAR, _TERMS = 0.5, 14
"""Below this (exprel(x) - 1)/x is a series of so many terms."""


def sensitivities(model: Any, parameters: Sequence[str]) -> Model:
    r"""A model that integrates, beside its states, how they depend on some of its parameters.

    Parameters
    ----------
    model : str, Model, dict or Neuron
        What `load_model` takes.
    parameters : sequence of str
        Names or paths of parameters; the constant current `I` is one.

    Returns
    -------
    Model
        With a state `d<state>_d<parameter>` ("dv_dgNa", "dm_dgNa"; points in names become "_") for each pair, in units
        of the state over those of the parameter. The sensitivity of v to a parameter of the capacitance is a function,
        not a state: record it.

    Raises
    ------
    UnknownNameError, ModelError
        For parameters that the model does not have, or whose effect cannot be written down; noise whose strength
        depends on one of them, or on a state.

    Notes
    -----
    :math:`\dot s = J s + \partial f/\partial p`, :math:`s(0) = d\,x(0)/dp`, with the Jacobian J of the model. Start
    values given by hand do not depend on parameters: give 0 for the sensitivities of that state, too.
    Where C is the capacitance, v' depends on it through the whole injected current, which no equation knows;
    :math:`u = s_v + v\,d(\ln C)/dp` obeys :math:`\dot u = J s + \partial F/\partial p/C` without it.
    Resets: at a spike all sensitivities jump by amounts that depend on the injected current. They are not a number from
    there on, and the neuron has the status `diverged`: neurons with a reset may be followed up to their first spike.
    Dickinson & Gelinas 1976, doi:10.1016/0021-9991(76)90007-3 (the direct method).

    Examples
    --------
    >>> found = sensitivities("passive", ["gL"])
    >>> list(found.states), found.states["dv_dgL"].unit
    (['v', 'dv_dgL'], 'mV/(mS/cm2)')
    """
    which = load_model(model)
    if which.drives:
        what = f"the rates of spikes that model {which.name!r} gets from outside depend on parameters"
        raise errors.ModelError("sensitivities", what, mend="Leave its drives out.")
    names = _canonical(which, parameters)
    return load_model(_Augmented(which, names).neuron())


def _canonical(model: Model, parameters: Any) -> list[str]:
    where = "sensitivities"
    if isinstance(parameters, str) or not isinstance(parameters, Sequence) or not parameters:
        raise errors.ParameterError(where, f"{parameters!r:.60} is no list of parameters", mend="['gNa', 'gK']")
    names = [model.canonical(str(name), where) for name in parameters]
    for name in names:
        if name not in model.params:
            raise errors.unknown(where, f"parameter of model {model.name!r}", name, [*model.params, *model.aliases])
    return list(dict.fromkeys(names))


class _Augmented:
    """Writes the further states of a model, their equations, starts and resets, and the functions that these use."""

    def __init__(self, model: Model, names: Sequence[str]) -> None:
        self.model, self.names = model, names
        self.made: dict[str, sympy.Expr] = {}
        self.texts: dict[str, str] = {}
        self.totals: dict[tuple[str, str], sympy.Expr] = {}
        self.known: dict[sympy.Expr, sympy.Symbol] = {}
        flows = {n: e for n, e in model.functions.items() if n.partition(".")[0] in (CURRENT, ION)}
        self.functions = {n: self._without(e, flows) for n, e in model.functions.items() if n not in flows}
        rows = {x: self._without(e, flows) for x, e in model.equations.items()}
        currents = sympy.Add(*[self._without(model.currents[c], flows) for c in model.membrane])
        self.rows = {"v": (symbol("I") - currents) / self._without(model.capacitance, flows), **rows}
        self.slopes = {x: self._slopes(x) for x in model.states}

    def neuron(self) -> Any:
        """The description."""
        model, spec = self.model, self.model.spec
        self._check_names()
        self._check_noises()
        states, equations, reset = dict(spec.states), dict(spec.equations), dict(spec.reset)
        for p in self.names:
            for x in model.states:
                name, start = self._name(x, p), self._start(x, p)
                if self._scaled(p) and x == "v":
                    name, start = self._lifted(p), start + self._growth(p) * symbol("v")
                states[name] = State(self._unit(x, p), self._text(start), note=f"how {x} depends on {p}")
                equations[name] = self._text(self._equation(x, p))
                if model.kind == "reset":
                    reset[name] = f"2*log(2*(({spec.threshold.level}) - v))"
        return dataclasses.replace(
            spec,
            name=f"{spec.name[:50]}_sensitive",
            variants={},
            states=states,
            equations=equations,
            functions={**spec.functions, **self.texts},
            reset=reset,
            method="exp_euler" if spec.method in ("exact", "linear") else spec.method,
        )

    # -- names ---------------------------------------------------------------------------------------

    def _name(self, x: str, p: str) -> str:
        return f"d{x}_d{p}".replace(".", "_")

    def _check_names(self) -> None:
        """No new name is taken, and no two are alike."""
        taken = [*self.model.params, *self.model.states, *self.model.functions]
        for name in [self._name(x, p) for p in self.names for x in self.model.states]:
            if name in taken:
                raise errors.ModelError("sensitivities", f"the name {name!r} is taken", mend="Rename it in the model.")
            taken.append(name)

    def _check_noises(self) -> None:
        """Noise drives no sensitivity: its strength depends on no state, and on none of the parameters."""
        for name, wiener in self.model.noises.items():
            for strength in wiener.states.values():
                for y in [*self.model.states, *self.names]:
                    if y == wiener.correlation or self._total(strength, y) != 0:
                        what = f"the strength of noise {name!r} depends on {y!r}"
                        mend = "Leave the noise out, or this parameter."
                        raise errors.ModelError("sensitivities", what, "noise of constant strength", mend=mend)

    def _lifted(self, p: str) -> str:
        """The state that stands for the sensitivity of v to a parameter of the capacitance."""
        return f"u_{self._name('v', p)}"

    def _unit(self, x: str, p: str) -> str:
        above, below = self.model.states[x].unit, self.model.params[p].unit.replace("degC", "K")
        return above if below == "1" else f"{above}/({below})"

    def _named(self, stem: str, expression: sympy.Expr) -> sympy.Symbol:
        """A name for an expression: a function of the new model."""
        if expression in self.known:
            return self.known[expression]
        taken = {*self.model.params, *self.model.states, *self.model.functions, *self.texts}
        stem = stem.replace(".", "_")[:56]
        name, k = stem, 2
        while name in taken:
            name, k = f"{stem}_{k}", k + 1
        self.texts[name] = ""
        self.texts[name] = self._text(expression)
        self.known[expression] = symbol(name)
        return self.known[expression]

    def _text(self, expression: sympy.Expr) -> str:
        """The text of an expression, parts of it named where it is too large."""
        return written(parted(self._in_words(expression), lambda part: self._named("part", part)))

    def _in_words(self, expression: sympy.Expr) -> sympy.Expr:
        """Remainders of the exponential series, which the language does not know, in its own words."""
        swaps = {}
        for e in sorted(expression.atoms(phi), key=str):
            x = e.args[0]
            series = self._named("phi2_near", _series(self._named("phi2_of", x)))
            near = sympy.Lt(absolute(x), sympy.Float(_NEAR), evaluate=False)
            swaps[e] = self._named("phi2", where(near, series, (exprel(x) - 1) / x))
        return expression.xreplace(swaps)

    # -- calculus ------------------------------------------------------------------------------------

    def _without(self, expression: sympy.Expr, flows: Mapping[str, sympy.Expr]) -> sympy.Expr:
        """An expression in which currents and totals of ions are written out."""
        for name in reversed(list(flows)):
            expression = expression.xreplace({symbol(name): flows[name]})
        return expression

    def _total(self, expression: sympy.Expr, y: str) -> sympy.Expr:
        """The derivative by a state or parameter, through named functions."""
        found = sympy.diff(expression, symbol(y))
        for name in sorted(names_of(expression) & set(self.functions)):
            inner = self._of_function(name, y)
            if inner != 0:
                found += sympy.diff(expression, symbol(name)) * inner
        return found

    def _of_function(self, name: str, y: str) -> sympy.Expr:
        if (name, y) not in self.totals:
            found = self._total(self.functions[name], y)
            small = found.is_number or found.is_Symbol
            self.totals[name, y] = found if small else self._named(f"d{name}_by_{y}", found)
        return self.totals[name, y]

    def _slopes(self, x: str) -> dict[str, sympy.Expr]:
        """The row of the Jacobian of a state, its larger entries named."""
        found = {y: self._total(self.rows[x], y) for y in self.model.states}
        return {y: self._short(f"rate_of_{x}_by_{y}", e) for y, e in found.items() if e != 0}

    def _short(self, name: str, expression: sympy.Expr) -> sympy.Expr:
        return expression if len(expression.args) == 0 else self._named(name, expression)

    def _of(self, x: str, p: str) -> sympy.Expr:
        """The sensitivity of a state: its own symbol, or what stands for it."""
        return symbol(self._name(x, p))

    def _scaled(self, p: str) -> bool:
        return bool(self._total(self.model.capacitance, p) != 0)

    def _growth(self, p: str) -> sympy.Expr:
        """d(ln C)/dp."""
        return self._total(self.model.capacitance, p) / self.model.capacitance

    def _equation(self, x: str, p: str) -> sympy.Expr:
        """J s + df/dp; without what the capacitance scales, for the state that is lifted by it."""
        own = self.rows[x]
        if x == "v" and self._scaled(p):
            self._tell_lifted(p)
            direct = self._total(own * self.model.capacitance, p) / self.model.capacitance
        else:
            direct = self._total(own, p)
        parts = [slope * self._of(y, p) for y, slope in self.slopes[x].items()]
        return sympy.Add(*parts, self._short(f"rate_of_{x}_by_{p}", direct))

    def _tell_lifted(self, p: str) -> None:
        """The sensitivity of v as a function of the state that is lifted."""
        name = self._name("v", p)
        self.texts[name] = self._text(symbol(self._lifted(p)) - self._growth(p) * symbol("v"))

    def _start(self, x: str, p: str) -> sympy.Expr:
        """d(start)/dp: through the starts of other states, and for gates from their equation at rest."""
        model = self.model
        start = model.start[x]
        if start.has(occupancy):
            if p in names_of(start) or any(self._start(y, p) != 0 for y in names_of(start) & set(model.states)):
                what = f"the start of {x!r}, of a Markov scheme, hangs on {p!r} and cannot be differentiated"
                raise errors.ModelError("sensitivities", what, mend="Leave this parameter out.")
            return sympy.S.Zero
        if x in model.rates and self._is_steady(x):
            above = [slope * self._of(y, p) for y, slope in self.slopes[x].items() if y != x]
            direct = self._short(f"rate_of_{x}_by_{p}", self._total(self.rows[x], p))
            return -sympy.Add(*above, direct) / self.slopes[x][x]
        found = self._total(start, p)
        for y in sorted(names_of(start) & set(model.states)):
            found += self._total(start, y) * self._of(y, p)
        return found

    def _is_steady(self, x: str) -> bool:
        """Whether a gate starts where it stays."""
        kind, first, second = self.model.rates[x]
        steady = first / (first + second) if kind == "ab" else first
        for name in reversed(list(self.model.functions)):
            steady = steady.xreplace({symbol(name): self.model.functions[name]})
        return bool(steady == self.model.start[x])


def _series(x: sympy.Symbol) -> sympy.Expr:
    """(exp(x) - 1 - x)/x^2 near 0."""
    found: sympy.Expr = sympy.Float(1.0 / math.factorial(_TERMS + 1))
    for n in reversed(range(2, _TERMS + 1)):
        found = sympy.Float(1.0 / math.factorial(n)) + x * found
    return found
