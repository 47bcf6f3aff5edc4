"""Small texts of generated code: rows of a block, assignments, loops, functions."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass

import sympy as sp

from sneuron.lang.printer import Printer, mangled

__all__ = ["Layout", "Texts", "function", "indented", "over_lanes", "symbol_of"]


@dataclass(frozen=True)
class Layout:
    """Where each quantity of a block lies.

    Attributes
    ----------
    width : int
        Lanes in a block.
    rows : dict of name to row
        States first, then internal rows, currents, slopes, features, parameters, hoisted numbers.
    """

    width: int
    rows: dict[str, int]

    def offset(self, name: str) -> int:
        """First element of a row in the flat block."""
        return self.rows[name] * self.width

    @property
    def size(self) -> int:
        """Elements of a block."""
        return len(self.rows) * self.width


class Texts:
    """Lines that read and write rows of a block."""

    layout: Layout
    print: Printer

    def _at(self, name: str) -> str:
        return f"_S[{self.layout.offset(name)} + _i]"

    def _loads(self, names: Iterable[str]) -> list[str]:
        return [f"{mangled(n)} = {self._at(n)}" for n in names if n in self.layout.rows]

    def _store(self, name: str, text: str) -> str:
        return f"{self._at(name)} = {text}"

    def _needed(self, body: Iterable[tuple[str, sp.Basic]], extra: Iterable[sp.Basic] = ()) -> list[str]:
        """Names that the assignments use and do not make."""
        made: set[str] = set()
        used: dict[str, None] = {}
        for name, expr in body:
            for s in sorted(expr.free_symbols, key=str):
                if s.name not in made:
                    used[s.name] = None
            made.add(name)
        for expr in extra:
            used |= {s.name: None for s in sorted(expr.free_symbols, key=str) if s.name not in made}
        return list(used)

    def _assignments(self, body: Iterable[tuple[str, sp.Basic]]) -> list[str]:
        return [f"{mangled(name)} = {self.print(expr)}" for name, expr in body]

    def _one_less(self, left: str) -> str:
        return f"fmax({left} - {self.print.number(1.0)}, {self.print.number(0.0)})"


def indented(lines: Iterable[str]) -> list[str]:
    return ["    " + line for line in lines]


def over_lanes(lines: list[str]) -> list[str]:
    return ["for _b in range(_B.shape[0]):", *indented(["_S = _B[_b]", "for _i in range(W):", *indented(lines)])]


def function(name: str, arguments: str, doc: str, lines: list[str]) -> str:
    return "\n".join(["@njit(**OPTIONS)", f"def {name}({arguments}):", *indented([f'"""{doc}"""', *lines])])


def symbol_of(name: str) -> sp.Symbol:
    """The symbol of a name, of the model or of a program."""
    return sp.Symbol(name, real=True)
