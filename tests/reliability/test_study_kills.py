"""P1, P4: no completed block is ever lost by killing any processes, and only blocks in flight are computed again."""

import random
import signal
import subprocess
import sys
import time
from pathlib import Path

import psutil
import pytest

sys.path.insert(0, str(Path(__file__).parent))

from toy_study import BLOCKS, HERE, digest, make, runs

from sneuron.explore.cluster import Place
from sneuron.explore.study import Study


@pytest.fixture(scope="module")
def undisturbed(tmp_path_factory) -> str:
    study = make(tmp_path_factory.mktemp("undisturbed") / "study")
    assert study.status()["blocks"] == BLOCKS
    return digest(study.run().data)


@pytest.mark.parametrize("seed", [1])
def test_forty_kills_lose_nothing(seed, tmp_path, undisturbed, monkeypatch) -> None:
    log = tmp_path / "log"
    monkeypatch.setenv("TOY_LOG", str(log))
    monkeypatch.setenv("TOY_SLEEP", "0.06")
    make(tmp_path / "study")
    command = [sys.executable, str(HERE / "toy_study.py"), "kills", str(tmp_path / "study"), str(seed), "40"]
    told = subprocess.run(command, capture_output=True, text=True, check=True, timeout=120).stdout
    kills = int(told.split("kills")[1])
    study = Study.open(tmp_path / "study")
    study.place = Place(scheduler="inline")
    study.progress = False
    before = study.status()["done"]
    assert kills == 40 or before == BLOCKS
    assert kills >= 20
    study.run()
    assert digest(study.data) == undisturbed
    assert study.verify() == []
    assert runs(log) - BLOCKS <= kills
    again = runs(log)
    study.run()
    assert runs(log) == again
    assert not list((tmp_path / "study").rglob("*.partial")) or study.folder.sweep(0.0)


def family(process: psutil.Process) -> list[psutil.Process]:
    try:
        return [process, *process.children(recursive=True)]
    except psutil.NoSuchProcess:
        return []


def workers(process: psutil.Process) -> list[psutil.Process]:
    found = []
    for child in family(process):
        try:
            if "spawn_main" in " ".join(child.cmdline()):
                found.append(child)
        except psutil.Error:
            continue
    return found


def test_kills_on_a_cluster(tmp_path, undisturbed, monkeypatch) -> None:
    """Workers and then Ctrl-C; the client; everything: each at a random moment, the next life goes on."""
    log, chance = tmp_path / "log", random.Random(3)
    monkeypatch.setenv("TOY_LOG", str(log))
    monkeypatch.setenv("TOY_SLEEP", "0.25")
    make(tmp_path / "study")
    study = Study.open(tmp_path / "study")
    kills = 0
    for what in ("interrupt", "client", "everything"):
        child = subprocess.Popen(
            [sys.executable, str(HERE / "toy_study.py"), "run", str(tmp_path / "study")],
            stderr=subprocess.PIPE,
            text=True,
        )
        process, start = psutil.Process(child.pid), runs(log)
        while runs(log) < start + 2 and child.poll() is None:
            time.sleep(0.05)
        if what == "interrupt":
            kills += kill_workers(process, chance)
        everyone = family(process)
        for victim in everyone if what == "everything" else [process]:
            try:
                victim.send_signal(signal.SIGINT if what == "interrupt" else signal.SIGKILL)
            except psutil.NoSuchProcess:
                continue
        told = child.communicate(timeout=60)[1]
        assert child.returncode != 0
        assert "KeyboardInterrupt" in told or what != "interrupt"
        alive = psutil.wait_procs(everyone, timeout=20)[1]
        assert not alive, "processes outlived their client"
        kills += 2
        assert study.status()["state"] == "stopped"
    study.place, study.progress = Place(scheduler="inline"), False
    monkeypatch.setenv("TOY_SLEEP", "0")
    done, before = study.status()["done"], runs(log)
    assert 0 < done < BLOCKS
    study.run()
    assert runs(log) - before == BLOCKS - done
    assert digest(study.data) == undisturbed
    assert runs(log) - BLOCKS <= 2 * kills
    assert study.verify() == []


def kill_workers(process: psutil.Process, chance: random.Random) -> int:
    """SIGKILL three workers, one after the other; how many there were."""
    kills = 0
    for _ in range(3):
        time.sleep(chance.uniform(0.0, 0.3))
        chosen = workers(process)
        if chosen:
            chance.choice(chosen).kill()
            kills += 1
    return kills
