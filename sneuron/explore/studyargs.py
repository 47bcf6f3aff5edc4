"""From a checked study file to the arguments of `ParamSweep`; what goes wrong is told at its line."""

from __future__ import annotations

import contextlib
import dataclasses
import inspect
import re
from collections.abc import Callable, Iterator, Mapping
from pathlib import Path
from typing import Any

import xarray as xr

from sneuron import errors, labels
from sneuron.analysis.measure import measures
from sneuron.analysis.traces import TraceReader
from sneuron.explore import comparisons, ranges
from sneuron.explore.plan import PROTOCOL
from sneuron.explore.recorded import open_recording
from sneuron.explore.space import Known
from sneuron.explore.studyfile import AtlasRead, Axis, Distribution, Read, Samples
from sneuron.lang.model import Model, load_model

__all__ = [
    "arguments",
    "drawn_of",
    "located",
    "model_of",
    "placed",
    "recorded",
    "stimulus_of",
    "store_of",
]

RECORDING = "recording"
_TABLES = ("refine", "space", "derive", "model", "network", "outputs")
_FIT = ("method", "budget", "batch", "starts", "target", "train", "test", "objective", "options")
_ARGUMENTS = {"ranges": "space", "repeats": "repeat", "derived": "derive"}
_SHAPES: dict[str, Callable[..., ranges.Samples]] = {
    "sobol": ranges.sobol, "halton": ranges.halton, "lhs": ranges.lhs, "random": ranges.random,
    "pick_freeze": comparisons.pick_freeze, "trajectories": comparisons.trajectories, "radial": comparisons.radial,
    "nudges": comparisons.nudges, "curves": comparisons.curves,
}  # fmt: skip


def arguments(read: Read) -> dict[str, Any]:
    """The keyword arguments that `ParamSweep` (and `Plan.make`) take for a study file.

    Parameters
    ----------
    read : Read
        From `studyfile.read`.

    Returns
    -------
    dict
        `ranges`, `model`, `duration`, `stimulus`, `outputs` and the rest of what decides the results; `[run]`,
        `[report]`, `[sensitivity]` and `[figure]` decide nothing and are not in it.

    Raises
    ------
    SneuronError
        Of the family of what is wrong, naming file, line and key.
    """
    file = read.file
    subject, known = _subject(read)
    cell = recorded(read)
    found = {
        "ranges": _ranges(read, known),
        **subject,
        "duration": file.duration,
        "settle": file.settle,
        "dt": file.dt,
        "method": file.method,
        "dtype": file.dtype,
        "stimulus": stimulus_of(read, cell),
        "outputs": {name: _output(read, name, cell) for name in file.outputs},
        "record": tuple(file.record),
        "every": file.every,
        "allow_unstable": file.allow_unstable,
        "rtol": file.rtol,
        "atol": file.atol,
        "seed": file.seed,
        "common": tuple(file.common),
        "where": file.where.keep if file.where else None,
        "repeats": file.repeat.n if file.repeat else 1,
        "refine": file.refine.model_dump(exclude_none=True) if file.refine else None,
    }
    return {name: value for name, value in found.items() if value is not None}


def _subject(read: Read) -> tuple[dict[str, Any], Known | Model]:
    """The model or network as an argument, and what knows its parameters."""
    if read.file.network is None:
        model = model_of(read)
        return {"model": model}, model
    from sneuron.explore.netknown import known_of, network_of

    table = read.file.network
    with located(read, ("network", "file" if table.file else "kind")):
        network = network_of(read.beside(table.file) if table.file else table.kind)
    return {"network": network}, known_of(network)


def model_of(read: Read) -> Model:
    """The neuron of the file, with the channels and the noise that the file gives it."""
    file = read.file
    with located(read, ("model", "file" if file.subject.file else "kind")):
        model = load_model(str(read.beside(file.subject.file)) if file.subject.file else str(file.subject.kind))
    for key, channel in file.channels.items():
        with located(read, ("channels", key)):
            model = load_model(model, channels={key: channel})
    for key, table in file.noise.items():
        from sneuron.core.noise import CHANNEL, ESCAPE, NoiseAdd

        with located(read, ("noise", key)):
            name = None if table.kind in (CHANNEL, ESCAPE) else key
            model = NoiseAdd(model, table.kind, name=name, **(table.__pydantic_extra__ or {}))
    return model


def recorded(read: Read) -> xr.Dataset | None:
    """The recording of the file: `current`, `voltage` and its `spike_time`; None when it has none."""
    table = read.file.recording
    if table is None:
        return None
    from sneuron.core.detect import DetSpike

    with located(read, (RECORDING,)):
        cell = open_recording(read.beside(table.file), table.current, table.voltage, table.start, table.stop)
        spikes = DetSpike(cell["voltage"], relative=table.relative)
    return cell.assign(spike_time=spikes[labels.SPIKE_TIME], spike_count=spikes[labels.SPIKE_COUNT])


@contextlib.contextmanager
def located(read: Read, key: tuple[str | int, ...] = ()) -> Iterator[None]:
    """Say of an error where in the file its cause stands: at `key`, or at a key that the error names."""
    try:
        yield
    except errors.SneuronError as cause:
        if str(read.document.path) in cause.where or isinstance(cause, errors.StoreError):
            raise
        raise placed(cause, read.document.where(key or _named(read, cause))) from cause


def placed(cause: errors.SneuronError, where: str) -> errors.SneuronError:
    """The same error, which also says where in a file its cause stands."""
    return type(cause)(f"{where}: {cause.where}", cause.given, cause.possible, cause.guess, cause.mend)


def _named(read: Read, cause: errors.SneuronError) -> tuple[str | int, ...]:
    """The key that an error is about: a parameter, output or argument named in its `where`, first word first."""
    for name, text in read.file.derive.items():
        if cause.where.startswith("derived") and text in cause.given:
            return ("derive", name)
    words = re.findall(r"[A-Za-z_][A-Za-z0-9_]*", cause.where)
    inner = [(table, word) for word in words for table in _TABLES]
    outer = [("where", "keep") if word == "where" else (_ARGUMENTS.get(word, word),) for word in words]
    of_fit = [("fit", "objective", w) for w in words] if read.file.fit is not None else []
    near = [("fit", w) for w in words if w in _FIT and read.file.fit is not None]
    return next((key for key in (*of_fit, *near, *inner, *outer) if key in read.document.lines), ())


def _ranges(read: Read, known: Known | Model) -> list[Any]:
    """What varies, and the model's fixed values, as `ParamSweep` takes them."""
    file, together, drawn = read.file, {}, {}
    fixed = dict(file.subject.__pydantic_extra__ or {})
    subject = "model" if file.model else "network"
    for table, names in ((subject, fixed), ("space", file.space), ("derive", file.derive)):
        for name in names:
            with located(read, (table, name)):
                known.canonical(name, table)
    for name, axis in file.space.items():
        with located(read, ("space", name)):
            if axis.range is not None or axis.distribution is not None:
                drawn[name] = drawn_of(axis)
            else:
                together[name] = _axis(axis)
    derived = {name: ranges.derived(text) for name, text in file.derive.items()}
    parts: list[Any] = [{**fixed, **together, **derived}]
    if drawn and file.samples:
        with located(read, ("samples",)):
            parts.append(_drawn(read, file.samples, drawn))
    return parts


def _drawn(read: Read, table: Samples, params: Mapping[str, Any]) -> ranges.Samples:
    """The design of [samples]; an option that the method does not take is refused at its line."""
    make = _SHAPES[table.method]
    known = [name for name in inspect.signature(make).parameters if name not in ("n", "params", "seed", "scramble")]
    for name in table.options:
        if name not in known:
            where = read.document.where(("samples", name))
            raise errors.unknown(where, f"option of method {table.method!r}", name, known)
    seed = read.file.seed if table.seed is None else table.seed
    return make(table.n, params, seed=seed, **table.options)


def _axis(axis: Axis) -> ranges.Range:
    if axis.grid:
        make = ranges.log if axis.grid.scale == "log" else ranges.grid
        return make(axis.grid.lo, axis.grid.hi, axis.grid.n)
    found = ranges.values(axis.values)
    return dataclasses.replace(found, dim=axis.dim) if axis.dim else found


def drawn_of(axis: Axis) -> Any:
    """What a parameter is drawn from, or searched in: an interval, or a distribution."""
    if axis.distribution is not None:
        return _distribution(axis.distribution)
    assert axis.range is not None
    low, high = axis.range
    return ranges.log(low, high) if axis.scale == "log" else ranges.grid(low, high)


def _distribution(given: Distribution) -> Any:
    """A frozen continuous distribution of scipy.stats, by its name there."""
    from scipy import stats

    known = sorted(n for n, d in vars(stats).items() if isinstance(d, stats.rv_continuous))
    if given.name not in known:
        raise errors.unknown("distribution", "distribution of scipy.stats", given.name, known)
    shape = given.__pydantic_extra__ or {}
    try:
        return getattr(stats, given.name)(**shape)
    except TypeError as cause:
        raise errors.ParameterError("distribution", f"{given.name} does not take these arguments: {cause}") from cause


def stimulus_of(read: Read, cell: xr.Dataset | None) -> Any:
    table = read.file.stimulus
    if table is None:
        return None
    from sneuron.core import stimulus

    kinds = ("step", "ramp", "sine", "chirp", "pulses", "noise", "replay", PROTOCOL)
    with located(read, ("stimulus", "kind")):
        if table.kind not in kinds:
            raise errors.unknown("stimulus", "kind", table.kind, kinds)
    make = getattr(stimulus, table.kind)
    given = dict(table.__pydantic_extra__ or {})
    names = [] if table.kind == PROTOCOL else [n for n in inspect.signature(make).parameters if n != RECORDING]
    for name in given:
        with located(read, ("stimulus", name)):
            if name not in names:
                raise errors.unknown(f"stimulus {table.kind!r}", "key", name, names)
    if table.kind == PROTOCOL:
        return PROTOCOL
    with located(read, ("stimulus",)):
        try:
            return make(cell["current"], **given) if table.kind == "replay" and cell is not None else make(**given)
        except TypeError as cause:
            raise errors.ParameterError(f"stimulus {table.kind!r}", str(cause)) from cause


def _output(read: Read, name: str, cell: xr.Dataset | None) -> Mapping[str, Any]:
    """One output with its options; the text "recording" stands for the recorded spikes, or for the voltage."""
    output = read.file.outputs[name]
    options: dict[str, Any] = dict(output.__pydantic_extra__ or {})
    for option, value in options.items():
        if value == RECORDING:
            if cell is None:
                raise errors.PlanError(
                    read.document.where(("outputs", name, option)), "there is no [recording] table", mend="Add one."
                )
            over = measures[output.measure].over if output.measure in measures else {}
            spikes = cell[labels.SPIKE_TIME].rename({labels.SPIKE: "spike_ref"})
            options[option] = cell["voltage"] if isinstance(over.get(option), TraceReader) else spikes
    return {"measure": output.measure, **options}


def store_of(read: Read | AtlasRead) -> Path:
    """Where the study is kept: `[run] store`, beside the file; its own name with .zarr when not given."""
    return read.beside(read.file.run.store) if read.file.run.store else read.document.path.with_suffix(".zarr")
