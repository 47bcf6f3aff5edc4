"""P5, P9: what became of every point is told apart; a bad point harms nobody."""

import sys
from pathlib import Path

import numpy as np
import xarray as xr

sys.path.insert(0, str(Path(__file__).parent))

from toy_engines import CRASHES, DIVERGES, EATS, ENDLESS, GOOD, RAISES
from toy_study import digest, make

from sneuron.explore.cluster import Place
from sneuron.explore.study import Study
from sneuron.labels import Status

KINDS = [float(k) for k in (GOOD, RAISES, DIVERGES)]
DEADLY = [float(k) for k in (GOOD, CRASHES, EATS, ENDLESS)]


def test_not_computed_nan_failed_and_excluded_are_told_apart(tmp_path) -> None:
    study = make(tmp_path / "s", {"bad": KINDS, "I": [1.0, 2.0, 3.0, 4.0]}, where="I < 3.5", block_seconds=0.2)
    before = study.data
    assert (before.status == Status.NOT_RUN).all()
    assert before.rate.isnull().all()
    study.run()
    expected = np.array([[Status.OK] * 3, [Status.ERROR] * 3, [Status.DIVERGED] * 3])
    data = study.data
    assert np.array_equal(data.status.values, np.hstack([expected, np.full((3, 1), Status.EXCLUDED)]))
    assert np.array_equal(np.isfinite(data.rate.values), data.status.values == Status.OK)
    again = Study.open(tmp_path / "s")
    assert digest(again.data) == digest(data)
    blocks = study.status()["blocks"]
    assert study.status() | {"owner": None} == {
        "blocks": blocks, "done": blocks, "points": 12, "state": "done", "owner": None,
        "not_run": 0, "ok": 3, "diverged": 3, "out_of_range": 0, "overflow": 0, "timeout": 0, "error": 3, "excluded": 3,
    }  # fmt: skip
    failed = study.failures()
    assert failed.sizes == {"failure": 6}
    assert sorted(set(failed.status.values.tolist())) == ["diverged", "error"]
    raised = failed.where(failed.status == "error", drop=True)
    assert raised.bad.values.tolist() == [1.0, 1.0, 1.0]
    assert all("ValueError: this model raises at bad = 1" in m for m in raised.message.values)
    diverged = failed.where(failed.status == "diverged", drop=True)
    assert diverged.first_bad_time.values.tolist() == [12.5, 12.5, 12.5]
    assert failed.I.attrs["units"] == "nA"


def test_points_out_of_bounds_of_a_distribution_are_marked_with_the_reason(tmp_path) -> None:
    from scipy import stats

    from sneuron.explore.ranges import random

    study = make(tmp_path / "s", random(200, {"I": stats.norm(1.0, 1.0)}))
    data = study.run().data
    assert np.array_equal(data.status.values == Status.ERROR, data.I.values < 0)
    assert np.array_equal(np.isfinite(data.rate.values), data.I.values >= 0)
    assert "out of bounds" in str(study.failures().message.values[0])


def test_a_model_that_always_raises_is_not_tried_point_by_point_for_ever(tmp_path, monkeypatch) -> None:
    log = tmp_path / "log"
    monkeypatch.setenv("TOY_LOG", str(log))
    study = make(tmp_path / "s", {"bad": [1.0], "I": np.linspace(1, 2, 6000)}, block_seconds=1000)
    data = study.run().data
    assert (data.status == Status.ERROR).all()
    assert len(log.read_text().splitlines()) < 2000
    assert "not tried alone" in str(study.failures().message.values[-1])


def test_crashing_hungry_and_endless_points_among_good_ones(tmp_path) -> None:
    """One of each kind among sixty good points, on a cluster; only they are lost, each with its reason."""
    bad = np.zeros(64)
    bad[[7, 30, 55]] = [CRASHES, EATS, ENDLESS]
    ranges = {"I": xr.DataArray(np.linspace(1, 4, 64), dims="cell"), "bad": xr.DataArray(bad, dims="cell")}
    study = make(tmp_path / "s", ranges, Place(workers=2, memory="450 MB"), block_seconds=0.8, timeout=4.0)
    study.run()
    data = study.data.load()
    expected = np.full(64, Status.OK)
    expected[[7, 30, 55]] = [Status.ERROR, Status.ERROR, Status.TIMEOUT]
    assert data.status.values.tolist() == expected.tolist()
    good = make(tmp_path / "good", {**ranges, "bad": 0.0}).run().data.load()
    where = expected == Status.OK
    for name in ("rate", "noisy", "psth"):
        assert np.array_equal(data[name].values[where], good[name].values[where])
        assert np.isnan(data[name].values[~where]).all()
    messages = dict(zip(study.failures().cell.values.tolist(), study.failures().message.values.tolist(), strict=True))
    assert "signal 11" in messages[7]
    assert "Memory" in messages[30] or "signal" in messages[30]
    assert "longer than" in messages[55]
    assert study.status()["error"] == 2
    assert study.status()["timeout"] == 1


def test_retry_computes_failed_blocks_again(tmp_path, monkeypatch) -> None:
    study = make(tmp_path / "s", {"bad": KINDS, "I": [1.0, 2.0]}, block_seconds=0.1)
    data = digest(study.run().data)
    monkeypatch.setenv("TOY_LOG", str(tmp_path / "log"))
    study.retry()
    assert (tmp_path / "log").exists()
    assert digest(study.data) == data
    assert study.status()["error"] == 2


def test_endless_points_without_a_cluster(tmp_path) -> None:
    """Where no process may die the work is left behind, and its points are tried alone."""
    study = make(tmp_path / "s", {"I": [1.0], "bad": [float(GOOD), float(ENDLESS)]}, block_seconds=0.1, timeout=1.5)
    data = study.run().data
    assert data.status.values.tolist() == [[Status.OK, Status.TIMEOUT]]
    assert "longer than 1.5 s" in str(study.failures().message.values[0])
