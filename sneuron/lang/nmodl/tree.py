"""What a file of NMODL says, as data: expressions, statements, declarations, blocks."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from fractions import Fraction

__all__ = [
    "Assign",
    "Block",
    "Branch",
    "Call",
    "Compartment",
    "Declared",
    "Expr",
    "File",
    "Join",
    "Local",
    "Loop",
    "Name",
    "Neg",
    "Not",
    "Num",
    "Odd",
    "Op",
    "Reaction",
    "Run",
    "Solve",
    "Statement",
    "Table",
    "Test",
    "Use",
    "Where",
    "depth",
    "names",
    "parts",
    "rebuilt",
    "replaced",
    "size",
]


@dataclass(frozen=True, slots=True)
class Num:
    """A number, exactly as written."""

    value: Fraction


@dataclass(frozen=True, slots=True)
class Name:
    """A variable; "a#2" is the second thing that was assigned to `a`, "a_2" is a[2]."""

    id: str
    at: int = field(default=-1, compare=False)


@dataclass(frozen=True, slots=True)
class Neg:
    of: Expr


@dataclass(frozen=True, slots=True)
class Op:
    """left op right, op one of + - * / ^."""

    op: str
    left: Expr
    right: Expr


@dataclass(frozen=True, slots=True)
class Call:
    name: str
    args: tuple[Expr, ...]
    at: int = field(default=-1, compare=False)


@dataclass(frozen=True, slots=True)
class Test:
    """left op right, op one of < <= > >= == !=."""

    op: str
    left: Expr
    right: Expr


@dataclass(frozen=True, slots=True)
class Join:
    """left op right, op "and" or "or"."""

    op: str
    left: Expr
    right: Expr


@dataclass(frozen=True, slots=True)
class Not:
    of: Expr


@dataclass(frozen=True, slots=True)
class Where:
    """`yes` where the test holds, else `no`."""

    test: Expr
    yes: Expr
    no: Expr


Expr = Num | Name | Neg | Op | Call | Test | Join | Not | Where


@dataclass(frozen=True, slots=True)
class Assign:
    """name = value, or name' = value, or name[index] = value."""

    name: str
    value: Expr
    at: int
    prime: bool = False
    index: Expr | None = None


@dataclass(frozen=True, slots=True)
class Loop:
    """FROM name = low TO high."""

    name: str
    low: Expr
    high: Expr
    body: tuple[Statement, ...]
    at: int


@dataclass(frozen=True, slots=True)
class Branch:
    test: Expr
    yes: tuple[Statement, ...]
    no: tuple[Statement, ...]
    at: int


@dataclass(frozen=True, slots=True)
class Run:
    """A call whose value is not used."""

    call: Call


@dataclass(frozen=True, slots=True)
class Solve:
    block: str
    method: str
    steady: bool
    at: int


@dataclass(frozen=True, slots=True)
class Local:
    names: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class Table:
    names: tuple[str, ...]
    at: int


@dataclass(frozen=True, slots=True)
class Reaction:
    """A step of a kinetic scheme: how many of what turn into what, "<->", "->" or "<<", and its rates."""

    left: tuple[tuple[int, str], ...]
    right: tuple[tuple[int, str], ...]
    kind: str
    rates: tuple[Expr, ...]
    at: int


@dataclass(frozen=True, slots=True)
class Compartment:
    """The volume (or capacity) in which states of a kinetic scheme live."""

    volume: Expr
    names: tuple[str, ...]
    at: int


@dataclass(frozen=True, slots=True)
class Odd:
    """A statement that cannot be taken: refused where it would be carried out."""

    what: str
    mend: str
    at: int


Statement = Assign | Branch | Loop | Run | Solve | Local | Table | Reaction | Compartment | Odd


@dataclass(frozen=True, slots=True)
class Block:
    """DERIVATIVE, FUNCTION and so on: its arguments and its statements."""

    kind: str
    name: str
    arguments: tuple[str, ...]
    body: tuple[Statement, ...]
    at: int


@dataclass(frozen=True, slots=True)
class Declared:
    """A name with what PARAMETER, ASSIGNED or STATE say about it."""

    name: str
    value: Fraction | None
    unit: str
    low: float | None
    high: float | None
    at: int


@dataclass(frozen=True, slots=True)
class Use:
    """USEION."""

    ion: str
    reads: tuple[str, ...]
    writes: tuple[str, ...]
    valence: int
    at: int


@dataclass(slots=True)
class File:
    """All that was read."""

    title: str = ""
    kind: str = ""
    name: str = ""
    uses: list[Use] = field(default_factory=list)
    currents: list[str] = field(default_factory=list)
    refused: list[Odd] = field(default_factory=list)
    units: dict[str, str] = field(default_factory=dict)
    fixed: dict[str, Declared] = field(default_factory=dict)
    numbers: dict[str, tuple[str, str, int]] = field(default_factory=dict)
    params: dict[str, Declared] = field(default_factory=dict)
    constants: dict[str, Declared] = field(default_factory=dict)
    assigned: dict[str, Declared] = field(default_factory=dict)
    states: dict[str, Declared] = field(default_factory=dict)
    locals: list[str] = field(default_factory=list)
    pointers: list[str] = field(default_factory=list)
    blocks: dict[str, Block] = field(default_factory=dict)
    notes: list[str] = field(default_factory=list)


def parts(e: Expr) -> tuple[Expr, ...]:
    """The expressions that an expression is made of."""
    match e:
        case Neg(of) | Not(of):
            return (of,)
        case Op(_, left, right) | Test(_, left, right) | Join(_, left, right):
            return (left, right)
        case Call(_, args):
            return args
        case Where(test, yes, no):
            return (test, yes, no)
    return ()


def rebuilt(e: Expr, inner: Callable[[Expr], Expr]) -> Expr:
    """The same expression with other parts."""
    match e:
        case Neg(of):
            return Neg(inner(of))
        case Not(of):
            return Not(inner(of))
        case Op(op, left, right):
            return Op(op, inner(left), inner(right))
        case Test(op, left, right):
            return Test(op, inner(left), inner(right))
        case Join(op, left, right):
            return Join(op, inner(left), inner(right))
        case Call(name, args, at):
            return Call(name, tuple(inner(a) for a in args), at)
        case Where(test, yes, no):
            return Where(inner(test), inner(yes), inner(no))
    return e


def replaced(e: Expr, swap: Callable[[str], Expr | None]) -> Expr:
    """An expression whose names are replaced where `swap` gives something for them."""
    if isinstance(e, Name):
        new = swap(e.id)
        return e if new is None else new
    return rebuilt(e, lambda part: replaced(part, swap))


def names(e: Expr) -> Iterator[str]:
    """The names in an expression, as often as they occur."""
    stack = [e]
    while stack:
        node = stack.pop()
        if isinstance(node, Name):
            yield node.id
        stack += parts(node)


def size(e: Expr) -> int:
    """How many parts an expression has."""
    stack, count = [e], 0
    while stack:
        node = stack.pop()
        count += 1
        stack += parts(node)
    return count


def depth(e: Expr) -> int:
    """How many levels an expression has."""
    level, count = [e], 0
    while level:
        count += 1
        level = [p for node in level for p in parts(node)]
    return count
