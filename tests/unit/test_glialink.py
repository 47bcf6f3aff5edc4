"""GliaLink: right, the same however it is cut, and refusing what cannot be."""

from typing import Any

import numpy as np
import pytest
import xarray as xr
from scipy.integrate import solve_ivp

import sneuron as sn
from sneuron.errors import DataError, ModelError, ParameterError, TimeError, UnitError, UnknownNameError


def trains(*times: Any) -> xr.DataArray:
    """Spike times of neurons."""
    room = max(len(t) for t in times)
    rows = np.full((len(times), room), np.nan)
    for row, t in zip(rows, times, strict=True):
        row[: len(t)] = t
    return xr.DataArray(rows, dims=("neuron", "spike"), name="spike_time")


def weights(values: Any, **attrs: Any) -> xr.DataArray:
    return xr.DataArray(np.asarray(values, float), dims=("astro", "neuron"), attrs=attrs)


REGULAR = trains(np.arange(5.0, 4000.0, 50.0), np.arange(1000.0, 4000.0, 20.0))


@pytest.fixture(scope="module")
def driven() -> xr.Dataset:
    cells = sn.InitNeu({"model": "gchi_fm", "glio.Ca_release": 0.3})
    found: xr.Dataset = sn.GliaLink(cells, REGULAR, 40000, weight=weights([[12, 0], [0, 12], [6, 6]]))
    return found


def test_alone_it_is_a_run() -> None:
    cells = sn.InitNeu({"model": "li_rinzel", "IP3_rest": xr.DataArray([0.2, 0.45, 0.6], dims="astro")})
    link, end = sn.GliaLink(cells, duration=5000, return_state=True)
    run, after = sn.RunSim(cells, 5000, return_state=True)
    for name in ("Ca", "IP3", "h"):
        np.testing.assert_array_equal(link[name].isel(time=-1), after[name])
    for name in ("G", "x", "Gamma", "spent", "v"):
        np.testing.assert_array_equal(end[name], after[name])
    np.testing.assert_array_equal(link.spike_count, run.spike_count)
    assert link.sic.attrs["units"] == "pA"
    assert link.gliotransmitter.attrs["units"] == "uM"


def test_spikes_make_ip3_and_calcium(driven: xr.Dataset) -> None:
    assert (driven.spike_count.values > 0).all()
    first = driven.spike_time.isel(spike=0).values
    assert first[1] > first[0]
    assert (driven.IP3.max("time") > 2 * driven.IP3.isel(time=0)).all()


def test_what_a_spike_adds_is_exact() -> None:
    """Each spike adds 0.2 nM of IP3, which decays in 7142 ms (NEST's astrocyte_lr_1994)."""
    times = np.array([3.0, 250.0, 250.0, 990.0])
    link = sn.GliaLink(sn.InitNeu("li_rinzel"), trains(times), 2000, weight=weights([[3.0]]))
    arrives = 10.0 * (np.floor(times / 10.0) + 1.0)  # a spike on the edge of a step lies in the step that begins there
    t = link.time.values[:, None]
    expected = 0.16 + np.where(t >= arrives, 3 * 0.0002 * np.exp(-(t - arrives) / 7142.0), 0.0).sum(1)
    np.testing.assert_allclose(link.IP3.isel(astro=0), expected, rtol=1e-11)


def test_all_layouts_of_activity_are_one(driven: xr.Dataset) -> None:
    cells = sn.InitNeu({"model": "gchi_fm", "glio.Ca_release": 0.3})
    table = weights([[12, 0], [0, 12], [6, 6]])
    point, place = np.nonzero(~np.isnan(REGULAR.values))
    events = xr.Dataset(
        {"event_time": ("event", REGULAR.values[point, place]), "event_neuron": ("event", point.astype(np.int32))}
    )
    steps = np.zeros((2, 4000), bool)
    steps[point, (REGULAR.values[point, place] // 1).astype(int)] = True
    raster = xr.DataArray(steps, dims=("neuron", "time"), coords={"time": np.arange(4000.0)})
    graph = sn.ConnMat(table.rename(astro="post", neuron="pre"), delay=1.0)
    for activity, weight in ((events, table), (raster, table), (REGULAR, graph)):
        again = sn.GliaLink(cells, activity, 40000, weight=weight)
        np.testing.assert_array_equal(again.Ca, driven.Ca)


def test_rates_are_what_many_spikes_are() -> None:
    """Glutamate of a neuron at a constant rate: weight rate / clearance (40 per s)."""
    rates = xr.DataArray([20.0, 5.0], dims="neuron", attrs={"units": "Hz"})
    link, end = sn.GliaLink(sn.InitNeu("gchi"), rates, 3000, weight=weights([[2, 0], [0, 2]]), return_state=True)
    dt, clear = 10.0, 0.04
    decay = 1 - clear * dt + (clear * dt) ** 2 / 2 - (clear * dt) ** 3 / 6 + (clear * dt) ** 4 / 24  # of rk4
    np.testing.assert_allclose(end.glutamate, 2 * np.array([20.0, 5.0]) * 1e-3 * dt / (1 - decay), rtol=1e-12)
    changing = xr.DataArray([[20.0, 0.0]], dims=("neuron", "time"), coords={"time": [0.0, 1500.0]})
    step = sn.GliaLink(sn.InitNeu("gchi"), changing, 3000, weight=weights([[2]]))
    np.testing.assert_array_equal(step.Ca.isel(astro=0, time=slice(151)), link.Ca.isel(astro=0, time=slice(151)))
    assert float(step.IP3.isel(astro=0, time=-1)) < float(link.IP3.isel(astro=0, time=-1))


@pytest.mark.parametrize(("law", "extra"), [("linear", {"rate": 2e-4}), ("threshold", {})])
def test_exchange_is_of_second_order(law: str, extra: dict[str, float]) -> None:
    """Beside the whole system, solved at once by SciPy."""
    ring = sn.ConnMat(3, "ring", k=2)
    ip3 = xr.DataArray([1.0, 0.3, 0.1], dims="astro")
    cells = sn.InitNeu({"model": "li_rinzel", "IP3": ip3, "glio.Ca_release": 100.0})
    values = {"rate": 9e-5, "threshold": 0.3, "scale": 0.05} | extra
    exact = _solved(cells, law, values, 4000.0)
    error = []
    for dt in (40.0, 20.0, 10.0):
        given = {"law": law, **extra}
        link = sn.GliaLink(
            cells, duration=4000, dt=dt, method="rk4", coupling=ring, exchange=given, allow_unstable=True
        )
        error.append(np.abs(link.IP3.isel(time=-1).values - exact).max())
    assert error[2] < 2e-5
    assert error[0] / error[1] == pytest.approx(4.0, rel=0.25)
    assert error[1] / error[2] == pytest.approx(4.0, rel=0.25)


def _solved(cells: xr.Dataset, law: str, values: dict[str, float], stop: float) -> Any:
    """IP3 that decays and flows around a ring of three; calcium has no say in it."""

    def flow(d: Any) -> Any:
        if law == "linear":
            return values["rate"] * d
        opened = 1 + np.tanh((np.abs(d) - values["threshold"]) / values["scale"])
        return values["rate"] / 2 * opened * np.sign(d)

    def slope(_: float, i: Any) -> Any:
        return (0.16 - i) / 7142.0 + sum(flow(np.roll(i, k) - i) for k in (1, 2))

    return solve_ivp(slope, (0, stop), cells.IP3.values, rtol=1e-10, atol=1e-11, max_step=20.0).y[:, -1]


def test_exchange_keeps_ip3() -> None:
    """Both ways between each two: what one loses the other wins."""
    graph = sn.ConnMat(20, "watts_strogatz", k=4, p=0.3, seed=1)
    ip3 = xr.DataArray(np.linspace(0.1, 2.0, 20), dims="astro")
    cells = sn.InitNeu({"model": "li_rinzel", "IP3": ip3, "ip3.tau": 1e9})
    link = sn.GliaLink(cells, duration=3000, coupling=graph, exchange={"law": "linear", "rate": 1e-3})
    total = link.IP3.sum("astro")
    np.testing.assert_allclose(total, total[0], rtol=1e-4)
    assert float(link.IP3.isel(time=-1).std("astro")) < 0.1 * float(ip3.std())


def test_a_wave_runs_along_a_line() -> None:
    """One astrocyte is stimulated; others follow, the farther the later, and nobody is reached without coupling."""
    glu = xr.DataArray(np.r_[5.0, np.zeros(5)], dims="astro")
    cells = sn.InitNeu({"model": "gchi_fm", "glu_rest": glu, "glio.Ca_release": 0.3})
    edges = [0, 1, 1, 2, 2, 3, 3, 4, 4, 5], [1, 0, 2, 1, 3, 2, 4, 3, 5, 4]
    line = sn.ConnMat(6, "edges", pre=edges[0], post=edges[1])
    run = {"duration": 60000, "dt": 20.0, "exchange": {"law": "linear", "rate": "1 Hz"}}
    link = sn.GliaLink(cells, coupling=line, **run)
    first = link.spike_time.isel(spike=0)
    reached = int(np.isfinite(first).sum())
    assert reached >= 2
    assert (np.diff(first[:reached]) > 0).all()
    assert (sn.GliaLink(cells, duration=60000, dt=20.0).spike_count.values[1:] == 0).all()


@pytest.fixture(scope="module")
def cut() -> dict[str, Any]:
    """A link with everything in it, and what it takes."""
    ring = sn.ConnMat(3, "ring", k=2)
    back = xr.DataArray([[1.0, 0.5, 0.0]], dims=("neuron", "astro"))
    cells = sn.InitNeu({"model": "gchi_fm", "glio.Ca_release": 0.3, "glu_rest": [0.0, 0.5]})
    options = {
        "weight": weights([[12, 0], [0, 12], [6, 6]]), "coupling": ring, "sic_weight": back,
        "exchange": {"law": "threshold", "threshold": 0.02},
    }  # fmt: skip
    return {"cells": cells, "options": options, "whole": sn.GliaLink(cells, REGULAR, 20000, **options)}


def test_shorter_runs_are_the_longer_one(cut: dict[str, Any]) -> None:
    state, begun, parts = cut["cells"], 0.0, []
    for stop in (1230.0, 5000.0, 20000.0):
        some = REGULAR.where(np.clip(REGULAR, begun, stop - 1e-9) == REGULAR)
        part, state = sn.GliaLink(state, some, stop - begun, return_state=True, **cut["options"])
        parts.append(part.isel(time=slice(1, None)))
        begun = stop
    for name in ("Ca", "IP3", "bound", "sic_current"):
        together = xr.concat([p[name] for p in parts], "time")
        np.testing.assert_array_equal(together, cut["whole"][name].isel(time=slice(1, None)))
    spikes = np.concatenate([p.spike_time.values for p in parts], axis=-1)
    assert np.nansum(spikes) == np.nansum(cut["whole"].spike_time)


def test_points_have_the_same_bits_alone(cut: dict[str, Any]) -> None:
    alone = sn.GliaLink(cut["cells"].isel(glu_rest=[1]), REGULAR, 20000, **cut["options"])
    for name in ("Ca", "IP3", "sic_current"):
        np.testing.assert_array_equal(alone[name].isel(glu_rest=0), cut["whole"][name].isel(glu_rest=1))


def test_points_of_graphs_and_of_neurons_are_points(cut: dict[str, Any]) -> None:
    """Two sets of weights, two sets of trains, in one call, are what each is alone."""
    both = xr.concat([REGULAR, REGULAR + 10.0], "trial").rename("spike_time")
    table = xr.concat([cut["options"]["weight"], 0.5 * cut["options"]["weight"]], "strength")
    cells = cut["cells"].isel(glu_rest=0)
    found = sn.GliaLink(cells, both, 6000, weight=table)
    assert set(found.Ca.dims) == {"trial", "strength", "astro", "time"}
    for k, j in ((0, 1), (1, 0)):
        alone = sn.GliaLink(cells, both.isel(trial=k), 6000, weight=table.isel(strength=j))
        np.testing.assert_array_equal(found.Ca.sel(trial=k, strength=j).transpose("astro", "time"), alone.Ca)


def test_sic_is_the_logarithm_above_its_threshold(cut: dict[str, Any]) -> None:
    whole = cut["whole"]
    above = (whole.Ca - 0.19669) * 1000
    expected = np.log(above.where(above > 1.0, 1.0))
    np.testing.assert_allclose(whole.sic, expected, rtol=1e-12, atol=1e-12)
    np.testing.assert_allclose(whole.sic_current.isel(neuron=0), expected.isel(astro=0) + 0.5 * expected.isel(astro=1))
    assert float(whole.sic_current.max()) > 3.0


def test_sic_drives_a_neuron(cut: dict[str, Any]) -> None:
    """The current of the astrocytes is injected as it is."""
    current = (100.0 * cut["whole"].sic_current.isel(glu_rest=0, neuron=0, drop=True)).assign_attrs(units="pA")
    cell = sn.InjCur(sn.InitNeu({"model": "lif", "I": 0.0}), sn.replay(current))
    run = sn.RunSim(cell, 20000, dt=0.5)
    assert float(run.spike_count) > 0
    open_ = current.time.values[current.values > 0]
    assert ((run.spike_time.values >= open_[0]) & (run.spike_time.values <= open_[-1] + 100)).all()


def test_a_release_binds_receptors(driven: xr.Dataset) -> None:
    """The first release: U of all gliotransmitter, 78 uM; then receptors that depress release (alpha 0 below 0.6)."""
    one = driven.isel(astro=0)
    when = float(one.spike_time.isel(spike=0))
    k = int(np.searchsorted(one.time.values, when))
    left = 78.0 * np.exp(-0.06 * (one.time.values[k] - (np.ceil(when / 10) * 10)))
    assert float(one.gliotransmitter[k]) == pytest.approx(left, rel=1e-9)
    assert (one.bound.values[:k] == 0).all()
    np.testing.assert_allclose(one.release, 0.6 * (1 - one.bound), rtol=1e-12)
    assert float(one.bound.max()) > 0.5


def test_alpha_decides_between_depression_and_facilitation() -> None:
    alpha = xr.DataArray([0.0, 0.6, 1.0], dims="nature")
    cells = sn.InitNeu({"model": "gchi_fm", "glio.Ca_release": 0.3, "glu_rest": 5.0, "glio.alpha": alpha})
    change = sn.GliaLink(cells, duration=30000).release.isel(time=-1) - 0.6
    assert float(change[0]) < -0.1
    assert float(change[1]) == pytest.approx(0.0, abs=1e-12)
    assert float(change[2]) > 0.1


def test_a_failed_astrocyte_is_data() -> None:
    cells = sn.InitNeu({"model": "li_rinzel", "IP3_rest": xr.DataArray([0.2, 0.5], dims="astro")})
    link = sn.GliaLink(cells.assign(G=xr.DataArray([0.0, 5.0], dims="astro")), duration=3000, dt=60.0,
                       allow_unstable=True)  # fmt: skip
    assert link.status.values.tolist() == [1, 3]
    assert np.isfinite(link.Ca.values[0]).all()
    assert np.isnan(link.Ca.values[1, -1])
    assert np.isnan(link.spike_count.values[1])


@pytest.mark.parametrize(
    ("options", "error", "words"),
    [
        ({"activity": REGULAR}, ParameterError, "'weight' is missing"),
        ({"weight": weights([[1, 1]])}, ParameterError, "'activity' is missing"),
        ({"activity": REGULAR, "weight": weights([[1, 1]]), "duration": 100}, TimeError, "there is a spike at"),
        ({"activity": REGULAR, "weight": weights([[1]])}, DataError, "neuron 1 is not among the 1"),
        ({"activity": REGULAR, "weight": weights([[1, 1]], units="mV")}, UnitError, "mV"),
        ({"activity": REGULAR, "weight": [[1, 1]]}, DataError, "does not say how many astrocytes"),
        ({"activity": REGULAR, "weight": weights([[1, 1]]), "receptor": "gaba"}, UnknownNameError, "gaba"),
        ({"activity": {"no": 1}, "weight": weights([[1, 1]])}, DataError, "holds no spikes and no rates"),
        ({"coupling": sn.ConnMat(3, "ring", k=2), "exchange": "thresold"}, UnknownNameError, "threshold"),
        ({"coupling": sn.ConnMat(3, "ring", k=2), "exchange": {"law": "linear", "rat": 1}}, UnknownNameError, "rate"),
        ({"coupling": sn.ConnMat(3, "ring", k=2), "exchange": {"law": "linear", "rate": 1.0}}, TimeError, "too long"),
        ({"coupling": sn.ConnMat(3, "ring", k=2), "exchange": {"rate": -1.0}}, ParameterError, "above 0"),
        ({"duration": None}, TimeError, "how long"),
        ({"every": 0}, ParameterError, "every"),
        ({"method": "tsit5"}, (ModelError, DataError), "tsit5|own steps"),
        ({"dt": 500.0}, TimeError, "beyond what"),
    ],
)  # fmt: skip
def test_refused(options: dict[str, Any], error: Any, words: str) -> None:
    with pytest.raises(error, match=words):
        sn.GliaLink(sn.InitNeu("gchi"), **{"duration": 5000, **options})


def test_refused_states_and_graphs() -> None:
    with pytest.raises(ModelError, match="no calcium"):
        sn.GliaLink(sn.InitNeu("hh"), duration=10)
    with pytest.raises(DataError, match="is not a state"):
        sn.GliaLink("gchi", duration=10)
    far = sn.ConnMat((2, 3), "all_to_all", delay=30.0)
    with pytest.raises(DataError, match="longer than a step"):
        sn.GliaLink(sn.InitNeu("gchi"), REGULAR, 5000, weight=far)
    two = sn.InitNeu({"model": "gchi", "glu_rest": xr.DataArray([0.0, 1.0], dims="astro")})
    with pytest.raises(DataError, match="of 3 astrocytes, not of 2"):
        sn.GliaLink(two, duration=10, coupling=sn.ConnMat(3, "ring", k=2))
