"""Steps in closed form: crossings and refractory times inside a step of a single linear membrane."""

from __future__ import annotations

from sneuron.lang.assignments import REFRACTORY, Program
from sneuron.lang.model import Model
from sneuron.lang.printer import mangled
from sneuron.lang.rows import BEFORE, FLAG, PHASE, WAIT
from sneuron.lang.texts import Texts, indented, symbol_of

__all__ = ["Closed"]


class Closed(Texts):
    """Texts of exact steps."""

    model: Model
    program: Program

    def _exact(self) -> list[str]:
        """A step with crossings or the end of a refractory time inside it, from the voltage before it."""
        p = self.program
        body = p.ordered([*p.currents.values(), p.stimulus, *(g for g in p.slopes.values() if g)])
        named = [symbol_of(n) for n in [p.stimulus, *p.currents.values(), *p.slopes.values()] if n]
        needed = [n for n in self._needed(body, [p.threshold, self.model.capacitance, *named]) if n != "v"]
        return [
            *self._loads(needed),
            f"v = {self._at(BEFORE)}",
            *self._assignments(body),
            *([f"_left = {self._at(WAIT)}"] if self.model.refractory else []),
            *self._solved(self._note("_origin + _now * _dt + _o")),
            "if _many >= 8 and _status[_b, _i] == 0:",
            *indented(["_status[_b, _i] = 4", "_bad[_b, _i] = _origin + _now * _dt"]),
            *([self._store(REFRACTORY, self._one_less(self._at(REFRACTORY)))] if self.model.refractory else []),
        ]

    def _solved(self, note: list[str]) -> list[str]:
        """The step in closed form: waiting, moving, crossing, again; the count of waiting steps is one too high yet."""
        p, waiting = self.program, self.model.refractory
        capacity = f"float({self.print(self.model.capacitance)})"
        current = " - ".join([mangled(p.stimulus), *(mangled(i) for i in p.currents.values())])
        slope = " + ".join(mangled(g) for g in p.slopes.values() if g) or "0.0"
        return [
            f"_drive, _rate = float({current}) / {capacity}, float({slope}) / {capacity}",
            f"_level = float({self.print(p.threshold)})",
            "_wait = float(_left) * _dt" if waiting else "_wait = 0.0",
            "_v, _o, _many = float(v), 0.0, 0",
            "while _o < _dt:",
            *indented(self._within(note)),
            self._store("v", "F(_v)"),
            *([self._store(REFRACTORY, "F(_wait / _dt) + F(1.0)")] if waiting else []),
            self._store(FLAG, "F(min(_many, 1))"),
        ]

    def _within(self, note: list[str]) -> list[str]:
        """One piece of an exact step: held, free, or up to a crossing."""
        reset = self.program.reset["v"]
        loads = self._loads(n for n in self._needed([], [reset]) if n != "v")
        waiting = f"float({self._at(self.model.refractory)})" if self.model.refractory else "0.0"
        return [
            "_held = min(_wait, _dt - _o)",
            "_o, _wait = _o + _held, _wait - _held",
            "if _o >= _dt:",
            *indented(["break"]),
            "_slope = _drive + _rate * (float(v) - _v)",
            "_rest = _dt - _o",
            "_end = _v + _slope * _rest * exprel(-_rate * _rest)",
            "if not _end >= _level or _many >= 8:",
            *indented(["_v = _end", "break"]),
            "_need = (_level - _v) / _slope",
            "_cross = -np.log1p(-_need * _rate) / _rate if _rate != 0.0 else _need",
            "_o, _many = _o + min(max(_cross, 0.0), _rest), _many + 1",
            *note,
            self._store(PHASE, "F(_o / _dt)"),
            *loads,
            f"_v, _wait = float({self.print(reset)}), {waiting}",
        ]

    def _volt_closed(self, given: list[str]) -> list[str]:
        """Spikes inside the step are solved, and v reset, here: what is left for detection is to say so."""
        p = self.program
        extra = self._needed([], [p.threshold, self.model.capacitance, *(symbol_of(n) for n in given)])
        failed = [self._store("v", "F(np.nan)"), self._store(FLAG, "F(0.0)")]
        part = " or 0.0 < _left < 1.0" if self.model.refractory else ""
        left = [f"_left = {self._at(REFRACTORY)}"] if self.model.refractory else []
        return [
            *left,
            self._store(FLAG, "F(0.0)"),
            *self._loads(n for n in extra if n != "v"),
            f"if _v_new >= {self.print(p.threshold)}{part}:",
            *indented([*self._solved([]), "if _many >= 8:", *indented(failed)]),
        ]

    def _note(self, time: str) -> list[str]:
        """One spike into the counts and, with room kept, into the times."""
        return [
            "_counts[_b, _i] += 1",
            "if _K > 0:",
            *indented([
                f"_times[_b, _i, _fill[_b, _i]] = {time}",
                "_fill[_b, _i] += 1",
                "if _fill[_b, _i] >= _K - 8:",
                *indented(["_room = False"]),
            ]),
        ]  # fmt: skip
