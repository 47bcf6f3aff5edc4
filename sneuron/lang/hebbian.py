"""The loop over samples in which weights change; a rule is called by its address, so that one loop serves all.

All that a sample changes is computed from the values before it; running means move after the weights.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np
from llvmlite import ir
from numba import njit, types
from numba.extending import intrinsic
from numpy.typing import NDArray

__all__ = ["LARGEST", "run"]

Array = NDArray[Any]
LARGEST = 1e100
"""Weights beyond this have run away."""

_DOUBLE = ir.DoubleType()


def _call(context: Any, builder: Any, signature: Any, args: Sequence[Any]) -> Any:
    """A call of the function at the address `args[0]`; whole numbers among its arguments are addresses of numbers."""
    pointer = _DOUBLE.as_pointer()
    kinds = [_DOUBLE if kind is types.float64 else pointer for kind in signature.args[1:]]
    given = [v if kind is _DOUBLE else builder.inttoptr(v, pointer) for v, kind in zip(args[1:], kinds, strict=True)]
    function = builder.inttoptr(args[0], ir.FunctionType(_DOUBLE, kinds).as_pointer())
    return builder.call(function, given)


_AT, _F = types.uintp, types.float64
_tuple: Any = types.UniTuple


def _typed_change(
    typingctx: Any, at: Any, w: Any, x: Any, y: Any, recalled: Any, pre: Any, post: Any, params: Any
) -> Any:
    """What a weight gains."""
    return _F(_AT, _F, _F, _F, _F, _AT, _AT, _AT), _call


def _typed_output(typingctx: Any, at: Any, a: Any, params: Any) -> Any:
    """What a neuron does with its input."""
    return _F(_AT, _F, _AT), _call


def _typed_follow(typingctx: Any, at: Any, value: Any, means: Any, params: Any, part: Any) -> Any:
    """Moves the averages of a neuron."""
    return _F(_AT, _F, _AT, _AT, _F), _call


_change: Any = intrinsic(_typed_change)
_output: Any = intrinsic(_typed_output)
_follow: Any = intrinsic(_typed_follow)


@njit(cache=True, nogil=True, error_model="numpy")
def _solve(matrix: Array, y: Array) -> None:
    """Elimination with pivots: y becomes the solution z of matrix z = y; a singular matrix leaves no numbers."""
    n = y.size
    for k in range(n):
        best = k
        for i in range(k + 1, n):
            if abs(matrix[i, k]) > abs(matrix[best, k]):
                best = i
        if best != k:
            for j in range(n):
                matrix[k, j], matrix[best, j] = matrix[best, j], matrix[k, j]
            y[k], y[best] = y[best], y[k]
        for i in range(k + 1, n):
            factor = matrix[i, k] / matrix[k, k]
            for j in range(k + 1, n):
                matrix[i, j] -= factor * matrix[k, j]
            y[i] -= factor * y[k]
    for k in range(n - 1, -1, -1):
        total = y[k]
        for j in range(k + 1, n):
            total -= matrix[k, j] * y[j]
        y[k] = total / matrix[k, k]


@njit(cache=True, nogil=True, error_model="numpy")
def _respond(weight: Array, x: Array, y: Array, matrix: Array, lateral: bool, output: Any, params: Any) -> None:
    """What the receiving neurons do."""
    for i in range(y.size):
        y[i] = x[i] if lateral else 0.0
        for j in range(x.size):
            if lateral:
                matrix[i, j] = (1.0 if i == j else 0.0) - weight[i, j]
            else:
                y[i] += weight[i, j] * x[j]
    if lateral:
        _solve(matrix, y)
    for i in range(y.size):
        y[i] = _output(output, y[i], params)


@njit(cache=True, nogil=True, error_model="numpy")
def _gained(
    change: Any, weight: Array, there: Array, ends: Array, y: Array, lateral: bool, pre: Array, post: Array,
    params: Any, recalled: Array, gain: Array,
) -> None:  # fmt: skip
    """What each weight gains from a sample is added to `gain`."""
    at_pre, at_post = pre.ctypes.data, post.ctypes.data
    step_pre, step_post = pre.shape[1] * 8, post.shape[1] * 8
    recalled[:] = 0.0
    for i in range(y.size):
        for j in range(ends.size):
            recalled[j] += y[i] * weight[i, j]
            if there[i, j] and not (lateral and i == j):
                mine, theirs = at_pre + j * step_pre, at_post + i * step_post
                gain[i, j] += _change(change, weight[i, j], ends[j], y[i], recalled[j], mine, theirs, params)


@njit(cache=True, nogil=True)
def _added(weight: Array, gain: Array, rate: float) -> bool:
    """Adds gains to weights, and empties them; whether a weight has run away."""
    lost = False
    for i in range(weight.shape[0]):
        for j in range(weight.shape[1]):
            if gain[i, j] != 0.0:
                weight[i, j] += rate * gain[i, j]
                lost |= not abs(weight[i, j]) < LARGEST
            gain[i, j] = 0.0
    return lost


@njit(cache=True, nogil=True)
def _kept(weight: Array, before: Array, trace: Array, moved: Array, place: int, every: int) -> int:
    """Writes down the weights, and how far they went at each step since they were before, while there is room."""
    if place == trace.shape[0]:
        return place
    for i in range(weight.shape[0]):
        total = 0.0
        for j in range(weight.shape[1]):
            trace[place, i, j] = weight[i, j]
            total += (weight[i, j] - before[i, j]) ** 2
            before[i, j] = weight[i, j]
        moved[place, i] = np.sqrt(total) / every
    return place + 1


def _c(kind: Any, dims: int, readonly: bool = False) -> Any:
    return types.Array(kind, dims, "C", readonly=readonly)


_R3, _R1, _W2 = _c(_F, 3, True), _c(types.int64, 1, True), _c(_F, 3)
_SIGNATURE = types.void(
    _tuple(_AT, 4), types.boolean, _R3, _R1, _R3, _R1, types.boolean, _W2, _c(types.boolean, 3, True), _R1,
    _c(_F, 2, True), _c(_F, 1, True), _c(_F, 1, True), _W2, _W2, _c(types.int64, 1), types.boolean, types.int64,
    types.int64, _c(_F, 4), _W2, _c(types.uint8, 1), _c(_F, 1),
)  # fmt: skip


@njit(_SIGNATURE, cache=True, nogil=True, error_model="numpy")
def run(
    rule: Any, lateral: bool, x: Array, of_x: Array, given: Array, of_given: Array, known: bool, weights: Array,
    exists: Array, of_exists: Array, params: Array, rate: Array, tau: Array, pre_mean: Array, post_mean: Array,
    seen: Array, batch: bool, passes: int, every: int, trace: Array, moved: Array, status: Array, bad: Array,
) -> None:  # fmt: skip
    """All points one after the other.

    Parameters
    ----------
    rule : tuple of four addresses
        Of the functions change, output, follow_pre and follow_post.
    lateral, known : bool
        Whether the synapses are inside the layer; whether `given` holds what the receiving neurons do.
    x, given : dims (row, sample, pre) and (row, sample, post)
        `of_x` and `of_given` say which row a point has.
    weights, exists : dims (point, post, pre) and (row, post, pre)
    params, rate, tau : dims (point, parameter) and (point)
    pre_mean, post_mean : dims (point, neuron, average)
    seen, status, bad : dims (point)
    trace, moved : dims (point, trace, post, pre) and (point, trace, post)
    """
    change, output, follow_pre, follow_post = rule
    n_post, n_pre = weights.shape[1:]
    samples = x.shape[1]
    y, ends, recalled = np.zeros(n_post), np.zeros(n_pre), np.zeros(n_pre)
    matrix, gain = np.zeros((n_post, n_post)), np.zeros((n_post, n_pre))
    for p in range(weights.shape[0]):
        weight, there, pre, post = weights[p], exists[of_exists[p]], pre_mean[p], post_mean[p]
        at = params[p].ctypes.data
        before, gain[:] = weight.copy(), 0.0
        steps, place, lost = 0, 0, False
        for _ in range(passes):
            for scan in range(2 if batch else 1):
                for s in range(samples):
                    if known:
                        y[:] = given[of_given[p], s]
                    else:
                        _respond(weight, x[of_x[p], s], y, matrix, lateral, output, at)
                    ends[:] = y if lateral else x[of_x[p], s]
                    if scan == 1 or not batch:
                        _gained(change, weight, there, ends, y, lateral, pre, post, at, recalled, gain)
                    if scan == 0:
                        seen[p] += 1
                        part = 1.0 / (s + 1.0) if batch else max(1.0 / tau[p], 1.0 / seen[p])
                        for i in range(n_post if post.shape[1] else 0):
                            _follow(follow_post, y[i], post[i].ctypes.data, at, part)
                        for j in range(n_pre if pre.shape[1] else 0):
                            _follow(follow_pre, ends[j], pre[j].ctypes.data, at, part)
                    if not batch:
                        steps += 1
                        lost = _added(weight, gain, rate[p])
                        if steps % every == 0 and not lost:
                            place = _kept(weight, before, trace[p], moved[p], place, every)
                        if lost:
                            break
                if lost:
                    break
            if batch:
                steps += 1
                lost = _added(weight, gain, rate[p] / samples)
                if steps % every == 0 and not lost:
                    place = _kept(weight, before, trace[p], moved[p], place, every)
            if lost:
                break
        status[p] = 2 if lost else 1
        if lost:
            bad[p] = steps
            weight[:] = np.nan
            pre[:] = np.nan
            post[:] = np.nan
