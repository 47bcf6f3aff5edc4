"""Atlases: many models, each run under its own protocol, kept together in one store."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import xarray as xr

from sneuron import errors, labels
from sneuron.explore.encode import sha256
from sneuron.explore.studyargs import placed, store_of
from sneuron.explore.studyfile import ATLAS, AtlasRead
from sneuron.lang.build import inlined
from sneuron.lang.expr import numpy_value
from sneuron.lang.model import Model, load_model
from sneuron.version import __version__

__all__ = ["Panel", "atlas_of", "panels_of", "preview", "simulated"]

LEVEL = "spike_level"


@dataclass(frozen=True)
class Panel:
    """One model of an atlas.

    Parameters
    ----------
    group, title : str
        Where it stands.
    model : Model
        What is run, under its own protocol.
    """

    group: str
    title: str
    model: Model

    @property
    def path(self) -> str:
        """Its node in the tree of all panels."""
        return f"{self.group}/{self.title}"


def panels_of(read: AtlasRead) -> list[Panel]:
    """The panels of an atlas in the order of its file.

    Raises
    ------
    SneuronError
        For a model that there is not, or that comes without a protocol; names file, line and key.
    """
    return [
        Panel(g, t, _model(read, g, t, name)) for g, panels in read.file.atlas.items() for t, name in panels.items()
    ]


def _model(read: AtlasRead, group: str, title: str, name: str) -> Model:
    where = read.document.where((ATLAS, group, title))
    try:
        model = load_model(name)
    except errors.SneuronError as cause:
        raise placed(cause, where) from cause
    if not model.protocol.duration:
        mend = "Take another one: `sneuron models` says which have a protocol."
        raise errors.PlanError(where, f"model {name!r} comes without a protocol", mend=mend)
    return model


def preview(read: AtlasRead) -> Iterator[tuple[str, ...]]:
    """Header and rows of texts: what is run in each panel, for how long."""
    yield "panel", "model", "duration", "dt", "method"
    for panel in panels_of(read):
        model = panel.model
        yield panel.title, model.name, f"{model.protocol.duration:g} ms", f"{model.dt:g} ms", model.method


def atlas_of(
    read: AtlasRead, store: str | Path | None = None, say: Callable[[str], None] = lambda _: None
) -> tuple[xr.DataTree, Path]:
    """The runs of an atlas, from its store when they are there; else they are made and kept.

    Parameters
    ----------
    read : AtlasRead
        From `studyfile.read_any`.
    store : path, optional
        Where they are kept; as the file says when omitted.
    say : callable
        Told the title of each panel that is run.

    Returns
    -------
    xarray.DataTree, Path
        A group of the file is a group of the tree, a panel a dataset in it: what `simulated` returns.

    Raises
    ------
    StoreError
        When the store holds something else.
    """
    from sneuron.store.files import LoadSim, SaveSim

    panels, path = panels_of(read), Path(store) if store else store_of(read)
    key = sha256([[p.path, p.model.hash] for p in panels])
    if path.exists():
        held = LoadSim(path)
        if isinstance(held, xr.DataTree) and held.attrs.get("atlas_hash") == key:
            return _ordered(held, panels), path
        raise errors.StoreError(str(path), "holds something else", mend="Give another store, or remove that one.")
    about = {"title": read.file.name, "note": read.file.note, "atlas_hash": key, "sneuron_version": __version__}
    nodes = {"/": xr.Dataset(attrs=about)}
    for panel in panels:
        say(panel.title)
        nodes[panel.path] = simulated(panel.model)
    tree = xr.DataTree.from_dict(nodes)
    return tree, SaveSim(tree, path)


def _ordered(held: xr.DataTree, panels: list[Panel]) -> xr.DataTree:
    """A tree from a store, whose folders are sorted, in the order of the file."""
    return xr.DataTree.from_dict({"/": held.to_dataset()} | {p.path: held[p.path].to_dataset() for p in panels})


def simulated(model: Model) -> xr.Dataset:
    """A model under its own protocol.

    Parameters
    ----------
    model : Model
        One that comes with a protocol.

    Returns
    -------
    xarray.Dataset
        What `RunSim` gives, with `v(time)` in mV and `i_stim(time)`; the threshold over time when it moves and has a
        name; and, where a spike is a reset, `spike_level(spike)` in mV: the threshold that v reached.

    Examples
    --------
    >>> run = simulated(load_model("izhikevich_2004_tonic_spiking"))
    >>> run.spike_count.item(), run.spike_level.values.tolist()
    (5.0, [30.0, 30.0, 30.0, 30.0, 30.0])
    """
    from sneuron.core.run import RunSim
    from sneuron.core.state import InitNeu
    from sneuron.core.stimulus import InjCur

    name = str(model.threshold)
    moving = [name] if model.moving_threshold and name in model.functions else []
    state = InjCur(InitNeu({"model": model}), "protocol")
    run: xr.Dataset = RunSim(state, model.protocol.duration, record=["v", "i_stim", *moving])
    if moving:
        run[name].attrs["long_name"] = "threshold"
    if model.kind == "reset" and (moving or not model.moving_threshold):
        run[LEVEL] = _reached(model, run)
    return run


def _reached(model: Model, run: xr.Dataset) -> xr.DataArray:
    """The threshold at each spike: as recorded just before where it moves, else what it is for these parameters."""
    times = run[labels.SPIKE_TIME]
    if model.moving_threshold:
        moved = run[str(model.threshold)]
        before = np.searchsorted(moved[labels.TIME].values, times.values, "right") - 1
        level = moved.values[before]
    else:
        values = {name: param.value for name, param in model.params.items()} | model.start_values()
        level = np.broadcast_to(numpy_value(inlined(model.threshold, model.functions), values), times.shape)
    return xr.DataArray(level, dims=times.dims, attrs={"units": "mV", "long_name": "threshold that was reached"})
