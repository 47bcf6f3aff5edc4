"""The recording that ships, and the script that made it."""

import importlib.util
import struct
from pathlib import Path

import numpy as np
import pytest
import xarray as xr

DATA = Path(__file__).parents[2] / "workflows" / "data"
SPIKES = [26, 50, 68, 82, 89]
"""Counted on the recording by upward crossings of -20, -10 and 0 mV alike, and by eye on the plot."""


@pytest.fixture(scope="module")
def convert():
    spec = importlib.util.spec_from_file_location("convert", DATA / "convert.py")
    module = importlib.util.module_from_spec(spec)
    import sys

    sys.modules["convert"] = module
    spec.loader.exec_module(module)
    yield module
    del sys.modules["convert"]


@pytest.fixture
def recording():
    with xr.open_dataset(DATA / "cortex_B6.nc", engine="scipy") as file:
        yield file.load()


def wave(samples: np.ndarray, unit: bytes, order: str = "<") -> bytes:
    """An Igor binary wave, version 5, laid out as Igor Technical Note 003 says."""
    raw = bytearray(384)
    struct.pack_into(order + "h", raw, 0, 5)
    struct.pack_into(order + "ii", raw, 8, 0, len(b"A:1;"))
    struct.pack_into(order + "ih", raw, 76, samples.size, 2)
    struct.pack_into(order + "4i", raw, 132, samples.size, 0, 0, 0)
    struct.pack_into(order + "d", raw, 148, 2.5e-4)
    raw[212 : 212 + len(unit)] = unit
    total = int(np.frombuffer(bytes(raw), order + "i2").sum(dtype=np.int64))
    struct.pack_into(order + "h", raw, 2, (-total + 0x8000) % 0x10000 - 0x8000)
    return bytes(raw) + samples.astype(order + "f4").tobytes() + b"A:1;"


@pytest.mark.parametrize("order", ["<", ">"])
def test_reader_returns_what_was_written(convert, order):
    samples = np.array([-70.25, 0.5, 19.0], np.float32)
    read = convert.read_wave(wave(samples, b"mV", order))
    assert read.samples.tolist() == samples.tolist()
    assert (read.unit, read.step, read.note) == ("mV", 2.5e-4, "A:1;")


def test_reader_refuses_a_damaged_header(convert):
    raw = bytearray(wave(np.zeros(3), b"mV"))
    raw[150] ^= 1
    with pytest.raises(ValueError, match="damaged"):
        convert.read_wave(bytes(raw))


def test_channels_are_told_apart_by_samples_and_units(convert, recording):
    waves = {
        name: {i: convert.Wave(recording[var].values[i], unit, 2.5e-4, "") for i in range(5)}
        for name, var, unit in (("x", "voltage", "mV"), ("y", "current", "pA"))
    }
    assert convert.tell_apart(waves, 2800, 10800) == ("y", "x")
    swapped = {"x": waves["y"], "y": {i: convert.Wave(w.samples, "pA", w.step, "") for i, w in waves["x"].items()}}
    with pytest.raises(ValueError, match="cannot be told"):
        convert.tell_apart(swapped, 2800, 10800)


def test_codes_are_lossless_or_refused(convert):
    codes, step = convert.codes(np.array([-3.0, 0.0, 1.5, 4.5]))
    assert (codes * step).tolist() == [-3.0, 0.0, 1.5, 4.5]
    with pytest.raises(ValueError, match="16-bit"):
        convert.codes(np.array([0.0, 1.0, 2.5]))


def test_recording_is_labelled_and_says_where_it_comes_from(recording):
    assert dict(recording.sizes) == {"sweep": 5, "time": 12000}
    assert (recording.current.units, recording.voltage.units, recording.time.units) == ("pA", "mV", "ms")
    assert float(recording.time[1] - recording.time[0]) == 0.25
    assert "BSD" in recording.licence
    assert "bluepyefe-2.3.63" in recording.origin


def test_recording_holds_the_steps_and_spikes_that_its_readme_states(recording):
    v = recording.voltage.values
    assert ((v[:, 1:] >= 0) & (v[:, :-1] < 0)).sum(axis=1).tolist() == SPIKES
    plateau = recording.current.sel(time=slice(720, 2680)).mean("time").values
    np.testing.assert_allclose(plateau, [105, 164, 225, 283, 341], atol=1)
    np.testing.assert_allclose(recording.current.sel(time=slice(0, 690)).mean().item(), -12.6, atol=0.2)
