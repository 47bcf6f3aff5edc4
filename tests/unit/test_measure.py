"""How spike trains are read: every layout, every bad one."""

import dask
import dask.array as da
import numpy as np
import pytest
import xarray as xr

from sneuron.analysis.coincidence import Coincidence
from sneuron.analysis.counts import CountError, Latency, LatencyError, SpikeCount
from sneuron.analysis.intervals import ISIComp
from sneuron.analysis.rates import FireRate
from sneuron.analysis.spikes import read_trains
from sneuron.errors import DataError, ParameterError, TimeError, UnitError, UnknownNameError

NAN = np.nan
PADDED = np.array([[10.0, 30.0, 70.0], [20.0, NAN, NAN], [NAN, NAN, NAN]])
COUNTS = [3.0, 1.0, 0.0]


def labelled(values=PADDED, **attrs):
    values = np.asarray(values)
    dims = ("point", "neuron", "spike")[-values.ndim :]
    return xr.DataArray(values, dims=dims, attrs={"t_start": 0.0, "t_stop": 100.0, **attrs})


def events(**more):
    return xr.Dataset(
        {"event_time": ("event", [10.0, 20.0, 30.0, 70.0, NAN]), "event_neuron": ("event", [0, 1, 0, 0, -1])},
        coords={"neuron": ["a", "b", "c"]},
        attrs={"t_start": 0.0, "t_stop": 100.0, **more},
    )


def raster():
    grid = np.zeros((3, 10), bool)
    grid[0, [1, 3, 7]] = grid[1, 2] = True
    return xr.DataArray(grid, dims=("neuron", "time"), coords={"time": np.arange(10) * 10.0})


LAYOUTS = {
    "padded": labelled,
    "spike dim first": lambda: labelled().transpose(),
    "run": lambda: xr.Dataset({"spike_time": labelled(), "spike_count": ("neuron", [3, 1, 0]), "v": 1.0}),
    "events": events,
    "raster": raster,
    "ragged list": lambda: [[10.0, 30.0, 70.0], [20.0], []],
    "list of arrays": lambda: [np.array([10, 30, 70]), np.array([20.0]), []],
    "ndarray": lambda: PADDED,
    "dask array": lambda: da.from_array(PADDED, chunks=2),
    "lazy": lambda: labelled().chunk(spike=1),
    "lazy raster": lambda: raster().chunk(time=3, neuron=1),
    "lazy events": lambda: events().chunk(event=2),
}


@pytest.mark.parametrize("layout", LAYOUTS)
def test_every_layout_says_the_same(layout):
    spikes = LAYOUTS[layout]()
    np.testing.assert_array_equal(SpikeCount(spikes), COUNTS)
    np.testing.assert_array_equal(FireRate(spikes, t_stop=100.0), [30.0, 10.0, 0.0])
    np.testing.assert_array_equal(ISIComp(spikes).isi_mean, [30.0, NAN, NAN])
    np.testing.assert_array_equal(Latency(spikes, t_start=15.0), [15.0, 5.0, NAN])


def test_plain_in_plain_out_and_labels_in_labels_out():
    assert isinstance(FireRate([10.0, 20.0], t_stop=100.0), float)
    assert isinstance(FireRate(PADDED, t_stop=100.0), np.ndarray)
    rate = FireRate(events())
    assert rate.dims == ("neuron",)
    assert list(rate.neuron.values) == ["a", "b", "c"]
    assert rate.attrs == {"units": "Hz", "long_name": "firing rate", "t_start": 0.0, "t_stop": 100.0}
    assert ISIComp(PADDED).cv.dims == ("train",)


def test_failed_points_are_nan_in_every_layout():
    status = xr.DataArray(np.array([1, 2, 1], np.uint8), dims="neuron")
    run = xr.Dataset({"spike_time": labelled(), "status": status})
    np.testing.assert_array_equal(SpikeCount(run), [3, NAN, 0])
    np.testing.assert_array_equal(SpikeCount(raster().assign_coords(status=status)), [3, NAN, 0])
    np.testing.assert_array_equal(SpikeCount(events().assign(status=2)), [NAN, NAN, NAN])
    carried = FireRate(run.assign_coords(status=status))
    np.testing.assert_array_equal(carried.status, status)
    assert np.isnan(FireRate(run, dims="neuron"))


def test_spikes_of_failed_points_are_not_even_checked():
    wild = labelled([[10.0, 5.0], [1.0, 2.0]]).assign_coords(status=("neuron", np.array([2, 1], np.uint8)))
    np.testing.assert_array_equal(SpikeCount(wild), [NAN, 2])


def test_a_train_that_lost_spikes_is_not_a_train():
    run = xr.Dataset({"spike_time": labelled(), "spike_count": ("neuron", [9, 1, 0])})
    np.testing.assert_array_equal(SpikeCount(run), [NAN, 1, 0])


def test_windows_are_taken_from_data_or_argument():
    spikes = labelled()
    assert FireRate(spikes, t_start=20.0, t_stop=70.0)[0] == pytest.approx(40.0)
    assert FireRate(spikes, t_stop="0.05 s")[0] == pytest.approx(40.0)
    assert FireRate([[-5.0, 5.0]], t_start=-10, t_stop=10)[0] == pytest.approx(100.0)
    with pytest.raises(TimeError, match="Give t_stop in ms"):
        FireRate(PADDED)
    with pytest.raises(TimeError, match=r"t_stop 200 ms lies outside the recording.*up to 100 ms"):
        FireRate(spikes, t_stop=200.0)
    with pytest.raises(TimeError, match="not before"):
        FireRate(spikes, t_start=50.0, t_stop=50.0)
    with pytest.raises(ParameterError, match="not a number"):
        FireRate(spikes, t_stop=spikes)


def test_units_are_converted_at_the_border():
    seconds = labelled(PADDED / 1000, units="s")
    np.testing.assert_array_equal(SpikeCount(seconds, t_stop=25.0), [1, 1, 0])
    with pytest.raises(UnitError, match="'mV' does not convert"):
        SpikeCount(labelled(units="mV"))


# the catalogue of bad spikes, by its numbers


def test_43_times_out_of_order():
    spikes = labelled([[10.0, 30.0, 20.0], [5.0, NAN, NAN]])
    with pytest.raises(DataError, match=r"FireRate: spike 2 of train \(0,\) at 20 ms comes before.*sort=True"):
        FireRate(spikes)
    with pytest.raises(DataError, match=r"spike 1 at 5 ms"):
        ISIComp([10.0, 5.0])
    np.testing.assert_array_equal(ISIComp(spikes, sort=True).isi_mean, [10.0, NAN])


def test_43_lazy_times_out_of_order_are_found_when_they_are_read():
    lazy = FireRate(labelled([[10.0, 30.0, 20.0]]).chunk(neuron=1))
    with pytest.raises(DataError, match=r"spike 2 of train \(0,\) of its chunk"):
        lazy.compute(scheduler="synchronous")


def test_44_duplicate_times_are_intervals_of_zero():
    isi = ISIComp([10.0, 10.0, 20.0, 20.0, 20.0])
    assert isi.isi_min == 0
    assert isi.cv2 == pytest.approx((2 + 2 + 0) / 3)
    assert FireRate([10.0, 10.0], t_stop=100.0) == 20.0


@pytest.mark.parametrize(
    ("time", "words"), [(-1.0, "before the recording, which begins at 0 ms"), (101.0, "ends at 100 ms")]
)
def test_45_times_outside_the_recording(time, words):
    with pytest.raises(DataError, match=words):
        SpikeCount(labelled([[time]]))


def test_45_negative_times_without_a_stated_start():
    with pytest.raises(DataError, match="at -3 ms is before the recording"):
        ISIComp([-3.0, 5.0])


@pytest.mark.parametrize(
    ("values", "words"),
    [
        ([[1.0, 2.0], [NAN, 5.0]], r"NaN before spike 1 of train \(1,\)"),
        ([NAN, 5.0], "NaN before spike 1"),
        ([1.0, np.inf], "not finite"),
    ],
)
def test_46_holes(values, words):
    with pytest.raises(DataError, match=words):
        SpikeCount(values)


def test_47_seconds_are_suspected():
    spikes = labelled(np.arange(1, 10)[None] * 0.2, t_stop=2000.0)
    with pytest.warns(UserWarning, match="look like seconds"):
        FireRate(spikes)


def test_47_a_burst_at_onset_is_not():
    FireRate(labelled([[0.5, 1.9, 3.3]], t_stop=10_000.0))


def test_48_object_arrays():
    ragged = np.empty(2, object)
    ragged[:] = [[1.0, 2.0], [3.0]]
    with pytest.raises(DataError, match="dtype object"):
        SpikeCount(ragged)
    with pytest.raises(DataError, match="dtype object"):
        SpikeCount(xr.DataArray(ragged, dims="spike"))
    with pytest.raises(DataError, match="something else than lists"):
        SpikeCount([[1.0], ["a"]])
    with pytest.raises(DataError, match=r"spikes.* is a str"):
        SpikeCount("12")


@pytest.mark.parametrize(
    "spikes",
    [
        xr.DataArray(PADDED, dims=("neuron", "time")),
        xr.DataArray(PADDED, dims=("time", "neuron")),
        xr.Dataset({"v": labelled()}),
        xr.DataArray(PADDED > 1, dims=("spike", "neuron")),
    ],
    ids=["time last", "time first", "dataset", "boolean"],
)
def test_49_wrong_dims(spikes):
    with pytest.raises(DataError, match=r"spike_time with dims \(\.\.\., spike\)"):
        FireRate(spikes, t_stop=100.0)


@pytest.mark.parametrize("spikes", [[], [5.0]], ids=["no spike", "one spike"])
def test_50_too_few_spikes(spikes):
    isi = ISIComp(spikes, lags=2, bins=3)
    assert FireRate(spikes, t_stop=1000.0) == len(spikes)
    assert isi.isi_count == 0
    assert isi.histogram.sum() == 0
    undefined = isi.drop_vars(["isi_count", "histogram"])
    assert all(np.isnan(variable.values).all() for variable in undefined.values())


@pytest.mark.parametrize(
    "change",
    [
        lambda a: np.asfortranarray(a),
        lambda a: a.astype(">f8"),
        lambda a: np.repeat(a, 2, axis=1)[:, ::2],
        lambda a: locked(a.copy()),
    ],
    ids=["fortran", "big-endian", "strided", "read-only"],
)
@pytest.mark.parametrize("wrap", [lambda a: a, labelled], ids=["plain", "labelled"])
def test_51_memory_layout_changes_no_bit(change, wrap):
    times = np.sort(np.random.default_rng(0).uniform(0, 100, (5, 20)), -1)
    for one, other in zip(ISIComp(wrap(times)).values(), ISIComp(wrap(change(times))).values(), strict=True):
        np.testing.assert_array_equal(one.values.view(np.uint64), other.values.view(np.uint64))


def locked(array):
    array.flags.writeable = False
    return array


def test_52_narrow_integers_are_widened():
    times = np.array([[10, 120], [5, 125]], np.int8)
    np.testing.assert_array_equal(ISIComp(times).isi_mean, [110.0, 120.0])
    np.testing.assert_array_equal(
        SpikeCount(xr.DataArray(times, dims=("neuron", "spike"), attrs={"units": "s"})), [2, 2]
    )


def test_53_unknown_chunk_sizes():
    unknown = da.from_array(np.arange(1.0, 9.0), chunks=4)
    with pytest.raises(DataError, match=r"dim 'spike' are unknown.*compute_chunk_sizes"):
        SpikeCount(xr.DataArray(unknown[unknown > 2], dims="spike"))


@pytest.mark.parametrize("dtype", [complex, "datetime64[ms]", "U3"])
def test_only_real_numbers(dtype):
    with pytest.raises(DataError, match="real numbers"):
        SpikeCount(np.array([1, 2]).astype(dtype))


def test_masked_arrays():
    with pytest.raises(DataError, match="Fill it with NaN"):
        SpikeCount(np.ma.masked_greater(PADDED, 50))


def test_event_lists_must_be_whole():
    with pytest.raises(DataError, match="coordinate 'neuron'"):
        SpikeCount(events().drop_vars("neuron"))
    with pytest.raises(DataError, match="lacks event_neuron"):
        SpikeCount(events().drop_vars("event_neuron"))
    with pytest.raises(DataError, match="7 is not a neuron"):
        SpikeCount(events().assign(event_neuron=("event", [0, 7, 0, 0, 0])))
    with pytest.raises(DataError, match="integers"):
        SpikeCount(events().assign(event_neuron=("event", [0.5, 1, 0, 0, 0])))
    with pytest.raises(DataError, match="for both"):
        SpikeCount(events().assign(event_neuron=1))


def test_rasters_need_a_time_that_increases():
    with pytest.raises(DataError, match="no time coordinate"):
        SpikeCount(raster().drop_vars("time"))
    with pytest.raises(DataError, match="does not increase"):
        SpikeCount(raster().isel(time=slice(None, None, -1)))


def test_pooled_dims_must_be_there():
    with pytest.raises(UnknownNameError, match="Did you mean 'neuron'"):
        FireRate(labelled(), dims="neurons")
    with pytest.raises(DataError, match="of an event list"):
        FireRate(events(), dims="trial")


def test_a_reference_is_matched_by_name():
    spikes = labelled(np.stack([PADDED, PADDED]))
    reference = xr.DataArray([[10.0], [NAN], [5.0]], dims=("neuron", "spike_ref"))
    assert CountError(spikes, reference).dims == ("point", "neuron")
    np.testing.assert_array_equal(CountError(spikes, reference)[1], [2, 1, -1])
    np.testing.assert_array_equal(LatencyError(spikes, reference)[0], [0, NAN, NAN])
    other = xr.DataArray([[10.0], [NAN]], dims=("neuron", "spike_ref"))
    with pytest.raises(DataError, match="do not fit together"):
        CountError(spikes.assign_coords(neuron=[1, 2, 3]), other.assign_coords(neuron=[1, 2]))
    with pytest.raises(DataError, match="do not fit together"):
        CountError(spikes, other)
    with pytest.raises(TimeError, match="outside the recording"):
        Coincidence(spikes, reference.assign_attrs(t_stop=50.0))


def test_read_trains_gives_labels():
    trains, numbers = read_trains(events(), t_start=15.0)
    assert trains.times.tolist() == [30.0, 70.0, 20.0]
    assert list(numbers.neuron.values) == ["a", "b", "c"]
    with dask.config.set(scheduler="synchronous"):
        trains, numbers = read_trains(labelled().transpose().chunk(spike=1))
    assert numbers.dims == ("neuron",)
    assert trains.count.tolist() == [3, 1, 0]
