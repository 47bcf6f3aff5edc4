"""The study file: what a TOML text may say, checked with errors that name file, line, key and the nearest valid key."""

from __future__ import annotations

import types
import typing
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Annotated, Any, Literal, TypeVar

from pydantic import BaseModel, BeforeValidator, ConfigDict, Field, ValidationError, model_validator

from sneuron import errors
from sneuron.lang import tomltext

__all__ = [
    "AtlasFile",
    "AtlasRead",
    "Axis",
    "Figure",
    "Read",
    "Recording",
    "Report",
    "Samples",
    "StudyFile",
    "Text",
    "read",
    "read_any",
]

Quantity = float | str
"""A number in the field's unit, or a text with a unit ("0.5 s")."""

ATLAS = "atlas"
"""The table that makes a file an atlas instead of a study."""

_File = TypeVar("_File", bound="Text")

Name = Annotated[str, Field(pattern=r"^[A-Za-z][A-Za-z0-9_]{0,63}$")]
Parameter = Annotated[str, Field(pattern=r"^[A-Za-z][A-Za-z0-9_]{0,63}(\.[A-Za-z][A-Za-z0-9_]{0,63}){0,3}$")]
"""A parameter by name, by the name of its channel and its own ("ou.std"), or by its path in a network."""

Count = Annotated[int, Field(ge=1, le=10**12)]


class Text(BaseModel):
    """A table of the file: only the keys that it names, each of its own type, nothing converted silently."""

    model_config = ConfigDict(extra="forbid", frozen=True, strict=True)


class ModelTable(Text):
    """`[model]`, `[network]`: one of the library (`kind`) or of a file (`file`), and values of its parameters."""

    model_config = ConfigDict(extra="allow", frozen=True, strict=True)
    __pydantic_extra__: dict[str, Quantity]
    kind: str | None = None
    file: str | None = None

    @model_validator(mode="after")
    def _one(self) -> ModelTable:
        if (self.kind is None) == (self.file is None):
            raise ValueError(
                "give either kind (a name of the library) or file (written by ExportJSON, or TOML of a network)"
            )
        return self


class Free(Text):
    """A table with a `kind` and keys that belong to that kind."""

    model_config = ConfigDict(extra="allow", frozen=True, strict=True)
    __pydantic_extra__: dict[str, Quantity | list[Quantity]]
    kind: str


class Grid(Text):
    """`grid = { lo, hi, n, scale }`: n values from lo to hi, evenly spaced or (scale = "log") in even ratios."""

    lo: Quantity
    hi: Quantity
    n: Count
    scale: Literal["linear", "log"] = "linear"


class Distribution(Text):
    """`distribution = { name = "norm", loc = 1, scale = 2 }`: a continuous distribution of scipy.stats."""

    model_config = ConfigDict(extra="allow", frozen=True, strict=True)
    __pydantic_extra__: dict[str, float]
    name: Name


class Axis(Text):
    """`[space.X]`: how a parameter is varied; exactly one of grid, values, range, distribution."""

    grid: Grid | None = None
    values: Annotated[list[Quantity], Field(min_length=1)] | None = None
    range: Annotated[list[Quantity], Field(min_length=2, max_length=2)] | None = None
    distribution: Distribution | None = None
    dim: Name | None = None
    scale: Literal["linear", "log"] = "linear"

    @model_validator(mode="after")
    def _one(self) -> Axis:
        given = [k for k in ("grid", "values", "range", "distribution") if getattr(self, k) is not None]
        if len(given) != 1:
            raise ValueError(
                f"give exactly one of grid, values, range, distribution; here: {', '.join(given) or 'none'}"
            )
        if self.dim and given != ["values"]:
            raise ValueError("dim (axes that vary together) goes with values")
        if "scale" in self.model_fields_set and given != ["range"]:
            raise ValueError("scale goes with range; in a grid it belongs inside: grid = { lo, hi, n, scale }")
        return self


class Samples(Text):
    """`[samples]`: how parameters with a range or a distribution are drawn together."""

    method: Literal["sobol", "lhs", "halton", "random", "pick_freeze", "trajectories", "radial", "nudges", "curves"] = (
        "sobol"
    )
    n: Count
    seed: int | None = None
    replicates: Annotated[int, Field(ge=2)] | None = None
    order: Literal[1, 2] | None = None
    levels: Annotated[int, Field(ge=2)] | None = None
    candidates: Annotated[int, Field(ge=0)] | None = None
    nudge: Annotated[float, Field(gt=0, le=0.5)] | None = None
    harmonics: Annotated[int, Field(ge=1)] | None = None
    groups: dict[Name, list[Parameter]] | None = None

    @property
    def options(self) -> dict[str, Any]:
        """What is given besides method, n and seed."""
        given = {name: getattr(self, name) for name in type(self).model_fields if name not in ("method", "n", "seed")}
        return {name: value for name, value in given.items() if value is not None}


class Where(Text):
    """`[where]`: only points for which `keep` is true are simulated."""

    keep: str


class Repeat(Text):
    """`[repeat]`: how often each point is simulated with other random numbers."""

    n: Count


class Refine(Text):
    """`[refine]`: points that are added to the grid: along the boundaries of what `by` tells apart, or, with a
    `tolerance`, where the output `by` changes by more.
    """

    by: Annotated[str, Field(min_length=1)]
    resolution: Annotated[float, Field(gt=0, le=1)] | dict[Parameter, Quantity] | None = None
    tolerance: Quantity | None = None
    budget: Count | None = None


class Output(Text):
    """One output: a measure of the library, or an online feature of the run, with its arguments."""

    model_config = ConfigDict(extra="allow", frozen=True, strict=True)
    __pydantic_extra__: dict[str, Quantity | bool | list[Quantity]]
    measure: str


def _measure(value: Any) -> Any:
    """`rate = "FireRate"` is short for `rate = { measure = "FireRate" }`."""
    return {"measure": value} if isinstance(value, str) else value


def _kind(value: Any) -> Any:
    """`stimulus = "protocol"` is short for `stimulus = { kind = "protocol" }`."""
    return {"kind": value} if isinstance(value, str) else value


class Recording(Text):
    """`[recording]`: a file with a measured current and voltage that `read_recording` reads, cut to start .. stop.

    Its spikes are upward crossings of the level that lies the part `relative` of the way from the median of the voltage
    to its peaks; measures take them as `reference = "recording"`, and the voltage as `target = "recording"`.
    """

    file: str
    current: str = "current"
    voltage: str = "voltage"
    start: Quantity | None = None
    stop: Quantity | None = None
    relative: Annotated[float, Field(gt=0, lt=1)] = 0.5


class Target(Text):
    """`[fit.objective.NAME]`: one term of the loss: an objective by name, or a measure or feature and its `goal`."""

    model_config = ConfigDict(extra="allow", frozen=True, strict=True)
    __pydantic_extra__: dict[str, Quantity | bool | list[Quantity]]
    objective: str | None = None
    measure: str | None = None
    feature: str | None = None
    variable: str | None = None
    goal: Quantity | None = None
    sd: Annotated[float, Field(gt=0)] | None = None
    weight: Annotated[float, Field(gt=0)] | None = None
    norm: Literal["mean", "rms", "max"] | None = None
    missing: Annotated[float, Field(gt=0)] | None = None


class FitTable(Text):
    """`[fit]`: the parameters of [space] with a range are searched for the model that behaves like the [recording].

    `method`, `budget`, `batch`, `starts`, `target` and `options` are those of `FitModel`; `train` and `test` number
    sweeps. `model` is the file to which the fitted model is written; `level` is what is good enough for the region of
    equally good points.
    """

    method: str = "cma"
    budget: Count = 10_000
    batch: Count | None = None
    starts: Count | None = None
    target: float | None = None
    train: list[Annotated[int, Field(ge=0)]] | None = None
    test: list[Annotated[int, Field(ge=0)]] | None = None
    objective: dict[Name, Target] = {}
    options: dict[Name, Quantity] = {}
    model: str | None = None
    level: Annotated[float, Field(gt=0)] | None = None


class Report(Text):
    """`[report]`: the table that is printed when the study is done: the best points by the output `rank`, or how many
    points have each value of the output `count`, which is a flag, and the medians of `columns` there.
    """

    rank: str | None = None
    count: str | None = None
    columns: list[str] = []
    over: list[str] = []
    n: Annotated[int, Field(ge=1, le=1000)] = 10
    order: Literal["largest", "smallest"] = "largest"

    @model_validator(mode="after")
    def _one(self) -> Report:
        if (self.rank is None) == (self.count is None):
            raise ValueError(
                "give either rank (the output by which points are best) or count (an output that is a flag)"
            )
        for key in ("over", "n", "order"):
            if self.count and key in self.model_fields_set:
                raise ValueError(f"{key} goes with rank, not with count")
        return self


class Sensitivity(Text):
    """`[sensitivity]`: which parameters matter, told when the study is done; see `SensAnal`.

    `outputs` are those of [outputs] and [record]; all when left out. `method` is that which fits the points when left
    out. With `until` the study grows until no interval is wider than that to either side, or has `most` points.
    """

    outputs: list[Name] | None = None
    method: str | None = None
    ci: Annotated[float, Field(gt=0, lt=1)] = 0.95
    until: Annotated[float, Field(gt=0, lt=1)] | None = None
    most: Annotated[int, Field(ge=1)] = 2**20
    missing: Literal["pairwise", "raise", "bounds"] = "pairwise"
    history: bool = False
    file: str | None = None


class Figure(Text):
    """`[figure]`: the picture that is written when the study is done, of one of four kinds.

    "fit" needs a [report] with rank and a [recording]. The map shows the score over the parameters x and y; of all
    other parameters, their best value in each cell (`others = "best"`), or the plane through the best point
    (`others = "at best"`). `trace` numbers the sweeps, from 0, whose traces are drawn.

    "classes" needs a [report] with count: where in the space of `parameters` the classes live, with the share of the
    classes `lower` and `upper` over pairs of them; one output over another (`against`), the distribution of one in each
    class (`spread`), and traces of `length` of a typical point of each class of `show`.

    "boundaries" needs a [refine] of two parameters: the map of what it is by, its boundaries, and the points.

    "sensitivity" needs a [sensitivity]: bars, or bands over time, of `output`; of all outputs that are single numbers
    when that is left out.

    "states" is of networks over two parameters: the states, rates and oscillations that the NetState of `output` tells,
    and beside them mean field where there is one.

    "map" shows one `output` over two parameters; colours are named where it is a flag.

    "prediction" and "region" need a [fit]: what the fitted model does in the sweeps numbered in `trace`, beside the
    recording; and the set of equally good points over the `parameters`, with traces of `length` of some of them.
    """

    file: str
    kind: Literal["fit", "classes", "boundaries", "sensitivity", "prediction", "region", "states", "map"] = "fit"
    x: Name | None = None
    y: Name | None = None
    others: Literal["best", "at best"] = "best"
    trace: Annotated[list[Annotated[int, Field(ge=0)]], Field(min_length=1, max_length=8)] = [0]
    parameters: Annotated[list[Parameter], Field(max_length=12)] = []
    lower: str | None = None
    upper: str | None = None
    against: Annotated[list[Name], Field(min_length=2, max_length=2)] | None = None
    spread: Name | None = None
    show: Annotated[list[str], Field(max_length=8)] = []
    length: Quantity | None = None
    output: Name | None = None

    @model_validator(mode="after")
    def _one_kind(self) -> Figure:
        keys = {
            "fit": ("x", "y", "others", "trace"),
            "classes": ("parameters", "lower", "upper", "against", "spread", "show", "length"),
            "boundaries": (),
            "sensitivity": ("output",),
            "states": ("output",),
            "map": ("output",),
            "prediction": ("trace",),
            "region": ("parameters", "length"),
        }
        alien = self.model_fields_set - {"file", "kind", *keys[self.kind]}
        for key in [name for name in type(self).model_fields if name in alien]:
            owner = next(kind for kind, own in keys.items() if key in own)
            raise ValueError(f"{key} goes with kind = {owner!r}, not with {self.kind!r}")
        if self.kind == "fit" and not (self.x and self.y):
            raise ValueError("give x and y, the parameters of the map")
        if self.kind in ("states", "map") and not self.output:
            raise ValueError(f"give output, {'a NetState' if self.kind == 'states' else 'the result'} that is shown")
        return self


class Run(Text):
    """`[run]`: where and how; nothing here changes the results or the study's hash."""

    store: str | None = None
    workers: Annotated[int, Field(ge=1, le=4096)] | None = None
    memory: str | None = None
    block_seconds: Annotated[float, Field(gt=0, le=3600)] = 5.0
    timeout: Quantity | None = None


class StudyFile(Text):
    """The whole file."""

    schema_: Literal[1] = Field(alias="schema")
    name: Annotated[str, Field(min_length=1, max_length=200)]
    duration: Quantity | None = None
    model: ModelTable | None = None
    network: ModelTable | None = None
    note: str = ""
    seed: Annotated[int, Field(ge=0, le=2**63 - 1)] = 0
    settle: Quantity = 0
    dt: Quantity | None = None
    method: str | None = None
    dtype: Literal["float64", "float32"] = "float64"
    channels: dict[Name, str] = {}
    noise: dict[Name, Free] = {}
    common: list[Parameter] = []
    stimulus: Annotated[Free | None, BeforeValidator(_kind)] = None
    space: dict[Parameter, Axis] = {}
    samples: Samples | None = None
    derive: dict[Parameter, str] = {}
    where: Where | None = None
    repeat: Repeat | None = None
    refine: Refine | None = None
    outputs: Annotated[dict[Name, Annotated[Output, BeforeValidator(_measure)]], Field(min_length=1)] = {}
    fit: FitTable | None = None
    record: list[Name] = []
    every: Annotated[int, Field(ge=1)] = 1
    record_at: dict[Name, list[float]] | None = None
    convergence: Annotated[float, Field(ge=0, le=10_000)] = 0
    allow_unstable: bool = False
    rtol: float | None = None
    atol: dict[Name, Quantity] | None = None
    recording: Recording | None = None
    report: Report | None = None
    sensitivity: Sensitivity | None = None
    figure: Figure | None = None
    run: Run = Run()

    @property
    def subject(self) -> ModelTable:
        """What is simulated: the table [model] or [network]."""
        found = self.model or self.network
        assert found is not None
        return found

    @model_validator(mode="after")
    def _together(self) -> StudyFile:
        if (self.model is None) == (self.network is None):
            raise ValueError("give either [model] (a neuron) or [network]")
        alien = [n for n in ("channels", "noise", "fit", "recording") if self.network and getattr(self, n)]
        if alien:
            raise ValueError(f"[{alien[0]}] goes with [model], not with [network]")
        drawn = [n for n, a in self.space.items() if a.range is not None or a.distribution is not None]
        if self.fit is not None:
            self._fitted(drawn)
        elif not self.outputs or self.duration is None:
            raise ValueError(f"{'duration' if self.duration is None else '[outputs]'} is missing")
        elif drawn and self.samples is None:
            raise ValueError(
                f"{drawn[0]} has a range or distribution, and there is no [samples] table that says how many"
            )
        if self.samples is not None and not drawn:
            raise ValueError("[samples] draws nothing: no parameter of [space] has a range or distribution")
        if self.stimulus and self.stimulus.kind == "replay" and self.recording is None:
            raise ValueError("stimulus kind 'replay' needs a [recording]")
        kind = self.figure.kind if self.figure else ""
        if (kind in ("prediction", "region")) != (self.fit is not None and bool(kind)):
            raise ValueError("[figure] of kind 'prediction' or 'region' goes with a [fit], and no other does")
        if kind == "prediction" and self.recording is None:
            raise ValueError("[figure] of kind 'prediction' needs a [recording] to compare with")
        if kind == "region" and self.fit and self.fit.level is None:
            raise ValueError("[figure] of kind 'region' needs a level in [fit]: what is good enough")
        if kind == "fit" and not (self.report and self.report.rank and self.recording):
            raise ValueError("[figure] needs a [report] that says what is best, and a [recording] to compare with")
        if kind == "classes" and not (self.report and self.report.count):
            raise ValueError("[figure] of classes needs a [report] that says what they are: count")
        if kind == "boundaries" and not self.refine:
            raise ValueError("[figure] of boundaries needs a [refine]")
        if kind == "sensitivity" and self.sensitivity is None:
            raise ValueError("[figure] of kind sensitivity needs a [sensitivity]")
        if kind and kind != "sensitivity" and self.repeat and self.repeat.n > 1:
            raise ValueError("[figure] shows one run of a point; leave [repeat] out")
        return self

    def _fitted(self, drawn: list[str]) -> None:
        """What goes with a [fit], and what does not."""
        if not drawn:
            raise ValueError("[fit] has nothing to search: no parameter of [space] has a range or distribution")
        listed = [n for n in self.space if n not in drawn]
        for given, what in (
            (listed, f"{listed[0] if listed else ''} has listed values"),
            (self.samples, "[samples]"),
            (self.outputs, "[outputs] (those of the objective are kept)"),
            (self.repeat, "[repeat]"),
            (self.report, "[report]"),
            (self.record, "record"),
            (self.convergence, "convergence"),
            (self.refine, "[refine]"),
            (self.sensitivity, "[sensitivity]"),
            (self.every > 1, "every"),
            *((getattr(self, n), n) for n in ("common", "record_at", "allow_unstable", "rtol", "atol")),
        ):
            if given:
                raise ValueError(f"{what} does not go with [fit]")
        if self.recording is None and (self.duration is None or not self.fit or not self.fit.objective):
            raise ValueError("[fit] without a [recording] needs a duration, and an objective with goals")


Title = Annotated[str, Field(min_length=1, max_length=120, pattern=r"^[^/._][^/]*$")]
"""What stands above a panel, or a group of them; also the name of a group of the store."""


class AtlasFigure(Text):
    """`[figure]` of an atlas: the picture of all panels, so many side by side."""

    file: str
    columns: Annotated[int, Field(ge=1, le=12)] = 4


class AtlasRun(Text):
    """`[run]` of an atlas: the folder in which the traces are kept."""

    store: str | None = None


class AtlasFile(Text):
    """A file with an `[atlas]`: many models, each shown under its own protocol.

    `[atlas."group"]` holds the panels of a group: their titles, and the models that they show.
    """

    schema_: Literal[1] = Field(alias="schema")
    name: Annotated[str, Field(min_length=1, max_length=200)]
    note: str = ""
    atlas: Annotated[dict[Title, Annotated[dict[Title, Name], Field(min_length=1)]], Field(min_length=1)]
    figure: AtlasFigure | None = None
    run: AtlasRun = AtlasRun()


@dataclass(frozen=True)
class Read:
    """A checked study file and the text that it came from (for errors that come later)."""

    file: StudyFile
    document: tomltext.Document

    def beside(self, name: str) -> Path:
        """A path of the file, relative to the folder in which the file lies."""
        return self.document.path.parent / name


@dataclass(frozen=True)
class AtlasRead:
    """A checked atlas and the text that it came from."""

    file: AtlasFile
    document: tomltext.Document

    def beside(self, name: str) -> Path:
        """A path of the file, relative to the folder in which the file lies."""
        return self.document.path.parent / name


def read(path: str | Path) -> Read:
    """Read and check a study file.

    Raises
    ------
    PlanError
        Names file, line, key, what is wrong, and the nearest valid key.
    """
    found = read_any(path)
    if isinstance(found, Read):
        return found
    mend = "`sneuron run` makes all of it again, `sneuron open` shows its store."
    raise errors.PlanError(found.document.where((ATLAS,)), "this is an atlas, not a study", mend=mend)


def read_any(path: str | Path) -> Read | AtlasRead:
    """Read and check a study file, or an atlas; see `read`."""
    document = tomltext.read(path)
    if ATLAS in document.data:
        return AtlasRead(_checked(AtlasFile, document), document)
    return Read(_checked(StudyFile, document), document)


def _checked(kind: type[_File], document: tomltext.Document) -> _File:
    try:
        return kind.model_validate(document.data)
    except ValidationError as cause:
        raise _first(cause, document, kind) from None


def _first(cause: ValidationError, document: tomltext.Document, kind: type[Text]) -> errors.PlanError:
    """The error to show of all that pydantic found: unknown keys first, those of the file before those of a table.

    They explain what is missing, and what seems to be wrong elsewhere.
    """
    unknown = "extra_forbidden"
    found = sorted(cause.errors(include_url=False), key=lambda e: (e["type"] != unknown and 99) or len(e["loc"]))
    first = found[0]
    key = tuple(_in_file(first["loc"], document.data))
    more = f"The file has {len(found) - 1} more such faults." if len(found) > 1 else None
    where = document.where(key)
    if first["type"] == unknown:
        names = [*_keys(kind, key[:-1]), *([ATLAS] if kind is StudyFile and len(key) == 1 else [])]
        guess = errors.nearest(str(key[-1]), names)
        return errors.PlanError(where, f"key {str(key[-1])!r} is not known here", names, guess, more)
    said = first["msg"].removeprefix("Value error, ")
    given = "" if first["type"] in ("missing", "value_error") else f"; here: {_short(first['input'])}"
    return errors.PlanError(where, said[:1].lower() + said[1:] + given, mend=more)


def _in_file(loc: tuple[str | int, ...], data: Any) -> Iterator[str | int]:
    """The parts of pydantic's location that are keys of the file (it adds names of union members)."""
    for number, part in enumerate(loc):
        inside = (isinstance(data, dict) and part in data) or (isinstance(data, list) and isinstance(part, int))
        if inside:
            data = data[part]
            yield part
        elif number == len(loc) - 1 and isinstance(data, dict) and part not in ("str", "float", "int", "bool"):
            yield part


def _keys(model: type[BaseModel], path: tuple[str | int, ...]) -> Iterator[str]:
    """Keys that the table at `path` may have."""
    kind: Any = model
    for part in path:
        kind = _table(kind.model_fields[part].annotation if _is_table(kind) and part in kind.model_fields else kind)
    if _is_table(kind):
        yield from (f.alias or n for n, f in kind.model_fields.items())


def _table(annotation: Any) -> Any:
    """The table class within an annotation such as `Axis | None` or `dict[str, Axis]`."""
    if _is_table(annotation):
        return annotation
    if typing.get_origin(annotation) in (typing.Union, types.UnionType, Annotated, dict, list):
        inner = [_table(a) for a in typing.get_args(annotation)]
        return next((a for a in inner if _is_table(a)), None)
    return None


def _is_table(kind: Any) -> bool:
    return isinstance(kind, type) and issubclass(kind, BaseModel)


def _short(value: object) -> str:
    text = repr(value if not isinstance(value, Mapping) else dict(value))
    return text if len(text) <= 60 else text[:57] + "..."
