"""HomeoScale: neurons that come back to their targets."""

import dask
import numpy as np
import pytest
import xarray as xr

import sneuron as sn
from sneuron.errors import DataError, ParameterError, UnknownNameError

RNG = np.random.default_rng(5)
LOOP = {"tau": "10 s", "dt": "1 s"}


def test_ratios_of_the_weights_of_a_neuron_stay():
    w = xr.DataArray(RNG.lognormal(size=(4, 30)), dims=("post", "pre"))
    held = w
    for _ in range(200):
        held = sn.HomeoScale(held, rate=RNG.uniform(0, 12, 4), target=5.0, **LOOP).weight
    np.testing.assert_allclose(held / held.isel(pre=0), w / w.isel(pre=0), rtol=1e-12)
    assert (abs(held / w - 1) > 1e-3).all()


def test_an_interval_is_exact_and_two_halves_are_the_whole():
    w = np.ones((2, 3))
    one = sn.HomeoScale(w, [0.0, 10.0], 5.0, tau=1e4, dt=2e3)
    np.testing.assert_allclose(one.scale, np.exp([0.2, -0.2]), rtol=1e-15)
    half = sn.HomeoScale(w, [0.0, 10.0], 5.0, tau=1e4, dt=1e3)
    np.testing.assert_allclose(
        sn.HomeoScale(half.weight, [0.0, 10.0], 5.0, tau=1e4, dt=1e3).weight, one.weight, rtol=1e-14
    )


def settled(tau, gain, tau_rate, steps=4000, start=0.01, dt=1000.0):
    """Deviations of the log of the rate from its target, for a neuron whose rate is target (sum w)^gain."""
    w, seen, found = np.full((1, 1), np.exp(start)), 5.0, []
    keep = np.exp(-dt / tau_rate) if tau_rate else 0.0
    for _ in range(steps):
        rate = 5.0 * w.sum() ** gain
        w = sn.HomeoScale(w, xr.DataArray(seen), 5.0, tau=tau, dt=dt).weight.values
        seen = keep * seen + (1 - keep) * rate
        found.append(np.log(rate / 5.0))
    return np.array(found)


@pytest.mark.parametrize(("gain", "tau_rate"), [(1.0, 0.0), (3.0, 0.0), (2.0, 4000.0)])
def test_the_loop_is_stable_just_where_the_analysis_says_so(gain, tau_rate):
    told = sn.HomeoScale([[1.0]], 5.0, 5.0, tau=[1e4], dt=1000.0, gain=gain, tau_rate=tau_rate)
    assert told.tau_stable == gain * 1000.0
    for part, stable in ((1.1, True), (0.9, False)):
        tau = part * told.tau_stable.item()
        found = settled(tau, gain, tau_rate, steps=260, start=1e-6)
        assert (abs(found[-40:]).max() < abs(found[:40]).max()) == stable
        again = sn.HomeoScale([[1.0]], 5.0, 5.0, tau=tau, dt=1000.0, gain=gain, tau_rate=tau_rate)
        assert bool(again.stable) == stable


@pytest.mark.parametrize("tau_rate", [0.0, 3000.0])
def test_above_tau_smooth_the_loop_does_not_overshoot(tau_rate):
    told = sn.HomeoScale([[1.0]], 5.0, 5.0, tau=1e4, dt=1000.0, gain=1.5, tau_rate=tau_rate)
    keep = np.exp(-1000.0 / tau_rate) if tau_rate else 0.0
    for part, smooth in ((1.02, True), (0.8, False)):
        tau = part * told.tau_smooth.item()
        loop = np.array([[1.0, -1000.0 / tau], [(1 - keep) * 1.5, keep]])
        assert (np.abs(np.linalg.eigvals(loop).imag).max() == 0) == smooth
        found = settled(tau, 1.5, tau_rate, steps=150, start=1e-4)
        assert (found.min() > -1e-9) == smooth


def test_the_rate_comes_to_its_target_at_each_point():
    targets = xr.DataArray([2.0, 8.0], dims="point")
    w = xr.DataArray(RNG.uniform(0.1, 1.0, (3, 10)), dims=("post", "pre"))
    drive = xr.DataArray(RNG.uniform(1, 2, 10), dims="pre")
    for _ in range(400):
        rate = (w * drive).sum("pre") ** 1.5
        w = sn.HomeoScale(w, rate, targets, **LOOP).weight.drop_attrs()
    np.testing.assert_allclose(
        (w * drive).sum("pre") ** 1.5, targets.broadcast_like(rate.isel(pre=0, missing_dims="ignore")), rtol=1e-12
    )


@pytest.mark.parametrize(("kind", "order"), [("l1", 1), ("l2", 2)])
def test_norms(kind, order):
    w = xr.DataArray(RNG.normal(size=(3, 4)), dims=("post", "pre"))
    done = sn.HomeoScale(w, target=[1.0, 2.0, 3.0], kind=kind)
    np.testing.assert_allclose((abs(done.weight) ** order).sum("pre") ** (1 / order), [1, 2, 3], rtol=1e-14)
    np.testing.assert_allclose(done.weight, w * done.scale, rtol=1e-15)
    upd = sn.UpdWgt(w, normalise=kind, total=2.0)
    np.testing.assert_array_equal(sn.HomeoScale(w, target=2.0, kind=kind).weight, upd.weight)


def test_synapses_of_a_graph_follow_the_rates_of_their_neurons():
    g = sn.ConnMat(12, "erdos_renyi", p=0.3, seed=1, weight={"law": "uniform", "low": 0.1, "high": 1.0})
    m = sn.ConnMat(12, "erdos_renyi", p=0.3, seed=1, weight={"law": "uniform", "low": 0.1, "high": 1.0}, layout="dense")
    rates = RNG.uniform(0, 10, 12)
    ours = sn.HomeoScale(g, rates, 5.0, **LOOP)
    theirs = sn.HomeoScale(m, rates, 5.0, **LOOP)
    np.testing.assert_array_equal(ours.weight, theirs.weight.values[g.post, g.pre])
    np.testing.assert_array_equal(ours.scale, theirs.scale.values[g.post])
    assert {"pre", "post"} <= set(ours.coords)


def test_weights_stay_within_bounds_and_failed_points_make_no_number():
    w = xr.DataArray([[0.5, -0.5, 0.9]], dims=("post", "pre"))
    rates = xr.DataArray([0.0, np.nan], dims="point")
    done = sn.HomeoScale(w, rates, 5.0, tau=1e3, dt=1e3, high=1.0)
    np.testing.assert_allclose(done.weight.isel(point=0), [[1.0, -1.0, 1.0]])
    assert np.isnan(done.weight.isel(point=1)).all()
    assert np.isnan(done.scale.isel(point=1)).all()


def test_lazy_stays_lazy_and_chunks_change_no_bit():
    w = xr.DataArray(RNG.uniform(0, 1, (6, 5, 7)), dims=("point", "post", "pre"))
    rates = xr.DataArray(RNG.uniform(0, 9, (6, 5)), dims=("point", "post"))
    whole = sn.HomeoScale(w, rates, 5.0, **LOOP)
    with dask.config.set(scheduler=lambda *a, **k: pytest.fail("something was computed")):
        lazy = sn.HomeoScale(w.chunk(point=2, post=2), rates.chunk(point=3), 5.0, **LOOP)
    xr.testing.assert_identical(whole, lazy.compute(scheduler="synchronous"))


def test_a_threshold_rises_with_the_rate():
    done = sn.HomeoScale(
        xr.DataArray([-50.0, -50.0], dims="post"), [10.0, 0.0], 5.0, kind="threshold", step="2 mV", **LOOP
    )
    np.testing.assert_allclose(done.threshold, [-49.8, -50.2])
    low = sn.HomeoScale(-50.0, 0.0, 5.0, kind="threshold", low=-50.1, **LOOP)
    assert low.threshold == pytest.approx(-50.1)


def test_conductances_end_in_the_ratio_of_their_speeds():
    """O'Leary et al. 2014: from nothing, g_i is proportional to 1/tau_i, and the sensor ends at its target."""
    tau = xr.DataArray([2e4, 4e4, 1e5], dims="channel")
    g = m = xr.zeros_like(tau).assign_attrs(units="uS")
    for _ in range(500):
        calcium = 0.5 * float(g.sum())
        done = sn.HomeoScale(
            g, calcium, 3.0, kind="conductance", transcripts=m, tau=tau, tau_expression=500.0, dt=250.0, step=10.0
        )
        g, m = done.conductance, done.transcript
    assert calcium == pytest.approx(3.0, rel=1e-6)
    np.testing.assert_allclose(g * tau, (g * tau)[0], rtol=1e-9)
    assert g.attrs["units"] == "uS"


def test_conductances_are_exact_over_an_interval():
    """m grows by a line, g' = (m - g)/tau_g: many small steps of Euler come to the same."""
    more = {"kind": "conductance", "tau": 2000.0, "tau_expression": 300.0, "step": 5.0}
    one = sn.HomeoScale([1.0], 1.0, 2.0, transcripts=xr.DataArray([2.0], dims="channel"), dt=400.0, **more)
    g, m, h = 1.0, 2.0, 400.0 / 100_000
    for _ in range(100_000):
        g, m = g + h * (m - g) / 300.0, m + h * 5.0 * 0.5 / 2000.0
    assert one.conductance.item() == pytest.approx(g, rel=1e-5)
    assert one.transcript.item() == pytest.approx(m, rel=1e-10)


@pytest.mark.parametrize("dim", ["post", "neuron"])
def test_thresholds_and_rates_are_of_the_same_neurons(dim):
    """Under whatever name of their dim one of both came."""
    more = {"kind": "threshold", **LOOP}
    known = sn.HomeoScale([-50.0, -49.0], [4.0, 6.0], 5.0, **more).threshold
    assert known.dims == ("post",)
    rates = xr.DataArray([4.0, 6.0], dims=dim)
    np.testing.assert_array_equal(sn.HomeoScale([-50.0, -49.0], rates, 5.0, **more).threshold, known)
    held = xr.DataArray([-50.0, -49.0], dims=dim)
    found = sn.HomeoScale(held, [4.0, 6.0], 5.0, **more).threshold
    assert found.dims == (dim,)
    np.testing.assert_array_equal(found, known)


def test_transcripts_may_be_a_list_and_tau_rate_a_sweep():
    more = {"kind": "conductance", "tau_expression": 3.0, **LOOP}
    listed = sn.HomeoScale([1.0, 2.0], 5.0, 4.0, transcripts=[1.5, 2.5], **more)
    named = sn.HomeoScale([1.0, 2.0], 5.0, 4.0, transcripts=xr.DataArray([1.5, 2.5], dims="channel"), **more)
    xr.testing.assert_identical(listed, named)
    swept = sn.HomeoScale([[1.0, 2.0]], 5.0, 4.0, gain=1.0, tau_rate=xr.DataArray([0.0, 9.0], dims="k"), **LOOP)
    assert swept.tau_smooth.dims == ("k",)
    assert swept.tau_smooth[0] == 4.0 * swept.tau_stable


@pytest.mark.parametrize(
    ("more", "error", "text"),
    [
        ({"kind": "scal"}, UnknownNameError, "scaling"),
        ({"tau": None}, ParameterError, "'tau': 'scaling' needs it"),
        ({"target": 0.0}, ParameterError, "above 0"),
        ({"tau": -1.0}, ParameterError, "tau"),
        ({"dt": "1 mV"}, ValueError, "mV"),
        ({"step": 1.0}, ParameterError, "does not use it"),
        ({"kind": "l1"}, ParameterError, "does not use it"),
        ({"low": 2.0, "high": 1.0}, ParameterError, "low < high"),
        ({"rate": [1.0, 2.0]}, DataError, "2 of 3 neurons"),
        ({"weights": np.ones(3), "rate": [1.0, 2.0, 3.0]}, DataError, "Give the graph"),
        ({"rate": "5 mV"}, ValueError, "Hz"),
        ({"rate": -5.0}, ParameterError, "below 0"),
        ({"kind": "threshold"}, DataError, "plain array of 2 axes"),
        ({"kind": "threshold", "weights": [-50.0, -49.0], "rate": [1.0, 2.0, 3.0]}, DataError, "3 of 2 neurons"),
        (
            {"kind": "conductance", "weights": [1.0, 2.0], "tau_expression": 3.0, "transcripts": [1.0] * 3},
            DataError,
            "3 of 2 channels",
        ),
    ],
)
def test_what_cannot_be_is_refused(more, error, text):
    with pytest.raises(error, match=text):
        sn.HomeoScale(**{"weights": np.ones((3, 2)), "rate": 5.0, "target": 5.0, **LOOP, **more})
