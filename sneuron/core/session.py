"""A state on its way through a kernel: labelled arrays to lanes and back."""

from __future__ import annotations

import math
import warnings
from collections.abc import Iterator
from dataclasses import dataclass, field, replace
from typing import Any

import numpy as np
import xarray as xr
from numpy.typing import NDArray

from sneuron import errors, labels
from sneuron.core.state import MEMBRANE, model_of, state_dims
from sneuron.core.stimulus import players, samples, waves_of
from sneuron.core.streams import keys_of
from sneuron.lang.arriving import most_of
from sneuron.lang.assignments import FEATURES, REFRACTORY
from sneuron.lang.expr import numpy_value
from sneuron.lang.kernel import Clock, Kernel, Lanes, Outcome, compiled
from sneuron.lang.methods import method as method_named
from sneuron.lang.model import Model
from sneuron.lang.receptors import Arrival
from sneuron.lang.rows import ARMED, BEFORE, FLAG, LEVEL, PHASE

__all__ = ["PACED", "Session", "checked_dt", "start_of", "steps_in"]

Array = NDArray[Any]
MAX_STEPS = 10**12
PLAYED_AT_ONCE = 2**20
"""How many steps of played samples, times rows, are held in memory at once."""
MOST_DRIVEN = 400.0
"""Spikes from outside that a neuron may expect in a step."""
PACED = ("t", "dt_next", "error", "error_before", "dt_before", "accepted", "refractory_until")
"""What a state holds besides when its neurons choose their own steps."""

_STILL = ("IonDyn", "DetSpike", "RstSpike", "RefracDyn")
"""Functions that look at a state as it is: under a method of its own steps they do what they do under any other."""

_INTERNAL = {ARMED: "armed", REFRACTORY: "refractory_steps", BEFORE: "v_before", FLAG: "spike", PHASE: "spike_phase"}
_INTERNAL |= {LEVEL: "threshold_before"}


def checked_dt(value: Any, model: Model, where: str) -> float:
    """The time step in ms: the model's own when None, a positive finite number otherwise."""
    if value is None:
        return float(model.dt)
    dt = labels.number(labels.plain(value, f"{where}: 'dt'"), "ms", f"{where}: 'dt'")
    if not math.isfinite(dt) or dt <= 0:
        raise errors.TimeError(
            f"{where}: 'dt'", f"{value!r} is not a time step", f"a number > 0 in ms, such as {model.dt}"
        )
    return dt


def steps_in(duration: Any, dt: float, where: str) -> int:
    """Whole steps in a duration (ms); the duration is rounded to them, with a warning when that changes it."""
    total = labels.number(labels.plain(duration, f"{where}: 'duration'"), "ms", f"{where}: 'duration'")
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
    unstable : bool
        Whether dt may lie beyond the stability limit.
    paced : bool
        Whether neurons choose their own steps.
    """

    state: xr.Dataset
    where: str
    dt: Any = None
    method: str | None = None
    dtype: str = "float64"
    record: tuple[str, ...] = ()
    features: tuple[str, ...] = ()
    unstable: bool = False
    paced: bool = False
    model: Model = field(init=False)
    kernel: Kernel = field(init=False)
    lanes: Lanes = field(init=False)
    clock: Clock = field(init=False)
    dims: dict[str, int] = field(init=False)
    played: int = field(init=False)

    def __post_init__(self) -> None:
        self.model = model_of(self.state, self.where)
        if self.dtype not in ("float64", "float32"):
            raise errors.ParameterError(
                f"{self.where}: 'dtype'", f"{self.dtype!r} is no precision", "'float64', 'float32'"
            )
        self.dt = checked_dt(self.dt if self.dt is not None else self.state.attrs.get("dt"), self.model, self.where)
        name = method_named(self.method or self.state.attrs.get("method") or self.model.method).name
        name = name if self.paced else self._stepped(name)
        self.dims = state_dims(self.state)
        self._check_alone()
        self.kernel = self._compiled(name)
        attrs = self.state.attrs
        known = attrs["step"] and (self.dt, name) == (attrs.get("dt"), attrs.get("method"))
        if not self.unstable and not known and not attrs.get("allow_unstable"):
            self._check_stability()
        self._load()

    def _check_alone(self) -> None:
        """Neurons of a network move together; what only looks at them may take them one by one."""
        if labels.PRE in self.state.variables and self.where not in (*_STILL, "SynCur"):
            raise errors.DataError(
                self.where, "the neurons of a network move together", mend="Take NetStep, or RunSim."
            )

    def _compiled(self, name: str) -> Kernel:
        """The kernel of this state's equations."""
        parts = (self.model, name, self.dtype, waves_of(self.state), self.record, self.features)
        return compiled(*parts, self.drawn())

    def drawn(self) -> tuple[tuple[int, int], ...]:
        """How the spikes from outside are drawn, for each drive."""
        known: dict[str, Any] = {n: p.value for n, p in self.model.params.items()}
        known |= {n: self.flat(self.state[n]) for n in self.model.params if n in self.state}
        return tuple(self._drawn(name, drive, known) for name, drive in self.model.drives.items())

    def _drawn(self, name: str, drive: Arrival, known: dict[str, Any]) -> tuple[int, int]:
        mean = np.asarray(numpy_value(drive.rate, known)) * self.dt
        if not (np.isfinite(mean).all() and (mean >= 0).all() and (mean <= MOST_DRIVEN).all()):
            raise errors.ParameterError(
                f"{self.where}: drive {name!r}", f"{float(np.max(mean)):.3g} spikes a step cannot be drawn",
                f"0 to {MOST_DRIVEN:g}", mend="Look at its rate, which is per ms, and at dt.",
            )  # fmt: skip
        return most_of(float(np.max(mean)))

    def _grouped(self, groups: Array) -> Array:
        """Which neurons may share a block: those that play the same samples."""
        return groups

    def _stepped(self, name: str) -> str:
        """The method of steps of one size; a state whose neurons chose theirs goes on when all are at one time."""
        clock = self._start()
        times = self.state.get("t")
        if times is not None and bool((times != clock[1] + clock[0] * self.dt).any()):
            raise errors.DataError(
                self.where, "the neurons of this state are at different times",
                mend="Bring them together: RunSim(state, duration, method='tsit5', return_state=True).",
            )  # fmt: skip
        self.state = self.state.drop_vars([n for n in PACED if n in self.state])
        if not method_named(name).error:
            return name
        if self.method or self.where not in _STILL:
            raise errors.ModelError(
                self.where, f"method {name!r} chooses its own steps", "RunSim, AdaptDT",
                mend=f"Give another method here, such as method={self.model.method!r}.",
            )  # fmt: skip
        return self.model.method

    def _check_stability(self) -> None:
        limit = self.kernel.method.stability
        if not math.isfinite(limit):
            return
        schemes = self.model.schemes if self.kernel.method.implicit_schemes else ()
        fastest = _fastest(self.state, self.model, self.dims, [x for s in schemes for x in s.states])
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
        plays, self.played = players(self.state)
        columns = [np.broadcast_to(self.flat(r).astype(np.int64), (self.size,)) for r in plays]
        table = np.stack(columns, axis=1) if columns else np.zeros((self.size, 1), np.int64)
        kinds, groups = np.unique(table, axis=0, return_inverse=True)
        groups = groups.reshape(-1)
        self.lanes = self.kernel.lanes(self._grouped(groups))
        self.clock = Clock(self.dt, origin, first, rows=kinds[groups[self.lanes.source[:, 0]]])
        for name in self.lanes.layout.rows:
            source = _INTERNAL.get(name, name)
            if source in self.state:
                self.lanes.put(name, self.flat(self.state[source]))
        self._rescale_waiting()
        for feature in self.features:
            self.lanes.put(f"feature.{feature}", FEATURES[feature.rsplit("_", 1)[1]])
        if self.kernel.source.program.draws:
            self.lanes.put_keys(*keys_of(self.state))
        self.kernel.prepare(self.lanes, self.dt)

    def clock_for(self, start: int, stop: int) -> Clock:
        """The clock with what is played from step `start` of this run up to before `stop`."""
        if not self.played:
            return self.clock
        first = self.clock.first + start
        wave = samples(self.state, first, stop - start, self.dt, self.clock.origin)
        return replace(self.clock, wave=wave, wave_start=first)

    def stretches(self, n_steps: int) -> Iterator[tuple[Clock, int]]:
        """Clocks for parts of a run, each with the step at which it ends, so that little is played from memory."""
        long = max(1, PLAYED_AT_ONCE // self.played if self.played else n_steps)
        for start in range(0, n_steps, long):
            stop = min(start + long, n_steps)
            yield self.clock_for(start, stop), stop

    def view(self, name: str) -> None:
        """Apply one part of the step at the state's own time."""
        self.kernel.view(name, self.lanes, self.clock_for(0, 1))

    def _rescale_waiting(self) -> None:
        """Steps left to wait were counted in the last dt; another dt counts the same time."""
        before = float(self.state.attrs.get("dt", self.dt))
        if before != self.dt and self.model.refractory and not self.paced:
            left = self.lanes.row(REFRACTORY)
            left[...] = left * (before / self.dt) if self.kernel.method.exact else np.rint(left * (before / self.dt))

    def _start(self) -> tuple[int, float]:
        """Step number and origin of the clock; another dt starts a new count."""
        step, origin = int(self.state.attrs["step"]), float(self.state.attrs["origin"])
        before = float(self.state.attrs.get("dt", self.dt))
        return (step, origin) if before == self.dt else (0, origin + step * before)

    @property
    def allowed(self) -> int:
        """1 where a dt beyond the stability limit was allowed, here or in what went before."""
        return int(self.unstable or bool(self.state.attrs.get("allow_unstable")))

    @property
    def size(self) -> int:
        """How many neurons."""
        return math.prod(self.dims.values())

    def flat(self, array: xr.DataArray) -> Array:
        """A variable of the state, one value per neuron; one number for all stays one number."""
        return spread(array, self.dims)

    def labelled(self, values: Array, extra: tuple[str, ...] = (), **attrs: Any) -> xr.DataArray:
        """Values of the neurons (first axis) with their dims again."""
        shape = (*self.dims.values(), *values.shape[1:])
        return xr.DataArray(values.reshape(shape), dims=(*self.dims, *extra), attrs=attrs)

    def outcome(self, room: int = 0, samples: int = 0) -> Outcome:
        """Empty results."""
        return Outcome.empty(self.kernel, self.lanes, room, samples)

    def after(self, n_steps: int, status: Array | None = None) -> xr.Dataset:
        """The state `n_steps` later, from the lanes; neurons that failed are NaN from here on."""
        failed = self.lanes.points(status) != 0 if status is not None else np.zeros(self.size, bool)
        changed: dict[str, xr.DataArray] = {}
        for name, state in self.model.states.items():
            values = np.where(failed, np.nan, self.lanes.get(name).astype(np.float64))
            changed[name] = self.labelled(values, units=state.unit, long_name=state.note or name, role="state")
        for row, name in ((r, n) for r, n in _INTERNAL.items() if r in self.lanes.layout.rows):
            values = self.lanes.get(row)
            values = (values == 1) & ~failed if row == FLAG else values.astype(np.float64)
            values = np.where(failed, np.nan, values) if row in (BEFORE, LEVEL) else values
            changed[name] = self.labelled(values).assign_attrs(self.state[name].attrs)
        gone = [n for n in MEMBRANE if n in self.state]
        attrs = {"origin": self.clock.origin, "step": self.clock.first + n_steps, "dt": self.dt}
        attrs |= {"method": self.kernel.method.name, "allow_unstable": self.allowed}
        return self.state.drop_vars(gone).assign(changed).assign_attrs(attrs)


def start_of(session: Session, n_steps: int = 0) -> float:
    """The time (ms) of a session `n_steps` steps after its start."""
    return float(session.clock.origin + (session.clock.first + n_steps) * session.dt)


def _fastest(state: xr.Dataset, model: Model, dims: dict[str, int], held: list[str]) -> float:
    """The fastest time constant (ms) of the neurons where they start; of many, over a spread sample of them."""
    from sneuron.lang.algebra import fastest_time_constant

    size = math.prod(dims.values())
    columns = {n: spread(state[n], dims) for n in model.params if n in state}
    varied = {n: c for n, c in columns.items() if c.ndim}
    picks = np.linspace(0, size - 1, min(size, 256)).astype(int)
    ends = [f(c) for c in varied.values() for f in (np.argmin, np.argmax)]
    chosen = np.unique([*picks, *ends])
    values: dict[str, Any] = {n: c[chosen] if n in varied else float(c) for n, c in columns.items()}
    return float(np.min(fastest_time_constant(model, values, held)))


def spread(array: xr.DataArray, dims: dict[str, int]) -> Array:
    """A variable of a state, one value per neuron; one number for all stays one number."""
    if array.ndim == 0:
        return np.asarray(array.values)
    present = [d for d in dims if d in array.dims]
    shape = [n if d in array.dims else 1 for d, n in dims.items()]
    values = array.transpose(*present).values.reshape(shape)
    return np.broadcast_to(values, tuple(dims.values())).reshape(-1)
