"""P6, P13: the same bits whatever the cut, the workers, the order; and nothing listens beyond loopback."""

import sys
from pathlib import Path

import psutil
import pytest

sys.path.insert(0, str(Path(__file__).parent))

from toy_study import INLINE, RANGES, digest, make

from sneuron.explore import cluster
from sneuron.explore.cluster import Place
from sneuron.explore.ranges import log, sobol


@pytest.fixture(scope="module")
def expected(tmp_path_factory) -> str:
    return digest(make(tmp_path_factory.mktemp("one") / "s", repeats=3).run().data)


@pytest.mark.parametrize("seconds", [0.25, 0.35, 1000.0])
def test_the_cut_into_blocks_changes_no_bit(tmp_path, expected, seconds) -> None:
    study = make(tmp_path / "s", repeats=3, block_seconds=seconds)
    assert digest(study.run().data) == expected


def test_the_order_of_ranges_and_points_changes_no_bit(tmp_path) -> None:
    one = make(tmp_path / "one").run().data
    other = make(tmp_path / "other", {"tau": log(5, 60, 16), "I": RANGES["I"].all()[::-1]}).run().data
    assert digest(other.sel(I=one.I).transpose(*one.dims).drop_attrs()) == digest(one.drop_attrs())


def test_a_point_has_the_same_bits_in_any_study(tmp_path) -> None:
    """A sampled point, and the same point given by its value."""
    sampled = make(tmp_path / "one", sobol(64, {"tau": (5, 60), "I": (1, 5)})).run().data
    tau, current = float(sampled.tau[37]), float(sampled.I[37])
    alone = make(tmp_path / "other", {"tau": [tau], "I": [current]}).run().data
    assert float(alone.noisy[0, 0]) == float(sampled.noisy[37])


def test_workers_listening_sockets_and_bits(tmp_path, expected, monkeypatch) -> None:
    """On two workers: the same bits; in the whole tree of processes nothing listens beyond loopback."""
    found: list[tuple[str, int]] = []
    opened = cluster.Embedded.__init__

    def watched(self, *args) -> None:
        opened(self, *args)
        me = psutil.Process()
        for process in [me, *me.children(recursive=True)]:
            found.extend(c.laddr for c in process.net_connections() if c.status == psutil.CONN_LISTEN)

    monkeypatch.setattr(cluster.Embedded, "__init__", watched)
    study = make(tmp_path / "s", repeats=3, block_seconds=0.35, place=Place(workers=2))
    assert digest(study.run().data) == expected
    assert len(found) >= 4, "scheduler, its dashboard, workers"
    assert {address.ip for address in found} <= {"127.0.0.1", "::1"}
    assert INLINE.scheduler == "inline"
