"""Measures: one numpy function serves ndarray, DataArray and dask-backed DataArray.

A measure is a function of numpy arrays whose core dims come last, together with two statements: how its array
arguments are read (`over`) and what it gives (`gives`). The label layer written here once does the rest: it names
dims, keeps coords, writes units, gathers each core dim into one chunk (so that chunking cannot change a bit), leaves
lazy data lazy, and turns whatever belongs to a failed point into NaN.
"""

from __future__ import annotations

import functools
import importlib
import inspect
from collections.abc import Callable, Collection, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, NamedTuple, Protocol

import numpy as np
import numpy.typing as npt
import xarray as xr

from sneuron import errors
from sneuron.registry import Registry

__all__ = ["Axis", "Core", "Described", "Measure", "Output", "Reader", "Reading", "measure", "measures"]

FloatArray = npt.NDArray[np.float64]


@dataclass(frozen=True, eq=False)
class Axis:
    """A dim that a measure adds to its result, with its coordinate values.

    Parameters
    ----------
    name : str
        The dim.
    values : ndarray, 1-D
        Its coordinate.
    units, long_name : str
        Attributes of the coordinate.
    beside : mapping of str to (ndarray, str), optional
        Further coordinates along the dim: values and units.
    """

    name: str
    values: npt.NDArray[Any]
    units: str
    long_name: str
    beside: Mapping[str, tuple[npt.NDArray[Any], str]] = field(default_factory=dict)

    def coords(self) -> dict[str, xr.Variable]:
        """The coordinates as xarray variables."""
        own = xr.Variable((self.name,), self.values, {"units": self.units, "long_name": self.long_name})
        more = {n: xr.Variable((self.name,), values, {"units": units}) for n, (values, units) in self.beside.items()}
        return {self.name: own, **more}


@dataclass(frozen=True, eq=False)
class Output:
    """One variable that a measure gives; `attrs` are further attributes of it (flags and their names)."""

    name: str
    units: str
    long_name: str
    axes: tuple[Axis, ...] = ()
    dtype: str = "float64"
    attrs: Mapping[str, Any] = field(default_factory=dict)

    @property
    def dims(self) -> tuple[str, ...]:
        """Names of the dims it adds."""
        return tuple(axis.name for axis in self.axes)


class Described(NamedTuple):
    """Shape of one output before anything runs: added dims with sizes, dtype, units."""

    dims: dict[str, int]
    dtype: str
    units: str


@dataclass(frozen=True, eq=False)
class Reading:
    """What a reader makes of one array argument.

    Parameters
    ----------
    arrays : tuple of DataArray
        The arrays handed on, possibly lazy.
    core : tuple of tuple of str
        Core dims of each, moved last.
    pack : callable
        Turns the numpy arrays into what the measure's function takes.
    rows : mapping of str to xr.Variable
        Dims that the reading itself brings (the neurons of an event list), with their coordinates.
    options : mapping
        Options that the argument settles (its observation window).
    plain : bool
        Whether the caller gave no labels, and so wants none back.
    known : mapping
        What else the argument says about the outputs (which currents there are): for `gives`, not for the function.
    """

    arrays: tuple[xr.DataArray, ...]
    core: tuple[tuple[str, ...], ...]
    pack: Callable[..., Any]
    rows: Mapping[str, xr.Variable] = field(default_factory=dict)
    options: Mapping[str, Any] = field(default_factory=dict)
    plain: bool = False
    known: Mapping[str, Any] = field(default_factory=dict)


class Reader(Protocol):
    """Reads one array argument of a measure."""

    def read(self, name: str, value: Any, options: Mapping[str, Any], where: str) -> Reading:
        """Check what can be checked without computing and say how to hand it to numpy."""


@dataclass(frozen=True)
class Core:
    """Reads an ordinary numeric array with the core dims `dims`, widened to float64."""

    dims: tuple[str, ...]

    def read(self, name: str, value: Any, options: Mapping[str, Any], where: str) -> Reading:
        """Labelled arrays by dim name; plain ones have the core dims last."""
        plain = not isinstance(value, xr.DataArray)
        array = label_plain(value, self.dims, where) if plain else value
        missing = [dim for dim in self.dims if dim not in array.dims]
        if missing:
            raise errors.DataError(where, f"{name!r} has dims {array.dims}", f"dims (..., {', '.join(self.dims)})")
        refuse_dtype(array.dtype, name, where)
        return Reading((array,), (self.dims,), widened, plain=plain)


def widened(values: npt.NDArray[Any]) -> FloatArray:
    """`values` as contiguous float64 of the machine's byte order."""
    return np.ascontiguousarray(values, dtype=np.float64)


def label_plain(value: Any, core: tuple[str, ...], where: str) -> xr.DataArray:
    """A plain array as DataArray: core dims last, the axis before them `train`, further ones `axis_1`, `axis_2`, ..."""
    array = value if hasattr(value, "dask") else np.asarray(value)
    batch = array.ndim - len(core)
    if batch < 0:
        raise errors.DataError(where, f"an array of {array.ndim} axes", f"axes (..., {', '.join(core)})")
    names = [f"axis_{i}" if i else "train" for i in reversed(range(batch))]
    return xr.DataArray(array, dims=(*names, *core))


def refuse_dtype(dtype: np.dtype[Any], name: str, where: str) -> None:
    """Only real numbers are measured: no objects, complex numbers, dates or texts."""
    if dtype.kind not in "fiub":
        raise errors.DataError(where, f"{name!r} has dtype {dtype}", "real numbers", mend="Convert it to float64.")


def refuse_unknown_chunks(array: xr.DataArray, where: str) -> None:
    """A lazy array must know its shape."""
    for dim, sizes in zip(array.dims, array.chunks or (), strict=array.chunks is not None):
        if any(np.isnan(size) for size in sizes):
            mend = "Call compute_chunk_sizes() on the dask array first."
            raise errors.DataError(where, f"the chunk sizes of dim {dim!r} are unknown", mend=mend)


Needs = Callable[[Mapping[str, Any], Collection[str], Mapping[str, Any]], Sequence[str]]
"""Of attributes of a run (its model), names that can be recorded, and options: the features that a measure needs."""


class Measure:
    """A numpy function made to serve ndarray, DataArray and dask-backed DataArray; made by `measure`.

    Attributes
    ----------
    name : str
        Its name in `measures`; a study names it so, and pickles carry the name only.
    over : mapping of str to Reader
        How each array argument is read.
    """

    def __init__(
        self,
        function: Callable[..., Any],
        over: Mapping[str, Reader],
        gives: Output | Callable[[Mapping[str, Any]], Output | Sequence[Output]],
        needs: Needs | None = None,
    ) -> None:
        functools.update_wrapper(self, function)
        self.name: str = function.__name__
        self.over = dict(over)
        self._function = function
        self._gives = gives
        self._needs = needs
        self._signature = inspect.signature(function)

    def __call__(self, *args: Any, **kwargs: Any) -> Any:
        arrays, options = self._bound(args, kwargs)
        readings = []
        for name, reader in self.over.items():
            readings.append(reader.read(name, arrays[name], options, self.name))
            options = {**options, **readings[-1].options}
        known = {name: value for reading in readings for name, value in reading.known.items()}
        outputs, single = self._outputs({**options, **known})
        dataset = _labelled(self, readings, outputs, options)
        if not single:
            return dataset
        result = dataset[outputs[0].name]
        return result.data[()] if all(r.plain for r in readings) else result

    def needs(
        self, attrs: Mapping[str, Any], offers: Collection[str], options: Mapping[str, Any] | None = None
    ) -> tuple[str, ...]:
        """The features that a run must have for it ("i_na_mean"); most measures look at spikes and need none.

        Parameters
        ----------
        attrs : mapping
            Attributes that the run will have: `model`, its JSON text.
        offers : collection of str
            What can be recorded of the model.
        options : mapping, optional
            As in a call.
        """
        if self._needs is None:
            return ()
        return tuple(self._needs(attrs, offers, self._options(options)))

    def outputs(
        self, options: Mapping[str, Any] | None = None, known: Mapping[str, Any] | None = None
    ) -> tuple[Output, ...]:
        """What a call with these options gives: names, dims with coordinates, dtypes, units."""
        return self._outputs({**self._options(options), **(known or {})})[0]

    def describe(
        self, options: Mapping[str, Any] | None = None, known: Mapping[str, Any] | None = None
    ) -> dict[str, Described]:
        """The outputs of a call with these options: `{name: (added dims, dtype, units)}`, before anything runs.

        Options are checked as in a call. A rate in windows needs `t_stop` here, where no data tell; what a reader
        would find in the data is told by `known`.
        """
        return {
            out.name: Described({axis.name: len(axis.values) for axis in out.axes}, out.dtype, out.units)
            for out in self.outputs(options, known)
        }

    def coords(
        self, options: Mapping[str, Any] | None = None, known: Mapping[str, Any] | None = None
    ) -> dict[str, xr.Variable]:
        """Coordinates of the dims that a call with these options adds."""
        return {n: v for out in self.outputs(options, known) for axis in out.axes for n, v in axis.coords().items()}

    def _options(self, options: Mapping[str, Any] | None) -> dict[str, Any]:
        """Options with the defaults filled in; array arguments are left out."""
        given = {name: value for name, value in (options or {}).items() if name not in self.over}
        return self._bound((None,) * len(self.over), given)[1]

    def _outputs(self, options: Mapping[str, Any]) -> tuple[tuple[Output, ...], bool]:
        given = self._gives(options) if callable(self._gives) else self._gives
        return ((given,), True) if isinstance(given, Output) else (tuple(given), False)

    def _bound(self, args: tuple[Any, ...], kwargs: Mapping[str, Any]) -> tuple[dict[str, Any], dict[str, Any]]:
        """Arguments by name, array arguments and options apart, defaults filled in."""
        for name in kwargs:
            if name not in self._signature.parameters:
                raise errors.unknown(self.name, "argument", name, self._signature.parameters)
        try:
            bound = self._signature.bind(*args, **kwargs)
        except TypeError as cause:
            how = f"Call it as {self.name}{self._signature}"
            raise errors.ParameterError(self.name, str(cause), mend=how) from cause
        bound.apply_defaults()
        arrays = {name: bound.arguments[name] for name in self.over}
        return arrays, {name: value for name, value in bound.arguments.items() if name not in arrays}

    def __repr__(self) -> str:
        return f"<measure {self.name}{self._signature}>"

    def __eq__(self, other: object) -> bool:
        return isinstance(other, Measure) and (self.name, self.__module__) == (other.name, other.__module__)

    def __hash__(self) -> int:
        return hash((self.name, self.__module__))

    def __reduce__(self) -> str | tuple[Any, ...]:
        if self.__module__ == "__main__":  # nothing to import elsewhere: travels by value
            return (Measure, (self._function, self.over, self._gives, self._needs))
        return (_found, (self.name, self.__module__))


measures: Registry[Measure] = Registry(
    "measure", "sneuron.analysis", lambda thing: isinstance(thing, Measure), lambda thing: thing.name
)
"""Every measure by name; packages add theirs through the entry-point group `sneuron.measure`."""


def measure(
    over: Mapping[str, Reader | tuple[str, ...]],
    gives: Output | Callable[[Mapping[str, Any]], Output | Sequence[Output]],
    needs: Needs | None = None,
) -> Callable[[Callable[..., Any]], Measure]:
    """Make a numpy function a measure and register it under its own name.

    Parameters
    ----------
    over : mapping of str to Reader or tuple of str
        The array arguments, which come first: their core dims, or a reader (`sneuron.analysis.spikes.SpikeTrains`).
    gives : Output or callable
        What the function returns: one `Output`, or a function of the options that checks them and gives one `Output`
        (a DataArray for the caller) or several (a Dataset; the function then returns a tuple in the same order).
    needs : callable, optional
        Which features of a run it needs, where spikes are not enough; a study then has them computed on the way.

    Returns
    -------
    callable
        The decorator.

    Examples
    --------
    >>> @measure(over={"counts": ("time",)}, gives=Output("fano", "1", "Fano factor"))
    ... def Fano(counts):
    ...     '''Variance of counts over their mean.'''
    ...     return counts.var(-1) / counts.mean(-1)
    >>> Fano(np.array([[1, 2, 3, 2], [2, 2, 2, 2]]))
    array([0.25, 0.  ])
    >>> Fano.describe()
    {'fano': Described(dims={}, dtype='float64', units='1')}
    """
    readers = {name: Core(how) if isinstance(how, tuple) else how for name, how in over.items()}
    return lambda function: measures.add(Measure(function, readers, gives, needs))


def _found(name: str, module: str) -> Measure:
    importlib.import_module(module)
    return measures[name]


def _labelled(
    measure: Measure, readings: Sequence[Reading], outputs: Sequence[Output], options: Mapping[str, Any]
) -> xr.Dataset:
    """The label layer: never computes, writes names, coords and units."""
    arrays = [_gathered(a, core, measure.name) for r in readings for a, core in zip(r.arrays, r.core, strict=True)]
    arrays, cores = _apart(arrays, [core for r in readings for core in r.core])
    rows = {name: variable for reading in readings for name, variable in reading.rows.items()}
    call = functools.partial(
        _applied, measure, tuple((len(r.arrays), r.pack) for r in readings), options, tuple(len(c) for c in cores),
        tuple(v.size for v in rows.values()), tuple(tuple(a.values.size for a in o.axes) for o in outputs),
    )  # fmt: skip
    added = {name: variable.size for name, variable in rows.items()}
    added |= {axis.name: axis.values.size for out in outputs for axis in out.axes}
    try:
        results = xr.apply_ufunc(
            call, *arrays, input_core_dims=cores, output_core_dims=[(*rows, *o.dims) for o in outputs], join="exact",
            dask="parallelized", output_dtypes=[o.dtype for o in outputs], dask_gufunc_kwargs={"output_sizes": added},
        )  # fmt: skip
    except (xr.AlignmentError, xr.MergeError) as cause:
        given = f"the inputs do not fit together: {cause}"
        raise errors.DataError(measure.name, given, mend="Align them first.") from cause
    results = results if len(outputs) > 1 else (results,)
    named = [o.name for o in outputs]  # parameters that vary are coordinates, and may bear the name of an output
    bare = (r.drop_vars([n for n in r.coords if n in named and n not in r.dims]) for r in results)
    dataset = xr.Dataset(dict(zip(named, bare, strict=True)))
    dataset = dataset.assign_coords({**rows, **{n: v for o in outputs for a in o.axes for n, v in a.coords().items()}})
    window = {name: options[name] for name in ("t_start", "t_stop") if options.get(name) is not None}
    for out in outputs:
        dataset[out.name].attrs = {"units": out.units, "long_name": out.long_name, **out.attrs, **window}
    return dataset


def _gathered(array: xr.DataArray, core: tuple[str, ...], where: str) -> xr.DataArray:
    """A lazy array with each core dim in one chunk."""
    refuse_unknown_chunks(array, where)
    return array if array.chunks is None else array.chunk(dict.fromkeys(core, -1))


def _apart(
    arrays: Sequence[xr.DataArray], cores: Sequence[tuple[str, ...]]
) -> tuple[list[xr.DataArray], list[tuple[str, ...]]]:
    """Core dims renamed apart, since two inputs may hold different numbers of spikes; their coordinates are dropped."""
    renamed, names = [], []
    for place, (array, core) in enumerate(zip(arrays, cores, strict=True)):
        own = {dim: f"{dim} of input {place}" for dim in core}
        bare = array.drop_vars([n for n, c in array.coords.items() if set(core) & set(c.dims)])
        renamed.append(bare.rename(own))
        names.append(tuple(own.values()))
    return renamed, names


def _applied(
    measure: Measure,
    packs: Sequence[tuple[int, Callable[..., Any]]],
    options: Mapping[str, Any],
    core: Sequence[int],
    rows: tuple[int, ...],
    added: Sequence[tuple[int, ...]],
    *arrays: npt.NDArray[Any],
) -> npt.NDArray[Any] | tuple[npt.NDArray[Any], ...]:
    """The array layer: never sees names. Packs the arrays, calls the function, gives its results their full shape."""
    batch = np.broadcast_shapes(*(a.shape[: a.ndim - n] for a, n in zip(arrays, core, strict=True)))
    packed, at = [], 0
    for count, pack in packs:
        packed.append(pack(*arrays[at : at + count]))
        at += count
    results = measure._function(*packed, **options)
    results = results if len(added) > 1 else (results,)
    shaped = tuple(
        _failed_to_nan(np.reshape(result, batch + rows + axes), packed, len(axes))
        for result, axes in zip(results, added, strict=True)
    )
    return shaped if len(shaped) > 1 else shaped[0]


def _failed_to_nan(result: npt.NDArray[Any], packed: Sequence[Any], axes: int) -> npt.NDArray[Any]:
    """NaN wherever an input says that its point failed."""
    for inputs in packed:
        failed = getattr(inputs, "failed", None)
        if failed is not None and failed.any():
            shape = result.shape[: result.ndim - axes]
            result[np.broadcast_to(failed.reshape(inputs.shape), shape)] = np.nan
    return result
