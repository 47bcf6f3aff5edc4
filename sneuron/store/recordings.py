"""Recordings as labelled arrays: voltage and current over sweeps and time, in the house's units, checked."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np
import xarray as xr

from sneuron import errors, labels
from sneuron.labels import TIME
from sneuron.store.sweeps import Array, Signal, Sweep, even, of_labelled, of_neo, of_nwb, opened

__all__ = ["is_labelled", "read_recording"]

SWEEP, VOLTAGE, CURRENT = "sweep", "v", "current"

_LARGEST, _SMALLEST = 1000.0, 1.0
"""A neuron's voltage in mV: the largest of a trace lies between."""
_NO_CURRENT = 1e-3
"""No one injects less than this (pA), but nothing."""


def read_recording(
    source: Any,
    voltage: str | None = None,
    current: Any = None,
    units: str | None = None,
    current_units: str | None = None,
    electrode: str | None = None,
    sweeps: Sequence[Any] | None = None,
) -> xr.Dataset:
    """Read the voltage of a neuron, and the current injected into it, from a file or from another library's objects.

    Parameters
    ----------
    source : path, Dataset, DataArray, Neo block, segment, AnalogSignal or list of them
        A netCDF file or Zarr folder; an NWB file, version 2 (`.nwb`, needs h5py); what Neo reads, such as Axon's `.abf`
        (needs Neo); labelled arrays with a `time` coordinate; Neo's objects.
    voltage, current : str, optional
        Names of the two in a Dataset or file; the usual ones (v, voltage; current, i) when omitted. `current` may also
        be a DataArray with the same times.
    units, current_units : str, optional
        Units of the numbers, where what the source states is wrong or nothing: mV and pA are taken then.
    electrode : str, optional
        Which cell, where an NWB file holds several.
    sweeps : sequence, optional
        Labels of the sweeps to keep, in this order; all when omitted.

    Returns
    -------
    Dataset
        `v` (mV) and, where it is known, `current` (pA, or as stated where it is per area), over `sweep` and `time` (ms
        from the start of each sweep); a labelled source keeps its dims and its own times. `sweep_start` (ms) says when
        each sweep of a file began.

    Raises
    ------
    DataError
        The source cannot be read; voltage and current differ in length or sampling; sweeps do; values are not finite.
    UnitError
        Units are not those of a voltage or a current, or the numbers cannot be in them.

    Notes
    -----
    A voltage that never exceeds 1 mV, or that exceeds 1000 mV, is refused with a question: units='V' or units='uV'
    answers it, and so does units='mV'.

    Examples
    --------
    >>> v = xr.DataArray([[-0.07, -0.069, -0.07]], dims=("sweep", "time"), coords={"time": [0.0, 0.1, 0.2]})
    >>> read_recording(v, units="V").v.values
    array([[-70., -69., -70.]])
    """
    where = f"recording {source}" if isinstance(source, str | Path) else "recording"
    path = Path(source) if isinstance(source, str | Path) else None
    _refuse_idle(source, path, voltage, current, electrode, where)
    if path is not None and is_labelled(path):
        with opened(path, where) as file:
            found = _labelled(file, voltage, current, units, current_units, where).load()
        found.attrs["file"] = str(path)
    elif isinstance(source, xr.Dataset | xr.DataArray):
        found = _labelled(source, voltage, current, units, current_units, where)
    else:
        if path is not None and path.suffix.lower() == ".nwb":
            read = of_nwb(path, electrode, where)
        else:
            read = of_neo(path if path is not None else source, where)
        found = _stacked(read, units, current_units, where)
        if path is not None:
            found.attrs["file"] = str(path)
    return found if sweeps is None else _chosen(found, sweeps, where)


def is_labelled(path: Path) -> bool:
    """Whether a file holds labelled arrays, whose variables have names.

    >>> is_labelled(Path("cell.nc")), is_labelled(Path("cell.nwb"))
    (True, False)
    """
    return path.suffix.lower() in (".nc", ".nc4", ".cdf", ".netcdf", ".zarr", ".h5", "")


def _refuse_idle(source: Any, path: Path | None, voltage: Any, current: Any, electrode: str | None, where: str) -> None:
    """Arguments that a source of this kind has no use for."""
    named = isinstance(source, xr.Dataset) or (path is not None and is_labelled(path))
    beside = isinstance(source, xr.DataArray) and isinstance(current, xr.DataArray)
    idle = {"voltage": voltage is not None and not named, "electrode": electrode is not None}
    idle["current"] = current is not None and not named and not beside
    idle["electrode"] &= path is None or path.suffix.lower() != ".nwb"
    for name, wrong in idle.items():
        if wrong:
            given = f"{name} has no meaning for {'files of this kind' if path else f'a {type(source).__name__}'}"
            raise errors.ParameterError(where, given, mend=f"Leave {name} out.")


def _labelled(
    source: xr.Dataset | xr.DataArray,
    voltage: str | None,
    current: Any,
    units: str | None,
    current_units: str | None,
    where: str,
) -> xr.Dataset:
    """Arrays that have labels: their dims stay, their units become the house's."""
    v, i = of_labelled(source, voltage, current, where)
    if TIME not in v.coords or v.sizes[TIME] < 2:
        what = "there is no time coordinate with two samples or more"
        raise errors.DataError(where, what, "a coordinate `time` in ms or s")
    if v[TIME].dtype.kind not in "fiu":
        what, mend = f"the times are of type {v[TIME].dtype}", "Give them as numbers, in ms or s."
        raise errors.DataError(where, what, "real numbers", mend=mend)
    time = v[TIME].values.astype(np.float64)
    time = labels.convert(time, labels.units_of(v[TIME].attrs), "ms", f"{where}, time")
    even(time, where)
    attrs = {**v[TIME].attrs, "units": "ms"}
    stated = [units or labels.units_of(v.attrs)]
    values = {VOLTAGE: (v.dims, _volts(v.values, stated[0], units is not None, where), {**v.attrs, "units": "mV"})}
    if i is not None:
        amps, unit = _amps(i.values, current_units or labels.units_of(i.attrs), current_units is not None, where)
        values[CURRENT] = (i.dims, amps, {**i.attrs, "units": unit})
    kept = {n: c for n, c in v.coords.items() if n != TIME}
    found = xr.Dataset(values, coords={**kept, TIME: (TIME, time, attrs)}, attrs=source.attrs)
    for name in found.data_vars:
        _refuse_nan(found[name], where)
    return found


def _stacked(read: list[Sweep], units: str | None, current_units: str | None, where: str) -> xr.Dataset:
    """Sweeps of one length and one sampling, one above the other."""
    for sweep in read:
        _refuse_unequal(sweep, where)
    _refuse_ragged(read, where)
    first = read[0].voltage
    time = np.arange(first.values.size) * first.step
    volts = [_volts(s.voltage.values, units or s.voltage.unit or None, units is not None, where) for s in read]
    found = xr.Dataset(
        {VOLTAGE: ((SWEEP, TIME), np.array(volts), {"units": "mV", "long_name": "membrane voltage"})},
        coords={
            SWEEP: (SWEEP, [sweep.label for sweep in read]),
            TIME: (TIME, time, {"units": "ms", "long_name": "time since the sweep began"}),
            "sweep_start": (SWEEP, [sweep.voltage.start for sweep in read], {"units": "ms"}),
        },
    )
    currents = [sweep.current for sweep in read if sweep.current is not None]
    if currents:
        if len(currents) < len(read):
            what = f"{len(currents)} of {len(read)} sweeps have a current"
            raise errors.DataError(where, what, mend="Give those alone.")
        amps = [_amps(c.values, current_units or c.unit or None, current_units is not None, where) for c in currents]
        attrs = {"units": amps[0][1], "long_name": "injected current"}
        found[CURRENT] = ((SWEEP, TIME), np.array([values for values, _ in amps]), attrs)
    for name in found.data_vars:
        _refuse_nan(found[name], where)
    return found


def _refuse_unequal(sweep: Sweep, where: str) -> None:
    """Stimulus and response of a sweep are of one length and one sampling."""
    if sweep.current is None:
        return
    one, two = sweep.voltage, sweep.current
    if one.values.size != two.values.size:
        what = f"sweep {sweep.label}: the response has {one.values.size} samples, the stimulus {two.values.size}"
        raise errors.DataError(where, what, mend="Cut the longer one, if they begin together.")
    _refuse_sampling(one, two, f"sweep {sweep.label}: response and stimulus", where)


def _refuse_sampling(one: Signal, two: Signal, what: str, where: str) -> None:
    if abs(one.step - two.step) > 1e-6 * one.step:
        given = f"{what} are sampled every {one.step:g} ms and every {two.step:g} ms"
        raise errors.DataError(where, given, mend="Resample one of them.")


def _refuse_ragged(read: list[Sweep], where: str) -> None:
    """All sweeps are of one length and one sampling."""
    sizes = {sweep.voltage.values.size for sweep in read}
    if not sizes or min(sizes) < 2:
        raise errors.DataError(where, "there is no sweep with two samples or more")
    if len(sizes) > 1:
        what = f"sweeps have {min(sizes)} to {max(sizes)} samples"
        raise errors.DataError(where, what, "sweeps of one length", mend="Read them one by one, and cut them.")
    for sweep in read[1:]:
        what = f"sweeps {read[0].label} and {sweep.label}"
        _refuse_sampling(read[0].voltage, sweep.voltage, what, where)


def _volts(values: Any, unit: str | None, said: bool, where: str) -> Array:
    """The voltage in mV; numbers that cannot be mV are asked about, unless the caller said what they are."""
    where = f"{where}, voltage"
    made: Array = np.asarray(values, np.float64) * float(labels.convert(1.0, unit, "mV", where))
    known = made[np.isfinite(made)]
    largest = float(np.abs(known).max(initial=0.0))
    if said or not known.size or (_SMALLEST <= largest <= _LARGEST) or largest == 0.0:
        return made
    guess, name = ("V", "volts") if largest < _SMALLEST else ("uV", "microvolts")
    what = f"values lie between {known.min():g} and {known.max():g} mV: are these {name}?"
    raise errors.UnitError(where, what, mend=f"Say units={guess!r}, or units='mV' if they are not.")


def _amps(values: Any, unit: str | None, said: bool, where: str) -> tuple[Array, str]:
    """The current in pA; as it is where it is per area."""
    where = f"{where}, current"
    made: Array = np.asarray(values, np.float64)
    try:
        factor = float(labels.convert(1.0, unit, "pA", where))
    except errors.UnitError:
        labels.convert(1.0, unit, "uA/cm2", where)
        return made, str(unit)
    made = made * factor
    largest = float(np.abs(made[np.isfinite(made)]).max(initial=0.0))
    if not said and 0.0 < largest < _NO_CURRENT:
        what = f"the largest value is {largest:g} pA: are these amperes?"
        raise errors.UnitError(where, what, mend="Say current_units='A', or current_units='pA' if they are not.")
    return made, "pA"


def _refuse_nan(array: xr.DataArray, where: str) -> None:
    """Every sample is a number."""
    bad = ~np.isfinite(array.values)
    if not bad.any():
        return
    index = dict(zip(array.dims, (int(k) for k in np.argwhere(bad)[0]), strict=True))
    at = float(array[TIME].values[index.pop(TIME)]) if TIME in index else np.nan
    sweep = f" of {', '.join(f'{dim} {k}' for dim, k in index.items())}" if index else ""
    what = f"{array.name!r} holds {int(bad.sum())} values that are not numbers, the first at {at:g} ms{sweep}"
    raise errors.DataError(where, what, mend="Cut or fill them.")


def _chosen(found: xr.Dataset, sweeps: Sequence[Any], where: str) -> xr.Dataset:
    if SWEEP not in found.dims:
        raise errors.DataError(where, f"it has no sweeps to choose from, only dims {tuple(map(str, found.dims))}")
    there = found[SWEEP].values.tolist() if SWEEP in found.coords else list(range(found.sizes[SWEEP]))
    for sweep in sweeps:
        if sweep not in there:
            raise errors.unknown(where, "sweep", str(sweep), map(str, there))
    return found.isel({SWEEP: [there.index(sweep) for sweep in sweeps]})
