"""How fast candidates are run: a generation is one block for each core."""

import os
import time
from pathlib import Path

import numpy as np
import pytest

import sneuron as sn
from sneuron.explore.recorded import open_recording

pytestmark = pytest.mark.bench
FULL = os.environ.get("SNEURON_BENCH") == "full"
DATA = Path(__file__).parents[2] / "workflows" / "data" / "cortex_B6.nc"
RANGES = {
    "C": sn.log(100, 300), "gL": sn.log(5, 15), "EL": (-75, -60), "VT": (-55, -45), "DT": (1, 5), "a": (-5, 10),
    "tau_w": sn.log(30, 300), "b": (10, 80), "Vr": (-65, -50), "t_ref": (0, 10), "Vcut": 0.0,
}  # fmt: skip


def test_a_generation_of_adex_candidates(tmp_path) -> None:
    """4,096 candidates against 5 sweeps of 2 s in 3 s on two idle cores (6 CPU seconds), with `SNEURON_BENCH=full`.

    Steps of 0.1 ms in float32: a search needs no more. Without it, 256 candidates and five times the share of the time,
    as a smoke test.
    """
    batch = 4096 if FULL else 256
    cell = open_recording(DATA, start="700 ms", stop="2700 ms")
    how = {"method": "random", "objective": "gamma", "batch": batch, "dt": 0.1, "dtype": "float32"}
    how |= {"scheduler": "inline", "workers": 2, "store": tmp_path / "fit", "progress": False}
    sn.FitModel(cell, "adex", RANGES, budget=batch, **how)  # compiles
    wall, cpu = time.perf_counter(), time.process_time()
    fit = sn.FitModel(cell, "adex", RANGES, budget=2 * batch, **how)
    wall, cpu = time.perf_counter() - wall, time.process_time() - cpu
    print(f"\n{batch:,} candidates x 5 sweeps x 2 s: {wall:.2f} s, {cpu:.2f} CPU seconds")
    assert fit.evals.sizes["point"] == 2 * batch
    assert np.isfinite(fit.best.loss)
    assert cpu < (6.0 if FULL else 5 * 6.0 * batch / 4096 + 2.0)
