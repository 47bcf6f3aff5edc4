"""Fits from files: the arguments of `FitModel`, and what is told and drawn when the fit is done."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import numpy as np
import xarray as xr

from sneuron import errors, labels
from sneuron.explore import ranges
from sneuron.explore.cells import sweeps_of
from sneuron.explore.cluster import Place
from sneuron.explore.diagnosis import LOSS, unit_of
from sneuron.explore.fit import FitModel
from sneuron.explore.fitted import Fit
from sneuron.explore.optimisers.base import methods
from sneuron.explore.scores import scored
from sneuron.explore.studyargs import drawn_of, located, model_of, recorded, stimulus_of, store_of
from sneuron.explore.studyfile import FitTable, Read, Target

__all__ = ["Found", "fit_of", "fitted_table", "found_of", "places", "preview", "score_table"]


def fit_of(read: Read, place: Place, store: str | Path | None = None) -> Fit:
    """Run the fit of a study file, or go on with it."""
    file, table = read.file, read.file.fit
    assert table is not None
    path = Path(store) if store else store_of(read)
    path.parent.mkdir(parents=True, exist_ok=True)
    cell = recorded(read)
    _refuse_unseen(read, cell)
    model = model_of(read)
    timeout = None if file.run.timeout is None else labels.number(file.run.timeout, "s", read.document.where(("run",)))
    replayed = file.stimulus is not None and file.stimulus.kind == "replay"
    with located(read):
        return FitModel(
            cell, model, _ranges(read, model), **_told(table), objective=_objective(table), seed=file.seed,
            stimulus=None if replayed else stimulus_of(read, cell), duration=file.duration, settle=file.settle,
            dt=file.dt, integrator=file.method, dtype=file.dtype, where=file.where.keep if file.where else None,
            store=path, client=place.client, scheduler=place.scheduler, workers=place.workers, memory=place.memory,
            timeout=timeout, name=file.name,
        )  # fmt: skip


def _refuse_unseen(read: Read, cell: xr.Dataset | None) -> None:
    """What is asked for when the fit is done, and cannot be told then."""
    file, where = read.file, read.document.where
    assert file.fit is not None
    if file.fit.level is not None and file.fit.method in methods and methods[file.fit.method].slopes:
        what = f"method {file.fit.method!r} has no terms that could be within a level"
        raise errors.PlanError(where(("fit", "level")), what, mend="Take method 'sobol', or leave level out.")
    if file.figure and file.figure.kind == "prediction" and cell is not None and sweeps_of(cell) is None:
        mend = "Record several sweeps, or leave [figure] out."
        raise errors.DataError(where(("figure", "kind")), "the recording has one sweep: none to predict", mend=mend)


def preview(read: Read) -> str:
    """What a fit will do, in a few lines; runs nothing."""
    table, model = read.file.fit, model_of(read)
    assert table is not None
    searched = [n for n in _ranges(read, model) if n in read.file.space]
    most = "" if table.target is None else f", fewer when the loss is {table.target:g} before"
    return "\n".join([
        f"fit      {model.name} by {table.method}: {methods[table.method].note}",
        f"searched {', '.join(searched)}",
        f"runs     {table.budget:,} evaluations{most}",
    ])  # fmt: skip


@dataclass(frozen=True)
class Found:
    """What a fit of a file found, ready to be told and drawn.

    Parameters
    ----------
    tables : list
        Tables, each a header and rows of texts.
    words : list of str
        Verdicts.
    told : dict
        The same as data.
    diagnosis : Dataset
        See `Fit.diagnostics`.
    cell, run, scores : Dataset or None
        The recording, what the model does there (for a region: examples of it), and its scores.
    everything, region : Dataset or None
        Points that are spread evenly, and the good ones of them.
    parameters : list of str
        Those that are drawn.
    """

    tables: list[list[tuple[str, ...]]]
    words: list[str]
    told: dict[str, Any]
    diagnosis: xr.Dataset
    cell: xr.Dataset | None = None
    run: xr.Dataset | None = None
    scores: xr.Dataset | None = None
    everything: xr.Dataset | None = None
    region: xr.Dataset | None = None
    parameters: list[str] = field(default_factory=list)


def found_of(read: Read, fit: Fit) -> Found:
    """Diagnose, predict, and look for the region of equally good points, as the file asks."""
    table, diagnosis, best = read.file.fit, fit.diagnostics(), fit.params
    assert table is not None
    told: dict[str, Any] = {"best": best, "loss": float(fit.best[LOSS]), "diagnosis": diagnosis.attrs["verdict"]}
    tables, words = [list(fitted_table(fit, diagnosis))], [diagnosis.attrs["verdict"]]
    made: dict[str, Any] = {}
    if fit.cell is not None and sweeps_of(fit.cell) is not None:
        run = fit.predict()
        scores = scored(fit.cell, run, fit.split)
        tables.append(list(score_table(scores)))
        words.append(scores.attrs["verdict"])
        told["scores"] = {"gamma": scores["gamma"].values.tolist(), "rmse": scores["rmse"].to_dict()["data"]}
        made |= {"cell": fit.cell, "run": run, "scores": scores}
    if table.level is not None:
        everything = fit.scattered()
        region = fit.region(table.level, points=everything)
        words.append(region_words(region, table.level))
        told["region"] = words[-1]
        figure = read.file.figure
        names = [str(n) for n in region["param"].values]
        chosen = list(figure.parameters) if figure and figure.parameters else names
        length = None if figure is None or figure.length is None else labels.number(figure.length, "ms", "length")
        made |= {"everything": everything, "region": region, "parameters": chosen, "run": examples(fit, region, length)}
    return Found(tables, words, told, diagnosis, **made)


def places(read: Read) -> dict[str, Path]:
    """Where the fitted model and the picture go, in folders that are there."""
    table, figure = read.file.fit, read.file.figure
    assert table is not None
    named = {"model": table.model, "figure": figure.file if figure else None}
    found = {key: read.beside(name) for key, name in named.items() if name is not None}
    for path in found.values():
        path.parent.mkdir(parents=True, exist_ok=True)
    return found


def examples(fit: Fit, region: xr.Dataset, length: float | None, many: int = 4) -> xr.Dataset:
    """Some good points that lie as far apart as may be, run once more: `v` over `example` and `time`."""
    unit = unit_of(fit.design, region)
    rows = [int(np.argmin(np.abs(unit - np.median(unit, axis=0)).sum(1)))]
    while len(rows) < min(many, len(unit)):
        apart = np.min([((unit - unit[r]) ** 2).sum(1) for r in rows], axis=0)
        rows.append(int(np.argmax(apart)))
    point = {n: region[n].values for n in fit.study.plan.space.names}
    values = {n: xr.DataArray(v[rows], dims="example") if v.ndim else float(v) for n, v in point.items()}
    return fit.run(values, record=["v"], duration=length)


def region_words(region: xr.Dataset, level: float) -> str:
    """The region in words."""
    sizes = region["size"].values
    parts = int((sizes > 0.01).sum())
    whole = f"{sizes[0]:.0%} of them hang together"
    whole += f", in all there are {parts} parts with more than 1 %" if parts > 1 else ""
    volume = [float(region[n]) for n in ("volume", "volume_low", "volume_high")]
    told = f"{region.sizes['point']:,} points keep every term within {level:g}: {volume[0]:.3%} of the ranges"
    return f"{told} (95 %: {volume[1]:.3%} to {volume[2]:.3%}); {whole}."


def _told(table: FitTable) -> dict[str, Any]:
    """What the table says itself."""
    own = ("method", "budget", "batch", "starts", "target", "train", "test")
    return {**{k: getattr(table, k) for k in own}, "options": dict(table.options) or None}


def _objective(table: FitTable) -> Any:
    return {name: _spec(target) for name, target in table.objective.items()} or None


def _spec(target: Target) -> dict[str, Any]:
    own = ("objective", "measure", "feature", "variable", "goal", "sd", "weight", "norm", "missing")
    given = {k: getattr(target, k) for k in own if getattr(target, k) is not None}
    return {**given, **(target.__pydantic_extra__ or {})}


def _ranges(read: Read, model: Any) -> dict[str, Any]:
    """What is searched, fixed and derived."""
    file = read.file
    found: dict[str, Any] = dict(file.subject.__pydantic_extra__ or {})
    for name, axis in file.space.items():
        with located(read, ("space", name)):
            model.canonical(name, "space")
            found[name] = drawn_of(axis)
    return {**found, **{name: ranges.derived(text) for name, text in file.derive.items()}}


def fitted_table(fit: Fit, found: xr.Dataset) -> Iterator[tuple[str, ...]]:
    """Header and rows of texts: each parameter, its best value, its range, and what the diagnosis says of it."""
    best = fit.best
    yield ("parameter", "best", "range", "")
    for name, marginal in fit.design.columns:
        low, high = marginal.support()
        row = found.sel(param=name)
        said = "at an end of its range" if int(row["at_bound"]) else "" if bool(row["matters"]) else "of no matter"
        unit = str(best[name].attrs.get("units", "1"))
        yield (
            f"{name} [{unit}]" if unit != "1" else name,
            f"{float(best[name]):.4g}",
            f"{low:.4g} to {high:.4g}",
            said,
        )


def score_table(scores: xr.Dataset) -> Iterator[tuple[str, ...]]:
    """Header and rows of texts: each sweep, whether it was held out, counts, Gamma, latency."""
    predictors = [str(p) for p in scores["predictor"].values]
    yield ("sweep", "", "recorded", *predictors, "gamma", "of the cell", "latency error [ms]")
    (dim,) = scores["recorded"].dims
    for k in range(scores.sizes[dim]):
        row = scores.isel({dim: k})
        name = str(row[dim].values) if dim in scores.coords else str(k)
        counts = [f"{float(c):.4g}" for c in row["count"].values]
        part = "held out" if bool(row["held_out"]) else ""
        written = [f"{float(row[n]):.2f}" for n in ("gamma", "ceiling", "latency_error")]
        yield (name, part, f"{float(row['recorded']):.4g}", *counts, *written)
