"""Studies that refine themselves: the same points whatever the cut, the workers, the kills; what failed has a name."""

import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest

sys.path.insert(0, str(Path(__file__).parent))

import toy_study
from toy_engines import DIVERGES, ENGINE
from toy_study import HERE, INLINE, digest, runs

from sneuron.explore.cluster import Place
from sneuron.explore.maps import Origin
from sneuron.explore.plan import Plan
from sneuron.explore.ranges import derived, grid, log
from sneuron.explore.study import Study

RANGES = {"I": grid(1, 5, 9), "tau": log(5, 60, 9)}
ASKED = {"by": "rate > 20", "resolution": 1 / 64}


def make(store, ranges=None, place=INLINE, refine=ASKED, block_seconds=0.4, **more) -> Study:
    plan = Plan.make(ranges or RANGES, "toy", duration=100, engine=ENGINE, refine=refine, **more)
    return Study.create(plan, store, place=place, block_seconds=block_seconds, progress=False)


@pytest.fixture(autouse=True)
def quick(monkeypatch) -> None:
    monkeypatch.setenv("TOY_SECONDS", toy_study.SECONDS)


@pytest.fixture(scope="module")
def whole(tmp_path_factory) -> Study:
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("TOY_SECONDS", toy_study.SECONDS)
        return make(tmp_path_factory.mktemp("whole") / "s").run()


def test_the_boundary_is_that_of_the_closed_form(whole) -> None:
    data, curve = whole.data, whole.boundaries()
    assert len(whole.folder.parts) > 3
    rate = [
        1000 / (2 + tau * np.log(drive / (drive - 15)))
        for drive, tau in ((10 * (curve.I + s * curve.I_error), curve.tau - s * curve.tau_error) for s in (-1, 1))
    ]
    assert np.all((rate[0] - 20) * (rate[1] - 20) <= 0)
    assert data.sizes["point"] < 0.2 * 65 * 65


@pytest.mark.parametrize("seconds", [0.15, 1000.0])
def test_blocks_change_no_point_and_no_bit(tmp_path, whole, seconds) -> None:
    assert digest(make(tmp_path / "s", block_seconds=seconds).run().data) == digest(whole.data)


def test_all_rounds_run_on_one_cluster_and_change_no_bit(tmp_path, whole, monkeypatch) -> None:
    from sneuron.explore import cluster

    started = []
    opened = cluster.Embedded.__init__
    monkeypatch.setattr(cluster.Embedded, "__init__", lambda self, *a: (started.append(1), opened(self, *a))[1])
    study = make(tmp_path / "s", place=Place(workers=2), block_seconds=4.0).run()
    assert digest(study.data) == digest(whole.data)
    assert len(started) == 1
    assert study.status()["state"] == "done"


SCRIPT = """
import sys
sys.path.insert(0, {here!r})
from sneuron.explore.study import Study
import toy_engines
from sneuron.explore.cluster import Place
study = Study.open(sys.argv[1])
study.place, study.progress, study.block_seconds = Place(scheduler="inline"), False, 0.4
study.run()
"""


def test_killed_and_gone_on_it_has_the_same_points_and_none_is_computed_twice(tmp_path, whole, monkeypatch) -> None:
    """Killed each time when so many blocks more are begun: in the coarse grid, between rounds, and in later ones."""
    log = tmp_path / "log"
    monkeypatch.setenv("TOY_LOG", str(log))
    monkeypatch.setenv("TOY_SLEEP", "0.02")
    make(tmp_path / "s")
    kills, blocks = 0, whole.status()["blocks"]
    for until in (3, blocks // 2, 3 * blocks // 4):
        child = subprocess.Popen([sys.executable, "-c", SCRIPT.format(here=str(HERE)), str(tmp_path / "s")])
        while child.poll() is None and runs(log) < until + kills:
            with pytest.raises(subprocess.TimeoutExpired):
                child.wait(0.01)
        child.kill()
        child.wait()
        kills += 1
        half = Study.open(tmp_path / "s")
        assert half.status()["state"] == "stopped"
        if half.status()["ok"]:
            assert half.cells().sizes["cell"] >= 64
            assert set(np.unique(half.filled(n=17).origin)) <= {o.value for o in Origin}
    study = Study.open(tmp_path / "s")
    study.place, study.progress, study.block_seconds = INLINE, False, 0.4
    study.run()
    assert digest(study.data) == digest(whole.data)
    assert study.status()["blocks"] == blocks
    assert runs(log) - blocks <= 2 * kills, "only blocks in flight, one for each thread, are computed again"
    assert study.verify() == []


def test_what_failed_is_refined_like_a_class_and_says_that_it_failed(tmp_path) -> None:
    """Points with R*I above 40 diverge: their edge is followed, named, and never coloured as a class."""
    ranges = {**RANGES, "bad": derived(f"where(R*I > 40, {DIVERGES}, 0)")}
    study = make(tmp_path / "s", ranges).run()
    curve, found = study.boundaries(), study.filled()
    assert {"no | yes", "yes | failed"} <= set(curve.between.values)
    names = curve.between.values[curve.curve_number.values]
    edge = curve.isel(vertex=np.array([n.endswith("failed") for n in names]))
    assert np.all(np.abs(edge.I - 4.0) <= edge.I_error + 1e-12)
    assert float(edge.I_error.max()) <= 4 / 64 / 2 * (1 + 1e-9)
    beyond = (found.I > 4.0) & (found.tau > 0)
    assert bool((found.origin.where(beyond, Origin.FAILED) == Origin.FAILED).all())
    assert bool(np.isnan(found.holds.where(beyond)).all())
    assert study.status()["diverged"] == int((study.data.I > 4).sum()) > 20
    assert "failed" in set(study.cells().highest.values)
    failed = study.failures()
    assert np.array_equal(study.data.I[failed.point.values], failed.I)
    assert len(np.unique(failed.point)) == failed.sizes["failure"] == study.status()["diverged"]
    assert study.failures(3).sizes["failure"] == 3
    import matplotlib.pyplot as plt

    from sneuron.plot.boundaries import PlotBoundaries

    figure = PlotBoundaries(found, curve, study.data)
    assert "failed" in [t.get_text() for t in figure.legends[0].get_texts()]
    plt.close(figure)


def test_retry_goes_on_from_what_changed(tmp_path) -> None:
    ranges = {**RANGES, "bad": derived(f"where(R*I > 40, {DIVERGES}, 0)")}
    study = make(tmp_path / "s", ranges).run()
    before = study.data.load()
    assert study.retry(["diverged"]).data.identical(before)
    assert study.status()["state"] == "done"
