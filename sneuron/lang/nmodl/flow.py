"""The code of an NMODL file carried out with symbols: what each variable is, as expressions of states and parameters.

Every assignment makes a new version of its variable ("a#2" is the second thing that was assigned to `a`); functions and
procedures are written out where they are called; `if` chooses between versions.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, field
from fractions import Fraction

from sneuron import errors
from sneuron.lang.nmodl.exact import exact
from sneuron.lang.nmodl.products import tidy
from sneuron.lang.nmodl.text import value
from sneuron.lang.nmodl.tokens import Source
from sneuron.lang.nmodl.tree import (
    Assign,
    Block,
    Branch,
    Call,
    Compartment,
    Expr,
    File,
    Join,
    Local,
    Loop,
    Name,
    Neg,
    Not,
    Num,
    Odd,
    Op,
    Reaction,
    Run,
    Solve,
    Statement,
    Table,
    Test,
    Where,
    names,
    rebuilt,
    size,
)

__all__ = ["NERNST", "Flow", "Step", "carried_out"]

MAX_STEPS, MAX_CALLS, MAX_SIZE, MAX_VERSIONS, MAX_TURNS = 10_000, 20, 2_000, 2_000, 200
FARADAY = 96485.33212331001
NERNST = {"nai": 10.0, "nao": 140.0, "ki": 54.4, "ko": 2.5, "cai": 5e-5, "cao": 2.0}
"""The concentrations (mM) with which NEURON 9.0 starts."""


_ALIKE = {
    "exp": "exp", "log": "log", "sqrt": "sqrt", "fabs": "abs", "abs": "abs", "sin": "sin", "cos": "cos",
    "tanh": "tanh", "floor": "floor", "fmin": "min", "fmax": "max", "min": "min", "max": "max",
}  # fmt: skip
_ARITY = {"min": 2, "max": 2}
_IGNORED = frozenset(["printf", "fprintf", "state_discontinuity", "net_event", "prterr"])
_GIVEN = frozenset(["v", "t", "dt", "celsius", "diam", "area", "usetable"])
_Scope = dict[str, Expr]


@dataclass(frozen=True)
class Step:
    """A reaction of a kinetic scheme with its rates worked out."""

    left: tuple[tuple[int, str], ...]
    right: tuple[tuple[int, str], ...]
    kind: str
    rates: tuple[Expr, ...]
    at: int

    def fluxes(self) -> tuple[Expr, ...]:
        """What goes forward, and what goes back."""
        sides = ((), ()) if self.kind == "<<" else (self.left, self.right)
        return tuple(_acted(rate, side) for rate, side in zip(self.rates, sides, strict=False))


def _acted(rate: Expr, side: tuple[tuple[int, str], ...]) -> Expr:
    """A rate times what goes in."""
    found = rate
    for count, name in side:
        found = Op("*", found, Name(name) if count == 1 else Op("^", Name(name), Num(Fraction(count))))
    return found


@dataclass
class Flow:
    """What came out.

    Attributes
    ----------
    made : dict
        What each version of a variable is.
    first, last : dict
        Variables after INITIAL, and after one pass through BREAKPOINT.
    slopes, updates : dict
        Derivatives of states; new values of states from procedures that are a step of their own.
    steps, volumes :
        Reactions; volumes of states in kinetic schemes.
    called : dict
        Variables that the values of functions are assigned to: what those are called.
    steady : bool
        Whether INITIAL solves for a steady state.
    notes : list of str
    """

    made: dict[str, Expr] = field(default_factory=dict)
    first: dict[str, Expr] = field(default_factory=dict)
    last: dict[str, Expr] = field(default_factory=dict)
    slopes: dict[str, Expr] = field(default_factory=dict)
    updates: dict[str, Expr] = field(default_factory=dict)
    steps: list[Step] = field(default_factory=list)
    volumes: dict[str, Expr] = field(default_factory=dict)
    called: dict[str, str] = field(default_factory=dict)
    steady: bool = False
    notes: list[str] = field(default_factory=list)

    def look(self, name: str) -> Expr | None:
        """What a version of a variable stands for."""
        return self.made.get(name)


def carried_out(file: File, source: Source, numbers: Mapping[str, Fraction]) -> Flow:
    """INITIAL, then one pass through BREAKPOINT and all that it solves.

    Raises
    ------
    ModelError
        At the first thing that cannot be taken; shows the place.
    """
    return _Machine(file, source, numbers).flow()


class _Machine:
    """Carries out statements."""

    def __init__(self, file: File, source: Source, numbers: Mapping[str, Fraction]) -> None:
        self.file, self.source, self.numbers = file, source, numbers
        self.out = Flow()
        self.env: _Scope = {}
        self.frames: list[list[_Scope]] = [[]]
        self.versions: dict[tuple[str, Expr], str] = {}
        self.counts: dict[str, int] = {}
        self.seen: dict[Expr, Expr] = {}
        self.functions = {b.name for b in file.blocks.values() if b.kind == "FUNCTION"}
        self.left, self.calls, self.initial = MAX_STEPS, 0, False
        ions = [name for use in file.uses for name in (*use.reads, *use.writes)]
        written = [name for use in file.uses for name in use.writes]
        self.fixed = (_GIVEN | set(ions) | set(file.states)) - set(written)
        self.variables = {*file.params, *file.assigned, *file.locals, *written, *file.currents} - set(file.states)
        self.known = _GIVEN | self.variables | set(ions) | set(file.states) | set(file.constants)
        self.own = {n: NERNST.get(n, 1.0) for n in written if n not in file.currents and not n.startswith(("i", "e"))}

    def flow(self) -> Flow:
        blocks = self.file.blocks
        if "INITIAL" in blocks:
            self.initial = True
            self.body(blocks["INITIAL"].body)
            self.initial, self.out.first, self.env = False, dict(self.env), {}
        if "BREAKPOINT" in blocks:
            self.body(blocks["BREAKPOINT"].body)
        self.out.last = dict(self.env)
        return self.out

    # names

    def read(self, name: str, at: int) -> Expr:
        for scope in reversed(self.frames[-1]):
            if name in scope:
                return scope[name]
        if name in self.env:
            return self.env[name]
        if self.initial and name in self.own:
            return Num(Fraction(str(self.own[name])))
        if name in self.numbers:
            return Num(self.numbers[name])
        if name in self.file.pointers:
            raise self.source.error(
                at, f"{name!r} is a pointer to another mechanism", mend="Make it a parameter, and bind it in the mount."
            )
        if name in self.fixed or name in self.file.states or name in self.file.constants:
            return Name(name, at)
        if name in self.variables:
            return Name(f"{name}#?", at)
        known = sorted(self.known | set(self.numbers))
        raise self.source.error(
            at,
            f"{name!r} is not declared",
            mend="Declare it in PARAMETER or ASSIGNED.",
            guess=errors.nearest(name, known),
        )

    def write(self, name: str, value: Expr, at: int) -> None:
        for scope in reversed(self.frames[-1]):
            if name in scope:
                scope[name] = self.version(name, value)
                return
        if name not in self.known:
            self.read(name, at)
        self.env[name] = self.version(name, value)

    def version(self, name: str, value: Expr) -> Expr:
        """A new version of a variable; what needs no name has none."""
        value = self.exact(tidy(value))
        if isinstance(value, Name | Num):
            return value
        key = (name, value)
        if key not in self.versions:
            self.counts[name] = self.counts.get(name, 0) + 1
            self.versions[key] = f"{name}#{self.counts[name]}"
            self.out.made[self.versions[key]] = value
            if len(self.out.made) > MAX_VERSIONS:
                raise errors.ModelError(self.source.name, "it sets too many variables", f"{MAX_VERSIONS} in all")
        return Name(self.versions[key])

    def exact(self, value: Expr) -> Expr:
        if value not in self.seen:
            self.seen[value] = exact(value, self.out.look)
        return self.seen[value]

    # expressions

    def worth(self, e: Expr, at: int) -> Expr:
        """An expression with its variables as they are now."""
        if isinstance(e, Name):
            return self.read(e.id, e.at)
        if isinstance(e, Call):
            return self.call(e, at)
        found = _typed(rebuilt(e, lambda part: self.worth(part, at)))
        if size(found) > MAX_SIZE:
            raise self.source.error(at, "this expression is too large when written out", f"{MAX_SIZE} parts")
        return found

    def item(self, name: str, index: Expr, at: int) -> str:
        """The variable that is one place of an array."""
        number = tidy(index)
        if not isinstance(number, Num) or number.value.denominator != 1:
            raise self.source.error(at, f"the place in {name!r} is no whole number that is known beforehand")
        one = f"{name}_{int(number.value)}"
        if one not in self.known and not any(one in scope for scope in self.frames[-1]):
            raise self.source.error(at, f"{name!r} has no place {int(number.value)}")
        return one

    def call(self, e: Call, at: int) -> Expr:
        if e.name.endswith("[]"):
            return self.read(self.item(e.name[:-2], self.worth(e.args[0], at), e.at), e.at)
        args = tuple(_worth(self.worth(a, at)) for a in e.args)
        block = self.file.blocks.get(e.name)
        if block is not None and block.kind in ("FUNCTION", "PROCEDURE"):
            return self.inside(block, args, e.at)
        if e.name in _ALIKE:
            return self.counted(Call(_ALIKE[e.name], args, e.at))
        if e.name in _SPELLED:
            count, spell = _SPELLED[e.name]
            self.check_count(e, len(args), count)
            return spell(*args)
        if block is not None:
            raise self.source.error(e.at, f"{e.name!r} is a {block.kind}, which cannot be taken")
        mine = sorted(self.functions)
        raise self.source.error(
            e.at, f"function {e.name!r} is not known", ", ".join([*mine, *_ALIKE, *_SPELLED]),
            guess=errors.nearest(e.name, [*mine, *_ALIKE, *_SPELLED]),
        )  # fmt: skip

    def counted(self, e: Call) -> Call:
        self.check_count(e, len(e.args), _ARITY.get(e.name, 1))
        return e

    def check_count(self, e: Call, given: int, wanted: int) -> None:
        if given != wanted:
            raise self.source.error(e.at, f"{e.name} has {given} arguments, not {wanted}")

    def inside(self, block: Block, args: tuple[Expr, ...], at: int) -> Expr:
        """The value of a function, written out."""
        self.calls += 1
        if self.calls > MAX_CALLS:
            raise self.source.error(
                at, f"{block.name!r} calls itself, or calls are nested too deep", f"{MAX_CALLS} levels"
            )
        if len(args) < len(block.arguments):
            raise self.source.error(at, f"{block.name} has {len(args)} arguments, not {len(block.arguments)}")
        scope = {name: self.version(name, value) for name, value in zip(block.arguments, args, strict=False)}
        if block.kind == "FUNCTION":
            scope[block.name] = Num(Fraction(0))
        self.frames.append([scope])
        self.body(block.body)
        self.frames.pop()
        self.calls -= 1
        return scope.get(block.name, Num(Fraction(0)))

    # statements

    def body(self, statements: Iterable[Statement]) -> None:
        self.frames[-1].append({})
        for statement in statements:
            self.left -= 1
            if self.left < 0:
                raise errors.ModelError(self.source.name, "its code is too long when written out", f"{MAX_STEPS} steps")
            self.one(statement)
        self.frames[-1].pop()

    def one(self, statement: Statement) -> None:
        match statement:
            case Assign(name, value, at, prime, index):
                one = name if index is None else self.item(name, self.worth(index, at), at)
                self.assign(one, _worth(self.worth(value, at)), at, prime)
            case Loop():
                self.loop(statement)
            case Local(held):
                self.frames[-1][-1].update({name: Num(Fraction(0)) for name in held})
            case Branch():
                self.branch(statement)
            case Run(call):
                if call.name not in _IGNORED:
                    self.call(call, call.at)
                    self.settled()
            case Solve():
                self.solve(statement)
            case Table(held, at):
                where = self.source.place(at).rpartition(":")[0]
                self.note(f"{where}: TABLE is ignored; exact: {', '.join(held) or 'the function'}.")
            case Reaction():
                self.out.steps.append(self.reaction(statement))
            case Compartment(volume, held, at):
                self.out.volumes |= dict.fromkeys(held, self.kept("volume", volume, at))
            case Odd(what, mend, at):
                raise self.source.error(at, what, mend=mend)

    def reaction(self, statement: Reaction) -> Step:
        """A reaction with its rates worked out; what is no state is a factor of its rate."""
        at, rates = statement.at, [self.worth(r, statement.at) for r in statement.rates]
        wanted = (1,) if statement.kind in ("<<", "->") else (2,)
        if len(rates) not in wanted:
            raise self.source.error(at, f"this reaction has {len(rates)} rates, not {wanted[0]}")
        sides = []
        for k, side in enumerate((statement.left, statement.right)):
            for count, name in side:
                if name not in self.file.states and k < len(rates):
                    rates[k] = Op("*", rates[k], Op("^", self.read(name, at), Num(Fraction(count))))
            sides.append(tuple((count, name) for count, name in side if name in self.file.states))
        done = Step(sides[0], sides[1], statement.kind, tuple(self.version("rate", r) for r in rates), at)
        self.frames[-1][0] |= dict(zip(("f_flux", "b_flux"), done.fluxes(), strict=False))
        return done

    def kept(self, name: str, e: Expr, at: int) -> Expr:
        return self.version(name, self.worth(e, at))

    def note(self, words: str) -> None:
        if words not in self.out.notes:
            self.out.notes.append(words)

    def assign(self, name: str, value: Expr, at: int, prime: bool) -> None:
        if not prime and isinstance(value, Name) and value.id.partition("#")[0] in self.functions:
            self.out.called.setdefault(value.id, name)
        if not prime:
            self.write(name, value, at)
        elif name not in self.file.states:
            raise self.source.error(at, f"{name!r} is no state", ", ".join(self.file.states) or None)
        else:
            self.env[f"{name}'"] = self.version(f"{name}'", value)

    def loop(self, statement: Loop) -> None:
        ends = [tidy(self.worth(e, statement.at)) for e in (statement.low, statement.high)]
        numbers = [int(e.value) for e in ends if isinstance(e, Num)]
        if len(numbers) < 2 or numbers[1] - numbers[0] > MAX_TURNS:
            what = "the ends of this loop are no numbers that are known beforehand"
            raise self.source.error(statement.at, what, f"at most {MAX_TURNS} turns")
        for k in range(numbers[0], numbers[1] + 1):
            self.frames[-1].append({statement.name: Num(Fraction(k))})
            self.body(statement.body)
            self.frames[-1].pop()

    def branch(self, statement: Branch) -> None:
        test, at = tidy(_truth(self.worth(statement.test, statement.at))), statement.at
        if isinstance(test, Test) and isinstance(test.left, Num) and isinstance(test.right, Num):
            self.body(statement.yes if bool(value(test, {})) else statement.no)
            return
        steps, frame = len(self.out.steps), self.frames[-1]
        before, kept = dict(self.env), [dict(s) for s in frame]
        self.body(statement.yes)
        yes, yes_scopes = self.env, frame
        self.env, self.frames[-1] = dict(before), [dict(s) for s in kept]
        self.body(statement.no)
        if len(self.out.steps) > steps:
            raise self.source.error(at, "reactions under `if` cannot be taken", mend="Put `if` into their rates.")
        no_scopes, self.frames[-1] = self.frames[-1], frame
        self.env = self.merged(test, yes, self.env, before, at)
        for a, b, c in zip(yes_scopes, no_scopes, kept, strict=True):
            a.update(self.merged(test, a, b, c, at))

    def merged(self, test: Expr, yes: _Scope, no: _Scope, before: _Scope, at: int) -> _Scope:
        found = {}
        for name in [*yes, *(n for n in no if n not in yes)]:
            a, b = (s.get(name, before.get(name)) for s in (yes, no))
            if a is None or b is None:
                if name.endswith("'"):
                    raise self.source.error(at, f"only one branch gives {name}", mend="Give it in both.")
                a, b = (x or self.unset(name, test, at) for x in (a, b))
            found[name] = a if a == b else self.version(name, Where(test, a, b))
        return found

    def unset(self, name: str, test: Expr, at: int) -> Expr:
        """What a variable is that a branch leaves alone: what it was, which is 0 where the branch is never left."""
        if name in self.file.assigned and not self.leaves(test) & {"v", "t", *self.file.states}:
            return self.out.first.get(name, Num(Fraction(0)))
        return self.read(name, at)

    # SOLVE

    def solve(self, statement: Solve) -> None:
        block = self.file.blocks.get(statement.block)
        if block is None:
            raise self.source.error(
                statement.at, f"there is no block {statement.block!r}", ", ".join(self.file.blocks) or None,
                guess=errors.nearest(statement.block, self.file.blocks),
            )  # fmt: skip
        if self.initial:
            self.out.steady = True
            return
        if block.kind not in ("DERIVATIVE", "KINETIC", "PROCEDURE"):
            raise self.source.error(
                statement.at, f"{block.kind} blocks cannot be taken", "DERIVATIVE, KINETIC, PROCEDURE",
                mend="Write its equations as DERIVATIVE.",
            )  # fmt: skip
        self.frames.append([])
        self.body(block.body)
        self.frames.pop()
        self.settled()

    def settled(self) -> None:
        """Derivatives, and states that a procedure moved one step on, are put by."""
        if self.initial:
            return
        for name in self.file.states:
            slope = self.env.pop(f"{name}'", None)
            if slope is not None:
                self.out.slopes[name] = slope
            if name in self.env and "dt" in self.leaves(self.env[name]):
                self.out.updates[name] = self.env.pop(name)

    def leaves(self, e: Expr) -> set[str]:
        """The names under an expression, written out."""
        found, stack, seen = set[str](), [e], set[str]()
        while stack:
            for name in names(stack.pop()):
                if name not in seen:
                    seen.add(name)
                    inner = self.out.made.get(name)
                    if inner is None:
                        found.add(name.removesuffix("#?"))
                    else:
                        stack.append(inner)
        return found


def _truth(e: Expr) -> Expr:
    """A condition; a number is true where it is not 0."""
    return e if isinstance(e, Test | Join | Not) else Test("!=", e, Num(Fraction(0)))


def _worth(e: Expr) -> Expr:
    """A number; what holds is 1, what does not is 0."""
    return Where(e, Num(Fraction(1)), Num(Fraction(0))) if isinstance(e, Test | Join | Not) else e


def _typed(e: Expr) -> Expr:
    """An expression whose parts are numbers or conditions as it needs them."""
    if isinstance(e, Join | Not):
        return rebuilt(e, _truth)
    return e if isinstance(e, Where) else rebuilt(e, _worth)


def _half(e: Expr) -> Expr:
    return Op("/", e, Num(Fraction(2)))


def _exponential(x: Expr) -> Expr:
    return Call("exp", (x,))


def _sinh(x: Expr) -> Expr:
    return _half(Op("-", _exponential(x), _exponential(Neg(x))))


def _cosh(x: Expr) -> Expr:
    return _half(Op("+", _exponential(x), _exponential(Neg(x))))


def _tan(x: Expr) -> Expr:
    return Op("/", Call("sin", (x,)), Call("cos", (x,)))


def _log10(x: Expr) -> Expr:
    return Op("/", Call("log", (x,)), Call("log", (Num(Fraction(10)),)))


def _over_exprel(x: Expr) -> Expr:
    return Op("/", Num(Fraction(1)), Call("exprel", (x,)))


def _ghk(v: Expr, inside: Expr, outside: Expr, z: Expr) -> Expr:
    """The flux of Goldman, Hodgkin and Katz as NEURON's `nrn_ghk` gives it."""
    charge = Op("*", z, Num(Fraction(str(FARADAY)) / 1000))
    kelvin = Op("+", Name("celsius"), Num(Fraction("273.15")))
    x = Op("/", Op("*", charge, v), Op("*", Num(Fraction("8.31446261815324")), kelvin))
    flow = Op("-", Op("/", inside, Call("exprel", (Neg(x),))), Op("/", outside, Call("exprel", (x,))))
    return Op("*", charge, flow)


_SPELLED: dict[str, tuple[int, Callable[..., Expr]]] = {
    "pow": (2, lambda x, y: Op("^", x, y)),
    "sinh": (1, _sinh),
    "cosh": (1, _cosh),
    "tan": (1, _tan),
    "log10": (1, _log10),
    "ceil": (1, lambda x: Neg(Call("floor", (Neg(x),)))),
    "exprelr": (1, _over_exprel),
    "nrn_ghk": (4, _ghk),
}
