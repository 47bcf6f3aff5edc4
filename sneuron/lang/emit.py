"""The emitter: a program becomes a readable, content-addressed Python module.

A block is one flat array of rows of `width` lanes: a lane is a parameter point, a
row a state, a parameter or a number computed once per run.  The time loop is
outside, the lane loop inside and free of branches, so that it packs into SIMD
registers; spikes are flagged inside it and recorded outside it.
"""

from __future__ import annotations

import textwrap
from collections.abc import Iterable
from dataclasses import dataclass

import sympy as sp

from sneuron.lang.assignments import CHANCE, CONSTANT, DRIVEN, REFRACTORY, TIMES, Program, Wave, decay
from sneuron.lang.closed import Closed
from sneuron.lang.draws import Draws
from sneuron.lang.methods import Method
from sneuron.lang.model import Model
from sneuron.lang.printer import Printer, mangled
from sneuron.lang.program import build, watch
from sneuron.lang.rows import ARMED, BEFORE, FLAG, LEVEL, PHASE, WAIT
from sneuron.lang.texts import Layout, function, indented, over_lanes, symbol_of

__all__ = ["Emitter", "Layout", "Source", "emit"]

EDGE = 2.0**-20
"""Stage times are moved inwards by this part of a step, so that the edges of a stimulus fall on one side of it."""
EDGE_32 = 2.0**-21
"""In float32 they are moved by this part of the time as well: more than what differences of times are rounded by."""

_BOUND = 1.0e4
WIDE_ROWS = 56
"""With so many rows a block of 64 lanes of float64 still fits the fastest cache; it draws numbers in fewer pieces."""
PATIENCE = 16
"""Steps that a block takes in the long form, once a lane was beyond the short one."""


@dataclass(frozen=True)
class Source:
    """A generated module and what is needed to drive it."""

    text: str
    layout: Layout
    program: Program
    recorded: tuple[str, ...]
    waves: tuple[Wave, ...]


def emit(
    model: Model,
    method: Method,
    dtype: str = "float64",
    waves: tuple[Wave, ...] = (),
    record: tuple[str, ...] = (),
    features: tuple[str, ...] = (),
    most: tuple[tuple[int, int], ...] = (),
) -> Source:
    """The module of `model` under `method`, recording `record` and accumulating `features`.

    `most` says how the spikes from outside are drawn (`sneuron.lang.arriving`).
    """
    program = build(model, method, waves, most=most)
    watch(program, model, [*record, *map(_feature_of, features)])
    return Emitter(model, method, dtype, waves, record, features, program).source()


class Emitter(Closed, Draws):
    wide = False
    """Whether blocks are wide whatever they hold."""

    def __init__(
        self,
        model: Model,
        method: Method,
        dtype: str,
        waves: tuple[Wave, ...],
        record: tuple[str, ...],
        features: tuple[str, ...],
        program: Program,
    ) -> None:
        self.model, self.method, self.dtype, self.waves, self.program = model, method, dtype, waves, program
        self.record, self.features = record, features
        self.closed = method.exact and model.kind == "reset"
        self.print = Printer(dtype)
        self.layout = self._layout()

    def _layout(self) -> Layout:
        p, model = self.program, self.model
        names = [*model.states, REFRACTORY, ARMED, BEFORE, FLAG, PHASE, *([WAIT] if self.closed else [])]
        names += [LEVEL] if model.moving_threshold else []
        names += [*(d.name for d in p.draws), *p.ports.values()]
        names += [*p.currents.values(), *(g for g in p.slopes.values() if g), p.stimulus, *self._watched()]
        names += [row for f in self.features for row in _feature_rows(f)]
        names += [*model.params, *(f"{w.name}.{q}" for w in self.waves for q in w.params)]
        names += [name for name, _ in p.hoisted]
        names += list(p.linear.rows.values()) if p.linear is not None else []
        names += [f"new.{x}" for x in model.states] if self._decays() else []
        rows = {name: row for row, name in enumerate(dict.fromkeys(names))}
        wide = self.wide or self.dtype == "float32" or (p.draws and len(rows) <= WIDE_ROWS)
        return Layout(64 if wide else 32, rows)

    def source(self) -> Source:
        parts = [self._head(), self._prepare(), *self._draw(), self._run(), *self._views()]
        return Source("\n\n".join(parts), self.layout, self.program, self.record, self.waves)

    def _head(self) -> str:
        states = ", ".join(self.model.states)
        head = textwrap.dedent(f'''\
            """Kernel of {states} under {self.method.name!r}, {self.dtype}; generated, not to be edited.

            form  {self.model.form}
            rows  {", ".join(self.layout.rows)}
            """

            import numpy as np
            from numba import njit

            from sneuron.lang.randoms import *
            from sneuron.lang.vector import *
            HELPERS
            F = np.{self.dtype}
            W = {self.layout.width}
            ONE, TWO, THREE = np.int32(1), np.int32(2), np.int32(3)
            OPTIONS = {{"cache": True, "nogil": True, "error_model": "numpy"}}
            ''')
        return head.replace("HELPERS", "\n".join([*self._helpers(), ""]).lstrip())

    def _helpers(self) -> list[str]:
        """What else the module imports."""
        return ["from sneuron.lang.propagation import propagate"] if self.program.linear else []

    def _clock(self) -> list[str]:
        """Stage times and played samples of a step, the same for all lanes."""
        used = {s.name for e in self.program.steps.values() for s in e.free_symbols}
        shift = {0.0: EDGE, 0.5: 0.5, 1.0: 1.0 - EDGE}
        inward = {at: f" * {1 + side * EDGE_32!r}" for at, side in ((0.0, 1), (1.0, -1)) if self.dtype == "float32"}
        times = {t: f"(_origin + (_now + {shift[at]!r}) * _dt){inward.get(at, '')}" for at, t in TIMES.items()}
        lines = [f"{t} = F({time})" for t, time in times.items() if t in used]
        for k, t, place in ((k, t, p) for k in range(len(self.waves)) for p, t in enumerate(TIMES.values())):
            if f"_w{k}{t}" in used:
                lines.append(f"_w{k}{t} = F(_wave[_rows[_b, {k}], 3 * (_now - _wave_start) + {place}])")
        return lines

    # -- once per run ------------------------------------------------------------------------------

    def _prepare(self) -> str:
        hoisted, linear = self.program.hoisted, self.program.linear
        extra = [*linear.matrix.values(), *linear.constant.values(), *linear.drive.values()] if linear else []
        loads = self._loads(n for n in self._needed(hoisted, extra) if n != "dt")
        lines = [*self._assignments(hoisted), *(self._store(n, mangled(n)) for n, _ in hoisted)]
        square = f"({len(linear.states) + 2}, {len(linear.states) + 2})" if linear else ""
        room = [f"_A, _L, _P = np.zeros({square}), np.full({square}, np.nan), np.zeros({square})"] if linear else []
        return function(
            "prepare", "_B, _dt", "Numbers that depend on parameters and dt alone.",
            ["dt = F(_dt)", *room, *over_lanes([*loads, *lines, *self._propagator()] or ["pass"])],
        )  # fmt: skip

    def _propagator(self) -> list[str]:
        """The exponential of the matrix of what is linear, entry by entry."""
        linear = self.program.linear
        if linear is None:
            return []
        columns = [*linear.states, CONSTANT, DRIVEN]
        parts = {(x, y): e for (x, y), e in linear.matrix.items()}
        parts |= {(x, CONSTANT): e for x, e in linear.constant.items()} | {
            (x, DRIVEN): e for x, e in linear.drive.items()
        }
        at = {c: k for k, c in enumerate(columns)}
        entries = [f"_A[{at[x]}, {at[y]}] = {self.print(e)}" for (x, y), e in parts.items() if e != 0]
        kept = [self._store(name, f"F(_P[{at[x]}, {at[y]}])") for (x, y), name in linear.rows.items()]
        return ["_A[:, :] = 0.0", *entries, "propagate(_A, _dt, _L, _P)", *kept]

    # -- the fused run -----------------------------------------------------------------------------

    def _run(self) -> str:
        loop = ["_now = _first + _s", *self._clock(), *self._numbers()]
        recorded = [(k, self.program.row(n)) for k, n in enumerate(self.record)]
        if self.record:
            loop += self._copies([(k, n) for k, n in recorded if self._is_state(n)])
        loop += [*self._lanes(), "_s += 1"]
        if self.record:
            loop += self._copies([(k, n) for k, n in recorded if not self._is_state(n)], after=True)
        loop += ["if _any:", *indented(["for _i in range(W):", *indented(self._events())])]
        body = [
            "_S = _B[_b]",
            "_s = _done[_b]",
            "_room = True",
            *(["_fresh = -1"] if self.program.draws else []),
            *(["_patience = 0"] if self._decays() else []),
            "while _s < _n and _room:",
            *indented(loop),
            "_done[_b] = _s",
        ]
        arguments = (
            "_B, _first, _done, _n, _dt, _origin, _wave, _rows, _wave_start, "
            "_times, _fill, _counts, _status, _bad, _rec, _every, _keys, _Z"
        )
        return function(
            "run", arguments, "Steps until the end, or until a block has no room for more spikes.",
            ["dt = F(_dt)", "_K = _times.shape[2]", "for _b in range(_B.shape[0]):", *indented(body)],
        )  # fmt: skip

    def _is_state(self, row: str) -> bool:
        """Whether a row holds what was before the step until the step is over."""
        return row in self.model.states or row == ARMED

    def _copies(self, what: list[tuple[int, str]], after: bool = False) -> list[str]:
        if not what:
            return []
        at = "(_s - 1)" if after else "_s"
        copies = [f"_rec[{k}, {at} // _every, _b, _i] = {self._at(n)}" for k, n in what]
        return [f"if {at} % _every == 0:", *indented(["for _i in range(W):", *indented(copies)])]

    def _lanes(self) -> list[str]:
        """One step of all lanes of a block.

        Where increments hold `decay`, lanes first take its short form, valid near 0, and note whether one of them
        was beyond it; then all take the form for any argument, which has the same bits where the short one is valid.
        """
        settle = ["for _i in range(W):", *indented(self._settle())]
        if not self._decays():
            both = [*self._advance([*self.program.new]), *self._settle()]
            return ["_any = np.int32(0)", "for _i in range(W):", *indented(both)]
        states = [x for x in self.program.new if x != "v" and x not in self._late()]
        groups = [["v"], states] if self.method.voltage_first and states else [[*self.program.new]]
        short = [line for group in groups for line in self._loop(group, near=True)]
        return [
            "_any, _wide = np.int32(0), np.int32(_patience)",
            "if _patience == 0:",
            *indented(short),
            *indented(["if _wide:", *indented([f"_patience = {PATIENCE}"])]),
            "else:",
            *indented(["_patience -= 1"]),
            "if _wide:",
            *indented([line for group in groups for line in self._loop(group)]),
            *settle,
        ]

    def _late(self) -> list[str]:
        """States whose new values are computed when all settle."""
        return []

    def _loop(self, states: list[str], near: bool = False) -> list[str]:
        """New values of some states of all lanes, kept aside; short loops leave the processor more to do at once."""
        p = self.program
        lines = self._advance(states, flagged=near)
        lines = [line.replace("decay(", "decay_near(") for line in lines] if near else lines
        keep = [self._store(f"new.{x}", mangled(p.new[x])) for x in states]
        return ["for _i in range(W):", *indented([*lines, *keep])]

    def _decays(self, body: Iterable[tuple[str, sp.Expr]] | None = None) -> list[sp.Expr]:
        """Arguments of `decay` in the increments of a step."""
        body = self.program.ordered(self.program.new.values()) if body is None else body
        found = {node.args[0] for _, expr in body for node in expr.atoms(decay)}
        return sorted(found, key=sp.core.sorting.default_sort_key)

    def _advance(self, states: list[str], flagged: bool = False) -> list[str]:
        """New values of states of a lane from the old values; with the voltage, what is watched or recorded too."""
        p = self.program
        after = "v" not in states
        extras = [n for n in self._watched() if n in p.steps and not after]
        body = p.ordered([*(p.new[x] for x in states), *extras], [p.new["v"]] if after else [])
        moved = [f"{mangled(p.new['v'])} = {self._at('new.v')}"] if after else []
        lines = [*moved, *self._loads(self._needed(body)), *self._assignments(body)]
        if flagged and self._decays(body):
            inside = " & ".join(f"(fabs({self.print(z)}) <= {self.print.number(2.0)})" for z in self._decays(body))
            lines.append(f"_wide = raise_flag(_wide, not ({inside}), ONE)")
        return [*lines, *(self._store(n, mangled(n)) for n in extras)]

    def _watched(self) -> list[str]:
        """Recorded or accumulated quantities that are not states."""
        names = map(self.program.row, [*self.record, *(_feature_of(f) for f in self.features)])
        return [n for n in dict.fromkeys(names) if n not in self.model.states]

    def _settle(self) -> list[str]:
        """Refractoriness, detection, bounds; the new values become the values."""
        p = self.program
        stems = [p.row(_feature_of(f)) for f in self.features]
        used = self._needed([], [p.threshold, p.rearm, *([p.hazard] if p.hazard is not None else [])])
        lines = self._loads(dict.fromkeys(["v", *stems, *(n for n in used if n not in p.new)]))
        if self._decays():
            late = self._late()
            lines += [f"{mangled(new)} = {self._at(f'new.{x}')}" for x, new in p.new.items() if x not in late]
            body = p.ordered([p.new[x] for x in late], [p.new["v"]])
            lines += [*self._loads(self._needed(body)), *self._assignments(body)]
        lines += self._loads(n for n in used if n in p.new and n != "v")
        lines += [line for f in self.features for line in self._accumulate(f)]
        if self.model.moving_threshold:
            lines.append(self._store(LEVEL, self.print(p.threshold)))
        moved = {symbol_of(x): symbol_of(new) for x, new in p.new.items()}
        lines += self._hold() + self._detect(moved, f"(_left <= {self.print.number(1.0)})") + self._guard()
        lines += [self._store(x, mangled(new)) for x, new in p.new.items()]
        return [
            *lines,
            self._store(BEFORE, "v"),
            self._store(FLAG, "F(_flag)"),
            "_any = raise_flag(_any, _flag != 0, ONE)",
        ]

    def _hold(self) -> list[str]:
        """Steps of refractoriness are counted."""
        if not self.model.refractory:
            return []
        kept = [self._store(WAIT, "_left")] if self.closed else []
        return [f"_left = {self._at(REFRACTORY)}", *kept, self._store(REFRACTORY, self._one_less("_left"))]

    def _detect(self, moved: dict[sp.Symbol, sp.Symbol], free: str) -> list[str]:
        """Whether the new voltage has reached the threshold, as that is at the same instant, or escapes below it."""
        p = self.program
        level, rearm = p.threshold.xreplace(moved), p.rearm.xreplace(moved)
        lines = [f"_up = _v_new >= {self.print(level)}"]
        if p.hazard is not None:
            waits = f" & {free}" if self.model.refractory else ""
            risk = f"-expm1(-({self.print(p.hazard.xreplace(moved))}) * dt)"
            return [*lines, *self._loads([CHANCE]), f"_spike = _up | (({CHANCE} < {risk}){waits})"]
        if self.model.kind == "reset":
            return [*lines, "_spike = _up"]
        one, zero = self.print.number(1.0), self.print.number(0.0)
        return [
            *lines,
            f"_armed = {self._at(ARMED)}",
            f"_spike = _up & (_armed > {zero})",
            f"_armed = either(_up, {zero}, either(_v_new < {self.print(rearm)}, {one}, _armed))",
            self._store(ARMED, "_armed"),
        ]

    def _guard(self) -> list[str]:
        """Flags: 1 a spike, 2 a state outside its bounds or not a number, 3 an event inside an exact step."""
        conditions = []
        for x, new in self.program.new.items():
            bounds = self._bounds(x)
            if bounds is not None:
                held = [(">=", bounds[0]), ("<=", bounds[1])]
                parts = [f"({mangled(new)} {sign} {self.print.number(b)})" for sign, b in held if abs(b) <= _BOUND]
                conditions.append(f"({' & '.join(parts)})")
        inside = " & ".join(conditions)
        lines = ["_flag = raise_flag(np.int32(0), _spike, ONE)"]
        if self.closed:
            zero = self.print.number(0.0)
            one = self.print.number(1.0)
            partial = f" | ((_left > {zero}) & (_left < {one}))" if self.model.refractory else ""
            lines = [f"_flag = raise_flag(np.int32(0), _spike{partial}, THREE)"]
        guard = f"(not ({inside}))"
        if self.model.kind == "reset":
            return [*lines, f"_flag = raise_flag(_flag, (_flag == 0) & {guard}, TWO)"]
        return [*lines, f"_flag = either({guard}, TWO, _flag)"]

    def _bounds(self, x: str) -> tuple[float, float] | None:
        state = self.model.states[x]
        if x == "v":
            return max(state.low, -_BOUND), min(state.high, _BOUND)
        if x in self.model.gates:
            return (-0.5, 1.5) if self._explicit(x) else None
        finite = [abs(b) < _BOUND for b in (state.low, state.high)]
        return (state.low, state.high) if any(finite) else None

    def _explicit(self, x: str) -> bool:
        text = self.method.gates if self.method.gates and x in self.model.gates else self.method.update
        return "exprel" not in text

    def _accumulate(self, feature: str) -> list[str]:
        name, kind = self.program.row(_feature_of(feature)), feature.rsplit("_", 1)[1]
        value, (row, *rest) = mangled(name), _feature_rows(feature)
        if kind in ("min", "max"):
            return [self._store(row, f"f{kind}({self._at(row)}, {value})")]
        if kind == "first":
            return [self._store(row, f"either({self._at(row)} == {self._at(row)}, {self._at(row)}, {value})")]
        lost = self._at(rest[0])  # compensated sum: no digits are lost over long runs
        return [
            f"_y = {value} - {lost}",
            f"_t = {self._at(row)} + _y",
            f"{lost} = (_t - {self._at(row)}) - _y",
            self._store(row, "_t"),
        ]

    # -- events, lane by lane ----------------------------------------------------------------------

    def _events(self) -> list[str]:
        """What happens to a flagged lane, outside the SIMD loop."""
        lines = [f"_flag = {self._at(FLAG)}"]
        failed = [
            "if _status[_b, _i] == 0:",
            *indented([
                f"_v = {self._at('v')}",
                "_status[_b, _i] = 3 if abs(_v) < np.inf else 2",
                "_bad[_b, _i] = _origin + _first * _dt + _s * _dt",
            ]),
        ]  # fmt: skip
        failed += self._safe()
        if self.closed:
            return [*lines, "if _flag == 3:", *indented(self._exact()), "elif _flag == 2:", *indented(failed)]
        return [*lines, "if _flag == 1:", *indented(self._spike()), "elif _flag == 2:", *indented(failed)]

    def _safe(self) -> list[str]:
        """A failed lane is parked at values that stay numbers; its results are void."""
        lines = []
        for x, state in self.model.states.items():
            finite = [b for b in (state.low, state.high) if abs(b) < _BOUND]
            value = 0.5 if x in self.model.gates else (sum(finite) / len(finite) if finite else 0.0)
            lines.append(self._store(x, self.print.number(value)))
        return lines

    def _crossing(self) -> str:
        """The part of the step after which the line from `_from` to `_to` meets the threshold, which may move, too."""
        level = self.print(self.program.threshold)
        if not self.model.moving_threshold:
            return f"_phase = ({level} - _from) / (_to - _from)"
        before = self._at(LEVEL)
        return f"_phase = ({before} - _from) / ((_to - _from) - ({level} - {before}))"

    def _spike(self) -> list[str]:
        phase = [
            *self._loads(self._needed([], [self.program.threshold])),
            f"_from = {self._at(BEFORE)}", f"_to = {self._at('v')}",
            self._crossing(),
            "if not (_phase > 0.0):", *indented(["_phase = F(0.0)"]),
            "if _phase > 1.0:", *indented(["_phase = F(1.0)"]),
            *self._escaped(),
            self._store(PHASE, "_phase"),
        ]  # fmt: skip
        time = "_origin + (_now + float(_phase)) * _dt"
        return [*phase, *self._note(time), *self._reset()]

    def _escaped(self) -> list[str]:
        """Spikes below the threshold lie at the end of their step."""
        if self.program.hazard is None:
            return []
        return [f"if _to < {self.print(self.program.threshold)}:", *indented(["_phase = F(1.0)"])]

    def _reset(self) -> list[str]:
        reset = list(self.program.reset.items())
        lines = self._loads(self._needed(reset))
        lines += [f"_{mangled(x)}_reset = {self.print(e)}" for x, e in reset]
        lines += [self._store(x, f"_{mangled(x)}_reset") for x, _ in reset]
        if self.model.refractory:
            lines.append(self._store(REFRACTORY, f"F(np.floor({self._at(self.model.refractory)} / _dt + 0.5))"))
        return lines

    # -- views of the same assignments -------------------------------------------------------------

    def _views(self) -> list[str]:
        texts = [self._ion(), self._detection(), self._resetting()]
        if self.model.refractory:
            texts.append(self._refraction())
        if self.model.moving_threshold:
            texts.append(self._threshold())
        if self.method.split:
            texts += [self._gates(), self._volt()]
        return texts

    def _view(self, name: str, doc: str, lines: list[str], ago: int | None = None) -> str:
        """A part of the step; `ago` says how many steps the clock is ahead of the random numbers that it uses."""
        arguments = "_B, _first, _dt, _origin, _wave, _rows, _wave_start, _keys, _Z"
        numbers = [] if ago is None else self._numbers(always=True)
        loop = ["_S = _B[_b]", *self._clock(), *numbers, "for _i in range(W):", *indented(lines or ["pass"])]
        now = f"dt, _now = F(_dt), _first - {ago}" if ago else "dt, _now = F(_dt), _first"
        return function(name, arguments, doc, [now, "for _b in range(_B.shape[0]):", *indented(loop)])

    def _slice(self, outputs: list[str], given: Iterable[str] = ()) -> list[str]:
        """Loads and assignments of the outputs."""
        body = self.program.ordered(outputs, given)
        return [*self._loads(self._needed(body)), *self._assignments(body)]

    def _ion(self) -> str:
        p = self.program
        names = [*p.currents.values(), *(g for g in p.slopes.values() if g), p.stimulus, *self._watched()]
        live = [n for n in dict.fromkeys(names) if n in p.steps]
        return self._view(
            "ion",
            "Currents and slope conductances at the state.",
            [*self._slice(live), *(self._store(n, mangled(n)) for n in live)],
        )

    def _threshold(self) -> str:
        level = self.program.threshold
        lines = [*self._loads(self._needed([], [level])), self._store(LEVEL, self.print(level))]
        return self._view("level", "The threshold at the state.", lines)

    def _gates(self) -> str:
        p = self.program
        moved = {x: n for x, n in p.new.items() if x != "v"}
        given = ["_v_new"] if self.method.voltage_first else []
        lines = self._slice(list(moved.values()), given)
        if given:
            lines = [f"_v_new = {self._at('v')}", *lines]
        return self._view(
            "gates",
            "All states but the voltage, one step on.",
            [*lines, *(self._store(x, mangled(n)) for x, n in moved.items())],
            ago=len(given),
        )

    def _volt(self) -> str:
        p = self.program
        given = [n for n in [*p.currents.values(), *p.slopes.values(), p.stimulus] if n]
        lines = self._loads(["v"]) + self._slice(["_v_new"], given)
        lines += [self._store(BEFORE, "v"), self._store("v", "_v_new")]
        if self.closed:
            lines += self._volt_closed(given)
        return self._view("volt", "The voltage, one step on, from the stored currents.", lines, ago=0)

    def _refraction(self) -> str:
        less = self._one_less(self._at(REFRACTORY))
        return self._view("refraction", "One step less to wait.", [self._store(REFRACTORY, less)])

    def _detection(self) -> str:
        if self.closed:
            return self._view("detection", "Spikes were found with the voltage.", [])
        p = self.program
        seen = [p.threshold, p.rearm, *([p.hazard] if p.hazard is not None else [])]
        zero, one = self.print.number(0.0), self.print.number(1.0)
        inside = f"either(_phase > {zero}, either(_phase > {one}, {one}, _phase), {zero})"
        lines = [
            *self._loads(dict.fromkeys([*self._needed([], seen), "v"])),
            "_v_new = _to = v",
            *self._detect({}, f"({self._at(REFRACTORY)} <= {zero})"),
            f"_from = {self._at(BEFORE)}",
            self._crossing(),
            f"_phase = {inside if p.hazard is None else f'either(_up, {inside}, {one})'}",
            self._store(PHASE, f"either(_spike, _phase, {self._at(PHASE)})"),
            self._store(FLAG, f"either(_spike, {one}, {zero})"),
        ]
        drawn = None if p.hazard is None else 1
        return self._view("detection", "Flags the lanes that spike, and where in the step.", lines, ago=drawn)

    def _resetting(self) -> str:
        return self._view(
            "resetting", "Resets the flagged lanes.",
            [f"if {self._at(FLAG)} == 1:", *indented(([] if self.closed else self._reset()) or ["pass"])],
        )  # fmt: skip


def _feature_rows(feature: str) -> list[str]:
    kind = feature.rsplit("_", 1)[1]
    return [f"feature.{feature}", f"feature.{feature}.lost"] if kind == "mean" else [f"feature.{feature}"]


def _feature_of(feature: str) -> str:
    return feature.rsplit("_", 1)[0]
