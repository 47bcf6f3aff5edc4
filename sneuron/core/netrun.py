"""Runs of networks: what they return, and single steps of them."""

from __future__ import annotations

from typing import Any

import numpy as np
import xarray as xr
from numpy.typing import NDArray

from sneuron import errors, labels
from sneuron.core.network import PENDING, NetSession, Traffic, is_network
from sneuron.core.results import coords_of, feature_of, provenance, window
from sneuron.core.session import Session
from sneuron.core.state import model_of
from sneuron.lang.build import inlined

__all__ = ["NetStep", "SynCur", "SynDel", "networks", "stepped"]

Array = NDArray[Any]


def NetStep(
    network: xr.Dataset, dt: Any = None, n: int = 1, method: str | None = None, dtype: str = "float64"
) -> xr.Dataset:
    """A network `n` steps later: its neurons, and what is on its way between them.

    Parameters
    ----------
    network : Dataset
        Neurons along `neuron` with synapses; any other dims are points, a network each.
    dt : number or text, ms
        The network's last, else the model's own. Another one is refused while spikes are on their way.
    n : int
    method : str
    dtype : {"float64", "float32"}

    Returns
    -------
    xarray.Dataset
        With `spike(..., neuron)`, whether the last step held one, and `pending(..., neuron, port, slot)`, the sums of
        weights on their way: those in slot k arrive k + 1 steps later.

    Raises
    ------
    DataError, TimeError
        For a state without synapses, and for delays that are no multiples of dt.

    Notes
    -----
    In a step from t to t + dt neurons move from their states at t; what arrives at t + dt is added; then thresholds are
    looked at. A spike counts at the end of its step, and arrives its delay later, one step at least; as in Morrison et
    al. 2005, doi:10.1162/0899766054026648. `RunSim` of the same time gives the same bits.

    Examples
    --------
    >>> import xarray as xr
    >>> from sneuron.core.network import connect
    >>> from sneuron.core.state import InitNeu
    >>> cells = InitNeu({"model": "vogels_abbott_cuba", "v": xr.DataArray([-49.9, -60.0], dims="neuron")})
    >>> ends = {"pre": ("synapse", [0]), "post": ("synapse", [1])}
    >>> pair = connect(cells, xr.Dataset({"weight": 80.0, "delay": 1.0, "receptor": "exc"}, ends))
    >>> NetStep(pair, n=12).spike_phase.dims
    ('neuron',)
    """
    where = "NetStep"
    if not is_network(network):
        raise errors.DataError(where, "this state has no synapses", mend="Give a network, or take StepSim for neurons.")
    return stepped(network, dt, n, method, dtype, where)


def stepped(network: xr.Dataset, dt: Any, n: Any, method: str | None, dtype: str, where: str) -> xr.Dataset:
    """A network `n` steps later."""
    if isinstance(n, bool) or not isinstance(n, int | np.integer) or n < 0:
        raise errors.ParameterError(f"{where}: 'n'", f"{n!r:.60} is not a number of steps", "a whole number from 0")
    session = NetSession(network, where, dt, method, dtype)
    return state_after(session, session.advance(int(n), 1, False), int(n))


def SynDel(network: xr.Dataset, spikes: Any = None, dt: Any = None) -> xr.Dataset:
    """Spikes sent on their way: each reaches the receptors of its targets after the delay of its synapse.

    Parameters
    ----------
    network : Dataset
        Neurons along `neuron` with synapses.
    spikes : array of bool, dims (..., neuron), optional
        Who spikes now. Those of the network's last step when omitted.
    dt : number or text, ms

    Returns
    -------
    xarray.Dataset
        The network with their weights added to `pending(..., neuron, port, slot)`: slot k arrives k + 1 steps later,
        so that a delay of d is slot d/dt - 1.

    Raises
    ------
    DataError
        For delays that are not above 0 or no multiples of dt.

    Notes
    -----
    The same code delivers in `RunSim` and `NetStep`, which do this by themselves after every step.

    Examples
    --------
    >>> import xarray as xr
    >>> from sneuron.core.network import connect
    >>> from sneuron.core.state import InitNeu
    >>> cells = InitNeu({"model": "vogels_abbott_cuba", "v": xr.DataArray([-60.0, -60.0], dims="neuron")})
    >>> ends = {"pre": ("synapse", [0]), "post": ("synapse", [1])}
    >>> pair = connect(cells, xr.Dataset({"weight": 16.2, "delay": 0.3, "receptor": "exc"}, ends))
    >>> SynDel(pair, [True, False]).pending.sel(port="exc").isel(neuron=1).values
    array([ 0. ,  0. , 16.2])
    """
    where = "SynDel"
    if not is_network(network):
        raise errors.DataError(where, "this state has no synapses", mend="Give a network.")
    session = NetSession(network, where, dt, unstable=True)
    flags = _spiking(session, network["spike"] if spikes is None else spikes)
    session.send(flags)
    return learned(session, network, 0, 0)


def _spiking(session: NetSession, given: Any) -> Array:
    """Who spikes, dims (network, neuron)."""
    if not isinstance(given, xr.DataArray):
        values = np.asarray(given)
        names = list(session.dims)[max(0, len(session.dims) - values.ndim) :]
        given = xr.DataArray(values, dims=names if len(names) == values.ndim else None)
    if given.dtype != bool or any(session.dims.get(str(d)) != n for d, n in given.sizes.items()):
        what = f"{given.dtype} over {dict(given.sizes)} says not who spikes"
        raise errors.DataError("SynDel: 'spikes'", what, f"bool over {session.dims}")
    return np.broadcast_to(session.flat(given), session.size).reshape(session.networks, session.each)


def SynCur(network: xr.Dataset, dt: Any = None) -> xr.Dataset:
    """Synaptic currents and conductances of neurons, by receptor.

    Parameters
    ----------
    network : Dataset
        A network, or neurons whose model has receptors.
    dt : number or text, ms

    Returns
    -------
    xarray.Dataset
        `current(..., receptor)`, outward positive, and `conductance(..., receptor)`, the slope of the current against
        the voltage (0 of a current that does not depend on it, NaN of one that is not linear in it), in the model's
        units.

    Raises
    ------
    ModelError
        When the model has no receptor.

    Notes
    -----
    i = g(t) (v - E) with g a sum of exponentials, alpha functions or differences of exponentials whose peaks are the
    weights (Destexhe, Mainen & Sejnowski 1994, doi:10.1007/BF00961734); the magnesium block of NMDA receptors is 1/(1 +
    [Mg]/3.57 exp(-0.062 v)) (Jahr & Stevens 1990, doi:10.1523/JNEUROSCI.10-09-03178.1990).

    Examples
    --------
    >>> from sneuron.core.state import InitNeu
    >>> cell = InitNeu({"model": "vogels_abbott_coba", "v": -65.0, "exc.g": 1.0})
    >>> SynCur(cell).current.sel(receptor="exc").item()
    -65.0
    """
    coupled = is_network(network) and bool(model_of(network, "SynCur").couplings)
    session = (NetSession if coupled else Session)(network, "SynCur", dt, unstable=True)
    model, program = session.model, session.kernel.source.program
    if not model.receptors and not model.couplings:
        raise errors.ModelError(
            "SynCur", f"model {model.name!r} has no receptor", mend="Mount one, such as 'exp_current'."
        )
    if isinstance(session, NetSession):
        session.meet(0)
    session.view("ion")
    carried = [c for c in (*model.receptors, *model.couplings) if c in program.currents]
    if not carried:
        raise errors.ModelError("SynCur", f"the receptors of {model.name!r} carry no current: they act on v at once")
    i = np.stack([session.lanes.get(program.currents[c]).astype(np.float64) for c in carried], axis=-1)
    g = np.stack([_slope(session, c) for c in carried], axis=-1)
    extra = (labels.RECEPTOR,)
    return xr.Dataset(
        {
            "current": session.labelled(i, extra, units=model.current_unit, long_name="synaptic current"),
            "conductance": session.labelled(g, extra, units=model.conductance_unit, long_name="slope conductance"),
        },
        coords={labels.RECEPTOR: carried, **coords_of(session)},
    )


def _slope(session: Session, current: str) -> Array:
    """The slope of a current against the voltage."""
    name = session.kernel.source.program.slopes[current]
    if name:
        return np.asarray(session.lanes.get(name), np.float64)
    model = session.model
    free = {str(s) for s in inlined(model.currents[current], model.functions).free_symbols}
    return np.full(session.size, np.nan if model.places[current] in free else 0.0)


def networks(session: NetSession, n: int, every: int, spikes: bool, return_state: bool) -> Any:
    """Run networks: the run, and the state at the end where it is asked for."""
    traffic = session.advance(n, every, spikes)
    run = _result(session, traffic, n, every, spikes)
    described = {k: v for k, v in session.state.attrs.items() if k in ("network", "network_name")}
    run.attrs.update(provenance(session, n), **described)
    return (run, state_after(session, traffic, n)) if return_state else run


def state_after(session: NetSession, traffic: Traffic, n: int) -> xr.Dataset:
    """The networks `n` steps later, with what is on its way."""
    return learned(session, session.after(n, traffic.status), n, traffic.halted)


def learned(session: NetSession, state: xr.Dataset, n: int, halted: Any) -> xr.Dataset:
    """A state with what is on its way, and with its synapses as they are after `n` steps."""
    found = {PENDING: session.pending(n, halted)}
    if session.learning is not None:
        step = session.clock.first + n
        session.learning.settle(session.kernel.module, step)
        found |= session.learning.after(step, np.broadcast_to(np.asarray(halted) != 0, session.networks))
    return state.drop_vars(found, errors="ignore").assign(found)


def _result(session: NetSession, traffic: Traffic, n: int, every: int, spikes: bool) -> xr.Dataset:
    failed = traffic.halted != 0
    shape = tuple(session.points.values())
    lost = np.repeat(failed, session.each) | ~session.there
    counts = np.where(lost, np.nan, session.lanes.points(traffic.counts).astype(np.float64))
    variables = {labels.SPIKE_COUNT: session.labelled(counts, units="1", long_name="number of spikes")}
    bad = session.lanes.points(traffic.bad).reshape(session.networks, -1)[:, 0]
    attrs = {"units": "ms", "long_name": "when the network failed"}
    variables[labels.FIRST_BAD] = xr.DataArray(bad.reshape(shape), dims=tuple(session.points), attrs=attrs)
    if spikes:
        variables |= _events(session, traffic, n)
    for feature in session.features:
        variables[feature] = feature_of(session, feature, n, lost)
    run = xr.Dataset(variables, coords=coords_of(session))
    if session.record:
        run = run.assign(_traces(session, traffic, n, every))
    if traffic.weights and session.learning is not None:
        times = window(session, n)["t_start"] + np.arange(len(traffic.weights)) * (session.weights_every * session.dt)
        run = run.merge(session.learning.shown(np.stack(traffic.weights), np.stack(traffic.bounds), failed, times))
    code = np.where(failed, traffic.halted, int(labels.Status.OK)).astype(np.uint8)
    status = xr.DataArray(code.reshape(shape), dims=tuple(session.points), attrs=labels.status_attrs())
    return run.assign_coords({labels.STATUS: status})


def _events(session: NetSession, traffic: Traffic, n: int) -> dict[str, xr.DataArray]:
    """Spikes in the order of their times, by network; rows are padded with NaN and -1."""
    of, neuron = np.divmod(traffic.neurons, session.each)
    order = np.lexsort((traffic.times, of)) if session.networks > 1 else np.argsort(traffic.times, kind="stable")
    of, neuron, times = of[order], neuron[order], traffic.times[order]
    counts = np.bincount(of, minlength=session.networks)
    place = np.arange(of.size) - np.repeat(np.cumsum(counts) - counts, counts)
    time = np.full((session.networks, int(counts.max(initial=0))), np.nan)
    who = np.full(time.shape, -1, np.int32)
    time[of, place], who[of, place] = times, neuron
    shape, dims = (*session.points.values(), time.shape[1]), (*session.points, labels.EVENT)
    span = window(session, n)
    return {
        labels.EVENT_TIME: xr.DataArray(
            time.reshape(shape), dims=dims, attrs={"units": "ms", "long_name": "spike time", **span}
        ),
        labels.EVENT_NEURON: xr.DataArray(
            who.reshape(shape), dims=dims, attrs={"units": "1", "long_name": "neuron that spiked, -1 for none"}
        ),
    }


def _traces(session: NetSession, traffic: Traffic, n: int, every: int) -> dict[str, xr.DataArray]:
    """What was recorded, everywhere or at chosen neurons."""
    samples = n // every + 1
    t = window(session, n)["t_start"] + np.arange(samples) * (every * session.dt)
    time = xr.DataArray(t, dims=labels.TIME, attrs={"units": "ms", "long_name": "time"})
    network = (np.arange(session.size) if session.picks is None else session.picks) // session.each
    bad = session.lanes.points(traffic.bad).reshape(session.networks, -1)[:, 0][network]
    result = {}
    for k, name in enumerate(session.record):
        values = np.ascontiguousarray(traffic.record[k].T)
        values[t > bad[:, None] - 0.5 * session.dt] = np.nan
        attrs = {"units": session.model.unit_of(name), "long_name": session.model.meaning_of(name)}
        if session.picks is None:
            array = session.labelled(values, (labels.TIME,), **attrs)
        else:
            array = xr.DataArray(values, dims=("trace", labels.TIME), attrs=attrs)
        result[name] = array.assign_coords({labels.TIME: time})
    return result
