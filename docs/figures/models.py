"""Makes docs/models.md and its pictures from the library: equations, parameters, a trace and the source of each.

    python docs/figures/models.py            # the page
    python docs/figures/models.py pictures   # and the pictures, in a few minutes

A test compares the page with what this makes.
"""

from __future__ import annotations

import sys
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any

import numpy as np
import sympy
from scipy.linalg import expm

import sneuron as sn
from sneuron.lang.expr import numpy_value
from sneuron.lang.model import Model, channels, load_channel, load_model, neurons, noises, synapses
from sneuron.lang.spec import Channel, Mount, Neuron, Param, State

DOCS = Path(__file__).parents[1]
PICTURES = DOCS / "img" / "models"
HEAD = """\
# Models

Every neuron, channel, noise and synapse of the library: its equations, parameters with bounds, variants, a trace, and
its source. The page is made from the descriptions themselves (`docs/figures/models.py`); `sneuron show NAME` says the
same in a terminal, `load_model(NAME)` shows the equations in a notebook.

Currents are positive outward. $I$ is the constant injected current, to which stimuli are added.
"""
OWN = "own choice"
STEPS = (-90.0, -60.0, -40.0, -20.0, 0.0, 20.0)
HELD = -100.0
SLOW = {
    "li_rinzel": ({"IP3_rest": 0.5, "IP3": 0.5}, "Ca", 120e3),
    "gchi": ({"glu_rest": 1.0}, "Ca", 120e3),
    "cressman": ({"K_bath": 8.0}, "v", 60e3),
}
"""What moves without a current: other values, what is drawn, and for how long (ms)."""


def page() -> str:
    """The whole page."""
    parts = [HEAD, _contents(), "## Neurons\n"]
    parts += [section for name in neurons for section in _neuron(neurons[name])]
    parts.append("## Channels, pools and leaks\n")
    parts += [section for name in channels for section in _channel(load_channel(name))]
    parts.append("## Noises\n\nMounted by `NoiseAdd`; units of currents and conductances are those of the neuron.\n")
    parts += [section for name in noises for section in _channel(noises[name], picture=False)]
    parts.append("## Synapses\n\nReceptors, mounted like channels; $w$ is the weight of an arriving spike.\n")
    parts += [section for name in synapses for section in _synapse(synapses[name])]
    return "\n".join(parts)


def alone(channel: Channel, unit: str = "") -> Model:
    """A membrane that holds one channel under its own names."""
    states = {x for t in channel.transitions.values() for x in (t.source, t.target)}
    local = [*channel.params, *channel.gates, *channel.states, *channel.functions, *states]
    taken = {"I", "C"}
    neuron = Neuron(
        "alone", "C", unit or channel.unit or "uA/cm2",
        channels={channel.name: Mount(channel, names={n: n for n in local if n not in taken})},
        params={"C": Param(1.0, {"pA": "pF"}.get(unit, "uF/cm2"), 0.1, 10.0, OWN)}, source=OWN,
    )  # fmt: skip
    return load_model(neuron)


def _contents() -> str:
    """Links to the sections."""
    kinds = {"Neurons": list(neurons), "Channels": list(channels), "Noises": list(noises), "Synapses": list(synapses)}
    return "\n".join(f"{kind}: {', '.join(f'[{n}](#{n})' for n in names)}.\n" for kind, names in kinds.items())


def _neuron(family: Neuron) -> Iterator[str]:
    model = load_model(family)
    yield f"### {family.name}\n"
    yield f"{_sentences(family.note)}{_source(family.source)}\n"
    yield f"![{family.name}](img/models/{family.name}.png)\n"
    yield f"$$\n{model.latex()}\n$$\n"
    yield _parameters(model.params, family.source)
    if family.variants:
        rows = [(f"`{n}`", _values(v.params), _sentences(v.note).strip()) for n, v in family.variants.items()]
        yield _table(("variant", "values", "note"), rows)
    mounted = [m.channel if isinstance(m.channel, str) else m.channel.name for m in family.channels.values()]
    if mounted:
        yield "Channels: " + ", ".join(f"[{c}](#{c})" if c in {*channels, *synapses} else c for c in mounted) + ".\n"


def _channel(channel: Channel, picture: bool = True) -> Iterator[str]:
    model = alone(channel, "" if picture else "pA")
    lines = model.latex().split("\n")
    yield f"### {channel.name}\n"
    yield f"{_sentences(channel.note)}{_source(channel.source)}\n"
    if picture and (channel.current or channel.states):
        yield f"![{channel.name}](img/models/{channel.name}.png)\n"
    yield "$$\n" + "\n".join([lines[0], *lines[2:]]) + "\n$$\n"
    own = {n: p for n, p in model.params.items() if n not in ("I", "C") or n in channel.params}
    if own:
        yield _parameters(own, channel.source)


def _synapse(channel: Channel) -> Iterator[str]:
    yield from _channel(channel, picture=False)
    adds = "; ".join(f"`{x} += {text}`" for x, text in sorted({**channel.receive, **channel.couple}.items()))
    yield f"{'A spike' if channel.receive else 'Each synapse, at all times, with states of the sender'}: {adds}.\n"


def _parameters(params: Mapping[str, Param], source: str) -> str:
    rows = []
    for name, p in params.items():
        other = "" if p.source == source else p.source
        rows.append((f"`{name}`", f"{p.value:g}", p.unit, f"{p.low:g} .. {p.high:g}", p.note, other))
    return _table(("parameter", "value", "unit", "bounds", "meaning", "source, where another"), rows)


def _table(head: Sequence[str], rows: Sequence[Sequence[str]]) -> str:
    cells = [" | ".join(cell.replace("|", "\\|") for cell in row) for row in rows]
    lines = [" | ".join(head), "|".join(["---"] * len(head)), *cells]
    return "\n".join(f"| {line} |" if k != 1 else f"|{line}|" for k, line in enumerate(lines)) + "\n"


def _values(values: Mapping[str, float]) -> str:
    return ", ".join(f"{n} = {v:g}" for n, v in values.items())


def _sentences(note: str) -> str:
    return f"{note} " if note else ""


def _source(source: str) -> str:
    return f"*{source}*" if source else ""


# -- pictures --------------------------------------------------------------------------------------


def draw() -> None:
    """All pictures."""
    PICTURES.mkdir(parents=True, exist_ok=True)
    for name in neurons:
        _draw_neuron(load_model(neurons[name]), PICTURES / f"{name}.png")
    for name in channels:
        if load_channel(name).current or load_channel(name).states:
            _draw_channel(load_channel(name), PICTURES / f"{name}.png")


def _shown(model: Model) -> tuple[list[Any], float]:
    """Stimuli and duration: of the model's paper, or a step that makes it fire."""
    if model.protocol.duration:
        return sn.protocol(model)
    amplitude = {"pA": 800.0, "mV/ms": 10.0}.get(model.current_unit, 10.0)
    return [sn.step(1.0 if model.spec.name == "passive" else amplitude, start=20.0, stop=120.0)], 150.0


def _draw_neuron(model: Model, path: Path) -> None:
    import matplotlib.pyplot as plt

    values, drawn, long = SLOW.get(path.stem, ({}, "v", 0.0))
    stimuli, duration = ([], long) if long else _shown(model)
    state = sn.InitNeu({"model": model, **values})
    for stimulus in stimuli:
        state = sn.InjCur(state, stimulus)
    every = max(1, int(duration / model.dt / 20_000))
    run = sn.RunSim(state, duration, record=[drawn, "i_stim"], every=every)
    figure, (top, below) = plt.subplots(
        2, 1, figsize=(7, 2.2), sharex=True, height_ratios=(4, 1), layout="constrained"
    )  # fmt: skip
    top.plot(run.time, run[drawn].values.reshape(-1, run.time.size)[0], color="0.15", lw=0.7)
    below.plot(run.time, run.i_stim.values.reshape(-1, run.time.size)[0], color="tab:red", lw=0.9)
    top.set_ylabel(f"{drawn} ({model.states[drawn].unit})")
    below.set_ylabel(f"I ({model.current_unit})", fontsize="small")
    below.set_xlabel("time (ms)")
    top.set_title(model.name, fontsize="medium", loc="left")
    _finish(figure, path)


def _draw_channel(channel: Channel, path: Path) -> None:
    import matplotlib.pyplot as plt

    figure, (left, right) = plt.subplots(1, 2, figsize=(7, 2.2), layout="constrained")
    if channel.current:
        _draw_clamp(alone(channel), channel, left)
    else:
        _draw_pool(channel, left)
    _draw_steady(alone(channel), channel, right)
    left.set_title(channel.name, fontsize="medium", loc="left")
    _finish(figure, path)


def _draw_clamp(model: Model, channel: Channel, axes: Any) -> None:
    """Currents at steps from -100 mV, with gates in closed form; calcium, where there is any, 20 times its default."""
    rich = _rich(channel)
    t = np.concatenate([[0.0], np.geomspace(1e-2, min(5 * max([10.0, *_slowest(model)]), 5000.0), 1500)])
    start = {**model.start_values({"v": HELD, **rich}), **rich}
    traces = {}
    for v in STEPS:
        moved = {**_gates_at(model, start, v, t), **_occupied_at(model, start, v, t)}
        traces[v] = np.broadcast_to(model.currents_at({**start, "v": v, **moved})[channel.name], t.shape)
    for k, (v, current) in enumerate(traces.items()):
        axes.plot(t, current, lw=0.9, color=f"C{k}", label=f"{v:g} mV")
    axes.set_xlim(-0.02 * _settled(t, traces), _settled(t, traces))
    held = ", ".join(f"{n} = {v:g} {channel.params[n].unit}" for n, v in rich.items())
    axes.set_xlabel("time after a step from -100 mV (ms)" + (f"; {held}" if held else ""), fontsize="small")
    axes.set_ylabel(f"current ({model.current_unit})", fontsize="small")
    axes.legend(fontsize=5, ncols=2, frameon=False)


def _rich(channel: Channel) -> dict[str, float]:
    """Calcium at which a channel that needs it opens."""
    if "cai" not in channel.params or channel.ion != "k":
        return {}
    return {"cai": 20 * channel.params["cai"].value or 100.0}


def _settled(t: np.ndarray, traces: Mapping[float, np.ndarray]) -> float:
    """When the largest current has come within a twentieth of its end."""
    largest = max(traces.values(), key=lambda x: float(np.ptp(x)))
    away = np.abs(largest - largest[-1]) > 0.05 * np.ptp(largest)
    return max(5.0, 1.5 * float(t[np.flatnonzero(away)[-1]])) if away.any() else 50.0


def _at(model: Model, known: Mapping[str, Any]) -> dict[str, Any]:
    """Values with functions."""
    table = {n: p.value for n, p in model.params.items()} | dict(known)
    for name, expression in model.functions.items():
        table[name] = numpy_value(expression, table)
    return table


def _inf_tau(model: Model, gate: str, known: Mapping[str, Any]) -> tuple[Any, Any]:
    kind, first, second = model.rates[gate]
    one, two = numpy_value(first, known), numpy_value(second, known)
    return (one / (one + two), 1 / (one + two)) if kind == "ab" else (one, two)


def _slowest(model: Model) -> list[float]:
    known = _at(model, {**model.start_values({"v": np.array(STEPS)}), "v": np.array(STEPS)})
    return [float(np.max(_inf_tau(model, gate, known)[1])) for gate in model.rates]


def _gates_at(model: Model, start: Mapping[str, Any], v: float, t: np.ndarray) -> dict[str, np.ndarray]:
    known = _at(model, {**start, "v": v})
    found = {}
    for gate in model.rates:
        inf, tau = _inf_tau(model, gate, known)
        found[gate] = inf + (start[gate] - inf) * np.exp(-t / tau)
    return found


def _occupied_at(model: Model, start: Mapping[str, Any], v: float, t: np.ndarray) -> dict[str, np.ndarray]:
    known, found = _at(model, {**start, "v": v}), {}
    for scheme in model.schemes:
        pairs = [[(a, b) for b in scheme.states] for a in scheme.states]
        rates = np.array([[float(numpy_value(scheme.rates.get(p, sympy.S.Zero), known)) for p in row] for row in pairs])
        matrix = (rates - np.diag(rates.sum(1))).T
        now = np.array([float(start[x]) for x in scheme.states])
        rows = [expm(matrix * at) @ now for at in t]
        found |= dict(zip(scheme.states, np.array(rows).T, strict=True))
    return found


def _draw_alone(channel: Channel, axes: Any) -> None:
    """What a pool that no current fills does from where it starts, with its first state at 1."""
    name = next(iter(channel.states))
    model = alone(channel)
    run = sn.RunSim(sn.InitNeu({"model": model, name: 1.0}), 20000, 5.0, "rk4", record=[name])
    axes.plot(run.time, run[name], color="tab:blue")
    axes.set_xlabel("time (ms)", fontsize="small")
    axes.set_ylabel(f"{name} ({run[name].attrs['units']})", fontsize="small")


def _draw_pool(channel: Channel, axes: Any) -> None:
    """What a pool does with 50 ms of inward current."""
    if not any("ion." in text for text in channel.equations.values()):
        _draw_alone(channel, axes)
        return
    source = Channel(
        "source", "i", ion="ca", unit="uA/cm2", params={"i": Param(0.0, "uA/cm2", -1e3, 1e3, OWN)}, source=OWN
    )
    held = Neuron(
        "held", "C", channels={"pool": Mount(channel), "source": Mount(source)},
        params={"C": Param(1e4, "uF/cm2", 0.1, 1e5, OWN)}, voltage=State("mV", "-65"), source=OWN,
    )  # fmt: skip
    name = f"pool.{next(iter(channel.states))}"
    before = sn.InitNeu({"model": held, "source.i": -1.0})
    on, state = sn.RunSim(before, 50, 0.05, record=[name], return_state=True)
    state["source.i"] = state["source.i"] * 0.0
    off = sn.RunSim(state, 250, 0.05, record=[name])
    for run in (on, off):
        axes.plot(run.time, run[name].values.reshape(-1), color="tab:blue")
    axes.set_xlabel("time (ms); 1 uA/cm2 inward until 50 ms", fontsize="small")
    axes.set_ylabel(f"{name.partition('.')[2]} ({on[name].attrs['units']})", fontsize="small")


def _draw_steady(model: Model, channel: Channel, axes: Any) -> None:
    """Steady gates over the voltage, and their time constants; the current where there are none."""
    v = np.linspace(-120.0, 60.0, 361)
    rich = _rich(channel)
    start = model.start_values({"v": v, **rich})
    known = _at(model, {**start, "v": v, **rich})
    names = [*model.rates, *(x for s in model.schemes for x in s.states)]
    axes.set_xlabel("v (mV)", fontsize="small")
    if not names:
        if channel.current:
            axes.plot(v, np.broadcast_to(model.currents_at({"v": v})[channel.name], v.shape), color="tab:blue")
            axes.set_ylabel(f"current ({model.current_unit})", fontsize="small")
        else:
            axes.set_axis_off()
        return
    for k, name in enumerate(names):
        axes.plot(v, np.broadcast_to(start[name], v.shape), color=f"C{k}", label=name)
    axes.set_ylabel("steady state", fontsize="small")
    axes.legend(fontsize=6, frameon=False)
    if model.rates:
        beside = axes.twinx()
        for k, name in enumerate(model.rates):
            beside.semilogy(v, np.broadcast_to(_inf_tau(model, name, known)[1], v.shape), color=f"C{k}", ls=":", lw=0.9)
        beside.set_ylabel("time constant, dotted (ms)", fontsize="small")
        beside.tick_params(labelsize="x-small")


def _finish(figure: Any, path: Path) -> None:
    import matplotlib.pyplot as plt

    for axes in figure.axes:
        axes.tick_params(labelsize="x-small")
        axes.spines["top"].set_visible(False)
    figure.savefig(path, dpi=80, metadata={"Software": None})
    plt.close(figure)


if __name__ == "__main__":
    if "pictures" in sys.argv[1:]:
        draw()
    (DOCS / "models.md").write_text(page(), encoding="utf8")
