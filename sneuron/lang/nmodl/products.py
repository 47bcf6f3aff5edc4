"""Products, sums and constants of expressions: what can be told and changed without algebra."""

from __future__ import annotations

from dataclasses import dataclass
from fractions import Fraction

from sneuron.lang.nmodl.tree import Expr, Neg, Num, Op, Where, rebuilt

__all__ = ["Factors", "factors", "product", "scaled", "summed", "terms", "tidy"]

ZERO, ONE = Num(Fraction(0)), Num(Fraction(1))


@dataclass(frozen=True)
class Factors:
    """coefficient * ups / downs."""

    coefficient: Fraction
    ups: tuple[Expr, ...]
    downs: tuple[Expr, ...]

    def over(self, other: Factors) -> Factors:
        """Divided by another, whose coefficient is not 0."""
        return Factors(self.coefficient / other.coefficient, (*self.ups, *other.downs), (*self.downs, *other.ups))

    def times(self, other: Factors) -> Factors:
        return Factors(self.coefficient * other.coefficient, (*self.ups, *other.ups), (*self.downs, *other.downs))


def factors(e: Expr) -> Factors:
    """A product taken apart; numbers are gathered."""
    match e:
        case Num(number):
            return Factors(number, (), ())
        case Neg(of):
            inner = factors(of)
            return Factors(-inner.coefficient, inner.ups, inner.downs)
        case Op("*", left, right):
            return factors(left).times(factors(right))
        case Op("/", left, right):
            below = factors(right)
            if below.coefficient:
                return factors(left).over(below)
    return Factors(Fraction(1), (e,), ())


def product(held: Factors) -> Expr:
    """The expression of factors."""
    ups = list(held.ups)
    sign, coefficient = (-1, -held.coefficient) if held.coefficient < 0 else (1, held.coefficient)
    if coefficient != 1 or not ups:
        ups.insert(0, Num(coefficient))
    found = _chain("*", ups)
    if held.downs:
        found = Op("/", found, _chain("*", list(held.downs)))
    return found if sign > 0 else _negated(found)


def _negated(e: Expr) -> Expr:
    """Minus a product; the sign goes into a number at its head."""
    match e:
        case Num(number):
            return Num(-number)
        case Op("*" | "/" as op, left, right):
            return Op(op, _negated(left), right)
    return Neg(e)


def _chain(op: str, parts: list[Expr]) -> Expr:
    found = parts[0]
    for part in parts[1:]:
        found = Op(op, found, part)
    return found


def terms(e: Expr, sign: int = 1) -> list[tuple[int, Expr]]:
    """A sum taken apart into terms with their signs."""
    match e:
        case Neg(of):
            return terms(of, -sign)
        case Op("+", left, right):
            return [*terms(left, sign), *terms(right, sign)]
        case Op("-", left, right):
            return [*terms(left, sign), *terms(right, -sign)]
    return [(sign, e)]


def summed(held: list[tuple[int, Expr]]) -> Expr:
    """The expression of terms."""
    if not held:
        return Num(Fraction(0))
    sign, found = held[0]
    found = found if sign > 0 else _negated(found)
    for sign, e in held[1:]:
        found = Op("+" if sign > 0 else "-", found, e)
    return found


def scaled(e: Expr, by: Fraction) -> Expr:
    """`by` times an expression; sums and choices are scaled part by part.

    >>> from sneuron.lang.nmodl.text import text
    >>> from sneuron.lang.nmodl.tree import Name
    >>> text(scaled(Op("*", Num(Fraction(1, 10)), Name("g")), Fraction(1000)))
    '100*g'
    """
    if by == 1:
        return e
    match e:
        case Op("+" | "-" as op, left, right):
            return Op(op, scaled(left, by), scaled(right, by))
        case Neg(of):
            return Neg(scaled(of, by))
        case Where(test, yes, no):
            return Where(test, scaled(yes, by), scaled(no, by))
    held = factors(e)
    return product(Factors(held.coefficient * by, held.ups, held.downs))


def tidy(e: Expr) -> Expr:
    """The same without what only takes room: +-, double signs, factors of 1, sums with 0."""
    return _tidied(rebuilt(e, tidy))


def _tidied(e: Expr) -> Expr:
    """An expression whose parts are tidy."""
    match e:
        case Neg(Num(number)):
            return Num(-number)
        case Neg(Neg(of)):
            return of
        case Neg(Op("-", Neg(left), right)):
            return Op("+", left, right)
        case Op("+", left, Num(number)) if number < 0:
            return _tidied(Op("-", left, Num(-number)))
        case Op("-", left, Num(number)) if number < 0:
            return _tidied(Op("+", left, Num(-number)))
        case Op("+", left, Neg(of)):
            return Op("-", left, of)
        case Op("-", left, Neg(of)):
            return Op("+", left, of)
        case Op("+", left, right):
            return right if left == ZERO else left if right == ZERO else e
        case Op("-", left, right):
            return _tidied(Neg(right)) if left == ZERO else left if right == ZERO else e
        case Op("*", left, Op("/", Num(number), right)) if number == 1:
            return Op("/", left, right)
        case Op("*", left, right):
            return right if left == ONE else left if right == ONE else e
        case Op("/" | "^", left, right) if right == ONE:
            return left
    return e
