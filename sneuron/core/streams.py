"""Which random numbers a neuron draws: keys made of the seed, of what the neuron is, and of its place in a population.

A key depends on the values of all parameters and stimuli of the neuron, not on the block, worker or order in which it
is simulated, nor on which other neurons there are. Names that are made common do not count: neurons that differ in
them alone draw the same numbers.
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Iterable
from typing import Any

import numpy as np
import xarray as xr
from numpy.typing import NDArray

from sneuron import errors, labels
from sneuron.core.state import ROLE, model_of, state_dims
from sneuron.lang.model import Model

__all__ = ["SEED", "keys_of", "seeded"]

Words = NDArray[np.uint64]
SEED = "seed"
STREAMS = "streams"
_SEEDS = "0 to 2**64 - 1"
_MIX = (np.uint64(0xBF58476D1CE4E5B9), np.uint64(0x94D049BB133111EB), np.uint64(0x9E3779B97F4A7C15))


def seeded(
    state: xr.Dataset, seed: Any = None, common: Any = (), across: Any = (), where: str = "NoiseAdd"
) -> xr.Dataset:
    """The state with a seed, and with the names in which neurons may differ and yet draw the same numbers.

    Parameters
    ----------
    state : Dataset
    seed : int, list or DataArray of int, optional
        A list makes the dim `seed`. What the state has already, else 0, when omitted.
    common : list of str, or "all"
        Parameters and dims that do not count.
    across : list of str
        Dims of a population: correlated noise is shared along them.
    """
    held = json.loads(state.attrs.get(STREAMS, "{}"))
    names = {
        "common": _names(common, state, f"{where}: 'common'"),
        "across": _names(across, state, f"{where}: 'across'"),
    }
    held |= {k: v for k, v in names.items() if v or k not in held}
    if seed is not None or SEED not in state:
        state = state.drop_vars(SEED, errors="ignore")
        state = state.assign_coords({SEED: _seeds(0 if seed is None else seed, f"{where}: 'seed'")})
    return state.assign_attrs({STREAMS: json.dumps(held, sort_keys=True)})


def keys_of(state: xr.Dataset) -> tuple[Words, Words]:
    """Two keys for each neuron, in the order of the dims of the state: its own, and that of its population."""
    ready = state if SEED in state and STREAMS in state.attrs else seeded(state)
    held = json.loads(ready.attrs[STREAMS])
    own = _keys(ready, set(held["common"]), "own")
    shared = _keys(ready, {*held["common"], *held["across"]}, "shared") if held["across"] else own
    return own, shared


def _names(given: Any, state: xr.Dataset, where: str) -> list[str]:
    """Names of parameters and dims, checked; "all" means every one."""
    model = model_of(state, where)
    known = [*model.params, *state_dims(state), *_inputs(state)]
    if given == "all":
        return ["all"]
    names = [given] if isinstance(given, str) else list(given)
    names = [model.aliases.get(n, n) for n in names]
    for name in names:
        if name not in known:
            raise errors.unknown(where, "parameter or dim", str(name), [*known, "all"])
    return sorted(set(names))


def _seeds(seed: Any, where: str) -> xr.DataArray:
    """Seeds as words of 64 bits."""
    given = seed.values if isinstance(seed, xr.DataArray) else seed
    flat = np.asarray(given, dtype=object).ravel().tolist()
    if not flat or not all(isinstance(s, int | np.integer) and not isinstance(s, bool) for s in flat):
        raise errors.ParameterError(where, f"{seed!r:.60} is not a whole number, or a list of them", _SEEDS)
    if min(flat) < 0 or max(flat) >= 2**64:
        raise errors.ParameterError(where, f"{seed!r:.60} is out of bounds", _SEEDS)
    attrs = {"long_name": "seed of the random numbers"}
    if isinstance(seed, xr.DataArray):
        return seed.astype(np.uint64).assign_attrs(attrs)
    words = np.array(flat, np.uint64)
    return xr.DataArray(words, dims=SEED, attrs=attrs) if np.ndim(given) else xr.DataArray(words[0], attrs=attrs)


@np.errstate(over="ignore")
def _keys(state: xr.Dataset, common: set[str], purpose: str) -> Words:
    dims, model = state_dims(state), model_of(state, "keys")
    every = "all" in common
    total = np.full(tuple(dims.values()), _word(purpose))
    varied: set[str] = set()
    for name in _content(state, model):
        array = state[name]
        varied |= {str(d) for d in array.dims if d == name}
        if not every and name not in common and not common & {str(d) for d in array.dims}:
            total = total + _mixed(_bits(_laid(array, dims)) ^ _word(name))
    for dim in dims:
        if dim not in (*varied, labels.POINT, SEED) and dim not in common and not every:
            total = total + _mixed(
                _laid(xr.DataArray(np.arange(dims[dim]), dims=dim), dims).astype(np.uint64) ^ _word(dim)
            )
    for name in (SEED, labels.REPEAT):
        if name in state.variables:
            total = total + _mixed(_laid(state[name], dims).astype(np.uint64) ^ _word(name))
    return _mixed(total).reshape(-1)


def _content(state: xr.Dataset, model: Model) -> list[str]:
    """What makes a neuron what it is: its parameters, and those of its stimuli."""
    return [n for n in (*model.params, *_inputs(state)) if n in state.variables]


def _inputs(state: xr.Dataset) -> list[str]:
    held = [str(n) for n, v in state.variables.items() if v.attrs.get(ROLE) == "input" or str(n) in _axes(state)]
    return sorted(n for n in held if not n.endswith(".wave"))


def _axes(state: xr.Dataset) -> Iterable[str]:
    """Coordinates of the dims of stimuli, such as `step.amplitude`."""
    return [str(d) for d in state.dims if "." in str(d) and d in state.coords and not str(d).endswith(".sample")]


def _laid(array: xr.DataArray, dims: dict[str, int]) -> NDArray[Any]:
    """Values over the dims of the state."""
    present = [d for d in dims if d in array.dims]
    shape = [n if d in array.dims else 1 for d, n in dims.items()]
    return np.broadcast_to(array.transpose(*present).values.reshape(shape), tuple(dims.values()))


def _bits(values: NDArray[Any]) -> Words:
    """The bits of numbers; -0 is 0."""
    return (np.asarray(values, dtype=np.float64) + 0.0).view(np.uint64)


def _word(text: str) -> np.uint64:
    return np.uint64(int.from_bytes(hashlib.sha256(text.encode()).digest()[:8], "little"))


def _mixed(words: Words) -> Words:
    """Every bit of a word depends on every other (Steele, Lea & Flood 2014, doi:10.1145/2660193.2660195)."""
    words = words + _MIX[2]
    words = (words ^ (words >> np.uint64(30))) * _MIX[0]
    words = (words ^ (words >> np.uint64(27))) * _MIX[1]
    return words ^ (words >> np.uint64(31))
