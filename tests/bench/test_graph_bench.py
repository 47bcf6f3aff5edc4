"""What graphs cost: CPU time and bytes of a synapse.

Run by hand with `pytest tests/bench -s -n 0`; times are printed and never asserted, the goals stand beside them.
"""

import time

import pytest

from sneuron import ConnMat


def spent(*given, **own):
    """CPU seconds and the graph."""
    start = time.process_time()
    graph = ConnMat(*given, **own)
    return time.process_time() - start, graph


@pytest.mark.bench
def test_a_graph_of_fifteen_million_synapses() -> None:
    spent(100, "fixed_indegree", k=10)
    seconds, graph = spent(12_500, "fixed_indegree", k=1250)
    print(f"\n15.6 M synapses: {seconds:.2f} s of CPU (goal 1), {graph.nbytes / 15_625_000:.1f} bytes each")
    assert graph.sizes["synapse"] == 15_625_000
    assert graph.nbytes < 8.1 * 15_625_000


@pytest.mark.bench
def test_ten_thousand_small_graphs() -> None:
    spent(100, "erdos_renyi", p=0.1)
    seconds, graph = spent(100, "erdos_renyi", p=0.1, seed=list(range(10_000)))
    print(f"\n10,000 graphs of 100 neurons: {seconds:.2f} s of CPU (goal 2)")
    assert graph.sizes["repeat"] == 10_000
