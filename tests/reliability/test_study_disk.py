"""P10: a full disk pauses the study, says the numbers, and the study goes on when there is space."""

import errno
import sys
import time
from pathlib import Path

import pytest

sys.path.insert(0, str(Path(__file__).parent))

from toy_study import BLOCKS, digest, make

from sneuron import errors
from sneuron.explore.plan import Plan
from sneuron.explore.ranges import grid
from sneuron.explore.study import Study
from sneuron.store import disk as disks
from sneuron.store.disk import Disk, DiskFullError


class SmallDisk(Disk):
    """A disk that has room for so many bytes."""

    room = 20_000

    def write(self, path, data) -> None:
        if len(data) > self.room:
            raise OSError(errno.ENOSPC, "No space left on device", str(path))
        self.room -= len(data)
        super().write(path, data)


def test_a_full_disk_pauses_the_study(tmp_path) -> None:
    whole = digest(make(tmp_path / "whole").run().data)
    study = make(tmp_path / "s")
    small = SmallDisk()
    with disks.use_disk(small), pytest.raises(DiskFullError, match="bytes are needed") as caught:
        study.run()
    assert "resume" in str(caught.value)
    state = study.status()
    assert 0 < state["done"] < BLOCKS
    assert state["state"] == "stopped"
    assert state["error"] == 0, "a full disk is no failed point"
    assert digest(study.run().data) == whole
    assert study.verify() == []


class NearlyFullDisk(Disk):
    """A disk with a little room."""

    def free(self, path) -> int:
        return 5_000


def test_results_that_the_disk_cannot_hold_are_refused_with_what_would_fit(tmp_path) -> None:
    with (
        disks.use_disk(NearlyFullDisk()),
        pytest.raises(errors.PlanError, match=r"256 points need up to 9\.47 kB") as caught,
    ):
        make(tmp_path / "s")
    assert "up to 128 points" in str(caught.value)
    assert not (tmp_path / "s").exists()


def test_what_cannot_fit_is_refused_with_its_size_at_once(tmp_path) -> None:
    plan = Plan.make({"I": grid(0, 1, 10**6), "tau": grid(1, 2, 10**6)}, "toy", duration=100, engine="toy_engines:TOY")
    began = time.process_time()
    with pytest.raises(errors.PlanError, match=r"1,000,000,000,000 points need .*TB.* up to .* points") as caught:
        Study.create(plan, tmp_path / "s")
    assert time.process_time() - began < 0.1
    assert "CPU time" in str(caught.value)
    assert not (tmp_path / "s").exists()
