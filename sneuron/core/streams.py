"""Which random numbers a neuron draws: keys made of the seed, of what the neuron is, and of its place in a population.

A key depends on the values of all parameters and stimuli of the neuron, not on the block, worker or order in which it
is simulated, nor on which other neurons there are. Names that are made common do not count: neurons that differ in
them alone draw the same numbers. Of networks the place along `neuron` counts: networks that differ in their synapses
alone get the same spikes from outside.
"""

from __future__ import annotations

import json
from collections.abc import Iterable
from typing import Any

import numpy as np
import xarray as xr
from numpy.typing import NDArray

from sneuron import errors, labels
from sneuron.core.state import ROLE, model_of, state_dims
from sneuron.core.stimulus import checked_seeds
from sneuron.lang.keys import Words, content_keys, number_words
from sneuron.lang.model import Model

__all__ = ["SEED", "keys_of", "seeded"]

SEED = "seed"
STREAMS = "streams"


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
        words = checked_seeds(0 if seed is None else seed, where, SEED).astype(np.uint64)
        state = state.assign_coords({SEED: (words.dims, words.values, {"long_name": "seed of the random numbers"})})
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


def _keys(state: xr.Dataset, common: set[str], purpose: str) -> Words:
    dims, model = state_dims(state), model_of(state, "keys")
    shape = tuple(dims.values())
    varied = {n for n in _content(state, model) if n in state.dims}
    counted = [n for n in _content(state, model) if "all" not in common and not common & {n, *map(str, state[n].dims)}]
    places = [d for d in dims if d not in (*varied, *common, labels.POINT, SEED) and "all" not in common]
    places = [d for d in places if d == labels.NEURON] if labels.PRE in state.variables else places
    words = {n: number_words(_laid(state[n], dims)) for n in counted}
    words |= {f"place along {d}": _laid(_places(d, dims[d]), dims) for d in places}
    repeat = state[labels.REPEAT] if labels.REPEAT in state.variables else xr.DataArray(0)
    words |= {"number of the repeat": _laid(repeat, dims).astype(np.uint64), purpose: np.zeros((), np.uint64)}
    seeds = np.broadcast_to(_laid(state[SEED], dims).astype(np.uint64), shape)
    return content_keys(words, np.atleast_1d(seeds)).reshape(-1)


def _places(dim: str, many: int) -> xr.DataArray:
    return xr.DataArray(np.arange(many, dtype=np.uint64), dims=dim)


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
    if not present:
        return array.values
    return array.transpose(*present).values.reshape([n if d in array.dims else 1 for d, n in dims.items()])
