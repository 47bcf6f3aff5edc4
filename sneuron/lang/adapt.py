"""The second loop of the emitter: every lane has a time and a step of its own.

An attempt is made for all lanes of a block at once, without branches, so that it packs into SIMD registers: stages,
the error of the step, the next step (PI control), and whether the step holds.  What happens to single lanes (a spike,
an edge of a stimulus, the end, the next point) is done outside of it (`sneuron.lang.arrive`).  When a lane is done the
next point takes it.  A point's numbers depend on no other lane.
"""

from __future__ import annotations

import textwrap
from collections.abc import Iterable
from dataclasses import dataclass

import sympy as sp

from sneuron import errors, labels
from sneuron.lang.assignments import REFRACTORY, TIMES, Program, Wave
from sneuron.lang.edges import MIDDLE, frozen
from sneuron.lang.emit import Source
from sneuron.lang.expr import parse, symbol
from sneuron.lang.lean import Lean
from sneuron.lang.methods import SLOPE, Method
from sneuron.lang.model import Model
from sneuron.lang.printer import Printer, mangled
from sneuron.lang.program import build, watch
from sneuron.lang.rows import ARMED, BEFORE, FLAG, PHASE
from sneuron.lang.texts import Layout, Texts, function, indented, over_lanes

__all__ = ["ACCEPTED", "ERROR", "FREE", "LAST", "NOW", "REFUSED", "SPAN", "STEP", "TRIED", "emit"]

NOW, THEN, TRY, STEP, NEXT = "_now", "_then", "_try", "_step", "_next"
"""Time of a lane, time after the step that is tried, that step, the step that was wanted, the one wanted next."""
ERROR, ACCEPTED, TRIED, REFUSED = "_error", "_accepted", "_tried", "_refused"
"""Squared error of the attempt, and whether it held; attempts, and those refused."""
LAST, SPAN = "_last", "_span"
"""Of the last step that held: log2 of its squared error, and of its size."""
STOP, END, FREE, MID, PART, AT, DUE, SAMPLE, WHAT, LOW = (
    "_stop", "_end", "_free", MIDDLE.name, "_part", "_at", "_due", "_sample", "_what", "_low_at",
)  # fmt: skip
"""Where a lane stops; up to where it may step; when it is no longer refractory; a time between two edges; a part of a
step; the time of a stage; when the next sample is due, and its number; what happened in the attempt; the part of the
step at which the voltage was low enough for another spike."""

SPIKED, ARRIVED, OUTSIDE, STUCK, SAMPLED, REARMED = 1, 2, 4, 8, 16, 64
"""Flags of `WHAT`."""

SAFETY, LEAST, MOST = 0.75, 0.2, 5.0
"""A step is this part of what just holds; and grows or shrinks by no more than these.  With 0.9 a Hodgkin-Huxley neuron
takes 8 % more attempts for the same errors of its spikes: more of them are refused."""
FLOOR = -13.0
"""Errors smaller than 1 % of what is allowed are no trend (log2 of their square)."""
SHORTEST = 1e-11
"""No step that was refused is followed by one that is shorter than this (ms)."""
RUNAWAY = 1e-8
"""A neuron that is reset has spiked when its voltage would be at the threshold in this time (ms) at its speed."""
INSIDE = 3
"""At so many equal distances within a step it is looked for extremes of what has no derivative."""
_BOUND = 1.0e4
_ENTRIES = ("prepare", "run", "last")
"""Functions that are called from outside."""
ARMED_MEAN = f"feature.{labels.ARMED}_mean"
_SLOPES = Method("slopes", 1, ("x",), (0.0,), SLOPE)


def emit(
    model: Model,
    method: Method,
    dtype: str = "float64",
    waves: tuple[Wave, ...] = (),
    record: tuple[str, ...] = (),
    features: tuple[str, ...] = (),
) -> Source:
    """The module of `model` under a pair, recording `record` and accumulating `features`."""
    if dtype != "float64":
        raise errors.ParameterError(
            f"method {method.name!r}", f"{dtype} cannot hold the errors of adaptive steps", "float64"
        )
    if model.noisy:
        raise errors.ModelError(
            f"method {method.name!r}", f"model {model.name!r} is noisy: its error says nothing of the step",
            mend="Use a fixed step, such as 'exp_euler'.",
        )  # fmt: skip
    from sneuron.lang.arrive import Arrivals

    program = build(model, _SLOPES, tuple(frozen(w) for w in waves))
    watch(program, model, [*record, *(f.rsplit("_", 1)[0] for f in features)])
    return Arrivals(model, method, waves, record, features, program).source()


@dataclass(frozen=True)
class Names:
    """What has a derivative of its own in a step.

    Attributes
    ----------
    states : list of str
    means : dict of str to str
        Features that are integrals over the run, and what is integrated.
    extremes : dict of str to str
        Features that are the least or largest value of something.
    firsts : dict of str to str
        Features that are what something was at the start.
    stems : list of str
        What is looked at in every stage besides derivatives; `armed`, which has none, is not among them.
    armed : bool
        Whether it is looked at when another spike may come.
    """

    states: list[str]
    means: dict[str, str]
    extremes: dict[str, str]
    firsts: dict[str, str]
    stems: list[str]
    armed: bool

    @property
    def moving(self) -> list[str]:
        """States, and integrals that move like them."""
        return [*self.states, *(f"feature.{f}" for f in self.means)]


class Stages(Texts):
    """Text of an attempt."""

    def __init__(
        self,
        model: Model,
        method: Method,
        waves: tuple[Wave, ...],
        record: tuple[str, ...],
        features: tuple[str, ...],
        program: Program,
    ) -> None:
        self.model, self.method, self.waves, self.program = model, method, waves, program
        self.record, self.features = record, features
        self.print = Printer()
        self.names = _names(model, record, features)
        self.count = len(method.stages)
        self.pieces = self._pieces()
        self.kept, self.layout = self._layouts()

    # -- rows --------------------------------------------------------------------------------------

    def _pieces(self) -> dict[str, sp.Expr]:
        """Assignments that stay the same between two edges: they depend on parameters and on `MIDDLE` alone."""
        p = self.program
        still = {*self.model.params, *(f"{w.name}.{q}" for w in self.waves for q in w.params), MIDDLE.name, REFRACTORY}
        still |= {name for name, _ in p.hoisted}
        found: dict[str, sp.Expr] = {}
        for name, expr in p.steps.items():
            number = not isinstance(expr, sp.logic.boolalg.Boolean)
            if {s.name for s in expr.free_symbols} <= still and number and name not in p.new.values():
                found[name] = expr
                still.add(name)
        return found

    def _layouts(self) -> tuple[int, Layout]:
        """How many rows change and are kept for each point; all rows: first those, parameters, and what is scratch."""
        n, model = self.names, self.model
        moved = [*model.states, NOW, STEP, ERROR, LAST, SPAN, ACCEPTED, TRIED, REFUSED, FREE]
        moved += [REFRACTORY, ARMED, BEFORE, FLAG, PHASE]
        moved += [f"feature.{f}" for f in self.features]
        fixed = [*model.params, *(f"{w.name}.{q}" for w in self.waves for q in w.params)]
        fixed += [name for name, _ in self.program.hoisted]
        self.held = len(dict.fromkeys(moved + fixed))
        scratch = [THEN, TRY, NEXT, STOP, END, MID, PART, AT, DUE, SAMPLE, WHAT, LOW, *self.pieces]
        scratch += [f"_w{k}_{what}" for k in range(len(self.waves)) for what in ("value", "slope", "from")]
        scratch += [f"{kind}.{x}" for kind in ("y", "new") for x in n.moving]
        for j in range(1, self.count + 2):
            scratch += [*(f"k{j}.{x}" for x in n.states), *(f"at{j}.{stem}" for stem in n.stems)]
        scratch += [f"near.{f}" for f in n.extremes]
        scratch += [f"in{k}.{stem}" for stem in self._inside() for k in range(1, INSIDE + 1)]
        rows = dict.fromkeys([*moved, *fixed, *scratch])
        return len(moved), Layout(40, {name: row for row, name in enumerate(rows)})

    # -- the module --------------------------------------------------------------------------------

    def source(self) -> Source:
        """The whole module; points are kept as the rows that come first, blocks have them all."""
        held = Layout(self.layout.width, dict(list(self.layout.rows.items())[: self.held]))
        parts = [self._head(), self._prepare(), self._slopes(), self._piecewise(), self._dense(), self._attempt()]
        parts += [self._commit(), self._restart(), *self._functions()]
        parts = [p.replace("@njit(**OPTIONS)", "@njit(**INNER)") for p in parts]
        text = "\n\n".join(parts)
        for name in _ENTRIES:
            text = text.replace(f"@njit(**INNER)\ndef {name}(", f"@njit(**OPTIONS)\ndef {name}(")
        return Source(text, held, self.program, self.record, self.waves)

    def _functions(self) -> list[str]:
        return []

    def _head(self) -> str:
        model = self.model
        return textwrap.dedent(f'''\
            """Kernel of {model.name!r} under {self.method.name!r}, float64; generated, not to be edited.

            model {model.hash}
            rows  {", ".join(self.layout.rows)}
            """

            import numpy as np
            from numba import njit

            from sneuron.lang.lean import *
            from sneuron.lang.vector import *

            F = np.float64
            W = {self.layout.width}
            ROWS, HELD, KEPT = {len(self.layout.rows)}, {self.held}, {self.kept}
            ONE, TWO, THREE = np.int32(1), np.int32(2), np.int32(3)
            OPTIONS = {{"cache": True, "nogil": True, "error_model": "numpy"}}
            INNER = {{"error_model": "numpy", "no_cpython_wrapper": True, "no_cfunc_wrapper": True}}
            ''')

    def _prepare(self) -> str:
        """Numbers of each point, in blocks that hold less than those of the run."""
        hoisted = self.program.hoisted
        loads = self._loads(n for n in self._needed(hoisted) if n != "dt")
        lines = [*self._assignments(hoisted), *(self._store(n, mangled(n)) for n, _ in hoisted)]
        return function(
            "prepare", "_B, _dt", "Numbers that depend on parameters alone.", over_lanes([*loads, *lines] or ["pass"])
        )

    def _slopes(self) -> str:
        """Derivatives anew, from states that lie in rows."""
        lines = [f"{mangled(x)} = {self._at(f'y.{x}')}" for x in self.names.states]
        lines.append(f"{TIMES[0.0]} = {self._at(AT)}")
        doc = "Derivatives of all lanes at the states in y, kept in the rows after those of the stages."
        return self._block("slopes", doc, [*lines, *self._field(self.count + 1)])

    def _field(self, stage: int) -> list[str]:
        """One text of the derivatives for all stages, so that the same state has the same derivative in each."""
        p, n = self.program, self.names
        wanted = [*(p.new[x] for x in n.states), *(p.row(s) for s in n.stems if s not in n.states)]
        body = p.ordered(wanted, self.pieces)
        needed = [name for name in self._needed(body, [symbol(w) for w in wanted]) if name not in dict(body)]
        lines = self._loads(name for name in needed if name not in n.states)
        lines += self._playing(needed)
        printed = Lean()
        lines += [f"{mangled(name)} = {printed(expr)}" for name, expr in body]
        lines += [self._store(f"k{stage}.{x}", mangled(p.new[x])) for x in n.states]
        values = {stem: stem if stem in n.states else p.row(stem) for stem in n.stems}
        return [*lines, *(self._store(f"at{stage}.{stem}", mangled(value)) for stem, value in values.items())]

    def _playing(self, needed: Iterable[str]) -> list[str]:
        """What is played at the time of a stage: a straight line since the last sample."""
        at, lines = TIMES[0.0], []
        for k in range(len(self.waves)):
            if f"_w{k}{at}" in needed:
                value, slope, start = (self._at(f"_w{k}_{what}") for what in ("value", "slope", "from"))
                lines.append(f"_w{k}{at} = fma({at} - {start}, {slope}, {value})")
        return lines

    def _piecewise(self) -> str:
        body = list(self.pieces.items())
        lines = [*self._loads(self._needed(body)), *self._assignments(body)]
        lines += [self._store(name, mangled(name)) for name in self.pieces]
        return self._block("pieces", "What stays the same between two edges.", lines or ["pass"])

    def _dense(self) -> str:
        """Where the states are at a part of the step."""
        s = sp.Symbol("s", real=True)
        weights = [self.print(parse(text, {"s"}, "dense output")) for text in self.method.dense]
        lines = [f"s = {self._at(PART)}", f"_h = {self._at(TRY)}"]
        lines += [f"_b{j} = {text}" for j, text in enumerate(weights, 1)]
        for x in (x for x in self.names.moving if x != ARMED_MEAN):
            total = ""
            for j in range(1, len(weights) + 1):
                k = self._at(self._k(j, x))
                total = f"fma(_b{j}, {k}, {total})" if total else f"_b{j} * {k}"
            lines.append(self._store(f"y.{x}", f"fma(_h, {total}, {self._at(x)})"))
        lines.append(self._store(AT, f"fma(_h, {mangled(s.name)}, {self._at(NOW)})"))
        return self._block("dense", "States of all lanes at the part _part of their step.", lines)

    def _k(self, stage: int, x: str) -> str:
        """The row of a derivative in a stage; that of an integral is the value of what is integrated."""
        mean = self.names.means.get(x.removeprefix("feature."), "") if x.startswith("feature.") else ""
        return f"at{stage}.{mean}" if mean else f"k{stage}.{x}"

    def _attempt(self) -> str:
        """Stages and verdict, each a loop over the lanes: short loops leave the processor more to do at once."""
        last, lines = self.count, [f"_weight{k} = _weight[{k}]" for k in range(len(self.names.states))]
        for stage in range(2, last + 1):
            loop = self._aim() if stage == 2 else [f"dt = {self._at(TRY)}"]
            for x in self.names.states:
                loop.append(f"{mangled(x)} = {self._text(self.method.stages[stage - 1], x)}")
                loop += [self._store(f"new.{x}", mangled(x))] if stage == last else []
            loop += [*self._clocked(self.method.times[stage - 1]), *self._field(stage)]
            lines += ["for _i in range(W):", *indented(loop)]
        if self._inside():
            rows = ((self.layout.offset(f"in1.{stem}"), self._at(f"at{last + 1}.{stem}")) for stem in self._inside())
            further = self._store(PART, f"{self._at(PART)} + {1 / (INSIDE + 1)!r}")
            look = ["for _i in range(W):", *indented([further])]
            look += ["dense(_S)", "slopes(_S)", "for _i in range(W):"]
            look += indented([f"_S[{offset} + _k * W + _i] = {seen}" for offset, seen in rows])
            lines += ["for _i in range(W):", *indented([self._store(PART, "0.0")])]
            lines += [f"for _k in range({INSIDE}):", *indented(look)]
        verdict = [f"dt = {self._at(TRY)}", *self._verdict()]
        lines += ["_any = np.int32(0)", "for _i in range(W):", *indented(verdict)]
        doc = "One attempt of all lanes; whether anything happened that lanes must be looked at for, one by one."
        return function("attempt", "_S, _weight, _longest, _limit", doc, [*lines, "return _any"])

    def _aim(self) -> list[str]:
        """The step to try: what is wanted, but never beyond an edge."""
        now, end, step = self._at(NOW), self._at(END), self._at(STEP)
        return [
            f"_now, _end, dt = {now}, {end}, {step}",
            "_hit = 1.01 * dt >= _end - _now",
            "dt = either(_hit, _end - _now, dt)",
            self._store(TRY, "dt"),
            self._store(THEN, "either(_hit, _end, _now + dt)"),
        ]

    def _clocked(self, time: float) -> list[str]:
        """The time of a stage, where anything looks at it."""
        text = self._at(THEN) if time == 1.0 else f"fma(dt, {time!r}, {self._at(NOW)})"
        return [f"{TIMES[0.0]} = {text}"] if self._timed() else []

    def _timed(self) -> bool:
        used = {s.name for e in self.program.steps.values() for s in e.free_symbols}
        return any(TIMES[0.0] in name for name in used)

    def _text(self, text: str, x: str) -> str:
        """A text of the method for one state, its derivatives as rows."""
        names = ["x", "dt", *(f"k{j}" for j in range(1, self.count + 1))]
        known = parse(text, set(names), "integration method")
        rows = {"x": self._at(x)} | {f"k{j}": self._at(self._k(j, x)) for j in range(1, self.count + 1)}
        return _Rows(rows)(known)

    def _inside(self) -> list[str]:
        """Of what extremes are wanted that has no derivative: it is looked at in the middle of steps too."""
        wanted = {*self.names.extremes.values()} - {*self.names.states}
        return [stem for stem in self.names.stems if stem in wanted]

    # -- the verdict -------------------------------------------------------------------------------

    def _verdict(self) -> list[str]:
        """The error of the attempt, the next step, what happened; a step that holds is taken when nothing did."""
        return [
            *(self._store(f"new.feature.{f}", self._integral(f)) for f in self.names.means),
            *self._judged(),
            *self._paced(),
            *self._watched(),
            *self._bounded(),
            *(line for f in self.names.extremes for line in self._nearest(f)),
            self._store(FLAG, "0.0"),
            self._store(WHAT, "F(_what)"),
            "_any = raise_flag(_any, _what != 0, ONE)",
            "_quiet = _what == 0",
            *self._taken(),
        ]

    def _integral(self, feature: str) -> str:
        """The integral at the end of the step; that of `armed` where nothing happens in the step."""
        row = f"feature.{feature}"
        return (
            f"fma(dt, {self._at(ARMED)}, {self._at(row)})" if row == ARMED_MEAN else self._text(self.method.update, row)
        )

    def _judged(self) -> list[str]:
        """The error as the root of the mean square of those of the states, each as a part of its tolerance."""
        lines, total = [], ""
        for k, x in enumerate(self.names.states):
            lines.append(f"_e = _weight{k} * {self._text(self.method.error, x)}")
            total = "_e * _e" if not total else "fma(_e, _e, _square)"
            lines.append(f"_square = {total}")
        share = 1 / len(self.names.states)
        return [*lines, f"_square = _square * ({share!r} * dt * dt)", "_ok = _square <= 1.0"]

    def _paced(self) -> list[str]:
        """The next step in logarithms: what would just hold now, or what will if errors go on to grow as they do."""
        power = 0.5 / self.method.order
        low, high, safety = (float(sp.log(c, 2).evalf()) for c in (LEAST, MOST, SAFETY))
        return [
            "_log, _span = log2_rough(_square), log2_rough(dt)",
            f"_grow = fma({-power!r}, _log, {safety!r})",
            f"_trend = fma({power!r}, {self._at(LAST)} - _log, _span - {self._at(SPAN)})",
            "_grow = either(_ok, fmin(_grow, _grow + _trend), _grow)",
            f"_next = fmin(dt * exp2_rough(fmax(fmin(_grow, {high!r}), {low!r})), _longest)",
            f"_hit = {self._at(THEN)} >= {self._at(END)}",
            f"_next = either(_ok & _hit, fmax(_next, {self._at(STEP)}), _next)",
            self._store(NEXT, "_next"),
            self._store(LAST, f"either(_ok, fmax(_log, {FLOOR!r}), {self._at(LAST)})"),
            self._store(SPAN, f"either(_ok, _span, {self._at(SPAN)})"),
            self._store(ERROR, "_square"),
            self._store(ACCEPTED, "either(_ok, 1.0, 0.0)"),
            f"_tried = {self._at(TRIED)} + 1.0",
            self._store(TRIED, "_tried"),
            self._store(REFUSED, f"{self._at(REFUSED)} + either(_ok, 0.0, 1.0)"),
            "_what = raise_flag(np.int32(0), _ok & _hit, np.int32(2))",
            f"_short = (_next < {SHORTEST!r}) & (not _ok)",
            "_what = raise_flag(_what, _short | (_tried > _limit), np.int32(8))",
            *self._due(),
        ]

    def _due(self) -> list[str]:
        due = f"_ok & ({self._at(DUE)} < {self._at(THEN)})"
        return [f"_what = raise_flag(_what, {due}, np.int32(16))"] if self.record else []

    def _watched(self) -> list[str]:
        """Crossings of the threshold: up over the step, or up and down again within it."""
        resets = self.model.kind == "reset"
        armed = [] if resets else [f"({self._at(ARMED)} > 0.0)"]
        up, down = "_up", "_down"
        there = f"(fma({RUNAWAY!r}, {down}, _over) >= 0.0)" if resets else "(_over >= 0.0)"
        inside = [
            f"({up} > 0.0)", f"({down} < 0.0)", "(_gap < 0.0)",
            f"(_over + dt * fmax({up}, -{down}) > 0.0)",
        ]  # fmt: skip
        return [
            *self._gap("_gap", ""),
            f"_up = {self._climb(1)}",
            *self._gap("_over", "new."),
            f"_down = {self._climb(self.count)}",
            f"_what = raise_flag(_what, {' & '.join(['_ok', there, *armed])}, ONE)",
            f"_what = raise_flag(_what, {' & '.join(['_ok', '(_over < 0.0)', *inside, *armed])}, ONE)",
            *self._rearmed(),
        ]

    def _climb(self, stage: int) -> str:
        """How fast the voltage gains on its threshold, at the old or the new states, where those are loaded."""
        level = self.program.threshold
        moving = [x for x in self.names.states if symbol(x) in level.free_symbols]
        parts = [f"({self.print(sp.diff(level, symbol(x)))}) * {self._at(f'k{stage}.{x}')}" for x in moving]
        return " - ".join([self._at(f"k{stage}.v"), *parts])

    def _rearmed(self) -> list[str]:
        """Lanes in which another spike may come from somewhere in the step on."""
        if not self.names.armed:
            return []
        low = self._gap("_low", "new.", self.program.rearm)
        flag = f"_what = raise_flag(_what, _ok & (_low < 0.0) & ({self._at(ARMED)} <= 0.0), np.int32({REARMED}))"
        return [*low, flag, self._store(LOW, "2.0")]

    def _gap(self, name: str, kind: str, level: sp.Expr | None = None) -> list[str]:
        """How far the voltage lies above the threshold, at the old or the new states."""
        level = self.program.threshold if level is None else level
        needed = self._needed([], [level])
        loads = [f"{mangled(n)} = {self._at(kind + n if n in self.model.states else n)}" for n in needed]
        return [*loads, f"{name} = {self._at(f'{kind}v')} - {self.print(level)}"]

    def _bounded(self) -> list[str]:
        parts = []
        for x in self.names.states:
            low, high = self._bounds(x)
            new = self._at(f"new.{x}")
            parts += [f"({new} >= {low!r})"] if abs(low) <= _BOUND else []
            parts += [f"({new} <= {high!r})"] if abs(high) <= _BOUND else []
        return [f"_what = raise_flag(_what, _ok & (not ({' & '.join(parts)})), np.int32(4))"]

    def _bounds(self, x: str) -> tuple[float, float]:
        state = self.model.states[x]
        if x == "v":
            return max(state.low, -_BOUND), (_BOUND if self.model.kind == "reset" else min(state.high, _BOUND))
        return (-0.5, 1.5) if x in self.model.gates else (state.low, state.high)

    def _nearest(self, feature: str) -> list[str]:
        """The least or largest value in the step: of the cubic of both ends, or of the parabola through the middle."""
        stem, kind = feature.rsplit("_", 1)
        pick = f"f{kind}"
        if stem == labels.ARMED:
            return [self._store(f"near.{feature}", self._at(ARMED))]
        if stem in self.names.states:
            one, two, up, down = (self._at(n) for n in (stem, f"new.{stem}", f"k1.{stem}", f"k{self.count}.{stem}"))
            inner = [
                f"_p, _q = dt * {up}, dt * {down}",
                "_d = _two - _one",
                "_a, _b = 3.0 * (_p + _q - 2.0 * _d), 2.0 * (3.0 * _d - 2.0 * _p - _q)",
                "_root = sqrt(fmax(_b * _b - 4.0 * _a * _p, 0.0))",
                f"_s = -2.0 * _p / (_b {'+' if kind == 'min' else '-'} _root)",
                "_s = either((_s > 0.0) & (_s < 1.0), _s, 0.0)",
                "_in = _one + _s * (_p + _s * (0.5 * _b + _s * (_a * 0.3333333333333333)))",
            ]
        else:
            return self._nearest_seen(feature, stem, pick)
        return [
            f"_one, _two = {one}, {two}",
            *inner,
            self._store(f"near.{feature}", f"{pick}({pick}(_one, _two), _in)"),
        ]

    def _nearest_seen(self, feature: str, stem: str, pick: str) -> list[str]:
        """The same of what has no derivative: parabolas through three neighbours of what was seen in the step."""
        last = INSIDE + 1
        rows = [f"at1.{stem}", *(f"in{k}.{stem}" for k in range(1, last)), f"at{self.count}.{stem}"]
        lines = [f"_seen{k} = {self._at(row)}" for k, row in enumerate(rows)]
        lines.append(f"_in = {pick}(_seen0, _seen{last})")
        for k in range(1, last):
            lines += [
                f"_a, _b = _seen{k - 1} + _seen{k + 1} - 2.0 * _seen{k}, 0.5 * (_seen{k + 1} - _seen{k - 1})",
                "_s = -_b / _a",
                "_s = either((_s > -1.0) & (_s < 1.0), _s, 0.0)",
                f"_in = {pick}(_in, _seen{k} + _s * (_b + _s * (0.5 * _a)))",
            ]
        return [*lines, self._store(f"near.{feature}", "_in")]

    # -- what holds --------------------------------------------------------------------------------

    def _commit(self) -> str:
        """Few lanes are looked at one by one: they are taken so, and the others need no second look."""
        lines = [f"_ok, _quiet = {self._at(ACCEPTED)} > 0.0, True", f"_next = {self._at(NEXT)}"]
        lines += [] if self.model.kind == "reset" else self._gap("_over", "new.")
        some = [f"if {self._at(WHAT)} > 0.0:", *indented(lines + self._taken())]
        return self._block("commit", "Steps of lanes to which something happened are taken too.", some)

    def _taken(self) -> list[str]:
        """What a step that holds leaves: states, time, first derivatives, the detector, features."""
        lines = [self._store(STEP, f"either(_quiet, _next, {self._at(STEP)})"), "_ok = _ok & _quiet"]
        if self.model.kind != "reset":
            up = "either(_over >= 0.0, 0.0, either(_low < 0.0, 1.0, _armed))"
            lines += self._gap("_low", "new.", self.program.rearm)
            lines += [f"_armed = {self._at(ARMED)}", self._store(ARMED, f"either(_ok, {up}, _armed)")]
        taken = [(NOW, THEN), *((x, f"new.{x}") for x in self.names.moving)]
        taken += [(f"k1.{x}", f"k{self.count}.{x}") for x in self.names.states]
        taken += [(f"at1.{stem}", f"at{self.count}.{stem}") for stem in self.names.stems]
        taken += [(f"feature.{f}", f"near.{f}") for f in self.names.extremes]
        for to, source in taken:
            kind = to.rsplit("_", 1)[1] if source.startswith("near.") else ""
            value = f"f{kind}({self._at(to)}, {self._at(source)})" if kind else self._at(source)
            lines.append(self._store(to, f"either(_ok, {value}, {self._at(to)})"))
        return lines

    def _restart(self) -> str:
        """First derivatives anew: for lanes that stand at an edge, or are new."""
        n, last = self.names, self.count + 1
        lines = [self._store(f"y.{x}", self._at(x)) for x in n.states]
        lines.append(self._store(AT, self._at(NOW)))
        taken = [self._store(f"k1.{x}", self._at(f"k{last}.{x}")) for x in n.states]
        taken += [self._store(f"at1.{stem}", self._at(f"at{last}.{stem}")) for stem in n.stems]
        for feature, stem in n.firsts.items():
            row = self._at(f"feature.{feature}")
            taken.append(self._store(f"feature.{feature}", f"either({row} == {row}, {row}, {self._first(stem)})"))
        loop = ["for _i in range(W):", *indented(lines), "pieces(_S)", "slopes(_S)"]
        loop += ["for _i in range(W):", *indented(taken)]
        return function("restart", "_S", "First derivatives of all lanes, from their states.", loop)

    def _first(self, stem: str) -> str:
        """What is watched, at the start of a step."""
        return self._at(ARMED if stem == labels.ARMED else stem if stem in self.names.states else f"at1.{stem}")

    def _block(self, name: str, doc: str, lines: list[str], arguments: str = "_S") -> str:
        return function(name, arguments, doc, ["for _i in range(W):", *indented(lines)])


class _Rows(Printer):
    """Prints texts of methods with names that stand for rows."""

    def __init__(self, rows: dict[str, str]) -> None:
        super().__init__()
        self.rows = rows

    def __call__(self, expr: sp.Basic) -> str:
        if not isinstance(expr, sp.Symbol):
            return super().__call__(expr)
        name = str(expr.name)
        return self.rows.get(name, name)


def _names(model: Model, record: tuple[str, ...], features: tuple[str, ...]) -> Names:
    parts = {f: f.rsplit("_", 1) for f in features}
    kinds = {
        kind: {f: stem for f, (stem, own) in parts.items() if own in kind.split()}
        for kind in ("mean", "min max", "first")
    }
    means, extremes, firsts = kinds.values()
    states = list(model.states)
    seen = [*means.values(), *(s for s in (*extremes.values(), *firsts.values(), *record) if s not in states)]
    stems = [s for s in dict.fromkeys(seen) if s != labels.ARMED]
    return Names(states, means, extremes, firsts, stems, labels.ARMED in seen)
