"""Kernels: generated modules on disk, imported, compiled once, and driven over blocks of lanes.

A module lies in the cache folder (`SNEURON_CACHE_DIR`, else the user's cache) under
the hash of its own text and of everything its code stands on, written whole or not
at all; numba keeps the machine code beside it, so that a second process loads it.
"""

from __future__ import annotations

import functools
import hashlib
import importlib.util
import math
import os
import sys
import tempfile
from dataclasses import dataclass
from pathlib import Path
from types import ModuleType
from typing import Any

import numba
import numpy as np
from numpy.typing import NDArray

from sneuron import errors
from sneuron.lang import adapt, coupling, delivery, epochs, lean, propagation, randoms, synapses, vector
from sneuron.lang.assignments import Wave
from sneuron.lang.emit import Layout, Source, emit
from sneuron.lang.methods import Method, method
from sneuron.lang.model import Model, load_model
from sneuron.lang.plasticity import Rule

__all__ = [
    "Clock", "Kernel", "Lanes", "Outcome", "aligned", "cache_folder", "compiled", "module_of", "played", "trains_of",
]  # fmt: skip

Array = NDArray[Any]
CACHE_LINE = 64


@dataclass(frozen=True)
class Clock:
    """Where a run stands in time, and what is played to it.

    Attributes
    ----------
    dt : float, ms
    origin : float, ms
        Time of step 0.
    first : int
        Number of the first step.
    wave : ndarray, dims (row, 3 * step)
        Played samples just inside the start, at the middle and just inside the end of each step, from `wave_start` on.
    rows : ndarray of int, dims (block, wave)
        Which row each block plays.
    """

    dt: float
    origin: float = 0.0
    first: int = 0
    wave: Array | None = None
    rows: Array | None = None
    wave_start: int = 0


class Lanes:
    """Blocks of lanes in memory.

    Points of one group lie in the same blocks, in their order; what is left over of a group's last
    block is filled with copies of its last point.

    Parameters
    ----------
    layout : Layout
    dtype : dtype
    groups : ndarray of int, one per point
        Points that may share a block, because they play the same samples.
    """

    def __init__(self, layout: Layout, dtype: np.dtype[Any], groups: Array) -> None:
        self.layout, self.n = layout, groups.size
        self.source, self.groups = _placed(groups, layout.width)
        self.blocks = self.source.shape[0]
        self.place = np.zeros(self.n, np.int64)
        self.place[self.source.ravel()[::-1]] = np.arange(self.source.size)[::-1]
        self.data = aligned((self.blocks, layout.size), dtype)
        self.keys = np.zeros((self.blocks, 4, layout.width), np.uint32)

    def put_keys(self, own: Array, shared: Array) -> None:
        """The keys of the points' random numbers: their own, and those that they share."""
        for row, words in ((0, own), (2, shared)):
            self.keys[:, row] = (words & np.uint64(0xFFFFFFFF)).astype(np.uint32)[self.source]
            self.keys[:, row + 1] = (words >> np.uint64(32)).astype(np.uint32)[self.source]

    def row(self, name: str) -> Array:
        """A view of one row, dims (block, lane)."""
        start = self.layout.offset(name)
        return self.data[:, start : start + self.layout.width]

    def put(self, name: str, values: Any) -> None:
        """Fill a row from values of the points (or one number for all)."""
        array = np.asarray(values)
        self.row(name)[...] = array if array.ndim == 0 else array[self.source]

    def get(self, name: str) -> Array:
        """The values of a row, one per point."""
        return self.points(self.row(name))

    def points(self, array: Array) -> Array:
        """What lies as (block, lane, ...), one per point."""
        return array.reshape(array.shape[0] * array.shape[1], *array.shape[2:])[self.place]


def aligned(shape: tuple[int, ...], dtype: np.dtype[Any]) -> Array:
    """Zeros that begin where a cache line does: no vector then lies across two of them."""
    size = math.prod(shape) * dtype.itemsize
    room = np.zeros(size + CACHE_LINE, np.uint8)
    start = -room.ctypes.data % CACHE_LINE
    return room[start : start + size].view(dtype).reshape(shape)


def _placed(groups: Array, width: int) -> tuple[Array, Array]:
    """Which point each lane holds, dims (block, lane), and the group of each block."""
    order = np.argsort(groups, kind="stable")
    values, sizes = np.unique(groups, return_counts=True)
    parts, start = [], 0
    for size in sizes:
        members = order[start : start + size]
        missing = -size % width
        parts.append(np.concatenate([members, np.repeat(members[-1:], missing)]).reshape(-1, width))
        start += size
    return np.concatenate(parts), np.repeat(values, [len(p) for p in parts])


class Kernel:
    """Equations compiled under a method for one floating type; all models of one form share it.

    Parameters
    ----------
    method : Method
    dtype : {"float64", "float32"}
    source : Source
    module : module
        The imported generated module.
    """

    def __init__(self, method: Method, dtype: str, source: Source, module: ModuleType) -> None:
        self.method, self.source, self.module = method, source, module
        self.dtype = np.dtype(dtype)

    def lanes(self, groups: Array | int) -> Lanes:
        """Empty lanes for points by group, or for so many points of one group."""
        of = np.zeros(groups, np.int64) if isinstance(groups, int) else groups
        return Lanes(self.source.layout, self.dtype, of)

    def prepare(self, lanes: Lanes, dt: float) -> None:
        """Compute what depends on parameters and dt alone."""
        self.module.prepare(lanes.data, dt)

    def run(self, lanes: Lanes, clock: Clock, n_steps: int, out: Outcome, every: int = 1) -> None:
        """Advance until every block has done `n_steps` or has no room for more spikes."""
        wave, rows = played(clock, lanes, self)
        self.module.run(
            lanes.data, clock.first, out.done, n_steps, clock.dt, clock.origin, wave, rows, clock.wave_start,
            out.times, out.fill, out.counts, out.status, out.bad, out.record, every, lanes.keys, self.numbers(lanes),
        )  # fmt: skip

    def view(self, name: str, lanes: Lanes, clock: Clock) -> None:
        """Apply one part of the step (`ion`, `gates`, `volt`, `detection`, `resetting`, `refraction`)."""
        part = getattr(self.module, name, None)
        if part is None:
            raise errors.ModelError(
                f"method {self.method.name!r}",
                "advances all states together, so that no part of it stands alone",
                mend="Use StepSim, or a split method: 'exp_euler', 'euler', 'rush_larsen'.",
            )
        wave, rows = played(clock, lanes, self)
        numbers = self.numbers(lanes)
        part(lanes.data, clock.first, clock.dt, clock.origin, wave, rows, clock.wave_start, lanes.keys, numbers)

    def numbers(self, lanes: Lanes) -> Array:
        """Room for the random numbers of eight steps, dims (block, draw, step, lane)."""
        many = len(self.source.program.draws)
        return aligned((lanes.blocks if many else 1, many, 8, lanes.layout.width), np.dtype(np.float32))


@dataclass
class Outcome:
    """What a run leaves, dims (block, lane, ...)."""

    done: Array
    times: Array
    fill: Array
    counts: Array
    status: Array
    bad: Array
    record: Array

    @classmethod
    def empty(cls, kernel: Kernel, lanes: Lanes, room: int, samples: int) -> Outcome:
        """For `room` spikes a lane between two calls, and `samples` recorded times."""
        shape = (lanes.blocks, lanes.layout.width)
        return cls(
            done=np.zeros(lanes.blocks, np.int64),
            times=np.full((*shape, room), np.nan),
            fill=np.zeros(shape, np.int64),
            counts=np.zeros(shape, np.int64),
            status=np.zeros(shape, np.uint8),
            bad=np.full(shape, np.nan),
            record=np.zeros((len(kernel.source.recorded), samples, *shape), kernel.dtype),
        )


def compiled(
    model: Model | str,
    method_name: str | None = None,
    dtype: str = "float64",
    waves: tuple[Wave, ...] = (),
    record: tuple[str, ...] = (),
    features: tuple[str, ...] = (),
    most: tuple[tuple[int, int], ...] = (),
    varying: frozenset[str] | None = None,
    rules: tuple[Rule, ...] | None = None,
) -> Kernel:
    """The kernel of a model's equations; made on first use, then kept in this process and on disk.

    `most` says how spikes from outside are drawn (`sneuron.lang.arriving.usual` when omitted); `varying` makes it a
    kernel of networks, whose neurons differ in these parameters, and `rules` one of networks with synapses that change
    or with sources.
    """
    found = load_model(model) if isinstance(model, str) else model
    chosen = method(method_name or found.method)
    key = (found.form, chosen.name, dtype, waves, record, features, most, varying, rules)
    if key not in _KERNELS:
        source = _source(found, chosen, dtype, waves, record, features, most, varying, rules)
        _KERNELS[key] = Kernel(chosen, dtype, source, module_of(source.text, chosen.name))
    return _KERNELS[key]


def _source(
    model: Model,
    chosen: Method,
    dtype: str,
    waves: tuple[Wave, ...],
    record: tuple[str, ...],
    features: tuple[str, ...],
    most: tuple[tuple[int, int], ...],
    varying: frozenset[str] | None,
    rules: tuple[Rule, ...] | None,
) -> Source:
    """The module of a model: of neurons that choose their steps, of a network, or of neurons side by side."""
    if chosen.error:
        return adapt.emit(model, chosen, dtype, waves, record, features)
    if varying is not None:
        return epochs.emit(model, chosen, dtype, waves, record, features, varying, most, rules)
    return emit(model, chosen, dtype, waves, record, features, most)


_KERNELS: dict[Any, Kernel] = {}


def cache_folder() -> Path:
    """Where generated modules are kept."""
    given = os.environ.get("SNEURON_CACHE_DIR")
    if given:
        return Path(given)
    base = os.environ.get("XDG_CACHE_HOME") or Path.home() / ".cache"
    return Path(base) / "sneuron" / "kernels"


_STANDS_ON = (vector, randoms, lean, propagation, delivery, coupling)


@functools.cache
def _foundation() -> str:
    """Hash of what generated code stands on besides its own text."""
    text = b"".join(Path(str(module.__file__)).read_bytes() for module in _STANDS_ON)
    return hashlib.sha256(text + f"{numba.__version__} {np.__version__} {sys.version_info[:2]}".encode()).hexdigest()


@functools.lru_cache(maxsize=64)
def trains_of(rule: Rule) -> ModuleType:
    """The module that takes single synapses under a rule through spike trains."""
    text = f'"""Synapses under {rule.name!r}; generated, not to be edited."""\n{_HEAD}\n\n{synapses.trains(rule)}\n'
    return module_of(text, "trains")


_HEAD = """
import numpy as np
from numba import njit

from sneuron.lang.delivery import binomial
from sneuron.lang.vector import *

OPTIONS = {"cache": True, "nogil": True, "error_model": "numpy"}
"""


def module_of(text: str, name: str) -> ModuleType:
    """Generated text as an imported module, whose name says what it is; kept on disk."""
    key = hashlib.sha256((_foundation() + text).encode()).hexdigest()[:16]
    module_name = f"sneuron_kernel_{name}_{key}"
    path = _written(module_name, text)
    spec = importlib.util.spec_from_file_location(module_name, path)
    if spec is None or spec.loader is None:
        raise errors.CompileError("kernel cache", f"{path} cannot be imported")
    module = importlib.util.module_from_spec(spec)
    sys.modules[module_name] = module
    spec.loader.exec_module(module)
    return module


def _written(name: str, text: str) -> Path:
    """The module on disk: in the cache folder, or in a temporary one where that cannot be written."""
    try:
        return _put(cache_folder(), name, text)
    except OSError:
        return _put(Path(tempfile.mkdtemp(prefix="sneuron_kernels_")), name, text)


def _put(folder: Path, name: str, text: str) -> Path:
    folder.mkdir(parents=True, exist_ok=True)
    path = folder / f"{name}.py"
    if path.exists() and path.read_text(encoding="utf8") == text:
        return path
    handle, temporary = tempfile.mkstemp(dir=folder, suffix=".partial")
    with os.fdopen(handle, "w", encoding="utf8") as file:
        file.write(text)
    os.replace(temporary, path)
    return path


def played(clock: Clock, lanes: Lanes, kernel: Kernel) -> tuple[Array, Array]:
    wave = clock.wave if clock.wave is not None else np.zeros((1, 3))
    rows = (
        clock.rows if clock.rows is not None else np.zeros((lanes.blocks, max(1, len(kernel.source.waves))), np.int64)
    )
    return np.ascontiguousarray(wave, dtype=kernel.dtype), np.ascontiguousarray(rows, dtype=np.int64)
