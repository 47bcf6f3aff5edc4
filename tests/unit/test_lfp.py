"""LfpEst and lead_field: closed forms, published kernels, no work on lazy data, and what is refused."""

import math
from typing import Any

import dask
import numpy as np
import pytest
import xarray as xr
from hypothesis import given
from hypothesis import strategies as st
from scipy.integrate import quad

import sneuron as sn
from sneuron.errors import DataError, ParameterError, TimeError, UnitError, UnknownNameError


def currents(values: Any, unit: str = "nA", **coords: Any) -> xr.DataArray:
    array = np.asarray(values, float)
    dims = ("point", "source", "time")[3 - array.ndim :]
    return xr.DataArray(array, dims=dims, attrs={"units": unit}, coords=coords)


class Forbidden:
    """A scheduler that lets nothing be computed."""

    def __call__(self, *args: Any, **kwargs: Any) -> Any:
        raise AssertionError("something was computed")


# -- fields ------------------------------------------------------------------------------------------------------------


def test_a_point_source() -> None:
    """1 nA at 10 um in 0.3 S/m: 26.526 uV; I/(4 pi sigma r)."""
    field = sn.lead_field([[0.0, 0.0, 0.0]], [[10.0, 0.0, 0.0], [0.0, 6.0, 8.0]])
    np.testing.assert_allclose(field.values[:, 0], 1 / (4 * math.pi * 0.3 * 10.0), rtol=1e-14)
    assert field.values[0, 0] * 1e3 == pytest.approx(26.525823848649224, rel=1e-12)
    assert (field.dims, field.attrs["units"]) == (("site", "source"), "mV/nA")


def test_a_line_source() -> None:
    """100 um, 10 um off its centre: 12.267866420 uV/nA, which LFPykit 0.6.2 gives too."""
    field = sn.lead_field([[[-50.0, 0.0, 0.0], [50.0, 0.0, 0.0]]], [[0.0, 10.0, 0.0]])
    assert field.item() * 1e3 == pytest.approx(12.267866420, rel=1e-9)


@given(
    st.tuples(*[st.floats(-300, 300)] * 3), st.tuples(*[st.floats(-100, 100)] * 3), st.tuples(*[st.floats(1, 80)] * 3)
)
def test_a_line_is_many_points(site: Any, first: Any, way: Any) -> None:
    """The mean of 1/r along it, by quadrature."""
    site, first, way = (np.array(x) for x in (site, first, way))
    field = sn.lead_field(np.stack([first, first + way])[None], site[None], radius=3.0).item()
    length = np.linalg.norm(way)
    s = (site - first) @ way / length
    r = max(math.sqrt(max((site - first) @ (site - first) - s * s, 0.0)), 3.0)
    mean = quad(lambda x: 1 / math.hypot(r, x - s), 0, length, points=[min(max(s, 0), length)], epsabs=0)[0] / length
    assert field == pytest.approx(mean / (4 * math.pi * 0.3), rel=1e-7)


def test_a_line_far_away_is_a_point() -> None:
    sites = [[0.0, 1e4, 0.0], [1e5, 0.0, 0.0]]
    line = sn.lead_field([[[-5.0, 0.0, 0.0], [5.0, 0.0, 0.0]]], sites)
    np.testing.assert_allclose(line, sn.lead_field([[0.0, 0.0, 0.0]], sites), rtol=1e-6)


def test_a_dipole() -> None:
    """phi = I/(4 pi sigma r) of two points of 1 and -1 nA, 400 um apart, and 1/r^2 far away."""
    sites = [[50.0, 0.0, 0.0], [50.0, 0.0, 200.0], [50.0, 0.0, 400.0], [1000.0, 0.0, 100.0]]
    found = sn.LfpEst(currents([[1.0], [-1.0]]), "sources", sites=sites, positions=[[0, 0, 0], [0, 0, 400]])
    expected = [4.647140065564385, 0.0, -4.647140065564385, 0.009870499109827383]
    np.testing.assert_allclose(found.values[:, 0] * 1e3, expected, rtol=1e-9, atol=1e-15)
    axis = [[0.0, 0.0, 1e5], [0.0, 0.0, 2e5]]
    far = sn.LfpEst(currents([[1.0], [-1.0]]), "sources", sites=axis, positions=[[0, 0, -1], [0, 0, 1]])
    assert far.values[0, 0] / far.values[1, 0] == pytest.approx(4.0, rel=1e-6)


def test_potentials_add_up_and_keep_labels() -> None:
    rng = np.random.default_rng(1)
    values = rng.normal(size=(3, 5, 7))
    where = xr.DataArray(rng.uniform(-50, 50, (5, 3)), dims=("neuron", "axis"))
    sites = xr.DataArray([[200.0, 0, 0], [300.0, 0, 0]], dims=("site", "axis"), coords={"site": ["a", "b"]})
    given_ = currents(values, "pA", time=np.arange(7.0)).rename(source="neuron")
    found = sn.LfpEst(given_, "sources", sites=sites, positions=where)
    field = sn.lead_field(where, sites)
    assert field.dims == ("site", "neuron")
    np.testing.assert_allclose(found, 1e-3 * np.einsum("sc,pct->pst", field.values, values), rtol=1e-12)
    assert found.dims == ("point", "site", "time")
    assert (found.site.values.tolist(), found.attrs["units"]) == (["a", "b"], "mV")
    xr.testing.assert_identical(found, sn.LfpEst(given_, "sources", matrix=field))


def test_lazy_currents_stay_lazy_and_keep_their_bits() -> None:
    values = np.random.default_rng(2).normal(size=(4, 6, 50))
    field = sn.lead_field(np.random.default_rng(3).uniform(0, 100, (6, 3)), [[200.0, 0, 0], [0, 300.0, 0]])
    whole = sn.LfpEst(currents(values), "sources", matrix=field)
    for chunks in ({"point": 1}, {"time": 7}, {"source": 2, "time": 50}, {"point": 3, "time": 11}):
        with dask.config.set(scheduler=Forbidden()):
            lazy = sn.LfpEst(currents(values).chunk(chunks), "sources", matrix=field)
        assert lazy.chunks is not None
        np.testing.assert_array_equal(lazy.compute(scheduler="synchronous"), whole)
    for k in range(4):
        np.testing.assert_array_equal(sn.LfpEst(currents(values[k]), "sources", matrix=field), whole[k])


def test_currents_of_membranes_add_up_to_nothing() -> None:
    values = np.array([[1.0, 2.0, 3.0], [-1.0, -2.0, -2.5]])
    field = sn.lead_field([[0.0, 0, 0], [10.0, 0, 0]], [[50.0, 0, 0]])
    good = sn.LfpEst(currents(values[:, :2]), "sources", matrix=field, balanced=True)
    np.testing.assert_array_equal(good, sn.LfpEst(currents(values[:, :2]), "sources", matrix=field))
    with pytest.raises(DataError, match=r"add up to 0\.5 at 1 of 3 times"):
        sn.LfpEst(currents(values), "sources", matrix=field, balanced=True)
    lazy = sn.LfpEst(currents(values).chunk(time=1), "sources", matrix=field, balanced=True).compute()
    assert np.isnan(lazy.values).tolist() == [[False, False, True]]


# -- proxies -----------------------------------------------------------------------------------------------------------


def traces(exc: Any, inh: Any, dt: float, unit: str = "pA") -> xr.Dataset:
    time = np.arange(np.shape(exc)[-1]) * dt
    made = {"i_exc": exc, "i_inh": inh}
    return xr.Dataset(
        {name: (("neuron", "time"), np.asarray(x, float), {"units": unit}) for name, x in made.items()}, {"time": time}
    )


def test_the_reference_weighted_sum() -> None:
    """|I_E(t - 6 ms)| - 1.65 |I_I(t)| (Mazzoni et al. 2015)."""
    t = np.arange(40) * 0.5
    exc, inh = -np.stack([t, 2 * t]), np.stack([t**2, np.ones_like(t)])
    found = sn.LfpEst(traces(exc, inh, 0.5))
    expected = 3 * (t - 6.0) - 1.65 * (t**2 + 1)
    assert np.isnan(found.values[:12]).all()
    np.testing.assert_allclose(found.values[12:], expected[12:], rtol=1e-12)
    assert (found.dims, found.attrs["units"]) == (("time",), "pA")
    odd = sn.LfpEst(traces(exc, inh, 0.7))  # 6 ms lie between two samples; currents are straight lines there
    expected = 3 * (t - 6.0 * 0.5 / 0.7) - 1.65 * (t**2 + 1)
    np.testing.assert_allclose(odd.values[9:], expected[9:], rtol=1e-12)


def test_the_sum_of_currents_and_its_scale() -> None:
    rng = np.random.default_rng(4)
    exc, inh = rng.normal(size=(2, 3, 20))
    found = sn.LfpEst(traces(exc, inh, 1.0), "currents")
    np.testing.assert_allclose(found, (abs(exc) + abs(inh)).sum(0), rtol=1e-12)
    volts = sn.LfpEst(traces(exc, inh, 1.0), "currents", scale="2 mV/nA")
    np.testing.assert_allclose(volts, 2e-3 * found, rtol=1e-12)
    assert volts.attrs["units"] == "mV"


def test_proxies_of_lazy_traces_are_lazy() -> None:
    rng = np.random.default_rng(5)
    run = traces(rng.normal(size=(9, 40)), rng.normal(size=(9, 40)), 0.7)
    for method in ("reference", "currents"):
        with dask.config.set(scheduler=Forbidden()):
            lazy = sn.LfpEst(run.chunk(time=9, neuron=4), method)
        np.testing.assert_array_equal(lazy.compute(scheduler="synchronous"), sn.LfpEst(run, method))


# -- spikes ------------------------------------------------------------------------------------------------------------


def events(times: Any, neurons: Any, many: int, stop: float) -> xr.Dataset:
    span = {"t_start": 0.0, "t_stop": stop}
    return xr.Dataset(
        {"event_time": ("event", np.asarray(times, float), span), "event_neuron": ("event", np.asarray(neurons))},
        {"neuron": np.arange(many)},
    )


def test_the_rate() -> None:
    found = sn.LfpEst(events([0.5, 3.2, 3.9, 9.99], [0, 1, 1, 3], 4, 10.0), "rate", dt=2.0)
    assert found.values.tolist() == [125.0, 250.0, 0.0, 0.0, 125.0]
    assert found.attrs["units"] == "Hz"


@pytest.mark.parametrize(
    ("layer", "exc", "inh"),
    [("soma", 0.48, 3.0), ("deep", -0.16, -0.2), ("superficial", 0.24, -1.2), ("surface", -0.08, 0.3)],
)
def test_unitary_potentials(layer: str, exc: float, inh: float) -> None:
    """Amplitudes in uV, 10.4 ms + distance/200 um/ms to the peak, decay over 200 um (Telenczuk et al. 2020)."""
    spikes = events([20.0, 120.0], [0, 1], 2, 200.0)
    places = {"positions": [[0.0, 0.0], [100.0, 0.0]], "sites": [[0.0, 0.0], [100.0, 100.0]]}
    found = sn.LfpEst(spikes, "kernel", layer=layer, inhibitory=[False, True], dt=0.1, **places)
    assert (found.dims, found.attrs["units"]) == (("site", "time"), "mV")
    t = found.time.values
    for site, (near, far) in enumerate([(0.0, 100.0), (math.hypot(100, 100), 100.0)]):
        one = exc * np.exp(-near / 200) * np.exp(-((t - 20.0 - 10.4 - near / 200) ** 2) / (2 * 3.15**2))
        two = inh * np.exp(-far / 200) * np.exp(-((t - 120.0 - 10.4 - far / 200) ** 2) / (2 * 2.1**2))
        np.testing.assert_allclose(found[site], 1e-3 * (one + two), atol=1e-15)


def test_all_layouts_of_spikes_are_one_and_lazy() -> None:
    times, who = np.array([5.0, 12.0, 12.0, 40.0]), np.array([0, 2, 1, 0])
    places = {"positions": [[0.0, 0], [50.0, 0], [0, 80.0]], "sites": [[10.0, 10.0]], "window": (0, 80)}
    listed = sn.LfpEst(events(times, who, 3, 80.0), "kernel", **places)
    padded = xr.DataArray([[5.0, 40.0], [12.0, np.nan], [12.0, np.nan]], dims=("neuron", "spike"))
    table = np.zeros((3, 80), bool)
    table[who, times.astype(int)] = True
    raster = xr.DataArray(table, dims=("neuron", "time"), coords={"time": np.arange(80.0)})
    for spikes in (padded, raster):
        np.testing.assert_allclose(sn.LfpEst(spikes, "kernel", **places), listed, rtol=1e-12, atol=1e-20)
    both = xr.concat([padded, padded + 1.0], "point").chunk(point=1)
    with dask.config.set(scheduler=Forbidden()):
        lazy = sn.LfpEst(both, "kernel", **places)
        rate = sn.LfpEst(both, "rate", window=(0, 80))
    assert lazy.dims == ("point", "site", "time")
    np.testing.assert_array_equal(lazy.compute(scheduler="synchronous")[0], sn.LfpEst(padded, "kernel", **places))
    assert float(rate.compute(scheduler="synchronous").sum("time")[1]) == pytest.approx(4 / (3 * 1e-3))


# -- refusals ----------------------------------------------------------------------------------------------------------

ONE = currents([[1.0, 2.0]])
SPIKES = events([1.0], [0], 1, 10.0)
HERE = {"sites": [[1.0, 0.0]], "positions": [[0.0, 0.0]]}


@pytest.mark.parametrize(
    ("data", "options", "error", "words"),
    [
        (ONE, {"method": "refrence"}, UnknownNameError, "reference"),
        (ONE, {"method": "sources"}, ParameterError, "where they are"),
        (ONE, {"method": "sources", "sites": [[0, 0]], "positions": [[0, 0]]}, DataError, "lies on source 0"),
        (ONE, {"method": "sources", "sites": [[1, 0]], "positions": [[0, 0, 0]]}, DataError, "axes"),
        (ONE, {"method": "sources", "sites": [[1, 0]], "positions": [[0, 0], [3, 0]]}, DataError, "1 currents"),
        (ONE.drop_attrs(), {"method": "sources", **HERE}, UnitError, "no units"),
        (ONE.assign_attrs(units="uA/cm2"), {"method": "sources", **HERE}, UnitError, "does not convert"),
        (ONE, {"method": "sources", "sigma": 0.0, **HERE}, ParameterError, "conductivity"),
        (ONE, {"method": "sources", "radius": -1.0, **HERE}, ParameterError, "radius"),
        (ONE, {"method": "sources", "scale": 2, **HERE}, ParameterError, "no use"),
        (ONE, {"method": "sources", "sites": [[1, 0]], "positions": [[[0, 0], [0, 0]]]}, DataError, "no length"),
        (ONE, {"method": "sources", "sites": [[1, 0]], "positions": [[np.nan, 0]]}, DataError, "no coordinates"),
        (SPIKES, {}, DataError, "no trace 'i_exc'"),
        (SPIKES, {"method": "kernel"}, ParameterError, "where they are"),
        (SPIKES, {"method": "kernel", "layer": "souma", **HERE}, UnknownNameError, "soma"),
        (SPIKES, {"method": "kernel", "inhibitory": [True, False], **HERE}, DataError, "1 neurons"),
        (SPIKES, {"method": "kernel", "balanced": True, **HERE}, ParameterError, "no use"),
        (SPIKES, {"method": "rate", "dt": 0.0}, TimeError, "no interval"),
        (SPIKES, {"method": "rate", "window": (5, 5)}, TimeError, "no window"),
        (SPIKES, {"method": "rate", "sites": [[0, 0]]}, ParameterError, "no use"),
        (ONE, {"method": "rate"}, DataError, "how many neurons|no spikes|t_start"),
        (traces([[1.0]], [[1.0]], 1.0).drop_attrs(deep=True), {}, UnitError, "no units"),
    ],
)  # fmt: skip
def test_refused(data: Any, options: dict[str, Any], error: Any, words: str) -> None:
    with pytest.raises((error, TimeError), match=words):
        sn.LfpEst(data, **options)


@pytest.mark.parametrize(
    ("method", "more"),
    [
        ("reference", {"dt": 0.5}),
        ("currents", {"layer": "deep"}),
        ("rate", {"excitation": "i_ampa"}),
        ("kernel", {"sigma": 0.4}),
        ("rate", {"radius": [1.0, 2.0]}),
        ("kernel", {"balanced": True}),
        ("sources", {"inhibition": "i_gaba"}),
        ("sources", {"dt": 2.0}),
        ("sources", {"sigma": 0.4, "matrix": xr.DataArray([[1.0]], dims=("site", "source"))}),
    ],
)
def test_what_a_method_would_not_look_at_is_refused(method, more):
    with pytest.raises(ParameterError, match=f"'{next(iter(more))}': method '{method}' has no use for it"):
        sn.LfpEst(xr.Dataset(), method, **more)


def test_numbers_do_not_say_which_neurons_are_inhibitory():
    """[0, 5] could be the numbers of two neurons."""
    spikes = xr.DataArray([[1.0], [2.0]], dims=("neuron", "spike"), name="spike_time")
    places = {"sites": [[0.0, 0.0]], "positions": [[0.0, 1.0], [1.0, 1.0]]}
    with pytest.raises(DataError, match="true or false"):
        sn.LfpEst(spikes, "kernel", inhibitory=[0, 5], window=(0, 30), **places)
