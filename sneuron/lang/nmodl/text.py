"""Expressions of NMODL as texts of the model language, and as numbers."""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping
from fractions import Fraction
from typing import Any

import numpy as np

from sneuron.lang.nmodl.tree import Call, Expr, Join, Name, Neg, Not, Num, Op, Test, Where, names

__all__ = ["text", "value", "written"]

_LEVEL = {"or": 1, "and": 2, "test": 4, "+": 5, "-": 5, "*": 6, "/": 6, "^": 8}
_POWER = {"^": "**"}


def written(number: Fraction) -> str:
    """The shortest text of a number.

    >>> written(Fraction(1, 10)), written(Fraction(65)), written(Fraction(2) * Fraction(10) ** -7)
    ('0.1', '65', '2e-07')
    """
    return str(int(number)) if number.denominator == 1 and abs(number) < 10**15 else repr(float(number))


def text(e: Expr) -> str:
    """An expression as the model language writes it.

    >>> text(Op("*", Num(Fraction(2)), Op("+", Name("v"), Num(Fraction(40)))))
    '2*(v + 40)'
    """
    return _Writer().of(e, 0)


class _Writer:
    """Writes with as few brackets as the order of operators needs."""

    def of(self, e: Expr, level: int) -> str:
        own, said = self._said(e)
        return f"({said})" if own < level else said

    def _said(self, e: Expr) -> tuple[int, str]:
        match e:
            case Num(number):
                return (9 if number >= 0 else 5, written(number))
            case Name(name):
                return 9, name
            case Neg(of):
                return 5, f"-{self.of(of, 6)}"
            case Op(op, left, right):
                return self._operation(op, left, right)
            case Call(name, args):
                return 9, f"{name}({', '.join(self.of(a, 0) for a in args)})"
            case Where(test, yes, no):
                return 9, f"where({self.of(test, 0)}, {self.of(yes, 0)}, {self.of(no, 0)})"
            case Test(op, left, right):
                return 4, f"{self.of(left, 5)} {op} {self.of(right, 5)}"
            case Join(op, left, right):
                own = _LEVEL[op]
                return own, f"{self.of(left, own)} {op} {self.of(right, own + 1)}"
            case Not(of):
                return 3, f"not {self.of(of, 5)}"

    def _operation(self, op: str, left: Expr, right: Expr) -> tuple[int, str]:
        own = _LEVEL[op]
        if op == "^":
            return own, f"{self.of(left, 9)}**{self.of(right, 9)}"
        if own == 6 and (isinstance(left, Neg) or (isinstance(left, Num) and left.value < 0)):
            return 5, f"{self.of(left, 5)}{op}{self.of(right, 7)}"  # -a/b is (-a)/b and needs no brackets
        between = f" {op} " if own == 5 else op
        return own, f"{self.of(left, own)}{between}{self.of(right, own + 1)}"


def value(e: Expr, known: Mapping[str, Any], look: Callable[[str], Expr | None] | None = None) -> Any:
    """An expression as a number (or array), with names looked up in `known`, then written out by `look`."""
    with np.errstate(all="ignore"):
        return _Values(known, look).of(e)


class _Values:
    """Works out an expression; names are worked out once."""

    def __init__(self, known: Mapping[str, Any], look: Callable[[str], Expr | None] | None) -> None:
        self.known: dict[str, Any] = dict(known)
        self.look = look

    def of(self, e: Expr) -> Any:
        match e:
            case Num(number):
                return np.float64(float(number))
            case Name(name):
                return self._name(name)
            case Neg(of):
                return -self.of(of)
            case Op(op, left, right):
                return _OPERATIONS[op](np.float64(self.of(left)), self.of(right))
            case Call(name, args):
                return _FUNCTIONS[name](*[self.of(a) for a in args])
            case Where(test, yes, no):
                return np.where(self.of(test), self.of(yes), self.of(no))
            case Test(op, left, right):
                return _TESTS[op](self.of(left), self.of(right))
            case Join(op, left, right):
                both = np.logical_and if op == "and" else np.logical_or
                return both(self.of(left), self.of(right))
            case Not(of):
                return np.logical_not(self.of(of))

    def _name(self, name: str) -> Any:
        """The value of a name, after those that it needs, without recursion from name to name."""
        stack = [name]
        while stack:
            held = self.look(stack[-1]) if self.look else None
            missing = [n for n in names(held) if n not in self.known] if held is not None else []
            if missing and len(stack) < 5000:
                stack += missing
                continue
            last = stack.pop()
            if last not in self.known:
                self.known[last] = np.float64(math.nan) if held is None else self.of(held)
        return self.known[name]


def _exprel(x: Any) -> Any:
    return np.where(x == 0.0, 1.0, np.expm1(x) / np.where(x == 0.0, 1.0, x))


_OPERATIONS: dict[str, Callable[..., Any]] = {
    "+": np.add,
    "-": np.subtract,
    "*": np.multiply,
    "/": np.divide,
    "^": np.power,
}
_TESTS: dict[str, Callable[..., Any]] = {
    "<": np.less,
    "<=": np.less_equal,
    ">": np.greater,
    ">=": np.greater_equal,
    "==": np.equal,
    "!=": np.not_equal,
}
_FUNCTIONS: dict[str, Callable[..., Any]] = {
    "exp": np.exp,
    "log": np.log,
    "sqrt": np.sqrt,
    "sin": np.sin,
    "cos": np.cos,
    "tanh": np.tanh,
    "abs": np.abs,
    "floor": np.floor,
    "min": np.minimum,
    "max": np.maximum,
    "exprel": _exprel,
}
