"""A model and a method as one list of assignments: the algebra between text and code.

The list is made once for the whole step.  What depends on parameters and dt alone
is hoisted and computed once per run; exponentials with commensurate arguments share
one; common subexpressions are shared.  Every view of the step (currents, gates,
voltage) is a slice of this same list, so that views and fused kernel agree bit for bit.
"""

from __future__ import annotations

import functools
import math
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from fractions import Fraction

import sympy as sp

from sneuron import errors
from sneuron.lang import schemes
from sneuron.lang.build import CURRENT
from sneuron.lang.expr import parse
from sneuron.lang.functions import minimum, where
from sneuron.lang.methods import Method
from sneuron.lang.model import Model, load_stimulus

__all__ = ["REFRACTORY", "TIMES", "Assignments", "Program", "Wave", "build", "decay", "recordable", "wave"]

_MAX_SHARED_POWER = 16
DT = sp.Symbol("dt", real=True)
T = sp.Symbol("t", real=True)
REFRACTORY = "_refractory_steps"
"""What the steps that a neuron still has to wait are called."""

TIMES = {0.0: "_t_0", 0.5: "_t_half", 1.0: "_t_1"}
"""What the stage times of a step are called."""

Assignments = list[tuple[str, sp.Expr]]


@dataclass(frozen=True)
class Wave:
    """A stimulus as the compiler sees it: its current in terms of `t`, its parameters and, when played, its sample."""

    name: str
    current: sp.Expr
    params: tuple[str, ...]
    played: bool = False


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
    functions : tuple of str
        Named expressions of the model that can be recorded.
    stimulus : str
        Name of the summed injected current at the start of the step.

    Names made here begin with "_", which no name of a model does.
    """

    hoisted: Assignments = field(default_factory=list)
    steps: dict[str, sp.Expr] = field(default_factory=dict)
    new: dict[str, str] = field(default_factory=dict)
    currents: dict[str, str] = field(default_factory=dict)
    slopes: dict[str, str] = field(default_factory=dict)
    functions: tuple[str, ...] = ()
    stimulus: str = "_i_stim"
    threshold: sp.Expr = sp.S.Zero
    rearm: sp.Expr = sp.S.Zero
    reset: dict[str, sp.Expr] = field(default_factory=dict)

    def row(self, name: str) -> str:
        """What a recorded quantity is called here: `v`, `i_na`, `g_na`, `i_stim`, a function."""
        kind, _, current = name.partition("_")
        if name in self.new or name in self.functions:
            return name
        if name == "i_stim" and "stim" not in self.currents:
            return self.stimulus
        return (self.currents if kind == "i" else self.slopes)[current]

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


def build(model: Model, method: Method, stimuli: tuple[Wave, ...] = ()) -> Program:
    """The program of one step of `model` under `method`."""
    _check(model, method)
    maker = _Maker(model, method, stimuli)
    program = maker.program()
    kept = [*program.new.values(), *program.currents.values(), *program.slopes.values(), program.stimulus]
    kept += program.functions
    program.steps = {name: _evaluated(expr) for name, expr in program.ordered(kept)}
    constant = {*model.params, DT.name, *(f"{s.name}.{p}" for s in stimuli for p in s.params)}
    _share_exponentials(program, constant)
    _hoist(program, constant)
    _common(program)
    return program


def recordable(model: Model) -> tuple[str, ...]:
    """Names of all that can be recorded: states, functions, currents, slopes of the linear ones, `i_stim`."""
    if model.form not in _RECORDABLE:
        _RECORDABLE[model.form] = _recordable(model)
    return _RECORDABLE[model.form]


_RECORDABLE: dict[str, tuple[str, ...]] = {}


def _recordable(model: Model) -> tuple[str, ...]:
    places = {c: _symbol(model.places[c]) for c in model.currents}
    linear = [c for c, i in model.currents.items() if _linear_slope(_expanded(i, model), places[c]) != 0]
    flows = (*(f"i_{c}" for c in model.currents), *(f"g_{c}" for c in linear), "i_stim")
    return (*model.states, *_functions(model), *flows)


def _functions(model: Model) -> tuple[str, ...]:
    """Named expressions; currents have a name of their own."""
    return tuple(f for f in model.functions if not f.startswith(f"{CURRENT}."))


@functools.lru_cache(maxsize=64)
def wave(name: str, kind: str) -> Wave:
    """The stimulus of the library that is called `kind`, under the name that it has in a state."""
    found = load_stimulus(kind)
    text = {"noise": "mean + std*w", "replay": "scale*w + offset"}.get(kind, "")
    current = found.current
    if found.played:
        names = {"t", "w", "start", "stop", *found.params}
        current = parse(f"where(t >= start and t < stop, {text}, 0)", names, f"stimulus {kind!r}")
    for function in reversed(list(found.functions)):
        current = current.xreplace({_symbol(function): found.functions[function]})
    used = {s.name for s in current.free_symbols} - {"t", "w"}
    return Wave(name, current, tuple(sorted(used)), found.played)


class _Maker:
    """Writes the stages of a method for one model."""

    def __init__(self, model: Model, method: Method, stimuli: tuple[Wave, ...]) -> None:
        self.model, self.method, self.stimuli = model, method, stimuli
        self.made = Program(functions=_functions(model))
        self.flows: dict[tuple[str, str], tuple[sp.Symbol, sp.Expr]] = {}
        self.moved: dict[str, dict[sp.Symbol, sp.Symbol]] = {}
        stiff = method.split and "exprel" in (method.gates or method.update)
        self.implicit = {x for scheme in model.schemes for x in scheme.states} if stiff else set()

    def program(self) -> Program:
        if self.method.voltage_first:
            self._voltage_first()
        else:
            self._stages()
        p, model = self.made, self.model
        p.threshold, p.rearm = _expanded(model.threshold, model), _expanded(model.rearm, model)
        p.reset = {x: _expanded(e, model) for x, e in model.reset.items()}
        return p

    def _stages(self) -> None:
        model, method = self.model, self.method
        state = {x: _symbol(x) for x in model.states}
        known: dict[str, dict[str, sp.Expr]] = {x: {"x": state[x], "dt": DT} for x in state}
        for k, (text, time) in enumerate(zip(method.stages, method.times, strict=True), start=1):
            values = {x: self._named(f"_{x}_stage{k}", _text(text, known[x])) for x in state} if k > 1 else state
            slopes = self._field(values, time, "" if k == 1 else f"_{k}")
            for x, (f, j) in slopes.items():
                known[x] |= {f"x{k}": values[x], f"k{k}": f, f"j{k}": j}
        for x in state:
            if x not in self.implicit:
                self._moved(x, _text(self._update(x), known[x]))
        self._occupied("")

    def _voltage_first(self) -> None:
        """The voltage advances through its own texts; the other states then see the new voltage."""
        state: dict[str, sp.Symbol] = {x: _symbol(x) for x in self.model.states}
        for k, text in enumerate(self.method.voltage_first, start=1):
            f, j = self._field(state, 0.0, "" if k == 1 else f"_{k}")["v"]
            value = _text(text, {"x": state["v"], "dt": DT, "k1": f, "j1": j})
            last = k == len(self.method.voltage_first)
            state = state | {"v": self._moved("v", value) if last else self._named(f"_v_part{k}", value)}
        if self.model.kind == "reset" and not self.method.overshoot:
            peak = minimum(state["v"], _expanded(self.model.threshold, self.model))
            state = state | {"v": self._named("_v_seen", peak)}
        slopes = self._field(state, 0.0, "_after")
        for x in self.model.states:
            if x != "v" and x not in self.implicit:
                f, j = slopes[x]
                self._moved(x, _text(self._update(x), {"x": state[x], "dt": DT, "k1": f, "j1": j}))
        self._occupied("_after")

    def _occupied(self, tail: str) -> None:
        """Markov schemes one step on, implicitly, where the method is of that kind."""
        for scheme in self.model.schemes:
            if scheme.states[0] in self.implicit:
                rates = {pair: rate.xreplace(self.moved[tail]) for pair, rate in scheme.rates.items()}
                held = {p: self._named(f"_rate_{p[0]}_{p[1]}", r) for p, r in rates.items()}
                found = schemes.implicit(schemes.Scheme(scheme.states, held), DT, self._named)
                for x in scheme.states:
                    self._moved(x, found[x])

    def _update(self, x: str) -> str:
        return self.method.gates if self.method.gates and x in self.model.gates else self.method.update

    def _moved(self, x: str, value: sp.Expr) -> sp.Symbol:
        """The new value of a state; the voltage, and what is held with it, stays while the neuron is refractory."""
        if (x == "v" or self.model.states[x].held) and self.model.refractory:
            free = self._named(f"_{x}_free", value)
            value = where(sp.Gt(_symbol(REFRACTORY), 0), _symbol(x), free)
        new = self._named(f"_{x}_new", value)
        self.made.new[x] = new.name
        return new

    def _field(self, state: Mapping[str, sp.Symbol], time: float, tail: str) -> dict[str, tuple[sp.Expr, sp.Expr]]:
        """Derivative and own slope of every state at `state`; names end with `tail`."""
        model = self.model
        moved = self.moved[tail] = {_symbol(x): s for x, s in state.items()}
        for name, expr in model.functions.items():
            if name.startswith(f"{CURRENT}."):
                moved[_symbol(name)] = self._flow(name.partition(".")[2], moved, tail)[0]
            else:
                moved[_symbol(name)] = self._named(f"_{name}{tail}" if tail else name, expr.xreplace(moved))
        result = {"v": self._membrane(moved, time, tail)}
        for x in model.states:
            if x != "v":
                result[x] = self._own(x, moved, tail)
        return result

    def _flow(self, name: str, moved: dict[sp.Symbol, sp.Symbol], tail: str) -> tuple[sp.Symbol, sp.Expr]:
        """A current and its slope against the voltage that it sees (0 where it is not linear in that)."""
        if (name, tail) in self.flows:
            return self.flows[name, tail]
        model, expr, v = self.model, self.model.currents[name], _symbol(self.model.places[name])
        linear = _linear_slope(_expanded(expr, model), v)
        g = self._named(f"_g_{name}{tail}", linear.xreplace(moved)) if linear != 0 else sp.Integer(0)
        i = self._named(f"_i_{name}{tail}", _through(expr, g, v, model, moved) if linear != 0 else expr.xreplace(moved))
        if not tail:
            self.made.currents[name] = i.name
            self.made.slopes[name] = g.name if linear != 0 else ""
        self.flows[name, tail] = (i, g)
        return i, g

    def _membrane(self, moved: dict[sp.Symbol, sp.Symbol], time: float, tail: str) -> tuple[sp.Expr, sp.Expr]:
        model = self.model
        flows = {name: self._flow(name, moved, tail) for name in model.currents}
        if not tail:
            self.made.currents = {name: self.made.currents[name] for name in model.currents}
        through = [flows[name] for name in model.membrane]
        drive = self._named(f"_i_stim{tail}", self._stimulus(time))
        if not tail:
            self.made.stimulus = drive.name
        capacity = model.capacitance.xreplace(moved)
        return (drive - sp.Add(*[i for i, _ in through])) / capacity, -sp.Add(*[g for _, g in through]) / capacity

    def _stimulus(self, time: float) -> sp.Expr:
        at = TIMES[time]
        total: sp.Expr = _symbol("I")
        for k, wave in enumerate(self.stimuli):
            renamed = {_symbol(p): _symbol(f"{wave.name}.{p}") for p in wave.params}
            renamed |= {T: _symbol(at), _symbol("w"): _symbol(f"_w{k}{at}")}
            total += wave.current.xreplace(renamed)
        return total

    def _own(self, x: str, moved: dict[sp.Symbol, sp.Symbol], tail: str) -> tuple[sp.Expr, sp.Expr]:
        model, s = self.model, _symbol(x)
        if x in model.rates:
            kind, one, two = model.rates[x]
            first = self._named(f"_{'alpha' if kind == 'ab' else 'inf'}_{x}{tail}", one.xreplace(moved))
            second = self._named(f"_{'beta' if kind == 'ab' else 'tau'}_{x}{tail}", two.xreplace(moved))
            at = moved[s]
            if kind == "ab":
                speed = self._named(f"_rate_{x}{tail}", first + second)
                return first - speed * at, -speed
            return (first - at) / second, -1 / second
        expr = model.equations[x]
        slope = _linear_slope(_expanded(expr, model), s)
        return expr.xreplace(moved), slope.xreplace(moved)

    def _named(self, name: str, expr: sp.Expr) -> sp.Symbol:
        while name in self.made.steps:
            name += "_"
        self.made.steps[name] = expr
        return _symbol(name)


def _symbol(name: str) -> sp.Symbol:
    return sp.Symbol(name, real=True)


def _text(text: str, known: Mapping[str, sp.Expr]) -> sp.Expr:
    from sneuron.lang.expr import exprel, parse

    parsed = parse(text, set(known), "integration method")
    parsed = parsed.xreplace({node: decay(*node.args) for node in parsed.atoms(exprel)})
    return parsed.xreplace({_symbol(name): value for name, value in known.items()})


def _expanded(expr: sp.Expr, model: Model) -> sp.Expr:
    """`expr` with the named functions written out."""
    for name in reversed(list(model.functions)):
        expr = expr.xreplace({_symbol(name): model.functions[name]})
    return expr


def _linear_slope(expr: sp.Expr, x: sp.Symbol) -> sp.Expr:
    """The coefficient of `x` where `expr` is linear in it, else 0."""
    if x not in expr.free_symbols:
        return sp.Integer(0)
    slope = sp.diff(expr, x)
    if x in slope.free_symbols:
        slope = sp.expand(slope)
    return sp.Integer(0) if x in slope.free_symbols else slope


def _through(expr: sp.Expr, g: sp.Symbol, v: sp.Symbol, model: Model, moved: Mapping[sp.Symbol, sp.Symbol]) -> sp.Expr:
    """A current linear in v as g * (v - E) or g * v + rest, reusing the conductance."""
    whole = _expanded(expr, model)
    slope = _linear_slope(whole, v)
    rest = whole.xreplace({v: sp.Integer(0)})
    reversal = sp.cancel(-rest / slope)
    if not reversal.free_symbols - {_symbol(p) for p in model.params}:
        return g * (moved[v] - reversal)
    return g * moved[v] + rest.xreplace(dict(moved))


def _check(model: Model, method: Method) -> None:
    if not method.exact:
        return
    linear = set(model.states) == {"v"} and all(
        _linear_slope(_expanded(i, model), _symbol("v")) != 0 or _symbol("v") not in _expanded(i, model).free_symbols
        for i in model.currents.values()
    )
    if not linear:
        raise errors.ModelError(
            "method 'exact'",
            f"model {model.name!r} is not a single linear membrane",
            mend="Use 'exp_euler', 'exp_midpoint' or 'rk4'.",
        )


def _evaluated(expr: sp.Basic) -> sp.Basic:
    """The tree with nested sums and products flattened."""
    if not expr.args:
        return expr
    args = [_evaluated(a) for a in expr.args]
    if isinstance(expr, sp.Add | sp.Mul | sp.Pow):
        return expr.func(*args)
    return expr if list(expr.args) == args else expr.func(*args)


# -- exponentials with commensurate arguments share one -------------------------------------------


def _share_exponentials(program: Program, constant: set[str]) -> None:
    found: dict[sp.Symbol, dict[Fraction, int]] = {}
    for expr in program.steps.values():
        for node in _exponentials(expr):
            match = _affine(node.args[0], constant)
            if match is not None:
                found.setdefault(match[0], {}).setdefault(match[1], 0)
                found[match[0]][match[1]] += 1
    for state, slopes in found.items():
        for base, members in _families(slopes):
            if sum(slopes[m] for m in members) > 1:
                _rewrite(program, constant, state, base, members)


def _exponentials(expr: sp.Expr) -> list[sp.Expr]:
    nodes = [n for n in sp.preorder_traversal(expr) if isinstance(n, sp.exp) or type(n).__name__ == "exprel"]
    return sorted(set(nodes), key=sp.core.sorting.default_sort_key)


def _affine(arg: sp.Expr, constant: set[str]) -> tuple[sp.Symbol, Fraction, sp.Expr] | None:
    """`arg` as slope * symbol + offset with a plain rational slope and a constant offset."""
    moving = [s for s in arg.free_symbols if s.name not in constant]
    if len(moving) != 1:
        return None
    slope = sp.diff(arg, moving[0])
    if not slope.is_number or slope == 0:
        return None
    rational = Fraction(float(slope)).limit_denominator(100_000)
    if abs(float(rational) / float(slope) - 1) > 1e-14:
        return None
    return moving[0], rational, sp.expand(arg - slope * moving[0])


def _families(slopes: Mapping[Fraction, int]) -> list[tuple[Fraction, list[Fraction]]]:
    """Slopes grouped so that each is a small whole multiple of its family's base."""
    families: list[tuple[Fraction, list[Fraction]]] = []
    left = sorted(slopes, key=lambda r: (abs(r), r))
    while left:
        base = left[0]
        members = [r for r in left if (r / base).denominator == 1 and 1 <= r / base <= _MAX_SHARED_POWER]
        families.append((base, members))
        left = [r for r in left if r not in members]
    return families


def _rewrite(program: Program, constant: set[str], state: sp.Symbol, base: Fraction, members: list[Fraction]) -> None:
    stem = f"_e_{state.name.lstrip('_')}_{abs(base.denominator)}"
    while stem in program.steps:
        stem += "_"
    program.steps[stem] = sp.exp(sp.Float(float(base)) * state, evaluate=False)

    def power(n: int) -> sp.Symbol:
        if n == 1:
            return _symbol(stem)
        name = f"{stem}_{n}"
        if name not in program.steps:
            half = power(n // 2)
            program.steps[name] = half * half if n % 2 == 0 else power(n - 1) * _symbol(stem)
        return _symbol(name)

    def replaced(node: sp.Expr) -> sp.Expr | None:
        match = _affine(node.args[0], constant)
        if match is None or match[0] != state or match[1] not in members:
            return None
        e = power(int(match[1] / base))
        scale = sp.Float(math.exp(float(match[2]))) if match[2].is_number else sp.exp(match[2])
        return _FROM(node.args[0], scale * e) if type(node).__name__ == "exprel" else scale * e

    for name, expr in list(program.steps.items()):
        if name != stem and not name.startswith(stem + "_"):
            swaps = {n: r for n in _exponentials(expr) if (r := replaced(n)) is not None}
            program.steps[name] = _inverted(expr.xreplace(swaps))


class decay(sp.Function):  # type: ignore[misc]
    """exprel, in the increment of an exponential method: most often near 0."""


class exprel_from(sp.Function):  # type: ignore[misc]
    """exprel(x) given x and exp(x)."""


class exprel_inverse_from(sp.Function):  # type: ignore[misc]
    """1/exprel(x) given x and exp(x)."""


_FROM = exprel_from


def _inverted(expr: sp.Expr) -> sp.Expr:
    swaps = {
        p: exprel_inverse_from(*p.base.args)
        for p in expr.atoms(sp.Pow)
        if isinstance(p.base, exprel_from) and p.exp == -1
    }
    return expr.xreplace(swaps)


# -- what depends on parameters alone is computed once --------------------------------------------


def _hoist(program: Program, constant: set[str]) -> None:
    names: dict[sp.Expr, sp.Symbol] = {}
    still = set(constant)
    for name, expr in list(program.steps.items()):
        if {s.name for s in expr.free_symbols} <= still and name not in program.new.values():
            program.hoisted.append((name, expr))
            del program.steps[name]
            still.add(name)

    def lifted(expr: sp.Expr) -> sp.Expr:
        if expr.is_Atom or not expr.free_symbols:
            return expr
        if expr not in names:
            names[expr] = _symbol(f"_c{len(names)}")
            program.hoisted.append((names[expr].name, expr))
        return names[expr]

    def walk(expr: sp.Expr) -> sp.Expr:
        if expr.is_Atom:
            return expr
        if {s.name for s in expr.free_symbols} <= still:
            return lifted(expr)
        if isinstance(expr, sp.Add | sp.Mul):
            fixed = [a for a in expr.args if {s.name for s in a.free_symbols} <= still]
            moving = [walk(a) for a in expr.args if a not in fixed]
            return expr.func(lifted(expr.func(*fixed)), *moving) if fixed else expr.func(*moving)
        return expr.func(*(walk(a) for a in expr.args))

    for name, expr in program.steps.items():
        program.steps[name] = walk(expr)
    program.threshold, program.rearm = walk(program.threshold), walk(program.rearm)


# -- common subexpressions -------------------------------------------------------------------------


def _common(program: Program) -> None:
    names = list(program.steps)
    shared, reduced = sp.cse(
        [program.steps[n] for n in names], symbols=sp.numbered_symbols("_x", real=True), order="canonical"
    )
    program.steps = {s.name: e for s, e in shared} | dict(zip(names, reduced, strict=True))
