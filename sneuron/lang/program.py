"""A model and a method as one list of assignments: the algebra between text and code.

The list is made once for the whole step.  What depends on parameters and dt alone
is hoisted and computed once per run; exponentials with commensurate arguments share
one; common subexpressions are shared.  Every view of the step (currents, gates,
voltage) is a slice of this same list, so that views and fused kernel agree bit for bit.
"""

from __future__ import annotations

import functools
import zlib
from collections.abc import Iterable, Mapping

import sympy as sp

from sneuron import errors, labels
from sneuron.lang import propagation, schemes, sharing
from sneuron.lang.arriving import Arriving, usual
from sneuron.lang.assignments import CHANCE, DT, REFRACTORY, TIMES, Assignments, Draw, Linear, Program, T, Wave, decay
from sneuron.lang.build import CURRENT
from sneuron.lang.expr import parse
from sneuron.lang.functions import maximum, minimum, where
from sneuron.lang.methods import SLOPE, Method
from sneuron.lang.model import Model, load_stimulus
from sneuron.lang.receptors import summed

__all__ = ["REFRACTORY", "TIMES", "Assignments", "Draw", "Program", "Wave", "build", "decay", "recordable", "wave"]


def build(
    model: Model,
    method: Method,
    stimuli: tuple[Wave, ...] = (),
    network: bool = False,
    most: tuple[tuple[int, int], ...] = (),
) -> Program:
    """The program of one step of `model` under `method`.

    Parameters
    ----------
    model, method, stimuli :
    network : bool
        Whether spikes of other neurons arrive.
    most : tuple
        Of each drive: of how many random numbers its spikes are the sum, and how many comparisons each takes; at the
        default parameters when omitted.
    """
    _check(model, method)
    _check_sums(model, method, network)
    maker = _Maker(model, method, stimuli, network, most or usual(model))
    program = maker.program()
    kept = [*program.new.values(), *program.currents.values(), *program.slopes.values(), program.stimulus]
    kept += program.functions
    program.steps = {name: _evaluated(expr) for name, expr in program.ordered(kept)}
    constant = {*model.params, DT.name, *(f"{s.name}.{p}" for s in stimuli for p in s.params)}
    sharing.exponentials(program, constant)
    sharing.hoist(program, constant)
    sharing.common(program)
    return program


def recordable(model: Model) -> tuple[str, ...]:
    """Names of all that can be recorded: states, functions, currents, slopes of the linear ones, `i_stim`, `armed`."""
    if model.form not in _RECORDABLE:
        _RECORDABLE[model.form] = _recordable(model)
    return _RECORDABLE[model.form]


_RECORDABLE: dict[str, tuple[str, ...]] = {}


def _recordable(model: Model) -> tuple[str, ...]:
    places = {c: _symbol(model.places[c]) for c in model.currents}
    whole = {c: _expanded(i, model) for c, i in model.currents.items()}
    linear = [c for c, i in whole.items() if _linear_slope(i, places[c]) != 0]
    volts = {_symbol(x) for x, state in model.states.items() if state.unit == "mV"}
    ohmic = [c for c in linear if not (volts - {places[c]}) & whole[c].free_symbols]
    names = [f"{kind}_{c}" for kind, some in zip("igep", (whole, linear, ohmic, ohmic), strict=True) for c in some]
    armed = [labels.ARMED] if model.kind != "reset" else []
    return tuple(dict.fromkeys([*model.states, *_functions(model), *names, "i_stim", *armed]))


def _functions(model: Model) -> tuple[str, ...]:
    """Named expressions; currents have a name of their own."""
    return tuple(f for f in model.functions if not f.startswith(f"{CURRENT}."))


def watch(program: Program, model: Model, names: Iterable[str]) -> None:
    """Add the reversal potentials and powers among `names` to a program; the step itself keeps its bits."""
    wanted = [n.partition("_") for n in names if n not in program.new and n not in program.functions]
    for current in dict.fromkeys(c for kind, _, c in wanted if kind in ("e", "p")):
        program.reversals[current] = _reversal(program, model, current)
    for current in dict.fromkeys(c for kind, _, c in wanted if kind == "p"):
        volts = _symbol(model.places[current]) - _symbol(program.reversals[current])
        program.powers[current] = _added(program, model, f"_p_{current}", _symbol(program.currents[current]) * volts)


def _reversal(program: Program, model: Model, current: str) -> str:
    """The name that holds the reversal potential of a current: a parameter, state or function where it is one."""
    whole, v = model.currents[current], _symbol(model.places[current])
    if any(v in _expanded(_symbol(s.name), model).free_symbols for s in whole.free_symbols - {v}):
        whole = _expanded(whole, model)
    reversal = sp.cancel(-whole.xreplace({v: sp.Integer(0)}) / _linear_slope(whole, v))
    return reversal.name if reversal.is_Symbol else _added(program, model, f"_E_{current}", _evaluated(reversal))


def _added(program: Program, model: Model, name: str, expr: sp.Expr) -> str:
    """The name under which an expression is now computed: in every step, or once where only parameters are in it."""
    while name in program.steps or name in dict(program.hoisted):
        name += "_"
    if {s.name for s in expr.free_symbols} <= set(model.params):
        program.hoisted.append((name, expr))
    else:
        program.steps[name] = expr
    return name


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

    def __init__(
        self,
        model: Model,
        method: Method,
        stimuli: tuple[Wave, ...],
        network: bool,
        most: tuple[tuple[int, int], ...],
    ) -> None:
        self.model, self.method, self.stimuli = model, method, stimuli
        self.arriving = Arriving(model, network, most)
        self.made = Program(functions=_functions(model))
        self.flows: dict[tuple[str, str], tuple[sp.Symbol, sp.Expr]] = {}
        self.moved: dict[str, dict[sp.Symbol, sp.Symbol]] = {}
        self.implicit = {x for s in model.schemes for x in s.states} if method.implicit_schemes else set()

    def program(self) -> Program:
        self.arriving.into(self.made)
        if self.method.propagated:
            self._propagated()
        elif self.method.voltage_first:
            self._voltage_first()
        else:
            self._stages()
        p, model = self.made, self.model
        p.threshold, p.rearm = _expanded(model.threshold, model), _expanded(model.rearm, model)
        p.reset = {x: _expanded(e, model) for x, e in model.reset.items()}
        if model.hazard is not None:
            p.hazard = _expanded(model.hazard, model)
            p.draws.append(Draw(CHANCE, _stream(CHANCE), normal=False))
        return p

    def _propagated(self) -> None:
        """All states move together, by the exponential of their matrix."""
        state = {x: _symbol(x) for x in self.model.states}
        slopes = {x: f for x, (f, _) in self._field(state, 0.0, "").items()}
        whole = {x: self._spelt(f) for x, f in slopes.items()}
        block = propagation.linear(self.model, whole, tuple(state), bool(self.stimuli))
        self.made.linear = block
        for x in state:
            self._moved(x, propagation.advanced(block, x), "", sp.S.Zero)

    def _spelt(self, expr: sp.Expr) -> sp.Expr:
        """An expression with all that the step computes for it written out, but for the injected current."""
        kept = {
            _symbol(n) for n in (*self.made.new.values(), "_v_seen", *([self.made.stimulus] if self.stimuli else []))
        }
        while names := [s for s in expr.free_symbols - kept if s.name in self.made.steps]:
            expr = expr.xreplace({s: self.made.steps[s.name] for s in names})
        return expr

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
                value = self._fluctuating(x, known[x]) or _text(self._update(x), known[x])
                self._moved(x, value, "", known[x]["j1"])
        self._occupied("")

    def _fluctuating(self, x: str, known: Mapping[str, sp.Expr]) -> sp.Expr | None:
        """A noisy state that is linear in itself and follows nothing else, moved exactly, as its spread is."""
        slope = known["j1"]
        if not any(x in w.states for w in self.model.noises.values()) or slope == 0:
            return None
        rest = sp.expand(self._spelt(known["k1"]) - slope * _symbol(x))
        if not (slope.free_symbols | rest.free_symbols) <= {_symbol(p) for p in self.model.params}:
            return None
        return sp.exp(DT * slope) * _symbol(x) + DT * rest * decay(DT * slope)

    def _voltage_first(self) -> None:
        """The voltage advances through its own texts; the other states then see the new voltage."""
        state: dict[str, sp.Symbol] = {x: _symbol(x) for x in self.model.states}
        for k, text in enumerate(self.method.voltage_first, start=1):
            f, j = self._field(state, 0.0, "" if k == 1 else f"_{k}")["v"]
            value = _text(text, {"x": state["v"], "dt": DT, "k1": f, "j1": j})
            last = k == len(self.method.voltage_first)
            tail = "" if k == 1 else f"_{k}"
            state = state | {"v": self._moved("v", value, tail, j) if last else self._named(f"_v_part{k}", value)}
        if self.model.kind == "reset" and not self.method.overshoot:
            peak = minimum(state["v"], _expanded(self.model.threshold, self.model))
            state = state | {"v": self._named("_v_seen", peak)}
        slopes = self._field(state, 0.0, "_after")
        kept = self._kept({x: f for x, (f, _) in slopes.items()})
        for x in self.model.states:
            f, j = slopes[x]
            if x in kept:
                self._moved(x, propagation.advanced(kept[x], x), "_after", sp.S.Zero)
            elif x != "v" and x not in self.implicit:
                known = {"x": state[x], "dt": DT, "k1": f, "j1": j}
                self._moved(x, self._fluctuating(x, known) or _text(self._update(x), known), "_after", j)
        self._occupied("_after")

    def _kept(self, slopes: dict[str, sp.Expr]) -> dict[str, Linear]:
        """States of receptors that are linear in one another and in nothing else: they move exactly."""
        if "exprel" not in self.method.update:
            return {}
        mounts = tuple(f"{key}." for key in self.model.receptors)
        whole = {x: self._spelt(f) for x, f in slopes.items() if x.startswith(mounts)}
        names = propagation.closed(whole, {_symbol(p) for p in self.model.params})
        if not names:
            return {}
        self.made.linear = propagation.linear(self.model, whole, names, driven=False)
        return dict.fromkeys(names, self.made.linear)

    def _occupied(self, tail: str) -> None:
        """Markov schemes one step on, implicitly, where the method is of that kind."""
        for scheme in self.model.schemes:
            if scheme.states[0] in self.implicit:
                rates = {pair: rate.xreplace(self.moved[tail]) for pair, rate in scheme.rates.items()}
                held = {p: self._named(f"_rate_{p[0]}_{p[1]}", r) for p, r in rates.items()}
                found = schemes.implicit(schemes.Scheme(scheme.states, held), DT, self._named)
                for x in scheme.states:
                    self._moved(x, found[x], tail, sp.S.Zero)

    def _update(self, x: str) -> str:
        return self.method.gates if self.method.gates and x in self.model.gates else self.method.update

    def _moved(self, x: str, value: sp.Expr, tail: str, slope: sp.Expr) -> sp.Symbol:
        """The new value of a state; the voltage, and what is held with it, stays while the neuron is refractory."""
        noise = self._noise(x, tail, slope)
        if noise != 0:
            value = value + noise
            value = minimum(maximum(value, sp.S.Zero), sp.S.One) if x in self.model.gates else value
        value = value + self.arriving.at(x)
        if (x == "v" or self.model.states[x].held) and self.model.refractory:
            free = self._named(f"_{x}_free", value)
            still = sp.S.Zero if self.method.update == SLOPE else _symbol(x)
            value = where(sp.Gt(_symbol(REFRACTORY), 0), still, free)
        new = self._named(f"_{x}_new", value)
        self.made.new[x] = new.name
        return new

    def _noise(self, x: str, tail: str, slope: sp.Expr) -> sp.Expr:
        """What Wiener processes add to a state in a step: its exact spread where the state is linear in itself."""
        moved = self.moved[tail]
        wieners = [(name, w) for name, w in self.model.noises.items() if x in w.states]
        parts = [w.states[x].xreplace(moved) * self._normal(name, w.correlation) for name, w in wieners]
        if not parts:
            return sp.S.Zero
        spread = self._named(f"_spread_{x}", sp.sqrt(DT * decay(2 * DT * slope) if slope != 0 else DT))
        return spread * sp.Add(*parts)

    def _normal(self, name: str, correlation: str) -> sp.Expr:
        """The normal number of a process in a step: its own, and with correlation one that cells share too."""
        own = Draw(f"_z_{name}", _stream(name))
        common = Draw(f"_z_shared_{name}", _stream(name), shared=True)
        self.made.draws += [d for d in (own, *([common] if correlation else [])) if d not in self.made.draws]
        if not correlation:
            return _symbol(own.name)
        c = _symbol(correlation)
        return sp.sqrt(1 - c) * _symbol(own.name) + sp.sqrt(c) * _symbol(common.name)

    def _field(self, state: Mapping[str, sp.Symbol], time: float, tail: str) -> dict[str, tuple[sp.Expr, sp.Expr]]:
        """Derivative and own slope of every state at `state`; names end with `tail`."""
        model = self.model
        moved = self.moved[tail] = {_symbol(x): s for x, s in state.items()} | self.arriving.sums
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


def _stream(name: str) -> int:
    """The stream of a process, by its name: other processes do not change it."""
    return zlib.crc32(name.encode())


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
    if not reversal.free_symbols - {_symbol(p) for p in model.params if p not in summed(model.couplings)}:
        return g * (moved[v] - reversal)
    return g * moved[v] + rest.xreplace(dict(moved))


def _check(model: Model, method: Method) -> None:
    if method.propagated and model.noises:
        raise errors.ModelError(
            "method 'linear'", f"model {model.name!r} is driven by Wiener processes", mend="Use 'exp_euler'."
        )
    if not method.exact:
        return
    if model.noisy:
        raise errors.ModelError(
            "method 'exact'", f"model {model.name!r} is noisy: its crossings have no closed form",
            mend="Use 'exp_euler', which has the same spread.",
        )  # fmt: skip
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


def _check_sums(model: Model, method: Method, network: bool) -> None:
    """Refuse what couplings cannot reach."""
    held = {_symbol(x) for x in summed(model.couplings)}
    if held and network and method.propagated:
        raise errors.ModelError("method 'linear'", f"neurons of {model.name!r} are coupled", mend="Use 'exp_euler'.")
    events = [model.threshold, model.rearm, *model.reset.values(), *([] if model.hazard is None else [model.hazard])]
    used = {s for e in events for s in _expanded(e, model).free_symbols}
    if held & used:
        name = min(s.name for s in held & used)
        raise errors.ModelError(
            f"model {model.name!r}", f"its threshold or reset depends on {name!r}, a coupling's sum"
        )


def _evaluated(expr: sp.Basic) -> sp.Basic:
    """The tree with nested sums and products flattened."""
    if not expr.args:
        return expr
    args = [_evaluated(a) for a in expr.args]
    if isinstance(expr, sp.Add | sp.Mul | sp.Pow):
        return expr.func(*args)
    return expr if list(expr.args) == args else expr.func(*args)
