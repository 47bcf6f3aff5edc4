"""Indices of several outputs as one dataset, with what is to be said of points that failed."""

from __future__ import annotations

import json
import warnings
from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np
import xarray as xr

from sneuron import errors, labels
from sneuron.analysis.sensitivity import walk
from sneuron.analysis.sensitivity.estimators import Estimator, described
from sneuron.analysis.sensitivity.sobol import OTHER, PARAM
from sneuron.labels import Status

__all__ = [
    "MISSING",
    "OUTPUT",
    "SIZE",
    "Request",
    "analysed",
    "combined",
    "half_width",
    "outputs_of",
    "picked",
    "with_history",
]

OUTPUT, SIZE = "output", "n"
"""Dims: outputs that are single numbers, and how many points there were."""

MISSING = ("pairwise", "raise", "bounds")
"""What to do about points that failed."""

_SHORTEST = 8
_ALWAYS = (labels.STATUS, labels.FIRST_BAD)


class Request:
    """What is asked of an estimator.

    Parameters
    ----------
    estimator : Estimator
        The method.
    ci : float
        Coverage of intervals.
    missing : str
        One of `MISSING`.
    span : (float, float), optional
        Between which every output lies, for bounds.
    options : mapping
        Of the method.
    """

    def __init__(
        self, estimator: Estimator, ci: Any = 0.95, missing: str = "pairwise", span: Any = None,
        options: Mapping[str, Any] | None = None,
    ) -> None:  # fmt: skip
        where = "SensAnal"
        if isinstance(ci, bool) or not isinstance(ci, int | float) or not 0 < ci < 1:
            raise errors.ParameterError(where, f"ci = {ci!r} is no coverage", "between 0 and 1, such as 0.95")
        if missing not in MISSING:
            raise errors.unknown(where, "way with missing points", str(missing), MISSING)
        if missing == "bounds" and estimator.bounds is None:
            what = f"method {estimator.name!r} has no bounds for failed points"
            raise errors.ParameterError(where, what, "method='sobol'", mend="Or missing='pairwise'.")
        self.estimator, self.ci, self.missing = estimator, float(ci), missing
        self.span = _span(span, missing)
        self.options = dict(options or {})


def outputs_of(data: xr.Dataset, dims: Sequence[str], wanted: Any = None) -> list[str]:
    """The outputs to analyse: those named, or all numbers over the points but their status and, beside others, counts.

    Raises
    ------
    UnknownNameError, DataError
        A name that is no output; no output at all.
    """
    if not all(data.sizes[d] for d in dims):
        sizes = {d: data.sizes[d] for d in dims}
        raise errors.DataError("SensAnal", f"there are no points: {sizes}", "one at least along each dim")
    there = [str(n) for n, v in data.data_vars.items() if set(dims) <= set(v.dims) and v.dtype.kind in "fiub"]
    if wanted is not None:
        listed = [wanted] if isinstance(wanted, str) else [str(n) for n in wanted]
        for name in listed:
            if name not in there:
                raise errors.unknown("SensAnal", "output over these points", name, there)
        return list(dict.fromkeys(listed))
    found = [n for n in there if n not in _ALWAYS]
    found = [n for n in found if n != labels.SPIKE_COUNT] or found
    if not found:
        raise errors.DataError("SensAnal", f"no output has the dims {', '.join(dims)}", mend="Give a study's results.")
    return found


def analysed(
    data: xr.Dataset, names: Sequence[str], request: Request, held: dict[str, xr.Dataset] | None = None
) -> dict[str, xr.Dataset]:
    """Indices of each output.

    Parameters
    ----------
    data : Dataset
        All points so far.
    names : sequence of str
        Outputs.
    request : Request
        What is asked.
    held : dict, optional
        Sums of the first points by output, from an earlier call; they are used, and those of all points are put there.
    """
    found = {}
    for name in names:
        found[name] = described(_one(data, name, request, held), data[name].attrs)
    return found


def combined(found: Mapping[str, xr.Dataset]) -> xr.Dataset:
    """One dataset: of one output as it is; outputs that are numbers along `output`; others as `<output>_<variable>`."""
    if len(found) == 1:
        return next(iter(found.values()))
    alike = {n: d for n, d in found.items() if set(d.dims) <= {PARAM, OTHER, SIZE}}
    parts = []
    if alike:
        index = xr.Variable(OUTPUT, np.array(list(alike)))
        how: dict[str, Any] = {"join": "exact", "coords": "minimal", "compat": "override"}
        whole = xr.concat(list(alike.values()), index, data_vars="all", combine_attrs="drop_conflicts", **how)
        parts.append(whole.transpose(SIZE, PARAM, OTHER, OUTPUT, missing_dims="ignore"))
    for name, data in found.items():
        if name not in alike:
            own = {walk.CLASS: f"{name}_{walk.CLASS}"} if walk.CLASS in data.dims else {}
            parts.append(data.rename({**{v: f"{name}_{v}" for v in data.data_vars}, **own}))
    return xr.merge(parts, combine_attrs="drop_conflicts", join="exact", compat="no_conflicts")


def picked(data: xr.Dataset, name: str) -> xr.Dataset:
    """The indices of one output, as `SensAnal` gives them for that output alone: the inverse of `combined`.

    Raises
    ------
    UnknownNameError
        The result is not of that output.
    """
    if OUTPUT not in data.coords and json.loads(data.attrs.get("outputs_analysed", "[]")) == [name]:
        return data
    stem = f"{name}_"
    own = {str(v): str(v)[len(stem) :] for v in data.data_vars if str(v).startswith(stem)}
    along = [str(n) for n in np.atleast_1d(data[OUTPUT].values)] if OUTPUT in data.coords else []
    if name in along:
        plain = [v for v in data.data_vars if OUTPUT in data[v].dims]
        return data[plain].sel({OUTPUT: name}) if OUTPUT in data.dims else data
    if f"{stem}remark" not in data:
        others = [str(v).removesuffix("_remark") for v in data.data_vars if str(v).endswith("_remark")]
        raise errors.unknown("SensAnal", "output of this result", name, [*along, *others])
    found = data[list(own)].rename(own)
    return found.rename({f"{stem}{walk.CLASS}": walk.CLASS}) if f"{stem}{walk.CLASS}" in found.dims else found


def half_width(found: Mapping[str, xr.Dataset], estimator: Estimator) -> float:
    """The widest half of an interval among the variables that the method shows; NaN where there is none."""
    halves = [
        float(((d[f"{n}_high"] - d[f"{n}_low"]) / 2).max())
        for d in found.values()
        for n in (*estimator.shown, "S2")
        if f"{n}_low" in d
    ]
    return float(np.nanmax(halves)) if not np.isnan(halves).all() else np.nan


def with_history(
    data: xr.Dataset, names: Sequence[str], request: Request, dim: str, share: int
) -> dict[str, xr.Dataset]:
    """Indices of the first points at every doubling of their number, along the dim `n`; from where they are enough.

    Parameters
    ----------
    data, names, request :
        As for `analysed`.
    dim : str
        The dim along which the design grows.
    share : int
        How many of `n` lie at one place along it.
    """
    length = data.sizes[dim]
    sizes = [length >> k for k in range(length.bit_length()) if length >> k >= min(_SHORTEST, length)][::-1]
    held: dict[str, xr.Dataset] = {}
    told = {}
    for size in sizes:
        try:
            told[size] = analysed(data.isel({dim: slice(0, size)}), names, request, held)
        except errors.DataError:  # too few for this method
            if size == length:
                raise
    each = list(told.values())
    index = xr.Variable(SIZE, np.array(list(told)) * share, {"long_name": "points of the design", "units": "1"})
    how: dict[str, Any] = {"join": "exact", "coords": "minimal", "compat": "override", "data_vars": "all"}
    return {n: xr.concat([e[n] for e in each], index, combine_attrs="override", **how) for n in names}


def told_of_missing(data: xr.Dataset, found: Mapping[str, xr.Dataset], request: Request) -> dict[str, Any]:
    """Attributes that say how much is lacking; warns, or raises when `missing` says so."""
    lost = {n: (int(d["n_failed"].max()), int((d["n_failed"] + d["n_ok"]).max())) for n, d in found.items()}
    worst = max(lost, key=lambda n: lost[n][0])
    failed, total = lost[worst]
    if not failed:
        return {"complete": 1, "n_failed": 0}
    what = f"output {worst!r}: {failed:,} of {total:,} comparisons ({100 * failed / total:.2g} %) lack a value"
    what += f" ({_statuses(data) or 'no number came out'})"
    if request.missing == "raise":
        raise errors.DataError("SensAnal", what, mend="Mend the points, or ask for missing='pairwise' or 'bounds'.")
    how = "indices are of those that are complete"
    how += ", and bounds say what the others could change" if request.missing == "bounds" else ""
    warnings.warn(f"SensAnal: {what}; {how}.", errors.IncompleteWarning, stacklevel=5)
    return {"complete": 0, "n_failed": failed, "incomplete": f"{what}; {how}"}


def _one(data: xr.Dataset, name: str, request: Request, held: dict[str, xr.Dataset] | None) -> xr.Dataset:
    """Indices of one output, and bounds when they are asked for."""
    method = request.estimator
    if method.sums is None or method.tell is None:
        return method.estimate(data, name, request.ci, **request.options)
    before = None if held is None else held.get(name)
    first = walk.KINDS[method.kinds[0]][0]
    more = data if before is None else data.isel({first: slice(before.attrs["rows"], None)})
    sums = method.sums(more, name, before)
    if held is not None:
        held[name] = sums
    found = method.tell(sums, request.ci)
    if request.missing == "bounds" and method.bounds is not None:
        found = found.merge(method.bounds(data, name, sums, *request.span))
    return found


def _span(span: Any, missing: str) -> tuple[float | None, float | None]:
    """Least and greatest value of any output, where they are given."""
    if span is None:
        return None, None
    if missing != "bounds":
        raise errors.ParameterError("span", "is for missing='bounds' alone")
    try:
        low, high = (float(v) for v in span)
    except (TypeError, ValueError) as cause:
        raise errors.ParameterError("span", f"{span!r} is no pair of numbers", "(least, greatest)") from cause
    if not low < high:
        raise errors.ParameterError("span", f"{low} to {high}", "(least, greatest)")
    return low, high


def _statuses(data: xr.Dataset) -> str:
    """What became of the points, those that are not ok."""
    if labels.STATUS not in data:
        return ""
    status = data[labels.STATUS]
    counts = np.zeros(len(Status), np.int64)
    step = max(1, (1 << 24) * max(1, status.sizes[status.dims[0]]) // max(1, status.size)) if status.dims else 1
    for start in range(0, status.sizes[status.dims[0]] if status.dims else 1, step):
        part = status.isel({status.dims[0]: slice(start, start + step)}) if status.dims else status
        counts += np.bincount(np.asarray(part.values).ravel().astype(np.int64), minlength=len(Status))[: len(Status)]
    return ", ".join(f"{s.name.lower()} {counts[s]:,}" for s in Status if s != Status.OK and counts[s])
