"""What the equations of a model tell before it runs: rest points, nullclines and bifurcations, labelled."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np
import xarray as xr
from numpy.typing import NDArray

from sneuron import errors, labels
from sneuron.core.session import spread
from sneuron.core.state import InitNeu, state_dims
from sneuron.lang import equilibria
from sneuron.lang.model import Model, load_model

__all__ = ["bifurcations", "nullclines", "rest_points"]

Array = NDArray[Any]
REST, MODE, BRANCH, BIFURCATION = "rest", "mode", "branch", "bifurcation"
KINDS = ("none", "stable_node", "stable_focus", "saddle", "saddle_focus", "unstable_node", "unstable_focus")
EVENTS = ("none", "hopf", "saddle_node")


def rest_points(
    model: Any,
    params: Mapping[str, Any] | None = None,
    low: Any = -200.0,
    high: Any = 100.0,
    n: int = 6001,
    along: str = "v",
) -> xr.Dataset:
    """All rest points of a model between two voltages, their eigenvalues and kind, for every parameter point.

    Parameters
    ----------
    model : str, Model, dict or Neuron
        What `load_model` takes.
    params : mapping, optional
        Parameters as in `InitNeu`: numbers, texts with units, lists (a dim of that name), DataArrays.
    low, high : number or text, mV
        Where to look; in the unit of `along`.
    n : int
        At how many voltages; rest points closer than (high - low)/n are found as long as the current between them is
        smooth.
    along : str
        The state along which to look: one for which all others have one steady value, such as the calcium of an
        astrocyte.

    Returns
    -------
    xarray.Dataset
        Dims of the parameters, then `rest`, by rising voltage and padded with NaN: the states there,
        `eigenvalue_real` and `eigenvalue_imag` (..., rest, mode) in 1/ms, by falling real part, `kind` (flags:
        stable_node, stable_focus, saddle, saddle_focus, unstable_node, unstable_focus), `stable`, and `rest_count`.  A
        focus is one whose leading eigenvalue is complex.

    Raises
    ------
    UnknownNameError, ParameterError, UnitError
        For parameters that cannot be.
    ModelError
        When a state has no steady value.

    Notes
    -----
    Every state but v is put where it stays for a given v; sign changes of the current that is left are closed in to the
    last bit.  The eigenvalues are those of the Jacobian, which SymPy derives.  A neuron with a reset has no rest at or
    above its threshold; of a Markov scheme, whose occupancies add up to 1, the zero eigenvalue is left out.

    Examples
    --------
    >>> found = rest_points("adex", {"I": [0.0, 620.0, 640.0]})
    >>> found.rest_count.values, found.v.isel(rest=0).round(2).values
    (array([2, 2, 0]), array([-70.6 , -51.15,    nan]))
    """
    where = "rest_points"
    which = load_model(model)
    dims, values, coords = _points(which, params, where)
    floor, top, many = _range(low, high, n, which.states[_along_state(which, along, where)].unit, where)
    size = math.prod(dims.values())
    found = equilibria.rests(which, values, size, floor, top, many, along)
    count = np.bincount(found.point, minlength=size)
    place = np.arange(found.point.size) - (np.cumsum(count) - count)[found.point]
    room = int(count.max(initial=0))

    def laid(values_: Array, fill: Any, dtype: Any = np.float64) -> Array:
        """One value for each rest point, over points and `rest`."""
        table = np.full((size, room, *values_.shape[1:]), fill, dtype)
        table[found.point, place] = values_
        return table.reshape(*dims.values(), *table.shape[1:])

    own = (*dims, REST)
    data = xr.Dataset(coords=coords)
    for name, state in which.states.items():
        attrs = {"units": state.unit, "long_name": state.note or name}
        data[name] = (own, laid(found.states[name], np.nan), attrs)
    for part, table in (("real", found.eigenvalues.real), ("imag", found.eigenvalues.imag)):
        attrs = {"units": "1/ms", "long_name": f"{part} part of the eigenvalues"}
        data[f"eigenvalue_{part}"] = ((*own, MODE), laid(table, np.nan), attrs)
    data["kind"] = (own, laid(_kinds(found.eigenvalues), 0, np.uint8), _flags(KINDS, "kind of the rest point"))
    stable = np.asarray((found.eigenvalues.real < 0).all(axis=-1))
    data["stable"] = (own, laid(stable, False, bool), {"long_name": "small deviations die out"})
    data["rest_count"] = (tuple(dims), count.reshape(tuple(dims.values())), {"units": "1", "long_name": "rest points"})
    return data.assign_attrs(_told(which))


def nullclines(
    model: Any,
    x: str = "v",
    y: str | None = None,
    params: Mapping[str, Any] | None = None,
    *,
    at: Any = None,
    limits: Sequence[float] | None = None,
    fixed: Mapping[str, Any] | None = None,
    n: int = 401,
) -> xr.Dataset:
    """The curves in the plane of two states on which the one and the other stand still.

    Parameters
    ----------
    model : str, Model, dict or Neuron
    x, y : str
        States; y is the only other one when omitted.
    params : mapping, optional
        Parameters as in `InitNeu`; swept ones give dims.
    at : list or array, optional
        Values of x; from -100 to 60 mV for a voltage, from 0 to 1 for a gate when omitted.
    limits : (low, high), optional
        Values of y between which to look, where its equation is not linear in it; 0 to 1 for a gate when omitted.
    fixed : mapping, optional
        Other states that are held at a value.  All others are where they stay, at each place of the plane.
    n : int
        How many values of x where `at` is omitted, and of y to look at.

    Returns
    -------
    xarray.Dataset
        `<x>_nullcline` and `<y>_nullcline` (..., x, branch): the values of y at which that state stands still, by
        rising y and padded with NaN; the dim x has the name of the state.

    Raises
    ------
    UnknownNameError, ParameterError, UnitError
        For states, parameters and values that cannot be.
    ModelError
        When a nullcline cannot be drawn over x, or another state has no steady value.

    Examples
    --------
    >>> plane = nullclines("adex", params={"I": [0.0, 500.0]}, at=[-70.6, -60.0])
    >>> plane.w_nullcline.isel(branch=0).values
    array([[ 0. , 42.4],
           [ 0. , 42.4]])
    """
    where = "nullclines"
    which = load_model(model)
    y = _other(which, x, y, where)
    held = _fixed(which, fixed, (x, y), where)
    if "v" not in (x, y, *held):
        raise errors.ParameterError(where, "the voltage is none of the two states", mend="Fix it: fixed={'v': -65}.")
    dims, values, coords = _points(which, params, where)
    along = _along(which, x, at, n, where)
    parts = {}
    for still in (x, y):
        grid = _between(which, still, (x, y), limits, n, tuple(held))
        parts[f"{still}_nullcline"] = _branches(which, still, (x, y), {**values, **held}, dims, along, grid)
    own = (*dims, x, BRANCH)
    room = max(table.shape[-1] for table in parts.values())
    data = xr.Dataset(coords={**coords, x: (x, along, _attrs(which, x))})
    for name, table in parts.items():
        wide = np.full((*table.shape[:-1], room), np.nan)
        wide[..., : table.shape[-1]] = table
        still = name.removesuffix("_nullcline")
        attrs = {"units": which.states[y].unit, "long_name": f"{y} where {still} stands still"}
        data[name] = (own, wide.reshape(*dims.values(), along.size, room), attrs)
    return data.assign_attrs({**_told(which), "x": x, "y": y})


def bifurcations(
    model: Any,
    parameter: str,
    low: Any,
    high: Any,
    params: Mapping[str, Any] | None = None,
    *,
    volts: Sequence[Any] = (-120.0, 60.0),
    n: int = 6001,
    along: str = "v",
) -> xr.Dataset:
    """Where rest points of a model lose their stability, or are born, along one parameter.

    Parameters
    ----------
    model : str, Model, dict or Neuron
    parameter : str
        Name or path of the parameter.
    low, high : number or text with unit
        Between which it is searched.
    params : mapping, optional
        Other parameters, as in `InitNeu`; swept ones give dims.
    volts : (low, high), mV
        Voltages of rest points to look at; values of `along`, in its unit.
    n : int
        At how many voltages.
    along : str
        The state along which rest points are followed, as in `rest_points`.

    Returns
    -------
    xarray.Dataset
        Dims of the parameters, then `bifurcation`, by rising value and padded with NaN: the value of the parameter
        under its name, `kind` (flags: hopf, saddle_node), the states there, `frequency` in Hz of the oscillation at a
        Hopf bifurcation, `loses_stability` (whether the rest point is stable on one side), `bifurcation_count`.

    Raises
    ------
    UnknownNameError, ParameterError, UnitError
        For parameters that cannot be.

    Notes
    -----
    Rest points are followed along the voltage, over which they are a function: folds are no end of them.  Between
    neighbours whose numbers of growing eigenvalues differ by two (Hopf) or one (saddle-node) the voltage is halved
    until nothing lies between.

    Examples
    --------
    >>> found = bifurcations("adex", "I", 0, 1000)
    >>> found.I.round(2).values, found.kind.values
    (array([627.18, 627.31]), array([1, 2], dtype=uint8))
    """
    where = "bifurcations"
    which = load_model(model)
    name = which.canonical(parameter, where)
    if name not in which.params or name in (params or {}):
        raise errors.ParameterError(where, f"{parameter!r} is no parameter that is free", list(which.params))
    bottom, top = (_in_bounds(which, name, end, where) for end in (low, high))
    if not bottom < top:
        raise errors.ParameterError(where, f"{low!r} is not below {high!r}", mend="Give low < high.")
    if len(volts) != 2:
        raise errors.ParameterError(f"{where}: 'volts'", f"{volts!r:.60} is no pair", "(low, high) in mV")
    unit = which.states[_along_state(which, along, where)].unit
    floor, ceiling, many = _range(volts[0], volts[1], n, unit, where)
    dims, values, coords = _points(which, params, where)
    size = math.prod(dims.values())
    found = []
    for k in range(size):
        known = {p: float(v[k] if np.ndim(v) else v) for p, v in values.items()}
        found.append(equilibria.bifurcations(which, name, bottom, top, known, (floor, ceiling, many), along))
    return _events(which, name, found, dims, coords)


def _events(
    model: Model, name: str, found: list[list[equilibria.Bifurcation]], dims: dict[str, int], coords: dict[str, Any]
) -> xr.Dataset:
    """Bifurcations of all points, padded."""
    room = max((len(f) for f in found), default=0)
    shape, own = (*dims.values(), room), (*dims, BIFURCATION)

    def laid(of: Any, fill: Any, dtype: Any = np.float64) -> Array:
        table = np.full((len(found), room), fill, dtype)
        for row, events in zip(table, found, strict=True):
            row[: len(events)] = [of(e) for e in events]
        return table.reshape(shape)

    param = model.params[name]
    data = xr.Dataset(coords=coords)
    data[name] = (own, laid(lambda e: e.value, np.nan), {"units": param.unit, "long_name": param.note or name})
    for x in model.states:
        data[x] = (own, laid(lambda e, x=x: e.states[x], np.nan), _attrs(model, x))
    data["kind"] = (own, laid(lambda e: EVENTS.index(e.kind), 0, np.uint8), _flags(EVENTS, "kind of the bifurcation"))
    data["frequency"] = (own, laid(lambda e: e.frequency, np.nan), {"units": "Hz", "long_name": "frequency there"})
    data["loses_stability"] = (own, laid(lambda e: e.stable, False, bool), {"long_name": "stable on one side"})
    counts = np.array([len(f) for f in found]).reshape(tuple(dims.values()))
    data["bifurcation_count"] = (tuple(dims), counts, {"units": "1", "long_name": "number of bifurcations"})
    return data.assign_attrs(_told(model))


def _points(
    model: Model, params: Mapping[str, Any] | None, where: str
) -> tuple[dict[str, int], dict[str, Array], dict[str, Any]]:
    """Dims of the parameters, their values for each point, and their coordinates."""
    given = dict(params or {})
    for name in given:
        if model.canonical(str(name), where) not in model.params:
            raise errors.unknown(where, "parameter", str(name), [*model.params, *model.aliases])
    state = InitNeu({"model": model, **given})
    dims = state_dims(state)
    changed = [n for n in model.params if n in state and (state[n].ndim or float(state[n]) != model.params[n].value)]
    coords = {str(k): c for k, c in state.coords.items()}
    coords |= {n: state[n] for n in changed if n not in coords}
    return dims, {n: spread(state[n], dims) for n in changed}, coords


def _along_state(model: Model, along: str, where: str) -> str:
    if along not in model.states:
        raise errors.unknown(f"{where}: 'along'", f"state of {model.name!r}", str(along), model.states)
    return along


def _range(low: Any, high: Any, n: Any, unit: str, where: str) -> tuple[float, float, int]:
    ends = [labels.number(v, unit, f"{where}: voltages") for v in (low, high)]
    if not (math.isfinite(ends[0]) and math.isfinite(ends[1]) and ends[0] < ends[1]):
        raise errors.ParameterError(where, f"{low!r} to {high!r} {unit} is no range", mend="Give low < high.")
    return ends[0], ends[1], _many(n, where)


def _many(n: Any, where: str) -> int:
    if isinstance(n, bool) or not isinstance(n, int | np.integer) or not 3 <= n <= 10**7:
        raise errors.ParameterError(f"{where}: 'n'", f"{n!r} is no number of places", "a whole number from 3")
    return int(n)


def _in_bounds(model: Model, name: str, value: Any, where: str) -> float:
    param = model.params[name]
    number = labels.number(value, param.unit, f"{where}: {name!r}")
    if not param.low <= number <= param.high or not math.isfinite(number):
        raise errors.ParameterError(f"{where}: {name!r}", f"{value!r} cannot be", f"{param.low:g} to {param.high:g}")
    return number


def _kinds(modes: Array) -> Array:
    """The kind of each rest point, as a code of `KINDS`."""
    growing = (modes.real > 0).sum(axis=-1)
    complex_ = np.abs(modes[:, 0].imag) > 0 if modes.shape[-1] else np.zeros(len(modes), bool)
    base = np.select([growing == 0, growing == modes.shape[-1]], [1, 5], 3)
    return np.where(np.isnan(modes.real).any(axis=-1), 0, base + complex_).astype(np.uint8)


def _flags(words: Sequence[str], name: str) -> dict[str, Any]:
    """CF flags."""
    return {
        "flag_values": np.arange(len(words), dtype=np.uint8),
        "flag_meanings": " ".join(words),
        "long_name": name,
    }


def _attrs(model: Model, name: str) -> dict[str, str]:
    state = model.states[name]
    return {"units": state.unit, "long_name": state.note or name}


def _told(model: Model) -> dict[str, str]:
    return {"model": model.to_json(), "model_name": model.name, "model_hash": model.hash}


def _other(model: Model, x: str, y: str | None, where: str) -> str:
    """The second state of a plane."""
    for name in (x, y):
        if name is not None and name not in model.states:
            raise errors.unknown(where, f"state of {model.name!r}", str(name), model.states)
    others = [s for s in model.states if s != x]
    if y is None and len(others) != 1:
        raise errors.ParameterError(where, "which plane is not said", others, mend="Give y.")
    if x == y:
        raise errors.ParameterError(where, f"{x!r} alone spans no plane", others)
    return y or others[0]


def _fixed(model: Model, fixed: Mapping[str, Any] | None, plane: tuple[str, str], where: str) -> dict[str, float]:
    held = {}
    for name, value in (fixed or {}).items():
        if name not in model.states or name in plane:
            others = [s for s in model.states if s not in plane]
            raise errors.unknown(f"{where}: 'fixed'", "other state", str(name), others)
        held[name] = labels.number(labels.plain(value, where), model.states[name].unit, f"{where}: {name!r}")
    return held


def _along(model: Model, x: str, at: Any, n: int, where: str) -> Array:
    """Values of x."""
    if at is None:
        ends = (-100.0, 60.0) if model.states[x].unit == "mV" else (0.0, 1.0) if x in model.gates else None
        if ends is None:
            raise errors.ParameterError(f"{where}: 'at'", f"values of {x!r} are not said", mend="Give at=[...].")
        return np.linspace(*ends, _many(n, where))
    along = np.asarray(at, dtype=np.float64) if np.asarray(at).dtype.kind in "fiu" else np.array([np.nan])
    if along.ndim != 1 or along.size == 0 or not np.isfinite(along).all() or not (np.diff(along) > 0).all():
        raise errors.ParameterError(f"{where}: 'at'", f"{at!r:.60} are no ascending numbers")
    return along


def _between(
    model: Model, still: str, plane: tuple[str, str], limits: Sequence[float] | None, n: int, fixed: tuple[str, ...]
) -> Array | None:
    """Values of y to look between; None where the equation is linear in it."""
    x, y = plane
    linear = equilibria.is_linear(model, still, y, plane, fixed)
    if linear is None:
        what = f"d{still}/dt does not depend on {y!r}, so that its nullcline is no curve over {x!r}"
        raise errors.ModelError("nullclines", what, mend="Change x and y.")
    if linear:
        return None
    ends = limits if limits is not None else (0.0, 1.0) if y in model.gates else ()
    if len(ends) != 2 or not ends[0] < ends[1]:
        what = f"between which values of {y!r} to look is not said"
        raise errors.ParameterError("nullclines: 'limits'", what, mend="Give limits=(low, high).")
    return np.linspace(float(ends[0]), float(ends[1]), _many(n, "nullclines"))


def _branches(
    model: Model, still: str, plane: tuple[str, str], values: Mapping[str, Any], dims: dict[str, int], along: Array,
    grid: Array | None,
) -> Array:  # fmt: skip
    """Values of y for each point and x, padded along the last axis."""
    size = math.prod(dims.values())
    fixed = tuple(n for n in values if n in model.states)
    found = []
    for k in range(size):
        known = {n: p.value for n, p in model.params.items()}
        known |= {n: float(v[k] if np.ndim(v) else v) for n, v in values.items()}
        found.append(equilibria.nullcline(model, still, *plane, known, along, grid, fixed))
    counts = [np.bincount(place, minlength=along.size) for place, _ in found]
    table = np.full((size, along.size, max(1, *(int(c.max(initial=0)) for c in counts))), np.nan)
    for row, (place, value), count in zip(table, found, counts, strict=True):
        row[place, np.arange(place.size) - (np.cumsum(count) - count)[place]] = value
    return table
