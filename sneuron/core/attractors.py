"""recall: networks of two-valued neurons that fall back into what they have stored."""

from __future__ import annotations

import functools
from typing import Any

import numpy as np
import xarray as xr
from numba import njit
from numpy.typing import NDArray

from sneuron import errors, labels
from sneuron.core.layers import apart, array_of, batch_of, gathered, number_of, rows_of, unit_attrs
from sneuron.core.renewal import words
from sneuron.core.stimulus import checked_seeds

__all__ = ["recall"]

Array = NDArray[Any]
WHERE = "recall"
PATTERN, NEURON, PRE, POST = "pattern", labels.NEURON, labels.PRE, labels.POST
_ORDER = 201
"""Purpose of random numbers."""


def recall(
    weights: Any,
    cue: Any,
    patterns: Any = None,
    *,
    threshold: Any = 0.0,
    sweeps: int = 100,
    together: bool = False,
    seed: Any = 0,
) -> xr.Dataset:
    r"""Let a network of two-valued neurons run from a cue until nothing changes: an associative memory.

    Parameters
    ----------
    weights : array (..., post, pre)
        From neuron to neuron, in the unit of the threshold, as HebbUpd makes them under the rule "hopfield".
    cue : array (..., neuron) of 1 and -1
        Where it starts.  Lazy where it is lazy; then other values count as NaN.
    patterns : array (..., pattern, neuron) of 1 and -1, optional
        What was stored, to compare with.
    threshold : number, list or DataArray
        A neuron is 1 where its input is above this, -1 where it is below, and stays as it is where they are equal.
    sweeps : int
        How often all neurons are looked at, at most.
    together : bool
        All at once, instead of one by one in random order.
    seed : int, list or DataArray of int
        Of the order. A list makes the dim `seed`.

    Returns
    -------
    Dataset
        `state(..., neuron)`; `settled(...)`, whether a sweep changed nothing; `sweeps(...)` it took; `energy(...)`;
        with patterns `overlap(..., pattern)`, the mean of state times pattern, from -1 to 1. NaN where cue or weights
        are no numbers.

    Raises
    ------
    DataError
        For dims that do not fit, and cues or patterns of other values than 1 and -1.
    ParameterError
        For numbers that cannot be.

    Notes
    -----
    :math:`s_i = \mathrm{sign}(\sum_j w_{ij} s_j - \theta)` (Hopfield 1982, doi:10.1073/pnas.79.8.2554). With symmetric
    weights and no loops, one by one, the energy :math:`-\frac12 s w s + \theta \sum s` never rises, so that it settles.
    Up to 0.138 N random patterns are kept, with an overlap of 0.967 at that load (Amit, Gutfreund & Sompolinsky 1987,
    doi:10.1016/0003-4916(87)90092-3).

    Examples
    --------
    >>> from sneuron import HebbUpd
    >>> rng = np.random.default_rng(0)
    >>> stored = xr.DataArray(rng.choice([-1.0, 1.0], (5, 100)), dims=("pattern", "neuron"))
    >>> shown = stored.rename(pattern="sample", neuron="pre")
    >>> learned = HebbUpd(shown, post=shown.rename(pre="post"), rule="hopfield", rate=0.01)
    >>> cue = stored[0] * xr.where(np.arange(100) < 20, -1.0, 1.0)
    >>> found = recall(learned.weight, cue, stored)
    >>> found.overlap[0].item(), bool(found.settled)
    (1.0, True)
    """
    if type(sweeps) is not int or sweeps < 1:
        raise errors.ParameterError(f"{WHERE}: 'sweeps'", f"{sweeps!r} cannot be", "a whole number from 1 on")
    w = array_of(weights, (POST, PRE), WHERE, "weights")
    s = _signs(cue, (NEURON,), "cue")
    sizes = {w.sizes[POST], w.sizes[PRE], s.sizes[NEURON]}
    known = None if patterns is None else _signs(patterns, (PATTERN, NEURON), "patterns")
    sizes |= set() if known is None else {known.sizes[NEURON]}
    if len(sizes) > 1:
        raise errors.DataError(WHERE, f"weights, cue and patterns are of {sorted(sizes)} neurons", "equal numbers")
    pairs: list[tuple[xr.DataArray, list[str]]] = [
        (w, [POST, PRE]),
        (s, [NEURON]),
        (xr.DataArray(0.0) if known is None else known, [] if known is None else [PATTERN, NEURON]),
        (number_of(threshold, "1", WHERE, "threshold", -1e300, 1e300), []),
        (checked_seeds(seed, WHERE, "seed").astype(np.uint64), []),
    ]
    results = xr.apply_ufunc(
        functools.partial(_run, sweeps=sweeps, together=bool(together), core=tuple(len(c) for _, c in pairs)),
        *(gathered(apart(a, c), c) for a, c in pairs), input_core_dims=[c for _, c in pairs],
        output_core_dims=[[NEURON], [], [], [], [] if known is None else [PATTERN]], join="exact", dask="parallelized",
        output_dtypes=[np.float64] * 5,
    )  # fmt: skip
    names = {"state": "1 or -1", "settled": "whether nothing changed any more", "sweeps": "sweeps until then",
             "energy": "energy of the state", "overlap": "mean of state times pattern"}  # fmt: skip
    found = {n: r.assign_attrs(unit_attrs("1", text)) for (n, text), r in zip(names.items(), results, strict=True)}
    own = [c for a in (s, known) if a is not None for c in a.coords.values() if set(c.dims) & {NEURON, PATTERN}]
    found = found if known is not None else {n: r for n, r in found.items() if n != "overlap"}
    return xr.Dataset(found).assign_coords({c.name: c.variable for c in own if set(c.dims) <= {NEURON, PATTERN}})


def _signs(value: Any, dims: tuple[str, ...], name: str) -> xr.DataArray:
    """An array of 1 and -1; lazy ones are not looked at, NaN marks a point that failed."""
    found = array_of(value, dims, WHERE, name)
    if found.chunks is None and not bool(((abs(found) == 1) | found.isnull()).all()):
        raise errors.DataError(f"{WHERE}: {name!r}", "there are other values", "1 and -1")
    return found


def _run(
    w: Array, cue: Array, patterns: Array, threshold: Array, seed: Array,
    sweeps: int, together: bool, core: tuple[int, ...],
) -> tuple[Array, ...]:  # fmt: skip
    """The array layer."""
    arrays = (w, cue, patterns, threshold, seed)
    shape = batch_of(arrays, core)
    rows, of = rows_of(w, 2, shape)
    cue, patterns = (np.where(np.abs(a) == 1, a, np.nan) for a in (cue, patterns))
    state = np.array(np.broadcast_to(cue, (*shape, cue.shape[-1])), np.float64, order="C").reshape(of.size, -1)
    keys, limits = (np.array(np.broadcast_to(a, shape)).reshape(-1) for a in (seed, threshold))
    settled, took, energy = np.zeros(of.size), np.zeros(of.size), np.zeros(of.size)
    results = (settled, took, energy)
    _fall(np.array(rows), of, state, limits.astype(np.float64), keys.astype(np.uint64), sweeps, together, *results)
    found = [a.reshape((*shape, *a.shape[1:])) for a in (state, settled, took, energy)]
    if core[2]:
        held = np.broadcast_to(patterns, (*shape, *patterns.shape[-2:]))
        return (*found, (held * found[0][..., np.newaxis, :]).mean(-1))
    return (*found, found[1])


@njit(cache=True, nogil=True)
def _fall(
    weights: Array, of: Array, state: Array, threshold: Array, keys: Array, sweeps: int, together: bool, settled: Array,
    took: Array, energy: Array,
) -> None:  # fmt: skip
    """Each point until nothing changes."""
    n = state.shape[1]
    order, drive = np.arange(n), np.zeros(n)
    for p in range(of.size):
        w, s = weights[of[p]], state[p]
        for sweep in range(sweeps):
            order[:] = np.arange(n)
            if not together:
                for k in range(n - 1, 0, -1):
                    word = words(keys[p], _ORDER, sweep, k)[0]
                    other = np.int64((float(word >> np.uint64(11)) + 0.5) * 2.0**-53 * (k + 1))
                    order[k], order[other] = order[other], order[k]
            changed = 0
            for place in range(n):
                i = order[place]
                total = -threshold[p]
                for j in range(n):
                    total += w[i, j] * s[j]
                drive[i] = total
                if not together:
                    changed += _turned(s, i, total)
            if together:
                for i in range(n):
                    changed += _turned(s, i, drive[i])
            took[p] = sweep + 1
            if changed == 0:
                settled[p] = 1.0
                break
        total = 0.0
        for i in range(n):
            total += threshold[p] * s[i]
            for j in range(n):
                total -= 0.5 * s[i] * w[i, j] * s[j]
        energy[p] = total
        if np.isnan(total):
            s[:] = np.nan
            settled[p] = took[p] = np.nan


@njit(cache=True, nogil=True)
def _turned(s: Array, i: int, drive: float) -> int:
    """Sets a neuron by its input; whether it changed."""
    new = 1.0 if drive > 0.0 else -1.0 if drive < 0.0 else s[i]
    if new == s[i] or np.isnan(s[i]):
        return 0
    s[i] = new
    return 1
