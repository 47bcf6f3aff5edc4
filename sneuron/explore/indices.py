"""What a study says of its parameters: the indices that a study file asks for, as data and as a table."""

from __future__ import annotations

import json
from collections.abc import Iterator
from typing import Any

import numpy as np
import xarray as xr

from sneuron import errors, labels
from sneuron.analysis.sensitivity import walk
from sneuron.analysis.sensitivity.estimators import Estimator, estimators
from sneuron.analysis.sensitivity.intervals import REMARKS
from sneuron.analysis.sensitivity.results import SIZE, Request, picked
from sneuron.analysis.sensitivity.sobol import PARAM
from sneuron.explore.designs import STRUCTURES
from sneuron.explore.engine import Layout
from sneuron.explore.plan import Plan
from sneuron.explore.sensitivity import analysis_of, check_growth, fitting
from sneuron.explore.space import Design, Lattice, Space
from sneuron.explore.study import Study
from sneuron.explore.studyargs import located
from sneuron.explore.studyfile import Read

__all__ = ["check_indices", "index_numbers", "index_table", "indices_of"]

_TABLE = "sensitivity"


def indices_of(read: Read, study: Study) -> xr.Dataset:
    """The indices that [sensitivity] asks for, kept in its `file`; the study grows when it says `until`."""
    table = read.file.sensitivity
    assert table is not None
    with located(read, (_TABLE,)):
        request = Request(_method(read, study.plan.space), table.ci, table.missing)
        found = analysis_of(study, request, table.outputs, table.until, table.most, table.history)
    if table.file is not None:
        from sneuron.store.files import SaveSim

        path = read.beside(table.file)
        path.parent.mkdir(parents=True, exist_ok=True)
        SaveSim(found, path, overwrite=True)
    return found


def check_indices(read: Read, plan: Plan, layout: Layout) -> None:
    """[sensitivity] and its [figure], before anything runs: the method fits the points, the outputs are there."""
    table, figure = read.file.sensitivity, read.file.figure
    if table is None:
        return
    space = plan.space
    with located(read, (_TABLE, "method") if table.method else (_TABLE,)):
        method = _method(read, space)
    growing = any(isinstance(axis, Design) for axis in space.axes)
    if table.until is not None:
        with located(read, (_TABLE, "until")):
            check_growth(method, table.until, table.most)
            if not growing:
                raise errors.PlanError("until", "makes a design grow, and there is no [samples]")
    if table.history and not growing:
        raise errors.PlanError(read.document.where((_TABLE, "history")), "a grid has no history")
    made = [n for n in layout.variables if n not in (labels.STATUS, labels.FIRST_BAD)]
    for k, name in enumerate(table.outputs or ()):
        if name not in made:
            raise errors.unknown(read.document.where((_TABLE, "outputs", k)), "output", name, made)
    if figure is not None and figure.output is not None:
        known = table.outputs or made
        if figure.output not in known:
            raise errors.unknown(read.document.where(("figure", "output")), "output", figure.output, known)


def _method(read: Read, space: Space) -> Estimator:
    """The method that the file names, or that which fits its points."""
    table = read.file.sensitivity
    return fitting(_kind(space), table.method if table else None)


def _kind(space: Space) -> str:
    """What the points of a space are, as `walk.kind_of` says of its data."""
    design = next((a for a in space.axes if isinstance(a, Design)), None)
    if design is None:
        return walk.REFINED if any(isinstance(axis, Lattice) for axis in space.axes) else walk.GRID
    structure = STRUCTURES.get(design.kind)
    dims = None if structure is None else {structure.dim, *structure.inner(design)}
    return next((kind for kind, held in walk.KINDS.items() if set(held) == dims), walk.SAMPLE)


def index_table(found: xr.Dataset) -> Iterator[tuple[str, ...]]:
    """Header and rows of texts: for each output and parameter the indices with their intervals.

    Of an output with further dims, such as time, the least and the greatest index along them.
    """
    shown = list(estimators[found.attrs["method"]].shown)
    yield ("output", "parameter", *shown, "")
    for name in _names(found):
        own = picked(found, name)
        level = own[shown[0]].isel({SIZE: -1}) if SIZE in own.dims else own[shown[0]]
        order = np.argsort(
            -np.nan_to_num(level.max([d for d in level.dims if d != PARAM]).values, nan=-1.0), kind="stable"
        )
        for param in own[PARAM].values[order]:
            row = own.sel({PARAM: param})
            row = row.isel({SIZE: -1}) if SIZE in row.dims else row
            yield (name, str(param), *(_written(row, v) for v in shown if v in row), _remarks(row["remark"]))


def index_numbers(found: xr.Dataset) -> dict[str, Any]:
    """The same as plain data, of outputs that are single numbers; the design; whether all points are there."""
    shown = list(estimators[found.attrs["method"]].shown)
    told = {}
    for name in _names(found):
        own = picked(found, name)
        own = own.isel({SIZE: -1}) if SIZE in own.dims else own
        ends = [f"{v}{end}" for v in shown for end in ("", "_low", "_high") if f"{v}{end}" in own]
        if set(own[shown[0]].dims) == {PARAM}:
            told[name] = {str(p): {v: float(own[v].sel({PARAM: p})) for v in ends} for p in own[PARAM].values}
    about = {"design": json.loads(found.attrs["design"]), "complete": bool(found.attrs["complete"])}
    return {"indices": told, **about}


def _names(found: xr.Dataset) -> list[str]:
    return [str(name) for name in json.loads(found.attrs["outputs_analysed"])]


def _remarks(marks: xr.DataArray) -> str:
    """What is to be said of an estimate, and at how many places along further dims."""
    held = np.ravel(marks.values)
    counts = {REMARKS[int(k)]: int((held == k).sum()) for k in np.unique(held) if REMARKS[int(k)] != "fine"}
    return ", ".join(f"{n} at {many} of {held.size}" if held.size > 1 else n for n, many in counts.items())


def _written(row: xr.Dataset, name: str) -> str:
    """An index with its interval, or the range of it along further dims."""
    values = np.ravel(row[name].values)
    held = values[~np.isnan(values)]
    if not held.size:
        return "-"
    if values.size > 1:
        return f"{held.min():.3f} .. {held.max():.3f}"
    if f"{name}_low" not in row or np.isnan(row[f"{name}_low"]):
        return f"{held[0]:.4g}"
    return f"{held[0]:.3f} [{float(row[f'{name}_low']):.3f}, {float(row[f'{name}_high']):.3f}]"
