"""Bring a mechanism of NEURON: its NMODL file becomes a channel."""

from __future__ import annotations

from pathlib import Path

from sneuron import errors, labels
from sneuron.lang.model import load_model
from sneuron.lang.nmodl.channel import channel
from sneuron.lang.nmodl.grammar import parsed
from sneuron.lang.nmodl.mechanism import mechanism
from sneuron.lang.nmodl.tokens import MAX_BYTES, Source
from sneuron.lang.spec import Channel, Mount, Neuron, Param

__all__ = ["import_nmodl", "read_nmodl"]


def import_nmodl(
    what: str | Path, name: str | None = None, source: str | None = None, current: str | None = None
) -> Channel:
    """The channel that a file of NMODL (NEURON's language of mechanisms) describes."""
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
    return Source(held.decode("utf-8", errors="replace"), path.name)


def _check(found: Channel, source: Source) -> None:
    """A membrane that holds this channel must be a model."""
    unit = {"uA/cm2": "uF/cm2", "nA": "nF"}[found.unit]
    capacitance = {"C": Param(1.0, unit, source="own choice")}
    load_model(Neuron("test", "C", found.unit, channels={"x": Mount(found)}, params=capacitance))
