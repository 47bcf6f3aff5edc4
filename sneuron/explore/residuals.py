"""The error of a trace, and how it depends on parameters."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np
import xarray as xr

from sneuron import errors
from sneuron.labels import TIME

__all__ = ["WITH", "misfit"]

WITH = "with"
"""A second dim of parameters, of what depends on pairs of them."""


def misfit(run: xr.Dataset, reference: xr.DataArray, wrt: Sequence[str], sd: float = 1.0) -> xr.Dataset:
    """The mean square of (v - reference)/sd, its derivative by parameters, and the matrix of Gauss and Newton.

    Parameters
    ----------
    run : Dataset
        Of a model of `sensitivities`, with `v` and `dv_d<parameter>` recorded.
    reference : DataArray (..., time), mV
        At the same times or at more of them.
    wrt : sequence of str
        The parameters.
    sd : float, mV
        The scale of differences.

    Returns
    -------
    Dataset
        `loss`, `slope` (..., param) and `curvature` (..., param, with), in units of the parameters.
    """
    left = (run["v"] - _sampled(reference, run["v"])) / sd
    by = xr.concat([run[_by(p)] for p in wrt], dim="param", coords="minimal", compat="override") / sd
    by = by.assign_coords(param=list(range(len(wrt))))
    many = 2.0 / left.sizes[TIME]
    slope = many * xr.dot(left, by, dim=TIME)
    curvature = many * xr.dot(by, by.rename({"param": WITH}), dim=TIME)
    told = {"units": "1"}
    return xr.Dataset({
        "loss": (left**2).mean(TIME, skipna=False).assign_attrs(told, long_name="mean square misfit of the voltage"),
        "slope": slope.assign_attrs(told, long_name="its derivative by each parameter"),
        "curvature": curvature.assign_attrs(told, long_name="its second derivatives, by Gauss and Newton"),
    })  # fmt: skip


def _by(parameter: str) -> str:
    return f"dv_d{parameter}".replace(".", "_")


def _with_slopes(options: Mapping[str, Any]) -> list[str]:
    return ["v", *(_by(p) for p in options["wrt"])]


def _sampled(reference: xr.DataArray, like: xr.DataArray) -> xr.DataArray:
    """The reference at the times of a run."""
    have, want = reference[TIME].values, like[TIME].values
    near = np.clip(np.searchsorted(have, want - 1e-6), 0, len(have) - 1)
    if np.abs(have[near] - want).max() > 1e-6 * max(1.0, abs(want).max()):
        raise errors.DataError(
            "trace", "the run is recorded at times that the recording lacks", mend="Give `every` so that they meet."
        )
    return reference.isel({TIME: near}).assign_coords({TIME: like[TIME]})


misfit.traces = _with_slopes  # type: ignore[attr-defined]
