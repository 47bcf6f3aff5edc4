"""The words of an NMODL text, with their places; and errors that show the place."""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass

from sneuron import errors

__all__ = ["MAX_BYTES", "Source", "Token", "tokens"]

MAX_BYTES, MAX_TOKENS, MAX_WORD = 300_000, 60_000, 64

_TOKEN = re.compile(
    r"(?P<space>[ \t\r\n\f;]+)"
    r"|(?P<comment>[:?][^\n]*)"
    r"|(?P<number>(?:\d+\.?\d*|\.\d+)(?:[eE][+-]?\d+)?)"
    r"|(?P<name>[A-Za-z_]\w*)"
    r'|(?P<string>"[^"\n]*")'
    r"|(?P<op><->|->|<<|<=|>=|==|!=|&&|\|\||[-+*/^(){}\[\]=<>!~,'&%$@#\\|.])",
    re.ASCII,
)
_BLOCKS = {"COMMENT": "ENDCOMMENT", "VERBATIM": "ENDVERBATIM"}


@dataclass(frozen=True, slots=True)
class Token:
    """A word: its kind ("name", "number", "op", "string", "verbatim", "title", "end"), its text, its place."""

    kind: str
    text: str
    at: int


class Source:
    """A text and what it is called in errors.

    Parameters
    ----------
    text : str
    name : str
        Of the file, or "NMODL".
    pieces : sequence of (int, str, int), optional
        Where pieces of other files (or of the first one again) begin: place in the text, name, first line.
    """

    def __init__(self, text: str, name: str, pieces: Sequence[tuple[int, str, int]] = ()) -> None:
        self.text, self.name = text, name
        self.pieces = [(0, name, 1), *pieces]

    def place(self, at: int) -> str:
        """File, line and column, counted from 1."""
        at = max(0, min(at, len(self.text)))
        start, name, first = max(p for p in self.pieces if p[0] <= at)
        line = self.text.count("\n", start, at) + first
        return f"{name}:{line}:{at - self.text.rfind(chr(10), 0, at)}"

    def error(
        self, at: int, what: str, possible: str | None = None, mend: str | None = None, guess: str | None = None
    ) -> errors.ModelError:
        """The error for something at a place, with the line and a caret under it."""
        at = max(0, min(at, len(self.text)))
        start = self.text.rfind("\n", 0, at) + 1
        end = self.text.find("\n", at)
        line = self.text[start : end if end >= 0 else len(self.text)].rstrip("\r")
        cut = max(0, at - start - 100)
        shown = "".join(c if c.isprintable() else " " for c in line[cut : cut + 160])
        return errors.ModelError(
            self.place(at), f"{what}\n{errors.caret(shown, at - start - cut)}", possible, guess, mend
        )


def tokens(source: Source) -> list[Token]:
    """The words of a text; comments are left out.

    Raises
    ------
    ModelError
        For texts that are too long, and characters that are no NMODL.
    """
    text, at, found = source.text, 0, list[Token]()
    if len(text) > MAX_BYTES:
        raise errors.ModelError(source.name, f"it has {len(text)} characters", f"at most {MAX_BYTES}")
    while at < len(text):
        match = _TOKEN.match(text, at)
        if match is None:
            raise source.error(at, f"{text[at]!a} has no place in NMODL")
        word, kind, at = match.group(), str(match.lastgroup), match.end()
        if kind in ("space", "comment"):
            continue
        if kind == "name" and word in _BLOCKS:
            at = _block(source, word, match.start(), found)
        elif kind == "name" and word == "TITLE":
            end = text.find("\n", at)
            found.append(Token("title", text[at : end if end >= 0 else len(text)].strip(), match.start()))
            at = end if end >= 0 else len(text)
        else:
            if kind == "name" and len(word) > MAX_WORD:
                raise source.error(match.start(), "this name is too long", f"at most {MAX_WORD} characters")
            found.append(Token(kind, word, match.start()))
        if len(found) > MAX_TOKENS:
            raise source.error(at, "the text has too many words", f"at most {MAX_TOKENS}")
    return [*found, Token("end", "", len(text))]


def _block(source: Source, word: str, start: int, found: list[Token]) -> int:
    """Pass over a comment, or keep C code as one word; the place behind it."""
    end = re.compile(rf"\b{_BLOCKS[word]}\b").search(source.text, start)
    if end is None:
        raise source.error(start, f"{word} is never closed", mend=f"Write {_BLOCKS[word]} behind it.")
    if word == "VERBATIM":
        found.append(Token("verbatim", source.text[start + len(word) : end.start()], start))
    return end.end()
