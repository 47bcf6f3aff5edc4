"""HomeoScale: weights, thresholds and conductances that keep a neuron near its target."""

from __future__ import annotations

import functools
import math
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import xarray as xr
from numpy.typing import NDArray

from sneuron import errors, labels
from sneuron.core.layers import apart, gathered, number_of, unit_attrs
from sneuron.core.weights import NORMS, Layout, norms

__all__ = ["HomeoScale"]

Array = NDArray[Any]
WHERE = "HomeoScale"
PRE, POST, SYNAPSE, CHANNEL = labels.PRE, labels.POST, labels.SYNAPSE, labels.CHANNEL
KINDS = ("scaling", "l1", "l2", "threshold", "conductance")


def HomeoScale(
    weights: Any,
    rate: Any = None,
    target: Any = None,
    *,
    kind: str = "scaling",
    tau: Any = None,
    dt: Any = None,
    gain: Any = None,
    tau_rate: Any = None,
    step: Any = None,
    transcripts: Any = None,
    tau_expression: Any = None,
    low: Any = None,
    high: Any = None,
) -> xr.Dataset:
    r"""Move weights, thresholds or conductances so that a neuron comes nearer to its target, over an interval of time.

    Parameters
    ----------
    weights : array (..., post, pre), (..., pre) or (..., synapse), or a graph
        Weights of "scaling", "l1" and "l2". For "threshold": thresholds (...), mV. For "conductance": maximal
        conductances (..., channel).
    rate : number or array (..., post), Hz
        What the neuron does, as FireRate gives it; with the dim `neuron` for a graph. For "conductance" what its sensor
        reads (calcium), in any unit. Not used for norms.
    target : the same
        What it should be: above 0; for norms the norm, in the unit of the weights.
    kind : "scaling", "l1", "l2", "threshold" or "conductance"
    tau : number or text, ms
        How fast: scaling, threshold, and transcripts of "conductance", where it may have the dim `channel`.
    dt : number or text, ms
        The interval, during which `rate` holds.
    gain : number, list or DataArray, optional
        Relative slope of the rate against the weights, d log(rate) / d log(w), at the target: then the stability of the
        loop is told.
    tau_rate : number or text, ms
        Time constant of the running mean that `rate` is (with `gain`); 0, that of the last interval, when omitted.
    step : number, mV or unit of the conductances
        How far a threshold moves in `tau` when the rate is twice its target, or a transcript when the sensor reads
        nothing; 1 when omitted.
    transcripts : array (..., channel), optional
        Of "conductance": what channels are made from, as an earlier call returned it; the conductances when omitted.
    tau_expression : number or text, ms
        How fast conductances follow their transcripts.
    low, high : number, list or DataArray
        Bounds of weights (of their size), thresholds or conductances; only thresholds may be below 0.

    Returns
    -------
    Dataset
        `weight` (or `threshold`, `conductance` and `transcript`), of the shape and unit of `weights`; `scale`, by what
        the weights of each neuron were multiplied; for a loop with a known gain `tau_stable` (ms), below which the loop
        is unstable, `tau_smooth` (ms), below which it overshoots, and `stable`.

    Raises
    ------
    UnknownNameError
        For a kind that is not known.
    ParameterError
        For a target, rate or time that cannot be, or that the kind does not need.
    DataError
        For dims that do not fit.

    Notes
    -----
    Scaling: :math:`\tau \dot w = w (1 - r/r_0)`, exact over `dt`: all weights of a neuron are multiplied by the same
    :math:`\exp((1 - r/r_0) dt/\tau)`, so that their ratios stay (Turrigiano et al. 1998, doi:10.1038/36103; van Rossum,
    Bi & Turrigiano 2000, doi:10.1523/JNEUROSCI.20-23-08812.2000; Zenke, Hennequin & Gerstner 2013,
    doi:10.1371/journal.pcbi.1003330). Threshold: :math:`\tau \dot\theta = s (r/r_0 - 1)` (excitability: Desai,
    Rutherford & Turrigiano 1999, doi:10.1038/9165). Conductance: :math:`\tau_i \dot m_i = s (1 - c/c_0)`,
    :math:`\tau_g \dot g_i = m_i - g_i` (after O'Leary, Williams, Franci & Marder 2014,
    doi:10.1016/j.neuron.2014.04.002), exact over `dt`.

    Stability, linear at the target, with the gain G: in every interval the log of the weights changes by
    :math:`-\delta dt/\tau`, where the measured deviation :math:`\delta` follows :math:`\delta \leftarrow a\delta +
    (1-a) G \log w`, :math:`a = \exp(-dt/\tau_{rate})`. Both eigenvalues are inside the unit circle just when
    :math:`\tau > G\,dt`, and real when :math:`\tau \ge 4 G\,dt/(1 - a)`, which is :math:`4 G \tau_{rate}` for short
    intervals.

    Examples
    --------
    >>> done = HomeoScale([[0.2, 0.4], [0.1, 0.3]], rate=[2.0, 10.0], target=5.0, tau="10 s", dt="1 s", gain=1.0)
    >>> done.scale.values.round(4), done.tau_stable.item()
    (array([1.0618, 0.9048]), 1000.0)
    >>> (done.weight.isel(pre=0) / done.weight.isel(pre=1)).values.round(12)
    array([0.5       , 0.33333333])
    """
    given = {"rate": rate, "tau": tau, "dt": dt, "target": target, "transcripts": transcripts,
             "tau_expression": tau_expression, "gain": gain, "tau_rate": tau_rate, "step": step}  # fmt: skip
    _check(kind, {name for name, value in given.items() if value is not None})
    ask = _Asked(
        kind,
        rate,
        target,
        tau,
        dt,
        gain,
        0.0 if tau_rate is None else tau_rate,
        low,
        high,
        1.0 if step is None else step,
    )
    if kind == "threshold":
        return _threshold(weights, ask)
    if kind == "conductance":
        return _conductance(weights, ask, transcripts, tau_expression)
    return _scaled(weights, ask)


@dataclass(frozen=True)
class _Asked:
    """The arguments that all kinds share."""

    kind: str
    rate: Any
    target: Any
    tau: Any
    dt: Any
    gain: Any
    tau_rate: Any
    low: Any
    high: Any
    step: Any

    def time(self, name: str, low: float = 1e-9) -> xr.DataArray:
        return number_of(getattr(self, name), "ms", WHERE, name, low, 1e15)

    def bounds(self) -> tuple[xr.DataArray, xr.DataArray]:
        least = -math.inf if self.kind == "threshold" else 0.0
        low = number_of(least if self.low is None else self.low, "1", WHERE, "low", least, math.inf)
        high = number_of(math.inf if self.high is None else self.high, "1", WHERE, "high", least, math.inf)
        if not bool((low < high).all()):
            raise errors.ParameterError(f"{WHERE}: 'low'", "it is not below `high` everywhere", "low < high")
        return low, high

    def deviation(self, core: str | None) -> xr.DataArray:
        """1 - rate/target; plain arrays have the dim `core`."""
        rate = _reading(self.rate, core, "rate", "Hz" if self.kind != "conductance" else None)
        target = _reading(self.target, core, "target", "Hz" if self.kind != "conductance" else None)
        return 1.0 - rate / target

    def loop(self) -> dict[str, xr.DataArray]:
        """What the linear analysis says of the loop, where the gain is known."""
        if self.gain is None:
            return {}
        gain = number_of(self.gain, "1", WHERE, "gain", 0.0, 1e12)
        tau, dt, tau_rate = self.time("tau"), self.time("dt"), self.time("tau_rate", 0.0)
        kept = xr.DataArray(np.exp(-dt / tau_rate.where(tau_rate > 0, 1.0))).where(tau_rate > 0, 0.0)
        stable = (gain * dt).assign_attrs(unit_attrs("ms", "time constant below which the loop is unstable"))
        smooth = 4.0 * gain * dt / (1.0 - kept)
        return {
            "tau_stable": stable,
            "tau_smooth": smooth.assign_attrs(unit_attrs("ms", "time constant below which the loop overshoots")),
            "stable": (tau > stable).assign_attrs(long_name="whether small deviations die out"),
        }


_NEEDS = {
    "scaling": {"rate", "target", "tau", "dt"},
    "threshold": {"rate", "target", "tau", "dt"},
    "conductance": {"rate", "target", "tau", "dt", "tau_expression"},
    "l1": {"target"},
    "l2": {"target"},
}
_MAY = {"scaling": {"gain", "tau_rate"}, "threshold": {"step"}, "conductance": {"transcripts", "step"}}


def _check(kind: str, given: set[str]) -> None:
    """Refuse a kind that is not known, and arguments that it lacks or does not use."""
    if kind not in KINDS:
        raise errors.unknown(WHERE, "kind", str(kind), KINDS)
    lacking, odd = _NEEDS[kind] - given, given - _NEEDS[kind] - _MAY.get(kind, set())
    if lacking:
        raise errors.ParameterError(f"{WHERE}: {min(lacking)!r}", f"{kind!r} needs it", sorted(_NEEDS[kind]))
    if odd:
        what = f"{kind!r} does not use it"
        raise errors.ParameterError(f"{WHERE}: {min(odd)!r}", what, sorted(_NEEDS[kind] | _MAY.get(kind, set())))


def _reading(value: Any, core: str | None, name: str, unit: str | None) -> xr.DataArray:
    """Rates or targets: 0 or more, targets above 0; NaN where a point has failed."""
    array = value if isinstance(value, xr.DataArray) else None
    if array is None:
        plain = labels.number(value, unit or "1", f"{WHERE}: {name!r}") if isinstance(value, str) else value
        array = xr.DataArray(plain, dims=core if np.ndim(plain) == 1 and core else ())
    if array.dtype.kind not in "fiu":
        raise errors.DataError(f"{WHERE}: {name!r}", f"it has dtype {array.dtype}", "real numbers")
    if unit:
        array = xr.DataArray(labels.convert(array, labels.units_of(array.attrs), unit, f"{WHERE}: {name!r}"))
    if name == "rate" and unit and array.chunks is None and bool((array < 0).any()):
        raise errors.ParameterError(f"{WHERE}: 'rate'", "it is below 0 somewhere", "0 Hz or more")
    if name == "target" and not bool((array > 0).all()):
        raise errors.ParameterError(f"{WHERE}: 'target'", "it is not above 0 everywhere", "above 0")
    return array.drop_attrs(deep=False)


def _scaled(weights: Any, ask: _Asked) -> xr.Dataset:
    """Weights that are multiplied, all of a neuron by the same."""
    norm = NORMS.get(ask.kind, 0)
    layout = Layout.of(weights, WHERE, ends=bool(norm))
    core = list(layout.core)
    own = POST if POST in core else labels.NEURON
    if norm:
        wish = _reading(ask.target, own, "target", None)
    else:
        wish = xr.DataArray(np.exp(ask.deviation(own) * (ask.time("dt") / ask.time("tau"))))
    wish = wish.rename({labels.NEURON: POST}) if POST in core and labels.NEURON in wish.dims else wish
    row = [own] if own in wish.dims and core != [PRE] else []
    _fit(layout, wish, own)
    per = [POST] if POST in core else core if layout.ends else []
    low, high = ask.bounds()
    pairs = [(layout.weights, core), (wish, row), (low, []), (high, []), *((e, core) for e in layout.ends)]
    found = xr.apply_ufunc(
        functools.partial(_multiplied, norm=norm, core=layout.core, by=bool(row)),
        *(gathered(apart(a, held), held) for a, held in pairs), input_core_dims=[held for _, held in pairs],
        output_core_dims=[core, per], join="exact", dask="parallelized", output_dtypes=[np.float64] * 2,
    )  # fmt: skip
    done = xr.Dataset({"weight": found[0], "scale": found[1], **ask.loop()})
    done = done.assign_coords({c.name: c.variable for c in layout.weights.coords.values() if set(c.dims) & set(core)})
    done["weight"].attrs = unit_attrs(layout.unit, "weight")
    done["scale"].attrs = unit_attrs("1", "what weights were multiplied by")
    return done


def _fit(layout: Layout, wish: xr.DataArray, own: str) -> None:
    """Refuse rates or norms of neurons that are not those of the weights."""
    if own not in wish.dims or layout.core == (PRE,):
        return
    if layout.core == (SYNAPSE,) and not layout.ends:
        what = "one for each neuron, and weights along 'synapse' without `post`"
        raise errors.DataError(f"{WHERE}: 'rate'", what, mend="Give the graph.")
    neurons = layout.counts[1] or wish.sizes[own]
    if wish.sizes[own] != neurons:
        raise errors.DataError(f"{WHERE}: 'rate'", f"{wish.sizes[own]} of {neurons} neurons", "one for each")


def _multiplied(
    w: Array, wish: Array, low: Array, high: Array, *ends: Array, norm: int, core: Sequence[str], by: bool
) -> tuple[Array, Array]:
    """The array layer: weights, and what they were multiplied by (for each post neuron, synapse, or the one)."""
    thin = tuple(range(-len(core), 0))
    low, high = np.expand_dims(low, thin), np.expand_dims(high, thin)
    if ends:
        post = np.maximum(ends[1], 0)
        wish = _picked(wish, post) if by else np.expand_dims(wish, -1)
    elif len(core) == 2:
        wish = np.expand_dims(wish, -1 if by else (-2, -1))
    else:
        wish = np.expand_dims(wish, -1)
    shape = np.broadcast_shapes(w.shape, wish.shape, low.shape, high.shape, *(e.shape for e in ends))
    w = np.broadcast_to(w, shape).astype(np.float64)
    scale = np.broadcast_to(wish, shape)
    if norm:
        there = np.where(np.isnan(w), 0.0, np.abs(w))
        groups = _groups(there, norm, ends)
        scale = np.divide(scale, groups, out=np.ones(shape), where=groups > 0)
    new = w * scale
    new = np.where(np.isnan(new), new, np.sign(new) * np.clip(np.abs(new), np.maximum(low, 0.0), high))
    return new, scale if ends else scale[..., 0]


def _groups(sizes: Array, norm: int, ends: Sequence[Array]) -> Array:
    """The norm of all that the neuron of each weight receives."""
    if not ends:
        return norms(sizes, norm, -1, None, 0)
    return norms(sizes, norm, None, ends[1], int(ends[1].max(initial=0)) + 1)


def _picked(wish: Array, post: Array) -> Array:
    """The value of the receiving neuron of each synapse."""
    shape = np.broadcast_shapes(wish.shape[:-1], post.shape[:-1])
    held = np.broadcast_to(wish, (*shape, wish.shape[-1]))
    return np.take_along_axis(held, np.broadcast_to(post, (*shape, post.shape[-1])), -1)


def _threshold(thresholds: Any, ask: _Asked) -> xr.Dataset:
    """Thresholds that rise where the rate is above its target."""
    held = _plain(thresholds, POST, "weights")
    held = xr.DataArray(labels.convert(held, labels.units_of(held.attrs), "mV", f"{WHERE}: 'weights'"))
    step = number_of(ask.step, "mV", WHERE, "step", 0.0, 1e6)
    moved = held - _beside(held, ask) * step * (ask.time("dt") / ask.time("tau"))
    return xr.Dataset({"threshold": moved.clip(*ask.bounds()).assign_attrs(unit_attrs("mV", "threshold"))})


def _beside(held: xr.DataArray, ask: _Asked) -> xr.DataArray:
    """1 - rate/target of the neurons that have the thresholds, under the same dim."""
    own, other = (labels.NEURON, POST) if labels.NEURON in held.dims else (POST, labels.NEURON)
    off = ask.deviation(own)
    off = off.rename({other: own}) if own in held.dims and other in off.dims else off
    if own in held.dims and off.sizes.get(own, held.sizes[own]) != held.sizes[own]:
        what = f"{off.sizes[own]} of {held.sizes[own]} neurons"
        raise errors.DataError(f"{WHERE}: 'rate'", what, "one for each")
    return off


def _plain(value: Any, dim: str, name: str) -> xr.DataArray:
    """Labelled arrays as they are, a list along a dim."""
    if isinstance(value, xr.DataArray):
        return value
    array = np.asarray(value)
    if array.ndim > 1:
        what = f"{name!r} is a plain array of {array.ndim} axes"
        raise errors.DataError(WHERE, what, f"({dim}), or a DataArray")
    return xr.DataArray(array, dims=dim if array.ndim else ())


def _conductance(conductances: Any, ask: _Asked, transcripts: Any, tau_expression: Any) -> xr.Dataset:
    """Conductances that follow their transcripts, which are made while the sensor reads too little."""
    g = _plain(conductances, CHANNEL, "weights")
    if CHANNEL not in g.dims:
        raise errors.DataError(f"{WHERE}: 'weights'", f"it has the dims {g.dims}", "dims (..., channel)")
    m = g if transcripts is None else _plain(transcripts, CHANNEL, "transcripts")
    if m.sizes.get(CHANNEL, g.sizes[CHANNEL]) != g.sizes[CHANNEL]:
        what = f"{m.sizes[CHANNEL]} of {g.sizes[CHANNEL]} channels"
        raise errors.DataError(f"{WHERE}: 'transcripts'", what, "one for each")
    unit = labels.units_of(g.attrs) or "1"
    dt, follow = ask.time("dt"), number_of(tau_expression, "ms", WHERE, "tau_expression", 1e-9, 1e15)
    made = ask.deviation(None) * number_of(ask.step, unit, WHERE, "step", 0.0, 1e12) / ask.time("tau")
    kept = np.exp(-dt / follow)
    low, high = ask.bounds()
    found = {
        "conductance": g * kept + m * (1.0 - kept) + made * (dt - follow * (1.0 - kept)),
        "transcript": m + made * dt,
    }
    names = {"conductance": "maximal conductance", "transcript": "what channels are made from"}
    return xr.Dataset(
        {
            n: v.clip(low, high).transpose(..., CHANNEL).assign_attrs(unit_attrs(unit, names[n]))
            for n, v in found.items()
        }
    )
