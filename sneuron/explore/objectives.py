"""What a fit makes small: one or several terms, each an output of the runs, what it should be, and on which scale."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

import numpy as np
import numpy.typing as npt
import xarray as xr

from sneuron import errors, labels
from sneuron.analysis.measure import measures
from sneuron.explore.cells import VOLTAGE
from sneuron.labels import POINT, SPIKE, SPIKE_COUNT, SPIKE_TIME, Status

__all__ = ["TERMS", "Term", "losses_of", "offsets_of", "terms_of"]

SPIKE_REF = "spike_ref"
_NORMS = ("mean", "rms", "max")
_OWN = ("goal", "sd", "weight", "norm", "missing", "variable")

TERMS: dict[str, dict[str, Any]] = {
    "gamma": {"measure": "Coincidence", "goal": 1.0},
    "gamma_data": {"measure": "Coincidence", "goal": 1.0, "rate": "data", "matching": "nearest"},
    "counts": {"measure": "SpikeCount", "norm": "rms"},
    "rate": {"measure": "FireRate", "norm": "rms"},
    "latency": {"measure": "Latency", "sd": 5.0},
    "van_rossum": {"measure": "VanRossum", "goal": 0.0},
    "victor_purpura": {"measure": "VictorPurpura", "goal": 0.0},
    "trace_error": {"measure": "TraceError", "goal": 0.0, "norm": "rms"},
}
"""Objectives by name: an output of the runs, and what it should be (as in the recording when nothing is said)."""


@dataclass(frozen=True)
class Term:
    """A part of the loss: how far an output is from its goal, in units of `sd`.

    Parameters
    ----------
    name : str
        Its name, and that of its output.
    output : mapping
        The output, as `ParamSweep` takes it.
    goal, sd : DataArray, float, or (goal) text
        What it should be (of a flag: its name), and on which scale a difference counts.
    weight : float
        How much it counts beside others.
    norm : {"mean", "rms", "max"}
        How differences are put together over sweeps and other dims.
    missing : float
        What counts, in `sd`, where the output is not defined (no spike, no interval) but should be.
    variable : str
        Which variable of the output; the output itself when empty.
    quiet : DataArray or None
        Sweeps in which the cell did not spike: where the model does not either, an output that is not defined is right.
    """

    name: str
    output: Mapping[str, Any]
    goal: Any
    sd: Any = 1.0
    weight: float = 1.0
    norm: str = "mean"
    missing: float = 10.0
    variable: str = ""
    quiet: Any = field(default=None, repr=False)

    @property
    def stored(self) -> str:
        """The variable of the study that it looks at."""
        return f"{self.name}_{self.variable}" if self.variable else self.name

    def deviation(self, data: xr.Dataset) -> xr.DataArray:
        """How far each point and sweep is from the goal, in units of `sd`; NaN where the run failed."""
        found: xr.DataArray = abs(self.offset(data))
        return found

    def offset(self, data: xr.Dataset) -> xr.DataArray:
        """The deviation with its sign: positive above the goal, and where the output is missing."""
        value = _bare(data[self.stored])
        found: xr.DataArray
        if isinstance(self.goal, str):
            found = (value != self.flag_of(data[self.stored].attrs)) / self.sd
        else:
            goal = _bare(self.goal) if isinstance(self.goal, xr.DataArray) else self.goal
            found = ((value - goal) / self.sd).fillna(self.missing)
            if self.quiet is not None:
                silent = _bare(self.quiet) & (_bare(data[SPIKE_COUNT]) == 0)
                found = found.where(~(value.isnull() & silent), 0.0)
        return found.where(_bare(data[labels.STATUS]) == Status.OK)

    def loss(self, data: xr.Dataset) -> npt.NDArray[np.float64]:
        """The loss of each point; infinite where a run failed."""
        found = self.deviation(data)
        over = [d for d in found.dims if d != POINT]
        if self.norm == "rms":
            total = ((found**2).mean(over, skipna=False)) ** 0.5
        else:
            total = found.max(over, skipna=False) if self.norm == "max" else found.mean(over, skipna=False)
        return np.asarray((self.weight * total).fillna(np.inf).values, dtype=np.float64)

    def flag_of(self, attrs: Mapping[Any, Any]) -> float:
        """The value of the flag that is wanted, by its name."""
        where = f"FitModel: objective {self.name!r}"
        flags = labels.flag_names(attrs, where)
        if self.goal not in flags.values():
            raise errors.unknown(where, "flag", str(self.goal), flags.values())
        return next(value for value, known in flags.items() if known == self.goal)

    def to_json(self) -> dict[str, Any]:
        """What decides the loss, as plain data; the output is told by the plan."""
        from sneuron.explore.encode import encode

        own = {"goal": self.goal, "sd": self.sd, "weight": self.weight, "norm": self.norm, "missing": self.missing}
        return {k: encode(v, f"objective {self.name!r}") for k, v in {**own, "variable": self.variable}.items()}


def _bare(array: xr.DataArray) -> xr.DataArray:
    """Values and dims only: sweeps are the same by their order."""
    return array.drop_vars(list(array.coords))


def losses_of(terms: tuple[Term, ...], data: xr.Dataset) -> npt.NDArray[np.float64]:
    """The loss of each point (rows) by each term."""
    return np.stack([term.loss(data) for term in terms], axis=1)


def offsets_of(terms: tuple[Term, ...], data: xr.Dataset) -> npt.NDArray[np.float64]:
    """The signed deviations of each point (rows), sweep by sweep and term by term; NaN where a run failed."""
    each = [term.offset(data).transpose(POINT, ...).values for term in terms]
    return np.concatenate([e.reshape(len(e), -1) for e in each], axis=1)


def terms_of(given: Any, cell: xr.Dataset | None) -> tuple[Term, ...]:
    """The terms of an objective.

    Parameters
    ----------
    given : str, mapping, or list of them
        A name of `TERMS`; name -> goal (a number or DataArray) for a measure or feature of that name; or name -> dict
        with `measure` or `feature`, its options, and `goal`, `sd`, `weight`, `norm`, `missing`, `variable`.
    cell : Dataset or None
        What `cell_of` gives, of the sweeps that are fitted.

    Raises
    ------
    UnknownNameError, ParameterError, DataError
        Naming the term.
    """
    listed = list(given) if isinstance(given, list | tuple) else [given]
    pairs: list[tuple[str, Any]] = []
    for item in listed:
        pairs += list(item.items()) if isinstance(item, Mapping) else [(item, {})]
    if not pairs:
        raise errors.ParameterError("FitModel: objective", "nothing is to be made small", sorted(TERMS))
    made = tuple(_term(name, spec, cell) for name, spec in pairs)
    names = [t.name for t in made]
    if len(set(names)) < len(names):
        raise errors.ParameterError("FitModel: objective", f"{names} name one twice", mend="Give them other names.")
    return made


def _term(name: Any, spec: Any, cell: xr.Dataset | None) -> Term:
    where = f"FitModel: objective {name!r}"
    if not isinstance(name, str):
        raise errors.ParameterError("FitModel: objective", f"{name!r} is no name", sorted(TERMS))
    if not isinstance(spec, Mapping):
        spec = {"goal": spec}
    base = dict(TERMS.get(name, {}))
    if "objective" in spec:
        kind = str(spec["objective"])
        if kind not in TERMS:
            raise errors.unknown(where, "objective", kind, TERMS)
        base = dict(TERMS[kind])
    if not base and "measure" not in spec and "feature" not in spec:
        if name not in measures and name.rpartition("_")[2] not in ("mean", "min", "max", "first"):
            raise errors.unknown("FitModel: objective", "objective", name, [*TERMS, *measures])
        base = {"measure": name} if name in measures else {"feature": name}
    full = {**base, **{k: v for k, v in spec.items() if k != "objective"}}
    own = {k: full.pop(k) for k in _OWN if k in full}
    _check(own, where)
    output = _output(full, cell, where)
    if "goal" not in own:
        own["goal"] = _of_recording(output, own.get("variable", ""), cell, where)
    quiet = None if cell is None else cell[SPIKE_COUNT] == 0
    stored = str(own.pop("variable", ""))
    return Term(name, output, variable="" if stored == name else stored, quiet=quiet, **own)


def _check(own: Mapping[str, Any], where: str) -> None:
    if own.get("norm", "mean") not in _NORMS:
        raise errors.unknown(where, "norm", str(own["norm"]), _NORMS)
    for key in ("sd", "weight", "missing"):
        if key in own and not (_number(own[key], key, where) > 0).all():
            raise errors.ParameterError(where, f"{key} is {own[key]!r}", "numbers above 0")
    goal = own.get("goal", 0.0)
    if not isinstance(goal, str) and not np.isfinite(_number(goal, "goal", where)).any():
        raise errors.ParameterError(where, f"the goal is {goal!r}", "a number, a DataArray, the name of a flag")


def _number(value: Any, key: str, where: str) -> npt.NDArray[np.float64]:
    """A number or the values of a DataArray; positions in a list say not which sweep they are of."""
    plain = isinstance(value, int | float | np.number) and not isinstance(value, bool)
    if not plain and not (isinstance(value, xr.DataArray) and value.dtype.kind in "iuf"):
        raise errors.ParameterError(where, f"{key} is {value!r}", "a number, a DataArray with the dims of the output")
    return np.asarray(value, dtype=np.float64)


def _output(spec: Mapping[str, Any], cell: xr.Dataset | None, where: str) -> dict[str, Any]:
    """The output of the runs; what it compares with comes from the recording."""
    found = dict(spec)
    what = found.get("measure")
    if isinstance(what, str) and what not in measures:
        raise errors.unknown(where, "measure", what, measures)
    over = getattr(measures[what] if isinstance(what, str) else what, "over", {})
    for name in ("reference", "target"):
        if name in over and name not in found:
            if cell is None or (name == "target" and VOLTAGE not in cell):
                kind = "spikes" if name == "reference" else "voltage"
                raise errors.DataError(where, f"there is no recorded {kind} to compare with", mend="Give data with it.")
            found[name] = _reference(cell) if name == "reference" else cell[VOLTAGE]
    return found


def _reference(cell: xr.Dataset) -> xr.DataArray:
    return cell[SPIKE_TIME].rename({SPIKE: SPIKE_REF})


def _of_recording(output: Mapping[str, Any], variable: str, cell: xr.Dataset | None, where: str) -> Any:
    """What the same measure says of the recorded spikes."""
    if cell is None or "measure" not in output:
        raise errors.DataError(where, "what it should be is not said", mend="Give a goal: {..., 'goal': 12.0}.")
    options = {k: v for k, v in output.items() if k != "measure"}
    what = output["measure"]
    measure: Any = measures[what] if isinstance(what, str) else what
    if "traces" in dir(next(iter(measure.over.values()))):
        if VOLTAGE not in cell:
            raise errors.DataError(where, "there is no recorded voltage to look at", mend="Give data with it.")
        given = cell[VOLTAGE]
    else:
        given = cell[SPIKE_TIME].assign_attrs(t_start=0.0, t_stop=cell.attrs["t_stop"])
    found = measure(given, **options)
    if isinstance(found, xr.Dataset):
        names = [str(n) for n in found.data_vars]
        if variable not in names:
            raise errors.unknown(where, "variable", variable, names, "Say which: {..., 'variable': ...}.")
        found = found[variable]
    return found.compute()
