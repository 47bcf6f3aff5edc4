"""A model that is pulled towards a recorded voltage, so that the valley of its misfit is wide."""

from __future__ import annotations

import dataclasses
from typing import Any

import xarray as xr

from sneuron import errors, labels
from sneuron.lang.model import Model, load_model
from sneuron.lang.spec import Param

__all__ = ["PULL", "nudged"]

PULL = "g_nudge"


def nudged(model: Model, voltage: xr.DataArray, pull: Any, dt: float) -> tuple[Model, xr.Dataset]:
    """A model with a further current `pull` (v - recorded v), and the stimulus that is one half of it.

    Parameters
    ----------
    model : Model
    voltage : DataArray (..., time), mV
        The recorded voltage.
    pull : float or text
        In the unit of the model's conductances (mS/cm2, or nS for whole cells).
    dt : float, ms
        The step of integration: the pull holds in its middle, since it would come half a step late otherwise.

    Returns
    -------
    Model, Dataset
        The model, and what is to be injected besides its stimuli.

    Notes
    -----
    The true parameters with the true voltage still make no error: the minimum does not move, where there is no noise.
    Elsewhere errors cannot grow, so that spikes need not meet by chance. Abarbanel, Creveling, Farsian & Kostuk 2009,
    doi:10.1137/090749761.
    """
    from sneuron.core.stimulus import replay

    spec = model.spec
    unit = "nS" if spec.unit == "pA" else "mS/cm2"
    size = labels.number(pull, unit, "FitModel: option 'nudge'")
    if size < 0:
        raise errors.ParameterError("FitModel: option 'nudge'", f"{size:g} {unit}", f"numbers from 0, in {unit}")
    if PULL in model.params:
        raise errors.ModelError("FitModel: option 'nudge'", f"the model has a parameter {PULL!r} of its own")
    more = dataclasses.replace(
        spec,
        name=f"{spec.name[:50]}_nudged",
        variants={},
        currents={**spec.currents, "nudge": f"{PULL}*v"},
        params={**spec.params, PULL: Param(size, unit, 0.0, 1e9, "", "pull towards the recorded voltage")},
    )
    bare = voltage.drop_vars([c for c in voltage.coords if c != "time"]).drop_attrs()
    current = (size * bare).assign_attrs(units=spec.unit)
    return load_model(more), replay(current.assign_coords(time=voltage.time), start=-dt / 2)
