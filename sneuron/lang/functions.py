"""The functions of the model language that SymPy lacks, or whose derivatives it spells in words that no kernel knows.

Each is exact where its naive spelling is not, and differentiates into functions of the language.
"""

from __future__ import annotations

from typing import Any

import sympy

__all__ = [
    "absolute",
    "expm1",
    "exprel",
    "floor",
    "log1p",
    "maximum",
    "minimum",
    "occupancy",
    "phi",
    "sigmoid",
    "sign",
    "where",
]


class _Named(sympy.Function):  # type: ignore[misc]
    """A function that is never evaluated on its own account."""

    is_real = True
    is_commutative = True
    tex = ""

    def __new__(cls, *args: Any, **options: Any) -> sympy.Expr:
        return super().__new__(cls, *args, **{"evaluate": False, **options})

    def _latex(self, printer: Any, exp: str | None = None) -> str:
        inner = ", ".join(printer.doprint(a) for a in self.args)
        text = f"{self.tex or _roman(self.func.__name__)}\\left({inner}\\right)"
        return text if exp is None else rf"{{{text}}}^{{{exp}}}"

    def plain(self) -> sympy.Expr:
        """The same in SymPy's own words."""
        return self

    def _eval_evalf(self, prec: int) -> sympy.Expr:
        return self.plain()._eval_evalf(prec) if not self.free_symbols else self


def _roman(name: str) -> str:
    return rf"\operatorname{{{name}}}"


class exprel(_Named):
    """(exp(x) - 1) / x, which is 1 at 0."""

    nargs = 1

    def fdiff(self, argindex: int = 1) -> sympy.Expr:
        return exprel(self.args[0]) - phi(self.args[0], sympy.Integer(2))

    def plain(self) -> sympy.Expr:
        x = self.args[0]
        return sympy.Piecewise((sympy.S.One, sympy.Eq(x, 0)), ((sympy.exp(x) - 1) / x, True))


class phi(_Named):
    """The k-th exponential remainder phi(x, k) = sum over n of x^n / (n + k)!; phi(x, 1) is exprel(x)."""

    nargs = 2

    def fdiff(self, argindex: int = 1) -> sympy.Expr:
        x, k = self.args
        return phi(x, k) - k * phi(x, k + 1)

    def plain(self) -> sympy.Expr:
        x, k = self.args
        start = sum((x**n / sympy.factorial(n) for n in range(int(k))), sympy.S.Zero)
        return sympy.Piecewise((1 / sympy.factorial(k), sympy.Eq(x, 0)), ((sympy.exp(x) - start) / x**k, True))


class expm1(_Named):
    """exp(x) - 1 without loss of digits near 0."""

    nargs = 1

    def fdiff(self, argindex: int = 1) -> sympy.Expr:
        return sympy.exp(self.args[0])

    def plain(self) -> sympy.Expr:
        return sympy.exp(self.args[0]) - 1


class log1p(_Named):
    """log(1 + x) without loss of digits near 0."""

    nargs = 1

    def fdiff(self, argindex: int = 1) -> sympy.Expr:
        return 1 / (1 + self.args[0])

    def plain(self) -> sympy.Expr:
        return sympy.log(1 + self.args[0])


class sigmoid(_Named):
    """1 / (1 + exp(-x))."""

    nargs = 1
    tex = r"\sigma"

    def fdiff(self, argindex: int = 1) -> sympy.Expr:
        return sigmoid(self.args[0]) * sigmoid(-self.args[0])

    def plain(self) -> sympy.Expr:
        return 1 / (1 + sympy.exp(-self.args[0]))


class sign(_Named):
    """-1, 0 or 1; its derivative is 0 everywhere."""

    nargs = 1

    def fdiff(self, argindex: int = 1) -> sympy.Expr:
        return sympy.S.Zero

    def plain(self) -> sympy.Expr:
        return sympy.sign(self.args[0])


class floor(_Named):
    """The largest whole number that is not larger; its derivative is 0 everywhere."""

    nargs = 1

    def fdiff(self, argindex: int = 1) -> sympy.Expr:
        return sympy.S.Zero

    def plain(self) -> sympy.Expr:
        return sympy.floor(self.args[0])


class absolute(_Named):
    """The absolute value."""

    nargs = 1

    def fdiff(self, argindex: int = 1) -> sympy.Expr:
        return sign(self.args[0])

    def plain(self) -> sympy.Expr:
        return sympy.Abs(self.args[0])


class minimum(_Named):
    """The smaller of two."""

    nargs = 2
    tex = r"\min"

    def fdiff(self, argindex: int = 1) -> sympy.Expr:
        first = sympy.Le(self.args[0], self.args[1])
        return where(first, sympy.S.One, sympy.S.Zero) if argindex == 1 else where(first, sympy.S.Zero, sympy.S.One)

    def plain(self) -> sympy.Expr:
        return sympy.Min(*self.args)


class maximum(_Named):
    """The larger of two."""

    nargs = 2
    tex = r"\max"

    def fdiff(self, argindex: int = 1) -> sympy.Expr:
        first = sympy.Ge(self.args[0], self.args[1])
        return where(first, sympy.S.One, sympy.S.Zero) if argindex == 1 else where(first, sympy.S.Zero, sympy.S.One)

    def plain(self) -> sympy.Expr:
        return sympy.Max(*self.args)


class where(_Named):
    """`yes` where the condition holds, else `no`; unlike SymPy's own piecewise functions it never unfolds."""

    nargs = 3

    def __new__(cls, condition: sympy.Basic, yes: sympy.Expr, no: sympy.Expr, **options: Any) -> sympy.Expr:
        if condition in (sympy.true, sympy.false):
            return yes if condition == sympy.true else no
        return super().__new__(cls, condition, yes, no, **options)

    def _eval_derivative(self, s: sympy.Symbol) -> sympy.Expr:
        condition, yes, no = self.args
        return where(condition, yes.diff(s), no.diff(s))

    def plain(self) -> sympy.Expr:
        condition, yes, no = self.args
        return sympy.Piecewise((yes, condition), (no, True))

    def _latex(self, printer: Any, exp: str | None = None) -> str:
        condition, yes, no = (printer.doprint(a) for a in self.args)
        cases = rf"\begin{{cases}} {yes} & \text{{if}}\: {condition} \\ {no} & \text{{otherwise}} \end{{cases}}"
        return cases if exp is None else rf"{{\left({cases}\right)}}^{{{exp}}}"


class occupancy(_Named):
    """The steady occupancy of state k of a Markov scheme; then come its rates, row by row, from one state to another.

    It is computed for start values only, never in a kernel.
    """

    tex = "p"

    def _latex(self, printer: Any, exp: str | None = None) -> str:
        return rf"{self.tex}_{{{self.args[0]}}}"
