"""What happens to single lanes of an adaptive block: spikes, samples, edges, the end, and the next point.

The text of it stands outside the SIMD loops: few lanes need it in an attempt.
"""

from __future__ import annotations

import sympy as sp

from sneuron import labels
from sneuron.lang.adapt import (
    ARMED_MEAN,
    DUE,
    END,
    FREE,
    LOW,
    MID,
    NEXT,
    NOW,
    OUTSIDE,
    PART,
    REARMED,
    RUNAWAY,
    SAMPLE,
    SPAN,
    SPIKED,
    STEP,
    STOP,
    STUCK,
    THEN,
    TRY,
    WHAT,
    Stages,
)
from sneuron.lang.assignments import REFRACTORY
from sneuron.lang.edges import AHEAD, edges
from sneuron.lang.expr import parse, symbol
from sneuron.lang.printer import mangled
from sneuron.lang.rows import ARMED, FLAG, PHASE
from sneuron.lang.texts import function, indented

__all__ = ["Arrivals"]

CUT = 32
"""Flag of `WHAT`: the step ends at a spike."""
CLOSE = 1e-6
"""A root is found when Newton's method moved by less than this part of the step: it is then right to the square."""
SOON = 2.0**-40
"""Edges nearer than this part of the time (or of 1 ms) are one."""
_PLAYED = "_wave, _spots, _played, _rows"
_LANES = f"_B, _S, _queue, _at, _lane, _stop, _grid, {_PLAYED}"


class Arrivals(Stages):
    """Text of a whole run over many points, a block of lanes at a time."""

    def _functions(self) -> list[str]:
        cut = [self._cut()] if self._resets() else []
        sampled = [self._sampled()] if self.record else []
        low = [self._lowered()] if self.names.armed else []
        parts = [self._ahead(), self._fill(), self._keep(), self._located(), *low, *sampled, *cut]
        return [*parts, self._look(), self._arrive(), self._last(), self._run()]

    def _resets(self) -> bool:
        return self.model.kind == "reset"

    # -- up to where a lane may step ---------------------------------------------------------------

    def _ahead(self) -> str:
        counts, times = edges(self.waves)
        needed = [n for n in self._needed(counts, times) if n != AHEAD.name]
        lines = [
            f"_now = {self._at(NOW)}",
            f"{AHEAD.name} = _now + {SOON!r} * max(1.0, abs(_now))",
            f"_to = {self._at(STOP)}",
            *self._refractory(),
            *self._loads(needed),
            *self._assignments(counts),
        ]
        for time in times:
            lines += [f"_t = {self.print(time)}", f"if _t > {AHEAD.name}:", *indented(["_to = min(_to, _t)"])]
        for k, wave in enumerate(self.waves):
            lines += self._piece(k) if wave.played else []
        lines += [self._store(END, "_to"), self._store(MID, "_now + 0.5 * min(_to - _now, 1.0)")]
        doc = "Up to where a lane may step: an edge, the end of refractoriness, a sample of what is played, its stop."
        return function("ahead", f"_S, _i, _q, {_PLAYED}", doc, lines)

    def _refractory(self) -> list[str]:
        if not self.model.refractory:
            return [self._store(REFRACTORY, "0.0")]
        free = self._at(FREE)
        return [
            self._store(REFRACTORY, "0.0"),
            f"if {free} > {AHEAD.name}:",
            *indented([self._store(REFRACTORY, "1.0"), f"_to = min(_to, {free})"]),
        ]

    def _piece(self, k: int) -> list[str]:
        """What is played until its next sample: a straight line, or the last sample held; 0 outside."""
        value, slope, start = (f"_w{k}_{what}" for what in ("value", "slope", "from"))
        return [
            f"_row, _begin, _gap, _hold = _rows[_q // W, {k}], _played[{k}, 0], _played[{k}, 1], _played[{k}, 2]",
            "_first, _many = _spots[_row, 0], _spots[_row, 1]",
            f"_x = ({AHEAD.name} - _begin) / _gap",
            self._store(value, "0.0"),
            self._store(slope, "0.0"),
            self._store(start, "_now"),
            "if _x < 0.0:",
            *indented(["_to = min(_to, _begin)"]),
            "elif _x < _many - 1.0 + _hold:",
            *indented([
                "_n = int(_x)",
                self._store(start, "_begin + _n * _gap"),
                self._store(value, "_wave[_first + _n]"),
                "if _hold == 0.0:",
                *indented([self._store(slope, "(_wave[_first + _n + 1] - _wave[_first + _n]) / _gap")]),
                "_t = _begin + (_n + 1) * _gap",
                f"_to = min(_to, _t if _t > {AHEAD.name} else _begin + (_n + 2) * _gap)",
            ]),
        ]  # fmt: skip

    # -- points come and go ------------------------------------------------------------------------

    def _fill(self) -> str:
        """The next point that has anything to do takes the lane; without one the lane stands still."""
        first = "max(0.0, np.ceil((_now - _grid[0]) / _grid[1] - 1e-9))"
        take = [
            "_q = _queue[_at[0]]",
            "_at[0] += 1",
            f"_now = _B[_q // W, {self.layout.offset(NOW)} + _q % W]",
            "if _now < _stop[_q]:",
            *indented([
                "for _r in range(HELD):",
                *indented(["_S[_r * W + _i] = _B[_q // W, _r * W + _q % W]"]),
                self._store(STOP, "_stop[_q]"),
                self._store(SAMPLE, first),
                f"_n = {self._at(SAMPLE)}",
                self._store(DUE, "_grid[0] + _n * _grid[1] if _n < _grid[2] else np.inf"),
                "_lane[_i] = _q",
                "ahead(_S, _i, _q, _wave, _spots, _played, _rows)",
                "return 1",
            ]),
        ]  # fmt: skip
        lines = [
            "while _at[0] < _queue.size:",
            *indented(take),
            "_lane[_i] = -1",
            self._store(STEP, "0.0"),
            self._store(END, "np.inf"),
            self._store(DUE, "np.inf"),
            "return 0",
        ]
        return function("fill", f"{_LANES}, _i", "The next point takes a lane; 0 when there is none.", lines)

    def _keep(self) -> str:
        lines = [
            "_q = _lane[_i]",
            "for _r in range(KEPT):",
            *indented(["_B[_q // W, _r * W + _q % W] = _S[_r * W + _i]"]),
        ]
        return function("keep", "_B, _S, _lane, _i", "The point of a lane goes back to where it is kept.", lines)

    # -- spikes ------------------------------------------------------------------------------------

    def _located(self) -> str:
        """The part of the step at which the threshold is reached, on the dense output: Newton's method in a bracket."""
        bump = [
            "s = _n * 0.0625",
            *self._gap_at(self.program.threshold),
            "if _g >= 0.0:",
            *indented(["_lo, _hi, _gap, _over = s - 0.0625, s, _before, _g", "break"]),
            "_before = _g",
        ]
        lines = [
            *self._gap("_gap", ""),
            "if _gap >= 0.0:",
            *indented(["return 0.0"]),
            *self._gap("_over", "new."),
            *(self._ran_away() if self._resets() else []),
            *self._polynomials(self.program.threshold),
            "_lo, _hi = 0.0, 1.0",
            "if _over < 0.0:",
            *indented(["_lo, _before = 2.0, _gap", "for _n in range(1, 16):", *indented(bump)]),
            "if _lo > 1.0:",
            *indented(["return -1.0"]),
            "s = _lo + (_hi - _lo) * _gap / (_gap - _over)",
            *self._narrowed(self.program.threshold),
        ]
        doc = "Where in the step the voltage reaches its threshold; -1 when it only came near."
        return function("located", "_S, _i", doc, lines)

    def _lowered(self) -> str:
        """The part of the step, after `_lo`, at which the voltage falls below the level that allows another spike."""
        level = self.program.rearm
        lines = [
            *self._loads(n for n in self._needed([], [level]) if n not in self.names.states),
            *self._polynomials(level),
            "_hi = 1.0",
            "s = _lo",
            *self._gap_at(level),
            "if _g <= 0.0:",
            *indented(["return _lo"]),
            "s = 0.5 * (_lo + _hi)",
            *self._narrowed(level, falls=True),
        ]
        doc = "Where in the step, from _lo on, the voltage falls below the level that allows another spike."
        return function("lowered", "_S, _i, _lo", doc, lines)

    def _narrowed(self, level: sp.Expr, falls: bool = False) -> list[str]:
        """The crossing of a level between `_lo` and `_hi`, from the guess `s` on."""
        step = [
            *self._gap_at(level, slope=True),
            f"if _g {'<' if falls else '>='} 0.0:",
            *indented(["_hi = s"]),
            "else:",
            *indented(["_lo = s"]),
            "_to = s - _g / _d",
            "if not (_to > _lo and _to < _hi):",
            *indented(["_to = 0.5 * (_lo + _hi)"]),
            "_moved = abs(_to - s)",
            "s = _to",
            f"if _moved < {CLOSE!r}:",
            *indented(["break"]),
        ]
        return ["for _n in range(60):", *indented(step), "return s"]

    def _ran_away(self) -> list[str]:
        """A voltage that is as good as at its threshold when the step ends."""
        soon = f"_over + {RUNAWAY!r} * {self._at(f'k{self.count}.v')}"
        return [f"if _over < 0.0 and {soon} >= 0.0:", *indented(["return 1.0"])]

    def _moving_levels(self, level: sp.Expr) -> list[str]:
        """States on which the crossing of a level depends."""
        free = {s.name for s in level.free_symbols}
        return ["v", *(x for x in self.names.states if x in free and x != "v")]

    def _polynomials(self, level: sp.Expr) -> list[str]:
        """States over the step as polynomials of the part of it."""
        s = sp.Symbol("s", real=True)
        weights = [sp.Poly(parse(text, {"s"}, "dense output"), s) for text in self.method.dense]
        lines = [f"_h = {self._at(TRY)}"]
        for n, x in enumerate(self._moving_levels(level)):
            for power in range(1, 1 + max(w.degree() for w in weights)):
                text = ""
                for j, w in enumerate(weights, 1):
                    c = float(w.coeff_monomial(s**power))
                    k = self._at(self._k(j, x))
                    text = text if c == 0.0 else f"fma({c!r}, {k}, {text})" if text else f"{c!r} * {k}"
                lines.append(f"_p{n}_{power} = _h * ({text})")
            lines.append(f"_p{n}_0 = {self._at(x)}")
        return lines

    def _gap_at(self, level: sp.Expr, slope: bool = False) -> list[str]:
        """How far the voltage lies above a level at a part of the step; and how that changes."""
        degree = max(sp.Poly(parse(t, {"s"}, "dense output")).degree() for t in self.method.dense)
        lines, moving = [], self._moving_levels(level)
        for n, x in enumerate(moving):
            text = f"_p{n}_{degree}"
            for power in range(degree - 1, -1, -1):
                text = f"fma({text}, s, _p{n}_{power})"
            lines.append(f"{mangled(x)} = {text}")
        lines.append(f"_g = v - {self.print(level)}")
        if not slope:
            return lines
        for n in range(len(moving)):
            text = f"{degree}.0 * _p{n}_{degree}"
            for power in range(degree - 1, 0, -1):
                text = f"fma({text}, s, {power}.0 * _p{n}_{power})"
            lines.append(f"_d{n} = {text}")
        changes = [(n, sp.diff(level, symbol(x))) for n, x in enumerate(moving)]
        text = " - ".join(["_d0", *(f"{self.print(c)} * _d{n}" for n, c in changes if c != 0)])
        return [*lines, f"_d = {text}"]

    def _look(self) -> str:
        """Spikes of the lanes that have one, and samples that are due."""
        spike = [
            "_s = located(_S, _i)",
            "if _s >= 0.0:",
            *indented([
                f"_t = {self._at(NOW)} + _s * {self._at(TRY)}",
                "_counts[_q // W, _q % W] += 1",
                "if _times.size > 0:",
                *indented(["_times[_at[2]], _who[_at[2]] = _t, _q", "_at[2] += 1"]),
                self._store(FLAG, "1.0"),
                self._store(PHASE, "_s"),
                *self._spiked(),
            ]),
        ]  # fmt: skip
        one = [
            f"if {self._at(WHAT)} == 0.0:",
            *indented(["continue"]),
            "_q = _lane[_i]",
            "if _q < 0:",
            *indented([self._store(WHAT, "0.0")]),
            f"elif int({self._at(WHAT)}) & {SPIKED}:",
            *indented(spike),
        ]
        one += self._opened() if self.names.armed else []
        one += [f"_all |= int({self._at(WHAT)})"]
        lines = ["_all = 0", "for _i in range(W):", *indented(one)]
        lines += ["if _all & 16:", "    sampled(_S, _lane, _grid, _rec)"] if self.record else []
        lines += [f"if _all & {CUT}:", "    cut(_S, _fresh)"] if self._resets() else []
        lines += [f"return _all & {2 | OUTSIDE | STUCK | CUT}"]
        doc = "What happened within the steps that hold: spikes, and samples that were due."
        return function("look", "_S, _fresh, _at, _lane, _grid, _times, _who, _counts, _rec", doc, lines)

    def _opened(self) -> list[str]:
        """From where on in the step another spike may come, and for how much of it one might have."""
        spiked, before = f"{self._at(FLAG)} > 0.0", f"({self._at(ARMED)} > 0.0 or {self._at(FLAG)} > 0.0)"
        mean = ARMED_MEAN.removeprefix("feature.") in self.names.means
        share = f"(_until if _open else 0.0) + max(1.0 - {self._at(LOW)}, 0.0)"
        total = f"{self._at(ARMED_MEAN)} + {self._at(TRY)} * ({share})" if mean else ""
        lines = [
            f"_open, _until = {before}, {self._at(PHASE)} if {spiked} else 1.0",
            *self._gap("_low", "new.", self.program.rearm),
            f"if _low < 0.0 and (not _open or {spiked}):",
            *indented([self._store(LOW, "lowered(_S, _i, _until if _open else 0.0)")]),
            *([self._store(f"new.{ARMED_MEAN}", total)] if mean else []),
        ]
        return [f"if _q >= 0 and int({self._at(WHAT)}) & {SPIKED | REARMED}:", *indented(lines)]

    def _spiked(self) -> list[str]:
        if not self._resets():
            return [self._store(ARMED, "0.0")]
        cut = f"float((int({self._at(WHAT)}) & 16) | {CUT})"
        return [self._store(THEN, "_t"), self._store(WHAT, cut)]

    def _cut(self) -> str:
        """Steps end where the threshold was reached: the states there, reset."""
        reset = list(self.program.reset.items())
        lines = [self._store(f"new.{x}", self._at(f"y.{x}")) for x in self.names.moving]
        for feature, stem in self.names.extremes.items():
            row = f"y.{stem}" if stem in self.names.states else f"at1.{stem}"
            start = stem if stem in self.names.states else f"at1.{stem}"
            pick = f"f{feature.rsplit('_', 1)[1]}"
            lines.append(self._store(f"near.{feature}", f"{pick}({self._at(start)}, {self._at(row)})"))
        needed = self._needed(reset)
        lines += [f"{mangled(n)} = {self._at(f'y.{n}' if n in self.names.states else n)}" for n in needed]
        lines += [self._store(f"new.{x}", self.print(e)) for x, e in reset]
        if self.model.refractory:
            wait = self._at(self.model.refractory)
            lines += [f"if {wait} > 0.0:", *indented([self._store(FREE, f"{self._at(THEN)} + {wait}")])]
        lines += [self._store(NEXT, f"max({self._at(NEXT)}, _fresh)"), self._store(SPAN, "-100.0")]
        loop = ["for _i in range(W):", *indented([self._store(PART, self._at(PHASE))]), "dense(_S)"]
        loop += ["for _i in range(W):", *indented([f"if int({self._at(WHAT)}) & {CUT}:", *indented(lines)])]
        return function("cut", "_S, _fresh", "Steps with a spike end there, and the neuron is reset.", loop)

    def _sampled(self) -> str:
        """Samples that are due within steps that hold, those of all lanes together."""
        due = f"{self._at(DUE)} < {self._at(THEN)} and int({self._at(WHAT)}) & 16"
        last = self.count + 1
        slopes = ["slopes(_S)"] if {*self.record} & {*self.names.stems} - {*self.names.states} else []
        values = [
            self._at(f"y.{r}" if r in self.names.states else f"at{last}.{r}") for r in self.record if r != labels.ARMED
        ]
        if labels.ARMED in self.record:
            values.insert(self.record.index(labels.ARMED), self._open_at())
        take = [
            f"_n, _q = int({self._at(SAMPLE)}), _lane[_i]",
            *(f"_rec[{k}, _n, _q // W, _q % W] = {value}" for k, value in enumerate(values)),
            self._store(SAMPLE, "_n + 1.0"),
            self._store(DUE, "_grid[0] + (_n + 1.0) * _grid[1] if _n + 1.0 < _grid[2] else np.inf"),
        ]
        part = f"({self._at(DUE)} - {self._at(NOW)}) / {self._at(TRY)}"
        more = [
            "_some = 0",
            "for _i in range(W):",
            *indented([f"if {due}:", *indented([self._store(PART, part), "_some = 1"])]),
            "if _some:",
            *indented(["dense(_S)", *slopes, "for _i in range(W):", *indented([f"if {due}:", *indented(take)])]),
        ]
        lines = ["_some = 1", "while _some:", *indented(more)]
        return function("sampled", "_S, _lane, _grid, _rec", "Samples on a regular grid, from the dense output.", lines)

    def _open_at(self) -> str:
        """Whether a spike might come at the part `PART` of the step."""
        part, spiked = self._at(PART), f"{self._at(FLAG)} > 0.0"
        closed = f"({spiked} and {part} > {self._at(PHASE)}) or not ({self._at(ARMED)} > 0.0 or {spiked})"
        return f"0.0 if {part} <= {self._at(LOW)} and ({closed}) else 1.0"

    # -- arrivals ----------------------------------------------------------------------------------

    def _arrive(self) -> str:
        """Lanes that stand at an edge look for the next; those that are done, or failed, make room."""
        stuck = " and ".join(f"abs({self._at(f'new.{x}')}) < np.inf" for x in self.names.states)
        failed = [
            "_code = 5",
            f"if _what & {OUTSIDE}:",
            *indented([f"_code = 3 if abs({self._at('v')}) < np.inf else 2"]),
            f"elif not ({stuck}):",
            *indented(["_code = 2"]),
            "_status[_q // W, _q % W] = _code",
            f"_bad[_q // W, _q % W] = {self._at(NOW)}",
        ]
        one = [
            f"_what, _q = int({self._at(WHAT)}), _lane[_i]",
            f"_done = {self._at(NOW)} >= {self._at(STOP)}",
            f"if _what & {OUTSIDE | STUCK}:",
            *indented([*failed, "_done = True"]),
            "if _done and _q >= 0:",
            *indented([
                "keep(_B, _S, _lane, _i)",
                f"_at[1] -= 1 - fill({_LANES}, _i)",
            ]),
            f"elif _what & {2 | CUT}:",
            *indented(["ahead(_S, _i, _q, _wave, _spots, _played, _rows)"]),
        ]  # fmt: skip
        lines = ["for _i in range(W):", *indented(one)]
        doc = "Lanes at an edge go on to the next; lanes that are done take another point."
        return function("arrive", f"{_LANES}, _status, _bad", doc, lines)

    def _last(self) -> str:
        """The sample at the very end: states as they are kept, and what belongs to them just after that time."""
        lines = [
            "_n = int(_grid[2]) - 1",
            "for _start in range(0, _queue.size, W):",
            *indented([
                "_many = min(W, _queue.size - _start)",
                "for _i in range(_many):",
                *indented([
                    "_q = _queue[_start + _i]",
                    "for _r in range(HELD):",
                    *indented(["_S[_r * W + _i] = _B[_q // W, _r * W + _q % W]"]),
                    self._store(STOP, "np.inf"),
                    "ahead(_S, _i, _q, _wave, _spots, _played, _rows)",
                ]),
                "restart(_S)",
                "for _i in range(_many):",
                *indented([
                    "_q = _queue[_start + _i]",
                    *(f"_rec[{k}, _n, _q // W, _q % W] = {self._first(r)}" for k, r in enumerate(self.record)),
                ]),
            ]),
        ]  # fmt: skip
        return function("last", f"_B, _S, _queue, _grid, {_PLAYED}, _rec", "The sample at the very end.", lines)

    def _run(self) -> str:
        again = [
            "if _at[1] == 0 or (_times.size > 0 and _at[2] > _times.size - W):",
            *indented(["break"]),
            "if attempt(_S, _weight, _longest, _limit):",
            *indented([
                "_what = look(_S, _fresh, _at, _lane, _grid, _times, _who, _counts, _rec)",
                "commit(_S)",
                "if _what:",
                *indented([f"arrive({_LANES}, _status, _bad)", "restart(_S)"]),
            ]),
        ]  # fmt: skip
        lines = [
            "if _at[3] == 0:",
            *indented([
                "_at[3] = 1",
                "for _i in range(W):",
                *indented([f"_at[1] += fill({_LANES}, _i)"]),
                "restart(_S)",
            ]),
            "for _round in range(_rounds):",
            *indented(again),
            "for _i in range(W):",
            *indented(["if _flush and _lane[_i] >= 0:", *indented(["keep(_B, _S, _lane, _i)"])]),
        ]  # fmt: skip
        rule, results = "_weight, _longest, _limit, _fresh", "_times, _who, _counts, _status, _bad, _rec"
        doc = "Attempts until all points are done, there is no room for more spikes, or so many rounds are over."
        return function("run", f"{_LANES}, {rule}, {results}, _rounds, _flush", doc, lines)
