"""Recordings from labelled arrays, NWB and Neo: units, sweeps, pairs; what does not fit is refused.

h5py and Neo are optional: small stand-ins with their names serve here, and the libraries themselves where installed.
"""

import sys
from types import ModuleType, SimpleNamespace

import numpy as np
import pytest
import xarray as xr

from sneuron.errors import DataError, ParameterError, UnitError, UnknownNameError
from sneuron.explore.recorded import open_recording
from sneuron.store.recordings import read_recording

VOLTS = np.array([[-0.07, -0.069, 0.03, -0.071], [-0.07, -0.068, -0.067, -0.066]])
AMPS = np.array([[0.0, 1e-10, 1e-10, 0.0], [0.0, 2e-10, 2e-10, 0.0]])


def check(found):
    """What every source of these tests gives."""
    assert found.v.dims == found.current.dims == ("sweep", "time")
    np.testing.assert_allclose(found.v, VOLTS * 1e3, rtol=1e-12)
    np.testing.assert_allclose(found.current, AMPS * 1e12, rtol=1e-12)
    np.testing.assert_allclose(found.time, [0.0, 0.1, 0.2, 0.3], atol=1e-12)
    assert (found.v.units, found.current.units, found.time.units) == ("mV", "pA", "ms")


# -- labelled arrays -----------------------------------------------------------------------------------


def labelled(v=VOLTS, i=AMPS, unit="V", names=("v", "current"), step=1e-4):
    time = ("time", np.arange(v.shape[-1]) * step, {"units": "s"})
    dims = ("sweep", "time")
    made = {names[0]: (dims, v, {"units": unit}), names[1]: (dims, i, {"units": "A"})}
    return xr.Dataset(made, coords={"time": time, "sweep": [4, 7]})


def test_datasets_arrays_and_files(tmp_path):
    check(read_recording(labelled()))
    check(read_recording(labelled(names=("voltage", "i"))))
    check(read_recording(labelled(names=("Vm_soma", "cmd")), voltage="Vm_soma", current="cmd"))
    check(read_recording(labelled().v, current=labelled().current))
    assert set(read_recording(labelled().v).data_vars) == {"v"}
    assert set(read_recording(labelled().drop_vars("current")).data_vars) == {"v"}
    labelled().to_netcdf(tmp_path / "cell.nc", engine="scipy")
    found = read_recording(tmp_path / "cell.nc", sweeps=[7])
    assert found.sweep.values.tolist() == [7]
    np.testing.assert_allclose(found.v, VOLTS[1:] * 1e3)
    assert found.attrs["file"].endswith("cell.nc")
    check(read_recording(str(tmp_path / "cell.nc")))
    labelled().assign_coords(depth=("sweep", [1.0, 2.0])).to_netcdf(tmp_path / "gone.nc", engine="scipy")
    found = read_recording(tmp_path / "gone.nc")
    (tmp_path / "gone.nc").unlink()
    assert found.depth.values.tolist() == [1.0, 2.0]


def test_current_per_area_stays_per_area():
    density = labelled().assign(current=labelled().current.assign_attrs(units="uA/cm2"))
    assert read_recording(density).current.units == "uA/cm2"


def test_volts_that_pass_for_millivolts_are_asked_about():
    wrong = labelled(unit="mV")
    with pytest.raises(UnitError, match=r"between -0.071 and 0.03 mV: are these volts\? Say units='V'"):
        read_recording(wrong)
    check(read_recording(wrong, units="V"))
    np.testing.assert_array_equal(read_recording(wrong, units="mV").v, VOLTS)  # they say that they are sure
    with pytest.raises(UnitError, match="are these microvolts"):
        read_recording(labelled(VOLTS * 1e6, unit="mV"))
    unsaid = labelled(VOLTS * 1e3)
    del unsaid.v.attrs["units"]
    check(read_recording(unsaid))
    silent = read_recording(labelled(np.zeros((2, 4)), unit="mV"))
    assert not silent.v.any()


def test_amperes_that_pass_for_picoamperes_are_asked_about():
    wrong = labelled().assign(current=labelled().current.assign_attrs(units="pA"))
    with pytest.raises(UnitError, match="are these amperes"):
        read_recording(wrong)
    check(read_recording(wrong, current_units="A"))


@pytest.mark.parametrize(
    ("change", "kind", "said"),
    [
        (lambda d: d.assign(v=d.v.assign_attrs(units="pA")), UnitError, "does not convert"),
        (
            lambda d: d.assign(v=d.v.where(d.v < 0.01)),
            DataError,
            "1 values that are not numbers, the first at 0.2 ms",
        ),
        (lambda d: d.assign_coords(time=[0.0, 1.0, 2.0, 9.0]), DataError, "even steps"),
        (lambda d: d.assign_coords(time=np.arange(4) * np.timedelta64(100, "us")), DataError, "type timedelta64"),
        (lambda d: d.drop_vars("time"), DataError, "time coordinate"),
        (lambda d: d.isel(time=[0]), DataError, "two samples"),
        (lambda d: d.rename(v="potential"), DataError, "Say voltage="),
    ],
)
def test_what_is_wrong_with_labelled_arrays(change, kind, said):
    with pytest.raises(kind, match=said):
        read_recording(change(labelled()))


def test_arguments_that_do_not_fit():
    d = labelled()
    with pytest.raises(UnknownNameError, match="'current'"):
        read_recording(d, current="curent")
    with pytest.raises(DataError, match="4 samples, the current 3"):
        read_recording(d.v, current=d.current.isel(time=slice(3)))
    with pytest.raises(DataError, match="different times"):
        read_recording(d.v, current=d.current.assign_coords(time=d.time * 2))
    with pytest.raises(ParameterError, match="voltage has no meaning for a DataArray"):
        read_recording(d.v, voltage="v")
    with pytest.raises(ParameterError, match="electrode has no meaning"):
        read_recording(d, electrode="e0")
    with pytest.raises(UnknownNameError, match="sweep '5'"):
        read_recording(d, sweeps=[5])
    with pytest.raises(DataError, match="no sweeps"):
        read_recording(d.isel(sweep=0, drop=True), sweeps=[4])
    with pytest.raises(DataError, match="Neo block, segment or AnalogSignal"):
        read_recording(3.0)


# -- NWB -----------------------------------------------------------------------------------------------


STIMULUS = "CurrentClampStimulusSeries"


class Group(dict):
    """A group of h5py, as far as it is used: members by path, attributes, a name."""

    def __init__(self, members=(), name="", **attrs):
        super().__init__(members)
        self.attrs, self.name = attrs, name


class Data:
    """A dataset of h5py."""

    def __init__(self, values, **attrs):
        self.values, self.attrs = np.asarray(values), attrs

    def __getitem__(self, key):
        return self.values[key]

    @property
    def shape(self):
        return self.values.shape


def series(kind, values, unit, name, rate=10_000.0, scale=1e-3, electrode="e0", **attrs):
    members = {
        "data": Data(np.asarray(values) / scale, unit=unit, conversion=scale),
        "starting_time": Data(3.0, rate=rate),
        "electrode": Group(name=f"/general/intracellular_ephys/{electrode}"),
    }
    return Group(members, name, neurodata_type=kind, **attrs)


def nwb(monkeypatch, responses, stimuli, **more):
    """Has `read_recording` find a file with these groups."""
    file = Group({"acquisition": Group(responses), "stimulus/presentation": Group(stimuli), **more})
    module = ModuleType("h5py")

    class File:
        def __init__(self, path, mode):
            assert (str(path), mode) == ("cell.nwb", "r")

        def __enter__(self):
            return file

        def __exit__(self, *error):
            return None

    module.File = File
    monkeypatch.setitem(sys.modules, "h5py", module)


def sweeps_of(order=(0, 1), **attrs):
    """Responses and stimuli with names whose order says nothing, unless `order` is as it is."""
    responses = {f"v{k}": series("CurrentClampSeries", VOLTS[k], "volts", f"v{k}", **number(k, attrs)) for k in (0, 1)}
    stimuli = {
        f"i{place}": series(
            "CurrentClampStimulusSeries", AMPS[k], "amperes", f"i{place}", scale=1e-12, **number(k, attrs)
        )
        for place, k in enumerate(order)
    }
    return responses, stimuli


def number(k, attrs):
    return {"sweep_number": np.uint64(k + 10)} if attrs.get("numbered") else {}


def test_nwb_pairs_by_order(monkeypatch):
    nwb(monkeypatch, *sweeps_of())
    found = read_recording("cell.nwb")
    check(found)
    assert found.sweep_start.values.tolist() == [3000.0, 3000.0]


def test_nwb_pairs_by_sweep_number(monkeypatch):
    nwb(monkeypatch, *sweeps_of(order=(1, 0), numbered=True))
    found = read_recording("cell.nwb")
    check(found)
    assert found.sweep.values.tolist() == [10, 11]


TABLE = "general/intracellular_ephys/intracellular_recordings"


def tabled(responses, stimuli, count=4):
    """A table of recordings: v0 with i1, v1 with i0."""
    rows = {f"{TABLE}/responses/response": ["v0", "v1"], f"{TABLE}/stimuli/stimulus": ["i1", "i0"]}
    kind = [("idx_start", int), ("count", int), ("timeseries", "U8")]
    table = {path: Data(np.array([(0, count, n) for n in names], dtype=kind)) for path, names in rows.items()}
    return {**table, **responses, **stimuli}


def test_nwb_pairs_by_its_table(monkeypatch):
    responses, stimuli = sweeps_of(order=(1, 0))
    nwb(monkeypatch, responses, stimuli, **tabled(responses, stimuli))
    check(read_recording("cell.nwb"))
    nwb(monkeypatch, responses, stimuli, **tabled(responses, stimuli, count=3))
    with pytest.raises(DataError, match="takes a part of i1"):
        read_recording("cell.nwb")
    nwb(monkeypatch, responses, stimuli, **tabled(responses, stimuli, count=-1))
    assert "current" not in read_recording("cell.nwb")


def test_nwb_numbers_in_names_count_by_value(monkeypatch):
    many = {f"v{k}": series("CurrentClampSeries", VOLTS[0] + k * 1e-3, "volts", f"v{k}") for k in range(11)}
    nwb(monkeypatch, many, {})
    np.testing.assert_allclose(read_recording("cell.nwb").v[:, 0], -70 + np.arange(11))


def test_nwb_with_timestamps_and_without_stimulus(monkeypatch):
    responses, _ = sweeps_of()
    for group in responses.values():
        del group["starting_time"]
        group["timestamps"] = Data(5.0 + np.arange(4) * 1e-4)
        group.attrs["neurodata_type"] = b"IZeroClampSeries"
    nwb(monkeypatch, responses, {})
    found = read_recording("cell.nwb")
    assert set(found.data_vars) == {"v"}
    np.testing.assert_allclose(found.time, [0.0, 0.1, 0.2, 0.3], atol=1e-9)
    np.testing.assert_allclose(found.sweep_start, 5000.0)
    with pytest.raises(DataError, match="what current was injected"):
        open_recording("cell.nwb")


def test_a_study_opens_nwb_as_it_opens_netcdf(monkeypatch):
    nwb(monkeypatch, *sweeps_of())
    found = open_recording("cell.nwb", start="0.1 ms")
    np.testing.assert_allclose(found.voltage, VOLTS[:, 1:] * 1e3)
    with pytest.raises(ParameterError, match="voltage has no meaning for files of this kind"):
        open_recording("cell.nwb", voltage="Vm")


def test_nwb_with_several_cells_asks_which(monkeypatch):
    responses, _ = sweeps_of()
    responses["v1"]["electrode"].name = "/general/intracellular_ephys/e1"
    nwb(monkeypatch, responses, {})
    with pytest.raises(DataError, match=r"e0, e1. Say which: electrode='e0'"):
        read_recording("cell.nwb")
    np.testing.assert_allclose(read_recording("cell.nwb", electrode="e1").v, VOLTS[1:] * 1e3)
    with pytest.raises(UnknownNameError, match="electrode"):
        read_recording("cell.nwb", electrode="e2")


def test_nwb_that_does_not_fit(monkeypatch):
    responses, stimuli = sweeps_of()
    nwb(monkeypatch, responses, {"i0": stimuli["i0"]})
    with pytest.raises(DataError, match="2 responses and 1 stimuli"):
        read_recording("cell.nwb")
    short = {**stimuli, "i1": series(STIMULUS, AMPS[1, :3], "amperes", "i1")}
    nwb(monkeypatch, responses, short)
    with pytest.raises(DataError, match="sweep 1: the response has 4 samples, the stimulus 3"):
        read_recording("cell.nwb")
    slow = {**stimuli, "i1": series(STIMULUS, AMPS[1], "amperes", "i1", rate=5000.0)}
    nwb(monkeypatch, responses, slow)
    with pytest.raises(DataError, match=r"response and stimulus are sampled every 0.1 ms and every 0.2 ms"):
        read_recording("cell.nwb")
    ragged = {**responses, "v1": series("CurrentClampSeries", VOLTS[1, :3], "volts", "v1")}
    nwb(monkeypatch, ragged, {})
    with pytest.raises(DataError, match="sweeps have 3 to 4 samples"):
        read_recording("cell.nwb")
    nwb(monkeypatch, {}, {})
    with pytest.raises(DataError, match="no current-clamp sweep"):
        read_recording("cell.nwb")


def test_without_h5py_the_error_says_what_to_install(monkeypatch):
    monkeypatch.setitem(sys.modules, "h5py", None)
    with pytest.raises(DataError, match="sneuron\\[nwb\\]"):
        read_recording("cell.nwb")
    monkeypatch.setitem(sys.modules, "neo", None)
    with pytest.raises(DataError, match="sneuron\\[neo\\]"):
        read_recording("cell.abf")


def test_a_real_nwb_file(tmp_path):
    h5py = pytest.importorskip("h5py")
    with h5py.File(tmp_path / "cell.nwb", "w") as file:
        electrode = file.create_group("general/intracellular_ephys/e0")
        for k in (0, 1):
            for folder, kind, values, unit, scale in (
                (f"acquisition/v{k}", "CurrentClampSeries", VOLTS, "volts", 1e-3),
                (f"stimulus/presentation/i{1 - k}", STIMULUS, AMPS, "amperes", 1e-12),
            ):
                group = file.create_group(folder)
                group.attrs.update(neurodata_type=kind, sweep_number=np.uint64(k))
                data = group.create_dataset("data", data=values[k] / scale)
                data.attrs.update(unit=unit, conversion=scale)
                group.create_dataset("starting_time", data=1.5).attrs["rate"] = 10_000.0
                group["electrode"] = h5py.SoftLink(electrode.name)
    check(read_recording(tmp_path / "cell.nwb"))
    (tmp_path / "bad.nwb").write_bytes(b"not HDF5")
    with pytest.raises(DataError, match="cannot be read"):
        read_recording(tmp_path / "bad.nwb")


# -- Neo -----------------------------------------------------------------------------------------------


def quantity(value, unit):
    return SimpleNamespace(magnitude=np.asarray(value), dimensionality=SimpleNamespace(string=unit))


def signal(values, unit, period=1e-4):
    made = quantity(np.asarray(values).reshape(-1, 1), unit)
    made.sampling_period, made.t_start = quantity(period, "s"), quantity(2.0, "s")
    return made


def segment(k, **change):
    signals = [signal(AMPS[k] * 1e9, "nA"), signal(VOLTS[k], "V", **change)]
    return SimpleNamespace(analogsignals=signals)


def test_neo_blocks_segments_and_signals():
    block = SimpleNamespace(segments=[segment(0), segment(1)])
    check(read_recording(block))
    check(read_recording(block.segments))
    found = read_recording([signal(v * 1e3, "mV") for v in VOLTS])
    np.testing.assert_allclose(found.v, VOLTS * 1e3)
    assert "current" not in found
    assert found.sweep_start.values.tolist() == [2000.0, 2000.0]


def test_neo_that_does_not_fit():
    with pytest.raises(DataError, match="are sampled every"):
        read_recording([segment(0), segment(1, period=2e-4)])
    with pytest.raises(DataError, match="0 signals of voltage"):
        read_recording(signal(AMPS[0], "A"))
    with pytest.raises(DataError, match="2 signals of voltage"):
        read_recording(SimpleNamespace(analogsignals=[signal(VOLTS[0], "V"), signal(VOLTS[1], "V")]))
    wide = signal(VOLTS[0], "V")
    wide.magnitude = VOLTS.T
    with pytest.raises(DataError, match="2 channels"):
        read_recording(wide)
    with pytest.raises(DataError, match="1 of 2 sweeps have a current"):
        read_recording([segment(0), signal(VOLTS[1], "V")])
    with pytest.raises(DataError, match="no sweep"):
        read_recording([])


def test_axon_files_bring_the_command_of_the_amplifier(monkeypatch):
    silent = [SimpleNamespace(analogsignals=[signal(v, "V")]) for v in VOLTS]
    commands = [SimpleNamespace(analogsignals=[signal(i * 1e12, "pA")]) for i in AMPS]
    module = ModuleType("neo")
    reader = SimpleNamespace(read_block=lambda: SimpleNamespace(segments=silent), read_protocol=lambda: commands)
    module.io = SimpleNamespace(get_io=lambda path: reader)
    monkeypatch.setitem(sys.modules, "neo", module)
    check(read_recording("cell.abf"))
    for command in commands:  # Neo does not know the protocol
        command.analogsignals[0].magnitude[:] = 0
    assert "current" not in read_recording("cell.abf")


def test_real_neo_signals():
    neo, pq = pytest.importorskip("neo"), pytest.importorskip("quantities")
    block = neo.Block()
    for v, i in zip(VOLTS, AMPS, strict=True):
        one = neo.Segment()
        one.analogsignals.append(neo.AnalogSignal(v[:, None] * 1e3, units="mV", sampling_rate=10 * pq.kHz))
        one.analogsignals.append(neo.AnalogSignal(i[:, None] * 1e12, units="pA", sampling_rate=10 * pq.kHz))
        block.segments.append(one)
    check(read_recording(block))
