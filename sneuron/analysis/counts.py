"""How many spikes, when the first one, and how far both are from a recording."""

from __future__ import annotations

import numpy as np

from sneuron.analysis.measure import FloatArray, Output, measure
from sneuron.analysis.segments import reduced
from sneuron.analysis.spikes import SpikeTrains, Trains

__all__ = ["CountError", "Latency", "LatencyError", "RateError", "SpikeCount"]

_MODEL, _REFERENCE = SpikeTrains(), SpikeTrains(events=False)
_WINDOWED, _WINDOWED_REFERENCE = SpikeTrains(window=True), SpikeTrains(window=True, events=False)


@measure(over={"spikes": _MODEL}, gives=Output("spike_count", "1", "number of spikes"))
def SpikeCount(
    spikes: Trains, t_start: float | None = None, t_stop: float | None = None, sort: bool = False
) -> FloatArray:
    """Number of spikes of each train.

    Parameters
    ----------
    spikes : DataArray (..., spike) in ms, NaN-padded; event Dataset; boolean raster (..., time); array or lists
        Spike trains.
    t_start, t_stop : float, ms, optional
        Window; both ends belong to it. All spikes when omitted.
    sort : bool, default False
        Sort times first, where they are out of order.

    Returns
    -------
    DataArray or float
        Counts as floats, NaN where a point failed.

    Raises
    ------
    DataError
        Times that do not ascend, lie outside the recording, or have NaN before the last spike.

    Examples
    --------
    >>> SpikeCount([[3.0, 8.0], [4.0], []], t_stop=5.0)
    array([1., 1., 0.])
    """
    return spikes.count.astype(np.float64)


@measure(over={"spikes": _MODEL}, gives=Output("latency", "ms", "latency of the first spike"))
def Latency(
    spikes: Trains, t_start: float | None = None, t_stop: float | None = None, sort: bool = False
) -> FloatArray:
    """Time from the onset to the first spike of each train.

    Parameters
    ----------
    spikes : DataArray (..., spike) in ms, NaN-padded; event Dataset; boolean raster (..., time); array or lists
        Spike trains.
    t_start : float, ms, optional
        The onset; where the recording begins, or 0, when omitted.
    t_stop : float, ms, optional
        No spike after it counts.
    sort : bool, default False
        Sort times first, where they are out of order.

    Returns
    -------
    DataArray or float
        Latencies in ms; NaN where there is no spike and where a point failed.

    Raises
    ------
    DataError
        Times that do not ascend, lie outside the recording, or have NaN before the last spike.

    Examples
    --------
    >>> Latency([[3.0, 8.0], [4.0], []], t_start=3.5)
    array([4.5, 0.5, nan])
    """
    return reduced(np.minimum, spikes.times, spikes.first) - (spikes.start or 0.0)


@measure(
    over={"spikes": _MODEL, "reference": _REFERENCE},
    gives=Output("count_error", "1", "spikes more than in the reference"),
)
def CountError(
    spikes: Trains, reference: Trains, t_start: float | None = None, t_stop: float | None = None, sort: bool = False
) -> FloatArray:
    """Number of spikes of each train minus that of its reference.

    Parameters
    ----------
    spikes : DataArray (..., spike) in ms, NaN-padded; array or lists
        Spike trains of a model.
    reference : DataArray (..., spike or spike_ref) in ms, NaN-padded; array or lists
        Recorded trains; dims are matched by name.
    t_start, t_stop : float, ms, optional
        Window; both ends belong to it. All spikes when omitted.
    sort : bool, default False
        Sort times first, where they are out of order.

    Returns
    -------
    DataArray or float
        Difference of counts; NaN where a point failed.

    Raises
    ------
    DataError
        Times that do not ascend, lie outside the recording, or have NaN before the last spike.

    Examples
    --------
    >>> CountError([[3.0, 8.0], [4.0]], [2.0, 5.0, 9.0])
    array([-1., -2.])
    """
    return _more(spikes, reference)


@measure(
    over={"spikes": _WINDOWED, "reference": _WINDOWED_REFERENCE},
    gives=Output("rate_error", "Hz", "firing rate above that of the reference"),
)
def RateError(
    spikes: Trains, reference: Trains, t_start: float | None = None, t_stop: float | None = None, sort: bool = False
) -> FloatArray:
    """Firing rate of each train minus that of its reference.

    Parameters
    ----------
    spikes : DataArray (..., spike) in ms, NaN-padded; array or lists
        Spike trains of a model.
    reference : DataArray (..., spike or spike_ref) in ms, NaN-padded; array or lists
        Recorded trains; dims are matched by name.
    t_start, t_stop : float, ms, optional
        Window, both ends included; what `spikes` state when omitted, and 0 for the start.
    sort : bool, default False
        Sort times first, where they are out of order.

    Returns
    -------
    DataArray or float
        Difference of rates in Hz; NaN where a point failed.

    Raises
    ------
    DataError
        Times that do not ascend, lie outside the recording, or have NaN before the last spike.
    TimeError
        The window is not known.

    Examples
    --------
    >>> RateError([[3.0, 8.0], [4.0]], [2.0, 5.0, 9.0], t_stop=10.0)
    array([-100., -200.])
    """
    start, stop = spikes.window
    return _more(spikes, reference) * (1000.0 / (stop - start))


def _more(spikes: Trains, reference: Trains) -> FloatArray:
    """Spikes of each train more than in its reference."""
    shape = np.broadcast_shapes(spikes.shape, reference.shape)
    return (spikes.count[spikes.rows_of(shape)] - reference.count[reference.rows_of(shape)]).astype(np.float64)


@measure(
    over={"spikes": _MODEL, "reference": _REFERENCE},
    gives=Output("latency_error", "ms", "first spike later than in the reference"),
)
def LatencyError(
    spikes: Trains, reference: Trains, t_start: float | None = None, t_stop: float | None = None, sort: bool = False
) -> FloatArray:
    """Time of the first spike of each train minus that of its reference.

    Parameters
    ----------
    spikes : DataArray (..., spike) in ms, NaN-padded; array or lists
        Spike trains of a model.
    reference : DataArray (..., spike or spike_ref) in ms, NaN-padded; array or lists
        Recorded trains; dims are matched by name.
    t_start : float, ms, optional
        The onset, before which no spike counts.
    t_stop : float, ms, optional
        No spike after it counts.
    sort : bool, default False
        Sort times first, where they are out of order.

    Returns
    -------
    DataArray or float
        Difference in ms; NaN where either has no spike and where a point failed.

    Raises
    ------
    DataError
        Times that do not ascend, lie outside the recording, or have NaN before the last spike.

    Examples
    --------
    >>> LatencyError([[3.0, 8.0], [4.0], []], [2.0, 5.0, 9.0])
    array([ 1.,  2., nan])
    """
    shape = np.broadcast_shapes(spikes.shape, reference.shape)
    model, recorded = (reduced(np.minimum, trains.times, trains.first) for trains in (spikes, reference))
    return model[spikes.rows_of(shape)] - recorded[reference.rows_of(shape)]
