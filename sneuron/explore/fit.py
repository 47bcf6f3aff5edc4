"""`FitModel`: from recorded data and ranges to the models that behave like the data, by a study of their runs."""

from __future__ import annotations

import os
from collections.abc import Mapping, Sequence
from dataclasses import replace
from typing import Any

import numpy as np
import xarray as xr

from sneuron import errors, labels
from sneuron.explore.asked import ASKED, columns_of
from sneuron.explore.cells import CURRENT, VOLTAGE, cell_of, chosen, parted
from sneuron.explore.cluster import Place
from sneuron.explore.designs import Design
from sneuron.explore.encode import encode
from sneuron.explore.fitted import Fit
from sneuron.explore.objectives import Term, terms_of
from sneuron.explore.optimisers.base import Method, Setting, methods
from sneuron.explore.outputs import outputs_of
from sneuron.explore.plan import Plan
from sneuron.explore.ranges import Derived, Range, checked_seed, random
from sneuron.explore.search import MISFIT, ROOM, Search, laid_out
from sneuron.explore.space import Space
from sneuron.labels import TIME

__all__ = ["FitModel"]

_WHERE = "FitModel"
_STARTS, _BATCH = 4, 256
_LEAST_SHARE = 4


def FitModel(
    data: Any,
    model: Any,
    ranges: Mapping[str, Any],
    *,
    objective: Any = None,
    method: str = "cma",
    train: Any = None,
    test: Any = None,
    budget: int = 10_000,
    batch: int | None = None,
    starts: int | None = None,
    target: float | None = None,
    seed: int = 0,
    options: Mapping[str, Any] | None = None,
    stimulus: Any = None,
    duration: Any = None,
    settle: Any = 0,
    dt: Any = None,
    integrator: str | None = None,
    dtype: str = "float64",
    where: str | None = None,
    store: str | os.PathLike[str] | None = None,
    client: Any = None,
    scheduler: str | None = None,
    workers: int | None = None,
    memory: str | int | None = None,
    timeout: float | None = None,
    progress: bool | None = None,
    name: str | None = None,
) -> Fit:
    r"""Find the parameters with which a model behaves like recorded data.

    Every evaluation is a point of a study: it is kept with its results, never computed twice, and can be looked at
    while the search goes on (`Study.open`). The same call again goes on where it was; a larger `budget` goes further.

    Parameters
    ----------
    data : path, Dataset, mapping of DataArrays, or None
        `current` (..., time), with `voltage` (..., time, in mV) or `spike_time` (..., spike, in ms): see `cell_of`.
        None when the objective says all that is wanted.
    model : str, Model, dict or Neuron
        What `load_model` takes.
    ranges : mapping
        Parameter -> `(lo, hi)`, `log(lo, hi)`, or a distribution of scipy.stats: searched; a number: fixed;
        `derived(text)`: follows from others.
    objective : str, mapping or list of them
        What is made small: "gamma" (when there are spikes), "gamma_data" (with the convention of brian2modelfitting),
        "counts", "rate", "latency", "van_rossum", "victor_purpura", "trace_error" (when there are none); a measure or
        feature and its goal (`{"FireRate": 12.0}`); or name -> dict with `measure` or `feature`, options, `goal`,
        `sd`, `weight`, `norm`, `missing`. Several are added, or kept apart by method "nsga2".
    method : str, default "cma"
        "cma", "de", "nsga2", "gradient", "abc", "npe", "sobol", "random", "optuna".
    train, test : int or list of int
        Numbers of the sweeps that are fitted, and of those that are held out and only predicted.
    budget : int, default 10000
        Evaluations at most, rounded up to whole batches.
    batch : int
        Evaluations at a time; 256 when omitted.
    starts : int
        Searches that go on side by side and share a batch; 4 when omitted.
    target : float
        Stop when the loss is no larger.
    seed : int, default 0
        Key of all random numbers.
    options : mapping
        What else the method takes.
    stimulus : as `InjCur` takes it
        What is injected; the recorded current when omitted.
    duration, settle : number or text, ms
        How long each run is looked at, and how long it runs before; the length of the recording, and 0.
    dt, integrator, dtype, where :
        Step, method of integration, precision and condition, as in `ParamSweep`.
    store : path
        Folder of the study; a temporary one when omitted.
    client, scheduler, workers, memory, timeout, progress, name :
        As in `ParamSweep`.

    Returns
    -------
    Fit
        `best`, `front`, `evals`, `predict()`, `scores()`, `diagnostics()`, `region()`, `model`.

    Raises
    ------
    SneuronError
        For whatever cannot be, before any work.

    Notes
    -----
    Several sweeps of a recording are one stimulus with a dim: a candidate is one point of the study. The loss of a
    term is :math:`w \langle |x - x^*|/\sigma \rangle` over sweeps; a run that fails has an infinite loss.

    Examples
    --------
    >>> from sneuron.core.stimulus import step
    >>> aim = {"FireRate": 40.0}
    >>> fit = FitModel(None, "lif", {"I": (200, 600)}, objective=aim, duration=500, budget=512, batch=64, target=1e-6)
    >>> round(float(fit.best.FireRate), 6)
    40.0
    """
    call = {k: v for k, v in locals().items() if k != "data"}
    if method not in methods:
        raise errors.unknown(f"{_WHERE}: method", "method", str(method), list(methods))
    way = methods[method]
    cell = None if data is None else cell_of(data)
    if cell is None and (train is not None or test is not None):
        raise errors.DataError(
            f"{_WHERE}: train", "there is no recording whose sweeps it could number", mend="Give data."
        )
    used, held = ([], []) if cell is None else parted(cell, train, test)
    fitted = None if cell is None else chosen(cell, used)
    first = _batches(way, budget, batch, starts)
    share, many = first
    plan, terms = _planned(
        way, fitted, model, ranges, objective, {**way.options, **(options or {})}, ROOM * -(-budget // share) * share,
        stimulus=_shared(stimulus, cell, used), duration=duration, settle=settle, dt=dt, method=integrator, dtype=dtype,
        where=where,
    )  # fmt: skip
    setting = Setting(len(plan.space.axes[0].names), share, many, checked_seed(seed, "seed"), dict(options or {}))
    way.optimiser(setting)
    spec = {
        "method": method, "batch": share, "starts": many, "seed": setting.seed,
        "options": encode(dict(options or {}), "options"), "terms": {t.name: t.to_json() for t in terms},
    }  # fmt: skip
    place = Place(client, scheduler, workers, memory)
    study = laid_out(plan, spec, share, store, name, place, timeout=timeout, progress=progress)
    search = Search(study, way, setting, terms)
    search.run(-(-budget // share), target)
    from sneuron.lang.model import load_model

    return Fit(search, load_model(model), cell, (used, held), call)


def _batches(way: Method, budget: Any, batch: Any, starts: Any) -> tuple[int, int]:
    """Points of a batch, and searches that share it."""
    many = (_STARTS if way.apart else 1) if starts is None else starts
    size = _BATCH if batch is None else batch
    for label, number in (("budget", budget), ("batch", size), ("starts", many)):
        if isinstance(number, bool) or not isinstance(number, int | np.integer) or number < 1:
            raise errors.ParameterError(f"{_WHERE}: {label}", f"{number!r} is no number of points", "from 1")
    if many > 1 and not way.apart:
        raise errors.ParameterError(f"{_WHERE}: starts", f"method {way.name!r} is one search", mend="Leave it out.")
    least = 1 if way.slopes or way.prior else _LEAST_SHARE
    if size % many or size // many < least:
        what = f"{many} searches cannot share {size} points equally, with {least} or more for each"
        raise errors.ParameterError(f"{_WHERE}: batch", what, mend=f"Give batch={many * max(least, 16)}.")
    return int(size), int(many)


def _planned(
    way: Method, cell: xr.Dataset | None, model: Any, ranges: Any, objective: Any, options: dict[str, Any],
    capacity: int, **how: Any,
) -> tuple[Plan, tuple[Term, ...]]:  # fmt: skip
    """The plan of a study of so many points, and what is made small."""
    if objective is None:
        if cell is None:
            raise errors.DataError(_WHERE, "there is neither data nor objective", mend="Give one of them.")
        objective = "trace_error" if way.slopes or not float(cell[labels.SPIKE_COUNT].max()) else "gamma"
    if cell is not None and how["duration"] is None:
        how["duration"] = cell.attrs["t_stop"]
    if how["duration"] is None:
        raise errors.TimeError(f"{_WHERE}: duration", "how long a run lasts is not said", mend="Give duration, in ms.")
    if how["stimulus"] is None and cell is not None and CURRENT in cell:
        from sneuron.core.stimulus import replay

        how["stimulus"] = replay(cell[CURRENT])
    asked, rest = _split(ranges)
    terms: tuple[Term, ...] = ()
    if way.slopes:
        model, how, outputs = _by_slopes(model, list(asked), cell, objective, options, how)
    else:
        terms = terms_of(objective, cell)
        outputs = {t.name: t.output for t in terms}
    plan = Plan.make(
        [rest, random(capacity, asked)] if rest else random(capacity, asked), model, outputs=outputs,
        every=_every(outputs, cell, model, how["dt"]), **how,
    )  # fmt: skip
    plan = replace(plan, space=_asked(plan.space))
    _check_plan(way, plan, terms, cell)
    return plan, terms


def _split(ranges: Any) -> tuple[dict[str, Any], dict[str, Any]]:
    """What is searched, and what is fixed or follows."""
    if not isinstance(ranges, Mapping) or not ranges:
        raise errors.ParameterError(f"{_WHERE}: ranges", "no parameters are given", mend="Write {'gNa': (80, 160)}.")
    asked: dict[str, Any] = {}
    rest: dict[str, Any] = {}
    for name, what in ranges.items():
        drawn = (isinstance(what, Range) and not what.size) or (hasattr(what, "dist") and hasattr(what, "ppf"))
        pair = isinstance(what, tuple | list) and len(what) == 2
        if not (drawn or pair or isinstance(what, int | float | np.number | str | Derived)):
            possible = "(lo, hi), log(lo, hi), a distribution, a number, derived(text)"
            raise errors.ParameterError(name, "listed values are no range to search", possible, mend="Write (lo, hi).")
        (asked if drawn or pair else rest)[name] = tuple(what) if pair else what
    if not asked:
        raise errors.ParameterError(f"{_WHERE}: ranges", "nothing is searched", mend="Write {'gNa': (80, 160)}.")
    return asked, rest


def _asked(space: Space) -> Space:
    """The space with points that are asked for."""
    axes = tuple(replace(a, kind=ASKED, seed=0) if isinstance(a, Design) else a for a in space.axes)
    return replace(space, axes=axes)


def _check_plan(way: Method, plan: Plan, terms: Sequence[Term], cell: xr.Dataset | None) -> None:
    """What must hold before anything runs: ends of ranges, outputs that are there, with dims that go together."""
    (axis,) = plan.space.axes
    assert isinstance(axis, Design)
    follow = columns_of(plan.space)[len(axis.names) :]
    if way.slopes and follow:
        what = f"it follows from what is searched, and method {way.name!r} knows no derivative by way of it"
        raise errors.ParameterError(follow[0], what, "a number, a range", mend="Or use another method, such as 'cma'.")
    for name, marginal in axis.columns:
        if not way.prior and not all(np.isfinite(marginal.support())):
            raise errors.ParameterError(
                name, f"a {marginal.kind} distribution has no ends, and method {way.name!r} needs bounds",
                "(lo, hi), log(lo, hi), a distribution on an interval", mend="Or use method 'abc', which samples it.",
            )  # fmt: skip
    layout = plan.machine.layout(plan)
    made = layout.variables
    sweeps = made[labels.SPIKE_COUNT][0] if cell is None else tuple(map(str, cell[labels.SPIKE_COUNT].dims))
    stray = sorted({*made[labels.SPIKE_COUNT][0]} - {*sweeps})
    if stray:
        what = f"it has the dims {stray}, which the recording lacks"
        raise errors.DataError(f"{_WHERE}: stimulus", what, sweeps or "none", mend="Give both the same dim of sweeps.")
    for term in terms:
        if term.stored not in made:
            stem = f"{term.name}_"
            names = [n.removeprefix(stem) for n in made if n.startswith(stem)]
            raise errors.unknown(f"{_WHERE}: objective {term.name!r}", "variable", term.variable or "none", names)
        if isinstance(term.goal, str):
            term.flag_of(made[term.stored][2])
        own = {d: layout.sizes[d] for d in made[term.stored][0]}
        for key, given in (("goal", term.goal), ("sd", term.sd)):
            sizes = dict(given.sizes) if isinstance(given, xr.DataArray) else {}
            if not sizes.items() <= own.items():
                what = f"the {key} has dims {sizes}, the output {own}"
                raise errors.DataError(f"{_WHERE}: objective {term.name!r}", what, mend="Give both the same dims.")


def _shared(stimulus: Any, cell: xr.Dataset | None, used: Sequence[int]) -> Any:
    """A stimulus of all sweeps, cut to those that are fitted."""
    if cell is None or not used:
        return stimulus
    (dim,) = cell[labels.SPIKE_COUNT].dims
    listed = stimulus if isinstance(stimulus, list | tuple) else [stimulus]
    cut = [s.isel({dim: list(used)}) if dim in getattr(s, "dims", ()) else s for s in listed]
    return cut if isinstance(stimulus, list | tuple) else cut[0]


def _by_slopes(
    model: Any, names: list[str], cell: xr.Dataset | None, objective: Any, options: dict[str, Any], how: dict[str, Any]
) -> tuple[Any, dict[str, Any], dict[str, Any]]:
    """The model with its sensitivities, and the output that tells loss and derivatives."""
    from sneuron.explore.nudging import nudged
    from sneuron.lang.model import load_model
    from sneuron.lang.sensitivity import sensitivities

    if objective != "trace_error":
        raise errors.ParameterError(
            f"{_WHERE}: objective", f"{objective!r} has no derivatives", "'trace_error'", mend="Or use another method."
        )
    if cell is None or VOLTAGE not in cell:
        raise errors.DataError(_WHERE, "there is no recorded voltage", mend="Give data with voltage.")
    found = load_model(model)
    own = [found.canonical(n, _WHERE) for n in names]
    pull, sd = options["nudge"], labels.number(options["sd"], "mV", f"{_WHERE}: option 'sd'")
    if not sd > 0:
        raise errors.ParameterError(f"{_WHERE}: option 'sd'", f"{sd:g} mV", "numbers above 0, in mV")
    if pull:
        step = found.dt if how["dt"] is None else labels.number(how["dt"], "ms", "dt")
        found, more = nudged(found, cell[VOLTAGE], pull, step)
        given = how["stimulus"]
        how = {**how, "stimulus": [*(given if isinstance(given, list) else [given] if given is not None else []), more]}
    misfit = {
        "function": "sneuron.explore.residuals:misfit", "reference": cell[VOLTAGE].drop_attrs(), "wrt": own,
        "sd": sd,
    }  # fmt: skip
    return sensitivities(found, own), how, {MISFIT: misfit}


def _every(outputs: Mapping[str, Any], cell: xr.Dataset | None, model: Any, dt: Any) -> int:
    """Steps between recorded samples, where outputs look at traces: as far apart as those of the recording."""
    if cell is None or TIME not in cell or not any(o.traces for o in outputs_of(outputs)):
        return 1
    from sneuron.lang.model import load_model

    step = load_model(model).dt if dt is None else labels.number(dt, "ms", "dt")
    gap = float(cell[TIME][1] - cell[TIME][0])
    every = max(1, round(gap / step))
    if abs(every * step - gap) > 1e-6 * gap:
        what = f"a step of {step:g} ms does not divide the {gap:g} ms between samples of the recording"
        raise errors.TimeError(f"{_WHERE}: dt", what, mend=f"Give dt={gap / max(1, round(gap / step)):g}.")
    return every
