"""How outputs change about one point: small differences of a study's outputs, exact derivatives of recorded states."""

from __future__ import annotations

import inspect
import json
import math
from collections.abc import Mapping
from typing import Any

import numpy as np
import xarray as xr

from sneuron import errors, labels
from sneuron.analysis.sensitivity import results
from sneuron.analysis.sensitivity.estimators import described, estimators
from sneuron.analysis.sensitivity.intervals import Remark, remark_attrs
from sneuron.analysis.sensitivity.results import Request
from sneuron.analysis.sensitivity.sobol import PARAM
from sneuron.analysis.sensitivity.walk import CHANGE
from sneuron.explore.engine import engine_named
from sneuron.explore.plan import ENGINE, NETWORKS, simulated
from sneuron.explore.space import Known
from sneuron.explore.sweep import ParamSweep
from sneuron.labels import Status

__all__ = ["local_analysis"]

_WHERE = "SensAnal"
_NUDGE = 1e-3
_RUN = ("dt", "dtype", "every", "allow_unstable")
"""What a run of states and derivatives takes besides how long it is and its stimulus."""
_OWN = ("ranges", "model", "method", "outputs", "store", "seed", "wait", "refine")
"""Arguments of a sweep that have another place here, or none."""
_SWEEP = ("settle", "rtol", "atol", "engine")
"""What such a run does not take, and would give other numbers beside it."""


def local_analysis(
    model: Any, given: Any, outputs: Any, store: Any, seed: int, ci: float, missing: str, more: Mapping[str, Any]
) -> xr.Dataset:
    """Derivatives by parameters at one point; see `SensAnal` (method "local").

    Parameters
    ----------
    model : str, Model, dict, Neuron; Network
        What `load_model` takes, or what can only be a network; None beside `network`.
    given : list of str, or mapping of str to number or text
        Parameters, at the model's own values or at these.
    outputs, store, seed, ci, missing :
        As for `SensAnal`. Outputs are differenced: their points are a study with the dim `change`.
    more : mapping
        `nudge` (relative, 0.001) and what `ParamSweep` takes. States in `record` are integrated together with their
        derivatives (see `sensitivities`).
    """
    _check_taken(more, outputs, store, seed)
    sweep = dict(more)
    nudge = _checked_nudge(sweep.pop("nudge", _NUDGE))
    if sweep.get("duration") is None:
        raise errors.ParameterError(_WHERE, "nothing says how long each point runs", mend="Give duration=...")
    request = Request(estimators["local"], ci, missing)
    subject, engine = simulated(model, sweep.get("network"), sweep.get("engine", ENGINE))
    known = engine_named(engine).facts(subject).known
    values = _values(given, known)
    record = tuple(sweep.pop("record", ()))
    if record and engine == NETWORKS:
        raise errors.ParameterError(_WHERE, "networks have no derivatives of states", mend="Leave out record.")
    found: dict[str, xr.Dataset] = {}
    attrs: dict[Any, Any] = {}
    data = xr.Dataset()
    if outputs is not None or not record:
        changed = _changed(values, known, nudge)
        data = ParamSweep(changed, model, outputs=outputs, store=store, seed=seed, **sweep)
        found = results.analysed(data, results.outputs_of(data, (CHANGE,)), request)
        found = {name: one.sel({PARAM: list(values)}) for name, one in found.items()}
        attrs = {str(k): v for k, v in data.attrs.items() if k != "space"}
    if record:
        exact, run = _exact(model, values, record, sweep)
        found, data = found | exact, data if data.data_vars else run
    attrs |= results.told_of_missing(data, found, request)
    design = {"kind": "local", "at": values, "nudge": nudge}
    own = {"method": "local", "design": json.dumps(design), "title": f"local sensitivity of {', '.join(found)}"}
    own |= {"missing": missing, "outputs_analysed": json.dumps(list(found))}
    return results.combined(found).assign_attrs({**attrs, **own})


def _check_taken(more: Mapping[str, Any], outputs: Any, store: Any, seed: int) -> None:
    """Nothing is given that would be ignored."""
    alone = outputs is None and bool(more.get("record"))
    own = ["duration", "stimulus", "record", *_RUN]
    sweep = ["nudge", *(n for n in inspect.signature(ParamSweep).parameters if n not in _OWN)]
    known = own if alone else [n for n in sweep if n not in (_SWEEP if more.get("record") else ())]
    for name in more:
        if name not in known:
            what = f"argument of method 'local'{' for recorded states' if more.get('record') else ''}"
            raise errors.unknown(_WHERE, what, name, known)
    if alone and (store is not None or seed != 0):
        what = "store and seed are for studies, and derivatives of recorded states are one run"
        raise errors.ParameterError(_WHERE, what, mend="Leave them out, or ask for outputs.")


def _checked_nudge(nudge: Any) -> float:
    if isinstance(nudge, bool) or not isinstance(nudge, int | float) or not 0 < nudge <= 0.5:
        raise errors.ParameterError(_WHERE, f"nudge = {nudge!r} is no relative change", "above 0, up to 0.5")
    return float(nudge)


def _values(given: Any, known: Known) -> dict[str, float]:
    """The point: parameters by canonical name, in their units."""
    if isinstance(given, str) or not given:
        mend = "Write SensAnal(model, ['gNa', 'gK'], method='local', ...), or {'gNa': 120}."
        raise errors.ParameterError(_WHERE, f"{given!r:.60} names no parameters", mend=mend)
    found = {}
    for name in given:
        own = known.canonical(name, _WHERE)
        param = known.params[own]
        value = labels.number(given[name], param.unit, own) if isinstance(given, Mapping) else param.value
        if not math.isfinite(value):
            raise errors.ParameterError(own, "has no value of its own", mend=f"Write {{{own!r}: ...}}.")
        found[own] = float(value)
    return found


def _changed(values: Mapping[str, float], known: Known, nudge: float) -> dict[str, xr.DataArray]:
    """The point, then for each parameter a little less and a little more of it."""
    found = {}
    for k, (name, value) in enumerate(values.items()):
        column = np.full(1 + 2 * len(values), value)
        step = nudge * (abs(value) or 1.0)
        column[1 + 2 * k : 3 + 2 * k] = value - step, value + step
        found[name] = xr.DataArray(column, dims=CHANGE, attrs={"units": known.params[name].unit})
    return found


def _exact(
    model: Any, values: Mapping[str, float], record: tuple[str, ...], sweep: Mapping[str, Any]
) -> tuple[dict[str, xr.Dataset], xr.Dataset]:
    """Derivatives of recorded states, which a model of model and derivatives has as states; and its run."""
    from sneuron.core.run import RunSim
    from sneuron.core.state import InitNeu
    from sneuron.core.stimulus import InjCur
    from sneuron.lang.model import load_model
    from sneuron.lang.sensitivity import sensitivities

    plain = load_model(model)
    for name in record:
        if name not in plain.states:
            raise errors.unknown(_WHERE, "state with derivatives", name, list(plain.states))
    names = {x: [f"d{x}_d{p}".replace(".", "_") for p in values] for x in record}
    state = InitNeu({"model": sensitivities(plain, list(values)), **values})
    stimulus = sweep.get("stimulus")
    for item in stimulus if isinstance(stimulus, list | tuple) else [] if stimulus is None else [stimulus]:
        state = InjCur(state, item)
    own = {k: sweep[k] for k in _RUN if k in sweep}
    wanted = [*record, *(n for column in names.values() for n in column)]
    run = RunSim(state, sweep["duration"], record=wanted, **own)
    return {x: described(_along(run, x, columns, values), run[x].attrs) for x, columns in names.items()}, run


def _along(run: xr.Dataset, state: str, columns: list[str], values: Mapping[str, float]) -> xr.Dataset:
    """Derivatives of one state over parameters."""
    index = xr.Variable(PARAM, np.array(list(values)))
    parts = [run[c].drop_attrs().rename("slope") for c in columns]
    slope = xr.concat(parts, index, coords="minimal", compat="override", join="exact")
    good = run[labels.STATUS] == int(Status.OK)
    at = xr.DataArray(np.array(list(values.values())), dims=PARAM)
    level = run[state].where(run[state] != 0)
    count = good.astype(np.int64).broadcast_like(slope).transpose(*slope.dims).astype(np.int64)
    remark = count.copy(data=np.where(count > 0, Remark.FINE, Remark.TOO_FEW_POINTS))
    made = {
        "slope": slope.where(good),
        "effect": (slope * at).transpose(*slope.dims).where(good),
        "elasticity": (slope * at / level).transpose(*slope.dims).where(good),
        "n_ok": count,
        "n_failed": 1 - count,
        "remark": remark.astype(np.int8).assign_attrs(remark_attrs()),
    }
    return xr.Dataset({n: v.drop_vars([labels.STATUS, labels.FIRST_BAD], errors="ignore") for n, v in made.items()})
