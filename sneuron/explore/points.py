"""What the points of a study say for a map: their classes, or their values, and what became of them."""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import numpy.typing as npt
import xarray as xr

from sneuron import errors, labels
from sneuron.explore.engine import Layout
from sneuron.explore.outputs import Output
from sneuron.labels import Status
from sneuron.lang import expr

__all__ = [
    "FAILED",
    "NONE",
    "Classified",
    "check_by",
    "classified",
    "is_number",
    "needed",
]

Floats = npt.NDArray[np.float64]

NONE, FAILED = "none", "failed"
"""Names of what has no class: the point ran well and the output is not there; it failed."""


@dataclass(frozen=True, eq=False)
class Classified:
    """What each point says.

    Parameters
    ----------
    values : float array (point)
        The output, or 0 and 1 for a condition; NaN where the point failed, was left out, or has none.
    codes : float array (point)
        Number of the class in `names`; NaN for a point that is left out or not computed.
    names : tuple of str
        Classes in the order of their values, then "none" and "failed" where they occur.
    flags : tuple of float
        Values of the classes; NaN for "none" and "failed".
    attrs : mapping
        Of the output.
    """

    values: Floats
    codes: Floats
    names: tuple[str, ...]
    flags: tuple[float, ...]
    attrs: Mapping[str, Any]


def check_by(by: str, outputs: Sequence[Output], layout: Layout, params: Collection[str], fill: bool) -> None:
    """Refuse what a study could not tell its points apart by.

    Parameters
    ----------
    by : str
        Name of an output, or a condition over outputs and parameters.
    outputs, layout : Output, Layout
        What the study keeps.
    params : collection of str
        Parameters that a condition may name.
    fill : bool
        Whether a number is wanted, not a class.

    Raises
    ------
    PlanError, UnknownNameError, ExpressionError
        It tells no classes apart (or, with `fill`, is no number).
    """
    scalars = [n for n, (dims, _, _) in layout.variables.items() if not dims and n not in _NOT_NAMED]
    if by not in layout.variables:
        if not by.isidentifier() or by in params:
            expr.parse(by, [*scalars, *params], "refine: by", condition=True)
            if fill:
                what = f"{by!r} is a condition; there is no tolerance between yes and no"
                raise errors.PlanError("refine: tolerance", what, mend="Leave it out, or name an output.")
            return
        raise errors.unknown("refine: by", "output", by, scalars)
    dims, dtype, attrs = layout.variables[by]
    if dims or by in _NOT_NAMED:
        what = f"{by!r} has dims {dims}: it is not one value of a point" if dims else f"{by!r} is no output"
        raise errors.PlanError("refine: by", what, scalars)
    counts = [labels.SPIKE_COUNT, *(o.name for o in outputs if o.what == labels.SPIKE_COUNT)]
    kind = "flag" if "flag_values" in attrs else "count" if by in counts or dtype[0] in "iub" else "number"
    if kind == "number" and not fill:
        what = f"{by!r} is a number ({attrs.get('units', '1')}), which tells no classes apart"
        mend = f"Write a condition, such as {by + ' > 1'!r}, or give a tolerance to fill where it varies."
        raise errors.PlanError("refine: by", what, "a flag, a count or a condition", mend=mend)
    if kind == "flag" and fill:
        what = f"{by!r} tells classes apart; there is no tolerance between them"
        raise errors.PlanError("refine: tolerance", what, mend="Leave it out.")


def classified(data: xr.Dataset, by: str, fill: bool = False) -> Classified:
    """The points of results by their classes.

    Parameters
    ----------
    data : Dataset
        Results along `point`.
    by : str
        An output that is a flag or a count, or a condition over outputs and parameters.
    fill : bool, default False
        Take any output as a number; of classes there are then only "none" and "failed".

    Raises
    ------
    UnknownNameError, ExpressionError, DataError
        There is no such output, or it tells no classes apart.
    """
    status = np.asarray(data[labels.STATUS].values)
    if by in data:
        values, attrs = np.asarray(data[by].values, dtype=np.float64), dict(data[by].attrs)
    else:
        values, attrs = _conditioned(data, by), {"long_name": by, "units": "1"}
    if values.shape != status.shape:
        raise errors.DataError("classes", f"{by!r} has dims {data[by].dims}", "one value of each point")
    well = status == Status.OK
    values = np.where(well, values, np.nan)
    known = values[np.isfinite(values)]
    if by in data and not fill and is_number(data[by]):
        mend = f"Write a condition, such as {by + ' > 1'!r}."
        raise errors.DataError("classes", f"{by!r} holds numbers, which tell no classes apart", mend=mend)
    flags = np.unique(known) if not fill else np.empty(0)
    names = _named(flags, by not in data, attrs)
    codes = np.full(values.shape, np.nan) if fill else np.searchsorted(flags, values).astype(np.float64)
    lost = (status > Status.OK) & (status != Status.EXCLUDED)
    for name, which in ((NONE, well & np.isnan(values)), (FAILED, lost)):
        if which.any():
            codes[which] = len(names)
            names, flags = [*names, name], np.append(flags, np.nan)
    codes[(status == Status.EXCLUDED) | (status == Status.NOT_RUN)] = np.nan
    return Classified(values, codes, tuple(names), tuple(flags.tolist()), attrs)


def is_number(output: xr.DataArray) -> bool:
    """Whether an output holds numbers that tell no classes apart: no flags, and a unit or parts of one."""
    if "flag_values" in output.attrs:
        return False
    held = np.asarray(output.values, dtype=np.float64)
    return labels.units_of(output.attrs) not in (None, "", "1") or bool(np.any(held[np.isfinite(held)] % 1 != 0))


_NOT_NAMED = (labels.STATUS, labels.FIRST_BAD)


def needed(data: xr.Dataset, by: str) -> xr.Dataset:
    """The variables of results that are looked at to tell points apart, loaded."""
    if by in data:
        return data[[by, labels.STATUS]].load()
    return data[[labels.STATUS, *sorted(expr.names_of(_parsed(data, by)))]].load()


def _parsed(data: xr.Dataset, by: str) -> Any:
    """A condition over what there is one of for each point."""
    flat = [str(n) for n, v in data.variables.items() if v.dims in ((labels.POINT,), ())]
    if by.isidentifier():
        raise errors.unknown("classes", "output", by, [str(n) for n in data.data_vars])
    return expr.parse(by, flat, "classes", condition=True)


def _conditioned(data: xr.Dataset, by: str) -> Floats:
    """1 where a condition holds, 0 where it does not, NaN where what it names is not there."""
    parsed = _parsed(data, by)
    known = {n: np.asarray(data[n].values, dtype=np.float64) for n in expr.names_of(parsed)}
    found = np.broadcast_to(np.asarray(expr.numpy_value(parsed, known)), (data.sizes[labels.POINT],))
    there = np.all([np.broadcast_to(np.isfinite(v), found.shape) for v in known.values()], axis=0)
    return np.where(there, found.astype(np.float64), np.nan)


def _named(flags: Floats, condition: bool, attrs: Mapping[str, Any]) -> list[str]:
    if condition:
        return ["no" if flag == 0 else "yes" for flag in flags]
    if "flag_values" not in attrs:
        return [f"{flag:g}" for flag in flags]
    names = labels.flag_names(attrs, "classes")
    return [names.get(float(flag), f"{flag:g}") for flag in flags]
