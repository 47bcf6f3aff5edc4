"""The methods by name: which points each of them needs, and what its results mean."""

from __future__ import annotations

import inspect
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any

import xarray as xr

from sneuron.analysis.sensitivity import bounds as manski
from sneuron.analysis.sensitivity import sobol
from sneuron.analysis.sensitivity.anova import grid_indices
from sneuron.analysis.sensitivity.chaos import chaos_indices
from sneuron.analysis.sensitivity.fourier import fourier_indices
from sneuron.analysis.sensitivity.given import borgonovo_delta, first_order, pawn
from sneuron.analysis.sensitivity.gradients import derivative_measures, local_slopes
from sneuron.analysis.sensitivity.morris import elementary_effects
from sneuron.analysis.sensitivity.walk import CHANGE, GRID, SAMPLE
from sneuron.registry import Registry

__all__ = ["ABOUT", "Estimator", "estimators"]

ABOUT = {
    "S1": "first-order index: the share of variance that a parameter explains alone",
    "ST": "total index: the share of variance that is left when all other parameters are known",
    "S2": "second-order index: the share of variance that two parameters explain together beyond what each does",
    "mu": "mean elementary effect",
    "mu_star": "mean size of elementary effects",
    "sigma": "spread of elementary effects",
    "nu": "mean squared derivative",
    "slope": "derivative",
    "effect": "derivative times the parameter: change of the output for a relative change of 1",
    "elasticity": "relative change of the output over that of the parameter",
    "curvature": "second derivative",
    "ST_bound": "what the total index does not exceed",
    "pawn_median": "median distance of conditional distributions",
    "pawn_mean": "mean distance of conditional distributions",
    "pawn_max": "largest distance of conditional distributions",
    "delta": "share of probability that moves when the parameter is known",
    "error": "share of variance that the polynomial does not predict",
    "terms": "terms of the polynomial",
    "mean": "mean of the output",
    "sd": "standard deviation of the output",
    "n_ok": "complete comparisons, or points",
    "n_failed": "comparisons, or points, that lack a value",
    "remark": "what is to be said of the estimate",
}
"""What the variables of a result mean."""

_SAMPLES = (SAMPLE, GRID, "pick_freeze", "nudges")


@dataclass(frozen=True)
class Estimator:
    """A method of sensitivity analysis.

    Parameters
    ----------
    name : str
        Its name.
    estimate : callable
        (data, output, ci, options) -> Dataset of indices.
    kinds : tuple of str
        The kinds of points that it takes (see `walk.kind_of`).
    shown : tuple of str
        The variables that say most, first the one by which parameters are ranked.
    shares : bool
        Whether these are shares between 0 and 1, so that one can ask for an interval of some width.
    sums, tell : callable, optional
        The same in two steps, where sums of further points can be added to those of old ones.
    bounds : callable, optional
        (data, output, sums, least, most) -> what failed points could change.
    """

    name: str
    estimate: Callable[..., xr.Dataset]
    kinds: tuple[str, ...]
    shown: tuple[str, ...]
    shares: bool = True
    sums: Callable[..., xr.Dataset] | None = None
    tell: Callable[..., xr.Dataset] | None = None
    bounds: Callable[..., xr.Dataset] | None = None

    @property
    def options(self) -> dict[str, Any]:
        """What it takes besides data, output and coverage, with the defaults."""
        found = list(inspect.signature(self.estimate).parameters.values())[3:]
        return {p.name: p.default for p in found}


estimators: Registry[Estimator] = Registry(
    "estimator", "sneuron.analysis.sensitivity", lambda thing: isinstance(thing, Estimator), lambda thing: thing.name
)
"""Every method by name; packages add theirs through the entry-point group `sneuron.estimator`."""

SOBOL = Estimator(
    "sobol", sobol.estimated, ("pick_freeze",), ("ST", "S1"), True, sobol.sums, sobol.indices, manski.bounds
)
MORRIS = Estimator("morris", elementary_effects, ("trajectories",), ("mu_star", "sigma"), False)
EFAST = Estimator("efast", fourier_indices, ("curves",), ("ST", "S1"))
DGSM = Estimator("dgsm", derivative_measures, ("nudges",), ("ST_bound",), False)
LOCAL = Estimator("local", local_slopes, (CHANGE,), ("effect",), False)
ANOVA = Estimator("anova", grid_indices, (GRID,), ("ST", "S1"))
FIRST = Estimator("first", first_order, _SAMPLES, ("S1",))
PAWN = Estimator("pawn", pawn, _SAMPLES, ("pawn_median",))
DELTA = Estimator("delta", borgonovo_delta, _SAMPLES, ("delta",))
PCE = Estimator("pce", chaos_indices, _SAMPLES, ("ST", "S1"))


def described(found: xr.Dataset, output: Mapping[Any, Any]) -> xr.Dataset:
    """Results with a long name, and units where they have one."""
    own = str(output.get("units", "1"))
    for name, variable in found.data_vars.items():
        stem = str(name).removesuffix("_low").removesuffix("_high").removesuffix("_least").removesuffix("_most")
        end = str(name)[len(stem) :].replace("_low", ", lower end of its interval")
        end = end.replace("_high", ", upper end of its interval").replace("_least", ", at least")
        text = ABOUT.get(stem, stem) + end.replace("_most", ", at most")
        units = own if stem in ("mean", "sd", "mu", "mu_star", "sigma", "effect") else "1"
        more = {} if stem in ("slope", "nu", "curvature", "remark") else {"units": units}
        variable.attrs = {**variable.attrs, "long_name": text, **more}
    return found
