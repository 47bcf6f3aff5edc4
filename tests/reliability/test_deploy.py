"""The recipe of deploy/ runs, plain and encrypted."""

import shutil
import subprocess
import sys
from pathlib import Path

import pytest

from sneuron.explore.study import Study

pytestmark = pytest.mark.xdist_group("cluster")

SCRIPT = Path(__file__).parents[2] / "deploy" / "run-on-cluster.sh"
STUDY = """\
schema = 1
name = "two conductances"
duration = "20 ms"
[model]
kind = "hh"
[space.gNa]
grid = { lo = 80, hi = 160, n = 4 }
[outputs]
rate = "FireRate"
"""


@pytest.mark.timeout(300)
@pytest.mark.parametrize("encrypted", [False, True] if shutil.which("openssl") else [False])
def test_the_recipe_runs_a_study_and_stops_everything(tmp_path, monkeypatch, encrypted):
    monkeypatch.setenv("PYTHON", sys.executable)
    (tmp_path / "study.toml").write_text(STUDY)
    words = [str(SCRIPT), str(tmp_path / "study.toml"), "1"]
    if encrypted:
        words.append(str(tmp_path / "tls"))
    ran = subprocess.run(words, capture_output=True, text=True, timeout=200)
    assert ran.returncode == 0, ran.stderr
    assert Study.open(tmp_path / "study.zarr").status()["ok"] == 4
    assert (tmp_path / "tls" / "key.pem").exists() == encrypted
