"""What a sweep costs end to end, against its own bare kernel; and what a plan of 1e8 points costs its client.

A smoke test at toy size by default.  Full size, by hand, on an idle machine:

    SNEURON_BENCH=full pytest tests/bench -s -n 0

Times are printed beside their goals and never asserted.
"""

import os
import resource
import time
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from distributed import Client

import sneuron as sn
from sneuron.explore.cluster import Embedded, Place
from sneuron.explore.plan import Plan

FULL = os.environ.get("SNEURON_BENCH") == "full"
SIDE, LONG_SIDE, DURATION, DT = (100, 280, 200.0, 0.01) if FULL else (8, 8, 5.0, 0.01)


def ranges(side: int) -> dict[str, Any]:
    return {"gNa": sn.grid(80, 160, side), "gK": sn.log(20, 60, side)}


def bare_kernel(side: int) -> float:
    """Seconds of the kernel alone for all points of a sweep, without labels, blocks or files, on one core."""
    axes = {"gNa": np.linspace(80, 160, side), "gK": np.geomspace(20, 60, side)}
    state = sn.InitNeu({"model": "hh", "I": 10.0, **axes})
    sn.RunSim(state, DT, DT, spikes=False)
    start = time.perf_counter()
    sn.RunSim(state, DURATION, DT, spikes=False)
    return time.perf_counter() - start


def swept(side: int, store: Path, client: Any, block_seconds: float) -> float:
    """Seconds of the whole sweep, end to end."""
    start = time.perf_counter()
    ds = sn.ParamSweep(
        ranges(side), model="hh", stimulus=10.0, duration=DURATION, dt=DT, store=store, client=client,
        block_seconds=block_seconds,
    )  # fmt: skip
    seconds = time.perf_counter() - start
    assert bool((ds.status == 1).all())
    assert int(ds.spike_count.sum()) > 0
    return seconds


@pytest.mark.bench
def test_sweeps_of_hodgkin_huxley_neurons(tmp_path: Path) -> None:
    bare = min(bare_kernel(LONG_SIDE) for _ in range(3))
    embedded = Embedded(2, None)
    try:
        with Client(embedded.address, set_as_default=False) as client:
            swept(SIDE, tmp_path / "warm", client, 1.0)
            short = min(swept(SIDE, tmp_path / f"short{k}", client, 1.0) for k in range(3))
            long = min(swept(LONG_SIDE, tmp_path / f"long{k}", client, 2.0) for k in range(3))
    finally:
        embedded.close()
    print(f"{SIDE**2} HH points of {DURATION:g} ms: {SIDE**2 / short:.0f} points/s end to end (goal: 6000)")
    print(
        f"{LONG_SIDE**2} HH points on 2 cores: {long:.2f} s end to end, bare kernel {bare:.2f} s on one core: "
        f"{bare / 2 / long:.0%} (goal: 90 %)"
    )


@pytest.mark.bench
def test_a_plan_of_1e8_points(tmp_path: Path) -> None:
    sn.RunSim(sn.InitNeu({"model": "hh", "I": 10.0}), 0.02, DT)
    before = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    start = time.perf_counter()
    plan = Plan.make({"gNa": sn.grid(80, 160, 10_000), "gK": sn.grid(20, 60, 10_000)}, duration=1, dt=DT)
    study = sn.Study.create(plan, tmp_path / "study", place=Place(scheduler="inline"))
    ds = study.data
    seconds = time.perf_counter() - start
    grown = (resource.getrusage(resource.RUSAGE_SELF).ru_maxrss - before) / 1024
    print(f"1e8 points planned and opened: {seconds:.2f} s (goal: 1 s), {grown:.0f} MB more (goal: 200 MB)")
    assert ds.sizes == {"gNa": 10_000, "gK": 10_000}
    assert np.asarray(ds.status[:2, 0]).tolist() == [0, 0]
