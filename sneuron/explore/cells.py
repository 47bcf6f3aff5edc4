"""What a model is fitted to: currents, voltages and spikes of a recorded cell, checked and in one form."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import numpy as np
import xarray as xr

from sneuron import errors, labels
from sneuron.explore.recorded import open_recording
from sneuron.labels import SPIKE, SPIKE_COUNT, SPIKE_TIME, TIME

__all__ = ["CURRENT", "VOLTAGE", "cell_of", "chosen", "parted", "sweeps_of"]

CURRENT, VOLTAGE = "current", "voltage"
_WHERE = "FitModel: data"
_KNOWN = (CURRENT, VOLTAGE, SPIKE_TIME)
_MILLIVOLTS = (2.0, 500.0)
_CURRENTS = {"pA": (1e-3, 1e6), "nA": (1e-6, 1e3), "uA/cm2": (1e-4, 1e5)}


def cell_of(data: Any, relative: float = 0.5) -> xr.Dataset:
    """A recording as `current` (its own unit), `voltage` (mV) and `spike_time` (ms), with `time` from 0 ms.

    Parameters
    ----------
    data : path, Dataset, or mapping of DataArrays
        A netCDF file or Zarr folder that `open_recording` reads; or `current` (..., time), and `voltage` (..., time) or
        `spike_time` (..., spike), by these names.
    relative : float, default 0.5
        Where spikes are not given: one is where the voltage crosses the level that lies this part of the way from its
        median to its peaks.

    Returns
    -------
    Dataset
        With `spike_count`, and the length of the recording in `attrs["t_stop"]` (ms).

    Raises
    ------
    DataError
        What is lacking, lengths that differ, values that cannot be in the units that are stated.
    """
    if isinstance(data, str | Path):
        data = open_recording(data)
    if not isinstance(data, Mapping | xr.Dataset):
        raise errors.DataError(
            _WHERE, f"a {type(data).__name__}", "a Dataset or dict with current, and voltage or spike_time"
        )
    given = {str(n): _array(data[n], str(n)) for n in data if str(n) in _KNOWN}
    if not {VOLTAGE, SPIKE_TIME} & set(given):
        raise errors.DataError(_WHERE, f"holds {sorted(map(str, data))}", "voltage or spike_time, and current")
    _check_lengths(given)
    found = xr.Dataset({n: _timed(a, n) for n, a in given.items() if n != SPIKE_TIME})
    if VOLTAGE in found:
        found[VOLTAGE] = _in_unit(found[VOLTAGE], "mV", *_MILLIVOLTS)
    if CURRENT in found:
        _check_size(found[CURRENT], *_CURRENTS.get(str(found[CURRENT].attrs.get("units", "pA")), (0.0, np.inf)))
    return _with_spikes(found, given.get(SPIKE_TIME), getattr(data, "attrs", {}), relative)


def sweeps_of(cell: xr.Dataset) -> tuple[str, int] | None:
    """The dim along which a cell was recorded several times, and how often; None when it was recorded once."""
    dims = [str(d) for d in cell[SPIKE_COUNT].dims]
    if len(dims) > 1:
        mend = "Stack them: data.stack(sweep=[...])."
        raise errors.DataError(_WHERE, f"sweeps have the dims {dims}", "one dim of sweeps", mend=mend)
    return (dims[0], cell.sizes[dims[0]]) if dims else None


def parted(cell: xr.Dataset, train: Any, test: Any) -> tuple[list[int], list[int]]:
    """Numbers of the sweeps that a model is fitted to, and of those that are held out; all and none when not said."""
    sweeps = sweeps_of(cell)
    if sweeps is None:
        if train is not None or test is not None:
            raise errors.DataError("FitModel: train", "the recording has one sweep", mend="Leave train and test out.")
        return [], []
    held = _numbers(test, "test", sweeps[1]) if test is not None else []
    used = _numbers(train, "train", sweeps[1]) if train is not None else [
        k for k in range(sweeps[1]) if k not in held
    ]  # fmt: skip
    both = sorted(set(used) & set(held))
    if both or not used:
        what = f"sweeps {both} are in train and in test" if both else "no sweep is left to fit to"
        raise errors.DataError("FitModel: test", what, mend="Hold others out.")
    return used, held


def chosen(cell: xr.Dataset, numbers: Sequence[int]) -> xr.Dataset:
    """Some sweeps of a cell, or the cell itself when it has one."""
    sweeps = sweeps_of(cell)
    return cell if sweeps is None else cell.isel({sweeps[0]: list(numbers)})


def _numbers(given: Any, name: str, many: int) -> list[int]:
    found = [given] if isinstance(given, int | np.integer) else list(given)
    wrong = [k for k in found if isinstance(k, bool) or not isinstance(k, int | np.integer) or not 0 <= k < many]
    if wrong or len(set(found)) < len(found):
        raise errors.DataError(f"FitModel: {name}", f"{given!r} does not number sweeps", f"0 to {many - 1}, each once")
    return [int(k) for k in found]


def _array(value: Any, name: str) -> xr.DataArray:
    if not isinstance(value, xr.DataArray):
        raise errors.DataError(f"{_WHERE}, {name}", f"a {type(value).__name__}", "a DataArray with named dims")
    return value


def _check_lengths(given: Mapping[str, xr.DataArray]) -> None:
    """Stimulus and response go together: the same samples, the same sweeps."""
    if CURRENT not in given or VOLTAGE not in given:
        return
    current, voltage = given[CURRENT], given[VOLTAGE]
    for dim in dict.fromkeys([*current.dims, *voltage.dims]):
        lengths = [a.sizes.get(dim) for a in (current, voltage)]
        if lengths[0] != lengths[1]:
            what = f"current has {lengths[0] or 'no'} and voltage {lengths[1] or 'no'} places along {dim!r}"
            raise errors.DataError(_WHERE, what, mend="Cut both to the same window and the same sweeps.")
    times = [a[TIME].values for a in (current, voltage) if TIME in a.coords]
    if len(times) == 2 and not np.array_equal(times[0], times[1]):
        raise errors.DataError(_WHERE, "current and voltage have other times", mend="Resample one of them.")


def _timed(array: xr.DataArray, name: str) -> xr.DataArray:
    """With its time in ms, from 0, in even steps."""
    if TIME not in array.dims or TIME not in array.coords or array.sizes[TIME] < 2:
        raise errors.DataError(f"{_WHERE}, {name}", f"has dims {array.dims}", "(..., time) with a coordinate `time`")
    coord = array[TIME]
    time = labels.convert(np.asarray(coord.values, np.float64), labels.units_of(coord.attrs), "ms", f"{_WHERE}, time")
    steps = np.diff(time)
    if not np.isfinite(time).all() or steps.min() <= 0 or np.ptp(steps) > 1e-3 * steps.mean():
        raise errors.DataError(f"{_WHERE}, time", "does not ascend in even steps", mend="Resample the recording.")
    if steps.mean() < 1e-3:
        what = f"steps of {steps.mean():g} ms: this looks like seconds"
        raise errors.DataError(f"{_WHERE}, time", what, mend="Say so: data.time.attrs['units'] = 's'.")
    if not np.isfinite(array.values).all():
        raise errors.DataError(f"{_WHERE}, {name}", "has holes (NaN)", mend="Cut or fill them.")
    return array.assign_coords({TIME: (TIME, time - time[0], {"units": "ms"})})


def _in_unit(array: xr.DataArray, unit: str, low: float, high: float) -> xr.DataArray:
    scaled: xr.DataArray = labels.convert(array, labels.units_of(array.attrs), unit, f"{_WHERE}, {array.name}")
    found = scaled.assign_attrs({**array.attrs, "units": unit})
    _check_size(found, low, high)
    return found


def _check_size(array: xr.DataArray, low: float, high: float) -> None:
    """Numbers of the size that they have in their unit; volts that are called millivolts are told by their size."""
    size, unit = float(np.abs(array).max()), array.attrs.get("units", "no unit")
    if size and not low <= size <= high:
        what = f"its largest value is {size:.3g}, and its unit is {unit}"
        mend = f"Say which unit it has: data.{array.name}.attrs['units'] = ..."
        raise errors.DataError(f"{_WHERE}, {array.name}", what, f"sizes from {low:g} to {high:g}", mend=mend)


def _with_spikes(cell: xr.Dataset, times: xr.DataArray | None, attrs: Mapping[Any, Any], relative: float) -> xr.Dataset:
    if times is None:
        from sneuron.core.detect import DetSpike

        spikes = DetSpike(cell[VOLTAGE], relative=relative)
        times = spikes[SPIKE_TIME]
    if SPIKE not in times.dims:
        raise errors.DataError(f"{_WHERE}, {SPIKE_TIME}", f"has dims {times.dims}", "(..., spike)")
    factor = labels.convert(1.0, labels.units_of(times.attrs), "ms", f"{_WHERE}, {SPIKE_TIME}")
    times = (times * factor).assign_attrs({**times.attrs, "units": "ms"})
    counts = times.notnull().sum(SPIKE).astype(np.float64)
    stop = float(cell[TIME][-1]) if TIME in cell else attrs.get("t_stop", times.attrs.get("t_stop"))
    if stop is None:
        raise errors.DataError(_WHERE, "how long it lasted is not known", mend="Give attrs['t_stop'] in ms.")
    if times.size and float(times.max()) > float(stop):
        raise errors.DataError(_WHERE, f"a spike at {float(times.max()):g} ms is after its end at {stop:g} ms")
    return cell.assign({SPIKE_TIME: times, SPIKE_COUNT: counts}).assign_attrs(t_stop=float(stop))
