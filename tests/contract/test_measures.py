"""What every registered measure keeps: one numpy function serves all, lazily, the same bits, as declared."""

import json
import pickle
import warnings

import dask
import numpy as np
import pytest
import xarray as xr

from sneuron.analysis.features import FEATURES
from sneuron.analysis.flows import Currents
from sneuron.analysis.measure import Core, Output, measure, measures
from sneuron.analysis.spikes import SpikeTrains
from sneuron.analysis.stability import RateReader, SnapshotReader
from sneuron.analysis.traces import TraceReader

SHAPE = (4, 2)
LENGTH = 24
STOP = 1000.0
NAMES = list(FEATURES)
STEP = {"stim_start": 5.0, "stim_end": 15.0, "step": 0.5}

OPTIONS = {
    "FireRate": [
        {},
        {"window": 130.0},
        {"bandwidth": 20.0, "step": 50.0},
        {"bandwidth": 20.0, "times": [100.0, 400.0]},
        {"kernel": "alpha", "bandwidth": 30.0, "step": 25.0, "border": "renormalise"},
        {"kernel": "exponential", "bandwidth": 30.0, "step": 25.0},
        {"kernel": "rectangular", "bandwidth": 9.0, "step": 25.0},
        {"bandwidth": "optimal", "step": 50.0},
        {"bandwidth": "adaptive", "step": 50.0},
        {"t_start": 200.0, "t_stop": 700.0},
    ],
    "ISIComp": [{}, {"lags": 3, "bins": 5}, {"bins": [0.0, 10.0, 100.0], "skip": 2}],
    "NetState": [{}, {"bin": 5.0, "segment": 100.0, "t_start": 200.0, "t_stop": 700.0}],
    "FireClass": [{}, {"tolerance": 0.5}, {"t_start": 200.0, "t_stop": 700.0}],
    "VanRossum": [{}, {"tau": 250.0, "t_start": 200.0, "t_stop": 700.0}],
    "VictorPurpura": [{}, {"cost": 0.0}, {"cost": 3.0}],
    "TraceError": [{}, {"kind": "mse", "around": (1.0, 2.0), "threshold": -10.0, "t_start": 3.0, "t_stop": 20.0}],
    "Efeatures": [{"names": NAMES, **STEP}],
    "FeatureScore": [{"names": NAMES, "missing": 250.0, **STEP}],
    "Coincidence": [{}, {"matching": "nearest", "rate": "data", "delta": 6.0}],
    "PlastStable": [{}, {"low": 0.0, "high": 2.0, "interval": "1 s", "windows": 3}],
    "EnergyUse": [
        {},
        {"method": "electrical", "area": 700.0},
        {"baseline": "start", "budget": "howarth2012"},
        {"currents": ["na"], "overlap": 1.24, "capacitance": 1.0, "t_start": 3.0, "t_stop": 17.0},
    ],
}
CASES = [(name, options) for name in measures for options in OPTIONS.get(name, [{}])]


def label(case):
    name, options = case
    return name + "".join(f"-{k}={v}" for k, v in options.items() if v is not NAMES)


everything = pytest.mark.parametrize("case", CASES, ids=label)
PLAIN = [(n, o) for n, o in CASES if not any(isinstance(r, Currents | TraceReader) for r in measures[n].over.values())]


def trains(seed=0, dims=("point", "neuron", "spike")):
    rng = np.random.default_rng(seed)
    times = np.sort(rng.uniform(0, STOP, (*SHAPE, LENGTH)).round(2), -1)
    kept = rng.integers(0, LENGTH + 1, SHAPE)
    kept.flat[:3] = 0, 1, 2
    times[np.arange(LENGTH) >= kept[..., None]] = np.nan
    coords = {"point": np.arange(SHAPE[0]) * 10.0, "tag": ("neuron", list("abc")[: SHAPE[1]])}
    return xr.DataArray(times, dims=dims, coords=coords, attrs={"units": "ms", "t_start": 0.0, "t_stop": STOP})


def inputs(name, seed=0):
    """An array for each array argument of a measure."""
    given = {}
    for place, (argument, reader) in enumerate(measures[name].over.items()):
        if isinstance(reader, SpikeTrains):
            given[argument] = trains(seed + place)
        elif isinstance(reader, Currents):
            given[argument] = recorded(seed)
        elif isinstance(reader, TraceReader):
            given[argument] = voltage(seed + place)
        elif isinstance(reader, SnapshotReader):
            given[argument] = weights(seed)
        elif isinstance(reader, RateReader):
            continue  # may be left out; tests/unit/test_stability.py has it
        else:
            assert isinstance(reader, Core)
            many = {"feature": len(NAMES)}
            shape = (*SHAPE, *[many.get(dim, LENGTH) for dim in reader.dims])
            values = np.abs(np.random.default_rng(seed + place).normal(size=shape)) + 0.1
            given[argument] = xr.DataArray(values, dims=("point", "neuron", *reader.dims))
    return given


def weights(seed):
    """Weights over time, one without a synapse."""
    rng = np.random.default_rng(seed)
    values = rng.normal(1.0, 0.2, (*SHAPE, LENGTH, 10)) * np.geomspace(1, 3, LENGTH)[:, np.newaxis]
    values[..., 2] = np.nan
    coords = {"point": np.arange(SHAPE[0]) * 10.0, "tag": ("neuron", list("abc")[: SHAPE[1]])}
    return xr.DataArray(values, dims=("point", "neuron", "snapshot", "synapse"), coords=coords)


def voltage(seed):
    """Traces with spikes, some without."""
    rng = np.random.default_rng(seed)
    noise = rng.normal(-45.0, 25.0, (*SHAPE, LENGTH)) - 80.0 * (rng.uniform(size=SHAPE) < 0.3)[..., None]
    coords = {"point": np.arange(SHAPE[0]) * 10.0, "tag": ("neuron", list("abc")[: SHAPE[1]])}
    coords["time"] = ("time", np.arange(LENGTH) * 1.0, {"units": "ms"})
    return xr.DataArray(noise, dims=("point", "neuron", "time"), coords=coords, attrs={"units": "mV"})


def recorded(seed):
    """A run that holds the traces of all currents, and spikes."""
    rng = np.random.default_rng(seed)
    spikes = trains(seed).rename("spike_time")
    time = xr.DataArray(np.arange(LENGTH) * 1.0, dims="time", attrs={"units": "ms"})
    shown = {f"{kind}_{c}": unit for kind, unit in UNITS.items() for c in ("leak", "na", "k")}
    found = {"spike_time": spikes, "spike_count": spikes.notnull().sum("spike").astype(float)}
    for name, unit in shown.items():
        values = rng.uniform(1, 2, (*SHAPE, LENGTH)) - (90.0 if name == "e_k" else 0.0)
        found[name] = xr.DataArray(values, dims=("point", "neuron", "time"), attrs={"units": unit})
    return xr.Dataset(found, coords={"time": time}, attrs={"model": MODEL, "t_start": 0.0, "t_stop": STOP})


UNITS = {"i": "uA/cm2", "g": "mS/cm2", "e": "mV", "p": "nW/cm2"}
MODEL = json.dumps({
    "neuron": {"currents": {"leak": ""}, "channels": {c: {"channel": {"ion": c}} for c in ("na", "k")}}
})  # fmt: skip


def last(array):
    """The last dim of an array; none of a Dataset."""
    return array.dims[-1] if isinstance(array, xr.DataArray) else ""


def call(case, given, **more):
    name, options = case
    return as_dataset(measures[name](**given, **{**options, **more}))


def as_dataset(result):
    return result if isinstance(result, xr.Dataset) else result.to_dataset()


def same_bits(one, two):
    assert set(one) == set(two)
    for name in one:
        a, b = one[name].values, two[name].transpose(*one[name].dims).values
        assert a.dtype == b.dtype
        np.testing.assert_array_equal(a.view(np.uint64), b.view(np.uint64), err_msg=name)


def never(*args, **kwargs):
    raise AssertionError("something was computed")


@pytest.mark.parametrize("case", PLAIN, ids=label)
def test_numpy_and_labels_agree(case):
    given = inputs(case[0])
    window = {"t_stop": STOP} if takes_window(case) else {}
    plain = measures[case[0]](**{n: a.values for n, a in given.items()}, **{**window, **case[1]})
    labelled = call(case, given)
    if isinstance(plain, xr.Dataset):
        names = {"axis_1": "point", "train": "neuron"}
        same_bits(labelled, plain.rename({n: d for n, d in names.items() if n in plain.dims}))
    else:
        (only,) = labelled.values()
        np.testing.assert_array_equal(plain, only.values)


def together(name):
    """Whether a measure looks at all neurons together."""
    return any(getattr(r, "together", False) for r in measures[name].over.values())


def takes_window(case):
    return any(isinstance(r, SpikeTrains) and r.window for r in measures[case[0]].over.values())


@everything
@pytest.mark.parametrize("chunks", [{"point": 1, "neuron": 1}, {"point": 3, "spike": 11, "time": 7}], ids=str)
def test_lazy_stays_lazy_and_chunks_change_no_bit(case, chunks):
    given = inputs(case[0])
    lazy = {n: a.chunk({d: c for d, c in chunks.items() if d in a.dims}) for n, a in given.items()}
    with dask.config.set(scheduler=never):
        result = call(case, lazy)
        assert all(variable.chunks is not None for variable in result.values())
    same_bits(call(case, given), result.compute(scheduler="synchronous"))


@everything
def test_each_train_has_its_bits_whatever_lies_beside_or_behind_it(case):
    given = inputs(case[0])
    whole = call(case, given)
    wider = {n: a.pad({"spike": (0, 9)}) if last(a) == "spike" else a for n, a in given.items()}
    wider = {n: a.assign_attrs(given[n].attrs) for n, a in wider.items()}
    same_bits(whole, call(case, wider))
    for at in ({"point": [2]}, {"point": [3, 1], **({} if together(case[0]) else {"neuron": [1]})}):
        same_bits(whole.isel(at), call(case, {n: a.isel(at) for n, a in given.items()}))


@everything
def test_dims_units_and_coords_are_as_declared(case):
    name, options = case
    given = inputs(name)
    result = call(case, given)
    stated = {"t_start": 0.0, "t_stop": STOP, **options} if takes_window(case) else options
    bound = measures[name]._options(stated)
    over = measures[name].over.items()
    known = {k: v for n, r in over for k, v in r.read(n, given.get(n), bound, name).known.items()}
    with dask.config.set(scheduler=never):
        described, coords = measures[name].describe(stated, known), measures[name].coords(stated, known)
    assert list(described) == list(result)
    rows = dict(zip(("point", "neuron")[: 2 - together(name)], SHAPE, strict=False))
    for variable, (dims, dtype, units) in described.items():
        array = result[variable]
        assert array.dims == (*rows, *dims)
        assert array.shape == (*rows.values(), *dims.values())
        assert (array.dtype, array.attrs["units"]) == (dtype, units)
        assert array.attrs["long_name"]
    for coord, variable in coords.items():
        np.testing.assert_array_equal(result[coord].values, variable.values)
        assert result[coord].attrs == variable.attrs
    np.testing.assert_array_equal(result.point, np.arange(SHAPE[0]) * 10.0)
    assert together(name) or list(result.tag.values) == list("abc")[: SHAPE[1]]


@everything
def test_dims_may_come_in_any_order(case):
    given = inputs(case[0])
    same_bits(call(case, given), call(case, {n: a.transpose(*reversed(list(a.sizes))) for n, a in given.items()}))


@everything
def test_silent_trains_make_no_noise_and_failed_points_no_number(case):
    given = inputs(case[0])
    silent = {n: xr.full_like(a, np.nan) for n, a in given.items()}
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        call(case, silent)
    status = xr.DataArray(np.array([1, 2, 0, 1], np.uint8), dims="point")
    of_points = [n for n, a in given.items() if {"spike", "time", "snapshot"} & set(a.dims)]
    failed = {n: a.assign_coords(status=status) if n in of_points else a for n, a in given.items()}
    result, whole = call(case, failed), call(case, given)
    assert of_points
    for name in result:
        assert np.isnan(result[name].isel(point=[1, 2]).values).all()
        np.testing.assert_array_equal(result[name].isel(point=[0, 3]), whole[name].isel(point=[0, 3]))
    lazy = call(case, {n: a.chunk(point=1) for n, a in failed.items()})
    same_bits(result, lazy.compute(scheduler="synchronous"))


@everything
def test_inputs_are_left_as_they_were(case):
    given = inputs(case[0])
    before = {n: a.copy(deep=True) for n, a in given.items()}
    for a in given.values():
        for variable in a.data_vars.values() if isinstance(a, xr.Dataset) else [a]:
            variable.values.flags.writeable = False
    call(case, given)
    for n, a in given.items():
        xr.testing.assert_identical(a, before[n])


@everything
def test_no_trains_at_all(case):
    given = {n: a.isel(point=slice(0)) for n, a in inputs(case[0]).items()}
    assert all(0 in variable.shape for variable in call(case, given).values())


@pytest.mark.parametrize("name", list(measures))
def test_pickles_by_name(name):
    one = measures[name]
    text = pickle.dumps(one)
    assert len(text) < 200
    assert pickle.loads(text) is one
    assert one.__doc__.strip()
    assert one.name == name == one.__name__


def test_a_new_measure_is_one_decorated_function():
    gives = Output("swing", "mV", "largest minus smallest")

    @measure(over={"trace": ("time",)}, gives=gives)
    def Swing(trace):
        """Largest minus smallest value."""
        return trace.max(-1) - trace.min(-1)

    try:
        data = xr.DataArray(np.arange(12, dtype=np.int8).reshape(3, 4)[:, ::-1], dims=("time", "point"))
        result = Swing(data.chunk(time=1))
        assert result.chunks is not None
        assert result.attrs["units"] == "mV"
        assert result.dtype == np.float64
        np.testing.assert_array_equal(result, [8, 8, 8, 8])
        assert measures["Swing"] is Swing
    finally:
        del measures._things["Swing"]


def test_unknown_arguments_are_named():
    with pytest.raises(LookupError, match="Did you mean 't_stop'"):
        measures["FireRate"]([1.0], t_stopp=3)
    with pytest.raises(ValueError, match="spikes"):
        measures["FireRate"]()
