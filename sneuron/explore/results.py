"""The results of a study as one lazy dataset, and the table of what failed."""

from __future__ import annotations

import itertools
import math
from collections.abc import Iterator, Mapping
from typing import Any

import numpy as np
import xarray as xr

from sneuron import labels
from sneuron.explore.asked import ASKED, asks
from sneuron.explore.build import TRACES
from sneuron.explore.convergence import CHECKED, CHECKS
from sneuron.explore.coords import lazy_coords
from sneuron.explore.parts import Part, part_of, runs
from sneuron.explore.plan import TRACE
from sneuron.explore.rounds import labelled
from sneuron.labels import Status
from sneuron.store.folder import StudyFolder
from sneuron.store.joining import join

__all__ = ["failures", "opened", "traces"]

_BIG = 256_000_000
_CHUNK = 32_000_000
_FAILED = (Status.DIVERGED, Status.OUT_OF_RANGE, Status.OVERFLOW, Status.TIMEOUT, Status.ERROR)


def opened(folder: StudyFolder, chunks: Any = "auto") -> xr.Dataset:
    """All parts as one dataset: lazily without Dask where it is small or `chunks` is None, else as Dask arrays."""
    names = [name for name in runs(folder) if name not in (TRACES, CHECKS)]
    parts = [_part_data(folder, name) for name in names]
    data = join(parts).assign_attrs(parts[0].attrs)
    if TRACES in folder.parts:
        data = _beside(data, traces(folder), TRACE)
    if CHECKS in folder.parts:
        checks = folder.open_dataset(CHECKS).rename({labels.STATUS: f"{CHECKED}_{labels.STATUS}"})
        data = _beside(data, checks, CHECKED)
    data = labelled(data, folder)
    if chunks == "auto":
        chunks = _chunks(data, part_of(folder, names[0])) if data.nbytes > _BIG else None
    return data if chunks is None else data.chunk(chunks)


def traces(folder: StudyFolder) -> xr.Dataset:
    """The recorded variables of chosen points, dims `trace` and `time`."""
    return folder.open_dataset(TRACES)


def failures(folder: StudyFolder, limit: int) -> xr.Dataset:
    """The points that failed, one a row along `failure`."""
    parts = [part_of(folder, name) for name in runs(folder) if name not in (TRACES, CHECKS)]
    rows = list(itertools.islice((row for part in parts for row in _failed_rows(folder, part)), limit))
    known = part_of(folder, folder.parts[0]).plan.facts.known.params
    columns = list(dict.fromkeys(key for row in rows for key in row)) or ["status", labels.FIRST_BAD, labels.MESSAGE]
    made = {c: ("failure", np.array([row.get(c) for row in rows]), _units(c, known)) for c in columns}
    return xr.Dataset(made)


def _units(column: str, known: Mapping[str, Any]) -> dict[str, str]:
    if column == labels.FIRST_BAD:
        return {"units": "ms"}
    return {"units": known[column].unit} if column in known else {}


def _failed_rows(folder: StudyFolder, part: Part) -> Iterator[dict[str, Any]]:
    data = None
    for receipt in folder.receipts(part.name):
        if not any(receipt["status"].get(s.name.lower()) for s in _FAILED):
            continue
        data = folder.open_dataset(part.name) if data is None else data
        yield from _rows_of_block(data, part, receipt)


def _rows_of_block(data: xr.Dataset, part: Part, receipt: Mapping[str, Any]) -> Iterator[dict[str, Any]]:
    region = {d: slice(*ends) for d, ends in receipt["region"].items()}
    block = data[[n for n in (labels.STATUS, labels.FIRST_BAD) if n in data]].isel(region)
    outer = list(part.space.dims)
    status = block[labels.STATUS].transpose(*outer, ...)
    values = status.values
    told = receipt["info"].get("messages", {"texts": [], "points": []})
    texts = {number: told["texts"][which] for number, which in told["points"]}
    lengths = values.shape[: len(outer)]
    begins = {labels.REPEAT: part.space.first_repeat, **part.template.start}
    points = part.points({d: region[d] for d in outer})
    first = (
        block[labels.FIRST_BAD].transpose(*status.dims).values
        if labels.FIRST_BAD in block
        else np.full(values.shape, np.nan)
    )
    for place in np.argwhere(np.isin(values, [int(s) for s in _FAILED])):
        number = int(np.ravel_multi_index(tuple(place[: len(outer)]), lengths)) if outer else 0
        at = tuple(place)
        row: dict[str, Any] = {name: float(column[number]) for name, column in points.params.items()}
        row |= {d: int(place[k]) + region[d].start + begins.get(d, 0) for k, d in enumerate(outer) if d not in row}
        row |= {str(d): int(i) for d, i in zip(status.dims[len(outer) :], place[len(outer) :], strict=True)}
        code = Status(int(values[at]))
        yield {
            **row,
            labels.STATUS: code.name.lower(),
            labels.FIRST_BAD: float(first[at]),
            labels.MESSAGE: texts.get(number, _why(code)),
        }


def _why(code: Status) -> str:
    return {
        Status.DIVERGED: "a variable is no number any more",
        Status.OUT_OF_RANGE: "a variable left the range in which it makes sense",
        Status.OVERFLOW: "a buffer was too small",
    }.get(code, "")


def _part_data(folder: StudyFolder, name: str) -> xr.Dataset:
    part = part_of(folder, name)
    data = folder.open_dataset(name)
    many = lazy_coords(part.space, part.plan.facts.known)
    kept = data.encoding
    data = data.assign_coords(many)
    if asks(part.space):
        data = data.assign_coords(folder.open_dataset(ASKED).variables)
    data.encoding = kept
    return data


def _beside(data: xr.Dataset, chosen: xr.Dataset, dim: str) -> xr.Dataset:
    """What was made of chosen points, beside the rest; their parameters are `<dim>_<name>`."""
    bare = chosen.drop_vars([n for n in (labels.STATUS, labels.FIRST_BAD, labels.SPIKE_COUNT) if n in chosen])
    names = {n: f"{dim}_{n}" for n in bare.coords if dim in bare[n].dims}
    return data.merge(bare.rename(names), combine_attrs="override", compat="override", join="outer")


def _chunks(data: xr.Dataset, part: Part) -> dict[str, int]:
    """Whole blocks, together until a chunk of the widest variable is of a good size for a reader."""
    width = max(v.dtype.itemsize * math.prod(v.shape) / max(1, part.space.size) for v in data.data_vars.values())
    left = max(1, int(_CHUNK / width))
    chunks: dict[str, int] = {}
    for dim, length in reversed(part.space.dims.items()):
        block = part.template.block[dim]
        chunks[dim] = min(length, max(block, left // block * block))
        left = max(1, left // chunks[dim])
    return chunks
