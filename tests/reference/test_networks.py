"""Rates of published networks, over several seeds, within bounds that are stated.

Vogels & Abbott 2005 as restated by Brette et al. 2007 (doi:10.1007/s10827-007-0038-6): 4000 neurons, 2 % of all pairs.
Brian2 2.9.0, measured with one seed over 1 s at a step of 0.1 ms: 5.62 Hz with currents, 17.44 Hz with conductances.
Brunel 2000 (doi:10.1023/A:1008925309027), model A, asynchronous irregular: 37.7 Hz in the paper's simulation, 38.0 Hz
by its theory.
"""

from typing import Any

import numpy as np
import pytest
import xarray as xr

import sneuron as sn
from sneuron.core.network import connect

SEEDS = (0, 1, 2)


def pairs(n: int, excitatory: int, p: float, rng: np.random.Generator) -> dict[str, Any]:
    """Every pair is connected with probability p; excitatory senders first."""
    pre, post = np.nonzero(rng.random((n, n), np.float32) < p)
    return ends(pre, post, excitatory)


def indegrees(n: int, excitatory: int, degrees: tuple[int, int], rng: np.random.Generator) -> dict[str, Any]:
    """Every neuron has so many excitatory and inhibitory inputs."""
    pre = [
        rng.integers(low, high, (n, k))
        for (low, high), k in zip(((0, excitatory), (excitatory, n)), degrees, strict=True)
    ]
    flat = np.concatenate(pre, axis=1).astype(np.int32).reshape(-1)
    order = np.argsort(flat, kind="stable")
    return ends(flat[order], (order // sum(degrees)).astype(np.int32), excitatory)


def ends(pre: np.ndarray, post: np.ndarray, excitatory: int) -> dict[str, Any]:
    first = int((pre < excitatory).sum())
    return {
        "pre": ("synapse", pre.astype(np.int32)),
        "post": ("synapse", post.astype(np.int32)),
        "synapse_count": ("projection", [first, pre.size - first]),
    }


def vogels_abbott(kind: str, seed: int) -> xr.Dataset:
    rng = np.random.default_rng(seed)
    start = {"v": rng.uniform(-60.0, -50.0, 4000)}
    weights = [16.2, -90.0]
    if kind == "coba":
        weights = [6.0, 67.0]
        start = {
            "v": rng.normal(-65.0, 5.0, 4000),
            "exc.g": np.maximum(rng.normal(40.0, 15.0, 4000), 0.0),
            "inh.g": np.maximum(rng.normal(200.0, 120.0, 4000), 0.0),
        }
    cells = sn.InitNeu(
        {"model": f"vogels_abbott_{kind}", **{k: xr.DataArray(x, dims="neuron") for k, x in start.items()}}
    )
    wires = {"weight": ("projection", weights), "delay": 0.1, "receptor": ("projection", ["exc", "inh"])}
    return connect(cells, xr.Dataset(wires | pairs(4000, 3200, 0.02, rng)))


@pytest.mark.parametrize(("kind", "published"), [("cuba", 5.62), ("coba", 17.44)])
def test_vogels_and_abbott(kind: str, published: float) -> None:
    rates = []
    for seed in SEEDS:
        run = sn.RunSim(vogels_abbott(kind, seed), 1000.0)
        assert int(run.status) == sn.Status.OK
        rates.append(float(run.spike_count.mean()))
    assert np.mean(rates) == pytest.approx(published, rel=0.15)
    assert np.std(rates) < 0.1 * np.mean(rates)


def test_brunel_fires_asynchronously_and_irregularly() -> None:
    rng = np.random.default_rng(5)
    wires = {"weight": ("projection", [0.1, -0.5]), "delay": 1.5}
    graph = xr.Dataset(wires | indegrees(12_500, 10_000, (1000, 250), rng))
    run = sn.RunSim(connect(sn.InitNeu("brunel").assign(EL=("neuron", np.zeros(12_500))), graph), 300.0)
    late = run.event_time.values > 100.0
    rate = late.sum() / 12_500 / 0.2
    assert rate == pytest.approx(37.7, rel=0.03)
    some = run.event_neuron.values < 500
    cv = [
        np.diff(t).std() / np.diff(t).mean()
        for t in (run.event_time.values[some & (run.event_neuron.values == k)] for k in range(500))
        if t.size > 5
    ]
    assert 0.4 < np.mean(cv) < 0.9
    binned = np.histogram(run.event_time.values[late], np.arange(100.0, 300.0, 0.5))[0]
    assert binned.std() / binned.mean() < 0.35
