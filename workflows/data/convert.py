"""Convert the five current steps of neuron B6 from BluePyEfe's test data into one small labelled file.

    pip download --no-deps --no-binary :all: bluepyefe==2.3.63
    python workflows/data/convert.py bluepyefe-2.3.63.tar.gz

writes `workflows/data/cortex_B6.nc`: netCDF 3, dims (sweep, time), `current` in pA and `voltage` in mV, held as the
integer codes of the amplifier's converter with a scale factor, so that nothing is lost.
"""

from __future__ import annotations

import hashlib
import re
import struct
import sys
import tarfile
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import xarray as xr

MEMBER = re.compile(r".*/tests/exp_data/B6/B6_(?P<channel>Ch\d)_IDRest_(?P<sweep>\d+)\.ibw\Z")
WAVE_AT, DATA_AT = 64, 384
"""Offsets in an Igor binary wave, version 5: the wave header follows 64 bytes of file header and is 320 bytes long."""


@dataclass(frozen=True)
class Wave:
    """One Igor binary wave: samples, their unit, the step of the time axis in seconds, and the note."""

    samples: np.ndarray[Any, np.dtype[np.float64]]
    unit: str
    step: float
    note: str


def read_wave(raw: bytes) -> Wave:
    """Read an Igor binary wave, version 5, of 32-bit floats in one dimension (Igor Technical Note 003)."""
    order = "<" if raw[0] else ">"
    version, checksum_of_headers = struct.unpack(order + "h", raw[:2])[0], header_sum(raw, order)
    if version != 5 or checksum_of_headers != 0:
        raise ValueError(
            f"not an Igor binary wave of version 5, or damaged: version {version}, sum {checksum_of_headers}"
        )
    formula, note = struct.unpack_from(order + "ii", raw, 8)
    points, kind = struct.unpack_from(order + "ih", raw, WAVE_AT + 12)
    extent = struct.unpack_from(order + "4i", raw, WAVE_AT + 68)
    if kind != 2 or extent[1] != 0:
        raise ValueError(f"expected 32-bit floats in one dimension, found type {kind} with dims {extent}")
    step = struct.unpack_from(order + "d", raw, WAVE_AT + 84)[0]
    unit = raw[WAVE_AT + 148 : WAVE_AT + 152].rstrip(b"\0").decode("ascii")
    end = DATA_AT + 4 * points
    samples = np.frombuffer(raw[DATA_AT:end], dtype=order + "f4").astype(np.float64)
    return Wave(samples, unit, step, raw[end + formula : end + formula + note].decode("latin-1"))


def header_sum(raw: bytes, order: str) -> int:
    """Sum of the two headers as 16-bit integers; 0 when they are whole."""
    return int(np.frombuffer(raw[:DATA_AT], dtype=order + "i2").sum(dtype=np.int64)) & 0xFFFF


def read_archive(path: Path) -> tuple[dict[str, dict[int, Wave]], dict[str, str]]:
    """All waves of the neuron by channel and sweep, and the sha256 of each file."""
    waves: dict[str, dict[int, Wave]] = {}
    sums: dict[str, str] = {}
    with tarfile.open(path) as archive:
        for member in archive.getmembers():
            found = MEMBER.match(member.name)
            stream = archive.extractfile(member) if found else None
            if found and stream:
                raw = stream.read()
                waves.setdefault(found["channel"], {})[int(found["sweep"])] = read_wave(raw)
                sums[Path(member.name).name] = hashlib.sha256(raw).hexdigest()
    return waves, sums


def looks_like_current(wave: Wave, start: int, stop: int) -> bool:
    """Tell the driving current from the voltage by the samples alone.

    The current is a rectangle: it reaches its plateau within two samples of the step's start, stays on it (its spread
    there is a small part of the step), and returns within two samples of the end. The voltage does none of these: the
    membrane charges slowly, and spikes make its spread larger than its step.
    """
    base, plateau = wave.samples[: start - 4], wave.samples[start + 4 : stop - 4]
    height = plateau.mean() - base.mean()
    half = base.mean() + height / 2
    edges = np.flatnonzero(np.diff(wave.samples > half)) + 1
    sharp = edges.size == 2 and abs(edges[0] - start) <= 2 and abs(edges[1] - stop) <= 2
    return bool(sharp and plateau.std() < 0.2 * height)


def looks_like_voltage(wave: Wave, start: int, stop: int) -> bool:
    """A resting membrane that spikes during the step only: upstrokes of more than 20 mV within 1 ms, all inside it."""
    rise = wave.samples[4:] - wave.samples[:-4]
    fast = np.flatnonzero(rise > 20.0)
    rest = wave.samples[: start - 4]
    return bool(fast.size and fast.min() >= start and fast.max() <= stop and -90 < rest.mean() < -50 and rest.std() < 5)


def tell_apart(waves: dict[str, dict[int, Wave]], start: int, stop: int) -> tuple[str, str]:
    """Names of the current and of the voltage channel: samples and header units must agree on every sweep."""
    verdict = {}
    for channel, sweeps in waves.items():
        current = all(looks_like_current(w, start, stop) and w.unit == "pA" for w in sweeps.values())
        voltage = all(looks_like_voltage(w, start, stop) and w.unit == "mV" for w in sweeps.values())
        if current == voltage:
            raise ValueError(f"{channel} cannot be told: current {current}, voltage {voltage}")
        verdict["current" if current else "voltage"] = channel
    return verdict["current"], verdict["voltage"]


def protocol(note: str) -> tuple[float, float]:
    """Start and stop of the step in ms, from the note's pulse durations (P0DUR1 and P0DUR2 precede P0DUR3)."""
    fields = dict(part.split(":", 1) for part in note.split(";") if ":" in part)
    first, second, third = (float(fields[f"P0DUR{n}"]) for n in (1, 2, 3))
    return first + second, first + second + third


def codes(values: np.ndarray[Any, Any]) -> tuple[np.ndarray[Any, np.dtype[np.int16]], float]:
    """Integer codes and step of a quantised signal; refuses when float32 rounding does not explain the residue."""
    smallest = np.diff(np.unique(values)).min()
    rough = np.round(values / smallest)
    step = float((values * rough).sum() / (rough * rough).sum())
    whole = np.round(values / step)
    if np.abs(values - whole * step).max() > 1e-3 * step or np.abs(whole).max() > 32767:
        raise ValueError("the samples are not the codes of a 16-bit converter")
    return whole.astype(np.int16), step


def variable(sweeps: dict[int, Wave], unit: str, long_name: str, channel: str) -> xr.Variable:
    """The sweeps of one channel as a CF-packed variable."""
    whole, step = codes(np.stack([sweeps[s].samples for s in sorted(sweeps)]))
    attrs = {"units": unit, "long_name": long_name, "channel": channel, "scale_factor": step}
    return xr.Variable(("sweep", "time"), whole, attrs)


def convert(archive: Path) -> xr.Dataset:
    """The recording as a dataset of packed integers, ready to be written."""
    waves, sums = read_archive(archive)
    first = next(iter(next(iter(waves.values())).values()))
    start, stop = protocol(first.note)
    dt = round(first.step * 1000, 9)
    current, voltage = tell_apart(waves, round(start / dt), round(stop / dt))
    sweeps = sorted(waves[current])
    time = np.arange(first.samples.size) * dt
    return xr.Dataset(
        {
            "current": variable(waves[current], "pA", "current measured at the electrode", current),
            "voltage": variable(waves[voltage], "mV", "membrane potential", voltage),
        },
        {
            "sweep": (
                "sweep",
                np.array(sweeps, dtype=np.int32),
                {"long_name": "number of the sweep in the experiment"},
            ),
            "time": ("time", time, {"units": "ms", "long_name": "time"}),
        },
        {
            "title": "Cortical neuron B6: five current steps (IDRest)",
            "origin": f"{archive.name} of the Python package index, tests/exp_data/B6/*.ibw",
            "licence": "BSD-3-Clause; see LICENSE-BluePyEfe beside this file",
            "copyright": "Copyright (C) 2005-2024, Blue Brain Project/EPFL",
            "recorded": dict(p.split(":", 1) for p in first.note.split(";") if ":" in p)["TIME"],
            "channels": (
                f"{current} is the current: rectangle from {start:g} to {stop:g} ms on every sweep, unit pA. "
                f"{voltage} is the voltage: rises > 20 mV in 1 ms inside the step only, rest near -70 mV, unit mV."
            ),
            "step_start": start,
            "step_stop": stop,
            "liquid_junction_potential": "not corrected (BluePyEfe's own tests assume 14 mV)",
            "sha256": " ".join(f"{name}={digest}" for name, digest in sorted(sums.items())),
        },
    )


if __name__ == "__main__":
    target = Path(__file__).with_name("cortex_B6.nc")
    convert(Path(sys.argv[1])).to_netcdf(target, engine="scipy", format="NETCDF3_CLASSIC")
    print(f"{target.name}: {target.stat().st_size} bytes")
