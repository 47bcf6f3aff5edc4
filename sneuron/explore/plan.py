"""Plans: everything that decides the results of a study, as frozen plain data with a hash."""

from __future__ import annotations

import functools
import json
import math
import secrets
import warnings
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np
import xarray as xr

from sneuron import errors, labels
from sneuron.explore.convergence import CHECKED
from sneuron.explore.encode import canonical, decode, encode, sha256
from sneuron.explore.engine import Engine, Facts, engine_named
from sneuron.explore.outputs import Output, outputs_of
from sneuron.explore.ranges import Range, checked_seed
from sneuron.explore.refine import refined
from sneuron.explore.space import Axis, Space, space_of

__all__ = ["ENGINE", "NETWORKS", "SCHEMA", "TRACE", "Plan", "simulated"]

SCHEMA = 1
ENGINE = "sneuron.explore.engine:NEURONS"
NETWORKS = "sneuron.explore.networks:NETWORKS"
DEFAULT = "hh"
"""The model of a study that says none."""
TRACE = "trace"
PROTOCOL = "protocol"
"""Stands for the stimuli, or the duration, of the model's own protocol."""

_MOST_STEPS = 10**10
_DTYPES = ("float64", "float32")


@dataclass(frozen=True)
class Plan:
    """What a study computes; equal plans have equal hashes and equal results.

    Made by `Plan.make`, which checks everything that can be checked before any work.

    Parameters
    ----------
    engine : str
        What simulates: "module:object".
    model, model_name, model_hash : str
        Canonical JSON of the model, its name, its sha256.
    space : Space
        The points.
    steps, dt : int, float
        Number and length (ms) of time steps.
    method, dtype : str
        Integration method; "float64" or "float32".
    stimulus : list
        Injected currents, as JSON holds them.
    outputs : tuple of Output
        What is kept of each point.
    record, every : tuple of str, int
        Variables recorded over time, every so many steps.
    seed : int
        Key of all random numbers.
    allow_unstable : bool
        Whether a dt beyond the stability limit is let through.
    common : tuple of str
        Parameters that do not count for the random numbers of noise.
    settled : int
        Steps that each point runs before anything is kept.
    checked : bool
        Whether errors are wanted in the place of outputs: what half the step, or a tenth of the
        tolerance, changes. Not part of what is hashed.
    rtol, atol : float or None, tuple of (state, number)
        Tolerances of a method that chooses its own steps; None and () otherwise.
    refine : str
        The rule by which points are added, as canonical JSON; empty for none.
    """

    engine: str
    model: str
    model_name: str
    model_hash: str
    space: Space
    steps: int
    dt: float
    method: str
    dtype: str
    stimulus: tuple[str, ...]
    outputs: tuple[Output, ...]
    record: tuple[str, ...]
    every: int
    seed: int
    allow_unstable: bool = False
    common: tuple[str, ...] = ()
    settled: int = 0
    checked: bool = False
    rtol: float | None = None
    atol: tuple[tuple[str, float], ...] = ()
    refine: str = ""

    @classmethod
    def make(
        cls,
        ranges: Any,
        model: Any = None,
        *,
        duration: Any,
        settle: Any = 0,
        dt: Any = None,
        method: str | None = None,
        dtype: str = "float64",
        stimulus: Any = None,
        outputs: Any = None,
        record: Any = (),
        every: Any = 1,
        repeats: int = 1,
        seed: int | None = 0,
        where: str | None = None,
        allow_unstable: bool = False,
        common: Any = (),
        rtol: Any = None,
        atol: Any = None,
        refine: Any = None,
        network: Any = None,
        engine: str = ENGINE,
    ) -> Plan:
        """A checked plan; see `ParamSweep` for the arguments.

        Raises
        ------
        SneuronError
            Naming what cannot be, and what could.
        """
        model, engine = simulated(model, network, engine)
        machine = engine_named(engine)
        facts = machine.facts(model)
        step = facts.dt if dt is None else _step(dt, facts)
        if dtype not in _DTYPES:
            raise errors.PlanError("dtype", f"{dtype!r} is no dtype of a run", _DTYPES)
        if isinstance(record, str):
            raise errors.PlanError("record", "record is a list of names", mend=f"Write record=[{record!r}].")
        if isinstance(every, bool) or not isinstance(every, int | np.integer) or every < 1:
            raise errors.PlanError("every", f"{every!r} is no number of steps", "a whole number from 1")
        made = cls(
            engine, facts.text, facts.name, facts.hash, space_of(ranges, facts.known, repeats, where),
            _steps(_shown(duration, facts), step), step, str(method or facts.method), dtype,
            _stimuli(stimulus, facts), outputs_of(outputs),
            tuple(record), int(every), secrets.randbits(63) if seed is None else checked_seed(seed, "seed"),
            bool(allow_unstable), (common,) if isinstance(common, str) else tuple(common),
            _steps(settle, step, "settle"), False,
            *_pace(engine, facts, method, dtype, bool(allow_unstable), rtol, atol),
        )  # fmt: skip
        if made.settled and not getattr(machine, "settles", False):
            raise errors.PlanError("settle", f"engine {engine!r} keeps all that it simulates", mend="Leave it out.")
        _refuse_names(made)
        return made if refine is None else refined(made, refine)

    @property
    def duration(self) -> float:
        """How long each point runs and is looked at, ms."""
        return self.steps * self.dt

    @property
    def window(self) -> dict[str, float]:
        """When that begins and ends, ms."""
        start = self.settled * self.dt
        return {"t_start": start, "t_stop": start + self.duration}

    @property
    def time(self) -> str:
        """How long, and in which steps, in words."""
        before = f" after {self.settled * self.dt:g} ms" if self.settled else ""
        return f"{self.duration:g} ms{before} in steps of {self.dt:g} ms"

    @functools.cached_property
    def hash(self) -> str:
        """sha256 of the canonical JSON."""
        return sha256(self.to_json())

    @functools.cached_property
    def machine(self) -> Engine:
        """The engine itself."""
        return engine_named(self.engine)

    @functools.cached_property
    def facts(self) -> Facts:
        """The model as its engine knows it."""
        return self.machine.facts(self.model)

    @functools.cached_property
    def stimuli(self) -> list[Any]:
        """The injected currents."""
        return [decode(json.loads(text)) for text in self.stimulus]

    @property
    def trains(self) -> int:
        """Runs a point: the product of the dims of the stimuli."""
        sizes = {d: n for s in self.stimuli for d, n in getattr(s, "sizes", {}).items() if d not in ("time", "sample")}
        return math.prod(sizes.values())

    @property
    def features(self) -> tuple[str, ...]:
        """Features that the kernel computes on the way: those asked for, and those that measures need."""
        attrs = {"model": self.facts.neuron or self.model}
        wanted = [name for o in self.outputs for name in o.features(attrs, self.facts.offers)]
        return tuple(dict.fromkeys(wanted))

    @property
    def traces(self) -> tuple[str, ...]:
        """Variables over time that a run must have: those that are kept, and those that outputs look at."""
        looked = [name for o in self.outputs for name in o.traces]
        return tuple(dict.fromkeys([*self.record, *looked]))

    @property
    def functions(self) -> bool:
        """Whether functions that are not of the library look at the runs."""
        return any(o.kind == "function" and not o.what.startswith("sneuron.") for o in self.outputs)

    @property
    def needs_spikes(self) -> bool:
        """Whether anything looks at spike times."""
        return any(o.kind != "feature" for o in self.outputs)

    @property
    def noisy(self) -> bool:
        """Whether the model itself draws random numbers."""
        return self.facts.noisy

    def chosen(self, numbers: tuple[int, ...], dim: str) -> Space:
        """Some points, along one dim."""
        rows = [self.space.point(n).params for n in numbers]
        columns = [(name, tuple(float(r[name][0]) for r in rows)) for name in self.space.names]
        return Space((Axis(dim, tuple((n, Range("values", v, len(v))) for n, v in columns)),))

    def to_json(self) -> dict[str, Any]:
        """Plain data: what is hashed."""
        return {
            "schema": SCHEMA,
            "engine": self.engine,
            "model": json.loads(self.model) if self.model.startswith("{") else self.model,
            "model_name": self.model_name,
            "model_hash": self.model_hash,
            "space": self.space.to_json(),
            "steps": self.steps,
            "dt": self.dt,
            "method": self.method,
            "dtype": self.dtype,
            "stimulus": [json.loads(text) for text in self.stimulus],
            "outputs": {o.name: o.to_json() for o in self.outputs},
            "record": list(self.record),
            "every": self.every,
            "seed": self.seed,
            "allow_unstable": self.allow_unstable,
            **({"common": list(self.common)} if self.common else {}),
            **({} if self.rtol is None else {"rtol": self.rtol, "atol": dict(self.atol)}),
            **({"settled": self.settled} if self.settled else {}),
            **({"refine": json.loads(self.refine)} if self.refine else {}),
        }

    @classmethod
    def from_json(cls, data: Mapping[str, Any]) -> Plan:
        """The inverse of `to_json`."""
        if data.get("schema") != SCHEMA:
            raise errors.PlanError("plan", f"schema {data.get('schema')!r} is not that of this version ({SCHEMA})")
        own = {
            k: data[k]
            for k in ("engine", "model_name", "model_hash", "steps", "dt", "method", "dtype", "every", "seed")
        }
        return cls(
            model=data["model"] if isinstance(data["model"], str) else canonical(data["model"]),
            space=Space.from_json(data["space"]),
            stimulus=tuple(canonical(s) for s in data["stimulus"]),
            outputs=tuple(Output.from_json(n, o) for n, o in data["outputs"].items()),
            record=tuple(data["record"]),
            allow_unstable=bool(data["allow_unstable"]),
            common=tuple(data.get("common", ())),
            settled=int(data.get("settled", 0)),
            rtol=data.get("rtol"),
            atol=tuple(sorted(data.get("atol", {}).items())),
            refine=canonical(data["refine"]) if "refine" in data else "",
            **own,
        )


def simulated(model: Any, network: Any, engine: str) -> tuple[Any, str]:
    """The model or network, and the engine that simulates it."""
    from sneuron.explore.netknown import is_network

    if model is not None and network is not None:
        raise errors.PlanError("network", "model and network are both given", mend="Give one of them.")
    what = DEFAULT if model is None else model
    if engine != ENGINE:
        return (what if network is None else network), engine
    if network is None:
        return what, NETWORKS if is_network(what) else ENGINE
    return network, NETWORKS


def _step(dt: Any, facts: Facts) -> float:
    value = labels.number(dt.item() if isinstance(dt, np.generic | np.ndarray) else dt, "ms", "dt")
    if not math.isfinite(value) or value <= 0:
        raise errors.TimeError("dt", f"{dt!r} is not a time step", f"a number above 0 in ms, such as {facts.dt}")
    return value


def _pace(
    engine: str, facts: Facts, method: str | None, dtype: str, unstable: bool, rtol: Any, atol: Any
) -> tuple[float | None, tuple[tuple[str, float], ...]]:
    """Tolerances of a method that chooses its own steps, as numbers; other engines have none."""
    if engine != ENGINE:
        if rtol is not None or atol is not None:
            raise errors.PlanError(
                "rtol", f"the engine {engine!r} knows no tolerances", mend="Leave rtol and atol out."
            )
        return None, ()
    from sneuron.core.pace import ruled
    from sneuron.lang.model import load_model

    name = str(method or facts.method)
    rule = ruled("ParamSweep", name, load_model(facts.text), dtype, unstable, rtol=rtol, atol=atol)
    return (rule.rtol, rule.atol) if rule else (None, ())


def _steps(duration: Any, dt: float, where: str = "duration") -> int:
    """Whole steps in a duration, which is rounded to them, with a warning when that changes it."""
    total = labels.number(duration.item() if isinstance(duration, np.generic | np.ndarray) else duration, "ms", where)
    if not math.isfinite(total) or total < 0:
        raise errors.TimeError(where, f"{duration!r} is no length of time", "a number from 0, in ms")
    if 0 < total < dt * (1 - 1e-9):
        raise errors.TimeError("dt", f"one step of {dt:g} ms is longer than the duration of {total:g} ms")
    if total / dt > _MOST_STEPS:
        raise errors.TimeError(where, f"{total:g} ms are {total / dt:.3g} steps of {dt:g} ms", f"up to {_MOST_STEPS:,}")
    steps = round(total / dt)
    if abs(steps * dt - total) > 1e-9 * max(total, dt):
        warnings.warn(f"{total:g} ms is no multiple of dt {dt:g} ms; {steps * dt:g} ms are run.", stacklevel=4)
    return steps


def _shown(duration: Any, facts: Facts) -> Any:
    """The duration asked for; "protocol" stands for that of the model's own protocol."""
    if not _is_protocol(duration):
        return duration
    if not facts.duration:
        mend = "Give a duration, or another model: `sneuron models` says which have a protocol."
        raise errors.PlanError("duration", f"model {facts.name!r} comes without a protocol", mend=mend)
    return facts.duration


def _is_protocol(item: Any) -> bool:
    return isinstance(item, str) and item == PROTOCOL


def _stimuli(given: Any, facts: Facts) -> tuple[str, ...]:
    """Each injected current as canonical text; a constant, a labelled array, a stimulus, or a list of them."""
    if given is None:
        return ()
    listed = list(given) if isinstance(given, list | tuple) else [given]
    if any(map(_is_protocol, listed)) and not facts.duration:
        mend = "Give the stimuli themselves, or another model: `sneuron models` says which have a protocol."
        raise errors.PlanError("stimulus", f"model {facts.name!r} comes without a protocol", mend=mend)
    found = [each for item in listed for each in (facts.stimuli if _is_protocol(item) else [item])]
    for item in found:
        if isinstance(item, bool) or not isinstance(item, int | float | str | np.number | xr.DataArray | xr.Dataset):
            raise errors.PlanError(
                "stimulus", f"a {type(item).__name__} is no stimulus", "step(...), ramp(...), replay(...), a number"
            )
    return tuple(canonical(encode(item, "stimulus")) for item in found)


def _refuse_names(plan: Plan) -> None:
    """No output may bear the name of a parameter, a dim, or a variable that is always there."""
    taken = {*plan.space.dims, *plan.space.names, *labels.RESERVED, TRACE, CHECKED, *plan.record} - {labels.SPIKE_COUNT}
    for output in plan.outputs:
        if output.name in taken or (output.name == labels.SPIKE_COUNT and output.what != labels.SPIKE_COUNT):
            raise errors.PlanError(
                "outputs", f"the name {output.name!r} is taken", mend="Give the output another name."
            )
    for name in plan.record:
        if name in plan.space.names:
            raise errors.PlanError("record", f"{name!r} is swept and cannot be recorded under the same name")
    for name in (TRACE, CHECKED):
        if name in plan.space.dims:
            what = f"{name!r} cannot name a dim of a sweep: it is reserved"
            raise errors.PlanError("ranges", what, mend="Rename the dim.")
