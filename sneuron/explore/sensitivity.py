"""`SensAnal`: which parameters matter, with the design, the study and the estimator that this takes."""

from __future__ import annotations

import inspect
import json
import math
import warnings
from collections.abc import Callable, Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import Any

import numpy as np
import xarray as xr

from sneuron import errors, labels
from sneuron.analysis.sensitivity import results, walk
from sneuron.analysis.sensitivity.estimators import Estimator, estimators
from sneuron.analysis.sensitivity.results import Request
from sneuron.explore.cluster import Place
from sneuron.explore.comparisons import curves, nudges, pick_freeze, trajectories
from sneuron.explore.designs import Design
from sneuron.explore.growth import whole_space
from sneuron.explore.plan import Plan
from sneuron.explore.ranges import Derived, Samples, Zipped, sobol
from sneuron.explore.space import Space, is_one
from sneuron.explore.study import Study
from sneuron.store.places import checked_path

__all__ = ["DESIGNS", "SensAnal", "analysis_of", "check_growth", "design_of", "fitting"]

_WHERE, LOCAL = "SensAnal", "local"
_BY_KIND = {
    "pick_freeze": ("sobol",), "trajectories": ("morris",), "curves": ("efast",), "nudges": ("dgsm",),
    walk.CHANGE: ("local",), walk.GRID: ("anova",), walk.SAMPLE: ("first",),
}  # fmt: skip
"""The method that fits each kind of points best."""

_PLAN = tuple(n for n in inspect.signature(Plan.make).parameters if n not in ("ranges", "model", "outputs", "seed"))
_PLACE = ("client", "scheduler", "workers", "memory")
_STUDY = ("record_at", "convergence", "name", "block_seconds", "timeout", "progress")


@dataclass(frozen=True)
class _Way:
    """How a method comes by its points: the design, and how many when nothing is said."""

    make: Callable[..., Samples]
    usual: int


DESIGNS = {
    "sobol": _Way(pick_freeze, 4096),
    "morris": _Way(trajectories, 32),
    "efast": _Way(curves, 8 * 257),
    "dgsm": _Way(nudges, 1024),
    "first": _Way(sobol, 4096),
    "pawn": _Way(sobol, 4096),
    "delta": _Way(sobol, 4096),
    "pce": _Way(sobol, 1024),
}
"""Methods that can plan a study of their own."""


def SensAnal(
    what: Any,
    ranges: Any = None,
    *,
    method: str | None = None,
    outputs: Any = None,
    n: int | None = None,
    ci: float = 0.95,
    until: float | None = None,
    most: int = 2**20,
    missing: str = "pairwise",
    span: Any = None,
    history: bool = False,
    store: Any = None,
    seed: int = 0,
    **more: Any,
) -> xr.Dataset:
    """Which parameters an output depends on, how much, and how sure that is.

    With a model and ranges it makes a study of its own, which resumes and grows like any other. With a study, or a
    dataset of any origin, it uses the points that are there.

    Parameters
    ----------
    what : str, Model, dict, Neuron; Study; Dataset or DataArray
        A model (what `load_model` takes), a study, or results whose parameters are coordinates.
    ranges : mapping, or list of str
        For a model, parameter -> `(lo, hi)`, `log(lo, hi)`, a list (choice), a frozen distribution of scipy.stats; one
        number sets a parameter, `derived` makes one follow. For points that are there, names of the parameters to look
        at; all when omitted.
    method : str
        With a model: "sobol" (the default), "morris", "efast", "dgsm", "local", or one of the next four. With points
        that are there: "first", "pawn", "delta", "pce" for samples, "anova" for grids; when omitted, that which fits
        the points.
    outputs : mapping or list
        With a model as for `ParamSweep`; with points that are there, names of variables.
    n : int
        Size of the design: base samples ("sobol", "dgsm": of all replicates together), trajectories ("morris"), points
        for each parameter ("efast"), points. A study that is smaller grows to it.
    ci : float, default 0.95
        Coverage of the intervals.
    until : float
        Double `n` until no interval is wider than this to either side; no point is computed twice.
    most : int, default 2**20
        Where doubling ends, resolved or not.
    missing : {"pairwise", "raise", "bounds"}
        What to do about points that failed: leave out the comparisons that they are in, and say how many; refuse; or
        say also what they could change at most ("sobol").
    span : (float, float)
        Between which outputs lie, for the bounds; the observed extremes when omitted.
    history : bool, default False
        Indices at every doubling of the points, along the dim `n`.
    store : path
        Folder of the study.
    seed : int, default 0
        Key of the design, and of random numbers of the model.
    **more
        Options of the design (`replicates`, `order`, `groups`, `levels`, `candidates`, `nudge`, `harmonics`), of the
        method (`slices`, `degree`, `fit`, `norm`), and, for a model, whatever `ParamSweep` takes (`duration`, `dt`,
        `stimulus`, `record`, `client`, ...). For a study `n` and `until` make it grow.

    Returns
    -------
    Dataset
        Indices over `param` (and `other_param`) and the output's own dims, such as `time`: `S1`, `S1_low`, `S1_high`,
        `ST`, ... as the method says; `n_ok`, `n_failed`; `remark` (flags: "constant_output", "no_effect", ...). Several
        outputs that are numbers lie along `output`; others have variables of their own, `<output>_S1`. An output that
        is a flag gets an index for each flag, along `class`. attrs: `method`, `design`, `complete`, and all of the
        study's.

    Raises
    ------
    SneuronError
        For whatever cannot be, before any work: unknown parameters, too few points, groups that overlap, distributions
        without ends where a method needs them, options that the method does not take.

    Warns
    -----
    IncompleteWarning
        Points that failed are left out; `until` was not reached.

    Notes
    -----
    Each method's equations and sources: docs/sensitivity.md, and the functions in `sneuron.analysis.sensitivity`.

    Examples
    --------
    >>> found = SensAnal(
    ...     "lif",
    ...     {"gL": (20, 30), "t_ref": (1, 4), "I": (450, 600)},
    ...     outputs={"rate": "spike_count"},
    ...     duration=200,
    ...     n=256,
    ... )
    >>> found.S1.dims, bool(found.ST.sel(param="I") > found.ST.sel(param="t_ref"))
    (('param',), True)
    """
    asked = {"missing": missing, "ci": ci, "span": span}
    if isinstance(what, xr.DataArray):
        what = what.to_dataset(name="output" if what.name is None else str(what.name))
    if isinstance(what, xr.Dataset | Study):
        _refuse_late(what, n, until, store, seed)
        return _of_points(what, ranges, method, outputs, n, until, most, history, asked, more)
    name = "sobol" if method is None else str(method)
    if name == LOCAL:
        from sneuron.explore.local import local_analysis

        _refuse(name, n=n, until=until, history=history or None, span=span)
        return local_analysis(what, ranges, outputs, store, seed, ci, missing, more)
    if name not in DESIGNS:
        raise errors.unknown(_WHERE, "method that plans its own study", name, [*DESIGNS, LOCAL])
    estimator = estimators[name]
    check_growth(estimator, until, most)
    design, own, sweep = _sorted(estimator, more)
    request = Request(estimator, **asked, options=own)

    def plan(size: int | None) -> Plan:
        return planned(what, ranges, design_of(name, size), outputs, seed, design, sweep)

    study = _study(plan, store, n, sweep)
    return analysis_of(study, request, None, until, most, history)


def analysis_of(
    study: Study, request: Request, names: Any = None, until: float | None = None, most: int = 2**20,
    history: bool = False, params: Any = None,
) -> xr.Dataset:  # fmt: skip
    """Run a study, grow it until its indices are as sure as wanted, and tell them.

    Parameters
    ----------
    study : Study
        Its points may be there or not.
    request : Request
        The method and how.
    names : list of str, optional
        Outputs; all when omitted.
    until, most, history :
        As for `SensAnal`.
    params : list of str, optional
        Parameters, for methods that take any sample.
    """
    study.run()
    held: dict[str, xr.Dataset] = {}
    while True:
        data = study.data
        wanted = _outputs(data, request.estimator, names, params, study.plan)
        found = results.analysed(data, wanted, request, held)
        half = results.half_width(found, request.estimator)
        if until is None or half <= until:
            break
        size = _size(study)
        if np.isnan(half) or 2 * size > most:
            text = f"intervals are {half:.3g} to either side at n = {size:,}, and not {until:g}; `most` is {most:,}"
            text = f"no index has an interval at n = {size:,}: see `remark`" if np.isnan(half) else text
            warnings.warn(f"SensAnal: {text}.", errors.IncompleteWarning, stacklevel=3)
            break
        study.extend(n=2 * size)
    about = (
        {"half_width": half} if _design(whole_space(study.folder)) is None else {"n": _size(study), "half_width": half}
    )
    return _told(data, found, request, wanted, history, about)


def design_of(method: str, n: int | None) -> Callable[..., Samples]:
    """The design of a method, as a function of parameters, seed and options."""
    way = DESIGNS[method]
    return partial(way.make, way.usual if n is None else n)


def planned(
    model: Any, given: Any, make: Callable[..., Samples], outputs: Any, seed: int, design: Mapping[str, Any],
    sweep: Mapping[str, Any],
) -> Plan:  # fmt: skip
    """The plan of a design over the ranges that are drawn; other ranges set parameters, or make them follow."""
    if not isinstance(given, Mapping) or not given:
        mend = "Write SensAnal(model, {'gNa': (80, 160), 'gK': (20, 50)}, ...)."
        raise errors.ParameterError(_WHERE, f"ranges = {given!r:.60} name no parameters", mend=mend)
    if sweep.get("duration") is None:
        raise errors.ParameterError(_WHERE, "nothing says how long each point runs", mend="Give duration=...")
    still = {n: w for n, w in given.items() if isinstance(w, Derived | Zipped) or is_one(w)}
    drawn = {n: w for n, w in given.items() if n not in still}
    if not drawn:
        raise errors.ParameterError(_WHERE, "every parameter has one value only", mend="Write {'gNa': (80, 160)}.")
    parts = [make(drawn, seed=seed, **design), *([still] if still else [])]
    return Plan.make(parts, model, outputs=outputs, seed=seed, **{k: v for k, v in sweep.items() if k in _PLAN})


def _of_points(
    what: Any, params: Any, method: str | None, outputs: Any, n: int | None, until: float | None, most: int,
    history: bool, asked: Mapping[str, Any], more: Mapping[str, Any],
) -> xr.Dataset:  # fmt: skip
    """Analyse points that are there; a study may be made to grow."""
    if isinstance(params, Mapping):
        text = "ranges say what is to be computed, and these points are there already"
        raise errors.ParameterError(_WHERE, text, mend="Name the parameters to look at: ['gNa', 'gK'].")
    data = what.data if isinstance(what, Study) else what
    estimator = fitting(walk.kind_of(data), method)
    check_growth(estimator, until, most)
    options = dict(more)
    if params is not None:
        if "params" not in estimator.options:
            raise errors.ParameterError(_WHERE, f"method {estimator.name!r} takes all parameters of its design")
        options["params"] = walk.parameters(data, params)
    for option in options:
        if option not in estimator.options:
            known = [o for o in estimator.options if o != "params"]
            raise errors.unknown(
                _WHERE, f"option of method {estimator.name!r} for points that are there", option, known
            )
    request = Request(estimator, **asked, options=options)
    if isinstance(what, Study):
        size = 0 if n is None and until is None else _size(what)
        if n is not None and n > size:
            what.extend(n=n)
        return analysis_of(what, request, outputs, until, most, history, params)
    names = _outputs(data, estimator, outputs, params)
    return _told(data, results.analysed(data, names, request), request, names, history, {})


def _told(
    data: xr.Dataset, found: dict[str, xr.Dataset], request: Request, names: Sequence[str], history: bool,
    about: Mapping[str, Any],
) -> xr.Dataset:  # fmt: skip
    """The result, with its history when it is wanted, and attributes that say where it is from."""
    kind = walk.kind_of(data)
    dims = _dims(data, request)
    told = results.told_of_missing(data, found, request)
    if history:
        if kind == walk.GRID:
            raise errors.ParameterError(_WHERE, "a grid has no history: its points have no order")
        share = {"pick_freeze": labels.REPLICATE, "nudges": labels.REPLICATE, "curves": labels.ROW}.get(kind)
        found = results.with_history(data, names, request, dims[0], data.sizes[share] if share else 1)
    design = {"kind": kind, **{d: data.sizes[d] for d in dims}, **_planned_design(data.attrs), **about}
    attrs = {
        **{str(k): v for k, v in data.attrs.items() if k not in ("title", "space")},
        "title": f"sensitivity of {', '.join(names)}", "outputs_analysed": json.dumps(list(names)),
        "method": request.estimator.name, "ci": request.ci,
        "missing": request.missing, "design": json.dumps(design), **told,
        "evaluations": math.prod(data.sizes[d] for d in dims),
    }  # fmt: skip
    return results.combined(found).assign_attrs(attrs)


def _dims(data: xr.Dataset, request: Request) -> tuple[str, ...]:
    """The dims of the points."""
    kind = walk.kind_of(data)
    if kind == walk.CHANGE:
        return (walk.CHANGE,)
    return walk.KINDS.get(kind) or walk.dims_of(data, walk.parameters(data, request.options.get("params")))


def _planned_design(attrs: Mapping[Any, Any]) -> dict[str, Any]:
    """What the plan says of the design, without its parameters."""
    axes = json.loads(attrs["space"])["axes"] if "space" in attrs else []
    found: dict[str, Any] = next((axis["design"] for axis in axes if "design" in axis), {})
    own = {k: v for k, v in found.items() if k in ("kind", "seed")} | found.get("options", {})
    return {k: v for k, v in own.items() if k != "chosen"} | ({"design": own["kind"]} if "kind" in own else {})


def _outputs(data: xr.Dataset, estimator: Estimator, wanted: Any, params: Any, plan: Plan | None = None) -> list[str]:
    """Which outputs are analysed; of a study those that it was asked for."""
    kind = walk.kind_of(data)
    dims = walk.KINDS.get(kind) or walk.dims_of(data, walk.parameters(data, params))
    names = results.outputs_of(data, dims, wanted)
    counted = plan is not None and any(o.name == labels.SPIKE_COUNT for o in plan.outputs)
    return [*names, labels.SPIKE_COUNT] if wanted is None and counted and labels.SPIKE_COUNT not in names else names


def fitting(kind: str, method: str | None = None) -> Estimator:
    """The estimator for points of a kind (see `walk.kind_of`): the one asked for, or that which fits them."""
    if kind == walk.REFINED:
        what = "a study that refines its grid has its points along boundaries: they are no sample of the space"
        raise errors.DataError(_WHERE, what, mend="Give the map: SensAnal(study.filled(), outputs=...).")
    possible = [n for n in estimators if kind in estimators[n].kinds]
    if method is None:
        return estimators[next(n for n in _BY_KIND[kind] if n in possible)]
    if method not in estimators:
        raise errors.unknown(_WHERE, "method", str(method), list(estimators))
    if method not in possible:
        what = f"method {method!r} needs other points than these, which are a {kind.replace('_', '-')} design"
        raise errors.DataError(_WHERE, what, possible, mend="Give it a model and ranges: it plans its own.")
    return estimators[method]


def _sorted(estimator: Estimator, more: Mapping[str, Any]) -> tuple[dict[str, Any], dict[str, Any], dict[str, Any]]:
    """Options of the design, of the estimator, of the sweep; whatever is none of them is refused."""
    make = DESIGNS[estimator.name].make
    design = [p for p in inspect.signature(make).parameters if p not in ("n", "params", "seed")]
    own = [o for o in estimator.options if o != "params"]
    known = [*design, *own, *_PLAN, *_PLACE, *_STUDY]
    for name in more:
        if name not in known:
            raise errors.unknown(_WHERE, f"argument of method {estimator.name!r}", name, known)
    parts = ({k: v for k, v in more.items() if k in names} for names in (design, own, [*_PLAN, *_PLACE, *_STUDY]))
    return next(parts), next(parts), next(parts)


def _study(make: Callable[[int | None], Plan], store: Any, n: int | None, sweep: Mapping[str, Any]) -> Study:
    """The study of a plan of `n` points; one that is there with fewer points, or more, is that study."""
    plan = make(n)
    place = Place(**{k: v for k, v in sweep.items() if k in _PLACE})
    own = {k: v for k, v in sweep.items() if k in _STUDY}
    there = store is not None and (Path(checked_path(store, "store")) / "study.json").exists()
    begun = _design(Study.open(store).plan.space) if there else None
    if begun is not None:
        with suppress(errors.ParameterError):  # a study with other options: `create` tells
            plan = make(begun.size * begun.share)
    study = Study.create(plan, store, place=place, measure=True, **own)
    if there and n is not None and n > _size(study):
        study.extend(n=n)
    return study


def _design(space: Space) -> Design | None:
    return next((a for a in space.axes if isinstance(a, Design)), None)


def _size(study: Study) -> int:
    """How many points the design of a study has, as `n` counts them."""
    found = _design(whole_space(study.folder))
    if found is None:
        raise errors.ParameterError(_WHERE, "a study without a design does not grow by n or until")
    return (found.start + found.size) * found.share


def check_growth(estimator: Estimator, until: Any, most: Any) -> None:
    if isinstance(most, bool) or not isinstance(most, int | np.integer) or most < 1:
        raise errors.ParameterError(_WHERE, f"most = {most!r}", "a number of points")
    if until is None:
        return
    if isinstance(until, bool) or not isinstance(until, int | float) or not 0 < until < 1:
        raise errors.ParameterError(_WHERE, f"until = {until!r} is no half-width of an index", "between 0 and 1")
    if not estimator.shares:
        shares = [n for n in estimators if estimators[n].shares and n in DESIGNS]
        what = f"the results of method {estimator.name!r} are no shares, so that no width is the right one"
        raise errors.ParameterError(_WHERE, what, shares, mend="Leave until out, and give n.")


def _refuse_late(what: Any, n: Any, until: Any, store: Any, seed: Any) -> None:
    """What only makes sense for points that are to be computed."""
    if store is not None or seed != 0:
        raise errors.ParameterError(
            _WHERE, "store and seed are for studies that are to be made", mend="Leave them out."
        )
    if isinstance(what, xr.Dataset) and (n is not None or until is not None):
        mend = "Give the study, Study.open(...), instead of its data."
        raise errors.ParameterError(_WHERE, "n and until make a study grow, and a dataset does not", mend=mend)


def _refuse(method: str, **given: Any) -> None:
    for name, value in given.items():
        if value is not None:
            raise errors.ParameterError(_WHERE, f"{name} means nothing for method {method!r}", mend="Leave it out.")
