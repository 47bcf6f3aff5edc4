"""`ParamSweep`: from ranges to a labelled dataset in one call."""

from __future__ import annotations

import os
from typing import Any

from sneuron.explore.cluster import Place
from sneuron.explore.plan import ENGINE, Plan
from sneuron.explore.study import Study

__all__ = ["ParamSweep"]


def ParamSweep(
    ranges: Any,
    model: Any = None,
    *,
    network: Any = None,
    duration: Any,
    settle: Any = 0,
    dt: Any = None,
    method: str | None = None,
    dtype: str = "float64",
    stimulus: Any = None,
    outputs: Any = None,
    record: Any = (),
    record_at: Any = None,
    every: int = 1,
    convergence: float = 0,
    repeats: int = 1,
    seed: int | None = 0,
    common: Any = (),
    where: str | None = None,
    allow_unstable: bool = False,
    rtol: Any = None,
    atol: Any = None,
    refine: Any = None,
    store: str | os.PathLike[str] | None = None,
    client: Any = None,
    scheduler: str | None = None,
    workers: int | None = None,
    memory: str | int | None = None,
    wait: bool = True,
    name: str | None = None,
    block_seconds: float = 5.0,
    timeout: float | None = None,
    progress: bool | None = None,
    engine: str = ENGINE,
) -> Any:
    """Simulate a model at every point of a parameter space, and keep what was asked for.

    The same call again computes only what is missing; a call that was interrupted goes on where it stopped.

    Parameters
    ----------
    ranges : mapping, design, or list of them
        Parameter -> values: `grid`, `log`, `values`, a list, an array with units, one number (no dim then), `zipped`
        with another parameter, `derived` from others; `sobol`, `halton`, `lhs`, `random` for samples of many at once.
    model : str, Model, dict or Neuron
        What `load_model` takes; "hh" when neither a model nor a network is given.
    network : str, dict, path, Network or Dataset
        In place of a model: each point is a network of its own. What `BuildNet` takes, or what it made. Parameters are
        those of the network ("g"), and paths ("e.size", "e.tau", "ee.p", "ee.weight"); repeat k of seed s is the
        network of `BuildNet(..., seed=s + k)`. What neurons have is the mean over each `population`.
    duration : number or text, ms
        How long each point runs; "protocol" for as long as the model's own protocol.
    settle : number or text, ms, default 0
        How long each point runs before that, while nothing is kept: no spike, no trace, no feature. Time goes on from
        0: stimuli that are meant to be seen begin later.
    dt : number or text, ms
        Time step; the model's own when omitted.
    method : str
        Integration method; the model's own when omitted.  Under "tsit5" and "bs32" each point chooses its own steps.
    dtype : {"float64", "float32"}
    stimulus : Dataset, DataArray, number, or list of them
        What `InjCur` injects; its dims become dims of the results. "protocol" stands for the stimuli of the model's
        own protocol.
    outputs : mapping or list
        Name -> measure (`FireRate`), `functools.partial` of one, its name, a feature of the run ("v_max", "v_mean"),
        an importable function of the run, or a dict `{"measure": ..., options}`. Spike counts are always kept.
    record : list of str
        Variables kept over time.
    record_at : mapping or list of int
        Where they are kept: values of coordinates, or numbers of points; everywhere when omitted.
    every : int
        Record every so many steps.
    convergence : float, default 0
        Share (below 1) or number of points that are run again at half the step, or where they choose their steps at a
        tenth of the tolerance: `<output>_error(checked)` tells how much that changes each output, so that one sees
        where the study is not resolved.
    repeats : int
        Runs of each point with other random numbers (dim `repeat`).
    seed : int or None
        Key of all random numbers, 0 to 2^64-1; None draws one and notes it.
    common : list of str, or "all"
        Parameters that do not count for the random numbers of noise: points that differ in them alone draw the same
        ones (common random numbers).
    where : str
        Condition over parameters, such as "gNa > 2*gK"; other points are not simulated (`status` excluded).
    allow_unstable : bool
        Run even with a dt beyond the stability limit; noted in the results.
    rtol : float
        Of methods that choose their steps: the error that a step may have, as a part of each state's size (<= 100 mV, 1
        for gates); 1e-5 when omitted.
    atol : mapping
        State -> error that a step may have, in the state's own unit, in place of `rtol` times its size.
    refine : str or mapping
        Add points by what the results say: "spike_count > 0", or another condition over outputs and parameters, or an
        output that is a flag or a count, whose boundaries are then followed; in full `{"by": ..., "resolution": 0.01,
        "tolerance": None, "budget": 1_000_000}`. `ranges` is the coarse grid, over one to three axes; cells whose
        points disagree are cut until they are no larger than `resolution`: a part of each range, or a mapping from
        parameters to widths in their units. A `tolerance` (in the unit of the output `by`) fills instead where the
        output changes by more within a cell, greatest changes first. `budget` is the greatest number of points. The
        results lie along the dim `point`; see `boundaries`, `filled` and `cells`.
    store : path
        Folder of the study; a temporary one when omitted.
    client : distributed.Client
        Where to run; the client in scope when there is one, else a cluster of this machine.
    scheduler : str
        Address of a Dask scheduler, or "inline" for this process.
    workers, memory : int, str
        Processes of the cluster of this machine, and the memory of each.
    wait : bool
        False returns the `Study` at once, running in the background.
    name : str
        What you call the study.
    block_seconds : float
        How long a task shall take, s.
    timeout : float
        Seconds after which a task is given up and its points are tried alone.
    progress : bool
        Show how far it is; by default in a terminal or notebook.
    engine : str
        What simulates, "module:object" (see `sneuron.explore.engine.Engine`).

    Returns
    -------
    xarray.Dataset or Study
        Opened lazily: outputs, `spike_count`, `status` (1 ok), `first_bad_time` (ms) over the swept dims; coordinates
        are the parameters, with units; attrs say where it all comes from.

    Raises
    ------
    SneuronError
        For whatever cannot be, before any work; `DiskFullError` when the disk is full (go on by the same call).

    Examples
    --------
    >>> ds = ParamSweep({"I": [0.0, 5.0, 10.0]}, model="hh", duration=100)
    >>> ds.spike_count.values
    array([0., 1., 7.])
    """
    plan = Plan.make(
        ranges, model, network=network, duration=duration, settle=settle, dt=dt, method=method, dtype=dtype,
        stimulus=stimulus, outputs=outputs, record=record, every=every, repeats=repeats, seed=seed, common=common,
        where=where, allow_unstable=allow_unstable, rtol=rtol, atol=atol, refine=refine, engine=engine,
    )  # fmt: skip
    place = Place(client, scheduler, workers, memory)
    study = Study.create(
        plan,
        store,
        record_at=record_at,
        convergence=convergence,
        name=name,
        place=place,
        block_seconds=block_seconds,
        timeout=timeout,
        progress=progress,
        measure=True,
    )
    return study.run().data if wait else study.start()
