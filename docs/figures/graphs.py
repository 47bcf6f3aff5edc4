"""The picture of docs/networks.md: matrices of a few rules, and two laws that their graphs keep.

`python docs/figures/graphs.py` writes docs/img/graphs.png.
"""

from __future__ import annotations

from pathlib import Path
from typing import Any

import matplotlib.pyplot as plt
import numpy as np
import xarray as xr
from scipy import sparse

import sneuron as sn

PICTURE = Path(__file__).parents[1] / "img" / "graphs.png"
N = 120
SPACE = {"on": "ring", "length": 1000.0, "at": "grid"}
SHOWN: dict[str, tuple[str, dict[str, Any]]] = {
    "erdos_renyi, p = 0.08": ("erdos_renyi", {"p": 0.08}),
    "fixed_indegree, k = 10": ("fixed_indegree", {"k": 10}),
    "watts_strogatz, k = 10, p = 0.1": ("watts_strogatz", {"k": 10, "p": 0.1}),
    "barabasi_albert, m = 5": ("barabasi_albert", {"m": 5}),
    "distance_gaussian on a ring": ("distance_gaussian", {"p": 0.5, "scale": 80, "positions": SPACE}),
    "hierarchical, 3 levels": ("hierarchical", {"levels": 3, "p": 0.5, "ratio": 0.35}),
}


def draw() -> None:
    """The whole picture."""
    figure, axes = plt.subplots(2, 4, figsize=(11, 5.6), layout="constrained")
    for panel, (title, (rule, own)) in zip(axes[:, :3].T.flat, SHOWN.items(), strict=True):
        matrix = sn.ConnMat(N, rule, seed=1, layout="dense", **own)
        panel.imshow(matrix, cmap="Greys", interpolation="nearest", vmax=1)
        panel.set_title(title, fontsize="small", loc="left")
        panel.set_xlabel("pre", fontsize="small")
        panel.set_ylabel("post", fontsize="small")
    _draw_clustering(axes[0, 3])
    _draw_degrees(axes[1, 3])
    for panel in axes.flat:
        panel.tick_params(labelsize="x-small")
    for panel in axes[:, 3]:
        panel.spines[["top", "right"]].set_visible(False)
    figure.savefig(PICTURE, dpi=90, metadata={"Software": None})
    plt.close(figure)


def _adjacency(graph: xr.Dataset, n: int) -> Any:
    ones = np.ones(graph.sizes["synapse"])
    return sparse.coo_array((ones, (graph.pre.values, graph.post.values)), shape=(n, n)).tocsr()


def _draw_clustering(panel: Any) -> None:
    """Clustering of small worlds as edges are rewired, beside (1 - p)^3 of the ring's."""
    n, k, chances = 1000, 10, np.concatenate([[0.0], np.geomspace(1e-3, 1, 13)])
    worlds = sn.ConnMat(n, "watts_strogatz", k=k, p=chances.tolist(), seed=list(range(3)))
    found = []
    for p in chances:
        tables = [_adjacency(worlds.sel(p=p).isel(repeat=r), n) for r in range(3)]
        triples = [(t.sum(0) * (t.sum(0) - 1)).sum() for t in tables]
        found.append(np.mean([(t @ t @ t).trace() / m for t, m in zip(tables, triples, strict=True)]))
    ring = 3 * (k - 2) / (4 * (k - 1))
    panel.semilogx(chances[1:], found[1:], "o", ms=3.5, color="tab:blue", label="drawn")
    smooth = np.geomspace(1e-3, 1, 200)
    panel.semilogx(smooth, ring * (1 - smooth) ** 3, color="0.3", lw=0.9, label="Barrat & Weigt 2000")
    panel.set_title("clustering of small worlds", fontsize="small", loc="left")
    panel.set_xlabel("p", fontsize="small")
    panel.set_ylim(0, 0.7)
    panel.legend(fontsize="x-small", frameon=False)


def _draw_degrees(panel: Any) -> None:
    """How many neurons of a scale-free graph have at least so many edges."""
    m = 4
    graph = sn.ConnMat(50_000, "barabasi_albert", m=m, seed=1)
    degree, many = np.unique(np.bincount(graph.post.values), return_counts=True)
    k = np.geomspace(m, degree.max(), 60)
    panel.loglog(degree, many[::-1].cumsum()[::-1] / many.sum(), ".", ms=2.5, color="tab:blue", label="drawn")
    panel.loglog(k, m * (m + 1) / (k * (k + 1)), color="0.3", lw=0.9, label="m (m + 1) / (k (k + 1))")
    panel.set_title("scale-free: share with k edges or more", fontsize="small", loc="left")
    panel.set_xlabel("k", fontsize="small")
    panel.legend(fontsize="x-small", frameon=False)


if __name__ == "__main__":
    draw()
