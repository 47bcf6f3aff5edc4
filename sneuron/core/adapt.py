"""Steps that neurons choose for themselves: one attempt, or whole runs."""

from __future__ import annotations

import math
from collections.abc import Mapping
from typing import Any

import numpy as np
import xarray as xr
from numpy.typing import NDArray

from sneuron import errors, labels
from sneuron.core.pace import Control, control, is_pair
from sneuron.core.session import Session, start_of
from sneuron.core.state import model_of
from sneuron.core.stimulus import recordings
from sneuron.lang.adapt import ACCEPTED, ERROR, FREE, LAST, NOW, REFUSED, SPAN, STEP, TRIED
from sneuron.lang.assignments import REFRACTORY
from sneuron.lang.kernel import Outcome
from sneuron.lang.methods import PAIRS
from sneuron.lang.methods import method as method_named
from sneuron.lang.rows import BEFORE

__all__ = ["AdaptDT", "advance", "after", "counted"]

Array = NDArray[Any]
PAIR = "tsit5"
PER_MS, AT_LEAST = 1000, 1000
"""Attempts that a neuron may take, for each ms, and in any case."""
_ROOM, _ROUNDS = 2**20, 2**18
_KEPT = {NOW: "t", STEP: "dt_next", ERROR: "error", LAST: "error_before", SPAN: "dt_before", ACCEPTED: "accepted"}
_KEPT |= {FREE: "refractory_until"}


def AdaptDT(
    state: xr.Dataset,
    until: Any = None,
    method: str | None = None,
    *,
    rtol: Any = None,
    atol: Mapping[str, Any] | None = None,
    max_step: Any = None,
) -> xr.Dataset:
    """One attempt of a step for every neuron, each at its own time and with its own step.

    Parameters
    ----------
    state : Dataset
        From `InitNeu`, `InjCur`, a run, or `AdaptDT` itself.
    until : number, text or DataArray, ms
        No neuron steps beyond this time; what will happen then (an event of a synapse, say) can be put into the state
        when all are there.  Neurons that are there already stay as they are.  No limit when omitted.
    method : {"tsit5", "bs32"}
        The pair; the state's last, else "tsit5".
    rtol : float
        Error that a step may have, as a part of each state's size (<= 100 mV, 1 for gates); 1e-5 when omitted.
    atol : mapping
        State -> error that a step may have, in the state's own unit, in place of `rtol` times its size.
    max_step : number or text, ms
        No step is longer.

    Returns
    -------
    xarray.Dataset
        The state after the attempt: `t(...)` in ms, the time of each neuron; `dt_next(...)` in ms, its next step;
        `error(...)`, that of the attempt as a part of what is allowed; `accepted(...)`, whether the step was taken;
        `spike` and `spike_phase` as after `StepSim`.

    Raises
    ------
    ParameterError, UnknownNameError
        For tolerances that cannot be, and methods that do not choose their steps.

    Notes
    -----
    e = rms over states of (error estimate / tolerance); taken when e <= 1.  For order k the next step is
    0.75 dt e^(-1/k), or (dt / dt_before) (e_before / e)^(1/k) of this where that is less, within 0.2 and 5 times dt:
    predictive PI control, Gustafsson 1994, doi:10.1145/198429.198437.  Pairs: Tsitouras 2011,
    doi:10.1016/j.camwa.2011.06.002; Bogacki & Shampine 1989, doi:10.1016/0893-9659(89)90079-7.
    Attempts until all neurons are at one time are `RunSim` up to there, bit for bit; the clock of the state stays
    where it was, so that durations count from there.

    Examples
    --------
    >>> from sneuron.core.state import InitNeu
    >>> cells = AdaptDT(AdaptDT(InitNeu({"model": "hh", "I": [0.0, 20.0]})))
    >>> bool(cells.accepted.all()), bool(cells.dt_next[0] > cells.dt_next[1])
    (True, True)
    """
    where = "AdaptDT"
    model = model_of(state, where)
    name = method or (str(state.attrs["method"]) if is_pair(state.attrs.get("method")) else PAIR)
    if not is_pair(method_named(name).name):
        raise errors.ParameterError(f"{where}: 'method'", f"{name!r} has steps of one size", ", ".join(PAIRS))
    rule = control(model, where, rtol=rtol, atol=atol, max_step=max_step)
    session = Session(state, where, None, name, paced=True)
    stop = _until(session, until)
    _begin(session)
    out = session.outcome()
    places = session.lanes.place
    width = session.lanes.layout.width
    for first in range(0, places.size, width):
        _run(session, out, rule, places[first : first + width], stop, np.zeros(0), rounds=1)
    return after(session, 0, out, together=False)


def _until(session: Session, until: Any) -> Array:
    """When each lane stops, dims (block, lane)."""
    where = "AdaptDT: 'until'"
    if until is None:
        return np.full((session.lanes.blocks, session.lanes.layout.width), np.inf)
    if isinstance(until, xr.DataArray):
        values = labels.convert(until.astype(np.float64), labels.units_of(until.attrs), "ms", where)
        if not set(values.dims) <= set(session.dims) or any(values.sizes[d] != session.dims[d] for d in values.dims):
            raise errors.DataError(where, f"dims {values.dims} are not those of the neurons", list(session.dims))
        times = np.broadcast_to(session.flat(values), (session.size,))
    else:
        times = np.full(session.size, labels.number(labels.plain(until, where), "ms", where))
    if np.isnan(times).any():
        raise errors.TimeError(where, "NaN is no time", mend="Give times in ms.")
    return np.asarray(times[session.lanes.source])


def _begin(session: Session) -> None:
    """Rows of the lanes that only adaptive steps know."""
    state, lanes = session.state, session.lanes
    for row, name in _KEPT.items():
        default = {NOW: start_of(session), STEP: session.dt, ACCEPTED: 1.0, FREE: -math.inf, SPAN: -100.0}.get(row, 0.0)
        lanes.put(row, session.flat(state[name]).astype(np.float64) if name in state else default)
    lanes.row(ERROR)[...] **= 2
    if "refractory_until" not in state:
        left = lanes.row(REFRACTORY)
        lanes.row(FREE)[...] = np.where(left > 0, lanes.row(NOW) + left * session.dt, -np.inf)


def advance(
    session: Session, n_steps: int, rule: Control, spikes: bool, every: int
) -> tuple[Outcome, tuple[Array, Array]]:
    """A whole run of `n_steps` intervals dt; trains as (neuron, time)."""
    _begin(session)
    start, end = start_of(session), start_of(session, n_steps)
    samples = n_steps // every + 1 if session.record else 0
    out = session.outcome(1 if spikes else 0, samples)
    out.record[...] = np.nan
    stop = np.full((session.lanes.blocks, session.lanes.layout.width), end)
    limit = rule.attempts or round(PER_MS * (end - start)) + AT_LEAST
    grid = np.array([start, every * session.dt, samples], np.float64)
    trains = _run(session, out, rule, session.lanes.place, stop, grid, limit=limit, room=_ROOM if spikes else 0)
    lanes = session.lanes
    for feature in session.features:
        if feature.endswith("_mean"):
            lanes.row(f"feature.{feature}")[...] /= session.dt
    if session.record and n_steps % every == 0:
        kernel, extra = session.kernel.module, _played(session)
        kernel.last(lanes.data, _block(session), lanes.place, grid, *extra, out.record)
    return out, trains


def _run(
    session: Session,
    out: Outcome,
    rule: Control,
    queue: Array,
    stop: Array,
    grid: Array,
    rounds: int = 0,
    limit: float = math.inf,
    room: int = 0,
) -> tuple[Array, Array]:
    """Points of the queue through one block of lanes, until all are done or so many rounds are over."""
    lanes, module = session.lanes, session.kernel.module
    block, width = _block(session), lanes.layout.width
    at, lane = np.zeros(4, np.int64), np.full(width, -1, np.int64)
    times, who = np.empty(room), np.empty(room, np.int64)
    neurons = np.zeros(lanes.blocks * width, np.int64)
    neurons[lanes.place] = np.arange(lanes.n)
    grid = grid if grid.size else np.array([0.0, 1.0, 0.0])
    found: list[tuple[Array, Array]] = [(np.zeros(0, np.int64), np.zeros(0))]
    extra, weights = _played(session), rule.weights(session.model)
    while True:
        module.run(
            lanes.data, block, queue, at, lane, stop.reshape(-1), grid, *extra,
            weights, rule.longest, float(limit), session.dt,
            times, who, out.counts, out.status, out.bad, out.record, rounds or _ROUNDS, bool(rounds),
        )  # fmt: skip
        found.append((neurons[who[: at[2]]], times[: at[2]].copy()))
        at[2] = 0
        if rounds or at[1] == 0:
            break
    return np.concatenate([f[0] for f in found]), np.concatenate([f[1] for f in found])


def _block(session: Session) -> Array:
    """All rows of a block of lanes, on a border of the cache: vectors that lie across two lines cost twice."""
    size, line = session.kernel.module.ROWS * session.lanes.layout.width, 64
    bare = np.zeros(size + line // 8)
    start = -bare.ctypes.data % line // 8
    return bare[start : start + size]


def _played(session: Session) -> tuple[Array, Array, Array, Array]:
    """What is played: all samples, where each row of them begins and how many it has; start, interval, hold; rows."""
    found = recordings(session.state)
    rows = [row for samples, *_ in found for row in samples]
    sizes = np.array([len(row) for row in rows], np.int64)
    spots = np.stack([np.cumsum(sizes) - sizes, sizes], axis=1) if rows else np.zeros((1, 2), np.int64)
    played = np.array([[start, interval, float(hold)] for _, start, interval, hold in found]).reshape(-1, 3)
    table = session.clock.rows
    assert table is not None
    return np.concatenate([np.zeros(0), *rows]), spots, played, np.ascontiguousarray(table, np.int64)


def after(session: Session, n_steps: int, out: Outcome, together: bool = True) -> xr.Dataset:
    """The state at the end: each neuron with its next step; its own time where they stand at different ones."""
    lanes = session.lanes
    left = (lanes.row(FREE) - lanes.row(NOW)) / session.dt
    lanes.row(REFRACTORY)[...] = np.where(left > 0, left, 0.0)
    lanes.row(BEFORE)[...] = lanes.row("v")
    state = session.after(n_steps, out.status)
    units = {NOW: ("ms", "time of the neuron"), STEP: ("ms", "next step"), FREE: ("ms", "end of the refractory time")}
    words = {ERROR: "error of the last attempt, as a part of what is allowed", ACCEPTED: "the last step was taken"}
    words |= {LAST: "log2 of the squared error of the last step that was taken", SPAN: "log2 of that step (ms)"}
    for row, name in _KEPT.items():
        unit, meaning = units.get(row, ("1", words.get(row, "")))
        values = _seen(row, lanes.get(row))
        state[name] = session.labelled(values, units=unit, long_name=meaning, role="internal")
    return state.drop_vars("t") if together else state


def _seen(row: str, values: Array) -> Array:
    """What a row of the kernel is in a state: truths as such, errors and not their squares."""
    if row == ERROR:
        return np.asarray(np.sqrt(np.nan_to_num(values, nan=np.inf)))
    return values > 0 if row == ACCEPTED else values


def counted(session: Session) -> dict[str, xr.DataArray]:
    """Steps that were taken and steps that were tried in vain, by neuron."""
    tried, refused = session.lanes.get(TRIED), session.lanes.get(REFUSED)
    return {
        "steps_accepted": session.labelled(tried - refused, units="1", long_name="steps taken"),
        "steps_rejected": session.labelled(refused, units="1", long_name="steps tried in vain"),
    }
