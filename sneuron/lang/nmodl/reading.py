"""Bring a mechanism of NEURON: its NMODL file becomes a channel."""

from __future__ import annotations

import re
from pathlib import Path

from sneuron import errors, labels
from sneuron.lang.model import load_model
from sneuron.lang.nmodl.channel import channel
from sneuron.lang.nmodl.grammar import parsed
from sneuron.lang.nmodl.mechanism import mechanism
from sneuron.lang.nmodl.tokens import MAX_BYTES, Source
from sneuron.lang.spec import Channel, Mount, Neuron, Param

MAX_INCLUDED = 10
_INCLUDE = re.compile(r'^[ \t]*INCLUDE[ \t]+"(\w[\w.\-]*)"', re.MULTILINE | re.ASCII)

__all__ = ["import_nmodl", "read_nmodl"]


def import_nmodl(
    what: str | Path, name: str | None = None, source: str | None = None, current: str | None = None
) -> Channel:
    """The channel that a file of NMODL (NEURON's language of mechanisms) describes.

    Parameters
    ----------
    what : str or Path
        A path, or the text itself (a text with a "{" in it). A file may INCLUDE others that lie beside it.
    name : str, optional
        What the channel is called; else as SUFFIX or POINT_PROCESS says.
    source : str, optional
        Where it comes from (author, year, DOI); else the name of the file.
    current : str, optional
        The current to take where the file has several ("ina", or its ion: "na"); else their sum.

    Returns
    -------
    Channel
        Currents in uA/cm2 (of a point process: nA), conductances in mS/cm2 (uS); parameters, states and functions under
        the names of the file. Its `note` says what was changed or ignored.

    Raises
    ------
    ModelError
        At the first thing that cannot be taken: file, line and column, the line with a caret, what is possible, how to
        mend.

    Notes
    -----
    The code of INITIAL, BREAKPOINT and all that they call is carried out with symbols, never run: what comes out is
    dx/dt of each state and each current as expressions of states and parameters. Rates that are 0/0 at one voltage
    become exact. NMODL: Hines & Carnevale 2000, Neural Comput 12:995, doi:10.1162/089976600300015475.

    Examples
    --------
    >>> channel = import_nmodl('''
    ... NEURON { SUFFIX slow  USEION k READ ek WRITE ik }
    ... PARAMETER { gbar = 0.001 (S/cm2) }
    ... STATE { n }
    ... ASSIGNED { v (mV) ek (mV) ik (mA/cm2) }
    ... BREAKPOINT { SOLVE states METHOD cnexp  ik = gbar*n*(v - ek) }
    ... DERIVATIVE states { n' = (1/(1 + exp(-(v + 35)/10)) - n)/50 }
    ... ''')
    >>> channel.current, channel.params["gbar"].value, channel.gates["n"].tau
    ('gbar*n*(v - ek)', 1.0, '50')
    """
    return read_nmodl(what, name, source, current)[0]


def read_nmodl(
    what: str | Path, name: str | None = None, source: str | None = None, current: str | None = None
) -> tuple[Channel, list[str]]:
    """As `import_nmodl`, with the notes on what was changed or ignored."""
    text = _text(what)
    file = parsed(text)
    made = mechanism(file, text, current)
    called = name or file.name
    if not labels.NAME.match(called):
        raise errors.ModelError("import_nmodl", f"{called!a:.80} is no name", "a letter, then letters, digits and _")
    found, notes = channel(made, text, called, source or f"NMODL file {text.name}")
    _check(found, text)
    return found, notes


def _text(what: str | Path) -> Source:
    """The text that is meant: a path, or the text itself."""
    if isinstance(what, str) and "{" in what:
        return Source(what, "NMODL")
    path = Path(what)
    try:
        with path.open("rb") as file:
            held = file.read(MAX_BYTES + 1)
    except (OSError, ValueError) as cause:
        why = getattr(cause, "strerror", None) or str(cause)
        raise errors.ModelError("import_nmodl", f"file {str(path)!r} cannot be read: {why}") from cause
    if len(held) > MAX_BYTES:
        raise errors.ModelError("import_nmodl", f"file {str(path)!r} is too long", f"at most {MAX_BYTES} bytes")
    return _with_included(held.decode("utf-8", errors="replace"), path)


def _with_included(text: str, path: Path) -> Source:
    """The text of a file with those that it includes, if they lie beside it, in their place."""
    pieces: list[tuple[int, str, int]] = []
    done, rest, line = "", text, 1
    for _ in range(MAX_INCLUDED):
        found = _INCLUDE.search(rest)
        if found is None:
            break
        inner = _beside(path, found[1])
        if inner is None:
            break
        done += rest[: found.start()]
        line += rest.count("\n", 0, found.end())
        pieces += [(len(done), found[1], 1), (len(done) + len(inner), path.name, line)]
        done, rest = done + inner, rest[found.end() :]
    return Source(done + rest, path.name, pieces)


def _beside(path: Path, name: str) -> str | None:
    """The text of a file in the same folder, without INCLUDEs of its own; None when there is none."""
    try:
        with (path.parent / name).open("rb") as file:
            text = file.read(MAX_BYTES).decode("utf-8", errors="replace")
    except (OSError, ValueError):
        return None
    return None if _INCLUDE.search(text) else text


def _check(found: Channel, source: Source) -> None:
    """A membrane that holds this channel must be a model."""
    unit = {"uA/cm2": "uF/cm2", "nA": "nF"}[found.unit]
    capacitance = {"C": Param(1.0, unit, source="own choice")}
    load_model(Neuron("test", "C", found.unit, channels={"x": Mount(found)}, params=capacitance))
