"""Whole runs: the fused kernel behind labelled arrays."""

from __future__ import annotations

import json
import math
import os
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import replace
from typing import Any

import numpy as np
import xarray as xr
from numpy.typing import NDArray

from sneuron import errors, labels
from sneuron.core.adapt import advance, after, counted
from sneuron.core.netrun import networks, stepped
from sneuron.core.network import NetSession, is_network
from sneuron.core.pace import Control, ruled
from sneuron.core.plastic import PLASTICITY
from sneuron.core.results import provenance, recorded, result_of, window
from sneuron.core.session import MAX_STEPS, Session, checked_dt, steps_in
from sneuron.core.state import model_of, state_dims
from sneuron.lang.assignments import FEATURES
from sneuron.lang.kernel import Outcome
from sneuron.lang.model import Model
from sneuron.lang.program import recordable

__all__ = ["RunSim", "StepSim"]

Array = NDArray[Any]
ROOM_IN_ALL = 2**23
"""Spike times held at once, in all; 16 to 128 for each neuron."""


def RunSim(
    state: xr.Dataset,
    duration: Any,
    dt: Any = None,
    method: str | None = None,
    *,
    record: Sequence[str] = (),
    record_at: Any = None,
    every: int = 1,
    features: Sequence[str] = (),
    spikes: bool = True,
    weights_every: Any = None,
    dtype: str = "float64",
    allow_unstable: bool = False,
    return_state: bool = False,
    rtol: Any = None,
    atol: Mapping[str, Any] | None = None,
    max_step: Any = None,
    max_attempts: int | None = None,
) -> Any:
    """Run neurons for a while in one compiled loop.

    Parameters
    ----------
    state : Dataset
        From `InitNeu`, `InjCur`, `StepSim`, or the end state of another run; networks from `BuildNet` or `connect`.
    duration : number or text, ms
        0 gives a run with no step: one sample of each recorded variable, no spike.
    dt : number or text, ms
        Time step; the state's last, else the model's own.  Under "tsit5" and "bs32" the first step, and the interval
        of what is recorded.
    method : str
        Integration method; the state's last, else the model's own.  Under "tsit5" and "bs32" each neuron chooses its
        own steps (see `AdaptDT`).
    record : sequence of str
        States, currents (`i_na`), conductances (`g_na`), reversal potentials (`e_na`), powers (`p_na`), `i_stim` or
        `armed` (1 while the next crossing of the threshold is a spike, 0 during one) to keep over time.
    record_at : mapping or list of int, optional
        Where to record: a selection of coordinates, or numbers of neurons counted in the order of the
        dims; traces then have the dim `trace`.  Everywhere when omitted.
    every : int
        Record every so many steps, from the first sample at the start.
    features : sequence of str
        `<variable>_mean`, `_min`, `_max` or `_first` over the run, at the start of each step, computed on the way;
        a measure (`EnergyUse`, or a `functools.partial` of one) stands for the features that it needs.  Of neurons
        that choose their steps: the integral over the time by the same pair, and the extremes between steps too.
    spikes : bool
        Whether spike times are kept; counts always are.
    weights_every : number or text, ms
        Of networks whose synapses change: keep their weights so often, from the start on.
    dtype : {"float64", "float32"}
    allow_unstable : bool
        Run with a dt beyond the stability limit; the result says so.
    return_state : bool
        Return (run, state at the end).
    rtol : float
        Of methods that choose their steps: the error that a step may have, as a part of each state's size (<= 100 mV, 1
        for gates); 1e-5 when omitted.
    atol : mapping
        State -> error that a step may have, in the state's own unit, in place of `rtol` times its size.
    max_step : number or text, ms
        No step is longer.
    max_attempts : int
        Steps that a neuron may try before it is given up (`status` timeout); 1000 and 1000 for each ms when omitted.

    Returns
    -------
    xarray.Dataset or (Dataset, Dataset)
        `spike_count` (NaN where a neuron failed), `spike_time(..., spike)` in ms padded with NaN, `first_bad_time` in
        ms, recorded variables with `time`, features; coordinates are the parameters that vary, and `status` (ok,
        diverged, out_of_range, overflow, timeout).  Of neurons that choose their steps also `steps_accepted` and
        `steps_rejected`.  Of networks `event_time(..., event)` in ms and `event_neuron(..., event)` in place of
        `spike_time`, and one `status` for each network: overflow where it ran away. With `weights_every` also
        `weight(..., snapshot, synapse)`, and the parts of the weights at their bounds, `at_low` and `at_high(...,
        snapshot, projection)`.

    Raises
    ------
    TimeError
        When dt or duration cannot be, or dt is beyond what the method can follow.
    UnknownNameError
        When something to record is not there.

    Notes
    -----
    The k-th sample lies at t_start + k * every * dt and holds the state before step k * every; spikes are
    placed inside their step by linear interpolation (in closed form under method "exact").
    n single steps by `StepSim` give the same bits.

    Examples
    --------
    >>> from sneuron.core.state import InitNeu
    >>> run = RunSim(InitNeu({"model": "hh", "I": [0.0, 10.0]}), duration=100)
    >>> run.spike_count.values
    array([0., 7.])
    """
    where = "RunSim"
    model = model_of(state, where)
    dt_ms = checked_dt(dt if dt is not None else state.attrs.get("dt"), model, where)
    n = steps_in(duration, dt_ms, where)
    _check_flags(where, spikes=spikes, allow_unstable=allow_unstable, return_state=return_state)
    record, features = _names(record, "record", where), _names(_needed(features, model), "features", where)
    every = _whole(every, 1, f"{where}: 'every'")
    _check_request(model, record, features, record_at, where)
    everywhere = () if record_at is not None else record
    pace = {"rtol": rtol, "atol": atol, "max_step": max_step, "max_attempts": max_attempts}
    rule = ruled(where, method or state.attrs.get("method"), model, dtype, allow_unstable, **pace)
    if is_network(state):
        _check_paced(rule, where)
        picks = None if record_at is None else _chosen(state, record_at, state_dims(state))
        often = _often(weights_every, state, dt_ms, where)
        net = NetSession(
            state, where, dt_ms, method, dtype, record, features, allow_unstable, picks=picks, weights_every=often
        )
        _check_memory(net, n // every + 1, where, net.size if picks is None else picks.size)
        return networks(net, n, every, spikes, return_state)
    if weights_every is not None:
        raise errors.ParameterError(f"{where}: 'weights_every'", "this state has no synapses", mend="Leave it out.")
    session = Session(state, where, dt_ms, method, dtype, everywhere, features, allow_unstable, rule is not None)
    _check_memory(session, n // every + 1, where, session.size)
    out, trains = _moved(session, n, every, rule, spikes)
    run = result_of(session, out, trains, n, every)
    if rule is not None:
        run = run.assign(counted(session))
    if record and record_at is not None:
        run = run.merge(_traces(state, record_at, n, session, record, every, rule), combine_attrs="override")
    run.attrs.update(provenance(session, n), **_pace(rule))
    if not return_state:
        return run
    return run, session.after(n, out.status) if rule is None else after(session, n, out)


def StepSim(
    state: xr.Dataset, dt: Any = None, n: int = 1, method: str | None = None, dtype: str = "float64"
) -> xr.Dataset:
    """The state `n` steps later.

    Parameters
    ----------
    state : Dataset
    dt : number or text, ms
    n : int
    method : str
    dtype : {"float64", "float32"}

    Returns
    -------
    xarray.Dataset
        With `spike` (whether the last step held one) and `spike_phase` (where in it).

    Notes
    -----
    For split methods a step is IonDyn, UpdVolt, UpdGate, RefracDyn, DetSpike, RstSpike, bit for bit: the gates
    see the new voltage, which makes spike times second-order accurate.  Under "euler" all states move from the
    same old ones: IonDyn, UpdGate, UpdVolt, RefracDyn, DetSpike, RstSpike.

    Examples
    --------
    >>> from sneuron.core.state import InitNeu
    >>> cell = StepSim(InitNeu({"model": "hh", "I": 10.0}), dt=0.025)
    >>> float(cell.v) > -65.0
    True
    """
    steps = _whole(n, 0, "StepSim: 'n'")
    if is_network(state):
        return stepped(state, dt, steps, method, dtype, "StepSim")
    session = Session(state, "StepSim", dt, method, dtype)
    out, _ = _advance(session, steps, 0, 1)
    return session.after(steps, out.status)


def _pace(rule: Control | None) -> dict[str, Any]:
    """Attributes that say how steps were chosen."""
    if rule is None:
        return {}
    return {"rtol": rule.rtol, "atol": json.dumps(dict(rule.atol)), "max_step": rule.longest}


def _moved(
    session: Session, n: int, every: int, rule: Control | None, spikes: bool
) -> tuple[Outcome, tuple[Array, Array]]:
    """The run itself; trains as (neuron, time)."""
    if rule is None:
        room = min(max(ROOM_IN_ALL // session.size, 16), 128) if spikes else 0
        return _advance(session, n, room, every)
    out, trains = advance(session, n, rule, spikes, every)
    _check_end(session, out, n)
    return out, trains


def _names(given: Any, what: str, where: str) -> tuple[str, ...]:
    """A list of names, each of them once."""
    names = () if isinstance(given, str) or not isinstance(given, Iterable) else tuple(given)
    if isinstance(given, str) or not isinstance(given, Iterable) or not all(isinstance(n, str) for n in names):
        raise errors.ParameterError(f"{where}: {what!r}", f"{given!r:.60} is no list of names", mend="record=['v']")
    return tuple(dict.fromkeys(names))


def _needed(features: Any, model: Model) -> Any:
    """Features in which measures are replaced by the features that they need."""
    if isinstance(features, str) or not isinstance(features, Iterable):
        return features
    attrs, offers, found = {"model": model.to_json()}, recordable(model), list[Any]()
    for feature in features:
        measure: Any = getattr(feature, "func", feature)
        options = getattr(feature, "keywords", {})
        found += measure.needs(attrs, offers, options) if hasattr(measure, "needs") else [feature]
    return found


def _check_flags(where: str, **flags: Any) -> None:
    for name, value in flags.items():
        if not isinstance(value, bool | np.bool_):
            raise errors.ParameterError(f"{where}: {name!r}", f"{value!r} is neither true nor false", "True, False")


def _check_request(model: Model, record: Any, features: Any, record_at: Any, where: str) -> None:
    if record_at is not None and not record:
        raise errors.ParameterError(f"{where}: 'record_at'", "nothing is to be recorded there", mend="record=['v']")
    names = recordable(model)
    for name in record:
        if name not in names:
            raise errors.unknown(f"{where}: 'record'", "variable", name, names)
    for feature in features:
        stem, _, kind = feature.rpartition("_")
        if stem not in names or kind not in FEATURES:
            raise errors.unknown(
                f"{where}: 'features'", "feature", feature, [f"{v}_{k}" for v in names for k in FEATURES]
            )


def _whole(value: Any, least: int, where: str) -> int:
    if isinstance(value, bool) or not isinstance(value, int | np.integer) or not least <= value <= MAX_STEPS:
        possible = f"a whole number from {least} to {MAX_STEPS:.0e}"
        raise errors.ParameterError(where, f"{value!r:.60} is not a number of steps", possible)
    return int(value)


def _often(every: Any, state: xr.Dataset, dt: float, where: str) -> int:
    """Steps between snapshots of the weights; 0 for none."""
    if every is None:
        return 0
    if PLASTICITY not in state.variables:
        what = "the synapses of this network stay as they are"
        raise errors.ParameterError(f"{where}: 'weights_every'", what, mend="Leave it out, or give them a rule.")
    ms = labels.number(labels.plain(every, f"{where}: 'weights_every'"), "ms", f"{where}: 'weights_every'")
    steps = round(ms / dt) if 0 < ms < math.inf else 0
    if steps < 1 or abs(steps * dt - ms) > 1e-9 * ms:
        what = f"{ms:g} ms is no time between snapshots"
        raise errors.TimeError(f"{where}: 'weights_every'", what, f"a multiple of dt, {dt:g} ms")
    return steps


def _check_paced(rule: Control | None, where: str) -> None:
    if rule is not None:
        what = "neurons of a network take their steps together"
        raise errors.ModelError(where, what, mend="Give a method of fixed steps, such as 'exp_euler' or 'linear'.")


def _check_memory(session: Session, samples: int, where: str, n: int) -> None:
    """Refuse traces that cannot be held."""
    variables = len(session.record)
    need = 2 * samples * n * variables * session.kernel.dtype.itemsize
    room = os.sysconf("SC_PAGE_SIZE") * os.sysconf("SC_PHYS_PAGES")
    if need > room:
        raise errors.ParameterError(
            f"{where}: 'record'",
            f"{samples} samples of {variables} variables of {n} neurons take {need / 2**30:.3g} GiB",
            f"up to {room / 2**30:.3g} GiB on this machine",
            mend="Give every=..., record_at=... for some of them, or features instead.",
        )


def _advance(session: Session, n: int, room: int, every: int) -> tuple[Outcome, tuple[Array, Array]]:
    """Run to the end, emptying the spike buffers whenever a block is full; trains as (neuron, time)."""
    kernel, lanes = session.kernel, session.lanes
    out = session.outcome(room, n // every + 1 if kernel.source.recorded else 0)
    neurons, times = [np.zeros(0, np.int64)], [np.zeros(0)]
    for clock, stop in session.stretches(n):
        while (out.done < stop).any():
            kernel.run(lanes, clock, stop, out, every)
            for k in range(int(out.fill.max(initial=0))):
                found = np.flatnonzero(lanes.points(out.fill) > k)
                neurons.append(found)
                times.append(out.times.reshape(-1, room)[lanes.place[found], k])
            out.fill[...] = 0
    _check_end(session, out, n)
    _last_sample(session, out, n, every)
    return out, (np.concatenate(neurons), np.concatenate(times))


def _check_end(session: Session, out: Outcome, n: int) -> None:
    """A state that is no number after the last step: nothing has looked at it yet."""
    for name in session.model.states:
        bad = ~np.isfinite(session.lanes.row(name)) & (out.status == 0)
        out.status[bad] = int(labels.Status.DIVERGED)
        out.bad[bad] = window(session, n)["t_stop"]


def _last_sample(session: Session, out: Outcome, n: int, every: int) -> None:
    """The sample at the very end: the states as they are now, the currents that belong to them."""
    names = session.kernel.source.recorded
    if not names or n % every:
        return
    if any(name not in session.model.states for name in names):
        clock = replace(session.clock_for(n, n + 1), first=session.clock.first + n)
        session.kernel.view("ion", session.lanes, clock)
    for k, name in enumerate(names):
        out.record[k, n // every] = session.lanes.row(session.kernel.source.program.row(name))


def _traces(
    state: xr.Dataset, at: Any, n: int, session: Session, record: tuple[str, ...], every: int, rule: Control | None
) -> xr.Dataset:
    """Chosen neurons, run once more with recording: the same bits, laid out along `trace`."""
    dims = state_dims(state)
    names = [d for d in dims if d in state.coords]
    chosen = _taken(state, _chosen(state, at, dims), dims)
    name, paced = session.kernel.method.name, rule is not None
    again = Session(chosen, "RunSim", session.dt, name, session.dtype, record, (), True, paced)
    out, _ = _moved(again, n, every, rule, False)
    traces = xr.Dataset(recorded(again, out, n, every))
    return traces.assign_coords(
        {f"trace_{d}": chosen[d] for d in names if d in chosen.coords and chosen[d].dims == ("trace",)}
    )


def _taken(state: xr.Dataset, numbers: Array, dims: dict[str, int]) -> xr.Dataset:
    """The state of some neurons, along `trace`."""
    if not dims:
        return state.assign(v=state["v"].expand_dims(trace=numbers.size))
    index = np.unravel_index(numbers, tuple(dims.values()))
    return state.isel({d: xr.DataArray(i, dims="trace") for d, i in zip(dims, index, strict=True)})


def _chosen(state: xr.Dataset, at: Any, dims: dict[str, int]) -> Array:
    """Flat numbers of the neurons that `record_at` means."""
    numbers = np.arange(int(np.prod(list(dims.values()) or [1]))).reshape(tuple(dims.values()))
    if not isinstance(at, dict):
        chosen = np.asarray(at)
        if chosen.dtype.kind not in "iu" or chosen.size == 0 or (chosen < 0).any() or (chosen >= numbers.size).any():
            raise errors.ParameterError(
                "RunSim: 'record_at'", f"{at!r} does not number neurons", f"0 to {numbers.size - 1}"
            )
        return chosen.reshape(-1)
    for name in at:
        if name not in dims:
            raise errors.unknown("RunSim: 'record_at'", "dim", str(name), list(dims))
    grid = xr.DataArray(numbers, dims=list(dims), coords={d: state[d] for d in dims if d in state.coords})
    try:
        chosen = np.atleast_1d(grid.sel(at).values).reshape(-1)
    except (KeyError, IndexError, TypeError, ValueError) as cause:
        raise _nowhere(at) from cause
    if not chosen.size:
        raise _nowhere(at)
    return chosen


def _nowhere(at: Any) -> errors.ParameterError:
    return errors.ParameterError(
        "RunSim: 'record_at'",
        f"{at!r} is not among the coordinates",
        mend="Give values that the axis has, or numbers of neurons.",
    )
