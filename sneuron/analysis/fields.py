"""What currents make of the potential outside: from point and line sources to recording sites."""

from __future__ import annotations

import math
from typing import Any

import numpy as np
import xarray as xr
from numpy.typing import NDArray

from sneuron import errors, labels

__all__ = ["END", "lead_field", "places_of", "sources_of"]

Array = NDArray[Any]
END, AXIS, SOURCE = "end", "axis", "source"


def lead_field(sources: Any, sites: Any, sigma: Any = 0.3, radius: Any = 0.0) -> xr.DataArray:
    r"""The potential at recording sites for a current of 1 nA out of each source, in an unbounded medium.

    Parameters
    ----------
    sources : array (source, axis), or (source, end, axis), um
        Points; or lines from one end to the other, which give off their current evenly. The first dim of a DataArray
        keeps its name ("neuron", "compartment").
    sites : array (site, axis), um
    sigma : number or text, S/m
        Conductivity of the medium.
    radius : number, list or text, um
        Of the sources: what is nearer counts as that far.

    Returns
    -------
    xarray.DataArray
        Dims (site, source), mV/nA. The potential is its product with the currents: `LfpEst` takes it as `matrix`.

    Raises
    ------
    DataError
        For sites on a source without radius, lines without length, and arrays that are no positions.

    Notes
    -----
    .. math:: \phi = \frac{I}{4 \pi \sigma r}, \qquad
        \phi = \frac{I}{4 \pi \sigma L} \left(\mathrm{asinh}\frac{L - s}{r} + \mathrm{asinh}\frac{s}{r}\right)

    for a point at distance r, and for a line of length L (Holt & Koch 1999, doi:10.1023/A:1008832702585), s along it
    from its first end and r away from its axis.

    Examples
    --------
    >>> lead_field([[0.0, 0.0, 0.0]], [[10.0, 0.0, 0.0]]).round(6).values
    array([[0.026526]])
    """
    where = "lead_field"
    source, found = sources_of(sources, where)
    site, there = places_of(sites, f"{where}: 'sites'")
    if found.shape[-1] != there.shape[-1]:
        raise errors.DataError(where, f"sources have {found.shape[-1]} axes, sites {there.shape[-1]}")
    conductivity = labels.number(sigma, "S/m", f"{where}: 'sigma'")
    if not 0 < conductivity < math.inf:
        raise errors.ParameterError(f"{where}: 'sigma'", f"{sigma!r} is no conductivity", "above 0 S/m")
    least = _radius(radius, len(found), where)
    length = _line if found.ndim == 3 else _point
    values = length(found, there, least, where) / (4 * math.pi * conductivity)
    data = xr.DataArray(values, dims=(labels.SITE, str(source.dims[0])))
    own = ((labels.SITE,), source.dims[:1])
    coords = {k: c for held in (site, source) for k, c in held.coords.items() if c.dims in own}
    attrs = {"units": "mV/nA", "long_name": "potential for a current", "sigma": conductivity}
    return data.assign_coords(coords).assign_attrs(attrs)


def places_of(given: Any, where: str) -> tuple[xr.DataArray, Array]:
    """Positions (site, axis) in um, and the labels that they came with."""
    held = given if isinstance(given, xr.DataArray) else _labelled(given, (labels.SITE, AXIS), where)
    held = held.rename({held.dims[0]: labels.SITE}) if held.ndim == 2 else held
    values = _numbers(held, where)
    if held.ndim != 2:
        raise errors.DataError(where, f"{held.ndim} dims are no positions", "an array (site, axis), in um")
    return held, values


def sources_of(given: Any, where: str) -> tuple[xr.DataArray, Array]:
    """Positions (source, axis) or (source, end, axis) in um, and the labels that they came with."""
    place = f"{where}: 'sources'"
    names = (SOURCE, END, AXIS) if np.ndim(given) == 3 else (SOURCE, AXIS)
    held = given if isinstance(given, xr.DataArray) else _labelled(given, names, place)
    values = _numbers(held, place)
    if held.ndim not in (2, 3) or (held.ndim == 3 and held.shape[1] != 2):
        raise errors.DataError(
            place, f"an array of shape {held.shape} holds no positions", "(source, axis), or (source, 2 ends, axis)"
        )
    return held, values


def _labelled(given: Any, names: tuple[str, ...], where: str) -> xr.DataArray:
    try:
        values = np.asarray(given)
    except ValueError as cause:
        raise errors.DataError(where, "rows of different lengths are no positions") from cause
    if values.ndim != len(names):
        raise errors.DataError(where, f"an array of {values.ndim} dims holds no positions", f"dims {names}")
    return xr.DataArray(values, dims=names)


def _numbers(held: xr.DataArray, where: str) -> Array:
    values = held.values
    if values.dtype.kind not in "fiu" or not np.isfinite(values).all() or not 1 <= held.shape[-1] <= 3 or not held.size:
        raise errors.DataError(where, "these are no coordinates", "finite numbers along 1 to 3 axes, in um")
    return np.asarray(labels.convert(values.astype(np.float64), labels.units_of(held.attrs), "um", where))


def _radius(given: Any, many: int, where: str) -> Array:
    values = (
        np.asarray(given, np.float64) if np.ndim(given) else np.array(labels.number(given, "um", f"{where}: 'radius'"))
    )
    if values.shape not in ((), (many,)) or not (np.isfinite(values).all() and (values >= 0).all()):
        raise errors.ParameterError(f"{where}: 'radius'", f"{given!r:.60}", f"one number from 0 um, or {many}")
    return np.broadcast_to(values, (many,))


def _point(sources: Array, sites: Array, radius: Array, where: str) -> Array:
    """1/r, dims (site, source)."""
    r = np.maximum(np.sqrt(((sites[:, None] - sources) ** 2).sum(-1)), radius)
    _refuse(r <= 0, where)
    return np.asarray(1.0 / r)


def _line(sources: Array, sites: Array, radius: Array, where: str) -> Array:
    """The mean of 1/r along lines, dims (site, source)."""
    first, way = sources[:, 0], sources[:, 1] - sources[:, 0]
    length = np.sqrt((way**2).sum(-1))
    if (length <= 0).any():
        what = f"line {int(np.argmax(length <= 0))} has no length"
        raise errors.DataError(f"{where}: 'sources'", what, mend="Give its middle as a point.")
    from_first = sites[:, None] - first
    s = (from_first * (way / length[:, None])).sum(-1)
    r = np.sqrt(np.maximum((from_first**2).sum(-1) - s**2, 0.0))
    r = np.maximum(r, radius)
    _refuse((r <= 1e-9 * length) & (s >= 0) & (s <= length), where)
    r = np.maximum(r, 1e-9 * length)  # on the axis, beyond an end: the limit
    return np.asarray((np.arcsinh((length - s) / r) + np.arcsinh(s / r)) / length)


def _refuse(on: Array, where: str) -> None:
    if on.any():
        site, source = np.argwhere(on)[0]
        what = f"site {site} lies on source {source}"
        raise errors.DataError(f"{where}: 'sites'", what, mend="Give the sources a radius, in um.")
