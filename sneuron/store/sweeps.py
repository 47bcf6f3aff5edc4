"""Recorded sweeps as files and other libraries hold them: labelled arrays, NWB, Neo, and what Neo reads."""

from __future__ import annotations

import contextlib
import re
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np
import numpy.typing as npt
import xarray as xr

from sneuron import errors, labels
from sneuron.labels import TIME

__all__ = ["Signal", "Sweep", "of_labelled", "of_neo", "of_nwb", "opened"]

Array = npt.NDArray[np.float64]

VOLTAGES, CURRENTS = ("v", "voltage", "vm"), ("current", "i", "stimulus")
"""What the two are called in files, where nobody says."""

_RESPONSES = ("CurrentClampSeries", "IZeroClampSeries")
_TABLE = "general/intracellular_ephys/intracellular_recordings"


class Signal(NamedTuple):
    """Samples, their unit ("" when it is not stated), their step and the time of the first one, in ms."""

    values: Array
    unit: str
    step: float
    start: float = 0.0


class Sweep(NamedTuple):
    """One sweep: its label, the voltage, and the current where there is one."""

    label: Any
    voltage: Signal
    current: Signal | None


# -- labelled arrays -----------------------------------------------------------------------------------


@contextlib.contextmanager
def opened(path: Path, where: str) -> Iterator[xr.Dataset]:
    """A netCDF file or Zarr folder."""
    try:
        with xr.open_dataset(path) as file:
            yield file
    except (OSError, ValueError) as cause:
        if isinstance(cause, errors.SneuronError):
            raise
        possible = "a netCDF file, a Zarr folder, NWB (.nwb), or what Neo reads (.abf)"
        raise errors.DataError(where, f"it cannot be read: {cause}", possible) from cause


def of_labelled(
    source: xr.Dataset | xr.DataArray, voltage: str | None, current: Any, where: str
) -> tuple[xr.DataArray, xr.DataArray | None]:
    """Voltage and current of a Dataset, or of one DataArray and another."""
    if isinstance(source, xr.DataArray):
        found, injected = source, current if isinstance(current, xr.DataArray) else None
    else:
        found = source[_name(source, voltage, VOLTAGES, "voltage", where)]
        known = current is not None or any(name in source for name in CURRENTS)
        injected = current if isinstance(current, xr.DataArray) else None
        if known and injected is None:
            injected = source[_name(source, current, CURRENTS, "current", where)]
    if injected is not None:
        _refuse_unequal(found, injected, where)
    return found, injected


def _name(source: xr.Dataset, given: str | None, usual: Sequence[str], what: str, where: str) -> str:
    """The variable of that name; of the usual names when none is given."""
    there = [str(name) for name in source.data_vars]
    if given is not None and given not in there:
        raise errors.unknown(where, "variable", given, there)
    found = given or next((name for name in usual if name in there), None)
    if found is None:
        raise errors.DataError(where, f"none of its variables is a {what}", there, mend=f"Say {what}='...'.")
    return found


def _refuse_unequal(voltage: xr.DataArray, current: xr.DataArray, where: str) -> None:
    """Current and voltage have the same times."""
    sizes = [array.sizes.get(TIME) for array in (voltage, current)]
    if sizes[0] != sizes[1]:
        raise errors.DataError(where, f"the voltage has {sizes[0]} samples, the current {sizes[1]}", mend=_CUT)
    both = TIME in voltage.coords and TIME in current.coords
    if both and not np.array_equal(voltage[TIME].values, current[TIME].values, equal_nan=True):
        raise errors.DataError(where, "voltage and current have different times", mend=_CUT)


_CUT = "Cut or resample one of them, so that both have the same times."


# -- NWB -----------------------------------------------------------------------------------------------


def of_nwb(path: Path, electrode: str | None, where: str) -> list[Sweep]:
    """Current-clamp sweeps of an NWB file, version 2."""
    try:
        import h5py
    except ImportError as cause:
        mend = "Install it: pip install 'sneuron[nwb]'."
        raise errors.DataError(where, "NWB files are read by h5py, which is not installed", mend=mend) from cause
    try:
        with h5py.File(path, "r") as file:
            responses = [group for group in _in_order(file["acquisition"]) if _kind(group) in _RESPONSES]
            chosen = _of_electrode(responses, electrode, where)
            stimuli = _stimuli(file, chosen, where)
            return [
                Sweep(_label(group, k), _nwb_signal(group, where), _nwb_signal(stimulus, where) if stimulus else None)
                for k, (group, stimulus) in enumerate(zip(chosen, stimuli, strict=True))
            ]
    except (OSError, KeyError) as cause:
        raise errors.DataError(where, f"it cannot be read: {cause}", "an NWB file, version 2") from cause


def _kind(group: Any) -> str:
    kind = group.attrs.get("neurodata_type", "")
    return kind.decode() if isinstance(kind, bytes) else str(kind)


def _label(group: Any, place: int) -> int:
    number = group.attrs.get("sweep_number", group.get("sweep_number"))
    return place if number is None else int(number[()] if hasattr(number, "shape") else number)


def _of_electrode(responses: list[Any], electrode: str | None, where: str) -> list[Any]:
    """The responses of one cell."""
    if not responses:
        raise errors.DataError(where, "it holds no current-clamp sweep", " or ".join(_RESPONSES))
    of = [group["electrode"].name.rpartition("/")[2] if "electrode" in group else "" for group in responses]
    names = sorted(set(of))
    if electrode is None and len(names) > 1:
        what = f"it holds sweeps of {len(names)} electrodes"
        raise errors.DataError(where, what, names, mend=f"Say which: electrode={names[0]!r}.")
    if electrode is not None and electrode not in names:
        raise errors.unknown(where, "electrode", electrode, names)
    return [group for group, name in zip(responses, of, strict=True) if electrode in (None, name)]


def _stimuli(file: Any, responses: list[Any], where: str) -> list[Any]:
    """The stimulus of each response: as the table of recordings says, else by sweep number, else by order."""
    folder = file.get("stimulus/presentation", {})
    stimuli = [group for group in _in_order(folder) if _kind(group) == "CurrentClampStimulusSeries"]
    if not stimuli:
        return [None] * len(responses)
    if f"{_TABLE}/responses/response" in file and f"{_TABLE}/stimuli/stimulus" in file:
        rows = zip(file[f"{_TABLE}/responses/response"][:], file[f"{_TABLE}/stimuli/stimulus"][:], strict=True)
        pairs = {file[r["timeseries"]].name: _whole(file, s, where) for r, s in rows}
        if all(group.name in pairs for group in responses):
            return [pairs[group.name] for group in responses]
    numbered = {_label(group, -1): group for group in stimuli}
    if -1 not in numbered and all(_label(group, -1) in numbered for group in responses):
        return [numbered[_label(group, -1)] for group in responses]
    if len(stimuli) != len(responses):
        what = f"{len(responses)} responses and {len(stimuli)} stimuli, and nothing says which belong together"
        raise errors.DataError(where, what, "sweep numbers, or a table of intracellular recordings")
    return stimuli


def _whole(file: Any, row: Any, where: str) -> Any:
    """The series that a row of the table of recordings stands for; None when it stands for none."""
    if row["count"] < 0:
        return None
    group = file[row["timeseries"]]
    if row["idx_start"] != 0 or row["count"] != group["data"].shape[0]:
        what = f"the table of recordings takes a part of {group.name}"
        raise errors.DataError(where, what, "whole series", mend="Write the sweeps as series of their own.")
    return group


def _in_order(groups: Any) -> list[Any]:
    """Groups by name, numbers in names by value."""
    parts = {name: [int(x) if x.isdigit() else x for x in re.split(r"(\d+)", name)] for name in groups}
    return [groups[name] for name in sorted(groups, key=lambda name: parts[name])]


def _nwb_signal(group: Any, where: str) -> Signal:
    """Samples of an NWB time series in the unit that it states."""
    data = group["data"]
    scale, offset = float(data.attrs.get("conversion", 1.0)), float(data.attrs.get("offset", 0.0))
    unit = data.attrs.get("unit", "")
    unit = unit.decode() if isinstance(unit, bytes) else str(unit)
    values = np.asarray(data[:], np.float64) * scale + offset
    if "starting_time" in group:
        start = group["starting_time"]
        return Signal(values, unit, 1000.0 / float(start.attrs["rate"]), 1000.0 * float(start[()]))
    step, first = even(np.asarray(group["timestamps"][:], np.float64) * 1000.0, f"{where}, {group.name}")
    return Signal(values, unit, step, first)


# -- Neo -----------------------------------------------------------------------------------------------


def of_neo(source: Any, where: str) -> list[Sweep]:
    """Sweeps of a Neo block, of segments, or of signals with units, a sampling period and a start."""
    if isinstance(source, Path):
        return _of_file(source, where)
    segments = getattr(source, "segments", None)
    if segments is None:
        segments = source if isinstance(source, list | tuple) else [source]
    return [_of_segment(segment, k, where) for k, segment in enumerate(segments)]


def _of_file(path: Path, where: str) -> list[Sweep]:
    try:
        import neo
    except ImportError as cause:
        mend = "Install it: pip install 'sneuron[neo]'."
        what = f"files {path.suffix} are read by Neo, which is not installed"
        raise errors.DataError(where, what, "a netCDF file, a Zarr folder or NWB (.nwb)", mend=mend) from cause
    try:
        reader = neo.io.get_io(str(path))
        sweeps = of_neo(reader.read_block(), where)
        if any(sweep.current is None for sweep in sweeps) and hasattr(reader, "read_protocol"):
            sweeps = _commanded(sweeps, reader.read_protocol(), where)
    except (OSError, ValueError, AssertionError) as cause:
        if isinstance(cause, errors.SneuronError):
            raise
        raise errors.DataError(where, f"Neo cannot read it: {cause}") from cause
    return sweeps


def _commanded(sweeps: list[Sweep], protocol: Any, where: str) -> list[Sweep]:
    """Sweeps with what the amplifier was told to inject; Neo gives zeros for protocols that it does not know."""
    found = []
    for segment in protocol or ():
        signals = [_neo_signal(signal, where) for signal in segment.analogsignals]
        found.append(next((signal for signal in signals if _measures(signal, "pA")), None))
    if len(found) != len(sweeps) or not any(one is not None and one.values.any() for one in found):
        return sweeps
    return [sweep._replace(current=one) for sweep, one in zip(sweeps, found, strict=True)]


def _of_segment(segment: Any, place: int, where: str) -> Sweep:
    """The voltage and the current among the signals of a segment; a signal alone is a voltage."""
    signals = [_neo_signal(signal, where) for signal in getattr(segment, "analogsignals", [segment])]
    found = {}
    for what, unit in (("voltage", "mV"), ("current", "pA")):
        those = [signal for signal in signals if _measures(signal, unit)]
        if len(those) > 1 or (what == "voltage" and not those):
            units = ", ".join(signal.unit for signal in signals)
            mend = "Give segments with one signal of each kind."
            raise errors.DataError(where, f"segment {place} holds {len(those)} signals of {what}", units, mend=mend)
        found[what] = those[0] if those else None
    voltage = found["voltage"]
    assert voltage is not None
    return Sweep(place, voltage, found["current"])


def _measures(signal: Signal, unit: str) -> bool:
    try:
        labels.convert(1.0, signal.unit, unit, "")
    except errors.UnitError:
        return False
    return True


def _neo_signal(signal: Any, where: str) -> Signal:
    """One signal: its numbers, and its unit, period and start as quantities."""
    missing = [n for n in ("magnitude", "dimensionality", "sampling_period", "t_start") if not hasattr(signal, n)]
    if missing:
        what = f"a {type(signal).__name__} has no {missing[0]}"
        possible = "a path, a Dataset or DataArray, or a Neo block, segment or AnalogSignal"
        raise errors.DataError(where, what, possible)
    values = np.asarray(signal.magnitude, np.float64)
    if values.ndim == 2 and values.shape[1] > 1:
        mend = "Split it: [signal[:, k] for k in ...]."
        raise errors.DataError(where, f"a signal holds {values.shape[1]} channels", "one", mend=mend)
    step, start = (_milliseconds(getattr(signal, name)) for name in ("sampling_period", "t_start"))
    return Signal(values.reshape(-1), str(signal.dimensionality.string), step, start)


def _milliseconds(quantity: Any) -> float:
    factor = labels.convert(1.0, str(quantity.dimensionality.string), "ms", "Neo")
    return float(np.asarray(quantity.magnitude)) * float(factor)


def even(time: Array, where: str) -> tuple[float, float]:
    """Step and first of times in ms, which must ascend in even steps."""
    steps = np.diff(time)
    if time.size < 2 or not np.isfinite(time).all() or steps.min() <= 0 or np.ptp(steps) > 1e-3 * steps.mean():
        raise errors.DataError(where, "time does not ascend in even steps", mend="Resample the recording first.")
    return float((time[-1] - time[0]) / (time.size - 1)), float(time[0])
