"""The mechanisms of tests/reference/nmodl as NEURON runs them.

Run by hand, where NEURON is installed, to measure again: `python tests/reference/neuron_oracle.py`. The numbers lie in
data/nmodl.json; tests/reference/test_nmodl_oracle.py measures them once more where it can.
"""

import json
import math
import shutil
import subprocess
import sys
import tempfile
from pathlib import Path

HERE = Path(__file__).parent
STORED = HERE / "data" / "nmodl.json"
TIMES = (0.05, 0.2, 1.0, 5.0, 25.0)
CELSIUS = 34.0
IONS = {"ena": 50.0, "ek": -90.0, "cai": 2.4e-4, "cao": 2.0}
PROBES = {
    "nat": {"suffix": "nat", "current": "ina", "states": ["m", "h"], "to": [-66, -60.3, -38, -10, 40]},
    "kdr": {"suffix": "kdr", "current": "ik", "states": ["n"], "to": [-95.5, -45, -20, 30]},
    "km": {"suffix": "kslow", "current": "ik", "states": ["n"], "to": [-30, -55, 10]},
    "kca": {"suffix": "kcat", "current": "ik", "states": ["z"], "to": [-55, 10]},
    "cat": {"suffix": "cat", "current": "ica", "states": ["m", "h"], "to": [-85, -60, -40, 0, 30]},
    "hhall": {"suffix": "hhall", "current": "ina ik il", "states": ["m", "h", "n"], "to": [-55, -40, 0]},
    "namarkov": {"suffix": "namarkov", "current": "ina", "states": ["C1", "O", "I1", "I2"], "to": [-50, -20, 20]},
    "ihpoint": {"suffix": "ihpoint", "current": "ih", "states": ["q"], "to": [-110, -85, -19]},
    "cad": {"suffix": "cadt", "with": "cat", "current": "ica", "states": ["cai"], "to": [-50, -20]},
    "buffer": {"suffix": "buffer", "with": "cat", "current": "ica", "states": ["cai"], "to": [-50, -20]},
}
HOLD, KCA_CAI = -90.5, 6e-4
"""Where the clamps start (mV); to which calcium (mM) `kca` is brought at the step."""

CELL = {"cm": 1.0, "g_pas": 1e-4, "e_pas": -72.0, "drive": 10.0, "duration": 150.0, "rest": -72.0}
CELL |= {"gbar_kcat": 1e-4, "pcabar_cat": 2e-5}
"""A membrane of nat, kdr, cat, cad, kca and a leak: uF/cm2, S/cm2, mV, uA/cm2, ms, mV; S/cm2, cm/s."""


def measured() -> dict:
    """All numbers, by a NEURON of their own."""
    with tempfile.TemporaryDirectory() as folder:
        for file in (HERE / "nmodl").glob("*.mod"):
            shutil.copy(file, folder)
        build = Path(sys.executable).parent / "nrnivmodl"
        subprocess.run([build if build.exists() else "nrnivmodl"], cwd=folder, check=True, capture_output=True)
        code = [sys.executable, str(Path(__file__).resolve()), "inside"]
        done = subprocess.run(code, cwd=folder, check=True, capture_output=True, text=True)
        return json.loads(done.stdout.splitlines()[-1])


def _inside() -> dict:
    from neuron import __version__, h

    h.celsius = CELSIUS
    solver = h.CVode()
    solver.atol(1e-10)
    solver.rtol(0)
    solver.atolscale("v", 1e6)
    clamps = [_clamp(h, solver, name, probe, v) for name, probe in PROBES.items() for v in probe["to"]]
    return {"origin": f"NEURON {__version__}, measured", "clamps": clamps, "spikes": _spikes(h, solver)}


def _clamp(h, solver, name, probe, v) -> dict:
    """A step from HOLD to v; mA/cm2, or nA for a point process.

    By CVODE, but for `km`, whose steps, written by hand, are exact and of fixed dt, and for `cad`, which sets `cai` in
    its DERIVATIVE block, one call late: that is extrapolated from two fixed steps.
    """
    if name != "cad":
        return _held(h, solver, name, probe, v, 0.0 if name != "km" else 0.025)
    coarse, fine = (_held(h, solver, name, probe, v, dt) for dt in (0.001, 0.0005))
    fine["current"] = [2 * b - a for a, b in zip(coarse["current"], fine["current"], strict=True)]
    for x, values in fine["states"].items():
        fine["states"][x] = [2 * b - a for a, b in zip(coarse["states"][x], values, strict=True)]
    return fine


def _held(h, solver, name, probe, v, dt) -> dict:
    """One run, held by a capacitance that nothing moves; dt 0 is CVODE."""
    section = h.Section(name="s")
    section.L = section.diam = 10.0
    section.cm = 1e12
    seg = section(0.5)
    held = _inserted(h, section, name, probe)
    solver.active(dt == 0.0)
    h.dt = dt or 0.025
    h.usetable_hhall = h.usetable_kslow = 0
    h.finitialize(HOLD)
    _ions(seg)
    if name == "kca":
        seg.cai = KCA_CAI
    seg.v = v
    if solver.active():
        solver.re_init()
    currents, states = [], {x: [] for x in probe["states"]}
    for t in TIMES:
        _run_to(h, solver, t)
        h.fcurrent()
        currents.append(sum(_found(held, seg, probe["suffix"], c) for c in probe["current"].split()))
        for x in probe["states"]:
            states[x].append(_found(held, seg, probe["suffix"], x))
    assert abs(seg.v - v) < 1e-6
    return {"mod": name, "v": v, "times": TIMES, "current": currents, "states": states}


def _run_to(h, solver, t) -> None:
    if solver.active():
        solver.solve(t)
    else:
        while h.t < t - 1e-9:
            h.fadvance()


def _inserted(h, section, name, probe):
    if name == "ihpoint":
        return h.ihpoint(section(0.5))
    for suffix in (probe["suffix"], probe.get("with")):
        if suffix:
            section.insert(suffix)
    _ions(section(0.5))
    return None


def _ions(seg) -> None:
    for name, value in IONS.items():
        if hasattr(seg, name) and not (name == "cai" and (hasattr(seg, "cadt") or hasattr(seg, "buffer"))):
            setattr(seg, name, value)


def _found(held, seg, suffix, name) -> float:
    for thing, word in ((held, name), (seg, name), (seg, f"{name}_{suffix}")):
        if thing is not None and hasattr(thing, word):
            return getattr(thing, word)
    raise AttributeError(name)


def _spikes(h, solver) -> list:
    """Spike times (ms) of the membrane under a constant current from t = 0."""
    section = h.Section(name="cell")
    section.L = section.diam = 10.0
    section.cm = CELL["cm"]
    for suffix in ("nat", "kdr", "cat", "cadt", "kcat", "pas"):
        section.insert(suffix)
    seg = section(0.5)
    for name in ("g_pas", "e_pas", "gbar_kcat", "pcabar_cat"):
        setattr(seg, name, CELL[name])
    clamp = h.IClamp(seg)
    clamp.delay, clamp.dur, clamp.amp = 0, 1e9, CELL["drive"] * math.pi * 100 * 1e-5
    watch = h.NetCon(seg._ref_v, None, sec=section)
    watch.threshold = 0.0
    times = h.Vector()
    watch.record(times)
    solver.active(1)
    solver.condition_order(2)
    h.finitialize(CELL["rest"])
    _ions(seg)
    solver.re_init()
    solver.solve(CELL["duration"])
    return list(times)


if __name__ == "__main__":
    if sys.argv[1:] == ["inside"]:
        print(json.dumps(_inside()))
    else:
        STORED.write_text(json.dumps(measured(), indent=1) + "\n", encoding="utf8")
