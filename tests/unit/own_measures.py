"""Functions of one's own, as outputs of a sweep."""

import xarray as xr


def first_spike(run: xr.Dataset, default: float = -1.0) -> xr.DataArray:
    """Time of the first spike, ms."""
    return run.spike_time.min("spike").fillna(default).assign_attrs(units="ms")


def span(run: xr.Dataset) -> xr.Dataset:
    """Lowest and highest voltage."""
    return xr.Dataset({"low": run.v.min("time"), "high": run.v.max("time")})


def number(run: xr.Dataset) -> float:
    """No array."""
    return 1.0
