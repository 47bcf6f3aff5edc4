"""Functions whose sensitivity indices are known, on the points of a design."""

import numpy as np
import xarray as xr

from sneuron.explore.coords import design_points

ISHIGAMI = dict.fromkeys(("x1", "x2", "x3"), (-np.pi, np.pi))
"""Ishigami & Homma 1990, doi:10.1109/ISUMA.1990.151285, with a = 7, b = 0.1."""

_A, _B = 7.0, 0.1
_PARTS = np.array([(1 + _B * np.pi**4 / 5) ** 2 / 2, _A**2 / 8, 8 * _B**2 * np.pi**8 / 225])
"""Variances of x1, of x2, of x1 and x3 together."""

VARIANCE = float(_PARTS.sum())
FIRST = np.array([_PARTS[0], _PARTS[1], 0.0]) / VARIANCE
TOTAL = np.array([_PARTS[0] + _PARTS[2], _PARTS[1], _PARTS[2]]) / VARIANCE
PAIR = float(_PARTS[2] / VARIANCE)

G = np.array([0.0, 1.0, 4.5, 9.0, 99.0, 99.0, 99.0, 99.0])
"""Saltelli & Sobol' 1995, doi:10.1016/0951-8320(95)00099-2."""

_OWN = 1 / (3 * (1 + G) ** 2)
G_VARIANCE = float(np.prod(1 + _OWN) - 1)
G_FIRST = _OWN / G_VARIANCE
G_TOTAL = _OWN * np.prod(1 + _OWN) / (1 + _OWN) / G_VARIANCE
G_BOX = {f"x{k}": (0.0, 1.0) for k in range(1, 9)}


def ishigami(points: xr.Dataset) -> xr.DataArray:
    found = np.sin(points.x1) + _A * np.sin(points.x2) ** 2 + _B * points.x3**4 * np.sin(points.x1)
    return found.rename("y")


def sobol_g(points: xr.Dataset) -> xr.DataArray:
    found = xr.DataArray(1.0)
    for name, a in zip(G_BOX, G, strict=True):
        found = found * (abs(4 * points[name] - 2) + a) / (1 + a)
    return found.rename("y")


def morris_20(points: xr.Dataset) -> xr.DataArray:
    """Morris 1991, doi:10.1080/00401706.1991.10484804, with its random coefficients from a fixed stream."""
    stream = np.random.default_rng(1991)
    first, second = stream.standard_normal(20), np.triu(stream.standard_normal((20, 20)), 1)
    first[:10] = 20.0
    second[:6, :6] = np.triu(np.full((6, 6), -15.0), 1)
    w = [points[f"x{k}"] for k in range(1, 21)]
    w = [2 * (1.1 * x / (x + 0.1) - 0.5) if k in (2, 4, 6) else 2 * (x - 0.5) for k, x in enumerate(w)]
    found = sum(b * x for b, x in zip(first, w, strict=True))
    found = found + sum(second[i, j] * w[i] * w[j] for i in range(20) for j in range(i + 1, 20))
    for i in range(5):
        for j in range(i + 1, 5):
            for k in range(j + 1, 5):
                found = found - 10.0 * w[i] * w[j] * w[k]
    return (found + 5.0 * w[0] * w[1] * w[2] * w[3]).rename("y")


def measured(samples, function=ishigami) -> xr.Dataset:
    """A function at the points of a design."""
    points = design_points(samples)
    return points.assign(y=function(points))
