"""Errors of the house: where, what was given, what is possible, the nearest guess, how to mend.

Every error raised on purpose is a `SneuronError`; each family also inherits the
builtin that a caller would catch (`ValueError`, `KeyError`-like look-ups are `LookupError`, files are `OSError`).
"""

from __future__ import annotations

import difflib
from collections.abc import Iterable

__all__ = [
    "CompileError",
    "DamageError",
    "DataError",
    "ExpressionError",
    "IncompleteWarning",
    "LeaseError",
    "ModelError",
    "ParameterError",
    "PlanError",
    "SneuronError",
    "StoreError",
    "TimeError",
    "UnitError",
    "UnknownNameError",
    "caret",
    "nearest",
]

_SHOWN = 12


class SneuronError(Exception):
    """An error with five parts.

    Parameters
    ----------
    where : str
        The function, file or field that refused.
    given : str
        What was given, and why it cannot be.
    possible : str or iterable of str, optional
        What would have been possible; long lists are cut.
    guess : str, optional
        The nearest possible thing ("Did you mean 'gNa'?").
    mend : str, optional
        What to do about it.
    """

    def __init__(
        self,
        where: str,
        given: str,
        possible: str | Iterable[str] | None = None,
        guess: str | None = None,
        mend: str | None = None,
    ) -> None:
        self.where = where
        self.given = given
        self.possible = _listed(possible)
        self.guess = guess
        self.mend = mend
        super().__init__(self.message())

    def message(self) -> str:
        """The five parts as one text."""
        parts = [f"{self.where}: {self.given}"]
        if self.possible:
            parts.append(f"Possible: {self.possible}.")
        if self.guess:
            parts.append(f"Did you mean {self.guess!r}?")
        if self.mend:
            parts.append(self.mend)
        return "\n  ".join(parts) if "\n" in self.given else " ".join(_closed(p) for p in parts)

    def __reduce__(self) -> tuple[object, ...]:
        return (type(self), (self.where, self.given, self.possible, self.guess, self.mend))


class ParameterError(SneuronError, ValueError):
    """A value that cannot be: out of bounds, not a number, of the wrong kind or shape."""


class UnknownNameError(SneuronError, LookupError, ValueError):
    """A name that nothing bears."""


class UnitError(SneuronError, ValueError):
    """Units that do not convert into one another."""


class TimeError(SneuronError, ValueError):
    """A time step, duration or time grid that cannot be."""


class DataError(SneuronError, ValueError):
    """An array with wrong dims, order, dtype or holes."""


class ModelError(SneuronError, ValueError):
    """A model description that does not hold together."""


class ExpressionError(ModelError):
    """A text of the model language that cannot be read; shows the place with a caret."""


class CompileError(SneuronError, RuntimeError):
    """A model that is sound but could not be turned into a kernel."""


class PlanError(SneuronError, ValueError):
    """A study that cannot be planned: does not fit, is empty, or contradicts itself."""


class IncompleteWarning(UserWarning):
    """A result that some points are lacking in, or that is not as sure as was asked for; it says which."""


class StoreError(SneuronError, OSError):
    """A place on disk that cannot be used: occupied, read-only, full, not a study."""


class DamageError(StoreError):
    """Bytes on disk that are not the bytes that were written."""


class LeaseError(StoreError):
    """A study that somebody else is running."""


def nearest(name: str, names: Iterable[str]) -> str | None:
    """The name most like `name`, first ignoring case and punctuation, else by likeness; None when nothing is near.

    >>> nearest("g_na", ["gK", "gNa"])
    'gNa'
    """
    pool = list(names)
    folded = {_fold(n): n for n in reversed(pool)}
    if _fold(name) in folded:
        return folded[_fold(name)]
    close = difflib.get_close_matches(_fold(name), list(folded), n=1, cutoff=0.6)
    return folded[close[0]] if close else None


def unknown(where: str, kind: str, name: str, names: Iterable[str], mend: str | None = None) -> UnknownNameError:
    """The error for a name that is not among `names`."""
    pool = list(names)
    return UnknownNameError(where, f"{kind} {name!r} is not known", pool, nearest(name, pool), mend)


def caret(text: str, column: int, width: int = 1) -> str:
    """The line of `text` holding `column` (0-based offset), with carets below it.

    >>> print(caret("gNa * V", 6))
    gNa * V
          ^
    """
    start = text.rfind("\n", 0, column) + 1
    end = text.find("\n", column)
    line = text[start : end if end >= 0 else len(text)]
    return f"{line}\n{' ' * (column - start)}{'^' * max(1, width)}"


def _fold(name: str) -> str:
    return "".join(c for c in name.lower() if c.isalnum())


def _closed(part: str) -> str:
    return part if part.endswith((".", "?", "!")) else part + "."


def _listed(possible: str | Iterable[str] | None) -> str | None:
    if possible is None or isinstance(possible, str):
        return possible
    names = [str(p) for p in possible]
    more = f", and {len(names) - _SHOWN} more" if len(names) > _SHOWN else ""
    return (", ".join(names[:_SHOWN]) + more) if names else None
