"""How sure an estimate is: Student's interval from replicates, samples, or groups left out; and remarks on it."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import numpy as np
import numpy.typing as npt

__all__ = ["REMARKS", "Remark", "bounds_of", "left_out", "mean_of", "ratio_of", "remark_attrs", "student"]

Floats = npt.NDArray[np.float64]
Estimate = tuple[Floats, Floats]
"""A value and half the width of its interval."""


class Remark:
    """What is to be said of an estimate, as the flags of the variable `remark`."""

    FINE, NO_EFFECT, CONSTANT_OUTPUT, TOO_FEW_POINTS, NO_INTERVAL = range(5)


REMARKS = ("fine", "no_effect", "constant_output", "too_few_points", "no_interval")
"""Names of the flags: `no_effect`: the parameter changed the output at no point; `constant_output`: it never varies, so
that nothing can be said (NaN); `too_few_points`: fewer complete points than the estimator needs (NaN)."""


def remark_attrs() -> dict[str, Any]:
    """CF flag attributes of the variable `remark`."""
    return {"flag_values": np.arange(len(REMARKS), dtype=np.int8), "flag_meanings": " ".join(REMARKS)}


def student(many: Any, ci: float) -> Floats:
    """The factor of a standard error of so many values for an interval of coverage `ci`; NaN for one value.

    >>> round(float(student(16, 0.95)), 3)
    2.131
    """
    from scipy.stats import t

    freedom = np.asarray(many, dtype=np.float64) - 1.0
    return np.asarray(np.where(freedom > 0, t.ppf(0.5 + ci / 2, np.maximum(freedom, 1.0)), np.nan))


def mean_of(values: Floats, ci: float) -> Estimate:
    """Mean over the first axis and Student's half-width; replicates that are NaN do not count."""
    good = ~np.isnan(values)
    many = good.sum(axis=0)
    mean = _divided(np.where(good, values, 0.0).sum(axis=0), many)
    square = np.where(good, values - mean, 0.0) ** 2
    error = np.sqrt(_divided(square.sum(axis=0), many * (many - 1)))
    return mean, student(many, ci) * error


def ratio_of(above: Floats, below: Floats, ci: float) -> Estimate:
    """Ratio of means over replicates (first axis), and the half-width by linearisation.

    The ratio of means has a smaller bias than the mean of ratios (Cochran 1977, Sampling Techniques, ch. 6).
    """
    good = ~(np.isnan(above) | np.isnan(below))
    many = good.sum(axis=0)
    up, down = (_divided(np.where(good, part, 0.0).sum(axis=0), many) for part in (above, below))
    ratio = _divided(up, down)
    rest = np.where(good, above - ratio * below, 0.0)
    error = _divided(np.sqrt(_divided((rest**2).sum(axis=0), many * (many - 1))), np.abs(down))
    return ratio, student(many, ci) * error


def left_out(whole: Floats, without: Floats, ci: float) -> Estimate:
    """An estimate and its half-width, from the estimates without each group of points in turn (first axis).

    The delete-a-group jackknife: (G - 1)/G times the sum of squares about their mean.
    """
    groups = len(without)
    square = ((without - without.mean(axis=0)) ** 2).sum(axis=0)
    return whole, student(groups, ci) * np.sqrt((groups - 1) / groups * square)


def bounds_of(name: str, estimate: Estimate) -> dict[str, Floats]:
    """The variables `name`, `name_low` and `name_high`."""
    value, half = estimate
    return {name: value, f"{name}_low": value - half, f"{name}_high": value + half}


def _divided(above: Any, below: Any) -> Floats:
    """Above over below; NaN where there is nothing to divide by."""
    small = np.asarray(below, dtype=np.float64) == 0
    return np.asarray(np.where(small, np.nan, above / np.where(small, 1.0, below)))


def flagged(shape: tuple[int, ...], marks: Mapping[int, Any]) -> npt.NDArray[np.int8]:
    """A remark for each estimate: the last of `marks` that holds for it."""
    found = np.zeros(shape, np.int8)
    for mark, where in marks.items():
        found[np.broadcast_to(where, shape)] = mark
    return found
