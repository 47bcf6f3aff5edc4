"""The command line: `sneuron run|plan|status|resume|open|verify|models|show`.

Exit codes: 0 done, 1 refused or damaged, 2 wrong usage, 3 done with failed points, 130 interrupted but resumable.
"""

from __future__ import annotations

import functools
import json
import textwrap
from collections.abc import Callable, Iterator, Mapping, Sequence
from typing import TYPE_CHECKING, Any, NoReturn, ParamSpec, TypeVar

import click

from sneuron import errors

if TYPE_CHECKING:
    from sneuron.lang.model import Model

__all__ = ["main"]

DONE, REFUSED, FAILED_POINTS, INTERRUPTED = 0, 1, 3, 130

_P = ParamSpec("_P")
_R = TypeVar("_R")


def guarded(command: Callable[_P, _R]) -> Callable[_P, _R]:
    """Turn errors made on purpose into one message and an exit code; anything else is a bug and shows its traceback."""

    @functools.wraps(command)
    def inner(*args: _P.args, **kwargs: _P.kwargs) -> _R:
        try:
            return command(*args, **kwargs)
        except errors.SneuronError as cause:
            click.echo(f"sneuron: {cause}", err=True)
            leave(REFUSED)

    return inner


def leave(code: int) -> NoReturn:
    """End the command with an exit code."""
    raise click.exceptions.Exit(code)


as_json = click.option("--json", "as_json", is_flag=True, help="Print JSON for scripts.")


@click.group()
@click.version_option(package_name="sneuron")
def main() -> None:
    """Explore the parameter space of neural models."""


@main.command()
@as_json
@guarded
def models(as_json: bool) -> None:
    """List the neurons of the library."""
    from sneuron.lang import model as lang

    found = {name: lang.load_model(name) for name in lang.models()}
    if as_json:
        click.echo(json.dumps({n: {"name": m.name, "hash": m.hash, "source": m.spec.source} for n, m in found.items()}))
        return
    for name, made in found.items():
        alias = "" if made.name == name else f"  (= {made.name})"
        click.echo(f"{name}{alias}: {made.spec.source}")


@main.command()
@click.argument("name")
@as_json
@click.option("--latex", is_flag=True, help="Print the equations as LaTeX.")
@guarded
def show(name: str, as_json: bool, latex: bool) -> None:
    """Print equations, parameters with units and sources of NAME (of the library, or a JSON file)."""
    from sneuron.lang.model import load_model

    model = load_model(name)
    if as_json:
        click.echo(model.to_json())
    elif latex:
        click.echo(model.latex())
    else:
        click.echo("\n".join(described(model)))


def described(model: Model) -> Iterator[str]:
    """A model as lines of text."""
    yield f"{model.name}"
    yield from textwrap.wrap(" ".join(filter(None, (model.spec.note, model.spec.source))), 100)
    yield ""
    yield f"  {_text(model.capacitance)} dv/dt = I - ({' + '.join(model.currents)})"
    yield from (f"  {name} = {_text(value)}" for name, value in model.currents.items())
    yield from (f"  {name} = {_text(value)}" for name, value in model.functions.items())
    yield from _dynamics(model)
    yield from _spiking(model)
    yield ""
    yield f"  method {model.method}, dt {model.dt:g} ms; hash {model.hash}"
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


def plain(value: Any) -> Any:
    """What JSON holds of a value: numbers of numpy as numbers, mappings and sequences as they are, else text."""
    if isinstance(value, Mapping):
        return {str(k): plain(v) for k, v in value.items()}
    if isinstance(value, list | tuple):
        return [plain(v) for v in value]
    if hasattr(value, "tolist"):
        return plain(value.tolist())
    return value if value is None or isinstance(value, bool | int | float | str) else str(value)
