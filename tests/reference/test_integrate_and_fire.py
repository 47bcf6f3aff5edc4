"""Integrate-and-fire neurons against closed forms, published schemes and other simulators."""

import json
import math
from pathlib import Path

import numpy as np
import pytest
import xarray as xr

import sneuron as sn
from sneuron.lang.algebra import rest_points
from sneuron.lang.model import load_model

DATA = Path(__file__).parent / "data"
LIF = json.loads((DATA / "lif.json").read_text())


@pytest.mark.parametrize("dt", [0.1, 0.025, 0.37, 5.0])
def test_rate_of_leaky_neurons_in_closed_form(dt: float) -> None:
    """f = 1 / (t_ref + tau log(R I / (R I - theta))): tau 20 ms, t_ref 2 ms, theta 20 mV, reset 0."""
    params = {"C": 20.0, "gL": 1.0, "EL": 0.0, "Vth": 20.0, "Vr": 0.0, "t_ref": 2.0, "I": [25.0, 30.0, 40.0]}
    run = sn.RunSim(sn.InitNeu({"model": "lif", **params}), 200 * dt * round(5.0 / dt), dt, "exact")
    last = np.array([np.diff(t[~np.isnan(t)])[-1] for t in run.spike_time.values])
    closed = [1000.0 / (2.0 + 20.0 * math.log(i / (i - 20.0))) for i in (25.0, 30.0, 40.0)]
    np.testing.assert_allclose(1000.0 / last, closed, rtol=1e-9)
    np.testing.assert_allclose(1000.0 / last, [29.2494, 41.7149, 63.0400], rtol=1e-6)


@pytest.mark.parametrize("dt", [0.1, 0.05, 1.0])
def test_leaky_neurons_against_nine_currents(dt: float) -> None:
    given, expected = LIF["inputs"], LIF["expected"]
    params = {
        "C": given["tau_ms"] / given["R_MOhm"] * 1e3, "gL": 1e3 / given["R_MOhm"], "EL": given["v_rest_mV"],
        "Vth": given["v_thresh_mV"], "Vr": given["v_reset_mV"], "t_ref": given["t_ref_ms"],
    }  # fmt: skip
    cell = sn.InitNeu({"model": "lif", **params, "I": [f"{i} nA" for i in given["I_nA"]]})
    run = sn.RunSim(cell, given["duration_ms"], dt, "exact")
    np.testing.assert_array_equal(run.spike_count, expected["n_spikes_in_duration"])
    for k, latency in enumerate(expected["first_spike_latency_ms"]):
        train = run.spike_time.values[k]
        train = train[~np.isnan(train)]
        if latency is None:
            assert train.size == 0
            continue
        assert train[0] == pytest.approx(latency, rel=1e-9, abs=1e-7)
        np.testing.assert_allclose(np.diff(train), expected["isi_ms"][k], rtol=1e-8)


def test_first_spike_of_a_leaky_neuron() -> None:
    cell = sn.InitNeu({"model": "lif", "EL": 0.0, "Vth": 20.0, "Vr": 0.0, "C": 20.0, "gL": 1.0, "I": 30.0})
    assert sn.RunSim(cell, 30.0, 0.1).spike_time[0].item() == pytest.approx(20.0 * math.log(3.0), rel=1e-12)


def test_rate_limit_of_the_refractory_time() -> None:
    cell = sn.InitNeu({"model": "lif", "I": "1 uA", "t_ref": [1.0, 2.5]})
    run = sn.RunSim(cell, 1000.0, 0.1, "exact")
    waits = 10.0 * math.log(1.0 / (1.0 - 15.0 / 40_000.0))
    np.testing.assert_allclose(run.spike_count, [1000.0 / (1.0 + waits), 1000.0 / (2.5 + waits)], atol=1)


# spikes in 600 ms at dt 0.1, at 0.01; first spike, intervals (ms): Brian2 2.9.0, Euler
NAUD = {
    "tonic": (60, 62, 14.26, [8.98, 9.14, 9.26]),
    "adaptation": (12, 12, 14.94, [11.31, 14.42, 19.66]),
    "initial_burst": (12, 12, 5.50, [3.47, 7.37, 54.79]),
    "regular_bursting": (11, 11, 16.20, [2.97, 5.18, 131.78]),
    "delayed_accelerating": (45, 46, 33.61, [20.64, 19.12, 17.97]),
    "delayed_regular_bursting": (32, 32, 57.22, [3.26, 4.35, 7.37]),
    "transient": (1, 1, 30.32, []),
    "irregular": (None, None, 15.68, [3.49, 4.51, 6.72]),  # chaotic: the count depends on rounding
}


@pytest.mark.parametrize("dt", [0.1, 0.01])
def test_firing_patterns_of_the_exponential_neuron(dt: float) -> None:
    """Naud, Marcille, Clopath & Gerstner 2008, table 1 (doi:10.1007/s00422-008-0264-7); spikes are cut at 0 mV."""
    for name, (coarse, fine, first, intervals) in NAUD.items():
        run = sn.RunSim(sn.InjCur(sn.InitNeu(f"adex_{name}"), "protocol"), 600.0, dt, "euler")
        expected = coarse if dt == 0.1 else fine
        assert expected is None or run.spike_count == expected
        if dt == 0.01:
            assert run.spike_time[0] == pytest.approx(first, abs=0.02)
            np.testing.assert_allclose(np.diff(run.spike_time)[: len(intervals)], intervals, atol=0.02)


def test_saddle_node_of_the_exponential_neuron() -> None:
    """Touboul & Brette 2008 (doi:10.1007/s00422-008-0267-4): with the parameters of 2005 rest is lost at 627.3 pA."""
    adex = load_model("adex")
    stable = {i: [p.stable for p in rest_points(adex, {"I": i}, -80.0, -40.0)] for i in (626.9, 627.25, 627.5)}
    assert stable == {626.9: [True, False], 627.25: [False, False], 627.5: []}
    v = [rest_points(adex, {"I": i}, -80.0, -40.0)[0].state["v"] for i in (620.0, 626.0)]
    cell = sn.InitNeu([{"model": "adex", "I": i, "v": x} for i, x in ((620.0, v[0]), (626.0, v[1]), (630.0, v[1]))])
    count = sn.RunSim(cell, 2000.0, 0.05).spike_count
    np.testing.assert_array_equal(count > 0, [False, False, True])


IZHIKEVICH = {  # a b c d: the figure of Izhikevich 2003; spikes in 1 s at I = 10: published scheme, Euler at 0.01 ms
    "RS": ([0.02, 0.2, -65.0, 8.0], 20, 23),
    "IB": ([0.02, 0.2, -55.0, 4.0], 27, 34),
    "CH": ([0.02, 0.2, -50.0, 2.0], 43, 87),
    "FS": ([0.1, 0.2, -65.0, 2.0], 63, 136),
    "LTS": ([0.02, 0.25, -65.0, 2.0], 44, 78),
    "RZ": ([0.1, 0.26, -65.0, 2.0], 80, 195),
    "TC": ([0.02, 0.25, -65.0, 0.05], 67, 275),
}


def published(point: list[float], change: float = 0.0, stop: int = 1000) -> list[int]:
    """Steps in which the published scheme, written out, spikes; `change` moves the start."""
    a, b, c, d = point
    v, spikes = -65.0 + change, []
    u = b * v
    for k in range(stop):
        for _ in range(2):
            v += 0.5 * (0.04 * v * v + 5 * v + 140 - u + 10.0)
        u += a * (b * v - u)
        if v >= 30:
            v, u = c, u + d
            spikes.append(k)
    return spikes


def simple(model: str, duration: float) -> xr.Dataset:
    points = [dict(zip("abcd", row[0], strict=True)) for row in IZHIKEVICH.values()]
    return sn.RunSim(sn.InitNeu([{"model": model, "I": 10.0, **p} for p in points]), duration)


def test_converged_counts_of_the_simple_model() -> None:
    run = simple("izhikevich", 1000.0)
    assert run.attrs["dt"] == 0.01
    np.testing.assert_array_equal(run.spike_count, [row[2] for row in IZHIKEVICH.values()])


def test_published_counts_of_the_simple_model() -> None:
    """The published scheme is so coarse that rounding decides on later spikes: the spread is taken from the scheme."""
    run = simple("izhikevich_2003", 1000.0)
    assert run.attrs["dt"] == 1.0
    for k, (name, (point, count, _)) in enumerate(IZHIKEVICH.items()):
        assert abs(len(published(point)) - count) <= 1
        spread = [len(published(point, change * 1e-13)) for change in range(-60, 61)]
        low, high = min(spread), max(spread)
        assert low - 1 <= run.spike_count[k] <= high + 1
        assert low <= count <= high + 1
        if name in ("RS", "CH"):
            assert abs(run.spike_count[k] - count) <= 1


def test_the_published_scheme_step_by_step() -> None:
    run = simple("izhikevich_2003", 60.0)
    for k, (point, _, _) in enumerate(IZHIKEVICH.values()):
        train = run.spike_time.values[k]
        steps = np.ceil(train[~np.isnan(train)]).astype(int) - 1
        np.testing.assert_array_equal(steps, published(point, stop=60))
