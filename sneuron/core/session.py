"""A state on its way through a kernel: labelled arrays to lanes and back."""

from __future__ import annotations

import math
import warnings
from dataclasses import dataclass, field
from typing import Any

import numpy as np
import xarray as xr
from numpy.typing import NDArray

from sneuron import errors, labels
from sneuron.core.state import model_of, state_dims
from sneuron.core.stimulus import played, waves_of
from sneuron.lang.emit import ARMED, BEFORE, FLAG, PHASE, REFRACTORY
from sneuron.lang.kernel import Clock, Kernel, Lanes, Outcome, compiled
from sneuron.lang.methods import method as method_named
from sneuron.lang.model import Model

__all__ = ["Session", "checked_dt", "steps_in"]

Array = NDArray[Any]
MAX_STEPS = 10**12
_INTERNAL = {ARMED: "armed", REFRACTORY: "refractory_steps", BEFORE: "v_before", FLAG: "spike", PHASE: "spike_phase"}


def checked_dt(value: Any, model: Model, where: str) -> float:
    """The time step in ms: the model's own when None, a positive finite number otherwise."""
    if value is None:
        return float(model.dt)
    dt = labels.number(value.item() if isinstance(value, np.ndarray | np.generic) else value, "ms", f"{where}: 'dt'")
    if not math.isfinite(dt) or dt <= 0:
        raise errors.TimeError(
            f"{where}: 'dt'", f"{value!r} is not a time step", f"a number > 0 in ms, such as {model.dt}"
        )
    return dt


def steps_in(duration: Any, dt: float, where: str) -> int:
    """Whole steps in a duration (ms); the duration is rounded to them, with a warning when that changes it."""
    asked = duration.item() if isinstance(duration, np.ndarray | np.generic) else duration
    total = labels.number(asked, "ms", f"{where}: 'duration'")
    if not math.isfinite(total) or total < 0:
        raise errors.TimeError(f"{where}: 'duration'", f"{duration!r} is not a duration", "a finite number >= 0 in ms")
    if 0 < total < dt * (1 - 1e-9):
        raise errors.TimeError(
            f"{where}: 'dt'",
            f"one step of {dt:g} ms is longer than the duration {total:g} ms",
            mend="Give a smaller dt.",
        )
    if total / dt > MAX_STEPS:
        raise errors.TimeError(
            f"{where}: 'duration'",
            f"{total:g} ms are {total / dt:.3g} steps of {dt:g} ms",
            f"up to {MAX_STEPS:.0e} steps",
        )
    n = round(total / dt)
    if abs(n * dt - total) > 1e-9 * max(total, dt):
        warnings.warn(
            f"{where}: {total:g} ms is no multiple of dt {dt:g} ms; {n * dt:g} ms are run.", UserWarning, stacklevel=3
        )
    return n


@dataclass
class Session:
    """One state, one kernel, one clock.

    Parameters
    ----------
    state : Dataset
    where : str
        The public function, for errors.
    dt, method, dtype, record, features :
        As in `RunSim`.
    n_steps : int
        How many steps will be made, so that played samples reach far enough.
    """

    state: xr.Dataset
    where: str
    dt: Any = None
    method: str | None = None
    dtype: str = "float64"
    record: tuple[str, ...] = ()
    features: tuple[str, ...] = ()
    n_steps: int = 1
    unstable: bool = False
    model: Model = field(init=False)
    kernel: Kernel = field(init=False)
    lanes: Lanes = field(init=False)
    clock: Clock = field(init=False)
    dims: dict[str, int] = field(init=False)

    def __post_init__(self) -> None:
        self.model = model_of(self.state, self.where)
        if self.dtype not in ("float64", "float32"):
            raise errors.ParameterError(
                f"{self.where}: 'dtype'", f"{self.dtype!r} is no precision", "'float64', 'float32'"
            )
        self.dt = checked_dt(self.dt if self.dt is not None else self.state.attrs.get("dt"), self.model, self.where)
        name = self.method or self.state.attrs.get("method") or self.model.method
        self.kernel = compiled(
            self.model, method_named(name).name, self.dtype, waves_of(self.state), self.record, self.features
        )
        self.dims = state_dims(self.state)
        if not self.unstable and (self.state.attrs["step"] == 0 or self.dt != self.state.attrs.get("dt")):
            self._check_stability()
        self._load()

    def _check_stability(self) -> None:
        limit = self.kernel.method.stability
        if not math.isfinite(limit):
            return
        fastest = _fastest(self.state, self.model, self.dims)
        if self.dt > limit * fastest:
            raise errors.TimeError(
                f"{self.where}: 'dt'",
                f"{self.dt:g} ms is beyond what {self.kernel.method.name!r} can follow here: "
                f"the fastest time constant is {fastest:.3g} ms",
                f"up to {limit * fastest:.3g} ms",
                mend="Give a smaller dt, or allow_unstable=True, which the result then says.",
            )

    def _load(self) -> None:
        first, origin = self._start()
        wave, rows = played(self.state, first, self.n_steps + 1, self.dt, origin)
        played_by = [xr.DataArray(0) if r is None else r for r in rows]
        columns = [np.broadcast_to(self.flat(r).astype(np.int64), (self.size,)) for r in played_by]
        table = np.stack(columns, axis=1) if columns else np.zeros((self.size, 1), np.int64)
        kinds, groups = np.unique(table, axis=0, return_inverse=True)
        self.lanes = self.kernel.lanes(groups.reshape(-1))
        self.clock = Clock(self.dt, origin, first, wave, kinds[self.lanes.groups], first)
        for name in self.lanes.layout.rows:
            source = _INTERNAL.get(name, name)
            if source in self.state:
                self.lanes.put(name, self.flat(self.state[source]))
        for feature in self.features:
            start = {"min": np.inf, "max": -np.inf, "mean": 0.0}[feature.rsplit("_", 1)[1]]
            self.lanes.put(f"feature.{feature}", start)
        self.kernel.prepare(self.lanes, self.dt)

    def _start(self) -> tuple[int, float]:
        """Step number and origin of the clock; another dt starts a new count."""
        step, origin = int(self.state.attrs["step"]), float(self.state.attrs["origin"])
        before = float(self.state.attrs.get("dt", self.dt))
        return (step, origin) if before == self.dt else (0, origin + step * before)

    @property
    def size(self) -> int:
        """How many neurons."""
        return math.prod(self.dims.values())

    def flat(self, array: xr.DataArray) -> Array:
        """A variable of the state, one value per neuron; one number for all stays one number."""
        if array.ndim == 0:
            return np.asarray(array.values)
        present = [d for d in self.dims if d in array.dims]
        shape = [n if d in array.dims else 1 for d, n in self.dims.items()]
        values = array.transpose(*present).values.reshape(shape)
        return np.broadcast_to(values, tuple(self.dims.values())).reshape(-1)

    def labelled(self, values: Array, extra: tuple[str, ...] = (), **attrs: Any) -> xr.DataArray:
        """Values of the neurons (first axis) with their dims again."""
        shape = (*self.dims.values(), *values.shape[1:])
        return xr.DataArray(values.reshape(shape), dims=(*self.dims, *extra), attrs=attrs)

    def outcome(self, room: int = 0, samples: int = 0) -> Outcome:
        """Empty results."""
        return Outcome.empty(self.kernel, self.lanes, room, samples)

    def after(self, n_steps: int, out: Outcome | None = None) -> xr.Dataset:
        """The state `n_steps` later, from the lanes; neurons that failed are NaN from here on."""
        failed = self.lanes.points(out.status) != 0 if out is not None else np.zeros(self.size, bool)
        changed: dict[str, xr.DataArray] = {}
        for name, state in self.model.states.items():
            values = np.where(failed, np.nan, self.lanes.get(name).astype(np.float64))
            changed[name] = self.labelled(values, units=state.unit, long_name=state.note or name, role="state")
        for row, name in _INTERNAL.items():
            values = self.lanes.get(row)
            values = (values == 1) & ~failed if row == FLAG else values.astype(np.float64)
            changed[name] = self.labelled(values).assign_attrs(self.state[name].attrs)
        gone = [n for n in ("current", "conductance", "injected") if n in self.state]
        attrs = {"origin": self.clock.origin, "step": self.clock.first + n_steps, "dt": self.dt}
        attrs["method"] = self.kernel.method.name
        return self.state.drop_vars(gone).assign(changed).assign_attrs(attrs)


def _fastest(state: xr.Dataset, model: Model, dims: dict[str, int]) -> float:
    """The fastest time constant (ms) of the neurons where they start; of many, over a spread sample of them."""
    from sneuron.lang.algebra import fastest_time_constant

    names = [n for n in model.params if n in state]
    size = math.prod(dims.values())
    picks = np.unique(np.linspace(0, size - 1, min(size, 64)).astype(int))
    index = np.unravel_index(picks, tuple(dims.values())) if dims else ()
    where = {str(d): xr.DataArray(i, dims="pick") for d, i in zip(dims, index, strict=True)}
    varied = [n for n in names if state[n].ndim]
    values: dict[str, Any] = {n: float(state[n]) for n in names if n not in varied}
    values |= {n: state[n].isel({str(d): where[str(d)] for d in state[n].dims}).values for n in varied}
    return float(np.min(fastest_time_constant(model, values)))
