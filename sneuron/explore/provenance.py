"""Where results come from: model, plan, versions, commit, as attributes of the dataset."""

from __future__ import annotations

import datetime
import functools
import json
import platform
import subprocess
from importlib.metadata import PackageNotFoundError, version
from typing import Any

from sneuron.explore.encode import sha256
from sneuron.explore.plan import Plan
from sneuron.version import __version__

__all__ = ["git_commit", "provenance", "versions"]

_PACKAGES = ("numpy", "scipy", "xarray", "zarr", "numba", "llvmlite", "sympy", "dask", "distributed")
_LONG = 20_000


def provenance(plan: Plan, name: str | None = None) -> dict[str, Any]:
    """Attributes that say how the results of a plan can be had again.

    Parameters
    ----------
    plan : Plan
        The plan.
    name : str, optional
        What its owner calls it.

    Returns
    -------
    dict
        Numbers and texts; `dt` and `duration` in ms, `model`, `space`, `outputs` and `versions` as JSON texts.
    """
    stimulus = json.dumps([json.loads(text) for text in plan.stimulus])
    if len(stimulus) > _LONG:
        stimulus = json.dumps({"sha256": sha256(list(plan.stimulus)), "where": "study.json"})
    data, now = plan.to_json(), datetime.datetime.now(datetime.UTC)
    told = {
        "title": name or f"sweep of {plan.model_name}", "model": plan.model, "model_name": plan.model_name,
        "model_hash": plan.model_hash, "plan_hash": plan.hash, "stimulus": stimulus,
        "space": _short(json.dumps(data["space"])), "outputs": _short(json.dumps(data["outputs"])),
        "duration": plan.duration, "dt": plan.dt, **plan.window,
        "method": plan.method, "dtype": plan.dtype, "seed": str(plan.seed),
        "allow_unstable": int(plan.allow_unstable), "engine": plan.engine, "sneuron_version": __version__,
        "versions": json.dumps(versions()), "created": now.isoformat(timespec="seconds"),
    }  # fmt: skip
    if plan.rtol is not None:
        told |= {"rtol": plan.rtol, "atol": json.dumps(dict(plan.atol))}
    commit = git_commit()
    return {**told, "git_commit": commit} if commit else told


@functools.cache
def versions() -> dict[str, str]:
    """Versions of Python and of the packages that results may depend on."""
    found = {"python": platform.python_version(), "sneuron": __version__}
    for package in _PACKAGES:
        try:
            found[package] = version(package)
        except PackageNotFoundError:
            continue
    return found


@functools.cache
def git_commit() -> str | None:
    """Commit of the repository in the working folder, with `+changes` when files differ; None without one."""
    try:
        commit = _git("rev-parse", "HEAD")
        return commit + ("+changes" if _git("status", "--porcelain", "--untracked-files=no") else "")
    except (OSError, subprocess.SubprocessError):
        return None


def _git(*args: str) -> str:
    done = subprocess.run(["git", *args], capture_output=True, text=True, timeout=5, check=True)
    return done.stdout.strip()


def _short(text: str) -> str:
    return text if len(text) <= _LONG else json.dumps({"sha256": sha256(text), "where": "study.json"})
