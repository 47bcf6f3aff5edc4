"""Designs whose points are compared with one another: pick-freeze matrices, Morris' trajectories, stars, curves."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np
import numpy.typing as npt

from sneuron import errors, labels
from sneuron.analysis.marginals import Marginal
from sneuron.explore.designs import Design
from sneuron.explore.ranges import Samples, checked_seed, is_choice

__all__ = ["checked_groups", "curves", "nudges", "pick_freeze", "radial", "trajectories"]

_MOST_CANDIDATES = 1000
_FEWEST_ROWS = 4


def pick_freeze(
    n: int, params: Mapping[str, Any], replicates: int = 4, order: int = 1, groups: Any = None, seed: int = 0
) -> Samples:
    """Matrices A and B of a Sobol sequence, and A with the columns of one parameter from B: for Sobol' indices.

    Dims (row, replicate, matrix). Every replicate is the sequence with a scrambling of its own; intervals come from how
    much they differ. Rows come first, so that a larger `n` adds points and keeps all old ones.

    Parameters
    ----------
    n : int
        Rows of all replicates together: a multiple of `replicates`; powers of two are balanced. A study of d parameters
        has n (d + 2) points, n (2 d + 2) for second order.
    params : mapping
        As for `sobol`.
    replicates : int, default 4
        Scramblings, at least 2. Few and long ones are the most accurate; three or less make intervals wide.
    order : {1, 2}
        2 adds B with the columns of one parameter from A, for the indices of pairs.
    groups : mapping of str to list of str, optional
        Parameters that change together, by the name of their group.
    seed : int, default 0
        Key of the scramblings.

    Returns
    -------
    Samples

    Raises
    ------
    ParameterError, UnknownNameError
        An `n` that is no multiple of the replicates, groups that overlap or name what is not there.

    Notes
    -----
    Saltelli et al. 2010, doi:10.1016/j.cpc.2009.09.018; scrambling: Matousek 1998, doi:10.1006/jcom.1998.0489.

    Examples
    --------
    >>> pick_freeze(1024, {"gNa": (80, 160), "gK": (20, 50)}).n
    1024
    """
    where = "pick_freeze"
    own = ("replicates", _whole(replicates, where, "replicates", 2)), ("order", _one_of(order, (1, 2), where, "order"))
    return _samples(where, _shared(n, int(replicates), where), params, groups, seed, own)


def trajectories(
    n: int, params: Mapping[str, Any], levels: int = 4, candidates: int | None = None, groups: Any = None, seed: int = 0
) -> Samples:
    """Morris' walks over a grid of levels, each of which changes every parameter once: for screening.

    Dims (trajectory, move). Of many candidates those are taken that lie farthest apart, one after the other: the
    trajectories of a smaller `n` are the first ones of a larger.

    Parameters
    ----------
    n : int
        Trajectories, 10 to 100 as a rule. A study of d parameters has n (d + 1) points.
    params : mapping
        As for `sobol`; distributions must have two ends.
    levels : int, default 4
        Levels of each parameter, an even number; a move goes half of them.
    candidates : int, optional
        How many trajectories are compared, up to 1000; 0 takes them as they are drawn. 100, or 4 n, when omitted.
    groups : mapping of str to list of str, optional
        Parameters that change together, by the name of their group.
    seed : int, default 0
        Key of the random numbers.

    Returns
    -------
    Samples

    Raises
    ------
    ParameterError, UnknownNameError
        Distributions without ends, an odd number of levels, groups that overlap or name what is not there.

    Notes
    -----
    Morris 1991, doi:10.1080/00401706.1991.10484804; the choice: Campolongo, Cariboni & Saltelli 2007,
    doi:10.1016/j.envsoft.2006.10.004, by adding the farthest trajectory to those taken (Ruano et al. 2012,
    doi:10.1016/j.envsoft.2012.03.008).

    Examples
    --------
    >>> trajectories(10, {"gNa": (80, 160), "gK": (20, 50)}).n
    10
    """
    where = "trajectories"
    many, levels = _whole(n, where, "n", 2), _whole(levels, where, "levels", 2)
    if levels % 2:
        raise errors.ParameterError(where, f"{levels} levels have no middle", "2, 4, 6, ...")
    _refuse_endless(params, where)
    pool = min(_MOST_CANDIDATES, max(100, 4 * many)) if candidates is None else _whole(candidates, where, "candidates")
    if (0 < pool < many) or pool > _MOST_CANDIDATES:
        what = f"{pool} candidates for {many} trajectories"
        raise errors.ParameterError(where, what, f"{many} to {_MOST_CANDIDATES}, or 0 to take them as they come")
    made = _samples(where, many, params, groups, seed, (("levels", levels),))
    chosen = _farthest(made, pool) if pool else ()
    return Samples(made.kind, made.n, made.params, made.seed, True, (*made.options, ("chosen", chosen)))


def radial(n: int, params: Mapping[str, Any], groups: Any = None, seed: int = 0) -> Samples:
    """Stars: from a random point one parameter at a time jumps to its value at another: screening without a grid.

    Dims (trajectory, move).

    Parameters
    ----------
    n : int
        Stars. A study of d parameters has n (d + 1) points.
    params : mapping
        As for `sobol`.
    groups : mapping of str to list of str, optional
        Parameters that change together, by the name of their group.
    seed : int, default 0
        Key of the random numbers.

    Returns
    -------
    Samples

    Notes
    -----
    Campolongo, Saltelli & Cariboni 2011, doi:10.1016/j.cpc.2010.12.039.

    Examples
    --------
    >>> radial(10, {"gNa": (80, 160), "gK": (20, 50)}).kind
    'radial'
    """
    return _samples("radial", _whole(n, "radial", "n", 2), params, groups, seed, ())


def nudges(n: int, params: Mapping[str, Any], replicates: int = 4, nudge: Any = 1e-3, seed: int = 0) -> Samples:
    """Points of a Sobol sequence, and each with one parameter a little further: for derivative-based measures.

    Dims (row, replicate, move).

    Parameters
    ----------
    n : int
        Rows of all replicates together: a multiple of `replicates`. A study of d parameters has n (d + 1) points.
    params : mapping
        As for `sobol`.
    replicates : int, default 4
        Scramblings, at least 2. Few and long ones are the most accurate; three or less make intervals wide.
    nudge : float, default 0.001
        How far, as a share of the parameter's distribution.
    seed : int, default 0
        Key of the scramblings.

    Returns
    -------
    Samples

    Raises
    ------
    ParameterError
        An `n` that is no multiple of the replicates; a nudge outside of 0 to 0.5.

    Notes
    -----
    Sobol' & Kucherenko 2009, doi:10.1016/j.matcom.2009.01.023.

    Examples
    --------
    >>> nudges(1024, {"gNa": (80, 160), "gK": (20, 50)}).kind
    'nudges'
    """
    where = "nudges"
    if isinstance(nudge, bool) or not isinstance(nudge, int | float) or not 0 < nudge <= 0.5:
        raise errors.ParameterError(where, f"nudge = {nudge!r} is no share of a distribution", "above 0, up to 0.5")
    own = ("replicates", _whole(replicates, where, "replicates", 2)), ("nudge", float(nudge))
    made = _samples(where, _shared(n, int(replicates), where), params, None, seed, own)
    for name, what in made.params.items():
        if is_choice(what, name):
            raise errors.ParameterError(where, f"{name!r} is a choice among values and has no derivative")
    return made


def curves(
    n: int, params: Mapping[str, Any], replicates: int = 8, harmonics: int = 4, groups: Any = None, seed: int = 0
) -> Samples:
    """Curves through the space on which each parameter oscillates at a frequency of its own: for the Fourier method.

    Dims (replicate, curve, row): for each parameter a curve on which it is the fastest. A larger `n` adds replicates,
    which have other phases.

    Parameters
    ----------
    n : int
        Points of all replicates together, for each parameter: a multiple of `replicates`. A study of d parameters has
        n d points.
    params : mapping
        As for `sobol`.
    replicates : int, default 8
        Curves with other phases, at least 2; each has n/replicates points, at least 4 harmonics^2 + 1.
    harmonics : int, default 4
        How many harmonics of the fastest frequency count for the parameter.
    groups : mapping of str to list of str, optional
        Parameters that oscillate together, by the name of their group.
    seed : int, default 0
        Key of the phases.

    Returns
    -------
    Samples

    Raises
    ------
    ParameterError
        Too few points on a curve.

    Notes
    -----
    Saltelli, Tarantola & Chan 1999, doi:10.1080/00401706.1999.10485594.

    Examples
    --------
    >>> dict(curves(8 * 257, {"gNa": (80, 160), "gK": (20, 50)}).options)["rows"]
    257
    """
    where = "curves"
    many = _shared(n, _whole(replicates, where, "replicates", 2), where)
    harmonics = _whole(harmonics, where, "harmonics", 1)
    rows, fewest = many // replicates, 4 * harmonics**2 + 1
    if rows < fewest:
        what = f"{rows} points on a curve do not resolve {harmonics} harmonics"
        raise errors.ParameterError(where, what, f"at least {fewest}: n = {fewest * replicates}")
    return _samples(where, many, params, groups, seed, (("rows", rows), ("harmonics", harmonics)))


def checked_groups(groups: Any, params: Mapping[str, Any], where: str) -> tuple[tuple[str, tuple[str, ...]], ...]:
    """Groups of parameters, checked: known names, each in one group at most, no group with the name of another thing.

    >>> checked_groups({"na": ["gNa", "ENa"]}, {"gNa": 0, "ENa": 0, "gK": 0}, "here")
    (('na', ('gNa', 'ENa')),)
    """
    if groups is None:
        return ()
    if not isinstance(groups, Mapping):
        raise errors.ParameterError(where, f"groups are a {type(groups).__name__}", mend="{'na': ['gNa', 'ENa']}")
    seen: dict[str, str] = {}
    for group, members in groups.items():
        if isinstance(members, str) or not isinstance(members, Sequence) or not members:
            raise errors.ParameterError(where, f"group {group!r} is no list of parameters", mend="['gNa', 'ENa']")
        for name in members:
            if name not in params:
                raise errors.unknown(where, f"parameter of the design (group {group!r})", str(name), list(params))
            if name in seen:
                raise errors.ParameterError(where, f"{name!r} is in group {seen[name]!r} and in group {group!r}")
            seen[name] = str(group)
    for group, members in groups.items():
        if not isinstance(group, str) or not labels.NAME.match(group):
            raise errors.ParameterError(where, f"{group!r} cannot name a group", "letters, digits and '_'")
        if group in params and list(members) != [group]:
            raise errors.ParameterError(where, f"group {group!r} has the name of a parameter", mend="Rename it.")
    return tuple((str(group), tuple(members)) for group, members in groups.items())


def _samples(kind: str, n: int, params: Any, groups: Any, seed: Any, options: tuple[tuple[str, Any], ...]) -> Samples:
    if not isinstance(params, Mapping) or not params:
        raise errors.ParameterError(kind, "no parameters are given", mend=f"Write {kind}(n, {{'gNa': (80, 160)}}).")
    held = checked_groups(groups, params, kind)
    own = (("groups", held), *options) if held else options
    return Samples(kind, n, dict(params), checked_seed(seed, kind), True, own)


def _whole(value: Any, where: str, name: str, least: int = 0) -> int:
    if isinstance(value, bool | np.bool_) or not isinstance(value, int | np.integer) or value < least:
        raise errors.ParameterError(where, f"{name} = {value!r}", f"a whole number from {least}")
    return int(value)


def _one_of(value: Any, possible: tuple[int, ...], where: str, name: str) -> int:
    if isinstance(value, bool) or value not in possible:
        raise errors.ParameterError(where, f"{name} = {value!r}", " or ".join(map(str, possible)))
    return int(value)


def _shared(n: Any, replicates: int, where: str) -> int:
    """Points that the replicates share evenly, each with enough rows for a variance."""
    many = _whole(n, where, "n", 1)
    if many < _FEWEST_ROWS * replicates:
        what = f"n = {many} is too few for {replicates} replicates"
        raise errors.ParameterError(where, what, f"at least {_FEWEST_ROWS * replicates}", mend="Or fewer replicates.")
    if many % replicates:
        what = f"n = {many} is no multiple of {replicates} replicates"
        raise errors.ParameterError(where, what, guess=str(-(-many // replicates) * replicates))
    return many


def _refuse_endless(params: Any, where: str) -> None:
    """A grid of levels needs a first and a last one."""
    for name, what in params.items() if isinstance(params, Mapping) else ():
        if hasattr(what, "support") and not all(map(math.isfinite, what.support())):
            low, high = what.support()
            said = f"the distribution of {name!r} runs from {low} to {high}, and a grid of levels has two ends"
            raise errors.ParameterError(where, said, mend="Give (lo, hi), cut it off (truncnorm), or use radial().")


def _farthest(made: Samples, pool: int) -> tuple[int, ...]:
    """All candidates, ordered: the two that lie farthest apart, then always the one farthest from those before it."""
    named = {name: name for name in made.params}
    columns = tuple((name, Marginal("uniform", (0.0, 1.0))) for name in named)
    design = Design(made.kind, 0, pool, pool, made.seed, True, columns, labels.TRAJECTORY, made.plain(named))
    places = {d: np.arange(m).reshape(-1, 1) if d == design.dim else np.arange(m) for d, m in design.dims.items()}
    scale = dict(made.options)["levels"] - 1
    walks = np.stack([np.rint(design.at(name, places) * scale) for name in named], axis=-1)
    apart = _distances(walks) ** 2
    order = [int(k) for k in np.unravel_index(int(np.argmax(apart)), apart.shape)] if pool > 1 else [0]
    gained = apart[:, order].sum(axis=1)
    while len(order) < pool:
        gained[order] = -1.0
        order.append(int(np.argmax(gained)))
        gained = np.where(gained < 0, -1.0, gained + apart[:, order[-1]])
    return tuple(order)


def _distances(walks: npt.NDArray[np.float64]) -> npt.NDArray[np.float64]:
    """Sums of distances of all points of one walk from all of another; rounded, so that ties are ties everywhere."""
    many, length, width = walks.shape
    found = np.zeros((many, many))
    norm = (walks**2).sum(axis=2)
    for k in range(many - 1):
        rest = walks[k + 1 :].reshape(-1, width)
        square = norm[k][:, None] + norm[k + 1 :].ravel() - 2.0 * np.einsum("ik,jk->ij", walks[k], rest)
        found[k, k + 1 :] = np.sqrt(np.maximum(square, 0.0)).reshape(length, -1, length).sum(axis=(0, 2))
    return np.round(found + found.T, 6)
