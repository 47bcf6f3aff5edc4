"""Astrocytes and potassium beside published values and other simulators."""

import numpy as np
import pytest
import xarray as xr

import sneuron as sn
from sneuron.errors import UnitError, UnknownNameError
from sneuron.lang.expr import numpy_value
from sneuron.lang.model import load_model

ALONG_CA = {"volts": (0.001, 1.6), "n": 1601, "along": "Ca"}


def test_the_window_of_calcium_oscillations() -> None:
    """Hopf bifurcations of the numbers of Nadkarni & Jung 2003: 0.35453 and 0.63688 uM (published: 0.355 to 0.637)."""
    for options in ({}, ALONG_CA):
        found = sn.bifurcations("li_rinzel", "IP3_rest", 0.0, 1.5, **options)
        np.testing.assert_allclose(found.IP3_rest, [0.35453, 0.63688], atol=1e-5)
        assert found.kind.values.tolist() == [1, 1]
        assert found.loses_stability.values.all()


def test_rest_points_of_frequency_modulation() -> None:
    """With a pump of higher affinity three rest points live beside one another, as the calcium is followed."""
    found = sn.bifurcations("li_rinzel_fm", "IP3_rest", 0.3, 1.0, **ALONG_CA)
    assert found.kind.values.tolist() == [2, 1, 2, 1]
    low, _, high, _ = found.IP3_rest.values
    values = [0.9 * low, 0.5 * (low + high), 1.1 * high]
    rests = sn.rest_points("li_rinzel_fm", {"IP3_rest": values}, 0.001, 0.3, 3001, along="Ca")
    assert rests.rest_count.values.tolist() == [1, 3, 1]
    assert bool((rests.v.isel(rest=0) == -85.0).all())


def test_along_is_a_state_and_has_its_unit() -> None:
    with pytest.raises(UnknownNameError, match="'Ca'"):
        sn.rest_points("li_rinzel", along="Cai")
    with pytest.raises(UnitError, match="mV"):
        sn.rest_points("li_rinzel", low="1 mV", high="2 mV", along="Ca")
    one = sn.rest_points("li_rinzel", low="10 nM", high="1 uM", along="Ca")
    assert one.Ca.item() == pytest.approx(0.0728, abs=1e-3)


def oscillating(model: str, ip3: list[float], dt: float = 10.0) -> tuple[np.ndarray, np.ndarray]:
    """Size and period (s) of calcium spikes after 300 s."""
    rest = xr.DataArray(ip3, dims="point")
    values = {"IP3_rest": rest, "IP3": rest.mean().item(), "glio.Ca_release": 0.2, "glio.U_glia": 0.0}
    cells = sn.InitNeu({"model": model, **values})
    found = sn.GliaLink(cells, duration=400000, dt=dt, every=round(40 / dt))
    calcium = found.Ca.sel(time=slice(300000, None))
    spikes = found.spike_time
    last = [row[~np.isnan(row)] for row in spikes.values]
    return (calcium.max("time") - calcium.min("time")).values, np.array([(s[-1] - s[-6]) / 5e3 for s in last])


def test_outside_of_the_window_calcium_rests() -> None:
    rest = xr.DataArray([0.3, 0.7], dims="point")
    cells = sn.InitNeu({"model": "li_rinzel", "IP3_rest": rest, "IP3": rest, "Ca": 0.15})
    calcium = sn.GliaLink(cells, duration=600000, every=50).Ca.sel(time=slice(550000, None))
    assert float((calcium.max("time") - calcium.min("time")).max()) < 1e-3


def test_amplitude_and_frequency_modulation() -> None:
    """IP3 moves the size of calcium spikes in the one set, their frequency in the other (De Pitta et al. 2009)."""
    size, period = oscillating("li_rinzel_am", [0.39, 0.45, 0.55])
    assert size[-1] / size[0] > 1.5
    assert period[0] / period[-1] < 1.2
    size, period = oscillating("li_rinzel_fm", [0.6, 0.7, 0.85])
    assert size[-1] / size[0] < 1.1
    assert period[0] / period[-1] > 1.4


def test_the_period_converges() -> None:
    """At 0.5 uM: 11.49198 s, 0.00014 ms off at a step of 40 ms."""
    periods = [oscillating("li_rinzel", [0.5], dt)[1].item() for dt in (40.0, 20.0, 5.0)]
    np.testing.assert_allclose(periods, 11.49198344, rtol=1e-6)
    assert oscillating("li_rinzel", [0.5])[0].item() == pytest.approx(0.33686, abs=1e-5)


def test_nest() -> None:
    """From IP3, Ca, h = 1, a spike of weight 1 at 10 ms: NEST's test_astrocyte.dat, by SciPy's odeint (errors 1e-7)."""
    cells = sn.InitNeu({"model": "li_rinzel", "IP3": 1.0, "Ca": 1.0, "h": 1.0})
    spike = xr.DataArray([[9.95]], dims=("neuron", "spike"))
    found = sn.GliaLink(cells, spike, 99.9, dt=0.1, weight=xr.DataArray([[1.0]], dims=("astro", "neuron")))
    expected = {
        9.0: (0.9989421396485755, 1.0165172228411925, 0.9981876756155040),
        10.0: (0.9990246818764600, 1.0183126441806623, 0.9979848153411911),
        50.0: (0.9943387143961753, 1.0839491602355009, 0.9896499835768316),
        99.9: (0.9885296424672718, 1.1506278580868359, 0.9787586243082391),
    }
    for time, (ip3, calcium, h) in expected.items():
        at = found.isel(astro=0).sel(time=time, method="nearest")
        np.testing.assert_allclose([at.IP3, at.Ca, at.h], [ip3, calcium, h], atol=3e-7)


def test_glutamate_makes_calcium_oscillate_in_a_window() -> None:
    """Of the G-ChI model, amplitude-modulated set: own computation; the rates of IP3 are those of the paper."""
    glutamate = [0.01298, 0.01300, 2.0858, 2.0860]
    found = sn.rest_points("gchi", {"glu_rest": glutamate}, 0.001, 0.5, 401, along="Ca")
    assert found.stable.isel(rest=0).values.tolist() == [True, False, False, True]
    model = load_model("gchi")
    at = {n: p.value for n, p in model.params.items()} | {"Ca": 0.2, "IP3": 0.5, "glutamate": 3.0}
    for name, expression in model.functions.items():
        if name in ("glu.seen", "glu.K_glu", "glu.J_beta", "glu.J_delta", "glu.J_3K"):
            at[name] = numpy_value(expression, at)
    k = 1.3 * (1 + 10 / 1.3 * 0.2 / (0.2 + 0.6))
    assert at["glu.J_beta"] == pytest.approx(0.2e-3 * 3**0.7 / (3**0.7 + k**0.7), rel=1e-12)
    assert at["glu.J_delta"] == pytest.approx(0.02e-3 / (1 + 0.5 / 1.5) * 0.04 / (0.04 + 0.01), rel=1e-12)
    assert at["glu.J_3K"] == pytest.approx(2e-3 * 0.2**4 / (0.2**4 + 0.7**4) * 0.5 / 1.5, rel=1e-12)


def test_potassium_of_the_bath_decides_how_a_neuron_fires() -> None:
    """At rest with 4 and 7 mM, a burst of some 6 s with 8 mM, spikes without end with 10 mM: own computation."""
    cells = sn.InitNeu({"model": "cressman_2011", "K_bath": [4.0, 7.0, 8.0, 10.0]})
    run = sn.RunSim(cells, 32000, features=["Ko_max"])
    assert run.spike_count.values[:2].tolist() == [0.0, 0.0]
    bursts, tonic = (row[~np.isnan(row)] for row in run.spike_time.values[2:])
    assert bursts[0] == pytest.approx(19013.3, abs=1.0)  # at a step of 0.005 ms, too
    assert 3000 < np.ptp(bursts) < 8000
    assert tonic[-1] > 31900
    assert np.ptp(np.diff(tonic[-50:])) < 0.5
    assert (run.Ko_max.values[:2] < 7.0).all()
    assert (run.Ko_max.values[2:] > 9.0).all()
    rests = sn.rest_points("cressman_2011", {"K_bath": [4.0, 7.0, 8.0]}, -90.0, -40.0, 501)
    assert bool((rests.stable.isel(rest=0) == [True, True, False]).all())


def test_nernst_potential_of_potassium() -> None:
    """140 mM inside, 3.5 mM outside, 37 degC: -98.59142 mV."""
    found = load_model("hh", channels={"e": "nernst"})
    values = {n: p.value for n, p in found.params.items()} | {"e.outside": 3.5, "e.inside": 140.0}
    assert float(numpy_value(found.functions["e.E"], values)) == pytest.approx(-98.59142367893304, abs=1e-6)
