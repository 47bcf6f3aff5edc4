"""Models and channels as lines of text, for people."""

from __future__ import annotations

import textwrap
from collections.abc import Iterator, Sequence
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from sneuron.lang.model import Model
    from sneuron.lang.spec import Channel

__all__ = ["described", "described_channel", "table"]


def described(model: Model) -> Iterator[str]:
    """A model as lines of text."""
    yield f"{model.name}"
    yield from textwrap.wrap(" ".join(filter(None, (model.spec.note, model.spec.source))), 100)
    yield ""
    yield f"  {_text(model.capacitance)} dv/dt = I - ({' + '.join(model.membrane)})"
    yield from (f"  {name} = {_text(value)}" for name, value in model.currents.items())
    yield from (f"  {name} = {_text(value)}" for name, value in model.functions.items())
    yield from _dynamics(model)
    yield from (f"  d{x} += {_text(e)} dW({n})" for n, w in model.noises.items() for x, e in w.states.items())
    yield from (f"  spike at {n}: {x} += w*{_text(e)}" for n, r in model.receptors.items() for x, e in r.adds.items())
    yield from (f"  synapse at {n}: {x} + w*{_text(e)}" for n, c in model.couplings.items() for x, e in c.adds.items())
    yield from (
        f"  {n}: {_text(d.rate)} spikes/ms at {d.receptor}, w {_text(d.weight)}" for n, d in model.drives.items()
    )
    yield from _spiking(model)
    yield ""
    yield f"  method {model.method}, dt {model.dt:g} ms; hash {model.hash}"
    yield from _protocol(model)
    yield ""
    sources = list(dict.fromkeys(p.source for p in model.params.values()))
    yield from table(
        ("parameter", "value", "unit", "bounds", "meaning"),
        [
            (name, f"{p.value:g}", p.unit, f"{p.low:g} .. {p.high:g}", f"{p.note} [{sources.index(p.source) + 1}]")
            for name, p in model.params.items()
        ],
    )
    yield ""
    yield from (f"  [{number}] {source}" for number, source in enumerate(sources, 1))


def _protocol(model: Model) -> Iterator[str]:
    """Lines that say what is injected, and for how long, where the model's paper shows it."""
    from sneuron.lang.model import load_stimulus

    shown = model.protocol
    if not shown.duration:
        return
    yield ""
    yield f"  shown for {shown.duration:g} ms{': ' + shown.note if shown.note else ''}"
    for name, injection in shown.stimuli.items():
        units = {n: p.unit or model.current_unit for n, p in load_stimulus(injection.kind).params.items()}
        values = ", ".join(f"{n} {v:g} {units[n]}".removesuffix(" 1") for n, v in injection.params.items())
        yield f"    {name}: {injection.kind}({values})"
    yield f"    [{shown.source or model.spec.source}]"


def described_channel(channel: Channel, notes: Sequence[str]) -> Iterator[str]:
    """A channel as lines of text, and what was changed."""
    carries = f", carries {channel.ion}" if channel.ion else ""
    yield f"{channel.name}{carries}"
    yield channel.source
    yield ""
    if channel.current:
        yield f"  I = {_text(channel.current)}  [{channel.unit}]"
    yield from (f"  {name} = {_text(value)}" for name, value in channel.functions.items())
    for name, gate in channel.gates.items():
        right = f"alpha (1 - {name}) - beta {name}" if gate.alpha else f"(inf - {name}) / tau"
        yield f"  d{name}/dt = {right}"
        parts = {"alpha": gate.alpha, "beta": gate.beta, "inf": gate.inf, "tau": gate.tau}
        yield from (f"    {part} = {_text(value)}" for part, value in parts.items() if value)
    for name, value in channel.equations.items():
        state = channel.states[name]
        yield f"  d{name}/dt = {_text(value)}, from {_text(state.start)}  [{state.unit}]"
    for step in channel.transitions.values():
        back = f", back {_text(step.backward)}" if step.backward else ""
        yield f"  {step.source} -> {step.target}: {_text(step.forward)}{back}"
    yield ""
    rows = [(name, f"{p.value:g}", p.unit, p.note) for name, p in channel.params.items()]
    yield from table(("parameter", "value", "unit", "meaning"), rows)
    yield from ("", *(f"  note: {note}" for note in notes)) if notes else ()


def _dynamics(model: Model) -> Iterator[str]:
    """Lines of the equations of all states but v."""
    for name, equation in model.equations.items():
        if name not in model.rates:
            yield f"  d{name}/dt = {_text(equation)}"
            continue
        kind, first, second = model.rates[name]
        names = ("alpha", "beta") if kind == "ab" else ("inf", "tau")
        right = f"alpha (1 - {name}) - beta {name}" if kind == "ab" else f"(inf - {name}) / tau"
        yield f"  d{name}/dt = {right}"
        yield from (f"    {part} = {_text(value)}" for part, value in zip(names, (first, second), strict=True))


def _spiking(model: Model) -> Iterator[str]:
    """Lines that say when a spike is seen and what it does."""
    does = ", ".join(f"{name} <- {_text(value)}" for name, value in model.reset.items())
    yield f"  spike when v crosses {_text(model.threshold)} upward{': ' + does if does else ''}"
    if model.hazard is not None:
        yield f"  spike below it at the rate {_text(model.hazard)} per ms"
    if model.refractory:
        yield f"  then nothing for {model.refractory}"


def _text(expression: object) -> str:
    return str(expression).replace("**", "^")


def table(header: Sequence[str], rows: Sequence[Sequence[str]]) -> Iterator[str]:
    """Rows of texts in aligned columns, the last one ragged."""
    widths = [max(len(row[i]) for row in [header, *rows]) for i in range(len(header) - 1)]
    for row in [header, *rows]:
        cells = [cell.ljust(width) for cell, width in zip(row, [*widths, 0], strict=True)]
        yield ("  " + "  ".join(cells)).rstrip()
