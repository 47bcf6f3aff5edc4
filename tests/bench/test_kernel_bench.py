"""How fast the kernels are: neuron-steps per CPU second of one core, and seconds to the first run of a new model.

A smoke test at toy size by default.  Full size, by hand, on an idle machine:

    SNEURON_BENCH=full pytest tests/bench -s -n 0

Times are printed beside their goals and never asserted.
"""

import json
import os
import subprocess
import sys
import time
from pathlib import Path

import numpy as np
import pytest
import xarray as xr

import sneuron as sn

FULL = os.environ.get("SNEURON_BENCH") == "full"
POINTS, STEPS, REPEATS = (4096, 5000, 5) if FULL else (64, 50, 1)
KERNELS = {  # model, method, dtype, current, dt: goal in million neuron-steps per CPU second
    ("hh", "exp_euler", "float64", 10.0, 0.01): 80,
    ("hh", "exp_euler", "float32", 10.0, 0.01): 180,
    ("wang_buzsaki", "exp_euler", "float64", 1.0, 0.01): 60,
    ("pospischil_rs", "exp_euler", "float64", 3.0, 0.01): 60,
    ("adex", "euler", "float64", 800.0, 0.05): 250,
    ("adex", "euler", "float32", 800.0, 0.05): 500,
    ("lif", "exact", "float64", 500.0, 0.1): 700,
}
FIRST = """
import json, sys, time
start = time.perf_counter()
import sneuron as sn
state = sn.InitNeu({"model": "hh", "I": [10.0]})
loaded = time.perf_counter()
sn.RunSim(state, 1.0, 0.01, spikes=False)
print(json.dumps({"import": loaded - start, "first run": time.perf_counter() - loaded}))
"""


def neurons(model: str, current: float) -> xr.Dataset:
    """Many neurons that spike at different times."""
    return sn.InitNeu({"model": model, "I": xr.DataArray(np.linspace(0.9, 1.1, POINTS) * current, dims="point")})


def cpu_seconds(state: xr.Dataset, dt: float, method: str, dtype: str) -> float:
    """CPU seconds of a run of settled neurons, the best of several."""
    settled = sn.RunSim(state, 200 * dt, dt, method, dtype=dtype, spikes=False, return_state=True)[1]
    took = []
    for _ in range(REPEATS):
        start = time.process_time()
        run = sn.RunSim(settled, STEPS * dt, dt, method, dtype=dtype, spikes=False)
        took.append(time.process_time() - start)
    assert (run.status == int(sn.Status.OK)).all()
    return max(min(took), 1e-9)


@pytest.mark.bench
def test_steps_per_second() -> None:
    print(f"\n{POINTS} neurons, {STEPS} steps, spikes counted; million neuron-steps per CPU second of one core")
    for (model, method, dtype, current, dt), goal in KERNELS.items():
        state = neurons(model, current)
        rate = POINTS * STEPS / cpu_seconds(state, dt, method, dtype) / 1e6
        print(f"{model:13} {method:10} {dtype}: {rate:7.1f} (goal: {goal})")


@pytest.mark.bench
def test_what_noise_costs() -> None:
    plain = neurons("adex", 800.0)
    noisy = sn.NoiseAdd(plain, "ou", std=50.0)
    took = [cpu_seconds(state, 0.05, "euler", "float64") for state in (plain, noisy)]
    print(f"an Ornstein-Uhlenbeck current adds {took[1] / took[0] - 1:.0%} to adex (goal: 40 %)")


@pytest.mark.bench
def test_seconds_to_the_first_run(tmp_path: Path) -> None:
    environment = os.environ | {"SNEURON_CACHE_DIR": str(tmp_path)}
    for what, goal in (("cold", 5.0), ("from the cache", 1.0)):
        done = subprocess.run(
            [sys.executable, "-c", FIRST], capture_output=True, text=True, check=True, env=environment
        )
        found = json.loads(done.stdout)
        print(
            f"{what}: first run {found['first run']:.2f} s (goal: {goal:g}), after importing in {found['import']:.2f} s"
        )
        assert found["first run"] > 0
    assert list(tmp_path.glob("*.py"))
