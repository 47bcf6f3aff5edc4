"""The state of a network: how fast, how regularly and how synchronously its neurons fire, and whether it oscillates."""

from __future__ import annotations

from collections.abc import Mapping
from enum import IntEnum
from typing import Any

import numpy as np

from sneuron import errors, labels
from sneuron.analysis.measure import FloatArray, Output, measure
from sneuron.analysis.spikes import Crowd, IntArray, SpikeTrains

__all__ = ["NetState", "Regime"]


class Regime(IntEnum):
    """What state a network is in; the order is the code of the flag."""

    QUIET = 0
    SR = 1
    AR = 2
    AI = 3
    SI_SLOW = 4
    SI_FAST = 5


_SCALARS = (
    ("rate", "Hz", "mean firing rate of a neuron"),
    ("cv", "1", "coefficient of variation of intervals, mean over neurons"),
    ("synchrony", "1", "synchrony chi of binned spikes"),
    ("fano", "1", "variance over mean of the spikes of all neurons in a bin"),
    ("frequency", "Hz", "frequency of the largest peak in the spectrum of the population's rate"),
    ("modulation", "1", "amplitude of that oscillation as a part of the mean rate"),
)
_HANN = 1.5
"""Width of the main lobe of Hann's window in steps of frequency: its power over that of its middle."""


def _gives(options: Mapping[str, Any]) -> list[Output]:
    for name in ("bin", "segment", "quiet", "regular", "synchronous", "fast"):
        unit = {"bin": "ms", "segment": "ms", "quiet": "Hz", "fast": "Hz"}.get(name, "1")
        if not 0 < labels.number(options[name], unit, f"NetState: {name}") < np.inf:
            raise errors.ParameterError(f"NetState: {name}", f"{options[name]!r} cannot be", "numbers above 0")
    flags = labels.flag_attrs(Regime, "float64")
    return [Output("state", "1", "state of the network", attrs=flags), *(Output(*scalar) for scalar in _SCALARS)]


@measure(over={"spikes": SpikeTrains(window=True, together=True)}, gives=_gives)
def NetState(
    spikes: Crowd,
    bin: float = 1.0,
    segment: float = 200.0,
    quiet: float = 1.0,
    regular: float = 0.25,
    synchronous: float = 0.5,
    fast: float = 100.0,
    t_start: float | None = None,
    t_stop: float | None = None,
    sort: bool = False,
) -> tuple[FloatArray, ...]:
    r"""The state of each network: quiet, or synchronous or asynchronous, and regular or irregular.

    Parameters
    ----------
    spikes : event Dataset; DataArray (..., neuron, spike) in ms, NaN-padded; boolean raster (..., neuron, time); arrays
        Spike trains of all neurons. A run's Dataset may be given: networks that failed come out as NaN.
    bin : float, ms, default 1
        In which spikes are counted. Frequencies above 500/bin Hz are not seen.
    segment : float, ms, default 200
        Length of the pieces whose spectra are averaged; frequencies are told in steps of 1000/segment Hz, from two on.
    quiet : float, Hz, default 1
        Mean rate below which a network is quiet.
    regular : float, default 0.25
        Mean CV of intervals below which neurons fire regularly.
    synchronous : float, default 0.5
        Modulation above which a network is synchronous.
    fast : float, Hz, default 100
        Frequency from which an oscillation is fast.
    t_start, t_stop : float, ms, optional
        Window; what the data state when omitted, and 0 for the start.
    sort : bool, default False
        Sort times first, where they are out of order.

    Returns
    -------
    Dataset
        `state` (quiet, SR, AR, AI, SI slow, SI fast: synchronous or asynchronous, regular or irregular), `rate` (Hz),
        `cv`, `synchrony`, `fano`, `frequency` (Hz), `modulation` over the dims of the networks. NaN where a network
        failed, and for what is undefined without spikes; neurons with fewer than 3 spikes have no CV, and a network
        of such neurons that is not quiet has no state.

    Raises
    ------
    DataError
        Times that do not ascend, lie outside the recording, or have NaN before the last spike.
    TimeError
        The window is not known, or holds no whole segment.

    Notes
    -----
    With counts :math:`n_i` of neuron i in bins and their mean over neurons :math:`\bar n`,
    :math:`\chi^2 = \mathrm{Var}\,\bar n / \langle \mathrm{Var}\,n_i\rangle_i`: 1 when all fire together, about
    :math:`1/\sqrt N` when they are independent. The spectrum S (one-sided, Hann, segments that overlap by half, their
    means removed) of :math:`r(t) = \bar n/bin` is 2 r/N for independent Poisson neurons. The modulation is the
    amplitude, over the mean rate r, of the sinusoid with that peak:
    :math:`m = \sqrt{3\,(S_{max} - 2r/N)/segment}/r`, which does not depend on N where a network oscillates, and goes to
    0 with :math:`1/\sqrt N` where it does not. So small networks look more synchronous than large ones.

    References
    ----------
    The four states: Brunel 2000, doi:10.1023/A:1008925309027. :math:`\chi`: Golomb & Rinzel 1994,
    doi:10.1016/0167-2789(94)90214-3. Welch 1967, doi:10.1109/TAU.1967.1161901.

    Examples
    --------
    >>> import numpy as np
    >>> beats = np.arange(10.0, 1000.0, 20.0)
    >>> found = NetState(np.array([beats, beats + 1.0, beats + 2.0]), t_stop=1000.0)
    >>> print(*(round(float(found[n]), 3) for n in ("rate", "cv", "frequency")), Regime(int(found.state)).name)
    50.0 0.0 50.0 SR
    """
    width, length = labels.number(bin, "ms", "NetState: bin"), labels.number(segment, "ms", "NetState: segment")
    begin, stop = spikes.trains.window
    cells = int((stop - begin) / width + 1e-9)
    piece = round(length / width)
    if not 4 <= piece <= cells:
        given = f"segment {length:g} ms in bins of {width:g} ms of {stop - begin:g} ms"
        raise errors.TimeError("NetState", given, "four bins or more, and no more than the window", mend="Look longer.")
    found = np.full((len(_SCALARS), spikes.failed.size), np.nan)
    for network, (times, first) in enumerate(spikes.each()):
        found[0, network] = times.size / ((stop - begin) * (first.size - 1)) * 1000.0
        if times.size:
            place = np.minimum(((times - begin) / width).astype(np.int64), cells)
            found[1, network] = _irregularity(times, first)
            found[2:, network] = _together(place, first, cells, piece, width)
    rate, cv, _, _, frequency, modulation = found
    irregular = np.where(frequency < labels.number(fast, "Hz", "NetState: fast"), Regime.SI_SLOW, Regime.SI_FAST)
    at_once = modulation > synchronous
    state = np.where(
        cv < regular,
        np.where(at_once, Regime.SR, Regime.AR),
        np.where(at_once, irregular, Regime.AI),
    )
    state = np.where(np.isnan(cv), np.nan, state)
    state = np.where(rate < labels.number(quiet, "Hz", "NetState: quiet"), Regime.QUIET, state)
    return (state, *found)


def _irregularity(times: FloatArray, first: IntArray) -> float:
    """Mean over neurons of the CV of intervals, of those that have one."""
    isi = np.diff(times)
    row = np.repeat(np.arange(first.size - 1), np.diff(first))
    within = row[1:] == row[:-1]
    isi, row = isi[within], row[1:][within]
    many = np.bincount(row, minlength=first.size - 1)
    some = many >= 2
    mean = np.bincount(row, isi, first.size - 1)[some] / many[some]
    apart = isi - (np.bincount(row, isi, first.size - 1) / np.maximum(many, 1))[row]
    spread = np.bincount(row, apart**2, first.size - 1)[some] / many[some]
    known = mean > 0
    return float((np.sqrt(spread[known]) / mean[known]).mean()) if known.any() else np.nan


def _together(place: IntArray, first: IntArray, cells: int, piece: int, width: float) -> tuple[float, ...]:
    """Synchrony, Fano factor, frequency and modulation of one network."""
    many = first.size - 1
    row = np.repeat(np.arange(many), np.diff(first))[place < cells]
    place = place[place < cells]
    counts = np.bincount(place, minlength=cells)
    mean = counts.mean()
    if mean == 0:
        return (np.nan,) * 4
    cell = row * cells + place  # ascends: spikes lie neuron after neuron, in time
    edges = np.flatnonzero(np.diff(cell, prepend=-1, append=cells * many))
    squares = (np.diff(edges).astype(np.float64) ** 2).sum() / (cells * many)
    means = np.bincount(row, minlength=many) / cells
    alone = squares - (means**2).mean()
    variance = counts.var()
    frequency, peak = _peak(counts / many / width * 1000.0, piece, width / 1000.0)
    rate = mean / many / width * 1000.0
    excess = max(0.0, peak - 2 * rate / many)
    modulation = np.sqrt(2 * excess * _HANN / (piece * width / 1000.0)) / rate
    return float(np.sqrt(variance / many**2 / alone)), float(variance / mean), frequency, float(modulation)


def _peak(rate: FloatArray, piece: int, step: float) -> tuple[float, float]:
    """Frequency (Hz) and height (Hz) of the largest peak of the one-sided spectrum of a rate; steps in s."""
    window = np.sin(np.pi * np.arange(piece) / piece) ** 2
    starts = range(0, rate.size - piece + 1, max(1, piece // 2))
    total = np.zeros(piece // 2 + 1)
    for start in starts:
        part = rate[start : start + piece]
        total += np.abs(np.fft.rfft((part - part.mean()) * window)) ** 2
    density = 2 * step * total / (len(starts) * (window**2).sum())
    where = 2 + int(np.argmax(density[2:]))
    return where / (piece * step), float(density[where])
