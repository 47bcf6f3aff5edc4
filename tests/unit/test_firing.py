"""How a neuron fires: a train of each kind, and what lies between them."""

import functools

import numpy as np
import pytest
import xarray as xr

import sneuron as sn
from sneuron import errors
from sneuron.analysis.firing import Pattern

STOP = 1000.0


def every(period, start=0.0, stop=STOP, burst=(0.0,)):
    """Bursts from `start`: spikes so long after each multiple of the period."""
    begins = np.arange(start, stop, period)
    times = (begins[:, None] + np.asarray(burst)).ravel()
    return times[times <= stop].tolist()


def named(trains, **options):
    found = sn.FireClass(trains, **{"t_stop": STOP, **options})
    return [Pattern(int(value)).name.lower() for value in np.atleast_1d(found.pattern.values)]


TRAINS = {
    "silent": [],
    "one spike": [500.0],
    "three spikes": [100.0, 400.0, 700.0],
    "four spikes": [100.0, 350.0, 600.0, 850.0],
    "tonic": every(20.0, 5.0),
    "doublets": every(100.0, 3.0, burst=(0, 5)),
    "bursts of five": every(150.0, 40.0, burst=(0, 8, 17, 28, 45)),
    "bursts of five and six": sorted(
        every(200.0, 10.0, burst=range(0, 50, 10)) + every(200.0, 110.0, burst=range(0, 60, 10))
    ),
    "stops": every(20.0, 5.0, 400.0),
    "begins late": every(20.0, 500.0),
    "two bursts": every(500.0, 100.0, burst=(0, 10, 20)),
    "poisson": np.sort(np.random.default_rng(4).uniform(0, STOP, 60)).tolist(),
}
EXPECTED = {
    "silent": "silent",
    "one spike": "unsettled",
    "three spikes": "unsettled",
    "four spikes": "tonic",
    "tonic": "tonic",
    "doublets": "bursting",
    "bursts of five": "bursting",
    "bursts of five and six": "bursting",
    "stops": "unsettled",
    "begins late": "unsettled",
    "two bursts": "unsettled",
    "poisson": "irregular",
}


@pytest.mark.parametrize("name", TRAINS)
def test_a_train_of_each_kind(name):
    assert named(TRAINS[name]) == [EXPECTED[name]]


def test_bursts_are_measured():
    found = sn.FireClass([TRAINS["bursts of five"], TRAINS["tonic"], TRAINS["two bursts"]], t_stop=STOP)
    np.testing.assert_allclose(found.spikes_per_burst, [5, 1, np.nan])
    np.testing.assert_allclose(found.period, [150, 20, np.nan])
    np.testing.assert_allclose(found.duty, [45 / 150, 0, np.nan])
    np.testing.assert_allclose(found.cv, [0, 0, np.nan], atol=1e-12)


def test_a_burst_that_the_window_cuts_does_not_count():
    train = every(150.0, 40.0, burst=(0, 8, 17, 28, 45))
    for start in (41.0, 60.0, 84.0, 86.0):
        found = sn.FireClass(train, t_start=start, t_stop=940.0)
        assert (int(found.pattern), float(found.spikes_per_burst), float(found.period)) == (Pattern.BURSTING, 5, 150)


@pytest.mark.parametrize(
    ("part", "expected"),
    [
        (0.51, "tonic"),
        (0.549, "tonic"),
        (0.551, "irregular"),
        (0.66, "irregular"),
        (0.67, "bursting"),
        (0.9, "bursting"),
    ],
)
def test_between_tonic_and_bursts_of_two(part, expected):
    """Two intervals take turns, one of them this part of both."""
    assert named(every(40.0, 0.0, burst=(0, 40.0 * (1 - part)))) == [expected]


@pytest.mark.parametrize(("jitter", "expected"), [(0.09, "tonic"), (0.11, "irregular")])
def test_the_tolerance_is_of_the_spread_over_the_mean(jitter, expected):
    intervals = 10 * (1 + jitter * np.tile([1.0, -1.0, -1.0, 1.0], 24))
    train = np.cumsum(intervals)
    assert named(train, t_stop=960.0) == [expected]
    assert named(train, t_stop=960.0, tolerance="20 %") == ["tonic"]


@pytest.mark.parametrize(("stop", "expected"), [(904.9, "tonic"), (905.1, "unsettled")])
def test_silence_of_two_intervals_at_the_end_is_an_end(stop, expected):
    assert named(every(200.0, 105.0, 510.0) + [705.0], t_start=100.0, t_stop=stop + 200.0) == [expected]


def test_spikes_at_one_time_make_no_cycle():
    assert named([500.0] * 6) == ["unsettled"]


def test_flags_are_named_as_cf_wants_it():
    attrs = sn.FireClass(TRAINS["tonic"], t_stop=STOP).pattern.attrs
    assert attrs["flag_values"].dtype == np.float64
    assert attrs["flag_values"].tolist() == list(range(7))
    assert attrs["flag_meanings"] == "silent blocked unsettled tonic plateau bursting irregular"


@pytest.mark.parametrize(
    ("options", "said"),
    [
        ({"tolerance": 0}, "between 0 and 1"),
        ({"tolerance": "5 mV"}, "does not convert"),
        ({"plateau": 0}, "above 0 ms"),
        ({"plateau": 20.0}, "must hold 'armed_mean'"),
        ({"toleranc": 0.1}, "Did you mean 'tolerance'"),
        ({"t_start": 2000.0}, "is not before"),
    ],
)
def test_what_cannot_be_is_refused(options, said):
    with pytest.raises(errors.SneuronError, match=said):
        sn.FireClass(TRAINS["tonic"], **{"t_stop": STOP, **options})
    with pytest.raises(errors.TimeError, match="Give t_stop"):
        sn.FireClass(TRAINS["tonic"])


# -- plateaus ----------------------------------------------------------------------------------------


def held(trains, ready, **attrs):
    """A run that holds spikes and the part of the time in which it was ready for one."""
    wide = max(len(train) for train in trains)
    times = np.array([[*train, *[np.nan] * (wide - len(train))] for train in trains])
    window = {"t_start": 0.0, "t_stop": STOP}
    spikes = xr.DataArray(times, dims=("cell", "spike"), attrs={"units": "ms", **window})
    return xr.Dataset({"spike_time": spikes, "armed_mean": ("cell", ready)}, attrs={**window, **attrs})


def test_spikes_that_last_are_plateaus():
    tonic, bursts = TRAINS["tonic"], TRAINS["doublets"]
    run = held([tonic, tonic, bursts, [], []], [0.85, 0.25, 0.1, 1.0, 0.0])
    assert named(run, plateau=10.0) == ["tonic", "plateau", "bursting", "silent", "blocked"]
    assert named(run) == ["tonic", "tonic", "bursting", "silent", "silent"]
    found = sn.FireClass(run, plateau="10 ms")
    np.testing.assert_allclose(found.width[:2], [0.15 * STOP / 50, 0.75 * STOP / 50])
    assert np.isnan(found.width[3:]).all()
    assert found.width.attrs["units"] == "ms"
    lazy = sn.FireClass(run.chunk(cell=2, spike=3), plateau=10.0)
    assert lazy.pattern.chunks is not None
    xr.testing.assert_identical(lazy.compute(scheduler="synchronous"), found)
    assert named(run.transpose("spike", "cell"), plateau=10.0) == named(run, plateau=10.0)


def test_a_window_of_a_run_has_no_plateaus():
    run = held([TRAINS["tonic"]], [0.5])
    with pytest.raises(errors.DataError, match=r"is of the whole run, from 0\.0 to 1000\.0 ms"):
        sn.FireClass(run, plateau=10.0, t_start=100.0)


def test_events_have_no_plateaus():
    events = {"event_time": ("event", [1.0, 2.0]), "event_neuron": ("event", [0, 1]), "armed_mean": ("neuron", [1, 1])}
    with pytest.raises(errors.DataError, match="must hold 'armed_mean' and 'spike_time'"):
        sn.FireClass(xr.Dataset(events, coords={"neuron": [0, 1]}), plateau=5.0, t_stop=10.0)


def test_a_run_tells_how_long_its_spikes_last():
    """The feature against the voltage: from an upward crossing of the threshold until v is below the lower level."""
    cells = sn.InitNeu({"model": "hh", "I": [0.0, 10.0]})
    run = sn.RunSim(cells, 200, 0.025, record=["v", "armed"], features=[functools.partial(sn.FireClass, plateau=5.0)])
    model = sn.load_model("hh")
    high, low = (model.params[name].value for name in ("spike_threshold", "spike_rearm"))
    ready = np.ones(run.armed.shape)
    for k in range(1, run.sizes["time"]):
        v = run.v.values[:, k]
        ready[:, k] = np.where(v >= high, 0.0, np.where(v < low, 1.0, ready[:, k - 1]))
    np.testing.assert_array_equal(run.armed, ready)
    np.testing.assert_allclose(run.armed_mean, ready[:, :-1].mean(1), rtol=1e-12)
    found = sn.FireClass(run, plateau=5.0)
    assert found.pattern.values.tolist() == [Pattern.SILENT, Pattern.TONIC]
    assert 0.5 < float(found.width[1]) < 2.5


def test_neurons_whose_spikes_are_resets_have_no_plateaus():
    with pytest.raises(errors.DataError, match="resets, which take no time"):
        sn.RunSim(sn.InitNeu("lif"), 1, features=[functools.partial(sn.FireClass, plateau=5.0)])


def test_a_point_that_failed_has_no_class():
    run = sn.RunSim(sn.InitNeu({"model": "hh", "I": [10.0, 1e9]}), 50, 0.025)
    found = sn.FireClass(run)
    assert int(found.pattern[0]) == Pattern.TONIC
    assert all(np.isnan(found[name][1]) for name in found)
