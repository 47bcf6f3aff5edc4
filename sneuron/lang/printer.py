"""From checked SymPy expressions to the text of generated code.

Sums become fused multiply-adds in a fixed order, whole powers become products,
`1/exprel(x)` one division: a text fixes every bit of its value.
"""

from __future__ import annotations

import hashlib
import keyword
from fractions import Fraction

import sympy as sp
from sympy.core.sorting import default_sort_key

from sneuron import errors
from sneuron.lang import vector

__all__ = ["Printer", "mangled"]

_CALLS = {
    "exp": "exp",
    "log": "log",
    "log1p": "log1p",
    "expm1": "expm1",
    "decay": "decay",
    "exprel": "exprel",
    "exprel_from": "exprel_from",
    "exprel_inverse_from": "exprel_inverse_from",
    "tanh": "tanh",
    "sin": "sin",
    "cos": "cos",
    "absolute": "fabs",
    "maximum": "fmax",
    "minimum": "fmin",
    "sigmoid": "sigmoid",
    "sign": "sign",
    "floor": "floor",
}
_OURS = {
    *vector.__all__,
    "F",
    "W",
    "ONE",
    "TWO",
    "THREE",
    "OPTIONS",
    "np",
    "njit",
    "range",
    "float",
    "abs",
    "min",
    "max",
}
_RELATIONS = {"<": "<", "<=": "<=", ">": ">", ">=": ">=", "==": "==", "!=": "!="}


def mangled(name: str) -> str:
    """A name of the language as an identifier: `na.g` -> `na__g`; what the module itself needs is left alone.

    >>> mangled("na.g"), mangled("F"), mangled("lambda")
    ('na__g', 'F_', 'lambda_')
    """
    text = name.replace(".", "__")
    if "__" in name.lstrip("_"):
        text = f"{text}_{hashlib.sha256(name.encode()).hexdigest()[:8]}"
    stem = text.rstrip("_")
    return text + "_" if keyword.iskeyword(stem) or stem in _OURS else text


class Printer:
    """Prints expressions for one floating type.

    Parameters
    ----------
    dtype : {"float64", "float32"}
        Constants are wrapped as `F(...)` in float32 so that nothing is widened.
    """

    def __init__(self, dtype: str = "float64") -> None:
        self.narrow = dtype == "float32"

    def __call__(self, expr: sp.Basic) -> str:
        name = type(expr).__name__
        if isinstance(expr, sp.Symbol):
            return mangled(expr.name)
        if isinstance(expr, sp.Number | sp.NumberSymbol):
            return self.number(float(expr))
        handler = getattr(self, f"_{name.lower()}", None)
        if handler is not None:
            return str(handler(expr))
        if name in _CALLS:
            return f"{_CALLS[name]}({', '.join(self(a) for a in expr.args)})"
        if isinstance(expr, sp.core.relational.Relational):
            return f"({self(expr.lhs)} {_RELATIONS[expr.rel_op]} {self(expr.rhs)})"
        raise errors.CompileError("emitter", f"no code is known for {name} in {expr}")

    def number(self, x: float) -> str:
        """A constant, in the type of the kernel."""
        return f"F({x!r})" if self.narrow else repr(x)

    def _add(self, expr: sp.Add) -> str:
        terms = sorted(expr.args, key=default_sort_key)
        plain = [t for t in terms if not isinstance(t, sp.Mul) or _has_divisor(t)]
        products = [t for t in terms if isinstance(t, sp.Mul) and not _has_divisor(t)]
        text = " + ".join(self(t) for t in plain)
        text = f"({text})" if len(plain) > 1 else text
        for term in products:
            text = self._fused(term, text)
        return text

    def _fused(self, term: sp.Mul, onto: str) -> str:
        """One product added to what is there."""
        if not onto:
            return self(term)
        sign, factors = _signed(term)
        texts = [self(f) for f in factors]
        if len(texts) == 1:
            return f"({onto} {'-' if sign < 0 else '+'} {texts[0]})"
        left = " * ".join(texts[:-1])
        left = f"-({left})" if sign < 0 else left
        return f"fma({left}, {texts[-1]}, {onto})"

    def _mul(self, expr: sp.Mul) -> str:
        sign, factors = _signed(expr)
        above = [f for f in factors if not _is_divisor(f)]
        below = [f for f in factors if _is_divisor(f)]
        text = " * ".join(self(f) for f in above) if above else self.number(1.0)
        for divisor in below:
            text = f"{text} / {self(1 / divisor)}"
        return f"(-({text}))" if sign < 0 else f"({text})"

    def _pow(self, expr: sp.Pow) -> str:
        base, power = expr.as_base_exp()
        if power == -1:
            if type(base).__name__ == "exprel":
                return f"exprel_inverse({self(base.args[0])})"
            return f"({self.number(1.0)} / {self(base)})"
        if power == sp.Rational(1, 2) or power == 0.5:
            return f"sqrt({self(base)})"
        if power == sp.Rational(-1, 2) or power == -0.5:
            return f"({self.number(1.0)} / sqrt({self(base)}))"
        whole = _whole(power)
        if whole is not None and 0 < abs(whole) <= 64:
            text = _power(self(base), abs(whole))
            return text if whole > 0 else f"({self.number(1.0)} / {text})"
        return f"pow({self(base)}, {self(power)})"

    def _piecewise(self, expr: sp.Piecewise) -> str:
        text = self(expr.args[-1].expr)
        for branch in reversed(expr.args[:-1]):
            text = f"either({self(branch.cond)}, {self(branch.expr)}, {text})"
        return text

    def _where(self, expr: sp.Basic) -> str:
        condition, yes, no = expr.args
        return f"either({self(condition)}, {self(yes)}, {self(no)})"

    def _and(self, expr: sp.Basic) -> str:
        return "(" + " & ".join(self(a) for a in sorted(expr.args, key=default_sort_key)) + ")"

    def _or(self, expr: sp.Basic) -> str:
        return "(" + " | ".join(self(a) for a in sorted(expr.args, key=default_sort_key)) + ")"

    def _not(self, expr: sp.Basic) -> str:
        return f"(not {self(expr.args[0])})"

    def _booleantrue(self, expr: sp.Basic) -> str:
        return "True"

    def _booleanfalse(self, expr: sp.Basic) -> str:
        return "False"


def _whole(power: sp.Basic) -> int | None:
    """The exponent as a whole number, when it is one."""
    if not power.is_number:
        return None
    value = Fraction(float(power))
    return int(value) if value.denominator == 1 else None


def _power(base: str, n: int) -> str:
    """base**n by repeated squaring."""
    if n == 1:
        return base
    half = _power(base, n // 2)
    square = f"({half} * {half})"
    return square if n % 2 == 0 else f"({square} * {base})"


def _signed(term: sp.Mul) -> tuple[int, list[sp.Basic]]:
    """Sign and factors; a factor -1 becomes the sign."""
    number, rest = term.as_coeff_Mul()
    factors = sorted(sp.Mul.make_args(rest), key=default_sort_key)
    size = abs(number)
    if size != 1:
        factors = [size, *factors]
    return (-1 if number < 0 else 1), factors


def _is_divisor(factor: sp.Basic) -> bool:
    if not isinstance(factor, sp.Pow) or type(factor.base).__name__ == "exprel":
        return False
    power = factor.exp
    return bool(power.is_number and power < 0)


def _has_divisor(term: sp.Basic) -> bool:
    return any(_is_divisor(f) for f in term.args)
