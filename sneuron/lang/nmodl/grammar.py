"""From the words of an NMODL file to its blocks, statements and declarations."""

from __future__ import annotations

import dataclasses
import re
from collections.abc import Iterator

from sneuron.lang.nmodl.tokens import Source, Token, tokens
from sneuron.lang.nmodl.tree import (
    Assign,
    Block,
    Branch,
    Call,
    Compartment,
    Declared,
    File,
    Local,
    Loop,
    Odd,
    Reaction,
    Run,
    Solve,
    Statement,
    Table,
    Use,
)
from sneuron.lang.nmodl.words import MAX_DEPTH, Words

__all__ = ["parsed"]

_CODE = ("INITIAL", "BREAKPOINT", "DERIVATIVE", "KINETIC", "FUNCTION", "PROCEDURE")
_SKIPPED = ("LINEAR", "NONLINEAR", "DISCRETE", "PARTIAL", "CONSTRUCTOR", "DESTRUCTOR", "TERMINAL")
_SYNAPSE = "synapses and other mechanisms that wait for events cannot be taken"
_REFUSED = {
    "NET_RECEIVE": (_SYNAPSE, "Import the channels; connect cells in a network of sneuron."),
    "BEFORE": ("BEFORE blocks cannot be taken", "Put its equations into BREAKPOINT or DERIVATIVE."),
    "AFTER": ("AFTER blocks cannot be taken", "Put its equations into BREAKPOINT or DERIVATIVE."),
    "INCLUDE": ("this file is not read", "Put the text of that file in this place."),
}
_WORDS = {
    "WHILE": "loops", "while": "loops", "FORALL": "loops", "LONGITUDINAL_DIFFUSION": "diffusion",
    "MATCH": "MATCH", "SENS": "SENS", "RESET": "RESET", "WATCH": "WATCH", "goto": "goto",
}  # fmt: skip
_HARMLESS_LINE = re.compile(r"^\s*#\s*include\b.*$|\b(\w+)\s*=\s*_ion_\1\s*;", re.MULTILINE)
MAX_ARRAY = 64
_HARMLESS = frozenset(["", "return 0;", "return;", "return 0 ;"])


def parsed(source: Source) -> File:
    """What an NMODL text says.

    Raises
    ------
    ModelError
        For what is no NMODL; shows the place.
    """
    return _Grammar(source, tokens(source)).file()


class _Grammar(Words):
    """Blocks and statements."""

    def __init__(self, source: Source, words: list[Token]) -> None:
        super().__init__(source, words)
        self.held = File()
        self.inside = 0

    def file(self) -> File:
        while self.now.kind != "end":
            self._block()
        return self.held

    def _block(self) -> None:
        word = self.take()
        if word.kind == "title":
            self.held.title = self.held.title or word.text
        elif word.kind == "verbatim":
            self.held.refused += self._c_code(word)
        elif word.text in _CODE:
            self._code(word)
        elif word.text in _REFUSED:
            self.held.refused.append(Odd(*_REFUSED[word.text], word.at))
            self._pass_over()
        elif word.text in _SKIPPED:
            name = self.now.text if self.now.kind == "name" else word.text
            self.held.blocks[name] = Block(word.text, name, (), (), word.at)
            self._pass_over()
        elif word.text in _READERS:
            _READERS[word.text](self)
        elif word.text == "FUNCTION_TABLE":
            self._function_table(word)
        elif word.text == "INDEPENDENT":
            self._pass_over()
        elif word.text == "LOCAL":
            self.held.locals += self._locals()
        elif word.text == "DEFINE":
            name = self.name()
            self.defined[name] = self.signed()
        elif word.text not in ("UNITSON", "UNITSOFF", "PROTECT", "TITLE"):
            raise self.source.error(word.at, f"{word.text[:40]!r} opens no block of NMODL", ", ".join(_READERS))

    def _function_table(self, word: Token) -> None:
        name = self.name()
        self.held.blocks[name] = Block(word.text, name, (), (), word.at)
        self.unit()
        if self.took(")"):
            self.unit()
        self.unit()

    def _pass_over(self) -> None:
        """Leave out words up to the end of the next brackets."""
        start = self.words[self.place - 1]
        while not self.has("{"):
            if self.now.kind in ("end", "string"):
                self.take()
                return
            self.take()
        depth = 0
        while True:
            word = self.take()
            if word.kind == "end":
                raise self.source.error(start.at, f"the brackets of {start.text} are never closed")
            depth += (word.text == "{") - (word.text == "}") if word.kind == "op" else 0
            if depth == 0:
                return

    # declarations

    def _neuron(self) -> None:
        self.want("{")
        while not self.took("}"):
            word = self.take()
            if word.text in ("SUFFIX", "POINT_PROCESS", "ARTIFICIAL_CELL"):
                self.held.kind, self.held.name = word.text, self.name()
                if word.text == "ARTIFICIAL_CELL":
                    self.held.refused.append(
                        Odd("an artificial cell is no channel", "Use a neuron of sneuron.", word.at)
                    )
            elif word.text == "USEION":
                self._ion(word)
            elif word.text == "NONSPECIFIC_CURRENT":
                self.held.currents += self.list_of_names()
            elif word.text == "ELECTRODE_CURRENT":
                what = "an electrode is a stimulus, not a channel"
                self.held.refused.append(Odd(what, "Use InjCur and the stimuli of sneuron.", word.at))
                self.list_of_names()
            elif word.text in ("POINTER", "BBCOREPOINTER", "RANDOM"):
                self.held.pointers += self.list_of_names()
            elif word.text in ("RANGE", "GLOBAL", "EXTERNAL", "SECTION"):
                self.list_of_names()
            elif word.text not in ("THREADSAFE", ","):
                raise self.source.error(
                    word.at, f"{word.text[:40]!r} is no word of NEURON", "SUFFIX, POINT_PROCESS, USEION, RANGE, GLOBAL"
                )

    def _ion(self, word: Token) -> None:
        ion, reads, writes, valence = self.name(), list[str](), list[str](), 0
        while self.has("READ", "WRITE", "VALENCE", "CHARGE", "REPRESENTS"):
            kind = self.take().text
            if kind in ("VALENCE", "CHARGE"):
                valence = int(self.signed())
            elif kind == "REPRESENTS":
                self.take()
                if self.took(":"):
                    self.take()
            else:
                (reads if kind == "READ" else writes).extend(self.list_of_names())
        self.held.uses.append(Use(ion, tuple(reads), tuple(writes), valence, word.at))

    def _units(self) -> None:
        self.want("{")
        while not self.took("}"):
            if self.has("("):
                alias = self.unit()
                self.want("=")
                self.held.units[alias] = self.unit()
                continue
            at = self.now.at
            name = self.name()
            if self.has("("):
                self.unit()
            self.want("=")
            if self.has("("):
                self.held.numbers[name] = (self.unit(), self.unit(), at)
            else:
                self.held.fixed[name] = Declared(name, self.signed(), self.unit(), None, None, at)

    def _params(self) -> None:
        self._declarations(self.held.params)

    def _constants(self) -> None:
        self._declarations(self.held.constants)

    def _assigned(self) -> None:
        self._declarations(self.held.assigned)

    def _states(self) -> None:
        self._declarations(self.held.states)

    def _declarations(self, held: dict[str, Declared]) -> None:
        self.want("{")
        while not self.took("}"):
            if self.took(","):
                continue
            one, count = self._declared()
            if count == 0:
                held[one.name] = one
            held |= {f"{one.name}_{k}": dataclasses.replace(one, name=f"{one.name}_{k}") for k in range(count)}

    def _places(self, at: int) -> int:
        """How many places an array has; 0 for what is none."""
        if not self.took("["):
            return 0
        count = int(self.signed())
        self.want("]")
        if not 1 <= count <= MAX_ARRAY:
            raise self.source.error(at, f"this array has {count} places", f"1 to {MAX_ARRAY}")
        return count

    def _declared(self) -> tuple[Declared, int]:
        """A declaration, and of how many; 0 for what is no array."""
        at, name = self.now.at, self.name()
        count = self._places(at)
        value = self.signed() if self.took("=") else None
        unit, low, high = self.unit(), None, None
        if self.took("FROM"):
            low, _, high = float(self.signed()), self.want("TO"), float(self.signed())
        if self.took("START"):
            value = self.signed()
        unit = unit or self.unit()
        if self.took("<"):
            low, high = float(self.signed()), None
            if self.took(","):
                high = float(self.signed())
            self.want(">")
        return Declared(name, value, unit, low, high, at), count

    # code

    def _code(self, word: Token) -> None:
        name = self.name() if word.text not in ("INITIAL", "BREAKPOINT") else word.text
        arguments: list[str] = []
        if self.took("("):
            while not self.took(")"):
                arguments.append(self.name())
                self.unit()
                self.took(",")
            self.unit()
        if self.took("STEADYSTATE"):
            self.name()
        body = tuple(self._body())
        if name in self.held.blocks and self.held.blocks[name].kind == word.text:
            body = self.held.blocks[name].body + body
        self.held.blocks[name] = Block(word.text, name, tuple(arguments), body, word.at)

    def _body(self) -> list[Statement]:
        self.want("{")
        self.inside += 1
        if self.inside > MAX_DEPTH:
            raise self.error("blocks are nested too deep", f"depth {MAX_DEPTH}")
        found: list[Statement] = []
        while not self.took("}"):
            if self.now.kind == "end":
                raise self.error("a bracket is never closed", mend="Write } where the block ends.")
            found += self._statements()
        self.inside -= 1
        return found

    def _statements(self) -> Iterator[Statement]:
        word = self.now
        if word.kind == "verbatim":
            yield from self._c_code(self.take())
        elif self.has("{"):
            yield from self._body()
        elif self.took("~"):
            yield self._reaction(word)
        elif self.has("if", "IF"):
            yield self._branch()
        elif self.took("LOCAL"):
            yield Local(tuple(self._locals()))
        elif self.took("TABLE"):
            yield self._table(word)
        elif self.took("SOLVE"):
            yield self._solve(word)
        elif self.took("CONSERVE"):
            self.expression()
            self.want("=")
            self.expression()
        elif self.took("COMPARTMENT"):
            yield self._compartment(word)
        elif self.took("FROM"):
            yield self._loop(word)
        elif self.has(*_WORDS):
            self.take()
            self._pass_over()
            yield Odd(f"{_WORDS[word.text]} cannot be taken", "Write the equations out one by one.", word.at)
        elif not self.took("UNITSON", "UNITSOFF", "PROTECT", "MUTEXLOCK", "MUTEXUNLOCK"):
            yield self._plain(word)

    def _c_code(self, word: Token) -> Iterator[Odd]:
        """C code that does something is refused; what returns, includes, or looks up an ion again is passed over."""
        code = " ".join(_HARMLESS_LINE.sub("", _without_comments(word.text)).split())
        if code not in _HARMLESS:
            what = "VERBATIM holds C code, which cannot be taken"
            yield Odd(what, "Write in NMODL what it does, and leave it out.", word.at)

    def _plain(self, word: Token) -> Statement:
        """An assignment or a call."""
        name = self.name()
        if self.took("("):
            return Run(Call(name, tuple(self._arguments()), word.at))
        index = None
        if self.took("["):
            index = self.expression()
            self.want("]")
        prime = self.took("'")
        if self.has("'"):
            raise self.error("only first derivatives can be taken", mend="Write it as two equations.")
        self.want("=")
        return Assign(name, self.expression(), word.at, prime, index)

    def _branch(self) -> Branch:
        at = self.take().at
        self.want("(")
        test = self.expression()
        self.want(")")
        yes = tuple(self._body())
        no: tuple[Statement, ...] = ()
        if self.took("else", "ELSE"):
            self.inside += 1
            if self.inside > MAX_DEPTH:
                raise self.error("blocks are nested too deep", f"depth {MAX_DEPTH}")
            no = (self._branch(),) if self.has("if", "IF") else tuple(self._body())
            self.inside -= 1
        return Branch(test, yes, no, at)

    def _loop(self, word: Token) -> Loop:
        name = self.name()
        self.want("=")
        low = self.expression()
        self.want("TO")
        return Loop(name, low, self.expression(), tuple(self._body()), word.at)

    def _locals(self) -> list[str]:
        found = []
        while True:
            at, name = self.now.at, self.name()
            count = self._places(at)
            found += [f"{name}_{k}" for k in range(count)] or [name]
            if not self.took(","):
                return found

    def _table(self, word: Token) -> Table:
        found = [] if self.has("DEPEND", "FROM") else self.list_of_names()
        if self.took("DEPEND"):
            self.list_of_names()
        self.want("FROM")
        self.expression()
        for between in ("TO", "WITH"):
            self.want(between)
            self.expression()
        return Table(tuple(found), word.at)

    def _solve(self, word: Token) -> Solve:
        block, method, steady = self.name(), "", False
        while self.has("METHOD", "STEADYSTATE", "USING"):
            steady = self.take().text == "STEADYSTATE"
            method = self.name()
        if self.took("IFERROR"):
            self._body()
        return Solve(block, method, steady, word.at)

    def _compartment(self, word: Token) -> Compartment:
        volume = self.expression()
        if self.took(","):
            raise self.error("arrays cannot be taken", mend="Write the variables out one by one.")
        self.want("{")
        found = []
        while not self.took("}"):
            found.append(self.name())
            self.took(",")
        return Compartment(volume, tuple(found), word.at)

    def _reaction(self, word: Token) -> Statement:
        left = self._side()
        if not self.has("<->", "->", "<<"):
            raise self.error("a reaction is wanted here", "A <-> B (there, back), A -> B (there), A << (flux)")
        kind = self.take().text
        right = () if self.has("(") else self._side()
        self.want("(")
        rates = tuple(self._arguments())
        return Reaction(left, right, kind, rates, word.at)

    def _side(self) -> tuple[tuple[int, str], ...]:
        found = []
        while True:
            count = int(self.signed()) if self.now.kind == "number" else 1
            if not 1 <= count <= 9:
                raise self.error("this is no number of molecules", "1 to 9")
            name = self.name()
            if self.has("["):
                raise self.error("arrays cannot be taken", mend="Write the variables out one by one.")
            found.append((count, name))
            if not self.took("+"):
                return tuple(found)


_READERS = {
    "NEURON": _Grammar._neuron,
    "UNITS": _Grammar._units,
    "PARAMETER": _Grammar._params,
    "CONSTANT": _Grammar._constants,
    "ASSIGNED": _Grammar._assigned,
    "STATE": _Grammar._states,
}


def _without_comments(code: str) -> str:
    """C code without what stands between /* and */, and behind //."""
    while "/*" in code:
        before, _, rest = code.partition("/*")
        code = f"{before} {rest.partition('*/')[2]}"
    return "\n".join(line.partition("//")[0] for line in code.split("\n"))
