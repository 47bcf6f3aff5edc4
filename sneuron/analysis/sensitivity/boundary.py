"""How far the points of a study are from where their class ends."""

from __future__ import annotations

from typing import Any

import numpy as np
import numpy.typing as npt
import xarray as xr

from sneuron import errors, labels
from sneuron.analysis.marginals import marginal_told
from sneuron.analysis.sensitivity import walk

__all__ = ["boundary_distance"]

Floats = npt.NDArray[np.float64]

_WHERE = "boundary_distance"


def boundary_distance(data: xr.Dataset, of: str, params: Any = None) -> xr.DataArray:
    r"""The distance of each point from the nearest one that has another class.

    As an output of its own it tells, by `SensAnal`, which parameters bring a neuron to the edge of what it does.

    Parameters
    ----------
    data : Dataset
        The results of a study, or any points whose parameters are coordinates.
    of : str
        An output that is a flag (`flag_values`), over the dims of the points.
    params : list of str, optional
        The parameters that count; all when omitted.

    Returns
    -------
    DataArray
        Over the dims of the points; 1 is the whole distribution of a parameter (the range of its values, where nothing
        is known of what it was drawn from). NaN where a point has no class, or all have the same.

    Raises
    ------
    UnknownNameError, DataError
        No such output; it is no flag, or has dims besides those of the points.

    Notes
    -----
    Euclidean, in the coordinates in which every parameter is uniform. It is the distance to a point, not to the border
    itself, and thus too large by about the distance of points from one another. All points are held in memory.

    Examples
    --------
    >>> flags = {"flag_values": [0.0, 1.0], "flag_meanings": "silent tonic"}
    >>> data = xr.Dataset({"fires": ("I", [0.0, 0.0, 1.0, 1.0, 1.0], flags)}, {"I": [0.0, 1.0, 2.0, 3.0, 4.0]})
    >>> boundary_distance(data, "fires").values
    array([0.5 , 0.25, 0.25, 0.5 , 0.75])
    """
    if of not in data.data_vars:
        raise errors.unknown(_WHERE, "output", of, [str(v) for v in data.data_vars])
    labels.flag_names(data[of].attrs, f"{_WHERE}, output {of!r}")
    names = walk.parameters(data, params)
    dims = walk.dims_of(data, names)
    array = data[of].transpose(*dims, ...)
    if set(array.dims) != set(dims):
        raise errors.DataError(_WHERE, f"{of!r} has dims {array.dims}", f"those of the points: {', '.join(dims)}")
    columns = [_unit(data[name]).broadcast_like(array).transpose(*dims).values.ravel() for name in names]
    classes = np.asarray(array.values, np.float64).ravel()
    if labels.STATUS in data:
        good = (data[labels.STATUS] == int(labels.Status.OK)).broadcast_like(array).transpose(*dims)
        classes = np.where(good.values.ravel(), classes, np.nan)
    found = _nearest(np.stack(columns, axis=1), classes).reshape(array.shape)
    about = {"long_name": f"distance from another {of}", "units": "1"}
    return xr.DataArray(found, array.coords, array.dims, name=f"{of}_distance", attrs=about)


def _unit(coord: xr.DataArray) -> xr.DataArray:
    """A parameter in the coordinate from 0 to 1 in which it is uniform."""
    values = np.asarray(coord.values, np.float64)
    marginal = marginal_told(coord.attrs)
    if marginal is None:
        span = float(np.ptp(values)) or 1.0
        return coord.copy(data=(values - values.min()) / span)
    return coord.copy(data=marginal.unit(values.ravel()).reshape(values.shape))


def _nearest(points: Floats, classes: Floats) -> Floats:
    """The distance of each point from the nearest of another class."""
    from scipy.spatial import cKDTree

    found = np.full(classes.shape, np.nan)
    for value in np.unique(classes[~np.isnan(classes)]):
        own, others = classes == value, (classes != value) & ~np.isnan(classes)
        if others.any():
            found[own] = cKDTree(points[others]).query(points[own])[0]
    return found
