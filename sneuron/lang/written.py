"""From expressions back to text of the model language; what is too large for one text is given names."""

from __future__ import annotations

import ast
from collections.abc import Callable

import sympy

from sneuron import errors
from sneuron.lang.expr import MAX_DEPTH, MAX_LENGTH, MAX_NODES

__all__ = ["fits", "parted", "written"]

_CALLS = {
    "exp": "exp", "log": "log", "tanh": "tanh", "sin": "sin", "cos": "cos", "absolute": "abs", "sign": "sign",
    "floor": "floor", "exprel": "exprel", "expm1": "expm1", "log1p": "log1p", "sigmoid": "sigmoid", "minimum": "min",
    "maximum": "max",
}  # fmt: skip
_SUM, _PRODUCT, _POWER, _ATOM = range(4)
_ROOM = 0.8
"""Part of the limits of a text that is used."""

_GROUP = 8


def written(expression: sympy.Basic) -> str:
    """The text that `sneuron.lang.expr.parse` reads as an expression of the same value.

    Raises
    ------
    ExpressionError
        For what the language has no word for.

    Examples
    --------
    >>> from sneuron.lang.expr import parse
    >>> written(parse("-g*(v - E)**2/exp(-v/10)", ["g", "v", "E"], "here"))
    '-g*(v - E)**2/exp(-v/10)'
    """
    return _text(expression)[0]


def fits(text: str) -> bool:
    """Whether a text is well within the limits of the language."""
    if len(text) > _ROOM * MAX_LENGTH:
        return False
    level: list[ast.AST] = [ast.parse(text, mode="eval").body]
    count, depth = 0, 0
    while level:
        count, depth = count + len(level), depth + 1
        skipped = (ast.operator, ast.unaryop, ast.cmpop, ast.boolop, ast.expr_context)
        level = [c for node in level for c in ast.iter_child_nodes(node) if not isinstance(c, skipped)]
    return count <= _ROOM * MAX_NODES and depth <= _ROOM * MAX_DEPTH


def parted(expression: sympy.Expr, named: Callable[[sympy.Expr], sympy.Symbol]) -> sympy.Expr:
    """An expression whose text fits, parts of it replaced by names that `named` gives to them."""
    while not fits(written(expression)):
        if expression.func in (sympy.Add, sympy.Mul) and len(expression.args) > _GROUP:
            groups = [expression.args[k : k + _GROUP] for k in range(0, len(expression.args), _GROUP)]
            expression = expression.func(*[named(parted(expression.func(*g), named)) for g in groups])
            continue
        inside = [a for a in sympy.preorder_traversal(expression) if isinstance(a, sympy.Expr) and a.args]
        part = max((a for a in inside if a != expression), key=_parts)
        expression = expression.xreplace({part: named(parted(part, named))})
    return expression


def _parts(expression: sympy.Basic) -> int:
    return 1 + sum(_parts(a) for a in expression.args)


def _text(e: sympy.Basic) -> tuple[str, int]:
    """The text of a node, and how tightly it holds together."""
    name = type(e).__name__
    if e.is_Symbol:
        return str(e.name), _ATOM
    if e.is_number and not e.args:
        return _number(float(e))
    if e.is_Add:
        return _sum(e), _SUM
    if e.is_Mul:
        return _product(e), _PRODUCT
    if e.is_Pow:
        return _power(e)
    if name == "where":
        return f"where({_condition(e.args[0])}, {written(e.args[1])}, {written(e.args[2])})", _ATOM
    if name not in _CALLS:
        raise errors.ExpressionError("written", f"the language has no word for {name}: {e!s:.80}", sorted(_CALLS))
    return f"{_CALLS[name]}({', '.join(written(a) for a in e.args)})", _ATOM


def _number(value: float) -> tuple[str, int]:
    text = repr(int(value)) if value.is_integer() and abs(value) < 1e6 else repr(value)
    return (text, _ATOM) if value >= 0 else (text, _SUM)


def _held(e: sympy.Basic, least: int) -> str:
    """The text of a node in parentheses where it must hold together."""
    text, tight = _text(e)
    return text if tight >= least else f"({text})"


def _sum(e: sympy.Add) -> str:
    text = ""
    for term in e.args:
        part = _text(term)[0] if term.is_number and not term.args else _held(term, _PRODUCT)
        sign, part = (" - ", part[1:]) if part.startswith("-") else (" + ", part)
        text += sign + part
    return text[3:] if text.startswith(" + ") else "-" + text[3:]


def _product(e: sympy.Mul) -> str:
    """Factors over divisors; a factor -1 is a sign."""
    sign, above, below = "", list[str](), list[str]()
    for factor in e.args:
        if factor == -1:
            sign = "" if sign else "-"
        elif factor.is_Pow and factor.exp.is_number and factor.exp < 0:
            below.append(_held(sympy.Pow(factor.base, -factor.exp, evaluate=False), _POWER))
        else:
            above.append(_held(factor, _PRODUCT if not above else _POWER))
    return sign + "*".join(above or ["1"]) + "".join(f"/{b}" for b in below)


def _power(e: sympy.Pow) -> tuple[str, int]:
    base, exponent = e.base, e.exp
    if exponent == 1:
        return _text(base)
    if exponent.is_number and exponent < 0:
        return f"1/{_held(sympy.Pow(base, -exponent, evaluate=False), _POWER)}", _PRODUCT
    if exponent == sympy.S.Half:
        return f"sqrt({written(base)})", _ATOM
    return f"{_held(base, _ATOM)}**{_held(exponent, _ATOM)}", _POWER


def _condition(e: sympy.Basic) -> str:
    """Comparisons joined by and, or, not."""
    if isinstance(e, sympy.core.relational.Relational):
        return f"{_held(e.lhs, _SUM)} {e.rel_op} {_held(e.rhs, _SUM)}"
    if isinstance(e, sympy.Not):
        return f"not ({_condition(e.args[0])})"
    word = " and " if isinstance(e, sympy.And) else " or "
    return word.join(f"({_condition(a)})" for a in e.args)
