"""Intervals between spikes: their mean, spread, irregularity, adaptation, memory and distribution."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np

from sneuron import errors, labels
from sneuron.analysis.measure import Axis, FloatArray, Output, measure
from sneuron.analysis.segments import divided, intervals, reduced, total
from sneuron.analysis.spikes import IntArray, SpikeTrains, Trains

__all__ = ["ISIComp"]

_SCALARS = (
    ("isi_count", "1", "number of inter-spike intervals"),
    ("isi_mean", "ms", "mean inter-spike interval"),
    ("isi_sd", "ms", "standard deviation of inter-spike intervals"),
    ("isi_min", "ms", "shortest inter-spike interval"),
    ("isi_max", "ms", "longest inter-spike interval"),
    ("cv", "1", "coefficient of variation of inter-spike intervals"),
    ("cv2", "1", "local coefficient of variation CV2"),
    ("lv", "1", "local variation LV"),
    ("lvr", "1", "revised local variation LvR"),
    ("adaptation", "1", "adaptation index"),
)


def _gives(options: Mapping[str, Any]) -> list[Output]:
    outputs = [Output(*scalar) for scalar in _SCALARS]
    lags, edges = _lags(options["lags"]), _edges(options)
    _skip(options["skip"])
    _refractory(options["refractory"])
    if lags:
        axis = Axis("lag", np.arange(1, lags + 1), "1", "intervals apart")
        outputs.append(Output("serial_correlation", "1", "serial correlation of inter-spike intervals", (axis,)))
    if edges is not None:
        beside = {"isi_low": (edges[:-1], "ms"), "isi_high": (edges[1:], "ms")}
        centre = (edges[:-1] + edges[1:]) / 2
        axis = Axis("isi_bin", centre, "ms", "inter-spike interval, centre of the bin", beside)
        outputs.append(Output("histogram", "1", "number of inter-spike intervals", (axis,)))
    return outputs


@measure(over={"spikes": SpikeTrains()}, gives=_gives)
def ISIComp(
    spikes: Trains,
    lags: int = 0,
    bins: int | Sequence[float] | None = None,
    scale: str | None = None,
    limits: tuple[float, float] | None = None,
    refractory: float = 5.0,
    skip: int = 0,
    t_start: float | None = None,
    t_stop: float | None = None,
    sort: bool = False,
) -> tuple[FloatArray, ...]:
    r"""Statistics of the intervals between the spikes of each train.

    Parameters
    ----------
    spikes : DataArray (..., spike) in ms, NaN-padded; event Dataset; boolean raster (..., time); array or lists
        Spike trains. A run's Dataset may be given: its failed points come out as NaN.
    lags : int, default 0
        Number of lags of the serial correlation; 0 leaves it out.
    bins : int or sequence of float (ms), optional
        Number of bins, or their edges, of the histogram; None leaves it out. The last bin includes its upper edge.
    scale : {"log", "linear"}, optional
        Spacing when `bins` is a number; "log" when omitted.
    limits : (float, float), ms, optional
        Outer edges when `bins` is a number; (1, 10000) when omitted. Intervals outside are not counted.
    refractory : float, ms, default 5
        The constant R of LvR.
    skip : int, default 0
        Intervals left out at the beginning for the adaptation index; 1 gives eFEL's `adaptation_index2`.
    t_start, t_stop : float, ms, optional
        Window; both ends belong to it. All spikes when omitted.
    sort : bool, default False
        Sort times first, where they are out of order; otherwise that is an error.

    Returns
    -------
    Dataset
        `isi_count`, `isi_mean`, `isi_sd`, `isi_min`, `isi_max` (ms), `cv`, `cv2`, `lv`, `lvr`, `adaptation` over the
        dims of the trains; on request `serial_correlation` (..., lag) and `histogram` (..., isi_bin), in counts.
        What is undefined is NaN: everything but `isi_count` with fewer than 2 spikes; `isi_sd`, `cv`, `cv2`, `lv`,
        `lvr` and `adaptation` with fewer than 3; the correlation at lag k with fewer than k + 3, or between equal
        intervals.

    Raises
    ------
    DataError
        Times that do not ascend, lie outside the recording, or have NaN before the last spike.
    ParameterError
        Options that cannot be.

    Notes
    -----
    With intervals :math:`I_1 \dots I_n`, their mean :math:`m` and population standard deviation :math:`s`:
    :math:`CV = s/m`;
    :math:`CV2 = \frac{1}{n-1}\sum 2|I_{i+1}-I_i|/(I_{i+1}+I_i)`;
    :math:`LV = \frac{3}{n-1}\sum (I_{i+1}-I_i)^2/(I_{i+1}+I_i)^2`;
    :math:`LvR = \frac{3}{n-1}\sum (1-\frac{4I_iI_{i+1}}{(I_i+I_{i+1})^2})(1+\frac{4R}{I_i+I_{i+1}})`;
    adaptation :math:`= \frac{1}{n-1}\sum (I_{i+1}-I_i)/(I_{i+1}+I_i)`;
    :math:`\rho_k = \frac{1}{n-k}\sum (I_i-m)(I_{i+k}-m)/s^2`.
    Two spikes at one time make an interval of 0; two such intervals in a row count as equal.

    References
    ----------
    Holt et al. 1996, doi:10.1152/jn.1996.75.5.1806 (CV2). Shinomoto et al. 2003, doi:10.1162/089976603322518759 (LV).
    Shinomoto et al. 2009, doi:10.1371/journal.pcbi.1000433 (LvR). Adaptation index as in eFEL, after Druckmann et al.
    2007, doi:10.3389/neuro.01.1.1.001.2007. Farkhooi et al. 2009, doi:10.1103/PhysRevE.79.021905 (serial correlation).

    Examples
    --------
    >>> isi = ISIComp([[10.0, 20.0, 40.0, 80.0], [10.0, 20.0, 30.0, 40.0], [5.0]])
    >>> isi.isi_mean.values
    array([23.33333333, 10.        ,         nan])
    >>> isi.cv.values
    array([0.53452248, 0.        ,        nan])
    >>> ISIComp([10.0, 20.0, 40.0, 80.0], bins=[0, 15, 50]).histogram.values
    array([1., 2.])
    """
    isi, first = intervals(spikes)
    n = np.diff(first)
    row = np.repeat(np.arange(n.size), n)
    mean = divided(total(isi, first), n)
    sd = np.where(n > 1, np.sqrt(divided(total((isi - mean[row]) ** 2, first), n)), np.nan)
    lowest, highest = reduced(np.minimum, isi, first), reduced(np.maximum, isi, first)
    results = [
        n.astype(np.float64),
        mean,
        sd,
        lowest,
        highest,
        divided(sd, mean),
        *_local(isi, first, refractory, skip),
    ]
    if lags:
        results.append(_serial(isi - mean[row], sd, first, lags, _rounding(spikes)))
    edges = _edges({"bins": bins, "scale": scale, "limits": limits})
    if edges is not None:
        results.append(_histogram(isi, row, n.size, edges))
    return tuple(results)


def _local(isi: FloatArray, first: IntArray, refractory: float, skip: int) -> tuple[FloatArray, ...]:
    """CV2, LV, LvR and adaptation: means over neighbouring intervals."""
    pairs, one, two = _pairs(isi, first, 1)
    both = one + two
    contrast = np.divide(two - one, both, out=np.zeros(both.size), where=both > 0)
    room = 4 * _refractory(refractory) * np.divide(1.0, both, out=np.zeros(both.size), where=both > 0)
    n = np.diff(pairs)
    cv2 = divided(2 * total(np.abs(contrast), pairs), n)
    lv = divided(3 * total(contrast**2, pairs), n)
    lvr = divided(3 * total(contrast**2 * (1 + room), pairs), n)
    place = np.arange(contrast.size) - np.repeat(pairs[:-1], n)
    later = contrast[place >= skip]
    left = np.concatenate(([0], np.cumsum(np.maximum(n - skip, 0))))
    return cv2, lv, lvr, divided(total(later, left), np.diff(left))


def _pairs(values: FloatArray, first: IntArray, lag: int) -> tuple[IntArray, FloatArray, FloatArray]:
    """Values and those `lag` later in the same train: where each train's begin, the former, the latter."""
    n = np.diff(first)
    place = np.arange(values.size) - np.repeat(first[:-1], n)
    early = np.nonzero(place < np.repeat(n, n) - lag)[0]
    begin = np.concatenate(([0], np.cumsum(np.maximum(n - lag, 0))))
    return begin, values[early], values[early + lag]


def _serial(apart: FloatArray, sd: FloatArray, first: IntArray, lags: int, rounding: FloatArray) -> FloatArray:
    """Serial correlation at lags 1 to `lags`; undefined where intervals differ by rounding only."""
    out = np.full((first.size - 1, lags), np.nan)
    spread = np.where(sd > rounding, sd, np.nan)
    for lag in range(1, lags + 1):
        begin, one, two = _pairs(apart, first, lag)
        n = np.diff(begin)
        out[:, lag - 1] = np.where(n > 1, divided(total(one * two, begin), n * spread**2), np.nan)
    return out


def _rounding(spikes: Trains) -> FloatArray:
    """How far rounding of the times alone spreads the intervals of each train."""
    return 8 * np.finfo(np.float64).eps * reduced(np.maximum, np.abs(spikes.times), spikes.first, 0.0)


def _histogram(isi: FloatArray, row: IntArray, rows: int, edges: FloatArray) -> FloatArray:
    bins = edges.size - 1
    cell = np.searchsorted(edges, isi, "right") - 1
    cell[isi == edges[-1]] = bins - 1
    inside = (cell >= 0) & (cell < bins)
    flat = np.bincount(row[inside] * bins + cell[inside], minlength=rows * bins)
    return flat.reshape(rows, bins).astype(np.float64)


def _edges(options: Mapping[str, Any]) -> FloatArray | None:
    """Edges of the histogram, or None when none is asked for."""
    bins, scale, limits = options["bins"], options["scale"], options["limits"]
    if isinstance(bins, int | np.integer) and not isinstance(bins, bool):
        return _spaced(int(bins), scale or "log", limits or (1.0, 10_000.0))
    for name in ("scale", "limits"):
        if options[name] is not None:
            raise errors.ParameterError("ISIComp", f"{name} goes with a number of bins only, and bins is {bins!r}")
    if bins is None:
        return None
    edges = np.asarray(bins, np.float64)
    if edges.ndim != 1 or edges.size < 2 or not np.all(np.diff(edges) > 0):
        raise errors.ParameterError("ISIComp", "bins are not edges", "two or more ascending times in ms")
    return edges


def _spaced(bins: int, scale: str, limits: tuple[float, float]) -> FloatArray:
    low, high = (labels.number(limit, "ms", "ISIComp: limits") for limit in limits)
    if scale not in ("log", "linear"):
        raise errors.unknown("ISIComp", "scale", str(scale), ("log", "linear"))
    if bins < 1 or not low < high or (scale == "log" and low <= 0):
        given = f"{bins} {scale} bins from {low:g} to {high:g} ms"
        raise errors.ParameterError("ISIComp", given, "1 bin or more, ascending limits, above 0 for the log scale")
    return np.geomspace(low, high, bins + 1) if scale == "log" else np.linspace(low, high, bins + 1)


def _whole(value: Any, name: str) -> int:
    if isinstance(value, bool) or not isinstance(value, int | np.integer) or value < 0:
        raise errors.ParameterError("ISIComp", f"{name} is {value!r}", "whole numbers from 0")
    return int(value)


def _lags(value: Any) -> int:
    return _whole(value, "lags")


def _skip(value: Any) -> int:
    return _whole(value, "skip")


def _refractory(value: Any) -> float:
    period = labels.number(value, "ms", "ISIComp: refractory")
    if not 0 <= period < np.inf:
        raise errors.ParameterError("ISIComp", f"refractory is {period:g} ms", "0 ms and more")
    return period
