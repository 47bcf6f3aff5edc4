"""Rules that fix how many connections there are: of each neuron, or of all together."""

from __future__ import annotations

import numpy as np

from sneuron.core.graph.draws import chosen, marked, uniforms
from sneuron.core.graph.rule import Argument, Edges, Place, refused, rule

_PAIRS = 108
"""Purpose of random numbers."""
_K = Argument(low=0, high=2**31 - 1, whole=True)


def _numbers(rows: int, k: int) -> np.ndarray:
    return np.repeat(np.arange(rows, dtype=np.int32), k)


def _partners(place: Place, k: float, of: int) -> None:
    """Refuse more partners than there are."""
    most = of - (1 if place.own else 0)
    if k > most and (most < 1 or not place.multapses):
        mend = "Allow autapses=True or multapses=True, or give fewer."
        raise refused("k", f"{k:g} different partners of {most} possible", f"0 to {most}", mend)


def _in(place: Place, k: float) -> float:
    _partners(place, k, place.pre)
    return place.post * k


def _out(place: Place, k: float) -> float:
    _partners(place, k, place.post)
    return place.pre * k


@rule(_in, multapses=True, k=_K)
def fixed_indegree(place: Place, k: float) -> Edges:
    """Every neuron receives from k, chosen by chance."""
    pre = chosen(place.key, place.post, int(k), place.pre, place.own, place.multapses)
    return pre.reshape(-1), _numbers(place.post, int(k))


@rule(_out, multapses=True, k=_K)
def fixed_outdegree(place: Place, k: float) -> Edges:
    """Every neuron sends to k, chosen by chance."""
    post = chosen(place.key, place.pre, int(k), place.post, place.own, place.multapses)
    return _numbers(place.pre, int(k)), post.reshape(-1)


def _total(place: Place, n: float) -> float:
    if n > place.pairs and (place.pairs < 1 or not place.multapses):
        raise refused("n", f"{n:g} connections of {place.pairs} pairs", f"0 to {place.pairs}", "Or multapses=True.")
    return n


@rule(_total, multapses=True, n=Argument(low=0, high=2**40, whole=True, note="connections"))
def fixed_total(place: Place, n: float) -> Edges:
    """As many connections as asked for, between pairs chosen by chance."""
    if place.multapses:
        pairs = np.sort(_any(place, int(n), 0))
    elif place.pairs <= 64 * n:
        pairs = marked(place.key, int(n), place.pairs)
    else:
        pairs = _apart(place, int(n))
    width = max(place.post - (1 if place.own else 0), 1)
    pre, post = pairs // width, pairs % width
    post += place.own & (post >= pre)
    return pre.astype(np.int32), post.astype(np.int32)


def _any(place: Place, n: int, attempt: int) -> np.ndarray:
    """Numbers of pairs."""
    return (uniforms(place.key, _PAIRS, n, attempt) * place.pairs).astype(np.int64)


def _apart(place: Place, n: int) -> np.ndarray:
    """Different pairs, few of many: what comes twice is drawn again."""
    found, attempt = np.empty(0, np.int64), 0
    while found.size < n:
        found = np.sort(np.concatenate([found, _any(place, n - found.size, attempt)]))
        found = found[np.diff(found, prepend=-1) > 0]
        attempt += 1
    return found
