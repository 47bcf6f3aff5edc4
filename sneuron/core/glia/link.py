"""GliaLink: astrocytes beside neurons, moved by their spikes and by one another, and what they send back."""

from __future__ import annotations

import functools
import math
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Any

import numpy as np
import xarray as xr
from numpy.typing import NDArray

from sneuron import errors, labels
from sneuron.core.glia.edges import Edges, edges_of
from sneuron.core.glia.inputs import Activity, activity_of, dims_of
from sneuron.core.results import provenance, result_of
from sneuron.core.session import Session, start_of, steps_in
from sneuron.core.state import model_of
from sneuron.lang.build import inlined
from sneuron.lang.expr import names_of, numpy_value
from sneuron.lang.kernel import Outcome
from sneuron.lang.model import Model

__all__ = ["GliaLink"]

Array = NDArray[Any]
Flow = Callable[[Array], Array]
ASTRO = "astro"
WHERE = "GliaLink"
SHOWN = {"Ca": "Ca", "IP3": "IP3", "h": "h", "G": "gliotransmitter", "Gamma": "bound", "U0": "release", "sic": "sic"}
"""What is returned, where a model has it, and under which name."""
ROOM = 16
"""Releases that are held for each astrocyte until they are taken out."""
LAWS = {"threshold": {"rate": 9e-5, "threshold": 0.3, "scale": 0.05}, "linear": {"rate": 1e-4}}
UNITS = {"threshold": {"rate": "uM/ms", "threshold": "uM", "scale": "uM"}, "linear": {"rate": "1/ms"}}
"""Laws of exchange, their values and units."""


def GliaLink(
    state: xr.Dataset,
    activity: Any = None,
    duration: Any = None,
    dt: Any = None,
    method: str | None = None,
    *,
    weight: Any = None,
    receptor: str | None = None,
    coupling: Any = None,
    exchange: str | Mapping[str, Any] = "threshold",
    sic_weight: Any = None,
    every: int = 1,
    dtype: str = "float64",
    allow_unstable: bool = False,
    return_state: bool = False,
) -> Any:
    r"""Astrocytes that hear neurons and one another for a while: calcium, IP3, and what they send back.

    Parameters
    ----------
    state : Dataset, dims (..., astro)
        Astrocytes from `InitNeu` ("li_rinzel", "gchi", or a model of your own with a state `Ca` in uM), or the end
        state of another GliaLink; other dims are points. Without the dim `astro` the graphs say how many there are.
    activity : Dataset or DataArray, optional
        What neurons do: a run, `spike_time(..., neuron, spike)` in ms, a raster of bool (..., neuron, time), or rates
        (..., neuron) or (..., neuron, time) in Hz, each kept until the next. Spikes outside of the run are refused.
    duration : number or text, ms
        Up to the end of the activity (its `t_stop`) when omitted.
    dt : number or text, ms
        Time step; the state's last, else the model's own.
    method : str
        Integration method, one of fixed steps.
    weight : graph of ConnMat, or DataArray (astro, neuron)
        From neurons to astrocytes, in the unit of the receptor: what a spike adds (uM of glutamate for "gchi", a number
        of quanta for "li_rinzel").
    receptor : str, optional
        The receptor of the astrocytes; may be omitted where there is one.
    coupling : graph of ConnMat, or DataArray (post, pre), optional
        Gap junctions between astrocytes; weights (no unit) multiply what flows.
    exchange : str or mapping
        How IP3 flows: "linear", rate (1/ms; 1e-4) times difference; or "threshold": rate (uM/ms; 9e-5), threshold (0.3
        uM) and scale (0.05 uM). {"law": "linear", "rate": "0.2 Hz"}.
    sic_weight : graph of ConnMat, or DataArray (neuron, astro), optional
        From astrocytes to neurons, without unit: how much of their slow inward currents neurons get.
    every : int
        Keep every so many steps.
    dtype : {"float64", "float32"}
    allow_unstable : bool
        Run with a dt beyond the stability limit; the result says so.
    return_state : bool
        Return (result, state at the end).

    Returns
    -------
    xarray.Dataset or (Dataset, Dataset)
        Dims (..., astro, time): `Ca` and `IP3` (uM), `h`, `gliotransmitter` (uM), `bound` (share of presynaptic
        receptors), `release` (the chance U0 of synaptic release that they leave), `sic` (pA for a weight of 1), as far
        as the model has them; `spike_time(..., astro, spike)` and `spike_count`, the releases of gliotransmitter;
        `sic_current(..., neuron, time)` in pA, to be injected; `status`.

    Raises
    ------
    DataError, ParameterError, UnitError, ModelError
        For graphs, activity and states that do not fit together.
    TimeError
        For spikes outside of the run, and a dt that is too long for the exchange.

    Notes
    -----
    A step is half an exchange, a step of the model under its method, the other half; then what arrived in it is added.
    So the result is that of any sequence of shorter runs, bit for bit. Spikes count at the end of the step in which
    they lie. Exchange is Heun's rule, each edge of `coupling` acting on its receiver:

    .. math:: J = F (I_{pre} - I_{post}), \qquad
        J = \frac{F}{2} \left(1 + \tanh\frac{|\Delta| - \theta}{\sigma}\right) \mathrm{sign}(\Delta)

    (Goldberg, De Pitta, Volman, Berry & Ben-Jacob 2010, doi:10.1371/journal.pcbi.1000909; values as in Stimberg et al.
    2019, doi:10.1007/978-3-030-00817-8_18). Release: U0 = (1 - bound) U_rest + alpha bound (De Pitta et al. 2011,
    doi:10.1371/journal.pcbi.1002293). Slow inward current: log of the calcium above 0.19669 uM, in nM (Nadkarni & Jung
    2003, doi:10.1103/PhysRevLett.91.268101; pA as in NEST's astrocyte_lr_1994).

    Examples
    --------
    >>> from sneuron.core.state import InitNeu
    >>> two = xr.DataArray([[5.0], [0.0]], dims=("astro", "neuron"))
    >>> trains = xr.DataArray([np.arange(0.0, 5000.0, 100.0)], dims=("neuron", "spike"), name="spike_time")
    >>> found = GliaLink(InitNeu("gchi"), trains, 20000, weight=two)
    >>> found.Ca.max("time").round(2).values, found.Ca.attrs["units"]
    (array([0.45, 0.07]), 'uM')
    """
    asked = _Asked(state, activity, weight, coupling, sic_weight)
    whole = _grown(asked)
    n_steps, every = _steps(whole, duration, activity, dt), _whole(every)
    session = Session(whole, WHERE, dt, method, dtype, unstable=allow_unstable)
    if session.kernel.method.error:
        raise errors.ModelError(WHERE, f"method {session.kernel.method.name!r} chooses its own steps", "'rk4'")
    link = _Link(session, asked, exchange, receptor, n_steps(session.dt), every)
    result = link.run()
    return (result, session.after(link.n, link.out.status)) if return_state else result


@dataclass(frozen=True)
class _Asked:
    """What was given."""

    state: xr.Dataset
    activity: Any
    weight: Any
    coupling: Any
    back: Any

    @property
    def graphs(self) -> dict[str, tuple[Any, str, str]]:
        """Graphs by the name of their argument, with the dims of those that send and receive."""
        found = {
            "weight": (self.weight, labels.NEURON, ASTRO),
            "coupling": (self.coupling, ASTRO, ASTRO),
            "sic_weight": (self.back, ASTRO, labels.NEURON),
        }
        return {name: what for name, what in found.items() if what[0] is not None}


def _grown(asked: _Asked) -> xr.Dataset:
    """The state with the dims of the points of all that is given, and with the dim `astro`."""
    state = asked.state
    model = model_of(state, WHERE)
    if "Ca" not in model.states:
        raise errors.ModelError(WHERE, f"model {model.name!r} has no calcium 'Ca'", "'li_rinzel', 'gchi'")
    if (asked.activity is None) != (asked.weight is None):
        lacking = "weight" if asked.weight is None else "activity"
        raise errors.ParameterError(WHERE, f"{lacking!r} is missing", mend="Neurons need both activity and weight.")
    wanted: dict[str, int] = dims_of(asked.activity) if asked.activity is not None else {}
    for name, (graph, pre, post) in asked.graphs.items():
        wanted |= _dims_of_graph(graph, pre, post)
        many = _astrocytes(graph, name)
        if state.sizes.get(ASTRO, many) != many:
            raise errors.DataError(f"{WHERE}: {name!r}", f"it is of {many} astrocytes, not of {state.sizes[ASTRO]}")
        wanted |= {ASTRO: many}
    new = {d: n for d, n in wanted.items() if d not in state.dims}
    for dim in new:
        if dim in state.variables:
            raise errors.DataError(WHERE, f"{dim!r} is a name of the astrocytes, too", mend="Rename that dim.")
    return state.assign(v=state["v"].expand_dims(new)) if new else state


def _dims_of_graph(graph: Any, pre: str, post: str) -> dict[str, int]:
    """Dims of points of a graph."""
    own = {labels.SYNAPSE, labels.PRE, labels.POST, pre, post}
    arrays = [graph[n] for n in (labels.PRE, labels.POST, "weight") if n in graph.variables] if isinstance(
        graph, xr.Dataset) else [graph] if isinstance(graph, xr.DataArray) else []  # fmt: skip
    return {str(d): n for a in arrays for d, n in a.sizes.items() if d not in own}


def _astrocytes(graph: Any, name: str) -> int:
    """How many astrocytes a graph is of."""
    end = labels.PRE if name == "sic_weight" else labels.POST
    if isinstance(graph, xr.DataArray):
        sizes = [graph.sizes[d] for d in (ASTRO, end) if d in graph.dims]
        if sizes:
            return int(sizes[0])
    elif isinstance(graph, xr.Dataset) and f"{end}_count" in graph.variables:
        return int(graph[f"{end}_count"].max())
    raise errors.DataError(f"{WHERE}: {name!r}", "it does not say how many astrocytes there are", "a graph of ConnMat")


def _steps(state: xr.Dataset, duration: Any, activity: Any, dt: Any) -> Callable[[float], int]:
    """How many steps of a length there are."""
    if duration is not None:
        return lambda step: steps_in(duration, step, WHERE)
    arrays = [*activity.data_vars.values()] if isinstance(activity, xr.Dataset) else [activity]
    ends = [a.attrs["t_stop"] for a in arrays if a is not None and "t_stop" in a.attrs]
    if not ends:
        raise errors.TimeError(f"{WHERE}: 'duration'", "it is not said how long", mend="Give duration, in ms.")
    begun = float(state.attrs["origin"]) + int(state.attrs["step"]) * float(state.attrs.get("dt", 0.0))
    return lambda step: steps_in(max(ends) - begun, step, WHERE)


def _whole(every: Any) -> int:
    if isinstance(every, bool) or not isinstance(every, int | np.integer) or every < 1:
        what = f"{every!r:.60} is no number of steps"
        raise errors.ParameterError(f"{WHERE}: 'every'", what, "a whole number from 1")
    return int(every)


@dataclass
class _Link:
    """Astrocytes in the kernel, and what is added to them between its steps."""

    session: Session
    asked: _Asked
    law: str | Mapping[str, Any]
    receptor: str | None
    n: int
    every: int
    out: Outcome = field(init=False)
    needed: list[str] = field(init=False)
    cells: Array = field(init=False)
    edges: dict[str, Edges] = field(init=False)
    points: dict[str, int] = field(init=False)
    trains: tuple[list[Array], list[Array]] = field(init=False)

    def __post_init__(self) -> None:
        session = self.session
        dims = session.dims
        self.points = {d: n for d, n in dims.items() if d != ASTRO}
        order = [list(dims).index(d) for d in (*self.points, *([ASTRO] if ASTRO in dims else []))]
        numbers = np.arange(session.size).reshape(tuple(dims.values())).transpose(order)
        self.cells = numbers.reshape(math.prod(self.points.values()), -1)
        self.out = session.outcome(ROOM)
        self.needed = _needed(session.model)
        self.trains = ([np.zeros(0, np.int64)], [np.zeros(0)])
        units = {"weight": self._port_unit() if self.asked.weight is not None else "1"}
        self.edges = {
            name: edges_of(graph, pre, post, self.points, units.get(name, "1"), session.dt, f"{WHERE}: {name!r}")
            for name, (graph, pre, post) in self.asked.graphs.items()
        }
        for name, edges in self.edges.items():
            self._check_sizes(name, edges)

    def _check_sizes(self, name: str, edges: Edges) -> None:
        many = self.cells.shape[1]
        ends = {"weight": [edges.receivers], "sic_weight": [edges.senders]}.get(name, [edges.senders, edges.receivers])
        if any(end != many for end in ends):
            raise errors.DataError(f"{WHERE}: {name!r}", f"it is of {ends[0]} astrocytes, not of {many}")

    def _port(self) -> str:
        """The receptor that spikes reach."""
        known = list(self.session.model.receptors)
        if self.receptor is None and len(known) == 1:
            return known[0]
        if self.receptor is None:
            what = f"model {self.session.model.name!r} has {len(known)} receptors"
            raise errors.ModelError(f"{WHERE}: 'receptor'", what, known, mend="Say which one, or mount one.")
        if self.receptor not in known:
            raise errors.unknown(f"{WHERE}: 'receptor'", "receptor", self.receptor, known)
        return self.receptor

    def _port_unit(self) -> str:
        return self.session.model.receptors[self._port()].unit

    def run(self) -> xr.Dataset:
        """All steps, and the result."""
        flow = self._flow() if "coupling" in self.edges else None
        arriving = self._arriving()
        kept = [self._states()]
        stops = range(1, self.n + 1) if flow is not None else self._stops()
        due = next(arriving, None)
        for stop in stops:
            if flow is not None:
                self._exchanged(flow)
            self._advanced(stop)
            if flow is not None:
                self._exchanged(flow)
            if due is not None and due[0] == stop - 1:
                self._added(due[1])
                due = next(arriving, None)
            if stop % self.every == 0:
                kept.append(self._states())
        return self._result(kept)

    def _stops(self) -> list[int]:
        """Steps at whose end something is added or kept."""
        heard = self.activity.steps() + 1 if self.asked.weight is not None else np.zeros(0, np.int64)
        kept = np.arange(self.every, self.n + 1, self.every)
        return [int(k) for k in np.unique([*heard, *kept, *([self.n] if self.n else [])])]

    @functools.cached_property
    def slopes(self) -> dict[str, Any]:
        """How much a spike of weight 1 adds to each state."""
        model = self.session.model
        known: dict[str, Any] = {k: self.session.flat(self.session.state[k]) for k in model.params}
        return {name: numpy_value(slope, known) for name, slope in model.receptors[self._port()].adds.items()}

    @functools.cached_property
    def activity(self) -> Activity:
        """What neurons do."""
        where = f"{WHERE}: 'activity'"
        clock = (start_of(self.session), self.session.dt, self.n)
        return activity_of(self.asked.activity, self.points, *clock, self.edges["weight"].senders, where)

    def _arriving(self) -> Any:
        """Step, and what arrives at its end, dims (point, astro)."""
        if self.asked.weight is None:
            return iter(())
        edges, activity = self.edges["weight"], self.activity
        arrived = map(edges.carry, activity.counts(len(self.cells)))
        return zip(activity.steps().tolist(), arrived, strict=True)

    def _added(self, arrived: Array) -> None:
        """What arrived, added to the states of the receptor."""
        lanes = self.session.lanes
        for name, slope in self.slopes.items():
            more = np.zeros(self.session.size)
            more[self.cells] = arrived
            lanes.put(name, lanes.get(name) + slope * more)

    def _advanced(self, stop: int) -> None:
        """On to a step; releases are taken out as they fill their room."""
        session, out = self.session, self.out
        clock = session.clock_for(int(out.done.min()), stop)
        while (out.done < stop).any():
            session.kernel.run(session.lanes, clock, stop, out)
            fill = session.lanes.points(out.fill)
            for k in range(int(out.fill.max(initial=0))):
                found = np.flatnonzero(fill > k)
                self.trains[0].append(found)
                self.trains[1].append(out.times.reshape(-1, ROOM)[session.lanes.place[found], k])
            out.fill[...] = 0

    def _exchanged(self, flow: Flow) -> None:
        """IP3 after half a step of exchange, by Heun's rule."""
        lanes, half, edges = self.session.lanes, 0.5 * self.session.dt, self.edges["coupling"]
        now = lanes.get("IP3")[self.cells].astype(np.float64)
        first = edges.exchange(now, flow)
        second = edges.exchange(now + half * first, flow)
        after = np.empty(self.session.size)
        after[self.cells] = now + 0.5 * half * (first + second)
        lanes.put("IP3", after)

    def _flow(self) -> Flow:
        """What flows for a difference of IP3, in uM/ms; too long a step is refused."""
        where = f"{WHERE}: 'exchange'"
        if "IP3" not in self.session.model.states:
            raise errors.ModelError(where, f"model {self.session.model.name!r} has no state 'IP3' to exchange")
        given = {"law": self.law} if isinstance(self.law, str) else dict(self.law)
        law = given.pop("law", "threshold")
        if law not in LAWS:
            raise errors.unknown(where, "law", str(law), list(LAWS))
        values = dict(LAWS[law])
        for name, value in given.items():
            if name not in values:
                raise errors.unknown(where, f"value of the law {law!r}", str(name), list(values))
            values[name] = labels.number(value, UNITS[law][name], f"{where}: {name!r}")
        if not all(v > 0 and math.isfinite(v) for v in (values["rate"], values.get("scale", 1.0))):
            raise errors.ParameterError(where, f"{values} cannot be", "a rate and a scale above 0")
        steepest = values["rate"] / (2 * values["scale"]) if law == "threshold" else values["rate"]
        self._check_step(steepest * self.edges["coupling"].most, where)
        return _linear(**values) if law == "linear" else _threshold(**values)

    def _check_step(self, speed: float, where: str) -> None:
        """Heun's rule holds still where the step times the largest rate of the graph, twice its degree, is below 2."""
        if speed * self.session.dt > 1.0:
            what = f"a step of {self.session.dt:g} ms is too long for an exchange at {speed:.3g} per ms"
            raise errors.TimeError(where, what, f"up to {1 / speed:.3g} ms", mend="Give a smaller dt.")

    def _states(self) -> dict[str, Array]:
        """The states that are kept, one value for each astrocyte."""
        return {name: self.session.lanes.get(name).astype(np.float64) for name in self.needed}

    def _result(self, kept: list[dict[str, Array]]) -> xr.Dataset:
        session = self.session
        self._check_end()
        trains = (np.concatenate(self.trains[0]), np.concatenate(self.trains[1]))
        found = result_of(session, self.out, trains, self.n, self.every)
        t = start_of(session) + np.arange(len(kept)) * (self.every * session.dt)
        bad = session.lanes.points(self.out.bad)
        known: dict[str, Any] = {k: session.flat(session.state[k]) for k in session.model.params}
        columns = {k: p[:, None] if p.ndim else p for k, p in known.items()}
        columns |= {name: np.stack([row[name] for row in kept], axis=-1) for name in kept[0]}
        time = xr.DataArray(t, dims=labels.TIME, attrs={"units": "ms", "long_name": "time"})
        for name, shown in SHOWN.items():
            values = self._values(name, columns)
            if values is None:
                continue
            values = np.where(t > bad[:, None] - 0.5 * session.dt, np.nan, values)
            attrs = {"units": session.model.unit_of(name), "long_name": session.model.meaning_of(name)}
            attrs |= {"units": "pA", "long_name": "slow inward current for a weight of 1"} if name == "sic" else {}
            found[shown] = session.labelled(values, (labels.TIME,), **attrs).assign_coords({labels.TIME: time})
        if "sic_weight" in self.edges:
            found["sic_current"] = self._back(found)
        return found.assign_attrs(provenance(session, self.n))

    def _check_end(self) -> None:
        """A state that is no number after the last step."""
        for name in self.session.model.states:
            bad = ~np.isfinite(self.session.lanes.row(name)) & (self.out.status == 0)
            self.out.status[bad] = int(labels.Status.DIVERGED)
            self.out.bad[bad] = start_of(self.session, self.n)

    def _values(self, name: str, columns: Mapping[str, Any]) -> Array | None:
        """A state, or a function of the states and parameters, over time; None where the model has none."""
        model = self.session.model
        shape = columns["Ca"].shape
        if name in model.states:
            return np.asarray(columns[name])
        if name in model.functions:
            return np.broadcast_to(numpy_value(inlined(model.functions[name], model.functions), columns), shape)
        return None

    def _back(self, found: xr.Dataset) -> xr.DataArray:
        """Slow inward currents of neurons."""
        if "sic" not in found:
            what = f"model {self.session.model.name!r} has no function 'sic'"
            raise errors.ModelError(f"{WHERE}: 'sic_weight'", what)
        edges = self.edges["sic_weight"]
        last = [ASTRO] if ASTRO in found["sic"].dims else []
        sic = found["sic"].transpose(*self.points, *last, labels.TIME)
        values = sic.values.reshape(*self.cells.shape, -1)
        carried = np.stack([edges.carry(values[..., k]) for k in range(values.shape[-1])], axis=-1)
        shape = (*self.points.values(), edges.receivers, values.shape[-1])
        attrs = {"units": "pA", "long_name": "slow inward current"}
        dims = (*self.points, labels.NEURON, labels.TIME)
        return xr.DataArray(carried.reshape(shape), dims=dims, attrs=attrs, coords={labels.TIME: sic[labels.TIME]})


def _needed(model: Model) -> list[str]:
    """States that are returned, or that a returned function needs."""
    shown = {name for name in SHOWN if name in model.states}
    for name in SHOWN:
        if name in model.functions:
            shown |= names_of(inlined(model.functions[name], model.functions)) & set(model.states)
    return [name for name in model.states if name in shown]


def _linear(rate: float) -> Flow:
    return lambda difference: rate * difference


def _threshold(rate: float, threshold: float, scale: float) -> Flow:
    def flow(difference: Array) -> Array:
        opened = 1.0 + np.tanh((np.abs(difference) - threshold) / scale)
        return np.asarray(0.5 * rate * opened * np.sign(difference))

    return flow
