"""P7, P8: growing keeps every old bit; two starters on one study; another study is refused."""

import subprocess
import sys
import time
from pathlib import Path

import numpy as np
import pytest

sys.path.insert(0, str(Path(__file__).parent))

from toy_study import BLOCKS, HERE, INLINE, digest, make, runs

from sneuron import errors
from sneuron.explore.study import Study
from sneuron.store.lease import Lease

START = """
import sys
sys.path.insert(0, sys.argv[1])
import toy_study
study = toy_study.make(sys.argv[2])
study.run()
print(toy_study.digest(study.data))
"""


def test_four_starters_at_once_compute_every_block_once(tmp_path, monkeypatch) -> None:
    log = tmp_path / "log"
    monkeypatch.setenv("TOY_LOG", str(log))
    monkeypatch.setenv("TOY_SLEEP", "0.02")
    command = [sys.executable, "-W", "error", "-c", START, str(HERE), str(tmp_path / "study")]
    starters = [subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True) for _ in range(4)]
    told = [s.communicate(timeout=120) for s in starters]
    assert [s.returncode for s in starters] == [0] * 4, told
    assert len({out for out, _ in told}) == 1
    assert runs(log) == BLOCKS
    assert len({line.split()[0] for line in log.read_text().splitlines()}) == 1, "one owner computed everything"


def test_when_the_owner_dies_the_one_that_waits_takes_over(tmp_path, monkeypatch) -> None:
    log = tmp_path / "log"
    monkeypatch.setenv("TOY_LOG", str(log))
    monkeypatch.setenv("TOY_SLEEP", "0.2")
    command = [sys.executable, "-c", START, str(HERE), str(tmp_path / "study")]
    owner = subprocess.Popen(command, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
    while runs(log) < 2:
        time.sleep(0.02)
    monkeypatch.setenv("TOY_SLEEP", "0")
    waiting = Study.open(tmp_path / "study")
    waiting.place, waiting.progress = INLINE, False
    with pytest.raises(errors.LeaseError, match=str(owner.pid)):
        waiting.run(attach=False)
    waiting.start()
    time.sleep(0.3)
    owner.kill()
    owner.wait()
    waiting.wait()
    assert waiting.status()["state"] == "done"
    assert BLOCKS <= runs(log) <= BLOCKS + 1


def test_who_lost_the_lease_stops(tmp_path, monkeypatch) -> None:
    monkeypatch.setenv("TOY_SLEEP", "0.05")
    study = make(tmp_path / "s")
    study.start()
    while study.status()["done"] < 2:
        time.sleep(0.01)
    with pytest.raises(errors.LeaseError):
        Lease.acquire(study.path)
    # as if this process had been silent for longer than its lease
    (next((study.path / "lease").glob("*.json"))).unlink()
    taker = Lease.acquire(study.path)
    with pytest.raises(errors.LeaseError, match="took the lease over"):
        study.wait()
    taker.release()
    assert study.run().status()["state"] == "done"


def test_another_study_in_the_same_place_is_refused(tmp_path) -> None:
    make(tmp_path / "s").run()
    with pytest.raises(errors.StoreError, match="holds another study: its hash is"):
        make(tmp_path / "s", {"I": [1.0, 2.0]})
    assert make(tmp_path / "s").status()["state"] == "done"


@pytest.mark.parametrize("spoiled", ["file", "other"])
def test_places_that_hold_something_else_are_refused(tmp_path, spoiled) -> None:
    place = tmp_path / "s"
    if spoiled == "file":
        place.write_text("x")
    else:
        place.mkdir()
        (place / "thesis.tex").write_text("x")
    with pytest.raises(errors.StoreError):
        make(place)


def test_growing_keeps_every_bit_and_computes_only_what_is_new(tmp_path, monkeypatch) -> None:
    log = tmp_path / "log"
    monkeypatch.setenv("TOY_LOG", str(log))
    study = make(tmp_path / "s", {"I": [2.0, 4.0], "tau": [10.0, 20.0]}, block_seconds=0.05).run()
    old = study.data.load()
    assert points(log) == 4
    study.extend(I=[3.0, 2.0], tau=[30.0])
    new = study.data
    assert new.sizes["I"] == new.sizes["tau"] == 3
    assert new.I.values.tolist() == [2.0, 3.0, 4.0]
    assert points(log) == 9
    assert digest(new.sel(I=old.I, tau=old.tau)) == digest(old)
    whole = make(tmp_path / "whole", {"I": [2.0, 3.0, 4.0], "tau": [10.0, 20.0, 30.0]}).run().data
    for name in ("rate", "noisy", "psth", "status"):
        assert np.array_equal(new[name].values, whole[name].values), name
    before = runs(log)
    study.extend(I=[3.0]).run()
    assert runs(log) == before
    assert (new.status == 1).all()


def test_growing_designs_and_repeats(tmp_path) -> None:
    from sneuron.explore.ranges import lhs, sobol

    ranges = [sobol(8, {"tau": (5, 20)}), {"I": [2.0, 3.0]}]
    study = make(tmp_path / "s", ranges, repeats=2).run()
    study.extend(n=12).extend(repeats=3)
    whole = make(tmp_path / "w", [sobol(12, {"tau": (5, 20)}), {"I": [2.0, 3.0]}], repeats=3).run().data
    grown = study.data
    assert dict(grown.sizes) == dict(whole.sizes)
    for name in ("tau", "rate", "noisy", "status", "repeat"):
        assert np.array_equal(grown[name].values, whole[name].transpose(*grown[name].dims).values), name
    with pytest.raises(errors.PlanError, match="not at least"):
        study.extend(n=3)
    with pytest.raises(errors.PlanError, match="does not grow"):
        make(tmp_path / "l", lhs(8, {"tau": (5, 20)})).extend(n=16)
    with pytest.raises(errors.PlanError, match="no repeats"):
        make(tmp_path / "l", lhs(8, {"tau": (5, 20)})).extend(repeats=2)
    with pytest.raises(errors.UnknownNameError, match="Did you mean 'tau'"):
        study.extend(Tau=[1.0])
    with pytest.raises(errors.PlanError, match="nothing is given"):
        study.extend()


def points(log: Path) -> int:
    return sum(int(line.split()[1]) for line in log.read_text().splitlines())
