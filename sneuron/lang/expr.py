"""Text of the model language to SymPy, without ever running it; and SymPy to numbers with NumPy.

The text is read by rules of our own before Python's `ast` sees it: only ASCII, only numbers, names, arithmetic,
comparisons and a fixed list of functions, within limits of length, count and depth. Nothing is evaluated as given.
"""

from __future__ import annotations

import ast
import keyword
import math
import re
from collections.abc import Callable, Collection, Mapping
from typing import Any

import numpy as np
import sympy

from sneuron import errors
from sneuron.lang.functions import absolute, expm1, exprel, floor, log1p, maximum, minimum, phi, sigmoid, sign, where

__all__ = [
    "FUNCTIONS",
    "absolute",
    "expm1",
    "exprel",
    "floor",
    "log1p",
    "maximum",
    "minimum",
    "names_of",
    "numpy_value",
    "parse",
    "phi",
    "sigmoid",
    "sign",
    "symbol",
    "where",
]

MAX_LENGTH, MAX_NODES, MAX_DEPTH, MAX_EXPONENT, MAX_DEGREE = 2000, 300, 40, 16, 256

_TOKEN = re.compile(
    r"(?P<space>[ \t\n]+)"
    r"|(?P<number>(?:\d+\.?\d*|\.\d+)(?:[eE][+-]?\d+)?(?![\w.]))"
    r"|(?P<name>[A-Za-z]\w*(?:\.[A-Za-z]\w*)?)"
    r"|(?P<operator>\*\*|<=|>=|==|!=|[-+*/<>(),])",
    re.ASCII,
)
_WORDS = frozenset(["and", "or", "not"])


def symbol(name: str) -> sympy.Symbol:
    """The SymPy symbol that stands for a name of the language."""
    return sympy.Symbol(name, real=True)


def _root(x: sympy.Expr) -> sympy.Expr:
    return sympy.Pow(x, sympy.S.Half, evaluate=False)


def _kept(function: Any) -> Callable[..., sympy.Expr]:
    """`function` of SymPy, applied without simplification."""
    return lambda *args: function(*args, evaluate=False)


_ONE: dict[str, Callable[..., sympy.Expr]] = {
    "exp": _kept(sympy.exp),
    "log": _kept(sympy.log),
    "sqrt": _root,
    "tanh": _kept(sympy.tanh),
    "sin": _kept(sympy.sin),
    "cos": _kept(sympy.cos),
    "abs": absolute,
    "sign": sign,
    "floor": floor,
    "exprel": exprel,
    "expm1": expm1,
    "log1p": log1p,
    "sigmoid": sigmoid,
}
_ARITY = dict.fromkeys(_ONE, 1) | {"min": 2, "max": 2, "pow": 2, "where": 3}
FUNCTIONS = frozenset(_ARITY)
"""Names of the functions of the language."""

_COMPARE = {
    ast.Lt: sympy.Lt,
    ast.LtE: sympy.Le,
    ast.Gt: sympy.Gt,
    ast.GtE: sympy.Ge,
    ast.Eq: sympy.Eq,
    ast.NotEq: sympy.Ne,
}


def parse(text: str, names: Collection[str], where: str, condition: bool = False) -> sympy.Expr:
    """The expression that `text` writes, over the given names.

    Parameters
    ----------
    text : str
        One expression of the model language, at most 2000 ASCII characters.
    names : collection of str, or mapping
        What may be named in it, paths such as "na.g" too; a mapping says by which name each is then known.
    where : str
        What is being read, for errors.
    condition : bool
        True when a comparison is wanted, not a number.

    Returns
    -------
    sympy.Expr
        Built without simplification, over real symbols; whole exponents are integers, 0 and 1 are exact, all other
        numbers are 53-bit floats.

    Raises
    ------
    ExpressionError
        When the text is not of the language; shows the place with a caret.

    Examples
    --------
    >>> parse("gL*(v - EL)", ["gL", "v", "EL"], "leak")
    gL*(-EL + v)
    """
    _check_text(text, where)
    reader = _Reader(text, names, where)
    try:
        tree = ast.parse(_flat(text).strip(), mode="eval").body
    except (SyntaxError, ValueError, MemoryError, RecursionError) as cause:
        column = reader.indent + (getattr(cause, "offset", None) or len(text)) - 1
        raise reader.error("this is no complete expression", max(min(column, len(text) - 1), 0)) from None
    reader.check_size(tree)
    return reader.condition(tree) if condition else reader.number(tree)


def names_of(expression: sympy.Basic) -> set[str]:
    """The names that occur in an expression."""
    return {s.name for s in expression.free_symbols}


def _flat(text: str) -> str:
    return text.replace("\n", " ").replace("\t", " ")


def _check_text(text: object, where: str) -> None:
    """Refuse all that could trouble Python's own reader: wrong type, length, characters, words, nesting."""
    if not isinstance(text, str):
        raise errors.ExpressionError(where, f"{text!r:.60} is no text", mend="Write the expression as text, in quotes.")
    if len(text) > MAX_LENGTH:
        raise errors.ExpressionError(
            where, f"the expression has {len(text)} characters", possible=f"at most {MAX_LENGTH}"
        )
    place, depth, tokens, signs = 0, 0, 0, 0
    while place < len(text):
        found = _TOKEN.match(text, place)
        if found is None:
            raise _odd(text, place, where)
        word = found.group()
        if found.lastgroup == "name":
            _check_word(text, place, word, where)
        depth += (word == "(") - (word == ")")
        signs = signs + 1 if word in ("+", "-", "not") else signs * (found.lastgroup == "space")
        tokens += found.lastgroup != "space"
        if depth > MAX_DEPTH or signs > MAX_DEPTH // 2 or tokens > 2 * MAX_NODES:
            raise _at(
                text, place, where, "the expression is too deep or too long", f"depth {MAX_DEPTH}, {MAX_NODES} parts"
            )
        place = found.end()


def _check_word(text: str, place: int, word: str, where: str) -> None:
    if any(len(part) > 64 for part in word.split(".")):
        raise _at(text, place, where, "this name is too long", "at most 64 characters")
    if keyword.iskeyword(word) and word not in _WORDS:
        raise _at(
            text,
            place,
            where,
            f"{word!r} is not a word of the model language",
            "and, or, not, where(condition, yes, no)",
        )


def _odd(text: str, place: int, where: str) -> errors.ExpressionError:
    """The error for a character that starts no word of the language."""
    char = text[place]
    what = {
        "^": "'^' is not an operator; powers are written **",
        "%": "'%' is not an operator; use x - y*floor(x/y)",
    }.get(char)
    if what is None and char.isdigit():
        what = "this is no number"
    return _at(text, place, where, what or f"{char!a} has no place in an expression")


def _at(
    text: str, place: int, where: str, what: str, possible: str | None = None, guess: str | None = None
) -> errors.ExpressionError:
    shown = "".join(c if 32 <= ord(c) < 127 or c == "\n" else "?" for c in text)
    if len(shown) > 200:
        cut = max(0, place - 60)
        shown, place = _flat(shown[cut : cut + 120]), place - cut
    return errors.ExpressionError(where, f"{what}\n{errors.caret(shown, place)}", possible, guess)


class _Reader:
    """Turns a checked tree into SymPy."""

    def __init__(self, text: str, names: Collection[str], where: str) -> None:
        self.text, self.names, self.where = text, names, where
        self.indent = len(text) - len(_flat(text).lstrip())

    def error(
        self, what: str, place: ast.AST | int, possible: str | None = None, guess: str | None = None
    ) -> errors.ExpressionError:
        column = place if isinstance(place, int) else self.indent + getattr(place, "col_offset", 0)
        return _at(self.text, column, self.where, what, possible, guess)

    def check_size(self, tree: ast.AST) -> None:
        """Refuse trees with too many parts or levels, without recursion."""
        level, count, depth = [tree], 0, 0
        while level:
            count, depth = count + len(level), depth + 1
            if count > MAX_NODES or depth > MAX_DEPTH:
                raise self.error(
                    "the expression is too deep or too long", level[0], f"depth {MAX_DEPTH}, {MAX_NODES} parts"
                )
            skipped = (ast.operator, ast.unaryop, ast.cmpop, ast.boolop, ast.expr_context)
            level = [c for node in level for c in ast.iter_child_nodes(node) if not isinstance(c, skipped)]

    def number(self, node: ast.AST) -> sympy.Expr:
        """The value that a node stands for."""
        if isinstance(node, ast.Constant):
            return self._constant(node)
        if isinstance(node, ast.Name | ast.Attribute):
            return self._name(node)
        if isinstance(node, ast.UnaryOp) and isinstance(node.op, ast.USub | ast.UAdd):
            inner = self.number(node.operand)
            return inner if isinstance(node.op, ast.UAdd) else _minus(inner)
        if isinstance(node, ast.BinOp):
            return self._binary(node)
        if isinstance(node, ast.Call):
            return self._call(node)
        if isinstance(node, ast.Compare | ast.BoolOp | ast.UnaryOp):
            raise self.error("a comparison is no number here", node, "where(condition, yes, no)")
        raise self.error("this has no place in an expression", node)

    def condition(self, node: ast.AST) -> sympy.Basic:
        """The truth that a node stands for."""
        if isinstance(node, ast.BoolOp):
            join = sympy.And if isinstance(node.op, ast.And) else sympy.Or
            return join(*[self.condition(v) for v in node.values], evaluate=False)
        if isinstance(node, ast.UnaryOp) and isinstance(node.op, ast.Not):
            return sympy.Not(self.condition(node.operand), evaluate=False)
        if isinstance(node, ast.Compare):
            sides = [self.number(n) for n in (node.left, *node.comparators)]
            pairs = zip(node.ops, sides, sides[1:], strict=False)
            parts = [_COMPARE[type(op)](a, b, evaluate=False) for op, a, b in pairs]
            return parts[0] if len(parts) == 1 else sympy.And(*parts, evaluate=False)
        raise self.error("a condition is wanted here", node, "comparisons joined by and, or, not")

    def _constant(self, node: ast.Constant) -> sympy.Expr:
        if isinstance(node.value, bool) or not isinstance(node.value, int | float):
            raise self.error("this is no number", node)
        try:
            value = float(node.value)
        except OverflowError:
            value = math.inf
        if not math.isfinite(value):
            raise self.error("this number is too large", node, "at most 1.8e308")
        return _literal(value)

    def _name(self, node: ast.Name | ast.Attribute) -> sympy.Expr:
        if isinstance(node, ast.Name):
            name = node.id
        elif isinstance(node.value, ast.Name):
            name = f"{node.value.id}.{node.attr}"
        else:
            raise self.error("this has no place in an expression", node)
        if name in self.names:
            return symbol(self.names[name] if isinstance(self.names, Mapping) else name)
        if name == "pi":
            return sympy.Float(math.pi)
        if name in FUNCTIONS:
            raise self.error(f"{name} is a function; give it its arguments", node)
        known = sorted(self.names)
        raise self.error(
            f"name {name!r} is not known", node, ", ".join(known[:12]) or None, errors.nearest(name, known)
        )

    def _binary(self, node: ast.BinOp) -> sympy.Expr:
        if isinstance(node.op, ast.Pow):
            return self._power(node.left, node.right, node)
        left, right = self.number(node.left), self.number(node.right)
        if isinstance(node.op, ast.Add):
            return _joined(sympy.Add, left, right)
        if isinstance(node.op, ast.Sub):
            return _joined(sympy.Add, left, _minus(right))
        if isinstance(node.op, ast.Mult):
            return _joined(sympy.Mul, left, right)
        if not isinstance(node.op, ast.Div):
            raise self.error("this operator is not of the model language", node, "+ - * / **")
        if right.is_Number and not right:
            raise self.error("division by zero", node.right)
        return sympy.Mul(left, sympy.Pow(right, sympy.S.NegativeOne, evaluate=False), evaluate=False)

    def _power(self, base: ast.AST, exponent: ast.AST, node: ast.AST) -> sympy.Expr:
        low, high = self.number(base), self.number(exponent)
        if high.free_symbols:
            return sympy.Pow(low, high, evaluate=False)
        bound = float(numpy_value(high, {}))
        if not abs(bound) <= MAX_EXPONENT:
            raise self.error(
                "this exponent is too large", exponent, f"constant exponents from -{MAX_EXPONENT} to {MAX_EXPONENT}"
            )
        if not low.free_symbols:
            return self._folded(low, bound, node)
        if bound.is_integer() and abs(bound) * _degree(low) > MAX_DEGREE:
            raise self.error("these powers of powers are too large", node, f"at most {MAX_DEGREE} in all")
        return sympy.Pow(low, sympy.Integer(int(bound)) if bound.is_integer() else _exponent(bound), evaluate=False)

    def _folded(self, base: sympy.Expr, exponent: float, node: ast.AST) -> sympy.Expr:
        """A power of constants as the number it is."""
        with np.errstate(all="ignore"):
            value = float(np.power(np.float64(numpy_value(base, {})), exponent))
        if not math.isfinite(value):
            raise self.error("this power is not a finite number", node)
        return _literal(value)

    def _call(self, node: ast.Call) -> sympy.Expr:
        name = node.func.id if isinstance(node.func, ast.Name) else ""
        if name not in _ARITY:
            raise self.error(
                f"function {name!r} is not known", node, ", ".join(sorted(FUNCTIONS)), errors.nearest(name, FUNCTIONS)
            )
        if node.keywords or len(node.args) != _ARITY[name] or any(isinstance(a, ast.Starred) for a in node.args):
            raise self.error(f"{name} takes {_ARITY[name]} argument{'s' * (_ARITY[name] > 1)}", node)
        if name == "where":
            return where(self.condition(node.args[0]), self.number(node.args[1]), self.number(node.args[2]))
        if name == "pow":
            return self._power(node.args[0], node.args[1], node)
        args = [self.number(a) for a in node.args]
        return _ONE[name](*args) if name in _ONE else (minimum if name == "min" else maximum)(*args)


def _literal(value: float) -> sympy.Expr:
    return sympy.Integer(int(value)) if value in (0.0, 1.0, -1.0) else sympy.Float(value)


def _exponent(value: float) -> sympy.Expr:
    return {0.5: sympy.S.Half, -0.5: -sympy.S.Half}.get(value) or sympy.Float(value)


def _minus(inner: sympy.Expr) -> sympy.Expr:
    return -inner if inner.is_Number else _joined(sympy.Mul, sympy.S.NegativeOne, inner)


def _joined(kind: Any, left: sympy.Expr, right: sympy.Expr) -> sympy.Expr:
    """A sum or product, written flat: (a + b) + c is one sum of three."""
    first = left.args if isinstance(left, kind) else (left,)
    return kind(*first, right, evaluate=False)


def _degree(expression: sympy.Expr) -> int:
    """The largest product of nested whole exponents in an expression."""
    inner = max((_degree(a) for a in expression.args), default=1)
    return inner * max(1, abs(int(expression.exp))) if expression.is_Pow and expression.exp.is_Integer else inner


def numpy_value(expression: sympy.Basic, values: Mapping[str, Any]) -> Any:
    """An expression evaluated with NumPy in float64; names broadcast against one another.

    Parameters
    ----------
    expression : sympy.Basic
        Made by `parse`, or by calculus on such.
    values : mapping
        A number or array for every name in it.

    Returns
    -------
    numpy array or scalar
        What NumPy makes of it; 1/0 and the like give inf or NaN, without a warning.

    Examples
    --------
    >>> float(numpy_value(parse("1/exprel(x)", ["x"], "rate"), {"x": 0.0}))
    1.0
    """
    with np.errstate(all="ignore"):
        return _Evaluator(values).of(expression)


class _Evaluator:
    """Walks an expression once; equal parts are computed once."""

    def __init__(self, values: Mapping[str, Any]) -> None:
        self.values = values
        self.done: dict[sympy.Basic, Any] = {}

    def of(self, e: sympy.Basic) -> Any:
        """The value of one node."""
        if e not in self.done:
            self.done[e] = self._compute(e)
        return self.done[e]

    def _compute(self, e: Any) -> Any:
        if e.is_Symbol:
            if e.name not in self.values:
                raise errors.unknown("numpy_value", "name", e.name, sorted(self.values))
            return np.asarray(self.values[e.name], dtype=np.float64)[()]
        if e in (sympy.true, sympy.false):
            return np.bool_(e == sympy.true)
        if e.is_number and not e.args:
            return np.float64(float(e) if e.is_extended_real else math.nan)
        if e.is_Mul:
            return self._product(e)
        if e.is_Pow:
            return self._power(e)
        name = type(e).__name__
        if name not in _NUMPY:
            raise errors.ExpressionError(
                "numpy_value", f"{name} is not a function of the model language", sorted(_NUMPY)
            )
        return _NUMPY[name](*[self.of(a) for a in e.args])

    def _product(self, e: sympy.Mul) -> Any:
        """Factors left to right; reciprocals divide."""
        value: Any = None
        for factor in e.args:
            if factor.is_Pow and factor.exp == -1:
                value = (1.0 if value is None else value) / self.of(factor.base)
            else:
                value = self.of(factor) if value is None else value * self.of(factor)
        return value

    def _power(self, e: sympy.Pow) -> Any:
        base = self.of(e.base)
        if e.exp == -1:
            return 1.0 / base
        if e.exp == sympy.S.Half:
            return np.sqrt(base)
        return np.power(base, self.of(e.exp))


def _sum(*terms: Any) -> Any:
    total = terms[0]
    for term in terms[1:]:
        total = total + term
    return total


def _all(*parts: Any) -> Any:
    return np.logical_and.reduce(np.broadcast_arrays(*parts))[()]


def _any(*parts: Any) -> Any:
    return np.logical_or.reduce(np.broadcast_arrays(*parts))[()]


def _np_where(condition: Any, yes: Any, no: Any) -> Any:
    return np.where(condition, yes, no)[()]


def _np_exprel(x: Any) -> Any:
    return np.where(x == 0.0, 1.0, np.expm1(x) / np.where(x == 0.0, 1.0, x))[()]


def _np_sigmoid(x: Any) -> Any:
    return 0.5 * (1.0 + np.tanh(0.5 * x))


def _np_phi(x: Any, k: Any) -> Any:
    """By its series near 0, by its recurrence elsewhere."""
    order = int(k)
    series = np.float64(0.0)
    for n in reversed(range(25)):
        series = series * x + 1.0 / math.factorial(n + order)
    far = np.where(np.abs(x) < 1.0, 1.0, x)
    value: Any = np.exp(far)
    for n in range(order):
        value = (value - 1.0 / math.factorial(n)) / far
    return np.where(np.abs(x) < 1.0, series, value)[()]


def _np_occupancy(k: Any, *rates: Any) -> Any:
    """By elimination without subtraction (Grassmann, Taksar & Heyman 1985): every digit of small occupancies holds."""
    n = math.isqrt(len(rates))
    flat = np.broadcast_arrays(*[np.asarray(r, dtype=np.float64) for r in rates])
    q = [[flat[i * n + j].copy() for j in range(n)] for i in range(n)]
    for last in range(n - 1, 0, -1):
        out = _sum(*q[last][:last])
        for i in range(last):
            q[i][last] = q[i][last] / out
            for j in range(last):
                q[i][j] = q[i][j] + q[i][last] * q[last][j]
    share = [np.ones_like(flat[0])]
    for j in range(1, n):
        share.append(_sum(*(share[i] * q[i][j] for i in range(j))))
    return (share[int(k)] / _sum(*share))[()]


_NUMPY: dict[str, Callable[..., Any]] = {
    "Add": _sum,
    "exp": np.exp,
    "log": np.log,
    "tanh": np.tanh,
    "sin": np.sin,
    "cos": np.cos,
    "absolute": np.abs,
    "sign": np.sign,
    "floor": np.floor,
    "exprel": _np_exprel,
    "expm1": np.expm1,
    "log1p": np.log1p,
    "sigmoid": _np_sigmoid,
    "phi": _np_phi,
    "occupancy": _np_occupancy,
    "where": _np_where,
    "minimum": np.minimum,
    "maximum": np.maximum,
    "And": _all,
    "Or": _any,
    "Not": np.logical_not,
    "StrictLessThan": np.less,
    "LessThan": np.less_equal,
    "StrictGreaterThan": np.greater,
    "GreaterThan": np.greater_equal,
    "Equality": np.equal,
    "Unequality": np.not_equal,
}
