"""Ctrl-C at the command line: exit code 130, and a study that goes on where it was."""

import json
import signal
import subprocess
import sys
import time

import pytest

pytestmark = pytest.mark.xdist_group("cluster")

STUDY = """\
schema = 1
name = "many"
duration = "800 ms"
dt = "0.01 ms"
[model]
kind = "hh"
[space.gNa]
grid = { lo = 100, hi = 140, n = 40 }
[space.gK]
grid = { lo = 30, hi = 40, n = 40 }
[space.I]
values = [5, 10]
[outputs]
rate = "FireRate"
[run]
block_seconds = 0.1
"""


def sneuron(*words):
    return [sys.executable, "-m", "sneuron", *words]


def said_by(*words):
    ran = subprocess.run(sneuron(*words), capture_output=True, text=True)
    assert ran.returncode == 0, ran.stderr
    return ran.stdout


@pytest.mark.timeout(300)
def test_an_interrupted_run_is_resumed_to_the_same_results(tmp_path):
    (tmp_path / "study.toml").write_text(STUDY)
    (tmp_path / "whole.toml").write_text(STUDY)
    store = tmp_path / "study.zarr"
    run = subprocess.Popen(
        sneuron("run", str(tmp_path / "study.toml"), "--workers", "1"),
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
    )
    until = time.monotonic() + 200
    while time.monotonic() < until and not list(store.rglob("receipts/*/*.json")):
        time.sleep(0.02)
    run.send_signal(signal.SIGINT)
    _, said = run.communicate(timeout=100)
    assert run.returncode == 130, said
    assert f"sneuron resume {store}" in said
    held = json.loads(said_by("status", str(store), "--json"))
    assert held["state"] == "stopped"
    assert 0 < held["done"] < held["blocks"]
    said_by("resume", str(store), "--scheduler", "inline")
    said_by("run", str(tmp_path / "whole.toml"), "--scheduler", "inline")
    import xarray as xr

    from sneuron.explore.study import Study

    resumed, whole = (Study.open(tmp_path / f"{name}.zarr").data.load() for name in ("study", "whole"))
    xr.testing.assert_identical(resumed.drop_attrs(), whole.drop_attrs())
