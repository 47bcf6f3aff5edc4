"""The command line: `sneuron run|plan|status|resume|open|verify|models|show`; `sneuron models import` brings NMODL.

Exit codes: 0 done, 1 refused or damaged, 2 wrong usage, 3 done with failed points, 130 interrupted but resumable.
"""

from __future__ import annotations

import functools
import json
import math
import textwrap
from collections.abc import Callable, Iterator, Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any, NoReturn, ParamSpec, TypeVar

import click

from sneuron import errors
from sneuron.lang.described import described, described_channel, table

if TYPE_CHECKING:
    from sneuron.explore.cluster import Place
    from sneuron.explore.study import Study
    from sneuron.explore.studyfile import AtlasRead, Read
    from sneuron.lang.model import Model

__all__ = ["main"]

REFUSED, FAILED_POINTS, INTERRUPTED = 1, 3, 130
_GOOD = ("ok", "excluded", "not_run")
_DPI = {"fit": 150, "classes": 110, "boundaries": 130, "sensitivity": 120, "states": 120, "map": 130}
_FAILED = ("diverged", "out_of_range", "overflow", "timeout", "error")

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
workers = click.option("--workers", type=click.IntRange(1, 4096), help="Processes of the cluster on this machine.")
scheduler = click.option("--scheduler", metavar="ADDRESS", help="Run on the Dask cluster of this scheduler.")
store = click.option("--store", type=click.Path(file_okay=False, path_type=Path), help="Folder of the study.")
file = click.argument("file", type=click.Path(exists=True, dir_okay=False, path_type=Path))
place = click.argument("study", type=click.Path(exists=True, path_type=Path))


@click.group()
@click.version_option(package_name="sneuron")
def main() -> None:
    """Explore the parameter space of neural models."""


@main.command()
@file
@store
@scheduler
@workers
@as_json
@guarded
def run(file: Path, store: Path | None, scheduler: str | None, workers: int | None, as_json: bool) -> None:
    """Compute what the study of FILE lacks, then write its report and figure; the same for an atlas."""
    from sneuron.explore import filed, studyfile

    read = studyfile.read_any(file)
    if isinstance(read, studyfile.AtlasRead):
        _drawn(read, store, as_json)
        return
    if read.file.fit is not None:
        _fitted(read, _place(read, scheduler, workers), store, as_json)
        return
    made = filed.study_of(read, _place(read, scheduler, workers), store)
    if not as_json:
        click.echo(made.explain(), err=True)
    _computed(made, made.run)
    told = _report(read, made, as_json)
    _ended(made, as_json, told)


@main.command()
@file
@workers
@guarded
def plan(file: Path, workers: int | None) -> None:
    """Print points, blocks, bytes, memory and time of the study of FILE, or the panels of an atlas; run nothing."""
    from sneuron.explore import atlas, filed, studyfile

    read = studyfile.read_any(file)
    if isinstance(read, studyfile.AtlasRead):
        header, *rows = atlas.preview(read)
        click.echo("\n".join(table(header, rows)))
        return
    if read.file.fit is not None:
        from sneuron.explore import fitfile

        click.echo(fitfile.preview(read))
        return
    click.echo(filed.preview(read, _place(read, None, workers)))


@main.command()
@place
@as_json
@guarded
def status(study: Path, as_json: bool) -> None:
    """Print how far STUDY (its folder, or its file) is, and what became of its points."""
    made = _opened(study)
    held = made.status()
    if as_json:
        click.echo(json.dumps(plain({"path": made.path, "hash": made.hash, **held})))
        return
    click.echo(f"{made.path}: {held['state']}, {held['done']:,} of {held['blocks']:,} blocks")
    click.echo("\n".join(_counts(held)))


@main.command()
@place
@scheduler
@workers
@as_json
@guarded
def resume(study: Path, scheduler: str | None, workers: int | None, as_json: bool) -> None:
    """Compute what STUDY (its folder) lacks."""
    from sneuron.explore.cluster import Place

    made = _opened(study)
    made.place = Place(scheduler=scheduler, workers=workers)
    _computed(made, made.run)
    _ended(made, as_json, {})


@main.command(name="open")
@place
@as_json
@guarded
def open_(study: Path, as_json: bool) -> None:
    """Print the dataset of STUDY as it is now, or what SaveSim or an atlas kept."""
    from sneuron.store.files import LoadSim

    kept = _kept(study)
    data: Any = _opened(study).data if kept is None else LoadSim(kept)
    if not as_json:
        click.echo(str(data))
    elif hasattr(data, "subtree"):
        click.echo(json.dumps(plain({node.path: node.to_dataset().to_dict(data=False) for node in data.subtree})))
    else:
        click.echo(json.dumps(plain(data.to_dict(data=False))))


@main.command()
@place
@click.option("--repair", is_flag=True, help="Forget damaged blocks, so that they are computed again.")
@as_json
@guarded
def verify(study: Path, repair: bool, as_json: bool) -> None:
    """Read every byte of STUDY, or of what SaveSim or an atlas kept, and name what is damaged."""
    from sneuron.store.files import verify_file

    kept = _kept(study)
    found = _opened(study).verify(repair=repair) if kept is None else verify_file(kept)
    if as_json:
        click.echo(json.dumps([str(damage) for damage in found]))
    else:
        click.echo("\n".join(str(damage) for damage in found) or "no damage")
    if found:
        leave(REFUSED)


@main.group(invoke_without_command=True)
@as_json
@click.pass_context
@guarded
def models(context: click.Context, as_json: bool) -> None:
    """List the neurons of the library; `models import` brings channels of NEURON."""
    if context.invoked_subcommand is None:
        show_models(as_json)


@models.command(name="import")
@file
@click.option("--name", help="What the channel is called; else as in the file.")
@click.option("--source", help="Where it comes from (author, year, DOI).")
@click.option("--current", help="Which current to take, where the file has several (ina, or na).")
@click.option("-o", "--out", type=click.Path(dir_okay=False, path_type=Path), help="Where to write; else NAME.json.")
@as_json
@guarded
def import_(
    file: Path, name: str | None, source: str | None, current: str | None, out: Path | None, as_json: bool
) -> None:
    """Read the NMODL of FILE, print what it became, and write it as the JSON of a channel."""
    from sneuron.lang.model import ExportJSON
    from sneuron.lang.nmodl.reading import read_nmodl

    channel, notes = read_nmodl(file, name, source, current)
    target = out or Path(f"{channel.name}.json")
    text = ExportJSON(channel, target)
    if as_json:
        click.echo(text)
        return
    click.echo("\n".join(described_channel(channel, notes)))
    click.echo(f"\nwritten {target}")


def show_models(as_json: bool) -> None:
    """Print the neurons of the library: families, and the variants of each, with the length of their protocol."""
    from sneuron.lang import model as lang

    if as_json:
        found = {name: lang.load_model(name) for name in lang.models()}
        click.echo(
            json.dumps({n: {"name": m.name, "family": family_of(m.name), **_facts(m)} for n, m in found.items()})
        )
        return
    for name in lang.neurons:
        click.echo("\n".join(listed(name)))


def _facts(model: Model) -> dict[str, Any]:
    facts = {"hash": model.hash, "source": model.spec.source, "note": model.spec.note}
    return {**facts, "protocol": model.protocol.duration or None}


def listed(family: str) -> Iterator[str]:
    """A family as lines: what its name means and where it comes from, then its variants in the order of their file."""
    from sneuron.lang.model import load_model, neurons

    meant = load_model(family).name
    others = {n: v for n, v in neurons[family].variants.items() if n != family}
    alias = "" if meant == family else f" (= {meant})"
    yield f"{family}{alias}: {neurons[family].source}{_shown(load_model(family)) if not others else ''}"
    alike: dict[str, list[str]] = {}
    for name, variant in others.items():
        first = (variant.note + " ").split(". ")[0].rstrip(". ")
        alike.setdefault(f"{first}{_shown(load_model(name))}", []).append(name)
    lines = {what: _together(names) for what, names in alike.items()}
    width = max(map(len, lines.values()), default=0)
    yield from (f"    {names.ljust(width)}  {what}".rstrip() for what, names in lines.items())


def _together(names: Sequence[str]) -> str:
    """Names in one text; those that only add to the first one by what they add."""
    first, *others = names
    longer = [f"({name.removeprefix(first)})" for name in others if name.startswith(first)]
    return ", ".join(["".join([first, *longer]), *(name for name in others if not name.startswith(first))])


def _shown(model: Model) -> str:
    return f" [{model.protocol.duration:g} ms]" if model.protocol.duration else ""


def family_of(name: str) -> str:
    """The family that a model of the library belongs to; empty for any other."""
    from sneuron.lang.model import neurons

    return next((family for family in neurons if name == family or name in neurons[family].variants), "")


@main.command()
@click.argument("name")
@as_json
@click.option("--latex", is_flag=True, help="Print the equations as LaTeX.")
@guarded
def show(name: str, as_json: bool, latex: bool) -> None:
    """Print equations, parameters with units and sources, and the protocol of NAME (of the library, or a JSON file)."""
    from sneuron.lang.model import load_model

    model = load_model(name)
    if as_json:
        click.echo(model.to_json())
    elif latex:
        click.echo(model.latex())
    else:
        click.echo("\n".join([*described(model), *_relatives(model)]))


def _drawn(read: AtlasRead, store: Path | None, quiet: bool) -> None:
    """Run the models of an atlas, draw its picture, and say how many spikes each has."""
    from sneuron.explore import atlas
    from sneuron.plot.atlas import PlotAtlas

    tree, path = atlas.atlas_of(read, store, lambda title: click.echo(title, err=True))
    told: dict[str, Any] = {"path": str(path), "panels": {leaf.path: _spikes(leaf) for leaf in tree.leaves}}
    wanted = read.file.figure
    if wanted is not None:
        picture = read.beside(wanted.file)
        picture.parent.mkdir(parents=True, exist_ok=True)
        PlotAtlas(tree, wanted.columns).savefig(picture, dpi=110)
        told["figure"] = str(picture)
    if quiet:
        click.echo(json.dumps(plain(told)))
        return
    rows = [(leaf.name or "", str(leaf.attrs["model_name"]), _spikes(leaf)) for leaf in tree.leaves]
    click.echo("\n".join(table(("panel", "model", "spikes"), [(a, b, f"{c:g}") for a, b, c in rows])))
    click.echo("\n".join(f"{name:<8} {told[name]}" for name in ("path", "figure") if name in told))


def _fitted(read: Read, place: Place, store: Path | None, quiet: bool) -> None:
    """Fit, say what was found and how well it predicts, write the model and draw the picture."""
    from sneuron.explore import fitfile
    from sneuron.lang.model import ExportJSON

    try:
        fit = fitfile.fit_of(read, place, store)
    except KeyboardInterrupt:
        click.echo("interrupted; what is done is kept. The same command goes on.", err=True)
        leave(INTERRUPTED)
    found = fitfile.found_of(read, fit)
    if not quiet:
        click.echo("\n\n".join("\n".join(table(header, rows)) for header, *rows in found.tables) + "\n")
        click.echo("\n".join(textwrap.fill(line, 118) for line in found.words))
    told = {**found.told, **fitfile.places(read)}
    if "model" in told:
        ExportJSON(fit.model, told["model"])
    if read.file.figure is not None:
        _fit_figure(found, read.file.figure.kind, read.file.figure.trace).savefig(told["figure"], dpi=110)
    if not quiet:
        click.echo("\n".join(f"{name:<8} {told[name]}" for name in ("model", "figure") if name in told))
    _ended(fit.study, quiet, told)


def _fit_figure(found: Any, kind: str, trace: Sequence[int]) -> Any:
    """The picture of what a fit found."""
    if kind == "prediction":
        from sneuron.plot.fit import PlotFit

        return PlotFit(found.cell, found.run, found.scores, found.diagnosis, trace)
    from sneuron.plot.region import PlotRegion

    return PlotRegion(found.everything, found.region, found.parameters, found.run)


def _spikes(leaf: Any) -> float:
    return float(leaf["spike_count"])


def _place(read: Read, scheduler: str | None, workers: int | None) -> Place:
    """Where to run: what the command says goes before what the file says."""
    from sneuron.explore.cluster import Place

    return Place(scheduler=scheduler, workers=workers or read.file.run.workers, memory=read.file.run.memory)


def _opened(path: Path) -> Study:
    """The study in a folder, or of a file."""
    from sneuron.explore import studyargs, studyfile
    from sneuron.explore.study import Study

    return Study.open(studyargs.store_of(studyfile.read(path)) if path.suffix == ".toml" else path)


def _kept(path: Path) -> Path | None:
    """The folder of runs that SaveSim or an atlas kept there; None for a study."""
    from sneuron.explore import studyargs, studyfile

    if path.suffix == ".toml":
        read = studyfile.read_any(path)
        return studyargs.store_of(read) if isinstance(read, studyfile.AtlasRead) else None
    return path if (path / "receipt.json").exists() else None


def _computed(study: Study, work: Callable[[], _R]) -> _R:
    """Run it, or grow it; an interrupt ends the command and leaves a study that goes on."""
    try:
        return work()
    except KeyboardInterrupt:
        click.echo(f"interrupted; what is done is kept. Go on with: sneuron resume {study.path}", err=True)
        leave(INTERRUPTED)


def _report(read: Read, study: Study, quiet: bool) -> dict[str, Any]:
    """Print the table of [report] and draw the picture of [figure]; the same as data."""
    wanted = read.file.figure
    told: dict[str, Any] = {}
    if read.file.report is not None:
        told, figure = (_counted if read.file.report.count else _ranked)(read, study, quiet)
    if read.file.sensitivity is not None:
        more, bars = _analysed(read, study, quiet)
        told = {**told, **more}
    if wanted is None:
        return told
    if wanted.kind == "boundaries":
        figure = functools.partial(_bounded, study)
    if wanted.kind == "sensitivity":
        figure = bars
    if wanted.kind == "states":
        figure = functools.partial(_states, study, str(wanted.output))
    if wanted.kind == "map":
        figure = functools.partial(_mapped, study, str(wanted.output))
    path = read.beside(wanted.file)
    path.parent.mkdir(parents=True, exist_ok=True)
    figure().savefig(path, dpi=_DPI[wanted.kind])
    if not quiet:
        click.echo(f"figure   {path}")
    return {**told, "figure": str(path)}


def _mapped(study: Study, output: str) -> Any:
    """One output over the two parameters of a study."""
    from sneuron.labels import STATUS
    from sneuron.plot.map import PlotMap

    data = study.data
    return PlotMap(data[output].load(), status=data[STATUS].load()).figure


def _bounded(study: Study) -> Any:
    """What draws the boundaries of a study that refines itself."""
    from sneuron.explore.maps import holds_numbers
    from sneuron.plot.boundaries import PlotBoundaries

    data = study.data
    return PlotBoundaries(study.filled(), None if holds_numbers(data) else study.boundaries(), data)


def _states(study: Study, output: str) -> Any:
    """The states of networks beside mean field."""
    from sneuron.analysis.meanfield import beside
    from sneuron.plot.netstates import PlotStates

    data = study.data
    return PlotStates(data, output, beside(data))


def _ranked(read: Read, study: Study, quiet: bool) -> tuple[dict[str, Any], Callable[[], Any]]:
    """The best points, and what draws them beside the recording."""
    from sneuron.explore import filed
    from sneuron.explore.report import ranked_table

    asked, wanted = read.file.report, read.file.figure
    assert asked is not None
    found = filed.best_of(read, study.data)
    swept = [str(n) for n in found.coords if n in study.plan.space.names and found[n].ndim]
    header, *rows = ranked_table(found, swept, asked.columns)
    if not quiet:
        what = found["score"].attrs.get("long_name", asked.rank)
        click.echo(f"best points by {found['score'].attrs['title']} ({what})")
        click.echo("\n".join(table(header, rows)))

    def figure() -> Any:
        from sneuron.plot.fitmap import PlotFitMap

        assert wanted is not None
        assert wanted.x is not None
        assert wanted.y is not None
        held = filed.compared(read, study, found)
        return PlotFitMap(
            held.score, wanted.x, wanted.y, held.best, held.model, held.cell, wanted.trace, asked.order, wanted.others
        )

    return {"best": [dict(zip(header[1:], row[1:], strict=True)) for row in rows]}, figure


def _counted(read: Read, study: Study, quiet: bool) -> tuple[dict[str, Any], Callable[[], Any]]:
    """How many points there are of each class, and what draws where they live."""
    from sneuron.explore import classes, filed

    asked, wanted = read.file.report, read.file.figure
    assert asked is not None
    assert asked.count is not None
    data, of = study.data, asked.count
    found, checked = filed.classes_of(read, data), classes.changed(data, of)
    header, *rows = classes.class_table(found, asked.columns)
    if not quiet:
        click.echo(f"{found.attrs['long_name']} ({of}); medians of the rest")
        click.echo("\n".join(table(header, rows)))
        if checked is not None:
            click.echo(f"run more finely, {checked[0]:,} of {checked[1]:,} checked points have another class")

    def figure() -> Any:
        from sneuron.plot.classes import PlotClasses

        assert wanted is not None
        examples = filed.examples_of(read, study, data)
        chosen: Any = {"lower": wanted.lower, "upper": wanted.upper, "against": wanted.against, "spread": wanted.spread}
        return PlotClasses(data, of, wanted.parameters or filed.varied(study.plan), examples, **chosen)

    told: dict[str, Any] = {"classes": classes.class_rows(found)}
    return (told if checked is None else {**told, "changed": checked}), figure


def _analysed(read: Read, study: Study, quiet: bool) -> tuple[dict[str, Any], Callable[[], Any]]:
    """Which parameters matter, and what draws it; the study may grow for that."""
    from sneuron.explore import indices

    found = _computed(study, lambda: indices.indices_of(read, study))
    header, *rows = indices.index_table(found)
    if not quiet:
        click.echo(f"sensitivity ({found.attrs['method']}), intervals of {found.attrs['ci']:.0%}")
        click.echo("\n".join(table(header, rows)))

    def figure() -> Any:
        from sneuron.plot.sens import PlotSens

        assert read.file.figure is not None
        return PlotSens(found, read.file.figure.output, title=read.file.name)

    return {"sensitivity": indices.index_numbers(found)}, figure


def _ended(study: Study, as_json: bool, told: Mapping[str, Any]) -> None:
    """Say what became of the points, and leave with the code that says it too."""
    held = study.status()
    if as_json:
        click.echo(json.dumps(plain({"path": study.path, "hash": study.hash, **held, **told})))
    else:
        click.echo(f"study    {study.path}")
        click.echo("\n".join(_counts(held)))
    if held["state"] != "done":
        leave(INTERRUPTED)
    if any(held[name] for name in _FAILED):
        leave(FAILED_POINTS)


def _counts(held: Mapping[str, Any]) -> Iterator[str]:
    """How many points are in each state, those that occur."""
    yield from (f"{name:<12} {held[name]:,}" for name in (*_GOOD, *_FAILED) if held.get(name))
    if "refined" in held:
        yield f"{'refined':<12} {held['refined']}"


def _relatives(model: Model) -> Iterator[str]:
    """Lines that name the other variants of a model's family."""
    family = family_of(model.name)
    if len(lines := list(listed(family)) if family else []) > 1:
        yield ""
        yield f"  variants of {family}:"
        yield from lines[1:]


def plain(value: Any) -> Any:
    """What JSON holds of a value: numbers of numpy as numbers, mappings and sequences as they are, else text.

    JSON has no word for what is no number: it is null there.
    """
    if isinstance(value, float) and not math.isfinite(value):
        return None
    if isinstance(value, Mapping):
        return {str(k): plain(v) for k, v in value.items()}
    if isinstance(value, list | tuple):
        return [plain(v) for v in value]
    if hasattr(value, "tolist"):
        return plain(value.tolist())
    return value if value is None or isinstance(value, bool | int | float | str) else str(value)
