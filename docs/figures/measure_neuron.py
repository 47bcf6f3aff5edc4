"""CPU time and spike times of NEURON on the sweep of `work_precision.py`; run by a Python that has NEURON.

    python docs/figures/work_precision.py reference.json   # with sneuron: the exact spike times
    python docs/figures/measure_neuron.py reference.json docs/figures/neuron.json

Spike times are those that a NetCon records: with steps of one size, the end of the step in which the threshold was met.
"""

import json
import platform
import sys
import time
from pathlib import Path
from typing import Any

import numpy as np
from neuron import h

DURATION = 200.0
AREA = 500.0
"""um2 of each membrane."""


def cells(currents: list[float]) -> list[tuple[Any, ...]]:
    """Independent membranes of hh.mod under a constant current each, and where their spikes go."""
    held = []
    for k, current in enumerate(currents):
        soma = h.Section(name=f"soma{k}")
        soma.L = soma.diam = (AREA / np.pi) ** 0.5
        soma.insert("hh")
        soma(0.5).hh.el = -54.3
        clamp = h.IClamp(soma(0.5))
        clamp.delay, clamp.dur, clamp.amp = 0.0, 1e9, current * AREA * 1e-5
        spikes = h.Vector()
        detector = h.NetCon(soma(0.5)._ref_v, None, sec=soma)
        detector.threshold = 0.0
        detector.record(spikes)
        held.append((soma, clamp, detector, spikes))
    return held


def ran(held: list[tuple[Any, ...]]) -> tuple[float, list[np.ndarray]]:
    """CPU seconds of one run, and the trains."""
    h.finitialize(-65.0)
    start = time.process_time()
    h.continuerun(DURATION)
    return time.process_time() - start, [np.array(spikes) for *_, spikes in held]


def errors(trains: list[np.ndarray], exact: list[np.ndarray]) -> tuple[float, float]:
    """95th percentile and maximum of how far spikes are off (ms); one too many or too few counts up to the end."""
    found = []
    for train, truth in zip(trains, exact, strict=True):
        many = min(len(train), len(truth))
        found += list(np.abs(train[:many] - truth[:many]))
        found += [DURATION - t for t in [*train[many:], *truth[many:]]]
    return float(np.percentile(found, 95)), float(np.max(found))


def main(reference: str, target: str) -> None:
    """Measure all, into a JSON file."""
    h.load_file("stdrun.hoc")
    exact = json.loads(Path(reference).read_text())
    trains = [np.array(t) for t in exact["spike_times"]]
    held = cells(exact["currents"])
    h.celsius = 6.3
    solver = h.CVode()
    solver.condition_order(2)
    rows = []
    for table in (1, 0):
        h.usetable_hh = table
        for order, name in ((0, "backward Euler"), (2, "Crank-Nicolson")):
            for dt in (0.1, 0.05, 0.025, 0.0125, 0.00625, 0.003125):
                solver.active(0)
                h.secondorder, h.dt, h.steps_per_ms = order, dt, 1 / dt
                rows.append((f"{name}{', table of rates' if table else ''}", dt, *ran(held)))
                print(rows[-1][:3], errors(rows[-1][3], trains), flush=True)
    h.usetable_hh = 0
    for local in (0, 1):
        for atol in (1e-1, 1e-2, 1e-3, 1e-4, 1e-5, 1e-6):
            solver.active(1)
            solver.use_local_dt(local)
            solver.atol(atol)
            rows.append((f"CVODE{', a step for each cell' if local else ''}", atol, *ran(held)))
            print(rows[-1][:3], errors(rows[-1][3], trains), flush=True)
    told = [
        {"method": name, "setting": value, "microseconds": cpu / len(held) * 1e6, "p95_ms": e[0], "max_ms": e[1]}
        for name, value, cpu, e in ((n, v, c, errors(t, trains)) for n, v, c, t in rows)
    ]
    origin = {
        "what": f"NEURON {h.nrnversion(0)}, hh.mod, {len(held)} membranes in one process, one core, {DURATION:g} ms; "
        "CPU microseconds for each membrane; errors of spike times in ms",
        "machine": platform.processor() or platform.machine(),
        "python": platform.python_version(),
    }
    Path(target).write_text(json.dumps({"origin": origin, "runs": told}, indent=1))


if __name__ == "__main__":
    main(*sys.argv[1:])
