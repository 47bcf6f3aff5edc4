"""Sobol' indices of 20 parameters, N = 2^14, three outputs: time and memory of the analysis beside SALib's, in one run.

Skipped where SALib is not installed (`pip install SALib`). By hand, on an idle machine:

    pytest tests/bench/test_sensitivity_bench.py -s -n 0

CPU seconds of the analysis alone: the model has been evaluated before, at as many points for both. The ratios of one
run are asserted; they hardly depend on what else the machine does.
"""

import time
import tracemalloc
from collections.abc import Callable
from typing import Any

import numpy as np
import pytest
import xarray as xr

import sneuron as sn

PARAMS, ROWS = 20, 2**14
NAMES = [f"x{k}" for k in range(PARAMS)]
WEIGHTS = np.linspace(1.0, 0.05, PARAMS)
FASTER, LEANER = 20, 50


def outputs(x: np.ndarray) -> list[np.ndarray]:
    """Three functions of 20 parameters (last axis)."""
    line = x @ WEIGHTS
    return [line, np.exp(0.5 * line), np.prod(1 + 0.3 * WEIGHTS * (np.abs(4 * x - 2) - 1), axis=-1)]


def cost(work: Callable[[], Any]) -> tuple[float, int, Any]:
    """CPU seconds (of a run without tracing), most bytes held at a time, and what came out."""
    start = time.process_time()
    found = work()
    seconds = time.process_time() - start
    tracemalloc.start()
    work()
    held = tracemalloc.get_traced_memory()[1]
    tracemalloc.stop()
    return seconds, held, found


def ours() -> xr.Dataset:
    points = sn.design_points(sn.pick_freeze(ROWS, dict.fromkeys(NAMES, (0.0, 1.0))))
    x = np.stack([points[n].values for n in NAMES], axis=-1)
    return points.assign({f"y{k}": (points.x0.dims, y) for k, y in enumerate(outputs(x))})


@pytest.mark.bench
def test_sobol_indices_against_salib() -> None:
    pytest.importorskip("SALib")
    from SALib.analyze import sobol as analyze
    from SALib.sample import sobol as sample

    problem = {"num_vars": PARAMS, "names": NAMES, "bounds": [[0.0, 1.0]] * PARAMS}
    theirs = outputs(sample.sample(problem, ROWS, calc_second_order=False, seed=1))
    data = ours()
    assert data.y0.size == theirs[0].size

    def salib() -> list[Any]:
        return [analyze.analyze(problem, y, calc_second_order=False, seed=1) for y in theirs]

    sn.SensAnal(data.isel(row=slice(0, 64)))  # imports are no part of either
    seconds, held, found = cost(lambda: sn.SensAnal(data))
    their_seconds, their_held, their = cost(salib)
    print(
        f"\nsneuron {seconds:.3f} s, {held / 1e6:.2f} MB; SALib {their_seconds:.3f} s, {their_held / 1e6:.1f} MB: "
        f"{their_seconds / seconds:.0f} times faster, {their_held / held:.0f} times less memory"
    )
    for k in range(3):
        np.testing.assert_allclose(found.ST.sel(output=f"y{k}"), their[k]["ST"], atol=0.02)
        np.testing.assert_allclose(found.S1.sel(output=f"y{k}"), their[k]["S1"], atol=0.02)
    assert their_seconds > FASTER * seconds
    assert their_held > LEANER * held
