"""How fast networks run: CPU seconds of one core for a second of their time, after building.

A smoke test at toy size by default.  Full size, by hand, on an idle machine:

    SNEURON_BENCH=full pytest tests/bench/test_network_bench.py -s -n 0

Times are printed beside their goals and never asserted.
"""

import os
import time
import tracemalloc
from typing import Any

import numpy as np
import pytest
import xarray as xr

import sneuron as sn
from sneuron.core.network import connect

FULL = os.environ.get("SNEURON_BENCH") == "full"
N, LARGE, DURATION = (4000, 12_500, 1000.0) if FULL else (200, 250, 10.0)
MANY = 1000 if FULL else 4


def wired(n: int, excitatory: int, degrees: tuple[int, int], seed: int, **wires: Any) -> xr.Dataset:
    """Every neuron has so many excitatory and inhibitory inputs."""
    rng = np.random.default_rng(seed)
    bounds = ((0, excitatory), (excitatory, n))
    pre = [rng.integers(*b, (n, k), dtype=np.int32) for b, k in zip(bounds, degrees, strict=True)]
    flat = np.concatenate(pre, axis=1).reshape(-1)
    order = np.argsort(flat, kind="stable")
    ends = {"pre": ("synapse", flat[order]), "post": ("synapse", (order // sum(degrees)).astype(np.int32))}
    return xr.Dataset({**wires, "synapse_count": ("projection", [n * k for k in degrees])}, ends)


def vogels_abbott(kind: str) -> xr.Dataset:
    rng, weights = np.random.default_rng(1), {"cuba": [16.2, -90.0], "coba": [6.0, 67.0]}[kind]
    start = {"v": rng.uniform(-60.0, -50.0, N)}
    if kind == "coba":
        start = {"v": rng.normal(-65.0, 5.0, N), "exc.g": np.maximum(rng.normal(40.0, 15.0, N), 0.0)}
        start["inh.g"] = np.maximum(rng.normal(200.0, 120.0, N), 0.0)
    cells = sn.InitNeu(
        {"model": f"vogels_abbott_{kind}", **{k: xr.DataArray(x, dims="neuron") for k, x in start.items()}}
    )
    wires: dict[str, Any] = {"weight": ("projection", weights), "receptor": ("projection", ["exc", "inh"])}
    return connect(cells, wired(N, N * 4 // 5, (N * 64 // 4000, N * 16 // 4000), 1, delay=0.1, **wires))


def brunel() -> xr.Dataset:
    n, excitatory = LARGE, LARGE * 4 // 5
    cells = sn.InitNeu("brunel").assign(EL=("neuron", np.zeros(n)))
    graph = wired(
        n, excitatory, (excitatory // 10, (n - excitatory) // 10), 1, weight=("projection", [0.1, -0.5]), delay=1.5
    )
    return connect(cells, graph)


def cpu_seconds(net: xr.Dataset, **options: Any) -> tuple[float, float]:
    """CPU seconds of a run, without compiling, for a second; and the rate in Hz."""
    sn.RunSim(net, 1.0, **options)
    start = time.process_time()
    run = sn.RunSim(net, DURATION, **options)
    took = (time.process_time() - start) * 1000.0 / DURATION
    assert (run.status == int(sn.Status.OK)).all()
    return took, float(run.spike_count.mean()) * 1000.0 / DURATION


@pytest.mark.bench
def test_a_second_of_published_networks() -> None:
    for kind, goal in (("cuba", 0.10), ("coba", 0.15)):
        for dtype in ("float64", "float32"):
            took, rate = cpu_seconds(vogels_abbott(kind), dtype=dtype)
            print(f"\n{kind} {N} {dtype}: {took:.3f} s at {rate:.1f} Hz (goal: {goal})", end="")
    start = time.process_time()
    net = brunel()
    built = time.process_time() - start
    for dtype in ("float64", "float32"):
        took, rate = cpu_seconds(net, dtype=dtype)
        print(
            f"\nbrunel {LARGE} {dtype}: {took:.2f} s at {rate:.1f} Hz (goal: 2.0), built in {built:.1f} s (goal: 7)",
            end="",
        )


@pytest.mark.bench
def test_bytes_of_a_synapse() -> None:
    net = brunel()
    held = (net.pre.nbytes + net.post.nbytes) / net.sizes["synapse"]
    sn.RunSim(net, 1.0, spikes=False)
    tracemalloc.start()
    sn.RunSim(net, 1.0, spikes=False)
    more = tracemalloc.get_traced_memory()[1]
    tracemalloc.stop()
    print(f"\n{held:.1f} bytes a synapse (goal: 8), and {more / net.sizes['synapse']:.2f} more while it runs")


@pytest.mark.bench
def test_many_small_networks() -> None:
    """Networks of 100 neurons beside one of the same number of neurons: neuron-steps per CPU second."""
    rates = []
    for points, n in ((MANY, 100), (1, 100 * MANY)):
        v = xr.DataArray(np.random.default_rng(1).uniform(-60.0, -50.0, (points, n)), dims=("point", "neuron"))
        wires = {"weight": ("projection", [16.2, -90.0]), "receptor": ("projection", ["exc", "inh"])}
        graph = wired(n, n * 4 // 5, (64, 16), 1, delay=0.5, **wires)
        took, _ = cpu_seconds(connect(sn.InitNeu({"model": "vogels_abbott_cuba", "v": v}), graph), spikes=False)
        rates.append(points * n * 10_000 / took / 1e6)
    print(f"\n{MANY} networks of 100: {rates[0]:.0f} M neuron-steps/s, {rates[0] / rates[1]:.0%} of one (goal: 50 %)")
