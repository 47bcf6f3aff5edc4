"""What a sweep costs end to end, against its own bare kernel; and what a plan of 1e8 points costs its client.

A smoke test at toy size by default.  Full size, by hand, on an idle machine:

    SNEURON_BENCH=full pytest tests/bench -s

Times are printed beside their goals and never asserted.
"""

import os
import resource
import time
from pathlib import Path
from typing import Any

import numpy as np
import psutil
import pytest
from distributed import Client, LocalCluster

import sneuron as sn
from sneuron.explore.cluster import Place
from sneuron.explore.plan import Plan

FULL = os.environ.get("SNEURON_BENCH") == "full"
SIDE, DURATION, DT = (100, 200.0, 0.01) if FULL else (8, 5.0, 0.01)


def ranges(side: int) -> dict[str, Any]:
    return {"gNa": sn.grid(80, 160, side), "gK": sn.log(20, 60, side)}


def bare_seconds() -> float:
    """CPU seconds of the kernel alone for all points of the sweep, without labels, blocks or files."""
    axes = {"gNa": np.linspace(80, 160, SIDE), "gK": np.geomspace(20, 60, SIDE)}
    state = sn.InitNeu({"model": "hh", "I": 10.0, **axes})
    sn.RunSim(state, DT, DT, spikes=False)
    start = time.process_time()
    sn.RunSim(state, DURATION, DT, spikes=False)
    return time.process_time() - start


def cpu_seconds() -> float:
    """CPU seconds that this process and its workers have used so far."""
    me = psutil.Process()
    return sum(sum(p.cpu_times()[:2]) for p in (me, *me.children(recursive=True)))


@pytest.mark.bench
def test_a_sweep_of_hodgkin_huxley_neurons(tmp_path: Path) -> None:
    took, used = [], []
    with (
        LocalCluster(n_workers=2, threads_per_worker=1, dashboard_address=None) as cluster,
        Client(cluster) as client,
    ):
        for k in range(5 if FULL else 2):
            start, before = time.perf_counter(), cpu_seconds()
            ds = sn.ParamSweep(
                ranges(SIDE), model="hh", stimulus=10.0, duration=DURATION, dt=DT,
                store=tmp_path / f"study{k}", client=client, block_seconds=1.0,
            )  # fmt: skip
            took.append(time.perf_counter() - start)
            used.append(cpu_seconds() - before)
    bare = min(bare_seconds() for _ in range(3))
    print(f"{SIDE**2} HH points of {DURATION:g} ms: {SIDE**2 / min(took):.0f} points/s end to end (goal: 6000)")
    print(f"bare kernel against all CPU time of the sweep: {bare / min(used):.0%} (goal: 90 %)")
    assert bool((ds.status == 1).all())
    assert int(ds.spike_count.sum()) > 0


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
