"""Stimuli as data: steps, ramps, sines, chirps, pulses, frozen noise, replayed recordings."""

from __future__ import annotations

import functools
import json
import math
import secrets
from collections.abc import Collection, Mapping
from typing import Any

import numpy as np
import xarray as xr
from numpy.typing import NDArray

from sneuron import errors, labels
from sneuron.core.state import ROLE, model_of
from sneuron.lang.assignments import Wave
from sneuron.lang.emit import EDGE
from sneuron.lang.model import Waveform, load_model, load_stimulus
from sneuron.lang.program import wave
from sneuron.lang.spec import Param

__all__ = ["InjCur", "chirp", "noise", "protocol", "pulses", "ramp", "replay", "sine", "step"]

SAMPLE = "sample"
PROTOCOL = "protocol"
"""Stands for the stimuli, or the duration, of the model's own protocol."""

NOISE_STEP = 0.1
"""Sampling interval (ms) of frozen noise; between samples the current is a straight line."""

MAX_NOISE = 2**28
"""Samples of frozen noise held at once, in all."""

Array = NDArray[Any]


def step(amplitude: Any, start: Any = 0.0, stop: Any = np.inf) -> xr.Dataset:
    """A step of current: `amplitude` from `start` to `stop`.

    Parameters
    ----------
    amplitude : number, text with unit, list or DataArray
        In the current unit of the neuron (uA/cm2 or pA).  A list makes the dim `step.amplitude`.
    start, stop : same, ms
        The instant `start` belongs to the step, `stop` does not.

    Returns
    -------
    xarray.Dataset
        The stimulus, for `InjCur`.

    Examples
    --------
    >>> step(10, start=50, stop=450).attrs["kind"]
    'step'
    """
    return _stimulus("step", amplitude=amplitude, start=start, stop=stop)


def ramp(first: Any, last: Any, start: Any = 0.0, stop: Any = 1000.0) -> xr.Dataset:
    """A current that grows in a straight line from `first` at `start` to `last` at `stop`, and is 0 outside (ms)."""
    return _stimulus("ramp", first=first, last=last, start=start, stop=stop)


def sine(
    amplitude: Any, freq: Any, offset: Any = 0.0, phase: Any = 0.0, start: Any = 0.0, stop: Any = np.inf
) -> xr.Dataset:
    """Offset + amplitude sin(2 pi freq (t - start) + phase) from `start` to `stop` (ms; freq in Hz, phase in rad)."""
    return _stimulus("sine", amplitude=amplitude, freq=freq, offset=offset, phase=phase, start=start, stop=stop)


def chirp(
    amplitude: Any, freq_first: Any, freq_last: Any, offset: Any = 0.0, start: Any = 0.0, stop: Any = 10000.0
) -> xr.Dataset:
    """A sine whose frequency grows linearly from `freq_first` to `freq_last` (Hz) between `start` and `stop` (ms).

    Puil, Gimbarzevsky & Miura 1986, doi:10.1152/jn.1986.55.5.995.
    """
    return _stimulus(
        "chirp", amplitude=amplitude, freq_first=freq_first, freq_last=freq_last, offset=offset, start=start, stop=stop
    )


def pulses(amplitude: Any, width: Any, period: Any, start: Any = 0.0, count: Any = np.inf) -> xr.Dataset:
    """A train of `count` rectangular pulses of `width`, one each `period`, from `start` (ms)."""
    return _stimulus("pulses", amplitude=amplitude, width=width, period=period, start=start, count=count)


def noise(
    mean: Any = 0.0, std: Any = 1.0, tau: Any = 3.0, start: Any = 0.0, stop: Any = 1000.0, seed: Any = 0
) -> xr.Dataset:
    """Frozen noise: one Ornstein-Uhlenbeck current, the same for every neuron that shares its seed.

    Parameters
    ----------
    mean, std : number, list or DataArray
        In the current unit of the neuron; may differ from point to point while the noise stays the same.
    tau : float, ms
        Correlation time; 0 gives independent samples.
    start, stop : number, ms
        One time for all.
    seed : int from 0 to 2**64 - 1, sequence or DataArray of them, or None
        Several seeds give independent noises along the dim `noise.seed`.  None draws one, which the result holds.

    Returns
    -------
    xarray.Dataset

    Notes
    -----
    w(t + d) = w(t) exp(-d/tau) + sqrt(1 - exp(-2d/tau)) xi, exact for any d; drawn every 0.1 ms from Philox
    keyed by the seed, with straight lines between: the same current under any dt.
    Mainen & Sejnowski 1995, doi:10.1126/science.7770778.
    """
    where = "noise"
    length = labels.number(stop, "ms", where) - labels.number(start, "ms", where)
    tau_ms = labels.number(tau, "ms", where)
    if not 0 < length < 1e9 or tau_ms < 0:
        raise errors.TimeError(
            where, f"stop {stop!r} and tau {tau!r} cannot be", mend="Give stop > start, and tau >= 0, in ms."
        )
    seeds = checked_seeds(seed, where, "noise.seed")
    samples = {"n": int(np.ceil(length / NOISE_STEP)) + 1, "tau": tau_ms}
    if samples["n"] * seeds.size > MAX_NOISE:
        what = f"{seeds.size} noises of {length:g} ms are {samples['n'] * seeds.size:.3g} samples"
        raise errors.TimeError(where, what, f"up to {MAX_NOISE:.3g}", mend="Give a shorter time, or fewer seeds.")
    rows = xr.apply_ufunc(_drawn, seeds, kwargs=samples, output_core_dims=[[SAMPLE]], vectorize=True)
    made = _stimulus("noise", mean=mean, std=std, start=start, stop=stop)
    return _with_wave(made, rows, NOISE_STEP).assign_attrs(tau=tau_ms, seed=np.asarray(seeds).ravel().tolist())


def replay(recording: Any, scale: Any = 1.0, offset: Any = 0.0, start: Any = 0.0, hold: bool = False) -> xr.Dataset:
    """A recorded current, played again.

    Parameters
    ----------
    recording : DataArray, dims (..., time)
        With a `time` coordinate (ms, or with units) and units of current; other dims, such as `sweep`,
        become dims of the state.
    scale, offset : number, list or DataArray
        scale * recording + offset is injected while it plays; nothing before and after.
    start : number, ms
        When its first sample is played.
    hold : bool
        Keep each sample until the next one; straight lines between samples otherwise.

    Returns
    -------
    xarray.Dataset

    Raises
    ------
    DataError
        Without an evenly spaced `time` coordinate, or with NaN.
    """
    where = "replay"
    if not isinstance(recording, xr.DataArray) or labels.TIME not in recording.coords:
        raise errors.DataError(
            where,
            "a DataArray with a 'time' coordinate is needed",
            mend="xr.DataArray(i, dims='time', coords={'time': t})",
        )
    time = recording[labels.TIME]
    t = np.asarray(labels.convert(time.values.astype(float), labels.units_of(time.attrs), "ms", f"{where}: time"))
    gap = np.diff(t)
    if t.size < 2 or not np.allclose(gap, gap[0], rtol=1e-3) or gap[0] <= 0:
        raise errors.DataError(
            where, "the time coordinate is not evenly spaced and growing", mend="Interpolate it onto even times."
        )
    if recording.dtype.kind not in "fiu" or not np.all(np.isfinite(recording.values)):
        raise errors.DataError(where, "the recording holds values that are not numbers", mend="Cut or fill them.")
    if np.ndim(start):
        raise errors.TimeError(f"{where}: 'start'", "a recording is played at one time for all", mend="Give one start.")
    made = _stimulus("replay", scale=scale, offset=offset, start=start)
    wave = recording.astype(np.float64).transpose(..., labels.TIME)
    interval = float((t[-1] - t[0]) / (t.size - 1))
    samples = wave.rename({labels.TIME: SAMPLE}).drop_vars(SAMPLE)
    return _with_wave(made.assign_attrs(hold=int(hold)), samples, interval)


def protocol(model: Any) -> tuple[list[xr.Dataset], float]:
    """The stimuli under which a model's paper shows it, and for how long.

    Parameters
    ----------
    model : str, Model, or Dataset with `attrs["model"]`
        A model, its name, or a state or run of it.

    Returns
    -------
    list of Dataset, float
        Stimuli for `InjCur` (currents in the unit of the neuron), and the duration in ms.

    Raises
    ------
    ModelError
        When the model comes without a protocol.

    Notes
    -----
    `InjCur(state, "protocol")` injects them; `ParamSweep(..., stimulus="protocol", duration="protocol")` runs them.

    Examples
    --------
    >>> stimuli, duration = protocol("izhikevich_2004_tonic_spiking")
    >>> [s.attrs["kind"] for s in stimuli], stimuli[0].amplitude.item(), duration
    (['step'], 14.0, 100.0)
    """
    held = getattr(model, "attrs", {})
    found = load_model(held.get("model", model))
    shown = found.protocol
    if not shown.duration:
        mend = "Give stimuli and a duration; `sneuron models` lists the models that have a protocol."
        raise errors.ModelError("protocol", f"model {found.name!r} comes without one", mend=mend)
    order = sorted(shown.stimuli.items(), key=lambda item: (item[1].kind, item[0]))  # like protocols share kernels
    return [_injected(each.kind, each.params) for _, each in order], shown.duration


def _injected(kind: str, params: Mapping[str, float]) -> xr.Dataset:
    """A stimulus of a protocol; parameters that it leaves out have their defaults."""
    if kind == "noise":
        return noise(**{name: int(value) if name == "seed" else value for name, value in params.items()})
    defaults = {name: param.value for name, param in load_stimulus(kind).params.items()}
    return _stimulus(kind, **(defaults | dict(params)))


def InjCur(state: xr.Dataset, stimulus: xr.Dataset | xr.DataArray | Any) -> xr.Dataset:
    """The state with one more current injected.

    Parameters
    ----------
    state : Dataset
        From `InitNeu`.
    stimulus : Dataset, number, DataArray or "protocol"
        From `step`, `ramp`, `sine`, `chirp`, `pulses`, `noise` or `replay`; a number (or labelled array
        without time) is a constant current; a DataArray with `time` is replayed; "protocol" stands for all
        stimuli of the model's own protocol.

    Returns
    -------
    xarray.Dataset
        Parameters of the stimulus are variables such as `step.amplitude`; new dims of the stimulus are
        new dims of the state.  Stimuli add up.

    Raises
    ------
    UnitError
        When the unit of the stimulus is no current of this neuron.

    Notes
    -----
    C dv/dt = I + sum of stimuli - sum of membrane currents.

    Examples
    --------
    >>> from sneuron.core.state import InitNeu
    >>> cell = InjCur(InitNeu({"model": "hh"}), step([5, 10], start=50, stop=450))
    >>> cell["step.amplitude"].values
    array([ 5., 10.])
    """
    model = model_of(state, "InjCur")
    if isinstance(stimulus, str) and stimulus == PROTOCOL:
        return functools.reduce(InjCur, protocol(model)[0], state)
    if not (isinstance(stimulus, xr.Dataset) and "kind" in stimulus.attrs):
        return _constant_or_replayed(state, stimulus, model.current_unit)
    kind = str(stimulus.attrs["kind"])
    listed = json.loads(state.attrs["stimulus"])
    name = _free_name(kind, {str(n).partition(".")[0] for n in (*state.variables, *state.dims)})
    added = _renamed(stimulus, kind, name, model.current_unit)
    entry = {"name": name, "kind": kind} | {
        k: v for k, v in stimulus.attrs.items() if k in ("interval", "tau", "seed", "hold")
    }
    merged = _merged(state, added, f"InjCur: {kind!r}")
    return merged.assign_attrs(state.attrs | {"stimulus": json.dumps([*listed, entry])})


def _renamed(stimulus: xr.Dataset, kind: str, name: str, unit: str) -> xr.Dataset:
    """The stimulus under the name that it has in the state, its currents in `unit`."""
    swept = {d: f"{name}.{str(d).removeprefix(kind + '.')}" for d in stimulus.dims if str(d).startswith(kind + ".")}
    swept |= {SAMPLE: f"{name}.{SAMPLE}"} if SAMPLE in stimulus.dims else {}
    plain = stimulus.drop_vars([d for d in swept if d in stimulus.coords])
    plain = plain.rename_dims({d: new for d, new in swept.items() if d != new})
    variables = {
        f"{name}.{k}": _in_unit(str(k), v.variable, load_stimulus(kind), unit) for k, v in plain.data_vars.items()
    }
    for d, new in swept.items():
        if new not in variables and d in stimulus.coords:
            variables[new] = stimulus[d].variable.to_base_variable().copy(deep=False)
            variables[new].dims = (new,)
    return xr.Dataset({k: v for k, v in variables.items() if k not in plain.coords}, coords=plain.coords)


def _merged(state: xr.Dataset, added: xr.Dataset, where: str) -> xr.Dataset:
    """Both together; what they share must be the same."""
    try:
        return xr.merge([state, added], combine_attrs="override", join="exact", compat="equals")
    except (xr.AlignmentError, xr.MergeError) as cause:
        shared = sorted({str(d) for d in state.dims} & {str(d) for d in added.dims})
        raise errors.DataError(
            where, f"its values along {', '.join(shared) or 'a coordinate'} are not those of the neurons",
            mend="Give it the coordinates of the state, or a dim of its own.",
        ) from cause  # fmt: skip


def waves_of(state: xr.Dataset) -> tuple[Wave, ...]:
    """The stimuli of a state as the compiler wants them."""
    return tuple(wave(s["name"], s["kind"]) for s in json.loads(state.attrs["stimulus"]))


def players(state: xr.Dataset) -> tuple[list[xr.DataArray], int]:
    """For each stimulus the row of `samples` that neurons play (0 where none is); and how many rows there are."""
    rows, count = [], 0
    for entry in json.loads(state.attrs["stimulus"]):
        wave = _wave_of(state, entry["name"])
        if wave is None:
            rows.append(xr.DataArray(0))
            continue
        shape = wave.shape[:-1]
        rows.append(xr.DataArray(count + np.arange(math.prod(shape)).reshape(shape), dims=wave.dims[:-1]))
        count += math.prod(shape)
    return rows, count


def samples(state: xr.Dataset, first: int, n_steps: int, dt: float, origin: float) -> Array:
    """What is played from step `first` on, dims (row, 3 * step): three places in each step."""
    places = np.array([EDGE, 0.5, 1.0 - EDGE])
    t = origin + (first + np.arange(n_steps)[:, None] + places).reshape(-1) * dt
    found = [np.zeros((0, t.size))]
    for entry in json.loads(state.attrs["stimulus"]):
        wave = _wave_of(state, entry["name"])
        if wave is not None:
            at = (t - float(state[f"{entry['name']}.start"])) / float(entry["interval"])
            hold = bool(entry.get("hold"))
            found += [_read(row, at, hold)[None] for row in wave.values.reshape(-1, wave.shape[-1])]
    return np.concatenate(found)


def recordings(state: xr.Dataset) -> list[tuple[Array, float, float, bool]]:
    """For each stimulus its samples, dims (row, sample), when the first is played, their interval (ms), and whether
    each is held until the next; one sample of nothing where none is played.
    """
    found = []
    for entry in json.loads(state.attrs["stimulus"]):
        wave = _wave_of(state, entry["name"])
        if wave is None:
            found.append((np.zeros((0, 1)), math.inf, 1.0, False))
            continue
        samples = np.ascontiguousarray(wave.values.reshape(-1, wave.shape[-1]), np.float64)
        start, interval = float(state[f"{entry['name']}.start"]), float(entry["interval"])
        found.append((samples, start, interval, bool(entry.get("hold"))))
    return found


def _wave_of(state: xr.Dataset, name: str) -> xr.DataArray | None:
    """The samples of a played stimulus, sample last; None when it is not played."""
    return state[f"{name}.wave"].transpose(..., f"{name}.{SAMPLE}") if f"{name}.wave" in state else None


def _read(row: Array, at: Array, hold: bool) -> Array:
    """Samples of a row at places `at`: straight lines between samples, or each held until the next; 0 outside."""
    if not hold:
        return np.interp(at, np.arange(row.size), row, left=0.0, right=0.0)
    inside = (at >= 0) & (at < row.size)
    return np.where(inside, row[np.clip(at, 0, row.size - 1).astype(np.int64)], 0.0)


def _stimulus(kind: str, **values: Any) -> xr.Dataset:
    """A stimulus of the library with these values, as a dataset."""
    found = load_stimulus(kind)
    variables = {name: _value(kind, name, value, found.params[name].unit) for name, value in values.items()}
    for name, array in variables.items():
        _check_bounds(f"{kind}: {name!r}", array, found.params[name])
    if {"start", "stop"} <= set(variables):
        _check_order(kind, variables["start"], variables["stop"])
    return xr.Dataset(variables, attrs={"kind": kind})


def _value(kind: str, name: str, value: Any, unit: str) -> xr.DataArray:
    """A parameter of a stimulus as an array, in `unit`; currents keep the unit that they come in until injected."""
    where = f"{kind}: {name!r}"
    if np.ma.is_masked(value):
        raise errors.ParameterError(where, "masked values are not numbers", mend="Fill or drop them.")
    if isinstance(value, xr.DataArray):
        own = labels.units_of(value.attrs)
        if value.dtype.kind not in "fiu":
            raise errors.ParameterError(where, f"values of type {value.dtype} are not real numbers")
        array = labels.convert(value.astype(np.float64), own, unit, where) if unit else value.astype(np.float64)
        return array.assign_attrs(units=unit or own or "")
    if isinstance(value, str) or not (isinstance(value, list | tuple) or np.ndim(value)):
        number, own = _amount(value, unit, where)
        return xr.DataArray(number, attrs={"units": own})
    amounts = [_amount(v, unit, where) for v in value]
    units = {u for _, u in amounts}
    if len(units) != 1:
        raise errors.ParameterError(
            where, f"{value!r:.60} is no list of numbers in one unit", mend="Give numbers, or a DataArray."
        )
    dim, attrs = f"{kind}.{name}", {"units": units.pop()}
    array = np.array([number for number, _ in amounts])
    return xr.DataArray(array, dims=dim, coords={dim: (dim, array, attrs)}, attrs=attrs)


def _amount(value: Any, unit: str, where: str) -> tuple[float, str]:
    """A number and its unit: `unit` where that is set, else whatever comes with the value ("" for none)."""
    value = labels.plain(value, where)
    if unit or not (isinstance(value, str) or hasattr(value, "units")):
        return labels.number(value, unit, where), unit
    if hasattr(value, "units"):
        return float(value.magnitude), f"{value.units:~C}"
    number, _, own = value.strip().partition(" ")
    try:
        return float(number), own.strip()
    except ValueError as cause:
        raise errors.ParameterError(
            where, f"text {value!r} is not a number with a unit", mend="Write it as '0.1 nA'."
        ) from cause


def _check_bounds(where: str, array: xr.DataArray, param: Param) -> None:
    """Bounds of the library; infinite only where the default is."""
    values = array.values
    bad = ~((values >= param.low) & (values <= param.high)) | (np.isinf(values) & (not math.isinf(param.value)))
    if array.size == 0 or bad.any():
        given = f"{float(values[bad].flat[0])!r} {param.unit}".strip() if array.size else "an empty list"
        bounded = not (math.isinf(param.low) and math.isinf(param.high))
        possible = f"{param.low:g} to {param.high:g} {param.unit}".strip() if bounded else "finite numbers"
        raise errors.ParameterError(
            where, f"{given} is not a value", possible, mend="Give numbers within these bounds."
        )


def _check_order(kind: str, start: xr.DataArray, stop: xr.DataArray) -> None:
    if not bool((stop > start).all()):
        raise errors.TimeError(kind, "stop is not after start", mend="Give start < stop, in ms.")


def _with_wave(made: xr.Dataset, wave: xr.DataArray, interval: float) -> xr.Dataset:
    if "stop" not in made:
        last = wave.sizes[SAMPLE] - (0 if made.attrs.get("hold") else 1)
        made["stop"] = (made["start"] + last * interval).assign_attrs(units="ms")
    made["wave"] = wave.assign_attrs(
        units=labels.units_of(wave.attrs) or ("1" if made.attrs["kind"] == "noise" else "")
    )
    return made.assign_attrs(interval=interval)


_SEEDS = "0 to 2**64 - 1"


def checked_seeds(seed: Any, where: str, dim: str) -> xr.DataArray:
    """Seeds as whole numbers of 64 bits, along `dim` when they are a list."""
    given = secrets.randbits(63) if seed is None else seed
    values = given.values if isinstance(given, xr.DataArray) else np.asarray(given, dtype=object)
    flat = values.ravel().tolist() if isinstance(given, xr.DataArray) or values.ndim < 2 else []
    if not flat or not all(isinstance(s, int | np.integer) and not isinstance(s, bool) for s in flat):
        raise errors.ParameterError(f"{where}: 'seed'", f"{seed!r:.60} is not a whole number, or a list", _SEEDS)
    if min(flat) < 0 or max(flat) >= 2**64:
        raise errors.ParameterError(f"{where}: 'seed'", f"{seed!r:.60} is out of bounds", _SEEDS)
    if isinstance(given, xr.DataArray):
        return given
    numbers = np.array(flat, np.int64 if max(flat) < 2**63 else np.uint64)
    if not values.ndim:
        return xr.DataArray(numbers[0])
    return xr.DataArray(numbers, dims=dim, coords={dim: numbers})


def _drawn(seed: Any, n: int, tau: float) -> Array:
    """One row of unit noise."""
    from scipy.signal import lfilter

    key = np.array([int(seed), 0x6E6F697365], np.uint64)
    normal = np.random.Generator(np.random.Philox(key=key)).standard_normal(n)
    keep = np.exp(-NOISE_STEP / tau) if tau > 0 else 0.0
    drive = normal * np.sqrt(1.0 - keep**2)
    drive[0] = normal[0]
    return np.asarray(lfilter([1.0], [1.0, -keep], drive))


def _in_unit(name: str, variable: xr.Variable, found: Waveform, unit: str) -> xr.Variable:
    """A stimulus variable in the unit of the neuron's currents; times and pure numbers stay."""
    own = labels.units_of(variable.attrs) or ""
    given_in_current = [n for n, p in found.params.items() if not p.unit] + ["wave"] * (found.name == "replay")
    if name in given_in_current:
        where = f"InjCur: {name!r} of {found.name!r}"
        variable, own = variable.copy(data=labels.convert(variable.values, own or None, unit, where)), unit
    return xr.Variable(variable.dims, variable.values, variable.attrs | {ROLE: "input", "units": own})


def _free_name(kind: str, taken: Collection[str]) -> str:
    name, k = kind, 2
    while name in taken:
        name, k = f"{kind}_{k}", k + 1
    return name


def _constant_or_replayed(state: xr.Dataset, current: Any, unit: str) -> xr.Dataset:
    if isinstance(current, xr.DataArray) and labels.TIME in current.dims:
        return InjCur(state, replay(current))
    if isinstance(current, xr.DataArray):
        added = _value("InjCur", "current", current, "")
        added = labels.convert(added, added.attrs["units"] or None, unit, "InjCur")
    elif np.ndim(current) == 0:
        added = xr.DataArray(labels.number(current, unit, "InjCur"))
    else:
        raise errors.ParameterError(
            "InjCur", f"{type(current).__name__} is no stimulus", "a number, a DataArray, step(...), ramp(...), ..."
        )
    if not np.isfinite(added.values).all():
        raise errors.ParameterError("InjCur", "the current holds values that are not numbers")
    return _with_more(state, added)


def _with_more(state: xr.Dataset, added: xr.DataArray) -> xr.Dataset:
    """The state with `I` grown by a constant current."""
    if "I" in state.dims and added.ndim:
        raise errors.DataError("InjCur", "'I' is swept along its own dim", mend="Inject step(...) with these values.")
    try:
        one, other = xr.align(state["I"], added, join="exact")
    except xr.AlignmentError as cause:
        what = f"its values along {', '.join(map(str, added.dims))} are not those of the neurons"
        raise errors.DataError("InjCur", what, mend="Give it the coordinates of the state.") from cause
    total = one + other
    kept = state.drop_vars("I").assign_coords({k: c for k, c in total.coords.items() if k != "I"})
    return kept.assign(I=(total.dims, total.values, state["I"].attrs)).assign_attrs(state.attrs)
