"""What a finished study says by classes: how many points there are of each, what is typical of them, and an example."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from typing import Any

import numpy as np
import numpy.typing as npt
import xarray as xr

from sneuron import errors, labels
from sneuron.explore.report import headed, written

__all__ = ["CLASS", "changed", "class_counts", "class_rows", "class_table", "typical_points"]

CLASS, POINTS, SHARE, NONE = "class", "points", "share", "none"

FloatArray = npt.NDArray[np.float64]


def class_counts(data: xr.Dataset, of: str, columns: Sequence[str] = ()) -> xr.Dataset:
    """How many points have each flag of an output, and the medians of other outputs there.

    Parameters
    ----------
    data : Dataset
        The results of a study.
    of : str
        An output with the attributes `flag_values` and `flag_meanings`.
    columns : sequence of str
        Outputs whose medians are wanted; NaN (what is not there, points that failed) does not count.

    Returns
    -------
    Dataset
        `points`, `share` (of all points) and each column over `class`, the names of those that occur; "none" stands
        for points without a flag: they failed, or were left out.

    Examples
    --------
    >>> flags = {"flag_values": [0.0, 1.0], "flag_meanings": "silent tonic"}
    >>> data = xr.Dataset({"fires": ("I", [0.0, 1.0, 1.0, 1.0], flags), "rate": ("I", [0.0, 5.0, 6.0, 10.0])})
    >>> found = class_counts(data, "fires", ["rate"])
    >>> found["class"].values.tolist(), found.points.values.tolist(), found.rate.values.tolist()
    (['silent', 'tonic'], [1, 3], [0.0, 6.0])
    """
    flags, names = _flags(data, of)
    every = {**names, np.nan: NONE}
    members = {name: np.isnan(flags) if name == NONE else flags == value for value, name in every.items()}
    members = {name: there for name, there in members.items() if there.any()}
    found = {POINTS: (CLASS, np.array([there.sum() for there in members.values()]))}
    made = xr.Dataset(found, {CLASS: list(members)}, {"long_name": data[of].attrs.get("long_name", of)})
    made[SHARE] = made[POINTS] / max(1, flags.size)
    for name in columns:
        values = _flat(data, name, data[of])
        medians = [_median(values[there]) for there in members.values()]
        made[name] = (CLASS, np.array(medians), {**data[name].attrs, "long_name": f"median of {name}"})
    return made


def changed(data: xr.Dataset, of: str) -> tuple[int, int] | None:
    """At how many of the points that were checked more finely the flag is another; None where none was checked."""
    error = data.get(f"{of}_error")
    if error is None:
        return None
    values = np.asarray(error.values)
    return int(np.count_nonzero(values > 0)), int(np.count_nonzero(~np.isnan(values)))


def class_table(found: xr.Dataset, columns: Sequence[str] = ()) -> Iterator[tuple[str, ...]]:
    """Header and rows of texts for `class_counts`."""
    yield ("class", "points", "share", *(headed(found[name]) for name in columns))
    for number, name in enumerate(found[CLASS].values):
        row = found.isel({CLASS: number})
        medians = ["" if np.isnan(row[c]) else written(row[c].values) for c in columns]
        yield (str(name), f"{int(row[POINTS]):,}", f"{float(row[SHARE]):.1%}", *medians)


def class_rows(found: xr.Dataset) -> list[dict[str, Any]]:
    """`class_counts` as plain data, a row for each class; what is NaN is None."""
    names = [str(name) for name in found.data_vars]
    rows = [found.isel({CLASS: k}) for k in range(found.sizes[CLASS])]
    numbers = [{n: None if np.isnan(row[n]) else row[n].item() for n in names} for row in rows]
    return [{CLASS: str(row[CLASS].item()), **values} for row, values in zip(rows, numbers, strict=True)]


def typical_points(
    data: xr.Dataset, of: str, params: Sequence[str], columns: Sequence[str] = (), show: Sequence[str] = ()
) -> xr.Dataset:
    """One point of each class: that which is nearest to the median of its class in all parameters and outputs.

    Parameters
    ----------
    data : Dataset
        The results of a study.
    of : str
        An output that is a flag.
    params, columns : sequence of str
        What is compared, by rank within the class.
    show : sequence of str
        Names of classes, in order; all that occur when empty. One that does not occur is left out.

    Returns
    -------
    Dataset
        The parameters, along `class`.

    Raises
    ------
    DataError
        No point has a class of those.
    """
    flags, names = _flags(data, of)
    values = {name: _flat(data, name, data[of]) for name in (*params, *columns)}
    numbers = {name: number for number, name in names.items()}
    places: dict[str, int] = {}
    for name in show or numbers:
        there = np.flatnonzero(flags == numbers[name])
        if there.size:
            away = sum((_off_median(column[there]) for column in values.values()), np.zeros(there.size))
            places[name] = int(there[np.argmin(away)])
    if not places:
        raise errors.DataError("figure", f"no point has a class {of!r}", mend="Look at `status` to see why.")
    at = list(places.values())
    return xr.Dataset({p: (CLASS, values[p][at], data[p].attrs) for p in params}, {CLASS: list(places)})


def _flags(data: xr.Dataset, of: str) -> tuple[FloatArray, Mapping[float, str]]:
    """The flags of all points, and their names."""
    if of not in data:
        raise errors.unknown("report", "output", of, [str(v) for v in data.data_vars])
    names = labels.flag_names(data[of].attrs, f"report, output {of!r}")
    return _flat(data, of, data[of]), names


def _flat(data: xr.Dataset, name: str, like: xr.DataArray) -> FloatArray:
    """Values of an output or parameter at each point, in the order of the dims of `like`."""
    if name not in data.variables:
        raise errors.unknown("report", "output", name, [str(v) for v in data.data_vars])
    array = data[name]
    if not set(array.dims) <= set(like.dims):
        raise errors.DataError("report", f"{name!r} has dims {array.dims}", f"some of {like.dims}")
    sizes = [like.sizes[d] if d in array.dims else 1 for d in like.dims]
    own: Any = np.asarray(array.transpose(*[d for d in like.dims if d in array.dims]).values, np.float64)
    return np.asarray(np.broadcast_to(own.reshape(sizes), like.shape)).ravel()


def _median(values: FloatArray) -> float:
    held = values[~np.isnan(values)]
    return float(np.median(held)) if held.size else np.nan


def _off_median(values: FloatArray) -> FloatArray:
    """How far the rank of each value is from the middle, squared; 0 to 1; what is NaN is farthest, unless all are."""
    if np.isnan(values).all() or values.size < 2:
        return np.zeros(values.size)
    rank = np.argsort(np.argsort(values, kind="stable"), kind="stable") / (values.size - 1)
    return np.where(np.isnan(values), 1.0, (2 * rank - 1) ** 2)
