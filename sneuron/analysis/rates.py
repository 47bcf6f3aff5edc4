"""Firing rates: of the whole record, of windows, or smoothed by a kernel."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import numpy.typing as npt

from sneuron import errors, labels
from sneuron.analysis import bandwidth as bandwidths
from sneuron.analysis.measure import Axis, FloatArray, Output, measure
from sneuron.analysis.spikes import SpikeTrains, Trains

__all__ = ["KERNELS", "FireRate", "Kernel"]

_PER_SECOND = 1000.0
_BLOCK = 1 << 20
_STEP = 1.0


@dataclass(frozen=True)
class Kernel:
    """A smoothing kernel of unit mass and unit standard deviation.

    Parameters
    ----------
    density, mass : callable
        Its value at x, and its integral up to x.
    low, high : float
        Where it begins and ends, or is below 1e-17 of its mass.
    """

    density: Callable[[FloatArray], FloatArray]
    mass: Callable[[FloatArray], FloatArray]
    low: float
    high: float


def _normal_mass(x: FloatArray) -> FloatArray:
    from scipy.special import ndtr

    return np.asarray(ndtr(x))


def _alpha_mass(x: FloatArray) -> FloatArray:
    y = np.sqrt(2) * np.maximum(x, 0)
    return np.asarray(-np.expm1(-y) - y * np.exp(-y))


_HALF = float(np.sqrt(3))

KERNELS: Mapping[str, Kernel] = {
    "rectangular": Kernel(
        lambda x: (np.abs(x) <= _HALF) / (2 * _HALF), lambda x: np.clip(x / (2 * _HALF) + 0.5, 0, 1), -_HALF, _HALF
    ),
    "gaussian": Kernel(lambda x: np.exp(-0.5 * x**2) / np.sqrt(2 * np.pi), _normal_mass, -9.0, 9.0),
    "exponential": Kernel(
        lambda x: np.where(x >= 0, np.exp(-np.maximum(x, 0)), 0), lambda x: -np.expm1(-np.maximum(x, 0)), 0.0, 40.0
    ),
    "alpha": Kernel(lambda x: 2 * np.maximum(x, 0) * np.exp(-np.sqrt(2) * np.maximum(x, 0)), _alpha_mass, 0.0, 32.0),
}
"""Kernels by name; `exponential` and `alpha` are causal: they look at the past only."""


@dataclass(frozen=True, eq=False)
class _Grid:
    """Where the rate is given: the mean over cells between `points`, or at `points` themselves."""

    points: FloatArray
    cells: bool

    @property
    def size(self) -> int:
        return self.points.size - self.cells

    @property
    def width(self) -> FloatArray:
        return np.diff(self.points)

    def axis(self) -> Axis:
        """The `time` dim of the result."""
        if not self.cells:
            return Axis("time", self.points, "ms", "time")
        low, high = self.points[:-1], self.points[1:]
        beside = {"window_start": (low, "ms"), "window_stop": (high, "ms")}
        return Axis("time", (low + high) / 2, "ms", "time, centre of the window", beside)


def _gives(options: Mapping[str, Any]) -> Output:
    _check(options)
    grid = _grid(options)
    return Output("rate", "Hz", "firing rate", () if grid is None else (grid.axis(),))


@measure(over={"spikes": SpikeTrains(window=True)}, gives=_gives)
def FireRate(
    spikes: Trains,
    window: float | None = None,
    kernel: str | None = None,
    bandwidth: float | str | None = None,
    step: float | None = None,
    times: npt.ArrayLike | None = None,
    dims: str | Sequence[str] = (),
    border: str | None = None,
    t_start: float | None = None,
    t_stop: float | None = None,
    sort: bool = False,
) -> FloatArray:
    r"""Spikes per second of each train: over the whole record, in windows, or smoothed by a kernel.

    Parameters
    ----------
    spikes : DataArray (..., spike) in ms, NaN-padded; event Dataset; boolean raster (..., time); array or lists
        Spike trains. A run's Dataset may be given: its failed points come out as NaN.
    window : float, ms, optional
        Length of counting windows that tile the record; the last one is shorter where they do not fit, and its rate is
        over its own length. A spike on an edge belongs to the later window.
    kernel : {"gaussian", "rectangular", "exponential", "alpha"}, optional
        Smoothing kernel of unit mass; "gaussian" when only a bandwidth is given. The last two are causal.
    bandwidth : float (ms), "optimal" or "adaptive", optional
        Standard deviation of the kernel: for the rectangular kernel its half-width over sqrt(3), for the exponential
        its time constant, for the alpha function sqrt(2) times its time constant. "optimal" is the fixed bandwidth of
        least expected squared error of each train, "adaptive" one for each spike, for rates with sudden changes (both
        Gaussian only); with 1 or 2 spikes these are undefined and the rate is NaN.
    step : float, ms, default 1
        With a kernel: the rate is the mean over cells of this length, so that its sum times the step is its integral.
    times : array, ms, optional
        With a kernel: the rate at these ascending times instead.
    dims : str or sequence of str, optional
        Dims pooled into one train (neurons, repeats); the rate is that of their mean.
    border : {"none", "renormalise"}, default "none"
        With a kernel: "renormalise" gives the part of each spike's kernel inside the window unit mass, so that the
        integral of the rate is the number of spikes.
    t_start, t_stop : float, ms, optional
        Window; what the data state when omitted, and 0 for the start. Both ends belong to it.
    sort : bool, default False
        Sort times first, where they are out of order.

    Returns
    -------
    DataArray or ndarray, Hz
        `rate` over the dims of the trains, with `time` last when there are windows or a kernel (coords `window_start`
        and `window_stop` give each cell). 0 without spikes, NaN where a point failed.

    Raises
    ------
    DataError
        Times that do not ascend, lie outside the recording, or have NaN before the last spike.
    TimeError
        The window is not known.
    ParameterError
        Options that cannot be, or that contradict each other.

    Notes
    -----
    :math:`r = N/T`; with a kernel k of bandwidth :math:`\sigma`, :math:`r(t) = \sum_i k((t-t_i)/\sigma)/\sigma`.
    Pooled rates are divided by the number of trains pooled; if one of them failed, their rate is NaN.

    References
    ----------
    Shimazaki & Shinomoto 2010, doi:10.1007/s10827-009-0180-4 (bandwidth). Nawrot, Aertsen & Rotter 1999,
    doi:10.1016/S0165-0270(99)00127-2 (kernels).

    Examples
    --------
    >>> FireRate([[100.0, 250.0, 600.0], [300.0]], t_stop=1000.0)
    array([3., 1.])
    >>> FireRate([100.0, 250.0, 600.0], window=500.0, t_stop=1000.0)
    array([4., 2.])
    >>> rate = FireRate([100.0, 250.0, 600.0], bandwidth=50.0, border="renormalise", t_stop=1000.0)
    >>> print(round(rate.sum() / 1000, 12))
    3.0
    """
    grid = _grid({"window": window, "kernel": kernel, "bandwidth": bandwidth, "step": step, "times": times,
                  "t_start": spikes.start, "t_stop": spikes.stop})  # fmt: skip
    start, stop = spikes.window
    if grid is None:
        return spikes.count / ((stop - start) * spikes.merged) * _PER_SECOND
    if bandwidth is None:
        return _counted(spikes, grid) / (grid.width * spikes.merged) * _PER_SECOND
    width, unknown = _widths(spikes, bandwidth)
    rate = _smoothed(spikes, KERNELS[kernel or "gaussian"], width, grid, border == "renormalise")
    rate[unknown] = np.nan
    return rate / spikes.merged * _PER_SECOND


def _counted(spikes: Trains, grid: _Grid) -> FloatArray:
    """Spikes in each window."""
    cell = np.minimum(np.searchsorted(grid.points, spikes.times, "right") - 1, grid.size - 1)
    rows, size = spikes.failed.size, grid.size
    return np.bincount(spikes.row * size + cell, minlength=rows * size).reshape(rows, size).astype(np.float64)


def _widths(spikes: Trains, bandwidth: float | str) -> tuple[FloatArray, npt.NDArray[np.bool_]]:
    """The bandwidth of each spike, and the trains for which it is undefined."""
    none = np.zeros(spikes.failed.size, bool)
    if not isinstance(bandwidth, str) or bandwidth not in ("optimal", "adaptive"):
        return np.full(spikes.times.size, labels.number(bandwidth, "ms", "FireRate: bandwidth")), none
    choose = getattr(bandwidths, bandwidth)
    width = [np.broadcast_to(choose(train, *spikes.window), train.shape) for train in spikes.each() if train.size]
    none = (spikes.count > 0) & (spikes.count < bandwidths.FEWEST)
    return np.nan_to_num(np.concatenate([np.zeros(0), *width]), nan=1.0), none


def _smoothed(spikes: Trains, kernel: Kernel, width: FloatArray, grid: _Grid, renormalise: bool) -> FloatArray:
    """The kernels of all spikes added up, spike after spike, in blocks that bound memory."""
    rate = np.zeros((spikes.failed.size, grid.size))
    flat = rate.reshape(-1)
    scale = np.ones(spikes.times.size)
    if renormalise:
        start, stop = spikes.window
        inside = kernel.mass((stop - spikes.times) / width) - kernel.mass((start - spikes.times) / width)
        lost = inside < 1e-9
        scale = np.where(lost, 0, 1 / np.where(lost, 1, inside))
        if grid.cells:  # a causal kernel at the very end lies in the last cell as a whole
            np.add.at(rate[:, -1], spikes.row[lost], 1 / grid.width[-1])
    low, high = _touched(spikes.times, kernel, width, grid)
    ends, row, begin = np.cumsum(high - low), spikes.row, 0
    while begin < spikes.times.size:
        done = ends[begin - 1] if begin else 0
        end = max(begin + 1, int(np.searchsorted(ends, done + _BLOCK, "right")))
        n = (high - low)[begin:end]
        spike = np.repeat(np.arange(begin, end), n)
        cell = np.arange(spike.size) - np.repeat(np.cumsum(n) - n - low[begin:end], n)
        value = _values(kernel, grid, cell, spikes.times[spike], width[spike])
        np.add.at(flat, row[spike] * grid.size + cell, value * scale[spike])
        begin = end
    return rate


def _touched(
    times: FloatArray, kernel: Kernel, width: FloatArray, grid: _Grid
) -> tuple[npt.NDArray[np.intp], npt.NDArray[np.intp]]:
    """The cells or times `low <= i < high` that the kernel of each spike reaches."""
    begin, end = times + kernel.low * width, times + kernel.high * width
    low = np.searchsorted(grid.points, begin, "right" if grid.cells else "left") - grid.cells
    high = np.searchsorted(grid.points, end, "left" if grid.cells else "right")
    low, high = np.clip(low, 0, grid.size), np.clip(high, 0, grid.size)
    return low, np.maximum(low, high)


def _values(
    kernel: Kernel, grid: _Grid, cell: npt.NDArray[np.intp], times: FloatArray, width: FloatArray
) -> FloatArray:
    """The kernel's mean over cells, or its value at times."""
    if not grid.cells:
        return kernel.density((grid.points[cell] - times) / width) / width
    mass = kernel.mass((grid.points[cell + 1] - times) / width) - kernel.mass((grid.points[cell] - times) / width)
    return mass / grid.width[cell]


def _grid(options: Mapping[str, Any]) -> _Grid | None:
    """Windows, cells or times of the result; None for one rate of the whole record."""
    window, smooth = options["window"], options["kernel"] is not None or options["bandwidth"] is not None
    if window is None and not smooth:
        return None
    if options["times"] is not None:
        return _Grid(_ascending(options["times"]), cells=False)
    if options["t_stop"] is None:
        raise errors.TimeError("FireRate", "when the observation ended is not known", mend="Give t_stop in ms.")
    name, length = ("window", window) if window is not None else ("step", options["step"])
    step = labels.number(_STEP if length is None else length, "ms", f"FireRate: {name}")
    start = labels.number(options["t_start"] or 0.0, "ms", "FireRate: t_start")
    stop = labels.number(options["t_stop"], "ms", "FireRate: t_stop")
    if not 0 < step <= (stop - start) * (1 + 1e-9):
        raise errors.TimeError("FireRate", f"{name} is {step:g} ms", f"times above 0 ms, up to {stop - start:g} ms")
    cells = int(np.ceil((stop - start) / step - 1e-9))
    return _Grid(np.append(start + step * np.arange(cells), stop), cells=True)


def _ascending(times: npt.ArrayLike) -> FloatArray:
    points = np.asarray(times, np.float64)
    if points.ndim != 1 or not points.size or not np.all(np.isfinite(points)) or not np.all(np.diff(points) > 0):
        raise errors.TimeError("FireRate", "times are not ascending times in ms", "a list of one or more")
    return points


def _check(options: Mapping[str, Any]) -> None:
    """Refuse options that cannot be, and those that would have no effect."""
    kernel, width = options["kernel"], options["bandwidth"]
    smooth = kernel is not None or width is not None
    if options["window"] is not None and smooth:
        raise errors.ParameterError("FireRate", "window and kernel are both given", mend="Give one of them.")
    if kernel is not None and kernel not in KERNELS:
        raise errors.unknown("FireRate", "kernel", str(kernel), KERNELS)
    if kernel is not None and width is None:
        raise errors.ParameterError("FireRate", f"the {kernel} kernel has no bandwidth", mend="Give bandwidth in ms.")
    for name in ("step", "times", "border"):
        if options[name] is not None and not smooth:
            raise errors.ParameterError("FireRate", f"{name} goes with a kernel only", mend="Give a bandwidth.")
    if options["step"] is not None and options["times"] is not None:
        raise errors.ParameterError("FireRate", "step and times are both given", mend="Give one of them.")
    if options["border"] not in (None, "none", "renormalise"):
        raise errors.unknown("FireRate", "border", str(options["border"]), ("none", "renormalise"))
    if smooth:
        _check_bandwidth(kernel, width)


def _check_bandwidth(kernel: str | None, width: Any) -> None:
    if width in ("optimal", "adaptive"):
        if kernel not in (None, "gaussian"):
            given = f"the {width} bandwidth is for the gaussian kernel, not the {kernel}"
            raise errors.ParameterError("FireRate", given)
    elif not 0 < labels.number(width, "ms", "FireRate: bandwidth") < np.inf:
        raise errors.ParameterError("FireRate", f"bandwidth is {width} ms", 'times above 0 ms, "optimal", "adaptive"')
