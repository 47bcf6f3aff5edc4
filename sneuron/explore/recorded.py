"""A recording that a study is driven by and scored against."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import xarray as xr

from sneuron import errors, labels
from sneuron.labels import TIME

__all__ = ["open_recording"]


def open_recording(
    path: str | Path,
    current: str = "current",
    voltage: str = "voltage",
    start: float | str | None = None,
    stop: float | str | None = None,
) -> xr.Dataset:
    """Read current and voltage of a recording, cut to a window.

    Parameters
    ----------
    path : str or Path
        A netCDF file or Zarr folder that xarray opens, with an even `time` coordinate.
    current, voltage : str
        Names of the two variables in it.
    start, stop : float (ms) or str with unit, optional
        The window, both ends included; the whole recording when omitted.

    Returns
    -------
    Dataset
        `current` (in the unit that it states) and `voltage` (mV) with dims (..., time); `time` in ms, 0 at `start`.

    Raises
    ------
    DataError
        The file cannot be read, lacks a variable, or its time is missing, uneven or does not hold the window.
    """
    where = f"recording {path}"
    try:
        with xr.open_dataset(path) as file:
            names = {"current": current, "voltage": voltage}
            for name in names.values():
                if name not in file:
                    raise errors.unknown(where, "variable", name, [str(v) for v in file.data_vars])
            found = xr.Dataset({here: file[there].load() for here, there in names.items()})
    except (OSError, ValueError) as cause:
        if isinstance(cause, errors.SneuronError):
            raise
        raise errors.DataError(where, f"it cannot be read: {cause}", "a netCDF file or a Zarr folder") from cause
    time = _time(found, where)
    first = labels.number(start, "ms", f"{where}, start") if start is not None else float(time[0])
    last = labels.number(stop, "ms", f"{where}, stop") if stop is not None else float(time[-1])
    step = float(time[1] - time[0])
    if not time[0] - step / 2 <= first < last <= time[-1] + 1.5 * step:
        raise errors.DataError(where, f"window {first:g} to {last:g} ms is not within {time[0]:g} to {time[-1]:g} ms")
    inside = (time >= first - 1e-6 * step) & (time <= last + 1e-6 * step)
    cut = found.isel({TIME: inside}).assign_coords({TIME: (TIME, time[inside] - first, {"units": "ms"})})
    volts = cut["voltage"]
    scaled = labels.convert(volts, labels.units_of(volts.attrs), "mV", f"{where}, {voltage}")
    cut["voltage"] = scaled.assign_attrs({**volts.attrs, "units": "mV"})
    return cut.assign_attrs(file=str(path), window_start=first, window_stop=last)


def _time(found: xr.Dataset, where: str) -> np.ndarray[tuple[int], np.dtype[np.float64]]:
    """The time coordinate in ms, checked to be even."""
    if TIME not in found.coords or found.sizes[TIME] < 2:
        raise errors.DataError(
            where, "there is no time coordinate with two samples or more", "a coordinate `time` in ms or s"
        )
    coord = found[TIME]
    time = labels.convert(coord.values.astype(np.float64), labels.units_of(coord.attrs), "ms", f"{where}, time")
    steps = np.diff(time)
    if not np.isfinite(time).all() or steps.min() <= 0 or np.ptp(steps) > 1e-3 * steps.mean():
        raise errors.DataError(where, "time does not ascend in even steps", mend="Resample the recording first.")
    return np.asarray(time)
