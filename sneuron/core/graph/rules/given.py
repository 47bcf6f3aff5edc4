"""The rule of a graph that is known: its edges."""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray

from sneuron.core.graph.rule import Argument, Edges, Place, refused, rule

Array = NDArray[Any]
_END = Argument(low=-(2**53), whole=True, dims=("synapse",))


def _checked(place: Place, pre: Array, post: Array) -> float:
    if pre.size != post.size:
        raise refused("pre", f"{pre.size} pre and {post.size} post", "as many of each")
    for name, ends, n in (("pre", pre, place.pre), ("post", post, place.post)):
        out = (ends < 0) | (ends >= n)
        if out.any():
            given = f"{int(out.sum())} of {ends.size} are out of range, such as {int(ends[out][0])}"
            raise refused(name, given, f"0 to {n - 1}")
    if place.own and (pre == post).any():
        given = f"{int((pre == post).sum())} connections of a neuron to itself"
        raise refused("autapses", given, mend="Allow them: autapses=True.")
    if not place.multapses:
        twice = pre.size - np.unique(pre.astype(np.int64) * place.post + post.astype(np.int64)).size
        if twice:
            raise refused(
                "multapses", f"{twice} connections of a pair that has one", mend="Allow them: multapses=True."
            )
    return pre.size


@rule(_checked, multapses=True, pre=_END, post=_END)
def edges(place: Place, pre: Array, post: Array) -> Edges:
    """Those that are given."""
    return pre.astype(np.int32), post.astype(np.int32)
