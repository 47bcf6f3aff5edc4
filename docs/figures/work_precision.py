"""Figure of `docs/steps.md`: what spike times cost, by method; beside NEURON.

python docs/figures/work_precision.py reference.json     # exact spike times, for measure_neuron.py
python docs/figures/work_precision.py measure            # CPU times and errors of sneuron, into sneuron.json
python docs/figures/work_precision.py                    # the figure, from sneuron.json and neuron.json
"""

import json
import platform
import sys
import time
from pathlib import Path
from typing import Any

import numpy as np
import xarray as xr

import sneuron as sn
from sneuron import errors
from sneuron.lang.methods import PAIRS

HERE = Path(__file__).parent
CELLS, MANY, DURATION = 400, 2000, 200.0
"""Neurons whose errors are looked at, and that run for the time that is measured; ms."""
STEPS = DURATION / np.round(10 * DURATION * 2 ** (np.arange(9) / 2))
TOLERANCES = 10.0 ** np.arange(-3, -8.1, -0.5)
METHODS = ("exp_euler", "rush_larsen", "euler", "heun", "midpoint", "exp_midpoint", "rk4", "tsit5", "bs32")


def currents(many: int) -> np.ndarray:
    """From silence to fast firing, uA/cm2."""
    return np.linspace(0.0, 30.0, many)


def ran(method: str, size: float, many: int = CELLS) -> xr.Dataset:
    state = sn.InitNeu({"model": "hh", "v": -65.0, "I": xr.DataArray(currents(many), dims="point")})
    how = {"rtol": size} if method in PAIRS else {"dt": size}
    found: xr.Dataset = sn.RunSim(state, DURATION, method=method, **how)
    return found


def off(times: np.ndarray, truth: np.ndarray) -> np.ndarray:
    """How far spikes are off (ms); one too many or too few counts up to the end."""
    width = max(times.shape[1], truth.shape[1])
    one, other = (np.pad(t, ((0, 0), (0, width - t.shape[1])), constant_values=np.nan) for t in (times, truth))
    gap: np.ndarray = np.abs(np.nan_to_num(one, nan=DURATION) - np.nan_to_num(other, nan=DURATION))
    return gap[~(np.isnan(one) & np.isnan(other))]


def reference(path: str) -> None:
    """Exact spike times as JSON."""
    trains = [row[~np.isnan(row)].tolist() for row in ran("tsit5", 1e-9).spike_time.values]
    Path(path).write_text(json.dumps({"currents": currents(CELLS).tolist(), "spike_times": trains}))


def measured(method: str, size: float, truth: np.ndarray) -> dict[str, Any]:
    """CPU microseconds for each neuron, the better of two; errors of spike times."""
    gap, took = off(ran(method, size).spike_time.values, truth), []
    for _ in range(2):
        start = time.process_time()
        ran(method, size, MANY)
        took.append(time.process_time() - start)
    found = {"method": method, "setting": size, "microseconds": min(took) / MANY * 1e6}
    return found | {"p95_ms": float(np.quantile(gap, 0.95)), "max_ms": float(gap.max())}


def measure() -> None:
    """All methods of sneuron, into the file beside this one."""
    truth, runs = ran("tsit5", 1e-9).spike_time.values, []
    for method in METHODS:
        for size in TOLERANCES if method in PAIRS else STEPS:
            try:
                runs.append(measured(method, float(size), truth))
            except errors.TimeError:  # beyond the stability limit
                continue
            print(runs[-1], flush=True)
    origin = {
        "what": f"sneuron {sn.__version__}, hh, {MANY} neurons in one process, one core, {DURATION:g} ms; CPU "
        f"microseconds for each neuron; errors of spike times of {CELLS} of them in ms",
        "machine": platform.processor() or platform.machine(),
        "python": platform.python_version(),
    }
    (HERE / "sneuron.json").write_text(json.dumps({"origin": origin, "runs": runs}, indent=1))


def curves(name: str) -> dict[str, np.ndarray]:
    """Method -> rows of (error, CPU us), as measured."""
    found: dict[str, list[tuple[float, float]]] = {}
    for run in json.loads((HERE / name).read_text())["runs"]:
        found.setdefault(run["method"], []).append((run["p95_ms"], run["microseconds"]))
    return {method: np.array(rows) for method, rows in found.items()}


LINES: dict[str, tuple[str, str, str, float]] = {  # name in the files: label, colour, marker, width
    "tsit5": ("tsit5", "#0f6fb3", "o", 2.4),
    "bs32": ("bs32", "#3aa6b9", "o", 2.4),
    "rk4": ("rk4", "#d1495b", "s", 1.6),
    "heun": ("heun, midpoint", "#d98c00", "s", 1.6),
    "midpoint": ("", "#d98c00", "s", 1.6),
    "exp_euler": ("exp_euler", "#2e933c", "s", 1.6),
    "exp_midpoint": ("exp_midpoint", "#8f9aa3", "s", 1.2),
    "euler": ("euler", "#8f9aa3", "s", 1.2),
    "rush_larsen": ("rush_larsen", "#8f9aa3", "s", 1.2),
    "backward Euler": ("NEURON,\nbackward Euler", "#1f2933", "^", 1.2),
    "Crank-Nicolson": ("NEURON,\nCrank-Nicolson", "#1f2933", "^", 1.2),
    "CVODE": ("NEURON, CVODE", "#1f2933", "^", 1.2),
    "CVODE, a step for each cell": ("NEURON, CVODE,\na step for each cell", "#1f2933", "^", 1.2),
}
PLACES: dict[str, tuple[int, tuple[int, int], str, str]] = {
    "bs32": (-1, (-7, 0), "right", "center"),
    "heun": (-1, (-7, 0), "right", "center"),
    "Crank-Nicolson": (-1, (-7, 0), "right", "center"),
    "rush_larsen": (-1, (7, 0), "left", "center"),
    "backward Euler": (0, (0, -7), "center", "top"),
}
"""At which end of their line names stand that do not stand above its last point, how far (points), and how set."""
WANTED = 0.02
"""An error that is often good enough (ms)."""


def drawn() -> None:
    """The figure."""
    import matplotlib as mpl
    import matplotlib.pyplot as plt

    mpl.rcParams.update({"font.family": "DejaVu Sans", "font.size": 9})
    figure, axes = plt.subplots(figsize=(7.4, 5.4), layout="constrained")
    axes.spines[["top", "right"]].set_visible(False)
    axes.axvline(WANTED, color="#9aa5ae", lw=0.8, ls=(0, (4, 3)), zorder=0)
    axes.text(WANTED * 1.08, 13.5, f"{WANTED:g} ms", color="#5c6b73", va="bottom")
    measured = curves("neuron.json") | curves("sneuron.json")
    for name in LINES:
        line(axes, name, measured[name])
    axes.set(
        xscale="log", yscale="log", xlim=(1.2e-7, 4.0), ylim=(13, 6e4),
        xlabel="error of spike times: 95 % are within (ms)",
        ylabel="CPU time of a Hodgkin-Huxley neuron for 200 ms (µs)",
    )  # fmt: skip
    axes.grid(which="major", color="#eceff1", lw=0.7)
    axes.set_axisbelow(True)
    axes.legend(*key(), frameon=False, loc="lower left", fontsize=8.5)
    figure.savefig(HERE.parent / "img" / "work_precision.png", dpi=160)


def key() -> tuple[list[Any], list[str]]:
    """What markers mean."""
    from matplotlib.lines import Line2D

    kinds = {"steps that each neuron chooses": "o", "steps of one size": "s", "NEURON": "^"}
    return [Line2D([], [], color="#5c6b73", marker=m, ls="", ms=4.5) for m in kinds.values()], list(kinds)


def line(axes: Any, name: str, rows: np.ndarray) -> None:
    """One method, from the loosest setting that gives spikes at all to the tightest, with its name there."""
    label, colour, marker, width = LINES[name]
    rows = rows[rows[:, 0] < 2.0]
    dashes = (0, (4, 1.5)) if marker == "^" else "-"
    axes.plot(*rows.T, color=colour, marker=marker, ms=3.6, lw=width, ls=dashes, zorder=2 + width)
    end, place, across, along = PLACES.get(name, (-1, (0, 6), "center", "bottom"))
    axes.annotate(
        label, tuple(rows[end]), place, textcoords="offset points", color=colour, ha=across, va=along,
        fontweight="bold" if marker == "o" else "normal", linespacing=1.05,
    )  # fmt: skip


if __name__ == "__main__":
    told = sys.argv[1:]
    if told == ["measure"]:
        measure()
    elif told:
        reference(told[0])
    else:
        drawn()
