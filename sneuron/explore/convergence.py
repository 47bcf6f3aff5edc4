"""Where a study is not resolved: some of its points, run again more finely, tell the error of every output.

More finely is at half the step; where points choose their own steps, at a tenth of the tolerance.
"""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import replace
from typing import TYPE_CHECKING, Any

import numpy as np
import numpy.typing as npt

from sneuron import errors, labels
from sneuron.core.pace import LEAST
from sneuron.labels import Status

if TYPE_CHECKING:
    from sneuron.explore.engine import Layout
    from sneuron.explore.plan import Plan

__all__ = ["CHECKED", "CHECKS", "difference", "finer", "layout_of_errors", "sampled"]

CHECKS, CHECKED = "checks", "checked"
"""The part of a study that holds them, and their dim."""

TIGHTER = 10.0
"""By how much a tolerance is divided."""
_MOST = 10_000
_LONGEST = 10**7


def sampled(plan: Plan, share: Any) -> tuple[int, ...]:
    """Numbers of the points to check: a share of all (below 1), or so many; chosen by the seed of the study.

    Raises
    ------
    PlanError
        For what is no share, too many points, or runs in which a half step draws other random numbers.
    """
    many = _many(share, plan.space.size)
    if not many:
        return ()
    if not getattr(plan.machine, "refines", False):
        raise errors.PlanError("convergence", f"engine {plan.engine!r} has no step that could be halved")
    if plan.noisy:
        what = "with noise, a half step draws other random numbers, so that no difference is an error of the step"
        raise errors.PlanError("convergence", what, mend="Check the same model without noise.")
    if plan.rtol is not None and (plan.rtol / TIGHTER < LEAST or any(a / TIGHTER <= 0 for _, a in plan.atol)):
        what = f"a tenth of the tolerance {plan.rtol:g} is below what a step can keep"
        raise errors.PlanError("convergence", what, f"an rtol from {TIGHTER * LEAST:g}", mend="Give a larger rtol.")
    generator = np.random.Generator(np.random.Philox(key=plan.seed))
    if plan.space.size <= _LONGEST:
        chosen = generator.permutation(plan.space.size)[:many]
    else:
        chosen = np.unique(generator.integers(0, plan.space.size, many))
    return tuple(int(n) for n in np.sort(chosen))


def _many(share: Any, size: int) -> int:
    where, possible = "convergence", f"a share from 0 to 1, or a number of points up to {_MOST:,}"
    if isinstance(share, bool) or not isinstance(share, int | float | np.integer | np.floating):
        raise errors.PlanError(where, f"{share!r:.60} is no share of points", possible)
    if not math.isfinite(share) or share < 0 or (share > 1 and share != int(share)):
        raise errors.PlanError(where, f"{share!r} is no share of points", possible)
    many = int(share) if isinstance(share, int | np.integer) or share > 1 else math.ceil(share * size)
    if many > _MOST:
        raise errors.PlanError(where, f"{many:,} points are many to check", f"up to {_MOST:,}", mend="Check fewer.")
    return min(many, size)


def finer(plan: Plan) -> Plan:
    """The plan at half the step; where points choose their own steps, at a tenth of the tolerance."""
    if plan.rtol is not None:
        own = tuple((name, value / TIGHTER) for name, value in plan.atol)
        return replace(plan, rtol=plan.rtol / TIGHTER, atol=own, checked=False)
    twice = {name: 2 * getattr(plan, name) for name in ("steps", "settled", "every")}
    return replace(plan, dt=plan.dt / 2, checked=False, **twice)


def layout_of_errors(layout: Layout, adaptive: bool) -> Layout:
    """Arrays of the checks: an error for every output that is a number, and what became of the point."""
    how = "a tenth of the tolerance" if adaptive else "half the step"
    variables = {
        f"{name}_error": (
            dims,
            dtype,
            {
                **{key: value for key, value in attrs.items() if not key.startswith("flag_")},
                "long_name": f"error of {attrs.get('long_name', name)} by {how}",
            },
        )
        for name, (dims, dtype, attrs) in layout.variables.items()
        if np.dtype(dtype).kind == "f" and name != labels.FIRST_BAD
    }
    used = {d for dims, _, _ in variables.values() for d in dims}
    held = layout.variables[labels.STATUS]
    sizes = {d: n for d, n in layout.sizes.items() if d in used | set(held[0])}
    coords = {n: c for n, c in layout.coords.items() if set(c.dims) <= set(sizes)}
    return replace(layout, variables={**variables, labels.STATUS: held}, sizes=sizes, coords=coords)


def difference(
    coarse: Mapping[str, npt.NDArray[Any]], fine: Mapping[str, npt.NDArray[Any]], layout: Layout
) -> dict[str, npt.NDArray[Any]]:
    """How far the outputs of two runs are apart; NaN against NaN (nothing to measure in both) is no error."""
    status = np.where(coarse[labels.STATUS] == Status.OK, fine[labels.STATUS], coarse[labels.STATUS])
    found = {labels.STATUS: status.astype(coarse[labels.STATUS].dtype)}
    for name in layout.variables:
        if name != labels.STATUS:
            one, other = (run[name.removesuffix("_error")] for run in (coarse, fine))
            with np.errstate(invalid="ignore"):
                error = np.where(np.isnan(one) & np.isnan(other), 0.0, np.abs(one - other))
            found[name] = np.where(_alike(status != Status.OK, error), np.nan, error).astype(one.dtype)
    return found


def _alike(failed: npt.NDArray[np.bool_], values: npt.NDArray[Any]) -> npt.NDArray[np.bool_]:
    """What failed, shaped as values: by the dims that both begin with, at least the points."""
    common = failed.ndim if values.shape[: failed.ndim] == failed.shape else 1
    some = failed.any(axis=tuple(range(common, failed.ndim)))
    return some.reshape(*some.shape, *[1] * (values.ndim - common))
