"""A small study of the toy engine, as tests run it in this process, in forks of it, or in processes of its own."""

from __future__ import annotations

import hashlib
import os
import random
import signal
import sys
import time
from pathlib import Path
from typing import Any

HERE = Path(__file__).parent
if str(HERE) not in sys.path:
    sys.path.insert(0, str(HERE))

import numpy as np  # noqa: E402
import xarray as xr  # noqa: E402
from toy_engines import ENGINE  # noqa: E402

from sneuron.explore.cluster import Place  # noqa: E402
from sneuron.explore.plan import Plan  # noqa: E402
from sneuron.explore.ranges import grid, log  # noqa: E402
from sneuron.explore.study import Study  # noqa: E402

INLINE = Place(scheduler="inline")
RANGES = {"I": grid(1, 5, 16), "tau": log(5, 60, 16)}
BLOCKS = 32
SECONDS = "0.05"


def make(store: Path | str, ranges: Any = None, place: Place = INLINE, **more: Any) -> Study:
    """The study, laid out in blocks of 8 points."""
    os.environ["TOY_SECONDS"] = SECONDS
    plan = Plan.make(
        ranges or RANGES,
        "toy",
        duration=100,
        engine=ENGINE,
        where=more.pop("where", None),
        repeats=more.pop("repeats", 1),
    )
    return Study.create(plan, store, place=place, block_seconds=more.pop("block_seconds", 0.4), progress=False, **more)


def digest(data: xr.Dataset) -> str:
    """Every bit of a dataset, and what its coordinates are."""
    loaded = data.load()
    sums = hashlib.sha256()
    for name in sorted(map(str, loaded.variables)):
        sums.update(name.encode() + np.ascontiguousarray(loaded[name].values).tobytes())
    return sums.hexdigest()


def runs(log_file: Path) -> int:
    """How often the engine was called."""
    return log_file.read_text().count("\n") if log_file.exists() else 0


def main() -> None:
    """`kills STORE SEED COUNT`: fork a life, kill it at a random moment, COUNT times; `run STORE`: run it."""
    what, store = sys.argv[1:3]
    if what == "run":
        Study.open(store).run()
        return
    chance, kills = random.Random(int(sys.argv[3])), int(sys.argv[4])
    done = 0
    while done < kills:
        child = os.fork()
        if child == 0:
            os.setsid()
            Study.open(store).run()
            os._exit(0)
        time.sleep(chance.uniform(0.0, 0.16))
        os.kill(child, signal.SIGKILL)
        _, code = os.waitpid(child, 0)
        if os.WIFEXITED(code):
            print("ended", os.WEXITSTATUS(code))
            break
        done += 1
    print("kills", done)


if __name__ == "__main__":
    main()
