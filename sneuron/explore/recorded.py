"""A recording that a study is driven by and scored against."""

from __future__ import annotations

from pathlib import Path

import xarray as xr

from sneuron import errors, labels
from sneuron.labels import TIME
from sneuron.store.recordings import is_labelled, read_recording

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
        A netCDF file or Zarr folder with an even `time` coordinate; or any file that `read_recording` reads.
    current, voltage : str
        Names of the two variables in it.
    start, stop : float (ms) or str with unit, optional
        The window, both ends included; the whole recording when omitted.

    Returns
    -------
    Dataset
        `current` (pA, or as stated where it is per area) and `voltage` (mV) with dims (..., time); `time` in ms, 0 at
        `start`.

    Raises
    ------
    DataError
        The file cannot be read, lacks a variable, or its time is missing, uneven or does not hold the window.
    """
    where = f"recording {path}"
    names = {"voltage": voltage, "current": current}
    if not is_labelled(Path(path)):  # nothing in it has a name of its own; names that were given are refused
        names = {kind: name for kind, name in names.items() if name != kind}
    found = read_recording(path, **names)
    time = found[TIME].values
    first = labels.number(start, "ms", f"{where}, start") if start is not None else float(time[0])
    last = labels.number(stop, "ms", f"{where}, stop") if stop is not None else float(time[-1])
    step = float(time[1] - time[0])
    if not time[0] - step / 2 <= first < last <= time[-1] + 1.5 * step:
        raise errors.DataError(where, f"window {first:g} to {last:g} ms is not within {time[0]:g} to {time[-1]:g} ms")
    inside = (time >= first - 1e-6 * step) & (time <= last + 1e-6 * step)
    cut = found.isel({TIME: inside}).assign_coords({TIME: (TIME, time[inside] - first, {"units": "ms"})})
    if "current" not in cut:
        raise errors.DataError(where, "nothing says what current was injected", "a file with a stimulus")
    cut = cut.rename(v="voltage")
    return cut.assign_attrs(file=str(path), window_start=first, window_stop=last)
