"""Single synapses that change, under spike trains: the rules of networks without a network."""

from __future__ import annotations

import functools
import math
from dataclasses import dataclass
from typing import Any

import numpy as np
import xarray as xr
from numpy.typing import NDArray

from sneuron import errors, labels
from sneuron.core.plastic import asked, bounds_of
from sneuron.core.stimulus import checked_seeds
from sneuron.lang.expr import names_of, numpy_value
from sneuron.lang.kernel import trains_of
from sneuron.lang.keys import content_keys
from sneuron.lang.plasticity import Rule
from sneuron.lang.synapses import shown

__all__ = ["NtRelease", "StdpUpd"]

Array = NDArray[Any]
_POST = "spike of the receiving neuron"


def StdpUpd(
    timing: Any,
    post: Any = None,
    rule: Any = "stdp",
    *,
    weight: Any = None,
    axonal: Any = 0.0,
    dendritic: Any = 0.0,
    bounds: bool = True,
    until: Any = None,
    **params: Any,
) -> xr.Dataset:
    r"""How much a synapse changes by the times of spikes, under any rule.

    Parameters
    ----------
    timing : number, array or DataArray, ms; or spike trains
        Without `post`: times of the spike of the receiving neuron after that of the sending one, a pair of spikes
        each; NaN makes NaN. With `post`: spikes of the sending neuron, as times along `spike` (NaN where there are no
        more), or as a dataset with `spike_time`, of which runs that failed make NaN.
    post : spike trains, optional
        Spikes of the receiving neuron.
    rule : str, Plasticity, mapping or JSON
        "stdp", "stdp_power", "stdp_multiplicative", "stdp_nearest", "stdp_centred", "stdp_restricted", "triplet",
        "inhibitory", or any rule that `load_plasticity` takes.
    weight : number or DataArray, optional
        The weight before, as a size, in units of the rule's own scale, within its bounds where these hold. Half of the
        upper bound when omitted, or 1 where it has none.
    axonal, dendritic : number, ms
        Delays from the sending neuron to the synapse, and from the receiving one. The rule sees the times at the
        synapse.
    bounds : bool
        Whether the bounds of the rule hold.
    until : number or text, ms
        When the weight is looked at, if it moves between spikes ("calcium"); at the last spike when omitted, and where
        that is later. May be infinite.
    **params
        Parameters of the rule; a list makes a dim of its name, a DataArray keeps its dims.

    Returns
    -------
    xarray.Dataset
        `change` and `weight` afterwards, over all dims of timing, weight and parameters.

    Raises
    ------
    UnknownNameError
        For a rule, or a parameter, that there is not.
    ParameterError, DataError
        For values out of bounds, trains that are not in order, dims that do not fit together.

    Notes
    -----
    Pairs: :math:`\Delta w = A_+ w_{max} e^{-\Delta t/\tau_+}` for :math:`\Delta t > 0`, :math:`-A_- w_{max} e^{\Delta
    t/\tau_-}` below, 0 at 0 (Song, Miller & Abbott 2000, doi:10.1038/78829). Trains are followed from event to event by
    traces, with the same expressions as in networks: what happens at a spike is computed from the values just before,
    so that spikes that reach the synapse at one time make no pair.

    Examples
    --------
    >>> window = StdpUpd([-10.0, 10.0], A_plus=0.777, tau_plus=16.8, A_minus=0.273, tau_minus=33.7)
    >>> window.change.values.round(5).tolist()
    [-0.2029, 0.42846]
    """
    where = "StdpUpd"
    found, values = asked({"rule": rule, **params}, where)
    if not found.looks_back or not found.learns:
        what = f"rule {found.name!r} changes no weight by the times of two spikes"
        raise errors.ModelError(where, what, mend="Take NtRelease for release, or another rule.")
    _check_flag(bounds, f"{where}: 'bounds'")
    late = [_delay(d, f"{where}: {n!r}") for n, d in (("axonal", axonal), ("dendritic", dendritic))]
    if post is None:
        after = _times(timing, f"{where}: 'timing'")
        sent, back = xr.zeros_like(after).expand_dims("spike", -1), after.expand_dims(_POST, -1)
    else:
        sent, back = _train(timing, f"{where}: 'timing'"), _train(post, f"{where}: 'post'").rename(spike=_POST)
    start = _start(found, values, weight, where)
    end = -math.inf if until is None else labels.number(labels.plain(until, f"{where}: 'until'"), "ms", where)
    seed = xr.DataArray(np.uint64(0))
    ran = _run(found, sent + late[0], back + late[1], start, values, seed, (bool(bounds), end), where)
    result = xr.Dataset(
        {
            "change": ran.labelled(ran.end - ran.start, units="1", long_name="change of the weight"),
            "weight": ran.labelled(ran.end, units="1", long_name="weight"),
        },
        attrs={"rule": found.text, "rule_name": found.name},
    )
    return _of_good(result, sent, back) if post is not None else result.where(after.notnull())


def NtRelease(
    spikes: Any,
    rule: Any = "tsodyks_markram",
    *,
    weight: Any = 1.0,
    synapses: Any = None,
    seed: Any = 0,
    **params: Any,
) -> xr.Dataset:
    r"""What each spike of a neuron releases, as its synapses facilitate and depress.

    Parameters
    ----------
    spikes : spike trains, ms
        Times along `spike` (NaN where there are no more), or a dataset with `spike_time`.
    rule : str, Plasticity, mapping or JSON
        "tsodyks_markram" (means), "quantal" (single vesicles, by chance), or a rule of your own.
    weight : number or DataArray
        What all resources together release.
    synapses : int, optional
        So many along the dim `synapse`, with random numbers of their own.
    seed : int, list or DataArray of int
        Of random numbers; a list makes the dim `repeat`.
    **params
        Parameters of the rule (`U`, `tau_rec`, `tau_fac`, `sites`); a list makes a dim of its name, a DataArray keeps
        its dims.

    Returns
    -------
    xarray.Dataset
        `release(..., spike)`, and what is known of the synapse when the spike comes: `u` (the part that is used, after
        its jump), `x` (the part that is there, before); under "quantal" `quanta`, the number of vesicles that are
        released, and `n`, those that the last spike left. NaN where there is no spike.

    Raises
    ------
    UnknownNameError
        For a rule, or a parameter, that there is not.
    ParameterError, DataError
        For values out of bounds, trains that are not in order, dims that do not fit together.

    Notes
    -----
    At a spike first :math:`u \leftarrow u + U(1 - u)`, then :math:`u x` is released, then :math:`x \leftarrow x - u x`;
    between spikes u decays to 0 with `tau_fac`, and x recovers to 1 with `tau_rec` (Tsodyks, Pawelzik & Markram 1998,
    doi:10.1162/089976698300017502). So u is the value after its jump and x the one before its own. Quanta: each site
    that has a vesicle releases it with probability u, an empty one gets one at the rate 1/tau_rec (Fuhrmann et al.
    2002, doi:10.1152/jn.00258.2001). Random numbers are counted, keyed by seed and by the number of the synapse and of
    the spike: parameters do not enter.

    Examples
    --------
    >>> import numpy as np
    >>> train = NtRelease(np.arange(0.0, 200.0, 50.0), U=0.5, tau_rec=800.0)
    >>> train.release.values.round(4).tolist()
    [0.5, 0.2651, 0.1548, 0.103]
    """
    where = "NtRelease"
    found, values = asked({"rule": rule, **params}, where)
    train = _train(spikes, f"{where}: 'spikes'")
    words = checked_seeds(seed, where, "seed").astype(np.uint64)
    if words.ndim and words.dims == ("seed",):
        words = words.rename(seed=labels.REPEAT)
    if synapses is not None:
        if isinstance(synapses, bool) or not isinstance(synapses, int | np.integer) or synapses < 1:
            raise errors.ParameterError(f"{where}: 'synapses'", f"{synapses!r:.60} is no number of them", "1 or more")
        train = train.expand_dims({labels.SYNAPSE: int(synapses)}, -2)
    start = _weight(weight, f"{where}: 'weight'")
    none = train.isel(spike=slice(0, 0)).rename(spike=_POST)
    ran = _run(found, train, none, start, values, words, (True, -math.inf), where)
    given = {n: s.unit for n, s in found.spec.states.items()}
    names = {"release": ran.sent} | {n: ran.known[..., k] for k, n in enumerate(shown(found))}
    notes = {n: d.note for n, d in found.spec.states.items()} | {n: c.note for n, c in found.spec.chances.items()}
    result = xr.Dataset(
        {
            n: ran.labelled(v, ("spike",), units=given.get(n, "1"), long_name=notes.get(n) or n)
            for n, v in names.items()
        },
        attrs={"rule": found.text, "rule_name": found.name},
    )
    return _of_good(result, train)


@dataclass
class _Ran:
    """What became of synapses, dims (point, ...), and the dims of the points."""

    dims: dict[str, int]
    coords: dict[str, Any]
    start: Array
    end: Array
    sent: Array
    known: Array

    def labelled(self, values: Array, extra: tuple[str, ...] = (), **attrs: Any) -> xr.DataArray:
        """With the dims of the points."""
        shape = (*self.dims.values(), *values.shape[1:])
        coords = {n: c for n, c in self.coords.items() if set(c.dims) <= {*self.dims, *extra}}
        return xr.DataArray(values.reshape(shape), dims=(*self.dims, *extra), coords=coords, attrs=attrs)


def _run(
    rule: Rule, pre: xr.DataArray, post: xr.DataArray, weight: xr.DataArray, params: dict[str, xr.DataArray],
    seeds: xr.DataArray, limits: tuple[bool, float], where: str,
) -> _Ran:  # fmt: skip
    """Synapses through trains, all points together."""
    given = {n: params.get(n, xr.DataArray(p.value)) for n, p in rule.params.items()}
    parts = [pre, post, weight, seeds, *given.values()]
    try:
        spread = xr.broadcast(*xr.align(*parts, join="exact", exclude=["spike", _POST]), exclude=["spike", _POST])
    except (xr.AlignmentError, xr.MergeError, ValueError) as cause:
        mend = "Give shared dims the same coordinates."
        raise errors.DataError(where, "trains, weight and parameters do not fit together", mend=mend) from cause
    dims = {str(d): n for part in spread for d, n in part.sizes.items() if d not in ("spike", _POST)}
    last = {0: ["spike"], 1: [_POST]}
    flat = [
        np.ascontiguousarray(part.transpose(*dims, *last.get(k, [])).values).reshape(
            math.prod(dims.values()), *([part.sizes[last[k][0]]] if k in last else [])
        )
        for k, part in enumerate(spread)
    ]
    values = np.stack(flat[4:], axis=-1) if given else np.zeros((flat[2].size, 1))
    if limits[0]:
        _check_bounds(rule, flat[2], values, where)
    end, sent, known = _moved(rule, flat, values, _numbers(dims), limits)
    coords = {str(n): c for part in spread for n, c in part.coords.items()}
    return _Ran(dims, coords, flat[2], end, sent, known)


def _check_bounds(rule: Rule, weights: Array, values: Array, where: str) -> None:
    low, high = bounds_of(rule, dict(zip(rule.params, values.T, strict=False)), where)
    bad = (weights < low) | (weights > high)
    if bad.any():
        ends = [np.broadcast_to(end, bad.shape)[bad][0] for end in (low, high)]
        raise errors.ParameterError(
            f"{where}: 'weight'", f"{weights[bad][0]:g} is out of the bounds of the rule", f"{ends[0]:g} to {ends[1]:g}"
        )


def _of_good(found: xr.Dataset, *trains: xr.DataArray) -> xr.Dataset:
    """What came of spike trains; nothing of those of a run that failed."""
    told = [t.coords[labels.STATUS].reset_coords(drop=True) for t in trains if labels.STATUS in t.coords]
    if not told:
        return found
    status = functools.reduce(lambda one, other: one.where(one != labels.Status.OK, other), told)
    found = found.drop_vars(labels.STATUS).where(status == labels.Status.OK)
    return found.assign_coords({labels.STATUS: status.assign_attrs(labels.status_attrs())})


def _numbers(dims: dict[str, int]) -> Array:
    """The number of each point along `synapse`."""
    shape = [n if d == labels.SYNAPSE else 1 for d, n in dims.items()]
    along = np.arange(dims.get(labels.SYNAPSE, 1)).reshape(shape)
    return np.broadcast_to(along, tuple(dims.values())).reshape(-1).astype(np.int64)


def _moved(
    rule: Rule, flat: list[Array], values: Array, numbers: Array, limits: tuple[bool, float]
) -> tuple[Array, Array, Array]:
    """Weights afterwards; what each spike sent, and what was known of the synapse then."""
    pre, post, start, seeds = flat[:4]
    known = dict(zip(rule.params, values.T, strict=False))
    starts = [np.broadcast_to(numpy_value(kept.jump, known), start.shape) for kept in rule.states.values()]
    states = np.stack(starts, axis=-1).astype(np.float64) if starts else np.zeros((start.size, 1))
    keys = content_keys({"synapses": np.zeros(1, np.uint64)}, seeds).reshape(-1)
    words = np.stack([keys & np.uint64(0xFFFFFFFF), keys >> np.uint64(32)], axis=-1).astype(np.uint32)
    end = start.astype(np.float64)
    sent = np.full(pre.shape, np.nan)
    found = np.full((*pre.shape, max(1, len(shown(rule)))), np.nan)
    trains_of(rule).trains(pre, post, end.copy(), values, states, words, numbers, *limits, end, sent, found)
    return end, sent, found


# -- what is given ---------------------------------------------------------------------------------


def _check_flag(value: Any, where: str) -> None:
    if not isinstance(value, bool | np.bool_):
        raise errors.ParameterError(where, f"{value!r:.60} is neither true nor false", "True, False")


def _delay(value: Any, where: str) -> float:
    ms = labels.number(labels.plain(value, where), "ms", where)
    if not 0.0 <= ms < np.inf:
        raise errors.ParameterError(where, f"{ms:g} ms is no delay", "0 ms or more")
    return ms


def _times(given: Any, where: str) -> xr.DataArray:
    """Times in ms."""
    if isinstance(given, xr.DataArray):
        array = given.copy(data=np.asarray(labels.convert(given.values, labels.units_of(given.attrs), "ms", where)))
    else:
        values = np.asarray(given)
        array = xr.DataArray(values, dims=["timing", *(f"timing_{k}" for k in range(1, values.ndim))][: values.ndim])
    if array.dtype.kind not in "fiu":
        raise errors.DataError(where, f"values of type {array.dtype} are no times", "numbers in ms")
    if np.isinf(array.values).any():
        raise errors.DataError(where, "a time is infinite", "numbers in ms")
    return array.astype(np.float64)


def _train(given: Any, where: str) -> xr.DataArray:
    """Spike trains along `spike`, in order, NaN at their ends."""
    if isinstance(given, xr.Dataset):
        if labels.SPIKE_TIME not in given:
            raise errors.DataError(where, f"this dataset has no {labels.SPIKE_TIME!r}", "spike_time(..., spike)")
        given = given[labels.SPIKE_TIME]
    elif not isinstance(given, xr.DataArray):
        values = np.asarray(given)
        if values.ndim != 1:
            what = f"an array of {values.ndim} dims says not which is `spike`"
            raise errors.DataError(where, what, "one train, or a DataArray with the dim 'spike'")
        given = xr.DataArray(values, dims=labels.SPIKE)
    if labels.SPIKE not in given.dims:
        raise errors.DataError(where, f"dims {given.dims} hold no spikes", "the dim 'spike'")
    array = _times(given, where).transpose(..., labels.SPIKE)
    steps = np.diff(array.values, axis=-1)
    gone = np.isnan(array.values)
    if (steps < 0).any() or (gone[..., :-1] & ~gone[..., 1:]).any():
        raise errors.DataError(
            where, "a train is not in order", "times that grow, NaN only at the end", mend="Sort it."
        )
    return array


def _weight(given: Any, where: str) -> xr.DataArray:
    """Weights as sizes."""
    array = given if isinstance(given, xr.DataArray) else xr.DataArray(labels.number(given, "1", where))
    if array.dtype.kind not in "fiu" or not bool((np.isfinite(array) & (array >= 0)).all()):
        raise errors.ParameterError(where, f"{array.values!s:.60} is no size", "numbers from 0")
    return array.astype(np.float64)


def _start(rule: Rule, values: dict[str, xr.DataArray], weight: Any, where: str) -> xr.DataArray:
    """The weight before."""
    if weight is not None:
        return _weight(weight, f"{where}: 'weight'")
    if rule.high is None:
        return xr.DataArray(1.0)
    high = rule.high
    known = {n: values.get(n, xr.DataArray(p.value)) for n, p in rule.params.items()}
    names = sorted(names_of(high))
    half = xr.apply_ufunc(
        lambda *held: 0.5 * numpy_value(high, dict(zip(names, held, strict=True))), *(known[n] for n in names)
    )
    return xr.DataArray(half)
