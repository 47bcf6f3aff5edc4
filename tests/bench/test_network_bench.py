"""How fast networks run: CPU seconds of one core for a second of their time, after building.

A smoke test at toy size by default.  Full size, by hand, on an idle machine:

    SNEURON_BENCH=full pytest tests/bench/test_network_bench.py -s -n 0

Times are printed beside their goals and never asserted.
"""

import os
import time
import tracemalloc
from typing import Any

import pytest
import xarray as xr

import sneuron as sn

FULL = os.environ.get("SNEURON_BENCH") == "full"
N, LARGE, DURATION = (4000, 12_500, 1000.0) if FULL else (200, 250, 10.0)
MANY = 1000 if FULL else 4


def vogels_abbott(kind: str) -> xr.Dataset:
    """Seed 12 is active."""
    return sn.BuildNet(f"vogels_abbott_{kind}", seed=12, changes={"e.size": N * 4 // 5, "i.size": N // 5})


def brunel() -> xr.Dataset:
    n = LARGE * 4 // 5
    rules = {f"{a}{b}.k": (n if a == "e" else LARGE // 5) // 10 for a in "ei" for b in "ei"}
    return sn.BuildNet("brunel", seed=1, changes={"e.size": n, "i.size": LARGE // 5, **rules})


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
        rules = {f"{a}{b}.p": (64 if a == "e" else 16) / n for a in "ei" for b in "ei"}
        sizes = {"e.size": n * 4 // 5, "i.size": n // 5}
        net = sn.BuildNet("vogels_abbott_cuba", seed=list(range(points)), changes={**sizes, **rules})
        took, _ = cpu_seconds(net.assign(delay=0.5), spikes=False)
        rates.append(points * n * 10_000 / took / 1e6)
    print(f"\n{MANY} networks of 100: {rates[0]:.0f} M neuron-steps/s, {rates[0] / rates[1]:.0%} of one (goal: 50 %)")


@pytest.mark.bench
def test_a_neuron_that_learns() -> None:
    """100 s of Song's neuron with 1000 plastic synapses; at full size their weights have two peaks after 1000 s."""
    net = sn.BuildNet("song_2000", seed=1)
    took, rate = cpu_seconds(net, spikes=False)
    print(f"\nsong_2000: {took * 100:.2f} s for 100 s, at {rate:.0f} Hz (goal: 1.5)", end="")
    if FULL:
        weights = sn.RunSim(net, 1e6, spikes=False, return_state=True)[1].weight.values[:1000] / 0.15
        outer, middle = (((weights < 0.1) | (weights > 0.9)).mean(), ((weights > 0.4) & (weights < 0.6)).mean())
        print(f"; {outer:.0%} of the weights near their bounds, {middle:.0%} between", end="")
        assert outer > 0.6 > 10 * middle
