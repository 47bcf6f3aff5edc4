"""P3, P11: losing the scheduler costs what is in flight; damage is found, named and mended; clusters of others."""

import sys
import time
from pathlib import Path

import psutil
import pytest

sys.path.insert(0, str(Path(__file__).parent))

from toy_study import BLOCKS, INLINE, digest, make, runs

from sneuron import errors
from sneuron.explore import cluster
from sneuron.explore.cluster import Embedded, Place


def test_losing_the_scheduler_costs_only_what_is_in_flight(tmp_path, monkeypatch) -> None:
    """The cluster is killed under the study, which goes on with a new one."""
    whole = digest(make(tmp_path / "whole").run().data)
    log, started = tmp_path / "log", []
    opened = cluster.Embedded.__init__

    def noted(self, *args) -> None:
        opened(self, *args)
        started.append(self)

    monkeypatch.setattr(cluster.Embedded, "__init__", noted)
    monkeypatch.setenv("TOY_LOG", str(log))
    monkeypatch.setenv("TOY_SLEEP", "0.2")
    study = make(tmp_path / "s", place=Place(workers=1)).start()
    while runs(log) < 4:
        time.sleep(0.05)
    for process in [*psutil.Process(started[0].process.pid).children(recursive=True), started[0].process]:
        process.kill()
    study.wait()
    assert len(started) == 2
    assert study.status()["state"] == "done"
    assert digest(study.data) == whole
    assert runs(log) - BLOCKS <= 8


def test_a_scheduler_by_address_and_one_that_goes_away(tmp_path, monkeypatch) -> None:
    """Somebody else's cluster is used and left running; when it is lost the study says so and can go on."""
    monkeypatch.setenv("TOY_SLEEP", "0.2")
    theirs = Embedded(1, None)
    try:
        first = make(tmp_path / "one", {"I": [2.0, 3.0]}, Place(scheduler=theirs.address)).run()
        assert first.status()["state"] == "done"
        assert theirs.lives
        study = make(tmp_path / "s", place=Place(scheduler=theirs.address)).start()
        while study.status()["done"] < 2:
            time.sleep(0.05)
        for process in [*psutil.Process(theirs.process.pid).children(recursive=True), theirs.process]:
            process.kill()
        with pytest.raises(errors.PlanError, match="the cluster is lost"):
            study.wait()
    finally:
        theirs.close()
    monkeypatch.setenv("TOY_SLEEP", "0")
    study.place = INLINE
    assert study.run().status()["state"] == "done"


@pytest.mark.parametrize("harm", ["flip", "truncate", "zero", "delete", "append"])
def test_damage_is_an_error_that_names_the_block_and_can_be_mended(tmp_path, harm) -> None:
    study = make(tmp_path / "s").run()
    whole = digest(study.data)
    victim = sorted((tmp_path / "s" / "data" / "main" / "rate").glob("c.*"))[5]
    data = bytearray(victim.read_bytes())
    if harm == "delete":
        victim.unlink()
    else:
        data[len(data) // 2] ^= 1 if harm == "flip" else 0
        changed = {"truncate": data[: len(data) // 2], "zero": b"\0" * len(data), "append": data + b"x"}
        victim.write_bytes(bytes(changed.get(harm, data)))
    with pytest.raises(errors.DamageError, match=r"main|rate"):
        study.data.rate.load()
    (found,) = study.verify()
    assert found.part == "main"
    assert str(victim) == found.file
    assert study.verify(repair=True) == [found]
    assert study.status()["done"] == BLOCKS - 1
    assert digest(study.run().data) == whole
    assert study.verify() == []


def test_a_damaged_receipt_is_found_and_mended(tmp_path) -> None:
    study = make(tmp_path / "s").run()
    whole = digest(study.data)
    receipt = tmp_path / "s" / "receipts" / "main" / "3.json"
    receipt.write_bytes(receipt.read_bytes()[:40])
    with pytest.raises(errors.DamageError, match=r"3\.json|block 3"):
        study.data.rate.load()
    assert [d.block for d in study.verify(repair=True)] == [3]
    assert digest(study.run().data) == whole
