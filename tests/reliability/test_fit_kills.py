"""A fit whose process is killed goes on as if nothing had happened."""

import os
import signal
import subprocess
import sys
import time

import pytest
import xarray as xr

import sneuron as sn

SCRIPT = """
import sys
import sneuron as sn

sn.FitModel(
    None, "lif", {"I": (200, 700), "C": sn.log(100, 400)}, objective={"rate": {"measure": "FireRate", "goal": 40.0}},
    duration=200, batch=64, budget=1280, seed=4, scheduler="inline", store=sys.argv[1], progress=False,
)
"""


def begun(folder):
    return subprocess.Popen([sys.executable, "-c", SCRIPT, str(folder)], env=os.environ)


@pytest.mark.timeout(300)
def test_killed_twice_and_resumed_it_has_the_same_evaluations(tmp_path):
    whole = begun(tmp_path / "whole")
    assert whole.wait() == 0
    for least in (4, 12):
        process = begun(tmp_path / "killed")
        receipts = tmp_path / "killed" / "receipts" / "main"
        while process.poll() is None:
            if receipts.exists() and sum(1 for f in receipts.rglob("*") if f.is_file()) >= least:
                process.send_signal(signal.SIGKILL)
                break
            time.sleep(0.005)
        process.wait()
    kept = {r["block"]: r["written"] for r in sn.Study.open(tmp_path / "killed").folder.receipts("main")}
    assert len(kept) >= 4
    assert begun(tmp_path / "killed").wait() == 0
    first, second = (sn.Study.open(tmp_path / name) for name in ("whole", "killed"))
    after = {r["block"]: r["written"] for r in second.folder.receipts("main")}
    assert {block: after[block] for block in kept} == kept
    xr.testing.assert_identical(first.data.drop_attrs().load(), second.data.drop_attrs().load())
    assert second.verify() == []
