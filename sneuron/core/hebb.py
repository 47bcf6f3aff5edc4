"""HebbUpd: weights that follow the activity of the neurons that they join."""

from __future__ import annotations

import functools
import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import xarray as xr
from numpy.typing import NDArray

from sneuron import errors, labels
from sneuron.core.layers import apart, array_of, batch_of, gathered, number_of, rows_of, unit_attrs, units_or
from sneuron.lang.hebbian import run
from sneuron.lang.rates import Hebbian, addresses, load_rate_rule
from sneuron.lang.spec_rates import RateRule

__all__ = ["HebbUpd"]

Array = NDArray[Any]
WHERE = "HebbUpd"
SAMPLE, TRACE = "sample", "trace"
SEEN, TRACES, CHANGE, BAD = "samples_seen", "weight_trace", "change", "first_bad_step"
PRE, POST = labels.PRE, labels.POST


def HebbUpd(
    activity: Any,
    weights: Any = None,
    *,
    rule: str | RateRule = "oja",
    post: Any = None,
    rate: Any = 0.01,
    batch: bool = False,
    passes: int = 1,
    tau: Any = 100.0,
    exists: Any = None,
    traces: int = 0,
    along: str | None = None,
    **parameters: Any,
) -> xr.Dataset:
    r"""Change weights as a rule says, by the activity of the neurons that they join: Hebb, BCM, Oja, Sanger and others.

    Parameters
    ----------
    activity : array (..., sample, pre)
        What the sending neurons do, in any unit; the dim of samples may be `time` too. Lazy where it is lazy.
    weights : array (..., post, pre) or (..., pre), or Dataset
        Weights to start from; 0 when omitted and `post` is given. What HebbUpd returned goes on where it ended,
        averages included.
    rule : str or RateRule
        "hebb", "anti_hebb", "covariance", "bcm", "oja", "sanger", "decorrelation", or a description of your own.
    post : array (..., sample, post), optional
        What the receiving neurons do. When omitted they do what their inputs make them: y = w x, put through the
        rule's `output`.
    rate : number, list or DataArray, 1
        Learning rate: what a sample adds is so many times the rule's change. A list makes the dim `rate`.
    batch : bool
        One change for a whole pass, with the mean over all samples, instead of one for each sample.
    passes : int
        How many times all samples are shown.
    tau : number, list or DataArray, samples
        How far back the running averages of a rule reach (not in a batch). The first `tau` samples count equally.
    exists : array of bool (..., post, pre), optional
        Which synapses there are; others never change.
    traces : int
        How many times, evenly spaced, weights are written down on the way.
    along : str, optional
        The dim of samples; "sample" or "time" when omitted.
    **parameters
        Those of the rule.

    Returns
    -------
    Dataset
        `weight(..., post, pre)` in the unit of `weights`; the rule's averages; `samples_seen`; `status` and
        `first_bad_step` (a point whose weights ran away beyond 1e100 is NaN); with `traces`, `weight_trace(..., trace,
        post, pre)` and `change(..., trace, post)`, how far the weights of a neuron went at each step since the trace
        before, with the coordinate `trace`: the number of samples (passes of a batch) until then.

    Raises
    ------
    UnknownNameError
        For a rule or parameter that is not known.
    DataError
        For dims that do not fit.
    ParameterError
        For a rate, number of passes or tau that cannot be.

    Notes
    -----
    :math:`w \leftarrow w + \eta f(w, x, y)`, with f = xy (Hebb 1949); :math:`(x - \bar x)(y - \bar y)` (Sejnowski 1977,
    doi:10.1007/BF00275079); :math:`xy(y - \overline{y^2})` (Bienenstock, Cooper & Munro 1982,
    doi:10.1523/JNEUROSCI.02-01-00032.1982); :math:`y(x - yw)` (Oja 1982, doi:10.1007/BF00275687);
    :math:`y_i(x - \sum_{k \le i} y_k w_k)` (Sanger 1989, doi:10.1016/0893-6080(89)90044-0); :math:`-xy` inside a layer
    (Foldiak 1990, doi:10.1007/BF02331346). All weights change at once, from the values before; averages move after
    them. Points are computed one by one: their bits do not depend on their company.

    Examples
    --------
    >>> rng = np.random.default_rng(1)
    >>> x = rng.normal(size=(20_000, 2)) @ np.linalg.cholesky([[1.0, 0.5], [0.5, 1.0]]).T
    >>> learned = HebbUpd(x, [1.0, 0.0], rule="oja", rate=[0.001, 0.002])
    >>> learned.weight.dims, np.abs(learned.weight.sel(rate=0.001).values - np.sqrt(0.5)).max() < 0.03
    (('rate', 'pre'), np.True_)
    """
    asked = _Asked.of(activity, weights, rule, post, exists, along)
    if type(passes) is not int or passes < 1:
        raise errors.ParameterError(f"{WHERE}: 'passes'", f"{passes!r} cannot be", "a whole number from 1 on")
    numbers = {
        "rate": number_of(rate, "1", WHERE, "rate", -1e12, 1e12),
        "tau": number_of(tau, "1", WHERE, "tau", 1.0),
        **_parameters(asked.rule, parameters),
    }
    steps = passes if batch else passes * asked.samples
    return asked.learned(numbers, bool(batch), passes, _every(traces, steps), traces)


def _parameters(rule: Hebbian, given: Mapping[str, Any]) -> dict[str, xr.DataArray]:
    """Parameters of the rule by name, in its bounds."""
    for name in given:
        if name not in rule.params:
            raise errors.unknown(WHERE, "parameter", name, ["rate", "tau", *rule.params])
    return {
        name: number_of(given.get(name, p.value), p.unit, WHERE, name, p.low, p.high) for name, p in rule.params.items()
    }


def _every(traces: int, steps: int) -> int:
    """Steps between two traces; more than all when there are none."""
    if type(traces) is not int or not 0 <= traces <= steps:
        raise errors.ParameterError(f"{WHERE}: 'traces'", f"{traces!r} cannot be", f"a whole number from 0 to {steps}")
    return steps // traces if traces else steps + 1


@dataclass(frozen=True)
class _Asked:
    """Arrays of a call, checked: all have their core dims, and those of a neuron alone a `post` of one."""

    rule: Hebbian
    activity: xr.DataArray
    weights: xr.DataArray
    post: xr.DataArray | None
    exists: xr.DataArray
    averages: Mapping[str, xr.DataArray]
    along: str
    single: bool

    @classmethod
    def of(cls, activity: Any, weights: Any, rule: str | RateRule, post: Any, exists: Any, along: str | None) -> _Asked:
        """From what a caller gave."""
        chosen = load_rate_rule(rule, WHERE)
        found = along or _along(activity)
        x = array_of(activity, (found, PRE), WHERE, "activity")
        y = None if post is None else array_of(post, (found, POST), WHERE, "post")
        former = weights if isinstance(weights, xr.Dataset) else xr.Dataset()
        w = _weights(former.get("weight", weights), x, y)
        single = POST not in w.dims
        w = w.expand_dims(POST) if single else w
        kept = (
            xr.DataArray(True) if exists is None else array_of(exists, () if single else (POST, PRE), WHERE, "exists")
        )
        if kept.dtype.kind != "b":
            raise errors.DataError(f"{WHERE}: 'exists'", f"it has dtype {kept.dtype}", "true or false")
        averages = {n: former[n] for n in (*chosen.pre, *chosen.post, SEEN) if n in former}
        asked = cls(chosen, x, w, y, kept, averages, found, single)
        asked._check()
        return asked

    @property
    def samples(self) -> int:
        return self.activity.sizes[self.along]

    def _check(self) -> None:
        """Refuse sizes that do not fit together, and samples that are not there."""
        if not self.samples:
            raise errors.DataError(f"{WHERE}: 'activity'", "there are no samples", "one or more")
        pairs = [("weights", self.weights, "activity", self.activity, PRE)]
        if self.post is not None:
            others = (("weights", self.weights, POST), ("activity", self.activity, self.along))
            pairs += [("post", self.post, *other) for other in others]
        for one, a, other, b, dim in pairs:
            if a.sizes[dim] != b.sizes[dim]:
                what = f"{one!r} has {a.sizes[dim]} along {dim!r}, {other!r} {b.sizes[dim]}"
                raise errors.DataError(WHERE, what, "equal sizes")
        if self.rule.spec.lateral and self.weights.sizes[PRE] != self.weights.sizes[POST]:
            what = f"a layer of {self.weights.sizes[PRE]} that send and {self.weights.sizes[POST]} that receive"
            raise errors.DataError(f"{WHERE}: {self.rule.spec.name!r}", what, "the same neurons")

    def learned(
        self, numbers: Mapping[str, xr.DataArray], batch: bool, passes: int, every: int, kept: int
    ) -> xr.Dataset:
        """Run the loop, lazily where the arrays are lazy, and put names to what comes out."""
        arrays, cores = self._inputs(numbers)
        average = self.rule.spec.averages
        outputs: list[tuple[str, list[str], Any, dict[str, Any]]] = [
            ("weight", [POST, PRE], np.float64, unit_attrs(units_or(self.weights, "1"), "weight")),
            *((n, [PRE], np.float64, unit_attrs("1", f"average of {average[n]}")) for n in self.rule.pre),
            *((n, [POST], np.float64, unit_attrs("1", f"average of {average[n]}")) for n in self.rule.post),
            (SEEN, [], np.int64, unit_attrs("1", "samples that were shown")),
            (labels.STATUS, [], np.uint8, labels.status_attrs()),
            (BAD, [], np.float64, unit_attrs("1", "step at which weights ran away")),
            (TRACES, [TRACE, POST, PRE], np.float64, unit_attrs(units_or(self.weights, "1"), "weight on the way")),
            (CHANGE, [TRACE, POST], np.float64, unit_attrs(units_or(self.weights, "1"), "change of weights a step")),
        ]  # fmt: skip
        call = functools.partial(
            _looped, rule=self.rule.spec, core=tuple(len(c) for c in cores), known=self.post is not None,
            averaged=tuple(self.averages), batch=batch, passes=passes, every=every, kept=kept,
        )  # fmt: skip
        results = xr.apply_ufunc(
            call, *arrays, input_core_dims=cores, output_core_dims=[dims for _, dims, _, _ in outputs], join="exact",
            dask="parallelized", output_dtypes=[kind for _, _, kind, _ in outputs],
            dask_gufunc_kwargs={"output_sizes": {TRACE: kept}},
        )  # fmt: skip
        found = xr.Dataset({out[0]: r.assign_attrs(out[3]) for out, r in zip(outputs, results, strict=True)})
        return self._named(found, every, kept)

    def _inputs(self, numbers: Mapping[str, xr.DataArray]) -> tuple[list[xr.DataArray], list[list[str]]]:
        """Arrays and the core dims of each, in the order in which the loop takes them."""
        w = self.weights
        shape = [POST, PRE]
        given = xr.DataArray(0.0) if self.post is None else self.post
        exists = self.exists.broadcast_like(apart(w, [POST, PRE])[{d: 0 for d in w.dims if d not in shape}])
        means = [[PRE] if n in self.rule.pre else [POST] if n in self.rule.post else [] for n in self.averages]
        pairs = [
            (self.activity, [self.along, PRE]),
            (given, [] if self.post is None else [self.along, POST]),
            (w, shape),
            (exists, shape),
            *((a.expand_dims(POST) if POST in m and POST not in a.dims else a, m)
              for a, m in zip(self.averages.values(), means, strict=True)),
            *((a, []) for a in numbers.values()),
        ]  # fmt: skip
        return [gathered(apart(a, core), core) for a, core in pairs], [core for _, core in pairs]

    def _named(self, found: xr.Dataset, every: int, kept: int) -> xr.Dataset:
        """With the coordinates of the neurons and traces, and the rule that made it."""
        own = [c for c in self.weights.coords.values() if set(c.dims) & {PRE, POST} and set(c.dims) <= {PRE, POST}]
        found = found.assign_coords({c.name: c.variable for c in own})
        if kept:
            where = (np.arange(kept) + 1) * every
            found = found.assign_coords({TRACE: (TRACE, where, unit_attrs("1", "steps until then"))})
        else:
            found = found.drop_vars([TRACES, CHANGE])
        found = found.isel({POST: 0}, drop=True) if self.single else found
        return found.assign_attrs(rate_rule=self.rule.spec.name, rate_rule_hash=self.rule.hash)


def _along(activity: Any) -> str:
    """The dim of samples."""
    if not isinstance(activity, xr.DataArray):
        return SAMPLE
    found = [d for d in (SAMPLE, labels.TIME) if d in activity.dims]
    if len(found) != 1:
        what = f"'activity' has the dims {activity.dims}"
        raise errors.DataError(WHERE, what, "dims (..., sample, pre) or (..., time, pre)", mend="Name it: along=...")
    return found[0]


def _weights(weights: Any, x: xr.DataArray, y: xr.DataArray | None) -> xr.DataArray:
    """Weights to start from: a matrix, one row, or none."""
    if weights is None:
        if y is None:
            mend = "Give weights to start from: where all are 0, nothing is ever active."
            raise errors.DataError(WHERE, "there are neither weights nor `post`", mend=mend)
        return xr.DataArray(np.zeros((y.sizes[POST], x.sizes[PRE])), dims=(POST, PRE))
    if isinstance(weights, xr.DataArray):
        return array_of(weights, (PRE,), WHERE, "weights")
    return array_of(weights, (PRE,) if np.ndim(weights) == 1 else (POST, PRE), WHERE, "weights")


def _looped(
    x: Array, given: Array, weights: Array, exists: Array, *rest: Array, rule: RateRule, core: Sequence[int],
    known: bool, averaged: Sequence[str], batch: bool, passes: int, every: int, kept: int,
) -> tuple[Array, ...]:  # fmt: skip
    """The array layer: all points one after the other."""
    chosen = load_rate_rule(rule, WHERE)
    shape = batch_of((x, given, weights, exists, *rest), core)
    means = dict(zip(averaged, rest, strict=False))
    numbers = [np.broadcast_to(a, shape).reshape(-1) for a in rest[len(averaged) :]]
    rows, of_x = rows_of(x, 2, shape)
    shown, of_given = rows_of(given, 2, shape) if known else (np.zeros((1, 1, 1)), np.zeros(math.prod(shape), np.int64))
    there, of_exists = rows_of(exists, 2, shape)
    many, (n_post, n_pre) = math.prod(shape), weights.shape[-2:]
    w = np.array(np.broadcast_to(weights, (*shape, n_post, n_pre)), np.float64, order="C").reshape(many, n_post, n_pre)
    pre_mean = _started(means, list(chosen.pre), n_pre, shape)
    post_mean = _started(means, list(chosen.post), n_post, shape)
    seen = np.array(np.broadcast_to(means.get(SEEN, np.zeros(())), shape), np.int64).reshape(-1)
    trace, moved = np.full((many, kept, n_post, n_pre), np.nan), np.full((many, kept, n_post), np.nan)
    rate, tau = (np.ascontiguousarray(n, np.float64) for n in numbers[:2])
    status, bad = np.zeros(many, np.uint8), np.full(many, np.nan)
    params = np.stack(numbers[2:], -1) if numbers[2:] else np.zeros((many, 0))
    loop: Any = run
    loop(
        addresses(chosen), rule.lateral, rows, of_x, shown, of_given, known, w, there > 0, of_exists, params, rate, tau,
        pre_mean, post_mean, seen, batch, passes, every, trace, moved, status, bad,
    )  # fmt: skip
    flat = [w, *(m[..., k] for m in (pre_mean, post_mean) for k in range(m.shape[-1]))]
    return tuple(a.reshape((*shape, *a.shape[1:])) for a in (*flat, seen, status, bad, trace, moved))


def _started(means: Mapping[str, Array], names: Sequence[str], n: int, shape: tuple[int, ...]) -> Array:
    """Averages as they were, or 0, dims (point, average, neuron)."""
    held = np.zeros((math.prod(shape), n, len(names)))
    for k, name in enumerate(names):
        if name in means:
            held[..., k] = np.broadcast_to(means[name], (*shape, n)).reshape(-1, n)
    return held
