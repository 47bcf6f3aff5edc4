"""The parts of a step, each a function of its own: views of the very code of the fused run."""

from __future__ import annotations

from typing import Any

import numpy as np
import xarray as xr

from sneuron import labels
from sneuron.core.session import Session
from sneuron.core.state import MEMBRANE
from sneuron.lang.assignments import REFRACTORY
from sneuron.lang.build import inlined
from sneuron.lang.expr import names_of, numpy_value
from sneuron.lang.program import recordable
from sneuron.lang.rows import ARMED, BEFORE, FLAG, LEVEL, PHASE

__all__ = ["IonDyn", "RefracDyn", "RstSpike", "UpdGate", "UpdVolt"]

CURRENT, CONDUCTANCE, INJECTED = "current", "conductance", "injected"
CONCENTRATIONS = ("mM", "uM", "nM")
"""Units of the states that are pools."""


def IonDyn(state: xr.Dataset, dt: Any = None, method: str | None = None) -> xr.Dataset:
    """Membrane currents and conductances of a state, by channel.

    Parameters
    ----------
    state : Dataset
    dt : number or text, ms
    method : str

    Returns
    -------
    xarray.Dataset
        The state with `current(..., channel)`, outward positive, `conductance(..., channel)` (the slope of the
        current against the voltage; NaN for a current that is not linear in it), `reversal(..., channel)` in mV
        where there is one (of a GHK current: its Nernst potential), `injected(...)`, and, where the model has any,
        `concentration(..., pool)` in mM.

    Notes
    -----
    i = g m^p h^q (v - E); Hodgkin & Huxley 1952, doi:10.1113/jphysiol.1952.sp004764.

    Examples
    --------
    >>> from sneuron.core.state import InitNeu
    >>> now = IonDyn(InitNeu({"model": "hh", "v": -65.0}))
    >>> now.current.sel(channel="leak").round(2).item()
    -3.21
    """
    session = Session(state, "IonDyn", dt, method, unstable=True)
    session.view("ion")
    program, model = session.kernel.source.program, session.model
    units = {"current": model.current_unit, "conductance": model.conductance_unit}
    names = list(program.currents)
    i = np.stack([session.lanes.get(program.currents[c]).astype(np.float64) for c in names], axis=-1)
    g = np.stack([_slope(session, program.slopes[c]) for c in names], axis=-1)
    v = np.stack([session.lanes.get(model.places[c]).astype(np.float64) for c in names], axis=-1)
    ohmic = np.array([f"e_{c}" in recordable(model) for c in names], bool)
    with np.errstate(divide="ignore", invalid="ignore"):
        e = np.where((g != 0) & ohmic, v - i / g, np.nan)
    e = np.where(np.isnan(g), np.stack([_nernst(session, c) for c in names], axis=-1), e)
    channel = xr.DataArray(names, dims=labels.CHANNEL, attrs={"long_name": "channel"})
    extra = (labels.CHANNEL,)
    injected = session.lanes.get(program.stimulus).astype(np.float64)
    if model.moving_threshold:
        session.view("level")
        state = _with_states(session, [], ["threshold_before"])
    return (
        _with_pools(session, state)
        .assign(
            {
                CURRENT: session.labelled(
                    i, extra, units=units["current"], long_name="membrane current", role="current"
                ),
                CONDUCTANCE: session.labelled(
                    g, extra, units=units["conductance"], long_name="slope conductance", role="conductance"
                ),
                "reversal": session.labelled(e, extra, units="mV", long_name="reversal potential", role="current"),
                INJECTED: session.labelled(
                    injected, units=units["current"], long_name="injected current", role="current"
                ),
            }
        )
        .assign_coords({labels.CHANNEL: channel})
    )


def UpdGate(state: xr.Dataset, dt: Any = None, method: str | None = None) -> xr.Dataset:
    """Gates and all other states but the voltage, one step on.

    Parameters
    ----------
    state : Dataset
    dt : number or text, ms
    method : str
        A split method: exp_euler, rush_larsen, euler, exact, izh2003, izh2004.

    Returns
    -------
    xarray.Dataset

    Raises
    ------
    ModelError
        For methods that advance all states together.

    Notes
    -----
    Rush & Larsen 1978 (doi:10.1109/TBME.1978.326270): x <- x_inf + (x - x_inf) exp(-dt/tau), exact at constant
    voltage for any dt.

    Examples
    --------
    >>> from sneuron.core.state import InitNeu
    >>> cell = InitNeu({"model": "hh", "v": -65.0})
    >>> bool(abs(UpdGate(cell, dt=0.01).m - cell.m) < 1e-15)
    True
    """
    session = Session(state, "UpdGate", dt, method, unstable=True)
    session.view("gates")
    return _with_states(session, [x for x in session.model.states if x != "v"])


def UpdVolt(state: xr.Dataset, dt: Any = None, method: str | None = None) -> xr.Dataset:
    """The voltage, one step on, from the currents that `IonDyn` left in the state.

    Parameters
    ----------
    state : Dataset
        Without currents they are computed from the state as it is; they are used up here.
    dt : number or text, ms
    method : str

    Returns
    -------
    xarray.Dataset
        `v` in mV; neurons that are refractory keep theirs.

    Notes
    -----
    C dv/dt = I - sum i_k; exponential Euler: v <- v + dt (I - sum i)/C * exprel(-dt sum g/C).
    Under method "exact" spikes are solved inside the step: v is reset already, and `DetSpike` and `RstSpike` leave it.

    Examples
    --------
    >>> from sneuron.core.state import InitNeu
    >>> cell = InitNeu({"model": "passive", "I": 1.0})
    >>> bool(UpdVolt(cell).v > cell.v)
    True
    """
    ready = state if CURRENT in state else IonDyn(state, dt, method)
    session = Session(ready, "UpdVolt", dt, method, unstable=True)
    program = session.kernel.source.program
    for k, name in enumerate(program.currents):
        session.lanes.put(program.currents[name], session.flat(ready[CURRENT].isel({labels.CHANNEL: k})))
        if program.slopes[name]:
            session.lanes.put(program.slopes[name], session.flat(ready[CONDUCTANCE].isel({labels.CHANNEL: k})))
    session.lanes.put(program.stimulus, session.flat(ready[INJECTED]))
    session.view("volt")
    solved = session.kernel.method.exact and session.model.kind == "reset"
    moved = _with_states(session, ["v"], ["v_before", *(["spike_phase", "refractory_steps"] if solved else [])])
    if solved:
        moved = moved.assign(spike=_spikes(session))
    clock = {"origin": session.clock.origin, "step": session.clock.first + 1, "dt": session.dt}
    return moved.drop_vars(MEMBRANE, errors="ignore").assign_attrs(clock | {"method": session.kernel.method.name})


def RefracDyn(state: xr.Dataset, dt: Any = None, method: str | None = None) -> xr.Dataset:
    """One step less to wait for neurons that are refractory.

    Parameters
    ----------
    state : Dataset
    dt : number or text, ms
    method : str

    Returns
    -------
    xarray.Dataset
        `refractory_steps`: whole steps left; a spike sets round(t_ref / dt): 1 ms at 0.1 ms is 10 steps, always.

    Examples
    --------
    >>> from sneuron.core.state import InitNeu
    >>> cell = InitNeu({"model": "lif"})
    >>> RefracDyn(cell.assign(refractory_steps=cell.refractory_steps + 3)).refractory_steps.item()
    2.0
    """
    session = Session(state, "RefracDyn", dt, method, unstable=True)
    if not session.model.refractory:
        return state
    session.view("refraction")
    return _with_states(session, [], ["refractory_steps"])


def RstSpike(state: xr.Dataset, dt: Any = None, method: str | None = None) -> xr.Dataset:
    """Reset the neurons that spike: v to its reset value, jumps of other states, the refractory time.

    Parameters
    ----------
    state : Dataset
        With `spike` from `DetSpike`.
    dt : number or text, ms
    method : str

    Returns
    -------
    xarray.Dataset

    Notes
    -----
    AdEx (Brette & Gerstner 2005, doi:10.1152/jn.00686.2005): v <- Vr, w <- w + b, all from the values before the reset.

    Examples
    --------
    >>> from sneuron.core.state import InitNeu
    >>> cell = InitNeu({"model": "adex"})
    >>> RstSpike(cell.assign(spike=cell.spike | True)).w.item()
    80.5
    """
    session = Session(state, "RstSpike", dt, method, unstable=True)
    session.view("resetting")
    return _with_states(session, list(session.model.reset), ["refractory_steps"])


def _with_states(session: Session, states: list[str], internals: list[str] | None = None) -> xr.Dataset:
    """The state with some variables taken back from the lanes."""
    rows = {"v_before": BEFORE, "refractory_steps": REFRACTORY, "armed": ARMED, "spike_phase": PHASE}
    rows["threshold_before"] = LEVEL
    names = {x: x for x in states} | {n: rows[n] for n in internals or []}
    state = session.state
    taken = {
        n: session.labelled(session.lanes.get(row).astype(np.float64)).assign_attrs(state[n].attrs)
        for n, row in names.items()
    }
    known = taken.get("v", state["v"]).notnull()
    taken |= {n: a.where(known) for n, a in taken.items() if n in ("v_before", "threshold_before")}
    return state.assign(taken)


def detected(state: xr.Dataset, dt: Any = None, method: str | None = None) -> xr.Dataset:
    """The state with `spike`, `spike_phase` and the detector one step on."""
    session = Session(state, "DetSpike", dt, method, unstable=True)
    session.view("detection")
    return _with_states(session, [], ["armed", "spike_phase"]).assign(spike=_spikes(session))


def _spikes(session: Session) -> xr.DataArray:
    return session.labelled(session.lanes.get(FLAG) == 1).assign_attrs(session.state["spike"].attrs)


def _slope(session: Session, name: str) -> Any:
    return session.lanes.get(name).astype(np.float64) if name else np.full(session.size, np.nan)


def _nernst(session: Session, name: str) -> Any:
    """The potential where a current says that it reverses, by a function `E` of its channel."""
    model, mount = session.model, session.model.spec.channels.get(name)
    if mount is None or "E" not in model.channels[name].functions:
        return np.full(session.size, np.nan)
    level = inlined(model.functions[mount.names.get("E", f"{name}.E")], model.functions)
    known = {n: session.lanes.get(n).astype(np.float64) for n in names_of(level)}
    return np.broadcast_to(numpy_value(level, known), session.size)


def _with_pools(session: Session, state: xr.Dataset) -> xr.Dataset:
    """The state with the concentrations among its variables side by side."""
    units = {x: s.unit for x, s in session.model.states.items() if s.unit in CONCENTRATIONS}
    if not units:
        return state
    held = [
        session.lanes.get(x).astype(np.float64) * float(labels.convert(1.0, unit, "mM", "IonDyn"))
        for x, unit in units.items()
    ]
    pools = session.labelled(
        np.stack(held, axis=-1), (labels.POOL,), units="mM", long_name="concentration", role="current"
    )
    pool = xr.DataArray(list(units), dims=labels.POOL, attrs={"long_name": "pool"})
    return state.assign(concentration=pools).assign_coords({labels.POOL: pool})
