"""Rates that are 0/0 at one voltage, made exact: x/(1 - exp(-x/k)) with `exprel`, with and without a test around it."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from fractions import Fraction

import numpy as np
import sympy

from sneuron.lang.expr import symbol
from sneuron.lang.nmodl.products import Factors, factors, product, terms
from sneuron.lang.nmodl.text import value
from sneuron.lang.nmodl.tree import Call, Expr, Name, Neg, Num, Op, Test, Where, names, parts, rebuilt, replaced, size

__all__ = ["MAX_SUMS", "algebra", "exact", "is_singular", "one_less_exp", "sums", "tree"]

Look = Callable[[str], Expr | None]
_MAX, MAX_SUMS = 60, 10
_SMALL = Fraction(1, 20)


def exact(e: Expr, look: Look) -> Expr:
    """An expression without removable singularities; `look` gives what a name stands for."""
    if isinstance(e, Op) and e.op in "*/":
        return _product(e, look)
    e = rebuilt(e, lambda part: exact(part, look))
    return _unguarded(e, look) if isinstance(e, Where) else e


def is_singular(e: Expr) -> bool:
    """Whether something in it is divided by 1 - exp(u)."""
    if isinstance(e, Op) and e.op == "/" and any(one_less_exp(d) for d in factors(e.right).ups):
        return True
    return any(is_singular(p) for p in parts(e))


def _product(e: Op, look: Look) -> Expr:
    """A product in which n/(1 - exp(u)) is an `exprel`."""
    held = factors(e)
    for d in held.downs:
        shape = one_less_exp(replaced(d, lambda name: _exponential(name, look)))
        for n in held.ups if shape else ():
            ratio = _ratio(n, shape[1], look) if shape else None
            if shape and ratio is not None:
                ups = [exact(x, look) for x in _without(held.ups, n)]
                downs = [exact(x, look) for x in _without(held.downs, d)]
                below = Call("exprel", (exact(shape[1], look),))
                rest = Factors(-held.coefficient / shape[0], tuple(ups), (*downs, below))
                return product(rest.times(factors(ratio)))
    return rebuilt(e, lambda part: exact(part, look))


def _exponential(name: str, look: Look) -> Expr | None:
    """What a name stands for, if that is an exponential."""
    found = look(name)
    return found if isinstance(found, Call) and found.name == "exp" else None


def sums(e: Expr) -> int:
    """How many sums an expression holds: what algebra would multiply out."""
    stack, count = [e], 0
    while stack:
        node = stack.pop()
        count += isinstance(node, Op) and node.op in "+-"
        stack += parts(node)
    return count


def _without(held: tuple[Expr, ...], one: Expr) -> tuple[Expr, ...]:
    at = held.index(one)
    return held[:at] + held[at + 1 :]


def one_less_exp(e: Expr) -> tuple[Fraction, Expr] | None:
    """(scale, u) where an expression is scale * (1 - exp(u))."""
    held = terms(e)
    if len(held) != 2:
        return None
    for (s1, constant), (s2, other) in (held, held[::-1]):
        c, x = factors(constant), factors(other)
        if c.coefficient == 0 or c.ups or c.downs or s1 * c.coefficient != -s2 * x.coefficient:
            continue
        match (x.ups, x.downs):
            case ((Call("exp", (u,)),), ()):
                return s1 * c.coefficient, u
            case ((), (Call("exp", (u,)),)):
                return s1 * c.coefficient, Neg(u)
    return None


def _ratio(n: Expr, u: Expr, look: Look) -> Expr | None:
    """N / u where it does not move with what is in n; names are written out if need be."""
    for _ in range(4):
        if max(size(n), size(u)) > _MAX or sums(n) + sums(u) > MAX_SUMS:
            return None
        top, below = algebra(n), algebra(u)
        if top is not None and below is not None and top.free_symbols and below != 0:
            ratio = sympy.cancel(top / below)
            if not ratio.free_symbols & top.free_symbols and ratio != 0:
                return tree(ratio)
        wider = replaced(n, look), replaced(u, look)
        if wider == (n, u):
            return None
        n, u = wider
    return None


# tests around a singular voltage


def _unguarded(e: Where, look: Look) -> Expr:
    """A choice that only steps around 0/0, or around overflow of exp, as its other branch."""
    match e:
        case Where(Test("<" | "<=", u, Num(limit)), low, far) if limit <= -50 and low == _ZERO:
            whole = far if isinstance(far, Call) else look(far.id) if isinstance(far, Name) else None
            if whole == Call("exp", (u,)):
                return far
    found = _near(e)
    if found is None:
        return e
    distance, near, far = found
    return far if _agree(distance, near, far, look) else e


_ZERO = Num(Fraction(0))


def _near(e: Where) -> tuple[Expr, Expr, Expr] | None:
    """(what is 0 there, the value near there, the value elsewhere)."""
    match e.test:
        case Test("<" | "<=", Call("abs", (x,)), Num(small)) if small <= _SMALL:
            return x, e.yes, e.no
        case Test(">" | ">=", Call("abs", (x,)), Num(small)) if small <= _SMALL:
            return x, e.no, e.yes
        case Test("==", left, right):
            return Op("-", left, right), e.yes, e.no
        case Test("!=", left, right):
            return Op("-", left, right), e.no, e.yes
    return None


def _agree(distance: Expr, near: Expr, far: Expr, look: Look) -> bool:
    """Whether both branches give the same where `distance` is 0."""
    found = list(_roots(distance, near, far, look))
    for known in found:
        a, b = float(value(near, known, look)), float(value(far, known, look))
        room = 1e-3 * max(abs(a), abs(b)) + (2e-3 if isinstance(far, Name) else 1e-12)
        if not abs(a - b) <= room:
            return False
    return bool(found)


def _roots(distance: Expr, near: Expr, far: Expr, look: Look) -> Iterator[dict[str, float]]:
    """Values of all names for which `distance`, linear in one of them, is 0."""
    free = sorted(_leaves([distance, near, far], look))
    for shift in (0.0, 3.7):
        known = {name: shift + 1.3 + 0.37 * k for k, name in enumerate(free)}
        for name in free:
            at = [float(value(distance, {**known, name: x}, look)) for x in (0.0, 1.0)]
            if at[0] == at[1] or not np.isfinite(at).all():
                continue
            root = -at[0] / (at[1] - at[0])
            if abs(float(value(distance, {**known, name: root}, look))) < 1e-9 * (1 + abs(at[0])):
                yield {**known, name: root}
                break


def _leaves(held: list[Expr], look: Look) -> set[str]:
    """The names that stand for themselves."""
    found, seen, stack = set[str](), set[str](), list(held)
    while stack:
        for name in names(stack.pop()):
            if name not in seen:
                seen.add(name)
                inner = look(name)
                if inner is None:
                    found.add(name)
                else:
                    stack.append(inner)
    return found


# to SymPy and back


def algebra(e: Expr) -> sympy.Expr | None:
    """A small expression for algebra; None for what algebra here does not need to know."""
    match e:
        case Num(number):
            return sympy.Rational(number.numerator, number.denominator)
        case Name(name):
            return symbol(name)
        case Neg(of):
            inner = algebra(of)
            return None if inner is None else -inner
        case Op(op, left, right):
            return _operated(op, algebra(left), algebra(right))
        case Call("exp", (of,)):
            inner = algebra(of)
            return None if inner is None else sympy.exp(inner)
    return None


def _operated(op: str, left: sympy.Expr | None, right: sympy.Expr | None) -> sympy.Expr | None:
    if left is None or right is None:
        return None
    if op == "^":
        whole = right.is_Integer and abs(right) <= 8 and left.is_Symbol
        return left**right if whole or (left.is_Atom and left != 0 and right.free_symbols) else None
    if op == "/":
        return None if right == 0 else left / right
    return left + right if op == "+" else left - right if op == "-" else left * right


def tree(e: sympy.Expr) -> Expr | None:
    """What algebra found, as an expression; None for what is not made of sums, products and powers."""
    if e.is_Rational:
        return Num(Fraction(int(e.p), int(e.q)))
    if e.is_Symbol:
        return Name(e.name)
    inner = [tree(a) for a in e.args]
    if not inner or any(i is None for i in inner):
        return None
    known = [i for i in inner if i is not None]
    if isinstance(e, sympy.exp):
        return Call("exp", (known[0],))
    if e.is_Pow and e.exp.is_Integer:
        power = known[0] if abs(e.exp) == 1 else Op("^", known[0], Num(Fraction(abs(int(e.exp)))))
        return power if e.exp > 0 else Op("/", Num(Fraction(1)), power)
    if e.is_Mul:
        held = factors(known[0])
        for k in known[1:]:
            held = held.times(factors(k))
        return product(held)
    return _sum(known) if e.is_Add else None


def _sum(known: list[Expr]) -> Expr:
    found = known[0]
    for k in known[1:]:
        found = Op("+", found, k)
    return found
