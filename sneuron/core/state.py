"""States: labelled datasets of a model's variables and parameters, checked before any work."""

from __future__ import annotations

import functools
import json
import math
from collections.abc import Iterable, Mapping
from typing import Any

import numpy as np
import xarray as xr
from numpy.typing import NDArray

from sneuron import errors, labels
from sneuron.lang.build import inlined
from sneuron.lang.expr import names_of, numpy_value
from sneuron.lang.model import Model, load_model, with_channels

__all__ = ["InitNeu", "model_of", "parameter", "remodelled", "state_dims"]

Array = NDArray[Any]
ROLE = "role"
MEMBRANE = ("current", "conductance", "reversal", "injected", "concentration", labels.CHANNEL, labels.POOL)
"""What `IonDyn` leaves in a state."""


def InitNeu(params: Mapping[str, Any] | xr.Dataset | Iterable[Mapping[str, Any]] | str) -> xr.Dataset:
    """Neurons of one model at rest, one for each combination of the parameters given.

    Parameters
    ----------
    params : mapping, Dataset, list of mappings, or str
        `model` (a library name, JSON, a `Model`; "hh" when omitted) and any of its parameters or
        states by name or path (`gNa`, `na.g`).  A number sets it for all; a list or 1-D array makes a
        dim of that name; a DataArray keeps its dims, so arrays that share a dim go together; a text
        such as "80 mS/cm2", a quantity or a `units` attribute is converted.  The name of a mounted channel takes
        the name of another channel that goes in its place (`{"model": "hh", "leak": "leak"}`).  A list of mappings
        makes the dim `point`.  A `Dataset` returned by `InitNeu` or a run's end state starts from there.

    Returns
    -------
    xarray.Dataset
        States (v in mV, gates 1, ...) and parameters with units; dims are those of the parameters.
        Gates, and states that are not given, start at their steady state for the start voltage.

    Raises
    ------
    UnknownNameError
        For a name that the model does not have; the nearest one is named.
    ParameterError, UnitError
        For values that cannot be: NaN, out of bounds (the points are named), not numbers, other units.

    Notes
    -----
    Steady gates: x = alpha(v) / (alpha(v) + beta(v)).  For Hodgkin & Huxley 1952
    (doi:10.1113/jphysiol.1952.sp004764) at -65 mV: m 0.0529, h 0.5961, n 0.3177.

    Examples
    --------
    >>> cell = InitNeu({"model": "hh", "gNa": [80, 120, 160]})
    >>> dict(cell.sizes), round(float(cell.m), 4)
    ({'gNa': 3}, 0.0529)
    """
    where = "InitNeu"
    if isinstance(params, str):
        params = {"model": params}
    if isinstance(params, xr.Dataset) and "model" in params.attrs:
        return _again(params)
    if not isinstance(params, Mapping | xr.Dataset):
        params = _from_list(params, where)
    given = {str(k): v for k, v in params.items()}
    which: Any = given.pop("model", "hh")
    model = load_model(which)
    mounts: dict[str, Any] = {k: given.pop(k) for k in list(given) if k in model.channels}
    model = with_channels(model, mounts) if mounts else model
    if isinstance(params, xr.Dataset):
        given |= {str(k): v for k, v in params.coords.items() if _is_known(model, str(k))}
    return _built(model, _accepted(model, given, where), where)


_TAKEN_DIMS = labels.RESERVED - {
    labels.POINT, labels.REPEAT, labels.NEURON, labels.COMPARTMENT, labels.SYNAPSE, labels.SITE, "network",
}  # fmt: skip


def model_of(state: Any, where: str) -> Model:
    """The model that a state says it is of."""
    if not isinstance(state, xr.Dataset) or "model" not in state.attrs:
        raise errors.DataError(
            where, f"{type(state).__name__} is not a state of a model", mend="Make one with InitNeu({'model': ...})."
        )
    return _model_from(str(state.attrs["model"]))


@functools.lru_cache(maxsize=64)
def _model_from(text: str) -> Model:
    return Model.from_json(text)


_OF_SYNAPSES = {labels.SYNAPSE, labels.PROJECTION, labels.PORT, labels.SLOT, labels.SOURCE}
_OF_SYNAPSES |= {labels.SENDER, labels.PAST, labels.REMNANT}


def state_dims(state: xr.Dataset) -> dict[str, int]:
    """Dims over which neurons are laid out: all but those of played samples and of currents."""
    private = {labels.CHANNEL, labels.POOL, labels.TIME, labels.SPIKE}
    wired = labels.PRE in state.variables
    private |= _OF_SYNAPSES if wired else set()
    dims = [str(d) for d in state.sizes if d not in private and not str(d).endswith(".sample")]
    last = [labels.NEURON] if wired and labels.NEURON in dims else []
    return {d: state.sizes[d] for d in [*(d for d in dims if d not in last), *last]}


def parameter(state: xr.Dataset, name: str) -> xr.DataArray:
    """A variable or coordinate of the state by name."""
    return state[name]


class _Column(list[Any]):
    """Values of one name along `point`, as they were given."""


def _from_list(items: Any, where: str) -> dict[str, Any]:
    """A list of mappings as columns along `point`."""
    rows = list(items)
    if not rows or not all(isinstance(r, Mapping) for r in rows):
        raise errors.ParameterError(
            where, "a mapping, or a list of mappings, is needed", mend="InitNeu({'model': 'hh'})"
        )
    names = set(rows[0])
    for k, row in enumerate(rows):
        if set(row) != names:
            odd = sorted(set(row) ^ names)
            raise errors.ParameterError(
                where, f"point {k} differs in its names: {odd}", mend="Give all points the same names."
            )
        if row.get("model", "hh") != rows[0].get("model", "hh"):
            raise errors.ParameterError(where, f"point {k} is of another model", mend="Make one state for each model.")
    columns = {n: _Column(r[n] for r in rows) for n in rows[0] if n != "model"}
    return ({"model": rows[0]["model"]} if "model" in names else {}) | columns


def _accepted(model: Model, given: Mapping[str, Any], where: str) -> dict[str, xr.DataArray]:
    """Given values by canonical name, checked and in the model's units."""
    result: dict[str, xr.DataArray] = {}
    for name, value in given.items():
        canonical = model.canonical(name, where)
        if canonical in result:
            raise errors.ParameterError(
                where, f"{name!r} and another name both set {canonical!r}", mend="Give it once."
            )
        unit = model.params[canonical].unit if canonical in model.params else model.states[canonical].unit
        dim = canonical if canonical in model.params else f"{canonical}_start"
        result[canonical] = _labelled(dim, value, unit, f"{where}: {canonical!r}")
    for array in list(result.values()):
        for key, coord in array.coords.items():
            name = str(key)
            if name in model.params and name not in result:
                result[name] = _labelled(name, coord, model.params[name].unit, f"{where}: {name!r}")
    _check_dims(result, model, where)
    for name, array in result.items():
        _check_values(model, name, array, where)
    return result


def _labelled(name: str, value: Any, unit: str, where: str) -> xr.DataArray:
    """One parameter as a labelled float array in `unit`."""
    if isinstance(value, _Column):
        numbers = [labels.number(labels.plain(v, where), unit, where) for v in value]
        return xr.DataArray(numbers, dims=labels.POINT, attrs={"units": unit})
    if isinstance(value, xr.DataArray):
        array = _floats(value.values, unit, where, value.attrs)
        coords = {k: c for k, c in value.coords.items() if set(c.dims) <= set(value.dims)}
        return xr.DataArray(array, dims=value.dims, coords=coords, attrs={"units": unit})
    if isinstance(value, str) or not (isinstance(value, list | tuple) or np.ndim(value)):
        return xr.DataArray(labels.number(labels.plain(value, where), unit, where), attrs={"units": unit})
    array = _floats(value, unit, where, {})
    if array.ndim != 1:
        raise errors.ParameterError(
            where, f"an array of {array.ndim} dims has no names for them", mend="Give a DataArray."
        )
    return xr.DataArray(array, dims=name, coords={name: (name, array, {"units": unit})}, attrs={"units": unit})


def _floats(value: Any, unit: str, where: str, attrs: Mapping[Any, Any]) -> Array:
    """Values as float64 in `unit`; what is not a real number is refused."""
    if hasattr(value, "magnitude") and hasattr(value, "units"):
        attrs, value = {"units": f"{value.units:~C}"}, value.magnitude
    if isinstance(value, np.ma.MaskedArray) and np.ma.is_masked(value):
        raise errors.ParameterError(where, "masked values are not numbers", mend="Fill or drop them.")
    if isinstance(value, list | tuple) and any(isinstance(v, str | bool | np.bool_) for v in value):
        value = [labels.number(v, unit, where) for v in value]
    try:
        array = np.asarray(value)
    except ValueError as cause:
        raise errors.ParameterError(
            where, "rows of different lengths are no array", mend="Give a DataArray."
        ) from cause
    if array.dtype.kind not in "fiu":
        raise errors.ParameterError(
            where, f"values of type {array.dtype} are not real numbers", mend=f"Give numbers in {unit or '1'}."
        )
    return np.asarray(labels.convert(array.astype(np.float64), labels.units_of(attrs), unit, where))


def _is_known(model: Model, name: str) -> bool:
    return model.aliases.get(name, name) in (*model.params, *model.states)


def _check_dims(arrays: Mapping[str, xr.DataArray], model: Model, where: str) -> None:
    """Dims of one name have one size and one set of coordinates; no dim is called as something else."""
    sizes: dict[str, tuple[int, str]] = {}
    coords: dict[Any, tuple[xr.DataArray, str]] = {}
    for name, array in arrays.items():
        for key, coord in array.coords.items():
            first_coord, first_name = coords.setdefault(key, (coord, name))
            if not coord.variable.equals(first_coord.variable):
                what = f"{name!r} and {first_name!r} have different coordinates {key!r}"
                raise errors.ParameterError(where, what, mend="Give both the same, or dims of their own.")
        for dim, n in ((str(d), n) for d, n in array.sizes.items()):
            taken = dim in _TAKEN_DIMS or dim in model.states or dim.endswith(".sample")
            if taken or (dim in model.params and (dim not in arrays or dim not in array.coords)):
                what = f"no dim of {name!r} may be called {dim!r}, which names something else"
                raise errors.ParameterError(where, what, mend=f"Call it 'point', or '{dim}_index'.")
            if n == 0:
                raise errors.ParameterError(where, f"{name!r} is empty along {dim!r}", mend="Give at least one value.")
            first = sizes.setdefault(dim, (n, name))
            if first[0] != n:
                raise errors.ParameterError(
                    where,
                    f"dim {dim!r} has {first[0]} values in {first[1]!r} and {n} in {name!r}",
                    mend="Give equal lengths.",
                )


def _check_values(model: Model, name: str, array: xr.DataArray, where: str) -> None:
    low, high = _limits(model, name)
    values = array.values
    bad = ~((values >= low) & (values <= high))
    if not bad.any():
        return
    first = np.unravel_index(int(np.argmax(bad)), bad.shape) if bad.ndim else ()
    at = ", ".join(f"{d}={int(i)}" for d, i in zip(array.dims, first, strict=True))
    unit = array.attrs["units"]
    many = f"{int(bad.sum())} of {bad.size} values" if bad.ndim else "its value"
    raise errors.ParameterError(
        f"{where}: {name!r}",
        f"{many} cannot be: {float(values[first])!r} {unit}" + (f" at index {at}" if at else ""),
        f"{low:g} to {high:g} {unit}",
        mend="Give values inside these bounds.",
    )


def _limits(model: Model, name: str) -> tuple[float, float]:
    bounds: Any = model.params[name] if name in model.params else model.states[name]
    return max(bounds.low, -1e300), min(bounds.high, 1e300)


def _built(model: Model, given: Mapping[str, xr.DataArray], where: str) -> xr.Dataset:
    dims = list(dict.fromkeys(d for a in given.values() for d in a.dims))
    coords = {k: c for a in given.values() for k, c in a.coords.items()}
    values: dict[str, Any] = {n: _spread(a, dims) for n, a in given.items()}
    start = model.start_values(values)
    _check_capacitance(model, values, where)
    variables: dict[str, Any] = {}
    for name, state in model.states.items():
        value = _squeezed(start[name], dims)
        if not np.all(np.isfinite(value[1])):
            raise errors.ParameterError(
                f"{where}: start value of {name!r}", "is not a number for some of these parameters",
                mend="Look for a division by zero in its equation, or give the start value yourself.",
            )  # fmt: skip
        variables[name] = (*value, {"units": state.unit, "long_name": state.note or name, ROLE: "state"})
    for name, param in model.params.items():
        attrs = {"units": param.unit, "long_name": param.note or name, ROLE: "parameter"}
        if name in given:
            array = given[name]
            if name in array.dims:
                coords[name] = xr.DataArray(array.values, dims=array.dims, attrs=attrs)
                continue
            variables[name] = (array.dims, array.values, attrs)
        else:
            variables[name] = ((), param.value, attrs)
    data = xr.Dataset(variables, coords=coords)
    return _with_internals(data, model)


def _check_capacitance(model: Model, given: Mapping[str, Any], where: str) -> None:
    """A membrane has a capacitance above 0 at every point."""
    known = {name: param.value for name, param in model.params.items()} | dict(given)
    capacitance = inlined(model.capacitance, model.functions)
    if not names_of(capacitance) <= set(known):
        return
    value = np.asarray(numpy_value(capacitance, known))
    if not (value > 0).all():
        many = f"{int((~(value > 0)).sum())} of {value.size} points" if value.ndim else "these parameters"
        what = f"is not above 0 for {many}"
        raise errors.ParameterError(f"{where}: capacitance", what, mend="Give parameters that leave it above 0.")


def _spread(array: xr.DataArray, dims: list[Any]) -> Array:
    """The array shaped to broadcast over `dims`."""
    shape = [array.sizes.get(d, 1) for d in dims]
    order = [d for d in dims if d in array.dims]
    return array.transpose(*order).values.reshape(shape)


def _squeezed(value: Any, dims: list[Any]) -> tuple[tuple[Any, ...], Array]:
    """Dims that the value really varies over, and the value without the others."""
    array = np.asarray(value, dtype=np.float64)
    if array.ndim == 0:
        return (), array
    keep = tuple(k for k, n in enumerate(array.shape) if n > 1)
    return tuple(dims[k] for k in keep), array.reshape([array.shape[k] for k in keep])


def _with_internals(data: xr.Dataset, model: Model) -> xr.Dataset:
    """The state with its clock, its detector and its provenance."""
    level = _threshold(data, model)
    internal = {ROLE: "internal"}
    data = data.assign(
        armed=(data["v"] < level)
        .astype(np.float64)
        .assign_attrs(internal | {"long_name": "a spike may come", "units": "1"}),
        refractory_steps=xr.DataArray(0.0, attrs=internal | {"long_name": "steps left to wait", "units": "1"}),
        v_before=data["v"].assign_attrs(internal | {"long_name": "v one step ago", "units": "mV"}),
        spike=xr.DataArray(False, attrs=internal | {"long_name": "spiked in the last step"}),
        spike_phase=xr.DataArray(
            0.0, attrs=internal | {"long_name": "part of the step before the last spike", "units": "1"}
        ),
    )
    if model.moving_threshold:
        data["threshold_before"] = level.assign_attrs(internal | {"long_name": "threshold one step ago", "units": "mV"})
    return data.assign_attrs(
        model=model.to_json(), model_name=model.name, model_hash=model.hash, stimulus=json.dumps([]), origin=0.0, step=0
    )


def remodelled(state: xr.Dataset, model: Model, values: Mapping[str, Any], where: str) -> xr.Dataset:
    """The same neurons as ones of another model: what both models know keeps its values, what is new starts.

    Parameters
    ----------
    state : Dataset
    model : Model
    values : mapping
        Values of parameters and states that the new model has.
    """
    old = model_of(state, where)
    known = {*model.params, *model.states} & {*old.params, *old.states} & {str(n) for n in state.variables}
    kept = {
        n: state[n] for n in known if n in model.states or state[n].ndim or float(state[n]) != model.params[n].value
    }
    made = _built(model, _accepted(model, {**kept, **values}, where), where)
    own = {*model.params, *model.states, *old.params, *old.states, *made.variables}
    others = {n: v for n, v in state.variables.items() if n not in own and not set(v.dims) & {labels.CHANNEL}}
    clock = {k: v for k, v in state.attrs.items() if k not in ("model", "model_name", "model_hash", "method")}
    internals = {n: state[n] for n in ("armed", "refractory_steps", "v_before", "spike", "spike_phase")}
    return made.assign(internals).assign(others).assign_attrs(clock)


def _threshold(data: xr.Dataset, model: Model) -> Any:
    level = inlined(model.threshold, model.functions)
    names = sorted(s.name for s in level.free_symbols)
    if not names:
        return numpy_value(level, {})
    return xr.apply_ufunc(
        lambda *values: numpy_value(level, dict(zip(names, values, strict=True))), *(data[n] for n in names)
    )


def _again(state: xr.Dataset) -> xr.Dataset:
    """The same neurons, started afresh from the values that the state holds."""
    model = model_of(state, "InitNeu")
    for name in model.states:
        if name not in state:
            raise errors.DataError("InitNeu", f"the state lacks {name!r}", mend="Give a state with all its variables.")
    inputs = [n for n in state.data_vars if state[n].attrs.get(ROLE) == "input"]
    clean = state.drop_vars([n for n in MEMBRANE if n in state] + inputs)
    for name in model.states:
        if not math.isfinite(float(np.sum(clean[name].values))):
            raise errors.ParameterError(
                f"InitNeu: {name!r}", "is not a number at some points", mend="Leave out failed points."
            )
    return _with_internals(clean, model)
