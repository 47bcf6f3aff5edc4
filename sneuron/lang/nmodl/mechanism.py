"""What a file of NMODL amounts to: currents, slopes, transitions and start values over states and parameters."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from fractions import Fraction

from sneuron import errors
from sneuron.lang.build import TAKEN
from sneuron.lang.nmodl import kinetics
from sneuron.lang.nmodl.flow import carried_out
from sneuron.lang.nmodl.gates import slope_of_euler, slope_of_step
from sneuron.lang.nmodl.layout import Layout, base
from sneuron.lang.nmodl.products import tidy
from sneuron.lang.nmodl.tokens import Source
from sneuron.lang.nmodl.tree import Expr, File, Name, Num, replaced
from sneuron.lang.nmodl.units import constant

__all__ = ["Mechanism", "mechanism"]

_ZERO = Num(Fraction(0))


@dataclass
class Mechanism:
    """A mechanism in the units and names of its file.

    Attributes
    ----------
    file : File
    point : bool
        Whether it is a point process: currents in nA, not mA/cm2.
    ions : dict
        What variables of ions are: "e", "i", "o", or "flow".
    currents : dict
        The currents that are wanted, with their ions.
    functions, variable : dict
        Named expressions, and the variable that each was.
    roots : dict
        "current:NAME", "slope:STATE", "way:FROM:TO", "start:STATE" to expressions.
    states : dict
        States with their equations or transitions, by the name that they get: the name in the file.
    given : set of str
        States and functions that are concentrations or reversal potentials for others.
    notes : list of str
    """

    file: File
    point: bool
    ions: dict[str, str]
    currents: dict[str, str]
    functions: dict[str, Expr] = field(default_factory=dict)
    variable: dict[str, str] = field(default_factory=dict)
    roots: dict[str, Expr] = field(default_factory=dict)
    states: dict[str, str] = field(default_factory=dict)
    given: set[str] = field(default_factory=set)
    notes: list[str] = field(default_factory=list)


def mechanism(file: File, source: Source, current: str | None) -> Mechanism:
    """The mechanism of a file; `current` names the one that is wanted of several."""
    return _Maker(file, source, current).made()


class _Maker:
    """Gathers what the channel needs."""

    def __init__(self, file: File, source: Source, current: str | None) -> None:
        self.file, self.source = file, source
        if file.refused:
            one = min(file.refused, key=lambda odd: odd.at)
            raise source.error(one.at, one.what, mend=one.mend)
        if not file.kind:
            raise errors.ModelError(source.name, "it has no NEURON block with SUFFIX or POINT_PROCESS")
        self.ions = self._ion_names()
        self.flow = carried_out(file, source, self._numbers())
        self.out = Mechanism(file, file.kind == "POINT_PROCESS", self.ions, self._chosen(current))
        self.out.notes += self.flow.notes
        self.markov = set[str]()

    def _numbers(self) -> dict[str, Fraction]:
        """Constants of the UNITS block."""
        found = {n: d.value for n, d in self.file.fixed.items() if d.value is not None}
        for name, (first, second, at) in self.file.numbers.items():
            number = constant(first, second, self.file.units)
            if number is None:
                known = "(faraday) (coulomb), (k-mole) (joule/degC), (pi) (1)"
                raise self.source.error(at, f"({first}) in ({second}) is no known constant", known)
            found[name] = Fraction(repr(number))
        return found

    def _ion_names(self) -> dict[str, str]:
        found: dict[str, str] = {}
        for use in self.file.uses:
            kinds = {f"e{use.ion}": "e", f"{use.ion}i": "i", f"{use.ion}o": "o", f"i{use.ion}": "flow"}
            for name in (*use.reads, *use.writes):
                if name not in kinds:
                    raise self.source.error(use.at, f"{name!r} is no variable of the ion {use.ion!r}", ", ".join(kinds))
                found[name] = kinds[name]
        return found

    def _chosen(self, current: str | None) -> dict[str, str]:
        """The currents that are wanted, with their ions."""
        found = dict.fromkeys(self.file.currents, "")
        found |= {n: u.ion for u in self.file.uses for n in u.writes if self.ions[n] == "flow"}
        for name in found:
            if name not in self.flow.last:
                raise errors.ModelError(self.source.name, f"the current {name!r} is never set in BREAKPOINT")
        if current is None:
            return found
        match = {n: i for n, i in found.items() if current in (n, i)}
        if not match:
            raise errors.unknown(self.source.name, "current", current, list(found))
        return match

    def made(self) -> Mechanism:
        out, flow = self.out, self.flow
        roots = self._roots()
        flows = {n for n, kind in self.ions.items() if kind == "flow" and n not in flow.last}
        layout = Layout(flow, {"v", "t", *self.file.states, *flows})
        roots = self._frozen(layout, layout.settle(roots))
        self._checked(layout, roots)
        alias = self._aliases(roots)
        self._steady(roots)
        good = {*self.file.assigned, *self.file.params, *self.file.states, *out.given} - set(out.currents)
        taken = TAKEN | set(out.states) | {alias.get(s, s) for s in out.states}
        taken |= {n for e in roots.values() for n in layout.leaves(e)} - set(flow.last)
        layout.spread(roots, good, taken, _renamed)
        for key in [k for k in layout.roots if k.startswith("given:")]:
            name, e = key.partition(":")[2], layout.roots.pop(key)
            if e != Name(name):
                layout.functions[name] = e
        swap = {s: Name(a) for s, a in alias.items()}
        out.functions = {n: tidy(replaced(e, swap.get)) for n, e in layout.functions.items()}
        out.variable = layout.variable
        out.roots = {_called(k, alias): tidy(replaced(e, swap.get)) for k, e in layout.roots.items()}
        out.states = {alias.get(s, s): s for s in out.states}
        return out

    # what the channel needs

    def _roots(self) -> dict[str, Expr]:
        flow, out = self.flow, self.out
        found = {f"current:{n}": flow.last[n] for n in out.currents}
        slopes = {**flow.slopes, **self._steps(), **self._reactions(found)}
        found |= {f"slope:{x}": e for x, e in slopes.items()}
        out.states = {x: x for x in self.file.states if x in slopes or x in self.markov}
        for name in (n for u in self.file.uses for n in u.writes if self.ions[n] != "flow"):
            out.given.add(name)
            if name not in out.states and name not in flow.last:
                raise errors.ModelError(self.source.name, f"{name!r} is written, but never set in BREAKPOINT")
            if name not in out.states:
                found[f"given:{name}"] = flow.last[name]
        for x in self.file.states:
            if x not in out.states and x in flow.last and x in self._leaves(flow.last[x]):
                what = f"{x!r} is set from itself, without a time step"
                raise self.source.error(self.file.states[x].at, what, mend="Give it an equation in DERIVATIVE.")
            if x not in out.states and x in flow.last:
                found[f"given:{x}"] = flow.last[x]
        found |= {f"start:{x}": flow.first[x] for x in out.states if x in flow.first}
        for x in [x for x in out.states if "dt" in self._leaves(found.get(f"start:{x}", _ZERO))]:
            del found[f"start:{x}"]
            out.notes.append(f"{x}: INITIAL takes a step of dt; that is left out.")
        return found

    def _reactions(self, found: dict[str, Expr]) -> dict[str, Expr]:
        """Slopes of kinetic schemes; the ways of Markov schemes are put into `found`."""
        flow = self.flow
        units = {n: d.unit.strip() for n, d in self.file.states.items()}
        if not kinetics.is_markov(flow.steps, units, flow.volumes) or not self._adds_up():
            return kinetics.slopes(flow.steps, list(self.file.states), flow.volumes)
        ways = kinetics.ways(flow.steps)
        self.markov = {x for pair in ways for x in pair}
        found |= {f"way:{a}:{b}": e for (a, b), e in ways.items()}
        return {}

    def _adds_up(self) -> bool:
        """Whether start values of a scheme, where all are numbers, add up to 1."""
        members = {name for step in self.flow.steps for side in (step.left, step.right) for _, name in side}
        starts = [self.flow.first.get(x, _ZERO) for x in members]
        numbers = [e.value for e in starts if isinstance(e, Num)]
        return len(numbers) < len(starts) or not any(numbers) or sum(numbers) == 1

    def _steps(self) -> dict[str, Expr]:
        """Slopes of states that a procedure of the file moves one step on."""
        flow, found = self.flow, {}
        for x, new in flow.updates.items():
            given = (x, new, flow.look, lambda e: "dt" in self._leaves(e))
            made = slope_of_step(*given) or slope_of_euler(*given)
            if made is None:
                raise self.source.error(
                    self.file.states[x].at,
                    f"the step that is written by hand for {x!r} is not known",
                    "x = x + (1 - exp(-dt/tau))*(inf - x), or x = x + dt*f",
                    "Write it as DERIVATIVE.",
                )
            found[x] = made
        if found:
            self.out.notes.append(f"Steps written by hand for {', '.join(found)} are equations now.")
        return found

    def _leaves(self, e: Expr) -> set[str]:
        return Layout(self.flow, ()).leaves(e)

    # what does not move, what moves in circles

    def _frozen(self, layout: Layout, roots: dict[str, Expr]) -> dict[str, Expr]:
        """Variables that keep a value of the start become states that stay."""
        seen: set[str] = set()
        while set(layout.frozen) - seen:
            for name in sorted(set(layout.frozen) - seen):
                seen.add(name)
                roots |= {f"start:{name}": layout.frozen[name], f"slope:{name}": _ZERO}
                self.out.states[name] = name
                self.out.notes.append(f"{name}: INITIAL alone sets it; it is a state that keeps its start value.")
            roots = layout.settle(roots)
        for e in list(roots.values()):
            for x in layout.leaves(e) & set(self.file.states) - set(self.out.states):
                if x not in self.flow.last:
                    roots |= {f"slope:{x}": _ZERO, f"start:{x}": self.flow.first.get(x, _ZERO)}
                    self.out.states[x] = x
        return roots

    def _checked(self, layout: Layout, roots: Mapping[str, Expr]) -> None:
        layout.order(roots.values())
        if layout.circle:
            name = base(layout.circle[0])
            raise self.source.error(
                self._place(name),
                f"{name!r} keeps its value from one step to the next",
                mend="Make it a state with an equation, or set it before it is used.",
            )
        for key, e in roots.items():
            found = layout.leaves(e)
            for word, why in (("t", "time itself"), ("dt", "the time step")):
                if word in found:
                    raise errors.ModelError(
                        self.source.name,
                        f"{key.split(':')[1]!r} depends on {why} ({word})",
                        mend="Write it as a state with an equation.",
                    )

    def _place(self, name: str) -> int:
        held = {**self.file.states, **self.file.params, **self.file.assigned}
        return held[name].at if name in held else 0

    def _aliases(self, roots: dict[str, Expr]) -> dict[str, str]:
        """States that are a concentration under another name get its name."""
        found: dict[str, str] = {}
        for name in sorted(self.out.given):
            e = roots.get(f"given:{name}")
            if isinstance(e, Name) and e.id in self.out.states and e.id not in found:
                found[e.id] = name
                del roots[f"given:{name}"]
                self.out.notes.append(f"{e.id}: it is {name}, and is called so.")
        return found

    def _steady(self, roots: dict[str, Expr]) -> None:
        """A start that the file solves for."""
        others = [x for x in self.out.states if x not in self.markov and f"start:{x}" not in roots]
        if self.flow.steady and others:
            self.out.notes.append(f"INITIAL solves for a steady state; {', '.join(others)} start at 0.")


def _renamed(name: str) -> str:
    """A name that the language leaves free."""
    name = name.lstrip("_") or "x"
    return f"{name}_" if name in TAKEN else name


def _called(key: str, alias: Mapping[str, str]) -> str:
    kind, *held = key.split(":")
    return ":".join([kind, *(alias.get(n, n) for n in held)])
