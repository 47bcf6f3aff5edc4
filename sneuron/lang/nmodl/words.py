"""A reader over the words of an NMODL text, and its expressions by recursive descent within limits."""

from __future__ import annotations

import math
from collections.abc import Iterable
from fractions import Fraction

from sneuron import errors
from sneuron.lang.nmodl.tokens import Source, Token
from sneuron.lang.nmodl.tree import Call, Expr, Join, Name, Neg, Not, Num, Op, Test, depth

__all__ = ["MAX_DEPTH", "MAX_PARTS", "Words", "number"]

MAX_DEPTH, MAX_PARTS, MAX_LEVELS = 40, 600, 100
_LEVELS = (("||",), ("&&",), ("<", "<=", ">", ">=", "==", "!="), ("+", "-"), ("*", "/"))


class Words:
    """Where the reading is."""

    def __init__(self, source: Source, words: list[Token]) -> None:
        self.source, self.words, self.place = source, words, 0
        self.level = self.count = 0
        self.defined: dict[str, Fraction] = {}

    @property
    def now(self) -> Token:
        """The next word."""
        return self.words[self.place]

    def ahead(self, n: int = 1) -> Token:
        return self.words[min(self.place + n, len(self.words) - 1)]

    def take(self) -> Token:
        word = self.now
        self.place = min(self.place + 1, len(self.words) - 1)
        return word

    def has(self, *texts: str) -> bool:
        """Whether the next word is one of these."""
        return self.now.kind in ("op", "name") and self.now.text in texts

    def took(self, *texts: str) -> bool:
        """Take the next word if it is one of these."""
        found = self.has(*texts)
        if found:
            self.take()
        return found

    def want(self, text: str) -> Token:
        if not self.has(text):
            raise self.error(f"{text!r} is wanted here, not {self._shown()}")
        return self.take()

    def name(self) -> str:
        if self.now.kind != "name":
            raise self.error(f"a name is wanted here, not {self._shown()}")
        return self.take().text

    def list_of_names(self) -> list[str]:
        """Names with commas between them."""
        found = [self.name()]
        while self.took(","):
            found.append(self.name())
        return found

    def error(self, what: str, possible: str | None = None, mend: str | None = None) -> errors.ModelError:
        return self.source.error(self.now.at, what, possible, mend)

    def _shown(self) -> str:
        return "the end of the text" if self.now.kind == "end" else repr(self.now.text[:40])

    # units, numbers

    def unit(self) -> str:
        """The text of a unit in brackets, if one follows; else ""."""
        if not self.has("("):
            return ""
        start = self.take().at
        while not self.has(")"):
            if self.now.kind == "end" or self.has("{", "}"):
                raise self.source.error(start, "this bracket is never closed")
            self.take()
        return self.source.text[start + 1 : self.take().at].strip()

    def signed(self) -> Fraction:
        """A number with its sign, or a name of DEFINE."""
        sign = 1
        while self.has("-", "+"):
            sign *= -1 if self.take().text == "-" else 1
        if self.now.kind == "name" and self.now.text in self.defined:
            return sign * self.defined[self.take().text]
        if self.now.kind != "number":
            raise self.error(f"a number is wanted here, not {self._shown()}")
        return sign * number(self.take(), self.source)

    # expressions

    def expression(self) -> Expr:
        """A whole expression."""
        self.count, start = 0, self.now
        found = self._binary(0)
        if depth(found) > MAX_LEVELS:
            raise self.source.error(start.at, "the expression is too deep", f"{MAX_LEVELS} levels")
        return found

    def _binary(self, level: int) -> Expr:
        if level == len(_LEVELS):
            return self._unary()
        left = self._binary(level + 1)
        while self.now.kind == "op" and self.now.text in _LEVELS[level]:
            op = self.take().text
            left = _joined(op, left, self._binary(level + 1))
        return left

    def _unary(self) -> Expr:
        self.count += 1
        self.level += 1
        if self.level > MAX_DEPTH or self.count > MAX_PARTS:
            raise self.error("the expression is too deep or too long", f"depth {MAX_DEPTH}, {MAX_PARTS} parts")
        if self.took("-"):
            found: Expr = Neg(self._unary())
        elif self.took("+"):
            found = self._unary()
        elif self.took("!"):
            found = Not(self._unary())
        else:
            found = self._power()
        self.level -= 1
        return found

    def _power(self) -> Expr:
        base = self._primary()
        return Op("^", base, self._unary()) if self.took("^") else base

    def _primary(self) -> Expr:
        word = self.now
        if word.kind == "number":
            self.take()
            value = number(word, self.source)
            if self.has("(") and self._is_unit():
                self.unit()
            return Num(value)
        if self.took("("):
            inner = self._binary(0)
            self.want(")")
            return inner
        if word.kind == "string":
            self.take()
            return Num(Fraction(0))
        if word.kind != "name":
            raise self.error(f"an expression is wanted here, not {self._shown()}")
        self.take()
        if self.took("("):
            return Call(word.text, tuple(self._arguments()), word.at)
        if self.took("["):
            index = self._binary(0)
            self.want("]")
            return Call(f"{word.text}[]", (index,), word.at)
        if word.text in self.defined:
            return Num(self.defined[word.text])
        return Name(word.text, word.at)

    def _arguments(self) -> Iterable[Expr]:
        while not self.took(")"):
            yield self._binary(0)
            if not self.has(")"):
                self.want(",")

    def _is_unit(self) -> bool:
        """Whether the bracket behind a number is a unit: it stands on the same line."""
        return "\n" not in self.source.text[self.words[self.place - 1].at : self.now.at]


def _joined(op: str, left: Expr, right: Expr) -> Expr:
    if op in ("||", "&&"):
        return Join("or" if op == "||" else "and", left, right)
    return Test(op, left, right) if op in _LEVELS[2] else Op(op, left, right)


def number(word: Token, source: Source) -> Fraction:
    """The exact value of a number."""
    text = word.text
    if len(text) > 60 or not math.isfinite(float(text)) or abs(int(text.lower().partition("e")[2] or "0")) > 300:
        raise source.error(word.at, "this number is too long or too large", "60 characters, at most 1e300")
    return Fraction(text.rstrip(".") if text.endswith(".") else text.replace(".e", ".0e").replace(".E", ".0E"))
